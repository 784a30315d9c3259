package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/report"

	"github.com/google/go-cmp/cmp"
)

// A cause is outcomes of a category at a provider.
type cause struct {
	provider, category       string
	failed, delayed, pending int64
}

// reportOf makes the report of a day: so many deliveries at each provider, which are its domains too, and what went wrong.
func reportOf(delivered map[string]int64, causes ...cause) *report.Report {
	r := &report.Report{Window: report.Window{First: "2026-11-20T00:00:00Z", Last: "2026-11-20T23:59:59Z"}}
	byCategory := make(map[string]*report.Category)
	for name, n := range delivered {
		p := report.Provider{Provider: name}
		p.Outcomes.Delivered = n
		for _, c := range causes {
			if c.provider != name {
				continue
			}
			o := report.Outcomes{Bounced: c.failed, Pending: c.pending}
			example := &report.Example{Text: name + " " + c.category, File: "mail.log", Line: 7}
			p.Categories = append(p.Categories, report.CategoryCount{Category: c.category, Recipients: c.failed + c.delayed + c.pending, Outcomes: o, Example: example})
			if byCategory[c.category] == nil {
				byCategory[c.category] = &report.Category{Category: c.category, Example: example}
			}
			all := byCategory[c.category]
			all.Recipients += c.failed + c.delayed + c.pending
			all.Outcomes.Bounced, all.Outcomes.Pending = all.Outcomes.Bounced+c.failed, all.Outcomes.Pending+c.pending
			p.Outcomes.Bounced, p.Outcomes.Pending = p.Outcomes.Bounced+c.failed, p.Outcomes.Pending+c.pending
			r.Outcomes.DeliveredLater += c.delayed
		}
		r.Providers = append(r.Providers, p)
		r.Domains = append(r.Domains, report.Domain{Domain: name, Tally: p.Tally})
		r.Outcomes.Delivered, r.Outcomes.Bounced, r.Outcomes.Pending = r.Outcomes.Delivered+n, r.Outcomes.Bounced+p.Outcomes.Bounced, r.Outcomes.Pending+p.Outcomes.Pending
	}
	for _, c := range byCategory {
		r.Categories = append(r.Categories, *c)
	}
	r.Totals.Sent, r.Totals.Attempts.Bounced = r.Outcomes.Delivered, r.Outcomes.Bounced
	r.Totals.Attempts.Attempts = r.Totals.Sent + r.Totals.Attempts.Bounced + r.Outcomes.DeliveredLater + r.Outcomes.Pending
	none := 0.0
	r.Totals.DeferralRate = &none
	r.ProvidersTotal, r.DomainsTotal = len(r.Providers), len(r.Domains)
	for i := range 24 {
		start := time.Date(2026, 11, 20, i, 0, 0, 0, time.UTC).Format(time.RFC3339)
		r.Timeline = append(r.Timeline, report.Hour{Start: start, Sent: r.Totals.Sent / 24, Bounced: r.Totals.Attempts.Bounced / 24})
	}
	return r
}

var volumes = map[string]int64{"gmail": 20_000, "yahoo": 10_000, "example.com": 1_000, "small.example": 100}

func usual(more ...cause) *report.Report {
	return reportOf(volumes, append([]cause{
		{"gmail", "bad_mailbox", 200, 0, 0}, {"gmail", "blocklisted", 20, 0, 0}, {"gmail", "greylisted", 0, 900, 60},
		{"yahoo", "bad_mailbox", 150, 0, 0}, {"yahoo", "rate_limited", 10, 500, 30}, {"example.com", "bad_mailbox", 12, 0, 0},
		{"small.example", "bad_mailbox", 1, 0, 0},
	}, more...)...)
}

// told returns the changes in short, those that others explain in parentheses.
func told(c *report.Comparison) (list []string) {
	for _, ch := range c.Changes {
		words := []string{ch.Verdict, ch.Scope, ch.Metric}
		for _, s := range []string{ch.Provider, ch.Category, ch.Domain, ch.EnhancedCode} {
			if s != "" {
				words = append(words, s)
			}
		}
		s := fmt.Sprintf("%s %+d", strings.Join(words, " "), ch.Excess)
		if ch.Explained {
			s = "(" + s + ")"
		}
		list = append(list, s)
	}
	for _, t := range c.Templates {
		list = append(list, fmt.Sprintf("%s %q", t.Change, t.Text))
	}
	return list
}

func TestReports(t *testing.T) {
	hours := func(r *report.Report, bounced ...int64) *report.Report { // their sum is spread over the hours like this
		for i := range r.Timeline {
			r.Timeline[i].Bounced = bounced[i%len(bounced)]
		}
		return r
	}
	reply := func(r *report.Report, code int, class string, n int64) *report.Report {
		r.Replies = append(r.Replies, report.Reply{ReplyCode: code, EnhancedCode: "5.7.1", Class: class, Count: n})
		r.RepliesTotal = len(r.Replies)
		return r
	}
	template := func(r *report.Report, text, class string, n int64) *report.Report {
		r.Templates = append(r.Templates, report.Template{Text: text, Class: class, Count: n})
		r.TemplatesTotal = len(r.Templates)
		return r
	}
	for _, c := range []struct {
		name     string
		old, new *report.Report
		o        Options
		want     []string
	}{
		{"the same", usual(), usual(), Options{}, nil},
		{"chance", usual(), usual(cause{"gmail", "policy", 12, 0, 0}, cause{"yahoo", "blocklisted", 9, 15, 4}), Options{}, nil},
		{"newly blocked", usual(), usual(cause{"yahoo", "blocklisted", 600, 0, 0}), Options{}, []string{
			"regression provider_category failed yahoo blocklisted +600",
			"(regression category failed blocklisted +600)",
			"(regression total failed +593)",
			"(regression provider failed yahoo +591)",
			"(regression domain failed yahoo +591)",
		}},
		{"no more blocked", usual(cause{"yahoo", "blocklisted", 600, 0, 0}), usual(), Options{}, []string{
			"(improvement category failed blocklisted -588)",
			"(improvement total failed -581)",
			"improvement provider_category failed yahoo blocklisted -567",
			"(improvement provider failed yahoo -558)",
			"(improvement domain failed yahoo -558)",
		}},
		{"held back", usual(), usual(cause{"gmail", "rate_limited", 0, 4000, 0}), Options{}, []string{
			"regression provider_category delayed gmail rate_limited +4000",
			"(regression provider delayed gmail +4000)",
			"(regression category delayed rate_limited +4000)",
			"(regression total delayed +4000)",
		}},
		{"waiting", usual(), usual(cause{"gmail", "rate_limited", 0, 0, 2000}), Options{}, []string{
			"regression provider_category pending gmail rate_limited +2000",
			"(regression category pending rate_limited +1998)",
			"(regression provider pending gmail +1994)",
			"(regression total pending +1994)",
			"(regression domain pending gmail +1994)",
		}},
		{"too few outcomes", usual(), usual(cause{"small.example", "blocklisted", 60, 0, 0}), Options{MinOutcomes: 200}, []string{
			"regression category failed blocklisted +60"}},
		{"fewer outcomes will do", usual(), usual(cause{"small.example", "blocklisted", 60, 0, 0}), Options{MinOutcomes: 50, MinChange: 0.1}, []string{
			"regression provider_category failed small.example blocklisted +60",
			"(regression provider failed small.example +59)",
			"(regression domain failed small.example +59)",
		}},
		{"too small a change", usual(), usual(cause{"yahoo", "blocklisted", 600, 0, 0}), Options{MinChange: 0.06}, nil},
		{"alpha", usual(), usual(cause{"yahoo", "blocklisted", 25, 0, 0}), Options{Alpha: 1e-9}, nil},
		{"a storm in an hour is nothing that tells of the day", hours(usual(), 0, 0, 0, 200), hours(usual(cause{"gmail", "spam_content", 160, 0, 0}), 0, 0, 0, 0, 0, 1200), Options{}, nil},
		{"ten times as long", usual(), scaled(usual(), 10), Options{}, nil},
		{"replies for good", reply(usual(), 550, "permanent", 100), reply(usual(), 550, "permanent", 500), Options{}, []string{"regression reply failed 5.7.1 +400"}},
		{"replies for now are no outcomes", reply(usual(), 450, "transient", 100), reply(usual(), 450, "transient", 5000), Options{}, nil},
		{"new and vanished templates", template(template(usual(), "a", "permanent", 300), "c", "permanent", 50), template(template(usual(), "b", "transient", 300), "c", "permanent", 51), Options{}, []string{
			`new "b"`, `vanished "a"`}},
		{"rare templates", template(usual(), "a", "permanent", 9), template(usual(), "b", "permanent", 19), Options{}, nil},
		{"no outcomes", reportOf(nil), usual(), Options{}, nil},
		{"none at all", &report.Report{}, &report.Report{}, Options{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := Reports(c.old, c.new, c.o)
			if diff := cmp.Diff(c.want, told(res)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(res, Reports(c.old, c.new, c.o)); diff != "" {
				t.Errorf("a second time (-first +second):\n%s", diff)
			}
			n := 0
			for _, ch := range res.Changes {
				if !ch.Explained {
					n++
				}
				if ch.Scope == report.ScopeProviderCategory && (ch.Example == nil || ch.Example.Text != ch.Provider+" "+ch.Category) {
					t.Errorf("%s at %s: example %+v", ch.Category, ch.Provider, ch.Example)
				}
				if ch.P < 1e-12 || ch.P > res.Test.Alpha || (ch.Excess > 0) != (ch.Verdict == report.Regression) {
					t.Errorf("%+v", ch)
				}
			}
			if n != res.Regressions+res.Improvements {
				t.Errorf("%d regressions and %d improvements of %d", res.Regressions, res.Improvements, n)
			}
		})
	}
}

// scaled is the same behaviour for n times as long, but for what is pending.
func scaled(r *report.Report, n int64) *report.Report {
	for i := range r.Providers {
		p := &r.Providers[i]
		scale(&p.Outcomes, n)
		for j := range p.Categories {
			c := &p.Categories[j]
			pending := c.Outcomes.Pending
			scale(&c.Outcomes, n)
			c.Recipients = (c.Recipients-pending)*n + pending
		}
	}
	for i := range r.Domains {
		scale(&r.Domains[i].Outcomes, n)
	}
	for i := range r.Categories {
		c := &r.Categories[i]
		pending := c.Outcomes.Pending
		scale(&c.Outcomes, n)
		c.Recipients = (c.Recipients-pending)*n + pending
	}
	scale(&r.Outcomes.Outcomes, n)
	r.Outcomes.DeliveredLater *= n
	r.Window.Last = "2026-11-29T23:59:59Z"
	return r
}

func scale(o *report.Outcomes, n int64) { o.Delivered, o.Bounced = o.Delivered*n, o.Bounced*n }

// TestNotes: what can't be compared is said, and not told as a change.
func TestNotes(t *testing.T) {
	blocked := func() *report.Report { return usual(cause{"yahoo", "blocklisted", 600, 0, 0}) }
	for _, c := range []struct {
		name     string
		old, new func() *report.Report
		note     string
		without  string // no change of this scope
	}{
		{"before outcomes were counted", func() *report.Report {
			r := usual()
			for i := range r.Providers {
				r.Providers[i].Outcomes, r.Providers[i].Categories = report.Outcomes{}, nil
			}
			for i := range r.Categories {
				r.Categories[i].Outcomes, r.Categories[i].Recipients = report.Outcomes{}, 0
			}
			return r
		}, blocked, "does not count outcomes by provider", report.ScopeProvider},
		{"top", func() *report.Report {
			r := usual()
			r.Domains, r.Providers = r.Domains[:1], r.Providers[:1]
			return r
		}, blocked, "has not all domains", ""},
		{"replies cut", func() *report.Report {
			r := usual()
			r.RepliesTotal = 7
			return r
		}, blocked, "has not all replies", report.ScopeReply},
		{"other length", func() *report.Report { return scaled(usual(), 10) }, blocked, "spans of different length", ""},
		{"few", func() *report.Report { return reportOf(map[string]int64{"gmail": 10}) }, blocked, "the old log has too few outcomes", report.ScopeTotal},
		{"redacted", func() *report.Report {
			r := usual()
			r.Redaction = report.RedactAll
			r.Templates = []report.Template{{Text: "a", Class: "permanent", Count: 1000}}
			r.TemplatesTotal = 1
			return r
		}, blocked, "redacted", "template"},
		{"another selection", func() *report.Report {
			r := usual()
			r.Selection = &report.Selection{Domain: "example.com"}
			return r
		}, blocked, "the old report counts recipients at example.com, the new one all mail", ""},
		{"deferrals left out", func() *report.Report {
			r := usual()
			r.Templates, r.TemplatesTotal = []report.Template{{Text: "a", Class: "transient", Count: 1000}}, 1
			return r
		}, func() *report.Report {
			r := usual()
			r.Totals.DeferralRate = nil
			return r
		}, "may leave deferrals out", "template"},
		{"templates folded", func() *report.Report {
			r := usual()
			r.Templates = []report.Template{{Text: "a", Class: "permanent", Count: 1000}}
			return r
		}, func() *report.Report {
			r := blocked()
			r.Templates = []report.Template{{Text: "other", Folded: true, Class: "permanent", Count: 1000}}
			return r
		}, "has not all diagnostics", "template"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := Reports(c.old(), c.new(), Options{})
			if !slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, c.note) }) {
				t.Errorf("notes %q, want one with %q", res.Notes, c.note)
			}
			for _, ch := range res.Changes {
				if ch.Scope == c.without {
					t.Errorf("told all the same: %+v", ch)
				}
			}
			if c.without == "template" && len(res.Templates) > 0 {
				t.Errorf("told all the same: %+v", res.Templates)
			}
		})
	}
	if res := Reports(usual(), usual(), Options{}); len(res.Notes) > 0 {
		t.Errorf("notes of whole reports: %q", res.Notes)
	}
}

func TestCorrelation(t *testing.T) {
	even, uneven, short := usual(), usual(), usual()
	for i := range uneven.Timeline {
		uneven.Timeline[i].Bounced = int64(i%2) * 60
	}
	short.Timeline = uneven.Timeline[:5]
	for _, c := range []struct {
		name      string
		r         *report.Report
		low, high float64
	}{{"even", even, 0, 0}, {"uneven", uneven, 0.02, 0.03}, {"short", short, 0, 0}, {"nothing", &report.Report{}, 0, 0}} {
		if got := correlation(c.r); got < c.low || got > c.high {
			t.Errorf("%s: %v, want %v to %v", c.name, got, c.low, c.high)
		}
	}
}
