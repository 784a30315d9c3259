package gate

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"bounce_rate<2%": "bounce_rate < 2%",
		"  bounce_rate { provider = gmail }  <= 0.02 ":      "bounce_rate{provider=gmail} <= 0.02",
		"bounce_rate{provider=Gmail|outlook}<2%":            "bounce_rate{provider=gmail|outlook} < 2%",
		"bounce_rate{domain=Bücher.Example} < 100%":         "bounce_rate{domain=xn--bcher-kva.example} < 100%",
		"count{category=blocklisted} == 0":                  "count{category=blocklisted} == 0",
		"count{category!=greylisted,status=deferred}!=7":    "count{category!=greylisted, status=deferred} != 7",
		`count{campaign="a, \"b\" \\ {c}"} > 1`:             `count{campaign="a, \"b\" \\ {c}"} > 1`,
		"count{outcome=lost} <= 10":                         "count{outcome=lost} <= 10",
		"share{reply_code=5xx|none} < 1.25%":                "share{reply_code=5xx|none} < 1.25%",
		"share{enhanced_code=5.7.x} < 1%":                   "share{enhanced_code=5.7.x} < 1%",
		"unknown_share < 1%":                                "unknown_share < 1%",
		"coverage >= 99.5%":                                 "coverage >= 99.5%",
		"lines{bucket=malformed|overlong} == 0":             "lines{bucket=malformed|overlong} == 0",
		"delivery_time_p90{provider=gmail} < 1h30m":         "delivery_time_p90{provider=gmail} < 1h30m",
		"delivery_time_p50 < 0.5s":                          "delivery_time_p50 < 0.5s",
		"count{provider=gmail, category=rate_limited} < 10": "count{provider=gmail, category=rate_limited} < 10",
		"count{provider=a|a|a}>0":                           "count{provider=a} > 0",
		"count{sender=<>} == 0":                             "",
		`count{sender="<>"} == 0`:                           `count{sender="<>"} == 0`,
	} {
		x, err := Parse(text)
		if want == "" {
			if err == nil {
				t.Errorf("Parse(%q): no error", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := x.String(); got != want {
			t.Errorf("Parse(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct {
		text   string
		column int
		msg    string // a part of it
	}{
		{"", 1, "want a metric"},
		{"< 2%", 1, "want a metric"},
		{"bouncerate < 2%", 1, `unknown metric "bouncerate"; did you mean bounce_rate?`},
		{"Bounce_Rate < 2%", 1, "did you mean bounce_rate?"},
		{"zzzzzzzzz < 2%", 1, `unknown metric "zzzzzzzzz"; --list-metrics`},
		{"bounce_rate", 12, "want one of < <= == != >= >"},
		{"bounce_rate = 2%", 13, "did you mean ==?"},
		{"bounce_rate < ", 15, "want a number"},
		{"bounce_rate < -1%", 15, "want a number"},
		{"bounce_rate < 2.%", 17, "want a digit after the point"},
		{"bounce_rate < 2", 15, "give a percentage like 2%"},
		{"bounce_rate < 200%", 15, "never more than 100%"},
		{"bounce_rate < 2% or more", 18, `want nothing more, got "or more"`},
		{"bounce_rate < 1234567890123456789%", 15, "more than 18 digits"},
		{"count < 2%", 9, "a number, not a percentage; share is one"},
		{"lines < 2%", 9, "a number, not a percentage"},
		{"count < 2.5", 9, "a whole number"},
		{"delivery_time_p90 < 5", 22, "give a unit"},
		{"delivery_time_p90 < 5x", 22, "give a unit"},
		{"delivery_time_p90 < 5h3", 24, "give a unit"},
		{"bounce_rate{", 13, "want a label"},
		{"bounce_rate{}", 13, "want a label"},
		{"bounce_rate{provder=gmail} < 2%", 13, `unknown label "provder"; did you mean provider?`},
		{"bounce_rate{provider} < 2%", 21, "want = or != after provider"},
		{"bounce_rate{provider==gmail} < 2%", 21, "want = or != after a label"},
		{"bounce_rate{provider=} < 2%", 22, "want a value"},
		{"bounce_rate{provider=a b} < 2%", 24, "want , or }"},
		{"bounce_rate{provider=a", 23, "want , or }"},
		{`bounce_rate{provider="a} < 2%`, 22, "the quote has no end"},
		{`bounce_rate{provider="a\n"} < 2%`, 24, `want \" or \\`},
		{`bounce_rate{provider=""} < 2%`, 22, "empty value"},
		{"bounce_rate{provider=a,provider=b} < 2%", 24, "a second time"},
		{"bounce_rate{category=policy} < 2%", 1, "takes no label category: it takes provider, domain"},
		{"coverage{provider=a} < 2%", 1, "coverage takes no label"},
		{"count{category=blocklist} == 0", 16, "did you mean blocklisted?"},
		{"count{status=expired} == 0", 14, "ask for outcome=expired"},
		{"count{outcome=sent} == 0", 15, "want one of delivered"},
		{"count{reply_code=55} == 0", 18, "is no reply code"},
		{"count{reply_code=950} == 0", 18, "is no reply code"},
		{"count{enhanced_code=5.1} == 0", 21, "is no enhanced code"},
		{"count{class=permanent, status=bounced} == 0", 1, "do not count attempts by class and status together"},
		{"count{origin=remote, provider=a} == 0", 1, "together"},
		{"count{provider=a, domain=b, relay=c} == 0", 1, "together"},
		{"count{outcome=lost, class=permanent} == 0", 1, "do not count deliveries by"},
		{"count{class=unknown, category=policy} == 0", 1, "do not count failed attempts by"},
		{"share < 2%", 1, "share of what?"},
		{"share{provider=a} < 2%", 1, "share of what?"},
		{"delivery_time_p90{provider=a|b} < 1h", 1, "can't be added up"},
		{"delivery_time_p90{provider!=a} < 1h", 1, "can't be added up"},
		{"ü{", 1, "want a metric"},
		{"count{domain=ü, x=1}", 17, "unknown label"}, // in characters
		{"bounce_rate < 2%\xff", 1, "not UTF-8"},
		{strings.Repeat("x", maxExpr+1), 1, "longer than"},
	} {
		_, err := Parse(test.text)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("Parse(%q): %v, want a syntax error", test.text, err)
			continue
		}
		if se.Column != test.column || !strings.Contains(se.Msg, test.msg) {
			t.Errorf("Parse(%q): column %d: %s; want column %d: …%s…", test.text, se.Column, se.Msg, test.column, test.msg)
		}
	}
}

// FuzzParse: an expression that is read reads the same in its usual form, and errors point into it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"bounce_rate{provider=gmail} < 2%", `count{campaign="a\"b\\", category!=policy|unknown} >= 18`, "delivery_time_p99 <= 1d2h3m4s5ms",
		"share{reply_code=5xx, class=permanent} != 0.5", "count{domain=ü", "coverage >= 99.5%", `count{sender="<>"} == 0`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := Parse(text)
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) || se.Column < 1 || utf8.ValidString(text) && len(text) <= maxExpr && se.Column > utf8.RuneCountInString(text)+1 {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		again, err := Parse(x.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", text, x, err)
		}
		if again.String() != x.String() || again.limit.Cmp(x.limit) != 0 {
			t.Fatalf("%q became %q became %q", text, x, again)
		}
	})
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "ab", 1}, {"abc", "acb", 1}, {"gmial", "gmail", 1}, {"abc", "xyz", 3}, {strings.Repeat("a", 65), "a", 64}} {
		if got := distance(test.a, test.b); got != test.want || distance(test.b, test.a) != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
