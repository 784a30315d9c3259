package postfix

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
)

func mustOpen(t testing.TB, o parsers.Options) parsers.Parser {
	t.Helper()
	p, err := Format().Open(parsers.Sample{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// said is the record of a refused recipient, taken apart in TestAppendEvents and cut short in TestBadLines.
const said = "9F2C41D07A: to=<eve@example.net>, orig_to=<list@example.com>, relay=mx2.example.net[2001:db8::25]:587, conn_use=2, " +
	"delay=61.5, delays=60/0.25/1/0.25, tls=may, dsn=4.2.2, status=SOFTBOUNCE (host mx2.example.net[2001:db8::25] said: " +
	"552-5.2.2 Over quota) 552 5.2.2 (in reply to DATA command) (in reply to end of DATA command))"

func TestAppendEvents(t *testing.T) {
	ms := parsers.Milliseconds
	relay := ", relay=mx.example.net[192.0.2.25]:25, delay=2, delays=1/0/0.4/0.6, "
	attempt := func(program string, a parsers.Attempt) parsers.Event {
		return parsers.Event{Kind: parsers.Attempted, Instance: "postfix", Process: program, QueueID: "9F2C41D07A", Attempt: a}
	}
	requeued := func(program, next string) parsers.Event {
		return parsers.Event{Kind: parsers.Requeued, Instance: "postfix", Process: program, QueueID: "9F2C41D07A", NextID: next}
	}
	for _, test := range []struct {
		name, tag, text string
		want            []parsers.Event
	}{
		{"every field", "postfix/relay/smtp", said, []parsers.Event{attempt("smtp", parsers.Attempt{
			Recipient: "eve@example.net", OriginalRecipient: "list@example.com",
			RelayHost: "mx2.example.net", RelayIP: "2001:db8::25", RelayPort: 587,
			Status: parsers.StatusDeferred, MTAStatus: "SOFTBOUNCE", Origin: parsers.OriginRemote,
			Reply: parsers.Reply{Code: 552, Enhanced: parsers.EnhancedCode{5, 2, 2}, Text: "552-5.2.2 Over quota) 552 5.2.2 (in reply to DATA command)"},
			DSN:   parsers.EnhancedCode{4, 2, 2}, Command: parsers.EndOfDATA,
			Diagnostic: "host mx2.example.net[2001:db8::25] said: 552-5.2.2 Over quota) 552 5.2.2 (in reply to DATA command) (in reply to end of DATA command)",
			Delay:      ms(61500), XDelay: ms(1250),
		})}},
		{"a recipient that forges a record", "postfix/smtp",
			`9F2C41D07A: to=<"a>, relay=x[192.0.2.9]:25, delay=0, dsn=5.1.1, status=bounced (550 \" no)"@example.net>` + relay + "dsn=2.0.0, status=sent (250 ok)",
			[]parsers.Event{attempt("smtp", parsers.Attempt{
				Recipient: `"a>, relay=x[192.0.2.9]:25, delay=0, dsn=5.1.1, status=bounced (550 \" no)"@example.net`,
				RelayHost: "mx.example.net", RelayIP: "192.0.2.25", RelayPort: 25, Status: parsers.StatusSent, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Code: 250, Text: "250 ok"}, DSN: parsers.EnhancedCode{2, 0, 0}, Diagnostic: "250 ok", Delay: ms(2000), XDelay: ms(1000),
			})}},
		{"before 2.3", "postfix/smtp", "9F2C41D07A: to=<eve@example.net>, relay=none, delay=3, status=deferred (connect to mx.example.net[192.0.2.25]: Connection timed out (port 25))",
			[]parsers.Event{attempt("smtp", parsers.Attempt{
				Recipient: "eve@example.net", RelayHost: "mx.example.net", RelayIP: "192.0.2.25", RelayPort: 25, Status: parsers.StatusDeferred,
				Origin: parsers.OriginLocal, Diagnostic: "connect to mx.example.net[192.0.2.25]: Connection timed out (port 25)", Delay: ms(3000),
			})}},
		{"another message's failure", "postfix/error", "9F2C41D07A: to=<eve@example.net>, relay=none, delay=3, dsn=4.4.2, status=deferred (delivery temporarily suspended: lost connection with mx.example.net[192.0.2.25] while sending RCPT TO)",
			[]parsers.Event{attempt("error", parsers.Attempt{
				Recipient: "eve@example.net", RelayHost: "mx.example.net", RelayIP: "192.0.2.25", Status: parsers.StatusDeferred, NotAttempted: true,
				Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{4, 4, 2}, Command: parsers.RCPTTO, Delay: ms(3000),
				Diagnostic: "delivery temporarily suspended: lost connection with mx.example.net[192.0.2.25] while sending RCPT TO",
			})}},
		{"a filter's port", "postfix/smtp", "9F2C41D07A: to=<eve@example.net>, relay=av.example.com[198.51.100.3]:10024, delay=3, dsn=2.0.0, status=sent (250 2.0.0 from MTA([127.0.0.1]:10025): 250 2.0.0 Ok: queued as A1B2C3D4E5)",
			[]parsers.Event{attempt("smtp", parsers.Attempt{
				Recipient: "eve@example.net", RelayHost: "av.example.com", RelayIP: "198.51.100.3", RelayPort: 10024, Status: parsers.StatusSent, Kind: parsers.Internal,
				Origin: parsers.OriginRemote, DSN: parsers.EnhancedCode{2, 0, 0}, Delay: ms(3000),
				Reply:      parsers.Reply{Code: 250, Enhanced: parsers.EnhancedCode{2, 0, 0}, Text: "250 2.0.0 from MTA([127.0.0.1]:10025): 250 2.0.0 Ok: queued as A1B2C3D4E5"},
				Diagnostic: "250 2.0.0 from MTA([127.0.0.1]:10025): 250 2.0.0 Ok: queued as A1B2C3D4E5",
			}), requeued("smtp", "A1B2C3D4E5")}},
		{"a forward", "postfix/local", "9F2C41D07A: to=<eve@example.com>, relay=local, delay=0, dsn=2.0.0, status=sent (forwarded as A1B2C3D4E5)",
			[]parsers.Event{attempt("local", parsers.Attempt{
				Recipient: "eve@example.com", Status: parsers.StatusSent, Kind: parsers.Internal, Origin: parsers.OriginLocal, DSN: parsers.EnhancedCode{2, 0, 0},
				Delay: ms(0), Diagnostic: "forwarded as A1B2C3D4E5",
			}), requeued("local", "A1B2C3D4E5")}},
		{"a forward that a server claims", "postfix/smtp", "9F2C41D07A: to=<eve@example.net>" + relay + "dsn=2.0.0, status=sent (forwarded as A1B2C3D4E5)",
			[]parsers.Event{attempt("smtp", parsers.Attempt{
				Recipient: "eve@example.net", RelayHost: "mx.example.net", RelayIP: "192.0.2.25", RelayPort: 25, Status: parsers.StatusSent, Origin: parsers.OriginRemote,
				Reply: parsers.Reply{Text: "forwarded as A1B2C3D4E5"}, DSN: parsers.EnhancedCode{2, 0, 0}, Diagnostic: "forwarded as A1B2C3D4E5", Delay: ms(2000), XDelay: ms(1000),
			})}},
		{"a sender that forges the end", "postfix/qmgr", "9F2C41D07A: from=<x>, status=expired, returned to sender <y@example.org>, size=77, nrcpt=3 (queue active)",
			[]parsers.Event{{Kind: parsers.Queued, Instance: "postfix", Process: "qmgr", QueueID: "9F2C41D07A", Sender: "x>, status=expired, returned to sender <y@example.org", Size: 77}}},
		{"a size beyond reason", "postfix/qmgr", "9F2C41D07A: from=<x@example.org>, size=1234567890123456789, nrcpt=3 (queue active)", nil},
		{"a record in a header", "postfix/cleanup", "9F2C41D07A: info: header Subject: to=<eve@example.net>" + relay + "dsn=2.0.0, status=sent (250 ok) from local; from=<x@example.org>", nil},
		{"a record from the door", "postfix/smtpd", "9F2C41D07A: to=<eve@example.net>" + relay + "dsn=2.0.0, status=sent (250 ok)", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := mustOpen(t, parsers.Options{}).AppendEvents(nil, &parsers.Line{Tag: test.tag, Text: test.text})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestBadLines holds lines that should be records. What was in dst must be there still, and nothing more.
func TestBadLines(t *testing.T) {
	const short = "9F2C41D07A: to=<eve@example.net>, relay=none, "
	for _, test := range []struct {
		text   string
		column int
		msg    string
	}{
		{said[:20], 16, "recipient without an end"},
		{said[:32], 16, "recipient without an end"},
		{said[:50], 43, "original recipient without an end"},
		{said[:70], 61, "record without status="},
		{said[:strings.Index(said, "dsn=")+4], strings.Index(said, ", dsn=") + 1, "record without status="},
		{said[:strings.Index(said, "status=")+6], strings.Index(said, ", status=") + 1, "record without status="},
		{`9F2C41D07A: to=<"a>b@example.net`, 16, "recipient without an end"},
		{"9F2C41D07A: to=<eve@example.net> relay=none, status=sent (ok)", 16, "recipient without an end"},
		{short + "delay=1", 45, "record without status="},
		{short + "Delay=1, status=sent (ok)", 45, "record without status="},
		{short + "status=sen", 54, "unknown status"},
		{short + "status=expired (no such record)", 54, "unknown status"},
		{short + "status=", 54, "unknown status"},
		{short + "status=sent, 250 ok", 54, "unknown status"},
		{short + "status=sent 250 ok", 58, "status without a text in parentheses"},
	} {
		before := []parsers.Event{{Kind: parsers.Named, QueueID: "ABCDEF"}}
		got, err := mustOpen(t, parsers.Options{}).AppendEvents(before, &parsers.Line{Tag: "postfix/smtp", Text: test.text})
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != test.column || bad.Msg != test.msg {
			t.Errorf("%q: %v, want column %d: %s", test.text, err, test.column, test.msg)
		}
		if d := cmp.Diff(before, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
			t.Errorf("%q: %s", test.text, d)
		}
	}
}

// TestTruncated cuts a record at every byte: either it is an error, or what is left of it is right.
func TestTruncated(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	whole, err := p.AppendEvents(nil, &parsers.Line{Tag: "postfix/smtp", Text: said})
	if err != nil {
		t.Fatal(err)
	}
	want := whole[0].Attempt
	readable := strings.Index(said, "SOFTBOUNCE") + len("SOFTBOUNCE")
	for n := len("9F2C41D07A: to="); n < len(said); n++ {
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "postfix/smtp", Text: said[:n]})
		if (err == nil) != (n >= readable) {
			t.Fatalf("%q: %v", said[:n], err)
		}
		if err != nil {
			continue
		}
		a := evs[0].Attempt
		if a.Recipient != want.Recipient || a.Status != want.Status || a.DSN != want.DSN || !strings.HasPrefix(want.Diagnostic, strings.TrimSuffix(a.Diagnostic, ")")) {
			t.Errorf("%q: %+v", said[:n], a)
		}
		if a.Reply.Code != 0 && a.Reply.Code != 552 || a.Truncated == strings.HasSuffix(said[:n], ")") {
			t.Errorf("%q: %+v", said[:n], a)
		}
	}
}

func TestKind(t *testing.T) {
	p := mustOpen(t, parsers.Options{
		InternalRelays: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28"), netip.MustParsePrefix("2001:db8:1::/48")},
		InternalHosts:  []string{"out.example.com"},
	})
	for _, test := range []struct {
		tag, relay, text string
		want             parsers.AttemptKind
	}{
		{"postfix/smtp", "mx.example.net[192.0.2.25]:25", "250 ok", parsers.Remote},
		{"postfix/smtp", "mx.example.net[192.0.2.25]:25", "250 from MTA(smtp:[127.0.0.1]:10025): 250 ok", parsers.Remote},
		{"postfix/smtp", "av.example.com[172.20.0.3]:25", "250 from MTA(smtp:[127.0.0.1]:10025): 250 ok", parsers.Internal},
		{"postfix/smtp", "av.example.com[172.200.0.3]:25", "250 from MTA(smtp:[127.0.0.1]:10025): 250 ok", parsers.Remote},
		{"postfix/smtp", "gw.example.com[10.0.0.3]:25", "250 ok", parsers.Remote},
		{"postfix/smtp", "mx.example.net[203.0.113.7]:25", "250 ok", parsers.Internal},
		{"postfix/smtp", "mx.example.net[203.0.113.17]:25", "250 ok", parsers.Remote},
		{"postfix/smtp", "mx.example.net[2001:db8:1::7]:25", "250 ok", parsers.Internal},
		{"postfix/smtp", "Out.Example.COM[192.0.2.25]:25", "250 ok", parsers.Internal},
		{"postfix/smtp", "127.0.0.1[127.0.0.1]:2525", "250 ok", parsers.Internal},
		{"postfix/smtp", "localhost[::1]:2525", "250 ok", parsers.Internal},
		{"postfix/lmtp", "localhost[127.0.0.1]:24", "250 ok", parsers.Local},
		{"postfix/smtp", "localhost[127.0.0.1]:24", "250 ok", parsers.Internal},
		{"postfix/smtp", "av.example.com[192.0.2.3]:10022", "250 ok", parsers.Remote},
		{"postfix/smtp", "av.example.com[192.0.2.3]:10023", "250 ok", parsers.Internal},
		{"postfix/smtp", "av.example.com[192.0.2.3]:10030", "250 ok", parsers.Internal},
		{"postfix/smtp", "av.example.com[192.0.2.3]:10031", "250 ok", parsers.Remote},
		{"postfix/lmtp", "mx1.example.com[private/dovecot-lmtp]", "250 ok", parsers.Local},
		{"postfix/lmtp", "mx1.example.com[/run/filter/in]", "250 ok", parsers.Internal},
		{"postfix/smtp-amavis/smtp", "mx.example.net[192.0.2.25]:25", "250 ok", parsers.Internal},
		{"postfix-filter/smtp", "mx.example.net[192.0.2.25]:25", "250 ok", parsers.Internal},
		{"postfix-scandinavia/smtp", "mx.example.net[192.0.2.25]:25", "250 ok", parsers.Remote},
		{"postfix/local", "local", "delivered to mailbox", parsers.Local},
		{"postfix/pipe", "spamassassin", "delivered via spamassassin service", parsers.Internal},
		{"postfix/pipe", "maildrop", "delivered via maildrop service", parsers.Local},
	} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Tag: test.tag, Text: "9F2C41D07A: to=<eve@example.net>, relay=" + test.relay + ", delay=1, dsn=2.0.0, status=sent (" + test.text + ")"})
		if err != nil || len(evs) == 0 || evs[0].Attempt.Kind != test.want {
			t.Errorf("%s %s (%s): %v %v, want %v", test.tag, test.relay, test.text, evs, err, test.want)
		}
	}
}

func TestQueueID(t *testing.T) {
	for s, want := range map[string]string{
		"4B1C2D3E4F5: x": "4B1C2D3E4F5", "ABCDEF: x": "ABCDEF", "3mPVKl0Mhjz7sXv: x": "3mPVKl0Mhjz7sXv", "7E1AEC2C388XXXX: x": "7E1AEC2C388XXXX", "12345: ": "12345",
		"1234: x": "", "NOQUEUE: x": "", "warning: x": "", "TLSRPT: x": "", "statistics: x": "", "mx1.example.com: x": "", "4B1C2D3E4F5:x": "", "4B1C2D3E4F5:": "", "4B1C2D3E4F5": "", "": "",
	} {
		if id, rest := cutQueueID(s); id != want || want == "" && rest != s || want != "" && id+": "+rest != s {
			t.Errorf("%q: %q, %q", s, id, rest)
		}
	}
}

// TestProvenTime dates stamps without year by the arrival that a long queue id holds: 3mPVKl0Mhjz7sXv is
// 2015-07-05 12:52:11 UTC, 3mYwbp0000z1 2015-12-31 23:30:00 UTC.
func TestProvenTime(t *testing.T) {
	at := func(s string) parsers.Stamp {
		t.Helper()
		if s == "" {
			return 0
		}
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsers.StampOf(v)
	}
	eve := longID(at("2015-12-31 23:30:00"))
	leap := longID(at("2016-02-28 12:00:00"))
	p := &parser{location: time.UTC}
	for _, test := range []struct{ id, line, want string }{
		{"3mPVKl0Mhjz7sXv", "2026-07-05 12:52:12", "2015-07-05 12:52:12"},
		{"3mPVKl0Mhjz7sXv", "2026-07-11 12:52:10", "2015-07-11 12:52:10"},
		{"3mPVKl0Mhjz7sXv", "2026-07-11 12:52:12", ""}, // held for long: no proof
		{"3mPVKl0Mhjz7sXv", "2026-07-05 06:52:12", "2015-07-05 06:52:12"},
		{"3mPVKl0Mhjz7sXv", "2026-07-03 06:52:12", ""},
		{"3mPVKl0Mhjz7sXv", "2015-07-05 12:52:12", ""},
		{eve, "2026-01-02 00:00:00", "2016-01-02 00:00:00"},
		{eve, "2026-12-31 23:31:00", "2015-12-31 23:31:00"},
		{leap, "2024-02-29 08:00:00", "2016-02-29 08:00:00"},
		{"4B1C2D3E4F5", "2026-07-05 12:52:12", ""},
		{"3mPVKl0Mhjz7z", "2026-07-05 12:52:12", ""},
		{"3mPVKlAMhjz7s", "2026-07-05 12:52:12", ""},
	} {
		if got := p.provenTime(at(test.line), test.id); got != at(test.want) {
			t.Errorf("%s at %s: %v, want %s", test.id, test.line, got, test.want)
		}
	}
	evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "postfix/qmgr", Text: "3mPVKl0Mhjz7sXv: removed", Time: at("2026-07-05 12:52:12")})
	if err != nil || len(evs) != 1 || evs[0].Time != 0 {
		t.Errorf("a year that stands in the header was replaced: %v %v", evs, err)
	}
}

// longID returns a queue id of that arrival.
func longID(at parsers.Stamp) string {
	var id [10]byte
	seconds := int64(at) / 1e6
	for i := range id {
		id[i] = '0'
	}
	for i := 5; i >= 0; i-- {
		id[i] = alphabet52[seconds%52]
		seconds /= 52
	}
	return string(id[:]) + "z1"
}

func TestSniff(t *testing.T) {
	line := func(tag, text string) parsers.Line { return parsers.Line{Tag: tag, Text: text} }
	record := "9F2C41D07A: to=<eve@example.net>, relay=none, delay=1, dsn=5.4.4, status=bounced (Domain example.net does not accept mail (nullMX))"
	for _, test := range []struct {
		name   string
		lines  []parsers.Line
		atMost parsers.Score
		least  parsers.Score
	}{
		{"nothing", nil, 0, 0},
		{"postfix", []parsers.Line{line("postfix/smtpd", "connect from localhost[127.0.0.1]")}, 100, 100},
		{"half", []parsers.Line{line("postfix/smtpd", "connect"), line("dovecot", "imap-login: Login")}, 75, 75},
		{"another syslog_name", []parsers.Line{line("mta-bulk/smtp", record)}, 100, 100},
		{"no header", []parsers.Line{line("", record)}, 100, 100},
		{"sendmail", []parsers.Line{line("sendmail", "s1A: to=<eve@example.net>, delay=00:00:01, relay=mx.example.net. [192.0.2.1], dsn=2.0.0, stat=Sent")}, 0, 0},
		{"sendmail without header", []parsers.Line{line("", "w0B1C2D3004567: to=<eve@example.net>, delay=00:00:01, relay=mx.example.net. [192.0.2.1], dsn=2.0.0, stat=Sent")}, 0, 0},
		{"prose", []parsers.Line{line("", "removed 3 files"), line("cron", "error")}, 0, 0},
	} {
		if got := Format().Sniff(parsers.Sample{Lines: test.lines}); got < test.least || got > test.atMost {
			t.Errorf("%s: %d", test.name, got)
		}
	}
}

func TestTags(t *testing.T) {
	tags := Format().Tags
	seen := map[string]bool{}
	for _, tag := range tags {
		if seen[tag] || tag != "postfix" && !strings.HasPrefix(tag, "/") {
			t.Errorf("tag %q", tag)
		}
		seen[tag] = true
	}
	for _, program := range []string{"smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", "qmgr", "nqmgr", "oqmgr", "cleanup", "smtpd", "postscreen", "pickup", "bounce", "postsuper"} {
		if !seen["/"+program] || shapes(program) == 0 {
			t.Errorf("%s: claimed %v, read %v", program, seen["/"+program], shapes(program) != 0)
		}
	}
}

// quote writes a local part as Postfix logs it (Postfix: global/quote_822_local.c), after it replaced what does not print
// (Postfix: util/printable.c).
func quote(local string) string {
	local = printable(local)
	if local != "" && !strings.ContainsAny(local, " ()<>@,;:\\\"[]") && local[0] != '.' && local[len(local)-1] != '.' && !strings.Contains(local, "..") {
		return local
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
}

func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// A line that is not Postfix's is left to others.
func TestForeign(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	for tag, text := range map[string]string{
		"otherd/frontend": "9F2C41D07A: to=<eve@example.net>, relay=none, delay=0, dsn=2.0.0, status=sent (250 ok)",
		"dovecot":         "imap-login: Login: user=<ann@example.com>",
		"":                "nothing that Postfix writes",
	} {
		if got, err := p.AppendEvents(nil, &parsers.Line{Tag: tag, Text: text}); err != parsers.ErrForeign || len(got) > 0 {
			t.Errorf("%s: %s: got %v, %v, want %v", tag, text, got, err, parsers.ErrForeign)
		}
	}
}

func FuzzAppendEvents(f *testing.F) {
	for _, name := range []string{"shapes.log", "soft.log"} {
		lines, _ := readLog(f, name)
		for i, line := range lines {
			if name == "shapes.log" || i%10 == 0 {
				f.Add(line.Tag, line.Text, "250 2.0.0 ok", "eve")
			}
		}
	}
	for _, local := range []string{``, `a b`, `x>, relay=none, delay=0, dsn=5.0.0, status=bounced (550 forged`, `"`, `\`, `\"@x>, relay=`, `a..b`, `@r:"`} {
		f.Add("postfix/smtp", "", "550 5.1.1 x), relay=none, dsn=2.0.0, status=sent (250 ok", local)
		f.Add("postfix/smtp", "", `450 host a[192.0.2.1] said: 550 no (in reply to RCPT TO command)`, local)
	}
	p := mustOpen(f, parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, InternalHosts: []string{"out.example.com"}})
	before := parsers.Event{Kind: parsers.Named, QueueID: "ABCDEF", Attempt: parsers.Attempt{Recipient: "kept"}}
	f.Fuzz(func(t *testing.T, tag, text, reply, local string) {
		// Any line: nothing is made up, and what was there stays.
		line := parsers.Line{Tag: tag, Text: text, Time: 1795169280e6, YearGuessed: true}
		evs, err := p.AppendEvents([]parsers.Event{before}, &line)
		if evs[0] != before {
			t.Fatalf("%q: the first event is now %+v", text, evs[0])
		}
		var bad *parsers.SyntaxError
		if err != nil && err != parsers.ErrForeign && (!errors.As(err, &bad) || bad.Column < 1 || bad.Column > len(text)+1 || bad.Msg == "" || len(evs) != 1) {
			t.Fatalf("%q: %v, %d events", text, err, len(evs))
		}
		for _, ev := range evs[1:] {
			checkStrings(t, line, ev)
		}

		// A record as Postfix would write it around a hostile recipient and a hostile answer.
		rcpt := quote(local) + "@example.net"
		answer := strings.TrimSpace(printable(reply))
		diagnostic := "host mx.example.net[192.0.2.25] said: " + answer + " (in reply to RCPT TO command)"
		record := func(status, diagnostic string) parsers.Attempt {
			text := fmt.Sprintf("4B1C2D3E4F5: to=<%s>, orig_to=<%s>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0.5/0.5, dsn=5.1.1, status=%s (%s)", rcpt, rcpt, status, diagnostic)
			evs, err := p.AppendEvents(nil, &parsers.Line{Tag: "postfix/smtp", Text: text})
			if err != nil || len(evs) != 1 {
				t.Fatalf("%q: %v, %d events", text, err, len(evs))
			}
			a := evs[0].Attempt
			if a.Recipient != rcpt || a.OriginalRecipient != rcpt || a.Diagnostic != diagnostic || a.Truncated || a.NotAttempted ||
				a.RelayHost != "mx.example.net" || a.RelayIP != "192.0.2.25" || a.RelayPort != 25 || a.DSN != (parsers.EnhancedCode{5, 1, 1}) || a.Status.String() != status {
				t.Fatalf("%q: %+v", text, a)
			}
			return a
		}
		if a := record("bounced", diagnostic); a.Reply.Text != answer || a.Command != parsers.RCPTTO {
			t.Fatalf("%q: reply %q, command %v", diagnostic, a.Reply.Text, a.Command)
		}
		if a := record("sent", "250 "+answer); a.Reply.Code != 250 || a.Reply.Text != "250 "+answer || a.Command != parsers.NoCommand {
			t.Fatalf("%q: reply %+v, command %v", answer, a.Reply, a.Command)
		}
	})
}

// checkStrings checks that every string of ev is part of the line, or a word of the package's own.
func checkStrings(t *testing.T, line parsers.Line, ev parsers.Event) {
	t.Helper()
	a := &ev.Attempt
	for _, s := range []string{ev.Instance, ev.Process} {
		if !strings.Contains(line.Tag, s) {
			t.Errorf("%q: %q is not of the tag", line.Tag, s)
		}
	}
	if ev.Sender == parsers.NullSender {
		ev.Sender = ""
	}
	for _, s := range []string{
		ev.Host, ev.QueueID, ev.Sender, ev.MessageID, ev.NextID, a.Recipient, a.OriginalRecipient, a.RelayHost, a.RelayIP, a.MTAStatus,
		a.Reply.Text, a.Diagnostic, a.Job, a.SourceIP,
	} {
		if !strings.Contains(line.Text, s) {
			t.Errorf("%q: %q is not of the line", line.Text, s)
		}
	}
}
