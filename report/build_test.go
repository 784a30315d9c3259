package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

func TestBuildAddsUp(t *testing.T) {
	r := fullReport(t, Options{})
	c := &r.Coverage
	if sum := c.Delivery + c.Context + c.Ignored + c.Unrecognised + c.Malformed + c.Overlong; sum != c.Lines {
		t.Errorf("buckets sum to %d, lines %d", sum, c.Lines)
	}
	o := &r.Outcomes
	if sum := o.DeliveredFirst + o.DeliveredLater + o.DeliveredUnknown; sum != o.Delivered {
		t.Errorf("delivered %d, its kinds sum to %d", o.Delivered, sum)
	}
	a := r.Totals.Attempts
	var classes, origins, replies int64
	for _, x := range r.Classes {
		classes += x.Count
	}
	for _, x := range r.Totals.Origins {
		origins += x.Count
	}
	for _, x := range r.Replies {
		replies += x.Count
	}
	if sum := a.Sent + a.Deferred + a.Bounced; sum != a.Attempts || classes != sum || origins != sum || replies != sum {
		t.Errorf("attempts %d: sum of statuses %d, classes %d, origins %d, replies %d", a.Attempts, sum, classes, origins, replies)
	}
	failed, ended := o.Bounced+o.Expired, o.Delivered+o.Bounced+o.Expired
	if got := *r.Totals.BounceRate; math.Abs(got-float64(failed)/float64(ended)) > 5e-7 {
		t.Errorf("bounce rate %v, want %d/%d", got, failed, ended)
	}
}

func TestBuildSorts(t *testing.T) {
	for _, c := range []struct {
		sort Sort
		want string
	}{
		{"", "example.net example.com mail pending.example other bücher.example (folded)"},
		{SortBounced, "example.net example.com mail pending.example other bücher.example (folded)"},
		{SortAttempts, "example.com example.net other mail bücher.example pending.example (folded)"},
		{SortDeferred, "example.com example.net pending.example mail other bücher.example (folded)"},
		{SortRate, "mail example.net example.com other bücher.example pending.example (folded)"},
		{SortName, "bücher.example example.com example.net mail other pending.example (folded)"},
	} {
		r := fullReport(t, Options{Sort: c.sort})
		if got := names(r); got != c.want {
			t.Errorf("sort %q:\n got %s\nwant %s", c.sort, got, c.want)
		}
	}
}

func names(r *Report) string {
	var out []string
	for _, d := range r.Domains {
		name, _, _ := strings.Cut(d.Domain, ".a-very-long")
		if d.Folded {
			name = "(folded)"
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestBuildCuts(t *testing.T) {
	r := fullReport(t, Options{Top: 2, MinAttempts: 11, Sort: SortName})
	if got, want := names(r), "example.com example.net (folded)"; got != want || r.DomainsTotal != 6 {
		t.Errorf("got %s of %d, want %s of 6", got, r.DomainsTotal, want)
	}
	if len(r.Replies) != 2 || r.RepliesTotal != 11 {
		t.Errorf("got %d replies of %d, want 2 of 11", len(r.Replies), r.RepliesTotal)
	}
	if len(r.Templates) != 3 || r.TemplatesTotal != 3 || !r.Templates[2].Folded {
		t.Errorf("got %d templates of %d, want 2 of 3 and the folded one", len(r.Templates), r.TemplatesTotal)
	}
	if other := fullReport(t, Options{}).Domains[4]; other.Domain != "other" || other.Folded {
		t.Errorf("a domain called other is told apart from the folded row only by luck: %+v", other)
	}
}

// TestBuildSumsFolded: a table may hand over several rows without a name.
func TestBuildSumsFolded(t *testing.T) {
	one, two := tally(1, 2, 3, 4, 5, 6, 7, 8), tally(10, 20, 30, 40, 50, 60, 70, 80)
	r := mustBuild(t, summary.NewCounts(), tables{domains: slices.Values([]summary.NamedTally{{Tally: one}, {Tally: two}})}, Options{})
	want := Tally{Attempts{66, 11, 22, 33}, Outcomes{99, 66, 77, 88, 0}, Rates{rate(143, 242), rate(22, 66)}}
	if len(r.Domains) != 1 || r.DomainsTotal != 0 {
		t.Fatalf("got %d rows of %d", len(r.Domains), r.DomainsTotal)
	}
	if diff := cmp.Diff(want, r.Domains[0].Tally); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBuildErrors(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Sort: "size"}, `unknown sort key "size": want bounced, attempts, deferred, rate or name`},
		{Options{Top: -1}, "negative number of rows -1"},
		{Options{MinAttempts: -3}, "negative least number of attempts -3"},
	} {
		if _, err := Build(summary.NewCounts(), c.o); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		want  float64
	}{
		{0, 1, 0}, {1, 1, 1}, {1, 3, 0.333333}, {2, 3, 0.666667}, {1, 2_000_000, 0.000001}, {1, 2_000_001, 0},
		{math.MaxInt64, math.MaxInt64, 1}, {math.MaxInt64 - 1, math.MaxInt64, 1}, {1, math.MaxInt64, 0},
	} {
		if got := rate(c.n, c.of); got == nil || *got != c.want {
			t.Errorf("rate(%d, %d) = %v, want %v", c.n, c.of, got, c.want)
		}
	}
	for _, c := range [][2]int64{{0, 0}, {1, 0}, {-1, 2}, {1, -2}} {
		if got := rate(c[0], c[1]); got != nil {
			t.Errorf("rate(%d, %d) = %v, want none", c[0], c[1], *got)
		}
	}
}

func TestReplyMeaning(t *testing.T) {
	r := replyOf(reply(550, "5.1.1", parsers.Permanent, 3), 4)
	if r.Meaning == "" || r.EnhancedMeaning != "Bad destination mailbox address" || r.Standing != "standard" || *r.Share != 0.75 {
		t.Errorf("got %+v", r)
	}
	if r = replyOf(reply(0, "", parsers.Transient, 3), 4); r.Meaning != "" || r.EnhancedMeaning != "" || r.Standing != "" {
		t.Errorf("no reply has a meaning: %+v", r)
	}
}

// The most frequent failure is among the replies that are kept, however few these are.
func TestTopFailureIsKept(t *testing.T) {
	c := summary.NewCounts()
	tb := tables{replies: []summary.ReplyCount{
		reply(250, "2.0.0", parsers.Success, 90), reply(250, "", parsers.Success, 80), reply(550, "5.1.1", parsers.Permanent, 7), reply(451, "4.7.1", parsers.Transient, 6),
	}}
	for top, want := range map[int][]int{0: {250, 250, 550, 451}, 1: {550}, 2: {250, 550}, 3: {250, 250, 550}, 9: {250, 250, 550, 451}} {
		r := mustBuild(t, c, tb, Options{Top: top})
		var got []int
		for _, x := range r.Replies {
			got = append(got, x.ReplyCode)
		}
		if !slices.Equal(got, want) || r.RepliesTotal != 4 {
			t.Errorf("top %d: %v of %d, want %v", top, got, r.RepliesTotal, want)
		}
	}
	if r := mustBuild(t, c, tables{replies: tb.replies[:2]}, Options{Top: 1}); len(r.Replies) != 1 || r.Replies[0].ReplyCode != 250 {
		t.Errorf("no failure: %+v", r.Replies)
	}
}
