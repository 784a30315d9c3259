package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoLog is a log of which more comes out of `attempts` than a pipe holds.
var demoLog = filepath.FromSlash("../../testdata/logs/postfix-short/mail.log.gz")

// testIO returns an IO of buffers, in a terminal or not.
func testIO(tty bool, env map[string]string) (o IO, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return IO{In: strings.NewReader(""), Out: stdout, Err: stderr, InTTY: tty, OutTTY: tty, ErrTTY: tty, Width: 0,
		Env:   func(name string) string { return env[name] },
		Clock: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }}, stdout, stderr
}

// TestTerminal makes sure that a terminal changes how things look, and nothing else.
func TestTerminal(t *testing.T) {
	report := func(tty bool, env map[string]string, args ...string) (stdout, stderr string) {
		o, out, err := testIO(tty, env)
		if status := run(t.Context(), append([]string{"report", "--tz", "UTC", demoLog}, args...), o); status != exitOK {
			t.Fatalf("status %d: %s", status, err)
		}
		return out.String(), err.String()
	}
	want, complaints := report(false, nil)
	if strings.Contains(want, "\x1b") || complaints != "" {
		t.Errorf("in a pipe, there are colours in the report, or there is a bar: %q", complaints)
	}
	for _, test := range []struct {
		name   string
		env    map[string]string
		args   []string
		colour bool
		bar    bool
	}{
		{"all", nil, nil, true, true},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, nil, false, true},
		{"dumb", map[string]string{"TERM": "dumb"}, nil, false, true},
		{"never", nil, []string{"--color", "never"}, false, true},
		{"no progress", nil, []string{"--no-progress"}, true, false},
		{"quiet", nil, []string{"--quiet"}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr := report(true, test.env, test.args...)
			if colour := strings.Contains(stdout, "\x1b["); colour != test.colour {
				t.Errorf("colour: %v, want %v", colour, test.colour)
			}
			if bar := stderr != ""; bar != test.bar {
				t.Errorf("bar: %v, want %v", bar, test.bar)
			}
			if got := uncoloured(stdout); got != want {
				t.Error("without its colours the report is not that of a pipe")
			}
		})
	}
}

// uncoloured takes the SGR sequences (ECMA-48 8.3.117) out of a text.
func uncoloured(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

// TestCancelled ends a command whose input never ends.
func TestCancelled(t *testing.T) {
	for _, command := range []string{"report", "attempts"} {
		t.Run(command, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			in, feed := io.Pipe()
			defer feed.Close()
			o, stdout, stderr := testIO(false, nil)
			o.In = in
			status := make(chan int)
			go func() { status <- run(ctx, []string{command, "-"}, o) }()
			feed.Write([]byte("Nov 20 10:00:01 mx1 postfix/qmgr[1]: 1A2B3C4D01: removed\n")) // it reads
			cancel()
			if got := <-status; got != exitInterrupted {
				t.Errorf("status %d, want %d", got, exitInterrupted)
			}
			if stdout.Len() > 0 || !strings.Contains(stderr.String(), "bouncelog: interrupted") {
				t.Errorf("stdout %q, stderr %q", stdout, stderr)
			}
		})
	}
}

// TestInterrupt does the same by ctrl-C, on a process of its own.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals on Windows")
	}
	cmd := exec.CommandContext(t.Context(), "bouncelog", "report", "-")
	feed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than pipes and readers hold: once it is taken, the command is at work and listens to signals.
	line := "Nov 20 10:00:01 mx1 postfix/qmgr[1]: 1A2B3C4D01: removed\n"
	if _, err := io.WriteString(feed, strings.Repeat(line, 20_000)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != exitInterrupted || !strings.Contains(stderr.String(), "bouncelog: interrupted") {
		t.Errorf("status %d, stderr %q", got, &stderr)
	}
}

// TestClosedPipe reads one line and goes, as head(1) does: the command stops without a complaint.
func TestClosedPipe(t *testing.T) {
	for _, args := range [][]string{{"attempts", demoLog}, {"attempts", "-f", "csv", demoLog}} {
		t.Run(strings.Join(args[:len(args)-1], " "), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "bouncelog", args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "recipient") {
				t.Errorf("first line %q, %v", line, err)
			}
			out.Close()
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("%v, stderr %q", err, &stderr)
			}
		})
	}
}

// A full writer fails as a pipe without a reader does, or as a full disk.
type full struct{ err error }

func (w full) Write([]byte) (int, error) { return 0, w.err }

func TestWriteError(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		stderr string
	}{
		{syscall.EPIPE, exitOK, ""},
		{syscall.ENOSPC, exitUsage, "no space left"},
	} {
		for _, args := range [][]string{{"report"}, {"report", "-f", "json"}, {"attempts"}, {"formats"}, {"version"}} {
			t.Run(test.err.Error()+" "+strings.Join(args, " "), func(t *testing.T) {
				o, _, stderr := testIO(false, nil)
				o.Out = full{test.err}
				if args[0] == "report" || args[0] == "attempts" {
					args = append(args, demoLog)
				}
				if status := run(t.Context(), args, o); status != test.status {
					t.Errorf("status %d, want %d", status, test.status)
				}
				if s := stderr.String(); (test.stderr == "") != (s == "") || !strings.Contains(s, test.stderr) {
					t.Errorf("stderr %q, want %q", s, test.stderr)
				}
				if strings.Contains(stderr.String(), "--help") {
					t.Errorf("a full disk is no wrong usage: %q", stderr)
				}
			})
		}
	}
}
