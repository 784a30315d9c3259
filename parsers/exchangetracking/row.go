package exchangetracking

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// maxRecipients is far beyond what Exchange lets a message have, or makes of a list.
const maxRecipients = 1 << 14

// A row is the cells of one.
type row struct {
	*parser
	cells []string
}

// cell returns a cell, empty where the log has no such column.
func (r *row) cell(column int) string {
	if i := r.columns[column]; i >= 0 {
		return r.cells[i]
	}
	return ""
}

// list returns a cell that is a list, without the braces in which PowerShell shows one.
func (r *row) list(column int) string {
	s := r.cell(column)
	if r.exported && len(s) > 1 && s[0] == '{' && s[len(s)-1] == '}' {
		return s[1 : len(s)-1]
	}
	return s
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	if strings.HasPrefix(line.Text, "#") {
		return dst, nil
	}
	if p.width == 0 {
		return dst, parsers.ErrForeign
	}
	if p.exported && line.Text == p.head {
		return dst, nil
	}
	var room [48]string
	cells, err := fields.AppendRow(room[:0], line.Text, p.comma)
	if err != nil {
		return dst, err
	}
	if len(cells) < p.width {
		return dst, line.Malformed("", "row with fewer cells than its header")
	}
	r := row{p, cells}
	ev, ok := r.event()
	if !ok {
		return dst, nil
	}
	if ev.Time, ok = r.time(); !ok {
		return dst, line.Malformed(line.Text, "no date-time")
	}
	list := r.list(recipientAddress)
	if list == "System.String[]" { // what Export-Csv makes of a list
		return dst, line.Malformed(line.Text, "recipients were lost when the log was exported: join them to a text")
	}
	if r.cell(eventID) != "DEFER" { // there it is when to try again
		arrived, _, _ := fields.Stamp(r.cell(messageInfo), nil)
		ev.Attempt.Delay = parsers.Between(arrived, ev.Time)
	}
	var recipientRoom, statusRoom [8]string
	recipients := appendAddresses(recipientRoom[:0], list, p.lists)
	if len(recipients) > maxRecipients {
		return dst, line.Malformed(line.Text, "more recipients than a message has")
	}
	statuses := appendStatuses(statusRoom[:0], r.list(recipientStatus), p.lists, len(recipients))
	for i, recipient := range recipients {
		status := ""
		if i < len(statuses) {
			status = statuses[i]
		}
		dst = append(dst, ev)
		r.judge(&dst[len(dst)-1], recipient, status)
	}
	return dst, nil
}

// event returns what all recipients of the row have in common, and false where the row tells of no delivery.
func (r *row) event() (ev parsers.Event, ok bool) {
	ev.Kind = parsers.Attempted
	a := &ev.Attempt
	from := r.cell(source)
	switch r.cell(eventID) {
	case "SEND", "SENDEXTERNAL":
		a.Status, a.Origin = parsers.StatusSent, parsers.OriginRemote
		if from != "SMTP" {
			return ev, false
		}
	case "DELIVER":
		a.Status, a.Kind, a.Origin = parsers.StatusSent, parsers.Local, parsers.OriginLocal
	case "DEFER":
		a.Status = parsers.StatusDeferred
	case "FAIL":
		a.Status = parsers.StatusBounced
	case "DROP", "BADMAIL", "POISONMESSAGE":
		a.Status, a.NotAttempted, a.Origin = parsers.StatusBounced, true, parsers.OriginLocal
	default:
		return ev, false
	}
	ev.QueueID, ev.MessageID = r.cell(internalMessageID), r.cell(messageID)
	if ev.Sender = r.cell(returnPath); ev.Sender == "" { // the envelope's, where it is known
		ev.Sender = r.cell(senderAddress)
	}
	// Without an address, or with the name that the client has too, the server is this one.
	if ip, host := r.cell(serverIP), r.cell(serverHostname); ip != "" && !strings.EqualFold(host, r.cell(clientHostname)) {
		a.RelayHost = host
		a.RelayIP, _ = fields.Address(ip)
	}
	switch {
	case from == "STOREDRIVER":
		a.Kind = parsers.Local
	case r.cell(connectorID) == "Intra-Organization SMTP Send Connector": // Exchange has it for its own servers
		a.Kind = parsers.Internal
	}
	return ev, true
}

// judge fills in what is said of one recipient.
func (r *row) judge(ev *parsers.Event, recipient, said string) {
	a := &ev.Attempt
	a.Recipient = recipient
	context := r.cell(sourceContext)
	if said == "" && strings.HasPrefix(context, "[{") { // of a deferral, where recipient-status is empty
		said = context
	}
	s := readStatus(said)
	if s.host != "" {
		a.RelayHost, a.RelayIP = s.host, ""
	}
	if s.ip != "" {
		a.RelayIP, _ = fields.Address(s.ip)
	}
	if a.Kind == parsers.Remote && fields.Inside(&r.options, a.RelayHost, a.RelayIP) {
		a.Kind = parsers.Internal
	}
	a.Diagnostic = s.text
	if a.Status == parsers.StatusSent {
		if reply := messageReply(context); reply != "" {
			a.Diagnostic, a.Command = reply, parsers.EndOfDATA
		}
	} else if said == "" && !isSession(context) {
		a.Diagnostic = context
	}
	a.Reply, _ = parsers.ParseReply(a.Diagnostic)
	switch {
	case a.Origin != parsers.OriginUnknown || a.Diagnostic == "":
	case a.Reply.Code != 0 && !isOwn(a.Reply) && (r.cell(source) == "SMTP" || s.ip != ""):
		a.Origin = parsers.OriginRemote
	default:
		a.Origin = parsers.OriginLocal
	}
	if r.cell(eventID) == "FAIL" && isExpiry(a.Reply) {
		ev.Kind = parsers.Expired
		a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal
	}
}

// messageReply returns the answer to the message that SEND has in its source-context, between the session and the time at
// which the client submitted: `08D8A6213736;250 2.0.0 Ok: queued;ClientSubmitTime:2026-11-22T10:00:00.000Z`.
func messageReply(context string) string {
	if i := strings.LastIndex(context, ";ClientSubmitTime:"); i >= 0 {
		context = context[:i]
	}
	_, reply, ok := strings.Cut(context, ";")
	if _, is := parsers.ParseReply(reply); !ok || !is {
		return ""
	}
	return reply
}

// isSession reports whether a source-context is no more than the name of a session: `08D8A62137360001`.
func isSession(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 5 {
			return false
		}
	}
	return len(s) == 16
}
