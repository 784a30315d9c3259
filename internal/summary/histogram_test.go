package summary

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBucketOf(t *testing.T) {
	if n := len(bucketBounds); n > math.MaxUint16/2 {
		t.Fatalf("%d buckets", n)
	}
	check := func(ms int64) {
		t.Helper()
		want, found := slices.BinarySearch(bucketBounds, ms)
		if !found {
			want--
		}
		if got := bucketOf(ms); got != want {
			t.Fatalf("%d ms: bucket %d, want %d", ms, got, want)
		}
	}
	for ms := range int64(100_000) {
		check(ms)
	}
	for _, b := range bucketBounds[1:] {
		check(b - 1)
		check(b)
		check(b + 1)
	}
	for _, ms := range []int64{longest, longest + 1, math.MaxInt64} {
		if got := bucketOf(ms); got != len(bucketBounds)-1 {
			t.Errorf("%d ms: bucket %d", ms, got)
		}
	}
	if got := bucketOf(math.MinInt64); got != 0 {
		t.Errorf("less than nothing: bucket %d", got)
	}
	for i := range len(bucketBounds) - 2 {
		if from, to := bucketBounds[i], bucketBounds[i+1]; to-from > 1 && float64(to) > 1.02*float64(from) {
			t.Errorf("the bucket from %d to %d is too wide", from, to)
		}
	}
}

// In whatever order lengths come, and however they are parted, a histogram says the same of them, and it is so close to the
// truth as it promises.
func TestHistogram(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 5))
		values := make([]int64, 1+r.IntN(3000))
		for i := range values {
			values[i] = int64(math.Exp(r.Float64() * math.Log(longest)))
		}
		var one Histogram
		var parts [4]Histogram
		for _, v := range values {
			one.Add(v)
		}
		r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		for _, v := range values {
			parts[r.IntN(len(parts))].Add(v)
		}
		var sum Histogram
		for i := range parts {
			sum.add(&parts[i])
		}
		type bucket [3]int64
		list := func(h *Histogram) (all []bucket) {
			h.Buckets(func(from, to, n int64) { all = append(all, bucket{from, to, n}) })
			return all
		}
		if d := cmp.Diff(list(&one), list(&sum)); d != "" {
			t.Fatalf("seed %d (-one +parts):\n%s", seed, d)
		}
		if sum.Total() != int64(len(values)) {
			t.Fatalf("seed %d: total %d, want %d", seed, sum.Total(), len(values))
		}
		slices.Sort(values)
		for _, p := range []int64{0, 1, 500, 900, 990, 999, 1000} {
			rank := max(1, (int64(len(values))*p+999)/1000)
			want, got := values[rank-1], sum.Quantile(p)
			if diff := math.Abs(float64(got - want)); diff > 0.01*float64(want)+0.5 {
				t.Errorf("seed %d: %d of 1000: %d ms, want %d", seed, p, got, want)
			}
		}
	}
	if got := new(Histogram).Quantile(500); got != -1 {
		t.Errorf("the median of nothing is %d", got)
	}
}
