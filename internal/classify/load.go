package classify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"bouncelog/parsers"
)

// ParseFile reads rules, or a table of providers, from TOML. name is that of the file, for messages, each of which says
// where in the file it is about.
func ParseFile(name string, text []byte) ([]Rule, []Provider, error) {
	if len(tableLines(text, "[[provider]]")) > 0 && len(tableLines(text, "[[rule]]")) == 0 {
		list, err := parseProviders(name, text)
		return nil, list, err
	}
	rules, err := ParseRules(name, text)
	return rules, nil, placed(err, name, text)
}

// BuiltinFile returns the text of a file of rules that comes with the program.
func BuiltinFile(name string) ([]byte, error) {
	return fs.ReadFile(builtin, path.Join("rules", name))
}

// Prefer has rules asked before all others of their tiers.
func Prefer(rules []Rule) {
	for i := range rules {
		rules[i].order -= preferred
	}
}

// preferred is more than any order.
const preferred = 1 << 20

// SourceText returns the lines of a file that a rule is written in, as [Rule.Where] tells them, and what stands above it
// as a comment.
func (r *Rule) SourceText(file []byte) string {
	i := strings.LastIndexByte(r.Where, ':')
	first, err := strconv.Atoi(r.Where[i+1:])
	lines := strings.SplitAfter(string(file), "\n")
	if i < 0 || err != nil || first < 1 || first > len(lines) {
		return ""
	}
	end := first
	for end < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[end]), "[[") {
		end++
	}
	// What stands right above the next rule is about it.
	for end > first && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(lines[end-1], "#")) {
		end--
	}
	begin := first - 1
	for begin > 0 && strings.HasPrefix(lines[begin-1], "#") && !strings.HasPrefix(lines[begin-1], "# ---") {
		begin--
	}
	return strings.TrimSpace(strings.Join(lines[begin:end], "")) + "\n"
}

// ExampleOf makes an attempt of an example of a rule. What the example does not say is what the rule asks for.
func (c *Classifier) ExampleOf(r *Rule, e *Example) parsers.Attempt {
	known := parsers.Attempt{Origin: parsers.OriginRemote}
	if e.Origin == "local" || e.Origin == "" && r.Origin == "local" {
		known.Origin = parsers.OriginLocal
	}
	provider, phase := e.Provider, e.Phase
	if provider == "" && len(r.For) > 0 {
		provider = r.For[0]
	}
	if phase == "" && len(r.Phase) > 0 {
		phase = r.Phase[0]
	}
	if i, ok := c.providers.byName[provider]; ok {
		if p := &c.providers.list[i]; len(p.MX) > 0 {
			known.RelayHost = "mx1." + strings.TrimPrefix(p.MX[0], ".")
		} else if len(p.Domains) > 0 {
			known.Recipient = "u@" + p.Domains[0]
		}
	}
	if commands := phaseNames[phase]; len(commands) > 0 {
		known.Command = commands[0]
	}
	a := known
	a.Diagnostic = e.Text
	a.Reply, _ = parsers.ParseReply(e.Text)
	if known.Origin == parsers.OriginLocal {
		a.DSN, a.Reply = a.Reply.Enhanced, parsers.Reply{}
	} else if a.Reply.Text == "" {
		a.Reply.Text = e.Text
	}
	a.Status = parsers.StatusBounced
	if a.Reply.Code.Class() == parsers.Transient {
		a.Status = parsers.StatusDeferred
	}
	return a
}

// placed gives each error of ParseRules a line of its own, and the place of what it quotes.
func placed(err error, name string, text []byte) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	lines := bytes.Split(text, []byte("\n"))
	var errs []error
	for _, e := range joined.Unwrap() {
		inner := errors.Unwrap(e)
		if inner == nil {
			errs = append(errs, e)
			continue
		}
		prefix := strings.TrimSuffix(e.Error(), inner.Error())
		where, what, found := strings.Cut(prefix, ": rule ")
		first, atoi := strconv.Atoi(where[strings.LastIndexByte(where, ':')+1:])
		list := []error{inner}
		if many, ok := inner.(interface{ Unwrap() []error }); ok {
			list = many.Unwrap()
		}
		for _, one := range list {
			if !found || atoi != nil {
				errs = append(errs, fmt.Errorf("%s%w", prefix, one))
				continue
			}
			line, column := placeOf(one.Error(), lines, first)
			errs = append(errs, fmt.Errorf("%s:%d:%d: rule %s%w", name, line, column, what, one))
		}
	}
	return errors.Join(errs...)
}

// placeOf returns where in the rule at line first a message's quoted value stands, else where the rule begins.
func placeOf(msg string, lines [][]byte, first int) (line, column int) {
	value := ""
	if i := strings.IndexByte(msg, '"'); i >= 0 {
		if s, err := strconv.QuotedPrefix(msg[i:]); err == nil {
			value, _ = strconv.Unquote(s)
		}
	}
	switch {
	case strings.HasPrefix(msg, "the id "):
		value = "id"
	case strings.HasPrefix(msg, "seq "):
		value = "seq"
	case strings.HasPrefix(msg, "each "):
		value = "each"
	case strings.HasPrefix(msg, "re "), strings.HasPrefix(msg, "error parsing regexp"):
		value = "re"
	}
	for n := first; n < len(lines) && value != ""; n++ {
		if bytes.HasPrefix(bytes.TrimSpace(lines[n]), []byte("[[")) {
			break
		}
		if i := bytes.Index(lines[n], []byte(value)); i >= 0 {
			return n + 1, i + 1
		}
	}
	return first, 1
}

// tableLines returns the lines at which the tables of a name begin.
func tableLines(text []byte, name string) (lines []int) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte(name)) {
			lines = append(lines, n)
		}
	}
	return lines
}
