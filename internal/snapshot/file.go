package snapshot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
	"bouncelog/internal/wire"
	"bouncelog/parsers"

	"github.com/klauspost/compress/zstd"
)

// A file is
//
//	magic    8 bytes
//	version  a byte
//	size     of the contents, a varint
//	contents compressed with zstd (RFC 8878)
//	checksum SHA-256 of all before, 32 bytes
//
// and the contents are what [writer] writes of a Snapshot: numbers are varints, texts and lists have their length in front.
//
// Note: the magic has a byte that is no ASCII and a line end, as that of PNG, so that a transfer as text shows.
const (
	magic   = "\x93BLSNAP\n"
	version = 2 // until 1, pieces had no days
)

// maxSize bounds the contents. What is larger than their maxRatio-th part before it is decompressed was not written here.
const (
	maxSize    = 4 << 30
	maxRatio   = 1000
	usualRatio = 8
)

// Is reports whether a file that begins with head is a snapshot, whatever its version.
func Is(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }

// A FileError says which snapshot could not be read.
type FileError struct {
	Name string
	Err  error
}

func (e *FileError) Error() string {
	var newer *summary.VersionError
	switch {
	case errors.As(e.Err, &newer):
		return fmt.Sprintf("read snapshot %s: %v, or make the snapshot anew with this one", e.Name, e.Err)
	case errors.Is(e.Err, summary.ErrCorrupt):
		return fmt.Sprintf("read snapshot %s: it is damaged or cut off; copy it again, or make it anew from its logs", e.Name)
	}
	return fmt.Sprintf("read snapshot %s: %v", e.Name, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// Encode returns s as a file has it. The same snapshot is the same bytes on any machine.
func (s *Snapshot) Encode() ([]byte, error) {
	var w writer
	w.snapshot(s)
	out := wire.Appender(magic)
	out.Byte(version)
	out.Uint(uint64(len(w.Appender)))
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, err
	}
	out = z.EncodeAll(w.Appender, out)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...), z.Close()
}

// Read reads a file. name is its name, for messages. An error is a [*FileError]: about [summary.ErrCorrupt], or a
// [*summary.VersionError].
func Read(name string, data []byte) (*Snapshot, error) {
	s, err := read(data)
	if err != nil {
		return nil, &FileError{name, err}
	}
	for i := range s.Pieces {
		s.Pieces[i].name = name
	}
	return s, nil
}

func read(data []byte) (*Snapshot, error) {
	body, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(body) < 1+sha256.Size {
		return nil, summary.ErrCorrupt
	}
	switch v := body[0]; {
	case v > version:
		return nil, &summary.VersionError{Have: uint64(v), Known: version}
	case v == 0:
		return nil, summary.ErrCorrupt
	}
	at := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:at]); !bytes.Equal(sum[:], data[at:]) {
		return nil, summary.ErrCorrupt
	}
	front := wire.NewReader(body[1 : len(body)-sha256.Size])
	size := front.Uint()
	packed := front.Take(uint64(front.Len()))
	if front.Err() != nil || size > maxSize || size > maxRatio*uint64(len(packed)) {
		return nil, summary.ErrCorrupt
	}
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSize), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var contents bytes.Buffer
	contents.Grow(int(min(size, usualRatio*uint64(len(packed)))) + bytes.MinRead)
	if n, err := contents.ReadFrom(io.LimitReader(z, int64(size)+1)); err != nil || uint64(n) != size {
		return nil, summary.ErrCorrupt
	}
	r := reader{wire.NewReader(contents.Bytes()), body[0]}
	s := r.snapshot()
	if err := r.End(); err != nil {
		return nil, err
	}
	return s, nil
}

// maxWindow is that of the encoder's level, with room for others.
const maxWindow = 64 << 20

// A writer appends a Snapshot to what it has.
type writer struct{ wire.Appender }

func (w *writer) time(t parsers.Stamp) { w.Int(int64(t)) }

func (w *writer) snapshot(s *Snapshot) {
	for _, list := range [][]string{s.Tools, s.Rules, s.Zones, s.Warnings} {
		w.Strings(list)
	}
	w.Uint(uint64(len(s.Pieces)))
	for i := range s.Pieces {
		p := &s.Pieces[i]
		w.Strings(p.Hosts)
		w.Uint(uint64(len(p.Inputs)))
		for j := range p.Inputs {
			w.input(&p.Inputs[j])
		}
		w.Uint(uint64(len(p.Samples)))
		for _, x := range p.Samples {
			w.Uint(uint64(x.Input))
			w.Uint(uint64(x.Bucket))
			w.Int(x.Line)
			w.String(x.Text)
			w.String(x.Reason)
		}
		w.Int(p.Claimed)
		w.Bool(p.OmitsDeferrals)
		w.time(p.From)
		w.time(p.Till)
		w.Bytes(p.counts)
	}
}

func (w *writer) input(in *scan.InputResult) {
	w.String(in.Name)
	w.Strings(in.Formats)
	w.String(in.Host)
	w.String(in.Compression)
	for _, n := range []int64{in.Bytes, in.Lines, in.Claimed, in.Idle} {
		w.Int(n)
	}
	for _, t := range []parsers.Stamp{in.First, in.Last, in.Begin} {
		w.time(t)
	}
	w.Bool(in.OmitsDeferrals)
}

// A reader takes off what a writer of a version wrote.
type reader struct {
	wire.Reader
	version byte
}

func (r *reader) time() parsers.Stamp { return parsers.Stamp(r.Int()) }

// number reads a count.
func (r *reader) number() int64 {
	v := r.Int()
	r.Must(v >= 0)
	return v
}

func (r *reader) snapshot() *Snapshot {
	s := &Snapshot{Tools: r.Strings(), Rules: r.Strings(), Zones: r.Strings(), Warnings: r.Strings()}
	for range r.Length(6) {
		p := Piece{Hosts: r.Strings()}
		for range r.Length(12) {
			if r.Err() != nil {
				return nil
			}
			p.Inputs = append(p.Inputs, r.input())
		}
		for range r.Length(5) {
			x := Sample{Input: int(min(r.Uint(), 1<<31))}
			x.Bucket = summary.Bucket(min(r.Uint(), uint64(summary.NumBuckets)))
			x.Line, x.Text, x.Reason = r.number(), r.String(), r.String()
			if x.Input >= len(p.Inputs) || x.Bucket >= summary.NumBuckets {
				r.Fail(wire.ErrCorrupt)
				return nil
			}
			p.Samples = append(p.Samples, x)
		}
		p.Claimed, p.OmitsDeferrals = r.number(), r.Bool()
		if r.version > 1 {
			p.From, p.Till = r.time(), r.time()
			r.Must(p.From < p.Till || p.From == 0 && p.Till == 0)
		}
		p.counts = r.Bytes()
		if r.Err() != nil {
			return nil
		}
		s.Pieces = append(s.Pieces, p)
	}
	return s
}

func (r *reader) input() (in scan.InputResult) {
	in.Name, in.Formats, in.Host, in.Compression = r.String(), r.Strings(), r.String(), r.String()
	in.Bytes, in.Lines, in.Claimed, in.Idle = r.number(), r.number(), r.number(), r.number()
	in.First, in.Last, in.Begin = r.time(), r.time(), r.time()
	in.OmitsDeferrals = r.Bool()
	return in
}
