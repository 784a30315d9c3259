package generic

import (
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// stampReach is within how many bytes of a record its stamp begins.
const stampReach = 40

// findStamp returns the time that stands near the beginning of a record without a syslog header; zero where there is none
// with a year. Without a zone it is a time in loc.
func findStamp(s string, loc *time.Location) parsers.Stamp {
	for i := 0; i < min(len(s), stampReach); i++ {
		if !isWord(s[i]) || i > 0 && isWord(s[i-1]) {
			continue
		}
		if t, _, ok := fields.Stamp(s[i:], loc); ok {
			return t
		}
		if t, ok := readDate(s[i:], loc); ok {
			return t
		}
		if isDigit(s[i]) && (i == 0 || strings.IndexByte(`[=":`, s[i-1]) >= 0) {
			if t, ok := readUnix(s[i:]); ok {
				return t
			}
		}
	}
	return 0
}

// readUnix reads seconds since 1970, or milliseconds, of this century's first decades: other numbers are as long.
func readUnix(s string) (parsers.Stamp, bool) {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	number := strings.TrimSuffix(s[:n], ".")
	whole, fraction, _ := strings.Cut(number, ".")
	switch {
	case n < len(s) && (isWord(s[n]) || s[n] == '@'):
	case len(whole) == 10 && whole[0] == '1':
		return fields.Unix(number)
	case len(whole) == 13 && whole[0] == '1' && fraction == "":
		return fields.Millis(number)
	}
	return 0, false
}

// readDate reads the dates that logs write besides those of RFC 3339: `22/Nov/2026:10:00:04 +0100`, `22-Nov-2026 10:00:04`,
// `22 Nov 2026 10:00:04 +0100` (RFC 5322 3.3), `2026/11/22 10:00:04`, `Nov 22 10:00:04 2026`.
func readDate(s string, loc *time.Location) (parsers.Stamp, bool) {
	var year, month, day int
	var ok bool
	if month = monthOf(s); month > 0 { // asctime
		day, s, ok = number(strings.TrimLeft(s[3:], " "), 2)
		if !ok || !strings.HasPrefix(s, " ") {
			return 0, false
		}
		clock := s[1:]
		if len(clock) < len("10:00:04 2026") || clock[len("10:00:04")] != ' ' {
			return 0, false
		}
		if year, _, ok = number(clock[len("10:00:04 "):], 4); !ok || year < 1970 {
			return 0, false
		}
		return readClock(clock[:len("10:00:04")], year, month, day, loc)
	}
	first, rest, ok := number(s, 4)
	if !ok || len(rest) < 5 {
		return 0, false
	}
	separator := rest[0]
	if rest = rest[1:]; separator == '/' && first >= 1970 {
		year = first
		if month, rest, ok = number(rest, 2); !ok || !strings.HasPrefix(rest, "/") {
			return 0, false
		}
		if day, rest, ok = number(rest[1:], 2); !ok {
			return 0, false
		}
	} else {
		day, month = first, monthOf(rest)
		if month == 0 || rest[3] != separator || strings.IndexByte("/- ", separator) < 0 {
			return 0, false
		}
		if year, rest, ok = number(rest[4:], 4); !ok || year < 1970 {
			return 0, false
		}
	}
	if rest == "" || rest[0] != ' ' && rest[0] != ':' {
		return 0, false
	}
	return readClock(rest[1:], year, month, day, loc)
}

// readClock reads the time of a day, with a fraction and a zone where they are there.
func readClock(s string, year, month, day int, loc *time.Location) (parsers.Stamp, bool) {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	// In the form that fields.Stamp reads.
	room := make([]byte, 0, len("2006-01-02T")+len("15:04:05.000000 +0100"))
	room = append(strconv.AppendInt(room, int64(year), 10), '-', byte('0'+month/10), byte('0'+month%10), '-', byte('0'+day/10), byte('0'+day%10), 'T')
	t, _, ok := fields.Stamp(string(append(room, s[:min(len(s), cap(room)-len(room))]...)), loc)
	return t, ok
}

// number reads a whole number of at most n digits.
func number(s string, n int) (value int, rest string, ok bool) {
	i := 0
	for i < len(s) && i < n && isDigit(s[i]) {
		value = value*10 + int(s[i]-'0')
		i++
	}
	return value, s[i:], i > 0 && (i == len(s) || !isDigit(s[i]))
}

// monthOf returns the month whose English name s begins with, shortened to three letters; 0 where it is none.
func monthOf(s string) int {
	if len(s) < 4 || isLetter(s[3]) {
		return 0
	}
	i := strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", s[:3])
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}
