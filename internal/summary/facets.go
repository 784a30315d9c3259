package summary

import (
	"cmp"
	"slices"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/parsers"

	"github.com/cespare/xxhash/v2"
)

// maxValue is how many bytes of a value are looked at: RFC 5321 4.5.3.1 allows an address 320.
const maxValue = 512

// facetsAtOnce are so many facets allocated together.
const facetsAtOnce = 64

// facet takes down what an event says of the dimensions that were asked for.
func (b *Builder) facet(ev *parsers.Event, line *parsers.Line, it *item) {
	x := b.Counts.breakdowns
	if it.is(unselected) || !(it.op == opAttempt || it.op == opExpired || it.is(senderSaid) || x.opt.CampaignFrom.names(ev)) {
		return
	}
	if len(b.facets) == 0 {
		b.facets = make([]facets, facetsAtOnce)
	}
	f := &b.facets[0]
	b.facets = b.facets[1:]
	f.named = x.opt.CampaignFrom.names(ev)
	for i, d := range x.slots {
		f.values[i] = b.value(d, ev, line, it)
	}
	if x.opt.Campaign != "" {
		f.asked = matches(x.opt.Campaign, x.opt.campaign(ev.Sender, ev.MessageID, ev.Attempt.Job, ev.Campaign))
	}
	if it.failure == nil {
		b.failure = failure{}
		it.failure = &b.failure
	}
	it.failure.facets = f
}

// value returns the key of what an event says of a dimension; zero: nothing.
func (b *Builder) value(d Dimension, ev *parsers.Event, line *parsers.Line, it *item) uint64 {
	a := &ev.Attempt
	attempt := it.op == opAttempt || it.op == opExpired && !it.is(allRecipients)
	switch d {
	case BySender:
		return b.text(senderName(ev.Sender))
	case BySenderDomain:
		return b.text(classify.Domain(parsers.Domain(ev.Sender)))
	case ByCampaign:
		return b.text(b.y.campaign(ev.Sender, ev.MessageID, a.Job, ev.Campaign))
	}
	if !attempt {
		return 0
	}
	switch d {
	case ByDomain:
		if b.Counts.domains.find(it.domain) != nil {
			return b.text(b.Counts.domains.nameOf(int(b.Counts.domains.last)))
		}
	case ByProvider:
		if it.provider != 0 && b.Counts.providers.find(it.provider) != nil {
			return b.text(b.Counts.providers.nameOf(int(b.Counts.providers.last)))
		}
	case ByRelay:
		return b.text(cmp.Or(strings.ToLower(a.RelayHost), a.RelayIP))
	case BySourceIP:
		return b.text(a.SourceIP)
	case ByHost:
		return b.text(cmp.Or(ev.Host, line.Host, b.host))
	case ByInstance:
		return b.text(ev.Instance)
	case ByTransport:
		return b.text(cmp.Or(ev.Process, line.Tag))
	case ByCategory:
		if !a.NotAttempted {
			if why := b.causes.of(a); why != nil {
				return b.text(why.Category.String())
			}
		}
	case ByCode:
		k := unpackReply(it.reply)
		b.scratch = k.Code.AppendTo(b.scratch[:0])
		if len(b.scratch) > 0 && !k.Enhanced.IsZero() {
			b.scratch = append(b.scratch, ' ')
		}
		b.scratch = k.Enhanced.AppendTo(b.scratch)
		return b.bytes(b.scratch)
	}
	return 0
}

// text returns the key of a value, whose name is kept.
func (b *Builder) text(s string) uint64 {
	if s = clip(s, maxValue); s == "" {
		return 0
	}
	key := hash(s)
	if values := &b.Counts.breakdowns.values; values.find(key) == nil {
		values.name(key, s, restKey, "")
	}
	return key
}

// bytes is text of what is only kept where it is new.
func (b *Builder) bytes(s []byte) uint64 {
	if len(s) == 0 {
		return 0
	}
	key := max(1, xxhash.Sum64(s))
	if b.Counts.breakdowns.values.find(key) == nil {
		return b.text(string(s))
	}
	return key
}

// facets returns what an item says of the dimensions that were asked for, nil where nobody asks.
func (it *item) facets() *facets {
	if it.failure == nil {
		return nil
	}
	return it.failure.facets
}

// own returns facets that share no memory with those of other items.
func (f *facets) own() *facets {
	if f == nil {
		return nil
	}
	g := *f
	return &g
}

// learn takes in what an item says of its message.
func (y tallier) learn(m *message, it *item) {
	f, x := it.facets(), y.counts.breakdowns
	if f == nil || x == nil || !f.named && !it.is(senderSaid) {
		return
	}
	says := func(byName bool) bool { return byName && f.named || !byName && it.is(senderSaid) }
	known := y.pool.facets[m.key]
	byName := x.opt.CampaignFrom.byName()
	for i, d := range x.slots {
		if x.ofMessage(d) && says(d == ByCampaign && byName) {
			known.values[i] = f.values[i]
		}
	}
	if says(byName) {
		known.asked = f.asked
	}
	y.pool.keep(m.key, &known)
}

// asks reports whether a message is of the senders and of the campaign that were asked for.
func (y tallier) asks(m *message) bool {
	if !m.is(senderAsked) {
		return false
	}
	x := y.counts.breakdowns
	return x == nil || x.opt.Campaign == "" || x.opt.CampaignFrom == CampaignJob || y.pool.facets[m.key].asked
}

// keep keeps the facets of a message or of a recipient, by its key.
func (p *pool) keep(key uint64, f *facets) {
	if p.facets == nil {
		p.facets = make(map[uint64]facets)
	}
	p.facets[key] = *f
}

// leave keeps the facets of a deferred recipient's attempt: of the last that was made, or of what was logged before one was.
func (y tallier) leave(m *message, r *recipient, it *item) {
	f := it.facets()
	if f == nil {
		return
	}
	key := traceKey(m, r)
	switch before, ok := y.pool.facets[key]; {
	case !ok:
		y.pool.keep(key, f)
	case it.made():
		y.pool.keep(key, y.counts.breakdowns.follow(f, &before))
	}
}

// follow returns the facets of an attempt after another. It is at the same provider where it does not tell its own, as
// where it got no connection.
func (b *breakdowns) follow(f, before *facets) *facets {
	i := slices.Index(b.slots, ByProvider)
	if i < 0 || f.values[i] != 0 {
		return f
	}
	g := *f
	g.values[i] = before.values[i]
	return &g
}

// left takes out what leave kept.
func (y tallier) left(m *message, r *recipient) *facets {
	if len(y.pool.facets) == 0 {
		return nil
	}
	key := traceKey(m, r)
	f, ok := y.pool.facets[key]
	if !ok {
		return nil
	}
	delete(y.pool.facets, key)
	return &f
}

// moveFacets brings the facets of a key from another pool.
func (p *pool) moveFacets(from *pool, key uint64) {
	if f, ok := from.facets[key]; ok {
		delete(from.facets, key)
		p.keep(key, &f)
	}
}

// countFacets counts an attempt or an end in the breakdowns.
func (y tallier) countFacets(m *message, attempt *facets, at parsers.Stamp, count func(*tally)) {
	message := y.pool.facets[m.key]
	y.counts.breakdowns.each(&message, attempt, at, count)
}
