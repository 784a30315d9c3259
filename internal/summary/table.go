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
	names []span            // of rows, as far as one has a name; zero: whoever counted did not know it, another piece does
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
	t.last = uint32(len(t.rows))
	t.index.put(key, t.last)
	t.rows = append(t.rows, row[V]{key: key, parent: parent})
	return &t.rows[t.last]
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

// name returns the row of a key and takes in its name and its parent's, which may be of short life.
func (t *table[V, P]) name(key uint64, name string, parent uint64, parentName string) *row[V] {
	r := t.row(key, parent)
	i := int(t.last)
	if name != "" && t.nameOf(i) == "" {
		for len(t.names) <= i {
			t.names = append(t.names, span{})
		}
		t.names[i] = t.text.add(name)
	}
	if parentName != "" && t.ups[parent] == "" {
		if t.ups == nil {
			t.ups = make(map[uint64]string)
		}
		t.ups[parent] = strings.Clone(parentName)
	}
	return r
}

// nameOf returns the name of the i-th row.
func (t *table[V, P]) nameOf(i int) string {
	if i >= len(t.names) {
		return ""
	}
	return t.text.get(t.names[i])
}

// add joins the rows of o to t.
func (t *table[V, P]) add(o *table[V, P]) {
	for i := range o.rows {
		from := &o.rows[i]
		to := t.name(from.key, o.nameOf(i), from.parent, o.ups[from.parent])
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
			t.name(from.key, old.nameOf(int(i)), from.parent, old.ups[from.parent]).val = from.val
		}
		for _, i := range order[keep:] {
			from := &old.rows[i]
			to := t.name(from.parent, old.ups[from.parent], restKey, "")
			val := P(&from.val).parted(from.parent == restKey)
			P(&to.val).add(&val)
		}
	}
}

// An arena keeps strings that live as long as it does, without an allocation for each and without a pointer to each that
// the collector would have to follow.
type arena struct {
	chunks []*strings.Builder
	open   uint32 // the chunk with room, from 1
}

// A span is where a string is in an arena. The zero span is the empty string.
type span struct {
	chunk uint32 // from 1
	from  uint16
	size  uint16 // zero: all of the chunk
}

const arenaChunk = 8 << 10

func (a *arena) add(s string) span {
	if s == "" {
		return span{}
	}
	if len(s) > arenaChunk/4 {
		long := new(strings.Builder)
		long.WriteString(s)
		a.chunks = append(a.chunks, long)
		return span{chunk: uint32(len(a.chunks))}
	}
	if a.open == 0 || a.chunks[a.open-1].Cap()-a.chunks[a.open-1].Len() < len(s) {
		b := new(strings.Builder)
		b.Grow(arenaChunk)
		a.chunks = append(a.chunks, b)
		a.open = uint32(len(a.chunks))
	}
	b := a.chunks[a.open-1]
	from := b.Len()
	b.WriteString(s)
	return span{a.open, uint16(from), uint16(len(s))}
}

func (a *arena) get(p span) string {
	if p.chunk == 0 {
		return ""
	}
	s := a.chunks[p.chunk-1].String()
	if p.size == 0 {
		return s
	}
	return s[p.from:][:p.size]
}
