package gate

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Expr is an expression that was read: a metric, selectors, a comparison and a limit.
//
//	expression = metric [ "{" selector *( "," selector ) "}" ] comparison limit
//	selector   = label ( "=" | "!=" ) value *( "|" value )
//	value      = 1*( any character but blanks and { } , | = ! < > " ) | <"> any but <"> and \, or \" or \\ <">
//	comparison = "<" | "<=" | "==" | "!=" | ">=" | ">"
//	limit      = number [ "%" ] | 1*( number ( "ms" | "s" | "m" | "h" | "d" ) )
//
// A number is decimal, without sign and exponent. Blanks may stand anywhere between these.
type Expr struct {
	metric    *metric
	selectors []selector
	op        op
	limit     *big.Rat // a count, a fraction of one, or seconds
	limitText string
	by        []string // the breakdown that it needs; nil: none
}

// Breakdown returns the dimensions of the breakdown that a report must have for x to be judged, one or two; nil: any report
// will do.
func (x *Expr) Breakdown() []string { return x.by }

// maxExpr bounds the length of an expression, in bytes.
const maxExpr = 4096

// A SyntaxError says what is wrong with an expression, and where.
type SyntaxError struct {
	Expr   string
	Column int // from 1, in characters
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("gate %q: column %d: %s", e.Expr, e.Column, e.Msg)
}

// An op is a comparison.
type op uint8

const (
	less op = iota
	lessEqual
	equal
	notEqual
	greaterEqual
	greater
)

func (o op) String() string { return [...]string{"<", "<=", "==", "!=", ">=", ">"}[o] }

// holds reports whether the comparison is true of two values that compare like c, as big.Rat.Cmp has it.
func (o op) holds(c int) bool {
	return [...]bool{c < 0, c <= 0, c == 0, c != 0, c >= 0, c > 0}[o]
}

// A selector picks rows by one label.
type selector struct {
	label  label
	not    bool
	values []string // one of them; in the form that rows have
}

func (s *selector) String() string {
	b := s.label.String()
	if s.not {
		b += "!"
	}
	b += "="
	for i, v := range s.values {
		if i > 0 {
			b += "|"
		}
		b += quoteValue(v)
	}
	return b
}

// matches reports whether the label of a row has a value that s picks.
func (s *selector) matches(value string) bool {
	return slices.ContainsFunc(s.values, func(v string) bool { return labels[s.label].match(v, value) }) != s.not
}

// A scanner reads an expression from left to right.
type scanner struct {
	text string
	at   int
}

// Parse reads an expression. Its error is a *SyntaxError.
func Parse(text string) (*Expr, error) {
	s := &scanner{text: text}
	if len(text) > maxExpr {
		s.text = text[:60]
		return nil, s.errorf(0, "longer than %d bytes", maxExpr)
	}
	if !utf8.ValidString(text) {
		return nil, s.errorf(0, "not UTF-8")
	}
	x := &Expr{}
	s.blanks()
	at := s.at
	name := s.word()
	if name == "" {
		return nil, s.errorf(at, "want a metric, such as bounce_rate")
	}
	for i := range metrics {
		if metrics[i].name == name {
			x.metric = &metrics[i]
		}
	}
	if x.metric == nil {
		return nil, s.errorf(at, "unknown metric %q%s; --list-metrics names them all", clip(name), didYouMean(name, metricNames()))
	}
	s.blanks()
	if s.take("{") {
		if err := s.selectors(x); err != nil {
			return nil, err
		}
	}
	if err := x.metric.check(x); err != nil {
		return nil, s.errorf(at, "%v", err)
	}
	s.blanks()
	if err := s.comparison(x); err != nil {
		return nil, err
	}
	s.blanks()
	if err := s.limit(x); err != nil {
		return nil, err
	}
	s.blanks()
	if s.at < len(text) {
		return nil, s.errorf(s.at, "want nothing more, got %q", clip(text[s.at:]))
	}
	return x, nil
}

// selectors reads what stands in braces, of which the first is behind.
func (s *scanner) selectors(x *Expr) error {
	for {
		s.blanks()
		at := s.at
		name := s.word()
		if name == "" {
			return s.errorf(at, "want a label, such as provider")
		}
		l, ok := parseLabel(name)
		if !ok {
			return s.errorf(at, "unknown label %q%s; want one of %s", clip(name), didYouMean(name, labelNames()), strings.Join(labelNames(), ", "))
		}
		if slices.ContainsFunc(x.selectors, func(o selector) bool { return o.label == l }) {
			return s.errorf(at, "label %s a second time; give several values as %s=a|b", name, name)
		}
		sel := selector{label: l}
		s.blanks()
		switch at := s.at; {
		case s.take("!="):
			sel.not = true
		case s.take("=="):
			return s.errorf(at, "want = or != after a label, got ==")
		case !s.take("="):
			return s.errorf(at, "want = or != after %s", name)
		}
		for {
			s.blanks()
			at := s.at
			v, err := s.value()
			if err != nil {
				return err
			}
			v, msg := labels[l].read(v)
			if msg != "" {
				return s.errorf(at, "%s", msg)
			}
			if !slices.Contains(sel.values, v) {
				sel.values = append(sel.values, v)
			}
			s.blanks()
			if !s.take("|") {
				break
			}
		}
		x.selectors = append(x.selectors, sel)
		switch {
		case s.take("}"):
			return nil
		case !s.take(","):
			return s.errorf(s.at, "want , or } after a selector")
		}
	}
}

// ends are the characters that end a bare value.
const ends = "{},|=!<>\" \t"

// value reads a value, bare or in quotes.
func (s *scanner) value() (string, error) {
	at := s.at
	if !s.take(`"`) {
		end := strings.IndexAny(s.text[s.at:], ends)
		if end < 0 {
			end = len(s.text) - s.at
		}
		s.at += end
		if end == 0 {
			return "", s.errorf(at, "want a value")
		}
		return s.text[at:s.at], nil
	}
	var b strings.Builder
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"' && b.Len() == 0:
			return "", s.errorf(at, "empty value")
		case c == '"':
			return b.String(), nil
		case c == '\\':
			if s.at == len(s.text) || s.text[s.at] != '"' && s.text[s.at] != '\\' {
				return "", s.errorf(s.at-1, `want \" or \\ in quotes`)
			}
			c = s.text[s.at]
			s.at++
		}
		b.WriteByte(c)
	}
	return "", s.errorf(at, "the quote has no end")
}

func quoteValue(v string) string {
	if !strings.ContainsAny(v, ends+`\`) {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

func (s *scanner) comparison(x *Expr) error {
	for _, o := range []op{lessEqual, greaterEqual, equal, notEqual, less, greater} { // the long ones first
		if s.take(o.String()) {
			x.op = o
			return nil
		}
	}
	if strings.HasPrefix(s.text[s.at:], "=") {
		return s.errorf(s.at, "want a comparison, got =; did you mean ==?")
	}
	return s.errorf(s.at, "want one of < <= == != >= >")
}

// limit reads what the metric is compared with.
func (s *scanner) limit(x *Expr) error {
	from := s.at
	n, err := s.number()
	if err != nil {
		return err
	}
	switch x.metric.unit {
	case count:
		if s.take("%") {
			return s.errorf(from, "%s is a number, not a percentage%s", x.metric.name, x.metric.orShare())
		}
		if !n.IsInt() {
			return s.errorf(from, "%s is a whole number", x.metric.name)
		}
	case share:
		if s.take("%") {
			n.Quo(n, big.NewRat(100, 1))
		} else if n.Cmp(big.NewRat(1, 1)) > 0 {
			return s.errorf(from, "%s is a share: give a percentage like %s%%, or a fraction of one", x.metric.name, s.text[from:s.at])
		}
		if n.Cmp(big.NewRat(1, 1)) > 0 {
			return s.errorf(from, "a share is never more than 100%%")
		}
	case duration:
		total := new(big.Rat)
		for {
			at := s.at
			u, ok := durationUnits[s.letters()]
			if !ok {
				return s.errorf(at, "%s is a time: give a unit, ms, s, m, h or d", x.metric.name)
			}
			total.Add(total, n.Mul(n, big.NewRat(u, 1000)))
			if s.at == len(s.text) || s.text[s.at] < '0' || s.text[s.at] > '9' {
				break
			}
			if n, err = s.number(); err != nil {
				return err
			}
		}
		n = total
	}
	x.limit, x.limitText = n, s.text[from:s.at]
	return nil
}

// number reads a decimal number without sign and exponent.
func (s *scanner) number() (*big.Rat, error) {
	const most = 18 // digits
	from, digits, dots := s.at, 0, 0
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c >= '0' && c <= '9':
			digits++
			continue
		case c == '.' && digits > 0 && dots == 0:
			dots++
			continue
		}
		break
	}
	text := s.text[from:s.at]
	switch {
	case digits == 0:
		return nil, s.errorf(from, "want a number")
	case strings.HasSuffix(text, "."):
		return nil, s.errorf(s.at, "want a digit after the point")
	case digits > most:
		return nil, s.errorf(from, "a number of more than %d digits", most)
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, s.errorf(from, "want a number")
	}
	return n, nil
}

func (s *scanner) blanks() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
}

func (s *scanner) take(what string) bool {
	if !strings.HasPrefix(s.text[s.at:], what) {
		return false
	}
	s.at += len(what)
	return true
}

// word reads a name: letters and underscores, and digits after the first of them.
func (s *scanner) word() string {
	from := s.at
	for ; s.at < len(s.text); s.at++ {
		c := s.text[s.at]
		if !isLetter(c) && c != '_' && (c < '0' || c > '9' || s.at == from) {
			break
		}
	}
	return s.text[from:s.at]
}

func (s *scanner) letters() string {
	from := s.at
	for s.at < len(s.text) && isLetter(s.text[s.at]) {
		s.at++
	}
	return s.text[from:s.at]
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func (s *scanner) errorf(at int, format string, args ...any) error {
	return &SyntaxError{s.text, utf8.RuneCountInString(s.text[:at]) + 1, fmt.Sprintf(format, args...)}
}

// clip shortens a text for an error.
func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// didYouMean returns a question for whoever mistyped a name: the known one that takes the fewest changes, where these are
// few.
func didYouMean(name string, known []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance returns how many insertions, deletions, replacements and swaps of neighbours make b of a (optimal string
// alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
