package transcript

import (
	"bytes"
	"testing"

	"bouncelog/parsers"
)

// dialogue is one that is open at several places: a refused greeting, recipients that wait, a message that was dropped.
var dialogue = []string{"1 + ", "1 < 220 mx.example.com ESMTP", "1 > EHLO a.example.net", "1 < 250-mx.example.com", "1 < 250 SIZE", "1 > MAIL FROM:<n@example.net>", "1 > RCPT TO:<a@example.com>",
	"2 + ", "2 < 421 4.3.2 busy", "1 < 250 ok", "1 < 550 5.1.1 no", "1 > RCPT TO:<b@example.com>", "1 < 250 ok", "1 > RSET", "1 > MAIL FROM:<m@example.net>", "1 > RCPT TO:<c@example.com>",
	"1 > DATA", "1 < 250 ok", "1 < 250 ok", "1 < 250 ok", "1 < 354 go on", "2 > QUIT", "1 < 250 queued", "1 - "}

// A joiner that is kept after any line goes on as if it had not been.
func TestKept(t *testing.T) {
	join := func(j parsers.Joiner, i int) (shown []string) {
		ev := parse(t, dialogue[i], parsers.Stamp(i+1))
		for _, e := range j.Join(nil, "h", nil, &ev) {
			shown = append(shown, show(&e))
		}
		return shown
	}
	told := 0
	for cut := range dialogue {
		one, other := NewJoiner(parsers.Options{}, "\n"), NewJoiner(parsers.Options{}, "\n").(*joiner)
		for i := range cut {
			join(one, i)
		}
		kept, err := one.(*joiner).AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.UnmarshalBinary(kept); err != nil {
			t.Fatalf("after line %d: %v", cut, err)
		}
		if again, _ := other.AppendBinary(nil); !bytes.Equal(kept, again) || other.held != one.(*joiner).held {
			t.Fatalf("after line %d: what is kept differs, or %d bytes are held, not %d", cut, other.held, one.(*joiner).held)
		}
		for i := cut; i < len(dialogue); i++ {
			a, b := join(one, i), join(other, i)
			told += len(a)
			if len(a) != len(b) {
				t.Fatalf("after line %d, line %d tells %q, not %q", cut, i, b, a)
			}
			for k := range a {
				if a[k] != b[k] {
					t.Errorf("after line %d, line %d tells %q, not %q", cut, i, b[k], a[k])
				}
			}
		}
	}
	if told == 0 {
		t.Error("the dialogue tells nothing")
	}
}

// Whatever is read, a joiner goes on.
func FuzzUnmarshal(f *testing.F) {
	j := NewJoiner(parsers.Options{}, "\n").(*joiner)
	for i, line := range dialogue[:17] {
		ev := parse(f, line, parsers.Stamp(i+1))
		j.Join(nil, "h", nil, &ev)
	}
	kept, _ := j.AppendBinary(nil)
	f.Add(kept)
	f.Fuzz(func(t *testing.T, data []byte) {
		j := NewJoiner(parsers.Options{}, "\n").(*joiner)
		if j.UnmarshalBinary(data) != nil {
			return
		}
		for i, line := range dialogue {
			ev := parse(t, line, parsers.Stamp(i+1))
			j.Join(nil, "h", nil, &ev)
		}
	})
}
