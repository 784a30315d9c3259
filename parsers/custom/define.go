package custom

import (
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/parsers"
)

// The limits of a definition. A file of somebody else's may cost some time to read it, and some for every line, not more.
const (
	maxFile    = 256 << 10
	maxRules   = 64
	maxPattern = 4 << 10
)

// A framing is how the records of a format are cut, and their values.
type framing uint8

const (
	lineFraming framing = iota
	csvFraming
	w3cFraming
	jsonFraming
)

const w3cHeader = "#Fields:"

// A Definition is a format that a TOML document describes. It does not change.
type Definition struct {
	name, short string
	root        *node

	framing framing
	tags    []string
	must    []string
	zone    *time.Location
	raw     bool        // the header of a transport is part of the text
	whole   bool        // that header may be described too
	prefix  *dissection // nil: there is none
	detect  detection
	rules   []rule
	names   []string // of values, where they are not each rule's own
	join    *join
	samples []sample

	recipients []int // the numbers of the values that a recipient may come from

	delimiter byte // of CSV and W3C; zero: whichever the header has
	quoted    bool
	headed    bool
	columns   []string
	comment   string

	json struct {
		root    []string
		unwrap  []string
		explode []string
		whole   branch // of the outermost object
		inner   branch // of one that was wrapped
	}
}

// A detection is what lines are told by besides the rules.
type detection struct {
	contains []string
	columns  []string
	least    int // percent of the lines
}

// Name returns the name that --input-format takes.
func (d *Definition) Name() string { return d.name }

// File returns the file that the definition stands in.
func (d *Definition) File() string { return d.root.doc.file }

// ruleKeys are the keys of a rule, which may stand at the top where there is but one; csvKeys and jsonKeys those of their
// tables, which may do so too.
var (
	ruleKeys = []string{"when", "dissect", "regex", "parse", "ignore"}
	csvKeys  = []string{"delimiter", "header", "columns", "comment", "quote"}
	jsonKeys = []string{"root", "unwrap", "explode"}
)

// Parse reads a definition. name is that of the file, for messages. The errors are [*Error]s, joined, in the order of the
// file.
func Parse(name string, text []byte) (*Definition, error) {
	if len(text) > maxFile {
		return nil, &Error{File: name, Msg: fmt.Sprintf("%d bytes: a definition has at most %d", len(text), maxFile)}
	}
	root, err := readDocument(name, text)
	if err != nil {
		return nil, err
	}
	d := &Definition{root: root}
	d.define()
	if err := root.doc.err(); err != nil {
		return nil, err
	}
	return d, nil
}

// define reads the whole document, and notes its mistakes there.
func (d *Definition) define() {
	root := d.root
	root.keys("a definition", slices.Concat(
		[]string{"name", "short", "tags", "framing", "prefix", "must", "timezone", "detect", "rule", "map", "const", "json", "csv", "join", "sample"},
		ruleKeys, csvKeys)...)
	d.name = root.string("name")
	if !validName(d.name) {
		root.at = 0
		if n := root.get("name"); n != nil && n.kind == stringNode {
			n.errorf("name %q: a name is made of small letters, digits and hyphens, as --input-format takes it", d.name)
		} else if n == nil {
			root.errorf(`there is no name; put name = "acme" at the top`)
		}
	}
	d.short, d.tags, d.must = root.string("short"), root.strings("tags"), root.strings("must")
	if slices.Contains(d.must, "") {
		root.get("must").errorf("must: an empty text is in every line; leave it out")
	}
	d.readFraming()
	d.readZone()
	d.readDetection()
	d.readCSV()
	d.readJSON()
	names := d.readPrefix()
	d.readJoin()
	d.readRules(names)
	d.growBranches()
	d.readSamples()
}

func validName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c-'a' < 26 || c-'0' <= 9 || c == '-' && i > 0) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (d *Definition) readFraming() {
	word := d.root.string("framing")
	switch word {
	case "", "line":
		d.framing = lineFraming
	case "csv":
		d.framing = csvFraming
	case "w3c":
		d.framing = w3cFraming
	case "json":
		d.framing = jsonFraming
	default:
		d.root.get("framing").errorf("framing %q; use line, csv, w3c or json", word)
	}
}

func (d *Definition) readZone() {
	name := d.root.string("timezone")
	if name == "" {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		d.root.get("timezone").errorf("timezone %q is not known; give a name like Europe/Berlin or UTC", name)
	}
	d.zone = zone
}

func (d *Definition) readDetection() {
	n := d.root.child("detect")
	n.keys("detect", "contains", "columns", "min_ratio")
	d.detect.contains, d.detect.columns = n.strings("contains"), n.strings("columns")
	if least := n.get("min_ratio"); least != nil && least.is(numberNode, "min_ratio") {
		ratio, err := strconv.ParseFloat(least.text, 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) {
			least.errorf("min_ratio %s: give the least share of the lines that are of this format, 0 to 1", least.text)
		}
		d.detect.least = int(100 * ratio)
	}
	if len(d.detect.columns) > 0 && d.framing != csvFraming && d.framing != w3cFraming {
		n.get("columns").errorf("only framing csv and w3c have columns; use contains")
	}
}

func (d *Definition) readCSV() {
	n := d.root.child("csv")
	n.keys("csv", csvKeys...)
	n = d.alsoAtTop(n, csvKeys)
	if d.framing != csvFraming && d.framing != w3cFraming {
		if len(n.table) > 0 {
			n.table[0].node.errorf("%s is of framing csv; set that, or leave it out", n.table[0].key)
		}
		return
	}
	if d.framing == csvFraming {
		d.delimiter = ','
	}
	if n.get("delimiter") != nil {
		s := n.string("delimiter")
		if s == `\t` { // written in single quotes
			s = "\t"
		}
		if len(s) != 1 || s == "\n" || s == `"` {
			n.get("delimiter").errorf("delimiter %q: it is one character, such as \",\" or \"\\t\"", s)
		} else {
			d.delimiter = s[0]
		}
	}
	d.columns = n.strings("columns")
	d.headed = n.bool("header", d.columns == nil)
	if !d.headed && d.columns == nil {
		n.errorf("header = false: name the columns, columns = [\"time\", …]")
	}
	d.comment = n.string("comment")
	if d.framing == w3cFraming {
		d.comment, d.headed = "#", true
	}
	d.quoted = true
	if n.get("quote") != nil {
		switch q := n.string("quote"); q {
		case `"`:
		case "":
			d.quoted = false
		default:
			n.get("quote").errorf(`quote %q: it can be "\"" or, for cells that have none, ""`, q)
		}
	}
}

// alsoAtTop returns n, or where the document has no such table, what of its keys stands at the top.
func (d *Definition) alsoAtTop(n *node, keys []string) *node {
	top := &node{doc: d.root.doc, at: n.at}
	for _, m := range d.root.table {
		if slices.Contains(keys, m.key) {
			if len(n.table) > 0 {
				m.node.errorf("%s stands at the top and there is a table of its kind too; put it there", m.key)
			}
			top.table = append(top.table, m)
		}
	}
	if len(top.table) > 0 {
		return top
	}
	return n
}

func (d *Definition) readJSON() {
	n := d.root.child("json")
	n.keys("json", jsonKeys...)
	if d.framing != jsonFraming && len(n.table) > 0 {
		n.errorf("[json] is of framing json; set that, or leave it out")
	}
	d.json.root = splitPath(n.string("root"))
	d.json.unwrap = n.strings("unwrap")
	d.json.explode = splitPath(n.string("explode"))
}

// splitPath returns the keys that a path is made of. A dot in a key has a backslash before it.
func splitPath(s string) (keys []string) {
	if s == "" {
		return nil
	}
	const dot = "\x00"
	for key := range strings.SplitSeq(strings.ReplaceAll(s, `\.`, dot), ".") {
		keys = append(keys, strings.ReplaceAll(key, dot, "."))
	}
	return keys
}

// readPrefix returns the names that the prefix gives to values.
func (d *Definition) readPrefix() (names []capture) {
	pattern := d.root.string("prefix")
	n := d.root.get("prefix")
	pattern = strings.TrimPrefix(pattern, "dissect ")
	switch {
	case pattern == "" || pattern == "auto":
		return nil
	case pattern == "none":
		d.raw = true
		return nil
	case d.framing != lineFraming:
		n.errorf("prefix: framing line alone has a pattern; use auto or none")
		return nil
	case !strings.Contains(pattern, "%{"):
		n.errorf("prefix %q: use auto, none, or a pattern with slots such as '%%{time:rfc3339} %%{host} '", pattern)
		return nil
	}
	d.whole = true
	d.prefix, names = d.compile(n, pattern, true, nil)
	return names
}

// A capture is a value that a pattern gives a name.
type capture struct {
	name string
	slot
}

// compile compiles a pattern, whose values have their numbers behind those of before.
func (d *Definition) compile(n *node, pattern string, open bool, before []capture) (*dissection, []capture) {
	if len(pattern) > maxPattern {
		n.errorf("the pattern has %d bytes; at most %d are allowed", len(pattern), maxPattern)
		return nil, before
	}
	all := slices.Clone(before)
	c, err := compileDissection(pattern, open, func(c *cut, s slot) error {
		if slices.ContainsFunc(all, func(c capture) bool { return c.name == s.name }) {
			return fmt.Errorf("%%{%s} stands there twice; give one of them another name, or none: %%{_}", s.name)
		}
		if len(all) == maxNames {
			return fmt.Errorf("more than %d names; leave out what is not needed: %%{_}", maxNames)
		}
		c.slot, c.time = len(all), d.timeCutter(s)
		all = append(all, capture{s.name, s})
		return nil
	})
	if err != nil {
		n.errorf("%v", err)
		return nil, before
	}
	return c, all
}

// timeCutter returns what finds the end of a slot's value where that is a time; nil where it is none.
func (d *Definition) timeCutter(s slot) clockCutter {
	n := d.root.get("map").get("time")
	as := s.as
	var from []string
	switch {
	case n == nil:
	case n.kind == tableNode:
		from = n.strings("from")
		as = cmp.Or(as, n.string("as"))
	default:
		from = n.words("time")
	}
	if s.name == "time" && from == nil || slices.Contains(from, s.name) {
		return cutterNamed(as)
	}
	return nil
}

// readRules reads the rules, and the maps and constants that go into them.
func (d *Definition) readRules(prefix []capture) {
	root := d.root
	common := d.readMappings(root)
	nodes := root.tables("rule")
	if i := slices.IndexFunc(root.table, func(m member) bool { return slices.Contains(ruleKeys, m.key) }); i >= 0 {
		if len(nodes) > 0 {
			root.table[i].node.errorf("%s stands at the top, and there are rules too; put it into a [[rule]]", root.table[i].key)
			return
		}
		top := &node{doc: root.doc, at: root.table[i].node.at}
		for _, m := range root.table {
			if slices.Contains(ruleKeys, m.key) {
				top.table = append(top.table, m)
			}
		}
		nodes = append(nodes, top)
	}
	if len(nodes) == 0 {
		if d.framing == lineFraming {
			root.at = 0
			root.errorf("there is no rule; add [[rule]] with dissect = 'to=<%%{recipient}> …', a regex, or parse = \"logfmt\"")
			return
		}
		nodes = append(nodes, &node{doc: root.doc, at: root.at})
	}
	if len(nodes) > maxRules {
		nodes[maxRules].errorf("%d rules; at most %d are allowed", len(nodes), maxRules)
		return
	}
	used := make([]bool, len(common))
	for _, n := range nodes {
		d.readRule(n, prefix, common, used)
	}
	for i := range common {
		if m := &common[i]; !used[i] && !m.constant() {
			m.at.errorf("%s: no rule gives a value called %s", m.field, strings.Join(m.names, " or "))
		}
	}
}

// A planned is a mapping whose values have names, but no numbers yet.
type planned struct {
	mapping
	at    *node
	names []string
	plain bool // the definition does not name them: they are the field's own
}

func (p *planned) constant() bool { return len(p.names) == 0 }

// readRule reads one rule.
func (d *Definition) readRule(n *node, prefix []capture, common []planned, used []bool) {
	n.keys("a rule", append([]string{"map", "const"}, ruleKeys...)...)
	r := rule{at: n, ignore: n.bool("ignore", false)}
	captures := d.readCutter(n, &r, prefix)
	// A pattern has names of its own and no others; elsewhere, there is what is asked for.
	fixed := r.dissect != nil || r.regex != nil
	names := d.names
	if d.framing == lineFraming {
		names = nil
		for _, c := range captures {
			names = append(names, c.name)
		}
	}
	number := func(name string) int {
		i := slices.Index(names, name)
		if i >= 0 || fixed {
			return i
		}
		if len(names) == maxNames {
			n.errorf("more than %d values are asked for", maxNames)
			return -1
		}
		names = append(names, name)
		return len(names) - 1
	}
	d.readConditions(n, &r, number)
	if d.join != nil {
		r.joinKey, r.joinOn = d.join.key.number(number), d.join.on.number(number)
	}
	own := d.readMappings(n)
	if r.ignore {
		if len(own) > 0 {
			own[0].at.errorf("a rule with ignore = true tells nothing; leave out its map and const")
		}
	} else {
		for _, p := range d.plan(n, captures, fixed, common, own, used) {
			for _, name := range p.names {
				if at := number(name); at >= 0 {
					p.from = append(p.from, at)
				}
			}
			switch {
			case len(p.from) == 0 && !p.constant() && !p.fallback:
			case p.field == recipientField:
				r.recipient = &p.mapping
			default:
				r.maps = append(r.maps, p.mapping)
			}
		}
	}
	r.names = names
	if d.framing != lineFraming {
		d.names = names
		if r.recipient != nil {
			d.recipients = append(d.recipients, r.recipient.from...)
		}
	}
	d.rules = append(d.rules, r)
}

// plan returns the mappings of a rule, one for each field at most. What the rule itself says of a field comes before what is
// said of all, that before a value of its pattern that has the field's name, and constants of all rules come last.
func (d *Definition) plan(n *node, captures []capture, fixed bool, common, own []planned, used []bool) (plan []planned) {
	var byField [numFields]*planned
	for i := range common {
		if common[i].constant() {
			byField[common[i].field] = &common[i]
		}
	}
	for _, c := range captures {
		f := fieldNamed(c.name)
		if c.field != "" {
			if f = fieldNamed(c.field); f == noField {
				d.unknownField(member{c.field, n})
			}
		} else if !fixed && (asked(common, c.name) || asked(own, c.name)) {
			continue // a column, of whose name the definition makes something else
		}
		p := &planned{mapping: mapping{field: f, clock: anyClock, length: anyLength}, at: n, names: []string{c.name}}
		if c.as != "" {
			if err := p.setAs(c.as); err != nil {
				n.errorf("%%{%s:%s}: %v", c.name, c.as, err)
			}
		}
		if f != noField {
			byField[f] = p
		}
	}
	given := func(p *planned) bool {
		return !fixed || p.constant() || p.fallback && p.plain || slices.ContainsFunc(p.names, func(name string) bool {
			return slices.ContainsFunc(captures, func(c capture) bool { return c.name == name })
		})
	}
	for i := range common {
		if p := &common[i]; !p.constant() && given(p) {
			byField[p.field] = p
			used[i] = true
		}
	}
	for i := range own {
		p := &own[i]
		if !given(p) {
			p.at.errorf("%s: the rule's pattern gives no value called %s", p.field, strings.Join(p.names, " or "))
		}
		byField[p.field] = p
	}
	for _, p := range byField {
		if p != nil {
			plan = append(plan, *p)
		}
	}
	return plan
}

// asked reports whether a mapping takes the value called so.
func asked(all []planned, name string) bool {
	return slices.ContainsFunc(all, func(p planned) bool { return slices.Contains(p.names, name) })
}

// readCutter reads what cuts a line into values, and returns the names that it gives them.
func (d *Definition) readCutter(n *node, r *rule, prefix []capture) []capture {
	ways := 0
	for _, key := range []string{"dissect", "regex", "parse"} {
		if n.get(key) != nil {
			if ways++; d.framing != lineFraming {
				n.get(key).errorf("%s: records of this framing are cut already; leave it out, and map their values", key)
				return nil
			}
		}
	}
	captures := prefix
	switch {
	case d.framing != lineFraming:
		for _, name := range d.columns { // whoever names them may name them as the fields are
			captures = append(captures, capture{name: name})
		}
	case ways > 1:
		n.errorf("a rule has one of dissect, regex and parse")
	case n.get("dissect") != nil:
		r.dissect, captures = d.compile(n.get("dissect"), n.string("dissect"), false, prefix)
	case n.get("regex") != nil:
		r.regex, captures = d.compileRegex(n.get("regex"), n.string("regex"), r, prefix)
	case n.get("parse") != nil:
		if r.logfmt = n.string("parse") == "logfmt"; !r.logfmt {
			n.get("parse").errorf("parse %q; it can be logfmt. Records of JSON and CSV are a framing of the whole format", n.string("parse"))
		}
	case !r.ignore || n.get("when") == nil || n.get("when").kind == tableNode:
		n.errorf("a rule needs dissect, regex or parse, to cut the line; one to be ignored can have when alone")
	}
	return captures
}

// compileRegex compiles a regular expression (RE2, github.com/google/re2/wiki/Syntax), and finds the text that all that it
// matches must hold, so that it runs on no other line.
func (d *Definition) compileRegex(n *node, pattern string, r *rule, before []capture) (*expression, []capture) {
	if len(pattern) > maxPattern {
		n.errorf("the regex has %d bytes; at most %d are allowed", len(pattern), maxPattern)
		return nil, before
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		n.errorf("regex: %v; look-around and back-references do not exist in RE2", err)
		return nil, before
	}
	e := &expression{Regexp: re}
	all := slices.Clone(before)
	for _, name := range re.SubexpNames() {
		slot := -1
		if name != "" {
			if slot = len(all); slot == maxNames {
				n.errorf("regex: more than %d named groups", maxNames)
				return nil, before
			}
			all = append(all, capture{name: name})
		}
		e.slots = append(e.slots, slot)
	}
	if tree, err := syntax.Parse(pattern, syntax.Perl); err == nil {
		if lit := literalOf(tree.Simplify()); lit != "" {
			r.literals = []string{lit}
		}
	}
	return e, all
}

// literalOf returns the longest text that everything holds that an expression matches; empty where none is found.
func literalOf(re *syntax.Regexp) (longest string) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, sub := range re.Sub {
			if s := literalOf(sub); len(s) > len(longest) {
				longest = s
			}
		}
	}
	return longest
}

// readConditions reads `when`: a text that the line must hold, several of which one must be there, or a table of values
// and what they must be.
func (d *Definition) readConditions(n *node, r *rule, number func(string) int) {
	when := n.get("when")
	if when == nil {
		return
	}
	if when.kind != tableNode {
		if all := n.strings("when"); len(all) > 0 {
			if slices.Contains(all, "") {
				when.errorf("when: an empty text is in every line; leave it out")
			}
			r.literals = all
		}
		return
	}
	for _, m := range when.table {
		c := condition{from: number(m.key)}
		if c.from < 0 {
			m.node.errorf("when: the rule's pattern gives no value called %s", m.key)
		}
		for _, s := range m.node.words("when") {
			c.patterns = append(c.patterns, compileGlob(s))
		}
		r.conds = append(r.conds, c)
	}
}

// readMappings reads the tables map and const of n.
func (d *Definition) readMappings(n *node) (all []planned) {
	for _, key := range []string{"const", "map"} {
		for _, m := range n.child(key).table {
			p := planned{at: m.node}
			p.field = fieldNamed(m.key)
			if p.field == noField {
				d.unknownField(m)
				continue
			}
			p.clock, p.length = anyClock, anyLength
			if key == "const" {
				d.readConstant(m.node, &p)
			} else {
				d.readMapping(m, &p)
			}
			all = append(all, p)
		}
	}
	return all
}

// unknownField notes that a record has no such field.
func (d *Definition) unknownField(m member) {
	m.node.errorf("the record has no field %q%s; it has %s", m.key, meant(m.key, fieldNames[1:]), strings.Join(fieldNames[1:], ", "))
}

// readConstant reads a value that stands in no line.
func (d *Definition) readConstant(n *node, p *planned) {
	if n.kind == tableNode || n.kind == listNode {
		n.errorf("const: %s is %s, and must be one value", p.field, n.kind)
		return
	}
	p.word = n.text
	d.validate(n, p, n.text)
}

// validate notes a constant that the field cannot have.
func (d *Definition) validate(n *node, p *planned, value string) {
	if p.field == statusField && value == byCode {
		return
	}
	one := mapping{field: p.field, word: value, clock: p.clock, length: p.length}
	if f := one.fill(&draft{Event: new(parsers.Event)}, new(record), nil); f != nil {
		n.errorf("%s cannot be %q%s", p.field, value, choices(p.field))
	}
}

// choices names what a field can be, where that is not many.
func choices(f field) string {
	switch f {
	case statusField:
		return "; use sent, deferred, bounced, expired, rejected or " + byCode
	case kindField:
		return "; use remote, local, internal, smarthost, connect, final, suppressed, async or probe"
	case originField:
		return "; use remote, local, implied or provider"
	case attemptedField:
		return "; use true or false"
	}
	return ""
}

// byCode is what stands for a status in a table or as default that the codes are to tell.
const byCode = "by-code"

// readMapping reads where a field comes from: a name, or a table with that and what is to be done.
func (d *Definition) readMapping(m member, p *planned) {
	n := m.node
	if n.kind != tableNode {
		p.names = n.words(m.key)
		if len(p.names) == 0 {
			n.errorf("%s: name the value that it comes from", m.key)
		}
		return
	}
	n.keys("a mapping", "from", "as", "strip_prefix", "first_token", "strip", "split", "table", "default")
	p.names = n.strings("from")
	if n.get("from") == nil {
		p.names, p.plain = []string{m.key}, true
	}
	p.prefixes = n.strings("strip_prefix")
	p.first = n.bool("first_token", false)
	p.strip = n.string("strip")
	if p.split = n.string("split"); p.split != "" && p.field != recipientField {
		n.get("split").errorf("split: a record has several recipients, but one %s", p.field)
	}
	d.readAs(n, p)
	if t := n.get("table"); t != nil && t.is(tableNode, "table") {
		p.table = []row{}
		for _, entry := range t.table {
			if !entry.node.is(stringNode, "a value of a table") {
				continue
			}
			d.validate(entry.node, p, entry.node.text)
			p.table = append(p.table, row{compileGlob(entry.key), worded(p.field, entry.node.text)})
		}
		// What is written out counts before what a star stands for.
		slices.SortStableFunc(p.table, func(a, b row) int { return min(len(a.pattern), 2) - min(len(b.pattern), 2) })
	}
	if n.get("default") != nil {
		value := n.string("default")
		d.validate(n.get("default"), p, value)
		p.otherwise, p.fallback = worded(p.field, value), true
	}
}

// worded returns a value of a table: that a status is to be told by the codes, nothing says as well.
func worded(f field, value string) string {
	if f == statusField && value == byCode {
		return ""
	}
	return value
}

// readAs reads how a time or a length of time is written.
func (d *Definition) readAs(n *node, p *planned) {
	if n.get("as") == nil {
		return
	}
	if err := p.setAs(n.string("as")); err != nil {
		n.get("as").errorf("%v", err)
	}
}

func (p *planned) setAs(as string) (err error) {
	switch p.field {
	case timeField:
		p.clock, err = clockNamed(as)
	case delayField, xdelayField:
		p.length, err = lengthNamed(as)
	default:
		err = fmt.Errorf("as: %s is neither a time nor a length of time; leave it out", p.field)
	}
	return err
}

// growBranches finds out, of JSON, which keys of which objects are asked for.
func (d *Definition) growBranches() {
	if d.framing != jsonFraming {
		return
	}
	j := &d.json
	for _, key := range j.unwrap { // first, so that of two the one named first counts
		j.whole.at([]string{key}).wrap = true
		j.inner.at([]string{key}).wrap = true
	}
	for i, name := range d.names {
		if rest, ok := strings.CutPrefix(name, "$."); ok {
			b := j.whole.at(splitPath(rest))
			b.values = append(b.values, i)
			continue
		}
		for _, b := range []*branch{&j.whole, &j.inner} {
			b = b.at(j.root).at(splitPath(name))
			b.values = append(b.values, i)
		}
	}
	for _, b := range []*branch{&j.whole, &j.inner} {
		if len(j.explode) > 0 {
			b.at(j.root).at(j.explode).each = true
		}
		b.seal()
		if !b.fits() {
			d.root.get("map").errorf("more than %d keys of one object are asked for", maxKeys)
		}
	}
}

// readJoin reads what the format remembers.
func (d *Definition) readJoin() {
	n := d.root.get("join")
	if n == nil || !n.is(tableNode, "join") {
		return
	}
	n.keys("join", "key", "remember", "on", "forget_when")
	j := &join{key: subjectOf(n, "key", ""), on: subjectOf(n, "on", "diagnostic"), forget: n.string("forget_when")}
	for _, name := range n.strings("remember") {
		f := fieldNamed(name)
		if f == noField || f.text(new(parsers.Event)) == nil {
			n.get("remember").errorf("join: %q cannot be remembered; fields that are text can: sender, recipient, relay_host and others", name)
			continue
		}
		j.remember = append(j.remember, f)
	}
	if len(j.remember) == 0 {
		n.errorf(`join: name the fields to remember, such as remember = ["sender"]`)
	}
	d.join = j
}

// subjectOf reads the name of a field or of a value.
func subjectOf(n *node, key, otherwise string) subject {
	name := otherwise
	if n.get(key) != nil {
		name = n.string(key)
	}
	s := subject{fieldNamed(name), name}
	switch ok := s.field == noField || s.field == statusField || s.field == replyCodeField || s.field.text(new(parsers.Event)) != nil; {
	case name == "":
		n.errorf(`join: there is no %s; name the value that records are joined by, such as key = "queue_id"`, key)
	case !ok:
		n.get(key).errorf("join: %s cannot be %s; name a field that is text, or a value of the record", key, name)
	}
	return s
}

// A sample is a line or record, and the events that it must give.
type sample struct {
	at     *node
	text   string
	expect []*node // a table each
	asked  bool    // expect is set, if only to say that there is none
}

// readSamples reads the samples.
func (d *Definition) readSamples() {
	for _, n := range d.root.tables("sample") {
		n.keys("a sample", "line", "expect")
		s := sample{at: n, text: strings.TrimSuffix(n.string("line"), "\n")}
		if s.text == "" {
			n.errorf("a sample has a line of the log: line = '…'")
		}
		if e := n.get("expect"); e != nil {
			s.asked = true
			if e.kind == tableNode {
				s.expect = []*node{e}
			} else {
				s.expect = n.tables("expect")
			}
		}
		for _, e := range s.expect {
			for _, m := range e.table {
				if fieldNamed(m.key) == noField {
					d.unknownField(m)
				}
			}
		}
		d.samples = append(d.samples, s)
	}
}
