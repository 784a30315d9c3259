package summary

import (
	"slices"

	"bouncelog/parsers"
)

// A Breakdown counts attempts and outcomes by one dimension, or by two crossed.
type Breakdown struct {
	By   []string // the names of its dimensions
	Rows []BreakdownRow
}

// A BreakdownRow is one value of each dimension, empty where the log did not say. Folded: all those that the table had no
// room for.
type BreakdownRow struct {
	Key    []string
	Folded bool
	Tally
}

// Bounds of the tables of one breakdown. Beyond them rows fold into one.
const (
	maxCells  = 1 << 18
	maxValues = 1 << 18
)

// breakdowns are the tables that were asked for, and what it takes to count in them.
type breakdowns struct {
	by     []By
	tables []table[cell, *cell] // one for each of by
	values table[sum, *sum]     // the names of what the cells have hashes of
	slots  []Dimension          // what facets have the values of, in that order
	opt    *Options
}

// facets are the values of an attempt or a message by slot of the breakdowns; zero: the log did not say.
type facets struct {
	values [2 * MaxBreakdowns]uint64
	named  bool // they are of an event that tells what names the campaign
	asked  bool // they are of the campaign that was asked for
}

// A cell counts one value of each dimension of a breakdown, which it has the hashes of.
type cell struct {
	values [2]uint64 // zero: the log did not say, or there is no such dimension
	tally
}

func (c *cell) add(o *cell) {
	if o.values != [2]uint64{} {
		c.values = o.values
	}
	c.tally.add(&o.tally)
}

func (c *cell) parted(bool) cell { return cell{tally: c.tally} }

// newBreakdowns returns nil where nobody asks for any, nor for a campaign.
func newBreakdowns(o *Options) *breakdowns {
	if len(o.By) == 0 && o.Campaign == "" {
		return nil
	}
	b := &breakdowns{by: o.By, tables: make([]table[cell, *cell], len(o.By)), values: newTable[sum](maxValues), opt: o}
	for i := range b.tables {
		b.tables[i] = newTable[cell](maxCells)
		for _, d := range o.By[i] {
			if d != 0 && d != ByHour && d != ByDay && !slices.Contains(b.slots, d) {
				b.slots = append(b.slots, d)
			}
		}
	}
	return b
}

func (b *breakdowns) add(o *breakdowns) {
	if b == nil {
		return
	}
	for i := range b.tables {
		b.tables[i].add(&o.tables[i])
	}
	b.values.add(&o.values)
}

// rows is a measure of the memory that b takes.
func (b *breakdowns) rows() (n int) {
	if b == nil {
		return 0
	}
	n = len(b.values.rows)
	for i := range b.tables {
		n += len(b.tables[i].rows)
	}
	return n
}

// ofMessage reports whether a dimension is one of messages, not of attempts.
func (b *breakdowns) ofMessage(d Dimension) bool {
	return d == BySender || d == BySenderDomain || d == ByCampaign && b.opt.CampaignFrom != CampaignJob
}

// ofName reports whether messages are told apart by what is said once, before all attempts: then no attempt can be counted
// where that is not known, even if the sender is.
func (b *breakdowns) ofName() bool {
	return b != nil && b.opt.CampaignFrom.byName() && (b.opt.Campaign != "" || slices.Contains(b.slots, ByCampaign))
}

// each calls f with where each breakdown counts what happened at a time to a message of such facets, in such an attempt.
func (b *breakdowns) each(message, attempt *facets, at parsers.Stamp, f func(*tally)) {
	for i, by := range b.by {
		var values [2]uint64
		for k, d := range by {
			switch {
			case d == 0:
			case d == ByHour:
				values[k] = hourKey(at)
			case d == ByDay:
				values[k] = dayKey(at)
			case b.ofMessage(d):
				values[k] = message.values[slices.Index(b.slots, d)]
			case attempt != nil:
				values[k] = attempt.values[slices.Index(b.slots, d)]
			}
		}
		c := b.tables[i].at(mix(mix(cellSalt, values[0]), values[1]), restKey)
		c.values = values
		f(&c.tally)
	}
}

const cellSalt = 0x62726561 // or the row of values that are not known would be the rest row

const dayLength = 24 * hourLength

// dayKey returns the key of the day of s; zero for no time.
func dayKey(s parsers.Stamp) uint64 {
	if s <= 0 {
		return 0
	}
	return uint64(s/dayLength) + 1
}

// name returns the name of a value of a dimension, and whether it is still known.
func (b *breakdowns) name(d Dimension, value uint64) (string, bool) {
	switch {
	case value == 0:
		return "", true
	case d == ByHour:
		return hourStart(value).String(), true
	case d == ByDay:
		return (parsers.Stamp(value-1) * dayLength).Time().Format("2006-01-02"), true
	case b.values.find(value) == nil:
		return "", false
	}
	return b.values.nameOf(int(b.values.last)), true
}

// Keep leaves of the breakdowns those by some dimensions, in that order.
func (c *Counts) Keep(list []By) {
	if c.breakdowns == nil {
		return
	}
	b := *c.breakdowns
	b.by, b.tables = nil, nil
	for _, by := range list {
		if i := slices.Index(c.breakdowns.by, by); i >= 0 {
			b.by, b.tables = append(b.by, by), append(b.tables, c.breakdowns.tables[i])
		}
	}
	c.breakdowns = &b
}

// Breakdowns returns what was asked for, in that order, the rows by their keys and the folded one last.
func (c *Counts) Breakdowns() []Breakdown {
	if c.breakdowns == nil {
		return nil
	}
	b := c.breakdowns
	b.values.fold()
	out := make([]Breakdown, len(b.by))
	for i := range out {
		t := &b.tables[i]
		t.fold()
		x := Breakdown{By: b.by[i].names()}
		folded := BreakdownRow{Key: make([]string, len(x.By)), Folded: true}
		for j := range t.rows {
			r := &t.rows[j]
			if r.val.zero() {
				continue
			}
			row := BreakdownRow{Key: make([]string, len(x.By)), Tally: r.val.whole()}
			row.Folded = r.key == restKey
			for k := range row.Key {
				name, ok := b.name(b.by[i][k], r.val.values[k])
				row.Key[k], row.Folded = name, row.Folded || !ok
			}
			if row.Folded {
				folded.add(&row.Tally)
				continue
			}
			x.Rows = append(x.Rows, row)
		}
		slices.SortFunc(x.Rows, func(a, b BreakdownRow) int { return slices.Compare(a.Key, b.Key) })
		if folded.Tally != (Tally{}) {
			x.Rows = append(x.Rows, folded)
		}
		out[i] = x
	}
	return out
}
