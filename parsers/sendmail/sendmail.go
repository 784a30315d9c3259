// Package sendmail reads what sendmail logs about the mail it sends, in every version since 8.9, and the event log of
// FortiMail, which has sendmail in it.
//
// Of one recipient or several with the same fate, sendmail says (sendmail: deliver.c, logdelivery)
//
//	QID: to=ADDR[,ADDR…][, [more]][, ctladdr=A[ (UID/GID)]], delay=D[, xdelay=D][, mailer=M], pri=N
//	     [, relay=HOST[ [IP]]][, dsn=X.Y.Z][, ntries=N][, stage=S][, reply=TEXT], stat=TEXT
//
// Absent fields leave no trace, reply= came with 8.16.1, and ntries= and stage= are compiled in by few. The sender chose
// the recipient, and the remote server wrote reply= and much of stat=, unescaped; so a line is cut from left to right, and
// what stands before reply= is believed first.
//
// What stands in reply= need not have been said to this recipient: see proven. Nor need stat= be all that was said: long
// texts lose their middle to `...` (sendmail: util.c, shortenstring), so their beginning and end are good.
//
// The files follow the line: sendmail.go is the format, line.go tells the kinds of line apart, delivery.go cuts the
// delivery record, reply.go finds out what the server said, inbound.go reads the refusals at the door, fortimail.go takes
// off what FortiMail puts around a line.
package sendmail

import (
	"strings"

	"bouncelog/parsers"
)

// Format returns the description of sendmail's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "sendmail",
		Short:    "sendmail 8, from syslog or journald, and FortiMail's event log",
		Evidence: parsers.Proven,
		Tags:     strings.Fields(tags),
		Sniff:    sniff,
		Open:     open,
	}
}

// tags are the names under which sendmail runs (`sendmail -L`): daemons, one or one for each direction, and the client that
// submits to them, with a queue of its own (sendmail: sendmail/SECURITY; rc.d/sendmail of FreeBSD; MailScanner). Others that begin
// alike are known by their lines: see isTag.
const tags = "sendmail sendmail-in sendmail-out sendmail-client sm-mta sm-mta-in sm-mta-out sm-mta-rx sm-mta-tx sm-mta-queue " +
	"sm-msp sm-msp-queue sm-client sm-queue sm-acceptingconnections"

func isTag(tag string) bool {
	return strings.HasPrefix(tag, "sendmail") || strings.HasPrefix(tag, "sm-")
}

// open returns a parser. The log has no heading, so any line may be the first.
func open(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o}, nil }

// A parser reads sendmail's lines. It does not change once it is opened.
type parser struct{ parsers.Options }

// sniff is sure of lines without a tag of sendmail's in proportion to those that have the shape of its records.
func sniff(s parsers.Sample) parsers.Score {
	p := new(parser)
	var room [4]parsers.Event
	return s.Ratio(func(line *parsers.Line) bool {
		_, err := p.AppendEvents(room[:0], line)
		return err == nil
	})
}
