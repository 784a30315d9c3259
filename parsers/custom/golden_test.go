package custom

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers/parsertest"
)

// definition returns the definition called name: of testdata or, where there is none, one that comes with the program.
func definition(tb testing.TB, name string) *Definition {
	tb.Helper()
	for _, d := range Builtin() {
		if d.Name() == name {
			return d
		}
	}
	all, err := Load(filepath.Join("testdata", name+".toml"))
	if err != nil {
		tb.Fatal(err)
	}
	return all[0]
}

// names returns those of the logs in testdata.
func names(tb testing.TB) (all []string) {
	logs, err := filepath.Glob(filepath.Join("testdata", "*.log"))
	if err != nil || len(logs) == 0 {
		tb.Fatal("no logs", err)
	}
	for _, log := range logs {
		all = append(all, strings.TrimSuffix(filepath.Base(log), ".log"))
	}
	return all
}

func readFile(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// TestGolden compares what the logs in testdata tell with the golden files beside them, line by line. Each log has a
// definition of its name, there or among those that come with the program.
func TestGolden(t *testing.T) {
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			f := definition(t, name).Format()
			records := parsertest.Records(t, f, readFile(t, name+".log"))
			if f.Columns {
				records = records[1:] // parsers do not see the head
			}
			for _, r := range records {
				fmt.Fprintf(&b, "%s\n", r.Raw)
				evs, err := r.Parser.AppendEvents(nil, &r.Line)
				if err != nil {
					fmt.Fprintf(&b, "\t%v\n", err)
				}
				for i := range evs {
					fmt.Fprintf(&b, "\t%s\n", parsertest.Print(&evs[i]))
				}
			}
			if flag.Lookup("update").Value.String() == "true" {
				if err := os.WriteFile(filepath.Join("testdata", name+".golden"), []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(readFile(t, name+".golden"), b.String()); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestSamples checks the definitions as `bouncelog formats check` does. Those that come with the program give no warning.
func TestSamples(t *testing.T) {
	for _, name := range names(t) {
		r := definition(t, name).Check()
		for _, err := range r.Errors {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join("formats", name+".toml")); err == nil {
			for _, err := range r.Warnings {
				t.Error(err)
			}
		}
	}
}
