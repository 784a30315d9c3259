package loggen

import (
	"slices"
	"strings"
)

// A stage is where in the SMTP dialogue a delivery ended; it decides how Postfix words the record (smtp/smtp_trouble.c).
type stage uint8

const (
	rcptTo    stage = iota // this recipient alone
	mailFrom               // from here on, all recipients of the session
	dataCmd                //
	endOfData              //
	greeting               //
	login                  // SASL
	broken                 // the session broke: the text is Postfix's own
	noSession              // DNS, TCP: relay=none
	atHome                 // local(8), virtual(8), pipe(8)
	accepted               // the reply to the end of DATA, or the local agent's word
)

// A row is a text that stands in the parentheses of a record, with what there is to be read in it. It is written down here,
// not worked out by a parser: the truth must not share the analyser's mistakes.
type row struct {
	stage    stage
	code     int    // zero: no server answered
	enhanced string // as in the reply, odd spellings read
	dsn      string // Postfix's opinion, smtp/smtp_trouble.c and smtp/smtp_chat.c
	text     string // the reply alone; see template
	seconds  int64  // how long it took, where that is known: time-outs
}

// A reply is a row made ready.
type reply struct {
	row
	tmpl    template // all that stands in the parentheses
	connect bool     // it repeats the `connect to` line before it
	slot    int      // in table.keys and generator.replies
}

// replyKey is what replies are counted by, with the class.
type replyKey struct {
	code     int
	enhanced string
}

// table holds the replies to choose from. The earlier ones of a list are chosen more often.
type table struct {
	ok, soft, hard                   []*reply
	softMulti, hardMulti             []*reply // several lines
	softOdd, hardOdd                 []*reply // contradictory or oddly written codes
	softHostile, hardHostile         []*reply
	softNone, hardNone               []*reply // nobody answered
	homeOK, homeSoft, homeHard       []*reply
	filterOK, filterSoft, filterHard []*reply
	probeOK, forwarded, tried        []*reply
	softRcpt, hardRcpt               []*reply // those to RCPT TO
	session                          []*reply // soft ones of whole destinations, which make qmgr suspend them
	blocked                          *reply

	keys []replyKey
}

// newTable returns the replies, in the words of this project.
func newTable() *table {
	t := new(table)
	t.ok = t.add("%m", []row{
		{accepted, 250, "2.0.0", "2.0.0", "250 2.0.0 Ok: queued as %q", 0},
		{accepted, 250, "2.0.0", "2.0.0", "250 2.0.0 OK  %t %x.%n - esmtp", 0},
		{accepted, 250, "2.6.0", "2.6.0", "250 2.6.0 <%x@%d> [InternalId=%n, Hostname=mail.%d] %n bytes in 0.%n, Queued mail for delivery", 0},
		{accepted, 250, "", "2.0.0", "250 OK id=%x", 0},
		{accepted, 250, "", "2.0.0", "250 ok %t qp %n", 0},
		{accepted, 250, "2.0.0", "2.0.0", "250-Transmission in progress. Stay tuned 250 2.0.0 %x Message accepted for delivery", 0},
		{accepted, 250, "", "2.0.0", "250", 0},
	})
	t.soft = t.add("%m", []row{
		{rcptTo, 450, "4.2.0", "4.2.0", "450 4.2.0 <%r>: Recipient address rejected: Greylisted, come back in 300 seconds", 0},
		{rcptTo, 452, "4.2.2", "4.2.2", "452 4.2.2 <%r> The mailbox is full; ask its owner to tidy up", 0},
		{mailFrom, 421, "4.7.0", "4.7.0", "421 4.7.0 [%a] Unusual rate of mail from this address; slow down. %x", 0},
		{endOfData, 451, "4.7.1", "4.7.1", "451 4.7.1 Held back for a look at its content, come again later (%q)", 0},
		{greeting, 421, "4.7.1", "4.7.1", "421 4.7.1 %d: too many sessions from [%a]", 0},
		{mailFrom, 451, "4.1.8", "4.1.8", "451 4.1.8 <%s>: Sender address rejected: no answer from its name servers", 0},
		{rcptTo, 450, "4.1.1", "4.1.1", "450 4.1.1 <%r>: Recipient address rejected: unverified address", 0},
		{dataCmd, 451, "4.3.0", "4.3.0", "451 4.3.0 Out of order for the moment", 0},
		{endOfData, 452, "4.3.1", "4.3.1", "452 4.3.1 Insufficient system storage", 0},
		{rcptTo, 451, "", "4.0.0", "451 <%r> lookup failed (#%n)", 0},
		{broken, 0, "", "4.4.2", "lost connection with %m while sending RCPT TO", 0},
		{broken, 0, "", "4.4.2", "conversation with %m timed out while receiving the initial server greeting", 300},
		{broken, 0, "", "4.4.2", "lost connection with %m while sending end of data -- message may be sent more than once", 0},
		{broken, 0, "", "4.7.4", "TLS is required, but was not offered by host %m", 0},
		{rcptTo, 450, "4.7.25", "4.7.25", "450 4.7.25 Client host rejected: no name for [%a]", 0},
	})
	t.hard = t.add("%m", []row{
		{rcptTo, 550, "5.1.1", "5.1.1", "550 5.1.1 <%r>: Recipient address rejected: User unknown in virtual mailbox table", 0},
		{rcptTo, 550, "5.1.1", "5.1.1", "550 5.1.1 Nobody here of that name. Check for typing errors. %x", 0},
		{mailFrom, 550, "5.7.1", "5.7.1", "550 5.7.1 Service unavailable; client [%a] blocked using dnsbl.example.org", 0},
		{endOfData, 550, "5.7.26", "5.7.26", "550 5.7.26 Mail from %o passes neither SPF nor DKIM. %x", 0},
		{endOfData, 554, "5.7.1", "5.7.1", "554 5.7.1 The content looks like spam (score %n), id %q", 0},
		{rcptTo, 550, "5.2.1", "5.2.1", "550 5.2.1 The account <%r> is disabled", 0},
		{rcptTo, 552, "5.2.2", "5.2.2", "552 5.2.2 <%r>: over quota", 0},
		{endOfData, 552, "5.3.4", "5.3.4", "552 5.3.4 Message size %n exceeds the fixed limit", 0},
		{rcptTo, 554, "5.7.1", "5.7.1", "554 5.7.1 <%r>: Relay access denied", 0},
		{mailFrom, 553, "5.1.8", "5.1.8", "553 5.1.8 <%s>: that domain does not exist", 0},
		{rcptTo, 550, "", "5.0.0", "550 no such user - %u", 0},
		{dataCmd, 554, "5.5.1", "5.5.1", "554 5.5.1 Error: no valid recipients", 0},
		{broken, 0, "", "5.3.4", "message size %n0000 exceeds size limit 10485760 of server %m", 0},
		{rcptTo, 556, "5.1.10", "5.1.10", "556 5.1.10 <%r>: this domain takes no mail", 0},
	})
	t.softMulti = t.add("%m", []row{
		{mailFrom, 421, "4.7.0", "4.7.0", "421-4.7.0 Too much mail from [%a] of late, 421-4.7.0 and some of it was unwanted. See 421 4.7.0 https://postmaster.example.com/rate %x", 0},
		{rcptTo, 450, "4.2.1", "4.2.1", "450-4.2.1 The user you write to gets mail faster 450 4.2.1 than the mailbox takes it. %q", 0},
		{endOfData, 451, "4.7.1", "4.0.0", "451-4.7.1 Put aside for analysis. 451 Reference %x", 0},
	})
	t.hardMulti = t.add("%m", []row{
		{rcptTo, 550, "5.1.1", "5.1.1", "550-5.1.1 The account that you tried to reach is not here. Please look for 550-5.1.1 typing errors or needless spaces. Learn more at 550 5.1.1 https://support.example.com/nobody %x - esmtp", 0},
		{endOfData, 550, "5.7.1", "5.0.0", "550-5.7.1 Refused by a rule about content 550 Write to postmaster@%d", 0},
		{mailFrom, 554, "5.7.1", "5.7.1", "554-5.7.1 Your address [%a] is on our list. 554-5.7.1 It comes off by itself. 554 5.7.1 https://list.example.org/?ip=%a", 0},
		{rcptTo, 550, "", "5.0.0", "550-Verification failed for <%s> 550-Called: %a 550 Sender verify failed", 0},
	})
	t.softOdd = t.add("%m", []row{
		{greeting, 554, "5.7.1", "4.7.1", "554 5.7.1 %d: no service for [%a]", 0}, // smtp_skip_5xx_greeting
		{login, 535, "5.7.8", "4.7.8", "535 5.7.8 Name or password not right", 0}, // smtp_sasl_auth_soft_bounce
		{rcptTo, 450, "5.1.1", "4.0.0", "450 5.1.1 <%r>: User unknown", 0},
		{rcptTo, 451, "4.7.1", "4.0.0", "451 #4.7.1 Sit out the greylist", 0},
		{mailFrom, 471, "", "4.0.0", "471 Policy says no for now", 0},
	})
	t.hardOdd = t.add("%m", []row{
		{rcptTo, 550, "5.1.0", "5.0.0", "550 #5.1.0 Address rejected.", 0},
		{rcptTo, 552, "4.2.2", "5.0.0", "552 4.2.2 <%r> mailbox full", 0},
		{mailFrom, 571, "", "5.0.0", "571 Refused by policy, %a", 0},
		{mailFrom, 553, "5.7.1", "5.0.0", "553 sorry, your envelope sender is not welcome (#5.7.1)", 0},
		{rcptTo, 554, "5.1.1", "5.0.0", "554 5.1.1: %u is not known here", 0},
	})
	t.softHostile = t.add("%m", []row{
		{rcptTo, 450, "4.2.0", "4.2.0", "450 4.2.0 wait), status=sent (250 2.0.0 Ok: queued as %q) (in reply to end of DATA command)", 0},
		{rcptTo, 451, "4.3.0", "4.3.0", "451 4.3.0 %q: to=<x@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (550", 0},
		{rcptTo, 450, "4.7.1", "4.7.1", "450 4.7.1 =cmd|' /c calc'!A1 ?[31m<script>alert(550)</script> 550-5.1.1 \"'`|,;\\n", 0},
	})
	t.hardHostile = t.add("%m", []row{
		{rcptTo, 550, "5.1.1", "5.1.1", "550 5.1.1 <%r>: Recipient address rejected: undeliverable address: host mail.example.org[203.0.113.9] said: 450 4.1.1 Not now (in reply to RCPT TO command)", 0},
		{rcptTo, 550, "5.7.1", "5.7.1", "550 5.7.1 ]: %q: from=<>, size=1, nrcpt=1 (queue active) %q: removed", 0},
		{endOfData, 554, "5.6.0", "5.6.0", "554 5.6.0 ::error file=a,line=1::no %%0A ((((] said: 250 2.0.0 Ok", 0},
		{rcptTo, 550, "5.1.1", "5.1.1", "550 5.1.1 nobody, status=sent (250 2.0.0 Ok: queued as %q)", 0},
	})
	t.softNone = t.add("%m", []row{
		{noSession, 0, "", "4.4.1", "connect to %m:25: Connection timed out", 30},
		{noSession, 0, "", "4.4.1", "connect to %m:25: Connection refused", 0},
		{noSession, 0, "", "4.4.3", "Host or domain name not found. Name service error for name=%d type=MX: Host not found, try again", 20},
		{noSession, 0, "", "4.4.1", "connect to %b:25: No route to host", 0},
		{noSession, 0, "", "4.3.5", "Host or domain name not found. Name service error for name=relay.%d type=A: Host not found", 0},
	})
	t.hardNone = t.add("%m", []row{
		{noSession, 0, "", "5.4.4", "Host or domain name not found. Name service error for name=%d type=A: Host not found", 0},
		{noSession, 0, "", "5.1.0", "Domain %d does not accept mail (nullMX)", 0},
		{noSession, 0, "", "5.4.6", "mail for %d loops back to myself", 0},
	})
	t.homeOK = t.add("%m", []row{
		{accepted, 0, "", "2.0.0", "delivered to mailbox", 0},
		{accepted, 0, "", "2.0.0", "delivered to maildir", 0},
		{accepted, 0, "", "2.0.0", "delivered via dovecot service", 0},
	})
	t.homeSoft = t.add("%m", []row{
		{atHome, 0, "", "4.3.0", "temporary failure", 0},
		{atHome, 0, "", "4.2.0", "cannot update mailbox /var/mail/%u for user %u. unable to lock for exclusive access: Resource temporarily unavailable", 0},
	})
	t.homeHard = t.add("%m", []row{
		{atHome, 0, "", "5.1.1", "unknown user: \"%u\"", 0},
		{atHome, 0, "", "5.3.0", "Command died with status 127: \"/usr/local/bin/550\"", 0},
	})
	t.filterOK = t.add("%m", []row{
		{accepted, 250, "2.0.0", "2.0.0", "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as %c", 0},
	})
	t.filterSoft = t.add("%m", []row{
		{noSession, 0, "", "4.4.1", "connect to 127.0.0.1[127.0.0.1]:10024: Connection refused", 0},
	})
	t.filterHard = t.add("127.0.0.1[127.0.0.1]", []row{
		{endOfData, 554, "5.7.0", "5.7.0", "554 5.7.0 Reject, id=%n-01 - INFECTED", 0},
	})
	t.probeOK = t.add("%m", []row{
		{accepted, 250, "2.1.5", "2.1.5", "delivery via %m:25: 250 2.1.5 Ok", 0},
	})
	t.forwarded = t.add("%m", []row{
		{accepted, 0, "", "2.0.0", "forwarded as %c", 0},
	})
	t.tried = t.add("%b", []row{
		{mailFrom, 451, "4.3.2", "4.3.2", "451 4.3.2 Going down for maintenance", 0},
		{rcptTo, 450, "4.2.0", "4.2.0", "450 4.2.0 <%r>: Greylisted", 0},
		{broken, 0, "", "4.4.2", "lost connection with %b while performing the EHLO handshake", 0},
		{broken, 0, "", "4.7.5", "Cannot start TLS: handshake failure", 0},
	})
	t.blocked = t.add("%m", []row{
		{mailFrom, 554, "5.7.1", "5.7.1", "554 5.7.1 Service unavailable; Client host [%a] blocked using bl.example.net; https://bl.example.net/?ip=%a", 0},
	})[0]
	for _, r := range t.soft {
		switch r.stage {
		case rcptTo:
			t.softRcpt = append(t.softRcpt, r)
		case greeting, broken:
			t.session = append(t.session, r)
		}
	}
	for _, r := range t.hard {
		if r.stage == rcptTo {
			t.hardRcpt = append(t.hardRcpt, r)
		}
	}
	t.session = append(t.session, t.softNone...)
	return t
}

// add makes rows ready, which a server of the given name said.
func (t *table) add(host string, rows []row) []*reply {
	replies := make([]*reply, len(rows))
	for i, r := range rows {
		key := replyKey{r.code, r.enhanced}
		slot := slices.Index(t.keys, key)
		if slot < 0 {
			slot = len(t.keys)
			t.keys = append(t.keys, key)
		}
		text := r.text
		switch r.stage {
		case rcptTo:
			text = "host " + host + " said: " + text + " (in reply to RCPT TO command)"
		case mailFrom:
			text = "host " + host + " said: " + text + " (in reply to MAIL FROM command)"
		case dataCmd:
			text = "host " + host + " said: " + text + " (in reply to DATA command)"
		case endOfData:
			text = "host " + host + " said: " + text + " (in reply to end of DATA command)"
		case greeting:
			text = "host " + host + " refused to talk to me: " + text
		case login:
			text = "SASL authentication failed; server " + host + " said: " + text
		}
		replies[i] = &reply{r, compile(text), strings.HasPrefix(text, "connect to "), slot}
	}
	return replies
}

// A template is a text with verbs, cut up once.
type template []segment

// A segment is a literal and the verb after it; zero: none.
type segment struct {
	text string
	verb byte
}

// compile cuts up a text. The verbs: %r recipient, %u its local part, %d its domain, %m its server as `host[address]`, %b
// the backup server, %s sender, %o our host, %a our address, %c the child's queue id; and by chance %n a number, %x
// hexadecimal digits, %q a queue id, %t a Unix time, %i a client's address. %% is a percent sign.
func compile(text string) (t template) {
	for {
		lit, rest, ok := strings.Cut(text, "%")
		if !ok {
			return append(t, segment{text: lit})
		}
		t = append(t, segment{lit, rest[0]})
		text = rest[1:]
	}
}
