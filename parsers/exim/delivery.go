package exim

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// appendDelivered reads the record of a success (Exim: src/deliver.c, delivery_log), s being what follows the flag.
//
// A recipient that was thrown away has no transport, or one that says so: `=> :blackhole: <a@example.com> R=aliases`. It is
// neither an attempt nor an outcome.
func (p *parser) appendDelivered(dst []parsers.Event, e *entry, s string) ([]parsers.Event, error) {
	n := len(dst)
	dst = e.append(dst, parsers.Attempted)
	ev := last(dst)
	a := &ev.Attempt
	if strings.HasPrefix(s, "blackhole (") || strings.HasPrefix(s, "discarded (") {
		return dst[:n], nil
	}
	var ok bool
	var rest string
	if a.Recipient, a.OriginalRecipient, rest, ok = cutAddresses(s); !ok {
		return dst[:n], e.line.Malformed(s, "recipient without an end")
	}
	var r route
	for rest = cutFields(ev, rest, &r); rest != ""; rest = cutFields(ev, rest, &r) {
		rest = rest[min(1, len(rest)):]
		rest = rest[wordLen(rest):] // of the value of A= or ST=, which may have blanks
	}
	if r.transport == "" || r.transport == "**bypassed**" {
		return dst[:n], nil
	}
	ev.Process, a.Status = r.transport, parsers.StatusSent
	a.Kind = p.kind(a, &r, false)
	switch {
	case r.confirmation != "":
		a.Command, a.Diagnostic, a.Truncated = parsers.EndOfDATA, r.confirmation, r.cut
		setReply(a, r.confirmation)
	case a.RelayIP != "":
		a.Origin = parsers.OriginImplied // log_selector -smtp_confirmation
	default:
		a.Origin = parsers.OriginLocal
	}
	return dst, nil
}

// appendDeferred reads the record of a deferral (Exim: src/deliver.c, deferral_log), s being what follows the flag:
//
//	ADDRS [R=ROUTER] [T=TRANSPORT] defer (ERRNO)[: STRERROR] [H=HOST [IP]] [DT=TIME][: MESSAGE]
//
// `routing` stands before defer where no router took the address. ERRNO is the system's where it is positive, else Exim's
// own; its meaning depends on either's version, and it is never a reply code.
func (p *parser) appendDeferred(dst []parsers.Event, e *entry, s string) ([]parsers.Event, error) {
	n := len(dst)
	dst = e.append(dst, parsers.Attempted)
	ev := last(dst)
	a := &ev.Attempt
	var ok bool
	var rest string
	if a.Recipient, a.OriginalRecipient, rest, ok = cutAddresses(s); !ok {
		return dst[:n], e.line.Malformed(s, "recipient without an end")
	}
	var r route
	rest = cutFields(ev, rest, &r)
	at := rest
	rest = strings.TrimPrefix(rest, " routing")
	if rest, ok = strings.CutPrefix(rest, " defer ("); !ok {
		return dst[:n], e.line.Malformed(at, "deferral without a reason")
	}
	i := strings.IndexByte(rest, ')')
	if i < 0 {
		return dst[:n], e.line.Malformed(at, "deferral without a reason")
	}
	errno := rest[:i]
	rest = rest[i+1:]
	strerror := ""
	if errno != "0" && !strings.HasPrefix(errno, "-") && strings.HasPrefix(rest, ": ") {
		strerror = rest[len(": "):]
		strerror = strerror[:strerrorLen(strerror)]
		rest = rest[len(": ")+len(strerror):]
	}
	text, ok := cutMessage(cutFields(ev, rest, &r))
	if !ok {
		return dst[:n], e.line.Malformed(at, "deferral without a reason")
	}
	ev.Process, a.Status = r.transport, parsers.StatusDeferred
	p.interpret(a, text, strerror, &r)
	return dst, nil
}

// appendFailed reads the record of a failure (Exim: src/deliver.c, failure_log), s being what follows the flag:
//
//	ADDRS FIELDS[: STRERROR][: MESSAGE] [DT=TIME]
//	ADDR [<PARENT>]: retry timeout exceeded
//
// The second is the end of an address that the line before deferred (Exim: src/retry.c).
func (p *parser) appendFailed(dst []parsers.Event, e *entry, s string) ([]parsers.Event, error) {
	const expired = "retry timeout exceeded"
	if strings.HasPrefix(s, "mua_wrapper ") { // no address: each has a line of its own
		return dst, nil
	}
	n := len(dst)
	dst = e.append(dst, parsers.Attempted)
	ev := last(dst)
	a := &ev.Attempt
	a.Origin = parsers.OriginLocal
	var ok bool
	var rest string
	if a.Recipient, a.OriginalRecipient, rest, ok = cutAddresses(s); !ok {
		return dst[:n], e.line.Malformed(s, "recipient without an end")
	}
	if rest == ": "+expired {
		ev.Kind = parsers.Expired
		a.Status, a.Kind, a.NotAttempted = parsers.StatusExpired, parsers.Final, true
		a.Diagnostic = rest[len(": "):]
		return dst, nil
	}
	var r route
	rest = cutFields(ev, rest, &r)
	text, ok := cutMessage(rest)
	if !ok {
		return dst[:n], e.line.Malformed(rest, "failure without a reason")
	}
	if i := strings.LastIndexByte(text, ' '); i >= 0 && strings.HasPrefix(text[i:], " DT=") {
		if d, ok := fields.Units(text[i+len(" DT="):]); ok {
			a.XDelay, text = d, text[:i]
		}
	}
	ev.Process, a.Status = r.transport, parsers.StatusBounced
	p.interpret(a, text, "", &r)
	return dst, nil
}

// cutMessage takes off what stands between the fields and the message, both of which may be missing; with mua_wrapper set,
// nothing but a blank does.
func cutMessage(s string) (text string, ok bool) {
	switch {
	case s == "":
		return "", true
	case s[0] == ':':
		return strings.TrimPrefix(s[1:], " "), true
	case strings.HasPrefix(s, " : "):
		return s[len(" : "):], true
	case strings.HasPrefix(s, " routing yielded "), strings.HasPrefix(s, " mua_wrapper forced "):
		return s[1:], true
	}
	return "", false
}

// kind tells what was attempted. A server with an address is of the net; without one, it is a matter of the recipient, of
// the transport's name, or of the text, which is a dialogue's where net is set. Where no router took the address there is
// no transport.
func (p *parser) kind(a *parsers.Attempt, r *route, net bool) parsers.AttemptKind {
	switch {
	case isFilter(r.transport), 10023 <= a.RelayPort && a.RelayPort <= 10030: // where the documentation of filters puts them
		return parsers.Internal
	case a.RelayIP != "":
		if fields.Inside(&p.options, a.RelayHost, a.RelayIP) {
			if strings.Contains(r.transport, "lmtp") { // Dovecot's LMTP: the mailbox, not a hop to it
				return parsers.Local
			}
			return parsers.Internal
		}
	case a.Status == parsers.StatusSent, strings.IndexByte(a.Recipient, '@') < 0, strings.IndexByte("|/>", a.Recipient[0]) >= 0,
		r.transport != "" && !net && !strings.Contains(r.transport, "smtp"):
		return parsers.Local
	}
	if strings.HasSuffix(r.transport, "smarthost") || strings.HasSuffix(r.router, "smarthost") { // Debian, cPanel
		return parsers.Smarthost
	}
	return parsers.Remote
}

// filters are how transports to content filters are named, to which a message goes only to come back: in their
// documentation, and by their kind.
var filters = [...]struct{ begin, end string }{
	{begin: "amavis"}, {begin: "spamassassin"}, {begin: "spamcheck"}, {begin: "spamc"}, {begin: "spamd"}, {end: "filter"}, {end: "scanner"},
}

// isFilter reports whether a transport is named like a content filter.
func isFilter(transport string) bool {
	for i := range filters {
		if f := &filters[i]; f.begin != "" && strings.HasPrefix(transport, f.begin) || f.end != "" && strings.HasSuffix(transport, f.end) {
			return true
		}
	}
	return false
}
