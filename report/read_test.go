package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "empty": emptyReport(t)} {
		back, err := Read(bytes.NewReader(write(t, "json", r, WriteOptions{})))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(r, back); diff != "" {
			t.Errorf("%s: (-written +read):\n%s", name, diff)
		}
	}
	r, err := Read(strings.NewReader(`{"schema":"bouncelog.report","schema_version":"1.999","from_the_future":{"a":[1]},"totals":{"sent":3,"more":-1}}`))
	if err != nil || r.Totals.Sent != 3 {
		t.Errorf("a later minor version: %+v, %v", r, err)
	}
}

func TestReadFaults(t *testing.T) {
	const head = `{"schema":"bouncelog.report","schema_version":"1.1",`
	for _, c := range []struct{ doc, want string }{
		{"", "report is no JSON: it breaks off"},
		{head, "report is no JSON: it breaks off"},
		{"nonsense", "report is no JSON: invalid character 'o' in literal null (expecting 'u')"},
		{"[]", "no report: json: cannot unmarshal array into Go value of type struct"},
		{"null", `schema "": want "bouncelog.report", as bouncelog report -f json writes it`},
		{`{"schema":"bouncelog.comparison","schema_version":"1.0"}`, `schema "bouncelog.comparison": want "bouncelog.report"`},
		{`{"schema":"bouncelog.report"}`, `schema version "" is none`},
		{`{"schema":"bouncelog.report","schema_version":"0.9"}`, `schema version "0.9" is none`},
		{`{"schema":"bouncelog.report","schema_version":"2.0","totals":"otherwise"}`, "schema version 2.0 is of a later bouncelog, which this one does not know (it knows " + SchemaVersion + "); use that"},
		{head + `"totals":{"sent":-1}}`, "report.totals.sent is negative: -1"},
		{head + `"domains":[{},{"outcomes":{"bounced":-7}}]}`, "report.domains[1].outcomes.bounced is negative: -7"},
		{head + `"totals":{"sent":9007199254740993}}`, "report.totals.sent is more than there can be: 9007199254740993"},
		{head + `"totals":{"sent":1e99}}`, "report of version 1.1: json: cannot unmarshal number 1e99"},
		{head + `"totals":[]}`, "report of version 1.1: json: cannot unmarshal array"},
		{head + `"hints":[]}{}`, "something follows the report"},
	} {
		r, err := Read(strings.NewReader(c.doc))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, %v, want %s", c.doc, r, err, c.want)
		}
	}
}

// FuzzRead: whatever is read is a report, and reads back as itself.
func FuzzRead(f *testing.F) {
	f.Add(write(f, "json", emptyReport(f), WriteOptions{})) // a larger one is too slow to change at random
	f.Add([]byte(`{"schema":"bouncelog.report","schema_version":"1.0","domains":[{"domain":"\ud800","sent":9007199254740992}]}`))
	f.Add([]byte(`{"schema":"bouncelog.report","schema_version":"2"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := Read(bytes.NewReader(doc))
		if err != nil {
			return
		}
		once := write(t, "json", r, WriteOptions{})
		back, err := Read(bytes.NewReader(once))
		if err != nil {
			t.Fatalf("what was written does not read: %v", err)
		}
		if twice := write(t, "json", back, WriteOptions{}); !bytes.Equal(once, twice) {
			t.Errorf("%s\nreads back as\n%s", once, twice)
		}
	})
}
