package msmtp

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "msmtp") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const head = "host=smtp.example.net tls=on auth=on user=u@example.net from=news@example.net "

func TestAppendEvents(t *testing.T) {
	type attempt = parsers.Attempt
	said := func(text string) parsers.Reply {
		r, _ := parsers.ParseReply(text)
		return r
	}
	// refused is what msmtp tells of a recipient whom the server refused, changed by f.
	refused := func(f func(*attempt)) attempt {
		a := attempt{
			Recipient: "eve@example.com", RelayHost: "smtp.example.net", Status: parsers.StatusBounced, Kind: parsers.Smarthost, Origin: parsers.OriginRemote,
			Reply: said("550 5.1.1 No"), Command: parsers.RCPTTO, Diagnostic: "550 5.1.1 No",
		}
		if f != nil {
			f(&a)
		}
		return a
	}
	local := func(a *attempt, text string) {
		a.Origin, a.Reply, a.Command, a.Diagnostic = parsers.OriginLocal, parsers.Reply{}, 0, text
	}
	reply := func(a *attempt, text string, command parsers.Command) {
		a.Reply, a.Diagnostic, a.Command = said(text), text, command
	}
	const named = "recipient address eve@example.com not accepted by the server"
	for _, test := range []struct {
		name, text string
		want       []attempt
	}{
		{"sent", head + "recipients=a@example.com,b@example.com mailsize=211 smtpstatus=250 smtpmsg='250 2.0.0 Ok: queued as 4F1C2A' exitcode=EX_OK", []attempt{
			refused(func(a *attempt) {
				reply(a, "250 2.0.0 Ok: queued as 4F1C2A", parsers.EndOfDATA)
				a.Recipient, a.Status = "a@example.com", parsers.StatusSent
			}),
			refused(func(a *attempt) {
				reply(a, "250 2.0.0 Ok: queued as 4F1C2A", parsers.EndOfDATA)
				a.Recipient, a.Status = "b@example.com", parsers.StatusSent
			}),
		}},
		{"refused", head + "recipients=eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='" + named + "' exitcode=EX_DATAERR", []attempt{refused(nil)}},
		{"one of several refused", head + "recipients=a@example.com,eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='" + named + "' exitcode=EX_DATAERR", []attempt{
			refused(func(a *attempt) { local(a, named); a.Recipient = "a@example.com" }), refused(nil),
		}},
		{"one of several refused, in another language", head + `recipients=a@example.com,eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='Der Server hat die Empfängeradresse eve@example.com nicht akzeptiert' exitcode=EX_DATAERR`, []attempt{
			refused(func(a *attempt) {
				local(a, "Der Server hat die Empfängeradresse eve@example.com nicht akzeptiert")
				a.Recipient = "a@example.com"
			}),
			refused(func(a *attempt) { a.Command = 0 }),
		}},
		{"sender refused, who is a recipient too", head + "recipients=news@example.net,eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='envelope from address news@example.net not accepted by the server' exitcode=EX_DATAERR", []attempt{
			refused(func(a *attempt) { a.Recipient, a.Command = "news@example.net", parsers.MAILFROM }), refused(func(a *attempt) { a.Command = parsers.MAILFROM }),
		}},
		{"several lines", head + `recipients=eve@example.com smtpstatus=550 smtpmsg='550-5.7.1 Don?t\n550 5.7.1 do that' errormsg='the server did not accept the mail' exitcode=EX_UNAVAILABLE`, []attempt{
			refused(func(a *attempt) { reply(a, "550-5.7.1 Don?t\n550 5.7.1 do that", parsers.EndOfDATA) }),
		}},
		{"a quote in a text", head + `recipients=eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 Don't' errormsg='` + named + "' exitcode=EX_DATAERR", []attempt{
			refused(func(a *attempt) { reply(a, "550 5.1.1 Don't", parsers.RCPTTO) }),
		}},
		{"a code without words", head + "recipients=eve@example.com smtpstatus=451 errormsg='" + named + "' exitcode=EX_TEMPFAIL", []attempt{
			refused(func(a *attempt) {
				a.Status, a.Diagnostic, a.Reply = parsers.StatusDeferred, named, parsers.Reply{Code: 451, Text: named}
			}),
		}},
		{"the least that is told", "host=smtp.example.net from=news@example.net recipients=eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='" + named + "' exitcode=EX_DATAERR", []attempt{refused(nil)}},
		{"login refused", head + "recipients=eve@example.com smtpstatus=535 smtpmsg='535 5.7.8 No' errormsg='authentication failed (method PLAIN)' exitcode=EX_NOPERM", []attempt{
			refused(func(a *attempt) { reply(a, "535 5.7.8 No", parsers.AUTH) }),
		}},
		{"command refused", head + "recipients=eve@example.com smtpstatus=454 smtpmsg='454 4.7.0 TLS not available' errormsg='command STARTTLS failed' exitcode=EX_PROTOCOL", []attempt{
			refused(func(a *attempt) { reply(a, "454 4.7.0 TLS not available", parsers.STARTTLS) }),
		}},
		{"no answer", head + "recipients=eve@example.com errormsg='cannot connect to smtp.example.net, port 587: Connection refused' exitcode=EX_TEMPFAIL", []attempt{
			refused(func(a *attempt) {
				local(a, "cannot connect to smtp.example.net, port 587: Connection refused")
				a.Status = parsers.StatusDeferred
			}),
		}},
		{"keys in a reply and in an address", head + `recipients="a, smtpstatus=250 exitcode=EX_OK b"@example.com smtpstatus=550 smtpmsg='550 5.1.1 No errormsg=? recipients=x@example.org exitcode=EX_OK' exitcode=EX_DATAERR`, []attempt{
			refused(func(a *attempt) {
				reply(a, "550 5.1.1 No errormsg=? recipients=x@example.org exitcode=EX_OK", 0)
				a.Recipient = `"a, smtpstatus=250 exitcode=EX_OK b"@example.com`
			}),
		}},
		{"by address", "host=192.0.2.25 tls=off auth=off from=news@example.net recipients=eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='" + named + "' exitcode=EX_DATAERR", []attempt{
			refused(func(a *attempt) { a.RelayHost, a.RelayIP = "", "192.0.2.25" }),
		}},
		{"by socket", "socket=/run/out tls=off auth=off from=news@example.net recipients=eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='" + named + "' exitcode=EX_DATAERR", []attempt{
			refused(func(a *attempt) { a.RelayHost = "/run/out" }),
		}},
		{"user in quotes", "host=smtp.example.net tls=on auth=on user='my name' from=news@example.net recipients=eve@example.com smtpstatus=550 smtpmsg='550 5.1.1 No' errormsg='" + named + "' exitcode=EX_DATAERR", []attempt{refused(nil)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			evs, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: test.text})
			if err != nil {
				t.Fatal(err)
			}
			var got []attempt
			for _, ev := range evs {
				got = append(got, ev.Attempt)
				ev.Attempt = attempt{}
				if want := (parsers.Event{Kind: parsers.Attempted, Sender: "news@example.net"}); ev != want {
					t.Errorf("%+v", ev)
				}
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestStamps: what stands before a message in a file.
func TestStamps(t *testing.T) {
	p, err := Format().Open(parsers.Sample{}, parsers.Options{Location: time.FixedZone("", 3600)})
	if err != nil {
		t.Fatal(err)
	}
	const rest = "host=h tls=on auth=off from= recipients=a@example.com exitcode=EX_OK"
	for stamp, want := range map[string]string{
		"": "", "Nov 22 10:00:01 ": "", "juin 03 11:20:37 ": "", "2026-11-22 10:00:01 ": "2026-11-22T09:00:01Z", "2026-11-22T10:00:01+0000 ": "2026-11-22T10:00:01Z",
	} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: stamp + rest})
		if err != nil || len(evs) != 1 || evs[0].Time.String() != want || evs[0].Sender != parsers.NullSender {
			t.Errorf("%q: %v, %v", stamp, evs, err)
		}
	}
}

func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		tag, text string
		column    int // zero: none; -1: not a line of this format
	}{
		{"", "", -1},
		{"", "host=a port=25", -1},
		{"", "ghost=h tls=on exitcode=EX_OK", -1},
		{"", strings.Repeat("x ", 40) + "host=h tls=on exitcode=EX_OK", -1},
		{"msmtp", "account default not found", 0},
		{"msmtp", "host=h tls=on auth=off from=a recipients=b", 43},
		{"msmtp", "host=h tls=on auth=off from=a recipients=b exitcode=69", 55},
		{"msmtp", "host=h tls=on auth=off from=a recipients=b exitcode=EX_OK recipients=c", 71},
		{"msmtp", "host=h tls=on auth=off from=a recipients=b smtpmsg='550 exitcode=EX_OK", 71},
	} {
		evs, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Tag: test.tag, Text: test.text})
		var bad *parsers.SyntaxError
		column := 0
		if errors.As(err, &bad) {
			column = bad.Column
		} else if err == parsers.ErrForeign {
			column = -1
		}
		if len(evs) != 0 || column != test.column {
			t.Errorf("%q: %v, %v", test.text, evs, err)
		}
	}
}

func TestSniff(t *testing.T) {
	sample := parsers.Sample{Lines: []parsers.Line{{Text: "Nov 22 10:00:01 " + head + "recipients=a@example.com exitcode=EX_OK"}, {Text: "host=a port=25"}}}
	if got := Format().Sniff(sample); got != 50 {
		t.Errorf("%d, want 50", got)
	}
}

func FuzzAppendEvents(f *testing.F) {
	for line := range strings.Lines(parsertest.Log(f, "shapes.log")) {
		f.Add(strings.TrimSuffix(line, "\n"), "550 no", "eve")
	}
	f.Add("", `550-a\n550 b`, `"a b"`)
	f.Fuzz(func(t *testing.T, text, reply, local string) {
		p := parsertest.Open(t, Format(), "")
		parsertest.Check(t, p, parsers.Line{Text: text})
		parsertest.Check(t, p, parsers.Line{Tag: tag, Text: text})
		// A line as msmtp writes it around a hostile answer.
		reply = strings.Map(func(r rune) rune {
			if r < ' ' || r == '\'' || r == 0x7f {
				return '?'
			}
			return r
		}, reply)
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: head + "recipients=eve@example.com smtpstatus=550 smtpmsg='" + reply + "' exitcode=EX_DATAERR"})
		if err != nil || len(evs) != 1 || evs[0].Attempt.Recipient != "eve@example.com" || evs[0].Attempt.Status != parsers.StatusBounced || evs[0].Attempt.Diagnostic != strings.ReplaceAll(reply, `\n`, "\n") {
			t.Fatalf("%q: %v, %+v", reply, err, evs)
		}
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
