package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bouncelog/internal/compare"
	"bouncelog/internal/scan"
	"bouncelog/internal/source"
	"bouncelog/report"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noiseFlags say what is noise in a comparison, and what a regression does.
type noiseFlags struct {
	alpha       float64
	minOutcomes int64
	minChange   float64
	fail        bool
}

func (f *noiseFlags) add(s *pflag.FlagSet) {
	f.addFail(s)
	s.Int64Var(&f.minOutcomes, "min-outcomes", compare.DefaultMinOutcomes, "leave out what has fewer outcomes on either side")
	s.Float64Var(&f.minChange, "min-change", compare.DefaultMinChange*100, "leave out rates that differ by less than so many percentage `points`")
	s.Float64Var(&f.alpha, "alpha", compare.DefaultAlpha, "the `risk`, for the whole comparison, to call chance a change")
}

// addFail adds the one flag that a report has too, and sets the others.
func (f *noiseFlags) addFail(s *pflag.FlagSet) {
	f.alpha, f.minOutcomes, f.minChange = compare.DefaultAlpha, compare.DefaultMinOutcomes, compare.DefaultMinChange*100
	s.BoolVar(&f.fail, "fail-on-regression", false, "exit 1 where more fails than before, beyond chance")
}

func (f *noiseFlags) options() (compare.Options, error) {
	o := compare.Options{Tool: report.Tool{Name: "bouncelog", Version: Version}, Alpha: f.alpha, MinOutcomes: f.minOutcomes, MinChange: f.minChange / 100}
	if f.minOutcomes < 1 {
		return o, usagef("--min-outcomes %d: give 1 or more", f.minOutcomes)
	}
	if !(f.minChange > 0 && f.minChange <= 100) { // NaN is neither
		return o, usagef("--min-change %v: give percentage points, more than 0 and up to 100", f.minChange)
	}
	if !(f.alpha > 0 && f.alpha < 1) {
		return o, usagef("--alpha %v: give a probability between 0 and 1, like 0.05", f.alpha)
	}
	return o, nil
}

// gate makes a regression the exit status, where that was asked for and nothing worse happened.
func (f *noiseFlags) gate(c *report.Comparison, err error) error {
	if err != nil || !f.fail || c.Regressions == 0 {
		return err
	}
	things := "regressions"
	if c.Regressions == 1 {
		things = "regression"
	}
	return &exitError{exitGate, fmt.Errorf("%d %s since %s", c.Regressions, things, c.Old.Name)}
}

type compareOptions struct {
	input  inputFlags
	rules  ownRules
	output outputFlags
	redact redactFlags
	noise  noiseFlags
	top    int
	old    string
	new    string
}

func newCompare(o IO) *cobra.Command {
	var opt compareOptions
	var names []string
	for _, f := range report.ComparisonFormats() {
		names = append(names, f.Name)
	}
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Tell what changed between two logs, beyond chance",
		Long: `Tell what changed between two logs, or two saved reports, beyond chance: per provider, category of cause, reply and domain,
with one of the lines that show it. A report is saved by bouncelog report -f json, and may be gzipped; OLD and NEW may also
each be a log, a folder or a quoted glob, which is read with the flags given here.

It is about outcomes, one for each message and recipient, however often it was tried: what bounced or expired, was
delivered after a failed attempt only, or is still pending. Rates are compared, so that the logs may be of different length;
what is pending only where they are not.

A change is told if there are --min-outcomes on both sides, if the rates differ by --min-change and by a fifth, and if a test
of two proportions finds it too large for chance. The test is corrected for the number of comparisons by Holm's method: that
a comparison of logs which differ by chance tells anything has a probability of --alpha at most. Outcomes that are not
independent, as those of a campaign that fails together, count for less; how far they are not is estimated from the hours.
Diagnostics that only one side has are told above the same chance.

What follows from a change of a category at a provider is listed after it, and is no regression of its own.

Exit status:
  0    all is well; also where something changed
  1    there is a regression, with --fail-on-regression
  2    wrong usage or configuration, or the output can't be written
  3    an input can't be read, or is neither a log nor a report, or no line was recognised
  4    coverage of a log is below --min-coverage
  130  interrupted`,
		Example: `  bouncelog compare yesterday.json today.json
  bouncelog compare --fail-on-regression baseline.json /var/log/mail.log
  bouncelog compare -f markdown mail.log.1 mail.log`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.old, opt.new = args[0], args[1]
			return runCompare(cmd.Context(), o, &opt)
		},
	}
	opt.input.add(cmd.Flags())
	opt.rules.add(cmd.Flags())
	opt.output.add(cmd, names)
	opt.redact.add(cmd, "recipient in markdown, none in others")
	opt.noise.add(cmd.Flags())
	cmd.Flags().IntVar(&opt.top, "top", 0, "changes shown of each kind (default: 10, all in json)")
	return cmd
}

func runCompare(ctx context.Context, o IO, opt *compareOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	outputs, color, err := opt.output.outputs(o, func(name string) error { _, err := report.FindComparisonFormat(name); return err })
	if err != nil {
		return err
	}
	if err := opt.redact.check(); err != nil {
		return err
	}
	options, err := opt.noise.options()
	if err != nil {
		return err
	}
	if opt.top < 0 {
		return usagef("--top %d: give 0 or more", opt.top)
	}
	if opt.old == "-" && opt.new == "-" {
		return usagef("standard input can be one of the two only; name a file for the other")
	}
	if err := spare([]*source.Input{{Path: opt.old}, {Path: opt.new}}, outputs); err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	var sides [2]*report.Report
	var saved [2]bool
	var verdict error // of the inputs
	for i, arg := range []string{opt.old, opt.new} {
		var err error
		if sides[i], saved[i], err = opt.side(ctx, o, c, arg, outputs); sides[i] == nil {
			return err
		}
		verdict = worse(verdict, err)
	}
	// Two saved reports may be of two campaigns, say. What is asked for here is asked of both.
	asked := report.SelectionOf(c.Summary.Selection())
	for i, arg := range []string{opt.old, opt.new} {
		if saved[i] && (asked != nil || !saved[1-i]) {
			if err := sameSelection(arg, sides[i], asked); err != nil {
				return err
			}
		}
	}
	options.OldName, options.NewName = sideName(opt.old), sideName(opt.new)
	res := compare.Reports(sides[0], sides[1], options)
	of := redacting(&opt.redact, res, func(level report.Redaction) (*report.Comparison, error) {
		x, err := opt.redact.redactor(&session{flags: &opt.input, io: o}, level, c.Summary.Classifier)
		if err != nil {
			return nil, err
		}
		return redactComparison(x, res, sides), nil
	})
	written, err := writeAll(ctx, o, outputs, color, func(name string) (printer[report.Comparison], error) {
		f, err := report.FindComparisonFormat(name)
		return printer[report.Comparison]{f.Write, f.Redacted, report.WriteOptions{Top: opt.top}}, err
	}, of)
	if err != nil {
		return err
	}
	if written != nil {
		return &exitError{exitUsage, errors.Join(written, verdict)}
	}
	return opt.noise.gate(res, verdict)
}

// redactComparison returns a redacted copy. It takes what both reports know of our own hosts to find them in texts.
func redactComparison(x *report.Redactor, c *report.Comparison, sides [2]*report.Report) *report.Comparison {
	r := report.Report{Comparison: c}
	for _, s := range sides {
		r.Inputs = append(r.Inputs, s.Inputs...)
		r.Coverage.Hosts = append(r.Coverage.Hosts, s.Coverage.Hosts...)
	}
	return report.Redact(x, &r).Comparison
}

// worse joins two errors that end the program, with the status of the first.
func worse(a, b error) error {
	var exit *exitError
	if a == nil || b == nil || !errors.As(a, &exit) {
		return cmp.Or(a, b)
	}
	return &exitError{exit.status, errors.Join(a, b)}
}

func sideName(arg string) string {
	if arg == "-" {
		return "stdin"
	}
	return arg
}

// sameSelection returns an error where a saved report, at path, is of other mail than was asked for.
func sameSelection(path string, r *report.Report, asked *report.Selection) error {
	have, want := r.Selection.String(), asked.String()
	if have == want || r.Redaction != "" && have != "" && want != "" { // pseudonyms can't be compared
		return nil
	}
	return usagef("%s counts %s, not %s: it has nothing else; give the same flags, or make it anew", sideName(path), cmp.Or(have, "all mail"), cmp.Or(want, "all mail"))
}

// side returns the report of one side: the saved one, which cannot be made again with other flags, or that of a log. With an
// error besides, it is not all that was asked for.
func (opt *compareOptions) side(ctx context.Context, o IO, c scan.Config, arg string, outputs []output) (r *report.Report, saved bool, err error) {
	if arg == "-" {
		in := bufio.NewReaderSize(o.In, 64<<10)
		head, _ := in.Peek(64 << 10) // what is wrong with it will be told by who reads it
		if isReport(bytes.NewReader(head)) {
			r, err := report.Read(in)
			return r, true, savedError("stdin", err)
		}
		o.In = in
	} else if r, ok, err := openSaved(arg); ok {
		return r, true, err
	}
	s := session{flags: &opt.input, io: o, counts: true}
	if c.Inputs, err = s.inputs([]string{arg}); err != nil {
		return nil, false, err
	}
	if len(c.Inputs)+len(s.snapshots) == 0 && len(s.errs) > 0 {
		return nil, false, s.end(nil, nil)
	}
	if err := spare(c.Inputs, outputs); err != nil {
		return nil, false, err
	}
	r, res, err := s.report(ctx, c)
	if err != nil {
		return nil, false, err
	}
	return r, len(s.snapshots) > 0, s.end(res, nil)
}

// report returns the report on all that the inputs and the snapshots hold.
func (s *session) report(ctx context.Context, c scan.Config) (*report.Report, *scan.Result, error) {
	res, err := s.scan(ctx, c, s.count)
	if err != nil {
		return nil, nil, err
	}
	build := report.Options{Tool: report.Tool{Name: "bouncelog", Version: Version}, Classifier: c.Summary.Classifier}
	describe(&build, res)
	r, err := report.Build(res.Counts, build)
	if err != nil {
		return nil, nil, usagef("%w", err)
	}
	return r, res, nil
}

// readBaseline returns the report that another one, made by c, is compared with: a saved one, or that on a snapshot.
func (f *inputFlags) readBaseline(ctx context.Context, o IO, c scan.Config, path string) (*report.Report, error) {
	r, ok, err := openSaved(path)
	switch {
	case ok:
		return r, err
	case err != nil:
		return nil, savedError(path, err)
	}
	s := session{flags: f, io: o}
	rest, err := s.openSnapshots([]string{path})
	switch {
	case err != nil:
		return nil, err
	case len(s.errs) > 0:
		return nil, &exitError{exitInput, errors.Join(s.errs...)}
	case len(rest) > 0:
		return nil, savedError(path, errors.New("neither a saved report nor a snapshot; make one with bouncelog report -f json or bouncelog snapshot, or compare two logs with bouncelog compare"))
	}
	// It is of other days, and no breakdown is compared.
	c.Inputs, c.Summary.Since, c.Summary.Until, c.Summary.By = nil, 0, 0, nil
	r, _, err = s.report(ctx, c)
	return r, err
}

// openSaved reads a saved report, plain or gzipped. It is not ok where the file is none, or can't be opened.
func openSaved(path string) (r *report.Report, ok bool, err error) {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() {
		return nil, false, err
	}
	err = withText(path, func(text io.Reader) error {
		ok = isReport(text)
		return nil
	})
	if err != nil || !ok {
		return nil, false, err
	}
	err = withText(path, func(text io.Reader) (err error) {
		r, err = report.Read(text)
		return err
	})
	return r, true, savedError(path, err)
}

// withText calls do with the text of a file. One that is no good gzip data has none.
func withText(path string, do func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if magic, _ := in.Peek(2); string(magic) != "\x1f\x8b" {
		return do(in)
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil
	}
	return do(z)
}

// isReport reports whether a text is a document of this program, which may or may not be a report. JSON logs are not: their
// objects say nothing of a schema of ours.
func isReport(text io.Reader) bool {
	in := bufio.NewReader(text)
	for {
		c, err := in.ReadByte()
		if err != nil {
			return false
		}
		if c == '{' {
			break
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	dec := json.NewDecoder(io.MultiReader(strings.NewReader("{"), io.LimitReader(in, report.MaxSaved)))
	if _, err := dec.Token(); err != nil {
		return false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return false
		}
		if key == "schema" {
			return bytes.HasPrefix(value, []byte(`"bouncelog.`))
		}
	}
	return false
}

// savedError says which report could not be read. It is nil where err is.
func savedError(path string, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitInput, fmt.Errorf("read %s: %w", path, unwrapPath(err))}
}

// unwrapPath takes the path off an error that names it.
func unwrapPath(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
