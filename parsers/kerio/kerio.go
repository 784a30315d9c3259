// Package kerio reads the mail log of Kerio Connect and Kerio MailServer, mail.log, from the file or from syslog.
//
// A message has a line for its arrival and one for each attempt at a recipient (Kerio MailServer 6: Administrator's Guide,
// "Mail log"; lines of version 9):
//
//	[22/Nov/2026 10:00:00] Recv: Queue-ID: Q, Service: SMTP, From: <S>, To: <R>,<R>, Size: 378, …, Subject: T, Msg-Id: <M>
//	[22/Nov/2026 10:00:05] Sent: Queue-ID: Q, Recipient: <R>, Result: failed, Status: 5.1.1 TEXT, Remote-Host: IP, Msg-Id: <M>
//
// Through syslog the same comes without the time, which is local. Status is the enhanced code of the reply and its text;
// the reply code is not in the log. Deliveries into mailboxes name this host, 127.0.0.1, as the remote one.
//
// The server wrote TEXT, the sender T and M: fields before them are cut from the left, those behind TEXT from the right.
package kerio

import (
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of Kerio's mail log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "kerio",
		Short:    "Kerio Connect and Kerio MailServer: mail.log, or syslog",
		Evidence: parsers.Specified,
		Sniff: func(s parsers.Sample) parsers.Score {
			p := new(parser)
			return s.Ratio(func(line *parsers.Line) bool {
				evs, err := p.AppendEvents(nil, line)
				return err == nil && len(evs) > 0
			})
		},
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o}, nil },
		Join: newJoiner,
	}
}

// A parser reads Kerio's lines. It does not change once it is opened.
type parser struct{ options parsers.Options }

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	at, text, stamped := cutStamp(line.Text, p.options.Location)
	if rest, ok := strings.CutPrefix(text, "Sent: Queue-ID: "); ok {
		return p.appendSent(dst, line, at, rest)
	}
	if rest, ok := strings.CutPrefix(text, "Recv: Queue-ID: "); ok {
		return appendReceived(dst, line, at, rest)
	}
	if stamped {
		return dst, nil
	}
	return dst, parsers.ErrForeign
}

// appendReceived reads the arrival of a message, s being what follows `Queue-ID: `.
func appendReceived(dst []parsers.Event, line *parsers.Line, at parsers.Stamp, s string) ([]parsers.Event, error) {
	id, rest, _ := strings.Cut(s, ",")
	_, from, ok := strings.Cut(rest, " From: <")
	if !ok {
		return dst, line.Malformed(rest, "arrival without a sender")
	}
	sender, rest, ok := cutAddress(from)
	if !ok {
		return dst, line.Malformed(from, "sender without an end")
	}
	ev := parsers.Event{Kind: parsers.Accepted, Time: at, QueueID: id, Sender: parsers.Sender(sender)}
	if i := strings.LastIndex(rest, ", Msg-Id: "); i >= 0 {
		ev.MessageID = rest[i+len(", Msg-Id: "):]
	}
	return append(dst, ev, parsers.Event{Kind: parsers.Part, Part: arrived, Time: at, QueueID: id}), nil
}

// appendSent reads an attempt, s being what follows `Queue-ID: `.
func (p *parser) appendSent(dst []parsers.Event, line *parsers.Line, at parsers.Stamp, s string) ([]parsers.Event, error) {
	ev := parsers.Event{Kind: parsers.Part, Part: attempted, Time: at}
	a := &ev.Attempt
	id, s, _ := strings.Cut(s, ",")
	rest, ok := strings.CutPrefix(strings.TrimPrefix(s, " "), "Recipient: <")
	if !ok {
		return dst, line.Malformed(s, "attempt without a recipient")
	}
	if a.Recipient, s, ok = cutAddress(rest); !ok {
		return dst, line.Malformed(rest, "recipient without an end")
	}
	rest, ok = strings.CutPrefix(s, ", Result: ")
	word, status, _ := strings.Cut(rest, ",")
	if !ok || word == "" {
		return dst, line.Malformed(s, "attempt without a result")
	}
	status = strings.TrimPrefix(strings.TrimPrefix(status, " "), "Status: ")
	ev.QueueID = id
	status, host, messageID := cutTail(status)
	ev.MessageID = messageID
	a.RelayHost = host
	if a.RelayIP, a.RelayPort = fields.Address(host); a.RelayIP != "" {
		a.RelayHost = ""
	}
	readStatus(a, strings.TrimSpace(status))
	switch {
	case host == "":
	case a.RelayIP == "::1", strings.HasPrefix(a.RelayIP, "127."):
		a.Kind, a.Origin = parsers.Local, parsers.OriginLocal
	case fields.Inside(&p.options, a.RelayHost, a.RelayIP):
		a.Kind, a.Origin = parsers.Internal, parsers.OriginRemote
	default:
		a.Origin = parsers.OriginRemote
	}
	if a.Status = statusOf(word, a.Reply.Enhanced); a.Status == 0 {
		return dst, line.Malformed(rest, "unknown result")
	}
	if a.Status == parsers.StatusBounced {
		code := a.Reply.Enhanced
		late := isLate(code)
		if late || code.Class() == parsers.Transient {
			a.Status, a.Kind, a.NotAttempted = parsers.StatusExpired, parsers.Final, true
		}
		if late {
			a.Origin = parsers.OriginLocal
		}
	}
	return append(dst, ev), nil
}

// statusOf returns what a result says. The words of all versions are not known: what the code says counts for others. It
// is zero where that says nothing either.
func statusOf(result string, code parsers.EnhancedCode) parsers.Status {
	word, _, _ := strings.Cut(result, " ")
	switch word {
	case "delivered", "relayed":
		return parsers.StatusSent
	case "delayed", "deferred":
		return parsers.StatusDeferred
	case "failed":
		return parsers.StatusBounced
	}
	switch class := code.Class(); {
	case class == parsers.Success:
		return parsers.StatusSent
	case class == parsers.Permanent, isLate(code):
		return parsers.StatusBounced
	case class == parsers.Transient:
		return parsers.StatusDeferred
	}
	return 0
}

// isLate reports whether a code says that the message was in the queue for too long (RFC 3463 3.5, X.4.7).
func isLate(code parsers.EnhancedCode) bool { return code[1] == 4 && code[2] == 7 }

// cutTail cuts what follows the text of a status: `, Remote-Host: 192.0.2.10, Msg-Id: <m1@example.net>`. Where there was no
// server, the former may be missing, and Kerio MailServer writes neither.
func cutTail(s string) (status, host, messageID string) {
	const hostKey, idKey = ", Remote-Host: ", ", Msg-Id: "
	if i := strings.LastIndex(s, hostKey); i >= 0 {
		host, messageID, _ = strings.Cut(s[i+len(hostKey):], idKey)
		return s[:i], host, messageID
	}
	if i := strings.LastIndex(s, idKey); i >= 0 {
		return s[:i], "", s[i+len(idKey):]
	}
	return s, "", ""
}

// readStatus reads `5.1.1 User unknown`, or `2.0.0` alone.
func readStatus(a *parsers.Attempt, s string) {
	word, text, _ := strings.Cut(s, " ")
	if text != "" {
		a.Diagnostic = s
	}
	if code, ok := parsers.ParseEnhanced(word); ok {
		a.Reply = parsers.Reply{Enhanced: code, Text: s}
	}
}

// cutAddress cuts an address and the bracket behind it from the front of s. A bracket in quotes is part of it.
func cutAddress(s string) (address, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '>':
			if !quoted {
				return s[:i], s[i+1:], true
			}
		}
	}
	return "", s, false
}

// cutStamp cuts `[22/Nov/2026 10:00:02] ` from the front of s. Through syslog there is none, and rest is s.
func cutStamp(s string, loc *time.Location) (at parsers.Stamp, rest string, ok bool) {
	const form = "[22/Nov/2026 10:00:02] "
	if len(s) < len(form) {
		return 0, s, false
	}
	for _, i := range [...]int{0, 3, 7, 12, 15, 18, 21, 22} { // what is no letter and no digit
		if s[i] != form[i] {
			return 0, s, false
		}
	}
	day, month, year := number(s[1:3]), strings.Index(months, s[4:7]), number(s[8:12])
	hour, minute, second := number(s[13:15]), number(s[16:18]), number(s[19:21])
	if month < 0 || month%3 != 0 || min(day, year, hour, minute, second) < 0 || hour > 23 || minute > 59 || second > 59 {
		return 0, s, false
	}
	if loc == nil {
		loc = time.UTC
	}
	t := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, loc)
	return parsers.StampOf(t), s[len(form):], t.Day() == day
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// number returns what the digits of s say, negative if it has others.
func number(s string) (n int) {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}
