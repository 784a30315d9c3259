package syslog

import (
	"testing"
	"time"

	"bouncelog/parsers"
)

const benchText = "4B1C2D3E4F5: to=<ann@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0.6/0.4, dsn=2.0.0, status=sent (250 2.0.0 ok)"

func BenchmarkCut(b *testing.B) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Location: berlin, Anchor: parsers.StampOf(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))}
	for _, bench := range []struct{ form, even, odd string }{
		{"rfc3164", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + benchText, ""},
		{"rfc3164-newsecond", "Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + benchText, "Nov 20 10:08:01 mx1 postfix/smtp[2201]: " + benchText},
		{"iso", "2026-11-20T10:08:00.123456+01:00 mx1 postfix/smtp[2201]: " + benchText, ""},
		{"iso-newsecond", "2026-11-20T10:08:00.123456+01:00 mx1 postfix/smtp[2201]: " + benchText, "2026-11-20T10:08:01.123456+01:00 mx1 postfix/smtp[2201]: " + benchText},
		{"rfc5424", "<22>1 2026-11-20T10:08:00.123456+01:00 mx1 postfix 2201 - -  " + benchText, ""},
		{"nested", "May  2 22:56:18 host docker[32360]: May  2 20:56:17 ctr postfix/smtp[17742]: " + benchText, ""},
		{"cri", "2026-11-20T10:08:00.500000000Z stdout F Nov 20 10:08:00 mx1 postfix/smtp[2201]: " + benchText, ""},
		{"docker", `{"log":"Nov 20 10:08:00 mx1 postfix/smtp[2201]: 4B1C2D3E4F5: to=\u003cann@example.net\u003e, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0.6/0.4, dsn=2.0.0, status=sent (250 2.0.0 ok)\n","stream":"stdout","time":"2026-11-20T10:08:00.5Z"}`, ""},
		{"journal", `{"__REALTIME_TIMESTAMP":"1795169280123456","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtp","SYSLOG_PID":"2201","PRIORITY":"6","SYSLOG_FACILITY":"2","MESSAGE":"` + benchText + `"}`, ""},
		{"none", "2026-11-20 10:08:00 1tpJm7-00000001AbC-2dEf == a@example.net R=send_via_gw T=gw_smtp defer (-42): authentication required", ""},
		{"none-json", `{"type":"Delivery","id":"1d98076abbbc11ed940250ebf67f93bd","sender":"news@example.net","recipient":"alice@example.com","queue":"camp77:acme@example.com","response":{"code":250,"content":"OK ids=8a54"}}`, ""},
	} {
		b.Run("form="+bench.form, func(b *testing.B) {
			if bench.odd == "" {
				bench.odd = bench.even
			}
			r := NewReader(o)
			b.SetBytes(int64(len(bench.even)))
			b.ReportAllocs()
			for i := range b.N {
				s := bench.even
				if i&1 != 0 {
					s = bench.odd
				}
				r.Cut(s)
			}
		})
	}
}
