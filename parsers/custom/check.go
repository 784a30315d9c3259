package custom

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// A Report is what the samples of a definition tell of it.
type Report struct {
	Samples  int
	Errors   []error // what must be put right: a sample that gives something else than it should, or that there is none
	Warnings []error // what may be as it is meant, and often is not
}

// Check runs the samples, and looks for what often goes wrong.
func (d *Definition) Check() Report {
	c := checker{Definition: d, shown: make([]bool, len(d.rules))}
	if c.Samples = len(d.samples); c.Samples == 0 {
		c.wrong(d.root, `there is no sample; add [[sample]] with line = '…' and expect = { recipient = "…", status = "…" }`)
	}
	for i := range d.samples {
		c.run(&d.samples[i])
	}
	c.look()
	sortErrors(c.Errors)
	sortErrors(c.Warnings)
	return c.Report
}

// A checker is a check under way.
type checker struct {
	*Definition
	Report
	timed bool   // a sample gave a time
	shown []bool // by rule: a sample is of it
}

func (c *checker) wrong(n *node, format string, args ...any) {
	c.Errors = append(c.Errors, n.failure(format, args...))
}

func (c *checker) warn(n *node, format string, args ...any) {
	c.Warnings = append(c.Warnings, n.failure(format, args...))
}

// run reads a sample and compares what it gives with what it should.
func (c *checker) run(s *sample) {
	lines, head := c.lines(s)
	got, err := c.read(lines, head)
	for _, ev := range got {
		c.timed = c.timed || ev.Time != 0
	}
	if errors.Is(err, parsers.ErrForeign) {
		c.wrong(s.at, "the sample is not of this format: no rule fits it%s", c.near(lines))
		return
	}
	c.mark(lines, head)
	if err != nil {
		c.wrong(s.at, "the sample: %v", err)
		return
	}
	if !s.asked {
		c.warn(s.at, "the sample says nothing of what it must give; add expect = { … }: it gives %s", describe(got))
		return
	}
	if len(got) != len(s.expect) {
		c.wrong(s.at, "the sample gives %d records, want %d: %s", len(got), len(s.expect), describe(got))
		return
	}
	for i, want := range s.expect {
		for _, m := range want.table {
			f := fieldNamed(m.key)
			if has, ok := f.equals(&got[i], m.node); !ok {
				c.wrong(m.node, "%s is %q, want %q", m.key, has, m.node.text)
			}
		}
	}
}

// lines returns the lines of a sample as the parser is to see them, and the head of the file that they are of.
func (c *checker) lines(s *sample) (lines []parsers.Line, head string) {
	raws := []string{s.text}
	switch {
	case c.framing == lineFraming:
		raws = strings.Split(s.text, "\n")
	case c.framing == w3cFraming || c.framing == csvFraming && c.headed && c.columns == nil:
		head, raws[0], _ = strings.Cut(s.text, "\n")
	}
	o := syslog.Options{Location: c.zone}
	o.Anchor = syslog.Anchor(raws, s.reference(), o)
	r := syslog.NewReader(o)
	for _, raw := range raws {
		line := parsers.Line{Raw: raw, Text: raw}
		if c.framing == lineFraming {
			if cut, ok := r.Cut(raw); ok {
				line = cut
			}
		}
		lines = append(lines, line)
	}
	return lines, head
}

// reference settles the year of stamps without one: that of the time which is expected, else any.
func (s *sample) reference() syslog.Reference {
	for _, e := range s.expect {
		if n := e.get("time"); n != nil {
			if t, ok := isoClock(n.text, nil); ok {
				return syslog.Reference{Year: t.Time().Year()}
			}
		}
	}
	return syslog.Reference{Year: 2000}
}

// read reads lines as a scan does, and returns what they tell of attempts.
func (d *Definition) read(lines []parsers.Line, head string) (all []parsers.Event, err error) {
	p := d.open(parsers.Sample{Head: head}, parsers.Options{})
	var joiner parsers.Joiner
	if d.join != nil {
		joiner = d.join.open(parsers.Options{})
	}
	for i := range lines {
		line := &lines[i]
		evs, err := p.AppendEvents(nil, line)
		if err != nil {
			return nil, err
		}
		var done []parsers.Event
		for _, ev := range evs {
			if ev.Kind == parsers.Part {
				done = joiner.Join(done, line.Host, line, &ev)
			} else {
				done = append(done, ev)
			}
		}
		for _, ev := range done {
			if ev.Time == 0 {
				ev.Time = line.Time
			}
			if ev.Host == "" {
				ev.Host = line.Host
			}
			if ev.Kind == parsers.Attempted {
				all = append(all, ev)
			}
		}
	}
	return all, nil
}

// mark finds out which rules the lines are of: those without which they are no longer the format's.
func (c *checker) mark(lines []parsers.Line, head string) {
	for _, line := range lines {
		for i := range c.rules {
			fewer := *c.Definition
			fewer.rules = c.rules[:i+1]
			if _, err := fewer.read([]parsers.Line{line}, head); !errors.Is(err, parsers.ErrForeign) {
				c.shown[i] = true
				break
			}
		}
	}
}

// near tells how far the lines get.
func (c *checker) near(lines []parsers.Line) string {
	for _, line := range lines {
		text := line.Text
		if c.raw {
			text = line.Raw
		}
		if len(c.must) > 0 && !containsAny(text, c.must) {
			return fmt.Sprintf("; it holds none of must = %q", c.must)
		}
		if text != line.Raw {
			return fmt.Sprintf(`; the rules see it without its header, %q (prefix = "none" would leave it)`, text)
		}
	}
	return ""
}

// look warns of what often goes wrong.
func (c *checker) look() {
	if len(c.must) == 0 {
		c.warn(c.root, `there is no must: each line of each log is tried in full; name a text that all of yours have, must = ["…"]`)
	}
	for _, m := range c.unkept {
		c.warn(m.node, "records do not keep %s; it is read over", m.key)
	}
	if c.Samples > 0 && !c.timed {
		c.warn(c.root, "no sample gives a time: map one, or the records have none")
	}
	for i := range c.rules {
		r := &c.rules[i]
		if c.Samples > 0 && !c.shown[i] {
			c.warn(r.at, "no sample is of this rule; add one")
		}
		if r.regex != nil {
			pattern := strings.TrimPrefix(r.regex.String(), "^")
			switch {
			case strings.HasPrefix(pattern, ".*"):
				c.warn(r.at, "the regex begins with .*, which goes through each line many times; leave it out")
			case len(r.literals) == 0:
				c.warn(r.at, "the regex has no text that all of its lines hold, so that it runs on every one; add when = '…'")
			}
		}
		if r.ignore || c.join != nil {
			continue
		}
		gives := func(f field) bool {
			return slices.ContainsFunc(r.maps, func(m mapping) bool { return m.field == f })
		}
		switch {
		case r.recipient != nil && !gives(diagnosticField) && !gives(statusField) && !gives(replyCodeField):
			c.warn(r.at, "the rule gives neither diagnostic nor status, so its records have no status")
		case r.recipient == nil && !(gives(queueIDField) && (gives(senderField) || gives(messageIDField))):
			c.warn(r.at, "the rule gives no recipient; if its lines are about something else, set ignore = true")
		}
	}
}

// describe lists what events tell.
func describe(evs []parsers.Event) string {
	var b strings.Builder
	for i := range evs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Expect(&evs[i]))
	}
	if len(evs) == 0 {
		return "none"
	}
	return b.String()
}

// Expect returns what an event tells as the expectation of a sample.
func Expect(ev *parsers.Event) string {
	var b strings.Builder
	for f := timeField; f < numFields; f++ {
		if f == retriesField || f == attemptedField && !ev.Attempt.NotAttempted || f == kindField && ev.Attempt.Kind == parsers.Remote {
			continue
		}
		value := f.value(ev)
		if value == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.String() + " = ")
		switch f {
		case relayPortField, replyCodeField, attemptField, delayField, xdelayField, attemptedField:
			b.WriteString(value)
		default:
			b.WriteString(quote(value))
		}
	}
	return "{ " + b.String() + " }"
}

// value returns a field of an event as the attempt record has it; empty where the log did not say.
func (f field) value(ev *parsers.Event) string {
	a := &ev.Attempt
	switch f {
	case timeField:
		return ev.Time.String()
	case statusField:
		return a.Status.String()
	case kindField:
		return a.Kind.String()
	case originField:
		return a.Origin.String()
	case attemptedField:
		return strconv.FormatBool(!a.NotAttempted)
	case commandField:
		return a.Command.String()
	case replyCodeField:
		return a.Reply.Code.String()
	case enhancedField:
		return a.Reply.Enhanced.String()
	case dsnField:
		return a.DSN.String()
	case relayPortField:
		return countOf(int(a.RelayPort))
	case attemptField:
		return countOf(a.Ordinal)
	case retriesField:
		return countOf(a.Ordinal - 1)
	case delayField:
		return secondsOf(a.Delay)
	case xdelayField:
		return secondsOf(a.XDelay)
	}
	return *f.text(ev)
}

func countOf(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func secondsOf(d parsers.Duration) string {
	ms, said := d.Milliseconds()
	if !said {
		return ""
	}
	return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
}

// equals compares a field with what is expected, and returns what it is.
func (f field) equals(ev *parsers.Event, want *node) (has string, ok bool) {
	has = f.value(ev)
	switch {
	case has == want.text:
		return has, true
	case f == timeField:
		t, rest, ok := fields.Stamp(want.text, time.UTC)
		return has, ok && rest == "" && t == ev.Time
	case f == senderField:
		return has, has == parsers.NullSender && (want.text == "" || want.text == "<>")
	case want.kind == numberNode:
		x, err1 := strconv.ParseFloat(has, 64)
		y, err2 := strconv.ParseFloat(want.text, 64)
		return has, err1 == nil && err2 == nil && math.Abs(x-y) < 1e-9
	}
	return has, false
}

// quote writes a string of TOML: as it is in single quotes where that can be.
func quote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || r < ' ' || r == 0x7f || r == 0xfffd }) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
