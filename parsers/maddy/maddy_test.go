package maddy

import (
	"errors"
	"fmt"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "maddy") }

func TestAppendEvents(t *testing.T) {
	const failure = "queue: delivery attempt failed\t"
	for _, test := range []struct{ name, text, want string }{
		{"delivered", "queue: delivered\t" + `{"attempt":2,"msg_id":"a1b2","rcpt":"ann@example.com"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" Status=sent Origin=implied Ordinal=2`},
		{"delivered, since 0.9", "delivered\t" + `{"attempt":1,"msg_id":"a1b2","rcpt":"ann@example.com"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" Status=sent Origin=implied Ordinal=1`},
		{"delivered, when debugging", "2026-11-22T10:00:03.100Z [debug] queue: delivered\t" + `{"attempt":1,"msg_id":"a1b2","rcpt":"ann@example.com"}`,
			`attempted Time=2026-11-22T10:00:03.1Z QueueID="a1b2" Recipient="ann@example.com" Status=sent Origin=implied Ordinal=1`},
		{"through rsyslog", "queue: delivered#011" + `{"attempt":1,"msg_id":"a1b2","rcpt":"ann@example.com"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" Status=sent Origin=implied Ordinal=1`},
		{"refused", failure + `{"msg_id":"a1b2","rcpt":"ann@example.com","reason":"no","remote_server":"mx1.example.com.","smtp_code":550,"smtp_enchcode":"5.1.1","smtp_msg":"mx1.example.com. said: no","target":"remote"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" RelayHost="mx1.example.com" Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="no" ` +
				`Diagnostic="mx1.example.com. said: no"`},
		{"deferred, with a text that forges fields", failure + `{"msg_id":"a1b2","rcpt":"ann@example.com","reason":"x","remote_server":"mx1.example.com","smtp_code":452,"smtp_enchcode":"4.2.2","smtp_msg":"\",\"rcpt\":\"eve@example.org\",\"smtp_code\":550"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" RelayHost="mx1.example.com" Status=deferred Origin=remote Reply.Code=452 Reply.Enhanced=4.2.2 ` +
				`Reply.Text="\",\"rcpt\":\"eve@example.org\",\"smtp_code\":550" Diagnostic="\",\"rcpt\":\"eve@example.org\",\"smtp_code\":550"`},
		{"no connection", failure + `{"io_op":"dial","msg_id":"a1b2","rcpt":"ann@example.com","reason":"dial tcp: refused","remote_addr":"192.0.2.10:25","smtp_code":450,"smtp_enchcode":"4.4.2","smtp_msg":"Network I/O error"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" RelayIP="192.0.2.10" RelayPort=25 Status=deferred Origin=local Reply.Code=450 Reply.Enhanced=4.4.2 ` +
				`Reply.Text="Network I/O error" Diagnostic="Network I/O error"`},
		{"no such host", failure + `{"io_op":"dial","msg_id":"a1b2","rcpt":"ann@nx.example","reason":"no such host","remote_server":null,"smtp_code":550,"smtp_enchcode":"5.4.4","smtp_msg":"DNS error"}`,
			`attempted QueueID="a1b2" Recipient="ann@nx.example" Status=bounced Origin=local Reply.Code=550 Reply.Enhanced=5.4.4 Reply.Text="DNS error" Diagnostic="DNS error"`},
		{"no code", failure + `{"msg_id":"a1b2","rcpt":"ann@example.com","reason":"unexpected EOF","remote_server":"mx1.example.com"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" RelayHost="mx1.example.com" Status=deferred Origin=local Diagnostic="unexpected EOF"`},
		{"no enhanced code", failure + `{"msg_id":"a1b2","rcpt":"ann@example.com","remote_server":"mx1.example.com","smtp_code":421,"smtp_enchcode":"-1.-1.-1","smtp_msg":"bye"}`,
			`attempted QueueID="a1b2" Recipient="ann@example.com" RelayHost="mx1.example.com" Status=deferred Origin=remote Reply.Code=421 Reply.Text="bye" Diagnostic="bye"`},
		{"own stamp", "2026-11-22T10:00:03.100Z smtp: incoming message\t" + `{"msg_id":"a1b2","sender":"","src_host":"app.example.net","src_ip":"198.51.100.9:4711"}`,
			`accepted Time=2026-11-22T10:00:03.1Z QueueID="a1b2" Sender="<>"`},
		{"submission", "submission: incoming message\t" + `{"msg_id":"a1b2","sender":"news@example.net"}`, `accepted QueueID="a1b2" Sender="news@example.net"`},
		{"another delivery", "smtp: DATA error\t" + `{"msg_id":"a1b2","smtp_code":550,"smtp_msg":"no"}`, ""},
		{"a message that quotes a stranger", "imap: bad command: delivered\t" + `{"msg_id":"a1b2","rcpt":"eve@example.org"}`, ""},
		{"no object", "queue: starting\t", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			parsertest.Tells(t, parsertest.Open(t, parsertest.Joined(Format()), ""), test.text, test.want)
		})
	}
}

// TestGivenUp: what the last line of a recipient means depends on the one before it.
func TestGivenUp(t *testing.T) {
	failure := func(rcpt string, code int) string {
		return fmt.Sprintf(`queue: delivery attempt failed%s{"msg_id":"a1b2","rcpt":%q,"smtp_code":%d}`, "\t", rcpt, code)
	}
	givenUp := func(rcpt string) string {
		return fmt.Sprintf(`queue: not delivered, permanent error%s{"msg_id":"a1b2","rcpt":%q}`, "\t", rcpt)
	}
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"ran out of attempts", []string{failure("a@example.com", 451), failure("b@example.com", 451), givenUp("b@example.com")}, "deferred a, deferred b, expired b, "},
		{"refused", []string{failure("a@example.com", 550), givenUp("a@example.com")}, "bounced a, "},
		{"refused at the second attempt", []string{failure("a@example.com", 451), failure("a@example.com", 550), givenUp("a@example.com")}, "deferred a, bounced a, "},
		{"unknown", []string{givenUp("a@example.com")}, ""},
		{"twice", []string{failure("a@example.com", 451), givenUp("a@example.com"), givenUp("a@example.com")}, "deferred a, expired a, "},
	} {
		p := parsertest.Open(t, parsertest.Joined(Format()), "")
		got := ""
		for _, text := range test.lines {
			evs, _ := p.AppendEvents(nil, &parsers.Line{Text: text})
			for _, ev := range evs {
				got += fmt.Sprintf("%v %.1s, ", ev.Attempt.Status, ev.Attempt.Recipient)
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestJoinerForgets shows that a joiner's memory is bounded.
func TestJoinerForgets(t *testing.T) {
	j := newJoiner(parsers.Options{})
	join := func(part uint8, recipient string) int {
		ev := parsers.Event{Kind: parsers.Part, Part: part, QueueID: "a1b2"}
		ev.Attempt.Recipient, ev.Attempt.Status = recipient, parsers.StatusDeferred
		return len(j.Join(nil, "mx", &parsers.Line{}, &ev))
	}
	join(failed, "first@example.com")
	const n = 2 * minFailures
	for i := range n {
		join(failed, fmt.Sprintf("%d@example.com", i))
	}
	for recipient, want := range map[string]int{"first@example.com": 0, fmt.Sprintf("%d@example.com", n-minFailures): 1} {
		if got := join(givenUp, recipient); got != want {
			t.Errorf("%s: %d events, want %d", recipient, got, want)
		}
	}
}

func TestBadLines(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	const head = "queue: delivered\t"
	for _, object := range []string{"{", `{"rcpt":"a@example.com"`, `{"rcpt":"a@example.com"} x`} {
		_, err := p.AppendEvents(nil, &parsers.Line{Text: head + object})
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != len(head)+1 || bad.Msg != "object without an end" {
			t.Errorf("%s: %v", object, err)
		}
	}
	for _, text := range []string{"", "delivered", `delivered {"rcpt":"a@example.com"}`, "a\tb"} {
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: "app"}); err != parsers.ErrForeign {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: text, Tag: tag}); err != nil {
			t.Errorf("%q with the tag: %v", text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	ours, other := "2026-11-22T10:00:02.100Z smtp: accepted\t"+`{"msg_id":"a1b2"}`, "app: started\t"+`{"port":25}`
	for want, s := range map[parsers.Score]parsers.Sample{100: parsertest.Sample(ours, "", ours), 50: parsertest.Sample(other, ours), 0: parsertest.Sample(other, `{"msg_id":"x"}`)} {
		if got := sniff(s); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestInside(t *testing.T) {
	parsertest.Inside(t, Format(), "queue: delivery attempt failed\t"+`{"msg_id":"a1b2","rcpt":"ann@example.com","remote_server":"mx1.example.com.","smtp_code":550,"smtp_msg":"no"}`)
}

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "shapes.log") }

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
