package fields

// QuotedString returns the length of the quoted string that s begins with, its quotes included, and zero where it begins
// with none: what an address with anything in its local part begins with (RFC 5321 4.1.2). ok is false where it has no end.
func QuotedString(s string) (n int, ok bool) {
	if s == "" || s[0] != '"' {
		return 0, true
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return 0, false
}
