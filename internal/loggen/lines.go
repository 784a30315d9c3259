package loggen

import (
	"io"
	"strconv"
	"time"
)

// A writer puts lines together.
type writer struct {
	w      io.Writer
	err    error
	header string
	zone   *time.Location

	buf   []byte
	start int   // of the line under way in buf
	text  int   // of its text
	bytes int64 // written, with what is in buf
	lines [numLineKinds]int64

	mute        bool // the line under way is not to be written
	first, last int64

	second int64 // that stamp is for
	stamp  []byte
	offset []byte // ISO, RFC5424: what follows the fraction
}

const flushAt = 64 << 10

func newWriter(w io.Writer, o Options) writer {
	return writer{w: w, header: o.Header, zone: o.Location, buf: make([]byte, 0, flushAt+8<<10), second: -1}
}

func (w *writer) flushFull() {
	if len(w.buf) >= flushAt {
		w.flush()
	}
}

func (w *writer) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

func (w *writer) str(s string)    { w.buf = append(w.buf, s...) }
func (w *writer) raw(s []byte)    { w.buf = append(w.buf, s...) }
func (w *writer) num(n int64)     { w.buf = strconv.AppendInt(w.buf, n, 10) }
func (w *writer) delay(us int64)  { w.buf = appendDelay(w.buf, us) }
func (w *writer) byte(c byte)     { w.buf = append(w.buf, c) }
func (w *writer) address(v int64) { w.buf = appendIP(w.buf, uint32(v)) }

// stampAt appends the time as the header has it, up to the host.
func (w *writer) stampAt(at int64) {
	if s := at / sec; s != w.second {
		w.second = s
		t := time.Unix(s, 0).In(w.zone)
		switch w.header {
		case RFC3164:
			w.stamp = t.AppendFormat(w.stamp[:0], "Jan _2 15:04:05 ")
		case Maillog:
			w.stamp = t.AppendFormat(w.stamp[:0], "Jan 02 15:04:05 ")
		default:
			w.stamp = t.AppendFormat(w.stamp[:0], "2006-01-02T15:04:05.")
			w.offset = t.AppendFormat(w.offset[:0], "-07:00 ")
		}
	}
	w.raw(w.stamp)
	if w.header == ISO || w.header == RFC5424 {
		w.buf = appendBase(w.buf, uint64(at%sec), base16, 10, 6)
		w.raw(w.offset)
	}
}

// head begins a line. pid zero: the tag has none.
func (g *generator) head(h *host, tag string, pid uint32) {
	w := &g.writer
	w.mute = g.now < g.cutStart
	w.start = len(w.buf)
	name := h.name
	switch w.header {
	case RFC5424:
		w.str("<22>1 ") // mail.info
	case Maillog:
		name = h.label
	}
	w.stampAt(g.now)
	w.str(name)
	w.byte(' ')
	w.str(tag)
	switch {
	case w.header == RFC5424 && pid == 0:
		w.str(" - - - ")
	case w.header == RFC5424:
		w.byte(' ')
		w.num(int64(pid))
		w.str(" - - ")
	case pid == 0:
		w.str(": ")
	default:
		w.byte('[')
		w.num(int64(pid))
		w.str("]: ")
	}
	w.text = len(w.buf)
}

// headOf begins a line with the queue id of m.
func (g *generator) headOf(m *message, tag string, pid uint32) {
	g.head(m.host, tag, pid)
	g.mute = g.mute || m.omit
	g.raw(m.queueID())
	g.str(": ")
}

// end ends a line.
func (g *generator) end(kind lineKind) {
	w := &g.writer
	if w.mute {
		w.buf = w.buf[:w.start]
		return
	}
	w.byte('\n')
	w.bytes += int64(len(w.buf) - w.start)
	w.lines[kind]++
	if w.first == 0 {
		w.first = g.now
	}
	w.last = g.now
}

func (g *generator) client(v uint32) {
	g.str("client")
	g.num(int64(v % 250))
	g.str(".example.com[")
	g.address(int64(203<<24 | 113<<8 | v%250 + 1))
	g.byte(']')
}

func (g *generator) senderOf(m *message) {
	switch m.kind {
	case ordinary:
		g.str("bounce-")
		g.num(int64(m.verp))
		g.byte('@')
		g.str(senderDomains[m.sender])
	case verification:
		g.str("double-bounce@")
		g.str(m.host.fqdn)
	}
}

func (g *generator) userOf(m *message, r *recipient) {
	switch {
	case m.kind == notification:
		g.str("bounce-")
		g.num(int64(r.user))
	case r.hostile > 0:
		g.str(hostileUsers[r.hostile-1])
	default:
		g.buf = appendUser(g.buf, r.user)
	}
}

func (g *generator) recipientOf(m *message, r *recipient) {
	g.userOf(m, r)
	g.byte('@')
	g.str(g.domains[r.domain].name)
}

// fill appends a template; see compile. m and r may be nil where its verbs ask for neither.
func (g *generator) fill(t template, m *message, r *recipient) {
	for i := range t {
		s := &t[i]
		g.str(s.text)
		switch s.verb {
		case 'r':
			g.recipientOf(m, r)
		case 'u':
			g.userOf(m, r)
		case 'd':
			g.str(g.domains[r.domain].name)
		case 'm':
			g.str(g.domains[r.domain].mx)
		case 'b':
			g.str(g.domains[r.domain].backup)
		case 's':
			g.senderOf(m)
		case 'o':
			g.str(m.host.fqdn)
		case 'a':
			g.str(m.host.address)
		case 'c':
			g.raw(m.heirID[:m.heirLen])
		case 'n':
			g.num(1000 + int64(g.rng.Uint32N(89999)))
		case 'x':
			g.buf = appendBase(g.buf, g.rng.Uint64()>>16, "0123456789abcdef", 16, 12)
		case 'q':
			g.buf = appendBase(g.buf, g.rng.Uint64()>>24|1<<39, base16, 16, 10)
		case 't':
			g.num(g.now / sec)
		case 'i':
			g.address(int64(198<<24 | 51<<16 | 100<<8 | g.rng.Uint32N(254) + 1))
		case '%':
			g.byte('%')
		}
	}
}

// connected writes smtpd's lines on a new message.
func (g *generator) connected(m *message) {
	if m.silent {
		return
	}
	if m.sessionLogged() {
		g.head(m.host, "postfix/smtpd", m.smtpd)
		g.str("connect from ")
		g.client(m.client)
		g.end(lineSession)
	}
	g.headOf(m, "postfix/smtpd", m.smtpd)
	g.str("client=")
	g.client(m.client)
	g.end(lineAccepted)
	g.begin(m)
}

// sessionLogged tells whether the session is m's alone; else others had been there in it before.
func (m *message) sessionLogged() bool { return m.token&1 != 0 }

func (g *generator) disconnected(m *message) {
	if !m.silent && m.sessionLogged() {
		g.head(m.host, "postfix/smtpd", m.smtpd)
		g.str("disconnect from ")
		g.client(m.client)
		g.str(" ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5")
		g.end(lineSession)
	}
	m.host.smtpd.put(m.smtpd)
}

func (g *generator) pickedUp(m *message) {
	if m.silent {
		return
	}
	g.headOf(m, "postfix/pickup", m.host.pickup)
	g.str("uid=1000 from=<")
	g.senderOf(m)
	g.byte('>')
	g.end(lineAccepted)
	g.begin(m)
}

// reinjected writes smtpd's line on a message that the content filter gives back.
func (g *generator) reinjected(m, c *message) {
	pid := m.host.smtpd.get()
	g.headOf(c, "postfix/smtpd", pid)
	g.str("client=localhost[127.0.0.1], orig_queue_id=")
	g.raw(m.queueID())
	g.str(", orig_client=")
	g.client(m.client)
	g.end(lineAccepted)
	g.begin(c)
	m.host.smtpd.put(pid)
}

func (g *generator) named(m *message) {
	if m.silent {
		return
	}
	g.headOf(m, "postfix/cleanup", m.host.cleanup)
	g.str("message-id=<")
	if m.kind == ordinary {
		g.buf = appendBase(g.buf, m.token, "0123456789abcdef", 16, 16)
		g.byte('@')
		g.str(senderDomains[m.sender])
	} else {
		g.buf = time.Unix(g.now/sec, 0).UTC().AppendFormat(g.buf, "20060102150405.") // cleanup/cleanup_message.c
		g.raw(m.queueID())
		g.byte('@')
		g.str(m.host.fqdn)
	}
	g.byte('>')
	g.end(lineNamed)
	g.begin(m)
}

func (g *generator) activated(m *message) {
	g.headOf(m, "postfix/qmgr", m.host.qmgr)
	g.str("from=<")
	g.senderOf(m)
	g.str(">, size=")
	g.num(int64(m.size))
	g.str(", nrcpt=")
	g.num(int64(m.left))
	g.str(" (queue active)")
	g.end(lineQueued)
}

func (g *generator) expired(m *message) {
	g.headOf(m, "postfix/qmgr", m.host.qmgr)
	g.str("from=<")
	g.senderOf(m)
	if m.force {
		g.str(">, status=force-expired, returned to sender")
	} else {
		g.str(">, status=expired, returned to sender")
	}
	g.end(lineExpiry)
}

func (g *generator) noticed(m *message) {
	g.headOf(m, "postfix/bounce", m.host.bounce)
	g.str("sender non-delivery notification: ")
	g.raw(m.heirID[:m.heirLen])
	g.end(lineNotice)
}

func (g *generator) removed(m *message) {
	g.headOf(m, "postfix/qmgr", m.host.qmgr)
	g.str("removed")
	g.end(lineRemoved)
}

func (g *generator) deleted(m *message) {
	g.head(m.host, "postfix/postsuper", m.host.super)
	g.str("Deleted: 1 message")
	g.end(lineAdmin)
	g.headOf(m, "postfix/postsuper", m.host.super)
	g.str("removed")
	g.end(lineRemoved)
}

func (g *generator) forced(m *message) {
	g.headOf(m, "postfix/postsuper", m.host.super)
	g.str("expired")
	g.end(lineAdmin)
}

// preamble writes what smtp says before it is done with a destination: the servers it tried, its TLS session.
func (g *generator) preamble(m *message, r *recipient, agent uint32) {
	d := &g.domains[r.domain]
	if d.ownAgent || r.verdict == suspended {
		return
	}
	if r.reply.connect { // smtp/smtp_connect.c: the last server's failure too has a line of its own
		g.head(m.host, d.tag, agent)
		g.fill(r.reply.tmpl, m, r)
		g.end(lineConnect)
	}
	if m.kind == verification {
		return
	}
	if g.chance(g.o.Mix.Tried) {
		if g.rng.Uint32N(2) == 0 {
			g.head(m.host, d.tag, agent)
			g.str("connect to ")
			g.str(d.backup)
			g.str(":25: Connection timed out")
			g.end(lineConnect)
		} else {
			g.headOf(m, d.tag, agent)
			g.fill(g.any(g.texts.tried).tmpl, m, r)
			g.end(lineTried)
		}
	}
	if r.reply.stage != noSession && g.chance(g.o.Mix.Session/4) {
		g.head(m.host, d.tag, agent)
		g.str("Untrusted TLS connection established to ")
		g.str(d.mx)
		g.str(":25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)")
		g.end(lineSession)
	}
}

// delivered writes the record of one attempt (global/log_adhoc.c), and counts it.
func (g *generator) delivered(m *message, r *recipient, ch channel, agent uint32, began int64) {
	d := &g.domains[r.domain]
	relay, port, tag := d.mx, ":25", d.tag
	switch {
	case m.filter:
		relay, port, tag = "127.0.0.1[127.0.0.1]", ":10024", "postfix/smtp"
	case d.ownAgent:
		port = ""
	case r.verdict == suspended:
		tag = "postfix/error"
	}
	if m.filter && r.reply.connect && r == &m.rcpts[0] {
		g.head(m.host, tag, agent)
		g.fill(r.reply.tmpl, m, r)
		g.end(lineConnect)
	}
	if r.verdict == suspended || r.reply.stage == noSession {
		relay, port = "none", ""
	}
	g.headOf(m, tag, agent)
	g.str("to=<")
	g.recipientOf(m, r)
	if r.expanded {
		g.str(">, orig_to=<")
		g.buf = appendUser(g.buf, r.original)
		g.str("@local.mx.example.com")
	}
	g.str(">, relay=")
	g.str(relay)
	g.str(port)

	inQueue, inQmgr, busy := m.active-m.arrived, began-m.active, g.now-began
	setup := busy / 3
	if r.reply.stage == noSession || r.reply.stage == greeting {
		setup = busy
	}
	if r.verdict == suspended {
		inQmgr, setup, busy = g.now-m.active, 0, 0
	}
	g.str(", delay=")
	g.delay(g.now - m.arrived)
	g.str(", delays=")
	g.delay(inQueue)
	g.byte('/')
	g.delay(inQmgr)
	g.byte('/')
	g.delay(setup)
	g.byte('/')
	g.delay(busy - setup)
	if g.o.TLS && !d.ownAgent && r.verdict != suspended {
		g.str(", tls=")
		g.str([...]string{"may", "none", "may:none", "dane:encrypt"}[r.domain%4])
	}
	g.str(", dsn=")
	if r.soft {
		g.byte('4')
		g.str(r.reply.dsn[1:])
	} else {
		g.str(r.reply.dsn)
	}
	g.str(", status=")
	g.str(statusWord(m, r))
	g.str(" (")
	if r.verdict == suspended {
		g.str("delivery temporarily suspended: ")
	}
	g.fill(r.reply.tmpl, m, r)
	g.byte(')')
	g.end(lineRecord)
	g.count(m, r, ch, 1)
	if ch == remote && m.kind == ordinary && r.verdict == deferred && g.chance(g.o.Mix.Repeat) {
		g.repeated(m, r, ch, tag, agent)
	}
}

// repeated folds further records like the one just written into one line, as rsyslog's $RepeatedMsgReduction does.
func (g *generator) repeated(m *message, r *recipient, ch channel, tag string, agent uint32) {
	if g.mute {
		return
	}
	n := 1 + int64(g.rng.Uint32N(3))
	from, to := g.text, len(g.buf)-1
	g.head(m.host, tag, agent)
	g.str("message repeated ")
	g.num(n)
	g.str(" times: [ ")
	g.buf = append(g.buf, g.buf[from:to]...)
	g.byte(']')
	g.end(lineRecord)
	g.t.Repeats += n
	g.count(m, r, ch, n)
}

func statusWord(m *message, r *recipient) string {
	switch {
	case r.soft:
		return "SOFTBOUNCE"
	case m.kind == verification && r.verdict == sent:
		return "deliverable"
	case m.kind == verification:
		return "undeliverable"
	case r.verdict == sent:
		return "sent"
	case r.verdict == bounced:
		return "bounced"
	}
	return "deferred"
}
