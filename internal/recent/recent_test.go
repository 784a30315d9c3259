package recent

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"bouncelog/internal/wire"
)

type key = Key

func number(i int) Key { return Key{strconv.Itoa(i)} }

func TestMap(t *testing.T) {
	m := NewMap[int](4)
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
	m := NewMap[int](limit)
	for i := 1; i <= 20*limit; i++ {
		m.Put(number(i), i)
		m.Put(number(i), i)
		if i%(limit/2) == 0 {
			if v, ok := m.Get(number(7)); v != 7 || !ok {
				t.Fatalf("after %d: %d, %v", i, v, ok)
			}
		}
		if n := len(m.young) + len(m.old); n > 2*limit || m.held != len(m.young) {
			t.Fatalf("after %d: %d are held, and %d counted in the young half of %d", i, n, m.held, len(m.young))
		}
		for _, j := range []int{max(1, i-limit+2), i} {
			h := m.hash(number(j))
			if m.young[h] == 0 && m.old[h] == 0 {
				t.Fatalf("after %d: %d is forgotten", i, j)
			}
		}
	}
	for _, i := range []int{1, 8, 17 * limit} {
		if v, ok := m.Get(number(i)); ok {
			t.Errorf("%d is remembered: %d", i, v)
		}
	}
}

// A value in the old half, and a newer one of the same key: the latter counts, and both are dropped.
func TestShadowed(t *testing.T) {
	m := NewMap[int](2)
	m.Put(Key{"a"}, 1)
	m.Put(Key{"b"}, 1)
	m.Put(Key{"c"}, 1)
	m.Put(Key{"a"}, 2)
	if v, _ := m.Get(Key{"a"}); v != 2 {
		t.Errorf("a is %d", v)
	}
	m.Drop(Key{"a"})
	if v, ok := m.Get(Key{"a"}); ok {
		t.Errorf("a is %d", v)
	}
	if v, ok := m.Get(Key{"b"}); v != 1 || !ok {
		t.Errorf("b is %d, %v", v, ok)
	}
}

func TestWeight(t *testing.T) {
	const limit = 1000
	m := NewWeightedMap(limit, func(s string) int { return 10 + len(s) })
	weight := func(half map[uint64]string) (n int) {
		for _, s := range half {
			n += 10 + len(s)
		}
		return n
	}
	for i := range 500 {
		m.Put(number(i), strings.Repeat("x", i%100))
		m.Put(number(i/2), strings.Repeat("y", i%30))
		if i%3 == 0 {
			m.Drop(number(i - 1))
			m.Get(number(i - 2))
		}
		if young, old := weight(m.young), weight(m.old); young != m.held || young > limit || old > limit {
			t.Fatalf("after %d: %d held, %d counted, and %d in the old half", i, young, m.held, old)
		}
	}
	m.Put(number(-1), strings.Repeat("x", 2*limit)) // more than there is room for: it has a half for itself
	if v, _ := m.Get(number(-1)); len(v) != 2*limit || len(m.young) != 1 {
		t.Errorf("%d bytes among %d values", len(v), len(m.young))
	}
}

func TestAt(t *testing.T) {
	m := NewMap[*int](2)
	*At(m, Key{"a"})++
	*At(m, Key{"a"})++
	if v, ok := m.Get(Key{"a"}); !ok || *v != 2 {
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
	m := NewMap[int64](1 << 10)
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
	m := NewMap[int64](1 << 14)
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

// A map that was kept goes on as it would have: it finds and forgets the same.
func TestKept(t *testing.T) {
	weight := func(s string) int { return 1 + len(s) }
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		one, other := NewWeightedMap(200, weight), NewWeightedMap(200, weight)
		other.seed = one.seed
		for i := range 2000 {
			k := number(r.IntN(80))
			switch r.IntN(4) {
			case 0:
				one.Drop(k)
				other.Drop(k)
			case 1:
				a, foundA := one.Get(k)
				b, foundB := other.Get(k)
				if a != b || foundA != foundB {
					t.Fatalf("seed %d, %d: %q and %q", seed, i, a, b)
				}
			default:
				v := strings.Repeat("x", r.IntN(20))
				one.Put(k, v)
				other.Put(k, v)
			}
			if r.IntN(20) == 0 {
				var kept wire.Appender
				one.Append(&kept, (*wire.Appender).String)
				data := wire.NewReader(kept)
				one = NewWeightedMap(200, weight)
				one.Read(&data, (*wire.Reader).String)
				if err := data.End(); err != nil || one.held != other.held {
					t.Fatalf("seed %d, %d: %v, %d bytes held, not %d", seed, i, err, one.held, other.held)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	m := NewMap[string](10)
	m.Put(Key{"a"}, "b")
	var kept wire.Appender
	m.Append(&kept, (*wire.Appender).String)
	f.Add([]byte(kept))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := wire.NewReader(data)
		m := NewMap[string](10)
		if m.Read(&r, (*wire.Reader).String); r.Err() != nil {
			return
		}
		m.Put(Key{"a"}, "c")
		if v, ok := m.Get(Key{"a"}); v != "c" || !ok {
			t.Fatalf("%q, %v", v, ok)
		}
	})
}
