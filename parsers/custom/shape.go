package custom

import (
	"net/netip"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A token is a piece of a line that is being learned: something that differs from line to line, a word, or what is between.
type token struct {
	kind   tokenKind
	text   string
	varies bool // of a word: not the same in all lines
}

type tokenKind uint8

const (
	gapToken     tokenKind = iota // blanks and punctuation
	wordToken                     // `status`, `deferred`
	addressToken                  // `a@example.com`
	ipToken
	hostToken
	numberToken // `25`, `1.5s`, `00:00:12`
	idToken     // `4B1C2D3E4F5`
	stampToken
	codeToken  // `5.1.1`
	replyToken // `550 5.1.1 User unknown`
	textToken  // what else stood in quotes
)

// tokensOf cuts a line.
func tokensOf(s string) (all []token) {
	add := func(kind tokenKind, text string) {
		if n := len(all); kind == gapToken && n > 0 && all[n-1].kind == gapToken {
			all[n-1].text += text
		} else if text != "" || kind == addressToken {
			all = append(all, token{kind: kind, text: text})
		}
	}
	for s != "" {
		if kind, text, closing := enclosed(s); text != "" || kind == addressToken {
			add(gapToken, s[:1])
			add(kind, text)
			add(gapToken, closing)
			s = s[1+len(text)+len(closing):]
			continue
		}
		if kind, n := leading(s, all); n > 0 {
			add(kind, s[:n])
			s = s[n:]
			continue
		}
		add(gapToken, s[:1])
		s = s[1:]
	}
	return all
}

// enclosed returns what stands in the quotes or brackets that s begins with, where it is one value.
func enclosed(s string) (kind tokenKind, text, closing string) {
	pair := strings.IndexByte(`"<([`, s[0])
	if pair < 0 {
		return 0, "", ""
	}
	closing = `">)]`[pair : pair+1]
	end := closingOf(s, closing[0])
	if end < 0 {
		return 0, "", ""
	}
	inner := s[1:end]
	if _, ok := parsers.ParseReply(inner); ok {
		if s[0] != '"' && strings.HasSuffix(s, closing) { // the text may hold what closes it
			inner = s[1 : len(s)-1]
		}
		return replyToken, inner, closing
	}
	switch s[0] {
	case '<':
		if inner == "" || strings.Contains(inner, "@") && !strings.Contains(inner, " ") {
			return addressToken, inner, closing
		}
	case '[':
		if layoutOf(inner) != "" {
			return stampToken, inner, closing
		}
	case '"':
		if strings.Contains(inner, " ") {
			return textToken, inner, closing
		}
	}
	return 0, "", ""
}

// closingOf returns where what s begins with is closed: a quote by one without a backslash, a bracket by its own, or failing
// that by the first. Negative: nowhere.
func closingOf(s string, closing byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && closing == '"':
			i++
		case i > 0 && s[i] == closing:
			if depth--; depth <= 0 {
				return i
			}
		case s[i] == s[0]:
			depth++
		}
	}
	if closing == '"' {
		return -1
	}
	return strings.IndexByte(s, closing)
}

// leading returns the kind and the length of what s begins with, 0 where that is no value and no word.
func leading(s string, before []token) (tokenKind, int) {
	if strings.IndexByte(" \t<>()[]{}\"',;=|.:!?", s[0]) >= 0 {
		return 0, 0
	}
	if n := replyLength(s, before); n > 0 {
		return replyToken, n
	}
	if _, rest, ok := fields.Stamp(s, nil); ok {
		return stampToken, len(s) - len(rest)
	}
	n := strings.IndexAny(s, " \t<>()[]{}\"',;=|")
	if n < 0 {
		n = len(s)
	}
	run := strings.TrimRight(s[:n], ".:!?")
	if _, err := netip.ParseAddr(run); err == nil {
		return ipToken, len(run)
	}
	if _, ok := fields.Clock(run); ok {
		return numberToken, len(run)
	}
	if i := strings.IndexByte(run, ':'); i > 0 && !strings.Contains(run, "@") {
		run = run[:i] // `mx.example.com:25`: the port is a value of its own
		if _, err := netip.ParseAddr(run); err == nil {
			return ipToken, i
		}
	}
	return kindOfRun(run), len(run)
}

// kindOfRun tells what a run without blanks is.
func kindOfRun(s string) tokenKind {
	letters, digits, others := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9:
			digits++
		case c|0x20-'a' < 26:
			letters++
		default:
			others++
		}
	}
	if _, ok := parsers.ParseEnhanced(s); ok {
		return codeToken
	}
	if _, ok := anyLength(s); ok {
		return numberToken
	}
	switch {
	case strings.Contains(s, "@"):
		return addressToken
	case digits > 0 && letters+others == 0:
		return numberToken
	case letters > 0 && isHost(s):
		return hostToken
	case digits > 0 && len(s) > 4:
		return idToken
	}
	return wordToken
}

// isHost reports whether s has the shape of a host name with a domain.
func isHost(s string) bool {
	s = strings.TrimSuffix(s, ".")
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || len(s)-dot < 3 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c|0x20-'a' < 26 || c-'0' <= 9 || c == '-' || c == '.') || i > dot && c-'0' <= 9 {
			return false
		}
	}
	return true
}

// replyLength returns the length of the reply that s begins with, 0 where that is none. Unquoted, it goes to the end of the
// line or to the next key.
func replyLength(s string, before []token) int {
	r, ok := parsers.ParseReply(s)
	if !ok || len(s) < 5 || s[1] > '5' { // RFC 5321 4.2.1: the second digit is 0 to 5
		return 0
	}
	gap := ""
	if n := len(before); n > 0 && before[n-1].kind == gapToken {
		gap = before[n-1].text
	}
	if r.Enhanced.IsZero() && !strings.HasSuffix(gap, "=") && !strings.HasSuffix(gap, ": ") {
		return 0
	}
	n := len(s)
	for i := 3; i < n; i++ {
		if s[i] != ' ' {
			continue
		}
		end := i + 1
		for end < n && (s[end]|0x20-'a' < 26 || s[end] == '_' || s[end] == '-') {
			end++
		}
		if end < n && end > i+1 && s[end] == '=' {
			n = i
		}
	}
	if n == 3 {
		return 0 // a code alone
	}
	return n
}

// layouts are the forms of time that stand in brackets, besides the ISO ones.
var layouts = []string{"%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S"}

// layoutOf returns how a stamp is written, as a definition has it: `rfc3339`, `strptime:…`; empty where it is none.
func layoutOf(s string) string {
	if _, ok := isoClock(s, nil); ok {
		return "rfc3339"
	}
	for _, l := range layouts {
		if layout, err := compileLayout(l); err == nil {
			if _, ok := layout.read(s, nil); ok {
				return "strptime:" + l
			}
		}
	}
	return ""
}

// signature returns what lines of one shape have in common: what stands between the values, the words before a `=` or a
// colon, and what kind of value there is; behind a `=` words and numbers are alike.
func signature(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		kind := t.kind
		switch kind {
		case gapToken:
			b.WriteString(t.text)
			continue
		case wordToken:
			if isKey(tokens, i) {
				b.WriteString(t.text)
				continue
			}
		case numberToken, idToken, hostToken, codeToken:
			if i > 0 && tokens[i-1].text == "=" {
				kind = wordToken
			}
		}
		b.WriteByte(byte(kind)) // a line has no such control characters
	}
	return b.String()
}

// isKey reports whether a word names the value behind it.
func isKey(tokens []token, i int) bool {
	return i+1 < len(tokens) && tokens[i+1].kind == gapToken && (tokens[i+1].text[0] == '=' || tokens[i+1].text[0] == ':')
}

// keyOf returns the word that names a value: `to=<`, `mx `, `code: `. Empty where there is none.
func keyOf(tokens []token, i int) string {
	if i < 2 || tokens[i-1].kind != gapToken || tokens[i-2].kind != wordToken {
		return ""
	}
	switch strings.Trim(tokens[i-1].text, ` <"'[(`) {
	case "", "=", ":":
		return strings.ToLower(tokens[i-2].text)
	}
	return ""
}

// A guess is what a word says of the value that it names, if that is of one of the kinds.
type guess struct {
	field field
	kinds []tokenKind
	keys  string
}

var guesses = []guess{
	{originalField, []tokenKind{addressToken}, "orig_to orcpt original_recipient raw_rcpt_to"},
	{recipientField, []tokenKind{addressToken}, "to rcpt rcpts rcpt_to rcptto recipient recipients for addr address email"},
	{senderField, []tokenKind{addressToken}, "from sender mailfrom mail_from msg_from envelope_from envfrom return_path"},
	{messageIDField, []tokenKind{addressToken}, "msgid message_id messageid"},
	{sourceIPField, []tokenKind{ipToken}, "src source source_ip sending_ip src_ip local local_ip bind vmta"},
	{relayIPField, []tokenKind{ipToken}, "mx relay ip host peer remote server dst dest relay_ip mx_ip remote_ip peer_ip ip_address"},
	{relayHostField, []tokenKind{hostToken}, "mx relay host peer remote server via relay_host mx_host mxhost"},
	{replyCodeField, []tokenKind{numberToken}, "code reply_code smtp_code smtpstatus error_code response_code"},
	{relayPortField, []tokenKind{numberToken}, "port relay_port"},
	{delayField, []tokenKind{numberToken}, "delay age queue_time"},
	{xdelayField, []tokenKind{numberToken}, "xdelay took elapsed duration session_seconds"},
	{attemptField, []tokenKind{numberToken}, "attempt attempts try tries attempt_no"},
	{retriesField, []tokenKind{numberToken}, "retry retries num_retries"},
	{timeField, []tokenKind{stampToken, numberToken}, "time ts t timestamp date when at event_time"},
	{statusField, []tokenKind{wordToken}, "status result res stat state action outcome event type disposition"},
	{queueIDField, []tokenKind{idToken, wordToken, numberToken}, "id qid queue queue_id queueid mid message_id messageid"},
	{dsnField, []tokenKind{codeToken}, "dsn"},
	{enhancedField, []tokenKind{codeToken}, "enhanced esc ext status enhanced_code enhanced_status x"},
	{diagnosticField, []tokenKind{replyToken, textToken, wordToken}, "msg message reply response resp reason error err diag diagnostic text details why"},
	{jobField, []tokenKind{wordToken, idToken, numberToken}, "job campaign campaign_id tag job_id mailing"},
}

// guessed returns the field that a value named so may be for.
func guessed(key string, kind tokenKind) field {
	key = strings.ReplaceAll(key, "-", "_")
	for _, g := range guesses {
		for _, k := range g.kinds {
			if k == kind && listed(g.keys, key) {
				return g.field
			}
		}
	}
	return noField
}

// statusWords are words for what became of a delivery, in many logs. Of those in keyed that is known only where a key says
// that they are.
var statusWords = []struct {
	status       parsers.Status
	plain, keyed string
}{
	{parsers.StatusSent, "sent delivered ok success succeeded accepted relayed", "delivery"},
	{parsers.StatusDeferred, "deferred delayed tempfail softbounce", "delay soft soft_bounce temp temporary transient retry defer deferral"},
	{parsers.StatusBounced, "bounced failed permfail hardbounce undeliverable", "bounce hard hard_bounce fail perm permanent"},
	{parsers.StatusExpired, "expired", "ttl timeout expiration"},
	{parsers.StatusRejected, "rejected", "dropped suppressed blocked"},
}

// statusWord returns the status that a word stands for, zero where it is none of ours.
func statusWord(s string, keyed bool) parsers.Status {
	s = strings.ToLower(s)
	for _, w := range statusWords {
		if listed(w.plain, s) || keyed && listed(w.keyed, s) {
			return w.status
		}
	}
	return 0
}

// listed reports whether a word is one of those that blanks separate.
func listed(words, word string) bool {
	return word != "" && !strings.Contains(word, " ") && strings.Contains(" "+words+" ", " "+word+" ")
}

// namesOf returns what field each token is for.
func namesOf(tokens []token) []field {
	names := make([]field, len(tokens))
	var taken [numFields]bool
	take := func(i int, f field) {
		if f != noField && names[i] == noField && !taken[f] {
			names[i], taken[f] = f, true
		}
	}
	for i, t := range tokens {
		if t.kind != gapToken && !isKey(tokens, i) {
			take(i, guessed(keyOf(tokens, i), t.kind))
		}
	}
	// What no word names may be what it looks like.
	for i, t := range tokens {
		switch t.kind {
		case addressToken:
			if keyOf(tokens, i) == "" || !taken[recipientField] {
				take(i, recipientField)
			}
		case ipToken:
			take(i, relayIPField)
		case hostToken:
			if i+2 < len(tokens) && tokens[i+2].kind == ipToken {
				take(i, relayHostField)
			}
		case stampToken:
			take(i, timeField)
		case codeToken:
			take(i, enhancedField)
		case replyToken:
			take(i, diagnosticField)
		case wordToken:
			if statusWord(t.text, false) != 0 && !isKey(tokens, i) {
				take(i, statusField)
			}
		case idToken:
			if i < 2 {
				take(i, queueIDField)
			}
		case numberToken:
			if i > 1 && tokens[i-2].kind == ipToken && strings.HasSuffix(tokens[i-1].text, ":") {
				take(i, relayPortField)
			}
		}
	}
	return names
}
