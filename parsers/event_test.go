package parsers

import (
	"errors"
	"testing"
)

func TestSender(t *testing.T) {
	for path, want := range map[string]string{"": NullSender, NullSender: NullSender, "ann@example.com": "ann@example.com"} {
		if got := Sender(path); got != want {
			t.Errorf("Sender(%q) = %q", path, got)
		}
	}
}

func TestBetween(t *testing.T) {
	const at Stamp = 1795341600e6
	for _, test := range []struct {
		from, to Stamp
		want     Duration
	}{
		{at, at + 1500e3, Milliseconds(1500)},
		{at, at + 999, Milliseconds(0)},
		{at, at, Milliseconds(0)},
		{at, at - 1, Duration{}},
		{0, at, Duration{}},
		{at, 0, Duration{}},
		{0, 0, Duration{}},
	} {
		if got := Between(test.from, test.to); got != test.want {
			t.Errorf("Between(%d, %d) = %v, want %v", test.from, test.to, got, test.want)
		}
	}
}

func TestMalformed(t *testing.T) {
	line := &Line{Raw: "x: abc", Text: "abc"}
	for rest, want := range map[string]int{"abc": 1, "c": 3, "": 4} {
		var bad *SyntaxError
		if !errors.As(line.Malformed(rest, "no"), &bad) || bad.Column != want || bad.Msg != "no" {
			t.Errorf("%q: %v, want column %d", rest, bad, want)
		}
	}
}
