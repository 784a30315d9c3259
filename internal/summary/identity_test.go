package summary

import (
	"testing"

	"bouncelog/parsers"
)

func TestIdentity(t *testing.T) {
	for _, tt := range []struct{ recipient, original, wantRecipient, wantOriginal string }{
		{"eve@example.net", "", "eve@example.net", ""},
		{"eve@example.net", "list@example.com", "eve@example.net", "list@example.com"},
		{"eve@example.net", "eve@example.com", "eve@example.net", "eve@example.com"},
		{"eve@example.net", "Eve@Example.net", "Eve@Example.net", ""},
		{"eve@example.net", "eve@example.net", "eve@example.net", ""},
		{"eve", "Eve@example.net", "Eve@example.net", ""},
		{"ev", "Eve@example.net", "ev", "Eve@example.net"},
		{"eve@", "eve@example.net", "eve@", "eve@example.net"},
		{"", "@example.net", "", "@example.net"},
		{"with space@example.net", `"With Space"@example.net`, `"With Space"@example.net`, ""},
		{`a"b@c\`, `"a\"b@c\\"@example.net`, `"a\"b@c\\"@example.net`, ""},
		{`a"b@c\d`, `"a\"b@c\\"@example.net`, `a"b@c\d`, `"a\"b@c\\"@example.net`},
		{"|/bin/false", "eve@example.net", "|/bin/false", "eve@example.net"},
		{"root@mx1.example.net", "root", "root@mx1.example.net", "root"},
	} {
		r, o := identity(&parsers.Attempt{Recipient: tt.recipient, OriginalRecipient: tt.original})
		if r != tt.wantRecipient || o != tt.wantOriginal {
			t.Errorf("%q, %q: %q, %q, want %q, %q", tt.recipient, tt.original, r, o, tt.wantRecipient, tt.wantOriginal)
		}
	}
}

// The same recipient, as Exim writes it while it is deferred, when it is delivered or has failed, and in the end.
func TestRecorderOfOneRecipientInSeveralWritings(t *testing.T) {
	addressed := func(x occurrence, original string) occurrence {
		x.ev.Attempt.OriginalRecipient = original
		return x
	}
	got := play(t, &Options{}, []occurrence{
		at(0, parsers.Accepted, "A", func(ev *parsers.Event) { ev.Sender = "a@example.com" }),
		attempt(1, "A", "eve@example.net", parsers.StatusDeferred),
		addressed(attempt(2, "A", "eve", parsers.StatusSent), "eve@example.net"),
		addressed(attempt(3, "A", "bob@example.net", parsers.StatusDeferred), "Bob@example.net"),
		expired(4, "A", "Bob@example.net"), expired(5, "A", "Bob@example.net"), expired(6, "A", "eve@example.net"),
	})
	want := []string{
		"10:00:01 A eve@example.net deferred remote try=1 from=a@example.com",
		"10:00:02 A eve sent remote try=2 from=a@example.com",
		"10:00:03 A bob@example.net deferred remote try=1 from=a@example.com",
		"10:00:04 A Bob@example.net expired final try=0 from=a@example.com",
	}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}
