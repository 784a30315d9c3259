package summary

import (
	"slices"
	"strings"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// A record that lacks its sender waits for it this long in log time, and this many records wait at most. They count log
// lines, never blocks, so that the output does not depend on how the input was cut.
const (
	maxWait    = 60 * time.Second
	maxWaiting = 10_000
)

// A Recorder turns events into attempt records, in the order of the lines, each with what earlier lines told of its
// message. It holds the open messages, and the records that wait for their sender.
type Recorder struct {
	opt  *Options
	emit func(*Record) error

	// Inbound: refusals at our own door are wanted too.
	Inbound bool

	msgs    map[uint64]*track
	sweepAt int
	now     parsers.Stamp

	waiting []*Record // from head on, in order
	head    int
	err     error
}

// A track is what a message's records need of its earlier lines.
type track struct {
	epoch
	sender, messageID string
	first             traced // most messages have one recipient
	more              []traced
	waiting           []*Record
}

type traced struct {
	hash                uint64 // as of item.rcpt
	recipient, original string
	tries               uint32
	state               recipientState
}

// NewRecorder returns a Recorder that hands its records to emit, which must not keep them. The first error of emit ends
// all.
func NewRecorder(o *Options, emit func(*Record) error) *Recorder {
	return &Recorder{opt: o, emit: emit, msgs: make(map[uint64]*track), sweepAt: 1 << 17}
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
	if t > r.now {
		r.now = t
		r.flush(false)
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
	var o op
	switch ev.Kind {
	case parsers.Accepted:
		o = opAccepted
	case parsers.Named:
		o = opNamed
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
	default:
		return r.err
	}
	rec := Record{Time: t, Host: host, Format: src.Format, Instance: ev.Instance, Process: ev.Process,
		QueueID: ev.QueueID, MessageID: ev.MessageID, Sender: ev.Sender, File: src.File, Line: src.Line}
	if o == 0 || ev.QueueID == "" {
		if o == 0 || o == opAttempt || o == opExpired && ev.Attempt.Recipient != "" {
			rec.Inbound = o == 0
			rec.Attempt = ev.Attempt
			r.push(&rec, nil, line.Count())
		}
		return r.err
	}
	key := mix(mix(hash(joined), hash(ev.Instance)), hash(ev.QueueID))
	m := r.msgs[key]
	queue := uint64(0)
	if o == opQueued {
		queue = queueFile(ev)
	}
	if m != nil && m.begins(o, queue, t, r.opt.lifetime()) {
		r.resign(m)
		delete(r.msgs, key)
		m = nil
	}
	if o == opRemoved {
		if m != nil {
			r.resign(m)
			delete(r.msgs, key)
		}
		return r.err
	}
	if m == nil {
		m = new(track)
		r.msgs[key] = m
		r.sweep()
	}
	m.note(o, queue, t)
	if m.messageID == "" {
		m.messageID = strings.Clone(ev.MessageID)
	}
	if m.sender == "" && ev.Sender != "" {
		m.sender = strings.Clone(ev.Sender)
		for _, w := range m.waiting {
			w.Sender = m.sender
		}
		m.waiting = nil
		r.flush(false)
	}
	switch o {
	case opAttempt:
		rec.Attempt = ev.Attempt
		m.trace(&rec)
		r.push(&rec, m, line.Count())
	case opExpired:
		r.expire(m, &rec, ev)
	}
	return r.err
}

// trace counts an attempt with its recipient, which tells its ordinal where the message's beginning is in the log.
func (m *track) trace(rec *Record) {
	if rec.Kind == parsers.Probe || rec.Kind == parsers.Async || rec.Kind == parsers.Connect {
		return
	}
	p := m.recipient(&rec.Attempt)
	if !rec.NotAttempted {
		p.tries++
		if m.born && rec.Ordinal == 0 {
			rec.Ordinal = int(p.tries)
		}
	}
	switch {
	case p.state == settled:
	case rec.Status == parsers.StatusDeferred:
		p.state = deferred
	default:
		p.state = settled
	}
}

func (m *track) recipient(a *parsers.Attempt) *traced {
	raw := parsers.Domain(a.Recipient)
	key := recipientHash(a, raw, hash(classify.Domain(raw)))
	if m.first.hash == key {
		return &m.first
	}
	for i := range m.more {
		if p := &m.more[i]; p.hash == key {
			return p
		}
	}
	p := traced{hash: key, recipient: strings.Clone(a.Recipient), original: strings.Clone(a.OriginalRecipient)}
	if m.first.hash == 0 {
		m.first = p
		return &m.first
	}
	m.more = append(m.more, p)
	return &m.more[len(m.more)-1]
}

// expire writes one record per recipient that an expiry ends.
func (r *Recorder) expire(m *track, rec *Record, ev *parsers.Event) {
	rec.Attempt = ev.Attempt
	rec.Status, rec.Kind, rec.NotAttempted = parsers.StatusExpired, parsers.Final, true
	if ev.Attempt.Recipient != "" {
		p := m.recipient(&ev.Attempt)
		p.state = settled
		r.push(rec, m, 1)
		return
	}
	one := func(p *traced) {
		if p.state != deferred {
			return
		}
		p.state = settled
		each := *rec
		each.Recipient, each.OriginalRecipient = p.recipient, p.original
		r.push(&each, m, 1)
	}
	one(&m.first)
	for i := range m.more {
		one(&m.more[i])
	}
}

// push writes a record n times, or queues it behind those that wait, and lets it wait where its sender is not known.
func (r *Recorder) push(rec *Record, m *track, n int) {
	if rec.Recipient != "" {
		rec.Domain = classify.Domain(parsers.Domain(rec.Recipient))
	}
	rec.Verdict = classify.ClassOf(&rec.Attempt)
	wait := false
	if m != nil {
		if rec.MessageID == "" {
			rec.MessageID = m.messageID
		}
		if rec.Sender == "" {
			rec.Sender = m.sender
			wait = m.sender == ""
		}
	}
	for range n {
		if !wait && r.head == len(r.waiting) {
			r.write(rec)
			continue
		}
		held := rec.clone()
		held.wait = wait
		r.waiting = append(r.waiting, held)
		if wait {
			// Those that went without it for being late are not to pile up.
			m.waiting = slices.DeleteFunc(m.waiting, func(w *Record) bool { return !w.wait })
			m.waiting = append(m.waiting, held)
		}
	}
	r.flush(false)
}

// resign lets a message's records go without a sender: none will come.
func (r *Recorder) resign(m *track) {
	for _, w := range m.waiting {
		w.wait = false
	}
	m.waiting = nil
	r.flush(false)
}

// flush writes what need not wait any more, and all of it at the end of the log.
func (r *Recorder) flush(end bool) {
	for r.head < len(r.waiting) {
		w := r.waiting[r.head]
		late := end || len(r.waiting)-r.head > maxWaiting || w.Time != 0 && r.now.Sub(w.Time) > maxWait
		if w.wait && w.Sender == "" && !late {
			break
		}
		w.wait = false
		r.write(w)
		r.waiting[r.head] = nil
		r.head++
	}
	if r.head == len(r.waiting) {
		r.waiting, r.head = r.waiting[:0], 0
	} else if r.head > maxWaiting {
		r.waiting = append(r.waiting[:0], r.waiting[r.head:]...)
		r.head = 0
	}
}

// write hands a record on where it is asked for.
func (r *Recorder) write(rec *Record) {
	o := r.opt
	if r.err != nil || !o.within(rec.Time) ||
		o.Domain != "" && !matches(o.Domain, rec.Domain) ||
		o.Job != "" && !matches(o.Job, rec.Job) ||
		o.Sender != "" && (rec.Sender == "" || !matches(o.Sender, rec.Sender)) {
		return
	}
	r.err = r.emit(rec)
}

// Close writes what still waits.
func (r *Recorder) Close() error {
	r.flush(true)
	return r.err
}

// sweep forgets messages of which nothing can come any more, once they are many.
func (r *Recorder) sweep() {
	if len(r.msgs) < r.sweepAt {
		return
	}
	for key, m := range r.msgs {
		if silent(m.last, r.now, 2*r.opt.lifetime()) {
			delete(r.msgs, key)
		}
	}
	r.sweepAt = max(r.sweepAt, 2*len(r.msgs))
}
