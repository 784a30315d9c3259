// Package parsertest is what the tests of formats have in common: golden files, the collection of examples, and what must
// hold of every parser whatever it reads.
package parsertest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Open returns a parser of a format, for the records under a header where it has any.
func Open(tb testing.TB, f parsers.Format, head string) parsers.Parser {
	tb.Helper()
	p, err := f.Open(parsers.Sample{Head: head}, parsers.Options{})
	if err != nil {
		tb.Fatalf("open %s for %q: %v", f.Name, head, err)
	}
	return p
}

// Sample returns what Sniff sees of lines without a header.
func Sample(texts ...string) (s parsers.Sample) {
	for _, text := range texts {
		s.Lines = append(s.Lines, parsers.Line{Raw: text, Text: text})
	}
	return s
}

// A Record is a line, and the parser that reads it.
type Record struct {
	parsers.Line
	Parser parsers.Parser
}

// Log returns the text of a log in testdata.
func Log(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// Read returns the records of a log in testdata.
func Read(tb testing.TB, f parsers.Format, name string) []Record {
	tb.Helper()
	return Records(tb, f, Log(tb, name))
}

// Records cuts a text into records as the scan does, JSON being one object a line. The years of stamps without one are
// those of 2026.
func Records(tb testing.TB, f parsers.Format, text string) []Record {
	tb.Helper()
	raws := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if f.Framing == parsers.CSV {
		raws = joinQuoted(raws)
	}
	o := syslog.Options{}
	o.Anchor = syslog.Anchor(raws, syslog.Reference{Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, o)
	header := syslog.NewReader(o)
	var sample parsers.Sample
	for _, raw := range raws {
		raw = strings.TrimSuffix(strings.TrimPrefix(raw, "\ufeff"), "\r")
		if raw == "" {
			continue
		}
		line, ok := header.Cut(raw)
		if !ok {
			line = parsers.Line{Raw: raw, Text: raw}
		}
		sample.Lines = append(sample.Lines, line)
	}
	var p parsers.Parser
	var records []Record
	for _, line := range sample.Lines {
		head := f.Header != "" && strings.HasPrefix(line.Raw, f.Header)
		if head || p == nil {
			var err error
			sample.Head = line.Raw
			if p, err = f.Open(sample, parsers.Options{}); err != nil {
				tb.Fatalf("open %s for %q: %v", f.Name, sample.Head, err)
			}
		}
		if !head {
			records = append(records, Record{line, p})
		}
	}
	return records
}

// joinQuoted puts lines together whose ends are in quotes (RFC 4180 2).
func joinQuoted(lines []string) []string {
	var rows []string
	open := false
	for _, line := range lines {
		if open {
			rows[len(rows)-1] += "\n" + line
		} else {
			rows = append(rows, line)
		}
		open = open != (strings.Count(line, `"`)%2 == 1)
	}
	return rows
}

// Golden compares what each testdata/*.log tells with the file .golden beside it, record by record, silent ones too. With
// the flag -update it writes them anew. Where the format has a joiner it sees the parts.
func Golden(t *testing.T, f parsers.Format) {
	if f.Join != nil {
		f = Joined(f)
	}
	logs, err := filepath.Glob(filepath.Join("testdata", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal("no logs", err)
	}
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			var b strings.Builder
			for _, r := range Read(t, f, filepath.Base(log)) {
				fmt.Fprintf(&b, "%s\n", strings.ReplaceAll(r.Raw, "\r\n", `\r\n`))
				evs, err := r.Parser.AppendEvents(nil, &r.Line)
				if err != nil {
					fmt.Fprintf(&b, "\t%v\n", err)
				}
				for i := range evs {
					fmt.Fprintf(&b, "\t%s\n", Print(&evs[i]))
				}
			}
			golden := strings.TrimSuffix(log, ".log") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.Split(b.String(), "\n"), strings.Split(string(want), "\n"))
		})
	}
}

// compare tells the first lines that differ.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("line %d\n got %s\nwant %s", i+1, g, w)
		}
	}
}

var kindNames = [...]string{
	parsers.Accepted: "accepted", parsers.Named: "named", parsers.Queued: "queued", parsers.Attempted: "attempted",
	parsers.Tried: "tried", parsers.Expired: "expired", parsers.Removed: "removed", parsers.Requeued: "requeued",
	parsers.Rejected: "rejected", parsers.Part: "part",
}

// Print returns an event as one line that has every field the log said: the kind, then each field under its path.
func Print(ev *parsers.Event) string {
	var b strings.Builder
	b.WriteString(kindNames[ev.Kind])
	e := *ev
	e.Kind = 0
	printFields(&b, "", reflect.ValueOf(e))
	return b.String()
}

func printFields(b *strings.Builder, path string, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		name := path + v.Type().Field(i).Name
		switch x := f.Interface().(type) {
		case parsers.Duration:
			if ms, said := x.Milliseconds(); said {
				fmt.Fprintf(b, " %s=%v", name, time.Duration(ms)*time.Millisecond)
			}
		case fmt.Stringer:
			if !f.IsZero() {
				fmt.Fprintf(b, " %s=%v", name, x)
			}
		case string:
			if x != "" {
				fmt.Fprintf(b, " %s=%q", name, x)
			}
		default:
			switch {
			case f.Kind() == reflect.Struct:
				printFields(b, strings.TrimPrefix(name+".", "Attempt."), f)
			case !f.IsZero():
				fmt.Fprintf(b, " %s=%v", name, x)
			}
		}
	}
}

// Tells checks what a line tells: its events as Print has them, a line each.
func Tells(t *testing.T, p parsers.Parser, text, want string) {
	t.Helper()
	evs, err := p.AppendEvents(nil, &parsers.Line{Raw: text, Text: text})
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	var told []string
	for i := range evs {
		told = append(told, Print(&evs[i]))
	}
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("%q\n got %s\nwant %s", text, got, want)
	}
}

// Refuses checks that a line tells nothing: that it is malformed at a column or, where that is zero, not of the format.
func Refuses(t *testing.T, p parsers.Parser, text string, column int) {
	t.Helper()
	evs, err := p.AppendEvents(nil, &parsers.Line{Raw: text, Text: text})
	var bad *parsers.SyntaxError
	if len(evs) != 0 || column == 0 && err != parsers.ErrForeign || column != 0 && (!errors.As(err, &bad) || bad.Column != column) {
		t.Errorf("%q: %v, %v, want column %d", text, evs, err, column)
	}
}

// Check tests what holds of every parser and every record: what was in dst stays, an error is one of the two kinds and
// comes without events, and the same record gives the same events again.
func Check(t *testing.T, p parsers.Parser, line parsers.Line) {
	t.Helper()
	before := parsers.Event{Kind: parsers.Named, QueueID: "before"}
	given := line
	evs, err := p.AppendEvents([]parsers.Event{before}, &line)
	if len(evs) == 0 || evs[0] != before {
		t.Fatalf("%q: the events before are changed", line.Text)
	}
	if line != given {
		t.Errorf("%q: the line is changed", given.Text)
	}
	var syntax *parsers.SyntaxError
	switch {
	case err == nil:
	case len(evs) > 1:
		t.Errorf("%q: events and %v", line.Text, err)
	case errors.As(err, &syntax):
		if syntax.Msg == "" || syntax.Column < 1 || syntax.Column > len(line.Text)+1 {
			t.Errorf("%q: error %q at column %d", line.Text, syntax.Msg, syntax.Column)
		}
	case err != parsers.ErrForeign:
		t.Errorf("%q: error %v", line.Text, err)
	}
	again, _ := p.AppendEvents([]parsers.Event{before}, &line)
	if len(again) != len(evs) {
		t.Fatalf("%q: %d events, then %d", line.Text, len(evs), len(again))
	}
	for i := range evs {
		if again[i] != evs[i] {
			t.Errorf("%q: other events the second time", line.Text)
		}
		switch evs[i].Kind {
		case parsers.Accepted, parsers.Named, parsers.Queued, parsers.Removed, parsers.Requeued, parsers.Headed:
			if evs[i].Attempt != (parsers.Attempt{}) {
				t.Errorf("%q: an attempt in an event that is none", line.Text)
			}
		}
		if a := &evs[i].Attempt; evs[i].Kind == parsers.Attempted && a.Status == 0 {
			t.Errorf("%q: an attempt without a status", line.Text)
		} else if c := a.Reply.Code; c != 0 && (c < 200 || c > 599) {
			t.Errorf("%q: reply code %d", line.Text, c)
		}
	}
}

// Fuzz checks a parser as Check does, with texts like those of logs in testdata.
func Fuzz(f *testing.F, format parsers.Format, logs ...string) {
	for _, name := range logs {
		for _, r := range Read(f, format, name) {
			f.Add(r.Tag, r.Text)
		}
	}
	p := Open(f, format, "")
	f.Fuzz(func(t *testing.T, tag, text string) { Check(t, p, parsers.Line{Raw: text, Text: text, Tag: tag}) })
}

// Inside tests that a line tells of a hop inside the house, where the user said of mx1.example.com that it is there: what
// that server says decides nothing.
func Inside(t *testing.T, f parsers.Format, text string) {
	t.Helper()
	p, err := f.Open(parsers.Sample{}, parsers.Options{InternalHosts: []string{"mx1.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	evs, err := p.AppendEvents(nil, &parsers.Line{Raw: text, Text: text})
	if err != nil || len(evs) == 0 || evs[0].Attempt.Kind != parsers.Internal {
		t.Errorf("%q: %v, %+v", text, err, evs)
	}
}

// Benchmark reads the records over and over.
func Benchmark(b *testing.B, records []Record) {
	var size int64
	for i := range records {
		size += int64(len(records[i].Raw)) + 1
	}
	b.SetBytes(size)
	b.ReportAllocs()
	evs := make([]parsers.Event, 0, 16)
	for b.Loop() {
		for i := range records {
			evs, _ = records[i].Parser.AppendEvents(evs[:0], &records[i].Line)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(records)), "ns/record")
}
