package sendmail

import (
	"strings"

	"bouncelog/parsers"
)

// appendRejection reads a refusal at the door.
func appendRejection(dst []parsers.Event, line *parsers.Line, id, s string) []parsers.Event {
	command, who, text := cutRefusal(s)
	if text == "" {
		return dst
	}
	dst = appendEvent(dst, line, parsers.Rejected, id)
	ev := last(dst)
	a := &ev.Attempt
	a.Status, a.NotAttempted, a.Origin = parsers.StatusRejected, true, parsers.OriginLocal
	a.Command, a.Diagnostic = command, text
	switch command {
	case parsers.RCPTTO:
		a.Recipient = unbracket(who)
	case parsers.MAILFROM:
		ev.Sender = parsers.Sender(unbracket(who))
	}
	var ok bool
	if a.Reply, ok = parsers.ParseReply(text); !ok && strings.HasSuffix(text, unknown) {
		a.Reply.Code = 550 // sendmail: recipient.c, recipient
	}
	return dst
}

const unknown = "... User unknown"

// cutRefusal takes a refusal apart: the command that was refused, its argument, and the answer, which is empty where s is no
// refusal.
//
//	ruleset=check_rcpt, arg1=<R>, relay=HOST [IP][ (may be forged)], reject=ANSWER      sendmail: parseaddr.c, rscheck
//	Milter: to=<R>, reject=ANSWER                                                       sendmail: srvrsmtp.c
//	<R>... User unknown                                                                 sendmail: err.c, usrerr
//
// Rulesets about servers that we connect to refuse nobody here: tls_server, try_tls, tls_rcpt.
func cutRefusal(s string) (command parsers.Command, who, answer string) {
	if rest, ok := strings.CutPrefix(s, "ruleset="); ok {
		name, rest, _ := strings.Cut(rest, ", arg1=")
		if command = asked(name); command != parsers.NoCommand {
			who, answer = cutAnswer(rest)
		}
		return command, who, answer
	}
	if rest, ok := strings.CutPrefix(s, "Milter: "); ok {
		i := max(0, strings.IndexAny(rest, "=,:"))
		switch step := rest[:i]; step {
		case "to":
			command = parsers.RCPTTO
		case "from":
			command = parsers.MAILFROM
		case "connect", "helo":
			command = parsers.ParseCommand(step)
		default: // `data`, and whatever a milter is asked after it
			command = parsers.EndOfDATA
		}
		who, answer = cutAnswer(strings.TrimPrefix(rest[i:], "="))
		return command, who, answer
	}
	if rcpt, ok := strings.CutSuffix(s, unknown); ok && strings.HasPrefix(s, "<") {
		return parsers.RCPTTO, rcpt, s
	}
	return parsers.NoCommand, "", ""
}

// asked returns the command that a ruleset is asked about (sendmail: cf/README).
func asked(ruleset string) parsers.Command {
	switch ruleset {
	case "check_rcpt":
		return parsers.RCPTTO
	case "check_mail":
		return parsers.MAILFROM
	case "check_relay":
		return parsers.CONNECT
	case "tls_client":
		return parsers.STARTTLS
	case "check_data":
		return parsers.DATA
	case "check_eoh", "check_eom":
		return parsers.EndOfDATA
	}
	return parsers.NoCommand
}

// cutAnswer cuts an argument from the front of s, and the answer behind `, reject=` from what follows it. The answer is empty
// where there is none: then the message was discarded, or held.
func cutAnswer(s string) (arg, answer string) {
	arg, rest := cutAddress(s, startsField)
	_, answer, _ = strings.Cut(rest, ", reject=")
	return arg, answer
}
