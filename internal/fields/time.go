package fields

import (
	"strings"
	"time"

	"bouncelog/parsers"
)

// Stamp reads the stamp that s begins with, and returns what follows it: `2006-01-02T15:04:05` (RFC 3339 5.6), or with a
// blank in the middle, then a fraction after a point or a comma, then `Z`, `+01:00`, `+0100` or `+01`, which a blank may
// precede. Without a zone it is a time in loc, nil meaning UTC.
func Stamp(s string, loc *time.Location) (t parsers.Stamp, rest string, ok bool) {
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' ||
		s[10] != 'T' && s[10] != ' ' && s[10] != 't' {
		return 0, s, false
	}
	century, year, month, day := two(s), two(s[2:]), two(s[5:]), two(s[8:])
	hour, minute, sec := two(s[11:]), two(s[14:]), two(s[17:])
	// RFC 3339 5.6: the second is 60 where a leap second is inserted.
	if century|year|month|day|hour|minute|sec < 0 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || sec > 60 {
		return 0, s, false
	}
	year += century * 100
	if year == 0 || day > 28 && day > days(year, month+1, 1)-days(year, month, 1) {
		return 0, s, false
	}
	rest = s[19:]
	if rest != "" && digit(rest[0]) {
		return 0, s, false
	}
	var micro int64
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && digit(rest[1]) {
		micro, rest = fraction(rest[1:])
	}
	east, after, zoned := zone(rest)
	at := int64(days(year, month, day))*(24*60*60) + int64(hour*60+minute)*60 + int64(sec) - int64(east)
	if !zoned && loc != nil && loc != time.UTC {
		at = time.Date(year, time.Month(month), day, hour, minute, sec, 0, loc).Unix()
	}
	return parsers.Stamp(at*1e6 + micro), after, true
}

// days returns the days from 1970-01-01 to a date of the Gregorian calendar. For it a year begins in March, so that the
// leap day is its last; months run on to 14, the next February.
func days(year, month, day int) int {
	if month < 3 {
		year, month = year-1, month+12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*month-457)/5 + day - 719469
}

// zone reads a zone as Stamp describes it, in seconds east of UTC. Where there is none, rest is s.
func zone(s string) (east int, rest string, ok bool) {
	rest, blank := strings.CutPrefix(s, " ")
	if rest == "" {
		return 0, s, false
	}
	switch rest[0] {
	case 'Z', 'z':
		if len(rest) > 1 && (letter(rest[1]) || digit(rest[1])) {
			return 0, s, false
		}
		return 0, rest[1:], true
	case '+', '-':
	default:
		return 0, s, false
	}
	if len(rest) < 3 {
		return 0, s, false
	}
	hour, minute, n := two(rest[1:]), 0, 3
	switch {
	case len(rest) >= 6 && rest[3] == ':':
		minute, n = two(rest[4:]), 6
	case len(rest) >= 5 && digit(rest[3]):
		minute, n = two(rest[3:]), 5
	case blank:
		return 0, s, false // ` -05` is more likely something else
	}
	if hour|minute < 0 || hour > 23 || minute > 59 || len(rest) > n && digit(rest[n]) {
		return 0, s, false
	}
	if east = (hour*60 + minute) * 60; rest[0] == '-' {
		east = -east
	}
	return east, rest[n:], true
}

// Unix reads s as seconds since 1970, with or without a fraction.
func Unix(s string) (parsers.Stamp, bool) { return epoch(s, 1e6) }

// Millis reads s as milliseconds since 1970, with or without a fraction.
func Millis(s string) (parsers.Stamp, bool) { return epoch(s, 1e3) }

// epoch reads a decimal number of units of so many microseconds. Zero is no time.
func epoch(s string, unit int64) (parsers.Stamp, bool) {
	n, micro, rest, ok := decimal(s)
	if !ok || rest != "" || n > 1e18/unit {
		return 0, false
	}
	t := parsers.Stamp(n*unit + micro*unit/1e6)
	return t, t > 0
}

// Seconds reads s as seconds, with or without a fraction.
func Seconds(s string) (parsers.Duration, bool) {
	n, micro, rest, ok := decimal(s)
	if !ok || rest != "" || n > maxSeconds {
		return parsers.Duration{}, false
	}
	return parsers.Milliseconds(n*1e3 + micro/1e3), true
}

// maxSeconds is the longest time that makes sense, a thousand years, and that can be summed a million times.
const maxSeconds = 1000 * 365 * 24 * 60 * 60

// Clock reads s as sendmail writes a length of time: `00:01:23`, with days `2+03:04:05` (sendmail: pintvl).
func Clock(s string) (parsers.Duration, bool) {
	var days int64
	if d, clock, found := strings.Cut(s, "+"); found {
		n, micro, rest, ok := decimal(d)
		if !ok || micro != 0 || rest != "" || n > maxSeconds/(24*60*60) {
			return parsers.Duration{}, false
		}
		days, s = n, clock
	}
	if len(s) != len("00:01:23") || s[2] != ':' || s[5] != ':' {
		return parsers.Duration{}, false
	}
	hour, minute, sec := two(s), two(s[3:]), two(s[6:])
	if hour|minute|sec < 0 || minute > 59 || sec > 60 {
		return parsers.Duration{}, false
	}
	return parsers.Milliseconds((days*24*60*60 + int64(hour*60+minute)*60 + int64(sec)) * 1000), true
}

// Units reads s as numbers with units, one after another: `1w2d3h4m5.678s`, `350ms`, `12.5µs`.
func Units(s string) (parsers.Duration, bool) {
	if s == "" {
		return parsers.Duration{}, false
	}
	var micros int64
	for s != "" {
		n, micro, rest, ok := decimal(s)
		if !ok {
			return parsers.Duration{}, false
		}
		unit, rest := cutUnit(rest)
		if unit == 0 || n > maxSeconds*1e6/unit {
			return parsers.Duration{}, false
		}
		if micros += n*unit + micro*unit/1e6; micros > maxSeconds*1e6 {
			return parsers.Duration{}, false
		}
		s = rest
	}
	return parsers.Milliseconds(micros / 1e3), true
}

// cutUnit cuts the unit of time that s begins with, in microseconds; zero where there is none.
func cutUnit(s string) (unit int64, rest string) {
	for _, u := range [...]struct {
		name string
		unit int64
	}{
		{"ms", 1e3}, {"us", 1}, {"µs", 1},
		{"w", 7 * 24 * 60 * 60 * 1e6}, {"d", 24 * 60 * 60 * 1e6}, {"h", 60 * 60 * 1e6}, {"m", 60 * 1e6}, {"s", 1e6},
	} {
		if rest, ok := strings.CutPrefix(s, u.name); ok {
			return u.unit, rest
		}
	}
	return 0, s
}

// decimal reads the number that s begins with, and the millionths after its point.
func decimal(s string) (n, micro int64, rest string, ok bool) {
	i := 0
	for i < len(s) && digit(s[i]) {
		if n > 1e17 {
			return 0, 0, s, false
		}
		n = n*10 + int64(s[i]-'0')
		i++
	}
	if i == 0 {
		return 0, 0, s, false
	}
	if rest = s[i:]; len(rest) > 1 && rest[0] == '.' && digit(rest[1]) {
		micro, rest = fraction(rest[1:])
	}
	return n, micro, rest, true
}

// fraction reads the digits that s begins with as those after a point, in millionths.
func fraction(s string) (micro int64, rest string) {
	unit, i := int64(100_000), 0
	for i < len(s) && digit(s[i]) {
		micro += int64(s[i]-'0') * unit
		unit /= 10
		i++
	}
	return micro, s[i:]
}

// two returns the number of two digits that s begins with, negative if it does not.
func two(s string) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

func letter(c byte) bool { return c|0x20-'a' < 26 }

// InProvenYear returns t, of which the year is a guess, in the year that the arrival of its message proves, and zero where it
// proves none or the year that t has.
//
// A message is in the queue for five days by default, and a stamp is in loc, nil meaning UTC, if not in yet another zone. So
// it belongs from a day before its message's arrival to six days after.
func InProvenYear(t, arrival parsers.Stamp, loc *time.Location) parsers.Stamp {
	const day = parsers.Stamp(24 * time.Hour / time.Microsecond)
	fits := func(t parsers.Stamp) bool { return -day <= t-arrival && t-arrival <= 6*day }
	if t == 0 || fits(t) {
		return 0
	}
	if loc == nil {
		loc = time.UTC
	}
	was := t.Time().In(loc)
	year := arrival.Time().Year()
	for y := year - 1; y <= year+1; y++ {
		is := time.Date(y, was.Month(), was.Day(), was.Hour(), was.Minute(), was.Second(), was.Nanosecond(), loc)
		if is.Day() == was.Day() && fits(parsers.StampOf(is)) { // another day: 29 February of a common year
			return parsers.StampOf(is)
		}
	}
	return 0
}
