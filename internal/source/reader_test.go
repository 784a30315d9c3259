package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// Data that breaks off or is damaged loses nothing of what is before, and is named.
func TestDamage(t *testing.T) {
	data := strings.Repeat(logLine, 20000) // 1.2 MB: several blocks of every compression but bzip2
	check := func(t *testing.T, packed []byte, least int, warning string) {
		t.Helper()
		for _, in := range []*Input{{Name: "mail.log", Path: write(t, "mail.log", packed)}, {Name: "mail.log", stdin: bytes.NewReader(packed)}} {
			r, err := in.Open(t.Context(), Options{ChunkSize: 16 << 10})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, l := range readAll(t, r) {
				got.WriteString(l.text)
			}
			if got.Len() < least || !strings.HasPrefix(data, got.String()) {
				t.Errorf("read %d bytes, want at least %d, and no others", got.Len(), least)
			}
			w := r.Warnings()
			if len(w) != 1 || !strings.HasPrefix(w[0], "mail.log: ") || !strings.Contains(w[0], warning) {
				t.Errorf("warnings %q, want one with %q", w, warning)
			}
		}
	}
	for _, c := range []string{Gzip, Zstd, XZ, Bzip2} {
		t.Run(c, func(t *testing.T) {
			packed := pack(t, c, []byte(data))
			follows := "something else follows the " + c + " data"
			switch c {
			case XZ:
				follows = "breaks off" // all that its library tells
			case Bzip2:
				follows = "bad magic value in continuation file"
			}
			check(t, append(packed[:len(packed):len(packed)], "garbage"...), len(data), follows)
			if c == Bzip2 {
				packed = append(packed, packed...) // for the blocks, of 900 kB, to be several
			}
			check(t, packed[:len(packed)*3/4], len(data)/4, "the "+c+" data breaks off after")

			packed[len(packed)*3/4] ^= 0x55
			r := open(t, "-", bytes.NewReader(packed), Options{})
			readAll(t, r)
			if w := r.Warnings(); len(w) != 1 {
				t.Errorf("damaged: warnings %q", w)
			}
		})
	}
	t.Run("second member", func(t *testing.T) {
		one := pack(t, Gzip, []byte(data))
		half := pack(t, Gzip, []byte(logLine))
		data += logLine
		check(t, append(one, half[:20]...), len(data)-len(logLine), "the gzip data breaks off after")
	})
	t.Run("checksum", func(t *testing.T) {
		packed := pack(t, Gzip, []byte(logLine))
		packed[len(packed)-5] ^= 1
		check(t, packed, len(logLine), "the gzip data is damaged (gzip: invalid checksum)")
	})
}

// zeros is an endless line, or n bytes of it.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	z.n -= n
	clear(p[:n])
	return int(n), nil
}

func TestBomb(t *testing.T) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	z.Write([]byte(logLine))
	if _, err := io.Copy(z, &zeros{1 << 30}); err != nil {
		t.Fatal(err)
	}
	z.Close()
	r := open(t, write(t, "mail.log", b.Bytes()), nil, Options{})
	got := readAll(t, r)
	diff(t, got[:1], naive(logLine, 100))
	if w := r.Warnings(); len(w) != 1 || !strings.Contains(w[0], "expands more than 1000-fold") {
		t.Errorf("warnings %q", w)
	}
	if n := r.text.n; n > 2*bombSize {
		t.Errorf("%d bytes were decompressed", n)
	}
}

func TestWindow(t *testing.T) {
	// A frame header (RFC 8878 3.1.1.1) that asks for a window of 3 GiB.
	in := &Input{Name: "mail.log", stdin: strings.NewReader("\x28\xb5\x2f\xfd\x00\xac\x01\x00\x00")}
	_, err := in.Open(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "read mail.log: the zstd data needs a window of more than 128 MiB; decompress it first") {
		t.Error(err)
	}
}

// A line of 1 GiB is one overlong line, in bounded memory, and the lines around it are whole.
func TestHugeLine(t *testing.T) {
	const huge = 1 << 30
	want := append(naive(logLine, 100), line{strings.Repeat("\x00", 1<<20) + "\n", true})
	want = append(want, naive(logLine, 100)...)

	path := write(t, "mail.log", []byte(logLine))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("\n"+logLine), int64(len(logLine))+huge); err != nil { // a hole before it
		t.Skip("needs sparse files: ", err)
	}
	stdin := io.MultiReader(strings.NewReader(logLine), &zeros{huge}, strings.NewReader("\n"+logLine))
	for name, r := range map[string]*Reader{"file": open(t, path, nil, Options{}), "stdin": open(t, "-", stdin, Options{})} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			diff(t, readAll(t, r), want)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
				t.Errorf("%d MiB allocated", n>>20)
			}
		})
	}
}

// What is read of a file is what was there at Open, and what is left of it.
func TestFileChanges(t *testing.T) {
	const half = "Nov 22 06:33:01 mx1 postfix/qmgr[812]: 4A1B2C3D4E:"
	page := os.Getpagesize()
	data := strings.Repeat(logLine, 1000) + half
	for _, tt := range []struct {
		name    string
		change  func(path string) error
		want    string
		warning bool
	}{
		{"grows", func(path string) error { return appendTo(path, " removed\n"+logLine) }, data + " removed\n", false},
		{"grows by pages", func(path string) error { return appendTo(path, strings.Repeat("x", 5*page)+"\n"+logLine) }, data + strings.Repeat("x", 5*page) + "\n", false},
		{"shrinks", func(path string) error { return os.Truncate(path, int64(3*page+10)) }, data[:3*page+10], true},
		{"is emptied", func(path string) error { return os.Truncate(path, 0) }, "", true},
		{"is removed", os.Remove, data, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "mail.log", []byte(data))
			r := open(t, path, nil, Options{ChunkSize: page})
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			diff(t, readAll(t, r), naive(tt.want, 1<<20))
			if w := r.Warnings(); tt.warning != (len(w) == 1 && strings.Contains(w[0], "shrank while it was read")) {
				t.Errorf("warnings %q", w)
			}
		})
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// Neither Open nor Next waits for a pipe that says nothing, and Close does not either.
func TestCancel(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	in := &Input{Name: "stdin", stdin: silent{}}
	if _, err := in.Open(done, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}

	late, cancel := context.WithCancel(t.Context())
	r := open(t, "-", io.MultiReader(strings.NewReader(strings.Repeat(logLine, HeadSize)), silent{cancel}), Options{})
	var err error
	for err == nil {
		_, err = r.Next(late)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	plain := open(t, write(t, "mail.log", []byte(logLine)), nil, Options{})
	defer plain.Close()
	if _, err := plain.Next(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Next of a file: %v", err)
	}
}

// silent is a pipe that calls a function when it is read, and then says nothing for ever.
type silent struct{ called func() }

func (s silent) Read([]byte) (int, error) {
	if s.called != nil {
		s.called()
	}
	select {}
}

// A disk that fails is an error, after what could be read.
func TestReadError(t *testing.T) {
	broken := errors.New("input/output error")
	data := strings.Repeat(logLine, 5000)
	r := open(t, "-", io.MultiReader(strings.NewReader(data), iotest.ErrReader(broken)), Options{})
	defer r.Close()
	p, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Load(nil)
	if err != nil || b.Text != data {
		t.Errorf("read %d bytes, error %v", len(b.Text), err)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, broken) || err.Error() != "read stdin: input/output error" {
		t.Errorf("error %v", err)
	}
}

// A Reader that is closed early leaves no goroutine behind.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	packed := pack(t, Zstd, bytes.Repeat([]byte(logLine), 50000))
	for range 20 {
		r := open(t, write(t, "mail.log", packed), nil, Options{ChunkSize: 4096})
		if _, err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Close()
		r.Close()
		for range r.pieces {
		}
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}
