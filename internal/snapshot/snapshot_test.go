package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/loggen"
	"bouncelog/internal/scan"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
	"bouncelog/parsers/all"
	reports "bouncelog/report"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write a snapshot of a new version into testdata, and what it means")

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func config(t testing.TB, paths ...string) scan.Config {
	t.Helper()
	inputs, _, errs := source.Expand(paths, strings.NewReader(""))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c := scan.Config{Inputs: inputs, Formats: all.Formats(), Jobs: 2, Now: now}
	c.Source.ChunkSize = 16 << 10
	c.Summary.Now = parsers.StampOf(now)
	var err error
	if c.Summary.Classifier, err = classify.Default(); err != nil {
		t.Fatal(err)
	}
	c.Summary.By = []summary.By{{summary.ByProvider, summary.ByDay}}
	return c
}

// made returns the bytes of a snapshot of some logs.
func made(t testing.TB, c scan.Config) []byte {
	t.Helper()
	res, groups, err := scan.Groups(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(res, groups, Made{"0.1.0", c.Summary.Classifier.Fingerprint(), "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, s)
}

func encoded(t testing.TB, s *Snapshot) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func opened(t testing.TB, data []byte) *Snapshot {
	t.Helper()
	s, err := Read("x.blsnap", data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func merged(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var list []*Snapshot
	for _, data := range parts {
		list = append(list, opened(t, data))
	}
	m, err := Merge(list)
	if err != nil {
		t.Fatal(err)
	}
	return encoded(t, m)
}

// results writes what a report is made of.
func results(t testing.TB, res *scan.Result) string {
	t.Helper()
	var b strings.Builder
	c := res.Counts
	fmt.Fprintf(&b, "%v %+v %+v %v %v %+v %v\n", c.Ledger, c.Total, c.Notifications, c.ByClass, c.ByOrigin, c.Internal, c.Suspended)
	fmt.Fprintf(&b, "%v %v %v %v %d %v %v %v\n", c.First, c.Last, res.Since, res.Until, res.Claimed, res.OmitsDeferrals, c.Gaps, c.Repeats)
	for _, in := range res.Inputs {
		in.Named, in.Input = false, nil
		text, _, _ := strings.Cut(fmt.Sprintf("input %+v", in), " Input:<nil>") // what follows is for the next run
		fmt.Fprintln(&b, text)
	}
	for _, x := range res.Samples {
		fmt.Fprintf(&b, "sample %v %s:%d %q %s\n", x.Bucket, x.File, x.Line, x.Text, x.Reason)
	}
	at := func(e summary.Evidence) string {
		if e.Text == "" {
			return "no example"
		}
		file, line := res.Locate(e.Pos)
		return fmt.Sprintf("%v %q %s:%d", e.Time, e.Text, file, line)
	}
	for _, x := range c.Templates() {
		fmt.Fprintf(&b, "template %q %v %d %v %s\n", x.Text, x.Reply, x.N, x.Last, at(x.Example))
	}
	for _, x := range c.Causes() {
		fmt.Fprintf(&b, "cause %s %s %s %s %d %d %v %s\n", x.Category, x.Sub, x.Rule, x.Provider, x.Deferred, x.Bounced, x.Outcomes, at(x.Example))
	}
	for _, list := range []any{byName(c.Domains()), byName(c.Senders()), byName(c.Providers()), c.Replies(), c.Hours(), c.Hosts(), c.Programs(), c.Breakdowns()} {
		b.WriteString(strings.ReplaceAll(fmt.Sprintf("%+v\n", list), "} {", "}\n{"))
	}
	for _, x := range c.DeliveryTimes() {
		fmt.Fprintf(&b, "delivered at %q %v %v %v\n", x.Provider, x.Delivered, x.GivenUp, x.Pending)
		x.Times.Buckets(func(from, to, n int64) { fmt.Fprintf(&b, "  %d to %d ms: %d\n", from, to, n) })
	}
	return b.String()
}

func byName(rows iter.Seq[summary.NamedTally]) []summary.NamedTally {
	return slices.SortedFunc(rows, func(a, b summary.NamedTally) int { return strings.Compare(a.Name, b.Name) })
}

func report(t testing.TB, o summary.Options, parts ...[]byte) string {
	t.Helper()
	var list []*Snapshot
	for _, data := range parts {
		list = append(list, opened(t, data))
	}
	if err := Adopt(&o, list); err != nil {
		t.Fatal(err)
	}
	res, err := Result(list, &o)
	if err != nil {
		t.Fatal(err)
	}
	return results(t, res)
}

// logs writes the logs of hosts, each cut into pieces at any lines, and returns their paths by host.
func logs(t testing.TB, seed uint64, hosts, pieces int) [][]string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var paths [][]string
	for h := range hosts {
		var text bytes.Buffer
		o := loggen.Options{Seed: seed*100 + uint64(h), Messages: 120, Rate: 2, Hosts: []string{fmt.Sprint("mx", h)}, Mix: loggen.Everything()}
		if _, err := loggen.Write(&text, o); err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(text.String(), "\n")
		dir := filepath.Join(t.TempDir(), fmt.Sprint("host", h))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		var list []string
		for p := range pieces {
			n := len(lines)
			if p < pieces-1 {
				n = r.IntN(len(lines) + 1)
			}
			path := filepath.Join(dir, fmt.Sprintf("mail.log.%d", pieces-p))
			if err := os.WriteFile(path, []byte(strings.Join(lines[:n], "")), 0o644); err != nil {
				t.Fatal(err)
			}
			lines = lines[n:]
			list = append(list, path)
		}
		paths = append(paths, list)
	}
	return paths
}

func flat(paths [][]string) (list []string) {
	for _, p := range paths {
		list = append(list, p...)
	}
	return list
}

func diff(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

// However logs are cut into snapshots, and in whatever order those are merged, the result is that of one scan, and the
// merged file the same.
func TestMergeIsAssociative(t *testing.T) {
	for seed := range uint64(6) {
		paths := logs(t, seed, 3, 3)
		c := config(t, flat(paths)...)
		res, err := scan.Summarise(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		want := results(t, res)
		if strings.Count(want, "\n") < 100 {
			t.Fatalf("a scan finds next to nothing:\n%s", want)
		}

		var parts [][]byte
		for _, path := range flat(paths) {
			parts = append(parts, made(t, config(t, path)))
		}
		if got := report(t, c.Summary, parts...); got != want {
			t.Fatalf("seed %d, pieces (-scan +snapshots):\n%s", seed, diff(want, got))
		}
		if got := report(t, c.Summary, made(t, c)); got != want {
			t.Fatalf("seed %d, one snapshot (-scan +snapshot):\n%s", seed, diff(want, got))
		}
		whole := merged(t, parts...)
		if again := merged(t, whole); !bytes.Equal(again, whole) {
			t.Error("a merged snapshot changes when it is merged")
		}

		// Neighbours of a host are joined in any order, and what is of different hosts in any.
		r := rand.New(rand.NewPCG(seed, 2))
		for range 3 {
			hosts := make([][][]byte, len(paths))
			for h := range hosts {
				hosts[h] = parts[h*3 : h*3+3 : h*3+3]
				for len(hosts[h]) > 1 {
					if r.IntN(3) == 0 {
						break
					}
					i := r.IntN(len(hosts[h]) - 1)
					two := [][]byte{hosts[h][i], hosts[h][i+1]}
					if r.IntN(2) == 0 { // their times tell which comes first
						two[0], two[1] = two[1], two[0]
					}
					rest := append([][]byte{}, hosts[h][:i]...)
					hosts[h] = append(append(rest, merged(t, two...)), hosts[h][i+2:]...)
				}
			}
			var list [][]byte
			for _, h := range hosts {
				list = append(list, h...)
			}
			r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			if got := report(t, c.Summary, list...); got != want {
				t.Fatalf("seed %d, merged (-scan +snapshots):\n%s", seed, diff(want, got))
			}
			if got := merged(t, list...); !bytes.Equal(got, whole) {
				t.Errorf("seed %d: merged in another order, it is another file: %d bytes, not %d", seed, len(got), len(whole))
			}
		}
	}
}

// What a piece leaves to the one before it may be as much as there are messages: nothing waits for it in vain.
func TestSnapshotOfManyMessages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	var text bytes.Buffer
	const messages = 300_000
	for i := range messages {
		fmt.Fprintf(&text, "Nov 10 10:00:00 mx1 postfix/qmgr[1]: 4X%06X: removed\n", i)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	c := config(t, path)
	c.Source.ChunkSize = 0
	data := made(t, c)
	if len(data) > 16*messages {
		t.Errorf("%d bytes for %d messages", len(data), messages)
	}
	report(t, c.Summary, data)
}

// A snapshot is the same for any number of jobs.
func TestSnapshotIsDeterministic(t *testing.T) {
	paths := flat(logs(t, 7, 2, 2))
	var want []byte
	for _, jobs := range []int{1, 2, 5, 5} {
		c := config(t, paths...)
		c.Jobs = jobs
		got := made(t, c)
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d jobs: %d bytes, not %d", jobs, len(got), len(want))
		}
	}
}

// Lines of several hosts in one input make those hosts one piece.
func TestHostsThatShareAnInput(t *testing.T) {
	dir := t.TempDir()
	line := func(day int, host, text string) string {
		return fmt.Sprintf("Nov %d 10:00:0%d %s postfix/smtp[1]: %s\n", day, day%10, host, text)
	}
	deferred := "4XyZ01: to=<a@example.org>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to mx.example.org[192.0.2.1]:25: Connection refused)"
	sent := "4XyZ01: to=<a@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=2.0.0, status=sent (250 ok)"
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := write("a.log", line(10, "mx1", deferred)+line(10, "mx2", deferred))
	second := write("b.log", line(11, "mx2", sent)+line(11, "mx1", sent))
	a, b := made(t, config(t, first)), made(t, config(t, second))
	if s := opened(t, merged(t, b, a)); len(s.Pieces) != 1 || cmp.Diff(s.Pieces[0].Hosts, []string{"mx1", "mx2"}) != "" {
		t.Errorf("pieces %+v", s.Pieces)
	}
	c := config(t, first, second)
	res, err := scan.Summarise(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if n := res.Counts.Total.Outcomes[summary.DeliveredLater]; n != 2 {
		t.Fatalf("%d deliveries after a deferral", n)
	}
	want := results(t, res)
	for _, parts := range [][][]byte{{a, b}, {b, a}, {merged(t, b, a)}, {made(t, c)}} {
		if got := report(t, c.Summary, parts...); got != want {
			t.Errorf("(-scan +snapshots):\n%s", diff(want, got))
		}
	}
}

func TestOverlapsAreTold(t *testing.T) {
	path := logs(t, 3, 1, 1)[0][0]
	a := made(t, config(t, path))
	m, err := Merge([]*Snapshot{opened(t, a), opened(t, a)})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], "of the same time, and of the same host by name") {
		t.Errorf("warnings %q", m.Warnings)
	}
}

func TestMergeOfWhatDiffers(t *testing.T) {
	path := logs(t, 3, 1, 1)[0][0]
	c := config(t, path)
	a := made(t, c)
	c = config(t, path)
	c.Summary.Domain = "example.*"
	b := made(t, c)
	x, err := Read("a.blsnap", a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Read("b.blsnap", b)
	if err != nil {
		t.Fatal(err)
	}
	const want = `b.blsnap was counted with --domain "example.*", not with no --domain as a.blsnap was; make both alike`
	var differs *summary.SettingError
	if _, err := Merge([]*Snapshot{x, y}); err == nil || err.Error() != want || !errors.As(err, &differs) {
		t.Errorf("%v\nwant %s", err, want)
	}
	if err := Adopt(&summary.Options{Domain: "a"}, []*Snapshot{y}); !errors.As(err, &differs) || differs.Name != "by" && differs.Name != "domain" {
		t.Error(err)
	}
}

func TestReadOfDamage(t *testing.T) {
	data := made(t, config(t, logs(t, 4, 1, 1)[0]...))
	for _, n := range []int{0, 1, len(magic), len(magic) + 1, len(data) / 2, len(data) - 1} {
		_, err := Read("x.blsnap", data[:n])
		if !errors.Is(err, summary.ErrCorrupt) {
			t.Errorf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	for i := len(magic) + 1; i < len(data); i += 97 {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		if _, err := Read("x.blsnap", bad); !errors.Is(err, summary.ErrCorrupt) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	newer := bytes.Clone(data)
	newer[len(magic)] = version + 1
	const want = "read snapshot x.blsnap: version 3 was written by a newer bouncelog: this one knows versions up to 2; update it, or make the snapshot anew with this one"
	if _, err := Read("x.blsnap", newer); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// A file of each version that was ever written stays readable, and means what it meant then, whatever rules and formats have
// become since.
func TestOldVersions(t *testing.T) {
	if _, err := os.Stat(fmt.Sprintf("testdata/version%d.blsnap", version)); *update && err != nil { // what was written once is kept
		data := made(t, config(t, "testdata/mail.log"))
		for name, text := range map[string][]byte{"blsnap": data, "golden": []byte(report(t, summary.Options{Now: parsers.StampOf(now)}, data))} {
			if err := os.WriteFile(fmt.Sprintf("testdata/version%d.%s", version, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for v := 1; v <= version; v++ {
		read := func(name string) []byte {
			data, err := os.ReadFile(fmt.Sprintf("testdata/version%d.%s", v, name))
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		data, want := read("blsnap"), string(read("golden"))
		if got := report(t, summary.Options{Now: parsers.StampOf(now)}, data); got != want {
			t.Errorf("version %d (-then +now):\n%s", v, diff(want, got))
		}
		if v < version {
			continue
		}
		s := opened(t, data)
		o, err := options([]*Snapshot{s})
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Pieces {
			p := &s.Pieces[i]
			b := bind([]*Piece{p})
			counts, err := b.decode(0, p, o)
			if err != nil {
				t.Fatal(err)
			}
			before := p.counts
			if p.take(counts, ofDecoded); !bytes.Equal(p.counts, before) {
				t.Errorf("version %d is written in another way than before: make it version %d, and go on reading this one", v, v+1)
			}
		}
	}
}

func FuzzContents(f *testing.F) {
	s := opened(f, made(f, config(f, flat(logs(f, 5, 1, 1))...)))
	var w writer
	w.snapshot(s)
	f.Add([]byte(w.Appender))
	f.Fuzz(func(_ *testing.T, data []byte) {
		r := reader{wire.NewReader(data), version}
		s := r.snapshot()
		if r.Err() != nil {
			return
		}
		if m, err := Merge([]*Snapshot{s}); err == nil {
			var o summary.Options
			if Adopt(&o, []*Snapshot{m}) == nil {
				Result([]*Snapshot{m}, &o)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(made(f, config(f, flat(logs(f, 5, 1, 1))...)))
	f.Fuzz(func(_ *testing.T, data []byte) { Read("x", data) })
}

// A window of snapshots, at whatever ends no piece lies on both sides of, is that of the logs, but for the list of inputs.
func TestWindow(t *testing.T) {
	windows := 0
	for seed := range uint64(2) {
		paths := logs(t, seed, 2, 5)
		c := config(t, flat(paths)...)
		var parts [][]byte
		var list []*Snapshot
		var ends []parsers.Stamp
		for _, path := range flat(paths) {
			parts = append(parts, made(t, config(t, path)))
			list = append(list, opened(t, parts[len(parts)-1]))
		}
		for _, s := range list {
			for i := range s.Pieces {
				first, last := s.Pieces[i].span()
				ends = append(ends, first, last+1)
			}
		}
		ends = append(ends, 0)
		for _, since := range ends {
			for _, until := range ends {
				if until != 0 && since >= until || since == 0 && until == 0 {
					continue
				}
				o := summary.Options{Since: since, Until: until, Now: parsers.StampOf(now), Classifier: c.Summary.Classifier}
				var all []*Snapshot
				for _, data := range parts {
					all = append(all, opened(t, data))
				}
				if err := Adopt(&o, all); err != nil {
					t.Fatal(err)
				}
				cut := false
				for _, s := range all {
					for i := range s.Pieces {
						first, last := s.Pieces[i].span()
						cut = cut || since != 0 && first < since && since <= last || until != 0 && first < until && until <= last
					}
				}
				res, err := Result(all, &o)
				var ce *CutError
				if cut != errors.As(err, &ce) || !cut && err != nil {
					t.Fatalf("seed %d, %v to %v: %v; cut: %v", seed, since, until, err, cut)
				}
				if cut {
					continue
				}
				one := config(t, flat(paths)...)
				one.Summary.Since, one.Summary.Until = since, until
				scanned, err := scan.Summarise(t.Context(), one)
				if err != nil {
					t.Fatal(err)
				}
				windows++
				if want, got := document(t, scanned, &o), document(t, res, &o); want != got {
					t.Fatalf("seed %d, %v to %v (-log +snapshots):\n%s", seed, since, until, diff(want, got))
				}
			}
		}
	}
	if windows < 20 {
		t.Errorf("only %d windows were compared", windows)
	}
}

// An attempt before the window whose sender is told in it is not counted in it, and one of no time is in no window.
func TestWindowOfWhatWaits(t *testing.T) {
	dir := t.TempDir()
	attempt := func(at, id string) string {
		return at + " mx1 postfix/smtp[1]: " + id + ": to=<a@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.2.0, status=deferred (host mx.example.com[192.0.2.1] said: 450 4.2.0 later (in reply to RCPT TO command))\n"
	}
	sender := func(at, id string) string {
		return at + " mx1 postfix/qmgr[2]: " + id + ": from=<news@example.org>, size=100, nrcpt=1 (queue active)\n"
	}
	var paths []string
	for i, text := range []string{
		attempt("2026-01-06T10:00:00+00:00", "1A2B3C4D01"),
		sender("2026-01-06T10:00:05+00:00", "1A2B3C4D01") + attempt("2026-01-06T10:00:06+00:00", "1A2B3C4D01"),
	} {
		paths = append(paths, filepath.Join(dir, fmt.Sprint("mail.log.", 2-i)))
		if err := os.WriteFile(paths[i], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	at := parsers.StampOf(time.Date(2026, 1, 6, 10, 0, 3, 0, time.UTC))
	for _, w := range []struct {
		since, until      parsers.Stamp
		deferred, pending int64
	}{{at, 0, 1, 1}, {0, at, 1, 1}, {0, at.Add(time.Hour), 2, 1}, {at.Add(time.Hour), 0, 0, 1}} {
		var all []*Snapshot
		for _, path := range paths {
			all = append(all, opened(t, made(t, config(t, path))))
		}
		o := summary.Options{Since: w.since, Until: w.until, Now: parsers.StampOf(now), Classifier: config(t).Summary.Classifier}
		if err := Adopt(&o, all); err != nil {
			t.Fatal(err)
		}
		res, err := Result(all, &o)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Counts.Total; got.Attempts.Deferred != w.deferred || got.Outcomes[summary.Pending] != w.pending {
			t.Errorf("%v to %v: %+v, want %d deferred, %d pending", w.since, w.until, got, w.deferred, w.pending)
		}
	}
	undated := filepath.Join(dir, "undated.log")
	if err := os.WriteFile(undated, []byte(strings.TrimPrefix(attempt("", "1A2B3C4D02"), " mx1 ")), 0o644); err != nil {
		t.Fatal(err)
	}
	all := []*Snapshot{opened(t, made(t, config(t, undated)))}
	o := summary.Options{Since: at, Classifier: config(t).Summary.Classifier}
	if err := Adopt(&o, all); err != nil {
		t.Fatal(err)
	}
	var cut *CutError
	if _, err := Result(all, &o); !errors.As(err, &cut) || !cut.Undated {
		t.Errorf("of no time: %v", err)
	}
}

// document returns the report on a result, without a list of inputs.
func document(t *testing.T, res *scan.Result, o *summary.Options) string {
	t.Helper()
	build := reports.Options{Locate: res.Locate, Since: res.Since.Time(), Until: res.Until.Time(), Classifier: o.Classifier, OmitsDeferrals: res.OmitsDeferrals}
	for _, x := range res.Samples {
		build.Samples = append(build.Samples, reports.Sample{Reason: x.Reason, Text: x.Text, File: x.File, Line: x.Line})
	}
	r, err := reports.Build(res.Counts, build)
	if err != nil {
		t.Fatal(err)
	}
	if o.Until != 0 { // of logs, lines that have no time are read wherever they stand
		r.Coverage = reports.Coverage{}
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
