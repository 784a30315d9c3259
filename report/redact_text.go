package report

import (
	"net/netip"
	"slices"
	"strings"
)

// text redacts a text of a log.
func (x *Redactor) text(s string) string {
	s = x.users(x.addresses(s))
	if x.level == RedactAll {
		s = x.names(s)
	}
	return s
}

// ats are the ways to write the @ of an address: as it is, in URLs, in quoted-printable, in xtext (RFC 3461 4), in HTML, in
// JSON, and to hide it from programs.
var ats = []string{"@", "%40", "=40", "+40", "&#64;", "&#x40;", "&commat;", `\u0040`, `\x40`, "(at)", "[at]", "{at}"}

// addresses replaces the local parts of all addresses.
func (x *Redactor) addresses(s string) string {
	low := lower(s)
	var b strings.Builder
	from := 0 // of what is not written yet
	for i := 0; i < len(s); {
		at := atSign(low[i:])
		if at == "" {
			i++
			continue
		}
		end := i + len(at)
		begin := localBegin(s, from, i)
		domain := s[end:domainEnd(s, end)]
		if begin < i && (at == "@" || isHostName(domain)) {
			b.WriteString(s[from:begin] + x.local(s[begin:i], domain) + s[i:end])
			from = end
		}
		i = end
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

// atSign returns the way of writing an @ that s begins with, if it does. s is in lower case.
func atSign(s string) string {
	switch s[0] {
	case '@', '%', '=', '+', '&', '\\', '(', '[', '{':
		if i := slices.IndexFunc(ats, func(a string) bool { return strings.HasPrefix(s, a) }); i >= 0 {
			return ats[i]
		}
	}
	return ""
}

// localBegin returns where the local part that ends at i begins, not before from: i where there is none.
func localBegin(s string, from, i int) int {
	if i > from && s[i-1] == '"' { // a quoted string, RFC 5321 4.1.2
		if n := strings.LastIndexByte(s[from:i-1], '"'); n >= 0 {
			return from + n
		}
		return i - 1
	}
	begin := i
	for begin > from && (isLocal(s[begin-1]) || begin > from+1 && s[begin-2] == '\\') {
		begin--
	}
	// An address may be a value in the query or the path of a URL, or of a key.
	if n := strings.Index(s[begin:i], "://"); n >= 0 || strings.HasPrefix(s[begin:i], "//") && begin > from && s[begin-1] == ':' {
		begin += strings.LastIndexByte(s[begin:i], '/') + 1
	}
	if n := strings.LastIndexByte(s[begin:i], '='); n >= 0 {
		key := lower(s[begin : begin+n])
		key = key[strings.LastIndexAny(key, "?&/")+1:]
		if slices.Contains([]string{"to", "from", "rcpt", "recipient", "email", "mail", "user", "address", "addr", "orig_to", "sender", "e"}, key) {
			begin += n + 1
		}
	}
	for begin < i && s[begin] < 0x80 && !alnum(s[begin]) && s[begin] != '/' && s[begin] != '\\' {
		begin++ // `'ann@example.com'`
	}
	return begin
}

// isLocal reports whether a byte may be in a local part that is not quoted: atext of RFC 5321 4.1.2 and RFC 6531 3.3, and the
// dot.
func isLocal(c byte) bool {
	return alnum(c) || c >= 0x80 || strings.IndexByte(".!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func domainEnd(s string, i int) int {
	if i < len(s) && s[i] == '[' {
		if n := strings.IndexByte(s[i:], ']'); n > 0 {
			return i + n + 1
		}
	}
	end := i
	for end < len(s) && isName(s[end]) {
		end++
	}
	for end > i && !alnum(s[end-1]) && s[end-1] < 0x80 {
		end--
	}
	return end
}

// isName reports whether a byte may be in the name of a host or domain.
func isName(c byte) bool { return alnum(c) || c >= 0x80 || c == '.' || c == '-' || c == '_' }

// isHostName reports whether a text can be the name of a host with its domain: labels of which the last one is letters, as
// those of top-level domains are (RFC 3696 2).
func isHostName(s string) bool {
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || s[0] == '.' || strings.Contains(s, "..") {
		return false
	}
	last := lower(s[i+1:])
	return len(last) >= 2 && (strings.HasPrefix(last, "xn--") || !strings.ContainsFunc(last, func(r rune) bool { return r < 0x80 && (r < 'a' || r > 'z') }))
}

// unknownUser are words after which servers name a user without the domain.
var unknownUser = []string{
	"unknown user", "no such user", "user unknown", "unknown local-part", "unknown local part", "unknown mailbox", "no such mailbox", "invalid mailbox",
	"unknown recipient", "no such recipient", "invalid recipient", "unknown account", "no such account", "unknown address", "no such address",
	"invalid address", "unrouteable address", "invalid user", "mailbox", "user", "account", "alias",
}

// notUsers are words that may follow these and name nobody. In quotes, and after a colon, only the masks of templates do not.
var notUsers = []string{
	"here", "in", "at", "or", "on", "is", "was", "of", "by", "the", "for", "to", "with", "this", "and", "not", "name", "has", "does", "doesn't", "no", "full",
	"unknown", "unavailable", "disabled", "local", "list", "table", "does-not-exist", "inactive", "temporarily", "over", "quota", "exceeded", "found", "database",
	"account", "mailbox", "user", "address", "recipient", "error", "please", "as", "are", "may", "cannot", "could", "rejected", "suspended", "size", "storage",
	"lookup", "verification", "from", "busy", "locked", "is-full", "invalid", "doesnt", "directory", "access", "be", "been", "have", "will", "that", "you", "your",
}

// masks of templates, and names of characters, in angle brackets.
var angled = []string{"address", "host", "id", "ip", "n", "time", "user", "url", "cr", "lf", "crlf", ""}

// users replaces users that are named without a domain: in angle brackets, and after words that announce one.
func (x *Redactor) users(s string) string {
	low := lower(s)
	var b strings.Builder
	from := 0
	for i := 0; i < len(s); i++ {
		begin, end := i, i
		if s[i] == '<' {
			begin, end = angledUser(s, low, i)
		} else if i == 0 || !isWord(s[i-1]) {
			begin, end = announcedUser(s, low, i)
		}
		if begin < end {
			b.WriteString(s[from:begin] + x.local(s[begin:end], ""))
			from, i = end, end-1
		}
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

// angledUser returns where in s[i:], which begins with an angle bracket, a user stands.
func angledUser(s, low string, i int) (begin, end int) {
	n := strings.IndexAny(s[i+1:], "<> @\"\t:")
	if n < 0 || s[i+1+n] != '>' || slices.Contains(angled, low[i+1:i+1+n]) || strings.HasSuffix(low[:i], "helo=") {
		return i, i
	}
	return i + 1, i + 1 + n
}

// announcedUser returns where after the words that s[i:] begins with a user stands.
func announcedUser(s, low string, i int) (begin, end int) {
	word := ""
	switch low[i] {
	case 'u', 'n', 'i', 'm', 'a':
		for _, w := range unknownUser {
			if strings.HasPrefix(low[i:], w) {
				word = w
				break
			}
		}
	}
	begin = i + len(word)
	if word == "" || begin >= len(s) || isWord(s[begin]) {
		return i, i
	}
	sure := false
	for begin < len(s) && strings.IndexByte(" :=\"'`", s[begin]) >= 0 {
		sure = sure || s[begin] != ' '
		begin++
	}
	for end = begin; end < len(s) && (isName(s[end]) || s[end] == '+' || s[end] == '=' || s[end] == '/'); end++ {
	}
	for end > begin && s[end-1] == '.' {
		end--
	}
	token := low[begin:end]
	next := end < len(s) && (s[end] == '@' || s[end] == '<')
	switch {
	case token == "" || next || atSign(low[end:]+" ") != "" || begin == i+len(word):
		return i, i
	case slices.Contains(notUsers, token), strings.Trim(token, "0123456789.-") == "":
		return i, i
	case len(strings.Fields(word)) == 1 && !sure: // `user unknown`: the word alone announces nobody
		return i, i
	}
	return begin, end
}

// names replaces domains, host names and IP addresses.
func (x *Redactor) names(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && (isName(s[end]) || s[end] == ':') {
			end++
		}
		if end == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		x.run(&b, s[i:end])
		i = end
	}
	return b.String()
}

// run writes a run of names, addresses and colons.
func (x *Redactor) run(b *strings.Builder, s string) {
	if strings.Count(s, ":") >= 2 {
		// An IPv6 address, after some words and colons, and before some.
		text := strings.TrimRight(s, ":.-_")
		if strings.HasPrefix(s[len(text):], "::") {
			text = s[:len(text)+2]
		}
		for from, tries := 0, 0; from < len(text) && tries < 4; tries++ {
			if _, err := netip.ParseAddr(text[from:]); err == nil && strings.Count(text[from:], ":") >= 2 {
				b.WriteString(text[:from] + x.ip(text[from:]) + s[len(text):])
				return
			}
			n := strings.IndexByte(text[from:], ':')
			if n < 0 {
				break
			}
			from += n + 1
		}
	}
	for i, part := range strings.Split(s, ":") {
		if i > 0 {
			b.WriteByte(':')
		}
		name := strings.Trim(part, ".-_")
		at := strings.Index(part, name)
		b.WriteString(part[:at])
		_, err := netip.ParseAddr(name)
		switch {
		case err == nil:
			b.WriteString(x.ip(name))
		case isHostName(name):
			b.WriteString(x.domain(name))
		case x.hosts[name]:
			b.WriteString(x.host(name))
		default:
			b.WriteString(name)
		}
		b.WriteString(part[at+len(name):])
	}
}
