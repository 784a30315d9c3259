package cli

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bouncelog/internal/loggen"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"
	"github.com/ulikunitz/xz"
)

var update = flag.Bool("update", false, "write anew what the scripts compare with")

// TestMain makes of the test binary a bouncelog, which it puts first in PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bouncelog": func() { os.Exit(Main(os.Args[1:], System())) },
	})
}

// TestScript runs the command line as a user does: each file of testdata/script is a script and the files it needs.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status,
			"bytes":  writeBytes,
			"pack":   pack,
			"cut":    cut,

			"message": message,
			"loggen":  generateLog,
		},
	})
}

// status N COMMAND ARG...: run a command, which must end with status N.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s ended with status %d, want %d", args[1], got, want)
	}
}

// bytes FILE TEXT [N]: write TEXT, with the escapes of a Go string, N times to FILE.
func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: bytes FILE TEXT [N]")
	}
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	n := 1
	if len(args) == 3 {
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(text), n), 0o644))
}

// pack gzip|zstd|xz FROM TO: compress a file.
func pack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: pack gzip|zstd|xz FROM TO")
	}
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch args[0] {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	default:
		ts.Fatalf("unknown compression %q", args[0])
	}
	ts.Check(err)
	_, err = io.WriteString(w, ts.ReadFile(args[1]))
	ts.Check(errors.Join(err, w.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b.Bytes(), 0o644))
}

// cut FILE N: take the last N bytes off FILE.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut FILE N")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	path := ts.MkAbs(args[0])
	fi, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, fi.Size()-n))
}

// loggen FILE MESSAGES SEED [BLOCK]: write a log with few domains, of which example.com refuses that share of the mail.
func generateLog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: loggen FILE MESSAGES SEED [BLOCK]")
	}
	o := loggen.Options{Domains: 3, Header: loggen.ISO, Mix: loggen.Typical()}
	var err error
	o.Messages, err = strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	o.Seed, err = strconv.ParseUint(args[2], 10, 64)
	ts.Check(err)
	if len(args) == 4 {
		o.Mix.Block, err = strconv.ParseFloat(args[3], 64)
		ts.Check(err)
	}
	var b bytes.Buffer
	_, err = loggen.Write(&b, o)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

// message FILE ADDRESS...: read FILE as a message to these, and have its parts as stdout, each after its type. The parsers
// are those of the standard library.
func message(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: message FILE ADDRESS...")
	}
	text := ts.ReadFile(args[0])
	for line := range strings.Lines(text) {
		if len(line) > 77 || strings.Contains(line, "\r") {
			ts.Fatalf("line of %d bytes, or with CR: %q", len(line), line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(text))
	ts.Check(err)
	to, err := m.Header.AddressList("To")
	ts.Check(err)
	if !slices.EqualFunc(to, args[1:], func(a *mail.Address, want string) bool { return a.Address == want }) {
		ts.Fatalf("to %v, want %v", to, args[1:])
	}
	if _, err := m.Header.Date(); err != nil {
		ts.Fatalf("%v", err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	ts.Check(err)
	// From To Subject Date Message-ID MIME-Version Auto-Submitted Content-Type: whatever a log holds, it adds none.
	if kind != "multipart/alternative" || len(m.Header) != 8 || m.Header.Get("Message-Id") == "" {
		ts.Fatalf("headers %v", m.Header)
	}
	fmt.Fprintf(ts.Stdout(), "Subject: %s\n", m.Header.Get("Subject"))
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return
		}
		ts.Check(err)
		if coding := part.Header.Get("Content-Transfer-Encoding"); coding != "base64" {
			ts.Fatalf("coding %q", coding)
		}
		text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s\n%s", part.Header.Get("Content-Type"), strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
}

const moduleRoot = "../.."

// TestReadme does what README shows: every command in its fenced blocks that begins with bouncelog is run beside the
// logs of testdata, and must print what follows it there. Three dots stand for any text within a line, and on a line of
// their own for any number of lines. A command that fails is followed by `$ echo $?`. A target of make must exist.
func TestReadme(t *testing.T) {
	text := readFile(t, filepath.Join(moduleRoot, "README.md"))
	makefile := "\n" + readFile(t, filepath.Join(moduleRoot, "Makefile"))
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh on this machine")
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS(filepath.Join(moduleRoot, "testdata"))); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, s := range parseSessions(text) {
		last := 0
		for _, c := range s {
			switch word, rest, _ := strings.Cut(c.line, " "); {
			case word == "git" || word == "cd" || word == "export":
			case word == "make":
				for _, target := range strings.Fields(rest) {
					if name, _, ok := strings.Cut(target, "="); !ok && !strings.Contains(makefile, "\n"+name+":") {
						t.Errorf("README.md:%d: make has no target %s", c.at, name)
					}
				}
			case word == "bouncelog" || c.line == "echo $?":
				if last != 0 && c.line != "echo $?" {
					t.Errorf("README.md:%d: the command above ended with status %d, which is not shown", c.at, last)
				}
				ran++
				var got string
				got, last = shell(t, dir, last, c.line)
				if len(c.output) > 0 && !elided(c.output, strings.SplitAfter(got, "\n")) {
					t.Errorf("README.md:%d: $ %s\nwant (-) or got (+):\n%s", c.at, c.line, cmp.Diff(strings.Join(c.output, ""), got))
				}
			default:
				t.Errorf("README.md:%d: %q: nothing tests this command", c.at, c.line)
			}
		}
		if last != 0 {
			t.Errorf("README.md:%d: the last command ended with status %d", s[0].at, last)
		}
	}
	if ran == 0 {
		t.Error("README shows no command")
	}
}

// A shown is one command of README and the output it shows, with its newlines.
type shown struct {
	at     int // its line
	line   string
	output []string
}

// parseSessions returns the commands of the fenced blocks (CommonMark 4.5), those of a block together.
func parseSessions(text string) (all [][]shown) {
	var s []shown
	fenced, more := false, false
	n := 0
	for raw := range strings.Lines(text) {
		n++
		line := strings.TrimSuffix(raw, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; !fenced && len(s) > 0 {
				all = append(all, s)
			}
			if fenced {
				s = nil
			}
		case !fenced:
		case more:
			s[len(s)-1].line += "\n" + line
			more = strings.HasSuffix(line, `\`)
		case strings.HasPrefix(line, "$ "):
			s = append(s, shown{at: n, line: line[2:]})
			more = strings.HasSuffix(line, `\`)
		case len(s) > 0:
			s[len(s)-1].output = append(s[len(s)-1].output, raw)
		}
	}
	return all
}

// shell runs a line by sh, where $? is last, and returns what it prints on stdout and stderr.
func shell(t *testing.T, dir string, last int, line string) (string, int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", fmt.Sprintf("(exit %d)\n%s", last, line))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// elided reports whether the lines got are those of want, where three dots in want stand for what was left out.
func elided(want, got []string) bool {
	if n := len(got); n > 0 && got[n-1] == "" {
		got = got[:n-1]
	}
	for i, line := range want {
		if line != "...\n" {
			if i >= len(got) || !elidedLine(line, got[i]) {
				return false
			}
			continue
		}
		for skip := range len(got) - i + 1 {
			if elided(want[i+1:], got[i+skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) == len(want)
}

func elidedLine(want, got string) bool {
	parts := strings.Split(want, "...")
	got, ok := strings.CutPrefix(got, parts[0])
	if len(parts) == 1 {
		return ok && got == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		var found bool
		_, got, found = strings.Cut(got, part)
		ok = ok && found
	}
	return ok && strings.HasSuffix(got, parts[last])
}

func TestElided(t *testing.T) {
	for _, test := range []struct {
		want, got string
		ok        bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\n", "a\nb\n", false},
		{"a\nb\n", "a\n", false},
		{"...\n", "", true},
		{"...\nb\n", "a\nb\nb\n", true},
		{"a\n...\n", "a\n", true},
		{"a\n...\nc\n", "a\nb\nb\nc\n", true},
		{"a\n...\nc\n...\n", "a\nb\nb\n", false},
		{"a...c\n", "abc\n", true},
		{"a...c\n", "abcd\n", false},
		{"a...c...e\n", "abcde\n", true},
		{"a...e...c\n", "abcde\n", false},
		{"a...a\n", "a\n", false},
		{"...\"b\"...\n", "{\"a\",\"b\"}\n", true},
	} {
		if ok := elided(lines(test.want), lines(test.got)); ok != test.ok {
			t.Errorf("elided(%q, %q) = %v", test.want, test.got, ok)
		}
	}
}

func TestParseSessions(t *testing.T) {
	text := "$ not fenced\n```console\n$ bouncelog a \\\n  b\nout\n\n$ make test\n```\n```\ncode\n```\n"
	want := [][]shown{{{3, "bouncelog a \\\n  b", []string{"out\n", "\n"}}, {7, "make test", nil}}}
	if diff := cmp.Diff(want, parseSessions(text), cmp.AllowUnexported(shown{})); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// TestReadmeFlags holds README's list of flags against the flags there are.
func TestReadmeFlags(t *testing.T) {
	readme := readFile(t, filepath.Join(moduleRoot, "README.md"))
	for _, cmd := range newRoot(IO{}).Commands() {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !strings.Contains(readme, "`--"+f.Name) {
				t.Errorf("README.md does not mention --%s of %s", f.Name, cmd.Name())
			}
		})
		if !strings.Contains(readme, "`"+cmd.Name()+"`") {
			t.Errorf("README.md does not mention %s", cmd.Name())
		}
	}
}

// TestContinuousIntegration makes sure that CI runs the tests in the words of README.
func TestContinuousIntegration(t *testing.T) {
	run := readFile(t, filepath.Join(moduleRoot, ".ci/run"))
	readme := readFile(t, filepath.Join(moduleRoot, "README.md"))
	for _, command := range []string{"make test", "make demo"} {
		if !strings.Contains(run, "\nstep "+command+"\n") || !strings.Contains(readme, "\n$ "+command+"\n") {
			t.Errorf("%s is not both in .ci/run and README.md", command)
		}
	}
}

func lines(s string) []string { return slices.Collect(strings.Lines(s)) }

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
