package postfix

import (
	"testing"

	"bouncelog/parsers"
)

// Postfix goes by the last line of a reply, and dsn= tells what that was.
func TestReplyOfSeveralCodes(t *testing.T) {
	for _, test := range []struct {
		said, dsn, status string
		code              parsers.ReplyCode
		enhanced          string
	}{
		{"550-first 450 last", "4.0.0", "deferred", 450, ""},
		{"450-Try 550 Denied", "5.0.0", "bounced", 550, ""},
		{"550-5.7.1 Denied 450 try", "4.0.0", "deferred", 450, ""},
		{"421-Too many: 450 4.7.1 Try later", "4.7.1", "deferred", 450, "4.7.1"},
		{"550-5.7.1 Denied 550 5.7.1 see 192.0.2.1", "5.7.1", "bounced", 550, "5.7.1"},
		{"550-5.7.1 Denied 550 by policy", "5.0.0", "bounced", 550, "5.7.1"},
		{"550-4.2.1 odd 550 4.2.1 odd", "5.0.0", "bounced", 550, "4.2.1"},
		{"550-5.1.1 unknown 550 5.1.1 said: 450 4.2.2 x", "5.1.1", "bounced", 550, "5.1.1"},
		{"550-5.1.1 no 550 5.1.1 no", "4.1.1", "SOFTBOUNCE", 550, "5.1.1"},
		{"354-go 354 ahead", "5.5.0", "bounced", 354, ""},
	} {
		line := "9F2C41D07A: to=<a@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0/1, dsn=" + test.dsn +
			", status=" + test.status + " (host mx.example.net[192.0.2.25] said: " + test.said + " (in reply to RCPT TO command))"
		evs, err := mustOpen(t, parsers.Options{}).AppendEvents(nil, &parsers.Line{Tag: "postfix/smtp", Text: line})
		if err != nil || len(evs) != 1 {
			t.Fatalf("%s: %v, %d events", test.said, err, len(evs))
		}
		if r := evs[0].Attempt.Reply; r.Code != test.code || r.Enhanced.String() != test.enhanced || r.Text != test.said {
			t.Errorf("%q with dsn=%s: %d %q %q, want %d %q", test.said, test.dsn, r.Code, r.Enhanced, r.Text, test.code, test.enhanced)
		}
	}
}

// What Postfix writes of the last server that it tried, where it talks to none: with the server's address, or without.
func TestLastServer(t *testing.T) {
	for _, test := range []struct{ text, host, ip string }{
		{"Sender requested REQUIRETLS, but no server was found that supports REQUIRETLS. The last attempted server was mx.example.net[192.0.2.25]", "mx.example.net", "192.0.2.25"},
		{"Sender requested REQUIRETLS, but my configured TLS security level 'none' disables encryption. The last attempted server was mx.example.net", "mx.example.net", ""},
		{"REQUIRETLS policy configuration error. The last attempted server was mx.example.net", "mx.example.net", ""},
		{"message requires SMTPUTF8, but no server was found that supports SMTPUTF8. The last attempted server was mx.example.net[192.0.2.25]", "mx.example.net", "192.0.2.25"},
		{"Sender requested REQUIRETLS, but nobody knows why", "", ""},
	} {
		line := "9F2C41D07A: to=<a@example.net>, relay=none, delay=1, delays=0/0/1/0, dsn=5.7.10, status=bounced (" + test.text + ")"
		evs, err := mustOpen(t, parsers.Options{}).AppendEvents(nil, &parsers.Line{Tag: "postfix/smtp", Text: line})
		if err != nil || len(evs) != 1 {
			t.Fatalf("%s: %v, %d events", test.text, err, len(evs))
		}
		if a := &evs[0].Attempt; a.RelayHost != test.host || a.RelayIP != test.ip || a.RelayPort != 0 || a.Kind != parsers.Remote || a.Origin != parsers.OriginLocal {
			t.Errorf("%s: %+v", test.text, a)
		}
	}
}
