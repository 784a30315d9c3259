package parsers

import (
	"errors"
	"reflect"
	"testing"
)

// TestAppendZero takes every place of a used slice again: nothing of the event before may be left, whatever its kind.
func TestAppendZero(t *testing.T) {
	for kind := range Part + 2 {
		for _, attempted := range []bool{false, true} {
			if attempted && !hasAttempt(kind) {
				continue
			}
			var used Event
			fillIn(reflect.ValueOf(&used).Elem(), attempted)
			used.Kind = kind
			dst := append(make([]Event, 0, 2), Event{QueueID: "first"}, used)
			if got := AppendZero(dst[:1]); len(got) != 2 || got[0].QueueID != "first" || got[1] != (Event{}) {
				t.Errorf("after an event of kind %d: %+v", kind, got)
			}
		}
	}
	if got := AppendZero(nil); len(got) != 1 || got[0] != (Event{}) {
		t.Errorf("to nil: %+v", got)
	}
}

func hasAttempt(k Kind) bool {
	return k == 0 || k == Attempted || k == Tried || k == Expired || k == Rejected || k >= Part
}

// fillIn gives every field of a struct another value than zero; the Attempt's only if asked to.
func fillIn(v reflect.Value, attempt bool) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[Attempt]():
			if attempt {
				f.Set(reflect.ValueOf(Attempt{Recipient: "ann@example.com", Ordinal: 1}))
			}
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.CanInt():
			f.SetInt(1)
		default:
			f.SetUint(1)
		}
	}
}

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
