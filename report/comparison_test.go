package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// fullComparison has a change of every scope and metric.
func fullComparison() *Comparison {
	example := &Example{Text: "host mx.example.com[192.0.2.25] said: 554 5.7.1 Client host [198.51.100.10] blocked using bl.example.net (in reply to MAIL FROM command)",
		File: "mail.log", Line: 77, Time: "2026-11-20T10:08:00Z"}
	change := func(ch Change, old, of, new, ofNew int64, verdict string) Change {
		ch.Old, ch.New, ch.Verdict, ch.P = NewPart(old, of), NewPart(new, ofNew), verdict, 1e-9
		ch.Difference, ch.Excess = *ch.New.Rate-*ch.Old.Rate, new-old*ofNew/of
		return ch
	}
	return &Comparison{
		Schema: ComparisonName, SchemaVersion: ComparisonVersion, Tool: Tool{"bouncelog", "1.2.3"},
		Old: Side{Name: "yesterday.json", First: "2026-11-19T00:00:03Z", Last: "2026-11-19T23:59:58Z", Settled: 240_113, Failed: 4_800, Pending: 120,
			BounceRate: rate(4_800, 240_113)},
		New: Side{Name: "mail.log", First: "2026-11-20T00:00:12Z", Last: "2026-11-20T23:59:58Z", Settled: 238_498, Failed: 5_400, Pending: 1_204,
			BounceRate: rate(5_400, 238_498)},
		Test:        ComparisonTest{Alpha: 0.05, MinOutcomes: 200, MinChange: 0.001, MinRatio: 1.2, Tested: 412, Correlation: 0.0002},
		Regressions: 4, Improvements: 1,
		Changes: []Change{
			change(Change{Metric: MetricDelayed, Scope: ScopeProviderCategory, Provider: "gmail", Category: "rate_limited", Example: example}, 200, 19_000, 2_900, 20_000, Regression),
			change(Change{Metric: MetricPending, Scope: ScopeTotal}, 120, 240_233, 1_204, 239_702, Regression),
			change(Change{Metric: MetricFailed, Scope: ScopeProviderCategory, Provider: "gmail", Category: "blocklisted", Example: example}, 20, 20_113, 656, 20_498, Regression),
			change(Change{Metric: MetricFailed, Scope: ScopeProvider, Provider: "gmail", Explained: true}, 400, 20_113, 1_020, 20_498, Regression),
			change(Change{Metric: MetricFailed, Scope: ScopeCategory, Category: "blocklisted", Explained: true, Example: example}, 80, 240_113, 700, 238_498, Regression),
			change(Change{Metric: MetricFailed, Scope: ScopeReply, ReplyCode: 554, EnhancedCode: "5.7.1", Example: example}, 41, 240_113, 660, 238_498, Regression),
			change(Change{Metric: MetricFailed, Scope: ScopeDomain, Domain: "example.net"}, 300, 1_200, 90, 1_180, Improvement),
		},
		Templates: []TemplateChange{
			{Change: TemplateNew, Text: "host <host>[<ip>] said: 554 5.7.1 Client host [<ip>] blocked using bl.example.net (in reply to MAIL FROM command)", Count: 656,
				Class: "permanent", ReplyCode: 554, EnhancedCode: "5.7.1", P: 1e-12, Example: example},
			{Change: TemplateVanished, Text: "connect to <host>[<ip>]:<n>: Connection refused", Count: 211, Class: "transient", P: 0.001},
		},
		Notes: []string{"a saved report has not all domains: others were not compared; save it without --top and --min-attempts"},
	}
}

// quietComparison has nothing to tell.
func quietComparison() *Comparison {
	c := fullComparison()
	c.Changes, c.Templates, c.Notes, c.Regressions, c.Improvements = []Change{}, []TemplateChange{}, []string{}, 0, 0
	return c
}

// hostileComparison has strangers' texts wherever a log or a file name gets one.
func hostileComparison() *Comparison {
	c := quietComparison()
	for _, s := range hostileTexts {
		c.Old.Name, c.New.Name = s, s
		example := &Example{Text: s, File: s, Line: 7}
		c.Changes = append(c.Changes,
			Change{Metric: MetricFailed, Scope: ScopeProviderCategory, Provider: s, Category: "blocklisted", Old: NewPart(1, 300), New: NewPart(200, 300), Excess: 199, Verdict: Regression, Example: example},
			Change{Metric: MetricFailed, Scope: ScopeDomain, Domain: s, Old: NewPart(200, 300), New: NewPart(1, 300), Excess: -199, Verdict: Improvement},
			Change{Metric: MetricFailed, Scope: ScopeProvider, Provider: s, Old: NewPart(1, 300), New: NewPart(200, 300), Excess: 199, Verdict: Regression, Explained: true})
		c.Templates = append(c.Templates, TemplateChange{Change: TemplateNew, Text: s, Count: 30, Class: "permanent", Example: example})
		c.Notes = append(c.Notes, s)
		c.Regressions, c.Improvements = c.Regressions+1, c.Improvements+1
	}
	return c
}

func writeComparison(t testing.TB, format string, c *Comparison, o WriteOptions) []byte {
	t.Helper()
	f, err := FindComparisonFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, c, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestComparisonWriters(t *testing.T) {
	for _, f := range ComparisonFormats() {
		golden(t, "comparison-"+f.Name, writeComparison(t, f.Name, fullComparison(), WriteOptions{}))
		golden(t, "comparison-"+f.Name+"-quiet", writeComparison(t, f.Name, quietComparison(), WriteOptions{}))
		golden(t, "comparison-"+f.Name+"-hostile", writeComparison(t, f.Name, hostileComparison(), WriteOptions{}))
	}
	r := emptyReport(t)
	r.Comparison = fullComparison()
	golden(t, "table-comparison", write(t, "table", r, WriteOptions{}))
	golden(t, "markdown-comparison", write(t, "markdown", r, WriteOptions{}))
	if _, err := FindComparisonFormat("table"); err == nil || err.Error() != `unknown format "table": want text, json or markdown` {
		t.Errorf("unknown format: %v", err)
	}
}

// TestComparisonInHTML: every change is in the page, and what strangers wrote is text in it.
func TestComparisonInHTML(t *testing.T) {
	r := emptyReport(t)
	r.Comparison = fullComparison()
	page := string(write(t, "html", r, WriteOptions{}))
	for _, want := range []string{"Since the baseline", "4 regressions, 1 improvement", ">Regressions<", "2,690<", "blocklisted, 20 of 20,113 → 656 of 20,498 outcomes",
		"reply 554 5.7.1", "domain example.net", "−205", "What follows from these: 2 changes", "613<", ">New diagnostics<", ">Vanished diagnostics<", "Connection refused",
		"mail.log:77", "Not compared", "has not all domains"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	r.Comparison = hostileComparison()
	page = string(write(t, "html", r, WriteOptions{}))
	if strings.Contains(page, "<script") || strings.Contains(page, "\x1b") || strings.Contains(page, "\u202e") {
		t.Error("the page has what strangers wrote as it stood")
	}
	r.Comparison = quietComparison()
	if page := string(write(t, "html", r, WriteOptions{})); !strings.Contains(page, "nothing changed beyond chance") || strings.Contains(page, ">Regressions<") {
		t.Error("the page of a quiet comparison tells something")
	}
	r.Comparison = nil
	if strings.Contains(string(write(t, "html", r, WriteOptions{})), "baseline") {
		t.Error("the page speaks of a baseline that there is none of")
	}
}

func TestComparisonTextIsSafeAndFits(t *testing.T) {
	for name, c := range map[string]*Comparison{"full": fullComparison(), "hostile": hostileComparison()} {
		for width, most := range map[int]int{0: pipeWidth, 60: 60, 120: 120} {
			for i, line := range strings.Split(string(writeComparison(t, "text", c, WriteOptions{Width: width, Top: 100})), "\n") {
				if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
					t.Errorf("%s, width %d, line %d: unsafe: %q", name, width, i+1, line)
				}
				if w := displayWidth(line); w > most {
					t.Errorf("%s, width %d, line %d: %d columns: %q", name, width, i+1, w, line)
				}
			}
		}
	}
}

// TestComparisonSchema: a comparison is what the schema says, by itself and in a report.
func TestComparisonSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*Comparison{"full": fullComparison(), "quiet": quietComparison(), "hostile": hostileComparison()} {
		r := emptyReport(t)
		r.Comparison = x
		for ref, out := range map[string][]byte{
			"report.json#/$defs/comparison": writeComparison(t, "json", x, WriteOptions{}),
			"report.json":                   write(t, "json", r, WriteOptions{}),
		} {
			s, err := c.Compile(ref)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(v); err != nil {
				t.Errorf("%s, %s: %v", name, ref, err)
			}
			if i := bytes.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
				t.Errorf("%s: unsafe at %d: %q", name, i, out[i:min(i+20, len(out))])
			}
		}
	}
	var back Comparison
	if err := json.Unmarshal(writeComparison(t, "json", fullComparison(), WriteOptions{}), &back); err != nil || len(back.Changes) != len(fullComparison().Changes) {
		t.Errorf("read back: %v", err)
	}
}

func TestVerdict(t *testing.T) {
	none := quietComparison()
	none.Test.Tested = 0
	one := quietComparison()
	one.Changes, one.Regressions = fullComparison().Changes[:1], 1
	for _, c := range []struct {
		c    *Comparison
		want string
	}{
		{fullComparison(), "4 regressions, 1 improvement, 2 more that follow, 1 new diagnostic, 1 diagnostic has vanished"},
		{quietComparison(), "nothing changed beyond chance"},
		{none, "nothing could be compared: there are too few outcomes, or failures, on one side"},
		{one, "1 regression"},
	} {
		if got := c.c.verdict(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestSentences(t *testing.T) {
	want := []string{
		"gmail: delayed, rate_limited 1.05% → 14.50% of deliveries, +2,690",
		"all mail: pending 0.05% → 0.50% of outcomes, +1,085",
		"gmail: blocklisted 0.10% → 3.20% of outcomes, +636",
		"gmail: bounced or expired 1.99% → 4.98% of outcomes, +613",
		"all mail: blocklisted 0.03% → 0.29% of outcomes, +621",
		"reply 554 5.7.1: bounced 0.02% → 0.28% of outcomes, +620",
		"domain example.net: bounced or expired 25.00% → 7.63% of outcomes, −205",
	}
	for i, ch := range fullComparison().Changes {
		if got := ch.sentence(); got != want[i] {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
}
