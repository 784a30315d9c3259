package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/compare"
	"bouncelog/internal/scan"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type reportOptions struct {
	input       inputFlags
	state       stateFlags
	rules       ownRules
	output      outputFlags
	mail        mailFlags
	onlyIf      onlyIf
	formatted   bool // --format was given
	redact      redactFlags
	by          dimensionFlags
	section     string
	top         int
	minAttempts int64
	sort        string
	baseline    string
	noise       noiseFlags
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
written before stdout, whatever --only-if says. csv holds one section of the report: --section says which, or csv:SECTION
in place of csv, so that one run can write several.

--mail-to makes a message of the report, for sendmail -t to take from stdout, or to be handed to it by --send. It has
pseudonyms as what is passed on. --only-if keeps a job of cron quiet where all is well.

What is meant to be passed on (` + strings.Join(redactedFormats(), ", ") + `) has pseudonyms for the local parts of addresses, in texts of
the log too; --redact decides for all outputs. With --redact-key FILE, an address has the same pseudonym in every run,
and so it has with --state, which keeps a key; otherwise the key is random. Codes, causes, known providers and the names of inputs are never redacted.
` + stateHelp + historyHelp + reportStatusHelp,
		Example: `  bouncelog report /var/log/mail.log
  bouncelog report --yesterday /var/log/mail.log*
  bouncelog report --state /var/lib/bouncelog /var/log/mail.log*
  bouncelog report --state /var/lib/bouncelog --period 2026-11
  bouncelog report -f json --out table=report.txt mail.log > report.json
  bouncelog report -f csv:providers --out csv:domains=domains.csv mail.log > providers.csv
  bouncelog report --redact all --redact-key secret.key -f markdown mail.log > report.md
  bouncelog report --state /var/lib/bouncelog -q --only-if 'bounce_rate > 5%' --mail-to postmaster@example.com --send /var/log/mail.log*
  bouncelog report --state /var/lib/bouncelog -q --out prometheus=/var/lib/node_exporter/bouncelog.prom /var/log/mail.log*`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths, opt.formatted = args, cmd.Flags().Changed("format")
			return runReport(cmd.Context(), o, &opt)
		},
	}
	opt.input.add(cmd.Flags())
	opt.rules.add(cmd.Flags())
	opt.output.add(cmd, names)
	opt.mail.add(cmd)
	opt.onlyIf.add(cmd)
	opt.by.add(cmd)
	opt.redact.add(cmd, "recipient in "+strings.Join(redactedFormats(), ", ")+", none in others")
	cmd.Flags().StringVar(&opt.section, "section", "", "the `section` that csv writes (default: domains): "+strings.Join(report.Sections(), ", "))
	complete(cmd, "section", report.Sections())
	cmd.Flags().IntVar(&opt.top, "top", 0, "rows of each table (default: 10 in table, all in json)")
	cmd.Flags().Int64Var(&opt.minAttempts, "min-attempts", 0, "leave out domains and senders with fewer attempts")
	cmd.Flags().StringVar(&opt.sort, "sort", "", "order of domains and senders: "+strings.Join(sorts, ", "))
	complete(cmd, "sort", sorts)
	cmd.Flags().StringVar(&opt.baseline, "baseline", "", "say what changed, beyond chance, since the report in `FILE`, which -f json wrote, or since a snapshot; or history: since the same weekdays of the four weeks before in the state's")
	opt.noise.addFail(cmd.Flags())
	opt.state.add(cmd.Flags())
	opt.state.addHistory(cmd.Flags())
	return cmd
}

const reportStatusHelp = `
Exit status:
  0    all is well; also where there was nothing to read
  1    a comparison of --only-if holds, or --fail-on-regression found one
  2    wrong usage or configuration, or the output can't be written or sent
  3    an input that was named can't be read or holds no log, no line was recognised, or the state can't be used
  4    coverage is below --min-coverage
  130  interrupted`

func runReport(ctx context.Context, o IO, opt *reportOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	if err := opt.by.set(&c.Summary); err != nil {
		return err
	}
	outputs, color, err := opt.output.outputs(o, func(name string) error { _, _, err := reportFormat(name); return err })
	if err != nil {
		return err
	}
	if err := opt.checkSection(outputs); err != nil {
		return err
	}
	if err := opt.redact.check(); err != nil {
		return err
	}
	message, err := opt.mail.envelope(opt.formatted)
	if err != nil {
		return err
	}
	if err := opt.onlyIf.parse(&c.Summary); err != nil {
		return err
	}
	build, err := opt.build(outputs, message != nil)
	if err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	build.Classifier = c.Summary.Classifier
	baseline, err := opt.readBaseline(ctx, o, c)
	if err != nil {
		return err
	}
	s := session{flags: &opt.input, io: o, counts: true}
	var run *stateRun
	var past *days
	if opt.state.ofHistory(opt.paths) {
		past, err = opt.state.history(ctx, &s, "report", &c)
	} else if run, err = opt.state.begin(ctx, &s, "report", &c); err == nil {
		defer run.end()
		c.Inputs, err = run.inputs(&s, opt.paths)
	}
	if err != nil {
		return err
	}
	if err := spare(c.Inputs, outputs); err != nil {
		return err
	}
	if err := run.choose(ctx, &c); err != nil {
		return err
	}
	res, err := s.scan(ctx, c, run.scanner(s.count))
	if err != nil {
		return err
	}
	describe(&build, res)
	past.describe(&build)
	r, err := report.Build(res.Counts, build)
	if err != nil {
		return usagef("%w", err)
	}
	if opt.baseline == pastBaseline {
		if baseline, err = run.baseline(&s, past, c.Summary, build); err != nil {
			return err
		}
	}
	if baseline != nil {
		if r.Comparison, err = opt.compare(baseline, res, build); err != nil {
			return err
		}
	}
	which, err := opt.onlyIf.hold(&s, res, build)
	if err != nil {
		return err
	}
	opt.onlyIf.strip(r)
	unwanted := len(which) == 0 && len(opt.onlyIf.exprs) > 0
	if unwanted || message != nil {
		outputs = slices.DeleteFunc(outputs, func(out output) bool { return out.path == "" })
	}
	if unwanted {
		message = nil
	}
	written, err := opt.write(ctx, &s, r, &c, outputs, color, message)
	if err != nil {
		return err
	}
	err = opt.onlyIf.verdict(which, run.commit(ctx, res, written, s.end(res, written)))
	if r.Comparison != nil {
		err = opt.noise.gate(r.Comparison, err)
	}
	return err
}

// rows returns how many rows of each list the outputs need at most, 0 for all: of a quarter of a million domains, to make what a
// table shows of ten takes no time and no memory. A message has a page with more than those.
func (opt *reportOptions) rows(outputs []output, message bool) (top int) {
	if opt.top > 0 || message {
		return opt.top
	}
	for _, out := range outputs {
		f, _, err := reportFormat(out.format)
		if err != nil || f.Top == 0 {
			return 0
		}
		top = max(top, f.Top)
	}
	return top
}

// write writes a report, made by c, to its outputs, and sends it in place of stdout where there is to be a message. Its errors
// are those of [writeAll].
func (opt *reportOptions) write(ctx context.Context, s *session, r *report.Report, c *scan.Config, outputs []output, color bool, message *envelope) (written, err error) {
	of := redacting(&opt.redact, r, func(level report.Redaction) (*report.Report, error) {
		told := s
		if len(opt.mail.to) > 0 && !opt.input.verbose { // cron would mail the note besides
			told = &session{flags: &inputFlags{quiet: true}, io: s.io, key: s.key}
		}
		x, err := opt.redact.redactor(told, level, c.Summary.Classifier)
		if err != nil {
			return nil, err
		}
		return report.Redact(x, r), nil
	})
	written, err = writeAll(ctx, s.io, outputs, color, func(name string) (printer[report.Report], error) {
		f, section, err := reportFormat(name)
		return printer[report.Report]{f.Write, f.Redacted, report.WriteOptions{Top: opt.top, Section: cmp.Or(section, opt.section)}}, err
	}, of)
	if err != nil || slices.ContainsFunc(outputs, func(out output) bool { return out.path == "" }) {
		return written, err
	}
	if ctx.Err() != nil || message == nil {
		return written, ctx.Err()
	}
	if r, err = of(true); err != nil { // mail is passed on
		return nil, err
	}
	now := c.Now
	if now.IsZero() {
		now = c.Clock
	}
	m, err := message.message(r, opt.top, now.In(c.Parse.Location))
	if err != nil {
		return nil, err
	}
	if err := message.deliver(ctx, s.io, m); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		written = errors.Join(written, err)
	}
	return written, nil
}

// build returns what the flags say of the report. message: it is mailed.
func (opt *reportOptions) build(outputs []output, message bool) (report.Options, error) {
	o := report.Options{Tool: report.Tool{Name: "bouncelog", Version: Version}, Top: opt.rows(outputs, message), MinAttempts: opt.minAttempts, Sort: report.Sort(opt.sort)}
	switch {
	case opt.top < 0:
		return o, usagef("--top %d: give 0 or more", opt.top)
	case opt.sort != "" && !slices.Contains(report.Sorts(), o.Sort):
		return o, usagef("--sort %q: give one of %v", opt.sort, report.Sorts())
	case opt.minAttempts < 0:
		return o, usagef("--min-attempts %d: give 0 or more", opt.minAttempts)
	}
	return o, nil
}

// readBaseline returns the report that --baseline names, which another one, made by c, is compared with. It is nil where there is
// none, and where it is of history, which is known once the logs are read.
func (opt *reportOptions) readBaseline(ctx context.Context, o IO, c scan.Config) (*report.Report, error) {
	switch opt.baseline {
	case "":
		if opt.noise.fail {
			return nil, usagef("--fail-on-regression: there is nothing to compare with; give --baseline FILE")
		}
		return nil, nil
	case pastBaseline:
		if opt.state.folder == "" {
			return nil, usagef("--baseline history: whose? give --state; a file of that name is ./history")
		}
		return nil, nil
	}
	return opt.input.readBaseline(ctx, o, c, opt.baseline)
}

// compare compares what was counted with a baseline: all of it, whatever the report leaves out.
func (opt *reportOptions) compare(baseline *report.Report, res *scan.Result, build report.Options) (*report.Comparison, error) {
	o, err := opt.noise.options()
	if err != nil {
		return nil, err
	}
	build.Top, build.MinAttempts = 0, 0
	r, err := report.Build(res.Counts, build)
	if err != nil {
		return nil, usagef("%w", err)
	}
	if err := sameSelection(opt.baseline, baseline, r.Selection); err != nil {
		return nil, err
	}
	o.OldName = opt.baseline
	return compare.Reports(baseline, r, o), nil
}

// describe fills in what a scan tells of its inputs.
func describe(build *report.Options, res *scan.Result) {
	build.Locate, build.OmitsDeferrals = res.Locate, res.OmitsDeferrals
	build.Since, build.Until = res.Since.Time(), res.Until.Time()
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

// reportFormat returns the format that a name stands for, and the section of csv:SECTION.
func reportFormat(name string) (f report.Format, section string, err error) {
	name, section, divided := strings.Cut(name, ":")
	if f, err = report.FindFormat(name); err != nil || !divided {
		return f, "", err
	}
	if f.Name != sectioned {
		return f, "", fmt.Errorf("%s has all sections: only %s takes one", f.Name, sectioned)
	}
	return f, section, report.CheckSection(section)
}

// sectioned is the format that holds one section.
const sectioned = "csv"

func (opt *reportOptions) checkSection(outputs []output) error {
	if opt.section == "" {
		return nil
	}
	if err := report.CheckSection(opt.section); err != nil {
		return usagef("--section: %w", err)
	}
	if !slices.ContainsFunc(outputs, func(out output) bool { return out.format == sectioned }) {
		return usagef("--section %s: only %s takes a section; add -f %s or --out %s=FILE", opt.section, sectioned, sectioned, sectioned)
	}
	return nil
}

// redactedFormats are those that are redacted by default.
func redactedFormats() (names []string) {
	for _, f := range report.Formats() {
		if f.Redacted {
			names = append(names, f.Name)
		}
	}
	return names
}
