// Package mailenable reads the SMTP activity log of MailEnable, SMTP-Activity-YYMMDD.log.
//
// A line is fields between tabs: time, direction, message file, connection, address of the other side, command, what was
// sent, what was answered, bytes of both, and since later versions user and subject (MailEnable: knowledge base, ME020170).
//
//	11/22/26 10:00:01	SMTP-OU	BBBB2222.MAI	10	192.0.2.10	RCPT	RCPT TO:<a@example.com>	550 5.1.1 No	40	10		Hello
//
// SMTP-OU is MailEnable as the client, delivering; SMTP-IN as the server, whose dialogues are ignored. The command and its
// reply stand in one line, so no reply can be taken for another command's, but what became of a recipient is in other
// lines: they become parts of a dialogue, which package transcript puts together. The month comes first in a date, and
// times are local. The line of the message itself has the command DATA, or DATE.
package mailenable

import (
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/internal/transcript"
	"bouncelog/parsers"
)

// Format returns the description of MailEnable's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "mailenable",
		Short:    "MailEnable: SMTP activity log (SMTP-Activity-YYMMDD.log)",
		Evidence: parsers.Tentative,
		Sniff: func(s parsers.Sample) parsers.Score {
			p := new(parser)
			return s.Ratio(func(line *parsers.Line) bool {
				_, err := p.AppendEvents(nil, line)
				return err == nil
			})
		},
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o.Location}, nil },
		Join: func(o parsers.Options) parsers.Joiner { return transcript.NewJoiner(o, "\n") },
	}
}

// A parser reads MailEnable's lines. It does not change once it is opened.
type parser struct{ location *time.Location }

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	stamp, rest, _ := strings.Cut(line.Text, "\t")
	direction, rest, _ := strings.Cut(rest, "\t")
	at, ok := readStamp(stamp, p.location)
	if !ok || !strings.HasPrefix(direction, "SMTP-") {
		return dst, parsers.ErrForeign
	}
	if direction != "SMTP-OU" {
		return dst, nil
	}
	file, after, _ := strings.Cut(rest, "\t")
	thread, after, _ := strings.Cut(after, "\t")
	address, after, _ := strings.Cut(after, "\t")
	name, after, _ := strings.Cut(after, "\t")
	command, after, ok := strings.Cut(after, "\t")
	if !ok {
		return dst, line.Malformed("", "dialogue without message, connection, address, command and reply")
	}
	reply, _, _ := strings.Cut(after, "\t")

	// A message that is tried again, or elsewhere, is another dialogue.
	ev := parsers.Event{Kind: parsers.Part, Time: at, QueueID: rest[:len(file)+1+len(thread)+1+len(address)], NextID: file}
	ev.Attempt.RelayIP, _ = fields.Address(address)
	dst = append(dst, ev, ev)
	sent, answered := &dst[len(dst)-2], &dst[len(dst)-1]
	answered.Part, answered.Text = transcript.Answered, reply
	switch {
	case name == "CONN":
		sent.Part = transcript.Connected
	case name == "DATE":
		transcript.Send(sent, ".")
	case parsers.ParseCommand(command) == parsers.NoCommand:
		transcript.Send(sent, name)
	default:
		transcript.Send(sent, command)
	}
	return dst, nil
}

// readStamp reads `11/22/26 10:00:01`, month, day and year of this century.
func readStamp(s string, loc *time.Location) (parsers.Stamp, bool) {
	if len(s) != len("11/22/26 10:00:01") || s[2] != '/' || s[5] != '/' || s[8] != ' ' || s[11] != ':' || s[14] != ':' {
		return 0, false
	}
	var n [6]int
	for i := range n {
		a, b := s[3*i]-'0', s[3*i+1]-'0'
		if a > 9 || b > 9 {
			return 0, false
		}
		n[i] = int(a)*10 + int(b)
	}
	month, day, year, hour, minute, second := n[0], n[1], 2000+n[2], n[3], n[4], n[5]
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	if loc == nil {
		loc = time.UTC
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, loc)
	return parsers.StampOf(t), t.Day() == day
}
