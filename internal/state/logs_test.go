package state

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/source"

	"github.com/google/go-cmp/cmp"
)

// run plans the folder's logs, takes all steps as read, and returns what they were: name, from, and till.
func run(t *testing.T, dir string, known []Log) ([]Log, []string) {
	t.Helper()
	inputs, _, _ := source.Expand([]string{dir}, nil)
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	p, errs := NewPlan(known, inputs, now)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var steps []string
	for _, s := range p.Steps {
		r, err := s.Input.Open(t.Context(), source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			var piece source.Piece
			if piece, err = r.Next(t.Context()); err == nil {
				piece.Load(new(source.Buffer))
			}
		}
		end, tail, err := r.End()
		if err != nil {
			t.Fatal(err)
		}
		s.Read(end, 1, tail, true)
		r.Close()
		steps = append(steps, fmt.Sprintf("%s %d-%d", filepath.Base(s.Input.Path), s.From, end))
	}
	logs := p.Logs(time.Hour)
	b, err := json.Marshal(logs)
	if err != nil {
		t.Fatal(err)
	}
	logs = nil
	if err := json.Unmarshal(b, &logs); err != nil {
		t.Fatal(err)
	}
	return logs, steps
}

// A log is the same under every name and compression, and another one whatever its name.
func TestPlan(t *testing.T) {
	// Each of these is a line of ten bytes.
	text := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "line %4d\n", i)
		}
		return b.String()
	}
	zip := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}
	const head = "#Software: x\n#Fields: a b c\n"
	type files map[string]string
	for _, tt := range []struct {
		name  string
		days  []files // the folder, run by run
		steps [][]string
	}{
		{"grows", []files{{"a": text(0, 3)}, {"a": text(0, 3)}, {"a": text(0, 900)}, {"a": text(0, 901)}},
			[][]string{{"a 0-30"}, nil, {"a 30-9000"}, {"a 9000-9010"}}},
		{"rename, gzip, delete, come back", []files{{"a": text(0, 900)}, {"a": text(1000, 1001), "a.1": text(0, 910)}, {"a.2.gz": zip(text(0, 910)), "a": text(1000, 1050)},
			{"a.2.gz": zip(text(0, 910))}, {}, {"b.gz": zip(text(0, 910)), "b": text(0, 911)}},
			[][]string{{"a 0-9000"}, {"a.1 9000-9100", "a 0-10"}, {"a.2.gz 9100-9100", "a 10-500"}, nil, nil, {"b 9100-9110"}}},
		{"copytruncate", []files{{"a": text(0, 50)}, {"a": text(60, 61), "a.1": text(0, 60)}, {"a": text(60, 70), "a.1": text(0, 60)}},
			[][]string{{"a 0-500"}, {"a.1 500-600", "a 0-10"}, {"a 10-100"}}},
		{"copy in the making", []files{{"a": text(0, 50)}, {"a": text(0, 50), "a.1": text(0, 2)}, {"a.1": text(0, 40)}, {"a.1": text(0, 55)}},
			[][]string{{"a 0-500"}, nil, nil, {"a.1 500-550"}}},
		{"partial line", []files{{"a": "line"}, {"a": text(0, 1) + "line"}, {"a": text(0, 2)}}, [][]string{nil, {"a 0-10"}, {"a 10-20"}}},
		{"two with one header", []files{{"a": head + text(0, 50)}, {"a": head + text(0, 50), "b": head}, {"a": head + text(0, 50), "b": head + text(50, 60)}},
			[][]string{{"a 0-528"}, nil, {"b 0-128"}}},
		{"two that begin as one", []files{{"a": head, "b": head}, {"a": head + text(0, 5), "b": head + text(5, 9)}},
			[][]string{{"a 0-28"}, {"a 28-78", "b 0-68"}}},
		{"the first day has it twice", []files{{"a.1": text(0, 50), "b": text(0, 60), "c.gz": zip(text(0, 60))}, {"a.1": text(0, 50), "b": text(0, 60), "c.gz": zip(text(0, 60))},
			{"a.1": text(0, 50), "b": text(0, 60), "c.gz": zip(text(0, 60))}}, [][]string{{"b 0-600"}, {"c.gz 600-600"}, nil}},
		{"one long line", []files{{"a": strings.Repeat("x", 5000) + "\n"}, {"a": strings.Repeat("x", 5000) + "\n" + text(0, 1)}},
			[][]string{{"a 0-5001"}, {"a 5001-5011"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logs []Log
			for day, now := range tt.days {
				dir := t.TempDir()
				for name, text := range now {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					// A file that nobody touches keeps its time.
					if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1_700_000_000, 5)); err != nil {
						t.Fatal(err)
					}
				}
				var steps []string
				logs, steps = run(t, dir, logs)
				if d := cmp.Diff(tt.steps[day], steps); d != "" {
					t.Fatalf("run %d (-want +got):\n%s", day+1, d)
				}
			}
		})
	}
}

// Logs that nobody has seen for long are forgotten.
func TestKeep(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	known := []Log{{Marks: []Mark{{5, 1}}, Read: 5, Seen: now.Add(-48 * time.Hour).Unix()}, {Marks: []Mark{{5, 2}}, Read: 5, Seen: now.Unix()}}
	p, _ := NewPlan(known, nil, now)
	if logs := p.Logs(24 * time.Hour); len(logs) != 1 || logs[0].Marks[0].Sum != 2 {
		t.Errorf("kept %v", logs)
	}
}

func FuzzMark(f *testing.F) {
	f.Add("10:00000000000000ff")
	f.Add("-1:zz")
	f.Fuzz(func(t *testing.T, text string) {
		var m, again Mark
		if m.UnmarshalText([]byte(text)) != nil {
			return
		}
		b, err := m.MarshalText()
		if err != nil || again.UnmarshalText(b) != nil || again != m {
			t.Errorf("%q is %v, then %v", text, m, again)
		}
	})
}
