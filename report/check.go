package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// CheckSchemaName and CheckSchemaVersion say what a check in JSON is, as SchemaName and SchemaVersion do of a report.
const (
	CheckSchemaName    = "bouncelog.check"
	CheckSchemaVersion = "1.0"
)

//go:embed check.schema.json
var schemaOfCheck []byte

// CheckSchema returns the JSON Schema (draft 2020-12) of a Check as the format `json` writes it.
func CheckSchema() []byte { return bytes.Clone(schemaOfCheck) }

// The statuses of a gate and of an expectation. Written is that of an expectation made anew.
const (
	Passed  = "passed"
	Failed  = "failed"
	Skipped = "skipped"
	Written = "written"
)

// A Check is what `bouncelog check` found: a report held against gates and expectations. As in a [Report], lists are never
// nil.
type Check struct {
	Schema        string        `json:"schema"`
	SchemaVersion string        `json:"schema_version"`
	Tool          Tool          `json:"tool"`
	Window        Window        `json:"window"`
	Status        string        `json:"status"` // passed or failed
	Totals        CheckTotals   `json:"totals"`
	Gates         []GateResult  `json:"gates"`
	Expectations  []Expectation `json:"expectations"`
}

// CheckTotals counts gates and expectations by what became of them.
type CheckTotals struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Warned  int `json:"warned"` // failed, and of severity warning
	Skipped int `json:"skipped"`
}

// A GateResult is what one gate came to.
type GateResult struct {
	Name     string `json:"name"`
	Expr     string `json:"expr"`
	Where    string `json:"where,omitempty"` // the file and line that the gate stands in
	Severity string `json:"severity"`        // error or warning
	Status   string `json:"status"`          // passed, failed or skipped
	Metric   string `json:"metric"`
	Unit     string `json:"unit"` // count, share or seconds

	// Value is the metric, a fraction of one where it is a share; nil where it is not known. Numerator and Denominator are
	// what it was computed of, and what the verdict rests on.
	Value       *float64 `json:"value,omitempty"`
	Numerator   *int64   `json:"numerator,omitempty"`
	Denominator *int64   `json:"denominator,omitempty"`
	Limit       float64  `json:"limit"`

	Guarded  bool       `json:"guarded,omitempty"` // skipped as the gate asked for, for want of attempts
	Note     string     `json:"note,omitempty"`    // why it was skipped, or what there is to know besides
	Evidence []Evidence `json:"evidence"`          // of a failed one: the worst places
}

// Evidence is one kind of failure and a line that shows it.
type Evidence struct {
	Attempts int64  `json:"attempts"` // of this kind
	What     string `json:"what"`
	Example
}

// An Expectation is what became of one file of what was expected.
type Expectation struct {
	Kind             string       `json:"kind"` // report or attempts
	File             string       `json:"file"`
	Of               string       `json:"of,omitempty"` // the log whose attempts are expected
	Status           string       `json:"status"`       // passed, failed, skipped or written
	Compared         int64        `json:"compared"`     // values of a report, or attempts
	Note             string       `json:"note,omitempty"`
	Differences      []Difference `json:"differences"`
	DifferencesTotal int          `json:"differences_total"`
}

// A Difference is one thing that is not as expected. Want and Got are JSON.
type Difference struct {
	Kind string `json:"kind"`           // missing, unexpected or different
	At   string `json:"at,omitempty"`   // the place in the document, a JSON pointer (RFC 6901)
	File string `json:"file,omitempty"` // the line of the log, or of the expectation where there is none
	Line int64  `json:"line,omitempty"`
	Want string `json:"want,omitempty"`
	Got  string `json:"got,omitempty"`
}

// Finish fills in what follows from the results: the totals and the status. With strict, a gate that could not be judged
// has failed, unless it asked to be skipped itself.
func (c *Check) Finish(strict bool) {
	c.Schema, c.SchemaVersion, c.Totals = CheckSchemaName, CheckSchemaVersion, CheckTotals{}
	if c.Gates == nil {
		c.Gates = []GateResult{}
	}
	if c.Expectations == nil {
		c.Expectations = []Expectation{}
	}
	t := &c.Totals
	for i := range c.Gates {
		g := &c.Gates[i]
		if strict && g.Status == Skipped && !g.Guarded {
			g.Status = Failed
		}
		switch {
		case g.Status == Passed:
			t.Passed++
		case g.Status == Skipped:
			t.Skipped++
		case g.Severity == "warning":
			t.Warned++
		default:
			t.Failed++
		}
	}
	for i := range c.Expectations {
		e := &c.Expectations[i]
		if strict && e.Status == Skipped {
			e.Status = Failed
		}
		switch e.Status {
		case Failed:
			t.Failed++
		case Skipped:
			t.Skipped++
		default:
			t.Passed++
		}
	}
	c.Status = Passed
	if t.Failed > 0 {
		c.Status = Failed
	}
}

// A CheckFormat is a way to write a Check.
type CheckFormat struct {
	Name  string
	Short string
	Write func(w io.Writer, c *Check, o WriteOptions) error

	Redacted bool // as in Format
}

// CheckFormats returns every format of a Check, the default first.
func CheckFormats() []CheckFormat {
	return []CheckFormat{
		{"text", "for people: a line for each gate, and the places that show why it failed", writeCheckText, false},
		{"json", "all of it", writeCheckJSON, false},
		{"junit", "JUnit XML: a test case for each gate and expectation", writeCheckJUnit, true},
		{"github", "annotations of GitHub Actions, at the worst places", writeCheckGitHub, true},
		{"sarif", "SARIF 2.1.0: what failed, at the worst places", writeCheckSARIF, true},
		{"markdown", "a table, for the summary of a step or a comment", writeCheckMarkdown, true},
	}
}

// FindCheckFormat returns the format called name.
func FindCheckFormat(name string) (CheckFormat, error) {
	var names []string
	for _, f := range CheckFormats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return CheckFormat{}, fmt.Errorf("unknown check format %q: want %s", name, oneOf(names))
}

func writeCheckJSON(w io.Writer, c *Check, _ WriteOptions) error {
	return writeIndented(w, c)
}

// shownDifferences is how many differences of one expectation writers for people show.
const shownDifferences = 20

// writeCheckText writes c for people, what failed before all else.
func writeCheckText(w io.Writer, c *Check, o WriteOptions) error {
	p := &printer{width: pipeWidth, color: o.Color}
	if o.Width > 0 {
		p.width = min(max(o.Width, leastWidth), mostWidth)
	}
	for _, status := range []string{Failed, Skipped, Passed} {
		for i := range c.Gates {
			if g := &c.Gates[i]; g.Status == status {
				p.gate(g)
			}
		}
		for i := range c.Expectations {
			if e := &c.Expectations[i]; e.Status == status || status == Passed && e.Status == Written {
				p.expectation(e)
			}
		}
	}
	style := green
	if c.Status == Failed {
		style = red
	}
	p.out.WriteString(p.paint(c.summary(), style) + "\n")
	_, err := w.Write(p.out.Bytes())
	return err
}

// summary is a Check in one sentence.
func (c *Check) summary() string {
	t := &c.Totals
	parts := []string{strconv.Itoa(t.Passed) + " passed"}
	for _, x := range []struct {
		n    int
		word string
	}{{t.Failed, "failed"}, {t.Warned, "failed with a warning"}, {t.Skipped, "skipped"}} {
		if x.n > 0 {
			parts = append(parts, strconv.Itoa(x.n)+" "+x.word)
		}
	}
	return "check " + c.Status + ": " + strings.Join(parts, ", ")
}

// word is what became of a gate, in one word.
func (g *GateResult) word() string {
	if g.Status == Failed && g.Severity == "warning" {
		return "warning"
	}
	return g.Status
}

func statusStyle(word string) style {
	switch word {
	case Failed:
		return red
	case "warning", Skipped:
		return yellow
	}
	return green
}

// verdictWidth is the width of the words before what was judged.
const verdictWidth = len(Skipped) + gutter

// verdict begins an entry of the text.
func (p *printer) verdict(word, text string) {
	for i, line := range wrap(Visible(text), p.width-verdictWidth, 4) {
		if i > 0 {
			word = ""
		}
		p.out.WriteString(p.paint(word, statusStyle(word)) + strings.Repeat(" ", verdictWidth-len(word)) + line + "\n")
	}
}

// below prints a line under an entry.
func (p *printer) below(text string, lines int) {
	for _, line := range wrap(Visible(text), p.width-verdictWidth, lines) {
		p.out.WriteString(strings.Repeat(" ", verdictWidth) + p.paint(line, dim) + "\n")
	}
}

func (p *printer) gate(g *GateResult) {
	p.verdict(g.word(), g.sentence())
	if g.Note != "" {
		p.below(g.Note, 2)
	}
	for i := range g.Evidence {
		e := &g.Evidence[i]
		p.below(e.sentence(), 2)
	}
}

// sentence is a gate and what it came to: `bounce rate: bounce_rate < 2%: is 2.50%, 25 of 1,000`.
func (g *GateResult) sentence() string {
	s := g.Expr
	if g.Name != g.Expr {
		s = g.Name + ": " + s
	}
	if g.Where != "" && g.Status == Failed {
		s += " (" + g.Where + ")"
	}
	if is := g.is(); is != "" {
		s += ": is " + is
	}
	return s
}

// is says what the metric is.
func (g *GateResult) is() string {
	switch {
	case g.Value == nil:
		return ""
	case g.Unit == "count":
		return count(*g.Numerator)
	case g.Unit == "seconds":
		return strconv.FormatFloat(*g.Value, 'f', -1, 64) + " s"
	}
	return percent(g.Value) + ", " + count(*g.Numerator) + " of " + count(*g.Denominator)
}

func (e *Evidence) sentence() string {
	s := e.What
	if e.Attempts > 1 {
		s = count(e.Attempts) + " × " + s
	}
	if at := where(e.File, e.Line); at != "" {
		s = at + "  " + s
	}
	return s + ": " + e.Text
}

func (p *printer) expectation(e *Expectation) {
	p.verdict(e.Status, e.sentence())
	if e.Note != "" {
		p.below(e.Note, 2)
	}
	for i := range e.Differences[:min(len(e.Differences), shownDifferences)] {
		p.below(e.Differences[i].sentence(), 3)
	}
	if more := e.DifferencesTotal - min(len(e.Differences), shownDifferences); more > 0 {
		p.below("and "+plural(int64(more), "more difference", "more differences"), 1)
	}
}

func (e *Expectation) sentence() string {
	what := plural(e.Compared, "value", "values")
	if e.Kind == "attempts" {
		what = plural(e.Compared, "attempt", "attempts")
	}
	switch e.Status {
	case Written:
		return e.File + ": written anew, " + what
	case Skipped:
		return e.File
	case Failed:
		return e.File + ": " + plural(int64(e.DifferencesTotal), "difference", "differences") + " in " + what
	}
	return e.File + ": " + what + " as expected"
}

func (d *Difference) sentence() string {
	var parts []string
	if at := where(d.File, d.Line); at != "" {
		parts = append(parts, at)
	}
	if d.At != "" {
		parts = append(parts, d.At)
	}
	s := strings.Join(parts, " ")
	switch d.Kind {
	case "missing":
		return s + ": missing: " + d.Want
	case "unexpected":
		return s + ": not expected: " + d.Got
	}
	return s + ": want " + d.Want + ", got " + d.Got
}

// writeCheckMarkdown writes c as GitHub Flavored Markdown.
func writeCheckMarkdown(w io.Writer, c *Check, _ WriteOptions) error {
	var b strings.Builder
	b.WriteString("### " + prose(c.Tool.Name+" "+c.summary()) + "\n")
	if len(c.Gates) > 0 {
		b.WriteString("\n| | gate | is | |\n|---|---|---|---|\n")
	}
	for i := range c.Gates {
		g := &c.Gates[i]
		name := code(g.Expr)
		if g.Name != g.Expr {
			name = prose(g.Name) + " " + name
		}
		b.WriteString("| " + g.word() + " | " + name + " | " + prose(g.is()) + " | " + code(g.Note) + " |\n")
	}
	for i := range c.Gates {
		g := &c.Gates[i]
		if len(g.Evidence) == 0 {
			continue
		}
		b.WriteString("\n**" + prose(g.Name) + "**\n\n")
		for j := range g.Evidence {
			b.WriteString("- " + code(g.Evidence[j].sentence()) + "\n")
		}
	}
	for i := range c.Expectations {
		e := &c.Expectations[i]
		b.WriteString("\n**" + e.Status + "** " + code(e.sentence()) + "\n")
		if e.Note != "" {
			b.WriteString("\n" + code(e.Note) + "\n")
		}
		if len(e.Differences) > 0 {
			b.WriteByte('\n')
		}
		for j := range e.Differences[:min(len(e.Differences), shownDifferences)] {
			b.WriteString("- " + code(e.Differences[j].sentence()) + "\n")
		}
		if more := e.DifferencesTotal - min(len(e.Differences), shownDifferences); more > 0 {
			b.WriteString("- and " + plural(int64(more), "more difference", "more differences") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mostMessage is how much of a text a finding carries, in bytes.
const mostMessage = 1000

// clipText cuts s to most bytes, at the beginning of a character.
func clipText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for i := most; ; i-- {
		if s[i]&0xc0 != 0x80 {
			return s[:i] + "…"
		}
	}
}

// placeOf takes a place apart, as where makes one.
func placeOf(at string) (file string, line int64) {
	i := strings.LastIndexByte(at, ':')
	if i < 0 {
		return at, 0
	}
	line, err := strconv.ParseInt(at[i+1:], 10, 64)
	if err != nil {
		return at, 0
	}
	return at[:i], line
}

// checkFindings are what failed: gates at their evidence, and differences.
func checkFindings(c *Check) []finding {
	var all []finding
	for i := range c.Gates {
		g := &c.Gates[i]
		if g.Status != Failed {
			continue
		}
		f := finding{rule: "gate/" + g.Name, title: g.Name, level: g.Severity, text: g.sentence()}
		if g.Note != "" {
			f.text += ": " + g.Note
		}
		if len(g.Evidence) == 0 {
			f.file, f.line = placeOf(g.Where) // the gate itself is all there is to look at
			all = append(all, f)
		}
		for j := range g.Evidence {
			e := &g.Evidence[j]
			at := f
			at.text += "; " + plural(e.Attempts, "attempt", "attempts") + ", " + e.What + ": " + e.Text
			if g.Metric == "coverage" || g.Metric == "lines" {
				at.text = f.text + "; " + e.What + ": " + e.Text
			}
			at.file, at.line, at.id, at.nth = e.File, e.Line, e.What, j
			all = append(all, at)
		}
	}
	for i := range c.Expectations {
		e := &c.Expectations[i]
		if e.Status != Failed {
			continue
		}
		f := finding{rule: "expect/" + e.File, title: "expected of " + e.File, level: "error"}
		if len(e.Differences) == 0 {
			f.text = e.Note
			all = append(all, f)
		}
		for j := range e.Differences {
			d := &e.Differences[j]
			at := f
			at.text, at.file, at.line, at.id, at.nth = d.sentence(), d.File, d.Line, d.At, j
			if at.file == "" {
				at.file, at.line = e.File, 1
			}
			all = append(all, at)
		}
	}
	return slices.Clip(all)
}
