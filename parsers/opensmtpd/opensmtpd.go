// Package opensmtpd reads what OpenSMTPD logs about the mail it sends, from the first releases of 2013 on.
//
// A line is about one envelope, which is one recipient of one message: its id, the evpid, is the queue id here. There have
// been four grammars for servers, and that of the queue has stayed the first (OpenSMTPD: mta.c, mta_log; mda.c, mda_log; queue.c, queue_log):
//
//	relay: RESULT for EVPID: session=SID, ADDRESSES, source=IP, relay=IP (HOST), delay=D, stat=TEXT               to 5.9
//	smtp-out: session SID: evpid=EVPID, status=RESULT, ADDRESSES, source=IP, relay=…, delay=D, stat=TEXT          in 2015
//	SID mta event=delivery evpid=EVPID ADDRESSES source=IP relay=IP (HOST) delay=D result=RESULT stat=TEXT        6.0 to 6.3
//	SID mta delivery evpid=EVPID ADDRESSES source="IP" relay="IP (HOST)" delay=D result="RESULT" stat="TEXT"      from 6.4
//	SID mda delivery evpid=EVPID ADDRESSES user=U delay=D result=RESULT stat=TEXT                                 into mailboxes
//	relay: Expire for EVPID: ADDRESSES, delay=D, stat=Envelope expired                                            to this day
//
// where ADDRESSES are `from=<SENDER> to=<RECIPIENT> rcpt=<ORIGINAL>`, the last `<->` or missing where it is the same.
//
// The sender chose the addresses and the remote server wrote TEXT, in which quotes are not escaped. So a line is cut from left
// to right, and TEXT is all that is left. Of a reply of several lines it has the first with its codes, and the others
// without, joined to it (OpenSMTPD: mta_session.c, mta_io).
package opensmtpd

import (
	"strings"

	"bouncelog/parsers"
)

// Format returns the description of OpenSMTPD's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "opensmtpd",
		Short:    "OpenSMTPD 5.3 and later, from syslog or journald",
		Evidence: parsers.Proven,
		Tags:     []string{"smtpd", "opensmtpd"}, // the program, and the unit of systemd
		Sniff:    sniff,
		Open:     open,
	}
}

// open returns a parser. The log has no heading, so any line may be the first.
func open(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o}, nil }

// A parser reads OpenSMTPD's lines. It does not change once it is opened.
type parser struct{ parsers.Options }

// sniff is sure of lines without a tag of OpenSMTPD's in proportion to those that have the shape of its records.
func sniff(s parsers.Sample) parsers.Score {
	p := new(parser)
	var room [2]parsers.Event
	return s.Ratio(func(line *parsers.Line) bool {
		evs, err := p.AppendEvents(room[:0], line)
		return err == nil && len(evs) > 0
	})
}

// AppendEvents implements [parsers.Parser]. The tag is not OpenSMTPD's alone, so a line must begin as one of its lines.
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	s := line.Text
	if len(s) > 17 && s[16] == ' ' && isID(s[:16]) {
		session, s := s[:16], s[17:]
		program, s, _ := strings.Cut(s, " ")
		s = strings.TrimPrefix(s, "event=")
		switch program {
		case "mta", "mda":
			if s, ok := strings.CutPrefix(s, "delivery "); ok {
				return p.appendDelivery(dst, line, record{session: session, program: program}, s)
			}
		case "smtp":
			if s, ok := strings.CutPrefix(s, "envelope "); ok {
				return appendEnvelope(dst, line, s)
			}
			if s, ok := strings.CutPrefix(s, "failed-command "); ok {
				return appendRejection(dst, line, s), nil
			}
		}
		return dst, nil
	}
	word, rest, _ := strings.Cut(s, ": ")
	switch word {
	case "relay", "delivery":
		result, rest, _ := strings.Cut(rest, " for ")
		id, rest, ok := strings.Cut(rest, ": ")
		if !ok || !isID(id) {
			return dst, parsers.ErrForeign
		}
		r := record{program: "mta", id: id, result: result}
		if word == "delivery" {
			r.program = "mda"
		}
		return p.appendDelivery(dst, line, r, rest)
	case "smtp-out":
		if rest, ok := strings.CutPrefix(rest, "session "); ok {
			session, rest, _ := strings.Cut(rest, ": ")
			if strings.HasPrefix(rest, "evpid=") || strings.HasPrefix(rest, "status=") {
				return p.appendDelivery(dst, line, record{session: session, program: "mta"}, rest)
			}
		}
	case "smtp-in", "info", "warn", "debug", "fatal", "queue", "scheduler", "mta", "mda", "lka", "control", "bounce", "pony",
		"dispatcher", "Exiting", "commands executed from aliases run with opensmtpd privileges":
	default:
		return dst, parsers.ErrForeign
	}
	return dst, nil
}

// isID reports whether s is the id of a session or an envelope.
func isID(s string) bool {
	if len(s) != 16 {
		return false
	}
	for i := range len(s) {
		if s[i]-'0' > 9 && s[i]-'a' > 5 {
			return false
		}
	}
	return true
}

// appendEvent appends an event of the line with what every event has. Process is the part of smtpd that wrote it.
func appendEvent(dst []parsers.Event, process string, kind parsers.Kind, id string) []parsers.Event {
	dst = parsers.AppendZero(dst)
	ev := last(dst)
	ev.Kind, ev.Process, ev.QueueID = kind, process, id
	return dst
}

func last(evs []parsers.Event) *parsers.Event { return &evs[len(evs)-1] }

// appendEnvelope reads the line about an envelope that came in, `evpid=EVPID from=<S> to=<R>` (OpenSMTPD:
// smtp_session.c).
func appendEnvelope(dst []parsers.Event, line *parsers.Line, s string) ([]parsers.Event, error) {
	var r record
	if rest := r.cut(s); rest != "" || !isID(r.id) {
		return dst, line.Malformed(rest, "envelope without an evpid")
	}
	dst = appendEvent(dst, "smtp", parsers.Accepted, r.id)
	last(dst).Sender = r.sender
	return dst, nil
}

// appendRejection reads a refusal at the door: `command="RCPT TO:<R>" result="550 Invalid recipient: <R>"`, before 6.4 with the
// client's address and host in front.
func appendRejection(dst []parsers.Event, line *parsers.Line, s string) []parsers.Event {
	_, s, ok := strings.Cut(s, `command="`)
	if !ok {
		return dst
	}
	text, result, ok := strings.Cut(s, `" result="`)
	name, arg, _ := strings.Cut(text, ":")
	command := parsers.ParseCommand(name)
	if !ok || command != parsers.MAILFROM && command != parsers.RCPTTO {
		return dst
	}
	addr, _ := cutAddress(strings.TrimLeft(arg, " "))
	dst = appendEvent(dst, "smtp", parsers.Rejected, "")
	ev := last(dst)
	a := &ev.Attempt
	a.Status, a.NotAttempted, a.Origin, a.Command = parsers.StatusRejected, true, parsers.OriginLocal, command
	a.Diagnostic = strings.TrimSuffix(result, `"`)
	a.Reply, _ = parsers.ParseReply(a.Diagnostic)
	if command == parsers.RCPTTO {
		a.Recipient = addr
	} else {
		ev.Sender = nullable(addr)
	}
	return dst
}

// nullable returns the sender for an event: an empty one is the null reverse-path, which the queue writes as `@`.
func nullable(s string) string {
	if s == "" || s == "@" {
		return parsers.NullSender
	}
	return s
}
