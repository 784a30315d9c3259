package cli

import (
	"fmt"
	"text/tabwriter"

	"bouncelog/parsers/all"

	"github.com/spf13/cobra"
)

func newFormats(o IO) *cobra.Command {
	return &cobra.Command{
		Use:   "formats",
		Short: "List the log formats that bouncelog reads",
		Long: `List the log formats that bouncelog reads. --input-format takes these names.

Evidence tells how well a format is known: proven on real logs, specified by the vendor's source or documentation, or
tentative, from others' examples.
` + briefStatusHelp,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(o.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "FORMAT\tEVIDENCE\t")
			for _, f := range all.Formats() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.Evidence, f.Short)
			}
			return w.Flush()
		},
	}
}
