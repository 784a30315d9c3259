package exim

import (
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func BenchmarkParser(b *testing.B) {
	for _, selector := range []string{"default", "all"} {
		records := parsertest.Read(b, Format(), selector+".log")
		b.Run("format=exim/selector="+selector, func(b *testing.B) { parsertest.Benchmark(b, records) })

		kinds := map[string][]parsertest.Record{}
		for _, r := range records {
			kind := "note"
			var e entry
			if p, ok := r.Parser.(*parser); ok {
				e, _, _ = p.cutEnvelope(&r.Line)
			}
			if _, text, ok := strings.Cut(r.Text, e.id+" "); ok && e.id != "" {
				kind, _, _ = strings.Cut(text, " ")
				kind, _, _ = strings.Cut(kind, "=m") // H=mx…
			}
			kinds[kind] = append(kinds[kind], r)
		}
		for kind, name := range map[string]string{"=>": "delivered", "==": "deferred", "**": "failed", "<=": "accepted", "H": "tried", "note": "note"} {
			b.Run("format=exim/selector="+selector+"/line="+name, func(b *testing.B) { parsertest.Benchmark(b, kinds[kind]) })
		}
	}
}

func TestAppendEventsAllocates(t *testing.T) {
	evs := make([]parsers.Event, 0, 4)
	for _, name := range []string{"default.log", "all.log"} {
		records := parsertest.Read(t, Format(), name)
		if n := testing.AllocsPerRun(1, func() {
			for i := range records {
				evs, _ = records[i].Parser.AppendEvents(evs[:0], &records[i].Line)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
