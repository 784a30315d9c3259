package syslog

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"bouncelog/parsers"
)

// seeds has a line of every form, for fuzzing and for what must hold between any lines.
var seeds = []string{
	"Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + text,
	"Nov  5 10:08:00.123 mx2 postfix/smtp[2201]: " + text,
	"Nov 5 10:08:00 mx1 postfix/smtp[2201]: " + text,
	"Nov 5 10:08:0 mx1 a[1]: x",
	"Feb 29 10:08:00 mx1 a[1]: x",
	"Nov 20 10:08:00 postfix/smtp[2201]: x",
	"Nov 20 10:08:00 mx1 last message repeated 3 times",
	"Nov 20 10:08:00 mx1 postfix/smtp[2201]: message repeated 3 times: [ " + text + "]",
	"<22>Nov 20 10:08:00 <mail.info> mx1 postfix/smtp[2201]: x",
	"2026 Nov 20 10:08:00.123 mx1 postfix/smtp[2201]: x",
	"Nov 20 2026 10:08:00 mx1 postfix/smtp[2201]: x",
	"2026-11-20T10:08:00.123456+01:00 mx1 postfix/smtp[2201]: x",
	"2026-10-25T02:30:00 mx1 postfix/smtp[2201]: x",
	"2026-11-20 10:08:00 mx1 postfix/smtp[2201]: x",
	"2026-11-20 10:08:00 1tpJm7-00000001AbC-2dEf == a@example.net",
	`<22>1 2026-11-20T10:08:00Z mx1 postfix/smtp 2201 ID47 [meta x="a\]b"] ` + bom + "x",
	"Sun 2026-10-25 02:30:00 CET mx1 postfix/smtp[2201]: x",
	"Sun 2026-10-25 02:30:00 CEST mx1 postfix/smtp[2201]: x",
	"Sun 2026-10-25 02:30:00 +0545 mx1 postfix/smtp[2201]: x",
	"1795169280.123456 mx1 postfix/smtp[2201]: x",
	"-- Boot 0123 --",
	"Nov 20 10:08:00 mx1 mail.info postfix/smtp[2201]: x",
	"Nov 20 10:08:00 mx1 Message forwarded from mx2: sendmail[1]: [ID 197553 mail.info] x",
	bom + "\x1b[36mmail-1  |\x1b[0m Nov 20 10:08:00 mx1 postfix/smtp[2201]: x\r",
	"mail-0 postfix 2026-11-20T10:08:00.5Z Nov 20 10:08:00 mx1 postfix/smtp[2201]: x",
	"2025-01-01T00:00:01Z stdout F Dec 31 23:59:59 mx1 postfix/smtp[2201]: x",
	"May  2 22:56:18 host docker[32360]: May  2 20:56:17 ctr postfix/smtp[17742]: x",
	"May  2 22:56:18 host docker[32360]: 2026-05-02T20:56:17Z ctr postfix/smtp[17742]: x",
	`{"log":"Nov 20 10:08:00 mx1 postfix/smtp[2201]: to=\u003ca@example.net\u003e \ud83d\ude00 \ud83d\n","stream":"stdout","time":"2026-11-20T10:08:00.5Z"}`,
	`{"__REALTIME_TIMESTAMP":"1795169280123456","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtp","SYSLOG_PID":"2201","MESSAGE":"a\tb"}`,
	`{"MESSAGE":[72,105,255],"_HOSTNAME":["mx1","mx2"],"_PID":7,"X":{"a":[1,{"b":"]"}]}}`,
	`{"type":"Delivery","id":"1"}`,
	"no header",
	"\ufeffno header",
	"",
}

func fuzzOptions(t testing.TB) Options {
	return Options{Location: location(t, "Europe/Berlin"), Anchor: at(t, november), HostAlias: map[string]string{"mx2": "mx1.example.com"}}
}

func FuzzCut(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, seeds[(i+7)%len(seeds)])
	}
	o := fuzzOptions(f)
	f.Fuzz(func(t *testing.T, raw, before string) {
		fresh := NewReader(o)
		line, ok := fresh.Cut(raw)
		if want := strings.TrimSuffix(raw, "\r"); line.Raw != want || !ok && line != (parsers.Line{Raw: want, Text: strings.TrimPrefix(want, bom)}) {
			t.Fatalf("Cut(%q) = %+v, %v", raw, line, ok)
		}
		if line.Repeat < 0 || line.Repeat > maxRepeat {
			t.Errorf("Repeat %d", line.Repeat)
		}
		isJSON := strings.HasPrefix(skipColour(strings.TrimPrefix(raw, bom)), "{")
		for name, s := range map[string]string{"Text": line.Text, "Host": line.Host, "Tag": line.Tag, "PID": line.PID} {
			switch {
			case name == "Host" && s == "mx1.example.com":
			case isJSON && len(s) > 3*len(raw), !isJSON && !strings.Contains(raw, s):
				t.Errorf("%s %q is not of %q", name, s, raw)
			}
		}
		used := NewReader(o)
		for _, s := range []string{before, raw, before} {
			used.Cut(s)
		}
		if again, okAgain := used.Cut(raw); again != line || okAgain != ok {
			t.Errorf("Cut(%q) = %+v, %v, and after %q %+v, %v", raw, line, ok, before, again, okAgain)
		}
		LossNotice(&line)
	})
}

// FuzzWithoutNewline holds the short cut for docker's lines against encoding/json.
func FuzzWithoutNewline(f *testing.F) {
	for _, s := range []string{``, `a`, `a\n`, `a\\n`, `a\\\n`, `\n\n`, `\u000a`, "\xff\\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want string
		if json.Unmarshal([]byte(`"`+s+`"`), &want) != nil {
			return
		}
		want = strings.TrimSuffix(want, "\n")
		if got := withoutNewline(s); got != want {
			t.Errorf("withoutNewline(%q) = %q, want %q", s, got, want)
		}
	})
}

// Lines come out the same in any order: what a Reader remembers does not show.
func TestCut_OrderDoesNotMatter(t *testing.T) {
	o := fuzzOptions(t)
	want := make([]parsers.Line, len(seeds))
	for i, s := range seeds {
		want[i], _ = NewReader(o).Cut(s)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	r := NewReader(o)
	for range 20000 {
		i := rnd.IntN(len(seeds))
		if got, _ := r.Cut(seeds[i]); got != want[i] {
			t.Fatalf("Cut(%q) = %+v, want %+v", seeds[i], got, want[i])
		}
	}
}
