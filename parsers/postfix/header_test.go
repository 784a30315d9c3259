package postfix

import (
	"strings"
	"testing"

	"bouncelog/parsers"
)

func TestCampaignHeader(t *testing.T) {
	const rest = " from localhost[127.0.0.1]; from=<news@example.com> to=<ann@example.org> proto=ESMTP helo=<mx1.example.com>"
	for _, c := range []struct{ text, want string }{
		{"4B1C2D3E4F5: info: header X-Campaign: autumn 2026" + rest, "autumn 2026"},
		{"4B1C2D3E4F5: warning: header x-campaign:autumn" + rest + ": seen", "autumn"},
		{"4B1C2D3E4F5: info: header X-Campaign: from us from local; from=<news@example.com>", "from us"},
		{"4B1C2D3E4F5: prepend: header X-Campaign: autumn" + rest + ": X-Other: 1", "autumn"},
		{"4B1C2D3E4F5: info: header X-Campaign: autumn from mx.example.com[192.0.2.1]; proto=ESMTP helo=<h>", "autumn"},
		{"4B1C2D3E4F5: info: header X-Campaign: autumn from local;", "autumn"},
		{"4B1C2D3E4F5: info: header X-Campaign:" + rest, ""},
		{"4B1C2D3E4F5: info: header X-Campaign-Id: autumn" + rest, ""},
		{"4B1C2D3E4F5: info: header Subject: X-Campaign: autumn" + rest, ""},
		{"4B1C2D3E4F5: info: body X-Campaign: autumn" + rest, ""},
		{"4B1C2D3E4F5: info: header X-Camp", ""},
	} {
		for _, ask := range []string{"x-campaign", ""} {
			p, err := Format().Open(parsers.Sample{}, parsers.Options{CampaignHeader: ask})
			if err != nil {
				t.Fatal(err)
			}
			events, err := p.AppendEvents(nil, &parsers.Line{Tag: "postfix/cleanup", Text: c.text, Raw: c.text})
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
			got := ""
			for _, ev := range events {
				if got = ev.Campaign; ev.Kind != parsers.Headed || ev.QueueID != "4B1C2D3E4F5" || ask == "" {
					t.Errorf("%q: %+v", c.text, ev)
				}
			}
			if ask != "" && got != c.want {
				t.Errorf("%q: campaign %q, want %q", c.text, got, c.want)
			}
		}
	}
}

func FuzzCampaignHeader(f *testing.F) {
	f.Add("4B1C2D3E4F5: info: header X-Campaign: autumn from local; from=<news@example.com> proto=ESMTP helo=<h>")
	f.Add("4B1C2D3E4F5: warning: header x-campaign:; from=< from ; proto=")
	p, err := Format().Open(parsers.Sample{}, parsers.Options{CampaignHeader: "x-campaign"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		events, _ := p.AppendEvents(nil, &parsers.Line{Tag: "postfix/cleanup", Text: text, Raw: text})
		for _, ev := range events {
			if ev.Kind == parsers.Headed && (ev.Campaign == "" || !strings.Contains(text, ev.Campaign) || strings.TrimSpace(ev.Campaign) != ev.Campaign) {
				t.Errorf("%q: campaign %q", text, ev.Campaign)
			}
		}
	})
}
