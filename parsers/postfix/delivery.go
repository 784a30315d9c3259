package postfix

import (
	"net/netip"
	"strings"

	"bouncelog/parsers"
)

// appendDelivery reads the delivery record; rest is the line from `to=` on, a suffix of line.Text. It appends one event,
// and another where the message lives on under a new queue id.
//
// The fields come in one order, but which of them are there depends on the version (orig_to= and conn_use= since 2.3,
// delays= and dsn= since 2.3, tls= since 3.11), so a field that is not known yet is passed over.
func (p *parser) appendDelivery(dst []parsers.Event, line *parsers.Line, program, id, rest string) ([]parsers.Event, error) {
	n := len(dst)
	at := rest[len("to="):]
	rcpt, rest, ok := cutAddress(at, startsField)
	if !ok {
		if line.Tag == "" {
			return dst, nil // it may be sendmail's, or anyone's
		}
		return dst, malformed(line, at, "recipient without an end")
	}
	dst = appendEvent(dst, line, program, parsers.Attempted, id)
	ev := last(dst)
	a := &ev.Attempt
	a.Recipient = rcpt
	if at, ok := strings.CutPrefix(rest, ", orig_to="); ok {
		if a.OriginalRecipient, rest, ok = cutAddress(at, startsRelay); !ok {
			return dst[:n], malformed(line, at, "original recipient without an end")
		}
	}
	var relay string
	for !strings.HasPrefix(rest, ", status=") {
		// The times are the commonest fields, and read where they stand: to find their ends first costs as much again.
		if s, ok := strings.CutPrefix(rest, ", delay="); ok {
			if ms, after, ok := cutSeconds(s); ok && strings.HasPrefix(after, ", ") {
				a.Delay, rest = parsers.Milliseconds(ms), after
				continue
			}
		} else if s, ok := strings.CutPrefix(rest, ", delays="); ok {
			if d, after, ok := cutTransaction(s); ok && strings.HasPrefix(after, ", ") {
				a.XDelay, rest = d, after
				continue
			}
		}
		end := nextField(rest)
		if end < 0 {
			return dst[:n], malformed(line, rest, "record without status=")
		}
		field := rest[:end]
		switch {
		case strings.HasPrefix(field, ", relay="):
			relay = field[len(", relay="):]
		case strings.HasPrefix(field, ", dsn="):
			a.DSN, _ = parsers.ParseEnhanced(field[len(", dsn="):])
		case !hasKey(field):
			return dst[:n], malformed(line, rest, "record without status=")
		}
		rest = rest[end:]
	}
	rest = rest[len(", status="):]
	word, text := rest, ""
	if i := strings.IndexByte(rest, ' '); i >= 0 {
		word, text = rest[:i], rest[i:]
	}
	probe := false
	switch word {
	case "sent":
		a.Status = parsers.StatusSent
	case "deferred":
		a.Status = parsers.StatusDeferred
	case "bounced":
		a.Status = parsers.StatusBounced
	case "SOFTBOUNCE":
		a.Status, a.MTAStatus = parsers.StatusDeferred, word
	case "deliverable":
		a.Status, a.MTAStatus, probe = parsers.StatusSent, word, true
	case "undeliverable", "undeliverable-but-not-cached":
		a.Status, a.MTAStatus, probe = parsers.StatusBounced, word, true
	default:
		return dst[:n], malformed(line, rest, "unknown status")
	}
	if text, ok = strings.CutPrefix(text, " ("); !ok {
		if text != "" && text != " " {
			return dst[:n], malformed(line, text, "status without a text in parentheses")
		}
		text = ""
	}
	// Postfix cuts at 2000 bytes, relays of RFC 3164 at 1024: what is left holds the codes.
	a.Diagnostic, ok = strings.CutSuffix(text, ")")
	a.Truncated = !ok

	socket := interpret(a, program, relay)
	switch next, forwarded := strings.CutPrefix(a.Diagnostic, "forwarded as "); {
	case probe:
		a.Kind = parsers.Probe
	case forwarded && isService(relay) && isQueueID(next):
		a.Kind = parsers.Internal
		dst = appendEvent(dst, line, program, parsers.Requeued, id)
		last(dst).NextID = next
	default:
		a.Kind = p.kind(a, line.Tag, relay, socket, program == "lmtp")
		if a.Kind == parsers.Internal && a.Status == parsers.StatusSent {
			if next := queuedAs(a.Diagnostic); next != "" {
				dst = appendEvent(dst, line, program, parsers.Requeued, id)
				last(dst).NextID = next
			}
		}
	}
	return dst, nil
}

// malformed returns the error for what begins at rest, a suffix of line.Text.
func malformed(line *parsers.Line, rest, msg string) error {
	return &parsers.SyntaxError{Column: len(line.Text) - len(rest) + 1, Msg: msg}
}

// startsField reports whether s may follow the recipient, startsRelay whether it may follow the original recipient.
func startsField(s string) bool {
	return startsRelay(s) || strings.HasPrefix(s, ", orig_to=")
}

func startsRelay(s string) bool { return strings.HasPrefix(s, ", relay=") }

// cutAddress cuts an address in angle brackets from the front of s, where follows agrees to what comes after it. The
// brackets are not part of the result, the quotes are.
//
// Since 3.5 a local part that has a bracket or a comma in it is a quoted string (info_log_address_format=external), which
// ends where its quotes end, whatever is in it. Before, and with `internal`, it stands as it is, and the first end that
// has the next field behind it must do. Logs that others have rewritten may lack the brackets (`to=ann@example.net, `).
func cutAddress(s string, follows func(string) bool) (addr, rest string, ok bool) {
	body, ok := strings.CutPrefix(s, "<")
	if !ok {
		if i := strings.Index(s, ", "); i > 0 && follows(s[i:]) {
			return s[:i], s[i:], true
		}
		return "", s, false
	}
	if i := quotedLocalPart(body); i > 0 {
		if j := strings.IndexByte(body[i:], '>'); j >= 0 && follows(body[i+j+1:]) {
			return body[:i+j], body[i+j+1:], true
		}
	}
	for i := 0; ; i++ {
		j := strings.IndexByte(body[i:], '>')
		if j < 0 {
			return "", s, false
		}
		if i += j; follows(body[i+1:]) {
			return body[:i], body[i+1:], true
		}
	}
}

// quotedLocalPart returns the length of the quoted local part that s begins with, with a source route in front of it where
// it has one (`@a,@b:"x y"@c`); 0 where s begins with none, or with one that no domain and no `>` follows.
func quotedLocalPart(s string) int {
	i := 0
	if strings.HasPrefix(s, "@") {
		if i = strings.Index(s, ":\"") + 1; i == 0 {
			return 0
		}
	}
	if i == len(s) || s[i] != '"' {
		return 0
	}
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			if i++; i < len(s) && (s[i] == '@' || s[i] == '>') {
				return i
			}
			return 0
		}
	}
	return 0
}

// hasKey reports whether s begins with `, key=`.
func hasKey(s string) bool {
	i := len(", ")
	for i < len(s) && ('a' <= s[i] && s[i] <= 'z' || s[i] == '_' || isDigit(s[i])) {
		i++
	}
	return i > len(", ") && i < len(s) && s[i] == '=' && strings.HasPrefix(s, ", ")
}

// nextField returns where in s, which a field begins with a comma in front of it, the next one does so; -1 where none does.
func nextField(s string) int {
	for i := 1; i < len(s); i++ {
		j := strings.IndexByte(s[i:], ',')
		if j < 0 {
			return -1
		}
		if i += j; strings.HasPrefix(s[i:], ", ") {
			return i
		}
	}
	return -1
}

// cutTransaction cuts the times of delays=A/B/C/E from the front of s and returns what they give to this attempt: C to
// connect, E to transmit.
func cutTransaction(s string) (d parsers.Duration, rest string, ok bool) {
	var ms [4]int64
	for i := range ms {
		if i > 0 {
			if s == "" || s[0] != '/' {
				return d, s, false
			}
			s = s[1:]
		}
		if ms[i], s, ok = cutSeconds(s); !ok {
			return d, s, false
		}
	}
	return parsers.Milliseconds(ms[2] + ms[3]), s, true
}

// cutSeconds cuts a decimal number of seconds from the front of s and returns it in milliseconds, rounded down. It is no
// number where it is a thousand years and more.
func cutSeconds(s string) (ms int64, rest string, ok bool) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		if ms = ms*10 + int64(s[i]-'0'); ms > 1e11 {
			return 0, s, false
		}
		i++
	}
	if i == 0 {
		return 0, s, false
	}
	ms *= 1000
	if i+1 < len(s) && s[i] == '.' && isDigit(s[i+1]) {
		unit := int64(100)
		for i++; i < len(s) && isDigit(s[i]); i++ {
			ms += int64(s[i]-'0') * unit
			unit /= 10
		}
	}
	return ms, s[i:], true
}

// queuedAs returns the queue id that the next Postfix gave the message: `250 2.0.0 Ok: queued as 5C2D3E4F5A6`. A content
// filter quotes the answer it got, so the last one counts.
func queuedAs(s string) string {
	const words = "queued as "
	i := strings.LastIndex(s, words)
	if i < 0 {
		return ""
	}
	s = s[i+len(words):]
	if n := idLen(s); n == len(s) || s[n] == ')' || s[n] == ' ' {
		return s[:n]
	}
	return ""
}

// kind tells what was attempted, by the record alone: the relay= of the record, the path of the server where it is a
// socket of this host, and what is in a already. Probes and forwards have been told apart before.
func (p *parser) kind(a *parsers.Attempt, tag, relay, socket string, lmtp bool) parsers.AttemptKind {
	switch {
	case p.isInside(a.RelayHost, a.RelayIP), isFilterTag(tag):
		return parsers.Internal
	case 10023 <= a.RelayPort && a.RelayPort <= 10030: // where the documentation of filters puts them
		return parsers.Internal
	case a.RelayIP == "" && isService(relay):
		if isFilter(relay) {
			return parsers.Internal
		}
		return parsers.Local
	case socket != "":
		// A mailbox store listens on private/dovecot-lmtp or /run/cyrus/socket/lmtp; filters have other names.
		if strings.Contains(socket, "lmtp") {
			return parsers.Local
		}
		return parsers.Internal
	case isLoopback(a.RelayIP):
		if lmtp && a.RelayPort == 24 { // Dovecot's and Cyrus's LMTP over TCP: the mailbox, not a hop to it
			return parsers.Local
		}
		return parsers.Internal
	case a.Origin == parsers.OriginRemote && isPrivate(a.RelayIP) && strings.Contains(a.Reply.Text, "from MTA("):
		return parsers.Internal // amavis in the house; abroad, it is the other side's
	}
	return parsers.Remote
}

// isInside reports whether the user declared the server to be inside the house.
func (p *parser) isInside(host, ip string) bool {
	for _, h := range p.hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	if len(p.relays) == 0 || ip == "" {
		return false
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	for _, r := range p.relays {
		if r.Contains(addr) {
			return true
		}
	}
	return false
}

func isLoopback(ip string) bool { return strings.HasPrefix(ip, "127.") || ip == "::1" }

// isPrivate reports whether ip is an address of a private network (RFC 1918, RFC 4193).
func isPrivate(ip string) bool {
	return strings.HasPrefix(ip, "10.") || strings.HasPrefix(ip, "192.168.") || strings.HasPrefix(ip, "fd") ||
		len(ip) > len("172.16.") && ip[:4] == "172." && ip[6] == '.' && "16" <= ip[4:6] && ip[4:6] <= "31"
}

// isService reports whether relay= names a service of master.cf, which delivered by itself: `local`, `virtual`, a pipe.
func isService(relay string) bool {
	return relay != "" && relay != "none" && strings.IndexByte(relay, '[') < 0
}

// isFilterTag reports whether the syslog tag names a content filter in its syslog_name: `postfix/smtp-amavis/smtp`.
func isFilterTag(tag string) bool {
	// The common case, without a look at the words.
	if rest, ok := strings.CutPrefix(tag, "postfix/"); ok && strings.IndexByte(rest, '/') < 0 {
		return false
	}
	return isFilter(tag)
}

// filterWords are the names of content filters in the documentation of Postfix (FILTER_README) and of the filters. A name
// is a filter's where one of its words begins or ends so: `smtp-amavis`, `amavisfeed`, `content_filter`, `rspamd`.
var filterWords = [...]struct{ begin, end string }{
	{begin: "amavis"},
	{end: "filter"},
	{end: "scan"},
	{end: "scanner"},
	{end: "spamd"},
	{end: "spamc"},
	{end: "spampd"},
	{begin: "spamassassin"},
	{begin: "clamsmtp"},
	{begin: "dkimproxy"},
}

// isFilter reports whether one of name's words is that of a content filter.
func isFilter(name string) bool {
	for name != "" {
		i := 0
		for i < len(name) && ('a' <= name[i]|0x20 && name[i]|0x20 <= 'z' || isDigit(name[i])) {
			i++
		}
		word := name[:i]
		for _, w := range filterWords {
			if n := len(w.begin) + len(w.end); i >= n && (w.begin != "" && strings.EqualFold(word[:n], w.begin) || w.end != "" && strings.EqualFold(word[i-n:], w.end)) {
				return true
			}
		}
		name = name[min(i+1, len(name)):]
	}
	return false
}
