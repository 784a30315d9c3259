package classify

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bouncelog/parsers"

	aho "github.com/petar-dambovaliev/aho-corasick"
)

//go:embed rules/*.toml
var builtin embed.FS

// A Cause is why an attempt failed, as far as the evidence goes.
type Cause struct {
	Category   Category
	Sub        string
	Nature     string // our judgement, whatever the MTA did: transient, permanent or conditional
	Fault      string
	Suppress   string // yes, after_repeat or no
	Retry      string
	Confidence string // high, medium or low
	Provider   string // its name, empty where it is none that the table has
	Rule       *Rule  // what it rests on
}

// A Classifier finds causes by rules. It does not change; each goroutine needs a [Session] of its own.
type Classifier struct {
	rules     []Rule
	providers *providers

	automaton aho.AhoCorasick
	texts     []string
	rulesOf   [][]int32 // by text: the rules that it makes candidates
	textOf    []int     // by text: the provider that it tells, -1 for none
	ids       map[string]int32
	bare      []int32 // rules without texts, by tier, order and place
}

// Builtin returns the rules and providers that come with the program.
func Builtin() (rules []Rule, list []Provider, err error) {
	names, err := fs.Glob(builtin, "rules/*.toml")
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, name := range names { // in the order of their names
		text, err := builtin.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		base := strings.TrimPrefix(name, "rules/")
		if strings.HasPrefix(base, "providers") {
			var more []Provider
			more, err = parseProviders(base, text)
			list = append(list, more...)
		} else {
			var more []Rule
			more, err = ParseRules(base, text)
			rules = append(rules, more...)
		}
		errs = append(errs, err)
	}
	return rules, list, errors.Join(errs...)
}

// NewClassifier makes a classifier of rules, of which earlier ones come first where tier and order are the same, and of
// providers, likewise.
func NewClassifier(rules []Rule, list []Provider) (*Classifier, error) {
	c := &Classifier{rules: slices.Clone(rules), providers: newProviders(list), ids: make(map[string]int32)}
	slices.SortStableFunc(c.rules, func(a, b Rule) int { return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.order, b.order)) })
	var errs []error
	seen := make(map[string]string)
	for i := range c.rules {
		r := &c.rules[i]
		if old, ok := seen[r.ID]; ok {
			errs = append(errs, fmt.Errorf("%s: rule %q: the id is taken, see %s", r.Where, r.ID, old))
		}
		seen[r.ID] = r.Where
		for _, name := range r.For {
			if _, ok := c.providers.byName[name]; !ok {
				errs = append(errs, fmt.Errorf("%s: rule %q: no provider %q", r.Where, r.ID, name))
			}
		}
		triggers := r.literals()
		for _, s := range triggers {
			id := c.text(s)
			c.rulesOf[id] = append(c.rulesOf[id], int32(i))
		}
		for _, list := range append(slices.Clone(r.Seq), r.All, r.Not) {
			for _, s := range list {
				c.text(s)
			}
		}
		if len(triggers) == 0 {
			c.bare = append(c.bare, int32(i))
		}
	}
	for i := range list {
		for _, s := range list[i].Text {
			if id := c.text(s); c.textOf[id] < 0 {
				c.textOf[id] = i
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b := aho.NewAhoCorasickBuilder(aho.Opts{MatchKind: aho.StandardMatch, DFA: true})
	c.automaton = b.Build(c.texts)
	return c, nil
}

// text returns the number of a text, which is new where no rule had it yet.
func (c *Classifier) text(s string) int32 {
	if id, ok := c.ids[s]; ok {
		return id
	}
	id := int32(len(c.texts))
	c.ids[s] = id
	c.texts, c.rulesOf, c.textOf = append(c.texts, s), append(c.rulesOf, nil), append(c.textOf, -1)
	return id
}

// Rules returns the rules in the order in which they are asked.
func (c *Classifier) Rules() []Rule { return c.rules }

// Providers returns the table of providers.
func (c *Classifier) Providers() []Provider { return c.providers.list }

// A Session uses a Classifier on one goroutine.
type Session struct {
	c      *Classifier
	buf    []byte
	epoch  uint32
	seen   []uint32 // by text: the epoch it was last found in
	cand   []int32
	teller int // the provider that the text tells, -1 for none

	q query
}

// NewSession returns a Session.
func (c *Classifier) NewSession() *Session { return &Session{c: c, seen: make([]uint32, len(c.texts))} }

// A query is what rules are asked about.
type query struct {
	text     string // folded
	code     parsers.ReplyCode
	enhanced parsers.EnhancedCode
	phase    parsers.Command
	local    bool
	provider int
}

// Explain returns the cause of a failed attempt. It is the zero Cause for a success.
func (s *Session) Explain(a *parsers.Attempt) Cause {
	if a.Status == parsers.StatusSent {
		return Cause{}
	}
	best, q := s.decide(a, nil)
	return s.cause(a, best, q)
}

// Candidates returns the rules that hold for an attempt, the one that decides first.
func (s *Session) Candidates(a *parsers.Attempt) []*Rule {
	var all []int32
	s.decide(a, &all)
	list := make([]*Rule, len(all))
	for i, r := range all {
		list[i] = &s.c.rules[r]
	}
	return list
}

// decide returns the first rule that holds, -1 where none does, and stores all that hold in all, if it is not nil.
func (s *Session) decide(a *parsers.Attempt, all *[]int32) (best int32, q *query) {
	q = &s.q
	*q = query{phase: a.Command, local: a.Origin == parsers.OriginLocal, code: a.Reply.Code, enhanced: a.Reply.Enhanced}
	text := a.Diagnostic
	switch {
	case q.local:
		q.code = 0
		if q.enhanced.IsZero() {
			q.enhanced = a.DSN
		}
	case a.Reply.Text != "":
		text = a.Reply.Text
	}
	s.buf = appendFolded(s.buf[:0], text)
	q.text = string(s.buf)
	s.find(q.text)
	q.provider = s.provider(a)
	if code, enhanced := innerReply(q.text); code != 0 && q.enhanced[2] == 0 {
		// The server passes on what another one said, with a code of its own that says nothing.
		q.code, q.enhanced = code, enhanced
	}
	best = -1
	hold := func(i int32) {
		if all == nil {
			if best < 0 || i < best {
				best = i
			}
			return
		}
		*all = append(*all, i)
	}
	for _, i := range s.cand {
		if (all != nil || best < 0 || i < best) && s.holds(&s.c.rules[i], q) {
			hold(i)
		}
	}
	for _, i := range s.c.bare {
		if best >= 0 && i > best {
			break // rules are in the order in which they are asked
		}
		if s.holds(&s.c.rules[i], q) {
			hold(i)
			if all == nil {
				break
			}
		}
	}
	if all != nil {
		slices.Sort(*all)
		*all = slices.Compact(*all)
		if len(*all) > 0 {
			best = (*all)[0]
		}
	}
	return best, q
}

// find notes which texts of rules stand in a text.
func (s *Session) find(text string) {
	s.epoch++
	s.cand, s.teller = s.cand[:0], -1
	it := s.c.automaton.IterOverlapping(text)
	for m := it.Next(); m != nil; m = it.Next() {
		id := m.Pattern()
		if s.seen[id] == s.epoch {
			continue
		}
		s.seen[id] = s.epoch
		s.cand = append(s.cand, s.c.rulesOf[id]...)
		if p := s.c.textOf[id]; p >= 0 && (s.teller < 0 || p < s.teller) {
			s.teller = p
		}
	}
}

func (s *Session) has(text string) bool { return s.seen[s.c.ids[text]] == s.epoch }

// provider returns who answered: by the name of the relay, else by what only its servers write, else by the recipient's
// domain where that is the provider's own.
func (s *Session) provider(a *parsers.Attempt) int {
	if p := s.c.providers.ofRelay(a.RelayHost); p >= 0 {
		return p
	}
	if s.teller >= 0 {
		return s.teller
	}
	return s.c.providers.ofDomain(parsers.Domain(a.Recipient))
}

// holds reports whether all that a rule asks for is so.
func (s *Session) holds(r *Rule, q *query) bool {
	if r.Origin == "local" && !q.local || r.Origin == "remote" && q.local {
		return false
	}
	if r.phases != 0 && r.phases&(1<<q.phase) == 0 {
		return false
	}
	if len(r.codes) > 0 && !slices.ContainsFunc(r.codes, func(p codePattern) bool { return p.low <= q.code && q.code <= p.high }) {
		return false
	}
	if len(r.enhanced) > 0 && !slices.ContainsFunc(r.enhanced, func(p enhancedPattern) bool { return p.matches(q.enhanced) }) {
		return false
	}
	if len(r.For) > 0 && (q.provider < 0 || !slices.Contains(r.For, s.c.providers.list[q.provider].Name)) {
		return false
	}
	if len(r.Any) > 0 && !slices.ContainsFunc(r.Any, s.has) {
		return false
	}
	for _, t := range r.All {
		if !s.has(t) {
			return false
		}
	}
	if len(r.Seq) > 0 && !slices.ContainsFunc(r.Seq, func(seq []string) bool { return inOrder(q.text, seq) }) {
		return false
	}
	if slices.ContainsFunc(r.Not, s.has) {
		return false
	}
	return r.re == nil || r.re.MatchString(q.text)
}

// maxGap is how far the texts of a sequence may stand from each other.
const maxGap = 200

// inOrder reports whether the texts of a sequence follow each other in text.
func inOrder(text string, seq []string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], seq[0])
		if at < 0 {
			return false
		}
		at += from
		end := at + len(seq[0])
		ok := true
		for _, next := range seq[1:] {
			rest := text[end:min(len(text), end+maxGap+len(next))]
			i := strings.Index(rest, next)
			if i < 0 {
				ok = false
				break
			}
			end += i + len(next)
		}
		if ok {
			return true
		}
		from = at + 1
	}
}

// cause makes a verdict of the rule that decided.
func (s *Session) cause(a *parsers.Attempt, best int32, q *query) Cause {
	c := Cause{Category: Unknown, Confidence: TierClass.Confidence()}
	if q.provider >= 0 {
		c.Provider = s.c.providers.list[q.provider].Name
	}
	if best >= 0 {
		r := &s.c.rules[best]
		c.Rule, c.Category, c.Sub, c.Confidence = r, r.category, r.Sub, r.tier.Confidence()
		c.Nature, c.Fault, c.Suppress, c.Retry = r.Nature, r.Fault, r.Suppress, r.Retry
	}
	t := c.Category.Trait()
	c.Nature, c.Fault = cmp.Or(c.Nature, t.Nature), cmp.Or(c.Fault, t.Fault)
	c.Suppress, c.Retry = cmp.Or(c.Suppress, t.Suppress), cmp.Or(c.Retry, t.Retry)

	// A 4xx is a promise that it may yet go well, and an address is given up only for what is sure.
	transient := a.Status == parsers.StatusDeferred || q.code.Class() == parsers.Transient
	switch {
	case c.Suppress == "yes" && c.Confidence == "low":
		c.Suppress = "no"
	case c.Suppress == "yes" && (transient || c.Confidence == "medium"):
		c.Suppress = "after_repeat"
	case c.Suppress == "after_repeat" && c.Confidence == "low":
		c.Suppress = "no"
	}
	if transient && c.Category == InactiveMailbox {
		c.Nature, c.Retry = "transient", "slow"
	}
	return c
}
