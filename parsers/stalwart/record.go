package stalwart

import (
	"cmp"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A record is one event of the log, taken apart.
type record struct {
	time parsers.Stamp
	name string // `delivery.delivered`
	gist string // what that means
	rest string // of the text: what is not read yet

	queueID  string
	from     string // parsers.NullSender for the null reverse-path
	to       string // the recipient of the event; empty: it names none
	all      list   // those of the delivery
	domain   string
	hostname string
	ip, port string
	code     string
	text     string // of the server, or what went wrong
	about    string // what text is the reason of: `I/O Error`
	cause    string // the event that caused this one
	elapsed  string

	truncated bool // the log cut text
}

// A list is the recipients of a delivery, as the record has them.
type list struct {
	raw  string
	json bool
}

// each calls f for every recipient.
func (l list) each(f func(recipient string)) {
	if l.json {
		for v := range (fields.Value{Raw: l.raw}).Elements() {
			f(v.Text())
		}
		return
	}
	for s := strings.TrimPrefix(l.raw, "["); strings.HasPrefix(s, `"`); {
		var recipient string
		recipient, s = cutAddress(s[1:])
		f(fields.Unquote(recipient))
		s = strings.TrimPrefix(s, ", ")
	}
}

// A verdict is what an event says of its recipients.
type verdict struct {
	name    string
	command parsers.Command
	of      parsers.AttemptKind // Connect: nothing, it is about one of several servers
	named   bool                // it names its recipient
	local   bool                // no server was asked
}

// verdicts are the events that tell of deliveries (Stalwart: crates/smtp/src/outbound), the commonest first. delivered and
// null-mx say by their name what became of the recipients, the others by the code.
var verdicts = [...]verdict{
	{name: "delivery.delivered", named: true},
	{name: "delivery.rcpt-to-rejected", named: true, command: parsers.RCPTTO},
	{name: "delivery.rcpt-to-failed", named: true, command: parsers.RCPTTO},
	{name: "delivery.message-rejected", command: parsers.EndOfDATA},
	{name: "delivery.mail-from-rejected", command: parsers.MAILFROM},
	{name: "delivery.ehlo-rejected", command: parsers.EHLO},
	{name: "delivery.greeting-failed", command: parsers.CONNECT},
	{name: "delivery.auth-failed", command: parsers.AUTH},
	{name: "delivery.mx-lookup-failed", local: true},
	{name: "delivery.null-mx", local: true},
	{name: "delivery.connect-error", of: parsers.Connect, command: parsers.CONNECT, local: true},
	{name: "delivery.ip-lookup-failed", of: parsers.Connect, local: true},
	{name: "delivery.start-tls-error", of: parsers.Connect, command: parsers.STARTTLS},
	{name: "delivery.implicit-tls-error", of: parsers.Connect, command: parsers.CONNECT, local: true},
}

// verdict returns what the record's event says, nil where it tells of no delivery.
func (r *record) verdict() *verdict {
	if strings.HasPrefix(r.name, "delivery.") {
		for i := range verdicts {
			if verdicts[i].name == r.name {
				return &verdicts[i]
			}
		}
	}
	return nil
}

// wanted reports whether the record tells of a delivery.
func (r *record) wanted() bool { return r.verdict() != nil }

// appendEvents appends what the record tells: one attempt for each recipient, or one without a recipient where it is about
// a server alone.
func (r *record) appendEvents(dst []parsers.Event, o *parsers.Options) []parsers.Event {
	v := r.verdict()
	if v == nil || r.name == "delivery.mx-lookup-failed" && strings.HasPrefix(r.text, "No MX records were found") {
		return dst // the domain itself is tried next
	}
	ev := parsers.Event{Kind: parsers.Attempted, Time: r.time, QueueID: r.queueID, Sender: r.from}
	a := &ev.Attempt
	a.Kind, a.Command, a.Truncated = v.of, v.command, r.truncated
	a.RelayHost = strings.TrimSuffix(r.hostname, ".")
	a.RelayIP = r.ip
	a.RelayPort = fields.Port(r.port)
	if ms, ok := (fields.Value{Raw: strings.TrimSuffix(r.elapsed, "ms")}).Int(); ok {
		a.XDelay = parsers.Milliseconds(ms)
	}
	if v.of == parsers.Remote && fields.Inside(o, a.RelayHost, a.RelayIP) {
		a.Kind = parsers.Internal
	}
	r.setResult(a, v)
	if v.named {
		a.Recipient = r.to
		return append(dst, ev)
	}
	n := len(dst)
	if v.of != parsers.Connect {
		r.all.each(func(recipient string) {
			if r.domain == "" || strings.EqualFold(parsers.Domain(recipient), r.domain) {
				a.Recipient = recipient
				dst = append(dst, ev)
			}
		})
	}
	if len(dst) == n {
		a.Recipient = ""
		dst = append(dst, ev)
	}
	return dst
}

// setResult fills in the reply, or why there is none, and the status.
func (r *record) setResult(a *parsers.Attempt, v *verdict) {
	a.Origin, a.Status = parsers.OriginLocal, parsers.StatusDeferred
	permanent := false
	if s, ok := strings.CutPrefix(r.text, "Permanent Failure for "); ok {
		permanent = true
		r.cutReply(a, s)
	} else if s, ok := strings.CutPrefix(r.text, "Temporary Failure for "); ok {
		r.cutReply(a, s)
	}
	if code, ok := parsers.ParseReply(r.code); ok && !v.local && len(r.code) == 3 {
		a.Reply.Code, a.Reply.Text = code.Code, r.text
		// The code that Stalwart takes off is the first of a line; some servers say it twice.
		word, _, _ := strings.Cut(r.text, " ")
		if e, ok := parsers.ParseEnhanced(word); ok && e.Class() == code.Code.Class() {
			a.Reply.Enhanced = e
		}
	}
	switch a.Diagnostic = cmp.Or(r.text, r.about, r.gist); {
	case a.Reply.Code != 0:
		a.Origin = parsers.OriginRemote
	case r.text != "" && r.about != "":
		a.Diagnostic = r.about + ": " + r.text
	}
	switch {
	case r.name == "delivery.delivered":
		a.Status = parsers.StatusSent
	case v.of == parsers.Connect:
	case permanent, a.Reply.Code.Class() == parsers.Permanent:
		a.Status = parsers.StatusBounced
	case r.name == "delivery.null-mx", r.cause == "mail-auth.dns-record-not-found":
		a.Status = parsers.StatusBounced
	}
}

// cutReply reads `mx1.example.com: Unexpected response for EHLO x: Code: 554, Enhanced code: 5.7.1, Message: no` (Stalwart:
// crates/smtp/src/queue/mod.rs).
func (r *record) cutReply(a *parsers.Attempt, s string) {
	_, s, _ = strings.Cut(s, ": Code: ")
	code, s, ok := strings.Cut(s, ", Enhanced code: ")
	if !ok || len(code) != 3 {
		return
	}
	enhanced, message, ok := strings.Cut(s, ", Message: ")
	if reply, valid := parsers.ParseReply(code); ok && valid {
		a.Reply.Code, a.Reply.Text = reply.Code, message
		a.Reply.Enhanced, _ = parsers.ParseEnhanced(enhanced)
	}
}
