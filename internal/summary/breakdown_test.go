package summary

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What there is no room for goes into one row, the same in whatever order and in however many pieces it comes, and nothing
// is lost by it.
func TestBreakdownsFold(t *testing.T) {
	type count struct{ a, b, n int }
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 2))
		var events []count
		for range 400 {
			events = append(events, count{r.IntN(30), r.IntN(4), 1 + r.IntN(3)})
		}
		o := &Options{By: []By{{ByRelay, ByCode}}}
		small := func() *Counts {
			c := o.newCounts()
			c.breakdowns.tables[0].limit, c.breakdowns.values.limit = 20, 12
			return c
		}
		in := func(pieces int) []Breakdown {
			all := make([]*Counts, pieces)
			for i := range all {
				all[i] = small()
			}
			for _, e := range events {
				b := all[r.IntN(pieces)].breakdowns
				f := new(facets)
				for slot, name := range []string{fmt.Sprintf("mx%d.example.com", e.a), fmt.Sprintf("55%d", e.b)} {
					f.values[slot] = hash(name)
					b.values.name(hash(name), name, restKey, "")
				}
				b.each(new(facets), f, 0, func(t *tally) { t.count(cellSent, uint32(e.n)) })
			}
			total := small()
			for _, c := range all {
				total.Add(c)
			}
			return total.Breakdowns()
		}
		one := in(1)
		rows := one[0].Rows
		if n := len(rows); n < 2 || n > 21 || !rows[n-1].Folded || rows[n-2].Folded {
			t.Fatalf("seed %d: %d rows, the last of them %+v", seed, n, rows[n-1])
		}
		var want, got int64
		for _, e := range events {
			want += int64(e.n)
		}
		for _, row := range rows {
			got += row.Attempts.Sent
		}
		if got != want {
			t.Errorf("seed %d: %d attempts in the rows, want %d", seed, got, want)
		}
		for _, pieces := range []int{2, 7} {
			r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			if d := cmp.Diff(one, in(pieces)); d != "" {
				t.Fatalf("seed %d, %d pieces (-one +pieces):\n%s", seed, pieces, d)
			}
		}
	}
}
