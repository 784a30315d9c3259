package parsertest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bouncelog/parsers"
)

// An example is a log, and the attempts that it tells of.
type example struct {
	Format, ID string
	Lines      []string
	Expected   []map[string]any
}

// Examples compares the attempts with those of the collection of examples that lies beside the module: all cases of its
// format called name. It skips the test where there is no collection.
//
// It is for formats whose every attempt stands in one record: nothing is joined.
func Examples(t *testing.T, f parsers.Format, name string) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "examples", "other-formats.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no collection of examples beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for raw := range strings.Lines(string(text)) {
		var ex example
		if err := json.Unmarshal([]byte(raw), &ex); err != nil {
			t.Fatal(err)
		}
		if ex.Format == name {
			n++
			t.Run(ex.ID, func(t *testing.T) { testExample(t, f, ex) })
		}
	}
	if n == 0 {
		t.Errorf("no example of %s", name)
	}
}

func testExample(t *testing.T, f parsers.Format, ex example) {
	var got []map[string]any
	for _, r := range Records(t, f, strings.Join(ex.Lines, "\n")) {
		evs, err := r.Parser.AppendEvents(nil, &r.Line)
		if err != nil {
			t.Errorf("%q: %v", r.Raw, err)
		}
		for i := range evs {
			if k := evs[i].Kind; k == parsers.Attempted || k == parsers.Expired {
				got = append(got, record(&r.Line, &evs[i]))
			}
		}
	}
	var want []map[string]any
	for _, e := range ex.Expected {
		if e["direction"] != "inbound" {
			want = append(want, e)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d attempts, want %d: %v", len(got), len(want), got)
	}
	for i, e := range want {
		for key, said := range got[i] {
			wanted, listed := e[key]
			switch {
			case key == "sender" && wanted == "":
				wanted = parsers.NullSender
			case wanted == nil:
				if wanted = zeroOf(said); !listed && !always(key) {
					continue
				}
			}
			if !same(key, said, wanted) && !(key == "enhanced" && got[i]["dsn"] == wanted) {
				t.Errorf("attempt %d: %s is %v, want %v", i+1, key, said, wanted)
			}
		}
	}
}

// always tells the keys that are compared where an example does not list them.
func always(key string) bool {
	return key == "time" || key == "recipient" || key == "status" || key == "reply_code"
}

func zeroOf(v any) any {
	if _, ok := v.(float64); ok {
		return 0.0
	}
	return ""
}

// record returns what is compared of an attempt, under the names that the examples have for it.
func record(line *parsers.Line, ev *parsers.Event) map[string]any {
	a := &ev.Attempt
	at, host := ev.Time, ev.Host
	if at == 0 {
		at = line.Time
	}
	if host == "" {
		host = line.Host
	}
	kind := ""
	if a.Kind != parsers.Remote {
		kind = a.Kind.String()
	}
	return map[string]any{
		"time": at.String(), "host": host, "queue_id": ev.QueueID, "sender": ev.Sender, "recipient": a.Recipient,
		"orig_recipient": a.OriginalRecipient, "relay_host": a.RelayHost, "relay_ip": a.RelayIP, "status": a.Status.String(),
		"relay_port": float64(a.RelayPort), "reply_code": float64(a.Reply.Code), "enhanced": a.Reply.Enhanced.String(),
		"dsn": a.DSN.String(), "command": strings.ToLower(a.Command.String()), "attempt_kind": kind,
		"code_origin": a.Origin.String(), "diagnostic": a.Diagnostic, "job": a.Job, "source_ip": a.SourceIP,
		"delay": seconds(a.Delay), "xdelay": seconds(a.XDelay),
	}
}

// seconds returns a number, or the empty string where the log did not say.
func seconds(d parsers.Duration) any {
	if ms, said := d.Milliseconds(); said {
		return float64(ms) / 1000
	}
	return ""
}

// same compares times up to a millisecond, and words in any case.
func same(key string, got, want any) bool {
	switch g := got.(type) {
	case float64:
		w, ok := want.(float64)
		return ok && math.Abs(g-w) < 0.0005
	case string:
		w, ok := want.(string)
		if key == "time" {
			a, errA := time.Parse(time.RFC3339Nano, g)
			b, errB := time.Parse(time.RFC3339Nano, w)
			return errA == nil && errB == nil && a.Sub(b).Abs() <= time.Millisecond
		}
		return ok && (g == w || key == "command" && strings.EqualFold(g, w))
	}
	return false
}
