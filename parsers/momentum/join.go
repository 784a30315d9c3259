package momentum

import (
	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// A joiner gives each record of the mainlog the recipient that the message was received for. One that was received before
// the log began has none.
type joiner struct{ recipients *recent.Map[string] }

// What is remembered at most is twice halfQueue bytes, a million messages with addresses of the usual length. There should
// be room for all that are in the queue.
const (
	halfQueue = 48 << 20
	entry     = 64 // bytes of a message besides its recipient
)

// A key identifies a message: host and id.
type key = recent.Key

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{recent.NewWeightedMap(halfQueue, func(recipient string) int { return entry + len(recipient) })}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	k := key{host, ev.QueueID}
	if ev.Part == received {
		j.recipients.Put(k, recent.Keep(ev.Attempt.Recipient))
		return dst
	}
	if ev.Part == tried {
		dst = append(dst, *ev)
		out := &dst[len(dst)-1]
		out.Kind, out.Part = parsers.Attempted, 0
		out.Attempt.Recipient, _ = j.recipients.Get(k)
		if ev.Attempt.Status == parsers.StatusDeferred {
			return dst
		}
	}
	j.recipients.Drop(k)
	return dst
}

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	j.recipients.Append((*wire.Appender)(&dst), (*wire.Appender).String)
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.recipients.Read(&r, (*wire.Reader).String)
	return r.End()
}
