// Package wire is how snapshots and states write numbers and texts: integers as varints (encoding/binary), signed ones
// zigzag, keys as eight bytes, the least first, texts and lists with their length in front.
//
// An [Appender] writes, a [Reader] reads. What is read may be damaged or made up: a Reader never looks beyond the end, never
// makes room for more than the data can hold, and remembers its first error, so that who reads many values asks once.
package wire

import (
	"encoding/binary"
	"errors"
)

// ErrCorrupt is what is wrong with data that no Appender wrote.
var ErrCorrupt = errors.New("the data is damaged")

// An Appender is what was written so far. The zero value is empty.
type Appender []byte

// Byte appends a byte.
func (a *Appender) Byte(v byte) { *a = append(*a, v) }

// Bool appends a truth value.
func (a *Appender) Bool(v bool) {
	n := byte(0)
	if v {
		n = 1
	}
	a.Byte(n)
}

// Uint appends a number.
func (a *Appender) Uint(v uint64) { *a = binary.AppendUvarint(*a, v) }

// Int appends a number that may be negative.
func (a *Appender) Int(v int64) { *a = binary.AppendVarint(*a, v) }

// Key appends a number of which all bits are alike likely to be set: a hash.
func (a *Appender) Key(v uint64) { *a = binary.LittleEndian.AppendUint64(*a, v) }

// String appends a text.
func (a *Appender) String(s string) {
	a.Uint(uint64(len(s)))
	*a = append(*a, s...)
}

// Strings appends a list of texts.
func (a *Appender) Strings(list []string) {
	a.Uint(uint64(len(list)))
	for _, s := range list {
		a.String(s)
	}
}

// Bytes appends bytes with their number in front.
func (a *Appender) Bytes(b []byte) {
	a.Uint(uint64(len(b)))
	*a = append(*a, b...)
}

// A Reader takes values off data, in the order in which they were appended. After its first error it gives zero values and
// empty lists. The zero value has no data.
type Reader struct {
	rest []byte
	err  error
}

// NewReader returns a Reader of data, which must stay as it is for as long as what [Reader.Take] returns is in use.
func NewReader(data []byte) Reader { return Reader{rest: data} }

// Err returns the first error, nil where all was well so far.
func (r *Reader) Err() error { return r.err }

// Len returns how many bytes are left; zero after an error.
func (r *Reader) Len() int { return len(r.rest) }

// Fail ends the reading with an error, unless there is one already.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

// Must fails with [ErrCorrupt] where what is said of the data does not hold.
func (r *Reader) Must(ok bool) {
	if !ok {
		r.Fail(ErrCorrupt)
	}
}

// End fails where something is left, and returns the first error.
func (r *Reader) End() error {
	r.Must(len(r.rest) == 0)
	return r.err
}

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail(ErrCorrupt)
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// UpTo reads a byte that is not greater than last.
func (r *Reader) UpTo(last byte) byte {
	v := r.Byte()
	if v > last {
		r.Fail(ErrCorrupt)
		return 0
	}
	return v
}

// Bool reads a truth value.
func (r *Reader) Bool() bool { return r.UpTo(1) == 1 }

// Uint reads a number.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.Fail(ErrCorrupt)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Int reads a number that may be negative.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.Fail(ErrCorrupt)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Key reads what [Appender.Key] wrote.
func (r *Reader) Key() uint64 {
	if len(r.rest) < 8 {
		r.Fail(ErrCorrupt)
		return 0
	}
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

// Take reads n bytes, which are part of the data; nil where there are fewer.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.Fail(ErrCorrupt)
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

// Bytes reads what [Appender.Bytes] wrote, which is part of the data.
func (r *Reader) Bytes() []byte { return r.Take(r.Uint()) }

// String reads a text.
func (r *Reader) String() string { return string(r.Bytes()) }

// Length reads how many of something follow, none of which takes less than least bytes, of which there is one or more: so
// that room for all of them may be made at once.
func (r *Reader) Length(least int) int {
	n := r.Uint()
	if n > uint64(len(r.rest)/least) {
		r.Fail(ErrCorrupt)
		return 0
	}
	return int(n)
}

// Strings reads a list of texts; nil where it is empty.
func (r *Reader) Strings() (list []string) {
	for range r.Length(1) {
		s := r.String()
		if r.err != nil {
			return nil
		}
		list = append(list, s)
	}
	return list
}
