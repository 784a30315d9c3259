// Package momentum reads the mainlog and the bouncelog of Momentum, formerly Ecelerity (Momentum 4 documentation: Log
// Formats).
//
// A record is a line of fields between @ signs. The first five are the same for all, seconds since 1970, message, batch,
// connection and type, after which some versions leave an empty one. The rest depends on the type:
//
//	mainlog    R     rcpt-local, rcpt-domain, sender-local, sender-domain, IP, size, protocol, group, binding
//	           D     domain, size, group, binding, retries, delay, IP
//	           T, P  domain, size, group, binding, stage, retries, delay, IP, text
//	           X     as D: the message went to another node
//	bouncelog  B, T  rcpt-local, rcpt-domain, sender-local, sender-domain, group, binding, stage, class, size, IP, text
//	both       M, M1 nothing: a heartbeat
//
// Nothing is escaped: the server's text, which comes last, may hold @ signs, and so may a quoted local part. A message has
// one recipient, whom in the mainlog only R names: join.go remembers them. The bouncelog needs no memory, and tells the
// same failures: where both logs are read, they are told twice.
package momentum

import (
	"net/netip"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of Momentum's logs.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "momentum",
		Short:    "Momentum (Ecelerity) mainlog and bouncelog",
		Evidence: parsers.Specified,
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Join: newJoiner,
	}
}

// sniff counts the lines that begin as records do.
func sniff(s parsers.Sample) parsers.Score {
	return s.Ratio(func(line *parsers.Line) bool {
		_, ok := cutHead(line.Text)
		return ok
	})
}

// A parser reads Momentum's records. It does not change once it is opened.
type parser struct{ parsers.Options }

// The parts that a [joiner] puts together, by QueueID.
const (
	received uint8 = iota + 1 // for Attempt.Recipient
	tried                     // Attempt tells what became of it
	moved                     // it is another node's now
)

// A head is what all records begin with.
type head struct {
	at   parsers.Stamp
	id   string
	kind string
	rest string // the fields of its kind
}

// cutHead cuts the fields that all records have.
func cutHead(s string) (h head, ok bool) {
	at, s, ok := strings.Cut(s, "@")
	if !ok || len(at) < 9 || len(at) > 10 {
		return h, false
	}
	if h.at, ok = fields.Unix(at); !ok {
		return h, false
	}
	var batch, connection string
	h.id, s, _ = strings.Cut(s, "@")
	batch, s, _ = strings.Cut(s, "@")
	connection, s, ok = strings.Cut(s, "@")
	h.kind, h.rest, _ = strings.Cut(s, "@")
	h.rest = strings.TrimPrefix(h.rest, "@")
	if !ok || !isID(batch) || !isID(connection) {
		return h, false
	}
	switch h.kind {
	case "M", "M1":
		return h, h.id == ""
	case "R", "D", "T", "P", "X", "B":
		return h, h.id != "" && isID(h.id)
	}
	return h, false
}

// isID reports whether s is an id as in `91/6D-07914-E67BC044`, or empty.
func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 5 && c != '/' && c != '-' {
			return false
		}
	}
	return s == "" || strings.IndexByte(s, '-') > 0
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	h, ok := cutHead(line.Text)
	if !ok {
		return dst, parsers.ErrForeign
	}
	if h.kind[0] == 'M' {
		return dst, nil
	}
	n := len(dst)
	dst = append(dst, parsers.Event{Kind: parsers.Part, Time: h.at, QueueID: h.id})
	ev := &dst[n]
	a := &ev.Attempt
	c := cursor{rest: h.rest}
	other := parsers.Event{Time: h.at, QueueID: h.id} // what the line tells besides
	switch {
	case h.kind == "R":
		ev.Part, a.Recipient = received, c.address()
		other.Kind, other.Sender = parsers.Accepted, sender(c.address())
		c.skip(1) // IP
		other.Size = fields.Number(c.next())
	case h.kind == "X":
		ev.Part = moved
		other.Kind, other.Moved = parsers.Removed, true
		c.skip(4)
	case h.kind == "D":
		ev.Part, a.Status = tried, parsers.StatusSent
		a.Origin, a.Reply.Code = parsers.OriginImplied, 250
		other.Kind = parsers.Removed
		a.RecipientDomain = c.next()
		c.skip(3)
		c.attempt(a)
		ip, _, _ := strings.Cut(c.rest, "@")
		a.RelayIP = address(ip)
	case h.kind == "P" || h.kind == "T" && isMain(h.rest):
		ev.Part = tried
		if h.kind == "P" {
			other.Kind = parsers.Removed
		}
		a.RecipientDomain = c.next()
		c.skip(3)
		a.Command = command(c.next())
		c.attempt(a)
		a.RelayIP = address(c.next())
		setText(a, h.kind, c.rest)
	default:
		ev.Kind = parsers.Attempted
		a.Recipient, ev.Sender = c.address(), sender(c.address())
		c.skip(2)
		stage := c.next()
		a.Command = command(stage)
		c.skip(2) // class, size
		a.RelayIP = address(c.next())
		if own := setText(a, h.kind, c.rest); stage == outOfBand && (own == "" || strings.HasPrefix(own, "[oob]")) {
			a.Kind = parsers.Async
		}
	}
	if c.short {
		return dst[:n], line.Malformed("", "record of type "+h.kind+" with too few fields")
	}
	if a.Kind == parsers.Remote && fields.Inside(&p.Options, "", a.RelayIP) {
		a.Kind = parsers.Internal
	}
	if other.Kind != 0 {
		dst = append(dst, other)
	}
	return dst, nil
}

// isMain reports whether the fields of a T are the mainlog's: a domain and a number of bytes, not an address.
func isMain(s string) bool {
	domain, s, _ := strings.Cut(s, "@")
	size, _, _ := strings.Cut(s, "@")
	return !strings.HasPrefix(domain, `"`) && size != "" && strings.Trim(size, "0123456789") == ""
}

// A cursor walks through fields.
type cursor struct {
	rest  string
	short bool // there were too few
}

func (c *cursor) next() (field string) {
	field, rest, ok := strings.Cut(c.rest, "@")
	c.rest, c.short = rest, c.short || !ok
	return field
}

func (c *cursor) skip(n int) {
	for range n {
		c.next()
	}
}

// address returns two fields, a local part and a domain, as the address that they are.
func (c *cursor) address() string {
	s := c.rest
	local, ok := fields.QuotedString(s)
	i := strings.IndexByte(s[local:], '@')
	if !ok || i < 0 {
		c.short = true
		return ""
	}
	c.rest = s[local+i+1:]
	domain := c.next()
	return s[:local+i+1+len(domain)]
}

// attempt reads the number of retries and the delay.
func (c *cursor) attempt(a *parsers.Attempt) {
	retries, ok := fields.Seconds(c.next()) // a number as any other
	if ms, _ := retries.Milliseconds(); ok && ms < 1e9 {
		a.Ordinal = int(ms/1000) + 1
	}
	a.Delay, _ = fields.Seconds(c.next())
}

// sender returns the sender for an event: the null reverse-path has neither local part nor domain.
func sender(address string) string {
	if address == "@" {
		return parsers.NullSender
	}
	return address
}

// address returns s where it is the address of a server: where there was none, some versions write 0.0.0.0.
func address(s string) string {
	if ip, err := netip.ParseAddr(s); err != nil || ip.IsUnspecified() {
		return ""
	}
	return s
}

// outOfBand is the stage of a bounce message that came after the delivery. Momentum's own verdicts have it, too.
const outOfBand = "21"

// command returns the command that was under way in a stage (Momentum 4 documentation: Connection Stages).
func command(stage string) parsers.Command {
	switch stage {
	case "12":
		return parsers.CONNECT
	case "10", "11":
		return parsers.EHLO
	case "15", "16", "17":
		return parsers.STARTTLS
	case "2", "3":
		return parsers.MAILFROM
	case "4", "5":
		return parsers.RCPTTO
	case "6", "7":
		return parsers.DATA
	case "8", "9":
		return parsers.EndOfDATA
	}
	return parsers.NoCommand
}

// verdicts are Momentum's own (Momentum 4 documentation: Message Responses), of messages that it did not try to deliver
// once more.
var verdicts = [...]struct {
	text   string
	status parsers.Status
}{
	{"exceeded max time without delivery", parsers.StatusExpired},
	{"exceeded max retries without delivery", parsers.StatusExpired},
	{"Delivery not attempted (message expired)", parsers.StatusExpired},
	{"discarded by policy", parsers.StatusBounced},
	{"Blackholed", parsers.StatusBounced},
	{"Message manually purged", parsers.StatusBounced},
}

// setText sets what the server said, or Momentum in its place: then `[internal]` follows the codes, and own is what
// follows that.
func setText(a *parsers.Attempt, kind, text string) (own string) {
	a.Status = parsers.StatusBounced
	if kind == "T" {
		a.Status = parsers.StatusDeferred
	}
	a.Diagnostic, a.Origin = text, parsers.OriginRemote
	reply, ok := parsers.ParseReply(text)
	if !ok {
		a.Origin = parsers.OriginLocal
		return ""
	}
	a.Reply = reply
	own = strings.TrimPrefix(text[3:], " ")
	word, rest, _ := strings.Cut(own, " ")
	if _, ok := parsers.ParseEnhanced(word); ok {
		own = rest
	}
	own, internal := strings.CutPrefix(own, "[internal] ")
	if !internal {
		return ""
	}
	a.Origin = parsers.OriginLocal
	if kind == "T" {
		return own
	}
	if a.Reply.Enhanced == deliveryTimeExpired {
		a.Status = parsers.StatusExpired
	}
	for i := range verdicts {
		if v := &verdicts[i]; strings.HasPrefix(own, v.text) {
			a.Status, a.NotAttempted = v.status, true
		}
	}
	if a.Status == parsers.StatusExpired {
		a.Kind, a.NotAttempted, a.Command = parsers.Final, true, parsers.NoCommand
	}
	return own
}

// deliveryTimeExpired is the code where Momentum gave up (RFC 3463 3.5), in whatever words.
var deliveryTimeExpired = parsers.EnhancedCode{5, 4, 7}
