package syslog

import "testing"

// Where a mail system runs in a container or under systemd, its tag may stand where others have something else.
func TestTagsOfContainersAndUnits(t *testing.T) {
	for _, test := range []struct{ name, line, host, tag, pid, text string }{
		{"unit instead of tag", "Nov 20 10:08:00 mx1 postfix@-.service[2201]: 4B1C: removed", "mx1", "postfix", "2201", "4B1C: removed"},
		{"unit without instance", "Nov 20 10:08:00 mx1 postfix.service[2201]: 4B1C: removed", "mx1", "postfix", "2201", "4B1C: removed"},
		{"unit without process id", "Nov 20 10:08:00 mx1 postfix@-.service: 4B1C: removed", "mx1", "postfix", "", "4B1C: removed"},
		{"instance", "Nov 20 10:08:00 mx1 getty@tty1[7]: x", "mx1", "getty@tty1", "7", "x"},
		{"an address", "Nov 20 10:08:00 mx1 ann@example.net: 550 no", "mx1", "", "", "ann@example.net: 550 no"},
		{"RFC 5424 with the tag kept", "<22>1 2026-11-20T10:08:00Z mx1 postfix/smtp 2201 - - postfix/smtp[2201]: 4B1C: removed", "mx1", "postfix/smtp", "2201", "4B1C: removed"},
		{"RFC 5424 with the tag cut at the slash", "<22>1 2026-11-20T10:08:00Z mx1 postfix 2201 - - postfix/smtp[2201]: 4B1C: removed", "mx1", "postfix/smtp", "2201", "4B1C: removed"},
		{"RFC 5424, another program's tag in the message", "<22>1 2026-11-20T10:08:00Z mx1 app 1 - - postfix/smtp[2201]: 4B1C: removed", "mx1", "app", "1", "postfix/smtp[2201]: 4B1C: removed"},
		{"docker json-file without syslog", `{"log":"postfix/smtp[22]: 4B1C: removed\n","stream":"stdout","time":"2026-11-20T10:08:00.5Z"}`, "", "postfix/smtp", "22", "4B1C: removed"},
		{"CRI without syslog", "2026-11-20T10:08:00.5Z stdout F postfix/smtp[1]: 4B1C: removed", "", "postfix/smtp", "1", "4B1C: removed"},
		{"docker's syslog driver with a tag option", "Nov 20 10:08:01 outer docker/mail[1]: Nov 20 10:08:00 mx1 postfix/smtp[2]: 4B1C: removed", "mx1", "postfix/smtp", "2", "4B1C: removed"},
		{"docker's syslog driver, no inner header", "Nov 20 10:08:00 outer docker[1]: postfix/smtp[2]: 4B1C: removed", "outer", "postfix/smtp", "2", "4B1C: removed"},
		{"a container's id", "Nov 20 10:08:00 outer 0123456789ab[1]: postfix/smtp[2]: 4B1C: removed", "outer", "postfix/smtp", "2", "4B1C: removed"},
		{"anybody's words", "Nov 20 10:08:00 outer myapp[1]: postfix/smtp[2]: 4B1C: removed", "outer", "myapp", "1", "postfix/smtp[2]: 4B1C: removed"},
		{"a message of the mail system", "Nov 20 10:08:01 mx1 postfix/smtp[1]: Nov 20 10:08:00 mx2 postfix/smtp[2]: 4B1C: removed", "mx1", "postfix/smtp", "1", "Nov 20 10:08:00 mx2 postfix/smtp[2]: 4B1C: removed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, ok := NewReader(Options{Anchor: 1795169280000000}).Cut(test.line)
			if !ok || l.Host != test.host || l.Tag != test.tag || l.PID != test.pid || l.Text != test.text || l.Time == 0 {
				t.Errorf("got %v %+v", ok, l)
			}
		})
	}
}

// What a container runtime puts before a line, whole or not.
func TestCutPart(t *testing.T) {
	const at = "2026-11-20T10:08:00.5Z "
	for _, test := range []struct {
		raw  string
		want Part
		ok   bool
	}{
		{at + "stdout F a line", Part{0, false, "a line"}, true},
		{at + "stderr P a li", Part{1, true, "a li"}, true},
		{at + "stderr P:x:y  a li", Part{1, true, " a li"}, true},
		{"2026-11-20T10:08:00.123456789+01:00 stdout F:x ne", Part{0, false, "ne"}, true},
		{at + "stdout F", Part{}, true},
		{at + "stdout P ", Part{More: true}, true},
		{at + "stdout X a", Part{}, false},
		{at + "stdin P a", Part{}, false},
		{at + "stdoutP a", Part{}, false},
		{at + "mx1 postfix/smtp[1]: x", Part{}, false},
		{"Nov 20 10:08:00 mx1 stdout P a", Part{}, false},
		{"2026-11-20T10:08:00 stdout P a", Part{}, false}, // without a zone
		{"", Part{}, false},
	} {
		got, ok := CutPart(test.raw)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%q: %+v %v, want %+v %v", test.raw, got, ok, test.want, test.ok)
		}
		if line, is := NewReader(Options{}).Cut(test.raw); ok && (!is || line.Text != test.want.Text) {
			t.Errorf("%q: the line is %q, %v", test.raw, line.Text, is)
		}
	}
}

func TestFrameLength(t *testing.T) {
	for _, test := range []struct {
		s    string
		n    int
		more bool
	}{
		{"83 <22>1 2026-11-20T10:08:00Z mx1 a - - - x", 86, false},
		{"12 <22>Nov 20", 15, false},
		{"1048576 <1>x", 1048576 + 8, false},
		{"1048577 <1>x", 0, false},
		{"10485760 <1>x", 0, false},
		{"083 <22>1 x", 0, false},
		{"83 <192>1 x", 0, false},
		{"83 <>x", 0, false},
		{"3 <22>1 x", 0, false},
		{"83  <22>1 x", 0, false},
		{"Nov 20", 0, false},
		{"", 0, true},
		{"83", 0, true},
		{"83 ", 0, true},
		{"83 <", 0, true},
		{"83 <22", 0, true},
		{"83 <2x", 0, false},
	} {
		if n, more := FrameLength(test.s); n != test.n || more != test.more {
			t.Errorf("%q: %d %v, want %d %v", test.s, n, more, test.n, test.more)
		}
	}
	line, ok := NewReader(Options{}).Cut("45 <22>1 2026-11-20T10:08:00Z mx1 a/b 7 - - text")
	if !ok || line.Host != "mx1" || line.Tag != "a/b" || line.Text != "text" {
		t.Errorf("%v %+v", ok, line)
	}
}
