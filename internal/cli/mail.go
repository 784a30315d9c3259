package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"os"
	"os/exec"
	"strings"
	"time"

	"bouncelog/internal/mail"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

// mailFlags make a message of a report.
type mailFlags struct {
	to       []string
	from     string
	send     bool
	sendmail string
}

func (f *mailFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringArrayVar(&f.to, "mail-to", nil, "write a message to this `address` in place of the report, as text and HTML; may be given several times")
	s.StringVar(&f.from, "mail-from", "", "`address` that the message is from (default: bouncelog at this host)")
	s.BoolVar(&f.send, "send", false, "hand the message to sendmail -t, and print nothing")
	s.StringVar(&f.sendmail, "sendmail", "", "--send by this `program`, which takes the options of sendmail")
}

// An envelope is whom a message is from and to, and how it goes out.
type envelope struct {
	from     *netmail.Address
	to       []*netmail.Address
	sendmail string // empty: to stdout
}

// envelope makes an envelope of the flags: nil without --mail-to. formatted: an output format was asked for, too.
func (f *mailFlags) envelope(formatted bool) (*envelope, error) {
	if len(f.to) == 0 {
		if f.from != "" || f.send || f.sendmail != "" {
			return nil, usagef("--mail-from, --send and --sendmail are of a message; give --mail-to too")
		}
		return nil, nil
	}
	if formatted {
		return nil, usagef("--format: a message is text and HTML; leave it out, or write a file too by --out")
	}
	var e envelope
	var err error
	for _, list := range f.to {
		to, err := mail.ParseAddresses(list)
		if err != nil {
			return nil, usagef("--mail-to %q: %w; give an address like postmaster@example.com", list, err)
		}
		e.to = append(e.to, to...)
	}
	if e.from, err = f.sender(); err != nil {
		return nil, err
	}
	if f.send || f.sendmail != "" {
		if e.sendmail, err = findSendmail(f.sendmail); err != nil {
			return nil, err
		}
	}
	return &e, nil
}

// sender returns whom the message is from.
func (f *mailFlags) sender() (*netmail.Address, error) {
	from := f.from
	if from == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, usagef("--mail-from: this host has no name (%w); give an address", err)
		}
		from = "bouncelog@" + host
	}
	all, err := mail.ParseAddresses(from)
	if err == nil && len(all) != 1 {
		err = errors.New("one address, no more")
	}
	if err != nil {
		return nil, usagef("--mail-from %q: %w; give an address like bouncelog@example.com", from, err)
	}
	return all[0], nil
}

// findSendmail returns the program, by its name or where it is by custom.
func findSendmail(program string) (string, error) {
	if program != "" {
		path, err := exec.LookPath(program)
		if err != nil {
			return "", usagef("--sendmail %s: %w; name a program that takes -t", program, errors.Unwrap(err))
		}
		return path, nil
	}
	for _, name := range []string{"sendmail", "/usr/sbin/sendmail", "/usr/lib/sendmail"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", usagef("--send: there is no sendmail in PATH nor in /usr/sbin; name it by --sendmail, or leave --send out and pipe stdout")
}

// message returns a report as a message.
func (e *envelope) message(r *report.Report, top int, at time.Time) (*mail.Message, error) {
	m := &mail.Message{From: e.from, To: e.to, Subject: report.Headline(r, at.Location()), Date: at}
	for _, part := range []struct {
		format string
		text   *[]byte
	}{{"table", &m.Text}, {"html", &m.HTML}} {
		f, err := report.FindFormat(part.format)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := f.Write(&b, r, report.WriteOptions{Top: top}); err != nil {
			return nil, fmt.Errorf("write the %s of the message: %w", part.format, err)
		}
		*part.text = b.Bytes()
	}
	return m, nil
}

// deliver prints a message, or has it sent. Lines end as in other files of the system: it is sendmail that turns them into
// those of SMTP.
func (e *envelope) deliver(ctx context.Context, o IO, m *mail.Message) error {
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return fmt.Errorf("make the message: %w", err)
	}
	text := bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n"))
	if e.sendmail == "" {
		_, err := o.Out.Write(text)
		return err
	}
	// -oi: a line of one dot does not end the message.
	cmd := exec.CommandContext(ctx, e.sendmail, "-t", "-oi")
	cmd.Stdin = bytes.NewReader(text)
	said := &firstBytes{left: 500}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &exitError{exitUsage, fmt.Errorf("send the message by %s: %w%s; the report is not sent, and stdout without --send has it", e.sendmail, err, said)}
	}
	return nil
}

// firstBytes keeps the beginning of what a program says.
type firstBytes struct {
	said []byte
	left int
}

func (f *firstBytes) Write(p []byte) (int, error) {
	n := min(f.left, len(p))
	f.said = append(f.said, p[:n]...)
	f.left -= n
	return len(p), nil
}

// String is what was said, on one line, behind a colon.
func (f *firstBytes) String() string {
	if words := strings.Fields(string(f.said)); len(words) > 0 {
		return ": " + strings.Join(words, " ")
	}
	return ""
}
