package classify

import (
	"sync"

	"bouncelog/parsers"
)

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

// RecipientDomain returns the domain of an attempt's recipient as the log writes it, empty where it does not say.
func RecipientDomain(a *parsers.Attempt) string {
	domain := parsers.Domain(a.Recipient)
	if domain == "" {
		domain = parsers.Domain(a.OriginalRecipient)
	}
	if domain == "" {
		domain = a.RecipientDomain
	}
	return domain
}

// Whose are the providers of the table, by number, that a relay and a recipient's domain belong to; -1 for none.
type Whose struct{ Relay, Domain int }

// Whose returns whose a relay and a recipient's domain, as [Domain] returns it, are. Of all that names them, [Session.Explain] looks at nothing else.
func (c *Classifier) Whose(relay, recipientDomain string) Whose {
	return Whose{c.providers.ofRelay(relay), c.providers.ofDomain(recipientDomain)}
}

// Default returns the classifier with the rules and providers that come with the program. It is made once.
func Default() (*Classifier, error) { return byDefault() }

var byDefault = sync.OnceValues(func() (*Classifier, error) {
	rules, list, err := Builtin()
	if err != nil {
		return nil, err
	}
	return NewClassifier(rules, list)
})
