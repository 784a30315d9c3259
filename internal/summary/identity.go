package summary

import "bouncelog/parsers"

// identity returns the addresses by which an attempt's recipient is told from the message's others, the second empty where
// one is enough. Some logs write the same recipient in several ways: Exim a local part alone where a mailbox took the
// message, and the unquoted form, in lower case, once a router has seen the address. Then the original recipient is all.
func identity(a *parsers.Attempt) (recipient, original string) {
	if a.OriginalRecipient != "" && sameMailbox(a.Recipient, a.OriginalRecipient) {
		return a.OriginalRecipient, ""
	}
	return a.Recipient, a.OriginalRecipient
}

// sameMailbox reports whether address is original but for case and quotes, and maybe the domain.
func sameMailbox(address, original string) bool {
	inside := false
	j := 0
	for i := 0; i < len(original); i++ {
		c := original[i]
		switch {
		case c == '"':
			inside = !inside
			continue
		case c == '\\' && inside && i+1 < len(original):
			i++
			c = original[i]
		case c == '@' && !inside && j == len(address):
			return j > 0
		}
		if j == len(address) || lower(address[j]) != lower(c) {
			return false
		}
		j++
	}
	return j == len(address)
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}
