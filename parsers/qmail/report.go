package qmail

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// phrases are what qmail-remote says of a server, whose address stands before the phrase (notqmail: qmail-remote.c; the
// last four are s/qmail's). They are written as qmail-send logs them.
var phrases = [...]struct {
	text    string
	command parsers.Command
}{
	{"_accepted_message", parsers.EndOfDATA},
	{"_does_not_like_recipient", parsers.RCPTTO},
	{"_but_greeting_failed", parsers.CONNECT},
	{"_but_sender_was_rejected", parsers.MAILFROM},
	{"_failed_after_I_sent_the_message", parsers.EndOfDATA},
	{"_but_connection_died", parsers.NoCommand}, // at which command it does not say
	{"_failed_on_DATA_command", parsers.DATA},
	{"_but_my_name_was_rejected", parsers.HELO},
	{"_TLS_transmitted_message_accepted", parsers.EndOfDATA},
	{"_probably_greylisting", parsers.RCPTTO},
	{"_but_sender_was_greylisted", parsers.MAILFROM},
	{"_message_was_greylisted", parsers.DATA},
}

const (
	hostSaid = "Remote_host_said:"
	givingUp = "Giving_up_on_"
	tooLong  = "I'm_not_going_to_try_again" // notqmail: qmail-send.c, of a deferral that came too late
)

// readReport reads what qmail-remote or qmail-local reported, as qmail-send logged it:
//
//	192.0.2.25_does_not_like_recipient./Remote_host_said:_550_5.1.1_No_such_user/Giving_up_on_192.0.2.25./
//
// A server's answer goes from `Remote host said:` to the line `Giving up on`, or to the end. Only what is before it is
// qmail-remote's, and there too some patches quote the sender and the recipient in front of the address. So an address is
// believed where it stands right before the last of the phrases.
func readReport(a *parsers.Attempt, report string) {
	end := len(report)
	if a.Status == parsers.StatusBounced {
		if late := lastIndex(report, tooLong); late >= 0 && isLastLine(report[late:]) {
			a.Status = parsers.StatusExpired
			end = late
		}
	}
	own, answer := end, -1
	if strings.HasPrefix(report, hostSaid) {
		own = 0
	} else if i := strings.Index(report[:end], "/"+hostSaid); i >= 0 {
		own = i + 1
	}
	giving := lastIndex(report[:end], "/"+givingUp)
	if giving >= 0 && !isLastLine(report[giving+1:end]) {
		giving = -1
	}
	if own < end {
		answer = own + len(hostSaid)
		if giving >= answer {
			end = giving
		}
	}
	text := decode(report, answer)

	last := -1
	for i := range phrases {
		ph := &phrases[i]
		if at := lastIndex(report[:own], ph.text); at > last {
			if ip := lastAddress(report[:at]); ip != "" {
				last, a.RelayIP, a.Command = at, ip, ph.command
			}
		}
	}
	if a.RelayIP == "" && giving >= 0 {
		ip := strings.TrimRight(report[giving+len("/"+givingUp):], "./")
		if isIP(ip) {
			a.RelayIP = ip
		}
	}
	switch {
	case answer >= 0:
		a.Origin = parsers.OriginRemote
		said := strings.Trim(text[answer:end], " \n")
		reply, ok := parsers.ParseReply(said)
		if !ok {
			reply.Text = said
		}
		a.Reply, a.Diagnostic = reply, said
		if a.Status == parsers.StatusExpired && a.Command >= parsers.MAILFROM && reply.Code.Class() == parsers.Permanent {
			a.Status = parsers.StatusBounced // qmail-remote defers no such reply: the server has put these words there
		}
		return
	case a.Status == parsers.StatusSent && a.Command == parsers.EndOfDATA:
		a.Origin, a.Reply.Code = parsers.OriginImplied, 250
	case a.Status == parsers.StatusSent:
		if isCount(report) {
			a.Kind = parsers.Local
		}
	default:
		a.Origin = parsers.OriginLocal
		if i := strings.LastIndex(report, "(#"); i >= 0 {
			code, _, _ := strings.Cut(report[i+len("(#"):], ")")
			a.DSN, _ = parsers.ParseEnhanced(code)
		}
	}
	a.Diagnostic = strings.TrimRight(text, "\n")
}

// decode undoes what qmail-send did to a report, as far as that can be. A blank and an underscore look the same; a slash
// is a line end where the report's own lines and those of an answer begin, and at the very end, and else most likely part
// of a URL. answer is where in report a server's answer begins. What it returns is as long as report.
func decode(report string, answer int) string {
	code := ""
	if answer >= 0 {
		code = strings.TrimLeft(report[answer:], "_")
		code = code[:min(len(code), 3)]
		if digits(code) < 3 {
			code = ""
		}
	}
	var b strings.Builder
	b.Grow(len(report))
	for i := range len(report) {
		c := report[i]
		switch c {
		case '_':
			c = ' '
		case '/':
			rest := report[i+1:]
			if rest == "" || strings.HasPrefix(rest, hostSaid) || strings.HasPrefix(rest, givingUp) || strings.HasPrefix(rest, tooLong) ||
				i > answer && code != "" && strings.HasPrefix(rest, code) && len(rest) > 3 && (rest[3] == '-' || rest[3] == '_') {
				c = '\n'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// lastIndex is strings.LastIndex for what is mostly not there, which strings.Index finds out sooner.
func lastIndex(s, substr string) int {
	last := -1
	for i := strings.Index(s, substr); i >= 0; i = strings.Index(s[last+1:], substr) {
		last += 1 + i
	}
	return last
}

// isLastLine reports whether all of s is one line of a report.
func isLastLine(s string) bool {
	i := strings.IndexByte(s, '/')
	return i < 0 || i == len(s)-1
}

// lastAddress returns the address that s ends with, empty where that is none.
func lastAddress(s string) string {
	i := len(s)
	for i > 0 && (isDigit(s[i-1]) || s[i-1] == '.' || s[i-1] == ':' || s[i-1]|0x20-'a' < 6) {
		i--
	}
	if !isIP(s[i:]) {
		return ""
	}
	return s[i:]
}

func isIP(s string) bool {
	return fields.IsAddress(s) && strings.IndexByte(s, '%') < 0 // no zone
}

// isCount reports whether the last line of a report is qmail-local's: `did 1+0+0`, the deliveries to files, the forwards
// and the programs (notqmail: qmail-local.c, count_print).
func isCount(report string) bool {
	s := strings.TrimSuffix(report, "/")
	s, ok := strings.CutPrefix(s[strings.LastIndexByte(s, '/')+1:], "did_")
	for i := 0; ok && i < 3; i++ {
		n := digits(s)
		if ok = n > 0; ok && i < 2 {
			ok = n < len(s) && s[n] == '+'
			n++
		}
		if ok {
			s = s[n:]
		}
	}
	return ok && s == ""
}
