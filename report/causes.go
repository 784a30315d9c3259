package report

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
)

// A Category counts failed attempts by cause. Those of NoCategory are of causes that the table had no room for.
type Category struct {
	Category string   `json:"category"`
	Meaning  string   `json:"meaning"`
	Fault    string   `json:"fault"`    // whose it is, as a rule
	Suppress string   `json:"suppress"` // whether addresses are to be mailed no more, as a rule: yes, after_repeat or no
	Attempts int64    `json:"attempts"`
	Deferred int64    `json:"deferred"`
	Bounced  int64    `json:"bounced"`
	Share    *float64 `json:"share,omitempty"` // of all failed attempts

	// Recipients are pairs of message and recipient whose last failed attempt failed so, and Outcomes those of them that
	// were not delivered to all the same.
	Recipients int64    `json:"recipients"`
	Outcomes   Outcomes `json:"outcomes"`

	Example *Example `json:"example,omitempty"`
}

// A Provider counts the attempts at whoever runs the servers of the recipients' domains.
type Provider struct {
	Provider string `json:"provider"`
	Title    string `json:"title,omitempty"` // as people call it
	Folded   bool   `json:"folded,omitempty"`
	Tally
	Categories []CategoryCount `json:"categories"` // of its failed attempts, the most frequent first
}

// A CategoryCount counts failed attempts of one cause, and as in [Category] whom they were made for.
type CategoryCount struct {
	Category   string   `json:"category"`
	Attempts   int64    `json:"attempts"`
	Recipients int64    `json:"recipients"`
	Outcomes   Outcomes `json:"outcomes"`
	Example    *Example `json:"example,omitempty"`
}

// add adds o, which is of the same category, but for its example.
func (c *CategoryCount) add(o *CategoryCount) {
	c.Attempts += o.Attempts
	c.Recipients += o.Recipients
	c.Outcomes.add(&o.Outcomes)
}

// A Hint says what to do about failures of one kind at one provider. They are in the order of what they would bring
// back: recipients that were not delivered to, times the chance that it helps.
type Hint struct {
	Category string `json:"category"`
	Sub      string `json:"sub,omitempty"`
	Provider string `json:"provider,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Attempts int64  `json:"attempts"` // that failed so

	// Recipients are pairs of message and recipient whose last failed attempt failed so, Undelivered those of them that were
	// not delivered to after all: bounced, expired, pending or lost.
	Recipients  int64 `json:"recipients"`
	Undelivered int64 `json:"undelivered"`

	Text    string   `json:"text"`
	URL     string   `json:"url,omitempty"` // the provider's page
	Example *Example `json:"example,omitempty"`
}

// chances are how many of a hundred recipients are delivered to once the hint is followed: a judgement, for the order of hints.
// What mends itself, and what nothing mends, comes last.
var chances = map[classify.Category]int64{
	classify.AuthFailed: 90, classify.SenderIdentity: 90, classify.LocalError: 90, classify.TLS: 80, classify.RelayDenied: 80,
	classify.Noncompliant: 80, classify.RateLimited: 70, classify.TooLarge: 70, classify.Blocklisted: 60, classify.Reputation: 50,
	classify.SpamContent: 50, classify.VirusAttachment: 50, classify.Connection: 20, classify.DNSFailure: 20, classify.Policy: 20,
	classify.Unknown: 10, classify.RemoteError: 10, classify.MailboxFull: 5, classify.BadMailbox: 1, classify.InactiveMailbox: 1,
	classify.BadDomain: 1, classify.RecipientRefused: 2, classify.Greylisted: 1, classify.Expired: 1,
}

// maxHints bounds the hints of a report.
const maxHints = 100

// titlesOf returns the providers that have one, by name.
func titlesOf(c *classify.Classifier) map[string]*classify.Provider {
	titles := make(map[string]*classify.Provider)
	if c != nil {
		list := c.Providers()
		for i := range list {
			titles[list[i].Name] = &list[i]
		}
	}
	return titles
}

// failedOf returns the outcomes of those who were not delivered to.
func failedOf(o *summary.Outcomes) Outcomes {
	failed := outcomesOf(o)
	failed.Delivered = 0
	return failed
}

// addCauses fills in categories, providers and hints.
func (r *Report) addCauses(causes []summary.CauseCount, providers iter.Seq[summary.NamedTally], titles map[string]*classify.Provider, o *Options) {
	failed := r.Totals.Deferred + r.Totals.Attempts.Bounced
	rules := make(map[string]*classify.Rule)
	if o.Classifier != nil {
		all := o.Classifier.Rules()
		for i := range all {
			rules[all[i].ID] = &all[i]
		}
	}

	var shown []summary.NamedTally
	shown, r.ProvidersTotal = rank(providers, SortAttempts, o.Top, 0)
	byProvider := make(map[string]map[string]*evidenced[CategoryCount], len(shown)) // of those that are shown
	for i := range shown {
		byProvider[shown[i].Name] = make(map[string]*evidenced[CategoryCount])
	}

	byCategory := make(map[string]*evidenced[Category])
	hints := make(map[[4]string]*evidenced[Hint])
	for i := range causes {
		c := &causes[i]
		n := c.Deferred + c.Bounced
		count := CategoryCount{cmp.Or(c.Category, "other"), n, c.Outcomes.Total(), failedOf(&c.Outcomes), nil}
		if n == 0 && count.Recipients == 0 {
			continue
		}
		category, _ := classify.ParseCategory(c.Category)
		trait := category.Trait()
		all := byCategory[c.Category]
		if all == nil {
			all = &evidenced[Category]{row: Category{Category: count.Category, Meaning: trait.Meaning, Fault: trait.Fault, Suppress: trait.Suppress}}
			byCategory[c.Category] = all
		}
		row := &all.row
		row.Attempts, row.Deferred, row.Bounced = row.Attempts+n, row.Deferred+c.Deferred, row.Bounced+c.Bounced
		row.Recipients += count.Recipients
		row.Outcomes.add(&count.Outcomes)
		all.see(&c.Example, o)
		if at := byProvider[c.Provider]; at != nil {
			sum := at[row.Category]
			if sum == nil {
				sum = &evidenced[CategoryCount]{row: CategoryCount{Category: row.Category}}
				at[row.Category] = sum
			}
			sum.row.add(&count)
			sum.see(&c.Example, o)
		}
		if n == 0 {
			continue // they failed before what is counted: there is nothing to mend
		}

		// A hint of the category's own is the same whatever rule told the category.
		h := Hint{Category: row.Category, Provider: c.Provider, Text: trait.Hint}
		if rule := rules[c.Rule]; rule != nil && rule.Hint != "" {
			h.Sub, h.Rule, h.Text, h.URL = c.Sub, c.Rule, rule.Hint, rule.URL
		}
		p := titles[c.Provider]
		if p == nil {
			h.Provider = "" // a provider that nobody knows has no advice of its own
		} else if h.URL == "" {
			h.URL = p.URL
		}
		key := [4]string{h.Category, h.Sub, h.Provider, h.Rule}
		hint := hints[key]
		if hint == nil {
			hint = &evidenced[Hint]{row: h}
			hints[key] = hint
		}
		hint.row.Attempts += n
		hint.row.Recipients += count.Recipients
		hint.row.Undelivered += count.Outcomes.undelivered()
		hint.see(&c.Example, o)
	}

	for _, all := range byCategory {
		row := all.row
		row.Share, row.Example = rate(row.Attempts, failed), exampleOf(all.first, o)
		r.Categories = append(r.Categories, row)
	}
	slices.SortFunc(r.Categories, func(a, b Category) int {
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), strings.Compare(a.Category, b.Category))
	})

	for _, t := range shown {
		p := Provider{Tally: tallyOf(&t.Tally), Categories: []CategoryCount{}}
		p.Provider, p.Folded = orOther(t.Name)
		if known := titles[t.Name]; known != nil {
			p.Title = known.Title
		}
		for _, sum := range byProvider[t.Name] {
			sum.row.Example = exampleOf(sum.first, o)
			p.Categories = append(p.Categories, sum.row)
		}
		slices.SortFunc(p.Categories, func(a, b CategoryCount) int {
			return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), strings.Compare(a.Category, b.Category))
		})
		r.Providers = append(r.Providers, p)
	}

	for _, hint := range hints {
		h := &hint.row
		fill := strings.NewReplacer("{domain}", cmp.Or(titleOf(titles, h.Provider), "the domain"), "{provider}", cmp.Or(titleOf(titles, h.Provider), "the provider"),
			"{ip}", "your IP", "{n}", strconv.FormatInt(h.Attempts, 10))
		h.Text, h.Example = fill.Replace(h.Text), exampleOf(hint.first, o)
		r.Hints = append(r.Hints, *h)
	}
	slices.SortFunc(r.Hints, func(a, b Hint) int {
		return cmp.Or(cmp.Compare(b.Undelivered*chance(b.Category), a.Undelivered*chance(a.Category)),
			cmp.Compare(b.Recipients*chance(b.Category), a.Recipients*chance(a.Category)),
			cmp.Compare(b.Attempts*chance(b.Category), a.Attempts*chance(a.Category)), cmp.Compare(b.Attempts, a.Attempts),
			strings.Compare(a.Category, b.Category), strings.Compare(a.Provider, b.Provider), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Sub, b.Sub))
	})
	r.Hints = r.Hints[:min(len(r.Hints), maxHints)]
}

func chance(category string) int64 {
	c, _ := classify.ParseCategory(category)
	return chances[c]
}

func titleOf(titles map[string]*classify.Provider, name string) string {
	if p := titles[name]; p != nil {
		return p.Title
	}
	return name
}

// An evidenced is a row that is still added to, and the earliest evidence of it.
//
// Note: there are as many causes as rules and providers come together, and few rows that are shown: so what a row shows of its
// evidence is made last.
type evidenced[R any] struct {
	row   R
	first *summary.Evidence // nil: none
}

// see takes in another piece of evidence, which may be of nothing. Where it is of the same time and text, the name of its file
// decides: its position says where it stood in this run only.
func (e *evidenced[R]) see(x *summary.Evidence, o *Options) {
	if x.Text == "" {
		return
	}
	if e.first != nil {
		c := cmp.Or(cmp.Compare(x.Time, e.first.Time), strings.Compare(x.Text, e.first.Text))
		if c == 0 && o.Locate != nil {
			file, line := o.Locate(e.first.Pos)
			f, l := o.Locate(x.Pos)
			c = cmp.Or(strings.Compare(f, file), cmp.Compare(l, line))
		}
		if c >= 0 {
			return
		}
	}
	e.first = x
}
