package report

import "io"

// writeComparisonJSON writes c for machines, as `comparison` of [Schema] describes it.
func writeComparisonJSON(w io.Writer, c *Comparison, _ WriteOptions) error {
	return writeIndented(w, c)
}
