package scan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where a log gives no delays, the time to deliver is what passed since it has the message, for all its recipients.
func TestTimeSinceTheMessageCame(t *testing.T) {
	pad := strings.Repeat("2026-11-20 09:00:00 SMTP connection from [192.0.2.9] closed by QUIT\n", 100)
	log := "2026-11-20 09:59:59 1tpJm7-0001AA-2d => zoe@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.2]\n" + // not known
		"2026-11-20 10:00:00 1tpJm7-0001AB-2d <= news@example.org U=news P=local S=600\n" +
		"2026-11-20 10:00:00 1tpJm7-0001AC-2d <= news@example.org U=news P=local S=600\n" + pad +
		"2026-11-20 10:00:05 1tpJm7-0001AB-2d => ann@example.com R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.1]\n" +
		"2026-11-20 10:00:06 1tpJm7-0001AB-2d == bob@example.com R=dnslookup T=remote_smtp defer (-44): SMTP error from remote mail server after RCPT TO:<bob@example.com>: 451 4.7.1 Greylisted\n" + pad +
		"2026-11-20 10:00:10 1tpJm7-0001AC-2d => dan@example.com QT=7s R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.1]\n" + pad + // the line knows better
		"2026-11-20 10:30:00 1tpJm7-0001AB-2d => bob@example.com R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.1]\n" +
		"2026-11-20 10:30:00 1tpJm7-0001AB-2d Completed\n2026-11-20 10:30:00 1tpJm7-0001AC-2d Completed\n"
	path := write(t, "mainlog", []byte(log))
	for _, chunk := range []int{4 << 10, 64 << 10} {
		all := scanFiles(t, []string{path}, func(c *Config) { c.Source.ChunkSize = chunk }).Counts.DeliveryTimes()
		if len(all) == 0 {
			t.Fatal("no times")
		}
		var got []int64
		all[0].Times.Buckets(func(from, to, n int64) {
			for range n {
				got = append(got, (from+to-1)/2)
			}
		})
		for i, want := range []int64{5_000, 7_000, 1_800_000} {
			if len(got) != 3 || got[i] < want*99/100 || got[i] > want*101/100 {
				t.Errorf("chunks of %d: %d ms, want about 5000, 7000, 1800000", chunk, got)
				break
			}
		}
		if d := cmp.Diff([]int64{2, 1}, all[0].Delivered); d != "" {
			t.Errorf("chunks of %d: attempts needed (-want +got):\n%s", chunk, d)
		}
	}
}
