package custom

import (
	"errors"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func FuzzAppendEvents(f *testing.F) {
	var opened []parsers.Parser
	for i, name := range names(f) {
		log := readFile(f, name+".log")
		for raw := range strings.Lines(log) {
			f.Add(uint8(i), strings.TrimSuffix(raw, "\n"))
		}
		head, _, _ := strings.Cut(log, "\n")
		opened = append(opened, parsertest.Open(f, definition(f, name).Format(), head))
	}
	f.Fuzz(func(t *testing.T, i uint8, text string) {
		parsertest.Check(t, opened[int(i)%len(opened)], parsers.Line{Raw: text, Text: text})
	})
}

// Whatever a definition says, it is read or refused with a place, and what is read can be used.
func FuzzParse(f *testing.F) {
	for _, name := range names(f) {
		d := definition(f, name)
		line, _, _ := strings.Cut(readFile(f, name+".log"), "\n")
		f.Add(string(d.root.doc.text), line)
	}
	f.Fuzz(func(t *testing.T, text, line string) {
		d, err := Parse("f.toml", []byte(text))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Msg == "" || e.Column < 0 || e.Line > 1+strings.Count(text, "\n") {
				t.Errorf("%q: %#v", text, err)
			}
			return
		}
		d.Check()
		d.Format().Sniff(parsers.Sample{Head: line, Lines: []parsers.Line{{Raw: line, Text: line}}})
		parsertest.Check(t, parsertest.Open(t, d.Format(), line), parsers.Line{Raw: line, Text: line})
	})
}

// Whatever a log says, what is learned from it is good as it stands.
func FuzzLearn(f *testing.F) {
	for _, name := range names(f) {
		f.Add(readFile(f, name+".log"))
	}
	f.Fuzz(func(t *testing.T, log string) {
		l := NewLearner()
		for text := range strings.SplitSeq(log, "\n") {
			l.Add(&parsers.Line{Raw: text, Text: text})
		}
		text := l.Definition("learned")
		if text == "" {
			return
		}
		d, err := Parse("learned.toml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if r := d.Check(); len(r.Errors) > 0 {
			t.Fatalf("%v\n%s", errors.Join(r.Errors...), text)
		}
	})
}
