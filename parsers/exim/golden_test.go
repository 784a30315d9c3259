package exim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
)

var update = flag.Bool("update", false, "write the golden files anew")

var kindNames = [...]string{
	parsers.Accepted: "accepted", parsers.Named: "named", parsers.Queued: "queued", parsers.Attempted: "attempted", parsers.Tried: "tried",
	parsers.Expired: "expired", parsers.Removed: "removed", parsers.Requeued: "requeued", parsers.Rejected: "rejected",
}

// print returns an event as one line that has every field the log said.
func print(ev parsers.Event) string {
	var b strings.Builder
	b.WriteString(kindNames[ev.Kind])
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, " %s=%q", name, value)
		}
	}
	word := func(name string, value fmt.Stringer) {
		if s := value.String(); s != "" {
			fmt.Fprintf(&b, " %s=%s", name, s)
		}
	}
	duration := func(name string, d parsers.Duration) {
		if ms, said := d.Milliseconds(); said {
			fmt.Fprintf(&b, " %s=%s", name, time.Duration(ms)*time.Millisecond)
		}
	}
	word("time", ev.Time)
	field("host", ev.Host)
	field("id", ev.QueueID)
	field("sender", ev.Sender)
	field("message-id", ev.MessageID)
	if ev.Size != 0 {
		fmt.Fprintf(&b, " size=%d", ev.Size)
	}
	field("next", ev.NextID)
	if ev.Moved {
		b.WriteString(" moved")
	}
	a := &ev.Attempt
	if *a == (parsers.Attempt{}) {
		return b.String()
	}
	field("recipient", a.Recipient)
	field("original", a.OriginalRecipient)
	field("relay", a.RelayHost)
	field("ip", a.RelayIP)
	if a.RelayPort != 0 {
		fmt.Fprintf(&b, " port=%d", a.RelayPort)
	}
	word("status", a.Status)
	field("word", a.MTAStatus)
	if a.NotAttempted {
		b.WriteString(" not-attempted")
	}
	word("kind", a.Kind)
	word("origin", a.Origin)
	word("code", a.Reply.Code)
	word("enhanced", a.Reply.Enhanced)
	word("dsn", a.DSN)
	field("command", a.Command.String())
	duration("delay", a.Delay)
	duration("xdelay", a.XDelay)
	field("reply", a.Reply.Text)
	field("diagnostic", a.Diagnostic)
	if a.Truncated {
		b.WriteString(" truncated")
	}
	if a.Ordinal != 0 {
		fmt.Fprintf(&b, " attempt=%d", a.Ordinal)
	}
	field("source", a.SourceIP)
	return b.String()
}

// TestGolden compares what the logs in testdata tell with the golden files beside them. shapes.log is made by hand and
// holds each shape of line; there, every line is shown, so that a silent one is seen too. The others are excerpts of
// real logs.
func TestGolden(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join("testdata", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal("no logs", err)
	}
	p := mustOpen(t, parsers.Options{})
	for _, log := range logs {
		name := filepath.Base(log)
		t.Run(name, func(t *testing.T) {
			lines, _ := readLog(t, name)
			var b strings.Builder
			for _, line := range lines {
				if name == "shapes.log" {
					fmt.Fprintln(&b, line.Raw)
				}
				evs, err := p.AppendEvents(nil, &line)
				if err != nil {
					fmt.Fprintf(&b, "\t%v\n", err)
				}
				for _, ev := range evs {
					fmt.Fprintf(&b, "\t%s\n", print(ev))
				}
			}
			golden := strings.TrimSuffix(log, ".log") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}
