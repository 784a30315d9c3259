package momentum

import (
	"hash/maphash"
	"strings"

	"bouncelog/parsers"
)

// A joiner gives each record of the mainlog the recipient that the message was received for. One that was received before
// the log began has none.
type joiner struct {
	seed       maphash.Seed
	half       int               // how many are in each of the two at most: the half heard of longest ago is forgotten
	young, old map[uint64]string // recipients heard of last, and before them
}

// halfQueue is half of the messages that are remembered at most. They should be as many as there are in the queue.
const halfQueue = 1 << 19

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{seed: maphash.MakeSeed(), half: halfQueue, young: make(map[uint64]string)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := maphash.Comparable(j.seed, struct{ host, id string }{host, ev.QueueID})
	if ev.Part == received {
		j.put(key, strings.Clone(ev.Attempt.Recipient))
		return dst
	}
	if ev.Part == tried {
		dst = append(dst, *ev)
		out := &dst[len(dst)-1]
		out.Kind, out.Part = parsers.Attempted, 0
		out.Attempt.Recipient = j.get(key)
		if ev.Attempt.Status == parsers.StatusDeferred {
			return dst
		}
	}
	delete(j.young, key)
	delete(j.old, key)
	return dst
}

// get returns the recipient of a message, which is then among those heard of last.
func (j *joiner) get(key uint64) string {
	rcpt, ok := j.young[key]
	if !ok {
		if rcpt, ok = j.old[key]; ok {
			delete(j.old, key)
			j.put(key, rcpt)
		}
	}
	return rcpt
}

func (j *joiner) put(key uint64, rcpt string) {
	if len(j.young) >= j.half {
		j.old, j.young = j.young, make(map[uint64]string)
	}
	j.young[key] = rcpt
}
