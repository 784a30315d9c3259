package cli

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/scan"
	"bouncelog/internal/snapshot"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
	"bouncelog/report"
)

const historyHelp = `
The state has a snapshot of each day too, for --keep. Without logs, report --state FOLDER reports on these: on all of them, or on
the whole days of --period, --yesterday, --last 7d, --since and --until.
`

// ends is how far a log was read.
type ends struct {
	till  int64
	tail  source.Tail
	whole bool
	known scan.Known
}

func endsOf(in *scan.InputResult) ends { return ends{in.End, in.Tail, in.Whole, in.Known} }

// byDay counts what is new in each log and on each day by itself, so that history has it so, and then all of it together.
func (r *stateRun) byDay(ctx context.Context, c scan.Config) (*scan.Result, error) {
	midnights, err := r.historyZone(c.Parse.Location)
	if err != nil {
		return nil, err
	}
	made := snapshot.Made{Tool: Version, Zone: zone(c.Parse.Location)}
	if c.Summary.Classifier != nil {
		made.Rules = c.Summary.Classifier.Fingerprint()
	}
	r.days = make(map[string][]snapshot.Piece)
	r.made = made
	var all []*snapshot.Snapshot
	inputs, err := scan.Order(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, in := range inputs {
		step := r.steps[in]
		errs, err := eachDay(ctx, c, in, midnights, c.Runs.Known[in], func(day scan.Day, res *scan.Result, groups []scan.Group) error {
			x := &res.Inputs[0]
			r.ends[step] = endsOf(x)
			if x.Lines == 0 {
				return nil
			}
			// The parts of a log are in order by their number, whatever its name was by then, and logs by their first lines.
			step.Log.Parts++
			x.Begin = x.Known.First.Add(time.Duration(step.Log.Parts) * time.Microsecond)
			snap, err := snapshot.New(res, groups, made)
			if err != nil {
				return err
			}
			for i := range snap.Pieces {
				snap.Pieces[i].Known = true
			}
			date := cmp.Or(day.Date, r.now.In(midnights).Format(time.DateOnly))
			for _, p := range snap.Pieces {
				p.Inputs = slices.Clone(p.Inputs)
				p.Inputs[0].Bytes = x.End - day.From // of text: whether it was compressed is nothing to history
				r.days[date] = append(r.days[date], p)
			}
			all = append(all, snap)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(errs) > 0 {
			return r.failed(errs...), nil
		}
	}
	c.Summary.Now = parsers.StampOf(cmp.Or(c.Now, c.Clock))
	return snapshot.Continue(all, &c.Summary, c.Runs)
}

// failed returns the result of a run that could not read all.
func (r *stateRun) failed(errs ...error) *scan.Result {
	return &scan.Result{Counts: summary.NewCounts(), Errors: errs}
}

// zone returns the time zone of the days of history: the one that it was begun in.
func (r *stateRun) historyZone(now *time.Location) (*time.Location, error) {
	name := r.store.State().Zone
	if name == "" || name == zone(now) {
		return now, nil
	}
	there, err := time.LoadLocation(name)
	if err != nil {
		return nil, usagef("--state %s: the days of its history are of the time zone %q: %w", r.flags.folder, name, err)
	}
	return there, nil
}

// dayPart begins the names of the parts of a state that have the days of history.
const dayPart = "day-"

// addDays adds the days of this run to the parts of a commit, and takes out those that are too old.
func (r *stateRun) addDays(parts map[string][]byte) error {
	for date, pieces := range r.days {
		name := dayPart + date
		x := &snapshot.Snapshot{}
		data, err := r.store.Part(name)
		if err == nil && data != nil {
			x, err = snapshot.Read(name, data)
		}
		if err != nil {
			return err
		}
		x.Pieces = append(x.Pieces, pieces...)
		x.Tools, x.Rules, x.Zones = with(x.Tools, r.made.Tool), with(x.Rules, r.made.Rules), with(x.Zones, r.made.Zone)
		if parts[name], err = x.Encode(); err != nil {
			return err
		}
	}
	oldest := r.now.Add(-r.keep).Format(time.DateOnly)
	for _, p := range r.store.State().Parts {
		if date, ok := strings.CutPrefix(p.Name, dayPart); ok && date < oldest {
			parts[p.Name] = nil
		}
	}
	return nil
}

// with returns a sorted set with one more.
func with(set []string, name string) []string {
	if i, found := slices.BinarySearch(set, name); !found && name != "" {
		set = slices.Insert(set, i, name)
	}
	return set
}

// days are a window of history, which has whole days.
type days struct {
	from, to string // dates; to itself is not in it; empty: no bound
	zone     *time.Location
	before   []*snapshot.Snapshot // of the same weekdays in the weeks before
}

func (w days) holds(date string) bool { return date >= w.from && (w.to == "" || date < w.to) }

// at returns the beginning of a date, the zero time of none.
func (w days) at(date string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, date, w.zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// window returns the days that the flags of a report from history ask for.
func (f *stateFlags) window(in *inputFlags, now time.Time, zone *time.Location) (w days, err error) {
	ways := 0
	for _, set := range []bool{f.period != "", in.since != "" || in.until != "", in.last != "", in.yesterday} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		return w, usagef("--period, --since/--until, --last and --yesterday exclude each other; give one")
	}
	w.zone = zone
	y, m, d := now.In(zone).Date()
	day := func(n int) string { return time.Date(y, m, d+n, 0, 0, 0, 0, zone).Format(time.DateOnly) }
	switch {
	case f.period != "":
		for layout, next := range map[string][3]int{"2006": {1, 0, 0}, "2006-01": {0, 1, 0}, time.DateOnly: {0, 0, 1}} {
			if t, err := time.Parse(layout, f.period); err == nil {
				w.from, w.to = t.Format(time.DateOnly), t.AddDate(next[0], next[1], next[2]).Format(time.DateOnly)
				return w, nil
			}
		}
		return w, usagef("--period %q: give a year, a month or a day: 2026, 2026-11 or 2026-11-22", f.period)
	case in.yesterday:
		w.from, w.to = day(-1), day(0)
	case in.last != "":
		n, e := duration(in.last)
		if e != nil || n <= 0 || n%(24*time.Hour) != 0 {
			return w, usagef("--last %q: history has whole days; give a number of them, as 7d: those before today", in.last)
		}
		w.from, w.to = day(-int(n/(24*time.Hour))), day(0)
	}
	for flag, s := range map[string]string{"since": in.since, "until": in.until} {
		if s == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return w, usagef("--%s %q: history has whole days; give a date", flag, s)
		}
	}
	w.from, w.to = cmp.Or(w.from, in.since), cmp.Or(w.to, in.until)
	return w, nil
}

// history reads the days of history that the flags ask for into the session, as snapshots, and has the configuration ask for
// all that is in them.
func (f *stateFlags) history(ctx context.Context, s *session, command string, c *scan.Config) (*days, error) {
	r, err := f.lockAndOpen(ctx, s, command, c)
	if err != nil {
		return nil, err
	}
	defer r.end()
	key := s.key
	s.key = func() ([]byte, error) { // nobody has the lock by then
		unlock, err := f.lock(ctx, command)
		if err != nil {
			return nil, err
		}
		defer unlock()
		return key()
	}
	if r.store.New() {
		return nil, usagef("--state %s: there is no history; a run with --state and logs begins one", f.folder)
	}
	midnights, err := r.historyZone(c.Parse.Location)
	if err != nil {
		return nil, err
	}
	w, err := f.window(s.flags, r.now, midnights)
	if err != nil {
		return nil, err
	}
	var dates []string
	s.snapshots, err = r.snapshots(func(date string) bool {
		if w.holds(date) {
			dates = append(dates, date)
		}
		return w.holds(date)
	})
	if err != nil {
		return nil, err
	}
	if w.before, err = r.snapshots(before(dates)); err != nil {
		return nil, err
	}
	s.counts = true
	c.Inputs, c.Summary.Since, c.Summary.Until = nil, 0, 0
	if len(s.snapshots) == 0 {
		s.note("history has nothing of these days")
		s.snapshots = []*snapshot.Snapshot{{}}
	}
	return &w, nil
}

// snapshots returns those of the days of history that are wanted.
func (r *stateRun) snapshots(wanted func(date string) bool) (list []*snapshot.Snapshot, err error) {
	for _, p := range r.store.State().Parts {
		date, ok := strings.CutPrefix(p.Name, dayPart)
		if !ok || !wanted(date) {
			continue
		}
		data, err := r.store.Part(p.Name)
		if err != nil {
			return nil, stateError(err)
		}
		x, err := snapshot.Read(p.File, data)
		if err != nil {
			return nil, snapshotError(err)
		}
		for i := range x.Pieces {
			x.Pieces[i].Known = true
			for j := range x.Pieces[i].Inputs {
				x.Pieces[i].Inputs[j].Name = date // what its file is called by now, nobody knows
			}
		}
		list = append(list, x)
	}
	return list, nil
}

// pastBaseline is the --baseline that is no file.
const pastBaseline = "history"

// baselineWeeks is how many weeks back the days are that a report is compared with.
const baselineWeeks = 4

// before returns what holds of the same weekdays in the weeks before some dates, and of none of these.
func before(dates []string) func(date string) bool {
	return func(date string) bool {
		t, err := time.Parse(time.DateOnly, date)
		if err != nil || slices.Contains(dates, date) {
			return false
		}
		for week := range baselineWeeks {
			if slices.Contains(dates, t.AddDate(0, 0, 7*(week+1)).Format(time.DateOnly)) {
				return true
			}
		}
		return false
	}
}

// baseline returns the report on the days of history that a report is compared with: that on some days of it (w), or else of
// what a run has read. It is nil where there are none.
func (r *stateRun) baseline(s *session, w *days, o summary.Options, build report.Options) (*report.Report, error) {
	var list []*snapshot.Snapshot
	var err error
	if w != nil {
		list = w.before
	} else if list, err = r.snapshots(before(slices.Collect(maps.Keys(r.days)))); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		s.note("--baseline history: it has none of the same weekdays in the %d weeks before; there is nothing to compare with yet", baselineWeeks)
		return nil, nil
	}
	if err := snapshot.Adopt(&o, list); err != nil {
		return nil, snapshotError(err)
	}
	res, err := snapshot.Result(list, &o)
	if err != nil {
		return nil, snapshotError(err)
	}
	build.Top, build.MinAttempts, build.Inputs, build.Samples = 0, 0, nil, nil
	describe(&build, res)
	(&days{zone: time.UTC}).describe(&build)
	past, err := report.Build(res.Counts, build)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return past, nil
}

// describe fills in what is known of the days: their lines have no place any more.
func (w *days) describe(build *report.Options) {
	if w == nil {
		return
	}
	build.Locate, build.Since, build.Until = nil, w.at(w.from), w.at(w.to)
	for i := range build.Samples {
		build.Samples[i].Line = 0
	}
	var inputs []report.Input
	for _, in := range build.Inputs {
		i, found := slices.BinarySearchFunc(inputs, in.Name, func(x report.Input, name string) int { return strings.Compare(x.Name, name) })
		if !found {
			inputs = slices.Insert(inputs, i, report.Input{Name: in.Name, First: in.First, Last: in.Last})
		}
		x := &inputs[i]
		x.Lines, x.Bytes = x.Lines+in.Lines, x.Bytes+in.Bytes
		x.First, x.Last = earliest(x.First, in.First), latest(x.Last, in.Last)
		for _, name := range in.Formats {
			x.Formats = with(x.Formats, name)
		}
		for _, name := range in.Hosts {
			x.Hosts = with(x.Hosts, name)
		}
	}
	build.Inputs = inputs
}

// earliest returns the earlier of two times as RFC 3339 has them in UTC, of which an empty one is none.
func earliest(a, b string) string {
	if a == "" || b != "" && before3339(b, a) {
		return b
	}
	return a
}

// latest returns the later of two times as RFC 3339 has them in UTC, of which an empty one is none.
func latest(a, b string) string {
	if a == "" || before3339(a, b) {
		return b
	}
	return a
}

// before3339 reports whether a time is before another. Only one that ends in Z could be taken to be after fractions of its
// second.
func before3339(a, b string) bool { return strings.TrimSuffix(a, "Z") < strings.TrimSuffix(b, "Z") }

// ofHistory reports whether a command with these arguments reads history, not logs.
func (f *stateFlags) ofHistory(paths []string) bool {
	return f.folder != "" && len(paths) == 0 && !f.journal
}
