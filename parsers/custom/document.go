package custom

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// An Error says what is wrong with a definition, where, and what to do about it.
type Error struct {
	File         string
	Line, Column int // from 1; zero: the file as a whole
	Msg          string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// A node is one value of a TOML document, with its place.
//
// Note: a decoder into structs knows where a key is unknown or a value of the wrong type. Most mistakes are of another
// kind, a field that no record has or a pattern that can't be, and those want their place too; so we walk the document.
type node struct {
	doc   *document
	at    int // offset of the key, of an element without one its own
	kind  kind
	text  string // of a string; of a scalar of another type as it is written
	list  []*node
	table []member
}

type kind uint8

const (
	tableNode kind = iota
	listNode
	stringNode
	boolNode
	numberNode
	timeNode
)

func (k kind) String() string {
	return [...]string{"a table", "a list", "a string", "true or false", "a number", "a time"}[k]
}

// A member is a key of a table and its value. They keep their order, which decides between patterns.
type member struct {
	key  string
	node *node
}

// A document is a TOML file being read. It gathers all that is wrong with it.
type document struct {
	file string
	text []byte
	errs []error
}

// failure returns an Error at n.
func (n *node) failure(format string, args ...any) *Error {
	before := string(n.doc.text[:n.at])
	return &Error{n.doc.file, 1 + strings.Count(before, "\n"), n.at - strings.LastIndexByte(before, '\n'), fmt.Sprintf(format, args...)}
}

// errorf notes a mistake at n.
func (n *node) errorf(format string, args ...any) {
	n.doc.errs = append(n.doc.errs, n.failure(format, args...))
}

// readDocument reads a TOML document (toml.io, v1.0.0).
func readDocument(file string, text []byte) (*node, error) {
	// The decoder knows what the grammar alone does not tell: keys and tables that come twice.
	if err := toml.Unmarshal(text, new(map[string]any)); err != nil {
		e := &Error{File: file, Msg: err.Error()}
		if d, ok := errors.AsType[*toml.DecodeError](err); ok {
			e.Line, e.Column = d.Position()
			e.Msg = strings.TrimPrefix(e.Msg, "toml: ") + "; see toml.io for the syntax"
		}
		return nil, e
	}
	doc := &document{file: file, text: text}
	root := &node{doc: doc}
	current := root
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			current = root.descend(e.Key(), false)
		case unstable.ArrayTable:
			current = root.descend(e.Key(), true)
		case unstable.KeyValue:
			current.put(e)
		}
	}
	return root, p.Error()
}

// descend returns the table that a header names, made where it is missing; in an array of tables the last, or with another
// one appended to it.
func (n *node) descend(keys unstable.Iterator, another bool) *node {
	for keys.Next() {
		key := keys.Node()
		at := int(key.Raw.Offset)
		next := n.get(string(key.Data))
		if next == nil {
			next = &node{doc: n.doc, at: at}
			if another && keys.IsLast() {
				next.kind = listNode
			}
			n.table = append(n.table, member{string(key.Data), next})
		}
		if next.kind == listNode {
			if another && keys.IsLast() {
				next.list = append(next.list, &node{doc: n.doc, at: at})
			}
			next = next.list[len(next.list)-1]
		}
		n = next
	}
	return n
}

// put adds a key, which may be dotted, and its value.
func (n *node) put(e *unstable.Node) {
	keys := e.Key()
	for keys.Next() {
		key := keys.Node()
		name, at := string(key.Data), int(key.Raw.Offset)
		next := n.get(name)
		if next == nil {
			next = &node{doc: n.doc, at: at}
			if keys.IsLast() {
				next.fill(e.Value())
			}
			n.table = append(n.table, member{name, next})
		}
		n = next
	}
}

// fill takes in a value.
func (n *node) fill(v *unstable.Node) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			n.put(it.Node())
		}
	case unstable.Array:
		n.kind = listNode
		for it := v.Children(); it.Next(); {
			e := &node{doc: n.doc, at: n.at}
			if raw := it.Node().Raw; raw.Length > 0 {
				e.at = int(raw.Offset)
			}
			e.fill(it.Node())
			n.list = append(n.list, e)
		}
	case unstable.String:
		n.kind, n.text = stringNode, string(v.Data)
	case unstable.Bool:
		n.kind, n.text = boolNode, string(v.Data)
	case unstable.Integer, unstable.Float:
		n.kind, n.text = numberNode, string(v.Data)
	default:
		n.kind, n.text = timeNode, string(v.Data)
	}
}

// get returns the value of a key, nil where there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.table {
		if n.table[i].key == key {
			return n.table[i].node
		}
	}
	return nil
}

// is reports whether n is of a kind, and notes the mistake where it is not. A nil node is of none.
func (n *node) is(k kind, what string) bool {
	if n != nil && n.kind != k {
		n.errorf("%s is %s, and must be %s", what, n.kind, k)
	}
	return n != nil && n.kind == k
}

// keys notes the keys of a table that are none of those it can have.
func (n *node) keys(what string, known ...string) {
	for i := range n.table {
		if k := n.table[i].key; !slices.Contains(known, k) {
			n.table[i].node.errorf("unknown key %q%s; %s", k, meant(k, known), what+" has "+strings.Join(known, ", "))
		}
	}
}

// string returns the string at a key, empty where there is none.
func (n *node) string(key string) string {
	v := n.get(key)
	if v == nil || !v.is(stringNode, key) {
		return ""
	}
	return v.text
}

// bool returns the truth at a key, or what stands for it where there is none.
func (n *node) bool(key string, otherwise bool) bool {
	v := n.get(key)
	if v == nil || !v.is(boolNode, key) {
		return otherwise
	}
	return v.text == "true"
}

// strings returns the list of strings at a key, which may be one string.
func (n *node) strings(key string) []string { return n.get(key).words(key) }

// words returns a list of strings, or the one string that n is.
func (n *node) words(what string) (all []string) {
	switch {
	case n == nil:
	case n.kind == stringNode:
		all = []string{n.text}
	case n.is(listNode, what):
		for _, e := range n.list {
			if e.is(stringNode, "an element of "+what) {
				all = append(all, e.text)
			}
		}
	}
	return all
}

// tables returns the tables of the list at a key.
func (n *node) tables(key string) (all []*node) {
	if v := n.get(key); v != nil && v.is(listNode, key) {
		for _, e := range v.list {
			if e.is(tableNode, "an element of "+key) {
				all = append(all, e)
			}
		}
	}
	return all
}

// child returns the table at a key, an empty one where there is none.
func (n *node) child(key string) *node {
	if v := n.get(key); v != nil && v.is(tableNode, key) {
		return v
	}
	return &node{doc: n.doc, at: n.at}
}

// pick returns a table of those of n's keys that are among some, at the place of the first.
func (n *node) pick(keys []string) *node {
	some := &node{doc: n.doc, at: n.at}
	for _, m := range n.table {
		if slices.Contains(keys, m.key) {
			if len(some.table) == 0 {
				some.at = m.node.at
			}
			some.table = append(some.table, m)
		}
	}
	return some
}

// meant returns the one of words that a misspelt one may stand for, as a question.
func meant(word string, words []string) string {
	best, least := "", 1+min(2, len(word)/3)
	for _, w := range words {
		if d := distance(word, w); d < least && d < len(w) {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (%q?)", best)
}

// distance returns how many letters have to be put in, left out or replaced to make b of a.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 3 || d < -3 {
		return 4
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := corner
			if a[i] != b[j] {
				d++
			}
			corner = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// err returns what was found wrong, in the order of the file.
func (d *document) err() error {
	sortErrors(d.errs)
	return errors.Join(d.errs...)
}

// sortErrors puts Errors of one file in its order.
func sortErrors(errs []error) {
	slices.SortStableFunc(errs, func(a, b error) int {
		x, y := a.(*Error), b.(*Error)
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
}
