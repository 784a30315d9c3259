package exim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// An example is a case of the collection of examples that lies beside the module.
type example struct {
	N      int              `json:"n"`
	Lines  []string         `json:"lines"`
	Expect []map[string]any `json:"expect"`
}

// TestExamples compares the records with the collection's, as far as a line alone tells them.
func TestExamples(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "examples", "exim.jsonl"))
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
		var x example
		if err := json.Unmarshal(sc.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(x.N), func(t *testing.T) { x.test(t) })
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}

func (x *example) test(t *testing.T) {
	var sample parsers.Sample
	for _, raw := range x.Lines {
		sample.Lines = append(sample.Lines, cutLine(raw))
	}
	p, err := Format().Open(sample, parsers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []parsers.Event
	var tried parsers.Attempt
	counts := map[parsers.Kind]int{}
	for i := range sample.Lines {
		evs, err := p.AppendEvents(nil, &sample.Lines[i])
		if err != nil {
			t.Errorf("%q: %v", x.Lines[i], err)
		}
		for _, ev := range evs {
			counts[ev.Kind]++
			switch a := &ev.Attempt; ev.Kind {
			case parsers.Tried:
				tried = *a
			case parsers.Attempted, parsers.Expired:
				if a.RelayHost == "" && a.Origin == parsers.OriginLocal && a.Diagnostic == tried.Diagnostic {
					a.RelayHost, a.RelayIP = tried.RelayHost, tried.RelayIP // as the recorder does
				}
				got = append(got, ev)
			}
		}
	}
	var want []map[string]any
	others := map[parsers.Kind]int{}
	for _, e := range x.Expect {
		if e["status"] == "discarded" || e["status"] == "faked" {
			continue
		}
		switch e["kind"] {
		case "delivery", "expired", "skip":
			want = append(want, e)
		case "host_attempt":
			others[parsers.Tried]++
		case "arrival":
			others[parsers.Accepted]++
		case "completed":
			others[parsers.Removed]++
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d: %+v", len(got), len(want), got)
	}
	for kind, n := range others {
		if counts[kind] < n {
			t.Errorf("%d events of kind %d, want %d", counts[kind], kind, n)
		}
	}
	for i, e := range want {
		testRecord(t, &got[i], e)
	}
}

func testRecord(t *testing.T, ev *parsers.Event, e map[string]any) {
	t.Helper()
	a := &ev.Attempt
	check := func(key string, got any, always bool) {
		t.Helper()
		want, ok := e[key]
		if want == nil {
			want = ""
		}
		if (ok || always) && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	check("time", ev.Time, true)
	check("queue_id", ev.QueueID, true)
	check("recipient", a.Recipient, true)
	check("orig_recipient", a.OriginalRecipient, false)
	check("relay_host", a.RelayHost, false)
	check("relay_ip", a.RelayIP, false)
	check("relay_port", a.RelayPort, false)
	check("reply_code", a.Reply.Code, true)
	check("enhanced", a.Reply.Enhanced, true)
	check("attempted", !a.NotAttempted, false)
	if e["kind"] == "expired" {
		e["status"] = "expired"
	}
	check("status", a.Status, true)
	switch e["command"] {
	case "end of data":
		e["command"] = "end of DATA"
	case "connect", "initial connection":
		e["command"] = "CONNECT"
	}
	check("command", a.Command, true)
	for key, got := range map[string]parsers.Duration{"delay": a.Delay, "xdelay": a.XDelay} {
		if s, ok := e[key].(string); ok {
			if want, _ := fields.Units(s); got != want {
				t.Errorf("%s is %v, want %s", key, got.Duration(), s)
			}
		}
	}
	if ev.Sender != "" {
		check("sender", ev.Sender, true)
	}
	if text, ok := e["diagnostic"].(string); ok && a.Reply.Code == 0 && a.Diagnostic != text {
		t.Errorf("diagnostic is %q, want %q", a.Diagnostic, text)
	}
	if _, said := e["reply_code"].(string); said != (a.Origin == parsers.OriginRemote) {
		t.Errorf("origin %d", a.Origin)
	}
}
