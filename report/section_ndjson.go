package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
)

// writeNDJSON writes all of r as JSON, one object a line: what is a list in a Report has a line for each of its rows, in
// their order. The key `section` says of what a line is; the other keys are those of the row.
func writeNDJSON(w io.Writer, r *Report, _ WriteOptions) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	out := newSink(w)
	put := func(section string, row any) error {
		line.Reset()
		if err := enc.Encode(row); err != nil {
			return err
		}
		out.buf = fmt.Appendf(out.buf, `{"section":%q`, section)
		if row := line.Bytes()[1:]; row[0] != '}' {
			out.buf = append(append(out.buf, ','), escapeHidden(row)...)
		} else {
			out.buf = append(out.buf, row...)
		}
		return out.drain()
	}

	v := reflect.ValueOf(r).Elem()
	if err := put(reportSection, singles(v)); err != nil {
		return err
	}
	for i := range v.NumField() {
		name, _ := keyOf(v.Type().Field(i))
		f := v.Field(i)
		if f.Kind() == reflect.Pointer {
			f = f.Elem() // of no kind where it is nil
		}
		switch f.Kind() {
		case reflect.Struct:
			if err := put(name, f.Addr().Interface()); err != nil {
				return err
			}
		case reflect.Slice:
			for j := range f.Len() {
				if err := put(name, f.Index(j).Addr().Interface()); err != nil {
					return err
				}
			}
		}
	}
	return out.Flush()
}

// singles returns what is a single value in a Report: a struct with these fields only, in their order.
func singles(v reflect.Value) any {
	var fields []reflect.StructField
	for i := range v.NumField() {
		switch f := v.Type().Field(i); f.Type.Kind() {
		case reflect.Struct, reflect.Slice, reflect.Pointer:
		default:
			fields = append(fields, reflect.StructField{Name: f.Name, Type: f.Type, Tag: f.Tag})
		}
	}
	s := reflect.New(reflect.StructOf(fields)).Elem()
	for _, f := range fields {
		s.FieldByName(f.Name).Set(v.FieldByName(f.Name))
	}
	return s.Addr().Interface()
}
