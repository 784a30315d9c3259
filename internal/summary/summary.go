package summary

import (
	"cmp"
	"slices"
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
}

// selects reports whether an event that tells its sender and recipient itself was asked for.
func (o *Options) selects(ev *parsers.Event) bool {
	return (o.Domain == "" || matches(o.Domain, classify.Domain(parsers.Domain(ev.Attempt.Recipient)))) &&
		(o.Job == "" || matches(o.Job, ev.Attempt.Job)) &&
		(o.Sender == "" || ev.Sender != "" && matches(o.Sender, ev.Sender))
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
	open      index
	msgs      slab
	pool      pool

	clock   map[uint64]parsers.Stamp // the newest stamp of each host, of the blocks absorbed
	sweepAt int
}

// A lead is the part of a queue id's events whose meaning depends on what came before the piece.
type lead struct {
	prefix []item
	cut    bool // from here on it does not
	at     parsers.Stamp
}

// New returns the Summary of an empty piece. A rooted one is the beginning of a log.
func New(o *Options, rooted bool) *Summary {
	s := &Summary{Counts: NewCounts(), opt: o, rooted: rooted, sweepAt: minSweep, clock: make(map[uint64]parsers.Stamp)}
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
		if i, ok := next.open.get(key); ok {
			s.join(key, chain{items: l.prefix}, l.cut, l.at, next.msgs.at(i))
		} else {
			s.join(key, chain{items: l.prefix}, l.cut, l.at, nil)
		}
	}
}

// Absorb joins the fringe of the block that follows s. The block's counts are its builder's, unless it left them here.
func (s *Summary) Absorb(f *Fringe) {
	if f.spill != nil {
		s.Counts.Add(f.spill)
		f.spill = nil
	}
	for i := range f.entries {
		e := &f.entries[i]
		if e.open {
			s.join(e.key, chain{links: f.items, at: e.first}, e.cut, e.at, &e.msg)
		} else {
			s.join(e.key, chain{links: f.items, at: e.first}, e.cut, e.at, nil)
		}
	}
	clear(f.items) // or f's memory would keep the text of old blocks alive
	for _, h := range f.hosts {
		if last, ok := s.clock[h.key]; ok || len(s.clock) < maxHosts {
			s.clock[h.key] = max(last, h.last)
		}
	}
	s.sweep()
}

// sweep settles what nothing can come of any more, once there are many messages: those that were silent for more than
// twice the lifetime, and those whose sender is overdue by sweepMargin. By their next event both would be settled all the
// same, unless that came out of order by as long.
func (s *Summary) sweep() {
	if !s.rooted || s.open.len() < s.sweepAt {
		return
	}
	y := tallier{s.opt, s.Counts, &s.pool}
	for _, key := range s.open.keys() {
		i, _ := s.open.get(key)
		m := s.msgs.at(i)
		now := s.opt.capped(s.clock[m.host])
		switch {
		case silent(m.last, now, 2*s.opt.lifetime()):
			y.close(m, now, false)
			s.drop(key, i)
		case m.held != nil && silent(m.last, now, senderWait+sweepMargin):
			y.resign(m)
		}
	}
	s.sweepAt = max(minSweep, s.open.len()+s.open.len()/2)
}

const (
	minSweep    = 1 << 16 // so many open messages are few
	sweepMargin = 5 * time.Minute
)

// join appends what the next piece knows of one queue id. open is the message under way at its end, nil where there is
// none or the context never became known; it is emptied. Nothing of the prefix's memory is kept.
func (s *Summary) join(key uint64, prefix chain, cut bool, at parsers.Stamp, open *message) {
	if !s.rooted {
		mine, ok := s.leads[key]
		if !ok || !mine.cut {
			for it := prefix.next(); it != nil; it = prefix.next() {
				it.own()
				mine.prefix = append(mine.prefix, *it)
				s.leadItems++
			}
			mine.cut, mine.at = cut, at
			s.leads[key] = mine
			if open != nil {
				s.put(key, open)
			}
			return
		}
	}
	y := tallier{s.opt, s.Counts, &s.pool}
	i, ok := s.open.get(key)
	for it := prefix.next(); it != nil; it = prefix.next() {
		if !ok {
			i = s.put(key, &message{})
		}
		if ok = y.step(s.msgs.at(i), ok, it); !ok {
			s.drop(key, i)
		}
	}
	if !cut {
		return
	}
	if ok {
		y.close(s.msgs.at(i), at, false)
		s.drop(key, i)
	}
	if open != nil {
		s.put(key, open)
	}
}

// step applies an item to a queue id's message in a known context, and reports whether one is under way after it.
func (y tallier) step(m *message, open bool, it *item) bool {
	if open && m.begins(it.op, it.queue, it.time, y.lifetime()) {
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

// put files a message under its key, and leaves m empty.
func (s *Summary) put(key uint64, m *message) uint32 {
	i := s.msgs.add(*m)
	s.open.put(key, i)
	more := m.more != nil
	*m = message{}
	if more && len(s.pool.free) > 0 {
		m.more = s.pool.get() // in exchange
	}
	return i
}

func (s *Summary) drop(key uint64, i uint32) {
	s.open.del(key)
	tallier{pool: &s.pool}.reset(s.msgs.at(i))
	s.msgs.free = append(s.msgs.free, i)
}

// A slab holds messages by number. It grows by pages: a million open messages are not copied to make room for one more.
type slab struct {
	pages [][]message
	n     uint32
	free  []uint32
}

const pageBits = 10

func (l *slab) at(i uint32) *message { return &l.pages[i>>pageBits][i&(1<<pageBits-1)] }

func (l *slab) add(m message) uint32 {
	i := l.n
	if n := len(l.free); n > 0 {
		i, l.free = l.free[n-1], l.free[:n-1]
	} else {
		if i>>pageBits == uint32(len(l.pages)) {
			l.pages = append(l.pages, make([]message, 1<<pageBits))
		}
		l.n++
	}
	*l.at(i) = m
	return i
}

// Final returns the counts of a rooted Summary with the open messages counted as they stand: pending, or lost where the
// host's log went on without them for longer than the lifetime. s is not to be used after.
func (s *Summary) Final() *Counts {
	y := tallier{s.opt, s.Counts, &s.pool}
	keys := s.open.keys()
	slices.Sort(keys) // so that every run does the same
	for _, k := range keys {
		i, _ := s.open.get(k)
		m := s.msgs.at(i)
		end := parsers.Stamp(0)
		if h := s.Counts.hosts.find(m.host); h != nil {
			end = h.val.last
		}
		if end = s.opt.capped(end); silent(m.last, end, s.opt.lifetime()) {
			y.close(m, end, false)
			continue
		}
		m.each(func(r *recipient) {
			if r.state == deferred {
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
