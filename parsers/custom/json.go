package custom

import (
	"slices"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// A branch is a key of an object, or the object that is the record: what of it and of what is below it is asked for.
type branch struct {
	values []int // the numbers that its value has
	each   bool  // it is an array whose elements are taken one at a time
	wrap   bool  // it is a record that was wrapped, or an array of such

	keys []string
	subs []branch // as keys
	all  uint64   // the numbers of its value and of all below it, a bit each
}

// maxKeys is how many keys of one object may be asked for.
const maxKeys = 32

// at returns the branch at a path, made where it is missing.
func (b *branch) at(path []string) *branch {
	for _, key := range path {
		i := slices.Index(b.keys, key)
		if i < 0 {
			i = len(b.keys)
			b.keys, b.subs = append(b.keys, key), append(b.subs, branch{})
		}
		b = &b.subs[i]
	}
	return b
}

// fits reports whether no object is asked for more keys than can be.
func (b *branch) fits() bool {
	return len(b.keys) <= maxKeys && !slices.ContainsFunc(b.subs, func(sub branch) bool { return !sub.fits() })
}

// take fills rec from a value of JSON, and goes through each of its levels once. It returns the record that is wrapped in
// it, if any, or the array whose elements are to be taken one at a time; with the branch of either.
func (b *branch) take(v fields.Value, rec *record) (inner fields.Value, of *branch, ok bool) {
	var room [maxKeys]fields.Value
	values := room[:len(b.keys)]
	if !fields.Object(v.Raw, b.keys, values) {
		return inner, nil, false
	}
	for i := range b.subs {
		sub, v := &b.subs[i], values[i]
		for _, n := range sub.values {
			rec.setJSON(n, v)
		}
		switch {
		case sub.wrap && wraps(v) && (of == nil || !of.wrap), sub.each && v.IsArray() && of == nil:
			inner, of = v, sub
		case len(sub.keys) > 0 && v.IsObject():
			if v, sub, _ := sub.take(v, rec); sub != nil && of == nil {
				inner, of = v, sub
			}
		}
	}
	return inner, of, true
}

// wraps reports whether records may be in a value: an object, an array, or, as Amazon's SNS has it, a string that holds an
// object as text.
func wraps(v fields.Value) bool {
	return v.IsObject() || v.IsArray() || strings.HasPrefix(v.Quoted(), "{")
}

// seal fills in what is known once the branch is complete.
func (b *branch) seal() {
	for _, n := range b.values {
		b.all |= 1 << n
	}
	for i := range b.subs {
		b.subs[i].seal()
		b.all |= b.subs[i].all
	}
}

// maxWrappers is how deep a record may be wrapped in others.
const maxWrappers = 4

// appendObject reads an object at a branch, with all that is wrapped in it.
func (p *parser) appendObject(dst []parsers.Event, line *parsers.Line, rec *record, v fields.Value, at *branch, depth int) ([]parsers.Event, error) {
	inner, of, ok := at.take(v, rec)
	switch {
	case !ok && v.IsObject():
		return dst, &parsers.SyntaxError{Column: 1, Msg: "the JSON object is not complete"}
	case !ok:
		return dst, parsers.ErrForeign
	case of == nil:
		return p.appendRecord(dst, line, rec)
	case !of.wrap:
		return p.appendEach(dst, rec, inner, func(dst []parsers.Event, e fields.Value) ([]parsers.Event, error) {
			rec.said &^= of.all
			for _, n := range of.values {
				rec.setJSON(n, e)
			}
			of.take(e, rec)
			return p.appendRecord(dst, line, rec)
		})
	case depth == maxWrappers:
		return dst, parsers.ErrForeign
	case inner.IsArray():
		return p.appendEach(dst, rec, inner, func(dst []parsers.Event, e fields.Value) ([]parsers.Event, error) {
			rec.said &^= p.json.inner.all
			return p.appendObject(dst, line, rec, e, &p.json.inner, depth+1)
		})
	case inner.IsString():
		inner.Raw = inner.Text()
	}
	rec.said &^= p.json.inner.all
	return p.appendObject(dst, line, rec, inner, &p.json.inner, depth+1)
}

// appendEach reads the elements of an array by read. They are the format's where one of them is.
func (p *parser) appendEach(dst []parsers.Event, rec *record, list fields.Value, read func([]parsers.Event, fields.Value) ([]parsers.Event, error)) ([]parsers.Event, error) {
	n := len(dst)
	result := error(parsers.ErrForeign)
	for e := range list.Elements() {
		var err error
		switch dst, err = read(dst, e); err {
		case nil:
			result = nil
		case parsers.ErrForeign:
		default:
			return dst[:n], err
		}
		if len(dst)-n > maxEvents {
			return dst[:n], errEvents()
		}
	}
	return dst, result
}
