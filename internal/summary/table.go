package summary

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// hash returns the key of a name. Zero is kept for "no name".
func hash(name string) uint64 {
	return max(1, xxhash.Sum64String(name))
}

// LineHash returns the key of a whole line of a host; the host is empty where the line names it.
func LineHash(raw, host string) uint64 { return mix(hash(raw), hash(host)) }

// mix derives a key from two others.
func mix(a, b uint64) uint64 {
	a ^= b * 0x9E3779B97F4A7C15
	a ^= a >> 32
	a *= 0xD6E8FEB86659FD93
	a ^= a >> 32
	return max(1, a)
}

// restKey is the row into which everything folds that has no nearer parent.
const restKey = 0

// A value is what a table adds up.
type value[V any] interface {
	*V
	add(*V)
	// parted returns what the value is for the row it folds into; rest: that of all that have no nearer parent.
	parted(rest bool) V
}

// A table adds up values by key. It is exact up to limit keys; beyond that, the rows with the largest keys fold into
// their parents, and those without a parent into the rest row. As keys are hashes, which rows remain depends neither on
// the order of arrival nor on how the input was cut.
//
// Names are apart from the rows, so that what a line touches is small: a row of domains is one cache line.
type table[V any, P value[V]] struct {
	limit int
	index index
	rows  []row[V]
	names []string          // of rows; empty: whoever counted did not know it, another piece does
	ups   map[uint64]string // names of parents, by key
	text  arena
	last  uint32 // where the key before was found; the next is often the same
}

type row[V any] struct {
	key, parent uint64
	val         V
}

func newTable[V any, P value[V]](limit int) table[V, P] {
	return table[V, P]{limit: limit}
}

// at returns the value of a key, for adding to it at once: a later call may move it.
func (t *table[V, P]) at(key, parent uint64) *V { return &t.row(key, parent).val }

// row returns the row of a key, made where it is missing.
func (t *table[V, P]) row(key, parent uint64) *row[V] {
	if r := t.find(key); r != nil {
		return r
	}
	if len(t.rows) > 2*t.limit {
		t.fold()
		if r := t.find(key); r != nil {
			return r // it is a parent of one that folded
		}
	}
	if parent == key {
		parent = restKey
	}
	return t.grow(key, parent, "")
}

// find returns the row of a key, nil where there is none.
func (t *table[V, P]) find(key uint64) *row[V] {
	if t.last < uint32(len(t.rows)) {
		if r := &t.rows[t.last]; r.key == key {
			return r
		}
	}
	s := t.index.search(key)
	for {
		i, ok := t.index.next(&s)
		if !ok {
			return nil
		}
		if r := &t.rows[i]; r.key == key {
			t.last = i
			return r
		}
	}
}

// grow adds a row.
func (t *table[V, P]) grow(key, parent uint64, name string) *row[V] {
	t.last = uint32(len(t.rows))
	t.index.put(key, t.last)
	t.rows = append(t.rows, row[V]{key: key, parent: parent})
	t.names = append(t.names, name)
	return &t.rows[t.last]
}

// name returns the row of a key and takes in its name and its parent's, which may be of short life.
func (t *table[V, P]) name(key uint64, name string, parent uint64, parentName string) *row[V] {
	r := t.row(key, parent)
	if t.names[t.last] == "" {
		t.names[t.last] = t.text.clone(name)
	}
	if parentName != "" && t.ups[parent] == "" {
		if t.ups == nil {
			t.ups = make(map[uint64]string)
		}
		t.ups[parent] = t.text.clone(parentName)
	}
	return r
}

// add joins the rows of o to t.
func (t *table[V, P]) add(o *table[V, P]) {
	for i := range o.rows {
		from := &o.rows[i]
		to := t.name(from.key, o.names[i], from.parent, o.ups[from.parent])
		P(&to.val).add(&from.val)
	}
}

// fold brings t down to its limit, the rest row not counted. Folding a row may make its parent's, which may have to fold
// in turn. In whatever order that comes about the end is the same: a row once beyond the limit stays beyond it.
func (t *table[V, P]) fold() {
	for {
		keep := t.limit
		if t.find(restKey) != nil {
			keep++
		}
		if len(t.rows) <= keep {
			return
		}
		old := *t
		order := make([]uint32, len(old.rows))
		for i := range order {
			order[i] = uint32(i)
		}
		slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(old.rows[a].key, old.rows[b].key) })
		// Everything is made anew, or names that went would hold the memory of those that stayed.
		*t = newTable[V, P](old.limit)
		for _, i := range order[:keep] {
			from := &old.rows[i]
			t.name(from.key, old.names[i], from.parent, old.ups[from.parent]).val = from.val
		}
		for _, i := range order[keep:] {
			from := &old.rows[i]
			to := t.name(from.parent, old.ups[from.parent], restKey, "")
			val := P(&from.val).parted(from.parent == restKey)
			P(&to.val).add(&val)
		}
	}
}

// An arena keeps short strings that live as long as it does, without the overhead of an allocation for each.
type arena struct{ chunk *strings.Builder }

const arenaChunk = 8 << 10

func (a *arena) clone(s string) string {
	if len(s) > arenaChunk/8 {
		return strings.Clone(s)
	}
	if a.chunk == nil || a.chunk.Cap()-a.chunk.Len() < len(s) {
		a.chunk = new(strings.Builder)
		a.chunk.Grow(arenaChunk)
	}
	n := a.chunk.Len()
	a.chunk.WriteString(s)
	return a.chunk.String()[n:]
}
