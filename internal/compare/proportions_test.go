package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// fisher is the oracle: Fisher's exact test of two samples, twice the smaller tail, by summing the hypergeometric terms.
func fisher(a, b sample) float64 {
	choose := func(n, k int64) float64 {
		x, _ := math.Lgamma(float64(n + 1))
		y, _ := math.Lgamma(float64(k + 1))
		z, _ := math.Lgamma(float64(n - k + 1))
		return x - y - z
	}
	k := a.k + b.k
	low, high := 0.0, 0.0
	for i := max(0, k-a.n); i <= min(k, b.n); i++ {
		p := math.Exp(choose(b.n, i) + choose(a.n, k-i) - choose(a.n+b.n, k))
		if i <= b.k {
			low += p
		}
		if i >= b.k {
			high += p
		}
	}
	return min(1, 2*min(low, high))
}

// TestTwoProportions: near Fisher's exact test, and on its safe side, for rates from none to all.
func TestTwoProportions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		a, b := sample{n: 1 + rng.Int64N(5000)}, sample{n: 1 + rng.Int64N(5000)}
		p := math.Pow(rng.Float64(), 2)
		a.k, b.k = int64(p*float64(a.n)), int64(min(1, p*(0.5+rng.Float64()))*float64(b.n))
		if rng.IntN(4) == 0 {
			a.k, b.k = a.n-a.k, b.n-b.k
		}
		got, want := twoProportions(a, b, 1), fisher(a, b)
		if want < 1e-250 {
			continue
		}
		if want < 0.3 && got < want*(1-1e-9) || math.Log(got) > 0.4*math.Log(want)+1 {
			t.Errorf("%v %v: %v, want about %v", a, b, got, want)
		}
		if rare := float64(a.k+b.k) / float64(a.n+b.n); min(rare, 1-rare) < 0.05 && math.Log(got) > 0.85*math.Log(want)+1 {
			t.Errorf("%v %v: %v, want nearly %v", a, b, got, want)
		}
		if back := twoProportions(b, a, 1); math.Abs(back-got) > 1e-9*got {
			t.Errorf("%v %v: %v one way, %v the other", a, b, got, back)
		}
		if wide := twoProportions(a, b, 2); wide < got*0.999 && got < 0.5 {
			t.Errorf("%v %v: %v, but %v with twice the spread", a, b, got, wide)
		}
	}
}

func TestTwoProportionsAtTheEdges(t *testing.T) {
	for _, c := range []struct {
		a, b      sample
		low, high float64
	}{
		{sample{0, 0}, sample{5, 10}, 1, 1},
		{sample{0, 1000}, sample{0, 1000}, 1, 1},
		{sample{1000, 1000}, sample{1000, 1000}, 1, 1},
		{sample{50, 1000}, sample{50, 1000}, 0.9, 1},
		{sample{0, 10_000}, sample{5, 1000}, 1e-5, 2e-5}, // 2/11^5: what a normal approximation has a thousandth of
		{sample{0, 1e15}, sample{1e15, 1e15}, leastP, leastP},
		{sample{1e6, 1e8}, sample{1e6 + 2000, 1e8}, 0.1, 0.2}, // a difference of √2 standard deviations
		{sample{500, 1000}, sample{500, 1000}, 0.9, 1},
	} {
		if p := twoProportions(c.a, c.b, 1); !(p >= c.low && p <= c.high) {
			t.Errorf("%v %v: %v, want %v to %v", c.a, c.b, p, c.low, c.high)
		}
	}
}

// TestBetaTail: sums of binomial terms.
func TestBetaTail(t *testing.T) {
	for _, n := range []int{1, 2, 7, 40, 500} {
		for _, x := range []float64{1e-6, 0.01, 0.3, 0.5, 0.77, 0.999} {
			tail := 0.0
			for k := n; k > 0; k-- {
				a, _ := math.Lgamma(float64(n + 1))
				b, _ := math.Lgamma(float64(k + 1))
				c, _ := math.Lgamma(float64(n - k + 1))
				tail += math.Exp(a - b - c + float64(k)*math.Log(x) + float64(n-k)*math.Log1p(-x))
				if got := betaTail(float64(k), float64(n-k+1), x); tail > 1e-280 && math.Abs(got-tail) > 1e-9*tail {
					t.Fatalf("n %d, k %d, x %v: %v, want %v", n, k, x, got, tail)
				}
			}
		}
	}
}

func TestHolm(t *testing.T) {
	p := []float64{0.01, 0.04, 0.03, 0.005, 1}
	holm(p)
	for i, want := range []float64{0.04, 0.09, 0.09, 0.025, 1} {
		if math.Abs(p[i]-want) > 1e-12 {
			t.Errorf("%v, want %v at %d", p, want, i)
		}
	}
	holm(nil)
	all := make([]float64, 100)
	for i := range all {
		all[i] = rand.New(rand.NewPCG(uint64(i), 1)).Float64()
	}
	before := slices.Clone(all)
	holm(all)
	for i := range all {
		if all[i] < before[i] || all[i] > 1 {
			t.Errorf("%v became %v", before[i], all[i])
		}
		for j := range all {
			if before[i] < before[j] && all[i] > all[j] {
				t.Errorf("%v, %v became %v, %v", before[i], before[j], all[i], all[j])
			}
		}
	}
}

// TestFalseAlarms: equal samples whose outcomes come in clusters are told apart no more often than alpha says, if the
// spread is that of the clusters.
func TestFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func(n, cluster int64, p float64) (s sample) {
		for s.n < n {
			if rng.Float64() < p {
				s.k += cluster
			}
			s.n += cluster
		}
		return s
	}
	for _, cluster := range []int64{1, 5} {
		const rounds = 4000
		wrong := 0
		for range rounds {
			if twoProportions(draw(2000, cluster, 0.05), draw(5000, cluster, 0.05), float64(cluster)) < 0.05 {
				wrong++
			}
		}
		if wrong > rounds*6/100 || wrong < rounds/200 {
			t.Errorf("clusters of %d: %d of %d are told apart", cluster, wrong, rounds)
		}
	}
}
