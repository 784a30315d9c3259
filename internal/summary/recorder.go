package summary

import (
	"slices"
	"strings"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// A record that lacks its sender holds up those behind it until the log of its own host is this far from it, or until this
// many records are behind it, of whatever host: so one whose host says nothing more holds up the others for so long only.
// Both count what the log says, never blocks, so that the output does not depend on how the input was cut.
const (
	maxWait    = 60 * time.Second
	maxWaiting = 10_000
)

// maxClocks is how many hosts have a clock of their own. Anybody who may write to a syslog server can make up hosts.
const maxClocks = 1 << 16

// minTracks is how many messages are open before any are forgotten.
const minTracks = 1 << 17

// A Recorder turns events into attempt records, in the order of the lines, each with what earlier lines told of its
// message. It holds the open messages, and the records that wait for their sender.
type Recorder struct {
	opt  *Options
	emit func(*Record) error

	// Inbound: refusals at our own door are wanted too.
	Inbound bool

	causes  *causes
	msgs    map[uint64]*track
	sweepAt int
	clocks  map[uint64]*clock // by host
	crowd   clock             // of the hosts beyond maxClocks
	senders senderMemo

	scratch Record // the one that Add makes: there is one for every attempt of the log
	waiting []held // from head on, in order
	head    int
	err     error
}

// held is a record that waits for its sender or, where Record.wait is not set, for its turn. The others are of one that waits.
type held struct {
	*Record
	msg   *track
	clock *clock        // of its host
	since parsers.Stamp // by that
}

// A clock is what the log of one host has come to.
//
// Note: it is neither the highest stamp so far nor one for all hosts. Hosts are read one after the other, and the clock
// of one would be hours ahead of the next one's lines; and so would any clock be, for good, after one line from the future.
type clock struct {
	now    parsers.Stamp // of its latest event that has a time
	steady parsers.Stamp // the lowest of the latest whole run of events, which a few wrong ones do not carry ahead; zero before
	lowest parsers.Stamp // of the run under way
	n      int           // events in it
	seen   parsers.Stamp // Options.Now of the last run that read an event of the host

	waiting []held // the records of the host that wait for their sender, in order: some of the Recorder's
}

const clockRun = 64

// tick sets the clock to the time of an event, and reports whether that moved it.
func (c *clock) tick(t parsers.Stamp) bool {
	if t == 0 {
		return false
	}
	if c.n == 0 {
		c.lowest = t
	}
	c.lowest = min(c.lowest, t)
	if c.n++; c.n == clockRun {
		c.steady, c.n = c.lowest, 0
	}
	moved := t != c.now
	c.now = t
	return moved
}

// passed reports whether the clock is far from where it stood at since, in either direction.
func (c *clock) passed(since parsers.Stamp) bool {
	return since != 0 && c.now.Sub(since).Abs() > maxWait
}

// A track is what a message's records need of its earlier lines.
//
// Note: where a log has no `removed`, all its messages stay open. So a track is small, and has texts only of recipients
// that an expiry may end.
type track struct {
	epoch
	clock             *clock // of its host; nil: the message has ended, and no sender will come
	sender, messageID string
	first             traced // most messages have one recipient
	more              *tracedList
	tried             *server // the last one that could not be reached
	campaign          string  // its header field's that was asked for
	early             bool    // its first attempt was written before it was accepted
}

// A server is one that a message was tried at in vain, for records that name none: Exim writes it once, on a line before
// them (Exim: src/transports/smtp.c, write_logs).
type server struct {
	host, ip   string
	port       uint16
	diagnostic string
}

type traced struct {
	hash  uint64     // as of item.rcpt
	names *addressee // where it is deferred
	tries uint32
	state recipientState
}

type addressee struct {
	recipient, original string
	cause               *classify.Cause // of the last deferral
	provider            string
}

type tracedList struct {
	list  []traced
	index map[uint64]uint32 // once the list is long
}

// A senderMemo holds senders that came before. A campaign has the same one in all its messages.
type senderMemo [4096]string

// keep returns a sender that does not point into a block.
func (s *senderMemo) keep(sender string) string {
	p := &s[hash(sender)%uint64(len(s))]
	if *p != sender {
		*p = strings.Clone(sender)
	}
	return *p
}

// NewRecorder returns a Recorder that hands its records to emit, which must not keep them. The first error of emit ends
// all.
func NewRecorder(o *Options, emit func(*Record) error) *Recorder {
	return &Recorder{opt: o, emit: emit, causes: newCauses(o.Classifier), msgs: make(map[uint64]*track), clocks: make(map[uint64]*clock), sweepAt: minTracks}
}

// A Source says where an event's line stands.
type Source struct {
	Format string
	Host   string // by which lines that name none are joined
	Given  bool   // the user gave Host, so it stands in the records too
	File   string
	Line   int64
}

// Add takes the next event of the log.
func (r *Recorder) Add(ev *parsers.Event, line *parsers.Line, src *Source) error {
	t := ev.Time
	if t == 0 {
		t = line.Time
	}
	host := ev.Host
	if host == "" {
		host = line.Host
	}
	joined := host
	if host == "" {
		joined = src.Host
		if src.Given {
			host = src.Host
		}
	}
	hostHash := hash(joined)
	c := r.clock(hostHash)
	c.seen = r.opt.Now
	if c.tick(t) {
		r.release(c, nil)
	}
	var o op
	switch ev.Kind {
	case parsers.Accepted:
		o = opAccepted
	case parsers.Named:
		o = opNamed
	case parsers.Headed:
		o = opHeader
	case parsers.Queued:
		o = opQueued
	case parsers.Removed:
		o = opRemoved
	case parsers.Attempted:
		o = opAttempt
	case parsers.Expired:
		o = opExpired
	case parsers.Rejected:
		if !r.Inbound {
			return r.err
		}
	case parsers.Tried:
		r.tried(ev, c, mix(mix(hostHash, hash(ev.Instance)), hash(ev.QueueID)), t)
		return r.err
	default:
		return r.err
	}
	rec := &r.scratch
	if o == 0 || o == opAttempt || o == opExpired {
		*rec = Record{Time: t, Host: host, Format: src.Format, Instance: ev.Instance, Process: ev.Process, Inbound: o == 0,
			QueueID: ev.QueueID, MessageID: ev.MessageID, Sender: ev.Sender, campaign: ev.Campaign, File: src.File, Line: src.Line}
		rec.Attempt = ev.Attempt
	}
	if o == 0 || ev.QueueID == "" {
		if o == 0 || o == opAttempt || o == opExpired && ev.Attempt.Recipient != "" {
			if !rec.Inbound {
				r.explain(rec)
			}
			r.push(rec, nil, line.Count(), 0)
		}
		return r.err
	}
	key := mix(mix(hostHash, hash(ev.Instance)), hash(ev.QueueID))
	m := r.msgs[key]
	queue := uint64(0)
	if o == opQueued {
		queue = queueFile(ev)
	}
	if m != nil && m.ends(o, queue, t, r.opt.lifetime()) {
		r.end(m)
		delete(r.msgs, key)
		m = nil
	}
	if o == opRemoved {
		if m != nil {
			r.end(m)
			delete(r.msgs, key)
		}
		return r.err
	}
	if m == nil {
		m = &track{clock: c}
		r.msgs[key] = m
		r.sweep()
	}
	m.note(o, queue, t)
	m.early = m.early && !m.born
	if m.messageID == "" {
		m.messageID = strings.Clone(ev.MessageID)
	}
	if ev.Campaign != "" {
		m.campaign = strings.Clone(ev.Campaign)
	}
	if ev.Sender != "" && ev.Sender != m.sender { // the latest one said holds, as in the summary
		m.sender = r.senders.keep(ev.Sender)
		r.release(c, nil)
	}
	switch o {
	case opAttempt:
		r.explain(rec)
		m.borrow(&rec.Attempt)
		m.early = m.early || rec.Ordinal == 1 && !m.born
		n := line.Count()
		r.push(rec, m, n, m.trace(rec, n))
	case opExpired:
		r.expire(m, rec)
	}
	return r.err
}

// ends reports whether an event belongs to another message under the same id. What was accepted after its first attempt is
// the same: Exim hands a message on while it receives it (cutthrough delivery), and the log knows the attempt's ordinal.
func (m *track) ends(o op, queue uint64, t parsers.Stamp, lifetime time.Duration) bool {
	if o == opAccepted && m.early {
		o = 0
	}
	return m.begins(o, queue, t, lifetime)
}

// maxReason is how long the system's error may be that tells why a server could not be reached.
const maxReason = 64

// tried notes a server that could not be reached.
func (r *Recorder) tried(ev *parsers.Event, c *clock, key uint64, t parsers.Stamp) {
	a := &ev.Attempt
	if ev.QueueID == "" || a.RelayHost == "" || a.Origin != parsers.OriginLocal || a.Command != parsers.CONNECT || len(a.Diagnostic) > maxReason {
		return
	}
	m := r.msgs[key]
	if m == nil {
		m = &track{clock: c}
		m.note(0, 0, t)
		r.msgs[key] = m
		r.sweep()
	}
	m.tried = &server{strings.Clone(a.RelayHost), strings.Clone(a.RelayIP), a.RelayPort, strings.Clone(a.Diagnostic)}
}

// borrow completes an attempt that broke off before there was a dialogue with the server that was tried last, where that
// failed for the same reason.
func (m *track) borrow(a *parsers.Attempt) {
	if s := m.tried; s != nil && a.RelayHost == "" && a.Origin == parsers.OriginLocal && a.Diagnostic == s.diagnostic {
		a.RelayHost, a.RelayIP, a.RelayPort = s.host, s.ip, s.port
	}
}

// clock returns the clock of a host.
func (r *Recorder) clock(host uint64) *clock {
	c := r.clocks[host]
	switch {
	case c != nil:
	case len(r.clocks) >= maxClocks:
		c = &r.crowd
	default:
		c = new(clock)
		r.clocks[host] = c
	}
	return c
}

// trace counts n attempts with their recipient. Where the message's beginning is in the log that tells the ordinal of the
// first, and step is what the next ones' differ by.
func (m *track) trace(rec *Record, n int) (step int) {
	if rec.Kind == parsers.Probe || rec.Kind == parsers.Async || rec.Kind == parsers.Connect {
		return 0
	}
	p := m.recipient(&rec.Attempt)
	if !rec.NotAttempted {
		if m.born && rec.Ordinal == 0 {
			rec.Ordinal, step = int(p.tries)+1, 1
		}
		p.tries += uint32(n)
	}
	switch {
	case p.state == settled:
	case rec.Status != parsers.StatusDeferred:
		p.settle()
	case p.state != deferred:
		p.state = deferred
		p.names = &addressee{recipient: strings.Clone(rec.Recipient), original: strings.Clone(rec.OriginalRecipient)}
	}
	if p.state == deferred && rec.Cause != nil && !rec.NotAttempted {
		p.names.cause, p.names.provider = rec.Cause, rec.Cause.Provider
	}
	return step
}

func (p *traced) settle() { p.state, p.names = settled, nil }

// recipient returns the recipient of an attempt, made where it is missing.
func (m *track) recipient(a *parsers.Attempt) *traced {
	key := recipientHash(a, domainKey(a))
	if m.first.hash == 0 {
		m.first.hash = key
	}
	if m.first.hash == key {
		return &m.first
	}
	if m.more == nil {
		m.more = new(tracedList)
	}
	return m.more.at(key)
}

// at returns the recipient with this hash, made where it is missing.
func (l *tracedList) at(key uint64) *traced {
	if l.index != nil {
		if i, ok := l.index[key]; ok {
			return &l.list[i]
		}
	} else if i := slices.IndexFunc(l.list, func(p traced) bool { return p.hash == key }); i >= 0 {
		return &l.list[i]
	}
	l.list = append(l.list, traced{hash: key})
	if l.index != nil {
		l.index[key] = uint32(len(l.list) - 1)
	} else {
		l.reindex()
	}
	return &l.list[len(l.list)-1]
}

// reindex makes the index of a list that has become long.
func (l *tracedList) reindex() {
	if len(l.list) <= longList {
		return
	}
	l.index = make(map[uint64]uint32, 2*len(l.list))
	for i := range l.list {
		l.index[l.list[i].hash] = uint32(i)
	}
}

// expire writes one record per recipient that an expiry ends.
func (r *Recorder) expire(m *track, rec *Record) {
	rec.Status, rec.Kind, rec.NotAttempted = parsers.StatusExpired, parsers.Final, true
	if rec.Recipient != "" {
		if p := m.recipient(&rec.Attempt); p.state != settled {
			r.inherit(rec, p)
			p.settle()
			r.push(rec, m, 1, 0)
		}
		return
	}
	one := func(p *traced) {
		if p.state != deferred {
			return
		}
		each := *rec
		each.Recipient, each.OriginalRecipient = p.names.recipient, p.names.original
		r.inherit(&each, p)
		p.settle()
		r.push(&each, m, 1, 0)
	}
	one(&m.first)
	if m.more != nil {
		for i := range m.more.list {
			one(&m.more.list[i])
		}
	}
}

// explain finds the cause of a failure, and whose server it was at.
func (r *Recorder) explain(rec *Record) {
	if rec.Cause = r.causes.of(&rec.Attempt); rec.Cause != nil {
		rec.Provider = rec.Cause.Provider
	} else {
		rec.Provider = r.causes.provider(&rec.Attempt)
	}
}

// inherit gives an expiry the cause of the deferrals that led to it.
func (r *Recorder) inherit(rec *Record, p *traced) {
	if p.names != nil && p.names.cause != nil {
		rec.Cause, rec.Provider = p.names.cause, p.names.provider
		return
	}
	r.explain(rec)
}

// push writes a record n times, with ordinals that differ by step, or queues it behind those that wait, and lets it wait
// where its sender is not known.
func (r *Recorder) push(rec *Record, m *track, n, step int) {
	rec.judge()
	if m != nil {
		if rec.MessageID == "" {
			rec.MessageID = m.messageID
		}
		if rec.campaign == "" {
			rec.campaign = m.campaign
		}
		if rec.Sender == "" {
			rec.Sender = m.sender
			rec.wait = m.sender == ""
		}
	}
	for range n {
		if !rec.wait && r.head == len(r.waiting) {
			r.write(rec)
		} else {
			w := held{Record: rec.clone()}
			if rec.wait {
				w.msg, w.clock, w.since = m, m.clock, m.clock.now
				m.clock.waiting = append(m.clock.waiting, w)
			}
			r.waiting = append(r.waiting, w)
		}
		rec.Ordinal += step
	}
	r.flush()
}

// end lets a message's records go without a sender: none will come.
func (r *Recorder) end(m *track) {
	c := m.clock
	m.clock = nil
	r.release(c, nil)
}

// release ends the waiting of records of a host whose sender is known, or will not come, given says so or not; nil: it never does.
//
// Note: a record waits for the earlier ones of its own host alone. If it waited for its turn, too, how long it has for its sender
// would depend on which host's log is read first, and so on what is read in one run.
func (r *Recorder) release(c *clock, given func(*held) bool) {
	done := 0
	for done < len(c.waiting) && c.waiting[done].done(given) {
		c.waiting[done] = held{}
		done++
	}
	if done == 0 {
		return
	}
	if c.waiting = c.waiting[done:]; len(c.waiting) == 0 {
		c.waiting = nil
	}
	r.flush()
}

// done ends the waiting of a record where there is nothing to wait for, and reports whether there is not.
func (w *held) done(given func(*held) bool) bool {
	m := w.msg
	if w.wait && m.sender == "" && m.clock != nil && !w.clock.passed(w.since) && (given == nil || !given(w)) {
		return false
	}
	if w.wait {
		w.Sender, w.wait = m.sender, false
	}
	return true
}

// flush writes what need not wait any more.
func (r *Recorder) flush() {
	for r.head < len(r.waiting) {
		w := r.waiting[r.head]
		if w.wait {
			if len(r.waiting)-r.head <= maxWaiting {
				break
			}
			w.done(func(*held) bool { return true })
			w.clock.waiting = w.clock.waiting[1:] // it was the first
		}
		r.write(w.Record)
		r.waiting[r.head] = held{}
		r.head++
	}
	if r.head == len(r.waiting) {
		r.waiting, r.head = r.waiting[:0], 0
	} else if r.head > maxWaiting {
		r.waiting, r.head = slices.Delete(r.waiting, 0, r.head), 0
	}
}

// releaseAll is release for all hosts.
func (r *Recorder) releaseAll(given func(*held) bool) {
	r.release(&r.crowd, given)
	for _, c := range r.clocks {
		r.release(c, given)
	}
}

// write hands a record on where it is asked for.
func (r *Recorder) write(rec *Record) {
	if rec.Sender == "" {
		rec.Sender = rec.Controller
	}
	if r.err == nil && r.opt.Wants(rec) {
		r.err = r.emit(rec)
	}
}

// Close writes what still waits.
func (r *Recorder) Close() error {
	r.releaseAll(func(*held) bool { return true })
	return r.err
}

// sweep forgets messages of which nothing can come any more, each time that they are twice as many as it left.
func (r *Recorder) sweep() {
	if len(r.msgs) < r.sweepAt {
		return
	}
	r.forget()
}

// forget does what sweep does, however few messages there are.
func (r *Recorder) forget() {
	for key, m := range r.msgs {
		if silent(m.last, m.clock.steady, 2*r.opt.lifetime()) {
			delete(r.msgs, key)
		}
	}
	r.sweepAt = max(minTracks, 2*len(r.msgs))
}
