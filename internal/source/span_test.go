package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inputOf returns the input of a file.
func inputOf(t *testing.T, path string) *Input {
	t.Helper()
	inputs, _, errs := Expand([]string{path}, nil)
	if len(inputs) != 1 || len(errs) > 0 {
		t.Fatal(inputs, errs)
	}
	return inputs[0]
}

// A log that is read in parts, as it grows, with or without compression, gives every whole line once.
func TestSpans(t *testing.T) {
	for _, c := range []string{"", Gzip, Zstd, XZ} {
		t.Run("compression="+c, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(len(c))))
			for range 8 {
				dir := t.TempDir()
				path := filepath.Join(dir, "mail.log")
				var text []byte
				var got strings.Builder
				at := int64(0)
				for range 1 + r.IntN(5) {
					for range r.IntN(300) {
						text = append(text, strings.Repeat("x", r.IntN(200))...)
						if r.IntN(4) > 0 {
							text = append(text, '\n')
						}
						if r.IntN(50) == 0 {
							text = append(text, strings.Repeat("y", 3000+r.IntN(9000))...)
						}
					}
					data := text
					if c != "" {
						data = pack(t, c, text)
					}
					if err := os.WriteFile(path, data, 0o600); err != nil {
						t.Fatal(err)
					}
					if len(text) == 0 {
						continue
					}
					in := inputOf(t, path)
					b, err := in.Beginning()
					if err != nil {
						t.Fatal(err)
					}
					end := int64(bytes.LastIndexByte(text, '\n') + 1)
					if c == "" && b.Till != end || c != "" && b.Till != -1 {
						t.Fatalf("the last line ends at %d, want %d", b.Till, end)
					}
					if want := text[:min(len(text), BeginningSize)]; b.Text != string(want) {
						t.Fatalf("beginning %q, want %q", b.Text, want)
					}
					o := Options{ChunkSize: 4096, MaxLine: 1 << 20}
					rd, err := in.Part(b.Span(at)).Open(t.Context(), o)
					if err != nil {
						t.Fatal(err)
					}
					if h := rd.Head(100); !bytes.Equal(h, text[:min(len(text), 100)]) {
						t.Fatalf("head %q", h)
					}
					var buf Buffer
					for {
						p, err := rd.Next(t.Context())
						if err == io.EOF {
							break
						}
						if err != nil {
							t.Fatal(err)
						}
						block, err := p.Load(&buf)
						if err != nil {
							t.Fatal(err)
						}
						got.WriteString(block.Text)
					}
					if at, _, err = rd.End(); err != nil || at != end {
						t.Fatalf("read to %d, %v; want %d", at, err, end)
					}
					rd.Close()
				}
				if want := string(text[:bytes.LastIndexByte(text, '\n')+1]); got.String() != want {
					t.Fatalf("%d bytes were read, want %d", got.Len(), len(want))
				}
			}
		})
	}
}

// What is not any more what the span was settled on is not read.
func TestMoved(t *testing.T) {
	text := strings.Repeat(logLine, 3000)
	for _, tt := range []struct {
		name   string
		change func(path string) error
		late   bool // it is seen only at the end
	}{
		{"replaced by another", func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte(strings.Replace(text, "Nov", "Dec", 1)), 0o600))
		}, false},
		{"replaced by its copy", func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte(text), 0o600))
		}, false},
		{"truncated", func(path string) error { return os.Truncate(path, 100) }, true},
		{"truncated and longer than before", func(path string) error {
			return errors.Join(os.Truncate(path, 0), os.WriteFile(path, []byte("another"+text+text), 0o600))
		}, true},
	} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, open=%v", tt.name, open), func(t *testing.T) {
				if open && !tt.late {
					t.Skip("an open file is the same whatever becomes of its name")
				}
				path := write(t, "mail.log", []byte(text))
				in := inputOf(t, path)
				b, err := in.Beginning()
				if err != nil {
					t.Fatal(err)
				}
				in = in.Part(b.Span(int64(len(logLine))))
				if !open {
					if err := tt.change(path); err != nil {
						t.Fatal(err)
					}
				}
				r, err := in.Open(t.Context(), Options{})
				if !open {
					if !errors.Is(err, ErrMoved) {
						t.Errorf("opened with error %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.change(path); err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				for {
					p, err := r.Next(t.Context())
					if err != nil {
						break
					}
					p.Load(new(Buffer))
				}
				if _, _, err := r.End(); !errors.Is(err, ErrMoved) {
					t.Errorf("read to the end with error %v", err)
				}
			})
		}
	}
}

// A log that was truncated under its writer begins with NULs, by which it is not known.
func TestBeginningNULs(t *testing.T) {
	path := write(t, "mail.log", nil)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(logLine), 3<<20); err != nil {
		t.Skip("needs sparse files: ", err)
	}
	b, err := inputOf(t, path).Beginning()
	if err != nil || b.Text != logLine || b.Till != 3<<20+int64(len(logLine)) {
		t.Errorf("%q to %d, %v", b.Text, b.Till, err)
	}
}
