package classify

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Domain returns the domain of an address as it is counted: lower case, without trailing dots, U-labels as A-labels (RFC
// 5891 4). raw is the address, or already its domain. What IDNA refuses is kept in lower case, as a log's domains are what
// senders chose. Address literals (RFC 5321 4.1.3) keep their brackets.
//
// A name without an @ can't be told from a domain of one label: the caller knows which it has.
func Domain(raw string) string {
	raw = raw[strings.LastIndexByte(raw, '@')+1:]
	upper, wide := false, false
	for i := range len(raw) {
		upper = upper || 'A' <= raw[i] && raw[i] <= 'Z'
		wide = wide || raw[i] >= 0x80
	}
	if wide && len(raw) <= maxUnicodeDomain && utf8.ValidString(raw) {
		if name, err := lookup.ToASCII(raw); err == nil {
			return strings.TrimRight(name, ".")
		}
	}
	raw = strings.TrimRight(raw, ".")
	if upper {
		return lowerASCII(raw)
	}
	return raw
}

// RegistrableDomain returns the part of a domain that somebody registered, by the public suffix list: `example.co.uk` for
// `mx.example.co.uk`. Empty where there is none: an address, a single label, a public suffix itself. domain is as
// [Domain] returns it.
func RegistrableDomain(domain string) string {
	if domain == "" || domain[0] == '.' || strings.IndexByte(domain, '[') >= 0 || strings.Contains(domain, "..") || isIP(domain) {
		return ""
	}
	suffix, _ := publicsuffix.PublicSuffix(domain)
	if len(suffix) == len(domain) {
		return ""
	}
	head := domain[:len(domain)-len(suffix)-1]
	return domain[strings.LastIndexByte(head, '.')+1:]
}

// maxUnicodeDomain is in bytes; 253 characters of A-labels (RFC 1035 2.3.4) are never longer as U-labels. Longer ones are
// not converted: punycode takes time in the square of its input.
const maxUnicodeDomain = 1024

// lookup is the profile of RFC 5891 5, for names that somebody else made.
var lookup = idna.Lookup

// isIP tells addresses from names: the last label of a name is never all digits (RFC 3696 2), and none has a colon.
func isIP(domain string) bool {
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	return strings.Trim(last, "0123456789") == "" || strings.IndexByte(domain, ':') >= 0
}

// lowerASCII leaves all but A–Z as it is: strings.ToLower rewrites invalid UTF-8.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
