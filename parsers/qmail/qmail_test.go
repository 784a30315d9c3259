package qmail

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "qmail") }

func TestReports(t *testing.T) {
	for _, test := range []struct {
		name, word, report string
		want               parsers.Attempt
	}{
		{"greeting", "deferral", "Connected_to_192.0.2.1_but_greeting_failed./Remote_host_said:_554_5.7.1_go_away/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.CONNECT, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Code: 554, Enhanced: parsers.EnhancedCode{5, 7, 1}, Text: "554 5.7.1 go away"}}},
		{"name", "deferral", "Connected_to_192.0.2.1_but_my_name_was_rejected./Remote_host_said:_501_bad/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.HELO, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 501, Text: "501 bad"}}},
		{"sender", "failure", "Connected_to_2001:db8::1_but_sender_was_rejected./Remote_host_said:_553_no/",
			parsers.Attempt{RelayIP: "2001:db8::1", Command: parsers.MAILFROM, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 553, Text: "553 no"}}},
		{"DATA", "failure", "192.0.2.1_failed_on_DATA_command./Remote_host_said:_550_no/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.DATA, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 550, Text: "550 no"}}},
		{"message", "deferral", "192.0.2.1_failed_after_I_sent_the_message./Remote_host_said:_452_4.2.2_full/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.EndOfDATA, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Code: 452, Enhanced: parsers.EnhancedCode{4, 2, 2}, Text: "452 4.2.2 full"}}},
		{"duplicate", "deferral", "Connected_to_192.0.2.1_but_connection_died._Possible_duplicate!_(#4.4.2)/",
			parsers.Attempt{RelayIP: "192.0.2.1", Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{4, 4, 2},
				Diagnostic: "Connected to 192.0.2.1 but connection died. Possible duplicate! (#4.4.2)"}},
		{"no host", "failure", "Sorry,_I_couldn't_find_any_host_named_nx.example.com._(#5.1.2)/",
			parsers.Attempt{Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{5, 1, 2}, Diagnostic: "Sorry, I couldn't find any host named nx.example.com. (#5.1.2)"}},
		{"two lines of its own", "failure", "Sorry._Although_I'm_listed_as_a_best-preference_MX_or_A_for_that_host,/it_isn't_in_my_control/locals_file,_so_I_don't_treat_it_as_local._(#5.4.6)/",
			parsers.Attempt{Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{5, 4, 6},
				Diagnostic: "Sorry. Although I'm listed as a best-preference MX or A for that host,/it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)"}},
		{"no code", "deferral", "qmail-remote_crashed./", parsers.Attempt{Origin: parsers.OriginLocal, Diagnostic: "qmail-remote crashed."}},
		{"nothing", "deferral", "", parsers.Attempt{Origin: parsers.OriginLocal}},
		{"only a word", "success", "", parsers.Attempt{}},
		{"no answer logged", "success", "192.0.2.1_accepted_message./", parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.EndOfDATA,
			Origin: parsers.OriginImplied, Reply: parsers.Reply{Code: 250}, Diagnostic: "192.0.2.1 accepted message."}},
		{"a blank before the slash", "success", "192.0.2.1_accepted_message._/Remote_host_said:_250_CAA01516_ok/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.EndOfDATA, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 250, Text: "250 CAA01516 ok"}}},
		{"TLS", "success", "192.0.2.1_TLS_transmitted_message_accepted./Remote_host_said:_250_ok/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.EndOfDATA, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 250, Text: "250 ok"}}},
		{"authentication before", "success", "User_and_password_not_set,_continuing_without_authentication./192.0.2.1_accepted_message./Remote_host_said:_250_ok/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.EndOfDATA, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 250, Text: "250 ok"}}},
		{"addresses before", "failure", "From:_<a@example.net>_RCPT:_<192.0.2.9_accepted_message@example.com>_192.0.2.1_does_not_like_recipient./Remote_host_said:_550_no/Giving_up_on_192.0.2.1./",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.RCPTTO, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 550, Text: "550 no"}}},
		{"server that quotes qmail", "failure", "192.0.2.1_does_not_like_recipient./Remote_host_said:_550_192.0.2.9_accepted_message./Giving_up_on_me/I'm_not_going_to_try_again/x/Giving_up_on_192.0.2.1./",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.RCPTTO, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Code: 550, Text: "550 192.0.2.9 accepted message.\nGiving up on me\nI'm not going to try again/x"}}},
		{"URL", "failure", "192.0.2.1_does_not_like_recipient./Remote_host_said:_550-5.7.1_see/550-5.7.1_http://example.org/551_x/550_5.7.1_/a/b/Giving_up_on_192.0.2.1./",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.RCPTTO, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 7, 1}, Text: "550-5.7.1 see\n550-5.7.1 http://example.org/551 x\n550 5.7.1 /a/b"}}},
		{"no reply", "deferral", "Connected_to_192.0.2.1_but_greeting_failed./Remote_host_said:_busy/",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.CONNECT, Origin: parsers.OriginRemote, Reply: parsers.Reply{Text: "busy"}}},
		{"another phrase", "deferral", "192.0.2.1_tells_something_new./Remote_host_said:_450_later/Giving_up_on_192.0.2.1./",
			parsers.Attempt{RelayIP: "192.0.2.1", Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 450, Text: "450 later"}}},
		{"tagged code", "failure", "192.0.2.1_does_not_like_recipient./Remote_host_said:_553_sorry_(#5.7.1)/Giving_up_on_192.0.2.1./",
			parsers.Attempt{RelayIP: "192.0.2.1", Command: parsers.RCPTTO, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Code: 553, Enhanced: parsers.EnhancedCode{5, 7, 1}, Text: "553 sorry (#5.7.1)"}}},
		{"filter", "success", "127.0.0.1_accepted_message./Remote_host_said:_250_ok/",
			parsers.Attempt{RelayIP: "127.0.0.1", Kind: parsers.Internal, Command: parsers.EndOfDATA, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 250, Text: "250 ok"}}},
		{"local", "success", "procmail:_ok/did_1+0+2/", parsers.Attempt{Kind: parsers.Local, Diagnostic: "procmail: ok/did 1+0+2"}},
		{"too long, with an answer", "failure", "192.0.2.1_does_not_like_recipient./Remote_host_said:_451_later/Giving_up_on_192.0.2.1./I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./",
			parsers.Attempt{Status: parsers.StatusExpired, RelayIP: "192.0.2.1", Command: parsers.RCPTTO, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 451, Text: "451 later"}}},
		{"too long, and a greeting", "failure", "Connected_to_192.0.2.1_but_greeting_failed./Remote_host_said:_554_busy/I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./",
			parsers.Attempt{Status: parsers.StatusExpired, RelayIP: "192.0.2.1", Command: parsers.CONNECT, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 554, Text: "554 busy"}}},
		{"too long, says the server", "failure", "Connected_to_192.0.2.1_but_sender_was_rejected./Remote_host_said:_550_no/I'm_not_going_to_try_again/",
			parsers.Attempt{Status: parsers.StatusBounced, RelayIP: "192.0.2.1", Command: parsers.MAILFROM, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: 550, Text: "550 no"}}},
		{"too long, on the same line", "failure", "Unable_to_contact_LDAP_server._(#4.4.3)I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./",
			parsers.Attempt{Status: parsers.StatusExpired, Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{4, 4, 3},
				Diagnostic: "Unable to contact LDAP server. (#4.4.3)I'm not going to try again; this message has been in the queue too long."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want.Status == 0 {
				test.want.Status = map[string]parsers.Status{"success": parsers.StatusSent, "deferral": parsers.StatusDeferred, "failure": parsers.StatusBounced}[test.word]
			}
			if test.want.Diagnostic == "" {
				test.want.Diagnostic = test.want.Reply.Text
			}
			evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: "delivery 7: " + test.word + ": " + test.report})
			if err != nil || len(evs) != 1 {
				t.Fatal(evs, err)
			}
			if got := evs[0].Attempt; got != test.want {
				t.Errorf("got %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestStamps(t *testing.T) {
	tz := time.FixedZone("", -5*60*60)
	for _, test := range []struct{ text, at, rest string }{
		{"@400000006b02bd2a0ee6b280 x", "2026-11-22T10:00:00.25Z", "x"},
		{"@400000006B02BD2A0EE6B280 x", "2026-11-22T10:00:00.25Z", "x"},
		{"@40000000433d8bd52a34cc5c x", "2005-09-30T19:02:35.708103Z", "x"},
		{"@400000006b02bd2a3b9aca00 x", "", ""}, // a billion nanoseconds
		{"@c00000006b02bd2a00000000 x", "", ""},
		{"@400000006b02bd2a0ee6b28g x", "", ""},
		{"@400000006b02bd2a0ee6b280x ", "", ""},
		{"2026-11-22 10:00:00.123456789 x", "2026-11-22T15:00:00.123456Z", "x"},
		{"2026-11-22 10:00:00.123456789x ", "", ""},
		{"1795341600.485077 x", "2026-11-22T10:00:00.485077Z", "x"},
		{"1795341600.485077+x", "", ""},
		{"1795341600.4850 and more", "", ""},
		{"delivery 5: success: x", "", ""},
	} {
		want := test.rest
		if test.at == "" {
			want = test.text
		}
		at, rest := (&parser{parsers.Options{Location: tz}}).cutStamp(test.text)
		if at.String() != test.at || rest != want {
			t.Errorf("%q: %v %q, want %s %q", test.text, at, rest, test.at, want)
		}
	}
}

func TestRefusalsAtTheDoor(t *testing.T) {
	for text, want := range map[string]string{
		"rblsmtpd: 2001:db8::9 pid 12: 553 listed":                                               `rejected RelayIP="2001:db8::9" Status=rejected NotAttempted=true Origin=local Reply.Code=553 Reply.Text="553 listed" Diagnostic="553 listed"`,
		"rblsmtpd: 192.0.2.9 pid 12: greetdelay: 5":                                              "",
		"rblsmtpd: fatal: unable to resolve":                                                     "",
		"qmail-smtpd: pid 3 Accept::RCPT::Rcpthosts_Rcptto P:SMTP S:192.0.2.9:h H:h F:a@b T:c@d": "",
		"qmail-smtpd: pid 3 Reject::SNDR::Bad_Helo P:SMTP S:2001:db8::9:h.example.org H:h":       `rejected RelayIP="2001:db8::9" Status=rejected NotAttempted=true Origin=local Diagnostic="SNDR::Bad_Helo P:SMTP S:2001:db8::9:h.example.org H:h"`,
	} {
		evs, err := new(parser).AppendEvents(nil, &parsers.Line{Text: text})
		got := ""
		if len(evs) == 1 {
			got = parsertest.Print(&evs[0])
		}
		if got != want || err != nil || len(evs) > 1 {
			t.Errorf("%q: got %s, %v", text, got, err)
		}
	}
}

// Deliveries end in any order, and each qmail counts its own.
func TestInterleaved(t *testing.T) {
	parsertest.Attempts(t, Format(), `
Nov 22 10:00:00 h1 qmail: starting delivery 7: msg 11 to remote a@example.com
Nov 22 10:00:00 h2 qmail: starting delivery 7: msg 11 to remote b@example.com
Nov 22 10:00:00 h1 qmail-send: starting delivery 7: msg 11 to remote c@example.com
Nov 22 10:00:00 h1 qmail: starting delivery 8: msg 11 to local d@example.com
Nov 22 10:00:01 h1 qmail: delivery 8: deferral: x/
Nov 22 10:00:02 h1 qmail-send: delivery 7: deferral: x/
Nov 22 10:00:03 h2 qmail: delivery 7: deferral: x/
Nov 22 10:00:04 h1 qmail: delivery 7: deferral: x/
Nov 22 10:00:04 h1 qmail: delivery 7: deferral: x/`[1:],
		`Instance="qmail" QueueID="11" Recipient="d@example.com" Kind=local XDelay=1s`,
		`Instance="qmail-send" QueueID="11" Recipient="c@example.com" XDelay=2s`,
		`Instance="qmail" Recipient="b@example.com" XDelay=3s`,
		`Instance="qmail" Recipient="a@example.com" XDelay=4s`,
		`Instance="qmail" Status=deferred Origin=local Diagnostic="x"`)
}

// What was started before a restart never ends, even where the line that would end it has a number of then.
func TestRestart(t *testing.T) {
	for _, restart := range []string{"status: exiting", "starting delivery 1: msg 11 to remote b@example.com"} {
		got := parsertest.Told(t, Format(), "starting delivery 7: msg 10 to remote a@example.com\n"+restart+"\ndelivery 7: deferral: x/")
		if len(got) != 1 || strings.Contains(got[0], "QueueID") || strings.Contains(got[0], "Recipient") {
			t.Errorf("after %q: %q", restart, got)
		}
	}
	parsertest.Attempts(t, Format(), `
Nov 22 10:00:00 h1 qmail: starting delivery 7: msg 10 to remote a@example.com
Nov 22 10:00:00 h2 qmail: status: exiting
Nov 22 10:00:00 h1 qmail: starting delivery 10: msg 10 to remote a@example.com
Nov 22 10:00:00 h1 qmail: delivery 7: deferral: x/`[1:], `QueueID="10" Recipient="a@example.com"`)
}

// Several queues in one log (indimail).
func TestQueues(t *testing.T) {
	parsertest.Attempts(t, Format(), `
starting delivery 1: msg 10 to remote a@example.com queue1
starting delivery 2: msg 11 to remote b@example.com queue1
starting delivery 1: msg 12 to remote c@example.com queue2
delivery 2: success: 192.0.2.1_accepted_message./Remote_host_said:_250_ok/ queue1
delivery 1: deferral: x/ queue2
status: queue2 qmail-todo exiting
delivery 1: report mangled, will defer: queue1
starting delivery 3: msg 10 to remote a@example.com queue1
status: queue2 queue2 qmail-send exiting
delivery 3: deferral: x/ queue1
starting delivery 4: msg 10 to remote a@example.com queue1
status: queue1 queue1 qmail-send exiting
delivery 4: deferral: x/ queue1`[1:],
		`QueueID="11" Recipient="b@example.com" Reply.Text="250`, `QueueID="12" Recipient="c@example.com" Diagnostic="x"`,
		`QueueID="10" Recipient="a@example.com" Diagnostic="report`, `QueueID="10" Recipient="a@example.com"`, `Status=deferred Diagnostic="x"`)
	parsertest.Attempts(t, Format(), `
starting delivery 5-queue1: msg 10 to remote a@example.com
starting delivery 1-queue2: msg 11 to remote b@example.com
delivery 5-queue1: deferral: x/
delivery 1-queue2: deferral: x/`[1:], `QueueID="10" Recipient="a@example.com"`, `QueueID="11" Recipient="b@example.com"`)
}

// A message's number is free as soon as it is gone.
func TestReuse(t *testing.T) {
	parsertest.Attempts(t, Format(), `
1795341600.000000 info msg 10: bytes 1 from <a@example.net> qp 1 uid 0
1795341601.000000 starting delivery 7: msg 10 to remote a@example.com
1795341602.000000 delivery 7: failure: x/
1795341602.000000 end msg 10
1795341660.000000 starting delivery 8: msg 10 to remote b@example.com
1795341661.000000 delivery 8: failure: x/
1795341700.000000 info msg 10: bytes 2 from <b@example.net> qp 1 uid 0
1795341701.000000 starting delivery 9: msg 10 to remote c@example.com
1795341703.000000 delivery 9: failure: x/`[1:],
		`QueueID="10" Recipient="a@example.com" Delay=2s XDelay=1s`, `QueueID="10" Recipient="b@example.com" XDelay=1s`,
		`QueueID="10" Recipient="c@example.com" Delay=3s XDelay=2s`)
	if got := parsertest.Told(t, Format(), "1795341700.000000 starting delivery 9: msg 10 to remote c@example.com\n1795341600.000000 delivery 9: failure: x/"); strings.Contains(got[0], "Delay") {
		t.Errorf("time runs backwards: %s", got[0])
	}
}

// Memory is bounded, and what came last is remembered.
func TestForgotten(t *testing.T) {
	j := newJoiner(parsers.Options{})
	line := &parsers.Line{Tag: "qmail", Time: 1}
	const n = 5 * minUnderway
	for i := range n {
		text := fmt.Sprint(i + 2)
		j.Join(nil, "h", line, &parsers.Event{Kind: parsers.Part, Part: started, Text: text, QueueID: text})
		j.Join(nil, fmt.Sprint("h", i), line, &parsers.Event{Kind: parsers.Part, Part: stopped})
	}
	long := strings.Repeat("x", 1<<20)
	j.Join(nil, "h", line, &parsers.Event{Part: started, Text: "5", QueueID: "5", Attempt: parsers.Attempt{Recipient: long}})
	if evs := j.Join(nil, "h", line, &parsers.Event{Part: finished, Text: "5"}); evs[0].QueueID != "5" || evs[0].Attempt.Recipient != "" {
		t.Error("kept a recipient of a megabyte")
	}
	for number, want := range map[int]string{n + 1: fmt.Sprint(n + 1), n - minUnderway + 2: fmt.Sprint(n - minUnderway + 2), n - 3*minUnderway: ""} {
		evs := j.Join(nil, "h", line, &parsers.Event{Kind: parsers.Part, Part: finished, Text: fmt.Sprint(number)})
		if len(evs) != 1 || evs[0].QueueID != want {
			t.Errorf("delivery %d: message %q, want %q", number, evs[0].QueueID, want)
		}
	}
}

func TestFold(t *testing.T) {
	p := new(parser)
	report := "delivery 7: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550-5.1.1_" + strings.Repeat("no_", 600) + "/550_5.1.1_never/Giving_up_on_192.0.2.1./"
	for _, size := range []int{sploggerMax, 150} { // splogger's, and one that cuts earlier
		var whole parsers.Line
		for i, piece := range slices.Collect(slices.Chunk([]byte(report), size)) {
			text := "1795341600.485077 " + string(piece)
			if i > 0 {
				text = "1795341600.485077+" + string(piece)
			}
			f := fold(&parsers.Line{Text: text})
			want := parsers.Middle
			switch {
			case i == 0:
				want = parsers.First
			case (i+1)*size >= len(report):
				want = parsers.Last
			}
			if f.Piece != want || f.Key != "1795341600.485077" || f.Break {
				t.Errorf("pieces of %d: %d is %+v", size, i, f)
			}
			whole.Text += f.Text
		}
		evs, err := p.AppendEvents(nil, &whole)
		if err != nil || len(evs) != 1 || evs[0].Attempt.Reply.Enhanced != (parsers.EnhancedCode{5, 1, 1}) || !strings.HasSuffix(evs[0].Attempt.Reply.Text, "\n550 5.1.1 never") {
			t.Errorf("pieces of %d: %v, %+v", size, err, evs)
		}
	}
	for _, text := range []string{
		"1795341600.485077 delivery 7: success: did_1+0+0/", "1795341600.485077 end msg 12", "end msg 12", "1795341600.485077", "1795341600.485077-x",
	} {
		if f := fold(&parsers.Line{Text: text}); f != (parsers.Fold{}) {
			t.Errorf("%q: %+v", text, f)
		}
	}
}

func TestForeign(t *testing.T) {
	for _, test := range []struct {
		tag, text string
		foreign   bool
	}{
		{"", "delivery of goods: success: x", true},
		{"shop", "delivery 12: success", false},
		{"shop", "delivery 12: arrived", true},
		{"", "starting delivery 12: msg", true},
		{"", "warning: disk full", true},
		{"qmail", "warning: disk full", false},
		{"", "@400000006b02bd2a0ee6b280 warning: disk full", false},
		{"", "@400000006b02bd2a0ee6b280 disk full", true},
		{"qmail", "disk full", false},
		{"", "status: ok", true},
		{"", "status: exiting soon", true},
		{"", "new msg x", true},
		{"", "new msg 1 2 3", true},
		{"", "", true},
	} {
		_, err := new(parser).AppendEvents(nil, &parsers.Line{Tag: test.tag, Text: test.text})
		if (err == parsers.ErrForeign) != test.foreign {
			t.Errorf("%s: %q: %v", test.tag, test.text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	for log, want := range map[string]bool{
		"@400000006b02bd2a0ee6b280 starting delivery 8: msg 5002 to remote a@example.com":               true,
		"1795341600.485077 delivery 8: success: did_1+0+0/":                                             true,
		"2026-11-22 10:00:00.000000500 status: local 0/10 remote 1/20":                                  true,
		"@400000006b02bd2a0ee6b280 rblsmtpd: 192.0.2.1 pid 3: 451 later":                                true,
		"@400000006b02bd2a0ee6b280 query 1 cb007109:c2b8:5a3f a example.com.\nnew msg 5\nwarning: full": false,
		"starting delivery\ndelivery 8: arrived\nend msg 12":                                            false,
	} {
		var s parsers.Sample
		for text := range strings.SplitSeq(log, "\n") {
			s.Lines = append(s.Lines, parsers.Line{Text: text})
		}
		if got := sniff(s); (got > 0) != want {
			t.Errorf("%q: %d", log, got)
		}
	}
}

func FuzzAppendEvents(f *testing.F) {
	for _, name := range []string{"multilog.log", "splogger.log"} {
		for _, r := range parsertest.Read(f, Format(), name) {
			f.Add(r.Tag, r.Text)
		}
	}
	f.Add("", "1795341600.485077+rest/")
	p := new(parser)
	f.Fuzz(func(t *testing.T, tag, text string) {
		line := parsers.Line{Tag: tag, Text: text, Time: 1}
		parsertest.Check(t, p, line)
		if f := fold(&line); f.Piece == parsers.First && f.Text != text || f.Piece > parsers.First && !strings.HasSuffix(text, f.Text) {
			t.Errorf("%q: piece %+v", text, f)
		}
		evs, _ := p.AppendEvents(nil, &line)
		for i := range evs {
			a := &evs[i].Attempt
			if a.RelayIP != "" {
				if _, err := netip.ParseAddr(a.RelayIP); err != nil || !strings.Contains(text, a.RelayIP) {
					t.Errorf("%q: address %q", text, a.RelayIP)
				}
			}
			for _, s := range []string{evs[i].QueueID, evs[i].Text, a.Recipient} {
				if !strings.Contains(text, s) {
					t.Errorf("%q: made up %q", text, s)
				}
			}
			if len(a.Diagnostic) > len(text) {
				t.Errorf("%q: diagnostic %q", text, a.Diagnostic)
			}
			newJoiner(parsers.Options{}).Join(nil, "h", &line, &evs[i])
		}
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "multilog.log"))
}

// BenchmarkJoiner reads with a joiner behind the parser.
func BenchmarkJoiner(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, parsertest.Joined(Format()), "multilog.log"))
}
