package custom

import (
	"strings"
	"testing"

	"bouncelog/parsers/parsertest"
)

// The line is as long as those of common MTAs, 274 bytes.
const benchLine = `smtp-result id=3f2a9c0d71b4e865 from=<bounces+campaign-2026-11@news.example.net> to=<somebody.with.a.name@customers.example.com> ` +
	`mx=mx1.mail.example.com[192.0.2.10]:25 delay=12.5 try=2 result=deferred (451 4.7.1 Greylisted, please try again in 300 seconds; see example.com)`

func BenchmarkParser(b *testing.B) {
	for _, bench := range []struct{ name, definition, line string }{
		{"rule=dissect", `must = ["smtp-result "]
			dissect = 'smtp-result id=%{queue_id} from=<%{sender}> to=<%{recipient}> mx=%{relay_host}[%{relay_ip}]:%{relay_port} delay=%{delay} try=%{attempt} result=%{status} (%{diagnostic...})'`, benchLine},
		{"rule=regex", `must = ["smtp-result "]
			regex = '^smtp-result id=(?P<queue_id>\w+) from=<(?P<sender>[^>]*)> to=<(?P<recipient>[^>]*)> mx=(?P<relay_host>[^\[]+)\[(?P<relay_ip>[^\]]+)\]:(?P<relay_port>\d+) delay=(?P<delay>\S+) try=(?P<attempt>\d+) result=(?P<status>\w+) \((?P<diagnostic>.*)\)$'`, benchLine},
		{"rule=logfmt", "parse = 'logfmt'\n[map]\ntime = 'ts'\nqueue_id = 'id'\nsender = 'from'\nrecipient = 'to'\nrelay_host = 'mx'\nstatus = { from = 'res', table = { soft = 'deferred' } }\ndiagnostic = 'msg'",
			`ts=2026-11-22T10:00:03.123Z id=3f2a9c0d71b4e865 from=bounces@news.example.net to=somebody.with.a.name@customers.example.com mx=mx1.mail.example.com res=soft msg="451 4.7.1 Greylisted, please try again in 300 seconds"`},
		{"framing=csv", "framing = 'csv'\ndelimiter = '|'\ncolumns = ['time', 'queue_id', 'sender', 'recipient', 'relay_host', 'relay_ip', 'delay', 'res', 'diagnostic']\n[map]\nstatus = { from = 'res', table = { t = 'deferred' } }",
			`2026-11-22T10:00:03.123Z|3f2a9c0d71b4e865|bounces@news.example.net|somebody.with.a.name@customers.example.com|mx1.mail.example.com|192.0.2.10|12.5|t|451 4.7.1 Greylisted, please try again in 300 seconds`},
		{"unknown", `must = ["smtp-result "]
			dissect = '%{recipient} %{diagnostic}'`, strings.ReplaceAll(benchLine, "smtp-result", "other-result")},
	} {
		d, err := Parse("bench.toml", []byte("name = 'bench'\n"+bench.definition))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bench.name, func(b *testing.B) { parsertest.Benchmark(b, parsertest.Records(b, d.Format(), bench.line)) })
	}
	for _, d := range Builtin() {
		f := d.Format()
		b.Run("format="+f.Name, func(b *testing.B) { parsertest.Benchmark(b, parsertest.Records(b, f, d.samples[0].text)) })
	}
}

// BenchmarkBuiltin is what every run of the program pays.
func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		Builtin()
	}
}
