// Package maddy reads what maddy logs about the mail in its queues, from stdout, a file or syslog.
//
// A line is a name, a message and a JSON object (RFC 8259) whose keys are sorted (maddy: framework/log):
//
//	[2006-01-02T15:04:05.000Z ][[debug] ]LOGGER: MESSAGE<TAB>{"key":value}
//
// The stamp is there in files only. What strangers write is inside the object, which is properly escaped. The queue's
// messages (maddy: internal/target/queue/queue.go) are
//
//   - `delivered`: one recipient; the answer is not logged;
//   - `delivery attempt failed`: one recipient, with the reply where there was one. 4xx and what has no code is tried again;
//   - `not delivered, permanent error`: the end, right after that line. It says nothing where the failure was a 5xx; after
//     a 4xx it is that the attempts ran out, so the two are put together by a [parsers.Joiner];
//   - `will retry`, which repeats the recipients.
//
// Since 0.9 the queue writes them without LOGGER. maddy rewrites a server's 552 to 452 before it logs it (RFC 5321
// 4.5.3.1.10), so the log's code may be another than was said. rsyslog writes the TAB as `#011`.
//
// All of this is read out of the source; no log of a running server was at hand.
package maddy

import (
	"net/netip"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// Format returns the description of maddy's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "maddy",
		Short:    "maddy, from stdout, a file or syslog",
		Evidence: parsers.Specified,
		Tags:     []string{tag},
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Join: newJoiner,
	}
}

const tag = "maddy"

// sniff counts the lines about messages: their objects have an id.
func sniff(s parsers.Sample) parsers.Score {
	return s.Ratio(func(l *parsers.Line) bool {
		_, text := cutStamp(l.Text, nil)
		_, object, ok := cutObject(text)
		return ok && !fields.Value{Raw: object}.Get("msg_id").IsZero()
	})
}

// A parser reads maddy's lines. It does not change once it is opened.
type parser struct {
	options parsers.Options
}

// The fields of the objects that matter, and where AppendEvents keeps them.
const (
	messageID = iota
	recipient
	sender
	attempt
	code
	enhanced
	text
	reason
	server
	address
	operation
	numFields
)

var fieldNames = [numFields]string{
	"msg_id", "rcpt", "sender", "attempt", "smtp_code", "smtp_enchcode", "smtp_msg", "reason", "remote_server", "remote_addr", "io_op",
}

// The events that are for the joiner.
const (
	failed  = iota + 1 // an attempt failed; Attempt has the recipient and the status
	givenUp            // there will be no other
)

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	at, rest := cutStamp(line.Text, p.options.Location)
	message, object, ok := cutObject(rest)
	if !ok {
		if line.Tag == tag {
			return dst, nil
		}
		return dst, parsers.ErrForeign
	}
	switch message {
	case "delivered", "delivery attempt failed", "not delivered, permanent error", "incoming message":
	default:
		return dst, nil
	}
	var v [numFields]fields.Value
	if !fields.Object(object, fieldNames[:], v[:]) {
		return dst, line.Malformed(object, "object without an end")
	}
	ev := parsers.Event{Time: at, QueueID: v[messageID].Text()}
	a := &ev.Attempt
	a.Recipient = v[recipient].Text()
	switch {
	case message == "incoming message":
		ev.Kind = parsers.Accepted
		ev.Sender = v[sender].Text()
		if ev.Sender == "" && v[sender].IsString() {
			ev.Sender = parsers.NullSender
		}
		return append(dst, ev), nil
	case a.Recipient == "":
		return dst, nil // words of another part of maddy
	case message == "delivered":
		ev.Kind = parsers.Attempted
		a.Status, a.Origin = parsers.StatusSent, parsers.OriginImplied
		if n, ok := v[attempt].Int(); ok && n > 0 && n < 1<<31 {
			a.Ordinal = int(n)
		}
		return append(dst, ev), nil
	case message == "delivery attempt failed":
		part := parsers.Event{Kind: parsers.Part, Part: failed, Time: at, QueueID: ev.QueueID}
		ev.Kind = parsers.Attempted
		setFailure(a, &v)
		if fields.Inside(&p.options, a.RelayHost, a.RelayIP) {
			a.Kind = parsers.Internal
		}
		part.Attempt.Recipient, part.Attempt.Status = a.Recipient, a.Status
		return append(dst, ev, part), nil
	}
	ev.Kind, ev.Part = parsers.Part, givenUp
	return append(dst, ev), nil
}

// setFailure fills in why an attempt failed.
//
// A code alone does not tell who gave it: for what the network or the DNS refused, maddy makes up one of its own. Only an
// error that names the server, and no step of input and output, is a server's answer (maddy: internal/smtpconn).
func setFailure(a *parsers.Attempt, v *[numFields]fields.Value) {
	a.Status, a.Origin = parsers.StatusDeferred, parsers.OriginLocal
	a.RelayHost = strings.TrimSuffix(v[server].Text(), ".")
	if to, err := netip.ParseAddrPort(v[address].Text()); err == nil {
		a.RelayIP, a.RelayPort = to.Addr().String(), to.Port()
	}
	a.Diagnostic = v[text].Text()
	if a.Diagnostic == "" {
		a.Diagnostic = v[reason].Text()
	}
	reply, ok := parsers.ParseReply(v[code].Text())
	if !ok {
		return // temporary, as far as maddy knows
	}
	if reply.Code.Class() == parsers.Permanent {
		a.Status = parsers.StatusBounced
	}
	a.Reply.Code = reply.Code
	a.Reply.Enhanced, _ = parsers.ParseEnhanced(v[enhanced].Text())
	a.Reply.Text = a.Diagnostic
	if a.RelayHost != "" && v[operation].IsZero() {
		a.Origin = parsers.OriginRemote
		if said, ok := strings.CutPrefix(a.Diagnostic, v[server].Text()); ok {
			a.Reply.Text = strings.TrimPrefix(said, " said: ")
		}
	}
}

// cutStamp cuts the stamp off a line of a file, and the mark of one that was written for debugging.
func cutStamp(s string, loc *time.Location) (parsers.Stamp, string) {
	at, rest, ok := fields.Stamp(s, loc)
	if ok {
		s = strings.TrimPrefix(rest, " ")
	}
	return at, strings.TrimPrefix(s, "[debug] ")
}

// cutObject cuts a line into the message, without the logger's name, and the object, which may be empty: maddy writes the
// TAB before it even then. A name has no blanks, so a message that quotes a stranger is not cut at the stranger's words.
func cutObject(s string) (message, object string, ok bool) {
	message, object, ok = strings.Cut(s, "\t")
	if !ok {
		message, object, ok = strings.Cut(s, "#011")
	}
	if !ok || object != "" && object[0] != '{' {
		return "", "", false
	}
	if name, rest, named := strings.Cut(message, ": "); named && strings.IndexByte(name, ' ') < 0 {
		message = rest
	}
	return message, object, true
}

// minFailures is how many recipients a joiner remembers at least. The two lines it puts together follow each other but for
// what other deliveries under way write between them.
const minFailures = 1 << 10

// A joiner tells the recipients that were given up because the attempts ran out.
type joiner struct {
	status *recent.Map[parsers.Status] // of the latest attempt
}

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{recent.NewMap[parsers.Status](minFailures)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := recent.Key{host, ev.QueueID, ev.Attempt.Recipient} // of whom an attempt failed
	if ev.Part == failed {
		j.status.Put(key, ev.Attempt.Status)
		return dst
	}
	if status, _ := j.status.Get(key); status != parsers.StatusDeferred {
		return dst
	}
	j.status.Put(key, parsers.StatusExpired)
	expired := parsers.Event{Kind: parsers.Expired, Time: ev.Time, QueueID: ev.QueueID}
	a := &expired.Attempt
	a.Recipient, a.Status, a.Kind, a.NotAttempted, a.Origin = ev.Attempt.Recipient, parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal
	return append(dst, expired)
}

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	j.status.Append((*wire.Appender)(&dst), func(a *wire.Appender, s parsers.Status) { a.Byte(byte(s)) })
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.status.Read(&r, func(r *wire.Reader) parsers.Status { return parsers.Status(r.UpTo(byte(parsers.StatusRejected))) })
	return r.End()
}
