package summary

import (
	"math/rand/v2"
	"testing"
)

func TestIndexIsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	var x index
	want := make(map[uint64]uint32)
	keys := make([]uint64, 200_000) // by position
	inverse := uint64(tagFactor)
	for range 5 {
		inverse *= 2 - tagFactor*inverse
	}
	random := func() uint64 { // four keys have the same tag, and neighbours the same slot
		return (r.Uint64N(300)<<32 | r.Uint64N(2)<<63 | r.Uint64N(4)) * inverse
	}
	get := func(key uint64) (uint32, bool) {
		s := x.search(key)
		for {
			pos, ok := x.next(&s)
			if !ok || keys[pos] == key {
				return pos, ok
			}
		}
	}
	for i := range uint32(len(keys)) {
		key := random()
		if pos, ok := want[key]; !ok {
			want[key], keys[i] = i, key
			x.put(key, i)
		} else if r.IntN(2) == 0 {
			delete(want, key)
			x.del(key, pos)
		}
		key = random()
		pos, ok := get(key)
		if w, in := want[key]; ok != in || pos != w {
			t.Fatalf("step %d: get %d: %d, %v, want %d, %v", i, key, pos, ok, w, in)
		}
	}
	if x.len() != len(want) {
		t.Fatalf("%d keys, want %d", x.len(), len(want))
	}
	x.clear()
	if _, ok := get(1); ok || x.len() != 0 {
		t.Error("a key after clear")
	}
}

// An index that is filled at once is as one that was filled one by one, whatever its size.
func TestIndexFill(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 5))
	for _, n := range []int{0, 1, 42, 43, 1000, 50_000} {
		keys := make([]uint64, n)
		for i := range keys {
			keys[i] = uint64(i)<<40 | r.Uint64N(50) // neighbours, too
		}
		var x index
		x.fill(n, func(i uint32) uint64 { return keys[i] })
		if x.len() != n {
			t.Fatalf("%d keys, want %d", x.len(), n)
		}
		find := func(key uint64) (uint32, bool) {
			s := x.search(key)
			for {
				pos, ok := x.next(&s)
				if !ok || keys[pos] == key {
					return pos, ok
				}
			}
		}
		for i, key := range keys {
			if pos, ok := find(key); !ok || pos != uint32(i) {
				t.Fatalf("of %d keys, key %d is at %d, %v", n, i, pos, ok)
			}
			if _, ok := find(key | 1<<63); ok {
				t.Fatalf("of %d keys, one that is not there is found", n)
			}
		}
		for i, key := range keys {
			if i%2 == 0 {
				x.del(key, uint32(i))
			}
		}
		for i, key := range keys {
			if _, ok := find(key); ok != (i%2 == 1) {
				t.Fatalf("of %d keys, key %d is there: %v", n, i, ok)
			}
		}
	}
}
