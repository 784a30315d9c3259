package classify

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"bouncelog/parsers"
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
	tests     []test // by rule
	providers *providers

	finder *finder
	leads  [][]int32 // by text: the rules that it makes candidates
	teller []int32   // by text: the provider that it tells, -1 for none
	phase  []parsers.Command
	bare   []int32 // rules without texts
	hints  int32   // the first rule of the tier weak, or of one after it

	printOnce sync.Once
	print     string // what Fingerprint returns
}

// A test is what a rule asks for, made ready and put together: to wait for a rule's memory is most of what it costs to ask it.
type test struct {
	remote, local bool   // origins of which it may hold
	re            bool   // there is an expression, in rule
	phases        uint16 // bits by parsers.Command; zero: any
	providers     []int  // it is for; none: any
	codes         []codePattern
	enhanced      []enhancedPattern
	all, not      []int32   // texts by number
	seq           []int32   // the first texts of the rule's sequences
	each          [][]int32 // lists of texts by number
}

// Builtin returns the rules and providers that come with the program.
func Builtin() (rules []Rule, list []Provider, err error) {
	names, err := fs.Glob(builtin, "rules/*.toml")
	if err != nil {
		return nil, nil, err
	}
	// They are read side by side: whoever asks about a small log waits for nothing else.
	files := make([]struct {
		rules     []Rule
		providers []Provider
		err       error
	}, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() {
			f := &files[i]
			text, err := builtin.ReadFile(name)
			base := strings.TrimPrefix(name, "rules/")
			switch {
			case err != nil:
				f.err = err
			case strings.HasPrefix(base, "providers"):
				f.providers, f.err = parseProviders(base, text)
			default:
				f.rules, f.err = ParseRules(base, text)
			}
		})
	}
	wait.Wait()
	var errs []error
	for i := range files { // in the order of their names
		rules, list = append(rules, files[i].rules...), append(list, files[i].providers...)
		errs = append(errs, files[i].err)
	}
	return rules, list, errors.Join(errs...)
}

// NewClassifier makes a classifier of rules, of which earlier ones come first where tier and order are the same, and of
// providers, likewise.
func NewClassifier(rules []Rule, list []Provider) (*Classifier, error) {
	c := &Classifier{rules: make([]Rule, 0, len(rules)), providers: newProviders(list)}
	order := make([]*Rule, len(rules))
	for i := range rules {
		order[i] = &rules[i]
	}
	slices.SortStableFunc(order, func(a, b *Rule) int { return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.order, b.order)) })
	for _, r := range order {
		if r.tier < TierWeak {
			c.hints++
		}
		c.rules = append(c.rules, *r)
	}
	var errs []error
	var texts []string
	numbers := make(map[string]int32)
	number := func(s string) int32 {
		n, ok := numbers[s]
		if !ok {
			n = int32(len(texts))
			numbers[s] = n
			texts, c.leads, c.teller, c.phase = append(texts, s), append(c.leads, nil), append(c.teller, -1), append(c.phase, parsers.NoCommand)
		}
		return n
	}
	all := func(list []string) (ns []int32) {
		for _, s := range list {
			ns = append(ns, number(s))
		}
		return ns
	}
	seen := make(map[string]string)
	for i := range c.rules {
		r := &c.rules[i]
		if old, ok := seen[r.ID]; ok {
			errs = append(errs, fmt.Errorf("%s: rule %q: the id is taken, see %s", r.Where, r.ID, old))
		}
		seen[r.ID] = r.Where
		t := test{remote: r.Origin != "local", local: r.Origin != "remote", re: r.re != nil, phases: r.phases,
			codes: r.codes, enhanced: r.enhanced, all: all(r.All), not: all(r.Not)}
		for _, name := range r.For {
			n, ok := c.providers.byName[name]
			if !ok {
				errs = append(errs, fmt.Errorf("%s: rule %q: no provider %q", r.Where, r.ID, name))
			}
			t.providers = append(t.providers, n)
		}
		for _, seq := range r.Seq {
			t.seq = append(t.seq, number(seq[0]))
		}
		for _, list := range r.Each {
			t.each = append(t.each, all(list))
		}
		c.tests = append(c.tests, t)
		leads := all(r.literals())
		for _, n := range leads {
			if !slices.Contains(c.leads[n], int32(i)) {
				c.leads[n] = append(c.leads[n], int32(i))
			}
		}
		if len(leads) == 0 {
			c.bare = append(c.bare, int32(i))
		}
	}
	for i := range list {
		for _, n := range all(list[i].Text) {
			if c.teller[n] < 0 {
				c.teller[n] = int32(i)
			}
		}
	}
	for text, command := range phaseTexts {
		c.phase[number(text)] = command
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.finder = newFinder(texts)
	return c, nil
}

// A codes is what of a query rules without texts may ask for.
type codes struct {
	code, class parsers.ReplyCode
	enhanced    parsers.EnhancedCode
}

// maxBare bounds what a Session remembers of codes. There are some hundred pairs of them in a log, unless one is made up.
const maxBare = 1 << 12

// bareFor returns the rules without texts that the codes of q satisfy.
func (s *Session) bareFor(q *query) []int32 {
	key := codes{q.code, q.class, q.enhanced}
	list, ok := s.bare[key]
	if !ok {
		for _, i := range s.c.bare {
			if s.c.tests[i].coded(q) {
				list = append(list, i)
			}
		}
		if len(s.bare) >= maxBare {
			clear(s.bare)
		}
		s.bare[key] = list
	}
	return list
}

// phaseTexts tell the phase where the log's format does not.
var phaseTexts = map[string]parsers.Command{
	"in reply to mail from": parsers.MAILFROM, "after mail from": parsers.MAILFROM, "[mail_from]": parsers.MAILFROM,
	"in reply to rcpt to": parsers.RCPTTO, "after rcpt to": parsers.RCPTTO, "[rcpt_to]": parsers.RCPTTO, "following rcpt command": parsers.RCPTTO,
	"in reply to end of data": parsers.EndOfDATA, "after end of data": parsers.EndOfDATA,
}

// Rules returns the rules in the order in which they are asked.
func (c *Classifier) Rules() []Rule { return c.rules }

// Providers returns the table of providers.
func (c *Classifier) Providers() []Provider { return c.providers.list }

// A Session uses a Classifier on one goroutine.
type Session struct {
	c       *Classifier
	buf     []byte
	address []byte
	found   []int32
	epoch   uint32
	seen    []uint32 // by text: the epoch it was last found in
	cand    []int32
	teller  int // the provider that the text tells, -1 for none
	phase   parsers.Command

	bare map[codes][]int32 // by what they ask for: rules without texts that it satisfies, in the order in which they are asked

	q query
}

// NewSession returns a Session.
func (c *Classifier) NewSession() *Session {
	return &Session{c: c, seen: make([]uint32, len(c.finder.texts)), bare: make(map[codes][]int32)}
}

// A query is what rules are asked about.
type query struct {
	text     string // folded
	code     parsers.ReplyCode
	class    parsers.ReplyCode // the first digit, of what is known of codes and status
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
	return s.ExplainAt(a, s.c.Whose(a.RelayHost, Domain(RecipientDomain(a))))
}

// ExplainAt is Explain where whose the relay and the recipient's domain are is known already.
func (s *Session) ExplainAt(a *parsers.Attempt, w Whose) Cause {
	if a.Status == parsers.StatusSent {
		return Cause{}
	}
	best, q := s.decide(a, w, nil)
	return s.cause(a, best, q)
}

// Candidates returns the rules that hold for an attempt, the one that decides first.
func (s *Session) Candidates(a *parsers.Attempt) []*Rule {
	var all []int32
	s.decide(a, s.c.Whose(a.RelayHost, Domain(RecipientDomain(a))), &all)
	list := make([]*Rule, len(all))
	for i, r := range all {
		list[i] = &s.c.rules[r]
	}
	return list
}

// decide returns the first rule that holds, -1 where none does, and stores all that hold in all, if it is not nil.
func (s *Session) decide(a *parsers.Attempt, w Whose, all *[]int32) (best int32, q *query) {
	q = &s.q
	*q = query{phase: a.Command, code: a.Reply.Code, enhanced: a.Reply.Enhanced}
	// What we answered to a client at our door is a reply as well.
	q.local = a.Origin == parsers.OriginLocal && a.Status != parsers.StatusRejected
	text := a.Diagnostic
	if a.Reply.Text != "" && !q.local {
		text = a.Reply.Text
	}
	s.buf = appendFolded(s.buf[:0], text)
	s.buf = s.cutRecipient(s.buf, a.Recipient)
	if a.OriginalRecipient != a.Recipient {
		s.buf = s.cutRecipient(s.buf, a.OriginalRecipient)
	}
	q.text = string(s.buf)
	s.find(s.buf)
	if s.buf = appendSpaced(appendNameless(s.buf[:0], q.text), q.text); len(s.buf) > 0 {
		s.findMore(s.buf)
	}
	if q.provider = w.Relay; q.provider < 0 {
		// By the name of the relay, else by what only its servers write, else by the recipient's domain where that is the
		// provider's own.
		if q.provider = s.teller; q.provider < 0 {
			q.provider = w.Domain
		}
	}
	if q.phase == parsers.NoCommand {
		q.phase = s.phase
	}
	s.readCodes(a)
	if q.phase == parsers.NoCommand && (q.code == 534 || q.code == 535 || q.code == 538) {
		q.phase = parsers.AUTH // codes that answer nothing else: RFC 4954 6
	}
	q.class = q.code / 100
	if q.class == 0 {
		q.class = parsers.ReplyCode(q.enhanced[0])
	}
	if q.class == 0 && a.Status == parsers.StatusDeferred {
		q.class = 4
	} else if q.class == 0 {
		q.class = 5
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
	// What hints at a cause is asked last: it is in nearly every text, and seldom decides.
	for _, i := range s.cand {
		if i < s.c.hints && (all != nil || best < 0 || i < best) && s.holds(i, q) {
			hold(i)
		}
	}
	for _, i := range s.bareFor(q) {
		if all == nil && best >= 0 && i > best {
			break // rules are in the order in which they are asked
		}
		if s.holds(i, q) {
			hold(i)
			if all == nil {
				break
			}
		}
	}
	for _, i := range s.cand {
		if i >= s.c.hints && (all != nil || best < 0 || i < best) && s.holds(i, q) {
			hold(i)
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

// readCodes looks for better codes than those that the reply begins with.
func (s *Session) readCodes(a *parsers.Attempt) {
	q := &s.q
	if code, enhanced, before := innerReply(q.text); code != 0 {
		switch {
		case q.local:
			// Our MTA waits because of what a server said before: the cause is what it said.
			if strings.HasSuffix(before, "said:") || strings.HasSuffix(before, "refused to talk to me:") {
				q.local, q.code, q.enhanced = false, code, enhanced
			}
		case q.enhanced[2] == 0 || q.enhanced[1] == 4 && q.enhanced[2] == 7:
			// The server passes on what another one said, with a code of its own that says nothing, or that it gave up.
			q.code, q.enhanced = code, enhanced
		}
	}
	if !q.enhanced.IsZero() {
		return
	}
	if q.local || a.Reply.Code == 0 {
		q.enhanced = a.DSN // beside a reply it is the MTA's invention
	}
	if !q.local && q.enhanced.IsZero() {
		q.enhanced = strayEnhanced(q.text, q.code.Class())
	}
}

// cutRecipient takes an address out of a folded text.
func (s *Session) cutRecipient(text []byte, address string) []byte {
	if len(address) <= minLiteral {
		return text
	}
	s.address = s.address[:0]
	for i, r := range address {
		if r < utf8.RuneSelf {
			s.address = append(s.address, lowerLetter(address[i]))
		} else {
			s.address = foldRune(s.address, r)
		}
	}
	return cutAddress(text, s.address)
}

// find notes which texts stand in a reply's.
func (s *Session) find(text []byte) {
	s.epoch++
	if s.epoch == 0 { // it has gone round
		clear(s.seen)
		s.epoch = 1
	}
	s.cand, s.teller, s.phase = s.cand[:0], -1, parsers.NoCommand
	s.findMore(text)
}

// findMore notes which texts stand in another form of the reply.
func (s *Session) findMore(text []byte) {
	s.found = s.c.finder.appendFound(s.found[:0], text)
	for _, n := range s.found {
		if s.seen[n] == s.epoch {
			continue
		}
		s.seen[n] = s.epoch
		s.cand = append(s.cand, s.c.leads[n]...)
		if p := int(s.c.teller[n]); p >= 0 && (s.teller < 0 || p < s.teller) {
			s.teller = p
		}
		s.phase = max(s.phase, s.c.phase[n])
	}
}

func (s *Session) has(text int32) bool { return s.seen[text] == s.epoch }

// coded reports whether the codes of q are such as the rule asks for.
func (t *test) coded(q *query) bool {
	return (len(t.codes) == 0 || slices.ContainsFunc(t.codes, func(p codePattern) bool { return p.matches(q) })) &&
		(len(t.enhanced) == 0 || slices.ContainsFunc(t.enhanced, func(p enhancedPattern) bool { return p.matches(q.enhanced) }))
}

// holds reports whether all that a rule asks for is so, for a rule whose texts were found as far as they lead to it: any of
// its any.
func (s *Session) holds(i int32, q *query) bool {
	t := &s.c.tests[i]
	if q.local && !t.local || !q.local && !t.remote || t.phases != 0 && t.phases&(1<<q.phase) == 0 {
		return false
	}
	if len(t.providers) > 0 && !slices.Contains(t.providers, q.provider) {
		return false
	}
	if !t.coded(q) {
		return false
	}
	if slices.ContainsFunc(t.not, s.has) {
		return false
	}
	for _, n := range t.all {
		if !s.has(n) {
			return false
		}
	}
	for _, list := range t.each {
		if !slices.ContainsFunc(list, s.has) {
			return false
		}
	}
	if len(t.seq) > 0 && !s.hasSequence(i, t, q) {
		return false
	}
	return !t.re || s.c.rules[i].re.MatchString(q.text)
}

// hasSequence reports whether the texts of one of a rule's sequences follow each other.
func (s *Session) hasSequence(i int32, t *test, q *query) bool {
	for n, first := range t.seq {
		if s.has(first) && inOrder(q.text, s.c.rules[i].Seq[n]) {
			return true
		}
	}
	return false
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
	if a.Status == parsers.StatusExpired && c.Category == Unknown {
		c = Cause{Category: Expired, Confidence: TierStrong.Confidence(), Provider: c.Provider}
	}
	t := c.Category.Trait()
	c.Nature, c.Fault = cmp.Or(c.Nature, t.Nature), cmp.Or(c.Fault, t.Fault)
	c.Suppress, c.Retry = cmp.Or(c.Suppress, t.Suppress), cmp.Or(c.Retry, t.Retry)

	// A 4xx is a promise that it may yet go well, and an address is given up only for what is sure. The code of the server
	// that answered counts, whatever another one told it (RFC 5321 4.2).
	transient := a.Status == parsers.StatusDeferred || a.Reply.Code.Class() == parsers.Transient
	switch {
	case c.Confidence == "low":
		c.Suppress = "no"
	case c.Suppress == "yes" && (transient || c.Confidence == "medium"):
		c.Suppress = "after_repeat"
	}
	if transient && c.Category == InactiveMailbox {
		c.Nature, c.Retry = "transient", "slow"
	}
	return c
}
