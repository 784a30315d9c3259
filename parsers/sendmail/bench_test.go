package sendmail

import (
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestAllocations(t *testing.T) {
	evs := make([]parsers.Event, 0, 16)
	for _, r := range parsertest.Read(t, Format(), "8.18.log") {
		if strings.Contains(r.Text, "[IPv6:") {
			continue // its canonical form is a new text
		}
		if n := testing.AllocsPerRun(1, func() { evs, _ = r.Parser.AppendEvents(evs[:0], &r.Line) }); n > 0 {
			t.Errorf("%v allocations for %s", n, r.Text)
		}
	}
}

func BenchmarkParser(b *testing.B) { parsertest.Benchmark(b, parsertest.Read(b, Format(), "8.18.log")) }

func FuzzAppendEvents(f *testing.F) {
	for _, name := range []string{"shapes.log", "8.18.log"} {
		for _, r := range parsertest.Read(f, Format(), name) {
			f.Add(r.Tag, r.Text)
		}
	}
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, tag, text string) {
		line := parsers.Line{Tag: tag, Text: text}
		parsertest.Check(t, p, line)
		evs, _ := p.AppendEvents(nil, &line)
		for i := range evs {
			ev := &evs[i]
			for _, s := range []string{ev.QueueID, ev.NextID, ev.MessageID, ev.Attempt.Recipient, ev.Attempt.Reply.Text, ev.Attempt.Diagnostic} {
				if !strings.Contains(text, s) {
					t.Errorf("%q: %q is no part of it", text, s)
				}
			}
		}
	})
}
