package report

import (
	"net/netip"
	"slices"
	"strings"

	"bouncelog/internal/classify"
)

// text redacts a text of a log. Where nothing tells whom it is about, what differs from one such text to the next is
// replaced too: a reply may say `mailbox over quota for ann27`.
func (x *Redactor) text(s string) string {
	s = x.ids(x.users(x.addresses(s)))
	if x.level == RedactAll {
		s = x.names(s)
	}
	return s
}

// textOf redacts a text of a log that is about one recipient, whose local part and its pseudonym are known.
func (x *Redactor) textOf(user, pseudonym, s string) string {
	s = x.users(replaceWord(x.addresses(s), user, pseudonym))
	if x.level == RedactAll {
		s = x.names(s)
	}
	return s
}

// minUser is the shortest local part that is looked for as a word.
const minUser = 3

// replaceWord replaces a local part where it stands alone.
func replaceWord(s, user, pseudonym string) string {
	if len(user) < minUser || len(s) < len(user) {
		return s
	}
	low, user := lower(s), lower(user)
	var b strings.Builder
	from := 0
	for i := 0; ; {
		n := strings.Index(low[i:], user)
		if n < 0 {
			break
		}
		i += n
		end := i + len(user)
		if (i == 0 || !isWord(s[i-1])) && (end == len(s) || !isWord(s[end])) {
			b.WriteString(s[from:i] + pseudonym)
			from = end
		}
		i = end
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

func isWord(c byte) bool { return c >= 0x80 || c == '_' || c == '-' || alnum(c) }

func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
}

// lower is strings.ToLower for ASCII: other bytes, and so all places, stay.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// ats are the ways to write the @ of an address: as it is, in URLs, in quoted-printable, in xtext (RFC 3461 4), in HTML, in
// JSON, and to hide it from programs.
var ats = []string{"@", "%40", "=40", "+40", "&#64;", "&#x40;", "&commat;", `\u0040`, `\x40`, "(at)", "[at]", "{at}"}

// maxNamed is how many local parts of a text are looked for in the rest of it.
const maxNamed = 8

// addresses replaces the local parts of all addresses, and where they stand alone beside them.
func (x *Redactor) addresses(s string) string {
	low := lower(s)
	var b strings.Builder
	var named [][2]string
	from := 0 // of what is not written yet
	for i := 0; i < len(s); {
		begin := i
		if n := quotedLocal(s[i:]); n > 0 {
			i += n
		}
		at := atSign(low[i:])
		if at == "" {
			i++
			continue
		}
		if begin == i {
			begin = localBegin(s, from, i)
		}
		end := i + len(at)
		next := domainEnd(s, end)
		domain := s[end:next]
		if begin < i && (at == "@" || isHostName(domain)) {
			pseudonym := x.local(s[begin:i], domain)
			b.WriteString(s[from:begin] + pseudonym + s[i:end] + x.domain(domain))
			if len(named) < maxNamed {
				named = append(named, [2]string{s[begin:i], pseudonym})
			}
			from, end = next, next
		}
		i = end
	}
	if from == 0 {
		return s
	}
	s = b.String() + s[from:]
	for _, n := range named {
		s = replaceWord(s, n[0], n[1])
	}
	return s
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

// maxLocal bounds a quoted local part, of which RFC 5321 4.5.3.1.1 allows 64 bytes.
const maxLocal = 256

// quotedLocal returns the length of the quoted local part (RFC 5321 4.1.2, Quoted-string) that s begins with, if it does.
func quotedLocal(s string) int {
	if s[0] != '"' {
		return 0
	}
	for i := 1; i < min(len(s)-1, maxLocal); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			if s[i+1] == '@' {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

// localBegin returns where the local part that ends at i begins, not before from: i where there is none.
func localBegin(s string, from, i int) int {
	if i > from && s[i-1] == '"' { // of a quoted string that began before what was written, or is too long
		return max(from, i-maxLocal)
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
	next := end < len(s) && (s[end] == '<' || atSign(low[end:]) != "")
	switch {
	case token == "" || next || begin == i+len(word):
		return i, i
	case slices.Contains(notUsers, token), strings.Trim(token, "0123456789.-") == "":
		return i, i
	case len(strings.Fields(word)) == 1 && !sure: // `user unknown`: the word alone announces nobody
		return i, i
	}
	return begin, end
}

// idPiece is how much of a text is masked at a time: less than what a template holds.
const idPiece = classify.MaxTemplate / 2

// ids replaces words that a template masks: names with digits in them, queue ids, traces. Words of vendors, codes, dates and
// host names stay.
func (x *Redactor) ids(s string) string {
	var b strings.Builder
	for len(s) > idPiece {
		n := strings.LastIndexByte(s[:idPiece], ' ') + 1
		if n == 0 {
			n = idPiece
		}
		x.idsOf(&b, s[:n])
		s = s[n:]
	}
	x.idsOf(&b, s)
	return b.String()
}

func (x *Redactor) idsOf(b *strings.Builder, s string) {
	x.template = classify.AppendTemplate(x.template[:0], s)
	clear(x.kept)
	eachName(string(x.template), func(name string, _, _ byte) { x.kept[name] = true }, func(string) {})
	eachName(s, func(name string, before, after byte) {
		if len(name) > 4 && name[3] == '-' && strings.Trim(name[:3], "0123456789") == "" { // `554-Bad`, a line of a reply
			b.WriteString(name[:4])
			name = name[4:]
		}
		letters := 0
		for i := range len(name) {
			if name[i] >= 0x80 || alnum(name[i]) && name[i] > '9' {
				letters++
			}
		}
		ip6 := (before == ':' || after == ':') && strings.Trim(lower(name), "0123456789abcdef") == ""
		if x.kept[name] || letters < 2 || letters == len(name) || after == '[' || after == '@' || ip6 || isHostName(name) || isPseudonym(name) || slices.Contains(wordsWithDigits, lower(name)) {
			b.WriteString(name)
		} else {
			b.WriteString(x.local(name, ""))
		}
	}, func(between string) { b.WriteString(between) })
}

// eachName calls name with each name in s and the bytes on both sides of it, zero for none, and between with all else.
func eachName(s string, name func(name string, before, after byte), between func(string)) {
	done := 0
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && isName(s[end]) {
			end++
		}
		word := strings.Trim(s[i:end], ".-_")
		if word == "" {
			i = end + 1
			continue
		}
		at := i + strings.Index(s[i:end], word)
		to := at + len(word)
		between(s[done:at])
		var before, after byte
		if at > 0 {
			before = s[at-1]
		}
		if to < len(s) {
			after = s[to]
		}
		name(word, before, after)
		done, i = to, end
	}
	between(s[done:])
}

// wordsWithDigits are words that look like ids and are none.
var wordsWithDigits = []string{"rfc822", "utf-8", "ipv4", "ipv6", "base64", "x400", "tls1.2", "tls1.3", "sha256", "md5"}

// isPseudonym reports whether a name was made by pseudonym.
func isPseudonym(name string) bool {
	kind, rest, ok := strings.Cut(name, "-")
	return ok && slices.Contains([]string{"u", "d", "host", "ip"}, kind) && len(rest) == pseudonymLetters && strings.Trim(rest, alphabet) == ""
}

// isDomainPseudonym reports whether a name ends in one that was made by domain.
func isDomainPseudonym(name string) bool {
	head, ok := strings.CutSuffix(name, invalid)
	if n := len(head) - pseudonymLetters; ok && n >= 2 {
		return head[n-2:n] == "d-" && strings.Trim(head[n:], alphabet) == ""
	}
	return false
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
		case isDomainPseudonym(name):
			b.WriteString(name)
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
