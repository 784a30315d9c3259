package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // --tz has to work where no zones are installed

	"bouncelog/internal/scan"
	"bouncelog/internal/snapshot"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
	"bouncelog/parsers/custom"
	"bouncelog/report"

	"github.com/spf13/pflag"
)

// Each job holds a few blocks. What lies beyond these bounds is a slip of the keyboard, or would fill memory.
const (
	maxJobs  = 256
	minChunk = 4 << 10
	maxChunk = 1 << 30
)

// inputFlags are the flags of every command that reads logs.
type inputFlags struct {
	own        ownFormats
	format     string
	logFormat  string
	jobs       int
	chunkSize  int
	host       string
	hostAlias  []string
	internal   []string
	dedupe     bool
	allowEmpty bool
	coverage   float64

	now, tz, since, until, last string
	year                        int
	yesterday                   bool

	domain, sender, job string
	campaign            campaignFlags

	quiet, verbose, noProgress bool
}

func (f *inputFlags) add(s *pflag.FlagSet) {
	f.addBrief(s)
	s.StringVar(&f.logFormat, "log-format", "", "read the logs by a `pattern`: 'dissect to=<%{recipient}> … %{diagnostic}' or 'regex (?P<recipient>…)'")
	s.StringVar(&f.format, "input-format", "", "`format` of the logs, as bouncelog formats lists them (default: detected)")
	s.IntVarP(&f.jobs, "jobs", "j", f.jobs, "how many blocks to parse side by side, in threads; the output is the same for any number")
	s.IntVar(&f.chunkSize, "chunk-size", 0, "bytes of a block; the output is the same for any size (default: 256 KiB)")
	s.StringVar(&f.host, "host", "", "host of lines that name none (default: the input's folder and name without what rotation adds)")
	s.StringSliceVar(&f.hostAlias, "host-alias", nil, "take host `A=B` for B")
	s.StringSliceVar(&f.internal, "internal-relay", nil, "`CIDR|HOST` that is one of our own: deliveries to it are hops inside the house")
	s.BoolVar(&f.dedupe, "dedupe", false, "count a line once that stands in several inputs (reads them one after the other)")
	s.BoolVar(&f.allowEmpty, "allow-empty", false, "exit 0 even where no line was recognised")
	s.Float64Var(&f.coverage, "min-coverage", 0, "exit 4 where less than this share of the lines is recognised, in `percent`")
	s.StringVar(&f.now, "now", "", "the `time` to take for now, RFC 3339; the reference for stamps without year")
	s.StringVar(&f.tz, "tz", "", "time `zone` of stamps that name none, and of --since, --until, --yesterday (default: the local one)")
	s.IntVar(&f.year, "year", 0, "year of the first stamp of each input, where stamps name none (default: the latest that is not in the future)")
	s.StringVar(&f.since, "since", "", "count from this `time` on (2006-01-02, 2006-01-02T15:04, RFC 3339)")
	s.StringVar(&f.until, "until", "", "count up to this `time`, itself not included; a date means its midnight")
	s.StringVar(&f.last, "last", "", "count the last `duration` before now (36h, 7d)")
	s.BoolVar(&f.yesterday, "yesterday", false, "count the whole day before today")
	s.StringVar(&f.domain, "domain", "", "count recipients at domains like `glob` only")
	s.StringVar(&f.sender, "sender", "", "count senders like `glob` only (* stands for anything)")
	s.StringVar(&f.job, "job", "", "count jobs like `glob` only, where the log names them")
	s.StringVar(&f.campaign.glob, "campaign", "", "count campaigns like `glob` only")
	s.StringVar(&f.campaign.from, "campaign-from", "", "what tells campaigns apart: verp (default; the sender without recipient, signature and numbers), sender, message-id (its domain), job, header:`NAME` (where the log quotes that field)")
}

// addBrief adds the flags of commands that look at logs and count nothing, and sets the others.
func (f *inputFlags) addBrief(s *pflag.FlagSet) {
	f.jobs = min(runtime.GOMAXPROCS(0), maxJobs)
	f.own.add(s)
	s.BoolVarP(&f.quiet, "quiet", "q", false, "no notes on stderr, errors only")
	s.BoolVarP(&f.verbose, "verbose", "v", false, "say what was read, skipped and not understood")
	s.BoolVar(&f.noProgress, "no-progress", false, "no progress bar")
}

// config makes the scan's configuration out of the flags.
func (f *inputFlags) config(o IO) (scan.Config, error) {
	c := scan.Config{Jobs: f.jobs, Host: f.host, Year: f.year, Dedupe: f.dedupe, Clock: o.Clock()}
	c.Source.ChunkSize = f.chunkSize
	if f.jobs < 1 || f.jobs > maxJobs {
		return c, usagef("--jobs %d: give 1 to %d", f.jobs, maxJobs)
	}
	if f.chunkSize != 0 && (f.chunkSize < minChunk || f.chunkSize > maxChunk) {
		return c, usagef("--chunk-size %d: give %d to %d bytes, or 0 for the default", f.chunkSize, minChunk, maxChunk)
	}
	if !(f.coverage >= 0 && f.coverage <= 100) { // NaN is neither
		return c, usagef("--min-coverage %v: give a percentage, 0 to 100", f.coverage)
	}
	if f.year != 0 && (f.year < 1970 || f.year > 9999) {
		return c, usagef("--year %d: give a year like 2026", f.year)
	}
	var err error
	if c.Formats, err = f.own.formats(o); err != nil {
		return c, err
	}
	if f.logFormat != "" {
		if f.format != "" {
			return c, usagef("--log-format and --input-format exclude each other; give one")
		}
		one, err := custom.OneOff(f.logFormat)
		if err != nil {
			return c, usagef("--log-format %w", err)
		}
		c.Formats, c.Forced = []parsers.Format{one.Format()}, true
	}
	if f.format != "" {
		i := slices.IndexFunc(c.Formats, func(g parsers.Format) bool { return g.Name == f.format })
		if i < 0 {
			return c, usagef("--input-format %q: unknown; `bouncelog formats` lists what there is", f.format)
		}
		c.Formats, c.Forced = c.Formats[i:i+1], true
	}
	loc, err := time.LoadLocation(f.tz)
	if f.tz == "" {
		loc, err = time.Local, nil
	}
	if err != nil {
		return c, usagef("--tz %q: %w; give a name like Europe/Berlin or UTC", f.tz, err)
	}
	c.Parse.Location = loc
	if f.now != "" {
		if c.Now, err = time.Parse(time.RFC3339, f.now); err != nil {
			return c, usagef("--now %q: give a time like 2026-11-22T12:00:00Z", f.now)
		}
	}
	if c.Summary, err = f.window(c, loc); err != nil {
		return c, err
	}
	c.Summary.Domain, c.Summary.Sender, c.Summary.Job = strings.ToLower(f.domain), strings.ToLower(f.sender), strings.ToLower(f.job)
	for _, g := range []struct{ flag, glob string }{{"domain", f.domain}, {"sender", f.sender}, {"job", f.job}} {
		if !summary.ValidGlob(g.glob) {
			return c, usagef("--%s %q: not a pattern; * stands for anything, ? for one character", g.flag, g.glob)
		}
	}
	if err := f.campaign.set(&c.Summary, &c.Parse); err != nil {
		return c, err
	}
	for _, a := range f.hostAlias {
		from, to, ok := strings.Cut(a, "=")
		if !ok || from == "" || to == "" {
			return c, usagef("--host-alias %q: give A=B", a)
		}
		if c.HostAlias == nil {
			c.HostAlias = make(map[string]string)
		}
		c.HostAlias[from] = to
	}
	for _, r := range f.internal {
		if p, err := netip.ParsePrefix(r); err == nil {
			c.Parse.InternalRelays = append(c.Parse.InternalRelays, p)
		} else if ip, err := netip.ParseAddr(r); err == nil {
			c.Parse.InternalRelays = append(c.Parse.InternalRelays, netip.PrefixFrom(ip, ip.BitLen()))
		} else if strings.ContainsAny(r, "/[] ") || r == "" {
			return c, usagef("--internal-relay %q: give a network like 10.0.0.0/8, an address or a host name", r)
		} else {
			c.Parse.InternalHosts = append(c.Parse.InternalHosts, strings.ToLower(r))
		}
	}
	return c, nil
}

// window makes the time window out of the flags.
func (f *inputFlags) window(c scan.Config, loc *time.Location) (w summary.Options, err error) {
	ways := 0
	for _, set := range []bool{f.since != "" || f.until != "", f.last != "", f.yesterday} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		return w, usagef("--since/--until, --last and --yesterday exclude each other; give one")
	}
	now := c.Now
	if now.IsZero() {
		now = c.Clock
	}
	now = now.In(loc)
	at := func(name, s string) parsers.Stamp {
		if s == "" || err != nil {
			return 0
		}
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
			if t, e := time.ParseInLocation(layout, s, loc); e == nil {
				return parsers.StampOf(t)
			}
		}
		err = usagef("--%s %q: give a time like 2026-11-20, 2026-11-20T15:04 or RFC 3339", name, s)
		return 0
	}
	switch {
	case f.last != "":
		d, e := duration(f.last)
		if e != nil || d <= 0 {
			return w, usagef("--last %q: give a duration like 36h or 7d", f.last)
		}
		w.Since, w.Until = parsers.StampOf(now.Add(-d)), parsers.StampOf(now)
	case f.yesterday:
		y, m, d := now.Date()
		w.Since = parsers.StampOf(time.Date(y, m, d-1, 0, 0, 0, 0, loc))
		w.Until = parsers.StampOf(time.Date(y, m, d, 0, 0, 0, 0, loc))
	default:
		w.Since, w.Until = at("since", f.since), at("until", f.until)
	}
	if err == nil && w.Until != 0 && w.Since >= w.Until {
		err = usagef("--since %s is not before --until %s: nothing can be between them", f.since, f.until)
	}
	return w, err
}

// duration reads a Go duration, or days: 7d.
func duration(s string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.Atoi(n)
		return time.Duration(days) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// session is one reading of inputs by a command.
type session struct {
	flags *inputFlags
	io    IO
	args  []string
	errs  []error

	// counts: nothing is asked about but counts, so snapshots will do as well as logs. Those that were named are kept here.
	counts    bool
	snapshots []*snapshot.Snapshot

	// streams: output comes while inputs are read. A bar on the same terminal would cut through it.
	streams bool

	// continues: earlier runs have read part of what there is.
	continues bool

	// key returns the secret by which the state of this run makes pseudonyms; nil: there is no state.
	key func() ([]byte, error)
}

// maxListed is how many skipped files are named without --verbose.
const maxListed = 20

// inputs finds what the arguments name. What cannot be read is told at the end: the others are read all the same.
func (s *session) inputs(args []string) ([]*source.Input, error) {
	if len(args) == 0 && s.io.InTTY {
		return nil, usagef("name a log file, a folder of them, or - for standard input")
	}
	s.args = args
	if s.counts {
		var err error
		if args, err = s.openSnapshots(args); err != nil || len(args) == 0 && len(s.args) > 0 {
			return nil, err
		}
	}
	inputs, skipped, errs := source.Expand(args, s.io.In)
	s.errs = append(s.errs, errs...)
	// What could not be read comes first: it may well be a log.
	rank := func(k source.Skipped) int {
		if k.Err != nil {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(skipped, func(a, b source.Skipped) int { return rank(a) - rank(b) })
	for i, k := range skipped {
		if i == maxListed && !s.flags.verbose {
			s.note("and %d more files skipped; --verbose names them all", len(skipped)-i)
			break
		}
		s.note("%s: skipped: %s", k.Name, k.Reason)
	}
	return inputs, nil
}

func (s *session) note(format string, args ...any) {
	if !s.flags.quiet {
		fmt.Fprintf(s.io.Err, "bouncelog: %s\n", report.Visible(fmt.Sprintf(format, args...)))
	}
}

// scan reads the inputs by do, with a progress bar where somebody looks.
func (s *session) scan(ctx context.Context, c scan.Config, do func(context.Context, scan.Config) (*scan.Result, error)) (*scan.Result, error) {
	var bar *progress
	if s.io.ErrTTY && !s.flags.quiet && !s.flags.noProgress && !(s.streams && s.io.OutTTY) {
		bar = newProgress(s.io.Err, c.Inputs)
		c.Progress = bar.add
	}
	begun := s.io.Clock()
	res, err := do(ctx, c)
	bar.finish()
	if err != nil {
		return nil, err
	}
	s.errs = append(s.errs, res.Errors...)
	for _, w := range res.Warnings {
		s.note("%s", w)
	}
	if s.flags.verbose {
		lines, bytes := int64(0), int64(0)
		for _, in := range res.Inputs {
			s.note("%s: %d lines, %s", in.Name, in.Lines, cmp.Or(strings.Join(in.Formats, ", "), "no format"))
			lines, bytes = lines+in.Lines, bytes+in.Bytes
		}
		s.note("read in %v: inputs %d, lines %d, bytes %d", s.io.Clock().Sub(begun).Round(time.Millisecond), len(res.Inputs), lines, bytes)
		for _, x := range res.Samples {
			s.note("%s:%d: %s: %s", x.File, x.Line, cmp.Or(x.Reason, bucketName(x.Bucket)), x.Text)
		}
	}
	return res, nil
}

func bucketName(b summary.Bucket) string {
	return [...]string{"delivery", "context", "ignored", "unrecognised", "malformed", "overlong"}[b]
}

// foreign names the programs whose lines there are instead of a mail server's.
func foreign(c *summary.Counts) string {
	var names []string
	for _, p := range c.Programs() {
		if p.Name != "" && len(names) < 3 {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (they are of " + strings.Join(names, ", ") + ")"
}

// end is the exit status of a command whose output was written, or not: then written tells, beside all else that is to be
// told. Without a result, the reading ended before its end, as nobody asked for more.
func (s *session) end(res *scan.Result, written error) error {
	var verdict error
	switch {
	case res != nil:
		verdict = s.verdict(res)
	case len(s.errs) > 0:
		verdict = &exitError{exitInput, errors.Join(s.errs...)}
	}
	if written != nil {
		return &exitError{exitUsage, errors.Join(written, verdict)}
	}
	return verdict
}

// verdict is what the lines that were read, and the inputs that were not, make of the exit status.
func (s *session) verdict(res *scan.Result) error {
	l := &res.Counts.Ledger
	idle := int64(0)
	if l.Lines() == 0 && len(s.errs) == 0 {
		if n := res.Counts.Skipped; n > 0 {
			s.note("nothing in the window: what was read is all after it (%d lines)", n)
		} else if s.continues {
			s.note("nothing new since the last run")
		} else {
			s.note("nothing to read: the input holds no lines")
		}
	}
	if !s.flags.allowEmpty {
		for _, in := range res.Inputs {
			// A night's lines may well be of others, where the first were not.
			if in.Named && in.Lines > in.Idle && in.Claimed == 0 && in.Known.Lines <= in.Lines {
				s.errs = append(s.errs, fmt.Errorf("read %s: no line of its %d is of a known format%s; `bouncelog formats` lists them", in.Name, in.Lines, foreign(res.Counts)))
			}
			idle += in.Idle
		}
		if n := l.Lines(); n > idle && res.Claimed == 0 && len(s.errs) == 0 && !s.continues {
			s.errs = append(s.errs, fmt.Errorf("read %s: no line of %d is of a known format%s; `bouncelog formats` lists them", strings.Join(s.args, " "), n, foreign(res.Counts)))
		}
	}
	if len(s.errs) > 0 {
		return &exitError{exitInput, errors.Join(s.errs...)}
	}
	if n := l.Lines(); n > 0 && s.flags.coverage > 0 {
		good := l[summary.Delivery] + l[summary.Context] + l[summary.Ignored]
		if float64(good)*100 < s.flags.coverage*float64(n) {
			return &exitError{exitCoverage, fmt.Errorf("%d of %d lines were recognised, less than %v %%; --verbose shows some that were not", good, n, s.flags.coverage)}
		}
	}
	return nil
}
