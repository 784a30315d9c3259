package custom

import (
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"bouncelog/parsers"
)

// ruleKeys are the keys of a rule, which may stand at the top where there is but one.
var ruleKeys = []string{"when", "dissect", "regex", "parse", "ignore"}

// readRules reads the rules, and the maps and constants that go into them. captures are the values of the prefix.
func (d *Definition) readRules(captures []slot) {
	common := d.readMappings(d.root)
	nodes := d.root.tables("rule")
	switch top := d.root.pick(ruleKeys); {
	case len(top.table) == 0 && len(nodes) == 0 && d.framing == lineFraming:
		top.at = 0
		top.errorf("there is no rule; add [[rule]] with dissect = 'to=<%%{recipient}> …', a regex, or parse = \"logfmt\"")
		return
	case len(nodes) == 0:
		nodes = []*node{top}
	case len(top.table) > 0:
		top.errorf("%s stands at the top, and there are rules too; put it into a [[rule]]", top.table[0].key)
		return
	case len(nodes) > maxRules:
		nodes[maxRules].errorf("%d rules; at most %d are allowed", len(nodes), maxRules)
		return
	}
	for _, n := range nodes {
		p := planner{Definition: d, at: n, captures: slices.Clone(captures)}
		p.read(common)
		d.rules = append(d.rules, p.rule)
	}
	for i := range common {
		if m := &common[i]; !m.used && !m.constant() {
			m.at.errorf("%s: no rule gives a value called %s", m.field, strings.Join(m.names, " or "))
		}
	}
}

// A planner compiles one rule.
type planner struct {
	*Definition
	at       *node
	rule     rule
	captures []slot   // the values that its pattern has names for, by number
	fixed    bool     // it has these and no others; elsewhere, there is whatever is asked for
	names    []string // of all values, by number
}

// read reads the rule. common are the mappings of all rules.
func (p *planner) read(common []planned) {
	p.at.keys("a rule", append([]string{"map", "const"}, ruleKeys...)...)
	p.rule = rule{at: p.at, ignore: p.at.bool("ignore", false), joinKey: -1, joinOn: -1}
	p.readCutter()
	if p.names = p.Definition.names; p.framing == lineFraming {
		for _, t := range p.captures {
			p.names = append(p.names, t.name)
		}
	}
	p.readConditions()
	if p.join != nil {
		p.rule.joinKey, p.rule.joinOn = p.join.key.number(p.number), p.join.on.number(p.number)
	}
	own := p.readMappings(p.at)
	switch {
	case !p.rule.ignore:
		p.plan(common, own)
	case len(own) > 0:
		own[0].at.errorf("a rule with ignore = true tells nothing; leave out its map and const")
	}
	p.rule.names = p.names
	if p.framing != lineFraming {
		p.Definition.names = p.names
	}
}

// number returns the number of the value called name, negative where the rule has none.
func (p *planner) number(name string) int {
	i := slices.Index(p.names, name)
	if i >= 0 || p.fixed {
		return i
	}
	if len(p.names) == maxNames {
		p.at.errorf("more than %d values are asked for", maxNames)
		return -1
	}
	p.names = append(p.names, name)
	return len(p.names) - 1
}

// readCutter reads what cuts a line into values.
func (p *planner) readCutter() {
	dissect, regex, parse, when := p.at.get("dissect"), p.at.get("regex"), p.at.get("parse"), p.at.get("when")
	ways := slices.DeleteFunc([]*node{dissect, regex, parse}, func(n *node) bool { return n == nil })
	switch {
	case p.framing != lineFraming:
		if len(ways) > 0 {
			ways[0].errorf("records of this framing are cut already; leave out dissect, regex and parse, and map their values")
		}
		for _, name := range p.columns { // whoever names them may name them as the fields are
			p.captures = append(p.captures, slot{name: name})
		}
	case len(ways) > 1:
		ways[1].errorf("a rule has one of dissect, regex and parse")
	case dissect != nil:
		p.fixed = true
		p.rule.dissect = p.compile(dissect, p.at.string("dissect"), false)
	case regex != nil:
		p.fixed = true
		p.compileRegex(regex, p.at.string("regex"))
	case parse != nil:
		if p.rule.logfmt = p.at.string("parse") == "logfmt"; !p.rule.logfmt {
			parse.errorf("parse %q; it can be logfmt. Records of JSON and CSV are a framing of the whole format", p.at.string("parse"))
		}
	case !p.rule.ignore || when == nil || when.kind == tableNode:
		p.at.errorf("a rule needs dissect, regex or parse, to cut the line; one to be ignored can have when alone, with a text")
	}
}

// capture gives a value of a pattern its number.
func (p *planner) capture(s slot) (int, error) {
	switch {
	case slices.ContainsFunc(p.captures, func(t slot) bool { return t.name == s.name }):
		return 0, fmt.Errorf("there are two values called %s; give one of them another name, or none", s.name)
	case len(p.captures) == maxNames:
		return 0, fmt.Errorf("more than %d values have names; leave out those that are not needed", maxNames)
	}
	p.captures = append(p.captures, s)
	return len(p.captures) - 1, nil
}

// compile compiles a pattern to dissect by, that of a prefix where it is open; nil where it is none.
func (p *planner) compile(n *node, pattern string, open bool) *dissection {
	if len(pattern) > maxPattern {
		n.errorf("the pattern has %d bytes; at most %d are allowed", len(pattern), maxPattern)
		return nil
	}
	d, err := compileDissection(pattern, open, func(c *cut, s slot) (err error) {
		c.time = p.timeCutter(s)
		c.slot, err = p.capture(s)
		return err
	})
	if err != nil {
		n.errorf("%v", err)
		return nil
	}
	return d
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

// compileRegex compiles a regular expression (RE2, github.com/google/re2/wiki/Syntax), and finds a text that all it matches
// must hold, so that it runs on no other line.
func (p *planner) compileRegex(n *node, pattern string) {
	if len(pattern) > maxPattern {
		n.errorf("the regex has %d bytes; at most %d are allowed", len(pattern), maxPattern)
		return
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		n.errorf("regex: %v; look-around and back-references do not exist in RE2", err)
		return
	}
	e := &expression{Regexp: re}
	for _, name := range re.SubexpNames() {
		at := -1
		if name != "" {
			if at, err = p.capture(slot{name: name}); err != nil {
				n.errorf("regex: %v", err)
				return
			}
		}
		e.slots = append(e.slots, at)
	}
	p.rule.regex = e
	if tree, err := syntax.Parse(pattern, syntax.Perl); err == nil {
		if literal := literalOf(tree.Simplify()); literal != "" {
			p.rule.literals = []string{literal}
		}
	}
}

// literalOf returns the longest text that is in all that an expression matches; empty where none is found.
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
func (p *planner) readConditions() {
	when := p.at.get("when")
	if when == nil {
		return
	}
	if when.kind != tableNode {
		all := p.at.strings("when")
		if slices.Contains(all, "") {
			when.errorf("when: an empty text is in every line; leave it out")
		}
		if len(all) > 0 {
			p.rule.literals = all
		}
		return
	}
	for _, m := range when.table {
		c := condition{from: p.number(m.key)}
		if c.from < 0 {
			m.node.errorf("when: the rule's pattern gives no value called %s", m.key)
		}
		for _, s := range m.node.words("when") {
			c.patterns = append(c.patterns, compileGlob(s))
		}
		p.rule.conds = append(p.rule.conds, c)
	}
}

// A planned is a mapping whose values have names, but no numbers yet.
type planned struct {
	mapping
	at    *node
	names []string
	plain bool // the definition does not name them: they are the field's own
	used  bool // by a rule
}

func (m *planned) constant() bool { return len(m.names) == 0 }

// given reports whether there may be a value for the mapping.
func (p *planner) given(m *planned) bool {
	return !p.fixed || m.constant() || m.fallback && m.plain ||
		slices.ContainsFunc(p.captures, func(t slot) bool { return slices.Contains(m.names, t.name) })
}

// plan settles where the fields come from, each from one mapping. What the rule itself says of a field comes before what is
// said of all, that before a value of its pattern that has the field's name; constants of all rules come last.
func (p *planner) plan(common, own []planned) {
	var byField [numFields]*planned
	for i := range common {
		if m := &common[i]; m.constant() {
			byField[m.field] = m
		}
	}
	for _, t := range p.captures {
		asked := func(m planned) bool { return slices.Contains(m.names, t.name) }
		if !p.fixed && (slices.ContainsFunc(common, asked) || slices.ContainsFunc(own, asked)) {
			continue // a column, of whose name the definition makes something else
		}
		m := &planned{mapping: mapping{field: fieldNamed(cmp.Or(t.field, t.name)), clock: anyClock, length: anyLength}, at: p.at, names: []string{t.name}}
		if t.field != "" && m.field == noField {
			p.unknownField(member{t.field, p.at})
		}
		if t.as != "" {
			if err := m.setAs(t.as); err != nil {
				p.at.errorf("%%{%s:%s}: %v", t.name, t.as, err)
			}
		}
		byField[m.field] = m
	}
	for i := range common {
		if m := &common[i]; !m.constant() && p.given(m) {
			byField[m.field] = m
			m.used = true
		}
	}
	for i := range own {
		m := &own[i]
		if !p.given(m) {
			m.at.errorf("%s: the rule's pattern gives no value called %s", m.field, strings.Join(m.names, " or "))
		}
		byField[m.field] = m
	}
	for _, m := range byField[noField+1:] {
		if m != nil {
			p.add(*m)
		}
	}
}

// add adds a mapping to the rule, with the numbers of its values.
func (p *planner) add(m planned) {
	for _, name := range m.names {
		if i := p.number(name); i >= 0 {
			m.from = append(m.from, i)
		}
	}
	switch {
	case len(m.from) == 0 && !m.constant() && !m.fallback:
	case m.field == recipientField:
		p.rule.recipient = &m.mapping
		if p.framing != lineFraming {
			p.recipients = append(p.recipients, m.from...)
		}
	default:
		p.rule.maps = append(p.rule.maps, m.mapping)
	}
}

// readMappings reads the tables map and const of n.
func (d *Definition) readMappings(n *node) (all []planned) {
	for _, key := range []string{"const", "map"} {
		for _, m := range n.child(key).table {
			p := planned{at: m.node}
			p.field = fieldNamed(m.key)
			switch {
			case p.field != noField:
			case listed(unkept, m.key) || strings.HasPrefix(m.key, "extra."):
				d.unkept = append(d.unkept, m)
				continue
			default:
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

// unkept are names of what logs tell and no record keeps. A definition may have them: others that read it do.
const unkept = "session_id domain vmta pool category provider_code direction count"

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
	p.word = worded(p.field, n.text)
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
