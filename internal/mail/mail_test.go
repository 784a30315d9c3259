package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("", 3600))

// A parsed message is what a reader makes of one.
type parsed struct {
	From, To, Subject, Date, ID, Auto string
	Parts                             []part
}

type part struct{ Type, Text string }

// parse reads a message by the standard library alone, and checks what every line must keep to.
func parse(raw []byte) (p parsed, headers mail.Header, faults []string) {
	for line := range bytes.Lines(raw) {
		text, ok := bytes.CutSuffix(line, []byte("\r\n"))
		if !ok || bytes.ContainsAny(text, "\r\n\x00") {
			faults = append(faults, "a line does not end in CRLF alone: "+string(line))
		}
		if len(text) > 998 {
			faults = append(faults, "line too long")
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return p, nil, append(faults, err.Error())
	}
	var dec mime.WordDecoder
	p.Subject, err = dec.DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		faults = append(faults, err.Error())
	}
	p.From, p.To, p.Date, p.ID, p.Auto = m.Header.Get("From"), m.Header.Get("To"), m.Header.Get("Date"), m.Header.Get("Message-Id"), m.Header.Get("Auto-Submitted")
	read := func(kind, coding string, r io.Reader) {
		raw, err := io.ReadAll(r)
		if err != nil {
			faults = append(faults, err.Error())
		}
		for line := range bytes.Lines(raw) {
			if len(bytes.TrimRight(line, "\r\n")) > maxLine {
				faults = append(faults, "line of base64 too long")
			}
		}
		text, err := base64.StdEncoding.DecodeString(string(raw))
		if err != nil || coding != "base64" {
			faults = append(faults, "not base64")
		}
		p.Parts = append(p.Parts, part{kind, string(text)})
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return p, m.Header, append(faults, err.Error())
	}
	if kind != "multipart/alternative" {
		read(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
		return p, m.Header, faults
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		x, err := parts.NextRawPart()
		if err == io.EOF {
			return p, m.Header, faults
		}
		if err != nil {
			return p, m.Header, append(faults, err.Error())
		}
		read(x.Header.Get("Content-Type"), x.Header.Get("Content-Transfer-Encoding"), x)
	}
}

func addresses(t testing.TB, list string) []*mail.Address {
	t.Helper()
	all, err := ParseAddresses(list)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMessage(t *testing.T) {
	for _, test := range []struct {
		name string
		m    Message
		want parsed
	}{
		{"both parts", Message{Subject: "mx1: bounce rate 3.21%", Text: []byte("a\n──\n"), HTML: []byte("<p>a</p>\n")},
			parsed{Subject: "mx1: bounce rate 3.21%", Parts: []part{{"text/plain; charset=utf-8", "a\r\n──\r\n"}, {"text/html; charset=utf-8", "<p>a</p>\r\n"}}}},
		{"text alone", Message{Subject: "a", Text: []byte("a\r\nb\n")}, parsed{Subject: "a", Parts: []part{{"text/plain; charset=utf-8", "a\r\nb\r\n"}}}},
		{"no text", Message{Subject: ""}, parsed{Parts: []part{{"text/plain; charset=utf-8", ""}}}},
		{"lines that look like boundaries", Message{Text: []byte("--bouncelog-\n.\nFrom me\n"), HTML: []byte("--\n")},
			parsed{Parts: []part{{"text/plain; charset=utf-8", "--bouncelog-\r\n.\r\nFrom me\r\n"}, {"text/html; charset=utf-8", "--\r\n"}}}},
		{"letters", Message{Subject: "Zürich: 3 %"}, parsed{Subject: "Zürich: 3 %", Parts: []part{{"text/plain; charset=utf-8", ""}}}},
		{"an encoded word", Message{Subject: "=?utf-8?q?all_is_well?= is the host"}, parsed{Subject: `=\x3futf-8?q?all_is_well?= is the host`, Parts: []part{{"text/plain; charset=utf-8", ""}}}},
		{"long subject", Message{Subject: strings.Repeat("ä", 300)}, parsed{Subject: strings.Repeat("ä", 199) + "…", Parts: []part{{"text/plain; charset=utf-8", ""}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := test.m
			m.From, m.To, m.Date = addresses(t, "bouncelog@mx1.example.com")[0], addresses(t, "Postmästare <postmaster@example.com>, ann@example.org"), noon
			var b bytes.Buffer
			n, err := m.WriteTo(&b)
			if err != nil || n != int64(b.Len()) && b.Len() > 0 {
				t.Fatalf("%d bytes written: %v", n, err)
			}
			got, _, faults := parse(b.Bytes())
			if len(faults) > 0 {
				t.Errorf("%q in\n%s", faults, &b)
			}
			for line := range strings.Lines(b.String()) {
				if len(line) > maxLine+2 {
					t.Errorf("line of %d bytes: %s", len(line), line)
				}
			}
			test.want.From, test.want.To = "<bouncelog@mx1.example.com>", "=?utf-8?q?Postm=C3=A4stare?= <postmaster@example.com>, <ann@example.org>"
			test.want.Date, test.want.Auto = "Sun, 22 Nov 2026 12:00:00 +0100", "auto-generated"
			id := got.ID
			got.ID = ""
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			if !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@mx1.example.com>") || len(id) != len("<@mx1.example.com>")+32 {
				t.Errorf("message id %s", id)
			}
			var again bytes.Buffer
			m.WriteTo(&again)
			if !bytes.Equal(again.Bytes(), b.Bytes()) {
				t.Error("the same message gives other bytes")
			}
			m.Date = m.Date.Add(time.Second)
			again.Reset()
			m.WriteTo(&again)
			if p, _, _ := parse(again.Bytes()); p.ID == id {
				t.Error("another message has the same id")
			}
		})
	}
}

func TestFaults(t *testing.T) {
	a := addresses(t, "a@example.com")
	for _, m := range []Message{
		{},
		{From: a[0]},
		{To: a},
		{From: a[0], To: a, Subject: "a\r\nBcc: eve@example.net"},
		{From: a[0], To: a, Subject: "a\nb"},
		{From: a[0], To: a, Subject: "a\x00b"},
		{From: a[0], To: a, Subject: "a\u0085b"},
		{From: a[0], To: a, Subject: "a\xffb"},
	} {
		var b bytes.Buffer
		if _, err := m.WriteTo(&b); err == nil || b.Len() > 0 {
			t.Errorf("%+v: error %v, and %d bytes", m, err, b.Len())
		}
	}
	for _, list := range []string{"", "a", "a@example.com\r\nBcc: b@example.net", "ä@example.com", "a@müller.example", "a@example.com b@example.com", "=?utf-8?q?=0D=0ABcc:_x?= <a@example.com>"} {
		if all, err := ParseAddresses(list); err == nil {
			t.Errorf("%q: no error, but %v", list, all)
		}
	}
}

// FuzzMessage makes sure that no subject, text or address adds a header, changes a part, or makes a line too long.
func FuzzMessage(f *testing.F) {
	f.Add("bouncelog@mx1.example.com", "mx1: bounce rate 3%", "text\n", "<p>html\n")
	f.Add("\"a b\"@example.com", "=?utf-8?q?a?=  b", ".\n\n--\n", "")
	f.Add("Ann <a@example.com>, b@example.org", strings.Repeat("ä ", 99), "\r", "\x00")
	f.Fuzz(func(t *testing.T, to, subject, text, html string) {
		all, err := ParseAddresses(to)
		if err != nil || len(to) > 500 {
			t.Skip()
		}
		m := Message{From: all[0], To: all, Subject: subject, Date: noon, Text: []byte(text), HTML: []byte(html)}
		var b bytes.Buffer
		if _, err := m.WriteTo(&b); err != nil {
			return
		}
		p, headers, faults := parse(b.Bytes())
		if len(faults) > 0 {
			t.Fatalf("%q in\n%s", faults, &b)
		}
		want := 8 // From To Subject Date Message-ID MIME-Version Auto-Submitted Content-Type
		if html == "" {
			want++ // Content-Transfer-Encoding
		}
		if len(headers) != want {
			t.Errorf("%d headers, want %d: %v", len(headers), want, headers)
		}
		canonical := func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
		}
		if p.Parts[0].Text != canonical(text) || html != "" && (len(p.Parts) != 2 || p.Parts[1].Text != canonical(html)) {
			t.Errorf("parts %q of %q and %q", p.Parts, text, html)
		}
		got, err := mail.ParseAddressList(p.To)
		if err != nil || len(got) != len(all) {
			t.Fatalf("recipients %q of %q: %v", p.To, to, err)
		}
		for i := range all {
			if got[i].Address != all[i].Address {
				t.Errorf("recipient %q of %q", got[i].Address, all[i].Address)
			}
		}
	})
}
