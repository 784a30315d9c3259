package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/examples"
)

// shared returns a path in the folder of specifications and corpora beside the project, or skips the test where there is
// none.
func shared(t *testing.T, path string) string {
	t.Helper()
	p := filepath.Join("..", "..", "..", "shared", filepath.FromSlash(path))
	if _, err := os.Stat(p); err != nil {
		t.Skipf("%s is not here; it lies beside a checkout of the project, not in it", path)
	}
	return p
}

// attempts runs `bouncelog attempts -f ndjson` and returns what it prints.
func attempts(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	status := run(t.Context(), append([]string{"attempts", "-f", "ndjson"}, args...),
		IO{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }, Clock: time.Now})
	if status != 0 {
		t.Fatalf("attempts %q: status %d\n%s", args, status, &errs)
	}
	return out.Bytes()
}

// differences are how many records of a run differ from what the servers wrote down.
type differences struct{ invented, missed, final int }

// allowed are the differences that no reader of the log could avoid. A folder that is not listed has none.
var allowed = map[string]differences{
	"postfix-short": {missed: 1}, // a 421 that Postfix never logged

	// 7 and 9 replies 421 that ended a session at one recipient, and stand behind those that the server had accepted before:
	// sendmail lists them with the same words and the same dsn=4.0.0 as where the 421 answered MAIL FROM. And 2 replies behind
	// recipients of whom the line before, of the same second, says `Sent`: sendmail went on to the next server for those
	// that were deferred, was not let in, and listed the wrong ones. Nothing on that line tells it from others.
	"sendmail":        {invented: 9, final: 2},
	"sendmail-trixie": {invented: 9},

	// Exim takes a 452 in answer to RCPT TO for "too many recipients" and says nothing of it. It tries these recipients again
	// on the same connection, so that one reply is missed and the next is there: 4, 3 and 2. Or the transaction fails, and Exim
	// logs what failed it for these, too: `after end of data: 550 …`, or `after pipelined DATA: 554 … no valid recipients`
	// where there was nobody else. They never got that reply, and where it is a 5xx they have bounced, though the server
	// would have had them again.
	"exim-default": {invented: 3, missed: 7, final: 3},
	"exim-all":     {invented: 6, missed: 9, final: 5},
	"exim-trixie":  {invented: 1, missed: 3, final: 1},
}

// Real servers' logs against what the servers that they talked to wrote down.
func TestTruthOfRealServers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to run the comparison with")
	}
	script := shared(t, "corpus/truthcmp.py")
	var folders []string
	for _, mta := range []string{"postfix-*", "exim-*", "sendmail*", "opensmtpd*"} {
		found, err := filepath.Glob(filepath.Join(shared(t, "corpus/logs"), mta))
		if err != nil || len(found) == 0 {
			t.Fatal("no logs: ", mta, err)
		}
		folders = append(folders, found...)
	}
	figures := regexp.MustCompile(`invented (\d+)  missed (\d+) of \d+  final differs (\d+) of`)
	for _, folder := range folders {
		logs, err := filepath.Glob(filepath.Join(folder, "mai[ln]*.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, log := range logs {
			name := filepath.Base(folder)
			t.Run(name+"/"+filepath.Base(log), func(t *testing.T) {
				records := filepath.Join(t.TempDir(), "attempts.ndjson")
				if err := os.WriteFile(records, attempts(t, "--tz", "UTC", "--now", "2026-11-22T12:00:00Z", log), 0o600); err != nil {
					t.Fatal(err)
				}
				// Its status is not zero where anything differs; the figures say what.
				out, err := exec.CommandContext(t.Context(), python, script, folder, records).CombinedOutput()
				m := figures.FindSubmatch(out)
				if m == nil {
					t.Fatalf("truthcmp.py: %v\n%s", err, out)
				}
				number := func(i int) int { n, _ := strconv.Atoi(string(m[i])); return n }
				got, most := differences{number(1), number(2), number(3)}, allowed[name]
				if name == "postfix-soft" { // with soft_bounce the MTA keeps what the servers refused
					most.final = got.final
				}
				if got.invented > most.invented || got.missed > most.missed || got.final > most.final {
					t.Errorf("differences %+v, want at most %+v\n%s", got, most, out)
				}
			})
		}
	}
}

// One run of Postfix, logged in three forms: the same attempts, but for what a form cannot hold.
func TestSameAttemptsInEveryHeader(t *testing.T) {
	folder := shared(t, "corpus/logs/postfix-short")
	read := func(name string) []map[string]any {
		var out []map[string]any
		for line := range bytes.Lines(attempts(t, "--tz", "UTC", "--now", "2026-11-22T12:00:00Z", filepath.Join(folder, name))) {
			var r map[string]any
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, r["time"].(string))
			if err != nil {
				t.Fatal(err)
			}
			r["time"] = at.Truncate(time.Second)
			for _, k := range []string{"file", "line", "process"} {
				delete(r, k)
			}
			out = append(out, r)
		}
		return out
	}
	want := read("mail.log.gz")
	for _, name := range []string{"mail.iso.log.gz", "mail.rfc5424.log.gz"} {
		got := read(name)
		if len(got) != len(want) {
			t.Fatalf("%s: %d attempts, want %d", name, len(got), len(want))
		}
		for i := range want {
			if g, w := fmt.Sprint(got[i]), fmt.Sprint(want[i]); g != w {
				t.Fatalf("%s: attempt %d differs\n got %s\nwant %s", name, i, g, w)
			}
		}
	}
}

// TestExamples runs the cases of the collection of examples through the command line, each with its format named and again
// with it found. Those of formats that users define themselves are package custom's.
func TestExamples(t *testing.T) {
	for _, file := range []string{"postfix.jsonl", "exim.jsonl", "other-formats.jsonl"} {
		for _, c := range examples.Cases(t, file) {
			if c.Name == "user-defined" {
				continue
			}
			t.Run(c.Name+"/"+c.ID, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "mail.log")
				if err := os.WriteFile(path, []byte(strings.Join(c.Lines, "\n")+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				args := []string{"--tz", c.TZ, "--now", c.Now, "--allow-empty", path}
				if c.Year != 0 {
					args = append(args, "--year", strconv.Itoa(c.Year))
				}
				for name, more := range map[string][]string{"named": {"--input-format", c.Format}, "found": nil} {
					var got []map[string]any
					for line := range bytes.Lines(attempts(t, append(more, args...)...)) {
						var r map[string]any
						if err := json.Unmarshal(line, &r); err != nil {
							t.Fatal(err)
						}
						got = append(got, r)
					}
					for _, d := range c.Differences(got) {
						t.Errorf("%s: %s", name, d)
					}
				}
			})
		}
	}
}
