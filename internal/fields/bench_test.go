package fields_test

import (
	"testing"

	"bouncelog/internal/fields"
)

func BenchmarkObject(b *testing.B) {
	s := `{"type":"Delivery","id":"1d98076abbbc11ed940250ebf67f93bd","sender":"news@example.net","recipient":"alice@example.com",` +
		`"site":"src-a->mx1.example.com.@smtp_client","size":1047,"response":{"code":250,"enhanced_code":{"class":2,"subject":0,"detail":0},` +
		`"content":"OK ids=8a54, and what else a server says","command":".\r\n"},"timestamp":1795341602,"event_time":"2026-11-22T10:00:02.440526026Z",` +
		`"feedback_report":null,"meta":{},"headers":{"Subject":"News, \"fresh\""},"nodeid":"557f3ad4-2c8c-11ee-976e-782d7e12e173"}`
	keys := []string{"type", "id", "sender", "recipient", "queue", "response", "peer_address", "event_time", "timestamp", "nodeid"}
	values := make([]fields.Value, len(keys))
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if !fields.Object(s, keys, values) {
			b.Fatal("no object")
		}
	}
}

func BenchmarkAppendRow(b *testing.B) {
	row := "d,2026-11-22 10:00:02+0000,2026-11-22 10:00:00+0000,b-1@bounce.example.net,alice@example.com,,relayed,2.0.0 (success)," +
		`"smtp;250 2.0.0 OK, queued as 4F1C2A",mx1.example.com (192.0.2.10),,smtp,app.example.net (198.51.100.5),smtp,203.0.113.1,` +
		`192.0.2.10,"8BITMIME,PIPELINING",20480,vmta-a,camp-77,,example.com/vmta-a,pool-1` + "\r\n"
	cells := make([]string, 0, 32)
	b.SetBytes(int64(len(row)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fields.AppendRow(cells, row, ','); err != nil {
			b.Fatal(err)
		}
	}
}
