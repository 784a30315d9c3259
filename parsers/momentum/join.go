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
	young, old map[uint64]string // recipients heard of last, and before them
	held       int               // bytes of those in young, about
	half       int               // how many young may hold: then the half heard of longest ago is forgotten
}

// What is remembered at most is twice halfQueue, a million messages with addresses of the usual length. There should be
// room for all that are in the queue.
const (
	halfQueue  = 48 << 20
	entry      = 64      // bytes of a message besides its recipient
	maxAddress = 1 << 10 // what is longer is none (RFC 5321 4.5.3.1)
)

func newJoiner(parsers.Options) parsers.Joiner {
	return &joiner{seed: maphash.MakeSeed(), half: halfQueue, young: make(map[uint64]string)}
}

// Join implements [parsers.Joiner].
func (j *joiner) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := maphash.Comparable(j.seed, struct{ host, id string }{host, ev.QueueID})
	if ev.Part == received {
		j.drop(key)
		if rcpt := ev.Attempt.Recipient; len(rcpt) <= maxAddress {
			j.put(key, strings.Clone(rcpt))
		}
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
	j.drop(key)
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
	if j.held += entry + len(rcpt); j.held > j.half {
		j.old, j.young, j.held = j.young, make(map[uint64]string), entry+len(rcpt)
	}
	j.young[key] = rcpt
}

// drop forgets a message.
func (j *joiner) drop(key uint64) {
	if rcpt, ok := j.young[key]; ok {
		j.held -= entry + len(rcpt)
		delete(j.young, key)
	}
	delete(j.old, key)
}
