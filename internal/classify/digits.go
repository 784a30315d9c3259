package classify

import "bouncelog/parsers"

// A Digit is what one digit or number of a code says by itself.
type Digit struct {
	Text    string // as it stands in the code, the others as dots or letters: `5yz`, `x5z`, `xy0`, `5.x.x`
	Name    string // what the standard calls it
	Meaning string
	Source  string
}

// replyClasses are the first digits of reply codes. What is beyond 5 no standard has.
var replyClasses = [10]Digit{
	0: {"0yz", "", "no reply: three digits that begin with 2 to 5 are one", "RFC 5321 4.2"},
	1: {"1yz", "positive preliminary", "taken, and the client is to say whether to go on; no command of SMTP has such a reply, and RFC 5321 no such class", "RFC 821 appendix E; RFC 2821 4.2.1"},
	2: {"2yz", "positive completion", "done as asked; the next command may come", "RFC 5321 4.2.1"},
	3: {"3yz", "positive intermediate", "taken so far; the client is to send what is missing: the message after DATA, the next step of a login", "RFC 5321 4.2.1"},
	4: {"4yz", "transient negative completion", "not done, for now: the client should try again later", "RFC 5321 4.2.1"},
	5: {"5yz", "permanent negative completion", "not done: the client should not try the same again", "RFC 5321 4.2.1"},
	6: {"6yz", "", "no standard defines it: the grammar of replies ends with 5. Sending services use such numbers for their own verdicts (Mailgun 605 to 607: on its suppression lists), other protocols for theirs", "RFC 5321 4.2; vendor usage"},
	7: {"7yz", "", "no standard defines it: the grammar of replies ends with 5", "RFC 5321 4.2"},
	8: {"8yz", "", "no standard defines it: the grammar of replies ends with 5", "RFC 5321 4.2"},
	9: {"9yz", "", "no standard defines it: the grammar of replies ends with 5", "RFC 5321 4.2"},
}

// replySubjects are the second digits.
var replySubjects = [10]Digit{
	0: {"x0z", "syntax", "about the syntax of a command, a command that is not implemented, or one that fits no other group", "RFC 5321 4.2.1"},
	1: {"x1z", "information", "the answer to a request for information, such as status or help", "RFC 5321 4.2.1"},
	2: {"x2z", "connections", "about the connection between client and server", "RFC 5321 4.2.1"},
	3: {"x3z", "unspecified", "left open; the codes of AUTH and STARTTLS are here", "RFC 5321 4.2.1; RFC 4954 6"},
	4: {"x4z", "unspecified", "left open; what is here is vendor usage", "RFC 5321 4.2.1"},
	5: {"x5z", "mail system", "about the receiving mail system and the mailbox", "RFC 5321 4.2.1"},
	6: {"x6z", "", "outside the grammar: only the first digit counts", "RFC 5321 4.2, 4.3.2"},
	7: {"x7z", "", "outside the grammar: only the first digit counts", "RFC 5321 4.2, 4.3.2"},
	8: {"x8z", "", "outside the grammar: only the first digit counts", "RFC 5321 4.2, 4.3.2"},
	9: {"x9z", "", "outside the grammar: only the first digit counts", "RFC 5321 4.2, 4.3.2"},
}

// enhancedClasses are the first numbers of enhanced codes.
var enhancedClasses = [10]Digit{
	2: {"2.x.x", "success", "delivered, or done as asked", "RFC 3463 2"},
	4: {"4.x.x", "persistent transient failure", "valid as it is, but something stands in the way for now: it may go well later", "RFC 3463 2"},
	5: {"5.x.x", "permanent failure", "will not go well in its present form: message, address or configuration has to change", "RFC 3463 2"},
}

// enhancedGroups are the second numbers of enhanced codes.
var enhancedGroups = [...]Digit{
	{"x.0.x", "other or undefined", "nothing is known but the class", "RFC 3463 2"},
	{"x.1.x", "addressing", "about the address of sender or recipient", "RFC 3463 2"},
	{"x.2.x", "mailbox", "about the recipient's mailbox, which exists", "RFC 3463 2"},
	{"x.3.x", "mail system", "about the receiving system as a whole", "RFC 3463 2"},
	{"x.4.x", "network and routing", "about the way there: connection, DNS, loops, time that ran out", "RFC 3463 2"},
	{"x.5.x", "mail delivery protocol", "about the dialogue", "RFC 3463 2"},
	{"x.6.x", "message content or media", "about what the message holds", "RFC 3463 2"},
	{"x.7.x", "security or policy", "about permissions, authentication, encryption and policy", "RFC 3463 2"},
}

// ClassDigit returns what the first digit of a reply code says.
func ClassDigit(first int) Digit { return replyClasses[first] }

// DigitsOf returns what each digit of a reply code of three digits says.
func DigitsOf(c parsers.ReplyCode) []Digit {
	if c > 999 {
		return nil
	}
	first, second, third := c/100, c/10%10, c%10
	list := []Digit{replyClasses[first]}
	if first < 2 || first > 5 {
		return list // the others mean nothing either
	}
	list = append(list, replySubjects[second])
	last := Digit{"xy" + string(rune('0'+third)), "", "tells codes of the same group apart; it has no meaning of its own", "RFC 5321 4.2.1"}
	return append(list, last)
}

// EnhancedDigitsOf returns what class and subject of an enhanced code say, as far as RFC 3463 has them.
func EnhancedDigitsOf(e parsers.EnhancedCode) (list []Digit) {
	if e[0] < 10 && enhancedClasses[e[0]].Text != "" {
		list = append(list, enhancedClasses[e[0]])
	}
	if int(e[1]) < len(enhancedGroups) {
		list = append(list, enhancedGroups[e[1]])
	}
	return list
}

// ReplyCodes returns the codes that are known, in their order.
func ReplyCodes() []ReplyCodeInfo { return replyCodes }

// EnhancedCodes returns the codes that are known, as those of permanent failures, in their order.
func EnhancedCodes() []parsers.EnhancedCode {
	list := make([]parsers.EnhancedCode, len(enhancedCodes))
	for i, r := range enhancedCodes {
		list[i] = parsers.EnhancedCode{5, r.subject, r.detail}
	}
	return list
}
