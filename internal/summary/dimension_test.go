package summary

import (
	"testing"
)

func TestVERPBase(t *testing.T) {
	for address, want := range map[string]string{
		"":                                       "",
		"<>":                                     "",
		"news@example.com":                       "news@example.com",
		"News@Example.COM":                       "news@example.com",
		"news-ann=example.org@lists.example.com": "news@lists.example.com",
		"news-return-1234-ann=example.org@lists.example.com":          "news-return@lists.example.com",  // ezmlm
		"news-bounces+ann=example.org@lists.example.com":              "news-bounces@lists.example.com", // mailman
		"bounce+a1b2c3@example.com":                                   "bounce@example.com",
		"bounce-1241649@news.example.com":                             "bounce@news.example.com",
		"bounces_0a1b2c3d_7@example.com":                              "bounces@example.com",
		"0100018f0c2e1a2b-6b1f2c3d-0000@eu.example.com":               "0100018f0c2e1a2b@eu.example.com",
		"prvs=c7afef259c=news350@example.com":                         "news350@example.com",
		"btv1==123abc==news@example.com":                              "news@example.com",
		"srs0=hhhh=tt=example.org=ann@forward.example.com":            "srs0@forward.example.com",
		"SRS1+abcd=other.example==HHH=TT=example.org=ann@example.com": "srs1@example.com",
		"autumn-2026-sale.v2@example.com":                             "autumn-sale.v2@example.com",
		"prvs=@example.com":                                           "prvs=@example.com",
		"-@example.com":                                               "-@example.com",
	} {
		if got := VERPBase(address); got != want {
			t.Errorf("VERPBase(%q) = %q, want %q", address, got, want)
		}
	}
}

func FuzzVERPBase(f *testing.F) {
	f.Add("prvs=c7afef259c=news350-ann=example.org+7@example.com")
	f.Fuzz(func(t *testing.T, address string) {
		base := VERPBase(address)
		if len(base) > 4*len(address)+8 {
			t.Errorf("%q became longer: %q", address, base)
		}
	})
}

func TestParseBy(t *testing.T) {
	for s, want := range map[string]By{"domain": {ByDomain}, "provider,category": {ByProvider, ByCategory}, "day": {ByDay}} {
		if got, err := ParseBy(s); err != nil || got != want {
			t.Errorf("ParseBy(%q) = %v, %v", s, got, err)
		}
	}
	for s, want := range map[string]string{
		"":                `unknown dimension "": want one of domain, provider, relay, sender, sender-domain, campaign, source-ip, host, instance, transport, category, code, hour, day`,
		"colour":          `unknown dimension "colour": want one of domain, provider, relay, sender, sender-domain, campaign, source-ip, host, instance, transport, category, code, hour, day`,
		"day,day":         "day twice: give two that differ",
		"day,hour,domain": "3 dimensions: one, or two with a comma between them, is what there is room for",
	} {
		if _, err := ParseBy(s); err == nil || err.Error() != want {
			t.Errorf("ParseBy(%q): %v, want %s", s, err, want)
		}
	}
}
