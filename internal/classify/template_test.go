package classify

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendTemplate(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"blanks only", " \t ", ""},
		{"words", "temporary failure", "temporary failure"},
		{"blanks squeezed", "  lots   of\t\tblanks \r\n", "lots of blanks"},

		// The words of Postfix around a reply.
		{"said", "host mx.example.net[192.0.2.25] said: 550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)",
			"host <host>[<ip>] said: 550 5.1.1 <address>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)"},
		{"said, IPv6", "host mx1.example.net[2001:db8::25] said: 451 4.3.0 Error", "host <host>[<ip>] said: 451 4.3.0 Error"},
		{"word before an address", "banned sender[192.0.2.1]", "banned sender[<ip>]"},
		{"host of digits", "connect to 10.0.3344[192.0.2.1]:25: Connection refused", "connect to <host>[<ip>]:<n>: Connection refused"},
		{"socket", "host mx.example.org[private/dovecot-lmtp] said: 552 5.2.2 full", "host <host>[private/dovecot-lmtp] said: 552 5.2.2 full"},
		{"refused to talk", "host mx.example.net[192.0.2.1] refused to talk to me: 554 mx.example.net ESMTP not accepting messages", "host <host>[<ip>] refused to talk to me: 554 <host> ESMTP not accepting messages"},
		{"dns", "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again",
			"Host or domain name not found. Name service error for name=<host> type=MX: Host not found, try again"},
		{"local user", `unknown user: "o'neill 550"`, `unknown user: "<user>"`},
		{"status", `Command died with status 127: "/usr/bin/filter"`, `Command died with status <n>: "/usr/bin/filter"`},
		{"size", "message size 6439 exceeds size limit 2000 of server mx.example.org[192.0.2.79]", "message size <n> exceeds size limit <n> of server <host>[<ip>]"},

		// Codes.
		{"odd code", "host h[192.0.2.1] said: 650 no", "host h[<ip>] said: 650 no"},
		{"bare reply", "550 no", "550 no"},
		{"number that is no code", "try 550 times", "try <n> times"},
		{"port after an address", "relay=a.example[192.0.2.1]:587 refused", "relay=<host>[<ip>]:<n> refused"},
		{"nested reply", "550 Callout verification failed: 450 4.1.1 no", "550 Callout verification failed: 450 4.1.1 no"},
		{"codes contradict", "x said: 550 4.2.1 locked", "x said: 550 4.2.1 locked"},
		{"enhanced codes in the text", "550 no (#5.1.1) 5.7.1: and 5.2.2.", "550 no (#5.1.1) 5.7.1: and 5.2.2."},
		{"no enhanced codes", "550 5.9.1 9.1.1 5.1.1.1 3.7.11", "550 <n> <n> <ip> <n>"},
		{"private enhanced code", "550 5.7.509 Access denied", "550 5.7.509 Access denied"},
		{"qmail", "Remote host said: 553 sorry, not in rcpthosts (#5.7.1)", "Remote host said: 553 sorry, not in rcpthosts (#5.7.1)"},
		{"exim", "host mx.example.org [192.0.2.1]: 550-5.1.1 no such\\n550 5.1.1 user", "host <host> [<ip>]: 550 5.1.1 no such user"},

		// Replies of several lines.
		{"lines", "x said: 421-4.7.28 [192.0.2.9] too fast 421-4.7.28 by far. See 421 4.7.28  https://example.com/", "x said: 421 4.7.28 [<ip>] too fast by far. See https://example.com/"},
		{"lines without enhanced code", "x said: 554-Transaction failed 554-Reject due to policy. 554 See 554 c", "x said: 554 Transaction failed Reject due to policy. See <n> c"},
		{"lines of different enhanced codes", "x said: 550-5.7.1 a 550-5.2.2 b 550 5.1.1 c", "x said: 550 5.7.1 a 5.2.2 b 5.1.1 c"},
		{"lines that cite another reply", "x said: 550-5.7.1 a 421 4.7.0 b 550 5.7.1 c", "x said: 550 5.7.1 a 421 4.7.0 b c"},
		{"empty lines", "x said: 550- 550- 550 x", "x said: 550 x"},
		{"code alone", "x said: 550", "x said: 550"},

		// Addresses.
		{"address", "550 bob@example.net: busy, (anna.b+c@example.org)", "550 <address>: busy, (<address>)"},
		{"verp", "<bounce+bob=example.net@lists.example.org>", "<address>"},
		{"quoted local part", `<"a b"@example.org> and <{x}/y@example.org>`, "<address> and <address>"},
		{"address literal", "to bob@[192.0.2.1] no", "to <address> no"},
		{"address of other letters", "<jürgen@bücher.example>: no", "<address>: no"},
		{"address in text without blanks", "用户bob@example.net不存在", "用户<address>不存在"},
		{"no address", "a @ b @c d@ <> <@> <postmaster>", "a @ b @c d@ <> <@> <postmaster>"},

		// Hosts and IP addresses.
		{"greeting name", "421 mx.example.com Service shutting down", "421 <host> Service shutting down"},
		{"address in parentheses", "mx-out1.example.com (198.51.100.10) not listed", "<host> (<ip>) not listed"},
		{"ipv6", "[IPv6:2001:db8::1] ::1 fe80::1: 2001:db8:0:0:0:0:0:1.", "[IPv6:<ip>] <ip> <ip>: <ip>."},
		{"not ipv6", "MI:DMC dead:beef std::foo a::b::c", "MI:DMC dead:beef std::foo a::b::c"},
		{"list", "Client host [192.0.2.1] blocked using zen.spamhaus.org; listed by dnsbl-1.uceprotect.net and bl.example.com", "Client host [<ip>] blocked using zen.spamhaus.org; listed by dnsbl-1.uceprotect.net and bl.example.com"},
		{"unknown list", "blocked using list7.example.com", "blocked using list7.example.com"},
		{"answer of a list", "listed: 127.0.0.4, 127.255.255.254", "listed: 127.0.0.4, 127.255.255.254"},
		{"not hosts", "e.g. RESOLVER.ADR.RecipientNotFound; i.e. rejected.See", "e.g. RESOLVER.ADR.RecipientNotFound; i.e. rejected.See"},

		// Tokens of vendors, ids and numbers.
		{"vendors", "[TSS04] (S3150) OFR_417 AUP#CXDNS AUP#In-1310 IB504 RL000001 VS98-IP0 LPN007_510 SC-001 HVU:B2 [CS01] RCP-P1",
			"[TSS04] (S3150) OFR_417 AUP#CXDNS AUP#In-1310 IB504 RL000001 VS98-IP0 LPN007_510 SC-001 HVU:B2 [CS01] RCP-P1"},
		{"ids", "4B1C2D3E4F5 1vNd8G-00000000Abc-1234 9d9ca4481cdd.5568 21cNEZw-a355casi2549plb.3720 5AKBc1Xk012345 S2017:4711", "<id> <id> <id> <id> <id> <id>:<n>"},
		{"queued as", "queued as 4Zx0dM1z2Mz4wDS)", "queued as <id>)"},
		{"numbers", "[-8533] 3 of 10 at 95% 10MB 1.5 kb 300s 20022-651 2nd", "[-<n>] <n> of <n> at <n>% <n>MB <n> kb <n>s <n> <n>nd"},
		{"words with a digit", "IPv6 utf-8 SMTPUTF8 mx1 RFC5321", "IPv6 utf-8 SMTPUTF8 mx1 RFC5321"},

		// Dates and times.
		{"rfc 3339", "at 2026-11-22T10:08:00.123Z, 2026-11-22T10:08:00+01:00 or 2026-11-22 10:08:00", "at <time>, <time> or <time>"},
		{"rfc 5322", "on Sun, 22 Nov 2026 10:08:00 +0100 (CET); ok", "on <time>; ok"},
		{"ctime", "on Sun Nov 22 10:08:00 2026 and Nov  2 10:08", "on <time> and <time>"},
		{"clock", "in 00:05:00 or 10:08", "in <time> or <time>"},
		{"clf", "[22/Nov/2026:10:08:00 +0000]", "[<time>]"},
		{"month that is none", "You May 3x; the Sun is up", "You May <id>; the Sun is up"},

		// URLs.
		{"cause in the query", "see https://support.example.com/mail/?p=OverQuotaPerm a1b2c3 - gsmtp", "see https://support.example.com/mail/?p=OverQuotaPerm <id> - gsmtp"},
		{"ids in the query", "https://example.com/case?c=r0201&i=ip&v=192.0.2.10&r=zyWqHjF&u=bob%40example.com.", "https://example.com/case?c=<id>&i=ip&v=<ip>&r=<id>&u=<address>."},
		{"path", "(http://www.example.com/query/ip/192.0.2.10)", "(http://www.example.com/query/ip/<ip>)"},
		{"host of the recipient", "<bob@example.net>: Greylisted, see http://grey.example.net/help/example.net.html", "<address>: Greylisted, see http://<host>/help/<host>"},
		{"host is an address", "http://192.0.2.1:8080/x", "http://<ip>:<n>/x"},
		{"no scheme", "www.example.com/lookup?ip=192.0.2.1", "www.example.com/lookup?ip=<ip>"},

		{"invalid UTF-8", "no\xff\xfe 12\xff", "no\xff\xfe <n>\xff"},
		{"control characters", "a\x1b[31mb\x00", "a\x1b[<n>mb\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(AppendTemplate([]byte("> "), tt.text))
			if got != "> "+tt.want {
				t.Errorf("template of %q\n got %q\nwant %q", tt.text, got[2:], tt.want)
			}
			if again := string(AppendTemplate(nil, got[2:])); again != got[2:] {
				t.Errorf("template of the template %q is %q", got[2:], again)
			}
		})
	}
}

func TestTemplateIsBounded(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("word ", 200),
		strings.Repeat("x", 1000),
		strings.Repeat("ü", 1000),
		"a" + strings.Repeat("€", 1000),
		strings.Repeat("1 ", 1000),
		strings.Repeat("(x)", 1000),
		strings.Repeat("bob@example.com,", 100),
		"https://example.com/" + strings.Repeat("path/", 100),
	} {
		got := string(AppendTemplate(nil, text))
		if len(got) > MaxTemplate || len(got) < MaxTemplate-2*maxWord || !strings.HasSuffix(got, ellipsis) || !utf8.ValidString(got) {
			t.Errorf("%.20q…: %d bytes, %q", text, len(got), got)
		}
	}
	if got := string(AppendTemplate(nil, strings.Repeat("x", MaxTemplate))); got != strings.Repeat("x", MaxTemplate) {
		t.Errorf("text of %d bytes was cut: %q", MaxTemplate, got)
	}
}

func TestTemplateAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, MaxTemplate)
	text := "host mx.example.net[192.0.2.25] said: 550-5.1.1 <bob@example.net> no 550 5.1.1 " + strings.Repeat("https://example.com/a1 ", 40)
	if n := testing.AllocsPerRun(100, func() { AppendTemplate(dst, text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"host mx.example.net[192.0.2.25] said: 550-5.1.1 <bob@example.net>: no 550 5.1.1 a4f9-2b https://example.com/?p=a1 (in reply to RCPT TO command)",
		"Sun, 22 Nov 2026 10:08:00 +0100 2026-11-22T10:08:00Z 10:08 [2001:db8::1]:25 [TSS04] 127.0.0.2 10MB",
		`unknown user: "x" \n550 5.1.1 ü@ü.example @[192.0.2.1] <"a b"@c>`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := AppendTemplate([]byte("> "), text)
		if string(got[:2]) != "> " {
			t.Fatalf("dst was changed to %q", got[:2])
		}
		got = got[2:]
		if len(got) > MaxTemplate {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		if utf8.ValidString(text) && !utf8.Valid(got) {
			t.Fatalf("%q became invalid: %q", text, got)
		}
		if strings.HasSuffix(string(got), ellipsis) && longWord(string(got)) {
			return
		}
		again := string(AppendTemplate(nil, string(got)))
		if again != string(got) {
			t.Fatalf("not idempotent:\n%q\n%q\n%q", text, got, again)
		}
	})
}

// longWord reports whether a template ends in a word that it was cut in.
func longWord(template string) bool {
	return len(template)-strings.LastIndexByte(template, ' ') > maxWord
}

func BenchmarkAppendTemplate(b *testing.B) {
	for _, bb := range []struct{ name, text string }{
		{"unknown", "host mx.example.net[192.0.2.25] said: 550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)"},
		{"lines", "host mx.example.com[2001:db8:2::15] said: 421-4.7.28 [198.51.100.10] We see an odd pace of unasked-for mail from your IP 421-4.7.28 netblock. Mail from it is slowed for a time. See 421 4.7.28  https://help.example.com/mail/?p=OddPace 836048289f5441d0si8402wma.5586 - gsmtp (in reply to end of DATA command)"},
		{"words", "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again"},
		{"connect", "connect to mx.example.com[192.0.2.66]:25: Connection timed out"},
	} {
		b.Run("text="+bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			dst := make([]byte, 0, MaxTemplate)
			for b.Loop() {
				dst = AppendTemplate(dst[:0], bb.text)
			}
		})
	}
	b.Run("text=corpus", func(b *testing.B) {
		var texts []string
		size := 0
		for text := range corpus(b) {
			texts = append(texts, text)
			size += len(text)
		}
		b.SetBytes(int64(size))
		b.ReportAllocs()
		dst := make([]byte, 0, MaxTemplate)
		for b.Loop() {
			for _, text := range texts {
				dst = AppendTemplate(dst[:0], text)
			}
		}
	})
}
