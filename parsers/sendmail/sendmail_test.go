package sendmail

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

// tell returns what a line tells, an event a line, less what those of one queue id have in common.
func tell(t *testing.T, text string) string {
	t.Helper()
	evs, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Tag: "sm-mta", Text: "5AMA01aB005133: " + text})
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	var lines []string
	for i := range evs {
		evs[i].Process = ""
		lines = append(lines, strings.Replace(parsertest.Print(&evs[i]), ` QueueID="5AMA01aB005133"`, "", 1))
	}
	return strings.Join(lines, "\n")
}

// A record is what stands in reply= and stat=, with the dsn= before it, and what they tell.
func TestReplies(t *testing.T) {
	const mailbox, greylist = "5.1.1", "4.7.1"
	long := strings.Repeat("x", 96)
	cut := "550 " + long + "..." + long + "tail"
	for _, test := range []struct{ name, dsn, reply, stat, want string }{
		{"accepted", "2.0.0", "", "Sent (Ok: queued as 4F1C2A)", `Status=sent Origin=remote Reply.Code=250 Reply.Text="Ok: queued as 4F1C2A" DSN=2.0.0 Diagnostic="Ok: queued as 4F1C2A"`},
		{"accepted, its words lost", "2.0.0", "", "Sent", `Status=sent Origin=implied Reply.Code=250 DSN=2.0.0 Diagnostic="Sent"`},
		{"accepted, before dsn=", "", "", "Sent (ok (1) , stat=Deferred)", `Status=sent Origin=remote Reply.Code=250 Reply.Text="ok (1) , stat=Deferred" Diagnostic="ok (1) , stat=Deferred"`},

		{"refused", mailbox, "550 5.1.1 no", "User unknown", `Status=bounced MTAStatus="User unknown" Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no" DSN=5.1.1 Diagnostic="550 5.1.1 no"`},
		{"refused, before reply=", mailbox, "", "User unknown", `Status=bounced MTAStatus="User unknown" Origin=implied Reply.Code=550 DSN=5.1.1 Diagnostic="User unknown"`},
		{"a first line of several", "5.7.1", "550-5.7.1 see 551 5.1.1 there", "Service unavailable", `Status=bounced MTAStatus="Service unavailable" Origin=remote Reply.Code=550 Reply.Enhanced=5.7.1 Reply.Text="550-5.7.1 see 551 5.1.1 there" DSN=5.7.1 Diagnostic="550-5.7.1 see 551 5.1.1 there"`},
		{"an enhanced code from before", "5.2.2", "552 4.7.0 full", "Service unavailable", `Status=bounced MTAStatus="Service unavailable" Origin=remote Reply.Code=552 Reply.Text="552 4.7.0 full" DSN=5.2.2 Diagnostic="552 4.7.0 full"`},
		{"contradictory codes", "4.2.1", "550 4.2.1 off", "User unknown", `Status=bounced MTAStatus="User unknown" Origin=remote Reply.Code=550 Reply.Enhanced=4.2.1 Reply.Text="550 4.2.1 off" DSN=4.2.1 Diagnostic="550 4.2.1 off"`},
		{"a reply from another server", mailbox, "451 4.7.1 later", "User unknown", `Status=bounced MTAStatus="User unknown" Origin=implied Reply.Code=550 DSN=5.1.1 Diagnostic="User unknown"`},
		{"after all were refused", "5.0.0", "", "Service unavailable", `Status=bounced MTAStatus="Service unavailable" Origin=implied Reply.Code=554 DSN=5.0.0 Diagnostic="Service unavailable"`},
		{"no such host", "5.1.2", "", "Host unknown (Name server: x.example.com: host not found)", `Status=bounced MTAStatus="Host unknown" Origin=local Reply.Code=550 DSN=5.1.2 Diagnostic="Host unknown (Name server: x.example.com: host not found)"`},
		{"a loop", "5.3.5", "", "Local configuration error", `Status=bounced MTAStatus="Local configuration error" Origin=local Reply.Code=554 DSN=5.3.5 Diagnostic="Local configuration error"`},
		{"nonsense", "5.5.0", "354 too early", "Remote protocol error", `Status=bounced MTAStatus="Remote protocol error" Origin=remote Reply.Code=354 Reply.Text="354 too early" DSN=5.5.0 Diagnostic="354 too early"`},
		{"worse", "5.5.0", "650 what", "Remote protocol error", `Status=bounced MTAStatus="Remote protocol error" Origin=remote Reply.Text="650 what" DSN=5.5.0 Diagnostic="650 what"`},
		{"a ruleset's words", "5.7.1", "", "Access denied by us", `Status=bounced Origin=local DSN=5.7.1 Diagnostic="Access denied by us"`},
		{"FortiMail's", mailbox, "", "User unknown(Reason from remote:550 5.1.1 no (really))", `Status=bounced MTAStatus="User unknown" Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no (really)" DSN=5.1.1 Diagnostic="550 5.1.1 no (really)"`},
		{"a middle that is gone", "5.0.0", cut[:203], "Service unavailable", `Status=bounced MTAStatus="Service unavailable" Origin=remote Reply.Code=550 Reply.Text="` + cut[:203] + `" DSN=5.0.0 Diagnostic="` + cut[:203] + `" Truncated=true`},

		{"put off", greylist, "451 4.7.1 later", "Deferred: 451-4.7.1 later", `Status=deferred Origin=remote Reply.Code=451 Reply.Enhanced=4.7.1 Reply.Text="451-4.7.1 later" DSN=4.7.1 Diagnostic="451-4.7.1 later"`},
		{"put off, before reply=", "4.3.0", "", "Deferred: 451 4.7.1 later", `Status=deferred Origin=remote Reply.Code=451 Reply.Enhanced=4.7.1 Reply.Text="451 4.7.1 later" DSN=4.3.0 Diagnostic="451 4.7.1 later"`},
		{"an enhanced code that stat= denies", "4.0.0", "421 4.2.2 bye", "Deferred: 421 bye", `Status=deferred Origin=remote Reply.Code=421 Reply.Text="421 bye" DSN=4.0.0 Diagnostic="421 bye"`},
		{"ended under another recipient", "4.2.0", "421 4.7.0 bye", "Deferred: 421 4.7.0 bye", `Status=deferred Origin=implied Reply.Code=421 Reply.Enhanced=4.7.0 Reply.Text="421 4.7.0 bye" DSN=4.2.0 Diagnostic="421 4.7.0 bye"`},
		{"ended at the greeting", "4.5.0", "421 busy", "Deferred: 421 busy", `Status=deferred Origin=remote Reply.Code=421 Reply.Text="421 busy" DSN=4.5.0 Diagnostic="421 busy"`},
		{"a permanent reply from before", "4.3.0", "550 5.2.1 off", "Deferred: 452-4.2.2 full", `Status=deferred Origin=implied Reply.Code=452 Reply.Enhanced=4.2.2 Reply.Text="452-4.2.2 full" DSN=4.3.0 Diagnostic="452-4.2.2 full"`},
		{"lost after a reply", "4.7.0", "421 4.7.0 bye", "Deferred: Broken pipe", `Status=deferred Origin=remote Reply.Code=421 Reply.Enhanced=4.7.0 Reply.Text="421 4.7.0 bye" DSN=4.7.0 Diagnostic="421 4.7.0 bye"`},
		{"lost, a reply from before", "4.4.2", "451 4.3.0 busy", "Deferred: Connection reset by mx.example.com.", `Status=deferred Origin=local DSN=4.4.2 Diagnostic="Connection reset by mx.example.com."`},
		{"sendmail's own reply", "4.4.2", "451 4.4.1 reply: read error from mx.example.com.", "Deferred: Connection reset by mx.example.com.", `Status=deferred Origin=local DSN=4.4.2 Diagnostic="Connection reset by mx.example.com."`},
		{"its own reply alone", "4.4.2", "421 4.4.1 Connection reset by mx.example.com.", "Deferred", `Status=deferred Origin=implied Reply.Code=450 DSN=4.4.2 Diagnostic="Deferred"`},
		{"TLS", "4.7.0", "", "Deferred: 403 4.7.0 TLS handshake failed.", `Status=deferred Origin=local Reply.Code=403 Reply.Enhanced=4.7.0 Reply.Text="403 4.7.0 TLS handshake failed." DSN=4.7.0 Diagnostic="403 4.7.0 TLS handshake failed."`},
		{"no name server", "4.4.3", "", "Deferred: Name server: x.example.com.: host name lookup failure", `Status=deferred Origin=local DSN=4.4.3 Diagnostic="Name server: x.example.com.: host name lookup failure"`},
		{"an error of the system", "4.0.0", "", "I/O error: No space left", `Status=deferred MTAStatus="I/O error" Origin=local Reply.Code=451 DSN=4.0.0 Diagnostic="I/O error: No space left"`},

		{"a reply that forges an end", mailbox, "550 5.1.1 no, stat=Sent (ok)", "User unknown", `Status=bounced MTAStatus="User unknown" Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no, stat=Sent (ok)" DSN=5.1.1 Diagnostic="550 5.1.1 no, stat=Sent (ok)"`},
		{"the same, quoted", greylist, "451 4.7.1 x, stat=Sent (ok)", "Deferred: 451 4.7.1 x, stat=Sent (ok)", `Status=deferred Origin=remote Reply.Code=451 Reply.Enhanced=4.7.1 Reply.Text="451 4.7.1 x, stat=Sent (ok)" DSN=4.7.1 Diagnostic="451 4.7.1 x, stat=Sent (ok)"`},
		{"another end, quoted", greylist, "451 4.7.1 x, stat=User unknown", "Deferred: 451 4.7.1 x, stat=User unknown", `Status=deferred Origin=remote Reply.Code=451 Reply.Enhanced=4.7.1 Reply.Text="451 4.7.1 x, stat=User unknown" DSN=4.7.1 Diagnostic="451 4.7.1 x, stat=User unknown"`},
		{"fields that are none", mailbox, "550 5.1.1 no, dsn=2.0.0, reply=250 ok, stat=Sent", "User unknown", `Status=bounced MTAStatus="User unknown" Origin=remote Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550 5.1.1 no, dsn=2.0.0, reply=250 ok, stat=Sent" DSN=5.1.1 Diagnostic="550 5.1.1 no, dsn=2.0.0, reply=250 ok, stat=Sent"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "to=<a@example.com>, delay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.com. [192.0.2.25]"
			for _, f := range [...][2]string{{", dsn=", test.dsn}, {", reply=", test.reply}, {", stat=", test.stat}} {
				if f[1] != "" {
					text += f[0] + f[1]
				}
			}
			want := `attempted Recipient="a@example.com" RelayHost="mx.example.com" RelayIP="192.0.2.25" ` + test.want
			diagnostic, truncated := strings.CutSuffix(want, " Truncated=true")
			want = diagnostic
			if truncated {
				want += " Truncated=true"
			}
			if got := tell(t, text); got != want+" Delay=1s" {
				t.Errorf("%s\n got %s\nwant %s Delay=1s", text, got, want)
			}
		})
	}
}

func TestRecipients(t *testing.T) {
	for list, want := range map[string]string{
		`<a@example.com>`:                           `a@example.com`,
		`<a@example.com>,<b@example.com>`:           `a@example.com b@example.com`,
		`<a@example.com>,<b@example.com>, [more]`:   `a@example.com b@example.com`,
		`<a@example.com>,<b@example.com> [more]`:    `a@example.com b@example.com`,
		`ann,bob@example.com,"|/bin/x -a, b",/m/c`:  `ann bob@example.com "|/bin/x -a, b" /m/c`,
		`<"a>, delay=0, dsn=2.0.0, stat=Sent"@b.c>`: `"a>, delay=0, dsn=2.0.0, stat=Sent"@b.c`,
		`<"a\", delay=0"@b.c>,<"c,d"@e.f>`:          `"a\", delay=0"@b.c "c,d"@e.f`,
		`<a@example.com>,<bcut@exam`:                `a@example.com <bcut@exam`,
		`:include:/etc/list`:                        `:include:/etc/list`,
	} {
		var got []string
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: "5AMA01aB005133: to=" + list + ", delay=00:00:01, mailer=esmtp, relay=h., stat=Sent (ok)"})
		for _, ev := range evs {
			got = append(got, ev.Attempt.Recipient)
		}
		if s := strings.Join(got, " "); s != want || err != nil {
			t.Errorf("%s: got %s, %v", list, s, err)
		}
	}
}

func TestControllers(t *testing.T) {
	for text, want := range map[string]string{
		`to=x@example.com, ctladdr=www-data (33/33), delay=00:00:01, mailer=relay, relay=[127.0.0.1] [127.0.0.1]`: "www-data",
		`to=<x@example.com>, ctladdr=<ann@example.net> (1001/1001), delay=00:00:01, mailer=esmtp, relay=h.`:       "ann@example.net",
		`to=<x@example.com>, ctladdr=<"a (1), delay=0"@b.c> (1001/1001), delay=00:00:01, mailer=esmtp, relay=h.`:  `"a (1), delay=0"@b.c`,
		`to=<x@example.com>, ctladdr=<list@example.net> (8/0), delay=00:00:01, mailer=esmtp, relay=h.`:            "",
		`to="|/bin/x", ctladdr=ann (1001/1001), delay=00:00:01, mailer=prog`:                                      "",
		`to=<x@example.com>, delay=00:00:01, mailer=esmtp, relay=h.`:                                              "",
	} {
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: "5AMA01aB005133: " + text + ", dsn=2.0.0, stat=Sent (ok)"})
		if err != nil || len(evs) == 0 || evs[0].Attempt.Controller != want {
			t.Errorf("%s: %v, %v", text, evs, err)
		}
	}
}

func TestServers(t *testing.T) {
	inside := parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, InternalHosts: []string{"hub.example.net"}}
	for _, test := range []struct {
		mailer, relay, host, ip string
		kind                    parsers.AttemptKind
	}{
		{"esmtp", "mx.example.com. [192.0.2.25]", "mx.example.com", "192.0.2.25", parsers.Remote},
		{"esmtp", "mx.example.com. [IPv6:2001:db8:0:0:0:0:0:19]", "mx.example.com", "2001:db8::19", parsers.Remote},
		{"esmtp", "[192.0.2.25] [192.0.2.25]", "192.0.2.25", "192.0.2.25", parsers.Remote},
		{"esmtp", "[IPv6:2001:db8::19] [IPv6:2001:db8:0:0:0:0:0:19]", "2001:db8::19", "2001:db8::19", parsers.Remote},
		{"esmtp", "mx.example.com.", "mx.example.com", "", parsers.Remote},
		{"esmtp", " [192.0.2.25]", "", "192.0.2.25", parsers.Remote},
		{"esmtp", "outlook-example-co...protection.example. [192.0.2.25]", "outlook-example-co...protection.example", "192.0.2.25", parsers.Remote},
		{"esmtp", "localhost [127.0.0.1]", "localhost", "127.0.0.1", parsers.Internal},
		{"relay", "[127.0.0.1] [127.0.0.1]", "127.0.0.1", "127.0.0.1", parsers.Internal},
		{"relay", "[127.0.0.1]", "127.0.0.1", "127.0.0.1", parsers.Internal},
		{"relay", "[localhost] [IPv6:0:0:0:0:0:0:0:1]", "localhost", "::1", parsers.Internal},
		{"relay", "smart.example.net. [192.0.2.7]", "smart.example.net", "192.0.2.7", parsers.Smarthost},
		{"esmtp", "av.example.net. [198.51.100.4]", "av.example.net", "198.51.100.4", parsers.Internal},
		{"esmtp", "hub.example.net.", "hub.example.net", "", parsers.Internal},
		{"cyrusv2", "localhost [127.0.0.1]", "localhost", "127.0.0.1", parsers.Local},
		{"cyrusv2", "/var/imap/socket/lmtp [UNIX: /var/imap/socket/lmtp]", "/var/imap/socket/lmtp", "", parsers.Local},
		{"local", "", "", "", parsers.Local},
		{"fax", "", "", "", parsers.Local},
	} {
		p, err := Format().Open(parsers.Sample{}, inside)
		if err != nil {
			t.Fatal(err)
		}
		text := "5AMA01aB005133: to=<a@example.com>, delay=00:00:01, mailer=" + test.mailer
		if test.relay != "" {
			text += ", relay=" + test.relay
		}
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: text + ", dsn=2.0.0, stat=Sent (ok)"})
		if err != nil || len(evs) != 1 {
			t.Fatalf("%q: %d events, %v", test.relay, len(evs), err)
		}
		if a := &evs[0].Attempt; a.RelayHost != test.host || a.RelayIP != test.ip || a.Kind != test.kind {
			t.Errorf("%s %q: %q %q %v", test.mailer, test.relay, a.RelayHost, a.RelayIP, a.Kind)
		}
	}
}

func TestFortiMail(t *testing.T) {
	const head = `date=2026-11-22 time=10:00:00.123 device_id=FE100 log_id=0003000001 type=event subtype=smtp pri=information user=mail action=NONE session_id="5AMA00-5AMA01aB005133" `
	const msg = `msg="to=<a@example.com>, delay=00:00:01, mailer=esmtp, relay=mx.example.com. [192.0.2.25], dsn=5.1.1, stat=User unknown(Reason from remote:550 5.1.1 no)"`
	for text, want := range map[string]string{
		head + msg: "5AMA01aB005133 FE100 2026-11-22T10:00:00.123Z 550",
		"<185>" + strings.ReplaceAll(head, " ", ",") + msg:                    "5AMA01aB005133 FE100 2026-11-22T10:00:00.123Z 550",
		strings.Replace(head, "subtype=smtp", "subtype=admin", 1) + msg:       "",
		strings.ReplaceAll(head, " ", " , ") + `msg="STARTTLS=client"`:        "",
		strings.Replace(head, "time=10:00:00.123 ", "", 1) + msg:              "5AMA01aB005133 FE100  550",
		`2026-11-22 10:00:00 type=event subtype=smtp session_id="X-Y" ` + msg: "Y  2026-11-22T10:00:00Z 550",
	} {
		got := ""
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Raw: text, Text: text})
		for _, ev := range evs {
			got += ev.QueueID + " " + ev.Host + " " + ev.Time.String() + " " + ev.Attempt.Reply.Code.String()
		}
		if got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

// What was deferred without a connection was not attempted: sendmail knew that the host is down.
func TestHostStatus(t *testing.T) {
	for tail, idle := range map[string]bool{
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com., dsn=4.3.0, stat=Deferred":                                                         true,
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com., dsn=4.4.1, stat=Deferred: Connection timed out with mx.example.com.":              true,
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com., dsn=4.3.0, reply=550 5.1.1 no, stat=Deferred: 452 full":                           true,
		"xdelay=00:00:09, mailer=esmtp, relay=mx.example.com., dsn=4.4.1, stat=Deferred: Connection timed out with mx.example.com.":              false,
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com. [192.0.2.25], dsn=4.4.1, stat=Deferred: Connection refused by mx.example.com.":     false,
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com., dsn=4.4.3, stat=Deferred: Name server: mx.example.com.: host name lookup failure": false,
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com., dsn=4.2.0, reply=450 later, stat=Deferred: 450 later":                             false,
		"xdelay=00:00:00, mailer=esmtp, relay=mx.example.com., dsn=5.1.2, stat=Host unknown":                                                     false,
		"xdelay=00:00:00, mailer=prog, dsn=4.0.0, stat=Deferred":                                                                                 false,
	} {
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: "5AMA01aB005133: to=<a@example.com>, delay=00:00:01, " + tail})
		if err != nil || len(evs) != 1 || evs[0].Attempt.NotAttempted != idle {
			t.Errorf("%s: not attempted is %v, want %v (%v)", tail, !idle, idle, err)
		}
	}
}

func TestStages(t *testing.T) {
	for stage, want := range map[string]parsers.Command{"GREET": parsers.CONNECT, "EHLO": parsers.EHLO, "STARTTLS": parsers.STARTTLS, "AUTH": parsers.AUTH,
		"MAIL": parsers.MAILFROM, "RCPT": parsers.RCPTTO, "DATA": parsers.DATA, "EOM": parsers.EndOfDATA, "DATA2": parsers.EndOfDATA, "QUIT": 0, "none": 0, "11": 0} {
		evs, _ := new(parser).AppendEvents(nil, &parsers.Line{Text: "5AMA01aB005133: to=<a@example.com>, delay=00:00:01, mailer=esmtp, relay=h., dsn=5.1.1, ntries=2, stage=" + stage + ", reply=550 no, stat=User unknown"})
		if len(evs) != 1 || evs[0].Attempt.Command != want {
			t.Errorf("%s: %v", stage, evs)
		}
	}
}

func TestOtherEvents(t *testing.T) {
	for text, want := range map[string]string{
		`from=<>, size=9, class=0, nrcpts=1, msgid=<m@example.net>, relay=h`:                       `accepted Sender="<>" MessageID="<m@example.net>" Size=9`,
		`from=<"a>, size=1, class=0, nrcpts=0"@b.c>, size=9, class=0, pri=5, nrcpts=1`:             `accepted Sender="\"a>, size=1, class=0, nrcpts=0\"@b.c" Size=9`,
		`from=<a@b.c>, size=9, class=0, nrcpts=1, msgid=<x>, nrcpts=0, from=<d@e.f>, relay=h`:      `accepted Sender="a@b.c" MessageID="<x>" Size=9`,
		`from=<a@b.c>, size=1234567890123456789, class=0, nrcpts=1`:                                `accepted Sender="a@b.c"`,
		`from=<a@b.c>, size=0, class=0, nrcpts=0, proto=ESMTP`:                                     ``,
		`from=<a@b.c>, size=9, class=0, nrcpts`:                                                    `accepted Sender="a@b.c" Size=9`,
		`from=<a@b.c>, reject`:                                                                     ``,
		`done; delay=00:01:00, ntries=2`:                                                           `removed`,
		`5AMA03aB005140: DSN: User unknown`:                                                        "requeued NextID=\"5AMA03aB005140\"\naccepted QueueID=\"5AMA03aB005140\" Sender=\"<>\"",
		`5AMA03aB005140: Mail: Cannot send message for 5 days`:                                     ``,
		`5AMA03aB005140: clone: who=x`:                                                             ``,
		`lost input channel from h.example.net [192.0.2.9] to MTA after rcpt`:                      ``,
		`ruleset=check_rcpt, arg1=<"x>, reject=250 ok"@example.com>, relay=h, reject=550 5.7.1 no`: `rejected Recipient="\"x>, reject=250 ok\"@example.com" Status=rejected NotAttempted=true Origin=local Reply.Code=550 Reply.Enhanced=5.7.1 Reply.Text="550 5.7.1 no" Command=RCPT TO Diagnostic="550 5.7.1 no"`,
		`ruleset=check_rcpt, arg1=<x@example.com>, relay=h, discard`:                               ``,
		`ruleset=check_compat, arg1=<x@example.com>, arg2=<y>, reject=550 no`:                      ``,
		`Milter: helo=h.example.org, reject=550 5.7.1 Command rejected`:                            `rejected Status=rejected NotAttempted=true Origin=local Reply.Code=550 Reply.Enhanced=5.7.1 Reply.Text="550 5.7.1 Command rejected" Command=HELO Diagnostic="550 5.7.1 Command rejected"`,
		`Milter: cmd=data, reject=554 5.7.1 no`:                                                    `rejected Status=rejected NotAttempted=true Origin=local Reply.Code=554 Reply.Enhanced=5.7.1 Reply.Text="554 5.7.1 no" Command=end of DATA Diagnostic="554 5.7.1 no"`,
		`Milter`:                                                                                   ``,
		`<a@b.c>... User unknown`:                                                                  `rejected Recipient="a@b.c" Status=rejected NotAttempted=true Origin=local Reply.Code=550 Command=RCPT TO Diagnostic="<a@b.c>... User unknown"`,
		`to=<a@b.c>, ctladdr=<"x, delay=0, stat=Sent"@y.z> (8/0), delay=00:00:01, mailer=esmtp, relay=h., dsn=4.0.0, stat=queued`: ``,
	} {
		if got := tell(t, text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestFailure(t *testing.T) {
	const to = "5AMA01aB005133: to=<a@example.com>, delay=00:00:01"
	p := parsertest.Open(t, Format(), "")
	for _, test := range []struct {
		text   string
		column int
		msg    string
	}{
		{"5AMA01aB005133: to=<a@example.com", 20, "recipients without an end"},
		{"5AMA01aB005133: to=<a@example.com>, stat=Sent", 20, "recipients without an end"},
		{"5AMA01aB005133: to=" + strings.Repeat("a,", maxRecipients) + "b, delay=00:00:01, stat=Sent", 20, "recipients without an end"},
		{to, len(to) + 1, "record without stat="},
		{to + ", mailer", len(to) + 1, "record without stat="},
		{to + ", stat=Odd", len(to+", stat=Odd") + 1, "record without stat="},
		{to + ", reply=550 no", len(to+", reply=550 no") + 1, "record without stat="},
		{`session_id="a-b" subtype=smtp msg="to=<a@example.com>, delay=1, Stat=Sent"`, len(`session_id="a-b" subtype=smtp msg="to=<a@example.com>, delay=1`) + 1, "record without stat="},
	} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "sendmail", Text: test.text})
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != test.column || bad.Msg != test.msg || len(evs) > 0 {
			t.Errorf("%q: %v, want column %d: %s", test.text, err, test.column, test.msg)
		}
		if _, err := p.AppendEvents(nil, &parsers.Line{Text: test.text}); !strings.HasPrefix(test.text, "session") && err != parsers.ErrForeign {
			t.Errorf("%q without a tag: %v", test.text, err)
		}
	}
}

// A record that the log cut is still good for its status where dsn= is left of it.
func TestTruncated(t *testing.T) {
	const text = "5AMA01aB005133: to=<a@example.com>, delay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.com. [192.0.2.25], dsn=5.1.1, reply=550 5.1.1 <a@example.com>: no such mailbox, stat=User unknown"
	known := strings.Index(text, ", reply=")
	p := parsertest.Open(t, Format(), "")
	for n := range text {
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "sm-mta", Text: text[:n]})
		switch a := (parsers.Attempt{}); {
		case len(evs) == 1:
			if a = evs[0].Attempt; a.Status != parsers.StatusBounced || a.Recipient != "a@example.com" || n < known || a.Truncated != (n <= strings.Index(text, ", stat=")+len(", stat=")) {
				t.Errorf("%q: %+v", text[:n], a)
			}
		case n > known+len(", reply="):
			t.Errorf("%q: %v", text[:n], err)
		}
	}
}

func TestForeign(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for _, text := range []string{
		"", "4QlkZX1qV3z9rv: to=<a@example.com>, relay=mx.example.com[192.0.2.25]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)",
		"4QlkZX1qV3z9rv: from=<a@example.com>, size=9, nrcpt=1 (queue active)", "9F2C41D07A: removed", "1wZxyz-0000000abcd-1234 => a@example.com",
		"starting daemon (8.18.1): SMTP+queueing@00:15:00", "STARTTLS: read error=syscall error (-1), errno=104",
		`date=2026-11-22 time=10:00:00 devid=FGT100 logid=0000000013 type=traffic msg="to=<a@example.com>, delay=00:00:01, stat=Sent"`,
	} {
		if evs, err := p.AppendEvents(nil, &parsers.Line{Text: text}); err != parsers.ErrForeign || len(evs) > 0 {
			t.Errorf("%q: %v, %v", text, evs, err)
		}
		if evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "sm-mta-xx", Text: text}); err == parsers.ErrForeign || len(evs) > 0 {
			t.Errorf("%q with a tag: %v, %v", text, evs, err)
		}
	}
}

func TestSniff(t *testing.T) {
	const record = "5AMA01aB005133: to=<a@example.com>, delay=00:00:01, mailer=esmtp, relay=h., dsn=2.0.0, stat=Sent (ok)"
	for want, lines := range map[parsers.Score][]parsers.Line{
		100: {{Text: record}, {Text: ""}, {Tag: "sm-other", Text: "anything"}},
		50:  {{Text: record}, {Text: "9F2C41D07A: removed"}},
		0:   {{Text: "to=<a@example.com>, stat=Sent"}, {Tag: "sshd", Text: "x"}},
	} {
		if got := Format().Sniff(parsers.Sample{Lines: lines}); got != want {
			t.Errorf("%v: score %d, want %d", lines, got, want)
		}
	}
}
