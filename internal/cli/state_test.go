package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bouncelog/internal/state"
	"bouncelog/internal/state/statetest"
	"bouncelog/report"
)

// reportOf runs report with --state on the real disk.
func reportOf(t *testing.T, args ...string) (r report.Report, status int, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	o := IO{Out: &out, Err: &errs, In: strings.NewReader(""), Env: func(string) string { return "" }, Clock: time.Now}
	status = run(t.Context(), append([]string{"report", "-f", "json", "--tz", "UTC"}, args...), o)
	if status == 0 {
		if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
			t.Fatal(err)
		}
	}
	return r, status, errs.String()
}

// A writer that goes on and rotates, and runs two at a time: each line counts once.
func TestRunsWhileWritten(t *testing.T) {
	dir := t.TempDir()
	logs, folder := filepath.Join(dir, "logs"), filepath.Join(dir, "state")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	const n = 6000
	name := filepath.Join(logs, "mail.log")
	stop := make(chan error, 1)
	go func() {
		stop <- func() error {
			var f *os.File
			defer func() { f.Close() }()
			for i := range n {
				if i%1500 == 0 { // rotated
					for k := 4; k > 0; k-- {
						os.Rename(fmt.Sprint(name, ".", k), fmt.Sprint(name, ".", k+1))
					}
					if err := os.Rename(name, name+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
						return err
					}
					var err error
					if f, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
						return err
					}
				}
				line := fmt.Sprintf("2026-11-20T10:%02d:%02d.%06dZ mx1 postfix/smtp[1]: %X: to=<u%d@example.org>, relay=mx.example.org[192.0.2.2]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 ok)\n", i/60%60, i%60, i, 0xA0000+i, i)
				for _, part := range []string{line[:len(line)/2], line[len(line)/2:]} {
					if _, err := io.WriteString(f, part); err != nil {
						return err
					}
				}
				if i%20 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			return nil
		}()
	}()
	for { // the first line is there
		if fi, err := os.Stat(name); err == nil && fi.Size() > 1000 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	var mu sync.Mutex
	lines := int64(0)
	once := func() {
		r, status, stderr := reportOf(t, "--state", folder, "--allow-empty", logs)
		if status != 0 {
			if !strings.Contains(stderr, "rotated or truncated") && !strings.Contains(stderr, "no such file") {
				t.Errorf("status %d: %s", status, stderr)
			}
			return // and the state is as it was
		}
		mu.Lock()
		defer mu.Unlock()
		lines += r.Coverage.Lines
	}
	for done := false; !done; {
		select {
		case err := <-stop:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		var both sync.WaitGroup
		both.Go(once)
		both.Go(once)
		both.Wait()
	}
	if lines != n {
		t.Errorf("%d lines were counted, %d were written", lines, n)
	}
	past, status, stderr := reportOf(t, "--state", folder)
	if status != 0 || past.Coverage.Lines != n || past.Totals.Sent != n {
		t.Errorf("history: %d lines and %d attempts, status %d: %s", past.Coverage.Lines, past.Totals.Sent, status, stderr)
	}
}

// A reader of stdout that goes away has not got what the state would say it has.
func TestStateUnread(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "mail.log")
	if err := os.WriteFile(log, []byte("2026-11-20T10:00:00Z mx1 postfix/qmgr[1]: A1: removed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	o := IO{Out: gone{}, Err: &errs, In: strings.NewReader(""), Env: func(string) string { return "" }, Clock: time.Now}
	folder := filepath.Join(dir, "state")
	if status := run(t.Context(), []string{"report", "--state", folder, log}, o); status != exitOK || !strings.Contains(errs.String(), "nobody read stdout to its end") {
		t.Errorf("status %d: %s", status, &errs)
	}
	if r, status, _ := reportOf(t, "--state", folder, log); status != exitOK || r.Coverage.Lines != 1 {
		t.Errorf("the next run counted %d lines, status %d", r.Coverage.Lines, status)
	}
}

// gone is a pipe that nobody reads.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// A state that cannot be written ends the command with status 3, and is as it was.
func TestStateNotWritten(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "mail.log")
	if err := os.WriteFile(log, []byte("2026-11-20T10:00:00Z mx1 postfix/qmgr[1]: A1: removed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]error{
		"no space left on device; make room":           syscall.ENOSPC,
		"read-only file system; it has to be writable": syscall.EROFS,
		"permission denied; it has to be writable":     fs.ErrPermission,
	} {
		m := statetest.New()
		m.FailAt(2, fault)
		var out, errs strings.Builder
		o := IO{Out: &out, Err: &errs, In: strings.NewReader(""), Env: func(string) string { return "" }, Clock: time.Now, state: func(string) state.FS { return m }}
		if status := run(t.Context(), []string{"report", "--state", filepath.Join(dir, "state"), log}, o); status != exitInput || !strings.Contains(errs.String(), name) || out.Len() == 0 {
			t.Errorf("%v: status %d, %d bytes of output: %s", fault, status, out.Len(), &errs)
		}
		if s, err := state.Open("x", m.Revive()); err != nil || !s.New() {
			t.Errorf("%v: the state was changed: %v", fault, err)
		}
	}
}
