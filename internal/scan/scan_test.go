package scan

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/loggen"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
	"bouncelog/parsers/all"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// scan reads files with the given options changed.
func scanFiles(t testing.TB, paths []string, change func(*Config)) *Result {
	t.Helper()
	inputs, _, errs := source.Expand(paths, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c := Config{Inputs: inputs, Formats: all.Formats(), Jobs: 2, Now: now, Host: "h"}
	c.Summary.Classifier = builtin()
	if change != nil {
		change(&c)
	}
	res, err := Summarise(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors)
	}
	return res
}

// builtin finds causes. One provider has a name.
var builtin = sync.OnceValue(func() *classify.Classifier {
	rules, providers, err := classify.Builtin()
	if err != nil {
		panic(err)
	}
	c, err := classify.NewClassifier(rules, append(providers, classify.Provider{Name: "example", Title: "Example", MX: []string{"example.com"}}))
	if err != nil {
		panic(err)
	}
	return c
})

// dump writes all that a report is made of. Places in the input are left out unless wanted.
func dump(r *Result, places bool) string {
	var b strings.Builder
	c := r.Counts
	fmt.Fprintf(&b, "ledger %v skipped %d repeats %d gaps %d\n", c.Ledger, c.Skipped, c.Repeats, c.Gaps)
	fmt.Fprintf(&b, "time %v %v\ntotal %+v\n", c.First, c.Last, c.Total)
	fmt.Fprintf(&b, "class %v origin %v overridden %d conflicts %d\n", c.ByClass, c.ByOrigin, c.Overridden, c.Conflicts)
	fmt.Fprintf(&b, "notifications %+v internal %+v probes %+v\n", c.Notifications, c.Internal, c.Probes)
	fmt.Fprintln(&b, "apart", c.Suspended, c.Discarded, c.Unattempted, c.Suppressed, c.Async, c.Connects, c.Inbound)
	domains := byName(c.Domains())
	tops := c.TopReplies(domains)
	for _, x := range domains {
		fmt.Fprintf(&b, "domain %+v\n", x)
		if top, ok := tops[x.Name]; ok {
			fmt.Fprintf(&b, "  top %+v\n", top)
		}
	}
	for _, x := range byName(c.Senders()) {
		fmt.Fprintf(&b, "sender %+v\n", x)
	}
	for _, x := range c.Replies() {
		fmt.Fprintf(&b, "reply %+v\n", x)
	}
	for _, x := range c.Hours() {
		fmt.Fprintf(&b, "hour %+v\n", x)
	}
	for _, x := range byName(c.Providers()) {
		fmt.Fprintf(&b, "provider %+v\n", x)
	}
	for _, x := range c.Causes() {
		x.Example.Pos = summary.Pos{}
		fmt.Fprintf(&b, "cause %+v\n", x)
	}
	for _, x := range c.DeliveryTimes() {
		fmt.Fprintf(&b, "delivered at %q %d given up %d pending %d\n", x.Provider, x.Delivered, x.GivenUp, x.Pending)
		x.Times.Buckets(func(from, to, n int64) { fmt.Fprintf(&b, "  %d to %d ms: %d\n", from, to, n) })
	}
	for _, x := range c.Breakdowns() {
		for _, row := range x.Rows {
			fmt.Fprintf(&b, "by %v: %+v\n", x.By, row)
		}
	}
	for _, x := range c.Hosts() {
		fmt.Fprintf(&b, "host %+v\n", x)
	}
	for _, x := range c.Programs() {
		fmt.Fprintf(&b, "program %+v\n", x)
	}
	for _, x := range c.Templates() {
		file, line := r.Locate(x.Example.Pos)
		if !places {
			file, line = "", 0
		}
		fmt.Fprintf(&b, "template %q %v %d %v example %v %q %s:%d\n", x.Text, x.Reply, x.N, x.Last, x.Example.Time, x.Example.Text, file, line)
	}
	if places {
		for _, x := range r.Samples {
			fmt.Fprintf(&b, "sample %d %s:%d %q %q\n", x.Bucket, x.File, x.Line, x.Text, x.Reason)
		}
		for _, in := range r.Inputs {
			fmt.Fprintf(&b, "input %+v\n", in)
		}
	}
	return b.String()
}

// generate writes a log of everything that can go wrong.
func generate(t testing.TB, seed uint64, change func(*loggen.Options)) (path string, truth loggen.Truth) {
	t.Helper()
	o := loggen.Options{Seed: seed, Messages: 1500, Hosts: []string{"mx1", "mx2"}, Domains: 60, Rate: 2,
		Start: time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC), Mix: loggen.Everything()}
	if change != nil {
		change(&o)
	}
	var b bytes.Buffer
	truth, err := loggen.Write(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "mail.log", b.Bytes()), truth
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func differ(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
		if len(d) > 4000 {
			d = d[:4000]
		}
		t.Fatalf("%s: the result differs (-want +got):\n%s", what, d)
	}
}

// The log generator knows what it wrote; the scan has to find just that.
func TestTruth(t *testing.T) {
	for _, header := range []string{loggen.RFC3164, loggen.ISO, loggen.RFC5424, loggen.Maillog} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", header, seed), func(t *testing.T) {
				path, truth := generate(t, seed, func(o *loggen.Options) {
					o.Header, o.LongIDs, o.Cut = header, seed%2 == 1, seed == 2
					if seed == 3 {
						o.CutStart = time.Minute
					}
					if header == loggen.Maillog {
						o.Hosts = o.Hosts[:1]
					}
				})
				checkTruth(t, scanFiles(t, []string{path}, nil), &truth)
			})
		}
	}
}

func checkTruth(t *testing.T, res *Result, truth *loggen.Truth) {
	t.Helper()
	c := res.Counts
	attempts := func(a loggen.Attempts) summary.Attempts {
		return summary.Attempts{Sent: a.Sent, Deferred: a.Deferred, Bounced: a.Bounced}
	}
	tally := func(x loggen.Tally) summary.Tally {
		o := x.Outcomes
		return summary.Tally{Attempts: attempts(x.Attempts), Outcomes: summary.Outcomes{o.DeliveredFirst, o.DeliveredLater,
			o.DeliveredUnknown, o.Bounced, o.Expired, o.Pending, o.Lost}}
	}
	type all struct {
		Total, Notifications                      summary.Tally
		Internal, Probes                          summary.Attempts
		Suspended, Repeats, Overridden, Conflicts int64
		Success, Transient, Permanent             int64
		OriginRemote, OriginLocal                 int64
		Lines, Delivery, Malformed                int64
		Tried, Rejected                           int64
	}
	k := truth.Lines.Ledger()
	want := all{tally(truth.Total), tally(truth.Notifications), attempts(truth.Internal), attempts(truth.Probes),
		truth.Suspended, truth.Repeats, truth.Overridden, truth.Conflicts,
		truth.Classes.Success, truth.Classes.Transient, truth.Classes.Permanent,
		truth.Origins.Remote, truth.Origins.Local,
		truth.Lines.Total(), k.Delivery, k.Malformed,
		truth.Lines.Tried + truth.Lines.Connects, truth.Lines.Rejected}
	l := &c.Ledger
	got := all{c.Total, c.Notifications, c.Internal, c.Probes, c.Suspended, c.Repeats, c.Overridden, c.Conflicts,
		c.ByClass[parsers.Success], c.ByClass[parsers.Transient], c.ByClass[parsers.Permanent],
		c.ByOrigin[parsers.OriginRemote], c.ByOrigin[parsers.OriginLocal],
		l.Lines(), l[summary.Delivery], l[summary.Malformed],
		c.Connects, c.Inbound}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("counts differ (-truth +scan):\n%s", d)
	}
	if l[summary.Context] < k.Context || l[summary.Ignored] < k.Ignored {
		t.Errorf("ledger %v, want at least %+v", *l, k)
	}
	byName := make(map[string]summary.Tally)
	for d := range c.Domains() {
		byName[d.Name] = d.Tally
	}
	for _, d := range truth.Domains {
		if diff := cmp.Diff(tally(d.Tally), byName[d.Name]); diff != "" {
			t.Errorf("domain %s differs (-truth +scan):\n%s", d.Name, diff)
		}
		delete(byName, d.Name)
	}
	if len(byName) > 0 {
		t.Errorf("domains that nobody wrote to: %v", byName)
	}
}

func TestSameForAnyJobsAndChunks(t *testing.T) {
	path, _ := generate(t, 7, nil)
	for n := range breakdowns {
		want := dump(scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = 1, 8<<20; breakdowns[n](c) }), true)
		for _, jobs := range []int{1, 2, 3, 8} {
			for _, chunk := range []int{4 << 10, 8 << 10, 64 << 10, 1 << 20, 8 << 20} {
				if n > 0 && (jobs != 3 || chunk != 8<<10 && chunk != 64<<10) {
					continue
				}
				got := dump(scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = jobs, chunk; breakdowns[n](c) }), true)
				differ(t, fmt.Sprintf("%d jobs, chunks of %d, breakdowns %d", jobs, chunk, n), got, want)
			}
		}
	}
}

// breakdowns ask for none, and for each dimension at least once.
var breakdowns = []func(*Config){
	func(*Config) {},
	func(c *Config) {
		c.Summary.By = []summary.By{{summary.ByCampaign, summary.ByCategory}, {summary.ByHour, summary.BySenderDomain}, {summary.ByRelay, summary.ByCode}, {summary.ByInstance, summary.ByTransport}}
	},
	func(c *Config) {
		c.Summary.By = []summary.By{{summary.ByCampaign}, {summary.ByDomain, summary.ByDay}, {summary.BySender, summary.ByHost}, {summary.ByProvider, summary.BySourceIP}}
		c.Summary.CampaignFrom, c.Summary.Campaign = summary.CampaignMessageID, "*a*"
	},
	func(c *Config) {
		c.Summary.Campaign = "b*"
	},
}

func TestSameForAnyCompression(t *testing.T) {
	path, _ := generate(t, 8, nil)
	text := read(t, path)
	want := dump(scanFiles(t, []string{path}, nil), false)
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(text)
	w.Close()
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(text)
	z.Close()
	small := func(c *Config) { c.Source.ChunkSize = 16 << 10 }
	differ(t, "gzip", dump(scanFiles(t, []string{write(t, "a.gz", gz.Bytes())}, small), false), want)
	differ(t, "zstd", dump(scanFiles(t, []string{write(t, "a.zst", zs.Bytes())}, small), false), want)

	inputs, _, errs := source.Expand([]string{"-"}, bytes.NewReader(text))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	got := scanFiles(t, []string{path}, func(c *Config) { c.Inputs = inputs; small(c) })
	differ(t, "stdin", dump(got, false), want)
}

// However a log is cut into files, in whatever order they are given, the result is the same.
func TestSameForAnyCut(t *testing.T) {
	for seed := range uint64(6) {
		path, _ := generate(t, seed, func(o *loggen.Options) { o.Messages = 600 })
		by := breakdowns[seed%uint64(len(breakdowns))]
		want := dump(scanFiles(t, []string{path}, by), false)
		lines := bytes.SplitAfter(read(t, path), []byte("\n"))
		r := rand.New(rand.NewPCG(seed, 1))
		for range 4 {
			dir := t.TempDir()
			var paths []string
			for i := 0; len(lines) > 0 && i < len(lines); {
				n := 1 + r.IntN(len(lines)/2)
				n = min(n, len(lines)-i)
				// Pieces that begin in the same second cannot be put in order by their first stamps: names decide.
				p := filepath.Join(dir, fmt.Sprintf("mail.log-2026%04d", len(paths)))
				if err := os.WriteFile(p, bytes.Join(lines[i:i+n], nil), 0o600); err != nil {
					t.Fatal(err)
				}
				paths = append(paths, p)
				i += n
			}
			r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
			for _, jobs := range []int{1, 3} {
				got := scanFiles(t, paths, func(c *Config) { c.Jobs, c.Source.ChunkSize = jobs, 8<<10; by(c) })
				if len(got.Warnings) > 0 {
					t.Error(got.Warnings)
				}
				differ(t, fmt.Sprintf("seed %d, %d files, %d jobs", seed, len(paths), jobs), dump(got, false), want)
			}
		}
	}
}

// Whatever the bytes, every line is in one bucket, and the result does not depend on the cut.
func FuzzScan(f *testing.F) {
	var b bytes.Buffer
	if _, err := loggen.Write(&b, loggen.Options{Seed: 1, Messages: 20, Mix: loggen.Everything()}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("\n\nJan  1 00:00:00 h postfix/smtp[1]: A1B2C3: to=<a@b>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.1, status=deferred (x)\r\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		if len(log) == 0 {
			return
		}
		in := func(jobs, chunk int) *Result {
			inputs, _, errs := source.Expand([]string{"-"}, bytes.NewReader(log))
			if len(errs) > 0 {
				t.Skip()
			}
			c := Config{Inputs: inputs, Formats: all.Formats(), Jobs: jobs, Now: now}
			c.Source.ChunkSize = chunk
			res, err := Summarise(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		one := in(1, 1<<20)
		if len(one.Errors) > 0 {
			return // not a log: said so
		}
		lines := int64(bytes.Count(log, []byte("\n")))
		if log[len(log)-1] != '\n' {
			lines++
		}
		// Objects that share a line count one by one.
		if got := one.Counts.Ledger.Lines(); (got < lines || got > lines+int64(bytes.Count(log, []byte("{")))) && len(one.Warnings) == 0 {
			t.Errorf("%d lines in the ledger, %d in the input", got, lines)
		}
		differ(t, "3 jobs", dump(in(3, 4<<10), true), dump(one, true))
	})
}

func BenchmarkSummarise(b *testing.B) {
	bench := func(name string, log []byte, formats []parsers.Format) {
		path := write(b, "mail.log", log)
		lines := bytes.Count(log, []byte("\n"))
		for _, jobs := range []int{1, 2} {
			b.Run(fmt.Sprintf("format=%s/jobs=%d", name, jobs), func(b *testing.B) {
				b.SetBytes(int64(len(log)))
				b.ReportAllocs()
				for b.Loop() {
					scanFiles(b, []string{path}, func(c *Config) { c.Formats, c.Jobs = formats, jobs })
				}
				b.ReportMetric(float64(lines), "lines/op")
			})
		}
	}
	var log bytes.Buffer
	if _, err := loggen.Write(&log, loggen.Options{Seed: 1, Size: 64 << 20, LongIDs: true, Rate: 200, Mix: loggen.Typical()}); err != nil {
		b.Fatal(err)
	}
	bench("postfix", log.Bytes(), all.Formats())
	for _, name := range loggen.OtherLogs() {
		if !slices.ContainsFunc(all.Formats(), func(f parsers.Format) bool { return f.Name == name }) {
			continue // the user's own
		}
		log.Reset()
		if _, err := loggen.WriteOther(&log, name, 32<<20, 1); err != nil {
			b.Fatal(err)
		}
		bench(name, log.Bytes(), all.Formats())
	}
}

// The logs of other MTAs hold as many attempts as their generator wrote.
func TestOtherLogs(t *testing.T) {
	for _, name := range loggen.OtherLogs() {
		if !slices.ContainsFunc(all.Formats(), func(f parsers.Format) bool { return f.Name == name }) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			counts, err := loggen.WriteOther(&log, name, 2<<20, 3)
			if err != nil {
				t.Fatal(err)
			}
			path := write(t, "mail.log", log.Bytes())
			first := scanFiles(t, []string{path}, nil)
			c := first.Counts
			want := summary.Attempts{Sent: counts.Sent, Deferred: counts.Deferred, Bounced: counts.Bounced}
			if c.Total.Attempts != want {
				t.Errorf("got %+v, want %+v", c.Total.Attempts, want)
			}
			if l := c.Ledger; l[summary.Unrecognised]+l[summary.Malformed]+l[summary.Overlong] > 0 {
				t.Errorf("ledger %v: every line is known", l)
			}
			for _, chunk := range []int{4 << 10, 100 << 10} {
				got := scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = 3, chunk })
				differ(t, fmt.Sprintf("chunks of %d", chunk), dump(got, true), dump(first, true))
			}
		})
	}
}

// The last resort reads lines behind headers and lines without, in one log.
func TestLastResortAmongHeaders(t *testing.T) {
	path := write(t, "mta.log", []byte(`2026-11-20 10:08:00 delivery to=<a@example.net> status=bounced response: 550 5.1.1 unknown
2026-11-20 10:08:01 delivery to=<b@example.net> status=bounced response: 550 5.1.1 unknown
2026-11-20 10:08:02 delivery to=<c@example.net> status=bounced response: 550 5.1.1 unknown
Nov 20 10:09:00 mx1 mta[1]: delivery to=<d@example.net> status=deferred response: 451 4.7.1 later
`))
	for _, forced := range []bool{false, true} {
		c := scanFiles(t, []string{path}, func(c *Config) {
			if c.Forced = forced; forced {
				c.Formats = slices.DeleteFunc(c.Formats, func(f parsers.Format) bool { return f.Name != "generic" })
			}
		}).Counts
		if got := c.Total.Attempts; got != (summary.Attempts{Deferred: 1, Bounced: 3}) || c.Last.String() != "2026-11-20T10:09:00Z" {
			t.Errorf("forced %v: %+v, last %v, ledger %v", forced, got, c.Last, c.Ledger)
		}
	}
}

// What an old syslogd says of itself is no line that nobody knows, and no delivery either.
func TestRepeatNotice(t *testing.T) {
	path := write(t, "mail.log", []byte(`Nov 20 10:08:00 mx1 postfix/smtp[1]: 9F2C41D07A: to=<a@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)
Nov 20 10:08:10 mx1 last message repeated 3 times
Nov 20 10:08:20 mx1 --- last message repeated 2 times ---
`))
	c := scanFiles(t, []string{path}, nil).Counts
	if c.Total.Attempts.Sent != 1 || c.Ledger[summary.Delivery] != 1 || c.Ledger[summary.Ignored] != 2 {
		t.Errorf("%+v, ledger %v", c.Total.Attempts, c.Ledger)
	}
}

// The records are the same however the input is cut, and add up to what Summarise counts.
func TestAttempts(t *testing.T) {
	for seed := range uint64(4) {
		path, _ := generate(t, seed, func(o *loggen.Options) { o.LongIDs = seed%2 == 1 })
		list := func(jobs, chunk int) (out []string, total summary.Attempts, expired int64) {
			inputs, _, errs := source.Expand([]string{path}, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			c := Config{Inputs: inputs, Formats: all.Formats(), Jobs: jobs, Now: now, Host: "h"}
			c.Source.ChunkSize = chunk
			res, err := Attempts(t.Context(), c, true, func(r *summary.Record) error {
				out = append(out, fmt.Sprintf("%+v", *r))
				switch {
				case r.Inbound || r.Sender == parsers.NullSender:
				case r.Status == parsers.StatusExpired:
					expired++
				case !r.NotAttempted && (r.Kind == parsers.Remote || r.Kind == parsers.Local):
					switch r.Status {
					case parsers.StatusSent:
						total.Sent++
					case parsers.StatusDeferred:
						total.Deferred++
					case parsers.StatusBounced:
						total.Bounced++
					}
				}
				return nil
			})
			if err != nil || len(res.Errors) > 0 {
				t.Fatal(err, res.Errors)
			}
			return out, total, expired
		}
		want, total, expired := list(1, 8<<20)
		sum := scanFiles(t, []string{path}, nil).Counts
		if total != sum.Total.Attempts || expired != sum.Total.Outcomes[summary.Expired] {
			t.Errorf("seed %d: records %+v and %d expired, summary %+v and %d", seed, total, expired, sum.Total.Attempts, sum.Total.Outcomes[summary.Expired])
		}
		for _, jobs := range []int{1, 3} {
			for _, chunk := range []int{4 << 10, 64 << 10} {
				got, _, _ := list(jobs, chunk)
				differ(t, fmt.Sprintf("seed %d, %d jobs, chunks of %d", seed, jobs, chunk), strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

func TestRotatedFilesAreInOrder(t *testing.T) {
	want := []string{"mail.log-20261120", "mail.log-20261121.gz", "mail.log.10.gz", "mail.log.2.gz", "mail.log.1", "mail.log"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareAge)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Headers without a year get the one that a line behind one of them proves.
func TestYearIsProven(t *testing.T) {
	const exim = " h1 exim[7]: "
	for _, test := range []struct{ log, want string }{
		{"Mar  4 05:06:07" + exim + "1tpJm7-0001AB-2d => a@example.com R=x T=y\n", "2025-03-04T05:06:07Z"},
		{"Mar  4 05:06:07" + exim + "2024-03-04 05:06:06 cwd=/ 1 args: exim\nMar  4 05:06:07 h1 postfix/smtp[1]: 4B1C2D3E4F5: to=<a@example.com>, relay=none, delay=1, delays=0/0/0/0, dsn=4.4.1, status=deferred (x)\n", "2026-03-04T05:06:07Z"},
		{"Mar  4 05:06:07" + exim + "2024-03-04 05:06:06 1tpJm7-0001AB-2d Completed\nMar  4 05:06:07 h1 postfix/smtp[1]: 4B1C2D3E4F5: to=<a@example.com>, relay=none, delay=1, delays=0/0/0/0, dsn=4.4.1, status=deferred (x)\n", "2024-03-04T05:06:07Z"},
		{"Jan  1 00:00:00" + exim + "2025-12-31 23:59:59 1tpJm7-0001AB-2d Completed\nJan  1 00:00:01 h1 postfix/smtp[1]: 4B1C2D3E4F5: to=<a@example.com>, relay=none, delay=1, delays=0/0/0/0, dsn=4.4.1, status=deferred (x)\n", "2026-01-01T00:00:01Z"},
	} {
		var got []string
		c := Config{Formats: all.Formats(), Now: now}
		c.Inputs, _, _ = source.Expand([]string{write(t, "mail.log", []byte(test.log))}, nil)
		_, err := Attempts(t.Context(), c, false, func(r *summary.Record) error {
			got = append(got, r.Time.String())
			return nil
		})
		if err != nil || len(got) != 1 || got[0] != test.want {
			t.Errorf("%s%v, %v, want %s", test.log, got, err, test.want)
		}
	}
}

func TestStem(t *testing.T) {
	for path, want := range map[string]string{
		"/var/log/mail.log": "/var/log/mail.log", "/var/log/mail.log.1": "/var/log/mail.log", "/var/log/mail.log.2.gz": "/var/log/mail.log",
		"/var/log/mail.log-20261120.gz": "/var/log/mail.log", "mainlog-202611": "mainlog", "mail.log-2026-11-20.1": "mail.log",
		"mail-1": "mail-1", "mail-123456": "mail-123456", "-20261120": "-20261120", "x/-202611": "x/-202611", "maillog": "maillog", ".1": ".1", "a/.gz": "a/.gz",
		"/var/log/qmail/current": "/var/log/qmail", "/var/log/qmail/@4000000065f1a2b30c0d0e0f.s": "/var/log/qmail",
		"/var/log/kumomta/20261122-100000": "/var/log/kumomta", "logs/@home.log": "logs/@home.log",
	} {
		if got := stem(path); got != want {
			t.Errorf("stem(%q) = %q, want %q", path, got, want)
		}
	}
}

// What two inputs share is found even where it is little, and nothing where they share nothing.
func TestSketch(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 6))
		n := 500 + r.IntN(6000)
		var a, b, c sketch
		all := make([]uint64, 0, n)
		for i := range n {
			h := r.Uint64()
			a.note(h)
			all = append(all, h)
			if i%10 == 0 {
				b.note(h)
			} else {
				b.note(r.Uint64())
			}
			c.note(r.Uint64())
		}
		for _, k := range []*sketch{&a, &b, &c} {
			k.trim()
		}
		slices.Sort(all)
		if d := cmp.Diff(all[:min(n, sketchSize)], a.hashes); d != "" {
			t.Fatalf("seed %d: not the smallest:\n%s", seed, d)
		}
		share := func(a, b *sketch) bool {
			return slices.ContainsFunc(a.hashes, func(h uint64) bool { return slices.Contains(b.hashes, h) })
		}
		if !share(&a, &b) || share(&a, &c) {
			t.Errorf("seed %d, %d lines: shared with a copy of a tenth %v, with a stranger %v", seed, n, share(&a, &b), share(&a, &c))
		}
	}
}

// One stamp of the far future does not make lost what is pending.
func TestFutureStamp(t *testing.T) {
	log := `2026-11-20T10:00:00Z mx1 postfix/qmgr[1]: 1A2B3C4D01: from=<s@example.com>, size=1, nrcpt=1 (queue active)
2026-11-20T10:00:01Z mx1 postfix/smtp[2]: 1A2B3C4D01: to=<a@example.org>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx.example.org[192.0.2.1]:25: Connection timed out)
2036-11-20T10:00:02Z mx1 postfix/smtpd[3]: connect from unknown[192.0.2.9]
`
	got := scanFiles(t, []string{write(t, "mail.log", []byte(log))}, nil).Counts.Total.Outcomes
	if want := (summary.Outcomes{summary.Pending: 1}); got != want {
		t.Errorf("outcomes %v, want %v", got, want)
	}
}

func byName(rows iter.Seq[summary.NamedTally]) []summary.NamedTally {
	return slices.SortedFunc(rows, func(a, b summary.NamedTally) int { return strings.Compare(a.Name, b.Name) })
}
