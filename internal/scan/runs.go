package scan

import (
	"fmt"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Runs are those that read one log after another, each what is new.
type Runs struct {
	// Known is what the runs before say of inputs that they have read a part of.
	Known map[*source.Input]Known

	// Open is what they left open; empty: nothing. For [Attempts] it is as [summary.Recorder.EncodeOpen] wrote it, else as
	// [summary.Summary.EncodeOpen] did.
	Open []byte

	// Memory is what joiners remember, before this run and after it. Nil: nothing.
	Memory *Memory

	// Newest is the first time of the newest input that runs before have read a part of, by the host of its first line and by
	// that of lines that name none.
	Newest map[string]parsers.Stamp

	// Leave takes what this run leaves open, before that is counted.
	Leave func(open []byte) error

	// Early: once Leave has what is left open, Attempts hands on the records that wait in it, too. The next run hands them on
	// once more, with all that it knows.
	Early bool
}

// Known is what is known of an input of which a part was read.
type Known struct {
	Lines  int64         // that were read
	Anchor parsers.Stamp // of the year rule; zero: not known
	Host   string        // of lines that name none; empty: as if nothing was read
	Named  string        // host of the first line
	Late   bool          // what follows it in its log was read before it
	First  parsers.Stamp // its first time; zero: none
	Day    string        // of the last [Day]; empty: none
	Under  Under
}

// Under is what the first records stand under where an input of records that are not lines is read on. The zero value is that
// of its beginning.
type Under struct {
	Header string // the record that names their columns; empty: none does
	Inside bool   // the line that they begin on was counted: a record before them ends on it
}

// maxHeader is how long a header may be that the next run has to know.
const maxHeader = 16 << 10

func (r *Runs) of(in *source.Input) Known {
	if r == nil {
		return Known{}
	}
	return r.Known[in]
}

// check refuses an input whose records cannot be told apart from those of the next part: where one may be in both.
func (r *Runs) check(in *input) error {
	switch {
	case r == nil:
	case in.cut != nil:
		return fmt.Errorf("read %s: it is of journalctl -o export, or of a syslog connection as it came in, which --state and --days cannot read on; write lines: journalctl -o json, or a syslog daemon's file", in.Name)
	case r.Memory == nil && in.found.Framing != parsers.Lines:
		return fmt.Errorf("read %s: its records are not lines, which --days has to have; read it without", in.Name)
	}
	return nil
}

// Root returns what the lines of a run are joined to, whose result is res.
func (r *Runs) Root(o *summary.Options, res *Result) (*summary.Summary, error) {
	if r == nil || len(r.Open) == 0 {
		return summary.New(o, true), nil
	}
	return summary.Decode(r.Open, o, func(file string) uint32 {
		res.earlier = append(res.earlier, file)
		return uint32(firstEarlier + len(res.earlier) - 1)
	})
}

// firstEarlier is the number of the first file that is none of this run's inputs.
const firstEarlier = 1 << 31

// End ends a run: what its log says no more about is settled, what is open is left to the next one, and counted as far as
// that will not count it. Without runs, all is counted.
func (r *Runs) End(root *summary.Summary, res *Result) error {
	if r == nil {
		root.Final()
		return nil
	}
	if err := r.forgetful(); err != nil {
		return err
	}
	root.Settle()
	if err := r.Leave(root.EncodeOpen(nil, res.Locate)); err != nil {
		return err
	}
	root.Standing()
	return nil
}

// forgetful returns what is wrong with what joiners remember.
func (r *Runs) forgetful() error {
	if r.Memory == nil {
		return nil
	}
	return r.Memory.error
}

// recorder returns what the lines of a run become records by.
func (r *Runs) recorder(o *summary.Options, inbound bool, emit func(*summary.Record) error) (*summary.Recorder, error) {
	if r != nil && len(r.Open) > 0 {
		return summary.DecodeRecorder(r.Open, o, inbound, emit)
	}
	rec := summary.NewRecorder(o, emit)
	rec.Inbound = inbound
	return rec, nil
}

// endRecords ends a run that makes records: those that wait are left to the next one. Without runs, they are handed on.
func (r *Runs) endRecords(rec *summary.Recorder) error {
	if r == nil {
		return rec.Close()
	}
	if err := r.forgetful(); err != nil {
		return err
	}
	if err := rec.Settle(); err != nil {
		return err
	}
	if err := r.Leave(rec.EncodeOpen(nil)); err != nil || !r.Early {
		return err
	}
	return rec.Close()
}

// endOf notes how far an input was read.
func (s *scanner) endOf(in *input) (err error) {
	if s.Runs == nil {
		return nil
	}
	r := &s.res.Inputs[in.ord]
	r.End, r.Tail, err = in.reader.End()
	r.Whole = err == nil && len(in.reader.Warnings()) == 0
	r.Partial = in.reader.Partial()
	return err
}

// isLate reports whether of the log of an input that is new to these runs, inputs that follow it were read before.
func (r *Runs) isLate(in *input) bool {
	known := r.of(in.Input)
	if r == nil || known.Host != "" || in.first == 0 {
		return known.Late
	}
	return in.first < max(r.Newest[in.host], r.Newest[in.named])
}

// leaveInputs notes what the next run has to know of inputs. One whose format joins lines to others, and cannot say to which,
// is an error: that would be lost between two runs.
func (s *scanner) leaveInputs() {
	if s.Runs == nil {
		return
	}
	for _, in := range s.inputs {
		r := &s.res.Inputs[in.ord]
		r.Input = in.Input
		r.Known = Known{Lines: in.lines, Anchor: in.anchor, Host: in.host, Named: in.named, Late: in.late, First: in.first, Under: in.under}
		if len(in.under.Header) > maxHeader {
			s.res.Errors = append(s.res.Errors, fmt.Errorf("read %s: its columns are named in a record of %d bytes, --state keeps %d; read it without", in.Name, len(in.under.Header), maxHeader))
		}
		for i, n := range in.claimed {
			f := &s.Formats[i]
			switch {
			case n == 0 || f.Join == nil:
			case s.Runs.Memory == nil:
				s.res.Errors = append(s.res.Errors, fmt.Errorf("read %s: %s writes dialogues, which --days cannot cut in two; read it without", in.Name, f.Name))
			case !keeps(f.Join(s.Parse)):
				s.res.Errors = append(s.res.Errors, fmt.Errorf("read %s: the format %s joins lines to those before, and cannot keep these from run to run; read it without --state", in.Name, f.Name))
			}
		}
	}
}
