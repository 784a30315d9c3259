package summary

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"

	"bouncelog/parsers"
)

// Bounds of the tables. Beyond them rows fold into their parents, visibly.
const (
	maxDomains   = 1 << 18
	maxSenders   = 1 << 18
	maxTemplates = 1 << 16
	maxReplies   = 1 << 16
	maxHosts     = 1 << 14
	maxHours     = 1 << 17
	maxPrograms  = 1 << 10
	maxProviders = 1 << 16
	maxCauseRows = 1 << 15
)

// A Bucket is where an input line ends. Every line ends in exactly one.
type Bucket uint8

// The buckets of the ledger.
const (
	Delivery     Bucket = iota // tells of a delivery attempt or its end
	Context                    // known, and of use to the correlation
	Ignored                    // known, and not about delivery; or another program's
	Unrecognised               // no format knows it
	Malformed                  // should parse and does not
	Overlong                   // longer than the limit; its end was not looked at
	NumBuckets
)

// A Ledger counts lines by bucket.
type Ledger [NumBuckets]int64

// Lines returns the lines read, which is the sum of the buckets.
func (l *Ledger) Lines() (n int64) {
	for _, c := range l {
		n += c
	}
	return n
}

func (l *Ledger) add(o *Ledger) {
	for i := range o {
		l[i] += o[i]
	}
}

// Attempts counts delivery attempts by what our MTA made of them.
type Attempts struct {
	Sent, Deferred, Bounced int64
}

// Total returns the number of attempts.
func (a Attempts) Total() int64 { return a.Sent + a.Deferred + a.Bounced }

func (a *Attempts) add(o *Attempts) {
	a.Sent += o.Sent
	a.Deferred += o.Deferred
	a.Bounced += o.Bounced
}

func (a *Attempts) parted(bool) Attempts { return *a }

func (a *Attempts) count(s parsers.Status, n int64) {
	switch s {
	case parsers.StatusSent:
		a.Sent += n
	case parsers.StatusDeferred:
		a.Deferred += n
	case parsers.StatusBounced:
		a.Bounced += n
	}
}

// An Outcome is how delivery of one message to one recipient ended.
type Outcome uint8

// The outcomes.
const (
	DeliveredFirst   Outcome = iota // at the first try
	DeliveredLater                  // after a deferral
	DeliveredUnknown                // delivered; the log does not hold the beginning, so whether at first is not known
	Bounced
	Expired
	Pending // still deferred at the end of the log
	Lost    // left the queue while deferred, or no word of it for longer than the queue lifetime
	NumOutcomes
)

// Outcomes counts pairs of message and recipient by outcome.
type Outcomes [NumOutcomes]int64

// Delivered returns the pairs that were delivered.
func (o Outcomes) Delivered() int64 {
	return o[DeliveredFirst] + o[DeliveredLater] + o[DeliveredUnknown]
}

// Total returns all pairs.
func (o Outcomes) Total() (n int64) {
	for _, c := range o {
		n += c
	}
	return n
}

func (o *Outcomes) add(p *Outcomes) {
	for i := range p {
		o[i] += p[i]
	}
}

// A Tally is what is counted for a domain, a sender or a whole log.
type Tally struct {
	Attempts Attempts
	Outcomes Outcomes
}

func (t *Tally) add(o *Tally) {
	t.Attempts.add(&o.Attempts)
	t.Outcomes.add(&o.Outcomes)
}

// A tally is a Tally in half the room, and without a pointer for the collector: a table may have half a million. A cell
// holds up to 2^38-1, which takes more log than there is, and stays there.
type tally struct {
	low  [numCells]uint32
	high uint64 // highBits for each cell
}

// The cells of a tally.
const (
	cellSent = iota
	cellDeferred
	cellBounced
	cellOutcome // the first of them
	numCells    = cellOutcome + int(NumOutcomes)

	highBits = 6
	highMask = 1<<highBits - 1
)

// count adds n to a cell.
func (t *tally) count(cell int, n uint32) {
	t.low[cell] += n
	if t.low[cell] < n {
		t.carry(cell, 1)
	}
}

// carry adds n to the upper bits of a cell.
func (t *tally) carry(cell int, n uint64) {
	at := cell * highBits
	if t.high>>at&highMask+n > highMask {
		t.low[cell], n = math.MaxUint32, highMask-t.high>>at&highMask
	}
	t.high += n << at
}

// attempt counts n attempts of a status.
func (t *tally) attempt(s parsers.Status, n uint32) {
	switch s {
	case parsers.StatusSent:
		t.count(cellSent, n)
	case parsers.StatusDeferred:
		t.count(cellDeferred, n)
	case parsers.StatusBounced:
		t.count(cellBounced, n)
	}
}

func (t *tally) outcome(o Outcome) { t.count(cellOutcome+int(o), 1) }

func (t *tally) add(o *tally) {
	for cell, n := range o.low {
		high := o.high >> (cell * highBits) & highMask
		t.low[cell] += n
		if t.low[cell] < n {
			high++
		}
		if high > 0 {
			t.carry(cell, high)
		}
	}
}

func (t *tally) parted(bool) tally { return *t }

func (t *tally) zero() bool { return *t == tally{} }

// whole returns t with its counters in full width.
func (t *tally) whole() (w Tally) {
	get := func(cell int) int64 { return int64(t.high>>(cell*highBits)&highMask<<32 | uint64(t.low[cell])) }
	w.Attempts = Attempts{get(cellSent), get(cellDeferred), get(cellBounced)}
	for o := range w.Outcomes {
		w.Outcomes[o] = get(cellOutcome + o)
	}
	return w
}

// A Pos is a place in the input: its ordinal in fold order, the block, the line of the block from 1.
type Pos struct {
	Input, Block, Line uint32
}

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.Input, q.Input), cmp.Compare(p.Block, q.Block), cmp.Compare(p.Line, q.Line))
}

// Evidence is one line that stands for many.
type Evidence struct {
	Time parsers.Stamp
	Text string
	Pos  Pos
}

// earlier takes another one where that comes first: by time, then text, so that it does not depend on how the input was cut.
func (e *Evidence) earlier(t parsers.Stamp, text string, pos Pos) {
	if text == "" || e.Text != "" && (t > e.Time || cmp.Or(cmp.Compare(t, e.Time), strings.Compare(text, e.Text), pos.compare(e.Pos)) >= 0) {
		return
	}
	*e = Evidence{t, strings.Clone(text), pos}
}

// ReplyKey is what replies are counted by.
type ReplyKey struct {
	Code     parsers.ReplyCode
	Enhanced parsers.EnhancedCode
	Class    parsers.Class
}

// pack returns k in 64 bits, never zero.
func (k ReplyKey) pack() uint64 {
	return 1<<63 | uint64(k.Class)<<48 | uint64(k.Code&0x3ff)<<32 |
		uint64(k.Enhanced[0]&0x3ff)<<20 | uint64(k.Enhanced[1]&0x3ff)<<10 | uint64(k.Enhanced[2]&0x3ff)
}

func unpackReply(v uint64) ReplyKey {
	return ReplyKey{
		Class:    classOf(v),
		Code:     parsers.ReplyCode(v >> 32 & 0x3ff),
		Enhanced: parsers.EnhancedCode{uint16(v >> 20 & 0x3ff), uint16(v >> 10 & 0x3ff), uint16(v & 0x3ff)},
	}
}

// classOf returns the class of a packed ReplyKey.
func classOf(v uint64) parsers.Class { return parsers.Class(v >> 48 & 0xf) }

// plain returns the row that a reply folds into: its code alone.
func (k ReplyKey) plain() uint64 {
	k.Enhanced = parsers.EnhancedCode{}
	return k.pack()
}

type sum int64

func (s *sum) add(o *sum)      { *s += *o }
func (s *sum) parted(bool) sum { return *s }

// pair counts a reply at a domain.
type pair struct {
	domain, reply uint64
	n             int64
}

func (p *pair) add(o *pair) {
	if o.reply != 0 {
		p.domain, p.reply = o.domain, o.reply
	}
	p.n += o.n
}

// count returns p without its domain.
func (p *pair) count() ReplyCount { return ReplyCount{unpackReply(p.reply), p.n} }

// parted is the same domain's reply code without its enhanced code; in the rest row, nobody's.
func (p *pair) parted(rest bool) pair {
	if rest {
		return pair{n: p.n}
	}
	return pair{p.domain, unpackReply(p.reply).plain(), p.n}
}

// template counts a masked diagnostic.
type template struct {
	reply   uint64
	n       int64
	last    parsers.Stamp
	example Evidence
}

func (t *template) add(o *template) {
	if o.reply != 0 {
		t.reply = o.reply
	}
	t.n += o.n
	t.last = max(t.last, o.last)
	t.example.earlier(o.example.Time, o.example.Text, o.example.Pos)
}

// parted keeps the reply, which the templates that fold into one row share; not in the rest row.
func (t *template) parted(rest bool) template {
	o := *t
	if rest {
		o.reply = 0
	}
	return o
}

// hostRow is what is known of one reporting host.
type hostRow struct {
	lines       int64
	first, last parsers.Stamp
}

func (h *hostRow) add(o *hostRow) {
	h.lines += o.lines
	h.first, h.last = minStamp(h.first, o.first), max(h.last, o.last)
}

func (h *hostRow) parted(bool) hostRow { return *h }

func minStamp(a, b parsers.Stamp) parsers.Stamp {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Counts is the part of a Summary that only adds up.
type Counts struct {
	Ledger Ledger
	// Skipped are lines after Options.Until, which are in no bucket: they were not read.
	Skipped int64
	// Dropped are lines that --dedupe left out as repeats, which are in no bucket either.
	Dropped int64
	// Repeats are the delivery records that `message repeated N times` lines stand for.
	Repeats int64
	// Gaps are lines that say that lines were lost before they reached the log: totals are lower bounds.
	Gaps int64

	First, Last parsers.Stamp // of the counted attempts and ends; zero: none
	Selection   Selection     // that of the Options

	Total Tally // ordinary mail: attempts of kind remote, smarthost or local that were made, and their outcomes

	ByClass  [4]int64 // the same attempts by class, by origin, and by (status, class of the reply)
	ByOrigin [5]int64

	Overridden int64 // attempts whose status contradicts the reply: soft_bounce, softened greeting
	Conflicts  int64 // attempts whose reply code and enhanced code contradict each other

	// Counted apart, never in Total's attempts.
	Notifications Tally    // mail from the null sender: bounces and delay warnings
	Internal      Attempts // hops inside the house
	Probes        Attempts // address verifications
	Suspended     int64    // deferrals without an attempt
	Discarded     int64    // `sent` by an MTA that threw the message away
	Unattempted   int64    // bounces without an attempt, by an administrator's text or an expansion error
	Suppressed    int64    // kept back by a suppression list or policy, never attempted
	Async         int64    // bounce messages that came after `sent`
	Connects      int64    // servers tried that did not decide an attempt
	Inbound       int64    // refusals at our own door

	domains   table[tally, *tally]
	senders   table[tally, *tally]
	hours     table[hourRow, *hourRow]
	replies   table[sum, *sum]
	pairs     table[pair, *pair]
	templates table[template, *template]
	hosts     table[hostRow, *hostRow]
	programs  table[sum, *sum]
	providers table[tally, *tally]
	causes    table[causeRow, *causeRow]

	deliveries deliveries
	breakdowns *breakdowns // nil: nobody asks for any
}

// NewCounts returns Counts of nothing.
func NewCounts() *Counts {
	return &Counts{
		domains:   newTable[tally](maxDomains),
		senders:   newTable[tally](maxSenders),
		hours:     newTable[hourRow](maxHours),
		replies:   newTable[sum](maxReplies),
		pairs:     newTable[pair](maxDomains),
		templates: newTable[template](maxTemplates),
		hosts:     newTable[hostRow](maxHosts),
		programs:  newTable[sum](maxPrograms),
		providers: newTable[tally](maxProviders),
		causes:    newTable[causeRow](maxCauseRows),
	}
}

// large reports whether the tables have grown so much that it pays to add them to those of others and begin anew.
func (c *Counts) large() bool {
	return len(c.domains.rows)+len(c.pairs.rows)+len(c.senders.rows)+len(c.templates.rows)+c.breakdowns.rows() > 1<<16
}

// Add adds o to c. o is not to be used after.
func (c *Counts) Add(o *Counts) {
	c.Ledger.add(&o.Ledger)
	c.Skipped += o.Skipped
	c.Dropped += o.Dropped
	c.Repeats += o.Repeats
	c.Gaps += o.Gaps
	c.First, c.Last = minStamp(c.First, o.First), max(c.Last, o.Last)
	c.Total.add(&o.Total)
	for i := range o.ByClass {
		c.ByClass[i] += o.ByClass[i]
	}
	for i := range o.ByOrigin {
		c.ByOrigin[i] += o.ByOrigin[i]
	}
	c.Overridden += o.Overridden
	c.Conflicts += o.Conflicts
	c.Notifications.add(&o.Notifications)
	c.Internal.add(&o.Internal)
	c.Probes.add(&o.Probes)
	c.Suspended += o.Suspended
	c.Discarded += o.Discarded
	c.Unattempted += o.Unattempted
	c.Suppressed += o.Suppressed
	c.Async += o.Async
	c.Connects += o.Connects
	c.Inbound += o.Inbound
	c.domains.add(&o.domains)
	c.senders.add(&o.senders)
	c.hours.add(&o.hours)
	c.replies.add(&o.replies)
	c.pairs.add(&o.pairs)
	c.templates.add(&o.templates)
	c.hosts.add(&o.hosts)
	c.programs.add(&o.programs)
	c.providers.add(&o.providers)
	c.causes.add(&o.causes)
	c.deliveries.add(&o.deliveries)
	c.breakdowns.add(o.breakdowns)
}

// AddLines adds what o says of lines, and nothing of what they tell. o stays as it is.
func (c *Counts) AddLines(o *Counts) {
	c.Ledger.add(&o.Ledger)
	c.Skipped += o.Skipped
	c.Dropped += o.Dropped
	c.Repeats += o.Repeats
	c.Gaps += o.Gaps
	c.hosts.add(&o.hosts)
	c.programs.add(&o.programs)
}

// Undated reports whether something was counted whose time the log did not say, so that no window can be told to hold it.
func (c *Counts) Undated() bool {
	r := c.hours.find(restKey)
	return r != nil && r.val != hourRow{}
}

// A NamedTally is one row of a table of domains or senders. Name is empty for the row of all that the table had no room
// for.
type NamedTally struct {
	Name string
	Tally
}

// Domains yields the recipient domains that were counted, in no order: there may be a quarter of a million, of which few are
// wanted.
func (c *Counts) Domains() iter.Seq[NamedTally] { return named(&c.domains) }

// Senders yields the sender domains that were counted, in no order. Unknown senders are not among them.
func (c *Counts) Senders() iter.Seq[NamedTally] { return named(&c.senders) }

// Providers yields the attempts at each provider, in no order.
func (c *Counts) Providers() iter.Seq[NamedTally] { return named(&c.providers) }

func named(t *table[tally, *tally]) iter.Seq[NamedTally] {
	return func(yield func(NamedTally) bool) {
		t.fold()
		for i := range t.rows {
			if r := &t.rows[i]; !r.val.zero() && !yield(NamedTally{t.nameOf(i), r.val.whole()}) {
				return
			}
		}
	}
}

// A ReplyCount counts attempts by what was answered.
type ReplyCount struct {
	ReplyKey
	N int64
}

func compareReplies(a, b ReplyCount) int {
	return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.pack(), b.pack()))
}

// Replies returns the attempts by reply code, enhanced code and class, the most frequent first. A zero code stands for
// attempts that no server answered.
func (c *Counts) Replies() []ReplyCount {
	c.replies.fold()
	var out []ReplyCount
	for _, r := range c.replies.rows {
		if r.val != 0 {
			out = append(out, ReplyCount{unpackReply(r.key), int64(r.val)})
		}
	}
	slices.SortFunc(out, compareReplies)
	return out
}

// TopReplies returns the reply that most of a domain's failed attempts got, for the given rows of Domains.
func (c *Counts) TopReplies(domains []NamedTally) map[string]ReplyCount {
	c.pairs.fold()
	best := make([]uint32, len(c.domains.rows)) // the place of its pair, from 1, by that of the domain
	for i := range c.pairs.rows {
		p := &c.pairs.rows[i].val
		if p.reply == 0 || p.n == 0 || c.domains.find(p.domain) == nil {
			continue
		}
		b := &best[c.domains.last]
		if *b == 0 || compareReplies(p.count(), c.pairs.rows[*b-1].val.count()) < 0 {
			*b = uint32(i + 1)
		}
	}
	out := make(map[string]ReplyCount, len(domains))
	for i := range domains {
		name := domains[i].Name
		if name == "" || c.domains.find(hash(name)) == nil {
			continue
		}
		if b := best[c.domains.last]; b != 0 {
			out[name] = c.pairs.rows[b-1].val.count()
		}
	}
	return out
}

// A Template is a diagnostic with its ids, addresses and numbers masked, and how many failed attempts had it. Text is
// empty for those that the table had no room for.
type Template struct {
	Text    string
	Reply   ReplyKey
	N       int64
	Last    parsers.Stamp
	Example Evidence
}

// Templates returns the templates of failed attempts, the most frequent first.
func (c *Counts) Templates() []Template {
	c.templates.fold()
	var out []Template
	for i := range c.templates.rows {
		r := &c.templates.rows[i]
		if r.val.n == 0 {
			continue
		}
		t := Template{Text: c.templates.nameOf(i), N: r.val.n, Last: r.val.last, Example: r.val.example}
		if r.val.reply != 0 {
			t.Reply = unpackReply(r.val.reply)
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Template) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Text, b.Text), cmp.Compare(a.Reply.pack(), b.Reply.pack()))
	})
	return out
}

// A Host is a reporting MTA's host as the log names it.
type Host struct {
	Name        string
	Lines       int64
	First, Last parsers.Stamp
}

// Hosts returns the hosts that wrote lines, by name.
func (c *Counts) Hosts() []Host {
	c.hosts.fold()
	out := make([]Host, 0, len(c.hosts.rows))
	for i := range c.hosts.rows {
		if r := &c.hosts.rows[i]; r.val.lines != 0 {
			out = append(out, Host{c.hosts.nameOf(i), r.val.lines, r.val.first, r.val.last})
		}
	}
	slices.SortFunc(out, func(a, b Host) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// A Program is another program whose lines stand in the log.
type Program struct {
	Name  string
	Lines int64
}

// Programs returns the programs that no format claims, the most talkative first.
func (c *Counts) Programs() []Program {
	c.programs.fold()
	out := make([]Program, 0, len(c.programs.rows))
	for i, r := range c.programs.rows {
		if r.val != 0 {
			out = append(out, Program{c.programs.nameOf(i), int64(r.val)})
		}
	}
	slices.SortFunc(out, func(a, b Program) int { return cmp.Or(cmp.Compare(b.Lines, a.Lines), strings.Compare(a.Name, b.Name)) })
	return out
}
