package generic

import (
	"cmp"

	"bouncelog/parsers"
)

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
	r.setRelay(r.server)
	a.RelayHost, a.RelayIP, a.RelayPort = r.relayHost, r.relayIP, r.relayPort
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
