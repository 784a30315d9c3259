package classify

import (
	"cmp"
	"slices"

	"bouncelog/parsers"
)

// A Standing says how far the meaning of a reply code can be trusted.
type Standing uint8

// The standings, from the best to the weakest.
const (
	Standard   Standing = iota + 1 // an RFC in force defines it
	Associated                     // no RFC defines it; the registry of enhanced codes names it as the code of one of them
	Obsolete                       // of historic or very limited use, or from a draft that expired
	Vendor                         // one vendor's, or folklore: trust the text first
)

var standingNames = [...]string{"", "standard", "associated", "obsolete", "vendor"}

func (s Standing) String() string { return standingNames[s] }

// A ReplyCodeInfo is what is known of one reply code.
type ReplyCodeInfo struct {
	Code       parsers.ReplyCode
	Standing   Standing
	Registered bool   // an RFC or the IANA registry names it
	Source     string // where it is defined, or who uses it
	Meaning    string // in our words
}

// LookupReplyCode returns what is known of c, and whether c is known at all.
func LookupReplyCode(c parsers.ReplyCode) (ReplyCodeInfo, bool) {
	i, ok := slices.BinarySearchFunc(replyCodes, c, func(r ReplyCodeInfo, c parsers.ReplyCode) int { return cmp.Compare(r.Code, c) })
	if !ok {
		return ReplyCodeInfo{}, false
	}
	return replyCodes[i], true
}

// DescribeReplyCode returns the meaning of c in one line: that of the table, else what its digits say (RFC 5321 4.2.1),
// else that it is no reply code of SMTP. It is empty for zero.
func DescribeReplyCode(c parsers.ReplyCode) string {
	if r, ok := LookupReplyCode(c); ok {
		return r.Meaning
	}
	switch {
	case c == 0:
		return ""
	case c < 100 || c > 999:
		return "not a reply code: it has not three digits"
	case c < 200:
		return "not a reply in SMTP: the preliminary replies of RFC 821 were never used"
	case c > 599:
		return "not an SMTP reply code: a number of a sending service's own, or of another protocol"
	}
	kind := replyKinds[c/100]
	if group := replyGroups[c/10%10]; group != "" {
		return kind + ", " + group + "; not a listed code"
	}
	return kind + "; outside the grammar of RFC 5321 4.2, only the first digit counts"
}

// replyKinds are the first digits, RFC 5321 4.2.1.
var replyKinds = [...]string{2: "success", 3: "go on", 4: "transient failure", 5: "permanent failure"}

// replyGroups are the second digits, RFC 5321 4.2.1. x3z is unspecified there and taken by AUTH (RFC 4954 6), x4z is
// unspecified; beyond x5z there is no grammar.
var replyGroups = [10]string{"syntax", "information", "connection", "authentication", "unspecified group", "mail system"}

// replyCodes is sorted by code. Where a source has no section, the whole of it is about the code.
var replyCodes = []ReplyCodeInfo{
	{211, Standard, true, "RFC 5321 4.2.3", "system status or help"},
	{214, Standard, true, "RFC 5321 4.2.3", "help text for people"},
	{220, Standard, true, "RFC 5321 4.2.3; RFC 3207 4", "server is ready: its greeting, or go ahead with TLS"},
	{221, Standard, true, "RFC 5321 4.2.3", "server closes the connection as asked"},
	{235, Standard, true, "RFC 4954 6", "login accepted"},
	{240, Vendor, false, "field use: Hushmail", "server closes the connection as asked"},
	{250, Standard, true, "RFC 5321 4.2.3", "command completed"},
	{251, Standard, true, "RFC 5321 4.2.3", "user is not local, the server will forward"},
	{252, Standard, true, "RFC 5321 4.2.3", "user cannot be verified, delivery will be tried"},
	{253, Obsolete, true, "RFC 1985", "ETRN: so many messages are waiting"},
	{334, Standard, true, "RFC 4954 4", "next challenge of a login"},
	{354, Standard, true, "RFC 5321 4.2.3", "send the message now"},
	{420, Vendor, false, "field use", "connection timed out"},
	{421, Standard, true, "RFC 5321 4.2.3", "service not available, connection closes; in practice also the code of throttling"},
	{422, Associated, true, "IANA enhanced status codes X.7.12", "password has to be changed; in the field also mailbox full or licence expired"},
	{430, Associated, true, "IANA enhanced status codes X.5.1", "command refused in this state of login or dialogue"},
	{431, Vendor, false, "field use", "server is out of disk or memory"},
	{432, Standard, true, "RFC 4954 6", "password has to be changed; Exchange: recipient's queue stopped or too many connections"},
	{441, Vendor, false, "field use", "recipient's server does not answer"},
	{442, Vendor, false, "field use", "connection dropped"},
	{446, Vendor, false, "field use", "too many hops: a loop"},
	{447, Vendor, false, "field use", "message timed out"},
	{449, Vendor, false, "field use", "routing error"},
	{450, Standard, true, "RFC 5321 4.2.3", "mailbox not available for now: busy, or held back by policy"},
	{451, Standard, true, "RFC 5321 4.2.3", "error in processing; also the usual code of greylisting"},
	{452, Standard, true, "RFC 5321 4.2.3, 4.5.3.1.10", "storage is short, or too many recipients at once"},
	{453, Obsolete, true, "RFC 2645; IANA enhanced status codes X.3.2", "on-demand relay: no mail waiting; system does not accept mail now"},
	{454, Standard, true, "RFC 4954 6; RFC 3207 4", "login or TLS not available just now"},
	{455, Standard, true, "RFC 5321 4.2.3", "parameters cannot be honoured now"},
	{456, Obsolete, false, "draft-martin, expired", "try again over IPv4"},
	{458, Obsolete, true, "RFC 1985", "ETRN: messages cannot be queued for this node"},
	{459, Obsolete, true, "RFC 1985", "ETRN: node not allowed"},
	{471, Vendor, false, "field use", "error in the server's spam or virus filter"},
	{498, Vendor, false, "field use", "no MX found for the domain"},
	{500, Standard, true, "RFC 5321 4.2.3", "command not recognised, or line too long"},
	{501, Standard, true, "RFC 5321 4.2.3", "syntax error in an argument, often the HELO name or the sender"},
	{502, Standard, true, "RFC 5321 4.2.3, 4.2.4", "command not implemented"},
	{503, Standard, true, "RFC 5321 4.2.3", "bad sequence of commands, often a login is wanted first"},
	{504, Standard, true, "RFC 5321 4.2.3; RFC 4954 4", "parameter or mechanism not implemented"},
	{505, Vendor, false, "field use", "account suspended"},
	{510, Vendor, false, "field use", "bad address"},
	{511, Vendor, false, "field use", "bad address"},
	{512, Vendor, false, "field use", "recipient's domain is not in the DNS"},
	{513, Vendor, false, "field use", "type of address not supported"},
	{515, Vendor, false, "field use", "destination mailbox address invalid"},
	{517, Vendor, false, "field use", "problem with the sender's address"},
	{520, Obsolete, false, "draft on QUICKSTART, expired", "QHLO argument is not the one expected"},
	{521, Standard, true, "RFC 7504; RFC 1846", "host never accepts mail; in practice also the code of blocklists"},
	{522, Vendor, false, "field use", "mailbox is full"},
	{523, Associated, true, "IANA enhanced status codes X.7.10", "encryption needed; in the field also message too big"},
	{524, Associated, true, "IANA enhanced status codes X.7.11", "mechanism of login needs encryption"},
	{525, Associated, true, "IANA enhanced status codes X.7.13", "account disabled"},
	{530, Standard, true, "RFC 4954 6; RFC 3207 4", "login or STARTTLS wanted first"},
	{533, Associated, true, "IANA enhanced status codes X.7.1", "not authorised"},
	{534, Standard, true, "RFC 4954 6", "mechanism of login is too weak"},
	{535, Standard, true, "RFC 4954 6", "credentials invalid"},
	{538, Obsolete, true, "RFC 4954 6", "mechanism of login needs encryption"},
	{540, Vendor, false, "field use: Rambler", "recipient inactive or blocked"},
	{541, Vendor, false, "field use: Zoho, MessageLabs", "refused by the recipient's filter"},
	{542, Vendor, false, "field use", "recipient unknown or refused"},
	{543, Vendor, false, "field use", "loop or routing error"},
	{546, Vendor, false, "field use", "loop or routing error"},
	{550, Standard, true, "RFC 5321 4.2.3", "mailbox unavailable: not found, no access, or refused by policy"},
	{551, Standard, true, "RFC 5321 4.2.3", "user is not local, try elsewhere"},
	{552, Standard, true, "RFC 5321 4.2.3; RFC 1870 6", "storage exceeded: mailbox full or message too big"},
	{553, Standard, true, "RFC 5321 4.2.3", "mailbox name not allowed"},
	{554, Standard, true, "RFC 5321 4.2.3, 3.1", "transaction failed; as a greeting: no service for you"},
	{555, Standard, true, "RFC 5321 4.2.3", "parameters of MAIL or RCPT not recognised"},
	{556, Standard, true, "RFC 7504", "domain accepts no mail"},
	{557, Obsolete, false, "draft-moore on address queries, expired", "meaning never settled"},
	{559, Vendor, false, "field use", "refused, the text says why"},
	{571, Vendor, false, "field use", "refused by policy, as spam, or for want of reverse DNS"},
	{573, Vendor, false, "field use", "refused, the text says why"},
	{577, Vendor, false, "field use", "refused, the text says why"},
	{585, Vendor, false, "field use", "recipient unknown"},
	{591, Vendor, false, "field use", "sender's host is on a blocklist"},
}
