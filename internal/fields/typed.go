package fields

import "strings"

// Typed cuts the type off a field of a delivery status notification (RFC 3464 2.1.2): `smtp; 550 5.1.1 unknown`,
// `rfc822;a@example.com`, `dns; mx.example.com`, `x-unix; 69`. The type is empty where s begins with none.
func Typed(s string) (kind, value string) {
	kind, value, ok := strings.Cut(s, ";")
	if !ok || !isType(kind) {
		return "", s
	}
	return kind, strings.TrimLeft(value, " \t")
}

// isType reports whether s is a type of address, diagnostic code or name of a server. The registered ones that nobody
// writes are left out: `Blocked; see …` is none.
func isType(s string) bool {
	if len(s) > 2 && (s[0] == 'x' || s[0] == 'X') && s[1] == '-' {
		return strings.IndexByte(s, ' ') < 0
	}
	for _, known := range [...]string{
		"smtp", "rfc822", "dns",
		"utf-8", // RFC 6533 3
		"dsn",   // Amazon SES, for dns
		"unix", "x400",
	} {
		if strings.EqualFold(s, known) {
			return true
		}
	}
	return false
}
