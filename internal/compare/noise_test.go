package compare_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/compare"
	"bouncelog/internal/loggen"
	"bouncelog/internal/scan"
	"bouncelog/internal/source"
	"bouncelog/parsers/all"
	"bouncelog/report"
)

// -full runs what is measured here at full size, a hundred pairs of each kind: `make compare-score`.
var full = flag.Bool("full", false, "compare a hundred pairs of large logs, not twenty of small ones")

// reportOf returns the report of a generated log.
func reportOf(t testing.TB, o loggen.Options) *report.Report {
	t.Helper()
	var b bytes.Buffer
	if _, err := loggen.Write(&b, o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mail.log")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	inputs, _, errs := source.Expand([]string{path}, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c := scan.Config{Inputs: inputs, Formats: all.Formats(), Jobs: 2, Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Host: "mx1"}
	var err error
	if c.Summary.Classifier, err = classify.Default(); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Summarise(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Build(res.Counts, report.Options{Classifier: c.Summary.Classifier, Locate: res.Locate})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pairs returns how many pairs are compared, and the larger size where that was asked for.
func pairs(small, large int64) (n int, messages int64) {
	if *full {
		return 100, large
	}
	return 20, small
}

// TestNoise: logs that differ by chance alone have nothing to tell, in 95 of 100 pairs.
func TestNoise(t *testing.T) {
	for _, c := range []struct {
		name         string
		small, large int64
		o            loggen.Options
	}{
		{"typical", 1000, 10_000, loggen.Options{Mix: loggen.Typical()}},
		{"everything, cut", 600, 5000, loggen.Options{Cut: true, Rate: 2, Hosts: []string{"mx1", "mx2"}, Mix: loggen.Everything()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, messages := pairs(c.small, c.large)
			c.o.Messages = messages
			var tally noise
			before := reportOf(t, c.o)
			for i := range n {
				c.o.Seed = uint64(i + 1)
				after := reportOf(t, c.o)
				tally.add(t, i, before, after)
				before = after
			}
			tally.judge(t, n)
		})
	}
}

// noise counts the pairs that differ by chance alone and yet have something to tell.
type noise struct{ wrong, tested int }

func (x *noise) add(t *testing.T, i int, before, after *report.Report) {
	res := compare.Reports(before, after, compare.Options{})
	x.tested += res.Test.Tested
	if len(res.Changes)+len(res.Templates) > 0 {
		x.wrong++
		t.Logf("pair %d: %+v %+v", i, res.Changes, res.Templates)
	}
}

func (x *noise) judge(t *testing.T, n int) {
	t.Logf("%d of %d pairs that differ by chance alone have something to tell; %d differences were tested in each", x.wrong, n, x.tested/n)
	if x.wrong*100 > 5*n {
		t.Errorf("%d of %d pairs that differ by chance alone have something to tell", x.wrong, n)
	}
	if x.tested < 10*n {
		t.Errorf("only %d differences were tested", x.tested)
	}
}

// TestPower: where one provider refuses some mail that it took before, provider and category are told, in 95 of 100 pairs;
// as a regression in the one direction, and as an improvement in the other. Without it, the same logs have nothing to tell.
func TestPower(t *testing.T) {
	o := loggen.Options{Domains: 3, Mix: loggen.Typical()}
	share, least := 0.2, int64(700)
	if *full {
		share, least = 0.03, 20_000
	}
	n, messages := pairs(1500, 39_000)
	o.Messages = messages
	named := func(res *report.Comparison, verdict string) bool {
		return slices.ContainsFunc(res.Changes, func(ch report.Change) bool {
			return ch.Scope == report.ScopeProviderCategory && ch.Provider == "example.com" && ch.Category == "blocklisted" && ch.Verdict == verdict &&
				!ch.Explained && ch.Example != nil
		})
	}
	var tally noise
	found, back, elsewhere := 0, 0, 0
	before := reportOf(t, o)
	for i := range n {
		o.Seed = uint64(i + 1)
		plain := reportOf(t, o)
		tally.add(t, i, before, plain)
		o.Mix.Block = share
		after := reportOf(t, o)
		o.Mix.Block = 0
		if got := after.Providers[0].Outcomes; after.Providers[0].Provider != "example.com" || got.Delivered+got.Bounced+got.Expired < least {
			t.Fatalf("%+v is to be example.com, with at least %d outcomes", after.Providers[0], least)
		}
		res := compare.Reports(before, after, compare.Options{})
		if named(res, report.Regression) {
			found++
		}
		if named(compare.Reports(after, before, compare.Options{}), report.Improvement) {
			back++
		}
		for _, ch := range res.Changes {
			if ch.Provider != "" && ch.Provider != "example.com" || ch.Verdict == report.Improvement {
				elsewhere++
				t.Logf("pair %d: %+v", i, ch)
			}
		}
		if i == 0 {
			var b bytes.Buffer
			format, err := report.FindComparisonFormat("text")
			if err != nil {
				t.Fatal(err)
			}
			if err := format.Write(&b, res, report.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			t.Logf("the first pair:\n%s", &b)
		}
		before = plain
	}
	tally.judge(t, n)
	t.Logf("%d of %d pairs name provider and category, %d backwards; %d changes elsewhere", found, n, back, elsewhere)
	if min(found, back)*100 < 95*n {
		t.Errorf("%d of %d pairs name provider and category, %d backwards", found, n, back)
	}
	if elsewhere*100 > 5*n {
		t.Errorf("%d changes are told that are none", elsewhere)
	}
}
