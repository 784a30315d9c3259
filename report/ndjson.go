package report

import (
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"bouncelog/internal/summary"
)

// An ndjsonWriter writes one JSON object a line (RFC 8259).
//
// Note: by hand, as encoding/json needs a struct of its own with three pointers for what zero cannot say, and five times
// as long. It serves as the oracle in the test.
type ndjsonWriter struct {
	sink
	fields []field
	keys   []string // `,"name":`
}

func newNDJSON(w io.Writer) *ndjsonWriter {
	nw := &ndjsonWriter{sink: newSink(w), fields: recordFields()}
	for _, f := range nw.fields {
		nw.keys = append(nw.keys, `,"`+f.name+`":`)
	}
	return nw
}

func (nw *ndjsonWriter) Write(r *summary.Record) error {
	dst := nw.buf
	start := len(dst)
	for i := range nw.fields {
		f := &nw.fields[i]
		before := len(dst)
		if f.text != nil {
			if s := f.text(r); s != "" {
				dst = appendString(append(dst, nw.keys[i]...), s)
			}
			continue
		}
		dst = append(dst, nw.keys[i]...)
		if f.kind == quotedField {
			dst = append(dst, '"')
		}
		value := len(dst)
		if dst = f.append(dst, r); len(dst) == value {
			dst = dst[:before]
		} else if f.kind == quotedField {
			dst = append(dst, '"')
		}
	}
	dst[start] = '{' // in place of the first comma; attempted is always there
	nw.buf = append(dst, '}', '\n')
	return nw.drain()
}

// Skipped returns nothing: ndjson holds every record.
func (nw *ndjsonWriter) Skipped() (int64, []string) { return 0, nil }

// appendString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD; besides what RFC 8259 7 wants escaped,
// everything hidden is.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c == '"' || c == '\\' {
			dst = append(append(dst, s[from:i]...), '\\', c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[from:i]...), "\uFFFD"...)
			from = i + n
		case hidden(r):
			dst = appendEscape(append(dst, s[from:i]...), r)
			from = i + n
		}
		i += n
	}
	return append(append(dst, s[from:]...), '"')
}

// hidden reports whether a terminal might obey r, or not show it as it stands.
func hidden(r rune) bool { return !unicode.IsGraphic(r) }

// appendEscape appends r as RFC 8259 7 escapes it.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	}
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		return appendUnit(appendUnit(dst, hi), lo)
	}
	return appendUnit(dst, r)
}

func appendUnit(dst []byte, u rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
}
