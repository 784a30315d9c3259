package loggen

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Truth is what a correct analyser finds in a log. All of it counts what the log says: lines that were left out (Cut,
// CutStart, Lost…) count for nothing.
//
// Attempts are records of kind remote or local that were attempted; Outcomes are pairs of message and recipient. Total has
// those of ordinary mail, and so have Classes, Kinds, Origins, Replies, Domains, Overridden and Conflicts. Mail from the
// null sender, internal hops, probes and suspended deliveries are counted apart; but an internal deferral, bounce or expiry
// is an outcome of ordinary mail.
type Truth struct {
	Bytes int64     `json:"bytes"`
	Lines Lines     `json:"lines"`
	First time.Time `json:"first"` // of the lines
	Last  time.Time `json:"last"`

	Messages int64 `json:"messages"` // ordinary ones whose beginning is in the log, children of filters and forwards too
	Children int64 `json:"children"` // of them

	Total Tally `json:"total"`
	// AfterSuspension are those of Total's DeliveredLater that were only ever suspended before, never attempted.
	AfterSuspension int64 `json:"after_suspension"`

	Classes    Classes `json:"classes"`
	Kinds      Kinds   `json:"kinds"`
	Origins    Origins `json:"origins"`
	Overridden int64   `json:"overridden"` // deferred though the server refused for good: soft_bounce, greeting, login
	Conflicts  int64   `json:"conflicts"`  // reply code and enhanced code of different classes

	Replies []Reply  `json:"replies"` // the most frequent first
	Domains []Domain `json:"domains"` // of recipients, by name

	Notifications        Tally    `json:"notifications"`         // from the null sender
	NotificationMessages int64    `json:"notification_messages"` // whose beginning is in the log
	Internal             Attempts `json:"internal"`              // content filter, forward
	Probes               Attempts `json:"probes"`                // deliverable is Sent, undeliverable Bounced
	Suspended            int64    `json:"suspended"`             // deferred without an attempt
	Repeats              int64    `json:"repeats"`               // records that `message repeated` lines stand for
}

// Attempts count attempts by status.
type Attempts struct {
	Sent     int64 `json:"sent"`
	Deferred int64 `json:"deferred"` // SOFTBOUNCE too
	Bounced  int64 `json:"bounced"`
}

// Total returns the number of attempts.
func (a Attempts) Total() int64 { return a.Sent + a.Deferred + a.Bounced }

func (a *Attempts) add(v verdict, n int64) {
	switch v {
	case sent:
		a.Sent += n
	case bounced:
		a.Bounced += n
	default:
		a.Deferred += n
	}
}

// Outcomes count pairs of message and recipient.
type Outcomes struct {
	DeliveredFirst   int64 `json:"delivered_first"`
	DeliveredLater   int64 `json:"delivered_after_deferral"`
	DeliveredUnknown int64 `json:"delivered_start_unknown"` // no deferral seen, but neither the message's beginning
	Bounced          int64 `json:"bounced"`
	Expired          int64 `json:"expired"`
	Pending          int64 `json:"pending"`
	Lost             int64 `json:"lost"` // removed or overwritten while deferred, or silent for longer than Options.Silence
}

// Total returns the number of pairs.
func (o Outcomes) Total() int64 {
	return o.DeliveredFirst + o.DeliveredLater + o.DeliveredUnknown + o.Bounced + o.Expired + o.Pending + o.Lost
}

// A Tally is what is counted of all mail and of each domain's.
type Tally struct {
	Attempts Attempts `json:"attempts"`
	Outcomes Outcomes `json:"outcomes"`
}

// Classes count attempts by the permanence of their result.
type Classes struct {
	Success   int64 `json:"success"`
	Transient int64 `json:"transient"`
	Permanent int64 `json:"permanent"`
}

// Kinds count attempts by what was attempted.
type Kinds struct {
	Remote int64 `json:"remote"`
	Local  int64 `json:"local"`
}

// Origins count attempts by who made the result up.
type Origins struct {
	Remote int64 `json:"remote"` // a server's reply
	Local  int64 `json:"local"`
}

// A Reply counts attempts by what was answered. A zero code stands for attempts that no server answered.
type Reply struct {
	Code     int    `json:"code"`
	Enhanced string `json:"enhanced"` // as in the reply, odd spellings read; empty: none
	Class    string `json:"class"`    // of the attempt
	Attempts int64  `json:"attempts"`
}

// A Domain counts the mail to one domain.
type Domain struct {
	Name string `json:"name"`
	Tally
}

// Lines count lines by what they are.
type Lines struct {
	Records   int64 `json:"records"`   // delivery records, folded and internal ones and probes too
	Expiries  int64 `json:"expiries"`  // `status=expired` and `status=force-expired`
	Accepted  int64 `json:"accepted"`  // `client=`, `uid=`
	Named     int64 `json:"named"`     // `message-id=`
	Queued    int64 `json:"queued"`    // `(queue active)`
	Removed   int64 `json:"removed"`   // of qmgr and postsuper
	Notices   int64 `json:"notices"`   // `sender non-delivery notification:`
	Tried     int64 `json:"tried"`     // with a queue id
	Connects  int64 `json:"connects"`  // `connect to …` without one
	Rejected  int64 `json:"rejected"`  // inbound
	Admin     int64 `json:"admin"`     // postsuper's others
	Sessions  int64 `json:"sessions"`  // Postfix on itself: connects, TLS, statistics
	Foreign   int64 `json:"foreign"`   // other programs'
	Malformed int64 `json:"malformed"` // delivery records that break off before their status
	Unknown   int64 `json:"unknown"`   // of Postfix, in no known words; or no log lines
}

// Total returns the number of lines.
func (l *Lines) Total() (n int64) {
	for _, c := range l.all() {
		n += *c
	}
	return n
}

// all returns the counters in the order of lineKind.
func (l *Lines) all() [numLineKinds]*int64 {
	return [...]*int64{
		&l.Records, &l.Expiries, &l.Accepted, &l.Named, &l.Queued, &l.Removed, &l.Notices, &l.Tried, &l.Connects,
		&l.Rejected, &l.Admin, &l.Sessions, &l.Foreign, &l.Malformed, &l.Unknown,
	}
}

// A Ledger says in which bucket of the analyser's ledger lines must be. Open are those that may be in several: servers
// tried, inbound refusals, postsuper's marks, words nobody knows.
type Ledger struct {
	Delivery, Context, Ignored, Malformed, Open int64
}

// Ledger returns the ledger of l.
func (l *Lines) Ledger() Ledger {
	return Ledger{
		Delivery:  l.Records + l.Expiries,
		Context:   l.Accepted + l.Named + l.Queued + l.Removed + l.Notices,
		Ignored:   l.Sessions + l.Foreign,
		Malformed: l.Malformed,
		Open:      l.Tried + l.Connects + l.Rejected + l.Admin + l.Unknown,
	}
}

type lineKind uint8

const (
	lineRecord lineKind = iota
	lineExpiry
	lineAccepted
	lineNamed
	lineQueued
	lineRemoved
	lineNotice
	lineTried
	lineConnect
	lineRejected
	lineAdmin
	lineSession
	lineForeign
	lineMalformed
	lineUnknown
	numLineKinds
)

// A channel says among what a record is counted.
type channel uint8

const (
	remote channel = iota
	local
	internal
	probe
)

// count counts n records of r that were just written.
func (g *generator) count(m *message, r *recipient, ch channel, n int64) {
	if g.mute {
		return
	}
	t := &g.t
	switch {
	case ch == probe:
		t.Probes.add(r.verdict, n)
		return
	case ch == internal:
		t.Internal.add(r.verdict, n)
	case r.verdict == suspended:
		t.Suspended += n
	case m.kind == notification:
		t.Notifications.Attempts.add(r.verdict, n)
	default:
		g.countAttempt(r, ch, n)
	}
	switch {
	case r.verdict == bounced:
		g.settle(m, r, func(o *Outcomes) *int64 { return &o.Bounced })
	case r.verdict != sent:
		if r.seen == 0 {
			g.addOutcome(m, r, func(o *Outcomes) *int64 { return &o.Pending }, 1)
		}
		if r.verdict == suspended {
			r.seen |= seenSuspended
		} else {
			r.seen |= seenDeferred
		}
	case ch == internal: // no outcome: the child has it
		g.unpend(m, r)
	case r.seen != 0:
		if r.seen == seenSuspended && m.kind == ordinary {
			t.AfterSuspension++
		}
		g.settle(m, r, func(o *Outcomes) *int64 { return &o.DeliveredLater })
	case m.begun:
		g.settle(m, r, func(o *Outcomes) *int64 { return &o.DeliveredFirst })
	default:
		g.settle(m, r, func(o *Outcomes) *int64 { return &o.DeliveredUnknown })
	}
}

// countAttempt counts n attempts of ordinary mail.
func (g *generator) countAttempt(r *recipient, ch channel, n int64) {
	t, rp := &g.t, r.reply
	t.Total.Attempts.add(r.verdict, n)
	g.tallies[r.domain].Attempts.add(r.verdict, n)
	class := &t.Classes.Transient
	switch r.verdict {
	case sent:
		class = &t.Classes.Success
	case bounced:
		class = &t.Classes.Permanent
	}
	*class += n
	if ch == local {
		t.Kinds.Local += n
	} else {
		t.Kinds.Remote += n
	}
	if rp.code == 0 {
		t.Origins.Local += n
	} else {
		t.Origins.Remote += n
		if rp.code >= 500 && r.verdict != bounced {
			t.Overridden += n
		}
		if rp.enhanced != "" && int(rp.enhanced[0]-'0') != rp.code/100 {
			t.Conflicts += n
		}
	}
	g.replies[rp.slot][r.verdict] += n
}

func (g *generator) addOutcome(m *message, r *recipient, field func(*Outcomes) *int64, n int64) {
	if m.kind == notification {
		*field(&g.t.Notifications.Outcomes) += n
		return
	}
	*field(&g.t.Total.Outcomes) += n
	*field(&g.tallies[r.domain].Outcomes) += n
}

// unpend forgets that r was deferred.
func (g *generator) unpend(m *message, r *recipient) {
	if r.seen != 0 {
		g.addOutcome(m, r, func(o *Outcomes) *int64 { return &o.Pending }, -1)
		r.seen = 0
	}
}

// settle gives r its final outcome.
func (g *generator) settle(m *message, r *recipient, field func(*Outcomes) *int64) {
	g.unpend(m, r)
	g.addOutcome(m, r, field, 1)
}

// settleDeferred gives the recipients of m that the log shows deferred their final outcome.
func (g *generator) settleDeferred(m *message, field func(*Outcomes) *int64) {
	if g.mute {
		return
	}
	for i := range m.rcpts {
		if r := &m.rcpts[i]; r.seen != 0 {
			g.settle(m, r, field)
		}
	}
}

func lostOutcome(o *Outcomes) *int64    { return &o.Lost }
func expiredOutcome(o *Outcomes) *int64 { return &o.Expired }

// begin notes that a line that begins m was written.
func (g *generator) begin(m *message) {
	if g.mute {
		return
	}
	if m.prior != nil { // the id's last message can't come back
		g.settleDeferred(m.prior, lostOutcome)
		m.prior = nil
	}
	if m.begun {
		return
	}
	m.begun = true
	switch m.kind {
	case ordinary:
		g.t.Messages++
		if m.child {
			g.t.Children++
		}
	case notification:
		g.t.NotificationMessages++
	}
}

// truth returns the totals, once all is written.
func (g *generator) truth() Truth {
	g.mute = false
	for _, m := range g.silent {
		if g.last-m.heard > g.o.Silence.Microseconds() {
			g.settleDeferred(m, lostOutcome)
		}
	}
	t := g.t
	t.Bytes = g.bytes
	for i, c := range t.Lines.all() {
		*c = g.lines[i]
	}
	if t.Lines.Total() > 0 {
		t.First, t.Last = time.UnixMicro(g.first).In(g.o.Location), time.UnixMicro(g.last).In(g.o.Location)
	}
	t.Replies, t.Domains = []Reply{}, []Domain{}
	for i, n := range g.replies {
		key := g.texts.keys[i]
		for v, class := range [...]string{sent: "success", deferred: "transient", bounced: "permanent"} {
			if n[v] > 0 {
				t.Replies = append(t.Replies, Reply{key.code, key.enhanced, class, n[v]})
			}
		}
	}
	slices.SortFunc(t.Replies, compareReplies)
	for i := range g.tallies {
		if g.tallies[i] != (Tally{}) {
			t.Domains = append(t.Domains, Domain{g.domains[i].name, g.tallies[i]})
		}
	}
	slices.SortFunc(t.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	return t
}

// compareReplies orders the most frequent first.
func compareReplies(a, b Reply) int {
	return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(a.Code, b.Code),
		strings.Compare(a.Enhanced, b.Enhanced), strings.Compare(a.Class, b.Class))
}
