// Package exchangetracking reads the message tracking log of Microsoft Exchange Server 2007 and later, MSGTRK*.LOG, and
// what Get-MessageTrackingLog exports of it.
//
// It is CSV (RFC 4180) under a heading that names its columns; there are 26 of them or more, by version. Times are UTC
// (Microsoft: Exchange Server, "Message tracking").
//
//	#Log-type: Message Tracking Log
//	#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,…
//
// An export has the same columns under other names, `Timestamp`, `EventId`, and the times and dates of whoever made it.
//
// A row is an event of a message and some of its recipients. Only these tell of a delivery; all others are ignored, DSN
// among them, which says again what FAIL has said:
//
//	SEND, SENDEXTERNAL  handed to another server, where the source is SMTP
//	DELIVER             put into a mailbox
//	DEFER               to be tried again
//	FAIL                given up, at once or when its time was over
//	DROP, BADMAIL, POISONMESSAGE  thrown away
//
// The files follow the row: exchangetracking.go is the format, row.go cuts the row, status.go what is said of each
// recipient, date.go the times of exports.
package exchangetracking

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of the log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "exchange-tracking",
		Short:    "Microsoft Exchange 2007 and later: message tracking log (MSGTRK*.LOG) or Get-MessageTrackingLog CSV",
		Evidence: parsers.Specified,
		Framing:  parsers.CSV,
		Header:   fieldsMark,
		Sniff: func(s parsers.Sample) parsers.Score {
			if p := newParser(s, parsers.Options{}); p.width == 0 {
				return 0
			}
			return 100
		},
		Open: func(s parsers.Sample, o parsers.Options) (parsers.Parser, error) { return newParser(s, o), nil },
	}
}

const fieldsMark = "#Fields:"

// The columns that are read, in the order of columnNames.
const (
	dateTime = iota
	eventID
	recipientAddress
	recipientStatus
	source
	sourceContext
	connectorID
	clientHostname
	serverIP
	serverHostname
	internalMessageID
	messageID
	senderAddress
	returnPath
	messageInfo
	numColumns

	needed = recipientAddress + 1 // the first ones, which no header lacks
)

// columnNames are the names of a column in the log and in exports.
var columnNames = [numColumns][2]string{
	{"date-time", "Timestamp"},
	{"event-id", "EventId"},
	{"recipient-address", "Recipients"},
	{"recipient-status", "RecipientStatus"},
	{"source", "Source"},
	{"source-context", "SourceContext"},
	{"connector-id", "ConnectorId"},
	{"client-hostname", "ClientHostname"},
	{"server-ip", "ServerIp"},
	{"server-hostname", "ServerHostname"},
	{"internal-message-id", "InternalMessageId"},
	{"message-id", "MessageId"},
	{"sender-address", "Sender"},
	{"return-path", "ReturnPath"},
	{"message-info", "MessageInfo"},
}

// A parser reads the rows under one header. It does not change once it is opened.
type parser struct {
	options  parsers.Options
	head     string          // the header of an export, which is the first of its rows
	comma    byte            // between cells
	lists    string          // between the elements of a list
	columns  [numColumns]int // where each stands in a row; -1: nowhere
	width    int             // how many cells a row has; zero: under no header
	exported bool
	order    order // of dates in an export
}

// newParser returns a parser for the rows under the header of a sample. Without one it knows no row.
func newParser(s parsers.Sample, o parsers.Options) *parser {
	p := &parser{options: o, lists: ";"}
	names, ok := strings.CutPrefix(s.Head, fieldsMark)
	if ok {
		p.read(strings.TrimSpace(names), ',')
		return p
	}
	p.head = firstRow(s)
	for _, comma := range []byte(",;\t") { // Export-Csv -UseCulture
		if p.read(p.head, comma) {
			p.exported, p.lists = true, ";,"
			p.order = p.findOrder(s.Lines)
			break
		}
	}
	return p
}

// firstRow returns the first row of an export. Windows PowerShell writes `#TYPE` before it.
func firstRow(s parsers.Sample) string {
	if s.Head != "" && s.Head[0] != '#' {
		return s.Head
	}
	for i := range s.Lines {
		if text := s.Lines[i].Text; text != "" && text[0] != '#' {
			return text
		}
	}
	return ""
}

// read finds the columns by their names, and reports whether the needed ones are there.
func (p *parser) read(names string, comma byte) bool {
	var room [48]string
	header, err := fields.AppendRow(room[:0], names, comma)
	if err != nil {
		return false
	}
	for i := range columnNames {
		p.columns[i] = -1
		for j, name := range header {
			if strings.EqualFold(name, columnNames[i][0]) || strings.EqualFold(name, columnNames[i][1]) {
				p.columns[i] = j
			}
		}
		if i < needed && p.columns[i] < 0 {
			return false
		}
	}
	p.comma, p.width = comma, len(header)
	return true
}
