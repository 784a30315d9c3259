package report

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

// shownAnnotations is how many annotations of one level a step of GitHub Actions shows; the others are dropped there.
const shownAnnotations = 10

// mostPath is how much of the name of a file an annotation has, in bytes: more than systems have room for.
const mostPath = 4096

// writeGitHub writes workflow commands for GitHub Actions, which shows them as annotations of the files: the worst
// findings, at most ten of a level or as many as asked for.
func writeGitHub(w io.Writer, r *Report, o WriteOptions) error {
	most := shownAnnotations
	if o.Top > 0 {
		most = o.Top
	}
	kept := worst(findings(r), most)
	summary := "no delivery attempts in these logs"
	if t := &r.Totals; t.Attempts.Attempts > 0 {
		summary = plural(t.Attempts.Attempts, "attempt", "attempts") + ": " + count(t.Sent) + " sent, " + count(t.Deferred) + " deferred, " + count(t.Bounced) + " bounced"
		if t.BounceRate != nil {
			summary += "; bounce rate " + percent(t.BounceRate)
		}
	}
	return writeAnnotations(w, kept, r.Tool.Name+" report", summary)
}

// worst returns the first findings of each level, at most so many.
func worst(all []finding, most int) (kept []finding) {
	seen := make(map[string]int)
	for _, f := range all {
		if seen[f.level] < most {
			seen[f.level]++
			kept = append(kept, f)
		}
	}
	return kept
}

// writeCheckGitHub writes what failed as annotations, and the verdict as a notice. Every gate that failed has its worst
// place annotated before any has its second. What was skipped is a notice of its own.
func writeCheckGitHub(w io.Writer, c *Check, _ WriteOptions) error {
	all := checkFindings(c)
	slices.SortStableFunc(all, func(a, b finding) int { return a.nth - b.nth })
	for i := range c.Gates {
		if g := &c.Gates[i]; g.Status == Skipped {
			all = append(all, finding{title: g.Name, level: "note", text: g.sentence() + ": skipped: " + g.Note})
		}
	}
	for i := range c.Expectations {
		if e := &c.Expectations[i]; e.Status == Skipped {
			all = append(all, finding{title: "expected of " + e.File, level: "note", text: "skipped: " + e.Note})
		}
	}
	return writeAnnotations(w, worst(all, shownAnnotations), c.Tool.Name+" check", c.summary())
}

// writeAnnotations writes findings and a notice. A finding is one line, whatever its text: a stranger can neither end a
// command nor begin one.
func writeAnnotations(w io.Writer, all []finding, title, notice string) error {
	var b strings.Builder
	for i := range all {
		f := &all[i]
		command := f.level
		if command == "note" {
			command = "notice"
		}
		b.WriteString("::" + command + " ")
		if f.file != "" {
			b.WriteString("file=" + escapeProperty(clipText(Visible(f.file), mostPath)) + ",")
			if f.line > 0 {
				b.WriteString("line=" + strconv.FormatInt(f.line, 10) + ",")
			}
		}
		b.WriteString("title=" + escapeProperty(clipText(Visible(f.title), mostMessage)) + "::" + escapeCommand(f.message()) + "\n")
	}
	b.WriteString("::notice title=" + escapeProperty(Visible(title)) + "::" + escapeCommand(Visible(notice)) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeCommand escapes the text of a workflow command, as escapeData of @actions/core does.
func escapeCommand(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// escapeProperty escapes a value in a workflow command, as escapeProperty of @actions/core does.
func escapeProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
