package sendmail

import (
	"net/netip"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// appendDelivery reads the delivery record, s being what follows `to=`. It appends one event for each recipient, and another
// where the message was handed to the daemon of this host.
//
// A list that is too long for a line goes on in more lines, each with all of the rest: they are records of their own.
func (p *parser) appendDelivery(dst []parsers.Event, line *parsers.Line, id, s string) ([]parsers.Event, error) {
	at := s
	recipients, s := cutRecipients(s)
	if s == "" {
		return dst, line.Malformed(at, "recipients without an end")
	}
	var a parsers.Attempt
	var controller, mailer, reply, stat string
	for s != "" {
		key, value, rest := cutField(s)
		switch key {
		case "ctladdr":
			controller, rest = cutAddress(s[len(", ctladdr="):], startsDelay)
		case "delay":
			a.Delay, _ = fields.Clock(value)
		case "xdelay":
			a.XDelay, _ = fields.Clock(value)
		case "mailer":
			mailer = value
		case "relay":
			a.RelayHost, a.RelayIP = server(value)
		case "dsn":
			a.DSN, _ = parsers.ParseEnhanced(value)
		case "stage":
			a.Command = stageCommand(value)
		case "quarantine": // what follows was written by whoever quarantined it
			return dst, nil
		case "reply":
			reply, stat = cutReply(s[len(", reply="):], a.DSN.Class())
			rest = ""
		case "stat":
			stat, rest = s[len(", stat="):], ""
		case "":
			return dst, line.Malformed(s, "record without stat=")
		}
		s = rest
	}
	if stat == "queued" || stat == "quarantined" {
		return dst, nil
	}
	a.Kind = p.kind(mailer, &a)
	if !interpret(&a, reply, stat) {
		return dst, line.Malformed("", "record without stat=")
	}
	a.Controller = controllingSender(controller, a.Kind)
	for recipients != "" {
		var rcpt string
		rcpt, recipients = cutRecipient(recipients)
		dst = appendEvent(dst, line, parsers.Attempted, id)
		ev := last(dst)
		ev.Attempt = a
		ev.Attempt.Recipient = unbracket(rcpt)
	}
	if a.Kind == parsers.Internal && a.Status == parsers.StatusSent {
		if next := acceptedAs(a.Diagnostic); next != "" {
			dst = appendEvent(dst, line, parsers.Requeued, id)
			last(dst).NextID = next
		}
	}
	return dst, nil
}

// controllingSender returns the sender that ctladdr= tells of, `ann (1001/1001)`: a user of this host who sent the message, but
// also one who has it forwarded, or an alias with the recipient in it (sendmail: deliver.c, getctladdr). An alias is known
// by the system's user that it runs under, and where its member is a program or file.
func controllingSender(s string, kind parsers.AttemptKind) string {
	addr, uid := s, ""
	if i := strings.LastIndex(s, " ("); i >= 0 {
		addr = s[:i]
		uid, _, _ = strings.Cut(s[i+len(" ("):], "/")
	}
	if kind == parsers.Local || strings.HasPrefix(addr, "<") && uid != "" && len(uid) < len("100") {
		return ""
	}
	return unbracket(addr)
}

// acceptedAs returns the queue id under which the next sendmail took the message: `[2.0.0 ]QID Message accepted for
// delivery` (sendmail: srvrsmtp.c, smtp_data).
func acceptedAs(s string) string {
	s, ok := strings.CutSuffix(s, " Message accepted for delivery")
	if !ok {
		return ""
	}
	return s[strings.LastIndexByte(s, ' ')+1:]
}

// startsDelay reports whether s may follow the recipients or their controlling user.
func startsDelay(s string) bool {
	return strings.HasPrefix(s, ", delay=") || strings.HasPrefix(s, ", ctladdr=")
}

// maxRecipients bounds the bytes of a list of recipients. sendmail has one kilobyte for the whole line.
const maxRecipients = 8 << 10

// cutRecipients cuts the list of recipients from the front of s. rest is empty where what follows is no record.
func cutRecipients(s string) (list, rest string) {
	list, rest = cutAddress(s, startsField)
	list, rest = strings.TrimSuffix(list, " [more]"), strings.TrimPrefix(rest, ", [more]")
	if len(list) > maxRecipients || !startsDelay(rest) {
		return list, ""
	}
	return list, rest
}

// cutRecipient cuts the first address from a list: `<a@example.net>,<b@example.net>`, `root,"|/bin/prog -a, b"`.
func cutRecipient(list string) (rcpt, rest string) {
	rcpt, rest = cutAddress(list, func(string) bool { return true })
	return rcpt, strings.TrimLeft(rest, ",")
}

// server reads relay=: `mx.example.net. [192.0.2.25]`, `[192.0.2.25] [192.0.2.25]`, `mx.example.net. [IPv6:2001:db8:0:0:0:0:0:9]`
// (sendmail: conf.c, anynet_ntoa), and a host that was not connected to, `mx.example.net.`.
func server(s string) (host, ip string) {
	host = s
	if i := strings.LastIndexByte(s, '['); i >= 0 && strings.HasSuffix(s, "]") {
		ip = address(s[i:])
		if i > 0 {
			host = strings.TrimRight(s[:i], " ")
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok { // an address for a name
		if host = address(host); host == "" {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	return strings.TrimSuffix(host, "."), ip
}

// address returns the address in `[192.0.2.25]` or `[IPv6:2001:db8:0:0:0:0:0:9]` in its canonical form (RFC 5952); empty where
// there is none.
func address(s string) string {
	ip, _ := fields.Address(s)
	if strings.IndexByte(ip, ':') < 0 {
		return ip
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	return addr.String()
}

// kind tells what was attempted, by the server and the mailer, which sendmail.cf names.
func (p *parser) kind(mailer string, a *parsers.Attempt) parsers.AttemptKind {
	switch mailer {
	case "local", "prog", "*file*", "*include*", "procmail", "cyrus", "cyrusbb", "cyrusv2": // sendmail: cf/mailer
		return parsers.Local
	}
	switch {
	case fields.Inside(&p.Options, a.RelayHost, a.RelayIP):
		return parsers.Internal
	case a.RelayHost == "" && a.RelayIP == "":
		return parsers.Local
	case mailer == "relay": // SMART_HOST and MAIL_HUB without a mailer of their own
		return parsers.Smarthost
	}
	return parsers.Remote
}

// stageCommand returns the command at which stage= says it failed (sendmail 8.18: deliver.c, xs_states).
func stageCommand(s string) parsers.Command {
	switch s {
	case "GREET":
		return parsers.CONNECT
	case "EOM", "DATA2":
		return parsers.EndOfDATA
	}
	return parsers.ParseCommand(s)
}
