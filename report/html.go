package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
)

// The HTML report is one file that needs nothing else: no script, no font, no picture from outside. Its policy forbids
// the browser all of that, so that a text of a log could not fetch or run anything even if it got past html/template.
//
//go:embed html/page.tmpl
var htmlTemplate string

//go:embed html/style.css
var htmlStyle string

var parseHTML = sync.OnceValues(func() (*template.Template, error) {
	return template.New("page").Parse(htmlTemplate)
})

// How much of a long list the page shows where WriteOptions.Top does not say, and how much of a long text. A browser has
// to lay all of it out; the rest is in JSON.
const (
	htmlDomains   = 500
	htmlSenders   = 200
	htmlTemplates = 100
	htmlRows      = 50
	htmlHeatRows  = 25
	htmlFirst     = 5 // hints that are open

	htmlNameWidth = 255
	htmlTextWidth = 1200
)

// writeHTML writes r as a page for people.
func writeHTML(w io.Writer, r *Report, o WriteOptions) error {
	t, err := parseHTML()
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	b := &htmlBuilder{r: r, top: o.Top}
	return t.Execute(w, b.page())
}

// A htmlPage is what the template prints. All texts in it are Visible; the template escapes them.
type htmlPage struct {
	CSS      template.CSS
	Title    string
	Span     htmlSpan
	Asked    string
	Inputs   string
	Tool     string
	Warnings []string
	Tiles    []htmlTile
	Sections []htmlSection
}

// A htmlSpan is a span of time; First is empty where the log has none.
type htmlSpan struct{ First, Last, FirstText, LastText string }

// A htmlTile is one of the numbers at the top.
type htmlTile struct{ Name, Value, Note, Class string }

// A htmlSection is a landmark of the page, with an entry in its navigation.
type htmlSection struct {
	ID, Title, Note string
	Parts           []htmlPart
}

// A htmlPart is one of these.
type htmlPart struct {
	Text  string
	Head  string // of the parts that follow
	Table *htmlTable
	Bar   *htmlBar
	Chart *htmlChart
	Hints *htmlHints
	More  *htmlMore
}

// A htmlMore is what stands behind a click.
type htmlMore struct {
	Title string
	Parts []htmlPart
}

// A htmlTable is a table. The first cell of a row is its head.
type htmlTable struct {
	Name  string // for those who don't see it
	Class string
	Head  []htmlHead
	Rows  [][]htmlCell
	Note  string
}

// paperRows is how many rows of a long table are printed; the style sheet and the note below it say so.
const paperRows = 60

// LongerThanPaper reports whether some rows are not printed.
func (t *htmlTable) LongerThanPaper() bool {
	return strings.HasPrefix(t.Class, "long") && len(t.Rows) > paperRows
}

type htmlHead struct {
	Text     string
	Hidden   string // in place of a text, for those who don't see what is in the column
	Num      bool
	Vertical bool
}

type htmlCell struct {
	Text  string
	Class string
	Mark  string      // the class of a dot in front
	Sub   string      // below the text
	Code  string      // evidence, below the text
	Place string      // where that is
	Stack []htmlPiece // a bar in place of text, for what the numbers beside it say
}

func htmlText(s string) htmlCell   { return htmlCell{Text: shorten(s, htmlTextWidth)} }
func htmlName(s string) htmlCell   { return htmlCell{Text: shorten(s, htmlNameWidth), Class: "name"} }
func htmlTerm(s string) htmlCell   { return htmlCell{Text: shorten(s, htmlNameWidth), Class: "term"} }
func htmlDim(s string) htmlCell    { return htmlCell{Text: shorten(s, htmlTextWidth), Class: "dim"} }
func htmlCount(n int64) htmlCell   { return htmlCell{Text: count(n), Class: "n"} }
func htmlRate(r *float64) htmlCell { return htmlCell{Text: percent(r), Class: "n"} }
func htmlTime(t string) htmlCell {
	return htmlCell{Text: shorten(when(t), htmlNameWidth), Class: "time"}
}
func htmlMark(s, class string) htmlCell {
	return htmlCell{Text: shorten(s, htmlNameWidth), Mark: class}
}

// heads returns the heads of columns that this program names: # in front of a name means numbers, and none a drawing.
func heads(titles ...string) (h []htmlHead) {
	for _, t := range titles {
		name, num := strings.CutPrefix(t, "#")
		head := htmlHead{Text: name, Num: num}
		if name == "" {
			head.Hidden = "drawn"
		}
		h = append(h, head)
	}
	return h
}

// shorten makes a text of any origin safe to look at, and cuts it.
func shorten(s string, width int) string { return fit(Visible(s), width) }

// A htmlHints is what to do, in order.
type htmlHints struct {
	Start int // the number of the first one
	List  []htmlHint
}

type htmlHint struct {
	Undelivered        string
	Attempts, Unit     string
	Category, Sub, For string
	Text, URL          string
	Code, Place        string
}

// A htmlBuilder lays a report out as a page. It prints numbers and measures bars; it counts nothing.
type htmlBuilder struct {
	r   *Report
	top int
}

// limit is how many rows a table shows that shows n by itself.
func (b *htmlBuilder) limit(n int) int {
	if b.top > 0 {
		return b.top
	}
	return n
}

// leftOut says what a table does not show, and how to see it.
func leftOut(shown, all int, what string) string {
	if shown >= all {
		return ""
	}
	return fmt.Sprintf("The first %s of %s %s; a larger --top shows more, and -f json has them all.", count(int64(shown)), count(int64(all)), what)
}

func (b *htmlBuilder) page() *htmlPage {
	r := b.r
	p := &htmlPage{
		CSS:    template.CSS(htmlStyle),
		Title:  "Mail delivery report",
		Asked:  shorten(asked(r, Visible), htmlNameWidth),
		Tool:   shorten(strings.TrimSpace(r.Tool.Name+" "+r.Tool.Version), htmlNameWidth),
		Inputs: b.inputsLine(),
		Tiles:  b.tiles(),
	}
	if w := &r.Window; w.First != "" {
		p.Span = htmlSpan{shorten(w.First, 40), shorten(w.Last, 40), shorten(minute(w.First), 40), shorten(minute(w.Last), 40)}
		p.Title += ", " + p.Span.FirstText + " to " + p.Span.LastText + " UTC"
	}
	p.Warnings = b.warnings()
	for _, section := range []func() htmlSection{
		b.comparison, b.hints, b.outcomes, b.timeline, b.causes, b.providers, b.deliveryTimes, b.retries, b.domains, b.senders, b.breakdowns, b.templates, b.replies, b.apart, b.lines, b.inputs,
	} {
		if s := section(); len(s.Parts) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	return p
}

func (b *htmlBuilder) inputsLine() string {
	in := b.r.Inputs
	switch len(in) {
	case 0:
		return "no input"
	case 1:
		return shorten(in[0].Name, 80)
	}
	return fmt.Sprintf("%d inputs", len(in))
}

// tiles are what someone reads who reads no further.
func (b *htmlBuilder) tiles() []htmlTile {
	t, o, c := &b.r.Totals, &b.r.Outcomes, &b.r.Coverage
	tiles := []htmlTile{
		{"Bounce rate", percent(t.BounceRate), count(o.Bounced) + " bounced, " + count(o.Expired) + " expired", "bad"},
		{"Deferral rate", percent(t.DeferralRate), count(t.Deferred) + " of " + plural(t.Attempts.Attempts, "attempt", "attempts"), "soft"},
		{"Delivered", count(o.Delivered), count(o.DeliveredFirst) + " at the first try", "good"},
		{"Pending", count(o.Pending), "deferred at the end of the log", "wait"},
	}
	switch {
	case t.Attempts.Attempts == 0:
		tiles[1].Note = "no attempts"
	case t.DeferralRate == nil:
		tiles[1].Note = "not known: such logs may leave deferrals out"
	}
	if t.BounceRate == nil {
		tiles[0].Note = "no settled deliveries"
	}
	return append(tiles, htmlTile{"Lines recognised", percent(c.Recognised), "of " + plural(c.Lines, "line", "lines"), "rest"})
}

// warnings are what makes the numbers doubtful.
func (b *htmlBuilder) warnings() (list []string) {
	r := b.r
	add := func(s string) { list = append(list, shorten(s, htmlTextWidth)) }
	if r.Totals.Attempts.Attempts == 0 {
		add("There are no delivery attempts in these logs.")
	}
	if n := r.Coverage.Gaps; n > 0 {
		add(plural(n, "line says", "lines say") + " that the logger dropped lines: all numbers are lower bounds.")
	}
	for _, x := range []struct {
		n         int64
		one, many string
	}{
		{r.Coverage.Unrecognised, "line is of no format that is known.", "lines are of no format that is known."},
		{r.Coverage.Malformed, "line should parse and does not.", "lines should parse and do not."},
		{r.Coverage.Overlong, "line is longer than the limit.", "lines are longer than the limit."},
	} {
		if x.n > 0 {
			add(plural(x.n, x.one, x.many))
		}
	}
	shown := 0
	for i := range r.Inputs {
		if x := &r.Inputs[i]; x.Note != "" {
			if shown++; shown > htmlFirst {
				add("More inputs have notes: see the list of inputs.")
				break
			}
			add(fit(Visible(x.Name), 80) + ": " + x.Note)
		}
	}
	return list
}

// hints is what to do first.
func (b *htmlBuilder) hints() htmlSection {
	s := htmlSection{ID: "todo", Title: "What to do first", Note: "In the order of what it would bring back."}
	var all []htmlHint
	for i := range b.r.Hints {
		h := &b.r.Hints[i]
		x := htmlHint{
			Undelivered: count(h.Undelivered), Attempts: count(h.Attempts), Unit: "attempts", Category: shorten(h.Category, htmlNameWidth), Sub: shorten(h.Sub, htmlNameWidth),
			For: b.providerTitle(h.Provider), Text: shorten(h.Text, htmlTextWidth),
		}
		if h.Attempts == 1 {
			x.Unit = "attempt"
		}
		if strings.HasPrefix(h.URL, "https://") || strings.HasPrefix(h.URL, "http://") {
			x.URL = shorten(h.URL, htmlTextWidth)
		}
		if e := h.Example; e != nil {
			x.Code, x.Place = evidence(e)
		}
		all = append(all, x)
	}
	if len(all) == 0 {
		return s
	}
	first := min(len(all), b.limit(htmlFirst))
	s.Parts = append(s.Parts, htmlPart{Hints: &htmlHints{1, all[:first]}})
	if rest := all[first:]; len(rest) > 0 {
		s.Parts = append(s.Parts, htmlPart{More: &htmlMore{
			"What comes after: " + plural(int64(len(rest)), "hint", "hints"), []htmlPart{{Hints: &htmlHints{first + 1, rest}}},
		}})
	}
	return s
}

// providerTitle is what people call a provider.
func (b *htmlBuilder) providerTitle(name string) string {
	for i := range b.r.Providers {
		if p := &b.r.Providers[i]; p.Provider == name && !p.Folded {
			return shorten(cmp.Or(p.Title, name), htmlNameWidth)
		}
	}
	return shorten(name, htmlNameWidth)
}

// evidence returns the text of an example and its place.
func evidence(e *Example) (text, at string) {
	at = shorten(where(e.File, e.Line), htmlNameWidth)
	if e.Time != "" {
		at = strings.TrimSpace(shorten(when(e.Time), 40) + "  " + at)
	}
	return shorten(e.Text, htmlTextWidth), at
}

func (b *htmlBuilder) outcomes() htmlSection {
	s := htmlSection{ID: "outcomes", Title: "Outcomes", Note: "How the delivery of each message to each recipient ended, and what each attempt got."}
	r, o, t := b.r, &b.r.Outcomes, &b.r.Totals
	if *o != (AllOutcomes{}) {
		rows := []struct {
			name, class, what string
			n                 int64
		}{
			{"delivered first", "first", "at the first try", o.DeliveredFirst},
			{"delivered later", "later", "after a deferral", o.DeliveredLater},
			{"delivered", "unclear", "the log does not hold the beginning", o.DeliveredUnknown},
			{"bounced", "bounced", "given up, returned to the sender", o.Bounced},
			{"expired", "expired", "given up because the queue lifetime ran out", o.Expired},
			{"pending", "pending", "still deferred at the end of the log", o.Pending},
			{"lost", "lost", "left the queue while deferred, or silent for too long", o.Lost},
		}
		bar := &htmlBar{Name: "Outcomes"}
		table := &htmlTable{Name: "Outcomes", Head: heads("outcome", "#deliveries", "meaning")}
		for _, x := range rows {
			bar.add(x.n, x.name, x.class)
			table.Rows = append(table.Rows, []htmlCell{htmlMark(x.name, x.class), htmlCount(x.n), htmlDim(x.what)})
		}
		s.Parts = append(s.Parts, htmlPart{Bar: bar.done()}, htmlPart{Table: table})
	}
	if t.Attempts.Attempts == 0 {
		return s
	}
	meaning := map[string]string{
		"success": "accepted", "transient": "failed for now, to be tried again", "permanent": "failed for good",
		"unknown": "neither a code nor the MTA told",
	}
	bar := &htmlBar{Name: "Attempts by class"}
	table := &htmlTable{Name: "Attempts by class", Head: heads("class", "#attempts", "#share", "meaning")}
	for _, c := range r.Classes {
		bar.add(c.Count, c.Class, classColour(c.Class))
		table.Rows = append(table.Rows, []htmlCell{htmlMark(c.Class, classColour(c.Class)), htmlCount(c.Count), htmlRate(c.Share), htmlDim(meaning[c.Class])})
	}
	s.Parts = append(s.Parts,
		htmlPart{Head: "Attempts by class"},
		htmlPart{Text: fmt.Sprintf("%s: %s sent, %s deferred, %s bounced.", plural(t.Attempts.Attempts, "attempt", "attempts"), count(t.Sent),
			count(t.Deferred), count(t.Attempts.Bounced))},
		htmlPart{Bar: bar.done()}, htmlPart{Table: table})
	said := &htmlTable{Name: "Who said so", Head: heads("who said so", "#attempts", "#share", "meaning")}
	who := map[string]string{
		"remote": "the other server answered", "local": "our own MTA decided", "implied": "follows from what the log says",
		"provider": "the sending service's own list or policy", "unknown": "the log did not say",
	}
	for _, x := range t.Origins {
		if x.Count > 0 {
			said.Rows = append(said.Rows, []htmlCell{htmlText(x.Origin), htmlCount(x.Count), htmlRate(x.Share), htmlDim(who[x.Origin])})
		}
	}
	if len(said.Rows) > 0 {
		s.Parts = append(s.Parts, htmlPart{Table: said})
	}
	if t.Overridden > 0 {
		s.Parts = append(s.Parts, htmlPart{Text: plural(t.Overridden, "attempt has", "attempts have") + " a status that contradicts the reply."})
	}
	if t.Conflicts > 0 {
		s.Parts = append(s.Parts, htmlPart{Text: plural(t.Conflicts, "attempt has", "attempts have") + " a reply code and an enhanced code of different classes."})
	}
	return s
}

// classColour is the CSS class of a class.
func classColour(class string) string {
	switch class {
	case "success":
		return "sent"
	case "transient":
		return "deferred"
	case "permanent":
		return "bounced"
	}
	return "unclear"
}

// causes is why attempts failed.
func (b *htmlBuilder) causes() htmlSection {
	s := htmlSection{ID: "causes", Title: "Causes", Note: "Of the attempts that failed."}
	if len(b.r.Categories) == 0 {
		return s
	}
	table := &htmlTable{Name: "Causes", Head: heads("category", "", "#attempts", "#share", "#deferred", "#bounced", "#recipients", "fault", "stop mailing")}
	ended := &htmlTable{Name: "What became of the recipients of each cause", Head: heads("category", "#recipients", "#bounced", "#expired", "#pending", "#lost"),
		Note: "Those whose last failed attempt failed so. The rest of them were delivered to all the same."}
	replies := &htmlTable{Name: "The first reply of each cause", Class: "texts", Head: heads("category", "reply")}
	var most int64
	for i := range b.r.Categories {
		most = max(most, b.r.Categories[i].Attempts)
	}
	for i := range b.r.Categories {
		c := &b.r.Categories[i]
		name := htmlTerm(c.Category)
		name.Sub = shorten(c.Meaning, htmlTextWidth)
		table.Rows = append(table.Rows, []htmlCell{
			name, {Class: "bar", Stack: stack(most, piece{"deferred", c.Deferred}, piece{"bounced", c.Bounced})}, htmlCount(c.Attempts),
			htmlRate(c.Share), htmlCount(c.Deferred), htmlCount(c.Bounced), htmlCount(c.Recipients), htmlText(c.Fault), htmlText(c.Suppress),
		})
		o := &c.Outcomes
		ended.Rows = append(ended.Rows, []htmlCell{htmlTerm(c.Category), htmlCount(c.Recipients), htmlCount(o.Bounced), htmlCount(o.Expired), htmlCount(o.Pending), htmlCount(o.Lost)})
		if c.Example != nil {
			var reply htmlCell
			reply.Code, reply.Place = evidence(c.Example)
			replies.Rows = append(replies.Rows, []htmlCell{htmlTerm(c.Category), reply})
		}
	}
	s.Parts = append(s.Parts, htmlPart{Table: table}, htmlPart{More: &htmlMore{ended.Name, []htmlPart{{Table: ended}}}})
	if len(replies.Rows) > 0 {
		s.Parts = append(s.Parts, htmlPart{More: &htmlMore{replies.Name, []htmlPart{{Table: replies}}}})
	}
	return s
}

// providers is the attempts at whoever runs the servers, and what went wrong there.
func (b *htmlBuilder) providers() htmlSection {
	s := htmlSection{ID: "providers", Title: "Providers", Note: "Who runs the recipients' servers, and what goes wrong there."}
	if heat := b.heat(); heat != nil {
		s.Parts = append(s.Parts, htmlPart{Head: "Failed attempts, by provider and category"}, htmlPart{Table: heat})
	}
	table := &htmlTable{Name: "Providers", Class: "long", Head: tallyHead("provider")}
	named := 0
	for i := range b.r.Providers {
		p := &b.r.Providers[i]
		name := htmlName(cmp.Or(p.Title, p.Provider))
		switch {
		case p.Folded:
			name = htmlDim("(all other providers)")
		case named == b.limit(htmlRows):
			continue
		default:
			named++
		}
		table.Rows = append(table.Rows, htmlTally(name, &p.Tally))
	}
	if len(table.Rows) == 0 {
		return s
	}
	table.Note = leftOut(len(table.Rows), b.r.ProvidersTotal, "providers")
	s.Parts = append(s.Parts, htmlPart{Head: "Attempts by provider"}, htmlPart{Table: table})
	return s
}

// attemptsBar shows how the attempts of one row divide.
func attemptsBar(a *Attempts) htmlCell {
	return htmlCell{Class: "bar", Stack: stack(a.Attempts, piece{"sent", a.Sent}, piece{"deferred", a.Deferred}, piece{"bounced", a.Bounced})}
}

func tallyHead(name string) []htmlHead {
	return heads(name, "", "#attempts", "#sent", "#deferred", "#bounced", "#expired", "#pending", "#bounce rate", "#deferral rate")
}

// htmlTally is the row of a provider, a domain or a sender. Bounced counts attempts; expired and pending are outcomes.
func htmlTally(name htmlCell, t *Tally) []htmlCell {
	return []htmlCell{name, attemptsBar(&t.Attempts), htmlCount(t.Attempts.Attempts), htmlCount(t.Sent), htmlCount(t.Deferred), htmlCount(t.Attempts.Bounced),
		htmlCount(t.Outcomes.Expired), htmlCount(t.Outcomes.Pending), htmlRate(t.BounceRate), htmlRate(t.DeferralRate)}
}

func (b *htmlBuilder) domains() htmlSection {
	s := htmlSection{ID: "domains", Title: "Recipient domains"}
	table := &htmlTable{Name: "Recipient domains", Class: "long", Head: append(tallyHead("domain"), heads("mostly", "#times")...)}
	named := 0
	for i := range b.r.Domains {
		d := &b.r.Domains[i]
		name := htmlName(d.Domain)
		switch {
		case d.Folded:
			name = htmlDim("(all other domains)")
		case named == b.limit(htmlDomains):
			continue
		default:
			named++
		}
		row := htmlTally(name, &d.Tally)
		if x := d.TopReply; x != nil {
			row = append(row, htmlCell{Text: shorten(replyName(x.ReplyCode, x.EnhancedCode), 40), Class: "reply", Mark: classColour(x.Class)}, htmlCount(x.Count))
		} else {
			row = append(row, htmlCell{}, htmlCell{})
		}
		table.Rows = append(table.Rows, row)
	}
	if len(table.Rows) > 0 {
		table.Note = leftOut(named, b.r.DomainsTotal, "domains")
		s.Parts = append(s.Parts, htmlPart{Table: table})
	}
	return s
}

func (b *htmlBuilder) senders() htmlSection {
	s := htmlSection{ID: "senders", Title: "Sender domains"}
	table := &htmlTable{Name: "Sender domains", Class: "long", Head: tallyHead("domain")}
	named := 0
	for i := range b.r.Senders {
		x := &b.r.Senders[i]
		name := htmlName(x.SenderDomain)
		switch {
		case x.Folded:
			name = htmlDim("(all other senders)")
		case named == b.limit(htmlSenders):
			continue
		default:
			named++
		}
		table.Rows = append(table.Rows, htmlTally(name, &x.Tally))
	}
	if len(table.Rows) > 0 {
		table.Note = leftOut(named, b.r.SendersTotal, "senders")
		s.Parts = append(s.Parts, htmlPart{Table: table})
	}
	return s
}

// templates is every diagnostic, with a line of the log that has it.
func (b *htmlBuilder) templates() htmlSection {
	s := htmlSection{ID: "diagnostics", Title: "Diagnostics of failed attempts", Note: "Ids, addresses and numbers are masked; below each is the earliest reply that has it, and its place in the log."}
	table := &htmlTable{Name: "Diagnostics", Class: "long texts", Head: heads("reply", "#attempts", "last", "diagnostic and evidence")}
	named := 0
	for i := range b.r.Templates {
		t := &b.r.Templates[i]
		text := htmlText(t.Text)
		reply := htmlCell{Text: shorten(replyName(t.ReplyCode, t.EnhancedCode), 40), Class: "reply", Mark: classColour(t.Class)}
		switch {
		case t.Folded:
			text, reply = htmlDim("(all other diagnostics)"), htmlCell{}
		case named == b.limit(htmlTemplates):
			continue
		default:
			named++
			if t.Example != nil {
				text.Code, text.Place = evidence(t.Example)
			}
		}
		table.Rows = append(table.Rows, []htmlCell{reply, htmlCount(t.Count), htmlTime(t.Last), text})
	}
	if len(table.Rows) > 0 {
		table.Note = leftOut(named, b.r.TemplatesTotal, "diagnostics")
		s.Parts = append(s.Parts, htmlPart{Table: table})
	}
	return s
}

func (b *htmlBuilder) replies() htmlSection {
	s := htmlSection{ID: "replies", Title: "Reply codes"}
	shown := cut(b.r.Replies, b.limit(htmlRows))
	if len(shown) == 0 {
		return s
	}
	table := &htmlTable{Name: "Reply codes", Class: "long", Head: heads("reply", "class", "#attempts", "#share", "meaning"),
		Note: leftOut(len(shown), b.r.RepliesTotal, "replies")}
	for i := range shown {
		x := &shown[i]
		table.Rows = append(table.Rows, []htmlCell{{Text: shorten(replyName(x.ReplyCode, x.EnhancedCode), 40), Class: "reply"}, htmlMark(x.Class, classColour(x.Class)), htmlCount(x.Count),
			htmlRate(x.Share), htmlDim(replyMeaning(x))})
	}
	s.Parts = append(s.Parts, htmlPart{Table: table})
	return s
}

// apart is what is in none of the numbers above.
func (b *htmlBuilder) apart() htmlSection {
	s := htmlSection{ID: "apart", Title: "Counted apart", Note: "In none of the numbers above."}
	t := &b.r.Totals
	whole := &htmlTable{Name: "Attempts counted apart", Head: heads("what", "#attempts", "#sent", "#deferred", "#bounced", "meaning")}
	for _, x := range t.apartAttempts() {
		whole.Rows = append(whole.Rows, []htmlCell{htmlText(x.name), htmlCount(x.Attempts.Attempts), htmlCount(x.Sent), htmlCount(x.Deferred), htmlCount(x.Bounced), htmlDim(x.what)})
	}
	if len(whole.Rows) > 0 {
		s.Parts = append(s.Parts, htmlPart{Table: whole})
	}
	if o := &t.Notifications.Outcomes; *o != (Outcomes{}) {
		s.Parts = append(s.Parts, htmlPart{Text: fmt.Sprintf("Of the notifications, %s were delivered, %s bounced, %s expired, %s are pending and %s lost.",
			count(o.Delivered), count(o.Bounced), count(o.Expired), count(o.Pending), count(o.Lost))})
	}
	rest := &htmlTable{Name: "Other events counted apart", Head: heads("what", "#count", "meaning")}
	for _, x := range t.apartEvents() {
		rest.Rows = append(rest.Rows, []htmlCell{htmlText(x.name), htmlCount(x.n), htmlDim(x.what)})
	}
	if len(rest.Rows) > 0 {
		s.Parts = append(s.Parts, htmlPart{Table: rest})
	}
	return s
}

// lines is the ledger.
func (b *htmlBuilder) lines() htmlSection {
	s := htmlSection{ID: "lines", Title: "The ledger of lines", Note: "Every line that was read is in one of six buckets, and they sum to the total."}
	c := &b.r.Coverage
	if c.Lines == 0 && c.Skipped == 0 && c.Dropped == 0 {
		return s
	}
	bar := &htmlBar{Name: "Lines by bucket"}
	table := &htmlTable{Name: "Lines by bucket", Head: heads("bucket", "#lines", "meaning")}
	for _, x := range []struct {
		name, class, what string
		n                 int64
	}{
		{"delivery", "sent", "tell of a delivery attempt or its end", c.Delivery},
		{"context", "pending", "known, and used to join the others", c.Context},
		{"ignored", "unclear", "known, and not about delivery; or another program's", c.Ignored},
		{"unrecognised", "deferred", "no format knows them", c.Unrecognised},
		{"malformed", "bounced", "should parse, and do not", c.Malformed},
		{"overlong", "expired", "longer than the limit", c.Overlong},
	} {
		bar.add(x.n, x.name, x.class)
		table.Rows = append(table.Rows, []htmlCell{htmlMark(x.name, x.class), htmlCount(x.n), htmlDim(x.what)})
	}
	table.Rows = append(table.Rows, []htmlCell{{Text: "total", Class: "total"}, {Text: count(c.Lines), Class: "n total"}, {Text: percent(c.Recognised) + " recognised", Class: "total"}})
	s.Parts = append(s.Parts, htmlPart{Bar: bar.done()}, htmlPart{Table: table})
	for _, x := range []struct {
		n         int64
		one, many string
		what      string
	}{
		{c.Skipped, "line after the window was", "lines after the window were", " not read."},
		{c.Dropped, "line was", "lines were", " left out as repeats of others."},
		{c.Repeats, "delivery record stands", "delivery records stand", " in the log as “message repeated” only."},
		{c.Gaps, "line says", "lines say", " that lines were lost before they were written."},
	} {
		if x.n > 0 {
			s.Parts = append(s.Parts, htmlPart{Text: plural(x.n, x.one, x.many) + x.what})
		}
	}
	if list := c.Samples; len(list) > 0 {
		shown := cut(list, b.limit(htmlRows))
		t := &htmlTable{Name: "Lines not understood", Class: "long texts", Head: heads("bucket", "line"), Note: leftOut(len(shown), len(list), "samples")}
		for _, x := range shown {
			text := htmlText(x.Reason)
			text.Code, text.Place = shorten(x.Text, 400), shorten(where(x.File, x.Line), htmlNameWidth)
			t.Rows = append(t.Rows, []htmlCell{htmlText(x.Bucket), text})
		}
		s.Parts = append(s.Parts, htmlPart{Head: "Lines not understood"}, htmlPart{Table: t})
	}
	if list := c.ForeignPrograms; len(list) > 0 {
		shown := cut(list, b.limit(htmlRows))
		t := &htmlTable{Name: "Other programs", Class: "long", Head: heads("program", "#lines"), Note: leftOut(len(shown), len(list), "programs")}
		for _, x := range shown {
			name := htmlName(x.Name)
			if x.Folded {
				name = htmlDim("(all others)")
			}
			t.Rows = append(t.Rows, []htmlCell{name, htmlCount(x.Lines)})
		}
		s.Parts = append(s.Parts, htmlPart{Head: "Other programs in the log"}, htmlPart{Table: t})
	}
	if list := c.Hosts; len(list) > 0 {
		shown := cut(list, b.limit(htmlRows))
		t := &htmlTable{Name: "Hosts", Class: "long", Head: heads("host", "#lines", "first", "last"), Note: leftOut(len(shown), len(list), "hosts")}
		for _, x := range shown {
			name := htmlName(x.Name)
			if x.Folded {
				name = htmlDim("(all other hosts)")
			}
			t.Rows = append(t.Rows, []htmlCell{name, htmlCount(x.Lines), htmlTime(x.First), htmlTime(x.Last)})
		}
		s.Parts = append(s.Parts, htmlPart{Head: "Hosts"}, htmlPart{Table: t})
	}
	return s
}

func (b *htmlBuilder) inputs() htmlSection {
	s := htmlSection{ID: "inputs", Title: "Inputs"}
	shown := cut(b.r.Inputs, b.limit(htmlRows))
	if len(shown) == 0 {
		return s
	}
	table := &htmlTable{Name: "Inputs", Class: "long", Head: heads("input", "format", "#lines", "#bytes", "first", "last", "hosts", "note"),
		Note: leftOut(len(shown), len(b.r.Inputs), "inputs")}
	for i := range shown {
		x := &shown[i]
		table.Rows = append(table.Rows, []htmlCell{htmlName(x.Name), htmlText(strings.Join(inputKind(x), ", ")), htmlCount(x.Lines), htmlCount(x.Bytes),
			htmlTime(x.First), htmlTime(x.Last), htmlName(strings.Join(x.Hosts, ", ")), htmlText(x.Note)})
	}
	s.Parts = append(s.Parts, htmlPart{Table: table})
	return s
}
