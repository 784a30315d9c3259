package sendmail

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// AppendEvents implements [parsers.Parser].
//
// A line without a tag of sendmail's is its own only where it has the shape of one that tells something.
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	n := len(dst)
	var err error
	if id, rest := cutQueueID(line.Text); id != "" {
		dst, err = p.appendLine(dst, line, id, rest)
	} else if msg, ok := cutFortiMail(line.Text); ok {
		if dst, err = p.appendFortiMail(dst, line, &msg); err == nil {
			return dst, nil
		}
	} else {
		dst = appendRejection(dst, line, "", strings.TrimPrefix(rest, "NOQUEUE: "))
	}
	if len(dst) == n && !isTag(line.Tag) {
		return dst, parsers.ErrForeign
	}
	return dst, err
}

// appendLine reads what stands behind a queue id, s being a suffix of line.Text.
func (p *parser) appendLine(dst []parsers.Event, line *parsers.Line, id, s string) ([]parsers.Event, error) {
	switch {
	case strings.HasPrefix(s, "to="):
		return p.appendDelivery(dst, line, id, s[len("to="):])
	case strings.HasPrefix(s, "from="):
		return appendAccepted(dst, line, id, s[len("from="):]), nil
	case strings.HasPrefix(s, "done; delay="): // with a log level of 10, and a queue run; sendmail: envelope.c, dropenvelope
		return appendEvent(dst, line, parsers.Removed, id), nil
	}
	if next, rest := cutQueueID(s); next != "" {
		return appendNotice(dst, line, id, next, rest), nil
	}
	return appendRejection(dst, line, id, s), nil
}

// cutQueueID cuts a queue id and the `: ` behind it from the front of s. Without an id there it returns s as it is.
//
// An id is the time of arrival, a counter and the pid: 14 digits in base 60, 15 where pids have seven digits; 12 before
// 8.12, 8 before 8.10 (sendmail: queue.c, assign_queueid). Words that stand in the same place have no digit.
func cutQueueID(s string) (id, rest string) {
	i, digits := 0, false
	for i < len(s) && isAlnum(s[i]) {
		digits = digits || s[i] <= '9'
		i++
	}
	if i < 8 || i > 20 || !digits || !strings.HasPrefix(s[i:], ": ") {
		return "", s
	}
	return s[:i], s[i+2:]
}

func isAlnum(c byte) bool { return c-'0' <= 9 || 'a' <= c|0x20 && c|0x20 <= 'z' }

// appendEvent appends an event of the line with what every event has. The daemon and the client that submits to it share
// no queue ids, but a message of the client's queue may be sent on by another program than the one that took it in.
func appendEvent(dst []parsers.Event, line *parsers.Line, kind parsers.Kind, id string) []parsers.Event {
	dst = parsers.AppendZero(dst)
	ev := last(dst)
	ev.Kind, ev.Process, ev.QueueID = kind, line.Tag, id
	return dst
}

func last(evs []parsers.Event) *parsers.Event { return &evs[len(evs)-1] }

// appendAccepted reads the line about a message that came in, written once (sendmail: envelope.c, logsender), s being what
// follows `from=`:
//
//	SENDER, size=N, class=N[, pri=N], nrcpts=N[, msgid=ID][, bodytype=T][, proto=P][, daemon=D][, relay=HOST]
//
// Where no recipient was left the client gave up, and nothing came of it.
func appendAccepted(dst []parsers.Event, line *parsers.Line, id, s string) []parsers.Event {
	sender, s := cutAddress(s, startsSize)
	key, size, s := cutField(s)
	if key != "size" || !strings.HasPrefix(s, ", class=") {
		return dst
	}
	var messageID string
	for key != "" {
		var value, rest string
		switch key, value, rest = cutField(s); key {
		case "nrcpts":
			if value == "0" {
				return dst
			}
		case "msgid": // the sender wrote it: what follows is the daemon's, and of no use
			messageID, _ = cutAddress(s[len(", msgid="):], startsField)
			key = ""
		}
		s = rest
	}
	dst = appendEvent(dst, line, parsers.Accepted, id)
	ev := last(dst)
	ev.Sender, ev.Size, ev.MessageID = parsers.Sender(unbracket(sender)), fields.Number(size), messageID
	return dst
}

// appendNotice reads what is said of a message that was made of this one (sendmail: savemail.c, returntosender;
// deliver.c, sendall):
//
//	QID: QID2: DSN: User unknown
//	QID: QID2: return to sender: User unknown                                    of a bounce that bounces
//	QID: QID2: postmaster notify: Cannot send message for 5 days                 and the others
//	QID: QID2: sender notify: Warning: could not send message for past 4 hours
//	QID: QID2: clone: owner=OWNER                                                recipients under another sender
//
// All but the last are mail from the null reverse-path, for which there is no line with from=. The reason names no recipient;
// but for the end of the queue lifetime there is a record of each.
func appendNotice(dst []parsers.Event, line *parsers.Line, id, next, s string) []parsers.Event {
	sender := parsers.NullSender
	notice, reason, _ := strings.Cut(s, ": ")
	switch notice {
	case "DSN", "return to sender", "postmaster notify", "sender notify":
	case "clone":
		owner, ok := strings.CutPrefix(reason, "owner=")
		if !ok {
			return dst
		}
		sender = parsers.Sender(unbracket(owner))
	default:
		return dst
	}
	// sendmail: envelope.c, dropenvelope; the second is for RFC 2852.
	if strings.HasPrefix(reason, "Cannot send message for ") || strings.HasPrefix(reason, "delivery time expired ") {
		dst = appendEvent(dst, line, parsers.Expired, id)
		a := &last(dst).Attempt
		a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal
		a.Diagnostic = reason
	}
	dst = appendEvent(dst, line, parsers.Requeued, id)
	last(dst).NextID = next
	dst = appendEvent(dst, line, parsers.Accepted, next)
	last(dst).Sender = sender
	return dst
}

// cutField cuts `, key=value` from the front of s. The value ends before the next comma and blank, so this is not for those
// that a stranger can write. The key is empty where there is none.
func cutField(s string) (key, value, rest string) {
	i := len(", ")
	for i < len(s) && ('a' <= s[i] && s[i] <= 'z' || s[i] == '_') {
		i++
	}
	if i == len(", ") || i >= len(s) || s[i] != '=' {
		return "", "", s
	}
	key, value = s[len(", "):i], s[i+1:]
	if end := strings.Index(value, ", "); end >= 0 {
		value, rest = value[:end], value[end:]
	}
	return key, value, rest
}

func startsSize(s string) bool { return strings.HasPrefix(s, ", size=") }

// startsField reports whether s may follow an address: a field, or nothing.
func startsField(s string) bool { return s == "" || strings.HasPrefix(s, ", ") }

// cutAddress cuts an address from the front of s, its brackets in it. It ends where follows agrees to what comes after, in
// quotes and in brackets excepted: there, anything may stand. Where the log cut a bracket or a quote off, the first place
// to which follows agrees must do. rest is empty where there is none.
func cutAddress(s string, follows func(string) bool) (addr, rest string) {
	quoted, bracket := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			bracket = true
		case c == '>':
			bracket = false
		case c == ',' && !bracket && follows(s[i:]):
			return s[:i], s[i:]
		}
	}
	if quoted || bracket {
		for i := range len(s) {
			if s[i] == ',' && follows(s[i:]) {
				return s[:i], s[i:]
			}
		}
	}
	return s, ""
}

// unbracket takes the angle brackets off an address that has them.
func unbracket(s string) string {
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}
