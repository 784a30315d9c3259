package generic

import (
	"cmp"
	"strings"

	"bouncelog/parsers"
)

// A reading is what was recognised in a record so far.
type reading struct {
	s string

	recipients string // text with their addresses, where a key, a word or an arrow names them
	namedBy    string // that key
	hearsay    bool   // it stood in a text
	angle      unnamed
	bare       unnamed
	cells      int // commas without a blank behind them

	sender    string
	relayHost string
	relayIP   string
	relayPort uint16
	server    string // text that begins with a server and its address, which nothing names
	status    parsers.Status

	code     parsers.ReplyCode
	enhanced parsers.EnhancedCode // with a key of its own, or without a reply code
	text     string               // the server's words, from the code on
	rest     string               // the record from a code on that has a key
	answered bool                 // the server's words have begun
	settled  bool                 // recipients was known by then
	quoted   bool                 // a text quotes them

	nobody  bool // no server answered
	key     bool // something has a key
	verb    bool // a word of delivery or an arrow is there
	step    bool // RCPT TO or MAIL FROM is: a line of a dialogue
	inbound bool // somebody was refused at our own door
	web     bool // it may be about HTTP

	inText    bool   // what is read is a text that may quote the server
	word      string // the one before, or an arrow
	fromWhom  bool   // the next address is the sender's
	untrusted bool   // from here on, all may be the sender's words
}

// unnamed are the addresses of a kind that nothing names.
type unnamed struct {
	address string
	n       int
}

func (u *unnamed) add(address string) {
	if u.address != address {
		u.address = address
		u.n++
	}
}

// maxCells is how many cells a line may have that names no field.
const maxCells = 3

// walk reads s[i:end]. It returns where the words begin that are the server's.
func (r *reading) walk(i, end int) {
	s := r.s[:end]
	for i < end && !r.untrusted {
		switch c := s[i]; {
		case isWord(c):
			var answer bool
			if i, answer = r.readWord(i, end); answer {
				return
			}
		case c == '<':
			address, n := cutBrackets(s[i:])
			if n > 0 {
				r.meet(address, &r.angle)
			}
			i += max(1, n)
		case c == '"':
			i = r.readQuoted(i, end)
		case c == '/' && (i == 0 || isBlank(s[i-1])): // a path
			i = wordEnd(s, i)
		case isArrow(s[i:]) && (i == 0 || isBlank(s[i-1])):
			r.verb, r.word = true, s[i:i+2]
			r.setStatus(r.word)
			i += 2
		default:
			if c == ',' && i+1 < end && !isBlank(s[i+1]) {
				r.cells++
			}
			i++
		}
	}
}

// readQuoted reads what has no key and begins at i with a quote: an address with a quoted local part, the key of a field in
// JSON, or a text of its own.
func (r *reading) readQuoted(i, end int) (next int) {
	s := r.s[:end]
	if n := cutAddress(s[i:]); n > 0 {
		r.meet(s[i:i+n], &r.bare)
		return i + n
	}
	last := closingQuote(s, i)
	if last == end || strings.HasPrefix(strings.TrimLeft(s[last+1:], " "), ":") {
		return i + 1
	}
	if last > i+len(`"550`) { // a number in quotes is somebody's name
		r.walk(i+1, last)
	}
	return last + 1
}

// readWord reads what begins at i with a letter or a digit. It returns where that ends, and whether it is a code with
// which the server's words begin.
func (r *reading) readWord(i, end int) (next int, answer bool) {
	s := r.s[:end]
	j := nameEnd(s, i)
	if v, c := r.keyAt(i, j, end); v > 0 {
		return r.readValue(c, s[i:j], v, end)
	}
	if r.answered {
		return j, false
	}
	if strings.HasPrefix(s[j:], "://") {
		return wordEnd(s, j), false
	}
	if n := cutAddress(s[i:]); n > 0 && (i == 0 || s[i-1] != '@') {
		r.meet(s[i:i+n], &r.bare)
		return i + n, false
	}
	if isDigit(s[i]) && (r.isCode(i, j, end) || r.isEnhanced(i, j)) {
		r.answer(s[i:])
		return end, true
	}
	switch word := s[i:j]; {
	case isVerb(word):
		r.verb = true
	case isOneOf(word, requests):
		r.web = true
	case word == "NOQUEUE":
		r.inbound = true
	case strings.EqualFold(word, "RCPT"), strings.EqualFold(word, "MAIL"):
		r.step = r.step || hasPrefixFold(s[j:], " TO:") || hasPrefixFold(s[j:], " FROM:")
		r.inbound = r.inbound || strings.EqualFold(r.word, "rejected")
	case strings.EqualFold(word, "host") && j < end:
		if n := nameEnd(s, j+1); n < end && s[n] == '[' {
			r.setRelay(s[j+1:])
		}
	case r.server == "" && isHost(strings.TrimSuffix(word, ".")) && isBracketed(s[j:]) && !isOneOf(r.word, " from client "):
		r.server = s[i:]
	}
	r.word = s[i:j]
	return j, false
}

// meet takes in an address that has no key.
func (r *reading) meet(address string, kind *unnamed) {
	word := r.word
	r.word = ""
	switch {
	case r.fromWhom, strings.EqualFold(word, "from"), strings.EqualFold(word, "sender"):
		r.fromWhom = false
		r.setSender(address)
	case r.answered, address == "":
	case isOneOf(word, " to for recipient recipients rcpt => -> ** == "):
		if r.recipients == "" {
			r.recipients, r.hearsay = address, r.inText
		}
	default:
		kind.add(address)
	}
}

// setSender takes in the sender. The first counts; an empty one in brackets is the null reverse-path.
func (r *reading) setSender(address string) {
	if address == "" {
		address = parsers.NullSender
	}
	if r.sender == "" {
		r.sender = address
	}
}

// begin notes that from here on the server's words may be met.
func (r *reading) begin() { r.answered, r.settled = true, r.recipients != "" && !r.hearsay }

// answer takes in the server's words.
func (r *reading) answer(s string) {
	r.begin()
	r.text = trimmed(s)
	if r.code = codeOf(s[:min(len(s), len("250"))]); r.code == 0 && r.enhanced.IsZero() {
		r.enhanced, _ = parsers.ParseEnhanced(enhancedWord(s))
	}
}

// codeOf returns the reply code that s begins with, zero where it begins with none.
func codeOf(s string) parsers.ReplyCode {
	reply, _ := parsers.ParseReply(s[:min(len(s), len("250-"))])
	if reply.Code.Class() == parsers.ClassUnknown {
		return 0
	}
	return reply.Code
}

// isCode reports whether the name s[i:j] is a reply code, alone or with a hyphen and the first word of its line behind it.
func (r *reading) isCode(i, j, end int) bool {
	s := r.s[:end]
	if j-i < 3 || r.nobody || i > 0 && strings.IndexByte(".:[-/@#$+=&", s[i-1]) >= 0 {
		return false
	}
	code := codeOf(s[i : i+3])
	if code == 0 {
		return false
	}
	if reply, _ := parsers.ParseStrictReply(s[i:min(end, i+len("250-(#5.999.999) "))]); !reply.Enhanced.IsZero() && reply.Enhanced.Class() == code.Class() {
		r.inbound = r.inbound || isLogin(code)
		return true
	}
	switch {
	case !plausible(code), r.web, strings.EqualFold(r.word, "port"):
		return false
	case j > i+3:
		return s[i+3] == '-' && (j == i+4 || !isDigit(s[i+4]))
	case j < end && strings.IndexByte(" \t\n\"'),;", s[j]) < 0:
		return false
	}
	return !isOneOf(s[min(j+1, end):wordEnd(s, min(j+1, end))], units) && r.introduced(i)
}

// isLogin reports whether a code is of RFC 4954 6: it is about a client of ours more often than about a recipient.
func isLogin(c parsers.ReplyCode) bool { return c == 534 || c == 535 || c == 538 }

// plausible reports whether a server may have answered with this code to what decides a delivery. The others that are
// common in logs are those of greetings and of HTTP.
func plausible(c parsers.ReplyCode) bool {
	return 250 <= c && c < 260 || 421 <= c && c < 600 && c != 429 && !isLogin(c)
}

// isEnhanced reports whether the name s[i:j] is an enhanced code that stands without a reply code. Versions look like it,
// but its subject is one of few (RFC 3463 3).
func (r *reading) isEnhanced(i, j int) bool {
	e, ok := parsers.ParseEnhanced(enhancedWord(r.s[i:j]))
	return ok && e[1] <= 7 && !r.nobody && (isVerb(r.word) || r.recipients != "" || i > 0 && (r.s[i-1] == '#' || r.s[i-1] == '(') || r.introduced(i))
}

// introduced reports whether what stands before i says that a server's words follow.
func (r *reading) introduced(i int) bool {
	before := strings.TrimRight(r.s[:i], "\"'( \t\n")
	switch {
	case before == "", len(before) == i:
		return false
	case before[len(before)-1] == ':', isOneOf(r.word, introductions):
		return true
	}
	return r.s[i-1] == '(' && isVerb(r.word)
}

// keyAt returns where the value of a key begins that the name s[i:j] is, and what the key says; 0 where it is none. A key
// has `=` behind it, in JSON `":`, and in what is made like a header `: `.
func (r *reading) keyAt(i, j, end int) (v int, c class) {
	s := r.s[:end]
	before := byte(' ')
	if i > 0 {
		before = s[i-1]
	}
	if !isBlank(before) && strings.IndexByte(`,;({["'|`, before) < 0 {
		return 0, 0
	}
	k := j
	quoted := k < end && s[k] == before && !isBlank(before)
	if quoted {
		k++
	}
	spread := k < end && s[k] == ' '
	for k < end && s[k] == ' ' {
		k++
	}
	if k == end {
		return 0, 0
	}
	v = k + 1
	switch {
	case s[k] == '=' && (v == end || s[v] != '=' && s[v] != '>'):
		c = classOf(s[i:j])
	case s[k] == ':' && (quoted || !spread && v < end && strings.IndexByte(" <\"", s[v]) >= 0):
		if c = classOf(s[i:j]); !quoted && !c.withColon() {
			return 0, 0
		}
		spread = true
	default:
		return 0, 0
	}
	for spread && v < end && s[v] == ' ' {
		v++
	}
	return v, c
}

// readValue reads the value of a key at v. It returns where to go on, and whether the server's words begin there.
func (r *reading) readValue(c class, key string, v, end int) (next int, answer bool) {
	s := r.s[:end]
	if v < end && (s[v] == '{' || s[v] == '[' && c != recipientKey && c != relayKey) {
		return v, false // fields of its own
	}
	value, next := cutValue(s, v)
	quoted := next > v+1 && (s[v] == '"' || s[v] == '\'')
	r.fromWhom, r.word = false, ""
	switch c {
	case recipientKey:
		// A field counts for more than a text. Of several behind the server's words the last does: they may hold others.
		better := r.recipients == "" || !r.inText && (r.hearsay || r.answered && !r.settled || strings.EqualFold(key, r.namedBy))
		if better && firstAddress(value) != "" {
			r.recipients, r.namedBy, r.hearsay, r.key = value, key, r.inText, true
		}
	case senderKey:
		r.key = true
		if address := firstAddress(value); address != "" || value == "<>" {
			r.setSender(address)
		} else {
			r.fromWhom = value != "" // a name, with the address behind it
		}
	case strangeKey:
		r.untrusted = !quoted
	case rejectKey:
		r.inbound = true
	case eventKey:
		r.inbound = r.inbound || isOneOf(value, arrivals)
		r.setStatus(value)
	case relayKey:
		r.key, r.nobody = true, r.nobody || value == "none"
		r.setRelay(s[v:])
	case statusKey, codeKey, enhancedKey, replyKey, textKey:
		r.key = r.key || c != textKey
		return r.readResult(c, value, v, next, end, quoted)
	}
	return next, false
}

// readResult reads the value s[v:next] of a key that says how a delivery went.
func (r *reading) readResult(c class, value string, v, next, end int, quoted bool) (int, bool) {
	words := c == replyKey || c == textKey
	code := codeOf(value)
	e, isEnhanced := parsers.ParseEnhanced(strings.TrimPrefix(enhancedWord(value), "#"))
	switch {
	case isEnhanced && !words:
		if r.enhanced.IsZero() {
			r.enhanced, r.rest = e, cmp.Or(r.rest, trimmed(r.s[v:end]))
		}
	case r.answered && r.quoted && c == codeKey && plausible(code):
		r.code = code // a field counts for more than a text
	case r.answered:
		if words && r.text == "" {
			r.text = trimmed(value)
		}
	case code != 0 && quoted && len(value) > 3:
		r.answer(value)
	case code != 0 && (len(value) > 3 || words || r.proseAt(next, end)):
		r.answer(r.s[v:end])
		return end, true
	case code != 0 && plausible(code):
		r.begin()
		r.code, r.rest = code, trimmed(r.s[v:end])
	case c == codeKey && len(value) == 3 && isDigit(value[0]):
		r.nobody = true // a number of the program's own
	case c == replyKey && quoted:
		r.readReply(value)
	case words && quoted:
		outside := r.inText
		r.inText, r.word = true, ""
		r.walk(v+1, v+1+len(value))
		r.inText, r.quoted = outside, r.answered
	case words:
		r.word = "reply"
		return v, false
	default:
		r.word = "status"
		r.setStatus(value)
	}
	return next, false
}

// readReply reads the server's words where they do not begin with a reply code: behind `smtp; ` (RFC 3464 2.3.6), or with
// an enhanced code.
func (r *reading) readReply(value string) {
	if _, s, ok := strings.Cut(value, ";"); ok {
		value = strings.TrimLeft(s, " ")
	}
	if _, ok := parsers.ParseEnhanced(enhancedWord(value)); ok || codeOf(value) != 0 {
		r.answer(value)
	} else if r.text == "" {
		r.text = trimmed(value)
	}
}

// setStatus takes in a word that says what became of the message. The first counts.
func (r *reading) setStatus(word string) {
	if r.status == 0 {
		r.status = statusOf(word)
	}
}

// proseAt reports whether words without a key follow at i, behind a blank.
func (r *reading) proseAt(i, end int) bool {
	if i+1 >= end || !isBlank(r.s[i]) || !isWord(r.s[i+1]) {
		return false
	}
	v, _ := r.keyAt(i+1, nameEnd(r.s[:end], i+1), end)
	return v == 0
}
