package transcript

import (
	"container/list"
	"net/netip"
	"slices"
	"strings"

	"bouncelog/parsers"
)

// What a joiner keeps is bounded whatever the log says.
const (
	maxHeld  = 16 << 20 // bytes in all sessions, about; beyond, the one heard of longest ago is forgotten
	maxText  = 4 << 10  // of one string; RFC 5321 4.5.3.1 knows none that is longer
	maxReply = 8 << 10  // of the lines of a reply before its last
)

// NewJoiner returns the joiner of a format. lineEnd is what stands for the end of a line within the text of a reply.
func NewJoiner(o parsers.Options, lineEnd string) parsers.Joiner {
	return &joiner{options: o, lineEnd: lineEnd, sessions: make(map[key]*session), order: list.New(), limit: maxHeld}
}

type joiner struct {
	options parsers.Options
	lineEnd string

	sessions map[key]*session
	order    *list.List // of *session, the one heard of longest ago in front
	held     int        // bytes
	limit    int
}

type key struct{ host, session string }

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	s := j.sessions[key{host, ev.QueueID}]
	if s == nil {
		if ev.Part == Closed {
			return dst
		}
		s = j.add(key{strings.Clone(host), strings.Clone(ev.QueueID)})
	}
	j.order.MoveToBack(s.place)
	known, before := len(dst), s.cost()
	ended := false
	s.meet(ev)
	switch ev.Part {
	case Connected:
		s.restart()
		s.push(command{verb: parsers.CONNECT})
	case Announced:
		s.id, s.messageID = clone(ev.NextID), clone(ev.MessageID)
	case Sent:
		dst = s.sent(dst, ev)
	case Received:
		text := ev.Text
		for more := true; more && !ended; {
			var line string
			line, text, more = strings.Cut(text, j.lineEnd)
			dst, ended = s.received(dst, ev, strings.TrimSuffix(line, "\r"))
		}
	case Closed:
		dst = s.closed(dst, ev)
		ended = true
	}
	j.held += s.cost() - before
	if ended {
		j.forget(s)
	}
	for j.held > j.limit {
		j.forget(j.order.Front().Value.(*session))
	}
	for i := known; i < len(dst); i++ {
		if a := &dst[i].Attempt; a.Kind == parsers.Remote && j.isInside(a.RelayHost, a.RelayIP) {
			a.Kind = parsers.Internal
		}
	}
	return dst
}

// isInside reports whether the user declared the server to be inside the house.
func (j *joiner) isInside(host, ip string) bool {
	if slices.ContainsFunc(j.options.InternalHosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	if len(j.options.InternalRelays) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(ip)
	return err == nil && slices.ContainsFunc(j.options.InternalRelays, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

func (j *joiner) add(k key) *session {
	s := &session{key: k}
	s.place = j.order.PushBack(s)
	j.sessions[k] = s
	j.held += s.cost()
	return s
}

func (j *joiner) forget(s *session) {
	j.held -= s.cost()
	j.order.Remove(s.place)
	delete(j.sessions, s.key)
}

// clone returns a copy of what is kept; nothing of what is too long to be what it claims to be.
func clone(s string) string {
	if len(s) > maxText {
		return ""
	}
	return strings.Clone(s)
}
