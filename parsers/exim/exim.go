// Package exim reads what Exim logs about the mail it sends (RFC 5321, RFC 3463 for the codes), in every version from 4.5
// to 4.99 and with any log_selector.
//
// A line of the main log is
//
//	STAMP [PID] MSGID TEXT
//
// of which only the stamp is always there (Exim: src/log.c, log_vwrite): `2026-11-20 10:08:00`, with millisec `.123` and
// with log_timezone ` +0100` behind it. A message id has 16 characters until 4.96 and 23 since. TEXT begins with a flag
// where it tells of a recipient (Exim: src/deliver.c):
//
//	=> ADDRS FIELDS                            delivered; `->` in the same transaction, `>>` before the message was accepted
//	== ADDRS FIELDS defer (ERRNO)…: MESSAGE    to be tried again
//	** ADDRS FIELDS: MESSAGE                   failed; ` : ` since 4.99
//	** ADDR: retry timeout exceeded            given up; the attempt is the `==` before it
//	<= SENDER FIELDS                           accepted
//	Completed                                  gone from the queue
//
// ADDRS is the final address and, where it differs, the envelope's in angle brackets. `H=HOST [IP] …` without a flag tells
// of one of several servers, or of a client, which is told apart by what follows the address.
//
// The sender chose the recipient, the remote server wrote the end of MESSAGE, of `C="…"` and of `DN="…"`, and whoever wrote
// the configuration the text of any line (`logwrite`). So a line is cut from left to right, and no field is searched for.
//
// The reject log holds refusals of the main log again, with the headers of the messages, and the panic log its errors. A
// parser opened on one of them keeps silent about what the main log tells. Through syslog a line comes in pieces, twice
// where it belongs to two logs, and with its stamp or without (Exim: src/log.c, write_syslog).
//
// The parser is the third step of the way described in package parsers; it sees each line alone. The files follow the
// line: exim.go is the format, line.go the envelope and the kinds of line, delivery.go the records, address.go and field.go
// what they are made of, diagnostic.go their text, host.go the servers tried, inbound.go the refusals at the door.
package exim

import (
	"slices"
	"strings"

	"bouncelog/parsers"
)

// Format returns the description of Exim's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "exim",
		Short:    "Exim 4.5 and later: mainlog, or through syslog",
		Evidence: parsers.Proven,
		Tags:     []string{"exim", "exim4"}, // syslog_processname, and Debian's name of the program
		Sniff:    sniff,
		Open:     open,
		Fold:     fold,
		Echoes:   true, // syslog_duplication
	}
}

func open(s parsers.Sample, o parsers.Options) (parsers.Parser, error) {
	p := &parser{options: o}
	p.log = logOf(p, s)
	return p, nil
}

// A parser reads Exim's lines. It does not change once it is opened.
type parser struct {
	options parsers.Options
	log     logFile
}

// A logFile is which of Exim's three logs an input is.
type logFile uint8

const (
	mainLog   logFile = iota
	rejectLog         // log_selector +rejected_header: the main log's refusals, each with its message's headers
	panicLog          // what the main log has too, and configuration errors
	noLog             // none: Exim's lines stand behind headers only, so what has none is not Exim's
)

// How many lines it takes, all of them fit for the reject log or for the panic log, to tell that it is one. Of so many, a
// main log would have had another.
const (
	rejectLines = 3
	panicLines  = 8
)

// logOf tells which log a sample is of. In doubt it is the main log: it must not be kept silent.
func logOf(p *parser, s parsers.Sample) logFile {
	stamped, rejections, panics, deferrals := 0, 0, 0, 0
	var room [2]parsers.Event
	for i := range s.Lines {
		line := &s.Lines[i]
		if line.Text != line.Raw { // behind a header: syslog has one stream
			return mainLog
		}
		_, rest, ok := p.cutEnvelope(line)
		if !ok {
			continue
		}
		stamped++
		if evs, _ := p.AppendEvents(room[:0], line); len(evs) > 0 && evs[0].Kind == parsers.Rejected {
			rejections++
		}
		if mayPanic(rest) {
			panics++
			if strings.HasPrefix(rest, "== ") {
				deferrals++
			}
		}
	}
	switch {
	case stamped >= rejectLines && rejections == stamped:
		return rejectLog
	case stamped >= panicLines && panics == stamped && deferrals > 0:
		return panicLog
	case stamped == 0 && len(s.Lines) > 0:
		return noLog
	}
	return mainLog
}

// routine is how lines begin that are never written to the panic log, and that no main log is long without.
var routine = [...]string{
	"<= ", "=> ", "-> ", ">> ", "*> ", "** ", "Completed", "H=", "U=", "F=", "SMTP ", "no ", "TLS ", "Start ", "End ", "cwd=",
	"exim 4.", "Frozen", "Message is frozen", "Spool file for ", "unexpected ", "Unfrozen", "cancelled by ", "removed by ",
	"Connection from ", "refused ", "temporarily refused ",
}

// panics are errors of the configuration that defer a recipient: such a line stands in both logs (Exim: src/deliver.c,
// PANIC). Others do not, and a main log may well begin with hundreds of them.
var panics = [...]string{"failed to expand", "xpansion of", "Tainted '", "no hosts set", "invalid port", "is not absolute"}

// mayPanic reports whether a line may stand in the panic log.
func mayPanic(text string) bool {
	if strings.HasPrefix(text, "== ") {
		return slices.ContainsFunc(panics[:], func(s string) bool { return strings.Contains(text, s) })
	}
	return !isClientAuth(text) && !slices.ContainsFunc(routine[:], func(s string) bool { return strings.HasPrefix(text, s) })
}

// isClientAuth reports whether a client could not log in: `login authenticator failed for HOST [IP]: 535 …`.
func isClientAuth(text string) bool {
	_, rest, _ := strings.Cut(text, " ")
	return strings.HasPrefix(rest, "authenticator failed for ")
}

// own is how lines begin that nobody else writes.
var own = [...]string{
	"SMTP connection from ", "SMTP call from ", "SMTP command timeout on connection from ", "no MAIL in SMTP connection from ",
	"unexpected disconnection while reading SMTP command from ", "no host name found for IP address ",
	"Start queue run: pid=", "End queue run: pid=", "exim 4.",
}

// isOwn reports whether a line tells by its text that it is Exim's.
func isOwn(text string) bool {
	return isClientAuth(text) || slices.ContainsFunc(own[:], func(s string) bool { return strings.HasPrefix(text, s) })
}

// sniff is sure of a sample in proportion to the lines of Exim in it, once there is one that nobody else writes: with a
// message id, or about a client. Without that, a stamp and a text are anybody's, Exim's msglog files included.
func sniff(s parsers.Sample) parsers.Score {
	var p parser
	var mine, strong, lines int
	var room [2]parsers.Event
	for i := range s.Lines {
		line := &s.Lines[i]
		if strings.TrimSpace(line.Text) == "" {
			continue
		}
		lines++
		e, text, stamped := p.cutEnvelope(line)
		evs, err := p.AppendEvents(room[:0], line)
		if err != nil {
			continue
		}
		if stamped {
			mine++
		}
		if len(evs) > 0 || stamped && (e.id != "" || isOwn(text)) {
			strong++
		}
	}
	if strong == 0 {
		return 0
	}
	return parsers.Score(50 + 50*max(mine, strong)/lines)
}
