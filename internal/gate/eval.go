package gate

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/report"
)

// A value is what a metric comes to: n, or n÷of where of is not zero.
type value struct {
	said  bool
	n, of int64
	rest  int64  // n may be more by up to this many, which the report has no row for
	note  string // why nothing is said, or what there is to know besides
}

// An evaluation is one look at a report.
type evaluation struct {
	r *report.Report
	x *Expr

	dry bool     // there is no report yet: err and by are asked for
	err error    // reports have no rows for these labels together
	by  []string // the breakdown that is needed
	gap string   // the report has not what is needed
}

func (e *evaluation) value() value {
	v := e.x.metric.value(e)
	if e.gap != "" {
		return value{note: e.gap}
	}
	return v
}

// base returns how many attempts there are to judge by.
func (e *evaluation) base() int64 {
	n, _ := e.sum(attempts, e.x.where())
	return n
}

// where returns the selectors that say where.
func (x *Expr) where() []selector {
	return slices.Clip(slices.DeleteFunc(slices.Clone(x.selectors), func(s selector) bool { return !whereLabels.has(s.label) }))
}

// What is counted.
type things uint8

const (
	attempts things = iota
	failures        // attempts that failed, by their cause
	deliveries
	lines
)

func (t things) String() string {
	return [...]string{"attempts", "failed attempts", "deliveries", "lines"}[t]
}

// folded is the name of a row of all those that a table had no room for. No other row has it.
const folded = "\x00"

// A row is n things that have these labels.
type row struct {
	labels [numLabels]string
	n      int64
}

// A table is a part of the report in which things are told apart by labels: whatever else they differ in, their rows are
// disjoint.
type table struct {
	of     things
	labels mask
	rows   func(r *report.Report, yield func(row))
}

// tables are those of a report. Of several that have the labels asked for, the first is taken: it has the fewest rows.
var tables = []table{
	{attempts, maskOf(status), func(r *report.Report, yield func(row)) { statuses(&r.Totals.Attempts, row{}, yield) }},
	{attempts, maskOf(class), func(r *report.Report, yield func(row)) {
		for _, c := range r.Classes {
			yield(row{n: c.Count}.with(class, c.Class))
		}
	}},
	{attempts, maskOf(origin), func(r *report.Report, yield func(row)) {
		for _, o := range r.Totals.Origins {
			yield(row{n: o.Count}.with(origin, o.Origin))
		}
	}},
	{attempts, maskOf(replyCode, enhancedCode, class), func(r *report.Report, yield func(row)) {
		left := r.Totals.Attempts.Attempts
		for i := range r.Replies {
			c := &r.Replies[i]
			left -= c.Count
			code, enhanced := none, c.EnhancedCode
			if c.ReplyCode != 0 {
				code = strconv.Itoa(c.ReplyCode)
			}
			if enhanced == "" {
				enhanced = none
			}
			yield(row{n: c.Count}.with(replyCode, code).with(enhancedCode, enhanced).with(class, c.Class))
		}
		// The list may have been cut.
		yield(row{n: left}.with(replyCode, folded).with(enhancedCode, folded).with(class, folded))
	}},
	{attempts, maskOf(provider, status), func(r *report.Report, yield func(row)) {
		for i := range r.Providers {
			p := &r.Providers[i]
			statuses(&p.Attempts, row{}.with(provider, nameOf(p.Provider, p.Folded)), yield)
		}
	}},
	{attempts, maskOf(domain, status), func(r *report.Report, yield func(row)) {
		for i := range r.Domains {
			d := &r.Domains[i]
			statuses(&d.Attempts, row{}.with(domain, nameOf(d.Domain, d.Folded)), yield)
		}
	}},
	{attempts, maskOf(senderDomain, status), func(r *report.Report, yield func(row)) {
		for i := range r.Senders {
			s := &r.Senders[i]
			statuses(&s.Attempts, row{}.with(senderDomain, nameOf(s.SenderDomain, s.Folded)), yield)
		}
	}},
	{failures, maskOf(category, status), func(r *report.Report, yield func(row)) {
		for i := range r.Categories {
			c := &r.Categories[i]
			name := row{}.with(category, categoryOf(c.Category))
			yield(name.of(c.Deferred).with(status, "deferred"))
			yield(name.of(c.Bounced).with(status, "bounced"))
		}
	}},
	{failures, maskOf(provider, category), func(r *report.Report, yield func(row)) {
		for i := range r.Providers {
			p := &r.Providers[i]
			for _, c := range p.Categories {
				yield(row{n: c.Attempts}.with(provider, nameOf(p.Provider, p.Folded)).with(category, categoryOf(c.Category)))
			}
		}
	}},
	{deliveries, maskOf(outcome), func(r *report.Report, yield func(row)) {
		o := &r.Outcomes
		yield(row{n: o.DeliveredFirst}.with(outcome, "delivered_first"))
		yield(row{n: o.DeliveredLater}.with(outcome, "delivered_later"))
		yield(row{n: o.DeliveredUnknown}.with(outcome, "delivered_unknown"))
		unsuccessful(&o.Outcomes, row{}, yield)
	}},
	{deliveries, maskOf(provider, outcome), func(r *report.Report, yield func(row)) {
		for i := range r.Providers {
			p := &r.Providers[i]
			outcomes(&p.Outcomes, row{}.with(provider, nameOf(p.Provider, p.Folded)), yield)
		}
	}},
	{deliveries, maskOf(domain, outcome), func(r *report.Report, yield func(row)) {
		for i := range r.Domains {
			d := &r.Domains[i]
			outcomes(&d.Outcomes, row{}.with(domain, nameOf(d.Domain, d.Folded)), yield)
		}
	}},
	{deliveries, maskOf(senderDomain, outcome), func(r *report.Report, yield func(row)) {
		for i := range r.Senders {
			s := &r.Senders[i]
			outcomes(&s.Outcomes, row{}.with(senderDomain, nameOf(s.SenderDomain, s.Folded)), yield)
		}
	}},
	{lines, maskOf(bucket), func(r *report.Report, yield func(row)) {
		c := &r.Coverage
		for _, b := range []struct {
			name string
			n    int64
		}{{"delivery", c.Delivery}, {"context", c.Context}, {"ignored", c.Ignored}, {"unrecognised", c.Unrecognised},
			{"malformed", c.Malformed}, {"overlong", c.Overlong}} {
			yield(row{n: b.n}.with(bucket, b.name))
		}
	}},
}

func (w row) with(l label, name string) row {
	w.labels[l] = name
	return w
}

func (w row) of(n int64) row {
	w.n = n
	return w
}

func nameOf(name string, fold bool) string {
	if fold {
		return folded
	}
	return name
}

// categoryOf knows the row of the causes that there was no room for.
func categoryOf(name string) string { return nameOf(name, name == "other") }

func statuses(a *report.Attempts, w row, yield func(row)) {
	yield(w.of(a.Sent).with(status, "sent"))
	yield(w.of(a.Deferred).with(status, "deferred"))
	yield(w.of(a.Bounced).with(status, "bounced"))
}

// outcomes yields what is told of a row: the three kinds of delivered are told apart in total only.
func outcomes(o *report.Outcomes, w row, yield func(row)) {
	yield(w.of(o.Delivered).with(outcome, "delivered"))
	unsuccessful(o, w, yield)
}

func unsuccessful(o *report.Outcomes, w row, yield func(row)) {
	yield(w.of(o.Bounced).with(outcome, "bounced"))
	yield(w.of(o.Expired).with(outcome, "expired"))
	yield(w.of(o.Pending).with(outcome, "pending"))
	yield(w.of(o.Lost).with(outcome, "lost"))
}

// sum returns how many things all selectors pick, and how many they may pick besides: those that there was no room for,
// where what is asked for may be among them.
func (e *evaluation) sum(of things, by []selector) (n, rest int64) {
	var want mask
	for i := range by {
		want |= 1 << by[i].label
	}
	t := e.table(of, want)
	if t == nil {
		return 0, 0
	}
	missing := e.missing(t, by)
	t.rows(e.r, func(w row) {
		sure := true
		for j := range by {
			s := &by[j]
			switch have := w.labels[s.label]; {
			case have == "": // the log did not say
				return
			case have == folded && missing[j]:
				sure = false
			case have == folded && s.not: // of what is not picked, nothing is among the rest
			case have == folded, !s.matches(have):
				return
			}
		}
		if sure {
			n += w.n
		} else {
			rest += w.n
		}
	})
	return n, rest
}

// table returns the table of the report that has these labels, or one made of a breakdown; nil where there is none, which
// err and gap tell of.
func (e *evaluation) table(of things, want mask) *table {
	if i := slices.IndexFunc(tables, func(t table) bool { return t.of == of && want&^t.labels == 0 }); i >= 0 {
		return &tables[i]
	}
	var names []string
	known := true
	for l := range label(numLabels) {
		if !want.has(l) || l == status || l == outcome {
			continue
		}
		name := l.dimension()
		known = known && name != ""
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !known || len(names) > 2 || len(names) == 0 {
		e.err = fmt.Errorf("reports do not count %s by %s", of, strings.Join(want.names(), " and "))
		if want&(want-1) != 0 {
			e.err = fmt.Errorf("%w together", e.err)
		}
		return nil
	}
	if len(names) > len(e.by) {
		e.by = names
	}
	// One by more dimensions will do: its rows add up.
	var best *report.Breakdown
	for i := range e.r.Breakdowns {
		b := &e.r.Breakdowns[i]
		if !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(b.By, n) }) && (best == nil || len(b.By) < len(best.By)) {
			best = b
		}
	}
	if best != nil {
		return breakdownTable(of, best)
	}
	if !e.dry {
		e.gap = "not known: the report has no breakdown by " + strings.Join(names, " and ")
	}
	return nil
}

// breakdownTable makes a table of a breakdown.
func breakdownTable(of things, b *report.Breakdown) *table {
	t := &table{of: of}
	for _, name := range b.By {
		if name == "code" {
			t.labels |= maskOf(replyCode, enhancedCode)
		} else if l, ok := parseLabel(strings.ReplaceAll(name, "-", "_")); ok {
			t.labels |= maskOf(l)
		}
	}
	t.rows = func(_ *report.Report, yield func(row)) {
		for i := range b.Rows {
			x := &b.Rows[i]
			var w row
			for j, name := range b.By {
				switch l, ok := parseLabel(strings.ReplaceAll(name, "-", "_")); {
				case name == "code":
					code, enhanced := codesOf(x.Key[j])
					w = w.with(replyCode, nameOf(code, x.Folded)).with(enhancedCode, nameOf(enhanced, x.Folded))
				case l == category:
					w = w.with(l, nameOf(x.Key[j], x.Folded || x.Key[j] == "other"))
				case ok:
					w = w.with(l, nameOf(x.Key[j], x.Folded))
				}
			}
			if of == deliveries {
				outcomes(&x.Outcomes, w, yield)
			} else {
				statuses(&x.Attempts, w, yield)
			}
		}
	}
	return t
}

// codesOf tells a reply code from an enhanced code: `550 5.1.1`, or either of them, or nothing.
func codesOf(key string) (code, enhanced string) {
	code, enhanced, both := strings.Cut(key, " ")
	if !both && strings.Contains(code, ".") {
		code, enhanced = "", code
	}
	return cmp.Or(code, none), cmp.Or(enhanced, none)
}

// missing tells of each selector whether what it names may be among the things there was no room for: a name without a row
// of its own; of patterns and categories, always.
func (e *evaluation) missing(t *table, by []selector) []bool {
	missing := make([]bool, len(by))
	for j := range by {
		s := &by[j]
		if !whereLabels.has(s.label) {
			missing[j] = true
			continue
		}
		found := 0
		seen := make(map[string]bool)
		t.rows(e.r, func(w row) {
			if have := w.labels[s.label]; !seen[have] && slices.Contains(s.values, have) {
				seen[have] = true
				found++
			}
		})
		missing[j] = found < len(s.values)
	}
	return missing
}

// quotient is n÷of, where there is something to divide by.
func (e *evaluation) quotient(n, rest, of int64, what string) value {
	if of == 0 {
		return value{note: "nothing to divide by: no " + what + e.scope() + e.unheard()}
	}
	return e.sure(value{said: true, n: n, of: of, rest: rest})
}

// sure takes a value back that may be another, where the other one might change the verdict.
func (e *evaluation) sure(v value) value {
	if v.rest == 0 {
		return v
	}
	at := func(n int64) int {
		if v.of == 0 {
			return new(big.Rat).SetInt64(n).Cmp(e.limit())
		}
		return big.NewRat(n, v.of).Cmp(e.limit())
	}
	low, high := at(v.n), at(v.n+v.rest)
	monotone := e.x.op != equal && e.x.op != notEqual
	if low == high || monotone && e.x.op.holds(low) == e.x.op.holds(high) {
		v.note = fmt.Sprintf("at least: there are %d more that the report has no row for", v.rest)
		return v
	}
	return value{note: fmt.Sprintf("not known: there are %d that the report has no row for, and they might decide", v.rest)}
}

// limit is that of the expression; it is not there yet while it is being parsed.
func (e *evaluation) limit() *big.Rat {
	if e.x.limit == nil {
		return new(big.Rat)
	}
	return e.x.limit
}

// scope says where: ` with provider=gmail`.
func (e *evaluation) scope() string {
	where := e.x.where()
	if len(where) == 0 {
		return ""
	}
	var all []string
	for i := range where {
		all = append(all, where[i].String())
	}
	return " with " + strings.Join(all, ", ")
}

// unheard asks what was meant by a provider that the report has no row of.
func (e *evaluation) unheard() string {
	var known []string
	for _, p := range e.r.Providers {
		if !p.Folded {
			known = append(known, p.Provider)
		}
	}
	for _, s := range e.x.selectors {
		if s.label != provider {
			continue
		}
		for _, v := range s.values {
			if !slices.Contains(known, v) {
				return didYouMean(v, known)
			}
		}
	}
	return ""
}

func bounceRate(e *evaluation) value {
	where := e.x.where()
	failed, _ := e.sum(deliveries, append(where, selector{label: outcome, values: []string{"bounced", "expired"}}))
	delivered, _ := e.sum(deliveries, append(where, selector{label: outcome, values: []string{"delivered"}}))
	return e.quotient(failed, 0, delivered+failed, "delivery that is settled")
}

func deferralRate(e *evaluation) value {
	where := e.x.where()
	all, _ := e.sum(attempts, where)
	deferred, _ := e.sum(attempts, append(where, selector{label: status, values: []string{"deferred"}}))
	if e.omitsDeferrals() {
		return value{note: noDeferrals}
	}
	return e.quotient(deferred, 0, all, "attempt")
}

const noDeferrals = "not known: programs that write these logs may leave deferrals out, and there is none"

// omitsDeferrals reports whether none of them means nothing.
func (e *evaluation) omitsDeferrals() bool {
	t := &e.r.Totals
	return t.DeferralRate == nil && t.Attempts.Attempts > 0
}

// ofDeferrals reports whether the selectors pick what deferrals are among, or what only they can tell.
func (x *Expr) ofDeferrals() bool {
	return slices.ContainsFunc(x.selectors, func(s selector) bool {
		switch s.label {
		case status:
			return s.matches("deferred")
		case class:
			return s.matches("transient")
		case replyCode, enhancedCode:
			return !s.not && slices.ContainsFunc(s.values, func(v string) bool { return strings.HasPrefix(v, "4") })
		case outcome:
			return !s.not && slices.ContainsFunc(s.values, func(v string) bool {
				return v == "pending" || v == "delivered_first" || v == "delivered_later"
			})
		}
		return false
	})
}

// unknownShare counts the failed attempts whose cause is not told: those of the category unknown, and those that there was
// no room for.
func unknownShare(e *evaluation) value {
	where := e.x.where()
	told, _ := e.sum(failures, append(where, selector{label: category, values: knownCategories}))
	failed, _ := e.sum(attempts, append(where, selector{label: status, values: []string{"deferred", "bounced"}}))
	return e.quotient(failed-told, 0, failed, "failed attempt")
}

// knownCategories are all but unknown.
var knownCategories = slices.DeleteFunc(categoryNames(), func(name string) bool { return name == classify.Unknown.String() })

func countOf(e *evaluation) value {
	n, rest := e.sum(e.x.counts(), e.x.selectors)
	if e.omitsDeferrals() && e.x.ofDeferrals() {
		return value{note: noDeferrals}
	}
	v := e.sure(value{said: true, n: n, rest: rest})
	if e.x.mask().has(provider) && n == 0 && v.note == "" {
		if ask := e.unheard(); ask != "" {
			v.note = "no attempt" + e.scope() + ask
		}
	}
	return v
}

func shareOf(e *evaluation) value {
	of := e.x.counts()
	n, rest := e.sum(of, e.x.selectors)
	where := e.x.where()
	all, _ := e.sum(of, where)
	if of == failures {
		// Of the failed attempts, whether their cause is told or not.
		all, _ = e.sum(attempts, append(where, selector{label: status, values: []string{"deferred", "bounced"}}))
	}
	if e.omitsDeferrals() && e.x.ofDeferrals() {
		return value{note: noDeferrals}
	}
	return e.quotient(n, rest, all, strings.TrimSuffix(strings.Replace(of.String(), "deliveries", "delivery", 1), "s"))
}

// counts is what the selectors are about.
func (x *Expr) counts() things {
	switch m := x.mask(); {
	case m.has(category):
		return failures
	case m.has(outcome):
		return deliveries
	}
	return attempts
}

// deliveryTime returns the evaluation of a percentile. Those of a report are in seconds, of whole milliseconds.
func deliveryTime(get func(*report.DeliveryTime) *float64) func(*evaluation) value {
	return func(e *evaluation) value {
		want := ""
		for _, s := range e.x.selectors {
			want = s.values[0]
		}
		for i := range e.r.DeliveryTimes {
			if d := &e.r.DeliveryTimes[i]; d.Provider == want {
				if p := get(d); p != nil {
					return value{said: true, n: int64(math.Round(*p * 1000))}
				}
			}
		}
		return value{note: "not known: no delivery of a known time" + e.scope() + e.unheard()}
	}
}

func coverage(e *evaluation) value {
	c := &e.r.Coverage
	return e.quotient(c.Delivery+c.Context+c.Ignored, 0, c.Lines, "line")
}

func linesOf(e *evaluation) value {
	n, _ := e.sum(lines, e.x.selectors)
	return value{said: true, n: n}
}

func plain(get func(*report.Report) int64) func(*evaluation) value {
	return func(e *evaluation) value { return value{said: true, n: get(e.r)} }
}

// kinds are the classes of replies that lead to a status or an outcome.
var kinds = map[string]string{"bounced": "permanent", "deferred": "transient", "expired": "transient", "pending": "transient"}

// kind returns the class of the replies that x is about, empty for any; false where no reply leads to it.
func (x *Expr) kind() (class string, ok bool) {
	switch x.metric.name {
	case "bounce_rate":
		return "permanent", true
	case "deferral_rate":
		return "transient", true
	}
	for i := range x.selectors {
		s := &x.selectors[i]
		if s.label != status && s.label != outcome {
			continue
		}
		for j, v := range s.values {
			k, known := kinds[v]
			if s.not || !known {
				return "", false
			}
			if j > 0 && k != class {
				k = ""
			}
			class = k
		}
	}
	return class, true
}

// evidence returns the places that best show why a gate failed: of the kind that the selectors pick, the most frequent
// first.
func (x *Expr) evidence(r *report.Report) []report.Evidence {
	found := []report.Evidence{}
	add := func(n int64, what string, e *report.Example, have row) {
		for i := range x.selectors {
			s := &x.selectors[i]
			if whereLabels.has(s.label) && have.labels[s.label] == "" || have.labels[s.label] != "" && !s.matches(have.labels[s.label]) {
				return
			}
		}
		if e != nil && !slices.ContainsFunc(found, func(f report.Evidence) bool { return f.Example == *e }) {
			found = append(found, report.Evidence{Attempts: n, What: what, Example: *e})
		}
	}
	m := x.mask()
	kind, ok := x.kind()
	if lowIsBad := x.op == greater || x.op == greaterEqual; !ok || lowIsBad && x.metric.name != "coverage" {
		return found // where there were to be more, those that there are do not show why
	}
	switch {
	case x.metric.name == "coverage" || x.metric.name == "lines":
		for _, s := range r.Coverage.Samples {
			what := s.Bucket
			if s.Reason != "" {
				what += ": " + s.Reason
			}
			add(1, what, &report.Example{Text: s.Text, File: s.File, Line: s.Line}, row{}.with(bucket, s.Bucket))
		}
	case x.metric.takes == 0 || m.has(origin) || m.has(domain) || m.has(senderDomain):
		// Nothing in the report tells which lines these are.
	case m.has(category) || m.has(provider) || x.metric.name == "unknown_share":
		for i := range r.Hints {
			h := &r.Hints[i]
			if x.metric.name == "unknown_share" && h.Category != "unknown" {
				continue
			}
			what := h.Category
			if h.Sub != "" {
				what += ", " + h.Sub
			}
			if h.Provider != "" {
				what += ", " + h.Provider
			}
			add(h.Attempts, what, h.Example, row{}.with(category, h.Category).with(provider, h.Provider))
		}
	default:
		for i := range r.Templates {
			t := &r.Templates[i]
			if kind != "" && t.Class != kind {
				continue
			}
			code, enhanced := none, t.EnhancedCode
			if t.ReplyCode != 0 {
				code = strconv.Itoa(t.ReplyCode)
			}
			if enhanced == "" {
				enhanced = none
			}
			what := strings.TrimSpace(strings.TrimPrefix(code, none) + " " + t.EnhancedCode)
			if what == "" {
				what = "no reply"
			}
			add(t.Count, what+", "+t.Class, t.Example, row{}.with(replyCode, code).with(enhancedCode, enhanced).with(class, t.Class))
			if len(found) >= 4*maxEvidence {
				break
			}
		}
	}
	slices.SortStableFunc(found, func(a, b report.Evidence) int { return int(min(1, max(-1, b.Attempts-a.Attempts))) })
	return found[:min(len(found), maxEvidence)]
}
