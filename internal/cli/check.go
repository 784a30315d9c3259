package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"bouncelog/internal/gate"
	"bouncelog/internal/scan"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type checkOptions struct {
	input  inputFlags
	state  stateFlags
	rules  ownRules
	output outputFlags
	redact redactFlags

	gates       []string // expressions
	files       []string // of gates
	minAttempts int64
	strict      bool
	expect      []string // saved reports
	attempts    bool
	update      bool
	list        bool

	paths []string
}

func newCheck(o IO) *cobra.Command {
	var opt checkOptions
	var names, redacted []string
	for _, f := range report.CheckFormats() {
		names = append(names, f.Name)
		if f.Redacted {
			redacted = append(redacted, f.Name)
		}
	}
	cmd := &cobra.Command{
		Use:   "check [FILE|FOLDER|GLOB|-]...",
		Short: "Fail where a report is not as it should be: gates and expectations",
		Long: `Hold a report against gates, and against what was expected of it, and fail where it does not stand.

A gate is a comparison: bounce_rate{provider=gmail} < 2%, count{category=blocklisted} == 0. --list-metrics names what can
be compared. Selectors in braces pick what is counted: label=value, label=a|b, label!=value. Quote them in a shell.
A gate that cannot be judged, as there is nothing to divide by, is skipped with a note; with --strict it has failed.

--gates reads a TOML file of gates:

  [[gate]]
  name = "gmail takes our mail"             # by default the expression
  expr = "bounce_rate{provider=gmail} < 2%"
  severity = "warning"                      # it is told, and no more; by default error
  min_attempts = 500                        # skipped where there are fewer

--expect compares with a saved report (report -f json). --expect-attempts compares the attempts of mail.log, one by one, with
mail.expect.ndjson beside it: a line for each, with the keys of the attempt record that have to be equal. --update writes
both anew.

What is meant to be passed on (` + strings.Join(redacted, ", ") + `) has pseudonyms for the local parts of addresses; --redact
decides for all outputs.
` + stateHelp + checkStatusHelp,
		Example: `  bouncelog check --gate 'bounce_rate < 5%' --gate 'coverage >= 99.5%' mail.log
  bouncelog check --gates gates.toml -f github --out junit=check.xml mail.log
  bouncelog check --expect-attempts --update fixtures/*.log`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runCheck(cmd.Context(), o, &opt)
		},
	}
	opt.input.add(cmd.Flags())
	opt.rules.add(cmd.Flags())
	opt.output.add(cmd, names)
	opt.redact.add(cmd, "recipient in "+strings.Join(redacted, ", ")+", none in others")
	opt.state.add(cmd.Flags())
	s := cmd.Flags()
	s.StringArrayVar(&opt.gates, "gate", nil, "a comparison that must hold, as an `expression`; may be given several times")
	s.StringArrayVar(&opt.files, "gates", nil, "read gates from this TOML `file`; may be given several times")
	s.Int64Var(&opt.minAttempts, "min-attempts", 0, "skip gates where there are fewer attempts to judge by, unless a gate's own min_attempts says otherwise")
	s.BoolVar(&opt.strict, "strict", false, "fail where a gate cannot be judged, or an expectation is not there")
	s.StringArrayVar(&opt.expect, "expect", nil, "compare with this saved report, a JSON `file`; may be given several times")
	s.BoolVar(&opt.attempts, "expect-attempts", false, "compare the attempts of each mail.log with mail.expect.ndjson beside it")
	s.BoolVar(&opt.update, "update", false, "write anew what --expect and --expect-attempts compare with")
	s.BoolVar(&opt.list, "list-metrics", false, "list metrics and labels, and exit")
	return cmd
}

const checkStatusHelp = `
Exit status:
  0    all is well; also where gates were skipped, or failed with a warning
  1    a gate failed, or something is not as expected
  2    wrong usage or configuration, or the output can't be written
  3    an input that was named can't be read or holds no log, no line was recognised, or the state can't be used
  4    coverage is below --min-coverage
  130  interrupted`

func runCheck(ctx context.Context, o IO, opt *checkOptions) error {
	if opt.list {
		return listMetrics(o.Out)
	}
	gates, err := opt.allGates()
	if err != nil {
		return err
	}
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	outputs, color, err := opt.output.outputs(o, func(name string) error { _, err := report.FindCheckFormat(name); return err })
	if err != nil {
		return err
	}
	if err := opt.redact.check(); err != nil {
		return err
	}
	switch {
	case opt.minAttempts < 0:
		return usagef("--min-attempts %d: give 0 or more", opt.minAttempts)
	case len(gates) == 0 && len(opt.expect) == 0 && !opt.attempts:
		return usagef("nothing to check: give --gate, --gates, --expect or --expect-attempts")
	case opt.update && len(opt.expect) == 0 && !opt.attempts:
		return usagef("--update: give --expect or --expect-attempts, which it writes anew")
	case opt.state.folder != "" && (len(opt.expect) > 0 || opt.attempts):
		return usagef("--state: what is expected of a log is of all its lines; leave out --expect and --expect-attempts")
	}
	saved, err := opt.savedReports()
	if err != nil {
		return err
	}
	if err := breakdowns(&c.Summary, gates, saved); err != nil {
		return err
	}
	s := session{flags: &opt.input, io: o, counts: !opt.attempts}
	run, err := opt.state.begin(ctx, &s, "check", &c)
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
	var expected []*logExpectation
	if opt.attempts {
		if expected, err = opt.logExpectations(c.Inputs); err != nil {
			return err
		}
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	if err := run.choose(ctx, &c); err != nil {
		return err
	}
	res, err := s.scan(ctx, c, run.scanner(s.count))
	if err != nil {
		return err
	}
	if opt.update && len(s.errs) > 0 { // half a log is nothing to expect
		s.note("nothing was written anew: not all could be read")
		return s.end(res, nil)
	}
	build := report.Options{Tool: report.Tool{Name: "bouncelog", Version: Version}, Classifier: c.Summary.Classifier}
	describe(&build, res)
	r, err := report.Build(res.Counts, build)
	if err != nil {
		return usagef("%w", err)
	}
	check := report.Check{Tool: r.Tool, Window: r.Window}
	for i := range gates {
		check.Gates = append(check.Gates, gates[i].Evaluate(r))
	}
	var written error
	for i, e := range saved {
		x, err := expectReport(o, only(r, e), e, opt.expect[i], opt.update)
		written = errors.Join(written, err)
		check.Expectations = append(check.Expectations, x)
	}
	if len(expected) > 0 {
		found, err := expectAttempts(ctx, o, c, expected, opt.update)
		if err != nil {
			return errors.Join(written, err)
		}
		check.Expectations = append(check.Expectations, found...)
	}
	check.Finish(opt.strict)
	of := redacting(&opt.redact, &check, func(level report.Redaction) (*report.Check, error) {
		x, err := opt.redact.redactor(&s, level, build.Classifier)
		if err != nil {
			return nil, err
		}
		if level == report.RedactAll {
			report.Redact(x, r) // it learns the names of our own hosts, which stand in texts
		}
		return report.Redact(x, &check), nil
	})
	failed, err := writeAll(ctx, o, outputs, color, func(name string) (printer[report.Check], error) {
		f, err := report.FindCheckFormat(name)
		return printer[report.Check]{f.Write, f.Redacted, report.WriteOptions{}}, err
	}, of)
	if err != nil {
		return err
	}
	written = errors.Join(written, failed)
	if err := run.commit(ctx, res, written, s.end(res, written)); err != nil {
		return err
	}
	if check.Status == report.Failed {
		return &exitError{exitGate, fmt.Errorf("check failed: %d of %d gates and expectations", check.Totals.Failed, len(check.Gates)+len(check.Expectations))}
	}
	return nil
}

// breakdowns has counted what gates look at, and what saved reports have.
func breakdowns(o *summary.Options, gates []gate.Gate, saved []*gate.ExpectedReport) error {
	var wanted [][]string
	for i := range gates {
		if by := gates[i].Expr.Breakdown(); by != nil {
			wanted = append(wanted, by)
		}
	}
	for _, e := range saved {
		if e != nil {
			wanted = append(wanted, e.Breakdowns()...)
		}
	}
	for _, names := range wanted {
		by, err := summary.ParseBy(strings.Join(names, ","))
		if err != nil {
			return usagef("count by %s: %w", strings.Join(names, " and "), err)
		}
		if !slices.Contains(o.By, by) {
			o.By = append(o.By, by)
		}
	}
	if len(o.By) > summary.MaxBreakdowns {
		return usagef("the gates and expectations need %d breakdowns, and there is room for %d; check them in several runs", len(o.By), summary.MaxBreakdowns)
	}
	return nil
}

// only returns r with those breakdowns alone that e has: the others are there for gates.
func only(r *report.Report, e *gate.ExpectedReport) *report.Report {
	var of [][]string
	if e != nil {
		of = e.Breakdowns()
	}
	c := *r
	c.Breakdowns = []report.Breakdown{}
	for _, names := range of {
		for _, b := range r.Breakdowns {
			if slices.Equal(b.By, names) {
				c.Breakdowns = append(c.Breakdowns, b)
			}
		}
	}
	return &c
}

// allGates reads the gates of the command line and of files.
func (opt *checkOptions) allGates() ([]gate.Gate, error) {
	var all []gate.Gate
	var errs []error
	for _, text := range opt.gates {
		x, err := gate.Parse(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%w", err))
			continue
		}
		all = append(all, gate.Gate{Expr: x})
	}
	for _, file := range opt.files {
		text, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read gates of %s: %w; check the name and the folder", file, plainError(err)))
			continue
		}
		gates, err := gate.Load(file, text)
		all, errs = append(all, gates...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &exitError{exitUsage, err}
	}
	for i := range all {
		if all[i].MinAttempts == 0 {
			all[i].MinAttempts = opt.minAttempts
		}
	}
	return all, nil
}

// savedReports reads what --expect names. One that --update is to write for the first time is nil.
func (opt *checkOptions) savedReports() ([]*gate.ExpectedReport, error) {
	all := make([]*gate.ExpectedReport, len(opt.expect))
	for i, file := range opt.expect {
		text, err := readExpected(file)
		if opt.update && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			all[i], err = gate.ReadReport(file, text)
		}
		if err != nil && opt.update {
			return nil, usagef("--update: %w; it may not be a report: delete it first, if it is to be one", err)
		}
		if err != nil {
			return nil, usagef("%w", err)
		}
	}
	return all, nil
}

// readExpected reads a file of what is expected.
func readExpected(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read expected %s: %w; --update writes it", file, plainError(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, gate.MaxExpected+1))
	if err != nil {
		return nil, fmt.Errorf("read expected %s: %w", file, plainError(err))
	}
	if len(text) > gate.MaxExpected {
		return nil, fmt.Errorf("read expected %s: longer than %d bytes; expect something of a smaller log", file, gate.MaxExpected)
	}
	return text, nil
}

// plainError is an error without the path, which is told anyway.
func plainError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// expectReport compares a report with a saved one, or saves it.
func expectReport(o IO, r *report.Report, e *gate.ExpectedReport, file string, update bool) (report.Expectation, error) {
	var b bytes.Buffer
	format, err := report.FindFormat("json")
	if err == nil {
		err = format.Write(&b, r, report.WriteOptions{})
	}
	switch {
	case err != nil:
		return report.Expectation{}, err
	case !update:
		return e.Compare(b.Bytes())
	}
	values := int64(0)
	if x, err := gate.ReadReport(file, b.Bytes()); err == nil {
		same, err := x.Compare(b.Bytes())
		if err != nil {
			return report.Expectation{}, err
		}
		values = same.Compared
	}
	err = output{path: file}.write(o, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
	return report.Expectation{Kind: "report", File: file, Status: report.Written, Compared: values, Differences: []report.Difference{}}, err
}

// A logExpectation is what is expected of the attempts of one log, or what is to be expected from now on.
type logExpectation struct {
	log, file string
	want      *gate.Attempts // nil: there is no file
	keys      []string       // to write
	anew      bytes.Buffer
	n         int64
}

// logExpectations finds the expectations of logs.
func (opt *checkOptions) logExpectations(inputs []*source.Input) ([]*logExpectation, error) {
	var all []*logExpectation
	byFile := make(map[string]string)
	found := false
	for _, in := range inputs {
		if in.Path == "-" || in.Size < 0 {
			return nil, usagef("--expect-attempts: %s has no file beside it that says what to expect, and can't be read twice; give files", in.Name)
		}
		x := &logExpectation{log: in.Name, file: gate.ExpectationFile(in.Path), keys: gate.NewKeys()}
		if other := byFile[x.file]; other != "" {
			return nil, usagef("--expect-attempts: the expectations of %s and %s would both be %s; rename one of them", other, in.Name, x.file)
		}
		byFile[x.file] = in.Name
		text, err := readExpected(x.file)
		switch {
		case err == nil:
			if x.want, err = gate.ReadAttempts(x.file, in.Name, text); err != nil {
				return nil, usagef("%w", err)
			}
			if keys := x.want.Keys(); keys != nil {
				x.keys = keys
			}
			found = true
		case !errors.Is(err, os.ErrNotExist):
			return nil, usagef("%w", err)
		}
		all = append(all, x)
	}
	if !found && !opt.update && len(all) > 0 {
		return nil, usagef("--expect-attempts: there is no %s; --update writes what is expected", all[0].file)
	}
	return all, nil
}

// expectAttempts reads the inputs a second time, and compares their attempts with what is expected, or writes them.
func expectAttempts(ctx context.Context, o IO, c scan.Config, all []*logExpectation, update bool) ([]report.Expectation, error) {
	byLog := make(map[string]*logExpectation, len(all))
	for _, x := range all {
		byLog[x.log] = x
	}
	var line bytes.Buffer
	w, err := report.NewRecordWriter("ndjson", &line)
	if err != nil {
		return nil, err
	}
	_, err = scan.Attempts(ctx, c, false, func(r *summary.Record) error {
		x := byLog[r.File]
		if x == nil || x.want == nil && !update {
			return nil
		}
		line.Reset()
		if err := errors.Join(w.Write(r), w.Flush()); err != nil {
			return err
		}
		if !update {
			return x.want.Add(line.Bytes())
		}
		text, err := gate.AppendExpected(x.anew.AvailableBuffer(), line.Bytes(), x.keys)
		if err != nil {
			return err
		}
		if x.anew.Len()+len(text) > gate.MaxExpected {
			return usagef("--update: %s has more attempts than can be expected (%d bytes); give a smaller log", x.log, gate.MaxExpected)
		}
		x.anew.Write(text)
		x.n++
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []report.Expectation
	for _, x := range all {
		e := report.Expectation{Kind: "attempts", File: x.file, Of: x.log, Differences: []report.Difference{}}
		switch {
		case update:
			e.Status, e.Compared = report.Written, x.n
			if err := (output{path: x.file}).write(o, func(w io.Writer) error { _, err := w.Write(x.anew.Bytes()); return err }); err != nil {
				return nil, err
			}
		case x.want == nil:
			e.Status, e.Note = report.Skipped, "nothing is expected of "+x.log+"; --update writes the file"
		default:
			e = x.want.End()
		}
		found = append(found, e)
	}
	return found, nil
}

func listMetrics(w io.Writer) error {
	var b strings.Builder
	width := 0
	for _, t := range slices.Concat(gate.Metrics(), gate.Labels()) {
		width = max(width, len(t.Name))
	}
	b.WriteString("METRICS\n")
	for _, t := range gate.Metrics() {
		fmt.Fprintf(&b, "%-*s  %s\n", width, t.Name, t.Short)
		if len(t.Takes) > 0 {
			for i, line := range wrapNames(t.Takes, 90) {
				fmt.Fprintf(&b, "%-*s  %s%s\n", width, "", []string{"by ", "   "}[min(i, 1)], line)
			}
		}
	}
	b.WriteString("\nLABELS\n")
	for _, t := range gate.Labels() {
		fmt.Fprintf(&b, "%-*s  %s\n", width, t.Name, t.Short)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrapNames joins names into lines of at most width characters.
func wrapNames(names []string, width int) (lines []string) {
	line := ""
	for i, n := range names {
		if i < len(names)-1 {
			n += ", "
		}
		if line != "" && len(line)+len(n) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += n
	}
	return append(lines, line)
}
