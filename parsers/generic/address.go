package generic

import (
	"strings"

	"bouncelog/internal/fields"
)

// cutAddress returns the length of the address that s begins with, without brackets: a local part, in quotes or not, and a
// domain of several labels or an address literal (RFC 5321 4.1.2). It is 0 where there is none.
func cutAddress(s string) int {
	i, ok := fields.QuotedString(s)
	if i == 0 && ok {
		for i < min(len(s), maxLocal) && isLocal(s[i]) {
			i++
		}
	}
	if i == 0 || i >= len(s) || s[i] != '@' {
		return 0
	}
	i++
	if strings.HasPrefix(s[i:], "[") {
		end := strings.IndexByte(s[i:], ']')
		if end < 0 {
			return 0
		}
		return i + end + 1
	}
	start := i
	for i < len(s) && (isWord(s[i]) || s[i] == '-' || s[i] == '.') {
		i++
	}
	for i > start && (s[i-1] == '.' || s[i-1] == '-') {
		i--
	}
	if dot := strings.LastIndexByte(s[start:i], '.'); dot <= 0 || !isLetter(s[i-1]) || i < len(s) && s[i] == '@' {
		return 0
	}
	return i
}

// maxLocal is how long a local part without quotes may be: in campaigns it holds the recipient's address and more.
const maxLocal = 256

// cutBrackets returns the address in the angle brackets that s begins with, and their length; 0 where there is none.
func cutBrackets(s string) (address string, n int) {
	if strings.HasPrefix(s, "<>") {
		return "", len("<>")
	}
	if n = cutAddress(s[1:]); n > 0 && strings.HasPrefix(s[1+n:], ">") {
		return s[1 : 1+n], n + 2
	}
	return "", 0
}

// eachAddress calls f for each address in s, in brackets or not, until it returns false. What is in brackets and no address
// as a whole is none in part.
func eachAddress(s string, f func(address string) bool) {
	for i := 0; i < len(s); {
		if s[i] == '<' {
			address, n := cutBrackets(s[i:])
			if n == 0 {
				if n = strings.IndexByte(s[i:], '>') + 1; n == 0 {
					return
				}
			} else if address != "" && !f(address) {
				return
			}
			i += n
			continue
		}
		if n := cutAddress(s[i:]); n > 0 {
			if !f(s[i : i+n]) {
				return
			}
			i += n
			continue
		}
		for i++; i < len(s) && isLocal(s[i-1]) && s[i] != '"'; i++ {
		}
	}
}

// firstAddress returns the first address in s, empty where there is none.
func firstAddress(s string) (first string) {
	eachAddress(s, func(address string) bool {
		first = address
		return false
	})
	return first
}

// setRelay reads a server: `mx1.example.com[192.0.2.10]:25`, `mx1.example.com. [192.0.2.10]`, `192.0.2.10 (mx1.example.com)`,
// a name or an address alone. What s goes on with does not matter.
func (r *reading) setRelay(s string) {
	if r.relayHost != "" || r.relayIP != "" {
		return
	}
	s = strings.TrimLeft(s, `"'`)
	n := 0
	for n < len(s) && (isWord(s[n]) || s[n] == '-' || s[n] == '.' || s[n] == ':') {
		n++
	}
	name, rest := strings.TrimRight(s[:n], ":."), s[n:]
	if fields.IsAddress(name) {
		r.relayIP = name
		if host, ok := strings.CutPrefix(rest, " ("); ok {
			if end := strings.IndexByte(host, ')'); end >= 0 && isHost(host[:end]) {
				r.relayHost = host[:end]
			}
		}
		return
	}
	name, port, _ := strings.Cut(name, ":")
	ip, ok := strings.CutPrefix(strings.TrimPrefix(rest, " "), "[")
	if end := strings.IndexByte(ip, ']'); ok && end >= 0 && fields.IsAddress(ip[:end]) {
		r.relayIP = ip[:end]
		if port, ok = strings.CutPrefix(ip[end+1:], ":"); ok {
			port = port[:len(port)-len(strings.TrimLeft(port, "0123456789"))]
		}
	} else if !isHost(name) {
		return
	}
	r.relayHost = name
	r.relayPort = fields.Port(port)
}

// isBracketed reports whether s begins with an IP address in brackets.
func isBracketed(s string) bool {
	ip, ok := strings.CutPrefix(strings.TrimPrefix(s, " "), "[")
	end := strings.IndexByte(ip, ']')
	return ok && end >= 0 && fields.IsAddress(ip[:end])
}

// isHost reports whether s may be the name of a server: of several labels, the last of letters.
func isHost(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '-' && s[i] != '.' {
			return false
		}
	}
	return strings.IndexByte(s, '.') > 0 && isLetter(s[len(s)-1])
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// isLetter counts what is not ASCII among the letters (RFC 6531).
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' }

// isLocal reports whether c may be in a local part without quotes (RFC 5321 4.1.2), but for what separates fields in logs
// more often.
func isLocal(c byte) bool {
	return isWord(c) || strings.IndexByte("+-.=%#&~!$", c) >= 0
}
