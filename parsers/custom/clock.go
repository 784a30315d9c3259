package custom

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A clockReader reads all of s as a time, in loc where it names no zone.
type clockReader func(s string, loc *time.Location) (parsers.Stamp, bool)

// A clockCutter returns how long the time is that s begins with, zero where there is none.
type clockCutter func(s string) int

// cutterNamed returns what finds the end of times as `as` has it, where a blank may be in them; nil for those that are one
// word.
func cutterNamed(as string) clockCutter {
	if as == "" || as == "rfc3339" {
		return func(s string) int {
			_, rest, _ := fields.Stamp(s, nil)
			return len(s) - len(rest)
		}
	}
	if layout, ok := strings.CutPrefix(as, "strptime:"); ok {
		if l, err := compileLayout(layout); err == nil {
			return l.length
		}
	}
	return nil
}

// A lengthReader reads all of s as a length of time.
type lengthReader func(s string) (parsers.Duration, bool)

// clockNamed returns what reads times as `as` has it; empty: as they look.
func clockNamed(as string) (clockReader, error) {
	if layout, ok := strings.CutPrefix(as, "strptime:"); ok {
		l, err := compileLayout(layout)
		if err != nil {
			return nil, err
		}
		return l.read, nil
	}
	switch as {
	case "":
		return anyClock, nil
	case "rfc3339":
		return isoClock, nil
	case "epoch", "epoch_float": // whole or with a fraction: the log tells
		return func(s string, _ *time.Location) (parsers.Stamp, bool) { return fields.Unix(s) }, nil
	case "epoch_ms":
		return func(s string, _ *time.Location) (parsers.Stamp, bool) { return fields.Millis(s) }, nil
	case "tai64n":
		return tai64n, nil
	}
	return nil, fmt.Errorf("as = %q is no way to read a time; use rfc3339, epoch, epoch_float, epoch_ms, tai64n or strptime:%%Y-%%m-%%d…", as)
}

// lengthNamed returns what reads lengths of time as `as` has it; empty: as they look.
func lengthNamed(as string) (lengthReader, error) {
	switch as {
	case "", "duration":
		return anyLength, nil
	case "seconds":
		return fields.Seconds, nil
	case "ms":
		return milliseconds, nil
	case "HH:MM:SS":
		return fields.Clock, nil
	case "1d2h", "go": // Go's own, time.Duration.String, is one of these
		return fields.Units, nil
	}
	return nil, fmt.Errorf(`as = %q is no way to read a length of time; use duration, seconds, ms, HH:MM:SS, 1d2h or go`, as)
}

func isoClock(s string, loc *time.Location) (parsers.Stamp, bool) {
	t, rest, ok := fields.Stamp(s, loc)
	return t, ok && rest == ""
}

// lastSeconds is where numbers stop being seconds since 1970 and are milliseconds: the year 5138, or March of 1973.
const lastSeconds = len("99999999999")

// anyClock reads an ISO stamp, or seconds or milliseconds since 1970.
func anyClock(s string, loc *time.Location) (parsers.Stamp, bool) {
	if t, ok := isoClock(s, loc); ok {
		return t, true
	}
	if whole, _, _ := strings.Cut(s, "."); len(whole) > lastSeconds {
		return fields.Millis(s)
	}
	return fields.Unix(s)
}

// tai64n reads `@400000006aed1b2a0f1c2d34` (cr.yp.to/libtai/tai64.html). Leap seconds have not been taken away by whoever
// wrote it: the offset of multilog and splogger is 10 seconds, always (libtai: tai_now).
func tai64n(s string, _ *time.Location) (parsers.Stamp, bool) {
	s = strings.TrimPrefix(s, "@")
	if len(s) != 24 {
		return 0, false
	}
	sec, err1 := strconv.ParseUint(s[:16], 16, 64)
	nano, err2 := strconv.ParseUint(s[16:], 16, 32)
	const epoch = 1<<62 + 10
	if err1 != nil || err2 != nil || nano >= 1e9 || sec <= epoch || sec > epoch+1<<40 {
		return 0, false
	}
	return parsers.Stamp(int64(sec-epoch)*1e6 + int64(nano)/1e3), true
}

// anyLength reads seconds, `00:01:23` or `1m23s`.
func anyLength(s string) (parsers.Duration, bool) {
	if d, ok := fields.Seconds(s); ok {
		return d, true
	}
	if d, ok := fields.Units(s); ok {
		return d, true
	}
	return fields.Clock(s)
}

func milliseconds(s string) (parsers.Duration, bool) {
	d, ok := fields.Seconds(s)
	ms, _ := d.Milliseconds()
	return parsers.Milliseconds(ms / 1000), ok
}

// A layout is a compiled format of strptime(3): literal text and directives, in turn.
type layout []directive

// A directive is a `%` and its letter, and the literal text before it.
type directive struct {
	literal string
	verb    byte // zero: none follows
}

// verbs are the directives that a layout can have. Those of strptime(3) and Python, as far as logs write them in digits
// and in English.
const verbs = "aAbBdefHIjklmMpsSyYzZ"

// shorthands are directives that stand for several.
func shorthands() *strings.Replacer {
	return strings.NewReplacer("%%", "%%", "%D", "%m/%d/%y", "%F", "%Y-%m-%d", "%R", "%H:%M", "%T", "%H:%M:%S", "%h", "%b", "%n", " ", "%t", " ")
}

func compileLayout(s string) (layout, error) {
	var l layout
	s = shorthands().Replace(s)
	for s != "" {
		literal, rest, found := strings.Cut(s, "%")
		if !found {
			l = append(l, directive{literal: literal})
			break
		}
		if rest == "" || rest[0] != '%' && strings.IndexByte(verbs, rest[0]) < 0 {
			return nil, fmt.Errorf("strptime: %%%.1s is none of its directives: %%Y %%m %%d %%H %%M %%S %%f %%b %%z and others of strptime(3)", rest)
		}
		verb := rest[0]
		if verb == '%' {
			literal, verb = literal+"%", 0
		}
		l = append(l, directive{literal, verb})
		s = rest[1:]
	}
	has := func(verbs string) bool {
		return slices.ContainsFunc(l, func(d directive) bool { return d.verb != 0 && strings.IndexByte(verbs, d.verb) >= 0 })
	}
	switch {
	case has("s"):
	case !has("yY"):
		return nil, errors.New("strptime: there is no year; stamps without one are read by prefix = \"auto\" only")
	case !has("j") && !(has("bBm") && has("de")):
		return nil, errors.New("strptime: there is no day; %m and %d tell it, or %j")
	}
	return l, nil
}

// A moment is a time as its parts come.
type moment struct {
	year, month, day, yearDay, hour, minute, second int

	micro     int64
	unix      int64
	hasUnix   bool
	pm, has12 bool
	east      int
	zoned     bool
}

// read is the layout's clockReader.
func (l layout) read(s string, loc *time.Location) (parsers.Stamp, bool) {
	m := moment{month: 1, day: 1}
	if rest, ok := l.take(&m, s); !ok || rest != "" {
		return 0, false
	}
	return m.stamp(loc)
}

// length is the layout's clockCutter.
func (l layout) length(s string) int {
	var m moment
	rest, ok := l.take(&m, s)
	if !ok {
		return 0
	}
	return len(s) - len(rest)
}

// take reads the time that s begins with.
func (l layout) take(m *moment, s string) (rest string, ok bool) {
	for i := range l {
		if s, ok = cutBlanks(s, l[i].literal); !ok {
			return s, false
		}
		if l[i].verb != 0 {
			if s, ok = m.take(l[i].verb, s); !ok {
				return s, false
			}
		}
	}
	return s, true
}

// cutBlanks takes a literal off s. A blank in it stands for any number of them, none included (strptime(3)).
func cutBlanks(s, literal string) (rest string, ok bool) {
	for i := range len(literal) {
		if literal[i] == ' ' {
			s = strings.TrimLeft(s, " \t")
		} else if s == "" || s[0] != literal[i] {
			return s, false
		} else {
			s = s[1:]
		}
	}
	return s, true
}

// take reads what a directive stands for.
func (m *moment) take(verb byte, s string) (rest string, ok bool) {
	switch verb {
	case 'Y':
		return digits(s, 4, &m.year)
	case 'y':
		rest, ok = digits(s, 2, &m.year)
		if m.year += 1900; m.year < 1969 { // POSIX: 69 to 99 are of the twentieth century
			m.year += 100
		}
	case 'm':
		return digits(s, 2, &m.month)
	case 'd', 'e':
		return digits(strings.TrimLeft(s, " "), 2, &m.day)
	case 'j':
		return digits(s, 3, &m.yearDay)
	case 'H', 'k':
		return digits(strings.TrimLeft(s, " "), 2, &m.hour)
	case 'I', 'l':
		m.has12 = true
		return digits(strings.TrimLeft(s, " "), 2, &m.hour)
	case 'M':
		return digits(s, 2, &m.minute)
	case 'S':
		return digits(s, 2, &m.second)
	case 'f':
		n := 0
		for unit := int64(100_000); n < len(s) && s[n]-'0' <= 9; n++ {
			m.micro += int64(s[n]-'0') * unit
			unit /= 10
		}
		return s[n:], n > 0
	case 's':
		n := 0
		for ; n < len(s) && n < 12 && s[n]-'0' <= 9; n++ {
			m.unix = m.unix*10 + int64(s[n]-'0')
		}
		m.hasUnix = true
		return s[n:], n > 0
	case 'p':
		var i int
		rest, i = word(s, []string{"am", "pm"}, 2)
		m.pm = i == 1
		return rest, i >= 0
	case 'b', 'B':
		var i int
		rest, i = word(s, months, 3)
		m.month = i + 1
		return rest, i >= 0
	case 'a', 'A':
		var i int
		rest, i = word(s, days, 3)
		return rest, i >= 0
	case 'z':
		return m.offset(s)
	case 'Z':
		n := 0
		for n < len(s) && s[n]|0x20-'a' < 26 {
			n++
		}
		// Other abbreviations are of several zones each; the definition's timezone knows which is meant.
		if name := s[:n]; name == "UTC" || name == "GMT" || name == "Z" {
			m.zoned = true
		}
		return s[n:], n > 0
	}
	return rest, ok
}

var (
	months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	days   = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// word reads one of words, in any case, whole or its first letters, and returns which.
func word(s string, words []string, letters int) (rest string, i int) {
	if len(s) < letters {
		return s, -1
	}
	i = slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w[:letters], s[:letters]) })
	if i >= 0 && len(s) >= len(words[i]) && strings.EqualFold(s[:len(words[i])], words[i]) {
		return s[len(words[i]):], i
	}
	return s[letters:], i
}

// digits reads a number of at most so many digits.
func digits(s string, most int, n *int) (rest string, ok bool) {
	v, i := 0, 0
	for ; i < len(s) && i < most && s[i]-'0' <= 9; i++ {
		v = v*10 + int(s[i]-'0')
	}
	*n = v
	return s[i:], i > 0
}

// offset reads `+0100`, `+01:00`, `+01` or `Z`.
func (m *moment) offset(s string) (rest string, ok bool) {
	m.zoned = true
	if s == "" {
		return s, false
	}
	sign := 1
	switch s[0] {
	case 'Z':
		return s[1:], true
	case '-':
		sign = -1
	case '+':
	default:
		return s, false
	}
	var hour, minute int
	if rest, ok = digits(s[1:], 2, &hour); !ok || len(s)-len(rest) != 3 {
		return s, false
	}
	if after, minuteSaid := digits(strings.TrimPrefix(rest, ":"), 2, &minute); minuteSaid {
		rest = after
	}
	m.east = sign * (hour*60 + minute) * 60
	return rest, hour < 24 && minute < 60
}

// stamp returns the moment, false where there is no such time.
func (m *moment) stamp(loc *time.Location) (parsers.Stamp, bool) {
	if m.hasUnix {
		return parsers.Stamp(m.unix*1e6 + m.micro), m.unix > 0
	}
	if m.has12 {
		if m.hour < 1 || m.hour > 12 {
			return 0, false
		}
		if m.hour %= 12; m.pm {
			m.hour += 12
		}
	}
	if m.hour > 23 || m.minute > 59 || m.second > 60 || m.month < 1 || m.month > 12 {
		return 0, false
	}
	if m.yearDay != 0 {
		m.month, m.day = 1, m.yearDay
	}
	if m.zoned || loc == nil {
		loc = time.UTC
	}
	t := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, 0, loc)
	if m.yearDay == 0 && time.Date(m.year, time.Month(m.month), m.day, 0, 0, 0, 0, time.UTC).Day() != m.day || m.yearDay > 366 || m.year < 1970 {
		return 0, false
	}
	return parsers.Stamp((t.Unix()-int64(m.east))*1e6 + m.micro), true
}
