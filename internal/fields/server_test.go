package fields_test

import (
	"net/netip"
	"testing"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

func TestAddress(t *testing.T) {
	f := func(s, ip string, port uint16) {
		t.Helper()
		if gotIP, gotPort := fields.Address(s); gotIP != ip || gotPort != port {
			t.Errorf("Address(%q) = %q, %d, want %q, %d", s, gotIP, gotPort, ip, port)
		}
	}
	f("192.0.2.1", "192.0.2.1", 0)
	f("192.0.2.1:25", "192.0.2.1", 25)
	f("[192.0.2.1]:587", "192.0.2.1", 587)
	f("2001:db8::1", "2001:db8::1", 0)
	f("[2001:db8::1]:25", "2001:db8::1", 25)
	f("[2001:db8::1]", "2001:db8::1", 0)
	f("IPv6:2001:db8::1", "2001:db8::1", 0)
	f("[IPv6:2001:db8::1]:25", "2001:db8::1", 25)
	f("192.0.2.1:99999", "192.0.2.1", 0)
	f("", "", 0)
	f("mx.example.com", "", 0)
	f("mx.example.com:25", "", 0)
	f("/run/dovecot/lmtp", "", 0)
	f("192.0.2.300", "", 0)
	f("[192.0.2.1", "192.0.2.1", 0)
}

func TestIsAddress(t *testing.T) {
	for s, want := range map[string]bool{
		"192.0.2.1": true, "2001:db8::1": true, "::ffff:192.0.2.1": true, "fe80::1%eth0": true,
		"": false, "192.0.2": false, "192.0.2.300": false, "192.0.2.1:25": false, "[192.0.2.1]": false, "mx.example.com": false, "beef": false, ":": false,
	} {
		if got := fields.IsAddress(s); got != want {
			t.Errorf("IsAddress(%q) = %t", s, got)
		}
	}
}

func TestInside(t *testing.T) {
	o := &parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, InternalHosts: []string{"out.example.net"}}
	f := func(o *parsers.Options, host, ip string, want bool) {
		t.Helper()
		if got := fields.Inside(o, host, ip); got != want {
			t.Errorf("Inside(%q, %q) = %t", host, ip, got)
		}
	}
	f(o, "mx.example.com", "192.0.2.1", false)
	f(o, "mx.example.com", "198.51.100.9", true)
	f(o, "mx.example.com", "::ffff:198.51.100.9", true)
	f(o, "Out.example.net", "192.0.2.1", true)
	f(o, "", "", false)
	f(o, "", "198.51.100", false)
	f(&parsers.Options{}, "out.example.net", "198.51.100.9", false)
	f(&parsers.Options{}, "localhost", "127.0.0.1", true)
	f(&parsers.Options{}, "", "::1", true)
}

func FuzzIsAddress(f *testing.F) {
	for _, s := range []string{"", "192.0.2.1", "192.0.2.256", "192.0.2.01", "0.0.0.0", "1.2.3", "1.2.3.4.5", "1..2.3", ".1.2.3", "1.2.3.", "2001:db8::1", "::ffff:192.0.2.1",
		"fe80::1%eth0", "mx1.example.com", "1.2.3.4 ", "1.2.3.٤"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := netip.ParseAddr(s); fields.IsAddress(s) != (err == nil) {
			t.Errorf("%q: %v", s, err)
		}
	})
}
