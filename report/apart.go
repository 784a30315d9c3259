package report

import "slices"

// An apart is something that is counted apart, in words for people.
type apart struct {
	name string
	n    int64
	what string
}

// apartAttempts is an apart whose attempts are told by what our MTA made of them.
type apartAttempts struct {
	name, what string
	*Attempts
}

// apartAttempts returns what attempts are counted apart, those that there are.
func (t *Totals) apartAttempts() []apartAttempts {
	return slices.DeleteFunc([]apartAttempts{
		{"notifications", "mail from the null sender: bounces, delay warnings", &t.Notifications.Attempts},
		{"internal", "hops inside the house: content filters and the like", &t.Internal},
		{"probes", "address verifications", &t.Probes},
	}, func(x apartAttempts) bool { return x.Attempts.Attempts == 0 })
}

// apartEvents returns what else is counted apart, what there is of it.
func (t *Totals) apartEvents() []apart {
	return slices.DeleteFunc([]apart{
		{"suspended", t.Suspended, "deferrals without an attempt"},
		{"discarded", t.Discarded, "thrown away by the MTA, logged as sent"},
		{"unattempted", t.Unattempted, "bounces without an attempt"},
		{"suppressed", t.Suppressed, "kept back by a suppression list or policy"},
		{"async", t.Async, "bounce messages that came after sent"},
		{"connects", t.Connects, "servers tried that did not decide an attempt"},
		{"inbound", t.Inbound, "refusals at our own door"},
	}, func(x apart) bool { return x.n == 0 })
}

// apart returns all that is counted apart.
func (t *Totals) apart() []apart {
	var all []apart
	for _, x := range t.apartAttempts() {
		all = append(all, apart{x.name, x.Attempts.Attempts, x.what})
	}
	return append(all, t.apartEvents()...)
}
