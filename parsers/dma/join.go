package dma

import (
	"strings"

	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// A joiner gives each outcome the recipient and the server of the lines before it. An outcome whose lines are not in the
// log has what its own says.
type joiner struct{ mails *recent.Map[*mail] }

// minMails is how many are remembered at least.
const minMails = 1 << 14

// A key identifies a recipient, or a message by its own id: host, tag and id.
type key = recent.Key

// A mail is what the log said of one recipient, or of the message by its own id.
type mail struct {
	sender    string // of the message
	recipient string
	last      parsers.Status // of the last attempt

	// Of the attempt under way.
	host, ip  string
	port      uint16
	kind      parsers.AttemptKind
	smarthost bool
}

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{recent.NewMap[*mail](minMails)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	k := key{host, ev.Instance, ev.QueueID}
	m := recent.At(j.mails, k)
	a := &ev.Attempt
	out := parsers.Event{Instance: ev.Instance, QueueID: ev.QueueID}
	switch ev.Part {
	case received:
		m.sender = recent.Keep(ev.Sender)
	case enqueued:
		recent.At(j.mails, key{host, ev.Instance, ev.NextID}).recipient = recent.Keep(a.Recipient)
		out.Kind, out.QueueID, out.Sender = parsers.Accepted, ev.NextID, m.sender
		dst = append(dst, out)
	case begun:
		*m = mail{sender: m.sender, recipient: recent.Keep(a.Recipient), last: m.last}
	case relayed:
		m.port, m.smarthost = a.RelayPort, true
	case connecting:
		m.host, m.ip, m.kind = recent.Keep(a.RelayHost), recent.Keep(a.RelayIP), a.Kind
	case failed:
		m.last = a.Status
		out.Kind, out.Attempt = parsers.Attempted, *a
		out.Attempt.Recipient = m.recipient
		m.addServer(&out.Attempt)
		dst = append(dst, out)
	case delivered:
		out.Kind, out.Attempt = parsers.Attempted, *a
		m.addServer(&out.Attempt)
		switch a := &out.Attempt; {
		case a.RelayIP != "":
			a.Origin, a.Reply.Code = parsers.OriginImplied, 250 // dma: net.c, READ_REMOTE_CHECK("final DATA", 2)
		case strings.IndexByte(a.Recipient, '@') < 0:
			a.Kind = parsers.Local // dma: dma.c, add_recp
		}
		dst = append(dst, out)
		dst = j.remove(dst, out, k)
	case returned:
		if m.last != parsers.StatusBounced {
			out.Kind, out.Attempt = parsers.Expired, *a
			a := &out.Attempt
			a.Kind, a.NotAttempted, a.Origin = parsers.Final, true, parsers.OriginLocal
			if m.last == parsers.StatusDeferred {
				a.Recipient = m.recipient
			} // else whoever was deferred before the log began
			dst = append(dst, out)
		}
		if ev.NextID != "" {
			next := out
			next.Kind, next.NextID, next.Attempt = parsers.Requeued, ev.NextID, parsers.Attempt{}
			dst = append(dst, next)
		}
		dst = j.remove(dst, out, k)
	}
	return dst
}

// addServer fills in the server where the line did not name it.
func (m *mail) addServer(a *parsers.Attempt) {
	if a.Kind == parsers.Local {
		return
	}
	if a.RelayIP == "" && m.ip != "" {
		a.RelayHost, a.RelayIP, a.Kind = m.host, m.ip, m.kind
	}
	if a.RelayIP != "" && m.smarthost {
		a.RelayPort = m.port
		if a.Kind == parsers.Remote {
			a.Kind = parsers.Smarthost
		}
	}
}

// remove tells that a queue id is free, and forgets it.
func (j *joiner) remove(dst []parsers.Event, like parsers.Event, k key) []parsers.Event {
	j.mails.Drop(k)
	return append(dst, parsers.Event{Kind: parsers.Removed, Instance: like.Instance, QueueID: like.QueueID})
}

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	j.mails.Append((*wire.Appender)(&dst), func(a *wire.Appender, m *mail) {
		a.String(m.sender)
		a.String(m.recipient)
		a.Byte(byte(m.last))
		a.String(m.host)
		a.String(m.ip)
		a.Uint(uint64(m.port))
		a.Byte(byte(m.kind))
		a.Bool(m.smarthost)
	})
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.mails.Read(&r, func(r *wire.Reader) *mail {
		return &mail{sender: r.String(), recipient: r.String(), last: parsers.Status(r.UpTo(byte(parsers.StatusRejected))), host: r.String(), ip: r.String(), port: uint16(r.Uint()),
			kind: parsers.AttemptKind(r.UpTo(byte(parsers.Probe))), smarthost: r.Bool()}
	})
	return r.End()
}
