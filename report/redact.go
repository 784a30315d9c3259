package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"hash"
	"net/netip"
	"reflect"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// A Redaction says what is replaced by pseudonyms.
type Redaction string

// The redactions. Numbers, codes, categories, rules, known providers and the names of inputs are never replaced.
const (
	RedactNone      Redaction = "none"
	RedactRecipient Redaction = "recipient" // local parts of addresses, wherever they stand
	RedactAll       Redaction = "all"       // domains, host names and IP addresses too
)

// Redactions returns every redaction.
func Redactions() []Redaction { return []Redaction{RedactNone, RedactRecipient, RedactAll} }

// redactionWords say to readers what was done.
var redactionWords = map[Redaction]string{
	RedactRecipient: "the local parts of addresses are pseudonyms",
	RedactAll:       "addresses, domains, host names and IP addresses are pseudonyms",
}

// MinRedactionKey is the least length of a key, in bytes. Who knows the key can test guesses.
const MinRedactionKey = 16

// A Redactor replaces what must not be passed on by pseudonyms: `u-` for local parts, `d-` for domains, `host-` and `ip-`.
// With one key, the same text has the same pseudonym everywhere; without the key, nobody can tell whose it is. Domains end
// in .invalid (RFC 2606 2), so that nothing can be sent there.
//
// Texts of a log are free: what looks like an address, an unknown user, a domain or an IP address in them is taken for
// one, rather one too many. It is not for use by several goroutines.
type Redactor struct {
	level     Redaction
	mac       hash.Hash
	providers map[string]bool // known ones, which are no secret
	hosts     map[string]bool // our own, for those without a dot in texts

	template []byte          // scratch of ids
	kept     map[string]bool // likewise
}

// NewRedactor returns a Redactor with a key of at least [MinRedactionKey] bytes. The classifier tells which providers have a
// name of their own; with nil, none has.
func NewRedactor(level Redaction, key []byte, c *classify.Classifier) (*Redactor, error) {
	if redactionWords[level] == "" {
		return nil, fmt.Errorf("unknown redaction %q: want %s", level, oneOf(Redactions()))
	}
	if len(key) < MinRedactionKey {
		return nil, fmt.Errorf("a key of %d bytes is too short: want at least %d", len(key), MinRedactionKey)
	}
	x := &Redactor{level: level, mac: hmac.New(sha256.New, key), providers: make(map[string]bool), hosts: make(map[string]bool), kept: make(map[string]bool)}
	if c != nil {
		for _, p := range c.Providers() {
			x.providers[p.Name] = true
		}
	}
	return x, nil
}

// Redact returns a redacted copy of a document: a [Report], or another one of this package that is made of its parts.
func Redact[T any](x *Redactor, doc *T) *T {
	if r, ok := any(doc).(*Report); ok {
		x.learn(r)
	}
	out := x.value(reflect.ValueOf(doc).Elem()).Interface().(T)
	if r, ok := any(&out).(*Report); ok {
		r.Redaction = x.level
		for i := range r.Breakdowns {
			x.breakdown(&r.Breakdowns[i])
		}
	}
	return &out
}

// learn takes the names of our own hosts, for texts.
func (x *Redactor) learn(r *Report) {
	for i := range r.Coverage.Hosts {
		if h := &r.Coverage.Hosts[i]; !h.Folded {
			x.hosts[h.Name] = true
		}
	}
	for i := range r.Inputs {
		for _, h := range r.Inputs[i].Hosts {
			x.hosts[h] = true
		}
	}
}

// A policy says what a text of the model is.
type policy func(x *Redactor, s string) string

// policies are those of all texts of the model, by type and field. Texts of ours or of the rules are kept; what is not in
// the list is taken for a text of a log.
var policies = map[string]policy{
	"Report.Schema": keep, "Report.SchemaVersion": keep, "Report.Redaction": keep,
	"Tool.Name": keep, "Tool.Version": keep,
	"Input.Name": keep, "Input.Formats": keep, "Input.Compression": keep, "Input.First": keep, "Input.Last": keep,
	"Input.Hosts": (*Redactor).host, "Input.Note": (*Redactor).text,
	"Window.Since": keep, "Window.Until": keep, "Window.First": keep, "Window.Last": keep,
	"Selection.Domain": (*Redactor).domain, "Selection.Sender": (*Redactor).address, "Selection.Job": (*Redactor).text,
	"Selection.Campaign": (*Redactor).text, "Selection.CampaignFrom": keep,
	"Program.Name": (*Redactor).text,
	"Host.Name":    (*Redactor).host, "Host.First": keep, "Host.Last": keep,
	"Sample.Bucket": keep, "Sample.Reason": (*Redactor).text, "Sample.Text": (*Redactor).text, "Sample.File": keep,
	"Origin.Origin": keep, "Class.Class": keep,
	"Reply.EnhancedCode": keep, "Reply.Class": keep, "Reply.Meaning": keep, "Reply.EnhancedMeaning": keep, "Reply.Standing": keep,
	"Domain.Domain": (*Redactor).domain, "Sender.SenderDomain": (*Redactor).domain,
	"Hour.Start":    keep,
	"Template.Text": (*Redactor).text, "Template.Class": keep, "Template.EnhancedCode": keep, "Template.Last": keep,
	"Example.Text": (*Redactor).text, "Example.File": keep, "Example.Time": keep,
	"Category.Category": keep, "Category.Meaning": keep, "Category.Fault": keep, "Category.Suppress": keep,
	"Provider.Provider": (*Redactor).provider, "Provider.Title": keep,
	"CategoryCount.Category": keep,
	"Hint.Category":          keep, "Hint.Sub": keep, "Hint.Provider": (*Redactor).provider, "Hint.Rule": keep, "Hint.Text": keep, "Hint.URL": keep,
	"DeliveryTime.Provider": (*Redactor).provider, "DeliveryTime.Title": keep,
	"Breakdown.By": keep, "BreakdownRow.Key": keep, // by its dimension, afterwards

	"Comparison.Schema": keep, "Comparison.SchemaVersion": keep, "Comparison.Notes": (*Redactor).text,
	"Side.Name": keep, "Side.First": keep, "Side.Last": keep,
	"Change.Metric": keep, "Change.Scope": keep, "Change.Provider": (*Redactor).provider, "Change.Category": keep,
	"Change.EnhancedCode": keep, "Change.Domain": (*Redactor).domain, "Change.Verdict": keep,
	"TemplateChange.Change": keep, "TemplateChange.Text": (*Redactor).text, "TemplateChange.Class": keep, "TemplateChange.EnhancedCode": keep,

	"Check.Schema": keep, "Check.SchemaVersion": keep, "Check.Status": keep,
	"GateResult.Name": keep, "GateResult.Expr": keep, "GateResult.Where": keep, "GateResult.Severity": keep, "GateResult.Status": keep,
	"GateResult.Metric": (*Redactor).text, "GateResult.Unit": keep, "GateResult.Note": (*Redactor).text,
	"Evidence.What":    (*Redactor).text,
	"Expectation.Kind": keep, "Expectation.File": keep, "Expectation.Of": keep, "Expectation.Status": keep, "Expectation.Note": (*Redactor).text,
	"Difference.Kind": keep, "Difference.At": (*Redactor).text, "Difference.File": keep, "Difference.Want": (*Redactor).text, "Difference.Got": (*Redactor).text,
}

func keep(_ *Redactor, s string) string { return s }

// dimensions are the policies of what a breakdown is by. The others are words of ours.
var dimensions = map[string]policy{
	"domain": (*Redactor).domain, "provider": (*Redactor).provider, "relay": (*Redactor).host, "sender": (*Redactor).address,
	"sender-domain": (*Redactor).domain, "campaign": (*Redactor).text, "source-ip": (*Redactor).ip,
	"host": (*Redactor).host, "instance": (*Redactor).text,
}

func (x *Redactor) breakdown(b *Breakdown) {
	for i := range b.Rows {
		for j := range b.Rows[i].Key {
			if p := dimensions[b.By[j]]; p != nil && !b.Rows[i].Folded {
				b.Rows[i].Key[j] = p(x, b.Rows[i].Key[j])
			}
		}
	}
}

// value returns a redacted copy of a value of the model.
func (x *Redactor) value(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Struct:
		folded := v.FieldByName("Folded")
		for i := range v.NumField() {
			f := v.Type().Field(i)
			is := policies[v.Type().Name()+"."+f.Name]
			switch {
			case is == nil:
				is = (*Redactor).text
			case folded.IsValid() && folded.Bool():
				is = keep // the name is ours
			}
			switch text := v.Field(i); {
			case text.Kind() == reflect.String:
				out.Field(i).SetString(is(x, text.String()))
			case f.Type == reflect.TypeFor[[]string]() && !text.IsNil():
				list := make([]string, text.Len())
				for j := range list {
					list[j] = is(x, text.Index(j).String())
				}
				out.Field(i).Set(reflect.ValueOf(list))
			default:
				out.Field(i).Set(x.value(text))
			}
		}
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(x.value(v.Index(i)))
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out = reflect.New(v.Type().Elem())
		out.Elem().Set(x.value(v.Elem()))
		return out
	}
	return v
}

// Record returns a redacted copy of an attempt record. The recipient's local part is replaced where it stands alone, too.
func (x *Redactor) Record(r *summary.Record) *summary.Record {
	c := *r
	user := r.Recipient[:max(0, strings.LastIndexByte(r.Recipient, '@'))]
	if user == "" {
		user = r.Recipient
	}
	c.Recipient, c.OriginalRecipient, c.Sender = x.address(r.Recipient), x.address(r.OriginalRecipient), x.address(r.Sender)
	c.Controller = x.address(r.Controller)
	pseudonym, _, _ := strings.Cut(c.Recipient, "@")
	for _, s := range []*string{&c.Diagnostic, &c.Reply.Text, &c.Job, &c.MTAStatus, &c.Process, &c.Instance} {
		*s = x.textOf(user, pseudonym, *s)
	}
	if x.level == RedactAll || len(user) >= minUser && strings.Contains(lower(r.MessageID), lower(user)) {
		c.MessageID = x.textOf(user, pseudonym, r.MessageID)
	}
	for _, s := range []*string{&c.Host, &c.RelayHost} {
		*s = x.host(*s)
	}
	c.Domain, c.RecipientDomain = x.domain(r.Domain), x.domain(r.RecipientDomain)
	c.RelayIP, c.SourceIP, c.Provider = x.ip(r.RelayIP), x.ip(r.SourceIP), x.provider(r.Provider)
	return &c
}

const (
	alphabet         = "0123456789abcdefghijklmnopqrstuv" // RFC 4648 7, in lower case
	pseudonymLetters = 10                                 // 50 bits: among a million texts, two have the same by a chance of one in two thousand
)

// invalid is the domain of RFC 2606 2 that there is never to be.
const invalid = ".invalid"

var letters = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// pseudonym returns what stands for a text of a kind.
func (x *Redactor) pseudonym(kind, s string) string {
	x.mac.Reset()
	x.mac.Write([]byte(kind + "\x00" + s))
	return kind + "-" + letters.EncodeToString(x.mac.Sum(nil))[:pseudonymLetters]
}

// local returns the pseudonym of a local part. The same at another domain has another one: `info` would be told by how often
// it is there.
func (x *Redactor) local(local, domain string) string {
	return x.pseudonym("u", local+"@"+classify.Domain(domain))
}

// address redacts what is known to be an address, or the name of a local user.
func (x *Redactor) address(s string) string {
	if s == "" || s == parsers.NullSender {
		return s
	}
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return x.local(s, "")
	}
	return x.local(s[:i], s[i+1:]) + "@" + x.domain(s[i+1:])
}

// domain redacts what is known to be a domain, or an address literal.
func (x *Redactor) domain(s string) string {
	if x.level != RedactAll || s == "" {
		return s
	}
	if ip, ok := strings.CutPrefix(s, "["); ok {
		return "[" + x.ip(strings.TrimSuffix(ip, "]")) + "]"
	}
	return x.pseudonym("d", classify.Domain(s)) + invalid
}

// provider redacts a provider that has only the domain of its servers for a name.
func (x *Redactor) provider(s string) string {
	if x.providers[s] {
		return s
	}
	return x.domain(s)
}

// host redacts what is known to be the name of a host, or its address.
func (x *Redactor) host(s string) string {
	if x.level != RedactAll || s == "" {
		return s
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return x.ip(s)
	}
	if strings.Contains(s, ".") {
		return x.domain(s)
	}
	return x.pseudonym("host", lower(s))
}

// ip redacts what is known to be an IP address. Loopback addresses are everybody's: 127.0.0.2 is the answer of a block list.
func (x *Redactor) ip(s string) string {
	if x.level != RedactAll || s == "" {
		return s
	}
	if ip, err := netip.ParseAddr(strings.TrimPrefix(lower(s), "ipv6:")); err == nil {
		if ip.IsLoopback() || ip.IsUnspecified() {
			return s
		}
		s = ip.Unmap().WithZone("").String()
	}
	return x.pseudonym("ip", s)
}
