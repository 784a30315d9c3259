package source

import (
	"bytes"
	"io"
	"slices"
)

// pump reads a stream and sends its pieces until it ends or the Reader is closed.
//
// Note: a goroutine of its own, for two reasons. Decompression runs beside the parsing of the block before; and a read of
// standard input cannot be interrupted, so Next waits for this goroutine and for its context, not for the read.
func (r *Reader) pump() {
	defer close(r.pieces)
	defer r.release()
	src := r.whole()
	var counted int64
	switch {
	case r.span != nil && r.framed:
		src, counted = r.text, r.span.From
	case r.span != nil:
		r.skip()
		src = r.lines
		if till := r.span.Till; till > 0 {
			src = io.LimitReader(src, till-r.span.From)
		}
	}
	tail := r.memory() // the beginning of a line
	var ended error
	for index := 0; ; index++ {
		p := Piece{r: r, index: index}
		var b []byte
		var cut int
		var err error
		if r.framer != nil {
			b, cut, err = r.fillFramed(src, tail, &p, &ended)
		} else {
			b, cut, err = r.fill(src, tail)
			if err != nil && r.span != nil {
				cut = bytes.LastIndexByte(b, '\n') + 1
			}
		}
		tail = append(r.memory(), b[cut:]...) // before b is given away
		p.data, p.disk = b[:cut], r.text.disk.n-counted
		if n := min(r.opts.Lookahead, len(tail)); n > 0 {
			p.ahead = string(tail[:n])
		} else if err != nil && r.framed && r.span != nil {
			b := make([]byte, r.opts.Lookahead)
			n, _ := r.file.ReadAt(b, r.span.Till) // an error is told to whoever reads on from there
			p.ahead = string(b[:n])
		}
		if err != nil && r.Size >= 0 {
			p.disk = r.Size - counted // also what was not read: garbage, the rest of a bomb
		}
		counted += p.disk
		if cut > 0 || p.disk != 0 {
			select {
			case r.pieces <- p:
			case <-r.done:
				r.err = errClosed
				return
			}
		}
		if err != nil {
			r.end()
			return
		}
	}
}

// end notes why the stream ended.
func (r *Reader) end() {
	r.err = io.EOF
	switch d := r.text.disk; {
	case r.text.err == errClosed:
		r.err = errClosed
	case d.err != nil:
		r.err = readError(r.name, d.err)
	default:
		r.warn(warning(r.name, r.Compression, r.text.err, d.n, r.text.n))
	}
}

// memory returns an empty buffer for a chunk.
func (r *Reader) memory() []byte {
	select {
	case b := <-r.free:
		return b
	default:
		return make([]byte, 0, r.opts.ChunkSize)
	}
}

// fill reads on until b is a chunk long and holds a whole line, and says where its last whole line ends. With an error,
// the end of the stream, that is the end of b.
//
// Of a line longer than MaxLine one byte more is kept, for cutOverlong to see, and its newline; memory stays bounded.
func (r *Reader) fill(src io.Reader, b []byte) (_ []byte, cut int, err error) {
	look := r.opts.Lookahead
	want := r.opts.ChunkSize
	if len(b) >= want+look {
		want = len(b) + r.opts.ChunkSize
	}
	for from := 0; ; {
		b, err = readTo(src, b, want+look)
		if err != nil {
			return b, len(b), err
		}
		end := len(b) - look
		if i := bytes.LastIndexByte(b[from:end], '\n'); i >= 0 {
			return b, from + i + 1, nil
		}
		from = end
		if len(b) > r.opts.MaxLine {
			if i := bytes.IndexByte(b[end:], '\n'); i >= 0 {
				return b, end + i + 1, nil
			}
			b, err = skipLine(src, b, r.opts.MaxLine+1)
			if err != nil {
				return b, len(b), err
			}
			return b, bytes.LastIndexByte(b, '\n') + 1, nil
		}
		want = min(2*len(b), r.opts.MaxLine+1)
	}
}

// fillFramed reads on until b is a chunk long and holds a whole record, and says how much of it the framer puts into the
// block of p. ended is why the stream ended; the error is the same once all of b is taken.
func (r *Reader) fillFramed(src io.Reader, b []byte, p *Piece, ended *error) (_ []byte, cut int, err error) {
	for want := r.opts.ChunkSize; ; want = 2 * len(b) {
		if *ended == nil {
			b, *ended = readTo(src, b, want)
		}
		text := string(b)
		if *ended != nil && r.span != nil && r.span.Till == 0 { // it may be written on
			if cut, p.mark = r.framer.Cut(text, false); cut > 0 {
				p.text = text[:cut]
				return b, cut, nil
			}
			n := r.framer.Whole(text)
			r.rest += int64(len(b) - n)
			b, text = b[:n], text[:n]
		}
		cut, p.mark = r.framer.Cut(text, *ended != nil)
		p.text = text[:cut]
		switch {
		case *ended != nil:
			if cut == 0 || cut == len(b) {
				p.text = text
				return b, len(b), *ended
			}
			return b, cut, nil
		case cut > 0:
			return b, cut, nil
		case len(b) > r.opts.MaxLine:
			b, *ended = skipLine(src, b, r.opts.MaxLine+1)
			p.text, p.long = string(b[:r.opts.MaxLine])+"\n", true
			return b, len(b), *ended
		}
	}
}

// readTo reads until b is want bytes long. It returns io.EOF at the end, with what there was.
func readTo(src io.Reader, b []byte, want int) ([]byte, error) {
	b = slices.Grow(b, max(0, want-len(b)))
	for len(b) < want {
		n, err := src.Read(b[len(b):want])
		b = b[:len(b)+n]
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

// skipLine reads to the end of the line that is all of b, keeping of it the first n bytes and the newline.
func skipLine(src io.Reader, b []byte, n int) ([]byte, error) {
	b = slices.Grow(b[:n], 64<<10)
	for {
		k, err := src.Read(b[n:cap(b)])
		if i := bytes.IndexByte(b[n:n+k], '\n'); i >= 0 {
			return append(b[:n], b[n+i:n+k]...), err
		}
		if err != nil {
			return b[:n], err
		}
	}
}
