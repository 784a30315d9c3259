package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	logLine = "Nov 22 06:33:01 mx1 postfix/qmgr[812]: 4A1B2C3D4E: removed\n"
	png     = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	bounce  = "Return-Path: <>\nReceived: by mx.example.com\nContent-Type: multipart/report;\n\treport-type=delivery-status\n\nBody\n"
)

// tree makes a folder of files and enters it. A value `-> x` makes a symbolic link, `= x` a hard link.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	links := map[string]string{}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(data, "-> ") || strings.HasPrefix(data, "= ") {
			links[name] = data
			continue
		}
		if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range links {
		var err error
		if to, ok := strings.CutPrefix(data, "-> "); ok {
			err = os.Symlink(to, name)
		} else {
			err = os.Link(strings.TrimPrefix(data, "= "), name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// show puts the result of Expand into lines.
func show(inputs []*Input, skipped []Skipped, errs []error) (out []string) {
	for _, in := range inputs {
		s := in.Name
		if in.Compression != "" {
			s += " " + in.Compression
		}
		if !in.Named {
			s += " found by " + in.Arg
		}
		out = append(out, s)
	}
	for _, s := range skipped {
		out = append(out, "skip "+s.Name+": "+s.Reason)
	}
	for _, err := range errs {
		out = append(out, "error: "+err.Error())
	}
	return out
}

func TestExpand(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar\x00")
	random := make([]byte, 4096)
	for i := range random {
		random[i] = byte(i * i >> 3)
	}
	tree(t, map[string]string{
		"log/mail.log":           logLine,
		"log/mail.log.1":         logLine + logLine,
		"log/mail.log.2.gz":      string(pack(t, Gzip, []byte(logLine))),
		"log/misnamed.gz":        logLine,
		"log/.hidden":            logLine,
		"log/logo.png":           png,
		"log/logo.png.gz":        string(pack(t, Gzip, []byte(png))),
		"log/twice.gz":           string(pack(t, Gzip, pack(t, Gzip, []byte(logLine)))),
		"log/all.tar.gz":         string(pack(t, Gzip, tar)),
		"log/empty":              "",
		"log/empty.zst":          string(pack(t, Zstd, []byte{})),
		"log/cut.gz":             string(pack(t, Gzip, []byte(logLine))[:12]),
		"log/wtmp":               "\x02\x00\x00\x00\x00\x00\x00\x00~\x00\x00\x00\x00\x00\x00reboot",
		"log/random":             string(random),
		"log/system.journal":     "LPKSHHRH\x00",
		"log/holes":              strings.Repeat("\x00", 1000) + "\n" + logLine,
		"log/noise":              strings.Repeat("\x01", 1000) + "\n" + logLine,
		"log/link":               "-> mail.log",
		"log/dangling":           "-> nowhere",
		"log/hard":               "= log/mail.log",
		"log/loop":               "-> .",
		"log/old/mail.log":       logLine,
		"log/new/1.eml":          bounce,
		"log/new/mbox":           "From user@example.com Sun Nov 22 06:33:01 2026\nSubject: x\n\n",
		"none/logo.png":          png,
		"fresh/mail.log":         "",
		"nothing/.keep":          "",
		"odd[1]":                 logLine,
		"globs/sub.log/mail.log": logLine,
		"globs/.x.log":           logLine,
		"globs/a.log":            logLine,
		"globs/b.log":            png,
	})
	// What follows is found in the folder log, in this order.
	found := []string{"log/hard", "log/holes", "log/mail.log.1", "log/mail.log.2.gz gzip", "log/misnamed.gz", "log/noise", "log/old/mail.log"}
	for i := range found {
		found[i] += " found by log"
	}
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"", []string{"stdin"}},
		{"-", []string{"stdin"}},
		{"- -", []string{"stdin", "skip stdin: the same file as stdin, which is read once"}},
		{"log/mail.log.1 log/mail.log", []string{"log/mail.log.1", "log/mail.log"}},
		{"log/mail.log log/link log/hard ./log/mail.log", []string{
			"log/mail.log",
			"skip log/link: the same file as log/mail.log, which is read once",
			"skip log/hard: the same file as log/mail.log, which is read once",
			"skip ./log/mail.log: the same file as log/mail.log, which is read once",
		}},
		{"log/empty log/.hidden odd[1]", []string{"log/empty", "log/.hidden", "odd[1]"}},
		{"log/missing log/mail.log log/logo.png log/logo.png.gz", []string{
			"log/mail.log",
			"error: read log/missing: no such file or directory; check the name and the folder",
			"error: read log/logo.png: a PNG image, not a log; leave it out",
			"error: read log/logo.png.gz: a PNG image, not a log; leave it out",
		}},
		{"log/new/1.eml log/system.journal log/cut.gz", []string{
			"error: read log/new/1.eml: a bounce message (RFC 3464), not a log; name the log of the mail server",
			"error: read log/system.journal: a systemd journal file, not a log; have it printed: journalctl -o json --file log/system.journal | bouncelog report -",
			"error: read log/cut.gz: the gzip data breaks off before its first line: unexpected EOF; fetch another copy",
		}},
		{"log", append(found,
			"skip log/all.tar.gz: a tar archive",
			"skip log/cut.gz: the gzip data breaks off before its first line: unexpected EOF; fetch another copy",
			"skip log/dangling: no such file or directory; check the name and the folder",
			"skip log/empty: empty",
			"skip log/empty.zst: empty",
			"skip log/link: the same file as log/hard, which is read once",
			"skip log/logo.png: a PNG image",
			"skip log/logo.png.gz: a PNG image",
			"skip log/loop: a symbolic link to a folder",
			"skip log/mail.log: the same file as log/hard, which is read once",
			"skip log/new/1.eml: a bounce message (RFC 3464)",
			"skip log/new/mbox: a mail message (RFC 5322)",
			"skip log/random: binary data",
			"skip log/system.journal: a systemd journal file",
			"skip log/twice.gz: gzip data compressed a second time",
			"skip log/wtmp: binary data")},
		{"none", []string{"skip none/logo.png: a PNG image", "error: read folder none: no log in it (skipped: 1); name the logs or their folder"}},
		{"nothing", []string{"error: read folder nothing: no log in it (skipped: 0); name the logs or their folder"}},
		{"fresh", []string{"skip fresh/mail.log: empty"}},
		{"globs/*.log", []string{"globs/a.log found by globs/*.log", "globs/sub.log/mail.log found by globs/*.log", "skip globs/b.log: a PNG image"}},
		{"globs/.*.log", []string{"globs/.x.log found by globs/.*.log"}},
		{"globs globs/a.log", []string{
			"globs/a.log", // named after all
			"globs/sub.log/mail.log found by globs",
			"skip globs/b.log: a PNG image",
			"skip globs/a.log: the same file as globs/a.log, which is read once",
		}},
		{"*.nothing a[", []string{
			`error: match "*.nothing": file does not exist; check the folder and the pattern`,
			`error: match "a[": syntax error in pattern; check the brackets`,
		}},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got := show(Expand(strings.Fields(tt.args), strings.NewReader("")))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tt.want, "\n\t"))
			}
		})
	}
}

func TestExpandErrors(t *testing.T) {
	tree(t, map[string]string{"a.png": png})
	_, _, errs := Expand([]string{"missing", "*.missing", "a.png"}, nil)
	if len(errs) != 3 || !errors.Is(errs[0], fs.ErrNotExist) || !errors.Is(errs[1], fs.ErrNotExist) {
		t.Errorf("errors %q", errs)
	}
	if fe, ok := errors.AsType[*ForeignError](errs[2]); !ok || fe.What != "a PNG image" {
		t.Errorf("error %q", errs[2])
	}
}

func TestPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	tree(t, map[string]string{"log/secret.log": logLine, "log/mail.log": logLine, "log/closed/mail.log": logLine})
	for _, name := range []string{"log/secret.log", "log/closed"} {
		if err := os.Chmod(name, 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(name, 0o777)
	}
	const do = "permission denied; run as a member of its group (often adm) or as root"
	got := show(Expand([]string{"log", "log/secret.log"}, nil))
	want := []string{
		"log/mail.log found by log",
		"skip log/closed: " + do,
		"skip log/secret.log: " + do,
		"error: read log/secret.log: " + do,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What comes in on stdin is known once it is open.
func TestStdin(t *testing.T) {
	at := time.Unix(1700000000, 0)
	packed := pack(t, Gzip, []byte(logLine))
	copy(packed[4:], []byte{0, 0xf1, 0x53, 0x65}) // MTIME, RFC 1952 2.3.1
	r := open(t, "-", bytes.NewReader(packed), Options{})
	defer r.Close()
	if r.Size != -1 || !r.Time.Equal(at) || r.Compression != Gzip || string(r.Head(3)) != "Nov" {
		t.Errorf("size %d, time %v, compression %q, head %q", r.Size, r.Time, r.Compression, r.Head(3))
	}

	for name, data := range map[string][]byte{
		"a PNG image":                        []byte(png),
		"a bounce message (RFC 3464)":        pack(t, Zstd, []byte(bounce)),
		"an SQLite database":                 []byte("SQLite format 3\x00"),
		"a tar archive":                      []byte(strings.Repeat("\x00", 257) + "ustar"),
		"gzip data compressed a second time": pack(t, XZ, packed),
	} {
		inputs, _, _ := Expand(nil, bytes.NewReader(data))
		_, err := inputs[0].Open(t.Context(), Options{})
		if fe, ok := errors.AsType[*ForeignError](err); !ok || fe.What != name || fe.Name != "stdin" {
			t.Errorf("error %v, want one that says %s", err, name)
		}
	}
}

func TestTime(t *testing.T) {
	at, header := time.Unix(1600000000, 0), time.Unix(1700000000, 0)
	packed := pack(t, Gzip, []byte(logLine))
	stamped := bytes.Clone(packed)
	copy(stamped[4:], []byte{0, 0xf1, 0x53, 0x65})
	for _, tt := range []struct {
		data []byte
		want time.Time
	}{{[]byte(logLine), at}, {packed, at}, {stamped, header}} {
		path := write(t, "mail.log", tt.data)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		inputs, _, _ := Expand([]string{path}, nil)
		if in := inputs[0]; !in.Time.Equal(tt.want) || in.Size != int64(len(tt.data)) {
			t.Errorf("time %v, size %d; want %v, %d", in.Time, in.Size, tt.want, len(tt.data))
		}
	}
}

// Files of /proc are empty by their size, pipes have none.
func TestSpecialFiles(t *testing.T) {
	const proc = "/proc/self/mounts"
	if want, err := os.ReadFile(proc); err == nil && len(want) > 0 {
		diff(t, readAll(t, open(t, proc, nil, Options{})), naive(string(want), 1<<20))
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	go func() {
		io.WriteString(pw, strings.Repeat(logLine, 5000))
		pw.Close()
	}()
	path := fmt.Sprintf("/dev/fd/%d", pr.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs /dev/fd: ", err)
	}
	diff(t, readAll(t, open(t, path, nil, Options{ChunkSize: 4096})), naive(strings.Repeat(logLine, 5000), 1<<20))
}

func TestMessage(t *testing.T) {
	for _, tt := range []struct{ head, want string }{
		{bounce, "a bounce message (RFC 3464)"},
		{"Received: by mx.example.com\r\n\tfor <user@example.com>\r\nX-Spam: no\r\nFrom: a@example.com\r\n\r\n", "a mail message (RFC 5322)"},
		{"From: a@example.com\n\nTo: b@example.com\n", ""},
		{"From here on: a log\n", ""},
		{logLine, ""},
		{"2026-11-22T06:33:01+00:00 mx1 postfix/smtp[1]: Subject: x\n", ""},
		{"", ""},
		{"\n\n", ""},
	} {
		if got := message([]byte(tt.head)); got != tt.want {
			t.Errorf("message(%q) = %q, want %q", tt.head, got, tt.want)
		}
	}
}

// What bouncelog wrote is no log: its records would count again what they were made of.
func TestOurs(t *testing.T) {
	const record = `{"time":"2026-11-22T05:11:07Z","format":"postfix","recipient":"ann@example.org","status":"sent","attempted":true,"kind":"remote","class":"success","rule":"dsn","line":7}`
	for _, tt := range []struct{ head, want string }{
		{record + "\n" + record + "\n", "a list of attempts"},
		{"{\n  \"schema\": \"bouncelog.report\",\n", "a report"},
		{`{"section":"report","schema":"bouncelog.report"}` + "\n", "a report"},
		{`{"log":"` + strings.ReplaceAll(record, `"`, `\"`) + `\n","stream":"stdout"}` + "\n", ""},
		{`{"schema":"mail.v1","kind":"remote"}` + "\n" + record + "\n", ""},
		{logLine, ""},
		{"{", ""},
		{"", ""},
	} {
		if got := ours([]byte(tt.head)); got != tt.want {
			t.Errorf("ours(%q) = %q, want %q", tt.head, got, tt.want)
		}
		if fe, ok := errors.AsType[*ForeignError](foreign("f", []byte(tt.head))); ok != (tt.want != "") {
			t.Errorf("foreign(%q): %v", tt.head, fe)
		}
	}
}

// Every signature has a source, and is found as itself.
func TestSignatures(t *testing.T) {
	for _, s := range signatures {
		if s.ref == "" {
			t.Errorf("%s: no source", s.what)
		}
		fe, ok := errors.AsType[*ForeignError](foreign("f", []byte(strings.Repeat("x", s.offset)+s.magic)))
		if !ok || fe.What != s.what {
			t.Errorf("%s: found as %v", s.what, fe)
		}
	}
}
