package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"bouncelog/parsers"
	"bouncelog/report"
)

// label is how wide the names of what follows are.
const label = 12

// A page is an explanation for people, as it is written.
type page struct {
	bytes.Buffer
	width int // of the text behind the labels
}

// write writes an explanation for people. width is that of the terminal, zero where there is none.
func (x *explanation) write(w io.Writer, width int) error {
	if width <= 0 || width > 110 {
		width = 110
	}
	p := &page{width: max(width-label, 30)}
	for i := range x.Codes {
		if i > 0 {
			p.WriteByte('\n')
		}
		p.code(&x.Codes[i])
	}
	p.row("Note", x.Note)
	for i := range x.Attempts {
		switch {
		case x.Kind == "code":
			p.WriteByte('\n')
			p.row("Alone", "a reply that says no more than that would be taken for this:")
		case i > 0:
			p.WriteByte('\n')
		}
		p.verdict(&x.Attempts[i], x.Kind)
	}
	_, err := w.Write(p.Bytes())
	return err
}

// row writes a text behind its name, on as many lines as it takes.
func (p *page) row(name, text string) {
	if text == "" {
		return
	}
	for _, line := range wrapped(report.Visible(text), p.width) {
		fmt.Fprintf(p, "%-*s%s\n", label, name, line)
		name = ""
	}
}

// code writes what is known of a code.
func (p *page) code(c *codeInfo) {
	name := c.Code
	p.row(name, c.Meaning)
	p.row("", c.Said)
	for _, d := range c.Digits {
		text := d.Meaning
		if d.Name != "" {
			text = d.Name + ": " + text
		}
		p.row("  "+d.Digit, text+" ("+d.Source+")")
	}
	for _, k := range c.Known {
		p.row("  "+k.Code, k.Meaning+" ("+k.Standing+", "+k.Source+")")
	}
}

// verdict writes what is thought of an attempt.
func (p *page) verdict(v *verdict, kind string) {
	r := v.record
	if kind == "line" {
		var parts []string
		add := func(format string, value string) {
			if value != "" {
				parts = append(parts, fmt.Sprintf(format, value))
			}
		}
		add("%s", r.Format)
		add("%s", r.Time.String())
		add("host %s", r.Host)
		add("queue id %s", r.QueueID)
		if r.File != "" {
			parts = append(parts, fmt.Sprintf("%s:%d", r.File, r.Line))
		}
		p.row("Line", strings.Join(parts, ", "))
	}
	if kind != "code" {
		p.row("Sender", r.Sender)
		p.row("Recipient", r.Recipient)
		server := r.RelayHost
		if r.RelayIP != "" {
			server = strings.TrimSpace(server + " [" + r.RelayIP + "]")
		}
		if v.Provider != "" {
			server = strings.TrimSpace(server + " (" + v.Provider + ")")
		}
		p.row("Server", server)
		p.row("Command", r.Command.String())
		status := r.Status.String()
		switch {
		case status == "":
			status = "not known"
		case v.presumed:
			status += " (presumed, by the code)"
		}
		if r.NotAttempted {
			status += ", without an attempt"
		}
		if origin := r.Origin.String(); origin != "" {
			status += ", origin " + origin
		}
		p.row("Status", status)
		p.marked("Text", v.Text, v.Matched)
		for _, c := range v.Codes {
			p.row("  "+c.Code, c.Meaning+": "+c.Said)
		}
	}
	class := v.Class
	if v.ClassRule != "" {
		class += ", by " + map[string]string{"reply-code": "the reply code", "enhanced-code": "the enhanced code", "dsn": "the MTA's own code", "status": "the MTA's status"}[v.ClassRule]
	}
	if v.Class == parsers.ClassUnknown.String() {
		class += ": neither a code nor what the MTA did is known"
	}
	if v.ReplyClass != "" {
		class += "; the reply's is " + v.ReplyClass
	}
	if v.Conflict {
		class += "; reply code and enhanced code are of different classes (RFC 2034 4), the reply code counts (RFC 5321 4.2)"
	}
	if v.Overridden {
		class += "; our MTA did not do what the reply asks for"
	}
	p.row("Class", class)
	if v.Category == "" {
		p.row("Category", "none: it is no failure")
		return
	}
	p.row("Category", withSub(v.Category, v.Sub)+": "+v.Meaning)
	if v.Before != "" {
		p.row("", "the deferrals before it: "+v.Before)
	}
	p.row("", fmt.Sprintf("nature %s, fault %s, suppress %s, retry %s", v.Nature, v.Fault, v.Suppress, v.Retry))
	p.row("Confidence", v.Confidence)
	if v.Rule == nil {
		p.row("Rule", "none holds")
	} else {
		p.row("Rule", fmt.Sprintf("%s (%s), %s", v.Rule.ID, v.Rule.Tier, v.Rule.Where))
	}
	for i, o := range v.Others {
		name := ""
		if i == 0 {
			name = "Others"
		}
		text := fmt.Sprintf("%s (%s), %s", o.Rule, o.Tier, o.Category)
		if o.Words != "" {
			text += fmt.Sprintf(", by %q", o.Words)
		}
		p.row(name, text+": "+o.Why)
	}
	p.row("Hint", v.Hint)
	if v.Rule != nil {
		p.row("Source", v.Rule.Source)
	}
	p.row("See", v.URL)
}

// marked writes a text with parts of it underlined.
func (p *page) marked(name, text string, parts []matched) {
	for at := 0; at < len(text); {
		end := cutAt(text[at:], p.width) + at
		line := text[at:end]
		fmt.Fprintf(p, "%-*s%s\n", label, name, strings.TrimRight(line, " "))
		name = ""
		var under strings.Builder
		for i, r := range line {
			mark := " "
			for _, m := range parts {
				if m.At <= at+i && at+i < m.At+len(m.Words) {
					mark = "^"
				}
			}
			under.WriteString(strings.Repeat(mark, columns(r)))
		}
		if marks := strings.TrimRight(under.String(), " "); marks != "" {
			fmt.Fprintf(p, "%*s%s\n", label, "", marks)
		}
		at = end
	}
}

// cutAt returns how many bytes of a text go on a line: as far as the last blank, where there is one.
func cutAt(s string, width int) int {
	blank, used := 0, 0
	for i, r := range s {
		if used += columns(r); used > width {
			if blank > 0 {
				return blank
			}
			return max(i, utf8.RuneLen(r))
		}
		if r == ' ' {
			blank = i + 1
		}
	}
	return len(s)
}

// columns returns how many columns of a terminal a character takes: those of East Asia take two.
func columns(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, 0x2e80 <= r && r <= 0xa4cf, 0xac00 <= r && r <= 0xd7a3, 0xf900 <= r && r <= 0xfaff, 0xfe30 <= r && r <= 0xfe6f,
		0xff00 <= r && r <= 0xff60, 0xffe0 <= r && r <= 0xffe6, 0x1f300 <= r && r <= 0x1faff, 0x20000 <= r && r <= 0x3fffd:
		return 2
	}
	return 1
}
