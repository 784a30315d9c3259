// Package mail makes a message out of a text: RFC 5322, with MIME parts (RFC 2045, RFC 2046) in base64, so that no line of it
// is longer than any relay takes, whatever the text holds.
//
// The same message gives the same bytes, its Message-ID and its boundary too. No header can be made to hold a second one: what
// has control characters is refused, and what a reader would take for an encoded word is written so that none does.
package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLine is the length of a line of base64 (RFC 2045 6.8), and that which header lines are folded at (RFC 5322 2.1.1).
const maxLine = 76

// maxSubject is how many runes of a subject are kept: what is longer is shown by nobody.
const maxSubject = 200

// A Message is one message. Text is always there; without HTML, it is the only part.
type Message struct {
	From    *mail.Address
	To      []*mail.Address
	Subject string // any text without control characters
	Date    time.Time
	Text    []byte // UTF-8, lines end in LF
	HTML    []byte
}

// ParseAddresses reads addresses as a header has them: `Postmaster <postmaster@example.com>, ann@example.org`. It refuses
// those that only an internationalised relay takes (RFC 6531).
func ParseAddresses(list string) ([]*mail.Address, error) {
	all, err := mail.ParseAddressList(list)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "mail: "))
	}
	for _, a := range all {
		if i := strings.IndexFunc(a.Address, func(r rune) bool { return r < ' ' || r >= 0x7f }); i >= 0 {
			return nil, fmt.Errorf("%q has letters beyond ASCII; write a domain as xn--…", a.Address)
		}
		if strings.ContainsFunc(a.Name, unicode.IsControl) {
			return nil, fmt.Errorf("the name of %q has control characters", a.Address)
		}
	}
	return all, nil
}

// WriteTo writes the message, whose lines end in CRLF.
func (m *Message) WriteTo(w io.Writer) (int64, error) {
	if m.From == nil || len(m.To) == 0 {
		return 0, errors.New("a message needs a sender and a recipient")
	}
	if strings.ContainsFunc(m.Subject, unicode.IsControl) || !utf8.ValidString(m.Subject) {
		return 0, fmt.Errorf("subject %q has control characters, or is not UTF-8", m.Subject)
	}
	var to []string
	for _, a := range m.To {
		to = append(to, a.String())
	}
	id := m.id()
	_, domain, _ := strings.Cut(m.From.Address[strings.LastIndexByte(m.From.Address, '@'):], "@")
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(fold(name+": "+value) + "\r\n") }
	header("From", m.From.String())
	header("To", strings.Join(to, ", "))
	header("Subject", encodeWords(m.Subject))
	header("Date", m.Date.Format(time.RFC1123Z))
	header("Message-ID", "<"+id+"@"+domain+">")
	header("MIME-Version", "1.0")
	header("Auto-Submitted", "auto-generated") // RFC 3834 5: no out-of-office replies
	if err := m.body(&b, id, header); err != nil {
		return 0, err
	}
	return b.WriteTo(w)
}

// id is the same for the same message, and no other has it. Its letters are those of a token (RFC 2045 5.1).
func (m *Message) id() string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(m.From.String()), fmt.Append(nil, m.To), []byte(m.Subject), m.Date.UTC().AppendFormat(nil, time.RFC3339Nano), m.Text, m.HTML} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// body writes the parts, and before them the rest of the headers.
func (m *Message) body(b *bytes.Buffer, id string, header func(name, value string)) error {
	const plain, html, coding = "text/plain; charset=utf-8", "text/html; charset=utf-8", "base64"
	if len(m.HTML) == 0 {
		header("Content-Type", plain)
		header("Content-Transfer-Encoding", coding)
		b.WriteString("\r\n")
		writeBase64(b, m.Text)
		return nil
	}
	parts := multipart.NewWriter(b)
	// Base64 has no `-`, so no line of a part can look like it.
	if err := parts.SetBoundary("bouncelog-" + id); err != nil {
		return err
	}
	header("Content-Type", `multipart/alternative; boundary="`+parts.Boundary()+`"`)
	b.WriteString("\r\n")
	// The last alternative is the best (RFC 2046 5.1.4).
	for _, p := range []struct {
		kind string
		text []byte
	}{{plain, m.Text}, {html, m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {p.kind}, "Content-Transfer-Encoding": {coding}})
		if err != nil {
			return err
		}
		var text bytes.Buffer
		writeBase64(&text, p.text)
		if _, err := text.WriteTo(w); err != nil {
			return err
		}
	}
	return parts.Close()
}

// writeBase64 writes a text in its canonical form, with CRLF (RFC 2046 4.1.1), in lines of base64.
func writeBase64(b *bytes.Buffer, text []byte) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	const line = maxLine / 4 * 3
	for len(text) > 0 {
		n := min(line, len(text))
		b.WriteString(base64.StdEncoding.EncodeToString(text[:n]) + "\r\n")
		text = text[n:]
	}
}

// encodeWords writes a text of a header, as encoded words (RFC 2047) where it is not all ASCII.
func encodeWords(s string) string {
	if r := []rune(s); len(r) > maxSubject {
		s = string(r[:maxSubject-1]) + "…"
	}
	// In ASCII, this would be taken for an encoded word that somebody else wrote.
	s = strings.ReplaceAll(s, "=?", `=\x3f`)
	return mime.QEncoding.Encode("utf-8", s)
}

// fold breaks a header line at blanks (RFC 5322 2.2.3).
func fold(line string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Split(line, " ") {
		switch {
		case i == 0:
		case width+1+len(word) > maxLine && word != "":
			b.WriteString("\r\n ")
			width = 1
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}
