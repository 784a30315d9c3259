// Package syslog takes the transport's header off a log line: time, host, tag and process id, and whatever docker, the
// journal or Kubernetes wrapped around them. It knows RFC 3164, RFC 5424, the ISO stamps of rsyslog (RFC 3339), the
// forms that journalctl prints, and what the syslogd of BSD, Solaris, AIX and BusyBox put in.
//
// It stands between the blocks of lines and the parsers: what it hands on is the text that the program wrote.
//
// Note: the header decides which program is believed to have written a line, so it is read forward from the first byte
// and never searched for. A header inside a message counts only where the message begins with it and it is complete;
// a program whose tag has a slash, as Postfix's have, is never asked.
package syslog

import (
	"strings"
	"time"

	"bouncelog/parsers"
)

// Options is what the header of a line may depend on besides the line.
type Options struct {
	// Location is the zone of stamps that name none. Nil means UTC.
	Location *time.Location

	// Anchor is the input's first stamp with its year settled, as [Anchor] finds it. Zero: none is known, and a line
	// whose stamp names no year has no time.
	Anchor parsers.Stamp

	// HostAlias replaces host names (--host-alias).
	HostAlias map[string]string
}

// maxRepeat bounds what one `message repeated N times` can stand for.
const maxRepeat = 10000

// A Reader cuts lines. What it returns depends on the line and its Options only; it remembers the last stamp and host
// to be fast, so each goroutine needs its own.
type Reader struct {
	alias map[string]string
	local zone
	years years

	stamps [places]stampMemo
	hosts  [places]hostMemo
	front  frontMemo
}

// NewReader returns a Reader.
func NewReader(o Options) *Reader {
	r := &Reader{alias: o.HostAlias, local: zone{loc: o.Location}}
	if o.Anchor != 0 {
		r.years = before(r.local.wall(o.Anchor.Add(334 * day * time.Second)))
	}
	return r
}

// Cut takes the header off raw, which is a line without its end; a carriage return there goes too. False means that no
// header was found: then the line is all text, behind the byte order mark that a file may begin with.
//
// Lines that journalctl prints about the journal itself (`-- Boot … --`) are headers without a message: they come back
// whole, with true and without a tag.
func (r *Reader) Cut(raw string) (line parsers.Line, ok bool) {
	ok = r.CutTo(&line, raw)
	return line, ok
}

// CutTo is Cut into a line that is there already.
func (r *Reader) CutTo(line *parsers.Line, raw string) bool {
	raw = strings.TrimSuffix(raw, "\r")
	if r.front.begins(raw) && r.behindFront(line, raw) {
		return true
	}
	*line = parsers.Line{Raw: raw, Text: raw}
	s := raw
	if s == "" {
		return false
	}
	if s[0] == bom[0] || s[0] == esc {
		s = skipColour(strings.TrimPrefix(s, bom))
	}
	if r.header(line, s, outer{}, ownHeader) || r.wrapped(line, s) {
		return true
	}
	*line = parsers.Line{Raw: raw, Text: strings.TrimPrefix(raw, bom)}
	return false
}

// message looks into the text after a header: at what the transport put in front of the program's words, and at a
// second header.
func (r *Reader) message(l *parsers.Line, slash bool, at place) {
	if l.Text == "" {
		return
	}
	switch l.Text[0] {
	case '[':
		l.Text = afterMessageID(l.Text)
	case 'm':
		unwrapRepeat(l)
	}
	if at == innerHeader {
		return
	}
	if carried := runtimeTag(l.Tag); carried || !slash {
		if !r.header(l, l.Text, outer{l.Time, !l.YearGuessed}, innerHeader) && carried {
			bareTag(l)
		}
	}
}

// unwrapRepeat opens `message repeated 3 times: [ TEXT]`, by which rsyslog replaces N repetitions of a message it has
// already written (rsyslog: tools/omfile.c before 8, runtime/ratelimit.c: ratelimitGenRepMsg). The bracket at the end
// is missing where the line was cut.
func unwrapRepeat(l *parsers.Line) {
	s, ok := strings.CutPrefix(l.Text, "message repeated ")
	if !ok {
		return
	}
	n, i := 0, 0
	for ; i < len(s) && digit(s[i]); i++ {
		n = min(n*10+int(s[i]-'0'), maxRepeat)
	}
	if s, ok = strings.CutPrefix(s[i:], " times: ["); !ok || n == 0 {
		return
	}
	l.Repeat = max(l.Repeat, n)
	l.Text = strings.TrimSuffix(strings.TrimPrefix(s, " "), "]")
}

// afterMessageID takes off `[ID 197553 mail.info] `, which Solaris puts before every message (Solaris: syslogd(8),
// log.conf(5)).
func afterMessageID(s string) string {
	rest, ok := strings.CutPrefix(s, "[ID ")
	if !ok {
		return s
	}
	i := 0
	for i < len(rest) && digit(rest[i]) {
		i++
	}
	if i == 0 || i == len(rest) || rest[i] != ' ' {
		return s
	}
	rest = rest[i+1:]
	end := strings.IndexByte(rest[:min(len(rest), 32)], ']')
	if end < 0 || !priorityWord(rest[:end]) {
		return s
	}
	return strings.TrimPrefix(rest[end+1:], " ")
}

// journalNotes are lines that journalctl prints about the journal (systemd: src/journal/journalctl.c,
// src/shared/logs-show.c).
var journalNotes = [...]string{
	"-- Boot ", "-- Reboot --", "-- No entries --", "-- Logs begin at ", "-- Journal begins at ", "-- cursor: ",
}

// lossNotices are what syslog daemons write when they lose messages: the program, and what its text has in this order.
var lossNotices = [...]struct{ tag, first, second string }{
	{"rsyslogd", "imuxsock begin", "to drop messages"},            // rsyslog 5, 6: plugins/imuxsock/imuxsock.c
	{"rsyslogd", "imuxsock lost", "due to rate-limiting"},         // rsyslog 5, 6: plugins/imuxsock/imuxsock.c
	{"rsyslogd", ": begin to drop messages", "rate-limiting"},     // rsyslog 7, 8: runtime/ratelimit.c
	{"rsyslogd", " messages lost due to rate-limiting", ""},       // rsyslog 7, 8: runtime/ratelimit.c
	{"systemd-journal", "Suppressed ", " messages from "},         // systemd: src/journal/journald-server.c
	{"journal", "Suppressed ", " messages from "},                 // the same through older rsyslog
	{"syslogd", "dropped ", " message"},                           // OpenBSD: usr.sbin/syslogd/syslogd.c
	{"syslog-ng", "Destination queue full, ", "dropping message"}, // syslog-ng: lib/logqueue-fifo.c
}

// LossNotice reports whether the line says that the machine's log lost messages, so that totals are lower bounds. Only
// the syslog daemons are believed.
func LossNotice(line *parsers.Line) bool {
	for i := range lossNotices {
		n := &lossNotices[i]
		if !strings.HasPrefix(line.Tag, n.tag) {
			continue
		}
		if _, rest, ok := strings.Cut(line.Text, n.first); ok && strings.Contains(rest, n.second) {
			return true
		}
	}
	return false
}
