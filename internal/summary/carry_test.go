package summary

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is counted in runs, each of which knows of those before it their open messages alone, sums up to what is counted at
// once.
func TestCarry(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		log := madeUp(r, 20+r.IntN(300))
		for i := range log { // a line without a time may come a year after the one before: see Settle
			if log[i].line.Time == 0 {
				log[i].line.Time = log[max(0, i-1)].line.Time
			}
		}
		o := encodeOptions()[seed%uint64(len(encodeOptions()))]
		want := noPlaces(piece(o, log, 0, 1, true).Final())
		var open []byte
		var all *Counts
		for at := 0; at < len(log); {
			n := min(1+r.IntN(80), len(log)-at)
			root := New(o, true)
			if open != nil {
				root = decoded(t, open, o)
			}
			root.Append(piece(o, log[at:at+n], at, 1, false))
			at += n
			var counts *Counts
			if at == len(log) {
				counts = root.Final()
			} else {
				root.Settle()
				open = root.EncodeOpen(nil, testPlace)
				if again := decoded(t, open, o).EncodeOpen(nil, testPlace); !bytes.Equal(open, again) {
					t.Fatalf("seed %d: what is open is not the same when it was written and read", seed)
				}
				counts = root.Counts
			}
			if all == nil {
				all = counts
			} else {
				all.Add(counts)
			}
		}
		if got := noPlaces(all); got != want {
			t.Fatalf("seed %d (-at once +in runs):\n%s", seed, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
}

// Standing counts what Final does, less the attempts whose sender may yet come.
func TestStanding(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 10))
		log := madeUp(r, 100)
		o := &Options{}
		settled := piece(o, log, 0, 30, true)
		settled.Settle()
		final := piece(o, log, 0, 30, true).Final()
		s := piece(o, log, 0, 30, true)
		s.Settle()
		got := s.Standing()
		if got.Total.Attempts != settled.Counts.Total.Attempts {
			t.Errorf("seed %d: attempts %+v, want %+v", seed, got.Total.Attempts, settled.Counts.Total.Attempts)
		}
		for _, o := range []Outcome{Pending, Lost} {
			if got.Total.Outcomes[o]+got.Notifications.Outcomes[o] != final.Total.Outcomes[o]+final.Notifications.Outcomes[o] {
				t.Errorf("seed %d: outcomes %+v, want as in %+v", seed, got.Total.Outcomes, final.Total.Outcomes)
			}
		}
	}
}
