package report

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/summary"
)

// Every row of the retry curve is the sum of what came of it and of those who were tried again.
func TestRetriesAddUp(t *testing.T) {
	for _, d := range fullReport(t, Options{}).DeliveryTimes {
		left := int64(0)
		for i := len(d.Retries) - 1; i >= 0; i-- {
			r := d.Retries[i]
			if left += r.Delivered + r.GivenUp + r.Pending; r.Tried != left || r.Attempt != int64(i+1) {
				t.Errorf("%q: %+v, want %d tried", d.Provider, r, left)
			}
		}
		delivered := int64(0)
		for _, a := range d.Attempts {
			delivered += a.Delivered
			if got := d.Retries[a.Attempts-1].Delivered; got != a.Delivered {
				t.Errorf("%q: %d delivered at attempt %d, the retries say %d", d.Provider, a.Delivered, a.Attempts, got)
			}
		}
		if len(d.Attempts) > 0 && *d.Attempts[0].Share != *rate(d.Attempts[0].Delivered, delivered) {
			t.Errorf("%q: share %v", d.Provider, *d.Attempts[0].Share)
		}
	}
}

// Where logs leave deferrals out and none stands in them, nothing is said that rests on their number.
func TestDeferralsOmitted(t *testing.T) {
	c := summary.NewCounts()
	c.Total = tally(8, 0, 2, 8, 0, 2, 0, 0)
	rows := []summary.NamedTally{{Name: "example.com", Tally: c.Total}}
	tb := func() tables {
		return tables{
			domains: slices.Values(rows), senders: slices.Values(rows), providers: slices.Values(rows),
			hours:      []summary.Hour{{Start: at("1h"), Attempts: c.Total.Attempts, Outcomes: c.Total.Outcomes}},
			deliveries: []summary.DeliveryTime{{Times: lengths(map[int64]int64{10: 8}), Delivered: []int64{8}, GivenUp: []int64{2}}},
			breakdowns: []summary.Breakdown{{By: []string{"day"}, Rows: []summary.BreakdownRow{{Key: []string{"2026-11-20"}, Tally: c.Total}}}},
		}
	}
	for omits, want := range map[bool]int{false: 6, true: 0} {
		r := mustBuild(t, c, tb(), Options{OmitsDeferrals: omits})
		if got := deferralRates(reflect.ValueOf(*r)); got != want {
			t.Errorf("deferrals omitted %v: %d rates of them, want %d", omits, got, want)
		}
		if n := len(r.DeliveryTimes[0].Retries) + len(r.DeliveryTimes[0].Attempts); (n == 0) != omits || r.DeliveryTimes[0].P50 == nil {
			t.Errorf("deferrals omitted %v: %+v", omits, r.DeliveryTimes[0])
		}
	}
}

// deferralRates counts the deferral rates in v.
func deferralRates(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "DeferralRate" && !v.Field(i).IsNil() {
				n++
			}
			n += deferralRates(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += deferralRates(v.Index(i))
		}
	}
	return n
}

func TestBreakdownOrder(t *testing.T) {
	row := func(bounced int64, key ...string) summary.BreakdownRow {
		return summary.BreakdownRow{Key: key, Tally: tally(1, 0, bounced, 1, 0, bounced, 0, 0)}
	}
	folded := row(9, "", "")
	folded.Folded = true
	for _, c := range []struct {
		by   []string
		o    Options
		want []string
	}{
		{[]string{"hour", "code"}, Options{Sort: SortBounced}, []string{"a", "b", "c", "other"}},
		{[]string{"relay", "code"}, Options{Sort: SortBounced}, []string{"b", "c", "a", "other"}},
		{[]string{"relay", "code"}, Options{Sort: SortName, Top: 2}, []string{"a", "b", "other"}},
		{[]string{"relay", "code"}, Options{Sort: SortBounced, MinAttempts: 3}, []string{"b", "c", "other"}},
	} {
		b := breakdownOf(&summary.Breakdown{By: c.by, Rows: []summary.BreakdownRow{folded, row(1, "a", "x"), row(5, "b", "x"), row(2, "c", "x")}}, &c.o)
		var got []string
		for _, r := range b.Rows {
			got = append(got, r.Key[0])
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%v, %+v (-want +got):\n%s", c.by, c.o, d)
		}
		if want := 3 - int(c.o.MinAttempts/3); b.RowsTotal != want {
			t.Errorf("%v: %d rows, want %d", c.by, b.RowsTotal, want)
		}
	}
}
