package summary

import (
	"cmp"
	"slices"
	"strings"
)

// A DeliveryTime is how long deliveries took, and how many attempts: of all ordinary mail, or of that to one provider.
type DeliveryTime struct {
	Provider string    // empty: of all
	Times    Histogram // to deliver, of the recipients delivered to, where the log says it or holds the beginning

	// Recipients by how many attempts were made for them, one at [0]: where the log holds the first. The last element is of
	// maxTries attempts and more.
	Delivered []int64
	GivenUp   []int64 // bounced, expired or lost
	Pending   []int64 // still deferred at the end of the log
}

// maxTries is how many attempts for one recipient are told apart.
const maxTries = 255

func (d *DeliveryTime) add(o *DeliveryTime) {
	d.Times.add(&o.Times)
	for _, x := range []struct{ to, from *[]int64 }{{&d.Delivered, &o.Delivered}, {&d.GivenUp, &o.GivenUp}, {&d.Pending, &o.Pending}} {
		for i, n := range *x.from {
			countTries(x.to, i+1, n)
		}
	}
}

func (d *DeliveryTime) empty() bool {
	return len(d.Times.n)+len(d.Delivered)+len(d.GivenUp)+len(d.Pending) == 0
}

// countTries adds n recipients for whom so many attempts were made. None: the log does not hold the first.
func countTries(list *[]int64, tries int, n int64) {
	if tries == 0 {
		return
	}
	tries = min(tries, maxTries)
	for len(*list) < tries {
		*list = append(*list, 0)
	}
	(*list)[tries-1] += n
}

// deliveries are those of all mail and of the providers that have a name.
type deliveries struct {
	all   DeliveryTime
	named map[uint64]*DeliveryTime // by the hash of the provider's name
}

// newCounts returns Counts of nothing, with a place for every provider that has a name.
func (o *Options) newCounts() *Counts {
	c := NewCounts()
	c.breakdowns, c.Selection = newBreakdowns(o), o.Selection()
	if o.Classifier == nil {
		return c
	}
	list := o.Classifier.Providers()
	c.deliveries.named = make(map[uint64]*DeliveryTime, len(list))
	for i := range list {
		c.deliveries.named[hash(list[i].Name)] = &DeliveryTime{Provider: list[i].Name}
	}
	return c
}

// count counts an end.
func (d *deliveries) count(e *end) {
	d.all.count(e)
	if one := d.named[e.provider]; one != nil {
		one.count(e)
	}
}

func (d *DeliveryTime) count(e *end) {
	list := &d.GivenUp
	switch e.outcome {
	case DeliveredFirst, DeliveredLater, DeliveredUnknown:
		if list = &d.Delivered; e.delay != 0 {
			d.Times.count(int(e.delay)-1, 1)
		}
	case Pending:
		list = &d.Pending
	}
	countTries(list, int(e.tries), 1)
}

func (d *deliveries) add(o *deliveries) {
	d.all.add(&o.all)
	for key, from := range o.named {
		to := d.named[key]
		if to == nil {
			if d.named == nil {
				d.named = make(map[uint64]*DeliveryTime)
			}
			to = &DeliveryTime{Provider: from.Provider}
			d.named[key] = to
		}
		to.add(from)
	}
}

// DeliveryTimes returns how long deliveries took, and how many attempts: of all mail first, then of the providers that the
// table of providers has, the largest first. There are none where nothing was delivered or given up, and no provider
// without either.
func (c *Counts) DeliveryTimes() []DeliveryTime {
	if c.deliveries.all.empty() {
		return nil
	}
	list := []DeliveryTime{c.deliveries.all}
	for _, d := range c.deliveries.named {
		if !d.empty() {
			list = append(list, *d)
		}
	}
	slices.SortFunc(list[1:], func(a, b DeliveryTime) int {
		return cmp.Or(cmp.Compare(b.Times.Total(), a.Times.Total()), strings.Compare(a.Provider, b.Provider))
	})
	return list
}
