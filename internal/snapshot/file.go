package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
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
	version = 1
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
	out := append([]byte(magic), version)
	out = binary.AppendUvarint(out, uint64(len(w.b)))
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, err
	}
	out = z.EncodeAll(w.b, out)
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
	if v := body[0]; v != version {
		if v > version {
			return nil, &summary.VersionError{Have: uint64(v), Known: version}
		}
		return nil, summary.ErrCorrupt
	}
	at := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:at]); !bytes.Equal(sum[:], data[at:]) {
		return nil, summary.ErrCorrupt
	}
	body = body[1 : len(body)-sha256.Size]
	size, n := binary.Uvarint(body)
	if n <= 0 || size > maxSize || size > maxRatio*uint64(len(body)) {
		return nil, summary.ErrCorrupt
	}
	z, err := zstd.NewReader(bytes.NewReader(body[n:]), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxSize), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var contents bytes.Buffer
	contents.Grow(int(min(size, usualRatio*uint64(len(body)))) + bytes.MinRead)
	if n, err := contents.ReadFrom(io.LimitReader(z, int64(size)+1)); err != nil || uint64(n) != size {
		return nil, summary.ErrCorrupt
	}
	r := reader{b: contents.Bytes()}
	s := r.snapshot()
	if r.bad || len(r.b) > 0 {
		return nil, summary.ErrCorrupt
	}
	return s, nil
}

// maxWindow is that of the encoder's level, with room for others.
const maxWindow = 64 << 20

// A writer appends to b.
type writer struct{ b []byte }

func (w *writer) uint(v uint64)        { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)          { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) time(t parsers.Stamp) { w.int(int64(t)) }
func (w *writer) text(s string)        { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) bool(v bool) {
	n := uint64(0)
	if v {
		n = 1
	}
	w.uint(n)
}

func (w *writer) texts(list []string) {
	w.uint(uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

func (w *writer) snapshot(s *Snapshot) {
	for _, list := range [][]string{s.Tools, s.Rules, s.Zones, s.Warnings} {
		w.texts(list)
	}
	w.uint(uint64(len(s.Pieces)))
	for i := range s.Pieces {
		p := &s.Pieces[i]
		w.texts(p.Hosts)
		w.uint(uint64(len(p.Inputs)))
		for j := range p.Inputs {
			w.input(&p.Inputs[j])
		}
		w.uint(uint64(len(p.Samples)))
		for _, x := range p.Samples {
			w.uint(uint64(x.Input))
			w.uint(uint64(x.Bucket))
			w.int(x.Line)
			w.text(x.Text)
			w.text(x.Reason)
		}
		w.int(p.Claimed)
		w.bool(p.OmitsDeferrals)
		w.uint(uint64(len(p.counts)))
		w.b = append(w.b, p.counts...)
	}
}

func (w *writer) input(in *scan.InputResult) {
	w.text(in.Name)
	w.texts(in.Formats)
	w.text(in.Host)
	w.text(in.Compression)
	for _, n := range []int64{in.Bytes, in.Lines, in.Claimed, in.Idle} {
		w.int(n)
	}
	for _, t := range []parsers.Stamp{in.First, in.Last, in.Begin} {
		w.time(t)
	}
	w.bool(in.OmitsDeferrals)
}

// A reader takes off b what a writer wrote. Once something is bad, it gives zero values.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.bad, r.b = true, nil
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// number reads a count.
func (r *reader) number() int64 {
	v := r.int()
	if v < 0 {
		r.fail()
		return 0
	}
	return v
}

func (r *reader) bool() bool {
	v := r.uint()
	if v > 1 {
		r.fail()
	}
	return v == 1
}

func (r *reader) time() parsers.Stamp { return parsers.Stamp(r.int()) }

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string { return string(r.take(r.uint())) }

// length reads how many of something follow, none of which takes less than least bytes.
func (r *reader) length(least int) int {
	n := r.uint()
	if n > uint64(len(r.b)/least) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) texts() (list []string) {
	for range r.length(1) {
		if r.bad {
			return nil
		}
		list = append(list, r.text())
	}
	return list
}

func (r *reader) snapshot() *Snapshot {
	s := &Snapshot{Tools: r.texts(), Rules: r.texts(), Zones: r.texts(), Warnings: r.texts()}
	for range r.length(6) {
		p := Piece{Hosts: r.texts()}
		for range r.length(12) {
			if r.bad {
				return nil
			}
			p.Inputs = append(p.Inputs, r.input())
		}
		for range r.length(5) {
			x := Sample{Input: int(min(r.uint(), 1<<31))}
			x.Bucket = summary.Bucket(min(r.uint(), uint64(summary.NumBuckets)))
			x.Line, x.Text, x.Reason = r.number(), r.text(), r.text()
			if x.Input >= len(p.Inputs) || x.Bucket >= summary.NumBuckets {
				r.fail()
				return nil
			}
			p.Samples = append(p.Samples, x)
		}
		p.Claimed, p.OmitsDeferrals = r.number(), r.bool()
		p.counts = r.take(r.uint())
		if r.bad {
			return nil
		}
		s.Pieces = append(s.Pieces, p)
	}
	return s
}

func (r *reader) input() (in scan.InputResult) {
	in.Name, in.Formats, in.Host, in.Compression = r.text(), r.texts(), r.text(), r.text()
	in.Bytes, in.Lines, in.Claimed, in.Idle = r.number(), r.number(), r.number(), r.number()
	in.First, in.Last, in.Begin = r.time(), r.time(), r.time()
	in.OmitsDeferrals = r.bool()
	return in
}
