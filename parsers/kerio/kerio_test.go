package kerio

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "kerio") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const (
	at   = parsers.Stamp(1795341602_000000)
	sent = "[22/Nov/2026 10:00:02] Sent: Queue-ID: 63073369-00000003, Recipient: <eve@example.com>, Result: "
	tail = ", Remote-Host: 192.0.2.10, Msg-Id: <m1@example.net>"
)

func TestAppendEvents(t *testing.T) {
	attempt := func(f func(*parsers.Event, *parsers.Attempt)) []parsers.Event {
		ev := parsers.Event{Kind: parsers.Part, Part: attempted, Time: at, QueueID: "63073369-00000003", MessageID: "<m1@example.net>"}
		ev.Attempt = parsers.Attempt{
			Recipient: "eve@example.com", RelayIP: "192.0.2.10", Status: parsers.StatusBounced, Origin: parsers.OriginRemote,
			Reply: parsers.Reply{Enhanced: parsers.EnhancedCode{5, 1, 1}, Text: "5.1.1 No"}, Diagnostic: "5.1.1 No",
		}
		f(&ev, &ev.Attempt)
		return []parsers.Event{ev}
	}
	same := func(*parsers.Event, *parsers.Attempt) {}
	status := func(a *parsers.Attempt, s parsers.Status, code parsers.EnhancedCode, text string) {
		a.Status, a.Reply = s, parsers.Reply{Enhanced: code, Text: text}
		if a.Diagnostic = text; len(text) == len("5.1.1") {
			a.Diagnostic = ""
		}
	}
	expired := func(a *parsers.Attempt) {
		a.Status, a.Kind, a.NotAttempted = parsers.StatusExpired, parsers.Final, true
	}
	received := func(sender, id string) []parsers.Event {
		return []parsers.Event{
			{Kind: parsers.Accepted, Time: at, QueueID: "63073369-00000003", Sender: sender, MessageID: id},
			{Kind: parsers.Part, Part: arrived, Time: at, QueueID: "63073369-00000003"},
		}
	}
	for _, test := range []struct {
		name, text string
		want       []parsers.Event
	}{
		{"failed", sent + "failed, Status: 5.1.1 No" + tail, attempt(same)},
		{"through syslog", strings.TrimPrefix(sent, "[22/Nov/2026 10:00:02] ") + "failed, Status: 5.1.1 No" + tail, attempt(func(ev *parsers.Event, _ *parsers.Attempt) { ev.Time = 0 })},
		{"delivered", sent + "delivered, Status: 2.0.0 " + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusSent, parsers.EnhancedCode{2, 0, 0}, "2.0.0")
		})},
		{"relayed", sent + "relayed, Status: 2.0.0 Ok" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusSent, parsers.EnhancedCode{2, 0, 0}, "2.0.0 Ok")
		})},
		{"Kerio MailServer", sent + "delivered, Status: 2.0.0", attempt(func(ev *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusSent, parsers.EnhancedCode{2, 0, 0}, "2.0.0")
			ev.MessageID, a.RelayIP, a.Origin = "", "", 0
		})},
		{"delayed", sent + "delayed, Status: 4.3.0 Recipient's mailbox busy" + strings.Replace(tail, "192.0.2.10", "127.0.0.1", 1), attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusDeferred, parsers.EnhancedCode{4, 3, 0}, "4.3.0 Recipient's mailbox busy")
			a.RelayIP, a.Kind, a.Origin = "127.0.0.1", parsers.Local, parsers.OriginLocal
		})},
		{"deferred", sent + "deferred, Status: 4.4.1 No answer" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusDeferred, parsers.EnhancedCode{4, 4, 1}, "4.4.1 No answer")
		})},
		{"given up after deferrals", sent + "failed, Status: 4.4.1 No answer" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusBounced, parsers.EnhancedCode{4, 4, 1}, "4.4.1 No answer")
			expired(a)
		})},
		{"given up in time", sent + "failed, Status: 5.4.7 Delivery time expired" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusBounced, parsers.EnhancedCode{5, 4, 7}, "5.4.7 Delivery time expired")
			expired(a)
			a.Origin = parsers.OriginLocal
		})},
		{"commas and keys in the text", sent + "failed, Status: 5.7.1 Blocked, see, Remote-Host: 203.0.113.66, Msg-Id: <x>" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusBounced, parsers.EnhancedCode{5, 7, 1}, "5.7.1 Blocked, see, Remote-Host: 203.0.113.66, Msg-Id: <x>")
		})},
		{"a result of another version", sent + "refused, Status: 5.1.1 No" + tail, attempt(same)},
		{"another that may be tried again", sent + "requeued, Status: 4.4.1 No answer" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusDeferred, parsers.EnhancedCode{4, 4, 1}, "4.4.1 No answer")
		})},
		{"another that is over", sent + "expired, Status: 4.4.7 Too late" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusBounced, parsers.EnhancedCode{4, 4, 7}, "4.4.7 Too late")
			expired(a)
			a.Origin = parsers.OriginLocal
		})},
		{"relayed to another host", sent + "relayed to smart.example.net, Status: 2.0.0 Ok" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			status(a, parsers.StatusSent, parsers.EnhancedCode{2, 0, 0}, "2.0.0 Ok")
		})},
		{"no host", sent + "failed, Status: 5.1.1 No, Msg-Id: <m1@example.net>", attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			a.RelayIP, a.Origin = "", 0
		})},
		{"no code", sent + "failed, Status: Unknown host" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			a.Reply, a.Diagnostic = parsers.Reply{}, "Unknown host"
		})},
		{"host by name", sent + "failed, Status: 5.1.1 No, Remote-Host: mx.example.com, Msg-Id: <m1@example.net>", attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			a.RelayHost, a.RelayIP = "mx.example.com", ""
		})},
		{"inside", sent + "failed, Status: 5.1.1 No, Remote-Host: 198.51.100.7, Msg-Id: <m1@example.net>", attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			a.RelayIP, a.Kind = "198.51.100.7", parsers.Internal
		})},
		{"hostile recipient", strings.Replace(sent, "eve@", `"x>, Result: delivered, Status: 2.0.0\""@`, 1) + "failed, Status: 5.1.1 No" + tail, attempt(func(_ *parsers.Event, a *parsers.Attempt) {
			a.Recipient = `"x>, Result: delivered, Status: 2.0.0\""@example.com`
		})},
		{"arrival", "[22/Nov/2026 10:00:02] Recv: Queue-ID: 63073369-00000003, Service: Kerio Connect Client, From: <news@example.net>, To: <a@example.com>,<b@example.com>, Size: 378, Sender-Host: 0.0.0.0, User: news, SSL: yes, Subject: x, From: <y@example.org>, Msg-Id: <fake>, Msg-Id: <m1@example.net>",
			received("news@example.net", "<m1@example.net>")},
		{"arrival of a bounce message", "[22/Nov/2026 10:00:02] Recv: Queue-ID: 63073369-00000003, Service: DSN, From: <>, To: <news@example.net>, Size: 1650, Report: failed", received(parsers.NullSender, "")},
		{"arrival, as the manual prints it", "[22/Nov/2026 10:00:02] Recv: Queue-ID: 63073369-00000003,Service: SMTP, From: <news@example.net>, To: <a@example.com>,Size: 1229", received("news@example.net", "")},
		{"something else", "[22/Nov/2026 10:00:02] List: From: <news@example.net>", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Format().Open(parsers.Sample{}, parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.AppendEvents(nil, &parsers.Line{Text: test.text})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	arrival := parsers.Event{Kind: parsers.Part, Part: arrived, Time: at, QueueID: "1"}
	later := parsers.Event{Kind: parsers.Part, Part: attempted, QueueID: "1", Sender: "x"}
	later.Attempt.Status = parsers.StatusExpired
	line := &parsers.Line{Time: at.Add(90 * time.Second)}
	ask := func(j parsers.Joiner, host string) parsers.Event {
		t.Helper()
		evs := j.Join([]parsers.Event{{}}, host, line, &later)
		if len(evs) != 2 {
			t.Fatalf("%d events", len(evs))
		}
		return evs[1]
	}
	j := newJoiner(parsers.Options{})
	if evs := j.Join(nil, "a", &parsers.Line{}, &arrival); evs != nil {
		t.Errorf("%v", evs)
	}
	if ev := ask(j, "a"); ev.Kind != parsers.Expired || ev.Part != 0 || ev.Time != 0 || ev.Sender != "x" || ev.Attempt.Delay != parsers.Milliseconds(90_000) {
		t.Errorf("%+v", ev)
	}
	if ev := ask(j, "b"); ev.Attempt.Delay != (parsers.Duration{}) {
		t.Errorf("of another host: %+v", ev)
	}
	line.Time = at.Add(-time.Second)
	if ev := ask(j, "a"); ev.Attempt.Delay != (parsers.Duration{}) {
		t.Errorf("before it arrived: %+v", ev)
	}
	line.Time = at.Add(90 * time.Second)
	for i := range minMessages {
		arrival.QueueID = fmt.Sprint("x", i)
		j.Join(nil, "a", line, &arrival)
	}
	if ev := ask(j, "a"); ev.Attempt.Delay == (parsers.Duration{}) {
		t.Error("forgotten too early")
	}
	for i := range 2 * minMessages {
		arrival.QueueID = fmt.Sprint("y", i)
		j.Join(nil, "a", line, &arrival)
	}
	if ev := ask(j, "a"); ev.Attempt.Delay != (parsers.Duration{}) {
		t.Errorf("never forgotten: %+v", ev)
	}
}

func TestCutStamp(t *testing.T) {
	for s, want := range map[string]string{
		"[22/Nov/2026 10:00:02] x": "2026-11-22T10:00:02Z", "[29/Feb/2028 23:59:59] x": "2028-02-29T23:59:59Z",
		"[29/Feb/2026 10:00:02] x": "", "[22/nov/2026 10:00:02] x": "", "[22/ovD/2026 10:00:02] x": "", "[22/Nov/2026:10:00:02 +0000] x": "", "[22/Nov/2026 10:00:02]x": "",
		"[x2/Nov/2026 10:00:02] x": "", "[22/Nov/2026 24:00:02] x": "", "[22/Nov/2026 10:60:02] x": "", "22/Nov/2026 10:00:02 x": "", "": "",
	} {
		got, _, ok := cutStamp(s, nil)
		if ok && got.String() != want || ok != (want != "") {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
	if got, _, _ := cutStamp("[22/Nov/2026 10:00:02] ", time.FixedZone("", 7*3600)); got != at.Add(-7*time.Hour) {
		t.Errorf("7 hours east: %v", got)
	}
}

func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		text   string
		column int // zero: not a line of this format
	}{
		{"", 0},
		{"Sent: 5 messages", 0},
		{"IMAP: User a@example.com authenticated", 0},
		{"Sent: Queue-ID: Q", 18},
		{"Sent: Queue-ID: Q, Recipient: a@example.com", 19},
		{"Sent: Queue-ID: Q, Recipient: <a@example.com", 32},
		{"Sent: Queue-ID: Q, Recipient: <a@example.com>, ", 46},
		{"Sent: Queue-ID: Q, Recipient: <a@example.com>, Result: eaten, Status: x", 56},
		{"Recv: Queue-ID: Q, Service: SMTP", 19},
		{"Recv: Queue-ID: Q, Service: SMTP, From: <a@exam", 42},
	} {
		parsertest.Refuses(t, parsertest.Open(t, Format(), ""), test.text, test.column)
	}
}

func TestSniff(t *testing.T) {
	sample := parsers.Sample{Lines: []parsers.Line{{Text: sent + "failed, Status: 5.1.1 No" + tail}, {Text: "[22/Nov/2026 10:00:02] something else"}}}
	if got := Format().Sniff(sample); got != 50 {
		t.Errorf("%d, want 50", got)
	}
	if got := Format().Sniff(parsers.Sample{Lines: sample.Lines[1:]}); got != 0 {
		t.Errorf("a stamp alone: %d", got)
	}
}

func FuzzAppendEvents(f *testing.F) {
	for line := range strings.Lines(parsertest.Log(f, "shapes.log")) {
		f.Add(strings.TrimSuffix(line, "\n"), "5.1.1 no")
	}
	f.Add("", ", Remote-Host: 203.0.113.66, Msg-Id: <x>")
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, text, reply string) {
		parsertest.Check(t, p, parsers.Line{Text: text})
		// Whatever a server answers, it is neither the result nor the host.
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: sent + "deferred, Status: " + reply + tail})
		if err != nil || len(evs) != 1 {
			t.Fatalf("%q: %v, %d events", reply, err, len(evs))
		}
		if a := &evs[0].Attempt; a.Status != parsers.StatusDeferred || a.RelayIP != "192.0.2.10" || a.Recipient != "eve@example.com" || evs[0].MessageID != "<m1@example.net>" {
			t.Fatalf("%q: %+v", reply, evs[0])
		}
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
