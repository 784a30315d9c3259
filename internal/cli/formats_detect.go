package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"bouncelog/internal/scan"
	"bouncelog/parsers"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

func newFormatsDetect(o IO) *cobra.Command {
	var flags inputFlags
	cmd := &cobra.Command{
		Use:   "detect [FILE|FOLDER|GLOB|-]...",
		Short: "Say what format logs are taken for, and why",
		Long: `Say what format logs are taken for, by their first lines, and why: by the syslog programs that the lines are of, or by how
many of the lines without such a header a format reads. What no format knows is guessed at by the last resort, generic.

Exit status:
  0    all is well, also where it is a guess
  2    wrong usage or configuration, or the output can't be written
  3    an input can't be read
  130  interrupted`,
		Example: `  bouncelog formats detect /var/log
  bouncelog formats detect --formats acme.toml acme.log`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFormatsDetect(cmd.Context(), o, &flags, args)
		},
		Args: cobra.ArbitraryArgs,
	}
	flags.addBrief(cmd.Flags())
	return cmd
}

func runFormatsDetect(ctx context.Context, o IO, flags *inputFlags, paths []string) error {
	c, err := flags.config(o)
	if err != nil {
		return err
	}
	s := session{flags: flags, io: o}
	if c.Inputs, err = s.inputs(paths); err != nil {
		return err
	}
	found, errs := scan.Detect(ctx, c)
	s.errs = append(s.errs, errs...)
	w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INPUT\tFORMAT\t")
	last := "-"
	if i := slices.IndexFunc(c.Formats, func(f parsers.Format) bool { return f.LastResort }); i >= 0 {
		last = c.Formats[i].Name
	}
	for i := range found {
		d := &found[i]
		name := report.Visible(d.Input.Name)
		rows := 0
		row := func(format, why string) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, format, report.Visible(why))
			name = ""
			rows++
		}
		known := func(g scan.Guess) bool { return g.Score > 0 && g.Format != last }
		for _, format := range tagged(d) {
			row(format, programs(d, format))
		}
		for _, g := range d.Bare {
			if known(g) {
				row(g.Format, fmt.Sprintf("%d %% of the lines as they are", g.Score))
			}
		}
		for _, g := range d.Tagged {
			if known(g) {
				row(g.Format, fmt.Sprintf("%d %% of the lines behind a header that no format claims", g.Score))
			}
		}
		switch {
		case rows > 0:
		case d.Lines == 0:
			row("-", "there are no lines")
		default:
			row(last, fmt.Sprintf("a guess: no format knows any of the first %d lines; bouncelog formats learn may propose one", d.Lines))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.errs) > 0 {
		return &exitError{exitInput, errors.Join(s.errs...)}
	}
	return nil
}

// tagged returns the formats that claim a program of the input, the most frequent first.
func tagged(d *scan.Detection) (formats []string) {
	seen := make(map[string]bool)
	for _, t := range d.Tags {
		if t.Format != "" && !seen[t.Format] {
			seen[t.Format] = true
			formats = append(formats, t.Format)
		}
	}
	return formats
}

// programs names the programs of the input that a format claims, some of them.
func programs(d *scan.Detection, format string) string {
	var names []string
	lines := 0
	for _, t := range d.Tags {
		if t.Format != format {
			continue
		}
		lines += t.Lines
		switch len(names) {
		case 4:
		case 3:
			names = append(names, "…")
		default:
			names = append(names, t.Tag)
		}
	}
	return fmt.Sprintf("%d of the first %d lines are of %s", lines, d.Lines, strings.Join(names, ", "))
}
