package sendmail

import (
	"strings"

	"bouncelog/parsers"
)

// An exit is what a mailer ended with, in the words of stat= (sendmail: libsm/strexit.c, sm_sysexmsg; deliver.c,
// giveresponse). The code is sendmail's for it.
type exit struct {
	text   string
	code   parsers.ReplyCode
	status parsers.Status
	local  bool // it is never what a server said
}

var exits = [...]exit{
	{"Sent", 250, parsers.StatusSent, false},
	{"Deferred", 450, parsers.StatusDeferred, false},
	{"User unknown", 550, parsers.StatusBounced, false},
	{"Service unavailable", 554, parsers.StatusBounced, false},
	{"Host unknown", 550, parsers.StatusBounced, true},
	{"Data format error", 501, parsers.StatusBounced, false},
	{"Remote protocol error", 554, parsers.StatusBounced, false},
	{"Local configuration error", 554, parsers.StatusBounced, true},
	{"unknown mailer error", 554, parsers.StatusBounced, true},
	{"Insufficient permission", 550, parsers.StatusBounced, true},
	{"Can't create output", 550, parsers.StatusBounced, true},
	{"Cannot open input", 550, parsers.StatusBounced, true},
	{"Command line usage error", 500, parsers.StatusBounced, true},
	{"Internal error", 554, parsers.StatusBounced, true},
	{"System file missing", 554, parsers.StatusBounced, true},
	{"I/O error", 451, parsers.StatusDeferred, true}, // sendmail: deliver.c, markfailure
	{"Operating system error", 451, parsers.StatusDeferred, true},
}

const protocolError = "Remote protocol error"

// cutExit cuts the words of an exit from the front of stat=. It returns nil where they are others.
func cutExit(stat string) (e *exit, rest string) {
	for i := range exits {
		e := &exits[i]
		if rest, ok := strings.CutPrefix(stat, e.text); ok && (rest == "" || strings.IndexByte(" :(", rest[0]) >= 0) {
			return e, rest
		}
	}
	return nil, stat
}

// statusClass is the class that sendmail gave a recipient's result.
func statusClass(s parsers.Status) parsers.Class {
	switch s {
	case parsers.StatusSent:
		return parsers.Success
	case parsers.StatusDeferred:
		return parsers.Transient
	}
	return parsers.Permanent
}

// cutReply splits what follows reply= into the reply and stat=. A server may write `, stat=` into its reply, and stat=
// quotes a reply that deferred. So of the places where stat= may begin the last counts, of those that dsn= agrees with;
// failing that, of those that say something that goes with an error.
func cutReply(s string, dsn parsers.Class) (reply, stat string) {
	const mark = ", stat="
	at, rank := -1, 0
	for i := 0; ; i += len(mark) {
		j := strings.Index(s[i:], mark)
		if j < 0 {
			break
		}
		i += j
		fits := 1
		if e, _ := cutExit(s[i+len(mark):]); e != nil && e.status != parsers.StatusSent { // reply= is of errors only
			if fits++; statusClass(e.status) == dsn {
				fits++
			}
		}
		if fits >= rank {
			at, rank = i, fits
		}
	}
	if at < 0 {
		return s, ""
	}
	return s[:at], s[at+len(mark):]
}

// interpret fills in what reply= and stat= tell. It returns false where neither they nor dsn= tell what became of the message.
func interpret(a *parsers.Attempt, reply, stat string) bool {
	e, rest := cutExit(stat)
	if e == nil {
		// The log cut the line, or the text is a ruleset's. Then dsn= has to do.
		switch a.DSN.Class() {
		case parsers.Success:
			a.Status = parsers.StatusSent
		case parsers.Transient:
			a.Status = parsers.StatusDeferred
		case parsers.Permanent:
			a.Status = parsers.StatusBounced
		default:
			return false
		}
		e = &exit{status: a.Status, local: true}
	}
	a.Status, a.Truncated, a.Diagnostic = e.status, stat == "" || isShortened(reply) || isShortened(stat), stat
	if text, ok := strings.CutPrefix(rest, "(Reason from remote:"); ok && reply == "" { // FortiMail
		reply, rest = strings.TrimSuffix(text, ")"), ""
	}
	if isOwn(reply) {
		reply = ""
	}
	switch {
	case e.local && e.text != "": // then reply= is of others
		a.MTAStatus = e.text
		imply(a, e)
	case e.status == parsers.StatusSent:
		sent(a, e, rest)
	case e.status == parsers.StatusDeferred:
		deferred(a, e, reply, rest)
	default:
		bounced(a, e, reply)
	}
	return true
}

// sent reads what follows `Sent`: ` (TEXT)` is the server's answer without its code, and without its enhanced code where
// the server said that it writes them (sendmail: usersmtp.c, smtpdata). There is none but 250 in practice.
func sent(a *parsers.Attempt, e *exit, rest string) {
	text, ok := strings.CutPrefix(rest, " (")
	if !ok {
		imply(a, e)
		return
	}
	text = strings.TrimSuffix(text, ")")
	word, _, _ := strings.Cut(text, " ")
	a.Origin, a.Reply, a.Diagnostic = parsers.OriginRemote, parsers.Reply{Code: e.code, Text: text}, text
	a.Reply.Enhanced, _ = parsers.ParseEnhanced(word)
}

// deferred reads what follows `Deferred`: `: TEXT` is the last temporary reply of the session, to whichever recipient, as the
// server wrote it; or why there was none (sendmail: deliver.c, giveresponse).
func deferred(a *parsers.Attempt, e *exit, reply, rest string) {
	text, _ := strings.CutPrefix(rest, ": ")
	if text != "" {
		a.Diagnostic = text
	}
	said, ok := firstLine(reply, a.DSN)
	ok = ok && said.Code.Class() == parsers.Transient
	quoted, isReply := firstLine(text, a.DSN)
	switch {
	case ok && proven(&said, a.DSN):
		if isReply && quoted.Code == said.Code && strings.HasSuffix(reply, afterCodes(text)) {
			said = quoted // the same, without an enhanced code from elsewhere
		}
		a.Origin, a.Reply, a.Diagnostic = parsers.OriginRemote, said, said.Text
	case isReply:
		a.Origin, a.Reply = parsers.OriginImplied, quoted
		switch {
		case isOwn(text):
			a.Origin = parsers.OriginLocal
		case reply == "" && proven(&quoted, a.DSN):
			a.Origin = parsers.OriginRemote
		}
	case text != "":
		a.Origin = parsers.OriginLocal // a connection that failed or was lost, or a name that was not found
	case ok:
		a.Origin, a.Reply, a.Diagnostic = parsers.OriginImplied, said, said.Text
	default:
		imply(a, e)
	}
	// Without an address and in no time there was no connection: the host failed before, or another process talks to it
	// (sendmail: deliver.c and mci.c, host status).
	if a.RelayIP == "" && a.XDelay == parsers.Milliseconds(0) && a.Origin != parsers.OriginRemote && a.Kind != parsers.Local {
		a.NotAttempted = text == "" || isReply || strings.HasPrefix(text, "Connection ")
	}
}

// bounced reads a failure for good.
func bounced(a *parsers.Attempt, e *exit, reply string) {
	a.MTAStatus = e.text
	said, ok := firstLine(reply, a.DSN)
	switch {
	case ok && said.Code.Class() == parsers.Permanent && (a.DSN.Class() != parsers.Transient || a.DSN == said.Enhanced):
	case reply != "" && e.text == protocolError: // `354 too early`, or no reply at all
		said.Text = reply
	default:
		imply(a, e)
		return
	}
	a.Origin, a.Reply, a.Diagnostic = parsers.OriginRemote, said, reply
}

// imply takes the code that sendmail has for an exit, the server's being lost.
func imply(a *parsers.Attempt, e *exit) {
	a.Origin, a.Reply.Code = parsers.OriginImplied, e.code
	if e.local || a.Kind == parsers.Local {
		a.Origin = parsers.OriginLocal
	}
	if a.Kind == parsers.Local && a.Status != parsers.StatusBounced {
		a.Reply.Code = 0
	}
}

// proven reports whether the reply in a record was given to its recipient, or to the session that the recipient was in.
//
// Where the server had not answered this recipient, sendmail logs its latest error reply to anyone (8.16.1: of any server). But
// dsn= is made before: of the answer, by its enhanced code or by its code, 4.0.0 for the recipients that a session ended
// under, 4.5.0 where it ended before the first of them; and 4.2.0 where there was nothing to make it of (sendmail:
// savemail.c, smtptodsn; deliver.c, markfailure).
func proven(r *parsers.Reply, dsn parsers.EnhancedCode) bool {
	if dsn.IsZero() || dsn == r.Enhanced || dsn == (parsers.EnhancedCode{4, 0, 0}) {
		return true
	}
	switch r.Code {
	case 421:
		return dsn == parsers.EnhancedCode{4, 5, 0}
	case 450:
		return dsn == parsers.EnhancedCode{4, 2, 0}
	case 451:
		return dsn == parsers.EnhancedCode{4, 3, 0}
	case 452:
		return dsn == parsers.EnhancedCode{4, 3, 1}
	}
	return false
}

// firstLine reads a reply of which sendmail kept the first line: a code further on is prose. With a hyphen it is as the
// server wrote it; else its enhanced code may be that of an earlier reply (sendmail: usersmtp.c, reply), and is believed
// where it is of the code's class, or dsn= has it too.
func firstLine(text string, dsn parsers.EnhancedCode) (r parsers.Reply, ok bool) {
	head := text
	if len(text) > 4 {
		if i := strings.IndexByte(text[4:], ' '); i >= 0 {
			head = text[:4+i]
		}
	}
	if r, ok = parsers.ParseStrictReply(head); !ok {
		return r, false
	}
	r.Text = text
	if len(head) > 3 && head[3] == ' ' && r.Enhanced != dsn && r.Enhanced.Class() != r.Code.Class() {
		r.Enhanced = parsers.EnhancedCode{}
	}
	return r, true
}

// afterCodes returns what follows the codes of a reply.
func afterCodes(s string) string {
	s = s[min(4, len(s)):]
	if word, rest, _ := strings.Cut(s, " "); word != "" {
		if _, ok := parsers.ParseEnhanced(word); ok {
			return rest
		}
	}
	return s
}

// ownReplies are how replies begin that sendmail made up: for a connection that broke (sendmail: usersmtp.c, reply) and for
// TLS that it wanted (sendmail: deliver.c; cf/m4/proto.m4, the ruleset tls_server).
var ownReplies = [...]string{
	"421 4.4.1 Connection reset by ",
	"451 4.4.1 reply: read error from ",
	"451 4.4.2 reply: read error from ", // since 8.18
	"454 4.7.0 TLS handshake failed",
	"403 4.7.0 ",
}

func isOwn(reply string) bool {
	for _, own := range ownReplies {
		if strings.HasPrefix(reply, own) {
			return true
		}
	}
	return false
}

// isShortened reports whether a text lost its middle: of what has more than 203 bytes, 100 stay at each end (sendmail: util.c,
// shortenstring; deliver.c, STATLEN).
func isShortened(s string) bool { return len(s) == 203 && s[100:103] == "..." }
