package transcript

import (
	"cmp"
	"container/list"
	"slices"
	"strings"

	"bouncelog/parsers"
)

// A session is one connection to a server.
type session struct {
	key
	place *list.Element

	relayHost, relayIP, sourceIP string
	relayPort                    uint16
	kind                         parsers.AttemptKind

	id, messageID string    // of the message that was announced
	message       *message  // the one under way
	waiting       []command // sent and not answered, the oldest first
	lines         string    // of a reply whose last line is still to come
	begun         bool      // something was sent, or received
	mailed        bool      // a message was begun
	refused       *verdict  // the greeting was refused, or the server is going down
	held          int       // bytes of waiting commands and accepted recipients
}

// A message is a mail transaction (RFC 5321 3.3).
type message struct {
	id, messageID, sender string

	accepted []string // recipients that wait for the answer to the message
	refused  *verdict // MAIL was: so is every recipient
	dropped  bool     // by RSET or another MAIL: nobody says what becomes of it
	named    bool     // a recipient was sent, or it was told that none was
}

// A command is one that waits for its reply.
type command struct {
	verb      parsers.Command
	message   *message // of MAIL and what follows it; nil: none is known
	recipient string   // of RCPT; empty: it is told of already
	chunk     bool     // BDAT that is not the last one
	implied   bool     // the end of DATA that not every log has a line for
	reset     bool     // RSET
	quit      bool     // QUIT
}

// A verdict is a reply that decides recipients.
type verdict struct {
	reply   parsers.Reply
	command parsers.Command
	at      parsers.Stamp
}

// kept returns a verdict that points into no line.
func (v *verdict) kept() *verdict {
	k := *v
	k.reply.Text = strings.Clone(k.reply.Text[:min(len(k.reply.Text), maxReply)])
	return &k
}

const (
	sessionCost = 512
	commandCost = 64
)

// cost returns how many bytes the session holds, about.
func (s *session) cost() int {
	n := sessionCost + len(s.host) + len(s.session) + s.held + len(s.lines) + len(s.id) + len(s.messageID)
	if s.refused != nil {
		n += len(s.refused.reply.Text)
	}
	return n
}

func (c *command) cost() int {
	n := commandCost + len(c.recipient)
	if c.verb == parsers.MAILFROM && c.message != nil {
		n += len(c.message.id) + len(c.message.messageID) + len(c.message.sender)
	}
	return n
}

// meet takes in the two ends of the connection. Another server is another connection: some logs count sessions from one
// again after a restart.
func (s *session) meet(ev *parsers.Event) {
	a := &ev.Attempt
	if a.RelayIP != "" && a.RelayIP != s.relayIP {
		if s.relayIP != "" {
			s.restart()
		}
		s.relayIP = clone(a.RelayIP)
	}
	if a.SourceIP != "" && a.SourceIP != s.sourceIP {
		s.sourceIP = clone(a.SourceIP)
	}
	if a.RelayPort != 0 {
		s.relayPort = a.RelayPort
	}
	s.kind = a.Kind
}

// restart forgets a dialogue of whose end the log said nothing.
func (s *session) restart() {
	*s = session{key: s.key, place: s.place, relayIP: s.relayIP, relayPort: s.relayPort, sourceIP: s.sourceIP, kind: s.kind}
}

func (s *session) push(c command) {
	s.waiting = append(s.waiting, c)
	s.held += c.cost()
}

// pop takes the oldest command that waits.
func (s *session) pop() command {
	c := s.waiting[0]
	s.waiting[0] = command{} // it points to its message
	s.waiting = s.waiting[1:]
	s.held -= c.cost()
	return c
}

// sent takes in a command of ours.
func (s *session) sent(dst []parsers.Event, ev *parsers.Event) []parsers.Event {
	s.begun = true
	c := command{verb: ev.Attempt.Command}
	switch c.verb {
	case parsers.EHLO, parsers.HELO, parsers.LHLO:
		s.catchUp()
		dst = s.unnamed(dst, ev, false)
		s.drop()
	case parsers.MAILFROM:
		s.catchUp()
		dst = s.unnamed(dst, ev, false)
		s.drop()
		s.begin(ev)
	case parsers.RCPTTO:
		if s.message == nil { // the log begins behind MAIL
			s.begin(ev)
		}
		s.message.named = true
		c.recipient = clone(ev.Attempt.Recipient)
		if m := s.message; m.refused != nil && c.recipient != "" {
			dst = append(dst, s.answered(ev, m, c.recipient, m.refused))
			c.recipient = ""
		}
	case parsers.DATA, parsers.EndOfDATA:
		if n := len(s.waiting); n > 0 && s.waiting[n-1].implied {
			s.waiting[n-1].implied = false
			return dst
		}
		c.chunk = c.verb == parsers.DATA && isCommand(ev.Text, "BDAT")
	case parsers.NoCommand:
		c.quit, c.reset = isCommand(ev.Text, "QUIT"), isCommand(ev.Text, "RSET")
		if c.quit || c.reset {
			dst = s.unnamed(dst, ev, c.quit)
		}
		if c.reset {
			s.drop()
		}
	}
	if c.verb >= parsers.MAILFROM {
		c.message = s.message
	}
	s.push(c)
	return dst
}

// begin opens a transaction.
func (s *session) begin(ev *parsers.Event) {
	m := &message{id: clone(ev.NextID), messageID: clone(ev.MessageID), sender: clone(ev.Sender)}
	if m.id == "" {
		m.id, m.messageID = s.id, s.messageID
	}
	s.id, s.messageID = "", ""
	s.message, s.mailed = m, true
}

// unnamed is called when no recipient of the message under way can be named any more, or with over, none of any message. It
// appends the refusal that is to blame, once: of MAIL, which is an attempt for recipients that nobody knows, or of the
// greeting or EHLO, which is one server's and decides nothing.
func (s *session) unnamed(dst []parsers.Event, ev *parsers.Event, over bool) []parsers.Event {
	switch m := s.message; {
	case m != nil && m.refused != nil && !m.named:
		m.named = true
		dst = append(dst, s.answered(ev, m, "", m.refused))
	case over && !s.mailed && s.refused != nil && s.refused.command != parsers.NoCommand:
		s.mailed = true
		dst = append(dst, s.answered(ev, &message{id: cmp.Or(s.id, ev.NextID), messageID: s.messageID}, "", s.refused))
		dst[len(dst)-1].Attempt.Kind = parsers.Connect
	}
	return dst
}

// drop ends the transaction under way.
func (s *session) drop() {
	m := s.message
	s.message = nil
	s.release(m)
}

// release gives up a message that is not under way any more, unless its answer is still to come: nobody will say what
// became of it.
func (s *session) release(m *message) {
	if m == nil || m == s.message || slices.ContainsFunc(s.waiting, func(c command) bool { return c.message == m && c.verb >= parsers.DATA }) {
		return
	}
	m.dropped = true
	s.settle(m)
}

// settle is called when every accepted recipient of a message has had its due.
func (s *session) settle(m *message) {
	for _, r := range m.accepted {
		s.held -= commandCost + len(r)
	}
	m.accepted = nil
}

// catchUp forgets waiting commands that must have had their answers, which the log does not show: nothing may be sent
// behind them until then (RFC 2920 3.1), and answers to come must not be taken for theirs.
func (s *session) catchUp() {
	s.waiting = slices.DeleteFunc(s.waiting, func(c command) bool {
		gone := c.verb < parsers.MAILFROM && !c.reset
		if gone {
			s.held -= c.cost()
		}
		return gone
	})
}

// received takes in one line of a reply, and the reply itself once the line is its last (RFC 5321 4.2.1). ended: it was
// the last of the dialogue.
func (s *session) received(dst []parsers.Event, ev *parsers.Event, line string) (_ []parsers.Event, ended bool) {
	r, ok := parsers.ParseReply(line)
	switch {
	case line == "", !ok && s.lines == "":
		return dst, false
	case !ok, len(line) > 3 && line[3] == '-':
		if len(s.lines)+len(line) < maxReply {
			s.lines += line + "\n"
		}
		return dst, false
	case s.lines != "":
		r, _ = parsers.ParseReply(s.lines + line)
		s.lines = ""
	}
	return s.answer(dst, ev, r)
}

// answer takes in a whole reply; a zero one is not in the log.
func (s *session) answer(dst []parsers.Event, ev *parsers.Event, r parsers.Reply) (_ []parsers.Event, ended bool) {
	var c command
	switch {
	case len(s.waiting) > 0:
		c = s.pop()
	case r.Code == 220, !s.begun: // a session that the log has no other beginning of
		s.restart()
		c.verb = parsers.CONNECT
	case r.Code != 421:
		return dst, false
	}
	s.begun = true
	class := r.Code.Class()
	refused := class == parsers.Transient || class == parsers.Permanent
	why := &verdict{r, c.verb, ev.Time}
	if r.Code == 421 || refused && c.verb != parsers.NoCommand && c.verb <= parsers.LHLO {
		// 421 may be the answer to anything, or to nothing, and is the last one (RFC 5321 3.8).
		s.refused = why.kept()
	}
	m := c.message
	switch c.verb {
	case parsers.CONNECT:
		s.relayHost = strings.Clone(greeter(r.Text))
	case parsers.EHLO, parsers.HELO, parsers.LHLO:
		if class == parsers.Success {
			s.refused = nil
		}
	case parsers.MAILFROM:
		if class == parsers.Success {
			s.refused = nil
		}
		if refused {
			if m.refused = s.refused; m.refused == nil {
				m.refused = why.kept()
			}
			dst = s.refuse(dst, ev, m)
		}
	case parsers.RCPTTO:
		if c.recipient == "" {
			break
		}
		if refused {
			dst = append(dst, s.answered(ev, m, c.recipient, why))
		} else if class == parsers.Success && !m.dropped {
			m.accepted = append(m.accepted, c.recipient)
			s.held += commandCost + len(c.recipient)
		}
	case parsers.DATA:
		switch {
		case c.chunk && class == parsers.Success:
		case r.Code == 354:
			body := command{verb: parsers.EndOfDATA, message: m, implied: true}
			s.waiting = slices.Insert(s.waiting, 0, body)
			s.held += body.cost()
		default:
			if class == parsers.Success {
				why.command = parsers.EndOfDATA // two commands in one line of the log
			}
			dst = s.tell(dst, ev, m, why)
		}
	case parsers.EndOfDATA:
		dst = s.tell(dst, ev, m, why)
	case parsers.NoCommand:
		if c.quit {
			return s.closed(dst, ev), true
		}
	}
	s.release(m)
	return dst, false
}

// tell appends what the answer to a message means to its recipients.
func (s *session) tell(dst []parsers.Event, ev *parsers.Event, m *message, why *verdict) []parsers.Event {
	if m == nil || why.reply.Code.Class() == parsers.ClassUnknown {
		return dst
	}
	for _, r := range m.accepted {
		dst = append(dst, s.answered(ev, m, r, why))
	}
	s.settle(m)
	return dst
}

// refuse appends what the refusal of a message means to the recipients that were sent with MAIL.
func (s *session) refuse(dst []parsers.Event, ev *parsers.Event, m *message) []parsers.Event {
	for i := range s.waiting {
		if c := &s.waiting[i]; c.message == m && c.recipient != "" {
			dst = append(dst, s.answered(ev, m, c.recipient, m.refused))
			s.held -= len(c.recipient)
			c.recipient = ""
		}
	}
	return dst
}

// closed appends what the end of the connection means to the recipients that still wait for an answer.
func (s *session) closed(dst []parsers.Event, ev *parsers.Event) []parsers.Event {
	var at parsers.Command
	if len(s.waiting) > 0 {
		at = s.waiting[0].verb
	}
	lose := func(m *message, recipients ...string) {
		for _, r := range recipients {
			switch {
			case m.dropped || r == "":
			case s.refused != nil:
				dst = append(dst, s.answered(ev, m, r, s.refused))
			default:
				dst = append(dst, s.lost(ev, m, r, at))
			}
		}
	}
	for i := range s.waiting {
		if c := &s.waiting[i]; c.message != nil {
			lose(c.message, c.message.accepted...)
			s.settle(c.message)
			lose(c.message, c.recipient)
		}
	}
	if s.message != nil {
		lose(s.message, s.message.accepted...)
	}
	return s.unnamed(dst, ev, true)
}

// attempt returns the event of one recipient, without its result.
func (s *session) attempt(ev *parsers.Event, m *message, recipient string) parsers.Event {
	e := parsers.Event{Kind: parsers.Attempted, Time: ev.Time, Host: ev.Host, Instance: ev.Instance, Process: ev.Process,
		QueueID: m.id, MessageID: m.messageID, Sender: m.sender}
	a := &e.Attempt
	a.Recipient, a.Kind, a.SourceIP = recipient, s.kind, s.sourceIP
	a.RelayHost, a.RelayIP, a.RelayPort = s.relayHost, s.relayIP, s.relayPort
	return e
}

// answered returns the event of a recipient whom a reply decides.
func (s *session) answered(ev *parsers.Event, m *message, recipient string, why *verdict) parsers.Event {
	e := s.attempt(ev, m, recipient)
	e.Time = why.at
	a := &e.Attempt
	switch why.reply.Code.Class() {
	case parsers.Success:
		a.Status = parsers.StatusSent
	case parsers.Transient:
		a.Status = parsers.StatusDeferred
	case parsers.Permanent:
		a.Status = parsers.StatusBounced
	}
	a.Origin, a.Reply, a.Command = parsers.OriginRemote, why.reply, why.command
	a.Diagnostic = strings.ReplaceAll(why.reply.Text, "\n", " ")
	return e
}

// lost returns the event of a recipient who was never answered for.
func (s *session) lost(ev *parsers.Event, m *message, recipient string, at parsers.Command) parsers.Event {
	e := s.attempt(ev, m, recipient)
	a := &e.Attempt
	a.Status, a.Origin, a.Command, a.Diagnostic = parsers.StatusDeferred, parsers.OriginLocal, at, "connection lost"
	if ev.Part == Closed && ev.Text != "" {
		a.Diagnostic = ev.Text
	}
	return e
}
