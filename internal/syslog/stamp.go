package syslog

import (
	"strings"

	"bouncelog/parsers"
)

// A form is how a stamp is written. It decides what has to follow before a stamp counts as the beginning of a header.
type form uint8

const (
	formBSD    form = iota + 1 // `Nov  5 10:08:00`, also with a year, which no other log begins with
	formISO                    // `2026-11-05T10:08:00.123456+01:00`, which many logs begin with
	formSpaced                 // `2026-11-05 10:08:00`, as Exim's own log begins
	formFull                   // `Thu 2026-11-05 10:08:00 CET`: journalctl -o short-full
	formUnix                   // `1795169280.123456`: journalctl -o short-unix, and qmail's own log
)

// A stamp is a time as its writer had it on the wall.
type stamp struct {
	form     form
	yearless bool   // no year: wall is in the year 2000, which has every day
	zoned    bool   // east is set
	wall     int64  // seconds since 1970-01-01 00:00, read off that wall
	micro    int64  // of the second
	east     int64  // seconds its clock is ahead of UTC
	zone     string // a zone's name that is not an offset
}

const day = 24 * 60 * 60

// A stampMemo holds the last stamp up to the whole second. Lines come by the dozen in one second, and to be reminded
// costs less than to read, all the more where the zone must be asked.
type stampMemo struct {
	key     [24]byte
	n       int
	stamp   stamp
	settled bool          // at and guessed are set
	at      parsers.Stamp // what the local zone and the year rule make of it
	guessed bool
}

// read reads the stamp that s begins with into m, and returns what follows it.
func (m *stampMemo) read(s string) (rest string, ok bool) {
	if m.n == 0 || len(s) <= m.n || s[:m.n] != string(m.key[:m.n]) || digit(s[m.n]) {
		m.stamp, m.settled = stamp{}, false
		m.n = copy(m.key[:], s[:m.stamp.scan(s)])
		if m.n == 0 {
			return s, false
		}
	}
	st := &m.stamp
	st.micro = 0
	if s = s[m.n:]; s != "" && (s[0] == '.' || s[0] == ',') {
		var n int
		if st.micro, n = fraction(s); n == 1 {
			return s, false
		}
		s = s[n:]
	}
	switch st.form {
	case formISO, formSpaced:
		return st.readOffset(s)
	case formFull:
		return st.readZoneName(s)
	}
	return s, true
}

// readOffset reads `Z`, `+01:00`, `+0100` or `+01`, where there is one.
func (st *stamp) readOffset(s string) (rest string, ok bool) {
	st.zoned, st.east = false, 0
	if s == "" {
		return s, true
	}
	switch s[0] {
	case 'Z', 'z':
		st.zoned = true
		return s[1:], true
	case '+', '-':
		east, n := offset(s)
		st.zoned, st.east = true, east
		return s[n:], n > 0
	}
	return s, true
}

// readZoneName reads ` CET`, ` UTC` or ` +0545`, as date(1) abbreviates a zone: a zone without letters of its own is
// named by its offset.
func (st *stamp) readZoneName(s string) (rest string, ok bool) {
	st.zoned, st.east, st.zone = false, 0, ""
	s, ok = strings.CutPrefix(s, " ")
	end := strings.IndexByte(s, ' ')
	if !ok || end < 1 || end > 6 {
		return s, false
	}
	name := s[:end]
	if east, n := offset(name); n == end {
		st.zoned, st.east = true, east
		return s[end:], true
	}
	for i := range len(name) {
		if !letter(name[i]) {
			return s, false
		}
	}
	if st.zoned = name == "UTC" || name == "GMT"; !st.zoned {
		st.zone = name
	}
	return s[end:], true
}

// offset reads `+01:00`, `+0100` or `+01` at the start of s, in seconds. n is its length, zero if there is none.
func offset(s string) (east int64, n int) {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, 0
	}
	h, m, n := two(s[1:]), 0, 3
	switch {
	case len(s) >= 6 && s[3] == ':':
		m, n = two(s[4:]), 6
	case len(s) >= 5 && digit(s[3]):
		m, n = two(s[3:]), 5
	}
	if h > 23 || m > 59 || len(s) > n && digit(s[n]) {
		return 0, 0
	}
	east = int64(h*60+m) * 60
	if s[0] == '-' {
		east = -east
	}
	return east, n
}

// fraction reads `.123456` with any number of digits, in microseconds. n is its length.
func fraction(s string) (micro int64, n int) {
	unit := int64(100_000)
	for n = 1; n < len(s) && digit(s[n]); n++ {
		micro += int64(s[n]-'0') * unit
		unit /= 10
	}
	return micro, n
}

// scan reads a stamp up to the whole second. n is its length, zero if there is none or a field is impossible.
func (st *stamp) scan(s string) (n int) {
	switch {
	case len(s) < len("Nov 5 10:08:00"):
		return 0
	case digit(s[0]):
		switch s[4] {
		case '-':
			return st.scanISO(s, 0)
		case ' ':
			if y := year(s); y > 0 {
				return st.scanBSD(s, 5, y)
			}
			return 0
		}
		return st.scanUnix(s)
	case s[3] == ' ' && digit(s[4]) && weekday(s[:3]):
		if n = st.scanISO(s, 4); st.form != formSpaced {
			return 0
		}
		st.form = formFull
		return n
	}
	return st.scanBSD(s, 0, 0)
}

// scanBSD reads `Nov  5 10:08:00` (RFC 3164 4.1.2) at s[i:], with the day padded in any way, or `Nov  5 2026 10:08:00`.
// y is the year that stood before it, or zero.
func (st *stamp) scanBSD(s string, i, y int) (n int) {
	m := month(s[i:])
	if m == 0 || len(s) < i+len("Nov 5 10:08:00") || s[i+3] != ' ' {
		return 0
	}
	if i += 4; s[i] == ' ' {
		i++
	}
	d := int(s[i] - '0')
	if i++; digit(s[i]) {
		d = d*10 + int(s[i]-'0')
		i++
	}
	if s[i] != ' ' {
		return 0
	}
	i++
	if y == 0 && len(s) > i+4 && s[i+4] == ' ' {
		if y = year(s[i:]); y == 0 {
			return 0
		}
		i += 5
	}
	st.form = formBSD
	if st.yearless = y == 0; st.yearless {
		y = 2000
	}
	return st.set(y, m, d, s, i)
}

// scanISO reads `2026-11-05T10:08:00` (RFC 3339 5.6) at s[i:], or the same with a blank in the middle.
func (st *stamp) scanISO(s string, i int) (n int) {
	if len(s) < i+19 || s[i+4] != '-' || s[i+7] != '-' {
		return 0
	}
	switch s[i+10] {
	case 'T', 't':
		st.form = formISO
	case ' ':
		st.form = formSpaced
	default:
		return 0
	}
	return st.set(year(s[i:]), two(s[i+5:]), two(s[i+8:]), s, i+11)
}

// scanUnix reads the whole seconds of `1795169280.123456`.
func (st *stamp) scanUnix(s string) (n int) {
	for n < len(s) && n < 11 && digit(s[n]) {
		st.wall = st.wall*10 + int64(s[n]-'0')
		n++
	}
	if n < 9 || s[n] != '.' {
		return 0
	}
	st.form, st.zoned = formUnix, true
	return n
}

// set sets the wall clock to the date given and the time that stands at s[i:], and returns where that ends.
func (st *stamp) set(y, m, d int, s string, i int) (n int) {
	if len(s) < i+8 || s[i+2] != ':' || s[i+5] != ':' || len(s) > i+8 && digit(s[i+8]) {
		return 0
	}
	hour, minute, sec := two(s[i:]), two(s[i+3:]), two(s[i+6:])
	// RFC 3339 5.6: the second is 60 where a leap second is inserted.
	if y < 1 || m < 1 || m > 12 || d < 1 || d > monthLength(y, m) || hour > 23 || minute > 59 || sec > 60 {
		return 0
	}
	st.wall = (yearStart(y)+int64(daysBefore(y, m)+d-1))*day + int64((hour*60+minute)*60+sec)
	return i + 8
}

func digit(c byte) bool { return c-'0' <= 9 }

func letter(c byte) bool { return c|0x20-'a' < 26 }

// two returns the number of two digits that s begins with, and a hundred if it does not.
func two(s string) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return 100
	}
	return int(a)*10 + int(b)
}

// year returns the number of four digits that s begins with, zero if it does not.
func year(s string) int {
	a, b := two(s), two(s[2:])
	if a > 99 || b > 99 {
		return 0
	}
	return a*100 + b
}

// month returns the month whose English abbreviation s begins with, zero if there is none. No system writes these stamps
// in another language.
func month(s string) int {
	switch s[:3] {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

func weekday(s string) bool {
	switch s {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// leapDay is the day of the year, counted from 0, that February 29 is.
const leapDay = 31 + 28

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// yearStart returns the days from 1970-01-01 to January 1 of y.
func yearStart(y int) int64 {
	y--
	return int64(y*365 + y/4 - y/100 + y/400 - 719162)
}

var (
	monthDays  = [...]uint8{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	monthStart = [...]uint16{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}
)

func monthLength(y, m int) int {
	if m == 2 && leap(y) {
		return 29
	}
	return int(monthDays[m-1])
}

func daysBefore(y, m int) int {
	if m > 2 && leap(y) {
		return int(monthStart[m-1]) + 1
	}
	return int(monthStart[m-1])
}
