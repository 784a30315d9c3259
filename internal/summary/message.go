package summary

import (
	"strings"
	"time"

	"bouncelog/parsers"
)

// An op is what an item does to the message it belongs to.
type op uint8

const (
	opAccepted op = iota + 1
	opNamed
	opQueued
	opAttempt
	opExpired
	opRemoved
	opHeader
	opOutcome // only held: an outcome that waits for the sender
)

// mark is a set of facts about an item.
type mark uint16

const (
	notAttempted mark = 1 << iota
	conflict
	overridden
	unselected // of a domain or job that was not asked for
	moved
	senderSaid // the item names its sender
	nullSender
	senderSelected
	allRecipients // opExpired: every recipient still deferred
	counted       // the attempt itself is counted; what it does to its recipient is not
	firstTry      // the log says that it is the recipient's first
	laterTry      // or that it is not
)

// An item is an event reduced to what is counted. It outlives its line.
//
// Note: half of them go from the worker to the fold, from one core's cache to another's, so they are kept small.
type item struct {
	time             parsers.Stamp
	sender           uint64 // hash of the sender's domain, where senderSaid
	rcpt             uint64
	domain, domainUp uint64
	reply            uint64 // packed ReplyKey
	provider         uint64 // row of providers; zero: nobody asked, or it is not known
	failure          *failure

	next    int32  // its Fringe's: the place of the one after it of the same prefix, from 1
	n       uint16 // lines it stands for
	marks   mark
	queue   file // opQueued
	op      op
	outcome Outcome // opOutcome
	status  parsers.Status
	kind    parsers.AttemptKind
	origin  parsers.Origin
}

// A failure is what an item of a failed attempt has in addition; and any item that has facets.
type failure struct {
	template       uint64
	cause, causeUp uint64 // rows of causes; zero: nobody asked
	text           string // the diagnostic
	pos            Pos    // where it stands
	owned          bool   // text does not point into a block
	facets         *facets
}

// A file is a queue file as [queueFile] identifies it. Zero: not known.
//
// Note: it only tells apart two that follow each other under one id, for which 24 bits of a hash will do.
type file [3]byte

func fileOf(queue uint64) file { return file{byte(queue) | 1, byte(queue >> 8), byte(queue >> 16)} }

func (f file) queue() uint64 { return uint64(f[0]) | uint64(f[1])<<8 | uint64(f[2])<<16 }

// own makes the item independent of the block that its line stands in.
func (it *item) own() {
	if f := it.failure; f != nil && !f.owned {
		it.failure = &failure{f.template, f.cause, f.causeUp, strings.Clone(f.text), f.pos, true, f.facets.own()}
	}
}

func (it *item) is(m mark) bool { return it.marks&m != 0 }

// A recipient is one of a message.
type recipient struct {
	id         uint64 // hash of its address; the two lowest bits are its state
	domain, up uint64
}

type recipientState uint8

const (
	untried recipientState = iota
	deferred
	settled

	stateMask = 3
)

func (r *recipient) state() recipientState { return recipientState(r.id & stateMask) }

func (r *recipient) become(s recipientState) { r.id = r.id&^stateMask | uint64(s) }

// recipientID makes an id of a hash, never zero.
func recipientID(hash uint64) uint64 { return max(stateMask+1, hash&^stateMask) }

// A message is what is known of one (host, instance, queue id) from its beginning to its removal.
//
// Note: a million of these may be open, and each is a cache line of its own, without a pointer that the collector would
// have to follow: so the first recipient lies inside (most have one), and the rest is an extra.
type message struct {
	key    uint64
	host   uint64
	sender uint64 // hash of the sender's domain; zero with senderKnown: it has none
	first  recipient
	last   parsers.Stamp // this and queue, and some of facts, are its epoch
	extra  uint32        // its number in the pool, from 1; zero: it has none
	queue  file
	facts  fact
}

// A fact is something known of a message.
type fact uint8

const (
	born      fact = 1 << iota // its beginning stands in the log
	nameKnown                  // its Message-ID was said
	tried
	senderKnown
	senderNull // the sender is the null reverse-path
	senderAsked
	waiting // items are held
	dated   // the time of its birth is kept
)

func (m *message) is(f fact) bool { return m.facts&f != 0 }

// An extra is what few messages have.
type extra struct {
	list  []recipient       // after the first
	index map[uint64]uint32 // of list, by id without state, once that is long
	held  []item            // counted once the sender is known, or senderWait is over
}

const longList = 32

// recipient returns the recipient of an item, made where it is missing.
func (y tallier) recipient(m *message, it *item) *recipient {
	switch m.first.id &^ stateMask {
	case 0:
		y.keepBirth(m, it)
		m.first = recipient{it.rcpt, it.domain, it.domainUp}
		return &m.first
	case it.rcpt:
		return &m.first
	}
	x := y.extra(m)
	if x.index != nil {
		if i, ok := x.index[it.rcpt]; ok {
			return &x.list[i]
		}
	} else {
		for i := range x.list {
			if x.list[i].id&^stateMask == it.rcpt {
				return &x.list[i]
			}
		}
	}
	x.list = append(x.list, recipient{it.rcpt, it.domain, it.domainUp})
	if x.index != nil {
		x.index[it.rcpt] = uint32(len(x.list) - 1)
	} else {
		x.reindex()
	}
	return &x.list[len(x.list)-1]
}

// reindex makes the index of a list that has become long.
func (x *extra) reindex() {
	if len(x.list) <= longList {
		return
	}
	x.index = make(map[uint64]uint32, 2*len(x.list))
	for i := range x.list {
		x.index[x.list[i].id&^stateMask] = uint32(i)
	}
}

// each calls f for every recipient in order of appearance.
func (y tallier) each(m *message, f func(*recipient)) {
	if m.first.id == 0 {
		return
	}
	f(&m.first)
	if m.extra != 0 {
		list := y.extra(m).list
		for i := range list {
			f(&list[i])
		}
	}
}

// An epoch is what tells one message from the next under the same queue id.
type epoch struct {
	last  parsers.Stamp // of its latest event that has a time
	queue uint64        // of its Queued, zero before that
	born  bool          // its beginning stands in the log
	named bool
	tried bool
}

// begins reports whether an event cannot belong to a message in this state, and so begins another under the same id.
//
// Postfix writes client= or uid= once, then message-id= once, then from=, size= before every run of deliveries, the same
// each time. Whatever breaks that order is another message, the first one's `removed` having been lost.
func (e *epoch) begins(o op, queue uint64, t parsers.Stamp, lifetime time.Duration) bool {
	switch {
	case silent(e.last, t, lifetime):
		return true
	case o == opAccepted:
		return true
	case o == opNamed:
		return e.named || e.queue != 0 || e.tried
	case o == opQueued:
		return e.queue != 0 && e.queue != queue
	}
	return false
}

// note takes in what an event says of the epoch.
func (e *epoch) note(o op, queue uint64, t parsers.Stamp) {
	if t != 0 {
		e.last = t
	}
	switch o {
	case opAccepted:
		e.born = true
	case opNamed:
		e.born, e.named = true, true
	case opQueued:
		e.queue = queue
	case opAttempt, opExpired:
		e.tried = true
	}
}

// epoch unpacks what m knows of its epoch.
func (m *message) epoch() epoch {
	return epoch{m.last, m.queue.queue(), m.is(born), m.is(nameKnown), m.is(tried)}
}

// begins and note are those of the epoch.
func (m *message) begins(it *item, lifetime time.Duration) bool {
	e := m.epoch()
	return e.begins(it.op, it.queue.queue(), it.time, lifetime)
}

func (m *message) note(it *item) {
	if it.time != 0 {
		m.last = it.time
	}
	switch it.op {
	case opAccepted:
		m.facts |= born
	case opNamed:
		m.facts |= born | nameKnown
	case opQueued:
		m.queue = it.queue
	case opAttempt, opExpired:
		m.facts |= tried
	}
}

// silent reports whether t is so long after last that the message of last cannot be in the queue any more.
//
// Note: last is the event before, not the newest: so the answer depends on two neighbours only, and not on where between
// them the log was cut.
func silent(last, t parsers.Stamp, lifetime time.Duration) bool {
	return last != 0 && t != 0 && t.Sub(last) > lifetime
}

// senderWait is how long an attempt waits for a later line that names its sender, in log time: as long as its record does.
const senderWait = maxWait

// A tallier is where a message's counts go.
type tallier struct {
	*Options
	counts *Counts
	pool   *pool
}

// apply lets an item change the message it belongs to, and counts what is settled by it.
func (y tallier) apply(m *message, it *item) {
	m.note(it)
	if m.is(waiting) && silent(y.extra(m).held[0].time, it.time, senderWait) {
		y.resign(m)
	}
	y.learn(m, it)
	if it.is(senderSaid) {
		m.sent(it)
		y.release(m)
	}
	switch it.op {
	case opAccepted, opNamed:
		m.date(it)
	case opAttempt:
		if !it.is(counted) {
			y.emit(m, it)
		}
		y.advance(m, it)
	case opExpired:
		y.expire(m, it)
	}
}

// sent takes in the sender that an item names.
//
// Note: the latest one said holds for what follows. A first one that held for good would make the count of an attempt
// depend on lines before the last Queued, and with it on how the input was cut.
func (m *message) sent(it *item) {
	m.sender = it.sender
	m.facts = m.facts&^(senderNull|senderAsked) | senderKnown
	if it.is(nullSender) {
		m.facts |= senderNull
	}
	if it.is(senderSelected) {
		m.facts |= senderAsked
	}
}

// advance moves the recipient of an attempt on.
func (y tallier) advance(m *message, it *item) {
	if it.is(unselected) || it.kind == parsers.Probe || it.kind == parsers.Async || it.kind == parsers.Connect {
		return
	}
	switch it.status {
	case parsers.StatusSent:
		r := y.recipient(m, it)
		before := r.state()
		if before == settled {
			return
		}
		r.become(settled)
		switch {
		case it.kind == parsers.Internal || it.is(notAttempted): // handed on inside, or thrown away: no outcome here
			y.forget(m, r, before)
		case before == deferred || it.is(laterTry):
			y.settleBy(m, r, before, DeliveredLater, it)
		case m.is(born) || it.is(firstTry):
			y.settleBy(m, r, before, DeliveredFirst, it)
		default:
			y.settleBy(m, r, before, DeliveredUnknown, it)
		}
	case parsers.StatusDeferred:
		r := y.recipient(m, it)
		if before := r.state(); before != settled {
			y.deferred(m, r, before, it)
		}
	case parsers.StatusBounced:
		y.fail(m, Bounced, it)
	case parsers.StatusExpired:
		y.fail(m, Expired, it)
	}
}

// fail ends the recipient of an attempt that was the last.
func (y tallier) fail(m *message, o Outcome, it *item) {
	r := y.recipient(m, it)
	if before := r.state(); before != settled {
		r.become(settled)
		y.settleBy(m, r, before, o, it)
	}
}

func (y tallier) expire(m *message, it *item) {
	if !it.is(allRecipients) {
		it.status = parsers.StatusExpired
		y.advance(m, it)
		return
	}
	y.each(m, func(r *recipient) {
		if r.state() == deferred {
			r.become(settled)
			y.settle(m, r, Expired, it.time)
		}
	})
}

// close ends a message at t because its id was removed or taken over, or because of its silence.
func (y tallier) close(m *message, t parsers.Stamp, moved bool) {
	if silent(m.last, t, y.lifetime()) {
		t = m.last.Add(y.lifetime())
	}
	if !moved {
		y.each(m, func(r *recipient) {
			if r.state() == deferred {
				r.become(settled)
				y.settle(m, r, Lost, t)
			}
		})
	}
	y.resign(m)
}

// resign counts what waits for a sender that will not come.
func (y tallier) resign(m *message) {
	if !m.is(senderKnown) && y.Sender == "" {
		m.facts |= senderAsked
	}
	y.release(m)
}

// emit counts an attempt, or keeps it until the sender is known: it decides whether the mail is ordinary.
func (y tallier) emit(m *message, it *item) {
	if m.is(senderKnown) {
		y.countAttempt(m, it)
		return
	}
	y.hold(m, it)
}

func (y tallier) hold(m *message, it *item) {
	x := y.extra(m)
	m.facts |= waiting
	x.held = append(x.held, *it)
	x.held[len(x.held)-1].own()
}

func (y tallier) release(m *message) {
	if !m.is(waiting) {
		return
	}
	x := y.extra(m)
	for i := range x.held {
		if it := &x.held[i]; it.op == opOutcome {
			e := it.end()
			y.countOutcome(m, &e)
		} else {
			y.countAttempt(m, it)
		}
	}
	m.facts &^= waiting
	x.held = nil
}

// reset makes m a message of which nothing is known.
func (y tallier) reset(m *message) {
	y.untrace(m)
	if m.extra != 0 {
		y.pool.put(m.extra)
	}
	*m = message{key: m.key, host: m.host}
}

// extra returns the extra of a message, made where it has none.
func (y tallier) extra(m *message) *extra {
	if m.extra == 0 {
		m.extra = y.pool.get()
	}
	return y.pool.all[m.extra-1]
}

// A pool keeps the extras of messages, by number from 1, and the memory of those that messages have done with.
type pool struct {
	all    []*extra
	free   []uint32
	traces traces            // of recipients that are deferred
	facets map[uint64]facets // by the key of a message or of a trace; nil: nobody asks
}

func (p *pool) get() uint32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	p.all = append(p.all, &extra{list: make([]recipient, 0, 3)})
	return uint32(len(p.all))
}

// put takes an extra back. Long lists are rare, and not kept.
func (p *pool) put(i uint32) {
	x := p.all[i-1]
	if x.index != nil {
		*x = extra{}
	}
	x.list, x.held = x.list[:0], nil
	p.free = append(p.free, i)
}

// move brings an extra of another pool here, in exchange for the memory of one that is done with.
func (p *pool) move(from *pool, i uint32) uint32 {
	n := p.get()
	p.all[n-1], from.all[i-1] = from.all[i-1], p.all[n-1]
	return n
}

// clear takes all extras back.
func (p *pool) clear() {
	p.traces.clear()
	clear(p.facets)
	p.free = p.free[:0]
	for i := range p.all {
		p.put(uint32(i + 1))
	}
}

func (y tallier) countOutcome(m *message, e *end) {
	o := e.outcome
	if !y.asks(m) || o != Pending && !y.within(e.time) {
		return
	}
	c := y.counts
	if o != Pending {
		c.seen(e.time)
	}
	if m.is(senderNull) {
		c.Notifications.Outcomes[o]++
		return
	}
	c.Total.Outcomes[o]++
	if o != Pending {
		c.hours.at(hourKey(e.time), restKey).outcomes[o]++
	}
	c.domains.at(e.domain, e.up).outcome(o)
	if m.sender != 0 {
		c.senders.at(m.sender, restKey).outcome(o)
	}
	if e.provider != 0 {
		c.providers.at(e.provider, restKey).outcome(o)
	}
	if e.cause != 0 {
		c.causes.at(e.cause, e.causeUp).outcome(o)
	}
	c.deliveries.count(e)
	if c.breakdowns != nil {
		y.countFacets(m, e.facets, e.time, func(t *tally) { t.outcome(o) })
	}
}

func (y tallier) countAttempt(m *message, it *item) {
	if !y.asks(m) || it.is(unselected) || !y.within(it.time) {
		return
	}
	c, n := y.counts, int64(it.n)
	c.seen(it.time)
	status := it.status
	if status == parsers.StatusExpired {
		status = parsers.StatusDeferred // this try was put off, as those before: what made it the last is the outcome
	}
	switch {
	case it.kind == parsers.Probe:
		c.Probes.count(it.status, n)
		return
	case it.kind == parsers.Async:
		c.Async += n
		return
	case it.kind == parsers.Connect:
		c.Connects += n
		return
	case it.kind == parsers.Suppressed || it.status == parsers.StatusRejected:
		c.Suppressed += n
		return
	case it.is(notAttempted):
		switch it.status {
		case parsers.StatusSent:
			c.Discarded += n
		case parsers.StatusDeferred:
			c.Suspended += n
		default:
			c.Unattempted += n
		}
		return
	case it.kind == parsers.Internal:
		c.Internal.count(status, n)
		return
	case m.is(senderNull):
		c.Notifications.Attempts.count(status, n)
		return
	}
	c.Total.Attempts.count(status, n)
	c.ByClass[classOf(it.reply)] += n
	c.ByOrigin[it.origin] += n
	if it.is(overridden) {
		c.Overridden += n
	}
	if it.is(conflict) {
		c.Conflicts += n
	}
	h := c.hours.at(hourKey(it.time), restKey)
	h.attempts.count(status, n)
	h.byClass[classOf(it.reply)] += n
	c.domains.at(it.domain, it.domainUp).attempt(status, uint32(it.n))
	if m.sender != 0 {
		c.senders.at(m.sender, restKey).attempt(status, uint32(it.n))
	}
	if c.breakdowns != nil {
		y.countFacets(m, it.facets(), it.time, func(t *tally) { t.attempt(status, uint32(it.n)) })
	}
	r := c.replies.find(it.reply)
	if r == nil {
		r = c.replies.row(it.reply, unpackReply(it.reply).plain())
	}
	r.val += sum(n)
	if it.provider != 0 {
		c.providers.at(it.provider, restKey).attempt(status, uint32(it.n))
	}
	if it.status == parsers.StatusSent {
		return
	}
	key := mix(it.domain, it.reply)
	p := c.pairs.find(key)
	if p == nil {
		p = c.pairs.row(key, mix(it.domain, unpackReply(it.reply).plain()))
		p.val.domain, p.val.reply = it.domain, it.reply
	}
	p.val.n += n
	f := it.failure
	if f.cause != 0 {
		row := c.causes.at(f.cause, f.causeUp)
		row.attempt(status, uint32(it.n))
		row.example.earlier(it.time, clip(f.text, maxCauseExample), f.pos)
	}
	t := c.templates.at(f.template, templateUp(it.reply))
	t.reply = it.reply
	t.n += n
	t.last = max(t.last, it.time)
	t.example.earlier(it.time, f.text, f.pos)
}

// templateUp is the row that templates with a reply fold into.
func templateUp(reply uint64) uint64 { return mix(templateSalt, reply) }

const templateSalt = 0x74656d706c617465 // or the row would be that of another table's key

// seen widens the time that the counts cover.
func (c *Counts) seen(t parsers.Stamp) {
	c.First, c.Last = minStamp(c.First, t), max(c.Last, t)
}
