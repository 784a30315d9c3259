package exim

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A route is what the fields of a record say besides what an attempt holds.
type route struct {
	router, transport string
	confirmation      string // C="…": what the server said of the message; escaped
	cut               bool   // its end is missing
}

// cutFields reads the fields that s begins with, each with a blank in front, and returns what follows them: nothing, or
// what is no field. There are many, of which the log_selector decides, and their order is not the same in all versions, so
// one that is not known is passed over.
func cutFields(ev *parsers.Event, s string, r *route) string {
	a := &ev.Attempt
	for len(s) > 1 && s[0] == ' ' && s[1] != ':' {
		t := s[1:]
		n := wordLen(t)
		if n > 0 && t[n-1] == ':' { // the message follows
			n--
		}
		word, rest := t[:n], t[n:]
		i := strings.IndexByte(word, '=')
		if i < 0 {
			if !isMark(word) {
				return s
			}
			s = rest
			continue
		}
		value := word[i+1:]
		switch word[:i] {
		case "R":
			r.router = value
		case "T":
			r.transport = value
		case "H":
			a.RelayHost = value
			if strings.HasPrefix(rest, " DS [") { // the name was found through DNSSEC
				rest = rest[len(" DS"):]
			}
			if strings.HasPrefix(rest, " [") {
				a.RelayIP, a.RelayPort, rest = cutIP(rest[1:])
			}
		case "I":
			a.SourceIP, _, _ = cutIP(value)
		case "F":
			if inside, ok := strings.CutPrefix(t, "F=<"); ok {
				if inside, rest, ok = cutBracket(inside); !ok {
					return s
				}
				ev.Sender = parsers.Sender(inside)
			}
		case "P":
			if inside, ok := strings.CutPrefix(t, "P=<"); ok {
				if _, rest, ok = cutBracket(inside); !ok {
					return s
				}
			}
		case "C":
			if inside, ok := strings.CutPrefix(t, `C="`); ok {
				r.confirmation, rest, ok = cutQuoted(inside)
				r.cut = !ok
			}
		case "DN":
			if inside, ok := strings.CutPrefix(t, `DN="`); ok {
				rest = afterName(inside)
			}
		case "ST": // a shadow transport, and what became of it
			if strings.HasPrefix(rest, " (") {
				_, rest, _ = strings.Cut(rest, ")")
			}
		case "DT":
			a.XDelay, _ = fields.Units(value)
		case "QT":
			a.Delay, _ = fields.Units(value)
		default:
			if !isKey(word[:i]) {
				return s
			}
		}
		s = rest
	}
	return s
}

// isMark reports whether a word is a field without a value: pipelining, PRDR, BDAT, TCP fast open.
func isMark(word string) bool {
	switch word {
	case "L", "L*", "L.", "L-", "PRDR", "K", "TFO*", "TFO**":
		return true
	}
	return false
}

// isKey reports whether a word may be the key of a field that cutFields does not read.
func isKey(word string) bool {
	for i := range len(word) {
		if !isAlnum(word[i]) {
			return false
		}
	}
	return word != ""
}

// cutIP cuts `[192.0.2.1]:25*` from the front of s: the port where it is logged, a star where the connection had been used
// before.
func cutIP(s string) (ip string, port uint16, rest string) {
	if s == "" || s[0] != '[' {
		return "", 0, s
	}
	i := strings.IndexByte(s, ']')
	if i < 0 {
		return "", 0, s
	}
	ip, rest = s[1:i], s[i+1:]
	if len(rest) > 1 && rest[0] == ':' && isDigit(rest[1]) {
		var n int
		if n, rest = cutNumber(rest[1:]); n < 1<<16 {
			port = uint16(n)
		}
	}
	return ip, port, strings.TrimPrefix(rest, "*")
}

// cutQuoted cuts a text from the front of s that ends at a quote without a backslash. Without that it is all of s, and ok
// is false.
func cutQuoted(s string) (text, rest string, ok bool) {
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], '"')
		if j < 0 {
			return s, "", false
		}
		i += j
		escapes := 0
		for escapes < i && s[i-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return s[:i], s[i+1:], true
		}
	}
}

// afterName returns what follows a certificate's name that s begins with. Quotes in it are not escaped, so it ends at the
// first one behind which the line may go on. Without that there is nothing behind it.
func afterName(s string) string {
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return ""
		}
		if s = s[i+1:]; s == "" || s[0] == ':' || s[0] == ' ' && followsName(s[1:]) {
			return s
		}
	}
}

func followsName(s string) bool {
	word := s[:wordLen(s)]
	i := strings.IndexByte(word, '=')
	return word == ":" || isMark(word) || i > 0 && isKey(word[:i]) || word == "rejected" || word == "temporarily"
}
