package classify

import (
	"slices"
	"strings"
	"testing"

	"bouncelog/parsers"
)

func TestAppendFolded(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := string(appendFolded(nil, s)); got != want {
			t.Errorf("appendFolded(%q) = %q, want %q", s, got, want)
		}
		// What is in dst already is no part of the text.
		if got := string(appendFolded([]byte("550-x "), s)); got != "550-x "+want {
			t.Errorf("appendFolded(550-x, %q) = %q, want %q", s, got, "550-x "+want)
		}
	}
	f("", "")
	f(" \r\n\t ", "")
	f("550 No  Such\tUser\r\n", "550 no such user")
	// The codes of continued lines, with and without enhanced codes, and of the last one.
	f("550-5.1.1 The account does\n550-5.1.1 not exist. Look for\n550 5.1.1 typos", "550-5.1.1 the account does not exist. look for typos")
	f("550-5.1.1 The account does 550-5.1.1 not exist. Look for 550 5.1.1 typos", "550-5.1.1 the account does not exist. look for typos")
	f(`550-Verification failed\n550-Sent: RCPT\n550 Sender verify failed`, "550-verification failed sent: rcpt sender verify failed")
	f("550-one 550 two", "550-one two")
	// A reply of one line may hold the number, a telephone number is no code, another code is none of this reply's.
	f("550 room 550 is full", "550 room 550 is full")
	f("554 call 555-1234 now", "554 call 555-1234 now")
	f("550-a 551 b", "550-a 551 b")
	f(`550 C:\new\notes`, `550 c:\new\notes`)
	// Letters.
	f("Boîte dépassé, größer, Łódź, ÇÑÕ", "boite depasse, grosser, lodz, cno")
	f("Bo\xeete d\xe9pass\xe9", "boite depasse") // Latin-1
	f("e\u0301te", "ete")
	f("\u201cA\u201d \u2018b\u2019 \u2013 c\u00a0d\u200be", `"a" 'b' - c de`)
	f("ЯЩИК Переполнен", "ящик переполнен")
	f("メール", "メール")
	f("\x80\x81", "\x80\x81")
	// Local parts.
	f("<spam-Report@Example.com>: unknown", "<@>: unknown")
	f("<a b@example.com> <@example.com> <> < x@y>", "<a b@example.com> <@example.com> <> < x@y>")
	f("<https://example.com/?a=b> x@y>", "<https://example.com/?a=b> x@y>")
	f("<"+strings.Repeat("a", 400)+"@b>", "<"+strings.Repeat("a", 400)+"@b>")
	if got := appendFolded(nil, strings.Repeat("ab ", 9000)); len(got) > maxText {
		t.Errorf("%d bytes of a long text, want %d at most", len(got), maxText)
	}
}

func TestFoldText(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := foldText(s); got != want {
			t.Errorf("foldText(%q) = %q, want %q", s, got, want)
		}
	}
	f(" RBL", " rbl")
	f("Boîte Größe ", "boite grosse ")
	f("Ž\u2019", "z'")
	if len(latin1) != 0x40 || len(latinA) != 0x80 {
		t.Errorf("tables of %d and %d letters, want 64 and 128", len(latin1), len(latinA))
	}
}

func TestCutAddress(t *testing.T) {
	f := func(text, address, want string) {
		t.Helper()
		if got := string(cutAddress([]byte(text), []byte(address))); got != want {
			t.Errorf("cutAddress(%q, %q) = %q, want %q", text, address, got, want)
		}
	}
	f("no dmarc@example.com or dmarc@example.com", "dmarc@example.com", "no @ or @")
	f("no dmarc@example.com", "bob@example.com", "no dmarc@example.com")
	f("bob@example.com", "bob@example.com", "@") // too short to be a text of a rule
	f("", "dmarc@example.com", "")
	f("dmarc@", "dmarc@", "@")
}

func TestAppendNameless(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := string(appendNameless([]byte("x"), text)); got != "x"+want {
			t.Errorf("appendNameless(%q) = %q, want %q", text, got, "x"+want)
		}
	}
	f("550 user <@example.com> unknown", "550 user unknown\n")
	f("550 mailbox ( a@example.com ) not found", "550 mailbox not found\n")
	f(`550 user "bob", unknown`, "550 user unknown\n")
	f("550 'bob' isn't here", "550 isn't here\n")
	f("user a@b c@d unknown", "user unknown\n")
	f("user a@b or 'c' unknown", "user or 'c' unknown\nuser a@b or unknown\n")
	f("a@b", "\n")
	f("it's no name", "")
	f("@", "\n")
	f("", "")
	long := strings.Repeat("0123456789", 9)
	f(long+" a@b "+long, long[90-nameless+1:]+" "+long[:nameless]+"\n")
}

func TestInnerReply(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		code, enhanced, _ := innerReply(string(appendFolded(nil, text)))
		if got := strings.TrimSpace(code.String() + " " + enhanced.String()); got != want {
			t.Errorf("innerReply(%q) = %q, want %q", text, got, want)
		}
	}
	f("", "")
	f("550", "")
	f("550 5.1.1 user unknown", "")
	f("550-5.1.1 user\n550 5.1.1 unknown", "")
	// Postfix and Exim callouts, qmail, Exchange, Momentum.
	f("550 5.1.1 <a@example.com>: undeliverable address: host mx.example.com[192.0.2.1] said: 450 4.2.2 full", "450 4.2.2")
	f("550 host a said: 550 5.1.1 host b said: 451 4.3.0 later", "451 4.3.0")
	f("550-Callout verification failed:\n550 550 no such user", "550")
	f("Remote host said: 552 Quota", "552")
	f("remote server returned '554 5.4.14 hop count'", "554 5.4.14")
	f("554 5.4.7 [internal] (last transaction: 421 4.7.0 busy)", "421 4.7.0")
	f("554 4.4.7 expired <421 4.4.2 connection dropped>", "421 4.4.2")
	// IronPort and SES.
	f("5.1.0 - Unknown address error 550-'5.2.2 <a@example.com>... Mailbox Full' (delivery attempts: 0)", "550 5.2.2")
	f("5.1.0 - Unknown address error 550-'No such user' (delivery attempts: 0)", "550")
	// Numbers that are no replies.
	f("550 you have sent 450 messages", "")
	f("550 see room: 450 left", "")
	f("550 limit: 500", "")
	f("421 too many (450 of 400)", "")
	f("550 permanent failure (a@example.com:blocked,b@example.com:452 4.2.2 quota)", "")
}

func TestStrayEnhanced(t *testing.T) {
	f := func(text string, class parsers.Class, want string) {
		t.Helper()
		if got := strayEnhanced(text, class).String(); got != want {
			t.Errorf("strayEnhanced(%q, %v) = %q, want %q", text, class, got, want)
		}
	}
	f("550 cuda_nsu 5.1.1 user unknown", parsers.Permanent, "5.1.1")
	f("553 not allowed - 5.7.1 [bl23]", parsers.Permanent, "5.7.1")
	f("553 not allowed (#5.7.1)", parsers.Permanent, "5.7.1")
	f("5.7.1", parsers.ClassUnknown, "5.7.1")
	f("451 exim 4.94.2 and 4.3.0", parsers.Transient, "4.3.0")
	f("550 192.5.1.1 4.2.2 5.1.1.4 x5.1.1", parsers.Permanent, "")
	f("550 a.b.c. 5.", parsers.Permanent, "")
	f(".", parsers.Permanent, "")
}

func TestInOrder(t *testing.T) {
	f := func(text string, want bool, seq ...string) {
		t.Helper()
		if got := inOrder(text, seq); got != want {
			t.Errorf("inOrder(%q, %q) = %v, want %v", text, seq, got, want)
		}
	}
	f("try again in 5 minutes", true, "try again in", " minute")
	f("minutes: try again in a day", false, "try again in", " minute")
	f("a b c", true, "a", "b", "c")
	f("a c b", false, "a", "b", "c")
	f("abab", true, "ab", "ab")
	f("aba", false, "ab", "ba") // texts do not overlap
	gap := strings.Repeat("-", maxGap)
	f("a"+gap+"b", true, "a", "b")
	f("a"+gap+"-b", false, "a", "b")
	f("a"+gap+"-a-b", true, "a", "b") // from the second
	f("a-b"+gap+"-b-c", false, "a", "b", "c")
}

// The finder finds what strings.Contains finds.
func TestFinder(t *testing.T) {
	texts := []string{"user", "user unknown", "unknown", "nown user", "aaaa", "aaaaa", "mail", "mailbox", " box", "\u00fcber", "zzzz"}
	f := newFinder(texts)
	for _, s := range []string{"", "u", "use", "user", "unknown user unknown", "aaaaaaa", "the mailbox is a mail box", "über", "xxxx", strings.Repeat("user ", 50)} {
		var want []int32
		for i, text := range texts {
			if strings.Contains(s, text) {
				want = append(want, int32(i))
			}
		}
		got := f.appendFound(nil, []byte(s))
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("in %q: found %v, want %v", s, got, want)
		}
	}
}

func TestAppendSpaced(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"550 user unknown", ""},
		{"550 bad_recipient", "550 bad recipient"},
		{"mailbox_currently_suspended, see a_1", "mailbox currently suspended, see a_1"},
		{"_x_ __ ofr_416 _", ""},
		{"", ""},
	} {
		if got := string(appendSpaced(nil, test.text)); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
		if got := string(appendSpaced([]byte("before\n"), test.text)); got != "before\n"+test.want {
			t.Errorf("%q: appended: got %q", test.text, got)
		}
	}
}
