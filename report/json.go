package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"reflect"
	"unicode/utf8"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of what the format `json` writes.
func Schema() []byte { return bytes.Clone(schema) }

// writeJSON writes r for machines. Bytes that are no UTF-8 become U+FFFD, as JSON has no way to keep them.
//
// Note: row by row, as encoding/json would hold a long report in memory three times. The bytes are the same.
func writeJSON(w io.Writer, r *Report, _ WriteOptions) error {
	const indent = "  "
	var row bytes.Buffer
	enc := json.NewEncoder(&row)
	enc.SetEscapeHTML(false)
	out := newSink(w)
	put := func(prefix string, v reflect.Value) error {
		row.Reset()
		enc.SetIndent(prefix, indent)
		if err := enc.Encode(v.Interface()); err != nil {
			return err
		}
		out.buf = append(out.buf, escapeHidden(bytes.TrimSuffix(row.Bytes(), []byte("\n")))...)
		return out.drain()
	}

	v := reflect.ValueOf(r).Elem()
	between := "{\n"
	for i := range v.NumField() {
		name, absent := keyOf(v.Type().Field(i))
		f := v.Field(i)
		if absent && f.IsZero() {
			continue
		}
		out.buf = append(out.buf, between+indent+`"`+name+`": `...)
		between = ",\n"
		if f.Kind() != reflect.Slice || f.Len() == 0 {
			if err := put(indent, f); err != nil {
				return err
			}
			continue
		}
		open := "[\n"
		for j := range f.Len() {
			out.buf = append(out.buf, open+indent+indent...)
			if err := put(indent+indent, f.Index(j).Addr()); err != nil {
				return err
			}
			open = ",\n"
		}
		out.buf = append(out.buf, "\n"+indent+"]"...)
	}
	out.buf = append(out.buf, "\n}\n"...)
	return out.Flush()
}

// writeIndented writes v as JSON, by way of memory: a Report may be too long for that.
func writeIndented(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeHidden(b.Bytes()))
	return err
}

// escapeHidden escapes what encoding/json leaves as it is and a terminal may obey: C1, bidirectional controls and the
// like. In JSON, they can stand only in strings.
func escapeHidden(doc []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(doc); {
		if doc[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(doc[i:])
		if hidden(r) {
			out = appendEscape(append(out, doc[from:i]...), r)
			from = i + n
		}
		i += n
	}
	if out == nil {
		return doc
	}
	return append(out, doc[from:]...)
}
