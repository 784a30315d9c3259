package courier

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "courier") }

const id = "0038C081.4D026173.000051A4"

// log puts headers before the lines about a recipient.
func log(rcpt string, lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "Nov 22 10:00:00 mail courieresmtp: id=%s,from=<news@example.net>,addr=<%s>%s\n", id, rcpt, l)
	}
	return b.String()
}

// attempts checks which attempts a log tells of, after what all of log's have in common.
func attempts(t *testing.T, text string, want ...string) {
	t.Helper()
	got := parsertest.Told(t, Format(), text)
	if len(got) != len(want) {
		t.Fatalf("%d attempts, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i, w := range want {
		if g := strings.TrimPrefix(got[i], `attempted Process="courieresmtp" QueueID="`+id+`" Sender="news@example.net" Recipient=`); g != w {
			t.Errorf("attempt %d:\n got %s\nwant %s", i+1, g, w)
		}
	}
}

func TestAttempts(t *testing.T) {
	long := strings.Repeat("x", maxString-len("550 5.7.1 ")) + andSoOn
	for _, test := range []struct{ name, log, want string }{
		{"no reply, no reason", log("a@example.com", ",status: deferred"), `"a@example.com" Status=deferred`},
		{"no reply logged", log("a@example.com", ",success: delivered: [2001:db8::1]", ",status: success"),
			`"a@example.com" RelayIP="2001:db8::1" Status=sent Origin=implied Reply.Code=250`},
		{"inside", log("a@example.com", ": 250 ok", ",success: delivered: localhost [127.0.0.1]", ",status: success"),
			`"a@example.com" RelayHost="localhost" RelayIP="127.0.0.1" Status=sent Kind=internal Origin=remote Reply.Code=250 Reply.Text="250 ok" Diagnostic="250 ok"`},
		{"network", log("a@example.com", ": No such domain.", ",status: failure"), `"a@example.com" Status=bounced Origin=local Diagnostic="No such domain."`},
		{"Courier's own words", log("a@example.com", ": 500 Unable to set minimum security level.", ",status: failure"),
			`"a@example.com" Status=bounced Origin=local Reply.Code=500 Reply.Text="500 Unable to set minimum security level." Diagnostic="500 Unable to set minimum security level."`},
		{"a long line", log("a@example.com", ": 550 5.7.1 "+long, ",status: failure"),
			`"a@example.com" Status=bounced Origin=remote Reply.Code=550 Reply.Enhanced=5.7.1 Reply.Text="550 5.7.1 ` + long + `" Diagnostic="550 5.7.1 ` + long + `" Truncated=true`},
		{"another module", log("a@example.com", ",size=3,success: Message delivered."), `"a@example.com" Status=sent Diagnostic="Message delivered."`},
		{"a server that forges the end", log("a@example.com", ": 450 4.2.0 ,status: success", ": ,status: success", ",status: deferred"),
			`"a@example.com" Status=deferred Origin=remote Reply.Code=450 Reply.Enhanced=4.2.0 Reply.Text="450 4.2.0 ,status: success\n,status: success" Diagnostic="450 4.2.0 ,status: success\n,status: success"`},
		{"a recipient that does", log(`"b>,status: success"@example.com`, ",status: failure"), `"\"b>,status: success\"@example.com" Status=bounced`},
		{"quotes in quotes", log(`"b\">,status: success"@example.com`, ",status: failure"), `"\"b\\\">,status: success\"@example.com" Status=bounced`},
	} {
		t.Run(test.name, func(t *testing.T) { attempts(t, test.log, test.want) })
	}
	half := `"` + strings.Repeat("x", maxString-1) + andSoOn
	attempts(t, log(half, ",status: failure"), fmt.Sprintf("%q Status=bounced", half))
}

// The lines of several recipients, messages and hosts come in any order.
func TestInterleaved(t *testing.T) {
	other := strings.ReplaceAll(log("a@example.com", ": 450 other message", ": 450 other host"), id, id[:len(id)-1]+"5")
	attempts(t, log("a@example.com", ": 550-one")+log("b@example.com", ": 451 two")+other+
		strings.Replace(log("a@example.com", ": 450 other host"), "mail", "mail2", 1)+
		log("a@example.com", ": 550 one", ",status: failure")+log("b@example.com", ",status: deferred"),
		`"a@example.com" Status=bounced Origin=remote Reply.Code=550 Reply.Text="550-one\n550 one" Diagnostic="550-one\n550 one"`,
		`"b@example.com" Status=deferred Origin=remote Reply.Code=451 Reply.Text="451 two" Diagnostic="451 two"`)
}

// Each attempt has its own lines, also where the end of the one before is not in the log.
func TestRetries(t *testing.T) {
	later := `"a@example.com" Status=deferred Origin=remote Reply.Code=450 Reply.Text="450 later" Diagnostic="450 later"`
	begun := fmt.Sprintf("Nov 22 10:00:00 mail courierd: started,id=%s,from=<news@example.net>,module=esmtp,host=example.com,addr=<a@example.com>\n", id)
	attempts(t, log("a@example.com", ": 451 now", ",status: deferred", ": 450 later", ",status: deferred"),
		`"a@example.com" Status=deferred Origin=remote Reply.Code=451 Reply.Text="451 now" Diagnostic="451 now"`, later)
	attempts(t, log("a@example.com", ": 451 lost")+begun+log("a@example.com", ": 450 later", ",status: deferred"), later)
	attempts(t, log("a@example.com", ": 250 ok", ",success: delivered: [192.0.2.1]", ": 450 later", ",status: deferred"), later)
	attempts(t, log("a@example.com", ": 451 lost", ": 451 lost"))
}

// A message whose time is up goes to the module dsn, and so does one of which all is told.
func TestExpiry(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for host, want := range map[string]int{"": 1, "deferred": 0} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "courierd", Text: "started,id=" + id + ",from=<a@example.com>,module=dsn,host=" + host + ",addr=<a@example.com>"})
		if err != nil || len(evs) != want || want == 1 && evs[0].Kind != parsers.Expired {
			t.Errorf("host %q: %v, %v", host, evs, err)
		}
	}
}

// Nothing of the log makes the joiner grow without bounds.
func TestForgotten(t *testing.T) {
	j := newJoiner(parsers.Options{})
	const n = 5 * minDeliveries
	part := func(part uint8, rcpt any, text string) []parsers.Event {
		return j.Join(nil, "h", nil, &parsers.Event{Part: part, QueueID: id, Text: text, Attempt: parsers.Attempt{Recipient: fmt.Sprint(rcpt)}})
	}
	for i := range n {
		part(said, i, fmt.Sprintf("550 %d", i))
		part(said, "talker", strings.Repeat("x", 200))
	}
	for rcpt, want := range map[int]string{n - 1: fmt.Sprint("550 ", n-1), n - minDeliveries + 1: fmt.Sprint("550 ", n-minDeliveries+1), 0: ""} {
		if got := part(ended, rcpt, "")[0].Attempt.Diagnostic; got != want {
			t.Errorf("recipient %d: %q, want %q", rcpt, got, want)
		}
	}
	if got := part(ended, "talker", "")[0].Attempt.Diagnostic; len(got) > maxText+maxLines {
		t.Errorf("kept %d bytes", len(got))
	}
}

func TestLines(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for _, test := range []struct {
		tag, text string
		want      string // of the error
	}{
		{"courierd", "Waiting.  shutdown time=none", ""},
		{"courierd", "completed,id=" + id, ""},
		{"courierd", "newmsg,id=x", "column 1: line about a message is cut short"},
		{"courierd", "started,id=" + id + ",from=", "column 1: line about a message is cut short"},
		{"courierd", "started,id=" + id + `,from=<"x>,module=`, "column 1: line about a message is cut short"},
		{"courieresmtp", "id=" + id + ",from=<>", "column 1: line about a message is cut short"},
		{"courieresmtp", "id=" + id + ",from=<>,addr=<a@example.com>,status: unheard of", "column 1: line about a message is cut short"},
		{"courieresmtp", "id=" + id + ",from=<>,addr=<a@example.com>,other: x", "column 1: line about a message is cut short"},
		{"courieresmtpd", "error,relay=192.0.2.1: greeting", ""},
		{"imapd", "LOGIN, user=joe", "not a line of this format"},
		{"other", "id=" + id + ",from=<>", "not a line of this format"},
		{"other", "id=" + id + ",from=<>,addr=<a@example.com>,status: failure", ""},
		{"", "", "not a line of this format"},
	} {
		if _, err := p.AppendEvents(nil, &parsers.Line{Tag: test.tag, Text: test.text}); (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s: %q: %v", test.tag, test.text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	sample := parsers.Sample{Lines: []parsers.Line{{Tag: "mda", Text: "id=" + id + ",from=<>,addr=<a@example.com>,status: failure"}, {Text: "error,relay=192.0.2.1: 550 x"}}}
	if got := sniff(sample); got != 50 {
		t.Error(got)
	}
}

func FuzzAppendEvents(f *testing.F) {
	for _, r := range parsertest.Read(f, Format(), "mail.log") {
		f.Add(r.Tag, r.Text)
	}
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, tag, text string) {
		line := parsers.Line{Tag: tag, Text: text, Time: 1}
		parsertest.Check(t, p, line)
		evs, _ := p.AppendEvents(nil, &line)
		j := newJoiner(parsers.Options{})
		for i := range evs {
			ev := &evs[i]
			for _, s := range []string{ev.QueueID, strings.TrimSuffix(ev.Sender, parsers.NullSender), ev.Text, ev.Attempt.Recipient, ev.Attempt.RelayHost, ev.Attempt.RelayIP, ev.Attempt.Diagnostic} {
				if !strings.Contains(text, s) {
					t.Errorf("%q: made up %q", text, s)
				}
			}
			if ip := ev.Attempt.RelayIP; ip != "" {
				if _, err := netip.ParseAddr(ip); err != nil {
					t.Errorf("%q: %v", text, err)
				}
			}
			for _, ev := range j.Join(nil, "h", &line, ev) {
				if ev.Kind != parsers.Attempted || ev.Attempt.Status == 0 {
					t.Errorf("%q: %+v", text, ev)
				}
			}
		}
	})
}

func BenchmarkParser(b *testing.B) { parsertest.Benchmark(b, parsertest.Read(b, Format(), "mail.log")) }

// BenchmarkJoiner reads with a joiner behind the parser.
func BenchmarkJoiner(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, parsertest.Joined(Format()), "mail.log"))
}
