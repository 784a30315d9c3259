package kerio

import (
	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// The parts that the joiner puts together.
const (
	arrived   uint8 = iota + 1 // a message, at the event's time
	attempted                  // an attempt that may be told how long after
)

// minMessages is how many messages' arrivals are remembered at least.
const minMessages = 1 << 16

// A joiner tells each attempt how long ago its message arrived, which Kerio's log says nowhere.
type joiner struct {
	arrivals *recent.Map[parsers.Stamp]
}

// A key identifies a message: host and id.
type key = recent.Key

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{recent.NewMap[parsers.Stamp](minMessages)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, line *parsers.Line, ev *parsers.Event) []parsers.Event {
	at := ev.Time
	if at == 0 {
		at = line.Time
	}
	k := key{host, ev.QueueID}
	if ev.Part == arrived {
		if at != 0 {
			j.arrivals.Put(k, at)
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
	since, _ := j.arrivals.Get(k)
	a.Delay = parsers.Between(since, at)
	return dst
}

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	j.arrivals.Append((*wire.Appender)(&dst), func(a *wire.Appender, at parsers.Stamp) { a.Int(int64(at)) })
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.arrivals.Read(&r, func(r *wire.Reader) parsers.Stamp { return parsers.Stamp(r.Int()) })
	return r.End()
}
