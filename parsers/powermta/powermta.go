// Package powermta reads PowerMTA's accounting files (PowerMTA user guide, "Accounting"): CSV (RFC 4180) with one row for
// each thing that happened to a recipient, from acct-YYYY-MM-DD-NNNN.csv or a pipe.
//
//	type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,…,dlvSourceIp,…,vmta,jobId,envId,queue
//	d,2026-11-22 10:00:02+0000,2026-11-22 10:00:00+0000,b@example.net,a@example.com,,relayed,2.0.0 (success),smtp;250 2.0.0 OK,mx.example.com (192.0.2.10),,…
//
// The site chooses the columns, for each type of row; the header has those of all types, so what a type has not is empty.
// A row whose first cell is `type` is a header wherever it stands, as in files put one behind the other. A column may come
// twice: the last cell that is not empty counts.
//
//	d   delivered      b   bounced               t   attempt that will be repeated
//	r   received       tq  a whole queue waits   rb  bounce message that came after the delivery
//	rs  other report   f   complaint
//
// Unless it is configured otherwise, PowerMTA writes d and b alone. Then the log has no deferrals: their rate is unknown,
// not zero. Rows of one message have nothing in common that joins them, unless the Message-ID is logged too
// (`header_Message-Id`).
//
// PowerMTA's text log, /var/log/pmta/log, tells of the program, not of deliveries, and is refused.
package powermta

import (
	"errors"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of PowerMTA's accounting files.
func Format() parsers.Format {
	return parsers.Format{
		Name:           "powermta",
		Short:          "PowerMTA accounting files (CSV)",
		Evidence:       parsers.Specified,
		OmitsDeferrals: true,
		Sniff:          sniff,
		Framing:        parsers.CSV,
		Header:         header,
		Open:           open,
	}
}

// header begins the row that names the columns: the type cannot be left out or moved.
const header = "type,"

// A column is one that matters, of whatever place.
type column uint8

// The columns; ignored is any other.
const (
	ignored column = iota
	recordType
	timeLogged
	timeQueued
	secondsQueued
	sender
	recipient
	original
	status
	diagnostic
	remoteMTA
	category
	deliveryType
	sourceIP
	destinationIP
	job
	messageID
	queue
	campaign // has no name of its own
	numColumns
)

// columnNames are the names of the columns in the header.
var columnNames = [numColumns]string{
	recordType: "type", timeLogged: "timeLogged", timeQueued: "timeQueued", secondsQueued: "totalSecondsQueued",
	sender: "orig", recipient: "rcpt", original: "orcpt", status: "dsnStatus", diagnostic: "dsnDiag", remoteMTA: "dsnMta",
	category: "bounceCat", deliveryType: "dlvType", sourceIP: "dlvSourceIp", destinationIP: "dlvDestinationIp",
	job: "jobId", messageID: "header_Message-Id", queue: "queue",
}

// columnsOf returns what the columns under a header are, and how many of them matter besides the type.
func columnsOf(head string) (columns []column, known int, err error) {
	cells, err := fields.AppendRow(nil, strings.TrimPrefix(head, "\ufeff"), ',')
	if err != nil {
		return nil, 0, err
	}
	columns = make([]column, len(cells))
	for i, cell := range cells {
		for c := recordType; c < campaign; c++ {
			if strings.EqualFold(strings.TrimSpace(cell), columnNames[c]) {
				columns[i] = c
				if c != recordType {
					known++
				}
			}
		}
	}
	if columns[0] != recordType {
		known = 0
	}
	return columns, known, nil
}

// addCampaign makes the column of the header field that campaigns are told by known, unless it is known for something else.
func addCampaign(columns []column, head, name string) {
	cells, _ := fields.AppendRow(nil, strings.TrimPrefix(head, "\ufeff"), ',') // columnsOf read it
	for i, cell := range cells {
		if columns[i] == 0 && strings.EqualFold(strings.TrimSpace(cell), name) {
			columns[i] = campaign
		}
	}
}

// minKnown is how many known columns besides the type make a header PowerMTA's.
const minKnown = 2

// sniff goes by the header alone: two of its words are nobody else's.
func sniff(s parsers.Sample) parsers.Score {
	if _, known, err := columnsOf(s.Head); err != nil || known < minKnown {
		return 0
	}
	return 100
}

func open(s parsers.Sample, o parsers.Options) (parsers.Parser, error) {
	columns, known, err := columnsOf(s.Head)
	if err != nil {
		return nil, err
	}
	if known < minKnown {
		return nil, errors.New("no header `type,timeLogged,…`: accounting files of PowerMTA begin with one; its text log, /var/log/pmta/log, has no deliveries in it")
	}
	if o.CampaignHeader != "" {
		addCampaign(columns, s.Head, "header_"+o.CampaignHeader)
	}
	p := &parser{columns: columns, options: o, location: o.Location}
	if p.location == nil {
		p.location = time.UTC
	}
	return p, nil
}

// A parser reads the rows under one header. It does not change once it is opened.
type parser struct {
	columns  []column
	options  parsers.Options
	location *time.Location
}
