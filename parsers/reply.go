package parsers

import (
	"strconv"
	"strings"
)

// A ReplyCode is the three digits of an SMTP reply (RFC 5321 4.2). Zero: none logged.
type ReplyCode uint16

// Class returns what the first digit says (RFC 5321 4.2.1), the one part of a code that binds whoever does not know the
// rest (RFC 5321 4.3.2). A 3xx is the middle of a dialogue and has no class.
func (c ReplyCode) Class() Class { return classOf(uint16(c) / 100) }

// String returns c in digits, empty where c is zero.
func (c ReplyCode) String() string {
	if c == 0 {
		return ""
	}
	return strconv.Itoa(int(c))
}

// AppendTo appends what String returns to dst.
func (c ReplyCode) AppendTo(dst []byte) []byte {
	if c == 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(c), 10)
}

// An EnhancedCode is class.subject.detail (RFC 3463 2; registry RFC 5248). The zero value: none logged.
type EnhancedCode [3]uint16

// ParseEnhanced parses all of s as an enhanced code, as in Postfix's dsn=. A number may have leading zeros, which RFC 3463
// 2 forbids and Postfix lets pass (Postfix: global/dsn_util.c).
func ParseEnhanced(s string) (EnhancedCode, bool) {
	e, n := cutEnhanced(s)
	if n == 0 || n != len(s) {
		return EnhancedCode{}, false
	}
	return e, true
}

// IsZero reports whether there is no code.
func (e EnhancedCode) IsZero() bool { return e == EnhancedCode{} }

// Class returns what the first number says (RFC 3463 3.1).
func (e EnhancedCode) Class() Class { return classOf(e[0]) }

// String returns e as `5.1.1`, empty where e is zero.
func (e EnhancedCode) String() string {
	var buf [len("5.999.999")]byte
	return string(e.AppendTo(buf[:0]))
}

// AppendTo appends what String returns to dst.
func (e EnhancedCode) AppendTo(dst []byte) []byte {
	if e.IsZero() {
		return dst
	}
	dst = strconv.AppendUint(dst, uint64(e[0]), 10)
	dst = strconv.AppendUint(append(dst, '.'), uint64(e[1]), 10)
	return strconv.AppendUint(append(dst, '.'), uint64(e[2]), 10)
}

// MarshalText returns what String returns: in JSON, the code as it is written everywhere else, not three numbers.
func (e EnhancedCode) MarshalText() ([]byte, error) { return e.AppendTo(nil), nil }

// classOf returns the class that both kinds of code give by their first digit.
func classOf(digit uint16) Class {
	switch digit {
	case 2:
		return Success
	case 4:
		return Transient
	case 5:
		return Permanent
	}
	return ClassUnknown
}

// A Reply is what a server answered.
type Reply struct {
	Code     ReplyCode    // of the last line, where lines differ
	Enhanced EnhancedCode // as in the reply, whether or not it agrees with Code
	Text     string       // the whole reply as logged, codes and continuation lines in it
}

// ParseReply reads the reply that text begins with; all of text becomes its Text. It reports false where text begins with
// no reply code: three digits from 200 to 599, then a blank, a hyphen or the end of the line. What stands elsewhere is
// prose, be it 550 or not.
//
// A reply of several lines begins `550-` (RFC 5321 4.2.1). Logs join the lines in their own ways: Exim with a backslash and
// an n, Postfix with a blank, or with `?` after a failed login, JSON with line ends. The last line's code counts, as it did
// for the MTA; but a later line of 2xx or 3xx turns no refusal into something else, as text that looks like one costs a
// remote server nothing. How a code is told from a number in the prose where blanks join the lines: see lastLine.
//
// The enhanced code is that of the first line with Code that has one right after it (RFC 2034 4), plain or as `#5.1.0`,
// `(5.1.0)`, `[5.1.0]`, `5.1.0:`. Failing that, qmail's and IronPort's `(#5.1.1)` counts anywhere.
func ParseReply(text string) (r Reply, ok bool) {
	if !r.parse(text) {
		return r, false
	}
	if r.Enhanced.IsZero() {
		r.Enhanced = taggedEnhanced(text)
	}
	return r, true
}

// ParseStrictReply is ParseReply without the last resort: an enhanced code counts right after a line's reply code only.
func ParseStrictReply(text string) (r Reply, ok bool) {
	ok = r.parse(text)
	return r, ok
}

// parse fills in r, which is zero, in place: to copy a Reply of which parts were just written costs as much as to parse it.
func (r *Reply) parse(text string) bool {
	code := cutCode(text)
	if code == 0 {
		return false
	}
	r.Code, r.Text = code, text
	r.Enhanced, _ = enhancedAfter(text, 0)
	if continued(text, 0) {
		r.readOn()
	}
	return true
}

// FindReply is ParseReply for a text with garbage before the reply, which Postfix logs where a server wrote lines that were
// none. It takes the last code of the class that the MTA drew from it; a text that begins with a reply is ParseReply's.
func FindReply(text string, class Class) (r Reply, ok bool) {
	at := -1
	for i := 1; i+3 <= len(text); i++ {
		if text[i-1] == ' ' && (i+3 == len(text) || text[i+3] == ' ') {
			if c := cutCode(text[i:]); c != 0 && c.Class() == class {
				at = i
			}
		}
	}
	if at < 0 {
		return r, false
	}
	r, ok = ParseReply(text[at:])
	r.Text = text
	return r, ok
}

// readOn takes from the lines after the first what they know better.
func (r *Reply) readOn() {
	text := r.Text
	lined := keepsLines(text)
	end := lastLine(text, lined)
	if end >= 0 {
		if c := cutCode(text[end:]); c != r.Code {
			r.Code, r.Enhanced = c, EnhancedCode{}
		}
	}
	for i := nextLine(text, 4, lined); r.Enhanced.IsZero() && i >= 0 && (i <= end || end < 0); i = nextLine(text, i+3, lined) {
		if cutCode(text[i:]) == r.Code && (i == end || continued(text, i)) {
			r.Enhanced, _ = enhancedAfter(text, i)
		}
	}
}

// Unfold returns the reply as one line to show: a reply code and an enhanced code that later lines repeat are dropped,
// every run of blanks and line ends is one blank, and the rest is kept.
func (r Reply) Unfold() string {
	text := strings.Trim(r.Text, " \t\r\n")
	code := cutCode(text)
	if code == 0 || !continued(text, 0) {
		if squeezed(text) {
			return text
		}
		return string(appendSqueezed(make([]byte, 0, len(text)), text))
	}
	lined := keepsLines(text)
	end := lastLine(text, lined)
	first, _ := enhancedAfter(text, 0)
	dst := append(make([]byte, 0, len(text)), text[:3]...)
	dst = append(dst, ' ')
	done := 4
	for i := nextLine(text, 4, lined); i >= 0 && (i <= end || end < 0); i = nextLine(text, i+3, lined) {
		same := cutCode(text[i:]) == code && (i == end || continued(text, i))
		if !same && !lined || i < done {
			continue
		}
		brk := i - 1
		if text[brk] == 'n' {
			brk--
		}
		dst = appendSqueezed(appendSqueezed(dst, text[done:brk]), " ")
		done = i
		if !same {
			continue
		}
		done += 3
		if continued(text, i) {
			done++
		}
		if e, n := enhancedAfter(text, i); n > 0 && e == first {
			done = n
		}
	}
	return strings.TrimRight(string(appendSqueezed(dst, text[done:])), " ")
}

// cutCode returns the reply code that s begins with, zero where that is none. Exim writes the end of a line as a backslash
// and an n.
func cutCode(s string) ReplyCode {
	if len(s) < 3 {
		return 0
	}
	a, b, c := s[0]-'0', s[1]-'0', s[2]-'0'
	if a < 2 || a > 5 || b > 9 || c > 9 {
		return 0
	}
	if len(s) > 3 {
		switch s[3] {
		case ' ', '-', '\n', '\r':
		case '\\':
			if len(s) == 4 || s[4] != 'n' {
				return 0
			}
		default:
			return 0
		}
	}
	return ReplyCode(a)*100 + ReplyCode(b)*10 + ReplyCode(c)
}

// continued reports whether the line whose code begins at i is not the reply's last (RFC 5321 4.2.1).
func continued(text string, i int) bool { return len(text) > i+3 && text[i+3] == '-' }

// nextLine returns where the next line of a reply may begin, from i on: at a reply code after a line end, or, where the
// log kept none, after a blank or Postfix's `?`. It returns -1 where there is none.
func nextLine(text string, i int, lined bool) int {
	for i = max(i, 2); i+3 <= len(text); i++ {
		if text[i]-'2' > '5'-'2' {
			continue
		}
		switch text[i-1] {
		case ' ', '?':
			if lined {
				continue
			}
		case '\n':
			if !lined {
				continue
			}
		case 'n':
			if !lined || text[i-2] != '\\' {
				continue
			}
		default:
			continue
		}
		if cutCode(text[i:]) != 0 {
			return i
		}
	}
	return -1
}

// keepsLines reports whether the log kept the ends of text's lines.
func keepsLines(text string) bool {
	return (strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\\') >= 0) && nextLine(text, 4, true) >= 0
}

// lastLine returns where the last line of a reply of several lines begins, -1 where it is not to be found, for instance
// because the log cut the text. With line ends, that is the first line without a hyphen.
//
// Without them, a number between blanks may be prose: `user 550 is`. Nothing before a later `550-` is the end. Of the rest,
// the best is the first code that equals the first line's, and has an enhanced code if that line has one; next, another
// code with an enhanced code of its class, unless a colon says that it is quoted from elsewhere; at last, the equal code
// alone.
func lastLine(text string, lined bool) int {
	code := cutCode(text)
	first, _ := enhancedAfter(text, 0)
	end, rank := -1, 0
	for i := nextLine(text, 4, lined); i >= 0; i = nextLine(text, i+3, lined) {
		c := cutCode(text[i:])
		if continued(text, i) {
			if c == code {
				end, rank = -1, 0
			}
			continue
		}
		if c != code && c < 400 {
			continue
		}
		if lined {
			return i
		}
		got := 1
		if e, _ := enhancedAfter(text, i); c == code {
			if first.IsZero() || !e.IsZero() {
				got = 3
			}
		} else if e.Class() == c.Class() && text[i-2] != ':' {
			got = 2
		} else {
			continue
		}
		if got > rank {
			end, rank = i, got
		}
	}
	return end
}

// enhancedAfter returns the enhanced code right after the reply code at i, and where it ends, its brackets and colon in it;
// zero and 0 where there is none.
func enhancedAfter(text string, i int) (EnhancedCode, int) {
	if i += 3; i >= len(text) || text[i] != ' ' && text[i] != '-' {
		return EnhancedCode{}, 0
	}
	i++
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	if i < len(text) && (text[i] == '(' || text[i] == '[') {
		i++
	}
	if i < len(text) && text[i] == '#' {
		i++
	}
	e, n := cutEnhanced(text[i:])
	if i += n; n == 0 || !endsEnhanced(text[i:]) {
		return EnhancedCode{}, 0
	}
	for i < len(text) && (text[i] == ')' || text[i] == ']' || text[i] == ':') {
		i++
	}
	return e, i
}

// taggedEnhanced returns the first enhanced code in text that is marked as one: `(#5.1.1)`, `[#5.1.1]`, ` #5.1.1`. In a URL
// nothing of that kind stands before the `#`.
func taggedEnhanced(text string) EnhancedCode {
	for i := 1; ; {
		j := strings.IndexByte(text[i:], '#')
		if j < 0 {
			return EnhancedCode{}
		}
		i += j + 1
		switch text[i-2] {
		case '(', '[', ' ':
			if e, n := cutEnhanced(text[i:]); n > 0 && endsEnhanced(text[i+n:]) {
				return e
			}
		}
	}
}

// cutEnhanced returns the enhanced code that s begins with, and its length; 0 where there is none. Postfix: dsn_valid.
func cutEnhanced(s string) (EnhancedCode, int) {
	if len(s) < len("2.0.0") || s[1] != '.' || s[0] != '2' && s[0] != '4' && s[0] != '5' {
		return EnhancedCode{}, 0
	}
	subject, i := cutNumber(s, 2)
	if i == 0 || i == len(s) || s[i] != '.' {
		return EnhancedCode{}, 0
	}
	detail, i := cutNumber(s, i+1)
	if i == 0 {
		return EnhancedCode{}, 0
	}
	return EnhancedCode{uint16(s[0] - '0'), subject, detail}, i
}

// cutNumber returns the number of one to three digits at i, and where it ends; 0 where there is none.
func cutNumber(s string, i int) (n uint16, end int) {
	for end = i; end < len(s) && s[end]-'0' <= 9; end++ {
		if end == i+3 {
			return 0, 0
		}
		n = n*10 + uint16(s[end]-'0')
	}
	if end == i {
		return 0, 0
	}
	return n, end
}

// endsEnhanced reports whether rest can follow an enhanced code. Not so in 5.1.1.4, an address, 5.1.1-rc1, a version, and
// 5.1.1@example.com, a recipient who wants to be taken for a code. `?` is a tab that Postfix masked.
func endsEnhanced(rest string) bool {
	if rest == "" {
		return true
	}
	switch rest[0] {
	case ' ', '\t', '\r', '\n', '\\', '?', ':', ';', ',', '(', ')', '[', ']', '<', '>', '"':
		return true
	case '.', '-':
		return len(rest) == 1 || !isAlnum(rest[1])
	}
	return false
}

func isAlnum(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// squeezed reports whether s, which begins and ends with no blank, has none that appendSqueezed would change.
func squeezed(s string) bool {
	for i := range len(s) {
		if isBlank(s[i]) && (s[i] != ' ' || isBlank(s[i+1])) {
			return false
		}
	}
	return true
}

// appendSqueezed appends s with every run of blanks as one.
func appendSqueezed(dst []byte, s string) []byte {
	for i := range len(s) {
		switch {
		case !isBlank(s[i]):
			dst = append(dst, s[i])
		case len(dst) == 0 || dst[len(dst)-1] != ' ':
			dst = append(dst, ' ')
		}
	}
	return dst
}
