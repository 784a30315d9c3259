package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestPack reads archives back, and makes sure that the hour and the zone of packing leave no trace.
func TestPack(t *testing.T) {
	files := []file{{"bouncelog", 0o755, bytes.Repeat([]byte("program "), 1000)}, {"man/bouncelog.1.gz", 0o644, []byte("page")}}
	want := []string{
		fmt.Sprintf("stem/bouncelog -rwxr-xr-x 2026-11-22T12:00:00Z %x", sha256.Sum256(files[0].data)),
		fmt.Sprintf("stem/man/bouncelog.1.gz -rw-r--r-- 2026-11-22T12:00:00Z %x", sha256.Sum256(files[1].data)),
	}
	line := func(name string, mode fs.FileMode, at time.Time, r io.Reader) string {
		data, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		return fmt.Sprintf("%s %v %s %x", name, mode, at.UTC().Format(time.RFC3339), sha256.Sum256(data))
	}
	for _, test := range []struct {
		name   string
		zipped bool
		list   func(archive []byte) (lines []string, err error)
	}{
		{"tar", false, func(archive []byte) (lines []string, err error) {
			z, err := gzip.NewReader(bytes.NewReader(archive))
			if err != nil {
				return nil, err
			}
			if !z.ModTime.IsZero() || z.Name != "" {
				t.Errorf("gzip header has time %v, name %q", z.ModTime, z.Name)
			}
			r := tar.NewReader(z)
			for {
				h, err := r.Next()
				if errors.Is(err, io.EOF) {
					return lines, nil
				}
				if err != nil {
					return nil, err
				}
				lines = append(lines, line(h.Name, h.FileInfo().Mode(), h.ModTime, r))
			}
		}},
		{"zip", true, func(archive []byte) (lines []string, err error) {
			r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
			if err != nil {
				return nil, err
			}
			for _, f := range r.File {
				part, err := f.Open()
				if err != nil {
					return nil, err
				}
				lines = append(lines, line(f.Name, f.Mode(), f.Modified, part))
			}
			return lines, nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			archive, err := pack("stem", test.zipped, files, noon)
			if err != nil {
				t.Fatal(err)
			}
			got, err := test.list(archive)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			again, err := pack("stem", test.zipped, files, noon)
			if err != nil || !bytes.Equal(archive, again) {
				t.Errorf("packed twice, the bytes differ (%v)", err)
			}
		})
	}
}

func TestChecksums(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"b.tar.gz": "b", "linux/amd64/bouncelog": "a"} {
		if err := write(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := checksums(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%x  b.tar.gz\n%x  linux/amd64/bouncelog\n", sha256.Sum256([]byte("b")), sha256.Sum256([]byte("a")))
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// TestClear makes sure that a folder of something else stays as it is.
func TestClear(t *testing.T) {
	dir := t.TempDir()
	old, other := filepath.Join(dir, "release"), filepath.Join(dir, "other")
	for _, path := range []string{filepath.Join(old, "linux", "amd64", "bouncelog"), filepath.Join(old, sumsName), filepath.Join(other, sumsName), filepath.Join(other, "go.mod")} {
		if err := write(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := clear(filepath.Join(dir, "new")); err != nil {
		t.Error(err)
	}
	if err := clear(old); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old release is still there (%v)", err)
	}
	if err := clear(other); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("error %v, want one that names go.mod", err)
	}
	if _, err := os.Stat(filepath.Join(other, sumsName)); err != nil {
		t.Error(err)
	}
}

// TestCompletions makes sure that no script is empty.
func TestCompletions(t *testing.T) {
	files, err := completions()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !bytes.Contains(f.data, []byte("bouncelog")) {
			t.Errorf("%s does not name the program", f.name)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		epoch string
		args  []string
		want  string
	}{
		{"", nil, "SOURCE_DATE_EPOCH"},
		{"today", nil, "SOURCE_DATE_EPOCH"},
		{"0", []string{"x"}, "unknown argument"},
		{"0", []string{"-only", "plan9/amd64"}, "-only plan9/amd64"},
		{"0", []string{"-unknown"}, "not defined"},
	} {
		t.Setenv("SOURCE_DATE_EPOCH", test.epoch)
		if err := run(test.args, t.Output()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one that says %q", test.args, err, test.want)
		}
	}
}
