package scan

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/loggen"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/internal/suppress"
	"bouncelog/parsers"
	"bouncelog/parsers/all"

	"github.com/google/go-cmp/cmp"
)

// However a log is cut into files and runs, plain or compressed, its runs together make the records and the list of addresses
// that one run over all of it makes, down to the places of the lines.
func TestRecordsInRuns(t *testing.T) {
	rules := builtin()
	held, listed := 0, 0
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		mix := loggen.Typical()
		mix.Bounce, mix.LostStart, mix.LostRemoved, mix.Reuse, mix.Repeat = 0.2, 0.1, 0.1, 0.2, 0.05
		o := loggen.Options{Seed: seed, Messages: 300, Cut: seed%2 == 0, Rate: 0.5, Domains: 30, Lifetime: time.Hour, Mix: mix,
			Header: []string{loggen.RFC3164, loggen.ISO}[seed%2], Start: now.AddDate(0, 0, -3)}
		if seed%3 == 0 {
			o.Hosts = []string{"mx1", "mx2", "mx3"}
		}
		var log bytes.Buffer
		if _, err := loggen.Write(&log, o); err != nil {
			t.Fatal(err)
		}
		wanted := suppress.Options{MinHits: 1, RepeatHits: 2, Repeat: time.Hour}
		show := func(x *summary.Record) string {
			one := *x
			if one.Cause = nil; x.Cause != nil {
				return fmt.Sprintf("%+v %s %s %s", one, x.Cause.Category, x.Cause.Provider, x.Cause.Rule.ID)
			}
			return fmt.Sprintf("%+v", one)
		}
		dir := t.TempDir()
		config := func(files ...string) Config {
			inputs, _, errs := source.Expand(files, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			c := Config{Inputs: inputs, Formats: all.Formats(), Now: now, Jobs: 1 + r.IntN(3)}
			c.Source.ChunkSize = 4096 << r.IntN(5)
			c.Summary.Classifier, c.Summary.Now = rules, parsers.StampOf(o.Start) // so nothing is overdue by the clock
			if seed%4 == 1 {
				c.Summary.Sender = "news*"
			}
			return c
		}
		var got []string
		var finder *suppress.Finder
		var open, found []byte
		// emitted is what becomes of records, before and after the run has left what is open to the next one.
		attempts := func(c Config, records *[]string, finder *suppress.Finder) *Result {
			left := c.Runs == nil
			if !left {
				c.Runs.Open, c.Runs.Early = open, true
				c.Runs.Leave = func(b []byte) error {
					h, err := summary.ReadRecorderHeader(b)
					held += h.Held
					open, found, left = b, finder.Encode(nil, parsers.StampOf(now)), true
					return err
				}
			}
			early := c.Runs != nil
			res, err := Attempts(t.Context(), c, seed%2 == 0, func(x *summary.Record) error {
				finder.Add(x)
				if !early || !left {
					*records = append(*records, show(x))
				}
				return nil
			})
			if err != nil || len(res.Errors) > 0 {
				t.Fatal(err, res.Errors)
			}
			return res
		}
		var files []string
		lines := slices.DeleteFunc(strings.SplitAfter(log.String(), "\n"), func(line string) bool { // some name no sender, or late
			return strings.Contains(line, ": from=<") && r.IntN(3) == 0
		})
		known := Known{}
		from, at := 0, int64(0) // of the file that is written now: its first line, and how far it was read
		for done := 0; done < len(lines); {
			if at == 0 || r.IntN(4) == 0 {
				from, at, known = done, 0, Known{}
				files = append(files, filepath.Join(dir, fmt.Sprintf("mail.log.%d", 900-len(files))))
			}
			done = min(len(lines), done+1+r.IntN(400))
			text := strings.Join(lines[from:done], "")
			if len(files)%2 == 0 {
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				if _, err := z.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
				if err := z.Close(); err != nil {
					t.Fatal(err)
				}
				text = b.String()
			}
			path := files[len(files)-1]
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c := config(path)
			b, err := c.Inputs[0].Beginning()
			if err != nil {
				t.Fatal(err)
			}
			part := c.Inputs[0].Part(b.Span(at))
			c.Inputs[0] = part
			c.Runs = &Runs{Known: map[*source.Input]Known{}}
			if at > 0 {
				c.Runs.Known[part] = known
			}
			finder = suppress.New(wanted)
			if len(found) > 0 {
				if finder, err = suppress.Decode(found, wanted); err != nil {
					t.Fatal(err)
				}
			}
			res := attempts(c, &got, finder)
			at, known = res.Inputs[0].End, res.Inputs[0].Known
		}
		// What is still held comes in the end.
		c := config()
		rec, err := summary.DecodeRecorder(open, &c.Summary, seed%2 == 0, func(x *summary.Record) error {
			got = append(got, show(x))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		var want []string
		one := suppress.New(wanted)
		attempts(config(files...), &want, one)
		differ := func(what string, a, b any) {
			if d := cmp.Diff(a, b); d != "" {
				t.Fatalf("seed %d, %d files: %s (-one run +many):\n%s", seed, len(files), what, d)
			}
		}
		differ("records", want, got)
		differ("addresses", one.Rows(), finder.Rows())
		listed += len(one.Rows())
	}
	if held == 0 || listed == 0 {
		t.Errorf("%d records were held and %d addresses listed: this tests nothing", held, listed)
	}
}
