package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
)

// A suppressed is one row of `bouncelog suppress -f ndjson`.
type suppressed struct {
	Address, Domain, Category, Suppress, Rule, Diagnostic, File string
	Line                                                        int
}

// suppress runs `bouncelog suppress -f ndjson` and returns its rows.
func suppressRows(t *testing.T, args ...string) (rows []suppressed) {
	t.Helper()
	var out, errs bytes.Buffer
	status := run(t.Context(), append([]string{"suppress", "-f", "ndjson", "--tz", "UTC", "--now", "2026-11-22T12:00:00Z"}, args...),
		IO{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }, Clock: time.Now})
	if status != 0 {
		t.Fatalf("suppress %q: status %d\n%s", args, status, &errs)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var r suppressed
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// A fate is what the servers wrote down of one recipient.
type fate struct {
	classes, kinds, replies, finals map[string]bool
}

// dead reports whether a server said that the address is no good, or whether its domain has nowhere to deliver to.
func (f *fate) dead() bool {
	for _, class := range []string{"mailbox-unknown", "mailbox-disabled", "mailbox-moved", "domain-invalid"} {
		if f.classes[class] {
			return true
		}
	}
	return false
}

// explained are rows that the label of a server's reply or the lack of one does not call dead, and that are right.
func (f *fate) explained() bool {
	// No server was asked, and none is labelled: DNS knows no such domain, no host of it, or a null MX.
	for _, kind := range []string{"nxdomain", "nodata", "nullmx", "mxnoaddr"} {
		if f.kinds[kind] {
			return true
		}
	}
	// 550 5.1.1 no such user), dsn=2.0.0, status=sent (250 …: labelled by what it tries to smuggle into the log.
	return f.replies["od-evil1"]
}

// Nobody is called dead of whom the servers knew better.
func TestSuppressedAreDead(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(shared(t, "corpus/logs"), "*", "truth.tsv.gz"))
	if err != nil || len(folders) == 0 {
		t.Fatal("no logs: ", err)
	}
	for _, truth := range folders {
		folder := filepath.Dir(truth)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			fates := readFates(t, truth)
			logs, err := filepath.Glob(filepath.Join(folder, "mai[ln]*.gz"))
			if err != nil || len(logs) == 0 {
				t.Fatal("no logs: ", err)
			}
			right, explained, found, known := 0, 0, make(map[*fate]bool), 0
			for _, r := range suppressRows(t, logs[len(logs)-1]) {
				f := fates[plainAddress(r.Address)]
				switch {
				case f == nil:
					t.Errorf("%s:%d: %s is in no row of the truth", r.File, r.Line, r.Address)
				case f.finals["delivered"]:
					t.Errorf("%s:%d: %s was delivered to: %s by %s", r.File, r.Line, r.Address, r.Category, r.Rule)
				case f.dead():
					right++
					found[f] = true
				case f.explained():
					explained++
				default:
					t.Errorf("%s:%d: %s is alive: %s by %s, %.160s", r.File, r.Line, r.Address, r.Category, r.Rule, r.Diagnostic)
				}
			}
			for _, f := range fates {
				if f.dead() {
					known++
				}
			}
			t.Logf("%d dead addresses of %d named, %d more at dead domains or explained", right, known, explained)
			// With soft_bounce the MTA keeps what the servers refused, and nothing is for good.
			if filepath.Base(folder) != "postfix-soft" && right*2 < known {
				t.Errorf("only %d dead addresses of %d were named", right, known)
			}
		})
	}
}

func readFates(t *testing.T, path string) map[string]*fate {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<24)
	column := make(map[string]int)
	fates := make(map[string]*fate)
	for s.Scan() {
		cells := strings.Split(s.Text(), "\t")
		if len(column) == 0 {
			for i, name := range cells {
				column[name] = i
			}
			continue
		}
		address := plainAddress(cells[column["recipient"]])
		x := fates[address]
		if x == nil {
			x = &fate{make(map[string]bool), make(map[string]bool), make(map[string]bool), make(map[string]bool)}
			fates[address] = x
		}
		x.classes[cells[column["class"]]] = true
		x.kinds[cells[column["kind"]]] = true
		x.replies[cells[column["reply_id"]]] = true
		x.finals[cells[column["final"]]] = true
	}
	if err := s.Err(); err != nil || len(fates) == 0 {
		t.Fatalf("%d recipients, %v", len(fates), err)
	}
	return fates
}

// plainAddress returns an address as all MTAs would write it.
func plainAddress(address string) string {
	at := strings.LastIndexByte(address, '@')
	return strings.ToLower(strings.NewReplacer(`"`, "", `\`, "").Replace(address[:max(at, 0)])) + "@" + classify.Domain(address)
}

// The list is the same for any number of jobs and any size of blocks.
func TestSuppressSameForAnyJobs(t *testing.T) {
	log := filepath.Join(moduleRoot, "testdata/logs")
	want := suppressRows(t, "-j", "1", log)
	if len(want) < 100 {
		t.Fatalf("only %d rows", len(want))
	}
	for _, args := range [][]string{{"-j", "2"}, {"-j", "5", "--chunk-size", "4096"}} {
		got := suppressRows(t, append(args, log)...)
		if len(got) != len(want) {
			t.Fatalf("%v: %d rows, want %d", args, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%v: row %d is %+v, want %+v", args, i, got[i], want[i])
			}
		}
	}
}
