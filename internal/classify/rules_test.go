package classify

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bouncelog/parsers"

	cmpdiff "github.com/google/go-cmp/cmp"
)

// attempt makes an attempt of an example of a rule. What the example does not say is what the rule asks for.
func (e *Example) attempt(r *Rule, c *Classifier) parsers.Attempt {
	a := parsers.Attempt{Status: parsers.StatusBounced, Origin: parsers.OriginRemote, Diagnostic: e.Text}
	origin, provider, phase := e.Origin, e.Provider, e.Phase
	if origin == "" {
		origin = r.Origin
	}
	if provider == "" && len(r.For) > 0 {
		provider = r.For[0]
	}
	if phase == "" && len(r.Phase) > 0 {
		phase = r.Phase[0]
	}
	if origin == "local" {
		a.Origin = parsers.OriginLocal
		a.Reply, _ = parsers.ParseReply(e.Text)
		a.DSN, a.Reply = a.Reply.Enhanced, parsers.Reply{}
	} else if a.Reply, _ = parsers.ParseReply(e.Text); a.Reply.Text == "" {
		a.Reply.Text = e.Text
	}
	if i, ok := c.providers.byName[provider]; ok {
		if p := &c.providers.list[i]; len(p.MX) > 0 {
			a.RelayHost = "mx1" + p.MX[0]
		} else if len(p.Domains) > 0 {
			a.Recipient = "u@" + p.Domains[0]
		}
	}
	if commands := phaseNames[phase]; len(commands) > 0 {
		a.Command = commands[0]
	}
	if a.Reply.Code.Class() == parsers.Transient {
		a.Status = parsers.StatusDeferred
	}
	return a
}

// Every rule decides its own examples, and leaves alone those that it must.
func TestRules(t *testing.T) {
	c := mustClassifier(t)
	s := c.NewSession()
	for i := range c.Rules() {
		r := &c.Rules()[i]
		for _, e := range r.Hit {
			a := e.attempt(r, c)
			got := s.Explain(&a)
			if got.Rule == nil || got.Rule.ID != r.ID {
				by := "no rule"
				if got.Rule != nil {
					by = got.Rule.ID
				}
				t.Errorf("%s: %s: decided by %s: %s", r.Where, r.ID, by, e.Text)
			}
		}
		for _, e := range r.Miss {
			a := e.attempt(r, c)
			if got := s.Explain(&a); got.Rule != nil && got.Rule.ID == r.ID {
				t.Errorf("%s: %s: decides, and must not: %s", r.Where, r.ID, e.Text)
			}
		}
	}
}

// Every text of a general rule's any decides by itself: one that an earlier rule has, or a part of it, is dead. So is one
// that holds another of the same rule.
func TestTexts(t *testing.T) {
	c := mustClassifier(t)
	s := c.NewSession()
	for i := range c.Rules() {
		r := &c.Rules()[i]
		if !r.general() {
			continue
		}
		for _, text := range r.Any {
			for _, other := range r.Any {
				if text != other && strings.Contains(text, other) {
					t.Errorf("%s: %s: %q is dead, %q is a part of it", r.Where, r.ID, text, other)
				}
			}
			if len(r.All)+len(r.Seq)+len(r.Each) > 0 || r.RE != "" {
				continue
			}
			var low parsers.ReplyCode
			text = "x" + text + "x" // a blank at an end counts
			reply := text
			if len(r.codes) > 0 {
				low = r.codes[0].low
				if low < r.codes[0].high {
					low += 50 // 500 to 504 decide by themselves
				}
				reply = fmt.Sprintf("%d %s", low, text)
			}
			if len(r.enhanced) > 0 {
				reply = fmt.Sprintf("%d %s %s", cmp.Or(low, 550), r.enhanced[0].example(), text)
			}
			a := (&Example{Text: reply}).attempt(r, c)
			got := s.Explain(&a)
			if got.Rule != nil && got.Rule.ID != r.ID && !(got.Rule.tier == TierProvider && got.Category == r.category) {
				t.Errorf("%s: %s: %q is decided by %s (%s)", r.Where, r.ID, text, got.Rule.ID, got.Category)
			}
		}
	}
}

// example returns a code that p matches.
func (p enhancedPattern) example() string {
	e := parsers.EnhancedCode{5, 0, 0}
	for i, n := range p {
		if n != wild {
			e[i] = n
		}
	}
	return e.String()
}

// general reports whether a rule is of no provider and no MTA. The others are tokens as their owners publish them, or messages
// as the program has them: that another rule would come to the same verdict makes them no worse.
func (r *Rule) general() bool {
	return !strings.HasPrefix(r.Where, "provider-") && !strings.HasPrefix(r.Where, "local-")
}

// No general rule is like another: of one of its examples at least, the verdict would be another without it.
func TestRulesCount(t *testing.T) {
	c := mustClassifier(t)
	s := c.NewSession()
	for i := range c.Rules() {
		r := &c.Rules()[i]
		if r.general() && !slices.ContainsFunc(r.Hit, func(e Example) bool {
			a := e.attempt(r, c)
			got := s.Explain(&a)
			all := s.Candidates(&a)
			if len(all) < 2 {
				return true
			}
			n := all[1]
			return got.Category != n.category || got.Sub != n.Sub || got.Confidence != n.tier.Confidence() ||
				r.Hint != n.Hint || r.URL != n.URL || r.Nature != n.Nature || r.Fault != n.Fault || r.Suppress != n.Suppress || r.Retry != n.Retry
		}) {
			t.Errorf("%s: %s: without it, each of its examples gets the same verdict", r.Where, r.ID)
		}
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// Which rules there are, and in which order they are asked: to delete one, or to move it, is no accident.
func TestRulesGolden(t *testing.T) {
	var b strings.Builder
	for _, r := range mustClassifier(t).Rules() {
		fmt.Fprintf(&b, "%s %s %s\n", r.TierName, r.ID, r.category)
	}
	name := filepath.Join("testdata", "rules.golden")
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmpdiff.Diff(string(want), b.String()); diff != "" {
		t.Errorf("rules (-want +got), -update writes them anew:\n%s", diff)
	}
}
