package transcript

import (
	"container/list"
	"slices"

	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// AppendBinary implements [encoding.BinaryAppender].
func (j *joiner) AppendBinary(dst []byte) ([]byte, error) {
	a := (*wire.Appender)(&dst)
	a.Uint(uint64(j.order.Len()))
	for e := j.order.Front(); e != nil; e = e.Next() {
		e.Value.(*session).append(a)
	}
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (j *joiner) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	j.sessions, j.order, j.held = make(map[key]*session), list.New(), 0
	for range r.Length(1) {
		s := readSession(&r)
		r.Must(j.sessions[s.key] == nil && s.held >= 0 && s.held <= maxHeld)
		if r.Err() != nil {
			break
		}
		s.place = j.order.PushBack(s)
		j.sessions[s.key] = s
		j.held += s.cost()
	}
	return r.End()
}

func (s *session) append(a *wire.Appender) {
	a.Strings([]string{s.host, s.session, s.relayHost, s.relayIP, s.sourceIP, s.id, s.messageID, s.lines})
	a.Uint(uint64(s.relayPort))
	a.Byte(byte(s.kind))
	a.Bool(s.begun)
	a.Bool(s.mailed)
	a.Uint(uint64(s.held))
	s.refused.append(a)
	var messages []*message // by number, less one
	number := func(m *message) uint64 {
		if m == nil {
			return 0
		}
		i := slices.Index(messages, m)
		if i < 0 {
			i = len(messages)
			messages = append(messages, m)
		}
		return uint64(i) + 1
	}
	a.Uint(number(s.message))
	a.Uint(uint64(len(s.waiting)))
	for i := range s.waiting {
		c := &s.waiting[i]
		a.Byte(byte(c.verb))
		a.Uint(number(c.message))
		a.String(c.recipient)
		for _, is := range []bool{c.chunk, c.implied, c.reset, c.quit} {
			a.Bool(is)
		}
	}
	for _, m := range messages {
		a.Strings([]string{m.id, m.messageID, m.sender})
		a.Strings(m.accepted)
		m.refused.append(a)
		a.Bool(m.dropped)
		a.Bool(m.named)
	}
}

func readSession(r *wire.Reader) *session {
	s := new(session)
	readStrings(r, &s.host, &s.session, &s.relayHost, &s.relayIP, &s.sourceIP, &s.id, &s.messageID, &s.lines)
	s.relayPort, s.kind = uint16(r.Uint()), parsers.AttemptKind(r.UpTo(byte(parsers.Probe)))
	s.begun, s.mailed, s.held = r.Bool(), r.Bool(), int(r.Uint())
	s.refused = readVerdict(r)
	var messages []*message
	numbered := func() *message {
		n := r.Uint()
		if r.Must(n <= uint64(len(messages))+1); n == 0 || r.Err() != nil {
			return nil
		}
		if n > uint64(len(messages)) {
			messages = append(messages, new(message))
		}
		return messages[n-1]
	}
	s.message = numbered()
	for range r.Length(1) {
		c := command{verb: parsers.Command(r.Byte()), message: numbered(), recipient: r.String()}
		c.chunk, c.implied, c.reset, c.quit = r.Bool(), r.Bool(), r.Bool(), r.Bool()
		r.Must(c.verb <= parsers.EndOfDATA && (c.message != nil || c.verb != parsers.MAILFROM && c.verb != parsers.RCPTTO))
		if r.Err() != nil {
			break
		}
		s.waiting = append(s.waiting, c)
	}
	for _, m := range messages {
		readStrings(r, &m.id, &m.messageID, &m.sender)
		m.accepted = r.Strings()
		m.refused, m.dropped, m.named = readVerdict(r), r.Bool(), r.Bool()
	}
	return s
}

// readStrings reads as many texts as there is room for.
func readStrings(r *wire.Reader, texts ...*string) {
	list := r.Strings()
	if r.Must(len(list) == len(texts)); r.Err() != nil {
		return
	}
	for i, s := range list {
		*texts[i] = s
	}
}

func (v *verdict) append(a *wire.Appender) {
	a.Bool(v != nil)
	if v == nil {
		return
	}
	a.Uint(uint64(v.reply.Code))
	for _, n := range v.reply.Enhanced {
		a.Uint(uint64(n))
	}
	a.String(v.reply.Text)
	a.Byte(byte(v.command))
	a.Int(int64(v.at))
}

func readVerdict(r *wire.Reader) *verdict {
	if !r.Bool() {
		return nil
	}
	v := new(verdict)
	v.reply.Code = parsers.ReplyCode(r.Uint())
	for i := range v.reply.Enhanced {
		v.reply.Enhanced[i] = uint16(r.Uint())
	}
	v.reply.Text, v.command, v.at = r.String(), parsers.Command(r.Byte()), parsers.Stamp(r.Int())
	r.Must(v.command <= parsers.EndOfDATA)
	return v
}
