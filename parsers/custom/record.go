package custom

import (
	"strings"

	"bouncelog/internal/fields"
)

// maxNames is how many names a rule may give to values, and a format in JSON or CSV to paths and columns. A bit of a
// word stands for each.
const maxNames = 64

// A record is the values of one record, each under the number that its name has in the definition.
type record struct {
	values [maxNames]string
	said   uint64 // the values that there are
	json   uint64 // of these, the ones that are JSON as it stands
}

// set gives a number its value. A negative one is of a value that nobody asks for.
func (r *record) set(i int, value string) {
	if i >= 0 {
		r.values[i] = value
		r.said |= 1 << i
		r.json &^= 1 << i
	}
}

// setJSON is set for a value of JSON. Null is no value.
func (r *record) setJSON(i int, v fields.Value) {
	if i < 0 {
		return
	}
	if v.IsZero() || v.IsNull() {
		r.said &^= 1 << i
		return
	}
	r.values[i] = v.Raw
	r.said |= 1 << i
	r.json |= 1 << i
}

// get returns a value, and whether there is one. Of an array of JSON it is the first element, of an object there is none.
func (r *record) get(i int) (value string, ok bool) {
	if r.said>>i&1 == 0 {
		return "", false
	}
	if r.json>>i&1 == 0 {
		return r.values[i], true
	}
	return textOf(fields.Value{Raw: r.values[i]})
}

// array returns an array of JSON, false where the value is none.
func (r *record) array(i int) (v fields.Value, ok bool) {
	if r.said>>i&1 == 0 || r.json>>i&1 == 0 {
		return v, false
	}
	v = fields.Value{Raw: r.values[i]}
	return v, v.IsArray()
}

func textOf(v fields.Value) (text string, ok bool) {
	switch {
	case v.IsString(), v.IsNumber():
		return v.Text(), true
	case v.IsArray():
		for e := range v.Elements() {
			if e.IsArray() {
				break
			}
			return textOf(e)
		}
	case v.Raw == "true", v.Raw == "false":
		return v.Raw, true
	}
	return "", false
}

// A glob is a pattern in which `*` stands for any text, `\*` for a star: the pieces between the stars.
type glob []string

func compileGlob(s string) glob {
	pieces := []string{""}
	for i := 0; i < len(s); i++ {
		last := &pieces[len(pieces)-1]
		switch {
		case s[i] == '*':
			pieces = append(pieces, "")
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '\\'):
			i++
			fallthrough
		default:
			*last += s[i : i+1]
		}
	}
	return pieces
}

func (g glob) match(s string) bool {
	if len(g) == 1 {
		return s == g[0]
	}
	s, ok := strings.CutPrefix(s, g[0])
	last := len(g) - 1
	for _, piece := range g[1:last] {
		if !ok {
			return false
		}
		_, s, ok = strings.Cut(s, piece)
	}
	return ok && strings.HasSuffix(s, g[last])
}
