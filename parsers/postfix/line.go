package postfix

import (
	"strings"

	"bouncelog/parsers"
)

// A shape is a set of kinds of line.
type shape uint16

const (
	delivery shape = 1 << iota // the delivery record
	try                        // one of several servers was tried
	queued                     // `from=<…>, size=…` and the end of the queue lifetime
	named                      // `message-id=…`
	accepted                   // `client=…`, `uid=…`
	removed                    // `removed`, `requeued`
	notified                   // a bounce message was made
	rejected                   // refused at the door

	anyShape = 1<<iota - 1
)

// shapes returns what kinds of line the program writes; the others cost no more than this question. Lines of smtpd and
// postscreen are told apart by it from delivery, whatever they quote.
func shapes(program string) shape {
	switch program {
	case "smtp", "lmtp":
		return delivery | try
	case "local", "virtual", "pipe", "error", "discard":
		return delivery
	case "qmgr", "nqmgr", "oqmgr":
		return delivery | queued | removed
	case "cleanup":
		return delivery | named | removed | rejected
	case "smtpd":
		return accepted | rejected
	case "postscreen":
		return rejected
	case "pickup":
		return accepted
	case "bounce":
		return notified
	case "postsuper":
		return removed
	}
	return 0
}

// AppendEvents implements [parsers.Parser].
//
// A line without a tag (`journalctl -o cat`), or whose tag lost the program, is taken for what its shape says: rsyslog's
// RSYSLOG_SyslogProtocol23Format writes `postfix` alone.
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	var program string
	can := shape(anyShape)
	if i := strings.LastIndexByte(line.Tag, '/'); i >= 0 {
		program = line.Tag[i+1:]
		if can = shapes(program); can == 0 {
			if !strings.Contains(" "+programs+" ", " "+program+" ") {
				return dst, parsers.ErrForeign
			}
			return dst, nil
		}
	}
	n := len(dst)
	id, rest := cutQueueID(line.Text)
	var err error
	switch {
	case id == "":
		switch {
		case can&try != 0 && strings.HasPrefix(rest, "connect to "):
			dst = appendTry(dst, line, program, "", rest)
		case can&rejected != 0:
			dst = appendRejection(dst, line, program, "", strings.TrimPrefix(rest, "NOQUEUE: "))
		}
		if len(dst) == n {
			err = foreign(line)
		}
		return dst, err
	case can&delivery != 0 && strings.HasPrefix(rest, "to="):
		dst, err = p.appendDelivery(dst, line, program, id, rest)
	case can&queued != 0 && strings.HasPrefix(rest, "from="):
		dst = appendQueued(dst, line, program, id, rest[len("from="):])
	case can&named != 0 && strings.HasPrefix(rest, "message-id="):
		dst = appendEvent(dst, line, program, parsers.Named, id)
		last(dst).MessageID = rest[len("message-id="):]
	case can&accepted != 0 && strings.HasPrefix(rest, "client="):
		dst = appendEvent(dst, line, program, parsers.Accepted, id)
	case can&accepted != 0 && strings.HasPrefix(rest, "uid="):
		dst = appendPickup(dst, line, program, id, rest)
	case can&removed != 0 && (strings.HasPrefix(rest, "removed") || rest == "requeued"):
		dst = appendRemoved(dst, line, program, id, rest)
	case can&notified != 0 && strings.Contains(rest, " notification: "):
		dst = appendNotification(dst, line, program, id, rest)
	case p.campaign != "" && can&named != 0 && p.isHeader(rest):
		dst = p.appendHeader(dst, line, program, id, rest)
	case can&rejected != 0 && isRejection(rest):
		dst = appendRejection(dst, line, program, id, rest)
	case can&try != 0:
		dst = appendTry(dst, line, program, id, rest)
	}
	if line.YearGuessed && len(dst) > n {
		if t := p.provenTime(line.Time, id); t != 0 {
			for i := range dst[n:] {
				dst[n+i].Time = t
			}
		}
	}
	if err == nil && len(dst) == n {
		err = foreign(line)
	}
	return dst, err
}

// foreign returns what a line that tells nothing is: without a tag of Postfix's, nothing but what it says would make it
// Postfix's.
func foreign(line *parsers.Line) error {
	if line.Tag != "postfix" && strings.IndexByte(line.Tag, '/') < 0 {
		return parsers.ErrForeign
	}
	return nil
}

// appendEvent appends an event of the line with what every event has.
func appendEvent(dst []parsers.Event, line *parsers.Line, program string, kind parsers.Kind, id string) []parsers.Event {
	dst = parsers.AppendZero(dst)
	ev := last(dst)
	ev.Kind, ev.Process, ev.QueueID = kind, program, id
	// Several syslog_names of one Postfix share one queue: postfix/smtp, postfix/relay/smtp.
	ev.Instance = line.Tag
	if strings.HasPrefix(line.Tag, "postfix/") {
		ev.Instance = line.Tag[:len("postfix")] // the commonest, without a search
	} else if i := strings.IndexByte(line.Tag, '/'); i >= 0 {
		ev.Instance = line.Tag[:i]
	}
	return dst
}

func last(evs []parsers.Event) *parsers.Event { return &evs[len(evs)-1] }

// appendQueued reads the queue manager's lines about a message (Postfix: global/opened.c, qmgr/qmgr_active.c), s being
// what follows `from=`. The sender is hostile and what follows it is not, so they are cut from the end.
func appendQueued(dst []parsers.Event, line *parsers.Line, program, id, s string) []parsers.Event {
	if s, ok := strings.CutSuffix(s, ", returned to sender"); ok {
		i := strings.LastIndex(s, ", status=")
		if i < 0 {
			return dst
		}
		word := s[i+len(", status="):]
		if word != "expired" && word != "force-expired" {
			return dst
		}
		dst = appendEvent(dst, line, program, parsers.Expired, id)
		ev := last(dst)
		ev.Sender = sender(unbracket(s[:i]))
		a := &ev.Attempt
		a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal
		if word != "expired" {
			a.MTAStatus = word
		}
		return dst
	}
	s, active := strings.CutSuffix(s, " (queue active)")
	s, nrcpt := cutNumber(s, ", nrcpt=")
	s, size := cutNumber(s, ", size=")
	if !active || nrcpt < 0 || size < 0 {
		return dst
	}
	dst = appendEvent(dst, line, program, parsers.Queued, id)
	ev := last(dst)
	ev.Sender, ev.Size = sender(unbracket(s)), size
	return dst
}

// cutNumber cuts key and a number of at most 18 digits from the end of s. The number is -1 where they are not there.
func cutNumber(s, key string) (string, int64) {
	n, unit := int64(0), int64(1)
	i := len(s)
	for ; i > 0 && len(s)-i < 18 && isDigit(s[i-1]); i-- {
		n += int64(s[i-1]-'0') * unit
		unit *= 10
	}
	if i == len(s) || !strings.HasSuffix(s[:i], key) {
		return s, -1
	}
	return s[:i-len(key)], n
}

// appendPickup reads the line about a message from this host (Postfix: pickup/pickup.c):
// `uid=0 from=<root> orig_id=4B1C2D3E4F5`, the last where postsuper moved the message.
func appendPickup(dst []parsers.Event, line *parsers.Line, program, id, s string) []parsers.Event {
	_, s, ok := strings.Cut(s, " from=")
	if !ok {
		return dst
	}
	if i := strings.LastIndex(s, "> orig_id="); i >= 0 {
		s = s[:i+1]
	}
	dst = appendEvent(dst, line, program, parsers.Accepted, id)
	last(dst).Sender = sender(unbracket(s))
	return dst
}

// appendRemoved reads the end of a queue file: qmgr's and postsuper's `removed`, cleanup's `removed (canceled)` of a message
// that was never queued, and postsuper's `requeued`, after which pickup brings the message back under another id.
func appendRemoved(dst []parsers.Event, line *parsers.Line, program, id, s string) []parsers.Event {
	switch s {
	case "removed", "removed (canceled)", "removed (discarded)":
		return appendEvent(dst, line, program, parsers.Removed, id)
	case "requeued":
		dst = appendEvent(dst, line, program, parsers.Removed, id)
		last(dst).Moved = true
	}
	return dst
}

// appendNotification reads `sender non-delivery notification: QID` and its like (Postfix: bounce/bounce_notify_service.c).
func appendNotification(dst []parsers.Event, line *parsers.Line, program, id, s string) []parsers.Event {
	_, next, _ := strings.Cut(s, " notification: ")
	if !isQueueID(next) {
		return dst
	}
	dst = appendEvent(dst, line, program, parsers.Requeued, id)
	last(dst).NextID = next
	return dst
}

// unbracket takes the angle brackets off an address that has them.
func unbracket(s string) string {
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}

// sender returns the sender for an event: a logged empty one is the null reverse-path.
func sender(s string) string {
	if s == "" {
		return parsers.NullSender
	}
	return s
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
