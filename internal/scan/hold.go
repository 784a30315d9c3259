package scan

import (
	"context"
	"errors"
	"strings"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Decided returns where in the span of a plain input, the only one of a configuration, the lines and records end that say the
// same whatever is written after them: a record may have further pieces there, a line that is written twice its second, and a
// line in parts the rest. It is the end of the span where all do, and -1 for what is compressed, which nobody writes to. Objects of
// JSON need no line end: they may be whole beyond the span. waits: what is behind are lines, to be read as they are where nothing
// comes after them.
func Decided(ctx context.Context, c Config) (till int64, waits bool, err error) {
	s, err := prepare(ctx, c)
	if err != nil {
		return 0, false, err
	}
	if len(s.res.Errors) > 0 {
		return 0, false, errors.Join(s.res.Errors...)
	}
	in := s.inputs[0]
	span, _ := in.Span()
	if in.Compression == "" && in.found.Framing == parsers.JSON {
		span.Till = max(span.Till, in.Size)
	}
	t, err := in.Within(span.From, span.Till).Text()
	if err != nil {
		return 0, false, err
	}
	defer t.Close()
	switch _, plain := t.Plain(); {
	case !plain:
		return -1, false, nil
	case span.Till <= span.From:
		return span.From, false, nil
	}
	switch in.found.Framing {
	case parsers.CSV:
		till, err = wholeRecords(ctx, in, t, span.From, span.Till)
		return till, true, err
	case parsers.JSON:
		till, err = wholeRecords(ctx, in, t, span.From, span.Till)
		return till, false, err
	}
	till, err = s.decided(in, t, span)
	return till, true, err
}

// wholeRecords returns where the last whole record of a text ends, of which one begins at from.
func wholeRecords(ctx context.Context, in *input, t *source.Text, from, till int64) (end int64, err error) {
	f := &framer{cut: cutterOf(in.found.Framing), objects: in.found.Framing == parsers.JSON, size: blockSize, now: new(section)}
	buf := make([]byte, blockSize)
	text, at := "", from // what is not dealt with, and where it begins
	overlong := false
	for end = from; at+int64(len(text)) < till; {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n, err := t.ReadAt(buf, at+int64(len(text)))
		if err != nil {
			return 0, err
		}
		text += string(buf[:n])
		for text != "" {
			n, _ := 0, 0
			if overlong {
				n = strings.IndexByte(text, '\n') + 1
			} else {
				n, _ = f.Cut(text, false)
			}
			if n == 0 {
				break
			}
			overlong = false
			text, at = text[n:], at+int64(n)
			end = at
		}
		if len(text) > maxRecord { // in the midst of a line that is given up
			text, at, overlong = "", at+int64(len(text)), true
		}
	}
	if !f.objects {
		return end, nil
	}
	if !overlong {
		n := wholeObjects(text)
		text, end = text[n:], end+int64(n)
	}
	return beforeBracket(t, from, end, text)
}

// beforeBracket moves the end of the last object, behind which is rest, before the bracket that closes its array, and all that
// stands before that: a program that writes the array anew with one more puts it there.
func beforeBracket(t *source.Text, from, end int64, rest string) (int64, error) {
	buf := make([]byte, min(end-from, 4<<10))
	if _, err := t.ReadAt(buf, end-int64(len(buf))); err != nil {
		return 0, err
	}
	n := len(buf)
	for n > 0 && isSeparator(buf[n-1]) {
		n--
	}
	i := 0
	for i < len(rest) && isSeparator(rest[i]) {
		i++
	}
	if n == 0 || !strings.Contains(string(buf[n:])+rest[:i], "]") {
		return end, nil
	}
	return end - int64(len(buf)-n), nil
}

// decided is Decided for lines.
func (s *scanner) decided(in *input, t *source.Text, span source.Span) (till int64, err error) {
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
