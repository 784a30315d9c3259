package report

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// outputs returns what every format makes of a report: of csv, all sections.
func outputs(t testing.TB, r *Report) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, f := range Formats() {
		out[f.Name] = string(write(t, f.Name, r, WriteOptions{Top: 100, Width: mostWidth})) // room for long numbers
	}
	out["csv"] = ""
	for _, s := range Sections() {
		out["csv"] += "# " + s + "\n" + string(write(t, "csv", r, WriteOptions{Section: s}))
	}
	return out
}

// TestEveryNumberIsTheModels walks all writers. An ordinary report gets numbers that are all different, and another one gets
// others: what differs between the two outputs is of the model, or the writer made it up.
func TestEveryNumberIsTheModels(t *testing.T) {
	a, b := fullReport(t, Options{}), fullReport(t, Options{})
	renumber(reflect.ValueOf(a), &numbering{int: 3_000_017})
	renumber(reflect.ValueOf(b), &numbering{int: 6_000_011, rate: 400_000})
	known := make(map[string]bool)
	learn(reflect.ValueOf(a), known)
	if len(known) < 600 {
		t.Fatalf("only %d numbers in the model: the test does not see it all", len(known))
	}
	other := outputs(t, b)
	for name, text := range outputs(t, a) {
		same := make(map[string]bool)
		for _, n := range numbersIn(other[name]) {
			same[n] = true
		}
		seen := 0
		for _, n := range numbersIn(text) {
			switch {
			case same[n]: // of a text, or of the layout
			case known[n]:
				seen++
			default:
				t.Errorf("%s: %s is no number of the model", name, n)
			}
		}
		if seen < 10 {
			t.Errorf("%s: %d numbers of the model: the test does not see them", name, seen)
		}
	}
}

// TestEveryNumberIsWritten: flat formats for machines leave nothing out.
func TestEveryNumberIsWritten(t *testing.T) {
	var r Report
	next, want := int64(1000), make(map[string]string)
	fill(reflect.ValueOf(&r).Elem(), "Report", &next, want)
	all := outputs(t, &r)
	for _, name := range []string{"json", "ndjson", "csv"} {
		found := make(map[string]bool)
		for _, n := range regexp.MustCompile(`[0-9]+`).FindAllString(all[name], -1) {
			found[n] = true
		}
		for n, path := range want {
			if !found[n] {
				t.Errorf("%s: %s is missing", name, path)
			}
		}
	}
}

// A numbering gives numbers that it gave nobody before: of seven digits, and rates of six.
type numbering struct{ int, rate int64 }

func renumber(v reflect.Value, s *numbering) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			renumber(v.Elem(), s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			renumber(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			renumber(v.Index(i), s)
		}
	case reflect.Int, reflect.Int64:
		s.int += 1009
		v.SetInt(s.int)
	case reflect.Float64:
		s.rate += 211
		v.SetFloat(float64(s.rate) / 1e6)
	}
}

// learn collects the numbers of the model, the results of its methods among them, as writers spell them.
func learn(v reflect.Value, known map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			learn(v.Elem(), known)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			learn(v.Field(i), known)
		}
		p := v.Addr()
		for i := range p.NumMethod() {
			if m := p.Method(i).Type(); m.NumIn() == 0 && m.NumOut() == 1 && m.Out(0).Kind() == reflect.Int64 {
				known[strconv.FormatInt(p.Method(i).Call(nil)[0].Int(), 10)] = true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			learn(v.Index(i), known)
		}
	case reflect.Int, reflect.Int64:
		known[strconv.FormatInt(v.Int(), 10)] = true
	case reflect.Float64:
		f := v.Float()
		for _, s := range []string{strconv.FormatFloat(f, 'f', -1, 64), percent(&f), took(&f)} {
			for _, n := range numbersIn(s) {
				known[n] = true
			}
		}
	}
}

// numbersIn returns the numbers that a reader sees in a text: not those in the tags of HTML.
func numbersIn(text string) []string {
	if strings.HasPrefix(text, "<!") {
		text = regexp.MustCompile(`(?s)<style.*?</style>|<[^>]*>`).ReplaceAllString(text, " ")
	}
	all := regexp.MustCompile(`\b[0-9]{1,3}(?:,[0-9]{3})+\b|[0-9]+(?:\.[0-9]+)*`).FindAllString(text, -1)
	for i, n := range all {
		all[i] = strings.ReplaceAll(n, ",", "")
	}
	return all
}

// largeReport is of many domains, with so many rows of each list, 0 for all.
func largeReport(t testing.TB, domains, top int) *Report {
	t.Helper()
	c := summary.NewCounts()
	var tb tables
	var rows, senders, providers []summary.NamedTally
	tops := make(map[string]summary.ReplyCount, domains)
	for i := range domains {
		name := fmt.Sprintf("mail%d.domain-%d.example", i%7, i)
		n := int64(i%1000) + 1
		row := tally(n, n/2, n/3, n, 0, n/3, 0, 0)
		rows = append(rows, summary.NamedTally{Name: name, Tally: row})
		tops[name] = reply(550, "5.1.1", parsers.Permanent, n)
		if i < 2000 {
			text := "host <host>[<ip>] said: 550 5.1.1 <address>: variant " + name
			tb.templates = append(tb.templates, summary.Template{Text: text, N: n, Reply: reply(550, "5.1.1", parsers.Permanent, 0).ReplyKey,
				Example: summary.Evidence{Text: text, Time: at("1h")}})
			senders = append(senders, summary.NamedTally{Name: "s-" + name, Tally: row})
			providers = append(providers, summary.NamedTally{Name: name, Tally: row})
		}
		c.Total.Attempts.Sent += n
	}
	tb.topReplies = given(tops)
	tb.domains, tb.senders, tb.providers = slices.Values(rows), slices.Values(senders), slices.Values(providers)
	return mustBuild(t, c, tb, Options{Top: top, Tool: Tool{"bouncelog", "1.2.3"}, Locate: locate})
}

// TestLargeReport: 100,000 domains take 300 MiB at most in any format, and people are spared most of them. Two seconds are
// the aim, which BenchmarkLargeReport measures: a machine that does other things too takes longer.
func TestLargeReport(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	r := largeReport(t, manyDomains, 0)
	x := redactor(t, RedactAll)
	for _, f := range append(Formats(), Format{Name: "redact", Write: func(io.Writer, *Report, WriteOptions) error { Redact(x, r); return nil }}) {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var n counter
		start := time.Now()
		if err := f.Write(&n, r, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		// What was allocated is more than what was in use at any time.
		mem := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%-10s %8.0f ms, %4d MiB allocated, %9d bytes written", f.Name, took.Seconds()*1000, mem, n)
		if mem > 300 {
			t.Errorf("%s allocates %d MiB", f.Name, mem)
		}
		if people := []string{"table", "markdown"}; slices.Contains(people, f.Name) && n > 64<<10 {
			t.Errorf("%s writes %d bytes: it does not keep to --top", f.Name, n)
		}
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func BenchmarkLargeReport(b *testing.B) {
	r := largeReport(b, manyDomains, 0)
	for _, f := range Formats() {
		b.Run("format="+f.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var n counter
				if err := f.Write(&n, r, WriteOptions{}); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(n))
			}
		})
	}
}
