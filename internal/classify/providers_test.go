package classify

import (
	"testing"

	"bouncelog/parsers"
)

// The relay's name tells the provider, else the text, else the recipient's domain.
func TestProviders(t *testing.T) {
	for _, test := range []struct{ relay, text, recipient, want string }{
		{relay: "gmail-smtp-in.l.google.com", want: "google"},
		{relay: "example-com.mail.protection.outlook.com.", want: "exchange-online"},
		{relay: "example-com.a-v1.mx.microsoft", want: "exchange-online"},
		{relay: "hotmail-com.olc.protection.outlook.com", want: "outlook"},
		{relay: "EUR.OLC.PROTECTION.OUTLOOK.COM", want: "outlook"},
		{relay: "mx-att.mail.am0.yahoodns.net", recipient: "eve@att.net", want: "yahoo"},
		{relay: "mx1.mail.yahoo.co.jp", want: "yahoo-japan"},
		{relay: "mx00.ionos.de", recipient: "eve@example.org", want: "gmx"},
		{relay: "mx.notgoogle.com", want: ""},
		{text: "550 5.1.1 no a1b2c3 - gsmtp", want: "google"},
		{text: "554 IP=192.0.2.25 - refused, ask tosa@rx.t-online.de", want: "t-online"},
		{text: "550 refused by mx.example.org", recipient: "eve@wanadoo.fr", want: "orange"},
		{text: "550 refused by AM1.eop-EUR01.prod.protection.outlook.com", recipient: "eve@example.org", want: "exchange-online"},
		{recipient: "eve@Hotmail.co.uk", want: "outlook"},
		{recipient: "eve@tampabay.rr.com", want: "charter"},
		{recipient: "eve@mail.gmail.com", want: ""},
	} {
		a := parsers.Attempt{Status: parsers.StatusBounced, Origin: parsers.OriginRemote, RelayHost: test.relay, Recipient: test.recipient}
		a.Reply.Text = test.text
		if got := mustClassifier(t).NewSession().Explain(&a).Provider; got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}
