package generic

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/examples"
	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "generic-text") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

// read returns what a record tells, `RECIPIENT STATUS CODE ENHANCED` of each attempt, the enhanced code in parentheses where
// it is not the server's.
func read(t testing.TB, text string) string {
	t.Helper()
	evs, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: text})
	if (err == nil) != (len(evs) > 0) || err != nil && err != parsers.ErrForeign {
		t.Errorf("%q: %v, %d events", text, err, len(evs))
	}
	var got []string
	for i := range evs {
		a := &evs[i].Attempt
		s := fmt.Sprintf("%s %v %v %v", a.Recipient, a.Status, a.Reply.Code, a.Reply.Enhanced)
		if !a.DSN.IsZero() {
			s += fmt.Sprintf("(%v)", a.DSN)
		}
		if !a.Guessed {
			t.Errorf("%q: not marked as guessed", text)
		}
		got = append(got, strings.Join(strings.Fields(s), " "))
	}
	return strings.Join(got, "; ")
}

func TestAppendEvents(t *testing.T) {
	for text, want := range map[string]string{
		// How a code is introduced.
		"to=<bob@example.org> 550 5.1.1 unknown":                       "bob@example.org bounced 550 5.1.1",
		"to=<bob@example.org> 550 (#5.1.1) unknown":                    "bob@example.org bounced 550 5.1.1",
		"to=<bob@example.org>: 550 unknown":                            "bob@example.org bounced 550",
		"to=<bob@example.org> mx said: 451 wait":                       "bob@example.org deferred 451",
		"to=<bob@example.org> response 250 OK":                         "bob@example.org sent 250",
		"to=<bob@example.org> smtp; 550 unknown":                       "bob@example.org bounced 550",
		"to=<bob@example.org> after RCPT command 550 unknown":          "bob@example.org bounced 550",
		"to=<bob@example.org> status=sent (250 OK)":                    "bob@example.org sent 250",
		"to=<bob@example.org> 550-no 550 no":                           "bob@example.org bounced 550",
		"to=<bob@example.org> 550-5.7.26 no":                           "bob@example.org bounced 550 5.7.26",
		"to=<bob@example.org> code=550":                                "bob@example.org bounced 550",
		"to=<bob@example.org> code=550 unknown":                        "bob@example.org bounced 550",
		`to=<bob@example.org> error="host mx said: 550 5.1.1 unknown"`: "bob@example.org bounced 550 5.1.1",

		"recipient: bob@example.org, status: bounced, code: 550, text: no": "bob@example.org bounced 550",
		"to=<bob@example.org>: 550, no":                                    "bob@example.org bounced 550",
		"bob@example.org bounced 5.1.1":                                    "bob@example.org bounced (5.1.1)",
		"bob@example.org is 5.1.1":                                         "",

		// Numbers that are none.
		"to=<bob@example.org> took 450 ms, status code: 250 ms":  "",
		"to=<bob@example.org>: 250 recipients":                   "",
		"to=<bob@example.org> port 550, sent":                    "",
		"to=<bob@example.org> connect to 192.0.2.1:550 failed":   "",
		"to=<bob@example.org> sent [550]":                        "",
		"to=<bob@example.org> sent: 550/600":                     "",
		"to=<bob@example.org> sent: 550.5 s":                     "",
		"to=<bob@example.org> call 555-0100":                     "",
		"to=<bob@example.org> size=550 nrcpt=250":                "",
		"to=<bob@example.org> said: 354 go ahead":                "",
		"to=<bob@example.org> status=404":                        "",
		"to=<bob@example.org> GET /x status 500 error":           "",
		"to=<bob@example.org> Exim 4.97.1 sent it from 10.5.1.1": "",
		"to=<bob@example.org> unknown user: \"550\"":             "",
		"bob@example.org logged in: 535 5.7.8 failed":            "",
		"to=<bob@example.org> relay=none status=sent (250 gone)": "",

		// An enhanced code alone.
		"to=<bob@example.org> dsn=4.4.1, timed out":            "bob@example.org deferred (4.4.1)",
		"to=<bob@example.org> no such user (#5.1.1)":           "bob@example.org bounced (5.1.1)",
		"Recipient: <bob@example.org>, Status: 2.0.0 , x":      "bob@example.org sent (2.0.0)",
		"bob@example.org failed: 5.1.1 unknown":                "bob@example.org bounced (5.1.1)",
		"bob@example.org: 5.1.1 unknown":                       "", // no word, key or arrow
		"to=<bob@example.org> dsn=5.1.1 said: 550 5.1.2 no":    "bob@example.org bounced 550 5.1.2(5.1.1)",
		"rcpt=bob@example.org code=451 esc=4.7.1 msg=\"wait\"": "bob@example.org deferred 451 (4.7.1)",
		"rcpt=bob@example.org code=550 msg=\"5.1.1 no\"":       "bob@example.org bounced 550 5.1.1",

		// Who the recipient is.
		"<bob@example.org> 550 5.1.1 unknown":                                             "bob@example.org bounced 550 5.1.1",
		"bob@example.org 550 5.1.1 unknown":                                               "bob@example.org bounced 550 5.1.1",
		"bob@example.org failed: 550 unknown":                                             "bob@example.org bounced 550",
		"bob@example.org: 550 unknown":                                                    "", // sure of neither
		"ann@example.org <bob@example.org> 550 5.1.1 unknown":                             "bob@example.org bounced 550 5.1.1",
		"ann@example.org bob@example.org 550 5.1.1 unknown":                               "",
		"<ann@example.org> <bob@example.org> eve@example.org 550 5.1.1 unknown":           "",
		"from <ann@example.org> to bob@example.org: 250 ok":                               "bob@example.org sent 250",
		"mail from ann@example.org for <bob@example.org>: 250 ok":                         "bob@example.org sent 250",
		"x => bob@example.org: 250 ok":                                                    "bob@example.org sent 250",
		"recipients=a@example.org,b@example.org, said: 550 no":                            "a@example.org bounced 550; b@example.org bounced 550",
		"to=<a@example.org>,<b@example.org>, said: 550 no":                                "a@example.org bounced 550; b@example.org bounced 550",
		`{"to":["a@example.org","b@example.org"],"code":550}`:                             "a@example.org bounced 550; b@example.org bounced 550",
		"to = [\"a@example.org\", \"b@example.org\"], to = \"b@example.org\", code = 250": "b@example.org sent 250",
		"to=<bob@example.org>, rcpt=<ann@example.org>, stat=250 ok":                       "bob@example.org sent 250",
		"message-id=<x@example.org> failed: 550 5.1.1 no":                                 "",
		"id=<x@example.org> to=<bob@example.org> 550 5.1.1 no":                            "bob@example.org bounced 550 5.1.1",
		"to=<john q. doe@example.org> 550 5.1.1 no":                                       "",
		"to=<bob@[192.0.2.1]> 550 5.1.1 no":                                               "bob@[192.0.2.1] bounced 550 5.1.1",
		"2026,x,<bob@example.org>,y,550 5.1.1 no":                                         "",
		`reply="451 4.7.1 wait" rcpt=bob@example.org`:                                     "bob@example.org deferred 451 4.7.1",

		// What became of it.
		"to=<bob@example.org> status=deferred said: 550 5.1.1 no":              "bob@example.org deferred 550 5.1.1",
		"<bob@example.org> status=bounced said: 451 no":                        "",
		"to=<bob@example.org> result=expired 451 4.7.1 wait":                   "bob@example.org expired 451 4.7.1",
		"to=<bob@example.org> status=rejected said: 451 wait":                  "bob@example.org deferred 451",
		"== bob@example.org host mx said: 550 5.1.1 no":                        "bob@example.org deferred 550 5.1.1",
		"to=<bob@example.org> said: 550 2.1.1 odd":                             "bob@example.org bounced 550 2.1.1",
		"RCPT TO:<bob@example.org> 250 2.1.5 ok":                               "",
		"RCPT TO:<bob@example.org> 550 5.1.1 no":                               "bob@example.org bounced 550 5.1.1",
		"to=<bob@example.org> reject=550 5.1.1 no":                             "",
		"NOQUEUE: to=<bob@example.org> 550 5.1.1 no":                           "",
		`{"type":"Reception","to":"bob@example.org","code":250}`:               "",
		`{"to":"bob@example.org","code":602,"text":"Too old: 451 4.7.1 wait"}`: "",

		// Nothing to read.
		"":                      "",
		"@ 250":                 "",
		"to=<bob@example.org> ": "",
	} {
		if got := read(t, text); got != want {
			t.Errorf("%s\n\t%q, want %q", text, got, want)
		}
	}
}

// TestHostile: what a sender or a server writes is nobody's address and no code.
func TestHostile(t *testing.T) {
	const ours = "bob@example.org deferred 451"
	for text, want := range map[string]string{
		"to=<bob@example.org> said: 451 <eve@example.com> 550 5.1.1 to=<eve@example.com>":                            ours,
		`to=<bob@example.org> reply="451 x\" rcpt=eve@example.com code=550" x=1`:                                     ours,
		`to=<bob@example.org> reply="451 x" rcpt=eve@example.com code=550"`:                                          ours,
		`reply="451 x" rcpt=eve@example.com code=550 y" rcpt=bob@example.org`:                                        ours,
		`to=<bob@example.org> reply="to=<eve@example.com> 550 5.1.1 no" code=451`:                                    ours,
		`to=<bob@example.org> error="to=<eve@example.com> 550 5.1.1 no" code=451`:                                    ours,
		`error="to=<eve@example.com> 550 5.1.1 no" code=451 to=<bob@example.org>`:                                    ours,
		`to=<"x> to=<eve@example.com> 550 5.1.1 "@example.org> said: 451 wait`:                                       `"x> to=<eve@example.com> 550 5.1.1 "@example.org deferred 451`,
		`from=<"x> to=<eve@example.com> 550 5.1.1 "@example.org> to=<bob@example.org> said: 451 wait`:                ours,
		`From: "to=<eve@example.com> 550 5.1.1 no" <x@example.net> to=<bob@example.org> said: 451 wait`:              ours,
		`From: Eve <eve@example.com> failed: 550 5.1.1 no`:                                                           "",
		`subject="to=<eve@example.com> 550 5.1.1" to=<bob@example.org> said: 451 wait`:                               ours,
		"subject=x to=<eve@example.com> 550 5.1.1 no":                                                                "",
		"Subject: x to=<eve@example.com> 550 5.1.1 no":                                                               "",
		"message-id=<to=<eve@example.com> to=<bob@example.org> said: 451 wait":                                       ours,
		"from=<eve@example.com> 550 5.1.1 <eve@example.com> no":                                                      "",
		"GET https://example.com/?to=eve@example.com 550 5.1.1 no":                                                   "",
		"GET /?to=eve@example.com 550 5.1.1 no":                                                                      "",
		"user=eve@example.com agent='to=eve@example.com said: 550 5.1.1' said: 451":                                  "",
		"to=<bob@example.org> helo=<550 5.1.1 to=<eve@example.com>> said: 451 wait":                                  "",
		"to=<bob@example.org>," + strings.Repeat("<a@example.org>,", 200) + "<z@example.org> said: 451 x":            strings.Repeat("a@example.org deferred 451; ", maxRecipients),
		strings.Repeat("x", maxBytes) + " to=<bob@example.org> said: 451 wait":                                       "",
		strings.Repeat("x\n", maxLines) + " to=<bob@example.org> said: 451 wait":                                     "",
		"to=<bob@example.org>" + strings.Repeat("\nx", maxLines-2) + "\nsaid: 451 wait" + strings.Repeat("\n550", 9): ours,
	} {
		got := read(t, text)
		if n := strings.Count(want, ";"); n > 0 { // only how many matters
			if strings.Count(got, ";")+1 != n {
				t.Errorf("%d recipients, want %d", strings.Count(got, ";")+1, n)
			}
		} else if got != want {
			t.Errorf("%s\n\t%q, want %q", text, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-22 10:00:08 from=<news@example.net> to=<bob@example.org> relay=mx1.example.org[192.0.2.10]:587, said: 550-5.1.1 no)": `attempted Time=2026-11-22T10:00:08Z ` +
			`Sender="news@example.net" Recipient="bob@example.org" RelayHost="mx1.example.org" RelayIP="192.0.2.10" RelayPort=587 Status=bounced Origin=remote ` +
			`Reply.Code=550 Reply.Enhanced=5.1.1 Reply.Text="550-5.1.1 no" Diagnostic="550-5.1.1 no" Guessed=true`,
		"from=<> to=<bob@example.org>, relay=192.0.2.10 (mx1.example.org), reply \"450 4.2.0 wait (now)\" x": `attempted ` +
			`Sender="<>" Recipient="bob@example.org" RelayHost="mx1.example.org" RelayIP="192.0.2.10" Status=deferred Origin=remote ` +
			`Reply.Code=450 Reply.Enhanced=4.2.0 Reply.Text="450 4.2.0 wait (now)" Diagnostic="450 4.2.0 wait (now)" Guessed=true`,
		"to=<bob@example.org> via host localhost[127.0.0.1]:10026 said: (250 2.0.0 ok)": `attempted ` +
			`Recipient="bob@example.org" RelayHost="localhost" RelayIP="127.0.0.1" RelayPort=10026 Status=sent Kind=internal Origin=remote ` +
			`Reply.Code=250 Reply.Enhanced=2.0.0 Reply.Text="250 2.0.0 ok" Diagnostic="250 2.0.0 ok" Guessed=true`,
		"deferred by mx1.example.org. [192.0.2.10]:25 for <bob@example.org>: 450 4.2.0 wait": `attempted ` +
			`Recipient="bob@example.org" RelayHost="mx1.example.org" RelayIP="192.0.2.10" RelayPort=25 Status=deferred Origin=remote ` +
			`Reply.Code=450 Reply.Enhanced=4.2.0 Reply.Text="450 4.2.0 wait" Diagnostic="450 4.2.0 wait" Guessed=true`,
		"from app.example.net[198.51.100.9] to <bob@example.org> via gw.example.net[192.0.2.9], relay=mx1.example.org: 450 4.2.0 wait": `attempted ` +
			`Recipient="bob@example.org" RelayHost="mx1.example.org" Status=deferred Origin=remote ` +
			`Reply.Code=450 Reply.Enhanced=4.2.0 Reply.Text="450 4.2.0 wait" Diagnostic="450 4.2.0 wait" Guessed=true`,
		"orig=a@example.net rcpt=bob@example.org mx=mx1.example.org. [2001:db8::10] dsn=5.1.1 unknown": `attempted ` +
			`Sender="a@example.net" Recipient="bob@example.org" RelayHost="mx1.example.org" RelayIP="2001:db8::10" Status=bounced DSN=5.1.1 Diagnostic="5.1.1 unknown" Guessed=true`,
	} {
		evs, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: text})
		if err != nil || len(evs) != 1 {
			t.Errorf("%s: %v, %d events", text, err, len(evs))
		} else if got := strings.Replace(parsertest.Print(&evs[0]), " Diagnostic", " Diagnostic", 1); got != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}

func TestStamp(t *testing.T) {
	loc := time.FixedZone("", 3600)
	for text, want := range map[string]string{
		"2026-11-22T10:00:04.5Z x":                              "2026-11-22T10:00:04.5Z",
		"2026-11-22 10:00:04,250 x":                             "2026-11-22T09:00:04.25Z",
		"INFO [2026-11-22 10:00:04] x":                          "2026-11-22T09:00:04Z",
		`time="2026-11-22T10:00:04+02:00"`:                      "2026-11-22T08:00:04Z",
		"[22/Nov/2026:10:00:04 +0000] x":                        "2026-11-22T10:00:04Z",
		"22-Nov-2026 10:00:04.125 x":                            "2026-11-22T09:00:04.125Z",
		"Sun, 22 Nov 2026 10:00:04 -0100 x":                     "2026-11-22T11:00:04Z",
		"2026/11/22 10:00:04 x":                                 "2026-11-22T09:00:04Z",
		"Sun Nov  2 10:00:04 2026 x":                            "2026-11-02T09:00:04Z",
		"1795341602 x":                                          "2026-11-22T10:00:02Z",
		"1795341602.25: x":                                      "2026-11-22T10:00:02.25Z",
		"ts=1795341602250 x":                                    "2026-11-22T10:00:02.25Z",
		`{"ts":1795341602.25,"x":1}`:                            "2026-11-22T10:00:02.25Z",
		"id 1795341602 x":                                       "",
		"1795341602@x":                                          "",
		"Nov 22 10:00:04 x":                                     "",
		"22/Foo/2026:10:00:04":                                  "",
		"22/Nov/2026":                                           "",
		"2026/13/22 10:00:04":                                   "",
		"2026/11/32 10:00:04":                                   "",
		"Nov 22 10:00:04 20":                                    "",
		strings.Repeat(" ", stampReach) + "2026-11-22 10:00:04": "",
	} {
		if got := findStamp(text, loc).String(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	piece := func(text string, headed bool) string {
		line := parsers.Line{Text: text}
		if headed {
			line.Host, line.Tag = "mx1", "app"
		}
		f := fold(&line)
		return fmt.Sprintf("%d %s", f.Piece, f.Text)
	}
	for _, test := range []struct {
		text         string
		bare, headed string
	}{
		{"to=<bob@example.org> failed", "1 to=<bob@example.org> failed", "0 "},
		{"to=<bob@example.org> said: 550-5.1.1 no", "1 to=<bob@example.org> said: 550-5.1.1 no", "1 to=<bob@example.org> said: 550-5.1.1 no"},
		{"  550 5.1.1 no", "2 550 5.1.1 no", "2 550 5.1.1 no"},
		{" reply: 550", "2 reply: 550", "0 "},
		{" 2026-11-22 10:00:04 to=<bob@example.org>", "1  2026-11-22 10:00:04 to=<bob@example.org>", "0 "},
		{"  22/Nov/2026:10:00:04 to=<bob@example.org>", "1   22/Nov/2026:10:00:04 to=<bob@example.org>", "0 "},
		{"550-0100", "1 550-0100", "0 "},
		{"\treply: 550", "2 reply: 550", "2 reply: 550"},
		{"550-5.1.1 no", "2 550-5.1.1 no", "2 550-5.1.1 no"},
		{"550 no", "2 550 no", "2 550 no"},
		{"550 <bob@example.org> no", "1 550 <bob@example.org> no", "0 "},
		{"2026-11-22 x", "1 2026-11-22 x", "0 "},
		{"", "0 ", "0 "},
		{"  ", "0 ", "0 "},
	} {
		if got := piece(test.text, false); got != test.bare {
			t.Errorf("%q: %s, want %s", test.text, got, test.bare)
		}
		if got := piece(test.text, true); got != test.headed {
			t.Errorf("%q behind a header: %s, want %s", test.text, got, test.headed)
		}
	}
	if got, want := read(t, "to=<bob@example.org> said: 550-5.1.1 no\n550-5.1.1 such\n550 5.1.1 user"), "bob@example.org bounced 550 5.1.1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// differences are the cases of the collection where what the generic format finds is not what is expected, and why that may
// be: `file/number` of the case.
var differences = map[string]string{
	"exim.jsonl/19": "a 550 to EHLO is quoted; Exim says that it counts for nothing",
}

// TestOtherFormats reads the logs of all the other formats of the collection of examples. What is found in them is less than
// their own formats find, but no recipient and no code may be wrong.
func TestOtherFormats(t *testing.T) {
	for _, name := range []string{"other-formats.jsonl", "postfix.jsonl", "exim.jsonl"} {
		found, all := 0, 0
		for number, c := range examples.Cases(t, name) {
			var want []string
			for _, r := range c.Records {
				want = append(want, strings.ReplaceAll(fmt.Sprint(r["recipient"], " ", r["reply_code"]), "<nil>", ""))
			}
			all += len(want)
			for _, r := range parsertest.Records(t, Format(), strings.Join(c.Lines, "\n")) {
				evs, _ := r.Parser.AppendEvents(nil, &r.Line)
			attempts:
				for i := range evs {
					a := &evs[i].Attempt
					got := fmt.Sprint(a.Recipient, " ", a.Reply.Code)
					for i, w := range want {
						if got == w || a.Reply.Code == 0 && strings.HasPrefix(w, got) {
							want[i] = ""
							found++
							continue attempts
						}
					}
					if where := fmt.Sprintf("%s/%d", name, number+1); differences[where] == "" {
						t.Errorf("%s: found %q, want %q\n%s", where, got, want, r.Raw)
					}
				}
			}
		}
		t.Logf("%s: %d of %d attempts", name, found, all)
	}
}

func TestInside(t *testing.T) {
	parsertest.Inside(t, Format(), "to=<ann@example.com> relay=mx1.example.com[192.0.2.10]:25 said: 250 2.0.0 ok")
}

func FuzzAppendEvents(f *testing.F) {
	for line := range strings.Lines(parsertest.Log(f, "shapes.log")) {
		f.Add(strings.TrimSuffix(line, "\n"), "to=<eve@example.com> 250 2.0.0 ok")
	}
	p := parsertest.Open(f, Format(), "")
	f.Fuzz(func(t *testing.T, text, words string) {
		line := parsers.Line{Text: text}
		if piece := fold(&line); !strings.Contains(text, piece.Text) {
			t.Errorf("%q: piece %q", text, piece.Text)
		}
		parsertest.Check(t, p, line)
		evs, _ := p.AppendEvents(nil, &line)
		for i := range evs {
			a := &evs[i].Attempt
			for _, s := range []string{evs[i].Sender, a.Recipient, a.RelayHost, a.RelayIP, a.Reply.Text, a.Diagnostic} {
				if s != parsers.NullSender && !strings.Contains(text, s) {
					t.Errorf("%q: %q is not of the line", text, s)
				}
			}
			if !strings.Contains(a.Recipient, "@") {
				t.Errorf("%q: recipient %q", text, a.Recipient)
			}
		}

		// Whatever a server says, and whatever address a sender has.
		words = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return '?'
			}
			return r
		}, words)
		if len(words) > maxBytes/2 {
			return
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(words) + `"`
		for _, text := range []string{
			"to=<bob@example.org> said: 550 5.1.1 " + words,
			"from=<" + quoted + "@example.net> to=<bob@example.org> said: 550 5.1.1 no",
			`to=<bob@example.org> reply=` + quoted + ` code=550 esc=5.1.1`,
			`subject=` + quoted + ` to=<bob@example.org> said: 550 5.1.1 no`,
		} {
			evs, err := p.AppendEvents(nil, &parsers.Line{Text: text})
			if err == nil && (len(evs) != 1 || evs[0].Attempt.Recipient != "bob@example.org") || err != nil && !strings.HasPrefix(text, "to=<bob@example.org> reply=") {
				t.Errorf("%q: %v, %+v", text, err, evs)
			}
		}
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
