package fields_test

import (
	"testing"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

func TestStamp(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	f := func(s string, loc *time.Location, want, rest string) {
		t.Helper()
		at, r, ok := fields.Stamp(s, loc)
		if at.String() != want || r != rest || ok != (want != "") {
			t.Errorf("Stamp(%q) = %v, %q, %t, want %s, %q", s, at, r, ok, want, rest)
		}
	}
	f("2026-11-05T10:08:00", nil, "2026-11-05T10:08:00Z", "")
	f("2026-11-05 10:08:00 x", nil, "2026-11-05T10:08:00Z", " x")
	f("2026-11-05T10:08:00Z", berlin, "2026-11-05T10:08:00Z", "")
	f("2026-11-05T10:08:00.123456789Z]", nil, "2026-11-05T10:08:00.123456Z", "]")
	f("2026-11-05T10:08:00,5", nil, "2026-11-05T10:08:00.5Z", "")
	f("2026-11-05 10:08:00+0100", nil, "2026-11-05T09:08:00Z", "")
	f("2026-11-05 10:08:00 -08:00,x", nil, "2026-11-05T18:08:00Z", ",x")
	f("2026-11-05 10:08:00+05", nil, "2026-11-05T05:08:00Z", "")
	f("2026-11-05 10:08:00 -05", nil, "2026-11-05T10:08:00Z", " -05")
	f("2026-11-05 10:08:00 Z x", nil, "2026-11-05T10:08:00Z", " x")
	f("2026-11-05 10:08:00 Zone", nil, "2026-11-05T10:08:00Z", " Zone")
	f("2026-11-05 10:08:00.", nil, "2026-11-05T10:08:00Z", ".")
	f("2026-11-05 10:08:00", berlin, "2026-11-05T09:08:00Z", "")
	f("2026-07-05 10:08:00.25", berlin, "2026-07-05T08:08:00.25Z", "")
	f("2026-12-31T23:59:60Z", nil, "2027-01-01T00:00:00Z", "")
	f("2024-02-29T00:00:00Z", nil, "2024-02-29T00:00:00Z", "")
	f("2000-02-29T00:00:00Z", nil, "2000-02-29T00:00:00Z", "")
	f("2026-12-31T00:00:00Z", nil, "2026-12-31T00:00:00Z", "")
	f("0001-01-01T00:00:00Z", nil, "0001-01-01T00:00:00Z", "")

	f("", nil, "", "")
	f("2026-11-05", nil, "", "2026-11-05")
	for _, s := range []string{
		"2026-02-29 10:08:00", "2026-13-05 10:08:00", "2026-11-00 10:08:00", "2026-11-05 24:08:00", "2026-11-05 10:60:00",
		"2026-11-05_10:08:00", "0000-01-01 00:00:00", "2025-02-29 00:00:00", "1900-02-29 00:00:00", "2026-04-31 00:00:00", "2026-11-05 10:08:000", "2O26-11-05 10:08:00", "2026/11/05 10:08:00", "2026-11-05 1 :08:00",
	} {
		f(s, nil, "", s)
	}
	f("2026-11-05T10:08:00+25:00", nil, "2026-11-05T10:08:00Z", "+25:00")

	if n := testing.AllocsPerRun(100, func() { fields.Stamp("2026-11-05T10:08:00.123", berlin) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEpoch(t *testing.T) {
	f := func(name string, read func(string) (parsers.Stamp, bool), s, want string) {
		t.Helper()
		if at, ok := read(s); at.String() != want || ok != (want != "") {
			t.Errorf("%s(%q) = %v, %t, want %s", name, s, at, ok, want)
		}
	}
	f("Unix", fields.Unix, "1795169280", "2026-11-20T10:08:00Z")
	f("Unix", fields.Unix, "1795169280.1234567", "2026-11-20T10:08:00.123456Z")
	f("Millis", fields.Millis, "1795169280123", "2026-11-20T10:08:00.123Z")
	f("Millis", fields.Millis, "1795169280123.5", "2026-11-20T10:08:00.1235Z")
	for _, s := range []string{"", "0", "-1", "1e9", "x", "1.", ".5", "1 ", "99999999999999999999", "9999999999999999"} {
		f("Unix", fields.Unix, s, "")
	}
}

func TestDurations(t *testing.T) {
	const none = -1
	f := func(name string, read func(string) (parsers.Duration, bool), s string, want int64) {
		t.Helper()
		d, ok := read(s)
		ms, said := d.Milliseconds()
		if ok != said || ok != (want != none) || ok && ms != want {
			t.Errorf("%s(%q) = %d, %t, %t, want %d", name, s, ms, said, ok, want)
		}
	}
	f("Clock", fields.Clock, "00:00:00", 0)
	f("Clock", fields.Clock, "00:01:23", 83_000)
	f("Clock", fields.Clock, "2+03:04:05", 183_845_000)
	for _, s := range []string{"", "1:2:3", "00:60:00", "+00:00:00", "x+00:00:00", "99999999999999+00:00:00", "00:00:00x", "0.5+00:00:00"} {
		f("Clock", fields.Clock, s, none)
	}
	f("Units", fields.Units, "0s", 0)
	f("Units", fields.Units, "1w2d3h4m5.678s", 788_645_678)
	f("Units", fields.Units, "350ms", 350)
	f("Units", fields.Units, "1.5h", 5_400_000)
	f("Units", fields.Units, "1500µs", 1)
	f("Units", fields.Units, "2m0.25s", 120_250)
	for _, s := range []string{"", "5", "s", "5x", "5s3", "-5s", "99999999999999999999s", "9999999w", "5 s"} {
		f("Units", fields.Units, s, none)
	}
	f("Seconds", fields.Seconds, "0", 0)
	f("Seconds", fields.Seconds, "12.3456", 12_345)
	for _, s := range []string{"", "-1", "1s", "1e3", "99999999999999"} {
		f("Seconds", fields.Seconds, s, none)
	}
}

// FuzzTimes holds stamps against package time, and lets nothing overflow.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"2026-11-05T10:08:00.5+01:00", "1795169280.123", "1w2d3h4m5.678s", "2+03:04:05", "0001-01-01T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, rest, ok := fields.Stamp(s, nil)
		if want, err := time.Parse(time.RFC3339Nano, s); ok && rest == "" && err == nil && at != parsers.StampOf(want) {
			t.Errorf("Stamp(%q) = %d, want %d", s, at, parsers.StampOf(want))
		}
		for _, read := range []func(string) (parsers.Stamp, bool){fields.Unix, fields.Millis} {
			if at, ok := read(s); at < 0 || ok != (at != 0) {
				t.Errorf("%q is %d", s, at)
			}
		}
		for _, read := range []func(string) (parsers.Duration, bool){fields.Clock, fields.Units, fields.Seconds} {
			d, ok := read(s)
			if ms, said := d.Milliseconds(); ms < 0 || ok != said {
				t.Errorf("%q is %d ms", s, ms)
			}
		}
	})
}
