package custom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// learn returns a Learner that has seen the lines of a log.
func learn(log string) *Learner {
	raws := strings.Split(log, "\n")
	o := syslog.Options{}
	o.Anchor = syslog.Anchor(raws, syslog.Reference{Time: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, o)
	r := syslog.NewReader(o)
	l := NewLearner()
	for _, raw := range raws {
		line, ok := r.Cut(raw)
		if !ok {
			line = parsers.Line{Raw: raw, Text: raw}
		}
		l.Add(&line)
	}
	return l
}

// Lines of one shape make a rule, which reads them all.
func TestLearn(t *testing.T) {
	for _, test := range []struct {
		name, log string
		shapes    []string // with their numbers
		events    int      // that the proposal reads from the log
	}{
		{"with a header", `Nov 22 10:00:00 mx1 acmed[7]: from id=4B1C2D3E sender=<news@example.net>
Nov 22 10:00:00 mx1 acmed[7]: result id=4B1C2D3E to=<a@example.com> mx=mx1.example.com[192.0.2.1]:25 deferred (451 4.7.1 Later (try again))
Nov 22 10:00:01 mx1 acmed[7]: result id=4B1C2D3F to=<b@example.com> mx=mx2.example.com[2001:db8::2]:587 sent (250 2.0.0 OK)
Nov 22 10:00:02 mx1 acmed[7]: result id=4B1C2D40 to=<> mx=mx2.example.com[192.0.2.2]:25 odd (550 x)
Nov 22 10:00:03 mx1 acmed[7]: started 3 workers
Nov 22 10:00:04 mx1 acmed[7]: stopped 2 workers`,
			[]string{
				"3 result id=%{queue_id} to=<%{recipient}> mx=%{relay_host}[%{relay_ip}]:%{relay_port} %{status} (%{diagnostic...})",
				"2 %{_} %{_} workers",
				"1 from id=%{queue_id} sender=<%{sender}>",
			}, 2},
		{"bare", `2026-11-22T10:00:00.123Z INFO delivery of message 8831 to bob@example.org via 192.0.2.7:25 failed: 550 5.1.1 no such user
2026-11-22 10:00:02,5 WARN delivery of message 8832 to joe@example.org via 192.0.2.8:25 failed: 550-5.1.1 nobody here`,
			[]string{"2 %{time:rfc3339} %{_} delivery of message %{_} to %{recipient} via %{relay_ip}:%{relay_port} failed: %{diagnostic}"}, 2},
		{"brackets and quotes", `[22/Nov/2026:10:00:04 +0100] rcpt=<c@example.org> code=452 dsn=4.2.2 msg="the \"mailbox\" is full" took=1.5s`,
			[]string{`1 [%{time:strptime:%d/%b/%Y:%H:%M:%S %z}] rcpt=<%{recipient}> code=%{reply_code} dsn=%{dsn} msg="%{diagnostic...}" took=%{xdelay}`}, 1},
		{"a reply before other keys", `ts=1795341603 to=a@example.com status=hard reply=550 5.1.1 unknown user try=3`,
			[]string{"1 ts=%{time:epoch} to=%{recipient} status=%{status} reply=%{diagnostic...} try=%{attempt}"}, 1},
		{"objects", `{"ts":1795341603250,"level":"info","evt":{"result":"hard","rcpt":"a@example.com","mx.name":"mx.example.com","why":"550 5.1.1 unknown"}}
{"ts":1795341603251,"level":"info","evt":{"result":"ok","rcpt":"b@example.com","mx.name":"mx.example.com","why":"250 2.0.0 ok"}}
{"ts":1795341603251,"level":"info","msg":"started"}`,
			[]string{
				`2 { ts → time, level, evt.result → status, evt.rcpt → recipient, evt.mx\.name, evt.why → diagnostic }`,
				"1 { ts → time, level, msg → diagnostic }",
			}, 2},
		{"nothing of use", "a b\nc d\n\n\xff\n%{ and so on", []string{"2 %{_} %{_}", "1 %{ and so on"}, -1},
		{"a slot in the text", "to=<a@example.com> %{x} 550 5.1.1 no", []string{"1 to=<%{recipient}> %{x} %{diagnostic}"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := learn(test.log)
			var got []string
			for _, s := range l.Shapes() {
				got = append(got, fmt.Sprint(s.Lines, " ", s))
			}
			if strings.Join(got, "\n") != strings.Join(test.shapes, "\n") {
				t.Errorf("shapes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.shapes, "\n"))
			}
			text := l.Definition("learned")
			if test.events < 0 {
				if text != "" {
					t.Errorf("proposed\n%s", text)
				}
				return
			}
			d, err := Parse("learned.toml", []byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if r := d.Check(); len(r.Errors) > 0 || r.Samples == 0 {
				t.Errorf("%v\n%s", errors.Join(r.Errors...), text)
			}
			n := 0
			for raw := range strings.SplitSeq(test.log, "\n") {
				lines, head := (&checker{Definition: d}).lines(&sample{text: raw})
				evs, _ := d.read(lines, head)
				n += len(evs)
			}
			if n != test.events {
				t.Errorf("%d events, want %d\n%s", n, test.events, text)
			}
		})
	}
}

// What a Learner keeps is bounded.
func TestLearnBounds(t *testing.T) {
	l := NewLearner()
	for i := range 2 * maxShapes {
		text := fmt.Sprintf("k%s=1", strings.Repeat("x", i%200)+strings.Repeat("=", i/200))
		l.Add(&parsers.Line{Raw: text, Text: text})
	}
	long := strings.Repeat("<", 2*maxLearned)
	l.Add(&parsers.Line{Raw: long, Text: long})
	if n, lines := len(l.Shapes()), l.lines; n != maxShapes || lines != 2*maxShapes {
		t.Errorf("%d shapes of %d lines", n, lines)
	}
	for range maxLines {
		l.Add(&parsers.Line{Raw: "a", Text: "a"})
	}
	if all, sorted := l.Lines(); all != maxLines+2*maxShapes || sorted != maxLines {
		t.Errorf("%d lines of %d are sorted", sorted, all)
	}
}
