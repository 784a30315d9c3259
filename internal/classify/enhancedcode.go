package classify

import (
	"cmp"
	"slices"

	"bouncelog/parsers"
)

// An EnhancedCodeInfo is what is known of one enhanced status code.
type EnhancedCodeInfo struct {
	Class      string // word for the class, RFC 3463 2; the same for unregistered codes
	Subject    string // word for the subject, RFC 3463 2; the same for unregistered codes
	Text       string // as registered
	Basic      string // the associated basic reply codes as registered, empty where the registry gives none
	Source     string // the RFC that defines it
	Registered bool   // false for codes that are in use without being in the registry
}

// LookupEnhancedCode returns what is known of e, and whether the code itself is known. Of an unknown code, class and
// subject are still told, as far as RFC 3463 has them. The class digit is no part of the registry: X.1.1 is registered for
// 2, 4 and 5 alike.
func LookupEnhancedCode(e parsers.EnhancedCode) (EnhancedCodeInfo, bool) {
	info := EnhancedCodeInfo{Class: enhancedClassWord(e[0])}
	if info.Class == "" {
		return EnhancedCodeInfo{}, false
	}
	if int(e[1]) < len(enhancedSubjects) {
		info.Subject = enhancedSubjects[e[1]]
	}
	i, ok := slices.BinarySearchFunc(enhancedCodes, e, func(r enhancedRow, e parsers.EnhancedCode) int {
		return cmp.Or(cmp.Compare(r.subject, e[1]), cmp.Compare(r.detail, e[2]))
	})
	if !ok {
		return info, false
	}
	r := &enhancedCodes[i]
	info.Text, info.Basic, info.Source, info.Registered = r.text, r.basic, r.source, !r.unregistered
	return info, true
}

func enhancedClassWord(class uint16) string {
	switch class {
	case 2:
		return "success"
	case 4:
		return "persistent transient failure"
	case 5:
		return "permanent failure"
	}
	return ""
}

// enhancedSubjects are the subject words of RFC 3463 2.
var enhancedSubjects = [...]string{
	"other or undefined", "addressing", "mailbox", "mail system", "network and routing", "mail delivery protocol",
	"message content or media", "security or policy",
}

type enhancedRow struct {
	subject, detail     uint16
	text, basic, source string
	unregistered        bool
}

// enhancedCodes is the registry of enumerated status codes (RFC 5248; IANA, state of 2024-12-06), sorted by subject and
// detail. Its source `IANA` stands where the registry's own reference is not known to us.
var enhancedCodes = []enhancedRow{
	{0, 0, "Other undefined Status", "Any", "RFC 3463 3.1", false},

	{1, 0, "Other address status", "", "RFC 3463 3.2", false},
	{1, 1, "Bad destination mailbox address", "451, 550", "RFC 3463 3.2", false},
	{1, 2, "Bad destination system address", "", "RFC 3463 3.2", false},
	{1, 3, "Bad destination mailbox address syntax", "501", "RFC 3463 3.2", false},
	{1, 4, "Destination mailbox address ambiguous", "", "RFC 3463 3.2", false},
	{1, 5, "Destination address valid", "250", "RFC 3463 3.2", false},
	{1, 6, "Destination mailbox has moved, No forwarding address", "", "RFC 3463 3.2", false},
	{1, 7, "Bad sender's mailbox address syntax", "", "RFC 3463 3.2", false},
	{1, 8, "Bad sender's system address", "451, 501", "RFC 3463 3.2", false},
	{1, 9, "Message relayed to non-compliant mailer", "", "RFC 3886", false},
	{1, 10, "Recipient address has null MX", "556", "RFC 7505", false},

	{2, 0, "Other or undefined mailbox status", "", "RFC 3463 3.3", false},
	{2, 1, "Mailbox disabled, not accepting messages", "", "RFC 3463 3.3", false},
	{2, 2, "Mailbox full", "552", "RFC 3463 3.3", false},
	{2, 3, "Message length exceeds administrative limit", "552", "RFC 3463 3.3", false},
	{2, 4, "Mailing list expansion problem", "450, 452", "RFC 3463 3.3", false},

	{3, 0, "Other or undefined mail system status", "221, 250, 421, 451, 550, 554", "RFC 3463 3.4", false},
	{3, 1, "Mail system full", "452", "RFC 3463 3.4", false},
	{3, 2, "System not accepting network messages", "453, 521", "RFC 3463 3.4", false},
	{3, 3, "System not capable of selected features", "", "RFC 3463 3.4", false},
	{3, 4, "Message too big for system", "552, 554", "RFC 3463 3.4", false},
	{3, 5, "System incorrectly configured", "", "RFC 3463 3.4", false},
	{3, 6, "Requested priority was changed", "250, 251", "RFC 6710", false},

	{4, 0, "Other or undefined network or routing status", "", "RFC 3463 3.5", false},
	{4, 1, "No answer from host", "451", "RFC 3463 3.5", false},
	{4, 2, "Bad connection", "421", "RFC 3463 3.5", false},
	{4, 3, "Directory server failure", "451, 550", "RFC 3463 3.5", false},
	{4, 4, "Unable to route", "", "RFC 3463 3.5", false},
	{4, 5, "Mail system congestion", "451", "RFC 3463 3.5", false},
	{4, 6, "Routing loop detected", "", "RFC 3463 3.5", false},
	{4, 7, "Delivery time expired", "", "RFC 3463 3.5", false},
	{4, 8, "MTA-STS validation failed, or try again over IPv4", "", "field use: Microsoft, draft-martin", true},

	{5, 0, "Other or undefined protocol status", "220, 250, 251, 252, 253, 451, 452, 454, 458, 459, 501, 502, 503, 554", "RFC 3463 3.6", false},
	{5, 1, "Invalid command", "430, 500, 501, 503, 530, 550, 554, 555", "RFC 3463 3.6", false},
	{5, 2, "Syntax error", "500, 501, 502, 550, 555", "RFC 3463 3.6", false},
	{5, 3, "Too many recipients", "451", "RFC 3463 3.6", false},
	{5, 4, "Invalid command arguments", "451, 501, 502, 503, 504, 550, 555", "RFC 3463 3.6", false},
	{5, 5, "Wrong protocol version", "", "RFC 3463 3.6", false},
	{5, 6, "Authentication Exchange line is too long", "500", "RFC 4954 6", false},

	{6, 0, "Other or undefined media error", "", "RFC 3463 3.7", false},
	{6, 1, "Media not supported", "", "RFC 3463 3.7", false},
	{6, 2, "Conversion required and prohibited", "", "RFC 3463 3.7", false},
	{6, 3, "Conversion required but not supported", "554", "RFC 3463 3.7", false},
	{6, 4, "Conversion with loss performed", "250", "RFC 3463 3.7", false},
	{6, 5, "Conversion Failed", "", "RFC 3463 3.7", false},
	{6, 6, "Message content not available", "554", "RFC 4468", false},
	{6, 7, "Non-ASCII addresses not permitted for that sender/recipient", "550, 553", "RFC 6531", false},
	{6, 8, "UTF-8 string reply is required, but not permitted by the SMTP client", "252, 550, 553", "RFC 6531", false},
	{6, 9, "UTF-8 header message cannot be transferred to one or more recipients, so the message must be rejected", "550", "RFC 6531", false},
	{6, 10, "This is a duplicate of X.6.8 and is thus deprecated", "", "RFC 6531", false},

	{7, 0, "Other or undefined security status", "220, 235, 450, 454, 500, 501, 503, 504, 530, 535, 550", "RFC 3463 3.8", false},
	{7, 1, "Delivery not authorized, message refused", "451, 454, 502, 503, 533, 550, 551", "RFC 3463 3.8", false},
	{7, 2, "Mailing list expansion prohibited", "550", "RFC 3463 3.8", false},
	{7, 3, "Security conversion required but not possible", "", "RFC 3463 3.8", false},
	{7, 4, "Security features not supported", "504", "RFC 3463 3.8", false},
	{7, 5, "Cryptographic failure", "", "RFC 3463 3.8", false},
	{7, 6, "Cryptographic algorithm not supported", "", "RFC 3463 3.8", false},
	{7, 7, "Message integrity failure", "", "RFC 3463 3.8", false},
	{7, 8, "Authentication credentials invalid", "535, 554", "RFC 4954 6", false},
	{7, 9, "Authentication mechanism is too weak", "534", "RFC 4954 6", false},
	{7, 10, "Encryption Needed", "523", "RFC 5248", false},
	{7, 11, "Encryption required for requested authentication mechanism", "524, 538", "RFC 4954 6", false},
	{7, 12, "A password transition is needed", "422, 432", "RFC 4954 6", false},
	{7, 13, "User Account Disabled", "525", "RFC 5248", false},
	{7, 14, "Trust relationship required", "535, 554", "RFC 5248", false},
	{7, 15, "Priority Level is too low", "450, 550, other 4XX or 5XX", "RFC 6710", false},
	{7, 16, "Message is too big for the specified priority", "552, other 4XX or 5XX", "RFC 6710", false},
	{7, 17, "Mailbox owner has changed", "5XX", "RFC 7293", false},
	{7, 18, "Domain owner has changed", "5XX", "RFC 7293", false},
	{7, 19, "RRVS test cannot be completed", "5XX", "RFC 7293", false},
	{7, 20, "No passing DKIM signature found", "550", "RFC 7372", false},
	{7, 21, "No acceptable DKIM signature found", "550", "RFC 7372", false},
	{7, 22, "No valid author-matched DKIM signature found", "550", "RFC 7372", false},
	{7, 23, "SPF validation failed", "550", "RFC 7372", false},
	{7, 24, "SPF validation error", "451, 550", "RFC 7372", false},
	{7, 25, "Reverse DNS validation failed", "550", "RFC 7372", false},
	{7, 26, "Multiple authentication checks failed", "550", "RFC 7372", false},
	{7, 27, "Sender address has null MX", "550", "RFC 7505", false},
	{7, 28, "Mail flood detected", "", "IANA", false},
	{7, 29, "ARC validation failure", "550", "RFC 8617", false},
	{7, 30, "REQUIRETLS support required", "550", "RFC 8689", false},
}
