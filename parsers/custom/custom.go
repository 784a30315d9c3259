package custom

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bouncelog/parsers"
)

// Own is the evidence for a format that the user described.
const Own parsers.Evidence = "own"

// Format returns the format that the definition describes.
func (d *Definition) Format() parsers.Format {
	f := parsers.Format{
		Name:     d.name,
		Short:    d.short,
		Evidence: Own,
		Tags:     d.tags,
		Sniff:    d.sniff,
		Open:     d.open,
	}
	if f.Short == "" {
		f.Short = d.File()
	}
	switch d.framing {
	case csvFraming:
		if d.quoted {
			f.Framing = parsers.CSV
		}
		switch {
		case !d.headed:
		case d.columns == nil:
			f.Columns = true
		default:
			f.Header = d.columns[0] + string(rune(d.delimiter))
		}
	case w3cFraming:
		f.Header = w3cHeader
	case jsonFraming:
		f.Framing = parsers.JSON
	}
	if d.join != nil {
		f.Join = d.join.open
	}
	return f
}

//go:embed formats/*.toml
var embedded embed.FS

// Builtin returns the definitions that come with the program, those of sending services. One of the user's with the same
// name takes the place of theirs.
func Builtin() []*Definition {
	all, err := Load(embedded, "formats")
	if err != nil {
		panic(err) // they are as much part of the program as its code, and tested like it
	}
	return all
}

// Formats returns the formats of [Builtin].
func Formats() []parsers.Format {
	var all []parsers.Format
	for _, d := range Builtin() {
		f := d.Format()
		f.Evidence = parsers.Specified
		all = append(all, f)
	}
	return all
}

// Load reads the definitions of a folder, which are all of its files called *.toml, in the order of their names. The
// errors are joined; what could be read is good all the same.
func Load(tree fs.FS, dir string) (all []*Definition, err error) {
	names, err := fs.Glob(tree, dir+"/*.toml")
	if err != nil {
		return nil, err
	}
	var errs []error
	files := make(map[string]string) // by name of the format
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		d, err := Parse(name, text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if other, ok := files[d.name]; ok {
			errs = append(errs, &Error{File: name, Msg: fmt.Sprintf("%s defines %q too; give one of them another name", other, d.name)})
			continue
		}
		files[d.name] = name
		all = append(all, d)
	}
	return all, errors.Join(errs...)
}

// OneOff returns the definition that a pattern alone is: `dissect PATTERN` or `regex PATTERN`, with the names of fields. The
// pattern may be of the text behind a syslog header or of the whole line.
func OneOff(spec string) (*Definition, error) {
	kind, pattern, _ := strings.Cut(strings.TrimSpace(spec), " ")
	pattern = strings.TrimLeft(pattern, " ")
	if kind != "dissect" && kind != "regex" || pattern == "" {
		return nil, fmt.Errorf("%q: write 'dissect to=<%%{recipient}> … %%{diagnostic}' or 'regex (?P<recipient>…)'", spec)
	}
	doc := &document{file: "--log-format"}
	text := func(s string) *node { return &node{doc: doc, kind: stringNode, text: s} }
	d := &Definition{either: true, root: &node{doc: doc, table: []member{{"name", text("log-format")}, {kind, text(pattern)}}}}
	d.define()
	if len(doc.errs) > 0 {
		msg := errors.New(doc.errs[0].(*Error).Msg)
		return nil, fmt.Errorf("%q: %w", spec, msg)
	}
	return d, nil
}
