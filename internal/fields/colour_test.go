package fields

import "testing"

func TestUncoloured(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain [1m", "plain [1m"},
		{"\x1b[32m[NOTICE]\x1b[39m x", "[NOTICE] x"},
		{"\x1b[1;31mred\x1b[m\x1b[0m", "red"},
		{"\x1b[2Jx\x1b[", "\x1b[2Jx\x1b["},
		{"\x1b[3\x1b[1mx", "\x1b[3x"},
	} {
		if got := Uncoloured(test.in); got != test.want {
			t.Errorf("Uncoloured(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}
