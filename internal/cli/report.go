package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"bouncelog/internal/scan"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type reportOptions struct {
	input       inputFlags
	rules       ownRules
	output      outputFlags
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

A file that --out names is replaced in one step at the end; a device or a named pipe is written as it stands. Files are
written before stdout.
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
	opt.rules.add(cmd.Flags())
	opt.output.add(cmd, names)
	cmd.Flags().IntVar(&opt.top, "top", 0, "rows of each table (default: 10 in table, all in json)")
	cmd.Flags().Int64Var(&opt.minAttempts, "min-attempts", 0, "leave out domains and senders with fewer attempts")
	cmd.Flags().StringVar(&opt.sort, "sort", "", "order of domains and senders: "+strings.Join(sorts, ", "))
	complete(cmd, "sort", sorts)
	return cmd
}

func runReport(ctx context.Context, o IO, opt *reportOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	outputs, err := opt.output.outputs(func(name string) error { _, err := report.FindFormat(name); return err })
	if err != nil {
		return err
	}
	color, err := opt.output.colors(o)
	if err != nil {
		return err
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
	if err := spare(c.Inputs, outputs); err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	build.Classifier = c.Summary.Classifier
	res, err := s.scan(ctx, c, scan.Summarise)
	if err != nil {
		return err
	}
	describe(&build, res)
	r, err := report.Build(res.Counts, build)
	if err != nil {
		return usagef("%w", err)
	}
	var written error
	for _, out := range outputs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w := report.WriteOptions{Top: opt.top}
		if out.path == "" {
			w.Color, w.Width = color, o.Width
		}
		written = errors.Join(written, writeReport(out, r, w, o))
	}
	return s.end(res, written)
}

// describe fills in what a scan tells of its inputs.
func describe(build *report.Options, res *scan.Result) {
	build.Locate, build.OmitsDeferrals = res.Locate, res.OmitsDeferrals
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
}

func writeReport(out output, r *report.Report, w report.WriteOptions, o IO) error {
	format, err := report.FindFormat(out.format)
	if err != nil {
		return err
	}
	write := func(to io.Writer) error {
		b := bufio.NewWriter(to)
		if err := format.Write(b, r, w); err != nil {
			return err
		}
		return b.Flush()
	}
	return out.write(o, write)
}
