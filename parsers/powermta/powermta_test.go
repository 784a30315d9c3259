package powermta

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "powermta-csv") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const head = "type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnStatus,dsnDiag,dsnMta,bounceCat,dlvType,dlvSourceIp,dlvDestinationIp,jobId,totalSecondsQueued"

// cells are those of a bounce under head.
func cells() map[string]string {
	return map[string]string{
		"type": "b", "timeLogged": "2026-11-22 11:00:04+0100", "timeQueued": "2026-11-22 10:00:01+0000", "orig": "b-7@bounce.example.net",
		"rcpt": "eve@example.com", "dsnStatus": "5.1.1 (bad destination mailbox address)", "dsnDiag": "smtp;550 5.1.1 unknown",
		"dsnMta": "mx.example.com (192.0.2.25)", "bounceCat": "bad-mailbox", "dlvType": "smtp", "dlvSourceIp": "203.0.113.9",
		"dlvDestinationIp": "192.0.2.25", "jobId": "spring",
	}
}

// csvRow returns cells in the order of a header, quoted where they must be.
func csvRow(head string, cells map[string]string) string {
	var row []string
	for name := range strings.SplitSeq(head, ",") {
		cell := cells[name]
		if strings.ContainsAny(cell, "\",\r\n") {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		row = append(row, cell)
	}
	return strings.Join(row, ",")
}

// bounce returns what cells tell, changed by f.
func bounce(f func(*parsers.Event)) parsers.Event {
	ev := parsers.Event{Kind: parsers.Attempted, Time: 1795341604_000000, Sender: "b-7@bounce.example.net", Attempt: parsers.Attempt{
		Recipient: "eve@example.com", RelayHost: "mx.example.com", RelayIP: "192.0.2.25", Status: parsers.StatusBounced, Origin: parsers.OriginRemote,
		Reply: parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 1, 1}, Text: "550 5.1.1 unknown"}, DSN: parsers.EnhancedCode{5, 1, 1},
		Diagnostic: "550 5.1.1 unknown", Delay: parsers.Milliseconds(3000), Job: "spring", SourceIP: "203.0.113.9",
	}}
	if f != nil {
		f(&ev)
	}
	return ev
}

func TestAppendEvents(t *testing.T) {
	type set = map[string]string
	none := func(a *parsers.Attempt, text string) {
		a.Reply, a.Origin, a.Diagnostic = parsers.Reply{}, parsers.OriginLocal, text
	}
	for _, test := range []struct {
		name string
		set  set
		want func(*parsers.Event)
	}{
		{"every field", nil, nil},
		{"a long type", set{"type": "bounce"}, nil},
		{"an attempt to be repeated", set{"type": "t", "dsnStatus": "4.2.2 (mailbox full)", "dsnDiag": "smtp;452-4.2.2 over\r\n452 4.2.2 quota", "bounceCat": ""}, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.Status, a.DSN, a.Diagnostic = parsers.StatusDeferred, parsers.EnhancedCode{4, 2, 2}, "452-4.2.2 over\r\n452 4.2.2 quota"
			a.Reply = parsers.Reply{Code: 452, Enhanced: parsers.EnhancedCode{4, 2, 2}, Text: a.Diagnostic}
		}},
		{"text without its type", set{"dsnDiag": `550 5.1.1 "eve", unknown`}, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.Diagnostic = `550 5.1.1 "eve", unknown`
			a.Reply.Text = a.Diagnostic
		}},
		{"nobody answered", set{"dsnStatus": "4.4.1 (no answer from host)", "dsnDiag": "", "dsnMta": "", "dlvDestinationIp": "", "dlvSourceIp": ""}, func(ev *parsers.Event) {
			a := &ev.Attempt
			none(a, "4.4.1 (no answer from host)")
			a.DSN, a.RelayHost, a.RelayIP, a.SourceIP = parsers.EnhancedCode{4, 4, 1}, "", "", ""
		}},
		{"a diagnostic of another kind", set{"dsnDiag": "x-pmta;550 was not said"}, func(ev *parsers.Event) { none(&ev.Attempt, "550 was not said") }},
		{"prose", set{"dsnDiag": "smtp;connection lost; 550 may follow"}, func(ev *parsers.Event) { none(&ev.Attempt, "connection lost; 550 may follow") }},
		{"expired by its category", set{"bounceCat": "message-expired", "dsnStatus": "4.4.7 (delivery time expired)", "dsnDiag": "smtp;451 4.7.1 Greylisted"}, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.Status, a.Kind, a.NotAttempted, a.DSN, a.Diagnostic = parsers.StatusExpired, parsers.Final, true, parsers.EnhancedCode{4, 4, 7}, "451 4.7.1 Greylisted"
			a.Reply = parsers.Reply{Code: 451, Text: a.Diagnostic}
		}},
		{"expired by its status", set{"bounceCat": "other", "dsnStatus": "5.4.7", "dsnDiag": ""}, func(ev *parsers.Event) {
			a := &ev.Attempt
			none(a, "5.4.7")
			a.Status, a.Kind, a.NotAttempted, a.DSN = parsers.StatusExpired, parsers.Final, true, parsers.EnhancedCode{5, 4, 7}
		}},
		{"a delivery", set{"type": "d", "dsnStatus": "2.0.0 (success)", "dsnDiag": "smtp;250 OK", "bounceCat": ""}, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.Status, a.DSN, a.Diagnostic, a.Reply = parsers.StatusSent, parsers.EnhancedCode{2, 0, 0}, "250 OK", parsers.Reply{Code: 250, Text: "250 OK"}
		}},
		{"a delivery of which little is logged", set{"type": "d", "rcpt": "", "dsnStatus": "", "dsnDiag": "", "dsnMta": "", "bounceCat": ""}, func(ev *parsers.Event) {
			a := &ev.Attempt
			none(a, "")
			a.Recipient, a.Status, a.DSN, a.RelayHost, a.Origin = "", parsers.StatusSent, parsers.EnhancedCode{}, "", parsers.OriginUnknown
		}},
		{"into a pipe", set{"dlvType": "pipe"}, func(ev *parsers.Event) { ev.Attempt.Kind = parsers.Local }},
		{"thrown away", set{"type": "d", "dlvType": "discard"}, func(ev *parsers.Event) {
			ev.Attempt.Status, ev.Attempt.Kind, ev.Attempt.NotAttempted = parsers.StatusSent, parsers.Local, true
		}},
		{"a server inside", set{"dsnMta": "out.example.net (198.51.100.4)"}, func(ev *parsers.Event) {
			ev.Attempt.RelayHost, ev.Attempt.RelayIP, ev.Attempt.Kind = "out.example.net", "198.51.100.4", parsers.Internal
		}},
		{"a bounce message that came later", set{"type": "rb", "timeQueued": "", "dlvSourceIp": "", "totalSecondsQueued": "9"}, func(ev *parsers.Event) {
			ev.Attempt.Kind, ev.Attempt.SourceIP, ev.Attempt.Delay = parsers.Async, "", parsers.Duration{}
		}},
		{"what another server gave up", set{"type": "rb", "bounceCat": "message-expired", "dlvSourceIp": ""}, func(ev *parsers.Event) {
			ev.Attempt.Kind, ev.Attempt.SourceIP, ev.Attempt.Delay = parsers.Async, "", parsers.Duration{}
		}},
		{"a whole queue", set{"type": "tq", "orig": "", "rcpt": "", "dsnStatus": "4.4.1 (no answer from host)", "dsnDiag": "", "bounceCat": "", "jobId": ""}, func(ev *parsers.Event) {
			ev.Sender = ""
			a := &ev.Attempt
			none(a, "4.4.1 (no answer from host)")
			a.Recipient, a.Status, a.Kind, a.DSN, a.Job = "", parsers.StatusDeferred, parsers.Connect, parsers.EnhancedCode{4, 4, 1}, ""
		}},
		{"a null sender", set{"orig": "<>"}, func(ev *parsers.Event) { ev.Sender = parsers.NullSender }},
		{"brackets", set{"orig": "<b-7@bounce.example.net>", "rcpt": "<eve@example.com>"}, nil},
		{"another recipient before", set{"orcpt": "rfc822;list@example.net"}, func(ev *parsers.Event) { ev.Attempt.OriginalRecipient = "list@example.net" }},
		{"the same recipient before", set{"orcpt": "rfc822;eve@example.com"}, nil},
		{"seconds since 1970", set{"timeLogged": "1795341604", "timeQueued": "1795341601"}, nil},
		{"no zone", set{"timeLogged": "2026-11-22 11:00:04", "timeQueued": "2026-11-22 11:00:01"}, nil},
		{"the time queued alone", set{"timeQueued": "", "totalSecondsQueued": "3"}, nil},
		{"a clock set back", set{"timeQueued": "2026-11-22 10:00:05+0000"}, func(ev *parsers.Event) { ev.Attempt.Delay = parsers.Duration{} }},
		{"no times", set{"timeLogged": "", "timeQueued": ""}, func(ev *parsers.Event) { ev.Time, ev.Attempt.Delay = 0, parsers.Duration{} }},
		{"a name with the root's dot", set{"dsnMta": "mx.example.com. (192.0.2.25)"}, nil},
		{"a server without address", set{"dsnMta": "mx.example.com"}, nil},
		{"an address without server", set{"dsnMta": "(2001:db8::25)"}, func(ev *parsers.Event) { ev.Attempt.RelayHost, ev.Attempt.RelayIP = "", "2001:db8::25" }},
		{"an address in place of a server", set{"dsnMta": "dns;192.0.2.25 (192.0.2.25)"}, func(ev *parsers.Event) { ev.Attempt.RelayHost = "" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Format().Open(parsers.Sample{Head: head}, parsers.Options{
				Location: time.FixedZone("", 3600), InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
			if err != nil {
				t.Fatal(err)
			}
			c := cells()
			for name, cell := range test.set {
				c[name] = cell
			}
			text := csvRow(head, c)
			got, err := p.AppendEvents(nil, &parsers.Line{Text: text})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]parsers.Event{bounce(test.want)}, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("%s\n-want +got\n%s", text, d)
			}
		})
	}
}

// What stands under another header means something else, and of a column that comes twice the last cell that is not empty
// counts.
func TestAppendEvents_Columns(t *testing.T) {
	f := func(head, text string, want parsers.Event) {
		t.Helper()
		got, err := parsertest.Open(t, Format(), head).AppendEvents(nil, &parsers.Line{Text: text})
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%v, %v of %s", got, err, text)
		}
	}
	want := parsers.Event{Kind: parsers.Attempted, Sender: "b@example.net"}
	want.Attempt = parsers.Attempt{Status: parsers.StatusSent, Recipient: "a@example.com"}
	f("type,rcpt,orig", "d,a@example.com,b@example.net", want)
	f("\ufefftype,orig,x,rcpt", "d,b@example.net,,a@example.com", want)
	f("type, ORIG ,rcpt,rcpt", "d,b@example.net,a@example.com,", want)
	f("type,rcpt,orig,rcpt", "d,c@example.com,b@example.net,a@example.com", want)

	want.QueueID, want.MessageID = "<m1@example.net>", "<m1@example.net>"
	f("type,orig,rcpt,header_message-id", "d,b@example.net,a@example.com,<m1@example.net>", want)
	f("type,orig,rcpt,header_Message-Id", "r,b@example.net,a@example.com,<m1@example.net>", parsers.Event{
		Kind: parsers.Accepted, QueueID: "<m1@example.net>", MessageID: "<m1@example.net>", Sender: "b@example.net"})
}

func TestAppendEvents_Ignored(t *testing.T) {
	p := parsertest.Open(t, Format(), head)
	for _, name := range []string{"r", "rs", "f", "feedback-loop"} {
		c := cells()
		c["type"] = name
		if evs, err := p.AppendEvents(nil, &parsers.Line{Text: csvRow(head, c)}); err != nil || len(evs) != 0 {
			t.Errorf("%s: %d events, %v", name, len(evs), err)
		}
	}
}

func TestAppendEvents_Failure(t *testing.T) {
	p := parsertest.Open(t, Format(), head)
	f := func(text, want string) {
		t.Helper()
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: text})
		if err == nil || err.Error() != want || len(evs) != 0 {
			t.Errorf("%d events, %v of %s, want %s", len(evs), err, text, want)
		}
	}
	whole := csvRow(head, cells())
	f(whole[:len(whole)/2], "column 1: 7 cells under a header of 15")
	f(whole+",", "column 1: 16 cells under a header of 15")
	f(`d,"2026`, "column 3: quote is never closed")
	f(strings.Replace(whole, "2026-11-22 11:00:04+0100", "soon", 1), `column 3: "soon" is no time`)
	f(strings.Replace(whole, "2026-11-22 10:00:01+0000", "2026-02-30 10:00:01", 1), `column 28: "2026-02-30 10:00:01" is no time`)
	for _, foreign := range []string{"", "x", "2026-11-22 10:00:02 (info) PowerMTA started", "type", strings.Replace(whole, "b,", "bb,", 1)} {
		f(foreign, parsers.ErrForeign.Error())
	}
}

func TestOpen_Failure(t *testing.T) {
	for _, head := range []string{"", "2026-11-22 10:00:02 (info) PowerMTA started", "type,name,size", "timeLogged,orig,rcpt", `type,"orig`} {
		if p, err := Format().Open(parsers.Sample{Head: head}, parsers.Options{}); err == nil {
			t.Errorf("a parser %v for %q", p, head)
		}
		if score := Format().Sniff(parsers.Sample{Head: head}); score != 0 {
			t.Errorf("score %d for %q", score, head)
		}
	}
	if score := Format().Sniff(parsers.Sample{Head: "type,timeLogged,rcpt"}); score != 100 {
		t.Errorf("score %d", score)
	}
}

func TestAppendEvents_NoAllocation(t *testing.T) {
	p := parsertest.Open(t, Format(), head)
	line := parsers.Line{Text: csvRow(head, cells())}
	evs := make([]parsers.Event, 0, 2)
	if n := testing.AllocsPerRun(10, func() { evs, _ = p.AppendEvents(evs[:0], &line) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "powermta.log"))
}

func FuzzAppendEvents(f *testing.F) {
	for _, r := range parsertest.Read(f, Format(), "powermta.log") {
		f.Add(head, r.Text)
	}
	f.Add("type,rcpt,orig,rcpt", `d,"a ""b"" c",,`)
	f.Fuzz(func(t *testing.T, head, text string) {
		p, err := Format().Open(parsers.Sample{Head: head}, parsers.Options{})
		if err == nil {
			parsertest.Check(t, p, parsers.Line{Text: text})
		}
	})
}

func TestCampaignHeader(t *testing.T) {
	const head = "type,timeLogged,orig,rcpt,dsnDiag,header_X-Campaign,,header_Message-Id"
	for ask, want := range map[string]string{"": "", "x-campaign": "autumn", "x-other": "", "message-id": ""} {
		p, err := Format().Open(parsers.Sample{Head: head}, parsers.Options{CampaignHeader: ask})
		if err != nil {
			t.Fatal(err)
		}
		text := "b,2026-11-22 10:00:02+0000,news@example.com,ann@example.org,smtp;550 5.1.1 unknown,autumn,other,<m1@example.com>"
		events, err := p.AppendEvents(nil, &parsers.Line{Text: text, Raw: text})
		if err != nil || len(events) != 1 || events[0].Campaign != want {
			t.Errorf("%q: %+v, %v, want campaign %q", ask, events, err, want)
		}
	}
}
