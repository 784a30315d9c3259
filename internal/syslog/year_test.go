package syslog

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"bouncelog/parsers"
)

func TestAnchor(t *testing.T) {
	for _, test := range []struct {
		name, line, ref, want string
		year                  int
	}{
		{"same year", "Nov 20 10:08:00 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2026-11-20T10:08:00Z", 0},
		{"year before", "Dec 31 10:08:00 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2025-12-31T10:08:00Z", 0},
		{"a day ahead", "Nov 23 12:00:00 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z", 0},
		{"more than a day ahead", "Nov 23 12:00:01 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2025-11-23T12:00:01Z", 0},
		{"new year's eve", "Jan  1 00:00:30 mx1 a[1]: x", "2026-12-31T23:59:50Z", "2027-01-01T00:00:30Z", 0},
		{"leap day", "Feb 29 10:08:00 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2024-02-29T10:08:00Z", 0},
		{"leap day of the year", "Feb 29 10:08:00 mx1 a[1]: x", "2028-03-22T12:00:00Z", "2028-02-29T10:08:00Z", 0},
		{"leap day to come", "Feb 29 10:08:00 mx1 a[1]: x", "2028-01-22T12:00:00Z", "2024-02-29T10:08:00Z", 0},
		{"leap day of a century", "Feb 29 10:08:00 mx1 a[1]: x", "2103-01-22T12:00:00Z", "2096-02-29T10:08:00Z", 0},
		{"year given", "Nov 20 10:08:00 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2019-11-20T10:08:00Z", 2019},
		{"year given, no reference", "Nov 20 10:08:00 mx1 a[1]: x", "", "2019-11-20T10:08:00Z", 2019},
		{"year given, leap day", "Feb 29 10:08:00 mx1 a[1]: x", "", "2020-02-29T10:08:00Z", 2019},
		{"year on the line", "2021-11-20T10:08:00Z mx1 a[1]: x", "2026-11-22T12:00:00Z", "2021-11-20T10:08:00Z", 2019},
		{"year outside", "2022-01-01T00:00:01Z stdout F Dec 31 23:59:59 mx1 a[1]: x", "2026-11-22T12:00:00Z", "2021-12-31T23:59:59Z", 2019},
		{"no stamp", "x", "2026-11-22T12:00:00Z", "", 2019},
		{"no reference", "Nov 20 10:08:00 mx1 a[1]: x", "", "", 0},
	} {
		ref := Reference{Time: at(t, test.ref).Time(), Year: test.year}
		lines := []string{"-- Boot 0123 --", "no header", test.line, "2001-01-01T00:00:00Z mx1 a[1]: later"}
		if test.want == "" {
			lines = lines[:3]
		}
		// An anchor that came in with the options is not asked.
		if got := Anchor(lines, ref, Options{Anchor: 1}); got != at(t, test.want) {
			t.Errorf("%s: %v, want %s", test.name, got, test.want)
		}
	}
	// The reference is a moment; the stamp is of the zone.
	kiritimati := Options{Location: location(t, "Pacific/Kiritimati")}
	ref := Reference{Time: at(t, "2026-12-31T09:00:00Z").Time()} // 23:00 there
	if got := Anchor([]string{"Jan  1 00:30:00 mx1 a[1]: x"}, ref, kiritimati); got != at(t, "2026-12-31T10:30:00Z") {
		t.Errorf("Kiritimati: %v", got)
	}
}

func TestCut_Year(t *testing.T) {
	for _, test := range []struct{ anchor, stamp, want string }{
		{"2026-11-20T10:08:00Z", "Nov 20 10:08:00", "2026-11-20T10:08:00Z"},
		{"2026-11-20T10:08:00Z", "Dec 31 23:59:59", "2026-12-31T23:59:59Z"},
		{"2026-11-20T10:08:00Z", "Jan  1 00:00:00", "2027-01-01T00:00:00Z"},
		{"2026-11-20T10:08:00Z", "Oct 20 10:08:00", "2026-10-20T10:08:00Z"}, // 31 days before
		{"2026-11-20T10:08:00Z", "Oct 20 10:07:59", "2027-10-20T10:07:59Z"}, // 334 days after
		{"2027-01-01T00:00:00Z", "Dec 31 23:59:59", "2026-12-31T23:59:59Z"}, // out of order
		{"2026-06-01T00:00:00Z", "Feb 28 00:00:00", "2027-02-28T00:00:00Z"},
		{"2027-06-01T00:00:00Z", "Feb 29 00:00:00", "2028-02-29T00:00:00Z"},
		{"2024-01-01T00:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"},
		{"2026-06-01T00:00:00Z", "Feb 29 00:00:00", "2028-02-29T00:00:00Z"}, // 2027 has none
		{"2026-01-15T00:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"}, // as near as 2028
		{"2025-01-15T00:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"},
		{"1900-01-15T00:00:00Z", "Feb 29 00:00:00", "1896-02-29T00:00:00Z"},
		{"", "Nov 20 10:08:00", ""},
	} {
		r := NewReader(Options{Anchor: at(t, test.anchor)})
		line, ok := r.Cut(test.stamp + " mx1 a[1]: x")
		if !ok || line.Time != at(t, test.want) || line.YearGuessed != (test.want != "") || line.Host != "mx1" {
			t.Errorf("%s after %s: %v (guessed %v), want %s", test.stamp, test.anchor, line.Time, line.YearGuessed, test.want)
		}
	}
}

// Every stamp between a month before the anchor and eleven after it comes back from its writing.
func TestCut_YearWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns"} {
		loc := location(t, name)
		for range 2000 {
			anchor := time.Unix(rnd.Int64N(1<<32), 0)
			r := NewReader(Options{Location: loc, Anchor: parsers.StampOf(anchor)})
			// An hour off the edges, where clocks may be set.
			want := anchor.Add(-31*24*time.Hour + time.Hour + time.Duration(rnd.Int64N(int64(365*24-2)*3600))*time.Second)
			stamp := want.In(loc).Format(time.Stamp)
			line, _ := r.Cut(stamp + " mx1 a[1]: x")
			if line.Time.Time().In(loc).Format(time.Stamp) != stamp || line.Time.Sub(parsers.StampOf(want)).Abs() > time.Hour {
				if _, _, d := want.In(loc).Date(); d == 29 && want.In(loc).Month() == time.February {
					continue // the clock's year is 366 days long, the rule's 365
				}
				t.Fatalf("%s: anchor %v: %q is %v, want %v", name, anchor.UTC(), stamp, line.Time, want.UTC())
			}
		}
	}
}

func TestCut_NearestYear(t *testing.T) {
	for _, test := range []struct{ outer, inner, want string }{
		{"2024-12-31T23:59:59Z", "Jan  1 00:00:01", "2025-01-01T00:00:01Z"},
		{"2025-01-01T00:00:01Z", "Dec 31 23:59:59", "2024-12-31T23:59:59Z"},
		{"2025-06-01T00:00:00Z", "Jun  1 02:00:00", "2025-06-01T02:00:00Z"},
		{"2024-02-29T23:59:59Z", "Feb 29 23:59:58", "2024-02-29T23:59:58Z"},
		{"2024-03-01T00:00:00Z", "Feb 29 23:59:58", "2024-02-29T23:59:58Z"},
		{"2025-03-01T00:00:00Z", "Feb 29 23:59:58", "2024-02-29T23:59:58Z"},
		{"1971-03-01T00:00:00Z", "Mar  1 00:00:00", "1971-03-01T00:00:00Z"},
	} {
		for _, form := range []string{
			"%s stdout F %s mx1 a[1]: x",
			"%s host docker[1]: %s mx1 a[1]: x",
			"<30>1 %s host docker 1 - - %s mx1 a[1]: x",
			"mail-0 postfix %s %s mx1 a[1]: x",
			`{"time":"%s","log":"%s mx1 a[1]: x\n"}`,
		} {
			s := fmt.Sprintf(form, test.outer, test.inner)
			line, ok := NewReader(Options{Anchor: at(t, november)}).Cut(s)
			if !ok || line.Time != at(t, test.want) || line.YearGuessed || line.Host != "mx1" || line.Text != "x" {
				t.Errorf("Cut(%q) = %+v, want %s", s, line, test.want)
			}
		}
	}
	// An outer year that is a guess makes the inner one a guess.
	line, _ := NewReader(Options{Anchor: at(t, "2026-12-31T00:00:00Z")}).Cut("Jan  1 01:00:00 host docker[1]: Dec 31 23:00:00 mx1 a[1]: x")
	if line.Time != at(t, "2026-12-31T23:00:00Z") || !line.YearGuessed {
		t.Errorf("guessed: %+v", line)
	}
}

func TestCut_Zone(t *testing.T) {
	for _, test := range []struct{ zone, stamp, want string }{
		{"Europe/Berlin", "2026-11-20T11:08:00", "2026-11-20T10:08:00Z"},
		{"Europe/Berlin", "2026-07-20T12:08:00", "2026-07-20T10:08:00Z"},
		{"Europe/Berlin", "2026-11-20T10:08:00Z", "2026-11-20T10:08:00Z"},
		// The hour that comes twice is the first, unless the name of the zone says otherwise.
		{"Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"Europe/Berlin", "Oct 25 02:30:00", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "Sun 2026-10-25 02:30:00 CEST", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "Sun 2026-10-25 02:30:00 CET", "2026-10-25T01:30:00Z"},
		{"Europe/Berlin", "Sun 2026-10-25 02:30:00 EST", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "Sun 2026-10-25 02:30:00 UTC", "2026-10-25T02:30:00Z"},
		{"Europe/Berlin", "Sun 2026-10-25 02:30:00 GMT", "2026-10-25T02:30:00Z"},
		{"Europe/Berlin", "Fri 2026-11-20 11:08:00 CET", "2026-11-20T10:08:00Z"},
		// The hour that is left out is as if the clocks had not been set.
		{"Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"},
		{"Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
		{"America/St_Johns", "2026-11-20T06:38:00", "2026-11-20T10:08:00Z"},
		{"America/St_Johns", "2026-11-01T01:30:00", "2026-11-01T04:00:00Z"},
		{"America/St_Johns", "Sun 2026-11-01 01:30:00 NST", "2026-11-01T05:00:00Z"},
		{"America/St_Johns", "Jul 20 06:38:00", "2027-07-20T09:08:00Z"},
		{"Pacific/Kiritimati", "2026-11-21T00:08:00", "2026-11-20T10:08:00Z"},
		{"Pacific/Kiritimati", "Sat 2026-11-21 00:08:00 +14", "2026-11-20T10:08:00Z"},
		{"Pacific/Kiritimati", "Nov 21 00:08:00.25", "2026-11-20T10:08:00.25Z"},
		// There was no December 30 in Samoa in 2011.
		{"Pacific/Apia", "2011-12-29T23:59:59", "2011-12-30T09:59:59Z"},
		{"Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z"},
	} {
		r := NewReader(Options{Location: location(t, test.zone), Anchor: at(t, november)})
		// Whatever stretch of the zone was remembered.
		for _, before := range []string{"2026-01-01T00:00:00", "2026-07-01T00:00:00", "2026-10-25T02:30:00", "1950-01-01T00:00:00", "2200-01-01T00:00:00"} {
			r.Cut(before + " mx1 a[1]: x")
			line, ok := r.Cut(test.stamp + " mx1 a[1]: x")
			if !ok || line.Time != at(t, test.want) {
				t.Fatalf("%s in %s after %s: %v, want %s", test.stamp, test.zone, before, line.Time, test.want)
			}
		}
	}
}

// A zone gives the same offsets with memory and without, and what it gives is right wherever a clock could show it.
func TestZone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Africa/Casablanca", "Pacific/Apia", "Australia/Lord_Howe"} {
		loc := location(t, name)
		old := zone{loc: loc}
		for range 20000 {
			sec := rnd.Int64N(1 << 32)
			fresh := zone{loc: loc}
			wall := fresh.wall(seconds(sec))
			if _, east := time.Unix(sec, 0).In(loc).Zone(); wall != sec+int64(east) || old.wall(seconds(sec)) != wall {
				t.Fatalf("%s: wall(%d) = %d", name, sec, wall)
			}
			east := fresh.offset(wall, "")
			if got := old.offset(wall, ""); got != east {
				t.Fatalf("%s: offset(%d) = %d, and %d without memory", name, wall, got, east)
			}
			if at := wall - east; at > sec || (zone{loc: loc}).plus(at) != wall {
				t.Fatalf("%s: offset(%d) = %d: not the first moment that shows it", name, wall, east)
			}
		}
	}
}

func (z zone) plus(sec int64) int64 { return z.wall(seconds(sec)) }

func TestYearStart(t *testing.T) {
	for y := 1; y < 10000; y++ {
		if got, want := yearStart(y), time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Unix()/day; got != want {
			t.Fatalf("yearStart(%d) = %d, want %d", y, got, want)
		}
	}
}
