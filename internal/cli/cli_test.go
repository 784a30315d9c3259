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

	"bouncelog/report"
)

// demoLog is a log of which more comes out of `attempts` than a pipe holds.
var demoLog = filepath.FromSlash("../../testdata/logs/postfix-short/mail.log.gz")

// sentLine is a log of one attempt.
const sentLine = "2026-11-20T10:00:01+00:00 mx1 postfix/smtp[104]: 1A2B3C4D01: to=<ann@example.org>, relay=mx.example.org[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)\n"

// testIO returns an IO of buffers, in a terminal or not.
func testIO(tty bool, env map[string]string) (o IO, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	return IO{In: strings.NewReader(""), Out: stdout, Err: stderr, InTTY: tty, OutTTY: tty, ErrTTY: tty, Width: 0,
		Env:   func(name string) string { return env[name] },
		Clock: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }}, stdout, stderr
}

// TestTerminal makes sure that a terminal changes how things look, and nothing else.
func TestTerminal(t *testing.T) {
	show := func(tty bool, env map[string]string, args ...string) (stdout, stderr string) {
		o, out, err := testIO(tty, env)
		if status := run(t.Context(), append([]string{"report", "--tz", "UTC", demoLog}, args...), o); status != exitOK {
			t.Fatalf("status %d: %s", status, err)
		}
		return out.String(), err.String()
	}
	want, complaints := show(false, nil)
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
			stdout, stderr := show(true, test.env, test.args...)
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

// TestBarBesideRecords makes sure that no progress bar cuts through records on the same terminal.
func TestBarBesideRecords(t *testing.T) {
	for _, test := range []struct{ outTTY, bar bool }{{true, false}, {false, true}} {
		o, stdout, stderr := testIO(true, nil)
		o.OutTTY = test.outTTY
		if status := run(t.Context(), []string{"attempts", demoLog}, o); status != exitOK {
			t.Fatalf("status %d: %s", status, stderr)
		}
		if bar := stderr.Len() > 0; bar != test.bar || stdout.Len() == 0 {
			t.Errorf("stdout a terminal: %v; bar: %v, want %v", test.outTTY, bar, test.bar)
		}
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
		{syscall.ENOSPC, exitUsage, "bouncelog: write stdout: no space left on device; make room, or write elsewhere\n"},
		{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EIO}, exitUsage, "bouncelog: write stdout: input/output error; check the disk, or write elsewhere\n"},
	} {
		for _, args := range [][]string{{"report"}, {"report", "-f", "json"}, {"attempts"}, {"formats"}, {"version"}, {"--help"}, {"report", "--help"}, {"completion", "fish"}} {
			t.Run(test.err.Error()+" "+strings.Join(args, " "), func(t *testing.T) {
				o, _, stderr := testIO(false, nil)
				o.Out = full{test.err}
				if (args[0] == "report" || args[0] == "attempts") && args[len(args)-1] != "--help" {
					args = append(args, demoLog)
				}
				if status := run(t.Context(), args, o); status != test.status {
					t.Errorf("status %d, want %d", status, test.status)
				}
				if stderr.String() != test.stderr {
					t.Errorf("stderr %q, want %q", stderr, test.stderr)
				}
			})
		}
	}
}

// halfLog writes a log of which more comes out of `attempts` than is held back until the end, so that stdout fails on the way.
// The lines that no format knows come after that.
func halfLog(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "half.log")
	if err := os.WriteFile(path, []byte(strings.Repeat(sentLine, 400)+strings.Repeat("Once upon a time\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFilesBesideBadStdout writes the files of --out, and tells the verdict, whatever becomes of stdout.
func TestFilesBesideBadStdout(t *testing.T) {
	dir := t.TempDir()
	half := halfLog(t)
	missing := filepath.Join(dir, "missing.log")
	for _, command := range []string{"report --out json=", "attempts --out ndjson="} {
		for _, test := range []struct {
			name   string
			err    error
			args   []string
			status int
			lines  int // on stderr
		}{
			{"closed", syscall.EPIPE, []string{half}, exitOK, 0},
			{"closed, an input missing", syscall.EPIPE, []string{half, missing}, exitInput, 1},
			{"closed, low coverage", syscall.EPIPE, []string{"--min-coverage", "90", half}, exitCoverage, 1},
			{"full", syscall.ENOSPC, []string{half}, exitUsage, 1},
			{"full, an input missing", syscall.ENOSPC, []string{half, missing}, exitUsage, 2},
		} {
			t.Run(command+" "+test.name, func(t *testing.T) {
				want, _, _ := testIO(false, nil)
				var stdout bytes.Buffer
				want.Out = &stdout
				out := filepath.Join(t.TempDir(), "out")
				args := append(strings.Fields(command+out), test.args...)
				run(t.Context(), args, want)
				direct := readFile(t, out)

				o, _, stderr := testIO(false, nil)
				o.Out = full{test.err}
				os.Remove(out)
				if status := run(t.Context(), args, o); status != test.status {
					t.Errorf("status %d, want %d", status, test.status)
				}
				if got := readFile(t, out); got != direct || !strings.Contains(got, "example.org") {
					t.Errorf("the file holds %q, want %q", got, direct)
				}
				if n := strings.Count(stderr.String(), "\n"); n != test.lines {
					t.Errorf("stderr has %d lines, want %d: %q", n, test.lines, stderr)
				}
			})
		}
	}
}

// TestClosedStdoutVerdict stops early where the reader is gone, and tells what is known of the inputs all the same.
func TestClosedStdoutVerdict(t *testing.T) {
	for _, test := range []struct {
		args   string
		status int
	}{
		{"attempts " + demoLog, exitOK},
		{"attempts " + demoLog + " missing.log", exitInput},
		{"attempts --min-coverage 90 " + halfLog(t), exitCoverage},
		{"report " + demoLog + " missing.log", exitInput},
	} {
		o, _, stderr := testIO(false, nil)
		o.Out = full{syscall.EPIPE}
		if status := run(t.Context(), strings.Fields(test.args), o); status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.args, status, test.status, stderr)
		}
	}
}

// A quitter is a stdout whose reader is interrupted together with the program.
type quitter struct{ cancel context.CancelFunc }

func (q quitter) Write([]byte) (int, error) { q.cancel(); return 0, syscall.EPIPE }

// TestInterruptedPipe makes sure that an interrupted run says so, though its reader went away too.
func TestInterruptedPipe(t *testing.T) {
	for _, command := range []string{"report", "attempts"} {
		ctx, cancel := context.WithCancel(t.Context())
		o, _, stderr := testIO(false, nil)
		o.Out = quitter{cancel}
		if status := run(ctx, []string{command, demoLog}, o); status != exitInterrupted || !strings.Contains(stderr.String(), "bouncelog: interrupted") {
			t.Errorf("%s: status %d, stderr %q", command, status, stderr)
		}
	}
}

// TestInterruptedFile leaves an old file alone where the run is interrupted, and nothing beside it.
func TestInterruptedFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o, _, _ := testIO(false, nil)
	o.Out = quitter{cancel}
	if status := run(ctx, []string{"attempts", "--out", "csv=" + path, demoLog}, o); status != exitInterrupted {
		t.Errorf("status %d", status)
	}
	if got := readFile(t, path); got != "old" {
		t.Errorf("the file holds %.100q", got)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestHostileNames makes sure that no name on the command line forges a line of stderr, or hides in it.
func TestHostileNames(t *testing.T) {
	const name = "a\nbouncelog: all is well\r\x1b[2J\u200e\u061c\u2028\u202e"
	const want = `a\nbouncelog: all is well\r\x1b[2J\u200e\u061c\u2028\u202e`
	for _, args := range [][]string{
		{"report", name},
		{"report", "--" + name},
		{"report", "--out", "json=" + filepath.Join(t.TempDir(), "none", name), demoLog},
		{"attempts", "-f", "ndjson", demoLog, name},
		{name},
		{"version", name},
	} {
		o, _, stderr := testIO(false, nil)
		if status := run(t.Context(), args, o); status == exitOK {
			t.Errorf("%q: status %d", args, status)
		}
		s := stderr.String()
		n := strings.Count(s, "\n")
		if strings.HasSuffix(s, " --help'.\n") {
			n--
		}
		// A message that quotes what it was given has its backslashes only once: %q leaves nothing to be made visible.
		if n != 1 || !strings.Contains(s, want) {
			t.Errorf("%q: stderr %q, want one line with %s", args, s, want)
		}
		for _, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
			if line != report.Visible(line) {
				t.Errorf("%q: stderr has %q", args, line)
			}
		}
	}
}
