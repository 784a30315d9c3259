package report

import (
	"testing"

	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// TestBuildFromEvents goes the whole way from events to a Report, over one message that was delivered later and one that
// bounced.
func TestBuildFromEvents(t *testing.T) {
	o := &summary.Options{}
	s, f, b := summary.New(o, true), summary.NewFringe(), summary.NewBuilder(o)
	b.Begin(f, 0, 0, "mx1")
	n := uint32(0)
	add := func(clock string, ev parsers.Event) {
		n++
		line := parsers.Line{Time: at(clock), Host: "mx1", Raw: "raw", Text: "text"}
		b.Line(&line, n, []parsers.Event{ev})
	}
	add("1h", parsers.Event{Kind: parsers.Queued, QueueID: "A1", Sender: "news@example.org"})
	for _, x := range []struct {
		clock, recipient string
		status           parsers.Status
		code             parsers.ReplyCode
		text             string
	}{
		{"1h1m", "ann@example.com", parsers.StatusDeferred, 451, "host mx.example.com[192.0.2.1] said: 451 4.7.1 Greylisted"},
		{"1h2m", "bob@example.net", parsers.StatusBounced, 550, "host mx.example.net[192.0.2.2] said: 550 5.1.1 User unknown"},
		{"2h1m", "ann@example.com", parsers.StatusSent, 250, "250 2.0.0 Ok"},
	} {
		add(x.clock, parsers.Event{Kind: parsers.Attempted, QueueID: "A1", Attempt: parsers.Attempt{
			Recipient: x.recipient, Status: x.status, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: x.code}, Diagnostic: x.text,
		}})
	}
	add("2h2m", parsers.Event{Kind: parsers.Removed, QueueID: "A1"})
	b.End()
	s.Absorb(f)
	c := s.Final()
	c.Add(b.Counts)
	r, err := Build(c, Options{Locate: func(p summary.Pos) (string, int64) { return "mail.log", int64(p.Line) }})
	if err != nil {
		t.Fatal(err)
	}
	if a := (Attempts{3, 1, 1, 1}); r.Totals.Attempts != a {
		t.Errorf("attempts %+v, want %+v", r.Totals.Attempts, a)
	}
	if got := r.Totals.BounceRate; got == nil || *got != 0.5 {
		t.Errorf("bounce rate %v, want 0.5", got)
	}
	if len(r.Domains) != 2 || r.Domains[0].Domain != "example.net" || r.Domains[0].TopReply == nil || r.Domains[0].TopReply.ReplyCode != 550 {
		t.Errorf("domains %+v", r.Domains)
	}
	if len(r.Templates) != 2 || r.Templates[0].Example == nil || r.Templates[0].Example.File != "mail.log" || r.Templates[0].Example.Line == 0 {
		t.Errorf("templates %+v", r.Templates)
	}
	if len(r.Senders) != 1 || r.Senders[0].SenderDomain != "example.org" {
		t.Errorf("senders %+v", r.Senders)
	}
}
