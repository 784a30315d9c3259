package parsers

import (
	"strings"
	"testing"
)

func TestParseCommand(t *testing.T) {
	for s, want := range map[string]Command{
		"RCPT TO command":               RCPTTO,
		"RCPT TO":                       RCPTTO,
		"rcpt to":                       RCPTTO,
		"RCPT TO:<a@example.com>":       RCPTTO,
		"RCPT":                          RCPTTO,
		"MAIL FROM command":             MAILFROM,
		"MAIL FROM:<> SIZE=9":           MAILFROM,
		"pipelined MAIL FROM:<a@b> X=1": MAILFROM,
		"MAIL":                          MAILFROM,
		"DATA command":                  DATA,
		"DATA":                          DATA,
		"pipelined DATA":                DATA,
		"BDAT 86 LAST":                  DATA,
		"BDAT":                          DATA,
		"end of DATA command":           EndOfDATA,
		"end of DATA":                   EndOfDATA,
		"end of data":                   EndOfDATA,
		"pipelined end of data":         EndOfDATA,
		"pipelined sending data block":  EndOfDATA,
		"END-OF-MESSAGE":                EndOfDATA,
		".":                             EndOfDATA,
		"connect":                       CONNECT,
		"CONNECT":                       CONNECT,
		"initial connection":            CONNECT,
		"TLS-on-connect":                CONNECT,
		"EHLO":                          EHLO,
		"EHLO mail.example.com":         EHLO,
		"helo mail.example.com":         HELO,
		"LHLO command":                  LHLO,
		"STARTTLS command":              STARTTLS,
		"AUTH PLAIN ****":               AUTH,
		"AUTH":                          AUTH,

		"":                      NoCommand,
		"pipelined ":            NoCommand,
		"QUIT":                  NoCommand,
		"RCPT FROM":             NoCommand,
		"RCPT TOO":              NoCommand,
		"EHLOX":                 NoCommand,
		"DATA x":                NoCommand,
		"data format error":     NoCommand,
		"connect to mx":         NoCommand,
		"connection":            NoCommand,
		". ":                    NoCommand,
		"\u017fTARTTLS":         NoCommand,
		"550 5.1.1 RCPT TO":     NoCommand,
		"XFORWARD command":      NoCommand,
		" RCPT TO":              NoCommand,
		"RCPT TO commandeering": RCPTTO, // as an argument
	} {
		if got := ParseCommand(s); got != want {
			t.Errorf("ParseCommand(%q) = %q, want %q", s, got, want)
		}
	}
	for c := NoCommand; c < numCommands; c++ {
		for _, s := range []string{c.String(), strings.ToLower(c.String())} {
			if got := ParseCommand(s); got != c {
				t.Errorf("ParseCommand(%q) = %q", s, got)
			}
		}
	}
}

func TestDomain(t *testing.T) {
	for address, want := range map[string]string{
		"":                          "",
		"bob":                       "",
		"bob@":                      "",
		"@":                         "",
		"bob@example.com":           "example.com",
		"Bob@Example.COM.":          "Example.COM.",
		"a@b@example.com":           "example.com",
		`"a@b"@example.com`:         "example.com",
		`"a\"@b"@example.com`:       "example.com",
		`"a b\\"@example.com`:       "example.com",
		`a"b@example.com`:           "example.com",
		`"a@b"`:                     "",
		`a."b@example.com"`:         "",
		`"a@b"@`:                    "",
		"bob@[192.0.2.1]":           "[192.0.2.1]",
		"bob@[IPv6:2001:db8::1]":    "[IPv6:2001:db8::1]",
		"@a.example,@b.example:c@d": "d",
		"böb@bücher.example":        "bücher.example",
	} {
		if got := Domain(address); got != want {
			t.Errorf("Domain(%q) = %q, want %q", address, got, want)
		}
	}
}

func FuzzDomain(f *testing.F) {
	f.Add(`"a@b"@example.com`)
	f.Fuzz(func(t *testing.T, address string) {
		d := Domain(address)
		if d != "" && !strings.HasSuffix(address, "@"+d) || strings.ContainsAny(d, `@"`) {
			t.Errorf("Domain(%q) = %q", address, d)
		}
	})
}

func BenchmarkParseCommand(b *testing.B) {
	for _, s := range []string{"RCPT TO command", "pipelined end of data", "XFORWARD command"} {
		b.Run("command="+strings.ReplaceAll(s, " ", "_"), func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				ParseCommand(s)
			}
		})
	}
}
