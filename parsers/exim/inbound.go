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
	{"from <", parsers.EndOfDATA, false}, // `: message too big`
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
	if p.log == rejectLog || !strings.HasPrefix(s, "H=") && !strings.HasPrefix(s, "U=") && !strings.HasPrefix(s, "F=") && !strings.HasPrefix(s, "rejected ") {
		return dst
	}
	var sender, recipient, text string
	for {
		n := wordLen(s)
		word, rest := s[:n], s[min(n+1, len(s)):]
		switch {
		case word == "rejected":
			text = rest
		case word == "temporarily", word == "":
		case word[0] == '(', strings.HasPrefix(word, "H=("): // what the client calls itself
			_, rest, _ = strings.Cut(s, ") ")
		case strings.HasPrefix(word, "F=<"):
			var ok bool
			if sender, rest, ok = cutBracket(s[len("F=<"):]); !ok {
				return dst
			}
			rest = strings.TrimPrefix(rest, " ")
			if sender == "" {
				sender = parsers.NullSender
			}
		case strings.HasPrefix(word, `DN="`):
			rest = strings.TrimPrefix(afterName(s[len(`DN="`):]), " ")
		case word[0] == '[', strings.IndexByte(word, '=') > 0, isMark(word):
		case strings.IndexByte(word, '@') > 0:
			recipient = word
		default:
			return dst // it refuses nothing, or tells of something else: `sender verify fail`, `Warning: …`
		}
		if s = rest; text != "" || s == "" {
			break
		}
	}
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
	ev.Sender, a.Recipient = sender, recipient
	a.Status, a.NotAttempted, a.Origin, a.Command = parsers.StatusRejected, true, parsers.OriginLocal, what.command
	text = text[len(what.prefix):]
	if what.address {
		address := text
		if inside, ok := strings.CutPrefix(text, "<"); ok {
			address, text, _ = cutBracket(inside)
		} else {
			n := strings.IndexByte(text, ':')
			if n < 0 {
				n = len(text)
			}
			address, text = text[:n], text[n:]
		}
		if what.command == parsers.RCPTTO {
			a.Recipient = address
		} else if ev.Sender == "" && address != "" {
			ev.Sender = address
		}
	}
	if _, reason, ok := strings.Cut(text, ": "); ok {
		a.Diagnostic = reason
	}
	if strings.HasPrefix(a.Diagnostic, "R=") && recipient != "" {
		var r route
		cutFields(ev, text[len(text)-len(a.Diagnostic)-1:], &r)
		if r.confirmation != "" {
			a.Diagnostic = r.confirmation
			setReply(a, r.confirmation)
		}
		return dst
	}
	if reply, ok := parsers.ParseStrictReply(a.Diagnostic); ok {
		a.Reply = reply
	}
	return dst
}
