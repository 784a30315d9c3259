package classify

import (
	"testing"

	"bouncelog/parsers"
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
			for _, m := range s.Candidates(&a) {
				if m.ID == r.ID {
					t.Errorf("%s: %s: matches, and must not: %s", r.Where, r.ID, e.Text)
				}
			}
		}
	}
}
