package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// maxLeads is how many queue ids an input that is read ahead of its turn may leave open to the left before it has to
// wait. It bounds the memory of reading ahead. Events that are to be joined make it wait at once.
const maxLeads = 1 << 18

// A handler is what one worker does with the lines of a block, to hand on a T.
type handler[T any] interface {
	begin(in *input, block int)
	line(in *input, line *parsers.Line, n uint32, format int, events []parsers.Event) summary.Bucket
	end() T

	Bucket(summary.Bucket)
	Foreign(*parsers.Line)
	Tally() *summary.Counts
}

// A pipeline says what is done with the blocks of a scan.
type pipeline[T any] struct {
	ahead  int // inputs open at once
	worker func() handler[T]
	fold   func(in *input, v T) error // called in the order of blocks of each input
	done   func(in *input)            // called in the order of inputs; may be nil
}

// job is one piece to be read and parsed.
type job struct {
	in    *input
	piece source.Piece
	index int
}

// result is what became of a job, or the end of an input where pieces is set.
type result[T any] struct {
	in     *input
	index  int
	value  T
	lines  int64 // all of them, those after the window too; records, where several share a line
	ends   int64 // line ends, which places in the input are counted by
	idle   int64
	after  int64 // of lines, those after the window
	bytes  int64
	first  parsers.Stamp
	last   parsers.Stamp
	err    error
	end    bool
	pieces int
	under  *Under // behind the block; nil: it is of lines, or empty
}

// inFlight is how many blocks may be on their way between reading and folding.
func (s *scanner) inFlight() int { return 2*s.Jobs + 2 }

// run feeds, works and folds until the inputs are at their end or ctx is.
func (p pipeline[T]) run(ctx context.Context, s *scanner) error {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		jobs    = make(chan job, s.Jobs) // so that no worker waits for the feeder to be woken
		results = make(chan result[T], s.inFlight())
		tokens  = make(chan struct{}, s.inFlight()) // one for each block in flight
		slots   = make(chan struct{}, p.ahead)      // one for each open input
		feeders sync.WaitGroup
		workers sync.WaitGroup
		mu      sync.Mutex
	)
	workers.Add(s.Jobs)
	handlers := make([]handler[T], s.Jobs)
	for i := range handlers {
		handlers[i] = p.worker()
		go func() {
			defer workers.Done()
			w := worker[T]{s: s, h: handlers[i], mu: &mu}
			for j := range jobs {
				r := w.do(j)
				select {
				case results <- r:
				case <-ctx.Done():
				}
			}
			w.finish()
		}()
	}
	feeders.Add(1)
	go func() {
		defer feeders.Done()
		for _, in := range s.inputs {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			feeders.Add(1)
			go func() {
				defer feeders.Done()
				r := result[T]{in: in, end: true}
				r.pieces, r.err = s.feed(ctx, in, jobs, tokens)
				select {
				case results <- r:
				case <-ctx.Done():
				}
			}()
		}
	}()
	stop := func() {
		cancel()
		feeders.Wait()
		close(jobs)
		workers.Wait()
		for _, in := range s.inputs {
			if in.reader != nil {
				s.close(in)
			}
		}
	}

	f := folder[T]{p: p, s: s, progress: make([]folded[T], len(s.inputs))}
	if len(s.inputs) > 0 {
		close(s.inputs[0].turn)
	}
	for f.turn < len(s.inputs) {
		var r result[T]
		select {
		case r = <-results:
		case <-ctx.Done():
			stop()
			return parent.Err()
		}
		if err := f.take(r, tokens, slots); err != nil {
			stop()
			return err
		}
	}
	err := parent.Err() // before stop, which cancels too
	stop()
	return err
}

// feed hands out the pieces of an input, and returns how many.
func (s *scanner) feed(ctx context.Context, in *input, jobs chan<- job, tokens chan<- struct{}) (n int, err error) {
	if in.reader == nil {
		if in.reader, err = in.Open(ctx, s.Source); err != nil {
			return 0, err
		}
	}
	s.frame(in)
	for {
		if in.leads.Load() > maxLeads {
			select {
			case <-in.turn:
			case <-ctx.Done():
				return n, ctx.Err()
			}
		}
		piece, err := in.reader.Next(ctx)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		select {
		case tokens <- struct{}{}:
		case <-ctx.Done():
			return n, ctx.Err()
		}
		select {
		case jobs <- job{in, piece, n}:
		case <-ctx.Done():
			return n, ctx.Err()
		}
		n++
	}
}

// close ends the reading of an input and keeps what it has to say.
func (s *scanner) close(in *input) {
	s.res.Warnings = append(s.res.Warnings, in.reader.Warnings()...)
	in.reader.Close()
	in.reader = nil
}

// folded is how far the fold of one input is.
type folded[T any] struct {
	next    int
	pending map[int]result[T]
	pieces  int
	ended   bool
}

// folder puts results in order.
type folder[T any] struct {
	p        pipeline[T]
	s        *scanner
	turn     int // the input whose blocks decide what is known
	progress []folded[T]
}

func (f *folder[T]) take(r result[T], tokens, slots <-chan struct{}) error {
	g := &f.progress[r.in.ord]
	if r.end {
		g.ended, g.pieces = true, r.pieces
		f.fail(r.in, r.err)
	} else {
		if g.pending == nil {
			g.pending = make(map[int]result[T])
		}
		g.pending[r.index] = r
	}
	for {
		r, ok := g.pending[g.next]
		if !ok {
			break
		}
		delete(g.pending, g.next)
		g.next++
		if err := f.fold(r); err != nil {
			return err
		}
		<-tokens
	}
	if g.ended && g.next == g.pieces && r.in.reader != nil {
		f.fail(r.in, f.s.endOf(r.in))
		f.s.close(r.in)
		<-slots
	} else if r.end && r.in.reader == nil {
		<-slots // it could not be opened
	}
	for f.turn < len(f.progress) {
		g, in := &f.progress[f.turn], f.s.inputs[f.turn]
		if !g.ended || g.next < g.pieces {
			break
		}
		f.turn++
		if f.p.done != nil {
			f.p.done(in)
		}
		if f.turn < len(f.progress) {
			close(f.s.inputs[f.turn].turn)
		}
	}
	return nil
}

// fail keeps an error of an input. That the scan was cancelled is not one.
func (f *folder[T]) fail(in *input, err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		in.errs = append(in.errs, err)
	}
}

func (f *folder[T]) fold(r result[T]) error {
	res := &f.s.res.Inputs[r.in.ord]
	f.s.res.bases[r.in.ord] = append(f.s.res.bases[r.in.ord], r.in.lines)
	r.in.lines += r.ends
	if r.under != nil {
		r.in.under = *r.under
	}
	res.Lines += r.lines - r.after
	res.Idle += r.idle
	res.Bytes += r.bytes
	res.First, res.Last = earlier(res.First, r.first), max(res.Last, r.last)
	f.fail(r.in, r.err)
	return f.p.fold(r.in, r.value)
}

func earlier(a, b parsers.Stamp) parsers.Stamp {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// worker reads and parses blocks. It belongs to one goroutine.
type worker[T any] struct {
	s  *scanner
	h  handler[T]
	mu *sync.Mutex // guards what finish writes to

	states  []*state // of the inputs met last
	*state           // of the one at hand
	buf     source.Buffer
	now     parsers.Line // the line at hand; here because it is lent to interfaces, which would put it on the heap
	memo    tagMemo
	events  []parsers.Event
	samples samples

	block   source.Block // at hand
	piece   source.Piece // it comes from
	off     int          // in block.Text, behind the line at hand
	section *section     // of a framed input
	open    openLines    // of an input whose lines may be cut into parts
	ahead   *string      // what follows the block, once asked for
	next    parsers.Line // looked at ahead of its turn
	short   bool         // there was less ahead than was to be looked at
}

// state is what a worker knows of one input.
type state struct {
	in      *input
	cut     *syslog.Reader
	claimed []int64 // lines by format
	marks   sketch
}

// enter prepares for the lines of another input.
func (w *worker[T]) enter(in *input) {
	for _, st := range w.states {
		if st.in == in {
			w.state = st
			return
		}
	}
	if len(w.states) > w.s.Jobs {
		w.leave(w.states[0])
		w.states = w.states[1:]
	}
	w.state = &state{in: in, claimed: make([]int64, len(in.claimed)),
		cut: syslog.NewReader(syslog.Options{Location: w.s.Parse.Location, Anchor: in.anchor, HostAlias: w.s.HostAlias})}
	w.states = append(w.states, w.state)
}

// leave gives an input what was counted of it.
func (w *worker[T]) leave(st *state) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, n := range st.claimed {
		st.in.claimed[i] += n
	}
	st.in.marks.add(&st.marks)
}

func (w *worker[T]) finish() {
	for _, st := range w.states {
		w.leave(st)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s.samples.add(&w.samples)
}

// do reads and parses one block.
func (w *worker[T]) do(j job) result[T] {
	w.enter(j.in)
	w.h.begin(j.in, j.index)
	r := result[T]{in: j.in, index: j.index}
	block, err := j.piece.Load(&w.buf)
	if err != nil {
		r.err = fmt.Errorf("read %s: %w", j.in.Name, err)
	}
	w.block, w.piece, w.off, w.ahead = block, j.piece, 0, nil
	if j.in.cut == nil {
		w.lines(&r)
	} else {
		m, _ := block.Mark.(blockMark)
		w.section = m.section
		w.records(&r, m.inside)
		if n := len(block.Text); n > 0 && m.section != nil {
			r.under = &Under{m.section.header, block.Text[n-1] != '\n'}
		}
	}
	w.block = source.Block{}
	r.bytes = block.DiskBytes
	r.value = w.h.end()
	if w.s.Progress != nil {
		w.s.Progress(block.DiskBytes)
	}
	return r
}

// lines goes through a block of lines.
func (w *worker[T]) lines(r *result[T]) {
	pos := summary.Pos{Input: uint32(r.in.ord), Block: uint32(r.index)}
	overlong := w.block.Overlong
	for w.off < len(w.block.Text) {
		start := w.off
		raw := w.block.Text[start:]
		w.off += len(raw)
		if i := strings.IndexByte(raw, '\n'); i >= 0 {
			raw, w.off = raw[:i], start+i+1
		}
		pos.Line++
		if len(overlong) > 0 && overlong[0] == start {
			overlong = overlong[1:]
			w.overlong(raw, pos)
		} else if w.in.parted {
			w.part(raw, start, pos, r)
		} else {
			w.line(raw, pos, r, true)
		}
	}
	if w.open.n > 0 {
		w.giveUp(r) // the log ends
	}
	r.lines = int64(pos.Line)
	r.ends = r.lines
}

// records goes through a block of records that are not lines. Each counts for the lines it stands on, but for the one that a
// record before it ends on (inside: before the block), unless it stands on no other.
func (w *worker[T]) records(r *result[T], inside bool) {
	pos := summary.Pos{Input: uint32(r.in.ord), Block: uint32(r.index)}
	ledger := &w.h.Tally().Ledger
	trim := trimRecord
	if r.in.found.Framing == parsers.JSON {
		trim = trimObject
	}
	eol := -1 // where the first line of text ends
	for text := w.block.Text; text != ""; {
		if eol < 0 {
			if eol = strings.IndexByte(text, '\n'); eol < 0 {
				eol = len(text)
			}
		}
		start, end, sure := 0, objectLine(text, eol), false
		if end == 0 || r.in.found.Framing != parsers.JSON {
			start, end, _ = r.in.cut(text, true)
			sure = true
		}
		if blank := int64(strings.Count(text[:start], "\n")); blank > 0 {
			r.ends += blank
			if inside {
				blank, inside = blank-1, false // that line was counted
			}
			ledger[summary.Ignored] += blank
			r.idle += blank
			r.lines += blank
		}
		if start == end {
			break
		}
		pos.Line = uint32(r.ends) + 1
		before := w.mark(r)
		record := trim(text[start:end])
		switch {
		case len(w.block.Overlong) > 0 || len(record) > maxRecord:
			w.overlong(record, pos)
		case w.section != nil && record == w.section.header && record != "":
			w.h.Bucket(summary.Context)
		case !w.line(record, pos, r, sure):
			// The line is no object that anybody knows: maybe it is several.
			_, end, _ = r.in.cut(text, true)
			w.line(trim(text[:end]), pos, r, true)
		}
		ends := int64(strings.Count(text[start:end], "\n"))
		n := ends
		if text[end-1] != '\n' {
			n++
		}
		if inside {
			n = max(1, n-1)
		}
		inside = text[end-1] != '\n'
		text = text[end:]
		eol -= end
		r.lines += n
		r.ends += ends
		w.spread(before, n-1, r)
	}
}

// tallied is what was counted before a record of several lines.
type tallied struct {
	ledger               summary.Ledger
	idle, after, dropped int64
}

func (w *worker[T]) mark(r *result[T]) tallied {
	t := w.h.Tally()
	return tallied{t.Ledger, r.idle, r.after, t.Dropped}
}

// spread counts more lines of a record, which was counted as one: of whatever became of it, its other lines became the same.
func (w *worker[T]) spread(before tallied, more int64, r *result[T]) {
	t := w.h.Tally()
	switch {
	case more == 0:
	case r.after > before.after:
		r.after += more
		t.Skipped += more
	case t.Dropped > before.dropped:
		t.Dropped += more
	default:
		for k := range t.Ledger {
			if t.Ledger[k] > before.ledger[k] {
				t.Ledger[k] += more
			}
		}
		if r.idle > before.idle {
			r.idle += more
		}
	}
}

func (w *worker[T]) overlong(raw string, pos summary.Pos) {
	w.h.Bucket(summary.Overlong)
	w.samples.note(summary.Overlong, pos, raw, "")
}

// line puts one line into its bucket. Where that it is one record is not sure and no format reads it, it returns false and
// has done nothing.
func (w *worker[T]) line(raw string, pos summary.Pos, r *result[T], sure bool) bool {
	line := &w.now
	f := -1
	var piece bool
	err := error(parsers.ErrForeign)
	if w.in.found.bare() {
		*line = bareLine(raw)
		piece, err = w.try(line, w.in.found.Bare, &f)
		if err != nil && !sure {
			return false
		}
		if piece || err != parsers.ErrForeign {
			w.known(f, piece, err, pos, r)
			return true
		}
		if w.in.cut != nil {
			w.unknown(line, pos, r)
			return true
		}
	}
	ok := w.cut.CutTo(line, raw)
	if u := w.s.Summary.Until; u != 0 && line.Time >= u {
		w.after(r)
		return true
	}
	if line.Time != 0 {
		r.first, r.last = earlier(r.first, line.Time), max(r.last, line.Time)
	}
	if line.Tag != "" {
		f = w.s.tags.format(&w.memo, line.Tag)
	}
	switch {
	case f >= 0:
		piece, err = w.parse(line, f)
	case !ok:
		piece, err = w.try(line, w.in.found.Bare, &f)
	case (line.Tag != "" || line.Text != line.Raw):
		piece, err = w.try(line, w.in.found.Tagged, &f)
	}
	switch {
	case piece || err != parsers.ErrForeign:
		w.known(f, piece, err, pos, r)
	case line.Tag != "":
		if syslog.LossNotice(line) {
			w.h.Tally().Gaps++
		}
		w.h.Foreign(line)
	case ok && (line.Text == line.Raw || syslog.RepeatNotice(line)): // the journal, or a syslogd, about itself
		r.idle++
		w.h.Bucket(summary.Ignored)
	default:
		w.unknown(line, pos, r)
	}
	return true
}

// unknown counts a line that no format knows.
func (w *worker[T]) unknown(line *parsers.Line, pos summary.Pos, r *result[T]) {
	if strings.TrimSpace(line.Text) == "" {
		r.idle++
		w.h.Bucket(summary.Ignored)
		return
	}
	w.h.Bucket(summary.Unrecognised)
	w.samples.note(summary.Unrecognised, pos, line.Raw, "")
}

// after counts a line behind the window.
func (w *worker[T]) after(r *result[T]) {
	w.h.Tally().Skipped++
	r.after++
}

// try has a line read by the first format that knows it.
func (w *worker[T]) try(line *parsers.Line, guesses []Guess, f *int) (piece bool, err error) {
	for i := range guesses {
		*f = guesses[i].index
		if piece, err = w.parse(line, *f); piece || err != parsers.ErrForeign {
			return piece, err
		}
	}
	return false, parsers.ErrForeign
}

// parse has a line read by a format. A piece of a record that another line began tells nothing itself.
func (w *worker[T]) parse(line *parsers.Line, f int) (piece bool, err error) {
	p := w.in.parsers[f]
	if w.section != nil && w.section.header != "" {
		if p, err = w.section.parser, w.section.err; err != nil {
			return false, err
		}
	}
	if format := &w.s.Formats[f]; w.in.cut == nil {
		if format.Fold != nil {
			switch fold := format.Fold(line); fold.Piece {
			case parsers.Middle, parsers.Last:
				return true, nil
			case parsers.First:
				if w.unfold(line, format, &fold) {
					return true, nil
				}
			}
		}
		if format.Echoes && w.echoed(line) {
			return true, nil
		}
	}
	w.events, err = p.AppendEvents(w.events[:0], line)
	return false, err
}

// known counts a line of a format and what it tells.
func (w *worker[T]) known(f int, piece bool, err error, pos summary.Pos, r *result[T]) {
	line := &w.now
	switch {
	case piece:
		w.h.Bucket(summary.Context)
		return
	case err != nil:
		w.h.Bucket(summary.Malformed)
		w.samples.note(summary.Malformed, pos, line.Raw, err.Error())
		return
	}
	if line.Time == 0 && len(w.events) > 0 {
		t := w.events[0].Time
		if u := w.s.Summary.Until; u != 0 && t >= u {
			w.after(r)
			return
		}
		if t != 0 {
			r.first, r.last = earlier(r.first, t), max(r.last, t)
		}
	}
	w.claimed[f]++
	if w.s.seen != nil && w.s.seen.again(uint32(w.in.ord), w.lineHash(line.Raw)) {
		w.h.Tally().Dropped++
		return
	}
	if w.h.line(w.in, line, pos.Line, f, w.events) == summary.Delivery && w.s.sketch {
		w.marks.note(w.lineHash(line.Raw))
	}
}

// lineHash identifies the line at hand. The same words of another host are another line.
func (w *worker[T]) lineHash(raw string) uint64 {
	if w.now.Host != "" {
		return summary.LineHash(raw, "")
	}
	return summary.LineHash(raw, w.in.host)
}
