package source

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

const (
	// maxWindow is how far a zstd frame may refer back, and so what its decoder allocates. It is what `zstd -d` takes
	// without --long or --memory, and what `zstd --ultra -22` asks for.
	maxWindow = 128 << 20

	// A log shrinks to a tenth, rarely to a fiftieth. What expands more than bombRatio-fold, and to more than bombSize,
	// was made to fill somebody's memory or time.
	bombRatio = 1000
	bombSize  = 64 << 20
)

var (
	errBomb    = errors.New("expands more than 1000-fold")
	errTrailer = errors.New("bytes of something else follow the compressed data")
	errClosed  = errors.New("reader closed")
)

// disk counts what is read of an input before decompression, and remembers the error that is the disk's and not the data's.
type disk struct {
	r   io.Reader
	n   int64
	err error
}

func (d *disk) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.n += int64(n)
	if err != nil && err != io.EOF {
		d.err = err
	}
	return n, err
}

// text is an input after decompression. It ends for good with its first error, and stops bombs.
type text struct {
	disk   *disk
	r      io.Reader
	n      int64
	err    error
	closed *atomic.Bool
}

func (t *text) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	if t.closed.Load() {
		t.err = errClosed
		return 0, t.err
	}
	n, err := t.r.Read(p)
	t.n += int64(n)
	if err == nil && t.n > bombSize && t.n/bombRatio > t.disk.n {
		err = errBomb
	}
	t.err = err
	return n, err
}

// decoder returns the reader that undoes a compression.
func decoder(compression string, r *bufio.Reader) (io.Reader, error) {
	switch compression {
	case Gzip:
		return &members{r: r}, nil
	case Zstd:
		// One decoder goroutine is faster than two, and files are read side by side anyway.
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
	case XZ:
		// The size of its dictionary is up to the file, at most 4 GiB, but no more of it is touched than is decoded.
		return xz.NewReader(r)
	case Bzip2:
		return bzip2.NewReader(r), nil
	}
	return r, nil
}

// members reads the members of a gzip file (RFC 1952 2.2) one by one, to tell one that breaks off from something else
// that follows. Zeros between and behind them are padding, as for gzip(1).
type members struct {
	r  *bufio.Reader
	z  *gzip.Reader // nil before the first
	in bool         // in a member
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if !m.in {
			if err := m.open(); err != nil {
				return 0, err
			}
		}
		n, err := m.z.Read(p)
		if err == io.EOF {
			m.in, err = false, nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

// open begins the next member.
func (m *members) open() error {
	for m.z != nil {
		b, err := m.r.Peek(1)
		if err != nil {
			return err // io.EOF: the regular end
		}
		if b[0] != 0 {
			break
		}
		m.r.Discard(1)
	}
	if head, err := m.r.Peek(3); m.z != nil && compressionOf(head) != Gzip {
		if bytes.HasPrefix([]byte("\x1f\x8b\x08"), head) && err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return errTrailer
	}
	var err error
	if m.z == nil {
		m.z, err = gzip.NewReader(m.r)
	} else {
		err = m.z.Reset(m.r)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	m.z.Multistream(false)
	m.in = true
	return nil
}

// warning says what is wrong with data that ended with err, and what became of it; empty: nothing is wrong. Bytes are
// those on disk, text those after decompression.
func warning(name, compression string, err error, bytes, text int64) string {
	const rest = "the %d bytes of text before that were read"
	switch {
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, errClosed):
		return ""
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%s: the %s data breaks off after %d bytes; "+rest+"; if a copy or a compression was under way, read it again later",
			name, compression, bytes, text)
	case errors.Is(err, errTrailer), errors.Is(err, zstd.ErrMagicMismatch) && text > 0:
		return fmt.Sprintf("%s: something else follows the %s data and was not read; "+rest+"; look at its end", name, compression, text)
	case errors.Is(err, errBomb):
		return fmt.Sprintf("%s: the %s data expands more than %d-fold, as no log does; reading stopped, "+rest+"; if it is a log, decompress it first",
			name, compression, bombRatio, text)
	}
	return fmt.Sprintf("%s: the %s data is damaged (%v); "+rest+"; fetch another copy", name, compression, err, text)
}
