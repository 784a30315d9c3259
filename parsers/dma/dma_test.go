package dma

import (
	"fmt"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "dma") }

// attempts checks which attempts a log tells of.
func attempts(t *testing.T, log []string, want ...string) {
	t.Helper()
	parsertest.Attempts(t, Format(), strings.Join(log, "\n"), want...)
}

const (
	one = "Nov 22 10:00:00 fbsd dma[1a2b3c.55d0c2a4e0]: "
	two = "Nov 22 10:00:00 fbsd dma[1a2b3c.55d0c2a580]: "
)

func TestLines(t *testing.T) {
	reply := func(code parsers.ReplyCode, text string) parsers.Reply { return parsers.Reply{Code: code, Text: text} }
	told := func(a parsers.Attempt) parsers.Event { return parsers.Event{Part: failed, Attempt: a} }
	for _, test := range []struct {
		text string
		want parsers.Event
	}{
		{"remote delivery deferred: mx.example.org [192.0.2.20] failed after connect: 421 busy", told(parsers.Attempt{
			RelayHost: "mx.example.org", RelayIP: "192.0.2.20", Status: parsers.StatusDeferred, Origin: parsers.OriginRemote,
			Reply: reply(421, "421 busy"), Command: parsers.CONNECT, Diagnostic: "421 busy"})},
		{"remote delivery to mx.example.org [2001:db8::1] failed after DATA: 554 no: to x [192.0.2.1] failed after RCPT TO: 550 x", told(parsers.Attempt{
			RelayHost: "mx.example.org", RelayIP: "2001:db8::1", Status: parsers.StatusBounced, Origin: parsers.OriginRemote,
			Reply: reply(554, "554 no: to x [192.0.2.1] failed after RCPT TO: 550 x"), Command: parsers.DATA, Diagnostic: "554 no: to x [192.0.2.1] failed after RCPT TO: 550 x"})},
		{"remote delivery deferred: mx.example.org [192.0.2.20] failed after MAIL FROM: Timeout reached", told(parsers.Attempt{
			RelayHost: "mx.example.org", RelayIP: "192.0.2.20", Status: parsers.StatusDeferred, Origin: parsers.OriginLocal, Command: parsers.MAILFROM, Diagnostic: "Timeout reached"})},
		{"remote delivery failed: DNS lookup failure: host nx.example.com not found", told(parsers.Attempt{
			Status: parsers.StatusBounced, Origin: parsers.OriginLocal, Diagnostic: "DNS lookup failure: host nx.example.com not found"})},
		{"remote delivery deferred: DNS lookup failure: host nx.example.com not found", told(parsers.Attempt{
			Status: parsers.StatusDeferred, Origin: parsers.OriginLocal, Diagnostic: "DNS lookup failure: host nx.example.com not found"})},
		{"socket for mx.example.org [2001:db8::1] failed: Protocol not supported", told(parsers.Attempt{
			RelayHost: "mx.example.org", RelayIP: "2001:db8::1", Status: parsers.StatusDeferred, Kind: parsers.Connect, Origin: parsers.OriginLocal,
			Command: parsers.CONNECT, Diagnostic: "socket for mx.example.org [2001:db8::1] failed: Protocol not supported"})},
		{"Could not perform server greeting at mx.example.org [192.0.2.20]: 502 what?", told(parsers.Attempt{
			RelayHost: "mx.example.org", RelayIP: "192.0.2.20", Status: parsers.StatusBounced, Origin: parsers.OriginRemote,
			Reply: reply(502, "502 what?"), Command: parsers.EHLO, Diagnostic: "502 what?"})},
		{"remote delivery deferred: STARTTLS not available: 454 no TLS", told(parsers.Attempt{
			Status: parsers.StatusDeferred, Origin: parsers.OriginRemote, Reply: reply(454, "454 no TLS"), Command: parsers.STARTTLS, Diagnostic: "454 no TLS"})},
		{"remote delivery failed: AUTH login failed: 535 no", told(parsers.Attempt{
			Status: parsers.StatusBounced, Origin: parsers.OriginRemote, Reply: reply(535, "535 no"), Command: parsers.AUTH, Diagnostic: "535 no"})},
		{"remote delivery failed: SMTP login failed: Undefined error: 0", parsers.Event{}}, // the line before has told
		{"remote delivery deferred: AUTH login not available: 504 no", parsers.Event{Kind: parsers.Tried, Attempt: parsers.Attempt{ // it goes on without
			Kind: parsers.Connect, Origin: parsers.OriginRemote, Reply: reply(504, "504 no"), Command: parsers.AUTH, Diagnostic: "504 no"}}},
		{"remote delivery deferred", told(parsers.Attempt{Status: parsers.StatusDeferred, Origin: parsers.OriginLocal, Diagnostic: "remote delivery deferred"})},
		{"remote delivery succeeded but QUIT failed: 421 bye", parsers.Event{}},
		{"local delivery deferred: can not lock `/var/mail/root'", told(parsers.Attempt{
			Status: parsers.StatusDeferred, Kind: parsers.Local, Origin: parsers.OriginLocal, Diagnostic: "local delivery deferred: can not lock `/var/mail/root'"})},
		{"local delivery failed: write error: No space left on device", told(parsers.Attempt{
			Status: parsers.StatusDeferred, Kind: parsers.Local, Origin: parsers.OriginLocal, Diagnostic: "local delivery failed: write error: No space left on device"})},
		{"local delivery failed: corrupted queue file", told(parsers.Attempt{
			Status: parsers.StatusBounced, Kind: parsers.Local, Origin: parsers.OriginLocal, Diagnostic: "local delivery failed: corrupted queue file"})},
		{"connect to localhost [127.0.0.1] failed: Connection refused", told(parsers.Attempt{
			RelayHost: "localhost", RelayIP: "127.0.0.1", Status: parsers.StatusDeferred, Kind: parsers.Connect, Origin: parsers.OriginLocal,
			Command: parsers.CONNECT, Diagnostic: "connect to localhost [127.0.0.1] failed: Connection refused"})},
		{"<x> delivery successful> trying delivery", parsers.Event{Part: begun, Attempt: parsers.Attempt{Recipient: "x> delivery successful"}}},
		{"mail to=<x> queued as 1f.2> queued as 1a2b3c.55d0c2a580", parsers.Event{Part: enqueued, NextID: "1a2b3c.55d0c2a580", Attempt: parsers.Attempt{Recipient: "x> queued as 1f.2"}}},
		{"new mail from user=root uid=0 envelope_from=<>", parsers.Event{Part: received, Sender: "<>"}},
		{"using smarthost (2001:db8::5:587)", parsers.Event{Part: relayed, Attempt: parsers.Attempt{RelayPort: 587}}},
		{"trying remote delivery to localhost [127.0.0.1] pref 0", parsers.Event{Part: connecting, Attempt: parsers.Attempt{RelayHost: "localhost", RelayIP: "127.0.0.1", Kind: parsers.Internal}}},
		{"lost queue file `/var/spool/dma/Q1'", parsers.Event{}},
	} {
		p := parsertest.Open(t, Format(), "")
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "dma", PID: "1a2b3c.55d0c2a4e0", Text: test.text})
		if err != nil || len(evs) > 1 || (len(evs) == 1) != (test.want != parsers.Event{}) {
			t.Errorf("%q: %v, %v", test.text, evs, err)
		}
		if len(evs) != 1 {
			continue
		}
		if test.want.Kind == 0 {
			test.want.Kind = parsers.Part
		}
		test.want.Instance, test.want.QueueID = "dma", "1a2b3c.55d0c2a4e0"
		if evs[0] != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, parsertest.Print(&evs[0]), parsertest.Print(&test.want))
		}
	}
}

func TestForeign(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for _, test := range []struct {
		tag, pid, text string
		foreign        bool
	}{
		{"dma", "", "can not read mail queue", false},
		{"dma", "1a2b3c", "something new", false},
		{"mailer", "1a2b3c", "something new", true},
		{"mailer", "", "<a@example.com> trying delivery", true},
		{"", "1a2b3c.zz", "<a@example.com> trying delivery", true},
		{"mailer", "1a2b3c", "<a@example.com> trying delivery", false}, // dma -L mailer
	} {
		_, err := p.AppendEvents(nil, &parsers.Line{Tag: test.tag, PID: test.pid, Text: test.text})
		if err != nil && err != parsers.ErrForeign || (err == parsers.ErrForeign) != test.foreign {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestInterleaved(t *testing.T) {
	attempts(t, []string{
		one + "<a@example.com> trying delivery",
		two + "<b@example.org> trying delivery",
		one + "trying remote delivery to mx1.example.com [192.0.2.10] pref 10",
		two + "trying remote delivery to mx.example.org [192.0.2.20] pref 10",
		strings.Replace(one, "fbsd", "other", 1) + "trying remote delivery to mx9.example.com [192.0.2.90] pref 10",
		two + "remote delivery deferred: Peer did not provide certificate: x",
		one + "<a@example.com> delivery successful",
	},
		`Recipient="b@example.org" RelayHost="mx.example.org" Status=deferred`,
		`Recipient="a@example.com" RelayHost="mx1.example.com" Status=sent`)
}

// Each run has its own servers, and it is the last attempt that tells a bounce from an expiry.
func TestRuns(t *testing.T) {
	attempts(t, []string{
		one + "<a@example.com> trying delivery",
		one + "using smarthost (relay.example.net:587)",
		one + "trying remote delivery to relay.example.net [198.51.100.5] pref 0",
		one + "remote delivery deferred: relay.example.net [198.51.100.5] failed after RCPT TO: 451 later",
		one + "<a@example.com> trying delivery",
		one + "remote delivery deferred: DNS lookup failure: host example.com not found",
		one + "delivery failed, bouncing as 1a2b3f",
		one + "delivery failed, bouncing as 1a2b3f",
	},
		`Recipient="a@example.com" RelayPort=587 Status=deferred Kind=smarthost`,
		`Recipient="a@example.com" Status=deferred Origin=local Diagnostic="DNS`,
		`expired Recipient="a@example.com" Status=expired NotAttempted=true Kind=final`,
		`expired Status=expired`) // nothing is known of it any more; who was deferred is known elsewhere
	attempts(t, []string{
		one + "<a@example.com> trying delivery",
		one + "connect to mx1.example.com [192.0.2.10] failed: Operation timed out",
		one + "delivery failed, bouncing as 1a2b3f",
	}, `Recipient="a@example.com" Kind=connect`, `expired Recipient="a@example.com" Status=expired`)
	attempts(t, []string{
		one + "<a@example.com> trying delivery",
		one + "remote delivery deferred: mx.example.com [192.0.2.10] failed after RCPT TO: 451 later",
		one + "<a@example.com> trying delivery",
		one + "remote delivery to mx.example.com [192.0.2.10] failed after RCPT TO: 550 no",
		one + "delivery failed, bouncing as 1a2b3f",
	}, `Status=deferred`, `Status=bounced`)
}

// What stands before the log's beginning is not made up.
func TestUnknown(t *testing.T) {
	attempts(t, []string{
		one + "remote delivery deferred: mx.example.org [192.0.2.20] failed after RCPT TO: 450 4.2.0 busy",
		two + "<b@example.org> delivery successful",
	},
		`Instance="dma" QueueID="1a2b3c.55d0c2a4e0" RelayHost="mx.example.org" Status=deferred`,
		`QueueID="1a2b3c.55d0c2a580" Recipient="b@example.org" Status=sent`)
	if got := parsertest.Told(t, Format(), two+"<b@example.org> delivery successful")[0]; strings.Contains(got, "Reply") || strings.Contains(got, "Kind") {
		t.Error(got)
	}
}

func TestForgotten(t *testing.T) {
	j := newJoiner(parsers.Options{})
	const n = 5 * minMails
	for i := range n {
		j.Join(nil, "h", nil, &parsers.Event{Part: begun, QueueID: fmt.Sprint(i), Attempt: parsers.Attempt{Recipient: fmt.Sprint(i)}})
		j.Join(nil, "h", nil, &parsers.Event{Part: relayed, QueueID: "0"}) // heard of all the time
	}
	for id, want := range map[string]string{"0": "0", fmt.Sprint(n - 1): fmt.Sprint(n - 1), fmt.Sprint(n - minMails + 1): fmt.Sprint(n - minMails + 1), "1": ""} {
		evs := j.Join(nil, "h", nil, &parsers.Event{Part: failed, QueueID: id})
		if len(evs) != 1 || evs[0].Attempt.Recipient != want {
			t.Errorf("%s: recipient %q", id, evs[0].Attempt.Recipient)
		}
	}
}

func FuzzAppendEvents(f *testing.F) {
	for _, r := range parsertest.Read(f, Format(), "fbsd.log") {
		f.Add(r.Tag, r.PID, r.Text)
	}
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, tag, pid, text string) {
		line := parsers.Line{Tag: tag, PID: pid, Text: text, Time: 1}
		parsertest.Check(t, p, line)
		evs, _ := p.AppendEvents(nil, &line)
		j := newJoiner(parsers.Options{})
		for i := range evs {
			ev := &evs[i]
			for _, s := range []string{ev.NextID, ev.Attempt.Recipient, ev.Attempt.RelayHost, ev.Attempt.RelayIP, ev.Attempt.Diagnostic, ev.Attempt.Reply.Text} {
				if !strings.Contains(text, s) {
					t.Errorf("%q: made up %q", text, s)
				}
			}
			for _, ev := range j.Join(nil, "h", &line, ev) {
				if ev.QueueID == "" || ev.Kind == parsers.Part {
					t.Errorf("%q: %+v", text, ev)
				}
			}
		}
	})
}

func BenchmarkParser(b *testing.B) { parsertest.Benchmark(b, parsertest.Read(b, Format(), "fbsd.log")) }

// BenchmarkJoiner reads with a joiner behind the parser.
func BenchmarkJoiner(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, parsertest.Joined(Format()), "fbsd.log"))
}
