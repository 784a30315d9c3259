package generic

import "strings"

// cutValue returns the value that begins at v, without its quotes, and where it ends: a text in quotes, addresses in
// brackets with commas between them, a list in square brackets, or what goes on to a blank or to the end of a field.
func cutValue(s string, v int) (value string, next int) {
	if v == len(s) {
		return "", v
	}
	switch c := s[v]; c {
	case '"', '\'':
		if n := cutAddress(s[v:]); n > 0 {
			return s[v : v+n], v + n
		}
		last := closingQuote(s, v)
		return s[v+1 : last], min(last+1, len(s))
	case '<':
		next = v
		for {
			_, n := cutBrackets(s[next:])
			if n == 0 {
				n = strings.IndexByte(s[next:], '>') + 1
			}
			if next += n; n == 0 || !strings.HasPrefix(s[next:], ",<") {
				next = max(next, v+1)
				return s[v:next], next
			}
			next++
		}
	case '[':
		if n := strings.IndexByte(s[v:], ']'); n >= 0 {
			return s[v : v+n+1], v + n + 1
		}
	}
	for next = v; next < len(s) && !isBlank(s[next]) && strings.IndexByte(`;"|)}>`, s[next]) < 0; next++ {
		// A comma separates fields, unless it is between two addresses.
		if s[next] == ',' && cutAddress(s[next+1:]) == 0 {
			break
		}
	}
	return s[v:next], next
}

// closingQuote returns where the quote at i ends, len(s) where it does not. A single one does so only before the end of a
// field: it may be an apostrophe.
func closingQuote(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			if quote == '"' || i+1 == len(s) || strings.IndexByte(" ,;)]}\n", s[i+1]) >= 0 {
				return i
			}
		}
	}
	return len(s)
}

// trimmed returns the server's words without the quote or the parenthesis that is closed behind them.
func trimmed(s string) string {
	s = strings.TrimRight(s, " \t\r\n")
	s = strings.TrimSuffix(s, `"`)
	for strings.HasSuffix(s, ")") && strings.Count(s, ")") > strings.Count(s, "(") {
		s = s[:len(s)-1]
	}
	return s
}

// nameEnd returns where the letters, digits, points and hyphens end that stand at i.
func nameEnd(s string, i int) int {
	for i < len(s) && (isWord(s[i]) || s[i] == '-' || s[i] == '.') {
		i++
	}
	return i
}

// wordEnd returns where the next blank is, from i on.
func wordEnd(s string, i int) int {
	for i < len(s) && !isBlank(s[i]) {
		i++
	}
	return i
}

// enhancedWord returns the first word of s, without what may stand behind an enhanced code.
func enhancedWord(s string) string { return strings.TrimRight(s[:wordEnd(s, 0)], ".,:;)\"") }

// isArrow reports whether s begins with what points at a recipient.
func isArrow(s string) bool {
	return len(s) > 2 && s[2] == ' ' && (s[:2] == "=>" || s[:2] == "->" || s[:2] == "**" || s[:2] == "==")
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
