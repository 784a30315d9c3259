package syslog

import (
	"math"
	"time"

	"bouncelog/parsers"
)

// A Reference is what the year of an input's first stamp is settled by.
type Reference struct {
	Time time.Time // a moment the input is not younger than: --now, else when the file was written, else the clock
	Year int       // of the first stamp (--year); zero: not given
}

// Anchor returns the stamp of the first line that has one, with its year settled, or zero if none has. A year on the
// line stands. Otherwise ref.Year is it; otherwise it is the latest that puts the stamp not after ref.Time and a day,
// which a clock or a zone may be off. For February 29 that is a leap year.
func Anchor(lines []string, ref Reference, o Options) parsers.Stamp {
	o.Anchor = 0
	r := NewReader(o)
	switch {
	case ref.Year != 0:
		r.years = years{year: ref.Year, known: true}
	case !ref.Time.IsZero():
		r.years = before(r.local.wall(parsers.StampOf(ref.Time)) + day + 1)
		r.years.first = true
	}
	for _, s := range lines {
		if line, ok := r.Cut(s); ok && line.Time != 0 {
			return line.Time
		}
	}
	return 0
}

// years is the year rule. A stamp without year has the latest year that puts it before limit.
//
// Note: with limit a year less a month after the input's first stamp, that is the one year that puts a stamp between a
// month before the first and that limit, so the rule needs no line but the one it is asked about: chunks of an input
// may be read in any order. It holds for inputs that span less than eleven months.
type years struct {
	limit int64 // seconds on the wall of the local zone
	last  int   // the year of limit
	year  int   // the year itself, if not zero
	known bool  // false: there is nothing to go by
	first bool  // the input's first stamp is looked for: it must be before limit
}

// before returns the rule for stamps before limit.
func before(limit int64) years { return years{limit: limit, last: yearOf(limit), known: true} }

// place puts a stamp of the year 2000 into its year.
func (y *years) place(wall int64) (placed int64, ok bool) {
	if !y.known {
		return 0, false
	}
	in := y.year
	if in == 0 {
		if in = y.last; inYear(wall, in) >= y.limit {
			in--
		}
	}
	if isLeapDay(wall) {
		in = leapYear(in, y.first)
	}
	return inYear(wall, in), true
}

// nearest puts a stamp of the year 2000 into the year that brings it nearest to another, which was written on the
// same line.
func nearest(wall, to int64) int64 {
	at := yearOf(to)
	if isLeapDay(wall) {
		return inYear(wall, leapYear(at, false))
	}
	best := inYear(wall, at)
	for _, y := range [...]int{at - 1, at + 1} {
		if w := inYear(wall, y); distance(w, to) < distance(best, to) {
			best = w
		}
	}
	return best
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// year2000 is 2000-01-01 00:00.
const year2000 = 946684800

func isLeapDay(wall int64) bool { return (wall-year2000)/day == leapDay }

// inYear moves a stamp of the year 2000 to year y. February 29 becomes March 1 where there is none.
func inYear(wall int64, y int) int64 {
	since := wall - year2000
	if since/day > leapDay && !leap(y) {
		since -= day
	}
	return yearStart(y)*day + since
}

// leapYear returns the leap year nearest to y; of two the earlier, as logs are of the past.
func leapYear(y int, notAfter bool) int {
	for d := 0; ; d++ {
		switch {
		case leap(y - d):
			return y - d
		case leap(y+d) && !notAfter:
			return y + d
		}
	}
}

func yearOf(wall int64) int { return time.Unix(wall, 0).UTC().Year() }

// A zone turns what clocks showed into instants. It remembers a stretch of time in which the zone's offset was one.
type zone struct {
	loc        *time.Location // nil: UTC
	from, till int64          // on the wall; from equals till: nothing known
	east       int64
}

// wall returns what the clock on the wall showed at s.
func (z *zone) wall(s parsers.Stamp) int64 {
	sec := floor(int64(s), 1e6)
	return sec + z.eastAt(sec)
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (z *zone) at(sec int64) time.Time { return time.Unix(sec, 0).In(z.loc) }

func (z *zone) eastAt(sec int64) int64 {
	if w := sec + z.east; z.loc == nil || z.from <= w && w < z.till {
		return z.east
	}
	_, east := z.at(sec).Zone()
	return int64(east)
}

// offset returns how far the zone is ahead of UTC when its clocks show wall. Of an hour that comes twice it is the
// first, unless name is what the zone was called in the second; in one that is left out the clocks were not yet set.
func (z *zone) offset(wall int64, name string) int64 {
	if z.loc == nil || z.from <= wall && wall < z.till {
		return z.east
	}
	before, after := z.eastAt(wall-day), z.eastAt(wall+day)
	if before == after {
		z.remember(wall-before, before)
		return before
	}
	if z.eastAt(wall-after) == after && (z.eastAt(wall-before) != before || name != "" && z.nameAt(wall-after) == name && z.nameAt(wall-before) != name) {
		return after
	}
	return before
}

func (z *zone) nameAt(sec int64) string {
	name, _ := z.at(sec).Zone()
	return name
}

// remember notes how long the zone is east ahead of UTC around sec. It stays two days clear of the changes, so that
// offset says the same whatever it was asked before.
func (z *zone) remember(sec, east int64) {
	z.from, z.till, z.east = math.MinInt64, math.MaxInt64, east
	start, end := z.at(sec).ZoneBounds()
	if !start.IsZero() {
		z.from = start.Unix() + east + 2*day
	}
	if !end.IsZero() {
		z.till = end.Unix() + east - 2*day
	}
}

// An outer is the stamp of the wrapper or header around another one.
type outer struct {
	at   parsers.Stamp // zero: none
	sure bool          // its year is written there
}

// settle makes an instant of the stamp that m has read, zero where there is no way to know the year. Guessed says that
// its year stands nowhere on the line.
func (r *Reader) settle(m *stampMemo, out outer) (at parsers.Stamp, guessed bool) {
	st := &m.stamp
	micro := parsers.Stamp(st.micro)
	switch {
	case st.zoned:
		return seconds(st.wall-st.east) + micro, false
	case st.yearless && out.at != 0:
		wall := nearest(st.wall, r.local.wall(out.at))
		return seconds(wall-r.local.offset(wall, "")) + micro, !out.sure
	case st.zone != "":
		return seconds(st.wall-r.local.offset(st.wall, st.zone)) + micro, false
	case !m.settled:
		m.settle(&r.local, &r.years)
	}
	if m.at == 0 {
		return 0, false
	}
	return m.at + micro, m.guessed
}

func (m *stampMemo) settle(z *zone, y *years) {
	m.settled, m.at, m.guessed = true, 0, false
	wall := m.stamp.wall
	if m.stamp.yearless {
		if wall, m.guessed = y.place(wall); !m.guessed {
			return
		}
	}
	m.at = seconds(wall - z.offset(wall, ""))
}

func seconds(s int64) parsers.Stamp { return parsers.Stamp(s * 1e6) }
