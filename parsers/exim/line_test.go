package exim

import (
	"testing"
	"time"

	"bouncelog/parsers"
)

// TestProvenYear reads lines behind headers that name no year, of messages that arrived at the beginning of March 2025 and around the last midnight of 2015.
func TestProvenYear(t *testing.T) {
	p := mustOpen(t, parsers.Options{})
	at := func(s string) parsers.Stamp {
		t.Helper()
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsers.StampOf(v)
	}
	for _, test := range []struct{ header, text, want string }{
		{"2026-03-04 05:06:07", "1tpJm7-00000001AbC-2dEf Completed", "2025-03-04 05:06:07"},
		{"2026-03-10 04:00:00", "[4242] 1tpJm7-0001AB-2d Completed", "2025-03-10 04:00:00"},
		{"2026-03-12 05:06:07", "1tpJm7-00000001AbC-2dEf Completed", ""}, // held for long: no proof
		{"2025-03-04 05:06:07", "1tpJm7-00000001AbC-2dEf Completed", ""},
		{"2026-12-31 23:59:00", "1aEpb4-0001AB-2d Completed", "2015-12-31 23:59:00"}, // of 2016-01-01, by another clock
		{"2026-01-04 00:00:01", "1aElGK-0001AB-2d Completed", "2016-01-04 00:00:01"},
		{"2026-03-04 05:06:07", "SRXYZ7-0001AB-2D Completed", ""}, // base 36
		{"2026-03-04 05:06:07", "2025-03-04 05:06:08 1tpJm7-00000001AbC-2dEf Completed", "2025-03-04 05:06:08"},
	} {
		line := parsers.Line{Raw: "Mar  4 05:06:07 mx1 exim: " + test.text, Text: test.text, Tag: "exim", Time: at(test.header), YearGuessed: true}
		var want parsers.Stamp
		if test.want != "" {
			want = at(test.want)
		}
		evs, err := p.AppendEvents(nil, &line)
		if err != nil || len(evs) != 1 || evs[0].Time != want {
			t.Errorf("%s at %s: %v %v, want %s", test.text, test.header, evs, err, test.want)
		}
	}
	line := parsers.Line{Raw: "x", Text: "1tpJm7-00000001AbC-2dEf Completed", Tag: "exim", Time: at("2026-03-04 05:06:07")}
	if evs, err := p.AppendEvents(nil, &line); err != nil || len(evs) != 1 || evs[0].Time != 0 {
		t.Errorf("a year that stands in the header was replaced: %v %v", evs, err)
	}
}
