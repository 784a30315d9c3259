package exim

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// An entry is a line with its envelope cut: when it was written, and of which message it tells.
type entry struct {
	line *parsers.Line
	at   parsers.Stamp // of the line itself; zero: its header's holds
	id   string
}

// cutEnvelope cuts the stamp, the process id and the message id from the front of a line. It reports whether there was a
// stamp: a line without a header that lacks it goes on where the one before was broken off.
func (p *parser) cutEnvelope(line *parsers.Line) (e entry, text string, stamped bool) {
	e.line = line
	text = line.Text
	if len(text) > 10 && text[10] == ' ' { // ISO stamps of other transports have a T (Exim: src/tod.c, tod_stamp)
		if e.at, text, stamped = fields.Stamp(text, p.options.Location); stamped {
			text = strings.TrimPrefix(text, " ")
		}
	}
	text = afterPID(text)
	if e.id, text = cutID(text); e.id != "" && line.YearGuessed && !stamped {
		e.at = fields.InProvenYear(line.Time, arrival(e.id), p.options.Location)
	}
	return e, text, stamped
}

// afterPID takes off `[4242] ` (log_selector +pid).
func afterPID(s string) string {
	if s == "" || s[0] != '[' {
		return s
	}
	i := 1
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == 1 || !strings.HasPrefix(s[i:], "] ") {
		return s
	}
	return s[i+len("] "):]
}

const (
	shortID = len("1tpJm7-0001AB-2d")        // until 4.96
	longID  = len("1tpJm7-00000001AbC-2dEf") // since 4.97
)

// cutID cuts a message id and the blank behind it from the front of s (Exim: src/local_scan.h, MESSAGE_ID_LENGTH). Both
// kinds may stand in one log: messages keep theirs while Exim is replaced.
func cutID(s string) (id, rest string) {
	if n := idLen(s); n > 0 && len(s) > n && s[n] == ' ' {
		return s[:n], s[n+1:]
	}
	return "", s
}

// idLen returns the length of the message id that s begins with, 0 where it begins with none.
func idLen(s string) int {
	if len(s) < shortID || s[6] != '-' {
		return 0
	}
	n, dash := shortID, 13
	if s[dash] != '-' {
		if n, dash = longID, 18; len(s) < n || s[dash] != '-' {
			return 0
		}
	}
	hyphens := 0
	for i := range n {
		hyphens += int(idBytes[s[i]])
	}
	if hyphens != 2 {
		return 0
	}
	return n
}

// idBytes is 0 for the letters and digits of an id, 1 for the hyphen between them, and too much for all else.
var idBytes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c == '-':
			t[c] = 1
		case !isAlnum(byte(c)):
			t[c] = 3
		}
	}
	return t
}()

// maxRecord bounds what it costs to find the end of an address. Exim has 8192 bytes for a line, and says so where that was
// not enough (Exim: src/macros.h, LOG_BUFFER_SIZE; overflow).
const maxRecord = 32 << 10

// arrival returns the second in which the message of an id arrived: its first six characters, in base 62 (Exim:
// src/string.c, string_base62). On Darwin and Cygwin, where ids know no case, it comes out centuries ahead.
func arrival(id string) parsers.Stamp {
	seconds := int64(0)
	for _, c := range []byte(id[:6]) {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'Z':
			c -= 'A' - 10
		default:
			c -= 'a' - 36
		}
		seconds = seconds*62 + int64(c)
	}
	return parsers.Stamp(seconds * 1e6)
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	e, text, stamped := p.cutEnvelope(line)
	if !stamped {
		switch {
		case len(line.Text) == len(line.Raw):
			// Some texts have line ends in them: client authentication, configuration errors, headers in the reject log.
			if p.log == noLog || startsHeader(text) {
				return dst, parsers.ErrForeign
			}
			return dst, nil
		case e.id == "" && line.Tag != "exim" && line.Tag != "exim4":
			return dst, parsers.ErrForeign
		}
	}
	if p.log == panicLog && mayPanic(text) {
		return dst, nil
	}
	if len(text) > maxRecord {
		return dst, line.Malformed(text, "longer than any line of Exim's")
	}
	if e.id == "" {
		return p.appendInbound(dst, &e, text), nil
	}
	if len(text) > 3 && text[2] == ' ' {
		rest := text[3:]
		switch text[:2] {
		case "=>", "->":
			return p.appendDelivered(dst, &e, rest)
		case ">>":
			n := len(dst)
			dst, err := p.appendDelivered(dst, &e, rest)
			if len(dst) > n {
				// Cutthrough delivery: the message's `<=` is still to come, so nothing was tried before.
				last(dst).Attempt.Ordinal = 1
			}
			return dst, err
		case "==":
			return p.appendDeferred(dst, &e, rest)
		case "**":
			return p.appendFailed(dst, &e, rest)
		case "<=", "(=": // `(=` though the client was told otherwise (control = fakereject)
			return appendAccepted(dst, &e, rest), nil
		case "*>": // option -N: nothing was sent
			return dst, nil
		}
	}
	switch {
	case text == "Completed", strings.HasPrefix(text, "Completed QT="):
		return e.append(dst, parsers.Removed), nil
	case strings.HasPrefix(text, "removed by "), // by an administrator, and the sender is not told
		strings.HasPrefix(text, "Message removed because older than "), // keep_malformed
		text == "rescind the above message-accept":
		return e.append(dst, parsers.Removed), nil
	case strings.HasPrefix(text, "cancelled by "):
		return appendCancelled(dst, &e, text), nil
	}
	if evs, ok := appendTried(dst, &e, text); ok {
		return evs, nil
	}
	return p.appendInbound(dst, &e, text), nil
}

// append appends an event of the entry with what every event has.
func (e *entry) append(dst []parsers.Event, kind parsers.Kind) []parsers.Event {
	dst = parsers.AppendZero(dst)
	ev := last(dst)
	ev.Kind, ev.Time, ev.QueueID = kind, e.at, e.id
	return dst
}

func last(evs []parsers.Event) *parsers.Event { return &evs[len(evs)-1] }

// appendCancelled reads `cancelled by timeout_frozen_after`, by a user, by the system filter: all recipients that are left
// fail without a line of their own, and the sender is told (Exim: src/deliver.c, src/queue.c).
func appendCancelled(dst []parsers.Event, e *entry, text string) []parsers.Event {
	dst = e.append(dst, parsers.Expired)
	a := &last(dst).Attempt
	a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal
	a.MTAStatus, a.Diagnostic = text[:len("cancelled")], text
	return dst
}

// appendAccepted reads the line of a message that was accepted (Exim: src/receive.c), s being what follows the flag:
//
//	SENDER [R=ID] [H=HOST (HELO) [IP]] … P=PROTOCOL … S=SIZE … id=MESSAGE-ID [T="SUBJECT"] [from <RAW>] [for RECIPIENTS]
//
// R= is the message that this one, a bounce or a warning, reports on. Nothing behind the subject is looked at.
func appendAccepted(dst []parsers.Event, e *entry, s string) []parsers.Event {
	n, _ := fields.QuotedString(s)
	n += wordLen(s[n:])
	dst = e.append(dst, parsers.Accepted)
	ev := last(dst)
	ev.Sender = s[:n] // the null one is `<>` here, too
	parent := ""
	for s = s[n:]; len(s) > 1; {
		t := s[1:]
		n := wordLen(t)
		word := t[:n]
		s = t[n:]
		if n < 2 {
			continue
		}
		switch word[0] {
		case 'S':
			if ev.Size == 0 && word[1] == '=' {
				ev.Size = fields.Number(word[2:])
			}
		case 'i':
			if id, ok := strings.CutPrefix(word, "id="); ok {
				ev.MessageID = id
			} else if id, ok := strings.CutPrefix(word, "id*="); ok { // made by Exim itself
				ev.MessageID = id
			}
		case 'R':
			if id := word[2:]; word[1] == '=' && id != "" && idLen(id) == len(id) {
				parent = id
			}
		case '(', 'H': // what the client calls itself
			if word[0] == '(' || strings.HasPrefix(word, "H=(") {
				_, s, _ = strings.Cut(t, ")")
			}
		case 'D':
			if strings.HasPrefix(word, `DN="`) {
				s = afterName(t[len(`DN="`):])
			}
		case 'T':
			if strings.HasPrefix(word, `T="`) {
				s = ""
			}
		case 'f':
			if word == "from" || word == "for" {
				s = ""
			}
		}
		if ev.MessageID != "" {
			break
		}
	}
	if parent != "" && ev.Sender == parsers.NullSender {
		dst = e.append(dst, parsers.Requeued)
		ev := last(dst)
		ev.QueueID, ev.NextID = parent, e.id
	}
	return dst
}

// fold tells the pieces of a line that was too long for syslog, or had a line end in it: `[1/2] `, and `[1\2] ` where the
// piece ends at a line end (Exim: src/log.c, write_syslog).
func fold(line *parsers.Line) parsers.Fold {
	s := line.Text
	if s == "" || s[0] != '[' || line.Tag == "" {
		return parsers.Fold{}
	}
	i, rest := cutNumber(s[1:])
	if i == 0 || rest == "" || rest[0] != '/' && rest[0] != '\\' {
		return parsers.Fold{}
	}
	end := rest[0]
	count := rest[1:]
	n, rest := cutNumber(count)
	count = count[:len(count)-len(rest)]
	text, ok := strings.CutPrefix(rest, "] ")
	if !ok || n < 2 || i > n {
		return parsers.Fold{}
	}
	f := parsers.Fold{Piece: parsers.Middle, Key: count, Text: text, Break: end == '\\'}
	switch i {
	case 1:
		f.Piece = parsers.First
	case n:
		f.Piece = parsers.Last
	}
	if end == '/' && i < n && len(text) == maxPiece-1 {
		f.Text += " " // the piece ended with a blank, which journald and others take off
	}
	return f
}

// maxPiece is how long a piece is that no line end ended (Exim: src/macros.h, MAX_SYSLOG_LEN).
const maxPiece = 870

// startsHeader reports whether s begins as the header of another transport does: `Nov 20 10:08:00 `, `<22>`, or an ISO
// stamp of syslog.
func startsHeader(s string) bool {
	if len(s) < len("Nov 20 10:08:00 ") {
		return false
	}
	return s[0] == '<' && isDigit(s[1]) ||
		s[3] == ' ' && s[6] == ' ' && s[9] == ':' && s[12] == ':' ||
		s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':'
}

// wordLen returns the length of s up to its first blank.
func wordLen(s string) int {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return i
	}
	return len(s)
}

// cutNumber cuts the number of at most 18 digits that s begins with; zero where there is none.
func cutNumber(s string) (n int, rest string) {
	i := 0
	for i < len(s) && i < 18 && isDigit(s[i]) {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:]
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isAlnum(c byte) bool { return c-'0' <= 9 || c|0x20-'a' < 26 }
