package zonemta

import (
	"errors"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "zonemta") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

func TestAppendEvents(t *testing.T) {
	const head, tail = "info Sender/default/1 id=s1 17a5b1c2d3e000f1a2.001 ", " src=203.0.113.1 mx=mx1.example.com[192.0.2.10] message-id=<m1@example.net> "
	const bare = "id=s1 17a5b1c2d3e000f1a2.001 DEFERRED[greylist] from=a@example.net to=ann@example.com src= mx=example.com message-id=<m> (450 wait)"
	const told = `attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="a@example.net" MessageID="<m>" Recipient="ann@example.com" ` +
		`RelayHost="example.com" Status=deferred Origin=remote Reply.Code=450 Reply.Text="450 wait" Diagnostic="450 wait"`
	for _, test := range []struct{ name, text, want string }{
		{"sent", head + "ACCEPTED from=news@example.net to=ann@example.com" + tail + "(250 2.0.0 Ok: queued as 4F1C2A)",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="news@example.net" MessageID="<m1@example.net>" Recipient="ann@example.com" ` +
				`RelayHost="mx1.example.com" RelayIP="192.0.2.10" Status=sent Origin=remote Reply.Code=250 Reply.Enhanced=2.0.0 Reply.Text="250 2.0.0 Ok: queued as 4F1C2A" ` +
				`Diagnostic="250 2.0.0 Ok: queued as 4F1C2A" SourceIP="203.0.113.1"`},
		{"refused", head + "REJECTED[recipient] from=news@example.net[b-1@bounce.example.net] to=ann@example.com" + tail + "(550 5.1.1 no (really))",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="b-1@bounce.example.net" MessageID="<m1@example.net>" Recipient="ann@example.com" ` +
				`RelayHost="mx1.example.com" RelayIP="192.0.2.10" Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no (really)" ` +
				`Diagnostic="550 5.1.1 no (really)" SourceIP="203.0.113.1"`},
		{"given up", head + "REJECTED[greylist] from=<> to=ann@example.com" + tail + "(451 later)",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="<>" MessageID="<m1@example.net>" Recipient="ann@example.com" ` +
				`RelayHost="mx1.example.com" RelayIP="192.0.2.10" Status=expired MTAStatus="REJECTED" Origin=remote Reply.Code=451 Reply.Text="451 later" ` +
				`Diagnostic="451 later" SourceIP="203.0.113.1"`},
		{"no connection", head + "DEFERRED[network] from=news@example.net[] to=ann@example.com src= mx=example.com message-id=undefined (Network error: no route)",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="<>" Recipient="ann@example.com" ` +
				`RelayHost="example.com" Status=deferred Origin=local Diagnostic="Network error: no route"`},
		{"quoted local parts that forge fields", head + `ACCEPTED from="a to=eve@example.org"@example.net["b] (550 x"@[192.0.2.3]] to="c\" src=x (550 no)"@example.com` + tail + "(250 ok)",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="\"b] (550 x\"@[192.0.2.3]" MessageID="<m1@example.net>" Recipient="\"c\\\" src=x (550 no)\"@example.com" ` +
				`RelayHost="mx1.example.com" RelayIP="192.0.2.10" Status=sent Origin=remote Reply.Code=250 Reply.Text="250 ok" Diagnostic="250 ok" SourceIP="203.0.113.1"`},
		{"a server that forges fields", head + "DEFERRED[other] from=news@example.net to=ann@example.com" + tail + "(421 x) to=eve@example.org (250 ok)",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="news@example.net" MessageID="<m1@example.net>" Recipient="ann@example.com" ` +
				`RelayHost="mx1.example.com" RelayIP="192.0.2.10" Status=deferred Origin=remote Reply.Code=421 Reply.Text="421 x) to=eve@example.org (250 ok" ` +
				`Diagnostic="421 x) to=eve@example.org (250 ok" SourceIP="203.0.113.1"`},
		{"cut by the log", head + "REJECTED[other] from=news@example.net to=ann@example.com" + tail + "(550 5.1.1 no such",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="news@example.net" MessageID="<m1@example.net>" Recipient="ann@example.com" ` +
				`RelayHost="mx1.example.com" RelayIP="192.0.2.10" Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no such" ` +
				`Diagnostic="550 5.1.1 no such" Truncated=true SourceIP="203.0.113.1"`},
		{"old version", "info Sender/default/1 17a5b1c2d3e000f1a2.001 ACCEPTED from=news@example.net[b-1@bounce.example.net] to=ann@example.com mx=mx1.example.com body=42 md5=abc[MD5_OK] (250 ok)",
			`attempted QueueID="17a5b1c2d3e000f1a2.001" Sender="b-1@bounce.example.net" Recipient="ann@example.com" RelayHost="mx1.example.com" Status=sent Origin=remote ` +
				`Reply.Code=250 Reply.Text="250 ok" Diagnostic="250 ok"`},
		{"own stamp", "2026-11-22T10:00:02.5Z " + head + "ACCEPTED from=a@example.net to=ann@example.com src= mx=false[192.0.2.10] message-id=<m> (250 ok)",
			`attempted Time=2026-11-22T10:00:02.5Z QueueID="17a5b1c2d3e000f1a2.001" Sender="a@example.net" MessageID="<m>" Recipient="ann@example.com" ` +
				`RelayIP="192.0.2.10" Status=sent Origin=remote Reply.Code=250 Reply.Text="250 ok" Diagnostic="250 ok"`},
		{"in colour", "\x1b[32minfo\x1b[0m \x1b[35mSender/default/1\x1b[0m " + bare, told},
		{"without a level", "Sender/default/1 " + bare, told},
		{"without a name", bare, told},
		{"another step", "verb Sender/default/1 id=s1 17a5b1c2d3e000f1a2.001 FETCHED for delivery (from=a@example.net to=ann@example.com)", ""},
		{"no delivery", "info Queue Released 17a5b1c2d3e000f1a2.001", ""},
	} {
		t.Run(test.name, func(t *testing.T) { parsertest.Tells(t, parsertest.Open(t, Format(), ""), test.text, test.want) })
	}
}

func TestBadLines(t *testing.T) {
	const head = "info Sender/default/1 id=s1 17a5b1c2d3e000f1a2.001 ACCEPTED "
	for _, test := range []struct {
		text   string
		column int
		msg    string
	}{
		{head + "to=ann@example.com", len(head) + 1, "record without from="},
		{head + "from=a@example.net", len(head) + len("from=a@example.net") + 1, "sender without an end"},
		{head + "from=a@example.net to= src=", len(head) + len("from=a@example.net to=") + 1, "recipient without an end"},
		{head + "from=a@example.net to=ann@example.com src=192.0.2.1", len(head) + len("from=a@example.net to=ann@example.com src=") + 1, "record without a response"},
		{head + "from=a@example.net to=ann@example.com src= mx=x message-id=<m>", len(head) + len("from=a@example.net to=ann@example.com src= mx=x message-id=") + 1, "record without a response"},
	} {
		_, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: test.text})
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != test.column || bad.Msg != test.msg {
			t.Errorf("%q: %v, want column %d: %s", test.text, err, test.column, test.msg)
		}
	}
}

func TestForeign(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for text, want := range map[string]error{"": parsers.ErrForeign, "250 ok": parsers.ErrForeign, "info Queue x": nil} {
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: "app"}); err != want {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: "zone-mta"}); err != nil {
			t.Errorf("%q with the tag: %v", text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	const ours, step = "info Sender/default/1 id=s1 17a5.001 ACCEPTED from=a@example.net", "info Queue Released"
	for want, s := range map[parsers.Score]parsers.Sample{100: parsertest.Sample(ours, "", ours), 50: parsertest.Sample(step, ours), 0: parsertest.Sample(step, "info: Sender/x id=")} {
		if got := sniff(s); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestInside(t *testing.T) {
	parsertest.Inside(t, Format(), "info Sender/default/1 id=s1 17a5.001 ACCEPTED from=a@example.net to=ann@example.com src= mx=mx1.example.com[192.0.2.10] message-id=<m> (250 ok)")
}

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "shapes.log") }

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
