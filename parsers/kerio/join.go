package kerio

import (
	"strings"

	"bouncelog/parsers"
)

// The parts that the joiner puts together.
const (
	arrived   uint8 = iota + 1 // a message, at the event's time
	attempted                  // an attempt that may be told how long after
)

// maxMessages is how many messages' arrivals are remembered, maxID how long a queue id may be.
const (
	maxMessages = 1 << 16
	maxID       = 64
)

// A joiner tells each attempt how long ago its message arrived, which Kerio's log says nowhere. What arrived first is
// forgotten first.
type joiner struct {
	arrivals map[key]parsers.Stamp
	order    []key // a ring, the next to be forgotten at next
	next     int
}

type key struct{ host, id string }

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{arrivals: make(map[key]parsers.Stamp)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, line *parsers.Line, ev *parsers.Event) []parsers.Event {
	at := ev.Time
	if at == 0 {
		at = line.Time
	}
	k := key{host, ev.QueueID}
	if ev.Part == arrived {
		if at != 0 && len(ev.QueueID) <= maxID {
			j.remember(k, at)
		}
		return dst
	}
	dst = append(dst, *ev)
	told := &dst[len(dst)-1]
	told.Kind, told.Part = parsers.Attempted, 0
	a := &told.Attempt
	if a.Status == parsers.StatusExpired {
		told.Kind = parsers.Expired
	}
	if since, ok := j.arrivals[k]; ok && at >= since {
		a.Delay = parsers.Milliseconds(at.Sub(since).Milliseconds())
	}
	return dst
}

func (j *joiner) remember(k key, at parsers.Stamp) {
	if _, ok := j.arrivals[k]; ok {
		j.arrivals[k] = at
		return
	}
	k = key{strings.Clone(k.host), strings.Clone(k.id)}
	if len(j.order) < maxMessages {
		j.order = append(j.order, k)
	} else {
		delete(j.arrivals, j.order[j.next])
		j.order[j.next] = k
		j.next = (j.next + 1) % maxMessages
	}
	j.arrivals[k] = at
}
