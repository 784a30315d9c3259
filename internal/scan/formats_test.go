package scan

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
	"bouncelog/parsers/all"

	"github.com/google/go-cmp/cmp"
)

// logsOf returns the logs that the tests of a format read.
func logsOf(t *testing.T, f parsers.Format) []string {
	t.Helper()
	pattern := filepath.Join("..", "..", "parsers", strings.ReplaceAll(f.Name, "-", ""), "testdata", "*.log")
	if _, err := os.Stat(filepath.Dir(pattern)); err != nil { // one that is described, not programmed
		pattern = filepath.Join("..", "..", "parsers", "custom", "testdata", f.Name+".log")
	}
	logs, err := filepath.Glob(pattern)
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs of %s in %s: every format has one", f.Name, pattern)
	}
	return logs
}

// What holds of the spine holds of every format: it is told by content; every line is in one bucket; the result and the
// records are the same for any number of workers and any size of blocks.
func TestEveryFormat(t *testing.T) {
	for _, f := range all.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			for _, log := range logsOf(t, f) {
				text := read(t, log)
				if text[len(text)-1] != '\n' {
					text = append(text, '\n')
				}
				// Often enough for many blocks; the same lines again are more attempts, if not of other messages.
				text = bytes.Repeat(text, 1+40<<10/len(text))
				path := write(t, "x.log", text)
				scan := func(jobs, chunk int) *Result {
					return scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = jobs, chunk })
				}
				first := scan(1, 8<<20)
				if !f.LastResort && (len(first.Inputs[0].Formats) == 0 || !slices.Contains(first.Inputs[0].Formats, f.Name)) {
					t.Errorf("%s: read as %v, want %s", filepath.Base(log), first.Inputs[0].Formats, f.Name)
				}
				ledger := &first.Counts.Ledger
				lines := int64(bytes.Count(text, []byte("\n")))
				if n := ledger.Lines(); n != lines && (f.Framing != parsers.JSON || n < lines) {
					t.Errorf("%s: %d lines in the ledger, %d in the log", filepath.Base(log), n, lines)
				}
				if ledger[summary.Delivery] == 0 {
					t.Errorf("%s: no line tells of a delivery: %v", filepath.Base(log), *ledger)
				}
				for _, jobs := range []int{1, 3} {
					for _, chunk := range []int{4 << 10, 20 << 10} {
						differ(t, fmt.Sprintf("%s: %d jobs, blocks of %d", filepath.Base(log), jobs, chunk), dump(scan(jobs, chunk), true), dump(first, true))
					}
				}
				differ(t, filepath.Base(log)+": records", records(t, path, 3, 4<<10), records(t, path, 1, 8<<20))
			}
		})
	}
}

// records returns the attempt records of a log, one a line.
func records(t *testing.T, path string, jobs, chunk int) string {
	t.Helper()
	inputs, _, errs := source.Expand([]string{path}, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c := Config{Inputs: inputs, Formats: all.Formats(), Jobs: jobs, Now: now, Host: "h"}
	c.Source.ChunkSize = chunk
	var b strings.Builder
	res, err := Attempts(t.Context(), c, true, func(r *summary.Record) error {
		fmt.Fprintf(&b, "%+v\n", *r)
		return nil
	})
	if err != nil || len(res.Errors) > 0 {
		t.Fatal(err, res.Errors)
	}
	return b.String()
}

// Editors and programs on Windows begin a file with a byte order mark, which no parser sees.
func TestByteOrderMark(t *testing.T) {
	for _, f := range all.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			for _, log := range logsOf(t, f) {
				text := read(t, log)
				path := write(t, "x.log", text)
				want := records(t, path, 1, 8<<20)
				if err := os.WriteFile(path, append([]byte("\ufeff"), text...), 0o644); err != nil {
					t.Fatal(err)
				}
				differ(t, filepath.Base(log), records(t, path, 1, 8<<20), want)
			}
		})
	}
}

// The lines of ten formats in one file of a loghost tell what they tell each in a file of its own.
func TestMixedSyslog(t *testing.T) {
	sources := map[string]string{ // what stands in front of lines that have no syslog header yet
		"postfix/testdata/short.log": "", "sendmail/testdata/8.18.log": "", "opensmtpd/testdata/7.6.log": "", "qmail/testdata/splogger.log": "",
		"dma/testdata/fbsd.log": "", "courier/testdata/mail.log": "", "zonemta/testdata/shapes.log": "",
		"exim/testdata/default.log": "Nov 22 10:00:00 exim exim[77]: ", "maddy/testdata/shapes.log": "Nov 22 10:00:00 maddy maddy[77]: ",
		"haraka/testdata/shapes.log": "Nov 22 10:00:00 haraka haraka[77]: ",
	}
	forced := func(c *Config) { c.Year = 2026 }
	var files [][]string
	var want summary.Counts
	delivering := 0
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		var lines []string
		for line := range strings.Lines(string(read(t, filepath.Join("..", "..", "parsers", name)))) {
			lines = append(lines, sources[name]+line)
		}
		files = append(files, lines)
		c := scanFiles(t, []string{write(t, "mail.log", []byte(strings.Join(lines, "")))}, forced).Counts
		if c.Ledger[summary.Delivery] > 0 && c.Total.Attempts.Total() > 0 {
			delivering++
		}
		for k := range c.Ledger {
			want.Ledger[k] += c.Ledger[k]
		}
		for k := range c.Total.Outcomes {
			want.Total.Outcomes[k] += c.Total.Outcomes[k]
			want.Notifications.Outcomes[k] += c.Notifications.Outcomes[k]
		}
		for k := range c.ByClass {
			want.ByClass[k] += c.ByClass[k]
		}
		for k := range c.ByOrigin {
			want.ByOrigin[k] += c.ByOrigin[k]
		}
		for to, from := range map[*summary.Attempts]summary.Attempts{&want.Total.Attempts: c.Total.Attempts,
			&want.Notifications.Attempts: c.Notifications.Attempts, &want.Internal: c.Internal, &want.Probes: c.Probes} {
			to.Sent, to.Deferred, to.Bounced = to.Sent+from.Sent, to.Deferred+from.Deferred, to.Bounced+from.Bounced
		}
		want.Inbound, want.Connects, want.Async = want.Inbound+c.Inbound, want.Connects+c.Connects, want.Async+c.Async
		want.Suspended, want.Suppressed, want.Unattempted = want.Suspended+c.Suspended, want.Suppressed+c.Suppressed, want.Unattempted+c.Unattempted
	}
	if delivering < len(sources) {
		t.Fatalf("%d of %d logs tell of attempts", delivering, len(sources))
	}
	type numbers struct {
		Ledger                                                       summary.Ledger
		Total, Notifications                                         summary.Tally
		Internal, Probes                                             summary.Attempts
		Class, Origin                                                any
		Inbound, Connects, Async, Suspended, Suppressed, Unattempted int64
	}
	of := func(c *summary.Counts) numbers {
		return numbers{c.Ledger, c.Total, c.Notifications, c.Internal, c.Probes, c.ByClass, c.ByOrigin,
			c.Inbound, c.Connects, c.Async, c.Suspended, c.Suppressed, c.Unattempted}
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 3))
		rest := slices.Clone(files)
		var mixed strings.Builder
		for len(rest) > 0 {
			i := r.IntN(len(rest))
			n := min(len(rest[i]), 1+r.IntN(3))
			mixed.WriteString(strings.Join(rest[i][:n], ""))
			if rest[i] = rest[i][n:]; len(rest[i]) == 0 {
				rest = slices.Delete(rest, i, i+1)
			}
		}
		got := scanFiles(t, []string{write(t, "mail.log", []byte(mixed.String()))}, func(c *Config) { forced(c); c.Source.ChunkSize = 8 << 10 })
		if d := cmp.Diff(of(&want), of(got.Counts)); d != "" {
			t.Errorf("seed %d: -sum of the single files +mixed file\n%s", seed, d)
		}
	}
}
