package scan

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
	"bouncelog/parsers/all"
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
