package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bouncelog/internal/state"

	"github.com/google/go-cmp/cmp"
)

// errChaosOutput is what became of a run whose stdout could not be written.
var errChaosOutput = errors.New("stdout could not be written")

// print runs a command that makes something of records, and returns what it printed. failing: its stdout takes a few bytes only.
func (c *chaos) print(failing bool) (string, error) {
	var out, errs strings.Builder
	o := IO{Out: &out, Err: &errs, In: strings.NewReader(""), Env: func(string) string { return "" }, Clock: func() time.Time { return c.now },
		state: func(string) state.FS { return c.memory }}
	full := &fullDisk{left: c.r.IntN(300)}
	if failing {
		o.Out = full
	}
	status := c.runCommand(o, "--state", c.lock, "-j", fmt.Sprint(1+c.r.IntN(3)), "--chunk-size", fmt.Sprint(4096<<c.r.IntN(4)), c.logs)
	switch {
	case full.failed:
		return "", errors.Join(errChaosOutput, errors.New(errs.String()))
	case status != exitOK && !(status == exitInput && strings.Contains(errs.String(), "no log in it") && c.empty()):
		return out.String(), fmt.Errorf("status %d: %s", status, &errs) // it may have been killed once all was done
	case failing:
		return full.text.String(), nil
	}
	return out.String(), nil
}

// empty reports whether all logs are away or deleted.
func (c *chaos) empty() bool {
	names, err := os.ReadDir(c.logs)
	c.check(err)
	return len(names) == 0
}

func (c *chaos) runCommand(o IO, args ...string) int {
	return run(c.t.Context(), append([]string{c.command, "-q", "--allow-empty", "--tz", "UTC", "--now", c.now.Format(time.RFC3339Nano)}, append(c.flags, args...)...), o)
}

// A fullDisk takes so many bytes and no more.
type fullDisk struct {
	text   strings.Builder
	left   int
	failed bool
}

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.left)
	d.left -= n
	d.text.Write(p[:n])
	if n < len(p) {
		d.failed = true
		return n, syscall.ENOSPC
	}
	return n, nil
}

// playRecords plays a history and compares what all runs have printed with what one run over everything prints. It returns how
// many records that are.
func playRecords(t *testing.T, seed uint64, command string, flags ...string) (n int) {
	r := rand.New(rand.NewPCG(seed, 2))
	c := newChaos(t, r)
	c.command, c.flags = command, flags
	// What a file that comes late says of the sender comes late too: such a record is not known to be of one that is asked for.
	withheld := command == "attempts" && !slices.Contains(flags, "--sender") && seed%3 == 0
	text, other := c.live(withheld)
	c.now = c.now.Add(time.Hour) // nothing waits so long
	for before := c.generation(); ; {
		c.run()
		if c.generation() > before {
			break
		}
	}
	var out, errs strings.Builder
	one := IO{Out: &out, Err: &errs, In: strings.NewReader(""), Env: func(string) string { return "" }, Clock: func() time.Time { return c.now }}
	if status := c.runCommand(one, c.whole(text, other)); status != exitOK {
		t.Fatalf("status %d: %s", status, &errs)
	}
	want, got := c.records(out.String(), withheld), c.records(c.out, withheld)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s %q, seed %d: the runs did not print what one does (-one +runs):\n%s\n%s", command, flags, seed, d, strings.Join(c.log, "\n"))
	}
	again := IO{Out: new(strings.Builder), Err: &errs, In: strings.NewReader(""), Env: one.Env, Clock: one.Clock, state: func(string) state.FS { return c.memory }}
	if command == "suppress" {
		if status := c.runCommand(again, "--state", c.lock); status != exitOK || again.Out.(*strings.Builder).String() != c.out {
			t.Errorf("seed %d: without logs, status %d and another list: %s", seed, status, &errs)
		}
	}
	return strings.Count(out.String(), "\n")
}

// records returns the records of an output, by host, without the names of files, which change, and without what the order of
// files decides, where some came late: the sender, the number of an attempt, and what an expiry ends.
func (c *chaos) records(text string, late bool) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(text) {
		var r map[string]any
		c.check(json.Unmarshal([]byte(line), &r))
		delete(r, "file")
		delete(r, "line")
		if late {
			if r["kind"] == "final" {
				continue
			}
			for _, key := range []string{"sender", "attempt", "message_id"} {
				delete(r, key)
			}
		}
		host, _ := r["host"].(string)
		b, err := json.Marshal(r)
		c.check(err)
		all[host] = append(all[host], string(b))
	}
	if late {
		for _, list := range all {
			slices.Sort(list)
		}
	}
	return all
}

// TestChaosOfRecords plays random histories for attempts and suppress: each record is printed once, and a list is that of all lines.
func TestChaosOfRecords(t *testing.T) {
	first, n := chaosSeeds(t, 4, 2)
	for _, args := range [][]string{{"attempts"}, {"attempts", "--sender", "news@*"}, {"suppress"}, {"suppress", "--sender", "*@example.net", "--repeat-hits", "2"}} {
		records := 0
		for seed := first; seed < first+n && !t.Failed(); seed++ {
			records += playRecords(t, seed, args[0], append(args[1:], "-f", "ndjson")...)
		}
		if records == 0 && n > 1 { // one history may end with nobody to suppress
			t.Errorf("%v has nothing to print: this tests nothing", args)
		}
		t.Logf("%v: %d records", args, records)
	}
}
