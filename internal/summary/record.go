package summary

import (
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// A Record is one delivery attempt with all that the log tells of it (`bouncelog attempts`). Zero fields are those that
// the log did not say.
type Record struct {
	Time      parsers.Stamp
	Host      string
	Format    string
	Instance  string
	Process   string
	QueueID   string
	MessageID string
	Sender    string // parsers.NullSender for the null reverse-path
	Domain    string // the recipient's, as classify.Domain writes it
	Inbound   bool   // a refusal at our own door

	parsers.Attempt
	classify.Verdict
	Cause    *classify.Cause // of a failure, or of the deferrals before an expiry; nil: there is none, or nobody asked
	Provider string          // whoever runs the recipient's servers; empty: not known

	File string
	Line int64 // from 1

	wait     bool   // for its sender
	campaign string // what its header field says that was asked for
}

// judge fills in what follows from the attempt alone.
func (r *Record) judge() {
	r.Domain = classify.Domain(classify.RecipientDomain(&r.Attempt))
	r.Verdict = classify.ClassOf(&r.Attempt)
}

// clone returns a copy of r that does not point into the block of its line: one string for all its texts.
func (r *Record) clone() *Record {
	c := *r
	texts := [...]*string{&c.Host, &c.Instance, &c.Process, &c.QueueID, &c.MessageID, &c.Sender, &c.Domain,
		&c.Recipient, &c.OriginalRecipient, &c.RecipientDomain, &c.Controller, &c.RelayHost, &c.RelayIP, &c.MTAStatus, &c.Reply.Text, &c.Diagnostic,
		&c.Job, &c.SourceIP, &c.Provider, &c.campaign}
	var b strings.Builder
	n := 0
	for _, t := range texts {
		n += len(*t)
	}
	b.Grow(n)
	for _, t := range texts {
		b.WriteString(*t)
	}
	all := b.String()
	for _, t := range texts {
		*t, all = all[:len(*t)], all[len(*t):]
	}
	return &c
}
