package report

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
)

// A junitCase is one test case: passed where it has neither a failure nor a reason to be skipped.
type junitCase struct {
	name    string
	file    string
	line    int64
	failure string // its message
	kind    string // of the failure
	detail  string // of the failure; may have several lines
	skipped string
	output  string // of one that passed
}

// A junitSuite is the test cases of one kind.
type junitSuite struct {
	name  string
	cases []junitCase
}

// writeJUnit writes r as JUnit XML: a test case for each cause and each diagnostic, which have failed, and for each bucket
// of lines that were not understood, which has where there are some. A suite that would have no case gets one that passed.
func writeJUnit(w io.Writer, r *Report, _ WriteOptions) error {
	causes, diagnostics, lines := junitSuite{name: "causes"}, junitSuite{name: "diagnostics"}, junitSuite{name: "lines"}
	found := findings(r)
	for i := range found[:min(len(found), mostFindings)] {
		f := &found[i]
		c := junitCase{name: f.title, file: f.file, line: f.line, failure: f.message(), kind: f.level, detail: where(Visible(f.file), f.line)}
		kind, _, _ := strings.Cut(f.rule, "/")
		switch kind {
		case "category":
			causes.cases = append(causes.cases, c)
		case "diagnostic":
			if f.id != "" {
				c.name = clipText(f.title+": "+f.id, mostMessage)
			}
			diagnostics.cases = append(diagnostics.cases, c)
		}
	}
	for _, b := range []struct {
		name string
		n    int64
	}{{"unrecognised", r.Coverage.Unrecognised}, {"malformed", r.Coverage.Malformed}, {"overlong", r.Coverage.Overlong}} {
		lines.cases = append(lines.cases, linesCase(r, b.name, b.n))
	}
	attempts := plural(r.Totals.Attempts.Attempts, "attempt", "attempts")
	for _, s := range []struct {
		suite *junitSuite
		name  string
		out   string
	}{{&causes, "no failure", attempts}, {&diagnostics, "no diagnostic", attempts}} {
		if len(s.suite.cases) == 0 {
			s.suite.cases = []junitCase{{name: s.name, output: s.out}}
		}
	}
	return writeSuites(w, r.Tool.Name+" report", []junitSuite{causes, diagnostics, lines})
}

// linesCase is the test case of a bucket of lines that were not understood, with samples of them.
func linesCase(r *Report, bucket string, n int64) junitCase {
	c := junitCase{name: "no " + bucket + " lines", output: plural(r.Coverage.Lines, "line", "lines")}
	if n == 0 {
		return c
	}
	c = junitCase{name: c.name, failure: plural(n, bucket+" line", bucket+" lines") + " of " + count(r.Coverage.Lines), kind: "warning"}
	var detail []string
	for i := range r.Coverage.Samples {
		s := &r.Coverage.Samples[i]
		if s.Bucket != bucket {
			continue
		}
		if c.file == "" {
			c.file, c.line = s.File, s.Line
		}
		text := where(s.File, s.Line) + "  "
		if s.Reason != "" {
			text += s.Reason + ": "
		}
		detail = append(detail, clipText(Visible(text+s.Text), mostMessage))
	}
	c.detail = strings.Join(detail, "\n")
	return c
}

// writeCheckJUnit writes c as JUnit XML: a test case for each gate and expectation. JUnit has no warnings: a gate that only
// warns has passed, and says in its output what there is.
func writeCheckJUnit(w io.Writer, c *Check, _ WriteOptions) error {
	gates, expected := junitSuite{name: "gates"}, junitSuite{name: "expectations"}
	for i := range c.Gates {
		g := &c.Gates[i]
		one := junitCase{name: g.Name}
		var detail []string
		if g.Note != "" {
			detail = append(detail, Visible(g.Note))
		}
		for j := range g.Evidence {
			detail = append(detail, clipText(Visible(g.Evidence[j].sentence()), mostMessage))
		}
		text := strings.Join(detail, "\n")
		if len(g.Evidence) > 0 {
			one.file, one.line = g.Evidence[0].File, g.Evidence[0].Line
		}
		switch g.word() {
		case Failed:
			one.failure, one.kind, one.detail = g.sentence(), g.Metric, text
		case Skipped:
			one.skipped = g.Note
		default:
			one.output = strings.TrimRight(Visible(g.word()+": "+g.sentence())+"\n"+text, "\n")
		}
		gates.cases = append(gates.cases, one)
	}
	for i := range c.Expectations {
		e := &c.Expectations[i]
		one := junitCase{name: e.File}
		switch e.Status {
		case Failed:
			detail := []string{}
			if e.Note != "" {
				detail = append(detail, Visible(e.Note))
			}
			for j := range e.Differences {
				detail = append(detail, clipText(Visible(e.Differences[j].sentence()), mostMessage))
			}
			if more := e.DifferencesTotal - len(e.Differences); more > 0 {
				detail = append(detail, "and "+plural(int64(more), "more difference", "more differences"))
			}
			one.failure, one.kind, one.detail = e.sentence(), e.Kind, strings.Join(detail, "\n")
			if len(e.Differences) > 0 {
				one.file, one.line = e.Differences[0].File, e.Differences[0].Line
			}
		case Skipped:
			one.skipped = e.Note
		default:
			one.output = Visible(e.sentence())
		}
		expected.cases = append(expected.cases, one)
	}
	return writeSuites(w, c.Tool.Name+" check", []junitSuite{gates, expected})
}

// writeSuites writes suites, but for those without a case.
func writeSuites(w io.Writer, name string, suites []junitSuite) error {
	var b strings.Builder
	total, failed, skipped := 0, 0, 0
	var body strings.Builder
	for _, s := range suites {
		if len(s.cases) == 0 {
			continue
		}
		f, k := s.tally()
		total, failed, skipped = total+len(s.cases), failed+f, skipped+k
		s.write(&body, f, k)
	}
	b.WriteString(xml.Header + "<testsuites" + attr("name", name) + numbers(total, failed, skipped) + ">\n")
	b.WriteString(body.String())
	b.WriteString("</testsuites>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *junitSuite) tally() (failed, skipped int) {
	for i := range s.cases {
		switch c := &s.cases[i]; {
		case c.failure != "":
			failed++
		case c.skipped != "":
			skipped++
		}
	}
	return failed, skipped
}

func numbers(total, failed, skipped int) string {
	return attr("tests", strconv.Itoa(total)) + attr("failures", strconv.Itoa(failed)) + attr("errors", "0") + attr("skipped", strconv.Itoa(skipped)) + attr("time", "0")
}

func (s *junitSuite) write(b *strings.Builder, failed, skipped int) {
	b.WriteString("  <testsuite" + attr("name", s.name) + numbers(len(s.cases), failed, skipped) + ">\n")
	names := make(map[string]int)
	for i := range s.cases {
		c := &s.cases[i]
		name := clipText(Visible(c.name), mostMessage)
		if names[name]++; names[name] > 1 { // who reads it may take cases of one name for one
			name += " #" + strconv.Itoa(names[name])
		}
		b.WriteString("    <testcase" + attr("classname", "bouncelog."+s.name) + attr("name", name))
		if c.file != "" {
			b.WriteString(attr("file", c.file))
		}
		if c.line > 0 {
			b.WriteString(attr("line", strconv.FormatInt(c.line, 10)))
		}
		b.WriteString(attr("time", "0"))
		switch {
		case c.failure != "":
			b.WriteString(">\n      <failure" + attr("message", clipText(Visible(c.failure), 2*mostMessage)) + attr("type", c.kind) + ">" + characters(c.detail) + "</failure>\n    </testcase>\n")
		case c.skipped != "":
			b.WriteString(">\n      <skipped" + attr("message", c.skipped) + "/>\n    </testcase>\n")
		case c.output != "":
			b.WriteString(">\n      <system-out>" + characters(c.output) + "</system-out>\n    </testcase>\n")
		default:
			b.WriteString("/>\n")
		}
	}
	b.WriteString("  </testsuite>\n")
}

func attr(name, value string) string { return " " + name + `="` + characters(Visible(value)) + `"` }

// characters escapes s for XML. Lines in it stay lines. What XML 1.0 2.2 has no room for is not there any more: s went
// through Visible.
func characters(s string) string {
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		xml.EscapeText(&b, []byte(line)) // a strings.Builder returns no error
	}
	return b.String()
}
