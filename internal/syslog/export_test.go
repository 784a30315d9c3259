package syslog

import (
	"encoding/binary"
	"strings"
	"testing"

	"bouncelog/parsers"
)

// binaryField is a field whose value may hold anything.
func binaryField(name, value string) string {
	return name + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(value)))) + value + "\n"
}

func TestCutField(t *testing.T) {
	long := binaryField("MESSAGE", "a\n\nPRIORITY=6\n")
	for _, test := range []struct {
		s, name, value string
		atEnd          bool
		n              int
	}{
		{"MESSAGE=a=b\nX=", "MESSAGE", "a=b", false, 12},
		{"_PID=\n", "_PID", "", false, 6},
		{long + "X=", "MESSAGE", "a\n\nPRIORITY=6\n", false, len(long)},
		{binaryField("A1", ""), "A1", "", false, 12},
		{"MESSAGE=a", "", "", false, 0},
		{"MESSAGE=a", "MESSAGE", "a", true, 9},
		{"MESS", "", "", false, 0},
		{"MESS", "", "", true, -1},
		{long[:10], "", "", false, 0},
		{long[:10], "", "", true, 0},
		{long[:len(long)-1], "", "", false, 0},
		{long[:len(long)-1], "", "", true, 0},
		{strings.TrimSuffix(long, "\n") + "X", "", "", false, -1},
		{"A\n\xff\xff\xff\xff\xff\xff\xff\xffx", "", "", false, -1},
		{"\n", "", "", false, -1},
		{"1A=x\n", "", "", false, -1},
		{"a=x\n", "", "", false, -1},
		{"A b=x\n", "", "", false, -1},
		{strings.Repeat("A", 65) + "=x\n", "", "", false, -1},
		{"", "", "", false, 0},
	} {
		if name, value, n := CutField(test.s, test.atEnd); name != test.name || value != test.value || n != test.n {
			t.Errorf("%q, %v: %q %q %d, want %q %q %d", test.s, test.atEnd, name, value, n, test.name, test.value, test.n)
		}
	}
}

func TestExport(t *testing.T) {
	const head = "__CURSOR=s=0;i=1\n__REALTIME_TIMESTAMP=1795169280123456\n_HOSTNAME=mx1\n"
	for _, test := range []struct {
		name, entry    string
		tag, pid, text string
		ok             bool
	}{
		{"text", head + "SYSLOG_IDENTIFIER=postfix/smtp\nSYSLOG_PID=7\n_PID=8\nMESSAGE=9F2C41D07A: removed\n", "postfix/smtp", "7", "9F2C41D07A: removed", true},
		{"bytes", head + "_PID=8\nSYSLOG_IDENTIFIER=postfix/smtp\n" + binaryField("MESSAGE", "a\n_HOSTNAME=x\nb") + "PRIORITY=6\n", "postfix/smtp", "8", "a\n_HOSTNAME=x\nb", true},
		{"twice", head + "MESSAGE=one\nMESSAGE=two\n_HOSTNAME=mx2\n", "", "", "one", true},
		{"a message that forges fields", head + "MESSAGE=SYSLOG_IDENTIFIER=postfix/smtp\n", "", "", "SYSLOG_IDENTIFIER=postfix/smtp", true},
		{"cut short", head + "MESSAGE=a\nSYSLOG_IDENT", "", "", "a", true},
		{"without a message", head + "PRIORITY=6\n", "", "", head + "PRIORITY=6\n", false},
		{"another file of settings", "_A=b\nMESSAGE=x\n", "", "", "_A=b\nMESSAGE=x\n", false},
	} {
		l, ok := NewReader(Options{}).Cut(test.entry)
		if ok != test.ok || l.Tag != test.tag || l.PID != test.pid || l.Text != test.text {
			t.Errorf("%s: %v, tag %q pid %q text %q", test.name, ok, l.Tag, l.PID, l.Text)
		}
		if ok && (l.Time != parsers.Stamp(1795169280123456) || l.Host != "mx1" || l.YearGuessed) {
			t.Errorf("%s: %v %q", test.name, l.Time, l.Host)
		}
	}
}

// FuzzCutField cuts anything: a field is what it was written from.
func FuzzCutField(f *testing.F) {
	f.Add("MESSAGE=a\n", false)
	f.Add(binaryField("MESSAGE", "a\nb"), true)
	f.Fuzz(func(t *testing.T, s string, atEnd bool) {
		name, value, n := CutField(s, atEnd)
		if n < -1 || n > len(s) || n <= 0 && name != "" {
			t.Fatalf("%q %q %d", name, value, n)
		}
		if n > 0 {
			if got := strings.TrimSuffix(s[:n], "\n"); got != name+"="+value && got != strings.TrimSuffix(binaryField(name, value), "\n") {
				t.Errorf("%q is no %q with %q", s[:n], name, value)
			}
			if n2 := len(s) - n; n2 > 0 && s[n-1] != '\n' {
				t.Errorf("%q does not end its line", s[:n])
			}
		}
	})
}
