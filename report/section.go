package report

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A section is one part of a Report as rows of cells, for flat formats. It is made out of the model's own types: a new field
// of a row is a new column, and nothing is counted or left out on the way.
type section struct {
	name    string
	parent  *section   // whose rows hold the list; nil: the Report itself
	index   []int      // the way to it from there
	many    bool       // a list; otherwise there is one row
	columns []flatCell // those of the parent that say what a row belongs to come first
	outer   int        // how many these are
}

// A flatCell is one number or text of a row.
type flatCell struct {
	name   string
	index  []int // the way through structs, and pointers to some
	item   int   // of a list of texts, the one that it holds; -1: all of them
	absent bool  // zero means that there is none, as in JSON, where it is no pointer
	tells  bool  // what the row is about: a text of its own
}

const (
	reportSection  = "report" // what is a single value in a Report
	defaultSection = "domains"
)

// spread are the lists of texts that have a cell for each, and how many: a breakdown is by one dimension, or two crossed.
var spread = map[string]int{"by": 2, "key": 2}

// Sections returns the names of the parts of a Report that csv writes, one at a time: the keys of its JSON, and a.b for the
// lists b in the rows of a. The part `report` has the values that are in no other.
func Sections() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

// CheckSection reports whether there is a section of that name.
func CheckSection(name string) error {
	_, err := findSection(name)
	return err
}

// findSection returns the section called name, or the default one for none.
func findSection(name string) (*section, error) {
	for _, s := range sections() {
		if s.name == cmp.Or(name, defaultSection) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("unknown section %q: want %s", name, oneOf(Sections()))
}

func sections() []*section {
	t := reflect.TypeFor[Report]()
	single := &section{name: reportSection}
	all := []*section{single}
	for i := range t.NumField() {
		f := t.Field(i)
		name, absent := keyOf(f)
		switch f.Type.Kind() {
		case reflect.Struct:
			all = (&section{name: name, index: []int{i}}).addTo(all, f.Type)
		case reflect.Pointer:
			all = (&section{name: name, index: []int{i}}).addTo(all, f.Type.Elem())
		case reflect.Slice:
			all = (&section{name: name, index: []int{i}, many: true}).addTo(all, f.Type.Elem())
		default:
			single.columns = append(single.columns, flatCell{name: name, index: []int{i}, item: -1, absent: absent})
		}
	}
	return all
}

// addTo adds s, whose rows are of type t, and the lists in them. A list called rows is what its parent is about: it takes its
// place, and all its cells.
func (s *section) addTo(all []*section, t reflect.Type) []*section {
	if s.parent != nil {
		for _, c := range s.parent.columns {
			if c.tells || s.name == s.parent.name {
				s.columns = append(s.columns, c)
			}
		}
		s.outer = len(s.columns)
	}
	lists := s.addColumns(t, "", nil)
	if i := slices.IndexFunc(lists, func(l list) bool { return strings.HasSuffix(l.name, ".rows") }); i >= 0 {
		lists[i].name = s.name
	} else {
		all = append(all, s)
	}
	for _, l := range lists {
		all = l.addTo(all, l.row)
	}
	return all
}

// A list is a section within the rows of another one, and the type of its own rows.
type list struct {
	*section
	row reflect.Type
}

// addColumns adds the fields of t, which is found by way, and returns the lists among them.
func (s *section) addColumns(t reflect.Type, prefix string, way []int) (lists []list) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, absent := keyOf(f)
		at := append(slices.Clip(way), i)
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch kind := ft.Kind(); {
		case f.Anonymous:
			lists = append(lists, s.addColumns(ft, prefix, at)...)
		case kind == reflect.Struct:
			lists = append(lists, s.addColumns(ft, prefix+name+"_", at)...)
		case kind == reflect.Slice && ft.Elem().Kind() == reflect.Struct:
			lists = append(lists, list{&section{name: s.name + "." + prefix + name, parent: s, index: at, many: true}, ft.Elem()})
		default:
			absent = absent && f.Type.Kind() != reflect.Pointer
			c := flatCell{prefix + name, at, -1, absent, prefix == "" && (kind == reflect.String || kind == reflect.Bool || kind == reflect.Slice)}
			if spread[name] == 0 {
				s.columns = append(s.columns, c)
			}
			for c.item = range spread[name] {
				if c.item > 0 {
					c.name = prefix + name + "_" + strconv.Itoa(c.item+1)
				}
				s.columns = append(s.columns, c)
			}
		}
	}
	return lists
}

// keyOf returns the name of a field in JSON, and whether it is left out where it is zero.
func keyOf(f reflect.StructField) (name string, absent bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return cmp.Or(name, f.Name), options == "omitempty"
}

// rows calls do with every row of s, and with the row of the parent that it lies in, as far as there is one.
func (s *section) rows(r *Report, do func(parent, row reflect.Value) error) error {
	each := func(parent, of reflect.Value) error {
		v := follow(of, s.index)
		if !v.IsValid() {
			return nil
		}
		if !s.many {
			return do(parent, v)
		}
		for i := range v.Len() {
			if err := do(parent, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	v := reflect.ValueOf(r).Elem()
	switch {
	case len(s.index) == 0:
		return do(v, v)
	case s.parent == nil:
		return each(v, v)
	}
	return s.parent.rows(r, func(_, row reflect.Value) error { return each(row, row) })
}

// follow returns what is found in v by way, through pointers; not valid where one of them is nil.
func follow(v reflect.Value, way []int) reflect.Value {
	for _, i := range way {
		if v = v.Field(i); v.Kind() == reflect.Pointer {
			if v = v.Elem(); !v.IsValid() {
				return v
			}
		}
	}
	return v
}

// value returns what a cell holds in a row; not valid where there is nothing.
func (c *flatCell) value(row reflect.Value) reflect.Value {
	v := follow(row, c.index)
	switch {
	case !v.IsValid() || c.absent && v.IsZero():
		return reflect.Value{}
	case c.item >= 0 && c.item < v.Len():
		return v.Index(c.item)
	case c.item >= 0:
		return reflect.Value{}
	}
	return v
}
