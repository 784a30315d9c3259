package scan

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
)

// A container runtime cuts a line into parts that was longer than its buffer, or that came in pieces: lines of the same
// stream, of which all but the last say that there is more. Lines of the other stream may stand between them.
//
// How long the rest is waited for is counted in bytes of the log, and blocks are cut only where nothing is open, so lines are
// the same however the log is cut.
const (
	maxPart  = 64 << 10  // of a line that may be a part; runtimes have 16 KiB
	maxParts = 512 << 10 // from the first part to the last, of lines that are open at a time
)

// openLines are the lines of which parts are to come.
type openLines struct {
	of    [syslog.Streams]openLine
	n     int // how many there are
	since int // where the first of them began, when there were none
}

// An openLine is what was read of one.
type openLine struct {
	lines int64       // zero: it is not open
	at    int         // where it begins
	pos   summary.Pos // of the last part, so that places of records grow
	text  []byte
}

// lost reports whether what is open is not to be waited for any more, as a line of n bytes begins at off.
func (p *openLines) lost(off, n int) bool {
	return p.n > 0 && (n > maxPart || off-p.since >= maxParts)
}

// add takes the line at off. It returns the open line that it is part of, nil where it is whole by itself, and whether that
// is whole now: then it is to be closed.
func (p *openLines) add(raw string, off int, pos summary.Pos) (l *openLine, whole bool) {
	if len(raw) > maxPart {
		return nil, true
	}
	part, ok := syslog.CutPart(raw)
	if !ok {
		return nil, true
	}
	switch l = &p.of[part.Stream]; {
	case l.lines > 0:
		l.text = append(l.text, part.Text...)
		l.lines++
		l.pos = pos
	case !part.More:
		return nil, true
	default:
		if p.n == 0 {
			p.since = off
		}
		p.n++
		*l = openLine{lines: 1, at: off, pos: pos, text: append(l.text[:0], raw...)}
	}
	return l, !part.More
}

// close returns an open line, and how many lines it stands on.
func (p *openLines) close(l *openLine) (raw string, lines int64) {
	raw, lines = string(l.text), l.lines
	p.n--
	l.lines = 0
	return raw, lines
}

// wholeLines puts the parts among lines together, and reports whether a container runtime wrote any of them.
func wholeLines(lines []string) (whole []string, parted bool) {
	var open openLines
	for _, raw := range lines {
		_, ok := syslog.CutPart(raw)
		parted = parted || ok
		switch l, done := open.add(raw, 0, summary.Pos{}); {
		case l == nil:
			whole = append(whole, raw)
		case done:
			raw, _ := open.close(l)
			whole = append(whole, raw)
		}
	}
	return whole, parted
}

// A partFramer cuts an input into blocks of whole lines between which no line is open.
type partFramer struct{}

// Cut implements source.Framer.
func (partFramer) Cut(text string, atEnd bool) (n int, mark any) {
	if atEnd {
		return len(text), nil
	}
	var p openLines
	for off := 0; len(text)-off > lookahead; {
		end := strings.IndexByte(text[off:], '\n')
		if end < 0 {
			end = len(text) - off
		}
		if p.lost(off, end) {
			p = openLines{}
			n = off
		}
		if off+end == len(text) {
			break // its end is to come
		}
		if l, whole := p.add(text[off:off+end], off, summary.Pos{}); l != nil && whole {
			p.close(l)
		}
		if off += end + 1; p.n == 0 {
			n = off
		}
	}
	return n, nil
}

// Whole implements source.Framer. What is open at the end of a log stays so.
func (partFramer) Whole(text string) int { return strings.LastIndexByte(text, '\n') + 1 }

var _ source.Framer = partFramer{}

// cutBefore takes the line at off, and reports whether no line is open before it.
func (p *openLines) cutBefore(raw string, off int) bool {
	if p.lost(off, len(raw)) {
		*p = openLines{}
	}
	closed := p.n == 0
	if l, whole := p.add(raw, off, summary.Pos{}); l != nil && whole {
		p.close(l)
	}
	return closed
}

// eachLine calls f with the lines of a text that begins at a place, and where each begins; of one that is longer than a part, with its
// beginning. The error is that of ctx: what is wrong with the data is told when it is read.
func eachLine(ctx context.Context, r io.Reader, at int64, f func(at int64, line string)) error {
	b := bufio.NewReaderSize(r, maxPart+1)
	for {
		line, err := b.ReadSlice('\n')
		if err == nil || err == bufio.ErrBufferFull {
			f(at, string(bytes.TrimSuffix(line, []byte("\n"))))
		}
		at += int64(len(line))
		for err == bufio.ErrBufferFull { // the rest of a long line
			line, err = b.ReadSlice('\n')
			at += int64(len(line))
		}
		if err != nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// part takes a line of an input in which there may be parts.
func (w *worker[T]) part(raw string, off int, pos summary.Pos, r *result[T]) {
	if w.open.lost(off, len(raw)) {
		w.giveUp(r)
	}
	switch l, whole := w.open.add(raw, off, pos); {
	case l != nil && whole:
		w.joined(l, r)
	case l == nil && len(raw) > maxRecord:
		w.overlong(raw, pos)
	case l == nil:
		w.line(raw, pos, r, true)
	}
}

// giveUp takes the lines that are open for what there is of them, in the order in which they begin.
func (w *worker[T]) giveUp(r *result[T]) {
	first, second := &w.open.of[0], &w.open.of[1]
	if second.at < first.at {
		first, second = second, first
	}
	for _, l := range [...]*openLine{first, second} {
		if l.lines > 0 {
			w.joined(l, r)
		}
	}
}

// joined puts a line of several parts into its bucket. It has the stamp of the first and the place of the last, and counts for all.
func (w *worker[T]) joined(l *openLine, r *result[T]) {
	before := w.mark(r)
	raw, lines := w.open.close(l)
	w.line(raw, l.pos, r, true)
	w.spread(before, lines-1, r)
}
