package fields_test

import (
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

func TestAppendRow_Success(t *testing.T) {
	f := func(row string, want ...string) {
		t.Helper()
		got, err := fields.AppendRow([]string{"before"}, row, ',')
		if err != nil {
			t.Errorf("AppendRow(%q): %v", row, err)
		} else if got[0] != "before" || !slices.Equal(got[1:], want) {
			t.Errorf("AppendRow(%q) = %q, want %q", row, got[1:], want)
		}
	}
	f(``, "")
	f(`,`, "", "")
	f("a,b\r\n", "a", "b")
	f("a,b\n", "a", "b")
	f("a,\r\n", "a", "")
	f(`a,,c`, "a", "", "c")
	f(`"a,b",c`, "a,b", "c")
	f(`"",""`, "", "")
	f("\"a\r\nb\",c", "a\r\nb", "c")
	f(`"say ""hi""","""",""""""`, `say "hi"`, `"`, `""`)
	f(`a"b",c`, `a"b"`, "c")
	f(` "a", b `, ` "a"`, " b ")
	f(`a;b`, "a;b")
}

func TestAppendRow_Failure(t *testing.T) {
	f := func(row string, column int) {
		t.Helper()
		got, err := fields.AppendRow([]string{"before"}, row, ',')
		var syntax *parsers.SyntaxError
		if !errors.As(err, &syntax) || syntax.Column != column || len(got) != 1 {
			t.Errorf("AppendRow(%q) = %q, %v, want an error at %d", row, got, err, column)
		}
	}
	f(`"`, 1)
	f(`a,"b`, 3)
	f(`a,"b""`, 3)
	f(`a,"b"c,d`, 6)
	f(`"a" ,b`, 4)
}

// FuzzAppendRow holds the cells against encoding/csv.
func FuzzAppendRow(f *testing.F) {
	f.Add(`a,"b ""c""",,"d,` + "\n" + `e"` + "\r\n")
	f.Add(`"""`)
	f.Fuzz(func(t *testing.T, row string) {
		r := csv.NewReader(strings.NewReader(row))
		r.FieldsPerRecord = -1
		want, err := r.Read()
		got, gotErr := fields.AppendRow(nil, row, ',')
		switch {
		case strings.ContainsAny(row, "\r\n"):
			// encoding/csv ends records and changes line ends.
		case gotErr == nil && err == nil:
			if !slices.Equal(got, want) {
				t.Errorf("AppendRow(%q) = %q, want %q", row, got, want)
			}
		case gotErr != nil && err == nil:
			t.Errorf("AppendRow(%q): %v, want %q", row, gotErr, want)
		case gotErr == nil && !errors.Is(err, csv.ErrBareQuote) && row != "":
			t.Errorf("AppendRow(%q) = %q, want %v", row, got, err)
		}
	})
}
