// Package source turns inputs into blocks of whole lines: plain files, globs, folders, pipes and standard input, as they
// are or compressed with gzip (RFC 1952), zstd (RFC 8878), xz or bzip2. It is the first step of the pipeline and knows
// nothing of logs but what is certainly none.
//
// [Expand] finds the inputs and [Input.Open] opens one. [Reader.Next] hands out pieces in order, to one goroutine;
// [Piece.Load] makes a piece into a [Block], on any goroutine:
//
//	for {
//		p, err := r.Next(ctx)
//		if err == io.EOF {
//			break
//		}
//		go func() { block, err := p.Load(&buffer); … }()
//	}
//
// A plain file costs Next nothing: its pieces are page-aligned ranges, and Load reads. A piece of a stream (all that is
// compressed or cannot be read at an offset) was read and decompressed one block ahead by a goroutine of the Reader.
//
// Lines end in \n and nowhere else. CR, NUL and bytes that are no UTF-8 pass unchanged, and so does a byte order mark.
// Every line of an input is in exactly one block, whatever the size of the chunks.
package source

import (
	"io"
	"io/fs"
	"os"
	"time"
)

// The compressions, as [Input.Compression] names them. The first bytes decide, never the name.
const (
	Gzip  = "gzip"
	Zstd  = "zstd"
	XZ    = "xz"
	Bzip2 = "bzip2"
)

// Options says how an input is cut. The zero value is ready to use.
type Options struct {
	// ChunkSize is the size of a block in bytes, rounded up to pages. Zero: 1 MiB.
	ChunkSize int

	// MaxLine is the length of the longest line kept whole, without its newline. Zero: 1 MiB.
	MaxLine int

	// Lookahead is how many bytes [Piece.Ahead] shows. Zero: none.
	Lookahead int
}

const defaultSize = 1 << 20 // of a chunk and of the longest line

// complete returns the options with their defaults, rounded.
func (o Options) complete() Options {
	if o.ChunkSize <= 0 {
		o.ChunkSize = defaultSize
	}
	if o.MaxLine <= 0 {
		o.MaxLine = defaultSize
	}
	o.ChunkSize = roundUp(o.ChunkSize)
	return o
}

// roundUp rounds n up to whole pages.
func roundUp(n int) int {
	page := os.Getpagesize()
	return (n + page - 1) / page * page
}

// An Input is one file or stream to be read. It does not change once [Expand] has returned it.
type Input struct {
	Name string // to be shown: the path as given or found, or `stdin`
	Path string // to be opened; `-` for standard input
	Arg  string // the argument it comes from: its own path, the folder or the glob it was found by

	Size        int64     // bytes on disk; -1: unknown (pipe, standard input)
	Time        time.Time // of the gzip header, else of the file; zero for a pipe and standard input
	Compression string    // Gzip, Zstd, XZ, Bzip2; empty: none, or unknown before Open (pipe, standard input)

	// Named: the input itself was named on the command line. Otherwise it was found, in a folder or by a glob that
	// the shell had left to us, and nobody promised that it is a log.
	Named bool

	info  fs.FileInfo // nil where nothing is known of it
	span  *Span       // nil: all of it is to be read
	stdin io.Reader   // nil unless it is standard input
}

// Skipped is a file that is not read, and why: it was found in a folder and is no log, or it was given twice.
type Skipped struct {
	Name   string
	Reason string
	Err    error // set where it could not be read; nil where there is no need to
}

// A Block is a run of whole lines.
type Block struct {
	Index int // counts from zero, without a gap, in the order of the input

	// Text is the lines with their newlines; empty where a long line fills the whole piece. Its last line lacks the
	// newline where the input ends without one, or broke off there.
	Text string

	// Overlong are the offsets in Text of the lines that were longer than Options.MaxLine. Their first MaxLine bytes
	// and a newline were kept.
	Overlong []int

	// DiskBytes is the part of the input's size that this block accounts for, before decompression. Over all blocks of
	// an input they sum up to Reader.Size where that is known.
	DiskBytes int64

	// Mark is what the [Framer] gave the block. Nil: there is none.
	Mark any
}

// A Framer cuts text into runs of whole records, where those are not lines. It is used by one goroutine.
type Framer interface {
	// Cut returns how many bytes of text, which begins where a record may, are whole records for one block, and that
	// block's mark. Zero: there is none yet; where text is longer than Options.MaxLine, its first line is then given
	// up as overlong. With atEnd, text is all that is left, and zero takes it all.
	Cut(text string, atEnd bool) (n int, mark any)

	// Whole returns how many bytes of text, all that is left of a log that may be written on, are whole records: what is
	// behind waits for the rest.
	Whole(text string) int
}

// A Buffer is the memory [Piece.Load] reads into. The zero value is ready; it serves one goroutine, any number of times.
type Buffer struct {
	b []byte
}

// grow returns the buffer at length n with its contents.
//
// The Go allocator puts everything above 32 KiB on its own pages, so memory that is at least that long is aligned to a
// page without further ado: pread into it costs 2.5 times less than into memory one byte off.
func (buf *Buffer) grow(n int) []byte {
	if n > cap(buf.b) {
		b := make([]byte, n, max(n, 64<<10))
		copy(b, buf.b)
		buf.b = b
	}
	buf.b = buf.b[:n]
	return buf.b
}
