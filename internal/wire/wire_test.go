package wire

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

// A value is written by one method of an Appender and read by the one of a Reader that belongs to it.
type value struct {
	name   string
	append func(*Appender)
	same   func(*Reader) bool // whether what is read is what was written
}

func number[T comparable](name string, v T, write func(*Appender, T), read func(*Reader) T) value {
	return value{name, func(a *Appender) { write(a, v) }, func(r *Reader) bool { return read(r) == v }}
}

func values() (list []value) {
	for _, v := range []uint64{0, 1, 127, 128, 1<<14 - 1, 1 << 14, math.MaxUint32, math.MaxUint64 - 1, math.MaxUint64} {
		list = append(list, number("Uint", v, (*Appender).Uint, (*Reader).Uint), number("Key", v, (*Appender).Key, (*Reader).Key),
			number("Byte", byte(v), (*Appender).Byte, (*Reader).Byte))
	}
	for _, v := range []byte{0, 1, 2} {
		list = append(list, number("UpTo", v, (*Appender).Byte, func(r *Reader) byte { return r.UpTo(2) }))
	}
	for _, v := range []int64{0, 1, -1, 63, -64, 64, math.MaxInt64, math.MinInt64} {
		list = append(list, number("Int", v, (*Appender).Int, (*Reader).Int))
	}
	for _, v := range []bool{false, true} {
		list = append(list, number("Bool", v, (*Appender).Bool, (*Reader).Bool))
	}
	for _, v := range []string{"", "a", "\x00\xff", string(bytes.Repeat([]byte("long"), 100))} {
		list = append(list, number("String", v, (*Appender).String, (*Reader).String),
			value{"Bytes", func(a *Appender) { a.Bytes([]byte(v)) }, func(r *Reader) bool { return string(r.Bytes()) == v }},
			value{"Take", func(a *Appender) { *a = append(*a, v...) }, func(r *Reader) bool { return string(r.Take(uint64(len(v)))) == v }})
	}
	for _, v := range [][]string{nil, {""}, {"a", "", "bc"}} {
		list = append(list, value{"Strings", func(a *Appender) { a.Strings(v) }, func(r *Reader) bool { return slices.Equal(r.Strings(), v) }})
	}
	return list
}

// What is written is read again, alone and behind others; what is cut off anywhere is an error, and so is what is left over.
func TestRoundTrip(t *testing.T) {
	var all Appender
	for _, v := range values() {
		v.append(&all)
		var one Appender
		v.append(&one)
		r := NewReader(one)
		if !v.same(&r) || r.End() != nil {
			t.Errorf("%s: % x is read as something else: %v", v.name, []byte(one), r.Err())
		}
		for n := range one {
			r := NewReader(one[:n])
			if v.same(&r); !errors.Is(r.Err(), ErrCorrupt) || r.Len() > 0 {
				t.Errorf("%s: the first %d bytes of % x are read: %v, %d left", v.name, n, []byte(one), r.Err(), r.Len())
			}
		}
	}
	r := NewReader(all)
	for _, v := range values() {
		if !v.same(&r) {
			t.Errorf("%s: read as something else behind the others", v.name)
		}
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
	r = NewReader(append(all, 0))
	for _, v := range values() {
		v.same(&r)
	}
	if err := r.End(); !errors.Is(err, ErrCorrupt) {
		t.Error("a byte is left over:", err)
	}
}

// What no Appender writes is an error, after which all is zero.
func TestCorrupt(t *testing.T) {
	for name, test := range map[string]struct {
		data string
		read func(*Reader)
	}{
		"a number of eleven bytes":        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01behind", func(r *Reader) { r.Uint() }},
		"a number of more than 64 bits":   {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02behind", func(r *Reader) { r.Int() }},
		"more than the last":              {"\x03behind", func(r *Reader) { r.UpTo(2) }},
		"neither true nor false":          {"\x02behind", func(r *Reader) { r.Bool() }},
		"a text beyond the end":           {"\x04abc", func(r *Reader) { _ = r.String() }},
		"a text of all memory":            {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abc", func(r *Reader) { _ = r.String() }},
		"more than there is room for":     {"\x02abc", func(r *Reader) { r.Length(2) }},
		"texts beyond the end":            {"\x02\x01a", func(r *Reader) { r.Strings() }},
		"what its reader knows to be bad": {"\x01behind", func(r *Reader) { r.Must(r.Uint() == 2) }},
	} {
		r := NewReader([]byte(test.data))
		test.read(&r)
		if !errors.Is(r.Err(), ErrCorrupt) {
			t.Errorf("%s: %v", name, r.Err())
		}
		if r.Len() != 0 || r.Byte() != 0 || r.Uint() != 0 || r.Int() != 0 || r.Key() != 0 || r.Bool() || r.String() != "" || r.Strings() != nil || r.Length(1) != 0 || r.Take(1) != nil {
			t.Errorf("%s: something is read after the error", name)
		}
	}
	own := errors.New("own")
	r := NewReader([]byte("abc"))
	r.Fail(own)
	r.Must(false)
	if r.End() != own {
		t.Error("not the first error:", r.Err())
	}
}

// FuzzReader reads any data by any sequence of methods: it never panics, what is read is of what was there, and what it
// reads without an error comes back when it is written and read again.
func FuzzReader(f *testing.F) {
	var all Appender
	for _, v := range values() {
		v.append(&all)
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, []byte(all))
	f.Add([]byte{7, 7}, []byte("\x02\x01a\x00\x01\x01b"))
	f.Fuzz(func(t *testing.T, calls, data []byte) {
		r := NewReader(data)
		var out Appender
		var again []func(*Reader) bool
		for _, c := range calls {
			before := r.Len()
			var v value
			switch c % 9 {
			case 0:
				v = number("Byte", r.Byte(), (*Appender).Byte, (*Reader).Byte)
			case 1:
				v = number("Bool", r.Bool(), (*Appender).Bool, (*Reader).Bool)
			case 2:
				v = number("Uint", r.Uint(), (*Appender).Uint, (*Reader).Uint)
			case 3:
				v = number("Int", r.Int(), (*Appender).Int, (*Reader).Int)
			case 4:
				v = number("Key", r.Key(), (*Appender).Key, (*Reader).Key)
			case 5:
				v = number("String", r.String(), (*Appender).String, (*Reader).String)
			case 6:
				got := r.Bytes()
				v = value{"Bytes", func(a *Appender) { a.Bytes(got) }, func(r *Reader) bool { return bytes.Equal(r.Bytes(), got) }}
			case 7:
				got := r.Strings()
				v = value{"Strings", func(a *Appender) { a.Strings(got) }, func(r *Reader) bool { return slices.Equal(r.Strings(), got) }}
			case 8:
				if n := r.Length(1 + int(c)); n*(1+int(c)) > r.Len() {
					t.Fatalf("%d of %d bytes each in %d bytes", n, 1+int(c), r.Len())
				}
				continue
			}
			if r.Err() != nil {
				if r.Len() != 0 {
					t.Fatal("something is left after", r.Err())
				}
				break
			}
			if r.Len() >= before {
				t.Fatalf("%s: %d bytes are left of %d", v.name, r.Len(), before)
			}
			v.append(&out)
			again = append(again, v.same)
		}
		r = NewReader(out)
		for i, same := range again {
			if !same(&r) {
				t.Fatalf("value %d is another when it is read again", i)
			}
		}
		if err := r.End(); err != nil {
			t.Fatal(err)
		}
	})
}
