package exim

import "testing"

func TestCutAddresses(t *testing.T) {
	for _, test := range []struct{ text, final, original, rest string }{
		{"eve@example.net R=x T=y", "eve@example.net", "", " R=x T=y"},
		{"eve@example.net: Unrouteable address", "eve@example.net", "", ": Unrouteable address"},
		{"eve@example.net : Unrouteable address", "eve@example.net", "", " : Unrouteable address"},
		{"eve@example.net routing defer (-52): x", "eve@example.net", "", " routing defer (-52): x"},
		{"eve <Eve@example.net> R=x T=y", "eve", "Eve@example.net", " R=x T=y"},
		{"eve@example.net <list@example.com>: retry timeout exceeded", "eve@example.net", "list@example.com", ": retry timeout exceeded"},
		{"eve@example.net (a@example.com, b@example.com) <list@example.com> R=x", "eve@example.net", "list@example.com", " R=x"},
		{`"a b"@example.net: retry timeout exceeded`, `"a b"@example.net`, "", ": retry timeout exceeded"},
		{`a b@example.net <"A b"@example.net> R=x`, "a b@example.net", `"A b"@example.net`, " R=x"},
		{`x> R=y : 550@example.net <"x> R=y : 550"@example.net> R=z`, "x> R=y : 550@example.net", `"x> R=y : 550"@example.net`, " R=z"},
		{"|/bin/x y (a@example.com) <eve@example.net> R=x", "|/bin/x y", "eve@example.net", " R=x"},
		{"|/bin/x (y) <eve@example.net> R=x", "|/bin/x (y)", "eve@example.net", " R=x"},
		{"|/bin/x < /dev/null <eve@example.net> R=x", "|/bin/x < /dev/null", "eve@example.net", " R=x"},
		{"|/bin/x > /dev/null <eve@example.net>: no", "|/bin/x > /dev/null", "eve@example.net", ": no"},
		{"|/bin/x --to=<a@b> R=q <eve@example.net> R=x", "|/bin/x --to=<a@b> R=q", "eve@example.net", " R=x"},
		{"/var/mail/a b <system-filter> T=y", "/var/mail/a b", "system-filter", " T=y"},
		{">a@example.org,b@example.org <eve@example.net> R=x", ">a@example.org,b@example.org", "eve@example.net", " R=x"},
		{"save in box <eve@example.net> R=x", "save in box", "eve@example.net", " R=x"},
		{":blackhole: <eve@example.net> R=x", ":blackhole:", "eve@example.net", " R=x"},
		{"/dev/null", "/dev/null", "", ""},
		{"", "", "", ""},
		{"|/bin/x y", "", "", "|/bin/x y"},
	} {
		final, original, rest, ok := cutAddresses(test.text)
		if final != test.final || original != test.original || rest != test.rest || ok != (test.final != "") {
			t.Errorf("%s: %q, %q, %q, %v", test.text, final, original, rest, ok)
		}
	}
}
