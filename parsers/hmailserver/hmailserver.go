// Package hmailserver reads the log of hMailServer 5, hmailserver_DATE.log and hmailserver_SMTP_DATE.log.
//
// A line is fields between tabs, texts of them in quotes that are never escaped. Lines of a dialogue have a session and a
// server, others have neither (hMailServer: source/Server/Common/Application/Logger.cpp):
//
//	"SMTPC"	THREAD	SESSION	"2026-11-22 10:00:01.000"	"192.0.2.10"	"RECEIVED: 250 OK"
//	"APPLICATION"	THREAD	"2026-11-22 10:00:01.000"	"SMTPDeliverer - Message 5: …"
//
// SMTPC is hMailServer as the client, delivering; SMTPD as the server, whose dialogues are ignored. A line end within a
// text is `[nl]`. Times are local. Nothing marks the end of a connection but the reply to QUIT.
//
// A line alone tells nothing of a recipient: those of SMTPC become parts of a dialogue, which package transcript puts
// together. A session keeps its number on whatever thread it runs.
package hmailserver

import (
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/internal/transcript"
	"bouncelog/parsers"
)

// lineEnd is what hMailServer writes instead of the end of a line.
const lineEnd = "[nl]"

// Format returns the description of hMailServer's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "hmailserver",
		Short:    "hMailServer 5: SMTP conversations (hmailserver_DATE.log)",
		Evidence: parsers.Specified,
		Sniff: func(s parsers.Sample) parsers.Score {
			p := new(parser)
			return s.Ratio(func(line *parsers.Line) bool {
				_, err := p.AppendEvents(nil, line)
				return err == nil
			})
		},
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o.Location}, nil },
		Join: func(o parsers.Options) parsers.Joiner { return transcript.NewJoiner(o, lineEnd) },
	}
}

// A parser reads hMailServer's lines. It does not change once it is opened.
type parser struct{ location *time.Location }

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	kind, rest, _ := strings.Cut(line.Text, "\t")
	switch kind {
	case `"SMTPC"`:
	case `"SMTPD"`, `"POP3C"`, `"POP3D"`, `"IMAPD"`, `"APPLICATION"`, `"TCPIP"`, `"DEBUG"`, `"ERROR"`:
		return dst, nil
	default:
		return dst, parsers.ErrForeign
	}
	thread, rest, _ := strings.Cut(rest, "\t")
	session, rest, _ := strings.Cut(rest, "\t")
	stamp, rest, _ := strings.Cut(rest, "\t")
	address, text, ok := strings.Cut(rest, "\t")
	if !ok || !isNumber(thread) || !isNumber(session) {
		return dst, &parsers.SyntaxError{Column: len(kind) + 1, Msg: "dialogue without thread, session, time, address and text"}
	}
	at, after, ok := fields.Stamp(unquote(stamp), p.location)
	if !ok || after != "" {
		return dst, &parsers.SyntaxError{Column: len(kind) + len(thread) + len(session) + 4, Msg: "no time"}
	}
	ev := parsers.Event{Kind: parsers.Part, Time: at, QueueID: session}
	ev.Attempt.RelayIP, _ = fields.Address(unquote(address))
	text = unquote(text)
	if command, ok := strings.CutPrefix(text, "SENT: "); ok {
		// What ends the message begins with the end of its last line.
		transcript.Send(&ev, strings.TrimSuffix(strings.TrimPrefix(command, lineEnd), lineEnd))
	} else if reply, ok := strings.CutPrefix(text, "RECEIVED: "); ok {
		ev.Part, ev.Text = transcript.Received, reply
	} else {
		return dst, nil
	}
	return append(dst, ev), nil
}

// unquote takes the quotes off a field. The last one is missing where the log was cut.
func unquote(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`) }

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}
