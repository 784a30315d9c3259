package fields_test

import (
	"testing"

	"bouncelog/internal/fields"
)

func TestQuotedString(t *testing.T) {
	f := func(s, want string, wantOK bool) {
		t.Helper()
		if n, ok := fields.QuotedString(s); s[:n] != want || ok != wantOK {
			t.Errorf("QuotedString(%q): %q, %t, want %q, %t", s, s[:n], ok, want, wantOK)
		}
	}
	f(`"a b"@example.com`, `"a b"`, true)
	f(`""@example.com`, `""`, true)
	f(`"a\"> b"@example.com`, `"a\"> b"`, true)
	f(`"a\\"b"@example.com`, `"a\\"`, true)
	f(`"a"`, `"a"`, true)
	f(`a"b"@example.com`, "", true)
	f("", "", true)
	f(`"`, "", false)
	f(`"a@example.com`, "", false)
	f(`"a\"`, "", false)
	f(`"a\`, "", false)
}
