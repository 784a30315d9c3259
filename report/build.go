package report

import (
	"cmp"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Options is what a Report depends on besides the counts.
type Options struct {
	Tool    Tool
	Inputs  []Input
	Since   time.Time // of the window asked for; zero: unbounded
	Until   time.Time
	Samples []Sample // of the lines not understood, in order of input

	// Classifier is what the causes were found with. Nil: providers have no titles, and hints are those of their category.
	Classifier *classify.Classifier

	// OmitsDeferrals: the logs may leave deferrals out, so that none of them means that their rate is not known.
	OmitsDeferrals bool

	// Locate names the place of a piece of evidence. Nil: places are left out.
	Locate func(summary.Pos) (file string, line int64)

	Top         int   // rows kept of domains, senders, replies and templates, each; 0: all
	MinAttempts int64 // domains and senders with fewer attempts are left out
	Sort        Sort  // of domains and senders; empty: SortBounced
}

// A Sort says by what domains and senders are ordered.
type Sort string

// The orders. All but SortName begin with the largest; equal rows are told apart by the other numbers, then by name.
const (
	SortBounced  Sort = "bounced"  // recipients given up: bounced or expired
	SortAttempts Sort = "attempts" // delivery attempts
	SortDeferred Sort = "deferred" // attempts to be repeated
	SortRate     Sort = "rate"     // bounce rate; those without one last
	SortName     Sort = "name"     // alphabetical
)

// Sorts returns every order, the default first.
func Sorts() []Sort {
	return []Sort{SortBounced, SortAttempts, SortDeferred, SortRate, SortName}
}

// check fills in what o leaves open.
func (o *Options) check() error {
	if o.Sort == "" {
		o.Sort = SortBounced
	}
	if !slices.Contains(Sorts(), o.Sort) {
		return fmt.Errorf("unknown sort key %q: want %s", o.Sort, oneOf(Sorts()))
	}
	if o.Top < 0 {
		return fmt.Errorf("negative number of rows %d", o.Top)
	}
	if o.MinAttempts < 0 {
		return fmt.Errorf("negative least number of attempts %d", o.MinAttempts)
	}
	return nil
}

// oneOf joins names for an error: `a, b or c`.
func oneOf[S ~string](names []S) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}

// Build turns counts into a Report. The same counts and options give the same Report, whatever order they came about in.
func Build(c *summary.Counts, o Options) (*Report, error) {
	return build(c, tables{
		domains:    c.Domains(),
		senders:    c.Senders(),
		replies:    c.Replies(),
		topReplies: c.TopReplies,
		templates:  c.Templates(),
		hours:      c.Hours(),
		hosts:      c.Hosts(),
		programs:   c.Programs(),
		causes:     c.Causes(),
		providers:  c.Providers(),
		deliveries: c.DeliveryTimes(),
		breakdowns: c.Breakdowns(),
	}, o)
}

// tables are the rows of Counts, read once.
type tables struct {
	domains, senders iter.Seq[summary.NamedTally]
	replies          []summary.ReplyCount
	topReplies       func(domains []summary.NamedTally) map[string]summary.ReplyCount
	templates        []summary.Template
	hours            []summary.Hour
	hosts            []summary.Host
	programs         []summary.Program
	causes           []summary.CauseCount
	providers        iter.Seq[summary.NamedTally]
	deliveries       []summary.DeliveryTime
	breakdowns       []summary.Breakdown
}

func build(c *summary.Counts, t tables, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	attempts := c.Total.Attempts.Total()
	r := &Report{
		Schema:        SchemaName,
		SchemaVersion: SchemaVersion,
		Tool:          o.Tool,
		Inputs:        inputsOf(o.Inputs),
		Window: Window{
			Since: formatTime(o.Since), Until: formatTime(o.Until),
			First: c.First.String(), Last: c.Last.String(),
		},
		Selection:  SelectionOf(c.Selection),
		Coverage:   coverageOf(c, &t, o.Samples),
		Totals:     totalsOf(c),
		Outcomes:   allOutcomesOf(&c.Total.Outcomes),
		Classes:    make([]Class, 0, len(c.ByClass)),
		Categories: []Category{},
		Providers:  []Provider{},
		Timeline:   make([]Hour, 0, len(t.hours)),
		Breakdowns: make([]Breakdown, 0, len(t.breakdowns)),
		Hints:      []Hint{},
	}
	for i, n := range c.ByClass {
		r.Classes = append(r.Classes, Class{parsers.Class(i).String(), n, rate(n, attempts)})
	}
	// The order of a dialogue's end: success, transient, permanent; unknown, the zero value, last.
	r.Classes = append(r.Classes[1:], r.Classes[0])

	r.RepliesTotal = len(t.replies)
	kept := cutReplies(t.replies, o.Top)
	r.Replies = make([]Reply, 0, len(kept))
	for _, rc := range kept {
		r.Replies = append(r.Replies, replyOf(rc, attempts))
	}

	rows, total := rank(t.domains, o.Sort, o.Top, o.MinAttempts)
	r.DomainsTotal, r.Domains = total, make([]Domain, 0, len(rows))
	top := t.topReplies(rows)
	for i := range rows {
		row := &rows[i]
		d := Domain{Tally: tallyOf(&row.Tally)}
		if top, ok := top[row.Name]; ok {
			reply := replyOf(top, d.Attempts.Attempts)
			d.TopReply = &reply
		}
		d.Domain, d.Folded = orOther(row.Name)
		r.Domains = append(r.Domains, d)
	}

	rows, total = rank(t.senders, o.Sort, o.Top, o.MinAttempts)
	r.SendersTotal, r.Senders = total, make([]Sender, 0, len(rows))
	for i := range rows {
		s := Sender{Tally: tallyOf(&rows[i].Tally)}
		s.SenderDomain, s.Folded = orOther(rows[i].Name)
		r.Senders = append(r.Senders, s)
	}

	for _, h := range t.hours {
		r.Timeline = append(r.Timeline, hourOf(&h))
	}
	r.Templates, r.TemplatesTotal = templatesOf(t.templates, &o)
	titles := titlesOf(o.Classifier)
	r.addCauses(t.causes, t.providers, titles, &o)
	r.DeliveryTimes = deliveryTimesOf(t.deliveries, titles)
	for i := range t.breakdowns {
		r.Breakdowns = append(r.Breakdowns, breakdownOf(&t.breakdowns[i], &o))
	}
	if o.OmitsDeferrals && r.Totals.Deferred == 0 {
		r.omitDeferrals()
	}
	return r, nil
}

// omitDeferrals takes out what nobody knows where deferrals are not logged: their rates, and what attempt it was that
// delivered.
func (r *Report) omitDeferrals() {
	r.Totals.DeferralRate = nil
	for i := range r.Domains {
		r.Domains[i].DeferralRate = nil
	}
	for i := range r.Senders {
		r.Senders[i].DeferralRate = nil
	}
	for i := range r.Providers {
		r.Providers[i].DeferralRate = nil
	}
	for i := range r.Timeline {
		r.Timeline[i].DeferralRate = nil
	}
	for i := range r.Breakdowns {
		for j := range r.Breakdowns[i].Rows {
			r.Breakdowns[i].Rows[j].DeferralRate = nil
		}
	}
	for i := range r.DeliveryTimes {
		r.DeliveryTimes[i].Attempts, r.DeliveryTimes[i].Retries = []AttemptsNeeded{}, []Retry{}
	}
}

// SelectionOf is a selection in words of the report, nil where all mail is counted.
func SelectionOf(s summary.Selection) *Selection {
	if s == (summary.Selection{}) {
		return nil
	}
	return &Selection{Domain: s.Domain, Sender: s.Sender, Job: s.Job, Campaign: s.Campaign, CampaignFrom: s.CampaignFrom}
}

// inputsOf returns a copy of the inputs without a nil list in it.
func inputsOf(in []Input) []Input {
	out := make([]Input, len(in))
	for i, x := range in {
		x.Formats = append([]string{}, x.Formats...)
		x.Hosts = append([]string{}, x.Hosts...)
		out[i] = x
	}
	return out
}

func coverageOf(c *summary.Counts, t *tables, samples []Sample) Coverage {
	l := &c.Ledger
	cov := Coverage{
		Lines:           l.Lines(),
		Delivery:        l[summary.Delivery],
		Context:         l[summary.Context],
		Ignored:         l[summary.Ignored],
		Unrecognised:    l[summary.Unrecognised],
		Malformed:       l[summary.Malformed],
		Overlong:        l[summary.Overlong],
		Skipped:         c.Skipped,
		Dropped:         c.Dropped,
		Repeats:         c.Repeats,
		Gaps:            c.Gaps,
		ForeignPrograms: make([]Program, 0, len(t.programs)),
		Hosts:           make([]Host, 0, len(t.hosts)),
		Samples:         append([]Sample{}, samples...),
	}
	cov.Recognised = rate(cov.Delivery+cov.Context+cov.Ignored, cov.Lines)
	for _, p := range t.programs {
		name, folded := orOther(p.Name)
		cov.ForeignPrograms = append(cov.ForeignPrograms, Program{name, folded, p.Lines})
	}
	for _, h := range t.hosts {
		name, folded := orOther(h.Name)
		cov.Hosts = append(cov.Hosts, Host{name, folded, h.Lines, h.First.String(), h.Last.String()})
	}
	return cov
}

func totalsOf(c *summary.Counts) Totals {
	all := tallyOf(&c.Total)
	t := Totals{
		Attempts:      all.Attempts,
		Rates:         all.Rates,
		Origins:       make([]Origin, 0, len(c.ByOrigin)),
		Overridden:    c.Overridden,
		Conflicts:     c.Conflicts,
		Notifications: Notifications{attemptsOf(c.Notifications.Attempts), outcomesOf(&c.Notifications.Outcomes)},
		Internal:      attemptsOf(c.Internal),
		Probes:        attemptsOf(c.Probes),
		Suspended:     c.Suspended,
		Discarded:     c.Discarded,
		Unattempted:   c.Unattempted,
		Suppressed:    c.Suppressed,
		Async:         c.Async,
		Connects:      c.Connects,
		Inbound:       c.Inbound,
	}
	for i, n := range c.ByOrigin {
		t.Origins = append(t.Origins, Origin{cmp.Or(parsers.Origin(i).String(), "unknown"), n, rate(n, t.Attempts.Attempts)})
	}
	t.Origins = append(t.Origins[1:], t.Origins[0]) // unknown last
	return t
}

func attemptsOf(a summary.Attempts) Attempts {
	return Attempts{a.Total(), a.Sent, a.Deferred, a.Bounced}
}

func outcomesOf(o *summary.Outcomes) Outcomes {
	return Outcomes{o.Delivered(), o[summary.Bounced], o[summary.Expired], o[summary.Pending], o[summary.Lost]}
}

func allOutcomesOf(o *summary.Outcomes) AllOutcomes {
	return AllOutcomes{o[summary.DeliveredFirst], o[summary.DeliveredLater], o[summary.DeliveredUnknown], outcomesOf(o)}
}

func tallyOf(t *summary.Tally) Tally {
	failed, ended := settled(t)
	a := attemptsOf(t.Attempts)
	return Tally{a, outcomesOf(&t.Outcomes), Rates{rate(failed, ended), rate(a.Deferred, a.Attempts)}}
}

func (o *Outcomes) add(p *Outcomes) {
	o.Delivered += p.Delivered
	o.Bounced += p.Bounced
	o.Expired += p.Expired
	o.Pending += p.Pending
	o.Lost += p.Lost
}

func (o *Outcomes) undelivered() int64 { return o.Bounced + o.Expired + o.Pending + o.Lost }

func hourOf(h *summary.Hour) Hour {
	t := tallyOf(&summary.Tally{Attempts: h.Attempts, Outcomes: h.Outcomes})
	c, o := &h.ByClass, &t.Outcomes
	return Hour{h.Start.String(), t.Sent, t.Deferred, t.Attempts.Bounced,
		Classes{c[parsers.Success], c[parsers.Transient], c[parsers.Permanent], c[parsers.ClassUnknown]},
		Settled{o.Delivered, o.Bounced, o.Expired, o.Lost}, t.Rates}
}

// settled returns the two sides of the bounce rate.
func settled(t *summary.Tally) (failed, ended int64) {
	failed = t.Outcomes[summary.Bounced] + t.Outcomes[summary.Expired]
	return failed, failed + t.Outcomes.Delivered()
}

// rank returns the first rows of domains, senders or providers in an order, all of them where top is zero, and how many there
// were. Rows of fewer attempts than least are left out. The row of those that folded is last, counts as none and is always
// there: without it the rows would not add up.
func rank(all iter.Seq[summary.NamedTally], order Sort, top int, least int64) (kept []summary.NamedTally, total int) {
	var folded *summary.NamedTally
	kept = first(top, order.compare, func(yield func(summary.NamedTally) bool) {
		for row := range all {
			if row.Name == "" { // there may be several: rows whose name no piece of the log told
				if folded == nil {
					folded = &summary.NamedTally{}
				}
				addTally(&folded.Tally, &row.Tally)
				continue
			}
			total++
			if row.Attempts.Total() >= least && !yield(row) {
				return
			}
		}
	})
	if folded != nil {
		kept = append(kept, *folded)
	}
	return kept, total
}

// first returns the first rows of all in an order, or all of them where top is zero. No more than a few times top are in
// memory at once.
func first[T any](top int, compare func(a, b T) int, all iter.Seq[T]) []T {
	var kept []T
	for row := range all {
		if top > 0 && len(kept) >= max(2*top, 64) {
			slices.SortFunc(kept, compare)
			kept = kept[:top]
		}
		kept = append(kept, row)
	}
	slices.SortFunc(kept, compare)
	return cut(kept, top)
}

func addTally(t, o *summary.Tally) {
	t.Attempts.Sent += o.Attempts.Sent
	t.Attempts.Deferred += o.Attempts.Deferred
	t.Attempts.Bounced += o.Attempts.Bounced
	for i := range o.Outcomes {
		t.Outcomes[i] += o.Outcomes[i]
	}
}

// compare orders two rows. Whatever s looks at first, the rest of the numbers and at last the name decide between equals.
func (s Sort) compare(a, b summary.NamedTally) int {
	failedA, endedA := settled(&a.Tally)
	failedB, endedB := settled(&b.Tally)
	failed := cmp.Compare(failedB, failedA)
	attempts := cmp.Compare(b.Attempts.Total(), a.Attempts.Total())
	deferred := cmp.Compare(b.Attempts.Deferred, a.Attempts.Deferred)
	name := strings.Compare(a.Name, b.Name)
	switch s {
	case SortAttempts:
		return cmp.Or(attempts, failed, deferred, name)
	case SortDeferred:
		return cmp.Or(deferred, failed, attempts, name)
	case SortRate:
		return cmp.Or(compareFractions(failedB, endedB, failedA, endedA), failed, attempts, deferred, name)
	case SortName:
		return name
	}
	return cmp.Or(failed, deferred, attempts, name)
}

// compareFractions compares a÷b with c÷d, none of them negative. A fraction of nothing is less than all others.
func compareFractions(a, b, c, d int64) int {
	if b == 0 || d == 0 {
		return cmp.Compare(b, d)
	}
	hi1, lo1 := bits.Mul64(uint64(a), uint64(d))
	hi2, lo2 := bits.Mul64(uint64(c), uint64(b))
	return cmp.Or(cmp.Compare(hi1, hi2), cmp.Compare(lo1, lo2))
}

func cut[T any](rows []T, top int) []T {
	if top > 0 && len(rows) > top {
		return rows[:top]
	}
	return rows
}

// cutReplies keeps the first rows, and the first of a failure among them whatever it takes: the report begins with that one.
func cutReplies(rows []summary.ReplyCount, top int) []summary.ReplyCount {
	kept := cut(rows, top)
	failed := func(rc summary.ReplyCount) bool {
		return rc.Class == parsers.Transient || rc.Class == parsers.Permanent
	}
	if i := slices.IndexFunc(rows, failed); i >= len(kept) {
		kept = append(slices.Clone(kept[:top-1]), rows[i])
	}
	return kept
}

// orOther names the row of all those that a table had no room for. A domain may be called other too: folded tells.
func orOther(name string) (string, bool) {
	if name == "" {
		return "other", true
	}
	return name, false
}

func templatesOf(all []summary.Template, o *Options) (kept []Template, total int) {
	kept = []Template{}
	var folded []Template
	for i := range all {
		t := &all[i]
		if t.Text == "" {
			row := templateOf(t, o)
			row.Text, row.Folded = orOther("")
			folded = append(folded, row)
			continue
		}
		if o.Top == 0 || total < o.Top {
			kept = append(kept, templateOf(t, o))
		}
		total++
	}
	return append(kept, folded...), total
}

func templateOf(t *summary.Template, o *Options) Template {
	return Template{
		Text:         t.Text,
		Count:        t.N,
		Class:        t.Reply.Class.String(),
		ReplyCode:    int(t.Reply.Code),
		EnhancedCode: t.Reply.Enhanced.String(),
		Last:         t.Last.String(),
		Example:      exampleOf(&t.Example, o),
	}
}

// exampleOf returns evidence as reports have it, nil where it is none.
func exampleOf(e *summary.Evidence, o *Options) *Example {
	if e == nil || e.Text == "" {
		return nil
	}
	ex := &Example{Text: e.Text, Time: e.Time.String()}
	if o.Locate != nil {
		ex.File, ex.Line = o.Locate(e.Pos)
	}
	return ex
}

func replyOf(rc summary.ReplyCount, of int64) Reply {
	r := Reply{
		ReplyCode:    int(rc.Code),
		EnhancedCode: rc.Enhanced.String(),
		Class:        rc.Class.String(),
		Count:        rc.N,
		Share:        rate(rc.N, of),
	}
	if rc.Code != 0 {
		r.Meaning = classify.DescribeReplyCode(rc.Code)
		if info, ok := classify.LookupReplyCode(rc.Code); ok {
			r.Standing = info.Standing.String()
		}
	}
	info, _ := classify.LookupEnhancedCode(rc.Enhanced)
	r.EnhancedMeaning = cmp.Or(info.Text, info.Subject) // the subject alone where the code is not registered
	return r
}

// rate returns n÷of rounded to six digits, half up; nil where of is zero.
//
// Note: the quotient is computed in integers, and only then becomes the float64 nearest to it, which prints as six digits
// at most.
func rate(n, of int64) *float64 {
	const scale = 1e6
	hi, lo := bits.Mul64(uint64(n), 2*scale)
	lo, carry := bits.Add64(lo, uint64(of), 0)
	if hi += carry; of <= 0 || n < 0 || hi >= 2*uint64(of) {
		return nil
	}
	q, _ := bits.Div64(hi, lo, 2*uint64(of))
	r := float64(q) / scale
	return &r
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
