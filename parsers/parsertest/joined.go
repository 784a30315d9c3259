package parsertest

import (
	"cmp"
	"strings"
	"testing"

	"bouncelog/parsers"
)

// Joined returns the format with what comes behind its parser: its joiner puts parts together, and an attempt has the sender
// whom an event before it named. Records are then to be read in their order.
func Joined(f parsers.Format) parsers.Format {
	open, join := f.Open, f.Join
	f.Open = func(s parsers.Sample, o parsers.Options) (parsers.Parser, error) {
		p, err := open(s, o)
		j := &joined{parser: p, senders: make(map[message]string)}
		if join != nil {
			j.joiner = join(o)
		}
		return j, err
	}
	f.Join = nil
	return f
}

type joined struct {
	parser  parsers.Parser
	joiner  parsers.Joiner // nil: the format has none
	told    []parsers.Event
	senders map[message]string
}

type message struct{ host, instance, queueID string }

// AppendEvents implements [parsers.Parser], but for its purity.
func (p *joined) AppendEvents(dst []parsers.Event, line *parsers.Line) (_ []parsers.Event, err error) {
	n := len(dst)
	p.told, err = p.parser.AppendEvents(p.told[:0], line)
	for i := range p.told {
		if ev := &p.told[i]; ev.Kind == parsers.Part {
			dst = p.joiner.Join(dst, line.Host, line, ev)
		} else {
			dst = append(dst, *ev)
		}
	}
	for i := range dst[n:] {
		p.follow(&dst[n+i], line)
	}
	return dst, err
}

// follow adds the sender to an attempt that lacks it, and learns it from other events.
func (p *joined) follow(ev *parsers.Event, line *parsers.Line) {
	m := message{cmp.Or(ev.Host, line.Host), ev.Instance, ev.QueueID}
	switch {
	case ev.QueueID == "":
	case ev.Kind == parsers.Removed:
		delete(p.senders, m)
	case ev.Sender != "":
		p.senders[m] = ev.Sender
	case ev.Kind == parsers.Attempted || ev.Kind == parsers.Expired:
		ev.Sender = p.senders[m]
	}
}

// Told returns the attempts that a log tells of, and the ends of what was never delivered, as Print has them.
func Told(tb testing.TB, f parsers.Format, text string) (told []string) {
	tb.Helper()
	for _, r := range Records(tb, Joined(f), text) {
		evs, err := r.Parser.AppendEvents(nil, &r.Line)
		if err != nil {
			tb.Errorf("%q: %v", r.Raw, err)
		}
		for i := range evs {
			if k := evs[i].Kind; k == parsers.Attempted || k == parsers.Expired {
				told = append(told, Print(&evs[i]))
			}
		}
	}
	return told
}

// Attempts checks which attempts a log tells of. want has the fields of each that matter, in the order of Print.
func Attempts(t *testing.T, f parsers.Format, text string, want ...string) {
	t.Helper()
	got := Told(t, f, text)
	if len(got) != len(want) {
		t.Fatalf("%d attempts, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, w := range want {
		at := 0
		for field := range strings.SplitSeq(w, " ") {
			n := strings.Index(got[i][at:]+" ", field+" ")
			if n < 0 {
				t.Errorf("attempt %d has no %s after byte %d: %s", i+1, field, at, got[i])
				break
			}
			at += n
		}
	}
}
