// Package qmail reads the log of qmail-send: qmail 1.03, netqmail, notqmail, s/qmail and indimail, with or without their
// usual patches.
//
// A delivery is told in two lines that share a number D, and its message in others that share a number M, the inode of its
// queue file (notqmail: qmail-send.c):
//
//	new msg M
//	info msg M: bytes B from <S> qp Q uid U
//	starting delivery D: msg M to (local|remote) R
//	delivery D: (success|deferral|failure): REPORT
//	end msg M
//
// D counts from 1 whenever qmail-send starts, and M is free again after `end msg M`. Where several queues share a log,
// indimail puts a queue's name behind each line, or behind D. Senders, recipients and REPORT have no blanks: qmail-send
// writes one, control bytes, bytes beyond ASCII and the per cent sign as `_`, and a line end as `/` (notqmail: qsutil.c,
// logsafe). What qmail-remote reports is in report.go.
//
// The lines come from multilog with a TAI64N stamp, which tai64nlocal may have turned into a local time, or from splogger
// through syslog with the seconds of the epoch in front. splogger cuts lines after 799 bytes (notqmail: splogger.c).
//
// The parser sees each line alone (line.go); join.go puts the two lines of a delivery together.
package qmail

import (
	"slices"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of qmail's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "qmail",
		Short:    "qmail and its descendants, from multilog or splogger",
		Evidence: parsers.Specified,
		Tags:     tags(),
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Fold: fold,
		Join: newJoiner,
	}
}

// tags are the usual names that splogger is given, and the one it takes without.
func tags() []string { return []string{"qmail", "qmail-send", "qmail-smtpd", "splogger"} }

// sniff counts the lines that only qmail writes: `new msg 5` could be anybody's.
func sniff(s parsers.Sample) parsers.Score {
	p := new(parser)
	var room [2]parsers.Event
	return s.Ratio(func(line *parsers.Line) bool {
		evs, err := p.AppendEvents(room[:0], line)
		if err != nil {
			return false
		}
		if len(evs) == 0 {
			_, text := p.cutStamp(line.Text)
			return strings.HasPrefix(text, "status: local ")
		}
		return evs[0].Kind != parsers.Accepted && evs[0].Kind != parsers.Removed
	})
}

// A parser reads qmail's lines. It does not change once it is opened.
type parser struct{ parsers.Options }

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	n := len(dst)
	at, text := p.cutStamp(line.Text)
	dst, sure := appendLine(dst, text)
	for i := range dst[n:] {
		ev := &dst[n+i]
		ev.Time = at
		if ev.Kind != parsers.Part {
			ev.Instance = line.Tag
		}
		if a := &ev.Attempt; a.RelayIP != "" && ev.Kind == parsers.Part && fields.Inside(&p.Options, "", a.RelayIP) {
			a.Kind = parsers.Internal
		}
	}
	if sure == known {
		return dst, nil
	}
	ours := slices.Contains(tags(), line.Tag)
	switch {
	case !ours && (at == 0 || sure == strange):
		return dst, parsers.ErrForeign
	case sure == broken:
		return dst, line.Malformed(text, "line about a message or a delivery is cut short")
	}
	return dst, nil
}
