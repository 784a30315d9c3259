package custom

import (
	"strings"
	"testing"
)

// What is wrong with a definition is told with its place and what to do.
func TestParseErrors(t *testing.T) {
	const fields = "time, host, process, instance, queue_id, message_id, sender, recipient, original_recipient, relay_host, relay_ip, relay_port, status, mta_status, attempted, kind, reply_code, enhanced_code, dsn, origin, command, diagnostic, delay, xdelay, attempt, retries, job, source_ip"
	const good = "name = \"a\"\ndissect = \"%{recipient} %{diagnostic}\"\n"
	for _, test := range []struct{ definition, want string }{
		{"", `1:1: there is no name; put name = "acme" at the top` + "\n" +
			`1:1: there is no rule; add [[rule]] with dissect = 'to=<%{recipient}> …', a regex, or parse = "logfmt"`},
		{"dissect = '%{recipient} %{x}'", `1:1: there is no name; put name = "acme" at the top`},
		{"name = \"A b\"\nparse = 'logfmt'", `1:1: name "A b": a name is made of small letters, digits and hyphens, as --input-format takes it`},
		{"name = 'a'", `1:1: there is no rule; add [[rule]] with dissect = 'to=<%{recipient}> …', a regex, or parse = "logfmt"`},
		{"name = 'a'\nname = 'b'", `2:1: key name is already defined; see toml.io for the syntax`},
		{"name = 'a", `1:9: unterminated literal string; see toml.io for the syntax`},
		{"name = 3", `1:1: name is a number, and must be a string` + "\n" +
			`1:1: there is no rule; add [[rule]] with dissect = 'to=<%{recipient}> …', a regex, or parse = "logfmt"`},
		{good + "dissekt = 'x'", `3:1: unknown key "dissekt" ("dissect"?); a definition has name, short, tags, framing, prefix, must, timezone, detect, rule, map, const, json, csv, join, sample, when, dissect, regex, parse, ignore, delimiter, header, columns, comment, quote`},
		{good + "must = ['x', 3]", `3:14: an element of must is a number, and must be a string`},
		{good + "must = ''", `3:1: must: an empty text is in every line; leave it out`},
		{good + "framing = 'lines'", `3:1: framing "lines"; use line, csv, w3c or json`},
		{good + "framing = 'json'", `2:1: records of this framing are cut already; leave out dissect, regex and parse, and map their values`},
		{good + "timezone = 'Berlin'", `3:1: timezone "Berlin" is not known; give a name like Europe/Berlin or UTC`},
		{good + "prefix = 'syslog'", `3:1: prefix "syslog": use auto, none, or a pattern with slots such as '%{time:rfc3339} %{host} '`},
		{good + "prefix = '%{host...} '", `3:1: three dots in a prefix: it ends where the text begins; use them in the rule's pattern`},
		{good + "regex = 'x'", `3:1: a rule has one of dissect, regex and parse`},
		{good + "delimiter = ';'", `3:1: delimiter is of framing csv; set that, or leave it out`},
		{good + "[json]\nroot = 'a'", `3:2: [json] is of framing json; set that, or leave it out`},
		{good + "[detect]\nmin_ratio = 50\ncolumns = ['a']", `4:1: min_ratio 50: give the least share of the lines that are of this format, 0 to 1` + "\n" +
			`5:1: only framing csv and w3c have columns; use contains`},
		{good + "[map]\nrecipent = 'to'", `4:1: the record has no field "recipent" ("recipient"?); it has ` + fields},
		{good + "[map]\nsender = 'from'", `4:1: sender: no rule gives a value called from`},
		{good + "[map]\nstatus = { from = 'diagnostic', table = { x = 'send' }, default = 'lost' }", `4:43: status cannot be "send"; use sent, deferred, bounced, expired, rejected or by-code` + "\n" +
			`4:57: status cannot be "lost"; use sent, deferred, bounced, expired, rejected or by-code`},
		{good + "[map]\nsender = { from = 'recipient', split = ',', as = 'epoch' }", `4:32: split: a record has several recipients, but one sender` + "\n" +
			`4:45: as: sender is neither a time nor a length of time; leave it out`},
		{good + "[map]\ntime = { from = 'recipient', as = 'unix' }", `4:30: as = "unix" is no way to read a time; use rfc3339, epoch, epoch_float, epoch_ms, tai64n or strptime:%Y-%m-%d…`},
		{good + "[map]\ndelay = { from = 'recipient', as = 'minutes' }", `4:31: as = "minutes" is no way to read a length of time; use duration, seconds, ms, HH:MM:SS, 1d2h or go`},
		{good + "[map]\ntime = { from = 'recipient', as = 'strptime:%H:%M' }", `4:30: strptime: there is no year; stamps without one are read by prefix = "auto" only`},
		{good + "[map]\ntime = { from = 'recipient', as = 'strptime:%Q' }", `4:30: strptime: %Q is none of its directives: %Y %m %d %H %M %S %f %b %z and others of strptime(3)`},
		{good + "[map]\ntime = { from = 'recipient', as = 'strptime:%Y-%m' }", `4:30: strptime: there is no day; %m and %d tell it, or %j`},
		{good + "[map]\nsender = { from = 'recipient', strip = 3, trim = 'x' }", `4:32: strip is a number, and must be a string` + "\n" +
			`4:43: unknown key "trim"; a mapping has from, as, strip_prefix, first_token, strip, split, table, default`},
		{good + "[map]\nsender = []", `4:1: sender: name the value that it comes from`},
		{good + "[const]\nkind = 'far'\nstatus = ['sent']", `4:1: kind cannot be "far"; use remote, local, internal, smarthost, connect, final, suppressed, async or probe` + "\n" +
			`5:1: const: status is a list, and must be one value`},
		{good + "[[rule]]\nparse = 'logfmt'", `2:1: dissect stands at the top, and there are rules too; put it into a [[rule]]`},
		{"name = 'a'\n[[rule]]\nignore = true", `2:3: a rule needs dissect, regex or parse, to cut the line; one to be ignored can have when alone, with a text`},
		{"name = 'a'\n[[rule]]\ndissect = 'no slot'", `3:1: the pattern has no slot; write %{recipient} where the recipient stands`},
		{"name = 'a'\n[[rule]]\ndissect = 'to=%{recipient} %{diag'", `3:1: %{diag: the slot is not closed; write %{name}`},
		{"name = 'a'\n[[rule]]\ndissect = '%{recipient}%{diagnostic}'", `3:1: %{recipient}: a slot follows at once; put the text between them that ends the first`},
		{"name = 'a'\n[[rule]]\ndissect = '%{recipient} %{recipient}'", `3:1: there are two values called recipient; give one of them another name, or none`},
		{"name = 'a'\n[[rule]]\ndissect = '%{recipient...} %{diagnostic...}'", `3:1: %{diagnostic...}: a second slot with three dots; one at most can take what is left`},
		{"name = 'a'\n[[rule]]\ndissect = '%{diagnostic...} %{recipient->} x'", `3:1: -> behind the slot with three dots: there, the text is read from its end; leave it out`},
		{"name = 'a'\n[[rule]]\ndissect = '%{re cipient} x'", `3:1: %{re cipient}: a name is made of letters, digits, points, _ and -`},
		{"name = 'a'\n[[rule]]\ndissect = '%{recipient:epoch} %{time:days}'", `2:3: %{recipient:epoch}: as: recipient is neither a time nor a length of time; leave it out` + "\n" +
			`2:3: %{time:days}: as = "days" is no way to read a time; use rfc3339, epoch, epoch_float, epoch_ms, tai64n or strptime:%Y-%m-%d…`},
		{"name = 'a'\n[[rule]]\ndissect = '%{stat|map:res} x'", `2:3: the record has no field "stat"; it has ` + fields},
		{"name = 'a'\n[[rule]]\ndissect = '%{status|map:}'", `3:1: %{status|map:}: name what [map] takes the field from`},
		{"name = 'a'\nprefix = '%{time} '\n[[rule]]\nregex = '(?P<time>x)'", `4:1: regex: there are two values called time; give one of them another name, or none`},
		{"name = 'a'\n[[rule]]\nregex = '(?P<recipient>x'", "3:1: regex: error parsing regexp: missing closing ): `(?P<recipient>x`; look-around and back-references do not exist in RE2"},
		{"name = 'a'\n[[rule]]\nregex = '(?=x)(?P<recipient>x)'", "3:1: regex: error parsing regexp: invalid or unsupported Perl syntax: `(?=`; look-around and back-references do not exist in RE2"},
		{"name = 'a'\n[[rule]]\nparse = 'json'", `3:1: parse "json"; it can be logfmt. Records of JSON and CSV are a framing of the whole format`},
		{"name = 'a'\n[[rule]]\ndissect = '%{recipient} x'\nwhen = { event = 'x' }\nmap = { job = 'nothing' }", `4:10: when: the rule's pattern gives no value called event` + "\n" +
			`5:9: job: the rule's pattern gives no value called nothing`},
		{"name = 'a'\n[[rule]]\nwhen = 'x'\nignore = true\nconst = { kind = 'local' }", `5:11: a rule with ignore = true tells nothing; leave out its map and const`},
		{"name = 'a'\n[[rule]]\ndissect = '" + strings.Repeat("x", maxPattern) + "%{recipient}'", `3:1: the pattern has 4108 bytes; at most 4096 are allowed`},
		{"name = 'a'\n" + strings.Repeat("[[rule]]\nparse = 'logfmt'\n", maxRules+1), `130:3: 65 rules; at most 64 are allowed`},
		{"name = 'a'\nframing = 'csv'\n[csv]\nheader = false\ndelimiter = ';;'\nquote = \"'\"", `3:2: header = false: name the columns, columns = ["time", …]` + "\n" +
			`5:1: delimiter ";;": it is one character, such as "," or "\t"` + "\n" +
			`6:1: quote "'": it can be "\"" or, for cells that have none, ""`},
		{"name = 'a'\nframing = 'csv'\nprefix = '%{host} '\ndelimiter = ';'\n[csv]\ncomment = '#'", `3:1: prefix: framing line alone has a pattern; use auto or none` + "\n" +
			`4:1: delimiter stands at the top and there is a table of its kind too; put it there`},
		{good + "[join]\nremember = ['delay']\non = 'delay'", `3:2: join: there is no key; name the value that records are joined by, such as key = "queue_id"` + "\n" +
			`3:2: join: name the fields to remember, such as remember = ["sender"]` + "\n" +
			`4:1: join: "delay" cannot be remembered; fields that are text can: sender, recipient, relay_host and others` + "\n" +
			`5:1: join: on cannot be delay; name a field that is text, or a value of the record`},
		{good + "[join]\nkey = 'id'", `3:2: join: name the fields to remember, such as remember = ["sender"]`},
		{good + "[[sample]]\nexpect = { recipeint = 'x' }", `3:3: a sample has a line of the log: line = '…'` + "\n" +
			`4:12: the record has no field "recipeint" ("recipient"?); it has ` + fields},
		{good + strings.Repeat("# ", maxFile/2), ` 262194 bytes: a definition has at most 262144`},
	} {
		_, err := Parse("a.toml", []byte(test.definition))
		if err == nil {
			t.Errorf("%.200q: no error, want\n%s", test.definition, test.want)
		} else if got := strings.ReplaceAll(err.Error(), "a.toml:", ""); got != test.want {
			t.Errorf("%.200q: got\n%s\nwant\n%s", test.definition, got, test.want)
		}
	}
}
