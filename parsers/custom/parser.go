package custom

import (
	"slices"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// open returns a parser for one input, or for the rows under one header.
func (d *Definition) open(s parsers.Sample, o parsers.Options) *parser {
	p := &parser{Definition: d, zone: d.zone}
	if p.zone == nil {
		p.zone = o.Location
	}
	if d.framing == csvFraming || d.framing == w3cFraming {
		p.bind(p.header(strings.TrimPrefix(s.Head, "\ufeff")))
	}
	return p
}

// A parser reads the lines of one input. It does not change once it is opened.
type parser struct {
	*Definition
	zone    *time.Location
	cells   cellCutter
	columns []int // of CSV and W3C: the number of each column's value; nil: these rows are not the format's
	named   bool  // by the head of the sample
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	text := line.Text
	if p.raw {
		text = line.Raw
	}
	if len(p.must) > 0 && !containsAny(text, p.must) {
		return dst, parsers.ErrForeign
	}
	return p.appendText(dst, line, text)
}

// appendText reads a text that holds what all of the format's do.
//
// Note: it is apart from AppendEvents because a record is a kilobyte to be zeroed, which most lines of a mixed log need not
// pay for.
func (p *parser) appendText(dst []parsers.Event, line *parsers.Line, text string) ([]parsers.Event, error) {
	var rec record
	switch p.framing {
	case jsonFraming:
		return p.appendObject(dst, line, &rec, fields.Value{Raw: strings.TrimSpace(text)}, &p.json.whole, 0)
	case csvFraming, w3cFraming:
		return p.appendRow(dst, line, &rec, text)
	}
	return p.appendLine(dst, line, &rec, text)
}

// appendLine reads a line by the first rule that fits it. Where the definition itself says what a line begins with, that may
// be meant for what stands behind the header of a transport, or for all of it.
func (p *parser) appendLine(dst []parsers.Event, line *parsers.Line, rec *record, text string) ([]parsers.Event, error) {
	out, err := p.appendBehindPrefix(dst, line, rec, text)
	if err == parsers.ErrForeign && p.whole && text != line.Raw {
		out, err = p.appendBehindPrefix(dst, line, rec, line.Raw)
	}
	return out, err
}

func (p *parser) appendBehindPrefix(dst []parsers.Event, line *parsers.Line, rec *record, text string) ([]parsers.Event, error) {
	rec.said = 0
	if p.prefix != nil {
		var ok bool
		if text, ok = p.prefix.forward(text, rec); !ok {
			return dst, parsers.ErrForeign
		}
	}
	said := rec.said
	for i := range p.rules {
		r := &p.rules[i]
		if !r.mayFit(text) {
			continue
		}
		rec.said = said
		if !r.cut(text, rec) || !r.holds(rec) {
			continue
		}
		if out, ours, err := r.append(dst, p, line, rec); ours {
			return out, err
		}
	}
	return dst, parsers.ErrForeign
}

// appendRecord reads a record whose values are known by the first rule that fits it.
func (p *parser) appendRecord(dst []parsers.Event, line *parsers.Line, rec *record) ([]parsers.Event, error) {
	for i := range p.rules {
		r := &p.rules[i]
		if !r.mayFit(line.Text) || !r.holds(rec) {
			continue
		}
		if out, ours, err := r.append(dst, p, line, rec); ours {
			return out, err
		}
	}
	return dst, parsers.ErrForeign
}

// appendRow reads a row of CSV or W3C.
func (p *parser) appendRow(dst []parsers.Event, line *parsers.Line, rec *record, text string) ([]parsers.Event, error) {
	if p.columns == nil {
		return dst, parsers.ErrForeign
	}
	if p.comment != "" && strings.HasPrefix(text, p.comment) {
		return dst, nil
	}
	var room [maxNames]string
	cells, err := p.cells.append(room[:0], text)
	if err != nil {
		return dst, err
	}
	for i, cell := range cells[:min(len(cells), len(p.columns))] {
		// An empty cell says nothing, and in W3C a hyphen does not (www.w3.org/TR/WD-logfile.html).
		if cell != "" && (cell != "-" || p.framing == csvFraming) {
			rec.set(p.columns[i], cell)
		}
	}
	return p.appendRecord(dst, line, rec)
}

// A cellCutter cuts a row into cells.
type cellCutter struct {
	delimiter byte
	quoted    bool
}

func (c cellCutter) append(dst []string, row string) ([]string, error) {
	if c.quoted {
		return fields.AppendRow(dst, row, c.delimiter)
	}
	row = strings.TrimRight(row, "\r\n")
	for {
		i := strings.IndexByte(row, c.delimiter)
		if i < 0 {
			return append(dst, row), nil
		}
		dst, row = append(dst, row[:i]), row[i+1:]
	}
}

// header returns the names of the columns of the rows under a head, nil where they are not the format's.
func (p *parser) header(head string) []string {
	p.cells = cellCutter{p.delimiter, p.quoted}
	if p.framing == w3cFraming {
		names, ok := strings.CutPrefix(head, w3cHeader)
		if !ok {
			return nil
		}
		head = strings.TrimSpace(names)
		if p.delimiter == 0 {
			p.cells.delimiter = ' '
			for _, c := range []byte("\t,") {
				if strings.IndexByte(head, c) >= 0 {
					p.cells.delimiter = c
				}
			}
		}
	}
	if !p.headed {
		return p.Definition.columns
	}
	names, err := p.cells.append(nil, head)
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	if err != nil || !p.isHeader(names) {
		return p.Definition.columns
	}
	p.named = true
	return names
}

// isHeader reports whether the names are those of columns: all that detection asks for, and one that the recipient may
// come from.
func (d *Definition) isHeader(names []string) bool {
	for _, c := range d.detect.columns {
		if !slices.Contains(names, c) {
			return false
		}
	}
	return slices.ContainsFunc(d.recipients, func(i int) bool { return slices.Contains(names, d.names[i]) })
}

// bind finds out which columns have values that are asked for.
func (p *parser) bind(columns []string) {
	for _, c := range columns {
		p.columns = append(p.columns, slices.Index(p.names, c))
	}
}

// sniff is sure of a sample as far as its lines are the format's.
func (d *Definition) sniff(s parsers.Sample) parsers.Score {
	p := d.open(s, parsers.Options{})
	var room [4]parsers.Event
	score := s.Ratio(func(line *parsers.Line) bool {
		switch {
		case p.named && line.Text == s.Head:
			return true
		case d.comment != "" && strings.HasPrefix(line.Text, d.comment):
			return false
		case len(d.detect.contains) > 0 && !containsAny(line.Text, d.detect.contains):
			return false
		}
		_, err := p.AppendEvents(room[:0], line)
		return err == nil
	})
	if int(score) < d.detect.least {
		return 0
	}
	return score
}
