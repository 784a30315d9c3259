package classify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"bouncelog/parsers"
)

// Evidence is how a cause was found.
type Evidence struct {
	Cause Cause

	// What the rules were asked about: the text as they see it, the codes of the innermost reply, the step of the
	// dialogue, and whether our MTA found it by itself.
	Text     string
	Code     parsers.ReplyCode
	Enhanced parsers.EnhancedCode
	Phase    parsers.Command
	Local    bool

	Spots  []Spot      // in Text, what the rule that decided rests on, in order and apart from each other
	Others []Candidate // the other rules that hold, in the order in which they are asked
}

// A Spot is a part of a text.
type Spot struct{ From, To int }

// A Candidate is a rule that holds and does not decide.
type Candidate struct {
	Rule  *Rule
	Spots []Spot
	Why   string // it does not decide
}

// Evidence returns the cause of a failed attempt, and how it was found. It is zero for a success.
func (s *Session) Evidence(a *parsers.Attempt) (e Evidence) {
	if a.Status == parsers.StatusSent {
		return e
	}
	e.Cause = s.Explain(a)
	var all []int32
	_, q := s.decide(a, s.c.Whose(a.RelayHost, Domain(RecipientDomain(a))), &all)
	e.Text, e.Code, e.Enhanced, e.Phase, e.Local = strings.Clone(q.text), q.code, q.enhanced, q.phase, q.local
	for _, i := range all {
		r := &s.c.rules[i]
		spots := r.spots(q)
		if r == e.Cause.Rule {
			e.Spots = spots
			continue
		}
		e.Others = append(e.Others, Candidate{r, spots, e.Cause.Rule.before(r)})
	}
	return e
}

// before says why r is asked before o.
func (r *Rule) before(o *Rule) string {
	switch {
	case r == nil:
		return ""
	case r.tier != o.tier:
		return fmt.Sprintf("%s comes before %s", r.tier, o.tier)
	case r.Own() && !o.Own():
		return "of the same tier, your own rules come first"
	case r.category != o.category && r.Order == nil && o.Order == nil:
		return fmt.Sprintf("of the same tier, %s is asked before %s", r.category, o.category)
	case r.order != o.order:
		return fmt.Sprintf("of the same tier, it has a later place (%d after %d)", o.order, r.order)
	}
	return fmt.Sprintf("it has the same place, and %s was read before it", r.Where)
}

// Tier returns how good the rule's kind of evidence is.
func (r *Rule) Tier() Tier { return r.tier }

// Place returns the rule's place within its tier: the lowest is asked first.
func (r *Rule) Place() int { return r.order }

// Own reports whether the rule is one of the user's, see [Prefer].
func (r *Rule) Own() bool { return r.order < -preferred/2 }

// spots returns what a rule that holds rests on.
func (r *Rule) spots(q *query) []Spot {
	var all []Spot
	add := func(text string) {
		if i := strings.Index(q.text, text); i >= 0 && text != "" {
			all = append(all, Spot{i, i + len(text)})
		}
	}
	for _, s := range r.Any {
		add(s)
	}
	for _, s := range r.All {
		add(s)
	}
	for _, list := range r.Each {
		for _, s := range list {
			add(s)
		}
	}
	for _, seq := range r.Seq {
		if places := placesInOrder(q.text, seq); len(places) > 0 {
			all = append(all, places...)
			break
		}
	}
	if r.re != nil {
		if at := r.re.FindStringIndex(q.text); at != nil && at[0] < at[1] {
			all = append(all, Spot{at[0], at[1]})
		}
	}
	if len(r.codes) > 0 {
		addWord(&all, q.text, q.code.String())
	}
	if len(r.enhanced) > 0 {
		addWord(&all, q.text, q.enhanced.String())
	}
	slices.SortFunc(all, func(a, b Spot) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(b.To, a.To)) })
	apart := all[:0]
	for _, s := range all {
		if n := len(apart); n > 0 && s.From <= apart[n-1].To {
			apart[n-1].To = max(apart[n-1].To, s.To)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

// addWord adds the first place where a code stands alone.
func addWord(all *[]Spot, text, code string) {
	for from := 0; code != ""; {
		i := strings.Index(text[from:], code)
		if i < 0 {
			return
		}
		i += from
		end := i + len(code)
		if (i == 0 || !isWordByte(text[i-1])) && (end == len(text) || !isWordByte(text[end])) {
			*all = append(*all, Spot{i, end})
			return
		}
		from = i + 1
	}
}

func isWordByte(c byte) bool { return c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' }

// placesInOrder returns where the texts of a sequence stand, as [inOrder] finds them.
func placesInOrder(text string, seq []string) []Spot {
	for from := 0; ; {
		at := strings.Index(text[from:], seq[0])
		if at < 0 {
			return nil
		}
		at += from
		places := []Spot{{at, at + len(seq[0])}}
		for _, next := range seq[1:] {
			end := places[len(places)-1].To
			i := strings.Index(text[end:min(len(text), end+maxGap+len(next))], next)
			if i < 0 {
				places = nil
				break
			}
			places = append(places, Spot{end + i, end + i + len(next)})
		}
		if places != nil {
			return places
		}
		from = at + 1
	}
}

// alike is how many letters have to agree for a place to be found again behind something that folding took out.
const alike = 6

// Unfolded returns where spots of a folded text stand in the text that it was made of.
func Unfolded(text, folded string, spots []Spot) []Spot {
	// letters are what folding would make of text if it took nothing out.
	type letter struct {
		c        byte
		from, to int
	}
	var letters []letter
	blank := func(from, to int) {
		if n := len(letters); n > 0 && letters[n-1].c == ' ' {
			letters[n-1].to = to
		} else if n > 0 {
			letters = append(letters, letter{' ', from, to})
		}
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r <= ' ' || r == 0x7f || r == '\u00a0' || r == '\u2028' || r == '\u2029' || r == '\u202f' || r == '\u3000':
			blank(i, i+n)
		case r == '\\' && i+1 < len(text) && text[i+1] == 'n' && lineBegins(text[i+2:]):
			n = 2
			blank(i, i+n)
		case r == utf8.RuneError && n == 1 && text[i] < 0xa0:
			letters = append(letters, letter{text[i], i, i + 1})
		default:
			if r == utf8.RuneError && n == 1 {
				r = rune(text[i])
			}
			for _, c := range foldRune(nil, r) {
				letters = append(letters, letter{c, i, i + n})
			}
		}
		i += n
	}
	agree := func(at, f, n int) bool {
		for k := range min(n, len(folded)-f) {
			if at+k >= len(letters) || letters[at+k].c != folded[f+k] {
				return false
			}
		}
		return true
	}
	place := make([]int, len(folded)) // by byte of folded: its letter, -1 where there is none
	next := 0
	for f := range len(folded) {
		place[f] = -1
		at := next
		if !agree(at, f, alike) {
			// Something may have been taken out, here or soon.
			for at = next; at < len(letters) && !agree(at, f, alike); at++ {
			}
			if at == len(letters) {
				if at = next; !agree(at, f, 1) {
					continue
				}
			}
		}
		place[f], next = at, at+1
	}
	var found []Spot
	for _, s := range spots {
		from, to := -1, -1
		for f := s.From; f < s.To && f < len(place); f++ {
			if place[f] < 0 {
				continue
			}
			if from < 0 {
				from = letters[place[f]].from
			}
			to = letters[place[f]].to
		}
		if from >= 0 {
			found = append(found, Spot{from, to})
		}
	}
	return found
}
