package haraka

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

var update = flag.Bool("update", false, "write the golden files anew")

func mustOpen(tb testing.TB, o parsers.Options) parsers.Parser {
	tb.Helper()
	p, err := Format().Open(parsers.Sample{}, o)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// cut takes the headers off lines of 2026, and puts records together of which some lines are pieces.
func cut(raws []string) (lines []parsers.Line) {
	o := syslog.Options{}
	o.Anchor = syslog.Anchor(raws, syslog.Reference{Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, o)
	header := syslog.NewReader(o)
	fold, brk := Format().Fold, false
	for _, raw := range raws {
		line, ok := header.Cut(raw)
		if !ok {
			line = parsers.Line{Raw: raw, Text: raw}
		}
		if fold != nil {
			f := fold(&line)
			switch f.Piece {
			case parsers.First:
				line.Text = f.Text
			case parsers.Middle, parsers.Last:
				if record := &lines[len(lines)-1]; brk {
					record.Text += "\n" + f.Text
				} else {
					record.Text += f.Text
				}
			}
			if brk = f.Break; f.Piece == parsers.Middle || f.Piece == parsers.Last {
				continue
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// readLog returns the lines of a log in testdata, and its size in bytes.
func readLog(tb testing.TB, name string) (lines []parsers.Line, size int64) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return cut(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")), int64(len(text))
}

// events returns what lines tell, with the position of each event's line.
func events(p parsers.Parser, lines []parsers.Line) (all []parsers.Event, at []int, errs []error) {
	var join parsers.Joiner
	if f := Format(); f.Join != nil {
		join = f.Join(parsers.Options{})
	}
	for i := range lines {
		evs, err := p.AppendEvents(nil, &lines[i])
		errs = append(errs, err)
		for _, ev := range evs {
			joined := []parsers.Event{ev}
			if ev.Kind == parsers.Part {
				joined = join.Join(nil, lines[i].Host, &lines[i], &ev)
			}
			for _, ev := range joined {
				if ev.Time == 0 {
					ev.Time = lines[i].Time
				}
				all, at = append(all, ev), append(at, i)
			}
		}
	}
	return all, at, errs
}

var kindNames = [...]string{
	parsers.Accepted: "accepted", parsers.Named: "named", parsers.Queued: "queued", parsers.Attempted: "attempted", parsers.Tried: "tried",
	parsers.Expired: "expired", parsers.Removed: "removed", parsers.Requeued: "requeued", parsers.Rejected: "rejected", parsers.Part: "part",
}

// show returns an event as one line that has every field the log said.
func show(ev *parsers.Event) string {
	var b strings.Builder
	b.WriteString(kindNames[ev.Kind])
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			field, name := v.Field(i), v.Type().Field(i).Name
			if field.IsZero() || name == "Kind" && v.Type() == reflect.TypeFor[parsers.Event]() {
				continue
			}
			switch value := field.Interface().(type) {
			case parsers.Duration:
				fmt.Fprintf(&b, " %s=%v", name, value.Duration())
			case fmt.Stringer:
				fmt.Fprintf(&b, " %s=%v", name, value)
			case string:
				fmt.Fprintf(&b, " %s=%q", name, value)
			default:
				if field.Kind() == reflect.Struct {
					walk(field)
				} else {
					fmt.Fprintf(&b, " %s=%v", name, value)
				}
			}
		}
	}
	walk(reflect.ValueOf(*ev))
	return b.String()
}

// TestGolden compares what each line of the log in testdata tells with the golden file beside it. The log is made by hand
// and holds each shape of line.
func TestGolden(t *testing.T) {
	lines, _ := readLog(t, "shapes.log")
	evs, at, errs := events(mustOpen(t, parsers.Options{}), lines)
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "%s\n", lines[i].Text)
		if errs[i] != nil {
			fmt.Fprintf(&b, "\t%v\n", errs[i])
		}
		for ; len(at) > 0 && at[0] == i; evs, at = evs[1:], at[1:] {
			fmt.Fprintf(&b, "\t%s\n", show(&evs[0]))
		}
	}
	golden := filepath.Join("testdata", "shapes.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// An example is a case of the collection of examples that lies beside the module.
type example struct {
	ID, Format string
	Lines      []string
	Expected   []map[string]any
}

// eachExample calls f for the examples of a format.
func eachExample(t *testing.T, format string, f func(t *testing.T, ex *example)) {
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "examples", "other-formats.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no collection of examples beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var ex example
		if err := json.Unmarshal(sc.Bytes(), &ex); err != nil {
			t.Fatal(err)
		}
		if format == "" || ex.Format == format {
			t.Run(ex.ID, func(t *testing.T) { f(t, &ex) })
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestExamples compares the attempts with the collection's, as its README says.
func TestExamples(t *testing.T) {
	eachExample(t, exampleFormat, func(t *testing.T, ex *example) {
		lines := cut(ex.Lines)
		var got []parsers.Event
		evs, at, _ := events(mustOpen(t, parsers.Options{}), lines)
		var hosts []string
		for i, ev := range evs {
			if ev.Kind == parsers.Attempted || ev.Kind == parsers.Expired {
				got, hosts = append(got, ev), append(hosts, lines[at[i]].Host)
			}
		}
		if len(got) != len(ex.Expected) {
			t.Fatalf("%d attempts, want %d", len(got), len(ex.Expected))
		}
		for i, want := range ex.Expected {
			have := record(&got[i], hosts[i])
			for _, key := range []string{"time", "recipient", "status", "reply_code"} {
				if _, ok := want[key]; !ok {
					want[key] = nil
				}
			}
			for key, value := range want {
				if s, ok := value.(string); ok && key == "time" {
					if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
						value = at.Truncate(time.Microsecond).Format(time.RFC3339Nano)
					}
				}
				if got, ok := have[key]; ok && fmt.Sprint(got) != fmt.Sprint(value) && !(value == nil && got == "") {
					t.Errorf("%s is %v, want %v", key, got, value)
				}
			}
		}
	})
}

// record returns an attempt with the collection's names. What the log did not say is an empty string.
func record(ev *parsers.Event, host string) map[string]any {
	a := &ev.Attempt
	seconds := func(d parsers.Duration) any {
		if ms, said := d.Milliseconds(); said {
			return float64(ms) / 1000
		}
		return ""
	}
	enhanced := a.Reply.Enhanced
	if enhanced.IsZero() {
		enhanced = a.DSN
	}
	port := ""
	if a.RelayPort != 0 {
		port = fmt.Sprint(a.RelayPort)
	}
	return map[string]any{
		"time": ev.Time.String(), "host": host, "queue_id": ev.QueueID, "sender": strings.TrimSuffix(ev.Sender, parsers.NullSender),
		"recipient": a.Recipient, "orig_recipient": a.OriginalRecipient, "relay_host": a.RelayHost, "relay_ip": a.RelayIP, "relay_port": port,
		"status": a.Status.String(), "reply_code": a.Reply.Code.String(), "enhanced": enhanced.String(), "command": a.Command.String(),
		"delay": seconds(a.Delay), "xdelay": seconds(a.XDelay), "attempt_kind": a.Kind.String(), "code_origin": a.Origin.String(), "source_ip": a.SourceIP,
	}
}

func FuzzAppendEvents(f *testing.F) {
	lines, _ := readLog(f, "shapes.log")
	for i := range lines {
		f.Add(lines[i].Tag, lines[i].Text)
	}
	p := mustOpen(f, parsers.Options{})
	before := parsers.Event{Kind: parsers.Named, QueueID: "ABCDEF", Attempt: parsers.Attempt{Recipient: "kept"}}
	f.Fuzz(func(t *testing.T, tag, text string) {
		line := parsers.Line{Tag: tag, Text: text}
		if fold := Format().Fold; fold != nil {
			if piece := fold(&line); !strings.Contains(text, piece.Text) {
				t.Fatalf("%q: piece %q", text, piece.Text)
			}
		}
		evs, err := p.AppendEvents([]parsers.Event{before}, &line)
		if evs[0] != before {
			t.Fatalf("%q: the first event is now %+v", text, evs[0])
		}
		var bad *parsers.SyntaxError
		if err != nil && (len(evs) != 1 || err != parsers.ErrForeign && (!errors.As(err, &bad) || bad.Column < 1 || bad.Column > len(text)+1 || bad.Msg == "")) {
			t.Fatalf("%q: %v, %d events", text, err, len(evs))
		}
		for _, ev := range evs[1:] {
			a := &ev.Attempt
			if a.Reply.Code != 0 && (a.Reply.Code < 100 || a.Reply.Code > 999) {
				t.Errorf("%q: code %d", text, a.Reply.Code)
			}
			for _, s := range []string{
				ev.QueueID, ev.Sender, ev.MessageID, a.Recipient, a.OriginalRecipient, a.RelayHost, a.RelayIP, a.MTAStatus, a.Reply.Text, a.Diagnostic, a.Job, a.SourceIP,
			} {
				if s != parsers.NullSender && !strings.Contains(text, s) && !strings.Contains(text, `\`) {
					t.Errorf("%q: %q is not of the line", text, s)
				}
			}
		}
	})
}

func BenchmarkParser(b *testing.B) {
	lines, size := readLog(b, "shapes.log")
	p := mustOpen(b, parsers.Options{})
	b.SetBytes(size)
	b.ReportAllocs()
	evs := make([]parsers.Event, 0, 4)
	for b.Loop() {
		for i := range lines {
			evs, _ = p.AppendEvents(evs[:0], &lines[i])
		}
	}
}
