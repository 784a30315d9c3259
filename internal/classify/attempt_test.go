package classify

import (
	"testing"

	"bouncelog/parsers"
)

func TestAttemptOf(t *testing.T) {
	for _, test := range []struct {
		diagnostic string
		known      parsers.Attempt

		code           parsers.ReplyCode
		enhanced, dsn  string
		command        parsers.Command
		origin         parsers.Origin
		status         parsers.Status
		host, ip, text string // text is the reply's, where it is not the whole diagnostic
	}{
		{diagnostic: "550 5.1.1 <eve@example.com>: no such user", code: 550, enhanced: "5.1.1", origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "smtp; 452-4.2.2 The mailbox is full\r\n 452 4.2.2 try again", code: 452, enhanced: "4.2.2", origin: parsers.OriginRemote, status: parsers.StatusDeferred,
			text: "452-4.2.2 The mailbox is full\r\n 452 4.2.2 try again"},
		{diagnostic: "SMTP;550 5.1.1 no", code: 550, enhanced: "5.1.1", origin: parsers.OriginRemote, status: parsers.StatusBounced, text: "550 5.1.1 no"},
		{diagnostic: "x-unix; user does not exist", origin: parsers.OriginLocal, text: "-"},
		{diagnostic: "X-Postfix; unknown user: \"eve\"", origin: parsers.OriginLocal, text: "-"},
		{diagnostic: "x-postfix; host mx.example.com[192.0.2.1] said: 550 no (in reply to RCPT TO command)", code: 550, command: parsers.RCPTTO,
			origin: parsers.OriginRemote, status: parsers.StatusBounced, host: "mx.example.com", ip: "192.0.2.1", text: "550 no"},
		{diagnostic: "Blocked; see http://example.com/", text: "Blocked; see http://example.com/"},

		{diagnostic: "host mx.example.com[2001:db8::1] refused to talk to me: 554 5.7.1 you are listed", code: 554, enhanced: "5.7.1", command: parsers.CONNECT,
			origin: parsers.OriginRemote, status: parsers.StatusBounced, host: "mx.example.com", ip: "2001:db8::1", text: "554 5.7.1 you are listed"},
		{diagnostic: "delivery temporarily suspended: host mx.example.com[192.0.2.1] refused to talk to me: 421 busy", code: 421, command: parsers.CONNECT,
			origin: parsers.OriginRemote, status: parsers.StatusDeferred, host: "mx.example.com", ip: "192.0.2.1", text: "421 busy"},
		{diagnostic: "<eve@example.com>: host mx.example.com[192.0.2.1] said: 550-first line 550 last line (in reply to end of DATA command)", code: 550, command: parsers.EndOfDATA,
			origin: parsers.OriginRemote, status: parsers.StatusBounced, host: "mx.example.com", ip: "192.0.2.1", text: "550-first line 550 last line"},
		{diagnostic: "lost connection with mx.example.com[192.0.2.1] while sending RCPT TO", command: parsers.RCPTTO, origin: parsers.OriginLocal,
			host: "mx.example.com", ip: "192.0.2.1", text: "-"},
		{diagnostic: "connect to mx.example.com[192.0.2.1]:25: Connection refused", origin: parsers.OriginLocal, host: "mx.example.com", ip: "192.0.2.1", text: "-"},
		{diagnostic: "SASL authentication failed; server relay.example.net[192.0.2.1] said: 535 5.7.8 bad credentials", code: 535, enhanced: "5.7.8",
			origin: parsers.OriginRemote, status: parsers.StatusBounced, host: "relay.example.net", ip: "192.0.2.1", text: "535 5.7.8 bad credentials"},

		{diagnostic: "SMTP error from remote mail server after RCPT TO:<eve@example.com>: host mx.example.com [192.0.2.1]: 550 5.1.1 no", code: 550, enhanced: "5.1.1",
			command: parsers.RCPTTO, origin: parsers.OriginRemote, status: parsers.StatusBounced, host: "mx.example.com", ip: "192.0.2.1", text: "550 5.1.1 no"},
		{diagnostic: "host mx.example.com [192.0.2.1]\n    SMTP error from remote mail server after pipelined MAIL FROM:<a@example.net> SIZE=900:\n    451 later", code: 451,
			command: parsers.MAILFROM, origin: parsers.OriginRemote, status: parsers.StatusDeferred, host: "mx.example.com", ip: "192.0.2.1", text: "451 later"},
		{diagnostic: "SMTP error from remote mailer after end of data: 554 spam", code: 554, command: parsers.EndOfDATA, origin: parsers.OriginRemote,
			status: parsers.StatusBounced, text: "554 spam"},
		{diagnostic: "mx.example.com [192.0.2.1] did not like our RCPT TO:550 no", code: 550, command: parsers.RCPTTO, origin: parsers.OriginRemote,
			status: parsers.StatusBounced, host: "mx.example.com", ip: "192.0.2.1", text: "550 no"},

		{diagnostic: "192.0.2.1_does_not_like_recipient./Remote_host_said:_550_no_such_user/Giving_up_on_192.0.2.1./", code: 550, command: parsers.RCPTTO,
			origin: parsers.OriginRemote, status: parsers.StatusBounced, text: "550 no such user"},
		{diagnostic: "Connected to 192.0.2.1 but greeting failed.\nRemote host said: 421 busy\n", code: 421, command: parsers.CONNECT, origin: parsers.OriginRemote,
			status: parsers.StatusDeferred, text: "421 busy"},
		{diagnostic: "Sorry, no mailbox here by that name. (#5.1.1)", dsn: "5.1.1", origin: parsers.OriginLocal, status: parsers.StatusBounced, text: "-"},

		{diagnostic: "... while talking to mx.example.com.:\n>>> RCPT To:<eve@example.com>\n<<< 550 5.1.1 no such user", code: 550, enhanced: "5.1.1", command: parsers.RCPTTO,
			origin: parsers.OriginRemote, status: parsers.StatusBounced, text: "550 5.1.1 no such user"},
		{diagnostic: "stat=Deferred: 451 4.7.1 later", code: 451, enhanced: "4.7.1", origin: parsers.OriginRemote, status: parsers.StatusDeferred, text: "451 4.7.1 later"},
		{diagnostic: "dsn=5.1.1, reply=550 5.1.1 no such user, stat=User unknown", code: 550, enhanced: "5.1.1", dsn: "5.1.1", origin: parsers.OriginRemote,
			status: parsers.StatusBounced, text: "550 5.1.1 no such user, stat=User unknown"},
		{diagnostic: "dsn=4.0.0, stat=Deferred: Connection timed out with mx.example.com.", dsn: "4.0.0", status: parsers.StatusDeferred},
		{diagnostic: "<eve@example.com>: connect to mx.example.com[192.0.2.1]:25: Connection refused", origin: parsers.OriginLocal, host: "mx.example.com", ip: "192.0.2.1", text: "-"},
		{diagnostic: "delivery 5: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550_5.1.1_no/Giving_up_on_192.0.2.1./", code: 550, enhanced: "5.1.1",
			command: parsers.RCPTTO, origin: parsers.OriginRemote, status: parsers.StatusBounced, text: "550 5.1.1 no"},
		{diagnostic: "550 550 5.1.1 no", code: 550, enhanced: "5.1.1", origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "stat=User unknown", text: "stat=User unknown"},

		{diagnostic: "Remote Server returned '550 5.1.1 no such user'", code: 550, enhanced: "5.1.1", origin: parsers.OriginRemote, status: parsers.StatusBounced, text: "550 5.1.1 no such user"},
		{diagnostic: `"550 5.7.1 no"`, code: 550, enhanced: "5.7.1", origin: parsers.OriginRemote, status: parsers.StatusBounced, text: "550 5.7.1 no"},
		{diagnostic: "550: 5.2.2 full", code: 550, enhanced: "5.2.2", origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "We could not deliver: 550 5.1.1 no such user", code: 550, enhanced: "5.1.1", origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "5.1.0 - Unknown address error 550-'5.1.1 no such user'", code: 550, enhanced: "5.1.1", origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "room 550 is full", text: "room 550 is full"},

		// What is known is kept, and what the text says better is not.
		{diagnostic: "no such user", known: parsers.Attempt{Reply: parsers.Reply{Code: 550}}, code: 550, origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "550 5.1.1 no", known: parsers.Attempt{Reply: parsers.Reply{Code: 554, Enhanced: parsers.EnhancedCode{5, 0, 910}}, Command: parsers.DATA, Status: parsers.StatusDeferred},
			code: 550, enhanced: "5.1.1", command: parsers.DATA, origin: parsers.OriginRemote, status: parsers.StatusDeferred},
		{diagnostic: "550-5.7.1 first 451 4.7.1 last", known: parsers.Attempt{Reply: parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 7, 1}}}, code: 550, enhanced: "5.7.1",
			origin: parsers.OriginRemote, status: parsers.StatusBounced},
		{diagnostic: "", known: parsers.Attempt{DSN: parsers.EnhancedCode{4, 4, 1}}, dsn: "4.4.1", status: parsers.StatusDeferred},
		{diagnostic: "host unknown", known: parsers.Attempt{Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{5, 1, 2}}, dsn: "5.1.2", origin: parsers.OriginLocal, status: parsers.StatusBounced, text: "-"},
	} {
		a := AttemptOf(test.diagnostic, test.known)
		text := test.text
		switch text {
		case "":
			text = test.diagnostic
		case "-":
			text = ""
		}
		if a.Reply.Code != test.code || a.Reply.Enhanced.String() != test.enhanced || a.DSN.String() != test.dsn || a.Command != test.command || a.Origin != test.origin ||
			a.Status != test.status || a.RelayHost != test.host || a.RelayIP != test.ip || a.Reply.Text != text {
			t.Errorf("%q:\ngot  %d %q dsn %q, %v, origin %v, %v, %q [%q], %q", test.diagnostic, a.Reply.Code, a.Reply.Enhanced, a.DSN, a.Command, a.Origin, a.Status, a.RelayHost, a.RelayIP, a.Reply.Text)
		}
	}
}

func TestSettleOrigin(t *testing.T) {
	s := mustClassifier(t).NewSession()
	for diagnostic, want := range map[string]parsers.Origin{
		"Unrouteable address":                             parsers.OriginLocal,
		"Sorry, no mailbox here by that name. (#5.1.1)":   parsers.OriginLocal,
		"mail for example.com loops back to myself":       parsers.OriginLocal,
		"connect to mx.example.com: Connection timed out": parsers.OriginLocal,
		"550 connection timed out":                        parsers.OriginRemote,
		"the recipient's mailbox is full":                 parsers.OriginRemote,
		"something that nobody ever wrote":                parsers.OriginRemote,
	} {
		a := AttemptOf(diagnostic, parsers.Attempt{})
		if s.SettleOrigin(&a); a.Origin != want {
			t.Errorf("%q: %v, want %v", diagnostic, a.Origin, want)
		}
	}
}

func TestParseStep(t *testing.T) {
	for word, want := range map[string]parsers.Command{
		"RCPT TO": parsers.RCPTTO, "rcpt": parsers.RCPTTO, "RCPT TO:<a@example.com>": parsers.RCPTTO, "rcpt_to": parsers.RCPTTO, "CONN": parsers.CONNECT,
		"end of DATA": parsers.EndOfDATA, "eom": parsers.EndOfDATA, "DATA": parsers.DATA, "helo": parsers.HELO, "MAIL": parsers.MAILFROM, "": parsers.NoCommand, "QUIT": parsers.NoCommand,
	} {
		if got, ok := ParseStep(word); got != want || ok != (want != parsers.NoCommand) {
			t.Errorf("%q: %v, %v; want %v", word, got, ok, want)
		}
	}
}

func FuzzAttemptOf(f *testing.F) {
	for _, s := range []string{"smtp; 550 5.1.1 no", "host a.b[::1] said: 4", "SMTP error from remote mail server after RCPT TO:<a: host [", "<<< ", "a_/Remote_host_said:_", "(in reply to ", "'\"[(", "550-\\n451 a"} {
		f.Add(s)
	}
	c, err := Default()
	if err != nil {
		f.Fatal(err)
	}
	session := c.NewSession()
	f.Fuzz(func(t *testing.T, s string) {
		a := AttemptOf(s, parsers.Attempt{})
		session.SettleOrigin(&a)
		ev := session.Evidence(&a)
		for _, spot := range Unfolded(s, ev.Text, ev.Spots) {
			if spot.From < 0 || spot.To > len(s) || spot.From >= spot.To {
				t.Errorf("%q: spot %v", s, spot)
			}
		}
	})
}
