package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/scan"
	"bouncelog/internal/snapshot"
	"bouncelog/internal/source"
	"bouncelog/internal/state"
	"bouncelog/internal/summary"
	"bouncelog/parsers"

	"github.com/spf13/pflag"
)

// stateFlags are the flags of commands that read each line once, in however many runs.
type stateFlags struct {
	folder     string
	wait       time.Duration
	keep       string // of history; empty: the command has none
	period     string
	journal    bool
	journalDir string
}

// keepLogs is how long a log is remembered that nobody has seen since.
const keepLogs = 400 * 24 * time.Hour

// tries is how often a run begins anew where logs are rotated under it.
const tries = 3

const stateHelp = `
With --state FOLDER each line is read once, in however many runs: the folder has how far every log was read, and the messages
that were open. A log is known by its first lines, so it may be renamed, compressed, copied and truncated; its last line, row or
object waits until it is whole. Pending is what is pending now; attempts whose sender is not known yet are counted in a later run. The
folder changes once all is written: a run that is interrupted is repeated by the next one. Two runs wait for each other.
`

// recordStatusHelp is of commands that make something of records.
const recordStatusHelp = `
Exit status:
  0    all is well; also where there was nothing to read
  2    wrong usage or configuration, or the output can't be written, or not all of it
  3    an input that was named can't be read or holds no log, no line was recognised, or the state can't be used
  4    coverage is below --min-coverage
  130  interrupted`

func (f *stateFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.folder, "state", "", "read only what is new since the last run; `folder` to keep what was read in")
	s.BoolVar(&f.journal, "journal", false, "with --state: read the journal of systemd, or what of it matches arguments like FIELD=VALUE (default: the facility mail)")
	s.StringVar(&f.journalDir, "journal-directory", "", "read the journal files in this `folder`, not those of this machine")
	s.DurationVar(&f.wait, "state-wait", time.Minute, "how long to wait for another run that uses the same state")
}

// A stateRun is a run of a command with --state. Without, it is nil, and does nothing.
type stateRun struct {
	s       *session
	flags   *stateFlags
	command string
	store   *state.Store
	plan    *state.Plan
	given   int // errors of the session from before the first plan
	steps   map[*source.Input]*state.Step
	memory  *scan.Memory
	parts   map[string][]byte // that the run leaves to the next one
	now     time.Time
	unlock  func()
	ends    map[*state.Step]ends

	keep time.Duration               // of history; zero: there is none
	days map[string][]snapshot.Piece // that this run adds to it, by date
	made snapshot.Made

	matches []string // of the journal
	journal *journal // nil: it is not read
}

// addHistory adds the flags of a command that keeps a history.
func (f *stateFlags) addHistory(s *pflag.FlagSet) {
	s.StringVar(&f.keep, "keep", "400d", "with --state: how long days are kept in its history; 0d: none are")
	s.StringVar(&f.period, "period", "", "with --state and without logs: report on a year, month or `day` of its history: 2026, 2026-11, 2026-11-22")
}

// begin locks the state of a command and reads it.
func (f *stateFlags) begin(ctx context.Context, s *session, command string, c *scan.Config) (*stateRun, error) {
	if f.folder == "" {
		if f.journal || f.journalDir != "" {
			return nil, usagef("--journal reads what is new in the journal: give --state too; for all of it: journalctl -o json | bouncelog %s -", command)
		}
		return nil, nil
	}
	switch in := s.flags; {
	case f.journalDir != "" && !f.journal:
		return nil, usagef("--journal-directory: give --journal too")
	case in.since != "" || in.until != "" || in.last != "" || in.yesterday:
		return nil, usagef("--state: each line is counted in the run that reads it, so there is no window; leave out --since, --until, --last and --yesterday")
	case in.dedupe:
		return nil, usagef("--state: --dedupe would have to know the lines of all runs; leave one out")
	case f.period != "":
		return nil, usagef("--period: it is of history; leave out the logs")
	}
	return f.lockAndOpen(ctx, s, command, c)
}

// lockAndOpen locks the state of a command and reads it.
func (f *stateFlags) lockAndOpen(ctx context.Context, s *session, command string, c *scan.Config) (*stateRun, error) {
	if f.wait < 0 {
		return nil, usagef("--state-wait %v: give 0s or more", f.wait)
	}
	r := &stateRun{s: s, flags: f, command: command, now: c.Now}
	if r.now.IsZero() {
		r.now = c.Clock
	}
	var err error
	if f.keep != "" {
		if r.keep, err = duration(f.keep); err != nil || r.keep < 0 {
			return nil, usagef("--keep %q: give days, as 400d, or 0d for no history", f.keep)
		}
	}
	if r.unlock, err = f.lock(ctx, command); err != nil {
		return nil, err
	}
	if r.store, err = state.Open(f.folder, s.io.stateFolder(f.folder)); err != nil {
		r.end()
		return nil, stateError(err)
	}
	if err := r.store.Settle(); err != nil {
		r.end()
		return nil, stateError(err)
	}
	if was := r.store.State().Command; !r.store.New() && was != command {
		r.end()
		return nil, usagef("--state %s: it is that of bouncelog %s: what one command has read, another would miss; give each a folder of its own", f.folder, was)
	}
	s.key = func() ([]byte, error) {
		key, err := r.store.Key()
		return key, stateError(err)
	}
	return r, nil
}

// lock keeps others away from the state until unlock is called.
func (f *stateFlags) lock(ctx context.Context, command string) (unlock func(), err error) {
	me := fmt.Sprintf("bouncelog %s, process %d, since %s", command, os.Getpid(), time.Now().Format(time.RFC3339))
	unlock, err = state.Lock(ctx, f.folder, me, f.wait)
	return unlock, stateError(err)
}

// stateFolder returns the file system of a state.
func (o IO) stateFolder(path string) state.FS {
	if o.state != nil {
		return o.state(path)
	}
	return state.Folder(path)
}

// stateError gives an error of a state its exit status.
func stateError(err error) error {
	var e *state.Error
	if errors.As(err, &e) {
		return &exitError{exitInput, err}
	}
	return err
}

// end lets others use the state.
func (r *stateRun) end() {
	if r != nil {
		r.stop()
		r.unlock()
	}
}

// stop ends the reading of the journal.
func (r *stateRun) stop() {
	if r.journal != nil {
		r.journal.close()
		r.journal = nil
	}
}

// inputs finds what the arguments name, as the session does, but for those that are of the journal.
func (r *stateRun) inputs(s *session, args []string) ([]*source.Input, error) {
	if r == nil || !r.flags.journal {
		return s.inputs(args)
	}
	var paths []string
	for _, arg := range args {
		if field, _, ok := strings.Cut(arg, "="); ok && field == strings.ToUpper(field) && !strings.ContainsAny(field, "/.") || arg == "+" {
			r.matches = append(r.matches, arg)
		} else {
			paths = append(paths, arg)
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	return s.inputs(paths)
}

// choose replaces the inputs by what of them is new.
func (r *stateRun) choose(ctx context.Context, c *scan.Config) error {
	if r == nil {
		return nil
	}
	if len(r.s.snapshots) > 0 {
		return usagef("--state: a snapshot is not read on; leave one of the two out")
	}
	open, err := r.part(openPart, c.Summary.Settings(), func(open []byte) ([]summary.Setting, error) {
		h, err := summary.ReadHeader(open)
		return h.Settings, err
	})
	if err != nil {
		return err
	}
	return r.goOn(ctx, c, open)
}

// chooseForRecords is choose for a command that asks for records.
func (r *stateRun) chooseForRecords(ctx context.Context, c *scan.Config, inbound bool) error {
	if r == nil {
		return nil
	}
	open, err := r.part(openPart, summary.RecordSettings(&c.Summary, inbound), func(open []byte) ([]summary.Setting, error) {
		h, err := summary.ReadRecorderHeader(open)
		return h.Settings, err
	})
	if err != nil {
		return err
	}
	return r.goOn(ctx, c, open)
}

// goOn has the configuration read what is new, and join it to what was open.
func (r *stateRun) goOn(ctx context.Context, c *scan.Config, open []byte) error {
	r.parts = make(map[string][]byte)
	c.Runs = &scan.Runs{Known: make(map[*source.Input]scan.Known), Newest: make(map[string]parsers.Stamp), Open: open, Leave: func(left []byte) error {
		r.parts[openPart] = left
		return nil
	}}
	for _, l := range r.store.State().Logs {
		for _, host := range []string{l.Host, l.Named} {
			if l.Read > 0 && host != "" {
				c.Runs.Newest[host] = max(c.Runs.Newest[host], l.First)
			}
		}
	}
	return r.replan(ctx, c)
}

// The parts of a state that have the open messages, of whatever command, and what joiners remember.
const (
	openPart = "open"
	joinPart = "join"
)

// part returns a part of the state, empty where there is none. What it was made with, as made reads it, has to be what is
// wanted now: that turns out before hours of reading.
func (r *stateRun) part(name string, wanted []summary.Setting, made func([]byte) ([]summary.Setting, error)) ([]byte, error) {
	data, err := r.store.Part(name)
	if err != nil || len(data) == 0 {
		return nil, stateError(err)
	}
	have, err := made(data)
	if err != nil {
		return nil, &exitError{exitInput, fmt.Errorf("read state %s: %w", r.flags.folder, err)}
	}
	if err := summary.CompareSettings(have, wanted); err != nil {
		return nil, usagef("--state %s: its messages were %w; give the same flags each time, and each selection a folder of its own", r.flags.folder, err)
	}
	return data, nil
}

// replan finds out what of the inputs is new.
func (r *stateRun) replan(ctx context.Context, c *scan.Config) (err error) {
	if r.plan == nil {
		r.given = len(r.s.errs)
	}
	r.s.errs = r.s.errs[:r.given] // those of a plan that was given up are found again
	var errs []error
	r.s.continues = !r.store.New()
	r.plan, errs = state.NewPlan(r.store.State().Logs, c.Inputs, r.now)
	r.s.errs = append(r.s.errs, errs...)
	r.steps, r.ends = make(map[*source.Input]*state.Step), make(map[*state.Step]ends)
	c.Inputs = nil
	clear(c.Runs.Known)
	kept, err := r.store.Part(joinPart)
	if err == nil {
		if r.memory, err = scan.NewMemory(kept); err != nil {
			return &exitError{exitInput, fmt.Errorf("read state %s: %w", r.flags.folder, err)}
		}
	}
	if err != nil {
		return stateError(err)
	}
	c.Runs.Memory = r.memory
	for _, step := range r.plan.Steps {
		one := *c
		one.Inputs, one.Runs = []*source.Input{step.Input}, nil
		till, waits, err := scan.Decided(ctx, one)
		switch {
		case errors.Is(err, source.ErrRewritten):
			r.s.errs = append(r.s.errs, fmt.Errorf("%w; have its program append to it, or begin anew with it: bouncelog state forget --state %s %s", err, r.flags.folder, step.Input.Name))
			continue
		case err == nil && till >= 0 && !step.Limit(till, waits):
			continue
		} // else what went wrong does so once more, and is told then
		c.Inputs = append(c.Inputs, step.Input)
		r.steps[step.Input] = step
		if l := step.Log; l.Read > 0 {
			c.Runs.Known[step.Input] = scan.Known{Lines: l.Lines, Anchor: l.Anchor, Host: l.Host, Named: l.Named, Late: l.Late, First: l.First, Day: l.Day, Under: scan.Under{Header: l.Header, Inside: l.Inside}}
		}
	}
	if !r.flags.journal {
		return nil
	}
	r.stop()
	if r.journal, err = openJournal(ctx, r.store.State().Cursor, r.flags.journalDir, r.matches, r.flags.folder); err != nil {
		return err
	}
	if r.journal.said != "" {
		r.s.note("journalctl: %s", r.journal.said)
	}
	if in := r.journal.input; in != nil {
		c.Inputs = append(c.Inputs, in)
		r.steps[in] = &state.Step{Input: in, Log: new(state.Log)} // its cursor is what is kept of it
	}
	return nil
}

// scanner wraps a scan so that it begins anew where logs were rotated under it.
func (r *stateRun) scanner(do func(context.Context, scan.Config) (*scan.Result, error)) func(context.Context, scan.Config) (*scan.Result, error) {
	if r == nil {
		return do
	}
	if r.keep > 0 {
		do = r.byDay
	}
	return func(ctx context.Context, c scan.Config) (*scan.Result, error) {
		for try := 1; ; try++ {
			res, err := do(ctx, c)
			if errors.Is(err, summary.ErrCorrupt) {
				return nil, &exitError{exitInput, fmt.Errorf("read state %s: %w; go back to the one before, or begin anew: bouncelog state reset --state %[1]s [--to-previous]", r.flags.folder, err)}
			}
			if err != nil || try == tries || !slices.ContainsFunc(res.Errors, moved) {
				return res, err
			}
			r.s.note("logs were rotated while they were read: beginning anew")
			if len(r.s.args) > 0 {
				c.Inputs, _, _ = source.Expand(r.s.args, nil)
			}
			if err := r.replan(ctx, &c); err != nil {
				return nil, err
			}
		}
	}
}

// moved reports whether an error of reading says that another plan could do better.
func moved(err error) bool { return state.Moved(err) || errors.Is(err, fs.ErrNotExist) }

// commit makes of what this run has read what the next one knows, once all is written. It returns verdict, the end of the
// command, where nothing is wrong with that.
func (r *stateRun) commit(ctx context.Context, res *scan.Result, written, verdict error) error {
	switch {
	case r == nil || written != nil:
		return verdict
	case ctx.Err() != nil:
		return ctx.Err()
	case len(res.Errors) > 0: // which lines were read that are not to be read again, nobody knows
		r.s.note("state %s is as it was, as not all could be read: the next run reads the same again", r.flags.folder)
		return verdict
	}
	if r.s.io.unread() {
		r.s.note("state %s is as it was, as nobody read stdout to its end: the next run reads the same again", r.flags.folder)
		return verdict
	}
	if err := r.s.io.sync(); err != nil {
		return &exitError{exitUsage, errors.Join(err, verdict)}
	}
	next := r.store.State()
	if r.journal != nil {
		next.Cursor = cmp.Or(r.journal.cursor, next.Cursor)
	}
	for i := range res.Inputs {
		in := &res.Inputs[i]
		if step := r.steps[in.Input]; step != nil { // else it was read by days
			r.ends[step] = endsOf(in)
		}
	}
	for step, e := range r.ends {
		l := step.Log
		l.Anchor, l.Host, l.Named, l.Late, l.First = e.known.Anchor, e.known.Host, e.known.Named, e.known.Late, e.known.First
		l.Day, l.Header, l.Inside = e.known.Day, e.known.Under.Header, e.known.Under.Inside
		step.Read(e.till, e.known.Lines, e.tail, e.whole)
	}
	next.Command, next.Time, next.Logs = r.command, r.now.Unix(), r.plan.Logs(keepLogs)
	joined, err := r.memory.Encode()
	r.parts[joinPart] = joined
	if err == nil {
		err = r.addDays(r.parts)
	}
	if len(r.days) > 0 && next.Zone == "" {
		next.Zone = r.made.Zone
	}
	if err == nil {
		err = r.store.Commit(next, r.parts)
	}
	if err != nil {
		return &exitError{exitInput, errors.Join(err, verdict)}
	}
	return verdict
}
