package syslog

import (
	"strings"

	"bouncelog/parsers"
)

const (
	maxHost = 255 // RFC 1035 2.3.4
	maxTag  = 128 // RFC 3164 4.1.3 says 32, RFC 5424 6 says 48; Postfix takes any syslog_name
)

// A place is where on a line a header stands. Each has a memo, as the stamps and hosts on one line differ.
type place int

const (
	ownHeader     place = iota // the line begins with it
	innerHeader                // a message begins with it; it must be complete, or half a header could claim to be one
	carriedHeader              // a wrapper's payload begins with it
	places
)

// header cuts a header off s into l. It looks into the message behind it, too.
func (r *Reader) header(l *parsers.Line, s string, out outer, at place) bool {
	if s == "" {
		return false
	}
	if s[0] == '<' {
		n := priorityLength(s)
		if n == 0 {
			return false
		}
		if s = s[n:]; strings.HasPrefix(s, "1 ") {
			return r.rfc5424(l, s[2:], out, at)
		}
	}
	m, whole := &r.stamps[at], s
	s, ok := m.read(s)
	form := m.stamp.form
	if !ok || len(s) < 2 || s[0] != ' ' || at == innerHeader && form > formISO {
		return false
	}
	s = s[1:]
	if s[0] == '<' {
		s = afterFacility(s)
	}
	host, s := r.host(s, &r.hosts[at])
	var t tag
	text := t.read(s)
	direct := t.name != ""
	if !direct && host != "" {
		var forwarder string
		if forwarder, text = t.readBehindHost(s); forwarder != "" {
			host = r.rename(forwarder)
		}
	}
	if !t.follows(form, host, s, at) {
		return false
	}
	l.Time, l.YearGuessed = r.settle(m, out)
	l.Host, l.Tag, l.PID, l.Text = host, t.name, t.pid, text
	if at == ownHeader && form == formBSD && host != "" && direct && m.stamp.micro == 0 {
		r.keepFront(l, whole[:len(whole)-len(s)])
	}
	r.named(l, &t, at)
	return true
}

// named goes on behind a header that is in l, by its tag.
func (r *Reader) named(l *parsers.Line, t *tag, at place) {
	if strings.HasSuffix(t.name, ".service") {
		l.Tag = unitName(t.name)
	}
	r.message(l, t.slash, at)
}

// A frontMemo holds how the last line began, up to the blank behind its host, where that is a header whatever follows.
// Lines of one host come by the dozen in one second: to compare all of it at once costs half of what it takes to be
// reminded of the stamp, then of the host.
type frontMemo struct {
	key     [96]byte
	n       int
	host    int    // where in key it begins
	alias   string // what --host-alias makes of it, if not empty
	time    parsers.Stamp
	guessed bool
}

// keepFront remembers the front of a line, whose time is in l.
func (r *Reader) keepFront(l *parsers.Line, front string) {
	m := &r.front
	if m.n = 0; len(front) > len(m.key) {
		return
	}
	m.n, m.host = copy(m.key[:], front), strings.LastIndexByte(front[:len(front)-1], ' ')+1
	m.alias, m.time, m.guessed = r.alias[front[m.host:len(front)-1]], l.Time, l.YearGuessed
}

// begins reports whether s begins so.
func (m *frontMemo) begins(s string) bool {
	return m.n > 0 && len(s) > m.n && s[:m.n] == string(m.key[:m.n])
}

// behindFront cuts the rest of a header whose front is that of the memo. False where there is no tag; l is then as it was.
func (r *Reader) behindFront(l *parsers.Line, raw string) bool {
	m := &r.front
	var t tag
	text := t.read(raw[m.n:])
	if t.name == "" {
		return false
	}
	host := m.alias
	if host == "" {
		host = raw[m.host : m.n-1]
	}
	*l = parsers.Line{Raw: raw, Text: text, Time: m.time, Host: host, Tag: t.name, PID: t.pid, YearGuessed: m.guessed}
	r.named(l, &t, ownHeader)
	return true
}

// follows reports whether what stands behind a stamp proves that it began a header. text is what follows the host.
//
// Note: to pass the tag as a value costs a seventh of the time for the whole header.
func (t *tag) follows(f form, host, text string, at place) bool {
	colon := t.end >= tagColon
	switch {
	case at == innerHeader:
		return host != "" && t.end == tagColonBlank
	case t.name == "" && repeatNotice(text):
		return f <= formFull
	case f == formBSD: // nothing else begins so, and a message need not have a tag; msmtp's own log has a stamp alone
		return host != "" || colon || strings.HasPrefix(text, "host=") || strings.HasPrefix(text, "socket=")
	case f == formISO, f == formFull:
		return host != "" && (colon || t.pid != "") || colon && t.pid != ""
	default: // Exim's id and qmail's first word stand where the host does, and what follows may look like a tag
		return host != "" && colon && t.pid != "" && !eximID(host)
	}
}

// rfc5424 cuts a header as of RFC 5424 6, from its TIMESTAMP on.
func (r *Reader) rfc5424(l *parsers.Line, s string, out outer, at place) bool {
	var when parsers.Stamp
	if rest, ok := strings.CutPrefix(s, "- "); ok {
		s = rest
	} else {
		m := &r.stamps[at]
		var ok bool
		if s, ok = m.read(s); !ok || m.stamp.form != formISO || !strings.HasPrefix(s, " ") {
			return false
		}
		s = s[1:]
		when, _ = r.settle(m, out)
	}
	host, s, ok1 := strings.Cut(s, " ")
	app, s, ok2 := strings.Cut(s, " ")
	pid, s, ok3 := strings.Cut(s, " ")
	_, s, ok4 := strings.Cut(s, " ") // MSGID
	s, ok5 := afterData(s)
	if !(ok1 && ok2 && ok3 && ok4 && ok5) || host == "" || len(host) > maxHost || app == "" || len(app) > maxTag {
		return false
	}
	if at == innerHeader && (host == "-" || app == "-") {
		return false
	}
	l.Time, l.YearGuessed = when, false
	l.Host, l.Tag, l.PID = r.rename(said(host)), said(app), said(pid)
	// rsyslog separates message and header by a blank of its own, and keeps the one behind the tag it once had.
	s = strings.TrimPrefix(strings.TrimPrefix(s, " "), bom)
	l.Text = strings.TrimPrefix(s, " ")
	slash := strings.Contains(app, "/")
	// Some templates leave the tag in the message too; where it is the APP-NAME's own, it tells more.
	var t tag
	if text := t.read(l.Text); t.end == tagColonBlank && t.pid != "" && (t.name == app || strings.HasPrefix(t.name, app) && t.name[len(app)] == '/') {
		l.Tag, l.PID, l.Text, slash = t.name, t.pid, text, t.slash
	}
	r.message(l, slash, at)
	return true
}

// unitName returns the program that a systemd unit is of: `postfix` for `postfix@-.service` (journalctl -o with-unit).
func unitName(unit string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(unit, ".service"), "@")
	return name
}

// said returns a field of RFC 5424, empty for its NILVALUE.
func said(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// afterData skips STRUCTURED-DATA (RFC 5424 6.3), in which quotes, backslashes and brackets within values are escaped
// by a backslash.
func afterData(s string) (rest string, ok bool) {
	if strings.HasPrefix(s, "-") {
		return s[1:], len(s) == 1 || s[1] == ' '
	}
	quoted, depth := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			return s[i:], c == ' ' && i > 0
		}
		if depth < 0 || depth > 1 {
			return s, false
		}
	}
	return "", depth == 0 && s != ""
}

// priorityLength returns the length of `<22>` (RFC 3164 4.1.1, RFC 5424 6.2.1) at the start of s, zero if there is none.
func priorityLength(s string) int {
	v, i := 0, 1
	for ; i < len(s) && i < 4 && digit(s[i]); i++ {
		v = v*10 + int(s[i]-'0')
	}
	if i == 1 || v > 191 || i == len(s) || s[i] != '>' {
		return 0
	}
	return i + 1
}

// afterFacility skips `<mail.info> ` or `<2.6> ` between stamp and host (FreeBSD: syslogd(8) -v).
func afterFacility(s string) string {
	for i := 1; i < min(len(s), 24); i++ {
		switch c := s[i]; {
		case c == '>' && i+1 < len(s) && s[i+1] == ' ':
			return s[i+2:]
		case c != '.' && !digit(c) && !letter(c):
			return s
		}
	}
	return s
}

// A hostMemo holds the last host that was found good.
type hostMemo struct {
	key   [64]byte
	n     int
	alias string // what --host-alias makes of it, if not empty
}

// host reads the host and the blank after it. It is empty, and rest is s, where the header has none: then the tag or
// the text stands in its place.
func (r *Reader) host(s string, m *hostMemo) (host, rest string) {
	n := m.n
	if n == 0 || len(s) <= n || s[n] != ' ' || s[:n] != string(m.key[:n]) {
		n = strings.IndexByte(s[:min(len(s), maxHost+1)], ' ')
		if n < 1 || !hostName(s[:n]) || s[:n] == "last" && repeatNotice(s) {
			return "", s
		}
		alias := r.alias[s[:n]]
		if n > len(m.key) {
			if alias != "" {
				return alias, s[n+1:]
			}
			return s[:n], s[n+1:]
		}
		m.n, m.alias = copy(m.key[:], s[:n]), alias
	}
	if m.alias != "" {
		return m.alias, s[n+1:]
	}
	return s[:n], s[n+1:]
}

// rename applies --host-alias.
func (r *Reader) rename(host string) string {
	if alias := r.alias[host]; alias != "" {
		return alias
	}
	return host
}

// hostName reports whether s may be a host's name or address. syslog-ng chains hosts as `src@relay/mx1`. A colon at the
// end makes it a tag, an equals sign or a bracket something else.
func hostName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case letter(c), digit(c), c >= 0x80:
		case c == '-', c == '.', c == '_', c == ':', c == '@', c == '/', c == '%', c == '~', c == '+':
		default:
			return false
		}
	}
	return s[len(s)-1] != ':' || strings.HasSuffix(s, "::")
}

// How a tag ends, from the least certain to the surest.
const (
	tagBlank      = uint8(iota + 1) // `postfix/smtp TEXT`, `postfix/smtp[2201] TEXT`
	tagColon                        // `postfix/smtp[2201]:TEXT`
	tagColonBlank                   // `postfix/smtp[2201]: TEXT`
)

// A tag is the name of a program with its process id (RFC 3164 4.1.3).
type tag struct {
	name, pid string
	end       uint8
	slash     bool
}

// A tagClass is a set of kinds of byte in a tag.
type tagClass uint8

const (
	tagSlash   tagClass = 1 << iota
	tagNameEnd          // no name of a program has it
	tagPIDEnd           // no process id has it
	tagAt               // of programs, only the units of systemd have it
)

var tagClasses = func() (t [256]tagClass) {
	for c := range ' ' + 1 {
		t[c] = tagNameEnd | tagPIDEnd
	}
	for _, c := range `[:<>"=,;` {
		t[c] = tagNameEnd
	}
	t[']'] = tagNameEnd | tagPIDEnd
	t['/'] = tagSlash
	t['@'] = tagAt
	return t
}()

// read reads the tag at the start of s into t, which is zero, and returns what follows it. Without one, t is left so and
// text is s. A blank ends a tag only behind a process id or where the name has a slash: the first word of a text is no tag.
//
// Note: to return the tag as a value costs a third of the time for the tag.
func (t *tag) read(s string) (text string) {
	i, seen := 0, tagClass(0)
	for ; i < len(s); i++ {
		c := tagClasses[s[i]]
		if c&tagNameEnd != 0 {
			break
		}
		seen |= c
	}
	if i == 0 || i == len(s) || i > maxTag {
		return s
	}
	slash := seen&tagSlash != 0
	rest, pid := s[i:], ""
	if rest[0] == '[' {
		end := 1
		for end < len(rest) && tagClasses[rest[end]]&tagPIDEnd == 0 {
			end++
		}
		if end == len(rest) || end > maxTag || rest[end] != ']' {
			return s
		}
		pid, rest = rest[1:end], rest[end+1:]
	}
	switch {
	case strings.HasPrefix(rest, ": "):
		t.end, rest = tagColonBlank, rest[2:]
	case rest == ":", pid != "" && strings.HasPrefix(rest, ":"):
		t.end, rest = tagColon, rest[1:]
	case (pid != "" || slash) && strings.HasPrefix(rest, " "):
		t.end, rest = tagBlank, rest[1:]
	default:
		return s
	}
	if seen&tagAt != 0 && pid == "" && !strings.HasSuffix(s[:i], ".service") {
		t.end = 0
		return s // an address, as in `2026-11-20T10:08:00Z bounced ann@example.net: 550 no`
	}
	t.name, t.pid, t.slash = s[:i], pid, slash
	return rest
}

// readBehindHost reads into t, which is zero, what some syslogds put between host and tag: `mail.info` (BusyBox:
// sysklogd/syslogd.c), `mail:info` and `Message forwarded from HOST:` (AIX: syslogd).
func (t *tag) readBehindHost(s string) (forwarder, text string) {
	var rest string
	if after, ok := strings.CutPrefix(s, "Message forwarded from "); ok {
		host, after, ok := strings.Cut(after, ": ")
		if !ok || host == "" || len(host) > maxHost || !hostName(host) {
			return "", s
		}
		forwarder, rest = host, after
	} else {
		n := strings.IndexByte(s[:min(len(s), 32)], ' ')
		if n < 1 || !priorityWord(s[:n]) {
			return "", s
		}
		rest = s[n+1:]
	}
	if text = t.read(rest); t.name == "" {
		return "", s
	}
	return forwarder, text
}

// priorityWord reports whether s is `mail.info`, `mail:info` or `info`, in the words of syslog.conf(5).
func priorityWord(s string) bool {
	level := s
	if i := strings.IndexAny(s, ".:"); i >= 0 {
		if !facility(s[:i]) {
			return false
		}
		level = s[i+1:]
	}
	switch level {
	case "emerg", "panic", "alert", "crit", "err", "error", "warning", "warn", "notice", "info", "debug":
		return true
	}
	return false
}

func facility(s string) bool {
	switch s {
	case "kern", "user", "mail", "daemon", "auth", "authpriv", "security", "syslog", "lpr", "news", "uucp", "cron", "ftp",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7":
		return true
	}
	return false
}

// RepeatNotice reports whether a line says of itself no more than that the one before it came again, in the words of an old
// syslogd. Which line of which program that was it does not say, so nothing is counted again.
func RepeatNotice(line *parsers.Line) bool { return line.Tag == "" && repeatNotice(line.Text) }

// repeatNotice reports whether s tells that the line before it came again. It does so without a tag (4.4BSD: syslogd.c;
// `--- … ---` is of sysklogd).
func repeatNotice(s string) bool {
	return strings.HasPrefix(s, "last message repeated ") || strings.HasPrefix(s, "--- last message repeated ")
}

// eximID reports whether s is a message id of Exim, of before or since 4.97 (Exim: local_scan.h).
func eximID(s string) bool {
	switch len(s) {
	case 16:
		return s[6] == '-' && s[13] == '-'
	case 23:
		return s[6] == '-' && s[18] == '-'
	}
	return false
}
