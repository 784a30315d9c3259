package scan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/loggen"
	"bouncelog/internal/summary"
)

// containerLog writes a log as a container runtime would: in parts, on two streams. whole has the same lines in the order in
// which they come to their end, each in one part.
func containerLog(log string, seed uint64) (parts, whole []byte) {
	rnd := rand.New(rand.NewPCG(seed, 12))
	at := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	var p, w bytes.Buffer
	var rest, begun, text [2]string
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	for len(lines) > 0 || rest[0] != "" || rest[1] != "" {
		i := rnd.IntN(2)
		stream := [...]string{"stdout", "stderr"}[i]
		at = at.Add(time.Duration(rnd.IntN(1e9)))
		stamp := at.Format(time.RFC3339Nano)
		if rest[i] == "" {
			if len(lines) == 0 {
				continue
			}
			rest[i], text[i], begun[i], lines = lines[0], lines[0], stamp, lines[1:]
		}
		kind, n := "F", len(rest[i])
		if n > 1 && rnd.IntN(3) == 0 {
			kind, n = "P", 1+rnd.IntN(n-1)
			if rnd.IntN(4) == 0 {
				kind = "P:x"
			}
		}
		fmt.Fprintf(&p, "%s %s %s %s\n", stamp, stream, kind, rest[i][:n])
		if rest[i] = rest[i][n:]; kind == "F" {
			fmt.Fprintf(&w, "%s %s F %s\n", begun[i], stream, text[i])
		}
	}
	return p.Bytes(), w.Bytes()
}

// A log in parts says what it says in whole lines, however it is cut.
func TestParts(t *testing.T) {
	for seed := range uint64(3) {
		path, _ := generate(t, seed, func(o *loggen.Options) { o.Messages, o.Hosts = 400, o.Hosts[:1] })
		parts, whole := containerLog(string(read(t, path)), seed)
		apart := func(r *Result) string { // how many lines there are is another matter
			_, rest, _ := strings.Cut(dump(r, false), "\n")
			return rest
		}
		want := scanFiles(t, []string{write(t, "0.log", whole)}, nil)
		path = write(t, "0.log", parts)
		first := scanFiles(t, []string{path}, nil)
		differ(t, "in parts", apart(first), apart(want))
		l := first.Counts.Ledger
		if n := int64(bytes.Count(parts, []byte("\n"))); sum(l) != n {
			t.Errorf("ledger %v of %d lines", l, n)
		}
		for _, jobs := range []int{1, 3} {
			for _, chunk := range []int{4 << 10, 100 << 10} {
				got := scanFiles(t, []string{path}, func(c *Config) { c.Jobs, c.Source.ChunkSize = jobs, chunk })
				differ(t, fmt.Sprintf("%d jobs, chunks of %d", jobs, chunk), dump(got, true), dump(first, true))
			}
		}
	}
}

func sum(l summary.Ledger) (n int64) {
	for _, k := range l {
		n += k
	}
	return n
}

// What is not waited for: parts without an end, and what is too long for one.
func TestPartsWithoutEnd(t *testing.T) {
	const head = "2026-11-20T10:08:00Z "
	sent := func(to string) string {
		return "Nov 20 10:08:00 mx1 postfix/smtp[1]: 9F2C41D07A: to=<" + to + "@example.net>, relay=mx.example.net[192.0.2.25]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
	}
	const removed = head + "stdout F Nov 20 10:08:00 mx1 postfix/qmgr[2]: 9F2C41D07B: removed\n"
	noise := strings.Repeat(removed, maxParts/80)
	for _, test := range []struct {
		name, log string
		sent      int64
		unknown   int64
	}{
		{"at the end of the log", head + "stdout P " + sent("a") + "\n", 1, 0},
		{"at the end, without a line's end", head + "stdout P " + sent("a"), 1, 0},
		{"both at the end", head + "stderr P " + sent("a") + "\n" + head + "stdout P " + sent("b") + "\n", 2, 0},
		{"far from the next of its stream", head + "stderr P " + sent("a") + "\n" + noise + head + "stderr F " + sent("b") + "\n", 2, 0},
		{"before a line that is no part of any", head + "stdout P " + sent("a") + "\n" + head + "stdout F " + strings.Repeat("x", maxPart) + "\n", 1, 1},
		{"near the next of its stream", head + "stderr P " + sent("a") + "\n" + strings.Repeat(removed, maxParts/200) + head + "stderr F \n", 1, 0},
		{"a record of too many parts", strings.Repeat(head+"stdout P "+strings.Repeat("x", 16<<10)+"\n", 40) + head + "stderr F " + sent("a") + "\n", 1, 40},
		{"parts without a moment between them", strings.Repeat(head+"stdout P Nov 20 10:08:00 mx1 postfix/qmgr[2]: 9F2C\n"+head+"stderr F 41D07B: removed\n"+
			head+"stderr P Nov 20 10:08:00 mx1 postfix/qmgr[2]: 9F2C\n"+head+"stdout F 41D07B: removed\n", maxParts/100) + head + "stdout P " + sent("a") + "\n", 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, "0.log", []byte(head+"stdout F Nov 20 10:08:00 mx1 postfix/smtp[1]: x\n"+test.log))
			first := scanFiles(t, []string{path}, nil)
			c := first.Counts
			lines := int64(strings.Count(test.log+"\n", "\n")) + 1
			if strings.HasSuffix(test.log, "\n") {
				lines--
			}
			if c.Total.Attempts.Sent != test.sent || sum(c.Ledger) != lines || c.Ledger[summary.Unrecognised] != test.unknown {
				t.Errorf("%d sent, want %d; ledger %v of %d lines, %d unrecognised", c.Total.Attempts.Sent, test.sent, c.Ledger, lines, test.unknown)
			}
			for _, chunk := range []int{4 << 10, 300 << 10, 2 << 20} {
				got := scanFiles(t, []string{path}, func(c *Config) { c.Source.ChunkSize = chunk })
				differ(t, fmt.Sprintf("chunks of %d", chunk), dump(got, true), dump(first, true))
			}
		})
	}
}

// FuzzParts shows the framer text in steps: no line of several parts is cut by it, and where it cuts does not matter.
func FuzzParts(f *testing.F) {
	parts, _ := containerLog(strings.Repeat("a line\nanother one\n", 20), 1)
	f.Add(string(parts), uint16(1000))
	f.Add("2026-11-20T10:08:00Z stdout P a\n\n2026-11-20T10:08:00Z stderr P:x b\nc\n2026-11-20T10:08:00Z stdout F d\n", uint16(1))
	f.Fuzz(func(t *testing.T, text string, step uint16) {
		text = strings.Repeat(text, 1+lookahead/(len(text)+1)) // beyond what a block leaves to the next
		if len(text) > 4*lookahead {
			t.Skip()
		}
		want := splitParts(text)
		var got []string
		for from, to := 0, 0; from < len(text); {
			to = min(max(to, from)+int(step)+1<<10, len(text))
			n, _ := partFramer{}.Cut(text[from:to], to == len(text))
			if n > 0 && text[from+n-1] != '\n' && from+n < len(text) {
				t.Fatalf("a block ends within a line, at %d", from+n)
			}
			got = append(got, splitParts(text[from:from+n])...)
			from += n
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// splitParts returns the lines of a block as a worker puts them together.
func splitParts(text string) (lines []string) {
	var open openLines
	end := func(l *openLine) {
		raw, _ := open.close(l)
		lines = append(lines, raw)
	}
	flush := func() {
		for i := range open.of {
			if l := &open.of[i]; l.lines > 0 {
				end(l)
			}
		}
	}
	off := 0
	for raw := range strings.Lines(text) {
		line := strings.TrimSuffix(raw, "\n")
		if open.lost(off, len(line)) {
			flush()
		}
		switch l, whole := open.add(line, off, summary.Pos{}); {
		case l == nil:
			lines = append(lines, line)
		case whole:
			end(l)
		}
		off += len(raw)
	}
	flush()
	return lines
}
