package compare

import (
	"time"

	"bouncelog/report"
)

// A side is one of the two reports, by name.
type side struct {
	r      *report.Report
	hours  int64 // that have attempts
	length time.Duration

	providers  map[string]*report.Provider
	categories map[string]ills
	replies    map[replyKey]int64 // the permanent ones
	domains    map[string]*report.Domain
	templates  map[string]*report.Template

	templatesWhole bool // there is no other
}

type replyKey struct {
	code     int
	enhanced string
}

// newSide looks a report over. Rows that stand for all that there was no room for are left out: who is among them changes
// with the log.
func newSide(r *report.Report) *side {
	s := &side{
		r: r, length: length(&r.Window),
		providers: make(map[string]*report.Provider), categories: make(map[string]ills), replies: make(map[replyKey]int64),
		domains: make(map[string]*report.Domain), templates: make(map[string]*report.Template),
	}
	for _, h := range r.Timeline {
		if h.Start != "" {
			s.hours++
		}
	}
	for i := range r.Providers {
		if p := &r.Providers[i]; !p.Folded {
			s.providers[p.Provider] = p
		}
	}
	for _, c := range r.Categories {
		s.categories[c.Category] = illsOf(c.Outcomes, c.Recipients-sum(c.Outcomes))
	}
	for _, x := range r.Replies {
		if x.Class == "permanent" {
			s.replies[replyKey{x.ReplyCode, x.EnhancedCode}] += x.Count
		}
	}
	for i := range r.Domains {
		if d := &r.Domains[i]; !d.Folded {
			s.domains[d.Domain] = d
		}
	}
	named := 0
	for _, t := range r.Templates {
		if t.Folded {
			continue
		}
		named++
		if same := s.templates[t.Text]; same != nil { // of another class: the more frequent one came first
			same.Count += t.Count
		} else {
			s.templates[t.Text] = &t
		}
	}
	s.templatesWhole = named == len(r.Templates) && named >= r.TemplatesTotal
	return s
}

// ills are outcomes of one cause, or of all, that are not as one would like.
type ills struct{ failed, delayed, pending int64 }

func illsOf(o report.Outcomes, delayed int64) ills { return ills{failed(o), delayed, o.Pending} }

func sum(o report.Outcomes) int64 { return o.Delivered + o.Bounced + o.Expired + o.Pending + o.Lost }

// causesOf returns the outcomes at a provider by category. Recipients that failed and were delivered to all the same were
// delayed.
func causesOf(p *report.Provider) map[string]ills {
	causes := make(map[string]ills, len(p.Categories))
	for _, c := range p.Categories {
		causes[c.Category] = illsOf(c.Outcomes, c.Recipients-sum(c.Outcomes))
	}
	return causes
}

func sumOf(causes map[string]ills) (all ills) {
	for _, c := range causes {
		all = ills{all.failed + c.failed, all.delayed + c.delayed, all.pending + c.pending}
	}
	return all
}

func failed(o report.Outcomes) int64  { return o.Bounced + o.Expired }
func settled(o report.Outcomes) int64 { return o.Delivered + o.Bounced + o.Expired }

// shortened reports whether a list has fewer rows than there were.
func (s *side) shortened(total, rows int) bool { return rows < total }

// countsProviders reports whether the report has outcomes by provider. Those before version 1.2 have not.
func (s *side) countsProviders() bool {
	for _, p := range s.providers {
		if p.Outcomes != (report.Outcomes{}) {
			return true
		}
	}
	return s.r.Outcomes.Outcomes == (report.Outcomes{}) || len(s.r.Providers) == 0
}

// countsCategories is the same for categories.
func (s *side) countsCategories() bool {
	for _, o := range s.categories {
		if o != (ills{}) {
			return true
		}
	}
	o := s.r.Outcomes
	return failed(o.Outcomes)+o.Pending == 0 || len(s.categories) == 0
}

// redacted reports whether there are pseudonyms in place of names.
func (s *side) redacted() bool {
	return s.r.Redaction != "" && s.r.Redaction != report.RedactNone
}

// tellsDeferrals reports whether the log has deferrals if there were any.
func (s *side) tellsDeferrals() bool { return s.r.Totals.DeferralRate != nil }

// tries returns how many attempts a recipient took that was deferred, on average.
func (s *side) tries() float64 {
	o := &s.r.Outcomes
	return max(1, float64(s.r.Totals.Deferred)/float64(max(1, o.DeliveredLater+o.Expired+o.Pending+o.Lost)))
}

func (s *side) summary(name string) report.Side {
	o := s.r.Outcomes.Outcomes
	return report.Side{Name: name, First: s.r.Window.First, Last: s.r.Window.Last, Settled: settled(o), Failed: failed(o), Pending: o.Pending,
		BounceRate: s.r.Totals.BounceRate}
}

// example returns a line of the log that is one of what changed, nil where the report has none.
func (s *side) example(ch *report.Change) *report.Example {
	switch ch.Scope {
	case report.ScopeProviderCategory:
		if p := s.providers[ch.Provider]; p != nil {
			for i := range p.Categories {
				if c := &p.Categories[i]; c.Category == ch.Category {
					return c.Example
				}
			}
		}
	case report.ScopeCategory:
		for i := range s.r.Categories {
			if c := &s.r.Categories[i]; c.Category == ch.Category {
				return c.Example
			}
		}
	case report.ScopeReply:
		for i := range s.r.Templates {
			t := &s.r.Templates[i]
			if t.Class == "permanent" && t.ReplyCode == ch.ReplyCode && t.EnhancedCode == ch.EnhancedCode {
				return t.Example
			}
		}
	}
	return nil
}
