package report

// comparison is what changed since a baseline.
func (b *htmlBuilder) comparison() htmlSection {
	s := htmlSection{ID: "changes", Title: "Since the baseline"}
	c := b.r.Comparison
	if c == nil {
		return s
	}
	s.Note = "Baseline: " + shorten(sideWords(&c.Old), htmlTextWidth) + ". Now: " + c.verdict() + "."
	s.Parts = append(s.Parts, htmlPart{Text: c.basis()})
	for _, x := range []struct{ title, what, verdict, mark string }{
		{"Regressions", "regressions", Regression, "bounced"}, {"Improvements", "improvements", Improvement, "sent"},
	} {
		told, explained := c.of(x.verdict)
		if len(told) == 0 {
			continue
		}
		shown := cut(told, b.limit(htmlRows))
		s.Parts = append(s.Parts, htmlPart{Head: x.title}, htmlPart{Table: changeTable(x.title, x.mark, shown, leftOut(len(shown), len(told), x.what))})
		if len(explained) > 0 {
			shown := cut(explained, b.limit(htmlRows))
			s.Parts = append(s.Parts, htmlPart{More: &htmlMore{
				"What follows from these: " + plural(int64(len(explained)), "change", "changes"),
				[]htmlPart{{Table: changeTable("What follows", x.mark, shown, leftOut(len(shown), len(explained), "changes"))}},
			}})
		}
	}
	for _, x := range []struct{ title, change string }{{"New diagnostics", TemplateNew}, {"Vanished diagnostics", TemplateVanished}} {
		all := c.count(x.change)
		t := &htmlTable{Name: x.title, Class: "long texts", Head: heads("reply", "#attempts", "diagnostic and evidence")}
		for i := range c.Templates {
			d := &c.Templates[i]
			if d.Change != x.change || len(t.Rows) == b.limit(htmlRows) {
				continue
			}
			text := htmlText(d.Text)
			if d.Example != nil {
				text.Code, text.Place = evidence(d.Example)
			}
			reply := htmlCell{Text: shorten(replyName(d.ReplyCode, d.EnhancedCode), 40), Class: "reply", Mark: classColour(d.Class)}
			t.Rows = append(t.Rows, []htmlCell{reply, htmlCount(d.Count), text})
		}
		if t.Note = leftOut(len(t.Rows), all, "diagnostics"); all > 0 {
			s.Parts = append(s.Parts, htmlPart{Head: x.title}, htmlPart{Table: t})
		}
	}
	if len(c.Notes) > 0 {
		s.Parts = append(s.Parts, htmlPart{Head: "Not compared"})
		for _, n := range c.Notes {
			s.Parts = append(s.Parts, htmlPart{Text: shorten(n, htmlTextWidth)})
		}
	}
	return s
}

// changeTable has a row for each change.
func changeTable(name, mark string, changes []*Change, note string) *htmlTable {
	t := &htmlTable{Name: name, Class: "long texts", Head: heads("where", "#old", "#new", "#more", "what"), Note: note}
	for _, ch := range changes {
		what := htmlText(ch.what() + ", " + ch.counts() + " " + ch.unit())
		if ch.Example != nil {
			what.Code, what.Place = evidence(ch.Example)
		}
		where := htmlName(ch.subject())
		where.Mark = mark
		t.Rows = append(t.Rows, []htmlCell{where, htmlRate(ch.Old.Rate), htmlRate(ch.New.Rate), {Text: signed(ch.Excess), Class: "n"}, what})
	}
	return t
}
