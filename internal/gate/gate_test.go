package gate

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bouncelog/report"

	"github.com/google/go-cmp/cmp"
)

func pointTo[T any](v T) *T { return &v }

func tally(sent, deferred, bounced, delivered, gone, expired, pending int64) report.Tally {
	return report.Tally{Attempts: report.Attempts{Attempts: sent + deferred + bounced, Sent: sent, Deferred: deferred, Bounced: bounced},
		Outcomes: report.Outcomes{Delivered: delivered, Bounced: gone, Expired: expired, Pending: pending}}
}

func example(line int64) *report.Example {
	return &report.Example{Text: "550 no", File: "mail.log", Line: line}
}

// model is a report of 1,000 attempts: 900 sent, 60 deferred, 40 bounced.
func model() *report.Report {
	r := &report.Report{DomainsTotal: 2}
	r.Coverage = report.Coverage{Lines: 2000, Delivery: 1000, Context: 900, Ignored: 91, Unrecognised: 5, Malformed: 3, Overlong: 1, Gaps: 2,
		Samples: []report.Sample{{Bucket: "unrecognised", Text: "-- MARK --", File: "mail.log", Line: 77}, {Bucket: "malformed", Reason: "no end", Text: "x", File: "mail.log", Line: 78}}}
	all := tally(900, 60, 40, 880, 38, 12, 7)
	r.Totals.Attempts = all.Attempts
	r.Totals.DeferralRate = pointTo(0.06)
	r.Totals.Origins = []report.Origin{{Origin: "remote", Count: 980}, {Origin: "local", Count: 20}}
	r.Totals.Overridden, r.Totals.Conflicts, r.Totals.Suspended, r.Totals.Unattempted = 11, 12, 13, 14
	r.Totals.Suppressed, r.Totals.Discarded, r.Totals.Async, r.Totals.Inbound = 15, 16, 17, 18
	r.Outcomes = report.AllOutcomes{DeliveredFirst: 800, DeliveredLater: 70, DeliveredUnknown: 10, Outcomes: all.Outcomes}
	r.Outcomes.Lost = 3
	r.Classes = []report.Class{{Class: "success", Count: 900}, {Class: "transient", Count: 58}, {Class: "permanent", Count: 41}, {Class: "unknown", Count: 1}}
	r.Replies = []report.Reply{
		{ReplyCode: 250, EnhancedCode: "2.0.0", Class: "success", Count: 900},
		{ReplyCode: 451, EnhancedCode: "4.7.1", Class: "transient", Count: 50},
		{ReplyCode: 550, EnhancedCode: "5.1.1", Class: "permanent", Count: 30},
		{ReplyCode: 554, Class: "permanent", Count: 11},
		{Class: "transient", Count: 8},
		{Class: "unknown", Count: 1},
	}
	r.Categories = []report.Category{
		{Category: "greylisted", Attempts: 50, Deferred: 50},
		{Category: "bad_mailbox", Attempts: 29, Bounced: 29},
		{Category: "blocklisted", Attempts: 11, Bounced: 11},
		{Category: "unknown", Attempts: 10, Deferred: 10},
	}
	r.Providers = []report.Provider{
		{Provider: "gmail", Tally: tally(500, 50, 10, 490, 10, 0, 2), Categories: []report.CategoryCount{{Category: "greylisted", Attempts: 50}, {Category: "bad_mailbox", Attempts: 10}}},
		{Provider: "outlook", Tally: tally(300, 0, 20, 300, 20, 0, 0), Categories: []report.CategoryCount{{Category: "blocklisted", Attempts: 11}, {Category: "bad_mailbox", Attempts: 9}}},
		{Provider: "idle", Tally: tally(0, 5, 0, 0, 0, 0, 5), Categories: []report.CategoryCount{{Category: "unknown", Attempts: 5}}},
	}
	r.Domains = []report.Domain{
		{Domain: "example.com", Tally: tally(600, 30, 20, 590, 18, 10, 1)},
		{Domain: "other", Tally: tally(200, 20, 10, 190, 10, 1, 1)},
		{Domain: "other", Folded: true, Tally: tally(100, 10, 10, 100, 10, 1, 5)},
	}
	r.Senders = []report.Sender{{SenderDomain: "news.example.org", Tally: tally(900, 60, 40, 880, 38, 12, 7)}}
	r.Templates = []report.Template{
		{Text: "a", Count: 50, Class: "transient", ReplyCode: 451, EnhancedCode: "4.7.1", Example: example(1)},
		{Text: "b", Count: 30, Class: "permanent", ReplyCode: 550, EnhancedCode: "5.1.1", Example: example(2)},
		{Text: "c", Count: 11, Class: "permanent", ReplyCode: 554, Example: example(3)},
		{Text: "d", Count: 9, Class: "transient"},
	}
	r.Hints = []report.Hint{
		{Category: "greylisted", Provider: "gmail", Attempts: 50, Example: example(1)},
		{Category: "blocklisted", Sub: "dnsbl", Provider: "outlook", Attempts: 11, Example: example(3)},
		{Category: "bad_mailbox", Provider: "outlook", Attempts: 9, Example: example(2)},
		{Category: "bad_mailbox", Provider: "gmail", Attempts: 20, Example: example(4)},
		{Category: "unknown", Attempts: 10, Example: example(5)},
	}
	r.DeliveryTimes = []report.DeliveryTime{
		{Delivered: 880, P50: pointTo(1.5), P90: pointTo(3600.0), P99: pointTo(86400.0)},
		{Provider: "gmail", Delivered: 490, P50: pointTo(0.412), P90: pointTo(60.0), P99: pointTo(61.001)},
	}
	r.Breakdowns = []report.Breakdown{
		{By: []string{"campaign", "category"}, Rows: []report.BreakdownRow{
			{Key: []string{"spring", ""}, Tally: tally(400, 0, 0, 400, 0, 0, 0)},
			{Key: []string{"spring", "blocklisted"}, Tally: tally(0, 10, 5, 0, 5, 0, 1)},
			{Key: []string{"summer", "blocklisted"}, Tally: tally(0, 0, 6, 0, 6, 0, 0)},
			{Key: []string{"", "bad_mailbox"}, Tally: tally(0, 0, 29, 0, 29, 0, 0)},
			{Key: []string{"other", "other"}, Folded: true, Tally: tally(0, 0, 1, 0, 1, 0, 0)},
		}},
		{By: []string{"provider", "code"}, Rows: []report.BreakdownRow{
			{Key: []string{"gmail", "451 4.7.1"}, Tally: tally(0, 45, 0, 0, 0, 0, 0)},
			{Key: []string{"gmail", "451"}, Tally: tally(0, 4, 0, 0, 0, 0, 0)},
			{Key: []string{"gmail", "4.7.1"}, Tally: tally(0, 1, 0, 0, 0, 0, 0)},
			{Key: []string{"gmail", ""}, Tally: tally(0, 2, 0, 0, 0, 0, 0)},
			{Key: []string{"outlook", "451 4.7.1"}, Tally: tally(0, 9, 0, 0, 0, 0, 0)},
		}},
		{By: []string{"source-ip"}, Rows: []report.BreakdownRow{{Key: []string{"192.0.2.1"}, Tally: tally(9, 1, 0, 9, 1, 0, 0)}}},
	}
	return r
}

func mustParse(t testing.TB, text string) *Expr {
	t.Helper()
	x, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestValues holds metrics against the model: n, and what it is a part of.
func TestValues(t *testing.T) {
	r := model()
	for metric, want := range map[string][2]int64{
		"bounce_rate":                                  {50, 930},
		"bounce_rate{provider=gmail}":                  {10, 500},
		"bounce_rate{provider=gmail|outlook}":          {30, 820},
		"bounce_rate{provider!=gmail}":                 {20, 320},
		"bounce_rate{domain=example.com}":              {28, 618},
		"bounce_rate{domain=other}":                    {11, 201}, // a domain of that name, not the rest
		"bounce_rate{sender_domain=news.example.org}":  {50, 930},
		"bounce_rate{campaign=spring}":                 {5, 405},
		"bounce_rate{source_ip=192.0.2.1}":             {1, 10},
		"deferral_rate":                                {60, 1000},
		"deferral_rate{provider=gmail}":                {50, 560},
		"unknown_share":                                {10, 100},
		"unknown_share{provider=idle}":                 {5, 5},
		"coverage":                                     {1991, 2000},
		"share{status=sent}":                           {900, 1000},
		"share{class=permanent}":                       {41, 1000},
		"share{origin=local}":                          {20, 1000},
		"share{reply_code=5xx}":                        {41, 1000},
		"share{reply_code=none}":                       {9, 1000},
		"share{enhanced_code=5.1.x}":                   {30, 1000},
		"share{reply_code=550, enhanced_code!=5.1.1}":  {0, 1000},
		"share{category=greylisted}":                   {50, 100}, // of the failed ones
		"share{category=greylisted, provider=gmail}":   {50, 60},
		"share{category!=greylisted|bad_mailbox}":      {21, 100},
		"share{category=blocklisted, campaign=summer}": {6, 6},
		"share{outcome=lost}":                          {3, 940},
		"share{outcome=delivered}":                     {880, 940},
		"share{outcome=delivered_later}":               {70, 940},
	} {
		x := mustParse(t, metric+" < 1%")
		e := evaluation{r: r, x: x}
		v := e.value()
		if !v.said || v.n != want[0] || v.of != want[1] || v.rest != 0 {
			t.Errorf("%s = %+v, want %d of %d", metric, v, want[0], want[1])
		}
	}
	for metric, want := range map[string]int64{
		"count": 1000, "count{status=deferred|bounced}": 100, "count{provider=gmail}": 560, "count{provider=gmail, status=bounced}": 10,
		"count{category=blocklisted}": 11, "count{category=bad_mailbox, provider!=gmail}": 9, "count{category=unknown, status=bounced}": 0,
		"count{outcome=pending}": 7, "count{outcome=delivered}": 880, "count{outcome=delivered_first|bounced}": 838,
		"count{outcome=expired, domain=example.com}": 10, "count{provider=nobody}": 0, "count{domain!=example.com}": 350,
		"count{campaign=summer, category=blocklisted}": 6, "count{source_ip=192.0.2.1, status=deferred}": 1, "count{class=unknown, reply_code=none}": 1,
		"count{provider=gmail, reply_code=451}": 49, "count{provider=gmail, reply_code=4xx, enhanced_code=4.7.x}": 45, "count{provider=gmail, enhanced_code=4.7.1}": 46,
		"count{provider=gmail, reply_code=none, enhanced_code=none}": 2, "count{provider!=gmail, reply_code=451}": 9,
		"lines": 2000, "lines{bucket=malformed|overlong}": 4, "lines{bucket!=delivery}": 1000, "domains": 2, "overridden": 11, "conflicts": 12,
		"suspended": 13, "unattempted": 14, "suppressed": 15, "discarded": 16, "async": 17, "inbound": 18, "gaps": 2,
	} {
		e := evaluation{r: r, x: mustParse(t, metric+" > 100000")}
		if v := e.value(); !v.said || v.n != want || v.of != 0 || v.rest != 0 && v.note == "" {
			t.Errorf("%s = %+v, want %d", metric, v, want)
		}
	}
	for metric, want := range map[string]int64{"delivery_time_p50": 1500, "delivery_time_p90{provider=gmail}": 60_000, "delivery_time_p99{provider=gmail}": 61_001} {
		e := evaluation{r: r, x: mustParse(t, metric+" < 1s")}
		if v := e.value(); !v.said || v.n != want {
			t.Errorf("%s = %+v, want %d ms", metric, v, want)
		}
	}
}

// TestEveryMetric: each has a test above.
func TestEveryMetric(t *testing.T) {
	r := model()
	for _, m := range metrics {
		x := Expr{metric: &m, limit: new(big.Rat), op: less}
		if m.name == "share" {
			x.selectors = []selector{{label: status, values: []string{"sent"}}}
		}
		e := evaluation{r: r, x: &x}
		if v := e.value(); !v.said || v.n == 0 {
			t.Errorf("%s is nothing in a report that has everything: %+v", m.name, v)
		}
	}
}

func TestEvaluate(t *testing.T) {
	omits := model()
	omits.Totals.DeferralRate, omits.Totals.Deferred = nil, 0
	few := model()
	few.Categories[3] = report.Category{Category: "other", Attempts: 10, Deferred: 10} // causes that there was no room for
	for _, test := range []struct {
		r      *report.Report
		gate   Gate
		expr   string
		status string
		note   string // a part
	}{
		{model(), Gate{}, "bounce_rate{provider=gmail} < 2%", "failed", ""}, // it is 2 % exactly
		{model(), Gate{}, "bounce_rate{provider=gmail} <= 2%", "passed", ""},
		{model(), Gate{}, "bounce_rate{provider=gmail} == 0.02", "passed", ""},
		{model(), Gate{}, "bounce_rate{provider=gmail} != 2%", "failed", ""},
		{model(), Gate{}, "bounce_rate{provider=gmail} >= 2%", "passed", ""},
		{model(), Gate{}, "bounce_rate{provider=gmail} > 2%", "failed", ""},
		{model(), Gate{}, "bounce_rate < 5.3763%", "failed", ""}, // 5.37634… % prints as 5.3763
		{model(), Gate{}, "count{category=blocklisted} == 0", "failed", ""},
		{model(), Gate{}, "coverage >= 99.5%", "passed", ""},
		{model(), Gate{}, "delivery_time_p90 <= 1h", "passed", ""},
		{model(), Gate{}, "delivery_time_p99{provider=gmail} <= 1m1s", "failed", ""},
		{model(), Gate{}, "delivery_time_p99{provider=gmail} <= 1m1s1ms", "passed", ""},
		{model(), Gate{}, "bounce_rate{provider=gmial} < 2%", "skipped", "no delivery that is settled with provider=gmial; did you mean gmail?"},
		{model(), Gate{}, "bounce_rate{provider=idle} < 2%", "skipped", "nothing to divide by"},
		{model(), Gate{}, "count{provider=gmial} == 0", "passed", "did you mean gmail?"},
		{model(), Gate{}, "delivery_time_p90{provider=idle} < 1h", "skipped", "no delivery of a known time"},
		{model(), Gate{}, "bounce_rate{relay=mx.example.com} < 2%", "skipped", "no breakdown by relay"},
		{new(report.Report), Gate{}, "bounce_rate < 2%", "skipped", "nothing to divide by: no delivery that is settled"},
		{new(report.Report), Gate{}, "deferral_rate < 2%", "skipped", "no attempt"},
		{new(report.Report), Gate{}, "unknown_share < 2%", "skipped", "no failed attempt"},
		{new(report.Report), Gate{}, "coverage > 2%", "skipped", "no line"},
		{new(report.Report), Gate{}, "count == 0", "passed", ""},
		{omits, Gate{}, "deferral_rate < 2%", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "deferral_rate{provider=gmail} < 2%", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "count{status=deferred} == 0", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "count{status!=sent} == 0", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "share{class=transient} < 2%", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "count{reply_code=4xx} == 0", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "count{outcome=pending} == 0", "skipped", "may leave deferrals out"},
		{omits, Gate{}, "count{status=bounced} >= 0", "passed", ""},
		{omits, Gate{}, "share{outcome=bounced} <= 100%", "passed", ""},
		{model(), Gate{MinAttempts: 1000}, "bounce_rate < 2%", "failed", ""},
		{model(), Gate{MinAttempts: 1001}, "bounce_rate < 2%", "skipped", "too few attempts to judge by: 1000, fewer than 1001"},
		{model(), Gate{MinAttempts: 561}, "count{provider=gmail, category=greylisted} == 0", "skipped", "560, fewer than 561"},
		// A domain that may be among those there was no room for: 0 to 120 attempts.
		{model(), Gate{}, "count{domain=example.net} < 200", "passed", "at least: there are 120 more"},
		{model(), Gate{}, "count{domain=example.net} < 100", "skipped", "they might decide"},
		{model(), Gate{}, "count{domain=example.net} == 0", "skipped", "they might decide"},
		{model(), Gate{}, "count{domain=example.net} == 121", "failed", "at least"},
		{model(), Gate{}, "count{domain=example.net} != 120", "skipped", "they might decide"},
		{model(), Gate{}, "count{domain=example.net} >= 0", "passed", "at least"},
		{model(), Gate{}, "bounce_rate{domain=example.net} < 1%", "skipped", "nothing to divide by"},
		{few, Gate{}, "count{category=blocklisted} < 11", "failed", "at least"},
		{few, Gate{}, "count{category=blocklisted} < 12", "skipped", "they might decide"},
		{few, Gate{}, "unknown_share <= 10%", "passed", ""},
		{few, Gate{}, "share{category=blocklisted} < 30%", "passed", "at least"},
	} {
		test.gate.Expr = mustParse(t, test.expr)
		got := test.gate.Evaluate(test.r)
		if got.Status != test.status || !strings.Contains(got.Note, test.note) || test.note == "" && got.Note != "" {
			t.Errorf("%s: %s (%s), want %s (…%s…)", test.expr, got.Status, got.Note, test.status, test.note)
		}
		if (got.Status == "failed") != (len(got.Evidence) > 0) && got.Status != "failed" {
			t.Errorf("%s: evidence of what did not fail", test.expr)
		}
	}
}

func TestResult(t *testing.T) {
	g := Gate{Name: "gmail", Expr: mustParse(t, "bounce_rate{provider=gmail} < 1%"), Warning: true, Where: "gates.toml:3"}
	want := report.GateResult{Name: "gmail", Expr: "bounce_rate{provider=gmail} < 1%", Where: "gates.toml:3", Severity: "warning", Status: "failed",
		Metric: "bounce_rate", Unit: "share", Value: pointTo(0.02), Numerator: pointTo[int64](10), Denominator: pointTo[int64](500), Limit: 0.01,
		Evidence: []report.Evidence{{Attempts: 50, What: "greylisted, gmail", Example: *example(1)}, {Attempts: 20, What: "bad_mailbox, gmail", Example: *example(4)}}}
	if diff := cmp.Diff(want, g.Evaluate(model())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEvidence: lines of the examples, the most frequent first.
func TestEvidence(t *testing.T) {
	for expr, want := range map[string][]int64{
		"bounce_rate < 1%":                                   {2, 3},
		"deferral_rate < 1%":                                 {1},
		"count == 0":                                         {1, 2, 3},
		"count{status=bounced} == 0":                         {2, 3},
		"count{category=blocklisted} == 0":                   {3},
		"count{category=bad_mailbox} == 0":                   {4, 2},
		"count{category!=greylisted} == 0":                   {4, 3, 5, 2},
		"count{category=bad_mailbox, provider=outlook} == 0": {2},
		"share{reply_code=55x} < 1%":                         {2, 3},
		"share{enhanced_code=none} < 0.1%":                   {3},
		"count{class=transient} == 0":                        {1},
		"unknown_share < 1%":                                 {5},
		"coverage > 99.9%":                                   {77, 78},
		"lines{bucket=malformed} == 0":                       {78},
		"count{status=bounced|deferred} == 0":                {1, 2, 3},
		"count{outcome=pending} == 0":                        {1},
		"count{outcome=lost} == 0":                           nil,
		"count{outcome!=delivered} == 0":                     nil,
		"bounce_rate > 50%":                                  nil,
		"share{category=greylisted} >= 99%":                  nil,
		"bounce_rate{domain=example.com} < 1%":               nil,
		"count{origin=local} == 0":                           nil,
		"inbound == 0":                                       nil,
		"count{campaign=spring, category=blocklisted} == 0":  nil,
	} {
		g := Gate{Expr: mustParse(t, expr)}
		res := g.Evaluate(model())
		var got []int64
		for _, e := range res.Evidence {
			got = append(got, e.Line)
		}
		if res.Status != "failed" || !slices.Equal(got, want) {
			t.Errorf("%s: %s, evidence of lines %v, want %v", expr, res.Status, got, want)
		}
	}
	r := model()
	r.Templates = nil
	for i := range 50 {
		r.Templates = append(r.Templates, report.Template{Text: "x", Count: int64(i), Class: "permanent", Example: example(int64(i))})
	}
	slices.Reverse(r.Templates)
	if got := (&Gate{Expr: mustParse(t, "bounce_rate < 1%")}).Evaluate(r).Evidence; len(got) != maxEvidence || got[0].Line != 49 {
		t.Errorf("%d places, the first %v", len(got), got[0])
	}
}

// TestRowsAddUp: in whatever way attempts and deliveries are told apart, a selector and its opposite make the whole.
func TestRowsAddUp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		r := new(report.Report)
		names := []string{"a", "b", "c", "d"}
		n := func() int64 { return rnd.Int64N(5) }
		for i, name := range names {
			v := tally(n(), n(), n(), n(), n(), n(), n())
			r.Providers = append(r.Providers, report.Provider{Provider: name, Folded: i == 3 && rnd.IntN(2) == 0, Tally: v})
			r.Domains = append(r.Domains, report.Domain{Domain: name, Folded: r.Providers[i].Folded, Tally: v})
		}
		for _, label := range []string{"provider", "domain"} {
			sum := func(of things, selector string) (n, rest int64) {
				x := &Expr{metric: &metrics[0]}
				if selector != "" {
					x = mustParse(t, "bounce_rate{"+label+selector+"} < 1%")
				} else {
					x.selectors = nil
				}
				e := evaluation{r: r, x: x}
				return e.sum(of, x.selectors)
			}
			for _, of := range []things{attempts, deliveries} {
				var whole int64
				for i := range r.Providers {
					p := &r.Providers[i]
					if of == attempts {
						whole += p.Attempts.Attempts
					} else {
						whole += p.Outcomes.Delivered + p.Outcomes.Bounced + p.Outcomes.Expired + p.Outcomes.Pending
					}
				}
				for _, values := range []string{"a", "a|b", "a|b|c", "d", "a|d", "nobody"} {
					in, restIn := sum(of, "="+values)
					out, restOut := sum(of, "!="+values)
					if restIn != restOut || in+out+restIn != whole {
						t.Fatalf("%s of %s: %d + %d + %d of %d (%d)", of, values, in, out, restIn, whole, restOut)
					}
				}
			}
		}
	}
}

func TestBreakdown(t *testing.T) {
	for expr, want := range map[string][]string{
		"bounce_rate < 1%":                                           nil,
		"bounce_rate{provider=a} < 1%":                               nil,
		"count{provider=a, category=policy} == 0":                    nil,
		"bounce_rate{campaign=a} < 1%":                               {"campaign"},
		"share{campaign=a, category=policy} < 1%":                    {"campaign", "category"},
		"count{provider=a, reply_code=550, enhanced_code=5.1.1} > 1": {"provider", "code"},
		"count{relay=a, source_ip!=b} > 1":                           {"relay", "source-ip"},
		"count{sender_domain=a, domain=b, outcome=bounced} > 1":      {"domain", "sender-domain"},
		"count{provider=a, category=policy, status=sent} == 0":       {"provider", "category"},
	} {
		if got := mustParse(t, expr).Breakdown(); !slices.Equal(got, want) {
			t.Errorf("%s needs %v, want %v", expr, got, want)
		}
	}
}
