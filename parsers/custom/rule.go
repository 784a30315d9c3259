package custom

import (
	"fmt"
	"regexp"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A rule is one kind of line or record: how it is told and cut, and what it says.
type rule struct {
	at *node // where it stands, for messages

	literals []string // any of which the text must hold; none: it need not
	conds    []condition
	ignore   bool

	dissect *dissection
	regex   *expression
	logfmt  bool // what is cut into pairs
	names   []string

	maps      []mapping
	recipient *mapping // apart from maps: it may stand for several

	joinKey, joinOn int // the numbers of the values by which records are joined; negative: they are fields, or not there
}

// A condition holds where one of the patterns fits the value.
type condition struct {
	from     int
	patterns []glob
}

// An expression is a regular expression (RE2) and what its groups are.
type expression struct {
	*regexp.Regexp
	slots []int // by group, negative: nobody asks for it
}

// cut fills rec from a text where the rule fits it. In CSV and JSON the framing has done so.
func (r *rule) cut(text string, rec *record) bool {
	switch {
	case r.dissect != nil:
		return r.dissect.match(text, rec)
	case r.regex != nil:
		return r.regex.match(text, rec)
	case r.logfmt:
		var room [32]fields.Pair
		for _, pair := range fields.AppendPairs(room[:0], text) {
			for i, name := range r.names {
				if name == pair.Key {
					rec.set(i, pair.Value)
				}
			}
		}
	}
	return true
}

func (e *expression) match(text string, rec *record) bool {
	at := e.FindStringSubmatchIndex(text)
	if at == nil {
		return false
	}
	for group, slot := range e.slots {
		if start := at[2*group]; start >= 0 {
			rec.set(slot, text[start:at[2*group+1]])
		}
	}
	return true
}

// mayFit reports whether a text holds what every text of the rule holds.
func (r *rule) mayFit(text string) bool { return len(r.literals) == 0 || containsAny(text, r.literals) }

// holds reports whether the record is as the rule wants it.
func (r *rule) holds(rec *record) bool {
	for i := range r.conds {
		c := &r.conds[i]
		value, ok := rec.get(c.from)
		if !ok || !matchesAny(value, c.patterns) {
			return false
		}
	}
	return true
}

func matchesAny(s string, patterns []glob) bool {
	for _, g := range patterns {
		if g.match(s) {
			return true
		}
	}
	return false
}

func containsAny(s string, literals []string) bool {
	for _, l := range literals {
		if strings.Contains(s, l) {
			return true
		}
	}
	return false
}

// append appends what a record that the rule fits tells. It is not ours where it names no recipient, and nothing else that
// a message could be known by: then another rule may know better.
func (r *rule) append(dst []parsers.Event, p *parser, line *parsers.Line, rec *record) (out []parsers.Event, ours bool, err error) {
	if r.ignore {
		return dst, true, nil
	}
	n := len(dst)
	dst = append(dst, parsers.Event{Kind: parsers.Attempted})
	d := draft{Event: &dst[n]}
	for i := range r.maps {
		if f := r.maps[i].fill(&d, rec, p.zone); f != nil {
			return dst[:n], true, syntaxError(line, f)
		}
	}
	d.finish()
	if r.recipient != nil {
		if dst = r.appendRecipients(dst, rec); len(dst)-n > maxEvents {
			return dst[:n], true, errEvents()
		}
	}
	joined := p.join != nil && p.join.part(dst[n:], r, rec, line)
	switch ev := &dst[n]; {
	case joined && ev.Part&complete == 0:
		return dst, true, nil
	case joined, ev.Attempt.Recipient != "", r.recipient == nil && p.join == nil && ev.Attempt.Status != 0:
	case isContext(ev):
		return dst, true, nil
	default:
		return dst[:n], false, nil
	}
	if dst[n].Attempt.Status == 0 {
		return dst[:n], true, &parsers.SyntaxError{Column: 1, Msg: "no status: none is mapped, and no code tells it"}
	}
	return dst, true, nil
}

// maxEvents is how many deliveries one record may tell of. A megabyte of commas would be a gigabyte of events.
const maxEvents = 10_000

func errEvents() error {
	return &parsers.SyntaxError{Column: 1, Msg: fmt.Sprintf("the record tells of more than %d deliveries", maxEvents)}
}

// appendRecipients makes one event for each recipient of the one that dst ends with. Without any it stays one.
func (r *rule) appendRecipients(dst []parsers.Event, rec *record) []parsers.Event {
	first := len(dst) - 1
	add := func(s string) {
		if s = unbracket(strings.TrimSpace(s)); s == "" || len(dst)-first > maxEvents {
			return
		}
		if dst[first].Attempt.Recipient != "" {
			dst = append(dst, dst[first])
		}
		dst[len(dst)-1].Attempt.Recipient = s
	}
	m := r.recipient
	for _, i := range m.from {
		list, ok := rec.array(i)
		if !ok {
			continue
		}
		for e := range list.Elements() {
			if s, _ := textOf(e); s != "" {
				add(m.trim(s))
			}
		}
		return dst
	}
	s, ok := m.value(rec)
	if s, _ = m.look(s); !ok {
		s = m.otherwise
	}
	if m.split == "" {
		add(s)
		return dst
	}
	for s != "" {
		var one string
		one, s = cutUnquoted(s, m.split)
		add(strings.Trim(one, m.strip+" "))
	}
	return dst
}

// cutUnquoted cuts s at the first separator that is not in double quotes, as a local part may have them (RFC 5321 4.1.2).
func cutUnquoted(s, separator string) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(s[i:], separator):
			return s[:i], s[i+len(separator):]
		}
	}
	return s, ""
}

// finish draws from what the record says what it does not say in as many words.
func (d *draft) finish() {
	a := &d.Attempt
	text := replyIn(a.Diagnostic)
	a.Reply, _ = parsers.ParseReply(text)
	switch {
	case d.code != 0 && d.code != a.Reply.Code:
		a.Reply = parsers.Reply{Code: d.code, Text: text, Enhanced: leadingCode(text)}
	case a.Reply.Code == 0 && a.DSN.IsZero() && d.enhanced.IsZero():
		a.DSN = leadingCode(text)
	}
	switch {
	case d.enhanced.IsZero():
	case a.Reply.Code != 0:
		a.Reply.Enhanced = d.enhanced
	case a.DSN.IsZero(): // nobody answered, so it is the opinion of whoever wrote the log
		a.DSN = d.enhanced
	}
	if a.Command == parsers.NoCommand {
		a.Command = commandIn(a.Diagnostic)
	}
	if a.Origin == parsers.OriginUnknown && a.Reply.Code != 0 {
		a.Origin = parsers.OriginRemote
	}
	if a.Status == 0 {
		a.Status = statusByCode(a)
	}
	if d.said {
		a.NotAttempted = !d.attempted
	} else {
		a.NotAttempted = a.Status == parsers.StatusRejected || a.Kind == parsers.Suppressed || a.Kind == parsers.Final
	}
}

// replyIn returns the text of a diagnostic without the type that may stand before it (RFC 3464 2.3.6).
func replyIn(s string) string {
	if len(s) > 5 && strings.EqualFold(s[:5], "smtp;") {
		return strings.TrimLeft(s[5:], " ")
	}
	return s
}

// leadingCode returns the enhanced code that a text without reply code begins with.
func leadingCode(s string) parsers.EnhancedCode {
	first, _, _ := strings.Cut(s, " ")
	code, _ := parsers.ParseEnhanced(strings.Trim(first, "#():;[]"))
	return code
}

// commandIn returns the command that a diagnostic ends with, as Postfix and those that follow it write it: `(in reply to
// RCPT TO command)`.
func commandIn(s string) parsers.Command {
	s, ok := strings.CutSuffix(s, " command)")
	if !ok {
		return parsers.NoCommand
	}
	i := strings.LastIndex(s, "(in reply to ")
	if i < 0 {
		return parsers.NoCommand
	}
	return parsers.ParseCommand(s[i+len("(in reply to "):])
}

// statusByCode returns the status that the codes amount to. What a 5xx makes of a message is up to the MTA; without its
// word, the server's is taken.
func statusByCode(a *parsers.Attempt) parsers.Status {
	for _, class := range [...]parsers.Class{a.Reply.Code.Class(), a.Reply.Enhanced.Class(), a.DSN.Class()} {
		switch class {
		case parsers.Success:
			return parsers.StatusSent
		case parsers.Transient:
			return parsers.StatusDeferred
		case parsers.Permanent:
			return parsers.StatusBounced
		}
	}
	return 0
}

// isContext makes of an event without a recipient one that tells of its message, and reports whether it tells anything.
func isContext(ev *parsers.Event) bool {
	switch {
	case ev.QueueID == "":
		return false
	case ev.Sender != "":
		ev.Kind = parsers.Queued
	case ev.MessageID != "":
		ev.Kind = parsers.Named
	default:
		return false
	}
	ev.Attempt = parsers.Attempt{}
	return true
}

// syntaxError tells that a value can't be what the definition takes it for.
func syntaxError(line *parsers.Line, f *fault) error {
	return &parsers.SyntaxError{Column: max(0, strings.Index(line.Text, f.value)) + 1, Msg: f.Error()}
}
