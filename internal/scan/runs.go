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

	// Open is what they left open, as [summary.Summary.EncodeOpen] wrote it; empty: nothing.
	Open []byte

	// Leave takes what this run leaves open, before that is counted. The Summary is not to be kept.
	Leave func(*summary.Summary, *Result) error
}

// Known is what is known of an input of which a part was read.
type Known struct {
	Lines  int64         // that were read
	Anchor parsers.Stamp // of the year rule; zero: not known
	Host   string        // of lines that name none; empty: as if nothing was read
	First  parsers.Stamp // its first time; zero: none
}

func (r *Runs) of(in *source.Input) Known {
	if r == nil {
		return Known{}
	}
	return r.Known[in]
}

// check refuses an input whose lines cannot be told apart from those of the next run: where a record may be in two of them.
func (r *Runs) check(in *input) error {
	if r == nil || in.cut == nil && in.found.Framing == parsers.Lines {
		return nil
	}
	return fmt.Errorf("read %s: its records are not lines, which --state and --days have to have; read it without", in.Name)
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
	root.Settle()
	if err := r.Leave(root, res); err != nil {
		return err
	}
	root.Standing()
	return nil
}

// endOf notes how far an input was read.
func (s *scanner) endOf(in *input) (err error) {
	if s.Runs == nil {
		return nil
	}
	r := &s.res.Inputs[in.ord]
	r.End, err = in.reader.End()
	r.Whole = err == nil && len(in.reader.Warnings()) == 0
	return err
}

// leaveInputs notes what the next run has to know of inputs. One whose format joins lines in an order of its own is an
// error: what it has begun to join is lost between two runs.
func (s *scanner) leaveInputs() {
	if s.Runs == nil {
		return
	}
	for _, in := range s.inputs {
		r := &s.res.Inputs[in.ord]
		r.Input = in.Input
		r.Known = Known{in.lines, in.anchor, in.host, in.first}
		for i, n := range in.claimed {
			if n > 0 && s.Formats[i].Join != nil {
				s.res.Errors = append(s.res.Errors, fmt.Errorf("read %s: %s writes dialogues, which --state and --days cannot cut in two; read it without", in.Name, s.Formats[i].Name))
			}
		}
	}
}
