package generic

import (
	"strings"

	"bouncelog/parsers"
)

// A class is what a key says of its value.
type class uint8

const (
	unknownKey class = iota
	recipientKey
	senderKey
	statusKey
	codeKey
	enhancedKey
	replyKey   // the server's words
	textKey    // the program's, which may quote them
	relayKey   // the server
	idKey      // a message id, which looks like an address
	strangeKey // what the sender wrote, and nobody else answers for
	rejectKey  // a refusal at the door
	eventKey   // what kind of record this is
)

// keyWords are the keys, without `-`, `_` and `.`, by class.
var keyWords = [...]struct {
	class class
	words string
}{
	{recipientKey, " to rcpt recipient recipients rcpts rcptto finalrecipient recipientaddress addr envelopeto "},
	{senderKey, " from sender orig mailfrom envfrom envelopefrom returnpath originator "},
	{statusKey, " status result stat action dsnaction outcome deliverystatus "},
	{codeKey, " code smtp smtpcode replycode responsecode smtpstatus errorcode rcode statuscode smtpreplycode "},
	{enhancedKey, " dsn esc enhanced enhancedcode enhancedstatus enhancedstatuscode dsnstatus smtpenchcode xcode "},
	{replyKey, " reply response resp answer said diag diagnostic diagnosticcode dsndiag smtpmsg smtpreply smtpresponse remoteresponse " +
		"last lastreply lastresponse rawreason led "},
	{textKey, " msg message error err reason detail details info text log smtperror errormsg lasterror why content description "},
	{relayKey, " relay host mx remote remotemta remoteserver relayhost server "},
	{idKey, " messageid msgid mid id inreplyto references "},
	{strangeKey, " subject useragent helo ehlo xmailer "},
	{rejectKey, " reject milterreject "},
	{eventKey, " type event eventtype kind recordtype "},
}

// classOf returns the class of a key, in any case and however its words are joined.
func classOf(key string) class {
	var room [24]byte
	room[0] = ' '
	n := 1
	for i := range len(key) {
		switch c := key[i]; {
		case c == '-' || c == '_' || c == '.':
		case n == len(room)-1:
			return unknownKey
		default:
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			room[n] = c
			n++
		}
	}
	if n == 1 {
		return unknownKey
	}
	room[n] = ' '
	for i := range keyWords {
		if strings.Contains(keyWords[i].words, string(room[:n+1])) {
			return keyWords[i].class
		}
	}
	return unknownKey
}

// withColon reports whether a key of this class may stand before a colon: `Recipient: <a@example.com>`. Other words do so
// in any sentence.
func (c class) withColon() bool {
	switch c {
	case recipientKey, senderKey, statusKey, enhancedKey, idKey, strangeKey, rejectKey:
		return true
	}
	return false
}

// statusWords are how the words begin for what became of a message. `rejected` tells nothing that the code does not tell
// better.
var statusWords = [...]struct {
	prefix string
	status parsers.Status
}{
	{"sent", parsers.StatusSent}, {"deliver", parsers.StatusSent}, {"ok", parsers.StatusSent}, {"relayed", parsers.StatusSent}, {"success", parsers.StatusSent},
	{"defer", parsers.StatusDeferred}, {"delay", parsers.StatusDeferred}, {"temp", parsers.StatusDeferred}, {"soft", parsers.StatusDeferred},
	{"bounce", parsers.StatusBounced}, {"fail", parsers.StatusBounced}, {"perm", parsers.StatusBounced}, {"hard", parsers.StatusBounced},
	{"expire", parsers.StatusExpired},
	{"==", parsers.StatusDeferred}, {"**", parsers.StatusBounced}, // Exim's arrows
}

// statusOf returns what a word says of a message, zero where it is none of those.
func statusOf(word string) parsers.Status {
	for _, w := range statusWords {
		if hasPrefixFold(word, w.prefix) {
			return w.status
		}
	}
	return 0
}

// The words that a reader looks out for, each between blanks.
const (
	// introductions are followed by what a server said.
	introductions = " said reply replied response responded status code smtp esmtp lmtp command answered with "
	// units make a number an amount.
	units = " bytes ms s sec secs seconds minutes kb kib mb mib msg msgs messages recipients rcpts mails lines times connections "
	// requests are words of another protocol with three digits.
	requests = " http https get post put url webhook "
	// arrivals are kinds of record that look like deliveries.
	arrivals = " reception received receive rejection inbound open click complaint "
)

// verbs are how words of delivery begin.
var verbs = [...]string{
	"deliver", "undeliver", "sent", "bounc", "defer", "fail", "reject", "accept", "expire", "relay", "retry", "retri", "refus", "return",
}

func isVerb(word string) bool {
	for _, v := range verbs {
		if hasPrefixFold(word, v) {
			return true
		}
	}
	return false
}

// isOneOf reports whether a word, in any case, is in a list of words between blanks.
func isOneOf(word, list string) bool {
	for i := 0; ; {
		n := strings.IndexByte(list[i+1:], ' ')
		if n < 0 {
			return false
		}
		if n == len(word) && strings.EqualFold(list[i+1:i+1+n], word) {
			return true
		}
		i += 1 + n
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
