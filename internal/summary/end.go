package summary

import (
	"iter"

	"bouncelog/parsers"
)

// An end is how delivery to a recipient ended, and what is known of the way there.
type end struct {
	outcome        Outcome
	time           parsers.Stamp // that settled it
	domain, up     uint64        // of the recipient
	provider       uint64        // of the last attempt; zero: not known
	cause, causeUp uint64        // rows of causes, of the last failed attempt; zero: nobody asked, or none failed
	tries          uint16        // attempts that were made; zero: none, or the log does not hold the first
	delay          delay
	facets         *facets // of the last attempt; nil: nobody asks
}

// A delay is a time to deliver: its bucket of a [Histogram], from 1. Zero: not known.
type delay uint16

func delayOf(d parsers.Duration) delay {
	ms, said := d.Milliseconds()
	if !said {
		return 0
	}
	return delay(bucketOf(ms) + 1)
}

// An attempt keeps its delay where another item keeps a queue file: it has none.
func (d delay) file() file  { return file{byte(d), byte(d >> 8)} }
func (f file) delay() delay { return delay(f[0]) | delay(f[1])<<8 }

// item packs e into an item that is held until the sender is known.
func (e *end) item() item {
	it := item{op: opOutcome, outcome: e.outcome, time: e.time, domain: e.domain, domainUp: e.up, provider: e.provider,
		rcpt: e.cause, reply: e.causeUp, n: e.tries, queue: e.delay.file()}
	if e.facets != nil {
		it.failure = &failure{facets: e.facets.own(), owned: true}
	}
	return it
}

// end unpacks what [end.item] packed.
func (it *item) end() end {
	return end{it.outcome, it.time, it.domain, it.domainUp, it.provider, it.rcpt, it.reply, it.n, it.queue.delay(), it.facets()}
}

// A trace is what is kept of the attempts for a recipient that is deferred. Few are, so it is not in their messages.
type trace struct {
	key      uint64 // of message and recipient
	cause    uint64 // of the last failed attempt, its row at no provider; zero: not known
	provider uint64 // of the last one whose is known
	tries    uint16
	whole    bool // tries are all there were: the log holds the first
	nowhere  bool // the last failed attempt was at no provider
	birth    bool // it is the birth of a message, whose time stands in place of the cause
}

// traceKey is the key of a recipient's trace, birthKey that of a message's birth.
func traceKey(m *message, r *recipient) uint64 { return mix(m.key, r.id&^stateMask) }
func birthKey(m *message) uint64               { return mix(m.key, birthSalt) }

const birthSalt = 1 // no id of a recipient

// traces are traces by key. They grow by pages, as messages do.
type traces struct {
	index index
	pages [][]trace
	n     uint32
	free  []uint32
}

func (l *traces) at(i uint32) *trace { return &l.pages[i>>pageBits][i&(1<<pageBits-1)] }

// find returns the trace of a key, nil where there is none.
func (l *traces) find(key uint64) (i uint32, t *trace) {
	if l.index.len() == 0 {
		return 0, nil
	}
	s := l.index.search(key)
	for {
		i, ok := l.index.next(&s)
		if !ok {
			return 0, nil
		}
		if t := l.at(i); t.key == key {
			return i, t
		}
	}
}

// add adds a trace whose key is not there.
func (l *traces) add(t trace) *trace {
	i := l.n
	if n := len(l.free); n > 0 {
		i, l.free = l.free[n-1], l.free[:n-1]
		*l.at(i) = t
	} else {
		l.push(t)
	}
	l.index.put(t.key, i)
	return l.at(i)
}

// push adds a trace that is not in the index yet: see reindex.
func (l *traces) push(t trace) {
	if l.n>>pageBits == uint32(len(l.pages)) {
		l.pages = append(l.pages, make([]trace, 1<<pageBits))
	}
	l.n++
	*l.at(l.n - 1) = t
}

// reindex makes the index of traces that were all pushed.
func (l *traces) reindex() { l.index.fill(int(l.n), func(i uint32) uint64 { return l.at(i).key }) }

// all yields every trace.
func (l *traces) all() iter.Seq[*trace] {
	return func(yield func(*trace) bool) {
		for i := range l.n {
			if t := l.at(i); t.key != 0 && !yield(t) {
				return
			}
		}
	}
}

// take takes out the trace of a key, the zero one where there is none.
func (l *traces) take(key uint64) trace {
	i, t := l.find(key)
	if t == nil {
		return trace{}
	}
	out := *t
	l.index.del(key, i)
	*t = trace{}
	l.free = append(l.free, i)
	return out
}

// move brings the trace of a key here from another place.
func (l *traces) move(from *traces, key uint64) {
	if t := from.take(key); t.key != 0 {
		l.add(t)
	}
}

func (l *traces) clear() {
	if l.n > 0 {
		l.index.clear()
		l.n, l.free = 0, l.free[:0]
	}
}

// made reports whether an item is an attempt that was made at a server or a mailbox: not inside the house, not put off
// without trying.
func (it *item) made() bool {
	return it.op == opAttempt && !it.is(notAttempted) && (it.kind == parsers.Remote || it.kind == parsers.Smarthost || it.kind == parsers.Local)
}

// why returns the row of causes, at no provider, of a failed attempt; zero where it is not known.
func (it *item) why() uint64 {
	switch {
	case it.is(counted):
		return it.reply // where postpone left it
	case it.failure != nil:
		return it.failure.causeUp
	}
	return 0
}

// deferred takes down an attempt that is to be repeated, for a recipient in this state before it.
func (y tallier) deferred(m *message, r *recipient, before recipientState, it *item) {
	r.become(deferred)
	_, t := y.pool.traces.find(traceKey(m, r))
	if t == nil {
		t = y.pool.traces.add(trace{key: traceKey(m, r)})
	}
	t.follow(m, before, it)
	y.leave(m, r, it)
}

// follow takes in one more attempt, or what else was logged as one.
func (t *trace) follow(m *message, before recipientState, it *item) {
	if before == untried {
		t.whole = !it.is(laterTry) && (m.is(born) || it.is(firstTry))
	}
	if it.made() {
		t.tries = uint16(min(uint32(t.tries)+uint32(it.n), maxTries))
	}
	if cause := it.why(); cause != 0 {
		t.cause, t.nowhere = cause, it.provider == 0
		if !t.nowhere {
			t.provider = it.provider
		}
	}
}

// settleBy counts how a recipient ended by an attempt, or what else was logged as one.
func (y tallier) settleBy(m *message, r *recipient, before recipientState, o Outcome, it *item) {
	t := y.forget(m, r, before)
	t.follow(m, before, it)
	e := t.end(r, o, it.time)
	if it.provider != 0 {
		e.provider = it.provider
	}
	if o <= DeliveredUnknown {
		e.delay = y.delay(m, it)
	}
	e.facets = it.facets()
	if before == deferred && e.facets != nil {
		if last := y.left(m, r); last != nil && !it.made() {
			e.facets = last
		} else if last != nil {
			e.facets = y.counts.breakdowns.follow(e.facets, last)
		}
	}
	y.ended(m, &e)
}

// settle counts how a deferred recipient ended without an attempt.
func (y tallier) settle(m *message, r *recipient, o Outcome, at parsers.Stamp) {
	t := y.forget(m, r, deferred)
	e := t.end(r, o, at)
	e.facets = y.left(m, r)
	y.ended(m, &e)
}

// forget takes out the trace of a recipient that is not deferred any more.
func (y tallier) forget(m *message, r *recipient, before recipientState) trace {
	if before != deferred {
		return trace{}
	}
	return y.pool.traces.take(traceKey(m, r))
}

func (t *trace) end(r *recipient, o Outcome, at parsers.Stamp) end {
	e := end{outcome: o, time: at, domain: r.domain, up: r.up, provider: t.provider}
	if t.whole {
		e.tries = t.tries
	}
	e.cause, e.causeUp = t.cause, t.cause
	if t.cause != 0 && !t.nowhere {
		e.cause = causeAt(t.cause, t.provider)
	}
	return e
}

// ended counts an end, or keeps it until the sender is known.
func (y tallier) ended(m *message, e *end) {
	if m.is(senderKnown) {
		y.countOutcome(m, e)
		return
	}
	it := e.item()
	y.hold(m, &it)
}

// The time of a message's birth is where its first recipient will be, until that is known: then it is done with where the
// attempt says its delay, as nearly all do, or goes to the traces.

// date takes in when a message began.
func (m *message) date(it *item) {
	if m.first.id == 0 && m.first.domain == 0 {
		m.first.domain = uint64(it.time)
	}
}

// keepBirth makes room for the first recipient, whom an item is about.
func (y tallier) keepBirth(m *message, it *item) {
	if birth := m.first.domain; birth != 0 && it.queue.delay() == 0 {
		m.facts |= dated
		y.pool.traces.add(trace{key: birthKey(m), cause: birth, birth: true})
	}
}

// delay returns how long the delivery by an attempt took.
func (y tallier) delay(m *message, it *item) delay {
	if d := it.queue.delay(); d != 0 || !m.is(dated) {
		return d
	}
	_, t := y.pool.traces.find(birthKey(m))
	if t == nil {
		return 0
	}
	return delayOf(parsers.Between(parsers.Stamp(t.cause), it.time))
}

// follow brings the traces of a message from another pool.
func (p *pool) follow(from *pool, m *message) {
	if len(from.facets) > 0 {
		p.moveFacets(from, m.key)
		tallier{pool: p}.each(m, func(r *recipient) { p.moveFacets(from, traceKey(m, r)) })
	}
	if from.traces.index.len() == 0 {
		return
	}
	if m.is(dated) {
		p.traces.move(&from.traces, birthKey(m))
	}
	tallier{pool: p}.each(m, func(r *recipient) {
		if r.state() == deferred {
			p.traces.move(&from.traces, traceKey(m, r))
		}
	})
}

// untrace gives up the traces of a message that ends.
func (y tallier) untrace(m *message) {
	if len(y.pool.facets) > 0 {
		delete(y.pool.facets, m.key)
		y.each(m, func(r *recipient) { y.left(m, r) })
	}
	if m.is(dated) {
		y.pool.traces.take(birthKey(m))
	}
	if m.first.state() != deferred && m.extra == 0 {
		return // as nearly all are
	}
	y.each(m, func(r *recipient) { y.forget(m, r, r.state()) })
}
