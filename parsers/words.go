package parsers

import "strings"

// A Status is what our MTA did with a recipient (RFC 3464 2.3.3 calls it action).
type Status uint8

// The statuses.
const (
	StatusSent     Status = iota + 1 // handed over
	StatusDeferred                   // to be tried again
	StatusBounced                    // given up, returned to the sender
	StatusExpired                    // given up because the queue lifetime ran out
	StatusRejected                   // never attempted outwards (suppression list, policy), or refused inbound
)

var statusNames = [...]string{"", "sent", "deferred", "bounced", "expired", "rejected"}

func (s Status) String() string { return statusNames[s] }

// A Class is the permanence of an attempt's result (RFC 5321 4.2.1, RFC 3463 2).
type Class uint8

// The classes. ClassUnknown is the zero value: neither a code nor the MTA told.
const (
	ClassUnknown Class = iota
	Success
	Transient
	Permanent
)

var classNames = [...]string{"unknown", "success", "transient", "permanent"}

func (c Class) String() string { return classNames[c] }

// An AttemptKind says what was attempted; the zero value is the ordinary delivery to a remote server.
type AttemptKind uint8

// The kinds of attempt. Totals count Remote, Smarthost and Local; the others are counted apart.
const (
	Remote     AttemptKind = iota // to a server of the recipient's domain
	Local                         // into a mailbox, file or command of this host
	Internal                      // a hop inside the house: content filter, second instance, forward
	Smarthost                     // to a relay that delivers for us
	Connect                       // one server of several failed; not the recipient's outcome
	Final                         // an end-of-life record, no SMTP attempt
	Suppressed                    // kept back by a suppression list
	Async                         // a bounce message that came after `sent`
	Probe                         // an address verification, no message
)

var attemptKindNames = [...]string{"remote", "local", "internal", "smarthost", "connect", "final", "suppressed", "async", "probe"}

func (k AttemptKind) String() string { return attemptKindNames[k] }

// An Origin says who made the result up.
type Origin uint8

// The origins.
const (
	OriginUnknown  Origin = iota
	OriginRemote          // a server said it
	OriginLocal           // our MTA found it: DNS, connection, timeout, local delivery
	OriginImplied         // the log proves the class, the text is lost
	OriginProvider        // a sending service's own verdict
)

var originNames = [...]string{"", "remote", "local", "implied", "provider"}

func (o Origin) String() string { return originNames[o] }

// A Command is the step of the SMTP dialogue that was answered (RFC 5321 4.1.1).
type Command uint8

// The commands, in the order of a dialogue.
const (
	NoCommand   Command = iota
	CONNECT             // TCP connection and greeting
	EHLO                // RFC 5321
	HELO                // RFC 5321
	LHLO                // RFC 2033
	STARTTLS            // RFC 3207
	AUTH                // RFC 4954
	MAILFROM            // `MAIL FROM`
	RCPTTO              // `RCPT TO`
	DATA                // the command itself, BDAT included
	EndOfDATA           // `end of DATA`: the message was sent
	numCommands = iota
)

var commandNames = [numCommands]string{"", "CONNECT", "EHLO", "HELO", "LHLO", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO", "DATA", "end of DATA"}

func (c Command) String() string { return commandNames[c] }

// commandWords are the names of a command in logs, the commonest first; args says that anything may follow it.
var commandWords = [...]struct {
	text string
	cmd  Command
	args bool
}{
	{"RCPT TO", RCPTTO, true},
	{"end of DATA", EndOfDATA, false}, // Postfix: smtp/smtp_proto.c; in lower case, Exim: transports/smtp.c
	{"MAIL FROM", MAILFROM, true},
	{"DATA", DATA, false},
	{"BDAT", DATA, true},
	{"EHLO", EHLO, true},
	{"HELO", HELO, true},
	{"LHLO", LHLO, true},
	{"STARTTLS", STARTTLS, false},
	{"AUTH", AUTH, true},
	{"CONNECT", CONNECT, false},
	{"initial connection", CONNECT, false},   // Exim: the greeting
	{"TLS-on-connect", CONNECT, false},       // Exim: the greeting, where TLS came first
	{"sending data block", EndOfDATA, false}, // Exim: an answer before the message was out
	{".", EndOfDATA, false},                  // transcripts
	{"RCPT", RCPTTO, false},
	{"MAIL", MAILFROM, false},
	{"END-OF-MESSAGE", EndOfDATA, false}, // Postfix: smtpd/smtpd.c
}

// ParseCommand reads how a log names an SMTP command, in any case: `RCPT TO command` (Postfix), `pipelined MAIL FROM:<a>
// SIZE=9` (Exim), `.` (a transcript). It returns NoCommand for everything else.
func ParseCommand(s string) Command {
	if rest, ok := cutPrefixFold(s, "pipelined "); ok {
		s = rest
	}
	for i := range commandWords {
		w := &commandWords[i]
		if rest, ok := cutPrefixFold(s, w.text); ok {
			if rest == "" || strings.EqualFold(rest, " command") || w.args && (rest[0] == ' ' || rest[0] == ':') {
				return w.cmd
			}
		}
	}
	return NoCommand
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// Domain returns what follows the last @ of an address that is not in quotes, as the log has it; empty where there is none
// (RFC 5321 4.1.2). A quote after the last @ tells that it stands in the local part: no domain has one.
func Domain(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || strings.IndexByte(address[at:], '"') >= 0 {
		return ""
	}
	return address[at+1:]
}
