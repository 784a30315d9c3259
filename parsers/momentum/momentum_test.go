package momentum

import (
	"fmt"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestGolden(t *testing.T)   { parsertest.Golden(t, Format()) }
func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "momentum") }

// attempts checks which attempts a log tells of.
func attempts(t *testing.T, log []string, want ...string) {
	t.Helper()
	parsertest.Attempts(t, Format(), strings.Join(log, "\n"), want...)
}

// record returns a line of the mainlog or the bouncelog.
func record(id, rest string) string {
	return "1795341600@91/6D-07914-E67BC0" + id + "@00/00-03736-F4101B54@00/00-04532-A3456B54@" + rest
}

const (
	r44 = "R@ann@example.com@info@example.net@198.51.100.5@201@esmtp@g@b"
	r45 = "R@bob@example.com@info@example.net@198.51.100.5@201@esmtp@g@b"
	t1  = "T@example.com@0@g@b@4@0@1.5@192.0.2.10@450 busy"
	d1  = "D@example.com@266@g@b@1@2.5@192.0.2.10"
)

func TestRecords(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	part := func(a parsers.Attempt) parsers.Event {
		a.RecipientDomain = "example.com"
		return parsers.Event{Kind: parsers.Part, Part: tried, Time: 1795341600e6, QueueID: "91/6D-07914-E67BC044", Attempt: a}
	}
	bounce := func(sender string, a parsers.Attempt) parsers.Event {
		return parsers.Event{Kind: parsers.Attempted, Time: 1795341600e6, QueueID: "91/6D-07914-E67BC044", Sender: sender, Attempt: a}
	}
	reply := func(code parsers.ReplyCode, text string) parsers.Reply { return parsers.Reply{Code: code, Text: text} }
	ms := parsers.Milliseconds
	for _, test := range []struct {
		name, rest string
		want       parsers.Event
	}{
		{"at signs in the text", "T@example.com@0@g@b@2@0@0@2001:db8::1@421 see <a@b>@c", part(parsers.Attempt{RelayIP: "2001:db8::1", Status: parsers.StatusDeferred,
			Origin: parsers.OriginRemote, Reply: reply(421, "421 see <a@b>@c"), Command: parsers.MAILFROM, Diagnostic: "421 see <a@b>@c", Delay: ms(0), Ordinal: 1})},
		{"an empty field behind the type", "T@@example.com@0@g@b@15@3@1.25@192.0.2.1@421 x", part(parsers.Attempt{RelayIP: "192.0.2.1", Status: parsers.StatusDeferred,
			Origin: parsers.OriginRemote, Reply: reply(421, "421 x"), Command: parsers.STARTTLS, Diagnostic: "421 x", Delay: ms(1250), Ordinal: 4})},
		{"internal", "T@example.com@0@g@b@0@0@1@192.0.2.1@451 [internal] no DATA response", part(parsers.Attempt{RelayIP: "192.0.2.1", Status: parsers.StatusDeferred,
			Origin: parsers.OriginLocal, Reply: reply(451, "451 [internal] no DATA response"), Diagnostic: "451 [internal] no DATA response", Delay: ms(1000), Ordinal: 1})},
		{"no address, no code", "T@example.com@0@g@b@10@x@y@0.0.0.0@connection reset", part(parsers.Attempt{Status: parsers.StatusDeferred,
			Origin: parsers.OriginLocal, Command: parsers.EHLO, Diagnostic: "connection reset"})},
		{"a text that names the word", "T@example.com@0@g@b@9@0@1@192.0.2.1@451 your [internal] exceeded max time without delivery", part(parsers.Attempt{RelayIP: "192.0.2.1",
			Status: parsers.StatusDeferred, Origin: parsers.OriginRemote, Reply: reply(451, "451 your [internal] exceeded max time without delivery"), Command: parsers.EndOfDATA,
			Diagnostic: "451 your [internal] exceeded max time without delivery", Delay: ms(1000), Ordinal: 1})},
		{"to this host", "T@example.com@0@g@b@12@0@1@127.0.0.1@421 x", part(parsers.Attempt{RelayIP: "127.0.0.1", Status: parsers.StatusDeferred, Kind: parsers.Internal,
			Origin: parsers.OriginRemote, Reply: reply(421, "421 x"), Command: parsers.CONNECT, Diagnostic: "421 x", Delay: ms(1000), Ordinal: 1})},
		{"bouncelog", `T@"a@1@2"@example.com@@@g@b@7@22@9@192.0.2.1@452 full`, bounce("<>", parsers.Attempt{Recipient: `"a@1@2"@example.com`, RelayIP: "192.0.2.1", Status: parsers.StatusDeferred,
			Origin: parsers.OriginRemote, Reply: reply(452, "452 full"), Command: parsers.DATA, Diagnostic: "452 full"})},
		{"out of band", "B@a@example.com@b@example.net@@@21@10@9@192.0.2.1@550 [internal] [oob] x", bounce("b@example.net", parsers.Attempt{Recipient: "a@example.com", RelayIP: "192.0.2.1",
			Status: parsers.StatusBounced, Kind: parsers.Async, Origin: parsers.OriginLocal, Reply: reply(550, "550 [internal] [oob] x"), Diagnostic: "550 [internal] [oob] x"})},
		{"no server, at that stage", "B@a@example.com@b@example.net@@@21@21@9@@550 5.1.2 [internal] bad destination domain", bounce("b@example.net", parsers.Attempt{Recipient: "a@example.com",
			Status: parsers.StatusBounced, Origin: parsers.OriginLocal, Reply: parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 1, 2}, Text: "550 5.1.2 [internal] bad destination domain"},
			Diagnostic: "550 5.1.2 [internal] bad destination domain"})},
		{"time was over, in other words", "B@a@example.com@b@example.net@@@5@24@9@@554 5.4.7 [internal] message timeout (exceeded max time, last transfail: 451 x)",
			bounce("b@example.net", parsers.Attempt{Recipient: "a@example.com", Status: parsers.StatusExpired, NotAttempted: true, Kind: parsers.Final, Origin: parsers.OriginLocal,
				Reply:      parsers.Reply{Code: 554, Enhanced: parsers.EnhancedCode{5, 4, 7}, Text: "554 5.4.7 [internal] message timeout (exceeded max time, last transfail: 451 x)"},
				Diagnostic: "554 5.4.7 [internal] message timeout (exceeded max time, last transfail: 451 x)"})},
		{"too many retries", "B@a@example.com@b@example.net@@@22@24@9@@554 [internal] exceeded max retries without delivery", bounce("b@example.net", parsers.Attempt{Recipient: "a@example.com",
			Status: parsers.StatusExpired, NotAttempted: true, Kind: parsers.Final, Origin: parsers.OriginLocal,
			Reply: reply(554, "554 [internal] exceeded max retries without delivery"), Diagnostic: "554 [internal] exceeded max retries without delivery"})},
	} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: record("44", test.rest)})
		if err != nil || len(evs) != 1 || evs[0] != test.want {
			t.Errorf("%s: %v", test.name, err)
			for i := range evs {
				t.Errorf("\n got %s\nwant %s", parsertest.Print(&evs[i]), parsertest.Print(&test.want))
			}
		}
	}
}

// The records of several messages and hosts come in any order, and a number may be used again.
func TestInterleaved(t *testing.T) {
	attempts(t, []string{record("44", r44), record("45", r45), record("45", t1), record("44", t1), record("45", d1), record("44", d1),
		record("45", t1), record("45", r44), record("45", t1), record("45", r45), record("45", d1)},
		`Recipient="bob@example.com" Status=deferred Delay=1.5s Ordinal=1`, `Recipient="ann@example.com" Status=deferred`,
		`Recipient="bob@example.com" Status=sent Delay=2.5s Ordinal=2`, `Recipient="ann@example.com" Status=sent`,
		`RecipientDomain="example.com" RelayIP="192.0.2.10" Status=deferred`, // of a recipient that is gone
		`Recipient="ann@example.com" Status=deferred`, `Recipient="bob@example.com" Status=sent`)
	j := newJoiner(parsers.Options{})
	p := parsertest.Open(t, Format(), "")
	for _, host := range []string{"h1", "h2"} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: record("44", t1)})
		if err != nil {
			t.Fatal(err)
		}
		if got := j.Join(nil, host, nil, &evs[0])[0].Attempt.Recipient; got != "" {
			t.Errorf("%s: recipient %q", host, got)
		}
		evs, _ = p.AppendEvents(nil, &parsers.Line{Text: record("44", r44)})
		for i := range evs {
			if evs[i].Kind == parsers.Part {
				j.Join(nil, host, nil, &evs[i])
			}
		}
	}
}

// A message that goes to another node is lost to this one.
func TestTransfer(t *testing.T) {
	attempts(t, []string{record("44", r44), record("44", "X@example.com@266@g@b@0@2.5@192.0.2.10"), record("44", t1)}, `Status=deferred`)
	if got := parsertest.Told(t, Format(), record("44", r44)+"\n"+record("44", "X@example.com@266@g@b@0@2.5@192.0.2.10")+"\n"+record("44", t1))[0]; strings.Contains(got, " Recipient=") {
		t.Error(got)
	}
}

// Nothing makes the joiner grow without bounds: half a million messages are remembered, or fewer with long addresses.
func TestForgotten(t *testing.T) {
	j := newJoiner(parsers.Options{})
	get := func(id int) string {
		return j.Join(nil, "h", nil, &parsers.Event{Part: tried, QueueID: fmt.Sprint(id), Attempt: parsers.Attempt{Status: parsers.StatusDeferred}})[0].Attempt.Recipient
	}
	put := func(id int, rcpt string) {
		j.Join(nil, "h", nil, &parsers.Event{Part: received, QueueID: fmt.Sprint(id), Attempt: parsers.Attempt{Recipient: rcpt}})
	}
	long := strings.Repeat("x", 1000)
	const n = 2*halfQueue/(entry+1000) + 2
	for i := range n {
		put(i, long)
	}
	if get(0) != "" || get(n/2+1) != long || get(n-1) != long {
		t.Error("not the latest are remembered")
	}
	if put(1, strings.Repeat("x", 1<<20)); get(1) != "" {
		t.Error("kept a recipient of a megabyte")
	}
}

func TestBadRecords(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	for _, test := range []struct {
		text   string
		broken bool // else foreign
	}{
		{"", false},
		{"1795341600", false},
		{"1795341600@a@b@c@R", false},
		{"17953416001@91/6D-07914-E67BC044@@@R", false},
		{"@91/6D-07914-E67BC044@@@R", false},
		{"1795341600@@@@R@a@example.com", false},
		{"1795341600@91/6D-07914-E67BC044@@@Z@a@example.com", false},
		{"1795341600@N@/tmp/2025@@ec-user@1", false},
		{record("44", "R@a@example.com"), true},
		{record("44", "R"), true},
		{record("44", `R@"a@example.com@b@example.net@x@1@esmtp`), true},
		{record("44", "D@example.com@266@g@b@1@2.5"), true},
		{record("44", "T@example.com@0@g@b@15@0@18.53@192.0.2.20"), true},
		{record("44", "B@a@example.com@b@example.net@g@b@21@24@1223@192.0.2.1"), true},
	} {
		_, err := p.AppendEvents(nil, &parsers.Line{Text: test.text})
		if err == nil || (err != parsers.ErrForeign) != test.broken {
			t.Errorf("%q: %v", test.text, err)
		}
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]parsers.Score{
		record("44", t1): 100, "1795341600@@@@M1\nx@y\n": 50, "1795341600@@@@R": 0, "a@b@c@d@T": 0, "@400000006b02bd2a0ee6b280 end msg 1": 0,
	} {
		var s parsers.Sample
		for l := range strings.SplitSeq(text, "\n") {
			s.Lines = append(s.Lines, parsers.Line{Text: l})
		}
		if got := sniff(s); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func FuzzAppendEvents(f *testing.F) {
	for _, name := range []string{"mainlog.log", "bouncelog.log"} {
		for _, r := range parsertest.Read(f, Format(), name) {
			f.Add(r.Text)
		}
	}
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, text string) {
		line := parsers.Line{Text: text}
		parsertest.Check(t, p, line)
		evs, _ := p.AppendEvents(nil, &line)
		j := newJoiner(parsers.Options{})
		for i := range evs {
			ev := &evs[i]
			for _, s := range []string{ev.QueueID, strings.TrimSuffix(ev.Sender, parsers.NullSender), ev.Attempt.Recipient, ev.Attempt.RelayIP, ev.Attempt.Diagnostic} {
				if !strings.Contains(text, s) {
					t.Errorf("%q: made up %q", text, s)
				}
			}
			if ev.Kind == parsers.Part {
				for _, ev := range j.Join(nil, "h", &line, ev) {
					if ev.Kind != parsers.Attempted || ev.Attempt.Status == 0 {
						t.Errorf("%q: %+v", text, ev)
					}
				}
			}
		}
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "mainlog.log"))
}

// BenchmarkJoiner reads with a joiner behind the parser.
func BenchmarkJoiner(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, parsertest.Joined(Format()), "mainlog.log"))
}
