package custom

import (
	"errors"
	"fmt"
	"strings"

	"bouncelog/internal/recent"
	"bouncelog/internal/wire"
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

// A memory is what is known of each key.
type memory struct {
	*join
	known *recent.Map[[]string] // of the fields to be remembered, by host and key
}

func (j *join) open(parsers.Options) parsers.Joiner {
	return &memory{j, recent.NewMap[[]string](maxRemembered)}
}

// Join implements [parsers.Joiner].
func (m *memory) Join(dst []parsers.Event, host string, _ *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := recent.Key{host, ev.Text}
	known, _ := m.known.Get(key)
	for i, f := range m.remember {
		said := f.text(ev)
		switch {
		case *said == "" && known != nil:
			*said = known[i]
		case *said != "" && (known == nil || known[i] != *said):
			if known == nil {
				known = make([]string, len(m.remember))
				m.known.Put(key, known)
			}
			known[i] = strings.Clone(*said)
		}
	}
	if ev.Part&forgotten != 0 {
		m.known.Drop(key)
	}
	if ev.Part&complete == 0 || ev.Attempt.Recipient == "" {
		return dst
	}
	dst = append(dst, *ev)
	last := &dst[len(dst)-1]
	last.Kind, last.Part, last.Text = parsers.Attempted, 0, ""
	return dst
}

// String returns what a memory depends on.
func (j *join) String() string { return fmt.Sprintf("%v %v %v %q", j.key, j.remember, j.on, j.forget) }

// AppendBinary implements [encoding.BinaryAppender].
func (m *memory) AppendBinary(dst []byte) ([]byte, error) {
	a := (*wire.Appender)(&dst)
	a.String(m.join.String())
	m.known.Append(a, (*wire.Appender).Strings)
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (m *memory) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	if r.String() != m.join.String() {
		return errors.New("its [join] was changed since")
	}
	m.known.Read(&r, func(r *wire.Reader) []string {
		known := r.Strings()
		r.Must(len(known) == len(m.remember))
		return known
	})
	return r.End()
}
