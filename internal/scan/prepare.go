package scan

import (
	"cmp"
	"context"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bouncelog/internal/source"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// scanner is a scan under way.
type scanner struct {
	Config
	inputs  []*input
	tags    *tags
	res     *Result
	samples samples
	seen    *repeats // with Dedupe
	sketch  bool     // several inputs: look for lines that stand in more than one
}

// input is one input and what its beginning told.
type input struct {
	*source.Input
	ord     int
	reader  *source.Reader // of an input that can be opened only once
	host    string         // of lines that name none
	late    bool           // later inputs of its log were read before
	anchor  parsers.Stamp
	first   parsers.Stamp // for the fold order only
	named   string        // host of the first line
	found   Detection
	cut     cutter           // of records that are not lines; nil: they are
	parted  bool             // lines may be cut into parts
	under   Under            // what its last records stand under, as far as it was folded
	parsers []parsers.Parser // by format

	lines   int64         // physical ones, folded so far
	turn    chan struct{} // closed when the fold has come to it
	leads   atomic.Int64  // see maxLeads
	claimed []int64       // lines by format
	marks   sketch
	errs    []error
	parts   []parts // of blocks that were folded before the input's turn
}

func newInput(in *source.Input, formats int) *input {
	return &input{Input: in, turn: make(chan struct{}), claimed: make([]int64, formats)}
}

const sampleLines = 400

// blockSize is a compromise: what a block holds of messages should lie in the processor's cache, and what it cannot settle
// alone should be little.
const blockSize = 256 << 10

// prepare looks at the beginning of every input and puts them in order. Rotated files are in order by their first stamp,
// whatever their names.
func prepare(ctx context.Context, c Config) (*scanner, error) {
	c.Jobs = max(1, c.Jobs)
	if c.Dedupe {
		c.Jobs = 1
	}
	if c.Summary.Now == 0 {
		if ref := cmp.Or(c.Now, c.Clock); !ref.IsZero() {
			c.Summary.Now = parsers.StampOf(ref)
		}
	}
	c.Source.ChunkSize = cmp.Or(c.Source.ChunkSize, blockSize)
	if slices.ContainsFunc(c.Formats, func(f parsers.Format) bool { return f.Fold != nil || f.Echoes }) {
		c.Source.Lookahead = lookahead
	}
	s := &scanner{Config: c, tags: newTags(c.Formats), res: &Result{Since: c.Summary.Since, Until: c.Summary.Until}, sketch: len(c.Inputs) > 1}
	if c.Dedupe {
		s.seen = newRepeats()
	}
	for _, si := range c.Inputs {
		in := newInput(si, len(c.Formats))
		if err := s.look(ctx, in); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			s.res.Errors = append(s.res.Errors, err)
			continue
		}
		s.inputs = append(s.inputs, in)
	}
	slices.SortStableFunc(s.inputs, func(a, b *input) int {
		return compareInputs(a.first, b.first, a.Name, b.Name)
	})
	for i, in := range s.inputs {
		in.ord = i
		in.late = s.Runs.isLate(in)
		s.res.Inputs = append(s.res.Inputs, InputResult{Name: in.Name, Named: in.Named, Host: in.named, Compression: in.Compression, Begin: in.first})
		s.res.bases = append(s.res.bases, nil)
	}
	return s, nil
}

// look reads the beginning of an input: its first stamp, host and formats.
func (s *scanner) look(ctx context.Context, in *input) error {
	r, err := in.Open(ctx, s.Source)
	if err != nil {
		return err
	}
	if in.Size < 0 {
		in.reader = r // a pipe can be opened only once
	} else {
		defer r.Close()
	}
	in.host = s.Host
	if in.host == "" {
		in.host = stem(in.Path)
	}
	text := string(r.Head(source.HeadSize))
	if i := strings.LastIndexByte(text, '\n'); i >= 0 && len(text) == source.HeadSize {
		text = text[:i]
	}
	lines := strings.SplitN(text, "\n", sampleLines+1)
	lines = lines[:min(len(lines), sampleLines)]
	lines, in.parted = wholeLines(lines)
	switch n, _ := syslog.FrameLength(text); {
	case syslog.IsExport(text):
		in.cut = cutEntry
	case n > 0:
		in.cut = cutFrame
	}
	if in.cut != nil {
		lines = sampleOf(text, in.cut, trimRecord)
	}

	o := syslog.Options{Location: s.Parse.Location, HostAlias: s.HostAlias}
	ref := s.reference(r)
	known := s.Runs.of(in.Input)
	if in.lines = known.Lines; s.Host == "" && known.Host != "" {
		in.host = known.Host
	}
	if o.Anchor = known.Anchor; o.Anchor == 0 {
		o.Anchor = syslog.Anchor(lines, ref, o)
	}
	if err := s.detect(in, o, text, lines); err != nil {
		return err
	}
	if in.cut != nil {
		in.found.Framing = parsers.Lines // whatever is within the entries
	}
	if err := s.Runs.check(in); err != nil {
		return err
	}
	if years := s.evidence(in, o, lines); years != 0 && known.Anchor == 0 {
		ref.Year = o.Anchor.Time().In(location(o.Location)).Year() + years
		o.Anchor = syslog.Anchor(lines, ref, o)
	}
	in.anchor = o.Anchor
	s.firstStamp(in, o, text, lines)
	return nil
}

// firstStamp finds the first time that the input tells, and the first host.
func (s *scanner) firstStamp(in *input, o syslog.Options, text string, lines []string) {
	if cut := cutterOf(in.found.Framing); cut != nil {
		trim := trimRecord
		if in.found.Framing == parsers.JSON {
			trim = trimObject
		}
		lines = sampleOf(text, cut, trim)
	}
	r := syslog.NewReader(o)
	var events []parsers.Event
	for _, raw := range lines {
		line, ok := r.Cut(raw)
		if in.named == "" && ok {
			in.named = strings.Clone(line.Host)
		}
		if in.first == 0 && ok {
			in.first = line.Time
		}
		if in.first != 0 {
			return
		}
		if ok {
			continue
		}
		line = bareLine(raw)
		for _, g := range in.found.Bare {
			events, _ = in.parsers[g.index].AppendEvents(events[:0], &line)
			if len(events) > 0 {
				in.first = events[0].Time
				break
			}
		}
	}
}

// sampleOf returns the first records of a text.
func sampleOf(text string, cut cutter, trim func(string) string) (records []string) {
	for len(records) < sampleLines {
		start, end, ok := cut(text, false)
		if !ok {
			break
		}
		records = append(records, trim(text[start:end]))
		text = text[end:]
	}
	return records
}

func location(l *time.Location) *time.Location {
	if l == nil {
		return time.UTC
	}
	return l
}

// reference is what the year of the input's first stamp is settled by: --now, else what the input says of its age, else
// the clock.
func (s *scanner) reference(r *source.Reader) syslog.Reference {
	ref := syslog.Reference{Time: s.Now, Year: s.Year}
	if ref.Time.IsZero() {
		ref.Time = r.Time
	}
	if ref.Time.IsZero() {
		ref.Time = s.Clock
	}
	return ref
}

// evidence returns by how many years the first lines prove the anchor wrong: a long queue id of Postfix holds the year, and so
// do stamps of a program's own behind the header, which may be some seconds and a New Year's Eve before it.
func (s *scanner) evidence(in *input, o syslog.Options, lines []string) int {
	if s.Year != 0 {
		return 0
	}
	var events []parsers.Event
	cut := syslog.NewReader(o)
	var memo tagMemo
	for _, raw := range lines {
		line, ok := cut.Cut(raw)
		if !ok || !line.YearGuessed {
			continue
		}
		f := s.tags.format(&memo, line.Tag)
		if f < 0 {
			continue
		}
		events, _ = in.parsers[f].AppendEvents(events[:0], &line)
		for i := range events {
			if t := events[i].Time; t != 0 {
				const year = 365.2425 * 24
				return int(math.Round(t.Sub(line.Time).Hours() / year))
			}
		}
	}
	return 0
}

// stem is the host of lines that name none: the input's folder and name without what rotation adds, so that mail.log,
// mail.log.1 and mail.log.2.gz are one, and so are the files that multilog writes into a folder, and those whose names are
// times alone.
func stem(path string) string {
	dir, name := filepath.Split(path)
	if name == "current" || len(name) > 25 && name[0] == '@' && strings.Trim(name[1:25], "0123456789abcdef") == "" ||
		len(name) >= len("20260102-150405") && strings.Trim(name[:15], "0123456789-") == "" {
		return filepath.ToSlash(filepath.Clean(dir))
	}
	for {
		ext := filepath.Ext(name)
		if ext == "" || ext == name || !rotation(ext[1:]) {
			break
		}
		name = strings.TrimSuffix(name, ext)
	}
	name, _ = undated(name)
	return filepath.ToSlash(filepath.Join(dir, name))
}

// undated takes the date off the end of a name that rotation has put there, or Exim for %D and %M: mail.log-20261122,
// mainlog-202611, mail.log-2026-11-22.
func undated(name string) (stem string, dated bool) {
	if i := len(name) - len("-2026-11-22"); i > 0 && name[i] == '-' && name[i+5] == '-' && name[i+8] == '-' &&
		digits(name[i+1:i+5]+name[i+6:i+8]+name[i+9:]) {
		return name[:i], true
	}
	i := strings.LastIndexByte(name, '-')
	if n := len(name) - i - 1; i <= 0 || n < len("20261122") && (n != len("202611") || name[i+1:i+3] != "20") || !digits(name[i+1:]) {
		return name, false
	}
	return name[:i], true
}

func rotation(ext string) bool {
	switch ext {
	case "gz", "zst", "xz", "bz2", "old":
		return true
	}
	return digits(ext)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// compareInputs puts inputs in the order of their logs: by their first times, then by their names.
func compareInputs(firstA, firstB parsers.Stamp, a, b string) int {
	return cmp.Or(cmp.Compare(firstA, firstB), compareAge(a, b))
}

// Compare puts inputs in the order that a scan reads them in.
func (r *InputResult) Compare(o *InputResult) int {
	return compareInputs(r.Begin, o.Begin, r.Name, o.Name)
}

// compareAge puts rotated files whose first stamps are equal in order: mail.log.2 is older than mail.log.1, and that than
// mail.log; mail.log-20261120 is older than mail.log-20261121, and that than mail.log.
func compareAge(a, b string) int {
	da, na := rotated(a)
	db, nb := rotated(b)
	return cmp.Or(cmp.Compare(db, da), cmp.Compare(nb, na), strings.Compare(a, b))
}

// rotated returns the number that rotation gave a file, or that it gave it a date.
func rotated(name string) (dated, number int) {
	for ext := filepath.Ext(name); ext != "" && rotation(ext[1:]); ext = filepath.Ext(name) {
		if digits(ext[1:]) && len(ext) <= 8 {
			number, _ = strconv.Atoi(ext[1:])
		}
		name = strings.TrimSuffix(name, ext)
	}
	if _, ok := undated(filepath.Base(name)); ok {
		return 1, number
	}
	return 0, number
}

// tags finds the format that claims a syslog program.
type tags struct {
	exact  map[string]int // `postfix`
	suffix map[string]int // `smtp` under any name in front: `postfix/smtp`
}

// tagMemo remembers the formats of a few tags: the daemons of one MTA take turns.
type tagMemo [64]struct {
	tag    string
	format int
}

func newTags(formats []parsers.Format) *tags {
	t := &tags{make(map[string]int), make(map[string]int)}
	for i, f := range formats {
		for _, tag := range f.Tags {
			if name, ok := strings.CutPrefix(tag, "/"); ok {
				t.suffix[name] = i
			} else {
				t.exact[tag] = i
			}
		}
	}
	return t
}

// format returns the index of the format that claims a tag, -1 where none does.
func (t *tags) format(m *tagMemo, tag string) int {
	if tag == "" {
		return -1
	}
	// Enough to keep Postfix's daemons apart; a hash of the whole would cost more than the rest of the look-up.
	slot := 3*uint(len(tag)) + 13*uint(tag[max(0, len(tag)-4)]) + uint(tag[len(tag)-1])
	memo := &m[slot%uint(len(m))]
	if memo.tag == tag {
		return memo.format
	}
	f, ok := t.exact[tag]
	if !ok {
		f = -1
		if i := strings.LastIndexByte(tag, '/'); i >= 0 {
			if g, ok := t.suffix[tag[i+1:]]; ok {
				f = g
			}
		}
	}
	if memo.tag == "" { // the first to come stays: to replace it would cost a clone, each time two take turns
		memo.tag, memo.format = strings.Clone(tag), f
	}
	return f
}
