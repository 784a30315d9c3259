package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/cli"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// pages writes all pages and returns them by name.
func pages(t *testing.T, env map[string]string, now time.Time, args ...string) (dir string, all map[string]string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "man")
	if err := run(append([]string{"-o", dir}, args...), func(name string) string { return env[name] }, now, t.Output()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all = make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return dir, all
}

// TestPages holds each command to a page of its own with all sections, in which nothing of its texts was taken for markup.
func TestPages(t *testing.T) {
	_, all := pages(t, nil, noon)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page, ok := all[name]
		delete(all, name)
		if !ok {
			t.Errorf("no page %s", name)
		}
		from := 0
		for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLE", "SEE ALSO"} {
			i := strings.Index(page[from:], "\n.SH "+section+"\n")
			if i < 0 {
				t.Errorf("%s: no section %s, or not in order", name, section)
				continue
			}
			from += i
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(cli.Command())
	for name := range all {
		t.Errorf("%s is the page of no command", name)
	}
	_, all = pages(t, nil, noon)
	for _, test := range []struct{ page, want string }{
		{"bouncelog-report.1", `.TH "BOUNCELOG-REPORT" "1" "Nov 2026" "bouncelog ` + cli.Version + `" "bouncelog"`},
		{"bouncelog-report.1", "\\fB-f\\fP, \\fB--format\\fP \\fIstring\\fP"},
		{"bouncelog-report.1", "\\fB--no-progress\\fP\n"},
		{"bouncelog-report.1", "<%{recipient}>"},
		{"bouncelog-report.1", ".TP\n\\fB130\\fP\ninterrupted"},
		{"bouncelog-rules.1", "[[provider]]"},
		{"bouncelog-explain.1", "'550 5.1.1 <eve@example.com>: User unknown'"},
	} {
		if got := strings.ReplaceAll(all[test.page], `\&`, ""); !strings.Contains(got, test.want) {
			t.Errorf("%s: no %q in\n%s", test.page, test.want, got)
		}
	}
}

func TestParagraphs(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"a\nb\n\nc\n", "a\nb\n\nc\n"},
		{"a:\n\n  x *y*\n  z\n\nb\n", "a:\n\n```\n  x *y*\n  z\n\n```\nb\n"},
		{"  x\n", "```\n  x\n```\n"},
		{"", ""},
	} {
		got := strings.ReplaceAll(paragraphs(test.in), `\`, "")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("paragraphs(%q): want (-), got (+):\n%s", test.in, diff)
		}
	}
	if got := escape("- *a* <b> `c`"); got != "\\- \\*a\\* \\<b\\> \\`c\\`" {
		t.Errorf("escape: %s", got)
	}
}

// TestDate makes sure that nothing but the date that was asked for gets into a page.
func TestDate(t *testing.T) {
	_, want := pages(t, nil, noon)
	later := noon.AddDate(1, 2, 3)
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
	}{
		{"flag", map[string]string{"SOURCE_DATE_EPOCH": "0"}, []string{"-date", "2026-11-22"}},
		{"environment", map[string]string{"SOURCE_DATE_EPOCH": "1795348800"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", "1")
			_, got := pages(t, test.env, later, test.args...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
	for _, args := range [][]string{{"-date", "22 Nov"}, {"x"}, {"-o"}} {
		if err := run(args, func(string) string { return "" }, noon, t.Output()); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	if _, err := dateOf("", "tomorrow", noon); err == nil {
		t.Error("SOURCE_DATE_EPOCH=tomorrow: no error")
	}
}

// TestWarnings has man check the pages.
func TestWarnings(t *testing.T) {
	man, err := exec.LookPath("man")
	if err != nil {
		t.Skip("no man on this machine")
	}
	if err := exec.Command(man, "--warnings", "--version").Run(); err != nil {
		t.Skip("this man does not know --warnings") // that of the BSDs
	}
	dir, all := pages(t, nil, noon)
	for name := range all {
		cmd := exec.Command(man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", filepath.Join(dir, name))
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANROFFSEQ=")
		var complaints strings.Builder
		cmd.Stderr = &complaints
		if err := cmd.Run(); err != nil || complaints.Len() > 0 {
			t.Errorf("%s: %v\n%s", name, err, &complaints)
		}
	}
}
