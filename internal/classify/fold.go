package classify

import (
	"strings"
	"unicode/utf8"

	"bouncelog/parsers"
)

// maxText is how much of a reply is looked at. Exim keeps 1024 bytes and Postfix about 2000; what decides comes early.
const maxText = 4 << 10

// appendFolded appends a reply's text to dst as rules see it: in lower case (A to Z only), with every run of blanks and line
// ends as one blank, the codes that begin continued lines taken out, and the quotes of word processors as those of ASCII.
func appendFolded(dst []byte, s string) []byte {
	s = s[:min(len(s), maxText)]
	start := len(dst)
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c|0x20)
		case c == '\\' && i+1 < len(s) && s[i+1] == 'n' && lineBegins(s[i+2:]): // Exim's line end
			i += 2
			dst = appendBlank(dst, start)
			continue
		case c <= ' ' || c == 0x7f:
			dst = appendBlank(dst, start)
		case c < utf8.RuneSelf:
			if c <= '9' && c >= '2' && (len(dst) == start || dst[len(dst)-1] == ' ') {
				if n := continuation(s[i:]); n > 0 && len(dst) > start {
					i += n
					continue
				}
			}
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			switch r {
			case '\u2018', '\u2019', '\u00b4':
				dst = append(dst, '\'')
			case '\u201c', '\u201d':
				dst = append(dst, '"')
			case '\u00a0', '\u2028', '\u3000':
				dst = appendBlank(dst, start)
			case '\u2013', '\u2014':
				dst = append(dst, '-')
			default:
				dst = append(dst, s[i:i+n]...)
			}
			i += n
			continue
		}
		i++
	}
	for len(dst) > start && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func appendBlank(dst []byte, start int) []byte {
	if len(dst) > start && dst[len(dst)-1] != ' ' {
		dst = append(dst, ' ')
	}
	return dst
}

// lineBegins reports whether s begins like a line of a reply.
func lineBegins(s string) bool { return s == "" || continuation(s) > 0 || len(s) >= 3 && beginsCode(s) }

// continuation returns the length of what begins a continued line of a reply, `550-5.1.1 `, zero where s does not begin so.
// With the code's hyphen alone it could be a telephone number: an enhanced code or a word has to follow.
func continuation(s string) int {
	if len(s) < 5 || !beginsCode(s) || s[3] != '-' {
		return 0
	}
	n := 4
	if '2' <= s[4] && s[4] <= '5' {
		e := strings.IndexByte(s[4:min(len(s), 16)], ' ')
		if e < 5 || strings.Trim(s[4:4+e], "0123456789.") != "" || strings.Count(s[4:4+e], ".") != 2 {
			return 0
		}
		n += e + 1
	}
	return n
}

func beginsCode(s string) bool {
	return len(s) >= 3 && '2' <= s[0] && s[0] <= '5' && '0' <= s[1] && s[1] <= '9' && '0' <= s[2] && s[2] <= '9'
}

// innerAnchors stand before the reply of another server that a reply quotes.
var innerAnchors = []string{"said: ", "unknown address error ", "response was: ", "response: ", "replied: ", "returned: ", "last error: ", "(last reply: ", "minutes.<"}

// innerReply returns the codes of the reply that a folded text quotes, from a server behind the one that answered: IronPort
// and SES quote the whole of it, in quotes or angle brackets. Zero where there is none.
func innerReply(text string) (code parsers.ReplyCode, enhanced parsers.EnhancedCode) {
	for _, anchor := range innerAnchors {
		at := strings.LastIndex(text, anchor)
		if at <= 0 {
			continue
		}
		inner := strings.TrimLeft(text[at+len(anchor):], "'\"<( ")
		if len(inner) > 4 && beginsCode(inner) && (inner[3] == '-' || inner[3] == ' ') {
			// `550-'5.1.1 …'` is a code and a text in quotes, not a line that goes on.
			r, ok := parsers.ParseReply(inner[:3] + " " + strings.TrimLeft(inner[4:], "'\"<( "))
			if ok {
				return r.Code, r.Enhanced
			}
		}
	}
	return 0, parsers.EnhancedCode{}
}
