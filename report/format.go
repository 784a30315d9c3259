package report

import (
	"fmt"
	"io"
)

// A Format is a way to write a Report. A new one is a file with a Write function and one line in [Formats]; nothing else
// is opened.
type Format struct {
	Name  string // as --format takes it
	Short string // one line for the help
	Write func(w io.Writer, r *Report, o WriteOptions) error

	Redacted bool // meant to be passed on: without another wish, it is given a redacted Report
	Top      int  // how many rows of each list it makes something of where WriteOptions.Top does not say; 0: all of them
}

// WriteOptions is what the medium asks for. None of it changes a number.
type WriteOptions struct {
	Color bool // the terminal shows colours
	Width int  // of the terminal, in columns; 0: a pipe, for which the layout is fixed
	Top   int  // rows a table shows; 0: ten. Only for writers that people read

	Section string // the one that csv writes, as [Sections] names it; empty: domains
}

// Formats returns every format, the default first.
func Formats() []Format {
	return []Format{
		{Name: "table", Short: "for people: what matters first, then tables", Write: writeTable, Top: defaultTop},
		{Name: "json", Short: "the whole report, as described by its JSON Schema", Write: writeJSON},
		{Name: "markdown", Short: "for issues, mail and chat: GitHub Flavored Markdown", Write: writeMarkdown, Redacted: true, Top: defaultTop},
		{Name: "html", Short: "a page for people, with charts: one file, offline, no script", Write: writeHTML, Redacted: true},
		{Name: "csv", Short: "one section of the report", Write: writeCSV},
		{Name: "ndjson", Short: "the whole report, one object a line", Write: writeNDJSON},
		{Name: "prometheus", Short: "metrics for the textfile collector of node_exporter", Write: writePrometheus},
		{Name: "junit", Short: "JUnit XML: a failed test case for each cause and diagnostic", Write: writeJUnit, Redacted: true},
		{Name: "github", Short: "annotations of GitHub Actions: the worst causes at their file and line", Write: writeGitHub, Redacted: true},
		{Name: "sarif", Short: "SARIF 2.1.0: every cause, diagnostic and line not understood, at its file and line", Write: writeSARIF, Redacted: true},
	}
}

// FindFormat returns the format called name.
func FindFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("unknown report format %q: want %s", name, oneOf(names))
}
