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
	nullSender
	senderSelected
	allRecipients // opExpired: every recipient still deferred
	counted       // the attempt itself is counted; what it does to its recipient is not
)

// An item is an event reduced to what is counted. It outlives its line.
type item struct {
	op      op
	outcome Outcome
	status  parsers.Status
	class   parsers.Class
	kind    parsers.AttemptKind
	origin  parsers.Origin
	marks   mark
	n       int32 // lines it stands for

	time  parsers.Stamp
	host  uint64
	queue uint64 // opQueued: what tells this message's queue file from another's under the same id

	sender     uint64 // hash of the sender's domain, where senderSaid
	senderSaid bool

	rcpt             uint64
	domain, domainUp uint64
	reply            uint64 // packed ReplyKey
	template         uint64
	text             string // of a failure: its diagnostic
	pos              Pos    // and where it stands
	owned            bool   // text does not point into a block
}

// own makes the item independent of the block that its line stands in.
func (it *item) own() {
	if !it.owned {
		it.owned = true
		it.text = strings.Clone(it.text)
	}
}

func (it *item) is(m mark) bool { return it.marks&m != 0 }

// A recipient is one of a message.
type recipient struct {
	hash, domain, up uint64
	state            recipientState
}

type recipientState uint8

const (
	untried recipientState = iota
	deferred
	settled
)

// A message is what is known of one (host, instance, queue id) from its beginning to its removal.
//
// Note: a million of these may be open, so the first recipient lies inside (most have one) and the rest is behind
// pointers that are mostly nil.
type message struct {
	epoch
	host   uint64
	sender uint64 // hash of the sender's domain; zero with senderKnown: it has none

	senderKnown    bool
	null           bool // the sender is the null reverse-path
	senderSelected bool
	recipients     uint32

	first recipient
	more  *recipients
	held  *[]item // counted once the sender is known, or senderWait is over
}

// An epoch is what tells one message from the next under the same queue id.
type epoch struct {
	last  parsers.Stamp // of its latest event that has a time
	queue uint64        // of its Queued, zero before that
	born  bool          // its beginning stands in the log
	named bool
	tried bool
}

type recipients struct {
	list  []recipient
	index map[uint64]uint32 // once the list is long
}

const longList = 32

// recipient returns the recipient with this hash, made where it is missing.
func (y tallier) recipient(m *message, it *item) *recipient {
	if m.recipients == 0 {
		m.recipients = 1
		m.first = recipient{hash: it.rcpt, domain: it.domain, up: it.domainUp}
		return &m.first
	}
	if m.first.hash == it.rcpt {
		return &m.first
	}
	if m.more == nil {
		m.more = y.pool.get()
	}
	l := m.more
	if l.index != nil {
		if i, ok := l.index[it.rcpt]; ok {
			return &l.list[i]
		}
	} else {
		for i := range l.list {
			if l.list[i].hash == it.rcpt {
				return &l.list[i]
			}
		}
	}
	m.recipients++
	l.list = append(l.list, recipient{hash: it.rcpt, domain: it.domain, up: it.domainUp})
	if l.index != nil {
		l.index[it.rcpt] = uint32(len(l.list) - 1)
	} else if len(l.list) > longList {
		l.index = make(map[uint64]uint32, 2*len(l.list))
		for i := range l.list {
			l.index[l.list[i].hash] = uint32(i)
		}
	}
	return &l.list[len(l.list)-1]
}

// each calls f for every recipient in order of appearance.
func (m *message) each(f func(*recipient)) {
	if m.recipients == 0 {
		return
	}
	f(&m.first)
	if m.more != nil {
		for i := range m.more.list {
			f(&m.more.list[i])
		}
	}
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
	m.note(it.op, it.queue, it.time)
	if m.host == 0 {
		m.host = it.host
	}
	if m.held != nil && silent((*m.held)[0].time, it.time, senderWait) {
		y.resign(m)
	}
	if it.senderSaid {
		m.sent(it)
		y.release(m)
	}
	switch it.op {
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
	m.senderKnown = true
	m.sender, m.null, m.senderSelected = it.sender, it.is(nullSender), it.is(senderSelected)
}

// advance moves the recipient of an attempt on.
func (y tallier) advance(m *message, it *item) {
	if it.is(unselected) || it.kind == parsers.Probe || it.kind == parsers.Async || it.kind == parsers.Connect {
		return
	}
	switch it.status {
	case parsers.StatusSent:
		r := y.recipient(m, it)
		if r.state == settled {
			return
		}
		before := r.state
		r.state = settled
		switch {
		case it.kind == parsers.Internal || it.is(notAttempted): // handed on inside, or thrown away: no outcome here
		case before == deferred:
			y.settle(m, r, DeliveredLater, it.time)
		case m.born:
			y.settle(m, r, DeliveredFirst, it.time)
		default:
			y.settle(m, r, DeliveredUnknown, it.time)
		}
	case parsers.StatusDeferred:
		if r := y.recipient(m, it); r.state != settled {
			r.state = deferred
		}
	case parsers.StatusBounced:
		if r := y.recipient(m, it); r.state != settled {
			r.state = settled
			y.settle(m, r, Bounced, it.time)
		}
	case parsers.StatusExpired:
		if r := y.recipient(m, it); r.state != settled {
			r.state = settled
			y.settle(m, r, Expired, it.time)
		}
	}
}

func (y tallier) expire(m *message, it *item) {
	if !it.is(allRecipients) {
		it.status = parsers.StatusExpired
		y.advance(m, it)
		return
	}
	m.each(func(r *recipient) {
		if r.state == deferred {
			r.state = settled
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
		m.each(func(r *recipient) {
			if r.state == deferred {
				r.state = settled
				y.settle(m, r, Lost, t)
			}
		})
	}
	y.resign(m)
}

// resign counts what waits for a sender that will not come.
func (y tallier) resign(m *message) {
	if !m.senderKnown {
		m.senderSelected = y.Sender == ""
	}
	y.release(m)
}

func (y tallier) settle(m *message, r *recipient, o Outcome, t parsers.Stamp) {
	y.emit(m, &item{op: opOutcome, outcome: o, time: t, domain: r.domain, domainUp: r.up, n: 1})
}

// emit counts an item, or keeps it until the sender is known: it decides whether the mail is ordinary.
func (y tallier) emit(m *message, it *item) {
	if m.senderKnown {
		y.count(m, it)
		return
	}
	if m.held == nil {
		m.held = new([]item)
	}
	it.own()
	*m.held = append(*m.held, *it)
}

func (y tallier) release(m *message) {
	if m.held == nil {
		return
	}
	for i := range *m.held {
		y.count(m, &(*m.held)[i])
	}
	m.held = nil
}

// reset makes m a message of which nothing is known.
func (y tallier) reset(m *message) {
	y.pool.put(m.more)
	*m = message{}
}

// A pool keeps the lists of recipients that messages have done with.
type pool struct{ free []*recipients }

func (p *pool) get() *recipients {
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		return r
	}
	return &recipients{list: make([]recipient, 0, 3)}
}

// put takes a list back, unless it is long: those are rare.
func (p *pool) put(r *recipients) {
	if r != nil && r.index == nil {
		r.list = r.list[:0]
		p.free = append(p.free, r)
	}
}

// collect empties a fringe and takes back what it holds.
func (p *pool) collect(f *Fringe) {
	for i := range f.entries {
		p.put(f.entries[i].msg.more)
	}
	f.index.clear()
	clear(f.entries)
	f.entries, f.items, f.hosts = f.entries[:0], f.items[:0], f.hosts[:0]
}

func (y tallier) count(m *message, it *item) {
	if !m.senderSelected || it.is(unselected) {
		return
	}
	if it.op == opOutcome {
		y.countOutcome(m, it)
	} else {
		y.countAttempt(m, it)
	}
}

func (y tallier) countOutcome(m *message, it *item) {
	if it.outcome != Pending && !y.within(it.time) {
		return
	}
	c := y.counts
	if it.outcome != Pending {
		c.seen(it.time)
	}
	if m.null {
		c.Notifications.Outcomes[it.outcome]++
		return
	}
	c.Total.Outcomes[it.outcome]++
	c.domains.at(it.domain, it.domainUp).Outcomes[it.outcome]++
	if m.sender != 0 {
		c.senders.at(m.sender, restKey).Outcomes[it.outcome]++
	}
}

func (y tallier) countAttempt(m *message, it *item) {
	if !y.within(it.time) {
		return
	}
	c, n := y.counts, int64(it.n)
	c.seen(it.time)
	switch {
	case it.kind == parsers.Probe:
		c.Probes.count(it.status, n)
		return
	case it.kind == parsers.Async:
		c.Async += n
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
		c.Internal.count(it.status, n)
		return
	case m.null:
		c.Notifications.Attempts.count(it.status, n)
		return
	}
	c.Total.Attempts.count(it.status, n)
	c.ByClass[it.class] += n
	c.ByOrigin[it.origin] += n
	if it.is(overridden) {
		c.Overridden += n
	}
	if it.is(conflict) {
		c.Conflicts += n
	}
	c.hours.at(hourKey(it.time), restKey).count(it.status, n)
	c.domains.at(it.domain, it.domainUp).Attempts.count(it.status, n)
	if m.sender != 0 {
		c.senders.at(m.sender, restKey).Attempts.count(it.status, n)
	}
	r := c.replies.find(it.reply)
	if r == nil {
		r = c.replies.row(it.reply, unpackReply(it.reply).plain())
	}
	r.val += sum(n)
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
	t := c.templates.at(it.template, templateUp(it.reply))
	t.reply = it.reply
	t.n += n
	t.last = max(t.last, it.time)
	t.example.earlier(it.time, it.text, it.pos)
}

// templateUp is the row that templates with a reply fold into.
func templateUp(reply uint64) uint64 { return mix(templateSalt, reply) }

const templateSalt = 0x74656d706c617465 // or the row would be that of another table's key

// seen widens the time that the counts cover.
func (c *Counts) seen(t parsers.Stamp) {
	c.First, c.Last = minStamp(c.First, t), max(c.Last, t)
}
