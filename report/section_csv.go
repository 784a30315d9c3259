package report

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// writeCSV writes one section of r as RFC 4180, with a line of column names. Cells are empty where the log did not say. A
// text that a spreadsheet would run gets an apostrophe in front; what is hidden in one is made visible, line ends too, so
// that a row is a line.
func writeCSV(w io.Writer, r *Report, o WriteOptions) error {
	s, err := findSection(o.Section)
	if err != nil {
		return err
	}
	out := newSink(w)
	for i, c := range s.columns {
		if i > 0 {
			out.buf = append(out.buf, ',')
		}
		out.buf = append(out.buf, c.name...)
	}
	out.buf = append(out.buf, '\n')
	err = s.rows(r, func(parent, row reflect.Value) error {
		for i := range s.columns {
			c := &s.columns[i]
			if i > 0 {
				out.buf = append(out.buf, ',')
			}
			of := row
			if i < s.outer {
				of = parent
			}
			out.buf = appendValue(out.buf, c.value(of))
		}
		out.buf = append(out.buf, '\n')
		return out.drain()
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// appendValue appends a cell of the model: nothing for one that is not valid.
func appendValue(dst []byte, v reflect.Value) []byte {
	switch {
	case !v.IsValid():
		return dst
	case v.CanInt():
		return strconv.AppendInt(dst, v.Int(), 10)
	case v.CanFloat():
		return strconv.AppendFloat(dst, v.Float(), 'f', -1, 64)
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case v.Kind() == reflect.String:
		return appendText(dst, v.String())
	}
	texts, ok := v.Interface().([]string)
	if !ok {
		panic(fmt.Sprintf("report: no CSV for a %v", v.Type())) // a mistake in the model; the tests walk all of it
	}
	return appendText(dst, strings.Join(texts, " "))
}

func appendText(dst []byte, s string) []byte { return appendCell(dst, Visible(s), isFormula(s)) }
