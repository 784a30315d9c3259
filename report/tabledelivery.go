package report

import (
	"strconv"
	"strings"
)

// deliveryTimes prints how long deliveries took, and what the retries brought.
func (p *printer) deliveryTimes(r *Report) {
	var rows [][]cell
	for i := range r.DeliveryTimes {
		d := &r.DeliveryTimes[i]
		if len(rows) > p.top {
			break
		}
		if i > 0 && d.Delivered == 0 {
			continue
		}
		name := plainCell(d.Provider)
		if d.Provider == "" {
			name = cell{"(all)", bold}
		}
		first := plainCell("–")
		if len(d.Retries) > 0 {
			first = rateCell(d.Retries[0].Rate)
		}
		rows = append(rows, cells(name, countCell(d.Delivered), plainCell(took(d.P50)), plainCell(took(d.P90)), plainCell(took(d.P99)), first))
	}
	if len(rows) == 0 {
		return
	}
	p.title("TIME TO DELIVER", "since the message came, deferrals included: so many of a hundred took no longer")
	p.table([]column{{title: "provider", least: 16, most: 40}, {title: "deliveries", right: true}, {title: "50", right: true}, {title: "90", right: true},
		{title: "99", right: true}, {title: "at first try", right: true, spare: true}}, rows)
	p.retries(r.DeliveryTimes[0].Retries)
}

// retries prints what came of each attempt.
func (p *printer) retries(all []Retry) {
	if len(all) < 2 {
		return
	}
	var rows [][]cell
	for _, a := range cut(all, p.top) {
		rows = append(rows, cells(countCell(a.Attempt), countCell(a.Tried), countCell(a.Delivered), rateCell(a.Rate), countCell(a.GivenUp), countCell(a.Pending)))
	}
	p.title("RETRIES", "what came of each attempt; "+plural(all[len(all)-1].Attempt, "attempt", "attempts")+" at most")
	p.table([]column{{title: "attempt", right: true}, {title: "recipients", right: true}, {title: "delivered", right: true}, {title: "rate", right: true},
		{title: "given up", right: true}, {title: "pending", right: true}}, rows)
}

// took writes seconds in the unit that suits them.
func took(seconds *float64) string {
	if seconds == nil {
		return "–"
	}
	unit := func(n float64, name string) string { return strconv.FormatFloat(n, 'f', 1, 64) + " " + name }
	switch s := *seconds; {
	case s < 1:
		return strconv.FormatFloat(s*1000, 'f', 0, 64) + " ms"
	case s < 60:
		return unit(s, "s")
	case s < 3600:
		return unit(s/60, "min")
	case s < 24*3600:
		return unit(s/3600, "h")
	default:
		return unit(s/(24*3600), "d")
	}
}

// breakdowns prints what was asked for.
func (p *printer) breakdowns(r *Report) {
	for i := range r.Breakdowns {
		b := &r.Breakdowns[i]
		var rows [][]cell
		named := 0
		for j := range b.Rows {
			x := &b.Rows[j]
			var names []cell
			switch {
			case x.Folded:
				names = make([]cell, len(b.By))
				names[0] = dimCell("(all others)")
			case named < p.top:
				named++
				for _, k := range x.Key {
					if k == "" {
						names = append(names, dimCell("–"))
					} else {
						names = append(names, plainCell(k))
					}
				}
			default:
				continue
			}
			row := tallyCells(names[0], &x.Tally)
			rows = append(rows, append(names, row[1:]...))
		}
		columns := tallyColumns(b.By[0])
		if len(b.By) > 1 {
			columns = append([]column{columns[0], {title: b.By[1], least: 12, most: 40}}, columns[1:]...)
		}
		p.title("BY "+strings.ToUpper(strings.Join(b.By, " AND ")), ofAll(named, b.RowsTotal))
		p.table(columns, rows)
	}
}
