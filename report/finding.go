package report

import (
	"slices"
	"strings"
)

// A finding is something to be looked at, and where: what the formats of build servers are made of.
type finding struct {
	rule  string // what kind of thing it is: `category/blocklisted`
	title string
	level string // error, warning or note, as SARIF has it
	text  string
	file  string // empty: there is no place
	line  int64
	id    string // tells it from others of its rule in the next run, too
	nth   int    // of the places of one gate or expectation
}

// mostFindings bounds the findings of a document that machines read: GitHub shows no more of a SARIF file.
const mostFindings = 5000

// findings are what a report says of failures, in the order of what to do first: hints, causes that no hint is of,
// diagnostics, and lines that were not understood.
func findings(r *Report) []finding {
	var all []finding
	bounced := make(map[string]bool)
	for i := range r.Categories {
		bounced[r.Categories[i].Category] = r.Categories[i].Bounced > 0
	}
	hinted := make(map[string]bool)
	for i := range r.Hints {
		h := &r.Hints[i]
		hinted[h.Category] = true
		f := finding{rule: "category/" + h.Category, title: h.Category, level: level(bounced[h.Category]), text: plural(h.Attempts, "failed attempt", "failed attempts") + ", " + count(h.Undelivered) + " undelivered",
			id: strings.Join([]string{h.Sub, h.Provider, h.Rule}, "\x00")}
		if h.Sub != "" {
			f.title += ", " + h.Sub
		}
		if h.Provider != "" {
			f.title += ", " + h.Provider
		}
		f.say(": ", h.Text)
		f.text = strings.TrimRight(f.text, ".")
		f.say(". See ", h.URL)
		all = append(all, f.at(h.Example))
	}
	for i := range r.Categories {
		c := &r.Categories[i]
		if hinted[c.Category] {
			continue
		}
		f := finding{rule: "category/" + c.Category, title: c.Category, level: level(c.Bounced > 0), text: plural(c.Attempts, "failed attempt", "failed attempts")}
		f.say(": ", c.Meaning)
		all = append(all, f.at(c.Example))
	}
	for i := range r.Templates {
		t := &r.Templates[i]
		f := finding{rule: "diagnostic/" + t.Class, title: replyName(t.ReplyCode, t.EnhancedCode) + ", " + t.Class, level: level(t.Class == "permanent"),
			text: plural(t.Count, "failed attempt", "failed attempts"), id: t.Text}
		if t.Folded {
			f.title, f.text, f.id = "other diagnostics", f.text+" with other diagnostics, for which there was no room", ""
		}
		all = append(all, f.at(t.Example))
	}
	for i := range r.Coverage.Samples {
		s := &r.Coverage.Samples[i]
		f := finding{rule: "line/" + s.Bucket, title: s.Bucket + " line", level: "note", text: "the line was not understood", file: s.File, line: s.Line, id: s.Text}
		f.say(": ", s.Reason)
		f.say(": ", s.Text)
		all = append(all, f)
	}
	return slices.Clip(all)
}

// level is error for what ended in a bounce, and warning for what was deferred.
func level(bounced bool) string {
	if bounced {
		return "error"
	}
	return "warning"
}

// say adds to the text, where there is something to add.
func (f *finding) say(between, text string) {
	if text != "" {
		f.text += between + text
	}
}

// at returns f with an example, if there is one, and its place.
func (f finding) at(e *Example) finding {
	if e != nil {
		f.text = clipText(f.text, mostMessage)
		f.text = strings.TrimRight(f.text, ".")
		f.say(". Example: ", e.Text)
		f.file, f.line = e.File, e.Line
	}
	return f
}

// message is the text, fit to be shown.
func (f *finding) message() string { return clipText(Visible(f.text), 2*mostMessage) }

// A rule is a kind of finding, with its meaning.
type findingRule struct {
	id, short, help string
}

// findingRules are those of a report: its categories and the kinds of its diagnostics and lines.
func findingRules(r *Report) []findingRule {
	var all []findingRule
	for i := range r.Categories {
		c := &r.Categories[i]
		rule := findingRule{id: "category/" + c.Category, short: c.Meaning}
		for j := range r.Hints {
			if h := &r.Hints[j]; h.Category == c.Category && h.Rule == "" {
				rule.help = h.Text
				break
			}
		}
		all = append(all, rule)
	}
	for _, class := range []string{"transient", "permanent", "unknown"} {
		all = append(all, findingRule{id: "diagnostic/" + class, short: "attempts that failed, " + class + ", by what the server or the MTA said"})
	}
	for _, bucket := range []string{"unrecognised", "malformed", "overlong"} {
		all = append(all, findingRule{id: "line/" + bucket, short: bucket + " lines"})
	}
	return all
}
