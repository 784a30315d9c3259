package fields_test

import (
	"testing"

	"bouncelog/internal/fields"
)

func TestTyped(t *testing.T) {
	f := func(s, kind, value string) {
		t.Helper()
		if k, v := fields.Typed(s); k != kind || v != value {
			t.Errorf("Typed(%q) = %q, %q, want %q, %q", s, k, v, kind, value)
		}
	}
	f("smtp;550 5.1.1 unknown", "smtp", "550 5.1.1 unknown")
	f("SMTP; 550 a; b", "SMTP", "550 a; b")
	f("rfc822;a@example.com", "rfc822", "a@example.com")
	f("dns; mx.example.com", "dns", "mx.example.com")
	f("x-unix; 69", "x-unix", "69")
	f("smtp;", "smtp", "")
	f("", "", "")
	f(";", "", ";")
	f("550 no; smtp", "", "550 no; smtp")
	f("Blocked; see there", "", "Blocked; see there")
	f("x-ray of it; no", "", "x-ray of it; no")
}
