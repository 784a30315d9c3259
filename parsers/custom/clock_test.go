package custom

import (
	"testing"
	"time"

	"bouncelog/parsers"
)

func TestClocks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ as, text, want string }{
		{"", "2026-11-22T10:00:03.25Z", "2026-11-22T10:00:03.25Z"},
		{"", "2026-11-22 11:00:03", "2026-11-22T10:00:03Z"},
		{"", "1795341603", "2026-11-22T10:00:03Z"},
		{"", "1795341603.25", "2026-11-22T10:00:03.25Z"},
		{"", "1795341603250", "2026-11-22T10:00:03.25Z"},
		{"", "", ""},
		{"", "0", ""},
		{"rfc3339", "2026-11-22T10:00:03+01:00", "2026-11-22T09:00:03Z"},
		{"rfc3339", "2026-11-22T10:00:03Z more", ""},
		{"rfc3339", "1795341603", ""},
		{"epoch", "1795341603", "2026-11-22T10:00:03Z"},
		{"epoch", "-1", ""},
		{"epoch_float", "1795341603.5", "2026-11-22T10:00:03.5Z"},
		{"epoch_ms", "1795341603250", "2026-11-22T10:00:03.25Z"},
		{"tai64n", "@400000006b02bd2d11e1a300", "2026-11-22T10:00:03.3Z"},
		{"tai64n", "400000006B02BD2D11E1A300", "2026-11-22T10:00:03.3Z"},
		{"tai64n", "@400000006b02bd2dffffffff", ""},
		{"tai64n", "@3fffffff6b02bd2d11e1a300", ""},
		{"tai64n", "@ffffffffffffffff11e1a300", ""},
		{"tai64n", "@400000006b02bd2d", ""},
		{"strptime:%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:10:00:03 +0100", "2026-11-22T09:00:03Z"},
		{"strptime:%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:10:00:03 -05:30", "2026-11-22T15:30:03Z"},
		{"strptime:%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:10:00:03 Z", "2026-11-22T10:00:03Z"},
		{"strptime:%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:10:00:03 25:00", ""},
		{"strptime:%A, %d %B %y %T", "Sunday, 22 November 26 11:00:03", "2026-11-22T10:00:03Z"},
		{"strptime:%a %b %e %H:%M:%S.%f %Y", "sun NOV  2 11:00:03.123456789 2026", "2026-11-02T10:00:03.123456Z"},
		{"strptime:%D %I:%M %p", "11/22/26 12:05 am", "2026-11-21T23:05:00Z"},
		{"strptime:%D %I:%M %p", "11/22/26 12:05 PM", "2026-11-22T11:05:00Z"},
		{"strptime:%D %I:%M %p", "11/22/26 13:05 PM", ""},
		{"strptime:%F %R %Z", "2026-11-22 11:00 CET", "2026-11-22T10:00:00Z"},
		{"strptime:%F %R %Z", "2026-11-22 11:00 UTC", "2026-11-22T11:00:00Z"},
		{"strptime:%F %R %Z", "2026-11-22 11:00 ", ""},
		{"strptime:%Y.%j", "2026.326", "2026-11-21T23:00:00Z"},
		{"strptime:%Y.%j", "2026.400", ""},
		{"strptime:%y-%m-%d", "68-01-01", "2067-12-31T23:00:00Z"},
		{"strptime:%y-%m-%d", "70-01-02", "1970-01-01T23:00:00Z"},
		{"strptime:[%s.%f]", "[1795341603.25]", "2026-11-22T10:00:03.25Z"},
		{"strptime:100%% %F", "100% 2026-11-22", "2026-11-21T23:00:00Z"},
		{"strptime:%F", "2026-02-29", ""},
		{"strptime:%F", "2026-13-01", ""},
		{"strptime:%F", "1969-01-01", ""},
		{"strptime:%F", "2026-11-22x", ""},
		{"strptime:%F", "2026-11-", ""},
		{"strptime:%F %H", "2026-11-22 25", ""},
		{"strptime:%F %p", "2026-11-22 xm", ""},
		{"strptime:%d %b %Y", "22 Nox 2026", ""},
	} {
		read, err := clockNamed(test.as)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := read(test.text, berlin)
		if ok != (test.want != "") || ok && got.String() != test.want {
			t.Errorf("%s: %q is %v, %v, want %q", test.as, test.text, got, ok, test.want)
		}
	}
}

func TestLengths(t *testing.T) {
	for _, test := range []struct {
		as, text string
		want     int64 // negative: it is none
	}{
		{"", "12.5", 12500},
		{"", "00:01:02", 62000},
		{"", "1d2h", 26 * 60 * 60 * 1000},
		{"duration", "735ms", 735},
		{"duration", "soon", -1},
		{"seconds", "0", 0},
		{"seconds", "5s", -1},
		{"ms", "735", 735},
		{"ms", "735.9", 735},
		{"ms", "-1", -1},
		{"HH:MM:SS", "2+03:04:05", 183845000},
		{"HH:MM:SS", "5", -1},
		{"1d2h", "1w", 7 * 24 * 60 * 60 * 1000},
		{"go", "1h2m3.5s", 3723500},
		{"go", "1.5µs", 0},
		{"go", "12", -1},
	} {
		read, err := lengthNamed(test.as)
		if err != nil {
			t.Fatal(err)
		}
		want := parsers.Milliseconds(test.want)
		if got, ok := read(test.text); ok != (test.want >= 0) || ok && got != want {
			t.Errorf("%s: %q is %v, %v, want %v", test.as, test.text, got, ok, want)
		}
	}
}
