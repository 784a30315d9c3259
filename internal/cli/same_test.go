package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/loggen"
)

// The output is the same byte for byte for any number of jobs and any size of chunks.
func TestSameBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loggen.Write(f, loggen.Options{Seed: 5, Messages: 800, Rate: 3, Mix: loggen.Everything()}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"report -f json", "report -f table", "attempts -f ndjson --inbound", "attempts -f csv"} {
		out := func(jobs, chunk int) string {
			var out, errs bytes.Buffer
			args := append(strings.Fields(command), "--now", "2026-11-22T12:00:00Z", "--tz", "UTC", "-j", fmt.Sprint(jobs), "--chunk-size", fmt.Sprint(chunk), path)
			if status := run(t.Context(), args, IO{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }, Clock: time.Now}); status != 0 {
				t.Fatalf("%s: status %d: %s", command, status, &errs)
			}
			return out.String() + errs.String()
		}
		want := out(1, 8<<20)
		if len(want) < 1000 {
			t.Fatalf("%s prints next to nothing:\n%s", command, want)
		}
		for _, jobs := range []int{1, 2, 3, 8} {
			for _, chunk := range []int{4 << 10, 64 << 10, 1 << 20} {
				if got := out(jobs, chunk); got != want {
					t.Errorf("%s: %d jobs and chunks of %d print something else", command, jobs, chunk)
				}
			}
		}
	}
}
