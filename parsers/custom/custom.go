package custom

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
		Open:     func(s parsers.Sample, o parsers.Options) (parsers.Parser, error) { return d.open(s, o), nil },
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
	var all []*Definition
	files, err := embedded.ReadDir("formats")
	for _, f := range files {
		text, readErr := embedded.ReadFile("formats/" + f.Name())
		d, parseErr := Parse(f.Name(), text)
		err = cmp.Or(err, readErr, parseErr)
		all = append(all, d)
	}
	if err != nil {
		panic(err) // they are as much part of the program as its code, and tested like it
	}
	return all
}

// IsBuiltin reports whether a definition called name comes with the program.
func IsBuiltin(name string) bool {
	_, err := fs.Stat(embedded, "formats/"+name+".toml")
	return err == nil
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

// Load reads the definitions of files, and of folders, which are those of their files called *.toml, by name. What could be
// read is good whatever the error, which has one for each mistake.
func Load(paths ...string) (all []*Definition, err error) {
	var errs []error
	for _, path := range paths {
		files := []string{path}
		if fi, err := os.Stat(path); err == nil && fi.IsDir() {
			// Not filepath.Glob, to which the folder's name would be a pattern.
			entries, err := os.ReadDir(path)
			if err != nil {
				errs = append(errs, err)
			}
			files = nil
			for _, e := range entries {
				if filepath.Ext(e.Name()) == ".toml" && !e.IsDir() {
					files = append(files, filepath.Join(path, e.Name()))
				}
			}
		}
		for _, file := range files {
			d, err := load(file)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			all = append(all, d)
		}
	}
	return all, errors.Join(errs...)
}

func load(file string) (*Definition, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(file, text)
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
	d := &Definition{whole: true, root: &node{doc: doc, table: []member{{"name", text("log-format")}, {kind, text(pattern)}}}}
	d.define()
	if len(doc.errs) > 0 {
		msg := errors.New(doc.errs[0].(*Error).Msg)
		return nil, fmt.Errorf("%q: %w", spec, msg)
	}
	return d, nil
}
