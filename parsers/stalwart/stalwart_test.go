package stalwart

import (
	"errors"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "stalwart") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const (
	stamp    = "2026-11-22T10:00:02Z "
	delivery = `queueId = 313, queueName = "remote", from = "news@example.net", to = ["ann@example.com", "bob@example.com", "eve@example.org"], size = 1546, total = 3, `
	whose    = ` Time=2026-11-22T10:00:02Z QueueID="313" Sender="news@example.net"`
)

func TestAppendEvents(t *testing.T) {
	each := func(rest string, recipients ...string) string {
		var events []string
		for _, r := range recipients {
			events = append(events, "attempted"+whose+` Recipient="`+r+`"`+rest)
		}
		return strings.Join(events, "\n")
	}
	const mx = ` RelayHost="mx1.example.com"`
	for _, test := range []struct{ name, text, want string }{
		{"delivered", stamp + "INFO Message delivered (delivery.delivered) " + delivery + `hostname = "mx1.example.com.", to = "ann@example.com", code = 250, details = "OK 4F1C2A", elapsed = 112ms`,
			each(mx+` Status=sent Origin=remote Reply.Code=250 Reply.Text="OK 4F1C2A" Diagnostic="OK 4F1C2A" XDelay=112ms`, "ann@example.com")},
		{"refused", stamp + "INFO SMTP RCPT TO rejected (delivery.rcpt-to-rejected) " + delivery + `hostname = "mx1.example.com", to = "ann@example.com", code = 550, details = "5.1.1 no\n\"really\" \\o/", elapsed = 9ms`,
			each(mx+` Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="5.1.1 no\n\"really\" \\o/" Command=RCPT TO Diagnostic="5.1.1 no\n\"really\" \\o/" XDelay=9ms`, "ann@example.com")},
		{"a server that forges keys", stamp + "INFO SMTP RCPT TO rejected (delivery.rcpt-to-rejected) " + delivery +
			`hostname = "mx1.example.com", to = "ann@example.com", code = 450, details = "x", to = "eve@example.org", code = 250, elapsed = 1ms", elapsed = 9ms`,
			each(mx+` Status=deferred Origin=remote Reply.Code=450 Reply.Text="x\", to = \"eve@example.org\", code = 250, elapsed = 1ms" Command=RCPT TO `+
				`Diagnostic="x\", to = \"eve@example.org\", code = 250, elapsed = 1ms" XDelay=9ms`, "ann@example.com")},
		{"addresses that forge keys", stamp + `INFO Message delivered (delivery.delivered) queueId = 313, from = "news@example.net", to = [""a\\", \\"eve@example.org\\"], code = 550, to = [\\""@example.com"], ` +
			`to = ""a\\", code = 550, details = \\"x"@example.com", code = 250, details = "ok"`,
			each(` Status=sent Origin=remote Reply.Code=250 Reply.Text="ok" Diagnostic="ok"`, `\"a\\\", code = 550, details = \\\"x\"@example.com`)},
		{"cut by the log", stamp + "INFO SMTP RCPT TO rejected (delivery.rcpt-to-rejected) " + delivery + `to = "ann@example.com", code = 550, details = "no such`,
			each(` Status=bounced Origin=remote Reply.Code=550 Reply.Text="no such" Command=RCPT TO Diagnostic="no such" Truncated=true`, "ann@example.com")},
		{"no sender", stamp + `INFO Message delivered (delivery.delivered) queueId = 1, from = "<>", to = ["ann@example.com"], to = "ann@example.com", code = 250, details = "ok"`,
			`attempted Time=2026-11-22T10:00:02Z QueueID="1" Sender="<>" Recipient="ann@example.com" Status=sent Origin=remote Reply.Code=250 Reply.Text="ok" Diagnostic="ok"`},
		{"connection lost at RCPT", stamp + "INFO SMTP RCPT TO failed (delivery.rcpt-to-failed) " + delivery +
			`hostname = "mx1.example.com", to = "ann@example.com", causedBy = SMTP error occurred (smtp.error) { details = "Connection Timeout" }, elapsed = 300000ms`,
			each(mx+` Status=deferred Origin=local Command=RCPT TO Diagnostic="Connection Timeout" XDelay=5m0s`, "ann@example.com")},
		{"sender refused", stamp + "INFO SMTP MAIL FROM rejected (delivery.mail-from-rejected) " + delivery +
			`hostname = "mx1.example.com", causedBy = SMTP error occurred (smtp.error) { details = "Unexpected SMTP Response", code = 550, reason = "no", code = 250 }" }, elapsed = 3ms`,
			each(mx+` Status=bounced Origin=remote Reply.Code=550 Reply.Text="no\", code = 250 }" Command=MAIL FROM Diagnostic="no\", code = 250 }" XDelay=3ms`, "ann@example.com", "bob@example.com", "eve@example.org")},
		{"message refused for now", stamp + "INFO Message rejected by remote server (delivery.message-rejected) " + delivery +
			`hostname = "mx1.example.com", causedBy = SMTP error occurred (smtp.error) { details = "Unexpected SMTP Response", code = 451, details = "MAIL FROM:<"a\\" b"@example.net>", reason = "4.7.1 wait" }, elapsed = 3ms`,
			each(mx+` Status=deferred Origin=remote Reply.Code=451 Reply.Enhanced=4.7.1 Reply.Text="4.7.1 wait" Command=end of DATA Diagnostic="4.7.1 wait" XDelay=3ms`, "ann@example.com", "bob@example.com", "eve@example.org")},
		{"greeting, of one domain", stamp + "INFO SMTP greeting failed (delivery.greeting-failed) " + delivery +
			`domain = "EXAMPLE.com", hostname = "mx1.example.com", details = "Permanent Failure for mx1.example.com: Unexpected response for : Code: 554, Enhanced code: 5.7.1, Message: blocked"`,
			each(mx+` Status=bounced Origin=remote Reply.Code=554 Reply.Enhanced=5.7.1 Reply.Text="blocked" Command=CONNECT `+
				`Diagnostic="Permanent Failure for mx1.example.com: Unexpected response for : Code: 554, Enhanced code: 5.7.1, Message: blocked"`, "ann@example.com", "bob@example.com")},
		{"no answer to EHLO", stamp + "INFO SMTP EHLO rejected (delivery.ehlo-rejected) " + delivery +
			`domain = "example.org", hostname = "mx1.example.com", details = "Temporary Failure for mx1.example.com: Connection failed: Timeout while reading EHLO response", elapsed = 1ms`,
			each(mx+` Status=deferred Origin=local Command=EHLO Diagnostic="Temporary Failure for mx1.example.com: Connection failed: Timeout while reading EHLO response" XDelay=1ms`, "eve@example.org")},
		{"no MX", stamp + "INFO Null MX record found (delivery.null-mx) " + delivery + `domain = "example.org", elapsed = 1ms`,
			each(` Status=bounced Origin=local Diagnostic="Null MX record found" XDelay=1ms`, "eve@example.org")},
		{"no such domain", stamp + "INFO MX record lookup failed (delivery.mx-lookup-failed) " + delivery + `domain = "example.org", causedBy = DNS record not found (mail-auth.dns-record-not-found) { code = "NXDomain" }, elapsed = 1ms`,
			each(` Status=bounced Origin=local Diagnostic="MX record lookup failed" XDelay=1ms`, "eve@example.org")},
		{"no answer from the DNS", stamp + "INFO MX record lookup failed (delivery.mx-lookup-failed) " + delivery + `domain = "example.org", causedBy = DNS error (mail-auth.dns-error) { details = "request timed out" }, elapsed = 1ms`,
			each(` Status=deferred Origin=local Diagnostic="request timed out" XDelay=1ms`, "eve@example.org")},
		{"MX looked up in vain", stamp + "INFO MX record lookup failed (delivery.mx-lookup-failed) " + delivery + `domain = "example.org", details = "No MX records were found, attempting implicit MX.", elapsed = 1ms`, ""},
		{"one of several servers", stamp + "INFO Connection error (delivery.connect-error) " + delivery +
			`domain = "example.com", hostname = "mx1.example.com", remoteIp = 192.0.2.10, remotePort = 25, causedBy = SMTP error occurred (smtp.error) { details = "I/O Error", reason = "unreachable (os error 101)" }, elapsed = 1ms`,
			"attempted" + whose + mx + ` RelayIP="192.0.2.10" RelayPort=25 Status=deferred Kind=connect Origin=local Command=CONNECT Diagnostic="I/O Error: unreachable (os error 101)" XDelay=1ms`},
		{"a notification", stamp + "INFO DSN permanent failure notification (delivery.dsn-perm-fail) " + delivery + `to = "ann@example.com", hostname = "mx1.example.com", details = "x"`, ""},
		{"another event", stamp + `INFO SMTP RCPT TO command (smtp.rcpt-to) to = "ann@example.com`, ""},
		{"no keys", stamp + "INFO Started (server.startup) ", ""},

		{"several lines", stamp + "INFO SMTP RCPT TO rejected (delivery.rcpt-to-rejected)\n\tqueueId = 313\n\tfrom = \"news@example.net\"\n\tto = [\"ann@example.com\", \"bob@example.com\"]\n" +
			"\thostname = \"mx1.example.com\"\n\tto = \"ann@example.com\"\n\tcode = 550\n\tdetails = \"x\", code = 250\"\n\telapsed = 9ms",
			each(mx+` Status=bounced Origin=remote Reply.Code=550 Reply.Text="x\", code = 250" Command=RCPT TO Diagnostic="x\", code = 250" XDelay=9ms`, "ann@example.com")},
		{"several lines and a cause", stamp + "INFO SMTP MAIL FROM rejected (delivery.mail-from-rejected)\n\tqueueId = 313\n\tfrom = \"news@example.net\"\n\tto = [\"ann@example.com\"]\n" +
			"\tcausedBy = SMTP error occurred (smtp.error)\n\t\tdetails = \"Unexpected SMTP Response\"\n\t\tcode = 421\n\t\treason = \"busy\"\n\telapsed = 9ms",
			each(` Status=deferred Origin=remote Reply.Code=421 Reply.Text="busy" Command=MAIL FROM Diagnostic="busy" XDelay=9ms`, "ann@example.com")},
		{"in colour", "\x1b[37m2026-11-22T10:00:02Z\x1b[0m \x1b[32;1mINFO\x1b[0m \x1b[37;1mMessage delivered\x1b[0m (delivery.delivered) \x1b[36mqueueId\x1b[0m = 313, \x1b[36mfrom\x1b[0m = \"news@example.net\", " +
			"\x1b[36mto\x1b[0m = \"ann@example.com\", \x1b[36mcode\x1b[0m = 250, \x1b[36mdetails\x1b[0m = \"ok\"",
			each(` Status=sent Origin=remote Reply.Code=250 Reply.Text="ok" Diagnostic="ok"`, "ann@example.com")},

		{"JSON", `{"id":"1","createdAt":"2026-11-22T10:00:02Z","type":"delivery.delivered","data":{"hostname":"mx1.example.com","to":"ann@example.com","code":250,"details":"ok","elapsed":112,"queueId":313,"from":"news@example.net"}}`,
			each(mx+` Status=sent Origin=remote Reply.Code=250 Reply.Text="ok" Diagnostic="ok" XDelay=112ms`, "ann@example.com")},
		{"webhook", `{"events":[{"createdAt":"2026-11-22T10:00:02Z","type":"delivery.completed","data":{}},{"createdAt":"2026-11-22T10:00:02Z","type":"delivery.mail-from-rejected","data":{"queueId":313,"from":"news@example.net",` +
			`"to":["ann@example.com","bob@example.com"],"causedBy":{"type":"smtp.error","text":"SMTP error","data":{"details":"Unexpected SMTP Response","code":550,"reason":"5.7.1 no"}}}}]}`,
			each(` Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.7.1 Reply.Text="5.7.1 no" Command=MAIL FROM Diagnostic="5.7.1 no"`, "ann@example.com", "bob@example.com")},
	} {
		t.Run(test.name, func(t *testing.T) { parsertest.Tells(t, parsertest.Open(t, Format(), ""), test.text, test.want) })
	}
}

func TestBadLines(t *testing.T) {
	const head = stamp + "INFO Message delivered (delivery.delivered) "
	for _, test := range []struct {
		keys string
		at   int
	}{
		{`queueId = 313, fr`, len("queueId = 313, ")},
		{`queueId = 313, from = "news@exam`, len("queueId = 313, ")},
		{`to = ["ann@example.com", "bob`, len(`to = ["ann@example.com", "bob`)},
		{`code = 250, details = "no recipient"`, len("code = 250, ")},
	} {
		_, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: head + test.keys})
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != len(head)+test.at+1 || bad.Msg != "record without an end" {
			t.Errorf("%s: %v, want column %d", test.keys, err, len(head)+test.at+1)
		}
	}
	p := parsertest.Open(t, Format(), "")
	for _, text := range []string{"", "{}", `{"events":[1]}`, stamp, stamp + "INFO x", stamp + "info x (a.b) ", stamp + "INFO x (ab) ", stamp + "INFO x (a.b)c"} {
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: "app"}); err != parsers.ErrForeign {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: "stalwart"}); err != nil {
			t.Errorf("%q with the tag: %v", text, err)
		}
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string]parsers.Piece{
		stamp + "INFO Message delivered (delivery.delivered)":       parsers.First,
		stamp + "INFO Message delivered (delivery.delivered) ":      parsers.Whole,
		stamp + "INFO x (a.b) causedBy = DNS error (mail-auth.dns)": parsers.Whole,
		"\tqueueId = 313":                parsers.Middle,
		"\t\treason = \"x = (\"":         parsers.Middle,
		"\t\x1b[36mqueueId\x1b[0m = 313": parsers.Middle,
		"\tat main.rs:12":                parsers.Whole,
		"\t":                             parsers.Whole,
		"(delivery.delivered)":           parsers.Whole,
		"\x1b[37m" + stamp[:20] + "\x1b[0m \x1b[32;1mINFO\x1b[0m \x1b[37;1mx\x1b[0m (a.b)": parsers.First,
	} {
		if got := fold(&parsers.Line{Text: text}).Piece; got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestSniff(t *testing.T) {
	ours, other := stamp+"INFO IMAP connection (imap.connection-start) ", stamp+"INFO started (on port 25)"
	for want, s := range map[parsers.Score]parsers.Sample{
		100: parsertest.Sample(ours, "", ours), 50: parsertest.Sample(other, ours), 0: parsertest.Sample(other, `{"type":"x"}`),
		66: parsertest.Sample("\tqueueId = 1", "x", `{"createdAt":"2026-11-22T10:00:02Z","type":"a.b","data":{}}`),
	} {
		if got := sniff(s); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestInside(t *testing.T) {
	parsertest.Inside(t, Format(), stamp+"INFO Message delivered (delivery.delivered) "+delivery+`hostname = "mx1.example.com", to = "ann@example.com", code = 250, details = "ok"`)
}

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "shapes.log") }

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
