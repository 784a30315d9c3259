package parsers

import (
	"errors"
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
	// A line with a tag that no format claims is tried by the formats that Sniff found, and is another program's where
	// they return [ErrForeign].
	Tags []string

	// Sniff says how sure the format is that it can read this sample. It is asked twice: with the raw lines, and with
	// the lines behind their syslog headers that no tag claims. Nil: only tags and --input-format lead here.
	Sniff func(s Sample) Score

	// OmitsDeferrals: the program's log has deferrals only where it was told to write them, or a sample of them. Where
	// none stands in a log, their rate is not known.
	OmitsDeferrals bool

	// LastResort: used where no other format reads anything of an input.
	LastResort bool

	// Framing is how records are cut where they have no syslog header of their own.
	Framing Framing

	// Header is how a record begins that names the columns of those after it (`type,`, `#Fields:`). With Columns, the
	// first record of an input does, and every one equal to it. Open is called with each such record; parsers never see
	// them as lines.
	Header  string
	Columns bool

	// Open returns a parser for one input, or for the rows under one header.
	Open func(s Sample, o Options) (Parser, error)

	// Fold tells lines that are pieces of one record. Nil: every line is whole.
	Fold func(line *Line) Fold

	// Echoes: the program writes some lines twice in a row, to two facilities of syslog. Of two such lines that follow
	// each other, the second counts.
	Echoes bool

	// Join returns what puts together the Part events of a whole scan. Nil: the format has none.
	Join func(o Options) Joiner
}

// Framing is how the records of a file are cut.
type Framing uint8

// The framings.
const (
	Lines Framing = iota // one record a line
	CSV                  // RFC 4180: a record ends at the line end that is outside quotes
	JSON                 // JSON objects, one a line, one after another, or in an array (RFC 8259); what is more than one is a SyntaxError
)

// A Fold says whether a line is a piece of a record.
type Fold struct {
	Piece Piece
	Key   string // of a piece: pieces of one record have the same, and the same host, tag and pid
	Text  string // of a piece: what it adds to the record's text
	Break bool   // a line end stands between this piece and the next
}

// A Piece is which piece of its record a line is.
type Piece uint8

// The pieces. The zero value is a whole record. A record is complete at its Last piece, or before the first line of the
// same host, tag and pid that is no piece of it.
const (
	Whole Piece = iota
	First
	Middle
	Last
)

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

	// CampaignHeader is the header field whose value names the mailing, in lower case. Formats that write header fields
	// return it in [Event.Campaign]. Empty: nobody asks.
	CampaignHeader string
}

// ErrForeign says that a line is not of this format: another may try it.
var ErrForeign = errors.New("not a line of this format")

// A Parser turns a line into events.
//
// AppendEvents appends what the line tells to dst and returns it. A line of the format that is about something else appends
// nothing. A line that is not of the format yields [ErrForeign], one that should parse and does not a [*SyntaxError], both
// with dst unchanged. Strings in events are parts of line.Text and
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

// Malformed returns the [*SyntaxError] for what begins at rest, a suffix of l.Text.
func (l *Line) Malformed(rest, msg string) error {
	return &SyntaxError{Column: len(l.Text) - len(rest) + 1, Msg: msg}
}

// A Joiner makes events of the [Part] events of its format. It sees those of all inputs in the order of the log, and is used
// by one goroutine. Its memory must be bounded whatever the log says.
//
// One that implements [encoding.BinaryAppender] and [encoding.BinaryUnmarshaler] can go on in a later run where this one ends, with
// what it remembers: --state needs that.
//
// Join appends to dst the events that are complete with ev, a Part of line. host is the line's host, or what stands for it.
// What it keeps of ev and line it clones. Events it returns have the position of line, and its time unless they set one.
type Joiner interface {
	Join(dst []Event, host string, line *Line, ev *Event) []Event
}

// A Sample is the beginning of an input: its first lines, some hundred at most, and its first that is not blank, or where
// a format names its columns in a [Format.Header], that record, without its end.
type Sample struct {
	Head  string
	Lines []Line
}

// Ratio returns the share of the lines for which ours holds, of those that are not blank, in percent, at least 1 where
// there is one: what most formats say for Sniff.
func (s *Sample) Ratio(ours func(*Line) bool) Score {
	n, all := 0, 0
	for i := range s.Lines {
		if s.Lines[i].Text == "" {
			continue
		}
		all++
		if ours(&s.Lines[i]) {
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return Score(max(1, 100*n/all))
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
