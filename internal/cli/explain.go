package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/internal/scan"
	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type explainOptions struct {
	input inputFlags
	rules ownRules
	known knownFlags
	json  bool
	batch string
}

// knownFlags say of a reply what its text does not.
type knownFlags struct {
	command, relay, recipient, origin, status string
}

func newExplain(o IO) *cobra.Command {
	var opt explainOptions
	cmd := &cobra.Command{
		Use:   "explain CODE...|TEXT|LINE|FILE:LINE|-",
		Short: "Explain a code, a reply, or a line of a log",
		Long: `Explain a code (550, 5.7.1, "550 5.1.1", 4xx, 5.7.x), the text of a reply, a line of a log in any known format, or a line
of a file, as FILE:LINE: what was read out of it, what the codes mean and who says so, the class and the cause, the rule that
tells it with its words underlined, what other rules hold and why they do not decide, and what to do.
- reads a text or lines from standard input. A file is read from its beginning, as a line may depend on those before it.

What the text of a reply alone does not say can be given by flags.

--batch FILE, or --batch - for standard input, explains many: one JSON object a line, with the key diagnostic, and
where they are known command, relay_host, relay_ip, recipient, origin, status, dsn, reply_code, enhanced_code and id. Other keys
are ignored. For each line there is one, in the same order: an object with the verdict, in the keys of bouncelog attempts,
or with the key error. Flags say what holds where a line does not say it.

Exit status:
  0    all is well
  2    wrong usage or configuration, or the output can't be written
  3    the file can't be read or has no such line; a line of --batch is no JSON object or tells nothing
  130  interrupted`,
		Example: `  bouncelog explain 550 5.7.1
  bouncelog explain --command 'RCPT TO' '550 5.1.1 <eve@example.com>: User unknown'
  bouncelog explain /var/log/mail.log:4711
  bouncelog attempts -f ndjson mail.log | bouncelog explain --batch -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (opt.batch == "") == (len(args) == 0) {
				return usagef("give a code, a reply, a line of a log or FILE:LINE, or --batch and a file; `bouncelog explain --help` has examples")
			}
			if opt.batch != "" {
				return runExplainBatch(cmd.Context(), o, &opt)
			}
			return runExplain(cmd.Context(), o, &opt, args)
		},
		Args: cobra.ArbitraryArgs,
	}
	s := cmd.Flags()
	opt.input.addBrief(s)
	s.StringVar(&opt.input.format, "input-format", "", "`format` of a line, as bouncelog formats lists them (default: detected)")
	s.StringVar(&opt.input.tz, "tz", "", "time `zone` of stamps that name none (default: the local one)")
	opt.rules.add(s)
	s.StringVar(&opt.known.command, "command", "", "the SMTP `command` that was answered: CONNECT, EHLO, STARTTLS, AUTH, MAIL FROM, RCPT TO, DATA, end of DATA")
	s.StringVar(&opt.known.relay, "relay", "", "the `server` that answered: a name, an address, or NAME[ADDRESS]")
	s.StringVar(&opt.known.recipient, "recipient", "", "the recipient's `address` or domain")
	s.StringVar(&opt.known.origin, "origin", "", "whose words it is: remote, local")
	s.StringVar(&opt.known.status, "status", "", "what our MTA made of it: sent, deferred, bounced, expired, rejected")
	s.BoolVar(&opt.json, "json", false, "print JSON")
	s.StringVar(&opt.batch, "batch", "", "explain what stands in a `file` of JSON objects, one a line; - is standard input")
	complete(cmd, "origin", []string{"remote", "local"})
	complete(cmd, "status", []string{"sent", "deferred", "bounced", "expired", "rejected"})
	return cmd
}

// attempt makes of the flags what is known of an attempt.
func (f *knownFlags) attempt() (a parsers.Attempt, err error) {
	ok := true
	if f.command != "" {
		if a.Command, ok = classify.ParseStep(f.command); !ok {
			return a, usagef("--command %q: give one of CONNECT, EHLO, HELO, LHLO, STARTTLS, AUTH, MAIL FROM, RCPT TO, DATA, end of DATA", f.command)
		}
	}
	if f.origin != "" {
		if a.Origin, ok = parseOrigin(f.origin); !ok {
			return a, usagef("--origin %q: give remote or local", f.origin)
		}
	}
	if f.status != "" {
		if a.Status, ok = parseStatus(f.status); !ok {
			return a, usagef("--status %q: give one of sent, deferred, bounced, expired, rejected", f.status)
		}
	}
	setRelay(&a, f.relay)
	setRecipient(&a, f.recipient)
	return a, nil
}

func parseOrigin(s string) (parsers.Origin, bool) {
	for _, o := range []parsers.Origin{parsers.OriginRemote, parsers.OriginLocal, parsers.OriginImplied, parsers.OriginProvider} {
		if strings.EqualFold(s, o.String()) {
			return o, true
		}
	}
	return 0, false
}

// parseStatus takes the words of RFC 3464 2.3.3, too.
func parseStatus(s string) (parsers.Status, bool) {
	switch s = strings.ToLower(s); s {
	case "failed":
		return parsers.StatusBounced, true
	case "delayed":
		return parsers.StatusDeferred, true
	case "delivered", "relayed", "expanded":
		return parsers.StatusSent, true
	}
	for st := parsers.StatusSent; st <= parsers.StatusRejected; st++ {
		if s == st.String() {
			return st, true
		}
	}
	return 0, false
}

// setRelay sets the server: `mx.example.com`, `192.0.2.1`, `mx.example.com[192.0.2.1]:25`, `dns; mx.example.com`.
func setRelay(a *parsers.Attempt, s string) {
	if kind, rest, ok := strings.Cut(s, ";"); ok && !strings.ContainsAny(kind, " .") { // RFC 3464 2.3.5
		s = rest
	}
	s = strings.TrimSpace(s)
	host, rest, ok := strings.Cut(s, "[")
	if ok {
		a.RelayIP, _, _ = strings.Cut(rest, "]")
	}
	host = strings.TrimSuffix(strings.TrimSpace(host), ".")
	if strings.Trim(host, "0123456789.") == "" || strings.Count(host, ":") > 1 {
		a.RelayIP = cmp.Or(a.RelayIP, host)
		return
	}
	a.RelayHost = host
}

// setRecipient sets the recipient: an address, with what RFC 3464 2.3.2 or a log may put around it, or a domain.
func setRecipient(a *parsers.Attempt, s string) {
	if kind, rest, ok := strings.Cut(s, ";"); ok && !strings.ContainsAny(kind, " .@") {
		s = rest
	}
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "<"), ">")
	if s != "" && strings.IndexByte(s, '@') < 0 && strings.IndexByte(s, '.') >= 0 {
		s = "@" + s
	}
	a.Recipient = s
}

// An explanation is all that there is to say of an argument.
type explanation struct {
	Argument string     `json:"argument"`
	Kind     string     `json:"kind"` // code, reply or line
	Note     string     `json:"note,omitempty"`
	Codes    []codeInfo `json:"codes"`
	Attempts []verdict  `json:"attempts"`
}

// explainer explains.
type explainer struct {
	io      IO
	flags   *inputFlags
	config  scan.Config
	session *classify.Session
	known   parsers.Attempt
}

func runExplain(ctx context.Context, o IO, opt *explainOptions, args []string) error {
	e, err := newExplainer(o, opt)
	if err != nil {
		return err
	}
	x, err := e.explain(ctx, args)
	if err != nil {
		return err
	}
	if opt.json {
		enc := json.NewEncoder(o.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(x)
	}
	return x.write(o.Out, o.Width)
}

func newExplainer(o IO, opt *explainOptions) (*explainer, error) {
	c, err := opt.input.config(o)
	if err != nil {
		return nil, err
	}
	known, err := opt.known.attempt()
	if err != nil {
		return nil, err
	}
	classifier, err := opt.rules.classifier()
	if err != nil {
		return nil, err
	}
	c.Summary.Classifier = classifier
	return &explainer{o, &opt.input, c, classifier.NewSession(), known}, nil
}

// explain finds out what the arguments are, and explains it.
func (e *explainer) explain(ctx context.Context, args []string) (*explanation, error) {
	text := strings.Join(args, " ")
	x := &explanation{Argument: text, Codes: []codeInfo{}, Attempts: []verdict{}}
	if text == "-" {
		in, err := io.ReadAll(io.LimitReader(e.io.In, maxExplained))
		if err != nil {
			return nil, &exitError{exitInput, fmt.Errorf("read stdin: %w", err)}
		}
		text = strings.ToValidUTF8(strings.TrimSpace(string(in)), "\ufffd")
	}
	if strings.TrimSpace(text) == "" {
		return nil, usagef("there is no text to be explained")
	}
	if codes := parseCodes(text); len(codes) > 0 {
		x.Kind = "code"
		for _, c := range codes {
			x.Codes = append(x.Codes, c.info())
		}
		if failing(codes) {
			a := classify.AttemptOf(strings.Join(strings.Fields(text), " "), e.known)
			x.Attempts = append(x.Attempts, e.verdict(&summary.Record{Attempt: a}))
		}
		return x, nil
	}
	if path, line, ok := cutLine(text); ok && len(args) == 1 {
		if err := e.explainFile(ctx, x, path, line); err != nil {
			return nil, err
		}
		return x, nil
	}
	return x, e.explainText(ctx, x, text)
}

const (
	maxExplained = 1 << 20 // bytes of a text
	maxAttempts  = 20      // that are explained at once
)

// cutLine cuts FILE:LINE. A text that merely ends in a colon and a number is none: the file has to be there, or its name
// has to look like one.
func cutLine(s string) (path string, line int64, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 {
		return "", 0, false
	}
	line, err := strconv.ParseInt(s[i+1:], 10, 64)
	if err != nil || line < 1 {
		return "", 0, false
	}
	path = s[:i]
	fi, err := os.Stat(path)
	if err == nil {
		return path, line, !fi.IsDir()
	}
	return path, line, errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, " <>[]") && (strings.IndexByte(path, '/') >= 0 || strings.Contains(path, ".log"))
}

// errEnough ends the reading of a file behind the line that was asked for.
var errEnough = errors.New("enough was read")

// explainFile explains a line of a file.
func (e *explainer) explainFile(ctx context.Context, x *explanation, path string, line int64) error {
	s := session{flags: e.flags, io: e.io}
	c := e.config
	var err error
	if c.Inputs, err = s.inputs([]string{path}); err != nil {
		return err
	}
	if len(s.errs) > 0 {
		return &exitError{exitInput, errors.Join(s.errs...)}
	}
	c.Jobs = 1
	var found []verdict
	res, err := s.scan(ctx, c, func(ctx context.Context, c scan.Config) (*scan.Result, error) {
		return scan.Attempts(ctx, c, true, func(r *summary.Record) error {
			switch {
			case r.Line > line:
				return errEnough
			case r.Line == line && len(found) < maxAttempts:
				found = append(found, e.verdict(r))
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if res != nil && len(s.errs) > 0 {
		return &exitError{exitInput, errors.Join(s.errs...)}
	}
	x.Kind = "line"
	if len(found) > 0 {
		x.Attempts = found
		return nil
	}
	raw, err := e.rawLine(ctx, path, line)
	if err != nil {
		return err
	}
	return e.explainText(ctx, x, raw)
}

// rawLine returns a line of a file.
func (e *explainer) rawLine(ctx context.Context, path string, line int64) (string, error) {
	inputs, _, errs := source.Expand([]string{path}, e.io.In)
	if len(errs) > 0 || len(inputs) != 1 {
		return "", &exitError{exitInput, fmt.Errorf("read %s: %w", path, errors.Join(errs...))}
	}
	r, err := inputs[0].Open(ctx, e.config.Source)
	if err != nil {
		return "", &exitError{exitInput, err}
	}
	defer r.Close()
	var buf source.Buffer
	n := int64(0)
	for {
		piece, err := r.Next(ctx)
		if err == io.EOF {
			return "", &exitError{exitInput, fmt.Errorf("%s has %d lines: there is no line %d", path, n, line)}
		}
		if err != nil {
			return "", &exitError{exitInput, err}
		}
		block, err := piece.Load(&buf)
		if err != nil {
			return "", &exitError{exitInput, err}
		}
		for one := range strings.Lines(block.Text) {
			if n++; n == line {
				return strings.TrimRight(strings.Clone(one), "\r\n"), nil
			}
		}
	}
}

// guises are what may be missing before a line that was copied out of a log: nothing, or the syslog header, of a host that
// nobody knows, or the program's name with it.
var guises = []string{"", anonymous, anonymous + "postfix/smtp[1]: ", anonymous + "sendmail[1]: ", anonymous + "exim[1]: "}

const (
	anonymousHost = "unknown-host"
	anonymous     = "2001-01-01T00:00:00+00:00 " + anonymousHost + " "
)

// explainText explains a line of a log or, where no format knows it, a reply.
func (e *explainer) explainText(ctx context.Context, x *explanation, text string) error {
	note := ""
	for i, guise := range guises {
		if i > 0 && (strings.IndexByte(text, '\n') >= 0 || e.config.Forced && i > 1) {
			break
		}
		found, about, err := e.readLine(ctx, guise+text)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			x.Kind, x.Attempts = "line", found
			return nil
		}
		// The words of an MTA without a stamp are a diagnostic: let it be explained as one.
		if i == 0 && (x.Kind == "line" || stamped(text)) {
			note = about
		}
	}
	if note != "" {
		x.Kind, x.Note = "line", note
		return nil
	}
	if x.Kind == "line" {
		x.Note = "no format knows this line; what follows takes all of it for a reply"
	}
	x.Kind = cmp.Or(x.Kind, "reply")
	a := classify.AttemptOf(text, e.known)
	e.session.SettleOrigin(&a)
	v := e.verdict(&summary.Record{Attempt: a})
	v.presumed = e.known.Status == 0
	x.Attempts = append(x.Attempts, v)
	return nil
}

// stamped reports whether a text begins like a line of a log: with a stamp, or as an object.
func stamped(text string) bool {
	text = strings.TrimLeft(text, "[<{\"")
	if len(text) > 4 && (text[4] == '-' || text[4] == '/') && strings.Trim(text[:4], "0123456789") == "" {
		return true
	}
	_, ok := syslog.NewReader(syslog.Options{}).Cut(text)
	return ok
}

// readLine reads a text as the log that it may be. Without attempts, about says what it is a line of, if it is of any.
func (e *explainer) readLine(ctx context.Context, text string) (found []verdict, about string, err error) {
	c := e.config
	c.Jobs = 1
	c.Inputs, _, _ = source.Expand([]string{"-"}, strings.NewReader(text+"\n"))
	last := ""
	for _, f := range c.Formats {
		if f.LastResort && !c.Forced {
			last = f.Name
		}
	}
	headed := stamped(text) && !strings.HasPrefix(text, anonymous)
	res, err := scan.Attempts(ctx, c, true, func(r *summary.Record) error {
		// Any text with an address and a code has the shape of a delivery. A log's line has a stamp, too.
		if r.Format == last && !headed || len(found) == maxAttempts {
			return nil
		}
		r.File, r.Line = "", 0
		if r.Host == anonymousHost {
			r.Host, r.Time = "", 0
		}
		found = append(found, e.verdict(r))
		return nil
	})
	if err != nil || len(found) > 0 || len(res.Inputs) == 0 {
		return found, "", err
	}
	formats := slices.DeleteFunc(res.Inputs[0].Formats, func(name string) bool { return name == last })
	if len(formats) == 0 {
		return nil, "", nil
	}
	about = "a line of " + strings.Join(formats, ", ") + ": "
	for b, n := range res.Counts.Ledger {
		if n == 0 {
			continue
		}
		switch summary.Bucket(b) {
		case summary.Delivery:
			about += "it tells of a delivery, but alone not of how an attempt ended; give it as FILE:LINE where the log has the lines before it"
		case summary.Context:
			about += "it tells of no delivery attempt; it serves to join others of the same message"
		case summary.Ignored:
			about += "it is about no delivery"
		default:
			about += bucketName(summary.Bucket(b))
			if len(res.Samples) > 0 && res.Samples[0].Reason != "" {
				about += ", " + res.Samples[0].Reason
			}
		}
		return nil, about, nil
	}
	return nil, "", nil
}

// A verdict is what is thought of an attempt, and why.
type verdict struct {
	Record     json.RawMessage `json:"record"` // as bouncelog attempts prints it
	Class      string          `json:"class"`
	ClassRule  string          `json:"class_rule,omitempty"`
	ReplyClass string          `json:"reply_class,omitempty"` // where it is another
	Conflict   bool            `json:"class_conflict,omitempty"`
	Overridden bool            `json:"class_overridden,omitempty"`

	Category   string `json:"category,omitempty"`
	Sub        string `json:"sub,omitempty"`
	Meaning    string `json:"meaning,omitempty"`
	Nature     string `json:"nature,omitempty"`
	Fault      string `json:"fault,omitempty"`
	Suppress   string `json:"suppress,omitempty"`
	Retry      string `json:"retry,omitempty"`
	Confidence string `json:"confidence,omitempty"`
	Provider   string `json:"provider,omitempty"`
	Before     string `json:"before_expiry,omitempty"` // the cause of the deferrals before it

	Rule    *ruleInfo  `json:"rule,omitempty"`
	Text    string     `json:"text,omitempty"` // what was said, on one line
	Matched []matched  `json:"matched,omitempty"`
	Codes   []codeInfo `json:"codes"`
	Others  []other    `json:"others"`
	Hint    string     `json:"hint,omitempty"`
	URL     string     `json:"url,omitempty"`

	record   *summary.Record
	presumed bool // its status
}

type ruleInfo struct {
	ID     string `json:"id"`
	Tier   string `json:"tier"`
	Where  string `json:"where"`
	Source string `json:"source"`
}

// matched is a part of verdict.Text that the rule rests on.
type matched struct {
	At    int    `json:"at"` // in bytes
	Words string `json:"words"`
}

// other is a rule that holds and does not decide.
type other struct {
	Rule     string `json:"rule"`
	Tier     string `json:"tier"`
	Category string `json:"category"`
	Where    string `json:"where"`
	Words    string `json:"words,omitempty"`
	Why      string `json:"why"`
}

// verdict finds the cause of an attempt.
func (e *explainer) verdict(r *summary.Record) verdict {
	own := *r
	r = &own
	r.Verdict = classify.ClassOf(&r.Attempt)
	if r.Domain == "" {
		r.Domain = classify.Domain(cmp.Or(parsers.Domain(r.Recipient), r.RecipientDomain))
	}
	ev := e.session.Evidence(&r.Attempt)
	v := verdict{Class: r.Verdict.Class.String(), ClassRule: r.Verdict.Rule, Conflict: r.Conflict, Overridden: r.Overridden,
		Codes: []codeInfo{}, Others: []other{}, record: r}
	if rc := r.ReplyClass; rc != r.Verdict.Class && rc != parsers.ClassUnknown {
		v.ReplyClass = rc.String()
	}
	v.Text = report.Visible(strings.Join(strings.Fields(r.Diagnostic), " "))
	cause := &ev.Cause
	if before := r.Cause; before != nil && before.Category != cause.Category {
		v.Before = withSub(before.Category.String(), before.Sub)
	}
	if cause.Category != classify.NoCategory {
		t := cause.Category.Trait()
		v.Category, v.Sub, v.Meaning = cause.Category.String(), cause.Sub, t.Meaning
		v.Nature, v.Fault, v.Suppress, v.Retry, v.Confidence = cause.Nature, cause.Fault, cause.Suppress, cause.Retry, cause.Confidence
		v.Provider = cause.Provider
		v.Hint = t.Hint
		if rule := cause.Rule; rule != nil {
			v.Rule = &ruleInfo{rule.ID, rule.TierName, rule.Where, rule.Source}
			v.Hint, v.URL = cmp.Or(rule.Hint, t.Hint), rule.URL
		}
		v.Hint = e.fill(v.Hint, r, v.Provider)
		for _, p := range e.config.Summary.Classifier.Providers() {
			if p.Name == v.Provider && v.URL == "" {
				v.URL = p.URL
			}
		}
		for _, s := range classify.Unfolded(v.Text, ev.Text, ev.Spots) {
			v.Matched = append(v.Matched, matched{s.From, v.Text[s.From:s.To]})
		}
		for _, c := range ev.Others {
			words := make([]string, 0, len(c.Spots))
			for _, s := range c.Spots {
				words = append(words, ev.Text[s.From:s.To])
			}
			v.Others = append(v.Others, other{c.Rule.ID, c.Rule.TierName, withSub(c.Rule.Category, c.Rule.Sub), c.Rule.Where, report.Visible(strings.Join(words, " … ")), c.Why})
		}
	}
	r.Cause = cause
	if cause.Category == classify.NoCategory {
		r.Cause = nil
	}
	r.Provider = cmp.Or(r.Provider, v.Provider, e.config.Summary.Classifier.ProviderOf(&r.Attempt, r.Domain))
	for _, c := range codesOf(r, &ev) {
		v.Codes = append(v.Codes, c.info())
	}
	var buf bytes.Buffer
	if w, err := report.NewRecordWriter("ndjson", &buf); err == nil && w.Write(r) == nil && w.Flush() == nil {
		v.Record = bytes.TrimSpace(buf.Bytes())
	}
	return v
}

// codesOf returns the codes of an attempt: those of the reply, else the MTA's own, and those of a reply that it quotes.
func codesOf(r *summary.Record, ev *classify.Evidence) (list []code) {
	add := func(c code) {
		if c != (code{}) && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	add(code{reply: r.Reply.Code})
	add(code{enhanced: r.Reply.Enhanced})
	if len(list) == 0 {
		add(code{enhanced: r.DSN})
	}
	add(code{reply: ev.Code})
	add(code{enhanced: ev.Enhanced})
	return list
}

// fill puts what is known of an attempt into a hint.
func (e *explainer) fill(hint string, r *summary.Record, provider string) string {
	title := provider
	for _, p := range e.config.Summary.Classifier.Providers() {
		if p.Name == provider {
			title = p.Title
		}
	}
	domain := cmp.Or(r.Domain, title, "the domain")
	return strings.NewReplacer("{domain}", report.Visible(domain), "{provider}", cmp.Or(title, "the provider"), "{ip}", cmp.Or(report.Visible(r.SourceIP), "your IP"), "{n}", "1").Replace(hint)
}
