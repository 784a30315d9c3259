package custom

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A Learner sorts lines by their shape, and proposes a definition for those that tell of deliveries. It is for lines that no
// format knows.
type Learner struct {
	lines  int
	shapes map[string]*Shape
}

// The limits of what a Learner keeps, whatever the log says.
const (
	maxLines   = 100_000 // that are sorted, out of any number
	maxShapes  = 4096
	maxLearned = 8 << 10 // bytes of a line
	maxPaths   = 256     // of a JSON object
	maxWords   = 24      // that stand for a status
)

// A Shape is what many lines have in common.
type Shape struct {
	Lines   int    // how many
	Example string // the first of them

	tokens []token // of the example, behind its header
	paths  []string
	names  []field  // what each token, or the value at each path, is for
	words  []string // that stood where the status does
	rank   int      // its place among those that came
}

// NewLearner returns a Learner that knows nothing.
func NewLearner() *Learner { return &Learner{shapes: make(map[string]*Shape)} }

// Lines returns how many lines were added, and how many of them, the first, were sorted.
func (l *Learner) Lines() (all, sorted int) { return l.lines, min(l.lines, maxLines) }

// Add takes in a line. What it keeps of it, it clones.
func (l *Learner) Add(line *parsers.Line) {
	text := strings.TrimSpace(line.Text)
	if text == "" || len(text) > maxLearned || !utf8.ValidString(text) {
		return
	}
	if l.lines++; l.lines > maxLines {
		return
	}
	tokens, paths := tokensOfObject(text)
	key := "{" + strings.Join(paths, "\x00")
	if paths == nil {
		tokens = tokensOf(text)
		key = signature(tokens)
	}
	s := l.shapes[key]
	if s == nil {
		if len(l.shapes) == maxShapes {
			return
		}
		s = newShape(strings.Clone(line.Raw), strings.Clone(text))
		s.rank = len(l.shapes)
		l.shapes[strings.Clone(key)] = s
	}
	s.Lines++
	for i := range min(len(tokens), len(s.tokens)) {
		t := &s.tokens[i]
		if t.kind == wordToken && t.text != tokens[i].text {
			t.varies = true
		}
		if s.names[i] == statusField && len(s.words) < maxWords && !slices.Contains(s.words, tokens[i].text) {
			s.words = append(s.words, strings.Clone(tokens[i].text))
		}
	}
}

// newShape returns the shape of a line whose text behind the header is text.
func newShape(raw, text string) *Shape {
	s := &Shape{Example: raw}
	if s.tokens, s.paths = tokensOfObject(text); s.paths != nil {
		s.names = namesOfPaths(s.paths, s.tokens)
		return s
	}
	s.tokens = tokensOf(text)
	s.names = namesOf(s.tokens)
	return s
}

// Shapes returns the shapes, those of deliveries first, and then the most frequent.
func (l *Learner) Shapes() []*Shape {
	return slices.SortedFunc(maps.Values(l.shapes), func(a, b *Shape) int {
		if x, y := a.Delivery(), b.Delivery(); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Lines-a.Lines, a.rank-b.rank)
	})
}

// Delivery reports whether lines of this shape seem to tell of deliveries: they name a recipient, and what became of it.
func (s *Shape) Delivery() bool {
	has := func(f field) bool { return slices.Contains(s.names, f) }
	return has(recipientField) && (has(statusField) || has(diagnosticField) || has(replyCodeField))
}

// context reports whether lines of this shape tell the sender of a message whose deliveries are told elsewhere.
func (s *Shape) context() bool {
	return slices.Contains(s.names, queueIDField) && slices.Contains(s.names, senderField) && !slices.Contains(s.names, recipientField)
}

func (s *Shape) String() string {
	if s.paths == nil {
		return s.pattern()
	}
	var b strings.Builder
	b.WriteString("{ ")
	for i, path := range s.paths {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(path)
		if f := s.names[i]; f != noField {
			b.WriteString(" → " + f.String())
		}
	}
	return b.String() + " }"
}

// pattern returns the shape as a pattern to dissect lines by.
func (s *Shape) pattern() string {
	var b strings.Builder
	for i, t := range s.tokens {
		f := s.names[i]
		switch {
		case f == timeField:
			fmt.Fprintf(&b, "%%{time:%s}", cmp.Or(layoutOf(t.text), "epoch"))
		case f == diagnosticField && i < len(s.tokens)-1:
			b.WriteString("%{diagnostic...}")
		case f != noField:
			fmt.Fprintf(&b, "%%{%s}", f)
		case t.kind == gapToken || t.kind == wordToken && !t.varies:
			b.WriteString(t.text)
		default:
			b.WriteString("%{_}")
		}
	}
	return b.String()
}

// tokensOfObject returns the values of a JSON object as tokens, and their paths; nil where the text is none.
func tokensOfObject(text string) (tokens []token, paths []string) {
	if !strings.HasPrefix(text, "{") || !fields.Object(text, nil, nil) {
		return nil, nil
	}
	paths = []string{}
	var walk func(prefix string, v fields.Value, depth int)
	walk = func(prefix string, v fields.Value, depth int) {
		for key, e := range v.Members() {
			path := prefix + strings.ReplaceAll(key, ".", `\.`)
			if e.IsObject() && depth < 4 {
				walk(path+".", e, depth+1)
				continue
			}
			if s, ok := textOf(e); ok && len(paths) < maxPaths {
				paths = append(paths, path)
				tokens = append(tokens, token{kind: kindOfValue(s), text: s})
			}
		}
	}
	walk("", fields.Value{Raw: text}, 0)
	return tokens, paths
}

// kindOfValue tells what a value that stands alone is.
func kindOfValue(s string) tokenKind {
	if _, ok := parsers.ParseReply(s); ok && len(s) > 4 {
		return replyToken
	}
	if layoutOf(s) != "" {
		return stampToken
	}
	if s == "" || strings.Contains(s, " ") {
		return textToken
	}
	kind, n := leading(s, nil)
	if n < len(s) {
		return textToken
	}
	return kind
}

// namesOfPaths returns what field the value at each path is for.
func namesOfPaths(paths []string, tokens []token) []field {
	names := make([]field, len(paths))
	var taken [numFields]bool
	for i, path := range paths {
		key := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
		f := guessed(key, tokens[i].kind)
		if f == noField && tokens[i].kind == replyToken {
			f = diagnosticField
		}
		if !taken[f] {
			names[i], taken[f] = f, true
		}
	}
	return names
}

// maxRulesLearned is how many shapes a proposal has rules for.
const maxRulesLearned = 5

// Definition returns a definition of the most frequent shapes of deliveries, called name, which is good as it stands; empty
// where there are none. Shapes that name the sender of a message go with them.
func (l *Learner) Definition(name string) string {
	var good []*Shape
	var d *Definition
	text := ""
	for _, s := range l.Shapes() {
		if len(good) == maxRulesLearned || len(good) == 0 && !s.Delivery() {
			break
		}
		if !s.Delivery() && !s.context() || len(good) > 0 && (s.paths == nil) != (good[0].paths == nil) { // one framing
			continue
		}
		if d != nil {
			if _, err := s.readBy(d); err != parsers.ErrForeign {
				continue // a rule reads it already
			}
		}
		more := append(slices.Clone(good), s)
		proposal := propose(name, more)
		with, err := Parse(name, []byte(proposal))
		if err == nil && !slices.ContainsFunc(more, func(s *Shape) bool { return !s.isReadBy(with) }) {
			good, d, text = more, with, proposal
		}
	}
	for _, s := range good {
		text += s.sample(d)
	}
	return text
}

// readBy returns what a definition makes of the example.
func (s *Shape) readBy(d *Definition) ([]parsers.Event, error) {
	lines, head := (&checker{Definition: d}).lines(&sample{text: s.Example})
	evs, err := d.read(lines, head)
	for i := range evs {
		if evs[i].Time == lines[0].Time {
			evs[i].Time = 0 // the header's, whose year may not be known
		}
	}
	return evs, err
}

// isReadBy reports whether a definition makes of the example what the shape promises.
func (s *Shape) isReadBy(d *Definition) bool {
	evs, err := s.readBy(d)
	return err == nil && (len(evs) > 0 || s.context())
}

// sample returns the example as the sample of a definition.
func (s *Shape) sample(d *Definition) string {
	evs, _ := s.readBy(d)
	var expect []string
	for i := range evs {
		expect = append(expect, Expect(&evs[i]))
	}
	all := strings.Join(expect, ", ")
	if len(expect) != 1 {
		all = "[" + all + "]"
	}
	return fmt.Sprintf("\n[[sample]]\nline = %s\nexpect = %s\n", quote(s.Example), all)
}

// propose writes a definition.
func propose(name string, shapes []*Shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name = %s\n", quote(name))
	var must []string
	for _, s := range shapes {
		if m := quote(s.must()); !slices.Contains(must, m) {
			must = append(must, m)
		}
	}
	json := shapes[0].paths != nil
	if json {
		b.WriteString("framing = 'json'\n")
	}
	if !slices.Contains(must, quote("")) {
		fmt.Fprintf(&b, "must = [%s]\n", strings.Join(must, ", "))
	}
	if json {
		proposeMap(&b, shapes)
	} else {
		for _, s := range shapes {
			fmt.Fprintf(&b, "\n[[rule]]\ndissect = %s\n", quote(s.pattern()))
			if table := statusTable(s.words); slices.Contains(s.names, statusField) {
				fmt.Fprintf(&b, "map = { status = { table = { %s }, default = 'by-code' } }\n", table)
			}
		}
	}
	return b.String()
}

// proposeMap writes where the fields are in JSON objects.
func proposeMap(b *strings.Builder, shapes []*Shape) {
	b.WriteString("\n[map]\n")
	var paths [numFields][]string
	var words []string
	for _, s := range shapes {
		for i, path := range s.paths {
			if f := s.names[i]; f != noField && !slices.Contains(paths[f], quote(path)) {
				paths[f] = append(paths[f], quote(path))
			}
		}
		words = append(words, s.words...)
	}
	for f, from := range paths {
		switch field := field(f); {
		case len(from) == 0:
		case field == statusField:
			fmt.Fprintf(b, "status = { from = [%s], table = { %s }, default = 'by-code' }\n", strings.Join(from, ", "), statusTable(words))
		default:
			fmt.Fprintf(b, "%s = [%s]\n", field, strings.Join(from, ", "))
		}
	}
}

// statusTable returns what words stand for, as far as that is known; what is not known is left to the codes.
func statusTable(words []string) string {
	var rows []string
	for _, w := range words {
		meaning := byCode
		if s := statusWord(w, true); s != 0 {
			meaning = s.String()
		}
		row := fmt.Sprintf("%s = '%s'", quote(w), meaning)
		if !slices.Contains(rows, row) {
			rows = append(rows, row)
		}
	}
	return strings.Join(rows, ", ")
}

// must returns the longest text that all lines of the shape hold.
func (s *Shape) must() (longest string) {
	for i, path := range s.paths {
		if s.names[i] == recipientField {
			return `"` + path[strings.LastIndexByte(path, '.')+1:] + `"`
		}
	}
	now := ""
	for i, t := range s.tokens {
		if s.names[i] == noField && (t.kind == gapToken || t.kind == wordToken && !t.varies) {
			now += t.text
		} else {
			now = ""
		}
		if len(strings.TrimSpace(now)) > len(longest) {
			longest = strings.TrimSpace(now)
		}
	}
	return longest
}
