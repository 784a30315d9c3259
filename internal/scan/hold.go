package scan

import (
	"context"
	"errors"
	"strings"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Decided returns where in the span of a plain input, the only one of a configuration, the lines end that say the same
// whatever is written after them: a record may have further pieces there, and a line that is written twice its second. It is
// the end of the span where all do, and for what is compressed, which nobody writes to.
func Decided(ctx context.Context, c Config) (till int64, err error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return 0, err
	}
	if len(s.res.Errors) > 0 {
		return 0, errors.Join(s.res.Errors...)
	}
	in := s.inputs[0]
	t, err := in.Text()
	if err != nil {
		return 0, err
	}
	defer t.Close()
	span, plain := t.Plain()
	if !plain || in.cut != nil || in.found.Framing != parsers.Lines {
		return span.Till, nil
	}
	// What is further from the end has all that it could look at.
	back := int64(reach + 2*maxPiece)
	if in.parted {
		back = 2 * maxParts
	}
	from := max(span.From, span.Till-back)
	buf := make([]byte, span.Till-from)
	if _, err := t.ReadAt(buf, from); err != nil {
		return 0, err
	}
	text := string(buf)
	if from > span.From {
		_, rest, _ := strings.Cut(text, "\n")
		from += int64(len(text) - len(rest))
		text = rest
	}
	nothing := ""
	w := worker[struct{}]{s: s, block: source.Block{Text: text}, ahead: &nothing}
	w.enter(in)
	for w.off < len(text) {
		start := w.off
		raw, _, _ := strings.Cut(text[start:], "\n")
		w.off += len(raw) + 1
		till := start
		if in.parted {
			if w.open.lost(start, len(raw)) {
				w.open = openLines{}
			}
			l, whole := w.open.add(raw, start, summary.Pos{})
			if w.open.n > 0 {
				till = w.open.since
			}
			switch {
			case l != nil && whole:
				raw, _ = w.open.close(l)
			case l != nil:
				continue
			}
		}
		if w.short = false; w.undecided(raw) {
			return from + int64(till), nil
		}
	}
	if w.open.n > 0 {
		return from + int64(w.open.since), nil
	}
	return span.Till, nil
}

// undecided reports whether what a line says may depend on lines that are not there yet.
func (w *worker[T]) undecided(raw string) bool {
	line := &w.now
	if w.in.found.bare() {
		*line = bareLine(raw)
		for _, g := range w.in.found.Bare {
			if w.waits(line, g.index) {
				return true
			}
		}
	}
	if !w.cut.CutTo(line, raw) {
		return false
	}
	if f := w.s.tags.format(&w.memo, line.Tag); f >= 0 {
		return w.waits(line, f)
	}
	for _, g := range w.in.found.Tagged {
		if w.waits(line, g.index) {
			return true
		}
	}
	return false
}

// waits reports whether a format would look further than there is text.
func (w *worker[T]) waits(line *parsers.Line, f int) bool {
	format := &w.s.Formats[f]
	if format.Fold != nil {
		if fold := format.Fold(line); fold.Piece == parsers.First {
			copied := *line
			w.unfold(&copied, format, &fold)
		}
	}
	if format.Echoes && !w.short {
		w.echoed(line)
	}
	return w.short
}
