package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// BeginningSize is how much of a text's beginning is looked at to tell which log it is.
const BeginningSize = 4096

// ErrMoved says that a file is not any more what it was when its span was settled: it was rotated or truncated meanwhile.
var ErrMoved = errors.New("it was rotated or truncated while it was read")

// ErrRewritten says that the text before a span is not any more what was read there.
var ErrRewritten = errors.New("what was read of it before is not there any more: it was written anew, not written on, and what of it is new cannot be told")

// A Span is the part of an input that is to be read: lines that were not read before. Only whole lines are: the last one
// waits for its newline.
type Span struct {
	From int64 // where the first line begins, in bytes of text, after decompression
	Till int64 // where it ends, at a line's end; zero, of what is compressed: behind the last whole line
	Tail Tail  // what a plain text has to have before From; zero: anything

	beginning string // of the text, to see that it is still the same
}

// Part returns the input reduced to a span. [Input.Open] fails with [ErrMoved] where it is another file by then, and so
// does reading where it is truncated meanwhile.
func (in *Input) Part(s Span) *Input {
	part := *in
	part.span = &s
	return &part
}

// A Beginning is what an input looks like before it is read: enough to tell which log it is, under whatever name.
type Beginning struct {
	// Text is the beginning of the text, at most [BeginningSize] bytes, without the NULs before it that a log has which
	// was truncated under its writer. It need not end at a line's end.
	Text string

	// Till is where the last whole line ends, in bytes. -1: not known without decompressing all of it.
	Till int64

	// Size is how long the text is, with what is no whole line. -1: not known without decompressing all of it.
	Size int64

	from int64 // NULs
	all  bool  // Text is all there is
}

// Beginning opens the input and reads its beginning. It is of no use for what can be read only once.
func (in *Input) Beginning() (b Beginning, err error) {
	if in.Size < 0 {
		return b, fmt.Errorf("read %s: a pipe or device has nothing to know it by the next time; give files, or leave out --state", in.Name)
	}
	r, err := in.open(Options{})
	if r != nil {
		defer r.Close()
	}
	if err != nil {
		return b, err
	}
	src := r.whole()
	if r.plain {
		if b.Till, err = lastLine(r.file, r.Size); err != nil {
			return b, readError(in.Name, err)
		}
		b.Size = r.Size
	} else {
		b.Till, b.Size = -1, -1
	}
	text := make([]byte, 0, BeginningSize)
	buf := make([]byte, HeadSize)
	for len(text) < BeginningSize {
		n, err := src.Read(buf)
		got := buf[:n]
		if len(text) == 0 {
			got = bytes.TrimLeft(got, "\x00")
			b.from += int64(n - len(got))
		}
		text = append(text, got[:min(len(got), BeginningSize-len(text))]...)
		if err != nil {
			if r.text != nil && r.text.disk.err != nil {
				return b, readError(in.Name, r.text.disk.err)
			}
			b.all = true // also where compressed data breaks off: what follows is not known yet
			break
		}
	}
	b.Text = string(text)
	return b, nil
}

// Span returns what is left of the input of this beginning after the first bytes of text.
func (b *Beginning) Span(from int64) Span {
	return Span{From: from, Till: max(0, b.Till), beginning: b.Text}
}

// whole returns the text of an open input from its beginning.
func (r *Reader) whole() io.Reader {
	if r.plain {
		return io.NewSectionReader(r.file, 0, math.MaxInt64)
	}
	return io.MultiReader(bytes.NewReader(r.head), r.text)
}

// lastLine returns where the last whole line of a file's first size bytes ends.
func lastLine(f *os.File, size int64) (int64, error) {
	b := make([]byte, 64<<10)
	for end := size; end > 0; {
		from := max(0, end-int64(len(b)))
		n, err := f.ReadAt(b[:end-from], from)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(b[:n], '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// Modified returns when the file was last changed; zero: not known.
func (in *Input) Modified() time.Time {
	if in.info == nil {
		return time.Time{}
	}
	return in.info.ModTime()
}

// check reports whether an input that was opened is the one that its span was settled on.
func (r *Reader) check(in *Input) error {
	moved := fmt.Errorf("read %s: %w", in.Name, ErrMoved)
	if r.file == nil || r.Size < 0 {
		return moved
	}
	fi, err := r.file.Stat()
	if err != nil {
		return readError(in.Name, err)
	}
	if in.info != nil && !os.SameFile(fi, in.info) || r.plain && r.Size < r.span.Till || !r.same() {
		return moved
	}
	if r.plain && r.span.Tail != 0 {
		tail, err := tailOf(r.file, r.span.From)
		if err != nil {
			return readError(in.Name, err)
		}
		if tail != r.span.Tail {
			return fmt.Errorf("read %s: %w", in.Name, ErrRewritten)
		}
	}
	return nil
}

// same reports whether the text still begins as it did. Where it began with NULs, of which there may be many, the size tells.
func (r *Reader) same() bool {
	want := r.span.beginning
	if !r.plain {
		head := bytes.TrimLeft(r.head, "\x00")
		return bytes.HasPrefix(head, []byte(want)) || len(head) < len(want)
	}
	got := make([]byte, len(want))
	n, _ := r.file.ReadAt(got, 0)
	return n == len(want) && (string(got) == want || got[0] == 0)
}

// lines passes text on and knows where its last whole line ends.
type lines struct {
	r   io.Reader
	n   int64
	end int64
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		l.end = l.n + int64(i) + 1
	}
	l.n += int64(n)
	return n, err
}

// skip drops the text before the span.
func (r *Reader) skip() {
	r.lines = &lines{r: r.whole()}
	io.CopyN(io.Discard, r.lines, r.span.From) // an error ends the stream, and comes again
}

// Partial reports whether the text of a compressed input ends within a line, once all of its span was read: that line is none of
// it. Of other inputs, [Beginning.Till] tells.
func (r *Reader) Partial() bool {
	return !r.plain && !r.framed && r.framer == nil && r.lines != nil && r.lines.n > r.lines.end
}

// End returns where the last whole line or record that was read ends, in bytes of text, and of a plain file the [Tail] there,
// once all of the input's span was. The error is [ErrMoved] where the file was truncated meanwhile, so that what was read is
// not all of it.
func (r *Reader) End() (end int64, tail Tail, err error) {
	if r.span == nil {
		return 0, tail, nil
	}
	if !r.plain && !r.framed {
		if r.lines != nil {
			if end = r.lines.end; r.framer != nil {
				end = r.lines.n - r.rest
			}
		}
		return max(r.span.From, end), tail, nil
	}
	r.mu.Lock()
	shrunk := r.shrunk >= 0 || r.framed && r.text.disk.n < r.span.Till
	r.mu.Unlock()
	fi, err := r.file.Stat()
	if err != nil {
		return 0, tail, readError(r.name, err)
	}
	if shrunk || fi.Size() < r.span.Till || !r.same() {
		return 0, tail, fmt.Errorf("read %s: %w", r.name, ErrMoved)
	}
	if tail, err = tailOf(r.file, r.span.Till); err != nil {
		return 0, tail, readError(r.name, err)
	}
	return r.span.Till, tail, nil
}

// A Tail is the checksum of the last bytes of a text before a place, [TailSize] at most. The zero value is that of none.
type Tail uint64

// TailSize is how many bytes a [Tail] is of.
const TailSize = 64

// tailOf returns the tail of a file before a place.
func tailOf(f *os.File, at int64) (Tail, error) {
	b := make([]byte, min(at, TailSize))
	if n, err := f.ReadAt(b, at-int64(len(b))); n < len(b) {
		return 0, err
	}
	sum := sha256.Sum256(b)
	return Tail(binary.BigEndian.Uint64(sum[:])), nil
}

// A Text is the text of an input's span, to look at before it is read.
type Text struct {
	r    *Reader
	rest io.Reader // of a stream
}

// Text opens the text of the input's span.
func (in *Input) Text() (*Text, error) {
	r, err := in.open(Options{})
	if err == nil {
		err = r.check(in)
	}
	if err != nil {
		if r != nil {
			r.Close()
		}
		return nil, err
	}
	t := &Text{r: r}
	if !r.plain {
		r.skip()
		t.rest = r.lines
	}
	return t, nil
}

// Plain reports whether any place of the text can be read at once: then its span is known.
func (t *Text) Plain() (s Span, plain bool) { return *t.r.span, t.r.plain }

// ReadAt reads a plain text at a place.
func (t *Text) ReadAt(p []byte, at int64) (int, error) {
	p = p[:max(0, min(int64(len(p)), t.r.span.Till-at))]
	n, err := t.r.readAt(p, at)
	if err == nil && n < len(p) {
		err = fmt.Errorf("read %s: %w", t.r.name, ErrMoved)
	}
	return n, err
}

// Read reads the next of a text that is not plain.
func (t *Text) Read(p []byte) (int, error) { return t.rest.Read(p) }

// Close closes the input.
func (t *Text) Close() error {
	return t.r.Close()
}

// Span returns what of the input is to be read; false: all of it.
func (in *Input) Span() (s Span, part bool) {
	if in.span == nil {
		return s, false
	}
	return *in.span, true
}

// Within returns the input reduced to a part of its span, which has to be made of whole lines.
func (in *Input) Within(from, till int64) *Input {
	part := Span{From: from, Till: till, beginning: in.span.beginning}
	if from == in.span.From {
		part.Tail = in.span.Tail
	}
	return in.Part(part)
}
