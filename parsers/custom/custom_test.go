package custom

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func mustParse(tb testing.TB, definition string) *Definition {
	tb.Helper()
	d, err := Parse("test.toml", []byte("name = 'test'\n"+definition))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// read returns what a line tells, one event a line.
func read(t *testing.T, d *Definition, text string) string {
	t.Helper()
	line := parsers.Line{Raw: text, Text: text}
	evs, err := parsertest.Open(t, d.Format(), "").AppendEvents(nil, &line)
	if err != nil {
		return err.Error()
	}
	var all []string
	for i := range evs {
		all = append(all, parsertest.Print(&evs[i]))
	}
	return strings.Join(all, "\n")
}

// The scan is told how records are cut, and where their headers are.
func TestFormat(t *testing.T) {
	type framing struct {
		framing parsers.Framing
		header  string
		columns bool
	}
	for _, test := range []struct {
		definition string
		want       framing
	}{
		{"parse = 'logfmt'", framing{}},
		{"framing = 'json'", framing{framing: parsers.JSON}},
		{"framing = 'csv'", framing{framing: parsers.CSV, columns: true}},
		{"framing = 'csv'\ncolumns = ['a']", framing{framing: parsers.CSV}},
		{"framing = 'csv'\ncolumns = ['a', 'b']\nheader = true\ndelimiter = ';'", framing{framing: parsers.CSV, header: "a;"}},
		{"framing = 'csv'\nquote = ''", framing{columns: true}},
		{"framing = 'w3c'", framing{header: "#Fields:"}},
	} {
		f := mustParse(t, test.definition).Format()
		if got := (framing{f.Framing, f.Header, f.Columns}); got != test.want {
			t.Errorf("%q: %+v, want %+v", test.definition, got, test.want)
		}
	}
	f := mustParse(t, "parse = 'logfmt'\ntags = ['acmed', '/acme']\nshort = 'Acme'").Format()
	if f.Name != "test" || f.Short != "Acme" || len(f.Tags) != 2 || f.Join != nil || f.Evidence != Own {
		t.Errorf("%+v", f)
	}
}

func TestSniff(t *testing.T) {
	const logfmt = "parse = 'logfmt'\n[map]\nrecipient = 'to'\nstatus = { default = 'sent' }\n"
	const csv = "framing = 'csv'\n[map]\nrecipient = 'to'\nstatus = { default = 'sent' }\n"
	for _, test := range []struct {
		definition string
		lines      []string
		want       parsers.Score
	}{
		{logfmt, []string{"to=a@example.com", "other", "", "to=b@example.com", "x=y"}, 50},
		{logfmt + "[detect]\nmin_ratio = 0.51", []string{"to=a@example.com", "other"}, 0},
		{logfmt + "[detect]\nmin_ratio = 0.5", []string{"to=a@example.com", "other"}, 50},
		{logfmt + "[detect]\ncontains = ['id=', 'qid=']", []string{"to=a@example.com", "to=b@example.com qid=1"}, 50},
		{logfmt, []string{"nothing"}, 0},
		{csv, []string{"to,x", "a@example.com,1"}, 100},
		{csv + "[csv]\ncolumns = ['from', 'to']", []string{"other"}, 0},
		{csv, []string{"from,x", "a@example.com,1"}, 0},
		{csv + "[detect]\ncolumns = ['to', 'y']", []string{"to,x", "a@example.com,1"}, 0},
	} {
		s := parsers.Sample{Head: test.lines[0]}
		for _, text := range test.lines {
			s.Lines = append(s.Lines, parsers.Line{Raw: text, Text: text})
		}
		if got := mustParse(t, test.definition).Format().Sniff(s); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.definition, test.lines, got, test.want)
		}
	}
}

// The prefix may be meant for all of a line, or for what stands behind a header.
func TestPrefix(t *testing.T) {
	raw := "Nov 22 10:00:00 mx1 acmed[7]: to=a@example.com 250 ok"
	line := parsers.Line{Raw: raw, Text: "to=a@example.com 250 ok"}
	for definition, want := range map[string]bool{
		"dissect = 'to=%{recipient} %{diagnostic}'":                                                    true,
		"dissect = 'to=%{recipient} %{diagnostic}'\nprefix = 'none'":                                   false,
		"dissect = '%{_} acmed[%{_}]: to=%{recipient} %{diagnostic}'\nprefix = 'none'":                 true,
		"dissect = '%{recipient} %{diagnostic}'\nprefix = 'to='":                                       false,
		"dissect = '%{recipient} %{diagnostic}'\nprefix = 'dissect %{?to}='":                           true,
		"dissect = 'to=%{recipient} %{diagnostic}'\nprefix = '%{_} %{_} %{_} %{host} %{process}[%{_}'": true,
	} {
		d, err := Parse("test.toml", []byte("name = 'test'\n"+definition))
		if err != nil {
			if want {
				t.Error(err)
			}
			continue
		}
		evs, err := parsertest.Open(t, d.Format(), "").AppendEvents(nil, &line)
		if (len(evs) == 1 && err == nil) != want {
			t.Errorf("%q: %v, %v, want %v", definition, evs, err, want)
		}
	}
}

// A header may be missing, come late or have a mark before it.
func TestHeader(t *testing.T) {
	line := parsers.Line{Text: "1,a@example.com,250 ok"}
	for _, test := range []struct {
		columns, head string
		want          bool
	}{
		{"", "id,to,msg", true},
		{"", "\ufeffid, to ,msg", true},
		{"", "1,b@example.com,250 ok", false},
		{"columns = ['id', 'to', 'msg']\nheader = true\n", "1,b@example.com,250 ok", true},
		{"columns = ['id', 'to', 'msg']\nheader = true\n", "id,msg,to", true},
		{"columns = ['id', 'to', 'msg']\n", "1,b@example.com,250 ok", true},
		{"", "id,\"to", false},
		{"", "", false},
	} {
		d := mustParse(t, "framing = 'csv'\n"+test.columns+"[map]\nrecipient = 'to'\nstatus = { default = 'sent' }")
		evs, err := parsertest.Open(t, d.Format(), test.head).AppendEvents(nil, &line)
		if (len(evs) == 1 && err == nil) != test.want {
			t.Errorf("%q, %q: %v, %v", test.columns, test.head, evs, err)
		}
	}
}

func TestOneOff(t *testing.T) {
	for _, spec := range []string{"dissect to=<%{recipient}> %{diagnostic}", " regex   to=<(?P<recipient>[^>]*)> (?P<diagnostic>.*)"} {
		d, err := OneOff(spec)
		if err != nil {
			t.Fatal(err)
		}
		want := `attempted Recipient="a@example.com" Status=bounced Origin=remote Reply.Code=550 Reply.Text="550 no" Diagnostic="550 no"`
		if got := read(t, d, "to=<a@example.com> 550 no"); got != want {
			t.Errorf("%s: %s", spec, got)
		}
	}
	for spec, want := range map[string]string{
		"":                  `"": write 'dissect to=<%{recipient}> … %{diagnostic}' or 'regex (?P<recipient>…)'`,
		"dissect":           `"dissect": write 'dissect to=<%{recipient}> … %{diagnostic}' or 'regex (?P<recipient>…)'`,
		"dissect %{a}%{b}":  `"dissect %{a}%{b}": %{a}: a slot follows at once; put the text between them that ends the first`,
		"logfmt to":         `"logfmt to": write 'dissect to=<%{recipient}> … %{diagnostic}' or 'regex (?P<recipient>…)'`,
		"regex (?P<a>.)\\1": `"regex (?P<a>.)\\1": regex: error parsing regexp: invalid escape sequence: ` + "`\\1`; look-around and back-references do not exist in RE2",
	} {
		if _, err := OneOff(spec); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", spec, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.toml": "name = 'b'\nparse = 'logfmt'", "a.toml": "name = 'a'\nparse = 'logfmt'", "bad.toml": "name = 3", "note.txt": "no format",
		"[glob]/c.toml": "name = 'c'\nparse = 'logfmt'",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Load(dir, filepath.Join(dir, "[glob]"), filepath.Join(dir, "missing.toml"))
	var names []string
	for _, d := range all {
		names = append(names, d.Name())
	}
	if fmt.Sprint(names) != "[a b c]" {
		t.Errorf("read %v", names)
	}
	if err == nil || !strings.Contains(err.Error(), "bad.toml:1:1: ") || !strings.Contains(err.Error(), "missing.toml") {
		t.Errorf("error %v", err)
	}
}

// What one record can tell of is bounded.
func TestManyRecipients(t *testing.T) {
	list := strings.Repeat(`"a@example.com",`, maxEvents)
	full := "column 1: the record tells of more than 10000 deliveries"
	const named = "\n[map]\nrecipient = 'to'\nstatus = { default = 'sent' }\n"
	for _, test := range []struct {
		definition, text string
		full             bool
	}{
		{"framing = 'json'" + named, `{"to":[` + list[:len(list)-1] + `]}`, false},
		{"framing = 'json'" + named, `{"to":[` + list + `"b"]}`, true},
		{"framing = 'json'" + named + "[json]\nexplode = 'to'", `{"to":[` + list[:len(list)-1] + `]}`, false},
		{"framing = 'json'" + named + "[json]\nexplode = 'to'", `{"to":[` + list + `"b"]}`, true},
		{"dissect = 'to=%{recipient}'\n[map]\nrecipient = { split = ',' }\nstatus = { default = 'sent' }", "to=" + list + "b", true},
	} {
		got := read(t, mustParse(t, test.definition), test.text)
		if (got == full) != test.full || !test.full && strings.Count(got, "\n") != maxEvents-1 {
			t.Errorf("%q: %.200s", test.definition, got)
		}
	}
}

// What is remembered is bounded, and the latest.
func TestMemory(t *testing.T) {
	d := definition(t, "join")
	m := d.Format().Join(parsers.Options{})
	p := parsertest.Open(t, d.Format(), "")
	add := func(host, text string) []parsers.Event {
		line := parsers.Line{Raw: text, Text: text}
		evs, err := p.AppendEvents(nil, &line)
		if err != nil || len(evs) != 1 {
			t.Fatalf("%s: %v, %v", text, evs, err)
		}
		return m.Join(nil, host, &line, &evs[0])
	}
	recipient := func(host, session string) string {
		evs := add(host, "session "+session+" < 250 ok")
		if len(evs) == 0 {
			return ""
		}
		if evs[0].Kind != parsers.Attempted || evs[0].Part != 0 || evs[0].Text != "" {
			t.Errorf("%+v", evs[0])
		}
		return evs[0].Attempt.Recipient
	}
	add("h1", "session 1 > RCPT TO:<a@example.com>")
	add("h2", "session 1 > RCPT TO:<b@example.com>")
	if a, b, c := recipient("h1", "1"), recipient("h2", "1"), recipient("h3", "1"); a != "a@example.com" || b != "b@example.com" || c != "" {
		t.Errorf("recipients %q, %q, %q", a, b, c)
	}
	for i := range 3 * maxRemembered {
		add("h1", fmt.Sprintf("session x%d > RCPT TO:<x@example.com>", i))
		if i%maxRemembered == 0 {
			recipient("h1", "1") // it is in use
		}
	}
	if a, b := recipient("h1", "1"), recipient("h2", "1"); a != "a@example.com" || b != "" {
		t.Errorf("recipients %q, %q after many", a, b)
	}
	add("h1", "session 1 closed")
	if a := recipient("h1", "1"); a != "" {
		t.Errorf("recipient %q after the end", a)
	}
}
