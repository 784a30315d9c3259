package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"bouncelog/internal/state"
	"bouncelog/internal/summary"
	"bouncelog/internal/suppress"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

const stateStatusHelp = `
Exit status:
  0    all is well
  2    wrong usage
  3    the state can't be read or written
  130  interrupted`

type stateOptions struct {
	flags    stateFlags
	json     bool
	previous bool
	pattern  string
}

func newState(o IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Show, forget or reset what --state keeps",
		Long: `Show what a state folder knows, make it forget logs, or begin anew.
` + stateStatusHelp,
		Example: `  bouncelog state show --state /var/lib/bouncelog
  bouncelog state forget --state /var/lib/bouncelog 'test*.log'
  bouncelog state reset --state /var/lib/bouncelog`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, c := range []*cobra.Command{newStateShow(o), newStateForget(o), newStateReset(o)} {
		c.RunE = ownErrors(c.RunE)
		cmd.AddCommand(c)
	}
	return cmd
}

// run does something with the state that the flags name, under its lock.
func (opt *stateOptions) run(ctx context.Context, o IO, what string, do func(state.FS) error) error {
	if opt.flags.folder == "" {
		return usagef("state %s: name the folder with --state", what)
	}
	if opt.flags.wait < 0 {
		return usagef("--state-wait %v: give 0s or more", opt.flags.wait)
	}
	unlock, err := opt.flags.lock(ctx, "state "+what)
	if err != nil {
		return err
	}
	defer unlock()
	return stateError(do(o.stateFolder(opt.flags.folder)))
}

func newStateShow(o IO) *cobra.Command {
	var opt stateOptions
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show which logs were read, and how far",
		Long: `Show which logs were read, how far, and when they were seen last, the files of the state and their sizes. The state of
attempts and suppress says how many messages are open, and how many attempts wait for a later run; that of suppress, how
many addresses have failed, and were delivered to.
` + stateStatusHelp,
		Example: `  bouncelog state show --state /var/lib/bouncelog
  bouncelog state show --state /var/lib/bouncelog --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return opt.run(cmd.Context(), o, "show", func(files state.FS) error {
				s, err := state.Open(opt.flags.folder, files)
				if err != nil {
					return err
				}
				if s.New() {
					return usagef("state show: %s holds no state; a run with --state makes one", opt.flags.folder)
				}
				h, err := readHeld(s)
				if err != nil {
					return err
				}
				if opt.json {
					e := json.NewEncoder(o.Out)
					e.SetIndent("", "  ")
					return e.Encode(stateJSON(s.State(), h))
				}
				return showState(o.Out, s.State(), h)
			})
		},
	}
	opt.flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&opt.json, "json", false, "print JSON")
	return cmd
}

// held is what a state holds for the next run besides logs. Nil: its command does not hold that.
type held struct {
	records *summary.RecorderHeader
	found   *suppress.Header
}

// readHeld finds out what a state holds.
func readHeld(s *state.Store) (h held, err error) {
	command := s.State().Command
	if command != "attempts" && command != "suppress" {
		return h, nil
	}
	open, err := s.Part(openPart)
	if err != nil {
		return h, err
	}
	found, err := s.Part(foundPart)
	if err != nil {
		return h, err
	}
	if len(open) > 0 {
		if h.records, err = summary.ReadRecorderHeader(open); err != nil {
			return h, &exitError{exitInput, fmt.Errorf("read what is open: %w", err)}
		}
	}
	if len(found) > 0 {
		if h.found, err = suppress.ReadHeader(found); err != nil {
			return h, &exitError{exitInput, fmt.Errorf("read what was found: %w", err)}
		}
	}
	return h, nil
}

// showState writes what a state knows as text.
func showState(w io.Writer, st state.State, h held) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "Command\t%s\nLast run\t%s\n", st.Command, second(st.Time))
	if x := h.records; x != nil {
		fmt.Fprintf(t, "Open\t%d messages\nHeld\t%d attempts, for a later run: their sender is not known, or they are behind such\n", x.Messages, x.Held)
	}
	if x := h.found; x != nil {
		fmt.Fprintf(t, "Failed\t%d addresses or domains of which there is evidence\nAlive\t%d addresses and domains that were delivered to\n", x.Failed, x.Alive)
	}
	fmt.Fprintln(t)
	fmt.Fprintln(t, "log\tlines\tbytes\tseen")
	for _, l := range st.Logs {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", report.Visible(l.Name), l.Lines, l.Read, second(l.Seen))
	}
	fmt.Fprintln(t, "\nfile\tbytes\tholds")
	for _, p := range st.Parts {
		fmt.Fprintf(t, "%s\t%d\t%s\n", p.File, p.Size, p.Name)
	}
	return t.Flush()
}

func second(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// stateJSON is what --json prints of a state.
func stateJSON(st state.State, h held) any {
	type log struct {
		Name  string `json:"name"`
		Lines int64  `json:"lines"`
		Bytes int64  `json:"bytes"`
		Seen  string `json:"seen"`
	}
	type part struct {
		Name  string `json:"name"`
		File  string `json:"file"`
		Bytes int64  `json:"bytes"`
	}
	out := struct {
		Command string `json:"command"`
		LastRun string `json:"last_run"`
		Open    *int   `json:"open_messages,omitempty"`
		Held    *int   `json:"held_attempts,omitempty"`
		Failed  *int   `json:"failed,omitempty"`
		Alive   *int   `json:"alive,omitempty"`
		Logs    []log  `json:"logs"`
		Parts   []part `json:"parts"`
	}{Command: st.Command, LastRun: second(st.Time), Logs: []log{}, Parts: []part{}}
	if x := h.records; x != nil {
		out.Open, out.Held = &x.Messages, &x.Held
	}
	if x := h.found; x != nil {
		out.Failed, out.Alive = &x.Failed, &x.Alive
	}
	for _, l := range st.Logs {
		out.Logs = append(out.Logs, log{l.Name, l.Lines, l.Read, second(l.Seen)})
	}
	for _, p := range st.Parts {
		out.Parts = append(out.Parts, part{p.Name, p.File, p.Size})
	}
	return out
}

func newStateForget(o IO) *cobra.Command {
	var opt stateOptions
	cmd := &cobra.Command{
		Use:   "forget GLOB",
		Short: "Read logs from their beginning again, the next time",
		Long: `Forget how far the logs were read whose path, or name without folder, matches a pattern, as state show has it. Where they
are there in the next run, all of their lines are counted again.
` + stateStatusHelp,
		Example: `  bouncelog state forget --state /var/lib/bouncelog 'test*.log'`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.pattern = args[0]
			if _, err := filepath.Match(opt.pattern, ""); err != nil {
				return usagef("state forget %q: %w; check the brackets", opt.pattern, err)
			}
			return opt.run(cmd.Context(), o, "forget", func(files state.FS) error {
				s, err := state.Open(opt.flags.folder, files)
				if err != nil {
					return err
				}
				st := s.State()
				forgotten := st.Forget(func(name string) bool {
					whole, _ := filepath.Match(opt.pattern, name)
					base, _ := filepath.Match(opt.pattern, filepath.Base(name))
					return whole || base
				})
				if len(forgotten) == 0 {
					return usagef("state forget %q: no log of that name; bouncelog state show lists them", opt.pattern)
				}
				if err := s.Commit(st, nil); err != nil {
					return err
				}
				for _, name := range forgotten {
					fmt.Fprintf(o.Out, "%s\n", report.Visible(name))
				}
				return nil
			})
		},
	}
	opt.flags.add(cmd.Flags())
	return cmd
}

func newStateReset(o IO) *cobra.Command {
	var opt stateOptions
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Begin anew, or go back to the state before the last run",
		Long: `Remove all that is in the state, so that the next run reads everything, and makes pseudonyms by another key; or, with
--to-previous, go back to what it was before the last run.
` + stateStatusHelp,
		Example: `  bouncelog state reset --state /var/lib/bouncelog
  bouncelog state reset --state /var/lib/bouncelog --to-previous`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return opt.run(cmd.Context(), o, "reset", func(files state.FS) error {
				if !opt.previous {
					return state.Reset(opt.flags.folder, files)
				}
				s, err := state.OpenPrevious(opt.flags.folder, files)
				if err != nil {
					return err
				}
				return s.Commit(s.State(), nil)
			})
		},
	}
	opt.flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&opt.previous, "to-previous", false, "go back to the state before the last run")
	return cmd
}
