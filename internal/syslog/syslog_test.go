package syslog

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
)

// at reads an RFC 3339 time, for tables.
func at(t testing.TB, s string) parsers.Stamp {
	t.Helper()
	if s == "" {
		return 0
	}
	tm, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return parsers.StampOf(tm)
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// november is the anchor of most tests: the input begins with 2026-11-20.
const november = "2026-11-20T00:00:00Z"

const text = "4B1C2D3E4F5: to=<ann@example.net>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)"

func TestCut(t *testing.T) {
	// A want without text has the constant above; without time the usual one.
	type want struct {
		time, host, tag, pid, text string
		guessed                    bool
		repeat                     int
	}
	const second, noTime = "2026-11-20T10:08:00Z", "-"
	bsd := want{host: "mx1", tag: "postfix/smtp", pid: "2201", guessed: true}
	full := want{host: "mx1", tag: "postfix/smtp", pid: "2201"}
	with := func(w want, change func(w *want)) want {
		change(&w)
		return w
	}
	micro := with(full, func(w *want) { w.time = "2026-11-20T10:08:00.123456Z" })
	half := with(full, func(w *want) { w.time = "2026-11-20T10:08:00.5Z" })
	for _, test := range []struct {
		name, line string
		want       want
	}{
		{"rfc 3164", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"carriage return", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text + "\r", bsd},
		{"day padded with a blank", "Nov  5 10:08:00 mx1 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.time = "2026-11-05T10:08:00Z" })},
		{"day padded with zero", "Nov 05 10:08:00 mx1 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.time = "2026-11-05T10:08:00Z" })},
		{"day not padded", "Nov 5 10:08:00 mx1 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.time = "2026-11-05T10:08:00Z" })},
		{"fraction", "Nov 20 10:08:00.123456789 mx1 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.time = "2026-11-20T10:08:00.123456Z" })},
		{"leap second", "Nov 20 23:59:60 mx1 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.time = "2026-11-21T00:00:00Z" })},
		{"priority", "<22>Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"priority and iso", "<22>2026-11-20T10:08:00Z mx1 postfix/smtp[2201]: " + text, full},
		{"no host", "Nov 20 10:08:00 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.host = "" })},
		{"no host and no pid", "Nov 20 10:08:00 postfix/smtp: " + text, with(bsd, func(w *want) { w.host, w.pid = "", "" })},
		{"no pid", "Nov 20 10:08:00 mx1 postfix/smtp: " + text, with(bsd, func(w *want) { w.pid = "" })},
		{"no blank", "Nov 20 10:08:00 mx1 postfix/smtp[2201]:" + text, bsd},
		{"no colon", "Nov 20 10:08:00 mx1 postfix/smtp[2201] " + text, bsd},
		{"no tag", "Nov 20 10:08:00 mx1 the disk is full", want{host: "mx1", text: "the disk is full", guessed: true}},
		{"no text", "Nov 20 10:08:00 mx1 postfix/smtp[2201]:", with(bsd, func(w *want) { w.text = "-" })},
		{"pid with a dot", "Nov 20 10:08:00 fbsd dma[1a2b3c.55d0c2a4e0]: " + text, want{host: "fbsd", tag: "dma", pid: "1a2b3c.55d0c2a4e0", guessed: true}},
		{"address as host", "Nov 20 10:08:00 2001:db8::25 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.host = "2001:db8::25" })},
		{"address that ends with colons", "Nov 20 10:08:00 2001:db8:: postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.host = "2001:db8::" })},
		{"chained host", "Nov 20 10:08:00 src@relay/mx1 postfix/smtp[2201]: " + text, with(bsd, func(w *want) { w.host = "src@relay/mx1" })},
		{"alias", "Nov 20 10:08:00 mx1.example.com postfix/smtp[2201]: " + text, bsd},
		{"alias of a long host", "Nov 20 10:08:00 " + longHost + " postfix/smtp[2201]: " + text, bsd},
		{"year first", "2026 Nov 20 10:08:00.123456 mx1 postfix/smtp[2201]: " + text, micro},
		{"year first, short", "2026 Nov  5 10:08:00 mx1 postfix/smtp[2201]: " + text, with(full, func(w *want) { w.time = "2026-11-05T10:08:00Z" })},
		{"year behind the day", "Nov 20 2026 10:08:00 mx1 postfix/smtp[2201]: " + text, full},
		{"iso", "2026-11-20T10:08:00.123456Z mx1 postfix/smtp[2201]: " + text, micro},
		{"iso with comma", "2026-11-20T10:08:00,123456Z mx1 postfix/smtp[2201]: " + text, micro},
		{"iso with zone", "2026-11-20T11:08:00+01:00 mx1 postfix/smtp[2201]: " + text, full},
		{"iso with zone, no colon", "2026-11-20T06:38:00-0330 mx1 postfix/smtp[2201]: " + text, full},
		{"iso with hours only", "2026-11-21T00:08:00+14 mx1 postfix/smtp[2201]: " + text, full},
		{"iso without zone", "2026-11-20T10:08:00 mx1 postfix/smtp[2201]: " + text, full},
		{"iso without pid", "2026-11-20T10:08:00Z mx1 qmail: " + text, want{host: "mx1", tag: "qmail"}},
		{"iso without host", "2026-11-20T10:08:00Z app[12]: " + text, want{tag: "app", pid: "12"}},
		{"blank instead of T", "2026-11-20 10:08:00 mx1 postfix/smtp[2201]: " + text, full},
		{"rfc 5424", `<22>1 2026-11-20T10:08:00Z mx1 postfix/smtp 2201 ID47 [meta x="a\]b"] ` + bom + text, full},
		{"rfc 5424, two elements", `<22>1 2026-11-20T10:08:00Z mx1 postfix/smtp 2201 - [a@1 x="\"" y="[\\"][b] ` + text, full},
		{"rfc 5424 of rsyslog", `<22>1 2026-11-20T10:08:00.123456+00:00 mx1 postfix/smtp 2201 - -  ` + text, micro},
		{"rfc 5424, nothing said", `<22>1 - - - - - - ` + text, want{time: noTime}},
		{"rfc 5424, no message", `<22>1 2026-11-20T10:08:00Z mx1 postfix/smtp 2201 - -`, with(full, func(w *want) { w.text = "-" })},
		{"short-full", "Fri 2026-11-20 10:08:00 UTC mx1 postfix/smtp[2201]: " + text, full},
		{"short-full with offset", "Fri 2026-11-20 15:53:00 +0545 mx1 postfix/smtp[2201]: " + text, full},
		{"short-full of the kernel", "Fri 2026-11-20 10:08:00 UTC mx1 kernel: " + text, want{host: "mx1", tag: "kernel"}},
		{"short-unix", "1795169280.123456 mx1 postfix/smtp[2201]: " + text, micro},
		{"blob", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: [1.2K blob data]", with(bsd, func(w *want) { w.text = "[1.2K blob data]" })},
		{"boot", "-- Boot 0123456789abcdef --", want{time: noTime, text: "-- Boot 0123456789abcdef --"}},
		{"BusyBox", "Nov 20 10:08:00 mx1 mail.info postfix/smtp[2201]: " + text, bsd},
		{"level only", "Nov 20 10:08:00 mx1 info postfix/smtp[2201]: " + text, bsd},
		{"FreeBSD", "Nov 20 10:08:00 <mail.info> mx1 postfix/smtp[2201]: " + text, bsd},
		{"FreeBSD, numbers", "Nov 20 10:08:00 <2.6> mx1 postfix/smtp[2201]: " + text, bsd},
		{"Solaris", "Nov 20 10:08:00 mx1 sendmail[2201]: [ID 197553 mail.info] " + text, with(bsd, func(w *want) { w.tag = "sendmail" })},
		{"AIX", "Nov 20 10:08:00 mx1 mail:info postfix/smtp[2201]: " + text, bsd},
		{"AIX, forwarded", "Nov 20 10:08:00 loghost Message forwarded from mx1: postfix/smtp[2201]: " + text, bsd},
		{"BOM", bom + "Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"colour", "\x1b[0m\x1b[38;5;12mNov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"repeated", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: message repeated 3 times: [ " + text + "]", with(bsd, func(w *want) { w.repeat = 3 })},
		{"repeated and cut", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: message repeated 3 times: [" + text, with(bsd, func(w *want) { w.repeat = 3 })},
		{"repeated beyond belief", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: message repeated 99999999999999999999 times: [ " + text + "]", with(bsd, func(w *want) { w.repeat = 10000 })},
		{"repeated never", "Nov 20 10:08:00 mx1 a: message repeated 0 times: [ x]", want{host: "mx1", tag: "a", text: "message repeated 0 times: [ x]", guessed: true}},
		{"last repeated", "Nov 20 10:08:00 mx1 last message repeated 3 times", want{host: "mx1", text: "last message repeated 3 times", guessed: true}},
		{"last repeated, no host", "Nov 20 10:08:00 last message repeated 3 times", want{text: "last message repeated 3 times", guessed: true}},
		{"last repeated, iso", "2026-11-20T10:08:00Z mx1 last message repeated 3 times", want{host: "mx1", text: "last message repeated 3 times"}},
		{"last repeated, sysklogd", "Nov 20 10:08:00 mx1 --- last message repeated 3 times ---", want{host: "mx1", text: "--- last message repeated 3 times ---", guessed: true}},

		{"journal", `{"__REALTIME_TIMESTAMP": "1795169280123456", "_SOURCE_REALTIME_TIMESTAMP": "1795169280000000", "_HOSTNAME": "mx1", "SYSLOG_IDENTIFIER": "postfix/smtp", "SYSLOG_PID": "2201", "_PID": "1", "MESSAGE": "` + text + `"}`, micro},
		{"journal, other order", `{"MESSAGE":"` + text + `","X":{"MESSAGE":["}"]},"_PID":"2201","Y":[{"a":"]"}],"SYSLOG_IDENTIFIER":"postfix/smtp","_HOSTNAME":"mx1","_SOURCE_REALTIME_TIMESTAMP":"1795169280123456"}`, micro},
		{"journal, bytes", `{"MESSAGE":[72, 105 ,32,255],"SYSLOG_IDENTIFIER":"postfix/smtp","_PID":2201,"_HOSTNAME":"mx1","__REALTIME_TIMESTAMP":1795169280123456}`, with(micro, func(w *want) { w.text = "Hi \xff" })},
		{"journal, no bytes", `{"MESSAGE":[72,256],"_HOSTNAME":"mx1"}`, want{time: noTime, host: "mx1", text: "-"}},
		{"journal, null", `{"MESSAGE":null,"SYSLOG_IDENTIFIER":"postfix/smtp","SYSLOG_PID":"2201","_HOSTNAME":"mx1","__REALTIME_TIMESTAMP":"1795169280123456"}`, with(micro, func(w *want) { w.text = "-" })},
		{"journal, fields twice", `{"MESSAGE":["` + text + `","b"],"SYSLOG_IDENTIFIER":["postfix/smtp","b"],"SYSLOG_PID":["2201","2"],"_HOSTNAME":"mx1","__REALTIME_TIMESTAMP":"1795169280123456"}`, micro},
		{"journal, messages of bytes twice", `{"MESSAGE":[[72,105],[72]],"SYSLOG_IDENTIFIER":"a","_HOSTNAME":"mx1"}`, want{time: noTime, host: "mx1", tag: "a", text: "Hi"}},
		{"journal of docker", `{"__REALTIME_TIMESTAMP":"1795169281000000","_HOSTNAME":"node","SYSLOG_IDENTIFIER":"4f1c2a","MESSAGE":"Nov 20 10:08:00 mx1 postfix/smtp[2201]: ` + text + `"}`, full},
		{"json-file", `{"log":"Nov 20 10:08:00 mx1 postfix/smtp[2201]: ` + strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(text) + `\n","stream":"stdout","time":"2026-11-20T10:08:01.5Z"}`, full},
		{"json-file, no header", `{"log":"` + text + `\r\n","stream":"stdout","time":"2026-11-20T10:08:00.5Z"}`, want{time: "2026-11-20T10:08:00.5Z"}},
		{"json-file, colour", `{"log":"\u001b[32m` + text + `\n","stream":"stdout","time":"2026-11-20T10:08:00.5Z"}`, want{time: "2026-11-20T10:08:00.5Z"}},
		{"json-file, no time", `{"stream":"stderr","log":"Nov 20 10:08:00 mx1 postfix/smtp[2201]: ` + text + `"}`, bsd},
		{"json-file, year from its time", `{"log":"Dec 31 23:59:59 mx1 postfix/smtp[2201]: ` + text + `\n","stream":"stdout","time":"2022-01-01T00:00:01Z"}`, with(full, func(w *want) { w.time = "2021-12-31T23:59:59Z" })},
		{"cri", "2026-11-20T10:08:00.500000000Z stdout F Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, full},
		{"cri, partial", "2026-11-20T10:08:00.500000000Z stderr P:x " + text, want{time: "2026-11-20T10:08:00.5Z"}},
		{"cri, offset", "2026-11-20T11:08:00.5+01:00 stdout F " + text, want{time: "2026-11-20T10:08:00.5Z"}},
		{"docker logs -t", "2026-11-20T10:08:00.5Z Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, full},
		{"compose", "mail-1  | Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"compose, colour", "\x1b[36mmail-1  |\x1b[0m Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"compose, stamps", "mail-1  | 2026-11-20T10:08:00.5Z Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, full},
		{"compose, no header", "mail-1  | " + text, want{time: noTime}},
		{"stern", "mail-0 postfix Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"stern, colour", "\x1b[36mmail-0\x1b[0m \x1b[1mpostfix\x1b[0m Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"stern, stamps", "mail-0 postfix 2026-11-20T10:08:00.5Z Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, full},

		{"nested", "Nov 20 12:08:01 host docker[32360]: Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"nested iso", "Nov 20 12:08:01 host docker[32360]: 2026-11-20T10:08:00.5Z mx1 postfix/smtp[2201]: " + text, half},
		{"nested, year outside", "2021-01-01T00:00:01+02:00 host docker[1]: Dec 31 23:59:59 mx1 postfix/smtp[2201]: " + text, with(full, func(w *want) { w.time = "2020-12-31T23:59:59Z" })},
		{"nested, rfc 5424 outside", "<30>1 2022-03-01T00:00:01Z host docker 1 - - Feb 28 23:59:59 mx1 postfix/smtp[2201]: " + text, with(full, func(w *want) { w.time = "2022-02-28T23:59:59Z" })},
		{"nested, rfc 5424 inside", "Nov 20 12:08:01 host docker[1]: <22>1 2026-11-20T10:08:00Z mx1 postfix/smtp 2201 - - " + text, full},
		{"relayed twice", "Nov 20 10:08:01 loghost Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, bsd},
		{"nested, repeated", "Nov 20 12:08:01 host docker[1]: message repeated 2 times: [ Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text + "]", with(bsd, func(w *want) { w.repeat = 2 })},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := test.want
			if w.time == "" {
				w.time = second
			}
			wantLine := parsers.Line{Raw: strings.TrimSuffix(test.line, "\r"), Text: text, Host: w.host, Tag: w.tag, PID: w.pid, YearGuessed: w.guessed, Repeat: w.repeat}
			if w.time != noTime {
				wantLine.Time = at(t, w.time)
			}
			if w.text != "" {
				wantLine.Text = w.text
			}
			if w.text == "-" {
				wantLine.Text = ""
			}
			r := NewReader(Options{Anchor: at(t, november), HostAlias: map[string]string{"mx1.example.com": "mx1", longHost: "mx1"}})
			for range 2 { // the second time from memory
				got, ok := r.Cut(test.line)
				if !ok {
					t.Fatal("no header found")
				}
				if diff := cmp.Diff(wantLine, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

const longHost = "a-name-that-is-longer-than-sixty-four-bytes-as-names-in-clouds-are.example.com"

// What is no header stays text, and what a message claims does not become one.
func TestCut_NoHeader(t *testing.T) {
	for _, line := range []string{
		"",
		"\r",
		" ",
		"Nov",
		"Nov 20 10:08:00",
		"Nov 20 10:08:00 ",
		"Nov 20 10:08:00  mx1",
		"Nov 20 10:08:00 mx1",
		"Foo 20 10:08:00 mx1 a[1]: x",
		"Nov 32 10:08:00 mx1 a[1]: x",
		"Nov 31 10:08:00 mx1 a[1]: x",
		"Nov 00 10:08:00 mx1 a[1]: x",
		"Feb 30 10:08:00 mx1 a[1]: x",
		"Nov 20 25:08:00 mx1 a[1]: x",
		"Nov 20 24:00:00 mx1 a[1]: x",
		"Nov 20 10:60:00 mx1 a[1]: x",
		"Nov 20 10:08:61 mx1 a[1]: x",
		"Nov 20 10:08:000 mx1 a[1]: x",
		"Nov 20 10:08:00. mx1 a[1]: x",
		"Nov 20 20x6 10:08:00 mx1 a[1]: x",
		"Feb 29 2026 10:08:00 mx1 a[1]: x",
		"0000-01-01T00:00:00Z mx1 a[1]: x",
		"2026-02-29T10:08:00Z mx1 a[1]: x",
		"2026-13-01T10:08:00Z mx1 a[1]: x",
		"2026-11-20T10:08:00+24:00 mx1 a[1]: x",
		"2026-11-20T10:08:00+1 mx1 a[1]: x",
		"2026-11-20T10:08:00Zmx1 a[1]: x",
		"<192>Nov 20 10:08:00 mx1 a[1]: x",
		"<>Nov 20 10:08:00 mx1 a[1]: x",
		"<22>1 2026-11-20T10:08:00Z mx1 a 1 - [x",
		"<22>1 2026-11-20T10:08:00Z mx1 a 1 - [[x]] y",
		"<22>1 2026-11-20T10:08:00Z mx1 a 1 - x y",
		"<22>1 Nov 20 10:08:00 mx1 a[1]: x",
		"Fre 2026-11-20 10:08:00 UTC mx1 a[1]: x",
		"Fri 2026-11-20 10:08:00 mx1 a[1]: x",
		"Fri 2026-11-20T10:08:00 UTC mx1 a[1]: x",
		"2026-11-20T10:08:00Z bounced ann@example.net: 550 5.1.1 no",
		// Other programs' logs.
		"2025-03-04 05:06:07 1tpJm7-00000001AbC-2dEf == a@example.net R=r T=t defer (-42): x",
		"2025-03-04 05:06:07 1tpJm7-00000001AbC-2dEf SA[12]: x",
		"2025-03-04 05:06:07 1tpJm7-0001Ab-2d SA[12]: x",
		"2025-03-04 05:06:07 H=mx.example.net [192.0.2.1] Warning: x",
		"2025-03-04 05:06:07 Warning: No server certificate defined",
		"2025-03-04 05:06:07.123 +0100 [4242] 1tpJm7-00000001AbC-2dEf <= a@example.net",
		" Suggested action: either install a certificate",
		"2026-11-22T10:00:02.123Z [NOTICE] [9FF7F70E.1.1] [outbound]  delivered file=x",
		"2026-11-22T10:00:02Z INFO Message delivered (delivery.delivered) queueId = 1",
		"2026-11-22T10:00:02.100Z queue: delivered\t{\"attempt\":1}",
		"2026-11-22T10:00:03Z mailer to=bob@example.org res=soft msg=\"451 4.7.1 Greylisted\"",
		"2026-11-22 10:00:00.000000500 starting delivery 8: msg 5002 to remote carol@example.com",
		"1157520813.485077 delivery 12: success: did_1+0+0/",
		"1795341600@91/6D-07914-E67BC044@00/00-03736@R@johndoe@example.com",
		"11/22/26 10:00:00\tSMTP-OU\tBBBB2222.MAI",
		"[22/Nov/2026 10:00:02] Sent: Queue-ID: 63073369-00000003",
		"@400000006b02bd2a0ee6b280 delivery 12: success: did_1+0+0/",
		"d|1795341602|news@example.net",
		"kind | news@example.net | ann@example.net",
		"-- ",
		`{"type":"Delivery","id":"1"}`,
		`{"level":"NOTICE","message":"x","log-level":"y"}`,
		`{"log":"x","time":"now"}`,
		`{"log":{"a":1},"stream":"stdout"}`,
		`{"log":"x","stream":"stdout"`,
		`{"log":"x","stream":"stdout"}}`,
		`{"MESSAGE":"x"}`,
		`{"MESSAGE":"x","_HOSTNAME":"y",}`,
		`{"MESSAGE" "x","_HOSTNAME":"y"}`,
		`{"MESSAGE":"x","_HOSTNAME":"y\`,
	} {
		r := NewReader(Options{Anchor: at(t, november)})
		got, ok := r.Cut(line)
		raw := strings.TrimSuffix(line, "\r")
		if want := (parsers.Line{Raw: raw, Text: raw}); ok || got != want {
			t.Errorf("Cut(%q) = %+v, %v", line, got, ok)
		}
	}
}

func TestCut_ForgedHeader(t *testing.T) {
	const forged = "Nov 20 10:08:00 mx9 postfix/smtp[1]: 4B1C2D3E4F5: to=<x@example.net>, status=sent (250 ok)"
	for _, test := range []struct{ line, tag, text string }{
		// A program whose tag has a slash is an MTA's own.
		{"Nov 20 10:08:00 mx1 postfix/smtpd[2]: " + forged, "postfix/smtpd", forged},
		{"<22>1 2026-11-20T10:08:00Z mx1 postfix/smtpd 2 - - " + forged, "postfix/smtpd", forged},
		{`{"MESSAGE":"` + forged + `","SYSLOG_IDENTIFIER":"postfix/smtpd","_HOSTNAME":"mx1"}`, "postfix/smtpd", forged},
		// A header elsewhere than at the beginning.
		{"Nov 20 10:08:00 mx1 docker[2]: x " + forged, "docker", "x " + forged},
		{"Nov 20 10:08:00 mx1 docker[2]:  " + forged, "docker", " " + forged},
		// Headers that are not complete.
		{"Nov 20 10:08:00 mx1 a[2]: Nov 20 10:08:00 postfix/smtp[1]: x", "a", "Nov 20 10:08:00 postfix/smtp[1]: x"},
		{"Nov 20 10:08:00 mx1 a[2]: Nov 20 10:08:00 mx9 postfix/smtp[1]:x", "a", "Nov 20 10:08:00 mx9 postfix/smtp[1]:x"},
		{"Nov 20 10:08:00 mx1 a[2]: Nov 20 10:08:00 mx9 hello", "a", "Nov 20 10:08:00 mx9 hello"},
		{"Nov 20 10:08:00 mx1 a[2]: Nov 20 10:08:00 mx9 last message repeated 9 times", "a", "Nov 20 10:08:00 mx9 last message repeated 9 times"},
		// Exim's own stamp, behind which its text begins.
		{"Nov 20 10:08:00 mx1 exim[2]: 2026-11-20 10:08:00 mx9 postfix/smtp[1]: x", "exim", "2026-11-20 10:08:00 mx9 postfix/smtp[1]: x"},
		// qmail's stamp.
		{"Nov 20 10:08:00 mx1 qmail: 1157520813.485077 delivery 12: success: x", "qmail", "1157520813.485077 delivery 12: success: x"},
		// A header in a header in a header.
		{"Nov 20 10:08:00 mx1 a[2]: Nov 20 10:08:00 mx2 b[3]: " + forged, "b", forged},
		// Quotes that JSON would not have.
		{`{"log":"\",\"log\":\"` + forged + `","stream":"stdout"}`, "", `","log":"` + forged},
	} {
		line, ok := NewReader(Options{Anchor: at(t, november)}).Cut(test.line)
		if !ok || line.Tag != test.tag || line.Text != test.text {
			t.Errorf("Cut(%q) = tag %q, text %q, %v", test.line, line.Tag, line.Text, ok)
		}
	}
}

func TestLossNotice(t *testing.T) {
	for _, test := range []struct {
		line string
		want bool
	}{
		{"Nov 20 10:08:00 mx1 rsyslogd-2177: imuxsock begins to drop messages from pid 123 due to rate-limiting", true},
		{"Nov 20 10:08:00 mx1 rsyslogd-2177: imuxsock lost 45 messages from pid 123 due to rate-limiting", true},
		{"Nov 20 10:08:00 mx1 rsyslogd: imjournal: 47006 messages lost due to rate-limiting (20000 allowed within 600 seconds)", true},
		{"Nov 20 10:08:00 mx1 rsyslogd[7]: imuxsock from <postfix/smtp:smtp>: begin to drop messages due to rate-limiting", true},
		{"Nov 20 10:08:00 mx1 systemd-journald[7]: Suppressed 917 messages from postfix.service", true},
		{"Nov 20 10:08:00 mx1 systemd-journal[7]: Suppressed 917 messages from /system.slice/postfix.service", true},
		{"Nov 20 10:08:00 mx1 syslogd: dropped 12 messages to remote loghost", true},
		{"Nov 20 10:08:00 mx1 syslog-ng[7]: Destination queue full, dropping messages; queue_len='10000'", true},
		{"Nov 20 10:08:00 mx1 rsyslogd: [origin software=\"rsyslogd\"] start", false},
		{"Nov 20 10:08:00 mx1 postfix/smtp[7]: 4B1C2D3E4F5: host x said: 450 9 messages lost due to rate-limiting", false},
		{"9 messages lost due to rate-limiting", false},
	} {
		line, _ := NewReader(Options{}).Cut(test.line)
		if got := LossNotice(&line); got != test.want {
			t.Errorf("LossNotice(%q) = %v", test.line, got)
		}
	}
}

// shared opens a file of the folder beside the module that holds logs and examples.
func shared(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no %s beside the module", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The three forms in which rsyslog wrote the same events are cut into the same lines.
func TestCut_FormsAgree(t *testing.T) {
	read := func(name string) (lines []parsers.Line) {
		gz, err := gzip.NewReader(shared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(Options{Anchor: at(t, november)})
		for s := bufio.NewScanner(gz); s.Scan(); {
			line, ok := r.Cut(s.Text())
			if !ok {
				t.Fatalf("%s: no header in %q", name, s.Text())
			}
			lines = append(lines, line)
		}
		return lines
	}
	for _, mta := range []string{"postfix-short", "opensmtpd", "sendmail"} {
		old := read("corpus/logs/" + mta + "/mail.log.gz")
		iso := read("corpus/logs/" + mta + "/mail.iso.log.gz")
		rfc := read("corpus/logs/" + mta + "/mail.rfc5424.log.gz")
		if len(old) == 0 || len(iso) != len(old) || len(rfc) != len(old) {
			t.Fatalf("%s: %d, %d and %d lines", mta, len(old), len(iso), len(rfc))
		}
		for i, o := range old {
			n, f := iso[i], rfc[i]
			if o.Text != n.Text || o.Host != n.Host || o.Tag != n.Tag || o.PID != n.PID || o.Time != n.Time/1e6*1e6 {
				t.Fatalf("%s line %d: %+v and %+v", mta, i+1, o, n)
			}
			// rsyslog ends the APP-NAME at the slash.
			if f.Text != n.Text || f.Host != n.Host || !strings.HasPrefix(n.Tag, f.Tag) || f.PID != n.PID || f.Time != n.Time {
				t.Fatalf("%s line %d: %+v and %+v", mta, i+1, f, n)
			}
		}
	}
}

// The examples' times and hosts come out of their headers, with the clock they name.
func TestCut_Examples(t *testing.T) {
	dec := json.NewDecoder(shared(t, "examples/postfix.jsonl"))
	for dec.More() {
		var c struct {
			ID, Now  string
			Lines    []string
			Expected []struct {
				Line       int
				Time, Host string
			}
		}
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		ref := Reference{Time: at(t, c.Now).Time()}
		r := NewReader(Options{Anchor: Anchor(c.Lines, ref, Options{})})
		for _, want := range c.Expected {
			if want.Time == "" {
				continue
			}
			line, ok := r.Cut(c.Lines[want.Line])
			if !ok || line.Time != at(t, want.Time) || line.Host != want.Host || !strings.Contains(line.Tag, "/") {
				t.Errorf("%s: %q cut into %+v, want %s at %s", c.ID, c.Lines[want.Line], line, want.Host, want.Time)
			}
		}
	}
}

func TestCut_DoesNotAllocate(t *testing.T) {
	r := NewReader(Options{Location: location(t, "Europe/Berlin"), Anchor: at(t, november), HostAlias: map[string]string{"mx1.example.com": "mx1"}})
	for _, pair := range [][2]string{
		{"Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text, "Nov 20 10:08:01 mx1.example.com postfix/smtp[2201]: " + text},
		{"2026-11-20T10:08:00.123456+01:00 mx1 postfix/smtp[2201]: " + text, "2026-11-20T10:08:01 mx2 postfix/smtp[2201]: " + text},
		{"May  2 22:56:18 host docker[32360]: May  2 20:56:17 ctr postfix/smtp[17742]: " + text, "2025-03-04 05:06:07 1tpJm7-00000001AbC-2dEf == a@example.net"},
	} {
		if n := testing.AllocsPerRun(100, func() { r.Cut(pair[0]); r.Cut(pair[1]) }); n != 0 {
			t.Errorf("%q: %v allocations", pair, n)
		}
	}
}
