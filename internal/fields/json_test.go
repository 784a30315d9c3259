package fields_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/fields"
)

func TestObject_Success(t *testing.T) {
	f := func(s string, want ...string) {
		t.Helper()
		values := make([]fields.Value, 2)
		if !fields.Object(s, []string{"a", "b"}, values) {
			t.Errorf("Object(%q) is false", s)
		}
		if got := []string{values[0].Raw, values[1].Raw}; !slices.Equal(got, want) {
			t.Errorf("Object(%q) = %q, want %q", s, got, want)
		}
	}
	f(`{}`, "", "")
	f(` { } `+"\r\n", "", "")
	f(`{"a":1}`, "1", "")
	f("{\n  \"b\" : [ 1, {\"a\": 2} ],\n  \"a\" : null\n}\n", "null", `[ 1, {"a": 2} ]`)
	f(`{"a":"x","a":"y"}`, `"y"`, "")
	f(`{"\u0061":"x"}`, `"x"`, "")
	f(`{"a":"\\","b":"\"}"}`, `"\\"`, `"\"}"`)
	f(`{"c":{"a":1,"b":2},"b":true}`, "", "true")
	f(`{"a":"`+"\t\xff"+`"}`, `"`+"\t\xff"+`"`, "")
	f(`{"b":`+strings.Repeat("[", 1e6)+strings.Repeat("]", 1e6)+`,"a":1}`, "1", strings.Repeat("[", 1e6)+strings.Repeat("]", 1e6))
}

func TestObject_Failure(t *testing.T) {
	f := func(s string) {
		t.Helper()
		if fields.Object(s, []string{"a"}, make([]fields.Value, 1)) {
			t.Errorf("Object(%q) is true", s)
		}
	}
	f(``)
	f(`[]`)
	f(`"a"`)
	f(`{`)
	f(`{"a"`)
	f(`{"a":`)
	f(`{"a":1`)
	f(`{"a":1,`)
	f(`{"a":1,}`)
	f(`{"a":"1}`)
	f(`{"a":"1\"}`)
	f(`{"a":{}`)
	f(`{a:1}`)
	f(`{"a" 1}`)
	f(`{"a":1} x`)
	f(`{"a":1}{"a":2}`)
	f(strings.Repeat(`{"a":`, 1e5))
}

func TestValue(t *testing.T) {
	f := func(raw, text string) {
		t.Helper()
		if got := (fields.Value{Raw: raw}).Text(); got != text {
			t.Errorf("Text of %s = %q, want %q", raw, got, text)
		}
	}
	f(``, "")
	f(`null`, "")
	f(`true`, "")
	f(`{}`, "")
	f(`["a"]`, "")
	f(`-1.50e3`, "-1.50e3")
	f(`"a b"`, "a b")
	f(`"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, "a\"\\/\b\f\n\r\té😀")
	f(`"\ud83d-\ude00-\ud83d\u0041"`, "\uFFFD-\uFFFD-\uFFFDA")
	f(`"\x41\u00g0"`, "x41\uFFFD") // no escapes
	f(`"`+"\xff"+`"`, "\uFFFD")

	v := fields.Value{Raw: `{"a": [1, "b", {"c": "12"}, [], null], "d": {"e": {"f": 7}}}`}
	if got, ok := v.Get("d").Get("e").Get("f").Int(); got != 7 || !ok {
		t.Errorf("d.e.f = %d, %t", got, ok)
	}
	if got := v.Get("a").Get("b").Get("c"); !got.IsZero() {
		t.Errorf("a.b.c = %s", got.Raw)
	}
	var got []string
	for e := range v.Get("a").Elements() {
		got = append(got, e.Raw)
	}
	if want := []string{`1`, `"b"`, `{"c": "12"}`, `[]`, `null`}; !slices.Equal(got, want) {
		t.Errorf("elements %q, want %q", got, want)
	}
	got = nil
	for key, e := range v.Members() {
		got = append(got, key, e.Raw[:1])
	}
	if want := []string{"a", "[", "d", "{"}; !slices.Equal(got, want) {
		t.Errorf("members %q, want %q", got, want)
	}
	for e := range v.Elements() {
		t.Errorf("an object has the element %s", e.Raw)
	}
	for _, raw := range []string{``, `[`, `[]`, `[,`, `[1`, `[1,`, `[1,]`, `["`} {
		for e := range (fields.Value{Raw: raw}).Elements() {
			if e.Raw != "1" {
				t.Errorf("%s has the element %q", raw, e.Raw)
			}
		}
	}
	if _, ok := (fields.Value{Raw: "1.5"}).Int(); ok {
		t.Error("1.5 is whole")
	}
}

func TestObject_NoAllocation(t *testing.T) {
	s, keys := `{"a":"x","b":{"c":["y"]},"d":1}`, []string{"b", "d"}
	if n := testing.AllocsPerRun(100, func() {
		var v [2]fields.Value
		fields.Object(s, keys, v[:])
		for e := range v[0].Get("c").Elements() {
			_ = e.Text()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzObject holds the walk through an object against encoding/json.
func FuzzObject(f *testing.F) {
	f.Add(`{"a":"\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00\ud83d\ud83d\u0041\udE00","log":"` + "\xff\xc3" + `","lo\u0067":"\n","b":"\\n","time":[],"x":-1.5e7,"y":null,"stream":true}`)
	f.Add(` { } `)
	f.Add(`{"a":[1,[],{"b":"]"}],"a":{"c":[{}]}}`)
	f.Add(`{"a":[}`)
	f.Fuzz(func(t *testing.T, s string) {
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &want) != nil || want == nil {
			walk(fields.Value{Raw: s}) // does not panic
			return
		}
		keys := make([]string, 0, len(want))
		for k := range want {
			keys = append(keys, k)
		}
		values := make([]fields.Value, len(keys))
		if !fields.Object(s, keys, values) {
			t.Fatalf("Object(%q) is false", s)
		}
		for i, k := range keys {
			if strings.ContainsRune(k, '\uFFFD') {
				continue // one of several keys may be meant
			}
			if values[i].Raw != string(want[k]) {
				t.Errorf("%q of %q is %q, want %q", k, s, values[i].Raw, want[k])
				continue
			}
			same(t, values[i])
		}
	})
}

// same holds a value of correct JSON against encoding/json.
func same(t *testing.T, v fields.Value) {
	var text string
	var elements []json.RawMessage
	switch raw := []byte(v.Raw); {
	case v.IsString() && json.Unmarshal(raw, &text) == nil:
		if got := v.Text(); got != text {
			t.Errorf("Text of %s is %q, want %q", v.Raw, got, text)
		}
	case v.IsArray() && json.Unmarshal(raw, &elements) == nil:
		i := 0
		for e := range v.Elements() {
			if i == len(elements) || e.Raw != string(elements[i]) {
				t.Fatalf("element %d of %s is %s", i, v.Raw, e.Raw)
			}
			same(t, e)
			i++
		}
		if i != len(elements) {
			t.Errorf("%d elements in %s", i, v.Raw)
		}
	case v.IsObject():
		for _, e := range v.Members() {
			same(t, e)
		}
	}
}

// walk looks at all that is in v, down to a few levels.
func walk(v fields.Value) {
	next := []fields.Value{v}
	for depth := 0; depth < 4; depth++ {
		var inner []fields.Value
		for _, v := range next {
			v.Text()
			v.Get("a")
			for e := range v.Elements() {
				inner = append(inner, e)
			}
			for _, e := range v.Members() {
				inner = append(inner, e)
			}
		}
		next = inner
	}
}
