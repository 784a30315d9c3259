// Package exchangesmtpsend reads the SMTP send protocol log of Microsoft Exchange Server 2007 and later, SEND*.LOG.
//
// It is CSV (RFC 4180) under a heading that names its columns, the times are UTC (Microsoft: Exchange Server, "Protocol
// logging"):
//
//	#Log-type: SMTP Send Protocol Log
//	#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
//
// Each row is an event of a session: `+` the connection stands, `-` it ended, `>` a command, `<` a reply, `*` a remark.
// Sessions take turns, and commands do not wait for replies (RFC 2920), so a row alone tells nothing of a recipient: the
// rows become parts of a dialogue, which package transcript puts together.
//
// The receive protocol log has the same columns and the directions swapped. Its replies are sent and its commands are
// received; a row of that kind is ignored wherever it stands.
package exchangesmtpsend

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/internal/transcript"
	"bouncelog/parsers"
)

// Format returns the description of the log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "exchange-smtpsend",
		Short:    "Microsoft Exchange 2007 and later: SMTP send protocol log (SEND*.LOG)",
		Evidence: parsers.Specified,
		Framing:  parsers.CSV,
		Header:   "#Fields:",
		Sniff:    sniff,
		Open:     open,
		Join:     func(o parsers.Options) parsers.Joiner { return transcript.NewJoiner(o, "\n") },
	}
}

// The columns that are read, in the order of columnNames.
const (
	dateTime = iota
	connectorID
	sessionID
	localEndpoint
	remoteEndpoint
	eventMark
	data
	context
	numColumns
)

var columnNames = [numColumns]string{"date-time", "connector-id", "session-id", "local-endpoint", "remote-endpoint", "event", "data", "context"}

// A parser reads the rows under one header. It does not change once it is opened.
type parser struct {
	columns [numColumns]int // where each stands in a row
	width   int             // how many cells a row has; zero: under no header
}

// open returns a parser for the rows under the header that is the sample's head. Without one it knows no row.
func open(s parsers.Sample, _ parsers.Options) (parsers.Parser, error) {
	p := new(parser)
	names, ok := strings.CutPrefix(s.Head, "#Fields:")
	if !ok {
		return p, nil
	}
	var room [16]string
	header, err := fields.AppendRow(room[:0], strings.TrimSpace(names), ',')
	if err != nil {
		return p, nil
	}
	for i, want := range columnNames {
		at := -1
		for j, name := range header {
			if strings.EqualFold(name, want) {
				at = j
			}
		}
		if at < 0 {
			return p, nil
		}
		p.columns[i] = at
	}
	p.width = len(header)
	return p, nil
}

// sniff is sure where the header has the protocol log's columns, unless the heading says that it is the other direction's.
func sniff(s parsers.Sample) parsers.Score {
	if p, _ := open(s, parsers.Options{}); p.(*parser).width == 0 {
		return 0
	}
	for i := range s.Lines {
		if kind, ok := cutFold(s.Lines[i].Text, "#Log-Type: SMTP "); ok {
			if _, ok = cutFold(kind, "Send "); ok {
				return 100
			}
			return 0
		}
	}
	return 70
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	if strings.HasPrefix(line.Text, "#") {
		return dst, nil
	}
	if p.width == 0 {
		return dst, parsers.ErrForeign
	}
	var room [16]string
	cells, err := fields.AppendRow(room[:0], line.Text, ',')
	if err != nil {
		return dst, err
	}
	if len(cells) < p.width {
		return dst, line.Malformed("", "row with fewer cells than its header")
	}
	cell := func(column int) string { return cells[p.columns[column]] }
	at, _, ok := fields.Stamp(cell(dateTime), nil)
	if !ok {
		return dst, line.Malformed(line.Text, "no date-time")
	}

	ev := parsers.Event{Kind: parsers.Part, Time: at, QueueID: cell(sessionID)}
	text := cell(data)
	_, reply := parsers.ParseStrictReply(text)
	switch mark := cell(eventMark); {
	case mark == "+":
		ev.Part = transcript.Connected
	case mark == "-":
		ev.Part, ev.Text = transcript.Closed, cell(context)
	case mark == ">" && !reply:
		transcript.Send(&ev, text)
	case mark == "<" && reply:
		ev.Part, ev.Text = transcript.Received, text
	case mark == "*":
		if ev.NextID, ev.MessageID, ok = announced(cell(context)); !ok {
			return dst, nil
		}
		ev.Part = transcript.Announced
	default:
		return dst, nil
	}
	a := &ev.Attempt
	a.RelayIP, a.RelayPort = fields.Address(cell(remoteEndpoint))
	a.SourceIP, _ = fields.Address(cell(localEndpoint))
	if isInternal(cell(connectorID)) {
		a.Kind = parsers.Internal
	}
	return append(dst, ev), nil
}

// announced reads the remark that goes before MAIL since Exchange 2013: `sending message with RecordId 12345 and
// InternetMessageId <m1@example.net>`. Whoever wrote the message chose the latter.
func announced(remark string) (record, messageID string, ok bool) {
	rest, ok := strings.CutPrefix(remark, "sending message with RecordId ")
	if !ok {
		return "", "", false
	}
	record, messageID, ok = strings.Cut(rest, " and InternetMessageId ")
	return record, messageID, ok && record != ""
}

// isInternal reports whether a connector is one of those that Exchange has for the way between its own servers; nobody
// configures them.
func isInternal(connector string) bool {
	switch connector {
	case "Intra-Organization SMTP Send Connector", "Inbound Proxy Internal Send Connector":
		return true
	}
	return false
}
