package gate

import (
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/report"
)

// A unit is what a metric is measured in.
type unit uint8

const (
	count    unit = iota
	share         // a fraction of one
	duration      // the limit is in seconds, values in milliseconds
)

func (u unit) String() string { return [...]string{"count", "share", "seconds"}[u] }

// durationUnits are the units of a time, in milliseconds.
var durationUnits = map[string]int64{"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

// A label is what rows of a report are told apart by.
type label uint8

const (
	provider label = iota
	domain
	senderDomain
	sender
	relay
	campaign
	sourceIP
	host
	instance
	transport
	category
	class
	status
	outcome
	origin
	replyCode
	enhancedCode
	bucket

	numLabels = iota
)

// A mask is a set of labels.
type mask uint32

func (m mask) has(l label) bool { return m&(1<<l) != 0 }

func maskOf(ls ...label) (m mask) {
	for _, l := range ls {
		m |= 1 << l
	}
	return m
}

func (m mask) names() []string {
	var names []string
	for l := range label(numLabels) {
		if m.has(l) {
			names = append(names, l.String())
		}
	}
	return names
}

func (l label) String() string { return labels[l].name }

// labels has the name of each label, what its values may be, and when one that was asked for is one that there is.
var labels = [numLabels]struct {
	name  string
	short string
	read  func(value string) (as, fault string)
	match func(want, have string) bool
}{
	provider:     {"provider", "who runs the recipient's servers, as the report calls it: gmail", lower, same},
	domain:       {"domain", "the recipient's domain", domainName, same},
	senderDomain: {"sender_domain", "the sender's domain", domainName, same},
	sender:       {"sender", "the envelope sender; <> is the null reverse-path", exact, same},
	relay:        {"relay", "the server talked to", lower, same},
	campaign:     {"campaign", "the mailing", exact, same},
	sourceIP:     {"source_ip", "our end of the connection", lower, same},
	host:         {"host", "whose log it is", exact, same},
	instance:     {"instance", "which of several MTAs of a host", exact, same},
	transport:    {"transport", "the MTA's program that delivers", exact, same},
	category:     {"category", "the cause of a failed attempt: blocklisted", among(categoryNames()), same},
	class:        {"class", "success, transient, permanent or unknown", among([]string{"success", "transient", "permanent", "unknown"}), same},
	status:       {"status", "of an attempt: sent, deferred or bounced", statusName, same},
	outcome: {"outcome", "of a delivery: delivered (delivered_first, delivered_later, delivered_unknown), bounced, expired, pending or lost",
		among([]string{"delivered", "delivered_first", "delivered_later", "delivered_unknown", "bounced", "expired", "pending", "lost"}), matchOutcome},
	origin:       {"origin", "who made the result up: remote, local, implied, provider or unknown", among([]string{"remote", "local", "implied", "provider", "unknown"}), same},
	replyCode:    {"reply_code", "550; x stands for any digit: 5xx; none: there was no code", readReplyCode, matchReplyCode},
	enhancedCode: {"enhanced_code", "5.1.1; x stands for any number: 5.7.x; none: there was no code", readEnhancedCode, matchEnhancedCode},
	bucket: {"bucket", "of a line: delivery, context, ignored, unrecognised, malformed or overlong",
		among([]string{"delivery", "context", "ignored", "unrecognised", "malformed", "overlong"}), same},
}

func labelNames() []string { return mask(1<<numLabels - 1).names() }

func parseLabel(name string) (label, bool) {
	i := slices.Index(labelNames(), name)
	return label(max(i, 0)), i >= 0
}

func categoryNames() []string {
	var names []string
	for c := classify.NoCategory + 1; c < classify.NumCategories; c++ {
		names = append(names, c.String())
	}
	return names
}

func same(want, have string) bool { return want == have }

func exact(v string) (string, string) { return v, "" }

func lower(v string) (string, string) { return strings.ToLower(v), "" }

func domainName(v string) (string, string) { return classify.Domain(v), "" }

// among returns the reader of a label that has few values.
func among(names []string) func(string) (string, string) {
	return func(v string) (string, string) {
		if !slices.Contains(names, v) {
			return "", fmt.Sprintf("unknown value %q%s; want one of %s", clip(v), didYouMean(v, names), strings.Join(names, ", "))
		}
		return v, ""
	}
}

func statusName(v string) (string, string) {
	if v == "expired" {
		return "", "an expiry is no attempt: ask for outcome=expired"
	}
	return among([]string{"sent", "deferred", "bounced"})(v)
}

// matchOutcome knows that three kinds of delivery are delivered.
func matchOutcome(want, have string) bool {
	return want == have || want == "delivered" && strings.HasPrefix(have, "delivered_")
}

// none is how a code is called that is not there.
const none = "none"

func readReplyCode(v string) (string, string) {
	if v == none || len(v) == 3 && strings.Trim(v, "0123456789x") == "" && v[0] >= '2' && v[0] <= '5' {
		return v, ""
	}
	return "", fmt.Sprintf("%q is no reply code: want three digits, 5xx for any that begins with 5, or none", clip(v))
}

func matchReplyCode(want, have string) bool {
	if len(want) != len(have) || want == none || have == none {
		return want == have
	}
	for i := range len(want) {
		if want[i] != 'x' && want[i] != have[i] {
			return false
		}
	}
	return true
}

func readEnhancedCode(v string) (string, string) {
	parts := strings.Split(v, ".")
	ok := len(parts) == 3
	for _, p := range parts {
		ok = ok && (p == "x" || p != "" && len(p) <= 3 && strings.Trim(p, "0123456789") == "")
	}
	if v == none || ok {
		return v, ""
	}
	return "", fmt.Sprintf("%q is no enhanced code: want 5.1.1, 5.7.x for any that begins with 5.7, or none", clip(v))
}

func matchEnhancedCode(want, have string) bool {
	w, h := strings.Split(want, "."), strings.Split(have, ".")
	if len(w) != len(h) {
		return false
	}
	for i := range w {
		if w[i] != "x" && w[i] != h[i] {
			return false
		}
	}
	return true
}

// A metric is a number of a report that gates compare.
type metric struct {
	name, short string
	unit        unit
	takes       mask
	value       func(*evaluation) value
}

// Labels that say where something happened, and those that say what.
var (
	whereLabels = maskOf(provider, domain, senderDomain, sender, relay, campaign, sourceIP, host, instance, transport)
	whatLabels  = maskOf(category, class, status, outcome, origin, replyCode, enhancedCode)
)

// metrics are all there are.
var metrics = []metric{
	{"bounce_rate", "(bounced + expired) ÷ (delivered + bounced + expired), of deliveries", share, whereLabels, bounceRate},
	{"deferral_rate", "deferred ÷ all attempts", share, whereLabels, deferralRate},
	{"unknown_share", "failed attempts whose cause is not known ÷ all failed attempts", share, maskOf(provider), unknownShare},
	{"share", "attempts of one kind ÷ all; with category ÷ all that failed; with outcome, deliveries ÷ all", share, whereLabels | whatLabels, shareOf},
	{"count", "attempts; with outcome, deliveries (pairs of message and recipient)", count, whereLabels | whatLabels, countOf},
	{"delivery_time_p50", "what half of the deliveries took at most", duration, maskOf(provider), deliveryTime(func(d *report.DeliveryTime) *float64 { return d.P50 })},
	{"delivery_time_p90", "what 90 of 100 deliveries took at most", duration, maskOf(provider), deliveryTime(func(d *report.DeliveryTime) *float64 { return d.P90 })},
	{"delivery_time_p99", "what 99 of 100 deliveries took at most", duration, maskOf(provider), deliveryTime(func(d *report.DeliveryTime) *float64 { return d.P99 })},
	{"coverage", "lines that were recognised ÷ all lines", share, 0, coverage},
	{"lines", "lines that were read; with bucket, those in it", count, maskOf(bucket), linesOf},
	{"domains", "recipient domains that were written to", count, 0, plain(func(r *report.Report) int64 { return int64(r.DomainsTotal) })},
	{"overridden", "attempts whose status contradicts the reply", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Overridden })},
	{"conflicts", "attempts whose reply code and enhanced code contradict each other", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Conflicts })},
	{"suspended", "deferrals without an attempt", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Suspended })},
	{"unattempted", "bounces without an attempt", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Unattempted })},
	{"suppressed", "recipients kept back by a suppression list or policy", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Suppressed })},
	{"discarded", "messages that the MTA threw away and called sent", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Discarded })},
	{"async", "bounce messages that came after the delivery", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Async })},
	{"inbound", "refusals at our own door", count, 0, plain(func(r *report.Report) int64 { return r.Totals.Inbound })},
	{"gaps", "lines that say that the logger dropped lines", count, 0, plain(func(r *report.Report) int64 { return r.Coverage.Gaps })},
}

func metricNames() []string {
	names := make([]string, len(metrics))
	for i := range metrics {
		names[i] = metrics[i].name
	}
	return names
}

// A Term is a metric or a label, for the help.
type Term struct {
	Name, Short string
	Takes       []string // labels; nil: none
}

// Metrics returns all metrics.
func Metrics() []Term {
	terms := make([]Term, len(metrics))
	for i, m := range metrics {
		terms[i] = Term{m.name, m.short, m.takes.names()}
	}
	return terms
}

// Labels returns all labels.
func Labels() []Term {
	terms := make([]Term, len(labels))
	for i, l := range labels {
		terms[i] = Term{Name: l.name, Short: l.short}
	}
	return terms
}

// orShare tells of the share of what is counted, where there is one.
func (m *metric) orShare() string {
	if m.name == "count" {
		return "; share is one"
	}
	return ""
}

// check reports selectors that a metric has no use for, or that no report has rows for.
func (m *metric) check(x *Expr) error {
	for _, s := range x.selectors {
		switch {
		case m.takes.has(s.label):
		case m.takes == 0:
			return fmt.Errorf("%s takes no label", m.name)
		default:
			return fmt.Errorf("%s takes no label %s: it takes %s", m.name, s.label, strings.Join(m.takes.names(), ", "))
		}
	}
	if m.unit == duration {
		for _, s := range x.selectors {
			if s.not || len(s.values) > 1 {
				return fmt.Errorf("%s is of all or of one provider: times of several can't be added up", m.name)
			}
		}
	}
	if m.name == "share" && x.mask()&whatLabels == 0 {
		return fmt.Errorf("share of what? Give a label: %s", strings.Join(whatLabels.names(), ", "))
	}
	e := evaluation{r: new(report.Report), x: x, dry: true}
	e.value()
	x.by = e.by
	return e.err
}

// dimension is the name of a label as a dimension of breakdowns; empty: it is none.
func (l label) dimension() string {
	switch {
	case l == replyCode || l == enhancedCode:
		return "code"
	case l == category || whereLabels.has(l):
		return strings.ReplaceAll(l.String(), "_", "-")
	}
	return ""
}

func (x *Expr) mask() (m mask) {
	for _, s := range x.selectors {
		m |= 1 << s.label
	}
	return m
}
