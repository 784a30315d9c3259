package compare

import (
	"cmp"
	"math"
	"slices"
)

// leastP is what smaller probabilities are taken for, zero among them.
const leastP = 1e-300

// A sample is k of n.
type sample struct{ k, n int64 }

func (s sample) rate() float64 { return float64(s.k) / float64(s.n) }

// twoProportions returns the probability that two samples of equal rates differ as much as these by chance, on either side,
// where the variance of a count is spread times that of independent draws.
//
// It is Fisher's test, which asks how the k of both samples together fall on the two, with the binomial distribution in
// place of the hypergeometric one: they are alike where k is rare, and for half of n it has twice the variance, which is the
// safe side. Dividing the counts by the spread makes its variance that much larger; its tail is an incomplete beta function,
// which takes counts that are no integers.
//
// Note: the usual normal approximation is wrong where it matters here, in the far tail that a correction for a thousand
// comparisons looks at: for 0 of 10,000 and 5 of 1,000 it has 10^-12 instead of 6·10^-6.
func twoProportions(a, b sample, spread float64) float64 {
	if a.n <= 0 || b.n <= 0 {
		return 1
	}
	p := float64(a.k+b.k) / float64(a.n+b.n)
	if p > 0.5 { // the rarer of the two
		a.k, b.k = a.n-a.k, b.n-b.k
	}
	if a.k+b.k == 0 {
		return 1
	}
	if q := float64(a.n) / float64(a.n+b.n); float64(a.k) > q*float64(a.k+b.k) {
		a, b = b, a // b has more than its part
	}
	x := float64(b.n) / float64(a.n+b.n)
	tail := betaTail(float64(b.k)/spread, float64(a.k)/spread+1, x)
	return max(leastP, min(1, 2*tail))
}

// betaTail returns the regularised incomplete beta function I_x(a, b), which is the probability that of a+b-1 draws, each
// with probability x, at least a succeed.
func betaTail(a, b, x float64) float64 {
	if a <= 0 || x >= 1 {
		return 1
	}
	if x <= 0 {
		return 0
	}
	if x > (a+1)/(a+b+2) {
		return 1 - betaTail(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	return front * betaFraction(a, b, x)
}

// betaFraction is the continued fraction of the incomplete beta function (DLMF 8.17.22) by the method of Lentz.
func betaFraction(a, b, x float64) float64 {
	const tiny, eps = 1e-300, 1e-14
	nonzero := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 1e6; m++ { // the root of the larger parameter is enough
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/nonzero(1+even*d), nonzero(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/nonzero(1+odd*d), nonzero(1+odd/c)
		f *= d * c
		if math.Abs(d*c-1) < eps {
			break
		}
	}
	return f
}

// holm corrects probabilities for that there are many of them, in place (Holm 1979): that any of those that stay below a
// limit does so by chance has at most that probability, however they depend on each other.
//
// Note: Benjamini and Hochberg's method finds more, at the price of a share of wrong ones among what it finds, and asks for
// a certain kind of dependence. Here one wrong line breaks a build or wakes somebody, totals and their parts depend on
// each other in all ways, and thousands of outcomes make power cheap.
func holm(p []float64) {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(p[i], p[j]), cmp.Compare(i, j)) })
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, p[i]*float64(len(p)-rank)))
		p[i] = least
	}
}
