package report

// maxShownHints is how many hints a table has: what is further down waits until these are dealt with.
const maxShownHints = 5

// hints prints what to do first.
func (p *printer) hints(r *Report) {
	const label = len("undelivered") + gutter + len("attempts") + gutter
	var rows [][]cell
	for i := range r.Hints {
		h := &r.Hints[i]
		if len(rows) > 0 && i >= min(maxShownHints, p.top) {
			break
		}
		what := h.Category
		if h.Sub != "" {
			what += ", " + h.Sub
		}
		if h.Provider != "" {
			what += ", " + h.Provider
		}
		lines := cells(cell{what, bold})
		for _, line := range wrap(Visible(h.Text), p.width-label, 6) {
			lines = append(lines, plainCell(line))
		}
		if h.URL != "" {
			lines = append(lines, dimCell(h.URL))
		}
		if h.Example != nil {
			for _, line := range wrap(Visible(place(h.Example)), p.width-label, 2) {
				lines = append(lines, dimCell(line))
			}
		}
		for j, line := range lines {
			undelivered, attempts := plainCell(""), plainCell("")
			if j == 0 {
				undelivered, attempts = countCell(h.Undelivered), countCell(h.Attempts)
			}
			rows = append(rows, cells(undelivered, attempts, line))
		}
	}
	if len(rows) == 0 {
		return
	}
	p.title("WHAT TO DO", "in the order of what it would bring back")
	p.table([]column{{title: "undelivered", right: true}, {title: "attempts", right: true}, {title: "cause, advice and one of the replies", least: 40}}, rows)
}

// categories prints why attempts failed.
func (p *printer) categories(r *Report) {
	var rows [][]cell
	for i := range r.Categories {
		c := &r.Categories[i]
		rows = append(rows, cells(plainCell(c.Category), countCell(c.Attempts), rateCell(c.Share), countCell(c.Deferred), countCell(c.Bounced), plainCell(c.Meaning)))
	}
	if len(rows) == 0 {
		return
	}
	p.title("CAUSES", "of the attempts that failed")
	p.table([]column{{title: "category"}, {title: "attempts", right: true}, {title: "share", right: true}, {title: "deferred", right: true, spare: true},
		{title: "bounced", right: true, spare: true}, {title: "meaning", least: 20}}, rows)
}

// providers prints the attempts at whoever runs the servers.
func (p *printer) providers(r *Report) {
	var rows [][]cell
	named := 0
	for i := range r.Providers {
		v := &r.Providers[i]
		name := plainCell(v.Provider)
		switch {
		case v.Folded:
			name = dimCell("(all other providers)")
		case named == p.top:
			continue
		default:
			named++
		}
		most := ""
		if len(v.Categories) > 0 { // one of them: where a column ends, half a number would be another
			most = count(v.Categories[0].Attempts) + " " + v.Categories[0].Category
		}
		rows = append(rows, cells(name, countCell(v.Attempts.Attempts), countCell(v.Sent), countCell(v.Deferred), countCell(v.Bounced),
			rateCell(v.DeferralRate), plainCell(most)))
	}
	if len(rows) == 0 {
		return
	}
	p.title("PROVIDERS", ofAll(named, r.ProvidersTotal))
	p.table([]column{{title: "provider", least: 16, most: 40}, {title: "attempts", right: true}, {title: "sent", right: true, spare: true},
		{title: "deferred", right: true}, {title: "bounced", right: true}, {title: "deferral rate", right: true, spare: true}, {title: "mostly", least: 16}}, rows)
}
