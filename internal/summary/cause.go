package summary

import (
	"cmp"
	"slices"
	"strings"

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

// causeRow counts the failed attempts of one cause at one provider.
type causeRow struct {
	deferred, bounced int64
	example           Evidence
}

func (c *causeRow) count(s parsers.Status, n int64) {
	if s == parsers.StatusDeferred {
		c.deferred += n
	} else {
		c.bounced += n
	}
}

func (c *causeRow) add(o *causeRow) {
	c.deferred += o.deferred
	c.bounced += o.bounced
	c.example.earlier(o.example.Time, o.example.Text, o.example.Pos)
}

func (c *causeRow) parted(bool) causeRow { return *c }

// causeName is the name of a row of causes: what a row is told by, with a separator that stands in none of it.
func causeName(c *classify.Cause, provider string) string {
	rule := ""
	if c.Rule != nil {
		rule = c.Rule.ID
	}
	return strings.Join([]string{c.Category.String(), c.Sub, rule, provider}, "\x00")
}

// causeRow returns the keys of the row that a cause is counted in, and of the one that it folds into.
func (b *Builder) causeRow(c *classify.Cause) (key, up uint64) {
	if c == nil {
		return 0, 0
	}
	if memo, ok := b.causeKeys[c]; ok && b.Counts.causes.find(memo[0]) != nil {
		return memo[0], memo[1]
	}
	name, parent := causeName(c, c.Provider), causeName(c, "")
	key, up = hash(name), hash(parent)
	b.Counts.causes.name(key, name, up, parent)
	if len(b.causeKeys) >= maxCauses {
		clear(b.causeKeys)
	}
	b.causeKeys[c] = [2]uint64{key, up}
	return key, up
}

// provider returns the key of the row of the provider that an attempt was made at, zero where it is not known.
func (b *Builder) provider(a *parsers.Attempt, cause *classify.Cause) uint64 {
	if b.causes == nil {
		return 0
	}
	if cause != nil {
		return b.providerRow(cause.Provider)
	}
	key := mix(hash(a.RelayHost), uint64(a.Kind))
	if a.RelayHost == "" || a.Kind != parsers.Remote {
		key = mix(key, hash(rawDomain(a)))
	}
	memo := &b.relays[key%uint64(len(b.relays))]
	if memo.key == key && (memo.provider == 0 || b.Counts.providers.find(memo.provider) != nil) {
		return memo.provider
	}
	memo.key, memo.provider = key, b.providerRow(b.causes.provider(a, classify.Domain(rawDomain(a))))
	return memo.provider
}

func (b *Builder) providerRow(name string) uint64 {
	if name == "" {
		return 0
	}
	key := hash(name)
	b.Counts.providers.name(key, name, restKey, "")
	return key
}

// A CauseCount is how many attempts failed for one reason at one provider.
type CauseCount struct {
	Category, Sub, Rule string
	Provider            string // empty: not known, or of all whom the table had no room for
	Deferred, Bounced   int64
	Example             Evidence
}

// Causes returns why attempts failed, the most frequent reasons first.
func (c *Counts) Causes() []CauseCount {
	c.causes.fold()
	list := make([]CauseCount, 0, len(c.causes.rows))
	for i := range c.causes.rows {
		r := &c.causes.rows[i]
		parts := strings.Split(c.causes.nameOf(i), "\x00")
		if len(parts) != 4 {
			parts = make([]string, 4)
		}
		list = append(list, CauseCount{parts[0], parts[1], parts[2], parts[3], r.val.deferred, r.val.bounced, r.val.example})
	}
	slices.SortFunc(list, func(a, b CauseCount) int {
		return cmp.Or(cmp.Compare(b.Deferred+b.Bounced, a.Deferred+a.Bounced), strings.Compare(a.Category, b.Category),
			strings.Compare(a.Sub, b.Sub), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Provider, b.Provider))
	})
	return list
}
