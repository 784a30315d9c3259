package courier

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

// joined is the format with a joiner behind its parser, so that lines are to be read in their order. An attempt has the
// sender that an event before it named.
func joined() parsers.Format {
	f := Format()
	open := f.Open
	f.Open = func(s parsers.Sample, o parsers.Options) (parsers.Parser, error) {
		p, err := open(s, o)
		return &inOrder{p, f.Join(o), make(map[string]string)}, err
	}
	return f
}

type inOrder struct {
	parsers.Parser
	parsers.Joiner
	senders map[string]string // by queue id
}

func (p *inOrder) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	n := len(dst)
	told, err := p.Parser.AppendEvents(nil, line)
	for i := range told {
		if ev := &told[i]; ev.Kind == parsers.Part {
			dst = p.Join(dst, line.Host, line, ev)
		} else {
			dst = append(dst, *ev)
		}
	}
	for i := range dst[n:] {
		ev := &dst[n+i]
		if ev.Sender != "" {
			p.senders[ev.QueueID] = ev.Sender
		} else if ev.Kind == parsers.Attempted && ev.QueueID != "" {
			ev.Sender = p.senders[ev.QueueID]
		}
	}
	return dst, err
}

// read returns the attempts that a log tells of, a line each.
func read(tb testing.TB, text string) (shown []string) {
	tb.Helper()
	for _, r := range parsertest.Records(tb, joined(), text) {
		evs, err := r.Parser.AppendEvents(nil, &r.Line)
		if err != nil {
			tb.Errorf("%q: %v", r.Raw, err)
		}
		for i := range evs {
			if k := evs[i].Kind; k == parsers.Attempted || k == parsers.Expired {
				shown = append(shown, strings.TrimPrefix(parsertest.Print(&evs[i]), "attempted "))
			}
		}
	}
	return shown
}

func TestGolden(t *testing.T)   { parsertest.Golden(t, joined()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, joined(), "courier") }

func records(tb testing.TB, name string) []parsertest.Record {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".log"))
	if err != nil {
		tb.Fatal(err)
	}
	return parsertest.Records(tb, Format(), string(text))
}

func BenchmarkParser(b *testing.B) { parsertest.Benchmark(b, records(b, "mail")) }

// BenchmarkJoiner reads with a joiner behind the parser.
func BenchmarkJoiner(b *testing.B) {
	lines := records(b, "mail")
	j := &inOrder{lines[0].Parser, newJoiner(parsers.Options{}), make(map[string]string)}
	for i := range lines {
		lines[i].Parser = j
	}
	parsertest.Benchmark(b, lines)
}
