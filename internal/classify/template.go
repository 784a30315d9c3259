package classify

import (
	"strings"
	"unicode/utf8"
)

// MaxTemplate bounds a template, in bytes. A longer one is cut between words where there are any, and ends in `…`.
const MaxTemplate = 300

const ellipsis = "…"

// The masks. They mask to themselves, so the template of a template is the template, unless a word longer than maxWord was
// cut.
const (
	maskAddress = "<address>" // of mail
	maskHost    = "<host>"    // a host or domain name
	maskID      = "<id>"      // a queue id, a trace, a hash
	maskIP      = "<ip>"
	maskNumber  = "<n>"
	maskTime    = "<time>" // a date, a time of day, or both
	maskUser    = "<user>" // a local user
)

var masks = [...]string{maskAddress, maskHost, maskID, maskIP, maskNumber, maskTime, maskUser}

// AppendTemplate appends the template of a diagnostic to dst and returns it: what is left of the text when everything that
// differs from one recipient, message, host or minute to the next is masked. Replies of one cause from one kind of server
// have one template.
//
// Kept are the words, the reply and enhanced codes (RFC 5321 4.2, RFC 3463) where a reply has them, short tokens of vendors
// such as [TSS04], (S3150) or AUP#CXDNS, DNS lists, loopback addresses (127.0.0.2 is a list's answer), and of a URL all
// but its ids. The lines of a multi-line reply are joined, their codes dropped but for the first.
//
// It allocates nothing where dst has room for MaxTemplate more bytes. Bytes of the text are copied as they are, control
// characters too: whoever writes them escapes them.
func AppendTemplate(dst []byte, diagnostic string) []byte {
	m := masker{s: diagnostic, dst: dst, base: len(dst)}
	m.run()
	return m.dst
}

// A masker walks over s once. Text that is kept waits in s[from:i] and is copied when something else has to be written.
type masker struct {
	s    string
	dst  []byte
	base int // where the template begins in dst
	from int
	full bool // MaxTemplate is reached, dst is complete

	code     string // digits of the reply being read, empty outside replies
	enhanced string // its enhanced code
	multi    bool   // more lines of it are to come

	domain string // of the last address of the envelope
}

// class of a byte: what it may be part of.
const (
	letter = 1 << iota
	digit
	dot
	at
	wide   // not ASCII
	joiner // - _ # +: inside ids and names
	mark   // other characters of an address's local part (atext, RFC 5322 3.2.3); they separate everything else
	blank

	name = letter | digit | dot | joiner // of a host
	word = name | at | wide | mark
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80:
			t[c] = letter
		case '0' <= c && c <= '9':
			t[c] = digit
		case c >= 0x80:
			t[c] = wide
		}
	}
	t['.'], t['@'] = dot, at
	for _, c := range "-_#+" {
		t[c] = joiner
	}
	for _, c := range "!$%&'*=?^`{|}~" {
		t[c] = mark
	}
	for _, c := range blanks {
		t[c] = blank
	}
	return t
}()

// stops are the bytes that run looks at. Words without them are kept unseen, which is most of a text.
var stops = func() (t [256]bool) {
	for _, c := range "0123456789.@:<\"\\\t\r\n" {
		t[c] = true
	}
	return t
}()

func (m *masker) run() {
	s, i := m.s, 0
	for !m.full {
		for i < len(s) && !stops[s[i]] {
			i++
		}
		if i >= len(s) {
			break
		}
		if class[s[i]]&(digit|dot|at) != 0 {
			i = m.word(i)
		} else {
			i = m.separator(i)
		}
	}
	m.flush(min(i, len(s)))
	if n := len(m.dst); !m.full && n > m.base && m.dst[n-1] == ' ' {
		m.dst = m.dst[:n-1]
	}
}

// separator handles the byte at i, which is no part of a word, and returns where to go on.
func (m *masker) separator(i int) int {
	s := m.s
	switch s[i] {
	case '<':
		return m.angled(i)
	case ':':
		if i+1 == len(s) || s[i+1] == ' ' {
			return i + 1
		}
		if strings.HasPrefix(s[i:], "://") {
			return m.url(i + 3)
		}
		if begin := m.before(i, word); begin < i || s[i+1] == ':' {
			if n := m.ip6(begin); n > 0 {
				return m.mask(begin, begin+n, maskIP)
			}
		}
	case '\\':
		// Exim writes the lines of a reply with \n between them: string.c, string_printing2.
		if m.multi && strings.HasPrefix(s[i:], `\n`) && strings.HasPrefix(s[i+2:], m.code) {
			return m.blank(i, i+2)
		}
	case '"':
		if m.follows(i, quotedUser) {
			if n := strings.IndexByte(s[i+1:], '"'); n > 0 {
				return m.mask(i+1, i+1+n, maskUser)
			}
		}
	case '\t', '\r', '\n':
		return m.blank(i, i+1)
	}
	return i + 1
}

// before returns where the run of bytes of the kinds given that ends at i begins, of what is not written yet.
func (m *masker) before(i int, kinds uint8) int {
	for i > m.from && class[m.s[i-1]]&kinds != 0 {
		i--
	}
	return i
}

// quotedUser stands before a local user in quotes. Postfix: `unknown user: "bob"`, local/unknown.c, virtual/unknown.c.
const quotedUser = "user:"

// angled masks an address in angle brackets (RFC 5321 4.1.2, Path) at i, whatever its local part is made of. Such an address
// is one of the envelope: its domain is remembered.
func (m *masker) angled(i int) int {
	s, p, quoted := m.s, 0, false
	for end := i + 1; end < len(s); end++ {
		switch c := s[end]; {
		case quoted && c != '"':
		case c == '>':
			if p <= i+1 || p == end-1 {
				return i + 1
			}
			m.domain = s[p+1 : end]
			return m.mask(i+1, end, maskAddress)
		case c == '@':
			p = end
		case c == '"' && (quoted || end == i+1):
			quoted = !quoted
		case c == ' ' || c == '<' || c == '"' || c == '/' && s[end-1] == ':':
			return i + 1
		}
	}
	return i + 1
}

// blank writes a space instead of s[begin:end].
func (m *masker) blank(begin, end int) int {
	m.flush(begin)
	m.space()
	m.from = end
	return end
}

// space appends a space where it separates.
func (m *masker) space() {
	if n := len(m.dst); n > m.base && m.dst[n-1] != ' ' {
		m.append(" ")
	}
}

// word judges the word at stop, the first of its bytes that is a digit, a dot or an @, and returns where to go on.
func (m *masker) word(stop int) int {
	s := m.s
	if s[stop] == '.' && (stop+1 == len(s) || class[s[stop+1]]&word == 0) {
		return stop + 1 // of a sentence
	}
	begin, end := m.before(stop, word), stop+1
	if begin == stop && class[s[stop]] == digit {
		if next := m.reply(begin); next > 0 {
			return next
		}
	}
	kind := class[s[stop]]
	for ; end < len(s) && class[s[end]]&word != 0; end++ {
		kind |= class[s[end]]
	}
	if end < len(s) {
		switch s[end] {
		case '[':
			if host := m.before(end, name); host < end && kind&at == 0 && bracketed(s[end:]) {
				m.pieces(begin, host)
				return m.mask(host, end, maskHost)
			}
		case ':':
			if n := m.ip6(begin); n > 0 {
				return m.mask(begin, begin+n, maskIP)
			}
		}
	}
	if kind&at != 0 {
		if from, to := m.address(begin, end); to > 0 {
			m.pieces(begin, from)
			return m.mask(from, to, maskAddress)
		}
	}
	return m.pieces(begin, end)
}

// reply handles a reply code at i: keeps it where a reply begins, drops it where one goes on. 0: there is none.
func (m *masker) reply(i int) int {
	s := m.s
	if !isCode(s[i:]) {
		return 0
	}
	code, next := s[i:i+3], i+3
	hyphen := next < len(s) && s[next] == '-'
	for next < len(s) && (class[s[next]] == blank || hyphen && next == i+3) {
		next++
	}
	status := enhanced(s[next:])

	if m.multi && code == m.code {
		if status != "" && status == m.enhanced {
			next += len(status)
			for next < len(s) && class[s[next]] == blank {
				next++
			}
		}
		m.flush(i)
		m.multi = hyphen
		m.from = next
		return next
	}
	if (status == "" || status[0] != code[0]) && !m.atReply(i) {
		return 0
	}
	m.flush(i + 3)
	if next < len(s) {
		m.space()
	}
	m.from = next
	if hyphen || !m.multi { // else a line of the outer reply cites another
		m.code, m.enhanced, m.multi = code, status, hyphen
	}
	return next + len(status)
}

// atReply reports whether a reply begins at i because of what stands before: nothing, or the words in which an MTA quotes
// one.
func (m *masker) atReply(i int) bool {
	for _, lead := range replyLeads {
		if m.follows(i, lead) {
			return true
		}
	}
	return strings.TrimRight(m.s[:i], blanks) == ""
}

// follows reports whether the word lead and blanks stand before i.
func (m *masker) follows(i int, lead string) bool {
	before := strings.TrimRight(m.s[:i], blanks)
	p := len(before) - len(lead)
	return len(before) < i && strings.HasSuffix(before, lead) && (p == 0 || class[lead[0]]&word == 0 || class[before[p-1]]&word == 0)
}

const blanks = " \t\r\n"

// replyLeads are the last of the words before a quoted reply.
var replyLeads = [...]string{
	"said:", // Postfix: smtp/smtp_proto.c, smtp_sasl_glue.c; qmail: qmail-remote.c
	"me:",   // Postfix: smtp/smtp_proto.c, `refused to talk to me:`
	"TLS:",  // Postfix: smtp/smtp_proto.c, `refused to start TLS:`
	"]:",    // Exim: transports/smtp.c
}

// address finds the first address in the word s[begin:end], to is 0 where there is none. Of a text without blanks it takes the
// ASCII part, unless the address itself is in other letters (RFC 6531).
func (m *masker) address(begin, end int) (from, to int) {
	s := m.s
	for {
		p := strings.IndexByte(s[begin:end], '@')
		if p < 0 {
			return 0, 0
		}
		p += begin
		from, to = p, p+1
		for from > begin && class[s[from-1]] != wide {
			from--
		}
		if from == p {
			from = begin
		}
		for from < p && class[s[from]]&(letter|digit|wide) == 0 {
			from++
		}
		if to < len(s) && s[to] == '[' { // address literal
			n := to + 1
			for n < len(s) && (class[s[n]]&(letter|digit|dot) != 0 || s[n] == ':') {
				n++
			}
			if n < len(s) && s[n] == ']' && from < p {
				return from, n + 1
			}
		}
		allowed := uint8(name)
		if to < end {
			allowed |= class[s[to]] & wide
		}
		for to < end && class[s[to]]&allowed != 0 {
			to++
		}
		for to > p+1 && class[s[to-1]]&(letter|digit|wide) == 0 {
			to--
		}
		if from < p && p+1 < to {
			return from, to
		}
		begin = p + 1
	}
}

// pieces judges the parts of s[begin:end] between marks and characters that are not ASCII, and returns where to go on.
func (m *masker) pieces(begin, end int) int {
	s, i := m.s, begin
	for i < end && !m.full {
		var count [dot + 1]int // of letters, digits, dots, by class
		from := i
		for ; i < end; i++ {
			kind := class[s[i]]
			if kind > dot && kind != joiner {
				break
			}
			count[kind&(letter|digit|dot)]++
		}
		to := i
		for from < to && class[s[from]]&(letter|digit) == 0 {
			count[class[s[from]]&dot]--
			from++
		}
		for to > from && class[s[to-1]]&(letter|digit) == 0 {
			to--
			count[class[s[to]]&dot]--
		}
		if count[digit]|count[dot] != 0 {
			i = max(i, m.piece(from, to, count[letter], count[digit], count[dot]))
		}
		if i < end {
			i++
		}
	}
	return max(i, end)
}

// piece judges s[begin:end], which begins and ends with a letter or digit and has only letters, digits, dots and joiners, the
// latter being the rest. It returns where to go on, which may lie beyond end.
func (m *masker) piece(begin, end, letters, digits, dots int) int {
	s, t := m.s, m.s[begin:end]
	if dots > 0 && isHost(t) {
		return m.host(begin, end)
	}
	if digits == 0 {
		return end
	}
	joiners := len(t) - letters - digits - dots
	if class[t[0]] == digit {
		from := m.dateBegin(begin)
		if n := date(s[from:]); from+n > begin && ends(s[from+n:]) {
			return m.mask(from, from+n, maskTime)
		}
	}
	switch {
	case letters == 0 && joiners == 0 && dots == 3:
		if strings.HasPrefix(t, "127.") {
			return end
		}
		return m.mask(begin, end, maskIP)
	case letters == 0 && dots == 2 && enhanced(t) == t:
		return end
	case letters == 0:
		return m.mask(begin, end, maskNumber)
	case joiners == 0 && letters <= maxUnit && isQuantity(t, letters):
		return m.mask(begin, end-letters, maskNumber)
	case dots == 0 && isVendor(t) && !(end+1 < len(s) && s[end] == ':' && class[s[end+1]] == digit): // S2017:4711 is a reference
		return end
	case digits == 1 && dots == 0 && letters > 1 && class[t[len(t)-1]] == digit && len(t) <= maxNumbered:
		return end // IPv6, utf-8, mx1: ten at most of each
	}
	return m.mask(begin, end, maskID)
}

// dateBegin returns where the date begins that the number at i would be a part of: at a weekday or a month before it.
func (m *masker) dateBegin(i int) int {
	s := m.s
	for range 2 {
		p := i
		for p > m.from && s[p-1] == ' ' && i-p < 2 {
			p--
		}
		if p == i {
			return i
		}
		if p > m.from && s[p-1] == ',' {
			p--
		}
		p -= 3
		if p < m.from || p > 0 && class[s[p-1]]&word != 0 || !isOneOf(s[p:], months) && !isOneOf(s[p:], weekdays) {
			return i
		}
		i = p
	}
	return i
}

// maxNumbered is the length up to which a word with one digit at its end is taken for a word.
const maxNumbered = 16

// host masks the host name s[begin:end], unless it names a DNS list or begins a URL without a scheme.
func (m *masker) host(begin, end int) int {
	s := m.s
	if end+1 < len(s) && s[end] == '/' && (class[s[end+1]]&(letter|digit) != 0 || masked(s[end+1:]) > 0) {
		return m.path(end)
	}
	if m.follows(begin, usingList) || isList(s[begin:end]) {
		return end
	}
	return m.mask(begin, end, maskHost)
}

// usingList stands before a DNS list's name. Postfix: default_rbl_reply.
const usingList = "using"

// url handles what follows the :// before i: the host is kept, unless it is the recipient's own.
func (m *masker) url(i int) int {
	s := m.s
	if n := masked(s[i:]); n > 0 {
		return m.path(i + n)
	}
	end := i
	for end < len(s) && class[s[end]]&(letter|digit|dot|joiner|wide) != 0 {
		end++
	}
	for end > i && class[s[end-1]]&(letter|digit|wide) == 0 {
		end--
	}
	host := s[i:end]
	switch {
	case host == "":
		return i
	case isIP(host):
		end = m.mask(i, end, maskIP)
	case m.domain != "" && within(host, m.domain):
		end = m.mask(i, end, maskHost)
	}
	return m.path(end)
}

// path handles path and query of a URL from i: their words are kept, a cause among them (`?p=OverQuotaPerm`), the rest is
// masked.
func (m *masker) path(i int) int {
	s := m.s
	for i < len(s) && !m.full {
		c := s[i]
		switch {
		case c == '<':
			n := masked(s[i:])
			if n == 0 {
				return i
			}
			i += n
			continue
		case class[c]&word == 0 && c != '/' && c != ':' && c != ';', c == ':' && strings.HasPrefix(s[i:], "://"):
			return i
		case class[c]&(letter|digit) == 0:
			i++
			continue
		}
		begin := i
		var kind uint8
		percent, dots := false, 0
		for ; i < len(s) && (class[s[i]]&(letter|digit|dot|at|joiner) != 0 || s[i] == '%' || s[i] == '~'); i++ {
			kind |= class[s[i]]
			percent = percent || s[i] == '%'
			if s[i] == '.' {
				dots++
			}
		}
		end := i
		for end > begin && class[s[end-1]]&(letter|digit) == 0 {
			end--
		}
		switch t := s[begin:end]; {
		case kind&at != 0 && strings.IndexByte(t, '@') > 0, percent && strings.Contains(t, "%40"):
			i = m.mask(begin, end, maskAddress)
		case dots > 1 && isHost(t):
			i = m.mask(begin, end, maskHost)
		case kind&digit == 0:
			if isNoise(t) {
				i = m.mask(begin, end, maskID)
			}
		case isIP4(t):
			i = m.mask(begin, end, maskIP)
		case kind&(letter|at) == 0 && !percent:
			i = m.mask(begin, end, maskNumber)
		default:
			i = m.mask(begin, end, maskID)
		}
	}
	return i
}

// mask writes what instead of s[begin:end], and instead of angle brackets around it, and returns where to go on.
func (m *masker) mask(begin, end int, what string) int {
	if begin > m.from && m.s[begin-1] == '<' && end < len(m.s) && m.s[end] == '>' {
		begin, end = begin-1, end+1
	}
	m.flush(begin)
	m.append(what)
	m.from = end
	return end
}

// flush appends the text that is kept up to end, runs of spaces squeezed to one, none at the beginning.
func (m *masker) flush(end int) {
	if m.from >= end {
		return
	}
	t := m.s[m.from:end]
	m.from = end
	for {
		if n := len(m.dst); t[0] == ' ' && (n == m.base || m.dst[n-1] == ' ') {
			if t = strings.TrimLeft(t, " "); t == "" {
				return
			}
		}
		p := strings.Index(t, "  ")
		if p < 0 {
			m.append(t)
			return
		}
		m.append(t[:p+1])
		t = t[p+1:]
	}
}

// append appends t, or as much as there is room for, which completes the template.
func (m *masker) append(t string) {
	if m.full {
		return
	}
	room := MaxTemplate - (len(m.dst) - m.base)
	if len(t) <= room {
		m.dst = append(m.dst, t...)
		return
	}
	m.dst = append(m.dst, t[:room]...)
	m.full = true

	// Cut before the last word, or the last part of one, or else, in a text without either, before the last rune.
	end := m.base + MaxTemplate - len(ellipsis)
	cut := end
	for cut > end-maxWord && m.dst[cut-1] != ' ' {
		cut--
	}
	if cut == end-maxWord {
		for cut = end; cut > end-maxWord && class[m.dst[cut-1]]&word != 0; cut-- {
		}
	}
	if cut == end-maxWord {
		for cut = end; cut > end-utf8.UTFMax && !utf8.RuneStart(m.dst[cut]); cut-- {
		}
	}
	m.dst = append(m.dst[:cut], ellipsis...)
}

// maxWord is how much of a template a word may take with it when it is cut.
const maxWord = 64

// isCode reports whether s begins with three digits, as a reply has them: before a hyphen, a blank or the end.
func isCode(s string) bool {
	return len(s) >= 3 && class[s[0]]&class[s[1]]&class[s[2]] == digit && (len(s) == 3 || s[3] == '-' || class[s[3]] == blank)
}

// enhanced returns the enhanced code that s begins with, or "". The subject is one digit: RFC 3463 2 has eight.
func enhanced(s string) string {
	if len(s) < 5 || s[0] != '2' && s[0] != '4' && s[0] != '5' || s[1] != '.' || s[2] < '0' || s[2] > '7' || s[3] != '.' {
		return ""
	}
	n := 4
	for n < len(s) && class[s[n]] == digit {
		n++
	}
	if n == 4 || n > 7 || !ends(s[n:]) && (n == len(s) || s[n] != '<') {
		return ""
	}
	return s[:n]
}

// bracketed reports whether s begins with an IP address in brackets, as Postfix writes it after a host's name.
func bracketed(s string) bool {
	n := strings.IndexByte(s[:min(len(s), maxLiteral)], ']')
	return n > 0 && (isIP4(s[1:n]) || ip6(s[1:n]) == n-1 || s[1:n] == maskIP)
}

// maxLiteral is the length of the longest IP address in brackets, IPv6 with an IPv4 address in it (RFC 4291 2.2).
const maxLiteral = 47

// isIP4 reports whether t is four groups of digits.
func isIP4(t string) bool {
	dots := 0
	for i := range len(t) {
		switch class[t[i]] {
		case dot:
			dots++
		case digit:
		default:
			return false
		}
	}
	return dots == 3
}

// ip6 returns the length of the IPv6 address at i, 0 for none. After a colon there is one only where the colon is that of
// RFC 5321 4.1.3.
func (m *masker) ip6(i int) int {
	if before := m.s[:i]; strings.HasSuffix(before, ":") && !strings.HasSuffix(before, "[IPv6:") {
		return 0
	}
	return ip6(m.s[i:])
}

// ip6 returns the length of the IPv6 address that s begins with, 0 for none (RFC 4291 2.2).
func ip6(s string) int {
	n, colons, group, gap := 0, 0, 0, false
	for ; n < len(s); n++ {
		c := s[n]
		if c == ':' {
			if n > 0 && s[n-1] == ':' {
				if gap {
					return 0
				}
				gap = true
			}
			colons++
			group = 0
			continue
		}
		if class[c] != digit && (c|0x20 < 'a' || c|0x20 > 'f') {
			break
		}
		if group++; group > 4 {
			return 0
		}
	}
	if n > 1 && s[n-1] == ':' && s[n-2] != ':' { // the sentence's
		if !ends(s[n:]) {
			return 0
		}
		n--
		colons--
	}
	if n < 3 || s[0] == ':' && s[1] != ':' || colons > 7 || !gap && colons != 7 || !ends(s[n:]) {
		return 0
	}
	return n
}

// ends reports whether a word may have ended before s: after any punctuation nothing that belongs to it follows, nor a mask in
// the place of that.
func ends(s string) bool {
	i := 0
	for i < len(s) && class[s[i]]&(dot|joiner|mark) != 0 {
		i++
	}
	return i == len(s) || class[s[i]]&word == 0 && s[i] != '<'
}

// isHost reports whether t looks like a host name with a domain: labels, and a top label of lower-case letters or an
// A-label. Vendors have tokens in mixed case with dots in them: RESOLVER.ADR.RecipientNotFound.
func isHost(t string) bool {
	p := strings.LastIndexByte(t, '.')
	top := t[p+1:]
	if p < 1 || len(top) < 2 || t[p-1] == '.' {
		return false
	}
	if !strings.HasPrefix(top, "xn--") {
		for i := range len(top) {
			if top[i] < 'a' || top[i] > 'z' {
				return false
			}
		}
	}
	for i := range p {
		if c := t[i]; c == '#' || c == '+' || c == '.' && t[i+1] == '.' {
			return false
		}
	}
	return true
}

// isList reports whether a host name is that of a DNS list: it is in lists, or has a label that ends in `bl` before any
// number, as most lists' have.
func isList(host string) bool {
	for i := 2; i < len(host); i++ {
		if host[i-1]|0x20 == 'l' && host[i-2]|0x20 == 'b' && class[host[i]] != letter {
			end := i
			for end < len(host) && (class[host[end]] == digit || host[end] == '-') {
				end++
			}
			if end < len(host) && host[end] == '.' {
				return true
			}
		}
	}
	for i := range lists {
		if within(host, lists[i].zone) {
			return true
		}
	}
	return false
}

// within reports whether host is domain or a name below it.
func within(host, domain string) bool {
	p := len(host) - len(domain)
	return strings.HasSuffix(host, domain) && (p == 0 || host[p-1] == '.')
}

// lists are the domains of DNS lists and of reputation services that receivers cite.
var lists = [...]struct{ zone, ref string }{
	{"spamhaus.org", "docs.spamhaus.com"},
	{"spamhaus.net", "docs.spamhaus.com, query service"},
	{"spamcop.net", "www.spamcop.net"},
	{"barracudacentral.org", "barracudacentral.org/rbl"},
	{"uceprotect.net", "www.uceprotect.net"},
	{"backscatterer.org", "www.backscatterer.org"},
	{"mailspike.net", "mailspike.org"},
	{"manitu.net", "www.dnsbl.manitu.net"},
	{"s5h.net", "s5h.net"},
	{"invaluement.com", "www.invaluement.com"},
	{"junkemailfilter.com", "hostkarma.junkemailfilter.com"},
	{"sorbs.net", "shut down in 2024, still cited"},
	{"surbl.org", "surbl.org"},
	{"uribl.com", "uribl.com"},
	{"cloudmark.com", "csi.cloudmark.com"},
	{"senderscore.com", "senderscore.org"},
}

// isVendor reports whether t looks like a code out of a vendor's table: one to three groups, joined by - _ or #, each of
// capitals, digits or capitals before digits, the first of them with capitals. TSS04 S3150 OFR_417 VS98-IP0 RL000001
// AUP#In-1310.
func isVendor(t string) bool {
	groups := 1
	if len(t) > 16 || t[0] < 'A' || t[0] > 'Z' {
		return false
	}
	letters, lower, digits := 0, false, 0
	for i := range len(t) {
		switch c := t[i]; class[c] {
		case letter:
			if digits > 0 {
				return false
			}
			letters++
			lower = lower || c >= 'a'
		case digit:
			digits++
		default:
			groups++
			letters, lower, digits = 0, false, 0
		}
		if lower && digits > 0 || letters > 8 || digits > 6 || groups > 3 {
			return false
		}
	}
	return true
}

// isQuantity reports whether t, without joiners, is a number and a unit of that many letters. A long number and one letter is
// rather a hash.
func isQuantity(t string, letters int) bool {
	number, unit := t[:len(t)-letters], t[len(t)-letters:]
	if letters == 1 && len(number) > 4 {
		return false
	}
	for i := range len(number) {
		if class[number[i]] == letter {
			return false
		}
	}
	for _, u := range units {
		if len(u) == len(unit) && strings.EqualFold(u, unit) {
			return true
		}
	}
	return false
}

// maxUnit is the length of the longest unit.
const maxUnit = 4

var units = [...]string{"s", "m", "h", "d", "ms", "sec", "secs", "min", "mins", "k", "g", "kb", "mb", "gb", "kib", "mib", "gib", "st", "nd", "rd", "th"}

// isNoise reports whether the letters of t change case as no words do: zyWqHJF, against RecipientNotFound. A word's capitals
// come alone, and its small letters in company.
func isNoise(t string) bool {
	odd := 0
	for i := 0; i < len(t); {
		capitals, small := 0, 0
		for ; i < len(t) && 'A' <= t[i] && t[i] <= 'Z'; i++ {
			capitals++
		}
		for ; i < len(t) && 'a' <= t[i] && t[i] <= 'z'; i++ {
			small++
		}
		switch {
		case capitals+small == 0:
			i++
		case small == 1, capitals > 1 && small > 0:
			odd++
		}
	}
	return odd > 1 && len(t) > 4
}

// masked returns the length of the mask that s begins with, 0 for none.
func masked(s string) int {
	for _, what := range masks {
		if strings.HasPrefix(s, what) {
			return len(what)
		}
	}
	return 0
}
