package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type attemptsOptions struct {
	input   inputFlags
	state   stateFlags
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

Where the reader of stdout goes away, reading ends, unless --out, --min-coverage or --state needs the rest.

--redact recipient writes pseudonyms for the local parts of all addresses, and for the recipient's where it stands in the
diagnostic; --redact all for domains, host names and IP addresses too. Queue ids, file names and lines stay.

Memory: about half a kilobyte for each message that is in the queue at the same time.

With --state FOLDER each line is read once, in however many runs, and all runs together write the records of one over all
lines: each once, in the order of the log, with what earlier runs read of its message. The folder has how far every log was
read, the open messages, and the records that wait, as without --state, for a line that names their sender, for a minute of
the log or till it is six minutes old, and those behind them: they come in a later run. What a log that comes late tells of
their sender comes too late for them, and for --sender. A log is known by its first lines, so it may be renamed, compressed,
copied and truncated; its last line waits until it is whole.

Nothing is written before all was read, nor where a log can't be read to its end, and the folder changes once all is written: a
run that is interrupted in between is repeated by the next one, and its records come twice. --out FORMAT=FILE is safe from that
where each run has a FILE of its own and those of runs that failed are dropped. Two runs wait for each other.
` + recordStatusHelp,
		Example: `  bouncelog attempts -f ndjson mail.log
  zcat mail.log.2.gz | bouncelog attempts -f csv --domain example.com
  bouncelog attempts --out csv=attempts.csv mail.log > attempts.ndjson
  bouncelog attempts --state /var/lib/bouncelog/attempts /var/log/mail.log* >> attempts.ndjson`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runAttempts(cmd.Context(), o, &opt)
		},
		Args: cobra.ArbitraryArgs,
	}
	opt.input.add(cmd.Flags())
	opt.state.add(cmd.Flags())
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
	run, err := opt.state.begin(ctx, &s, "attempts", &c)
	if err != nil {
		return err
	}
	defer run.end()
	if c.Inputs, err = run.inputs(&s, opt.paths); err != nil {
		return err
	}
	if err := spare(c.Inputs, outputs); err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	if err := run.chooseForRecords(ctx, &c, opt.inbound); err != nil {
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
	var all places
	defer func() { all.discard() }()
	judged := opt.input.coverage > 0 || run != nil
	res, err := s.scan(ctx, c, run.scanner(func(ctx context.Context, c scan.Config) (*scan.Result, error) {
		all.discard() // what was found before the logs were rotated is found again
		if all, err = openPlaces(outputs, o, run.spool()); err != nil {
			return nil, err
		}
		return scan.Attempts(ctx, c, opt.inbound, func(r *summary.Record) error {
			if !all.write(redact(r), o) && !judged {
				return errNobody
			}
			return nil
		})
	}))
	if err != nil && !errors.Is(err, errNobody) {
		if run == nil {
			all.flush() // what was found stands, whatever ended the reading
		}
		return err
	}
	if run != nil && (ctx.Err() != nil || len(res.Errors) > 0) { // the next run finds the same again, and would write it again
		return run.commit(ctx, res, nil, s.end(res, nil))
	}
	written := all.commit(o)
	for _, p := range all {
		if n, examples := p.w.Skipped(); n > 0 && p.err == nil {
			s.note("%s: records left out: %d; a spreadsheet would run their addresses (%s); -f ndjson has them", p.name(), n, strings.Join(examples, ", "))
		}
	}
	return run.commit(context.WithoutCancel(ctx), res, written, s.end(res, written)) // what is written is not to come again
}

// errNobody ends the reading where nobody takes records any more.
var errNobody = errors.New("nobody takes the records")

// A place is an output that takes records. Its first error ends it, and none but it.
type place struct {
	output
	w     report.RecordWriter
	file  *outFile // nil: stdout, or it is done with
	spool *outFile // has the records until all are there; nil: they go to their output at once
	err   error
}

// places are those of one run, stdout last.
type places []*place

// openPlaces opens outputs. Where spool is not empty, nothing is written before commit: what cannot be put in its place in one
// step has its records in a file in that folder until then.
func openPlaces(outputs []output, o IO, spool string) (all places, err error) {
	defer func() {
		if err != nil {
			all.discard()
			all = nil
		}
	}()
	for _, out := range outputs {
		p := &place{output: out}
		all = append(all, p)
		to := o.Out
		if out.path != "" {
			if p.file, err = openOut(out.path, o); err != nil {
				return all, err
			}
			to = p.file
		}
		if spool != "" && (p.file == nil || p.file.dest == "") {
			f, err := os.CreateTemp(spool, spoolName)
			if err != nil {
				return all, writeError(spool, err)
			}
			p.spool = &outFile{path: spool, f: f}
			to = p.spool
		}
		if p.w, err = report.NewRecordWriter(out.format, to); err != nil {
			return all, err
		}
	}
	return all, nil
}

// spoolName is what spools are called, in the folder of a state.
const spoolName = "records.*.new"

// spool returns the folder for records that are not to be written before all of them are there; empty without a state. What
// runs that were killed have left is gone then.
func (r *stateRun) spool() string {
	if r == nil {
		return ""
	}
	files, _ := os.ReadDir(r.flags.folder)
	for _, f := range files {
		if ok, _ := filepath.Match(spoolName, f.Name()); ok {
			os.Remove(filepath.Join(r.flags.folder, f.Name()))
		}
	}
	return r.flags.folder
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

// commit ends the writing, of one place after the other, and returns their errors. What lies in a spool is not written where
// another place has failed: the next run would write it again.
func (all places) commit(o IO) error {
	var errs []error
	for _, p := range all {
		if p.err == nil {
			p.err = p.w.Flush()
		}
		if p.err == nil && p.spool != nil && errors.Join(errs...) == nil {
			p.err = p.copy(o)
		}
		if p.err == nil && p.file != nil {
			p.err = p.file.commit()
			p.file = nil
		}
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// copy writes what lies in the spool to where it belongs.
func (p *place) copy(o IO) error {
	if _, err := p.spool.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	to := o.Out
	if p.file != nil {
		to = p.file
	}
	_, err := io.Copy(to, p.spool.f)
	return err
}

// discard leaves the files that were not committed as they were.
func (all places) discard() {
	for _, p := range all {
		if p.spool != nil {
			p.spool.discard()
			os.Remove(p.spool.f.Name())
			p.spool = nil
		}
		if p.file != nil {
			p.file.discard()
			p.file = nil
		}
	}
}
