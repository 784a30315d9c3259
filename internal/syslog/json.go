package syslog

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"bouncelog/parsers"
)

// json cuts a line of `journalctl -o json`, or of docker's json-file driver. Other programs' JSON is none of ours.
func (r *Reader) json(l *parsers.Line, s string) bool {
	// Two searches at the speed of memory spare the JSON logs of MTAs the walk through them.
	switch {
	case strings.Contains(s, `"MESSAGE"`):
		return r.journal(l, s)
	case strings.Contains(s, `"log"`):
		return r.jsonFile(l, s)
	}
	return false
}

// The fields of a journal entry that matter (systemd.journal-fields(7)), and where journal keeps them.
const (
	journalMessage = iota
	journalTag
	journalPID
	journalTrustedPID
	journalHost
	journalReceived
	journalSent
	journalFields
)

var journalKeys = [journalFields]string{
	"MESSAGE", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_PID", "_HOSTNAME", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP",
}

// journal cuts an entry of the journal.
func (r *Reader) journal(l *parsers.Line, s string) bool {
	var v [journalFields]value
	if !object(s, journalKeys[:], v[:]) || v[journalMessage].kind == 0 {
		return false
	}
	if v[journalTag].kind|v[journalHost].kind|v[journalReceived].kind == 0 {
		return false
	}
	if l.Time = micros(v[journalReceived].text()); l.Time == 0 {
		l.Time = micros(v[journalSent].text())
	}
	if l.PID = v[journalPID].text(); l.PID == "" {
		l.PID = v[journalTrustedPID].text()
	}
	l.Host, l.Tag, l.Text = r.rename(v[journalHost].text()), v[journalTag].text(), v[journalMessage].text()
	r.message(l, strings.Contains(l.Tag, "/"), ownHeader)
	return true
}

// micros reads a decimal number of microseconds since 1970, zero if s is none.
func micros(s string) parsers.Stamp {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return parsers.Stamp(n)
}

var jsonFileKeys = [...]string{"log", "stream", "time"}

// jsonFile cuts a line of docker's json-file driver (moby: daemon/logger/jsonfilelog/jsonlog/jsonlog.go).
func (r *Reader) jsonFile(l *parsers.Line, s string) bool {
	var v [len(jsonFileKeys)]value
	if !object(s, jsonFileKeys[:], v[:]) || v[0].kind != '"' {
		return false
	}
	log, stream, at := v[0], v[1], v[2]
	var out outer
	m := &r.stamps[ownHeader]
	if rest, ok := m.read(at.text()); ok && m.stamp.form == formISO && m.stamp.zoned && rest == "" {
		out.at, _ = r.settle(m, outer{})
		out.sure = true
	} else if stream.kind == 0 {
		return false
	}
	r.payload(l, skipColour(strings.TrimSuffix(log.line(), "\r")), out)
	return true
}

// A value is one value of an object, as it stands there.
type value struct {
	raw  string
	kind byte // its first byte: `"`, `[`, `{`, a digit, the letter of null, true and false. Zero: there is none
}

// text returns a string unescaped, a number as it is written, and an array of bytes as the text it spells. Of another
// array, by which the journal writes a field that came twice, it is the first element's. Everything else is empty.
func (v *value) text() string {
	switch {
	case v.kind == '"':
		return unquote(v.raw[1 : len(v.raw)-1])
	case v.kind == '-' || digit(v.kind):
		return v.raw
	case v.kind == '[':
		first := element(v.raw)
		if digit(first.kind) {
			return bytesOf(v.raw)
		}
		if first.kind != '[' {
			return first.text()
		}
		return bytesOf(first.raw)
	}
	return ""
}

// line returns a string without the newline at its end.
func (v *value) line() string {
	s := v.raw[1 : len(v.raw)-1]
	if strings.HasSuffix(s, `\n`) && !strings.HasSuffix(s, `\\n`) {
		return unquote(s[:len(s)-2]) // often the only escape, so nothing is copied
	}
	return strings.TrimSuffix(unquote(s), "\n")
}

// element returns the first element of an array.
func element(array string) value {
	c := cursor{s: array, i: 1}
	c.blank()
	v, _ := c.value()
	return v
}

// bytesOf returns the text that an array of numbers spells, byte for byte: so the journal writes what is not UTF-8. It
// is empty where one of them is no byte.
func bytesOf(array string) string {
	b := make([]byte, 0, len(array)/3)
	c := cursor{s: array, i: 1}
	for c.blank(); ; c.blank() {
		v, ok := c.value()
		n, err := strconv.ParseUint(v.raw, 10, 8)
		if !ok || err != nil {
			return ""
		}
		b = append(b, byte(n))
		c.blank()
		if !c.take(',') {
			return string(b)
		}
	}
}

// object walks through the object that s is and stores the values of keys in values; of a key that comes twice the last.
// False means that s is no object, or goes on behind it.
//
// Note: not encoding/json, which takes the line apart by reflection and copies every field of it.
func object(s string, keys []string, values []value) bool {
	c := cursor{s: s}
	if c.blank(); !c.take('{') {
		return false
	}
	if c.blank(); c.take('}') {
		return c.end()
	}
	for {
		c.blank()
		key, ok := c.value()
		if !ok || key.kind != '"' {
			return false
		}
		if c.blank(); !c.take(':') {
			return false
		}
		c.blank()
		v, ok := c.value()
		if !ok {
			return false
		}
		name := key.raw[1 : len(key.raw)-1]
		if strings.IndexByte(name, '\\') >= 0 {
			name = unquote(name)
		}
		if i := slices.Index(keys, name); i >= 0 {
			values[i] = v
		}
		if c.blank(); c.take(',') {
			continue
		}
		return c.take('}') && c.end()
	}
}

// A cursor reads JSON (RFC 8259). It finds where values end, and leaves what they are to whoever asks for them.
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

// end reports whether nothing follows.
func (c *cursor) end() bool {
	c.blank()
	return c.i == len(c.s)
}

// value reads one value, whole with all in it.
func (c *cursor) value() (v value, ok bool) {
	start := c.i
	if start == len(c.s) {
		return value{}, false
	}
	switch c.s[start] {
	case '"':
		ok = c.skipString()
	case '[', '{':
		ok = c.skipNested()
	default:
		for c.i < len(c.s) && strings.IndexByte(" \t\r\n,:\"[]{}", c.s[c.i]) < 0 {
			c.i++
		}
		ok = c.i > start
	}
	return value{c.s[start:c.i], c.s[start]}, ok
}

func (c *cursor) skipString() bool {
	for i := c.i + 1; i < len(c.s); i++ {
		switch c.s[i] {
		case '\\':
			i++
		case '"':
			c.i = i + 1
			return true
		}
	}
	return false
}

// skipNested counts brackets of both kinds alike: that a line is JSON is for its writer to see to.
func (c *cursor) skipNested() bool {
	for depth := 0; c.i < len(c.s); c.i++ {
		switch c.s[c.i] {
		case '"':
			if !c.skipString() {
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

// unquote returns what stands between the quotes of a string (RFC 8259 7). Halves of surrogates and what is not UTF-8
// become U+FFFD. It copies only where it must.
func unquote(s string) string {
	next := strings.IndexByte(s, '\\')
	if next < 0 {
		return valid(s)
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
	return valid(b.String())
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
