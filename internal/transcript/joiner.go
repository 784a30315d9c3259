package transcript

import (
	"container/list"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// What a joiner keeps is bounded whatever the log says.
const (
	maxHeld    = 16 << 20 // bytes in all sessions, about; beyond, the one heard of longest ago is forgotten
	maxWaiting = 8 << 10  // commands of one session; beyond, it is no dialogue
	maxText    = 4 << 10  // bytes of one string; RFC 5321 4.5.3.1 knows none that is longer
	maxReply   = 8 << 10  // bytes of the lines of a reply before its last
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
		if dst = s.sent(dst, ev); len(s.waiting) > maxWaiting {
			s.restart()
		}
	case Received:
		text := ev.Text
		for more := true; more && !ended; {
			var line string
			line, text, more = strings.Cut(text, j.lineEnd)
			dst, ended = s.received(dst, ev, strings.TrimSuffix(line, "\r"))
		}
	case Answered:
		r, _ := parsers.ParseReply(ev.Text)
		dst, ended = s.answer(dst, ev, r)
	case Closed:
		dst, ended = s.closed(dst, ev), true
	}
	j.held += s.cost() - before
	if ended {
		j.forget(s)
	}
	for j.held > j.limit {
		j.forget(j.order.Front().Value.(*session))
	}
	for i := known; i < len(dst); i++ {
		if a := &dst[i].Attempt; a.Kind == parsers.Remote && fields.Inside(&j.options, a.RelayHost, a.RelayIP) {
			a.Kind = parsers.Internal
		}
	}
	return dst
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
