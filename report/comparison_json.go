package report

import (
	"bytes"
	"encoding/json"
	"io"
)

// writeComparisonJSON writes c for machines, as `comparison` of [Schema] describes it.
func writeComparisonJSON(w io.Writer, c *Comparison, _ WriteOptions) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return err
	}
	_, err := w.Write(escapeHidden(b.Bytes()))
	return err
}
