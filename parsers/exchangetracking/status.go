package exchangetracking

import (
	"strings"

	"bouncelog/parsers"
)

// appendAddresses appends the addresses of a list. A separator in quotes is part of an address.
func appendAddresses(dst []string, list, separators string) []string {
	quoted, start := false, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i < len(list) && list[i] == '"':
			quoted = !quoted
		case i == len(list) || !quoted && strings.IndexByte(separators, list[i]) >= 0:
			if address := strings.TrimSpace(list[start:i]); address != "" {
				dst = append(dst, address)
			}
			start = i + 1
		}
	}
	return dst
}

// appendStatuses appends what is said of each of n recipients, in their order; of all the same where it is said once; and
// nothing where it is not to be told what belongs to whom. A separator ends a status only where another may begin behind
// it: both Exchange and servers write semicolons.
func appendStatuses(dst []string, list, separators string, n int) []string {
	if list == "" || n == 0 {
		return dst
	}
	before := len(dst)
	for start, i := 0, 0; n > 1 && i <= len(list); i++ {
		if i == start && strings.HasPrefix(list[i:], "[{") {
			i += blockLength(list[i:], separators)
		}
		if i < len(list) && (strings.IndexByte(separators, list[i]) < 0 || !startsStatus(list[i+1:], separators)) {
			continue
		}
		if len(dst)-before == n {
			return dst[:before]
		}
		dst = append(dst, list[start:i])
		for start = i + 1; start < len(list) && list[start] == ' '; start++ {
		}
		i = start - 1
	}
	switch len(dst) - before {
	case n:
		return dst
	case 0, 1:
		dst = dst[:before]
		for range n {
			dst = append(dst, list)
		}
		return dst
	}
	return dst[:before]
}

// startsStatus reports whether s begins with a status, or with another separator.
func startsStatus(s, separators string) bool {
	if s = strings.TrimLeft(s, " "); s == "" || strings.IndexByte(separators, s[0]) >= 0 || strings.HasPrefix(s, "[{") {
		return true
	}
	_, ok := parsers.ParseStrictReply(s[:min(len(s), len("550 "))])
	return ok
}

// blockLength returns the length of the `[{LED=…};…;{LRT=…}]` that s begins with: to the first `}]` that a separator or
// nothing follows. A server's text may have brackets of its own.
func blockLength(s, separators string) int {
	for i := 0; ; i += 2 {
		n := strings.Index(s[i:], "}]")
		if n < 0 {
			return len(s)
		}
		if i += n; i+2 == len(s) || strings.IndexByte(separators, s[i+2]) >= 0 {
			return i + 2
		}
	}
}

// A status is what is said of one recipient.
type status struct {
	text     string // the last error
	host, ip string // of the server that said it
}

// readStatus reads a status, which is a reply or, since Exchange 2016, fields in braces: the last error, a message, the
// server's name and address, and when it was tried last.
//
//	[{LED=550 5.1.1 No};{MSG=};{FQDN=mx.example.com};{IP=192.0.2.10};{LRT=11/22/2026 10:00:02 AM}]
//
// The text that the server chose ends before the next of the other fields; of those, the last one of a name counts, which
// a server could not write.
func readStatus(s string) (st status) {
	s, ok := strings.CutPrefix(s, "[{")
	if !ok {
		return status{text: s}
	}
	rest := strings.TrimSuffix(s, "}]")
	var named, addressed bool
	for more := true; more; {
		field := rest
		i := strings.LastIndex(rest, "};{")
		if more = i >= 0; more {
			field, rest = rest[i+len("};{"):], rest[:i]
		}
		switch name, value, _ := strings.Cut(field, "="); {
		case name == "FQDN" && !named:
			st.host, named = value, true
		case name == "IP" && !addressed:
			st.ip, addressed = value, true
		case name == "LED":
			st.text = value
		}
	}
	return st
}

// ownWords begin the text of errors that Exchange finds itself: the component that found it (Microsoft: "NDR error codes in
// Exchange Server").
var ownWords = [...]string{"RESOLVER.", "STOREDRV.", "QUEUE.", "SMTPSEND.", "ROUTING.", "AGENT.", "APPROVAL.", "CAT.", "Message expired"}

// isOwn reports whether Exchange itself is the author of a reply.
func isOwn(r parsers.Reply) bool {
	words := withoutCodes(r)
	for _, w := range ownWords {
		if strings.HasPrefix(words, w) {
			return true
		}
	}
	// Exchange tells of a server that did not answer, or not in time, in the form of a reply.
	return strings.Contains(words, " [LastAttemptedServerName=")
}

// withoutCodes returns what follows the codes of a reply of one line.
func withoutCodes(r parsers.Reply) string {
	words := r.Text[min(len(r.Text), len("550 ")):]
	if code, rest, ok := strings.Cut(words, " "); ok {
		if _, ok = parsers.ParseEnhanced(code); ok {
			return rest
		}
	}
	return words
}

// isExpiry reports whether a reply says that the message was in the queue for too long (RFC 3463 3.5, X.4.7).
func isExpiry(r parsers.Reply) bool {
	words := withoutCodes(r)
	return r.Enhanced[1] == 4 && r.Enhanced[2] == 7 || strings.HasPrefix(words, "QUEUE.Expired") || strings.HasPrefix(words, "Message expired")
}
