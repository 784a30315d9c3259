package cli

import (
	"fmt"
	"strconv"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// A code is a reply code, an enhanced code, or a pattern of either.
type code struct {
	reply    parsers.ReplyCode
	enhanced parsers.EnhancedCode
	pattern  string // `5xx`, `55x`, `5.7.x`, in lower case; empty: it is none
}

// parseCodes reads a text that is nothing but codes. It returns none where anything else stands in it.
func parseCodes(text string) (codes []code) {
	for _, word := range strings.Fields(text) {
		c, ok := parseCode(strings.Trim(word, "()[]#,;:"))
		if !ok {
			return nil
		}
		codes = append(codes, c)
	}
	return codes
}

func parseCode(s string) (code, bool) {
	if len(s) == 3 && strings.Trim(s, "0123456789") == "" {
		n, _ := strconv.Atoi(s)
		return code{reply: parsers.ReplyCode(n)}, n > 0
	}
	if e, ok := parsers.ParseEnhanced(s); ok {
		return code{enhanced: e}, true
	}
	s = strings.NewReplacer("*", "x", "y", "x", "z", "x").Replace(strings.ToLower(s))
	if len(s) == 3 && s[0]-'0' <= 9 && s[2] == 'x' && (s[1] == 'x' || s[1]-'0' <= 9) {
		return code{pattern: s}, true
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != 1 || !strings.Contains(s, "x") || !strings.Contains("245x", parts[0]) {
		return code{}, false
	}
	for _, p := range parts[1:] {
		if p != "x" && (p == "" || len(p) > 3 || strings.Trim(p, "0123456789") != "") {
			return code{}, false
		}
	}
	return code{pattern: s}, true
}

// failing reports whether codes are those of a failure.
func failing(codes []code) bool {
	for _, c := range codes {
		for _, class := range []parsers.Class{c.reply.Class(), c.enhanced.Class()} {
			if class == parsers.Transient || class == parsers.Permanent {
				return true
			}
		}
	}
	return false
}

// A codeInfo is what is known of a code.
type codeInfo struct {
	Code     string      `json:"code"`
	Kind     string      `json:"kind"` // reply code or enhanced code
	Meaning  string      `json:"meaning"`
	Standing string      `json:"standing"` // standard, associated, obsolete, vendor, registered, unregistered, none
	Source   string      `json:"source"`
	Said     string      `json:"-"`               // standing and source in words
	Basic    string      `json:"basic,omitempty"` // reply codes that an enhanced code is registered with
	Digits   []digitInfo `json:"digits"`
	Known    []knownCode `json:"known,omitempty"` // of a pattern: the codes that it stands for
}

type digitInfo struct {
	Digit   string `json:"digit"`
	Name    string `json:"name,omitempty"`
	Meaning string `json:"meaning"`
	Source  string `json:"source"`
}

type knownCode struct {
	Code     string `json:"code"`
	Meaning  string `json:"meaning"`
	Standing string `json:"standing"`
	Source   string `json:"source"`
}

func digits(list []classify.Digit) []digitInfo {
	all := make([]digitInfo, 0, len(list))
	for _, d := range list {
		all = append(all, digitInfo{d.Text, d.Name, d.Meaning, d.Source})
	}
	return all
}

// standings say how far the meaning of a reply code can be trusted.
var standings = map[classify.Standing]string{
	classify.Standard:   "standard",
	classify.Associated: "no standard defines it; the registry names it beside an enhanced code",
	classify.Obsolete:   "historic, or of a draft that expired",
	classify.Vendor:     "vendor usage or folklore, no standard defines it: trust the text first",
}

// info says what is known of a code.
func (c code) info() codeInfo {
	switch {
	case c.pattern != "" && strings.Contains(c.pattern, "."):
		return c.enhancedPattern()
	case c.pattern != "":
		return c.replyPattern()
	case !c.enhanced.IsZero():
		return enhancedInfo(c.enhanced)
	}
	return replyInfo(c.reply)
}

func replyInfo(c parsers.ReplyCode) codeInfo {
	x := codeInfo{Code: fmt.Sprintf("%03d", int(c)), Kind: "reply code", Meaning: classify.DescribeReplyCode(c), Standing: "none", Digits: digits(classify.DigitsOf(c))}
	x.Source, x.Said = "RFC 5321 4.3.2", "not a listed code: only its digits tell (RFC 5321 4.3.2)"
	if c < 200 || c > 599 {
		x.Source, x.Said = "RFC 5321 4.2", "no standard defines it (RFC 5321 4.2)"
	}
	if r, ok := classify.LookupReplyCode(c); ok {
		x.Standing, x.Source = r.Standing.String(), r.Source
		x.Said = standings[r.Standing] + " (" + r.Source + ")"
	}
	return x
}

func enhancedInfo(e parsers.EnhancedCode) codeInfo {
	info, ok := classify.LookupEnhancedCode(e)
	x := codeInfo{Code: e.String(), Kind: "enhanced code", Meaning: info.Text, Standing: "registered", Source: info.Source, Basic: info.Basic, Digits: digits(classify.EnhancedDigitsOf(e))}
	switch {
	case !ok:
		x.Meaning, x.Standing, x.Source = "not a registered code: a vendor's own", "none", "RFC 3463 2"
		if info.Subject != "" {
			x.Meaning += "; by its subject about " + info.Subject
		}
		x.Said = "not in the registry of RFC 5248: vendor usage, trust the text first"
	case !info.Registered:
		x.Standing, x.Said = "vendor", "vendor usage, not in the registry of RFC 5248 ("+info.Source+")"
	default:
		x.Said = "registered (" + info.Source + ")"
		if x.Basic != "" {
			x.Said += ", with reply code " + strings.ToLower(x.Basic)
		}
	}
	return x
}

// replyPattern explains `5xx` and `55x`.
func (c code) replyPattern() codeInfo {
	first := int(c.pattern[0] - '0')
	d := classify.ClassDigit(first)
	x := codeInfo{Code: c.pattern, Kind: "reply code", Meaning: d.Meaning, Standing: "standard", Source: d.Source, Said: "standard (" + d.Source + ")", Digits: []digitInfo{}}
	if d.Name != "" {
		x.Meaning = d.Name + ": " + d.Meaning
	}
	if first < 2 || first > 5 {
		x.Standing, x.Said = "none", "not a class of replies ("+d.Source+")"
	}
	low, high := parsers.ReplyCode(first*100), parsers.ReplyCode(first*100+99)
	if s := c.pattern[1]; s != 'x' {
		low += 10 * parsers.ReplyCode(s-'0')
		high = low + 9
		x.Digits = digits(classify.DigitsOf(low))
		if len(x.Digits) == 3 {
			x.Digits = x.Digits[:2]
		}
	}
	for _, r := range classify.ReplyCodes() {
		if low <= r.Code && r.Code <= high {
			x.Known = append(x.Known, knownCode{r.Code.String(), r.Meaning, r.Standing.String(), r.Source})
		}
	}
	return x
}

// enhancedPattern explains `5.7.x` and `x.2.2`.
func (c code) enhancedPattern() codeInfo {
	parts := strings.Split(c.pattern, ".")
	number := func(i int) (n int, given bool) {
		n, err := strconv.Atoi(parts[i])
		return n, err == nil
	}
	class, haveClass := number(0)
	subject, haveSubject := number(1)
	detail, haveDetail := number(2)
	x := codeInfo{Code: c.pattern, Kind: "enhanced code", Standing: "registered", Source: "RFC 3463 2", Said: "classes and subjects: RFC 3463 2; details: the registry of RFC 5248", Digits: []digitInfo{}}
	e := parsers.EnhancedCode{uint16(class), ^uint16(0), 0}
	if haveSubject {
		e[1] = uint16(subject)
	}
	x.Digits = digits(classify.EnhancedDigitsOf(e))
	var words []string
	for _, d := range x.Digits {
		words = append(words, d.Name)
	}
	x.Meaning = strings.Join(words, ", ")
	if x.Meaning == "" {
		x.Meaning = "any"
	}
	for _, k := range classify.EnhancedCodes() {
		if haveSubject && int(k[1]) != subject || haveDetail && int(k[2]) != detail {
			continue
		}
		info, _ := classify.LookupEnhancedCode(k)
		standing := "registered"
		if !info.Registered {
			standing = "vendor"
		}
		name := "x" + k.String()[1:]
		if haveClass {
			name = strconv.Itoa(class) + k.String()[1:]
		}
		x.Known = append(x.Known, knownCode{name, info.Text, standing, info.Source})
	}
	if len(x.Known) == 0 {
		x.Standing, x.Said = "none", "no such code is registered (RFC 5248): vendor usage, trust the text first"
	}
	return x
}
