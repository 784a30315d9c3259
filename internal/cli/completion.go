package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// newCompletion stands in for the command of that name that cobra would add, which says nothing of exit statuses.
func newCompletion(o IO) *cobra.Command {
	scripts := map[string]func(root *cobra.Command, w io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        (*cobra.Command).GenZshCompletion,
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	}
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the completions for a shell",
		Long: `Print a script with which a shell completes commands, flags and their values. Where packages put it:

  bash        /usr/share/bash-completion/completions/bouncelog (needs the package bash-completion)
  zsh         /usr/share/zsh/site-functions/_bouncelog
  fish        /usr/share/fish/vendor_completions.d/bouncelog.fish
  powershell  a line of $PROFILE runs it

The same places in a home: ~/.local/share/bash-completion/completions, a folder of $fpath, ~/.config/fish/completions.
` + briefStatusHelp,
		Example: `  source <(bouncelog completion bash)
  bouncelog completion fish > ~/.config/fish/completions/bouncelog.fish
  bouncelog completion powershell | Out-String | Invoke-Expression`,
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || scripts[args[0]] == nil {
				return usagef("completion: name one shell: %v", shells)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return scripts[args[0]](cmd.Root(), o.Out) },
	}
}

// newHelp stands in for cobra's command, for which an unknown command is no error.
func newHelp() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Print the help of a command",
		Long: `Print the help of a command, as --help after its name does.
` + briefStatusHelp,
		Example: `  bouncelog help report
  bouncelog help formats learn`,
		DisableFlagsInUseLine: true,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) (names []string, _ cobra.ShellCompDirective) {
			if of, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, c := range of.Commands() {
					if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), begun) {
						names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.RunE = ownErrors(func(cmd *cobra.Command, args []string) error {
		of, rest, err := cmd.Root().Find(args)
		if err != nil || len(rest) > 0 {
			return usagef("help: no command %q; `bouncelog --help` lists them", args)
		}
		of.InitDefaultHelpFlag() // else the help lacks it
		return of.Help()
	})
	return cmd
}
