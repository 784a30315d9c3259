// Package acme reads the log of the acme mail gateway, which writes one line a delivery to syslog:
//
//	acme[PID]: ID from=<SENDER> to=<RECIPIENT> mx=HOST[IP] said="REPLY"
//
// It is the example of package parsers: a whole format in one file.
package acme

import (
	"strings"

	"bouncelog/parsers"
)

// Format returns the description of the gateway's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "acme",
		Short:    "the acme mail gateway, from syslog",
		Evidence: parsers.Tentative,
		Tags:     []string{"acme"},
		Open:     func(parsers.Sample, parsers.Options) (parsers.Parser, error) { return parser{}, nil },
	}
}

type parser struct{}

// AppendEvents implements [parsers.Parser]. The recipient and the reply are strangers' words: the line is cut forward, and
// the reply is the last field, so that nothing in it can be taken for another one.
func (parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	id, rest, ok := strings.Cut(line.Text, " from=<")
	if !ok {
		return dst, nil // it is the gateway's, and about something else
	}
	sender, rest, ok := strings.Cut(rest, "> to=<")
	recipient, rest, ok2 := strings.Cut(rest, "> mx=")
	host, rest, ok3 := strings.Cut(rest, "[")
	ip, rest, ok4 := strings.Cut(rest, `] said="`)
	if !ok || !ok2 || !ok3 || !ok4 {
		return dst, line.Malformed(rest, `want from=<…> to=<…> mx=HOST[IP] said="…"`)
	}
	a := parsers.Attempt{Recipient: recipient, RelayHost: host, RelayIP: ip, Origin: parsers.OriginRemote, Command: parsers.RCPTTO}
	a.Diagnostic = strings.TrimSuffix(rest, `"`)
	a.Reply, _ = parsers.ParseReply(a.Diagnostic)
	switch a.Reply.Code.Class() {
	case parsers.Success:
		a.Status = parsers.StatusSent
	case parsers.Permanent:
		a.Status = parsers.StatusBounced
	default:
		a.Status = parsers.StatusDeferred
	}
	return append(dst, parsers.Event{Kind: parsers.Attempted, QueueID: id, Sender: parsers.Sender(sender), Attempt: a}), nil
}
