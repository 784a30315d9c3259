package custom

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	const rule = "must = ['to=']\ndissect = 'to=%{recipient} at %{time:epoch} %{diagnostic}'\n"
	const line = "line = 'to=a@example.com at 1795341603 550 5.1.1 no'\n"
	for _, test := range []struct{ definition, errs, warnings string }{
		{rule + "[[sample]]\n" + line + "expect = { recipient = 'a@example.com', status = 'bounced', time = 2026-11-22T10:00:03Z, reply_code = 550, delay = '', kind = 'remote', attempted = true }", "", ""},
		{rule, "1:1: there is no sample; add [[sample]] with line = '…' and expect = { recipient = \"…\", status = \"…\" }", ""},
		{rule + "[[sample]]\n" + line, "", "4:3: the sample says nothing of what it must give; add expect = { … }: it gives { time = '2026-11-22T10:00:03Z', " +
			"recipient = 'a@example.com', status = 'bounced', reply_code = 550, enhanced_code = '5.1.1', origin = 'remote', diagnostic = '550 5.1.1 no' }"},
		{rule + "[[sample]]\n" + line + "expect = { status = 'deferred', time = '2026-11-22', reply_code = 551, sender = '' }",
			"6:12: status is \"bounced\", want \"deferred\"\n6:33: time is \"2026-11-22T10:00:03Z\", want \"2026-11-22\"\n6:54: reply_code is \"550\", want \"551\"", ""},
		{rule + "[[sample]]\n" + line + "expect = []", "4:3: the sample gives 1 records, want 0: { time = '2026-11-22T10:00:03Z', recipient = 'a@example.com', status = 'bounced', " +
			"reply_code = 550, enhanced_code = '5.1.1', origin = 'remote', diagnostic = '550 5.1.1 no' }", ""},
		{rule + "[[sample]]\nline = 'to=a@example.com at noon 550'\nexpect = []", "4:3: the sample: column 21: time \"noon\"", "1:1: no sample gives a time: map one, or the records have none"},
		{"must = ['x']\ndissect = '%{recipient} %{diagnostic}'\nprefix = 'none'\n[const]\ntime = '1795341603'\n[[sample]]\nline = 'a 550 b'\nexpect = []",
			"7:3: the sample is not of this format: no rule fits it; it holds none of must = [\"x\"]", "1:1: no sample gives a time: map one, or the records have none\n3:1: no sample is of this rule; add one"},
		{"dissect = '%{recipient}'\n[map]\nsession_id = 'recipient'\n[[sample]]\nline = 'Nov 22 10:00:00 mx1 a[1]: x y'\nexpect = []",
			"5:3: the sample: column 1: no status: none is mapped, and no code tells it",
			"1:1: there is no must: each line of each log is tried in full; name a text that all of yours have, must = [\"…\"]\n" +
				"1:1: no sample gives a time: map one, or the records have none\n" +
				"2:1: the rule gives neither diagnostic nor status, so its records have no status\n" +
				"4:1: records do not keep session_id; it is read over"},
		{"must = ['a']\n[[rule]]\nregex = '^.*a (?P<host>x)'\n[[rule]]\nregex = '(?P<recipient>.)(?P<diagnostic>.)'\n[[sample]]\nline = 'Nov 22 10:00:00 mx1 a[1]: b 450 y'\nexpect = []",
			"7:3: the sample is not of this format: no rule fits it; it holds none of must = [\"a\"]",
			"1:1: no sample gives a time: map one, or the records have none\n" +
				"3:3: no sample is of this rule; add one\n" +
				"3:3: the regex begins with .*, which goes through each line many times; leave it out\n" +
				"3:3: the rule gives no recipient; if its lines are about something else, set ignore = true\n" +
				"5:3: no sample is of this rule; add one\n" +
				"5:3: the regex has no text that all of its lines hold, so that it runs on every one; add when = '…'"},
	} {
		r := mustParse(t, test.definition).Check()
		for _, part := range []struct {
			got  []error
			want string
		}{{r.Errors, test.errs}, {r.Warnings, test.warnings}} {
			got := ""
			if len(part.got) > 0 {
				got = strings.ReplaceAll(errors.Join(part.got...).Error(), "test.toml:", "")
			}
			if got != part.want {
				t.Errorf("%s\ngot\n%s\nwant\n%s", test.definition, got, part.want)
			}
		}
	}
}
