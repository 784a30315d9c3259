package scan

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bouncelog/internal/loggen"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
)

// journalLogs writes a log as `journalctl -o export` and as `-o json` would.
func journalLogs(log string) (export, object []byte) {
	var e, o bytes.Buffer
	r := syslog.NewReader(syslog.Options{})
	for i, raw := range strings.Split(strings.TrimSuffix(log, "\n"), "\n") {
		line, ok := r.Cut(raw)
		if !ok || line.Tag == "" {
			continue
		}
		fields := map[string]string{"__REALTIME_TIMESTAMP": fmt.Sprint(int64(line.Time)), "_HOSTNAME": line.Host,
			"SYSLOG_IDENTIFIER": line.Tag, "SYSLOG_PID": line.PID, "MESSAGE": line.Text}
		if b, err := json.Marshal(fields); err == nil {
			o.Write(append(b, '\n'))
		}
		fmt.Fprintf(&e, "__CURSOR=s=%d\n", i)
		for _, name := range []string{"_HOSTNAME", "SYSLOG_PID", "MESSAGE", "SYSLOG_IDENTIFIER", "__REALTIME_TIMESTAMP"} {
			if v := fields[name]; i%3 == 0 {
				fmt.Fprintf(&e, "%s\n%s%s\n", name, binary.LittleEndian.AppendUint64(nil, uint64(len(v))), v)
			} else {
				fmt.Fprintf(&e, "%s=%s\n", name, v)
			}
		}
		fmt.Fprintf(&e, "_COMM\n%sa\n\n__CURSOR=}\n{\n\n", binary.LittleEndian.AppendUint64(nil, 15))
	}
	return e.Bytes(), o.Bytes()
}

// The journal says the same in both of its forms, however they are cut.
func TestEntries(t *testing.T) {
	path, _ := generate(t, 5, func(o *loggen.Options) { o.Messages, o.Header = 400, loggen.ISO })
	log := strings.ToValidUTF8(string(read(t, path)), "?")
	export, object := journalLogs(log)
	apart := func(r *Result) string { // how many lines there are is another matter
		_, rest, _ := strings.Cut(dump(r, false), "\n")
		return rest
	}
	want := scanFiles(t, []string{write(t, "0.log", object)}, nil)
	path = write(t, "0.log", export)
	first := scanFiles(t, []string{path}, nil)
	differ(t, "as entries", apart(first), apart(want))
	l := first.Counts.Ledger
	if n := int64(bytes.Count(export, []byte("\n"))); sum(l) != n || l[summary.Delivery] == 0 {
		t.Errorf("ledger %v of %d lines", l, n)
	}
	for _, jobs := range []int{1, 3} {
		for _, chunk := range []int{4 << 10, 100 << 10} {
			got := scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = jobs, chunk })
			differ(t, fmt.Sprintf("%d jobs, chunks of %d", jobs, chunk), dump(got, true), dump(first, true))
		}
	}
}

func TestCutEntry(t *testing.T) {
	const bytes8 = "\x03\x00\x00\x00\x00\x00\x00\x00"
	for _, test := range []struct {
		name, text string
		atEnd      bool
		start, end int
		ok         bool
	}{
		{"an entry", "A=1\nB=2\n\nA=3\n", false, 0, 9, true},
		{"blank lines before it", "\n\nA=1\n\n", false, 2, 7, true},
		{"a value with line ends", "A\n" + bytes8 + "\n\n\n\nB=1\n\n", false, 0, 19, true},
		{"more to come", "A=1\n", false, 0, 0, false},
		{"within a value", "A\n" + bytes8 + "\n", false, 0, 0, false},
		{"the log ends", "A=1\nB=2", true, 0, 7, true},
		{"the log ends within a value", "A=1\nB\n" + bytes8 + "x", true, 0, 4, true},
		{"it breaks off", "A=1\nno field\nB=2\n\n", false, 0, 4, true},
		{"no field", "no field\nB=2\n\n", false, 0, 9, true},
		{"no more", "\n\n", true, 2, 2, true},
		{"blank lines", "\n\n", false, 2, 2, false},
	} {
		if start, end, ok := cutEntry(test.text, test.atEnd); start != test.start || end != test.end || ok != test.ok {
			t.Errorf("%s: %d %d %v, want %d %d %v", test.name, start, end, ok, test.start, test.end, test.ok)
		}
	}
	if _, end, ok := cutEntry(strings.Repeat("A=123456\n", maxRecord/8), false); end != len("A=123456\n") || !ok {
		t.Errorf("an entry without end: %d %v", end, ok)
	}
}

// A connection whose octets were counted says what its messages say a line each, with line ends behind them or without.
func TestFrames(t *testing.T) {
	path, _ := generate(t, 6, func(o *loggen.Options) { o.Messages, o.Header = 400, loggen.RFC5424 })
	log := string(read(t, path))
	if strings.Count(log, "\n<") < strings.Count(log, "\n")*9/10 {
		t.Fatal("no log with priorities")
	}
	want := scanFiles(t, []string{write(t, "0.log", []byte(log))}, nil)
	apart := func(r *Result) string { // how many lines there are is another matter
		_, rest, _ := strings.Cut(dump(r, false), "\n")
		return rest
	}
	for name, frame := range map[string]func(line string) string{
		"alone":                  func(s string) string { return fmt.Sprintf("%d %s", len(s), s) },
		"with line ends":         func(s string) string { return fmt.Sprintf("%d %s\n", len(s)+1, s) },
		"with line ends between": func(s string) string { return fmt.Sprintf("%d %s\n", len(s), s) },
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for line := range strings.Lines(log) {
				if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "<") {
					b.WriteString(frame(line))
				} else if name != "alone" { // no message, and it would have to end somewhere
					b.WriteString(line + "\n")
				}
			}
			path := write(t, "0.log", []byte(b.String()))
			first := scanFiles(t, []string{path}, nil)
			if c := first.Counts; fmt.Sprint(c.Total, c.Internal, c.Notifications, c.Replies()) != fmt.Sprint(want.Counts.Total, want.Counts.Internal, want.Counts.Notifications, want.Counts.Replies()) {
				differ(t, "in frames", apart(first), apart(want))
			}
			for _, jobs := range []int{1, 3} {
				for _, chunk := range []int{4 << 10, 100 << 10} {
					got := scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = jobs, chunk })
					differ(t, fmt.Sprintf("%d jobs, chunks of %d", jobs, chunk), dump(got, true), dump(first, true))
				}
			}
		})
	}
}
