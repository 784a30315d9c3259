package report

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"bouncelog/internal/summary"
)

// maxSkipExamples is how many records left out of a CSV are named.
const maxSkipExamples = 5

// A csvWriter writes RFC 4180 with the quoting of encoding/csv.
//
// A cell that begins with one of `= + - @ TAB CR` is a formula to a spreadsheet, and the text of it comes from a stranger.
// It gets an apostrophe in front, but not an address: whoever reads the list to delete addresses must not get wrong ones.
// A record with such an address is left out, counted and named.
type csvWriter struct {
	sink
	fields   []field
	skipped  int64
	examples []string
}

func newCSV(w io.Writer) *csvWriter {
	cw := &csvWriter{sink: newSink(w), fields: recordFields()}
	for i, f := range cw.fields {
		if i > 0 {
			cw.buf = append(cw.buf, ',')
		}
		cw.buf = append(cw.buf, f.name...)
	}
	cw.buf = append(cw.buf, '\n')
	return cw
}

func (cw *csvWriter) Write(r *summary.Record) error {
	dst := cw.buf
	start := len(dst)
	for i := range cw.fields {
		f := &cw.fields[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		if f.text == nil {
			dst = f.append(dst, r) // digits, letters, `.`, `:` and `-`: nothing to quote
			continue
		}
		s := f.text(r)
		formula := isFormula(s)
		if formula && f.kind == addressField {
			cw.buf = dst[:start]
			cw.skip(s)
			return nil
		}
		dst = appendCell(dst, s, formula)
	}
	cw.buf = append(dst, '\n')
	return cw.drain()
}

func (cw *csvWriter) skip(address string) {
	cw.skipped++
	if len(cw.examples) < maxSkipExamples {
		cw.examples = append(cw.examples, strings.Clone(Visible(address)))
	}
}

// Skipped returns how many records were left out because of an address that a spreadsheet would run, and such addresses.
func (cw *csvWriter) Skipped() (int64, []string) { return cw.skipped, cw.examples }

func isFormula(s string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return true
	}
	return false
}

// appendCell appends s as encoding/csv would, with an apostrophe in front where defuse is set, and with U+FFFD for bytes
// that are no UTF-8.
func appendCell(dst []byte, s string, defuse bool) []byte {
	quote, ascii := needsQuotes(s, defuse)
	if quote {
		dst = append(dst, '"')
	}
	if defuse {
		dst = append(dst, '\'')
	}
	if quote || !ascii {
		dst = appendQuoted(dst, s)
	} else {
		dst = append(dst, s...)
	}
	if quote {
		dst = append(dst, '"')
	}
	return dst
}

// needsQuotes reports what encoding/csv asks of a cell: quotes for a separator, a quote or a line end in it, a blank in
// front, and for `\.`, which ends the input of PostgreSQL's COPY. It also reports whether s is all ASCII.
func needsQuotes(s string, defuse bool) (quote, ascii bool) {
	if s == "" {
		return false, true
	}
	if !defuse {
		r, _ := utf8.DecodeRuneInString(s)
		quote = unicode.IsSpace(r) || s == `\.`
	}
	var all byte
	for i := range len(s) {
		c := s[i]
		all |= c
		quote = quote || c == ',' || c == '"' || c == '\n' || c == '\r'
	}
	return quote, all < utf8.RuneSelf
}

// appendQuoted appends s with its quotes doubled.
func appendQuoted(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"':
			dst = append(append(dst, s[from:i]...), '"')
			from = i // the quote itself again
			i++
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
		}
	}
	return append(dst, s[from:]...)
}
