package syslog

import (
	"encoding/binary"
	"strings"

	"bouncelog/parsers"
)

// exportStart is how entries of `journalctl -o export` begin.
const exportStart = "__CURSOR="

// maxField is how long a field of an entry may be. One that is longer is no part of a mail log.
const maxField = 1 << 20

// IsExport reports whether text is of the journal's export format (systemd: Journal Export Formats).
func IsExport(text string) bool { return strings.HasPrefix(text, exportStart) }

// CutField cuts a field of an entry from the front of s: `NAME=VALUE` and a line end, or `NAME`, a line end, the length of the
// value in 64 bits, the lowest byte first, the value and a line end. n is the length of all of it; 0 where s ends within it,
// and -1 where s begins with no field. With atEnd, the line end behind VALUE may be missing in the first form.
func CutField(s string, atEnd bool) (name, value string, n int) {
	const maxName = 64 // systemd: src/libsystemd/sd-journal/journal-file.c, journal_field_valid
	i := 0
	for i < len(s) && i < maxName && (s[i] == '_' || s[i]-'A' < 26 || i > 0 && digit(s[i])) {
		i++
	}
	switch {
	case i == len(s) && !atEnd:
		return "", "", 0
	case i == 0 || i == len(s):
		return "", "", -1
	case s[i] == '=':
		value = s[i+1:]
		if end := strings.IndexByte(value, '\n'); end >= 0 {
			return s[:i], value[:end], i + 1 + end + 1
		}
		if atEnd {
			return s[:i], value, len(s)
		}
		return "", "", 0
	case s[i] != '\n':
		return "", "", -1
	}
	name, value = s[:i], s[i+1:]
	if len(value) < 8 {
		return "", "", 0
	}
	size := binary.LittleEndian.Uint64([]byte(value[:8]))
	if size > maxField {
		return "", "", -1
	}
	end := int(size)
	switch value = value[8:]; {
	case len(value) <= end:
		return "", "", 0
	case value[end] != '\n':
		return "", "", -1
	}
	return name, value[:end], i + 1 + 8 + end + 1
}

// export cuts an entry of the journal in its export format. Of fields that come twice, the first counts.
func (r *Reader) export(l *parsers.Line, s string) bool {
	if !IsExport(s) {
		return false
	}
	var values [journalFields]string
	var said [journalFields]bool
	for s != "" {
		name, value, n := CutField(s, true)
		if n <= 0 {
			break // the end of the entry, or of the log
		}
		for i, key := range journalKeys {
			if name == key && !said[i] {
				values[i], said[i] = value, true
			}
		}
		s = s[n:]
	}
	if !said[journalMessage] {
		return false
	}
	r.entry(l, &values)
	return true
}
