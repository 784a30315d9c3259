package report

import (
	"io"
	"strings"
)

// writeComparisonMarkdown writes c as GitHub Flavored Markdown.
func writeComparisonMarkdown(w io.Writer, c *Comparison, o WriteOptions) error {
	m := &markdown{sink: newSink(w), top: defaultTop}
	if o.Top > 0 {
		m.top = o.Top
	}
	m.line("# Comparison of two logs\n")
	m.line("- **Old:** " + m.side(&c.Old))
	m.line("- **New:** " + m.side(&c.New))
	m.line("- **Result:** " + c.verdict())
	m.line("- **Made by:** " + code(strings.TrimSpace(c.Tool.Name+" "+c.Tool.Version)))
	m.changes(c)
	m.line("\n" + c.basis())
	return m.Flush()
}

// comparison shows what changed since the baseline of a report.
func (m *markdown) comparison(r *Report) {
	c := r.Comparison
	if c == nil {
		return
	}
	m.title("Since the baseline", "Baseline: "+m.side(&c.Old)+". Now: "+c.verdict()+".")
	m.changes(c)
}

func (m *markdown) side(s *Side) string {
	named := *s
	named.Name = ""
	if s.Name != "" {
		return code(s.Name) + ": " + sideWords(&named)
	}
	return sideWords(&named)
}

// changes shows all that a comparison found.
func (m *markdown) changes(c *Comparison) {
	for _, x := range []struct{ title, verdict string }{{"Regressions", Regression}, {"Improvements", Improvement}} {
		told, explained := c.of(x.verdict)
		if len(told) == 0 {
			continue
		}
		kept := cut(told, m.top)
		m.title(x.title, shown(len(kept), len(told), "are shown"))
		m.changeTable(kept)
		if len(explained) > 0 {
			m.line("\nIt follows:\n")
			m.changeTable(cut(explained, m.top))
		}
	}
	for _, x := range []struct{ title, change string }{{"New diagnostics", TemplateNew}, {"Vanished diagnostics", TemplateVanished}} {
		var rows [][]string
		for i := range c.Templates {
			t := &c.Templates[i]
			if t.Change != x.change || len(rows) == m.top {
				continue
			}
			example := ""
			if t.Example != nil {
				example = m.example(t.Example)
			}
			rows = append(rows, []string{count(t.Count), prose(replyName(t.ReplyCode, t.EnhancedCode)), prose(t.Class), code(t.Text), example})
		}
		if len(rows) > 0 {
			m.title(x.title, shown(len(rows), c.count(x.change), "are shown"))
			m.table([]string{"failed attempts:", "reply", "class", "diagnostic", "one of them"}, rows)
		}
	}
	if len(c.Notes) > 0 {
		m.title("Not compared", "")
		for _, n := range c.Notes {
			m.line("- " + prose(n))
		}
	}
}

func (m *markdown) changeTable(changes []*Change) {
	var rows [][]string
	for _, ch := range changes {
		example := ""
		if ch.Example != nil {
			example = m.example(ch.Example)
		}
		rows = append(rows, []string{code(ch.subject()), prose(ch.what()), percent(ch.Old.Rate), percent(ch.New.Rate), signed(ch.Excess), ch.counts(), example})
	}
	m.table([]string{"where", "what", "old:", "new:", "more:", "of outcomes", "one of them"}, rows)
}
