package parsertest

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/examples"
	"bouncelog/parsers"
)

// Examples compares what a format tells with the cases of the collection that have its name there, other than postfix and
// exim. What becomes known only from several lines about a message, the recipients of an expiry or a sender who is named
// behind the attempt, is the summary's to find out, and compared in internal/cli.
func Examples(t *testing.T, f parsers.Format, name string) {
	f = Joined(f)
	n := 0
	for _, c := range examples.Cases(t, "other-formats.jsonl") {
		if c.Name != name {
			continue
		}
		n++
		t.Run(c.ID, func(t *testing.T) {
			var got []map[string]any
			for _, r := range Records(t, f, strings.Join(c.Lines, "\n")) {
				evs, err := r.Parser.AppendEvents(nil, &r.Line)
				if err != nil {
					t.Errorf("%q: %v", r.Raw, err)
				}
				for i := range evs {
					if k := evs[i].Kind; k == parsers.Attempted || k == parsers.Expired {
						got = append(got, slices.Repeat([]map[string]any{record(&r.Line, &evs[i])}, r.Count())...)
					}
				}
			}
			for _, d := range c.Differences(got, "diagnostic", "origin", "job", "source_ip") {
				t.Error(d)
			}
		})
	}
	if n == 0 {
		t.Errorf("no example of %s", name)
	}
}

// record returns an attempt as it is compared.
func record(line *parsers.Line, ev *parsers.Event) map[string]any {
	a := &ev.Attempt
	r := map[string]any{"attempted": !a.NotAttempted, "kind": a.Kind.String()}
	for key, text := range map[string]string{
		"time": cmp.Or(ev.Time, line.Time).String(), "host": cmp.Or(ev.Host, line.Host), "queue_id": ev.QueueID, "sender": ev.Sender,
		"recipient": a.Recipient, "original_recipient": a.OriginalRecipient, "relay_host": a.RelayHost, "relay_ip": a.RelayIP,
		"status": a.Status.String(), "enhanced_code": a.Reply.Enhanced.String(), "dsn": a.DSN.String(), "command": a.Command.String(),
		"diagnostic": a.Diagnostic, "origin": a.Origin.String(), "job": a.Job, "source_ip": a.SourceIP,
	} {
		if text != "" {
			r[key] = text
		}
	}
	for key, n := range map[string]uint16{"relay_port": a.RelayPort, "reply_code": uint16(a.Reply.Code)} {
		if n != 0 {
			r[key] = n
		}
	}
	for key, d := range map[string]parsers.Duration{"delay": a.Delay, "xdelay": a.XDelay} {
		if ms, said := d.Milliseconds(); said {
			r[key] = float64(ms) / 1000
		}
	}
	return r
}
