// Package generic reads logs whose grammar is not known: a line is taken for a delivery where it names a recipient and,
// behind it, the answer of a server. It is asked only where no other format reads anything of an input.
//
// Nothing in such a line can be proven, so little is believed:
//
//   - A number is a reply code where an enhanced code of its class follows (RFC 3463), where words such as `said:` or
//     `status=` introduce it, or where it begins a reply of several lines (`550-`); a size, a port or a time is none.
//   - The recipient has a key (`to=`, `rcpt=`), a word (`to <…>`) or an arrow before it, or is the only address left of
//     the code. What stands right of the code is the server's words and names nobody.
//   - The line is read from left to right, and the values of keys are stepped over whole: an address, a subject or a
//     header of the sender's choice is not looked into. Behind an unquoted subject nothing is read.
//   - The status is what `status=` and its like say, else what the class of the code says.
//
// How sure that is comes from how much agrees. Reply code and enhanced code of one class, or a code and a recipient with
// a key, are enough; a code or an enhanced code alone is where a word of delivery, a key or an arrow is on the line too; a
// contradiction costs one step. Anything less is not a line of this format. Every attempt is marked as guessed.
//
// Lines that are indented and have no stamp, or begin with a reply code and have no address, belong to the line before.
//
// The files follow the line: generic.go is the format, fold.go puts lines together, walk.go goes through a record, words.go
// has the keys and words, cut.go, address.go and stamp.go cut values, addresses and the time, judge.go draws the conclusion.
package generic

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of logs whose grammar is not known.
func Format() parsers.Format {
	return parsers.Format{
		Name:       "generic",
		Short:      "any other log with a recipient and a reply on a line, read by its shape",
		Evidence:   parsers.Tentative,
		LastResort: true,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Fold: fold,
	}
}

// What a record may have, and how many recipients.
const (
	maxBytes      = 8 << 10
	maxLines      = 20
	maxRecipients = 100
)

// A parser reads records. It does not change once it is opened.
type parser struct {
	options parsers.Options
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	text := capped(line.Text)
	if strings.IndexByte(text, '@') < 0 || !strings.ContainsAny(text, "245") {
		return dst, parsers.ErrForeign
	}
	r := reading{s: text}
	r.walk(0, len(text))
	ev := parsers.Event{Kind: parsers.Attempted, Sender: r.sender}
	recipients, ok := r.judge(&ev.Attempt)
	if !ok {
		return dst, parsers.ErrForeign
	}
	if fields.Inside(&p.options, r.relayHost, r.relayIP) {
		ev.Attempt.Kind = parsers.Internal
	}
	if line.Time == 0 {
		ev.Time = findStamp(text, p.options.Location)
	}
	n := len(dst)
	eachAddress(recipients, func(address string) bool {
		ev.Attempt.Recipient = address
		dst = append(dst, ev)
		return len(dst)-n < maxRecipients
	})
	return dst, nil
}

// capped returns as much of a record as is read.
func capped(s string) string {
	s = s[:min(len(s), maxBytes)]
	for i, n := 0, 0; ; n++ {
		end := strings.IndexByte(s[i:], '\n')
		if end < 0 {
			return s
		}
		if i += end + 1; n == maxLines-1 {
			return s[:i-1]
		}
	}
}
