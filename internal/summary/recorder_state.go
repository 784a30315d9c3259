package summary

import (
	"maps"
	"math"
	"slices"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// The encoding of what a Recorder leaves to the next run, version recorderVersion. It is the same bytes for the same Recorder
// on any machine: hosts and messages are in order of their keys. How values are written is said at encodingVersion.
//
//	version  settings  number of messages, of records held  base of times
//	clocks   of hosts, and of those beyond maxClocks
//	messages that are open; then those that have ended, but for whose sender a record waits
//	records  that are held, in order; each that waits names its message by number
//
// A cause is written where it comes first, and then meant by its number, from 1; 0 is none. Which texts are written once is
// decided by what they are: a sender comes again and again, a recipient does not.
const recorderVersion = 1

// keepHosts is how long a host is remembered, and its open messages, of which no run reads anything.
const keepHosts = 400 * 24 * time.Hour

// RecordSettings returns the settings of records: those of o and whether refusals at our own door are among them.
func RecordSettings(o *Options, inbound bool) []Setting {
	list := o.Settings()
	if inbound {
		x := Setting{setInbound, "true"}
		i, _ := slices.BinarySearchFunc(list, x, func(a, b Setting) int { return compareSettings([]Setting{a}, []Setting{b}) })
		list = slices.Insert(list, i, x)
	}
	return list
}

// A RecorderHeader is what the encoding of a Recorder begins with.
type RecorderHeader struct {
	Settings []Setting // as [RecordSettings] returns them
	Messages int       // that are open
	Held     int       // records that wait for their sender, or for their turn
}

// ReadRecorderHeader reads the beginning of what [Recorder.EncodeOpen] wrote.
func ReadRecorderHeader(data []byte) (*RecorderHeader, error) {
	d := recorderDecoder{decoder: decoder{r: wire.NewReader(data)}}
	h := d.header()
	return h, d.r.Err()
}

// Settle writes the records that need not wait for another run: those whose sender is overdue by Options.Now, and those whose
// log has no times, by which it never would be. It forgets messages that nothing can come of any more.
func (r *Recorder) Settle() error {
	r.forget()
	r.forgetHosts()
	r.releaseAll(func(w *held) bool { return w.since == 0 || silent(w.since, r.opt.Now, maxWait+sweepMargin) })
	return r.err
}

// EncodeOpen appends the open messages and the records that wait to dst, in the form that [DecodeRecorder] reads. r stays as it
// is.
func (r *Recorder) EncodeOpen(dst []byte) []byte {
	e := recorderEncoder{encoder: encoder{b: dst, texts: make(map[string]uint64)}, causes: make(map[classify.Cause]uint64),
		clocks: make(map[*clock]uint64), tracks: make(map[*track]uint64)}
	hosts := keysOf(r.clocks)
	base := r.crowd.now
	for _, c := range r.clocks {
		base = max(base, c.now)
	}
	e.base = int64(base) / micro
	waiting := r.waiting[r.head:]
	e.uint(recorderVersion)
	AppendSettings(&e.b, RecordSettings(r.opt, r.Inbound))
	e.uint(uint64(len(r.msgs)))
	e.uint(uint64(len(waiting)))
	e.int(e.base)

	e.clock(&r.crowd)
	e.clocks[&r.crowd] = 1 // zero: none
	e.uint(uint64(len(hosts)))
	before := uint64(0)
	for i, key := range hosts {
		c := r.clocks[key]
		e.clocks[c] = uint64(i) + 2
		e.uint(key - before)
		before = key
		e.clock(c)
	}

	for i := range waiting {
		if waiting[i].wait {
			e.tracks[waiting[i].msg] = 0
		}
	}
	before = 0
	n := uint64(0)
	for _, key := range keysOf(r.msgs) {
		m := r.msgs[key]
		if _, ok := e.tracks[m]; ok {
			e.tracks[m] = n + 1
		}
		n++
		e.uint(key - before)
		before = key
		e.track(m)
	}
	var ended []*track
	for i := range waiting {
		if w := &waiting[i]; w.wait && e.tracks[w.msg] == 0 {
			ended = append(ended, w.msg)
			n++
			e.tracks[w.msg] = n
		}
	}
	e.uint(uint64(len(ended)))
	for _, m := range ended {
		e.track(m)
	}
	for i := range waiting {
		e.held(&waiting[i])
	}
	return e.b
}

// forgetHosts forgets the hosts that no run has read anything of for keepHosts, and their messages.
func (r *Recorder) forgetHosts() {
	gone := make(map[*clock]bool)
	for key, c := range r.clocks {
		if silent(c.seen, r.opt.Now, keepHosts) {
			r.release(c, func(*held) bool { return true })
			gone[c] = true
			delete(r.clocks, key)
		}
	}
	if len(gone) > 0 {
		maps.DeleteFunc(r.msgs, func(_ uint64, m *track) bool { return gone[m.clock] })
	}
}

// keysOf returns the keys of a map in order.
func keysOf[V any](m map[uint64]V) []uint64 {
	order := make([]keyed, 0, len(m))
	for key := range m {
		order = append(order, keyed{key: key})
	}
	sortKeys(order)
	keys := make([]uint64, len(order))
	for i, o := range order {
		keys[i] = o.key
	}
	return keys
}

// A recorderEncoder numbers what is written once.
type recorderEncoder struct {
	encoder
	causes map[classify.Cause]uint64
	clocks map[*clock]uint64
	tracks map[*track]uint64 // of those that records wait for
}

func (e *recorderEncoder) clock(c *clock) {
	e.time(c.now)
	e.time(c.steady)
	e.time(c.lowest)
	e.uint(uint64(c.n))
	e.time(c.seen)
}

// What the number before a message says: facts, and which of its fields follow.
const (
	trackBorn = 1 << iota
	trackNamed
	trackTried
	trackEarly
	trackQueue
	trackServer
	trackFirst
	trackMore
	knownTrack = 1<<iota - 1
)

func (e *recorderEncoder) track(m *track) {
	e.uint(flagsOf(m.born, m.named, m.epoch.tried, m.early, m.queue != 0, m.tried != nil, m.first.hash != 0, m.more != nil))
	e.uint(e.clocks[m.clock])
	e.time(m.last)
	if m.queue != 0 {
		e.key(m.queue)
	}
	e.text(m.sender)
	e.string(m.messageID)
	e.text(m.campaign)
	if s := m.tried; s != nil {
		e.text(s.host)
		e.text(s.ip)
		e.uint(uint64(s.port))
		e.text(s.diagnostic)
	}
	if m.first.hash != 0 {
		e.traced(&m.first)
	}
	if m.more != nil {
		e.uint(uint64(len(m.more.list)))
		for i := range m.more.list {
			e.traced(&m.more.list[i])
		}
	}
}

// flagsOf packs truth values into a number, the first one lowest.
func flagsOf(list ...bool) (n uint64) {
	for i, is := range list {
		if is {
			n |= 1 << i
		}
	}
	return n
}

func (e *recorderEncoder) traced(p *traced) {
	e.key(p.hash)
	e.byte(byte(p.state))
	e.uint(uint64(p.tries))
	if p.state != deferred {
		return
	}
	e.string(p.names.recipient)
	e.string(p.names.original)
	e.cause(p.names.cause)
	e.text(p.names.provider)
}

func (e *recorderEncoder) cause(c *classify.Cause) {
	if c == nil {
		e.byte(0)
		return
	}
	if n, ok := e.causes[*c]; ok {
		e.uint(n + 2)
		return
	}
	e.causes[*c] = uint64(len(e.causes))
	e.byte(1)
	for _, s := range [...]string{c.Category.String(), c.Sub, c.Nature, c.Fault, c.Suppress, c.Retry, c.Confidence, c.Provider} {
		e.text(s)
	}
	e.b.Bool(c.Rule != nil)
	if c.Rule != nil {
		e.text(c.Rule.ID)
		e.text(c.Rule.TierName)
	}
}

// What the number before a record says.
const (
	heldWait = 1 << iota
	heldInbound
	heldNotAttempted
	heldTruncated
	heldGuessed
	heldDelay // it is said, and follows
	heldXDelay
	knownHeld = 1<<iota - 1
)

// held writes a record, but for what follows from the rest of it: its domain and its verdict.
func (e *recorderEncoder) held(w *held) {
	r := w.Record
	delay, delayed := r.Delay.Milliseconds()
	xdelay, xdelayed := r.XDelay.Milliseconds()
	e.uint(flagsOf(w.wait, r.Inbound, r.NotAttempted, r.Truncated, r.Guessed, delayed, xdelayed))
	if w.wait {
		e.uint(e.tracks[w.msg] - 1)
		e.uint(e.clocks[w.clock])
		e.time(w.since)
	}
	e.time(r.Time)
	for _, s := range r.again() {
		e.text(*s)
	}
	for _, s := range r.once() {
		e.string(*s)
	}
	e.b = append(e.b, byte(r.Status), byte(r.Kind), byte(r.Origin), byte(r.Command))
	for _, n := range r.numbers() {
		e.uint(uint64(*n))
	}
	e.int(r.Line)
	e.int(int64(r.Ordinal))
	if delayed {
		e.int(delay)
	}
	if xdelayed {
		e.int(xdelay)
	}
	e.cause(r.Cause)
}

// again returns the texts of a record that other records have too, in the order of the encoding; once those that they have not.
func (r *Record) again() []*string {
	return []*string{&r.Host, &r.Format, &r.Instance, &r.Process, &r.Sender, &r.Controller, &r.RelayHost, &r.RelayIP, &r.MTAStatus,
		&r.Job, &r.SourceIP, &r.Provider, &r.campaign, &r.File}
}

func (r *Record) once() []*string {
	return []*string{&r.QueueID, &r.MessageID, &r.Recipient, &r.OriginalRecipient, &r.RecipientDomain, &r.Reply.Text, &r.Diagnostic}
}

// numbers returns the small numbers of a record in the order of the encoding.
func (r *Record) numbers() []*uint16 {
	e, d := &r.Reply.Enhanced, &r.DSN
	return []*uint16{&r.RelayPort, (*uint16)(&r.Reply.Code), &e[0], &e[1], &e[2], &d[0], &d[1], &d[2]}
}

// DecodeRecorder returns the Recorder that [Recorder.EncodeOpen] wrote, which goes on as that would have done. Its Options and
// inbound have to be those that it was made with: a [*SettingError] names the first that differs. What a newer program wrote is a
// [*VersionError], and anything else that is wrong [ErrCorrupt].
func DecodeRecorder(data []byte, o *Options, inbound bool, emit func(*Record) error) (*Recorder, error) {
	d := recorderDecoder{decoder: decoder{r: wire.NewReader(data), texts: []string{""}}}
	h := d.header()
	if err := d.r.Err(); err != nil {
		return nil, err
	}
	if err := CompareSettings(h.Settings, RecordSettings(o, inbound)); err != nil {
		return nil, err
	}
	if o.Classifier != nil {
		d.rules = o.Classifier.Rules()
	}
	r := NewRecorder(o, emit)
	r.Inbound = inbound
	d.base = d.int()
	d.must(d.base <= maxSecond && d.base >= -maxSecond)
	d.recorder(r, h)
	if err := d.r.End(); err != nil {
		return nil, err
	}
	r.sweepAt = max(minTracks, 2*len(r.msgs))
	return r, nil
}

// A recorderDecoder keeps what was read once and is meant by its number.
type recorderDecoder struct {
	decoder
	rules  []classify.Rule
	ruleOf map[string]*classify.Rule // nil before the first
	causes []*classify.Cause
	clocks []*clock
	tracks []*track
}

func (d *recorderDecoder) header() *RecorderHeader {
	ReadVersion(&d.r, recorderVersion)
	h := &RecorderHeader{Settings: ReadSettings(&d.r)}
	messages, held := d.uint(), d.uint()
	d.must(messages <= uint64(d.r.Len()) && held <= uint64(d.r.Len())) // each takes a byte at least
	if !d.failed() {
		h.Messages, h.Held = int(messages), int(held)
	}
	return h
}

func (d *recorderDecoder) recorder(r *Recorder, h *RecorderHeader) {
	d.clocks = []*clock{nil, &r.crowd}
	d.clock(&r.crowd)
	n := d.length(6)
	d.must(n <= maxClocks)
	key := uint64(0)
	next := func(i int) {
		delta := d.uint()
		d.must(i == 0 || delta != 0 && key+delta > key)
		key += delta
	}
	for i := range n {
		c := new(clock)
		next(i)
		d.clock(c)
		if d.failed() {
			return
		}
		r.clocks[key] = c
		d.clocks = append(d.clocks, c)
	}
	key = 0
	for i := range h.Messages {
		next(i)
		m := d.track()
		d.must(m.clock != nil)
		if d.failed() {
			return
		}
		r.msgs[key] = m
	}
	for range d.length(4) {
		if d.track(); d.failed() {
			return
		}
	}
	for range h.Held {
		w := d.held()
		if d.failed() {
			return
		}
		r.waiting = append(r.waiting, w)
	}
}

func (d *recorderDecoder) clock(c *clock) {
	c.now, c.steady, c.lowest = d.time(), d.time(), d.time()
	n := d.uint()
	d.must(n < clockRun)
	c.n, c.seen = int(n), d.time()
}

func (d *recorderDecoder) track() *track {
	m := new(track)
	what := d.uint()
	d.must(what&^knownTrack == 0)
	m.born, m.named, m.epoch.tried, m.early = what&trackBorn != 0, what&trackNamed != 0, what&trackTried != 0, what&trackEarly != 0
	if c := d.uint(); c < uint64(len(d.clocks)) {
		m.clock = d.clocks[c]
	} else {
		d.fail()
	}
	m.last = d.time()
	if what&trackQueue != 0 {
		m.queue = d.key()
	}
	m.sender, m.messageID, m.campaign = d.text(), d.string(), d.text()
	if what&trackServer != 0 {
		m.tried = &server{host: d.text(), ip: d.text(), port: d.small(), diagnostic: d.text()}
	}
	d.must(what&(trackFirst|trackMore) != trackMore)
	if what&trackFirst != 0 {
		d.traced(&m.first)
	}
	if what&trackMore != 0 {
		n := d.length(10)
		d.must(n > 0)
		m.more = new(tracedList)
		for range n {
			if d.failed() {
				break
			}
			m.more.list = append(m.more.list, traced{})
			d.traced(&m.more.list[len(m.more.list)-1])
		}
		m.more.reindex()
	}
	d.tracks = append(d.tracks, m)
	return m
}

// small reads a number of 16 bits.
func (d *recorderDecoder) small() uint16 {
	n := d.uint()
	d.must(n <= math.MaxUint16)
	return uint16(n)
}

func (d *recorderDecoder) traced(p *traced) {
	p.hash, p.state = d.key(), recipientState(d.byte())
	tries := d.uint()
	d.must(p.hash != 0 && p.state <= settled && tries <= math.MaxUint32)
	p.tries = uint32(tries)
	if p.state == deferred {
		p.names = &addressee{recipient: d.string(), original: d.string(), cause: d.cause(), provider: d.text()}
	}
}

func (d *recorderDecoder) cause() *classify.Cause {
	switch n := d.uint(); {
	case n == 0:
		return nil
	case n > 1:
		if n-2 < uint64(len(d.causes)) {
			return d.causes[n-2]
		}
		d.fail()
		return nil
	}
	category, ok := classify.ParseCategory(d.text())
	d.must(ok)
	c := &classify.Cause{Category: category, Sub: d.text(), Nature: d.text(), Fault: d.text(), Suppress: d.text(), Retry: d.text(),
		Confidence: d.text(), Provider: d.text()}
	if d.r.Bool() {
		c.Rule = d.rule(d.text(), d.text())
	}
	d.causes = append(d.causes, c)
	return c
}

// rule returns a rule by its name, or, where there is none of that name any more, what is known of it.
func (d *recorderDecoder) rule(id, tier string) *classify.Rule {
	if d.ruleOf == nil {
		d.ruleOf = make(map[string]*classify.Rule, len(d.rules))
		for i := range d.rules {
			d.ruleOf[d.rules[i].ID] = &d.rules[i]
		}
	}
	if d.ruleOf[id] == nil {
		d.ruleOf[id] = &classify.Rule{ID: id, TierName: tier}
	}
	return d.ruleOf[id]
}

func (d *recorderDecoder) held() held {
	what := d.uint()
	d.must(what&^knownHeld == 0)
	r := &Record{wait: what&heldWait != 0, Inbound: what&heldInbound != 0}
	w := held{Record: r}
	if r.wait {
		m, c := d.uint(), d.uint()
		w.since = d.time()
		if d.must(m < uint64(len(d.tracks)) && c > 0 && c < uint64(len(d.clocks))); d.failed() {
			return w
		}
		w.msg, w.clock = d.tracks[m], d.clocks[c]
		w.clock.waiting = append(w.clock.waiting, w)
	}
	r.NotAttempted, r.Truncated, r.Guessed = what&heldNotAttempted != 0, what&heldTruncated != 0, what&heldGuessed != 0
	r.Time = d.time()
	for _, s := range r.again() {
		*s = d.text()
	}
	for _, s := range r.once() {
		*s = d.string()
	}
	if b := d.take(4); b != nil {
		r.Status, r.Kind, r.Origin, r.Command = parsers.Status(b[0]), parsers.AttemptKind(b[1]), parsers.Origin(b[2]), parsers.Command(b[3])
	}
	d.must(r.Status <= parsers.StatusRejected && r.Kind <= parsers.Probe && r.Origin <= parsers.OriginProvider && r.Command <= parsers.EndOfDATA)
	for _, n := range r.numbers() {
		*n = d.small()
	}
	r.Line, r.Ordinal = d.int(), int(d.int())
	if what&heldDelay != 0 {
		r.Delay = parsers.Milliseconds(d.int())
	}
	if what&heldXDelay != 0 {
		r.XDelay = parsers.Milliseconds(d.int())
	}
	r.Cause = d.cause()
	if !d.failed() {
		r.judge()
	}
	return w
}
