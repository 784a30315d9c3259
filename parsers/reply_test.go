package parsers

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var replyTests = []struct {
	name, text string
	code       ReplyCode // zero: no reply
	enhanced   string
	unfold     string // empty: as text
}{
	// What is a reply.
	{"empty", "", 0, "", ""},
	{"success", "250 2.0.0 Ok: queued as 4F1C2A", 250, "2.0.0", ""},
	{"code alone", "250", 250, "", ""},
	{"code and blank", "550 ", 550, "", "550"},
	{"code and hyphen", "550-", 550, "", "550"},
	{"code and enhanced alone", "550 5.1.1", 550, "5.1.1", ""},
	{"code and line end", "354\r\n", 354, "", "354"},
	{"AUTH challenge", "334 VXNlcm5hbWU6", 334, "", ""},
	{"3xx out of place", "354 go ahead", 354, "", ""},
	{"outside the grammar of RFC 5321", "571 Delivery not authorized", 571, "", ""},
	{"lowest", "200 fine", 200, "", ""},
	{"highest", "599 fine", 599, "", ""},
	{"1xx", "199 hold on please", 0, "", ""},
	{"6xx", "650 strange server says no", 0, "", ""},
	{"two digits", "55 x", 0, "", ""},
	{"four digits", "5500 x", 0, "", ""},
	{"point", "550.5", 0, "", ""},
	{"colon, which MTAs take for garbage", "550: x", 0, "", ""},
	{"tab, which no MTA takes", "550\tx", 0, "", ""},
	{"letter after it", "550mail", 0, "", ""},
	{"letter in it", "55O 5.1.1 letter O", 0, "", ""},
	{"blank before it", " 550 x", 0, "", ""},
	{"prose before it", "unknown user: \"550\"", 0, "", ""},
	{"backslash, not Exim's line end", `550\x`, 0, "", ""},
	{"backslash at the end", `550\`, 0, "", ""},
	{"enhanced code without reply code", "5.7.1 Spam message rejected", 0, "", ""},

	// Enhanced codes.
	{"three digits", "451 4.7.500 Server busy", 451, "4.7.500", ""},
	{"many blanks", "550    5.1.1   lots   of  blanks ", 550, "5.1.1", "550 5.1.1 lots of blanks"},
	{"tab masked by Postfix", "550 5.1.1?tab?separated", 550, "5.1.1", ""},
	{"tab", "550 5.1.1\ttab", 550, "5.1.1", "550 5.1.1 tab"},
	{"IronPort", "550 #5.1.0 Address rejected.", 550, "5.1.0", ""},
	{"round brackets", "550 (5.1.1) no", 550, "5.1.1", ""},
	{"round brackets, hash", "550 (#5.1.1) no", 550, "5.1.1", ""},
	{"square brackets", "550 [5.1.1] no", 550, "5.1.1", ""},
	{"colon", "550 5.7.1: no", 550, "5.7.1", ""},
	{"full stop", "550 5.1.1. no", 550, "5.1.1", ""},
	{"three points", "550 5.1.1... User unknown", 550, "5.1.1", ""},
	{"address behind it", "550 5.1.1<bob@example.com>... User unknown", 550, "5.1.1", ""},
	{"semicolon", "550 5.1.1; no", 550, "5.1.1", ""},
	{"dash", "550 5.1.1- no", 550, "5.1.1", ""},
	{"leading zeros", "550 5.01.001 no", 550, "5.1.1", ""},
	{"class against the code", "550 4.2.1 locked for now", 550, "4.2.1", ""},
	{"success class in a refusal", "554 2.0.0 OK but not OK", 554, "2.0.0", ""},
	{"qmail, at the end", "553 sorry, not in my list of rcpthosts (#5.7.1)", 553, "5.7.1", ""},
	{"qmail, with a remark", "552 sorry, mailbox is full (#5.2.2 - chkuser)", 552, "5.2.2", ""},
	{"hash in the text", "550 denied, see #5.7.1.", 550, "5.7.1", ""},
	{"own code goes first", "552 5.2.2 (#5.2.3) over quota", 552, "5.2.2", ""},
	{"first hash code", "550 a#5.1.1 (#5.1) (#5.1.2) (#5.1.3)", 550, "5.1.2", ""},

	// Numbers that are no enhanced codes.
	{"no code at all", "554 Mail rejected for policy reasons.", 554, "", ""},
	{"IPv4 address", "550 5.1.1.4 is blocked", 550, "", ""},
	{"IPv4 address in brackets", "550 [5.1.1.4] is blocked", 550, "", ""},
	{"IPv4 address, tagged", "550 blocked (#5.1.1.4)", 550, "", ""},
	{"other address", "550 192.0.2.5 is blocked", 550, "", ""},
	{"address later on", "554 mail from 5.1.1.1 refused", 554, "", ""},
	{"version", "220 4.2.1-rc3 ready", 220, "", ""},
	{"version in the text", "550 spam score 15.4.1 >= 5.0.0 (SA 3.4.6)", 550, "", ""},
	{"recipient that looks like one", "550 5.1.1@example.com unknown", 550, "", ""},
	{"recipient with an extension", "550 5.1.1-x@example.com unknown", 550, "", ""},
	{"recipient with a point", "550 5.1.1.x@example.com unknown", 550, "", ""},
	{"URL", "550 Refused. http://errors.example.net/550/5.7.1/?code=451 (ref 452-4.2.2)", 550, "", ""},
	{"URL fragment", "554 see https://example.com/docs/DOC-1369#5.5.4 [Hq]", 554, "", ""},
	{"queue id", "250 OK id=1rAbCd-000550-AB", 250, "", ""},
	{"two parts", "550 5.1 short", 550, "", ""},
	{"too long a number", "550 5.1.12345 long", 550, "", ""},
	{"too long in the middle", "550 5.1234.1 long", 550, "", ""},
	{"class 9", "550 9.1.1 impossible", 550, "", ""},
	{"class 3", "350 3.1.1 impossible", 350, "", ""},
	{"empty part", "550 5..1 odd", 550, "", ""},
	{"cut off", "550 5.1.", 550, "", ""},
	{"on the next line", "550\n5.1.1 x", 550, "", "550 5.1.1 x"},

	// One line, whatever numbers are in it.
	{"nested reply", "550 5.1.1 undeliverable: host mx.example.org[203.0.113.9] said: 451 4.7.1 later", 550, "5.1.1", ""},
	{"nested reply of the same code", "550 5.1.1 undeliverable: host mx.example.org[203.0.113.9] said: 550 5.1.1 gone", 550, "5.1.1", ""},
	{"nested reply of several lines", "550 5.1.1 <a@example.com> said: 550-5.1.2 forwarded", 550, "5.1.1", ""},
	{"filter that passes the reply on", "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 77AA", 250, "2.0.0", ""},
	{"numbers all over", "421 4.7.0 550 messages in 450 seconds from 5.1.1.1 (limit 554): 2.0.0 ok?", 421, "4.7.0", ""},
	{"telephone", "550 5.7.1 call 555 1234", 550, "5.7.1", ""},
	{"log line in it", `451 4.3.0 busy, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F00`, 451, "4.3.0", ""},
	{"Exim line in it", `550 5.1.1 no\n250 2.0.0 fake`, 550, "5.1.1", ""},
	{"next line of something else", "550 5.1.1 no\n250 2.0.0 fake", 550, "5.1.1", "550 5.1.1 no 250 2.0.0 fake"},

	// Several lines, joined with blanks (Postfix).
	{"all alike", "450-4.2.1 more than is good 450-4.2.1 right now. See 450 4.2.1  https://help.example.net/?p=Pace x1 - gsmtp",
		450, "4.2.1", "450 4.2.1 more than is good right now. See https://help.example.net/?p=Pace x1 - gsmtp"},
	{"no enhanced codes", "450-Not taken 450-greylisted 450 For explanation visit https://example.net/?c=450",
		450, "", "450 Not taken greylisted For explanation visit https://example.net/?c=450"},
	{"enhanced code on the first only", "550-5.7.1 Rejected 550 Contact postmaster@example.net",
		550, "5.7.1", "550 5.7.1 Rejected Contact postmaster@example.net"},
	{"enhanced code on the last only", "250-Transmission in progress. 250 2.0.0 51b59443-0000567c accepted",
		250, "2.0.0", "250 Transmission in progress. 2.0.0 51b59443-0000567c accepted"},
	{"enhanced code in the middle", "550-no 550-5.1.1 such 550 user", 550, "5.1.1", "550 no 5.1.1 such user"},
	{"enhanced codes that differ", "550-5.7.1 policy 550-5.2.2 quota 550 5.1.1 unknown",
		550, "5.7.1", "550 5.7.1 policy 5.2.2 quota 5.1.1 unknown"},
	{"empty line", "550-5.7.1 next is empty 550- 550 5.7.1 end", 550, "5.7.1", "550 5.7.1 next is empty end"},
	{"empty last line", "550-5.7.1 a 550", 550, "5.7.1", "550 5.7.1 a"},
	{"tagged", "550-#5.1.0 a 550 #5.1.0 b", 550, "5.1.0", "550 #5.1.0 a b"},
	{"colons", "550-5.7.1: a 550 5.7.1: b", 550, "5.7.1", "550 5.7.1: a b"},
	{"qmail", "553-sorry 553 go away (#5.7.1)", 553, "5.7.1", "553 sorry go away (#5.7.1)"},
	{"last code differs", "550-5.7.1 first 451 4.7.1 last", 451, "4.7.1", "550 5.7.1 first 451 4.7.1 last"},
	{"last code differs, the first one in the prose", "550-5.7.1 first line code 550 451 4.7.1 last line code 451",
		451, "4.7.1", "550 5.7.1 first line code 550 451 4.7.1 last line code 451"},
	{"greeting that ends in a refusal", "220-mx.example.net 421 4.2.1 Service refused", 421, "4.2.1", "220 mx.example.net 421 4.2.1 Service refused"},
	{"another code without enhanced code", "220-mx.example.net 421 busy", 220, "", "220 mx.example.net 421 busy"},
	{"refusal that ends in success", "550-5.7.1 first 250 2.0.0 Ok", 550, "5.7.1", "550 5.7.1 first 250 2.0.0 Ok"},
	{"class of the enhanced code against another code", "550-5.7.1 first 451 5.7.1 x", 550, "5.7.1", "550 5.7.1 first 451 5.7.1 x"},
	{"quoted in the first line", "550-5.1.1 host mx said: 451 4.7.1 later 550 5.1.1 so there",
		550, "5.1.1", "550 5.1.1 host mx said: 451 4.7.1 later so there"},
	{"quoted, and cut off", "550-5.1.1 host mx said: 451 4.7.1 la", 550, "5.1.1", "550 5.1.1 host mx said: 451 4.7.1 la"},
	{"quoted in the last line", "550-5.1.1 no 550 5.1.1 he said 451 4.7.1 later", 550, "5.1.1", "550 5.1.1 no he said 451 4.7.1 later"},
	{"callout", "550-Callout verification failed: 550 550 5.1.1 <a@example.com>: unknown",
		550, "", "550 Callout verification failed: 550 5.1.1 <a@example.com>: unknown"},
	{"prose with both codes", "550-5.7.1 user 550 is 'later' 451 <x@example.com> 550-5.7.1 quota 550 list 550 5.7.1 end 550 5.7.1",
		550, "5.7.1", "550 5.7.1 user 550 is 'later' 451 <x@example.com> quota 550 list end 550 5.7.1"},
	{"telephone in the first line", "550-5.7.1 call 555 1234 550 5.7.1 now", 550, "5.7.1", "550 5.7.1 call 555 1234 now"},
	{"IPv4 address after another code", "550-5.7.1 from 451 4.7.1.9 x", 550, "5.7.1", "550 5.7.1 from 451 4.7.1.9 x"},
	{"cut off by the log", "550-5.7.1 a 550-5.7.1 b 550-5.7", 550, "5.7.1", "550 5.7.1 a b 5.7"},
	{"port and id", `550-"rejected - mx.example.net [198.51.100.10]:6043 550 RBL, see https://example.org/?ip=550"`,
		550, "", `550 "rejected - mx.example.net [198.51.100.10]:6043 RBL, see https://example.org/?ip=550"`},
	{"backslash in it", `452-4.3.1 C:\new 452 4.3.1 full`, 452, "4.3.1", `452 4.3.1 C:\new full`},

	// Several lines, joined with `?` (Postfix after SASL), `\n` (Exim) or as they were.
	{"masked line ends", "535-5.7.8 Not accepted. Learn more at?535 5.7.8  https://support.example.net",
		535, "5.7.8", "535 5.7.8 Not accepted. Learn more at https://support.example.net"},
	{"Exim", `452-4.2.2 The account is over quota. See\n452 4.2.2 https://example.net/?p=Temp x - esmtp`,
		452, "4.2.2", "452 4.2.2 The account is over quota. See https://example.net/?p=Temp x - esmtp"},
	{"Exim, empty line", `550-5.7.1 a\n550-\n550 5.7.1 b`, 550, "5.7.1", "550 5.7.1 a b"},
	{"Exim, code alone", `550-\n550`, 550, "", "550"},
	{"Exim, first line empty", `550\n`, 550, "", ""},
	{"Exim, last code differs", `550-5.7.1 first line code 550\n451 4.7.1 last line code 451`,
		451, "4.7.1", "550 5.7.1 first line code 550 451 4.7.1 last line code 451"},
	{"Exim, last code differs and is bare", `550-5.7.1 first\n451 last`, 451, "", "550 5.7.1 first 451 last"},
	{"Exim, prose on a line", `550-5.7.1 x 451 4.7.1 y 550 5.2.2 z\n550 end`, 550, "5.7.1", "550 5.7.1 x 451 4.7.1 y 550 5.2.2 z end"},
	{"Exim, cut off", `550-5.1.1 first half and then\n`, 550, "5.1.1", `550 5.1.1 first half and then\n`},
	{"Exim, callout", `550-Callout verification failed:\n550 550 5.1.1 <a@example.com>: unknown`,
		550, "", "550 Callout verification failed: 550 5.1.1 <a@example.com>: unknown"},
	{"Exim, success after a refusal", `550-5.7.1 no\n250 2.0.0 fake\n550 5.7.1 end`, 550, "5.7.1", "550 5.7.1 no 250 2.0.0 fake end"},
	{"line feeds", "550-foo\n550 bar", 550, "", "550 foo bar"},
	{"CRLF", "550-5.1.1 foo\r\n550-5.1.1\r\n550 5.1.1 bar\r\n", 550, "5.1.1", "550 5.1.1 foo bar"},
	{"line feeds, nothing after the reply counts", "550-a\n550 b\n451 c", 550, "", "550 a b 451 c"},
}

func TestParseReply(t *testing.T) {
	for _, tt := range replyTests {
		t.Run(tt.name, func(t *testing.T) {
			r, ok := ParseReply(tt.text)
			if ok != (tt.code != 0) || r.Code != tt.code || r.Enhanced.String() != tt.enhanced {
				t.Errorf("ParseReply(%q) = %v, %v, %v; want %v, %v", tt.text, r.Code, r.Enhanced, ok, tt.code, tt.enhanced)
			}
			if want := (Reply{}); !ok && r != want {
				t.Errorf("ParseReply(%q) = %+v without ok", tt.text, r)
			}
			if ok && r.Text != tt.text {
				t.Errorf("Text = %q, want %q", r.Text, tt.text)
			}
		})
	}
}

func TestUnfold(t *testing.T) {
	for _, tt := range replyTests {
		if tt.code == 0 {
			continue
		}
		want := tt.unfold
		if want == "" {
			want = tt.text
		}
		if got := (Reply{Text: tt.text}).Unfold(); got != want {
			t.Errorf("%s: Unfold(%q)\n got %q\nwant %q", tt.name, tt.text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":                       "",
		" \t ":                   "",
		"no  reply\r\nat all ":   "no reply at all",
		`no reply 550-a\n550 b`:  `no reply 550-a\n550 b`,
		"Greylisted, come\tback": "Greylisted, come back",
		" 550-a 550 b ":          "550 a b",
	} {
		if got := (Reply{Text: text}).Unfold(); got != want {
			t.Errorf("Unfold(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestParseStrictReply(t *testing.T) {
	for text, want := range map[string]string{
		"553 sorry (#5.7.1)":         "",
		"550 #5.1.0 rejected":        "5.1.0",
		"550-a (#5.7.1) 550 5.1.1 b": "5.1.1",
	} {
		if r, ok := ParseStrictReply(text); !ok || r.Enhanced.String() != want || r.Text != text {
			t.Errorf("ParseStrictReply(%q) = %+v, %v; want %s", text, r, ok, want)
		}
	}
	if r, ok := ParseStrictReply("650 no"); ok || r != (Reply{}) {
		t.Errorf("ParseStrictReply(650) = %+v, %v", r, ok)
	}
}

func TestFindReply(t *testing.T) {
	for _, tt := range []struct {
		text     string
		class    Class
		code     ReplyCode
		enhanced string
	}{
		{"55O 5.1.1 letter O in the code 503 5.5.1 no valid recipients", Permanent, 503, "5.5.1"},
		{"Sorry, 450 users wait 550 5.1 short", Permanent, 550, ""},
		{"Sorry, 450 users wait 550 5.1 short", Transient, 450, ""},
		{"Sorry, no mailbox 550", Permanent, 550, ""},
		{"Sorry 451 later 451 4.7.1 go", Transient, 451, "4.7.1"},
		{"Sorry, 450 users wait", Permanent, 0, ""},
		{"port 5500 of :587: or 550-x or x550 y", Permanent, 0, ""},
		{"", Permanent, 0, ""},
		{"550", Permanent, 0, ""},
	} {
		r, ok := FindReply(tt.text, tt.class)
		if ok != (tt.code != 0) || r.Code != tt.code || r.Enhanced.String() != tt.enhanced || ok && r.Text != tt.text {
			t.Errorf("FindReply(%q, %v) = %+v, %v; want %v %v", tt.text, tt.class, r, ok, tt.code, tt.enhanced)
		}
	}
}

func TestParseEnhanced(t *testing.T) {
	for _, s := range []string{"2.1.5", "4.7.500", "5.0.0", "5.999.999"} {
		if e, ok := ParseEnhanced(s); !ok || e.String() != s || e.IsZero() {
			t.Errorf("ParseEnhanced(%q) = %v, %v", s, e, ok)
		}
	}
	for _, s := range []string{"", "5", "5.", "5.1", "5.1.", "5.1.1.", "5.1.1 ", " 5.1.1", "5.1.1x", "5.1.1.1", "#5.1.1", "55.1.1",
		"3.1.1", "0.0.0", "5.1.1000", "5.1000.1", "5.-1.1", "5.+1.1", "5..1", "5.1.٣", "x.y.z"} {
		if e, ok := ParseEnhanced(s); ok || !e.IsZero() {
			t.Errorf("ParseEnhanced(%q) = %v, %v; want nothing", s, e, ok)
		}
	}
}

func TestCodes(t *testing.T) {
	for code, class := range map[ReplyCode]Class{0: ClassUnknown, 199: ClassUnknown, 250: Success, 299: Success, 354: ClassUnknown,
		421: Transient, 550: Permanent, 599: Permanent, 600: ClassUnknown} {
		if code.Class() != class {
			t.Errorf("%d.Class() = %v, want %v", code, code.Class(), class)
		}
	}
	for e, want := range map[EnhancedCode]struct {
		class Class
		text  string
	}{
		{}:              {ClassUnknown, ""},
		{2, 0, 0}:       {Success, "2.0.0"},
		{4, 7, 28}:      {Transient, "4.7.28"},
		{5, 999, 100}:   {Permanent, "5.999.100"},
		{9, 65535, 100}: {ClassUnknown, "9.65535.100"},
	} {
		if e.Class() != want.class || e.String() != want.text || string(e.AppendTo([]byte("a "))) != "a "+want.text {
			t.Errorf("%v: class %v, text %q; want %v", [3]uint16(e), e.Class(), e.String(), want)
		}
	}
	if got := string(ReplyCode(550).AppendTo([]byte("a "))) + ReplyCode(0).String() + string(ReplyCode(0).AppendTo(nil)); got != "a 550" {
		t.Errorf("reply codes: %q", got)
	}
	if got := ReplyCode(421).String(); got != "421" {
		t.Errorf("ReplyCode.String = %q", got)
	}
	var record struct {
		Enhanced EnhancedCode `json:"enhanced,omitzero"`
		DSN      EnhancedCode `json:"dsn,omitzero"`
	}
	record.DSN = EnhancedCode{5, 1, 1}
	if b, err := json.Marshal(&record); err != nil || string(b) != `{"dsn":"5.1.1"}` {
		t.Errorf("json: %s, %v", b, err)
	}
}

func TestParseReplyAllocates(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		for i := range replyTests {
			ParseReply(replyTests[i].text)
			FindReply(replyTests[i].text, Permanent)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// checkReply tests what holds for every text.
func checkReply(t *testing.T, text string) {
	t.Helper()
	for name, parse := range map[string]func(string) (Reply, bool){
		"ParseReply":       ParseReply,
		"ParseStrictReply": ParseStrictReply,
		"FindReply":        func(s string) (Reply, bool) { return FindReply(s, Permanent) },
	} {
		r, ok := parse(text)
		if !ok {
			if r != (Reply{}) {
				t.Errorf("%s(%q) = %+v without ok", name, text, r)
			}
			continue
		}
		if r.Code < 200 || r.Code > 599 || r.Text != text {
			t.Errorf("%s(%q) = %+v", name, text, r)
		}
		if e := r.Enhanced; !e.IsZero() {
			if e.Class() == ClassUnknown || e[1] > 999 || e[2] > 999 {
				t.Errorf("%s(%q): enhanced code %v", name, text, e)
			}
			if back, ok := ParseEnhanced(e.String()); !ok || back != e {
				t.Errorf("%s(%q): %v does not read back", name, text, e)
			}
		}
		if first := cutCode(text); name != "FindReply" && r.Code != first && (r.Code < 400 || text[3] != '-') {
			t.Errorf("%s(%q) = %v", name, text, r.Code)
		}
	}
}

// checkUnfold tests that Unfold adds nothing and that once is enough.
func checkUnfold(t *testing.T, text string) {
	t.Helper()
	got := Reply{Text: text}.Unfold()
	if again := (Reply{Text: got}).Unfold(); again != got {
		t.Errorf("Unfold(%q) = %q, and again %q", text, got, again)
	}
	if strings.Contains(got, "  ") || strings.ContainsAny(got, "\r\n\t") || got != strings.Trim(got, " ") || len(got) > len(text) {
		t.Errorf("Unfold(%q) = %q has blanks in it", text, got)
	}
	if a, b := cutCode(strings.Trim(text, " \t\r\n")), cutCode(got); a != 0 && a != b {
		t.Errorf("Unfold(%q) = %q: code %v became %v", text, got, a, b)
	}
	rest := text
	for i := range len(got) {
		if got[i] == ' ' {
			continue
		}
		j := strings.IndexByte(rest, got[i])
		if j < 0 {
			t.Fatalf("Unfold(%q) = %q is not a part of it", text, got)
		}
		rest = rest[j+1:]
	}
}

func seed(f *testing.F) {
	for _, tt := range replyTests {
		f.Add(tt.text)
	}
}

func FuzzParseReply(f *testing.F) {
	seed(f)
	f.Fuzz(checkReply)
}

func FuzzUnfold(f *testing.F) {
	seed(f)
	f.Fuzz(checkUnfold)
}

// TestCorpusReplies runs over labelled replies that are not part of this repository.
func TestCorpusReplies(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "corpus", "replies", "*_dev.tsv"))
	if len(files) == 0 {
		t.Skip("no ../shared/corpus/replies beside the module root")
	}
	for _, name := range files {
		rows := readTable(t, name)
		agree, differ := 0, 0
		for _, row := range rows {
			text := strings.TrimPrefix(row["diagnostic_text"], "smtp;")
			checkReply(t, text)
			checkUnfold(t, text)
			r, ok := ParseReply(text)
			switch {
			case !ok || row["reply_code"] == "":
			case r.Code.String() == row["reply_code"]:
				agree++
			default:
				differ++
				t.Logf("%s: %v, labelled %s", row["id"], r.Code, row["reply_code"])
			}
		}
		t.Logf("%s: %d codes agree, %d differ", filepath.Base(name), agree, differ)
		if differ > len(rows)/50 {
			t.Errorf("%s: %d of %d codes differ from the label", filepath.Base(name), differ, len(rows))
		}
	}
}

// TestCorpusLogs compares with what servers wrote down that they said, in the two ways that MTAs join lines.
func TestCorpusLogs(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "corpus", "logs", "*", "truth.tsv.gz"))
	if len(files) == 0 {
		t.Skip("no ../shared/corpus/logs beside the module root")
	}
	for _, name := range files {
		replies := 0
		for _, row := range readTable(t, name) {
			exim, _, _ := strings.Cut(row["reply"], `\n!`) // `\n!drop` is the server's own remark
			code, ok := ParseReply(exim)
			if !ok {
				continue
			}
			replies++
			postfix := strings.ReplaceAll(exim, `\n`, " ")
			joined, _ := ParseReply(postfix)
			if joined.Code != code.Code || joined.Enhanced != code.Enhanced {
				t.Errorf("%q is %v %v, joined with blanks %v %v", exim, code.Code, code.Enhanced, joined.Code, joined.Enhanced)
			}
			for _, text := range []string{exim, postfix, strings.ReplaceAll(exim, `\n`, "\n"), strings.ReplaceAll(exim, `\n`, "?")} {
				checkReply(t, text)
				checkUnfold(t, text)
			}
			last := exim[strings.LastIndex(exim, `\n`)+1:]
			if exim != last {
				last = last[1:] // the n
			}
			if c := cutCode(last); c != 0 && c != code.Code {
				t.Errorf("%q is %v, its last line %v", exim, code.Code, c)
			}
			strict, _ := ParseStrictReply(exim)
			if want := row["enhanced"]; want != "" && row["reached"] == "sink" && code.Code == cutCode(exim) && strict.Enhanced.String() != want {
				if e, ok := ParseEnhanced(want); ok {
					t.Errorf("%q: enhanced code %v, the server says %v", exim, strict.Enhanced, e)
				}
			}
		}
		t.Logf("%s: %d replies", filepath.Base(filepath.Dir(name)), replies)
		if replies == 0 {
			t.Errorf("%s: no replies", name)
		}
	}
}

// readTable reads tab separated values below a row of names.
func readTable(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimRight(b, "\n"), []byte("\n"))
	names := strings.Split(string(lines[0]), "\t")
	rows := make([]map[string]string, 0, len(lines))
	for _, line := range lines[1:] {
		row := make(map[string]string, len(names))
		for i, cell := range strings.Split(string(line), "\t") {
			if i < len(names) {
				row[names[i]] = cell
			}
		}
		rows = append(rows, row)
	}
	return rows
}

var benchReplies = []struct{ name, text string }{
	{"sent", "250 2.0.0 Ok: queued as 4F1C2A7B9DzQk3m"},
	{"plain", "554 Email rejected due to security policies - https://community.example.com/docs/DOC-1369 [Hqjw9t79hAHWz1TuPUK.de5571]"},
	{"qmail", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"},
	{"blanks", "550-5.1.1 The account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's address for typos or 550-5.1.1 unnecessary spaces. For more information, go to 550 5.1.1  https://support.example.com/mail/?p=NoSuchUser x1-y2si3z.4 - gsmtp"},
	{"exim", `550-5.1.1 The account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's address for typos or\n550-5.1.1 unnecessary spaces. For more information, go to\n550 5.1.1  https://support.example.com/mail/?p=NoSuchUser x1-y2si3z.4 - gsmtp`},
}

func BenchmarkParseReply(b *testing.B) {
	for _, bb := range benchReplies {
		b.Run("reply="+bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			for b.Loop() {
				ParseReply(bb.text)
			}
		})
	}
}

func BenchmarkUnfold(b *testing.B) {
	for _, bb := range benchReplies {
		b.Run("reply="+bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			for b.Loop() {
				Reply{Text: bb.text}.Unfold()
			}
		})
	}
}
