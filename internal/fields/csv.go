package fields

import (
	"strings"

	"bouncelog/parsers"
)

// AppendRow appends the cells of one CSV record to dst (RFC 4180). A cell in quotes may hold commas and line ends, and has
// its quotes undone; it is copied only where a quote is in it. In a cell that does not begin with one, a quote is text. The
// record's own line end, if it is still there, is dropped.
//
// A quote that is never closed, and text between a closing quote and the comma, are a [*parsers.SyntaxError], with dst
// unchanged.
func AppendRow(dst []string, row string, comma byte) ([]string, error) {
	row = strings.TrimSuffix(strings.TrimSuffix(row, "\n"), "\r")
	cells := dst
	for i := 0; ; i++ {
		var cell string
		if i < len(row) && row[i] == '"' {
			end, escaped := closingQuote(row, i+1)
			if end < 0 {
				return dst, &parsers.SyntaxError{Column: i + 1, Msg: "quote is never closed"}
			}
			if cell = row[i+1 : end]; escaped {
				cell = strings.ReplaceAll(cell, `""`, `"`)
			}
			if i = end + 1; i < len(row) && row[i] != comma {
				return dst, &parsers.SyntaxError{Column: i + 1, Msg: "text after a closing quote"}
			}
		} else if n := strings.IndexByte(row[i:], comma); n >= 0 {
			cell, i = row[i:i+n], i+n
		} else {
			cell, i = row[i:], len(row)
		}
		if cells = append(cells, cell); i == len(row) {
			return cells, nil
		}
	}
}

// closingQuote returns where the quoted cell that goes on at i ends, -1 where it does not, and whether a quote is in it.
func closingQuote(row string, i int) (end int, escaped bool) {
	for ; ; i += 2 {
		n := strings.IndexByte(row[i:], '"')
		if n < 0 {
			return -1, escaped
		}
		if i += n; i+1 == len(row) || row[i+1] != '"' {
			return i, escaped
		}
		escaped = true
	}
}
