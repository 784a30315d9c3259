package loggen

import "strconv"

type verdict uint8

const (
	sent verdict = iota
	deferred
	bounced
	suspended // deferred without an attempt
)

type messageKind uint8

const (
	ordinary messageKind = iota
	notification
	verification // a probe
)

// What the log showed of a recipient before its end.
const (
	seenDeferred  = 1 << iota // with an attempt
	seenSuspended             // without
)

// A recipient is one of a message's.
type recipient struct {
	user     uint32 // makes the local part
	domain   int32
	original uint32 // the user before a forward
	hostile  uint8  // which hostile local part, from 1
	expanded bool   // original is set
	forward  bool   // has a forward file
	stuck    bool   // fails until the message expires
	done     bool

	// Of the run under way.
	verdict verdict
	soft    bool // deferred, in place of a bounce: SOFTBOUNCE
	reply   *reply
	pid     uint32 // of the delivery agent; on the first recipient of a destination
	began   int64

	seen uint8
}

// A message is one queue file.
type message struct {
	id     [24]byte
	idLen  uint8
	kind   messageKind
	child  bool // of a filter or forward
	filter bool // goes to the content filter
	pickup bool // submitted by sendmail(1)
	preset bool // inode and micros are those of an earlier message
	alien  bool // the inode is of another host
	silent bool // the lines that begin it are lost
	force  bool // postsuper -e
	begun  bool // the log has a line that begins it
	omit   bool // none of its lines are written

	host   *host
	sender int32  // index of senderDomains
	verp   uint32 // in the sender's local part
	token  uint64 // of its message id
	size   int32
	smtpd  uint32
	client uint32
	inode  uint32
	micros int64 // of the short queue id

	arrived, active int64
	heard           int64 // the last time that the log spoke of it
	runs            int
	running         int // destinations under way
	left            int // recipients not done
	failed          int // not yet reported to the sender
	heirID          [24]byte
	heirLen         uint8
	prior           *message // deferred mail under the same id, whose end is lost
	rcpts           []recipient
}

func (m *message) queueID() []byte { return m.id[:m.idLen] }

// A vacancy is a short queue id that the next message takes.
type vacancy struct {
	micros int64
	inode  uint32
	prior  *message
}

// A host is one reporting MTA.
type host struct {
	name, label   string // label: its first one, for Maillog
	fqdn, address string
	inodes        pool
	smtpd, agents pool // process ids: one serves one session, or one message, at a time
	qmgr, pickup  uint32
	bounce, super uint32
	cleanup       uint32
	vacancies     []vacancy
	latest        vacancy // the id opened last, to clash with; inode zero: none
}

const (
	maxHosts      = 64
	maxDomains    = 1 << 20
	maxRecipients = 50 // default_destination_recipient_limit
)

// A domain is a destination.
type domain struct {
	name     string
	mx       string // `host[address]`
	backup   string
	tag      string // of the delivery agent
	ok       uint8  // what it answers
	habit    uint8  // the failure it is prone to
	ownAgent bool   // local
}

const (
	base16 = "0123456789ABCDEF"
	base52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz" // global/mail_queue.h
)

// open gives m its queue id (global/mail_queue.h: MQID_SH_*, MQID_LG_*).
func (g *generator) open(m *message, at int64) {
	m.arrived = at
	m.omit = m.kind == notification && at < g.cutStart
	if !m.preset {
		m.inode, m.micros = m.host.inodes.get(), at%1e6
	}
	b := m.id[:0]
	if g.o.LongIDs {
		b = appendBase(b, uint64(at/1e6), base52, 52, 6)
		b = appendBase(b, uint64(at%1e6), base52, 52, 4)
		b = append(b, 'z')
		b = appendBase(b, uint64(m.inode), base52, 51, 1)
	} else {
		b = appendBase(b, uint64(m.micros), base16, 16, 5)
		b = appendBase(b, uint64(m.inode), base16, 16, 1)
	}
	m.idLen = uint8(len(b))
	if !m.preset { // else two of one host might get it
		m.host.latest = vacancy{m.micros, m.inode, nil}
	}
}

// close gives back what m held: its inode is free, or its whole id goes to the next message.
func (g *generator) close(m *message) {
	switch {
	case m.alien:
	case !g.o.LongIDs && g.chance(g.o.Mix.Reuse):
		m.host.vacancies = append(m.host.vacancies, vacancy{m.micros, m.inode, nil})
	default:
		m.host.inodes.put(m.inode)
	}
	g.forget(m)
}

// abandon ends m without its `removed` in the log. Its id may come back; m is kept where it has deferred recipients.
func (g *generator) abandon(m *message, prior *message) {
	if !m.alien && !g.o.LongIDs && g.chance(g.o.Mix.ReuseLost) {
		m.host.vacancies = append(m.host.vacancies, vacancy{m.micros, m.inode, prior})
	}
	if prior != nil {
		g.silent = append(g.silent, prior)
		g.openMessages--
		return
	}
	g.forget(m)
}

func (g *generator) newMessage(h *host, k messageKind) *message {
	var m *message
	if n := len(g.spare); n > 0 {
		m = g.spare[n-1]
		g.spare = g.spare[:n-1]
		*m = message{rcpts: m.rcpts[:0]}
	} else {
		m = &message{rcpts: make([]recipient, 0, 1)}
	}
	m.host, m.kind = h, k
	g.openMessages++
	return m
}

func (g *generator) forget(m *message) {
	g.openMessages--
	g.spare = append(g.spare, m)
}

// appendBase appends v in the given base, at least width digits.
func appendBase(b []byte, v uint64, digits string, base uint64, width int) []byte {
	var d [24]byte
	i := len(d)
	for v > 0 || len(d)-i < width {
		i--
		d[i] = digits[v%base]
		v /= base
	}
	return append(b, d[i:]...)
}

// appendDelay appends microseconds as Postfix writes a delay: seconds with two significant digits, two decimals at most
// (global/format_tv.c).
func appendDelay(b []byte, us int64) []byte {
	unit := int64(1e4)
	switch {
	case us >= 10e6:
		unit = 1e6
	case us >= 1e6:
		unit = 1e5
	}
	hundredths := (us + unit/2) / unit * unit / 1e4
	b = strconv.AppendInt(b, hundredths/100, 10)
	if f := byte(hundredths % 100); f != 0 {
		b = append(b, '.', '0'+f/10)
		if f%10 != 0 {
			b = append(b, '0'+f%10)
		}
	}
	return b
}

func appendIP(b []byte, v uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		b = strconv.AppendUint(b, uint64(v>>shift&255), 10)
		if shift > 0 {
			b = append(b, '.')
		}
	}
	return b
}
