package custom

import (
	"errors"
	"fmt"
	"strings"
)

// A dissection is a compiled pattern: the literals between the slots are looked for from left to right, each slot takes what
// stands before the next one. Behind the slot marked `...` they are looked for from right to left.
//
// Note: thirty times as fast as a regular expression of the same shape, and the one thing a log line can do to it is not to
// match.
type dissection struct {
	start  string // the literal before the first slot
	cuts   []cut
	greedy int    // the slot of `...`, negative: none; then
	tail   []cut  // what follows it, from right to left, and
	end    string // the literal that is its end, or the pattern's

	open bool // a prefix: text may follow the last slot, which ends at a blank
}

// A cut is a slot and the literal that ends it; in a tail, the literal before it.
type cut struct {
	slot int // negative: nobody asks for it
	lit  string
	pad  bool        // the literal may come several times
	time clockCutter // of a time: it may hold the literal
}

// A slot is a `%{…}` of a pattern.
type slot struct {
	name   string // empty: nobody asks for it
	as     string
	field  string // with `|map:`, the field that the value is for
	pad    bool
	greedy bool
}

// readSlot reads what stands between the braces.
func readSlot(s string) (t slot, err error) {
	if rest, ok := strings.CutSuffix(s, "..."); ok {
		t.greedy, s = true, rest
	} else if rest, ok := strings.CutSuffix(s, "->"); ok {
		t.pad, s = true, rest
	}
	s, t.as, _ = strings.Cut(s, ":")
	if field, ok := strings.CutSuffix(s, "|map"); ok { // %{status|map:res}: what is called res goes to status, by [map]
		if s, t.as, t.field = t.as, "", field; s == "" {
			return t, fmt.Errorf("%%{%s|map:}: name what [map] takes the field from", field)
		}
	}
	if s == "_" || strings.HasPrefix(s, "?") {
		s = ""
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return !nameRune(r) }); i >= 0 {
		return t, fmt.Errorf("%%{%s}: a name is made of letters, digits, points, _ and -", s)
	}
	t.name = s
	return t, nil
}

func nameRune(r rune) bool {
	return r == '_' || r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
}

// compileDissection compiles a pattern. place fills in where a value goes, and how long it is. With open, the pattern is
// that of a prefix.
func compileDissection(pattern string, open bool, place func(*cut, slot) error) (*dissection, error) {
	d := &dissection{greedy: -1, open: open}
	start, rest, found := strings.Cut(pattern, "%{")
	if !found {
		return nil, errors.New("the pattern has no slot; write %{recipient} where the recipient stands")
	}
	d.start = start
	var slots []slot
	var cuts []cut
	for found {
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%%{%s: the slot is not closed; write %%{name}", inner)
		}
		t, err := readSlot(inner)
		if err != nil {
			return nil, err
		}
		c := cut{slot: -1, pad: t.pad}
		if t.name != "" {
			if err := place(&c, t); err != nil {
				return nil, err
			}
		}
		c.lit, rest, found = strings.Cut(after, "%{")
		if found && c.lit == "" {
			return nil, fmt.Errorf("%%{%s}: a slot follows at once; put the text between them that ends the first", inner)
		}
		slots, cuts = append(slots, t), append(cuts, c)
	}
	return d, d.arrange(slots, cuts)
}

// arrange makes the cuts before the greedy slot ones from the left, and those behind it ones from the right.
func (d *dissection) arrange(slots []slot, cuts []cut) error {
	greedy := len(cuts) - 1 // what the last slot takes is what is left
	marked := 0
	for i, t := range slots {
		if t.greedy {
			greedy = i
			if marked++; marked > 1 {
				return fmt.Errorf("%%{%s...}: a second slot with three dots; one at most can take what is left", t.name)
			}
		}
	}
	if d.open {
		if marked > 0 {
			return errors.New("three dots in a prefix: it ends where the text begins; use them in the rule's pattern")
		}
		d.cuts = cuts
		return nil
	}
	d.cuts, d.greedy, d.end = cuts[:greedy], cuts[greedy].slot, cuts[greedy].lit
	if greedy == len(cuts)-1 {
		return nil
	}
	for i := len(cuts) - 1; i > greedy; i-- {
		if cuts[i].pad {
			return errors.New("-> behind the slot with three dots: there, the text is read from its end; leave it out")
		}
		c := cut{slot: cuts[i].slot, lit: cuts[i-1].lit}
		d.tail = append(d.tail, c)
	}
	d.end = cuts[len(cuts)-1].lit
	return nil
}

// match fills rec from a text that the pattern fits, all of it.
func (d *dissection) match(s string, rec *record) bool {
	s, ok := d.forward(s, rec)
	if !ok {
		return false
	}
	if s, ok = strings.CutSuffix(s, d.end); !ok {
		return false
	}
	for i := range d.tail {
		c := &d.tail[i]
		at := strings.LastIndex(s, c.lit)
		if at < 0 {
			return false
		}
		rec.set(c.slot, s[at+len(c.lit):])
		s = s[:at]
	}
	rec.set(d.greedy, s)
	return true
}

// timeLength returns the length of a time that s begins with, where what ends it follows; zero for all else.
func (c *cut) timeLength(s string) int {
	if c.time == nil {
		return 0
	}
	n := c.time(s)
	if !strings.HasPrefix(s[n:], c.lit) {
		return 0
	}
	return n
}

// forward takes the cuts from the left, and returns what is left.
func (d *dissection) forward(s string, rec *record) (rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, d.start); !ok {
		return s, false
	}
	for i := range d.cuts {
		c := &d.cuts[i]
		var value string
		if n := c.timeLength(s); n > 0 {
			value, s = s[:n], s[n+len(c.lit):]
		} else if c.lit == "" { // the last slot of a prefix
			value, s, _ = strings.Cut(s, " ")
		} else if i := index(s, c.lit); i < 0 {
			return s, false
		} else {
			value, s = s[:i], s[i+len(c.lit):]
			for c.pad && strings.HasPrefix(s, c.lit) {
				s = s[len(c.lit):]
			}
		}
		rec.set(c.slot, value)
		if c.lit == "" {
			s = strings.TrimLeft(s, " ")
		}
	}
	return s, true
}

// index is strings.Index for a short text that is near: it costs half as much. Where its first byte is everywhere, the
// latter is better.
func index(s, lit string) int {
	i := 0
	for range 8 {
		n := strings.IndexByte(s[i:], lit[0])
		if n < 0 {
			return -1
		}
		if i += n; strings.HasPrefix(s[i:], lit) {
			return i
		}
		i++
	}
	if n := strings.Index(s[i:], lit); n >= 0 {
		return i + n
	}
	return -1
}
