// Package haraka reads what Haraka logs about the mail it sends, from stdout or syslog, in each of its three formats
// (Haraka: logger.js):
//
//	[NOTICE] [UUID] [outbound] MESSAGE key=value …                      default
//	level=NOTICE uuid=UUID origin=outbound message=MESSAGE key=value …  logfmt
//	{"level":"NOTICE","uuid":"UUID","origin":"outbound","message":…}    json
//
// A stamp stands before each where log_timestamps is set, which it is not by default. On a terminal what follows the stamp
// is coloured. A value is in quotes where it has a blank, `=`, `"` or `\` in it, and the last two are escaped.
//
// Three kinds of message tell of deliveries (Haraka: outbound/hmail.js):
//
//   - `delivered file=F domain=D host=H … rcpts=OK/FAILED/BOUNCED`: OK recipients have the message. Who they are is not
//     logged, and the answer has lost its codes, so this is one event without a recipient;
//   - `recipient <R> rejected: REPLY` and `recipient <R> deferred: REPLY`;
//   - from level INFO on, `bouncing mail: TEXT` and `Temp failing FILE for N seconds: TEXT`, for what befell all recipients
//     at once. Where TEXT lists recipients they have had lines of their own.
//
// All of this is read out of the source; no log of a running server was at hand.
package haraka

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of Haraka's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "haraka",
		Short:    "Haraka, from stdout or syslog: default, logfmt and JSON",
		Evidence: parsers.Specified,
		Tags:     []string{tag},
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
	}
}

const tag = "haraka"

func sniff(s parsers.Sample) parsers.Score {
	return s.Ratio(func(l *parsers.Line) bool {
		_, text := cutStamp(l.Text, nil)
		var e entry
		return e.read(text)
	})
}

// A parser reads Haraka's lines. It does not change once it is opened.
type parser struct {
	options parsers.Options
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	at, text := cutStamp(line.Text, p.options.Location)
	var e entry
	if !e.read(text) {
		if line.Tag == tag {
			return dst, nil
		}
		return dst, parsers.ErrForeign
	}
	if e[origin] != "outbound" {
		return dst, nil
	}
	ev := parsers.Event{Kind: parsers.Attempted, Time: at}
	if e[uuid] != "-" {
		ev.QueueID = e[uuid]
	}
	s := e[message]
	switch {
	case e[file] != "":
		if !e.setDelivery(&ev.Attempt) {
			return dst, nil
		}
		switch a := &ev.Attempt; {
		case e[mode] == "LMTP": // to the mailboxes
			a.Kind = parsers.Local
		case fields.Inside(&p.options, a.RelayHost, a.RelayIP):
			a.Kind = parsers.Internal
		}
		return append(dst, ev), nil
	case strings.HasPrefix(s, "recipient <"):
		return appendRecipient(dst, ev, s[len("recipient <"):]), nil
	case strings.HasPrefix(s, "bouncing mail: "):
		return appendBounce(dst, ev, s[len("bouncing mail: "):]), nil
	case strings.HasPrefix(s, "Temp failing "):
		if _, text, ok := strings.Cut(s, " seconds: "); ok && !listsRecipients(text) {
			setFailure(&ev.Attempt, parsers.StatusDeferred, text)
			return append(dst, ev), nil
		}
	}
	return dst, nil
}

// An entry is one record of the log, taken apart.
type entry [numFields]string

// The fields of an entry.
const (
	level = iota
	uuid
	origin
	message
	file
	domain
	host
	ip
	port
	mode
	response
	delay
	fails
	rcpts
	numFields
)

var fieldNames = [numFields]string{"level", "uuid", "origin", "message", "file", "domain", "host", "ip", "port", "mode", "response", "delay", "fails", "rcpts"}

// jsonNames are the names in JSON, where `delivered file` is one key. As pairs, it is a word and a key.
var jsonNames = func() [numFields]string {
	names := fieldNames
	names[file] = "delivered file"
	return names
}()

var levels = [...]string{"DATA", "PROTOCOL", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "CRIT", "ALERT", "EMERG"}

// read takes an entry apart. False: it is not Haraka's.
func (e *entry) read(s string) bool {
	switch {
	case strings.HasPrefix(s, "["):
		for i := level; i < message; i++ {
			var ok bool
			if s, ok = strings.CutPrefix(s, "["); !ok {
				return false
			}
			if e[i], s, ok = strings.Cut(s, "] "); !ok {
				return false
			}
		}
		if e[message] = strings.TrimPrefix(s, " "); strings.HasPrefix(e[message], "delivered file=") {
			e.readPairs(e[message])
		}
	case strings.HasPrefix(s, "level="):
		e.readPairs(s)
	case strings.HasPrefix(s, "{"):
		var v [numFields]fields.Value
		if !fields.Object(s, jsonNames[:], v[:]) {
			return false
		}
		for i := range v {
			e[i] = v[i].Text()
		}
		if e[file] == "" && e[message] == "delivered" { // the key cut in two, as pairs have it
			e[file] = fields.Value{Raw: s}.Get(fieldNames[file]).Text()
		}
	}
	return slices.Contains(levels[:], e[level]) && e[uuid] != "" && e[origin] != ""
}

// readPairs reads what stands as key=value. The first of each counts: Haraka writes no key twice.
func (e *entry) readPairs(s string) {
	var room [2 * numFields]fields.Pair
	for _, p := range fields.AppendPairs(room[:0], s) {
		if i := slices.Index(fieldNames[:], p.Key); i >= 0 && e[i] == "" {
			e[i] = p.Value
		}
	}
}

// setDelivery fills in what is known of recipients that have the message. False: there are none.
func (e *entry) setDelivery(a *parsers.Attempt) bool {
	ok, _, _ := strings.Cut(e[rcpts], "/")
	if n, err := strconv.Atoi(ok); err != nil || n <= 0 {
		return false
	}
	a.Status, a.Origin = parsers.StatusSent, parsers.OriginImplied
	a.Reply = parsers.Reply{Code: 250, Text: e[response]} // nothing else makes a delivery, and the code is cut off
	a.Diagnostic = e[response]
	a.RecipientDomain, a.RelayHost = e[domain], e[host]
	if fields.IsAddress(e[ip]) {
		a.RelayIP = e[ip]
	}
	a.RelayPort = fields.Port(e[port])
	a.Delay, _ = fields.Seconds(e[delay])
	if n, err := strconv.ParseUint(e[fails], 10, 31); err == nil {
		a.Ordinal = int(n) + 1
	}
	return true
}

// appendRecipient reads what a server said of one recipient, s being what follows `recipient <`.
func appendRecipient(dst []parsers.Event, ev parsers.Event, s string) []parsers.Event {
	recipient, s, ok := cutAddress(s)
	if !ok {
		return dst
	}
	a := &ev.Attempt
	a.Recipient, a.Command = recipient, parsers.RCPTTO
	if text, ok := strings.CutPrefix(s, " rejected: "); ok {
		setFailure(a, parsers.StatusBounced, text)
	} else if text, ok := strings.CutPrefix(s, " deferred: "); ok {
		setFailure(a, parsers.StatusDeferred, text)
	} else {
		return dst
	}
	return append(dst, ev)
}

// appendBounce reads why a message was given up.
func appendBounce(dst []parsers.Event, ev parsers.Event, text string) []parsers.Event {
	a := &ev.Attempt
	why, expired := strings.CutPrefix(text, "Too many failures (")
	switch {
	case !expired && listsRecipients(text):
		return dst
	case !expired:
		setFailure(a, parsers.StatusBounced, text)
		return append(dst, ev)
	}
	why = strings.TrimSuffix(why, ")")
	if !listsRecipients(why) {
		setFailure(a, parsers.StatusExpired, why)
		a.Diagnostic = text
		return append(dst, ev)
	}
	// The attempt itself has been logged for each of these.
	ev.Kind = parsers.Expired
	a.Status, a.Kind, a.NotAttempted, a.Origin, a.Diagnostic = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal, text
	_, list, ok := strings.Cut(why, ": <")
	for ok {
		if a.Recipient, list, ok = cutAddress(list); ok {
			dst = append(dst, ev)
			list, ok = strings.CutPrefix(list, ", <")
		}
	}
	return dst
}

// listsRecipients reports whether text names recipients that have had lines of their own.
func listsRecipients(text string) bool {
	return strings.HasPrefix(text, "Some recipients failed: ") || strings.HasPrefix(text, "Some recipients temp failed: ")
}

// setFailure fills in why an attempt failed: by a reply, or by what Haraka found itself.
func setFailure(a *parsers.Attempt, status parsers.Status, text string) {
	a.Status, a.Origin, a.Diagnostic = status, parsers.OriginLocal, text
	if reply, ok := parsers.ParseReply(strings.TrimPrefix(text, "Upstream error: ")); ok {
		a.Reply, a.Origin = reply, parsers.OriginRemote
	}
}

// cutAddress cuts an address and the bracket that ends it off s. In a quoted local part, a bracket ends nothing.
func cutAddress(s string) (addr, rest string, ok bool) {
	i, ok := fields.QuotedString(s)
	n := strings.IndexByte(s[i:], '>')
	if !ok || n < 0 || i+n == 0 {
		return "", s, false
	}
	return s[:i+n], s[i+n+1:], true
}

// cutStamp cuts the stamp off a line, and takes its colours away.
func cutStamp(s string, loc *time.Location) (parsers.Stamp, string) {
	s = fields.Uncoloured(s)
	if at, rest, ok := fields.Stamp(s, loc); ok {
		return at, strings.TrimPrefix(rest, " ")
	}
	return 0, s
}
