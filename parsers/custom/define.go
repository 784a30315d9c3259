package custom

import (
	"fmt"
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
	unkept  []member // what is mapped to no field of a record

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

// csvKeys are the keys of the table csv, which may stand at the top.
var csvKeys = []string{"delimiter", "header", "columns", "comment", "quote"}

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
	top := d.root.pick(keys)
	switch {
	case len(top.table) == 0:
		return n
	case len(n.table) > 0:
		top.errorf("%s stands at the top and there is a table of its kind too; put it there", top.table[0].key)
	}
	return top
}

func (d *Definition) readJSON() {
	n := d.root.child("json")
	n.keys("json", "root", "unwrap", "explode")
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

// readPrefix returns the values that the prefix has names for.
func (d *Definition) readPrefix() []slot {
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
	p := planner{Definition: d}
	d.prefix = p.compile(n, pattern, true)
	return p.captures
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
