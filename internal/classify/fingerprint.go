package classify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Fingerprint tells rules and providers apart: two classifiers with the same one find the same causes. It is that of
// nothing else, so not of titles, hints and examples.
func (c *Classifier) Fingerprint() string {
	c.printOnce.Do(func() { c.print = c.fingerprint() })
	return c.print
}

func (c *Classifier) fingerprint() string {
	h := sha256.New()
	for i := range c.rules {
		r := &c.rules[i]
		fmt.Fprintf(h, "rule %q %d %d %q %d\n", r.ID, r.tier, r.category, r.Sub, r.order)
		fmt.Fprintf(h, "%q %q %q %q %q %q %q\n", r.For, r.Any, r.All, r.Seq, r.Each, r.Not, r.RE)
		fmt.Fprintf(h, "%d %d %d %q\n", r.codes, r.enhanced, r.phases, r.Origin)
		fmt.Fprintf(h, "%q %q %q %q\n", r.Nature, r.Fault, r.Suppress, r.Retry)
	}
	for i := range c.providers.list {
		p := &c.providers.list[i]
		fmt.Fprintf(h, "provider %q %q %q %q\n", p.Name, p.MX, p.Text, p.Domains)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
