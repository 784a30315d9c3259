package examples

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// Cases of each file, in the collection's words and in those of the attempt record.
func TestParseCase(t *testing.T) {
	for _, test := range []struct{ file, line, run, records string }{
		{"postfix", `{"id":"a","now":"2026-03-01T00:00:00Z","expected":[{"kind":"delivery","status":"SOFTBOUNCE","enhanced":"5.1.1","enhanced_src":"reply","count":2},
			{"kind":"probe","status":"undeliverable-but-not-cached","enhanced":"5.1.1","enhanced_src":"dsn","sender":""},{"kind":"delivery","status":"discarded"},{"kind":"removed"}]}`,
			`postfix a 2026-03-01T00:00:00Z UTC 0`,
			`[{"count":2,"enhanced_code":"5.1.1","status":"deferred"},{"count":2,"enhanced_code":"5.1.1","status":"deferred"},{"kind":"probe","sender":"\u003c\u003e","status":"bounced"}]`},
		{"exim", `{"n":7,"expect":[{"kind":"expired","recipient":"a@example.com","delay":"1h2m","xdelay":"0.412s"},
			{"kind":"delivery","command":"end of data","orig_recipient":"b@example.com"},{"kind":"skip","attempted":false,"command":"initial connection"},{"kind":"host_attempt"}]}`,
			`exim 7 2026-11-22T12:00:00Z UTC 0`,
			`[{"attempted":false,"delay":3720,"kind":"final","recipient":"a@example.com","status":"expired","xdelay":0.412},` +
				`{"command":"end of DATA","original_recipient":"b@example.com"},{"attempted":false,"command":"CONNECT"}]`},
		{"other-formats", `{"id":"b","format":"powermta-csv","context":{"tz":"Europe/Rome","year":2025},"expected":[
			{"time":"2026-11-22T10:00:00","enhanced":null,"attempt_kind":"smarthost","count":3},{"direction":"inbound","status":"rejected"}]}`,
			`powermta b 2026-11-22T12:00:00Z Europe/Rome 2025`,
			`[{"count":3,"enhanced_code":null,"kind":"smarthost","time":"2026-11-22T10:00:00Z"}]`},
	} {
		c, err := parseCase(test.file, test.line)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %s %s %s %d", c.Format, c.ID, c.Now, c.TZ, c.Year); got != test.run {
			t.Errorf("%s: %s, want %s", test.file, got, test.run)
		}
		records, err := json.Marshal(c.Records)
		if err != nil || string(records) != test.records {
			t.Errorf("%s: %v\n got %s\nwant %s", test.file, err, records, test.records)
		}
	}
	if _, err := parseCase("exim", `{"n":8,"expect":[{"kind":"delivery","delay":"soon"}]}`); err == nil {
		t.Error("no error for a delay without a number")
	}
}

// TestDifferences shows that each difference is found, and what is none.
func TestDifferences(t *testing.T) {
	c, err := parseCase("other-formats", `{"format":"sendmail","expected":[{"time":"2026-11-22T10:00:00.25Z","recipient":"a@example.com","status":"bounced","reply_code":550,"enhanced":"5.1.1",
		"delay":1.5,"queue_id":null,"diagnostic":"no"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	right := map[string]any{"time": "2026-11-22T10:00:00.251Z", "recipient": "a@example.com", "status": "bounced", "reply_code": uint16(550), "enhanced_code": "5.1.1",
		"delay": 1.5, "diagnostic": "no", "kind": "remote", "relay_host": "mx.example.com"}
	for _, test := range []struct {
		name, key string
		value     any
		want      string
	}{
		{"the same", "host", "mx", ""},
		{"another time", "time", "2026-11-22T10:00:00.252Z", "time is"},
		{"no time", "time", nil, "time is <nil>"},
		{"another code", "reply_code", 551.0, "reply_code is 551, want 550"},
		{"an enhanced code of the MTA's own", "enhanced_code", nil, "enhanced_code is <nil>"},
		{"another delay", "delay", 1.6, "delay is 1.6"},
		{"a queue id that the case denies", "queue_id", "ABCDEF", "queue_id is ABCDEF, want <nil>"},
		{"another kind than is said", "kind", "local", ""}, // nobody asks
		{"another diagnostic", "diagnostic", "yes", "diagnostic is yes"},
	} {
		got := maps.Clone(right)
		if got[test.key] = test.value; test.value == nil {
			delete(got, test.key)
		}
		found := strings.Join(c.Differences([]map[string]any{got}, "diagnostic"), "; ")
		if (found == "") != (test.want == "") || !strings.Contains(found, test.want) {
			t.Errorf("%s: %q, want %q", test.name, found, test.want)
		}
	}
	delete(right, "enhanced_code")
	right["dsn"] = "5.1.1"
	if found := c.Differences([]map[string]any{right}); found != nil {
		t.Errorf("the code in dsn: %q", found)
	}
	if found := c.Differences(nil); len(found) != 1 {
		t.Errorf("no records: %q", found)
	}
}

// A delivery to a remote server is not said.
func TestKinds(t *testing.T) {
	c, err := parseCase("postfix", `{"id":"a","expected":[{"kind":"delivery","attempt_kind":"remote"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind any
		same bool
	}{{nil, true}, {"remote", true}, {"local", false}} {
		if got := same("kind", test.kind, c.Records[0]["kind"]); got != test.same {
			t.Errorf("%v: %v", test.kind, got)
		}
	}
}
