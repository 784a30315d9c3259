package scan

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bouncelog/internal/source"
	"bouncelog/internal/summary"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

// cutAll returns the records that a framer makes of text when it is shown step bytes more each time.
func cutAll(t testing.TB, f *framer, text string, step int) (records []string) {
	t.Helper()
	from, to := 0, 0
	for from < len(text) {
		to = min(max(to, from)+step, len(text))
		atEnd := to == len(text)
		n, _ := f.Cut(text[from:to], atEnd)
		if n == 0 && atEnd {
			n = to - from
		}
		block := text[from : from+n]
		from += n
		for block != "" {
			start, end, _ := f.cut(block, true)
			if end == 0 {
				t.Fatalf("stuck at %q", block)
			}
			if start < end {
				records = append(records, block[start:end])
			}
			block = block[end:]
		}
	}
	return records
}

func newFramer(framing parsers.Framing, size int) *framer {
	return &framer{cut: cutterOf(framing), size: size, now: new(section), objects: framing == parsers.JSON}
}

func TestCutObject(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"one a line", "{\"a\":1}\n{\"b\":2}\n", []string{"{\"a\":1}\n", "{\"b\":2}\n"}},
		{"without a line end", `{"a":1}{"b":2}`, []string{`{"a":1}`, `{"b":2}`}},
		{"three on two lines", "{\"a\":1}{\"b\":2}\n{\"c\":3}", []string{`{"a":1}`, "{\"b\":2}\n", `{"c":3}`}},
		{"in an array", `[{"a":1},{"b":[{"c":2}]}]`, []string{`{"a":1},`, `{"b":[{"c":2}]}]`}},
		{"an array on many lines", "[\n  {\n \"a\": {\"x\": 1}\n },\n  {\"b\":2}\n]\n", []string{"{\n \"a\": {\"x\": 1}\n },\n", "{\"b\":2}\n"}},
		{"braces in a string", "{\"a\":\"}\\\"{\"}\n{\"b\":\"{\"}\n", []string{"{\"a\":\"}\\\"{\"}\n", "{\"b\":\"{\"}\n"}},
		{"cut within a string", "{\"a\":\"x\n{\"b\":2}\n", []string{"{\"a\":\"x\n", "{\"b\":2}\n"}},
		{"cut behind a comma", "{\"a\":1,\n{\"b\":2}\n{\"c\":3}\n", []string{"{\"a\":1,\n", "{\"b\":2}\n", "{\"c\":3}\n"}},
		{"cut in an inner object", "{\"a\":{\"x\":1\n{\"b\":2}\n", []string{"{\"a\":{\"x\":1\n", "{\"b\":2}\n"}},
		{"no end", "{\"a\":1\n\"b\":2", []string{"{\"a\":1\n", "\"b\":2"}},
		{"no JSON between", "{\"a\":1}\nhello\n{\"b\":2}\n", []string{"{\"a\":1}\n", "hello\n", "{\"b\":2}\n"}},
		{"blank lines", "\n\n{\"a\":1}\n\n", []string{"{\"a\":1}\n"}},
		{"carriage returns", "{\"a\":1}\r\n{\"b\":2}\r\n", []string{"{\"a\":1}\r\n", "{\"b\":2}\r\n"}},
		{"nothing", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, step := range []int{1, 2, 3, 7, 1000} {
				if d := cmp.Diff(test.want, cutAll(t, newFramer(parsers.JSON, 20), test.text, step)); d != "" {
					t.Errorf("%d bytes at a time (-want +got):\n%s", step, d)
				}
			}
		})
	}
}

func TestCutRow(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"lines", "a,b\nc,d\n", []string{"a,b\n", "c,d\n"}},
		{"a line end in quotes", "a,\"b\nc\"\nd\n", []string{"a,\"b\nc\"\n", "d\n"}},
		{"quotes in quotes", "a,\"b\"\"\nc\"\nd\n", []string{"a,\"b\"\"\nc\"\n", "d\n"}},
		{"a quote without an end", "a,\"b\nc\nd\n", []string{"a,\"b\n", "c\n", "d\n"}},
		{"no end", "a\nb,c", []string{"a\n", "b,c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, step := range []int{1, 2, 3, 7, 1000} {
				if d := cmp.Diff(test.want, cutAll(t, newFramer(parsers.CSV, 20), test.text, step)); d != "" {
					t.Errorf("%d bytes at a time (-want +got):\n%s", step, d)
				}
			}
		})
	}
}

// A quote without an end, or an object, takes no more than its first line with it.
func TestRunaways(t *testing.T) {
	filler := strings.Repeat("0123456789abcde\n", maxRecord/16)
	for framing, first := range map[parsers.Framing]string{parsers.CSV: "a,\"b\n", parsers.JSON: "{\"a\":\n"} {
		text := first + filler + filler
		for _, step := range []int{100_000, 1 << 20, 8 << 20} {
			got := cutAll(t, newFramer(framing, 64<<10), text, step)
			if len(got) != 1+len(filler)/8 || got[0] != first {
				t.Errorf("framing %d, %d bytes at a time: %d records, the first %.40q", framing, step, len(got), got[0])
			}
		}
	}
}

// Whatever the text, the records do not depend on how much of it is seen at a time; they are the text without what
// separates them; and where it is valid, they are what the standard library reads.
func FuzzCutters(f *testing.F) {
	f.Add("{\"a\":[1,{\"b\":\"}\"}]}\n[{},{\"x\":\"\\\"\"}]\n", uint8(3))
	f.Add("a,\"b\"\"\nc\"\nd\n", uint8(2))
	f.Add("{\"a\":\n{\"b\":1}", uint8(1))
	f.Add("__CURSOR=a\nB\n\x02\x00\x00\x00\x00\x00\x00\x00\n\n\nC=1\n\n\nD=2\nno\n", uint8(2))
	f.Add("6 <22>a\n6 <22>b7 <22>cd\n3 <1>d\nx\n99 <1>e\n", uint8(2))
	f.Add("A0000000=0\nA\n\x02\x00\x00\x00\x00\x00\x00\x000\n0", uint8(2))
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		for _, framing := range []parsers.Framing{parsers.CSV, parsers.JSON} {
			want := cutAll(t, newFramer(framing, 1<<20), text, len(text)+1)
			got := cutAll(t, newFramer(framing, 16), text, 1+int(step))
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("framing %d (-at once +by %d):\n%s", framing, 1+step, d)
			}
			if framing == parsers.CSV && strings.Join(want, "") != text {
				t.Fatalf("%q, want %q", want, text)
			}
		}
		for _, cut := range []cutter{cutEntry, cutFrame} {
			f := func(size int) *framer { return &framer{cut: cut, size: size, now: new(section)} }
			if d := cmp.Diff(cutAll(t, f(1<<20), text, len(text)+1), cutAll(t, f(16), text, 1+int(step))); d != "" {
				t.Fatalf("entries or frames (-at once +by %d):\n%s", 1+step, d)
			}
		}
		var objects []string
		dec := json.NewDecoder(strings.NewReader(text))
		for {
			var raw json.RawMessage
			if err := dec.Decode(&raw); err == io.EOF {
				break
			} else if err != nil || raw[0] != '{' {
				objects = nil
				break
			}
			objects = append(objects, string(raw))
		}
		if deep := strings.Count(text, "{")+strings.Count(text, "[") > 60; objects != nil && !deep {
			got := cutAll(t, newFramer(parsers.JSON, 16), text, 1+int(step))
			for i := range got {
				got[i] = strings.Trim(got[i], " \t\r\n")
			}
			if d := cmp.Diff(objects, got); d != "" {
				t.Fatalf("objects (-encoding/json +got):\n%s", d)
			}
		}
	})
}

// The toys are formats that need all of the machinery and nothing else.

// toyJSON reads {"toy":"RECIPIENT","code":550}.
func toyJSON() parsers.Format {
	return parsers.Format{Name: "toy-json", Framing: parsers.JSON, Open: func(parsers.Sample, parsers.Options) (parsers.Parser, error) {
		return parserFunc(func(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
			var v struct {
				Toy  string
				Code parsers.ReplyCode
			}
			if err := json.Unmarshal([]byte(line.Text), &v); err != nil {
				return dst, &parsers.SyntaxError{Column: 1, Msg: "no object"}
			}
			if v.Toy == "" {
				return dst, parsers.ErrForeign
			}
			return append(dst, toyAttempt(v.Toy, v.Code)), nil
		}), nil
	}, Sniff: func(s parsers.Sample) parsers.Score {
		return s.Ratio(func(l *parsers.Line) bool { return strings.Contains(l.Text, `"toy"`) })
	}}
}

// toyCSV reads rows of rcpt and code, in the order that the header says.
func toyCSV() parsers.Format {
	return parsers.Format{Name: "toy-csv", Framing: parsers.CSV, Header: "rcpt,", Columns: true,
		Open: func(s parsers.Sample, _ parsers.Options) (parsers.Parser, error) {
			columns := strings.Split(s.Head, ",")
			rcpt, code := slices.Index(columns, "rcpt"), slices.Index(columns, "code")
			return parserFunc(func(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
				row, err := csv.NewReader(strings.NewReader(line.Text)).Read()
				if err != nil || len(row) != len(columns) {
					return dst, &parsers.SyntaxError{Column: 1, Msg: "no row"}
				}
				r, _ := parsers.ParseReply(row[code])
				return append(dst, toyAttempt(row[rcpt], r.Code)), nil
			}), nil
		}, Sniff: func(s parsers.Sample) parsers.Score {
			if strings.HasPrefix(s.Head, "rcpt,") || strings.HasPrefix(s.Head, "code,") {
				return 100
			}
			return 0
		}}
}

// toyFold reads `to RECIPIENT CODE …` in pieces `[i/n] `, and is written to two facilities.
func toyFold() parsers.Format {
	return parsers.Format{Name: "toy-fold", Tags: []string{"fold"}, Echoes: true,
		Fold: func(line *parsers.Line) (fold parsers.Fold) {
			var i, n int
			if _, err := fmt.Sscanf(line.Text, "[%d/%d]", &i, &n); err != nil {
				return fold
			}
			fold.Text = line.Text[strings.IndexByte(line.Text, ']')+2:]
			switch {
			case i == 1:
				fold.Piece = parsers.First
			case i == n:
				fold.Piece = parsers.Last
			default:
				fold.Piece = parsers.Middle
			}
			return fold
		}, Open: func(parsers.Sample, parsers.Options) (parsers.Parser, error) {
			return parserFunc(func(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
				f := strings.Fields(line.Text)
				if len(f) < 3 || f[0] != "to" {
					return dst, nil
				}
				r, _ := parsers.ParseReply(f[2])
				ev := toyAttempt(f[1], r.Code)
				ev.Attempt.Diagnostic = line.Text
				return append(dst, ev), nil
			}), nil
		}}
}

// toyJoin reads `begin KEY RECIPIENT` and `end KEY CODE`.
func toyJoin() parsers.Format {
	return parsers.Format{Name: "toy-join", Tags: []string{"join"},
		Open: func(parsers.Sample, parsers.Options) (parsers.Parser, error) {
			return parserFunc(func(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
				f := strings.Fields(line.Text)
				if len(f) != 3 {
					return dst, nil
				}
				ev := parsers.Event{Kind: parsers.Part, QueueID: f[1], Text: f[2]}
				if f[0] == "end" {
					ev.Part, ev.Attempt.Status = 1, parsers.StatusBounced
				}
				return append(dst, ev), nil
			}), nil
		}, Join: func(parsers.Options) parsers.Joiner { return make(toyJoiner) }}
}

type toyJoiner map[string]string

func (j toyJoiner) Join(dst []parsers.Event, host string, line *parsers.Line, ev *parsers.Event) []parsers.Event {
	key := host + " " + ev.QueueID
	if ev.Part == 0 {
		j[key] = strings.Clone(ev.Text)
		return dst
	}
	to, ok := j[key]
	if !ok {
		return dst
	}
	delete(j, key)
	r, _ := parsers.ParseReply(ev.Text)
	return append(dst, toyAttempt(to, r.Code))
}

type parserFunc func([]parsers.Event, *parsers.Line) ([]parsers.Event, error)

func (f parserFunc) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	return f(dst, line)
}

func toyAttempt(to string, code parsers.ReplyCode) parsers.Event {
	a := parsers.Attempt{Recipient: to, Reply: parsers.Reply{Code: code}, Diagnostic: code.String() + " " + to, Origin: parsers.OriginRemote}
	a.Status = [...]parsers.Status{0, 0, parsers.StatusSent, 0, parsers.StatusDeferred, parsers.StatusBounced}[code/100]
	return parsers.Event{Kind: parsers.Attempted, Time: parsers.StampOf(now), Attempt: a}
}

func toys() []parsers.Format {
	return []parsers.Format{toyJSON(), toyCSV(), toyFold(), toyJoin()}
}

// toyLog writes a log of one of the toys with n attempts, and what spoils it.
func toyLog(kind string, n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	var b bytes.Buffer
	code := func() int { return []int{250, 421, 450, 550, 554}[r.IntN(5)] }
	name := func() string { return fmt.Sprintf("u%d@d%d.example.com", r.IntN(1000), r.IntN(40)) }
	const header = "Nov 22 10:00:00 h1 "
	var started []int
	for i := range n {
		switch kind {
		case "array":
			b.WriteString([]string{"[", ", ", ",\n"}[min(i, 1+r.IntN(2))])
			fmt.Fprintf(&b, "{\"toy\":%q,\"code\":%d}", name(), code())
		case "json":
			fmt.Fprintf(&b, [...]string{"{\"toy\":%q,\"code\":%d}\n", "{\"toy\":%q,\"code\":%d}", "{\n  \"toy\": %q,\n  \"code\": %d\n}\n"}[r.IntN(3)], name(), code())
			switch r.IntN(30) {
			case 0:
				b.WriteString("{\"toy\":\"cut sho\n")
			case 1:
				b.WriteString("\n\n")
			case 2:
				fmt.Fprintf(&b, "[{\"toy\":%q,\"code\":550},\n {\"other\":\"}{\"}\n]\n", name())
			}
		case "csv":
			if i == 0 || r.IntN(200) == 0 {
				b.WriteString("rcpt,code,text\n")
			}
			fmt.Fprintf(&b, "%s,%d,\"a, \"\"b\"\"%s\"\n", name(), code(), strings.Repeat("\nc", r.IntN(3)))
			switch r.IntN(100) {
			case 0:
				b.WriteString("too,few\n")
			case 1:
				b.WriteString("rcpt,text,code\nx@example.com,text,550\nrcpt,code,text\n")
			}
		case "fold":
			long, times := 80, 1+r.IntN(6)/5 // to one facility, or to two
			if r.IntN(50) == 0 {
				long, times = 16<<10, 1 // too long for any of it
			}
			text := fmt.Sprintf("to %s %d %s", name(), code(), strings.Repeat("long ", 1+r.IntN(long)))
			pieces := 1 + r.IntN(4)
			others := func() {
				for range r.IntN(3) {
					fmt.Fprintf(&b, "%sfold[%d]: others talk\n", header, 9000+r.IntN(9))
				}
			}
			for range times {
				for p := range pieces {
					part := text[p*len(text)/pieces : (p+1)*len(text)/pieces]
					if pieces > 1 {
						others()
						part = fmt.Sprintf("[%d/%d] %s", p+1, pieces, part)
					}
					fmt.Fprintf(&b, "%sfold[%d]: %s\n", header, i, part)
				}
			}
			others()
			if r.IntN(30) == 0 {
				fmt.Fprintf(&b, "%sfold[%d]: [2/3] an orphan\n", header, i)
			}
		case "join":
			fmt.Fprintf(&b, "%sjoin[1]: begin %d %s\n", header, i, name())
			started = append(started, i)
			for len(started) > 0 && r.IntN(2) == 0 {
				k := r.IntN(len(started))
				fmt.Fprintf(&b, "%sjoin[1]: end %d %d\n", header, started[k], code())
				started = slices.Delete(started, k, k+1)
			}
		}
	}
	if kind == "array" {
		b.WriteString("]\n")
	}
	return b.Bytes()
}

// The result of framed, folded and joined logs is the same for any number of workers, any size of blocks, and however the
// bytes arrive; every line is in one bucket.
func TestToys(t *testing.T) {
	for _, kind := range []string{"json", "array", "csv", "fold", "join"} {
		for seed := range uint64(3) {
			log := toyLog(kind, 3000, seed)
			path := write(t, "toy.log", log)
			scan := func(jobs, chunk int) *Result {
				return scanFiles(t, []string{path}, func(c *Config) { c.Formats, c.Jobs, c.Source.ChunkSize = toys(), jobs, chunk })
			}
			first := scan(1, 8<<20)
			want := dump(first, true)
			n := first.Counts.Total.Attempts.Total()
			if low := int64(1400); n < low {
				t.Errorf("%s: %d attempts, want at least %d", kind, n, low)
			}
			if (kind == "fold" || kind == "array") && n != 3000 {
				t.Errorf("%s: %d attempts, want 3000", kind, n)
			}
			lines, got := int64(bytes.Count(log, []byte("\n"))), first.Counts.Ledger.Lines()
			if kind != "json" && kind != "array" && got != lines || got < lines {
				t.Errorf("%s: %d lines in the ledger, %d in the log", kind, got, lines)
			}
			for _, jobs := range []int{1, 3} {
				for _, chunk := range []int{4 << 10, 12 << 10, 64 << 10} {
					differ(t, fmt.Sprintf("%s: %d jobs, chunks of %d", kind, jobs, chunk), dump(scan(jobs, chunk), true), want)
				}
			}
			inputs, _, errs := source.Expand([]string{"-"}, bytes.NewReader(log))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			stdin := scanFiles(t, []string{path}, func(c *Config) { c.Formats, c.Inputs, c.Source.ChunkSize = toys(), inputs, 4<<10 })
			differ(t, kind+": stdin", dump(stdin, false), dump(first, false))

			// In records, the same attempts at the same places.
			var places []string
			c := Config{Formats: toys(), Jobs: 2, Now: now, Host: "h"}
			c.Inputs, _, _ = source.Expand([]string{path}, nil)
			c.Source.ChunkSize = 8 << 10
			res, err := Attempts(t.Context(), c, false, func(r *summary.Record) error {
				places = append(places, fmt.Sprint(r.Line))
				return nil
			})
			if err := errors.Join(append(res.Errors, err)...); err != nil {
				t.Fatal(err)
			}
			if int64(len(places)) != n {
				t.Errorf("%s: %d records of %d attempts", kind, len(places), n)
			}
		}
	}
}

// A record's pieces are looked for among so many lines of others, and the same record once more right behind them.
func TestFoldAmongOthers(t *testing.T) {
	const header = "Nov 22 10:00:00 h1 fold"
	others := func(n int) string { return strings.Repeat(header+"[8]: others talk\n", n) }
	first, last := header+"[7]: [1/2] to a@example.com 550 \n", header+"[7]: [2/2] no\n"
	for _, test := range []struct {
		name, log, want string
	}{
		{"close", first + others(maxOthers-1) + last, "to a@example.com 550 no"},
		{"far", first + others(maxOthers) + last, "to a@example.com 550 "},
		{"once more", first + last + first + last, "to a@example.com 550 no"},
		{"once more, among others", first + others(1) + last + others(2) + first + others(3) + last, "to a@example.com 550 no"},
		{"once more, cut short", first + last + first, "to a@example.com 550 no, to a@example.com 550 "},
		{"another", first + last + first + header + "[7]: [2/2] never\n", "to a@example.com 550 no, to a@example.com 550 never"},
	} {
		var got []string
		c := Config{Formats: toys(), Now: now}
		c.Inputs, _, _ = source.Expand([]string{write(t, "toy.log", []byte(test.log))}, nil)
		_, err := Attempts(t.Context(), c, false, func(r *summary.Record) error {
			got = append(got, strings.Clone(r.Diagnostic))
			return nil
		})
		if err != nil || strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

// An input with events to join is not read far ahead of its turn, as these keep the text of their blocks.
func TestJoinWaits(t *testing.T) {
	const chunk = 4 << 10
	early := bytes.Repeat([]byte("Nov 21 10:00:00 h1 join[1]: nothing\n"), source.HeadSize/16)
	gate := make(chan struct{})
	inputs, _, errs := source.Expand([]string{"-", write(t, "toy.log", toyLog("join", 20_000, 1))}, io.MultiReader(bytes.NewReader(early), gated(gate)))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var read atomic.Int64
	c := Config{Inputs: inputs, Formats: toys(), Jobs: 2, Now: now, Progress: func(n int64) { read.Add(n) }}
	c.Source.ChunkSize = chunk
	go func() {
		for last := int64(-1); last != read.Load(); time.Sleep(100 * time.Millisecond) {
			last = read.Load()
		}
		if ahead := read.Load() - int64(len(early)); ahead > 20*chunk {
			t.Errorf("%d bytes of the second input were read ahead", ahead)
		}
		close(gate)
	}()
	if _, err := Summarise(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// gated is a reader that ends when it is closed.
type gated chan struct{}

func (g gated) Read([]byte) (int, error) {
	<-g
	return 0, io.EOF
}

// What begins in one file ends in the next, whatever order the files are read in.
func TestJoinAcrossFiles(t *testing.T) {
	log := toyLog("join", 4000, 1)
	lines := bytes.SplitAfter(log, []byte("\n"))
	var paths []string
	for i := 0; i < len(lines); i += 1000 {
		paths = append(paths, write(t, fmt.Sprintf("toy.log-2026%04d", i), bytes.Join(lines[i:min(i+1000, len(lines))], nil)))
	}
	whole := scanFiles(t, []string{write(t, "toy.log", log)}, func(c *Config) { c.Formats = toys() })
	for _, jobs := range []int{1, 4} {
		got := scanFiles(t, paths, func(c *Config) { c.Formats, c.Jobs, c.Source.ChunkSize = toys(), jobs, 4<<10 })
		differ(t, fmt.Sprintf("%d jobs", jobs), dump(got, false), dump(whole, false))
	}
}

// A format that cannot read an input may claim a program in it: its lines are then another program's.
func TestCannotOpen(t *testing.T) {
	broken := parsers.Format{Name: "broken", Tags: []string{"broken"}, Open: func(parsers.Sample, parsers.Options) (parsers.Parser, error) {
		return nil, errors.New("no columns")
	}}
	path := write(t, "mail.log", []byte("Nov 22 10:00:00 h1 broken[1]: a line\nNov 22 10:00:01 h1 fold[2]: to u@d.example.com 550 no\n"))
	c := scanFiles(t, []string{path}, func(c *Config) { c.Formats = append(toys(), broken) }).Counts
	if c.Ledger[summary.Delivery] != 1 || c.Ledger[summary.Ignored] != 1 {
		t.Errorf("ledger %v, want one delivery and one line of another program", c.Ledger)
	}
}
