package summary

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// The encoding of a Summary, version encodingVersion. It is the same bytes for the same Summary on any machine: rows,
// messages and leads are in order of their keys.
//
//	version  settings  flags
//	counts   numbers, tables, times to deliver, breakdowns
//	leads    of a piece that does not begin a log
//	open     messages under way and how many traces they have, then each with its recipients, their traces, and what is held
//
// Integers are varints (encoding/binary), signed ones zigzag. Lists have their length in front. Of a list of numbers, those
// that are zero are left out: a varint before it has a bit for each that is there. Three kinds of value are written once and
// then meant by their number:
//
//	id    a key of 64 bits: 0 is the key 0, 1 a new one whose 8 bytes follow, n+2 the n-th so far; the keys of rows are
//	      among them
//	text  0 is the empty one, 1 a new one whose length and bytes follow, n+2 the n-th new one
//	time  twice the seconds since the last time in the counts, and one more where microseconds follow
//
// Places of evidence are the name of a file, which is a text, and a line.
//
// Note: a column for each field would be smaller by some per cent. Half of what is written are hashes, which nothing makes
// smaller.
const encodingVersion = 1

// A file of this version may have more of these than this program knows: then it was written by a newer one.
const (
	flagRooted = 1 << iota
	knownFlags = 1<<iota - 1
)

// Encode appends s to dst in the form that [Decode] reads. locate names the place of a piece of evidence; nil, or an empty
// name: the place is left out. All counts have to be in s.Counts. s stays as it is, but for rows that were to be folded and
// messages that were to be forgotten.
func (s *Summary) Encode(dst []byte, locate func(Pos) (file string, line int64)) []byte {
	if s.rooted && s.open.len() >= minSweep { // a few are not worth that a log without times could tell the difference
		s.setClocks()
		s.forget()
	}
	e := encoder{b: slices.Grow(dst, usualMessage*s.open.len()), ids: newIDs(), texts: make(map[string]uint64), locate: locate, base: int64(s.Counts.Last) / micro}
	e.uint(encodingVersion)
	AppendSettings(&e.b, s.opt.Settings())
	flags := uint64(0)
	if s.rooted {
		flags |= flagRooted
	}
	e.uint(flags)
	e.int(e.base)
	e.slots = s.Counts.breakdowns.width()
	e.counts(s.Counts)
	if !s.rooted {
		e.leads(s.leads)
	}
	e.open(s)
	return e.b
}

// usualMessage is how many bytes an open message takes as a rule, with its recipient and trace.
const usualMessage = 56

// setClocks sets the clocks of hosts to what the counts say: pieces that were joined or read have none.
func (s *Summary) setClocks() {
	s.Counts.hosts.fold()
	clear(s.clock)
	for i := range s.Counts.hosts.rows {
		if r := &s.Counts.hosts.rows[i]; r.key != restKey {
			s.clock[r.key] = r.val.last
		}
	}
}

const micro = 1_000_000

// width returns how many values facets have.
func (b *breakdowns) width() int {
	if b == nil {
		return 0
	}
	return len(b.slots)
}

// An encoder appends to b.
type encoder struct {
	b      wire.Appender
	ids    ids
	texts  map[string]uint64
	locate func(Pos) (string, int64)
	base   int64 // of times, in seconds
	slots  int   // values of facets
}

// ids are keys by the order of their first appearance.
type ids struct {
	index index
	keys  []uint64
}

func newIDs() ids {
	var x ids
	x.find(0)
	return x
}

// find returns the number of a key, and whether it was there. It is from now on.
func (x *ids) find(key uint64) (n uint64, ok bool) {
	if i, ok := x.get(key); ok {
		return uint64(i), true
	}
	x.index.put(key, uint32(len(x.keys)))
	x.keys = append(x.keys, key)
	return 0, false
}

// get returns the number of a key that is there.
func (x *ids) get(key uint64) (n uint32, ok bool) {
	s := x.index.search(key)
	for {
		i, ok := x.index.next(&s)
		if !ok || x.keys[i] == key {
			return i, ok
		}
	}
}

func (x *ids) has(key uint64) bool {
	_, ok := x.get(key)
	return ok
}

// note sees to it that keys are there.
func (x *ids) note(keys ...uint64) {
	for _, key := range keys {
		x.find(key)
	}
}

// add gives the next number to a key, even to one that has a number.
func (x *ids) add(key uint64) {
	if _, ok := x.find(key); ok {
		x.keys = append(x.keys, key)
	}
}

func (e *encoder) byte(v byte)     { e.b.Byte(v) }
func (e *encoder) uint(v uint64)   { e.b.Uint(v) }
func (e *encoder) int(v int64)     { e.b.Int(v) }
func (e *encoder) key(v uint64)    { e.b.Key(v) }
func (e *encoder) string(s string) { e.b.String(s) }

func (e *encoder) id(v uint64) {
	switch n, ok := e.ids.find(v); {
	case v == 0:
		e.byte(0)
	case ok:
		e.uint(n + 1) // the first of all is 0
	default:
		e.byte(1)
		e.key(v)
	}
}

func (e *encoder) text(s string) {
	if s == "" {
		e.byte(0)
		return
	}
	if n, ok := e.texts[s]; ok {
		e.uint(n + 2)
		return
	}
	e.texts[s] = uint64(len(e.texts))
	e.byte(1)
	e.string(s)
}

func (e *encoder) time(t parsers.Stamp) {
	sec, us := int64(t)/micro, int64(t)%micro
	if us < 0 {
		sec, us = sec-1, us+micro
	}
	v := 2 * (sec - e.base)
	if us == 0 {
		e.int(v)
		return
	}
	e.int(v + 1)
	e.uint(uint64(us))
}

// numbers writes a list of known length.
func (e *encoder) numbers(list ...int64) {
	present := uint64(0)
	for i, n := range list {
		if n != 0 {
			present |= 1 << i
		}
	}
	e.uint(present)
	for _, n := range list {
		if n != 0 {
			e.uint(uint64(n))
		}
	}
}

// list writes a list of any length.
func (e *encoder) list(list []int64) {
	e.uint(uint64(len(list)))
	for _, n := range list {
		e.uint(uint64(n))
	}
}

func (e *encoder) pos(p Pos) {
	if e.locate != nil {
		if file, line := e.locate(p); file != "" {
			e.text(file)
			e.uint(uint64(max(0, line)))
			return
		}
	}
	e.byte(0)
}

func (e *encoder) evidence(x *Evidence) {
	e.text(x.Text)
	if x.Text != "" {
		e.time(x.Time)
		e.pos(x.Pos)
	}
}

// scalars are the counters of c that are in no table, in the order of the encoding. New ones come last.
func (c *Counts) scalars() (list []*int64) {
	for i := range c.Ledger {
		list = append(list, &c.Ledger[i])
	}
	list = append(list, &c.Skipped, &c.Dropped, &c.Repeats, &c.Gaps)
	for _, t := range []*Tally{&c.Total, &c.Notifications} {
		list = append(list, &t.Attempts.Sent, &t.Attempts.Deferred, &t.Attempts.Bounced)
		for i := range t.Outcomes {
			list = append(list, &t.Outcomes[i])
		}
	}
	for i := range c.ByClass {
		list = append(list, &c.ByClass[i])
	}
	for i := range c.ByOrigin {
		list = append(list, &c.ByOrigin[i])
	}
	for _, a := range []*Attempts{&c.Internal, &c.Probes} {
		list = append(list, &a.Sent, &a.Deferred, &a.Bounced)
	}
	return append(list, &c.Overridden, &c.Conflicts, &c.Suspended, &c.Discarded, &c.Unattempted, &c.Suppressed, &c.Async, &c.Connects, &c.Inbound)
}

func (e *encoder) counts(c *Counts) {
	scalars := c.scalars()
	e.uint(uint64(len(scalars)))
	for _, n := range scalars {
		e.int(*n)
	}
	e.time(c.First)
	e.time(c.Last)

	// First come those whose keys others have: a key is written where it comes first, unless it is the hash of a name.
	encodeTable(e, &c.domains, (*encoder).tally)
	encodeTable(e, &c.senders, (*encoder).tally)
	encodeTable(e, &c.providers, (*encoder).tally)
	encodeTable(e, &c.hosts, func(e *encoder, h *hostRow) {
		e.uint(uint64(h.lines))
		e.time(h.first)
		e.time(h.last)
	})
	encodeTable(e, &c.hours, func(e *encoder, h *hourRow) {
		e.numbers(slices.Concat([]int64{h.attempts.Sent, h.attempts.Deferred, h.attempts.Bounced}, h.byClass[:], h.outcomes[:])...)
	})
	encodeTable(e, &c.replies, (*encoder).sum)
	encodeTable(e, &c.pairs, func(e *encoder, p *pair) {
		e.id(p.domain)
		e.id(p.reply)
		e.uint(uint64(p.n))
	})
	encodeTable(e, &c.templates, func(e *encoder, t *template) {
		e.id(t.reply)
		e.uint(uint64(t.n))
		e.time(t.last)
		e.evidence(&t.example)
	})
	encodeTable(e, &c.programs, (*encoder).sum)
	encodeTable(e, &c.causes, func(e *encoder, x *causeRow) {
		e.tally(&x.tally)
		e.evidence(&x.example)
	})

	e.deliveries(&c.deliveries.all)
	// Those of nothing, too: who reads this may know other providers.
	named := slices.SortedFunc(maps.Values(c.deliveries.named), func(a, b *DeliveryTime) int { return cmp.Compare(a.Provider, b.Provider) })
	e.uint(uint64(len(named)))
	for _, d := range named {
		e.string(d.Provider)
		e.deliveries(d)
	}

	if b := c.breakdowns; b != nil {
		encodeTable(e, &b.values, (*encoder).sum)
		for i := range b.tables {
			encodeTable(e, &b.tables[i], func(e *encoder, x *cell) {
				e.id(x.values[0])
				e.id(x.values[1])
				e.tally(&x.tally)
			})
		}
	}
}

func (e *encoder) sum(s *sum) { e.uint(uint64(*s)) }

func (e *encoder) tally(t *tally) {
	w := t.whole()
	list := append(make([]int64, 0, numCells), w.Attempts.Sent, w.Attempts.Deferred, w.Attempts.Bounced)
	e.numbers(append(list, w.Outcomes[:]...)...)
}

func (e *encoder) deliveries(d *DeliveryTime) {
	h := d.Times.trimmed()
	e.uint(uint64(h.first))
	e.list(h.n)
	e.list(d.Delivered)
	e.list(d.GivenUp)
	e.list(d.Pending)
}

// trimmed returns h without the empty buckets at its ends, which depend on the order that it was filled in.
func (h *Histogram) trimmed() Histogram {
	first, n := h.first, h.n
	for len(n) > 0 && n[0] == 0 {
		first, n = first+1, n[1:]
	}
	for len(n) > 0 && n[len(n)-1] == 0 {
		n = n[:len(n)-1]
	}
	if len(n) == 0 {
		return Histogram{}
	}
	return Histogram{first, n}
}

// What the byte before a row says.
const (
	rowKeyed  = 1 << iota // its key is no hash of its name, and follows, less that of the row before
	rowNamed              // its name follows
	rowParent             // its parent's key follows
	knownRow  = 1<<iota - 1
)

// encodeTable writes a table: its rows in order of their keys, then the names of parents that are known.
func encodeTable[V any, P value[V]](e *encoder, t *table[V, P], val func(*encoder, *V)) {
	t.fold()
	order := make([]keyed, len(t.rows))
	for i := range t.rows {
		order[i] = keyed{t.rows[i].key, uint32(i)}
	}
	sortKeys(order)
	e.uint(uint64(len(order)))
	before := uint64(0)
	for _, o := range order {
		r := &t.rows[o.at]
		name := t.nameOf(int(o.at))
		what := byte(0)
		if name != "" {
			what |= rowNamed
		}
		if name == "" || hash(name) != r.key {
			what |= rowKeyed
		}
		if r.parent != restKey {
			what |= rowParent
		}
		e.byte(what)
		if what&rowKeyed != 0 {
			e.uint(r.key - before)
		}
		if what&rowNamed != 0 {
			e.string(name)
		}
		if what&rowParent != 0 {
			e.id(r.parent)
		}
		e.ids.add(r.key)
		val(e, &r.val)
		before = r.key
	}
	// Names of those that are no row's parent depend on how the log was cut.
	named := make(map[uint64]bool)
	for i := range t.rows {
		if up := t.rows[i].parent; up != restKey && t.ups[up] != "" {
			named[up] = true
		}
	}
	ups := slices.Sorted(maps.Keys(named))
	e.uint(uint64(len(ups)))
	for _, up := range ups {
		e.id(up)
		e.string(t.ups[up])
	}
}

// keyed is where something with a key is.
type keyed struct {
	key uint64
	at  uint32
}

// sortKeys sorts by key.
//
// Note: keys are hashes, so one look at their first bits puts a million of them in lists of a few each: three times as fast
// as to compare them all.
func sortKeys(list []keyed) {
	byKey := func(a, b keyed) int { return cmp.Compare(a.key, b.key) }
	if len(list) < 1<<10 {
		slices.SortFunc(list, byKey)
		return
	}
	width := min(16, bits.Len(uint(len(list)))-2)
	ends := make([]uint32, 1<<width)
	for _, k := range list {
		ends[k.key>>(64-width)]++
	}
	at := uint32(0)
	for i, n := range ends {
		ends[i] = at
		at += n
	}
	sorted := make([]keyed, len(list))
	for _, k := range list {
		i := &ends[k.key>>(64-width)]
		sorted[*i] = k
		*i++
	}
	from := uint32(0)
	for _, to := range ends {
		slices.SortFunc(sorted[from:to], byKey)
		from = to
	}
	copy(list, sorted)
}

func (e *encoder) leads(leads map[uint64]lead) {
	order := make([]keyed, 0, len(leads))
	for key := range leads {
		order = append(order, keyed{key: key})
	}
	sortKeys(order)
	e.uint(uint64(len(order)))
	before := uint64(0)
	for _, o := range order {
		l := leads[o.key]
		e.uint(o.key - before)
		before = o.key
		v := uint64(len(l.prefix)) << 1
		if l.cut {
			v |= 1
		}
		e.uint(v)
		e.id(l.host)
		if l.cut {
			e.time(l.at)
		}
		for i := range l.prefix {
			e.item(&l.prefix[i])
		}
	}
}

// What the byte before a message says, besides its facts.
const (
	msgSender = 1 << iota
	msgQueue
	msgFirst // its first recipient follows
	msgBirth // the time of its birth does, in that one's place
	msgList  // more recipients do
	msgHeld
	msgFacets
	knownMsg = 1<<iota - 1
)

func (e *encoder) open(s *Summary) {
	order := make([]keyed, 0, s.open.len())
	for i, m := range s.open.all() {
		order = append(order, keyed{m.key, i})
	}
	sortKeys(order)
	e.uint(uint64(len(order)))
	e.uint(uint64(s.pool.traces.index.len()))
	before := uint64(0)
	for len(order) > 0 {
		n := min(batch, len(order))
		s.look(order[:n])
		for _, o := range order[:n] {
			m := s.open.at(o.at)
			e.uint(m.key - before)
			before = m.key
			e.message(m, &s.pool)
		}
		order = order[n:]
	}
}

// look has the processor look at some messages and their traces, which lie anywhere in memory: in a row, they are waited for
// together. See absorb.
func (s *Summary) look(list []keyed) (found int) {
	for _, o := range list {
		m := s.open.at(o.at)
		if _, t := s.pool.traces.find(traceKey(m, &m.first)); t != nil {
			found++
		}
		if !m.is(dated) {
			continue
		}
		if _, t := s.pool.traces.find(birthKey(m)); t != nil {
			found++
		}
	}
	return found
}

func (e *encoder) message(m *message, p *pool) {
	var x extra
	if m.extra != 0 {
		x = *p.all[m.extra-1]
	}
	what := byte(0)
	for bit, is := range [...]bool{m.sender != 0, m.queue != file{}, m.first.id != 0, m.first.id == 0 && m.first.domain != 0,
		len(x.list) > 0, len(x.held) > 0, e.slots > 0 && p.hasFacets(m.key)} {
		if is {
			what |= 1 << bit
		}
	}
	e.byte(what)
	e.byte(byte(m.facts))
	e.id(m.host)
	e.time(m.last)
	if what&msgSender != 0 {
		e.id(m.sender)
	}
	if what&msgQueue != 0 {
		e.b = append(e.b, m.queue[:]...)
	}
	if what&msgFirst != 0 {
		e.recipient(m, &m.first, p)
	}
	if what&msgBirth != 0 {
		e.time(parsers.Stamp(m.first.domain))
	}
	if m.is(dated) {
		birth := parsers.Stamp(0)
		if _, t := p.traces.find(birthKey(m)); t != nil {
			birth = parsers.Stamp(t.cause)
		}
		e.time(birth)
	}
	if what&msgList != 0 {
		e.uint(uint64(len(x.list)))
		for i := range x.list {
			e.recipient(m, &x.list[i], p)
		}
	}
	if what&msgHeld != 0 {
		e.uint(uint64(len(x.held)))
		for i := range x.held {
			e.item(&x.held[i])
		}
	}
	if what&msgFacets != 0 {
		f := p.facets[m.key]
		e.facets(&f)
	}
}

func (p *pool) hasFacets(key uint64) bool {
	_, ok := p.facets[key]
	return ok
}

// What the number behind a recipient says, where one is deferred.
const (
	traceThere = 1 << iota // it has a trace, which follows
	traceWhole
	traceNowhere
	traceFacets
	knownTrace = 1<<iota - 1
)

func (e *encoder) recipient(m *message, r *recipient, p *pool) {
	e.key(r.id)
	e.id(r.domain)
	e.id(r.up)
	if r.state() != deferred {
		return
	}
	key := traceKey(m, r)
	_, t := p.traces.find(key)
	what := byte(0)
	if t != nil {
		what |= traceThere
		if t.whole {
			what |= traceWhole
		}
		if t.nowhere {
			what |= traceNowhere
		}
	}
	if e.slots > 0 && p.hasFacets(key) {
		what |= traceFacets
	}
	e.byte(what)
	if t != nil {
		e.id(t.cause)
		e.id(t.provider)
		e.uint(uint64(t.tries))
	}
	if what&traceFacets != 0 {
		f := p.facets[key]
		e.facets(&f)
	}
}

func (e *encoder) facets(f *facets) {
	what := byte(0)
	if f.named {
		what |= 1
	}
	if f.asked {
		what |= 2
	}
	e.byte(what)
	for _, v := range f.values[:e.slots] {
		e.id(v)
	}
}

// What the number before an item says: which of its fields are not zero. The three last are of its failure.
const (
	itemTime = 1 << iota
	itemSender
	itemRcpt
	itemDomain
	itemReply
	itemProvider
	itemMarks
	itemQueue
	itemWords // outcome, status, kind, origin
	itemOne   // it stands for one line
	itemFailure
	itemText
	itemFacets
	knownItem = 1<<iota - 1
)

func (e *encoder) item(it *item) {
	what := uint64(0)
	for bit, is := range [...]bool{it.time != 0, it.sender != 0, it.rcpt != 0, it.domain != 0 || it.domainUp != 0, it.reply != 0,
		it.provider != 0, it.marks != 0, it.queue != file{}, it.outcome != 0 || it.status != 0 || it.kind != 0 || it.origin != 0, it.n == 1,
		it.failure != nil, it.failure != nil && it.failure.text != "", e.slots > 0 && it.facets() != nil} {
		if is {
			what |= 1 << bit
		}
	}
	e.byte(byte(it.op))
	e.uint(what)
	if what&itemTime != 0 {
		e.time(it.time)
	}
	if what&itemSender != 0 {
		e.id(it.sender)
	}
	if what&itemRcpt != 0 {
		if it.op == opOutcome {
			e.id(it.rcpt) // it is a cause
		} else {
			e.key(it.rcpt)
		}
	}
	if what&itemDomain != 0 {
		e.id(it.domain)
		e.id(it.domainUp)
	}
	if what&itemReply != 0 {
		e.id(it.reply)
	}
	if what&itemProvider != 0 {
		e.id(it.provider)
	}
	if what&itemMarks != 0 {
		e.uint(uint64(it.marks))
	}
	if what&itemQueue != 0 {
		e.b = append(e.b, it.queue[:]...)
	}
	if what&itemWords != 0 {
		e.b = append(e.b, byte(it.outcome), byte(it.status), byte(it.kind), byte(it.origin))
	}
	if what&itemOne == 0 {
		e.uint(uint64(it.n))
	}
	f := it.failure
	if f == nil {
		return
	}
	e.id(f.template)
	e.id(f.cause)
	e.id(f.causeUp)
	if what&itemText != 0 {
		e.text(f.text)
		e.pos(f.pos)
	}
	if what&itemFacets != 0 {
		e.facets(f.facets)
	}
}
