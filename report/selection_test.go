package report

import (
	"bytes"
	"strings"
	"testing"

	"bouncelog/internal/summary"

	"github.com/google/go-cmp/cmp"
)

// What alone was counted is told by whatever is read by people, kept in JSON, and has pseudonyms where a text has.
func TestSelection(t *testing.T) {
	c := summary.NewCounts()
	c.Selection = summary.Selection{Domain: "*.example.org", Sender: "ann@example.com", Campaign: "news@example.com", CampaignFrom: "sender"}
	r, err := Build(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const words = "recipients at *.example.org, senders like ann@example.com, campaigns by sender like news@example.com"
	if got := r.Selection.String(); got != words {
		t.Errorf("%q, want %q", got, words)
	}
	for _, f := range []struct{ format, want string }{
		{"table", "asked for: " + words}, {"markdown", "**Asked for:** " + code(words)}, {"html", "asked for: " + words},
		{"json", `"campaign_from": "sender"`}, {"ndjson", `{"section":"selection","domain":"*.example.org"`},
	} {
		if out := strings.Join(strings.Fields(string(write(t, f.format, r, WriteOptions{}))), " "); !strings.Contains(out, f.want) {
			t.Errorf("%s does not say %q", f.format, f.want)
		}
	}
	if out := write(t, "csv", r, WriteOptions{Section: "selection"}); string(out) != "domain,sender,job,campaign,campaign_from\n*.example.org,ann@example.com,,news@example.com,sender\n" {
		t.Errorf("csv: %s", out)
	}
	back, err := Read(bytes.NewReader(write(t, "json", r, WriteOptions{})))
	if err != nil || !cmp.Equal(back.Selection, r.Selection) {
		t.Errorf("read back: %+v, %v", back, err)
	}

	for level, secret := range map[Redaction][]string{RedactRecipient: {"ann", "news"}, RedactAll: {"ann", "news", "example"}} {
		x, err := NewRedactor(level, bytes.Repeat([]byte("k"), MinRedactionKey), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := Redact(x, r).Selection.String()
		for _, s := range secret {
			if strings.Contains(got, s) {
				t.Errorf("%s: %s", level, got)
			}
		}
	}

	all, err := Build(summary.NewCounts(), Options{})
	if err != nil || all.Selection != nil || all.Selection.String() != "" {
		t.Errorf("of all mail: %+v, %v", all.Selection, err)
	}
}
