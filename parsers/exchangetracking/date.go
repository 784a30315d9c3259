package exchangetracking

import (
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// An order is which of day and month comes first in a date.
type order uint8

const (
	unknownOrder order = iota
	dayFirst
	monthFirst
)

// time returns when the event of a row was; zero where its date may be read in two ways, false where it is none.
func (r *row) time() (parsers.Stamp, bool) {
	s := r.cell(dateTime)
	if !r.exported {
		t, rest, ok := fields.Stamp(s, nil)
		return t, ok && rest == ""
	}
	if t, rest, ok := fields.Stamp(s, r.options.Location); ok && rest == "" {
		return t, true
	}
	d, ok := readDate(s)
	if !ok {
		return 0, false
	}
	return d.stamp(r.order, r.options.Location), true
}

// findOrder returns the order of the dates of an export, as far as its first rows prove one.
func (p *parser) findOrder(lines []parsers.Line) order {
	var found order
	var room [48]string
	for i := range lines {
		cells, err := fields.AppendRow(room[:0], lines[i].Text, p.comma)
		if err != nil || len(cells) < p.width {
			continue
		}
		d, ok := readDate(cells[p.columns[dateTime]])
		if !ok || d.fixed || d.order == unknownOrder {
			continue
		}
		if found != unknownOrder && found != d.order {
			return unknownOrder
		}
		found = d.order
	}
	return found
}

// A date is a localised date and time.
type date struct {
	year, a, b int   // a and b: month and day, in this order or the other
	order      order // of a and b, where the date itself proves it
	fixed      bool  // its form proves it, so that it tells nothing of dates of another form

	hour, minute, second int
}

// readDate reads a date and time as PowerShell writes them in most countries: `11/22/2026 10:00:02 AM`, `22.11.2026
// 10:00:02`, `2026/11/22 10:00:02`. One with a year of two digits is none: that could be a day.
func readDate(s string) (d date, ok bool) {
	day, clock, _ := strings.Cut(s, " ")
	a, b, c, sep, ok := three(day)
	switch {
	case !ok || sep == ':':
		return d, false
	case a > 31:
		d.year, d.a, d.b, d.order, d.fixed = a, b, c, monthFirst, true
	case sep == '.': // nowhere does the month come before a point
		d.year, d.a, d.b, d.order, d.fixed = c, a, b, dayFirst, true
	case a > 12:
		d.year, d.a, d.b, d.order = c, a, b, dayFirst
	case b > 12:
		d.year, d.a, d.b, d.order = c, a, b, monthFirst
	default:
		d.year, d.a, d.b = c, a, b
	}
	low, high := min(d.a, d.b), max(d.a, d.b)
	if d.year < 2000 || d.year > 2999 || low < 1 || low > 12 || high > 31 {
		return d, false
	}
	return d, d.readClock(clock)
}

// readClock reads `10:00:02`, or `10:00:02 PM`.
func (d *date) readClock(s string) bool {
	s = strings.Replace(s, "\u202f", " ", 1) // .NET 8 and later
	s, half, halved := strings.Cut(s, " ")
	hour, minute, second, sep, ok := three(s)
	if halved {
		noon := 0
		if strings.EqualFold(half, "PM") {
			noon = 12
		} else if !strings.EqualFold(half, "AM") {
			return false
		}
		if hour < 1 || hour > 12 {
			return false
		}
		hour = hour%12 + noon
	}
	d.hour, d.minute, d.second = hour, minute, second
	return ok && (sep == ':' || sep == '.') && hour < 24 && minute < 60 && second < 60
}

// stamp returns the time in a zone, o being the order of dates in the file; zero where it is not certain.
func (d *date) stamp(o order, loc *time.Location) parsers.Stamp {
	if d.order != unknownOrder {
		o = d.order
	}
	month, day := d.a, d.b
	if o == dayFirst {
		month, day = day, month
	}
	if o == unknownOrder && month != day || month > 12 {
		return 0
	}
	if loc == nil {
		loc = time.UTC
	}
	t := time.Date(d.year, time.Month(month), day, d.hour, d.minute, d.second, 0, loc)
	if t.Day() != day {
		return 0 // February 30
	}
	return parsers.StampOf(t)
}

// three reads three numbers with the same separator between them.
func three(s string) (a, b, c int, sep byte, ok bool) {
	a, s, ok = number(s)
	if !ok || s == "" || strings.IndexByte("/.-:", s[0]) < 0 {
		return a, b, c, sep, false
	}
	sep = s[0]
	if b, s, ok = number(s[1:]); !ok || s == "" || s[0] != sep {
		return a, b, c, sep, false
	}
	c, s, ok = number(s[1:])
	return a, b, c, sep, ok && s == ""
}

// number cuts a number of at most four digits from the front of s.
func number(s string) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 && i < 4 {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}
