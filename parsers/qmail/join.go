package qmail

import (
	"hash/maphash"
	"strings"

	"bouncelog/parsers"
)

// A joiner makes of `starting delivery D` and `delivery D` one attempt. Where only the latter is in the log the attempt has
// neither recipient nor queue id, but what was reported of it.
//
// Note: the sender and the end of a message are ordinary events, by which attempts find them. Only its age is kept here.
type joiner struct {
	seed     maphash.Seed
	starts   int64                 // so far
	stops    memory[int64]         // by queue: starts when it stopped last; deliveries started before are over
	underway memory[delivery]      // by number
	messages memory[parsers.Stamp] // by queue id: when they came
}

// A delivery is one that was started.
type delivery struct {
	start         int64
	at            parsers.Stamp
	id, recipient string
	kind          parsers.AttemptKind
}

// How much is remembered at least. qmail-send has no more than concurrencyremote deliveries under way, a thousand at most
// as a rule, and as many messages as its queue holds.
const (
	minStops    = 1 << 12
	minUnderway = 1 << 14
	minMessages = 1 << 18
)

func newJoiner(parsers.Options) parsers.Joiner {
	j := &joiner{seed: maphash.MakeSeed()}
	j.stops.size, j.underway.size, j.messages.size = minStops, minUnderway, minMessages
	return j
}

// A key identifies a delivery, a message, or with an empty id a queue.
type key struct{ host, tag, queue, id string }

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, line *parsers.Line, ev *parsers.Event) []parsers.Event {
	at := ev.Time
	if at == 0 {
		at = line.Time
	}
	hash := func(queue, id string) uint64 {
		return maphash.Comparable(j.seed, key{host, line.Tag, queue, id})
	}
	switch ev.Part {
	case queued:
		j.messages.put(hash("", ev.QueueID), at)
	case gone:
		j.messages.drop(hash("", ev.QueueID))
	case stopped:
		j.stops.put(hash(ev.Instance, ""), j.starts)
	case started:
		if ev.Text[:digits(ev.Text)] == "1" {
			j.stops.put(hash(queueOf(ev), ""), j.starts) // it counts anew
		}
		j.starts++
		j.underway.put(hash(ev.Instance, ev.Text), delivery{j.starts, at,
			keep(ev.QueueID), keep(ev.Attempt.Recipient), ev.Attempt.Kind})
	case finished:
		dst = append(dst, *ev)
		out := &dst[len(dst)-1]
		out.Kind, out.Part, out.Text, out.Instance = parsers.Attempted, 0, "", line.Tag
		number := hash(ev.Instance, ev.Text)
		d, ok := j.underway.get(number)
		if stop, _ := j.stops.get(hash(queueOf(ev), "")); !ok || d.start <= stop {
			break
		}
		j.underway.drop(number)
		a := &out.Attempt
		out.QueueID, a.Recipient = d.id, d.recipient
		if a.Kind == parsers.Remote {
			a.Kind = d.kind
		}
		a.XDelay = span(d.at, at)
		came, _ := j.messages.get(hash("", d.id))
		a.Delay = span(came, at)
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

// queueOf returns the name of a delivery's queue, be it behind the line or behind the number.
func queueOf(ev *parsers.Event) string {
	if ev.Instance != "" {
		return ev.Instance
	}
	return strings.TrimLeft(ev.Text[digits(ev.Text):], "-._/")
}

// span returns the time from one stamp to another, where both are known and in this order.
func span(from, to parsers.Stamp) parsers.Duration {
	if from == 0 || to < from {
		return parsers.Duration{}
	}
	return parsers.Milliseconds(to.Sub(from).Milliseconds())
}

// A memory holds the values that were put into it last, size of them at least and twice as many at most. What it forgets
// depends on the order of the log alone.
type memory[V any] struct {
	size       int
	young, old map[uint64]V
}

func (m *memory[V]) put(key uint64, v V) {
	if len(m.young) >= m.size {
		m.old, m.young = m.young, nil
	}
	if m.young == nil {
		m.young = make(map[uint64]V)
	}
	m.young[key] = v
}

func (m *memory[V]) get(key uint64) (v V, ok bool) {
	if v, ok = m.young[key]; !ok {
		v, ok = m.old[key]
	}
	return v, ok
}

func (m *memory[V]) drop(key uint64) {
	delete(m.young, key)
	delete(m.old, key)
}
