package powermta

import (
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// maxCells is how many columns a file may have without a row of it costing memory. All that there are in PowerMTA 5 are some
// sixty.
const maxCells = 80

// A row has the cells of the columns that matter. What is at ignored means nothing.
type row [numColumns]string

// A rowType is what a type of row tells.
type rowType struct {
	names  []string // the short one is written, the long ones are in configurations and may be
	event  parsers.Kind
	status parsers.Status
	kind   parsers.AttemptKind
}

// rowTypes has the types, the commonest first.
var rowTypes = [...]rowType{
	{[]string{"d", "delivery", "delivered"}, parsers.Attempted, parsers.StatusSent, parsers.Remote},
	{[]string{"b", "bounce", "bounced"}, parsers.Attempted, parsers.StatusBounced, parsers.Remote},
	{[]string{"t", "tran", "transient"}, parsers.Attempted, parsers.StatusDeferred, parsers.Remote},
	{[]string{"tq", "tran-queue", "transient-queue"}, parsers.Attempted, parsers.StatusDeferred, parsers.Connect},
	{[]string{"rb", "remote-bounce"}, parsers.Attempted, parsers.StatusBounced, parsers.Async},
	{[]string{"r", "receive", "received", "receipt"}, parsers.Accepted, 0, 0},
	{names: []string{"rs", "remote-status"}},
	{names: []string{"f", "feedback", "feedback-loop"}},
}

func typeOf(name string) *rowType {
	for i := range rowTypes {
		if t := &rowTypes[i]; slices.Contains(t.names, name) {
			return t
		}
	}
	return nil
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	var room [maxCells]string
	cells, err := fields.AppendRow(room[:0], line.Text, ',')
	if err != nil {
		return dst, err
	}
	t := typeOf(cells[0])
	if t == nil {
		return dst, parsers.ErrForeign
	}
	if len(cells) != len(p.columns) {
		return dst, &parsers.SyntaxError{Column: 1, Msg: fmt.Sprintf("%d cells under a header of %d", len(cells), len(p.columns))}
	}
	var r row
	for i, cell := range cells {
		if cell != "" {
			r[p.columns[i]] = cell
		}
	}
	logged, ok := p.stamp(r[timeLogged])
	if !ok {
		return dst, syntaxError(line, r[timeLogged])
	}
	queued, ok := p.stamp(r[timeQueued])
	if !ok {
		return dst, syntaxError(line, r[timeQueued])
	}
	switch t.event {
	case parsers.Attempted:
		return p.appendAttempt(dst, &r, t, logged, queued), nil
	case parsers.Accepted:
		if r[messageID] != "" {
			dst = append(dst, parsers.Event{Kind: parsers.Accepted, Time: logged, QueueID: r[messageID], MessageID: r[messageID], Sender: unbracket(r[sender]), Campaign: r[campaign]})
		}
	}
	return dst, nil
}

// stamp reads a time, `2026-11-22 10:00:02+0000` or, in older versions, seconds since 1970. It is zero where there is none.
func (p *parser) stamp(s string) (parsers.Stamp, bool) {
	if s == "" {
		return 0, true
	}
	if len(s) > 4 && s[4] == '-' {
		at, rest, ok := fields.Stamp(s, p.location)
		return at, ok && rest == ""
	}
	return fields.Unix(s)
}

func syntaxError(line *parsers.Line, cell string) error {
	return &parsers.SyntaxError{Column: strings.Index(line.Text, cell) + 1, Msg: fmt.Sprintf("%q is no time", cell)}
}

// appendAttempt appends what a row tells of a recipient, or of a whole queue.
//
// A row without recipient is a delivery all the same: a configuration that many have copied leaves the column out of the d
// rows.
func (p *parser) appendAttempt(dst []parsers.Event, r *row, t *rowType, logged, queued parsers.Stamp) []parsers.Event {
	dst = append(dst, parsers.Event{})
	ev := &dst[len(dst)-1]
	ev.Kind, ev.Time, ev.MessageID, ev.Campaign = parsers.Attempted, logged, r[messageID], r[campaign]
	if r[recipient] != "" { // what has none cannot be told from the message's other rows
		ev.QueueID = r[messageID]
	}
	ev.Sender = unbracket(r[sender]) // an empty one may be one that this type of row has not
	a := &ev.Attempt
	a.Status, a.Kind, a.Job = t.status, t.kind, r[job]
	if a.Recipient = unbracket(r[recipient]); a.Recipient == "" {
		a.RecipientDomain, _, _ = strings.Cut(r[queue], "/")
	}
	if _, to := fields.Typed(r[original]); to != a.Recipient {
		a.OriginalRecipient = to
	}
	a.DSN, _ = parsers.ParseEnhanced(firstWord(r[status]))
	readDiagnostic(a, r)
	readServer(a, r)
	if t.kind == parsers.Async {
		return dst
	}
	a.SourceIP, _ = fields.Address(r[sourceIP])
	if a.Delay = parsers.Between(queued, logged); a.Delay == (parsers.Duration{}) {
		a.Delay, _ = fields.Seconds(r[secondsQueued])
	}
	if t.kind == parsers.Remote {
		p.readKind(a, r)
	}
	return dst
}

// readKind tells what was attempted, and a bounce from the end of the queue lifetime, at which there was no attempt any
// more: its row repeats what the last one came to.
func (p *parser) readKind(a *parsers.Attempt, r *row) {
	switch r[deliveryType] {
	case "pipe", "file":
		a.Kind = parsers.Local
	case "discard":
		a.Kind, a.NotAttempted = parsers.Local, true
	default:
		if fields.Inside(&p.options, a.RelayHost, a.RelayIP) {
			a.Kind = parsers.Internal
		}
	}
	if a.Status == parsers.StatusBounced && (r[category] == "message-expired" || a.DSN[1] == 4 && a.DSN[2] == 7) {
		a.Status, a.Kind, a.NotAttempted = parsers.StatusExpired, parsers.Final, true
		if a.Reply.Enhanced != a.DSN && !a.DSN.IsZero() {
			a.Reply.Enhanced = parsers.EnhancedCode{} // it is of an attempt before; this one's is the status
		}
	}
}

// readDiagnostic reads `smtp;550 5.1.1 unknown`, or the text alone. Where there is none, as where no server answered,
// dsnStatus has a word on it: `4.4.1 (no answer from host)`.
func readDiagnostic(a *parsers.Attempt, r *row) {
	kind, text := fields.Typed(r[diagnostic])
	a.Diagnostic = text
	if kind == "" || strings.EqualFold(kind, "smtp") {
		if reply, ok := parsers.ParseReply(text); ok {
			a.Reply, a.Origin = reply, parsers.OriginRemote
			return
		}
	}
	if text == "" {
		a.Diagnostic = r[status]
	}
	if a.Status != parsers.StatusSent {
		a.Origin = parsers.OriginLocal
	}
}

// readServer reads the server, `mx.example.com (192.0.2.10)`.
func readServer(a *parsers.Attempt, r *row) {
	_, name := fields.Typed(r[remoteMTA])
	name, ip, ok := strings.Cut(name, "(")
	if ok {
		a.RelayIP, _ = fields.Address(strings.TrimSuffix(ip, ")"))
	}
	name = strings.TrimRight(name, " ")
	if ip, _ := fields.Address(name); ip == "" {
		a.RelayHost = strings.TrimSuffix(name, ".")
	} else if a.RelayIP == "" {
		a.RelayIP = ip
	}
	if a.RelayIP == "" {
		a.RelayIP, a.RelayPort = fields.Address(r[destinationIP])
	}
}

func firstWord(s string) string {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i]
	}
	return s
}

// unbracket takes the angle brackets off an address that has them; the null reverse-path keeps its own.
func unbracket(s string) string {
	if len(s) > 2 && s[0] == '<' && s[len(s)-1] == '>' {
		return s[1 : len(s)-1]
	}
	return s
}
