package report

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestHeadline(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rate, tiny := 0.0321, 0.000001
	mx1 := []Host{{Name: "mx1"}}
	for _, test := range []struct {
		name     string
		attempts int64
		rate     *float64
		hosts    []Host
		window   Window
		loc      *time.Location
		want     string
	}{
		{"nothing", 0, nil, nil, Window{}, time.UTC, "no delivery attempts"},
		{"a day that was asked for", 9, &rate, mx1, Window{Since: "2026-11-21T00:00:00Z", Until: "2026-11-22T00:00:00Z", First: "2026-11-21T03:00:00Z", Last: "2026-11-21T04:00:00Z"}, time.UTC, "mx1: bounce rate 3.21%, 2026-11-21"},
		{"a day of another zone", 9, &rate, mx1, Window{Since: "2026-11-20T23:00:00Z", Until: "2026-11-21T23:00:00Z"}, berlin, "mx1: bounce rate 3.21%, 2026-11-21"},
		{"a day of 23 hours", 9, &rate, mx1, Window{Since: "2026-03-28T23:00:00Z", Until: "2026-03-29T22:00:00Z"}, berlin, "mx1: bounce rate 3.21%, 2026-03-29"},
		{"days", 9, &rate, mx1, Window{Since: "2026-11-14T00:00:00Z", Until: "2026-11-21T00:00:00Z"}, time.UTC, "mx1: bounce rate 3.21%, 2026-11-14 to 2026-11-20"},
		{"hours", 9, &rate, mx1, Window{Since: "2026-11-20T12:00:00Z", Until: "2026-11-22T12:00:00Z"}, time.UTC, "mx1: bounce rate 3.21%, 2026-11-20 12:00 to 2026-11-22 12:00 UTC"},
		{"found", 9, &rate, mx1, Window{First: "2026-11-20T12:00:00.123Z", Last: "2026-11-22T12:00:00Z"}, time.UTC, "mx1: bounce rate 3.21%, 2026-11-20 to 2026-11-22"},
		{"open end", 9, &rate, mx1, Window{Since: "2026-11-20T00:00:00Z", First: "2026-11-21T12:00:00Z", Last: "2026-11-21T12:00:00Z"}, time.UTC, "mx1: bounce rate 3.21%, 2026-11-21"},
		{"hosts", 9, &tiny, []Host{{Name: "mx1"}, {Name: "mx2"}, {Name: "other", Folded: true}}, Window{}, time.UTC, "mx1 and 2 others: bounce rate <0.01%"},
		{"no name", 9, nil, []Host{{}}, Window{}, time.UTC, "nothing is settled yet"},
		{"hostile", 9, &rate, []Host{{Name: "mx\r\nBcc: eve@example.net\x1b[31m and so on and on and on and on and on"}}, Window{}, time.UTC, `mx\r\nBcc: eve@example.net\x1b[31m and …: bounce rate 3.21%`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &Report{Window: test.window}
			r.Totals.Attempts.Attempts, r.Totals.BounceRate, r.Coverage.Hosts = test.attempts, test.rate, test.hosts
			if got := Headline(r, test.loc); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
