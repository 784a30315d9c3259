package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/source"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// A Guess is a format that may read an input, and how sure it is.
type Guess struct {
	Format string
	Score  parsers.Score

	index int
}

// A TagCount is a syslog program of an input's first lines, and the format that claims it.
type TagCount struct {
	Tag, Format string
	Lines       int
}

// A Detection is what the first lines of an input tell of its formats.
type Detection struct {
	Input   *source.Input
	Lines   int        // that were looked at, blank ones not counted
	Headers int        // of these, with a syslog header or the like
	Tags    []TagCount // the most frequent first
	Bare    []Guess    // for lines as they are, the surest first, and at last the formats whose tags were seen
	Tagged  []Guess    // for lines behind a header that no tag claims
	Framing parsers.Framing
	Forced  bool // the user named the format

	headed bool // the last resort reads lines with headers and without: it takes a header for words
}

// bare reports whether lines are to be tried as they are before a header is looked for: most have none.
func (d *Detection) bare() bool { return len(d.Bare) > 0 && 2*d.Headers < d.Lines && !d.headed }

// maxGuesses is how many formats may try a line that no tag claims: objects of several services in one file.
const maxGuesses = 4

// Detect tells how the inputs would be read. Inputs that can't be opened are among the errors.
func Detect(ctx context.Context, c Config) (found []Detection, errs []error) {
	s := &scanner{Config: c, tags: newTags(c.Formats), res: &Result{}}
	for _, si := range c.Inputs {
		in := newInput(si, len(c.Formats))
		if err := s.look(ctx, in); err != nil {
			errs = append(errs, err)
			continue
		}
		if in.reader != nil {
			in.reader.Close()
		}
		found = append(found, in.found)
	}
	return found, errs
}

// detect finds the formats of an input by its first lines, and opens a parser of each format for it.
func (s *scanner) detect(in *input, o syslog.Options, head string, lines []string) error {
	d := &in.found
	d.Input, d.Forced = in.Input, s.Forced
	raw := parsers.Sample{Lines: make([]parsers.Line, 0, len(lines))}
	var cut parsers.Sample
	var tags []TagCount
	var memo tagMemo
	r := syslog.NewReader(o)
	claimed := 0
	for _, l := range lines {
		if strings.TrimSpace(l) == "" {
			continue
		}
		if raw.Head == "" {
			raw.Head = strings.Clone(trimRecord(l)) // a parser may keep it, and all that it is part of
		}
		raw.Lines = append(raw.Lines, bareLine(l))
		line, ok := r.Cut(l)
		if !ok {
			continue
		}
		d.Headers++
		f := s.tags.format(&memo, line.Tag)
		if line.Tag != "" {
			i := slices.IndexFunc(tags, func(t TagCount) bool { return t.Tag == line.Tag })
			if i < 0 {
				i = len(tags)
				tags = append(tags, TagCount{Tag: strings.Clone(line.Tag)})
				if f >= 0 {
					tags[i].Format = s.Formats[f].Name
				}
			}
			tags[i].Lines++
		}
		if f >= 0 {
			claimed++
		} else {
			cut.Lines = append(cut.Lines, line)
		}
	}
	d.Lines, d.Tags = len(raw.Lines), tags
	slices.SortStableFunc(d.Tags, func(a, b TagCount) int { return cmp.Compare(b.Lines, a.Lines) })
	cut.Head = raw.Head

	// JSON is looked at object by object, wherever its lines end.
	objects := raw
	if d.Headers == 0 && strings.HasPrefix(strings.TrimLeft(raw.Head, " \t["), "{") || raw.Head == "[" {
		objects.Lines = nil
		for text := strings.TrimPrefix(head, "\ufeff"); len(objects.Lines) < sampleLines; {
			start, end, ok := cutObject(text, false)
			if !ok {
				break
			}
			objects.Lines = append(objects.Lines, bareLine(trimObject(text[start:end])))
			text = text[end:]
		}
		if len(objects.Lines) == 0 {
			objects.Lines = raw.Lines
		}
	}
	for i := range s.Formats {
		f := &s.Formats[i]
		sample := raw
		if f.Framing == parsers.JSON {
			sample = objects
		}
		if i := slices.IndexFunc(raw.Lines, func(l parsers.Line) bool { return strings.HasPrefix(l.Text, f.Header) }); f.Header != "" && i >= 0 {
			sample.Head = strings.Clone(raw.Lines[i].Text)
		}
		p, err := f.Open(sample, s.Parse)
		if err != nil && s.Forced {
			return fmt.Errorf("read %s as %s: %w", in.Name, f.Name, err)
		}
		if err != nil {
			p = stranger{} // a tag may lead here all the same
		}
		in.parsers = append(in.parsers, p)
		if err != nil || f.Sniff == nil || f.LastResort {
			continue
		}
		if score := f.Sniff(sample); score > 0 {
			d.Bare = append(d.Bare, Guess{f.Name, score, i})
		}
		if len(cut.Lines) > 0 {
			if score := f.Sniff(cut); score > 0 {
				d.Tagged = append(d.Tagged, Guess{f.Name, score, i})
			}
		}
	}
	if s.Forced {
		only := []Guess{{s.Formats[0].Name, 100, 0}}
		if len(d.Bare) > 0 || d.Headers < d.Lines || d.Lines == 0 || s.Formats[0].Framing != parsers.Lines {
			d.Bare = only
		}
		d.Tagged = only
	} else if len(d.Bare)+len(d.Tagged)+claimed == 0 && d.Lines > 0 {
		for i := range s.Formats {
			if s.Formats[i].LastResort {
				d.Bare = []Guess{{s.Formats[i].Name, 1, i}}
				d.Tagged = d.Bare
			}
		}
	}
	d.Bare, d.Tagged = surest(d.Bare), surest(d.Tagged)
	d.headed = d.Headers > 0 && len(d.Bare) > 0 && s.Formats[d.Bare[0].index].LastResort
	if len(d.Bare) > 0 && claimed == 0 {
		d.Framing = s.Formats[d.Bare[0].index].Framing
	}
	for _, t := range tags {
		i := slices.IndexFunc(s.Formats, func(f parsers.Format) bool { return f.Name == t.Format })
		if i >= 0 && !slices.ContainsFunc(d.Bare, func(g Guess) bool { return g.index == i }) {
			d.Bare = append(d.Bare, Guess{t.Format, 0, i})
		}
	}
	// A framing is of the whole input: only formats of the same one can read it.
	d.Bare = slices.DeleteFunc(d.Bare, func(g Guess) bool {
		f := s.Formats[g.index].Framing
		return f != d.Framing && !(f == parsers.JSON && d.Framing == parsers.Lines && claimed > 0)
	})
	return nil
}

// A stranger stands in for the parser of a format that cannot read an input: no line is of that format.
type stranger struct{}

// AppendEvents implements [parsers.Parser].
func (stranger) AppendEvents(dst []parsers.Event, _ *parsers.Line) ([]parsers.Event, error) {
	return dst, parsers.ErrForeign
}

// surest puts guesses in order, the surest first, and those as sure in the order of the list.
func surest(g []Guess) []Guess {
	slices.SortStableFunc(g, func(a, b Guess) int { return cmp.Compare(b.Score, a.Score) })
	return g[:min(len(g), maxGuesses)]
}

// bareLine is a line without a header. The first of a file may begin with a byte order mark.
func bareLine(raw string) parsers.Line {
	text := strings.TrimSuffix(raw, "\r")
	return parsers.Line{Raw: text, Text: strings.TrimPrefix(text, "\ufeff")}
}

// frame has an input cut into records, where those are not lines.
func (s *scanner) frame(in *input) {
	if in.cut != nil { // entries of the journal, messages whose octets were counted
		in.reader.Frame(&framer{cut: in.cut, size: s.Source.ChunkSize, now: new(section)})
	} else if f := s.framerOf(in); f != nil {
		in.cut, in.parted = f.cut, false
		in.reader.Frame(f)
	} else if in.parted {
		in.reader.Frame(partFramer{})
	}
}

// framerOf returns what cuts an input into records, from where it is to be read on; nil: they are lines.
func (s *scanner) framerOf(in *input) *framer {
	cut := cutterOf(in.found.Framing)
	if cut == nil {
		return nil
	}
	format := s.Formats[in.found.Bare[0].index]
	f := &framer{cut: cut, objects: in.found.Framing == parsers.JSON, size: s.Source.ChunkSize, header: format.Header, columns: format.Columns, now: new(section),
		open: func(head string) (parsers.Parser, error) { return format.Open(parsers.Sample{Head: head}, s.Parse) }}
	if span, _ := in.Span(); span.From > 0 { // it is read on
		in.under = s.Runs.of(in.Input).Under
		if f.begun, f.inside = true, in.under.Inside; in.under.Header != "" {
			f.now = f.section(in.under.Header)
		}
	}
	return f
}
