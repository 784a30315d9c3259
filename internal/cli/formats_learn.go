package cli

import (
	"context"
	"fmt"
	"strings"

	"bouncelog/internal/scan"
	"bouncelog/parsers"
	"bouncelog/parsers/custom"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type learnOptions struct {
	input inputFlags
	name  string
	paths []string
}

func newFormatsLearn(o IO) *cobra.Command {
	var opt learnOptions
	cmd := &cobra.Command{
		Use:   "learn [FILE|FOLDER|GLOB|-]...",
		Short: "Propose a format for lines that no format knows",
		Long: `Sort the lines that no format knows by their shape, list the most frequent shapes as comments, and propose a format in TOML
for those that seem to tell of deliveries: a rule for each, what of it goes to which field, and a sample. It is good as it
stands, and bouncelog formats check says so; what became of the mail, by the words of the log, wants a second look.
` + statusHelp,
		Example: `  bouncelog formats learn /var/log/mta.log > acme.toml
  bouncelog formats check acme.toml
  bouncelog report --formats acme.toml /var/log/mta.log`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runFormatsLearn(cmd.Context(), o, &opt)
		},
		Args: cobra.ArbitraryArgs,
	}
	opt.input.addBrief(cmd.Flags())
	cmd.Flags().StringVar(&opt.name, "name", "mine", "`name` of the format that is proposed")
	return cmd
}

// maxShapesShown is how many shapes are listed.
const maxShapesShown = 10

func runFormatsLearn(ctx context.Context, o IO, opt *learnOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	learner := custom.NewLearner()
	c.Formats = append(c.Formats, unknownLines(learner))
	s := session{flags: &opt.input, io: o}
	if c.Inputs, err = s.inputs(opt.paths); err != nil {
		return err
	}
	res, err := s.scan(ctx, c, scan.Summarise)
	if err != nil {
		return err
	}
	_, written := fmt.Fprint(o.Out, proposal(learner, opt.name))
	return s.end(res, written)
}

// proposal is what learn prints: the shapes as comments, and a definition of some of them.
func proposal(l *custom.Learner, name string) string {
	var b strings.Builder
	shapes := l.Shapes()
	if len(shapes) == 0 {
		return "# Every line is of a format that bouncelog knows.\n"
	}
	all, sorted := l.Lines()
	fmt.Fprintf(&b, "# Lines of no known format: %d", all)
	if sorted < all {
		fmt.Fprintf(&b, "; the first %d were sorted", sorted)
	}
	fmt.Fprintf(&b, ". Shapes: %d, those first that seem to tell of deliveries.\n", len(shapes))
	for i, s := range shapes {
		if i == maxShapesShown {
			fmt.Fprintf(&b, "#\n# and %d more\n", len(shapes)-i)
			break
		}
		fmt.Fprintf(&b, "#\n# %d × %s\n#     %s\n", s.Lines, comment(s.String()), comment(s.Example))
	}
	definition := l.Definition(name)
	if definition == "" {
		b.WriteString("#\n# None of them names a recipient and what became of the mail, so there is nothing to propose.\n")
	} else {
		b.WriteString("\n" + definition)
	}
	return b.String()
}

// comment returns a text that may stand in a comment of TOML, which is one line, and of which nobody needs more than its
// beginning.
func comment(s string) string {
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + " …"
	}
	return report.Visible(s)
}

// unknownLines is a format that takes what the others leave, and gives it to a Learner in the order of the log.
func unknownLines(l *custom.Learner) parsers.Format {
	return parsers.Format{
		Name:  "unknown",
		Sniff: func(parsers.Sample) parsers.Score { return 1 },
		Open:  func(parsers.Sample, parsers.Options) (parsers.Parser, error) { return takeAll{}, nil },
		Join:  func(parsers.Options) parsers.Joiner { return learnJoiner{l} },
	}
}

// takeAll makes of every line a Part, which the Joiner sees in the order of the log.
type takeAll struct{}

func (takeAll) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	if strings.TrimSpace(line.Text) == "" {
		return dst, parsers.ErrForeign
	}
	return append(dst, parsers.Event{Kind: parsers.Part}), nil
}

type learnJoiner struct{ learner *custom.Learner }

func (j learnJoiner) Join(dst []parsers.Event, _ string, line *parsers.Line, _ *parsers.Event) []parsers.Event {
	j.learner.Add(line)
	return dst
}
