package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/scan"
	"bouncelog/internal/snapshot"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"

	"github.com/spf13/cobra"
)

type snapshotOptions struct {
	input inputFlags
	rules ownRules
	by    dimensionFlags
	days  bool
	out   string
	paths []string
}

func newSnapshot(o IO) *cobra.Command {
	var opt snapshotOptions
	cmd := &cobra.Command{
		Use:   "snapshot -o FILE [FILE|FOLDER|GLOB|-]...",
		Short: "Count logs into a file, to report on and to merge elsewhere",
		Long: `Count logs into a file, a snapshot, which report, check and compare take where they take logs, and merge joins with others.
It is small, and holds all that a report is made of, and what is open at the end of the log: a report on the snapshots of
several hosts, or of rotated logs of one host, is that on their logs, to the last number.

What is selected here (--since, --domain, --by and so on) holds for good: a snapshot has nothing else, and only snapshots made
alike go together. With --days, each day of a log is counted by itself, from midnight to midnight of --tz, so that report, check
and compare can be asked for a window of such days: --since 2026-11-01 --until 2026-11-08, --yesterday. Hosts are told apart by the names in their logs. Where lines name none, as Exim's own log, give each host's
snapshot its --host, or merge takes logs of the same path for those of one host.

A snapshot has diagnostics of the log as they are, with addresses in them. -o - writes it to stdout. The file is replaced in
one step at the end, and stays as it was where an input can't be read.
` + statusHelp,
		Example: `  bouncelog snapshot -o mx1.blsnap /var/log/mail.log*
  bouncelog report mx1.blsnap mx2.blsnap
  bouncelog snapshot --days -o mx1.blsnap /var/log/mail.log*
  printf '%s\n' mx*.log | xargs -P 4 -I LOG bouncelog snapshot -q -o LOG.blsnap LOG
  ssh mx1 bouncelog snapshot -o - /var/log/mail.log > mx1.blsnap`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runSnapshot(cmd.Context(), o, &opt)
		},
	}
	opt.input.add(cmd.Flags())
	opt.rules.add(cmd.Flags())
	opt.by.add(cmd)
	cmd.Flags().BoolVar(&opt.days, "days", false, "count each day by itself, so that reports can be of some of them; the file is larger")
	addSnapshotOut(cmd, &opt.out)
	return cmd
}

func addSnapshotOut(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVarP(out, "output", "o", "", "the `file` to write; - is stdout")
}

func runSnapshot(ctx context.Context, o IO, opt *snapshotOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	if err := opt.by.set(&c.Summary); err != nil {
		return err
	}
	if opt.out == "" {
		return usagef("where to? give -o FILE, or -o - for stdout")
	}
	s := session{flags: &opt.input, io: o}
	if c.Inputs, err = s.inputs(opt.paths); err != nil {
		return err
	}
	switch {
	case opt.days && (c.Summary.Since != 0 || c.Summary.Until != 0):
		return usagef("--days: all days are counted, and a report is asked for some; leave out --since, --until, --last and --yesterday")
	case opt.days && c.Dedupe:
		return usagef("--days: each day is read by itself, so lines of several cannot be compared; leave out --dedupe")
	}
	if err := spareSnapshot(c.Inputs, opt.out); err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	made := snapshot.Made{Tool: Version, Rules: c.Summary.Classifier.Fingerprint(), Zone: zone(c.Parse.Location)}
	var snap *snapshot.Snapshot
	res, err := s.scan(ctx, c, func(ctx context.Context, c scan.Config) (res *scan.Result, err error) {
		if opt.days {
			res, snap, err = s.countDays(ctx, c, made)
			return res, err
		}
		res, groups, err := scan.Groups(ctx, c)
		if err == nil {
			snap, err = snapshot.New(res, groups, made)
		}
		return res, err
	})
	if err != nil {
		return err
	}
	verdict := s.end(res, nil)
	if exit, ok := errors.AsType[*exitError](verdict); ok && exit.status == exitInput {
		return &exitError{exitInput, errors.Join(exit.err, fmt.Errorf("nothing was written to %s: who merges it would not know what it lacks", opt.out))}
	}
	if err := writeSnapshot(snap, opt.out, o); err != nil {
		return &exitError{exitUsage, errors.Join(err, verdict)}
	}
	return verdict
}

// countDays counts each day of each input by itself. A last line that is not whole is left to the next snapshot.
func (s *session) countDays(ctx context.Context, c scan.Config, made snapshot.Made) (*scan.Result, *snapshot.Snapshot, error) {
	all := &scan.Result{Counts: summary.NewCounts()}
	var snaps []*snapshot.Snapshot
	for _, in := range c.Inputs {
		if in.Size < 0 {
			all.Errors = append(all.Errors, fmt.Errorf("read %s: what can be read only once is not cut into days; give files, or leave out --days", in.Name))
			continue
		}
		b, err := in.Beginning()
		if err != nil {
			all.Errors = append(all.Errors, err)
			continue
		}
		if b.Till >= 0 && b.Till < in.Size {
			s.note("%s: its last line is not whole, and left out", in.Name)
		}
		in = in.Part(b.Span(0))
		parts := 0
		errs, err := eachDay(ctx, c, in, c.Parse.Location, scan.Known{}, func(day scan.Day, res *scan.Result, groups []scan.Group) error {
			x := &res.Inputs[0]
			if x.Partial { // of the last part alone: the others end with a line
				s.note("%s: its last line is not whole, and left out", in.Name)
			}
			if x.Lines == 0 {
				return nil
			}
			parts++
			x.Begin = x.Known.First.Add(time.Duration(parts) * time.Microsecond)
			if parts > 1 && x.Compression != "" {
				x.Bytes = 0 // each part reads the file from its beginning: its bytes are those of the first
			}
			snap, err := snapshot.New(res, groups, made)
			if err != nil {
				return err
			}
			if at, err := time.ParseInLocation(time.DateOnly, day.Date, c.Parse.Location); err == nil {
				for i := range snap.Pieces {
					snap.Pieces[i].From, snap.Pieces[i].Till = parsers.StampOf(at), parsers.StampOf(at.AddDate(0, 0, 1))
				}
			}
			snaps = append(snaps, snap)
			all.Counts.AddLines(res.Counts)
			all.Inputs, all.Samples, all.Warnings = append(all.Inputs, res.Inputs...), append(all.Samples, res.Samples...), append(all.Warnings, res.Warnings...)
			all.Claimed += res.Claimed
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		all.Errors = append(all.Errors, errs...)
	}
	snap, err := snapshot.Merge(snaps)
	return all, snap, err
}

// eachDay counts each day of an input by itself, from what is known of it on. The parts of an input have to be put in order: by
// [scan.InputResult.Begin], as inputs are. errs are what is wrong with the input.
func eachDay(ctx context.Context, c scan.Config, in *source.Input, midnights *time.Location, known scan.Known,
	do func(scan.Day, *scan.Result, []scan.Group) error) (errs []error, err error) {
	c.Inputs = []*source.Input{in}
	var runs scan.Runs // before, as far as each day has to know of them
	if c.Runs != nil {
		runs = scan.Runs{Memory: c.Runs.Memory, Newest: c.Runs.Newest}
	}
	days, err := scan.Days(ctx, c, midnights)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return []error{err}, nil
	}
	for _, day := range days {
		part := in.Within(day.From, day.Till)
		runs.Known = map[*source.Input]scan.Known{part: known}
		c.Inputs, c.Runs = []*source.Input{part}, &runs
		res, groups, err := scan.Groups(ctx, c)
		if err != nil {
			return nil, err
		}
		if len(res.Errors) > 0 {
			return res.Errors, nil
		}
		res.Inputs[0].Known.Day = day.Date
		known = res.Inputs[0].Known
		if err := do(day, res, groups); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// zone is the name of a time zone, by which others may know it too.
func zone(l *time.Location) string {
	if l != time.Local {
		return l.String()
	}
	if path, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(filepath.ToSlash(path), "/zoneinfo/"); ok && os.Getenv("TZ") == "" {
			return name
		}
	}
	return cmp.Or(strings.TrimPrefix(os.Getenv("TZ"), ":"), l.String())
}

// spareSnapshot refuses to write over a log.
func spareSnapshot(inputs []*source.Input, out string) error {
	if err := spare(inputs, []output{{path: out}}); err != nil {
		return usagef("-o %s: it is one of the inputs; give another file", out)
	}
	return nil
}

func writeSnapshot(snap *snapshot.Snapshot, path string, o IO) error {
	data, err := snap.Encode()
	if err != nil {
		return err
	}
	if path == "-" {
		path = ""
	}
	return output{path: path}.write(o, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

type mergeOptions struct {
	out   string
	quiet bool
	paths []string
}

func newMerge(o IO) *cobra.Command {
	var opt mergeOptions
	cmd := &cobra.Command{
		Use:   "merge -o FILE SNAPSHOT...",
		Short: "Make one snapshot of several",
		Long: `Make one snapshot of several, which bouncelog snapshot or merge wrote, in whatever order they are given: those of different
hosts are put beside each other, and those of one host joined in the order of their times, so that a message that one
leaves open is settled by the next. A report on the result is that on all logs.

Snapshots of one host are joined for good: merge those that follow each other, before or together with those further away.
Those made with --days are joined within each day only.
Logs of one host that overlap in time are named in a warning.

Exit status:
  0    all is well
  2    wrong usage, snapshots that do not go together, or the output can't be written
  3    a snapshot can't be read, is damaged, or was written by a newer bouncelog
  130  interrupted`,
		Example: `  bouncelog merge -o all.blsnap mx1.blsnap mx2.blsnap mx3.blsnap
  bouncelog merge -o november.blsnap november.blsnap today.blsnap`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runMerge(cmd.Context(), o, &opt)
		},
	}
	addSnapshotOut(cmd, &opt.out)
	cmd.Flags().BoolVarP(&opt.quiet, "quiet", "q", false, "no notes on stderr, errors only")
	return cmd
}

func runMerge(ctx context.Context, o IO, opt *mergeOptions) error {
	if opt.out == "" {
		return usagef("where to? give -o FILE, or -o - for stdout")
	}
	s := session{flags: &inputFlags{quiet: opt.quiet}, io: o}
	var errs []error
	rest, err := s.openSnapshots(opt.paths)
	if err != nil {
		return err
	}
	for _, path := range rest {
		err := error(errNoSnapshot)
		if _, e := os.Stat(path); path != "-" && e != nil {
			err = plainError(e)
		}
		errs = append(errs, fmt.Errorf("read snapshot %s: %w", path, err))
	}
	if errs = append(s.errs, errs...); len(errs) > 0 {
		return &exitError{exitInput, errors.Join(errs...)}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	told := make(map[string]bool) // by the snapshots themselves, when they were made
	for _, x := range s.snapshots {
		for _, w := range x.Warnings {
			told[w] = true
		}
	}
	m, err := snapshot.Merge(s.snapshots)
	if err != nil {
		return snapshotError(err)
	}
	for _, w := range m.Warnings {
		if !told[w] {
			s.note("%s", w)
		}
	}
	return writeSnapshot(m, opt.out, o)
}

var errNoSnapshot = errors.New("not a snapshot; make one of a log with bouncelog snapshot -o FILE")

// snapshotError gives an error of snapshots its status.
func snapshotError(err error) error {
	var file *snapshot.FileError
	if errors.As(err, &file) {
		return &exitError{exitInput, err}
	}
	return usagef("%w", err)
}

// openSnapshots reads those of the arguments that are snapshots, and returns the others. One that cannot be read is told at
// the end.
func (s *session) openSnapshots(args []string) (rest []string, err error) {
	var seen []fs.FileInfo
	for _, path := range snapshotsOf(args) {
		data, fi, err := readSnapshot(path)
		switch {
		case err != nil:
			s.errs = append(s.errs, &snapshot.FileError{Name: path, Err: plainError(err)})
			continue
		case data == nil:
			rest = append(rest, path)
			continue
		case slices.ContainsFunc(seen, func(old fs.FileInfo) bool { return os.SameFile(old, fi) }):
			s.note("%s: skipped: it was given before, and is read once", path)
			continue
		}
		seen = append(seen, fi)
		x, err := snapshot.Read(path, data)
		if err != nil {
			s.errs = append(s.errs, err)
			continue
		}
		s.snapshots = append(s.snapshots, x)
	}
	return rest, nil
}

// snapshotsOf returns the arguments, and in place of a glob that the shell left to us and that matches a snapshot, what it
// matches.
func snapshotsOf(args []string) (paths []string) {
	for _, arg := range args {
		var found []string
		if _, err := os.Stat(arg); err != nil && strings.ContainsAny(arg, "*?[") {
			found, _ = filepath.Glob(arg) // a wrong pattern is told by who reads the logs
		}
		if !slices.ContainsFunc(found, func(path string) bool { data, _, err := readSnapshot(path); return data != nil || err != nil }) {
			found = []string{arg}
		}
		paths = append(paths, found...)
	}
	return paths
}

// maxSnapshot bounds the file of a snapshot.
const maxSnapshot = 2 << 30

// readSnapshot returns the contents of a regular file that is a snapshot; nil where it is something else, or cannot be opened,
// which whoever reads it will tell.
func readSnapshot(path string) ([]byte, fs.FileInfo, error) {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return nil, nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, nil
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head)
	if !snapshot.Is(head[:n]) {
		return nil, nil, nil
	}
	if fi.Size() > maxSnapshot {
		return nil, nil, fmt.Errorf("it is longer than %d bytes, as no snapshot is", int64(maxSnapshot))
	}
	data := make([]byte, fi.Size())
	if n, err = f.ReadAt(data, 0); err == io.EOF {
		err = nil // it became shorter: it is damaged
	}
	return data[:n], fi, err
}

// count counts what the inputs and the snapshots hold, as if all were logs.
func (s *session) count(ctx context.Context, c scan.Config) (*scan.Result, error) {
	if len(s.snapshots) == 0 {
		return scan.Summarise(ctx, c)
	}
	if c.Dedupe {
		return nil, usagef("--dedupe: a snapshot has no lines to compare; leave one of the two out")
	}
	if ref := cmp.Or(c.Now, c.Clock); !ref.IsZero() {
		c.Summary.Now = parsers.StampOf(ref)
	}
	asked := c.Summary.By
	if err := snapshot.Adopt(&c.Summary, s.snapshots); err != nil {
		return nil, snapshotError(err)
	}
	c.Parse.CampaignHeader = c.Summary.CampaignName
	all := s.snapshots
	var errs []error
	if len(c.Inputs) > 0 {
		res, groups, err := scan.Groups(ctx, c)
		if err != nil {
			return nil, err
		}
		scanned, err := snapshot.New(res, groups, snapshot.Made{})
		if err != nil {
			return nil, err
		}
		all, errs = append(slices.Clip(all), scanned), res.Errors
	}
	res, err := snapshot.Result(all, &c.Summary)
	if err != nil {
		return nil, snapshotError(err)
	}
	if len(asked) > 0 {
		res.Counts.Keep(asked)
	}
	res.Errors = errs
	if rules := c.Summary.Classifier.Fingerprint(); slices.ContainsFunc(all, func(x *snapshot.Snapshot) bool {
		return slices.ContainsFunc(x.Rules, func(r string) bool { return r != rules })
	}) {
		res.Warnings = append(res.Warnings, "some snapshots were counted by other rules than these: their causes and providers are as those rules had them")
	}
	return res, nil
}
