package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/gate"
	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

// onlyIf are the comparisons of which one must hold for a report to be shown.
type onlyIf struct {
	exprs []string

	gates []gate.Gate
	added int // breakdowns that the report has for them alone, the last ones
}

func (f *onlyIf) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.exprs, "only-if", nil, "print or mail nothing unless this `comparison` holds, as 'bounce_rate > 5%' (bouncelog check --list-metrics has all); exit 1 where it does; may be given several times")
}

// parse reads the comparisons, and has counted what they look at.
func (f *onlyIf) parse(o *summary.Options) error {
	asked := len(o.By)
	defer func() { f.added = len(o.By) - asked }()
	var errs []error
	for _, text := range f.exprs {
		x, err := gate.Parse(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--only-if: %w", err))
			continue
		}
		f.gates = append(f.gates, gate.Gate{Expr: x})
		if x.Breakdown() == nil {
			continue
		}
		by, err := summary.ParseBy(strings.Join(x.Breakdown(), ","))
		if err == nil && !slices.Contains(o.By, by) {
			if o.By = append(o.By, by); len(o.By) > summary.MaxBreakdowns {
				err = fmt.Errorf("%s needs a breakdown by %s, and more than %d are too many for one report", x, strings.Join(x.Breakdown(), " and "), summary.MaxBreakdowns)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--only-if: %w", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}

// hold returns the comparisons that hold for what was counted, whatever rows the report leaves out. What cannot be judged does
// not hold: as a rule, there was no mail.
func (f *onlyIf) hold(s *session, res *scan.Result, build report.Options) (which []string, err error) {
	if len(f.gates) == 0 {
		return nil, nil
	}
	build.Top, build.MinAttempts = 0, 0
	whole, err := report.Build(res.Counts, build)
	if err != nil {
		return nil, usagef("%w", err)
	}
	for i := range f.gates {
		switch x := f.gates[i].Evaluate(whole); x.Status {
		case report.Passed:
			which = append(which, x.Expr)
		case report.Skipped:
			if s.flags.verbose {
				s.note("--only-if %s: not judged: %s", x.Expr, x.Note)
			}
		}
	}
	return which, nil
}

// strip takes out of a report what is in it for the comparisons alone.
func (f *onlyIf) strip(r *report.Report) {
	r.Breakdowns = r.Breakdowns[:max(0, len(r.Breakdowns)-f.added)]
}

// verdict is the exit status of a report that was shown because of which; err is what else there is to tell.
func (f *onlyIf) verdict(which []string, err error) error {
	if err != nil || len(which) == 0 {
		return err
	}
	return &exitError{exitGate, errors.New(strings.Join(which, ", ") + ": this is why there is a report")}
}
