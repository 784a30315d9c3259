package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The charts of the page are measured here. What is drawn is relative to a box that the browser stretches to the room there
// is, so that nothing in the drawings is text: names and scales stand beside them and stay legible on a phone.

// barWidth is the length of a bar, and boxHeight the height of a chart, in units of the drawing.
const (
	barWidth  = 1000
	boxHeight = 100
)

// A htmlBar is one bar, divided, with its legend.
type htmlBar struct {
	Name   string
	Pieces []htmlPiece
	total  int64
	counts []int64
}

// A htmlPiece is a part of a bar.
type htmlPiece struct {
	Name, Value string
	Class       string
	X, Width    string
}

func (b *htmlBar) add(n int64, name, class string) {
	if n > 0 {
		b.total += n
		b.counts = append(b.counts, n)
		b.Pieces = append(b.Pieces, htmlPiece{Name: shorten(name, htmlNameWidth), Value: count(n), Class: class})
	}
}

// done measures the pieces. It returns nil where there are none.
func (b *htmlBar) done() *htmlBar {
	if len(b.Pieces) == 0 {
		return nil
	}
	measure(b.Pieces, b.counts, b.total)
	return b
}

// A piece is a part of a bar before it is measured.
type piece struct {
	class string
	n     int64
}

// stack returns the pieces of a bar whose whole length stands for full.
func stack(full int64, parts ...piece) []htmlPiece {
	var list []htmlPiece
	var counts []int64
	for _, p := range parts {
		if p.n > 0 {
			list = append(list, htmlPiece{Class: p.class})
			counts = append(counts, p.n)
		}
	}
	measure(list, counts, full)
	return list
}

// measure gives each piece its place. What is there is seen, however small: it takes least units from the others.
func measure(list []htmlPiece, counts []int64, full int64) {
	const least = 6
	room := float64(barWidth - least*len(list))
	x := 0.0
	for i, n := range counts {
		width := least + room*float64(n)/float64(full)
		list[i].X, list[i].Width = units(x, 1), units(width, 1)
		x += width
	}
}

// units writes a length with so many digits after the point at most.
func units(f float64, digits int) string {
	scale := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(f*scale)/scale, 'f', -1, 64)
}

// A htmlChart shows how counts change over time, in panels one above the other that share the time.
type htmlChart struct {
	Name   string
	Panels []htmlPanel
	Ticks  []htmlTick // along the bottom
	Class  string
}

// A htmlPanel shows some series as bars on each other.
type htmlPanel struct {
	Legend []htmlMarkOf
	Paths  []htmlPath
	Ticks  []htmlTick // of counts
	Hits   []htmlHit
	Width  int
	Height int
	Name   string
}

type htmlMarkOf struct{ Name, Class string }

// A htmlPath is all bars of a series.
type htmlPath struct{ Class, D string }

// A htmlHit is what the pointer finds over a bucket.
type htmlHit struct {
	X     int
	Title string
}

// A htmlTick is a mark of a scale, At percent of its length from the start.
type htmlTick struct{ Text, At string }

// A barAt is a bar of a panel: values on each other, at a place along the bottom.
type barAt struct {
	at     int
	label  string
	values []int64
}

// panel draws bars of so many kinds, width places wide. It returns false where there is nothing to see.
func panel(name string, bars []barAt, width int, kinds []htmlMarkOf) (htmlPanel, bool) {
	p := htmlPanel{Name: name, Width: width, Height: boxHeight}
	var most int64
	for _, b := range bars {
		most = max(most, sumOf(b.values))
	}
	if most == 0 {
		return p, false
	}
	top := roundUp(most)
	gap := 0.1
	if width > 100 {
		gap = 0
	}
	across := units(1-2*gap, 2)
	paths := make([]strings.Builder, len(kinds))
	for _, b := range bars {
		y := float64(boxHeight)
		title := b.label + ": "
		for j, n := range b.values {
			if j > 0 {
				title += ", "
			}
			title += kinds[j].Name + " " + count(n)
			if n <= 0 {
				continue
			}
			height := max(0.5, boxHeight*float64(n)/float64(top)) // one in a million is still there
			y -= height
			fmt.Fprintf(&paths[j], "M%s %sh%sv%sh-%sz", units(float64(b.at)+gap, 2), units(y, 2), across, units(height, 2), across)
		}
		p.Hits = append(p.Hits, htmlHit{b.at, title})
	}
	for j, k := range kinds {
		if paths[j].Len() > 0 {
			p.Legend = append(p.Legend, k)
			p.Paths = append(p.Paths, htmlPath{"c-" + k.Class, paths[j].String()})
		}
	}
	p.Ticks = []htmlTick{{"0", "0"}, {roundName(top), "100"}}
	if top%2 == 0 {
		p.Ticks = []htmlTick{{"0", "0"}, {roundName(top / 2), "50"}, {roundName(top), "100"}}
	}
	return p, true
}

// roundName writes a number of a scale: 500, 20k, 4M.
func roundName(n int64) string {
	unit := ""
	for _, u := range []string{"k", "M", "G", "T", "P"} {
		if n == 0 || n%1000 != 0 {
			break
		}
		n, unit = n/1000, u
	}
	return count(n) + unit
}

// roundUp returns the end of a scale for counts up to n: 1, 2, 4, 6 or 8 times a power of ten, or 10.
func roundUp(n int64) int64 {
	for step := int64(1); ; step *= 10 {
		for _, m := range []int64{1, 2, 4, 6, 8} {
			if m*step >= n {
				return m * step
			}
		}
		if step > math.MaxInt64/100 {
			return math.MaxInt64 - 1
		}
	}
}

// A series is one kind of count over time.
type series struct {
	name, class string
	of          func(h *Hour) int64
}

// A timeView is a chart over time: its panels, and what else its table has.
type timeView struct {
	name   string
	panels []timePanel
	more   []series
}

type timePanel struct {
	name string
	list []series
}

func timeViews() []timeView {
	return []timeView{
		{"Outcomes over time", []timePanel{
			{"Deliveries that succeeded", []series{{"delivered", "sent", func(h *Hour) int64 { return h.Outcomes.Delivered }}}},
			{"Deliveries that ended otherwise", []series{
				{"bounced", "bounced", func(h *Hour) int64 { return h.Outcomes.Bounced }},
				{"expired", "expired", func(h *Hour) int64 { return h.Outcomes.Expired }},
				{"lost", "lost", func(h *Hour) int64 { return h.Outcomes.Lost }},
			}},
		}, nil},
		{"Classes of attempts over time", []timePanel{
			{"Attempts with success", []series{{"success", "sent", func(h *Hour) int64 { return h.Classes.Success }}}},
			{"Attempts of other classes", []series{
				{"transient", "deferred", func(h *Hour) int64 { return h.Classes.Transient }},
				{"permanent", "bounced", func(h *Hour) int64 { return h.Classes.Permanent }},
				{"unknown", "unclear", func(h *Hour) int64 { return h.Classes.Unknown }},
			}},
		}, []series{
			{"sent", "", func(h *Hour) int64 { return h.Sent }},
			{"deferred", "", func(h *Hour) int64 { return h.Deferred }},
			{"bounced", "", func(h *Hour) int64 { return h.Bounced }},
		}},
	}
}

// timeline is what happened when.
func (b *htmlBuilder) timeline() htmlSection {
	s := htmlSection{ID: "timeline", Title: "Over time", Note: "By hour, UTC."}
	unit, all, rest := rollUp(b.r.Timeline, maxBuckets)
	if len(all)+len(rest) == 0 {
		return s
	}
	if unit.name != "hour" {
		s.Note = "By " + unit.name + ", UTC: the hours of the report, added up."
	}
	width := 0
	if len(all) > 0 {
		width = all[len(all)-1].at + 1
	}
	for _, v := range timeViews() {
		chart := &htmlChart{Name: v.name, Ticks: timeTicks(unit, all)}
		var columns []series
		for _, p := range v.panels {
			columns = append(columns, p.list...)
			var kinds []htmlMarkOf
			for _, x := range p.list {
				kinds = append(kinds, htmlMarkOf{x.name, x.class})
			}
			var bars []barAt
			for i := range all {
				bar := barAt{at: all[i].at, label: all[i].label}
				for _, x := range p.list {
					bar.values = append(bar.values, x.of(&all[i].Hour))
				}
				bars = append(bars, bar)
			}
			if drawn, ok := panel(p.name, bars, width, kinds); ok {
				chart.Panels = append(chart.Panels, drawn)
			}
		}
		if len(chart.Panels) == 0 && len(rest) == 0 {
			continue
		}
		columns = append(columns, v.more...)
		table := &htmlTable{Name: v.name, Class: "long", Head: heads(unit.name)}
		for _, x := range columns {
			table.Head = append(table.Head, htmlHead{Text: x.name, Num: true})
		}
		rates := unit.name == "hour" && v.more == nil // those of a sum are not in the model
		if rates {
			table.Head = append(table.Head, heads("#bounce rate", "#deferral rate")...)
		}
		row := func(name string, h *Hour) {
			cells := []htmlCell{{Text: name, Class: "time"}}
			for _, x := range columns {
				cells = append(cells, htmlCount(x.of(h)))
			}
			if rates {
				cells = append(cells, htmlRate(h.BounceRate), htmlRate(h.DeferralRate))
			}
			table.Rows = append(table.Rows, cells)
		}
		for i := range all {
			row(all[i].label, &all[i].Hour)
		}
		for i := range rest {
			row("no time in the log", &rest[i])
		}
		s.Parts = append(s.Parts, htmlPart{Head: v.name})
		if len(chart.Panels) > 0 {
			s.Parts = append(s.Parts, htmlPart{Chart: chart})
		}
		s.Parts = append(s.Parts, htmlPart{More: &htmlMore{"The numbers of this chart", []htmlPart{{Table: table}}}})
	}
	return s
}

// timeTicks names some of the buckets along the bottom.
func timeTicks(unit timeUnit, all []bucket) []htmlTick {
	if len(all) == 0 {
		return nil
	}
	first, width := all[0].index, all[len(all)-1].at+1
	n := min(width, 4)
	var ticks []htmlTick
	for i := range n {
		at := i * width / n
		ticks = append(ticks, htmlTick{unit.label(unit.start(first + int64(at))), units(100*float64(at)/float64(width), 1)})
	}
	return ticks
}

// maxBuckets is how many bars a chart over time has at most: more of them are thinner than a phone can show.
const maxBuckets = 168

// A bucket is the sum of some hours.
type bucket struct {
	Hour
	index int64 // since a fixed time
	at    int   // since the first one
	label string
}

// A timeUnit is a length of time that hours are added up to.
type timeUnit struct {
	name   string
	index  func(t time.Time) int64
	start  func(i int64) time.Time
	layout string
}

func (u timeUnit) label(t time.Time) string { return t.Format(u.layout) }

func hoursUnit(name string, hours int64, layout string) timeUnit {
	length := hours * 3600
	// Monday is the first day of a week; 1970-01-05 was one.
	const monday = 4 * 24 * 3600
	return timeUnit{
		name:   name,
		index:  func(t time.Time) int64 { return floorDiv(t.Unix()-monday, length) },
		start:  func(i int64) time.Time { return time.Unix(i*length+monday, 0).UTC() },
		layout: layout,
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func timeUnits() []timeUnit {
	return []timeUnit{
		hoursUnit("hour", 1, "2006-01-02 15:04"),
		hoursUnit("6 hours", 6, "2006-01-02 15:04"),
		hoursUnit("day", 24, "2006-01-02"),
		hoursUnit("week", 7*24, "2006-01-02"),
		{"month", func(t time.Time) int64 { return int64(t.Year())*12 + int64(t.Month()) - 1 },
			func(i int64) time.Time {
				return time.Date(int(floorDiv(i, 12)), time.Month(i-12*floorDiv(i, 12)+1), 1, 0, 0, 0, 0, time.UTC)
			}, "2006-01"},
		{"year", func(t time.Time) int64 { return int64(t.Year()) }, func(i int64) time.Time { return time.Date(int(i), 1, 1, 0, 0, 0, 0, time.UTC) }, "2006"},
	}
}

// rollUp adds hours up to the shortest unit of time of which the whole span has at most most; years may be more. Hours without
// a time are returned apart. Nothing is lost: the buckets and the rest sum to what the hours sum to.
//
// Note: this is the one place beside Build where counts are added. The hours of a year are too many to draw, and which unit
// is right is a matter of the medium.
func rollUp(hours []Hour, most int64) (unit timeUnit, all []bucket, rest []Hour) {
	times := make([]time.Time, len(hours))
	var first, last time.Time
	for i := range hours {
		t, err := time.Parse(time.RFC3339, hours[i].Start)
		if err != nil {
			continue
		}
		times[i] = t.UTC()
		if first.IsZero() || t.Before(first) {
			first = times[i]
		}
		if last.IsZero() || t.After(last) {
			last = times[i]
		}
	}
	for _, unit = range timeUnits() {
		if unit.index(last)-unit.index(first) < most {
			break
		}
	}
	byIndex := make(map[int64]int)
	for i := range hours {
		if times[i].IsZero() {
			rest = append(rest, hours[i])
			continue
		}
		index := unit.index(times[i])
		j, ok := byIndex[index]
		if !ok {
			j = len(all)
			byIndex[index] = j
			start := unit.start(index)
			all = append(all, bucket{Hour: Hour{Start: start.Format(time.RFC3339)}, index: index, at: int(index - unit.index(first)), label: unit.label(start)})
		}
		if unit.name == "hour" {
			all[j].Rates = hours[i].Rates
		}
		all[j].Hour.add(&hours[i])
	}
	slices.SortFunc(all, func(a, b bucket) int { return cmp.Compare(a.index, b.index) })
	return unit, all, rest
}

// add adds the counts of o. The rates are not those of the sum, and stay as they are.
func (h *Hour) add(o *Hour) {
	h.Sent += o.Sent
	h.Deferred += o.Deferred
	h.Bounced += o.Bounced
	h.Classes.Success += o.Classes.Success
	h.Classes.Transient += o.Classes.Transient
	h.Classes.Permanent += o.Classes.Permanent
	h.Classes.Unknown += o.Classes.Unknown
	h.Outcomes.Delivered += o.Outcomes.Delivered
	h.Outcomes.Bounced += o.Outcomes.Bounced
	h.Outcomes.Expired += o.Outcomes.Expired
	h.Outcomes.Lost += o.Outcomes.Lost
}

// heat is the table of providers and categories, shaded: how many attempts failed, where, and why.
func (b *htmlBuilder) heat() *htmlTable {
	var most int64
	seen := make(map[string]bool)
	var rows []*Provider
	failing := 0
	for i := range b.r.Providers {
		p := &b.r.Providers[i]
		if len(p.Categories) == 0 {
			continue
		}
		if failing++; len(rows) == b.limit(htmlHeatRows) {
			continue
		}
		rows = append(rows, p)
		for _, c := range p.Categories {
			seen[c.Category] = true
			most = max(most, c.Attempts)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	t := &htmlTable{Name: "Failed attempts, by provider and category", Class: "heat", Head: heads("provider"), Note: leftOut(len(rows), failing, "providers with failures")}
	place := make(map[string]int)
	column := func(category string) {
		if seen[category] {
			delete(seen, category)
			place[category] = len(t.Head)
			t.Head = append(t.Head, htmlHead{Text: shorten(category, 40), Vertical: true})
		}
	}
	for i := range b.r.Categories {
		column(b.r.Categories[i].Category)
	}
	for _, p := range rows {
		for _, c := range p.Categories {
			column(c.Category)
		}
	}
	for _, p := range rows {
		row := make([]htmlCell, len(t.Head))
		row[0] = htmlName(cmp.Or(p.Title, p.Provider))
		if p.Folded {
			row[0] = htmlDim("(all other providers)")
		}
		for _, c := range p.Categories {
			row[place[c.Category]] = htmlCell{Text: count(c.Attempts), Class: "n h" + strconv.Itoa(shade(c.Attempts, most))}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shades is how many steps of colour the heat map has.
const shades = 6

// shade returns the step of colour for n: each takes in what is three times the one before, up to most.
func shade(n, most int64) int {
	for s := shades; s > 1; s-- {
		if most /= 3; n > most {
			return s
		}
	}
	return 1
}

// deliveryTimes is how long deliveries took, and what the retries brought.
func (b *htmlBuilder) deliveryTimes() htmlSection {
	s := htmlSection{ID: "times", Title: "Time to deliver", Note: "From when the message came until it was delivered, deferrals included: so many of a hundred took no longer."}
	if len(b.r.DeliveryTimes) == 0 {
		return s
	}
	shown := cut(b.r.DeliveryTimes, b.limit(htmlRows)+1)
	scale := scaleOf(shown)
	table := &htmlTable{Name: "Time to deliver", Class: "long", Head: heads("provider", "50 to 90, 90 to 99", "#deliveries", "#50 %", "#90 %", "#99 %", "#at the first try")}
	for i := range shown {
		d := &shown[i]
		name := htmlName(cmp.Or(d.Title, d.Provider))
		if d.Provider == "" {
			name = htmlCell{Text: "(all)", Class: "name all"}
		}
		first := htmlCell{Text: "–", Class: "n"}
		if len(d.Retries) > 0 {
			first = htmlRate(d.Retries[0].Rate)
		}
		table.Rows = append(table.Rows, []htmlCell{name, {Class: "bar", Stack: scale.spread(d)}, htmlCount(d.Delivered),
			{Text: took(d.P50), Class: "n"}, {Text: took(d.P90), Class: "n"}, {Text: took(d.P99), Class: "n"}, first})
	}
	table.Note = leftOut(len(shown), len(b.r.DeliveryTimes), "rows")
	s.Parts = append(s.Parts, htmlPart{Table: table})
	if scale.ok() {
		s.Parts = append(s.Parts, htmlPart{Text: "The bars go from the time of the 50th of a hundred deliveries to that of the 90th, and on to the 99th, on a logarithmic scale from " +
			took(&scale.low) + " to " + took(&scale.high) + "."})
	}
	return s
}

// A timeScale is a logarithmic scale of seconds.
type timeScale struct{ low, high float64 }

// leastTime is where a scale of times begins at the latest: the logarithm of nothing is nowhere.
const leastTime = 0.001

func scaleOf(list []DeliveryTime) timeScale {
	s := timeScale{math.Inf(1), 0}
	for i := range list {
		for _, t := range []*float64{list[i].P50, list[i].P99} {
			if t != nil {
				s.low, s.high = min(s.low, max(*t, leastTime)), max(s.high, *t)
			}
		}
	}
	return s
}

func (s timeScale) ok() bool { return s.high > s.low }

func (s timeScale) at(seconds float64) float64 {
	return math.Log(max(seconds, s.low)/s.low) / math.Log(s.high/s.low)
}

// spread draws the three times of one row.
func (s timeScale) spread(d *DeliveryTime) []htmlPiece {
	if !s.ok() || d.P50 == nil || d.P90 == nil || d.P99 == nil {
		return nil
	}
	const least = 12
	at := func(t float64) float64 { return (barWidth - 2*least) * s.at(t) }
	a, b, c := at(*d.P50), at(*d.P90), at(*d.P99)
	return []htmlPiece{
		{Class: "sent", X: units(a, 1), Width: units(b-a+least, 1)},
		{Class: "deferred", X: units(b+least, 1), Width: units(c-b+least, 1)},
	}
}

// retries is what came of each attempt.
func (b *htmlBuilder) retries() htmlSection {
	s := htmlSection{ID: "retries", Title: "Retries", Note: "What came of the first attempt for each recipient, of the second, and so on."}
	if len(b.r.DeliveryTimes) == 0 || len(b.r.DeliveryTimes[0].Retries) == 0 {
		return s
	}
	total := &b.r.DeliveryTimes[0]
	all := cut(total.Retries, b.limit(htmlRows))
	kinds := []htmlMarkOf{{"delivered", "sent"}, {"tried again", "deferred"}, {"given up", "bounced"}, {"pending", "pending"}}
	var bars []barAt
	curve := htmlPanel{Name: "Rate of delivery of each attempt", Width: len(all), Height: boxHeight, Ticks: []htmlTick{{"0%", "0"}, {"50%", "50"}, {"100%", "100"}},
		Legend: []htmlMarkOf{{"delivered ÷ tried", "sent"}}}
	var line strings.Builder
	table := &htmlTable{Name: "Retries", Class: "long", Head: heads("attempt", "#tried", "#delivered", "#rate", "#given up", "#pending", "#share of the delivered"),
		Note: leftOut(len(all), len(total.Retries), "attempts")}
	var ticks []htmlTick
	needed := make(map[int64]*float64)
	for i := range total.Attempts {
		needed[total.Attempts[i].Attempts] = total.Attempts[i].Share
	}
	for i := range all {
		x := &all[i]
		var again int64
		if i+1 < len(total.Retries) {
			again = total.Retries[i+1].Tried
		}
		name := "attempt " + count(x.Attempt)
		if i > 0 || len(all) == 1 { // beside the first, the others would not be seen
			bars = append(bars, barAt{i, name, []int64{x.Delivered, again, x.GivenUp, x.Pending}})
		}
		if x.Rate != nil {
			command := "L"
			if line.Len() == 0 {
				command = "M"
			}
			fmt.Fprintf(&line, "%s%s %s", command, units(float64(i)+0.5, 1), units(boxHeight*(1-*x.Rate), 2))
			curve.Hits = append(curve.Hits, htmlHit{i, name + ": " + percent(x.Rate) + " of " + count(x.Tried)})
		}
		table.Rows = append(table.Rows, []htmlCell{{Text: count(x.Attempt), Class: "time"}, htmlCount(x.Tried), htmlCount(x.Delivered), htmlRate(x.Rate), htmlCount(x.GivenUp),
			htmlCount(x.Pending), htmlRate(needed[x.Attempt])})
		if every := (len(all) + 7) / 8; i%every == 0 {
			ticks = append(ticks, htmlTick{count(x.Attempt), units(100*(float64(i)+0.5)/float64(len(all)), 1)})
		}
	}
	chart := &htmlChart{Name: "Retries", Ticks: ticks, Class: "counted"}
	name := "Recipients of the first attempt"
	if len(all) > 1 {
		name = "Recipients from the second attempt on"
		curve.Paths = []htmlPath{{"line", line.String()}}
		chart.Panels = append(chart.Panels, curve)
	}
	if drawn, ok := panel(name, bars, len(all), kinds); ok {
		chart.Panels = append(chart.Panels, drawn)
	}
	s.Parts = append(s.Parts, htmlPart{Chart: chart}, htmlPart{Table: table})
	return s
}

// breakdowns are what was asked for.
func (b *htmlBuilder) breakdowns() htmlSection {
	s := htmlSection{ID: "by", Title: "Broken down"}
	for i := range b.r.Breakdowns {
		x := &b.r.Breakdowns[i]
		var names []string
		for _, by := range x.By {
			names = append(names, shorten(by, htmlNameWidth))
		}
		title := "By " + strings.Join(names, " and ")
		table := &htmlTable{Name: title, Class: "long"}
		if len(names) > 0 {
			for _, n := range names {
				table.Head = append(table.Head, htmlHead{Text: n})
			}
			table.Head = append(table.Head, tallyHead("")[1:]...)
		}
		named := 0
		for j := range x.Rows {
			row := &x.Rows[j]
			var cells []htmlCell
			switch {
			case row.Folded:
				cells = append(cells, htmlDim("(all others)"))
				cells = append(cells, make([]htmlCell, len(names)-1)...)
			case named == b.limit(htmlSenders):
				continue
			default:
				named++
				for _, k := range row.Key {
					cells = append(cells, htmlName(cmp.Or(k, "–")))
				}
			}
			table.Rows = append(table.Rows, append(cells, htmlTally(htmlCell{}, &row.Tally)[1:]...))
		}
		if len(table.Rows) == 0 {
			continue
		}
		table.Note = leftOut(named, x.RowsTotal, "rows")
		s.Parts = append(s.Parts, htmlPart{Head: title}, htmlPart{Table: table})
	}
	return s
}
