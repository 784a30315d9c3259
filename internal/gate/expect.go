package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"bouncelog/report"
)

// Bounds of what is expected.
const (
	MaxExpected    = 256 << 20 // bytes of a file
	maxDifferences = 100       // of one file that are told; all are counted
	maxShownValue  = 300       // bytes of a value that differs
)

// An ExpectedReport is a saved report that the next one shall be like.
type ExpectedReport struct {
	file  string
	doc   any
	minor int // of its schema version
}

// ReadReport reads a saved report, as `bouncelog report -f json` writes it.
func ReadReport(file string, text []byte) (*ExpectedReport, error) {
	saved, err := report.Read(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read expected report %s: %w", file, err)
	}
	if saved.Redaction != "" {
		return nil, fmt.Errorf("read expected report %s: it has pseudonyms, which no other report has; make it with --redact none", file)
	}
	doc, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("read expected report %s: %w", file, err)
	}
	return &ExpectedReport{file, doc, minorOf(saved.SchemaVersion)}, nil
}

func decode(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var doc any
	err := dec.Decode(&doc)
	return doc, err
}

func minorOf(version string) int {
	_, minor, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(minor) // none: the first
	return n
}

// Breakdowns returns the dimensions of the breakdowns that the report has.
func (e *ExpectedReport) Breakdowns() (all [][]string) {
	obj, _ := e.doc.(map[string]any)
	list, _ := obj["breakdowns"].([]any)
	for _, b := range list {
		b, _ := b.(map[string]any)
		by, _ := b["by"].([]any)
		var names []string
		for _, n := range by {
			if s, ok := n.(string); ok {
				names = append(names, s)
			}
		}
		all = append(all, names)
	}
	return all
}

// Compare holds the report r, as JSON, against the one that is expected. What says nothing about the mail does not matter:
// the version of the program, the folders that inputs lie in, and what changed since a baseline. Keys that a later minor version of the schema added are
// not missed in an expectation that is older. Breakdowns that were made for the sake of gates alone must have been left out.
//
// Rows are found again by what they are about, a domain or a reply, not by their place; Difference.At is their place in
// what is expected, or in r where it is not expected.
func (e *ExpectedReport) Compare(r []byte) (report.Expectation, error) {
	out := report.Expectation{Kind: "report", File: e.file, Status: report.Passed, Differences: []report.Difference{}}
	got, err := decode(r)
	if err != nil {
		return out, fmt.Errorf("compare with %s: %w", e.file, err)
	}
	obj, _ := got.(map[string]any)
	version, _ := obj["schema_version"].(string)
	c := comparison{out: &out, older: e.minor < minorOf(version)}
	c.compare(nil, e.doc, got)
	if out.DifferencesTotal > 0 {
		out.Status = report.Failed
	}
	return out, nil
}

type comparison struct {
	out   *report.Expectation
	older bool // what is expected lacks keys that there were not yet
}

// compare compares what is at a path, of which the parts are not escaped yet.
func (c *comparison) compare(at []string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.objects(at, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			c.lists(at, w, g)
			return
		}
	}
	c.out.Compared++
	if len(at) > 0 && at[len(at)-1] == "file" {
		want, got = base(want), base(got)
	}
	if !sameValue(want, got) {
		c.differ("different", at, want, got)
	}
}

func base(v any) any {
	if s, ok := v.(string); ok {
		return path.Base(strings.ReplaceAll(s, `\`, "/"))
	}
	return v
}

func sameValue(a, b any) bool {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok1 && ok2 {
		f, err1 := x.Float64()
		g, err2 := y.Float64()
		return x == y || err1 == nil && err2 == nil && f == g
	}
	switch a.(type) {
	case map[string]any, []any:
		return false // of another kind than b, or compare had gone down
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// ignored are the values that say nothing about the mail.
func ignored(at []string) bool {
	switch {
	case len(at) == 1:
		return at[0] == "schema_version" || at[0] == "comparison" // with a baseline, which was for that day
	case len(at) == 2 && at[0] == "tool" && at[1] == "version":
		return true
	}
	return len(at) == 3 && at[0] == "inputs" && at[2] == "name"
}

func (c *comparison) objects(at []string, want, got map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		below := append(slices.Clip(at), key)
		g, ok := got[key]
		switch {
		case ignored(below):
		case !ok:
			c.differ("missing", below, want[key], nil)
		default:
			c.compare(below, want[key], g)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		below := append(slices.Clip(at), key)
		if _, ok := want[key]; !ok && !c.older && !ignored(below) {
			c.differ("unexpected", below, nil, got[key])
		}
	}
}

// lists compares rows: those that are about the same, or in the same place where it does not show what they are about.
func (c *comparison) lists(at []string, want, got []any) {
	wantAt, ok1 := identities(at, want)
	gotAt, ok2 := identities(at, got)
	if !ok1 || !ok2 {
		wantAt, gotAt = make(map[string]int), make(map[string]int)
		for i := range want {
			wantAt[strconv.Itoa(i)] = i
		}
		for i := range got {
			gotAt[strconv.Itoa(i)] = i
		}
	}
	back := make(map[int]string, len(wantAt))
	for id, i := range wantAt {
		back[i] = id
	}
	for i := range want {
		below := append(slices.Clip(at), strconv.Itoa(i))
		if j, ok := gotAt[back[i]]; ok {
			c.compare(below, want[i], got[j])
		} else {
			c.differ("missing", below, want[i], nil)
		}
	}
	var extra []int
	for id, j := range gotAt {
		if _, ok := wantAt[id]; !ok {
			extra = append(extra, j)
		}
	}
	slices.Sort(extra)
	for _, j := range extra {
		c.differ("unexpected", append(slices.Clip(at), strconv.Itoa(j)), nil, got[j])
	}
}

// identity are the keys that say what a row is about.
var identity = []string{"domain", "sender_domain", "provider", "category", "sub", "rule", "class", "origin", "reply_code", "enhanced_code", "text",
	"start", "name", "by", "key", "attempt", "folded"}

// identities returns where each row is, by what it is about; false where rows do not tell, or several are about the same.
func identities(at []string, rows []any) (map[string]int, bool) {
	if len(at) == 1 && at[0] == "inputs" {
		return nil, false
	}
	found := make(map[string]int, len(rows))
	for i, row := range rows {
		obj, ok := row.(map[string]any)
		if !ok {
			return nil, false
		}
		var id strings.Builder
		for _, key := range identity {
			if v, ok := obj[key]; ok {
				fmt.Fprintf(&id, "%s=%v\x00", key, v)
			}
		}
		if _, twice := found[id.String()]; twice || id.Len() == 0 {
			return nil, false
		}
		found[id.String()] = i
	}
	return found, true
}

func (c *comparison) differ(kind string, at []string, want, got any) {
	d := report.Difference{Kind: kind, At: pointer(at)}
	if kind != "unexpected" {
		d.Want = shown(want)
	}
	if kind != "missing" {
		d.Got = shown(got)
	}
	note(c.out, d)
}

// note counts a difference, and keeps it if there is room.
func note(e *report.Expectation, d report.Difference) {
	e.DifferencesTotal++
	if len(e.Differences) < maxDifferences {
		e.Differences = append(e.Differences, d)
	}
}

// pointer is a JSON pointer (RFC 6901).
func pointer(at []string) string {
	var b strings.Builder
	for _, part := range at {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return b.String()
}

// shown is a value as JSON, cut where it is long.
func shown(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return cutShown(strings.TrimSpace(b.String()))
}

func cutShown(s string) string {
	if len(s) <= maxShownValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxShownValue], "") + "…"
}

// An expected attempt is one line of a file of expectations.
type expected struct {
	line   int64
	text   string
	fields map[string]string // by key; a value as comparable has it, absent where it must not be there
}

// absent is the value of a key that a record must not have.
const absent = "null"

// comparable returns a form of a value that is equal for equal ones: 0.7 and 0.70 are.
func comparable(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return absent, true
	case bool:
		return strconv.FormatBool(v), true
	case string:
		return `"` + v, true
	case json.Number:
		f, err := v.Float64()
		return strconv.FormatFloat(f, 'g', -1, 64), err == nil
	}
	return "", false
}

// An Attempts holds the attempts of one log against a file of expectations, record by record: Add in the order of the log,
// then End. What is expected must come in the same order, and nothing else may come.
type Attempts struct {
	out    report.Expectation
	keys   []string // of a record
	want   []expected
	next   int // of want
	window []actual
}

// lookahead is how many records, and how many expected ones, are looked at for where the two are in step again.
const lookahead = 64

// An actual is a record that came and has no verdict yet.
type actual struct {
	text   string
	file   string
	line   int64
	fields map[string]string
}

// ReadAttempts reads a file of expectations: JSON, one object a line, of keys of an attempt record. A record is as expected
// where it has all these values; a key whose value is null must not be there. Of is the log that they are about.
func ReadAttempts(file, of string, text []byte) (*Attempts, error) {
	known := RecordKeys()
	a := &Attempts{keys: known, out: report.Expectation{Kind: "attempts", File: file, Of: of, Differences: []report.Difference{}}}
	n := int64(0)
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		e := expected{line: n, text: string(line), fields: make(map[string]string)}
		pairs, err := pairsOf(line)
		if err != nil {
			return nil, fmt.Errorf("read expectation %s:%d: %w", file, n, err)
		}
		for _, p := range pairs {
			if !slices.Contains(known, p.key) {
				return nil, fmt.Errorf("read expectation %s:%d: unknown key %q%s", file, n, p.key, didYouMean(p.key, known))
			}
			if _, twice := e.fields[p.key]; twice {
				return nil, fmt.Errorf("read expectation %s:%d: key %q a second time", file, n, p.key)
			}
			v, err := decode(p.value)
			c, ok := comparable(v)
			if err != nil || !ok {
				return nil, fmt.Errorf("read expectation %s:%d: value of %q: want a text, a number, true, false or null", file, n, p.key)
			}
			e.fields[p.key] = c
		}
		if len(e.fields) == 0 {
			return nil, fmt.Errorf("read expectation %s:%d: no key: any attempt would do", file, n)
		}
		a.want = append(a.want, e)
	}
	return a, nil
}

// A pair is a key and its value in JSON.
type pair struct {
	key   string
	value json.RawMessage
}

// pairsOf returns the pairs of one JSON object, in order.
func pairsOf(text []byte) (pairs []pair, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("want one JSON object on the line")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		p := pair{}
		p.key, _ = t.(string) // within an object, it is one
		if err := dec.Decode(&p.value); err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("want nothing behind the object")
	}
	return pairs, nil
}

// RecordKeys returns the keys of an attempt record.
func RecordKeys() []string {
	var b bytes.Buffer
	w, err := report.NewRecordWriter("csv", &b)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // the format is known, and a buffer takes everything
	}
	return strings.Split(strings.TrimSpace(b.String()), ",")
}

// Add takes the next record, as a line of ndjson.
func (a *Attempts) Add(line []byte) error {
	pairs, err := pairsOf(line)
	if err != nil {
		return err
	}
	x := actual{text: string(bytes.TrimSpace(line)), fields: make(map[string]string, len(pairs))}
	for _, p := range pairs {
		v, err := decode(p.value)
		if err != nil {
			return err
		}
		x.fields[p.key], _ = comparable(v)
		switch p.key {
		case "file":
			x.file, _ = v.(string)
		case "line":
			if n, ok := v.(json.Number); ok {
				x.line, _ = n.Int64()
			}
		}
	}
	a.out.Compared++
	a.window = append(a.window, x)
	if len(a.window) >= lookahead {
		a.step()
	}
	return nil
}

// End returns what became of it.
func (a *Attempts) End() report.Expectation {
	for len(a.window) > 0 {
		a.step()
	}
	for ; a.next < len(a.want); a.next++ {
		a.missing(a.next)
	}
	a.out.Status = report.Passed
	if a.out.DifferencesTotal > 0 {
		a.out.Status = report.Failed
	}
	return a.out
}

// step judges the first record of the window.
func (a *Attempts) step() {
	x := &a.window[0]
	if a.next == len(a.want) {
		a.unexpected(x)
		return
	}
	e := &a.want[a.next]
	if e.matches(x) {
		a.next++
		a.window = a.window[1:]
		return
	}
	if !e.has(x, "line") {
		// Out of step: by the fewest records that are not expected, or by the fewest expected ones that did not come.
		for d := 1; d < lookahead; d++ {
			if d < len(a.window) && e.matches(&a.window[d]) {
				a.unexpected(x)
				return
			}
			if a.next+d < len(a.want) && a.want[a.next+d].matches(x) {
				a.missing(a.next)
				a.next++
				return
			}
		}
		if e.named() && !e.has(x, "queue_id", "recipient") { // it says whose it is, and that is another
			a.missing(a.next)
			a.next++
			a.unexpected(x)
			return
		}
	}
	for _, key := range a.keys {
		want, ok := e.fields[key]
		got := x.value(key)
		if ok && want != got && (key != "file" || !sameFile(want, got)) {
			note(&a.out, report.Difference{Kind: "different", At: pointer([]string{key}), File: x.file, Line: x.line, Want: text(want), Got: text(got)})
		}
	}
	a.next++
	a.window = a.window[1:]
}

func (a *Attempts) unexpected(x *actual) {
	note(&a.out, report.Difference{Kind: "unexpected", File: x.file, Line: x.line, Got: cutShown(x.text)})
	a.window = a.window[1:]
}

func (a *Attempts) missing(i int) {
	note(&a.out, report.Difference{Kind: "missing", File: a.out.File, Line: a.want[i].line, Want: cutShown(a.want[i].text)})
}

func (x *actual) value(key string) string {
	if v, ok := x.fields[key]; ok {
		return v
	}
	return absent
}

// text is a comparable value as JSON.
func text(v string) string {
	if s, ok := strings.CutPrefix(v, `"`); ok {
		return shown(s)
	}
	return v
}

func (e *expected) matches(x *actual) bool {
	for key, want := range e.fields {
		got := x.value(key)
		if want != got && (key != "file" || !sameFile(want, got)) {
			return false
		}
	}
	return true
}

// sameFile reports whether two files are called alike, in whatever folders.
func sameFile(a, b string) bool {
	return a != absent && b != absent && base(a[1:]) == base(b[1:])
}

// has reports whether an expected attempt says all these keys, and the record has the same there.
func (e *expected) has(x *actual, keys ...string) bool {
	for _, key := range keys {
		if want, ok := e.fields[key]; !ok || want != x.value(key) {
			return false
		}
	}
	return true
}

// named reports whether an expected attempt says which one it is.
func (e *expected) named() bool {
	_, line := e.fields["line"]
	_, id := e.fields["queue_id"]
	_, recipient := e.fields["recipient"]
	return line || id && recipient
}

// Keys returns the keys that the expectations have, all together, in the order of a record; nil where there are none.
func (a *Attempts) Keys() (keys []string) {
	for _, key := range a.keys {
		if slices.ContainsFunc(a.want, func(e expected) bool { _, ok := e.fields[key]; return ok }) {
			keys = append(keys, key)
		}
	}
	return keys
}

// NewKeys are those of expectations that are written for the first time: all but the file, which lies elsewhere tomorrow.
func NewKeys() []string {
	return slices.DeleteFunc(RecordKeys(), func(key string) bool { return key == "file" })
}

// AppendExpected appends what to expect of a record, a line of ndjson, by these keys.
func AppendExpected(dst, line []byte, keys []string) ([]byte, error) {
	pairs, err := pairsOf(line)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	first := true
	for _, p := range pairs {
		if !slices.Contains(keys, p.key) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(append(dst, '"'), p.key...), `":`...), p.value...)
	}
	return append(dst, "}\n"...), nil
}

// ExpectationFile returns where the expectations of a log are: `mail.expect.ndjson` beside mail.log or mail.log.gz.
func ExpectationFile(log string) string {
	for _, ext := range []string{".gz", ".zst", ".xz", ".bz2"} {
		if s, ok := strings.CutSuffix(log, ext); ok {
			log = s
			break
		}
	}
	for _, ext := range []string{".log", ".txt", ".csv", ".json", ".jsonl", ".ndjson"} {
		if s, ok := strings.CutSuffix(log, ext); ok {
			log = s
			break
		}
	}
	return log + expectSuffix
}

const expectSuffix = ".expect.ndjson"

// IsExpectation reports whether a file is one of expectations, by its name.
func IsExpectation(name string) bool { return strings.HasSuffix(name, expectSuffix) }
