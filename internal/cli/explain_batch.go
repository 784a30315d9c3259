package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// maxBatchLine is the longest line of a batch, in bytes.
const maxBatchLine = 4 << 20

// A batchLine is one object of a batch, as far as its keys are known. All of them may be missing, null or a text.
type batchLine struct {
	ID           json.RawMessage `json:"id"`
	Diagnostic   *string         `json:"diagnostic"`
	Command      text            `json:"command"`
	RelayHost    text            `json:"relay_host"`
	RelayIP      text            `json:"relay_ip"`
	Recipient    text            `json:"recipient"`
	Domain       text            `json:"domain"`
	Origin       text            `json:"origin"`
	Status       text            `json:"status"`
	DSN          text            `json:"dsn"`
	ReplyCode    text            `json:"reply_code"`
	EnhancedCode text            `json:"enhanced_code"`
}

// text takes a number or a truth value for what it looks like: codes are written both ways.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case bytes.Equal(b, []byte("null")):
		return nil
	case b[0] == '"':
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	case b[0] == '{' || b[0] == '[':
		return fmt.Errorf("want a text, not %.20s", b)
	default:
		s = string(b)
	}
	*t = text(strings.TrimSpace(s))
	return nil
}

// A batchVerdict is what is thought of it, in the keys of the attempt record.
type batchVerdict struct {
	ID         json.RawMessage       `json:"id,omitempty"`
	Class      string                `json:"class"`
	Category   string                `json:"category,omitempty"`
	Sub        string                `json:"sub,omitempty"`
	Fault      string                `json:"fault,omitempty"`
	Suppress   string                `json:"suppress,omitempty"`
	Retry      string                `json:"retry,omitempty"`
	Nature     string                `json:"nature,omitempty"`
	Rule       string                `json:"rule,omitempty"`
	Confidence string                `json:"confidence,omitempty"`
	Provider   string                `json:"provider,omitempty"`
	Status     string                `json:"status,omitempty"`
	Origin     string                `json:"origin,omitempty"`
	Command    string                `json:"command,omitempty"`
	ReplyCode  parsers.ReplyCode     `json:"reply_code,omitzero"`
	Enhanced   *parsers.EnhancedCode `json:"enhanced_code,omitempty"`
	DSN        *parsers.EnhancedCode `json:"dsn,omitempty"`
	Notes      []string              `json:"notes,omitempty"` // what was not understood
}

// batchError says why there is no verdict.
type batchError struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Error string          `json:"error"`
}

func runExplainBatch(ctx context.Context, o IO, opt *explainOptions) error {
	known, err := opt.known.attempt()
	if err != nil {
		return err
	}
	classifier, err := opt.rules.classifier()
	if err != nil {
		return err
	}
	in, name := o.In, "stdin"
	if opt.batch != "-" {
		f, err := os.Open(opt.batch)
		if err != nil {
			return &exitError{exitInput, fmt.Errorf("read %s: %w", opt.batch, errors.Unwrap(err))}
		}
		defer f.Close()
		in, name = f, opt.batch
	}
	b := &batch{classifier, classifier.NewSession(), known}
	r, w := bufio.NewReaderSize(in, 64<<10), bufio.NewWriterSize(o.Out, 64<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	lines, bad, first := 0, 0, ""
	for ctx.Err() == nil && !o.unread() {
		line, tooLong, err := readLine(r)
		if err != nil && err != io.EOF {
			return errors.Join(w.Flush(), &exitError{exitInput, fmt.Errorf("read %s: %w", name, err)})
		}
		end := err == io.EOF
		if end && len(line) == 0 {
			break
		}
		lines++
		var out any
		switch {
		case tooLong:
			out = batchError{Error: fmt.Sprintf("the line is longer than %d bytes", maxBatchLine)}
		case len(bytes.TrimSpace(line)) == 0:
			if end {
				break
			}
			continue
		default:
			out = b.line(line)
		}
		if e, ok := out.(batchError); ok {
			if bad++; bad == 1 {
				first = fmt.Sprintf("line %d: %s", lines, e.Error)
			}
		}
		if out != nil {
			if err := enc.Encode(out); err != nil {
				return err
			}
		}
		if end {
			break
		}
		if r.Buffered() == 0 { // whoever writes may wait for the answer
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if bad > 0 {
		return &exitError{exitInput, fmt.Errorf("%s: lines without a verdict: %d of %d (%s)", name, bad, lines, first)}
	}
	return nil
}

// readLine reads a line without its end. What is too long is read and not kept.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxBatchLine {
			tooLong = true
			line = append(line[:0], '?')
		} else {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, tooLong, err
		}
	}
}

// batch explains the lines of one.
type batch struct {
	classifier *classify.Classifier
	session    *classify.Session
	known      parsers.Attempt // where a line does not say
}

func (b *batch) line(line []byte) any {
	var x batchLine
	if err := json.Unmarshal(line, &x); err != nil {
		// The id helps to find the line again.
		var id struct {
			ID json.RawMessage `json:"id"`
		}
		_ = json.Unmarshal(line, &id)
		return batchError{id.ID, "not a JSON object of this kind: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	v := batchVerdict{ID: x.ID}
	note := func(key string, value text) {
		v.Notes = append(v.Notes, fmt.Sprintf("%s %q is not known", key, value))
	}
	a := b.known
	var ok bool
	if x.Command != "" {
		if a.Command, ok = classify.ParseStep(string(x.Command)); !ok {
			note("command", x.Command)
		}
	}
	if x.Origin != "" {
		if a.Origin, ok = parseOrigin(string(x.Origin)); !ok {
			note("origin", x.Origin)
		}
	}
	if x.Status != "" {
		if a.Status, ok = parseStatus(string(x.Status)); !ok {
			note("status", x.Status)
		}
	}
	if x.DSN != "" {
		if a.DSN, ok = parsers.ParseEnhanced(string(x.DSN)); !ok {
			note("dsn", x.DSN)
		}
	}
	if x.EnhancedCode != "" {
		if a.Reply.Enhanced, ok = parsers.ParseEnhanced(string(x.EnhancedCode)); !ok {
			note("enhanced_code", x.EnhancedCode)
		}
	}
	if x.ReplyCode != "" && x.ReplyCode != "0" {
		n, err := strconv.ParseUint(string(x.ReplyCode), 10, 16)
		if err != nil || n < 100 || n > 999 {
			note("reply_code", x.ReplyCode)
		} else {
			a.Reply.Code = parsers.ReplyCode(n)
		}
	}
	if x.RelayHost != "" || x.RelayIP != "" {
		a.RelayHost, a.RelayIP = "", ""
		setRelay(&a, string(x.RelayHost))
		if x.RelayIP != "" {
			a.RelayIP = string(x.RelayIP)
		}
	}
	if x.Recipient != "" {
		setRecipient(&a, string(x.Recipient))
	} else if x.Domain != "" {
		setRecipient(&a, "@"+string(x.Domain))
	}
	diagnostic := ""
	if x.Diagnostic != nil {
		diagnostic = *x.Diagnostic
	}
	if diagnostic == "" && a.Reply.Code == 0 && a.Reply.Enhanced.IsZero() && a.DSN.IsZero() && a.Status == 0 {
		return batchError{x.ID, "no diagnostic: nothing is known of the attempt"}
	}
	a = classify.AttemptOf(diagnostic, a)
	b.session.SettleOrigin(&a)
	class := classify.ClassOf(&a)
	c := b.session.Explain(&a)
	v.Class, v.Category, v.Sub, v.Provider = class.Class.String(), c.Category.String(), c.Sub, c.Provider
	if v.Provider == "" {
		v.Provider = b.classifier.ProviderOf(&a, classify.Domain(parsers.Domain(a.Recipient)))
	}
	v.Fault, v.Suppress, v.Retry, v.Nature, v.Confidence = c.Fault, c.Suppress, c.Retry, c.Nature, c.Confidence
	if c.Rule != nil {
		v.Rule = c.Rule.ID
	}
	v.Status, v.Origin, v.Command, v.ReplyCode = a.Status.String(), a.Origin.String(), a.Command.String(), a.Reply.Code
	if !a.Reply.Enhanced.IsZero() {
		v.Enhanced = &a.Reply.Enhanced
	}
	if !a.DSN.IsZero() {
		v.DSN = &a.DSN
	}
	return v
}
