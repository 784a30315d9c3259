package postfix

import (
	"strings"

	"bouncelog/parsers"
)

// isRejection reports whether s begins with an action that refused something. `reject_warning`, `warn`, `hold`, `discard`
// and the like did not.
func isRejection(s string) bool {
	_, ok := cutAction(s)
	return ok
}

func cutAction(s string) (rest string, ok bool) {
	switch {
	case strings.HasPrefix(s, "reject: "):
		return s[len("reject: "):], true
	case strings.HasPrefix(s, "milter-reject: "):
		return s[len("milter-reject: "):], true
	case strings.HasPrefix(s, "proxy-reject: "):
		return s[len("proxy-reject: "):], true
	}
	return "", false
}

// appendRejection reads a refusal at the door (Postfix: smtpd/smtpd_check.c log_whatsup, cleanup/cleanup_message.c
// cleanup_act_log, postscreen/postscreen_smtpd.c), s being the line from the action on:
//
//	reject: RCPT from H[IP]: REPLY; from=<S> to=<R> proto=P helo=<H>
//	reject: header TEXT from H[IP]; from=<S> to=<R> proto=P helo=<H>: REASON
//	proxy-reject: END-OF-MESSAGE: REPLY; from=<S> to=<R> proto=P helo=<H>
//
// A refusal may quote what another server said of the recipient (reject_unverified_recipient), and a header line what a
// sender made up; neither is a delivery.
func appendRejection(dst []parsers.Event, line *parsers.Line, program, id, s string) []parsers.Event {
	s, ok := cutAction(s)
	if !ok {
		return dst
	}
	i := 0
	for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] == '-') {
		i++
	}
	stage, rest := s[:i], s[i:]
	text, attrs := cutAttributes(rest)
	content := stage == "header" || stage == "body" || stage == "mime-error"
	if content {
		text = strings.TrimPrefix(text, " ")
		if i := strings.LastIndex(attrs, ">: "); i >= 0 {
			text = attrs[i+len(">: "):]
		}
	} else {
		if client, ok := strings.CutPrefix(text, " from "); ok {
			if host, addr, rest := cutServer(client); addr != "" && strings.IndexByte(host, ' ') < 0 {
				text = rest
			}
		}
		if _, text, ok = strings.Cut(text, ": "); !ok {
			return dst
		}
	}
	if line.Tag == "" && attrs == "" {
		return dst // anyone's words
	}
	dst = appendEvent(dst, line, program, parsers.Rejected, id)
	ev := last(dst)
	a := &ev.Attempt
	a.Status, a.NotAttempted, a.Origin = parsers.StatusRejected, true, parsers.OriginLocal
	a.Diagnostic = text
	if a.Command = parsers.ParseCommand(stage); content {
		a.Command = parsers.EndOfDATA
	}
	if from, ok := strings.CutPrefix(attrs, "from="); ok {
		var s string
		if s, attrs, ok = cutAddress(from, startsAttribute); ok {
			ev.Sender = sender(s)
			attrs = strings.TrimLeft(attrs, ", ")
		}
	}
	if to, ok := strings.CutPrefix(attrs, "to="); ok {
		a.Recipient, _, _ = cutAddress(to, startsAttribute)
	}
	if a.Reply, ok = parsers.ParseReply(text); !ok {
		// A milter's and a header check's reason may have the enhanced code alone.
		word, _, _ := strings.Cut(text, " ")
		if code, ok := parsers.ParseEnhanced(word); ok {
			a.Reply = parsers.Reply{Enhanced: code, Text: text}
		}
	}
	return dst
}

// cutAttributes cuts `; from=<S> to=<R> proto=P helo=<H>` from the end of s; each of them may be missing. What stands
// before is more hostile than they are, so the last one that looks like them is taken.
func cutAttributes(s string) (text, attrs string) {
	for _, first := range [...]string{"; from=<", "; to=<", "; proto="} {
		if i := strings.LastIndex(s, first); i >= 0 {
			return s[:i], s[i+len("; "):]
		}
	}
	return s, ""
}

// startsAttribute reports whether s may follow an address among the attributes: another one, the reason, or nothing.
func startsAttribute(s string) bool {
	if s == "" || strings.HasPrefix(s, ": ") {
		return true
	}
	s = strings.TrimPrefix(s, ",") // postscreen
	return strings.HasPrefix(s, " to=<") || strings.HasPrefix(s, " proto=") || strings.HasPrefix(s, " sasl_username=")
}
