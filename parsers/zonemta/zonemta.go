// Package zonemta reads the log of ZoneMTA, an outbound relay on Node.js, as it goes to stdout or syslog.
//
// A delivery is one line for one recipient (ZoneMTA: lib/sender.js), npmlog having put a level and a name in front:
//
//	info Sender/ZONE/PID id=SESSION QUEUEID.SEQ WORD from=F[ENVELOPE] to=R src=IP mx=HOST[IP] message-id=<M> (RESPONSE)
//
// WORD is ACCEPTED, DEFERRED[CATEGORY] or REJECTED[CATEGORY]. The sender chose F, R and M, and the server wrote RESPONSE;
// none of them is escaped. So the line is cut from left to right: an address ends where its quoted local part and its
// domain end, and RESPONSE goes to the last parenthesis. ENVELOPE stands there where the envelope sender is not F. Before
// 1.0 the line had no id= and no src=, and other fields behind mx=.
//
// All of this is read out of the source; no log of a running server was at hand.
package zonemta

import (
	"slices"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of ZoneMTA's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "zonemta",
		Short:    "ZoneMTA, from stdout or syslog",
		Evidence: parsers.Specified,
		Tags:     tags(),
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
	}
}

func tags() []string { return []string{"zone-mta", "zonemta"} }

// sniff counts the lines about a message under delivery; others of ZoneMTA look like those of any program with npmlog.
func sniff(s parsers.Sample) parsers.Score {
	return s.Ratio(func(l *parsers.Line) bool {
		_, text := cutStamp(l.Text, nil)
		name, rest, _ := cutName(text)
		return strings.HasPrefix(name, sender) && strings.HasPrefix(rest, "id=")
	})
}

// A parser reads ZoneMTA's lines. It does not change once it is opened.
type parser struct {
	options parsers.Options
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	at, text := cutStamp(line.Text, p.options.Location)
	name, rest, ok := cutName(text)
	if !ok && !slices.Contains(tags(), line.Tag) {
		return dst, parsers.ErrForeign
	}
	if !strings.HasPrefix(name, sender) {
		return dst, nil
	}
	if s, ok := strings.CutPrefix(rest, "id="); ok {
		_, rest, _ = strings.Cut(s, " ")
	}
	id, rest, _ := strings.Cut(rest, " ")
	word, rest, _ := strings.Cut(rest, " ")
	word, category, _ := strings.Cut(word, "[")
	var status parsers.Status
	switch word {
	case "ACCEPTED":
		status = parsers.StatusSent
	case "DEFERRED":
		status = parsers.StatusDeferred
	case "REJECTED":
		status = parsers.StatusBounced
	default:
		return dst, nil // FETCHED, CONNECTED, CLOSED, SKIPBOUNCE …
	}
	if word != "ACCEPTED" && !strings.HasSuffix(category, "]") {
		return dst, nil // words of another line
	}
	bad := func(msg string) ([]parsers.Event, error) {
		return dst, line.Malformed(rest, msg)
	}

	if rest, ok = strings.CutPrefix(rest, "from="); !ok {
		return bad("record without from=")
	}
	from, rest := cutAddress(rest)
	if s, ok := strings.CutPrefix(rest, "["); ok {
		from, rest = cutAddress(s)
		rest = strings.TrimPrefix(rest, "]")
	}
	if rest, ok = strings.CutPrefix(rest, " to="); !ok {
		return bad("sender without an end")
	}
	to, rest := cutAddress(rest)
	if to == "" || !strings.HasPrefix(rest, " ") {
		return bad("recipient without an end")
	}
	ev := parsers.Event{Kind: parsers.Attempted, Time: at, QueueID: id, Sender: parsers.Sender(from)}
	a := &ev.Attempt
	a.Recipient, a.Status = to, status
	for {
		key, s, ok := strings.Cut(rest[1:], "=")
		if !ok {
			return bad("record without a response")
		}
		if key == "message-id" {
			ev.MessageID, rest = cutMessageID(s)
			break
		}
		value := s
		if i := strings.IndexByte(s, ' '); i >= 0 {
			value, s = s[:i], s[i:]
		}
		switch key {
		case "src":
			a.SourceIP = value
		case "mx":
			setServer(a, value)
		}
		if strings.HasPrefix(s, " (") { // the line of old versions
			rest = s
			break
		}
		if rest = s; !strings.HasPrefix(rest, " ") {
			return bad("record without a response")
		}
	}
	if a.Diagnostic, ok = strings.CutPrefix(rest, " ("); !ok {
		return bad("record without a response")
	}
	a.Diagnostic, ok = strings.CutSuffix(a.Diagnostic, ")")
	a.Truncated = !ok
	if a.Reply, ok = parsers.ParseReply(a.Diagnostic); ok {
		a.Origin = parsers.OriginRemote
	} else {
		a.Origin = parsers.OriginLocal // the words of Node.js, or ZoneMTA's own
	}
	if fields.Inside(&p.options, a.RelayHost, a.RelayIP) {
		a.Kind = parsers.Internal
	}
	if status == parsers.StatusBounced && a.Reply.Code.Class() == parsers.Transient {
		// The word is the same for what no server refused for good, once it was tried often enough.
		a.Status, a.MTAStatus = parsers.StatusExpired, word
	}
	return append(dst, ev), nil
}

// cutStamp cuts the stamp that a supervisor put before a line, and takes the colours away that npmlog has on a terminal.
func cutStamp(s string, loc *time.Location) (parsers.Stamp, string) {
	s = fields.Uncoloured(s)
	if t, rest, ok := fields.Stamp(s, loc); ok {
		return t, strings.TrimLeft(rest, " ")
	}
	return 0, s
}

// sender begins the names of those that deliver.
const sender = "Sender/"

// cutName cuts `info Sender/default/77 ` off, the level and the name of whoever wrote the line. Other loggers than npmlog
// leave out the level, or both.
func cutName(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, "id=") && isDelivery(s) {
		return sender, s, true
	}
	if !strings.HasPrefix(s, sender) {
		var level string
		level, s, ok = strings.Cut(s, " ")
		switch level {
		case "silly", "verbose", "sill", "verb", "http", "info", "notice", "warn", "WARN", "error", "ERR!":
		default:
			return "", "", false
		}
		if !ok {
			return "", "", false
		}
	}
	name, rest, _ = strings.Cut(s, " ")
	return name, rest, true
}

// isDelivery reports whether `id=SESSION QUEUEID WORD from=` is what s begins with.
func isDelivery(s string) bool {
	_, s, _ = strings.Cut(s, " ")
	_, s, _ = strings.Cut(s, " ")
	word, s, _ := strings.Cut(s, " ")
	return (word == "ACCEPTED" || strings.HasSuffix(word, "]")) && strings.HasPrefix(s, "from=")
}

// cutAddress cuts the address that s begins with: a local part, which may be in quotes, and a domain, which a blank or a
// bracket ends, unless it is an address literal (RFC 5321 4.1.2).
func cutAddress(s string) (addr, rest string) {
	i, ok := fields.QuotedString(s)
	if !ok {
		return s, ""
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case ' ', ']':
			return s[:i], s[i:]
		case '[':
			end := strings.IndexByte(s[i:], ']')
			if end < 0 || i == 0 || s[i-1] != '@' {
				return s[:i], s[i:]
			}
			i += end
		}
	}
	return s, ""
}

// cutMessageID cuts the value of message-id= off. It is the header as the sender wrote it, or `undefined`.
func cutMessageID(s string) (id, rest string) {
	end := " ("
	if strings.HasPrefix(s, "<") {
		end = "> ("
	}
	i := strings.Index(s, end)
	if i < 0 {
		return "", s
	}
	i += len(end) - len(" (")
	if id = s[:i]; id == "undefined" {
		id = ""
	}
	return id, s[i:]
}

// setServer reads mx=: `mx1.example.com[192.0.2.10]`, or the domain where no connection was made.
func setServer(a *parsers.Attempt, mx string) {
	host, ip, ok := strings.Cut(mx, "[")
	if ok {
		a.RelayIP = strings.TrimSuffix(ip, "]")
	}
	if host != "undefined" && host != "false" { // a server without a name, as JavaScript writes it
		a.RelayHost = host
	}
}
