package scan

import (
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// parts are the events of a block that are for a Joiner, or come from a format that has one: they must stay in order.
type parts struct {
	block int
	list  []item
}

// An assembler makes ordinary events of Parts, in the order of the log. It belongs to the goroutine of the fold.
type assembler struct {
	joiners []parsers.Joiner // by format; nil: it has none
	buf     []parsers.Event
	moved   uint32 // the line of this block that was last counted anew
	builder *summary.Builder
	fringe  *summary.Fringe
}

func newAssembler(s *scanner) *assembler {
	a := &assembler{joiners: make([]parsers.Joiner, len(s.Formats)), builder: summary.NewBuilder(&s.Summary), fringe: summary.NewFringe()}
	for i := range s.Formats {
		if join := s.Formats[i].Join; join != nil {
			a.joiners[i] = join(s.Parse)
		}
	}
	return a
}

// events returns what an event is complete with. host stands for that of lines that name none.
func (a *assembler) events(it *item, host string) []parsers.Event {
	if it.event.Kind != parsers.Part || a.joiners[it.format] == nil {
		a.buf = append(a.buf[:0], it.event)
		return a.buf
	}
	if it.line.Host != "" {
		host = it.line.Host
	}
	a.buf = a.joiners[it.format].Join(a.buf[:0], host, &it.line, &it.event)
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
		a.builder.Joined(&it.line, it.n, a.events(it, in.host))
	}
	a.builder.End()
	s.Absorb(a.fringe)
}
