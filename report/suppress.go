package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"bouncelog/internal/suppress"
)

// SuppressFormats returns the names that WriteSuppress takes, the default first.
func SuppressFormats() []string { return []string{"csv", "txt", "ndjson"} }

// CheckSuppressFormat reports whether WriteSuppress has a format.
func CheckSuppressFormat(format string) error {
	for _, name := range SuppressFormats() {
		if name == format {
			return nil
		}
	}
	return fmt.Errorf("unknown format %q: want %s", format, oneOf(SuppressFormats()))
}

// Left are the rows that a format cannot hold safely.
type Left struct {
	N        int64
	Examples []string // the first few addresses, fit for a terminal
}

func (l *Left) add(address string) {
	l.N++
	if len(l.Examples) < maxSkipExamples {
		l.Examples = append(l.Examples, Visible(address))
	}
}

// WriteSuppress writes the list of addresses to stop mailing, or of domains: `csv` and `ndjson` with the evidence, as
// [NewRecordWriter] writes records, or `txt`, one address a line and nothing else. Addresses are never altered: one that a
// spreadsheet would run is left out of csv, one that is not on one line out of txt.
func WriteSuppress(format string, w io.Writer, rows []suppress.Row, domains bool) (left Left, err error) {
	if err := CheckSuppressFormat(format); err != nil {
		return left, err
	}
	b := bufio.NewWriter(w)
	columns := suppressColumns(domains)
	var dst []byte
	if format == "csv" {
		for i, c := range columns {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, c.name...)
		}
		dst = append(dst, '\n')
	}
	for i := range rows {
		r := &rows[i]
		switch {
		case format == "ndjson":
			dst = appendSuppressObject(dst, columns, r)
		case format == "csv" && isFormula(r.Address), format == "txt" && !oneLine(r.Address):
			left.add(r.Address)
		case format == "csv":
			for i, c := range columns {
				if i > 0 {
					dst = append(dst, ',')
				}
				s := c.get(r)
				dst = appendCell(dst, s, c.kind == textField && isFormula(s))
			}
			dst = append(dst, '\n')
		default:
			dst = append(append(dst, r.Address...), '\n')
		}
		if _, err := b.Write(dst); err != nil {
			return left, err
		}
		dst = dst[:0]
	}
	b.Write(dst) // the header of an empty list; Flush has its error
	return left, b.Flush()
}

// A suppressColumn is one key of a row, and one column of the CSV.
type suppressColumn struct {
	name string
	kind fieldKind
	get  func(*suppress.Row) string
}

func suppressColumns(domains bool) []suppressColumn {
	type row = suppress.Row
	name := "address"
	if domains {
		name = "domain"
	}
	return []suppressColumn{
		{name, addressField, func(r *row) string { return r.Address }},
		{"category", textField, func(r *row) string { return r.Category.String() }},
		{"sub", textField, func(r *row) string { return r.Sub }},
		{"suppress", textField, func(r *row) string { return r.Suppress }},
		{"reply_code", bareField, func(r *row) string { return r.ReplyCode.String() }},
		{"enhanced_code", quotedField, func(r *row) string { return r.EnhancedCode.String() }},
		{"diagnostic", textField, func(r *row) string { return r.Diagnostic }},
		{"rule", textField, func(r *row) string { return r.Rule }},
		{"confidence", textField, func(r *row) string { return r.Confidence }},
		{"hits", bareField, func(r *row) string { return strconv.Itoa(r.Hits) }},
		{"first_seen", quotedField, func(r *row) string { return r.First.String() }},
		{"last_seen", quotedField, func(r *row) string { return r.Last.String() }},
		{"provider", textField, func(r *row) string { return r.Provider }},
		{"file", textField, func(r *row) string { return r.File }},
		{"line", bareField, func(r *row) string { return strconv.FormatInt(r.Line, 10) }},
	}
}

func appendSuppressObject(dst []byte, columns []suppressColumn, r *suppress.Row) []byte {
	start := len(dst)
	for _, c := range columns {
		s := c.get(r)
		if s == "" {
			continue
		}
		dst = append(append(append(dst, `,"`...), c.name...), `":`...)
		if c.kind == bareField {
			dst = append(dst, s...)
		} else {
			dst = appendString(dst, s)
		}
	}
	dst[start] = '{' // in place of the first comma
	return append(dst, '}', '\n')
}

// oneLine reports whether an address can stand on a line of its own.
func oneLine(address string) bool {
	return !strings.ContainsFunc(address, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}
