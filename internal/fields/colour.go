package fields

import "strings"

// Uncoloured returns s without colour codes (ECMA-48 8.3.117). It copies only where there are any.
func Uncoloured(s string) string {
	i := strings.Index(s, "\x1b[")
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = strings.Index(s, "\x1b[") {
		b.WriteString(s[:i])
		rest := strings.TrimLeft(s[i+2:], "0123456789;")
		if !strings.HasPrefix(rest, "m") { // none
			b.WriteString(s[i : len(s)-len(rest)])
			s = rest
			continue
		}
		s = rest[1:]
	}
	b.WriteString(s)
	return b.String()
}
