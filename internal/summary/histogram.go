package summary

import (
	"math"
	"math/bits"
)

// A Histogram counts lengths of time in milliseconds, in buckets each of which is at most 2 % wider than it is long: what is
// read out of it is so exact, whatever the lengths. Its bounds are integers of a table, so histograms add up bucket by
// bucket to the same in any order, unlike quantile sketches.
//
// It has the buckets from the first to the last that is in use, which for times to deliver are some hundred. The zero
// Histogram is empty.
type Histogram struct {
	first int // bucket that counts[0] is of
	n     []int64
}

// bucketBounds has the least length of every bucket: each is 1.02 times the one before, and at least one more. The last
// bucket has no end.
var bucketBounds = func() (b []int64) {
	for at := int64(0); at < longest; at += max(1, at/50) {
		b = append(b, at)
	}
	return append(b, longest)
}()

// longest is where the last bucket begins: a year, in milliseconds. No queue keeps a message so long.
const longest = 366 * 24 * 3600 * 1000

// Lengths of fineBits binary digits and more are looked up by their first fineBits: no bucket of that size ends twice
// among the numbers that begin alike.
const fineBits = 8

// bucketStarts has the bucket of the least number with given first digits.
var bucketStarts = func() []uint16 {
	starts := make([]uint16, 0, (bits.Len64(longest)-fineBits+2)<<(fineBits-1))
	bucket := 0
	add := func(v int64) {
		for bucket+1 < len(bucketBounds) && bucketBounds[bucket+1] <= v {
			bucket++
		}
		starts = append(starts, uint16(bucket))
	}
	for v := range int64(1 << fineBits) {
		add(v)
	}
	for shift := 1; shift+fineBits <= bits.Len64(longest); shift++ {
		for m := int64(1 << (fineBits - 1)); m < 1<<fineBits; m++ {
			add(m << shift)
		}
	}
	return starts
}()

// bucketOf returns the bucket of a length; what is less than nothing is nothing.
func bucketOf(ms int64) int {
	if ms <= 0 {
		return 0
	}
	if ms >= longest {
		return len(bucketBounds) - 1
	}
	shift := bits.Len64(uint64(ms)) - fineBits
	if shift <= 0 {
		return int(bucketStarts[ms])
	}
	b := int(bucketStarts[1<<fineBits+(shift-1)<<(fineBits-1)+int(ms>>shift)-1<<(fineBits-1)])
	for bucketBounds[b+1] <= ms {
		b++
	}
	return b
}

// Add counts a length of time.
func (h *Histogram) Add(ms int64) { h.count(bucketOf(ms), 1) }

// count adds to a bucket.
func (h *Histogram) count(bucket int, n int64) {
	if uint(bucket-h.first) >= uint(len(h.n)) {
		h.reach(bucket)
	}
	h.n[bucket-h.first] += n
}

// reach makes room for a bucket.
func (h *Histogram) reach(bucket int) {
	const spare = 32 // a log's times come in any order: it is not to grow for each
	from, to := max(0, bucket-spare), min(bucket+spare, len(bucketBounds)-1)
	if len(h.n) > 0 {
		from, to = min(from, h.first), max(to, h.first+len(h.n)-1)
	}
	grown := make([]int64, to-from+1)
	if len(h.n) > 0 {
		copy(grown[h.first-from:], h.n)
	}
	h.first, h.n = from, grown
}

func (h *Histogram) add(o *Histogram) {
	for i, n := range o.n {
		if n != 0 {
			h.count(o.first+i, n)
		}
	}
}

// Total returns how many lengths were counted.
func (h *Histogram) Total() (total int64) {
	for _, n := range h.n {
		total += n
	}
	return total
}

// Buckets calls f for each bucket that is not empty, in order: with its least length, the least of the next bucket, and how
// many there are. The end of the last one is math.MaxInt64.
func (h *Histogram) Buckets(f func(from, to, n int64)) {
	for i, n := range h.n {
		if n == 0 {
			continue
		}
		b, to := h.first+i, int64(math.MaxInt64)
		if b+1 < len(bucketBounds) {
			to = bucketBounds[b+1]
		}
		f(bucketBounds[b], to, n)
	}
}

// Quantile returns the shortest length, in milliseconds, that at least so many of a thousand are no longer than, to the
// middle of its bucket; -1 where there is none.
func (h *Histogram) Quantile(thousandth int64) int64 {
	total := h.Total()
	if total == 0 {
		return -1
	}
	hi, lo := bits.Mul64(uint64(total), uint64(thousandth))
	rank, rest := bits.Div64(hi, lo, 1000)
	if rest > 0 || rank == 0 {
		rank++
	}
	found, seen := int64(-1), int64(0)
	h.Buckets(func(from, to, n int64) {
		if seen < int64(rank) {
			found = from
			if to != math.MaxInt64 {
				found += (to - 1 - from) / 2
			}
		}
		seen += n
	})
	return found
}
