package recent

import (
	"hash/maphash"
	"strconv"
	"strings"
	"testing"
)

type key struct{ host, id string }

func TestMap(t *testing.T) {
	m := NewMap[key, int](4)
	want := func(id string, v int) {
		t.Helper()
		if got, ok := m.Get(key{"h", id}); got != v || ok != (v != 0) {
			t.Errorf("%s is %d, %v, want %d", id, got, ok, v)
		}
	}
	want("a", 0)
	m.Put(key{"h", "a"}, 1)
	m.Put(key{"h", "a"}, 2) // in place of the one before
	m.Put(key{"i", "a"}, 9)
	m.Put(key{"ha", ""}, 9)
	want("a", 2)
	want("", 0)
	m.Drop(key{"h", "a"})
	m.Drop(key{"h", "a"})
	want("a", 0)
}

// What is put in or asked for is remembered while less than limit others are, and never more than twice as many.
func TestForgets(t *testing.T) {
	const limit = 100
	m := NewMap[int, int](limit)
	for i := 1; i <= 20*limit; i++ {
		m.Put(i, i)
		m.Put(i, i)
		if i%(limit/2) == 0 {
			if v, ok := m.Get(7); v != 7 || !ok {
				t.Fatalf("after %d: %d, %v", i, v, ok)
			}
		}
		if n := len(m.young) + len(m.old); n > 2*limit || m.held != len(m.young) {
			t.Fatalf("after %d: %d are held, and %d counted in the young half of %d", i, n, m.held, len(m.young))
		}
		for _, j := range []int{max(1, i-limit+2), i} {
			h := maphash.Comparable(m.seed, j)
			if m.young[h] == 0 && m.old[h] == 0 {
				t.Fatalf("after %d: %d is forgotten", i, j)
			}
		}
	}
	for _, i := range []int{1, 8, 17 * limit} {
		if v, ok := m.Get(i); ok {
			t.Errorf("%d is remembered: %d", i, v)
		}
	}
}

// A value in the old half, and a newer one of the same key: the latter counts, and both are dropped.
func TestShadowed(t *testing.T) {
	m := NewMap[string, int](2)
	m.Put("a", 1)
	m.Put("b", 1)
	m.Put("c", 1)
	m.Put("a", 2)
	if v, _ := m.Get("a"); v != 2 {
		t.Errorf("a is %d", v)
	}
	m.Drop("a")
	if v, ok := m.Get("a"); ok {
		t.Errorf("a is %d", v)
	}
	if v, ok := m.Get("b"); v != 1 || !ok {
		t.Errorf("b is %d, %v", v, ok)
	}
}

func TestWeight(t *testing.T) {
	const limit = 1000
	m := NewWeightedMap[int](limit, func(s string) int { return 10 + len(s) })
	weight := func(half map[uint64]string) (n int) {
		for _, s := range half {
			n += 10 + len(s)
		}
		return n
	}
	for i := range 500 {
		m.Put(i, strings.Repeat("x", i%100))
		m.Put(i/2, strings.Repeat("y", i%30))
		if i%3 == 0 {
			m.Drop(i - 1)
			m.Get(i - 2)
		}
		if young, old := weight(m.young), weight(m.old); young != m.held || young > limit || old > limit {
			t.Fatalf("after %d: %d held, %d counted, and %d in the old half", i, young, m.held, old)
		}
	}
	m.Put(-1, strings.Repeat("x", 2*limit)) // more than there is room for: it has a half for itself
	if v, _ := m.Get(-1); len(v) != 2*limit || len(m.young) != 1 {
		t.Errorf("%d bytes among %d values", len(v), len(m.young))
	}
}

func TestAt(t *testing.T) {
	m := NewMap[string, *int](2)
	*At(m, "a")++
	*At(m, "a")++
	if v, ok := m.Get("a"); !ok || *v != 2 {
		t.Errorf("%v, %v", v, ok)
	}
}

func TestKeep(t *testing.T) {
	line := "to=<" + strings.Repeat("x", 1<<10) + "y>"
	if got := Keep(line[4 : 4+1<<10]); got != strings.Repeat("x", 1<<10) {
		t.Errorf("%d bytes", len(got))
	}
	if got := Keep(line[4 : 5+1<<10]); got != "" {
		t.Errorf("kept %d bytes", len(got))
	}
}

func TestAllocates(t *testing.T) {
	m := NewMap[key, int64](1 << 10)
	host, id := strings.Repeat("h", 40), strings.Repeat("i", 40)
	m.Put(key{host, id}, 1)
	if n := testing.AllocsPerRun(100, func() {
		m.Put(key{host, id}, 1)
		m.Get(key{host, id})
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMap(b *testing.B) {
	m := NewMap[key, int64](1 << 14)
	ids := make([]string, 1<<16)
	for i := range ids {
		ids[i] = strconv.Itoa(1e9 + i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := ids[i%len(ids)]
		m.Put(key{"mx1.example.com", id}, 1)
		m.Get(key{"mx1.example.com", id})
	}
}
