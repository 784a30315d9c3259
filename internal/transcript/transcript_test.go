package transcript

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
)

// parse reads one line of the tests' own log: `SESSION MARK TEXT`, the marks being those of Exchange, and `=` for Answered. A session `a@192.0.2.9`
// is one with that server.
func parse(t testing.TB, line string, at parsers.Stamp) parsers.Event {
	t.Helper()
	session, rest, _ := strings.Cut(line, " ")
	mark, text, _ := strings.Cut(rest, " ")
	session, ip, found := strings.Cut(session, "@")
	if !found {
		ip = "192.0.2.10"
	}
	ev := parsers.Event{Kind: parsers.Part, Time: at, QueueID: session, Text: text}
	ev.Attempt.RelayIP, ev.Attempt.RelayPort, ev.Attempt.SourceIP = ip, 25, "203.0.113.1"
	switch mark {
	case "+":
		ev.Part = Connected
	case "*":
		ev.Part = Announced
		ev.NextID, ev.MessageID, _ = strings.Cut(text, " ")
	case ">":
		Send(&ev, text)
	case "<":
		ev.Part = Received
	case "=":
		ev.Part = Answered
	case "-":
		ev.Part = Closed
	default:
		t.Fatalf("%q", line)
	}
	return ev
}

// show writes what the tests look at of an event.
func show(ev *parsers.Event) string {
	a := &ev.Attempt
	var b strings.Builder
	fmt.Fprintf(&b, "%d: %s ", int64(ev.Time), a.Recipient)
	if a.Kind == parsers.Connect {
		b.WriteString("connect ")
	}
	fmt.Fprint(&b, a.Status)
	if a.Reply.Code != 0 {
		fmt.Fprintf(&b, " %v", a.Reply.Code)
	}
	if !a.Reply.Enhanced.IsZero() {
		fmt.Fprintf(&b, " %v", a.Reply.Enhanced)
	}
	if a.Command != parsers.NoCommand {
		fmt.Fprintf(&b, " at %s", a.Command)
	}
	if a.Origin != parsers.OriginRemote {
		fmt.Fprintf(&b, " %s %q", a.Origin, a.Diagnostic)
	}
	return b.String()
}

// run puts a dialogue together, a line a microsecond, the first at 1.
func run(t testing.TB, j parsers.Joiner, dialogue string) (evs []parsers.Event) {
	t.Helper()
	var at parsers.Stamp
	for line := range strings.Lines(dialogue) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		at++
		ev := parse(t, line, at)
		evs = j.Join(evs, "host", &parsers.Line{}, &ev)
	}
	return evs
}

func TestJoin(t *testing.T) {
	for _, test := range []struct {
		name, dialogue string
		want           []string
	}{
		{"one at a time", `
			a +
			a < 220 mx.example.com ESMTP
			a > EHLO out.example.net
			a < 250-mx.example.com
			a < 250 PIPELINING
			a > MAIL FROM:<s@example.net> SIZE=1
			a < 250 2.1.0 ok
			a > RCPT TO:<a@example.com>
			a < 250 2.1.5 ok
			a > RCPT TO:<b@example.com>
			a < 550 5.1.1 no such user
			a > DATA
			a < 354 go on
			a > .
			a < 250 2.0.0 queued
			a > QUIT
			a < 221 bye
			a - Local`,
			[]string{"11: b@example.com bounced 550 5.1.1 at RCPT TO", "15: a@example.com sent 250 2.0.0 at end of DATA"}},
		{"pipelined", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > RCPT TO:<b@example.com>
			a > RCPT TO:<c@example.com>
			a > DATA
			a < 250 ok
			a < 451 4.7.1 later
			a < 250 ok
			a < 250 ok
			a < 354 go on
			a < 452 4.3.1 disk full`,
			[]string{"7: a@example.com deferred 451 4.7.1 at RCPT TO",
				"11: b@example.com deferred 452 4.3.1 at end of DATA", "11: c@example.com deferred 452 4.3.1 at end of DATA"}},
		{"sessions take turns", `
			a > MAIL FROM:<s@example.net>
			b > MAIL FROM:<s@example.net>
			b < 250 ok
			a < 250 ok
			a > RCPT TO:<a@example.com>
			b > RCPT TO:<b@example.com>
			b < 550 no
			a < 450 later`,
			[]string{"7: b@example.com bounced 550 at RCPT TO", "8: a@example.com deferred 450 at RCPT TO"}},
		{"chunks", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > BDAT 100
			a > bdat 100 last
			a < 250 ok
			a < 250 ok
			a < 250 100 octets
			a < 250 2.0.0 done`,
			[]string{"8: a@example.com sent 250 2.0.0 at end of DATA"}},
		{"chunk refused", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > BDAT 100
			a > BDAT 0 LAST
			a < 250 ok
			a < 250 ok
			a < 552 5.3.4 too big
			a < 503 5.5.1 out of order`,
			[]string{"7: a@example.com bounced 552 5.3.4 at DATA"}},
		{"DATA refused", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > DATA
			a < 250 ok
			a < 250 ok
			a < 554 5.7.1 no`,
			[]string{"6: a@example.com bounced 554 5.7.1 at DATA"}},
		{"no line for the message, more commands behind it", `
			a > MAIL FROM:<s@example.net>
			a < 250 ok
			a > RCPT TO:<a@example.com>
			a < 250 ok
			a > DATA
			a < 354 go on
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<b@example.com>
			a < 250 2.0.0 first
			a < 250 ok
			a < 550 no`,
			[]string{"9: a@example.com sent 250 2.0.0 at end of DATA", "11: b@example.com bounced 550 at RCPT TO"}},
		{"replies of several lines", `
			a > MAIL FROM:<s@example.net>
			a < 250-ok
			a < 250 ok
			a > RCPT TO:<a@example.com>
			a < 550-5.1.1 no
			a < 550-5.1.1 such
			a < 550 5.1.1 user
			a > RCPT TO:<b@example.com>
			a < 451-4.7.1 wait
			a < and see
			a < 451 4.7.1 please`,
			[]string{"7: a@example.com bounced 550 5.1.1 at RCPT TO", "11: b@example.com deferred 451 4.7.1 at RCPT TO"}},
		{"several lines of the log in one", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a < 250-ok[nl]250 ok[nl]550-5.1.1 no[nl]550 5.1.1 user[nl]`,
			[]string{"3: a@example.com bounced 550 5.1.1 at RCPT TO"}},
		{"greeting refused", `
			a +
			a < 554 5.7.1 go away
			a > QUIT
			a < 221 bye
			a - Local`,
			[]string{"2:  connect bounced 554 5.7.1 at CONNECT"}},
		{"greeting refused, connection closed", `
			a +
			a < 421 4.3.2 busy
			a - Remote`,
			[]string{"2:  connect deferred 421 4.3.2 at CONNECT"}},
		{"EHLO and HELO refused", `
			a < 220 mx.example.com
			a > EHLO out.example.net
			a < 502 5.5.1 what?
			a > HELO out.example.net
			a < 550 5.7.1 no
			a > QUIT
			a - Local`,
			[]string{"5:  connect bounced 550 5.7.1 at HELO"}},
		{"nothing refused, nothing sent", `
			a < 220 mx.example.com
			a > EHLO out.example.net
			a < 502 5.5.1 what?
			a > HELO out.example.net
			a < 250 ok
			a > QUIT
			a < 421 4.4.2 bye
			a - Local`, nil},
		{"greeting refused, recipients sent nevertheless", `
			a +
			a < 554-5.7.1 go
			a < 554 5.7.1 away
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a < 503 5.5.1 no
			a > RCPT TO:<b@example.com>
			a < 503 5.5.1 no
			a < 503 5.5.1 no
			a -`,
			[]string{"3: a@example.com bounced 554 5.7.1 at CONNECT", "3: b@example.com bounced 554 5.7.1 at CONNECT"}},
		{"EHLO refused, HELO not", `
			a < 220 mx.example.com
			a > EHLO out.example.net
			a < 502 5.5.1 what?
			a > HELO out.example.net
			a < 250 ok
			a > MAIL FROM:<s@example.net>
			a < 250 ok
			a > RCPT TO:<a@example.com>
			a - Timeout`,
			[]string{`9: a@example.com deferred at RCPT TO local "Timeout"`}},
		{"EHLO refused, then the end", `
			a > EHLO out.example.net
			a < 421 4.7.0 too many
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a -`,
			[]string{"2: a@example.com deferred 421 4.7.0 at EHLO"}},
		{"MAIL refused", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > RCPT TO:<b@example.com>
			a < 450 4.7.1 sender
			a < 503 5.5.1 no
			a < 503 5.5.1 no
			a > RCPT TO:<c@example.com>
			a < 503 5.5.1 no
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<d@example.com>
			a < 250 ok
			a < 550 no`,
			[]string{"4: a@example.com deferred 450 4.7.1 at MAIL FROM", "4: b@example.com deferred 450 4.7.1 at MAIL FROM",
				"4: c@example.com deferred 450 4.7.1 at MAIL FROM", "12: d@example.com bounced 550 at RCPT TO"}},
		{"MAIL refused, nobody named", `
			a > MAIL FROM:<s@example.net>
			a < 550 5.7.1 blocked
			a > RSET
			a < 250 ok
			a > MAIL FROM:<s@example.net>
			a < 450 4.7.1 busy
			a > MAIL FROM:<s@example.net>
			a < 451 4.7.1 busy
			a > QUIT
			a < 221 bye
			a - Local`,
			[]string{"2:  bounced 550 5.7.1 at MAIL FROM", "6:  deferred 450 4.7.1 at MAIL FROM", "8:  deferred 451 4.7.1 at MAIL FROM"}},
		{"connection lost", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > RCPT TO:<b@example.com>
			a < 250 ok
			a < 250 ok
			a < 250 ok
			a > DATA
			a < 354 go on
			a - Remote(ConnectionReset)`,
			[]string{`9: a@example.com deferred at end of DATA local "Remote(ConnectionReset)"`,
				`9: b@example.com deferred at end of DATA local "Remote(ConnectionReset)"`}},
		{"connection lost before an answer", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a > RCPT TO:<b@example.com>
			a > DATA
			a < 250 ok
			a < 250 ok
			a -`,
			[]string{`7: a@example.com deferred at RCPT TO local "connection lost"`, `7: b@example.com deferred at RCPT TO local "connection lost"`}},
		{"server goes down", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a < 250 ok
			a < 250 ok
			a < 421 4.3.2 shutting down
			a - Remote`,
			[]string{"5: a@example.com deferred 421 4.3.2"}},
		{"RSET and MAIL end what came to nothing", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a < 250 ok
			a < 250 ok
			a > RSET
			a < 250 ok
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<b@example.com>
			a < 250 ok
			a < 250 ok
			a > MAIL FROM:<s@example.net>
			a < 250 ok
			a - Local`, nil},
		{"logins", `
			a > AUTH LOGIN
			a < 334 VXNlcm5hbWU6
			a < 334 UGFzc3dvcmQ6
			a > ***
			a < 235 ok
			a > XPROXYFROM SID=1
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a < 250 ok
			a < 550 no`,
			[]string{"10: a@example.com bounced 550 at RCPT TO"}},
		{"one line for DATA and its message", `
			a > MAIL FROM:<s@example.net>
			a < 250 ok
			a > RCPT TO:<a@example.com>
			a < 250 ok
			a > DATA
			a < 354 go on
			a > DATA
			a < 250 2.0.0 queued
			a > MAIL FROM:<s@example.net>
			a < 250 ok
			a > RCPT TO:<b@example.com>
			a < 250 ok
			a > DATA
			a < 250 2.0.0 queued`,
			[]string{"8: a@example.com sent 250 2.0.0 at end of DATA", "14: b@example.com sent 250 2.0.0 at end of DATA"}},
		{"begins within a session", `
			a < 250 2.1.5 ok
			a > RCPT TO:<b@example.com>
			a < 550 no
			a > DATA
			a < 354 go on
			a > .
			a < 250 ok`,
			[]string{"3: b@example.com bounced 550 at RCPT TO"}},
		{"session number used again", `
			a < 220 mx.example.com
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@example.com>
			a < 250 ok
			a < 250 ok
			a < 220 mx.example.com
			a > MAIL FROM:<s@example.net>
			a < 250 ok
			a > RCPT TO:<b@example.com>
			a < 250 ok
			a@192.0.2.99 > MAIL FROM:<s@example.net>
			a@192.0.2.99 < 250 ok
			a@192.0.2.99 - Local`, nil},
		{"what the server writes is no command", `
			a > MAIL FROM:<s@example.net>
			a < MAIL FROM:<x@example.org>
			a < RCPT TO:<x@example.org>
			a < 250 RCPT TO:<y@example.org>
			a < 250 2.0.0 never asked
			a > RCPT TO:<a@example.com>
			a < 550 5.1.1 250 2.0.0 sent`,
			[]string{"7: a@example.com bounced 550 5.1.1 at RCPT TO"}},
		{"command and reply side by side", `
			a +
			a = 220 mx.example.com
			a > EHLO out.example.net
			a = 250-mx.example.com
			a > MAIL FROM:<s@example.net>
			a =
			a > RCPT TO:<a@example.com>
			a = 550-5.1.1 no 550 5.1.1 such user
			a > RCPT TO:<b@example.com>
			a =
			a > RCPT TO:<c@example.com>
			a = 250 ok
			a > DATA
			a = 354 go on
			a > .
			a = 250 2.0.0 queued
			a > QUIT
			a =
			a - nothing`,
			[]string{"8: a@example.com bounced 550 5.1.1 at RCPT TO", "16: c@example.com sent 250 2.0.0 at end of DATA"}},
		{"recipient cut by the log", `
			a > MAIL FROM:<s@example.net>
			a > RCPT TO:<a@exam
			a > RCPT TO:<b@example.com>
			a < 250 ok
			a < 550 no
			a < 551 no`,
			[]string{"6: b@example.com bounced 551 at RCPT TO"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, ev := range run(t, NewJoiner(parsers.Options{}, "[nl]"), test.dialogue) {
				got = append(got, show(&ev))
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestEvent looks at all of an event.
func TestEvent(t *testing.T) {
	evs := run(t, NewJoiner(parsers.Options{}, "\n"), `
		a +
		a < 220-mx.example.com ESMTP
		a < 220 no spam
		a * 77 <m1@example.net>
		a > MAIL FROM:<> SIZE=9
		a < 250 ok
		a > RCPT TO:<"a> b"@example.com> NOTIFY=NEVER
		a < 550 5.1.1 no
		a > RSET
		a < 250 ok
		a > MAIL FROM: s@example.net BODY=7BIT
		a < 250 ok
		a > rcpt to:b@example.com
		a < 250 ok
		a > DATA
		a < 451 4.3.0 later`)
	reply := func(text string) parsers.Reply {
		r, _ := parsers.ParseReply(text)
		return r
	}
	want := []parsers.Event{{
		Kind: parsers.Attempted, Time: 8, QueueID: "77", MessageID: "<m1@example.net>", Sender: parsers.NullSender,
		Attempt: parsers.Attempt{
			Recipient: `"a> b"@example.com`, RelayHost: "mx.example.com", RelayIP: "192.0.2.10", RelayPort: 25, SourceIP: "203.0.113.1",
			Status: parsers.StatusBounced, Origin: parsers.OriginRemote, Command: parsers.RCPTTO,
			Reply: reply("550 5.1.1 no"), Diagnostic: "550 5.1.1 no",
		},
	}, {
		Kind: parsers.Attempted, Time: 16, Sender: "s@example.net",
		Attempt: parsers.Attempt{
			Recipient: "b@example.com", RelayHost: "mx.example.com", RelayIP: "192.0.2.10", RelayPort: 25, SourceIP: "203.0.113.1",
			Status: parsers.StatusDeferred, Origin: parsers.OriginRemote, Command: parsers.DATA,
			Reply: reply("451 4.3.0 later"), Diagnostic: "451 4.3.0 later",
		},
	}}
	if d := cmp.Diff(want, evs, cmp.AllowUnexported(parsers.Duration{})); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestInternal(t *testing.T) {
	inside := parsers.Options{InternalHosts: []string{"hub.example.com"}}
	for host, want := range map[string]parsers.AttemptKind{"hub": parsers.Internal, "mx": parsers.Remote} {
		evs := run(t, NewJoiner(inside, "\n"), "a < 220 "+host+".example.com\na > RCPT TO:<a@example.com>\na < 550 no")
		if len(evs) != 1 || evs[0].Attempt.Kind != want {
			t.Errorf("%s: %v", host, evs)
		}
	}
}

// TestHosts: sessions of different hosts have nothing in common.
func TestHosts(t *testing.T) {
	j := NewJoiner(parsers.Options{}, "\n")
	rcpt, reply := parse(t, "a > RCPT TO:<a@example.com>", 1), parse(t, "a < 550 no", 2)
	evs := j.Join(nil, "one", &parsers.Line{}, &rcpt)
	if evs = j.Join(evs, "two", &parsers.Line{}, &reply); len(evs) != 0 {
		t.Errorf("%v", evs)
	}
	if evs = j.Join(evs, "one", &parsers.Line{}, &reply); len(evs) != 1 {
		t.Errorf("%v", evs)
	}
}

func TestGreeter(t *testing.T) {
	for greeting, want := range map[string]string{
		"220 mx.example.com ESMTP": "mx.example.com", "220-mx.example.com": "mx.example.com", "220 mx.example.com\n220 hi": "mx.example.com",
		"220 mx.example.com.": "mx.example.com", "220 mail ready": "", "220 192.0.2.1 ready": "", "220 ****.example": "", "220": "", "220 ": "",
		"220 .example.com": "", "220 a@b.example": "", "220 " + strings.Repeat("a.", 200): "",
	} {
		if got := greeter(greeting); got != want {
			t.Errorf("%q: %q", greeting, got)
		}
	}
}

// check compares what a joiner believes to hold with what it holds.
func check(t *testing.T, j *joiner) {
	t.Helper()
	held := 0
	for e := j.order.Front(); e != nil; e = e.Next() {
		s := e.Value.(*session)
		if j.sessions[s.key] != s {
			t.Fatalf("session %q is not its own", s.key)
		}
		n := 0
		seen := map[*message]bool{s.message: true}
		if s.message != nil {
			for _, r := range s.message.accepted {
				n += commandCost + len(r)
			}
		}
		for i := range s.waiting {
			c := &s.waiting[i]
			n += c.cost()
			if m := c.message; m != nil && !seen[m] {
				seen[m] = true
				for _, r := range m.accepted {
					n += commandCost + len(r)
				}
			}
		}
		if n != s.held {
			t.Fatalf("session %q holds %d, believes %d", s.key, n, s.held)
		}
		held += s.cost()
	}
	if len(j.sessions) != j.order.Len() || held != j.held || held > j.limit {
		t.Fatalf("%d sessions of %d hold %d, believed %d, at most %d", len(j.sessions), j.order.Len(), held, j.held, j.limit)
	}
}

func TestMemory(t *testing.T) {
	j := NewJoiner(parsers.Options{}, "\n").(*joiner)
	j.limit = 1 << 20
	long := strings.Repeat("x", 1000)
	for i := range 2000 {
		for _, line := range []string{" +", " < 220-" + long, " < 220 mx.example.com", " > MAIL FROM:<" + long + ">", " > RCPT TO:<" + long + "@example.com>"} {
			ev := parse(t, fmt.Sprint(i, line), 1)
			j.Join(nil, "host", &parsers.Line{}, &ev)
		}
		check(t, j)
	}
	for i := range 2000 { // one session alone is too much
		ev := parse(t, fmt.Sprintf("a > RCPT TO:<%d%s>", i, long), 1)
		j.Join(nil, "host", &parsers.Line{}, &ev)
		check(t, j)
	}
	for range maxWaiting + 10 {
		ev := parse(t, "a > NOOP", 1)
		j.Join(nil, "host", &parsers.Line{}, &ev)
	}
	if n := len(j.sessions[key{"host", "a"}].waiting); n > maxWaiting {
		t.Errorf("%d commands wait", n)
	}
	check(t, j)
	ev := parse(t, "a > RCPT TO:<"+strings.Repeat(long, 5)+">", 1)
	j.Join(nil, "host", &parsers.Line{}, &ev)
	ev = parse(t, "a - Local", 1)
	for _, got := range j.Join(nil, "host", &parsers.Line{}, &ev) {
		if len(got.Attempt.Recipient) > maxText {
			t.Errorf("a recipient of %d bytes", len(got.Attempt.Recipient))
		}
	}
	check(t, j)
}

func FuzzJoin(f *testing.F) {
	f.Add("a +\na < 220 mx.example.com\na * 1 <m@example.net>\na > MAIL FROM:<>\na > RCPT TO:<a@example.com>\na > DATA\na < 250 ok\na < 250 ok\na < 354 go\na > .\na < 250 ok\na > QUIT\na < 221 bye")
	f.Add("a < 400\na -")
	f.Add("a > EHLO x\nb +\na < 502 no\na > MAIL FROM:<s>\na > RCPT TO:<a>\nb@1 < 421 no\na < 450-x[nl]450 y\na -\nb -")
	f.Add("a > MAIL FROM:<s>\na > RCPT TO:<a>\na > BDAT 1\na > BDAT 1 LAST\na > MAIL FROM:<t>\na > RCPT TO:<b>\na > RSET\na < 250 ok\na < 250 ok\na < 250 ok\na < 250 ok\na - x")
	f.Fuzz(func(t *testing.T, dialogue string) {
		j := NewJoiner(parsers.Options{}, "[nl]").(*joiner)
		j.limit = 4 << 10
		var at parsers.Stamp
		sent, unnamed := 0, 0
		for line := range strings.SplitSeq(dialogue, "\n") {
			_, rest, _ := strings.Cut(line, " ")
			if mark, _, _ := strings.Cut(rest, " "); len(mark) != 1 || !strings.Contains("+*><=-", mark) {
				continue
			}
			at++
			ev := parse(t, line, at)
			if ev.Attempt.Recipient != "" {
				sent++
			}
			before := parsers.Event{Kind: parsers.Named, QueueID: "kept"}
			evs := j.Join([]parsers.Event{before}, "host", &parsers.Line{}, &ev)
			if evs[0] != before {
				t.Fatalf("the first event is now %+v", evs[0])
			}
			for i := range evs[1:] {
				got := &evs[1+i]
				a := &got.Attempt
				if a.Recipient == "" {
					if unnamed++; unnamed > int(at) || a.Reply.Code.Class() != parsers.Transient && a.Reply.Code.Class() != parsers.Permanent {
						t.Fatalf("no recipient, %d times: %+v", unnamed, got)
					}
				} else if sent--; sent < 0 {
					t.Fatal("more recipients than were sent")
				}
				if got.Kind != parsers.Attempted || a.Status == 0 || got.Time > at || !strings.Contains(dialogue, a.Recipient) ||
					(a.Origin == parsers.OriginRemote) != (a.Reply.Code != 0) {
					t.Fatalf("%+v", got)
				}
			}
			check(t, j)
		}
	})
}

func BenchmarkJoin(b *testing.B) {
	const dialogue = `a +
a < 220 mx.example.com ESMTP
a > EHLO out.example.net
a < 250 mx.example.com PIPELINING
a * 12345 <m1@example.net>
a > MAIL FROM:<news@example.net> SIZE=2048
a > RCPT TO:<alice@example.com>
a > RCPT TO:<nobody@example.com>
a < 250 2.1.0 Sender OK
a < 250 2.1.5 OK
a < 550 5.1.1 <nobody@example.com> User unknown, sorry
a > BDAT 2048 LAST
a < 250 2.0.0 Ok: queued as 4F1C2A
a > QUIT
a < 221 bye`
	var parts []parsers.Event
	for line := range strings.SplitSeq(dialogue, "\n") {
		parts = append(parts, parse(b, line, 1))
	}
	j := NewJoiner(parsers.Options{}, "\n")
	b.SetBytes(int64(len(dialogue)))
	b.ReportAllocs()
	var evs []parsers.Event
	for b.Loop() {
		evs = evs[:0]
		for i := range parts {
			evs = j.Join(evs, "host", &parsers.Line{}, &parts[i])
		}
	}
	if len(evs) != 2 {
		b.Fatal(len(evs))
	}
}
