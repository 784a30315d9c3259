package classify

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bouncelog/parsers"
)

// maxText is how much of a reply is looked at. Exim keeps 1024 bytes and Postfix about 2000; what decides comes early.
const maxText = 4 << 10

// appendFolded appends a reply's text to dst as rules see it: letters as [foldRune] has them, every run of blanks and line
// ends as one blank, none at the ends. The codes that begin the lines of a long reply are taken out, so that no phrase is
// cut in two, and of addresses in angle brackets the local part: an owner of <dmarc@example.com> says nothing by it.
func appendFolded(dst []byte, s string) []byte {
	s = s[:min(len(s), maxText)]
	start := len(dst)
	last := "" // the code of a reply of several lines, which its last line has before a blank
	if len(s) > 3 && beginsCode(s) && s[3] == '-' {
		last = s[:3]
	}
	dst = slices.Grow(dst, len(s))
	cut := 0     // where the text goes on after the codes that were taken out last
	gap := false // a blank stands before
	for i := 0; i < len(s); {
		c := s[i]
		if letter := foldedASCII[c]; letter != 0 && !(gap && '2' <= c && c <= '5') {
			dst = append(dst, letter)
			gap = false
			i++
			continue
		}
		if c == ' ' && !gap && len(dst) > start { // the commonest of the rest
			dst = append(dst, ' ')
			gap = true
			i++
			continue
		}
		switch {
		case c == '\\' && i+1 < len(s) && s[i+1] == 'n' && lineBegins(s[i+2:]): // Exim's line end
			i++
			dst = appendBlank(dst, start)
		case c <= ' ' || c == 0x7f:
			dst = appendBlank(dst, start)
		case c == '<':
			dst = append(dst, c)
			if n := addressLength(s[i+1:]); n > 0 {
				dst = append(dst, '@') // of an address no more: neither a name nor a domain of somebody's says anything
				i += n
			}
		case c < utf8.RuneSelf:
			if '2' <= c && c <= '5' && len(dst) > start+1 && dst[len(dst)-1] == ' ' && i != cut {
				n := continuation(s[i:])
				if n == 0 && last != "" && dst[len(dst)-2] != ':' { // where a colon stands before, a reply is quoted
					n = lastLine(s[i:], last)
				}
				if n > 0 {
					i += n
					cut = i
					continue
				}
			}
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 && c >= 0xa0 { // not UTF-8: most likely Latin-1
				r = rune(c)
			}
			switch r {
			case '\u00a0', '\u2028', '\u2029', '\u202f', '\u3000':
				dst = appendBlank(dst, start)
			case utf8.RuneError:
				dst = append(dst, s[i:i+n]...)
			default:
				dst = foldRune(dst, r)
			}
			i += n
			gap = len(dst) > start && dst[len(dst)-1] == ' '
			continue
		}
		gap = len(dst) > start && dst[len(dst)-1] == ' '
		i++
	}
	for len(dst) > start && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// foldedASCII has for every byte that stands for itself in a folded text the letter it is there, and zero for the others.
var foldedASCII = func() (t [utf8.RuneSelf * 2]byte) {
	for c := byte('!'); c < 0x7f; c++ {
		t[c] = c
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] = c | 0x20
	}
	t['<'], t['\\'] = 0, 0
	return t
}()

// foldText returns a text of a rule in the letters of a folded reply. Its blanks count, at the ends too.
func foldText(s string) string {
	dst := make([]byte, 0, len(s))
	for _, r := range s {
		dst = foldRune(dst, r)
	}
	return string(dst)
}

func lowerLetter(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// Letters of U+00C0 to U+00FF and of U+0100 to U+017F without their marks.
const (
	latin1 = "aaaaaaaceeeeiiiidnoooooxouuuuyps" + "aaaaaaaceeeeiiiidnooooo/ouuuuypy"
	latinA = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"
)

// foldRune appends r as rules see it: in lower case, Latin letters without their marks, since some servers write `depassé`
// and some `depasse`, and the quotes and dashes of word processors as those of ASCII.
func foldRune(dst []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		return append(dst, lowerLetter(byte(r)))
	case r == 'ß' || r == 'ẞ':
		return append(dst, "ss"...)
	case 0xc0 <= r && r < 0x100:
		return append(dst, latin1[r-0xc0])
	case 0x100 <= r && r < 0x180:
		return append(dst, latinA[r-0x100])
	case 0x300 <= r && r < 0x370, r == '\u00ad', '\u200b' <= r && r <= '\u200f', r == '\ufeff': // marks, and what has no width
		return dst
	}
	switch r {
	case '\u2018', '\u2019', '\u00b4':
		return append(dst, '\'')
	case '\u201c', '\u201d', '\u201e', '\u00ab', '\u00bb':
		return append(dst, '"')
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014':
		return append(dst, '-')
	}
	return utf8.AppendRune(dst, unicode.ToLower(r))
}

func appendBlank(dst []byte, start int) []byte {
	if len(dst) > start && dst[len(dst)-1] != ' ' {
		dst = append(dst, ' ')
	}
	return dst
}

// addressLength returns the length of the address in angle brackets whose `<` stands before s, zero where there is none.
func addressLength(s string) int {
	at := 0
	for i := range min(len(s), 320) { // RFC 5321 4.5.3.1: 64 bytes, an at, 255 bytes
		switch s[i] {
		case '@':
			at = i
		case '>':
			if at == 0 {
				return 0
			}
			return i
		case ' ', '\t', '\r', '\n', '<':
			return 0
		}
	}
	return 0
}

// cutAddress takes an address, which is written in lower case, out of a folded text wherever it stands, but for its @: the
// recipient of a reply may be in a domain, or have a name, that is what a rule looks for.
func cutAddress(text, address []byte) []byte {
	at := bytes.LastIndexByte(address, '@')
	if at < 1 {
		return text
	}
	for from := 0; ; {
		i := bytes.Index(text[from:], address)
		if i < 0 {
			return text
		}
		from += i
		text[from] = '@'
		from++
		text = append(text[:from], text[from-1+len(address):]...)
	}
}

// nameless is how much of the text around a name appendNameless keeps.
const nameless = 40

// appendNameless appends what stands around the addresses and the quoted names of a folded text, as if these were not there, a
// line for each: `user <a@example.com> unknown` and `mailbox 'a' not found` are phrases that something stands in.
func appendNameless(dst []byte, text string) []byte {
	if strings.IndexByte(text, '@') < 0 && strings.IndexByte(text, '\'') < 0 && strings.IndexByte(text, '"') < 0 {
		return dst
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; c != '@' && c != '\'' && c != '"' {
			continue
		}
		from := strings.LastIndexByte(text[:i], ' ') + 1
		to := wordEnd(text, i)
		if !isName(text[from:to]) {
			i = to
			continue
		}
		for to < len(text) && isName(text[to+1:wordEnd(text, to+1)]) {
			to = wordEnd(text, to+1)
		}
		for from > 1 {
			before := strings.LastIndexByte(text[:from-1], ' ') + 1
			if !isName(text[before : from-1]) {
				break
			}
			from = before
		}
		dst = append(dst, text[max(0, from-nameless):from]...)
		dst = append(dst, text[min(to+1, len(text)):min(to+1+nameless, len(text))]...)
		dst = append(dst, '\n')
		i = to
	}
	return dst
}

// appendSpaced appends a folded text, if it has words that underscores join, with blanks in their place, as a line: BAD_RECIPIENT
// and mailbox_is_full are phrases too.
func appendSpaced(dst []byte, text string) []byte {
	start, i := len(dst), strings.IndexByte(text, '_')
	if i < 0 {
		return dst
	}
	for i = max(i, 1); i+1 < len(text); i++ {
		if text[i] != '_' || !isLetter(text[i-1]) || !isLetter(text[i+1]) {
			continue
		}
		if len(dst) == start {
			dst = append(dst, text...)
		}
		dst[start+i] = ' '
	}
	return dst
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

func wordEnd(text string, i int) int {
	if n := strings.IndexByte(text[i:], ' '); n >= 0 {
		return i + n
	}
	return len(text)
}

// isName reports whether a word is an address, or is in quotes, or nothing but brackets.
func isName(word string) bool {
	if strings.IndexByte(word, '@') >= 0 {
		return true
	}
	i, j := 0, len(word)
	for j > 0 && (word[j-1] == ',' || word[j-1] == '.' || word[j-1] == ':' || word[j-1] == ';') {
		j--
	}
	if j > 2 && (word[0] == '\'' || word[0] == '"') && word[j-1] == word[0] {
		return true
	}
	for i < j && strings.IndexByte("<>()[]'\"", word[i]) >= 0 {
		i++
	}
	return i == j && i > 0
}

// lineBegins reports whether s begins like a line of a reply.
func lineBegins(s string) bool { return s == "" || beginsCode(s) }

// continuation returns the length of what begins a continued line of a reply, `550-5.1.1 `, zero where s does not begin so.
// With the code's hyphen alone it could be a telephone number: an enhanced code or a word has to follow.
func continuation(s string) int {
	if len(s) < 5 || !beginsCode(s) || s[3] != '-' {
		return 0
	}
	if c := s[4]; c == '\'' || c == '"' {
		return 0 // IronPort: a reply in quotes
	} else if c < '0' || '9' < c {
		return 4
	}
	if n := enhancedWord(s[4:]); n > 0 {
		return 4 + n
	}
	return 0
}

// lastLine returns the length of the codes that begin the last line of a reply, of which code is known.
func lastLine(s, code string) int {
	if !strings.HasPrefix(s, code) || len(s) < 5 || s[3] != ' ' {
		return 0
	}
	return 4 + enhancedWord(s[4:])
}

// enhancedWord returns the length of the enhanced code and the blank that s begins with, zero where it does not.
func enhancedWord(s string) int {
	word, _, ok := strings.Cut(s[:min(len(s), len("5.999.999 "))], " ")
	if !ok {
		return 0
	}
	if _, ok := parsers.ParseEnhanced(word); !ok {
		return 0
	}
	return len(word) + 1
}

func beginsCode(s string) bool {
	return len(s) >= 3 && '2' <= s[0] && s[0] <= '5' && '0' <= s[1] && s[1] <= '9' && '0' <= s[2] && s[2] <= '9'
}

// innerReply returns the codes of the last reply that a folded text quotes: IronPort and SES wrap the whole of it, in quotes
// or angle brackets, Postfix and Exim give what a callout was told. Zero where there is none. anchor is what stands before it.
func innerReply(text string) (code parsers.ReplyCode, enhanced parsers.EnhancedCode, anchor string) {
	for i := len(text) - 5; i > 1; i-- {
		if text[i] != '4' && text[i] != '5' || !beginsCode(text[i:]) || text[i+3] != ' ' && text[i+3] != '-' {
			continue
		}
		before := strings.TrimRight(text[:i], "'\"<([ ")
		quoted := strings.ContainsAny(text[len(before):i], "'\"<([")
		inner := strings.TrimLeft(text[i+4:], "'\"<([ ")
		// `550-'5.1.1 …'` is a code and a text in quotes, not a line that goes on.
		r, ok := parsers.ParseReply(text[i:i+3] + " " + inner)
		if !ok || len(before) == 0 {
			continue
		}
		same := !r.Enhanced.IsZero() && r.Enhanced.Class() == r.Code.Class()
		switch {
		case quoted && same, strings.HasSuffix(before, ":") && text[i-1] != ':' && (same || saysReply(before)), strings.HasSuffix(before, " error"), strings.HasSuffix(before, ";") && same:
			return r.Code, r.Enhanced, before
		}
	}
	return 0, parsers.EnhancedCode{}, ""
}

// sayings are the words after which another server's reply stands.
var sayings = []string{"said:", "response:", "responded:", "replied:", "answered:", "returned:", "reply:", "was:", "error:", "failed:", "refused to talk to me:", "transaction:", "command:"}

func saysReply(before string) bool {
	for _, s := range sayings {
		if strings.HasSuffix(before, s) {
			return true
		}
	}
	return false
}

// strayEnhanced returns the first enhanced code of a class that stands somewhere in a folded text as a word of its own, zero
// where none does: Barracuda and Cloudmark write a name of theirs before it.
func strayEnhanced(text string, class parsers.Class) parsers.EnhancedCode {
	for i := 0; ; {
		dot := strings.IndexByte(text[i:], '.')
		if dot < 0 {
			return parsers.EnhancedCode{}
		}
		dot += i
		i = dot + 1
		if dot == 0 || text[dot-1] != '4' && text[dot-1] != '5' || dot > 1 && !strings.ContainsRune(" (#[-:", rune(text[dot-2])) {
			continue
		}
		word := text[dot-1:]
		if end := strings.IndexFunc(word, func(r rune) bool { return r != '.' && (r < '0' || '9' < r) }); end >= 0 {
			if !strings.ContainsRune(" )]:;,<", rune(word[end])) {
				continue
			}
			word = word[:end]
		}
		e, ok := parsers.ParseEnhanced(word)
		if ok && e[1] <= 7 && (class == parsers.ClassUnknown || e.Class() == class) {
			return e
		}
	}
}
