package cli

import (
	"errors"
	"fmt"

	"bouncelog/parsers/custom"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

func newFormatsCheck(o IO) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE|FOLDER...",
		Short: "Run the samples of your own formats",
		Long: `Run the samples of your own formats, and say where they give something else than they should, each with its place in the
file. Warnings are of what may be meant, and often is not.

Exit status:
  0    every sample gives what it should; there may be warnings
  1    one does not, or a format has none
  2    wrong usage, or a file is no definition of a format
  130  interrupted`,
		Example: `  bouncelog formats check ~/.config/bouncelog/formats
  bouncelog formats learn mail.log > acme.toml && bouncelog formats check acme.toml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runFormatsCheck(o, args) },
	}
}

func runFormatsCheck(o IO, paths []string) error {
	defs, err := custom.Load(paths...)
	if len(defs) == 0 && err == nil {
		return usagef("no *.toml in %q; name the files of your formats or their folder", paths)
	}
	bad := 0
	for _, d := range defs {
		r := d.Check()
		for _, e := range r.Errors {
			fmt.Fprintf(o.Out, "%s\n", report.Visible(e.Error()))
		}
		for _, w := range r.Warnings {
			fmt.Fprintf(o.Out, "%s\n", report.Visible(warning(w)))
		}
		verdict := "all as they should be"
		if n := len(r.Errors); n > 0 {
			verdict = fmt.Sprintf("%d to be put right", n)
			bad++
		}
		fmt.Fprintf(o.Out, "%s: %s: samples: %d, %s\n", report.Visible(d.File()), d.Name(), r.Samples, verdict)
	}
	switch {
	case err != nil:
		return &exitError{exitUsage, err}
	case bad > 0:
		return &exitError{exitGate, fmt.Errorf("formats whose samples do not give what they should: %d of %d", bad, len(defs))}
	}
	return nil
}

// warning puts the word behind the place, as compilers do.
func warning(err error) string {
	if e, ok := errors.AsType[*custom.Error](err); ok {
		w := *e
		w.Msg = "warning: " + e.Msg
		return w.Error()
	}
	return "warning: " + err.Error()
}
