package stalwart

import (
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// fold tells the lines of a record that was written with `multiline`: the head, which then has nothing behind the event's
// name, and the keys.
func fold(line *parsers.Line) parsers.Fold {
	s := line.Text
	switch {
	case strings.HasPrefix(s, "\t"):
		if key, _, ok := strings.Cut(fields.Uncoloured(strings.TrimLeft(s, "\t")), " = "); ok && isKey(key) {
			return parsers.Fold{Piece: parsers.Middle, Text: s, Break: true}
		}
	case strings.HasSuffix(s, ")"):
		var r record
		if r.readHead(fields.Uncoloured(s), nil) && r.rest == "" {
			return parsers.Fold{Piece: parsers.First, Text: s, Break: true}
		}
	}
	return parsers.Fold{}
}

// readHead reads `2006-01-02T15:04:05Z INFO Description (event.name)`. False: the line does not begin so.
func (r *record) readHead(s string, loc *time.Location) bool {
	at, s, ok := fields.Stamp(s, loc)
	if !ok || !strings.HasPrefix(s, " ") {
		return false
	}
	level, s, _ := strings.Cut(s[1:], " ")
	switch level {
	case "ERROR", "WARN", "INFO", "DEBUG", "TRACE":
	default:
		return false
	}
	gist, s, _ := strings.Cut(s, " (")
	name, rest, ok := strings.Cut(s, ")")
	if !ok || !isEventName(name) || rest != "" && rest[0] != ' ' && rest[0] != '\n' {
		return false
	}
	r.time, r.name, r.gist, r.rest = at, name, gist, rest
	return true
}

// isEventName reports whether s is made like `delivery.rcpt-to`.
func isEventName(s string) bool {
	dot := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dot = true
		case c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			return false
		}
	}
	return dot
}

// isKey reports whether s may be a key.
func isKey(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// readKeys reads the keys of a record that tells of a delivery. False: they end too soon, at r.rest.
func (r *record) readKeys() bool {
	ok := true
	if lines, multiline := strings.CutPrefix(r.rest, "\n"); multiline {
		r.readLines(lines)
	} else {
		ok = r.readLine()
	}
	return ok && (r.to != "" || !r.verdict().named)
}

// readLines reads keys that stand on lines of their own.
func (r *record) readLines(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		key, value, _ := strings.Cut(strings.TrimLeft(line, "\t"), " = ")
		switch {
		case strings.HasPrefix(line, "\t\t"):
			r.setCause(key, value)
		case isText(key) && !strings.HasPrefix(value, `"`):
			r.cause = eventName(value)
		default:
			r.set(key, value)
		}
	}
}

// readLine reads keys that stand behind one another.
func (r *record) readLine() bool {
	for r.rest = strings.TrimPrefix(r.rest, " "); r.rest != ""; r.rest = strings.TrimPrefix(r.rest, ", ") {
		key, s, ok := strings.Cut(r.rest, " = ")
		if !ok || !isKey(key) {
			return false
		}
		if isText(key) {
			r.readText(key, s)
			return true
		}
		n := valueLen(s)
		if n == 0 {
			return false
		}
		r.set(key, s[:n])
		r.rest = s[n:]
	}
	return true
}

// isText reports whether a key holds what a stranger may have written, or the event that does.
func isText(key string) bool { return key == "details" || key == "reason" || key == "causedBy" }

// valueLen returns the length of the value that s begins with, one that no server wrote; 0 where it has no end.
func valueLen(s string) int {
	switch {
	case strings.HasPrefix(s, `"`):
		value, rest := cutAddress(s[1:])
		if len(value)+1 == len(s) {
			return 0
		}
		return len(s) - len(rest)
	case strings.HasPrefix(s, "["):
		rest := s[1:]
		for strings.HasPrefix(rest, `"`) {
			_, rest = cutAddress(rest[1:])
			rest = strings.TrimPrefix(rest, ", ")
		}
		return len(s) - len(rest) + strings.IndexByte(rest, ']') + 1
	}
	if i := strings.Index(s, ", "); i >= 0 {
		return i
	}
	return len(s)
}

// cutAddress cuts a string off s, which stands behind its opening quote, and its closing quote. A local part in quotes
// (RFC 5321 4.1.2) may have quotes in it, with backslashes before them, each of which the log doubles.
func cutAddress(s string) (addr, rest string) {
	i := 0
	if strings.HasPrefix(s, `"`) {
		for i = 1; i < len(s) && s[i] != '"'; i++ {
			if strings.HasPrefix(s[i:], `\\`) {
				if i += 2; strings.HasPrefix(s[i:], `\`) {
					i++
				}
			}
		}
		if i++; i >= len(s) || s[i] != '@' {
			i = 0
		}
	}
	for ; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if rest := s[i+1:]; rest == "" || rest[0] == ',' || rest[0] == ']' {
			return s[:i], rest
		}
	}
	return s, ""
}

// readText reads the last value of a record that a server may have written, and elapsed behind it.
func (r *record) readText(key, s string) {
	if i := strings.LastIndex(s, ", elapsed = "); i >= 0 {
		if tail := s[i+len(", elapsed = "):]; strings.Trim(tail, "0123456789") == "ms" {
			s, r.elapsed = s[:i], tail
		}
	}
	if strings.HasPrefix(s, `"`) {
		r.truncated = len(s) == 1 || !strings.HasSuffix(s, `"`)
		r.set(key, s)
		return
	}
	r.cause = eventName(s)
	_, s, ok := strings.Cut(s, " { ")
	if !ok {
		return
	}
	s, ok = strings.CutSuffix(s, " }")
	r.truncated = !ok
	for s != "" {
		key, value, _ := strings.Cut(s, " = ")
		n := causeLen(key, value)
		r.setCause(key, value[:n])
		s = strings.TrimPrefix(value[n:], ", ")
	}
}

// causeLen returns the length of the value that s begins with, of a key of the event that caused another. Only reason is
// a server's, and nothing follows it. details comes first as Stalwart's own words, and may come again as the command,
// which has an address in it.
func causeLen(key, s string) int {
	if key == "reason" {
		return len(s)
	}
	if !strings.HasPrefix(s, `"`) {
		if i := strings.Index(s, ", "); i >= 0 {
			return i
		}
		return len(s)
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		for _, next := range [...]string{", reason = ", ", code = ", ", details = "} {
			if strings.HasPrefix(s[i+1:], next) {
				return i + 1
			}
		}
	}
	return len(s)
}

// eventName returns the name in `Description (event.name) { … }`.
func eventName(s string) string {
	_, s, _ = strings.Cut(s, " (")
	name, _, _ := strings.Cut(s, ")")
	return name
}

// set takes in a key of the record, the last of those that come twice.
func (r *record) set(key, value string) {
	switch key {
	case "queueId":
		r.queueID = value
	case "from":
		r.from = parsers.Sender(unquote(value))
	case "to":
		if strings.HasPrefix(value, "[") {
			r.all.raw = value
		} else {
			r.to = unquote(value)
		}
	case "domain":
		r.domain = unquote(value)
	case "hostname":
		r.hostname = unquote(value)
	case "remoteIp":
		r.ip = value
	case "remotePort":
		r.port = value
	case "code":
		r.code = value
	case "details", "reason":
		r.text = unquote(value)
	case "elapsed":
		r.elapsed = value
	}
}

// setCause takes in a key of the event that caused the record's.
func (r *record) setCause(key, value string) {
	switch {
	case key == "code":
		r.code = unquote(value)
	case key == "reason":
		r.text = unquote(value)
	case key == "details" && r.about == "":
		r.about = unquote(value)
	}
}

// unquote takes the quotes off a string, as far as the log has them, and undoes what is escaped in it.
func unquote(s string) string {
	s, ok := strings.CutPrefix(s, `"`)
	if !ok {
		return s
	}
	return fields.Unquote(strings.TrimSuffix(s, `"`))
}
