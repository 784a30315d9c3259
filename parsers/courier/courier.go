// Package courier reads the log of the Courier mail server.
//
// courierd names the messages, and each delivery module writes several lines about one recipient (Courier:
// courier/cdmsgq.C, courier/cdmsgq3.C, courier/libs/comctlfile.c):
//
//	courierd: newmsg,id=Q: dns; HOST (HOST [IP])
//	courierd: started,id=Q,from=<S>,module=esmtp,host=DOMAIN,addr=<R>
//	courieresmtp: id=Q,from=<S>,addr=<R>: 550-First line of a reply
//	courieresmtp: id=Q,from=<S>,addr=<R>: 550 Last line of it
//	courieresmtp: id=Q,from=<S>,addr=<R>,status: failure
//	courieresmtp: id=Q,from=<S>,addr=<R>,size=329,success: delivered: HOST [IP]
//	courieresmtp: id=Q,from=<S>,addr=<R>,size=329,status: success
//	courierlocal: id=Q,from=<S>,addr=<R>,size=329,success: Message delivered.
//
// `status:` ends an attempt; of success, modules other than courieresmtp write `success:` alone. So join.go collects what
// stands before it. Neither the server that refused nor the command is logged. Nor is the end of a message's time in the
// queue, but courierd starts the module dsn without a host then, and with the host `deferred` for a warning.
//
// The sender chose both addresses, and the server the text behind the colon: the line is cut from left to right, past
// quoted strings. Of each of these, 128 bytes are logged, and three points where there were more (Courier:
// courier/libs/lcclog.c).
package courier

import (
	"slices"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of Courier's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "courier",
		Short:    "Courier mail server, from syslog",
		Evidence: parsers.Specified,
		Tags:     tags(),
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Join: newJoiner,
	}
}

func tags() []string {
	return []string{"courierd", "courieresmtp", "courierlocal", "courieruucp", "courierfax", "courierdsn", "courieresmtpd"}
}

// sniff counts the lines about a message, whatever their tag.
func sniff(s parsers.Sample) parsers.Score {
	p := new(parser)
	var room [2]parsers.Event
	return s.Ratio(func(line *parsers.Line) bool {
		evs, err := p.AppendEvents(room[:0], line)
		return err == nil && len(evs) > 0 && evs[0].Kind != parsers.Rejected
	})
}

// A parser reads Courier's lines. It does not change once it is opened.
type parser struct{ parsers.Options }

// The parts that a [joiner] puts together, by QueueID and Attempt.Recipient.
const (
	begun     uint8 = iota + 1 // what was said before is of another attempt
	said                       // Text is a line of a reply, or why there is none
	succeeded                  // Attempt tells whom it went to; `status:` follows
	ended                      // Attempt tells how
)

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	n := len(dst)
	s, broken := line.Text, false
	switch {
	case strings.HasPrefix(s, "id="):
		dst, broken = appendDelivery(dst, s[len("id="):])
	case strings.HasPrefix(s, "started,id="):
		dst, broken = appendStarted(dst, s[len("started,id="):])
	case strings.HasPrefix(s, "newmsg,id="):
		id, _ := cutID(s[len("newmsg,id="):])
		if broken = id == ""; !broken {
			dst = append(dst, parsers.Event{Kind: parsers.Accepted, QueueID: id})
		}
	case strings.HasPrefix(s, "error,relay="):
		dst = appendRefusal(dst, s[len("error,relay="):])
	}
	ours := slices.Contains(tags(), line.Tag)
	switch {
	case len(dst) == n && !ours:
		return dst, parsers.ErrForeign
	case broken:
		return dst, line.Malformed(line.Text, "line about a message is cut short")
	}
	for i := range dst[n:] {
		if ours { // the programs of one Courier share one queue
			dst[n+i].Process = line.Tag
		}
		switch a := &dst[n+i].Attempt; {
		case line.Tag == "courierlocal":
			a.Kind = parsers.Local
		case dst[n+i].Part == succeeded && fields.Inside(&p.Options, a.RelayHost, a.RelayIP):
			a.Kind = parsers.Internal
		}
	}
	return dst, nil
}

// cutID cuts a queue id from the front of s, three hexadecimal numbers: inode, time and process id.
func cutID(s string) (id, rest string) {
	points := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, c-'A' < 6:
		case c == '.':
			points++
		case points == 2 && i > len("0.0."):
			return s[:i], s[i:]
		default:
			return "", s
		}
	}
	if points != 2 {
		return "", s
	}
	return s, ""
}

// What of a text is logged, and what tells that there was more.
const (
	maxString = 128
	andSoOn   = "..."
)

// isCut reports whether a text was longer than what is logged of it.
func isCut(s string) bool { return len(s) == maxString+len(andSoOn) && strings.HasSuffix(s, andSoOn) }

// cutAddress cuts an address up to the bracket that ends it. A local part may have brackets within quotes (RFC 5321
// 4.1.2), and where the log cut it, one quote alone.
func cutAddress(s string) (address, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(s) && i <= maxString; i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == '>' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	if n := maxString + len(andSoOn); len(s) > n && s[n] == '>' && isCut(s[:n]) {
		return s[:n], s[n+1:], true
	}
	return "", s, false
}

// cutEnvelope cuts `Q,from=<S>` and the same with more behind.
func cutEnvelope(s string) (id, sender, rest string, ok bool) {
	if id, s = cutID(s); id == "" {
		return "", "", s, false
	}
	if s, ok = strings.CutPrefix(s, ",from=<"); !ok {
		return "", "", s, false
	}
	sender, rest, ok = cutAddress(s)
	return id, parsers.Sender(sender), rest, ok
}

// appendStarted reads `Q,from=<S>,module=M,host=H,addr=<R>`.
func appendStarted(dst []parsers.Event, s string) (_ []parsers.Event, broken bool) {
	id, sender, s, ok := cutEnvelope(s)
	if !ok {
		return dst, true
	}
	if host, ok := strings.CutPrefix(s, ",module=dsn,host="); ok {
		if strings.HasPrefix(host, ",addr=<") { // Courier: cdmsgq3.C, msgq::done
			dst = append(dst, parsers.Event{Kind: parsers.Expired, QueueID: id, Attempt: parsers.Attempt{
				Status: parsers.StatusExpired, Kind: parsers.Final, NotAttempted: true, Origin: parsers.OriginLocal}})
		}
		return dst, false
	}
	dst = append(dst, parsers.Event{Kind: parsers.Queued, QueueID: id, Sender: sender})
	if _, rcpt, ok := strings.Cut(s, ",addr=<"); ok { // courierd chose what stands before it
		if rcpt, _, ok = cutAddress(rcpt); ok {
			dst = append(dst, parsers.Event{Kind: parsers.Part, Part: begun, QueueID: id, Attempt: parsers.Attempt{Recipient: rcpt}})
		}
	}
	return dst, false
}

// appendDelivery reads `Q,from=<S>,addr=<R>: TEXT`, or with `,size=N`, `,success` and `,status` before the colon.
func appendDelivery(dst []parsers.Event, s string) (_ []parsers.Event, broken bool) {
	id, sender, s, ok := cutEnvelope(s)
	if !ok {
		return dst, true
	}
	if s, ok = strings.CutPrefix(s, ",addr=<"); !ok {
		return dst, true
	}
	rcpt, s, ok := cutAddress(s)
	if !ok {
		return dst, true
	}
	if size, ok := strings.CutPrefix(s, ",size="); ok {
		s = strings.TrimLeft(size, "0123456789")
	}
	word, text, _ := strings.Cut(s, ":")
	text = strings.TrimPrefix(text, " ")
	dst = append(dst, parsers.Event{Kind: parsers.Part, QueueID: id, Sender: sender})
	ev := &dst[len(dst)-1]
	a := &ev.Attempt
	a.Recipient = rcpt
	switch word {
	case "":
		ev.Part, ev.Text = said, text
	case ",success":
		readSuccess(ev, text)
	case ",status":
		ev.Part = ended
		switch text {
		case "success":
			a.Status = parsers.StatusSent
		case "deferred":
			a.Status = parsers.StatusDeferred
		case "failure":
			a.Status = parsers.StatusBounced
		default:
			return dst[:len(dst)-1], true
		}
	default:
		return dst[:len(dst)-1], true
	}
	return dst, false
}

// readSuccess reads what stands behind `success:`, courieresmtp's with the server (Courier: module.esmtp/libesmtp.C,
// logsuccessto). A bounce message to nobody is dropped.
func readSuccess(ev *parsers.Event, text string) {
	a := &ev.Attempt
	server, ok := strings.CutPrefix(text, "delivered: ")
	if !ok {
		ev.Part, a.Status, a.Diagnostic = ended, parsers.StatusSent, text
		return
	}
	ev.Part = succeeded
	host, ip, ok := strings.Cut(strings.TrimSuffix(server, "]"), "[")
	ip = strings.TrimPrefix(ip, "::ffff:")
	if !ok || !fields.IsAddress(ip) {
		a.NotAttempted, a.Diagnostic = true, server
		return
	}
	a.RelayHost, a.RelayIP = strings.TrimSuffix(host, " "), ip
}

// appendRefusal reads `IP,port=N,ident=I,from=<S>,to=<R>: 550 TEXT`, of which only the address has to be there (Courier:
// module.esmtp/courieresmtpd.C, print_submit_log_fix). No colon stands within ident and the addresses, and no bracket.
func appendRefusal(dst []parsers.Event, s string) []parsers.Event {
	who, text, ok := strings.Cut(s, ": ")
	if !ok {
		return dst
	}
	reply, ok := parsers.ParseReply(text)
	if !ok {
		return dst
	}
	dst = append(dst, parsers.Event{Kind: parsers.Rejected, Attempt: parsers.Attempt{
		Status: parsers.StatusRejected, NotAttempted: true, Origin: parsers.OriginLocal, Reply: reply, Diagnostic: text}})
	ev := &dst[len(dst)-1]
	ip, who, _ := strings.Cut(who, ",")
	ip = strings.TrimPrefix(ip, "::ffff:")
	if fields.IsAddress(ip) {
		ev.Attempt.RelayIP = ip
	}
	if port, ok := strings.CutPrefix(who, "port="); ok {
		port, _, _ = strings.Cut(port, ",")
		ev.Attempt.RelayPort = fields.Port(port)
	}
	if _, from, ok := strings.Cut(who, "from=<"); ok {
		from, who, _ = strings.Cut(from, ">")
		ev.Sender = parsers.Sender(from)
	}
	if _, to, ok := strings.Cut(who, "to=<"); ok {
		ev.Attempt.Recipient, _, _ = strings.Cut(to, ">")
	}
	return dst
}
