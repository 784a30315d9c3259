package syslog

import (
	"cmp"
	"strconv"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// json cuts a line of `journalctl -o json`, or of docker's json-file driver. Other programs' JSON is none of ours.
func (r *Reader) json(l *parsers.Line, s string) bool {
	// Two searches at the speed of memory spare the JSON logs of MTAs the walk through them.
	switch {
	case strings.Contains(s, `"MESSAGE"`):
		return r.journal(l, s)
	case strings.Contains(s, `"log"`):
		return r.jsonFile(l, s)
	}
	return false
}

// The fields of a journal entry that matter (systemd.journal-fields(7)), and where journal keeps them.
const (
	journalMessage = iota
	journalTag
	journalPID
	journalTrustedPID
	journalHost
	journalReceived
	journalSent
	journalFields
)

var journalKeys = [journalFields]string{
	"MESSAGE", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_PID", "_HOSTNAME", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP",
}

// journal cuts an entry of the journal.
func (r *Reader) journal(l *parsers.Line, s string) bool {
	var v [journalFields]fields.Value
	if !fields.Object(s, journalKeys[:], v[:]) || v[journalMessage].IsZero() {
		return false
	}
	if v[journalTag].IsZero() && v[journalHost].IsZero() && v[journalReceived].IsZero() {
		return false
	}
	var values [journalFields]string
	for i := range v {
		values[i] = journalText(v[i])
	}
	r.entry(l, &values)
	return true
}

// entry makes a line of an entry of the journal.
func (r *Reader) entry(l *parsers.Line, v *[journalFields]string) {
	if l.Time = micros(v[journalReceived]); l.Time == 0 {
		l.Time = micros(v[journalSent])
	}
	l.PID = cmp.Or(v[journalPID], v[journalTrustedPID])
	l.Host, l.Tag, l.Text = r.rename(v[journalHost]), v[journalTag], v[journalMessage]
	r.message(l, strings.Contains(l.Tag, "/"), ownHeader)
}

// micros reads a decimal number of microseconds since 1970, zero if s is none.
func micros(s string) parsers.Stamp {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return parsers.Stamp(n)
}

var jsonFileKeys = [...]string{"log", "stream", "time"}

// jsonFile cuts a line of docker's json-file driver (moby: daemon/logger/jsonfilelog/jsonlog/jsonlog.go).
func (r *Reader) jsonFile(l *parsers.Line, s string) bool {
	var v [len(jsonFileKeys)]fields.Value
	if !fields.Object(s, jsonFileKeys[:], v[:]) || !v[0].IsString() {
		return false
	}
	log, stream, at := v[0], v[1], v[2]
	var out outer
	m := &r.stamps[ownHeader]
	if rest, ok := m.read(at.Text()); ok && m.stamp.form == formISO && m.stamp.zoned && rest == "" {
		out.at, _ = r.settle(m, outer{})
		out.sure = true
	} else if stream.IsZero() {
		return false
	}
	r.payload(l, skipColour(strings.TrimSuffix(withoutNewline(log.Quoted()), "\r")), out)
	return true
}

// journalText returns the text of a field: of an array of bytes what it spells, and of another array, by which the journal
// writes a field that came twice, the first element's.
func journalText(v fields.Value) string {
	if !v.IsArray() {
		return v.Text()
	}
	for first := range v.Elements() {
		switch {
		case first.IsNumber():
			return bytesOf(v)
		case first.IsArray():
			return bytesOf(first)
		}
		return first.Text()
	}
	return ""
}

// bytesOf returns the text that an array of numbers spells, byte for byte: so the journal writes what is not UTF-8. It
// is empty where one of them is no byte.
func bytesOf(array fields.Value) string {
	b := make([]byte, 0, len(array.Raw)/3)
	for v := range array.Elements() {
		n, err := strconv.ParseUint(v.Raw, 10, 8)
		if err != nil {
			return ""
		}
		b = append(b, byte(n))
	}
	return string(b)
}

// withoutNewline returns what stands between the quotes of a string, without the newline at its end.
func withoutNewline(s string) string {
	if strings.HasSuffix(s, `\n`) && !strings.HasSuffix(s, `\\n`) {
		return fields.Unquote(s[:len(s)-2]) // often the only escape, so nothing is copied
	}
	return strings.TrimSuffix(fields.Unquote(s), "\n")
}
