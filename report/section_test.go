package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestSections(t *testing.T) {
	names := Sections()
	for _, want := range strings.Fields("report inputs window coverage coverage.hosts totals totals.origins outcomes classes replies categories providers providers.categories " +
		"domains senders delivery_times delivery_times.attempts delivery_times.retries timeline breakdowns templates hints") {
		if err := CheckSection(want); err != nil {
			t.Error(err)
		}
	}
	seen := make(map[string]bool)
	for _, s := range sections() {
		if seen[s.name] {
			t.Errorf("two sections are called %s", s.name)
		}
		seen[s.name] = true
		columns := make(map[string]bool)
		for _, c := range s.columns {
			if columns[c.name] {
				t.Errorf("%s: two columns are called %s", s.name, c.name)
			}
			columns[c.name] = true
		}
		if len(s.columns) == 0 {
			t.Errorf("%s has no column", s.name)
		}
	}
	if len(seen) != len(names) || CheckSection("") != nil {
		t.Errorf("%d sections, %d names", len(seen), len(names))
	}
	if err := CheckSection("domain"); err == nil || !strings.HasPrefix(err.Error(), `unknown section "domain": want report, tool, inputs, `) {
		t.Errorf("got %v", err)
	}
	if err := writeCSV(nil, &Report{}, WriteOptions{Section: "x"}); err == nil {
		t.Error("a section that is none is written")
	}
}

// TestCSVSections has all sections of an ordinary report in one golden file, and reads each as a spreadsheet would.
func TestCSVSections(t *testing.T) {
	var all bytes.Buffer
	full := fullReport(t, Options{})
	reports := map[string]*Report{"full": full, "empty": emptyReport(t), "hostile": hostileReport(t, 0)}
	for _, s := range sections() {
		for name, r := range reports {
			out := write(t, "csv", r, WriteOptions{Section: s.name})
			rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
			if err != nil {
				t.Fatalf("%s, %s: %v", s.name, name, err)
			}
			if n := bytes.Count(out, []byte("\n")); n != len(rows) {
				t.Errorf("%s, %s: %d rows on %d lines", s.name, name, len(rows), n)
			}
			want := 1
			if err := s.rows(r, func(_, _ reflect.Value) error { want++; return nil }); err != nil || len(rows) != want {
				t.Errorf("%s, %s: %d rows, want %d", s.name, name, len(rows), want)
			}
			for _, row := range rows {
				for i, text := range row {
					if isFormula(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
						t.Errorf("%s, %s: %s is unsafe: %q", s.name, name, rows[0][i], text)
					}
				}
			}
		}
		all.WriteString("# " + s.name + "\n")
		all.Write(write(t, "csv", full, WriteOptions{Section: s.name}))
	}
	golden(t, "csv-sections", all.Bytes())
}

// TestNDJSONIsTheJSON: put together again, the lines are what the format json writes.
func TestNDJSONIsTheJSON(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "empty": emptyReport(t), "hostile": hostileReport(t, 0)} {
		var want map[string]any
		if err := json.Unmarshal(write(t, "json", r, WriteOptions{}), &want); err != nil {
			t.Fatal(err)
		}
		got := make(map[string]any)
		for key, v := range want { // a list without a row has no line
			if list, ok := v.([]any); ok && len(list) == 0 {
				got[key] = []any{}
			}
		}
		out := write(t, "ndjson", r, WriteOptions{})
		for line := range bytes.Lines(out) {
			var row map[string]any
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatalf("%s: %v: %s", name, err, line)
			}
			section := row["section"].(string)
			delete(row, "section")
			_, many := want[section].([]any)
			switch {
			case section == reportSection:
				for key, v := range row {
					got[key] = v
				}
			case many:
				list, _ := got[section].([]any)
				got[section] = append(list, row)
			default:
				got[section] = row
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-json +ndjson):\n%s", name, diff)
		}
		if i := bytes.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
			t.Errorf("%s: unsafe at %d: %q", name, i, out[i:min(i+20, len(out))])
		}
	}
}
