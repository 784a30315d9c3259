package mailenable

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/transcript"
	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "mailenable") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

// line is a line of a delivery with the given command, what was sent and what was answered.
func line(command string) string {
	return "11/22/26 10:00:01\tSMTP-OU\tBBBB2222.MAI\t10\t192.0.2.10\t" + command + "\t40\t10\t\tHello"
}

const at = parsers.Stamp(1795341601_000000)

func TestAppendEvents(t *testing.T) {
	pair := func(f func(sent, answered *parsers.Event)) []parsers.Event {
		ev := parsers.Event{Kind: parsers.Part, Part: transcript.Sent, Time: at, QueueID: "BBBB2222.MAI\t10\t192.0.2.10", NextID: "BBBB2222.MAI"}
		ev.Attempt.RelayIP = "192.0.2.10"
		evs := []parsers.Event{ev, ev}
		evs[1].Part = transcript.Answered
		f(&evs[0], &evs[1])
		return evs
	}
	for _, test := range []struct {
		name, text string
		want       []parsers.Event
	}{
		{"greeting", line("CONN\t\t220 mx.example.com ESMTP"), pair(func(sent, answered *parsers.Event) {
			sent.Part, answered.Text = transcript.Connected, "220 mx.example.com ESMTP"
		})},
		{"recipient", line("RCPT\tRCPT TO:<a@example.com>\t550-5.1.1 no 550 5.1.1 no"), pair(func(sent, answered *parsers.Event) {
			sent.Text, sent.Attempt.Command, sent.Attempt.Recipient = "RCPT TO:<a@example.com>", parsers.RCPTTO, "a@example.com"
			answered.Text = "550-5.1.1 no 550 5.1.1 no"
		})},
		{"no reply", line("MAIL\tMAIL FROM:<> SIZE=7\t"), pair(func(sent, _ *parsers.Event) {
			sent.Text, sent.Attempt.Command, sent.Sender = "MAIL FROM:<> SIZE=7", parsers.MAILFROM, parsers.NullSender
		})},
		{"message", line("DATE\t\t250 2.0.0 queued"), pair(func(sent, answered *parsers.Event) {
			sent.Text, sent.Attempt.Command, answered.Text = ".", parsers.EndOfDATA, "250 2.0.0 queued"
		})},
		{"message under another name", line("DATA\t.\t250 2.0.0 queued"), pair(func(sent, answered *parsers.Event) {
			sent.Text, sent.Attempt.Command, answered.Text = ".", parsers.EndOfDATA, "250 2.0.0 queued"
		})},
		{"command alone", line("DATA\t\t354 go on"), pair(func(sent, answered *parsers.Event) {
			sent.Text, sent.Attempt.Command, answered.Text = "DATA", parsers.DATA, "354 go on"
		})},
		{"end", line("QUIT\tQUIT\t221 bye"), pair(func(sent, answered *parsers.Event) { sent.Text, answered.Text = "QUIT", "221 bye" })},
		{"reply that ends the line", "11/22/26 10:00:01\tSMTP-OU\tBBBB2222.MAI\t10\t192.0.2.10\tQUIT\tQUIT\t221 bye", pair(func(sent, answered *parsers.Event) {
			sent.Text, answered.Text = "QUIT", "221 bye"
		})},
		{"a tab of the server's", line("MAIL\tMAIL FROM:<s@example.net>\t250 ok\tRCPT TO:<x@example.org>"), pair(func(sent, answered *parsers.Event) {
			sent.Text, sent.Attempt.Command, sent.Sender, answered.Text = "MAIL FROM:<s@example.net>", parsers.MAILFROM, "s@example.net", "250 ok"
		})},
		{"as a server", strings.Replace(line("RCPT\tRCPT TO:<a@example.com>\t550 no"), "SMTP-OU", "SMTP-IN", 1), nil},
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

func TestReadStamp(t *testing.T) {
	for s, want := range map[string]string{
		"11/22/26 10:00:01": "2026-11-22T10:00:01Z", "02/29/28 23:59:59": "2028-02-29T23:59:59Z", "01/02/03 00:00:00": "2003-01-02T00:00:00Z",
		"22/11/26 10:00:01": "", "02/29/26 10:00:01": "", "11/00/26 10:00:01": "", "11/22/26 24:00:01": "", "11/22/26 10:60:01": "", "11/22/26 10:00:60": "",
		"11/22/26 10:00": "", "11-22-26 10:00:01": "", "1x/22/26 10:00:01": "", "": "",
	} {
		if got, ok := readStamp(s, nil); got.String() != want && ok || ok != (want != "") {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
	if got, _ := readStamp("11/22/26 10:00:01", time.FixedZone("", -3600)); got != at.Add(time.Hour) {
		t.Errorf("an hour west: %v", got)
	}
}

func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		text   string
		column int // zero: not a line of this format
	}{
		{"", 0},
		{"11/22/26 10:00:01", 0},
		{"11/22/26 10:00:01\tPOP-IN\t", 0},
		{"2026-11-22 10:00:01\tSMTP-OU\tBBBB2222.MAI\t10\t192.0.2.10\tQUIT\tQUIT\t221 bye", 0},
		{"11/22/26 10:00:01\tSMTP-OU\tBBBB2222.MAI\t10\t192.0.2.10\tQUIT\tQUIT", 63},
	} {
		parsertest.Refuses(t, parsertest.Open(t, Format(), ""), test.text, test.column)
	}
}

func TestSniff(t *testing.T) {
	sample := parsers.Sample{Lines: []parsers.Line{{Text: line("QUIT\tQUIT\t")}, {Text: "11/22/26 10:00:01\tSMTP-IN\t\t"}, {Text: "SMTP-OU"}, {Text: "a\tb"}}}
	if got := Format().Sniff(sample); got != 50 {
		t.Errorf("%d, want 50", got)
	}
	if got := Format().Sniff(parsers.Sample{Lines: []parsers.Line{{Text: "11/22/26 10:00:01\ta\tb"}}}); got != 0 {
		t.Errorf("another log: %d", got)
	}
}

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "shapes.log") }

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
