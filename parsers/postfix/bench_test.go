package postfix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// readLog returns the lines of a log in testdata with their headers off, and its size in bytes.
func readLog(tb testing.TB, name string) (lines []parsers.Line, size int64) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	raws := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	o := syslog.Options{}
	o.Anchor = syslog.Anchor(raws, syslog.Reference{Year: 2026}, o)
	header := syslog.NewReader(o)
	for _, raw := range raws {
		if raw == "" || raw[0] == '#' {
			continue
		}
		line, ok := header.Cut(raw)
		if !ok {
			line = parsers.Line{Raw: raw, Text: raw}
		}
		lines = append(lines, line)
	}
	return lines, int64(len(text))
}

func BenchmarkAppendEvents(b *testing.B) {
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
	for _, ids := range []string{"long", "short"} {
		lines, size := readLog(b, ids+".log")
		b.Run("format=postfix/ids="+ids, func(b *testing.B) { run(b, lines, size) })

		kinds := map[string][]parsers.Line{}
		for _, line := range lines {
			program := line.Tag[strings.LastIndexByte(line.Tag, '/')+1:]
			if strings.Contains(line.Text, ": to=<") {
				_, status, _ := strings.Cut(line.Text, " status=")
				status, _, _ = strings.Cut(status, " ")
				program = "record-" + status
			}
			kinds[program] = append(kinds[program], line)
		}
		for _, kind := range []string{"record-sent", "record-deferred", "record-bounced", "smtp", "qmgr", "cleanup", "smtpd"} {
			var size int64
			for _, line := range kinds[kind] {
				size += int64(len(line.Raw)) + 1
			}
			b.Run("format=postfix/ids="+ids+"/line="+kind, func(b *testing.B) { run(b, kinds[kind], size) })
		}
	}
}

func TestAppendEventsAllocates(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	evs := make([]parsers.Event, 0, 4)
	for _, name := range []string{"long.log", "short.log"} {
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
