package kumomta

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "kumomta") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

// rec is a record with the given members, which come after those that every record has and so replace them.
func rec(members string) string {
	return `{"type":"Bounce","id":"a1b2c3d4e5f611efb1c10242ac110002","sender":"news@example.net","recipient":"eve@example.com",` +
		`"queue":"spring:shop@example.com","response":{"code":550,"enhanced_code":{"class":5,"subject":1,"detail":1},"content":"No such user","command":"RCPT TO:<eve@example.com>\r\n"},` +
		`"peer_address":{"name":"mx.example.com.","addr":"192.0.2.25"},"event_time":"2026-11-22T10:00:03.250Z","timestamp":1795341603,` +
		`"created_time":"2026-11-22T10:00:01.750Z","created":1795341601,"num_attempts":2,"source_address":{"address":"203.0.113.9:40022"},` +
		`"delivery_protocol":"ESMTP","bounce_classification":"InvalidRecipient"` + members + `}`
}

// bounce returns what rec tells, changed by f.
func bounce(f func(*parsers.Event)) parsers.Event {
	ev := parsers.Event{
		Kind: parsers.Attempted, QueueID: "a1b2c3d4e5f611efb1c10242ac110002", Sender: "news@example.net", Time: 1795341603_250000,
		Attempt: parsers.Attempt{
			Recipient: "eve@example.com", RelayHost: "mx.example.com", RelayIP: "192.0.2.25", Status: parsers.StatusBounced,
			Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 1, 1}, Text: "No such user"},
			Command: parsers.RCPTTO, Diagnostic: "No such user", Delay: parsers.Milliseconds(1500), Ordinal: 3, Job: "spring", SourceIP: "203.0.113.9",
		},
	}
	if f != nil {
		f(&ev)
	}
	return ev
}

func TestAppendEvents(t *testing.T) {
	type attempt = parsers.Attempt
	relays := parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	for _, test := range []struct {
		name, members string
		want          func(*parsers.Event)
	}{
		{"every field", ``, nil},
		{"an enhanced code left in the text", `,"response":{"code":550,"enhanced_code":null,"content":"5.7.1: Blocked","command":"DATA\r\n"}`, func(ev *parsers.Event) {
			ev.Attempt.Reply = parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 7, 1}, Text: "5.7.1: Blocked"}
			ev.Attempt.Diagnostic, ev.Attempt.Command = "5.7.1: Blocked", parsers.DATA
		}},
		{"qmail's enhanced code", `,"response":{"code":553,"enhanced_code":null,"content":"sorry, no mailbox here by that name (#5.1.1)","command":null}`, func(ev *parsers.Event) {
			ev.Attempt.Diagnostic, ev.Attempt.Command = "sorry, no mailbox here by that name (#5.1.1)", 0
			ev.Attempt.Reply = parsers.Reply{Code: 553, Enhanced: parsers.EnhancedCode{5, 1, 1}, Text: ev.Attempt.Diagnostic}
		}},
		{"a number that is no code", `,"response":{"code":550,"enhanced_code":{"class":9,"subject":1,"detail":1},"content":"5.1.1.4 is no version","command":null}`, func(ev *parsers.Event) {
			ev.Attempt.Diagnostic, ev.Attempt.Command = "5.1.1.4 is no version", 0
			ev.Attempt.Reply = parsers.Reply{Code: 550, Text: ev.Attempt.Diagnostic}
		}},
		{"a response of its own", `,"type":"TransientFailure","response":{"code":421,"enhanced_code":{"class":4,"subject":4,"detail":2},"content":"KumoMTA internal: failed to send message to mx: Timed Out","command":".\r\n"}`, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.Status, a.Origin, a.Command, a.Diagnostic = parsers.StatusDeferred, parsers.OriginLocal, parsers.EndOfDATA, "KumoMTA internal: failed to send message to mx: Timed Out"
			a.Reply = parsers.Reply{Code: 421, Enhanced: parsers.EnhancedCode{4, 4, 2}, Text: a.Diagnostic}
		}},
		{"a server that quotes that", `,"response":{"code":550,"enhanced_code":null,"content":"said KumoMTA internal: no","command":null}`, func(ev *parsers.Event) {
			ev.Attempt.Diagnostic, ev.Attempt.Command = "said KumoMTA internal: no", 0
			ev.Attempt.Reply = parsers.Reply{Code: 550, Text: ev.Attempt.Diagnostic}
		}},
		{"no code", `,"response":{"code":0,"enhanced_code":null,"content":"odd","command":null}`, func(ev *parsers.Event) {
			ev.Attempt.Reply, ev.Attempt.Diagnostic, ev.Attempt.Origin, ev.Attempt.Command = parsers.Reply{}, "odd", 0, 0
		}},
		{"an administrator's text", `,"type":"AdminBounce","response":{"code":551,"enhanced_code":{"class":5,"subject":7,"detail":1},"content":"Administrator bounced with reason: purge","command":null},"peer_address":null,"source_address":null`, func(ev *parsers.Event) {
			ev.Attempt = attempt{Recipient: "eve@example.com", Status: parsers.StatusBounced, Kind: parsers.Final, NotAttempted: true, Origin: parsers.OriginLocal,
				Reply:      parsers.Reply{Code: 551, Enhanced: parsers.EnhancedCode{5, 7, 1}, Text: "Administrator bounced with reason: purge"},
				Diagnostic: "Administrator bounced with reason: purge", Delay: parsers.Milliseconds(1500), Job: "spring"}
		}},
		{"a bounce message that came later", `,"type":"OOB","peer_address":{"name":"mx.example.org","addr":"127.0.0.1"}`, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.Kind, a.RelayHost, a.RelayIP, a.Ordinal = parsers.Async, "mx.example.org", "127.0.0.1", 0
		}},
		{"the end of the queue lifetime", `,"type":"Expiration"`, func(ev *parsers.Event) {
			ev.Kind = parsers.Expired
			a := &ev.Attempt
			a.Status, a.Kind, a.NotAttempted, a.Origin, a.Ordinal = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal, 0
		}},
		{"a refusal of ours", `,"type":"Rejection","id":"","sender":"","recipient":""`, func(ev *parsers.Event) {
			ev.Kind, ev.QueueID, ev.Sender = parsers.Rejected, "", ""
			a := &ev.Attempt
			a.Recipient, a.Status, a.Origin, a.Delay, a.Ordinal = "", parsers.StatusRejected, parsers.OriginLocal, parsers.Duration{}, 0
		}},
		{"a null sender", `,"sender":""`, func(ev *parsers.Event) { ev.Sender = parsers.NullSender }},
		{"one of several", `,"recipient":["eve@example.com"]`, nil},
		{"no recipient", `,"recipient":[]`, func(ev *parsers.Event) { ev.Attempt.Recipient = "" }},
		{"escapes", `,"recipient":"\u0065ve@example.com","sender":"\"a b\"@example.net"`, func(ev *parsers.Event) { ev.Sender = `"a b"@example.net` }},
		{"times before 2024", `,"event_time":null,"created_time":null`, func(ev *parsers.Event) {
			ev.Time, ev.Attempt.Delay = 1795341603_000000, parsers.Milliseconds(2000)
		}},
		{"times in quotes", `,"event_time":null,"created_time":null,"timestamp":"1795341603","created":"1795341601"`, func(ev *parsers.Event) {
			ev.Time, ev.Attempt.Delay = 1795341603_000000, parsers.Milliseconds(2000)
		}},
		{"no times", `,"event_time":"soon","created_time":null,"timestamp":"x","created":-5`, func(ev *parsers.Event) {
			ev.Time, ev.Attempt.Delay = 0, parsers.Duration{}
		}},
		{"a clock set back", `,"event_time":"2026-11-22T10:00:00Z"`, func(ev *parsers.Event) {
			ev.Time, ev.Attempt.Delay = 1795341600_000000, parsers.Duration{}
		}},
		{"a queue without campaign", `,"queue":"shop@example.com"`, func(ev *parsers.Event) { ev.Attempt.Job = "" }},
		{"a queue with a port", `,"queue":"example.com!mx.example.com:25"`, func(ev *parsers.Event) { ev.Attempt.Job = "" }},
		{"a campaign without tenant", `,"queue":"spring:@example.com"`, nil},
		{"IPv6", `,"peer_address":{"name":"mx.example.com.","addr":"[2001:db8::25]:587"},"source_address":{"address":"[2001:db8::9]:40022"}`, func(ev *parsers.Event) {
			ev.Attempt.RelayIP, ev.Attempt.RelayPort, ev.Attempt.SourceIP = "2001:db8::25", 587, "2001:db8::9"
		}},
		{"a mailbox's socket", `,"peer_address":{"name":"/run/dovecot/lmtp","addr":"/run/dovecot/lmtp"}`, func(ev *parsers.Event) {
			ev.Attempt.RelayHost, ev.Attempt.RelayIP, ev.Attempt.Kind = "/run/dovecot/lmtp", "", parsers.Local
		}},
		{"a server inside", `,"peer_address":{"name":"out.example.net.","addr":"198.51.100.4"}`, func(ev *parsers.Event) {
			ev.Attempt.RelayHost, ev.Attempt.RelayIP, ev.Attempt.Kind = "out.example.net", "198.51.100.4", parsers.Internal
		}},
		{"a mailbox", `,"type":"Delivery","delivery_protocol":"Maildir","response":{"code":200,"enhanced_code":null,"content":"eve@example.com: wrote to /m/eve","command":null},"peer_address":null,"source_address":null`, func(ev *parsers.Event) {
			a := &ev.Attempt
			a.RelayHost, a.RelayIP, a.SourceIP, a.Kind, a.Origin, a.Status, a.Command = "", "", "", parsers.Local, parsers.OriginLocal, parsers.StatusSent, 0
			a.Reply, a.Diagnostic = parsers.Reply{}, "eve@example.com: wrote to /m/eve"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Format().Open(parsers.Sample{}, relays)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.AppendEvents(nil, &parsers.Line{Text: rec(test.members)})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]parsers.Event{bounce(test.want)}, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestAppendEvents_SeveralRecipients(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	got, err := p.AppendEvents(nil, &parsers.Line{Text: rec(`,"recipient":["a@example.com","b@example.com","c@example.com"]`)})
	var recipients []string
	for _, ev := range got {
		recipients = append(recipients, ev.Attempt.Recipient)
		ev.Attempt.Recipient = "eve@example.com"
		if ev != bounce(nil) {
			t.Errorf("%s", parsertest.Print(&ev))
		}
	}
	if want := []string{"a@example.com", "b@example.com", "c@example.com"}; err != nil || !slices.Equal(recipients, want) {
		t.Errorf("recipients %q, %v, want %q", recipients, err, want)
	}
}

func TestAppendEvents_OtherTypes(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	f := func(text string, events int, err error) {
		t.Helper()
		got, gotErr := p.AppendEvents(nil, &parsers.Line{Text: text})
		if len(got) != events || gotErr != err {
			t.Errorf("%d events, %v of %s", len(got), gotErr, text)
		}
	}
	for _, name := range []string{"Feedback", "Delayed", "AdminRebind", "DeferredInjectionRebind", "XferOut", "XferIn"} {
		f(rec(`,"type":"`+name+`"`), 0, nil)
	}
	f(`{"type":"Authentication","timestamp":"2026-11-22T10:00:00Z","success":true,"auth_info":{}}`, 0, nil)
	f(`{"type":"Authorization"}`, 0, parsers.ErrForeign)
	f(rec(`,"type":"delivery"`), 0, parsers.ErrForeign)
	f(rec(`,"response":null`), 0, parsers.ErrForeign)
	f(`{"RecordType":"Bounce","id":"x","response":{}}`, 0, parsers.ErrForeign)
	f(`{"type":"Delivery"}`, 0, parsers.ErrForeign)
	f(`[`+rec(``)+`]`, 0, parsers.ErrForeign)
	f(``, 0, parsers.ErrForeign)

	reception, err := p.AppendEvents(nil, &parsers.Line{Text: rec(`,"type":"Reception","response":{"code":250,"enhanced_code":null,"content":"","command":null}`)})
	want := parsers.Event{Kind: parsers.Accepted, QueueID: "a1b2c3d4e5f611efb1c10242ac110002", Sender: "news@example.net", Time: 1795341603_250000}
	if err != nil || len(reception) != 1 || reception[0] != want {
		t.Errorf("reception: %v, %v", reception, err)
	}
}

func TestAppendEvents_Failure(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	text := rec("")
	for _, cut := range []string{text[:len(text)-1], text[:len(text)/2], text + "x"} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: cut})
		if syntax, ok := err.(*parsers.SyntaxError); !ok || syntax.Column != len(cut)+1 || len(evs) != 0 {
			t.Errorf("%d events, %v of %s", len(evs), err, cut)
		}
	}
}

func TestSniff(t *testing.T) {
	f := func(s parsers.Sample, want parsers.Score) {
		t.Helper()
		if got := Format().Sniff(s); got != want {
			t.Errorf("score %d, want %d", got, want)
		}
	}
	f(parsertest.Sample(rec(""), rec(`,"type":"Delayed"`)), 100)
	f(parsertest.Sample(rec(""), `{"eventType":"Delivery","mail":{"messageId":"m"}}`), 50)
	f(parsertest.Sample(`{"type":"Bounce"}`, "", "Bounce"), 0)
	f(parsertest.Sample(), 0)
}

func TestAppendEvents_NoAllocation(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	evs := make([]parsers.Event, 0, 8)
	line := parsers.Line{Text: rec(`,"recipient":["a@example.com","b@example.com"]`)}
	if n := testing.AllocsPerRun(10, func() { evs, _ = p.AppendEvents(evs[:0], &line) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "kumomta.log"))
}

func FuzzAppendEvents(f *testing.F) {
	f.Add("", rec(`,"response":{"code":"550","enhanced_code":{"class":5},"content":"x"}`))
	parsertest.Fuzz(f, Format(), "kumomta.log")
}
