package classify

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDomain(t *testing.T) {
	for raw, want := range map[string]string{
		"":                       "",
		"example.com":            "example.com",
		"Example.COM.":           "example.com",
		"bob@Example.com":        "example.com",
		`"a@b"@example.com`:      "example.com",
		"bob@":                   "",
		"root":                   "root",
		"bücher.example":         "xn--bcher-kva.example",
		"BÜCHER.Example.":        "xn--bcher-kva.example",
		"bob@bücher。example":     "xn--bcher-kva.example",
		"XN--BCHER-KVA.example":  "xn--bcher-kva.example",
		"straße.example":         "xn--strae-oqa.example",
		"under_score.example":    "under_score.example",
		"Ü_Ü.Example":            "Ü_Ü.example", // refused by IDNA: an underscore beside other letters
		"bob@[192.0.2.1]":        "[192.0.2.1]",
		"[IPv6:2001:DB8::1]":     "[ipv6:2001:db8::1]",
		"Bad\xff.Example":        "bad\xff.example",
		strings.Repeat("Ü", 600): strings.Repeat("Ü", 600),
	} {
		if got := Domain(raw); got != want {
			t.Errorf("Domain(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestRegistrableDomain(t *testing.T) {
	for domain, want := range map[string]string{
		"":                        "",
		"localhost":               "",
		"com":                     "",
		"co.uk":                   "",
		"example.com":             "example.com",
		"mx.a.example.co.uk":      "example.co.uk",
		"a.b.example.test":        "example.test", // not in the list: its default rule
		"shop.xn--bcher-kva.test": "xn--bcher-kva.test",
		"192.0.2.1":               "",
		"10.0.3344":               "",
		"2001:db8::1":             "",
		"[192.0.2.1]":             "",
		".example.com":            "",
		"a..example.com":          "",
		"example.com.":            "",
	} {
		if got := RegistrableDomain(domain); got != want {
			t.Errorf("RegistrableDomain(%q) = %q, want %q", domain, got, want)
		}
	}
}

func TestDomainAllocatesNothing(t *testing.T) {
	for _, raw := range []string{"example.com", "bob@mx.example.com."} {
		if n := testing.AllocsPerRun(100, func() { Domain(raw) }); n != 0 {
			t.Errorf("%q: %v allocations", raw, n)
		}
	}
}

func FuzzDomain(f *testing.F) {
	for _, raw := range []string{"bob@Example.com.", "bücher。example", "[IPv6:::1]", "a..b", "xn--a", "\xff.test", "Ü_.É"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		domain := Domain(raw)
		if again := Domain(domain); again != domain {
			t.Fatalf("%q → %q → %q", raw, domain, again)
		}
		if strings.ContainsAny(domain, "ABCDEFGHIJKLMNOPQRSTUVWXYZ@") || strings.HasSuffix(domain, ".") {
			t.Fatalf("%q → %q", raw, domain)
		}
		if utf8.ValidString(raw) && !utf8.ValidString(domain) {
			t.Fatalf("%q became invalid: %q", raw, domain)
		}
		registrable := RegistrableDomain(domain)
		if !strings.HasSuffix(domain, registrable) || registrable != "" && RegistrableDomain(registrable) != registrable {
			t.Fatalf("%q has registrable domain %q, and that %q", domain, registrable, RegistrableDomain(registrable))
		}
	})
}

func BenchmarkDomain(b *testing.B) {
	for _, raw := range []string{"mx.example.com", "bob@Example.com", "bücher.example"} {
		b.Run("raw="+raw, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Domain(raw)
			}
		})
	}
}

func BenchmarkRegistrableDomain(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		RegistrableDomain("mx.example.co.uk")
	}
}
