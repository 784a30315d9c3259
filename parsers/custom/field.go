package custom

import (
	"strconv"
	"strings"

	"bouncelog/parsers"
)

// A field is what of an attempt record a definition can fill.
type field uint8

const (
	noField field = iota
	timeField
	hostField
	processField
	instanceField
	queueIDField
	messageIDField
	senderField
	recipientField
	originalField
	relayHostField
	relayIPField
	relayPortField
	statusField
	mtaStatusField
	attemptedField
	kindField
	replyCodeField
	enhancedField
	dsnField
	originField
	commandField
	diagnosticField
	delayField
	xdelayField
	attemptField
	retriesField
	jobField
	sourceIPField
	numFields
)

// fieldNames are the names that the record has (`bouncelog attempts`); retries is ours: attempts before this one.
var fieldNames = [numFields]string{
	"", "time", "host", "process", "instance", "queue_id", "message_id", "sender", "recipient", "original_recipient",
	"relay_host", "relay_ip", "relay_port", "status", "mta_status", "attempted", "kind", "reply_code", "enhanced_code", "dsn",
	"origin", "command", "diagnostic", "delay", "xdelay", "attempt", "retries", "job", "source_ip",
}

func (f field) String() string { return fieldNames[f] }

// fieldNamed returns the field of a name, noField where it is none. Three have a short name too.
func fieldNamed(name string) field {
	switch name {
	case "enhanced":
		return enhancedField
	case "attempt_kind":
		return kindField
	case "code_origin":
		return originField
	}
	for f := timeField; f < numFields; f++ {
		if fieldNames[f] == name {
			return f
		}
	}
	return noField
}

// text returns where a field that is plain text stands in an event, nil for the others.
func (f field) text(ev *parsers.Event) *string {
	switch f {
	case hostField:
		return &ev.Host
	case processField:
		return &ev.Process
	case instanceField:
		return &ev.Instance
	case queueIDField:
		return &ev.QueueID
	case messageIDField:
		return &ev.MessageID
	case senderField:
		return &ev.Sender
	case recipientField:
		return &ev.Attempt.Recipient
	case originalField:
		return &ev.Attempt.OriginalRecipient
	case relayHostField:
		return &ev.Attempt.RelayHost
	case relayIPField:
		return &ev.Attempt.RelayIP
	case mtaStatusField:
		return &ev.Attempt.MTAStatus
	case diagnosticField:
		return &ev.Attempt.Diagnostic
	case jobField:
		return &ev.Attempt.Job
	case sourceIPField:
		return &ev.Attempt.SourceIP
	}
	return nil
}

// wordOf returns which of the words of a type a value is, in any case; zero of T where it is none. The words are what
// String says, from 1 or, where the zero value has one, from 0.
func wordOf[T ~uint8](value string, last T, name func(T) string) (w T, ok bool) {
	for w := T(0); w <= last; w++ {
		if n := name(w); n != "" && strings.EqualFold(n, value) {
			return w, true
		}
	}
	return 0, false
}

func statusOf(s string) (parsers.Status, bool) {
	return wordOf(s, parsers.StatusRejected, parsers.Status.String)
}

func kindOf(s string) (parsers.AttemptKind, bool) {
	return wordOf(s, parsers.Probe, parsers.AttemptKind.String)
}

func originOf(s string) (parsers.Origin, bool) {
	return wordOf(s, parsers.OriginProvider, parsers.Origin.String)
}

func truthOf(s string) (truth, ok bool) {
	switch {
	case s == "1", strings.EqualFold(s, "true"), strings.EqualFold(s, "yes"):
		return true, true
	case s == "0", strings.EqualFold(s, "false"), strings.EqualFold(s, "no"):
		return false, true
	}
	return false, false
}

// replyCode reads the three digits of an SMTP reply (RFC 5321 4.2.1). What is none is a code of somebody's own.
func replyCode(s string) parsers.ReplyCode {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || len(s) != 3 || n < 200 || n > 599 {
		return 0
	}
	return parsers.ReplyCode(n)
}

// number reads a count of at most six digits.
func number(s string) (n int, ok bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < 1e6
}

// unbracket takes the angle brackets off an address that has them.
func unbracket(s string) string {
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}
