// Package transcript pairs the commands of SMTP dialogues with their replies (RFC 5321, RFC 2920 for pipelining), for the
// formats that log a dialogue line by line instead of what became of each recipient.
//
// A parser of such a format makes a [parsers.Part] of each line of an outgoing dialogue: who talked to whom, what was
// sent, what was received. The [parsers.Joiner] of this package puts them together:
//
//   - a reply belongs to the oldest command that has none yet;
//   - a recipient that is refused fails at once, one that is accepted has the answer to the message itself;
//   - where the greeting or MAIL is refused, so is every recipient that becomes known; where none does until the dialogue
//     ends, the refusal is told without one;
//   - where the connection ends before the answer, the recipients stay in the queue, and it was not the server who said so.
//
// An event of it has these fields: QueueID is the session, Part and Text what happened; NextID and MessageID name the
// message where the line does, and Attempt has the command, the recipient and the two ends of the connection.
package transcript

import (
	"strings"

	"bouncelog/parsers"
)

// The parts of a dialogue, as [parsers.Event.Part] counts them.
const (
	Connected uint8 = iota + 1 // the connection stands, and the server's greeting comes next
	Announced                  // the message that comes next has NextID and MessageID
	Sent                       // Text is a command of ours
	Received                   // Text is a reply, or lines of one
	Answered                   // Text is the whole reply to the latest command; empty: the log has none
	Closed                     // the connection ended; Text says how, if the log does
)

// Send makes ev the Part of a command.
func Send(ev *parsers.Event, command string) {
	ev.Part, ev.Text = Sent, command
	a := &ev.Attempt
	switch a.Command = parsers.ParseCommand(command); a.Command {
	case parsers.MAILFROM:
		if s, ok := path(command); ok && s == "" {
			ev.Sender = parsers.NullSender
		} else {
			ev.Sender = s
		}
	case parsers.RCPTTO:
		a.Recipient, _ = path(command)
	case parsers.DATA:
		if isLast(command) {
			a.Command = parsers.EndOfDATA
		}
	}
}

// path returns the address of a MAIL or RCPT command (RFC 5321 4.1.2), without its angle brackets. Its quotes are part of
// it, and a bracket within them is not its end.
func path(command string) (string, bool) {
	_, s, ok := strings.Cut(command, ":")
	if s = strings.TrimLeft(s, " "); !ok || s == "" {
		return "", false
	}
	if s[0] != '<' { // RFC 5321 forbids it
		s, _, _ = strings.Cut(s, " ")
		return s, true
	}
	quoted := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '>':
			if !quoted {
				return s[1:i], true
			}
		}
	}
	return "", false // the log cut it
}

// isLast reports whether a command is the BDAT of the last chunk (RFC 3030 2), which the server answers as it does the end
// of DATA.
func isLast(command string) bool {
	const bdat, last = "BDAT ", " LAST"
	n := len(command) - len(last)
	return n >= len(bdat) && strings.EqualFold(command[:len(bdat)], bdat) && strings.EqualFold(command[n:], last)
}

// isCommand reports whether text is a command that has no name in [parsers.Command].
func isCommand(text, name string) bool {
	return len(text) >= len(name) && strings.EqualFold(text[:len(name)], name) && (len(text) == len(name) || text[len(name)] == ' ')
}

// greeter returns the name that a server's greeting begins with (RFC 5321 4.2); empty where it is no host's.
func greeter(greeting string) string {
	if len(greeting) < 4 {
		return ""
	}
	name, _, _ := strings.Cut(greeting[4:], " ")
	name, _, _ = strings.Cut(name, "\n")
	dot, letter := false, false
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			dot = true
		case c|0x20-'a' < 26:
			letter = true
		case c-'0' > 9 && c != '-':
			return ""
		}
	}
	if !dot || !letter || len(name) > maxName || name[0] == '.' || name[0] == '-' {
		return ""
	}
	return strings.TrimSuffix(name, ".")
}

const maxName = 255 // RFC 1035 2.3.4
