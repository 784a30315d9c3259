package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/internal/classify"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

// explained runs `bouncelog explain`.
func explained(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	o, out, errs := testIO(false, map[string]string{})
	o.In = strings.NewReader(stdin)
	status = run(context.Background(), append([]string{"explain"}, args...), o)
	return out.String(), errs.String(), status
}

// Every code of the registries is explained: what it means, who says so, and what each of its digits says.
func TestExplainCodes(t *testing.T) {
	for _, r := range classify.ReplyCodes() {
		x := code{reply: r.Code}.info()
		if x.Code != r.Code.String() || x.Meaning != r.Meaning || x.Source != r.Source || x.Standing != r.Standing.String() || len(x.Digits) != 3 {
			t.Errorf("%d: %+v", r.Code, x)
		}
		switch official := strings.Contains(x.Said, "RFC ") || strings.Contains(x.Said, "IANA "); {
		case r.Standing == classify.Vendor:
			if !strings.Contains(x.Said, "vendor usage or folklore") {
				t.Errorf("%d: nothing says that it is vendor usage: %s", r.Code, x.Said)
			}
		case r.Registered && !official:
			t.Errorf("%d: no standard is named: %s", r.Code, x.Said)
		}
	}
	for _, e := range classify.EnhancedCodes() {
		for _, class := range []uint16{2, 4, 5} {
			e[0] = class
			x := code{enhanced: e}.info()
			if x.Code != e.String() || x.Meaning == "" || x.Source == "" || len(x.Digits) != 2 {
				t.Errorf("%v: %+v", e, x)
			}
			if vendor := strings.Contains(x.Said, "vendor usage"); vendor != (x.Standing == "vendor") || !vendor && !strings.HasPrefix(x.Said, "registered (") {
				t.Errorf("%v: %s, %s", e, x.Standing, x.Said)
			}
		}
	}
}

func TestExplainPage(t *testing.T) {
	for _, test := range []struct {
		args string
		want []string // in this order
	}{
		{"220", []string{"server is ready", "standard (RFC 5321", "positive completion", "connections:", "tells codes of the same group apart"}},
		{"221", []string{"server closes the connection", "RFC 5321"}},
		{"250", []string{"command completed", "positive completion: done as asked", "RFC 5321 4.2.1", "mail system"}},
		{"354", []string{"send the message now", "positive intermediate"}},
		{"421", []string{"service not available", "transient negative completion", "connections", "Alone", "Class       transient, by the reply code", "Category"}},
		{"451", []string{"451", "transient negative completion", "mail system"}},
		{"452", []string{"452", "transient negative completion"}},
		{"550", []string{"mailbox unavailable", "permanent negative completion", "mail system"}},
		{"535", []string{"credentials invalid", "RFC 4954", "x3z       unspecified"}},
		{"500", []string{"x0z       syntax"}},
		{"214", []string{"x1z       information"}},
		{"441", []string{"vendor usage or folklore, no standard defines it", "x4z       unspecified"}},
		{"571", []string{"vendor usage or folklore", "outside the grammar"}},
		{"499", []string{"not a listed code"}},
		{"199", []string{"no standard defines it (RFC 5321 4.2)", "positive preliminary", "RFC 821"}},
		{"605", []string{"no standard defines it", "6yz"}},
		{"2xx", []string{"positive completion", "  250", "command completed", "RFC 5321"}},
		{"3XX", []string{"positive intermediate", "  334", "  354"}},
		{"4xx", []string{"transient negative completion", "  421", "  450"}},
		{"5xx", []string{"permanent negative completion", "  550", "  571", "vendor"}},
		{"6xx", []string{"no standard defines it", "Mailgun", "not a class of replies"}},
		{"7xx", []string{"no standard defines it"}},
		{"1xx", []string{"positive preliminary", "RFC 821"}},
		{"55x", []string{"x5z", "  550"}},
		{"5.7.1", []string{"Delivery not authorized, message refused", "registered (RFC 3463 3.8)", "x.7.x     security or policy", "Alone", "policy"}},
		{"4.2.2", []string{"Mailbox full", "persistent transient failure", "mailbox_full"}},
		{"2.1.5", []string{"Destination address valid", "success"}},
		{"5.7.509", []string{"not a registered code", "vendor usage"}},
		{"5.4.8", []string{"vendor usage, not in the registry"}},
		{"x.2.x", []string{"mailbox", "  x.2.0", "  x.2.2     Mailbox full"}},
		{"5.9.x", []string{"no such code is registered"}},
		{"550 5.1.1", []string{"mailbox unavailable", "5.1.1       Bad destination mailbox address", "Alone", "bad_mailbox"}},
		{"(#5.1.1)", []string{"Bad destination mailbox address"}},
	} {
		out, errs, status := explained(t, "", test.args)
		if status != 0 || errs != "" {
			t.Errorf("%s: status %d, %s", test.args, status, errs)
		}
		rest := out
		for _, want := range test.want {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: no %q (in this place) in\n%s", test.args, want, out)
				break
			}
			rest = after
		}
	}
}

// smallRules are enough for a page that does not change with the rules of the program.
const smallRules = `
[[rule]]
id = "acme-gone"
tier = "strong"
category = "bad_mailbox"
any = ["no such user here"]
url = "https://example.com/help"
source = "RFC 5321 4.2.3, 550"
hit = ["550 No such user here"]

[[rule]]
id = "acme-refused"
tier = "strong"
category = "policy"
any = ["recipient rejected"]
source = "seen at Acme"
hit = ["550 recipient rejected"]

[[rule]]
id = "acme-code"
tier = "enhanced"
category = "inactive_mailbox"
sub = "gone"
enhanced = ["5.1.1"]
source = "RFC 3463 3.2"
hit = ["550 5.1.1"]
`

func TestExplainGolden(t *testing.T) {
	rules, err := classify.ParseRules("acme.toml", []byte(smallRules))
	if err != nil {
		t.Fatal(err)
	}
	c, err := classify.NewClassifier(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, _, _ := testIO(false, nil)
	flags := inputFlags{jobs: 1, tz: "UTC"}
	config, err := flags.config(o)
	if err != nil {
		t.Fatal(err)
	}
	config.Summary.Classifier = c
	e := &explainer{o, &flags, config, c.NewSession(), parsers.Attempt{}}
	var page, js bytes.Buffer
	for _, arg := range []string{
		"550 5.1.1",
		"550-5.1.1 <eve@example.com>: Recipient rejected: no such\n550 5.1.1 user here, whatever was said of her before, by whom, where and when \x1b[31m",
		"2026-11-20T10:00:01+00:00 mx1 postfix/smtp[104]: 1A2B3C4D01: to=<ann@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=SOFTBOUNCE (host mx.example.org[192.0.2.1] said: 450 5.1.1 先生 no such user here (in reply to RCPT TO command))",
		"2026-11-20T10:00:01+00:00 mx1 postfix/qmgr[104]: 1A2B3C4D01: removed",
		sentLine,
		"something else",
	} {
		x, err := e.explain(context.Background(), []string{arg})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&page, "$ bouncelog explain %q\n", arg)
		if err := x.write(&page, 0); err != nil {
			t.Fatal(err)
		}
		page.WriteByte('\n')
		enc := json.NewEncoder(&js)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "explain.golden", page.Bytes())
	golden(t, "explain.json.golden", js.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", name, diff)
	}
}

// A line of a batch is never lost, and no key that is given.
func TestExplainBatch(t *testing.T) {
	for _, test := range []struct {
		line string
		want map[string]any // nil: the key must not be there
	}{
		{`{"id":7,"diagnostic":"smtp; 550 5.1.1 <eve@example.com>: User unknown","more":{"a":[1]}}`,
			map[string]any{"id": 7.0, "class": "permanent", "category": "bad_mailbox", "reply_code": 550.0, "enhanced_code": "5.1.1", "suppress": "yes", "origin": "remote", "error": nil}},
		{`{"id":"a","diagnostic":"mailbox is full","reply_code":"452","enhanced_code":"4.2.2","command":"rcpt"}`,
			map[string]any{"id": "a", "class": "transient", "category": "mailbox_full", "reply_code": 452.0, "enhanced_code": "4.2.2", "command": "RCPT TO", "status": "deferred"}},
		{`{"diagnostic":"x","reply_code":550,"relay_host":"gmail-smtp-in.l.google.com"}`, map[string]any{"provider": "google", "id": nil}},
		{`{"diagnostic":"x","reply_code":550,"relay_host":"dns; gmail-smtp-in.l.google.com.","recipient":"rfc822;a@gmail.com"}`, map[string]any{"provider": "google"}},
		{`{"diagnostic":null,"dsn":"4.4.1","origin":"local","status":"deferred"}`, map[string]any{"class": "transient", "dsn": "4.4.1", "origin": "local"}},
		{`{"diagnostic":"250 ok","status":"sent"}`, map[string]any{"class": "success", "category": nil, "error": nil}},
		{`{"diagnostic":"250 ok","status":"delivered"}`, map[string]any{"status": "sent"}},
		{`{"diagnostic":"550 no","status":"odd","command":"QUIT","origin":"moon","dsn":"5","reply_code":"abc","enhanced_code":"9.9.9"}`,
			map[string]any{"class": "permanent", "reply_code": 550.0, "notes": []any{`command "QUIT" is not known`, `origin "moon" is not known`, `status "odd" is not known`,
				`dsn "5" is not known`, `enhanced_code "9.9.9" is not known`, `reply_code "abc" is not known`}}},
		{`{"diagnostic":"connect to mx.example.com[192.0.2.1]:25: Connection timed out"}`, map[string]any{"category": "connection", "origin": "local", "class": "unknown"}},
		{`{"id":1,"diagnostic":5}`, map[string]any{"id": 1.0, "error": "", "class": nil}},
		{`{"id":1,"relay_host":"a.example"}`, map[string]any{"id": 1.0, "error": "no diagnostic: nothing is known of the attempt"}},
		{`{"id":1,"diagnostic":"x"`, map[string]any{"error": ""}},
		{`[1]`, map[string]any{"error": ""}},
		{`nonsense`, map[string]any{"error": ""}},
	} {
		out, _, status := explained(t, test.line+"\n", "--batch", "-")
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Count(out, "\n") != 1 {
			t.Fatalf("%s: %q: %v", test.line, out, err)
		}
		want := 0
		if _, bad := test.want["error"].(string); bad {
			want = exitInput
		}
		if status != want {
			t.Errorf("%s: status %d, want %d", test.line, status, want)
		}
		for key, w := range test.want {
			if g := got[key]; key == "error" && w == "" && g != nil {
				continue
			} else if diff := cmp.Diff(w, g); diff != "" {
				t.Errorf("%s: %s: want (-), got (+):\n%s", test.line, key, diff)
			}
		}
	}

	// Order, blank lines, a line that is too long, no newline at the end; flags where a line does not say.
	long := `{"id":3,"diagnostic":"` + strings.Repeat("x", maxBatchLine) + `"}`
	in := "\n" + `{"id":1,"diagnostic":"550 a"}` + "\n\n" + `{"id":2,"diagnostic":"450 b","command":"DATA"}` + "\r\n" + long + "\n" + `{"id":4,"diagnostic":"550 c"}`
	out, errs, status := explained(t, in, "--batch", "-", "--command", "rcpt")
	var got []string
	for line := range strings.Lines(out) {
		var x struct {
			ID      int
			Command string
			Error   string
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %v", x.ID, x.Command, x.Error != ""))
	}
	if diff := cmp.Diff([]string{"1 RCPT TO false", "2 DATA false", "0  true", "4 RCPT TO false"}, got); diff != "" || status != exitInput {
		t.Errorf("status %d, want (-), got (+):\n%s", status, diff)
	}
	if !strings.Contains(errs, "lines without a verdict: 1 of 6 (line 5: the line is longer than") {
		t.Errorf("stderr: %s", errs)
	}
}

// What explain --batch makes of attempt records is what was made of them before.
func TestExplainBatchOfAttempts(t *testing.T) {
	o, out, _ := testIO(false, nil)
	if status := run(context.Background(), []string{"attempts", "-q", demoLog}, o); status != 0 {
		t.Fatal(status)
	}
	verdicts, errs, status := explained(t, out.String(), "--batch", "-")
	if status != 0 {
		t.Fatal(status, errs)
	}
	type record struct{ Status, Class, Category, Suppress string }
	var a, b []record
	for text, list := range map[string]*[]record{out.String(): &a, verdicts: &b} {
		for line := range strings.Lines(text) {
			var r record
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			*list = append(*list, r)
		}
	}
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d records, %d verdicts", len(a), len(b))
	}
	for i := range a {
		if a[i].Status == "expired" { // the record goes by the deferrals before it
			continue
		}
		if a[i] != b[i] {
			t.Errorf("record %d: %+v, but %+v", i, a[i], b[i])
		}
	}
}
