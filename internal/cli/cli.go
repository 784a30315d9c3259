// Package cli is the command line: one file a command. Only here are cobra, the progress bar, terminals and exit
// statuses known.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"bouncelog/internal/state"
	"bouncelog/report"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Version is what `bouncelog version` prints.
const Version = "0.1.0"

// IO is what the program has to do with the outside.
type IO struct {
	In       io.Reader
	Out, Err io.Writer

	InTTY, OutTTY, ErrTTY bool
	Width                 int // of the terminal on Out, in columns; zero: none

	Env   func(string) string
	Clock func() time.Time

	state func(folder string) state.FS // nil: the machine's
}

// System returns the IO of the process.
func System() IO {
	o := IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Clock: time.Now,
		InTTY: isTTY(os.Stdin), OutTTY: isTTY(os.Stdout), ErrTTY: isTTY(os.Stderr)}
	if o.OutTTY {
		o.Width, _, _ = term.GetSize(int(os.Stdout.Fd()))
	}
	return o
}

func isTTY(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// The exit statuses.
const (
	exitOK          = 0
	exitGate        = 1 // a gate failed
	exitUsage       = 2 // usage or configuration
	exitInput       = 3 // an input that was named could not be read or holds no log
	exitCoverage    = 4 // coverage below --min-coverage
	exitInterrupted = 130
)

const statusHelp = `
Exit status:
  0    all is well; also where there was nothing to read
  2    wrong usage or configuration, or the output can't be written
  3    an input that was named can't be read or holds no log, or no line was recognised
  4    coverage is below --min-coverage
  130  interrupted`

// briefStatusHelp is of the commands that read no log.
const briefStatusHelp = `
Exit status:
  0    all is well
  2    wrong usage, or the output can't be written
  130  interrupted`

// An exitError ends the program with a status. The message may be empty where all was said.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// Main runs the program and returns its exit status.
func Main(args []string, o IO) int {
	if o.Env("GOGC") == "" && o.Env("GOMEMLIMIT") == "" {
		defer paceGC()()
	}
	// A reader that has seen enough (`bouncelog attempts | head`) makes writes fail, which we deal with.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Whoever waits for a blocked output does not see the end of ctx: the second signal kills.
	context.AfterFunc(ctx, stop)
	return run(ctx, args, o)
}

func run(ctx context.Context, args []string, o IO) int {
	out := &stdout{w: o.Out}
	o.Out = out
	cmd := newRoot(o)
	cmd.SetArgs(args)
	cmd.SetIn(o.In)
	cmd.SetOut(o.Out)
	cmd.SetErr(o.Err)
	called, err := cmd.ExecuteContextC(ctx)
	if err == nil {
		err = out.err
	}
	var exit *exitError
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		fmt.Fprintln(o.Err, "bouncelog: interrupted; what was not printed yet is lost, run it again")
		return exitInterrupted
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		printErrors(o.Err, exit.err)
		return exit.status
	}
	// What is left are cobra's own complaints about flags and arguments.
	fmt.Fprintf(o.Err, "bouncelog: %s\nTry '%s --help'.\n", report.Visible(strings.TrimSpace(err.Error())), called.CommandPath())
	return exitUsage
}

// printErrors prints each of joined errors on a line of its own.
func printErrors(w io.Writer, err error) {
	switch e := err.(type) {
	case nil:
	case *exitError:
		printErrors(w, e.err)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			printErrors(w, one)
		}
	default:
		fmt.Fprintf(w, "bouncelog: %s\n", report.Visible(err.Error()))
	}
}

// Command returns the command line as a tree, for programs that write about it. Nothing in it can be run.
func Command() *cobra.Command { return newRoot(IO{}) }

func newRoot(o IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bouncelog",
		Short: "Find out from MTA logs why mail was not delivered",
		Long: `bouncelog reads the logs of mail servers, pulls out the reply of every delivery attempt, and reports who was not
delivered, by which reply code, transient or permanent, in total and per domain.

It reads logs, not bounce messages: mail.log, rotated and compressed ones, the journal, container logs.
` + statusHelp,
		Example: `  bouncelog report /var/log/mail.log
  bouncelog attempts --domain example.com /var/log/mail.log
  bouncelog explain 550 5.7.1`,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetHelpCommand(newHelp())
	for _, c := range []*cobra.Command{newReport(o), newAttempts(o), newSuppress(o), newCompare(o), newCheck(o), newSnapshot(o), newMerge(o), newExplain(o), newFormats(o), newRules(o), newState(o), newCompletion(o), newVersion(o)} {
		c.RunE = ownErrors(c.RunE)
		cmd.AddCommand(c)
	}
	return cmd
}

// ownErrors makes the errors of a command that has begun exitErrors. What is left are cobra's own complaints, for which the
// help is of use; for a full disk it is not.
func ownErrors(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var exit *exitError
		if err != nil && !errors.As(err, &exit) {
			err = &exitError{exitUsage, err}
		}
		return err
	}
}
