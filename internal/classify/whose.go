package classify

import "bouncelog/parsers"

// ProviderOf returns the name of the provider that an attempt was made at, whatever came of it: that of the relay, else the
// relay's registrable domain, else the provider whose own domain the recipient's is. Empty: it is not known.
func (c *Classifier) ProviderOf(a *parsers.Attempt, recipientDomain string) string {
	if a.RelayHost != "" && a.Kind == parsers.Remote {
		if i := c.providers.ofRelay(a.RelayHost); i >= 0 {
			return c.providers.list[i].Name
		}
		if domain := RegistrableDomain(Domain(a.RelayHost)); domain != "" {
			return domain
		}
	}
	if i := c.providers.ofDomain(recipientDomain); i >= 0 {
		return c.providers.list[i].Name
	}
	return ""
}

// KnownProviders returns which providers of the table a relay and a recipient's domain belong to, -1 for none. Of all that
// names them, [Session.Explain] looks at nothing else.
func (c *Classifier) KnownProviders(relay, recipientDomain string) (ofRelay, ofDomain int) {
	return c.providers.ofRelay(relay), c.providers.ofDomain(recipientDomain)
}

// Default returns a classifier with the rules and providers that come with the program.
func Default() (*Classifier, error) {
	rules, list, err := Builtin()
	if err != nil {
		return nil, err
	}
	return NewClassifier(rules, list)
}
