package loggen

// A remark is a line that belongs to no message. Verbs of its text as in compile, by chance ones only.
type remark struct {
	tag  string
	text template
}

// remarks are the lines that belong to no message.
type remarks struct {
	rejects, sessions, foreign, malformed, unknown []remark
	junk                                           []string // whole lines
}

func newRemarks() *remarks {
	list := func(pairs ...[2]string) (l []remark) {
		for _, p := range pairs {
			l = append(l, remark{p[0], compile(p[1])})
		}
		return l
	}
	return &remarks{
		rejects: list(
			[2]string{"postfix/smtpd", "NOQUEUE: reject: RCPT from unknown[%i]: 554 5.7.1 Service unavailable; Client host [%i] blocked using dnsbl.example.org; from=<x%n@example.org> to=<info@example.com> proto=ESMTP helo=<pc%n>"},
			[2]string{"postfix/smtpd", "NOQUEUE: reject: RCPT from mail.example.net[%i]: 550 5.1.1 <y%n@example.com>: Recipient address rejected: undeliverable address: host mail.example.com[192.0.2.40] said: 550 5.1.1 unknown (in reply to RCPT TO command); from=<a@example.net> to=<y%n@example.com> proto=ESMTP helo=<mail.example.net>"},
			[2]string{"postfix/postscreen", "NOQUEUE: reject: RCPT from [%i]:%n: 450 4.3.2 Service currently unavailable; from=<z@example.org>, to=<info@example.com>, proto=ESMTP, helo=<mail.example.org>"},
			[2]string{"postfix/cleanup", "%q: milter-reject: END-OF-MESSAGE from app.example.com[%i]: 5.7.1 Spam message rejected; from=<a@example.com> to=<b@example.com> proto=ESMTP helo=<app.example.com>"},
		),
		sessions: list(
			[2]string{"postfix/smtpd", "connect from unknown[%i]"},
			[2]string{"postfix/smtpd", "lost connection after AUTH from unknown[%i]"},
			[2]string{"postfix/smtpd", "disconnect from unknown[%i] ehlo=1 auth=0/1 rset=1 quit=1 commands=3/4"},
			[2]string{"postfix/anvil", "statistics: max connection rate 3/60s for (smtp:%i) at Jan  6 00:10:00"},
			[2]string{"postfix/scache", "statistics: start interval Jan  6 00:10:00"},
			[2]string{"postfix/postscreen", "CONNECT from [%i]:%n to [198.51.100.10]:25"},
		),
		foreign: list(
			[2]string{"dovecot", "imap-login: Login: user=<ada@example.com>, method=PLAIN, rip=%i, lip=198.51.100.10, mpid=%n, TLS, session=<%x>"},
			[2]string{"dovecot", "imap(ada@example.com)<%n><%x>: Disconnected: Logged out in=%n out=%n"},
			[2]string{"sshd", "Failed password for invalid user admin from %i port %n ssh2"},
			[2]string{"CRON", "(root) CMD (test -x /usr/sbin/anacron)"},
			[2]string{"opendkim", "%q: DKIM-Signature field added (s=s%n, d=example.com)"},
		),
		malformed: list(
			[2]string{"postfix/smtp", "%q: to=<ada@example.com>, relay=mx1.example.com[192.0.2.1]:25, delay=0."},
			[2]string{"postfix/smtp", "%q: to=<ben@example.com>, relay=mx1.example.com[192.0.2.1]:25, delay=1.2, delays=0.1/0/1/0.1, dsn=5.1.1, stat"},
			[2]string{"postfix/local", "%q: to=<cleo@example.com>, relay="},
		),
		unknown: list(
			[2]string{"postfix/smtp", "the moon is in the seventh house %x"},
			[2]string{"postfix/newagent", "%q: weighed=%n, found=wanting"},
		),
		junk: []string{
			"\x00\x00\x00\x00\x00\x00\x00\x00",
			"-- Boot 0123456789abcdef --",
			"\xff\xfe\x00\x1b[2J",
			"}",
			"",
		},
	}
}

// noise writes the lines about other things that a message's time brings.
func (g *generator) noise(h *host) {
	mix, n := &g.o.Mix, g.remarks
	if g.chance(mix.Session) {
		g.remark(h, n.sessions, lineSession)
	}
	if g.chance(mix.Reject) {
		g.remark(h, n.rejects, lineRejected)
	}
	if g.o.Header != Maillog && g.chance(mix.Foreign) {
		g.remark(h, n.foreign, lineForeign)
	}
	if g.chance(mix.Malformed) {
		g.remark(h, n.malformed, lineMalformed)
	}
	if g.chance(mix.Unknown) {
		if g.rng.Uint32N(2) == 0 {
			g.remark(h, n.unknown, lineUnknown)
			return
		}
		g.mute = g.now < g.cutStart
		g.start = len(g.buf)
		g.str(n.junk[g.rng.IntN(len(n.junk))])
		g.end(lineUnknown)
	}
}

func (g *generator) remark(h *host, list []remark, kind lineKind) {
	r := &list[g.rng.IntN(len(list))]
	g.head(h, r.tag, 300+g.rng.Uint32N(30000))
	g.fill(r.text, nil, nil)
	g.end(kind)
}
