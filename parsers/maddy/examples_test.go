package maddy

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

// A result is what is compared. Of lines without a stamp, no time is expected.
type result struct {
	Time, Recipient, Status, Enhanced, Command string

	QueueID   string  `json:"queue_id"`
	RelayHost string  `json:"relay_host"`
	RelayIP   string  `json:"relay_ip"`
	Code      uint16  `json:"reply_code"`
	Origin    string  `json:"code_origin"`
	Text      string  `json:"diagnostic"`
	Delay     float64 `json:"delay"`
}

// TestExamples compares the attempts with those of the collection of examples that lies beside the module.
func TestExamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "examples", "other-formats.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no collection of examples beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	for raw := range strings.Lines(string(text)) {
		var ex struct {
			Format, ID string
			Lines      []string
			Expected   []result
		}
		if err := json.Unmarshal([]byte(raw), &ex); err != nil {
			t.Fatal(err)
		}
		if ex.Format != "maddy" {
			continue
		}
		got := []result{}
		for _, r := range parsertest.Records(t, Format(), strings.Join(ex.Lines, "\n")) {
			evs, err := r.Parser.AppendEvents(nil, &r.Line)
			if err != nil {
				t.Errorf("%s: %v", ex.ID, err)
			}
			for i := range evs {
				if evs[i].Kind == parsers.Attempted {
					got = append(got, resultOf(&evs[i]))
				}
			}
		}
		for i := range ex.Expected {
			if at, err := time.Parse(time.RFC3339Nano, ex.Expected[i].Time); err == nil {
				ex.Expected[i].Time = parsers.StampOf(at).String()
			}
			if i < len(got) && ex.Expected[i].Origin == "" {
				got[i].Origin = ""
			}
		}
		if d := cmp.Diff(ex.Expected, got); d != "" {
			t.Errorf("%s: -want +got\n%s", ex.ID, d)
		}
	}
}

func resultOf(ev *parsers.Event) result {
	a := &ev.Attempt
	return result{
		Time: ev.Time.String(), Recipient: a.Recipient, Status: a.Status.String(), Enhanced: a.Reply.Enhanced.String(), Command: a.Command.String(),
		QueueID: ev.QueueID, RelayHost: a.RelayHost, RelayIP: a.RelayIP, Code: uint16(a.Reply.Code), Origin: a.Origin.String(), Text: a.Diagnostic,
		Delay: a.Delay.Duration().Seconds(),
	}
}
