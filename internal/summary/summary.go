package summary

import (
	"cmp"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// DefaultLifetime is how long a message may be silent before its queue id is taken to be free: Postfix's
// maximal_queue_lifetime of five days, and one.
const DefaultLifetime = 6 * 24 * time.Hour

// Options are fixed before the scan. Summaries with different ones cannot be joined.
type Options struct {
	Since, Until parsers.Stamp // attempts and outcomes are counted in [Since, Until); zero: no bound
	Lifetime     time.Duration // zero: DefaultLifetime
	Now          parsers.Stamp // no log ends more than a day after; zero: not known

	Domain, Sender, Job string // globs, lower case; empty: all

	By           []By           // breakdowns, MaxBreakdowns at most
	Campaign     string         // a glob, lower case; empty: all
	CampaignFrom CampaignSource // what tells campaigns apart
	CampaignName string         // that of the field where that is CampaignHeader, as parsers.Options.CampaignHeader has it

	Classifier *classify.Classifier // finds causes; nil: nobody asks for them
	causes     bool                 // they were asked for where a Summary to be read was made
}

// A Selection is what alone is counted. Patterns are globs, lower case; empty: all.
type Selection struct {
	Domain, Sender, Job, Campaign string

	CampaignFrom string // what tells campaigns apart, where Campaign is set: `verp`, `header:x-campaign`
}

// Selection returns what o selects.
func (o *Options) Selection() Selection {
	s := Selection{Domain: o.Domain, Sender: o.Sender, Job: o.Job, Campaign: o.Campaign}
	if o.Campaign != "" {
		s.CampaignFrom = o.campaignFrom()
	}
	return s
}

// selects reports whether an event that tells its sender and recipient itself was asked for.
func (o *Options) selects(ev *parsers.Event) bool {
	return (o.Domain == "" || matches(o.Domain, classify.Domain(classify.RecipientDomain(&ev.Attempt)))) &&
		o.selectsJob(ev.Attempt.Job) &&
		(o.Campaign == "" || matches(o.Campaign, o.campaign(ev.Sender, ev.MessageID, ev.Attempt.Job, ev.Campaign))) &&
		(o.Sender == "" || ev.Sender != "" && matches(o.Sender, ev.Sender))
}

// selectsJob reports whether a job was asked for.
func (o *Options) selectsJob(job string) bool {
	return (o.Job == "" || matches(o.Job, job)) &&
		(o.Campaign == "" || o.CampaignFrom != CampaignJob || matches(o.Campaign, job))
}

// within reports whether an event of time t is to be counted. One without a time is in no window.
func (o *Options) within(t parsers.Stamp) bool {
	if t == 0 {
		return o.Since == 0 && o.Until == 0
	}
	return t >= o.Since && (o.Until == 0 || t < o.Until)
}

// A Summary is the counts and the fringe of one contiguous piece of log.
type Summary struct {
	Counts *Counts

	opt       *Options
	rooted    bool // nothing came before the piece, so every context is known
	leadItems int
	leads     map[uint64]lead // of pieces that are not rooted: what the left neighbour decides
	open      messages
	pool      pool // of open

	clock   map[uint64]parsers.Stamp // the newest stamp of each host, of the blocks absorbed
	sweepAt int
}

// A lead is the part of a queue id's events whose meaning depends on what came before the piece.
type lead struct {
	host   uint64
	prefix []item
	cut    bool // from here on it does not
	at     parsers.Stamp
}

// New returns the Summary of an empty piece. A rooted one is the beginning of a log.
func New(o *Options, rooted bool) *Summary {
	s := &Summary{Counts: o.newCounts(), opt: o, rooted: rooted, sweepAt: minSweep, clock: make(map[uint64]parsers.Stamp)}
	if !rooted {
		s.leads = make(map[uint64]lead)
	}
	return s
}

// Leads returns how many events and queue ids wait for what came before the piece. It is a measure of the memory that
// reading ahead costs.
func (s *Summary) Leads() int { return len(s.leads) + s.leadItems }

// Append joins the piece that follows s in the log to s. It is associative. next is not to be used after.
func (s *Summary) Append(next *Summary) {
	if next.rooted {
		panic("summary: a piece that begins a log cannot follow another")
	}
	s.Counts.Add(next.Counts)
	for key, l := range next.leads {
		p := part{key: key, host: l.host, prefix: chain{items: l.prefix}, cut: l.cut, at: l.at, pool: &next.pool}
		if i, ok := next.open.get(key); ok {
			p.open = next.open.at(i)
		}
		if !s.rooted && s.lead(&p) {
			continue
		}
		i, ok := s.open.get(key)
		s.join(&p, i, ok)
	}
}

// Absorb joins the fringe of the block that follows s. The block's counts are its builder's, unless it left them here.
func (s *Summary) Absorb(f *Fringe) {
	if f.spill != nil {
		s.Counts.Add(f.spill)
		f.spill = nil
	}
	for from := 0; from < len(f.entries); from += batch {
		s.absorb(f, f.entries[from:min(from+batch, len(f.entries))])
	}
	clear(f.items) // or f's memory would keep the text of old blocks alive
	clear(f.failures)
	for _, h := range f.hosts {
		if last, ok := s.clock[h.key]; ok || len(s.clock) < maxHosts {
			s.clock[h.key] = max(last, h.last)
		}
	}
	s.sweep()
}

// batch is how many entries are looked up at once.
const batch = 16

// absorb joins some entries of a fringe.
//
// Note: their messages lie anywhere in memory, and to wait for one after the other was a tenth of all time. Looked up in
// a row, before anything is done with them, they are waited for together.
func (s *Summary) absorb(f *Fringe, entries []entry) {
	var found [batch]struct {
		i  uint32
		ok bool
	}
	if s.rooted {
		for n := range entries {
			e := &entries[n]
			found[n].i, found[n].ok = s.open.get(e.msg.key)
		}
	}
	for n := range entries {
		e := &entries[n]
		p := part{key: e.msg.key, host: e.msg.host, prefix: chain{linked: f.items, at: e.first}, cut: e.cut, at: e.at, pool: &f.pool}
		if e.open {
			p.open = &e.msg
		}
		if !s.rooted {
			if s.lead(&p) {
				continue
			}
			found[n].i, found[n].ok = s.open.get(p.key)
		}
		s.join(&p, found[n].i, found[n].ok)
	}
}

// sweep settles what nothing can come of any more, once there are many messages: those that were silent for more than
// twice the lifetime, and those whose sender is overdue by sweepMargin. By their next event both would be settled all the
// same, unless that came out of order by as long.
func (s *Summary) sweep() {
	if s.rooted && s.open.len() >= s.sweepAt {
		s.forget()
	}
}

// forget does what sweep does, however few messages there are.
func (s *Summary) forget() {
	y := tallier{s.opt, s.Counts, &s.pool}
	for i, m := range s.open.all() {
		now := s.opt.capped(s.clock[m.host])
		switch {
		case silent(m.last, now, 2*s.opt.lifetime()):
			y.close(m, now, false)
			s.drop(i)
		case m.is(waiting) && silent(m.last, now, senderWait+sweepMargin):
			y.resign(m)
		}
	}
	s.sweepAt = max(minSweep, s.open.len()+s.open.len()/2)
}

const (
	minSweep    = 1 << 16 // so many open messages are few
	sweepMargin = 5 * time.Minute
)

// A part is what a piece knows of one queue id.
type part struct {
	key, host uint64
	prefix    chain
	cut       bool
	at        parsers.Stamp
	open      *message // under way at the end of the piece; nil: none is, or the context never became known
	pool      *pool    // of open
}

// lead keeps what the next piece knows of one queue id for what came before s, unless it is to be joined here.
func (s *Summary) lead(p *part) bool {
	mine, ok := s.leads[p.key]
	if ok && mine.cut {
		return false
	}
	for it := p.prefix.next(); it != nil; it = p.prefix.next() {
		it.own()
		mine.prefix = append(mine.prefix, *it)
		s.leadItems++
	}
	mine.host, mine.cut, mine.at = p.host, p.cut, p.at
	s.leads[p.key] = mine
	if p.open != nil {
		s.put(p)
	}
	return true
}

// join appends what the next piece knows of one queue id, whose message under way at the end of s is the i-th if ok.
// Nothing of the piece's memory is kept.
func (s *Summary) join(p *part, i uint32, ok bool) {
	y := tallier{s.opt, s.Counts, &s.pool}
	for it := p.prefix.next(); it != nil; it = p.prefix.next() {
		if !ok {
			i = s.open.add(&message{key: p.key, host: p.host})
		}
		if ok = y.step(s.open.at(i), ok, it); !ok {
			s.drop(i)
		}
	}
	if !p.cut {
		return
	}
	if ok {
		y.close(s.open.at(i), p.at, false)
		s.drop(i)
	}
	if p.open != nil {
		s.put(p)
	}
}

// step applies an item to a queue id's message in a known context, and reports whether one is under way after it.
func (y tallier) step(m *message, open bool, it *item) bool {
	if open && m.begins(it, y.lifetime()) {
		y.close(m, it.time, false)
		y.reset(m)
		open = false
	}
	if it.op == opRemoved {
		if open {
			y.close(m, it.time, it.is(moved))
			y.reset(m)
		}
		return false
	}
	y.apply(m, it)
	return true
}

// put takes over the open message of a part.
func (s *Summary) put(p *part) {
	m := s.open.at(s.open.add(p.open))
	if m.extra != 0 {
		m.extra = s.pool.move(p.pool, m.extra)
	}
	s.pool.follow(p.pool, m)
}

func (s *Summary) drop(i uint32) {
	tallier{pool: &s.pool}.reset(s.open.at(i))
	s.open.del(i)
}

// Final returns the counts of a rooted Summary with the open messages counted as they stand: pending, or lost where the
// host's log went on without them for longer than the lifetime. s is not to be used after.
func (s *Summary) Final() *Counts {
	y := tallier{s.opt, s.Counts, &s.pool}
	for _, m := range s.open.all() {
		end := parsers.Stamp(0)
		if h := s.Counts.hosts.find(m.host); h != nil {
			end = h.val.last
		}
		if end = s.opt.capped(end); silent(m.last, end, s.opt.lifetime()) {
			y.close(m, end, false)
			continue
		}
		y.each(m, func(r *recipient) {
			if r.state() == deferred {
				y.settle(m, r, Pending, m.last)
			}
		})
		y.resign(m)
	}
	return s.Counts
}

// capped returns the end of a host's log, but no time of the far future: one wild stamp is not to make all mail lost.
func (o *Options) capped(end parsers.Stamp) parsers.Stamp {
	if o.Now != 0 {
		end = min(end, o.Now.Add(24*time.Hour))
	}
	return end
}

func (o *Options) lifetime() time.Duration { return cmp.Or(o.Lifetime, DefaultLifetime) }
