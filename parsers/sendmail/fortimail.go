package sendmail

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A fortiMail is what FortiMail logs of its sendmail (FortiMail: Log Reference, Event SMTP logs):
//
//	date=2026-11-22 time=10:00:00.123 device_id=FE… log_id=0003000001 type=event subtype=smtp pri=information
//	     user=mail ui=mail action=NONE status=N/A session_id="QID0-QID" msg="to=…, stat=User unknown(Reason from remote:550 …)"
//
// or with `2026-11-22 10:00:00.123` at the beginning, where the log was downloaded, or with commas between the fields, where it
// is sent as CSV. The session's first message has its id.
type fortiMail struct {
	day, clock string
	host       string
	queueID    string
	text       string
}

// cutFortiMail takes a line of FortiMail's apart. text is empty where it is not about SMTP. msg= is the last field, and only
// there are quotes in a value that are not its own.
func cutFortiMail(s string) (f fortiMail, ok bool) {
	if strings.HasPrefix(s, "<") {
		_, s, _ = strings.Cut(s, ">") // the priority, where the syslog server adds no header
	}
	if len(s) > len("2006-01-02 ") && s[0]-'0' <= 9 && s[4] == '-' && s[10] == ' ' {
		f.day, s = s[:10], s[11:]
		f.clock, s, _ = strings.Cut(s, " ")
	}
	smtp, session := false, false
	for {
		key, value, rest := cutPair(s)
		switch key {
		case "date":
			f.day = value
		case "time":
			f.clock = value
		case "device_id":
			f.host = value
		case "subtype":
			smtp = value == "smtp"
		case "session_id":
			session = true
			f.queueID = value[strings.IndexByte(value, '-')+1:]
		case "msg", "":
			if key != "" && smtp {
				f.text = strings.TrimLeft(s, " ,")[len("msg="):]
			}
			return f, session || strings.HasPrefix(f.host, "FE")
		}
		s = rest
	}
}

// cutPair cuts `key=value` or `key="value"` from the front of s, which a blank or comma ends. The key is empty where there is
// none.
func cutPair(s string) (key, value, rest string) {
	key, value, ok := strings.Cut(strings.TrimLeft(s, " ,"), "=")
	if !ok || strings.IndexByte(key, ' ') >= 0 {
		return "", "", s
	}
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		value, rest, _ = strings.Cut(quoted, `"`)
		return key, value, rest
	}
	if i := strings.IndexAny(value, " ,"); i >= 0 {
		value, rest = value[:i], value[i:]
	}
	return key, value, rest
}

// appendFortiMail reads what sendmail said within a line of FortiMail's.
func (p *parser) appendFortiMail(dst []parsers.Event, line *parsers.Line, f *fortiMail) ([]parsers.Event, error) {
	if f.text == "" {
		return dst, nil
	}
	inner := *line
	text, quoted := strings.CutPrefix(f.text, `"`)
	if quoted {
		if cut, ok := strings.CutSuffix(text, `"`); ok {
			text, inner.Text = cut, strings.TrimSuffix(line.Text, `"`)
		}
	}
	n := len(dst)
	dst, err := p.appendLine(dst, &inner, f.queueID, text)
	for i := n; i < len(dst); i++ {
		ev := &dst[i]
		if line.Time == 0 {
			ev.Time, _, _ = fields.Stamp(f.day+" "+f.clock, p.Location)
		}
		if line.Host == "" {
			ev.Host = f.host
		}
	}
	return dst, err
}
