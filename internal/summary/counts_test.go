package summary

import (
	"math"
	"testing"

	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

// Counters of a table's rows are narrow; what they can't hold is not lost, however it came about.
func TestTallySpills(t *testing.T) {
	var a, b tally
	for range 3 {
		a.attempt(parsers.StatusSent, math.MaxUint32)
		a.count(cellOutcome+int(Lost), math.MaxUint32)
	}
	a.attempt(parsers.StatusBounced, 5)
	b.attempt(parsers.StatusSent, 2)
	b.add(&a)
	b.add(&a)
	parted := a.parted(false)
	parted.add(&a)
	const most = math.MaxUint32
	want := Tally{Attempts: Attempts{Sent: 6*most + 2, Bounced: 10}, Outcomes: Outcomes{Lost: 6 * most}}
	if d := cmp.Diff(want, b.whole()); d != "" {
		t.Errorf("a + a + 2 sent (-want +got):\n%s", d)
	}
	want.Attempts.Sent -= 2
	if d := cmp.Diff(want, parted.whole()); d != "" {
		t.Errorf("a parted + a (-want +got):\n%s", d)
	}
	want = Tally{Attempts: Attempts{Sent: 3 * most, Bounced: 5}, Outcomes: Outcomes{Lost: 3 * most}}
	if d := cmp.Diff(want, a.whole()); d != "" {
		t.Errorf("a was changed (-want +got):\n%s", d)
	}
}
