package summary

import (
	"math/rand/v2"
	"testing"
)

func TestIndexIsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	var x index
	want := make(map[uint64]uint32)
	for i := range uint32(200_000) {
		key := r.Uint64N(600)
		if r.IntN(2) == 0 {
			key |= r.Uint64N(4) << 60 // the same slot, another key
		}
		if _, ok := want[key]; !ok {
			want[key] = i
			x.put(key, i)
		} else if r.IntN(2) == 0 {
			delete(want, key)
			x.del(key)
		}
		key = r.Uint64N(600)
		pos, ok := x.get(key)
		if w, in := want[key]; ok != in || pos != w {
			t.Fatalf("step %d: get %d: %d, %v, want %d, %v", i, key, pos, ok, w, in)
		}
	}
	if x.len() != len(want) || len(x.keys()) != len(want) {
		t.Fatalf("%d keys, %d listed, want %d", x.len(), len(x.keys()), len(want))
	}
	x.clear()
	if _, ok := x.get(1); ok || x.len() != 0 {
		t.Error("a key after clear")
	}
}
