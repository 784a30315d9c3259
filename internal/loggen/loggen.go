// Package loggen writes Postfix logs that look like real ones, and says what a correct analyser must find in them.
//
// It serves the tests (truth against report), the fuzz targets (seeds) and `make bench`. The shapes of the lines are those
// of Postfix's source (global/log_adhoc.c, smtp/smtp_proto.c, qmgr/qmgr_active.c and so on); names and addresses are those
// reserved for documentation (RFC 2606, RFC 5737, RFC 3849).
//
// A generator is a queue of timed events. Each event writes the lines of its moment and schedules what follows from it, so
// the lines of many messages come interleaved and in log-time order. Counting happens where a line is written, never where
// it is planned: [Truth] tells what the log says, which is all that an analyser can know.
//
// The same [Options] give the same bytes.
package loggen

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// The forms of a line's header, for [Options.Header].
const (
	RFC3164 = "rfc3164" // `Jan  6 00:00:00 mx1 postfix/smtp[123]: `
	ISO     = "iso"     // RFC 3339 with microseconds, as rsyslog's RSYSLOG_FileFormat
	RFC5424 = "rfc5424" // RFC 5424 6: `<22>1 … mx1 postfix/smtp 123 - - `
	Maillog = "maillog" // Postfix's own maillog_file (util/msg_logger.c): no other program's lines
)

// Options say what to write. The zero value of a field is its default; only a size is asked for.
type Options struct {
	Seed uint64

	// The log ends, queue drained, near Size bytes (from a megabyte on, mostly within a few percent) or after Messages
	// new messages, whichever comes first; one of the two must be set. With Cut it ends at that point at once, with
	// mail still queued.
	Size     int64
	Messages int64
	Cut      bool

	// CutStart leaves out the lines of the first stretch of log time, as if an earlier file held them.
	CutStart time.Duration

	// Start is the time of the first message, by default 2026-01-06 00:00 UTC. A start shortly before New Year, or
	// before the clocks of Location change, is how a log gets a year wrap or a repeated hour.
	Start    time.Time
	Location *time.Location // of the stamps; nil: UTC

	Hosts   []string // names that the lines carry; none: mx1
	Header  string   // one of the constants above; empty: RFC3164
	LongIDs bool     // enable_long_queue_ids; they are never used again
	TLS     bool     // `tls=` in smtp's records, Postfix 3.11
	Rate    float64  // new messages per second of log time, all hosts together; zero: 50
	Domains int      // recipient domains; zero: 1000

	// The queue: a message still deferred when older than Lifetime expires; a retry waits for the message's age, but
	// at least MinBackoff and at most MaxBackoff (qmgr/qmgr_active.c). Zero: six hours, 300 s and 4000 s.
	Lifetime, MinBackoff, MaxBackoff time.Duration

	// Silence is how long the analyser waits for word of a message before it counts it as lost. Zero: six days.
	Silence time.Duration

	// Blocker is the recipient domain whose servers Mix.Block has refuse mail. Empty: example.com, to which the most goes.
	Blocker string

	Mix Mix
}

// A Mix says how often what happens: probabilities, zero for never. The zero Mix delivers all mail at the first try.
type Mix struct {
	// Of each attempt. Notifications fail half as often.
	Defer       float64 // a first attempt is deferred
	DeferAgain  float64 // a later one is
	Bounce      float64
	Stuck       float64 // a deferred recipient stays so until the message expires
	NoSession   float64 // a failure is one of DNS or connection: nobody answered
	MultiLine   float64 // a failure's reply has several lines
	Odd         float64 // a failure's codes contradict each other, or are written in an odd way
	HostileText float64 // a failure's reply tries to pass for log syntax
	SoftBounce  float64 // a bounce is kept as SOFTBOUNCE
	Suspend     float64 // `delivery temporarily suspended` instead of an attempt
	Tried       float64 // another server was tried in vain before
	Block       float64 // Options.Blocker refuses a first attempt, since our address is on a list
	Repeat      float64 // rsyslog folds further records of the same deferral: `message repeated N times`

	// Of each message.
	MultiRecipient   float64
	HostileRecipient float64 // of each recipient: an address that tries to pass for log syntax
	Pickup           float64 // submitted by sendmail(1), not SMTP
	Local            float64 // of each recipient: a mailbox of this host
	Forward          float64 // of each recipient of local(8): has a forward file
	Filter           float64 // goes through a content filter: two queue ids
	FilterDefer      float64 // of those: the filter is down at first
	FilterBounce     float64 // of those: the filter refuses the message
	Probe            float64 // an address verification besides

	// What administrators and lossy logs do.
	Delete      float64 // of each deferred run: postsuper -d
	ForceExpire float64 // of each deferred run: postsuper -e
	LostStart   float64 // the lines that begin the message are missing
	LostRemoved float64 // `removed` is missing
	LostTail    float64 // of each deferred run: all later lines of the message are missing
	Reuse       float64 // of short ids: the next message gets the id that became free
	ReuseLost   float64 // of short ids whose `removed` is missing: the same
	Clash       float64 // of short ids on several hosts: the message has the id of one on another host

	// Other lines, of each message.
	Reject    float64 // an inbound refusal
	Session   float64 // connects, disconnects, TLS and statistics
	Foreign   float64 // dovecot, sshd, cron
	Malformed float64 // a record that breaks off before its status
	Unknown   float64 // Postfix lines nobody knows, lines that are no log lines at all
}

// Typical returns what a busy outbound relay's log is like.
func Typical() Mix {
	return Mix{
		Defer: 0.12, DeferAgain: 0.5, Bounce: 0.04, Stuck: 0.06, NoSession: 0.25, MultiLine: 0.12, Odd: 0.1,
		Suspend: 0.01, Tried: 0.05, MultiRecipient: 0.08, Pickup: 0.1, Local: 0.02, Forward: 0.1,
		Reject: 0.05, Session: 0.5, Foreign: 0.05,
	}
}

// Everything returns a mix in which all that a Mix can name happens often: for tests of correctness, not of speed.
func Everything() Mix {
	return Mix{
		Defer: 0.2, DeferAgain: 0.5, Bounce: 0.1, Stuck: 0.1, NoSession: 0.25, MultiLine: 0.15, Odd: 0.15, HostileText: 0.1,
		SoftBounce: 0.1, Suspend: 0.05, Tried: 0.1, Repeat: 0.05,
		MultiRecipient: 0.2, HostileRecipient: 0.05, Pickup: 0.2, Local: 0.1, Forward: 0.2, Filter: 0.1, FilterDefer: 0.2,
		FilterBounce: 0.1, Probe: 0.05,
		Delete: 0.02, ForceExpire: 0.02, LostStart: 0.03, LostRemoved: 0.05, LostTail: 0.02, Reuse: 0.2, ReuseLost: 0.5,
		Clash: 0.05, Reject: 0.1, Session: 0.5, Foreign: 0.1, Malformed: 0.01, Unknown: 0.01,
	}
}

// Write writes a log to w and returns what it says.
func Write(w io.Writer, o Options) (Truth, error) {
	if err := o.complete(); err != nil {
		return Truth{}, err
	}
	g := newGenerator(w, o)
	g.run()
	if g.err != nil {
		return Truth{}, fmt.Errorf("write log: %w", g.err)
	}
	return g.truth(), nil
}

// complete sets the defaults of o and tells what is wrong with it.
func (o *Options) complete() error {
	switch o.Header {
	case "":
		o.Header = RFC3164
	case RFC3164, ISO, RFC5424, Maillog:
	default:
		return fmt.Errorf("unknown header form %q", o.Header)
	}
	if o.Size <= 0 {
		if o.Messages <= 0 {
			return errors.New("neither a size nor a number of messages")
		}
		o.Size = math.MaxInt64
	}
	if o.Messages <= 0 {
		o.Messages = math.MaxInt64
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, time.January, 6, 0, 0, 0, 0, time.UTC)
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if len(o.Hosts) == 0 {
		o.Hosts = []string{"mx1"}
	}
	setDefault(&o.Rate, 50)
	setDefault(&o.Domains, 1000)
	setDefault(&o.Lifetime, 6*time.Hour)
	setDefault(&o.MinBackoff, 300*time.Second)
	setDefault(&o.MaxBackoff, max(4000*time.Second, o.MinBackoff))
	setDefault(&o.Silence, 6*24*time.Hour)
	o.Blocker = cmp.Or(o.Blocker, "example.com")
	switch {
	case o.Start.Unix() < 1<<29 || o.Start.Unix() > 1<<34: // outside, long queue ids have not six digits of seconds
		return fmt.Errorf("start %v is not between 1987 and 2514", o.Start)
	case len(o.Hosts) > maxHosts || o.Domains > maxDomains || o.Domains < 0:
		return fmt.Errorf("%d hosts and %d domains; at most %d and %d", len(o.Hosts), o.Domains, maxHosts, maxDomains)
	case !(o.Rate > 0 && o.Rate <= 1e6):
		return fmt.Errorf("rate %v is not between 0 and 1e6 messages a second", o.Rate)
	case o.MinBackoff < time.Second || o.MaxBackoff < o.MinBackoff:
		return fmt.Errorf("backoff from %v to %v", o.MinBackoff, o.MaxBackoff)
	case o.MaxBackoff+time.Hour > o.Silence: // an hour: more than any delivery takes
		return fmt.Errorf("backoff of %v leaves messages silent for nearly %v, which counts as lost", o.MaxBackoff, o.Silence)
	case o.CutStart < 0 || o.Lifetime < 0:
		return errors.New("negative duration")
	}
	return nil
}

func setDefault[T int | float64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}
