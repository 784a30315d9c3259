package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
)

// HeadSize is how much of its beginning a [Reader] shows at most before anything is read.
const HeadSize = 64 << 10

// A Reader cuts one open input into pieces.
//
// What is read of a plain file is what was there when it was opened: the lines that start before its size at that time, the
// last of them to its newline, even where that was written later. So a log may grow while it is read. Where it shrinks, what
// is left is read and a warning says so.
type Reader struct {
	Size        int64     // on disk, when it was opened; -1: unknown
	Time        time.Time // as Input.Time, and of a gzip header on a pipe or standard input
	Compression string    // as Input.Compression, known for a pipe and standard input too

	name string
	opts Options
	head []byte
	file *os.File // nil for standard input
	span *Span    // nil: all of it

	// A plain file.
	plain bool
	from  int64 // where its first line begins
	index int   // of the next piece
	next  int64 // where it begins

	// A stream.
	framer Framer // nil: blocks of lines
	framed bool   // a plain file that is read like a stream, for a framer
	text   *text
	lines  *lines // with a span
	rest   int64  // of a framed stream with a span: bytes at its end that are no whole record
	pieces chan Piece
	free   chan []byte // memory of loaded pieces, to be used again
	closed atomic.Bool
	done   chan struct{} // closed with the Reader
	start  sync.Once
	stop   sync.Once
	err    error // why pieces ended; set before it is closed

	mu       sync.Mutex
	warnings []string
	shrunk   int64 // where a plain file ended before its size; -1: it did not
}

// A Piece is a part of an input that can be loaded, once, by any goroutine, in any order. It must not be loaded after its
// Reader was closed.
type Piece struct {
	r      *Reader
	index  int
	lo, hi int64  // of a plain file: the range it begins in
	data   []byte // of a stream: its lines
	ahead  string // of a stream: what follows
	text   string // of a framed stream: its records
	mark   any    // of a framed stream
	long   bool   // of a framed stream: text is the beginning of a line longer than Options.MaxLine
	disk   int64
}

// Open opens the input and reads its beginning. Where that blocks, on a pipe, it returns when ctx is done.
//
// The error is a [*ForeignError] where the input is certainly no log. Compressed data of which not one byte can be
// decoded is an error, too; what breaks off later is one of the [Reader.Warnings].
func (in *Input) Open(ctx context.Context, o Options) (*Reader, error) {
	type result struct {
		r   *Reader
		err error
	}
	opened := make(chan result, 1)
	go func() {
		r, err := in.open(o)
		if err == nil {
			err = foreign(in.Name, r.head)
		}
		if err == nil && r.span != nil {
			err = r.check(in)
		}
		if err == nil && r.span != nil && r.plain {
			r.Size, r.from, r.next = r.span.Till, r.span.From, r.span.From
		}
		if err != nil && r != nil {
			r.Close()
			r = nil
		}
		opened <- result{r, err}
	}()
	select {
	case res := <-opened:
		return res.r, res.err
	case <-ctx.Done():
		go func() { // whenever the pipe speaks, or never
			if res := <-opened; res.r != nil {
				res.r.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// open opens the input, whatever it is. With an error of its data, the Reader must still be closed.
func (in *Input) open(o Options) (*Reader, error) {
	r := &Reader{Size: -1, name: in.Name, opts: o.complete(), done: make(chan struct{}), shrunk: -1, span: in.span}
	from := in.stdin
	if from == nil {
		f, err := os.Open(in.Path)
		if err != nil {
			return nil, readError(in.Name, err)
		}
		r.file, from = f, f
		fi, err := f.Stat()
		if err != nil {
			return r, readError(in.Name, err)
		}
		if fi.Mode().IsRegular() {
			r.Size, r.Time = fi.Size(), fi.ModTime()
		}
	}
	if r.Size > 0 { // files of /proc say 0 and have contents: they are streams, too
		head := make([]byte, HeadSize)
		n, err := r.file.ReadAt(head, 0)
		if err != nil && err != io.EOF {
			return r, readError(in.Name, err)
		}
		if compressionOf(head[:n]) == "" && !isUTF16(head[:n]) {
			r.plain, r.head = true, head[:n]
			return r, nil
		}
	}
	return r, r.openStream(from)
}

// openStream begins to read a stream.
func (r *Reader) openStream(from io.Reader) error {
	d := &disk{r: from}
	br := bufio.NewReaderSize(d, 128<<10)
	magic, err := br.Peek(10)
	if err != nil && d.err != nil {
		return readError(r.name, d.err)
	}
	r.Compression = compressionOf(magic)
	if t := gzipTime(magic); r.Compression == Gzip && !t.IsZero() {
		r.Time = t
	}
	r.text = &text{disk: d, closed: &r.closed}
	r.pieces = make(chan Piece, 1)
	r.free = make(chan []byte, 4)
	if r.text.r, err = decoder(r.Compression, br); err != nil {
		r.text.r, r.text.err = br, err
	}
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(r.text, head)
	if isUTF16(head[:n]) {
		n, err = r.decodeUTF16(head, n)
	}
	r.head = head[:n]
	if n > 0 && r.Size == 0 {
		r.Size = -1 // a file of /proc
	}
	if err == nil || n > 0 || r.text.err == io.EOF {
		return nil
	}
	switch err := r.text.err; {
	case d.err != nil:
		return readError(r.name, d.err)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("read %s: the zstd data needs a window of more than %d MiB; decompress it first: zstd -dc --long=31 %[1]s | bouncelog report -",
			r.name, maxWindow>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("read %s: the %s data breaks off before its first line: %w; fetch another copy", r.name, r.Compression, err)
	default:
		return fmt.Errorf("read %s: the %s data is damaged: %w; fetch another copy", r.name, r.Compression, err)
	}
}

// decodeUTF16 begins again with a stream whose first n bytes are in head, as what they are.
func (r *Reader) decodeUTF16(head []byte, n int) (int, error) {
	// Note: what ended the stream stays in its text, and the decoder passes it on.
	raw := &text{disk: r.text.disk, r: r.text.r, n: r.text.n, err: r.text.err, closed: &r.closed}
	all := io.MultiReader(bytes.NewReader(bytes.Clone(head[:n])), raw)
	r.text = &text{disk: r.text.disk, closed: &r.closed, r: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(all)}
	return io.ReadFull(r.text, head)
}

// readError says what to do about an error of the file system.
func readError(name string, err error) error {
	err = cause(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: %w; check the name and the folder", name, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("read %s: %w; run as a member of its group (often adm) or as root", name, err)
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// cause strips from an error of package os the operation and the path, which we name ourselves.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// Head returns the first bytes of the input, decompressed, at most n and at most [HeadSize], without consuming them. They
// must not be changed.
func (r *Reader) Head(n int) []byte {
	return r.head[:min(n, len(r.head))]
}

// Frame has the input cut by f into blocks of whole records, not of whole lines. It is called before the first Next, or
// not at all. A plain file is then read from its beginning to its end, or those of its span, like a stream.
func (r *Reader) Frame(f Framer) {
	r.framer = f
	if !r.plain {
		return
	}
	r.plain, r.framed = false, true
	at, till := int64(len(r.head)), int64(math.MaxInt64)
	if r.span != nil {
		at, till = r.span.From, max(r.span.From, r.span.Till)
	}
	rest := io.NewSectionReader(r.file, at, till-at)
	r.text = &text{disk: &disk{r: rest, n: at}, closed: &r.closed}
	r.text.r = r.text.disk
	r.pieces = make(chan Piece, 1)
	r.free = make(chan []byte, 4)
}

// Next returns the next piece, [io.EOF] at the end of the input, and the error of ctx as soon as it is done, even where a
// read of the input hangs. It is called by one goroutine.
//
// Any other error is the disk's: what was read before it has been handed out.
func (r *Reader) Next(ctx context.Context) (Piece, error) {
	if err := ctx.Err(); err != nil {
		return Piece{}, err
	}
	if r.plain {
		if r.next >= r.Size {
			return Piece{}, io.EOF
		}
		p := Piece{r: r, index: r.index, lo: r.next, hi: min(r.next-r.next%int64(os.Getpagesize())+int64(r.opts.ChunkSize), r.Size)}
		p.disk = p.hi - p.lo
		r.index, r.next = r.index+1, p.hi
		return p, nil
	}
	r.start.Do(func() { go r.pump() })
	select {
	case p, ok := <-r.pieces:
		if !ok {
			return Piece{}, r.err
		}
		return p, nil
	case <-ctx.Done():
		return Piece{}, ctx.Err()
	}
}

// Load returns the lines of the piece. With an error, which is the disk's, they are those that could be read.
func (p Piece) Load(buf *Buffer) (Block, error) {
	if p.r.plain {
		b, err := p.r.readLines(p.lo, p.hi, buf)
		return p.block(b), err
	}
	var block Block
	if p.r.framer != nil {
		block = Block{Index: p.index, Text: p.text, DiskBytes: p.disk, Mark: p.mark}
		if p.long {
			block.Overlong = []int{0}
		}
	} else {
		block = p.block(p.data)
	}
	select {
	case p.r.free <- p.data[:0]:
	default:
	}
	return block, nil
}

// block makes a block of whole lines; b is overwritten.
func (p Piece) block(b []byte) Block {
	b, overlong := cutOverlong(b, p.r.opts.MaxLine)
	return Block{Index: p.index, Text: string(b), Overlong: overlong, DiskBytes: p.disk}
}

// Ahead returns the bytes that follow the lines of the piece, Options.Lookahead of them, counted from the end of its
// range, or as many as there are. The last line may be cut.
func (p Piece) Ahead() string {
	look := p.r.opts.Lookahead
	if !p.r.plain || look == 0 {
		return p.ahead
	}
	b := make([]byte, look)
	n, _ := p.r.readAt(b, p.hi) // an error is told to whoever loads the next piece
	if r := p.r; r.span != nil && p.hi >= r.Size {
		return string(b[:n]) // what follows the span begins a line
	}
	i := bytes.IndexByte(b[:n], '\n')
	if i < 0 || p.hi >= p.r.Size {
		return ""
	}
	return string(b[i+1 : n])
}

// cutOverlong cuts lines longer than limit, in place, and returns where they begin. A line that lacks its newline gets one
// when it is cut.
//
// Where no newline is further than limit from the line before, and so nearly always, it looks at a few bytes only: the
// last newline within limit of a line's start proves all lines up to there short enough.
func cutOverlong(b []byte, limit int) ([]byte, []int) {
	var overlong []int
	w, r := 0, 0 // written, read
	for len(b)-r > limit {
		n := bytes.LastIndexByte(b[r:r+limit+1], '\n') + 1
		if n > 0 {
			w, r = move(b, w, r, n), r+n
			continue
		}
		rest := bytes.IndexByte(b[r+limit+1:], '\n') + 1
		if rest == 0 {
			rest = len(b) - (r + limit + 1)
		}
		overlong = append(overlong, w)
		w = move(b, w, r, limit)
		b[w] = '\n' // not beyond the byte of the line that did not fit
		w, r = w+1, r+limit+1+rest
	}
	return b[:move(b, w, r, len(b)-r)], overlong
}

// move copies n bytes of b from r to w and returns w+n.
func move(b []byte, w, r, n int) int {
	if w != r {
		copy(b[w:], b[r:r+n])
	}
	return w + n
}

// readLines reads the lines of a plain file that belong to its range [lo, hi): those that start in (lo, hi], and the
// first. Whether a line starts at lo stands in the byte before, which the owner of the range before has read anyway; this
// way every read begins on a page. The last line is read on to its newline, by one page as a rule.
func (r *Reader) readLines(lo, hi int64, buf *Buffer) ([]byte, error) {
	page := os.Getpagesize()
	size := int(hi - lo)
	n, err := r.readAt(buf.grow(roundUp(size)+page), lo)
	if n < size {
		r.shrank(lo+int64(n), err)
	}
	b := buf.b[:n]
	own := b[:min(n, size)]

	first := 0
	if lo > r.from {
		if first = bytes.IndexByte(own, '\n') + 1; first == 0 {
			return nil, err // in the midst of a long line
		}
	}
	last := max(first, bytes.LastIndexByte(own, '\n')+1)
	if lo+int64(last) >= r.Size {
		return b[first:last], err // the next line was not there at Open
	}
	for from := len(own); ; {
		if i := bytes.IndexByte(b[from:], '\n'); i >= 0 {
			return b[first : from+i+1], err
		}
		if len(b) < len(buf.b) || err != nil || len(b)-last > r.opts.MaxLine {
			return b[first:], err // the end of the file, or overlong
		}
		from = len(b)
		more := min(from-roundUp(size), roundUp(r.opts.MaxLine))
		n, err = r.readAt(buf.grow(from + more)[from:], lo+int64(from))
		b = buf.b[:from+n]
	}
}

// readAt reads len(b) bytes at off, fewer at the end of the file, which is no error.
func (r *Reader) readAt(b []byte, off int64) (int, error) {
	n, err := r.file.ReadAt(b, off)
	if err == nil || err == io.EOF {
		return n, nil
	}
	return n, fmt.Errorf("read %s at byte %d: %w", r.name, off+int64(n), cause(err))
}

// shrank notes that a plain file ended at off, before its size, unless it is an error that ended the read.
func (r *Reader) shrank(off int64, err error) {
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shrunk < 0 || off < r.shrunk {
		r.shrunk = off
	}
}

func (r *Reader) warn(text string) {
	if text == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, text)
}

// Warnings returns what was wrong with the input without being an error: data that breaks off or is damaged, a file that
// shrank. They are complete when Next has returned io.EOF and every piece is loaded.
func (r *Reader) Warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shrunk < 0 {
		return r.warnings[:len(r.warnings):len(r.warnings)]
	}
	return append(r.warnings[:len(r.warnings):len(r.warnings)],
		fmt.Sprintf("%s: shrank while it was read, from %d bytes to %d or less; the rest is gone from it; if it was rotated, read the rotated file too",
			r.name, r.Size, r.shrunk))
}

// Close gives up what the Reader holds; pieces that are not loaded are lost. It does not wait for a read of standard input
// that hangs. Closing twice does nothing.
func (r *Reader) Close() error {
	var err error
	r.stop.Do(func() {
		r.closed.Store(true)
		close(r.done)
		if r.file != nil {
			err = r.file.Close()
		}
		r.start.Do(func() { r.release() }) // unless pump runs, and does
	})
	return err
}

// release gives back the memory of the decoder.
func (r *Reader) release() {
	if r.text == nil {
		return
	}
	if z, ok := r.text.r.(*zstd.Decoder); ok {
		z.Close()
	}
}
