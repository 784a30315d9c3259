// Command man writes the manual pages of bouncelog and all its commands, out of the same texts that --help prints.
//
//	man -o .build/man
//
// Their date is that of the flag -date, else of SOURCE_DATE_EPOCH (reproducible-builds.org), else of today.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/cli"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

func main() {
	switch err := run(os.Args[1:], os.Getenv, time.Now(), os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(2)
	}
}

func run(args []string, env func(string) string, now time.Time, stderr io.Writer) error {
	flags := flag.NewFlagSet("man", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("o", "man", "`folder` to write to; it is made where it is missing")
	day := flags.String("date", "", "`date` of the pages, as 2006-01-02")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	date, err := dateOf(*day, env("SOURCE_DATE_EPOCH"), now)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	return writePages(*dir, cli.Command(), date)
}

// dateOf returns the date of the pages.
func dateOf(day, epoch string, now time.Time) (time.Time, error) {
	switch {
	case day != "":
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return t, fmt.Errorf("-date %q: give a date like 2026-11-22", day)
		}
		return t, nil
	case epoch != "":
		s, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return now, fmt.Errorf("SOURCE_DATE_EPOCH %q: give seconds since 1970", epoch)
		}
		return time.Unix(s, 0).UTC(), nil
	}
	return now.UTC(), nil
}

// writePages writes the page of each command below root, and its own.
func writePages(dir string, root *cobra.Command, date time.Time) error {
	root.DisableAutoGenTag = true // the page does not tell what made it
	root.InitDefaultVersionFlag()
	prepare(root)
	return doc.GenManTreeFromOpts(root, doc.GenManTreeOptions{
		Path:             dir,
		CommandSeparator: "-",
		Header:           &doc.GenManHeader{Section: "1", Manual: "bouncelog", Source: "bouncelog " + cli.Version, Date: &date},
	})
}

// prepare turns the texts of a command and those below it, which are laid out for a terminal, into the Markdown that cobra
// takes them for. What there is of options and exit statuses goes in there as well: cobra prints options without the names of
// their values, with defaults that say nothing, and it knows no section for exit statuses.
func prepare(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		prepare(c)
	}
	cmd.InitDefaultHelpFlag()
	text, statuses, _ := strings.Cut(cmd.Long, "\nExit status:\n")
	var b strings.Builder
	b.WriteString(paragraphs(text))
	b.WriteString("\n# OPTIONS\n")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			b.WriteString(option(f))
			f.Hidden = true // from cobra
		}
	})
	if statuses != "" {
		b.WriteString("# EXIT STATUS\n")
		for line := range strings.Lines(statuses) {
			number, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
			b.WriteString(definition("**"+number+"**", strings.TrimSpace(meaning)))
		}
	}
	cmd.Long = b.String()
	cmd.Short = escape(cmd.Short)
	name, args, _ := strings.Cut(cmd.Use, " ")
	cmd.Use = strings.TrimSpace(name + " [OPTION]... " + args)
}

// option is one option: its names, that of its value, what it means, and its default where that says something.
func option(f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	names := "**--" + f.Name + "**"
	if f.Shorthand != "" {
		names = "**-" + f.Shorthand + "**, " + names
	}
	if value != "" {
		names += " *" + escape(value) + "*"
	}
	switch f.DefValue {
	case "", "0", "false", "[]", "0s":
	default:
		// As many as there are processors here is nothing to print.
		if f.Name != "jobs" {
			usage += fmt.Sprintf(" (default: %s)", f.DefValue)
		}
	}
	return definition(names, escape(usage))
}

// definition is an entry of a list of definitions.
func definition(term, meaning string) string { return term + "\n: " + meaning + "\n\n" }

// paragraphs turns a text into Markdown: lines that are indented stay as they are, the others flow.
func paragraphs(text string) string {
	var b strings.Builder
	verbatim := false
	for line := range strings.Lines(text) {
		if indented := strings.HasPrefix(line, "  "); indented != verbatim && line != "\n" {
			verbatim = indented
			b.WriteString("```\n")
		}
		if !verbatim {
			line = escape(line)
		}
		b.WriteString(line)
	}
	if verbatim {
		b.WriteString("```\n")
	}
	return b.String()
}

// escape takes the meaning off what Markdown would obey.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]()#+-.!:|&<>~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
