// Package gate decides whether a report is good enough: by gates, which are comparisons such as
// `bounce_rate{provider=gmail} < 2%`, and by expectations, which say what a report or its attempts shall be.
//
// It is a step behind the report: all numbers are those of a [report.Report], and nothing is counted that the report does
// not count. [Parse] reads an expression, [Load] a file of gates, [Gate.Evaluate] compares; results are
// [report.GateResult] and [report.Expectation], for the writers of package report.
package gate

import (
	"fmt"
	"math/big"
	"strings"

	"bouncelog/report"
)

// A Gate is a comparison that a report passes or fails.
type Gate struct {
	Name        string // empty: the expression
	Expr        *Expr
	Warning     bool   // where it fails, that is said, and nothing else comes of it
	MinAttempts int64  // with fewer attempts to judge by, it is skipped; zero: any number will do
	Where       string // `gates.toml:3`; empty: the command line
}

// maxEvidence is how many places a failed gate shows: the worst.
const maxEvidence = 10

// Evaluate compares r with what g asks for.
//
// What cannot be judged is skipped, with a note that says why: there is nothing to divide by, the report does not count
// what is asked for, or there were fewer attempts than MinAttempts.
func (g *Gate) Evaluate(r *report.Report) report.GateResult {
	res := report.GateResult{Name: g.Name, Expr: g.Expr.String(), Where: g.Where, Metric: g.Expr.metric.name, Severity: "error",
		Unit: g.Expr.metric.unit.String(), Status: report.Passed, Evidence: []report.Evidence{}}
	if g.Name == "" {
		res.Name = res.Expr
	}
	if g.Warning {
		res.Severity = "warning"
	}
	res.Limit, _ = g.Expr.limit.Float64()

	e := evaluation{r: r, x: g.Expr}
	v := e.value()
	res.Note = v.note
	if v.said {
		value := new(big.Rat).SetInt64(v.n)
		switch g.Expr.metric.unit {
		case count:
			res.Numerator = &v.n
		case share:
			res.Numerator, res.Denominator = &v.n, &v.of
			value.SetFrac64(v.n, v.of)
		case duration:
			value.Quo(value, big.NewRat(1000, 1))
		}
		// The exact quotient decides: a rate of 2 % and a bit is not the limit of 2 %, however it prints.
		f, _ := value.Float64()
		res.Value = &f
		if !g.Expr.op.holds(value.Cmp(g.Expr.limit)) {
			res.Status = report.Failed
		}
	}
	switch {
	case g.MinAttempts > 0 && e.base() < g.MinAttempts:
		res.Status, res.Note = report.Skipped, fmt.Sprintf("too few attempts to judge by: %d, fewer than %d", e.base(), g.MinAttempts)
		res.Guarded = true
	case !v.said:
		res.Status = report.Skipped
	}
	if res.Status == report.Failed {
		res.Evidence = g.Expr.evidence(r)
	}
	return res
}

// String returns the expression in its usual form.
func (x *Expr) String() string {
	var b strings.Builder
	b.WriteString(x.metric.name)
	for i, s := range x.selectors {
		b.WriteString([]string{"{", ", "}[min(i, 1)])
		b.WriteString(s.String())
	}
	if len(x.selectors) > 0 {
		b.WriteByte('}')
	}
	return b.String() + " " + x.op.String() + " " + x.limitText
}
