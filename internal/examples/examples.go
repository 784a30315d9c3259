// Package examples reads the collection of examples that lies beside the module: logs, and the attempt records that they
// tell of. Tests of single formats (parsers/parsertest) and of the whole program (internal/cli) are held against it.
package examples

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A Case is a log, and the attempt records that it tells of.
type Case struct {
	ID     string
	Name   string // what the collection calls the format
	Format string // as --input-format takes it
	Lines  []string

	Now, TZ string // of the run
	Year    int    // of stamps without one; zero: not given

	// Records have the names and the values of `bouncelog attempts -f ndjson`; nil is for what must not be said.
	Records []map[string]any

	always []string // what must not be said either where a record lacks it
}

// compared are the keys of a record that are compared of all cases.
var compared = strings.Fields("time host queue_id sender recipient original_recipient relay_host relay_ip relay_port status " +
	"reply_code enhanced_code dsn command delay xdelay attempted kind")

// An expectation is a record in the words of one of the files.
type expectation map[string]any

// Cases returns those of a file of the collection: postfix.jsonl, exim.jsonl or other-formats.jsonl. It skips the test where
// there is no collection.
func Cases(t *testing.T, file string) []Case {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "examples", file))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no collection of examples beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	for line := range strings.Lines(string(text)) {
		c, err := parseCase(strings.TrimSuffix(file, ".jsonl"), line)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases = append(cases, c)
	}
	return cases
}

// parseCase reads a line of the file called name.
func parseCase(name, line string) (Case, error) {
	type context struct {
		Now, TZ string
		Year    int
	}
	var raw struct {
		context
		ID, Format       string
		N                int
		Context          context
		Lines            []string
		Expected, Expect []expectation
	}
	if err := json.Unmarshal([]byte(line), &raw); err != nil {
		return Case{}, err
	}
	c := Case{
		ID:     cmp.Or(raw.ID, fmt.Sprint(raw.N)),
		Name:   cmp.Or(raw.Format, name),
		Format: cmp.Or(raw.Format, name),
		Lines:  raw.Lines,
		Now:    cmp.Or(raw.Now, raw.Context.Now, "2026-11-22T12:00:00Z"),
		TZ:     cmp.Or(raw.TZ, raw.Context.TZ, "UTC"),
		Year:   cmp.Or(raw.Year, raw.Context.Year),
		always: []string{"time", "recipient", "status", "reply_code"},
	}
	switch c.Name {
	case "powermta-csv":
		c.Format = "powermta"
	case "generic-text":
		c.Format = "generic"
	case "postfix":
		c.always = append(c.always, "host", "queue_id", "relay_host", "relay_ip", "relay_port", "enhanced_code", "dsn", "command", "delay", "attempted")
	case "exim":
		c.always = append(c.always, "queue_id", "enhanced_code", "command")
	}
	for _, e := range append(raw.Expected, raw.Expect...) {
		r, err := e.record()
		if err != nil {
			return Case{}, fmt.Errorf("case %s: %w", c.ID, err)
		}
		if r != nil {
			c.Records = append(c.Records, slices.Repeat([]map[string]any{r}, e.count())...)
		}
	}
	return c, nil
}

// count returns how many records an expectation stands for, `message repeated N times`. In other-formats.jsonl the word
// means recipients that have no name.
func (e expectation) count() int {
	if n, ok := e["count"].(float64); ok && e["kind"] != nil {
		return int(n)
	}
	return 1
}

// record returns the expectation as an attempt record, nil where it is of none.
func (e expectation) record() (map[string]any, error) {
	if e["direction"] == "inbound" || e["status"] == "discarded" || e["status"] == "faked" {
		return nil, nil
	}
	r := make(map[string]any)
	for key, v := range e {
		if name := recordNames[key]; name != "" {
			key = name
		}
		text, _ := v.(string)
		switch {
		case key == "kind" || key == "enhanced_src":
			continue
		case key == "attempt_kind":
			key = "kind"
		case key == "sender" && v == "":
			v = parsers.NullSender
		case key == "command" && v != nil:
			v = cmp.Or(parsers.ParseCommand(text).String(), text)
		case key == "status":
			switch {
			case v == "SOFTBOUNCE":
				v = "deferred"
			case v == "deliverable":
				v = "sent"
			case strings.HasPrefix(text, "undeliverable"):
				v = "bounced"
			}
		case key == "time" && v != nil && !strings.HasSuffix(text, "Z") && strings.LastIndexAny(text, "+-") < len("2006-01-02"):
			v = text + "Z"
		case (key == "delay" || key == "xdelay") && text != "":
			d, ok := fields.Units(text)
			if !ok {
				return nil, fmt.Errorf("%s is %q", key, text)
			}
			v = d.Duration().Seconds()
		case key == "enhanced_code" && e["enhanced_src"] == "dsn":
			continue
		}
		r[key] = v
	}
	switch e["kind"] {
	case nil, "delivery", "skip":
	case "probe":
		r["kind"] = "probe"
	case "expired":
		r["status"], r["attempted"], r["kind"] = "expired", false, "final"
	default: // of no attempt
		return nil, nil
	}
	return r, nil
}

// recordNames are the names of the attempt record, where the collection has others.
var recordNames = map[string]string{"orig_recipient": "original_recipient", "enhanced": "enhanced_code", "code_origin": "origin"}

// Differences tells where records are not those of the case, in what is compared of all cases and in more keys.
func (c *Case) Differences(got []map[string]any, more ...string) (found []string) {
	if len(got) != len(c.Records) {
		return []string{fmt.Sprintf("%d records, want %d: %v", len(got), len(c.Records), got)}
	}
	for i, want := range c.Records {
		for _, key := range slices.Concat(compared, more) {
			wanted, listed := want[key]
			if !listed && !slices.Contains(c.always, key) {
				continue
			}
			said := got[i][key]
			if key == "enhanced_code" && said == nil && wanted != nil && c.Name != "postfix" {
				said = got[i]["dsn"]
			}
			if !same(key, said, wanted) {
				found = append(found, fmt.Sprintf("record %d: %s is %v, want %v", i+1, key, said, wanted))
			}
		}
	}
	return found
}

// same compares what is said under a key: times up to a millisecond, and a delivery to a remote server is not said.
func same(key string, got, want any) bool {
	switch key {
	case "kind":
		got, want = cmp.Or(got, any("remote")), cmp.Or(want, any("remote"))
	case "time":
		g, _ := got.(string)
		w, _ := want.(string)
		a, errA := time.Parse(time.RFC3339, g)
		b, errB := time.Parse(time.RFC3339, w)
		return g == w || errA == nil && errB == nil && a.Sub(b).Abs() <= time.Millisecond
	case "delay", "xdelay":
		g, ok := got.(float64)
		w, said := want.(float64)
		return ok == said && math.Abs(g-w) < 0.0005
	}
	return fmt.Sprint(got) == fmt.Sprint(want) // a code may be a number or a text
}
