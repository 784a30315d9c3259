package exim

import (
	"strings"

	"bouncelog/parsers"
)

// A refusal is what was refused at the door, as a line says it behind `rejected `.
type refusal struct {
	prefix  string
	command parsers.Command
	address bool // the recipient or sender follows
}

// refusals are these words (Exim: src/smtp_in.c, smtp_handle_acl_fail; src/receive.c). What is not among them refused no
// mail: AUTH, VRFY, protocol errors.
var refusals = [...]refusal{
	{"RCPT ", parsers.RCPTTO, true},
	{"MAIL ", parsers.MAILFROM, true},
	{"after DATA", parsers.EndOfDATA, false},
	{"connection", parsers.CONNECT, false},
	{"EHLO", parsers.EHLO, false},
	{"HELO", parsers.HELO, false},
	{"DATA", parsers.DATA, false},
	{"during MIME ACL checks", parsers.EndOfDATA, false},
	{"by non-SMTP ACL", parsers.NoCommand, false},
	{"by local_scan()", parsers.EndOfDATA, false},
	{"from ", parsers.EndOfDATA, true}, // `: message too big`
}

// appendInbound reads a refusal at the door:
//
//	H=HOST (HELO) [IP] FIELDS F=<SENDER> [temporarily ]rejected RCPT <RECIPIENT>: TEXT
//
// A line may quote what another server said of the sender or the recipient (`sender verify fail for …`); that is no
// delivery of ours. Cutthrough delivery hands a refusal on, with the fields of a delivery behind it:
//
//	H=HOST [IP] RECIPIENT F=<SENDER> rejected after DATA: R=ROUTER T=TRANSPORT H=HOST [IP] C="REPLY"
func (p *parser) appendInbound(dst []parsers.Event, e *entry, s string) []parsers.Event {
	if p.log == rejectLog {
		return dst
	}
	sender, recipient, text := cutClient(s)
	var what *refusal
	for i := range refusals {
		if strings.HasPrefix(text, refusals[i].prefix) {
			what = &refusals[i]
			break
		}
	}
	if what == nil {
		return dst
	}
	dst = e.append(dst, parsers.Rejected)
	ev := last(dst)
	a := &ev.Attempt
	a.Status, a.NotAttempted, a.Origin, a.Command = parsers.StatusRejected, true, parsers.OriginLocal, what.command
	text = text[len(what.prefix):]
	if what.address {
		var address string
		if inside, ok := strings.CutPrefix(text, "<"); ok {
			address, text, _ = cutBracket(inside)
		} else {
			address, _, _ = strings.Cut(text, ":")
			text = text[len(address):]
		}
		switch {
		case what.command == parsers.RCPTTO:
			recipient = address
		case sender == "":
			sender = parsers.Sender(address)
		}
	}
	ev.Sender, a.Recipient = sender, recipient
	_, a.Diagnostic, _ = strings.Cut(text, ": ")
	if !what.address && recipient != "" && strings.HasPrefix(text, ": R=") {
		var r route
		cutFields(ev, text[1:], &r)
		if r.confirmation != "" {
			a.Diagnostic = r.confirmation
			setReply(a, r.confirmation)
		}
	} else if reply, ok := parsers.ParseStrictReply(a.Diagnostic); ok {
		a.Reply = reply
	}
	return dst
}

// cutClient cuts what a line says of a client and of its mail from the front of s, up to what was refused. text is empty
// where nothing was: `sender verify fail`, `Warning: …`.
func cutClient(s string) (sender, recipient, text string) {
	if len(s) < 2 || s[1] != '=' && !strings.HasPrefix(s, "rejected ") {
		return "", "", ""
	}
	for s != "" {
		n := wordLen(s)
		word, rest := s[:n], s[min(n+1, len(s)):]
		switch {
		case word == "rejected":
			return sender, recipient, rest
		case word == "temporarily", word == "":
		case word[0] == '(', strings.HasPrefix(word, "H=("): // what the client calls itself
			_, rest, _ = strings.Cut(s, ") ")
		case strings.HasPrefix(word, "F=<"):
			address, after, ok := cutBracket(s[len("F=<"):])
			if !ok {
				return "", "", ""
			}
			sender, rest = parsers.Sender(address), strings.TrimPrefix(after, " ")
		case strings.HasPrefix(word, "F="): // local_scan()
			sender = word[len("F="):]
		case strings.HasPrefix(word, `DN="`):
			rest = strings.TrimPrefix(afterName(s[len(`DN="`):]), " ")
		case word[0] == '[', strings.IndexByte(word, '=') > 0, isMark(word):
		case strings.IndexByte(word, '@') > 0:
			recipient = word
		default:
			return "", "", ""
		}
		s = rest
	}
	return "", "", ""
}
