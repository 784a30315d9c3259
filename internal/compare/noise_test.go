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
		{"typical", 3000, 40_000, loggen.Options{Mix: loggen.Typical()}},
		{"few domains", 3000, 40_000, loggen.Options{Domains: 3, Rate: 5, Mix: loggen.Typical()}},
		{"everything, cut", 1500, 10_000, loggen.Options{Cut: true, Rate: 2, Hosts: []string{"mx1", "mx2"}, Mix: loggen.Everything()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, messages := pairs(c.small, c.large)
			c.o.Messages = messages
			wrong, tested := 0, 0
			for i := range n {
				c.o.Seed = uint64(2 * i)
				before := reportOf(t, c.o)
				c.o.Seed++
				res := compare.Reports(before, reportOf(t, c.o), compare.Options{})
				tested += res.Test.Tested
				if len(res.Changes)+len(res.Templates) > 0 {
					wrong++
					t.Logf("pair %d: %+v %+v", i, res.Changes, res.Templates)
				}
			}
			t.Logf("%d of %d pairs have something to tell; %d differences were tested in each", wrong, n, tested/n)
			if wrong*100 > 5*n {
				t.Errorf("%d of %d pairs that differ by chance alone have something to tell", wrong, n)
			}
			if tested < 10*n {
				t.Errorf("only %d differences were tested", tested)
			}
		})
	}
}

// TestPower: where one provider refuses some mail that it took before, provider and category are told, in 95 of 100 pairs;
// as a regression of the one, and as an improvement of the other direction.
func TestPower(t *testing.T) {
	o := loggen.Options{Domains: 3, Mix: loggen.Typical()}
	share := 0.12
	if *full { // 3 % of some 20,000
		share = 0.03
	}
	n, messages := pairs(4000, 40_000)
	o.Messages = messages
	named := func(res *report.Comparison, verdict string) bool {
		return slices.ContainsFunc(res.Changes, func(ch report.Change) bool {
			return ch.Scope == report.ScopeProviderCategory && ch.Provider == "example.com" && ch.Category == "blocklisted" && ch.Verdict == verdict &&
				!ch.Explained && ch.Example != nil
		})
	}
	found, back, elsewhere := 0, 0, 0
	for i := range n {
		o.Seed, o.Mix.Block = uint64(2*i), 0
		before := reportOf(t, o)
		o.Seed, o.Mix.Block = o.Seed+1, share
		after := reportOf(t, o)
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
	}
	t.Logf("%d of %d pairs name provider and category, %d backwards; %d changes elsewhere", found, n, back, elsewhere)
	if min(found, back)*100 < 95*n {
		t.Errorf("%d of %d pairs name provider and category, %d backwards", found, n, back)
	}
	if elsewhere*100 > 5*n {
		t.Errorf("%d changes are told that are none", elsewhere)
	}
}
