package hmailserver

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/transcript"
	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "hmailserver") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

// line is a line of hMailServer as a client.
func line(text string) string {
	return "\"SMTPC\"\t102\t3\t\"2026-11-22 10:00:01.250\"\t\"192.0.2.10\"\t\"" + text + `"`
}

const at = parsers.Stamp(1795341601_250000)

func TestAppendEvents(t *testing.T) {
	part := func(f func(*parsers.Event)) []parsers.Event {
		ev := parsers.Event{Kind: parsers.Part, Time: at, QueueID: "3", Attempt: parsers.Attempt{RelayIP: "192.0.2.10"}}
		f(&ev)
		return []parsers.Event{ev}
	}
	for _, test := range []struct {
		name, text string
		want       []parsers.Event
	}{
		{"greeting", line("RECEIVED: 220 mx.example.com ESMTP"), part(func(ev *parsers.Event) {
			ev.Part, ev.Text = transcript.Received, "220 mx.example.com ESMTP"
		})},
		{"reply with quotes, a tab and line ends", line("RECEIVED: 550-\"no\"\t[nl]550 5.1.1 \"never\""), part(func(ev *parsers.Event) {
			ev.Part, ev.Text = transcript.Received, "550-\"no\"\t[nl]550 5.1.1 \"never\""
		})},
		{"reply that the log cut", strings.TrimSuffix(line("RECEIVED: 550 5.1.1 n"), `"`), part(func(ev *parsers.Event) {
			ev.Part, ev.Text = transcript.Received, "550 5.1.1 n"
		})},
		{"command", line("SENT: RCPT TO:<a@example.com>"), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Attempt.Command, ev.Attempt.Recipient = transcript.Sent, "RCPT TO:<a@example.com>", parsers.RCPTTO, "a@example.com"
		})},
		{"recipient with quotes", line(`SENT: RCPT TO:<"a"@example.com>`), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Attempt.Command, ev.Attempt.Recipient = transcript.Sent, `RCPT TO:<"a"@example.com>`, parsers.RCPTTO, `"a"@example.com`
		})},
		{"end of the message", line("SENT: [nl]."), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Attempt.Command = transcript.Sent, ".", parsers.EndOfDATA
		})},
		{"password", line("SENT: ***"), part(func(ev *parsers.Event) { ev.Part, ev.Text = transcript.Sent, "***" })},
		{"IPv6", strings.Replace(line("SENT: QUIT"), "192.0.2.10", "2001:db8::25", 1), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Attempt.RelayIP = transcript.Sent, "QUIT", "2001:db8::25"
		})},
		{"something else", line("STARTED"), nil},
		{"as a server", strings.Replace(line("SENT: 550 no"), "SMTPC", "SMTPD", 1), nil},
		{"application", "\"APPLICATION\"\t101\t\"2026-11-22 10:00:00.008\"\t\"SMTPDeliverer - Message 5: Delivering message from s@example.net to a@example.com.\"", nil},
		{"application that quotes another line", "\"APPLICATION\"\t101\t\"2026-11-22 10:00:00.008\"\t\"" + line("SENT: RCPT TO:<a@example.com>") + "\"", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: test.text})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestLocation(t *testing.T) {
	p, err := Format().Open(parsers.Sample{}, parsers.Options{Location: time.FixedZone("", 3600)})
	if err != nil {
		t.Fatal(err)
	}
	if evs, _ := p.AppendEvents(nil, &parsers.Line{Text: line("SENT: QUIT")}); len(evs) != 1 || evs[0].Time != at.Add(-time.Hour) {
		t.Errorf("%v", evs)
	}
}

func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		text   string
		column int // zero: not a line of this format
	}{
		{"", 0},
		{"SMTPC\t102\t3", 0},
		{"\"SMTPX\"\t102\t3", 0},
		{"\"SMTPC\"", 8},
		{"\"SMTPC\"\t102\t3\t\"2026-11-22 10:00:01.250\"\t\"192.0.2.10\"", 8},
		{strings.Replace(line("SENT: QUIT"), "\t3\t", "\tx\t", 1), 8},
		{strings.Replace(line("SENT: QUIT"), "2026-11-22", "22.11.2026", 1), 15},
		{strings.Replace(line("SENT: QUIT"), ".250", ".250 x", 1), 15},
	} {
		parsertest.Refuses(t, parsertest.Open(t, Format(), ""), test.text, test.column)
	}
}

func TestSniff(t *testing.T) {
	sample := parsers.Sample{Lines: []parsers.Line{{Text: line("SENT: QUIT")}, {Text: ""}, {Text: "\"DEBUG\"\t1\t\"x\"\t\"y\""}, {Text: "SMTPC"}, {Text: line("x")[:20]}}}
	if got := Format().Sniff(sample); got != 50 {
		t.Errorf("%d, want 50", got)
	}
	if got := Format().Sniff(parsers.Sample{Lines: []parsers.Line{{Text: `"a","b"`}}}); got != 0 {
		t.Errorf("CSV: %d", got)
	}
}

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "shapes.log") }

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
