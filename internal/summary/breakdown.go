package summary

import (
	"slices"
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

// breakdowns are the tables that were asked for.
type breakdowns struct {
	by     []By
	tables []table[cell, *cell] // one for each of by
	values table[sum, *sum]     // the names of what the cells have hashes of
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

// newBreakdowns returns nil where nobody asks for any.
func newBreakdowns(by []By) *breakdowns {
	if len(by) == 0 {
		return nil
	}
	b := &breakdowns{by: by, tables: make([]table[cell, *cell], len(by)), values: newTable[sum](maxValues)}
	for i := range b.tables {
		b.tables[i] = newTable[cell](maxCells)
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

// at returns where the i-th breakdown counts these values.
func (b *breakdowns) at(i int, values [2]uint64) *tally {
	c := b.tables[i].at(mix(mix(cellSalt, values[0]), values[1]), restKey)
	c.values = values
	return &c.tally
}

const cellSalt = 0x62726561 // or the row of values that are not known would be the rest row

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
				v := r.val.values[k]
				if v == 0 || row.Folded {
					continue
				}
				if b.values.find(v) == nil {
					row.Folded = true
					continue
				}
				row.Key[k] = b.values.nameOf(int(b.values.last))
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
