package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"bouncelog/internal/scan"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type attemptsOptions struct {
	input   inputFlags
	format  string
	inbound bool
	paths   []string
}

func newAttempts(o IO) *cobra.Command {
	var opt attemptsOptions
	cmd := &cobra.Command{
		Use:   "attempts [FILE|FOLDER|GLOB|-]...",
		Short: "List every delivery attempt",
		Long: `List every delivery attempt, one record each, in the order of the log: what the remote server said, what the MTA made of
it, and the class of both. Records are written as they are found.

Memory: about half a kilobyte for each message that is in the queue at the same time.
` + statusHelp,
		Example: `  bouncelog attempts -f ndjson mail.log
  zcat mail.log.2.gz | bouncelog attempts -f csv --domain example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runAttempts(cmd.Context(), o, &opt)
		},
		Args: cobra.ArbitraryArgs,
	}
	opt.input.add(cmd.Flags())
	cmd.Flags().StringVarP(&opt.format, "format", "f", "ndjson", "output format: "+strings.Join(report.RecordFormats(), ", "))
	cmd.Flags().BoolVar(&opt.inbound, "inbound", false, "list refusals at our own door too")
	complete(cmd, "format", report.RecordFormats())
	return cmd
}

func runAttempts(ctx context.Context, o IO, opt *attemptsOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(o.Out, 1<<16)
	w, err := report.NewRecordWriter(opt.format, out)
	if err != nil {
		return usagef("--format: %w", err)
	}
	s := session{flags: &opt.input, io: o}
	if c.Inputs, err = s.inputs(opt.paths); err != nil {
		return err
	}
	res, err := s.scan(ctx, c, func(ctx context.Context, c scan.Config) (*scan.Result, error) {
		return scan.Attempts(ctx, c, opt.inbound, w.Write)
	})
	// What was written stands, whatever ended the reading.
	if e := errors.Join(w.Flush(), out.Flush()); e != nil && err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write attempts: %w", err)
	}
	if n, examples := w.Skipped(); n > 0 {
		s.note("records left out: %d; a spreadsheet would run their addresses (%s); -f ndjson has them", n, strings.Join(examples, ", "))
	}
	return s.verdict(res)
}
