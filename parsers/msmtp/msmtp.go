// Package msmtp reads what msmtp logs of the messages that it hands to a smarthost, in a file of its own or in syslog.
//
// A message is one line of keys and values in this order; texts are in single quotes, and a quote in them is `?`, a line end
// `\n` (msmtp: src/msmtp.c: msmtp_get_log_info):
//
//	host=H tls=on auth=on [user=U] from=S recipients=R,R [mailsize=N] [smtpstatus=N smtpmsg='REPLY'] [errormsg='TEXT'] exitcode=EX_OK
//
// In a file a time stands before it, `Nov 22 10:00:01` if nothing else is configured. msmtp has no queue: whatever fails is
// given up, unless the exit code (sysexits.h) asks the caller to try again. It ends the whole message at the first recipient
// that is refused, whom TEXT names, so the reply is no reason to doubt the others' addresses.
package msmtp

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of msmtp's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "msmtp",
		Short:    "msmtp 1.4 and later: log file or syslog",
		Evidence: parsers.Specified,
		Tags:     []string{tag},
		Sniff: func(s parsers.Sample) parsers.Score {
			p := new(parser)
			return s.Ratio(func(line *parsers.Line) bool {
				_, err := p.AppendEvents(nil, line)
				return err == nil
			})
		},
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o}, nil },
	}
}

const tag = "msmtp"

// A parser reads msmtp's lines. It does not change once it is opened.
type parser struct{ options parsers.Options }

// A message is what a line says.
type message struct {
	host, sender, recipients string
	code, reply, text        string // smtpstatus, smtpmsg, errormsg
	exit                     string
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	stamp, text, ok := cutStamp(line.Text)
	if !ok {
		if line.Tag == tag {
			return dst, nil // an error before there was a message
		}
		return dst, parsers.ErrForeign
	}
	m := read(text)
	if m.exit == "" {
		return dst, line.Malformed("", "message without an exit code")
	}
	ev := parsers.Event{Kind: parsers.Attempted, Sender: parsers.Sender(m.sender)}
	if t, _, ok := fields.Stamp(stamp, p.options.Location); ok {
		ev.Time = t
	}
	a := &ev.Attempt
	a.Kind, a.RelayHost = parsers.Smarthost, m.host
	if a.RelayIP, _ = fields.Address(m.host); a.RelayIP != "" {
		a.RelayHost = ""
	}
	switch m.exit {
	case "EX_OK":
		a.Status, a.Command = parsers.StatusSent, parsers.EndOfDATA
	case "EX_TEMPFAIL":
		a.Status = parsers.StatusDeferred
	default:
		a.Status = parsers.StatusBounced
	}
	refused := refusedOne(&m)
	for list := m.recipients; list != ""; {
		dst = append(dst, ev)
		a := &dst[len(dst)-1].Attempt
		a.Recipient, list = cutRecipient(list)
		a.Origin, a.Diagnostic = parsers.OriginLocal, m.text
		if m.code == "" && m.reply == "" || refused != "" && refused != a.Recipient {
			continue
		}
		a.Origin = parsers.OriginRemote
		if m.reply != "" {
			a.Diagnostic = strings.ReplaceAll(m.reply, `\n`, "\n")
		}
		var ok bool
		if a.Reply, ok = parsers.ParseReply(a.Diagnostic); !ok {
			code, _ := parsers.ParseReply(m.code)
			a.Reply = parsers.Reply{Code: code.Code, Text: a.Diagnostic}
		}
		if a.Status != parsers.StatusSent {
			a.Command = failedCommand(m.text)
		}
	}
	return dst, nil
}

// cutStamp cuts what stands before a message: nothing, or a time in the words of the user's language or of his own making.
func cutStamp(s string) (stamp, text string, ok bool) {
	const first, longest = "host=", 64
	i := strings.Index(s[:min(len(s), longest)], first)
	if socket := strings.Index(s[:min(len(s), longest)], "socket="); i < 0 || socket >= 0 && socket < i {
		i = socket
	}
	if i < 0 || i > 0 && s[i-1] != ' ' {
		return "", s, false
	}
	stamp, text = s[:i], s[i:]
	_, rest, _ := strings.Cut(text, " ")
	for _, second := range [...]string{"tls=", "from="} {
		if strings.HasPrefix(rest, second) {
			return stamp, text, true
		}
	}
	return "", s, false
}

// read reads a message. Of a key that comes twice, the first counts: nobody but msmtp has written what is before it.
func read(s string) (m message) {
	for s != "" {
		var key, value string
		if key, value, s = cutPair(s); key == "exitcode" {
			if s == "" && strings.HasPrefix(value, "EX_") {
				m.exit = value
			}
			continue
		}
		for _, field := range [...]struct {
			key   string
			value *string
		}{
			{"host", &m.host}, {"socket", &m.host}, {"from", &m.sender}, {"recipients", &m.recipients}, {"smtpstatus", &m.code}, {"smtpmsg", &m.reply}, {"errormsg", &m.text},
		} {
			if field.key == key && *field.value == "" {
				*field.value = value
			}
		}
	}
	return m
}

// cutPair cuts a key, its value and the blank behind it from the front of s. Blanks are part of the value where it is in
// single quotes, or they are in double quotes, as those of an address.
func cutPair(s string) (key, value, rest string) {
	i := strings.IndexAny(s, "= ")
	if i < 0 || s[i] == ' ' {
		_, rest, _ = strings.Cut(s, " ")
		return "", "", rest
	}
	key, s = s[:i], s[i+1:]
	if text, ok := strings.CutPrefix(s, "'"); ok {
		value, rest = cutQuoted(text)
		return key, value, rest
	}
	end := unquotedIndex(s, ' ')
	return key, s[:end], strings.TrimPrefix(s[end:], " ")
}

// cutQuoted cuts off what stands before the quote that ends it, and the blank behind that. Should a quote be left in a text, it
// ends nothing unless a blank follows. Without an end, the log cut it.
func cutQuoted(s string) (value, rest string) {
	if i := strings.Index(s, "' "); i >= 0 {
		return s[:i], s[i+2:]
	}
	return strings.TrimSuffix(s, "'"), ""
}

// cutRecipient cuts an address from the front of a list.
func cutRecipient(list string) (address, rest string) {
	end := unquotedIndex(list, ',')
	return list[:end], strings.TrimPrefix(list[end:], ",")
}

// unquotedIndex returns where the first c stands that is not in double quotes, the length of s if there is none.
func unquotedIndex(s string, c byte) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == c && !quoted:
			return i
		}
	}
	return len(s)
}

// refusedOne returns the one of several recipients whom the text of an error names, which may be in any language. The
// sender's own address may be the one that was refused as such.
func refusedOne(m *message) string {
	for list := m.recipients; list != ""; {
		var r string
		if r, list = cutRecipient(list); r == "" {
			continue
		}
		_, after, ok := strings.Cut(m.text, " "+r)
		if ok && (after == "" || after[0] == ' ') && (r != m.sender || strings.HasPrefix(m.text, recipientRefused)) {
			return r
		}
	}
	return ""
}

const recipientRefused = "recipient address "

// failedCommands are the beginnings of msmtp's texts and what they say was answered (msmtp: src/smtp.c).
var failedCommands = [...]struct {
	text    string
	command parsers.Command
}{
	{recipientRefused, parsers.RCPTTO},
	{"envelope from address ", parsers.MAILFROM},
	{"the server did not accept the mail", parsers.EndOfDATA},
	{"the server does not accept mail data", parsers.DATA},
	{"authentication failed", parsers.AUTH},
	{"cannot get initial OK message from server", parsers.CONNECT},
	{"SMTP server does not accept EHLO or HELO commands", parsers.HELO},
}

// failedCommand returns the command that the text of an error is about.
func failedCommand(text string) parsers.Command {
	for _, f := range failedCommands {
		if strings.HasPrefix(text, f.text) {
			return f.command
		}
	}
	if s, ok := strings.CutPrefix(text, "command "); ok {
		return parsers.ParseCommand(strings.TrimSuffix(s, " failed"))
	}
	return parsers.NoCommand
}
