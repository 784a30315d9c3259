package courier

import (
	"hash/maphash"
	"strings"

	"bouncelog/parsers"
)

// A joiner makes one attempt of the lines about a recipient, with the one that ends it.
type joiner struct {
	seed       maphash.Seed
	young, old map[uint64]*delivery // those heard of last, and before them
}

// maxDeliveries is how many are in each of the joiner's two halves: it forgets the half it heard of longest ago. Courier
// logs ten lines of a reply and its last.
const (
	maxDeliveries = 1 << 13
	maxLines      = 20
	maxText       = 4 << 10
)

// A delivery is what the log said of an attempt that has not ended.
type delivery struct {
	lines  []string
	length int
	cut    bool             // the log cut one of them
	taker  *parsers.Attempt // whom `success:` named
}

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{seed: maphash.MakeSeed(), young: make(map[uint64]*delivery)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := maphash.Comparable(j.seed, struct{ host, id, rcpt string }{host, ev.QueueID, ev.Attempt.Recipient})
	switch d := j.delivery(key); ev.Part {
	case begun:
		delete(j.young, key) // where delivery has put it
	case said:
		if d.taker != nil {
			*d = delivery{} // of an attempt whose end is not in the log
		}
		if len(d.lines) < maxLines && d.length+len(ev.Text) <= maxText {
			d.lines = append(d.lines, strings.Clone(ev.Text))
			d.length += len(ev.Text)
			d.cut = d.cut || isCut(ev.Text)
		}
	case succeeded:
		a := &ev.Attempt
		d.taker = &parsers.Attempt{RelayHost: keep(a.RelayHost), RelayIP: keep(a.RelayIP),
			Kind: a.Kind, NotAttempted: a.NotAttempted, Diagnostic: keep(a.Diagnostic)}
	case ended:
		delete(j.young, key)
		dst = append(dst, *ev)
		out := &dst[len(dst)-1]
		out.Kind, out.Part = parsers.Attempted, 0
		d.tell(&out.Attempt, ev.Process)
	}
	return dst
}

// keep returns a copy of what is to be remembered, and nothing of what is too long to be an address or a name (RFC 5321
// 4.5.3.1): the log decides how many there are.
func keep(s string) string {
	if len(s) > 1<<10 {
		return ""
	}
	return strings.Clone(s)
}

// ownReplies are those that Courier makes up (Courier: cdmsgq2.C, module.esmtp/libesmtp.C).
var ownReplies = [...]string{
	"550 User unknown.",
	"500 Unable to set minimum security",
	"553-The recipient's mail server does not support E-mail",
	"550-The addressee's mail",
}

// tell adds to the end of an attempt what is known of it. program wrote its lines.
func (d *delivery) tell(a *parsers.Attempt, program string) {
	if t := d.taker; t != nil {
		a.RelayHost, a.RelayIP, a.Kind, a.NotAttempted, a.Diagnostic = t.RelayHost, t.RelayIP, t.Kind, t.NotAttempted, t.Diagnostic
	}
	a.Truncated = d.cut
	if len(d.lines) == 0 {
		if a.RelayIP != "" {
			a.Origin, a.Reply.Code = parsers.OriginImplied, 250
		}
		return
	}
	text := strings.Join(d.lines, "\n")
	reply, ok := parsers.ParseReply(text)
	a.Origin = parsers.OriginLocal
	if ok {
		a.Reply, a.Origin = reply, parsers.OriginRemote
	}
	if a.Diagnostic == "" {
		a.Diagnostic = text
	}
	if a.NotAttempted || program == "courierlocal" || program == "courierd" {
		a.Origin = parsers.OriginLocal
	}
	for _, own := range ownReplies {
		if strings.HasPrefix(text, own) {
			a.Origin = parsers.OriginLocal
		}
	}
}

// delivery returns what is known of a delivery, and makes room for more.
func (j *joiner) delivery(key uint64) *delivery {
	d := j.young[key]
	if d != nil {
		return d
	}
	if d = j.old[key]; d == nil {
		d = new(delivery)
	}
	delete(j.old, key)
	if len(j.young) >= maxDeliveries {
		j.old, j.young = j.young, make(map[uint64]*delivery)
	}
	j.young[key] = d
	return d
}
