// Package recent is how the joiners of formats (parsers.Joiner) remember what the lines before said: the latest of it, in
// bounded memory, whatever the log says.
package recent

import (
	"hash/maphash"
	"strings"
)

// A Map holds values by their keys, and forgets those that it heard of longest ago. What it forgets depends on the order of
// the log alone.
//
// It has two halves. What is put in or found is in the young half; where that is full it becomes the old one, and what was
// left in that is forgotten. So there is room for limit at least, and for twice as much at most.
//
// Note: of a key it keeps a hash under a seed of its own, not the strings that it is made of, which would keep a block of
// the log alive or have to be copied. 64 bits make it unlikely that two keys of a log are taken for one, and the seed,
// that somebody chooses two that are. An order by use, exact to the entry, costs a list and its pointers.
type Map[K comparable, V any] struct {
	limit  int
	weight func(V) int
	seed   maphash.Seed

	young, old map[uint64]V
	held       int // weight of the values in young
}

// NewMap returns a map with room for limit values in each half.
func NewMap[K comparable, V any](limit int) *Map[K, V] {
	return NewWeightedMap[K](limit, func(V) int { return 1 })
}

// NewWeightedMap returns a map with room in each half for values that weigh no more than limit together. The weight of a
// value does not change.
func NewWeightedMap[K comparable, V any](limit int, weight func(V) int) *Map[K, V] {
	return &Map[K, V]{limit: limit, weight: weight, seed: maphash.MakeSeed(), young: make(map[uint64]V)}
}

// Get returns the value of a key, and whether there is one.
func (m *Map[K, V]) Get(key K) (v V, ok bool) {
	h := maphash.Comparable(m.seed, key)
	if v, ok = m.young[h]; ok {
		return v, true
	}
	if v, ok = m.old[h]; ok {
		delete(m.old, h)
		m.put(h, v)
	}
	return v, ok
}

// Put gives a key a value.
func (m *Map[K, V]) Put(key K, v V) { m.put(maphash.Comparable(m.seed, key), v) }

func (m *Map[K, V]) put(h uint64, v V) {
	if was, ok := m.young[h]; ok {
		m.held -= m.weight(was)
	}
	w := m.weight(v)
	if m.held += w; m.held > m.limit {
		m.old, m.young, m.held = m.young, make(map[uint64]V), w
	}
	m.young[h] = v
}

// At returns the value of a key, to be changed. Where there is none it puts a new one.
func At[K comparable, V any](m *Map[K, *V], key K) *V {
	v, ok := m.Get(key)
	if !ok {
		v = new(V)
		m.Put(key, v)
	}
	return v
}

// Drop forgets a key.
func (m *Map[K, V]) Drop(key K) {
	h := maphash.Comparable(m.seed, key)
	if was, ok := m.young[h]; ok {
		m.held -= m.weight(was)
		delete(m.young, h)
	}
	delete(m.old, h)
}

// Keep returns a copy of what is to be remembered, and nothing of what is too long to be an address or a name (RFC 5321
// 4.5.3.1): how many there are is bounded, how long they are is for the log to say.
func Keep(s string) string {
	if len(s) > 1<<10 {
		return ""
	}
	return strings.Clone(s)
}
