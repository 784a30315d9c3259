package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// A line is what the oracle and the blocks are compared by.
type line struct {
	text     string
	overlong bool
}

// naive cuts data into lines as the package should, in the simplest way there is.
func naive(data string, limit int) (lines []line) {
	for s := range strings.SplitAfterSeq(data, "\n") {
		switch {
		case s == "":
		case len(strings.TrimSuffix(s, "\n")) > limit:
			lines = append(lines, line{s[:limit] + "\n", true})
		default:
			lines = append(lines, line{s, false})
		}
	}
	return lines
}

// lines undoes the blocks.
func (b Block) lines() (lines []line) {
	pos := 0
	for s := range strings.SplitAfterSeq(b.Text, "\n") {
		if s != "" {
			lines = append(lines, line{s, slices.Contains(b.Overlong, pos)})
			pos += len(s)
		}
	}
	return lines
}

// readAll reads an open input with two loaders, and checks what holds of any input.
func readAll(t testing.TB, r *Reader) []line {
	t.Helper()
	defer r.Close()
	var (
		pieces = make(chan Piece)
		blocks = map[int]Block{}
		mu     sync.Mutex
		wg     sync.WaitGroup
	)
	for range 2 {
		wg.Go(func() {
			var buf Buffer
			for p := range pieces {
				b, err := p.Load(&buf)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				blocks[b.Index] = b
				mu.Unlock()
			}
		})
	}
	for {
		p, err := r.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Error(err)
			break
		}
		pieces <- p
	}
	close(pieces)
	wg.Wait()

	var all []line
	var disk int64
	for i := range len(blocks) {
		b, ok := blocks[i]
		if !ok {
			t.Fatalf("no block %d of %d", i, len(blocks))
		}
		all = append(all, b.lines()...)
		disk += b.DiskBytes
	}
	if r.Size >= 0 && disk != r.Size {
		t.Errorf("blocks account for %d bytes of %d on disk", disk, r.Size)
	}
	return all
}

// diff compares lines without printing megabytes.
func diff(t testing.TB, got, want []line) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("line %d: got %.60q… (%d bytes, overlong %v), want %.60q… (%d bytes, overlong %v)", i+1,
				got[i].text, len(got[i].text), got[i].overlong, want[i].text, len(want[i].text), want[i].overlong)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d lines, want %d", len(got), len(want))
	}
}

// pack compresses data.
func pack(t testing.TB, compression string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch compression {
	case "":
		return data
	case Gzip:
		w, err = gzip.NewWriterLevel(&b, gzip.BestSpeed)
	case Zstd:
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	case XZ:
		w, err = xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
	case Bzip2:
		cmd := exec.Command("bzip2", "-c")
		cmd.Stdin, cmd.Stdout = bytes.NewReader(data), &b
		if err := cmd.Run(); err != nil {
			t.Skip("needs the command bzip2: ", err)
		}
		return b.Bytes()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write writes a file into a new folder and returns its path.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens what must be one good input.
func open(t testing.TB, path string, stdin io.Reader, o Options) *Reader {
	t.Helper()
	inputs, _, errs := Expand([]string{path}, stdin)
	if len(errs) > 0 || len(inputs) != 1 {
		t.Fatalf("Expand(%q) = %d inputs, errors %v", path, len(inputs), errs)
	}
	r, err := inputs[0].Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// content makes up lines, many of which end near a multiple of border or are about limit long.
func content(rng *rand.Rand, size, border, limit int) []byte {
	var b []byte
	for len(b) < size {
		n := rng.IntN(200)
		switch rng.IntN(12) {
		case 0: // up to a border, give or take
			n = border - len(b)%border - 3 + rng.IntN(6)
		case 1:
			n = limit - 2 + rng.IntN(5)
		case 2:
			n = rng.IntN(3 * max(limit, border))
		case 3, 4:
			n = 0
		}
		for range max(0, n) {
			b = append(b, "abcxyz \r\x00\x80\xff"[rng.IntN(11)])
		}
		b = append(b, '\n')
	}
	if rng.IntN(2) == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// Every line of an input is in exactly one block, in order, for any content, chunk size and way to read it.
func TestBlocks(t *testing.T) {
	page := os.Getpagesize()
	whole := strings.Repeat("x", 4*page-1) + "\n"
	fixed := map[string]string{
		"one newline":           "\n",
		"newlines":              strings.Repeat("\n", 3*page+1),
		"one byte":              "x",
		"one line":              "x\n",
		"no last newline":       "a\nb",
		"a page":                strings.Repeat("x", page-1) + "\n",
		"line starts at border": strings.Repeat("x", page-1) + "\n" + strings.Repeat("y", page-1) + "\nz",
		"newline after border":  strings.Repeat("x", page) + "\ny\n",
		"chunks":                whole + whole + whole,
		"CRLF":                  strings.Repeat("line\r\n", page),
		"overlong":              "a\n" + strings.Repeat("x", 20*page) + "\nb\n",
		"overlong last":         "a\n" + strings.Repeat("x", 20*page),
		"overlong lines":        strings.Repeat(strings.Repeat("x", 3*page)+"\n", 9),
		"NULs first":            strings.Repeat("\x00", 5*page) + "\nb\n",
	}
	check := func(t *testing.T, data []byte, o Options) {
		want := naive(string(data), o.complete().MaxLine)
		diff(t, readAll(t, open(t, write(t, "mail.log", data), nil, o)), want)
		diff(t, readAll(t, open(t, "-", bytes.NewReader(data), o)), want)
		diff(t, readAll(t, open(t, "-", iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(data))), o)), want)
	}
	for name, data := range fixed {
		t.Run(name, func(t *testing.T) {
			for _, o := range []Options{{}, {1, 100, 0}, {page, page, 0}, {4 * page, 1 << 20, 0}, {4 * page, 7, 0}, {page, 1 << 20, 3 * page}, {page, 100, 50}} {
				check(t, []byte(data), o)
			}
		})
	}
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("random=", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			o := Options{ChunkSize: page << rng.IntN(5), MaxLine: 1 + rng.IntN(100<<rng.IntN(10)), Lookahead: rng.IntN(2) * rng.IntN(4*page)}
			check(t, content(rng, rng.IntN(300<<10), []int{page, o.ChunkSize}[rng.IntN(2)], o.MaxLine), o)
		})
	}
}

func TestCompressed(t *testing.T) {
	for _, c := range []string{Gzip, Zstd, XZ, Bzip2} {
		t.Run(c, func(t *testing.T) {
			for seed := range uint64(4) {
				rng := rand.New(rand.NewPCG(seed, 2))
				o := Options{ChunkSize: 4096 << rng.IntN(5), MaxLine: 1 + rng.IntN(100<<rng.IntN(10))}
				data := content(rng, rng.IntN(200<<10), o.ChunkSize, o.MaxLine)
				packed := pack(t, c, data)
				if seed%2 == 1 { // several members, frames or streams make one file
					packed = append(pack(t, c, data[:len(data)/3]), pack(t, c, data[len(data)/3:])...)
				}
				want := naive(string(data), o.MaxLine)

				r := open(t, write(t, "mail.log", packed), nil, o)
				if r.Compression != c {
					t.Errorf("compression %q, want %q", r.Compression, c)
				}
				if head := string(r.Head(1000)); head != string(data[:min(1000, len(data))]) {
					t.Errorf("Head(1000) is %d bytes of something else", len(head))
				}
				diff(t, readAll(t, r), want)
				diff(t, readAll(t, open(t, "-", bytes.NewReader(packed), o)), want)
				if w := r.Warnings(); len(w) > 0 {
					t.Error(w)
				}
			}
		})
	}
}

// The command bzip2 may be missing, and files of xz(1) and zstd(1) differ from those of our libraries.
func TestFixtures(t *testing.T) {
	want, err := os.ReadFile("testdata/plain.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bzip2.log", "xz.log", "xz-blocks.log", "zstd.log", "zstd-skippable.log", "gzip-padded.log"} {
		t.Run(name, func(t *testing.T) {
			r := open(t, "testdata/"+name, nil, Options{ChunkSize: 4096})
			diff(t, readAll(t, r), naive(string(want), 1<<20))
			if w := r.Warnings(); len(w) > 0 {
				t.Error(w)
			}
		})
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add([]byte("a\nb\n\nc"), uint8(0), uint16(2))
	f.Add([]byte(strings.Repeat("x", 5000)+"\ny\n"), uint8(1), uint16(4999))
	f.Add(pack(f, Gzip, []byte("a\nb\n")), uint8(0), uint16(0))
	f.Add(pack(f, Zstd, []byte("a\nb\n")), uint8(0), uint16(0))
	f.Add(pack(f, XZ, []byte("a\nb\n")), uint8(0), uint16(0))
	f.Add([]byte("BZh91AY&SY\x00"), uint8(0), uint16(0))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, repeat uint8, limit uint16) {
		data = bytes.Repeat(data, 1+int(repeat))
		if len(data) > 64<<10 { // more is slower, not other: chunks are of a page
			t.Skip()
		}
		o := Options{ChunkSize: 1, MaxLine: int(limit)}
		path := filepath.Join(dir, "mail.log")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		file, stdin := &Input{Name: path, Path: path}, &Input{Name: "stdin", stdin: bytes.NewReader(data)}
		a, errA := file.Open(t.Context(), o)
		b, errB := stdin.Open(t.Context(), o)
		if (errA == nil) != (errB == nil) {
			t.Fatalf("file: %v; stdin: %v", errA, errB)
		}
		if errA != nil {
			return
		}
		want := naive(string(data), o.complete().MaxLine)
		if c := compressionOf(data); c != "" {
			want = readAll(t, a) // whatever it is, it is the same twice
		} else {
			diff(t, readAll(t, a), want)
		}
		diff(t, readAll(t, b), want)
	})
}

func BenchmarkRead(b *testing.B) {
	data := make([]byte, 0, 64<<20)
	rng := rand.New(rand.NewPCG(1, 1))
	for len(data) < cap(data)-400 {
		data = fmt.Appendf(data, "2026-11-22T06:%02d:%02d.%06d+00:00 mx1 postfix/smtp[%d]: %X: to=<user%d@example.com>, relay=mx.example.com[192.0.2.%d]:25, "+
			"delay=%d.%d, delays=0.1/0/0.5/0.6, dsn=5.1.1, status=bounced (host mx.example.com[192.0.2.%d] said: 550 5.1.1 <user%[6]d@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command))\n",
			len(data)>>20%60, len(data)>>14%60, rng.IntN(1e6), rng.IntN(30000), rng.Uint64()>>16, rng.IntN(1e6), rng.IntN(255), rng.IntN(60), rng.IntN(9), rng.IntN(255))
	}
	for _, c := range []string{"", Gzip, Zstd, XZ, Bzip2} {
		name := c
		if c == "" {
			name = "none"
		}
		b.Run("compression="+name, func(b *testing.B) {
			text := data
			if c == XZ || c == Bzip2 { // an order slower
				text = data[:8<<20]
			}
			path := write(b, "mail.log", pack(b, c, text))
			in := &Input{Name: path, Path: path}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := in.Open(context.Background(), Options{})
				if err != nil {
					b.Fatal(err)
				}
				var buf Buffer
				n := 0
				for {
					p, err := r.Next(context.Background())
					if err == io.EOF {
						break
					}
					block, err := p.Load(&buf)
					if err != nil {
						b.Fatal(err)
					}
					n += len(block.Text)
				}
				if n != len(text) {
					b.Fatalf("read %d bytes of %d", n, len(text))
				}
				r.Close()
			}
		})
	}
}
