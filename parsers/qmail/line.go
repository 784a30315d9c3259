package qmail

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// cutStamp cuts what multilog, tai64nlocal or splogger put in front of a line. The stamp is zero where there is none.
func (p *parser) cutStamp(s string) (t parsers.Stamp, rest string) {
	switch {
	case len(s) < len("1795341600.485077 "):
	case s[0] == '@':
		return cutTAI64N(s)
	case !isDigit(s[0]):
	case s[4] == '-':
		if t, rest, ok := fields.Stamp(s, p.Location); ok && strings.HasPrefix(rest, " ") {
			return t, rest[1:]
		}
	default:
		if stamp, rest, ok := cutEpoch(s); ok && rest[0] == ' ' {
			t, _ = fields.Unix(stamp)
			return t, rest[1:]
		}
	}
	return 0, s
}

// cutTAI64N cuts `@400000006b02bd2a0ee6b280 `: sixteen hexadecimal digits of seconds, on a scale on which 1970 began at
// 2^62 + 10, and eight of nanoseconds.
//
// Note: TAI was 10 s ahead of UTC in 1970 and is 37 s today, but the clocks that multilog reads count no leap seconds, so
// what it adds, and has to be taken off, is 10 s at all times (libtai: tai_now).
func cutTAI64N(s string) (t parsers.Stamp, rest string) {
	const length = len("@400000006b02bd2a0ee6b280")
	if len(s) <= length || s[length] != ' ' {
		return 0, s
	}
	var seconds, nanos uint64
	for i := 1; i < length; i++ {
		d := uint64(s[i] - '0')
		if d > 9 {
			if d = uint64(s[i]|0x20-'a') + 10; d < 10 || d > 15 {
				return 0, s
			}
		}
		if i <= 16 {
			seconds = seconds<<4 | d
		} else {
			nanos = nanos<<4 | d
		}
	}
	seconds -= 1<<62 + 10
	if seconds >= 1<<40 || nanos >= 1e9 {
		return 0, s
	}
	return parsers.Stamp(seconds*1e6 + nanos/1e3), s[length+1:]
}

// cutEpoch cuts splogger's stamp from the front of s: seconds since 1970 with six digits behind the point. Something
// follows it.
func cutEpoch(s string) (stamp, rest string, ok bool) {
	seconds := digits(s)
	if seconds < 9 || seconds > 11 || seconds == len(s) || s[seconds] != '.' {
		return "", s, false
	}
	n := seconds + 1 + digits(s[seconds+1:])
	if n != seconds+len(".485077") || n == len(s) {
		return "", s, false
	}
	return s[:n], s[n:], true
}

// sploggerMax is how many bytes splogger writes behind its stamp at most (notqmail: splogger.c, buf).
const sploggerMax = 799

// fold tells the pieces of a line that splogger has cut: the first has a blank behind its stamp, those that follow the
// same stamp and a plus sign. A report that does not end as reports do may go on, too, whatever the length at which
// somebody else's splogger cuts.
func fold(line *parsers.Line) parsers.Fold {
	stamp, rest, ok := cutEpoch(line.Text)
	if !ok {
		return parsers.Fold{}
	}
	text := rest[1:]
	ends := len(text) < sploggerMax && strings.HasSuffix(text, "/")
	switch {
	case rest[0] == '+' && ends:
		return parsers.Fold{Piece: parsers.Last, Key: stamp, Text: text}
	case rest[0] == '+':
		return parsers.Fold{Piece: parsers.Middle, Key: stamp, Text: text}
	case rest[0] == ' ' && !ends && (len(text) >= sploggerMax || strings.HasPrefix(text, "delivery ")):
		return parsers.Fold{Piece: parsers.First, Key: stamp, Text: line.Text}
	}
	return parsers.Fold{}
}

// The parts that a [joiner] puts together. Text is a delivery's number, Instance the name of its queue where it has one.
const (
	started  uint8 = iota + 1 // QueueID, Attempt.Recipient and Attempt.Kind are the delivery's
	finished                  // Attempt is what became of it
	queued                    // QueueID is the message's
	gone                      // QueueID was the message's
	stopped                   // qmail-send exits
)

// A certainty is how sure it is that a line without events is qmail's.
type certainty uint8

const (
	strange certainty = iota // it may be anyone's
	remark                   // it may be anyone's but for its stamp
	known                    // it is about something else
	broken                   // it begins as one that should have told something
)

// appendLine appends what a line tells, its stamp cut off.
func appendLine(dst []parsers.Event, s string) ([]parsers.Event, certainty) {
	n := len(dst)
	switch {
	case strings.HasPrefix(s, "delivery "):
		return appendFinished(dst, s[len("delivery "):])
	case strings.HasPrefix(s, "starting delivery "):
		return appendStarted(dst, s[len("starting delivery "):])
	case strings.HasPrefix(s, "status: local "), strings.HasPrefix(s, "bounce msg "), strings.HasPrefix(s, "triple bounce: "),
		strings.HasPrefix(s, "tcpserver: "):
		return dst, known
	case strings.HasPrefix(s, "status: "):
		return appendStopped(dst, s[len("status: "):])
	case strings.HasPrefix(s, "new msg "):
		if id, ok := cutNumbered(s[len("new msg "):]); ok {
			dst = append(dst, parsers.Event{Kind: parsers.Accepted, QueueID: id})
		}
	case strings.HasPrefix(s, "end msg "):
		if id, ok := cutNumbered(s[len("end msg "):]); ok {
			dst = append(dst, parsers.Event{Kind: parsers.Removed, QueueID: id}, parsers.Event{Kind: parsers.Part, Part: gone, QueueID: id})
		}
	case strings.HasPrefix(s, "info msg "):
		dst = appendInfo(dst, s[len("info msg "):])
	case strings.HasPrefix(s, "rblsmtpd: "):
		return appendBlocked(dst, s[len("rblsmtpd: "):]), known
	case strings.HasPrefix(s, "qmail-smtpd: "):
		return appendRejected(dst, s[len("qmail-smtpd: "):]), known
	case strings.HasPrefix(s, "warning: "), strings.HasPrefix(s, "alert: "):
		return dst, remark
	default:
		return dst, strange
	}
	if len(dst) == n {
		return dst, broken
	}
	return dst, known
}

// cutNumbered returns the number that is all of s but for the name of a queue.
func cutNumbered(s string) (number string, ok bool) {
	n := digits(s)
	return s[:n], n > 0 && (n == len(s) || s[n] == ' ' && strings.IndexByte(s[n+1:], ' ') < 0)
}

// appendInfo reads `M: bytes B from <S> qp Q uid U`.
func appendInfo(dst []parsers.Event, s string) []parsers.Event {
	id := s[:digits(s)]
	s, ok := strings.CutPrefix(s[len(id):], ": bytes ")
	if !ok || id == "" {
		return dst
	}
	n := digits(s)
	if n == 0 || n > 18 {
		return dst
	}
	size := fields.Number(s[:n])
	if s, ok = strings.CutPrefix(s[n:], " from <"); !ok {
		return dst
	}
	sender, _, ok := strings.Cut(s, "> qp ") // no blank is the sender's
	if !ok {
		return dst
	}
	return append(dst, parsers.Event{Kind: parsers.Queued, QueueID: id, Sender: parsers.Sender(sender), Size: size},
		parsers.Event{Kind: parsers.Part, Part: queued, QueueID: id})
}

// appendStarted reads `D: msg M to remote R`.
func appendStarted(dst []parsers.Event, s string) ([]parsers.Event, certainty) {
	number, s, ok := cutDelivery(s)
	if !ok {
		return dst, strange
	}
	if s, ok = strings.CutPrefix(s, "msg "); !ok {
		return dst, broken
	}
	id := s[:digits(s)]
	kind := parsers.Remote
	rcpt, ok := strings.CutPrefix(s[len(id):], " to remote ")
	if !ok {
		kind = parsers.Local
		rcpt, ok = strings.CutPrefix(s[len(id):], " to local ")
	}
	rcpt, queue, _ := strings.Cut(rcpt, " ")
	if !ok || id == "" || rcpt == "" {
		return dst, broken
	}
	return append(dst, parsers.Event{Kind: parsers.Part, Part: started, Text: number, Instance: queue, QueueID: id,
		Attempt: parsers.Attempt{Recipient: rcpt, Kind: kind}}), known
}

// appendFinished reads `D: success: REPORT`.
func appendFinished(dst []parsers.Event, s string) ([]parsers.Event, certainty) {
	number, s, ok := cutDelivery(s)
	if !ok {
		return dst, strange
	}
	word, report, _ := strings.Cut(s, ":")
	report = strings.TrimPrefix(report, " ")
	var status parsers.Status
	switch word {
	case "success":
		status = parsers.StatusSent
	case "deferral":
		status = parsers.StatusDeferred
	case "failure":
		status = parsers.StatusBounced
	case "report mangled, will defer":
		status = parsers.StatusDeferred
	default:
		return dst, broken
	}
	dst = append(dst, parsers.Event{Kind: parsers.Part, Part: finished, Text: number})
	ev := &dst[len(dst)-1]
	ev.Attempt.Status = status
	if word[0] == 'r' {
		ev.Instance, ev.Attempt.Origin, ev.Attempt.Diagnostic = report, parsers.OriginLocal, word
		return dst, known
	}
	// What stands behind the last blank is a queue's name only where the report ends before it.
	if i := strings.LastIndexByte(report, ' '); i > 0 && report[i-1] == '/' && strings.IndexByte(report[i:], '/') < 0 {
		report, ev.Instance = report[:i], report[i+1:]
	}
	readReport(&ev.Attempt, report)
	return dst, known
}

// cutDelivery cuts a delivery's number and the colon behind it. indimail's may have a queue's name at its end.
func cutDelivery(s string) (number, rest string, ok bool) {
	number, rest, ok = strings.Cut(s, ": ")
	return number, rest, ok && digits(number) > 0 && len(number) <= 64 && strings.IndexByte(number, ' ') < 0
}

// appendStopped reads `exiting` (notqmail: qmail-send.c, main) and `QUEUE QUEUE qmail-send exiting` (indimail:
// qmail-send.c). qmail-todo, which exits on its own, has no deliveries.
func appendStopped(dst []parsers.Event, s string) ([]parsers.Event, certainty) {
	queue, ok := strings.CutSuffix(s, "exiting")
	if !ok {
		return dst, strange
	}
	if queue != "" {
		if queue, ok = strings.CutSuffix(queue, "qmail-send "); !ok {
			return dst, known
		}
		queue, _, _ = strings.Cut(queue, " ")
	}
	return append(dst, parsers.Event{Kind: parsers.Part, Part: stopped, Instance: queue}), known
}

// appendBlocked reads `IP pid N: 553 TEXT`, which a client got to hear in place of qmail-smtpd (ucspi-tcp: rblsmtpd.c).
func appendBlocked(dst []parsers.Event, s string) []parsers.Event {
	ip, s, ok := strings.Cut(s, " pid ")
	if !ok || !isIP(ip) {
		return dst
	}
	_, text, _ := strings.Cut(s, ": ")
	reply, ok := parsers.ParseReply(text)
	if !ok {
		return dst
	}
	return append(dst, parsers.Event{Kind: parsers.Rejected, Attempt: parsers.Attempt{
		RelayIP: ip, Status: parsers.StatusRejected, NotAttempted: true, Origin: parsers.OriginLocal, Reply: reply, Diagnostic: text,
	}})
}

// appendRejected reads `pid N Reject::RCPT::Failed_Rcptto P:ESMTP S:IP:HOST H:HELO F:SENDER T:RECIPIENT` (s/qmail:
// smtpdlog.c), of which the client chose all from HELO on.
func appendRejected(dst []parsers.Event, s string) []parsers.Event {
	s, ok := strings.CutPrefix(s, "pid ")
	if !ok {
		return dst
	}
	s, ok = strings.CutPrefix(s[digits(s):], " Reject::")
	if !ok {
		return dst
	}
	dst = append(dst, parsers.Event{Kind: parsers.Rejected})
	ev := &dst[len(dst)-1]
	a := &ev.Attempt
	a.Status, a.NotAttempted, a.Origin, a.Diagnostic = parsers.StatusRejected, true, parsers.OriginLocal, s
	_, s, _ = strings.Cut(s, " S:")
	client, s, _ := strings.Cut(s, " H:")
	for ip := client; ip != "" && a.RelayIP == ""; ip = ip[:max(0, strings.LastIndexByte(ip, ':'))] {
		if isIP(ip) { // IPv6 has colons, too
			a.RelayIP = ip
		}
	}
	_, s, _ = strings.Cut(s, " F:")
	ev.Sender, s, _ = strings.Cut(s, " T:")
	a.Recipient, _, _ = strings.Cut(s, " ")
	return dst
}

// digits returns how many decimal digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c-'0' <= 9 }
