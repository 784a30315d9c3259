package classify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bouncelog/parsers"

	"github.com/pelletier/go-toml/v2"
)

// A Tier is how good a kind of evidence is. The first tier with a rule that holds decides.
type Tier uint8

// The tiers, the best first.
const (
	TierLocal    Tier = iota // our MTA's own diagnosis, no server answered
	TierProvider             // a token of one provider
	TierStrong               // words that say it
	TierEnhanced             // an enhanced code that can be trusted
	TierCode                 // a reply code that can be trusted
	TierWeak                 // words that hint at it
	TierSubject              // the subject of the enhanced code
	TierPhase                // the reply code and the phase of the dialogue
	TierClass                // nothing but the class
)

var tierNames = [...]string{"local", "provider", "strong", "enhanced", "code", "weak", "subject", "phase", "class"}

func (t Tier) String() string { return tierNames[t] }

// Confidence says how far a verdict of this tier can be trusted: high, medium or low.
func (t Tier) Confidence() string {
	switch {
	case t <= TierStrong:
		return "high"
	case t <= TierCode:
		return "medium"
	}
	return "low"
}

// A Rule says which replies have one cause. All that it asks for has to hold.
type Rule struct {
	ID       string `toml:"id"`
	TierName string `toml:"tier"`
	Category string `toml:"category"`
	Sub      string `toml:"sub"`   // a finer tag, such as dnsbl or ptr
	Order    *int   `toml:"order"` // within the tier, the lowest first; by default that of the category

	For  []string   `toml:"for"`  // providers; none: any
	Any  []string   `toml:"any"`  // one of these texts
	All  []string   `toml:"all"`  // each of these
	Seq  [][]string `toml:"seq"`  // one of these: texts in this order, each within 200 bytes of the one before
	Each [][]string `toml:"each"` // one of every list, in any order
	Not  []string   `toml:"not"`  // none of these
	RE   string     `toml:"re"`   // RE2, asked after the texts

	Code     []string `toml:"code"`     // 550, 5xx
	Enhanced []string `toml:"enhanced"` // 5.7.1, *.2.2, 5.1.*
	Phase    []string `toml:"phase"`    // connect helo starttls auth mail rcpt data eom, or unknown where the log did not say
	Origin   string   `toml:"origin"`   // remote, local or any; none: local in the tier local, any in strong, else remote

	Nature   string `toml:"nature"` // these four: where they differ from the category's
	Fault    string `toml:"fault"`
	Suppress string `toml:"suppress"`
	Retry    string `toml:"retry"`

	Hint   string    `toml:"hint"`
	URL    string    `toml:"url"`
	Source string    `toml:"source"` // what the rule rests on: a URL, an RFC, a file of an MTA
	Hit    []Example `toml:"hit"`    // replies that it decides
	Miss   []Example `toml:"miss"`   // replies that it must not decide

	Where string `toml:"-"` // FILE:LINE

	tier     Tier
	category Category
	order    int
	re       *regexp.Regexp
	codes    []codePattern
	enhanced []enhancedPattern
	phases   uint16 // bits by parsers.Command; zero: any
}

// An Example is a reply, with what else is known of it.
type Example struct {
	Text     string `toml:"text"`
	Provider string `toml:"provider"`
	Phase    string `toml:"phase"`
	Origin   string `toml:"origin"`
}

// UnmarshalText takes a text alone for an example.
func (e *Example) UnmarshalText(b []byte) error {
	e.Text = string(b)
	return nil
}

type codePattern struct{ low, high parsers.ReplyCode }

// matches reports whether p is the code of q. Where no server gave a code, the class is that of the enhanced code or of what
// the MTA did.
func (p codePattern) matches(q *query) bool {
	return p.low <= q.code && q.code <= p.high || q.code == 0 && p.low < p.high && p.low/100 == q.class
}

// An enhancedPattern has wild where anything may stand.
type enhancedPattern [3]uint16

const wild = ^uint16(0)

func (p *enhancedPattern) matches(e parsers.EnhancedCode) bool {
	return !e.IsZero() && (p[0] == wild || p[0] == e[0]) && (p[1] == wild || p[1] == e[1]) && (p[2] == wild || p[2] == e[2])
}

// phaseNames are the names of the SMTP commands in rules.
var phaseNames = map[string][]parsers.Command{
	"connect": {parsers.CONNECT}, "helo": {parsers.EHLO, parsers.HELO, parsers.LHLO}, "starttls": {parsers.STARTTLS}, "auth": {parsers.AUTH},
	"mail": {parsers.MAILFROM}, "rcpt": {parsers.RCPTTO}, "data": {parsers.DATA}, "eom": {parsers.EndOfDATA},
	"unknown": {parsers.NoCommand},
}

// ruleOrder is the order of categories within a tier: a reply often names several things, and the most telling comes first.
// `Recipient address rejected` stands before all that Postfix says of a recipient, `Service unavailable` before `blocked
// using`, and a mailbox that gets mail too fast is called spam as well.
var ruleOrder = []Category{MailboxFull, TooLarge, Greylisted, AuthFailed, TLS, Blocklisted, SenderIdentity, RelayDenied, VirusAttachment,
	SpamContent, RateLimited, InactiveMailbox, BadMailbox, BadDomain, RecipientRefused, Reputation, Policy, Noncompliant, DNSFailure, Connection,
	RemoteError, LocalError, Expired, Unknown}

// minLiteral is the length of the shortest text of a rule: shorter ones stand in words.
const minLiteral = 4

// ParseRules reads rules from TOML. name is that of the file, for messages.
func ParseRules(name string, text []byte) ([]Rule, error) {
	var file struct {
		Rule []Rule `toml:"rule"`
	}
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, tomlError(name, err)
	}
	lines := ruleLines(text)
	var errs []error
	for i := range file.Rule {
		r := &file.Rule[i]
		r.Where = name
		if i < len(lines) {
			r.Where = name + ":" + strconv.Itoa(lines[i])
		}
		if err := r.compile(); err != nil {
			errs = append(errs, fmt.Errorf("%s: rule %q: %w", r.Where, r.ID, err))
		}
	}
	return file.Rule, errors.Join(errs...)
}

// tomlError says where the file is wrong.
func tomlError(name string, err error) error {
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		return fmt.Errorf("%s:%d:%d: %w", name, line, column, err)
	}
	if e, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(e.Errors) > 0 {
		line, column := e.Errors[0].Position()
		return fmt.Errorf("%s:%d:%d: there is no key %s", name, line, column, strings.Join(e.Errors[0].Key(), "."))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// ruleLines returns the lines at which the rules of a file begin.
func ruleLines(text []byte) (lines []int) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("[[rule]]")) {
			lines = append(lines, n)
		}
	}
	return lines
}

// compile checks a rule and makes it ready.
func (r *Rule) compile() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if r.ID == "" || strings.Trim(r.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		fail("the id has to be of a-z, 0-9 and hyphens")
	}
	t := slices.Index(tierNames[:], r.TierName)
	if t < 0 {
		fail("no tier %q; there are %s", r.TierName, strings.Join(tierNames[:], ", "))
		t = 0
	}
	r.tier = Tier(t)
	var ok bool
	if r.category, ok = ParseCategory(r.Category); !ok {
		fail("no category %q", r.Category)
	}
	r.order = slices.Index(ruleOrder, r.category) * 100
	if r.Order != nil {
		r.order = *r.Order
	}
	fold := func(list []string, least int) {
		for i, s := range list {
			folded := foldText(s)
			if len(folded) < least || strings.TrimSpace(folded) == "" {
				fail("the text %q is shorter than %d bytes", s, least)
			}
			if len(folded) > maxText {
				fail("the text %.20q… is longer than the %d bytes of a reply that are looked at", s, maxText)
			}
			list[i] = folded
		}
	}
	fold(r.Any, minLiteral)
	fold(r.All, minLiteral)
	fold(r.Not, minLiteral)
	for _, s := range r.Seq {
		if len(s) < 2 {
			fail("seq wants lists of two texts or more")
		}
		fold(s[:min(1, len(s))], minLiteral)
		fold(s[min(1, len(s)):], 1) // what comes after the first may be short
	}
	if len(r.Each) == 1 {
		fail("each wants two lists or more")
	}
	for _, list := range r.Each {
		if len(list) == 0 {
			fail("each has an empty list")
		}
		fold(list, minLiteral)
	}
	if r.RE != "" {
		re, err := regexp.Compile(r.RE)
		if err != nil {
			fail("%w", err)
		}
		r.re = re
		if len(r.literals()) == 0 {
			fail("re needs a text beside it, in any, all, seq or each")
		}
	}
	for _, s := range r.Code {
		p, ok := parseCodePattern(s)
		if !ok {
			fail("code %q is neither three digits nor like 5xx", s)
		}
		r.codes = append(r.codes, p)
	}
	for _, s := range r.Enhanced {
		p, ok := parseEnhancedPattern(s)
		if !ok {
			fail("enhanced %q is not like 5.7.1, *.2.2 or 5.1.*", s)
		}
		r.enhanced = append(r.enhanced, p)
	}
	for _, s := range r.Phase {
		commands, ok := phaseNames[s]
		if !ok {
			fail("no phase %q", s)
		}
		for _, c := range commands {
			r.phases |= 1 << c
		}
	}
	switch r.Origin {
	case "":
		switch r.tier {
		case TierLocal:
			r.Origin = "local"
		case TierStrong:
			r.Origin = "any"
		default:
			r.Origin = "remote"
		}
	case "remote", "local", "any":
	default:
		fail("origin is remote, local or any, not %q", r.Origin)
	}
	if len(r.literals()) == 0 && len(r.codes) == 0 && len(r.enhanced) == 0 {
		fail("it asks for nothing: want any, all, seq, each, code or enhanced")
	}
	if r.tier == TierProvider && len(r.For) == 0 && len(r.literals()) == 0 {
		fail("codes alone tell no provider: want for")
	}
	check := func(key, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			fail("%s is one of %s, not %q", key, strings.Join(allowed, ", "), value)
		}
	}
	check("nature", r.Nature, "transient", "permanent", "conditional")
	check("fault", r.Fault, "address", "domain", "recipient_choice", "sender", "reputation", "content", "volume", "network", "receiver", "local", "none", "unknown")
	check("suppress", r.Suppress, "yes", "after_repeat", "no")
	check("retry", r.Retry, "no", "normal", "slow", "after_fix", "hours")
	if r.Source == "" {
		fail("it has no source")
	}
	if len(r.Hit) == 0 {
		fail("it has no example: want hit")
	}
	return errors.Join(errs...)
}

// literals returns the texts that have to be found before the rest of the rule is looked at: any one of them.
func (r *Rule) literals() []string {
	switch {
	case len(r.Any) > 0:
		return r.Any
	case len(r.All) > 0:
		longest := slices.MaxFunc(r.All, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		return []string{longest}
	case len(r.Seq) == 0 && len(r.Each) > 0:
		return r.Each[0]
	}
	var first []string
	for _, s := range r.Seq {
		first = append(first, s[0])
	}
	return first
}

func parseCodePattern(s string) (codePattern, bool) {
	if digit, ok := strings.CutSuffix(s, "xx"); ok && len(digit) == 1 && digit >= "2" && digit <= "9" {
		d := parsers.ReplyCode(digit[0]-'0') * 100
		return codePattern{d, d + 99}, true
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n < 100 || n > 999 {
		return codePattern{}, false
	}
	return codePattern{parsers.ReplyCode(n), parsers.ReplyCode(n)}, true
}

func parseEnhancedPattern(s string) (p enhancedPattern, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return p, false
	}
	for i, part := range parts {
		if part == "*" {
			p[i] = wild
			continue
		}
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || n > 999 {
			return p, false
		}
		p[i] = uint16(n)
	}
	return p, true
}
