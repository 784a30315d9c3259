package report

import (
	"fmt"
	"time"
)

// maxHeadlineName is how many columns of a host name a headline has room for: the log may call it anything.
const maxHeadlineName = 40

// Headline is a report in one line, as for the subject of a message: whose log, the bounce rate, and the days in zone loc.
//
//	mx1: bounce rate 3.21%, 2026-11-21
func Headline(r *Report, loc *time.Location) string {
	rate := "no delivery attempts"
	switch {
	case r.Totals.BounceRate != nil:
		rate = "bounce rate " + percent(r.Totals.BounceRate)
	case r.Totals.Attempts.Attempts > 0:
		rate = "nothing is settled yet"
	}
	line := rate
	if of := headlineHosts(r.Coverage.Hosts); of != "" {
		line = of + ": " + line
	}
	if days := headlineDays(&r.Window, loc); days != "" {
		line += ", " + days
	}
	return line
}

// headlineHosts names the only host, or the first of several.
func headlineHosts(hosts []Host) string {
	var first string
	named := 0
	for _, h := range hosts {
		if h.Name == "" || h.Folded {
			continue
		}
		if named++; named == 1 {
			first = fit(Visible(h.Name), maxHeadlineName)
		}
	}
	switch others := len(hosts) - 1; {
	case named == 0:
		return ""
	case others > 0:
		return fmt.Sprintf("%s and %s", first, plural(int64(others), "other", "others"))
	}
	return first
}

// headlineDays is the window that was asked for, where it has two ends, else that which was found.
func headlineDays(w *Window, loc *time.Location) string {
	from, to, exclusive := w.Since, w.Until, true
	if from == "" || to == "" {
		from, to, exclusive = w.First, w.Last, false
	}
	since, err := time.Parse(time.RFC3339Nano, from)
	if err != nil {
		return ""
	}
	until, err := time.Parse(time.RFC3339Nano, to)
	if err != nil {
		return ""
	}
	since, until = since.In(loc), until.In(loc)
	midnight := func(t time.Time) bool {
		return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 && t.Nanosecond() == 0
	}
	layout, zone := time.DateOnly, ""
	switch {
	case !exclusive:
	case midnight(since) && midnight(until):
		until = until.AddDate(0, 0, -1) // the last day, not the first one after it
	default:
		layout, zone = "2006-01-02 15:04", until.Format(" MST")
	}
	first, last := since.Format(layout), until.Format(layout)
	if first == last {
		return first + zone
	}
	return first + " to " + last + zone
}
