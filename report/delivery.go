package report

import (
	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
)

// A DeliveryTime is how long it took until recipients were delivered to, and how many attempts: of all ordinary mail, or of
// that to one provider. The times are what the log says of the attempt that delivered, or what passed since it has the
// message; so they contain all deferrals, once.
type DeliveryTime struct {
	Provider  string   `json:"provider,omitempty"` // empty: of all
	Title     string   `json:"title,omitempty"`
	Delivered int64    `json:"delivered"` // recipients of whom the time is known
	P50       *float64 `json:"p50,omitempty"`
	P90       *float64 `json:"p90,omitempty"`
	P99       *float64 `json:"p99,omitempty"` // in seconds: so many of a hundred took no longer, to one percent

	Attempts []AttemptsNeeded `json:"attempts"` // of those delivered to, where the log has the first
	Retries  []Retry          `json:"retries"`
}

// AttemptsNeeded counts the recipients that were delivered to at one of their attempts.
type AttemptsNeeded struct {
	Attempts  int64    `json:"attempts"`
	Delivered int64    `json:"delivered"`
	Share     *float64 `json:"share,omitempty"` // of all of these
}

// A Retry is what came of one attempt of each recipient, the first to the last: Tried is the sum of the others and of the
// next one's Tried. The last one that is told apart, the 255th, stands for those after it.
type Retry struct {
	Attempt   int64    `json:"attempt"`
	Tried     int64    `json:"tried"` // recipients
	Delivered int64    `json:"delivered"`
	GivenUp   int64    `json:"given_up"`       // bounced, expired or lost after it
	Pending   int64    `json:"pending"`        // still deferred after it
	Rate      *float64 `json:"rate,omitempty"` // delivered ÷ tried
}

// deliveryTimesOf returns the rows of the total and then of providers.
func deliveryTimesOf(all []summary.DeliveryTime, titles map[string]*classify.Provider) []DeliveryTime {
	rows := make([]DeliveryTime, 0, len(all))
	for i := range all {
		d := &all[i]
		row := DeliveryTime{
			Provider: d.Provider, Delivered: d.Times.Total(),
			P50: seconds(d.Times.Quantile(500)), P90: seconds(d.Times.Quantile(900)), P99: seconds(d.Times.Quantile(990)),
			Attempts: []AttemptsNeeded{}, Retries: []Retry{},
		}
		if p := titles[d.Provider]; p != nil {
			row.Title = p.Title
		}
		delivered, left := sumOf(d.Delivered), sumOf(d.Delivered)+sumOf(d.GivenUp)+sumOf(d.Pending)
		for k := 0; left > 0; k++ {
			r := Retry{Attempt: int64(k + 1), Tried: left, Delivered: nth(d.Delivered, k), GivenUp: nth(d.GivenUp, k), Pending: nth(d.Pending, k)}
			r.Rate = rate(r.Delivered, r.Tried)
			row.Retries = append(row.Retries, r)
			if r.Delivered > 0 {
				row.Attempts = append(row.Attempts, AttemptsNeeded{r.Attempt, r.Delivered, rate(r.Delivered, delivered)})
			}
			left -= r.Delivered + r.GivenUp + r.Pending
		}
		rows = append(rows, row)
	}
	return rows
}

// seconds returns milliseconds as seconds; nil where they are not known.
func seconds(ms int64) *float64 {
	if ms < 0 {
		return nil
	}
	s := float64(ms) / 1000
	return &s
}

func sumOf(list []int64) (sum int64) {
	for _, n := range list {
		sum += n
	}
	return sum
}

func nth(list []int64, i int) int64 {
	if i >= len(list) {
		return 0
	}
	return list[i]
}
