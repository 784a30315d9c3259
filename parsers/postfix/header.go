package postfix

import (
	"strings"

	"bouncelog/parsers"
)

// Postfix writes a header field where header_checks has INFO or WARN for it, or does something with it (Postfix:
// cleanup/cleanup_message.c, cleanup_act_log):
//
//	info: header X-Campaign: autumn from localhost[127.0.0.1]; from=<S> to=<R> proto=P helo=<H>: TEXT
//
// The field has 200 bytes at most. A message that `reject:` or `discard:` stands before is not delivered.

// isHeader reports whether rest quotes the header field that is asked for.
func (p *parser) isHeader(rest string) bool {
	action, rest, _ := strings.Cut(rest, ": ")
	switch action {
	case "info", "warning", "filter", "hold", "delay", "prepend", "replace", "redirect", "bcc", "pass":
	default:
		return false
	}
	field, ok := strings.CutPrefix(rest, "header ")
	return ok && len(field) >= len(p.campaign) && strings.EqualFold(field[:len(p.campaign)], p.campaign)
}

func (p *parser) appendHeader(dst []parsers.Event, line *parsers.Line, program, id, rest string) []parsers.Event {
	_, value, _ := strings.Cut(rest, ": header ")
	value = value[len(p.campaign):]
	// The value may hold what looks like the end of it: the client comes before the sender, as near to it as there is one.
	if i := strings.Index(value, "; from=<"); i >= 0 {
		value = value[:i]
	} else if i := strings.Index(value, "; proto="); i >= 0 {
		value = value[:i]
	} else {
		value = strings.TrimSuffix(value, ";")
	}
	if i := strings.LastIndex(value, " from "); i >= 0 {
		value = value[:i]
	}
	if value = strings.TrimSpace(value); value == "" {
		return dst
	}
	dst = appendEvent(dst, line, program, parsers.Headed, id)
	last(dst).Campaign = value
	return dst
}
