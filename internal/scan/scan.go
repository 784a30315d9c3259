// Package scan reads logs: it finds out what an input holds, cuts lines, parses them on many goroutines, and folds what
// comes out in the order of the input.
//
//	feeder (one per open input) ─ pieces ─▶ workers ─ results ─▶ fold, one goroutine, in order
//
// Workers share nothing: each has its own line reader and its own counts, which only add up. What a block could not settle
// alone goes through the fold. The order of the fold is that of the lines, so the result does not depend on the number
// of workers or the size of blocks.
package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Config says what to read and how.
type Config struct {
	Inputs  []*source.Input
	Formats []parsers.Format // that lines may have
	Forced  bool             // Formats is the one that the user named
	Jobs    int              // workers; zero: one
	Source  source.Options

	Parse     parsers.Options
	Summary   summary.Options
	HostAlias map[string]string
	Host      string    // of lines that name none; empty: the input's folder and stem
	Now       time.Time // the reference of the year rule, if not the input's own time; zero: not given
	Clock     time.Time // the reference where an input has no time of its own
	Year      int       // of an input's first stamp; zero: not given
	Dedupe    bool      // drop lines that stand in several inputs

	// Runs says what earlier runs leave to this one, and what this one leaves to the next. Nil: this is the only one.
	Runs *Runs

	// Progress is told how many bytes on disk were dealt with, from several goroutines. Nil: nobody asks.
	Progress func(n int64)
}

// A Result is what a scan found besides the records.
type Result struct {
	Counts   *summary.Counts
	Inputs   []InputResult // in fold order
	Warnings []string
	Errors   []error  // inputs that could not be read, or not to their end
	Samples  []Sample // the first lines that no format knew, and the first that did not parse

	// Claimed is how many lines a format knew.
	Claimed int64

	Since, Until parsers.Stamp // what was counted of; zero: no bound

	// OmitsDeferrals: all formats of these lines may leave deferrals out.
	OmitsDeferrals bool

	bases   [][]int64 // line number before each block, by input
	earlier []string  // files of places that earlier runs left
}

// An InputResult is what is known of one input after the scan.
type InputResult struct {
	Name        string
	Formats     []string
	Named       bool   // on the command line
	Host        string // of its first line
	Compression string
	Bytes       int64 // read, before decompression
	Lines       int64
	Claimed     int64 // of these, lines that a format knew
	Idle        int64 // of these, blank lines and what journalctl or a syslogd says of itself
	First, Last parsers.Stamp
	Begin       parsers.Stamp // of its first line that has a time, by which inputs are in order

	// OmitsDeferrals: all formats of its lines may leave deferrals out.
	OmitsDeferrals bool

	// For the next run, where there is one.
	Input *source.Input
	End   int64       // where the last line or record that was read ends, in bytes of text
	Tail  source.Tail // before that, of a plain file
	Whole bool        // all of it was read to there, and nothing was wrong with it
	// Partial: the text of a compressed input ends within a line, which was not read.
	Partial bool
	Known   Known
}

// A Sample is one line that could not be used.
type Sample struct {
	Bucket summary.Bucket
	File   string
	Line   int64
	Text   string
	Reason string // of a malformed line

	pos summary.Pos
}

// Input returns the number of the sample's input, where the sample is of a scan.
func (x *Sample) Input() int { return int(x.pos.Input) }

// Locate returns the file and the line of a place in the input.
func (r *Result) Locate(p summary.Pos) (file string, line int64) {
	if i := int64(p.Input) - firstEarlier; i >= 0 && i < int64(len(r.earlier)) {
		return r.earlier[i], p.DecodedLine()
	}
	switch {
	case int(p.Input) >= len(r.Inputs):
		return "", 0
	case int(p.Input) >= len(r.bases): // it was read elsewhere: here is what a snapshot says of it
		return r.Inputs[p.Input].Name, p.DecodedLine()
	case int(p.Block) >= len(r.bases[p.Input]):
		return "", 0
	}
	return r.Inputs[p.Input].Name, r.bases[p.Input][p.Block] + int64(p.Line)
}

// Summarise counts what the inputs hold. The error is ctx's; what went wrong with an input is in the result.
func Summarise(ctx context.Context, c Config) (*Result, error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	root, err := s.Runs.Root(&s.Summary, s.res)
	if err != nil {
		return nil, err
	}
	if err := s.count(ctx, []*summary.Summary{root}, make([]int, len(s.inputs))); err != nil {
		return nil, err
	}
	s.res.Counts = root.Counts
	s.finish()
	return s.res, s.Runs.End(root, s.res)
}

// Order returns the inputs in the order in which a scan reads them. Those that cannot be read come last.
func Order(ctx context.Context, c Config) ([]*source.Input, error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	var all []*source.Input
	for _, in := range s.inputs {
		if in.reader != nil {
			s.close(in)
		}
		all = append(all, in.Input)
	}
	for _, in := range c.Inputs {
		if !slices.Contains(all, in) {
			all = append(all, in)
		}
	}
	return all, nil
}

// A Group is the inputs of one host, by their first lines, and what they hold: a piece of its log, before which there may be
// others.
type Group struct {
	Inputs  []int // of the result, in order
	Summary *summary.Summary
}

// Groups counts what the inputs of each host hold by itself. The counts of the result are of lines alone, not of what they
// tell.
func Groups(ctx context.Context, c Config) (*Result, []Group, error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	var groups []Group
	var roots []*summary.Summary
	of := make([]int, len(s.inputs))
	byHost := make(map[string]int)
	for i, in := range s.inputs {
		host := cmp.Or(in.named, in.host)
		g, ok := byHost[host]
		if !ok {
			g = len(groups)
			byHost[host] = g
			groups = append(groups, Group{Summary: summary.New(&s.Summary, false)})
			roots = append(roots, groups[g].Summary)
		}
		of[i] = g
		groups[g].Inputs = append(groups[g].Inputs, i)
	}
	if err := s.count(ctx, roots, of); err != nil {
		return nil, nil, err
	}
	s.res.Counts = summary.NewCounts()
	for i := range groups {
		s.res.Counts.AddLines(groups[i].Summary.Counts)
	}
	s.finish()
	return s.res, groups, nil
}

// count adds what the inputs hold to the roots of their groups. That of the i-th input is roots[of[i]].
func (s *scanner) count(ctx context.Context, roots []*summary.Summary, of []int) error {
	pieces := make([]*summary.Summary, len(s.inputs))
	begun := make([]bool, len(roots))
	for i := range pieces {
		pieces[i] = roots[of[i]]
		if begun[of[i]] {
			pieces[i] = summary.New(&s.Summary, false)
		}
		begun[of[i]] = true
	}
	free := make(chan *summary.Fringe, s.inFlight())
	join := newAssembler(s)
	joined := newShares(join.builder, len(roots))
	all := []*shares{joined}
	turn := 0
	absorb := func(piece *summary.Summary, in *input, p parts) {
		joined.enter(of[in.ord])
		join.absorb(piece, in, p)
		joined.leave()
	}
	err := pipeline[counted]{
		ahead: s.Jobs,
		worker: func() handler[counted] {
			h := &counter{Builder: summary.NewBuilder(&s.Summary), of: of, formats: s.Formats, free: free}
			h.shares = newShares(h.Builder, len(roots))
			all = append(all, h.shares)
			return h
		},
		fold: func(in *input, c counted) error {
			piece := pieces[in.ord]
			piece.Absorb(c.fringe)
			leads := piece.Leads()
			switch {
			case len(c.parts.list) == 0:
			case in.ord == turn:
				absorb(piece, in, c.parts)
			default:
				in.parts = append(in.parts, c.parts)
			}
			if in.parts != nil {
				leads = maxLeads + 1 // each of the parts keeps the text of its block
			}
			in.leads.Store(int64(leads))
			select {
			case free <- c.fringe:
			default:
			}
			return nil
		},
		done: func(in *input) {
			turn = in.ord + 1
			if turn < len(pieces) {
				// What the next input could not settle alone is settled now; its later blocks need not wait.
				next, root := s.inputs[turn], roots[of[turn]]
				if pieces[turn] != root {
					root.Append(pieces[turn])
					pieces[turn] = root
				}
				for _, p := range next.parts {
					absorb(root, next, p)
				}
				next.parts = nil
			}
		},
	}.run(ctx, s)
	if err != nil {
		return err
	}
	for _, x := range all {
		for g, c := range x.counts {
			if c != nil {
				roots[g].Counts.Add(c)
			}
		}
	}
	return nil
}

// shares are the counts of a builder by group of inputs.
type shares struct {
	builder *summary.Builder
	counts  []*summary.Counts // nil: there are none
	at      int
}

func newShares(b *summary.Builder, groups int) *shares {
	return &shares{builder: b, counts: make([]*summary.Counts, groups)}
}

// enter has the builder count for a group, until leave.
func (x *shares) enter(group int) {
	x.at = group
	x.builder.Into(x.counts[group])
}

func (x *shares) leave() { x.counts[x.at] = x.builder.Counts }

// counted is what became of a block that was counted.
type counted struct {
	fringe *summary.Fringe
	parts  parts
}

// counter is a worker that counts.
type counter struct {
	*summary.Builder
	shares  *shares
	of      []int // groups of inputs
	formats []parsers.Format
	free    chan *summary.Fringe
	counted
}

func (h *counter) begin(in *input, block int) {
	h.shares.enter(h.of[in.ord])
	h.counted = counted{parts: parts{block: block}}
	select {
	case h.fringe = <-h.free:
	default:
		h.fringe = summary.NewFringe()
	}
	h.Begin(h.fringe, uint32(in.ord), uint32(block), in.host)
}

func (h *counter) line(_ *input, line *parsers.Line, n uint32, format int, events []parsers.Event) summary.Bucket {
	if h.formats[format].Join == nil {
		return h.Line(line, n, events)
	}
	bucket := h.Aside(line, events)
	for i := range events {
		h.parts.list = append(h.parts.list, item{events[i], *line, n, format, bucket})
	}
	return bucket
}

func (h *counter) end() counted {
	h.End()
	h.shares.leave()
	return h.counted
}

// Attempts hands the attempt records of the inputs to emit, in order. emit must not keep them. The error is ctx's or
// emit's.
func Attempts(ctx context.Context, c Config, inbound bool, emit func(*summary.Record) error) (*Result, error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	free := make(chan *batch, s.inFlight())
	join := newAssembler(s)
	rec, err := s.Runs.recorder(&s.Summary, inbound, emit)
	if err != nil {
		return nil, err
	}
	var collectors []*collector
	err = pipeline[*batch]{
		ahead: 1,
		worker: func() handler[*batch] {
			h := &collector{Builder: summary.NewBuilder(&s.Summary), free: free}
			collectors = append(collectors, h)
			return h
		},
		fold: func(in *input, b *batch) error {
			src := summary.Source{Host: in.host, Given: s.Host != "", File: in.Name}
			base := s.res.bases[in.ord][b.block]
			join.moved = 0
			for i := range b.items {
				it := &b.items[i]
				src.Format, src.Line = s.Formats[it.format].Name, base+int64(it.n)
				for _, ev := range join.events(it, in) {
					if err := rec.Add(&ev, &it.line, &src); err != nil {
						return err
					}
				}
			}
			clear(b.items) // they point into their block
			b.items = b.items[:0]
			select {
			case free <- b:
			default:
			}
			return nil
		},
	}.run(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := s.Runs.endRecords(rec); err != nil {
		return nil, err
	}
	total := join.builder.Counts
	for _, h := range collectors {
		total.Add(h.Builder.Counts)
	}
	s.res.Counts = total
	s.finish()
	return s.res, nil
}

// collector is a worker that keeps the events of a block for the recorder. Its counts are the ledger only.
type collector struct {
	*summary.Builder
	free  chan *batch
	batch *batch
}

// A batch is the events of a block. They point into the block's text, which lives as long as they do.
type batch struct {
	block int
	items []item
}

type item struct {
	event  parsers.Event
	line   parsers.Line
	n      uint32
	format int
	bucket summary.Bucket // the line is counted in
}

func (h *collector) begin(in *input, block int) {
	select {
	case h.batch = <-h.free:
	default:
		h.batch = new(batch)
	}
	h.batch.block = block
}

func (h *collector) line(in *input, line *parsers.Line, n uint32, format int, events []parsers.Event) summary.Bucket {
	bucket := h.Tell(line, events)
	for i := range events {
		h.batch.items = append(h.batch.items, item{events[i], *line, n, format, bucket})
	}
	return bucket
}

func (h *collector) end() *batch { return h.batch }

// finish fills in the result what is known only at the end.
func (s *scanner) finish() {
	s.leaveInputs()
	told := false // that there were no deferrals, if there were none
	for _, in := range s.inputs {
		s.res.Errors = append(s.res.Errors, in.errs...)
		r := &s.res.Inputs[in.ord]
		omits := true
		for i, n := range in.claimed {
			if n > 0 {
				if s.Formats[i].LastResort && !s.Forced {
					s.res.Warnings = append(s.res.Warnings, fmt.Sprintf("%s: its format is not known; %d lines were read by their shape, which may be wrong; describe it for better: bouncelog formats learn %[1]s", in.Name, n))
				}
				omits = omits && s.Formats[i].OmitsDeferrals
				r.Formats = append(r.Formats, s.Formats[i].Name)
				r.Claimed += n
				s.res.Claimed += n
			}
		}
		r.OmitsDeferrals = omits && r.Claimed > 0
		told = told || !omits
	}
	s.res.OmitsDeferrals = s.res.Claimed > 0 && !told
	s.res.Samples = s.samples.resolve(s.res)
	s.res.Warnings = append(s.res.Warnings, s.overlaps()...)
	if s.seen != nil && s.seen.full {
		s.res.Warnings = append(s.res.Warnings, fmt.Sprintf("more than %d lines: those after were not compared, and some may be counted twice; give fewer inputs to --dedupe", maxRepeats))
	}
	if n := s.res.Counts.Gaps; n > 0 {
		s.res.Warnings = append(s.res.Warnings, fmt.Sprintf("%d lines say that log lines were lost before they were written: totals are lower bounds", n))
	}
	slices.Sort(s.res.Warnings)
}
