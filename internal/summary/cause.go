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
	*known     // nil before the first attempt
}

// known is what causes remembers. Its large tables hold numbers, or the collector would look through them all the time.
type known struct {
	session  *classify.Session
	memo     [8192]twin // by words: reasons
	reasons  []*reason
	reasonOf map[causeKey]uint32 // there are as many as rules and providers come together
	sideMemo [4096]twin          // by relay and domain: sides
	sides    []side
	sideOf   map[side]uint32
}

// A numbered is a key and the number of what belongs to it, from 1.
type numbered struct {
	key uint64
	n   uint32
}

// A twin is the two keys of one place that were met last. With one alone, two that share a place and come by turns would be
// found out anew each time: 80,000 times for the 2,000 relays and domains of a log.
type twin [2]numbered

// at returns what is remembered of a key, of which the number is zero where that is nothing.
func (p *twin) at(key uint64) *numbered {
	if p[0].key != key {
		p[0], p[1] = p[1], p[0]
		if p[0].key != key {
			p[0] = numbered{key: key}
		}
	}
	return &p[0]
}

// A reason is a cause and the keys that it is counted by.
type reason struct {
	classify.Cause
	row      uint64 // its row of causes at no provider
	provider uint64 // hash of its provider's name; zero: it has none
}

// A side is whom a relay and a domain belong to.
type side struct {
	whose    classify.Whose
	name     string // as reports have it, empty: not known
	provider uint64 // hash of the name, zero where there is none
}

// A causeKey tells causes apart: the rest of one follows from its rule, and from its words by their first letters.
type causeKey struct {
	rule     *classify.Rule
	provider string
	words    [4]byte
}

// newCauses returns nil where c is: then nobody asks for causes.
func newCauses(c *classify.Classifier) *causes {
	if c == nil {
		return nil
	}
	return &causes{classifier: c}
}

// remember makes ready for an attempt. What is remembered is bounded: a provider may be any domain that a relay is in.
func (c *causes) remember() {
	const most = 1 << 16
	if c.known == nil || len(c.reasons) >= most || len(c.sides) >= most {
		c.known = &known{session: c.classifier.NewSession(), reasonOf: make(map[causeKey]uint32), sideOf: make(map[side]uint32)}
	}
}

// of returns why an attempt failed, with its provider in it; nil where it did not fail.
func (c *causes) of(a *parsers.Attempt) *classify.Cause {
	if c == nil || !failed(a) {
		return nil
	}
	whose := c.side(a, domainKey(a))
	why := c.why(a, whose)
	if why.Provider == "" && whose.name != "" {
		cause := why.Cause
		cause.Provider = whose.name
		why = c.reasons[c.intern(&cause)-1]
	}
	return &why.Cause
}

// longReply is a length up to which Explain looks at all of a text.
const longReply = 2 << 10

func failed(a *parsers.Attempt) bool { return a.Status != parsers.StatusSent && a.Status != 0 }

// why returns why an attempt failed, whose relay and domain are those of a side.
func (c *causes) why(a *parsers.Attempt, whose *side) *reason {
	text := a.Diagnostic
	if a.Reply.Text != "" && a.Origin != parsers.OriginLocal {
		text = a.Reply.Text
	}
	// The recipient and the relay have no part in it but for their providers: Explain takes the address out of the text.
	// Without it, the same refusal of many is one text: that makes half of all failures words that came before.
	//
	// Note: the key has to tell apart whatever Explain does, or the cause would depend on which attempt came first. Where
	// there may be another way to write an address, or the end of a long text is not looked at, nothing is left out.
	before, after, cut := text, "", false
	if len(text) <= longReply && len(a.Recipient) > len("a@b.") && strings.IndexByte(a.Recipient, '@') > 0 {
		before, after, cut = strings.Cut(text, a.Recipient)
	}
	e, d := a.Reply.Enhanced, a.DSN
	key := mix(mix(hash(before), hash(after)), uint64(whose.whose.Relay+1)<<16|uint64(whose.whose.Domain+1))
	if cut {
		key = mix(key, 1)
	}
	if strings.IndexByte(before, '@') >= 0 || strings.IndexByte(after, '@') >= 0 {
		key = mix(key, mix(hash(a.Recipient), hash(a.OriginalRecipient)))
	}
	key = mix(key, uint64(a.Command)|uint64(a.Origin)<<8|uint64(a.Status)<<16|uint64(a.Kind)<<24|uint64(a.Reply.Code)<<32)
	key = mix(key, uint64(e[0])|uint64(e[1])<<16|uint64(e[2])<<32|uint64(d[0])<<48)
	key = mix(key, uint64(d[1])|uint64(d[2])<<16)
	slot := c.memo[key%uint64(len(c.memo))].at(key)
	if slot.n == 0 {
		cause := c.session.ExplainAt(a, whose.whose)
		if a.Guessed {
			cause.Confidence, cause.Suppress = "low", "no"
		}
		slot.n = c.intern(&cause)
	}
	return c.reasons[slot.n-1]
}

// intern returns the number of the one copy of a cause.
func (c *causes) intern(cause *classify.Cause) uint32 {
	k := causeKey{cause.Rule, cause.Provider, [4]byte{initial(cause.Suppress), initial(cause.Nature), initial(cause.Retry), initial(cause.Confidence)}}
	n, ok := c.reasonOf[k]
	if !ok {
		c.reasons = append(c.reasons, &reason{Cause: *cause, row: hash(causeName(cause, "")), provider: nameKey(cause.Provider)})
		n = uint32(len(c.reasons))
		c.reasonOf[k] = n
	}
	return n
}

// nameKey returns the key of a name, zero where that is empty.
func nameKey(name string) uint64 {
	if name == "" {
		return 0
	}
	return hash(name)
}

func initial(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// side returns whom the relay of an attempt and its recipient's domain, whose key is given, belong to.
func (c *causes) side(a *parsers.Attempt, domainKey uint64) *side {
	c.remember()
	key := mix(mix(hash(a.RelayHost), uint64(a.Kind)), domainKey)
	slot := c.sideMemo[key%uint64(len(c.sideMemo))].at(key)
	if slot.n == 0 {
		domain := classify.Domain(classify.RecipientDomain(a))
		s := side{whose: c.classifier.Whose(a.RelayHost, domain), name: c.classifier.ProviderOf(a, domain)}
		s.provider = nameKey(s.name)
		n, ok := c.sideOf[s]
		if !ok {
			s.name = strings.Clone(s.name)
			c.sides = append(c.sides, s)
			n = uint32(len(c.sides))
			c.sideOf[s] = n
		}
		slot.n = n
	}
	return &c.sides[slot.n-1]
}

// provider returns the name of the provider that an attempt was made at, empty where it is not known.
func (c *causes) provider(a *parsers.Attempt) string {
	if c == nil {
		return ""
	}
	return c.side(a, domainKey(a)).name
}

func domainKey(a *parsers.Attempt) uint64 { return hash(classify.Domain(classify.RecipientDomain(a))) }

// maxCauseExample is how much is kept of the reply that stands for a cause: there may be as many as rules and providers come
// together, and the diagnostics have it whole.
const maxCauseExample = 240

// causeRow counts the failed attempts of one cause at one provider, and the outcomes of the recipients whose last it was.
type causeRow struct {
	tally
	example Evidence
}

func (c *causeRow) add(o *causeRow) {
	c.tally.add(&o.tally)
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

// cause fills in whom an attempt was made at, and returns the keys of the rows that the cause of its failure is counted in
// and folds into; zero where nobody asked, or it did not fail.
func (b *Builder) cause(a *parsers.Attempt, it *item) (key, up uint64) {
	if b.causes == nil {
		return 0, 0
	}
	whose := b.causes.side(a, it.domain)
	name := &whose.name
	it.provider = whose.provider
	var why *reason
	if failed(a) {
		if why = b.causes.why(a, whose); why.provider != 0 {
			name, it.provider = &why.Provider, why.provider
		}
	}
	if it.provider != 0 && b.Counts.providers.find(it.provider) == nil {
		b.Counts.providers.name(it.provider, *name, restKey, "")
	}
	if why == nil {
		return 0, 0
	}
	key, up = causeAt(why.row, it.provider), why.row
	if b.Counts.causes.find(key) == nil {
		b.Counts.causes.name(key, causeName(&why.Cause, *name), up, causeName(&why.Cause, ""))
	}
	return key, up
}

// causeAt returns the key of a cause's row at a provider.
func causeAt(row, provider uint64) uint64 {
	if provider == 0 {
		return row
	}
	return mix(row, provider)
}

// A CauseCount is how many attempts failed for one reason at one provider.
type CauseCount struct {
	Category, Sub, Rule string
	Provider            string // empty: not known, or of all whom the table had no room for
	Deferred, Bounced   int64
	Outcomes            Outcomes // of the recipients whose last failed attempt it was
	Example             Evidence
}

// Causes returns why attempts failed, the most frequent reasons first.
func (c *Counts) Causes() []CauseCount {
	c.causes.fold()
	list := make([]CauseCount, 0, len(c.causes.rows))
	for i := range c.causes.rows {
		r := &c.causes.rows[i]
		category, rest, _ := strings.Cut(c.causes.nameOf(i), "\x00")
		sub, rest, _ := strings.Cut(rest, "\x00")
		rule, provider, _ := strings.Cut(rest, "\x00")
		n := r.val.whole()
		list = append(list, CauseCount{category, sub, rule, provider, n.Attempts.Deferred, n.Attempts.Bounced, n.Outcomes, r.val.example})
	}
	slices.SortFunc(list, func(a, b CauseCount) int {
		return cmp.Or(cmp.Compare(b.Deferred+b.Bounced, a.Deferred+a.Bounced), strings.Compare(a.Category, b.Category),
			strings.Compare(a.Sub, b.Sub), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Provider, b.Provider))
	})
	return list
}
