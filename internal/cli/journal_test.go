package cli

import (
	"strings"
	"testing"
)

func TestLastCursor(t *testing.T) {
	entry := func(cursor string, n int) string {
		return `{"MESSAGE":"` + strings.Repeat("x", n) + `","__CURSOR":"` + cursor + `"}` + "\n"
	}
	for _, tt := range []struct{ name, text, want, err string }{
		{"none", "", "", ""},
		{"it says so", "-- No entries --\n", "", ""},
		{"one", entry("a", 10), "a", ""},
		{"several", entry("a", 10) + entry("b", 100000) + entry("c", 1), "c", ""},
		{"as long as can be", entry("a", 10) + entry("b", maxEntry-40), "b", ""},
		{"longer", entry("a", 10) + entry("b", maxEntry), "", "longer than 4 MiB"},
		{"not whole", entry("a", 10) + `{"MESSAGE":"x`, "", "not whole"},
		{"without cursor", entry("a", 10) + "{}\n", "", "no cursor"},
		{"no entry at the end", strings.Repeat(entry("a", 1000), 5000) + "something else\n", "", "no cursor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := lastCursor(strings.NewReader(tt.text), int64(len(tt.text)))
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("cursor %q, error %v", got, err)
			}
		})
	}
}

// An entry that was read already is not read again.
func TestRepeated(t *testing.T) {
	const a, b = `{"__CURSOR":"a"}` + "\n", `{"__CURSOR":"b"}` + "\n"
	for _, tt := range []struct {
		text, cursor string
		want         int
	}{
		{a + b, "", 0}, {a + b, "a", len(a)}, {b, "a", 0}, {a, "a", len(a)}, {"", "a", 0}, {"{}\n", "", 0}, {`{"__CURSOR":"a"}`, "a", 0},
	} {
		if got := repeated(strings.NewReader(tt.text), int64(len(tt.text)), tt.cursor); got != int64(tt.want) {
			t.Errorf("%q after %q: got %d, want %d", tt.text, tt.cursor, got, tt.want)
		}
	}
}

func FuzzLastCursor(f *testing.F) {
	f.Add("{\"__CURSOR\":\"s=1\"}\n")
	f.Add("-- No entries --\n")
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := lastCursor(strings.NewReader(text), int64(len(text)))
		if cursor != "" && (err != nil || !strings.HasSuffix(text, "\n")) {
			t.Errorf("%q: cursor %q, error %v", text, cursor, err)
		}
	})
}
