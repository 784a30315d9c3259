package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"unicode/utf8"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of what the format `json` writes.
func Schema() []byte { return bytes.Clone(schema) }

// writeJSON writes r for machines. Bytes that are no UTF-8 become U+FFFD, as JSON has no way to keep them.
func writeJSON(w io.Writer, r *Report, _ WriteOptions) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
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
