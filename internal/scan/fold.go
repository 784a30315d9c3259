package scan

import (
	"strings"

	"bouncelog/parsers"
)

// The pieces of a record stand close together: they start within reach of its first line, with no more than maxOthers lines
// between two of them, and no line of them is as long as maxPiece. What is counted is the log's, so the record is the same
// however the log is cut into blocks.
const (
	reach     = 32 << 10
	maxOthers = 100
	maxPiece  = 8 << 10
	maxPieces = 200
	lookahead = reach + maxPiece + 8<<10 // a block owns the line that its range ends in, too
)

// following calls f with the lines after the one at hand, until it returns false or they start out of reach.
func (w *worker[T]) following(f func(raw string) bool) {
	text, far := w.block.Text[w.off:], 0
	for here := true; far < reach; {
		if text == "" && here {
			if w.ahead == nil {
				s := w.piece.Ahead()
				w.ahead = &s
			}
			text, here = *w.ahead, false
		}
		if text == "" {
			w.short = true
			return
		}
		raw, rest, _ := strings.Cut(text, "\n")
		far += len(text) - len(rest)
		text = rest
		if !f(raw) {
			return
		}
	}
}

// unfold puts a record together of which line is the first piece. It reports whether the pieces of the same record follow
// once more.
func (w *worker[T]) unfold(line *parsers.Line, format *parsers.Format, fold *parsers.Fold) (echoed bool) {
	if len(line.Raw) >= maxPiece {
		line.Text = fold.Text
		return false
	}
	pieces := []parsers.Fold{*fold}
	echo, whole := 0, false // pieces of the record to come; all of this one were found
	bare := line.Text == line.Raw
	others := 0
	w.following(func(raw string) bool {
		if others++; others > maxOthers {
			return false
		}
		if len(raw) >= maxPiece || line.PID != "" && !strings.Contains(raw, line.PID) {
			return true // of somebody else, as most lines are, without looking closer
		}
		next, headless := &w.next, bare
		if !bare {
			headless = !w.cut.CutTo(next, raw)
		}
		if headless {
			*next = bareLine(raw) // a line end in what the program wrote
		} else if next.Host != line.Host || next.Tag != line.Tag || next.PID != line.PID {
			return true
		}
		p := format.Fold(next)
		switch {
		case whole:
			if p != pieces[echo] {
				return headless && !bare
			}
			echo++
			return echo < len(pieces)
		case p.Piece != parsers.Middle && p.Piece != parsers.Last:
			return headless && !bare
		case p.Key != fold.Key || len(pieces) == maxPieces:
			return false
		}
		pieces = append(pieces, p)
		others = 0
		whole = p.Piece == parsers.Last
		return !whole || format.Echoes
	})
	var text strings.Builder
	for i, p := range pieces {
		if i > 0 && pieces[i-1].Break {
			text.WriteByte('\n')
		}
		text.WriteString(p.Text)
	}
	line.Text = text.String()
	return echo == len(pieces)
}

// echoed reports whether the next line of the log says the same again.
func (w *worker[T]) echoed(line *parsers.Line) bool {
	if line.Tag == "" || line.Text == "" || len(line.Raw) >= maxPiece {
		return false
	}
	echo := false
	w.following(func(raw string) bool {
		if strings.HasSuffix(raw, line.Text) {
			next := &w.next
			w.cut.CutTo(next, raw)
			echo = next.Text == line.Text && next.Host == line.Host && next.Tag == line.Tag && next.PID == line.PID
		}
		return false
	})
	return echo
}
