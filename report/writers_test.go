package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs; run with -update and look at it (-want +got):\n%s", path, diff)
	}
}

func write(t testing.TB, format string, r *Report, o WriteOptions) []byte {
	t.Helper()
	f, err := FindFormat(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWriters compares every format, over an ordinary, an empty and a hostile report, with its golden file.
func TestWriters(t *testing.T) {
	full, empty, hostile := fullReport(t, Options{}), emptyReport(t), hostileReport(t, 0)
	for _, f := range Formats() {
		golden(t, f.Name, write(t, f.Name, full, WriteOptions{}))
		golden(t, f.Name+"-empty", write(t, f.Name, empty, WriteOptions{}))
		golden(t, f.Name+"-hostile", write(t, f.Name, hostile, WriteOptions{}))
	}
	golden(t, "table-80", write(t, "table", full, WriteOptions{Width: 80}))
	golden(t, "table-120", write(t, "table", full, WriteOptions{Width: 120}))
	golden(t, "table-color", write(t, "table", full, WriteOptions{Width: 120, Color: true}))
	golden(t, "table-top", write(t, "table", fullReport(t, Options{Top: 2, Sort: SortRate}), WriteOptions{Top: 2}))
	golden(t, "table-hostile-120", write(t, "table", hostile, WriteOptions{Width: 120, Top: 3}))
}

func TestTableIsSafeAndFits(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "hostile": hostileReport(t, 0)} {
		for width, most := range map[int]int{0: pipeWidth, 80: 80, 100: 100, 120: 120, 400: mostWidth} {
			out := write(t, "table", r, WriteOptions{Width: width, Top: 100})
			for i, line := range strings.Split(string(out), "\n") {
				if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
					t.Errorf("%s, width %d, line %d: unsafe: %q", name, width, i+1, line)
				}
				if w := displayWidth(line); w > most {
					t.Errorf("%s, width %d, line %d: %d columns: %q", name, width, i+1, w, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s, width %d, line %d: blank at the end: %q", name, width, i+1, line)
				}
			}
		}
	}
}

// TestTableColor: colours are all that Color adds.
func TestTableColor(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "hostile": hostileReport(t, 0)} {
		colored := string(write(t, "table", r, WriteOptions{Color: true}))
		for _, st := range []style{bold, dim, red, green, yellow, reset} {
			colored = strings.ReplaceAll(colored, string(st), "")
		}
		if diff := cmp.Diff(string(write(t, "table", r, WriteOptions{})), colored); diff != "" {
			t.Errorf("%s: (-plain +coloured):\n%s", name, diff)
		}
	}
}

// TestTableIgnoresLocale: tablewriter takes the width of `…` and `–` from LANG.
func TestTableIgnoresLocale(t *testing.T) {
	r := fullReport(t, Options{})
	want := write(t, "table", r, WriteOptions{})
	twwidth.SetEastAsian(true)
	defer twwidth.SetOptions(twwidth.Options{})
	if diff := cmp.Diff(string(want), string(write(t, "table", r, WriteOptions{}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	closed(t, "#", doc)
	for name, r := range map[string]*Report{
		"full": fullReport(t, Options{}), "top": fullReport(t, Options{Top: 1, MinAttempts: 10}), "empty": emptyReport(t), "hostile": hostileReport(t, 0),
	} {
		out := write(t, "json", r, WriteOptions{})
		if !utf8.Valid(out) || out[len(out)-1] != '\n' || bytes.Contains(out, []byte("null")) && name != "hostile" {
			t.Errorf("%s: bad JSON", name)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if i := bytes.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
			t.Errorf("%s: unsafe at %d: %q", name, i, out[i:min(i+20, len(out))])
		}
		var back Report
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != "hostile" { // bytes that are no UTF-8 are not kept
			if diff := cmp.Diff(r, &back); diff != "" {
				t.Errorf("%s: read back (-want +got):\n%s", name, diff)
			}
		}
	}
}

// closed fails for objects in the schema that let unknown keys pass.
func closed(t *testing.T, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok && v["type"] == "object" && v["additionalProperties"] != false {
			t.Errorf("%s: additionalProperties is not false", path)
		}
		for k, x := range v {
			closed(t, path+"/"+k, x)
		}
	case []any:
		for _, x := range v {
			closed(t, path, x)
		}
	}
}

// TestEveryNumberInJSON fills the model with numbers that are all different, and looks for each in the JSON.
func TestEveryNumberInJSON(t *testing.T) {
	var r Report
	next := int64(1000)
	want := make(map[string]string)
	fill(reflect.ValueOf(&r).Elem(), "Report", &next, want)
	out := write(t, "json", &r, WriteOptions{})
	found := make(map[string]bool)
	dec := json.NewDecoder(bytes.NewReader(out))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		if n, ok := tok.(json.Number); ok {
			found[n.String()] = true
		}
	}
	if len(want) < 90 {
		t.Errorf("only %d numbers in the model: the test does not see it all", len(want))
	}
	for n, path := range want {
		if !found[n] {
			t.Errorf("%s is not in the JSON", path)
		}
	}
}

func fill(v reflect.Value, path string, next *int64, want map[string]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), path+"."+v.Type().Field(i).Name, next, want)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), path+"[0]", next, want)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path, next, want)
	case reflect.Int, reflect.Int64:
		*next++
		v.SetInt(*next)
		want[json.Number(formatInt(*next)).String()] = path
	case reflect.Float64:
		*next++
		v.SetFloat(float64(*next))
		want[formatInt(*next)] = path
	}
}

func formatInt(n int64) string { b, _ := json.Marshal(n); return string(b) }

// A format that makes nothing of the rows after the first writes the same where they are not made.
func TestFormatTop(t *testing.T) {
	x := redactor(t, RedactAll)
	for _, f := range Formats() {
		if f.Top == 0 {
			continue
		}
		for name, build := range map[string]func(top int) *Report{
			"full":    func(top int) *Report { return fullReport(t, Options{Top: top}) },
			"sorted":  func(top int) *Report { return fullReport(t, Options{Top: top, Sort: SortRate, MinAttempts: 3}) },
			"hostile": func(top int) *Report { return hostileReport(t, top) },
			"large":   func(top int) *Report { return largeReport(t, 1000, top) },
		} {
			all, first := build(0), build(f.Top)
			for level, pair := range map[string][2]*Report{"": {all, first}, ", redacted": {Redact(x, all), Redact(x, first)}} {
				if diff := cmp.Diff(string(write(t, f.Name, pair[0], WriteOptions{})), string(write(t, f.Name, pair[1], WriteOptions{}))); diff != "" {
					t.Errorf("%s, %s%s: other words where only the first %d rows were made (-all +first):\n%s", f.Name, name, level, f.Top, diff)
				}
			}
		}
	}
}

func TestFindFormat(t *testing.T) {
	_, err := FindFormat("xml")
	if want := `unknown report format "xml": want table, json, `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 1<<63 - 1: "9,223,372,036,854,775,807"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	for _, c := range []struct {
		n, of int64
		want  string
	}{
		{0, 0, "–"}, {0, 5, "0.00%"}, {5, 5, "100.00%"}, {1, 100_000, "<0.01%"}, {99_999, 100_000, ">99.99%"}, {1, 3, "33.33%"},
	} {
		if got := percent(rate(c.n, c.of)); got != c.want {
			t.Errorf("percent(%d/%d) = %q, want %q", c.n, c.of, got, c.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"", 1, ""}, {"ab", 1, "…"},
	} {
		if got := fit(c.s, c.width); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
	if got := fit("e"+strings.Repeat("\u0301", 1000), 10); utf8.RuneCountInString(got) > 41 {
		t.Errorf("fit lets %d marks pass", utf8.RuneCountInString(got))
	}
	if diff := cmp.Diff([]string{"one two", "three", "four f…"}, wrap("one two three four five", 7, 3)); diff != "" {
		t.Errorf("wrap (-want +got):\n%s", diff)
	}
}
