package cli

import (
	"fmt"
	"text/tabwriter"

	"bouncelog/report"

	"github.com/spf13/cobra"
)

func newFormats(o IO) *cobra.Command {
	var own ownFormats
	cmd := &cobra.Command{
		Use:   "formats",
		Short: "List the log formats that bouncelog reads",
		Long: `List the log formats that bouncelog reads. --input-format takes these names.

Evidence tells how well a format is known: proven on real logs, specified by the vendor's source or documentation,
tentative, from others' examples, or own: it is one of yours.

Your own formats are files in TOML. They are looked for, as *.toml, in $XDG_CONFIG_HOME/bouncelog/formats (where that is not
set, ~/.config/bouncelog/formats) and in /etc/bouncelog/formats; --formats adds a file or a folder. Of several with one name
that of --formats counts, else the first found. One called sendgrid, mailgun, postmark or sparkpost takes the place of the
built-in one. To write one, begin with what bouncelog formats learn proposes.
` + briefStatusHelp,
		Example: `  bouncelog formats
  bouncelog formats --formats acme.toml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			formats, err := own.formats(o)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "FORMAT\tEVIDENCE\t")
			for _, f := range formats {
				fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.Evidence, report.Visible(f.Short))
			}
			return w.Flush()
		},
	}
	own.add(cmd.Flags())
	for _, c := range []*cobra.Command{newFormatsCheck(o), newFormatsDetect(o), newFormatsLearn(o)} {
		c.RunE = ownErrors(c.RunE)
		cmd.AddCommand(c)
	}
	return cmd
}
