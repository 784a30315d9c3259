package custom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) {
	for _, d := range Builtin() {
		t.Run(d.Name(), func(t *testing.T) { parsertest.Examples(t, d.Format(), d.Name()) })
	}
}

// The collection's definitions are JSON, one for each case.
func TestOwnExamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "examples", "other-formats.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no collection of examples beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for raw := range strings.Lines(string(text)) {
		var ex struct {
			ID, Format string
			Lines      []string
			Context    struct {
				Config map[string]any `json:"format_config"`
			}
			Expected []map[string]any
		}
		if err := json.Unmarshal([]byte(raw), &ex); err != nil {
			t.Fatal(err)
		}
		if ex.Format != "user-defined" {
			continue
		}
		n++
		t.Run(ex.ID, func(t *testing.T) {
			var b strings.Builder
			for key, v := range ex.Context.Config {
				fmt.Fprintf(&b, "%s = %s\n", key, tomlOf(v))
			}
			fmt.Fprintf(&b, "[[sample]]\nline = %s\nexpect = [", quote(strings.Join(ex.Lines, "\n")))
			for _, e := range ex.Expected {
				delete(e, "mta")
				b.WriteString(tomlOf(e) + ", ")
			}
			b.WriteString("]\n")
			d, err := Parse(ex.ID, []byte(b.String()))
			if err != nil {
				t.Fatalf("%v\n%s", err, &b)
			}
			if r := d.Check(); len(r.Errors) > 0 {
				t.Errorf("%v\n%s", errors.Join(r.Errors...), &b)
			}
		})
	}
	if n == 0 {
		t.Error("no example of formats of the user's")
	}
}

// tomlOf writes a value of JSON as TOML.
func tomlOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var pairs []string
		for key, e := range v {
			pairs = append(pairs, quote(key)+" = "+tomlOf(e))
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, tomlOf(e))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case string:
		return quote(v)
	}
	return fmt.Sprint(v)
}
