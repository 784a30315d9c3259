package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// oracle is the attempt record as encoding/json would write it. The names are those that people rely on.
type oracle struct {
	Time              string   `json:"time,omitempty"`
	Host              string   `json:"host,omitempty"`
	Format            string   `json:"format,omitempty"`
	Instance          string   `json:"instance,omitempty"`
	Process           string   `json:"process,omitempty"`
	QueueID           string   `json:"queue_id,omitempty"`
	MessageID         string   `json:"message_id,omitempty"`
	Sender            string   `json:"sender,omitempty"`
	Recipient         string   `json:"recipient,omitempty"`
	OriginalRecipient string   `json:"original_recipient,omitempty"`
	Domain            string   `json:"domain,omitempty"`
	RelayHost         string   `json:"relay_host,omitempty"`
	RelayIP           string   `json:"relay_ip,omitempty"`
	RelayPort         uint16   `json:"relay_port,omitempty"`
	Status            string   `json:"status,omitempty"`
	MTAStatus         string   `json:"mta_status,omitempty"`
	Attempted         bool     `json:"attempted"`
	Kind              string   `json:"kind"`
	ReplyCode         uint16   `json:"reply_code,omitempty"`
	EnhancedCode      string   `json:"enhanced_code,omitempty"`
	DSN               string   `json:"dsn,omitempty"`
	Origin            string   `json:"origin,omitempty"`
	Command           string   `json:"command,omitempty"`
	Class             string   `json:"class"`
	Rule              string   `json:"rule,omitempty"`
	Diagnostic        string   `json:"diagnostic,omitempty"`
	Delay             *float64 `json:"delay,omitempty"`
	XDelay            *float64 `json:"xdelay,omitempty"`
	Attempt           int      `json:"attempt,omitempty"`
	Job               string   `json:"job,omitempty"`
	SourceIP          string   `json:"source_ip,omitempty"`
	File              string   `json:"file,omitempty"`
	Line              int64    `json:"line,omitempty"`
	Direction         string   `json:"direction,omitempty"`
}

func oracleOf(r *summary.Record) oracle {
	seconds := func(d parsers.Duration) *float64 {
		ms, said := d.Milliseconds()
		if !said {
			return nil
		}
		s := float64(ms) / 1000
		return &s
	}
	o := oracle{
		Time: r.Time.String(), Host: r.Host, Format: r.Format, Instance: r.Instance, Process: r.Process, QueueID: r.QueueID,
		MessageID: r.MessageID, Sender: r.Sender, Recipient: r.Recipient, OriginalRecipient: r.OriginalRecipient, Domain: r.Domain,
		RelayHost: r.RelayHost, RelayIP: r.RelayIP, RelayPort: r.RelayPort, Status: r.Status.String(), MTAStatus: r.MTAStatus,
		Attempted: !r.NotAttempted, Kind: r.Kind.String(), ReplyCode: uint16(r.Reply.Code), EnhancedCode: r.Reply.Enhanced.String(),
		DSN: r.DSN.String(), Origin: r.Origin.String(), Command: r.Command.String(), Class: r.Class.String(), Rule: r.Rule,
		Diagnostic: r.Diagnostic, Delay: seconds(r.Delay), XDelay: seconds(r.XDelay), Attempt: r.Ordinal, Job: r.Job,
		SourceIP: r.SourceIP, File: r.File, Line: r.Line,
	}
	if r.Inbound {
		o.Direction = "inbound"
	}
	return o
}

func fullRecord() *summary.Record {
	return &summary.Record{
		Time: at("10h8m0.25s"), Host: "mx1", Format: "postfix", Instance: "postfix-bulk", Process: "smtp", QueueID: "4B1C2D3E4F5",
		MessageID: "<m1@news.example.org>", Sender: "news@example.org", Domain: "example.net",
		Attempt: parsers.Attempt{
			Recipient: "bob@example.net", OriginalRecipient: "Bob@example.net", RelayHost: "mx.example.net", RelayIP: "192.0.2.25",
			RelayPort: 25, Status: parsers.StatusBounced, MTAStatus: "SOFTBOUNCE", Origin: parsers.OriginRemote,
			Reply:      parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 1, 1}, Text: "550 5.1.1 User unknown"},
			DSN:        parsers.EnhancedCode{5, 0, 0},
			Command:    parsers.RCPTTO,
			Diagnostic: `host mx.example.net[192.0.2.25] said: 550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)`,
			Delay:      parsers.Milliseconds(700), XDelay: parsers.Milliseconds(12_000), Ordinal: 2, Job: "spring", SourceIP: "198.51.100.7",
		},
		Verdict: classify.Verdict{Class: parsers.Permanent, ReplyClass: parsers.Permanent, Rule: classify.RuleReplyCode},
		File:    "mail.log", Line: 1234,
	}
}

// records are an ordinary one, one of which the log said nothing, and the unusual.
func records() []*summary.Record {
	rs := []*summary.Record{fullRecord(), {}}
	null := fullRecord()
	null.Sender, null.Delay, null.XDelay, null.NotAttempted = parsers.NullSender, parsers.Milliseconds(0), parsers.Milliseconds(412), true
	inbound := &summary.Record{Time: at("0s"), Inbound: true, Attempt: parsers.Attempt{Status: parsers.StatusRejected, Kind: parsers.Final}}
	rs = append(rs, null, inbound)
	for _, s := range hostileTexts {
		r := &summary.Record{Time: at("1h"), Host: s, Domain: s, File: s, Line: 7}
		r.Recipient, r.Diagnostic = s, s
		rs = append(rs, r)
		rs = append(rs, &summary.Record{Host: s, Attempt: parsers.Attempt{Recipient: "ann@example.com", Diagnostic: s}})
	}
	return rs
}

func writeRecords(t testing.TB, format string, rs ...*summary.Record) ([]byte, RecordWriter) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewRecordWriter(format, &b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w
}

func TestRecordWriters(t *testing.T) {
	for _, format := range RecordFormats() {
		out, _ := writeRecords(t, format, records()...)
		golden(t, "attempts."+format, out)
		nothing, _ := writeRecords(t, format)
		golden(t, "attempts."+format+"-empty", nothing)
	}
	_, err := NewRecordWriter("tsv", io.Discard)
	if want := `unknown record format "tsv": want ndjson or csv`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// checkNDJSON compares a line with what encoding/json reads and writes of the same record.
func checkNDJSON(t *testing.T, line []byte, r *summary.Record) {
	t.Helper()
	if !utf8.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 || bytes.ContainsFunc(line[:len(line)-1], func(r rune) bool { return !unicode.IsGraphic(r) }) {
		t.Errorf("not one line of safe UTF-8: %q", line)
	}
	want, err := json.Marshal(oracleOf(r))
	if err != nil {
		t.Fatal(err)
	}
	var wantRecord, gotRecord oracle
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&gotRecord); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	if err := json.Unmarshal(want, &wantRecord); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantRecord, gotRecord); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := keys(t, line), keys(t, want); !cmp.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	// Numbers without noise: the same texts as the shortest form that encoding/json writes.
	var gotRaw, wantRaw map[string]json.RawMessage
	if err := json.Unmarshal(line, &gotRaw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &wantRaw); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"delay", "xdelay", "reply_code", "relay_port", "attempt", "line", "attempted"} {
		if g, w := string(gotRaw[k]), string(wantRaw[k]); g != w && !strings.Contains(w, "e") {
			t.Errorf("%s is %s, want %s", k, g, w)
		}
	}
}

// keys returns the names of a flat object in order.
func keys(t *testing.T, doc []byte) (names []string) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	for i := -1; ; i++ {
		tok, err := dec.Token()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := tok.(string); ok && i%2 == 0 {
			names = append(names, s)
		}
	}
}

func TestNDJSONAgainstOracle(t *testing.T) {
	for _, r := range records() {
		line, _ := writeRecords(t, "ndjson", r)
		checkNDJSON(t, line, r)
	}
}

func TestSeconds(t *testing.T) {
	for ms, want := range map[int64]string{0: "0", 700: "0.7", 12_000: "12", 412: "0.412", 5: "0.005", 86_400_010: "86400.01", -1_500: "-1.5"} {
		if got := string(appendSeconds(nil, parsers.Milliseconds(ms))); got != want {
			t.Errorf("%d ms = %q, want %q", ms, got, want)
		}
	}
	if got := appendSeconds(nil, parsers.Duration{}); len(got) != 0 {
		t.Errorf("a duration that was not said is %q", got)
	}
}

// checkCSV compares a line with what encoding/csv writes of the same cells.
func checkCSV(t *testing.T, out []byte, w RecordWriter, r *summary.Record) {
	t.Helper()
	var header, want bytes.Buffer
	var cells, columns []string
	runs := false
	for _, f := range recordFields() {
		columns = append(columns, f.name)
		var s string
		if f.text == nil {
			s = string(f.append(nil, r))
		} else {
			s = replaceInvalid(f.text(r))
			if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
				runs = runs || f.name == "sender" || strings.HasSuffix(f.name, "recipient")
				s = "'" + s
			}
		}
		cells = append(cells, s)
	}
	cw := csv.NewWriter(&header)
	if err := cw.Write(columns); err != nil {
		t.Fatal(err)
	}
	cw.Flush()
	n, examples := w.Skipped()
	if runs {
		if n != 1 || len(examples) != 1 || !bytes.Equal(out, header.Bytes()) {
			t.Errorf("an address that a spreadsheet runs: skipped %d %q, wrote %q", n, examples, out)
		}
		return
	}
	if n != 0 {
		t.Errorf("skipped %d: %q", n, examples)
	}
	cw = csv.NewWriter(&want)
	if err := cw.Write(cells); err != nil {
		t.Fatal(err)
	}
	cw.Flush()
	got := bytes.TrimPrefix(out, header.Bytes())
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("\n got %q\nwant %q", got, want.Bytes())
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != len(columns) {
		t.Errorf("%d rows, error %v, from %q", len(rows), err, out)
	}
}

// replaceInvalid replaces every byte that is no UTF-8, as encoding/json does.
func replaceInvalid(s string) string { return string([]rune(s)) }

func TestCSVAgainstOracle(t *testing.T) {
	for _, r := range records() {
		out, w := writeRecords(t, "csv", r)
		checkCSV(t, out, w, r)
	}
}

func TestCSVNamesWhatItLeavesOut(t *testing.T) {
	var rs []*summary.Record
	for i := range 7 {
		r := fullRecord()
		r.Recipient = "=\x1b" + strconv.Itoa(i) + "@example.com"
		rs = append(rs, r, fullRecord())
	}
	out, w := writeRecords(t, "csv", rs...)
	n, examples := w.Skipped()
	if n != 7 || len(examples) != maxSkipExamples || examples[0] != `=\x1b0@example.com` {
		t.Errorf("skipped %d, %q", n, examples)
	}
	if got := bytes.Count(out, []byte("\n")); got != 8 {
		t.Errorf("%d lines, want a header and 7 records", got)
	}
	if n, _ := newNDJSON(io.Discard).Skipped(); n != 0 {
		t.Errorf("ndjson skips %d", n)
	}
}

// A failing io.Writer must not go unnoticed, nor stay for the next records.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRecordWriterErrors(t *testing.T) {
	for _, format := range RecordFormats() {
		w, err := NewRecordWriter(format, brokenPipe{})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; err == nil && i < 10_000; i++ {
			err = w.Write(fullRecord())
		}
		if err != io.ErrClosedPipe {
			t.Errorf("%s: got %v", format, err)
		}
	}
	for _, f := range Formats() {
		if err := f.Write(brokenPipe{}, emptyReport(t), WriteOptions{}); err != io.ErrClosedPipe {
			t.Errorf("%s: got %v", f.Name, err)
		}
	}
}

func TestRecordWritersDoNotAllocate(t *testing.T) {
	for _, format := range RecordFormats() {
		w, err := NewRecordWriter(format, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		r := fullRecord()
		if n := testing.AllocsPerRun(1000, func() { _ = w.Write(r) }); n != 0 {
			t.Errorf("%s: %v allocations a record", format, n)
		}
	}
}

func FuzzRecordWriter(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s, "ann@example.com", s, int64(at("1h")), int64(412), uint16(550))
		f.Add("mx1", s, "550 5.1.1 no", int64(0), int64(-7), uint16(0))
	}
	f.Fuzz(func(t *testing.T, host, recipient, diagnostic string, stamp, delay int64, code uint16) {
		const year9999 = 253402300799_999999
		stamp = max(-62135596800_000000, min(stamp, year9999))
		r := &summary.Record{Time: parsers.Stamp(stamp), Host: host, Sender: recipient, Inbound: code%2 == 1, File: host, Line: int64(code)}
		r.Recipient, r.Diagnostic, r.Delay, r.Reply.Code = recipient, diagnostic, parsers.Milliseconds(delay%1e12), parsers.ReplyCode(code)
		r.Job, r.Class = diagnostic, parsers.Class(code%4)
		line, _ := writeRecords(t, "ndjson", r)
		checkNDJSON(t, line, r)
		out, w := writeRecords(t, "csv", r)
		checkCSV(t, out, w, r)
	})
}

func BenchmarkRecordWriter(b *testing.B) {
	for _, format := range RecordFormats() {
		b.Run("format="+format, func(b *testing.B) {
			w, err := NewRecordWriter(format, io.Discard)
			if err != nil {
				b.Fatal(err)
			}
			r := fullRecord()
			one, _ := writeRecords(b, "ndjson", r)
			b.SetBytes(int64(len(one)))
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("format=encoding-json", func(b *testing.B) {
		o := oracleOf(fullRecord())
		enc := json.NewEncoder(io.Discard)
		b.ReportAllocs()
		for b.Loop() {
			if err := enc.Encode(&o); err != nil {
				b.Fatal(err)
			}
		}
	})
}
