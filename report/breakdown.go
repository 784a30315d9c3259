package report

import (
	"cmp"
	"slices"

	"bouncelog/internal/summary"
)

// A Breakdown counts attempts and outcomes by one dimension, or by two crossed.
type Breakdown struct {
	By        []string       `json:"by"`
	Rows      []BreakdownRow `json:"rows"`
	RowsTotal int            `json:"rows_total"`
}

// A BreakdownRow is one value of each dimension, in the order of By. A value is empty where the log did not say. Folded marks
// the row of all there was no room for; then every value is `other`.
type BreakdownRow struct {
	Key    []string `json:"key"`
	Folded bool     `json:"folded,omitempty"`
	Tally
}

// breakdownOf returns the rows in the order and number that o asks for. What the table had no room for is last, counts as no
// row and is always there. Hours and days stay in order of time unless another order was asked for.
func breakdownOf(b *summary.Breakdown, o *Options) Breakdown {
	out := Breakdown{By: slices.Clone(b.By), Rows: []BreakdownRow{}}
	rows := slices.Clone(b.Rows)
	order := o.Sort
	if timed(b.By[0]) && order == SortBounced {
		order = SortName
	}
	slices.SortStableFunc(rows, func(a, b summary.BreakdownRow) int {
		switch {
		case a.Folded:
			return 1
		case b.Folded:
			return -1
		case order == SortName:
			return slices.Compare(a.Key, b.Key)
		}
		return cmp.Or(order.compare(summary.NamedTally{Tally: a.Tally}, summary.NamedTally{Tally: b.Tally}), slices.Compare(a.Key, b.Key))
	})
	for i := range rows {
		x := &rows[i]
		if !x.Folded {
			if x.Attempts.Total() < o.MinAttempts {
				continue
			}
			out.RowsTotal++
			if o.Top > 0 && out.RowsTotal > o.Top {
				continue
			}
		}
		row := BreakdownRow{Key: slices.Clone(x.Key), Folded: x.Folded, Tally: tallyOf(&x.Tally)}
		if x.Folded {
			for i := range row.Key {
				row.Key[i], _ = orOther("")
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func timed(dimension string) bool { return dimension == "hour" || dimension == "day" }
