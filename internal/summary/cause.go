package summary

import (
	"cmp"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// causes finds out why attempts failed, and remembers it: the same words come again and again. It belongs to one goroutine.
type causes struct {
	classifier *classify.Classifier
	session    *classify.Session
	memo       [4096]struct {
		key   uint64
		cause *classify.Cause
	}
	all map[classify.Cause]*classify.Cause // there are as many as rules and providers come together
}

// newCauses returns nil where c is: then nobody asks for causes.
func newCauses(c *classify.Classifier) *causes {
	if c == nil {
		return nil
	}
	return &causes{classifier: c, session: c.NewSession(), all: make(map[classify.Cause]*classify.Cause)}
}

// maxCauses bounds what is remembered: a provider may be any domain that a relay is in.
const maxCauses = 1 << 16

// of returns why an attempt failed, nil where it did not.
func (c *causes) of(a *parsers.Attempt) *classify.Cause {
	if c == nil || a.Status == parsers.StatusSent || a.Status == 0 {
		return nil
	}
	text := a.Diagnostic
	if a.Reply.Text != "" && a.Origin != parsers.OriginLocal {
		text = a.Reply.Text
	}
	e, d := a.Reply.Enhanced, a.DSN
	key := mix(mix(hash(text), hash(a.RelayHost)), hash(rawDomain(a)))
	key = mix(key, uint64(a.Command)|uint64(a.Origin)<<8|uint64(a.Status)<<16|uint64(a.Kind)<<24|uint64(a.Reply.Code)<<32)
	key = mix(key, uint64(e[0])|uint64(e[1])<<16|uint64(e[2])<<32|uint64(d[0])<<48)
	key = mix(key, uint64(d[1])|uint64(d[2])<<16)
	slot := &c.memo[key%uint64(len(c.memo))]
	if slot.key == key && slot.cause != nil {
		return slot.cause
	}
	cause := c.session.Explain(a)
	if a.Guessed {
		cause.Confidence = "low"
		cause.Suppress = "no"
	}
	cause.Provider = cmp.Or(cause.Provider, c.classifier.ProviderOf(a, classify.Domain(rawDomain(a))))
	p := c.all[cause]
	if p == nil {
		if len(c.all) >= maxCauses {
			clear(c.all)
		}
		p = &cause
		c.all[cause] = p
	}
	slot.key, slot.cause = key, p
	return p
}

// provider returns the name of the provider that an attempt was made at.
func (c *causes) provider(a *parsers.Attempt, domain string) string {
	if c == nil {
		return ""
	}
	return c.classifier.ProviderOf(a, domain)
}
