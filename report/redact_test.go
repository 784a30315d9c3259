package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/summary"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

var testKey = []byte("a key that is known to all")

func redactor(t testing.TB, level Redaction) *Redactor {
	t.Helper()
	x, err := NewRedactor(level, testKey, builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// expand replaces {u:ann@example.com}, {d:example.com}, {h:mx1} and {i:192.0.2.1} by their pseudonyms.
func expand(x *Redactor, s string) string {
	return regexp.MustCompile(`\{[udhi]:[^}]*\}`).ReplaceAllStringFunc(s, func(m string) string {
		switch text := m[3 : len(m)-1]; m[1] {
		case 'u':
			local, domain := text, ""
			if i := strings.LastIndexByte(text, '@'); i >= 0 {
				local, domain = text[:i], text[i+1:]
			}
			return x.local(local, domain)
		case 'd':
			return x.pseudonym("d", text) + ".invalid"
		case 'h':
			return x.pseudonym("host", text)
		default:
			return x.pseudonym("ip", text)
		}
	})
}

func TestRedactText(t *testing.T) {
	redactors := map[Redaction]*Redactor{RedactRecipient: redactor(t, RedactRecipient), RedactAll: redactor(t, RedactAll)}
	for _, c := range []struct{ text, recipient, all string }{
		{"", "", ""},
		{"421 4.7.0 Try again later", "421 4.7.0 Try again later", "421 4.7.0 Try again later"},
		{"550 5.1.1 <ann@example.com>: no", "550 5.1.1 <{u:ann@example.com}@example.com>: no", "550 5.1.1 <{u:ann@example.com}@{d:example.com}>: no"},
		{"<Ann@EXAMPLE.com.>", "<{u:Ann@example.com}@EXAMPLE.com.>", "<{u:Ann@example.com}@{d:example.com}.>"},
		{`<"a b@c"@example.com> no`, `<{u:"a b@c"@example.com}@example.com> no`, `<{u:"a b@c"@example.com}@{d:example.com}> no`},
		{"for 'ann@example.com'", "for '{u:ann@example.com}@example.com'", "for '{u:ann@example.com}@{d:example.com}'"},
		{"ann@[192.0.2.7] no", "{u:ann@[192.0.2.7]}@[192.0.2.7] no", "{u:ann@[192.0.2.7]}@[{i:192.0.2.7}] no"},
		{"bounce+ann=example.com@news.example.org", "{u:bounce+ann=example.com@news.example.org}@news.example.org", "{u:bounce+ann=example.com@news.example.org}@{d:news.example.org}"},
		{"to=ann@example.com, x", "to={u:ann@example.com}@example.com, x", "to={u:ann@example.com}@{d:example.com}, x"},
		{"https://example.net/u?email=ann%40example.com&x=1", "https://example.net/u?email={u:ann@example.com}%40example.com&x=1", "https://{d:example.net}/u?email={u:ann@example.com}%40{d:example.com}&x=1"},
		{"rfc822;ann+40example.com", "rfc822;{u:ann@example.com}+40example.com", "rfc822;{u:ann@example.com}+40{d:example.com}"},
		{"size=40960 limit=40.5 delay=402.1", "size=40960 limit=40.5 delay=402.1", "size=40960 limit=40.5 delay=402.1"},
		{"aña@bücher.example", "{u:aña@xn--bcher-kva.example}@bücher.example", "{u:aña@xn--bcher-kva.example}@{d:xn--bcher-kva.example}"},
		{"<ann>... User unknown", "<{u:ann}>... User unknown", "<{u:ann}>... User unknown"},
		{`unknown user: "ann"`, `unknown user: "{u:ann}"`, `unknown user: "{u:ann}"`},
		{"no such user ann here", "no such user {u:ann} here", "no such user {u:ann} here"},
		{"no such user here", "no such user here", "no such user here"},
		{"User unknown in virtual mailbox table", "User unknown in virtual mailbox table", "User unknown in virtual mailbox table"},
		{"mailbox unavailable", "mailbox unavailable", "mailbox unavailable"},
		{"mailbox over quota for ann27", "mailbox over quota for {u:ann27}", "mailbox over quota for {u:ann27}"},
		{"<annabel@example.com>: annabel is over quota, annabella is not", "<{u:annabel@example.com}@example.com>: {u:annabel@example.com} is over quota, annabella is not", "<{u:annabel@example.com}@{d:example.com}>: {u:annabel@example.com} is over quota, annabella is not"},
		{"host mx1.example.com[192.0.2.25]:25 said: 5", "host mx1.example.com[192.0.2.25]:25 said: 5", "host {d:mx1.example.com}[{i:192.0.2.25}]:25 said: 5"},
		{"connect to mx[2001:DB8::1]:25: refused", "connect to mx[2001:DB8::1]:25: refused", "connect to mx[{i:2001:db8::1}]:25: refused"},
		{"IPv6:2001:db8::2: no", "IPv6:2001:db8::2: no", "IPv6:{i:2001:db8::2}: no"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", "{i:192.0.2.1}"},
		{"127.0.0.2 is the answer, 10:08:00 the time", "127.0.0.2 is the answer, 10:08:00 the time", "127.0.0.2 is the answer, 10:08:00 the time"},
		{"host <host> said: 550 <address> <user> <n>", "host <host> said: 550 <address> <user> <n>", "host <host> said: 550 <address> <user> <n>"},
		{"@ @@ a@ @b (at) =40", "@ @@ {u:a}@ @b (at) =40", "@ @@ {u:a}@ @b (at) =40"},
	} {
		for level, want := range map[Redaction]string{RedactRecipient: c.recipient, RedactAll: c.all} {
			x := redactors[level]
			if got, want := x.text(c.text), expand(x, want); got != want {
				t.Errorf("%s: %q:\n got %s\nwant %s", level, c.text, got, want)
			}
		}
	}
}

func TestRedactReport(t *testing.T) {
	for _, level := range []Redaction{RedactRecipient, RedactAll} {
		for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "empty": emptyReport(t), "hostile": hostileReport(t, 0)} {
			before := write(t, "json", r, WriteOptions{})
			x := redactor(t, level)
			got := Redact(x, r)
			if !bytes.Equal(before, write(t, "json", r, WriteOptions{})) {
				t.Fatalf("%s, %s: the original has changed", name, level)
			}
			if diff := cmp.Diff(numbersWithoutTexts(t, r), numbersWithoutTexts(t, got)); diff != "" {
				t.Errorf("%s, %s: numbers (-want +got):\n%s", name, level, diff)
			}
			if got.Redaction != level {
				t.Errorf("%s: says it is redacted %q, want %q", name, got.Redaction, level)
			}
			if diff := cmp.Diff(got, Redact(redactor(t, level), r)); diff != "" {
				t.Errorf("%s, %s: not the same with the same key:\n%s", name, level, diff)
			}
			for _, f := range Formats() {
				text := string(write(t, f.Name, got, WriteOptions{Top: 100}))
				for _, secret := range []string{"ann@", "bob@", "bob+news", "eve@"} {
					if name != "hostile" && strings.Contains(text, secret) { // its file names have them
						t.Errorf("%s, %s: %s has %s", name, level, f.Name, secret)
					}
				}
			}
		}
	}

	x := redactor(t, RedactAll)
	r := Redact(x, fullReport(t, Options{}))
	text := string(write(t, "json", r, WriteOptions{}))
	for _, secret := range []string{"example.com", "example.net", "example.org", "pending.example", "192.0.2.", "203.0.113.", `"mx1"`, `"mx2"`, "postgrey"} {
		if strings.Contains(text, secret) {
			t.Errorf("all: JSON has %s", secret)
		}
	}
	for _, kept := range []string{`"google"`, "Gmail and Google Workspace", `"mail.log.1"`, `"5.1.1"`, `"greylisted"`, "Greylisted", `"other"`, expand(x, "{d:example.com}"), "https://support.google.com/"} {
		if !strings.Contains(text, kept) {
			t.Errorf("all: JSON lacks %s", kept)
		}
	}
}

// numbersWithoutTexts is the JSON of a report with all texts emptied.
func numbersWithoutTexts(t *testing.T, r *Report) string {
	t.Helper()
	var doc any
	if err := json.Unmarshal(write(t, "json", r, WriteOptions{}), &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc.(map[string]any), "redaction")
	var empty func(v any) any
	empty = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k := range v {
				v[k] = empty(v[k])
			}
		case []any:
			for i := range v {
				v[i] = empty(v[i])
			}
		case string:
			return ""
		}
		return v
	}
	out, err := json.MarshalIndent(empty(doc), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestRedactPolicies: whoever adds a text to the model decides what it is.
func TestRedactPolicies(t *testing.T) {
	want := make(map[string]bool)
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				ft := f.Type
				if ft.Kind() == reflect.Slice {
					ft = ft.Elem()
				}
				if ft.Kind() == reflect.String {
					want[typ.Name()+"."+f.Name] = true
				} else {
					walk(f.Type)
				}
			}
		}
	}
	walk(reflect.TypeFor[Report]())
	walk(reflect.TypeFor[Comparison]())
	walk(reflect.TypeFor[Check]())
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(policies))); diff != "" {
		t.Errorf("texts of the model without a policy (-), policies of no text (+):\n%s", diff)
	}
	var dims []string
	for _, d := range summary.Dimensions() {
		if _, ours := map[string]bool{"category": true, "code": true, "hour": true, "day": true, "transport": true}[d.String()]; !ours {
			dims = append(dims, d.String())
		}
	}
	slices.Sort(dims)
	if diff := cmp.Diff(dims, slices.Sorted(maps.Keys(dimensions))); diff != "" {
		t.Errorf("dimensions without a policy (-), policies of none (+):\n%s", diff)
	}
}

func TestRedactRecord(t *testing.T) {
	r := &summary.Record{Host: "mx1", Domain: "example.com", Sender: "bounce+annabel=example.com@news.example.org", MessageID: "<1.annabel@news.example.org>", Provider: "google"}
	r.Recipient, r.OriginalRecipient = "annabel@example.com", "bob@example.net"
	r.RelayHost, r.RelayIP = "mx.example.com", "192.0.2.1"
	r.Diagnostic = "550 <annabel@example.com> ANNABEL is away; ref 4B1C2D"
	before := *r
	x := redactor(t, RedactRecipient)
	got := x.Record(r)
	if diff := cmp.Diff(before.Diagnostic, r.Diagnostic); diff != "" || r.Recipient != before.Recipient {
		t.Errorf("the original has changed")
	}
	for _, c := range []struct{ name, got, want string }{
		{"recipient", got.Recipient, "{u:annabel@example.com}@example.com"},
		{"original recipient", got.OriginalRecipient, "{u:bob@example.net}@example.net"},
		{"sender", got.Sender, "{u:bounce+annabel=example.com@news.example.org}@news.example.org"},
		{"message id", got.MessageID, "<{u:1.annabel@news.example.org}@news.example.org>"},
		{"diagnostic", got.Diagnostic, "550 <{u:annabel@example.com}@example.com> {u:annabel@example.com} is away; ref 4B1C2D"},
		{"host", got.Host, "mx1"}, {"relay", got.RelayHost, "mx.example.com"}, {"ip", got.RelayIP, "192.0.2.1"}, {"domain", got.Domain, "example.com"},
	} {
		if want := expand(x, c.want); c.got != want {
			t.Errorf("%s: got %s, want %s", c.name, c.got, want)
		}
	}
	x = redactor(t, RedactAll)
	got = x.Record(r)
	for _, c := range []struct{ name, got, want string }{
		{"recipient", got.Recipient, "{u:annabel@example.com}@{d:example.com}"},
		{"host", got.Host, "{h:mx1}"}, {"relay", got.RelayHost, "{d:mx.example.com}"}, {"ip", got.RelayIP, "{i:192.0.2.1}"},
		{"domain", got.Domain, "{d:example.com}"}, {"provider", got.Provider, "google"},
	} {
		if want := expand(x, c.want); c.got != want {
			t.Errorf("%s: got %s, want %s", c.name, c.got, want)
		}
	}
	r.Sender, r.MessageID, r.Provider = parsers.NullSender, "<1@news.example.org>", "example.com"
	if got := redactor(t, RedactRecipient).Record(r); got.Sender != parsers.NullSender || got.MessageID != r.MessageID {
		t.Errorf("null sender %q, message id %q", got.Sender, got.MessageID)
	}
	if got, want := x.Record(r).Provider, expand(x, "{d:example.com}"); got != want {
		t.Errorf("provider %s, want %s", got, want)
	}
}

func TestNewRedactor(t *testing.T) {
	if _, err := NewRedactor("some", testKey, nil); err == nil || err.Error() != `unknown redaction "some": want none, recipient or all` {
		t.Errorf("got %v", err)
	}
	if _, err := NewRedactor(RedactAll, testKey[:15], nil); err == nil || err.Error() != "a key of 15 bytes is too short: want at least 16" {
		t.Errorf("got %v", err)
	}
	a, _ := NewRedactor(RedactAll, testKey, nil)
	b, _ := NewRedactor(RedactAll, append(testKey[:len(testKey):len(testKey)], '!'), nil)
	if a.local("ann", "example.com") == b.local("ann", "example.com") || a.local("ann", "example.com") == a.local("ann", "example.org") {
		t.Error("pseudonyms do not depend on the key or the domain")
	}
}

// FuzzRedactText: an address does not get through, whatever stands around it.
func FuzzRedactText(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s, s)
	}
	f.Add("<", ">")
	f.Add(`"`, `"@x`)
	f.Add("550-", "%40")
	x := redactor(f, RedactAll)
	f.Fuzz(func(t *testing.T, before, after string) {
		const user, domain = "ann-7q9.wxy", "secret-4z8.example"
		got := x.text(before + " <" + user + "@" + domain + "> " + after)
		if !strings.Contains(before+after, user) && strings.Contains(got, user) {
			t.Errorf("the local part is in %q", got)
		}
		if !strings.Contains(before+after, domain) && strings.Contains(got, domain) {
			t.Errorf("the domain is in %q", got)
		}
		if s := before + after; !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) && x.text(s) != strings.ToValidUTF8(x.text(s), "?") {
			t.Errorf("text of ASCII is no UTF-8 afterwards: %q", x.text(s))
		}
	})
}

func BenchmarkRedactText(b *testing.B) {
	x := redactor(b, RedactAll)
	s := "host mx1.example.com[192.0.2.25] said: 451 4.7.1 <ann@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example.com/help/example.com.html (in reply to RCPT TO command)"
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		x.text(s)
	}
}
