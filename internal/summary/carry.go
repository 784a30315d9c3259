package summary

// Settle settles what the log says no more about, for one that is read on in another run: messages that were silent for
// longer than the lifetime are lost, and those whose sender is overdue, by their log or by Options.Now, have none. By their
// next event both would be settled all the same, unless that came out of order by as long, or was written as late.
func (s *Summary) Settle() {
	s.setClocks() // pieces that were joined have none
	y := tallier{s.opt, s.Counts, &s.pool}
	for i, m := range s.open.all() {
		now := s.opt.capped(s.clock[m.host])
		switch {
		case silent(m.last, now, s.opt.lifetime()):
			y.close(m, now, false)
			s.drop(i)
		case m.is(waiting) && silent(m.last, max(now, s.opt.Now), senderWait+sweepMargin):
			y.resign(m)
		}
	}
}

// Restart drops what was counted of attempts and outcomes so far. The lines stay counted, and the messages under way.
func (s *Summary) Restart() {
	counted := s.Counts
	s.Counts = s.named()
	s.Counts.AddLines(counted)
}

// Open returns how many messages are under way.
func (s *Summary) Open() int { return s.open.len() }

// EncodeOpen appends the open messages of a rooted Summary to dst in the form that [Decode] reads: what comes after them in
// the log can be joined to it, and is all that its counts are then of.
func (s *Summary) EncodeOpen(dst []byte, locate func(Pos) (file string, line int64)) []byte {
	counts := s.Counts
	defer func() { s.Counts = counts }()
	s.Counts = s.named()
	return s.Encode(dst, locate)
}

// named returns counts of nothing, with the names of all that open messages will be counted by.
func (s *Summary) named() *Counts {
	keys := newIDs()
	for _, m := range s.open.all() {
		keys.note(m.sender)
		tallier{pool: &s.pool}.each(m, func(r *recipient) {
			keys.note(r.domain, r.up)
			if s.pool.facets != nil && r.state() == deferred {
				f := s.pool.facets[traceKey(m, r)]
				keys.note(f.values[:]...)
			}
		})
		if s.pool.facets != nil {
			f := s.pool.facets[m.key]
			keys.note(f.values[:]...)
		}
		if !m.is(waiting) {
			continue
		}
		for i := range s.pool.all[m.extra-1].held {
			it := &s.pool.all[m.extra-1].held[i]
			keys.note(it.sender, it.domain, it.domainUp, it.provider)
			if it.op == opOutcome {
				e := it.end()
				keys.note(e.cause, e.causeUp)
			}
			if f := it.failure; f != nil {
				keys.note(f.template, f.cause, f.causeUp)
				if f.facets != nil {
					keys.note(f.facets.values[:]...)
				}
			}
		}
	}
	// All traces are of these messages: to go through them is faster than to look each up.
	for t := range s.pool.traces.all() {
		if t.birth {
			continue
		}
		keys.note(t.cause, t.provider)
		if t.cause != 0 {
			keys.note(causeAt(t.cause, t.provider))
		}
	}
	c := s.opt.newCounts()
	takeNames(&c.domains, &s.Counts.domains, &keys)
	takeNames(&c.senders, &s.Counts.senders, &keys)
	takeNames(&c.templates, &s.Counts.templates, &keys)
	takeNames(&c.providers, &s.Counts.providers, &keys)
	takeNames(&c.causes, &s.Counts.causes, &keys)
	if c.breakdowns != nil {
		takeNames(&c.breakdowns.values, &s.Counts.breakdowns.values, &keys)
	}
	return c
}

// takeNames makes rows of nothing in t for those of o whose keys are among some.
func takeNames[V any, P value[V]](t, o *table[V, P], keys *ids) {
	for i := range o.rows {
		r := &o.rows[i]
		if r.key != restKey && keys.has(r.key) {
			t.name(r.key, o.nameOf(i), r.parent, o.ups[r.parent])
		}
	}
}

// Standing returns the counts of a rooted Summary whose log is read on in another run. They are those of [Summary.Final],
// less the attempts that still wait for their sender, which the next run counts. s is not to be used after.
func (s *Summary) Standing() *Counts {
	y := tallier{s.opt, s.Counts, &s.pool}
	for _, m := range s.open.all() {
		if m.is(waiting) {
			y.extra(m).held = nil
			m.facts &^= waiting
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
