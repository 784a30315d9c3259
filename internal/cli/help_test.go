package cli

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp holds every command to what a manual page needs: one line, a text, an example, exit statuses.
func TestHelp(t *testing.T) {
	root := newRoot(IO{})
	root.InitDefaultHelpCmd()
	seen := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		seen++
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 80 {
			t.Errorf("%s: short %q: want one line without a stop", path, cmd.Short)
		}
		if len(cmd.Long) <= len(cmd.Short) {
			t.Errorf("%s: the help says no more than its title", path)
		}
		_, statuses, ok := strings.Cut(cmd.Long, "\nExit status:\n")
		if !ok || !regexp.MustCompile(`\A(  \d+ +\S.*\n)*  130  interrupted\z`).MatchString(statuses) || !strings.HasPrefix(statuses, "  0 ") {
			t.Errorf("%s: the help does not end with its exit statuses: %q", path, statuses)
		}
		if !slices.ContainsFunc(lines(cmd.Example), func(l string) bool { return strings.Contains(l, path) }) {
			t.Errorf("%s: no example of it: %q", path, cmd.Example)
		}
		for _, line := range lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: example %q: want two blanks in front", path, line)
			}
		}
		if cmd.RunE == nil || cmd.Args == nil {
			t.Errorf("%s: without Args or RunE, typos are swallowed", path)
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
	if seen < 10 {
		t.Errorf("only %d commands", seen)
	}
}

// TestCompletion has every shell's script made, and flags completed.
func TestCompletion(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "#compdef bouncelog", "fish": "complete -c bouncelog", "powershell": "Register-ArgumentCompleter"} {
		o, stdout, stderr := testIO(false, nil)
		if status := run(t.Context(), []string{"completion", shell}, o); status != exitOK || stderr.Len() > 0 {
			t.Errorf("%s: status %d: %s", shell, status, stderr)
		}
		if !bytes.Contains(stdout.Bytes(), []byte(want)) {
			t.Errorf("%s: no %q in the script", shell, want)
		}
	}
	for _, test := range []struct {
		args []string
		want []string // all of them, and nothing else
	}{
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish", "powershell"}},
		{[]string{"report", "--color", ""}, []string{"auto", "always", "never"}},
		{[]string{"help", "formats", "l"}, []string{"learn"}},
		{[]string{"help", "__"}, nil},
	} {
		o, stdout, _ := testIO(false, nil)
		run(t.Context(), append([]string{cobra.ShellCompNoDescRequestCmd}, test.args...), o)
		var got []string
		for line := range strings.Lines(stdout.String()) {
			if !strings.HasPrefix(line, ":") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q: offers %q, want %q", test.args, got, test.want)
		}
	}
}
