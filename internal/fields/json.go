package fields

import (
	"iter"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A Value is a value of JSON as it stands in the text. The zero Value: there is none.
type Value struct {
	Raw string // from its first byte to its last: `"a"`, `{}`, `1`, `null`
}

// kind returns the first byte of v, which tells what it is; zero where there is none.
func (v Value) kind() byte {
	if v.Raw == "" {
		return 0
	}
	return v.Raw[0]
}

// IsZero reports whether there is no value.
func (v Value) IsZero() bool { return v.Raw == "" }

// IsString reports whether v is a string.
func (v Value) IsString() bool { return len(v.Raw) > 1 && v.Raw[0] == '"' }

// IsNumber reports whether v is a number.
func (v Value) IsNumber() bool { return v.kind() == '-' || digit(v.kind()) }

// IsObject reports whether v is an object.
func (v Value) IsObject() bool { return v.kind() == '{' }

// IsArray reports whether v is an array.
func (v Value) IsArray() bool { return v.kind() == '[' }

// IsNull reports whether v is null, which is not the same as no value.
func (v Value) IsNull() bool { return v.Raw == "null" }

// Quoted returns what stands between the quotes of a string, escapes and all; empty for all else.
func (v Value) Quoted() string {
	if !v.IsString() {
		return ""
	}
	return v.Raw[1 : len(v.Raw)-1]
}

// Text returns a string unescaped, and a number as it is written. Of everything else it is empty.
func (v Value) Text() string {
	switch {
	case v.IsString():
		return Unquote(v.Quoted())
	case v.IsNumber():
		return v.Raw
	}
	return ""
}

// Int returns a whole number, be it in quotes or not.
func (v Value) Int() (n int64, ok bool) {
	s := v.Text()
	if s == "" {
		return 0, false // an error of strconv is allocated
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// Get returns the value of key in an object; the last, where it comes twice. Where v is no object there is none.
func (v Value) Get(key string) Value {
	var got [1]Value
	if !Object(v.Raw, []string{key}, got[:]) {
		return Value{}
	}
	return got[0]
}

// Elements yields the elements of an array in their order. Where v is no array there are none.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		c := cursor{s: v.Raw}
		if !c.open('[', ']') {
			return
		}
		for {
			e, ok := c.value()
			if !ok || !yield(e) || !c.more() {
				return
			}
		}
	}
}

// Members yields the members of an object in their order. Where v is no object there are none.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		c := cursor{s: v.Raw}
		if !c.open('{', '}') {
			return
		}
		for {
			key, e, ok := c.member()
			if !ok || !yield(key, e) || !c.more() {
				return
			}
		}
	}
}

// Object walks once through the object that s is and stores the values of keys in values; of a key that comes twice the
// last. False means that s is no object, is not complete, or goes on behind it; values may be set then.
//
// It finds where values end, and leaves what is in them to whoever asks: every object that RFC 8259 allows is one, and some
// that it does not.
//
// Note: not encoding/json, which takes the text apart by reflection and copies every field of it.
func Object(s string, keys []string, values []Value) bool {
	c := cursor{s: s}
	if c.blank(); !c.take('{') {
		return false
	}
	if c.blank(); c.take('}') {
		return c.end()
	}
	for {
		key, v, ok := c.member()
		if !ok {
			return false
		}
		for i := range keys {
			if keys[i] == key {
				values[i] = v
				break
			}
		}
		if !c.more() {
			return c.take('}') && c.end()
		}
	}
}

// A cursor reads JSON from left to right, in time and memory that the length of s bounds, however deep it is nested.
type cursor struct {
	s string
	i int
}

func (c *cursor) blank() {
	for c.i < len(c.s) && (c.s[c.i] == ' ' || c.s[c.i] == '\t' || c.s[c.i] == '\n' || c.s[c.i] == '\r') {
		c.i++
	}
}

func (c *cursor) take(b byte) bool {
	if c.i < len(c.s) && c.s[c.i] == b {
		c.i++
		return true
	}
	return false
}

// open takes the bracket that s begins with, and reports whether something is in it.
func (c *cursor) open(left, right byte) bool {
	if c.blank(); !c.take(left) {
		return false
	}
	c.blank()
	return c.i < len(c.s) && c.s[c.i] != right
}

// more takes the comma before the next value, and reports whether there is one.
func (c *cursor) more() bool {
	c.blank()
	if !c.take(',') {
		return false
	}
	c.blank()
	return true
}

// end reports whether nothing follows.
func (c *cursor) end() bool {
	c.blank()
	return c.i == len(c.s)
}

// member reads a key and its value.
func (c *cursor) member() (key string, v Value, ok bool) {
	c.blank()
	start := c.i
	if start == len(c.s) || c.s[start] != '"' {
		return "", Value{}, false
	}
	escaped, ok := c.skipString()
	if !ok {
		return "", Value{}, false
	}
	if key = c.s[start+1 : c.i-1]; escaped {
		key = unescape(key)
	}
	if c.blank(); !c.take(':') {
		return "", Value{}, false
	}
	c.blank()
	v, ok = c.value()
	return key, v, ok
}

// value reads one value, whole with all in it.
func (c *cursor) value() (v Value, ok bool) {
	start := c.i
	if start == len(c.s) {
		return Value{}, false
	}
	switch c.s[start] {
	case '"':
		_, ok = c.skipString()
	case '[', '{':
		ok = c.skipNested()
	default:
		for c.i < len(c.s) && strings.IndexByte(" \t\r\n,:\"[]{}", c.s[c.i]) < 0 {
			c.i++
		}
		ok = c.i > start
	}
	return Value{c.s[start:c.i]}, ok
}

// skipString skips the string that begins at the cursor, and reports whether an escape is in it.
//
// Note: most strings are too short for IndexByte to pay, so eight bytes are looked at together. A byte of marks is set
// where one of word is a quote or a backslash; of the lowest one set, that is sure.
func (c *cursor) skipString() (escaped, ok bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	s := c.s
	for i := c.i + 1; ; {
		if i+8 <= len(s) {
			word := load(s[i : i+8])
			quote, escape := word^'"'*ones, word^'\\'*ones
			marks := ((quote-ones)&^quote | (escape-ones)&^escape) & highs
			if marks == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(marks) / 8
		} else if i >= len(s) {
			return escaped, false
		}
		switch s[i] {
		case '"':
			c.i = i + 1
			return escaped, true
		case '\\':
			escaped = true
			i++
		}
		i++
	}
}

// load returns eight bytes as a number, the first the lowest.
func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// skipNested counts brackets of both kinds alike: that a text is JSON is for its writer to see to.
func (c *cursor) skipNested() bool {
	for depth := 0; c.i < len(c.s); c.i++ {
		switch c.s[c.i] {
		case '"':
			if _, ok := c.skipString(); !ok {
				return false
			}
			c.i--
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				c.i++
				return true
			}
		}
	}
	return false
}

// Unquote returns what stands between the quotes of a string of JSON (RFC 8259 7). Halves of surrogates and what is not
// UTF-8 become U+FFFD; a backslash before what is no escape is dropped. It copies only where it must.
func Unquote(s string) string { return valid(unescape(s)) }

// unescape undoes the escapes of JSON.
func unescape(s string) string {
	next := strings.IndexByte(s, '\\')
	if next < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for next >= 0 && next+1 < len(s) {
		b.WriteString(s[:next])
		s = s[next:]
		n := 2
		switch s[1] {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := hex4(s)
			n = 6
			if utf16.IsSurrogate(r) {
				if r = utf16.DecodeRune(r, hex4(s[min(n, len(s)):])); r != utf8.RuneError {
					n = 12
				}
			}
			b.WriteRune(r)
		default:
			b.WriteByte(s[1])
		}
		s = s[min(n, len(s)):]
		next = strings.IndexByte(s, '\\')
	}
	b.WriteString(s)
	return b.String()
}

// valid replaces every byte that is not UTF-8 by U+FFFD.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// hex4 reads the `\u00e9` at the start of s. It is U+FFFD if there is none.
func hex4(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

func digit(c byte) bool { return c-'0' <= 9 }
