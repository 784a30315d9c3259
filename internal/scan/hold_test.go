package scan

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers/all"
)

// Lines of Exim in syslog, each twice and some in pieces, that are read as they come in, count as they do at once.
func TestDecided(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		var lines []string
		twice := func(text string) {
			line := fmt.Sprintf("2026-11-20T10:%02d:00+00:00 mx1 exim[7]: %s\n", len(lines)/100, text)
			lines = append(lines, line, line)
		}
		for i := range 40 {
			id := fmt.Sprintf("1vLx%02d-00000001AbC-2dEf", i)
			twice(id + " <= a@example.com H=localhost [127.0.0.1] P=esmtp S=100")
			switch r.IntN(3) {
			case 0:
				twice(id + " ** b@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.2]: SMTP error from remote mail server after RCPT TO:<b@example.org>: 550 5.1.1 no")
			case 1:
				for range 2 {
					for n, text := range []string{" ** b@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.2]: SMTP error from remote mail server ", "after RCPT TO:<b@example.org>: 550 5.7.1 ", "listed"} {
						lines = append(lines, fmt.Sprintf("2026-11-20T10:%02d:00+00:00 mx1 exim[7]: [%d/3] %s%s\n", len(lines)/100, n+1, map[bool]string{true: id}[n == 0], text))
					}
				}
			default:
				twice(id + " => b@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.2] C=\"250 ok\"")
			}
			twice(id + " Completed")
		}
		if seed%2 == 1 { // in a container, whose runtime cuts lines into parts
			parts, _ := containerLog(strings.Join(lines, ""), seed)
			lines = strings.SplitAfter(strings.TrimSuffix(string(parts), "\n"), "\n")
			lines[len(lines)-1] += "\n"
		}
		path := filepath.Join(t.TempDir(), "mainlog")
		count := func(in *source.Input, runs *Runs) *summary.Counts {
			res, err := Summarise(t.Context(), Config{Inputs: []*source.Input{in}, Formats: all.Formats(), Now: now, Runs: runs})
			if err != nil || len(res.Errors) > 0 {
				t.Fatal(err, res.Errors)
			}
			return res.Counts
		}
		input := func() *source.Input {
			inputs, _, errs := source.Expand([]string{path}, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			return inputs[0]
		}
		whole := strings.Join(lines, "")
		if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
			t.Fatal(err)
		}
		want := count(input(), nil)
		var got *summary.Counts
		var open []byte
		at := int64(0)
		for done := 0; done < len(lines) || at < int64(len(whole)); {
			done = min(len(lines), done+1+r.IntN(30))
			if err := os.WriteFile(path, []byte(strings.Join(lines[:done], "")), 0o600); err != nil {
				t.Fatal(err)
			}
			in := input()
			b, err := in.Beginning()
			if err != nil {
				t.Fatal(err)
			}
			part := in.Part(b.Span(at))
			till := b.Till
			if done < len(lines) {
				if till, _, err = Decided(t.Context(), Config{Inputs: []*source.Input{part}, Formats: all.Formats(), Now: now}); err != nil {
					t.Fatal(err)
				}
			}
			if till <= at {
				continue
			}
			c := count(part.Within(at, till), &Runs{Open: open, Leave: func(left []byte) error {
				open = left
				return nil
			}})
			at = till
			if got == nil {
				got = c
			} else {
				got.Add(c)
			}
		}
		differ(t, fmt.Sprint("seed ", seed), fmt.Sprint(got.Ledger, got.Total.Attempts, got.Total.Outcomes, got.Replies()),
			fmt.Sprint(want.Ledger, want.Total.Attempts, want.Total.Outcomes, want.Replies()))
	}
}
