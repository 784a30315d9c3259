package dma

import (
	"hash/maphash"
	"strings"

	"bouncelog/parsers"
)

// A joiner gives each outcome the recipient and the server of the lines before it. An outcome whose lines are not in the
// log has what its own says.
type joiner struct {
	seed       maphash.Seed
	young, old map[uint64]*mail // those heard of last, and before them
}

// maxMails is how many are in each of the joiner's two halves. It forgets the half it heard of longest ago.
const maxMails = 1 << 14

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
	return &joiner{seed: maphash.MakeSeed(), young: make(map[uint64]*mail)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := func(id string) uint64 {
		return maphash.Comparable(j.seed, struct{ host, tag, id string }{host, ev.Instance, id})
	}
	m := j.mail(key(ev.QueueID))
	a := &ev.Attempt
	out := parsers.Event{Instance: ev.Instance, QueueID: ev.QueueID}
	switch ev.Part {
	case received:
		m.sender = keep(ev.Sender)
	case enqueued:
		j.mail(key(ev.NextID)).recipient = keep(a.Recipient)
		out.Kind, out.QueueID, out.Sender = parsers.Accepted, ev.NextID, m.sender
		dst = append(dst, out)
	case begun:
		*m = mail{sender: m.sender, recipient: keep(a.Recipient), last: m.last}
	case relayed:
		m.port, m.smarthost = a.RelayPort, true
	case connecting:
		m.host, m.ip, m.kind = keep(a.RelayHost), keep(a.RelayIP), a.Kind
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
		dst = j.remove(dst, out, key(ev.QueueID))
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
		dst = j.remove(dst, out, key(ev.QueueID))
	}
	return dst
}

// keep returns a copy of what is to be remembered, and nothing of what is too long to be an address or a name (RFC 5321
// 4.5.3.1): the log decides how many there are.
func keep(s string) string {
	if len(s) > 1<<10 {
		return ""
	}
	return strings.Clone(s)
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
func (j *joiner) remove(dst []parsers.Event, like parsers.Event, key uint64) []parsers.Event {
	delete(j.young, key)
	delete(j.old, key)
	return append(dst, parsers.Event{Kind: parsers.Removed, Instance: like.Instance, QueueID: like.QueueID})
}

// mail returns what is known of a queue id, and makes room for more.
func (j *joiner) mail(key uint64) *mail {
	m := j.young[key]
	if m != nil {
		return m
	}
	if m = j.old[key]; m == nil {
		m = new(mail)
	}
	delete(j.old, key)
	if len(j.young) >= maxMails {
		j.old, j.young = j.young, make(map[uint64]*mail)
	}
	j.young[key] = m
	return m
}
