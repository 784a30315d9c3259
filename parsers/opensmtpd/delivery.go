package opensmtpd

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A record is what a line says of an envelope, as it stands there.
type record struct {
	program   string // mta or mda
	session   string
	id        string
	sender    string // parsers.NullSender for the null reverse-path
	recipient string
	original  string
	source    string
	relay     string
	delay     parsers.Duration
	result    string
	stat      string
	whole     bool // stat is there to its end
}

// cut takes the fields off s, in whichever of the grammars they are. It returns what it does not understand.
func (r *record) cut(s string) (rest string) {
	for s != "" {
		s = strings.TrimLeft(s, ", ")
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return s
		}
		switch key {
		case "from":
			r.sender, value = cutAddress(value)
			r.sender = nullable(r.sender)
		case "to":
			r.recipient, value = cutAddress(value)
		case "rcpt":
			r.original, value = cutAddress(value)
		case "source": // before 2013-06 nothing stands between it and relay=
			r.source, value = cutValue(value, "relay=")
		case "relay":
			r.relay, value = cutValue(value, "delay=")
		case "delay":
			var text string
			text, value = cutValue(value, "")
			r.delay, _ = fields.Units(text)
		case "evpid":
			r.id, value = cutValue(value, "")
		case "session":
			r.session, value = cutValue(value, "")
		case "result", "status":
			r.result, value = cutValue(value, "")
		case "user", "method":
			_, value = cutValue(value, "")
		case "stat":
			r.stat, r.whole = value, true
			if text, quoted := strings.CutPrefix(value, `"`); quoted {
				r.stat, r.whole = strings.CutSuffix(text, `"`)
			}
			return ""
		default:
			return s
		}
		s = value
	}
	return ""
}

// cutValue cuts a value that is no stranger's from the front of s: in quotes, or up to a comma or blank, or where it may have
// blanks in it, up to the next key.
func cutValue(s, next string) (value, rest string) {
	if inner, ok := strings.CutPrefix(s, `"`); ok {
		value, rest, _ = strings.Cut(inner, `"`)
		return value, rest
	}
	end := strings.IndexAny(s, ", ")
	if next != "" {
		end = strings.Index(s, next)
	}
	if end < 0 {
		end = len(s)
	}
	return strings.TrimRight(s[:end], ", "), s[end:]
}

// cutAddress cuts an address in angle brackets from the front of s, without them. It ends at the bracket behind which the next
// field begins, or nothing is left; a quoted local part is passed over whole.
func cutAddress(s string) (addr, rest string) {
	s, ok := strings.CutPrefix(s, "<")
	if !ok {
		return cutValue(s, "")
	}
	quoted, first := false, -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '>' && startsField(s[i+1:]):
			if !quoted {
				return s[:i], s[i+1:]
			}
			if first < 0 {
				first = i // a quote without its other half
			}
		}
	}
	if first >= 0 {
		return s[:first], s[first+1:]
	}
	return s, ""
}

// startsField reports whether s may follow an address.
func startsField(s string) bool {
	if s == "" {
		return true
	}
	s = strings.TrimPrefix(s, ",")
	for _, key := range [...]string{" to=<", " rcpt=<", " source=", " user=", " relay=", " delay="} {
		if strings.HasPrefix(s, key) {
			return true
		}
	}
	return false
}

// appendDelivery reads the delivery record, s being what follows what is in r already. What became of the envelope for good
// takes it out of the queue.
func (p *parser) appendDelivery(dst []parsers.Event, line *parsers.Line, r record, s string) ([]parsers.Event, error) {
	if rest := r.cut(s); rest != "" {
		return dst, line.Malformed(rest, "unknown field")
	}
	kind := parsers.Attempted
	var a parsers.Attempt
	switch r.result {
	case "Ok":
		a.Status = parsers.StatusSent
	case "TempFail":
		a.Status = parsers.StatusDeferred
	case "PermFail":
		a.Status = parsers.StatusBounced
	case "Expire":
		kind = parsers.Expired
		a.Status, a.Kind, a.NotAttempted = parsers.StatusExpired, parsers.Final, true
	case "Remove": // by the administrator
		return appendEvent(dst, r.program, parsers.Removed, r.id), nil
	default:
		return dst, line.Malformed("", "unknown result")
	}
	if !isID(r.id) {
		return dst, line.Malformed("", "record without evpid=")
	}
	a.Recipient, a.Delay, a.Diagnostic, a.Truncated = r.recipient, r.delay, r.stat, !r.whole
	if r.original != "-" && r.original != r.recipient {
		a.OriginalRecipient = r.original
	}
	a.SourceIP, _ = fields.Address(r.source)
	a.RelayHost, a.RelayIP = server(r.relay)
	interpret(&a, &r)
	switch {
	case a.Status == parsers.StatusExpired:
	case r.program == "mda":
		a.Kind = parsers.Local
	case fields.Inside(&p.Options, a.RelayHost, a.RelayIP):
		a.Kind = parsers.Internal
	}
	dst = appendEvent(dst, r.program, kind, r.id)
	ev := last(dst)
	ev.Sender, ev.Attempt = r.sender, a
	if a.Status != parsers.StatusDeferred {
		dst = appendEvent(dst, r.program, parsers.Removed, r.id)
	}
	return dst, nil
}

// server reads relay=: `192.0.2.25 (mx.example.net)`, `[2001:db8::25] (mx.example.net)`, and without a session the domain
// (OpenSMTPD: mta.c, mta_host_to_text, mta_flush).
func server(s string) (host, ip string) {
	addr, name, named := strings.Cut(s, " (")
	ip, _ = fields.Address(addr)
	switch {
	case named:
		return strings.TrimSuffix(name, ")"), ip
	case ip == "":
		return addr, ""
	}
	return "", ip
}

// rejections are what stands in front of a reply that ended the session before the message (OpenSMTPD: mta_session.c,
// mta_response).
var rejections = [...]struct {
	prefix  string
	command parsers.Command
}{
	{"BANNER rejected: ", parsers.CONNECT},
	{"EHLO rejected: ", parsers.EHLO},
	{"HELO rejected: ", parsers.HELO},
	{"LHLO rejected: ", parsers.LHLO},
	{"STARTTLS rejected: ", parsers.STARTTLS},
	{"AUTH rejected: ", parsers.AUTH},
}

// noSession is the session of an envelope that was given back without one.
const noSession = "0000000000000000"

// interpret fills in what stat= tells. In a mailbox's it is never a server's.
func interpret(a *parsers.Attempt, r *record) {
	a.Origin = parsers.OriginLocal
	if r.program == "mda" || a.Status == parsers.StatusExpired {
		return
	}
	text := r.stat
	for _, t := range rejections {
		if rest, ok := strings.CutPrefix(text, t.prefix); ok {
			text, a.Command = rest, t.command
			break
		}
	}
	if reply, ok := firstLine(text); ok {
		a.Origin, a.Reply = parsers.OriginRemote, reply
		a.NotAttempted = r.session == noSession // said before, to another envelope
	}
}

// firstLine reads a reply by its first line: the others have lost their codes, so a code further on is prose.
func firstLine(text string) (parsers.Reply, bool) {
	head := text
	if len(text) > 4 {
		if i := strings.IndexByte(text[4:], ' '); i >= 0 {
			head = text[:4+i]
		}
	}
	r, ok := parsers.ParseStrictReply(head)
	if !ok {
		return r, false
	}
	if whole, _ := parsers.ParseReply(text); r.Enhanced.IsZero() && whole.Code == r.Code {
		r.Enhanced = whole.Enhanced // qmail's, which stands at the end
	}
	r.Text = text
	return r, true
}
