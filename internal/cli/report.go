package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bouncelog/internal/scan"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type reportOptions struct {
	input       inputFlags
	format      string
	out         []string
	color       string
	top         int
	minAttempts int64
	sort        string
	paths       []string
}

func newReport(o IO) *cobra.Command {
	var opt reportOptions
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	var sorts []string
	for _, s := range report.Sorts() {
		sorts = append(sorts, string(s))
	}
	cmd := &cobra.Command{
		Use:   "report [FILE|FOLDER|GLOB|-]...",
		Short: "Report who was not delivered, and why",
		Long: `Report who was not delivered, by which reply code, transient or permanent, in total and per domain.

Inputs may be plain or compressed (gzip, zstd, xz, bzip2, told by content); rotated files are put in order by their
first time stamp. The report is the same byte for byte for any number of jobs and any size of chunks.
` + statusHelp,
		Example: `  bouncelog report /var/log/mail.log
  bouncelog report --yesterday /var/log/mail.log*
  bouncelog report -f json --out table=report.txt mail.log > report.json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runReport(cmd.Context(), o, &opt)
		},
	}
	opt.input.add(cmd.Flags())
	cmd.Flags().StringVarP(&opt.format, "format", "f", "table", "output format: "+strings.Join(names, ", "))
	cmd.Flags().StringArrayVar(&opt.out, "out", nil, "write the report to a file too, as `FORMAT=FILE`; may be given several times")
	cmd.Flags().StringVar(&opt.color, "color", "auto", "colours: auto, always, never")
	cmd.Flags().IntVar(&opt.top, "top", 0, "rows of each table (default: 10 in table, all in json)")
	cmd.Flags().Int64Var(&opt.minAttempts, "min-attempts", 0, "leave out domains and senders with fewer attempts")
	cmd.Flags().StringVar(&opt.sort, "sort", "", "order of domains and senders: "+strings.Join(sorts, ", "))
	complete(cmd, "format", names)
	complete(cmd, "sort", sorts)
	complete(cmd, "color", []string{"auto", "always", "never"})
	return cmd
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is not there: a mistake in this package
	}
}

// output is one place that the report goes to.
type output struct {
	format report.Format
	path   string // empty: stdout
}

func (opt *reportOptions) outputs() ([]output, error) {
	f, err := report.FindFormat(opt.format)
	if err != nil {
		return nil, usagef("--format: %w", err)
	}
	all := []output{{format: f}}
	for _, s := range opt.out {
		name, path, ok := strings.Cut(s, "=")
		if !ok || path == "" {
			return nil, usagef("--out %q: give FORMAT=FILE", s)
		}
		if f, err = report.FindFormat(name); err != nil {
			return nil, usagef("--out %q: %w", s, err)
		}
		all = append(all, output{f, path})
	}
	return all, nil
}

func runReport(ctx context.Context, o IO, opt *reportOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	outputs, err := opt.outputs()
	if err != nil {
		return err
	}
	color := false
	switch opt.color {
	case "auto":
		color = o.OutTTY && o.Env("NO_COLOR") == "" && o.Env("TERM") != "dumb"
	case "always":
		color = true
	case "never":
	default:
		return usagef("--color %q: give auto, always or never", opt.color)
	}
	if opt.top < 0 {
		return usagef("--top %d: give 0 or more", opt.top)
	}
	build := report.Options{Tool: report.Tool{Name: "bouncelog", Version: Version}, Since: c.Summary.Since.Time(), Until: c.Summary.Until.Time(),
		Top: opt.top, MinAttempts: opt.minAttempts, Sort: report.Sort(opt.sort)}
	if opt.sort != "" && !slices.Contains(report.Sorts(), build.Sort) {
		return usagef("--sort %q: give one of %v", opt.sort, report.Sorts())
	}
	if opt.minAttempts < 0 {
		return usagef("--min-attempts %d: give 0 or more", opt.minAttempts)
	}
	s := session{flags: &opt.input, io: o}
	if c.Inputs, err = s.inputs(opt.paths); err != nil {
		return err
	}
	res, err := s.scan(ctx, c, scan.Summarise)
	if err != nil {
		return err
	}
	build.Locate = res.Locate
	for _, in := range res.Inputs {
		x := report.Input{Name: in.Name, Formats: in.Formats, Compression: in.Compression, Bytes: in.Bytes, Lines: in.Lines,
			First: in.First.String(), Last: in.Last.String()}
		if in.Host != "" {
			x.Hosts = []string{in.Host}
		}
		build.Inputs = append(build.Inputs, x)
	}
	for _, x := range res.Samples {
		build.Samples = append(build.Samples, report.Sample{Bucket: bucketName(x.Bucket), Reason: x.Reason, Text: x.Text, File: x.File, Line: x.Line})
	}
	r, err := report.Build(res.Counts, build)
	if err != nil {
		return usagef("%w", err)
	}
	for _, out := range outputs {
		w := report.WriteOptions{Top: opt.top}
		if out.path == "" {
			w.Color, w.Width = color, o.Width
			err = write(o.Out, out.format, r, w)
		} else {
			err = writeFile(out.path, out.format, r, w)
		}
		if err != nil {
			return err
		}
	}
	return s.verdict(res)
}

func write(to io.Writer, f report.Format, r *report.Report, o report.WriteOptions) error {
	b := bufio.NewWriter(to)
	if err := f.Write(b, r, o); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// writeFile writes a report in one step: whoever reads the file sees the old one or the new one, never a part.
func writeFile(path string, f report.Format, r *report.Report, o report.WriteOptions) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("write report to %s: %w; check that the folder is there and writable", path, err)}
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err := tmp.Chmod(0o644); err != nil {
		return fmt.Errorf("write report to %s: %w", path, err)
	}
	if err := write(tmp, f, r, o); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return fmt.Errorf("write report to %s: %w", path, err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write report to %s: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write report to %s: %w", path, err)
	}
	return nil
}
