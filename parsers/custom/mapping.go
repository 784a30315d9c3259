package custom

import (
	"fmt"
	"strings"
	"time"

	"bouncelog/parsers"
)

// A mapping says where a field comes from, and what is done to it on the way: the operations in the order of the fields
// here.
type mapping struct {
	field field
	from  []int  // the first that is not empty
	word  string // instead, a constant

	prefixes []string
	first    bool
	strip    string
	split    string

	table     []row
	otherwise string // what a value stands for that no row has
	fallback  bool   // otherwise is set

	clock  clockReader
	length lengthReader
}

// A row is one of a table.
type row struct {
	pattern glob
	value   string
}

// value returns the mapping's value in a record before a table has its say.
func (m *mapping) value(rec *record) (s string, ok bool) {
	if len(m.from) == 0 {
		return m.word, m.word != ""
	}
	for _, i := range m.from {
		v, said := rec.get(i)
		if v != "" {
			return m.trim(v), true
		}
		ok = ok || said
	}
	if ok && m.field == senderField { // who is said to be nobody is the null reverse-path
		return parsers.NullSender, true
	}
	return "", false
}

// trim takes off a value, not empty, what is not to be part of it.
func (m *mapping) trim(s string) string {
	if s[0] <= ' ' || s[len(s)-1] <= ' ' {
		s = strings.TrimSpace(s)
	}
	for _, p := range m.prefixes {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			s = strings.TrimLeft(s[len(p):], " \t")
			break
		}
	}
	if m.first {
		if i := strings.IndexAny(s, " \t"); i >= 0 {
			s = s[:i]
		}
	}
	if m.strip != "" {
		s = strings.Trim(s, m.strip)
	}
	return s
}

// look returns what the table has for a value, and whether it has anything; without a table, the value itself.
func (m *mapping) look(s string) (value string, listed bool) {
	if m.table == nil {
		return s, true
	}
	for i := range m.table {
		if m.table[i].pattern.match(s) {
			return m.table[i].value, true
		}
	}
	if m.fallback {
		return m.otherwise, true
	}
	return s, false
}

// A draft is an event in the making, with what its record says before it is known what it comes to.
type draft struct {
	*parsers.Event
	code     parsers.ReplyCode
	enhanced parsers.EnhancedCode

	attempted, said bool // said: the record says so or not so
}

// A fault is a value that a field cannot take.
type fault struct {
	field field
	value string
}

func (f *fault) Error() string { return fmt.Sprintf("%s %q", f.field, f.value) }

// fill sets the field in d.
func (m *mapping) fill(d *draft, rec *record, loc *time.Location) *fault {
	word, ok := m.value(rec)
	s, listed := m.otherwise, true
	if ok {
		s, listed = m.look(word)
	}
	switch {
	case m.set(d, s, loc):
		if m.field == statusField && s != "" && !strings.EqualFold(word, s) && !isNumber(word) {
			d.Attempt.MTAStatus = word
		}
	case m.fallback:
		m.set(d, m.otherwise, loc)
	case listed: // a word that is in no table may be left to what else the record says
		return &fault{m.field, s}
	}
	return nil
}

// set sets the field to a value, false where it can't be that. Numbers that are none of SMTP's are somebody's own, and
// not said.
func (m *mapping) set(d *draft, s string, loc *time.Location) (ok bool) {
	if s == "" {
		return true
	}
	a := &d.Attempt
	switch m.field {
	case timeField:
		d.Time, ok = m.clock(s, loc)
		return ok
	case delayField:
		a.Delay, ok = m.length(s)
		return ok
	case xdelayField:
		a.XDelay, ok = m.length(s)
		return ok
	case statusField:
		a.Status, ok = statusOf(s)
		return ok
	case kindField:
		a.Kind, ok = kindOf(s)
		return ok
	case originField:
		a.Origin, ok = originOf(s)
		return ok
	case attemptedField:
		d.attempted, d.said = truthOf(s)
		return d.said
	case commandField:
		a.Command = parsers.ParseCommand(s)
	case replyCodeField:
		d.code = replyCode(s)
	case enhancedField:
		d.enhanced, _ = parsers.ParseEnhanced(s)
	case dsnField:
		a.DSN, _ = parsers.ParseEnhanced(s)
	case relayPortField:
		if n, fits := number(s); fits && n < 1<<16 {
			a.RelayPort = uint16(n)
		}
	case attemptField:
		a.Ordinal, _ = number(s)
	case retriesField:
		if n, fits := number(s); fits {
			a.Ordinal = n + 1
		}
	case originalField:
		a.OriginalRecipient = unbracket(s)
	case relayIPField:
		a.RelayIP = strings.Trim(s, "[]")
	case sourceIPField:
		a.SourceIP = strings.Trim(s, "[]")
	case senderField:
		d.Sender = parsers.NullSender
		if s = unbracket(s); s != "" {
			d.Sender = s
		}
	default:
		*m.field.text(d.Event) = s
	}
	return true
}

// isNumber reports whether a status was told by a code, which is not the log's word for it.
func isNumber(s string) bool { return s != "" && s[0]-'0' <= 9 }
