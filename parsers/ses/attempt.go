package ses

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// appendAttempt appends an attempt with what the message says of it.
func (m *message) appendAttempt(dst []parsers.Event, at parsers.Stamp, recipient string) []parsers.Event {
	dst = append(dst, parsers.Event{})
	ev := &dst[len(dst)-1]
	ev.Kind, ev.Time, ev.QueueID, ev.Sender = parsers.Attempted, at, m.id, m.sender
	a := &ev.Attempt
	a.Recipient, a.Job, a.SourceIP = recipient, m.job, m.sourceIP
	a.Delay = parsers.Between(m.time, at)
	return dst
}

var deliveryKeys = [...]string{"timestamp", "recipients", "smtpResponse", "remoteMtaIp", "processingTimeMillis"}

func (m *message) appendDelivery(dst []parsers.Event, object fields.Value) []parsers.Event {
	var v [len(deliveryKeys)]fields.Value
	fields.Object(object.Raw, deliveryKeys[:], v[:])
	at, said, ip := instant(v[0]), v[2].Text(), v[3].Text()
	for one := range v[1].Elements() {
		dst = m.appendAttempt(dst, at, address(one))
		a := &dst[len(dst)-1].Attempt
		a.Status, a.RelayIP, a.Diagnostic = parsers.StatusSent, ip, said
		if n, ok := v[4].Int(); ok && n >= 0 {
			a.Delay = parsers.Milliseconds(n)
		}
		if r, ok := parsers.ParseReply(said); ok {
			a.Reply, a.Origin = r, parsers.OriginRemote
		}
	}
	return dst
}

var delayKeys = [...]string{"timestamp", "delayedRecipients", "remoteMtaIp"}

func (m *message) appendDelay(dst []parsers.Event, object fields.Value) []parsers.Event {
	var v [len(delayKeys)]fields.Value
	fields.Object(object.Raw, delayKeys[:], v[:])
	at, ip := instant(v[0]), v[2].Text()
	for one := range v[1].Elements() {
		dst = m.appendAttempt(dst, at, "")
		a := &dst[len(dst)-1].Attempt
		a.Status, a.RelayIP = parsers.StatusDeferred, ip
		readRecipient(a, one)
	}
	return dst
}

var bounceKeys = [...]string{"timestamp", "bouncedRecipients", "bounceSubType", "remoteMtaIp"}

func (m *message) appendBounce(dst []parsers.Event, object fields.Value) []parsers.Event {
	var v [len(bounceKeys)]fields.Value
	fields.Object(object.Raw, bounceKeys[:], v[:])
	at, subType, ip := instant(v[0]), v[2].Quoted(), v[3].Text()
	for one := range v[1].Elements() {
		dst = m.appendAttempt(dst, at, "")
		a := &dst[len(dst)-1].Attempt
		a.Status = parsers.StatusBounced
		readRecipient(a, one)
		switch {
		case isSuppression(subType):
			a.Status, a.Kind, a.Origin = parsers.StatusRejected, parsers.Suppressed, parsers.OriginProvider
			a.NotAttempted, a.Reply = true, parsers.Reply{}
		case isOwn(a):
			a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal
		case subType == timeout || a.DSN == deliveryTimeExpired:
			a.Status, a.Kind, a.NotAttempted = parsers.StatusExpired, parsers.Final, true
		}
		if !a.NotAttempted {
			a.RelayIP = ip
		}
	}
	return dst
}

// isSuppression reports whether SES never tried, because the address is on a list of its own, of the account or of a
// tenant, or did not pass its validation (Amazon SES developer guide, "Bounce types").
func isSuppression(subType string) bool {
	switch subType {
	case "Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed":
		return true
	}
	return false
}

// timeout is the subtype of a bounce where SES gave up because the sender had set a time for it.
const timeout = "CustomTimeoutExceeded"

// deliveryTimeExpired is the status where SES gave up (RFC 3463 3.5).
var deliveryTimeExpired = parsers.EnhancedCode{4, 4, 7}

// isOwn reports whether the text is what SES says itself where it gave up. What a server last said stands in angle
// brackets at its end: `550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.1 Failed to establish connection>`.
func isOwn(a *parsers.Attempt) bool {
	text := a.Diagnostic
	if a.Reply.Code != 0 {
		text = strings.TrimLeft(text[len("550"):], " ")
	}
	if word, rest, ok := strings.Cut(text, " "); ok {
		if _, ok := parsers.ParseEnhanced(word); ok {
			text = rest
		}
	}
	return strings.HasPrefix(text, "Message expired")
}

// appendReject appends that SES took the message and then threw it away, for all its recipients: for a virus in it
// (Reject), or because its template could not be filled in. These events have no time of their own.
func (m *message) appendReject(dst []parsers.Event, reason string) []parsers.Event {
	for one := range m.recipients.Elements() {
		dst = m.appendAttempt(dst, m.time, address(one))
		a := &dst[len(dst)-1].Attempt
		a.Status, a.Kind, a.NotAttempted = parsers.StatusRejected, parsers.Suppressed, true
		a.Origin, a.Diagnostic = parsers.OriginProvider, reason
	}
	return dst
}

var recipientKeys = [...]string{"emailAddress", "status", "diagnosticCode"}

// readRecipient reads what became of one recipient, in the words of a delivery status notification (RFC 3464 2.3):
// `{"emailAddress":"a@example.com","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 …"}`. Status and diagnostic code are
// left out where SES has none, as of an answer by mail that it could not read.
func readRecipient(a *parsers.Attempt, object fields.Value) {
	var v [len(recipientKeys)]fields.Value
	fields.Object(object.Raw, recipientKeys[:], v[:])
	a.Recipient = address(v[0])
	a.DSN, _ = parsers.ParseEnhanced(v[1].Text())
	if _, a.Diagnostic = fields.Typed(v[2].Text()); a.Diagnostic == "" {
		a.Origin = parsers.OriginProvider
		return
	}
	a.Origin = parsers.OriginLocal
	if r, ok := parsers.ParseReply(a.Diagnostic); ok {
		a.Reply, a.Origin = r, parsers.OriginRemote
	}
}
