package summary

import (
	"fmt"
	"math"

	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// ErrCorrupt is what is wrong with data that no [Summary.Encode] wrote.
var ErrCorrupt = wire.ErrCorrupt

// A VersionError says that a newer program wrote the data.
type VersionError struct{ Have, Known uint64 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("version %d was written by a newer bouncelog: this one knows versions up to %d; update it", e.Have, e.Known)
}

// ReadVersion reads the version that data begins with, which has to be the one that is known. That of a newer program is a
// [*VersionError].
func ReadVersion(r *wire.Reader, known uint64) {
	if v := r.Uint(); v > known {
		r.Fail(&VersionError{v, known})
	} else {
		r.Must(v == known)
	}
}

// A Header is what the encoding of a Summary begins with.
type Header struct {
	Settings []Setting // that it was made with
	Rooted   bool      // nothing came before it

	base int64 // of times
}

// ReadHeader reads the beginning of what [Summary.Encode] wrote.
func ReadHeader(data []byte) (*Header, error) {
	d := decoder{r: wire.NewReader(data)}
	h := d.header()
	return h, d.r.Err()
}

// Decode returns the Summary that [Summary.Encode] wrote. Its Options are o, which have to be those that it was made with: a
// [*SettingError] names the first that differs. That of a newer program is a [*VersionError], and anything else that is
// wrong [ErrCorrupt]. input gives each file that evidence stands in the number that its places get: see [PlaceOf].
func Decode(data []byte, o *Options, input func(file string) uint32) (*Summary, error) {
	d := decoder{r: wire.NewReader(data), ids: []uint64{0}, texts: []string{""}, input: input}
	h := d.header()
	if err := d.r.Err(); err != nil {
		return nil, err
	}
	if err := o.Compare(h.Settings); err != nil {
		return nil, err
	}
	d.base = h.base
	s := New(o, h.Rooted)
	d.slots = s.Counts.breakdowns.width()
	d.counts(s.Counts)
	if !s.rooted {
		d.leads(s)
	}
	d.open(s)
	if err := d.r.End(); err != nil {
		return nil, err
	}
	s.setClocks()
	s.sweepAt = max(minSweep, s.open.len()+s.open.len()/2)
	return s, nil
}

// PlaceOf returns the place of a line of an input as Decode makes it: its block is not known.
func PlaceOf(input uint32, line int64) Pos {
	return Pos{input, uint32(line >> 32), uint32(line)}
}

// DecodedLine returns the line of a place that Decode made.
func (p Pos) DecodedLine() int64 { return int64(p.Block)<<32 | int64(p.Line) }

// A decoder takes values off r. After the first error it gives zero values.
type decoder struct {
	r     wire.Reader
	ids   []uint64
	texts []string
	files []uint32 // numbers of texts that are files, from 1; zero: not asked yet
	input func(string) uint32
	base  int64
	slots int
}

func (d *decoder) fail()                { d.r.Fail(ErrCorrupt) }
func (d *decoder) must(ok bool)         { d.r.Must(ok) }
func (d *decoder) failed() bool         { return d.r.Err() != nil }
func (d *decoder) byte() byte           { return d.r.Byte() }
func (d *decoder) uint() uint64         { return d.r.Uint() }
func (d *decoder) int() int64           { return d.r.Int() }
func (d *decoder) take(n uint64) []byte { return d.r.Take(n) }
func (d *decoder) key() uint64          { return d.r.Key() }
func (d *decoder) string() string       { return d.r.String() }
func (d *decoder) length(least int) int { return d.r.Length(least) }

func (d *decoder) id() uint64 {
	switch n := d.uint(); {
	case n == 0:
		return 0
	case n == 1:
		v := d.key()
		d.ids = append(d.ids, v)
		return v
	case n-1 < uint64(len(d.ids)):
		return d.ids[n-1]
	}
	d.fail()
	return 0
}

// textNumber reads a text and returns its number.
func (d *decoder) textNumber() int {
	switch n := d.uint(); {
	case n == 0:
		return 0
	case n == 1:
		d.texts = append(d.texts, d.string())
		return len(d.texts) - 1
	case n-1 < uint64(len(d.texts)):
		return int(n - 1)
	}
	d.fail()
	return 0
}

func (d *decoder) text() string { return d.texts[d.textNumber()] }

func (d *decoder) time() parsers.Stamp {
	v, us := d.int(), uint64(0)
	if v&1 != 0 {
		us = d.uint()
	}
	sec := v>>1 + d.base
	if us >= micro || sec > maxSecond || sec < -maxSecond {
		d.fail()
		return 0
	}
	return parsers.Stamp(sec*micro + int64(us))
}

// maxSecond is beyond the last second that a Stamp can have.
const maxSecond = math.MaxInt64/micro + 1

// number reads a count.
func (d *decoder) number() int64 {
	v := d.uint()
	if v > maxNumber {
		d.fail()
		return 0
	}
	return int64(v)
}

const maxNumber = 1 << 56

// numbers reads a list of known length.
func (d *decoder) numbers(list []int64) {
	present := d.uint()
	d.must(present>>len(list) == 0)
	for i := range list {
		if present>>i&1 != 0 {
			list[i] = d.number()
		}
	}
}

// list reads a list of any length up to a limit, without zeros at its end.
func (d *decoder) list(limit int) []int64 {
	n := d.length(1)
	if n == 0 || n > limit {
		d.must(n == 0)
		return nil
	}
	list := make([]int64, n)
	for i := range list {
		list[i] = d.number()
	}
	d.must(list[n-1] != 0)
	return list
}

func (d *decoder) pos() Pos {
	n := d.textNumber()
	if n == 0 {
		return Pos{}
	}
	line := d.number()
	for len(d.files) < len(d.texts) {
		d.files = append(d.files, 0)
	}
	if d.files[n] == 0 {
		d.files[n] = d.input(d.texts[n]) + 1
	}
	return PlaceOf(d.files[n]-1, line)
}

func (d *decoder) evidence() Evidence {
	x := Evidence{Text: d.text()}
	if x.Text != "" {
		x.Time = d.time()
		x.Pos = d.pos()
	}
	return x
}

func (d *decoder) header() *Header {
	ReadVersion(&d.r, encodingVersion)
	h := &Header{Settings: ReadSettings(&d.r)}
	flags := d.uint()
	d.must(flags&^knownFlags == 0)
	h.Rooted = flags&flagRooted != 0
	h.base = d.int()
	d.must(h.base <= maxSecond && h.base >= -maxSecond)
	return h
}

func (d *decoder) counts(c *Counts) {
	scalars := c.scalars()
	n := d.length(1)
	d.must(n == len(scalars))
	for _, p := range scalars {
		*p = d.int()
		d.must(*p <= maxNumber && *p >= -maxNumber)
	}
	c.First, c.Last = d.time(), d.time()

	decodeTable(d, &c.domains, (*decoder).tally)
	decodeTable(d, &c.senders, (*decoder).tally)
	decodeTable(d, &c.providers, (*decoder).tally)
	decodeTable(d, &c.hosts, func(d *decoder, h *hostRow) {
		h.lines, h.first, h.last = d.number(), d.time(), d.time()
	})
	decodeTable(d, &c.hours, func(d *decoder, h *hourRow) {
		var list [3 + len(h.byClass) + len(h.outcomes)]int64
		d.numbers(list[:])
		h.attempts = Attempts{list[0], list[1], list[2]}
		copy(h.outcomes[:], list[3+copy(h.byClass[:], list[3:]):])
	})
	decodeTable(d, &c.replies, (*decoder).sum)
	decodeTable(d, &c.pairs, func(d *decoder, p *pair) {
		p.domain, p.reply, p.n = d.id(), d.id(), d.number()
		d.must(validReply(p.reply))
	})
	decodeTable(d, &c.templates, func(d *decoder, t *template) {
		t.reply, t.n, t.last, t.example = d.id(), d.number(), d.time(), d.evidence()
		d.must(validReply(t.reply))
	})
	for i := range c.replies.rows {
		d.must(validReply(c.replies.rows[i].key))
	}
	decodeTable(d, &c.programs, (*decoder).sum)
	decodeTable(d, &c.causes, func(d *decoder, x *causeRow) {
		d.tally(&x.tally)
		x.example = d.evidence()
	})

	d.deliveries(&c.deliveries.all)
	for range d.length(5) {
		one := &DeliveryTime{Provider: d.string()}
		d.deliveries(one)
		key := hash(one.Provider)
		if there := c.deliveries.named[key]; there != nil {
			d.must(there.empty())
		}
		if c.deliveries.named == nil {
			c.deliveries.named = make(map[uint64]*DeliveryTime)
		}
		c.deliveries.named[key] = one
	}

	if b := c.breakdowns; b != nil {
		decodeTable(d, &b.values, (*decoder).sum)
		for i := range b.tables {
			decodeTable(d, &b.tables[i], func(d *decoder, x *cell) {
				x.values = [2]uint64{d.id(), d.id()}
				d.tally(&x.tally)
			})
		}
	}
}

// validReply reports whether a packed ReplyKey, or zero, has a class that there is.
func validReply(v uint64) bool { return classOf(v) <= parsers.Permanent }

func (d *decoder) sum(s *sum) { *s = sum(d.number()) }

func (d *decoder) tally(t *tally) {
	var list [numCells]int64
	d.numbers(list[:])
	for cell, n := range list {
		d.must(n < 1<<(32+highBits))
		t.low[cell] = uint32(n)
		t.high |= uint64(n) >> 32 & highMask << (cell * highBits)
	}
}

func (d *decoder) deliveries(t *DeliveryTime) {
	first := d.uint()
	t.Times.n = d.list(len(bucketBounds))
	d.must(first+uint64(len(t.Times.n)) <= uint64(len(bucketBounds)) && first < uint64(len(bucketBounds)))
	t.Times.first = int(min(first, math.MaxInt32))
	t.Delivered, t.GivenUp, t.Pending = d.list(maxTries), d.list(maxTries), d.list(maxTries)
}

// decodeTable reads a table into t, which is empty.
func decodeTable[V any, P value[V]](d *decoder, t *table[V, P], val func(*decoder, *V)) {
	n := d.length(2)
	d.must(n <= t.limit+1)
	before := uint64(0)
	for i := range n {
		what := d.byte()
		d.must(what&^knownRow == 0)
		key, name := uint64(0), ""
		if what&rowKeyed != 0 {
			key = before + d.uint()
		}
		if what&rowNamed != 0 {
			name = string(d.take(d.uint()))
		}
		if what&rowKeyed == 0 {
			key = hash(name)
		}
		parent := uint64(restKey)
		if what&rowParent != 0 {
			parent = d.id()
		}
		d.must(i == 0 || key > before)
		d.must(parent != key || parent == restKey)
		if d.failed() {
			return
		}
		r := t.name(key, name, parent, "")
		d.ids = append(d.ids, key)
		val(d, &r.val)
		before = key
	}
	for range d.length(2) {
		up, name := d.id(), d.string()
		if d.must(up != restKey && name != ""); d.failed() {
			return
		}
		if t.ups == nil {
			t.ups = make(map[uint64]string)
		}
		t.ups[up] = name
	}
}

func (d *decoder) leads(s *Summary) {
	key := uint64(0)
	for i := range d.length(4) {
		delta := d.uint()
		d.must(i == 0 || delta != 0 && key+delta > key)
		key += delta
		v := d.uint()
		l := lead{host: d.id(), cut: v&1 != 0}
		if l.cut {
			l.at = d.time()
		}
		n := v >> 1
		d.must(n <= uint64(d.r.Len()))
		for range n {
			if d.failed() {
				return
			}
			l.prefix = append(l.prefix, item{})
			d.item(&l.prefix[len(l.prefix)-1])
		}
		if d.failed() {
			return
		}
		s.leads[key] = l
		s.leadItems += len(l.prefix)
	}
}

func (d *decoder) open(s *Summary) {
	n := d.length(5)
	d.uint() // how many traces they have, for readers that index them as they come
	key := uint64(0)
	for i := range n {
		delta := d.uint()
		d.must(delta != 0 && (i == 0 || key+delta > key))
		key += delta
		if !s.rooted {
			d.must(s.leads[key].cut) // or it would never be looked at
		}
		m := message{key: key}
		d.message(&m, &s.pool)
		if d.failed() {
			return
		}
		s.open.push(&m)
	}
	s.open.reindex()
	s.pool.traces.reindex()
}

func (d *decoder) message(m *message, p *pool) {
	what := d.byte()
	d.must(what&^knownMsg == 0)
	m.facts = fact(d.byte())
	m.host, m.last = d.id(), d.time()
	d.must(what&msgHeld != 0 == m.is(waiting))
	if what&msgSender != 0 {
		m.sender = d.id()
	}
	if what&msgQueue != 0 {
		copy(m.queue[:], d.take(uint64(len(m.queue))))
	}
	switch {
	case what&msgFirst != 0:
		d.must(what&msgBirth == 0)
		d.recipient(m, &m.first, p)
	case what&msgBirth != 0:
		m.first.domain = uint64(d.time())
		fallthrough
	default:
		d.must(what&msgList == 0)
	}
	if m.is(dated) {
		p.traces.push(trace{key: birthKey(m), cause: uint64(d.time()), birth: true})
	}
	if what&(msgList|msgHeld) != 0 {
		m.extra = p.get()
		x := p.all[m.extra-1]
		if what&msgList != 0 {
			d.recipients(m, x, p)
		}
		if what&msgHeld != 0 {
			n := d.length(2)
			d.must(n > 0)
			for range n {
				if d.failed() {
					return
				}
				x.held = append(x.held, item{})
				it := &x.held[len(x.held)-1]
				d.item(it)
				d.must(it.op == opAttempt && !it.is(counted) || it.op == opOutcome)
			}
		}
	}
	if what&msgFacets != 0 {
		f := d.facets()
		p.keep(m.key, &f)
	}
}

// recipients reads the recipients of a message after the first.
func (d *decoder) recipients(m *message, x *extra, p *pool) {
	n := d.length(10)
	d.must(n > 0)
	for range n {
		x.list = append(x.list, recipient{})
		if d.recipient(m, &x.list[len(x.list)-1], p); d.failed() {
			return
		}
	}
	x.reindex()
}

func (d *decoder) recipient(m *message, r *recipient, p *pool) {
	*r = recipient{d.key(), d.id(), d.id()}
	d.must(r.state() <= settled && r.id > stateMask)
	if r.state() != deferred {
		return
	}
	what := d.byte()
	d.must(what&^knownTrace == 0)
	if what&traceThere != 0 {
		t := trace{key: traceKey(m, r), cause: d.id(), provider: d.id(), whole: what&traceWhole != 0, nowhere: what&traceNowhere != 0}
		tries := d.uint()
		d.must(tries <= maxTries)
		t.tries = uint16(tries)
		p.traces.push(t)
	}
	if what&traceFacets != 0 {
		f := d.facets()
		p.keep(traceKey(m, r), &f)
	}
}

func (d *decoder) facets() (f facets) {
	d.must(d.slots > 0)
	what := d.byte()
	d.must(what <= 3)
	f.named, f.asked = what&1 != 0, what&2 != 0
	for i := range d.slots {
		f.values[i] = d.id()
	}
	return f
}

func (d *decoder) item(it *item) {
	it.op = op(d.byte())
	what := d.uint()
	d.must(it.op >= opAccepted && it.op <= opOutcome && what&^knownItem == 0)
	if what&itemTime != 0 {
		it.time = d.time()
	}
	if what&itemSender != 0 {
		it.sender = d.id()
	}
	if what&itemRcpt != 0 {
		if it.op == opOutcome {
			it.rcpt = d.id()
		} else {
			it.rcpt = d.key()
			d.must(it.rcpt&stateMask == 0)
		}
	}
	if what&itemDomain != 0 {
		it.domain, it.domainUp = d.id(), d.id()
	}
	if what&itemReply != 0 {
		it.reply = d.id()
	}
	if what&itemProvider != 0 {
		it.provider = d.id()
	}
	if what&itemMarks != 0 {
		marks := d.uint()
		d.must(marks <= math.MaxUint16)
		it.marks = mark(marks)
	}
	if what&itemQueue != 0 {
		copy(it.queue[:], d.take(uint64(len(it.queue))))
	}
	if what&itemWords != 0 {
		if w := d.take(4); w != nil {
			it.outcome, it.status, it.kind, it.origin = Outcome(w[0]), parsers.Status(w[1]), parsers.AttemptKind(w[2]), parsers.Origin(w[3])
		}
	}
	if it.n = 1; what&itemOne == 0 {
		n := d.uint()
		d.must(n <= math.MaxUint16)
		it.n = uint16(n)
	}
	if what&itemFailure != 0 {
		f := &failure{template: d.id(), cause: d.id(), causeUp: d.id(), owned: true}
		if what&itemText != 0 {
			f.text, f.pos = d.text(), d.pos()
		}
		if what&itemFacets != 0 {
			own := d.facets()
			f.facets = &own
		}
		it.failure = f
	} else {
		d.must(what&(itemText|itemFacets) == 0)
	}
	d.must(it.valid())
}

// valid reports whether an item has nothing that no Builder makes and that counting it would stumble over.
func (it *item) valid() bool {
	if it.outcome >= NumOutcomes || it.status > parsers.StatusRejected || it.kind > parsers.Probe || it.origin > parsers.OriginProvider {
		return false
	}
	switch it.op {
	case opOutcome:
		return int(it.queue.delay()) <= len(bucketBounds)
	case opAttempt:
		if int(it.queue.delay()) > len(bucketBounds) || it.rcpt == 0 {
			return false
		}
		if it.is(counted) {
			return true // what is kept of its reply is a cause
		}
		return validReply(it.reply) && (it.failure != nil || it.status == parsers.StatusSent || it.is(notAttempted) || it.is(unselected))
	case opExpired:
		return it.rcpt != 0 || it.is(allRecipients)
	}
	return true
}
