package exim

import (
	"strings"

	"bouncelog/parsers"
)

// A template is how a message begins that tells of a dialogue with a server (Exim: src/transports/smtp.c, check_response
// and after it; src/transports/lmtp.c), or that says that nothing was tried.
type template struct {
	prefix string
	server string          // the words behind the server's name, which comes right after prefix: until 4.84
	stage  bool            // the command follows
	answer bool            // and the server's answer to it
	cmd    parsers.Command // where it does not follow
	local  bool            // not necessarily on the net
	skip   bool            // nothing was tried
}

// templates are these beginnings, the commonest first; of two that begin alike, the longer.
var templates = [...]template{
	{prefix: "SMTP error from remote mail server after ", stage: true, answer: true},
	{prefix: "SMTP error from remote mailer after ", stage: true, answer: true}, // until 4.50
	{prefix: "LMTP error after ", stage: true, answer: true, local: true},
	{prefix: "PRDR error after ", stage: true, answer: true},
	{prefix: "SMTP timeout after ", stage: true},
	{prefix: "SMTP timeout while connected to ", server: " after ", stage: true},
	{prefix: "Remote host closed connection in response to ", stage: true},
	{prefix: "Remote host ", server: " closed connection in response to ", stage: true},
	{prefix: "Malformed SMTP reply in response to ", stage: true},
	{prefix: "Malformed SMTP reply from ", server: " in response to ", stage: true},
	{prefix: "Malformed SMTP reply (an empty line) in response to ", stage: true},
	{prefix: "Malformed SMTP reply (an empty line) from ", server: " in response to ", stage: true},
	{prefix: "LMTP timeout after ", stage: true, local: true},
	{prefix: "Malformed LMTP response after ", stage: true, local: true},
	{prefix: "LMTP connection closed after ", stage: true, local: true},
	{prefix: "Failed to connect to socket ", cmd: parsers.CONNECT, local: true},
	{prefix: "TLS session", cmd: parsers.STARTTLS},
	{prefix: "failure while setting up TLS session", cmd: parsers.STARTTLS},
	{prefix: "bad first read from TLS conn", cmd: parsers.STARTTLS},
	{prefix: "error on first read", cmd: parsers.STARTTLS},
	{prefix: "a TLS session is required, but an attempt to start TLS failed", cmd: parsers.STARTTLS},
	{prefix: "a TLS session is required, but "},
	{prefix: "a TLS session is required for ", server: ", but "},
	{prefix: "authentication required but ", cmd: parsers.AUTH},
	{prefix: "DANE error: "},
	{prefix: "smtp send to ", server: " failed"},
	{prefix: "failed to write a data block"},
	{prefix: "utf8 support required but not offered for forwarding"},
	{prefix: "host lookup for "},
	{prefix: "lookup of IP address for "},
	{prefix: "failed to lookup IP address for "},

	// src/transports/smtp.c, src/deliver.c, src/retry.c, src/route.c: it is not yet time, or not any more.
	{prefix: "retry time not reached", skip: true},
	{prefix: "Retry time not yet reached", skip: true, local: true},
	{prefix: "all hosts have been failing for a long time", skip: true},
	{prefix: "all hosts for '", skip: true},
	{prefix: "all host address lookups ", skip: true},
	{prefix: "some host address lookups failed and retry time ", skip: true},
	{prefix: "connection limit reached for all hosts", skip: true},
	{prefix: "no host found for existing SMTP connection", skip: true},
	{prefix: "reusing SMTP connection skips previous routing defer", skip: true},
	{prefix: "SMTP delivery explicitly queued", skip: true},
	{prefix: "first-pass only routing due to ", skip: true},
	{prefix: "domain matches queue_smtp_domains", skip: true},
	{prefix: "domain is in queue_domains", skip: true},
	{prefix: "domain is held", skip: true},
	{prefix: "concurrency limit reached for transport", skip: true},
	{prefix: "remote deliveries suppressed", skip: true},
}

// templateOf returns the template that text begins with, and what follows its prefix; nil where there is none.
func templateOf(text string) (t *template, rest string) {
	for i := range templates {
		t := &templates[i]
		if text == "" || text[0] != t.prefix[0] {
			continue
		}
		if rest, ok := strings.CutPrefix(text, t.prefix); ok {
			if t.server == "" {
				return t, rest
			}
			if _, _, _, rest, ok := cutServer(rest); ok && strings.HasPrefix(rest, t.server) {
				return t, text[len(t.prefix):]
			}
		}
	}
	return nil, text
}

// maxMessage is how much of a message a delivery process hands to its parent, which logs it (Exim: src/deliver.c,
// do_remote_deliveries, `%.1024s`).
const maxMessage = 1024

// overflow is what a line ends with that was too long (Exim: src/log.c).
const overflow = "**** log string overflowed log buffer ****"

// interpret reads what a record says of its reason: the message, and before it the system's error, either of which may be
// missing. Where the message only names the server, the error is all there is.
func (p *parser) interpret(a *parsers.Attempt, text, strerror string, r *route) {
	a.Origin, a.Diagnostic = parsers.OriginLocal, text
	a.Truncated = len(text) == maxMessage || strings.HasSuffix(text, overflow)
	if host, ip, port, rest, ok := cutServer(text); ok && rest == "" && strerror != "" {
		setServer(a, host, ip, port)
		text, a.Diagnostic = "", strerror
	}
	net := false
	switch t, rest := templateOf(text); {
	case text == "":
		a.Diagnostic = strerror
		if net = isUnreachable(strerror); net && a.RelayIP == "" { // H= is on a line of its own
			a.Command = parsers.CONNECT
		}
	case t != nil:
		net = !t.local
		a.NotAttempted = t.skip
		readDialogue(a, t, rest)
	default:
		if n := strerrorLen(text); n < len(text) && isStrerror(text[:n]) {
			if t, rest := templateOf(strings.TrimPrefix(text[n:], ": ")); t != nil {
				net = !t.local
				readDialogue(a, t, rest)
				break
			}
		}
		// The reason may be of the configuration's making: `:fail: 550 5.1.1 no such user`.
		if a.RelayIP == "" {
			if reply, ok := parsers.ParseStrictReply(text); ok {
				a.Reply = reply
			}
		}
	}
	a.Kind = p.kind(a, r, net)
}

// readDialogue reads what follows a template's prefix.
func readDialogue(a *parsers.Attempt, t *template, s string) {
	if t.server != "" {
		host, ip, port, rest, _ := cutServer(s)
		setServer(a, host, ip, port)
		s = rest[len(t.server):]
	}
	a.Command = t.cmd
	if !t.stage {
		return
	}
	n := commandLen(s)
	a.Command = parsers.ParseCommand(s[:n])
	if !t.answer {
		return
	}
	answer, ok := strings.CutPrefix(s[n:], ": ")
	if !ok {
		return
	}
	if named, ok := strings.CutPrefix(answer, "host "); ok { // until 4.84; a reply begins with a number
		if host, ip, port, rest, ok := cutServer(named); ok && strings.HasPrefix(rest, ": ") {
			setServer(a, host, ip, port)
			answer = rest[len(": "):]
		}
	}
	setReply(a, answer)
}

// commandLen returns the length of the command that s begins with: `RCPT TO:<a@example.net>`, `pipelined MAIL FROM:<> SIZE=9`,
// `end of data (450421 bytes written)`. The address in it may hold anything, in quotes.
func commandLen(s string) int {
	n := 0
	if i := strings.IndexByte(s, '<'); i >= 0 && strings.HasSuffix(s[:i], ":") && !strings.Contains(s[:i], ": ") {
		if _, rest, ok := cutBracket(s[i+1:]); ok {
			n = len(s) - len(rest)
		}
	}
	for ; n < len(s); n++ {
		if s[n] == ':' && (n+1 == len(s) || s[n+1] == ' ') || s[n] == ' ' && n+1 < len(s) && s[n+1] == '(' {
			break
		}
	}
	return n
}

// setReply sets what the server said. Exim goes by the first digit of the first line alone, whatever the others say: what
// is no 5 is temporary, be it 850.
func setReply(a *parsers.Attempt, answer string) {
	a.Origin = parsers.OriginRemote
	r, ok := parsers.ParseStrictReply(answer)
	if first, _, found := strings.Cut(answer, `\n`); found && ok {
		if one, ok := parsers.ParseStrictReply(first); ok && one.Code != r.Code {
			r = one
		}
	}
	if !ok {
		r.Code = oddCode(answer)
	}
	r.Text = answer
	a.Reply = r
}

// oddCode returns the reply code that s begins with where that is none of RFC 5321's: a server did say so.
func oddCode(s string) parsers.ReplyCode {
	if len(s) < 3 || !isDigit(s[0]) || !isDigit(s[1]) || !isDigit(s[2]) || len(s) > 3 && s[3] != ' ' && s[3] != '-' && s[3] != '\\' {
		return 0
	}
	return parsers.ReplyCode(s[0]-'0')*100 + parsers.ReplyCode(s[1]-'0')*10 + parsers.ReplyCode(s[2]-'0')
}

// setServer sets the server where no field named it.
func setServer(a *parsers.Attempt, host, ip string, port uint16) {
	if a.RelayHost == "" {
		a.RelayHost, a.RelayIP, a.RelayPort = host, ip, port
	}
}

// cutServer cuts `mx.example.net [192.0.2.25]:25` from the front of s.
func cutServer(s string) (host, ip string, port uint16, rest string, ok bool) {
	n := wordLen(s)
	if n == len(s) {
		return s, "", 0, "", false
	}
	ip, port, rest = cutIP(s[n+1:])
	return s[:n], ip, port, rest, n > 0 && isIP(ip)
}

// isIP reports whether s is made like an address of IPv4 or IPv6.
func isIP(s string) bool {
	parts := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c), lower(c)-'a' < 6:
		case c == '.', c == ':':
			parts++
		default:
			return false
		}
	}
	return parts > 1
}

// strerrorLen returns the length of the system's error that s begins with: up to a field or the message.
func strerrorLen(s string) int {
	for i := range len(s) {
		switch s[i] {
		case ':':
			return i
		case ' ':
			if t := s[i+1:]; strings.HasPrefix(t, "H=") || strings.HasPrefix(t, "DT=") {
				return i
			}
		}
	}
	return len(s)
}

// isStrerror reports whether s reads like one of the system's errors (strerror(3)): `Connection refused`, `Can't assign
// requested address`, `Unknown error 526`.
func isStrerror(s string) bool {
	const longest = 64
	if s == "" || s[0]-'A' >= 26 || len(s) > longest {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != ' ' && c != '\'' && c != '/' {
			return false
		}
	}
	return true
}

// unreachable is how the errors of connect(2) begin, in the words of Linux, the BSDs and musl.
var unreachable = [...]string{
	"Connection ", "Operation timed out", "No route to host", "Host is ", "Network is ", "Network unreachable",
	"Cannot assign requested address", "Can't assign requested address", "Address not available",
}

// isUnreachable reports whether a server could not be reached, by the system's error.
func isUnreachable(strerror string) bool {
	for _, s := range unreachable {
		if strings.HasPrefix(strerror, s) {
			return true
		}
	}
	return false
}
