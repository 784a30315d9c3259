package postfix

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// An example is a line of the collection of examples that lies beside the module.
type example struct {
	ID       string     `json:"id"`
	Lines    []string   `json:"lines"`
	Expected []expected `json:"expected"`
}

type expected struct {
	Kind        string   `json:"kind"`
	Line        int      `json:"line"`
	Time        string   `json:"time"`
	Host        string   `json:"host"`
	Instance    string   `json:"instance"`
	Process     string   `json:"process"`
	QueueID     string   `json:"queue_id"`
	Sender      *string  `json:"sender"`
	Recipient   string   `json:"recipient"`
	OrigRcpt    *string  `json:"orig_recipient"`
	RelayHost   string   `json:"relay_host"`
	RelayIP     string   `json:"relay_ip"`
	RelayPort   uint16   `json:"relay_port"`
	ReplyCode   uint16   `json:"reply_code"`
	Enhanced    string   `json:"enhanced"`
	EnhancedSrc string   `json:"enhanced_src"`
	DSN         string   `json:"dsn"`
	Status      string   `json:"status"`
	Diagnostic  string   `json:"diagnostic"`
	Command     string   `json:"command"`
	Delay       *float64 `json:"delay"`
	XDelay      *float64 `json:"xdelay"`
	Attempted   bool     `json:"attempted"`
	Truncated   bool     `json:"truncated"`
	NewQueueID  string   `json:"new_queue_id"`
	ForwardedAs string   `json:"forwarded_as"`
}

// TestExamples compares the events with the collection's, delivery records and probes field by field. Other lines must
// give no attempt, or their number of recipients would be wrong.
func TestExamples(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "examples", "postfix.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no collection of examples beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var ex example
		if err := json.Unmarshal(sc.Bytes(), &ex); err != nil {
			t.Fatal(err)
		}
		t.Run(ex.ID, func(t *testing.T) { testExample(t, ex) })
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}

func testExample(t *testing.T, ex example) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := syslog.Options{Location: time.UTC}
	o.Anchor = syslog.Anchor(ex.Lines, syslog.Reference{Time: now}, o)
	header := syslog.NewReader(o)
	p := mustOpen(t, parsers.Options{})
	for i, raw := range ex.Lines {
		line, ok := header.Cut(raw)
		if !ok {
			line.Text = raw
		}
		evs, err := p.AppendEvents(nil, &line)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		var records, others []expected
		for _, e := range ex.Expected {
			switch {
			case e.Line != i:
			case e.Kind == "delivery", e.Kind == "probe":
				records = append(records, e)
			default:
				others = append(others, e)
			}
		}
		n := 0
		for _, ev := range evs {
			if ev.Kind != parsers.Attempted {
				continue
			}
			for range line.Count() {
				if n < len(records) {
					testRecord(t, line, ev, records[n])
				}
				n++
			}
		}
		if n != len(records) {
			t.Errorf("%q: %d attempts, want %d", raw, n, len(records))
		}
		for _, e := range others {
			testOther(t, raw, evs, e)
		}
	}
}

func testRecord(t *testing.T, line parsers.Line, ev parsers.Event, e expected) {
	t.Helper()
	a := &ev.Attempt
	check := func(field string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%q: %s %v, want %v", line.Raw, field, got, want)
		}
	}
	at := line.Time
	if ev.Time != 0 {
		at = ev.Time
	}
	if e.Time != "" {
		want, err := time.Parse(time.RFC3339Nano, e.Time)
		if err != nil {
			t.Fatal(err)
		}
		check("time", at, parsers.StampOf(want))
	}
	check("host", line.Host, e.Host)
	check("instance", ev.Instance, e.Instance)
	check("process", ev.Process, e.Process)
	check("queue id", ev.QueueID, e.QueueID)
	check("recipient", a.Recipient, e.Recipient)
	if e.OrigRcpt != nil {
		check("original recipient", a.OriginalRecipient, *e.OrigRcpt)
	}
	check("relay host", a.RelayHost, e.RelayHost)
	check("relay ip", a.RelayIP, e.RelayIP)
	check("relay port", a.RelayPort, e.RelayPort)
	check("reply code", uint16(a.Reply.Code), e.ReplyCode)
	want := e.Enhanced
	if e.EnhancedSrc == "dsn" {
		want = ""
	}
	check("enhanced", a.Reply.Enhanced.String(), want)
	check("dsn", a.DSN.String(), e.DSN)
	status, word := e.Status, ""
	switch status {
	case "SOFTBOUNCE":
		status, word = "deferred", status
	case "deliverable":
		status, word = "sent", status
	case "undeliverable", "undeliverable-but-not-cached":
		status, word = "bounced", status
	}
	check("status", a.Status.String(), status)
	check("mta status", a.MTAStatus, word)
	check("diagnostic", a.Diagnostic, e.Diagnostic)
	check("command", a.Command.String(), e.Command)
	check("attempted", !a.NotAttempted, e.Attempted)
	check("truncated", a.Truncated, e.Truncated)
	if e.Delay != nil {
		check("delay", a.Delay, parsers.Milliseconds(int64(*e.Delay*1000+0.5)))
	}
	if e.XDelay != nil {
		check("xdelay", a.XDelay, parsers.Milliseconds(int64(*e.XDelay*1000+0.5)))
	}
	check("probe", a.Kind == parsers.Probe, e.Kind == "probe")
	check("remote", a.Origin == parsers.OriginRemote, e.ReplyCode != 0)
}

// kinds are the kinds of event that the collection's names stand for.
var kinds = map[string]parsers.Kind{
	"try": parsers.Tried, "connect_fail": parsers.Tried, "queue": parsers.Queued, "expire": parsers.Expired, "removed": parsers.Removed,
	"admin": parsers.Removed, "client": parsers.Accepted, "pickup": parsers.Accepted, "bounce_notice": parsers.Requeued, "reject": parsers.Rejected,
}

func testOther(t *testing.T, raw string, evs []parsers.Event, e expected) {
	t.Helper()
	want, ok := kinds[e.Kind]
	if !ok {
		if len(evs) > 0 && e.Kind != "other" {
			t.Logf("%q: %v", raw, evs)
		}
		return
	}
	if len(evs) != 1 || evs[0].Kind != want {
		t.Errorf("%q (%s): %v", raw, e.Kind, evs)
		return
	}
	ev := evs[0]
	if ev.QueueID != e.QueueID || ev.Instance != e.Instance || ev.Process != e.Process || ev.NextID != e.NewQueueID {
		t.Errorf("%q: %+v", raw, ev)
	}
	if e.Sender != nil && ev.Sender != *e.Sender && !(ev.Sender == parsers.NullSender && *e.Sender == "") {
		t.Errorf("%q: sender %q", raw, ev.Sender)
	}
	a := &ev.Attempt
	if a.Recipient != e.Recipient || uint16(a.Reply.Code) != e.ReplyCode || a.Diagnostic != e.Diagnostic || a.Reply.Enhanced.String() != e.Enhanced && e.EnhancedSrc != "dsn" {
		t.Errorf("%q: %+v", raw, a)
	}
}
