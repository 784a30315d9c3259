package summary

import (
	"cmp"
	"slices"

	"bouncelog/parsers"
)

// An Hour counts the attempts of one hour, UTC, and the outcomes that were settled in it. Start is zero for those that the
// log gave no time.
type Hour struct {
	Start parsers.Stamp
	Attempts
	ByClass  [4]int64 // the same attempts
	Outcomes Outcomes // none of them Pending: that is not settled
}

// hourRow is an Hour without its start.
type hourRow struct {
	attempts Attempts
	byClass  [4]int64
	outcomes Outcomes
}

func (h *hourRow) add(o *hourRow) {
	h.attempts.add(&o.attempts)
	for i := range o.byClass {
		h.byClass[i] += o.byClass[i]
	}
	h.outcomes.add(&o.outcomes)
}

func (h *hourRow) parted(bool) hourRow { return *h }

// Hours returns the attempts and outcomes by hour, in order of time.
func (c *Counts) Hours() []Hour {
	c.hours.fold()
	out := make([]Hour, 0, len(c.hours.rows))
	for _, r := range c.hours.rows {
		if r.val != (hourRow{}) {
			out = append(out, Hour{hourStart(r.key), r.val.attempts, r.val.byClass, r.val.outcomes})
		}
	}
	slices.SortFunc(out, func(a, b Hour) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

const hourLength = 3600 * 1e6

// hourKey returns the key of the hour of s; zero for no time.
func hourKey(s parsers.Stamp) uint64 {
	if s <= 0 {
		return restKey
	}
	return uint64(s/hourLength) + 1
}

func hourStart(key uint64) parsers.Stamp {
	if key == restKey {
		return 0
	}
	return parsers.Stamp(key-1) * hourLength
}
