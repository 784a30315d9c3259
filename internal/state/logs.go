package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/source"
	"bouncelog/parsers"
)

// A Log is one that was read, by whatever names its files went.
type Log struct {
	Marks  []Mark        // of its first lines, which it is known by
	Read   int64         // bytes of text that were read
	Lines  int64         // lines of these
	Anchor parsers.Stamp // of the year rule; zero: its stamps name their year
	First  parsers.Stamp // time of its first line, which puts logs in order; zero: none
	Host   string        // of lines that name none
	Named  string        // host of its first line
	Late   bool          // what follows it in its host's log was read before it
	Name   string        // of the file that it was seen as last
	Seen   int64         // when that was, in Unix seconds
	Parts  int64         // of it that history has
	Day    string        // of the last of these, as 2006-01-02; empty: none has
	Held   int64         // how large the file was when its last lines were left for the next run; zero: they were not
	Tail   source.Tail   // before Read; zero: not known
	Header string        // that the records after Read stand under; empty: they are lines, or stand under none
	Inside bool          // the line of Read was counted: a record ends on it, and another may begin
	Done   []Packed      // compressed files that hold no more of it than was read
}

// A Mark is the checksum of a text's first bytes. In JSON it is `bytes:checksum`.
type Mark struct {
	At  int
	Sum uint64
}

// MarshalText implements encoding.TextMarshaler.
func (m Mark) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d:%016x", m.At, m.Sum), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mark) UnmarshalText(b []byte) error {
	at, sum, _ := strings.Cut(string(b), ":")
	n, err := strconv.ParseUint(at, 10, 31)
	if err != nil {
		return err
	}
	m.At = int(n)
	m.Sum, err = strconv.ParseUint(sum, 16, 64)
	return err
}

// A Packed is a compressed file as far as one need not decompress it to know it again.
type Packed struct {
	Size int64
	Time int64 // of its last change, in Unix nanoseconds
}

// maxMarks is by how many of its first lines a log is known.
const maxMarks = 32

// marks returns the marks of a text: one for each of its first whole lines, or where it is JSON, objects: an array of these may be
// a line that grows.
func marks(text string) (all []Mark) {
	ends := lineEnd
	if isJSON(text) {
		ends = objectEnd
	}
	h := sha256.New()
	mark := func(from, to int) {
		h.Write([]byte(text[from:to]))
		all = append(all, Mark{to, binary.BigEndian.Uint64(h.Sum(nil))})
	}
	at := 0
	for len(all) < maxMarks {
		n := ends(text[at:])
		if n == 0 {
			break
		}
		mark(at, at+n)
		at += n
	}
	if len(all) == 0 && len(text) == source.BeginningSize {
		mark(0, len(text)) // one long line
	}
	return all
}

// lineEnd returns where the first line of a text ends; zero: it does not.
func lineEnd(text string) int { return strings.IndexByte(text, '\n') + 1 }

// objectEnd returns where the first object of a text of JSON ends; zero: it does not.
func objectEnd(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth--; depth <= 0 {
				return i + 1
			}
		}
	}
	return 0
}

// isJSON reports whether a text begins with an object, or an array of these.
func isJSON(text string) bool {
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	if strings.HasPrefix(text, "[") {
		text = strings.TrimLeft(text[1:], " \t\r\n")
	}
	return strings.HasPrefix(text, "{")
}

// alike returns how many marks two texts have in common, and whether they can be of one log: as far as both go, they are
// the same.
func alike(a, b []Mark) (n int, same bool) {
	n = min(len(a), len(b))
	return n, n > 0 && slices.Equal(a[:n], b[:n])
}

// A Step is a part of a log that is to be read now.
type Step struct {
	Input *source.Input // reduced to that part
	Log   *Log          // as it was before

	From int64
	file *source.Input
	done *Packed // what to note if it holds no more; nil: it is not compressed
}

// A Plan is what is to be read of the logs that are there.
type Plan struct {
	Steps []*Step
	logs  []*Log
	now   time.Time
}

// A group is the files that hold one log.
type group struct {
	log   *Log
	marks []Mark
	files []*file
}

type file struct {
	*source.Input
	beginning source.Beginning
	marks     []Mark
}

// NewPlan finds out which logs the inputs are and what of them was not read before. Of a log that is there several times,
// one file is read, the others have their turn the next time. What cannot be read is among the errors.
func NewPlan(known []Log, inputs []*source.Input, now time.Time) (*Plan, []error) {
	p := &Plan{now: now}
	var errs []error
	var groups []*group
	byFirst := make(map[Mark][]*group)
	add := func(g *group) {
		groups = append(groups, g)
		byFirst[g.marks[0]] = append(byFirst[g.marks[0]], g)
	}
	for i := range known {
		l := known[i]
		l.Marks, l.Done = slices.Clone(l.Marks), slices.Clone(l.Done)
		if len(l.Marks) == 0 {
			continue
		}
		add(&group{log: &l, marks: l.Marks})
	}
	var files []*file
	for _, in := range inputs {
		b, err := in.Beginning()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f := (&file{in, b, marks(b.Text)}); len(f.marks) > 0 {
			files = append(files, f)
		}
	}
	// A longer beginning tells more. Where several can be the same log, as one of them is but its first lines, the name
	// decides.
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(len(b.marks), len(a.marks)) })
	for _, f := range files {
		var best *group
		most := 0
		for _, g := range byFirst[f.marks[0]] {
			n, same := alike(f.marks, g.marks)
			if same && (n > most || n == most && g.log.Name == f.Path) {
				best, most = g, n
			}
		}
		if best == nil {
			best = &group{log: new(Log), marks: f.marks}
			add(best)
		}
		if len(f.marks) > len(best.marks) {
			best.marks = f.marks
		}
		best.files = append(best.files, f)
	}
	for _, g := range groups {
		g.log.Marks = g.marks
		p.logs = append(p.logs, g.log)
		p.add(g)
	}
	return p, errs
}

// add plans what to read of a log: of the plain file that holds most, or else of the largest compressed one.
func (p *Plan) add(g *group) {
	var plain, packed *file
	for _, f := range g.files {
		g.log.Name, g.log.Seen = f.Path, p.now.Unix()
		switch {
		case f.beginning.Till >= 0:
			if plain == nil || f.reach() > plain.reach() {
				plain = f
			}
		case !slices.Contains(g.log.Done, *packedOf(f.Input)) && (packed == nil || f.Size > packed.Size):
			packed = f
		}
	}
	s := &Step{Log: g.log, From: g.log.Read}
	switch {
	case plain != nil && plain.reach() > g.log.Read:
		s.file = plain.Input
		span := plain.beginning.Span(g.log.Read)
		span.Tail = g.log.Tail
		s.Input = plain.Part(span)
	case packed != nil:
		s.file = packed.Input
		s.Input, s.done = packed.Part(packed.beginning.Span(g.log.Read)), packedOf(packed.Input)
	default:
		return
	}
	g.log.Name = s.file.Path
	p.Steps = append(p.Steps, s)
}

// reach returns where the last line or object of a plain file may end.
func (f *file) reach() int64 {
	if isJSON(f.beginning.Text) {
		return f.beginning.Size
	}
	return f.beginning.Till
}

func packedOf(in *source.Input) *Packed { return &Packed{in.Size, in.Modified().UnixNano()} }

// Limit leaves what is behind a place to the next run, and reports whether there is anything before it. What waits are lines:
// where nothing was added since they were left, nothing will be, and they are read.
func (s *Step) Limit(till int64, waits bool) bool {
	span, _ := s.Input.Span()
	held := s.Log.Held
	s.Log.Held = 0
	switch {
	case !waits || till >= span.Till:
	case s.file.Size == held:
		till = span.Till
	default:
		s.Log.Held = s.file.Size
	}
	if till != span.Till {
		s.Input = s.Input.Within(span.From, till)
	}
	return till > span.From
}

// Read takes in that a step was read up to a place, before which it ends with tail, and how many lines the log has to there.
// whole: all that the file holds, as far as one can tell.
func (s *Step) Read(till, lines int64, tail source.Tail, whole bool) {
	if till >= s.Log.Read {
		s.Log.Read, s.Log.Tail = till, tail
	}
	s.Log.Lines = max(s.Log.Lines, lines)
	if s.done != nil && whole {
		s.Log.Done = append(s.Log.Done, *s.done)
	}
}

// Logs returns what is to be kept of the logs, without those that nobody has seen for so long.
func (p *Plan) Logs(keep time.Duration) (logs []Log) {
	for _, l := range p.logs {
		if l.Seen >= p.now.Add(-keep).Unix() && (l.Read > 0 || l.Held > 0 || len(l.Done) > 0) {
			logs = append(logs, *l)
		}
	}
	if n := len(logs) - maxLogs; n > 0 {
		slices.SortStableFunc(logs, func(a, b Log) int { return cmp.Compare(a.Seen, b.Seen) })
		logs = logs[n:]
	}
	return logs
}

// maxLogs is how many logs are remembered, those seen last.
const maxLogs = 1 << 14

// Forget takes the logs whose name matches out of the state, so that they are read from their beginning when they are
// seen again.
func (st *State) Forget(matches func(name string) bool) (forgotten []string) {
	st.Logs = slices.DeleteFunc(slices.Clone(st.Logs), func(l Log) bool {
		if matches(l.Name) {
			forgotten = append(forgotten, l.Name)
			return true
		}
		return false
	})
	return forgotten
}

// Moved reports whether an error of a step says that its file is not there any more as it was, so that another plan would
// find out where it is.
func Moved(err error) bool { return errors.Is(err, source.ErrMoved) }
