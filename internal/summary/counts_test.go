package summary

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Cells of a tally are narrow: what they can't hold stays at their bound, in whatever order it came.
func TestTally(t *testing.T) {
	const most = 1<<38 - 1
	r := rand.New(rand.NewPCG(1, 6))
	for range 200 {
		var parts [3]tally
		var want [numCells]int64
		for range r.IntN(40) {
			cell := r.IntN(numCells)
			p := &parts[r.IntN(len(parts))]
			for range 1 + r.IntN(12) {
				n := r.Uint32() | 0xfff0_0000
				p.count(cell, n)
				want[cell] += int64(n)
			}
			if r.IntN(10) == 0 {
				p.low[cell], p.high = math.MaxUint32-uint32(r.IntN(2)), p.high|highMask<<(cell*highBits)
				want[cell] = most // and more
			}
		}
		for i := range want {
			want[i] = min(want[i], most)
		}
		near := parts[0]
		near.add(&parts[1])
		near.add(&parts[2])
		far := parts[2]
		far.add(&parts[1])
		far.add(&parts[0])
		if near != far {
			t.Fatalf("the order matters: %v, %v", near, far)
		}
		w := near.whole()
		got := [numCells]int64{w.Attempts.Sent, w.Attempts.Deferred, w.Attempts.Bounced}
		copy(got[cellOutcome:], w.Outcomes[:])
		for i := range got {
			if d := want[i] - got[i]; d != 0 && (d != 1 || got[i] != most-1) {
				t.Fatalf("cell %d: %d, want %d", i, got[i], want[i])
			}
		}
	}
}
