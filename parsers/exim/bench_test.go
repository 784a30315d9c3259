package exim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// readLog returns the lines of a log in testdata as the scan hands them on, and its size in bytes.
func readLog(tb testing.TB, name string) (lines []parsers.Line, size int64) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	for raw := range strings.Lines(string(text)) {
		if raw = strings.TrimSuffix(raw, "\n"); raw != "" && raw[0] != '#' {
			lines = append(lines, cutLine(raw))
		}
	}
	return lines, int64(len(text))
}

// cutLine takes the header off a line that has one. A stamp of Exim's own is none.
func cutLine(raw string) parsers.Line {
	line := parsers.Line{Raw: raw, Text: raw}
	if startsHeader(raw) {
		if cut, ok := syslog.NewReader(syslog.Options{Anchor: 1772600000e6}).Cut(raw); ok {
			return cut
		}
	}
	return line
}

func BenchmarkParser(b *testing.B) {
	p := mustOpen(b, parsers.Options{})
	run := func(b *testing.B, lines []parsers.Line, size int64) {
		b.SetBytes(size)
		b.ReportAllocs()
		evs := make([]parsers.Event, 0, 4)
		for b.Loop() {
			for i := range lines {
				evs, _ = p.AppendEvents(evs[:0], &lines[i])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(lines)), "ns/line")
	}
	for _, selector := range []string{"default", "all"} {
		lines, size := readLog(b, selector+".log")
		b.Run("format=exim/selector="+selector, func(b *testing.B) { run(b, lines, size) })

		kinds := map[string][]parsers.Line{}
		for _, line := range lines {
			kind := "note"
			var e entry
			if p, ok := p.(*parser); ok {
				e, _, _ = p.cutEnvelope(&line)
			}
			if _, text, ok := strings.Cut(line.Text, e.id+" "); ok && e.id != "" {
				kind, _, _ = strings.Cut(text, " ")
				kind, _, _ = strings.Cut(kind, "=m") // H=mx…
			}
			kinds[kind] = append(kinds[kind], line)
		}
		for kind, name := range map[string]string{"=>": "delivered", "==": "deferred", "**": "failed", "<=": "accepted", "H": "tried", "note": "note"} {
			var size int64
			for _, line := range kinds[kind] {
				size += int64(len(line.Raw)) + 1
			}
			b.Run("format=exim/selector="+selector+"/line="+name, func(b *testing.B) { run(b, kinds[kind], size) })
		}
	}
}

func TestAppendEventsAllocates(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	evs := make([]parsers.Event, 0, 4)
	for _, name := range []string{"default.log", "all.log"} {
		lines, _ := readLog(t, name)
		if n := testing.AllocsPerRun(1, func() {
			for i := range lines {
				evs, _ = p.AppendEvents(evs[:0], &lines[i])
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
