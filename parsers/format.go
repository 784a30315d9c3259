package parsers

import (
	"fmt"
	"net/netip"
	"time"
)

// A Format is one kind of log that bouncelog can read. A new one is a folder with a function Format() and one line in
// package all; nothing else is opened.
type Format struct {
	Name  string // as --input-format takes it: `postfix`
	Short string // one line for `bouncelog formats`

	// Evidence says how well the grammar is known: proven on real logs, specified by the vendor's source or
	// documentation, or tentative.
	Evidence Evidence

	// Tags are the syslog programs whose lines this format claims. A tag that starts with a slash, `/smtp`, claims
	// that program under any syslog_name in front of it: `postfix/smtp`, `mta-bulk/smtp`, `postfix/relay/smtp`.
	// Where a format has tags, lines with a tag that no format claims are another program's.
	Tags []string

	// Sniff says how sure the format is that it can read this sample.
	Sniff func(s Sample) Score

	// Open returns a parser for one input. head is the input's first line, for formats that name their columns there.
	Open func(head string, o Options) (Parser, error)
}

// Evidence says what the knowledge of a format rests on.
type Evidence string

// The levels of evidence, from the best to the weakest.
const (
	Proven    Evidence = "proven"    // checked against real logs
	Specified Evidence = "specified" // read out of the vendor's source or documentation
	Tentative Evidence = "tentative" // from examples of others
)

// Options is what a parser may depend on besides the line.
type Options struct {
	// Location is the zone of stamps that name none. Nil means UTC.
	Location *time.Location

	// InternalRelays are networks, and InternalHosts host names (lower case), whose deliveries are hops inside the
	// house whatever else the line says (--internal-relay).
	InternalRelays []netip.Prefix
	InternalHosts  []string
}

// A Parser turns a line into events.
//
// AppendEvents appends what the line tells to dst and returns it. A line about something else appends nothing. A line that
// should parse and does not yields a [*SyntaxError] and dst unchanged. Strings in events are parts of line.Text and
// live as long as it does: whoever keeps one clones it. The line itself is lent: it is neither changed nor kept.
//
// A Parser holds no state that changes: the same line gives the same events on any goroutine, in any order.
type Parser interface {
	AppendEvents(dst []Event, line *Line) ([]Event, error)
}

// A Line is one log line with the transport's header taken off.
type Line struct {
	Raw  string // the whole line, without its end
	Text string // what the program wrote: Raw after the syslog header, unescaped where a wrapper had escaped it

	Time Stamp  // of the header; zero: it has none
	Host string // of the header, after --host-alias
	Tag  string // of the header: `postfix/smtp`
	PID  string // of the header

	// YearGuessed: the header's stamp names no year, and Time has the one that fits the input's first line best.
	// A parser that finds better evidence on the line sets Event.Time.
	YearGuessed bool

	// Repeat is the N of `message repeated N times: [ … ]`: the text stands for that many more lines. Zero: one line.
	Repeat int
}

// Count returns how many events one event of this line stands for.
func (l *Line) Count() int { return max(1, l.Repeat) }

// A Sample is the beginning of an input, for detection.
type Sample struct {
	Lines []Line
}

// A Score says how sure a format is of a sample: 0 not mine, 100 certain.
type Score int

// A SyntaxError tells where a line that should parse does not. Column counts bytes of Line.Text from 1.
type SyntaxError struct {
	Column int
	Msg    string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Msg) }

// A Stamp is an instant in microseconds since the Unix epoch, UTC. Zero: the log did not say.
//
// Note: eight bytes that compare with == and add up without a pointer; time.Time is three words and carries a zone that
// nothing after the header needs.
type Stamp int64

// StampOf returns t as a Stamp.
func StampOf(t time.Time) Stamp { return Stamp(t.UnixMicro()) }

// Time returns s as a time in UTC, and the zero Time where s is zero.
func (s Stamp) Time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(s)).UTC()
}

// Add returns s moved by d.
func (s Stamp) Add(d time.Duration) Stamp { return s + Stamp(d.Microseconds()) }

// Sub returns the time from o to s.
func (s Stamp) Sub(o Stamp) time.Duration { return time.Duration(s-o) * time.Microsecond }

// AppendRFC3339 appends s as RFC 3339 writes it, in UTC, with as many digits of the second as it has.
func (s Stamp) AppendRFC3339(dst []byte) []byte {
	return s.Time().AppendFormat(dst, time.RFC3339Nano)
}

func (s Stamp) String() string {
	if s == 0 {
		return ""
	}
	return string(s.AppendRFC3339(nil))
}
