package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// A ComparisonFormat is a way to write a Comparison, as a [Format] is of a Report.
type ComparisonFormat struct {
	Name  string
	Short string
	Write func(w io.Writer, c *Comparison, o WriteOptions) error

	Redacted bool // as in Format
}

// ComparisonFormats returns every format, the default first.
func ComparisonFormats() []ComparisonFormat {
	return []ComparisonFormat{
		{Name: "text", Short: "for people: a sentence for each change", Write: writeComparisonText},
		{Name: "json", Short: "the whole comparison", Write: writeComparisonJSON},
		{Name: "markdown", Short: "for issues, mail and chat", Write: writeComparisonMarkdown, Redacted: true},
	}
}

// FindComparisonFormat returns the format called name.
func FindComparisonFormat(name string) (ComparisonFormat, error) {
	var names []string
	for _, f := range ComparisonFormats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return ComparisonFormat{}, fmt.Errorf("unknown format %q: want %s", name, oneOf(names))
}

// verdict is what there is to say of a comparison at first.
func (c *Comparison) verdict() string {
	switch {
	case c.Test.Tested == 0:
		return "nothing could be compared: there are too few outcomes, or failures, on one side"
	case len(c.Changes) == 0 && len(c.Templates) == 0:
		return "nothing changed beyond chance"
	}
	var words []string
	for _, x := range []struct {
		n         int
		one, many string
	}{
		{c.Regressions, "regression", "regressions"},
		{c.Improvements, "improvement", "improvements"},
		{len(c.Changes) - c.Regressions - c.Improvements, "more that follows", "more that follow"},
		{c.count(TemplateNew), "new diagnostic", "new diagnostics"},
		{c.count(TemplateVanished), "diagnostic has vanished", "diagnostics have vanished"},
	} {
		if x.n > 0 {
			words = append(words, plural(int64(x.n), x.one, x.many))
		}
	}
	return strings.Join(words, ", ")
}

// count returns how many templates are new, or have vanished.
func (c *Comparison) count(change string) (n int) {
	for i := range c.Templates {
		if c.Templates[i].Change == change {
			n++
		}
	}
	return n
}

// of returns the changes of a verdict: those that tell something, and those that follow from others.
func (c *Comparison) of(verdict string) (told, explained []*Change) {
	for i := range c.Changes {
		switch ch := &c.Changes[i]; {
		case ch.Verdict != verdict:
		case ch.Explained:
			explained = append(explained, ch)
		default:
			told = append(told, ch)
		}
	}
	return told, explained
}

// basis says what was compared, and how.
func (c *Comparison) basis() string {
	t := &c.Test
	return fmt.Sprintf("%s tested, with a risk of %s for all of them together to call chance a change.",
		plural(int64(t.Tested), "difference was", "differences were"), percent(&t.Alpha))
}

// subject is what a change is of.
func (ch *Change) subject() string {
	switch ch.Scope {
	case ScopeProvider, ScopeProviderCategory:
		return ch.Provider
	case ScopeReply:
		return "reply " + replyName(ch.ReplyCode, ch.EnhancedCode)
	case ScopeDomain:
		return "domain " + ch.Domain
	}
	return "all mail"
}

// what is what became of the outcomes.
func (ch *Change) what() string {
	switch {
	case ch.Metric == MetricFailed:
		if ch.Scope == ScopeReply {
			return "bounced"
		}
		return cmp.Or(ch.Category, "bounced or expired")
	case ch.Category != "":
		return ch.Metric + ", " + ch.Category
	}
	return ch.Metric
}

// unit is what the rates of a change are of.
func (ch *Change) unit() string {
	if ch.Metric == MetricDelayed {
		return "deliveries"
	}
	return "outcomes"
}

// sentence is the change in words: `gmail: blocklisted 0.10% → 3.20% of outcomes, +612`.
func (ch *Change) sentence() string {
	return fmt.Sprintf("%s: %s %s → %s of %s, %s", ch.subject(), ch.what(), percent(ch.Old.Rate), percent(ch.New.Rate), ch.unit(), signed(ch.Excess))
}

// counts are the numbers behind the rates.
func (ch *Change) counts() string {
	return fmt.Sprintf("%s of %s → %s of %s", count(ch.Old.Count), count(ch.Old.Of), count(ch.New.Count), count(ch.New.Of))
}

func signed(n int64) string {
	if n > 0 {
		return "+" + count(n)
	}
	return strings.Replace(count(n), "-", "−", 1)
}

// sideWords are what is said of one side.
func sideWords(s *Side) string {
	words := span(s.First, s.Last) + ", " + plural(s.Settled, "outcome", "outcomes")
	if s.BounceRate != nil {
		words += ", " + percent(s.BounceRate) + " bounced or expired"
	}
	if s.Pending > 0 {
		words += ", " + count(s.Pending) + " pending"
	}
	if s.Name != "" {
		words = s.Name + ": " + words
	}
	return words
}
