package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/scan"
	"bouncelog/internal/source"
	"bouncelog/internal/state/statetest"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
	"bouncelog/parsers/all"
	"bouncelog/parsers/custom"

	"github.com/google/go-cmp/cmp"
)

// formatLogs returns the logs that the tests of every format read, those that are built in and those of the tests of
// described ones.
func formatLogs(t *testing.T) map[string]struct {
	format parsers.Format
	logs   []string
} {
	t.Helper()
	found := make(map[string]struct {
		format parsers.Format
		logs   []string
	})
	folder := filepath.Join("..", "..", "parsers")
	described := filepath.Join(folder, "custom", "testdata")
	formats := all.Formats()
	definitions, err := filepath.Glob(filepath.Join(described, "*.toml"))
	if err != nil || len(definitions) == 0 {
		t.Fatal("no definitions of formats: ", err)
	}
	for _, path := range definitions {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := custom.Parse(filepath.Base(path), text)
		if err != nil {
			t.Fatal(err)
		}
		formats = append(formats, d.Format())
	}
	for _, f := range formats {
		pattern := filepath.Join(folder, strings.ReplaceAll(f.Name, "-", ""), "testdata", "*.log")
		if _, err := os.Stat(filepath.Dir(pattern)); err != nil {
			pattern = filepath.Join(described, f.Name+".log")
		}
		logs, err := filepath.Glob(pattern)
		if err != nil || len(logs) == 0 {
			t.Fatalf("no logs of %s in %s: every format has one", f.Name, pattern)
		}
		x := found[f.Name]
		x.format, x.logs = f, logs
		found[f.Name] = x
	}
	return found
}

// pieces cuts a log anywhere, and says how it would be if rotated between two of its records: then each piece begins with the
// header that its writer gives every file.
type pieces struct {
	r      *rand.Rand
	format parsers.Format
	text   string
}

// files returns the texts of the files that the log is written to.
func (p *pieces) files() []string {
	if p.format.Framing == parsers.JSON || p.r.IntN(2) == 0 {
		return []string{p.text}
	}
	head := ""
	if line, rest, _ := strings.Cut(p.text, "\n"); p.format.Columns || p.format.Header != "" {
		head = line + "\n"
		if !strings.HasPrefix(line, p.format.Header) || rest == "" {
			return []string{p.text}
		}
	}
	at := p.r.IntN(len(p.text))
	i := strings.IndexByte(p.text[at:], '\n') + at + 1
	first := p.text[:i]
	if i <= len(head)+1 || i == len(p.text) || p.format.Framing == parsers.CSV && strings.Count(first, `"`)%2 > 0 {
		return []string{p.text}
	}
	return []string{first, head + p.text[i:]}
}

// A log of every format that is read as it is written, in however many runs, gives what one run over all of it does: the same
// sums, and from history the same bytes. Each is read in two ways, with -short in one, or as [chaosSeeds] has it.
func TestEveryFormatInRuns(t *testing.T) {
	first, n := chaosSeeds(t, 2, 1)
	for name, x := range formatLogs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, log := range x.logs {
				text, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasSuffix(text, []byte("\n")) {
					text = append(text, '\n')
				}
				for _, text := range shapes(x.format, string(text)) {
					for seed := first; seed < first+n; seed++ {
						keep := []string{"0d", "400d"}[seed%2]
						if playFormat(t, x.format, text, seed, keep); t.Failed() {
							t.Fatalf("%s, %.20q, seed %d, --keep %s", log, text, seed, keep)
						}
					}
				}
			}
		})
	}
}

// shapes returns the ways in which the same records may be written: lines in parts; objects one a line, over several lines, without
// any, and in arrays.
func shapes(format parsers.Format, text string) []string {
	if format.Name == "postfix" { // as a container runtime writes it, in parts
		var b strings.Builder
		for line := range strings.Lines(text) {
			for n, part := 0, strings.TrimSuffix(line, "\n"); part != "" || n == 0; n++ {
				end, kind := min(len(part), 40+60*n), "P"
				if end == len(part) {
					kind = "F"
				}
				fmt.Fprintf(&b, "2026-11-20T10:09:00.%06dZ stdout %s %s\n", b.Len(), kind, part[:end])
				part = part[end:]
			}
		}
		return []string{text, b.String()}
	}
	if format.Framing != parsers.JSON {
		return []string{text}
	}
	var objects, pretty []string
	for line := range strings.Lines(text) {
		var b bytes.Buffer
		if json.Valid([]byte(line)) && line[0] == '{' && json.Indent(&b, []byte(line), " ", "  ") == nil {
			objects, pretty = append(objects, strings.TrimSpace(line)), append(pretty, strings.TrimSpace(b.String()))
		}
	}
	n := len(objects) / 2
	return []string{text, strings.Join(pretty, "\n") + "\n", strings.Join(objects, ""), strings.Join(pretty, ""), "[" + strings.Join(objects, ",") + "]",
		"[\n" + strings.Join(pretty, ",\n") + "\n]\n", "[" + strings.Join(objects[:n], ",") + "]\n[" + strings.Join(objects[n:], ", ") + "]\n"}
}

// playFormat has a log written bit by bit, rotated and compressed, and read in between by runs of which some do not come to their
// end.
func playFormat(t *testing.T, format parsers.Format, text string, seed uint64, keep string) {
	r := rand.New(rand.NewPCG(seed, uint64(len(text))))
	dir := t.TempDir()
	c := &chaos{t: t, r: r, logs: filepath.Join(dir, "logs"), lock: filepath.Join(dir, "state"), memory: statetest.New(), sum: make(map[string]int64),
		keep: keep, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), formats: []parsers.Format{format}}
	c.past = map[int64]reached{0: {sum: map[string]int64{}}}
	c.check(os.Mkdir(c.logs, 0o700))
	p := pieces{r, format, text}
	files := p.files()
	if !inOrder(t, c, files) {
		files = []string{text}
	}
	read := func() {
		counted, open, err := c.once()
		c.check(err)
		for k, n := range counted {
			c.sum[k] += n
		}
		c.open = open
	}
	for i, whole := range files {
		if i > 0 {
			if r.IntN(2) == 0 {
				c.check(os.Rename(c.path("mail.log"), c.path("mail.log.1")))
			} else {
				c.check(os.WriteFile(c.path("mail.log.1"), []byte(files[i-1]), 0o600))
				c.check(os.Truncate(c.path("mail.log"), 0))
			}
			if r.IntN(2) == 0 {
				c.check(zip(c.path("mail.log.1")))
			}
		}
		for at := 0; at < len(whole); {
			n := min(len(whole)-at, 1+r.IntN(1+len(whole)/(1+r.IntN(8))))
			c.append("mail.log", whole[at:at+n])
			at += n
			c.note("%d bytes of %d", at, len(whole))
			if r.IntN(3) > 0 {
				c.run() // which may be killed, find the disk full, or end with the power
			}
		}
	}
	c.memory.FailAt(0, nil)
	for range 3 { // what waits is read where nothing follows
		read()
	}
	if r.IntN(2) == 0 && !strings.Contains(text[max(0, len(text)-5):], "]") { // nobody writes to what is compressed: its bracket is read
		c.check(zip(c.path("mail.log")))
		read()
	}
	one := &chaos{t: t, r: r, logs: c.logs, lock: c.lock, memory: statetest.New(), sum: make(map[string]int64), keep: keep, now: c.now, formats: c.formats}
	want := make(map[string]int64)
	for range 3 {
		counted, open, err := one.once()
		c.check(err)
		for k, n := range counted {
			want[k] += n
		}
		one.open = open
	}
	want, got := withOpen(t, want, one.open), withOpen(t, c.sum, c.open)
	if !chronological(t, c, text) { // what is open is settled by the time of the log
		settled := func(name string, _ int64) bool { return strings.Contains(name, "outcome") }
		maps.DeleteFunc(want, settled)
		maps.DeleteFunc(got, settled)
		keep = "0d"
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the runs do not sum up to one (-one +sum):\n%s\n%s", d, strings.Join(c.log, "\n"))
	}
	if want["total sent"]+want["total bounced"]+want["total deferred"]+want["ledger 0"] == 0 {
		t.Errorf("one run counts nothing: %v", want)
	}
	if keep == "0d" {
		return
	}
	if d := cmp.Diff(one.report(), c.report()); d != "" {
		t.Errorf("the report from history is not that of one run (-one +many):\n%s\n%s", d, strings.Join(c.log, "\n"))
	}
}

// inOrder reports whether a scan takes these files, of which the first is rotated, in the order that they were written in.
func inOrder(t *testing.T, c *chaos, files []string) bool {
	if len(files) == 1 {
		return true
	}
	dir := t.TempDir()
	for i, name := range []string{"mail.log.1", "mail.log"} {
		c.check(os.WriteFile(filepath.Join(dir, name), []byte(files[i]), 0o600))
	}
	inputs, _, errs := source.Expand([]string{dir}, nil)
	c.check(errors.Join(errs...))
	res, err := scan.Summarise(t.Context(), scan.Config{Formats: c.formats, Forced: true, Now: c.now, Inputs: inputs})
	c.check(err)
	// Of one that tells no time, or a time that others tell before it, nobody knows when it was.
	a, b := res.Inputs[0], res.Inputs[1]
	return filepath.Base(a.Name) == "mail.log.1" && a.Begin != 0 && a.Begin < b.Begin && a.Last <= b.First
}

// chronological reports whether each line and each attempt of a log is later than those before it, but for a minute, and none wild.
func chronological(t *testing.T, c *chaos, text string) bool {
	name := filepath.Join(t.TempDir(), "mail.log")
	c.check(os.WriteFile(name, []byte(text), 0o600))
	inputs, _, errs := source.Expand([]string{name}, nil)
	c.check(errors.Join(errs...))
	newest, sorted := parsers.Stamp(0), true
	_, err := scan.Attempts(t.Context(), scan.Config{Formats: c.formats, Forced: true, Now: c.now, Inputs: inputs}, true, func(r *summary.Record) error {
		sorted = sorted && (r.Time == 0 || r.Time >= newest.Add(-time.Minute))
		newest = max(newest, r.Time)
		return nil
	})
	c.check(err)
	lines := strings.Split(text, "\n")
	var o syslog.Options
	o.Anchor = syslog.Anchor(lines, syslog.Reference{Time: c.now}, o)
	cut := syslog.NewReader(o)
	newest = 0
	for _, raw := range lines {
		if line, ok := cut.Cut(raw); ok {
			sorted = sorted && (line.Time == 0 || line.Time >= newest.Add(-time.Minute)) && line.Time < parsers.StampOf(c.now.AddDate(0, 0, 1))
			newest = max(newest, line.Time)
		}
	}
	return sorted
}

// zip compresses a file in its place.
func zip(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	return errors.Join(err, z.Close(), os.WriteFile(name+".gz", b.Bytes(), 0o600), os.Remove(name))
}

// withOpen adds to what runs summed up to what their last one left open.
func withOpen(t *testing.T, sum map[string]int64, open []byte) map[string]int64 {
	t.Helper()
	sum = maps.Clone(sum)
	if len(open) > 0 {
		var o summary.Options
		var err error
		if o.Classifier, err = classify.Default(); err != nil {
			t.Fatal(err)
		}
		left, err := summary.Decode(open, &o, func(string) uint32 { return 0 })
		if err != nil {
			t.Fatal(err)
		}
		for k, n := range tallyOf(left.Final()) {
			sum[k] += n
		}
	}
	maps.DeleteFunc(sum, func(_ string, n int64) bool { return n == 0 })
	return sum
}

// Of a log that was written anew from somewhere in its middle on, nobody can tell what is new: it is left alone, and named. Other
// logs are read on.
func TestRewritten(t *testing.T) {
	dir := t.TempDir()
	folder, array, log := filepath.Join(dir, "state"), filepath.Join(dir, "array.json"), filepath.Join(dir, "acct.csv")
	object := func(n int, comma string) string {
		return fmt.Sprintf("{\"eventType\":\"Delivery\",\"mail\":{\"timestamp\":\"2026-11-22T10:00:00Z\",\"messageId\":\"m%d\"},\"delivery\":{\"timestamp\":\"2026-11-22T10:00:01Z\",\"recipients\":[\"u%d@example.com\"]}}%s\n", n, n, comma)
	}
	write := func(name string, numbers ...int) {
		text := "["
		for i, n := range numbers {
			text += object(n, strings.Repeat(",", min(1, len(numbers)-1-i)))
		}
		if err := os.WriteFile(name, []byte(text+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(n int) {
		text := "type,timeLogged,orig,rcpt,dsnStatus\n" + strings.Repeat("d,2026-11-22 10:00:02+0000,b@example.net,ann@example.com,2.0.0\n", n)
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	numbers := make([]int, 60)
	for i := range numbers {
		numbers[i] = i
	}
	run := func(status int, attempts int64, says string) {
		t.Helper()
		r, got, stderr := reportOf(t, "--state", folder, "--now", "2026-11-22T12:00:00Z", array, log)
		if got != status || !strings.Contains(stderr, says) || status == 0 && r.Totals.Sent != attempts {
			t.Fatalf("status %d, %d attempts; want %d, %d: %s", got, r.Totals.Sent, status, attempts, stderr)
		}
	}
	rows(3)
	write(array, numbers[:50]...)
	run(0, 53, "")
	write(array, numbers[:55]...) // anew, with more behind the same
	run(0, 5, "")
	write(array, numbers...)
	run(0, 5, "")
	write(array, append(slices.Clone(numbers[:40]), numbers[5:]...)...)
	rows(4)
	run(3, 1, "it was written anew, not written on")
	rows(6)
	run(3, 2, "bouncelog state forget --state "+folder+" "+array)
	r, _, stderr := reportOf(t, "--state", folder)
	if r.Totals.Sent != 60+6 {
		t.Errorf("history has %d attempts, want 66: %s", r.Totals.Sent, stderr)
	}
}
