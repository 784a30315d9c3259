package scan

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/source"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// A Day is a part of an input: lines up to the first one of a later day.
type Day struct {
	From, Till int64  // in bytes of text; Till is zero where the end is not known
	Date       string // as 2006-01-02, of its first line that has a time; empty: none has
}

// Days cuts the span of an input, the only one of a configuration, at midnight. A line that is of an earlier day than one
// before it stays with that one's, be that of an earlier run. What is more than a day after the reference does not count: one wild stamp is no day.
func Days(ctx context.Context, c Config, zone *time.Location) ([]Day, error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(s.res.Errors) > 0 {
		return nil, errors.Join(s.res.Errors...)
	}
	in := s.inputs[0]
	if in.reader != nil {
		return nil, errors.New("a pipe is read once")
	}
	t, err := in.Text()
	if err != nil {
		return nil, err
	}
	defer t.Close()
	d := dater{in: in, zone: zone, known: s.Runs.of(in.Input).Day, last: parsers.StampOf(cmp.Or(c.Now, c.Clock)).Add(24 * time.Hour),
		cut: syslog.NewReader(syslog.Options{Location: c.Parse.Location, Anchor: in.anchor, HostAlias: c.HostAlias})}
	span, plain := t.Plain()
	text := io.Reader(t)
	if plain {
		text = io.NewSectionReader(t, span.From, max(0, span.Till-span.From))
	}
	if f := s.framerOf(in); f != nil {
		return d.records(ctx, text, f, span)
	}
	if !plain || in.parted {
		return d.stream(ctx, text, span)
	}
	return d.plain(ctx, t, span.From, span.Till)
}

// A dater tells the days of lines.
type dater struct {
	in     *input
	cut    *syslog.Reader
	zone   *time.Location
	known  string        // the day before the text; empty: none
	last   parsers.Stamp // a later one is wild
	line   parsers.Line
	events []parsers.Event

	section *section // of the record; nil: records are lines

	from, till parsers.Stamp // of a day, and what it is
	day        string
}

// dayOf returns the date of a line, empty where it tells none.
func (d *dater) dayOf(raw string) string {
	at := parsers.Stamp(0)
	if !d.in.found.bare() && d.cut.CutTo(&d.line, raw) {
		at = d.line.Time
	} else {
		line := bareLine(raw)
		for _, g := range d.in.found.Bare {
			p := d.in.parsers[g.index]
			if d.section != nil && d.section.parser != nil {
				p = d.section.parser
			}
			d.events, _ = p.AppendEvents(d.events[:0], &line)
			if len(d.events) > 0 {
				at = d.events[0].Time
				break
			}
		}
		if at == 0 && d.cut.CutTo(&d.line, raw) {
			at = d.line.Time
		}
	}
	if at == 0 || at >= d.last {
		return ""
	}
	if at < d.from || at >= d.till {
		y, m, day := at.Time().In(d.zone).Date()
		start := time.Date(y, m, day, 0, 0, 0, 0, d.zone)
		d.from, d.till, d.day = parsers.StampOf(start), parsers.StampOf(time.Date(y, m, day+1, 0, 0, 0, 0, d.zone)), start.Format(time.DateOnly)
	}
	return d.day
}

// records cuts a text of records that are not lines, between two of them. Where they end can be told only from the beginning.
func (d *dater) records(ctx context.Context, r io.Reader, f *framer, span source.Span) ([]Day, error) {
	days := []Day{{From: span.From, Till: span.Till, Date: d.known}}
	f.single = true // so that it can be told what each stands under
	buf := make([]byte, 0, 2*blockSize)
	at, ended := span.From, false // where buf begins
	overlong := false
	for !ended || len(buf) > 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !ended {
			buf = slices.Grow(buf, blockSize)
			n, err := io.ReadFull(r, buf[len(buf):len(buf)+blockSize])
			buf, ended = buf[:len(buf)+n], err != nil // what is wrong with the data is told when it is read
		}
		text := string(buf)
		rest := text
		for rest != "" {
			n := 0
			if overlong {
				n = strings.IndexByte(rest, '\n') + 1
				overlong = n == 0
			} else {
				var m any
				n, m = f.Cut(rest, ended)
				d.section = m.(blockMark).section
				d.add(&days, at+int64(len(text)-len(rest)), f.trim(rest[:n]))
			}
			if n == 0 {
				break
			}
			rest = rest[n:]
		}
		if ended || len(rest) > maxRecord {
			overlong = len(rest) > maxRecord
			rest = ""
		}
		at += int64(len(text) - len(rest))
		buf = append(buf[:0], rest...)
	}
	days[len(days)-1].Till = span.Till
	return days, nil
}

// stream cuts a text that can be read only from its beginning, or whose lines may be cut into parts: between two of these.
func (d *dater) stream(ctx context.Context, r io.Reader, span source.Span) ([]Day, error) {
	days := []Day{{From: span.From, Date: d.known}}
	var open openLines
	err := eachLine(ctx, r, span.From, func(at int64, line string) {
		if !d.in.parted || open.cutBefore(line, int(at-span.From)) {
			d.add(&days, at, line)
		}
	})
	days[len(days)-1].Till = span.Till
	return days, err
}

// add takes in the next line, which begins at a place.
func (d *dater) add(days *[]Day, at int64, line string) {
	date := d.dayOf(line)
	now := &(*days)[len(*days)-1]
	switch {
	case date == "":
	case now.Date == "" || date > now.Date && at == now.From:
		now.Date = date
	case date > now.Date:
		now.Till = at
		*days = append(*days, Day{From: at, Date: date})
	}
}

// window is how much of a plain text is looked at to find a line with a time.
const window = 64 << 10

// plain cuts a text that can be read anywhere. Its days are found by halving, as a log's times grow.
func (d *dater) plain(ctx context.Context, t *source.Text, from, till int64) ([]Day, error) {
	days := []Day{{From: from, Till: till, Date: d.known}}
	for {
		now := &days[len(days)-1]
		date, at, err := d.first(t, now.From, till, true)
		if err != nil || date == "" {
			return days, err
		}
		date = max(date, d.known)
		now.Date = date
		last, err := d.latest(t, at, till)
		if err != nil || last <= date {
			return days, err
		}
		low, high := at, till // a line of this date begins at low
		for high-low > window {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			middle := low + (high-low)/2
			found, at, err := d.first(t, middle, high, false)
			if err != nil {
				return nil, err
			}
			if found == "" || found > date {
				high = middle // the first of a later day is before it, or that line, or none that tells its time is
			} else {
				low = at
			}
		}
		cut, err := d.later(t, low, till, date)
		if err != nil || cut == 0 {
			return days, err
		}
		now.Till = cut
		days = append(days, Day{From: cut, Till: till})
	}
}

// each calls f with the lines that begin in [from, till), at from itself where that is known to be the beginning of one (whole), until
// it returns false.
func (d *dater) each(t *source.Text, from, till int64, whole bool, f func(at int64, line string) bool) error {
	buf := make([]byte, window)
	at := from
	for at < till {
		n, err := t.ReadAt(buf, at)
		if err != nil || n == 0 {
			return err
		}
		text := string(buf[:n])
		if !whole {
			_, rest, ok := strings.Cut(text, "\n")
			if !ok {
				at += int64(n)
				continue
			}
			at += int64(len(text) - len(rest))
			text, whole = rest, true
		}
		for text != "" && at < till {
			line, rest, ok := strings.Cut(text, "\n")
			if !ok {
				break
			}
			if !f(at, line) {
				return nil
			}
			at += int64(len(line) + 1)
			text = rest
		}
		if text != "" && len(text) == n { // a line that is longer than the buffer
			if !f(at, text) {
				return nil
			}
			at, whole = at+int64(n), false
		}
	}
	return nil
}

// first returns the date and the place of the first line with a time at a place or behind it, and before till.
func (d *dater) first(t *source.Text, from, till int64, whole bool) (date string, at int64, err error) {
	err = d.each(t, from, till, whole, func(place int64, line string) bool {
		date, at = d.dayOf(line), place
		return date == ""
	})
	return date, at, err
}

// latest returns the latest date of the lines of the last window.
func (d *dater) latest(t *source.Text, from, till int64) (date string, err error) {
	at := max(from, till-window)
	err = d.each(t, at, till, at == from, func(_ int64, line string) bool {
		date = max(date, d.dayOf(line))
		return true
	})
	return date, err
}

// later returns where the first line of a later date begins; zero: there is none.
func (d *dater) later(t *source.Text, from, till int64, date string) (at int64, err error) {
	err = d.each(t, from, till, true, func(place int64, line string) bool {
		if d.dayOf(line) > date {
			at = place
			return false
		}
		return true
	})
	return at, err
}
