package fields

import "strings"

// A Pair is a key and its value.
type Pair struct{ Key, Value string }

// AppendPairs appends the pairs that s is made of to dst, from left to right: `key=value`, `key="a \"b\" c"`, `key='a b'`,
// with blanks between them. A word without `=` is a key without a value.
//
// In double quotes the escapes of JSON are undone. Single quotes know no escapes; they end where a blank or nothing
// follows, as in `'don't'` (msmtp). Of a quote that is never closed, all that follows is the value: the log cut it.
func AppendPairs(dst []Pair, s string) []Pair {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return dst
		}
		i := strings.IndexAny(s, "= \t")
		if i < 0 || s[i] != '=' {
			key, rest := cutAt(s, i)
			dst, s = append(dst, Pair{Key: key}), rest
			continue
		}
		key, value := s[:i], ""
		value, s = cutValue(s[i+1:])
		dst = append(dst, Pair{key, value})
	}
}

// cutValue cuts the value that s begins with.
func cutValue(s string) (value, rest string) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return cutAt(s, strings.IndexAny(s, " \t"))
	}
	quote := s[0]
	s = s[1:]
	if quote == '\'' {
		for i := 0; i < len(s); i++ {
			if s[i] == '\'' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t') {
				return s[:i], s[i+1:]
			}
		}
		return s, ""
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return unescape(s[:i]), s[i+1:]
		}
	}
	return unescape(s), ""
}

// cutAt cuts s at i, or behind its end where i is negative.
func cutAt(s string, i int) (before, after string) {
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}
