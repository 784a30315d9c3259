package scan

import (
	"encoding"
	"fmt"
	"maps"
	"slices"

	"bouncelog/internal/summary"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// A Memory is what the joiners of formats remember from one scan to the next, be it in the same run or in a later one. Inputs
// that come late, behind what was read before, have joiners of their own: to what was read they are not the beginning, and
// nothing that follows goes on with them.
type Memory struct {
	kept  map[string][]byte         // by format: what earlier runs left, until its joiner is needed
	now   map[string]parsers.Joiner // by format
	late  map[string]parsers.Joiner
	error error // of what was kept
}

// memoryVersion is that of what [Memory.Encode] writes, and of what every joiner does. Another one is not read.
const memoryVersion = 1

// NewMemory returns what an earlier run left, as [Memory.Encode] wrote it; empty: nothing.
func NewMemory(data []byte) (*Memory, error) {
	m := &Memory{kept: make(map[string][]byte), now: make(map[string]parsers.Joiner), late: make(map[string]parsers.Joiner)}
	r := wire.NewReader(data)
	if len(data) > 0 {
		if summary.ReadVersion(&r, memoryVersion); r.Err() != nil {
			return nil, r.Err()
		}
	}
	for r.Len() > 0 {
		name := r.String()
		m.kept[name] = r.Bytes()
		if err := r.Err(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Encode returns what the next run has to know; empty: nothing.
func (m *Memory) Encode() ([]byte, error) {
	all := maps.Clone(m.kept)
	for name, j := range m.now {
		x, ok := j.(encoding.BinaryAppender)
		if !ok {
			continue // whoever used it was told
		}
		b, err := x.AppendBinary(nil)
		if err != nil {
			return nil, fmt.Errorf("keep what %s has begun to join: %w", name, err)
		}
		all[name] = b
	}
	if len(all) == 0 {
		return nil, nil
	}
	var a wire.Appender
	a.Uint(memoryVersion)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a.String(name)
		a.Bytes(all[name])
	}
	return a, nil
}

// joiner returns the joiner of a format. An error ends the run.
func (m *Memory) joiner(f *parsers.Format, o parsers.Options, late bool) parsers.Joiner {
	all := m.now
	if late {
		all = m.late
	}
	j := all[f.Name]
	if j == nil {
		j = f.Join(o)
		if kept, ok := m.kept[f.Name]; ok && !late {
			x, ok := j.(encoding.BinaryUnmarshaler)
			err := fmt.Errorf("it cannot be kept")
			if ok {
				err = x.UnmarshalBinary(kept)
			}
			if err != nil && m.error == nil {
				m.error = fmt.Errorf("what %s had begun to join: %w; go back to the format as it was, or begin anew: bouncelog state reset", f.Name, err)
			}
			delete(m.kept, f.Name)
		}
		all[f.Name] = j
	}
	return j
}

// keeps reports whether what a format has begun to join can be kept.
func keeps(j parsers.Joiner) bool {
	_, to := j.(encoding.BinaryAppender)
	_, from := j.(encoding.BinaryUnmarshaler)
	return to && from
}

// parts are the events of a block that are for a Joiner, or come from a format that has one: they must stay in order.
type parts struct {
	block int
	list  []item
}

// An assembler makes ordinary events of Parts, in the order of the log. It belongs to the goroutine of the fold.
type assembler struct {
	scanner *scanner
	joiners [2][]parsers.Joiner // by whether the input is late, and format; nil: it has none, or none yet
	buf     []parsers.Event
	moved   uint32 // the line of this block that was last counted anew
	builder *summary.Builder
	fringe  *summary.Fringe
}

func newAssembler(s *scanner) *assembler {
	a := &assembler{scanner: s, builder: summary.NewBuilder(&s.Summary), fringe: summary.NewFringe()}
	for i := range a.joiners {
		a.joiners[i] = make([]parsers.Joiner, len(s.Formats))
	}
	return a
}

// joiner returns the joiner of a format for an input; nil: the format has none.
func (a *assembler) joiner(in *input, format int) parsers.Joiner {
	late := 0
	if in.late {
		late = 1
	}
	j := &a.joiners[late][format]
	if f := &a.scanner.Formats[format]; *j == nil && f.Join != nil {
		if runs := a.scanner.Runs; runs == nil || runs.Memory == nil {
			*j = f.Join(a.scanner.Parse)
		} else {
			*j = runs.Memory.joiner(f, a.scanner.Parse, in.late)
		}
	}
	return *j
}

// events returns what an event of an input is complete with.
func (a *assembler) events(it *item, in *input) []parsers.Event {
	j := parsers.Joiner(nil)
	if it.event.Kind == parsers.Part {
		j = a.joiner(in, it.format)
	}
	if j == nil {
		a.buf = append(a.buf[:0], it.event)
		return a.buf
	}
	host := in.host
	if it.line.Host != "" {
		host = it.line.Host
	}
	a.buf = j.Join(a.buf[:0], host, &it.line, &it.event)
	for i := range a.buf {
		if k := a.buf[i].Kind; it.bucket != summary.Delivery && (k == parsers.Attempted || k == parsers.Expired) {
			a.deliver(it)
			break
		}
	}
	return a.buf
}

// deliver counts the line of a part as one that tells of a delivery after all: that turns out only here.
func (a *assembler) deliver(it *item) {
	if it.n != a.moved {
		a.moved = it.n
		ledger := &a.builder.Counts.Ledger
		ledger[it.bucket]--
		ledger[summary.Delivery]++
	}
}

// absorb counts the parts of a block.
func (a *assembler) absorb(s *summary.Summary, in *input, p parts) {
	a.moved = 0
	a.builder.Begin(a.fringe, uint32(in.ord), uint32(p.block), in.host)
	for i := range p.list {
		it := &p.list[i]
		a.builder.Joined(&it.line, it.n, a.events(it, in))
	}
	a.builder.End()
	s.Absorb(a.fringe)
}
