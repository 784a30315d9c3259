package exim

import (
	"strings"

	"bouncelog/internal/fields"
)

// cutAddresses cuts the addresses that a record is about from the front of s (Exim: src/deliver.c, string_log_address):
//
//	FINAL [(PARENT, …)] [<ORIGINAL>]
//
// FINAL is the address delivered to, in its unquoted form: `a b@example.net <"a b"@example.net>`. It is a local part alone
// where a mailbox took the message, or `|command`, `/file`, `>reply`. ORIGINAL is the envelope's recipient, where it
// differs. PARENT are addresses between them.
//
// So a sender who quotes may put blanks, and with them anything, into FINAL; that is told by ORIGINAL, which must be the
// same but for the quotes.
func cutAddresses(s string) (final, original, rest string, ok bool) {
	n := wordLen(s)
	for i := n; ; {
		j := strings.IndexByte(s[i:], '"')
		if j < 0 {
			break
		}
		if i += j; i > n+1 && s[i-2] == ' ' && s[i-1] == '<' {
			if end := sameAddress(s[:i-2], s[i:]); end > 0 {
				return s[:i-2], s[i : i+end], s[i+end+1:], true
			}
		}
		i++
	}
	switch {
	case n == 0:
		return "", "", s, false
	case strings.IndexByte("|/>:", s[0]) >= 0, strings.HasPrefix(s, "save "):
		return cutCommand(s)
	case s[0] == '"': // before it was taken apart: `** "a b"@example.net: retry timeout exceeded`
		if n, ok = fields.QuotedString(s); !ok {
			return "", "", s, false
		}
		n += wordLen(s[n:])
	}
	if n > 1 && s[n-1] == ':' {
		n--
	}
	final, rest = s[:n], s[n:]
	if inside, found := strings.CutPrefix(rest, " <"); found {
		original, rest, ok = cutBracket(inside)
		return final, original, rest, ok
	}
	if strings.HasPrefix(rest, " (") {
		for at := rest; ; {
			_, inside, found := strings.Cut(at, ") <")
			if !found {
				break
			}
			if original, rest, ok := cutBracket(inside); ok && startsField(rest) {
				return final, original, rest, true
			}
			at = inside
		}
	}
	if !startsField(rest) {
		if final, original, rest, ok := cutCommand(s); ok {
			return final, original, rest, ok
		}
	}
	return final, "", rest, true
}

// cutCommand is cutAddresses for what may have blanks in it without being quoted. ORIGINAL always follows it.
func cutCommand(s string) (final, original, rest string, ok bool) {
	for i := 0; ; {
		j := strings.Index(s[i:], " <")
		if j < 0 {
			break
		}
		i += j
		original, rest, ok = cutBracket(s[i+len(" <"):])
		// A command may read from a file: `|/usr/bin/x < /dev/null <a@example.com>`.
		if redirects := strings.HasPrefix(original, " "); ok && !redirects && startsField(rest) {
			final = s[:i]
			if j := strings.LastIndex(final, " ("); j > 0 && final[i-1] == ')' && strings.IndexByte(final[j:], '@') > 0 {
				final = final[:j]
			}
			return final, original, rest, true
		}
		i++
	}
	if n := wordLen(s); startsField(s[n:]) {
		return s[:n], "", s[n:], true
	}
	return "", "", s, false
}

// startsField reports whether s may follow the addresses.
func startsField(s string) bool {
	if s == "" || s[0] == ':' {
		return true
	}
	if len(s) < 3 || s[0] != ' ' {
		return false
	}
	return s[2] == '=' && strings.IndexByte("FQPRTSH", s[1]) >= 0 || s[1] == ':' ||
		strings.HasPrefix(s, " defer (") || strings.HasPrefix(s, " routing defer (")
}

// cutBracket cuts an address from the front of s, which ends at a `>` outside quotes.
func cutBracket(s string) (address, rest string, ok bool) {
	i, _ := fields.QuotedString(s)
	n := strings.IndexByte(s[i:], '>')
	if n < 0 {
		return "", s, false
	}
	return s[:i+n], s[i+n+1:], true
}

// sameAddress returns the length of the address that s begins with, a quoted local part and a domain, where it is final but
// for the quotes, case, and the domain, which final may lack; 0 where it is not.
func sameAddress(final, s string) int {
	end, ok := fields.QuotedString(s)
	if !ok {
		return 0
	}
	j := 0
	for i := 1; i < end-1; i++ {
		if s[i] == '\\' {
			i++
		}
		if j == len(final) || lower(final[j]) != lower(s[i]) {
			return 0
		}
		j++
	}
	domain := strings.IndexByte(s[end:], '>')
	if domain < 0 || j < len(final) && !strings.EqualFold(final[j:], s[end:end+domain]) {
		return 0
	}
	return end + domain
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}
