// Package recent is how the joiners of formats (parsers.Joiner) remember what the lines before said: the latest of it, in
// bounded memory, whatever the log says.
package recent

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"bouncelog/internal/wire"
)

// A Key identifies a value by several texts: the host, the queue, the id. Those that are not needed are empty.
type Key [4]string

// A Map holds values by their keys, and forgets those that it heard of longest ago. What it forgets depends on the order of
// the log alone.
//
// It has two halves. What is put in or found is in the young half; where that is full it becomes the old one, and what was
// left in that is forgotten. So there is room for limit at least, and for twice as much at most.
//
// Note: of a key it keeps a hash under a seed of its own, not the strings that it is made of, which would keep a block of
// the log alive or have to be copied. 64 bits make it unlikely that two keys of a log are taken for one, and the seed,
// that somebody chooses two that are. The hash is not that of hash/maphash, as another process has to find the same keys.
// An order by use, exact to the entry, costs a list and its pointers.
type Map[V any] struct {
	limit  int
	weight func(V) int
	seed   [16]byte
	text   []byte // of the key at hand

	young, old map[uint64]V
	held       int // weight of the values in young
}

// NewMap returns a map with room for limit values in each half.
func NewMap[V any](limit int) *Map[V] {
	return NewWeightedMap(limit, func(V) int { return 1 })
}

// NewWeightedMap returns a map with room in each half for values that weigh no more than limit together. The weight of a
// value does not change.
func NewWeightedMap[V any](limit int, weight func(V) int) *Map[V] {
	m := &Map[V]{limit: limit, weight: weight, young: make(map[uint64]V)}
	_, _ = rand.Read(m.seed[:]) // it never fails
	return m
}

func (m *Map[V]) hash(key Key) uint64 {
	m.text = append(m.text[:0], m.seed[:]...)
	for _, s := range key {
		m.text = binary.AppendUvarint(m.text, uint64(len(s)))
		m.text = append(m.text, s...)
	}
	sum := sha256.Sum256(m.text)
	return binary.LittleEndian.Uint64(sum[:])
}

// Get returns the value of a key, and whether there is one.
func (m *Map[V]) Get(key Key) (v V, ok bool) {
	h := m.hash(key)
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
func (m *Map[V]) Put(key Key, v V) { m.put(m.hash(key), v) }

func (m *Map[V]) put(h uint64, v V) {
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
func At[V any](m *Map[*V], key Key) *V {
	v, ok := m.Get(key)
	if !ok {
		v = new(V)
		m.Put(key, v)
	}
	return v
}

// Drop forgets a key.
func (m *Map[V]) Drop(key Key) {
	h := m.hash(key)
	if was, ok := m.young[h]; ok {
		m.held -= m.weight(was)
		delete(m.young, h)
	}
	delete(m.old, h)
}

// Append appends the map to what a joiner keeps from one run to the next. value does so with a value.
func (m *Map[V]) Append(a *wire.Appender, value func(*wire.Appender, V)) {
	a.Bytes(m.seed[:])
	for _, half := range []map[uint64]V{m.young, m.old} {
		a.Uint(uint64(len(half)))
		for _, h := range slices.Sorted(maps.Keys(half)) {
			a.Key(h)
			value(a, half[h])
		}
	}
}

// Read makes the map the one that was appended.
func (m *Map[V]) Read(r *wire.Reader, value func(*wire.Reader) V) {
	seed := r.Bytes()
	r.Must(len(seed) == len(m.seed))
	copy(m.seed[:], seed)
	m.young, m.old, m.held = make(map[uint64]V), make(map[uint64]V), 0
	for _, half := range []map[uint64]V{m.young, m.old} {
		for range r.Length(8) {
			h := r.Key()
			half[h] = value(r)
			if r.Err() != nil {
				return
			}
		}
	}
	for _, v := range m.young {
		m.held += m.weight(v)
	}
}

// Keep returns a copy of what is to be remembered, and nothing of what is too long to be an address or a name (RFC 5321
// 4.5.3.1): how many there are is bounded, how long they are is for the log to say.
func Keep(s string) string {
	if len(s) > 1<<10 {
		return ""
	}
	return strings.Clone(s)
}
