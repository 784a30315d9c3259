package qmail

import (
	"strings"

	"bouncelog/internal/recent"
	"bouncelog/parsers"
)

// A joiner makes of `starting delivery D` and `delivery D` one attempt. Where only the latter is in the log the attempt has
// neither recipient nor queue id, but what was reported of it.
//
// Note: the sender and the end of a message are ordinary events, by which attempts find them. Only its age is kept here.
type joiner struct {
	starts   int64                           // so far
	stops    *recent.Map[key, int64]         // by queue: starts when it stopped last; deliveries started before are over
	underway *recent.Map[key, delivery]      // by number
	messages *recent.Map[key, parsers.Stamp] // by queue id: when they came
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
	return &joiner{
		stops:    recent.NewMap[key, int64](minStops),
		underway: recent.NewMap[key, delivery](minUnderway),
		messages: recent.NewMap[key, parsers.Stamp](minMessages),
	}
}

// A key identifies a delivery, a message, or with an empty id a queue.
type key struct{ host, tag, queue, id string }

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, line *parsers.Line, ev *parsers.Event) []parsers.Event {
	at := ev.Time
	if at == 0 {
		at = line.Time
	}
	of := func(queue, id string) key { return key{host, line.Tag, queue, id} }
	switch ev.Part {
	case queued:
		j.messages.Put(of("", ev.QueueID), at)
	case gone:
		j.messages.Drop(of("", ev.QueueID))
	case stopped:
		j.stops.Put(of(ev.Instance, ""), j.starts)
	case started:
		if ev.Text[:digits(ev.Text)] == "1" {
			j.stops.Put(of(queueOf(ev), ""), j.starts) // it counts anew
		}
		j.starts++
		j.underway.Put(of(ev.Instance, ev.Text), delivery{j.starts, at,
			recent.Keep(ev.QueueID), recent.Keep(ev.Attempt.Recipient), ev.Attempt.Kind})
	case finished:
		dst = append(dst, *ev)
		out := &dst[len(dst)-1]
		out.Kind, out.Part, out.Text, out.Instance = parsers.Attempted, 0, "", line.Tag
		number := of(ev.Instance, ev.Text)
		d, ok := j.underway.Get(number)
		if stop, _ := j.stops.Get(of(queueOf(ev), "")); !ok || d.start <= stop {
			break
		}
		j.underway.Drop(number)
		a := &out.Attempt
		out.QueueID, a.Recipient = d.id, d.recipient
		if a.Kind == parsers.Remote {
			a.Kind = d.kind
		}
		a.XDelay = parsers.Between(d.at, at)
		came, _ := j.messages.Get(of("", d.id))
		a.Delay = parsers.Between(came, at)
	}
	return dst
}

// queueOf returns the name of a delivery's queue, be it behind the line or behind the number.
func queueOf(ev *parsers.Event) string {
	if ev.Instance != "" {
		return ev.Instance
	}
	return strings.TrimLeft(ev.Text[digits(ev.Text):], "-._/")
}
