package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type attemptsOptions struct {
	input   inputFlags
	rules   ownRules
	output  outputFlags
	redact  redactFlags
	inbound bool
	paths   []string
}

func newAttempts(o IO) *cobra.Command {
	var opt attemptsOptions
	cmd := &cobra.Command{
		Use:   "attempts [FILE|FOLDER|GLOB|-]...",
		Short: "List every delivery attempt",
		Long: `List every delivery attempt, one record each, in the order of the log: what the remote server said, what the MTA made of
it, and the class of both. Records are written while the logs are read, some 64 KiB at a time. A file that --out names is
put in its place in one step at the end; a device or a named pipe gets its records as stdout does.

Where the reader of stdout goes away, reading ends, unless --out or --min-coverage needs the rest.

--redact recipient writes pseudonyms for the local parts of all addresses, and for the recipient's where it stands in the
diagnostic; --redact all for domains, host names and IP addresses too. Queue ids, file names and lines stay.

Memory: about half a kilobyte for each message that is in the queue at the same time.
` + statusHelp,
		Example: `  bouncelog attempts -f ndjson mail.log
  zcat mail.log.2.gz | bouncelog attempts -f csv --domain example.com
  bouncelog attempts --out csv=attempts.csv mail.log > attempts.ndjson`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runAttempts(cmd.Context(), o, &opt)
		},
		Args: cobra.ArbitraryArgs,
	}
	opt.input.add(cmd.Flags())
	opt.rules.add(cmd.Flags())
	opt.output.add(cmd, report.RecordFormats())
	opt.redact.add(cmd, "none")
	cmd.Flags().BoolVar(&opt.inbound, "inbound", false, "list refusals at our own door too")
	return cmd
}

func runAttempts(ctx context.Context, o IO, opt *attemptsOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	outputs, _, err := opt.output.outputs(o, func(name string) error { _, err := report.NewRecordWriter(name, io.Discard); return err })
	if err != nil {
		return err
	}
	if err := opt.redact.check(); err != nil {
		return err
	}
	s := session{flags: &opt.input, io: o, streams: true}
	if c.Inputs, err = s.inputs(opt.paths); err != nil {
		return err
	}
	if err := spare(c.Inputs, outputs); err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	redact := func(r *summary.Record) *summary.Record { return r }
	if level := opt.redact.of(false); level != report.RedactNone {
		x, err := opt.redact.redactor(&s, level, c.Summary.Classifier)
		if err != nil {
			return err
		}
		redact = x.Record
	}
	all, err := openPlaces(outputs, o)
	if err != nil {
		return err
	}
	defer all.discard()
	judged := opt.input.coverage > 0
	res, err := s.scan(ctx, c, func(ctx context.Context, c scan.Config) (*scan.Result, error) {
		return scan.Attempts(ctx, c, opt.inbound, func(r *summary.Record) error {
			if !all.write(redact(r), o) && !judged {
				return errNobody
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errNobody) {
		all.flush() // what was found stands, whatever ended the reading
		return err
	}
	written := all.commit()
	for _, p := range all {
		if n, examples := p.w.Skipped(); n > 0 && p.err == nil {
			s.note("%s: records left out: %d; a spreadsheet would run their addresses (%s); -f ndjson has them", p.name(), n, strings.Join(examples, ", "))
		}
	}
	return s.end(res, written)
}

// errNobody ends the reading where nobody takes records any more.
var errNobody = errors.New("nobody takes the records")

// A place is an output that takes records. Its first error ends it, and none but it.
type place struct {
	output
	w    report.RecordWriter
	file *outFile // nil: stdout, or it is done with
	err  error
}

// places are those of one run, stdout last.
type places []*place

func openPlaces(outputs []output, o IO) (all places, err error) {
	for _, out := range outputs {
		p := &place{output: out}
		to := o.Out
		if out.path != "" {
			if p.file, err = openOut(out.path, o); err != nil {
				all.discard()
				return nil, err
			}
			to = p.file
		}
		all = append(all, p)
		if p.w, err = report.NewRecordWriter(out.format, to); err != nil {
			all.discard()
			return nil, err
		}
	}
	return all, nil
}

// write hands a record to every place, and reports whether any took it.
func (all places) write(r *summary.Record, o IO) (taken bool) {
	for _, p := range all {
		if p.err == nil {
			p.err = p.w.Write(r)
		}
		taken = taken || p.err == nil && (p.path != "" || !o.unread())
	}
	return taken
}

// flush writes what the places hold back.
func (all places) flush() {
	for _, p := range all {
		if p.err == nil {
			p.err = p.w.Flush()
		}
	}
}

// commit ends the writing, of one place after the other, and returns their errors.
func (all places) commit() error {
	var errs []error
	for _, p := range all {
		if p.err == nil {
			p.err = p.w.Flush()
		}
		if p.err == nil && p.file != nil {
			p.err = p.file.commit()
			p.file = nil
		}
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// discard leaves the files that were not committed as they were.
func (all places) discard() {
	for _, p := range all {
		if p.file != nil {
			p.file.discard()
			p.file = nil
		}
	}
}
