package qmail

import (
	"strings"

	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// A joiner makes of `starting delivery D` and `delivery D` one attempt. Where only the latter is in the log the attempt has
// neither recipient nor queue id, but what was reported of it.
//
// Note: the sender and the end of a message are ordinary events, by which attempts find them. Only its age is kept here.
type joiner struct {
	starts   int64                      // so far
	stops    *recent.Map[int64]         // by queue: starts when it stopped last; deliveries started before are over
	underway *recent.Map[delivery]      // by number
	messages *recent.Map[parsers.Stamp] // by queue id: when they came
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
		stops:    recent.NewMap[int64](minStops),
		underway: recent.NewMap[delivery](minUnderway),
		messages: recent.NewMap[parsers.Stamp](minMessages),
	}
}

// A key identifies a delivery, a message, or with an empty id a queue: host, tag, queue and id.
type key = recent.Key

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

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	a := (*wire.Appender)(&dst)
	a.Int(j.starts)
	j.stops.Append(a, (*wire.Appender).Int)
	j.underway.Append(a, func(a *wire.Appender, d delivery) {
		a.Int(d.start)
		a.Int(int64(d.at))
		a.String(d.id)
		a.String(d.recipient)
		a.Byte(byte(d.kind))
	})
	j.messages.Append(a, func(a *wire.Appender, at parsers.Stamp) { a.Int(int64(at)) })
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.starts = r.Int()
	j.stops.Read(&r, (*wire.Reader).Int)
	j.underway.Read(&r, func(r *wire.Reader) delivery {
		return delivery{r.Int(), parsers.Stamp(r.Int()), r.String(), r.String(), parsers.AttemptKind(r.UpTo(byte(parsers.Probe)))}
	})
	j.messages.Read(&r, func(r *wire.Reader) parsers.Stamp { return parsers.Stamp(r.Int()) })
	return r.End()
}
