package kumomta

import (
	"strings"
	"testing"

	"bouncelog/parsers"
)

func TestCampaignHeader(t *testing.T) {
	const record = `{"type":"Delivery","id":"d7ef132b5d7711eea8c8000c29c33806","sender":"news@example.com","recipient":"ann@example.org","queue":"example.org",` +
		`"headers":HEADERS,"response":{"code":250,"enhanced_code":null,"content":"OK","command":null},"peer_address":{"name":"mx.example.org.","addr":"192.0.2.1"},` +
		`"timestamp":1757421600,"created":1757421599,"num_attempts":0}`
	for _, c := range []struct{ headers, ask, want string }{
		{`{"Subject":"Sale","X-Campaign":"autumn \u00e9"}`, "x-campaign", "autumn é"},
		{`{"x-campaign":[" autumn ","spring"]}`, "x-campaign", "autumn"},
		{`{"x-campaign":[]}`, "x-campaign", ""},
		{`{"X-Campaign":"autumn"}`, "", ""},
		{`{"X-Campaign":"autumn"}`, "subject", ""},
		{`{}`, "x-campaign", ""},
		{`null`, "x-campaign", ""},
	} {
		p, err := Format().Open(parsers.Sample{}, parsers.Options{CampaignHeader: c.ask})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(record, "HEADERS", c.headers, 1)
		events, err := p.AppendEvents(nil, &parsers.Line{Text: text, Raw: text})
		if err != nil || len(events) == 0 {
			t.Fatalf("%s: %v, %v", c.headers, events, err)
		}
		for _, ev := range events {
			if ev.Kind == parsers.Attempted && ev.Campaign != c.want {
				t.Errorf("%s, asked for %q: %q, want %q", c.headers, c.ask, ev.Campaign, c.want)
			}
		}
	}
}
