package courier

import (
	"strings"

	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// A joiner makes one attempt of the lines about a recipient, with the one that ends it.
type joiner struct{ deliveries *recent.Map[*delivery] }

// How many deliveries are remembered at least, and how much of each at most. Courier logs ten lines of a reply and its last.
const (
	minDeliveries = 1 << 13
	maxLines      = 20
	maxText       = 4 << 10
)

// A key identifies a delivery: host, id and recipient.
type key = recent.Key

// A delivery is what the log said of an attempt that has not ended.
type delivery struct {
	lines  []string
	length int
	cut    bool             // the log cut one of them
	taker  *parsers.Attempt // whom `success:` named
}

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{recent.NewMap[*delivery](minDeliveries)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	k := key{host, ev.QueueID, ev.Attempt.Recipient}
	switch d := recent.At(j.deliveries, k); ev.Part {
	case begun:
		j.deliveries.Drop(k)
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
		d.taker = &parsers.Attempt{RelayHost: recent.Keep(a.RelayHost), RelayIP: recent.Keep(a.RelayIP),
			Kind: a.Kind, NotAttempted: a.NotAttempted, Diagnostic: recent.Keep(a.Diagnostic)}
	case ended:
		j.deliveries.Drop(k)
		dst = append(dst, *ev)
		out := &dst[len(dst)-1]
		out.Kind, out.Part = parsers.Attempted, 0
		d.tell(&out.Attempt, ev.Process)
	}
	return dst
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

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	j.deliveries.Append((*wire.Appender)(&dst), func(a *wire.Appender, d *delivery) {
		a.Strings(d.lines)
		a.Bool(d.cut)
		a.Bool(d.taker != nil)
		if t := d.taker; t != nil {
			a.String(t.RelayHost)
			a.String(t.RelayIP)
			a.Byte(byte(t.Kind))
			a.Bool(t.NotAttempted)
			a.String(t.Diagnostic)
		}
	})
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.deliveries.Read(&r, func(r *wire.Reader) *delivery {
		d := &delivery{lines: r.Strings(), cut: r.Bool()}
		for _, line := range d.lines {
			d.length += len(line)
		}
		if r.Bool() {
			d.taker = &parsers.Attempt{RelayHost: r.String(), RelayIP: r.String(), Kind: parsers.AttemptKind(r.UpTo(byte(parsers.Probe))), NotAttempted: r.Bool(), Diagnostic: r.String()}
		}
		return d
	})
	return r.End()
}
