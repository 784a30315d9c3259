package exchangesmtpsend

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/transcript"
	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "exchange-smtpsend") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const (
	header = "#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context"
	at     = parsers.Stamp(1795341600_250000)
)

// row is a row of a session with the given event, data and context.
func row(end string) string {
	return "2026-11-22T10:00:00.250Z,To Internet,08DF01,7,203.0.113.1:41000,192.0.2.10:25," + end
}

func TestAppendEvents(t *testing.T) {
	part := func(f func(*parsers.Event)) []parsers.Event {
		ev := parsers.Event{Kind: parsers.Part, Time: at, QueueID: "08DF01"}
		ev.Attempt.RelayIP, ev.Attempt.RelayPort, ev.Attempt.SourceIP = "192.0.2.10", 25, "203.0.113.1"
		f(&ev)
		return []parsers.Event{ev}
	}
	for _, test := range []struct {
		name, text string
		want       []parsers.Event
	}{
		{"connected", row("+,,"), part(func(ev *parsers.Event) { ev.Part = transcript.Connected })},
		{"closed", row("-,,Remote(ConnectionReset)"), part(func(ev *parsers.Event) { ev.Part, ev.Text = transcript.Closed, "Remote(ConnectionReset)" })},
		{"command", row(">,MAIL FROM:<> SIZE=7,"), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Sender, ev.Attempt.Command = transcript.Sent, "MAIL FROM:<> SIZE=7", parsers.NullSender, parsers.MAILFROM
		})},
		{"recipient with quotes", row(`>,"RCPT TO:<""a, b""@example.com>",`), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Attempt.Recipient, ev.Attempt.Command = transcript.Sent, `RCPT TO:<"a, b"@example.com>`, `"a, b"@example.com`, parsers.RCPTTO
		})},
		{"last chunk", row(">,BDAT 7 LAST,"), part(func(ev *parsers.Event) {
			ev.Part, ev.Text, ev.Attempt.Command = transcript.Sent, "BDAT 7 LAST", parsers.EndOfDATA
		})},
		{"reply", row(`<,"550 5.1.1 No, sorry",`), part(func(ev *parsers.Event) { ev.Part, ev.Text = transcript.Received, "550 5.1.1 No, sorry" })},
		{"message", row("*,,sending message with RecordId 77 and InternetMessageId <m1@example.net>"), part(func(ev *parsers.Event) {
			ev.Part, ev.NextID, ev.MessageID = transcript.Announced, "77", "<m1@example.net>"
		})},
		{"message of Exchange 2010", row("*,,sending message"), nil},
		{"remark", row("*,SendRoutingHeaders,Set Session Permissions"), nil},
		{"attempt to connect", "2026-11-22T10:00:00.250Z,To Internet,08DF01,1,,192.0.2.10:25,*,,attempting to connect", nil},
		{"IPv6", "2026-11-22T10:00:00.250Z,To Internet,08DF01,2,[2001:db8::9]:41000,[2001:db8::25]:587,+,,", part(func(ev *parsers.Event) {
			a := &ev.Attempt
			ev.Part, a.RelayIP, a.RelayPort, a.SourceIP = transcript.Connected, "2001:db8::25", 587, "2001:db8::9"
		})},
		{"between our servers", strings.Replace(row("+,,"), "To Internet", "Intra-Organization SMTP Send Connector", 1), part(func(ev *parsers.Event) {
			ev.Part, ev.Attempt.Kind = transcript.Connected, parsers.Internal
		})},
		{"reply of ours, in a receive log", row(">,250 2.1.5 Recipient OK,"), nil},
		{"command to us, in a receive log", row("<,RCPT TO:<a@example.com>,"), nil},
		{"heading", "#Version: 15.0.0.0", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parsertest.Open(t, Format(), header).AppendEvents(nil, &parsers.Line{Text: test.text})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestColumns: columns are found by their names.
func TestColumns(t *testing.T) {
	p := parsertest.Open(t, Format(), "#Fields: Event,data,new-column,context,remote-endpoint,local-endpoint,session-id,connector-id,date-time")
	evs, err := p.AppendEvents(nil, &parsers.Line{Text: "<,220 mx.example.com,x,,192.0.2.10:25,203.0.113.1:41000,08DF01,To Internet,2026-11-22T10:00:00.250Z"})
	if err != nil || len(evs) != 1 || evs[0].Text != "220 mx.example.com" || evs[0].Time != at || evs[0].QueueID != "08DF01" {
		t.Errorf("%v, %v", evs, err)
	}
}

func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		head, text string
		column     int // zero: not a line of this format
	}{
		{header, row(`<,"550 no`), 81},
		{header, row("<,550 no"), 87},
		{header, "22.11.2026 10:00:00" + row("+,,")[24:], 1},
		{"#Fields: date-time,client-ip", row("+,,"), 0},
		{"#Software: Microsoft Exchange Server", row("+,,"), 0},
		{`#Fields: "`, row("+,,"), 0},
		{"", row("+,,"), 0},
	} {
		parsertest.Refuses(t, parsertest.Open(t, Format(), test.head), test.text, test.column)
	}
}

func TestSniff(t *testing.T) {
	for _, test := range []struct {
		name, head string
		lines      []string
		want       parsers.Score
	}{
		{"send", header, []string{"#Log-type: SMTP Send Protocol Log", header}, 100},
		{"as the documentation writes it", header, []string{"#Log-Type: SMTP Send Protocol Log"}, 100},
		{"receive", header, []string{"#Log-type: SMTP Receive Protocol Log", header}, 0},
		{"no heading", header, []string{row("+,,")}, 70},
		{"another log", "#Fields: date-time,client-ip,event-id", []string{"#Log-type: Message Tracking Log"}, 0},
		{"no header", row("+,,"), []string{row("+,,")}, 0},
	} {
		sample := parsers.Sample{Head: test.head}
		for _, l := range test.lines {
			sample.Lines = append(sample.Lines, parsers.Line{Raw: l, Text: l})
		}
		if got := Format().Sniff(sample); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func FuzzAppendEvents(f *testing.F) {
	for line := range strings.Lines(parsertest.Log(f, "shapes.log")) {
		f.Add(header, strings.TrimSuffix(line, "\n"))
	}
	f.Add("#Fields: event,date-time,a,b", "x")
	f.Fuzz(func(t *testing.T, head, text string) {
		parsertest.Check(t, parsertest.Open(t, Format(), head), parsers.Line{Text: text})
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
