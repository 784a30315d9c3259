package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func pointTo[T any](v T) *T { return &v }

// fullCheck has every kind of result.
func fullCheck() *Check {
	example := Example{Text: "host mx.example.net[192.0.2.26] said: 550 5.1.1 <bob@example.net>: User unknown (in reply to RCPT TO command)",
		File: "logs/mail log.1", Line: 9, Time: "2026-11-20T00:00:12Z"}
	c := &Check{
		Tool:   Tool{"bouncelog", "1.2.3"},
		Window: Window{First: "2026-11-20T00:00:12Z", Last: "2026-11-21T23:59:58Z"},
		Gates: []GateResult{
			{Name: "few bounces", Expr: "bounce_rate < 2%", Where: "gates.toml:3", Severity: "error", Status: Failed, Metric: "bounce_rate", Unit: "share",
				Value: pointTo(0.025), Numerator: pointTo[int64](25), Denominator: pointTo[int64](1000), Limit: 0.02,
				Evidence: []Evidence{{20, "550 5.1.1, permanent", example}, {5, "no reply, permanent", Example{Text: "Host not found", File: "/var/log/mail.log", Line: 1}}}},
			{Name: "coverage >= 99.5%", Expr: "coverage >= 99.5%", Severity: "error", Status: Passed, Metric: "coverage", Unit: "share",
				Value: pointTo(1.0), Numerator: pointTo[int64](4200), Denominator: pointTo[int64](4200), Limit: 0.995, Evidence: []Evidence{}},
			{Name: "count{category=blocklisted} == 0", Expr: "count{category=blocklisted} == 0", Where: "gates.toml:9", Severity: "warning", Status: Failed, Metric: "count", Unit: "count",
				Value: pointTo(3.0), Numerator: pointTo[int64](3), Evidence: []Evidence{}},
			{Name: "delivery_time_p90{provider=gmail} < 1h", Expr: "delivery_time_p90{provider=gmail} < 1h", Severity: "error", Status: Passed,
				Metric: "delivery_time_p90", Unit: "seconds", Value: pointTo(8.041), Limit: 3600, Evidence: []Evidence{}},
			{Name: "gmail", Expr: "bounce_rate{provider=gmail} < 2%", Severity: "error", Status: Skipped, Metric: "bounce_rate", Unit: "share", Limit: 0.02,
				Note: "nothing to divide by: no delivery that is settled with provider=gmail", Evidence: []Evidence{}},
			{Name: "guarded", Expr: "deferral_rate < 5%", Severity: "error", Status: Skipped, Metric: "deferral_rate", Unit: "share", Limit: 0.05,
				Value: pointTo(0.1), Numerator: pointTo[int64](1), Denominator: pointTo[int64](10), Guarded: true,
				Note: "too few attempts to judge by: 10, fewer than 500", Evidence: []Evidence{}},
		},
		Expectations: []Expectation{
			{Kind: "report", File: "report.json", Status: Failed, Compared: 412, DifferencesTotal: 3, Differences: []Difference{
				{Kind: "different", At: "/totals/sent", Want: "700", Got: "701"},
				{Kind: "unexpected", At: "/domains/3", Got: `{"domain":"example.org"}`},
			}},
			{Kind: "attempts", File: "logs/mail.expect.ndjson", Of: "logs/mail.log", Status: Failed, Compared: 12, DifferencesTotal: 2, Differences: []Difference{
				{Kind: "different", At: "/category", File: "logs/mail.log", Line: 14, Want: `"bad_mailbox"`, Got: `"policy"`},
				{Kind: "missing", File: "logs/mail.expect.ndjson", Line: 12, Want: `{"recipient":"ann@example.com"}`},
			}},
			{Kind: "attempts", File: "a.expect.ndjson", Of: "a.log", Status: Passed, Compared: 1, Differences: []Difference{}},
			{Kind: "attempts", File: "b.expect.ndjson", Of: "b.log", Status: Skipped, Note: "nothing is expected of b.log; --update writes the file", Differences: []Difference{}},
			{Kind: "attempts", File: "c.expect.ndjson", Of: "c.log", Status: Written, Compared: 2, Differences: []Difference{}},
		},
	}
	c.Finish(false)
	return c
}

func emptyCheck() *Check {
	c := &Check{Tool: Tool{"bouncelog", "1.2.3"}}
	c.Finish(false)
	return c
}

// hostileCheck has strangers' texts wherever a log, a file name or a file of gates gets one.
func hostileCheck() *Check {
	c := &Check{Tool: Tool{"bouncelog", "1.2.3"}}
	for _, s := range hostileTexts {
		c.Gates = append(c.Gates,
			GateResult{Name: s, Expr: `count{provider="` + s + `"} == 0`, Where: s, Severity: "error", Status: Failed, Metric: "count", Unit: "count", Value: pointTo(1.0),
				Numerator: pointTo[int64](1), Note: s, Evidence: []Evidence{{1, s, Example{Text: s, File: s, Line: 7}}}},
			GateResult{Name: s, Expr: "bounce_rate < 1%", Severity: "warning", Status: Failed, Metric: "bounce_rate", Unit: "share", Value: pointTo(1.0),
				Numerator: pointTo[int64](1), Denominator: pointTo[int64](1), Note: s, Evidence: []Evidence{{1, s, Example{Text: s, File: s}}}},
			GateResult{Name: s, Expr: "bounce_rate < 1%", Severity: "error", Status: Skipped, Metric: "bounce_rate", Unit: "share", Note: s, Evidence: []Evidence{}})
		c.Expectations = append(c.Expectations,
			Expectation{Kind: "report", File: s, Status: Failed, Compared: 1, DifferencesTotal: 1, Differences: []Difference{{Kind: "different", At: "/" + s, Want: s, Got: s}}},
			Expectation{Kind: "attempts", File: s, Of: s, Status: Failed, Compared: 1, DifferencesTotal: 1, Differences: []Difference{{Kind: "unexpected", File: s, Line: 3, Got: s}}},
			Expectation{Kind: "attempts", File: s, Of: s, Status: Skipped, Note: s, Differences: []Difference{}})
	}
	c.Finish(false)
	return c
}

func checks() map[string]*Check {
	return map[string]*Check{"": fullCheck(), "-empty": emptyCheck(), "-hostile": hostileCheck()}
}

func writeCheckAs(t testing.TB, format string, c *Check, o WriteOptions) []byte {
	t.Helper()
	f, err := FindCheckFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, c, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCheckWriters compares every format, over an ordinary, an empty and a hostile check, with its golden file.
func TestCheckWriters(t *testing.T) {
	for name, c := range checks() {
		for _, f := range CheckFormats() {
			golden(t, "check-"+f.Name+name, writeCheckAs(t, f.Name, c, WriteOptions{}))
		}
	}
	golden(t, "check-text-color", writeCheckAs(t, "text", fullCheck(), WriteOptions{Width: 120, Color: true}))
}

func TestFinish(t *testing.T) {
	c := fullCheck()
	if want := (CheckTotals{Passed: 4, Failed: 3, Warned: 1, Skipped: 3}); c.Totals != want || c.Status != Failed {
		t.Errorf("got %+v, %s, want %+v", c.Totals, c.Status, want)
	}
	// What asked to be skipped is skipped with --strict, too.
	c.Finish(true)
	if want := (CheckTotals{Passed: 4, Failed: 5, Warned: 1, Skipped: 1}); c.Totals != want {
		t.Errorf("strict: got %+v, want %+v", c.Totals, want)
	}
	if c = emptyCheck(); c.Status != Passed {
		t.Errorf("empty: %s", c.Status)
	}
	c = &Check{Gates: []GateResult{{Severity: "warning", Status: Failed}}}
	if c.Finish(true); c.Status != Passed {
		t.Errorf("a warning fails the check")
	}
}

// TestCheckIsSafe: nothing that a terminal may obey, that hides or that turns text around gets through any writer.
func TestCheckIsSafe(t *testing.T) {
	safe := func(name string, out []byte) {
		if !utf8.Valid(out) {
			t.Errorf("%s: no UTF-8", name)
		}
		if i := bytes.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
			t.Errorf("%s: unsafe at %d: %q", name, i, out[i:min(i+20, len(out))])
		}
	}
	for name, c := range checks() {
		for _, f := range CheckFormats() {
			safe(f.Name+name, writeCheckAs(t, f.Name, c, WriteOptions{}))
		}
	}
	for _, format := range []string{"junit", "github", "sarif"} {
		safe(format, write(t, format, hostileReport(t, 0), WriteOptions{}))
	}
}

// TestGitHub: every line is a command of ours, which a stranger can neither end nor begin.
func TestGitHub(t *testing.T) {
	outs := map[string][]byte{"report": write(t, "github", hostileReport(t, 0), WriteOptions{}), "full report": write(t, "github", fullReport(t, Options{}), WriteOptions{})}
	for name, c := range checks() {
		outs["check"+name] = writeCheckAs(t, "github", c, WriteOptions{})
	}
	for name, out := range outs {
		levels := make(map[string]int)
		for line := range strings.Lines(string(out)) {
			command, rest, _ := strings.Cut(strings.TrimPrefix(line, "::"), " ")
			properties, _, ok := strings.Cut(rest, "::")
			if !strings.HasPrefix(line, "::") || command != "error" && command != "warning" && command != "notice" || !ok {
				t.Errorf("%s: no command: %q", name, line)
			}
			levels[command]++
			for p := range strings.SplitSeq(properties, ",") {
				key, value, ok := strings.Cut(p, "=")
				if !ok || key != "file" && key != "line" && key != "title" || strings.ContainsAny(value, ":\r\n") {
					t.Errorf("%s: property %q in %q", name, p, line)
				}
			}
			if len(line) > 3*4*mostMessage {
				t.Errorf("%s: %d bytes in a line", name, len(line))
			}
		}
		if name == "report" && (levels["error"] != shownAnnotations || levels["notice"] != 1+shownAnnotations) {
			t.Errorf("%s: %v", name, levels)
		}
	}
}

func TestEscapeProperty(t *testing.T) {
	const s = "50% of a:b,c\r\nd"
	if got, want := escapeProperty(s), "50%25 of a%3Ab%2Cc%0D%0Ad"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := escapeCommand(s), "50%25 of a:b,c%0D%0Ad"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSARIF holds the documents against the schema of the part that is written, and the whole schema of the standard where
// it lies beside the module.
func TestSARIF(t *testing.T) {
	docs := map[string][]byte{"full": write(t, "sarif", fullReport(t, Options{}), WriteOptions{}), "empty": write(t, "sarif", emptyReport(t), WriteOptions{}),
		"hostile": write(t, "sarif", hostileReport(t, 0), WriteOptions{})}
	for name, c := range checks() {
		docs["check"+name] = writeCheckAs(t, "sarif", c, WriteOptions{})
	}
	validate := func(t *testing.T, path string) {
		t.Helper()
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		s, err := c.Compile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, doc := range docs {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := s.Validate(v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	validate(t, filepath.Join("testdata", "sarif-subset.schema.json"))
	for name, doc := range docs {
		var log sarifLog
		if err := json.Unmarshal(doc, &log); err != nil {
			t.Fatal(err)
		}
		rules := log.Runs[0].Tool.Driver.Rules
		for i, r := range log.Runs[0].Results {
			if r.RuleIndex >= len(rules) || rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("%s: result %d: rule %d is not %q", name, i, r.RuleIndex, r.RuleID)
			}
			for _, l := range r.Locations {
				if u, err := url.Parse(l.Physical.Artifact.URI); err != nil || u.Scheme != "" && u.Scheme != "file" || u.Host != "" {
					t.Errorf("%s: result %d: %q is no place of a file", name, i, l.Physical.Artifact.URI)
				}
			}
		}
	}
	t.Run("standard", func(t *testing.T) {
		standard := filepath.Join("..", "..", "shared", "specs", "sarif-schema-2.1.0.json")
		if _, err := os.Stat(standard); errors.Is(err, fs.ErrNotExist) {
			t.Skip("the schema of the standard is not beside the module")
		}
		validate(t, standard)
	})
}

func TestFileURI(t *testing.T) {
	for name, want := range map[string]string{
		"logs/mail.log": "logs/mail.log", "./mail log.1": "mail%20log.1", "/var/log/mail.log": "file:///var/log/mail.log",
		"a:b": "./a:b", "50%.log": "50%25.log", "../x": "../x", "bad\xff": "bad%EF%BF%BD", "?a#b": "%3Fa%23b", "//host/x": "file:///host/x",
	} {
		if got := fileURI(name); got != want {
			t.Errorf("fileURI(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestJUnit holds the documents against the structure that readers of JUnit XML agree on: testsuites of testsuite of testcase,
// each with its attributes, numbers that add up, and one result at most.
func TestJUnit(t *testing.T) {
	docs := map[string][]byte{"full": write(t, "junit", fullReport(t, Options{}), WriteOptions{}), "empty": write(t, "junit", emptyReport(t), WriteOptions{}),
		"hostile": write(t, "junit", hostileReport(t, 0), WriteOptions{})}
	for name, c := range checks() {
		docs["check"+name] = writeCheckAs(t, "junit", c, WriteOptions{})
	}
	for name, doc := range docs {
		if err := validJUnit(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The test can fail.
	for _, bad := range []string{
		`<testsuites tests="1" failures="0" errors="0" skipped="0" time="0" name="x"></testsuites>`,
		`<testsuites tests="0" failures="0" errors="0" skipped="0" time="0" name="x"><testcase/></testsuites>`,
		`<testsuites tests="0" failures="0" errors="0" skipped="0" time="0" name="x" what="y"></testsuites>`,
		`<testsuites tests="1" failures="0" errors="0" skipped="0" time="0" name="x"><testsuite tests="1" failures="0" errors="0" skipped="0" time="0" name="x">` +
			`<testcase classname="a" name="b" time="0"><failure message="m" type="t"/></testcase></testsuite></testsuites>`,
	} {
		if validJUnit([]byte(bad)) == nil {
			t.Errorf("taken for JUnit: %s", bad)
		}
	}
}

// junitElements are the elements: where they may stand, and which attributes they have (those in capitals must be there).
var junitElements = map[string]struct{ parent, attributes string }{
	"testsuites": {"", "NAME TESTS FAILURES ERRORS SKIPPED TIME"},
	"testsuite":  {"testsuites", "NAME TESTS FAILURES ERRORS SKIPPED TIME"},
	"testcase":   {"testsuite", "CLASSNAME NAME TIME file line"},
	"failure":    {"testcase", "MESSAGE TYPE"},
	"skipped":    {"testcase", "MESSAGE"},
	"system-out": {"testcase", ""},
}

func validJUnit(doc []byte) error {
	type tally struct{ tests, failures, skipped int }
	want, got := map[string]tally{}, map[string]*tally{"testsuites": {}, "testsuite": {}}
	var path []string
	names := make(map[string]bool)
	results := 0
	dec := xml.NewDecoder(bytes.NewReader(doc)) // it refuses characters that XML has no room for
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if len(names) == 0 && got["testsuites"].tests > 0 {
				return errors.New("no test case has a name")
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			e, ok := junitElements[name]
			parent := ""
			if len(path) > 0 {
				parent = path[len(path)-1]
			}
			if !ok || e.parent != parent {
				return errors.New(name + " in " + parent)
			}
			attrs := make(map[string]string)
			for _, a := range tok.Attr {
				attrs[a.Name.Local] = a.Value
			}
			for a := range strings.FieldsSeq(e.attributes) {
				if _, ok := attrs[strings.ToLower(a)]; !ok && a == strings.ToUpper(a) {
					return errors.New(name + " without " + strings.ToLower(a))
				}
			}
			for a := range attrs {
				if !strings.Contains(" "+strings.ToLower(e.attributes)+" ", " "+a+" ") {
					return errors.New(name + " with " + a)
				}
			}
			number := func(a string) int { n, _ := strconv.Atoi(attrs[a]); return n }
			switch name {
			case "testsuites", "testsuite":
				want[name] = tally{number("tests"), number("failures"), number("skipped")}
				got[name] = &tally{}
			case "testcase":
				results = 0
				id := attrs["classname"] + "\x00" + attrs["name"]
				if attrs["name"] == "" || names[id] {
					return errors.New("test case without a name of its own: " + attrs["name"])
				}
				names[id] = true
				got["testsuites"].tests++
				got["testsuite"].tests++
			case "failure":
				got["testsuites"].failures++
				got["testsuite"].failures++
				results++
			case "skipped":
				got["testsuites"].skipped++
				got["testsuite"].skipped++
				results++
			}
			if results > 1 {
				return errors.New("a test case with two results")
			}
			path = append(path, name)
		case xml.EndElement:
			name := path[len(path)-1]
			path = path[:len(path)-1]
			if w, ok := want[name]; ok && w != *got[name] {
				return errors.New(name + ": the numbers do not add up")
			}
		}
	}
}

func TestCheckSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(CheckSchema()))
	if err != nil {
		t.Fatal(err)
	}
	closed(t, "#", doc)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("check.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("check.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range checks() {
		out := writeCheckAs(t, "json", c, WriteOptions{})
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var back Check
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, &back); name != "-hostile" && diff != "" {
			t.Errorf("%s: read back (-want +got):\n%s", name, diff)
		}
	}
}
