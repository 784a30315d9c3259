// Package postfix reads what Postfix logs about the mail it sends (RFC 5321, RFC 3463 for the codes), in every version
// from 2.0 to 3.12.
//
// Everything Postfix says of one recipient goes through one function (Postfix: global/log_adhoc.c) and has one shape,
//
//	QID: to=<RCPT>[, orig_to=<RCPT>], relay=RELAY, delay=D, delays=A/B/C/E, dsn=X.Y.Z, status=STATUS (TEXT)
//
// whose recipient the sender chose and whose TEXT the remote server wrote: either may hold anything, a whole record
// included. So a line is anchored at its start by the program that wrote it and its queue id, and cut from left to right;
// no field of it is ever searched for.
//
// The parser is the third step of the way described in package parsers; it sees each line alone. The files follow the
// line: postfix.go is the format, line.go tells the kinds of line apart, delivery.go cuts the delivery record,
// diagnostic.go reads its text, inbound.go the refusals at the door, queueid.go the queue id and its clock.
package postfix

import (
	"net/netip"
	"strings"
	"time"

	"bouncelog/parsers"
)

// Format returns the description of Postfix's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "postfix",
		Short:    "Postfix 2.0 and later, from syslog, journald or maillog_file",
		Evidence: parsers.Proven,
		Tags:     tags(),
		Sniff:    sniff,
		Open:     open,
	}
}

// programs are the daemons and commands that log under `syslog_name/program` (Postfix: global/mail_task.c). The name is
// that of the executable: the service retry logs as error, relay as smtp.
const programs = "anvil bounce cleanup discard dnsblog error fsstone lmtp local master nqmgr oqmgr pickup pipe " +
	"postalias postcat postconf postdrop postfix postfix-script postfix-tlsmgr postfix-wrapper postkick postlock postlog postlogd postmap " +
	"postmulti postqueue postscreen postsuper post-install proxymap qmgr qmqpd scache sendmail showq smtp smtpd spawn " +
	"tlsmgr tlsproxy trivial-rewrite verify virtual"

func tags() []string {
	tags := []string{"postfix"}
	for name := range strings.FieldsSeq(programs) {
		tags = append(tags, "/"+name)
	}
	return tags
}

// open returns a parser. Postfix's log has no heading, so any line may be the head.
func open(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
	p := &parser{location: o.Location, relays: o.InternalRelays, hosts: o.InternalHosts}
	if o.CampaignHeader != "" {
		p.campaign = o.CampaignHeader + ":"
	}
	if p.location == nil {
		p.location = time.UTC
	}
	return p, nil
}

// A parser reads Postfix's lines. It does not change once it is opened.
type parser struct {
	location *time.Location
	relays   []netip.Prefix
	hosts    []string
	campaign string // the header field that is asked for, with its colon; empty: none
}

// sniff is sure of a sample in proportion to the lines of Postfix in it. One such line is enough to be worth more than a
// guess: on a host of several services the mail system's lines may be few.
//
// A tag counts where its syslog_name is Postfix's own or the text has the shape of a record, as other programs too are
// called `local` or `error`.
func sniff(s parsers.Sample) parsers.Score {
	p := &parser{location: time.UTC}
	var mine, lines int
	var room [2]parsers.Event
	for _, line := range s.Lines {
		if line.Text == "" {
			continue
		}
		lines++
		name, _, _ := strings.Cut(line.Tag, "/")
		if strings.HasPrefix(name, "postfix") {
			mine++
			continue
		}
		if evs, err := p.AppendEvents(room[:0], &line); err == nil && len(evs) > 0 {
			mine++
		}
	}
	if mine == 0 {
		return 0
	}
	return parsers.Score(50 + 50*mine/lines)
}
