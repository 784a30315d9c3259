package opensmtpd

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "opensmtpd") }

// delivery is a record in today's grammar with an end of its own.
func delivery(to, relay, end string) string {
	return `8f4864084ecc48f6 mta delivery evpid=7077717e797a7770 from=<news@example.net> to=<` + to + `> rcpt=<-> source="203.0.113.1" relay="` + relay + `" delay=1s ` + end
}

func TestReplies(t *testing.T) {
	const refused = `Status=bounced Origin=remote Reply.Code=550`
	for _, test := range []struct{ result, stat, want string }{
		{"Ok", "250", `Status=sent Origin=remote Reply.Code=250 Reply.Text="250"`},
		{"Ok", "250 5.0.0 contradicts itself", `Status=sent Origin=remote Reply.Code=250 Reply.Enhanced=5.0.0 Reply.Text="250 5.0.0 contradicts itself"`},
		{"PermFail", `550 5.1.1 no "such" user`, refused + ` Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no \"such\" user"`},
		{"PermFail", "550-5.7.1 See 450 4.2.1 or 550 5.1.1 there", refused + ` Reply.Enhanced=5.7.1 Reply.Text="550-5.7.1 See 450 4.2.1 or 550 5.1.1 there"`},
		{"PermFail", "550-NoNothing552 5.2.2 either", refused + ` Reply.Text="550-NoNothing552 5.2.2 either"`},
		{"PermFail", "550 sorry, no mailbox here by that name (#5.1.1)", refused + ` Reply.Enhanced=5.1.1 Reply.Text="550 sorry, no mailbox here by that name (#5.1.1)"`},
		{"PermFail", `550 no" result="Ok" stat="250 ok`, refused + ` Reply.Text="550 no\" result=\"Ok\" stat=\"250 ok"`},
		{"TempFail", "EHLO rejected: 550 5.7.1 bad name", `Status=deferred Origin=remote Reply.Code=550 Reply.Enhanced=5.7.1 Reply.Text="550 5.7.1 bad name" Command=EHLO`},
		{"TempFail", "BANNER rejected: 421 busy", `Status=deferred Origin=remote Reply.Code=421 Reply.Text="421 busy" Command=CONNECT`},
		{"TempFail", "AUTH rejected: what", `Status=deferred Origin=local Command=AUTH`},
		{"TempFail", "Bad response: reply code out of range", `Status=deferred Origin=local`},
		{"TempFail", "Network error on destination MXs", `Status=deferred Origin=local`},
		{"PermFail", "Loop detected", `Status=bounced Origin=local`},
	} {
		text := delivery("a@example.com", "192.0.2.25 (mx.example.com)", `result="`+test.result+`" stat="`+test.stat+`"`)
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: text})
		if err != nil || len(evs) == 0 {
			t.Fatalf("%s: %v", text, err)
		}
		got := parsertest.Print(&evs[0])
		if !strings.Contains(got, `RelayIP="192.0.2.25" `+test.want+" ") || evs[0].Attempt.Diagnostic != test.stat {
			t.Errorf("%s\n got %s\nwant %s", text, got, test.want)
		}
		if gone := len(evs) == 2 && evs[1].Kind == parsers.Removed; gone != (test.result != "TempFail") {
			t.Errorf("%s: removed is %v", text, gone)
		}
	}
}

func TestServers(t *testing.T) {
	inside := parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	for relay, want := range map[string]struct {
		host, ip string
		kind     parsers.AttemptKind
	}{
		"192.0.2.25 (mx.example.com)":        {"mx.example.com", "192.0.2.25", parsers.Remote},
		"[2001:db8::19] (mx.example.com)":    {"mx.example.com", "2001:db8::19", parsers.Remote},
		"IPv6:2001:db8::19 (mx.example.com)": {"mx.example.com", "2001:db8::19", parsers.Remote},
		"192.0.2.25 (192.0.2.25)":            {"192.0.2.25", "192.0.2.25", parsers.Remote},
		"192.0.2.25":                         {"", "192.0.2.25", parsers.Remote},
		"example.com":                        {"example.com", "", parsers.Remote},
		"198.51.100.4 (av.example.net)":      {"av.example.net", "198.51.100.4", parsers.Internal},
		"[::1] (localhost)":                  {"localhost", "::1", parsers.Internal},
	} {
		p, err := Format().Open(parsers.Sample{}, inside)
		if err != nil {
			t.Fatal(err)
		}
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: delivery("a@example.com", relay, `result="Ok" stat="250 ok"`)})
		if err != nil || len(evs) == 0 {
			t.Fatalf("%s: %v", relay, err)
		}
		if a := &evs[0].Attempt; a.RelayHost != want.host || a.RelayIP != want.ip || a.Kind != want.kind {
			t.Errorf("%s: %q %q %v", relay, a.RelayHost, a.RelayIP, a.Kind)
		}
	}
}

func TestAddresses(t *testing.T) {
	for to, want := range map[string]string{
		`a@example.com`:                           `a@example.com`,
		`"a b"@example.com`:                       `"a b"@example.com`,
		`"a> rcpt=<x@y> source=\"-\" delay="@b.c`: `"a> rcpt=<x@y> source=\"-\" delay="@b.c`,
		`a"b@example.com`:                         `a"b@example.com`,
		`a>b@example.com`:                         `a>b@example.com`,
	} {
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: delivery(to, "192.0.2.25 (mx.example.com)", `result="Ok" stat="250 ok"`)})
		if err != nil || len(evs) == 0 || evs[0].Attempt.Recipient != want {
			t.Errorf("%s: %v, %v", to, evs, err)
		}
	}
}

func TestFailure(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	text := delivery("a@example.com", "192.0.2.25 (mx.example.com)", `result="Ok" stat="250 ok"`)
	for _, test := range []struct {
		text   string
		column int
		msg    string
	}{
		{text[:strings.Index(text, " result=")], strings.Index(text, " result=") + 1, "unknown result"},
		{text[:strings.Index(text, "lt=")], strings.Index(text, "result=") + 1, "unknown field"},
		{strings.Replace(text, "Ok", "Maybe", 1), len(text) + len("Maybe") - len("Ok") + 1, "unknown result"},
		{strings.Replace(text, "delay=", "delays=", 1), strings.Index(text, "delay=") + 1, "unknown field"},
		{strings.Replace(text, "evpid=7077717e797a7770", "evpid=7077717e", 1), len(text) - 8 + 1, "record without evpid="},
		{"8f4864084ecc48f6 smtp envelope from=<a@b.c> to=<d@e.f>", len("8f4864084ecc48f6 smtp envelope from=<a@b.c> to=<d@e.f>") + 1, "envelope without an evpid"},
		{"relay: Later for 7077717e797a7770: from=<a@b.c>, to=<d@e.f>, delay=0s, stat=x", len("relay: Later for 7077717e797a7770: from=<a@b.c>, to=<d@e.f>, delay=0s, stat=x") + 1, "unknown result"},
	} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "smtpd", Text: test.text})
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != test.column || bad.Msg != test.msg || len(evs) > 0 {
			t.Errorf("%q: %v, want column %d: %s", test.text, err, test.column, test.msg)
		}
	}
	cut, err := p.AppendEvents(nil, &parsers.Line{Text: text[:len(text)-2]})
	if err != nil || len(cut) == 0 || !cut[0].Attempt.Truncated || cut[0].Attempt.Diagnostic != "250 o" {
		t.Errorf("%v, %v", cut, err)
	}
}

func TestForeign(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for text, want := range map[string]error{
		"":                              parsers.ErrForeign,
		"Peer: ('198.51.100.9', 41234)": parsers.ErrForeign,
		"connect from mx.example.com[192.0.2.25]":                             parsers.ErrForeign,
		"NOQUEUE: reject: RCPT from mx.example.com[192.0.2.25]: 554 5.7.1 no": parsers.ErrForeign,
		"relay: Ok for x: from=<a@b.c>":                                       parsers.ErrForeign,
		"8F4864084ECC48F6 mta delivery evpid=x":                               parsers.ErrForeign,
		"8f4864084ecc48f6 mta connected":                                      nil,
		"8f4864084ecc48f6 mta error reason=BANNER rejected: 421 busy":         nil,
		"smtp-out: session x":                                                 nil,
		"Exiting":                                                             nil,
		"8f4864084ecc48f6 smtp failed-command command=\"RCPT TO:<a@b.c>":      nil,
	} {
		if evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "smtpd", Text: text}); err != want || len(evs) > 0 {
			t.Errorf("%q: %v, %v", text, evs, err)
		}
	}
}

func TestSniff(t *testing.T) {
	record := delivery("a@example.com", "192.0.2.25 (mx.example.com)", `result="Ok" stat="250 ok"`)
	s := parsers.Sample{Lines: []parsers.Line{{Text: record}, {Text: "info: starting"}, {Text: ""}, {Text: record}, {Text: "8f4864084ecc48f6 x"}}}
	if got := Format().Sniff(s); got != 50 {
		t.Errorf("score %d, want 50", got)
	}
	if got := Format().Sniff(parsers.Sample{Lines: s.Lines[1:3]}); got != 0 {
		t.Errorf("score %d, want 0", got)
	}
}

func TestAllocations(t *testing.T) {
	evs := make([]parsers.Event, 0, 4)
	for _, r := range parsertest.Read(t, Format(), "7.6.log") {
		if n := testing.AllocsPerRun(1, func() { evs, _ = r.Parser.AppendEvents(evs[:0], &r.Line) }); n > 0 {
			t.Errorf("%v allocations for %s", n, r.Text)
		}
	}
}

func BenchmarkParser(b *testing.B) { parsertest.Benchmark(b, parsertest.Read(b, Format(), "7.6.log")) }

func FuzzAppendEvents(f *testing.F) {
	for _, name := range []string{"shapes.log", "7.6.log"} {
		for _, r := range parsertest.Read(f, Format(), name) {
			f.Add(r.Text)
		}
	}
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, text string) {
		line := parsers.Line{Tag: "smtpd", Text: text}
		parsertest.Check(t, p, line)
		evs, _ := p.AppendEvents(nil, &line)
		for i := range evs {
			a := &evs[i].Attempt
			for _, s := range []string{evs[i].QueueID, a.Recipient, a.OriginalRecipient, a.RelayHost, a.RelayIP, a.SourceIP, a.Reply.Text, a.Diagnostic} {
				if !strings.Contains(text, s) {
					t.Errorf("%q: %q is no part of it", text, s)
				}
			}
		}
	})
}
