package custom

import (
	"strings"

	"bouncelog/parsers"
)

// A join is what a format remembers from one record to the next ones with the same key.
type join struct {
	key      subject
	remember []field
	on       subject
	forget   string
}

// A subject is a field of the event or, where none is called so, a value of the record.
type subject struct {
	field field
	name  string
}

// number returns the number of the value, negative where a field is meant.
func (s subject) number(number func(string) int) int {
	if s.field != noField {
		return -1
	}
	return number(s.name)
}

// text returns what the subject is in an event, made of rec.
func (s subject) text(ev *parsers.Event, rec *record, number int) string {
	switch s.field {
	case noField:
		if number < 0 {
			return ""
		}
		text, _ := rec.get(number)
		return text
	case statusField:
		return ev.Attempt.Status.String()
	case replyCodeField:
		return ev.Attempt.Reply.Code.String()
	}
	return *s.field.text(ev)
}

// What a Part of ours is besides something to remember.
const (
	complete  = 1 << iota // with what is remembered, a delivery attempt
	forgotten             // the end of all that has its key
)

// part makes Parts of a record's events, and reports whether it has a key to be joined by.
func (j *join) part(evs []parsers.Event, r *rule, rec *record, line *parsers.Line) bool {
	key := j.key.text(&evs[0], rec, r.joinKey)
	if key == "" {
		return false
	}
	var part uint8
	if j.on.text(&evs[0], rec, r.joinOn) != "" {
		part |= complete
	}
	if j.forget != "" && strings.Contains(line.Text, j.forget) {
		part |= forgotten
	}
	for i := range evs {
		evs[i].Kind, evs[i].Part, evs[i].Text = parsers.Part, part, key
		if i < len(evs)-1 {
			evs[i].Part &^= forgotten
		}
	}
	return true
}

// maxRemembered is how many keys are remembered at least. Twice as many may be.
const maxRemembered = 1 << 16

// A memory is what is known of each key. It has two generations: where the young one is full it becomes the old one,
// and what was in that and did not come again is forgotten.
type memory struct {
	*join
	young, old map[joinKey][]string
}

type joinKey struct{ host, key string }

func (j *join) open(parsers.Options) parsers.Joiner {
	return &memory{join: j, young: make(map[joinKey][]string)}
}

// Join implements [parsers.Joiner].
func (m *memory) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := joinKey{host, ev.Text}
	known := m.recall(key)
	for i, f := range m.remember {
		said := f.text(ev)
		switch {
		case *said == "" && known != nil:
			*said = known[i]
		case *said != "" && (known == nil || known[i] != *said):
			if known == nil {
				known = m.put(key)
			}
			known[i] = strings.Clone(*said)
		}
	}
	if ev.Part&forgotten != 0 {
		delete(m.young, key)
		delete(m.old, key)
	}
	if ev.Part&complete == 0 || ev.Attempt.Recipient == "" {
		return dst
	}
	dst = append(dst, *ev)
	last := &dst[len(dst)-1]
	last.Kind, last.Part, last.Text = parsers.Attempted, 0, ""
	return dst
}

// recall returns what is known of a key, nil where nothing is.
func (m *memory) recall(key joinKey) []string {
	known := m.young[key]
	if known == nil {
		if known = m.old[key]; known != nil {
			m.insert(joinKey{strings.Clone(key.host), strings.Clone(key.key)}, known)
		}
	}
	return known
}

// put makes room for what is to be known of a key.
func (m *memory) put(key joinKey) []string {
	known := make([]string, len(m.remember))
	m.insert(joinKey{strings.Clone(key.host), strings.Clone(key.key)}, known)
	return known
}

func (m *memory) insert(key joinKey, known []string) {
	if len(m.young) >= maxRemembered {
		m.young, m.old = make(map[joinKey][]string), m.young
	}
	m.young[key] = known
}
