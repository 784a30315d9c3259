package loggen

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The logs of other MTAs, for [WriteOther].
const (
	EximLog     = "exim"     // a mainlog of Exim 4.98 (Exim: src/deliver.c, src/receive.c)
	PowerMTALog = "powermta" // an accounting file, CSV (PowerMTA User's Guide, accounting)
	KumoMTALog  = "kumomta"  // JSON, an object a line (KumoMTA: crates/kumo-log-types)
	SESLog      = "ses"      // events of Amazon SES as they are published, JSON
	AcmeLog     = "acme"     // lines of nobody, for a format that the user describes: see AcmeFormat
)

// AcmeFormat is a user's description of [AcmeLog].
const AcmeFormat = `name = "acme"
framing = "line"
prefix = "none"
must = ["smtp-result "]

[detect]
contains = ["smtp-result "]

[[rule]]
dissect = "%{time} smtp-result id=%{queue_id} from=<%{sender}> to=<%{recipient}> mx=%{relay_host}[%{relay_ip}] res=%{status} (%{diagnostic...})"

[map]
time = { from = "time", as = "rfc3339" }
status = { from = "status", table = { ok = "sent", soft = "deferred", hard = "bounced" } }

[[sample]]
line = "2026-01-06T00:00:00Z smtp-result id=A1 from=<news@example.net> to=<ann@example.com> mx=mx.example.com[192.0.2.1] res=hard (550 5.1.1 no such user)"
expect = { recipient = "ann@example.com", reply_code = 550, enhanced_code = "5.1.1", status = "bounced" }
`

// OtherLogs are the names that [WriteOther] takes.
func OtherLogs() []string { return []string{EximLog, PowerMTALog, KumoMTALog, SESLog, AcmeLog} }

// failures are what servers answer when they do not take a message.
var failures = []string{
	"450 4.2.0 <RCPT>: Recipient address rejected: Greylisted, see https://postgrey.example.org/help/example.com.html",
	"421 4.7.0 [192.0.2.77] Our system has detected that this message is suspicious; try again later. ID gsmtp",
	"452 4.2.2 The email account that you tried to reach is over quota. ID - gsmtp",
	"451 4.3.0 Temporary lookup failure",
	"451 4.7.1 Service unavailable - try again later",
	"550 5.1.1 <RCPT>: Recipient address rejected: User unknown in virtual mailbox table",
	"550 5.1.1 The email account that you tried to reach does not exist. ID - gsmtp",
	"554 5.7.1 Service unavailable; Client host [192.0.2.77] blocked using dnsbl.example.org; https://example.org/query/ip/192.0.2.77",
	"550 5.7.26 This mail has been blocked because the sender is unauthenticated. ID - gsmtp",
	"552 5.3.4 Message size exceeds fixed limit",
	"554 5.2.2 mailbox full",
}

// otherMessage is one message of one recipient, on its way.
type otherMessage struct {
	id, sender, rcpt, domain, mx, ip string
	born                             int64 // microseconds
	tries                            int
	stage                            int
}

type otherWriter struct {
	b      *bufio.Writer
	n      int64
	err    error
	rng    *rand.Rand
	now    int64 // microseconds since the epoch
	seq    int64
	counts Attempts
}

func (w *otherWriter) printf(format string, args ...any) {
	n, err := fmt.Fprintf(w.b, format, args...)
	w.n += int64(n)
	if w.err == nil {
		w.err = err
	}
}

// WriteOther writes a log of about size bytes of another MTA to out, with the lines of a thousand messages interleaved, and
// returns the attempts in it. The same arguments give the same bytes.
func WriteOther(out io.Writer, name string, size int64, seed uint64) (Attempts, error) {
	if !slices.Contains(OtherLogs(), name) {
		return Attempts{}, fmt.Errorf("write log: no format %q; there are %s", name, strings.Join(OtherLogs(), ", "))
	}
	w := &otherWriter{b: bufio.NewWriterSize(out, 64<<10), rng: rand.New(rand.NewPCG(seed, 5)),
		now: time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC).UnixMicro()}
	domains := newDomains(2000)[:2000]
	write := map[string]func(*otherMessage){
		EximLog: w.exim, PowerMTALog: w.powermta, KumoMTALog: w.kumomta, SESLog: w.ses, AcmeLog: w.acme,
	}[name]
	if name == PowerMTALog {
		w.printf("type,timeLogged,timeQueued,orig,rcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,dlvSourceIp,dlvDestinationIp,dlvEsmtpAvailable,dlvSize,vmta,jobId,envId,queue,vmtaPool\n")
	}
	open := make([]*otherMessage, 1000)
	for live := true; live; {
		live = false
		shift := w.rng.IntN(len(open))
		for i := range open {
			m := &open[(i+shift)%len(open)]
			if *m == nil {
				if w.n >= size {
					continue
				}
				*m = w.next(domains)
			}
			live = true
			w.now += w.rng.Int64N(10000)
			if write(*m); (*m).stage < 0 {
				*m = nil
			}
		}
	}
	if err := w.b.Flush(); w.err == nil {
		w.err = err
	}
	if w.err != nil {
		return Attempts{}, fmt.Errorf("write log: %w", w.err)
	}
	return w.counts, nil
}

// next begins a message.
func (w *otherWriter) next(domains []domain) *otherMessage {
	w.seq++
	d := &domains[min(w.rng.IntN(len(domains)), w.rng.IntN(len(domains)))]
	m := &otherMessage{domain: d.name, mx: d.mx, born: w.now, sender: fmt.Sprintf("bounce+%d@news%d.example.com", w.seq, w.seq%5)}
	m.ip = fmt.Sprintf("203.0.113.%d", 1+len(d.name)*7%250)
	m.rcpt = string(appendUser(nil, w.rng.Uint32N(maxUser))) + "@" + d.name
	m.id = string(appendBase(nil, uint64(w.now/sec), eximDigits, 62, 6))
	m.id += "-" + string(appendBase(nil, uint64(w.seq), eximDigits, 62, 11)) + "-" + string(appendBase(nil, uint64(w.seq*7), eximDigits, 62, 4))
	return m
}

const eximDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// attempt decides what becomes of the next attempt and counts it. An empty reply is a success.
func (w *otherWriter) attempt(m *otherMessage) (reply string) {
	m.tries++
	switch p := w.rng.IntN(100); {
	case p >= 16 || m.tries > 4:
		w.counts.Sent++
		m.stage = -1
		return ""
	case p < 11:
		reply = failures[w.rng.IntN(5)]
		w.counts.Deferred++
		m.stage++
	default:
		reply = failures[5+w.rng.IntN(len(failures)-5)]
		w.counts.Bounced++
		m.stage = -1
	}
	reply = strings.ReplaceAll(reply, "RCPT", m.rcpt)
	return strings.ReplaceAll(reply, "ID", strconv.FormatUint(w.rng.Uint64()|1<<63, 36))
}

func (w *otherWriter) stamp(layout string) string { return time.UnixMicro(w.now).UTC().Format(layout) }

func (w *otherWriter) exim(m *otherMessage) {
	at := w.stamp(time.DateTime)
	switch m.stage {
	case 0:
		w.printf("%s %s <= %s H=app.example.com [192.0.2.7] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=%d id=%s@example.com\n", at, m.id, m.sender, 1000+w.seq%90000, m.id)
		m.stage = 1
		return
	case 99:
		w.printf("%s %s Completed\n", at, m.id)
		m.stage = -1
		return
	}
	reply := w.attempt(m)
	const tls = "X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes"
	switch {
	case reply == "":
		w.printf("%s %s => %s R=dnslookup T=remote_smtp H=%s [%s] %s C=\"250 2.0.0 Ok: queued as %s\"\n", at, m.id, m.rcpt, m.mx, m.ip, tls, m.id[7:17])
	case reply[0] == '4':
		w.printf("%s %s == %s R=dnslookup T=remote_smtp defer (-44) H=%s [%s]: SMTP error from remote mail server after RCPT TO:<%s>: %s\n", at, m.id, m.rcpt, m.mx, m.ip, m.rcpt, reply)
		return
	default:
		w.printf("%s %s ** %s R=dnslookup T=remote_smtp H=%s [%s] %s: SMTP error from remote mail server after RCPT TO:<%s>: %s\n", at, m.id, m.rcpt, m.mx, m.ip, tls, m.rcpt, reply)
	}
	m.stage = 99
}

// codes returns the first words of a reply: its code and enhanced code.
func codes(reply string) (code, enhanced string) {
	code, rest, _ := strings.Cut(reply, " ")
	enhanced, _, _ = strings.Cut(rest, " ")
	return code, enhanced
}

func (w *otherWriter) powermta(m *otherMessage) {
	reply := w.attempt(m)
	kind, action, category := "d", "relayed", ""
	switch {
	case reply == "":
		reply = "250 2.0.0 OK, queued as " + m.id[7:17]
	case reply[0] == '4':
		kind, action, category = "t", "delayed", "policy-related"
	default:
		kind, action, category = "b", "failed", "bad-mailbox"
	}
	_, enhanced := codes(reply)
	const layout = "2006-01-02 15:04:05-0700"
	w.printf("%s,%s,%s,%s,%s,%s,%s (text),\"smtp;%s\",%s (%s),%s,192.0.2.77,%s,\"8BITMIME,PIPELINING,SIZE\",20480,vmta-a,camp-%d,,%s/vmta-a,pool-1\n",
		kind, w.stamp(layout), time.UnixMicro(m.born).UTC().Format(layout), m.sender, m.rcpt, action, enhanced, reply, m.mx, m.ip, category, m.ip, m.born%7, m.domain)
}

func (w *otherWriter) kumomta(m *otherMessage) {
	kind, before := "Reception", 0 // num_attempts counts those before
	code, enhanced, content, command := "250", "2.0.0", "OK ids="+m.id, "null"
	if m.stage > 0 {
		before = m.tries
		reply := w.attempt(m)
		kind, command = "Delivery", `"."`
		if reply != "" {
			kind, command = "Bounce", `"RCPT TO:<`+m.rcpt+`>"`
			if reply[0] == '4' {
				kind = "TransientFailure"
			}
			code, enhanced = codes(reply)
			content = reply[len(code)+len(enhanced)+2:]
		}
	} else {
		m.stage = 1
	}
	e := strings.Split(enhanced, ".")
	w.printf(`{"type":"%s","id":"%s","sender":"%s","recipient":"%s","queue":"camp%d:acme@%s","site":"src-a->%s@smtp_client","size":1047,`+
		`"response":{"code":%s,"enhanced_code":{"class":%s,"subject":%s,"detail":%s},"content":%q,"command":%s},"peer_address":{"name":"%s.","addr":"%s"},`+
		`"timestamp":%d,"event_time":"%s","created":%d,"created_time":"%s","num_attempts":%d,"bounce_classification":"Uncategorized","egress_pool":"pool0","egress_source":"src-a",`+
		`"source_address":{"address":"192.0.2.77:53210"},"feedback_report":null,"meta":{},"headers":{},"delivery_protocol":"ESMTP","reception_protocol":"ESMTP",`+
		`"nodeid":"557f3ad4-2c8c-11ee-976e-782d7e12e173","session_id":"9bcd689e-23d9-41b7-a015-63a1382f8b57"}`+"\n",
		kind, m.id, m.sender, m.rcpt, m.born%7, m.domain, m.mx, code, e[0], e[1], e[2], content, command, m.mx, m.ip,
		w.now/sec, w.stamp("2006-01-02T15:04:05.000000Z"), m.born/sec, time.UnixMicro(m.born).UTC().Format("2006-01-02T15:04:05.000000Z"), before)
}

func (w *otherWriter) ses(m *otherMessage) {
	const layout = "2006-01-02T15:04:05.000Z"
	reply := w.attempt(m)
	mail := fmt.Sprintf(`"mail":{"timestamp":"%s","messageId":"%s","source":"%s","sourceArn":"arn:aws:ses:eu-west-1:123456789012:identity/example.com","sendingAccountId":"123456789012",`+
		`"destination":["%s"],"headersTruncated":false,"headers":[{"name":"From","value":"%s"},{"name":"Subject","value":"Hello"}],"commonHeaders":{"from":["%s"],"subject":"Hello"},`+
		`"tags":{"ses:configuration-set":["default"],"ses:outgoing-ip":["192.0.2.77"],"campaign":["camp-%d"]}}`,
		time.UnixMicro(m.born).UTC().Format(layout), m.id, m.sender, m.rcpt, m.sender, m.sender, m.born%7)
	at := w.stamp(layout)
	_, enhanced := codes(reply)
	switch {
	case reply == "":
		w.printf(`{"eventType":"Delivery",%s,"delivery":{"timestamp":"%s","processingTimeMillis":%d,"recipients":["%s"],"smtpResponse":"250 2.0.0 OK %s","reportingMTA":"a1.example.com","remoteMtaIp":"%s"}}`+"\n",
			mail, at, (w.now-m.born)/1000, m.rcpt, m.id, m.ip)
	case reply[0] == '4':
		w.printf(`{"eventType":"DeliveryDelay",%s,"deliveryDelay":{"timestamp":"%s","delayType":"TransientCommunicationFailure","expirationTime":"%s","delayedRecipients":[{"emailAddress":"%s","status":"%s","diagnosticCode":%q}]}}`+"\n",
			mail, at, at, m.rcpt, enhanced, "smtp; "+reply)
	default:
		w.printf(`{"eventType":"Bounce",%s,"bounce":{"feedbackId":"0100","bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"%s","action":"failed","status":"%s","diagnosticCode":%q}],"timestamp":"%s","remoteMtaIp":"%s","reportingMTA":"dns; a1.example.com"}}`+"\n",
			mail, m.rcpt, enhanced, "smtp; "+reply, at, m.ip)
	}
}

func (w *otherWriter) acme(m *otherMessage) {
	reply, res := w.attempt(m), "hard"
	switch {
	case reply == "":
		reply, res = "250 2.0.0 Ok: queued as "+m.id[7:17], "ok"
	case reply[0] == '4':
		res = "soft"
	}
	w.printf("%s smtp-result id=%s from=<%s> to=<%s> mx=%s[%s] res=%s (%s)\n", w.stamp("2006-01-02T15:04:05.000000Z"), m.id, m.sender, m.rcpt, m.mx, m.ip, res, reply)
}
