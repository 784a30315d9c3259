//go:build unix

package cli

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outCommands are the commands that take --out, up to the name of the file. Stdout gets the same.
var outCommands = []string{"report -f json --out json=", "attempts -f ndjson --out ndjson="}

// TestOutModes writes to what is there: links stay links, and a file keeps its mode.
func TestOutModes(t *testing.T) {
	for _, command := range outCommands {
		for _, test := range []struct {
			name    string
			prepare func(dir string) error // makes dir/out
			dest    string                 // below dir, where the output must be
			mode    fs.FileMode
			link    bool // out must be a link still
		}{
			{"nothing", func(string) error { return nil }, "out", 0, false},
			{"private", func(dir string) error { return os.WriteFile(dir+"/out", nil, 0o600) }, "out", 0o600, false},
			{"group may write", func(dir string) error {
				if err := os.WriteFile(dir+"/out", nil, 0o600); err != nil {
					return err
				}
				return os.Chmod(dir+"/out", 0o666) // more than the umask lets through
			}, "out", 0o666, false},
			{"link", func(dir string) error {
				if err := os.WriteFile(dir+"/sub/real", []byte("old"), 0o640); err != nil {
					return err
				}
				return os.Symlink("sub/real", dir+"/out")
			}, "sub/real", 0o640, true},
			{"link to nothing", func(dir string) error { return os.Symlink("sub/real", dir+"/out") }, "sub/real", 0, true},
			{"links", func(dir string) error {
				if err := os.Symlink(dir+"/sub/second", dir+"/out"); err != nil {
					return err
				}
				return os.Symlink("../real", dir+"/sub/second")
			}, "real", 0, true},
			{"link beyond a linked folder", func(dir string) error {
				if err := os.MkdirAll(dir+"/deep/er", 0o755); err != nil {
					return err
				}
				if err := os.Symlink("deep/er", dir+"/away"); err != nil {
					return err
				}
				return os.Symlink("away/../real", dir+"/out")
			}, "deep/real", 0, true},
		} {
			t.Run(command+" "+test.name, func(t *testing.T) {
				dir := t.TempDir()
				if err := os.Mkdir(dir+"/sub", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := test.prepare(dir); err != nil {
					t.Fatal(err)
				}
				log := filepath.Join(t.TempDir(), "mail.log")
				if err := os.WriteFile(log, []byte(sentLine), 0o600); err != nil {
					t.Fatal(err)
				}
				o, stdout, stderr := testIO(false, nil)
				if status := run(t.Context(), append(strings.Fields(command+dir+"/out"), log), o); status != exitOK {
					t.Fatalf("status %d: %s", status, stderr)
				}
				if got := readFile(t, filepath.Join(dir, test.dest)); got != stdout.String() || got == "" {
					t.Errorf("%s holds %q, want %q", test.dest, got, stdout)
				}
				fi, err := os.Lstat(filepath.Join(dir, test.dest))
				if err != nil {
					t.Fatal(err)
				}
				if !fi.Mode().IsRegular() || test.mode != 0 && fi.Mode() != test.mode {
					t.Errorf("%s has mode %v, want %v", test.dest, fi.Mode(), test.mode)
				}
				if fi, err := os.Lstat(dir + "/out"); err != nil || fi.Mode()&fs.ModeSymlink != 0 != test.link {
					t.Errorf("out: %v, %v; a link: want %v", fi.Mode(), err, test.link)
				}
				for _, pattern := range []string{"/.out*", "/.real*", "/sub/.*", "/deep/.*"} {
					if left, _ := filepath.Glob(dir + pattern); len(left) > 0 {
						t.Errorf("left behind: %v", left)
					}
				}
			})
		}
	}
}

// fifo makes a named pipe.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOutFIFO writes to a named pipe what stdout gets, and lets it be one.
func TestOutFIFO(t *testing.T) {
	for _, command := range outCommands {
		t.Run(command, func(t *testing.T) {
			path := fifo(t)
			read := make(chan string)
			go func() {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Error(err)
				}
				read <- string(b)
			}()
			o, stdout, stderr := testIO(false, nil)
			if status := run(t.Context(), append(strings.Fields(command+path), demoLog), o); status != exitOK {
				t.Errorf("status %d: %s", status, stderr)
			}
			if got := <-read; got != stdout.String() || got == "" {
				t.Errorf("the pipe got %d bytes, stdout %d", len(got), stdout.Len())
			}
			if fi, err := os.Lstat(path); err != nil || fi.Mode()&fs.ModeNamedPipe == 0 {
				t.Errorf("%v, %v: no pipe any more", fi.Mode(), err)
			}
		})
	}
}

// TestOutFIFOClosed tells of a pipe whose reader goes away: it was asked for by name. Stdout goes on.
func TestOutFIFOClosed(t *testing.T) {
	path := fifo(t)
	done := make(chan error)
	go func() {
		f, err := os.Open(path)
		if err == nil {
			_, err = io.ReadFull(f, make([]byte, 10))
			f.Close()
		}
		done <- err
	}()
	o, stdout, stderr := testIO(false, nil)
	status := run(t.Context(), []string{"attempts", "--out", "ndjson=" + path, demoLog}, o)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if want := "bouncelog: write " + path + ": broken pipe; its reader went away before the end\n"; status != exitUsage || stderr.String() != want {
		t.Errorf("status %d, stderr %q, want %q", status, stderr, want)
	}
	if n := bytes.Count(stdout.Bytes(), []byte("\n")); n < 1000 {
		t.Errorf("stdout got %d records", n)
	}
}

// TestInterruptBlocked ends a command whose output nobody takes: the first signal can't, the second does.
func TestInterruptBlocked(t *testing.T) {
	for _, place := range []string{"stdout", "fifo"} {
		t.Run(place, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "bouncelog", "attempts")
			var r *os.File
			if place == "fifo" {
				path := fifo(t)
				var err error
				if r, err = os.OpenFile(path, os.O_RDWR, 0); err != nil { // does not wait for a writer
					t.Fatal(err)
				}
				cmd.Args = append(cmd.Args, "--out", "ndjson="+path)
			} else {
				var w *os.File
				var err error
				if r, w, err = os.Pipe(); err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				cmd.Stdout = w
			}
			defer r.Close()
			cmd.Args = append(cmd.Args, demoLog)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Once the beginning is here, more than a pipe holds is on its way.
			if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- cmd.Wait() }()
			// A signal may come before the first is dealt with, so there may be more than two.
			for range 200 {
				if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				select {
				case <-ended:
					ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
					if ws.ExitStatus() != exitInterrupted && !(ws.Signaled() && ws.Signal() == syscall.SIGINT) {
						t.Errorf("ended by %v", cmd.ProcessState)
					}
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
			cmd.Process.Kill()
			<-ended
			t.Error("no signal ends it")
		})
	}
}
