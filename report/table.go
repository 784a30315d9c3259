package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// The layout of the tables.
const (
	pipeWidth  = 100 // where there is no terminal
	leastWidth = 60
	mostWidth  = 160 // wider lines are hard to read
	defaultTop = 10
	gutter     = 2
)

// writeTable writes r for people: what matters first, then one table after the other.
func writeTable(w io.Writer, r *Report, o WriteOptions) error {
	p := &printer{width: pipeWidth, top: defaultTop, color: o.Color}
	if o.Top > 0 {
		p.top = o.Top
	}
	if o.Width > 0 {
		p.width = min(max(o.Width, leastWidth), mostWidth)
	}
	for _, section := range []func(*Report){p.head, p.comparison, p.hints, p.outcomes, p.classes, p.categories, p.replies, p.providers, p.deliveryTimes,
		p.domains, p.senders, p.breakdowns, p.templates, p.apart, p.coverage} {
		section(r)
	}
	if p.err != nil {
		return fmt.Errorf("lay out table: %w", p.err)
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// A printer lays a report out. The first error of tablewriter is kept in err.
type printer struct {
	out   bytes.Buffer
	width int
	top   int
	color bool
	err   error
}

// A style is an SGR sequence of ECMA-48 8.3.117.
type style string

const (
	plain  style = ""
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	reset        = "\x1b[0m"
)

// classStyle is the colour of a class.
func classStyle(class string) style {
	switch class {
	case "success":
		return green
	case "transient":
		return yellow
	case "permanent":
		return red
	}
	return plain
}

func (p *printer) paint(s string, st style) string {
	if !p.color || st == plain || s == "" {
		return s
	}
	return string(st) + s + reset
}

// A column is one of a table. Where the table is too wide, columns with a least width shrink to it, the last one first;
// where that is not enough, spare columns are left out, the last one first.
type column struct {
	title string
	right bool
	least int // 0: does not shrink
	most  int // 0: any width
	spare bool
}

// A cell is a text of any origin, and its style.
type cell struct {
	text  string
	style style
}

func plainCell(s string) cell    { return cell{text: s} }
func countCell(n int64) cell     { return cell{text: count(n)} }
func rateCell(r *float64) cell   { return cell{text: percent(r)} }
func classCell(c string) cell    { return cell{c, classStyle(c)} }
func dimCell(s string) cell      { return cell{s, dim} }
func cells(texts ...cell) []cell { return texts }

// title begins a section.
func (p *printer) title(name, note string) {
	p.out.WriteByte('\n')
	p.out.WriteString(p.paint(name, bold))
	if note != "" {
		p.out.WriteString("  " + p.paint(fit(Visible(note), p.width-2-displayWidth(name)), dim))
	}
	p.out.WriteByte('\n')
}

// table prints rows under the titles of their columns.
//
// Note: tablewriter cuts and pads by rules of its own: right-aligned cells vanish without left padding, a cell that is too
// long loses its end without a sign, and widths depend on the locale of the environment, which would make the same report
// come out in different bytes. So cells arrive as wide as their columns, and tablewriter has nothing left to decide.
func (p *printer) table(cols []column, rows [][]cell) {
	if p.err != nil {
		return
	}
	cols, rows, widths := p.layout(cols, rows)
	header := make([]cell, len(cols))
	for i, c := range cols {
		header[i] = cell{c.title, dim}
	}
	lines := make([][]string, 0, len(rows)+1)
	for _, row := range append([][]cell{header}, rows...) {
		line := make([]string, len(cols))
		for i, c := range row {
			line[i] = p.pad(c, cols[i].right, widths[i], i > 0)
		}
		lines = append(lines, line)
	}
	p.err = p.render(lines)
}

// layout returns the columns for which there is room, their cells, and their widths without the gutters.
func (p *printer) layout(cols []column, rows [][]cell) ([]column, [][]cell, []int) {
	widths := make([]int, len(cols))
	total := gutter * (len(cols) - 1)
	for i, c := range cols {
		w := displayWidth(c.title)
		for _, row := range rows {
			w = max(w, columns(Visible(row[i].text)))
		}
		if c.most > 0 {
			w = min(w, max(c.most, displayWidth(c.title)))
		}
		widths[i] = w
		total += w
	}
	for i := len(cols) - 1; i >= 0 && total > p.width; i-- {
		if least := cols[i].least; least > 0 && widths[i] > least {
			w := max(least, widths[i]-(total-p.width))
			total -= widths[i] - w
			widths[i] = w
		}
	}
	for i := len(cols) - 1; i >= 0 && total > p.width; i-- {
		if cols[i].spare {
			return p.layout(without(cols, rows, i))
		}
	}
	return cols, rows, widths
}

// without returns the table without its i-th column.
func without(cols []column, rows [][]cell, i int) ([]column, [][]cell) {
	fewer := make([][]cell, len(rows))
	for j, row := range rows {
		fewer[j] = slices.Concat(row[:i], row[i+1:])
	}
	return slices.Concat(cols[:i], cols[i+1:]), fewer
}

// pad returns the text of a cell, safe for a terminal and width columns wide, with the gutter in front.
func (p *printer) pad(c cell, right bool, width int, between bool) string {
	s := fit(Visible(c.text), width)
	blank := strings.Repeat(" ", width-displayWidth(s))
	s = p.paint(s, c.style)
	if right {
		s = blank + s
	} else {
		s += blank
	}
	if between {
		s = strings.Repeat(" ", gutter) + s
	}
	return s
}

// render has tablewriter print lines, of which the first is the header, and takes the blanks off their ends.
func (p *printer) render(lines [][]string) error {
	twwidth.SetOptions(twwidth.Options{}) // not the environment's
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone}, // no capitals, no wrapping
		Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
		Padding:    tw.CellPadding{Global: tw.PaddingNone},
	}
	var b bytes.Buffer
	t := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{
				Separators: tw.SeparatorsNone,
				Lines:      tw.Lines{ShowTop: tw.Off, ShowBottom: tw.Off, ShowHeaderLine: tw.On, ShowFooterLine: tw.Off},
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: cell, Row: cell,
			Behavior: tw.Behavior{TrimSpace: tw.Off, TrimLine: tw.Off, AutoHide: tw.Off},
		}))
	t.Header(lines[0])
	for _, l := range lines[1:] {
		if err := t.Append(l); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	for line := range bytes.Lines(b.Bytes()) {
		p.out.Write(bytes.TrimRight(line, " \n"))
		p.out.WriteByte('\n')
	}
	return nil
}

// head is what someone reads who reads no further.
func (p *printer) head(r *Report) {
	p.out.WriteString(p.paint(Visible(strings.TrimSpace(r.Tool.Name+" "+r.Tool.Version)), bold) + "\n\n")
	o, t := &r.Outcomes, &r.Totals
	if r.Totals.Attempts.Attempts == 0 {
		p.fact("Result", "no delivery attempts in these logs", bold)
	}
	if t.BounceRate != nil {
		p.fact("Bounce rate", fmt.Sprintf("%s: %s bounced and %s expired of %s", percent(t.BounceRate), count(o.Bounced),
			count(o.Expired), plural(o.Settled(), "settled delivery", "settled deliveries")), bold)
	}
	if t.DeferralRate != nil {
		p.fact("Deferral rate", fmt.Sprintf("%s: %s deferred of %s; %s", percent(t.DeferralRate), count(t.Deferred),
			plural(t.Attempts.Attempts, "attempt", "attempts"), pending(o.Pending)), bold)
	} else if t.Attempts.Attempts > 0 {
		p.fact("Deferral rate", "not known: programs that write these logs may leave deferrals out, and there is none", plain)
	}
	for i := range r.Replies {
		if f := &r.Replies[i]; f.Class == "transient" || f.Class == "permanent" {
			p.fact("Top failure", fmt.Sprintf("%s (%s): %s, %s of all", replyName(f.ReplyCode, f.EnhancedCode), f.Class,
				plural(f.Count, "attempt", "attempts"), percent(f.Share)), classStyle(f.Class))
			p.fact("", replyMeaning(f), plain)
			break
		}
	}
	p.fact("Window", span(r.Window.First, r.Window.Last), plain)
	if asked := asked(r, Visible); asked != "" {
		p.fact("", asked, plain)
	}
	c := &r.Coverage
	switch bad := c.NotUnderstood(); {
	case bad > 0:
		p.fact("Lines", fmt.Sprintf("%s, %s recognised, %s not", count(c.Lines), percent(c.Recognised), count(bad)), yellow)
	case c.Lines > 0:
		p.fact("Lines", count(c.Lines)+", all recognised", plain)
	default:
		p.fact("Lines", "none", plain)
	}
	if n := c.Foreign(); n > 0 {
		p.fact("", plural(n, "line is", "lines are")+" of other programs: "+foreign(c.ForeignPrograms), plain)
	}
	if c.Gaps > 0 {
		p.fact("", plural(c.Gaps, "line says", "lines say")+" that the logger dropped lines: all numbers are lower bounds", yellow)
	}
	p.inputs(r.Inputs)
}

// foreign returns which other programs there are, the most talkative first.
func foreign(programs []Program) (names string) {
	for i, x := range programs {
		switch {
		case i < 3:
			if i > 0 {
				names += ", "
			}
			names += Visible(x.Name)
		case i == 3:
			names += ", …"
		}
	}
	return names
}

func (p *printer) inputs(in []Input) {
	if len(in) == 1 {
		x := &in[0]
		p.fact("Input", strings.Join(append([]string{x.Name}, inputWords(x)...), ", "), plain)
		if x.Note != "" {
			p.fact("", x.Note, yellow)
		}
		return
	}
	if len(in) == 0 {
		return
	}
	shown := cut(in, p.top)
	p.title("INPUTS", ofAll(len(shown), len(in)))
	var rows [][]cell
	var notes []string
	for i := range shown {
		x := &shown[i]
		rows = append(rows, cells(plainCell(x.Name), plainCell(strings.Join(inputKind(x), ", ")), countCell(x.Lines),
			plainCell(minute(x.First)), plainCell(minute(x.Last))))
		if x.Note != "" {
			notes = append(notes, x.Name+": "+x.Note)
		}
	}
	p.table([]column{{title: "input", least: 16, most: 60}, {title: "format", least: 7}, {title: "lines", right: true},
		{title: "first"}, {title: "last", spare: true}}, rows)
	for _, n := range notes {
		p.note(n)
	}
}

func inputKind(x *Input) []string {
	words := append([]string{}, x.Formats...)
	if x.Compression != "" {
		words = append(words, x.Compression)
	}
	return words
}

func inputWords(x *Input) []string {
	return append(inputKind(x), plural(x.Lines, "line", "lines"), plural(x.Bytes, "byte", "bytes"))
}

func (p *printer) outcomes(r *Report) {
	o := &r.Outcomes
	if *o == (AllOutcomes{}) {
		return
	}
	p.title("OUTCOMES", "one for each message and recipient")
	p.table([]column{{title: "outcome"}, {title: "deliveries", right: true}, {title: "meaning", least: 10}}, [][]cell{
		cells(plainCell("delivered"), countCell(o.DeliveredFirst), plainCell("at the first try")),
		cells(plainCell(""), countCell(o.DeliveredLater), plainCell("after a deferral")),
		cells(plainCell(""), countCell(o.DeliveredUnknown), plainCell("the log does not hold the beginning")),
		cells(cell{"bounced", red}, countCell(o.Bounced), plainCell("given up, returned to the sender")),
		cells(cell{"expired", red}, countCell(o.Expired), plainCell("given up because the queue lifetime ran out")),
		cells(cell{"pending", yellow}, countCell(o.Pending), plainCell("still deferred at the end of the log")),
		cells(plainCell("lost"), countCell(o.Lost), plainCell("left the queue while deferred, or silent for too long")),
	})
}

func (p *printer) classes(r *Report) {
	t := &r.Totals
	if t.Attempts.Attempts == 0 {
		return
	}
	p.title("ATTEMPTS", fmt.Sprintf("%s: %s sent, %s deferred, %s bounced", count(t.Attempts.Attempts), count(t.Sent),
		count(t.Deferred), count(t.Bounced)))
	meaning := map[string]string{
		"success":   "accepted",
		"transient": "failed for now, to be tried again",
		"permanent": "failed for good",
		"unknown":   "neither a code nor the MTA told",
	}
	var rows [][]cell
	for _, c := range r.Classes {
		rows = append(rows, cells(classCell(c.Class), countCell(c.Count), rateCell(c.Share), plainCell(meaning[c.Class])))
	}
	p.table([]column{{title: "class"}, {title: "attempts", right: true}, {title: "share", right: true},
		{title: "meaning", least: 10}}, rows)
	var origins []string
	for _, o := range t.Origins {
		if o.Count > 0 {
			origins = append(origins, count(o.Count)+" "+o.Origin)
		}
	}
	p.note("Who said so: " + strings.Join(origins, ", ") + ".")
	if t.Overridden > 0 {
		p.note(plural(t.Overridden, "attempt has", "attempts have") + " a status that contradicts the reply.")
	}
	if t.Conflicts > 0 {
		p.note(plural(t.Conflicts, "attempt has", "attempts have") + " a reply code and an enhanced code of different classes.")
	}
}

func (p *printer) replies(r *Report) {
	shown := cut(r.Replies, p.top)
	if len(shown) == 0 {
		return
	}
	p.title("REPLY CODES", ofAll(len(shown), r.RepliesTotal))
	var rows [][]cell
	for i := range shown {
		x := &shown[i]
		rows = append(rows, cells(plainCell(replyName(x.ReplyCode, x.EnhancedCode)), classCell(x.Class), countCell(x.Count),
			rateCell(x.Share), plainCell(replyMeaning(x))))
	}
	p.table([]column{{title: "reply"}, {title: "class"}, {title: "attempts", right: true}, {title: "share", right: true},
		{title: "meaning", least: 20}}, rows)
}

func (p *printer) domains(r *Report) {
	var shown []Domain
	for i := range r.Domains {
		if d := &r.Domains[i]; d.Folded || len(shown) < p.top {
			shown = append(shown, *d)
		}
	}
	if len(shown) == 0 {
		return
	}
	named := 0
	var rows [][]cell
	for i := range shown {
		d := &shown[i]
		name := plainCell(d.Domain)
		if d.Folded {
			name = dimCell("(all other domains)")
		} else {
			named++
		}
		row := tallyCells(name, &d.Tally)
		if x := d.TopReply; x != nil {
			row = append(row, cell{replyName(x.ReplyCode, x.EnhancedCode), classStyle(x.Class)}, countCell(x.Count))
		} else {
			row = append(row, plainCell(""), plainCell(""))
		}
		rows = append(rows, row)
	}
	p.title("RECIPIENT DOMAINS", ofAll(named, r.DomainsTotal))
	p.table(append(tallyColumns("domain"), column{title: "mostly"}, column{title: "times", right: true, spare: true}), rows)
}

func (p *printer) senders(r *Report) {
	var rows [][]cell
	named := 0
	for i := range r.Senders {
		s := &r.Senders[i]
		switch {
		case s.Folded:
			rows = append(rows, tallyCells(dimCell("(all other senders)"), &s.Tally))
		case named < p.top:
			named++
			rows = append(rows, tallyCells(plainCell(s.SenderDomain), &s.Tally))
		}
	}
	if len(rows) == 0 {
		return
	}
	p.title("SENDER DOMAINS", ofAll(named, r.SendersTotal))
	p.table(tallyColumns("domain"), rows)
}

func tallyColumns(name string) []column {
	return []column{{title: name, least: 16, most: 50}, {title: "attempts", right: true}, {title: "sent", right: true, spare: true},
		{title: "deferred", right: true}, {title: "bounced", right: true}, {title: "expired", right: true},
		{title: "rate", right: true}}
}

// tallyCells are those of one row. Bounced counts attempts, expired outcomes: an expiry is no attempt.
func tallyCells(name cell, t *Tally) []cell {
	return cells(name, countCell(t.Attempts.Attempts), countCell(t.Sent), countCell(t.Deferred), countCell(t.Attempts.Bounced),
		countCell(t.Outcomes.Expired), rateCell(t.BounceRate))
}

// templates prints every diagnostic, its class, and below it a line of the log that has it.
func (p *printer) templates(r *Report) {
	replyWidth := len("permanent")
	for i := range cut(r.Templates, p.top) {
		replyWidth = max(replyWidth, len(replyName(r.Templates[i].ReplyCode, r.Templates[i].EnhancedCode)))
	}
	textWidth := p.width - len("attempts") - replyWidth - 2*gutter
	var rows [][]cell
	named := 0
	for i := range r.Templates {
		t := &r.Templates[i]
		var texts []cell
		switch {
		case t.Folded:
			texts = cells(dimCell("(all other diagnostics)"))
		case named == p.top:
			continue
		default:
			named++
			for _, line := range wrap(Visible(t.Text), textWidth, 2) {
				texts = append(texts, plainCell(line))
			}
		}
		if t.Example != nil && !t.Folded {
			for _, line := range wrap(Visible(place(t.Example)), textWidth, 2) {
				texts = append(texts, dimCell(line))
			}
		}
		if len(texts) == 1 && !t.Folded {
			texts = append(texts, plainCell("")) // the class has the second line
		}
		for i, text := range texts {
			row := cells(plainCell(""), plainCell(""), text)
			switch {
			case i == 0:
				row[0] = countCell(t.Count)
				if !t.Folded {
					row[1] = plainCell(replyName(t.ReplyCode, t.EnhancedCode))
				}
			case i == 1:
				row[1] = classCell(t.Class)
			}
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return
	}
	p.title("DIAGNOSTICS OF FAILED ATTEMPTS", ofAll(named, r.TemplatesTotal))
	p.table([]column{{title: "attempts", right: true}, {title: "reply"}, {title: "diagnostic", least: 30}}, rows)
}

func (p *printer) apart(r *Report) {
	var rows [][]cell
	for _, x := range r.Totals.apart() {
		rows = append(rows, cells(plainCell(x.name), countCell(x.n), plainCell(x.what)))
	}
	if len(rows) == 0 {
		return
	}
	p.title("COUNTED APART", "in none of the numbers above")
	p.table([]column{{title: "what"}, {title: "count", right: true}, {title: "meaning", least: 10}}, rows)
}

func (p *printer) coverage(r *Report) {
	c := &r.Coverage
	if c.Lines == 0 && c.Skipped == 0 && c.Dropped == 0 {
		return
	}
	bad := func(n int64) style {
		if n > 0 {
			return yellow
		}
		return plain
	}
	p.title("LINES", "every line that was read is in one of six buckets")
	p.table([]column{{title: "bucket"}, {title: "lines", right: true}, {title: "meaning", least: 10}}, [][]cell{
		cells(plainCell("delivery"), countCell(c.Delivery), plainCell("tell of a delivery attempt or its end")),
		cells(plainCell("context"), countCell(c.Context), plainCell("known, and used to join the others")),
		cells(plainCell("ignored"), countCell(c.Ignored), plainCell("known, and not about delivery; or another program's")),
		cells(cell{"unrecognised", bad(c.Unrecognised)}, countCell(c.Unrecognised), plainCell("no format knows them")),
		cells(cell{"malformed", bad(c.Malformed)}, countCell(c.Malformed), plainCell("should parse, and do not")),
		cells(cell{"overlong", bad(c.Overlong)}, countCell(c.Overlong), plainCell("longer than the limit")),
		cells(plainCell("total"), countCell(c.Lines), plainCell("")),
	})
	if c.Skipped > 0 {
		p.note(plural(c.Skipped, "line after the window was", "lines after the window were") + " not read.")
	}
	if c.Dropped > 0 {
		p.note(plural(c.Dropped, "line was", "lines were") + " left out as repeats of others.")
	}
	if c.Repeats > 0 {
		p.note(plural(c.Repeats, "delivery record stands", "delivery records stand") + " in the log as `message repeated` only.")
	}
	if n := len(c.ForeignPrograms); n > 0 {
		var names []string
		for _, x := range cut(c.ForeignPrograms, p.top) {
			name := x.Name
			if x.Folded {
				name = "(all others)"
			}
			names = append(names, fmt.Sprintf("%s (%s)", name, count(x.Lines)))
		}
		if n > len(names) {
			names = append(names, "…")
		}
		p.note("Other programs: " + strings.Join(names, ", ") + ".")
	}
	p.hosts(c.Hosts)
	p.samples(c.Samples)
}

func (p *printer) hosts(hosts []Host) {
	if len(hosts) < 2 {
		return
	}
	shown := cut(hosts, p.top)
	p.title("HOSTS", ofAll(len(shown), len(hosts)))
	var rows [][]cell
	for _, h := range shown {
		name := plainCell(h.Name)
		if h.Folded {
			name = dimCell("(all other hosts)")
		}
		rows = append(rows, cells(name, countCell(h.Lines), plainCell(when(h.First)), plainCell(when(h.Last))))
	}
	p.table([]column{{title: "host", least: 12, most: 60}, {title: "lines", right: true}, {title: "first"}, {title: "last"}}, rows)
}

func (p *printer) samples(samples []Sample) {
	shown := cut(samples, p.top)
	if len(shown) == 0 {
		return
	}
	p.title("LINES NOT UNDERSTOOD", ofAll(len(shown), len(samples)))
	var rows [][]cell
	for _, s := range shown {
		text := s.Text
		if s.Reason != "" {
			text = s.Reason + ": " + text
		}
		rows = append(rows, cells(plainCell(s.Bucket), plainCell(where(s.File, s.Line)), plainCell(text)))
	}
	p.table([]column{{title: "bucket"}, {title: "place", least: 16, most: 40}, {title: "line", least: 30}}, rows)
}

// factWidth is how wide the names of facts are, the gutter in it.
const factWidth = len("Deferral rate") + gutter

// fact prints a name and what is to be said of it, on as many lines as it takes.
func (p *printer) fact(name, text string, st style) {
	for i, line := range wrap(Visible(text), p.width-factWidth, 4) {
		if i > 0 {
			name = ""
		}
		p.out.WriteString(p.paint(name, dim))
		p.out.WriteString(strings.Repeat(" ", factWidth-len(name)))
		p.out.WriteString(p.paint(line, st) + "\n")
	}
}

// note prints a sentence below a table.
func (p *printer) note(text string) {
	for _, line := range wrap(Visible(text), p.width, 4) {
		p.out.WriteString(line + "\n")
	}
}

func pending(n int64) string {
	if n == 0 {
		return "nothing is pending"
	}
	return plural(n, "delivery is", "deliveries are") + " still pending"
}

// replyName is how a reply is called: `550 5.1.1`.
func replyName(code int, enhanced string) string {
	switch {
	case code == 0 && enhanced == "":
		return "no reply"
	case code == 0:
		return enhanced
	case enhanced == "":
		return strconv.Itoa(code)
	}
	return strconv.Itoa(code) + " " + enhanced
}

func replyMeaning(r *Reply) string {
	if r.ReplyCode == 0 && r.EnhancedCode == "" {
		return "no server answered, or not in SMTP"
	}
	meaning, enhanced := r.Meaning, r.EnhancedMeaning
	if meaning != "" && strings.HasSuffix(r.EnhancedCode, ".0") { // RFC 3463 3: a detail of 0 is other or undefined
		enhanced = ""
	}
	if r.Standing != "" && r.Standing != "standard" {
		meaning = "(" + r.Standing + ") " + meaning
	}
	// The enhanced code says more, and the end of a long text is cut.
	if meaning != "" && enhanced != "" {
		return enhanced + " · " + meaning
	}
	return meaning + enhanced
}

// asked says what was asked for, where that is not all there is: of what time, and as said by the user of what mail.
func asked(r *Report, said func(string) string) string {
	var words []string
	if r.Window.Since != "" {
		words = append(words, "since "+when(r.Window.Since))
	}
	if r.Window.Until != "" {
		words = append(words, "until "+when(r.Window.Until))
	}
	if s := r.Selection.String(); s != "" {
		words = append(words, said(s))
	}
	if words == nil {
		return ""
	}
	return "asked for: " + strings.Join(words, " ")
}

func span(first, last string) string {
	if first == "" {
		return "no time in the log"
	}
	return when(first) + " to " + when(last) + " UTC"
}

// when cuts an RFC 3339 time of the report down to seconds: `2026-11-20 10:08:00`.
func when(t string) string {
	t = strings.TrimSuffix(t, "Z")
	t, _, _ = strings.Cut(t, ".")
	return strings.Replace(t, "T", " ", 1)
}

// minute is when without the seconds.
func minute(t string) string {
	t = when(t)
	return t[:min(len(t), len("2006-01-02 15:04"))]
}

// place is an example with its place in front.
func place(e *Example) string {
	if at := where(e.File, e.Line); at != "" {
		return at + "  " + e.Text
	}
	return e.Text
}

func where(file string, line int64) string {
	if line == 0 {
		return file
	}
	return file + ":" + strconv.FormatInt(line, 10)
}

// ofAll says that rows are missing.
func ofAll(shown, all int) string {
	if shown >= all {
		return ""
	}
	return fmt.Sprintf("%s of %s", count(int64(shown)), count(int64(all)))
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// count writes n with separators: 1,234,567.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// percent writes a rate. What is not quite nothing, or not quite all, does not look like it.
func percent(r *float64) string {
	if r == nil {
		return "–"
	}
	s := strconv.FormatFloat(*r*100, 'f', 2, 64) + "%"
	switch {
	case s == "0.00%" && *r > 0:
		return "<0.01%"
	case s == "100.00%" && *r < 1:
		return ">99.99%"
	}
	return s
}

// displayWidth returns how many columns s takes on a terminal.
func displayWidth(s string) int { return twwidth.WidthWithOptions(s, twwidth.Options{}) }

// columns returns how many columns s is given: what it takes, and one for four marks without a width, so that there is an
// end to how many can be piled up.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += quarters(r)
	}
	return (n + 3) / 4
}

// quarters returns what columns counts for one rune, in quarters of a column.
func quarters(r rune) int {
	if r < utf8.RuneSelf {
		return 4
	}
	return max(1, 4*displayWidth(string(r)))
}

// fit cuts s to width columns, the last of which is … where something is missing.
func fit(s string, width int) string {
	if prefix(s, width) == len(s) {
		return s
	}
	return s[:prefix(s, width-1)] + "…"
}

// prefix returns the length of the longest beginning of s that gets along with width columns.
func prefix(s string, width int) int {
	left := 4 * width
	for i, r := range s {
		if left -= quarters(r); left < 0 {
			return i
		}
	}
	return len(s)
}

// wrap breaks s into lines of width columns, at blanks where there are some, and cuts the last of at most n lines.
func wrap(s string, width, n int) []string {
	var lines []string
	for len(lines) < n-1 {
		end := prefix(s, width)
		if end == len(s) {
			break
		}
		next := end
		if i := strings.LastIndexByte(s[:min(end+1, len(s))], ' '); i > end/3 {
			end, next = i, i+1
		}
		lines = append(lines, strings.TrimRight(s[:end], " "))
		s = s[next:]
	}
	return append(lines, fit(s, width))
}
