package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"bouncelog/internal/classify"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

const rulesHelp = `A rule says which replies have one cause: by texts that they hold, by codes, by the step of the dialogue, by provider. Rules
are asked tier by tier, the best kind of evidence first: local (what our MTA found by itself), provider (tokens of one
provider), strong (words that say it), enhanced and code (codes that can be trusted), weak (words that hint at it), subject,
phase and class (what codes tell without words). The first that holds decides.

A rule holds where one of its texts in any is found, and each of those in all, the texts of one list of seq in their order,
and, in any order, one text of every list of each; and none of those in not. Codes and phases, if it has any, come on top.

Your own rules are files in TOML, as bouncelog rules show prints them. --rules FILE|FOLDER has them asked before all others of
their tier. A file of [[provider]] tables adds to the table of providers.`

func newRules(o IO) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List, show and try the rules by which causes are told",
		Long: `List, show and try the rules by which causes are told.

` + rulesHelp + `
` + briefStatusHelp,
		Example: `  bouncelog rules list --category blocklisted
  bouncelog rules show google-no-such-user > mine.toml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, c := range []*cobra.Command{newRulesList(o), newRulesShow(o), newRulesLint(o), newRulesTest(o)} {
		c.RunE = ownErrors(c.RunE)
		cmd.AddCommand(c)
	}
	return cmd
}

func newRulesList(o IO) *cobra.Command {
	var own ownRules
	var category, tier string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules in the order in which they are asked",
		Long: `List the rules in the order in which they are asked: their id, tier, category with its finer tag, and the file and line
that they stand at.
` + briefStatusHelp,
		Example: `  bouncelog rules list
  bouncelog rules list --category blocklisted`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := own.classifier()
			if err != nil {
				return err
			}
			if _, ok := classify.ParseCategory(category); category != "" && !ok {
				return usagef("--category %q: there is none; `bouncelog rules list` shows those there are", category)
			}
			w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tTIER\tCATEGORY\tSOURCE\t")
			n := 0
			rules := c.Rules()
			for i := range rules {
				r := &rules[i]
				if category != "" && r.Category != category || tier != "" && r.TierName != tier {
					continue
				}
				n++
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.TierName, withSub(r.Category, r.Sub), report.Visible(r.Where))
			}
			if n == 0 && tier != "" {
				return usagef("--tier %q: no rule; `bouncelog rules --help` tells the tiers", tier)
			}
			return w.Flush()
		},
	}
	own.add(cmd.Flags())
	cmd.Flags().StringVar(&category, "category", "", "those of this `category` only")
	cmd.Flags().StringVar(&tier, "tier", "", "those of this `tier` only")
	return cmd
}

func withSub(category, sub string) string {
	if sub == "" {
		return category
	}
	return category + "/" + sub
}

func newRulesShow(o IO) *cobra.Command {
	var own ownRules
	cmd := &cobra.Command{
		Use:   "show ID...",
		Short: "Show all of a rule",
		Long: `Show all of a rule, as its file has it, and below it what follows from what it does not say.
` + briefStatusHelp,
		Example: `  bouncelog rules show google-no-such-user`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, ids []string) error {
			return runRulesShow(o, &own, ids)
		},
	}
	own.add(cmd.Flags())
	return cmd
}

func runRulesShow(o IO, own *ownRules, ids []string) error {
	set, err := loadRules(own.paths)
	if err != nil {
		return err
	}
	c, err := set.withBuiltin()
	if err != nil {
		return err
	}
	rules := c.Rules()
	for n, id := range ids {
		i := slices.IndexFunc(rules, func(r classify.Rule) bool { return r.ID == id })
		if i < 0 {
			return usagef("no rule %q%s", id, nearby(rules, id))
		}
		r := &rules[i]
		name := r.Where[:strings.LastIndexByte(r.Where, ':')]
		text, ok := set.files[name]
		if !ok {
			if text, err = classify.BuiltinFile(name); err != nil {
				return err
			}
		}
		if n > 0 {
			fmt.Fprintln(o.Out)
		}
		category, _ := classify.ParseCategory(r.Category)
		t := category.Trait()
		fmt.Fprintf(o.Out, "# %s\n", report.Visible(r.Where))
		for line := range strings.Lines(r.SourceText(text)) {
			fmt.Fprintln(o.Out, report.Visible(strings.TrimSuffix(line, "\n")))
		}
		place := fmt.Sprintf("at place %d", r.Place())
		if r.Own() {
			place = "before the rules of the program"
		}
		fmt.Fprintf(o.Out, `
# It is asked in the tier %s (confidence %s) %s, of replies of origin %s.
# %s: %s.
# nature %s, fault %s, suppress %s, retry %s
`, r.Tier(), r.Tier().Confidence(), place, r.Origin, r.Category, t.Meaning, cmp.Or(r.Nature, t.Nature), cmp.Or(r.Fault, t.Fault), cmp.Or(r.Suppress, t.Suppress), cmp.Or(r.Retry, t.Retry))
		for _, line := range wrapped(cmp.Or(r.Hint, t.Hint), 100) {
			fmt.Fprintf(o.Out, "# %s\n", report.Visible(line))
		}
	}
	return nil
}

// nearby names some rules whose ids are like one that is none.
func nearby(rules []classify.Rule, id string) string {
	var like []string
	for i := range rules {
		if len(like) < 5 && slices.ContainsFunc(strings.Split(id, "-"), func(part string) bool { return len(part) > 3 && strings.Contains(rules[i].ID, part) }) {
			like = append(like, rules[i].ID)
		}
	}
	if len(like) == 0 {
		return "; `bouncelog rules list` has them all"
	}
	return "; there are " + strings.Join(like, ", ")
}

const rulesStatusHelp = `
Exit status:
  0    all is well
  1    an example is not decided as it should be
  2    wrong usage, or a file is no file of rules
  130  interrupted`

func newRulesLint(o IO) *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE|FOLDER...",
		Short: "Check files of rules",
		Long: `Check files of rules, alone and beside the rules that come with the program: keys, categories, tiers, codes, ids that are
taken, providers that there are none of. Each fault is told with its file, line and column. Warnings are of texts of no use.
` + rulesStatusHelp,
		Example: `  bouncelog rules lint mine.toml`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			set, err := lintRules(o.Out, paths)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.Out, "rules: %d, providers: %d, all as they should be\n", len(set.rules), len(set.providers))
			return err
		},
	}
}

// lintRules loads rules, and warns of what the loader lets pass.
func lintRules(w io.Writer, paths []string) (*ruleSet, error) {
	set, err := loadRules(paths)
	if err != nil {
		return nil, err
	}
	if _, err := set.withBuiltin(); err != nil {
		return nil, err
	}
	for i := range set.rules {
		r := &set.rules[i]
		for _, text := range r.Any {
			for _, other := range r.Any {
				if text != other && strings.Contains(text, other) {
					fmt.Fprintf(w, "%s: warning: rule %q: %q is of no use beside %q, which is a part of it\n", report.Visible(r.Where), r.ID, text, other)
				}
			}
		}
	}
	return set, nil
}

func newRulesTest(o IO) *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE|FOLDER...",
		Short: "Run the examples of rules",
		Long: `Run the examples of rules: each hit has to be decided by its rule, and no miss may be, among these rules alone and beside
those that come with the program.
` + rulesStatusHelp,
		Example: `  bouncelog rules test mine.toml`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			set, err := lintRules(io.Discard, paths)
			if err != nil {
				return err
			}
			return testRules(o.Out, set)
		},
	}
}

// testRules runs the examples of a set of rules.
func testRules(w io.Writer, set *ruleSet) error {
	alone, err := set.alone()
	if err != nil {
		return err
	}
	together, err := set.withBuiltin()
	if err != nil {
		return err
	}
	examples, bad := 0, 0
	sessions := []struct {
		name string
		c    *classify.Classifier
		s    *classify.Session
	}{{"alone", alone, alone.NewSession()}, {"beside the rules of the program", together, together.NewSession()}}
	for i := range set.rules {
		r := &set.rules[i]
		for n, e := range slices.Concat(r.Hit, r.Miss) {
			hit := n < len(r.Hit)
			examples++
			wrong := false
			for _, x := range sessions {
				a := x.c.ExampleOf(r, &e)
				got := x.s.Explain(&a)
				by := "no rule"
				if got.Rule != nil {
					by = fmt.Sprintf("%s (%s, %s)", got.Rule.ID, got.Rule.TierName, got.Rule.Where)
				}
				decided := got.Rule != nil && got.Rule.ID == r.ID
				switch {
				case hit && !decided:
					fmt.Fprintf(w, "%s: rule %q: %s: it does not decide its example, %s does: %s\n", report.Visible(r.Where), r.ID, x.name, report.Visible(by), report.Visible(e.Text))
					wrong = true
				case !hit && decided:
					fmt.Fprintf(w, "%s: rule %q: %s: it decides what it must not: %s\n", report.Visible(r.Where), r.ID, x.name, report.Visible(e.Text))
					wrong = true
				}
			}
			if wrong {
				bad++
			}
		}
	}
	if bad > 0 {
		return &exitError{exitGate, fmt.Errorf("examples that are not decided as they should be: %d of %d", bad, examples)}
	}
	_, err = fmt.Fprintf(w, "rules: %d, examples: %d, all as they should be\n", len(set.rules), examples)
	return err
}

// wrapped cuts a text into lines of at most width characters, at blanks.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
