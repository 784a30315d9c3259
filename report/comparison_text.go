package report

import (
	"fmt"
	"io"
	"strings"
)

// writeComparisonText writes c for people, a sentence for each change.
func writeComparisonText(w io.Writer, c *Comparison, o WriteOptions) error {
	p := &printer{width: pipeWidth, top: defaultTop, color: o.Color}
	if o.Top > 0 {
		p.top = o.Top
	}
	if o.Width > 0 {
		p.width = min(max(o.Width, leastWidth), mostWidth)
	}
	p.out.WriteString(p.paint(Visible(strings.TrimSpace(c.Tool.Name+" "+c.Tool.Version)), bold) + "\n\n")
	p.fact("Old", sideWords(&c.Old), plain)
	p.fact("New", sideWords(&c.New), plain)
	p.fact("Result", c.verdict(), c.style())
	p.changes(c)
	p.out.WriteByte('\n')
	p.note(c.basis())
	_, err := w.Write(p.out.Bytes())
	return err
}

func (c *Comparison) style() style {
	switch {
	case c.Regressions > 0:
		return red
	case c.Improvements > 0:
		return green
	}
	return bold
}

// comparison prints what changed since the baseline of a report.
func (p *printer) comparison(r *Report) {
	c := r.Comparison
	if c == nil {
		return
	}
	p.title("SINCE THE BASELINE", c.verdict())
	p.fact("Baseline", sideWords(&c.Old), plain)
	p.changes(c)
}

// changes prints all that a comparison found.
func (p *printer) changes(c *Comparison) {
	for _, x := range []struct {
		title, verdict string
		style          style
	}{{"REGRESSIONS", Regression, red}, {"IMPROVEMENTS", Improvement, green}} {
		told, explained := c.of(x.verdict)
		if len(told) == 0 {
			continue
		}
		shown := cut(told, p.top)
		p.title(x.title, ofAll(len(shown), len(told)))
		for _, ch := range shown {
			p.item(ch.sentence(), x.style, ch.counts())
			if ch.Example != nil {
				p.evidence(ch.Example)
			}
		}
		if len(explained) > 0 {
			var sentences []string
			for _, ch := range cut(explained, p.top) {
				sentences = append(sentences, ch.sentence())
			}
			if n := len(explained) - len(sentences); n > 0 {
				sentences = append(sentences, fmt.Sprintf("and %s more", count(int64(n))))
			}
			p.note("It follows: " + strings.Join(sentences, "; ") + ".")
		}
	}
	for _, x := range []struct{ title, change string }{{"NEW DIAGNOSTICS", TemplateNew}, {"VANISHED DIAGNOSTICS", TemplateVanished}} {
		all := c.count(x.change)
		if all == 0 {
			continue
		}
		p.title(x.title, ofAll(min(all, p.top), all))
		n := 0
		for i := range c.Templates {
			if t := &c.Templates[i]; t.Change == x.change && n < p.top {
				n++
				p.item(fmt.Sprintf("%s (%s): %s", replyName(t.ReplyCode, t.EnhancedCode), t.Class, t.Text), plain,
					plural(t.Count, "failed attempt", "failed attempts"))
				if t.Example != nil {
					p.evidence(t.Example)
				}
			}
		}
	}
	if len(c.Notes) > 0 {
		p.title("NOT COMPARED", "")
		for _, n := range c.Notes {
			p.item(n, plain, "")
		}
	}
}

// indent is before the further lines of an item.
const indent = "    "

// item prints a sentence, and the numbers behind it.
func (p *printer) item(text string, st style, numbers string) {
	if numbers != "" {
		text += " (" + numbers + ")"
	}
	for i, line := range wrap(Visible(text), p.width-len(indent), 4) {
		if i > 0 {
			p.out.WriteString(indent)
		}
		p.out.WriteString(p.paint(line, st) + "\n")
	}
}

// evidence prints a line of the log that shows a change.
func (p *printer) evidence(e *Example) {
	for _, line := range wrap("one of them: "+Visible(place(e)), p.width-len(indent), 2) {
		p.out.WriteString(indent + p.paint(line, dim) + "\n")
	}
}
