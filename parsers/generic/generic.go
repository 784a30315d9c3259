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
// Lines that begin with a blank, or with a reply code and no address behind it, belong to the line before.
//
// The files follow the line: generic.go is the format and the judgement, walk.go goes through a record, words.go has the
// keys and words, cut.go, address.go and stamp.go cut values, addresses and the time.
package generic

import (
	"cmp"
	"strings"
	"time"

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
			return &parser{location: o.Location}, nil
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
	location *time.Location
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
	if line.Time == 0 {
		ev.Time = findStamp(text, p.location)
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

// fold tells the lines that belong to the one before. Behind a syslog header, where other programs' lines stand between,
// only a reply that goes on is worth looking for the rest of it.
func fold(line *parsers.Line) parsers.Fold {
	s := line.Text
	body := strings.TrimLeft(s, " \t")
	switch {
	case body == "":
		return parsers.Fold{}
	case len(body) < len(s), codeLen(s) > 0 && strings.IndexByte(s, '@') < 0:
		return parsers.Fold{Piece: parsers.Middle, Text: body, Break: true}
	case line.Tag == "" && line.Host == "" || goesOn(s):
		return parsers.Fold{Piece: parsers.First, Text: s, Break: true}
	}
	return parsers.Fold{}
}

// codeLen returns 4 where s begins with a reply code and a blank or a hyphen, else 0.
func codeLen(s string) int {
	if len(s) > 4 && (s[3] == '-' || s[3] == ' ') && !isDigit(s[4]) || len(s) > 8 && s[3] == '-' && s[5] == '.' {
		if _, ok := parsers.ParseReply(s[:3]); ok {
			return 4
		}
	}
	return 0
}

// goesOn reports whether s has the first line of a reply of several.
func goesOn(s string) bool {
	for i := strings.IndexByte(s, '-'); i >= 0; {
		if i > 3 && !isWord(s[i-4]) && codeLen(s[i-3:]) > 0 {
			return true
		}
		n := strings.IndexByte(s[i+1:], '-')
		if n < 0 {
			break
		}
		i += 1 + n
	}
	return false
}

// judge fills in what the reading tells, and returns what has the recipients' addresses in it. False: it tells too little.
func (r *reading) judge(a *parsers.Attempt) (recipients string, ok bool) {
	recipients = r.recipients
	if recipients == "" {
		switch {
		case r.cells > maxCells:
			return "", false // a row of a table: which column is whose, its header would say
		case r.angle.n == 1:
			recipients = r.angle.address
		case r.angle.n == 0 && r.bare.n == 1:
			recipients = r.bare.address
		}
	}
	if recipients == "" || r.inbound || r.code == 0 && r.enhanced.IsZero() {
		return "", false
	}
	a.Guessed = true
	a.RelayHost, a.RelayIP, a.RelayPort = r.relayHost, r.relayIP, r.relayPort
	if isLoopback(a.RelayIP) {
		a.Kind = parsers.Internal
	}
	a.DSN = r.enhanced
	a.Diagnostic = cmp.Or(r.text, r.rest)
	if r.code != 0 {
		a.Origin = parsers.OriginRemote
		a.Reply = r.reply(a.Diagnostic)
	}

	code, enhanced := r.code.Class(), a.Reply.Enhanced.Class()
	if enhanced == parsers.ClassUnknown {
		enhanced = r.enhanced.Class()
	}
	class := code
	if class == parsers.ClassUnknown {
		class = enhanced
	}
	switch class {
	case parsers.Success:
		a.Status = parsers.StatusSent
	case parsers.Transient:
		a.Status = parsers.StatusDeferred
	case parsers.Permanent:
		a.Status = parsers.StatusBounced
	default:
		return "", false
	}
	if a.Status == parsers.StatusSent && r.step && r.status == 0 {
		return "", false // one step of a dialogue, not its end
	}
	conflict := code != parsers.ClassUnknown && enhanced != parsers.ClassUnknown && code != enhanced
	if r.status != 0 {
		conflict = conflict || r.status != a.Status && r.status != parsers.StatusExpired
		a.Status = r.status
	}

	const low, medium, high = 0, 1, 2
	sure := low
	switch {
	case code != parsers.ClassUnknown && (code == enhanced || r.recipients != ""):
		sure = high
	case r.key || r.verb:
		sure = medium
	}
	if conflict {
		sure--
	}
	return recipients, sure > low && (sure == high || r.key || r.verb)
}

// reply returns the server's answer, of which text is the words.
func (r *reading) reply(text string) parsers.Reply {
	if reply, ok := parsers.ParseReply(text); ok && reply.Code == r.code {
		return reply
	}
	reply := parsers.Reply{Code: r.code, Text: text}
	// The code had a key of its own, and the text another.
	if e, ok := parsers.ParseEnhanced(enhancedWord(text)); ok && e.Class() == r.code.Class() {
		reply.Enhanced = e
	}
	return reply
}
