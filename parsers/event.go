package parsers

import "time"

// A Kind says what an event tells.
type Kind uint8

// The kinds of event. Only Attempted, Expired and Rejected become attempt records; the others serve the correlation.
const (
	// Accepted: the MTA opened a queue file for a new message (Postfix smtpd `client=`, pickup `uid=`; Exim `<=`).
	// It begins a message, whatever the queue id meant before. Sender where the line has it.
	Accepted Kind = iota + 1
	// Named: the message's Message-ID became known. In Postfix it is written once, before the first attempt, so it
	// too begins a message where one with attempts was open under the id.
	Named
	// Queued: the message's sender and size, written before an attempt, possibly again before every retry.
	Queued
	// Attempted: one delivery attempt for one recipient. Attempt has the rest.
	Attempted
	// Tried: one of several servers was tried without deciding the attempt. Never an outcome. Attempt has what is known.
	Tried
	// Expired: the MTA gave up; every recipient still deferred failed with it. Attempt.Recipient where the line names
	// one, then it alone; empty for all of the message.
	Expired
	// Removed: the message left the queue; its queue id is free. Moved where it goes on under another id.
	Removed
	// Requeued: the message lives on, or is reported on, under NextID (content-filter hop, forward, bounce message).
	Requeued
	// Rejected: a message or recipient was refused at the door, inbound. Attempt has what the line tells of it.
	Rejected
	// Headed: the log quotes the message's header field that [Options.CampaignHeader] asks for: Campaign has its value.
	Headed
	// Part: something that means a delivery only together with other lines: a line of an SMTP transcript, the beginning
	// of an attempt that has a number of its own. Only the [Joiner] of the same format sees it; Part and Text are theirs.
	Part
)

// An Event is what one line tells. Which fields are set depends on Kind.
type Event struct {
	Kind Kind

	// Time and Host replace the line's where they are not zero.
	Time Stamp
	Host string

	Instance string // which of several MTAs of this host: Postfix's syslog_name up to the first slash
	Process  string // what delivers: the program that wrote the line (`smtp`), or a transport of Exim's (`remote_smtp`)
	QueueID  string // empty: the line belongs to no queued message

	Sender    string // Queued, Accepted, or on the attempt itself; NullSender for the null reverse-path
	MessageID string // Named, with its angle brackets
	Size      int64  // Queued: bytes
	NextID    string // Requeued
	Campaign  string // Headed, or on the attempt itself
	Moved     bool   // Removed: the message goes on under another queue id, so nothing of it is lost

	Part uint8  // Part: which, as the format counts them
	Text string // Part: what it says

	Attempt Attempt // Attempted, Tried, Expired, Rejected, Part; zero for the others
}

// AppendZero appends a zero event to dst, to be filled in its place.
//
// Note: an event is some hundred bytes, most of them the attempt's, and half of a log's events have none. What dst had in that
// place before is cleared as far as its kind may have written there, which costs a third of clearing it all.
func AppendZero(dst []Event) []Event {
	n := len(dst)
	if n == cap(dst) {
		return append(dst, Event{})
	}
	dst = dst[:n+1]
	ev := &dst[n]
	switch ev.Kind {
	case Accepted, Named, Queued, Removed, Requeued, Headed:
		ev.Kind, ev.Time, ev.Host, ev.Instance, ev.Process, ev.QueueID = 0, 0, "", "", "", ""
		ev.Sender, ev.MessageID, ev.Size, ev.NextID, ev.Campaign, ev.Moved = "", "", 0, "", "", false
		ev.Part, ev.Text = 0, ""
	default:
		*ev = Event{}
	}
	return dst
}

// NullSender is how the null reverse-path (RFC 5321 4.5.5) is written in [Event.Sender]; an empty Sender is an unknown one.
const NullSender = "<>"

// Sender returns what a log has between the brackets of a reverse-path as [Event.Sender] has it: nothing there is the null
// one.
func Sender(path string) string {
	if path == "" {
		return NullSender
	}
	return path
}

// An Attempt is one try to deliver to one recipient (RFC 3464 2.3.7).
type Attempt struct {
	Recipient         string // final recipient, without angle brackets, quoted as the log has it
	OriginalRecipient string // before rewriting: Postfix orig_to=; RFC 3464 2.3.1
	RecipientDomain   string // where the log names the recipient's domain and not the recipient
	Controller        string // whom the delivery is done for (sendmail ctladdr=): the sender where no line names it

	RelayHost string // RemoteMTA: the server talked to, or tried in vain
	RelayIP   string
	RelayPort uint16

	Status    Status // what our MTA made of it
	MTAStatus string // the log's word, where it is not Status's own: `SOFTBOUNCE`

	// NotAttempted: the MTA did nothing for this recipient in this run (suspended, expired, discarded, an
	// administrator's text). A routing or DNS failure is an attempt, of origin local.
	NotAttempted bool

	Kind    AttemptKind
	Origin  Origin
	Reply   Reply        // what the server said; zero where none did
	DSN     EnhancedCode // the MTA's own opinion: Postfix dsn=
	Command Command      // the SMTP command that was answered, or at which the dialogue broke

	// Diagnostic is the MTA's whole text for this attempt, the reply in it.
	Diagnostic string
	// Truncated: the log cut the text; codes at its beginning are still good.
	Truncated bool
	// Guessed: the format's grammar is not known; fields were recognised by their shape.
	Guessed bool

	Delay  Duration // since the message arrived in this queue
	XDelay Duration // of this transaction

	Ordinal  int    // which attempt for this message and recipient this is; zero: unknown
	Job      string // the sender's name for the mailing
	SourceIP string // our end of the connection
}

// A Duration is a length of time that a log gave, in milliseconds. It knows "zero" from "not said": the zero value is the
// latter.
//
// Note: a plain number cannot, as `delay=0` is common; a pointer would allocate on every record.
type Duration struct {
	ms   int64
	said bool
}

// Milliseconds returns a Duration that the log said.
func Milliseconds(ms int64) Duration { return Duration{ms, true} }

// Between returns the time from one instant to another. It is not said where the log did not say the first, or has them in
// the wrong order.
func Between(from, to Stamp) Duration {
	if from == 0 || to < from {
		return Duration{}
	}
	return Milliseconds(to.Sub(from).Milliseconds())
}

// Milliseconds returns d, and whether the log said it.
func (d Duration) Milliseconds() (ms int64, said bool) { return d.ms, d.said }

// Duration returns d as a time.Duration, zero where the log did not say.
func (d Duration) Duration() time.Duration { return time.Duration(d.ms) * time.Millisecond }
