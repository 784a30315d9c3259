package report

import (
	"fmt"
	"io"
	"strconv"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// A RecordWriter writes delivery attempts, one a line (`bouncelog attempts`). It buffers: Flush comes last.
type RecordWriter interface {
	// Write writes one record, of which it keeps nothing.
	Write(r *summary.Record) error
	// Flush writes what is buffered.
	Flush() error
	// Skipped returns how many records were left out because their format cannot hold them safely, and the addresses
	// of the first few, fit for a terminal.
	Skipped() (n int64, examples []string)
}

// RecordFormats returns the names that NewRecordWriter takes, the default first.
func RecordFormats() []string { return []string{"ndjson", "csv"} }

// NewRecordWriter returns a writer of attempt records: `ndjson`, one JSON object a line, or `csv`, RFC 4180 with a line of
// column names.
//
// Names and order are the same in both. In ndjson, keys whose value the log did not say are left out; in CSV their cells
// are empty, and only columns that this version can fill are there. Later versions add columns, so read them by name.
func NewRecordWriter(format string, w io.Writer) (RecordWriter, error) {
	switch format {
	case "ndjson":
		return newNDJSON(w), nil
	case "csv":
		return newCSV(w), nil
	}
	return nil, fmt.Errorf("unknown record format %q: want %s", format, oneOf(RecordFormats()))
}

// flushAt is how much a record writer holds back, in bytes.
const flushAt = 64 << 10

// A sink collects the output of a record writer.
type sink struct {
	w   io.Writer
	buf []byte
}

func newSink(w io.Writer) sink { return sink{w, make([]byte, 0, flushAt+flushAt/4)} }

// drain writes the buffer where it is full.
func (s *sink) drain() error {
	if len(s.buf) < flushAt {
		return nil
	}
	return s.Flush()
}

// Flush writes the buffer. What a failed write left is dropped: it is not known how much of it arrived.
func (s *sink) Flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	_, err := s.w.Write(s.buf)
	s.buf = s.buf[:0]
	if cap(s.buf) > 16*flushAt { // one huge record must not stay in memory for ever
		s.buf = make([]byte, 0, flushAt+flushAt/4)
	}
	return err
}

// A fieldKind says how a field is written.
type fieldKind uint8

const (
	textField    fieldKind = iota // any text
	addressField                  // an address: never altered
	quotedField                   // a string of our own making: a time, a code
	bareField                     // a number or a truth value
)

// A field is one key of the attempt record, and one column of the CSV.
type field struct {
	name   string
	kind   fieldKind
	text   func(r *summary.Record) string             // of textField and addressField; empty: not said
	append func(dst []byte, r *summary.Record) []byte // of the others; nothing appended: not said
}

func text(name string, get func(*summary.Record) string) field {
	return field{name: name, kind: textField, text: get}
}

func address(name string, get func(*summary.Record) string) field {
	return field{name: name, kind: addressField, text: get}
}

func quoted(name string, put func([]byte, *summary.Record) []byte) field {
	return field{name: name, kind: quotedField, append: put}
}

func bare(name string, put func([]byte, *summary.Record) []byte) field {
	return field{name: name, kind: bareField, append: put}
}

// recordFields returns the fields in the order of the output.
func recordFields() []field {
	type record = summary.Record
	return []field{
		quoted("time", func(dst []byte, r *record) []byte {
			if r.Time == 0 {
				return dst
			}
			return r.Time.AppendRFC3339(dst)
		}),
		text("host", func(r *record) string { return r.Host }),
		text("format", func(r *record) string { return r.Format }),
		text("instance", func(r *record) string { return r.Instance }),
		text("process", func(r *record) string { return r.Process }),
		text("queue_id", func(r *record) string { return r.QueueID }),
		text("message_id", func(r *record) string { return r.MessageID }),
		address("sender", func(r *record) string { return r.Sender }),
		address("recipient", func(r *record) string { return r.Recipient }),
		address("original_recipient", func(r *record) string { return r.OriginalRecipient }),
		text("domain", func(r *record) string { return r.Domain }),
		text("provider", func(r *record) string { return r.Provider }),
		text("relay_host", func(r *record) string { return r.RelayHost }),
		text("relay_ip", func(r *record) string { return r.RelayIP }),
		bare("relay_port", func(dst []byte, r *record) []byte { return appendCount(dst, int64(r.RelayPort)) }),
		text("status", func(r *record) string { return r.Status.String() }),
		text("mta_status", func(r *record) string { return r.MTAStatus }),
		bare("attempted", func(dst []byte, r *record) []byte { return strconv.AppendBool(dst, !r.NotAttempted) }),
		text("kind", func(r *record) string { return r.Kind.String() }),
		bare("reply_code", func(dst []byte, r *record) []byte { return appendCount(dst, int64(r.Reply.Code)) }),
		quoted("enhanced_code", func(dst []byte, r *record) []byte { return r.Reply.Enhanced.AppendTo(dst) }),
		quoted("dsn", func(dst []byte, r *record) []byte { return r.DSN.AppendTo(dst) }),
		text("origin", func(r *record) string { return r.Origin.String() }),
		text("command", func(r *record) string { return r.Command.String() }),
		text("class", func(r *record) string { return r.Class.String() }),
		text("category", cause(func(c *classify.Cause) string { return c.Category.String() })),
		text("sub", cause(func(c *classify.Cause) string { return c.Sub })),
		text("fault", cause(func(c *classify.Cause) string { return c.Fault })),
		text("suppress", cause(func(c *classify.Cause) string { return c.Suppress })),
		text("rule", ruleOf),
		text("confidence", cause(func(c *classify.Cause) string { return c.Confidence })),
		text("diagnostic", func(r *record) string { return r.Diagnostic }),
		bare("delay", func(dst []byte, r *record) []byte { return appendSeconds(dst, r.Delay) }),
		bare("xdelay", func(dst []byte, r *record) []byte { return appendSeconds(dst, r.XDelay) }),
		bare("attempt", func(dst []byte, r *record) []byte { return appendCount(dst, int64(r.Ordinal)) }),
		text("job", func(r *record) string { return r.Job }),
		text("source_ip", func(r *record) string { return r.SourceIP }),
		text("file", func(r *record) string { return r.File }),
		bare("line", func(dst []byte, r *record) []byte { return appendCount(dst, r.Line) }),
		text("direction", func(r *record) string {
			if r.Inbound {
				return "inbound"
			}
			return ""
		}),
	}
}

// cause returns what get says of a record's cause, nothing where it has none.
func cause(get func(*classify.Cause) string) func(*summary.Record) string {
	return func(r *summary.Record) string {
		if r.Cause == nil {
			return ""
		}
		return get(r.Cause)
	}
}

// ruleOf returns what the category rests on: a rule, or the class where none knows the reply. Of what did not fail, it is
// what the class rests on.
func ruleOf(r *summary.Record) string {
	if r.Cause != nil && r.Cause.Rule != nil {
		return r.Cause.Rule.ID
	}
	return r.Verdict.Rule
}

// appendCount appends n, nothing where it is zero.
func appendCount(dst []byte, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendSeconds appends d in seconds, with as many decimals as it has: 0.7, 12, 0.412.
func appendSeconds(dst []byte, d parsers.Duration) []byte {
	ms, said := d.Milliseconds()
	if !said {
		return dst
	}
	n := uint64(ms)
	if ms < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = strconv.AppendUint(dst, n/1000, 10)
	if n %= 1000; n == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
