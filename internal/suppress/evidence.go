package suppress

import (
	"slices"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Categories returns the causes for which an address can be suppressed. No rule can add reputation, content, policy or
// authentication to them.
func Categories() []classify.Category {
	return []classify.Category{classify.BadMailbox, classify.BadDomain, classify.InactiveMailbox, classify.MailboxFull}
}

// A grade is what an attempt proves against an address.
type grade uint8

const (
	none   grade = iota
	repeat       // it has to come again, for other messages and over days
	sure
)

// gradeOf returns what an attempt proves against its recipient.
//
// Only a server of the recipient's own domain counts, or our search for one. A smarthost and our own filter know no
// addresses elsewhere, a mailbox of this host says more of its configuration than of anybody, and a probe is no mail. A
// bounce message (async) may be about an address that the recipient's mail is forwarded to, or about one member of a
// list. Of none of them, besides, would a success count as proof of life.
func gradeOf(r *summary.Record) grade {
	c := r.Cause
	switch {
	case c == nil, c.Confidence != "high", c.Fault != "address" && c.Fault != "domain", !slices.Contains(Categories(), c.Category):
		return none
	case r.Inbound, r.NotAttempted, r.Guessed, r.Kind != parsers.Remote, r.Origin == parsers.OriginImplied:
		return none
	}
	switch {
	case c.Suppress != "yes" && c.Suppress != "after_repeat":
		return none
	case r.Status == parsers.StatusBounced && c.Suppress == "yes" && agrees(r):
		return sure
	case r.Status == parsers.StatusBounced, r.Status == parsers.StatusDeferred, r.Status == parsers.StatusExpired:
		return repeat
	}
	return none // refused before any server was asked
}

// agrees reports whether the codes of an attempt say what its words do. Where they differ one of the two is wrong, and
// nobody knows which: `550 4.2.1 mailbox locked, try again`, `550 5.7.1 … user unknown`.
func agrees(r *summary.Record) bool {
	if r.Conflict || r.Truncated {
		return false
	}
	switch r.Origin {
	case parsers.OriginProvider: // its word for somebody else's
		return false
	case parsers.OriginLocal:
		// An MX that leads nowhere (mx) is a slip in the zone of a domain that is there.
		return r.Class == parsers.Permanent && r.Cause.Sub != "mx"
	}
	if r.ReplyClass != parsers.Permanent {
		return false
	}
	e := r.Reply.Enhanced
	if e.IsZero() { // some logs' readers drop one that contradicts the MTA's own
		said, _ := parsers.ParseStrictReply(r.Reply.Text)
		e = said.Enhanced
	}
	if !e.IsZero() && e.Class() != parsers.Permanent {
		return false
	}
	switch e[1] { // RFC 3463 3
	case 0, 1, 2: // undefined, addressing, mailbox
		return true
	case 4: // network and routing, which may come right again: a directory that is out of step, a domain that moves
		return false
	}
	// Whoever wrote a rule for one provider knew which codes it gives.
	return r.Cause.Rule != nil && r.Cause.Rule.TierName == classify.TierProvider.String()
}
