package summary

import (
	"cmp"
	"slices"

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
type table[V any, P value[V]] struct {
	limit int
	index index
	rows  []row[V]
	last  uint32 // where the key before was found; the next is often the same
}

type row[V any] struct {
	key, parent uint64
	name        string // empty: whoever counted did not know it; another piece does
	parentName  string
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
		if i, ok := t.index.get(key); ok {
			return &t.rows[i] // it is a parent of one that folded
		}
	}
	if parent == key {
		parent = restKey
	}
	t.index.put(key, uint32(len(t.rows)))
	t.rows = append(t.rows, row[V]{key: key, parent: parent})
	return &t.rows[len(t.rows)-1]
}

// find returns the row of a key, nil where there is none.
func (t *table[V, P]) find(key uint64) *row[V] {
	if t.last < uint32(len(t.rows)) && t.rows[t.last].key == key {
		return &t.rows[t.last]
	}
	if i, ok := t.index.get(key); ok {
		t.last = i
		return &t.rows[i]
	}
	return nil
}

// add joins the rows of o to t.
func (t *table[V, P]) add(o *table[V, P]) {
	for i := range o.rows {
		from := &o.rows[i]
		to := t.row(from.key, from.parent)
		to.take(from)
		P(&to.val).add(&from.val)
	}
}

// take fills in the names that r lacks.
func (r *row[V]) take(o *row[V]) {
	if r.name == "" {
		r.name = o.name
	}
	if r.parentName == "" {
		r.parentName = o.parentName
	}
}

// fold brings t down to its limit, the rest row not counted. Folding a row may make its parent's, which may have to fold
// in turn. In whatever order that comes about the end is the same: a row once beyond the limit stays beyond it.
func (t *table[V, P]) fold() {
	for {
		slices.SortFunc(t.rows, func(a, b row[V]) int { return cmp.Compare(a.key, b.key) })
		keep := t.limit
		if len(t.rows) > 0 && t.rows[0].key == restKey {
			keep++
		}
		if len(t.rows) <= keep {
			break
		}
		over := slices.Clone(t.rows[keep:])
		clear(t.rows[keep:])
		t.rows = t.rows[:keep]
		t.reindex()
		for i := range over {
			from := &over[i]
			to := t.find(from.parent)
			if to == nil {
				t.index.put(from.parent, uint32(len(t.rows)))
				t.rows = append(t.rows, row[V]{key: from.parent, name: from.parentName})
				to = &t.rows[len(t.rows)-1]
			} else if to.name == "" {
				to.name = from.parentName
			}
			val := P(&from.val).parted(from.parent == restKey)
			P(&to.val).add(&val)
		}
	}
	t.reindex()
}

func (t *table[V, P]) reindex() {
	t.index.clear()
	for i := range t.rows {
		t.index.put(t.rows[i].key, uint32(i))
	}
}
