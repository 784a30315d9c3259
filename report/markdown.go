package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// The bounds of a Markdown report. Issues and comments of the usual forges hold some 65,000 characters.
const (
	maxMarkdownText  = 200 // columns of one text of the log
	maxMarkdownHours = 48
)

// writeMarkdown writes r as GitHub Flavored Markdown, for issues, mail and chat: what matters first, then tables.
func writeMarkdown(w io.Writer, r *Report, o WriteOptions) error {
	m := &markdown{sink: newSink(w), top: defaultTop}
	if o.Top > 0 {
		m.top = o.Top
	}
	for _, section := range []func(*Report){m.head, m.comparison, m.hints, m.outcomes, m.classes, m.categories, m.replies, m.providers, m.times,
		m.domains, m.senders, m.breakdowns, m.timeline, m.templates, m.apart, m.coverage} {
		section(r)
	}
	return m.Flush()
}

// A markdown lays a report out.
type markdown struct {
	sink
	top int
}

// code returns a text that somebody else chose as a code span (CommonMark 6.1): there is no HTML in it, no link, no
// mention and no emphasis.
//
// In a table, `|` ends a cell even there, unless an odd number of backslashes is before it. Renderers differ in what they do
// with an even one, so a backslash that stands before a `|` is doubled.
func code(s string) string {
	s = fit(Visible(s), maxMarkdownText)
	if s == "" {
		return ""
	}
	longest, run := 0, 0
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
		if s[i] == '|' {
			before := b.String()
			if n := len(before) - len(strings.TrimRight(before, `\`)); n%2 == 1 {
				b.WriteByte('\\')
			}
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	fence, text := strings.Repeat("`", longest+1), b.String()
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// proseEscapes are of what has a meaning in a line of Markdown.
var proseEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, `|`, `\|`,
	`~`, `\~`, `#`, `\#`, `&`, `\&`, `$`, `\$`, `!`, `\!`, `@`, `\@`)

// prose returns a text of our own, or of the rules', as it reads.
func prose(s string) string { return proseEscapes.Replace(Visible(s)) }

// line writes one line.
func (m *markdown) line(s string) { m.buf = append(append(m.buf, s...), '\n') }

// title begins a section.
func (m *markdown) title(name, note string) {
	m.line("\n## " + name + "\n")
	if note != "" {
		m.line(note + "\n")
	}
}

// table writes rows under the titles of their columns, of which those that end in `:` are numbers. Cells are Markdown already.
func (m *markdown) table(titles []string, rows [][]string) {
	var head, rule strings.Builder
	for _, t := range titles {
		name, right := strings.CutSuffix(t, ":")
		head.WriteString("| " + name + " ")
		if right {
			rule.WriteString("|--:")
		} else {
			rule.WriteString("|---")
		}
	}
	m.line(head.String() + "|")
	m.line(rule.String() + "|")
	for _, row := range rows {
		m.line("| " + strings.Join(row, " | ") + " |")
	}
}

// shown says how many rows there are where not all are shown.
func shown(n, all int, what string) string {
	if n >= all {
		return ""
	}
	return ofAll(n, all) + " " + what + "."
}

func (m *markdown) head(r *Report) {
	m.line("# Delivery report\n")
	o, t, c := &r.Outcomes, &r.Totals, &r.Coverage
	if t.Attempts.Attempts == 0 {
		m.line("- **Result:** no delivery attempts in these logs")
	}
	if t.BounceRate != nil {
		m.line(fmt.Sprintf("- **Bounce rate:** %s: %s bounced and %s expired of %s", percent(t.BounceRate), count(o.Bounced), count(o.Expired),
			plural(o.Settled(), "settled delivery", "settled deliveries")))
	}
	switch {
	case t.DeferralRate != nil:
		m.line(fmt.Sprintf("- **Deferral rate:** %s: %s deferred of %s; %s", percent(t.DeferralRate), count(t.Deferred),
			plural(t.Attempts.Attempts, "attempt", "attempts"), pending(o.Pending)))
	case t.Attempts.Attempts > 0:
		m.line("- **Deferral rate:** not known: programs that write these logs may leave deferrals out, and there is none")
	}
	if i := slices.IndexFunc(r.Replies, func(x Reply) bool { return x.Class == "transient" || x.Class == "permanent" }); i >= 0 {
		x := &r.Replies[i]
		m.line(fmt.Sprintf("- **Top failure:** %s (%s): %s, %s of all: %s", replyName(x.ReplyCode, x.EnhancedCode), x.Class,
			plural(x.Count, "attempt", "attempts"), percent(x.Share), prose(replyMeaning(x))))
	}
	m.line("- **Window:** " + span(r.Window.First, r.Window.Last))
	if asked := asked(r, code); asked != "" {
		m.line("- **Asked for:** " + strings.TrimPrefix(asked, "asked for: "))
	}
	switch bad := c.NotUnderstood(); {
	case bad > 0:
		m.line(fmt.Sprintf("- **Lines:** %s, %s recognised, %s not", count(c.Lines), percent(c.Recognised), count(bad)))
	case c.Lines > 0:
		m.line("- **Lines:** " + count(c.Lines) + ", all recognised")
	default:
		m.line("- **Lines:** none")
	}
	if c.Gaps > 0 {
		m.line("- **Gaps:** " + plural(c.Gaps, "line says", "lines say") + " that the logger dropped lines: all numbers are lower bounds")
	}
	if r.Redaction != "" {
		m.line("- **Redacted:** " + prose(redactionWords[r.Redaction]))
	}
	for i := range cut(r.Inputs, m.top) {
		x := &r.Inputs[i]
		words := append([]string{code(x.Name)}, inputWords(x)...)
		m.line("- **Input:** " + strings.Join(words, ", "))
		if x.Note != "" {
			m.line("  - " + code(x.Note))
		}
	}
	if n := len(r.Inputs); n > m.top {
		m.line("- " + shown(m.top, n, "inputs are shown"))
	}
	m.line("- **Made by:** " + code(strings.TrimSpace(r.Tool.Name+" "+r.Tool.Version)))
}

func (m *markdown) hints(r *Report) {
	if len(r.Hints) == 0 {
		return
	}
	m.title("What to do", "In the order of what it would bring back.")
	for i := range cut(r.Hints, min(maxShownHints, m.top)) {
		h := &r.Hints[i]
		what := []string{code(h.Category)}
		for _, s := range []string{h.Sub, h.Provider} {
			if s != "" {
				what = append(what, code(s))
			}
		}
		m.line(fmt.Sprintf("%d. **%s undelivered**, %s, %s: %s", i+1, count(h.Undelivered), plural(h.Attempts, "attempt", "attempts"), strings.Join(what, ", "), prose(h.Text)))
		if h.URL != "" {
			m.line("   - " + link(h.URL))
		}
		if h.Example != nil {
			m.line("   - " + m.example(h.Example))
		}
	}
}

// link returns a URL of the rules as one that can be followed, if it is one and nothing else.
func link(url string) string {
	if strings.HasPrefix(url, "https://") && !strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>`|\\", r) }) {
		return "<" + url + ">"
	}
	return code(url)
}

// example is a line of the log with its place in front.
func (m *markdown) example(e *Example) string {
	if at := where(e.File, e.Line); at != "" {
		return code(at) + " " + code(e.Text)
	}
	return code(e.Text)
}

func (m *markdown) outcomes(r *Report) {
	o := &r.Outcomes
	if *o == (AllOutcomes{}) {
		return
	}
	m.title("Outcomes", "One for each message and recipient.")
	m.table([]string{"outcome", "deliveries:", "meaning"}, [][]string{
		{"delivered", count(o.DeliveredFirst), "at the first try"},
		{"", count(o.DeliveredLater), "after a deferral"},
		{"", count(o.DeliveredUnknown), "the log does not hold the beginning"},
		{"bounced", count(o.Bounced), "given up, returned to the sender"},
		{"expired", count(o.Expired), "given up because the queue lifetime ran out"},
		{"pending", count(o.Pending), "still deferred at the end of the log"},
		{"lost", count(o.Lost), "left the queue while deferred, or silent for too long"},
	})
}

func (m *markdown) classes(r *Report) {
	t := &r.Totals
	if t.Attempts.Attempts == 0 {
		return
	}
	m.title("Attempts", fmt.Sprintf("%s: %s sent, %s deferred, %s bounced.", count(t.Attempts.Attempts), count(t.Sent), count(t.Deferred), count(t.Bounced)))
	var rows [][]string
	for _, c := range r.Classes {
		rows = append(rows, []string{prose(c.Class), count(c.Count), percent(c.Share)})
	}
	m.table([]string{"class", "attempts:", "share:"}, rows)
	rows = nil
	for _, o := range t.Origins {
		if o.Count > 0 {
			rows = append(rows, []string{prose(o.Origin), count(o.Count), percent(o.Share)})
		}
	}
	m.line("")
	m.table([]string{"who said so", "attempts:", "share:"}, rows)
	if t.Overridden > 0 {
		m.line("\n" + plural(t.Overridden, "attempt has", "attempts have") + " a status that contradicts the reply.")
	}
	if t.Conflicts > 0 {
		m.line("\n" + plural(t.Conflicts, "attempt has", "attempts have") + " a reply code and an enhanced code of different classes.")
	}
}

func (m *markdown) categories(r *Report) {
	var rows [][]string
	for i := range r.Categories {
		c := &r.Categories[i]
		rows = append(rows, []string{code(c.Category), count(c.Attempts), percent(c.Share), count(c.Deferred), count(c.Bounced),
			count(c.Outcomes.Bounced), count(c.Outcomes.Expired), prose(c.Meaning)})
	}
	if len(rows) > 0 {
		m.title("Causes", "Of the attempts that failed, and of the recipients given up after one that failed so.")
		m.table([]string{"category", "attempts:", "share:", "deferred:", "bounced:", "given up:", "expired:", "meaning"}, rows)
	}
}

func (m *markdown) replies(r *Report) {
	var rows [][]string
	for i := range cut(r.Replies, m.top) {
		x := &r.Replies[i]
		rows = append(rows, []string{prose(replyName(x.ReplyCode, x.EnhancedCode)), prose(x.Class), count(x.Count), percent(x.Share), prose(replyMeaning(x))})
	}
	if len(rows) > 0 {
		m.title("Reply codes", shown(len(rows), r.RepliesTotal, "are shown"))
		m.table([]string{"reply", "class", "attempts:", "share:", "meaning"}, rows)
	}
}

// cutNamed returns the first rows, and those of what there was no room for, which count as none.
func cutNamed[T any](rows []T, top int, folded func(*T) bool) (kept []*T, named int) {
	for i := range rows {
		switch {
		case folded(&rows[i]):
		case named == top:
			continue
		default:
			named++
		}
		kept = append(kept, &rows[i])
	}
	return kept, named
}

// nameOf is the name of a row, or of all others.
func nameOf(name string, folded bool) string {
	if folded {
		return "*all others*"
	}
	return code(name)
}

func (m *markdown) providers(r *Report) {
	kept, named := cutNamed(r.Providers, m.top, func(p *Provider) bool { return p.Folded })
	if len(kept) == 0 {
		return
	}
	var rows [][]string
	for _, v := range kept {
		var most []string
		for _, c := range cut(v.Categories, 2) {
			most = append(most, code(c.Category)+" "+count(c.Attempts))
		}
		rows = append(rows, []string{nameOf(v.Provider, v.Folded), count(v.Attempts.Attempts), count(v.Sent), count(v.Deferred), count(v.Bounced),
			percent(v.DeferralRate), percent(v.BounceRate), strings.Join(most, ", ")})
	}
	m.title("Providers", shown(named, r.ProvidersTotal, "are shown"))
	m.table([]string{"provider", "attempts:", "sent:", "deferred:", "bounced:", "deferral rate:", "bounce rate:", "mostly"}, rows)
}

// times shows how long deliveries took, and what the retries brought.
func (m *markdown) times(r *Report) {
	var rows [][]string
	for i := range r.DeliveryTimes {
		d := &r.DeliveryTimes[i]
		if d.P50 == nil || i > m.top { // the total is the first
			continue
		}
		name := "*all*"
		if d.Provider != "" {
			name = code(d.Provider)
		}
		rows = append(rows, []string{name, count(d.Delivered), took(d.P50), took(d.P90), took(d.P99)})
	}
	if len(rows) > 0 {
		m.title("Delivery times", "Of those delivered to, deferrals included: so many of a hundred took no longer.")
		m.table([]string{"provider", "delivered:", "50:", "90:", "99:"}, rows)
	}
	if len(r.DeliveryTimes) == 0 || len(r.DeliveryTimes[0].Retries) < 2 {
		return
	}
	rows = nil
	all := r.DeliveryTimes[0].Retries
	for _, x := range cut(all, m.top) {
		rows = append(rows, []string{count(x.Attempt), count(x.Tried), count(x.Delivered), percent(x.Rate), count(x.GivenUp), count(x.Pending)})
	}
	m.title("Retries", strings.TrimSpace("What came of each attempt. "+shown(len(rows), len(all), "are shown")))
	m.table([]string{"attempt:", "recipients:", "delivered:", "rate:", "given up:", "pending:"}, rows)
}

func tallyTitles(names ...string) []string {
	return append(names, "attempts:", "sent:", "deferred:", "bounced:", "expired:", "bounce rate:")
}

// tallyTexts are the cells of a tally. Bounced counts attempts, expired outcomes, as in the other tables.
func tallyTexts(t *Tally, names ...string) []string {
	return append(names, count(t.Attempts.Attempts), count(t.Sent), count(t.Deferred), count(t.Attempts.Bounced), count(t.Outcomes.Expired), percent(t.BounceRate))
}

func (m *markdown) domains(r *Report) {
	kept, named := cutNamed(r.Domains, m.top, func(d *Domain) bool { return d.Folded })
	if len(kept) == 0 {
		return
	}
	var rows [][]string
	for _, d := range kept {
		row := tallyTexts(&d.Tally, nameOf(d.Domain, d.Folded))
		if x := d.TopReply; x != nil {
			row = append(row, prose(replyName(x.ReplyCode, x.EnhancedCode)), count(x.Count))
		} else {
			row = append(row, "", "")
		}
		rows = append(rows, row)
	}
	m.title("Recipient domains", shown(named, r.DomainsTotal, "are shown"))
	m.table(append(tallyTitles("domain"), "mostly", "times:"), rows)
}

func (m *markdown) senders(r *Report) {
	kept, named := cutNamed(r.Senders, m.top, func(s *Sender) bool { return s.Folded })
	if len(kept) == 0 {
		return
	}
	var rows [][]string
	for _, s := range kept {
		rows = append(rows, tallyTexts(&s.Tally, nameOf(s.SenderDomain, s.Folded)))
	}
	m.title("Sender domains", shown(named, r.SendersTotal, "are shown"))
	m.table(tallyTitles("domain"), rows)
}

func (m *markdown) breakdowns(r *Report) {
	for i := range r.Breakdowns {
		b := &r.Breakdowns[i]
		kept, named := cutNamed(b.Rows, m.top, func(x *BreakdownRow) bool { return x.Folded })
		if len(kept) == 0 {
			continue
		}
		var names []string
		for _, by := range b.By {
			names = append(names, prose(by))
		}
		var rows [][]string
		for _, x := range kept {
			var key []string
			for j, k := range x.Key {
				switch {
				case x.Folded && j > 0:
					key = append(key, "")
				case k == "":
					key = append(key, "–")
				default:
					key = append(key, nameOf(k, x.Folded))
				}
			}
			rows = append(rows, tallyTexts(&x.Tally, key...))
		}
		m.title("By "+strings.Join(names, " and "), shown(named, b.RowsTotal, "are shown"))
		m.table(tallyTitles(names...), rows)
	}
}

func (m *markdown) timeline(r *Report) {
	hours := r.Timeline[max(0, len(r.Timeline)-maxMarkdownHours):]
	if len(hours) == 0 {
		return
	}
	var rows [][]string
	for i := range hours {
		h := &hours[i]
		start := "*no time*"
		if h.Start != "" {
			start = prose(minute(h.Start))
		}
		rows = append(rows, []string{start, count(h.Sent), count(h.Deferred), count(h.Bounced), count(h.Classes.Transient), count(h.Classes.Permanent),
			count(h.Outcomes.Delivered), count(h.Outcomes.Bounced), count(h.Outcomes.Expired), percent(h.BounceRate)})
	}
	m.title("Hours", strings.TrimSpace("UTC: attempts by status and by class, then outcomes. "+shown(len(hours), len(r.Timeline), "are shown, the last ones")))
	m.table([]string{"hour", "sent:", "deferred:", "bounced:", "transient:", "permanent:", "delivered:", "given up:", "expired:", "bounce rate:"}, rows)
}

func (m *markdown) templates(r *Report) {
	kept, named := cutNamed(r.Templates, m.top, func(t *Template) bool { return t.Folded })
	if len(kept) == 0 {
		return
	}
	var rows [][]string
	for _, t := range kept {
		if t.Folded {
			rows = append(rows, []string{count(t.Count), "", prose(t.Class), nameOf("", true), ""})
			continue
		}
		at := ""
		if t.Example != nil {
			at = code(where(t.Example.File, t.Example.Line))
		}
		rows = append(rows, []string{count(t.Count), prose(replyName(t.ReplyCode, t.EnhancedCode)), prose(t.Class), code(t.Text), at})
	}
	m.title("Diagnostics of failed attempts", shown(named, r.TemplatesTotal, "are shown"))
	m.table([]string{"attempts:", "reply", "class", "diagnostic", "first at"}, rows)
}

func (m *markdown) apart(r *Report) {
	var rows [][]string
	for _, x := range r.Totals.apart() {
		rows = append(rows, []string{x.name, count(x.n), x.what})
	}
	if len(rows) > 0 {
		m.title("Counted apart", "In none of the numbers above.")
		m.table([]string{"what", "count:", "meaning"}, rows)
	}
}

func (m *markdown) coverage(r *Report) {
	c := &r.Coverage
	if c.Lines == 0 && c.Skipped == 0 && c.Dropped == 0 {
		return
	}
	m.title("Lines", "Every line that was read is in one of six buckets.")
	m.table([]string{"bucket", "lines:", "meaning"}, [][]string{
		{"delivery", count(c.Delivery), "tell of a delivery attempt or its end"},
		{"context", count(c.Context), "known, and used to join the others"},
		{"ignored", count(c.Ignored), "known, and not about delivery; or another program's"},
		{"unrecognised", count(c.Unrecognised), "no format knows them"},
		{"malformed", count(c.Malformed), "should parse, and do not"},
		{"overlong", count(c.Overlong), "longer than the limit"},
		{"total", count(c.Lines), ""},
	})
	if c.Skipped > 0 {
		m.line("\n" + plural(c.Skipped, "line after the window was", "lines after the window were") + " not read.")
	}
	if c.Dropped > 0 {
		m.line("\n" + plural(c.Dropped, "line was", "lines were") + " left out as repeats of others.")
	}
	if c.Repeats > 0 {
		m.line("\n" + plural(c.Repeats, "delivery record stands", "delivery records stand") + " in the log as `message repeated` only.")
	}
	var rows [][]string
	for _, x := range cut(c.ForeignPrograms, m.top) {
		rows = append(rows, []string{nameOf(x.Name, x.Folded), count(x.Lines)})
	}
	if len(rows) > 0 {
		m.title("Other programs", shown(len(rows), len(c.ForeignPrograms), "are shown"))
		m.table([]string{"program", "lines:"}, rows)
	}
	if len(c.Hosts) > 1 {
		rows = nil
		for _, h := range cut(c.Hosts, m.top) {
			rows = append(rows, []string{nameOf(h.Name, h.Folded), count(h.Lines), prose(when(h.First)), prose(when(h.Last))})
		}
		m.title("Hosts", shown(len(rows), len(c.Hosts), "are shown"))
		m.table([]string{"host", "lines:", "first", "last"}, rows)
	}
	rows = nil
	for _, s := range cut(c.Samples, m.top) {
		rows = append(rows, []string{prose(s.Bucket), code(where(s.File, s.Line)), code(s.Reason), code(s.Text)})
	}
	if len(rows) > 0 {
		m.title("Lines not understood", shown(len(rows), len(c.Samples), "are shown"))
		m.table([]string{"bucket", "place", "reason", "line"}, rows)
	}
}
