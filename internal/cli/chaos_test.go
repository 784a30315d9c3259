package cli

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/scan"
	"bouncelog/internal/snapshot"
	"bouncelog/internal/source"
	"bouncelog/internal/state"
	"bouncelog/internal/state/statetest"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
	"bouncelog/parsers/all"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// A chaosLine is a line of a made-up log, and when it was written.
type chaosLine struct {
	at   time.Time
	text string
}

// chaosStart is when made-up logs begin.
var chaosStart = time.Date(2026, 11, 10, 20, 0, 0, 0, time.UTC)

// chaosLog makes up the log of a Postfix: messages that are deferred, expire, bounce, take days, and whose beginning is
// missing. Its clock is set back now and then, by less than a minute.
func chaosLog(r *rand.Rand, host string, messages int) []chaosLine {
	classic := r.IntN(2) == 0
	var all []chaosLine
	for i := range messages {
		t := chaosStart.Add(time.Duration(r.IntN(3*24*3600)) * time.Second)
		id := fmt.Sprintf("%05X%05X", r.IntN(1<<8), i%97) // ids come again
		add := func(format string, args ...any) {
			t = t.Add(time.Duration(r.IntN(20)) * time.Second)
			all = append(all, chaosLine{t, fmt.Sprintf(format, args...)})
		}
		if r.IntN(10) > 0 {
			add("postfix/smtpd[1]: %s: client=a.example.net[192.0.2.1]", id)
			add("postfix/cleanup[2]: %s: message-id=<%d@example.net>", id, i)
		}
		from := []string{"news@example.net", "a@example.com", ""}[r.IntN(3)]
		rcpts := 1 + r.IntN(3)
		queued := func() {
			add("postfix/qmgr[3]: %s: from=<%s>, size=%d, nrcpt=%d (queue active)", id, from, 1000+i, rcpts)
		}
		if r.IntN(12) > 0 {
			queued()
		}
		for n := range rcpts {
			to := fmt.Sprintf("u%d@d%d.example.org", n, r.IntN(7))
			for tries := r.IntN(4); tries > 0; tries-- {
				add("postfix/smtp[4]: %s: to=<%s>, relay=mx.example.org[192.0.2.25]:25, delay=%d, dsn=4.2.%d, status=deferred (host mx.example.org[192.0.2.25] said: 450 4.2.%d try again (in reply to RCPT TO command))", id, to, r.IntN(900), tries, tries)
				t = t.Add(time.Duration(r.IntN(20)) * time.Hour / 4)
				queued()
			}
			switch r.IntN(6) {
			case 0:
				add("postfix/smtp[4]: %s: to=<%s>, relay=mx.example.org[192.0.2.25]:25, delay=1, dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.25] said: 550 5.1.1 no such user (in reply to RCPT TO command))", id, to)
			case 1:
			default:
				add("postfix/smtp[4]: %s: to=<%s>, relay=mx.example.org[192.0.2.25]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 ok)", id, to)
			}
		}
		if r.IntN(8) == 0 {
			add("postfix/qmgr[3]: %s: from=<%s>, status=expired, returned to sender", id, from)
		}
		if r.IntN(6) > 0 {
			add("postfix/qmgr[3]: %s: removed", id)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	for i := range all {
		at := all[i].at
		if r.IntN(40) == 0 {
			at = at.Add(-time.Duration(r.IntN(59)) * time.Second)
		}
		stamp := at.Format("2006-01-02T15:04:05.000000Z")
		if classic {
			stamp = at.Format("Jan _2 15:04:05")
		}
		all[i].text = stamp + " " + host + " " + all[i].text + "\n"
	}
	return all
}

// A chaos is a folder of logs in which all happens that happens to logs.
type chaos struct {
	t      *testing.T
	r      *rand.Rand
	logs   string // the folder
	lock   string
	memory *statetest.Memory

	lines   []chaosLine // that are not written yet
	rest    string      // of a line of which the beginning is
	began   time.Time   // when the current file did
	now     time.Time   // of the line that was written last
	rotated int
	clean   bool // nothing changed since the last completed run
	keep    string
	formats []parsers.Format // of the logs; nil: any
	away    string           // a file that was taken away, to come back later

	command string   // that prints something made of records; empty: report
	flags   []string // its own

	sum  map[string]int64
	open []byte
	out  string            // of the completed runs of command: all of it, or that of the last where each run prints everything
	past map[int64]reached // by generation
	log  []string          // what happened
}

func (c *chaos) path(name string) string { return filepath.Join(c.logs, name) }

func (c *chaos) note(format string, args ...any) { c.log = append(c.log, fmt.Sprintf(format, args...)) }

func (c *chaos) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%v\n%s", err, strings.Join(c.log, "\n"))
	}
}

func (c *chaos) append(name, text string) {
	f, err := os.OpenFile(c.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	c.check(err)
	_, err = io.WriteString(f, text)
	c.check(errors.Join(err, f.Close()))
}

// write writes some lines, and maybe the beginning of one more.
func (c *chaos) write() {
	n := min(len(c.lines), 1+c.r.IntN(60))
	var b strings.Builder
	b.WriteString(c.rest)
	c.rest = ""
	for _, l := range c.lines[:n] {
		if c.began.IsZero() {
			c.began = l.at
		}
		c.now = l.at
		b.WriteString(l.text)
	}
	c.lines = c.lines[n:]
	if len(c.lines) > 0 && c.r.IntN(3) == 0 && !c.began.IsZero() {
		text := c.lines[0].text
		cut := 1 + c.r.IntN(len(text)-1)
		b.WriteString(text[:cut])
		c.rest, c.lines = text[cut:], c.lines[1:]
	}
	c.append("mail.log", b.String())
	c.clean = false
	c.note("write %d lines, %d bytes to come", n, len(c.rest))
}

// finish writes the rest of a line that was begun.
func (c *chaos) finish(name string) {
	if c.rest != "" {
		c.append(name, c.rest)
		c.rest = ""
	}
}

func (c *chaos) rotate(copying bool) {
	if c.began.IsZero() || len(c.lines) == 0 || c.lines[0].at.Sub(c.began) < 2*time.Minute {
		return // their first lines would not tell which is older
	}
	c.clean = false
	for i := c.rotated; i > 0; i-- {
		for _, ext := range []string{"", ".gz", ".zst"} {
			os.Rename(c.path(fmt.Sprintf("mail.log.%d%s", i, ext)), c.path(fmt.Sprintf("mail.log.%d%s", i+1, ext)))
		}
	}
	c.rotated++
	if copying {
		c.finish("mail.log")
		text, err := os.ReadFile(c.path("mail.log"))
		c.check(err)
		c.append("mail.log.1", string(text))
		if c.r.IntN(3) == 0 {
			c.note("copied, not truncated yet")
			c.run()
		}
		c.check(os.Truncate(c.path("mail.log"), 0))
		c.note("copied and truncated")
	} else {
		c.check(os.Rename(c.path("mail.log"), c.path("mail.log.1")))
		if c.rest != "" && c.r.IntN(2) == 0 {
			c.run() // the writer has it open still
		}
		c.finish("mail.log.1")
		c.note("renamed")
	}
	c.began = time.Time{}
}

func (c *chaos) compress() {
	if c.rotated == 0 {
		return
	}
	name := fmt.Sprintf("mail.log.%d", 1+c.r.IntN(c.rotated))
	text, err := os.ReadFile(c.path(name))
	if err != nil {
		return
	}
	var b bytes.Buffer
	ext := ".gz"
	if c.r.IntN(2) == 0 {
		z := gzip.NewWriter(&b)
		_, err = z.Write(text)
		c.check(errors.Join(err, z.Close()))
	} else {
		ext = ".zst"
		z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		c.check(err)
		_, err = z.Write(text)
		c.check(errors.Join(err, z.Close()))
	}
	c.check(os.WriteFile(c.path(name+ext), b.Bytes(), 0o600))
	if c.r.IntN(3) == 0 {
		c.note("compressed %s, still there", name)
		c.run()
	}
	c.check(os.Remove(c.path(name)))
	c.note("compressed %s as %s", name, ext)
	c.clean = false
}

// delete deletes what was read.
func (c *chaos) delete() {
	if !c.clean || c.rotated == 0 {
		return
	}
	i := 1 + c.r.IntN(c.rotated)
	for _, ext := range []string{"", ".gz", ".zst"} {
		if os.Remove(c.path(fmt.Sprintf("mail.log.%d%s", i, ext))) == nil {
			c.note("deleted mail.log.%d%s", i, ext)
		}
	}
}

// rename gives a rotated file a name that tells nothing.
func (c *chaos) rename() {
	if c.rotated == 0 {
		return
	}
	i := 1 + c.r.IntN(c.rotated)
	name := fmt.Sprintf("mail.log.%d", i)
	if os.Rename(c.path(name), c.path(fmt.Sprintf("old-%d.txt", c.r.Int()))) == nil {
		c.note("renamed %s", name)
	}
}

// withhold takes a rotated file away, and brings it back the next time.
func (c *chaos) withhold() {
	if c.away != "" {
		c.check(os.Rename(c.path("../away"), c.path(c.away)))
		c.note("brought back %s", c.away)
		c.away = ""
		return
	}
	if c.rotated == 0 {
		return
	}
	name := fmt.Sprintf("mail.log.%d", 1+c.r.IntN(c.rotated))
	if os.Rename(c.path(name), c.path("../away")) == nil {
		c.note("took away %s", name)
		c.away = fmt.Sprintf("back-%d", c.r.Int())
	}
}

// run reads what is new, and may be killed on the way.
func (c *chaos) run() {
	before := c.generation()
	fault := ""
	switch c.r.IntN(6) {
	case 0:
		fault = "killed"
		c.memory.FailAt(1+c.r.IntN(16), statetest.ErrKilled)
	case 1:
		fault = "disk full"
		c.memory.FailAt(1+c.r.IntN(16), syscall.ENOSPC)
	case 2:
		fault = "power cut"
		c.memory.FailAt(1+c.r.IntN(16), statetest.ErrKilled)
	default:
		c.memory.FailAt(0, nil)
	}
	var counted map[string]int64
	var open []byte
	var out string
	var err error
	if c.command != "" {
		out, err = c.print(fault == "" && c.r.IntN(5) == 0)
	} else {
		counted, open, err = c.once()
	}
	if errors.Is(err, errChaosOutput) {
		fault = "output"
	}
	if fault == "power cut" {
		c.memory = c.memory.PowerCut(c.r)
	} else {
		c.memory.Revive()
	}
	after := c.generation()
	c.note("run, %s: %v, generation %d to %d", fault, err, before, after)
	if fault == "" {
		c.check(err)
	}
	switch {
	case after == before:
		return
	case after < before: // the power cut took back what a run had done that was killed before it was on the disk
		c.sum, c.open, c.out, c.clean = maps.Clone(c.past[after].sum), c.past[after].open, c.past[after].out, false
		return
	}
	for k, n := range counted {
		c.sum[k] += n
	}
	c.open = open
	if c.command == "attempts" {
		out = c.out + out
	}
	c.out = out
	c.past[after] = reached{maps.Clone(c.sum), open, out}
	c.clean = c.rest == "" && fault == "" // else nobody may delete a log for it yet
}

// A reached is what the runs up to a generation of the state summed up to.
type reached struct {
	sum  map[string]int64
	open []byte
	out  string
}

func (c *chaos) generation() int64 {
	s, err := state.Open("memory", c.memory)
	c.check(err)
	return s.State().Generation
}

// once is a run of a command with --state, without its output.
func (c *chaos) once() (map[string]int64, []byte, error) {
	clock := func() time.Time { return c.now }
	o := IO{Err: io.Discard, Env: os.Getenv, Clock: clock, state: func(string) state.FS { return c.memory }}
	s := session{flags: new(inputFlags), io: o}
	conf := scan.Config{Formats: c.formats, Forced: c.formats != nil, Jobs: 1 + c.r.IntN(3), Now: clock()}
	if c.formats == nil {
		conf.Formats = all.Formats()
	}
	conf.Parse.Location = time.UTC
	var err error
	conf.Summary.Classifier, err = classify.Default()
	c.check(err)
	conf.Source.ChunkSize = 4096 << c.r.IntN(4)
	flags := stateFlags{folder: c.lock, keep: c.keep}
	run, err := flags.begin(c.t.Context(), &s, "report", &conf)
	if err != nil {
		return nil, nil, err
	}
	defer run.end()
	if conf.Inputs, err = s.inputs([]string{c.logs}); err != nil {
		return nil, nil, err
	}
	if err := run.choose(c.t.Context(), &conf); err != nil {
		return nil, nil, err
	}
	res, err := s.scan(c.t.Context(), conf, run.scanner(scan.Summarise))
	c.check(err)
	c.check(errors.Join(res.Errors...))
	return tallyOf(res.Counts), run.parts[openPart], run.commit(c.t.Context(), res, nil, nil)
}

// tallyOf returns all that runs sum up to.
func tallyOf(c *summary.Counts) map[string]int64 {
	m := make(map[string]int64)
	tally := func(name string, t summary.Tally) {
		m[name+" sent"] += t.Attempts.Sent
		m[name+" deferred"] += t.Attempts.Deferred
		m[name+" bounced"] += t.Attempts.Bounced
		for o, n := range t.Outcomes {
			if summary.Outcome(o) != summary.Pending {
				m[fmt.Sprint(name, " outcome ", o)] += n
			}
		}
	}
	tally("total", c.Total)
	tally("notifications", c.Notifications)
	for d := range c.Domains() {
		tally("domain "+d.Name, d.Tally)
	}
	for d := range c.Senders() {
		tally("sender "+d.Name, d.Tally)
	}
	for _, x := range c.Replies() {
		m[fmt.Sprint("reply ", x.ReplyKey)] += x.N
	}
	for _, x := range c.Templates() {
		m["template "+x.Text] += x.N
	}
	for _, x := range c.Hosts() {
		m["host "+x.Name] += x.Lines
	}
	for i, n := range c.Ledger {
		m[fmt.Sprint("ledger ", i)] += n
	}
	for k, n := range m {
		if n == 0 {
			delete(m, k)
		}
	}
	return m
}

// newChaos returns a chaos before its first line.
func newChaos(t *testing.T, r *rand.Rand) *chaos {
	dir := t.TempDir()
	c := &chaos{t: t, r: r, logs: filepath.Join(dir, "logs"), lock: filepath.Join(dir, "state"), memory: statetest.New(), sum: make(map[string]int64)}
	c.past = map[int64]reached{0: {sum: map[string]int64{}}}
	c.check(os.Mkdir(c.logs, 0o700))
	return c
}

// whole returns a folder with all lines in it, of the log and of another host's.
func (c *chaos) whole(text, other string) (dir string) {
	dir = c.t.TempDir()
	c.check(os.WriteFile(filepath.Join(dir, "mail.log"), []byte(text), 0o600))
	c.check(os.WriteFile(filepath.Join(dir, "late.log"), []byte(other), 0o600))
	return dir
}

// live plays a history to its end, and returns the lines of the log and those of another host's. withheld: files come late.
func (c *chaos) live(withheld bool) (text, other string) {
	r := c.r
	c.lines = chaosLog(r, "mx1", 20+r.IntN(120))
	late := chaosLog(r, "mx2", 10)
	late = late[:len(late)/2+1]
	var whole, lines strings.Builder
	for _, l := range c.lines {
		whole.WriteString(l.text)
	}
	for _, l := range late {
		lines.WriteString(l.text)
	}
	text, other = whole.String(), lines.String()
	c.write()
	for len(c.lines) > 0 {
		switch r.IntN(12) {
		case 0:
			c.rotate(false)
		case 1:
			c.rotate(true)
		case 2:
			c.compress()
		case 3:
			c.delete()
		case 4:
			c.rename()
		case 5, 6, 7:
			c.run()
		case 9:
			if withheld {
				c.withhold()
			}
		case 8:
			if late != nil && late[len(late)-1].at.Before(c.now) {
				c.append("late.log", other)
				late = nil
				c.note("a late file of another host")
			}
		default:
			c.write()
		}
	}
	c.finish("mail.log")
	if late != nil {
		c.append("late.log", other)
		if last := late[len(late)-1].at; last.After(c.now) {
			c.now = last
		}
	}
	if c.away != "" {
		c.withhold()
	}
	for try := 0; ; try++ { // what is there twice is read one after the other
		before := c.generation()
		c.run()
		if try >= 3 && c.generation() > before {
			break
		}
	}
	return text, other
}

// play plays a history and compares the sum of its runs with one run over everything.
func play(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	c := newChaos(t, r)
	withheld := false
	switch seed % 3 {
	case 1:
		c.keep = "400d"
	case 2:
		c.keep, withheld = "400d", true
	}
	text, other := c.live(withheld)
	var o summary.Options
	var err error
	o.Classifier, err = classify.Default()
	c.check(err)
	if len(c.open) > 0 {
		left, err := summary.Decode(c.open, &o, func(string) uint32 { return 0 })
		c.check(err)
		for k, n := range tallyOf(left.Final()) {
			c.sum[k] += n
		}
	}

	whole := c.whole(text, other)
	inputs, _, errs := source.Expand([]string{whole}, nil)
	c.check(errors.Join(errs...))
	res, err := scan.Summarise(t.Context(), scan.Config{Formats: all.Formats(), Now: chaosStart.AddDate(0, 0, 12), Inputs: inputs, Summary: o})
	c.check(err)
	want := tallyOf(res.Counts)
	// What was written before a late file of the same host came is not taken back: it has every attempt once all the same.
	for _, status := range []string{" sent", " deferred", " bounced"} {
		if got, want := c.sum["total"+status]+c.sum["notifications"+status], want["total"+status]+want["notifications"+status]; got != want {
			t.Errorf("seed %d: runs counted %d%s, one counts %d\n%s", seed, got, status, want, strings.Join(c.log, "\n"))
		}
	}
	if d := cmp.Diff(want, c.sum); d != "" && !withheld {
		t.Errorf("seed %d: the runs do not sum up to one (-one +sum):\n%s\n%s", seed, d, strings.Join(c.log, "\n"))
	}
	if c.keep == "" {
		return
	}
	if d := cmp.Diff(want, tallyOf(c.history().Counts)); d != "" {
		t.Errorf("seed %d: the report from history is not that on the logs (-logs +history):\n%s\n%s", seed, d, strings.Join(c.log, "\n"))
	}
	one := &chaos{t: t, r: r, logs: whole, lock: c.lock, memory: statetest.New(), keep: c.keep, now: c.now}
	_, _, err = one.once()
	c.check(err)
	if d := cmp.Diff(one.report(), c.report()); d != "" {
		t.Errorf("seed %d: the report from history is not that of one run (-one +many):\n%s\n%s", seed, d, strings.Join(c.log, "\n"))
	}
}

// report returns the report from history.
func (c *chaos) report() string {
	var stdout, stderr strings.Builder
	o := IO{Out: &stdout, Err: &stderr, In: strings.NewReader(""), Env: func(string) string { return "" }, Clock: time.Now, state: func(string) state.FS { return c.memory }}
	if status := run(c.t.Context(), []string{"report", "--state", c.lock, "-f", "json", "--tz", "UTC", "--now", chaosStart.AddDate(0, 0, 12).Format(time.RFC3339)}, o); status != 0 || stderr.Len() > 0 {
		c.t.Errorf("report from history: status %d: %s", status, stderr.String())
	}
	return stdout.String()
}

// options are those of history.
func (c *chaos) options() *summary.Options {
	rules, err := classify.Default()
	c.check(err)
	return &summary.Options{Now: parsers.StampOf(chaosStart.AddDate(0, 0, 12)), Classifier: rules}
}

// history returns what history has, and checks that each of its days is one.
func (c *chaos) history() *scan.Result {
	s, err := state.Open("memory", c.memory)
	c.check(err)
	var all []*snapshot.Snapshot
	for _, p := range s.State().Parts {
		date, ok := strings.CutPrefix(p.Name, dayPart)
		if !ok {
			continue
		}
		data, err := s.Part(p.Name)
		c.check(err)
		for i := range 2 { // a snapshot can be used once
			x, err := snapshot.Read(p.Name, data)
			c.check(err)
			if i == 0 {
				all = append(all, x)
				continue
			}
			res, err := snapshot.Result([]*snapshot.Snapshot{x}, c.options())
			c.check(err)
			for _, h := range res.Counts.Hours() {
				if got := h.Start.Time().Format(time.DateOnly); got != date && h.Total() > 0 && h.Start.Time().Add(time.Hour+time.Minute).Format(time.DateOnly) != date {
					c.t.Errorf("the %s has attempts of %s", date, h.Start)
				}
			}
		}
	}
	res, err := snapshot.Result(all, c.options())
	c.check(err)
	return res
}

// TestChaos plays random histories: a hundred, with -short ten.
func TestChaos(t *testing.T) {
	first, n := chaosSeeds(t, 100, 10)
	for seed := first; seed < first+n && !t.Failed(); seed++ {
		play(t, seed)
	}
}

// chaosSeeds returns the seeds that a test plays: the first n, or so few with -short, the same each time; CHAOS_N others; or
// CHAOS_SEED alone, which a failure names.
func chaosSeeds(t *testing.T, n, short uint64) (first, count uint64) {
	number := func(key string) (v uint64, given bool) {
		s := os.Getenv(key)
		if s == "" {
			return 0, false
		}
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return v, true
	}
	first, count = 1, n
	if testing.Short() {
		count = short
	}
	if n, given := number("CHAOS_N"); given {
		first, count = rand.Uint64N(1<<32), n
	}
	if seed, given := number("CHAOS_SEED"); given {
		first, count = seed, 1
	}
	t.Logf("seeds %d to %d", first, first+count-1)
	return first, count
}
