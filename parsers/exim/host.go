package exim

import (
	"strings"

	"bouncelog/parsers"
)

// appendTried reads the line about one of several servers (Exim: src/transports/smtp.c, write_logs):
//
//	H=HOST [IP][:PORT]: MESSAGE[: STRERROR]
//	H=HOST [IP][:PORT] STRERROR
//	H=HOST [IP][:PORT] SMTP error from remote mail server after COMMAND: REPLY
//
// Until 4.84 they begin with the server's name, or with a message that has it in it; from 4.85 to 4.89 the message may lack
// it. The last server's line comes again in the record of each recipient, without being another attempt; a 5xx on such a
// line is not the end while there are other servers.
//
// A line about a client begins the same. It goes on with what the client calls itself, or with fields, or with words.
func appendTried(dst []parsers.Event, e *entry, s string) ([]parsers.Event, bool) {
	named, marked := strings.CutPrefix(s, "H=")
	host, ip, port, rest, ok := cutServer(named)
	text, colon := strings.CutPrefix(rest, ": ")
	if !colon {
		text = strings.TrimPrefix(rest, " ")
	}
	t, after := templateOf(text)
	switch {
	case ok && isStrerror(text):
	case ok && marked && (colon || t != nil && t.answer || text == "smtp closed"):
	case ok || marked:
		return dst, false
	default:
		text = s
		if t, after = templateOf(text); t == nil || !t.stage {
			return dst, false
		}
		host, ip, port = "", "", 0
	}
	dst = e.append(dst, parsers.Tried)
	a := &last(dst).Attempt
	a.RelayHost, a.RelayIP, a.RelayPort = host, ip, port
	a.Kind, a.Origin, a.Diagnostic = parsers.Connect, parsers.OriginLocal, text
	if t != nil {
		readDialogue(a, t, after)
	} else if isStrerror(text) {
		a.Command = parsers.CONNECT
	}
	return dst, true
}
