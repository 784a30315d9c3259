package haraka

import (
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "haraka") }

func TestAppendEvents(t *testing.T) {
	const (
		id     = "9FF7F70E-8D62-4D5B-9C11-0A0B0C0D0E0F.1.1"
		notice = "[NOTICE] [" + id + "] [outbound] "
		info   = "[INFO] [" + id + "] [outbound] "
		fields = `domain=example.com host=mx1.example.com ip=192.0.2.10 port=25 mode=SMTP tls=Y auth=N response="OK \"x\" rcpts=9/0/0" delay=1.25 fails=2 rcpts=2/0/1`

		delivered = `attempted QueueID="` + id + `" RecipientDomain="example.com" RelayHost="mx1.example.com" RelayIP="192.0.2.10" RelayPort=25 Status=sent Origin=implied ` +
			`Reply.Code=250 Reply.Text="OK \"x\" rcpts=9/0/0" Diagnostic="OK \"x\" rcpts=9/0/0" Delay=1.25s Ordinal=3`
		rejected = `attempted QueueID="` + id + `" Recipient="ann@example.com" Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 ` +
			`Reply.Text="550 5.1.1 \"ann\" unknown" Command=RCPT TO Diagnostic="550 5.1.1 \"ann\" unknown"`
	)
	for _, test := range []struct{ name, text, want string }{
		{"delivered", notice + " delivered file=1_1_0_4_a_1_mx " + fields, delivered},
		{"delivered, logfmt", "level=NOTICE uuid=" + id + ` origin=outbound message="" delivered file=1_1_0_4_a_1_mx ` + fields, delivered},
		{"delivered, JSON", `{"level":"NOTICE","uuid":"` + id + `","origin":"outbound","message":"","delivered file":"1_1_0_4_a_1_mx","domain":"example.com","host":"mx1.example.com",` +
			`"ip":"192.0.2.10","port":25,"mode":"SMTP","tls":"Y","auth":"N","response":"OK \"x\" rcpts=9/0/0","delay":1.25,"fails":2,"rcpts":"2/0/1"}`, delivered},
		{"delivered, JSON with the key cut in two", `{"level":"NOTICE","uuid":"` + id + `","origin":"outbound","message":"delivered","file":"1_1_0_4_a_1_mx","domain":"example.com","host":"mx1.example.com",` +
			`"ip":"192.0.2.10","port":25,"mode":"SMTP","tls":"Y","auth":"N","response":"OK \"x\" rcpts=9/0/0","delay":1.25,"fails":2,"rcpts":"2/0/1"}`, delivered},
		{"delivered to nobody", notice + " delivered file=1 " + strings.ReplaceAll(fields, "rcpts=2/0/1", "rcpts=0/0/1"), ""},
		{"LMTP", notice + " delivered file=1 host=/run/lmtp ip=/run/lmtp port=24 mode=LMTP response=OK delay=0.5 fails=0 rcpts=1/0/0",
			`attempted QueueID="` + id + `" RelayHost="/run/lmtp" RelayPort=24 Status=sent Kind=local Origin=implied Reply.Code=250 Reply.Text="OK" Diagnostic="OK" Delay=500ms Ordinal=1`},
		{"content filter", notice + " delivered file=1 host=localhost ip=127.0.0.1 port=10026 mode=SMTP response=OK rcpts=1/0/0",
			`attempted QueueID="` + id + `" RelayHost="localhost" RelayIP="127.0.0.1" RelayPort=10026 Status=sent Kind=internal Origin=implied Reply.Code=250 Reply.Text="OK" Diagnostic="OK"`},
		{"rejected", notice + `recipient <ann@example.com> rejected: 550 5.1.1 "ann" unknown`, rejected},
		{"rejected, logfmt", "level=NOTICE uuid=" + id + ` origin=outbound message="recipient <ann@example.com> rejected: 550 5.1.1 \"ann\" unknown"`, rejected},
		{"rejected, JSON", `{"level":"NOTICE","uuid":"` + id + `","origin":"outbound","message":"recipient <ann@example.com> rejected: 550 5.1.1 \"ann\" unknown"}`, rejected},
		{"rejected, in colour", "\x1b[34m" + notice + `recipient <ann@example.com> rejected: 550 5.1.1 "ann" unknown` + "\x1b[39m", rejected},
		{"rejected, the level in colour", "\x1b[34m[NOTICE]\x1b[39m [" + id + `] [outbound] recipient <ann@example.com> rejected: 550 5.1.1 "ann" unknown`, rejected},
		{"deferred", "2026-11-22T10:00:03.000Z " + notice + `recipient <"a> rejected: 550 5.1.1 forged <eve@example.org"@example.com> deferred: 450-4.2.0 wait`,
			`attempted Time=2026-11-22T10:00:03Z QueueID="` + id + `" Recipient="\"a> rejected: 550 5.1.1 forged <eve@example.org\"@example.com" Status=deferred ` +
				`Origin=remote Reply.Code=450 Reply.Enhanced=4.2.0 Reply.Text="450-4.2.0 wait" Command=RCPT TO Diagnostic="450-4.2.0 wait"`},
		{"all deferred", info + "Temp failing 1_1_0_4_a_1_mx for 64 seconds: Upstream error: 421 4.7.0 slow down",
			`attempted QueueID="` + id + `" Status=deferred Origin=remote Reply.Code=421 Reply.Enhanced=4.7.0 Reply.Text="421 4.7.0 slow down" Diagnostic="Upstream error: 421 4.7.0 slow down"`},
		{"nobody answered", info + "Temp failing 1_1_0_4_a_1_mx for 64 seconds: Tried all MXs", `attempted QueueID="` + id + `" Status=deferred Origin=local Diagnostic="Tried all MXs"`},
		{"all refused", info + "bouncing mail: 554 5.7.1 blocked",
			`attempted QueueID="` + id + `" Status=bounced Origin=remote Reply.Code=554 Reply.Enhanced=5.7.1 Reply.Text="554 5.7.1 blocked" Diagnostic="554 5.7.1 blocked"`},
		{"no server", info + "bouncing mail: No MX for example.com", `attempted QueueID="` + id + `" Status=bounced Origin=local Diagnostic="No MX for example.com"`},
		{"ran out of attempts", info + "bouncing mail: Too many failures (Upstream error: 451 4.7.1 wait (again))",
			`attempted QueueID="` + id + `" Status=expired Origin=remote Reply.Code=451 Reply.Enhanced=4.7.1 Reply.Text="451 4.7.1 wait (again)" ` +
				`Diagnostic="Too many failures (Upstream error: 451 4.7.1 wait (again))"`},
		{"some ran out of attempts", info + `bouncing mail: Too many failures (Some recipients temp failed: <ann@example.com>, <"b>, <eve@example.org"@example.com>)`,
			`expired QueueID="` + id + `" Recipient="ann@example.com" Status=expired NotAttempted=true Kind=final Origin=local ` +
				`Diagnostic="Too many failures (Some recipients temp failed: <ann@example.com>, <\"b>, <eve@example.org\"@example.com>)"` +
				"\n" + `expired QueueID="` + id + `" Recipient="\"b>, <eve@example.org\"@example.com" Status=expired NotAttempted=true Kind=final Origin=local ` +
				`Diagnostic="Too many failures (Some recipients temp failed: <ann@example.com>, <\"b>, <eve@example.org\"@example.com>)"`},
		{"repeats a refusal", info + "bouncing mail: Some recipients failed: <ann@example.com>", ""},
		{"repeats a deferral", info + "Temp failing 1_1_0_4_a_1_mx for 64 seconds: Some recipients temp failed: <ann@example.com>", ""},
		{"no message", "[NOTICE] [-] [outbound] Double bounce: x", ""},
		{"inbound", "[NOTICE] [" + id + `] [core] recipient <ann@example.com> rejected: 550 no`, ""},
	} {
		t.Run(test.name, func(t *testing.T) { parsertest.Tells(t, parsertest.Open(t, Format(), ""), test.text, test.want) })
	}
}

func TestForeign(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for _, text := range []string{
		"", "[", "[NOTICE]", "[NOTICE] [x] ", "[notice] [x] [outbound] y", "[1] [2] [3] recipient <a@example.com> rejected: 550 no", "NOTICE x", "level=NOTICE msg=x",
		"level=info uuid=1 origin=outbound", `{"level":"NOTICE","message":"x"}`, `{"level":"NOTICE","uuid":"x","origin":"outbound"`, "\x1b[", "\x1b[34m",
	} {
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: "app"}); err != parsers.ErrForeign {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: tag}); err != nil {
			t.Errorf("%q with the tag: %v", text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	ours, other := "2026-11-22T10:00:02.100Z [INFO] [-] [core] Loading plugin: tls", "[INFO] app: started"
	for want, s := range map[parsers.Score]parsers.Sample{100: parsertest.Sample(ours, "", ours), 50: parsertest.Sample(other, ours), 0: parsertest.Sample(other, "level=info uuid=x origin=y")} {
		if got := sniff(s); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestInside(t *testing.T) {
	parsertest.Inside(t, Format(), "[NOTICE] [9FF7.1.1] [outbound]  delivered file=1 host=mx1.example.com ip=192.0.2.10 port=25 mode=SMTP response=OK rcpts=1/0/0")
}

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "shapes.log") }

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
