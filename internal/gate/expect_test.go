package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bouncelog/report"

	"github.com/google/go-cmp/cmp"
)

func asJSON(t testing.TB, r *report.Report) []byte {
	t.Helper()
	f, err := report.FindFormat("json")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, r, report.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func saved() *report.Report {
	r := model()
	r.Schema, r.SchemaVersion, r.Tool = report.SchemaName, report.SchemaVersion, report.Tool{Name: "bouncelog", Version: "1.0.0"}
	r.Inputs = []report.Input{{Name: "here/mail.log", Lines: 2000, Formats: []string{"postfix"}, Hosts: []string{"mx1"}}}
	return r
}

func TestCompareReports(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *report.Report)
		want   []string
	}{
		{"nothing", func(*report.Report) {}, nil},
		{"the version and the place", func(r *report.Report) {
			r.Tool.Version, r.Inputs[0].Name = "1.0.1", "/there/mail.log"
			r.Templates[0].Example = &report.Example{Text: "550 no", File: "/there/mail.log", Line: 1}
			r.Coverage.Samples[0].File = `C:\there\mail.log`
			r.Comparison = &report.Comparison{Regressions: 7}
		}, nil},
		{"another file", func(r *report.Report) { r.Coverage.Samples[0].File = "there/mail.log.1" },
			[]string{`different /coverage/samples/0/file want "mail.log" got "mail.log.1"`}},
		{"a number", func(r *report.Report) { r.Totals.Sent++ }, []string{"different /totals/sent want 900 got 901"}},
		{"a rate that is not known any more", func(r *report.Report) { r.Totals.DeferralRate = nil }, []string{"missing /totals/deferral_rate want 0.06 got "}},
		{"a rate that is known now", func(r *report.Report) { r.Totals.BounceRate = pointTo(0.5) }, []string{"unexpected /totals/bounce_rate want  got 0.5"}},
		{"a row before the others", func(r *report.Report) {
			r.Totals.Origins = slices.Insert(r.Totals.Origins, 0, report.Origin{Origin: "x/y~", Count: 1})
			r.Totals.Origins[1].Count = 979
		}, []string{"different /totals/origins/0/count want 980 got 979", `unexpected /totals/origins/0 want  got {"count":1,"origin":"x/y~"}`}},
		{"a row is gone", func(r *report.Report) { r.Domains = r.Domains[:2] }, []string{"missing /domains/2 want {\"attempts\":120,"}},
		{"other rows of a list that does not name them", func(r *report.Report) { r.Inputs[0].Formats = []string{"exim", "postfix"} },
			[]string{`different /inputs/0/formats/0 want "postfix" got "exim"`, `unexpected /inputs/0/formats/1 want  got "postfix"`}},
	} {
		before := asJSON(t, saved())
		now := saved()
		test.change(now)
		e, err := ReadReport("r.json", before)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Compare(asJSON(t, now))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, d := range got.Differences {
			found = append(found, fmt.Sprintf("%s %s want %s got %s", d.Kind, d.At, d.Want, d.Got))
		}
		ok := len(found) == len(test.want) && got.DifferencesTotal == len(test.want) && (got.Status == report.Passed) == (len(test.want) == 0)
		for i := range min(len(found), len(test.want)) {
			ok = ok && strings.HasPrefix(found[i], test.want[i])
		}
		if !ok || got.Compared < 300 {
			t.Errorf("%s: %s, %d compared (-want +got):\n%s", test.name, got.Status, got.Compared, cmp.Diff(test.want, found))
		}
	}
}

// TestOlderReport: what an older minor version had not is not missed, and what it had must be the same.
func TestOlderReport(t *testing.T) {
	now := asJSON(t, saved())
	var doc map[string]any
	if err := json.Unmarshal(now, &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "delivery_times")
	compare := func() report.Expectation {
		old, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ReadReport("r.json", old)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Compare(now)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := compare(); got.Status != report.Failed {
		t.Error("a key that this version has is not missed")
	}
	doc["schema_version"] = "1.0"
	if got := compare(); got.Status != report.Passed {
		t.Errorf("%+v", got.Differences)
	}
	doc["domains_total"] = 17
	if got := compare(); got.DifferencesTotal != 1 {
		t.Errorf("%+v", got.Differences)
	}
}

func TestReadReportErrors(t *testing.T) {
	for text, want := range map[string]string{"": "r.json", "[]": "r.json", `{"schema":"x"}`: "r.json", `{"schema":"bouncelog.report","schema_version":"9.0"}`: "later bouncelog",
		`{"schema":"bouncelog.report","schema_version":"1.2","redaction":"all"}`: "it has pseudonyms"} {
		if _, err := ReadReport("r.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadReport(%q): %v, want …%s…", text, err, want)
		}
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	before, now := saved(), saved()
	for i := range 500 {
		before.Domains = append(before.Domains, report.Domain{Domain: fmt.Sprintf("d%d.example", i)})
	}
	e, err := ReadReport("r.json", asJSON(t, before))
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Compare(asJSON(t, now))
	if err != nil || got.DifferencesTotal != 500 || len(got.Differences) != maxDifferences {
		t.Errorf("%d of %d differences, %v", len(got.Differences), got.DifferencesTotal, err)
	}
}

// record is an attempt of a log, on its n-th line.
func record(n int, recipient, category string) string {
	return fmt.Sprintf(`{"time":"2026-11-20T10:00:01Z","queue_id":"Q%d","recipient":%q,"attempted":true,"category":%q,"delay":0.70,"file":"logs/mail.log","line":%d}`, n, recipient, category, n)
}

func judge(t testing.TB, want string, records ...string) report.Expectation {
	t.Helper()
	a, err := ReadAttempts("mail.expect.ndjson", "logs/mail.log", []byte(want))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := a.Add([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	return a.End()
}

func TestAttempts(t *testing.T) {
	a, b, c := record(1, "ann@example.com", "policy"), record(2, "bob@example.com", "bad_mailbox"), record(3, "eve@example.com", "greylisted")
	for _, test := range []struct {
		name    string
		want    string
		records []string
		found   []string
	}{
		{"all as expected", a + "\n" + b + "\n\n" + c, []string{a, b, c}, nil},
		{"nothing of nothing", "", nil, nil},
		{"by some keys", `{"recipient":"ann@example.com"}` + "\n" + `{"category":"bad_mailbox","sub":null,"delay":0.7,"attempted":true}`, []string{a, b}, nil},
		{"in another folder", `{"file":"/x/mail.log","line":1}`, []string{a}, nil},
		{"of another file", `{"file":"/x/mail.log.1","line":1,"queue_id":"Q1"}`, []string{a}, []string{`different /file logs/mail.log:1 want "/x/mail.log.1" got "logs/mail.log"`}},
		{"a value differs", strings.Replace(a, "policy", "unknown", 1) + "\n" + b, []string{a, b}, []string{`different /category logs/mail.log:1 want "unknown" got "policy"`}},
		{"another recipient on the line", strings.Replace(a, "ann", "eve", 1) + "\n" + b, []string{a, b}, []string{`different /recipient logs/mail.log:1 want "eve@example.com" got "ann@example.com"`}},
		{"on another line", strings.Replace(a, `"line":1`, `"line":7`, 1) + "\n" + b, []string{a, b}, []string{`different /line logs/mail.log:1 want 7 got 1`}},
		{"another one", strings.Replace(c, "policy", "tls", 1), []string{a}, []string{"missing  mail.expect.ndjson:1 want " + c, "unexpected  logs/mail.log:1 got " + a}},
		{"a key must not be there", `{"queue_id":"Q1","recipient":"ann@example.com","category":null}`, []string{a}, []string{`different /category logs/mail.log:1 want null got "policy"`}},
		{"one is missing", a + "\n" + b + "\n" + c, []string{a, c}, []string{"missing  mail.expect.ndjson:2 want " + b}},
		{"the last is missing", a + "\n" + b, []string{a}, []string{"missing  mail.expect.ndjson:2 want " + b}},
		{"one is not expected", a + "\n" + c, []string{a, b, c}, []string{"unexpected  logs/mail.log:2 got " + b}},
		{"the last is not expected", a, []string{a, b}, []string{"unexpected  logs/mail.log:2 got " + b}},
		{"in another order", a + "\n" + b, []string{b, a}, []string{"unexpected  logs/mail.log:2 got " + b, "missing  mail.expect.ndjson:2 want " + b}},
		{"nothing alike", `{"category":"tls","reply_code":550}`, []string{a},
			[]string{`different /reply_code logs/mail.log:1 want 550 got null`, `different /category logs/mail.log:1 want "tls" got "policy"`}},
	} {
		got := judge(t, test.want, test.records...)
		var found []string
		for _, d := range got.Differences {
			s := fmt.Sprintf("%s %s %s:%d", d.Kind, d.At, d.File, d.Line)
			if d.Want != "" {
				s += " want " + d.Want
			}
			if d.Got != "" {
				s += " got " + d.Got
			}
			found = append(found, s)
		}
		if diff := cmp.Diff(test.found, found); diff != "" || got.DifferencesTotal != len(found) || got.Compared != int64(len(test.records)) || (got.Status == report.Passed) != (found == nil) {
			t.Errorf("%s: %+v (-want +got):\n%s", test.name, got, diff)
		}
	}
}

// TestAttemptsInStep takes some of the expected attempts away and puts others in: these are told, and no more.
func TestAttemptsInStep(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 15 {
		var want, records []string
		missing, unexpected := 0, 0
		for i := range 300 {
			r := record(i, fmt.Sprintf("u%d@example.com", i), "policy")
			switch rnd.IntN(10) {
			case 0:
				want = append(want, r)
				missing++
			case 1:
				records = append(records, r)
				unexpected++
			default:
				want, records = append(want, r), append(records, r)
			}
		}
		got := judge(t, strings.Join(want, "\n"), records...)
		found := make(map[string]int)
		for _, d := range got.Differences {
			found[d.Kind]++
		}
		if found["missing"] != missing || found["unexpected"] != unexpected || found["different"] != 0 {
			t.Fatalf("found %v, want %d missing and %d unexpected", found, missing, unexpected)
		}
	}
}

func TestReadAttemptsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                   "a.ndjson:1: no key",
		"\n[1]":                "a.ndjson:2: want one JSON object",
		`{"a":1} {}`:           "a.ndjson:1: want nothing behind the object",
		`{"recipeint":"a"}`:    `a.ndjson:1: unknown key "recipeint"; did you mean recipient?`,
		`{"line":1,"line":2}`:  `key "line" a second time`,
		`{"line":[1]}`:         `value of "line": want a text, a number`,
		`{"line":1e999999999}`: `value of "line"`,
		`{"line":1`:            "a.ndjson:1: ",
		`{"recipient":"a"}}`:   "a.ndjson:1: ",
	} {
		if _, err := ReadAttempts("a.ndjson", "a.log", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadAttempts(%q): %v, want …%s…", text, err, want)
		}
	}
}

// TestWriteExpected: what is written is what is expected, by all keys or by those that the file had.
func TestWriteExpected(t *testing.T) {
	a := record(1, "ann@example.com", "policy")
	line, err := AppendExpected(nil, []byte(a), NewKeys())
	if want := strings.Replace(a, `"file":"logs/mail.log",`, "", 1) + "\n"; err != nil || string(line) != want {
		t.Errorf("got %s, want %s, %v", line, want, err)
	}
	if got := judge(t, string(line), a); got.Status != report.Passed {
		t.Errorf("%+v", got)
	}
	had, err := ReadAttempts("x", "y", []byte(`{"category":"tls"}`+"\n"+`{"recipient":"a@example.com","category":"tls"}`))
	if err != nil {
		t.Fatal(err)
	}
	line, err = AppendExpected(nil, []byte(a), had.Keys())
	if want := `{"recipient":"ann@example.com","category":"policy"}` + "\n"; err != nil || string(line) != want {
		t.Errorf("got %s, want %s, %v", line, want, err)
	}
}

func TestExpectationFile(t *testing.T) {
	for log, want := range map[string]string{
		"mail.log": "mail.expect.ndjson", "a/mail.log.gz": "a/mail.expect.ndjson", "mainlog.xz": "mainlog.expect.ndjson", "mail.log.1": "mail.log.1.expect.ndjson",
		"x.json": "x.expect.ndjson", "acct.csv.zst": "acct.expect.ndjson",
	} {
		if got := ExpectationFile(log); got != want {
			t.Errorf("ExpectationFile(%q) = %q, want %q", log, got, want)
		}
	}
}

func FuzzAttempts(f *testing.F) {
	a, b := record(1, "ann@example.com", "policy"), record(2, "bob@example.com", "bad_mailbox")
	f.Add(a+"\n"+b, a+"\n"+b)
	f.Add(b, a+"\n"+b)
	f.Add(`{"line":1,"file":null}`, a)
	f.Add(`{"file":"x","delay":7e-1}`, b)
	f.Fuzz(func(t *testing.T, want, records string) {
		x, err := ReadAttempts("x.expect.ndjson", "x.log", []byte(want))
		if err != nil {
			return
		}
		n := 0
		for line := range strings.Lines(records) {
			if x.Add([]byte(line)) == nil {
				n++
			}
		}
		got := x.End()
		if got.Compared != int64(n) || got.DifferencesTotal < len(got.Differences) || len(x.window) > 0 {
			t.Fatalf("%+v", got)
		}
		if want := len(x.want) - n; want > 0 && got.DifferencesTotal < want {
			t.Fatalf("%d differences where %d attempts are missing", got.DifferencesTotal, want)
		}
	})
}

// FuzzReport: any two documents can be compared, and one with itself is the same.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"a":[{"name":"x","n":1},{"name":"y"}],"tool":{"version":"1"}}`), []byte(`{"a":[{"name":"y"}],"b":null}`))
	f.Add([]byte(`[1,2,[3]]`), []byte(`{"file":"a/b"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, err := decode(a)
		if err != nil {
			return
		}
		e := &ExpectedReport{file: "r.json", doc: x}
		got, err := e.Compare(a)
		if err != nil || got.DifferencesTotal != 0 {
			t.Fatalf("%s differs from itself: %+v, %v", a, got, err)
		}
		if _, err := decode(b); err == nil {
			if _, err := e.Compare(b); err != nil {
				t.Fatal(err)
			}
		}
	})
}
