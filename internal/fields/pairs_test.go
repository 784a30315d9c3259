package fields_test

import (
	"slices"
	"testing"

	"bouncelog/internal/fields"
)

func TestAppendPairs(t *testing.T) {
	f := func(s string, want ...string) {
		t.Helper()
		var got []string
		for _, p := range fields.AppendPairs(nil, s) {
			got = append(got, p.Key, p.Value)
		}
		if !slices.Equal(got, want) {
			t.Errorf("AppendPairs(%q) = %q, want %q", s, got, want)
		}
	}
	f("")
	f("  \t ")
	f("a=1 b=2", "a", "1", "b", "2")
	f(" a=  b=x=y\t", "a", "", "b", "x=y")
	f("word a=1 again", "word", "", "a", "1", "again", "")
	f(`a="b c" d=e`, "a", "b c", "d", "e")
	f(`a="b \"c=d\" \\" e=f`, "a", `b "c=d" \`, "e", "f")
	f(`a="x\ny\u00e9"`, "a", "x\nyé")
	f(`a="" b=""`, "a", "", "b", "")
	f(`a="b c d=e`, "a", "b c d=e")
	f(`a="b\`, "a", `b\`)
	f(`a='it isn't so' b='c'`, "a", "it isn't so", "b", "c")
	f(`a='b c=d`, "a", "b c=d")
	f(`a='' b=c`, "a", "", "b", "c")
	f(`="x" =`, "", "x", "", "")
}

func FuzzAppendPairs(f *testing.F) {
	f.Add(`a=1 b="c \" d" e='f g' h i="j`)
	f.Fuzz(func(t *testing.T, s string) {
		before := fields.Pair{Key: "before"}
		got := fields.AppendPairs([]fields.Pair{before}, s)
		if got[0] != before {
			t.Error("the pairs before are changed")
		}
		n := 0
		for _, p := range got[1:] {
			n += len(p.Key)
		}
		if n > len(s) || len(got) > len(s)+1 {
			t.Errorf("%d pairs of %q", len(got), s)
		}
	})
}
