// Package snapshot keeps what was counted of logs in files: each made where its logs are, and joined to others anywhere.
//
// A [Snapshot] is pieces: what is known of the logs of one host, or of several that share an input. Pieces that share no host
// have nothing to do with each other: to join them is to add them up. Those that do follow each other in time, and what one
// could not settle is settled by the next: see [summary.Summary]. Nothing in a snapshot depends on the order that snapshots
// are joined in.
package snapshot

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// A Snapshot is what was counted of some logs, and what is open at their ends.
type Snapshot struct {
	// Sets of what made it, sorted: versions of the program, fingerprints of rules, time zones of stamps that name none.
	Tools, Rules, Zones []string

	Warnings []string // of the scans, sorted
	Pieces   []Piece  // by their first host
}

// A Piece is one contiguous piece of the log of each of its hosts.
type Piece struct {
	Hosts          []string           // whose lines it has, sorted; an empty name: of hosts beyond those that are told apart
	Inputs         []scan.InputResult // in order of their logs
	Samples        []Sample           // in order of their places
	Claimed        int64              // lines that a format knew
	OmitsDeferrals bool               // the formats of these may leave deferrals out

	// From and Till are the day that it is of, where its log was cut by days: a line is of the day of the first one before it
	// that begins a day. Zero: it was not.
	From, Till parsers.Stamp

	// Known: whoever made it knows logs again, so that none is in two such pieces. It is not in the file.
	Known bool

	counts []byte // of a Summary; places in it are numbers of Inputs
	name   string // of the snapshot, for messages
}

// A Sample is a line that could not be used.
type Sample struct {
	Input int // of the piece
	scan.Sample
}

// Made is what a snapshot says of its making.
type Made struct {
	Tool, Rules, Zone string
}

// New returns the snapshot of a scan by groups.
func New(res *scan.Result, groups []scan.Group, made Made) (*Snapshot, error) {
	s := &Snapshot{Tools: set(made.Tool), Rules: set(made.Rules), Zones: set(made.Zone)}
	s.Warnings = set(res.Warnings...)
	for _, g := range groups {
		p := Piece{OmitsDeferrals: true}
		number := make(map[uint32]int)
		for i, n := range g.Inputs {
			in := res.Inputs[n]
			number[uint32(n)] = i
			p.Inputs = append(p.Inputs, in)
			p.Claimed += in.Claimed
			p.OmitsDeferrals = p.OmitsDeferrals && (in.Claimed == 0 || in.OmitsDeferrals)
		}
		for _, x := range res.Samples {
			if i, ok := number[uint32(x.Input())]; ok {
				p.Samples = append(p.Samples, Sample{i, x})
			}
		}
		p.take(g.Summary, func(at summary.Pos) (string, int64) {
			i, ok := number[at.Input]
			if !ok {
				return "", 0
			}
			_, line := res.Locate(at)
			return strconv.Itoa(i), line
		})
		s.Pieces = append(s.Pieces, p)
	}
	return Merge([]*Snapshot{s})
}

// take takes over what a Summary has.
func (p *Piece) take(s *summary.Summary, locate func(summary.Pos) (string, int64)) {
	p.Hosts = nil
	for _, h := range s.Counts.Hosts() {
		p.Hosts = append(p.Hosts, h.Name)
	}
	p.counts = s.Encode(nil, locate)
}

// set returns some texts sorted, each once, without the empty one.
func set(list ...string) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
	slices.Sort(list)
	return slices.Compact(list)
}

// Settings returns what the snapshot was made with. The error is that of a newer version.
func (s *Snapshot) Settings() ([]summary.Setting, error) {
	if len(s.Pieces) == 0 {
		return nil, nil
	}
	p := &s.Pieces[0]
	h, err := summary.ReadHeader(p.counts)
	if err != nil {
		return nil, p.error(err)
	}
	return h.Settings, nil
}

// A MixedError says that two snapshots cannot be joined.
type MixedError struct {
	Name, Other string // of the snapshots
	Err         error  // a [*summary.SettingError]
}

func (e *MixedError) Error() string {
	return fmt.Sprintf("%s was %v as %s was; make both alike", cmp.Or(e.Name, "the log"), e.Err, cmp.Or(e.Other, "the log"))
}

func (e *MixedError) Unwrap() error { return e.Err }

// options returns the Options that all snapshots were made with.
func options(all []*Snapshot) (*summary.Options, error) {
	o, first := new(summary.Options), (*Piece)(nil)
	for _, s := range all {
		for i := range s.Pieces {
			p := &s.Pieces[i]
			h, err := summary.ReadHeader(p.counts)
			if err != nil {
				return nil, p.error(err)
			}
			if first == nil {
				first = p
				for _, x := range h.Settings {
					if err := o.Set(x); err != nil {
						return nil, p.error(err)
					}
				}
				continue
			}
			if err := o.Compare(h.Settings); err != nil {
				return nil, &MixedError{p.name, first.name, err}
			}
		}
	}
	return o, nil
}

// Merge joins snapshots, in whatever order, and what each has several pieces of, but for those that are of different days. They
// are not to be used after.
func Merge(all []*Snapshot) (*Snapshot, error) {
	m := new(Snapshot)
	for _, s := range all {
		m.Tools, m.Rules, m.Zones = set(append(m.Tools, s.Tools...)...), set(append(m.Rules, s.Rules...)...), set(append(m.Zones, s.Zones...)...)
		m.Warnings = append(m.Warnings, s.Warnings...)
	}
	chains, err := chainsOf(all)
	if err != nil {
		return nil, err
	}
	for _, c := range chains {
		m.Warnings = append(m.Warnings, c.overlaps()...)
		for len(c) > 0 {
			n := 1
			for n < len(c) && c[n].From == c[0].From && c[n].Till == c[0].Till {
				n++
			}
			p, err := c[:n].join()
			if err != nil {
				return nil, err
			}
			m.Pieces = append(m.Pieces, *p)
			c = c[n:]
		}
	}
	m.Warnings = set(m.Warnings...)
	return m, nil
}

// A chain is pieces that share hosts, in order of time.
type chain []*Piece

// chainsOf puts pieces that share a host together, directly or by others.
func chainsOf(all []*Snapshot) ([]chain, error) {
	if _, err := options(all); err != nil {
		return nil, err
	}
	var pieces []*Piece
	for _, s := range all {
		for i := range s.Pieces {
			pieces = append(pieces, &s.Pieces[i])
		}
	}
	slices.SortStableFunc(pieces, (*Piece).compare)
	// up leads from a piece to another of its chain, and from that one's first to itself.
	up := make([]int, len(pieces))
	root := func(i int) int {
		for up[i] != i {
			up[i] = up[up[i]]
			i = up[i]
		}
		return i
	}
	of := make(map[string]int)
	for i, p := range pieces {
		up[i] = i
		for _, h := range p.Hosts {
			if j, ok := of[h]; ok {
				a, b := root(i), root(j)
				up[max(a, b)] = min(a, b)
			} else {
				of[h] = i
			}
		}
	}
	byRoot := make(map[int]int)
	var chains []chain
	for i, p := range pieces {
		r := root(i)
		n, ok := byRoot[r]
		if !ok {
			n = len(chains)
			byRoot[r] = n
			chains = append(chains, nil)
		}
		chains[n] = append(chains[n], p)
	}
	slices.SortStableFunc(chains, func(a, b chain) int { return slices.Compare(a.hosts(), b.hosts()) })
	return chains, nil
}

// compare orders pieces by the first time of their logs. Those that have none come first.
func (p *Piece) compare(o *Piece) int {
	return cmp.Or(slices.CompareFunc(p.Inputs[:min(1, len(p.Inputs))], o.Inputs[:min(1, len(o.Inputs))], compareInputs),
		slices.CompareFunc(p.Inputs, o.Inputs, compareInputs), bytes.Compare(p.counts, o.counts))
}

// compareInputs orders inputs as a scan does, and by all else where that leaves it open.
func compareInputs(a, b scan.InputResult) int {
	return cmp.Or(a.Compare(&b), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Last, b.Last), cmp.Compare(a.Lines, b.Lines),
		cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Claimed, b.Claimed), slices.Compare(a.Formats, b.Formats))
}

func (c chain) hosts() []string {
	var all []string
	for _, p := range c {
		all = append(all, p.Hosts...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// overlap is how far the logs of a host may reach into each other: their lines are not quite in order.
const overlap = time.Hour

// overlaps says which pieces of the same host are of the same time: then one was given twice, or the hosts are two, or they
// should have been read in one go.
func (c chain) overlaps() (warnings []string) {
	for i, p := range c {
		for _, q := range c[:i] {
			if p.Known && q.Known {
				continue
			}
			for _, a := range p.Inputs {
				for _, b := range q.Inputs {
					if a.First == 0 || b.First == 0 || min(a.Last, b.Last).Sub(max(a.First, b.First)) < min(overlap, a.Last.Sub(a.First)/2, b.Last.Sub(b.First)/2) {
						continue
					}
					if !slices.ContainsFunc(a.Formats, func(f string) bool { return slices.Contains(b.Formats, f) }) || !share(p.Hosts, q.Hosts) {
						continue
					}
					names := []string{place(p, &a), place(q, &b)}
					slices.Sort(names)
					warnings = append(warnings, fmt.Sprintf("%s and %s are of the same time, and of the same host by name: if it is the same log, it was counted twice; if not, make each with a --host of its own", names[0], names[1]))
				}
			}
		}
	}
	return warnings
}

func place(p *Piece, in *scan.InputResult) string {
	if p.name == "" {
		return in.Name
	}
	return in.Name + " (" + p.name + ")"
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(h string) bool { return slices.Contains(b, h) })
}

// A binding is inputs of several pieces, each with a number.
type binding struct {
	inputs []scan.InputResult
	number [][]uint32 // by piece and input
}

// bind numbers the inputs of pieces in the order of their logs.
func bind(pieces []*Piece) *binding {
	type place struct{ piece, input int }
	var order []place
	b := &binding{number: make([][]uint32, len(pieces))}
	for i, p := range pieces {
		b.number[i] = make([]uint32, len(p.Inputs))
		for j := range p.Inputs {
			order = append(order, place{i, j})
		}
	}
	slices.SortStableFunc(order, func(x, y place) int {
		return compareInputs(pieces[x.piece].Inputs[x.input], pieces[y.piece].Inputs[y.input])
	})
	for n, x := range order {
		b.number[x.piece][x.input] = uint32(n)
		b.inputs = append(b.inputs, pieces[x.piece].Inputs[x.input])
	}
	return b
}

// decode returns the Summary of the i-th of the pieces that b has the inputs of.
func (b *binding) decode(i int, p *Piece, o *summary.Options) (*summary.Summary, error) {
	valid := true
	s, err := summary.Decode(p.counts, o, func(file string) uint32 {
		n, err := strconv.Atoi(file)
		if err != nil || n < 0 || n >= len(p.Inputs) {
			valid = false
			return 0
		}
		return b.number[i][n]
	})
	if err == nil && !valid {
		err = summary.ErrCorrupt
	}
	if err != nil {
		return nil, p.error(err)
	}
	return s, nil
}

func (p *Piece) error(err error) error {
	if p.name == "" {
		return err
	}
	return &FileError{p.name, err}
}

// samples returns the samples of pieces in order, as many of each kind as a scan has.
func (b *binding) samples(pieces []*Piece) (list []Sample) {
	for i, p := range pieces {
		for _, x := range p.Samples {
			x.Input = int(b.number[i][x.Input])
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, func(x, y Sample) int {
		return cmp.Or(cmp.Compare(x.Bucket, y.Bucket), cmp.Compare(x.Input, y.Input), cmp.Compare(x.Line, y.Line))
	})
	var seen [summary.NumBuckets]int
	return slices.DeleteFunc(list, func(x Sample) bool {
		seen[x.Bucket]++
		return seen[x.Bucket] > scan.MaxSamples
	})
}

// join makes one piece of a chain.
func (c chain) join() (*Piece, error) {
	if len(c) == 1 {
		return c[0], nil
	}
	o, err := options([]*Snapshot{{Pieces: []Piece{*c[0]}}})
	if err != nil {
		return nil, err
	}
	b := bind(c)
	var whole *summary.Summary
	p := &Piece{Inputs: b.inputs, OmitsDeferrals: true, Samples: b.samples(c), From: c[0].From, Till: c[0].Till, name: c[0].name}
	for i, part := range c {
		s, err := b.decode(i, part, o)
		if err != nil {
			return nil, err
		}
		if whole == nil {
			whole = s
		} else {
			whole.Append(s)
		}
		p.Claimed += part.Claimed
		p.OmitsDeferrals = p.OmitsDeferrals && part.OmitsDeferrals
	}
	p.take(whole, ofDecoded)
	return p, nil
}

// ofDecoded names the places of Summaries that were decoded.
func ofDecoded(at summary.Pos) (string, int64) { return strconv.Itoa(int(at.Input)), at.DecodedLine() }

// Result returns what a scan of all logs of the snapshots would have found. o are the options that they were made with, and
// what else is to be known: see [Adopt]. They are not to be used after.
//
// Where o has a window and they have none, it is what a scan with that window would have found: pieces of before it tell of
// messages that end in it, and count for nothing else; those of after it are left out. One that lies on both sides of an end
// is a [*CutError].
func Result(all []*Snapshot, o *summary.Options) (*scan.Result, error) { return Continue(all, o, nil) }

// Continue is Result for a run that goes on where others ended.
func Continue(all []*Snapshot, o *summary.Options, runs *scan.Runs) (*scan.Result, error) {
	chains, err := chainsOf(all)
	if err != nil {
		return nil, err
	}
	made, err := options(all)
	if err != nil {
		return nil, err
	}
	window := *o
	if counted := *o; made.Since == 0 && made.Until == 0 {
		counted.Since, counted.Until = 0, 0
		o = &counted
	} else {
		window.Since, window.Until = 0, 0
	}
	res := &scan.Result{Since: cmp.Or(window.Since, o.Since), Until: cmp.Or(window.Until, o.Until), OmitsDeferrals: true}
	for _, s := range all {
		res.Warnings = append(res.Warnings, s.Warnings...)
	}
	var pieces []*Piece // first those of before the window
	skipped := int64(0)
	for _, c := range chains {
		res.Warnings = append(res.Warnings, c.overlaps()...)
		pieces = append(pieces, c...)
	}
	earlier := 0
	if window.Since != 0 || window.Until != 0 {
		if pieces, earlier, skipped, err = within(pieces, &window); err != nil {
			return nil, err
		}
	}
	res.Warnings = set(res.Warnings...)
	b := bind(pieces)
	res.Inputs = b.inputs
	rooted := *o
	rooted.Since, rooted.Until = res.Since, res.Until // for what is settled between pieces
	root, err := runs.Root(&rooted, res)
	if err != nil {
		return nil, err
	}
	for i, p := range pieces {
		s, err := b.decode(i, p, o)
		if err != nil {
			return nil, err
		}
		if (window.Since != 0 || window.Until != 0) && s.Counts.Undated() {
			return nil, &CutError{Name: p.name, Undated: true}
		}
		p.counts = nil
		if root.Append(s); i+1 == earlier {
			root.Restart()
		}
		res.Claimed += p.Claimed
		res.OmitsDeferrals = res.OmitsDeferrals && (p.Claimed == 0 || p.OmitsDeferrals)
	}
	root.Counts.Skipped += skipped
	for _, x := range b.samples(pieces) {
		x.File = res.Inputs[x.Input].Name
		res.Samples = append(res.Samples, x.Sample)
	}
	res.OmitsDeferrals = res.OmitsDeferrals && res.Claimed > 0
	res.Counts = root.Counts
	return res, runs.End(root, res)
}

// A CutError says that a window cannot be told from what a snapshot has.
type CutError struct {
	Name        string // of the snapshot
	First, Last parsers.Stamp
	At          parsers.Stamp // the end of the window that lies between them
	Undated     bool          // it is not even known when all of it was
}

func (e *CutError) Error() string {
	name := cmp.Or(e.Name, "the log")
	if e.Undated {
		return fmt.Sprintf("snapshot %s: some of what it counted has no time, so no window can be told from it; leave out --since, --until, --last and --yesterday", name)
	}
	return fmt.Sprintf("snapshot %s: a window that begins or ends at %v cuts what it counted as a whole, from %v to %v; give times that do not, or make it anew with bouncelog snapshot --days", name, e.At, e.First, e.Last)
}

// span returns the first and the last time that a piece is of: those of its day or, where it is not of one, of its lines; zero:
// these have none.
func (p *Piece) span() (first, last parsers.Stamp) {
	if p.From != 0 {
		return p.From, p.Till - 1
	}
	for _, in := range p.Inputs {
		if in.First != 0 && (first == 0 || in.First < first) {
			first = in.First
		}
		last = max(last, in.Last)
	}
	return first, last
}

// within returns those of some pieces that tell of a window, first those of before it, how many these are, and the lines of
// those of after it.
func within(pieces []*Piece, window *summary.Options) (list []*Piece, earlier int, skipped int64, err error) {
	var in []*Piece
	for _, p := range pieces {
		first, last := p.span()
		for _, at := range []parsers.Stamp{window.Since, window.Until} {
			if at != 0 && first < at && at <= last {
				return nil, 0, 0, &CutError{Name: p.name, First: first, Last: last, At: at}
			}
		}
		switch {
		case window.Until != 0 && first >= window.Until:
			for _, x := range p.Inputs {
				skipped += x.Lines
			}
		case last < window.Since:
			list = append(list, p)
		default:
			in = append(in, p)
		}
	}
	return append(list, in...), len(list), skipped, nil
}

// Adopt has o ask for what the snapshots were made with. What o asks for already has to be the same, breakdowns among theirs,
// and a window one that they have or do not have at all: else the error is a [*summary.SettingError].
func Adopt(o *summary.Options, all []*Snapshot) error {
	for _, s := range all {
		if len(s.Pieces) == 0 {
			continue
		}
		have, err := s.Settings()
		if err != nil {
			return err
		}
		made := &summary.Options{Classifier: o.Classifier}
		for _, h := range have {
			if err := made.Set(h); err != nil {
				return s.Pieces[0].error(err)
			}
		}
		asked := *o
		if !slices.ContainsFunc(o.By, func(b summary.By) bool { return !slices.Contains(made.By, b) }) {
			asked.By = made.By
		}
		// What is not asked for is as it was made.
		for _, h := range have {
			if !slices.ContainsFunc(asked.Settings(), func(w summary.Setting) bool { return w.Name == h.Name }) {
				if err := asked.Set(h); err != nil {
					return s.Pieces[0].error(err)
				}
			}
		}
		want := asked
		if made.Since == 0 && made.Until == 0 {
			want.Since, want.Until = 0, 0 // it is for [Result] to tell
		}
		if err := want.Compare(have); err != nil {
			return fmt.Errorf("snapshot %s was %w: it has nothing else; leave the flag out, or make the snapshot anew", s.Pieces[0].name, err)
		}
		*o = asked
	}
	return nil
}
