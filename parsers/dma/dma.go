// Package dma reads the log of dma, the DragonFly Mail Agent, which FreeBSD installs by default since version 14.
//
// Each recipient of a message has a queue id, a process, and in syslog a tag of its own, whose brackets hold that queue id
// and no process id (dma: util.c, setlogident). The lines of a recipient, in their order, and two of its message before
// them, the queue id there being the part before the point (dma: spool.c, dma.c, net.c, local.c, mail.c):
//
//	new mail from user=U uid=N envelope_from=<S>
//	mail to=<R> queued as QID
//	<R> trying delivery
//	using smarthost (HOST:PORT)
//	trying remote delivery to HOST [IP] pref N
//	connect to HOST [IP] failed: WHY
//	remote delivery deferred: HOST [IP] failed after COMMAND: REPLY
//	remote delivery to HOST [IP] failed after COMMAND: REPLY
//	<R> delivery successful
//	delivery failed, bouncing as QID
//
// So the line that tells an outcome names no recipient, or no server: join.go knows them from the lines before. An attempt
// goes through the servers of a domain until one takes the message or refuses it for good, and each that defers it writes
// a line; where no connection could be made at all, the attempt ends without a line of its own. After five days dma gives
// up without a word about it: `bouncing as` after a deferral is an expiry.
package dma

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

const tag = "dma"

// Format returns the description of dma's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "dma",
		Short:    "DragonFly Mail Agent, from syslog",
		Evidence: parsers.Specified,
		Tags:     []string{tag},
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Join: newJoiner,
	}
}

// A parser reads dma's lines. It does not change once it is opened.
type parser struct{ parsers.Options }

// The parts that a [joiner] puts together. QueueID is the line's.
const (
	received   uint8 = iota + 1 // Sender is the message's
	enqueued                    // NextID and Attempt.Recipient are one recipient's
	begun                       // an attempt for Attempt.Recipient
	relayed                     // it goes to the smarthost, at Attempt.RelayPort
	connecting                  // it goes to the server in Attempt
	failed                      // Attempt tells how
	delivered                   // Attempt tells to whom
	returned                    // the message goes back as NextID, where there is one
)

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	if !isQueueID(line.PID) {
		if line.Tag == tag {
			return dst, nil // about no message
		}
		return dst, parsers.ErrForeign
	}
	n := len(dst)
	dst = append(dst, parsers.Event{Kind: parsers.Part, QueueID: line.PID, Instance: line.Tag})
	ev := &dst[n]
	if !readLine(ev, line.Text) {
		if line.Tag == tag {
			return dst[:n], nil
		}
		return dst[:n], parsers.ErrForeign
	}
	if a := &ev.Attempt; a.Kind == parsers.Remote && fields.Inside(&p.Options, a.RelayHost, a.RelayIP) {
		a.Kind = parsers.Internal
	}
	return dst, nil
}

// isQueueID reports whether s is an id of a message or of a recipient: a hexadecimal number, or two (dma: spool.c).
func isQueueID(s string) bool {
	points := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, c-'a' < 6:
		case c == '.' && i > 0 && i < len(s)-1:
			points++
		default:
			return false
		}
	}
	return s != "" && points < 2
}

// readLine reads what a line tells. Users choose the sender and the recipients, which stand in brackets; the lines with a
// server's reply have it at their end.
func readLine(ev *parsers.Event, s string) bool {
	a := &ev.Attempt
	switch {
	case strings.HasPrefix(s, "<"):
		if rcpt, ok := strings.CutSuffix(s[1:], "> trying delivery"); ok {
			ev.Part, a.Recipient = begun, rcpt
		} else if rcpt, ok := strings.CutSuffix(s[1:], "> delivery successful"); ok {
			ev.Part, a.Recipient, a.Status = delivered, rcpt, parsers.StatusSent
		}
	case strings.HasPrefix(s, "new mail from user="):
		if _, sender, ok := strings.Cut(s, " envelope_from=<"); ok {
			ev.Part, ev.Sender = received, parsers.Sender(strings.TrimSuffix(sender, ">"))
		}
	case strings.HasPrefix(s, "mail to=<"):
		if i := strings.LastIndex(s, "> queued as "); i >= 0 && isQueueID(s[i+len("> queued as "):]) {
			ev.Part, ev.NextID, a.Recipient = enqueued, s[i+len("> queued as "):], s[len("mail to=<"):i]
		}
	case strings.HasPrefix(s, "using smarthost ("):
		s = strings.TrimSuffix(s, ")")
		if port := fields.Port(s[strings.LastIndexByte(s, ':')+1:]); port != 0 {
			ev.Part, a.RelayPort = relayed, port
		}
	case strings.HasPrefix(s, "trying remote delivery to "):
		if _, ok := cutServer(a, s[len("trying remote delivery to "):]); ok {
			ev.Part = connecting
		}
	case strings.HasPrefix(s, "connect to "):
		readConnect(ev, s, s[len("connect to "):])
	case strings.HasPrefix(s, "socket for "):
		readConnect(ev, s, s[len("socket for "):])
	case strings.HasPrefix(s, "remote delivery "):
		readRemote(ev, s, s[len("remote delivery "):])
	case strings.HasPrefix(s, "Could not perform server greeting at "):
		if rest, ok := cutServer(a, s[len("Could not perform server greeting at "):]); ok {
			ev.Part, a.Status, a.Command = failed, parsers.StatusBounced, parsers.EHLO
			setAnswer(a, strings.TrimPrefix(rest, ": "))
		}
	case strings.HasPrefix(s, "local delivery "):
		readLocal(ev, s, s[len("local delivery "):])
	case strings.HasPrefix(s, "delivery failed, bouncing as "):
		ev.Part, ev.NextID = returned, s[len("delivery failed, bouncing as "):]
		a.Status, a.Diagnostic = parsers.StatusExpired, s
	case s == "can not bounce a bounce message, discarding":
		ev.Part = returned
		a.Status, a.Diagnostic = parsers.StatusExpired, s
	}
	return ev.Part != 0 || ev.Kind != parsers.Part
}

// readConnect reads `HOST [IP] failed: WHY`, the rest of s. The next server may do better.
func readConnect(ev *parsers.Event, s, rest string) {
	a := &ev.Attempt
	if rest, ok := cutServer(a, rest); ok && strings.HasPrefix(rest, " failed: ") {
		ev.Part, a.Status, a.Kind = failed, parsers.StatusDeferred, parsers.Connect
		a.Command, a.Origin, a.Diagnostic = parsers.CONNECT, parsers.OriginLocal, s
	}
}

// remarks are what stands before a reply where no server is named (dma: net.c, crypto.c).
var remarks = [...]struct {
	text    string
	command parsers.Command
}{
	{"STARTTLS not available: ", parsers.STARTTLS},
	{"could not perform server greeting: ", parsers.EHLO},
	{"AUTH login not available: ", parsers.AUTH},
	{"AUTH login failed: ", parsers.AUTH},
	{"AUTH cram-md5 failed: ", parsers.AUTH},
	{"Authentication failed: ", parsers.AUTH},
}

// readRemote reads `deferred: WHY` and the like, the rest of s.
func readRemote(ev *parsers.Event, s, rest string) {
	a := &ev.Attempt
	status := parsers.StatusBounced
	rest, ok := strings.CutPrefix(rest, "to ")
	if !ok {
		var word string
		word, rest, _ = strings.Cut(rest, ": ")
		switch {
		case word == "deferred":
			status = parsers.StatusDeferred
		case word != "failed":
			return // `succeeded but QUIT failed`
		case strings.HasPrefix(rest, "SMTP login failed: "):
			return // the line before has told why
		}
	}
	if after, named := cutServer(a, rest); named {
		if word, answer, ok := strings.Cut(strings.TrimPrefix(after, " failed after "), ": "); ok {
			ev.Part, a.Status, a.Command = failed, status, command(word)
			setAnswer(a, answer)
		}
		return
	}
	if ok {
		return
	}
	ev.Part, a.Status = failed, status
	for _, r := range remarks {
		if answer, ok := strings.CutPrefix(rest, r.text); ok {
			a.Command = r.command
			setAnswer(a, answer)
			if a.Command == parsers.AUTH && status == parsers.StatusDeferred {
				// It goes on without a login (dma: net.c, deliver_to_host).
				ev.Kind, ev.Part, a.Kind, a.Status = parsers.Tried, 0, parsers.Connect, 0
			}
			return
		}
	}
	a.Origin, a.Diagnostic = parsers.OriginLocal, rest
	if rest == "" {
		a.Diagnostic = s
	}
}

// command returns what the log calls the end of DATA, too.
func command(s string) parsers.Command {
	if s == "final DATA" {
		return parsers.EndOfDATA
	}
	return parsers.ParseCommand(s)
}

// setAnswer sets what a server said, or how the network failed. The line ends that the last line of a reply keeps look as
// the syslog daemon shows control bytes.
func setAnswer(a *parsers.Attempt, s string) {
	for {
		t := strings.TrimRight(s, " ")
		t = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(t, "#012"), "#015"), "^M")
		if t == s {
			break
		}
		s = t
	}
	a.Diagnostic, a.Origin = s, parsers.OriginLocal
	if r, ok := parsers.ParseReply(s); ok {
		a.Reply, a.Origin = r, parsers.OriginRemote
	}
}

// readLocal reads `deferred: WHY` and `failed: WHY`, the rest of s. After a write error, dma tries again all the same (dma:
// local.c, deliver_local).
func readLocal(ev *parsers.Event, s, rest string) {
	a := &ev.Attempt
	word, why, _ := strings.Cut(rest, ": ")
	switch {
	case word == "deferred", word == "failed" && strings.HasPrefix(why, "write error"):
		a.Status = parsers.StatusDeferred
	case word == "failed":
		a.Status = parsers.StatusBounced
	default:
		return
	}
	ev.Part, a.Kind, a.Origin, a.Diagnostic = failed, parsers.Local, parsers.OriginLocal, s
}

// cutServer cuts `HOST [IP]` from the front of s.
func cutServer(a *parsers.Attempt, s string) (rest string, ok bool) {
	host, rest, ok := strings.Cut(s, " [")
	if !ok || strings.IndexByte(host, ' ') >= 0 {
		return s, false
	}
	ip, rest, ok := strings.Cut(rest, "]")
	if !ok || !fields.IsAddress(ip) {
		return s, false
	}
	a.RelayHost, a.RelayIP = host, ip
	return rest, true
}
