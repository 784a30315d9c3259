package exim

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

func mustOpen(t testing.TB, o parsers.Options) parsers.Parser {
	t.Helper()
	p, err := Format().Open(parsers.Sample{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stamp is what lines of the tests begin with, and at is its time.
const stamp = "2026-11-20 10:08:00 "

var at = parsers.StampOf(time.Date(2026, 11, 20, 10, 8, 0, 0, time.UTC))

const (
	id = "1vLx7A-00000001AbC-2dEf"
	mx = "R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.25]"
)

// bare returns a line of a main log.
func bare(text string) *parsers.Line { return &parsers.Line{Raw: text, Text: text} }

// failed is a failure with every field.
const failed = stamp + id + " ** eve@example.net <list@example.com> F=<ann@example.com> P=<srs@example.com> " + mx + ":25* I=[198.51.100.1]:40012 " +
	`PS=es X=TLS1.3:x:256 CV=yes DN="C=US,O=A: B,CN=mx" : SMTP error from remote mail server after pipelined RCPT TO:<eve@example.net>: ` +
	`552-5.2.2 Over quota\n552 5.2.2 (in 550 words) DT=1.5s`

func TestAppendEvents(t *testing.T) {
	ms := parsers.Milliseconds
	event := func(kind parsers.Kind, a parsers.Attempt) parsers.Event {
		return parsers.Event{Kind: kind, Time: at, QueueID: id, Attempt: a}
	}
	transported := func(a parsers.Attempt) parsers.Event {
		ev := event(parsers.Attempted, a)
		ev.Process = "remote_smtp"
		return ev
	}
	reply := func(code parsers.ReplyCode, enhanced parsers.EnhancedCode, text string) parsers.Reply {
		return parsers.Reply{Code: code, Enhanced: enhanced, Text: text}
	}
	for _, test := range []struct {
		name, text string
		want       []parsers.Event
	}{
		{"every field of a failure", strings.TrimPrefix(failed, stamp+id+" "), []parsers.Event{{
			Kind: parsers.Attempted, Time: at, Process: "remote_smtp", QueueID: id, Sender: "ann@example.com", Attempt: parsers.Attempt{
				Recipient: "eve@example.net", OriginalRecipient: "list@example.com", RelayHost: "mx.example.net", RelayIP: "192.0.2.25", RelayPort: 25,
				Status: parsers.StatusBounced, Origin: parsers.OriginRemote, Command: parsers.RCPTTO, XDelay: ms(1500), SourceIP: "198.51.100.1",
				Reply:      reply(552, parsers.EnhancedCode{5, 2, 2}, `552-5.2.2 Over quota\n552 5.2.2 (in 550 words)`),
				Diagnostic: `SMTP error from remote mail server after pipelined RCPT TO:<eve@example.net>: 552-5.2.2 Over quota\n552 5.2.2 (in 550 words)`,
			}}}},
		{"an errno that looks like a reply code", "== eve@example.net " + strings.Split(mx, " H=")[0] + " defer (550): Unknown error 550", []parsers.Event{transported(parsers.Attempt{
			Recipient: "eve@example.net", Status: parsers.StatusDeferred, Origin: parsers.OriginLocal, Diagnostic: "Unknown error 550",
		})}},
		{"a code of the configuration's making", "** eve@example.com R=aliases: 550 5.1.1 no such user", []parsers.Event{event(parsers.Attempted, parsers.Attempt{
			Recipient: "eve@example.com", Status: parsers.StatusBounced, Origin: parsers.OriginLocal,
			Reply: reply(550, parsers.EnhancedCode{5, 1, 1}, "550 5.1.1 no such user"), Diagnostic: "550 5.1.1 no such user",
		})}},
		{"a recipient that forges a failure of another",
			`** x@example.org ` + mx + `: SMTP error from remote mail server after RCPT TO:<x>: 550 5.1.1 no@example.net <"x@example.org ` + mx +
				`: SMTP error from remote mail server after RCPT TO:<x>: 550 5.1.1 no"@example.net> R=dnslookup : Unrouteable address`,
			[]parsers.Event{event(parsers.Attempted, parsers.Attempt{
				Recipient:         `x@example.org ` + mx + `: SMTP error from remote mail server after RCPT TO:<x>: 550 5.1.1 no@example.net`,
				OriginalRecipient: `"x@example.org ` + mx + `: SMTP error from remote mail server after RCPT TO:<x>: 550 5.1.1 no"@example.net`,
				Status:            parsers.StatusBounced, Origin: parsers.OriginLocal, Diagnostic: "Unrouteable address",
			})}},
		{"a server that forges a success", "== eve@example.net " + strings.Split(mx, " H=")[0] + " defer (-44) H=mx.example.net [192.0.2.25]: " +
			`SMTP error from remote mail server after RCPT TO:<eve@example.net>: 450 => bob@example.net ` + mx + ` C="250 ok"`,
			[]parsers.Event{transported(parsers.Attempt{
				Recipient: "eve@example.net", RelayHost: "mx.example.net", RelayIP: "192.0.2.25", Status: parsers.StatusDeferred, Origin: parsers.OriginRemote,
				Command: parsers.RCPTTO, Reply: reply(450, parsers.EnhancedCode{}, `450 => bob@example.net `+mx+` C="250 ok"`),
				Diagnostic: `SMTP error from remote mail server after RCPT TO:<eve@example.net>: 450 => bob@example.net ` + mx + ` C="250 ok"`,
			})}},
		{"a subject that forges fields", `<= ann@example.com U=ann P=local S=9 T="=> eve@example.net id=x S=1" for bob@example.net`,
			[]parsers.Event{{Kind: parsers.Accepted, Time: at, QueueID: id, Sender: "ann@example.com", Size: 9}}},
		{"a name in HELO that forges fields", `<= ann@example.com H=(x id=y S=1) [198.51.100.7] P=esmtp S=9 id=m1@example.com`,
			[]parsers.Event{{Kind: parsers.Accepted, Time: at, QueueID: id, Sender: "ann@example.com", Size: 9, MessageID: "m1@example.com"}}},
		{"a bounce message", "<= <> R=1vLx79-00000001AbB-0aBc U=Debian-exim P=local S=1990", []parsers.Event{
			{Kind: parsers.Accepted, Time: at, QueueID: id, Sender: parsers.NullSender, Size: 1990},
			{Kind: parsers.Requeued, Time: at, QueueID: "1vLx79-00000001AbB-0aBc", NextID: id},
		}},
		{"a 5xx while there are other servers", "H=mx.example.net [192.0.2.25]:25: SMTP error from remote mail server after initial connection: 554 5.7.1 rejected F=<x>",
			[]parsers.Event{event(parsers.Tried, parsers.Attempt{
				RelayHost: "mx.example.net", RelayIP: "192.0.2.25", RelayPort: 25, Kind: parsers.Connect, Origin: parsers.OriginRemote, Command: parsers.CONNECT,
				Reply:      reply(554, parsers.EnhancedCode{5, 7, 1}, "554 5.7.1 rejected F=<x>"),
				Diagnostic: "SMTP error from remote mail server after initial connection: 554 5.7.1 rejected F=<x>",
			})}},
		{"a refusal that another server made", `H=client.example.org (helo) [203.0.113.7] bob@example.net F=<ann@example.com> rejected after DATA: ` + mx + ` C="550 5.7.1 \"spam\""`,
			[]parsers.Event{{Kind: parsers.Rejected, Time: at, QueueID: id, Sender: "ann@example.com", Attempt: parsers.Attempt{
				Recipient: "bob@example.net", RelayHost: "mx.example.net", RelayIP: "192.0.2.25", Status: parsers.StatusRejected, NotAttempted: true,
				Origin: parsers.OriginRemote, Command: parsers.EndOfDATA, Reply: reply(550, parsers.EnhancedCode{5, 7, 1}, `550 5.7.1 \"spam\"`), Diagnostic: `550 5.7.1 \"spam\"`,
			}}}},
		{"a thing thrown away", "=> /dev/null <void@example.com> R=system_aliases T=**bypassed**", nil},
		{"a delivery that was not made", `*> eve@example.net ` + mx + ` C="delivery bypassed by -N option"`, nil},
		{"a callout", "H=client.example.org [203.0.113.7] sender verify fail for <x@example.org>: mx.example.org [203.0.113.9] : SMTP error from remote mail server after RCPT TO:<x@example.org>: 550 5.1.1 no", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := mustOpen(t, parsers.Options{}).AppendEvents(nil, bare(stamp+id+" "+test.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{}), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestBadLines holds lines that should be records. What was in dst must be there still, and nothing more.
func TestBadLines(t *testing.T) {
	const head = stamp + id + " "
	for _, test := range []struct {
		text   string
		column int
		msg    string
	}{
		{"=> eve@example.net <eve", 4, "recipient without an end"},
		{`** "eve@example.net: x`, 4, "recipient without an end"},
		{"== |/bin/false x", 4, "recipient without an end"},
		{"== eve@example.net R=x", 23, "deferral without a reason"},
		{"== eve@example.net R=x defer (-44: x", 23, "deferral without a reason"},
		{"== eve@example.net R=x delayed", 23, "deferral without a reason"},
		{"** eve@example.net what happened", 19, "failure without a reason"},
		{"** eve@example.net F=<ann@example.com R=x: no", 19, "failure without a reason"},
		{"** x" + strings.Repeat(" <", maxRecord/2), 1, "longer than any line of Exim's"},
	} {
		before := []parsers.Event{{Kind: parsers.Named, QueueID: "ABCDEF"}}
		got, err := mustOpen(t, parsers.Options{}).AppendEvents(before, bare(head+test.text))
		var bad *parsers.SyntaxError
		if !errors.As(err, &bad) || bad.Column != len(head)+test.column || bad.Msg != test.msg {
			t.Errorf("%q: %v, want column %d: %s", test.text, err, len(head)+test.column, test.msg)
		}
		if d := cmp.Diff(before, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
			t.Errorf("%q: %s", test.text, d)
		}
	}
}

// TestTruncated cuts a record at every byte: what is left of it is right, or nothing.
func TestTruncated(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	for n := range len(failed) {
		evs, err := p.AppendEvents(nil, bare(failed[:n]))
		if err != nil || len(evs) == 0 {
			continue
		}
		a := &evs[0].Attempt
		if !strings.HasPrefix("eve@example.net", a.Recipient) || !strings.HasPrefix("list@example.com", a.OriginalRecipient) ||
			a.Status != parsers.StatusBounced || a.Reply.Code != 0 && a.Reply.Code != 552 || !strings.Contains(failed, a.Diagnostic) {
			t.Errorf("%q: %+v", failed[:n], a)
		}
	}
}

// TestWhoWroteIt holds lines that are Exim's whatever they say, and lines that never are.
func TestWhoWroteIt(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	syslog := func(tag, text string) *parsers.Line {
		return &parsers.Line{Raw: "Nov 20 10:08:00 mx1 " + tag + "[1]: " + text, Text: text, Tag: tag, Host: "mx1", Time: at}
	}
	for _, test := range []struct {
		line    *parsers.Line
		foreign bool
	}{
		{bare(stamp + "Nov 20 10:08:00 mx1 postfix/smtp[1]: 9F2C41D07A: to=<x@example.net>"), false},
		{bare(stamp + "mx1 postfix/smtp[1]: 9F2C41D07A: to=<x@example.net>, relay=none, delay=1, status=sent (ok)"), false},
		{bare("535 5.7.8 not accepted"), false},
		{bare("Envelope-from: <x@example.org>"), false},
		{bare(""), false},
		{bare("Nov 20 10:08:00 mx1 exim[1]: " + stamp + id + " Completed"), true},
		{bare("2026-11-20T10:08:00+01:00 mx1 exim[1]: " + stamp + id + " Completed"), true},
		{bare("<22>Nov 20 10:08:00 mx1 exim[1]: " + id + " Completed"), true},
		{syslog("exim", "whatever"), false},
		{syslog("exim4", "whatever"), false},
		{syslog("mta-out", stamp+"whatever"), false},
		{syslog("mta-out", id+" whatever"), false},
		{syslog("mta-out", "whatever"), true},
	} {
		evs, err := p.AppendEvents(nil, test.line)
		if foreign := errors.Is(err, parsers.ErrForeign); len(evs) > 0 || foreign != test.foreign || err != nil && !foreign {
			t.Errorf("%q: %v, %v", test.line.Raw, evs, err)
		}
	}
}

func TestStamp(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	p := mustOpen(t, parsers.Options{Location: berlin})
	for _, test := range []struct{ stamp, want string }{
		{"2026-11-20 10:08:00", "2026-11-20T09:08:00Z"},
		{"2026-07-20 10:08:00.123 [4242]", "2026-07-20T08:08:00.123Z"},
		{"2026-07-20 10:08:00 -0730", "2026-07-20T17:38:00Z"},
		{"2026-07-20 10:08:00.123 +0000 [4242]", "2026-07-20T10:08:00.123Z"},
		{"2026-13-20 10:08:00", ""},
		{"2026-07-20T10:08:00", ""},
		{"Jul 20 10:08:00", ""},
		{"[4242]", ""},
	} {
		evs, _ := p.AppendEvents(nil, bare(test.stamp+" "+id+" Completed"))
		got := ""
		if len(evs) == 1 {
			got = evs[0].Time.String()
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.stamp, got, test.want)
		}
	}
}

func TestID(t *testing.T) {
	for s, want := range map[string]string{
		"1vLx7A-0001AB-2d x": "1vLx7A-0001AB-2d", "1vLx7A-00000001AbC-2dEf x": "1vLx7A-00000001AbC-2dEf",
		"1vLx7A-0001AB-2d": "", "1vLx7A-0001AB-2dE x": "", "1vLx7A-00000001AbC-2dE x": "", "1vLx7A-0001-B-2d x": "", "1vLx7A-0001AB_2d x": "", "no message here ": "", "": "",
	} {
		if id, rest := cutID(s); id != want || id == "" && rest != s || id != "" && id+" "+rest != s {
			t.Errorf("%q: %q, %q", s, id, rest)
		}
	}
}

func TestKind(t *testing.T) {
	p := mustOpen(t, parsers.Options{
		InternalRelays: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")},
		InternalHosts:  []string{"out.example.com"},
	})
	for _, test := range []struct {
		text string
		want parsers.AttemptKind
	}{
		{"=> eve@example.net " + mx, parsers.Remote},
		{"=> eve@example.net R=x T=x H=out.example.com [192.0.2.9]", parsers.Internal},
		{"=> eve@example.net R=x T=x H=mx.example.net [203.0.113.7]", parsers.Internal},
		{"=> eve@example.net R=x T=x H=mx.example.net [203.0.113.17]", parsers.Remote},
		{"=> eve@example.net R=x T=remote_smtp H=localhost [::1]:2525", parsers.Internal},
		{"=> eve@example.net R=x T=dovecot_lmtp H=localhost [127.0.0.1]:24", parsers.Local},
		{"=> eve@example.net R=x T=remote_smtp H=av.example.com [192.0.2.9]:10024", parsers.Internal},
		{"=> eve@example.net R=x T=remote_smtp H=mx.example.net [192.0.2.9]:587", parsers.Remote},
		{"=> eve@example.net R=amavis T=amavis H=av.example.com [192.0.2.9]", parsers.Internal},
		{"=> eve <eve@example.net> R=x T=spamcheck", parsers.Internal},
		{"=> eve <eve@example.net> R=x T=mail_spool", parsers.Local},
		{"=> eve@example.net R=x T=remote_smtp H=mx.example.net", parsers.Local},
		{"=> eve@example.net R=send_to_smarthost T=remote_smtp H=relay.example.com [192.0.2.9]", parsers.Smarthost},
		{"== eve@example.net R=smarthost T=remote_smtp_smarthost defer (111): Connection refused", parsers.Smarthost},
		{"== eve@example.net R=x T=gw defer (111): Connection refused", parsers.Remote},
		{"== eve@example.net R=x T=gw defer (-54): retry time not reached for any host", parsers.Remote},
		{"== eve@example.net R=x T=gw defer (-1): host lookup for gw.example.net did not complete (DNS timeout?)", parsers.Remote},
		{"** eve@example.net R=x T=gw : failed to lookup IP address for gw.example.net", parsers.Remote},
		{"== eve@example.net R=x T=spool defer (-22): mailbox is full", parsers.Local},
		{"== |/bin/false <eve@example.net> R=x defer (-30): pipe_transport unset in x router", parsers.Local},
		{"== eve@example.net R=x defer (-1): host lookup did not complete", parsers.Remote},
		{"** eve@example.net: Unrouteable address", parsers.Remote},
		{"** eve@example.net R=x T=procmail: Child process of procmail transport returned 127", parsers.Local},
	} {
		evs, err := p.AppendEvents(nil, bare(stamp+id+" "+test.text))
		if err != nil || len(evs) != 1 || evs[0].Attempt.Kind != test.want {
			t.Errorf("%s: %v %v, want %v", test.text, evs, err, test.want)
		}
	}
}

// TestCommand holds what broke off a dialogue, and at which command.
func TestCommand(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	const server = " H=mx.example.net [192.0.2.25]"
	for _, test := range []struct {
		text string
		want parsers.Command
	}{
		{"defer (111): Connection refused", parsers.CONNECT},
		{"defer (104): Connection reset by peer" + server + ": mx.example.net [192.0.2.25]", parsers.NoCommand},
		{"defer (110): Connection timed out" + server + ": SMTP timeout after pipelined end of data (550 bytes written)", parsers.EndOfDATA},
		{"defer (110): Connection timed out: SMTP timeout while connected to mx.example.net [192.0.2.25] after RCPT TO:<x>", parsers.RCPTTO},
		{"defer (-18)" + server + ": Remote host closed connection in response to HELO x (EHLO response was: 550 no)", parsers.HELO},
		{"defer (-18): Remote host mx.example.net [192.0.2.25] closed connection in response to initial connection", parsers.CONNECT},
		{"defer (-19)" + server + ": Malformed SMTP reply in response to pipelined MAIL FROM:<x>: 550x", parsers.MAILFROM},
		{"defer (-19)" + server + ": Malformed SMTP reply (an empty line) in response to RCPT TO:<x>", parsers.RCPTTO},
		{"defer (-19): Malformed SMTP reply from mx.example.net [192.0.2.25] in response to DATA: 354x", parsers.DATA},
		{"defer (-19): Malformed SMTP reply (an empty line) from mx.example.net [192.0.2.25] in response to EHLO x", parsers.EHLO},
		{"defer (-19): Malformed LMTP response after RCPT TO:<x>: 550x", parsers.RCPTTO},
		{"defer (-37)" + server + ": TLS session: (SSL_connect): error:0A000126:SSL routines::unexpected eof", parsers.STARTTLS},
		{"defer (-37)" + server + ": bad first read from TLS conn", parsers.STARTTLS},
		{"defer (-42): authentication required but authentication attempt(s) failed", parsers.AUTH},
		{"defer (111): Connection refused: Failed to connect to socket /run/lmtp for y transport: Connection refused", parsers.CONNECT},
	} {
		evs, err := p.AppendEvents(nil, bare(stamp+id+" == eve@example.net R=x T=y "+test.text))
		if err != nil || len(evs) != 1 || evs[0].Attempt.Command != test.want || evs[0].Attempt.Reply.Code != 0 {
			t.Errorf("%s: %v %v, want %v", test.text, evs, err, test.want)
		}
	}
}

func TestFold(t *testing.T) {
	line := func(text string) *parsers.Line { return &parsers.Line{Raw: "x " + text, Text: text, Tag: "exim"} }
	full := strings.Repeat("x", maxPiece)
	for _, test := range []struct {
		line *parsers.Line
		want parsers.Fold
	}{
		{line("[1/2] " + full), parsers.Fold{Piece: parsers.First, Key: "2", Text: full}},
		{line(`[2\3] y`), parsers.Fold{Piece: parsers.Middle, Key: "3", Text: "y", Break: true}},
		{line("[120/120] "), parsers.Fold{Piece: parsers.Last, Key: "120"}},
		{line("[1/2] " + full[1:]), parsers.Fold{Piece: parsers.First, Key: "2", Text: full[1:] + " "}},
		{line("[2/2] " + full[1:]), parsers.Fold{Piece: parsers.Last, Key: "2", Text: full[1:]}},
		{line("[4242] " + id + " Completed"), parsers.Fold{}},
		{line("[1/1] x"), parsers.Fold{}},
		{line("[3/2] x"), parsers.Fold{}},
		{line("[0/2] x"), parsers.Fold{}},
		{line("[1/2]x"), parsers.Fold{}},
		{line("[1/"), parsers.Fold{}},
		{line(""), parsers.Fold{}},
		{bare("[1/2] x"), parsers.Fold{}},
	} {
		if got := fold(test.line); got != test.want {
			t.Errorf("%.20q: %+v, want %+v", test.line.Text, got, test.want)
		}
	}
}

func TestSniff(t *testing.T) {
	tagged := parsertest.Sample(id + " => eve@example.net " + mx)
	tagged.Lines[0].Raw = "Nov 20 10:08:00 mx1 mta-out[1]: " + tagged.Lines[0].Text
	for _, test := range []struct {
		name          string
		sample        parsers.Sample
		least, atMost parsers.Score
	}{
		{"nothing", parsertest.Sample(), 0, 0},
		{"main log", parsertest.Sample(stamp+"cwd=/ 2 args: exim -bp", stamp+id+" Completed"), 100, 100},
		{"with continuation", parsertest.Sample(stamp+id+" Completed", " a line end"), 75, 75},
		{"reject log", parsertest.Sample(stamp + "H=x [203.0.113.7] F=<> rejected RCPT <a@example.com>: no"), 100, 100},
		{"failed logins", parsertest.Sample(stamp + "login authenticator failed for (User) [203.0.113.7]: 535 Incorrect authentication data"), 100, 100},
		{"behind a tag nobody claims", tagged, 100, 100},
		{"in syslog, raw", parsertest.Sample("Nov 20 10:08:00 mx1 exim[1]: " + stamp + id + " Completed"), 0, 0},
		{"msglog", parsertest.Sample(stamp+"Received from ann@example.com U=ann P=local S=5", stamp+"eve@example.net R=dnslookup T=remote_smtp: delivered"), 0, 0},
		{"another program's stamps", parsertest.Sample(stamp+"INFO started", stamp+"=> eve@example.net"), 0, 0},
		{"postfix", parsertest.Sample("Nov 20 10:08:00 mx1 postfix/qmgr[1]: 4B1C2D3E4F5: removed"), 0, 0},
	} {
		if got := Format().Sniff(test.sample); got < test.least || got > test.atMost {
			t.Errorf("%s: %d", test.name, got)
		}
	}
}

// TestLogs feeds the logs that repeat what the main log says.
func TestLogs(t *testing.T) {
	refused := stamp + "H=x [203.0.113.7] F=<> rejected RCPT <a@example.com>: no"
	panicked := stamp + id + " == eve@example.net R=x defer (-27): failed to expand"
	waiting := stamp + id + " == eve@example.net R=x T=y defer (-54): retry time not reached for any host"
	login := stamp + "login authenticator failed for (User) [203.0.113.7]: 535 Incorrect authentication data (set_id=ann)"
	many := func(line string, n int, more ...string) parsers.Sample {
		for range n {
			more = append(more, line)
		}
		return parsertest.Sample(more...)
	}
	for _, test := range []struct {
		name   string
		sample parsers.Sample
		line   string
		events int
	}{
		{"main log", parsertest.Sample(stamp+id+" Completed", refused, refused, refused), refused, 1},
		{"main log of refusals, with another line", many(refused, 9, stamp+"SMTP connection from [203.0.113.7] lost"), refused, 1},
		{"too little to tell", parsertest.Sample(refused), refused, 1},
		{"reject log", parsertest.Sample(refused, refused, refused, "Envelope-from: <x@example.org>", "P Received: from x"), refused, 0},
		{"reject log, but a delivery", parsertest.Sample(refused, refused, refused), stamp + id + " => eve@example.net " + mx, 1},
		{"panic log", many(panicked, 9, stamp+"Exim configuration error in line 12 of /etc/exim4/x:", "  text"), panicked, 0},
		{"too little to panic", parsertest.Sample(panicked), panicked, 1},
		{"main log with errors", many(panicked, 9, stamp+"Start queue run: pid=1"), panicked, 1},
		{"panic log, but a delivery", many(panicked, 9), stamp + id + " => eve@example.net " + mx, 1},
		{"main log that begins amid a queue run", many(waiting, 400), waiting, 1},
		{"main log of failed logins", many(login, 400), stamp + id + " => eve@example.net " + mx, 1},
		{"main log of failed logins and an error", many(login, 400, panicked), panicked, 1},
	} {
		p, err := Format().Open(test.sample, parsers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		evs, err := p.AppendEvents(nil, bare(test.line))
		if err != nil || len(evs) != test.events {
			t.Errorf("%s: %v, %v", test.name, evs, err)
		}
	}
}

// quote returns an address as the envelope has it, and as Exim writes it once it was taken apart (Exim: src/deliver.c,
// deliver_split_address): without quotes, in lower case.
func quote(local string) (original, final string) {
	original, final = local, strings.ToLower(local)
	if local == "" || strings.ContainsAny(local, " ()<>@,;:\\\"[]") || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		original = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	return original + "@example.net", final + "@example.net"
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

func FuzzAppendEvents(f *testing.F) {
	for _, r := range parsertest.Read(f, Format(), "shapes.log") {
		f.Add(r.Tag, r.Text, "250 2.0.0 ok", "eve")
	}
	for _, local := range []string{``, `a b`, `x> R=dnslookup T=remote_smtp: 550 forged`, `"`, `\`, `\"@x> R=x`, `a..b`, `|x`, `: x`, `a (b) <c`, `A`} {
		f.Add("", "", `550 5.1.1 x) => eve@example.net R=x T=y C="250 ok"`, local)
		f.Add("exim", "", `450-a\n450 b: retry timeout exceeded`, local)
	}
	p := mustOpen(f, parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, InternalHosts: []string{"out.example.com"}})
	before := parsers.Event{Kind: parsers.Named, QueueID: "ABCDEF", Attempt: parsers.Attempt{Recipient: "kept"}}
	f.Fuzz(func(t *testing.T, tag, text, answer, local string) {
		// Any line: nothing is made up, and what was there stays.
		line := parsers.Line{Raw: tag + text, Text: text, Tag: tag}
		fold(&line)
		for _, text := range []string{text, stamp + id + " " + text} {
			line.Text = text
			evs, err := p.AppendEvents([]parsers.Event{before}, &line)
			if evs[0] != before {
				t.Fatalf("%q: the first event is now %+v", text, evs[0])
			}
			var bad *parsers.SyntaxError
			if err != nil && (!errors.Is(err, parsers.ErrForeign) && !errors.As(err, &bad) || bad != nil && (bad.Column < 1 || bad.Column > len(text)+1 || bad.Msg == "") || len(evs) != 1) {
				t.Fatalf("%q: %v, %d events", text, err, len(evs))
			}
			for _, ev := range evs[1:] {
				checkStrings(t, text, ev)
			}
		}
		if len(local) > 200 || len(answer) > 500 {
			return
		}

		// A record as Exim would write it around a hostile recipient and a hostile answer.
		original, final := quote(printable(local))
		addresses := final
		if original != final {
			addresses += " <" + original + ">"
		} else {
			original = ""
		}
		answer = strings.TrimSpace(printable(answer))
		said := "SMTP error from remote mail server after RCPT TO:<" + strings.TrimSuffix(original, "@example.net") + "@example.net>: " + answer
		record := func(flag, fields string) parsers.Attempt {
			text := fmt.Sprintf("%s%s %s %s%s", stamp, id, flag, addresses, fields)
			evs, err := p.AppendEvents(nil, bare(text))
			if err != nil || len(evs) != 1 {
				t.Fatalf("%q: %v, %d events", text, err, len(evs))
			}
			a := evs[0].Attempt
			if a.Recipient != final || a.OriginalRecipient != original || a.RelayHost != "mx.example.net" || a.RelayIP != "192.0.2.25" {
				t.Fatalf("%q: %+v", text, a)
			}
			return a
		}
		for _, a := range []parsers.Attempt{
			record("**", " "+mx+" : "+said+" DT=1.5s"),
			record("==", " R=dnslookup T=remote_smtp defer (-44) H=mx.example.net [192.0.2.25] DT=1.5s: "+said),
		} {
			if a.Reply.Text != answer || a.Command != parsers.RCPTTO || a.Diagnostic != said || a.XDelay != parsers.Milliseconds(1500) {
				t.Fatalf("%q: %+v", said, a)
			}
		}
		confirmation := "250 " + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(answer)
		if a := record("=>", " "+mx+` C="`+confirmation+`" QT=2s`); a.Reply.Code != 250 || a.Reply.Text != confirmation || a.Delay != parsers.Milliseconds(2000) {
			t.Fatalf("%q: %+v", confirmation, a)
		}
	})
}

// checkStrings checks that every string of ev is part of the line.
func checkStrings(t *testing.T, text string, ev parsers.Event) {
	t.Helper()
	a := &ev.Attempt
	if ev.Sender == parsers.NullSender {
		ev.Sender = ""
	}
	for _, s := range []string{
		ev.Host, ev.QueueID, ev.Sender, ev.MessageID, ev.NextID, a.Recipient, a.OriginalRecipient, a.RelayHost, a.RelayIP, a.MTAStatus,
		a.Reply.Text, a.Diagnostic, a.Job, a.SourceIP,
	} {
		if !strings.Contains(text, s) {
			t.Errorf("%q: %q is not of the line", text, s)
		}
	}
}
