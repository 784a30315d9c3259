// Package compare tells what changed between two reports beyond chance: per provider, category of cause, reply and domain.
// It is the step after report.Build: it reads two finished reports, of which one or both may have been saved as JSON days
// ago, and computes a report.Comparison, which the writers of package report print.
//
// What is compared are rates of outcomes, never attempts: a recipient that was tried thirty times is one. Windows may be of
// different length, since no count is compared with another.
//
// Three things keep noise out. A row needs a volume: [Options.MinOutcomes] on both sides, and [minEvents] failures in both
// together. A difference needs a size: [Options.MinChange], and [minRatio]. And it must not be chance: Fisher's test of two
// proportions, corrected by Holm's method for all rows that were looked at.
//
// The test allows for outcomes that are not independent. A campaign fails together; how much so is estimated from the hours
// of both logs, as the correlation of the outcomes of an hour (the design effect of cluster sampling: Kish 1965, 8.2), and
// is never taken for less than [leastSpread].
package compare

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/report"
)

// Options say how a comparison is made. The zero value of a field is its default.
type Options struct {
	Tool             report.Tool
	OldName, NewName string // how the reports are called

	Alpha       float64 // the risk, for the whole comparison, to tell a difference that is chance; zero: DefaultAlpha
	MinOutcomes int64   // a rate of fewer outcomes, on either side, is not compared; zero: DefaultMinOutcomes
	MinChange   float64 // a smaller difference of two rates is not told; zero: DefaultMinChange
}

// The defaults of Options.
const (
	DefaultAlpha       = 0.05
	DefaultMinOutcomes = 200
	DefaultMinChange   = 0.001
)

const (
	// minRatio is how far two rates must be apart, one as a multiple of the other. With millions of outcomes everything is
	// significant, and no two days are quite alike.
	minRatio = 1.2

	// minEvents is how many failures both sides must have together. With fewer, no test tells anything; and it is known
	// before one looks at how they fall on the sides, so that to leave rows out by it does not spoil the correction.
	minEvents = 20

	// leastSpread is the least variance that counts are taken to have, as a multiple of that of independent ones. The
	// recipients of one message are refused together, for its content or its sender, which the hours do not show: where a
	// fifth of the messages have five recipients on average, 4.5 is right for what a filter refuses. With 1.5, that was
	// told as a change in 5 of 100 pairs of logs which differ by chance.
	leastSpread = 3

	// minHours is how many hours both logs must have together for the correlation to be estimated.
	minHours = 6

	// alike is how much longer than the other a window may be for what is pending to be compared: that is a stock, which
	// does not grow with the window as outcomes do.
	alike = 1.25

	// most is the part of a change that others must make up to explain it.
	most = 0.8
)

// Reports compares two reports. Equal arguments give the same Comparison.
func Reports(before, after *report.Report, o Options) *report.Comparison {
	o.Alpha = cmp.Or(o.Alpha, DefaultAlpha)
	o.MinOutcomes = cmp.Or(o.MinOutcomes, DefaultMinOutcomes)
	o.MinChange = cmp.Or(o.MinChange, DefaultMinChange)
	c := &comparison{o: o, old: newSide(before), new: newSide(after), correlation: correlation(before, after)}
	c.totals()
	c.providers()
	c.categories()
	c.replies()
	c.domains()
	c.templates()
	return c.result()
}

// A comparison is one under way.
type comparison struct {
	o           Options
	old, new    *side
	correlation float64
	rows        []row
	notes       []string
}

// A row is a difference to be tested.
type row struct {
	change   report.Change
	template report.TemplateChange // in place of change, where Text is set
	old, new sample
	p        float64
}

func (c *comparison) note(text string) { c.notes = append(c.notes, text) }

// add makes rows of one scope, of what went wrong among so many outcomes: of what failed, was delayed and is pending.
func (c *comparison) add(scope report.Change, old, new ills, ofOld, ofNew report.Outcomes) {
	scope.Metric = report.MetricFailed
	c.test(scope, sample{old.failed, settled(ofOld)}, sample{new.failed, settled(ofNew)})
	if c.old.tellsDeferrals() && c.new.tellsDeferrals() {
		scope.Metric = report.MetricDelayed
		c.test(scope, sample{old.delayed, ofOld.Delivered}, sample{new.delayed, ofNew.Delivered})
	}
	if c.alike() {
		scope.Metric = report.MetricPending
		c.test(scope, sample{old.pending, settled(ofOld) + ofOld.Pending}, sample{new.pending, settled(ofNew) + ofNew.Pending})
	}
}

// test makes a row of two samples, if they are large enough for one.
func (c *comparison) test(scope report.Change, old, new sample) {
	if !c.enough(old, new) {
		return
	}
	c.rows = append(c.rows, row{change: scope, old: old, new: new, p: twoProportions(old, new, c.spread(old.n, new.n))})
}

func (c *comparison) enough(old, new sample) bool {
	return min(old.n, new.n) >= c.o.MinOutcomes && old.k+new.k >= minEvents && old.k <= old.n && new.k <= new.n
}

// spread is the variance of the difference of two rates as a multiple of that of independent outcomes.
func (c *comparison) spread(old, new int64) float64 {
	a, b := c.old.spread(old, c.correlation), c.new.spread(new, c.correlation)
	return (a*float64(new) + b*float64(old)) / float64(old+new)
}

// spread is the design effect of n outcomes over the hours of a log.
func (s *side) spread(n int64, correlation float64) float64 {
	return max(leastSpread, 1+(float64(n)/float64(max(1, s.hours))-1)*correlation)
}

// correlation estimates how much the outcomes of an hour have in common: the intraclass correlation that makes Pearson's
// statistic, of the rates of the hours against that of their log, what it is.
func correlation(reports ...*report.Report) float64 {
	var excess, room float64
	hours := 0
	for _, r := range reports {
		var all sample
		for _, h := range r.Timeline {
			if s := hourOf(&h); h.Start != "" {
				all.k, all.n = all.k+s.k, all.n+s.n
			}
		}
		if all.k == 0 || all.k >= all.n {
			continue
		}
		p := all.rate()
		excess++ // p is estimated
		for _, h := range r.Timeline {
			s := hourOf(&h)
			n := float64(s.n)
			if h.Start == "" || n*p < 1 { // Pearson's statistic means nothing there
				continue
			}
			d := float64(s.k) - n*p
			excess += d*d/(n*p*(1-p)) - 1
			room += n - 1
			hours++
		}
	}
	if hours < minHours || room <= 0 {
		return 0
	}
	return min(1, max(0, excess/room))
}

// hourOf returns what was refused of the outcomes of an hour: an attempt that was sent or bounced is one.
//
// Note: expiries are left out. They come when the queue lifetime is over, days after the mail that they are of, and an hour
// in which little else happens would be a campaign gone wrong.
func hourOf(h *report.Hour) sample { return sample{h.Bounced, h.Bounced + h.Sent} }

// totals compares all mail.
func (c *comparison) totals() {
	a, b := c.old.r, c.new.r
	c.add(report.Change{Scope: report.ScopeTotal}, illsOf(a.Outcomes.Outcomes, a.Outcomes.DeliveredLater), illsOf(b.Outcomes.Outcomes, b.Outcomes.DeliveredLater),
		a.Outcomes.Outcomes, b.Outcomes.Outcomes)
	for _, s := range []struct {
		name string
		r    *report.Report
	}{{"old", a}, {"new", b}} {
		if settled(s.r.Outcomes.Outcomes) < c.o.MinOutcomes {
			c.note("the " + s.name + " log has too few outcomes to be compared with anything")
		}
	}
	if x, y := a.Selection.String(), b.Selection.String(); x != y && (x == "" || y == "" || a.Redaction == b.Redaction) {
		c.note("the old report counts " + cmp.Or(x, "all mail") + ", the new one " + cmp.Or(y, "all mail"))
	}
	if !c.old.tellsDeferrals() && a.Totals.Attempts.Attempts > 0 || !c.new.tellsDeferrals() && b.Totals.Attempts.Attempts > 0 {
		c.note("one of the logs may leave deferrals out: what was deferred was not compared")
	}
	if !c.alike() && a.Outcomes.Pending+b.Outcomes.Pending > 0 {
		c.note("the logs cover spans of different length: what is still pending was not compared")
	}
}

// alike reports whether the windows are about as long as each other.
func (c *comparison) alike() bool {
	a, b := c.old.length, c.new.length
	return a > 0 && b > 0 && float64(max(a, b)) <= alike*float64(min(a, b))
}

// providers compares each provider, and each category at it.
func (c *comparison) providers() {
	if !c.old.countsProviders() || !c.new.countsProviders() {
		c.note("a saved report is of a version that does not count outcomes by provider: providers were not compared; make it anew")
		return
	}
	if c.old.shortened(c.old.r.ProvidersTotal, len(c.old.providers)) || c.new.shortened(c.new.r.ProvidersTotal, len(c.new.providers)) {
		c.note("a saved report has not all providers: others were not compared; save it without --top")
	}
	for name, b := range c.new.providers {
		a := c.old.providers[name]
		if a == nil {
			continue
		}
		old, new := causesOf(a), causesOf(b)
		c.add(report.Change{Scope: report.ScopeProvider, Provider: name}, illsOf(a.Outcomes, sumOf(old).delayed), illsOf(b.Outcomes, sumOf(new).delayed),
			a.Outcomes, b.Outcomes)
		for category := range union(old, new) {
			scope := report.Change{Scope: report.ScopeProviderCategory, Provider: name, Category: category}
			c.add(scope, old[category], new[category], a.Outcomes, b.Outcomes)
		}
	}
}

// categories compares each category in all mail.
func (c *comparison) categories() {
	if !c.old.countsCategories() || !c.new.countsCategories() {
		c.note("a saved report is of a version that does not count outcomes by category: categories were not compared; make it anew")
		return
	}
	for name := range union(c.old.categories, c.new.categories) {
		c.add(report.Change{Scope: report.ScopeCategory, Category: name}, c.old.categories[name], c.new.categories[name],
			c.old.r.Outcomes.Outcomes, c.new.r.Outcomes.Outcomes)
	}
}

// replies compares the replies that ended a delivery, each of which is an outcome: their class is that of the attempt, which
// is transient where our server made a deferral of a refusal (soft_bounce). One that puts off comes again and again.
func (c *comparison) replies() {
	a, b := c.old.r, c.new.r
	if c.old.shortened(a.RepliesTotal, len(a.Replies)) || c.new.shortened(b.RepliesTotal, len(b.Replies)) {
		c.note("a saved report has not all replies: they were not compared; save it without --top")
		return
	}
	for key := range union(c.old.replies, c.new.replies) {
		scope := report.Change{Scope: report.ScopeReply, Metric: report.MetricFailed, ReplyCode: key.code, EnhancedCode: key.enhanced}
		c.test(scope, sample{c.old.replies[key], settled(a.Outcomes.Outcomes)}, sample{c.new.replies[key], settled(b.Outcomes.Outcomes)})
	}
}

// domains compares the domains that both reports have.
func (c *comparison) domains() {
	for name, b := range c.new.domains {
		if a := c.old.domains[name]; a != nil {
			c.add(report.Change{Scope: report.ScopeDomain, Domain: name}, illsOf(a.Outcomes, 0), illsOf(b.Outcomes, 0), a.Outcomes, b.Outcomes)
		}
	}
	a, b := c.old.r, c.new.r
	if c.old.shortened(a.DomainsTotal, len(c.old.domains)) || c.new.shortened(b.DomainsTotal, len(c.new.domains)) {
		c.note("a saved report has not all domains: others were not compared; save it without --top and --min-attempts")
	}
}

// templates tests whether each diagnostic is as frequent as it was. Only those that a side has not at all will be told.
//
// Note: a template counts attempts, of which there are many for one outcome where the server says to come again. If the
// number of tries is geometric with the mean m, attempts vary 2m-1 times as much as if each were an outcome.
func (c *comparison) templates() {
	if c.old.redacted() || c.new.redacted() {
		c.note("a saved report is redacted: diagnostics were not compared, nor domains and providers where they have pseudonyms")
		return
	}
	if !c.old.templatesWhole || !c.new.templatesWhole {
		c.note("a report has not all diagnostics: whether there are new ones, or some have vanished, can't be said for all of them")
	}
	tries := max(c.old.tries(), c.new.tries())
	for text := range union(c.old.templates, c.new.templates) {
		a, b := c.old.templates[text], c.new.templates[text]
		old, new := sample{0, c.old.r.Totals.Attempts.Attempts}, sample{0, c.new.r.Totals.Attempts.Attempts}
		t := report.TemplateChange{Change: report.TemplateNew, Text: text}
		from := b
		if a != nil {
			old.k = a.Count
		}
		if b != nil {
			new.k = b.Count
		} else {
			t.Change, from = report.TemplateVanished, a
		}
		if !c.enough(old, new) || a == nil && !c.old.templatesWhole || b == nil && !c.new.templatesWhole {
			continue
		}
		if from.Class != "permanent" && !(c.old.tellsDeferrals() && c.new.tellsDeferrals()) {
			continue
		}
		t.Count, t.Class, t.ReplyCode, t.EnhancedCode, t.Example = from.Count, from.Class, from.ReplyCode, from.EnhancedCode, from.Example
		spread := c.spread(old.n, new.n)
		if from.Class != "permanent" {
			spread *= 2*tries - 1
		}
		c.rows = append(c.rows, row{template: t, old: old, new: new, p: twoProportions(old, new, spread)})
	}
}

// result corrects the probabilities and keeps what is left.
func (c *comparison) result() *report.Comparison {
	p := make([]float64, len(c.rows))
	for i := range c.rows {
		p[i] = c.rows[i].p
	}
	holm(p)
	res := &report.Comparison{
		Schema: report.ComparisonName, SchemaVersion: report.ComparisonVersion, Tool: c.o.Tool,
		Old: c.old.summary(c.o.OldName), New: c.new.summary(c.o.NewName),
		Test: report.ComparisonTest{Alpha: c.o.Alpha, MinOutcomes: c.o.MinOutcomes, MinChange: c.o.MinChange, MinRatio: minRatio,
			Tested: len(c.rows), Correlation: rounded(c.correlation)},
		Changes: []report.Change{}, Templates: []report.TemplateChange{}, Notes: append([]string{}, c.notes...),
	}
	for i := range c.rows {
		r := &c.rows[i]
		switch {
		case p[i] > c.o.Alpha:
		case r.template.Text != "":
			if r.old.k == 0 || r.new.k == 0 {
				t := r.template
				t.P = reported(p[i])
				res.Templates = append(res.Templates, t)
			}
		case r.matters(c.o.MinChange):
			res.Changes = append(res.Changes, c.changeOf(r, p[i]))
		}
	}
	explain(res.Changes)
	for i := range res.Changes {
		switch ch := &res.Changes[i]; {
		case ch.Explained:
		case ch.Verdict == report.Regression:
			res.Regressions++
		default:
			res.Improvements++
		}
	}
	slices.SortFunc(res.Changes, compareChanges)
	slices.SortFunc(res.Templates, func(a, b report.TemplateChange) int {
		return cmp.Or(strings.Compare(a.Change, b.Change), cmp.Compare(b.Count, a.Count), strings.Compare(a.Text, b.Text))
	})
	return res
}

// matters reports whether a difference is worth telling, whatever its cause.
func (r *row) matters(minChange float64) bool {
	a, b := r.old.rate(), r.new.rate()
	return math.Abs(b-a) >= minChange && max(a, b) >= minRatio*min(a, b)
}

func (c *comparison) changeOf(r *row, p float64) report.Change {
	ch := r.change
	ch.Old, ch.New = report.NewPart(r.old.k, r.old.n), report.NewPart(r.new.k, r.new.n)
	difference := r.new.rate() - r.old.rate()
	ch.Difference = rounded(difference)
	ch.Excess = int64(math.Round(difference * float64(r.new.n)))
	ch.P = reported(p)
	ch.Verdict = report.Regression
	from := c.new
	if difference < 0 {
		ch.Verdict, from = report.Improvement, c.old
	}
	ch.Example = from.example(&ch)
	return ch
}

// reported returns a probability as it is told: two digits, and none of those that say no more than that it is small.
func reported(p float64) float64 {
	p, _ = strconv.ParseFloat(strconv.FormatFloat(max(p, 1e-12), 'e', 1, 64), 64)
	return p
}

// rounded returns a fraction with six digits, as those of a Report have.
func rounded(f float64) float64 { return math.Round(f*1e6) / 1e6 }

// explain marks the changes that follow from more special ones.
func explain(changes []report.Change) {
	for i := range changes {
		ch := &changes[i]
		byScope := make(map[string]int64)
		for j := range changes {
			x := &changes[j]
			if x.Metric == ch.Metric && x.Verdict == ch.Verdict && within(x, ch) {
				byScope[x.Scope] += x.Excess
			}
		}
		for _, sum := range byScope {
			ch.Explained = ch.Explained || math.Abs(float64(sum)) >= most*math.Abs(float64(ch.Excess))
		}
	}
}

// within reports whether x is a part of a wider change.
func within(x, wider *report.Change) bool {
	switch wider.Scope {
	case report.ScopeTotal:
		return x.Scope == report.ScopeProviderCategory || x.Scope == report.ScopeProvider || x.Scope == report.ScopeCategory
	case report.ScopeProvider:
		return x.Scope == report.ScopeProviderCategory && x.Provider == wider.Provider
	case report.ScopeCategory:
		return x.Scope == report.ScopeProviderCategory && x.Category == wider.Category
	case report.ScopeDomain: // a provider that nobody knows is called by its domain
		return x.Scope == report.ScopeProviderCategory && x.Provider == wider.Domain
	}
	return false
}

// compareChanges orders changes by their weight. Of equal ones, the more special comes first. Replies and domains weigh a
// tenth less: most of the time they are another view of what a category at a provider tells better.
func compareChanges(a, b report.Change) int {
	weight := func(ch *report.Change) int64 {
		n := max(ch.Excess, -ch.Excess)
		if ch.Scope == report.ScopeReply || ch.Scope == report.ScopeDomain {
			n -= n / 10
		}
		return n
	}
	return cmp.Or(cmp.Compare(weight(&b), weight(&a)), cmp.Compare(breadth(a.Scope), breadth(b.Scope)),
		strings.Compare(a.Metric, b.Metric), strings.Compare(a.Provider, b.Provider), strings.Compare(a.Category, b.Category),
		cmp.Compare(a.ReplyCode, b.ReplyCode), strings.Compare(a.EnhancedCode, b.EnhancedCode), strings.Compare(a.Domain, b.Domain))
}

func breadth(scope string) int {
	return slices.Index([]string{report.ScopeProviderCategory, report.ScopeProvider, report.ScopeCategory, report.ScopeReply,
		report.ScopeDomain, report.ScopeTotal}, scope)
}

// union returns the keys of both maps.
func union[K comparable, V any](a, b map[K]V) map[K]struct{} {
	keys := make(map[K]struct{}, max(len(a), len(b)))
	for k := range a {
		keys[k] = struct{}{}
	}
	for k := range b {
		keys[k] = struct{}{}
	}
	return keys
}

// length returns the time that a report covers; zero where it does not say.
func length(w *report.Window) time.Duration {
	first, err1 := time.Parse(time.RFC3339, w.First)
	last, err2 := time.Parse(time.RFC3339, w.Last)
	if err1 != nil || err2 != nil {
		return 0
	}
	return last.Sub(first)
}
