// Command release builds what is published: archives of the program for each system, packages for Debian and of RPM, the
// static binaries for the container image, and the checksums of all. The same source gives the same bytes, on any machine and
// on any day, as long as Go is the same.
//
//	SOURCE_DATE_EPOCH=1795348800 release -nfpm .build/tools/nfpm -out .build/release
//
// SOURCE_DATE_EPOCH (reproducible-builds.org) is the time of all files in them. Its working directory is the module's root.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/cli"
)

// A target is a system to build for, in Go's words.
type target struct{ system, arch string }

// targets returns all of them.
func targets() []target {
	return []target{{"linux", "amd64"}, {"linux", "arm64"}, {"freebsd", "amd64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}}
}

func main() {
	switch err := run(os.Args[1:], os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(2)
	}
}

// sumsName is the file of the checksums, in the form that sha256sum -c reads.
const sumsName = "SHA256SUMS"

// A builder builds one release.
type builder struct {
	out    string // folder of what is published
	nfpm   string // the program; empty: no packages
	time   time.Time
	stderr io.Writer
}

func run(args []string, stderr io.Writer) error {
	b := builder{stderr: stderr}
	only := ""
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&b.out, "out", ".build/release", "`folder` to write to; what is in it goes")
	flags.StringVar(&b.nfpm, "nfpm", "", "the `program` nfpm; without it, there are no packages")
	flags.StringVar(&only, "only", "", "this `system/arch` only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH %q: give seconds since 1970, as `git log -1 --format=%%ct` prints them", os.Getenv("SOURCE_DATE_EPOCH"))
	}
	b.time = time.Unix(epoch, 0).UTC()
	all := targets()
	if only != "" {
		all = slices.DeleteFunc(all, func(t target) bool { return t.system+"/"+t.arch != only })
		if len(all) == 0 {
			return fmt.Errorf("-only %s: not among %v", only, targets())
		}
	}
	for _, path := range []*string{&b.out, &b.nfpm} { // programs run elsewhere
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return b.build(all)
}

// build builds all, one target after the other: each takes all cores by itself.
func (b *builder) build(all []target) error {
	if err := clear(b.out); err != nil {
		return err
	}
	common, err := b.commonFiles()
	if err != nil {
		return err
	}
	for _, t := range all {
		fmt.Fprintf(b.stderr, "release: %s/%s\n", t.system, t.arch)
		if err := b.target(t, common); err != nil {
			return fmt.Errorf("build for %s/%s: %w", t.system, t.arch, err)
		}
	}
	return checksums(b.out)
}

// clear removes an earlier release, and nothing else: a slip of the keyboard must not cost a folder.
func clear(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != "linux" && name != sumsName && !strings.HasPrefix(name, "bouncelog") {
			return fmt.Errorf("-out %s: %s in it is of no release; name another folder", dir, name)
		}
	}
	return os.RemoveAll(dir)
}

// target builds the archive of one system, and its packages where it has any.
func (b *builder) target(t target, common []file) error {
	temp, err := os.MkdirTemp("", "bouncelog-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	name := "bouncelog"
	if t.system == "windows" {
		name = "bouncelog.exe"
	}
	if err := b.compile(t, filepath.Join(temp, name)); err != nil {
		return err
	}
	program, err := os.ReadFile(filepath.Join(temp, name))
	if err != nil {
		return err
	}
	files := []file{{name, 0o755, program}}
	for _, f := range common {
		if t.system == "linux" || !linuxOnly(f.name) {
			files = append(files, f)
		}
	}
	stem := fmt.Sprintf("bouncelog-%s-%s-%s", cli.Version, t.system, t.arch)
	published := slices.DeleteFunc(slices.Clone(files), func(f file) bool { return strings.HasPrefix(f.name, "scripts/") })
	archive, err := pack(stem, t.system == "windows", published, b.time)
	if err != nil {
		return err
	}
	suffix := ".tar.gz"
	if t.system == "windows" {
		suffix = ".zip"
	}
	if err := write(filepath.Join(b.out, stem+suffix), archive, 0o644); err != nil {
		return err
	}
	if t.system != "linux" {
		return nil
	}
	if err := write(filepath.Join(b.out, "linux", t.arch, name), program, 0o755); err != nil {
		return err
	}
	if b.nfpm == "" {
		return nil
	}
	return b.packages(t, temp, files)
}

// compile builds the program: static, with no trace of the machine or the folder that it was built on.
func (b *builder) compile(t target, out string) error {
	return b.command("", []string{"CGO_ENABLED=0", "GOOS=" + t.system, "GOARCH=" + t.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFLAGS="},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", out, "./cmd/bouncelog")
}

// packages has nfpm make its packages of files, laid out in temp.
func (b *builder) packages(t target, temp string, files []file) error {
	for _, f := range files {
		if err := write(filepath.Join(temp, filepath.FromSlash(f.name)), f.data, f.mode); err != nil {
			return err
		}
	}
	config, err := filepath.Abs("internal/packaging/nfpm.yaml")
	if err != nil {
		return err
	}
	for _, kind := range []string{"deb", "rpm"} {
		if err := b.command(temp, []string{"ARCH=" + t.arch, "VERSION=" + cli.Version, "TZ=UTC"}, b.nfpm, "package", "--config", config, "--packager", kind, "--target", b.out); err != nil {
			return err
		}
	}
	return nil
}

// command runs a program in a folder, with env besides the environment. What it prints is shown where it fails.
func (b *builder) command(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", b.time.Unix())), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, text)
	}
	return nil
}

// linuxOnly reports whether a file is of no use elsewhere.
func linuxOnly(name string) bool {
	return strings.HasPrefix(name, "systemd/") || strings.HasPrefix(name, "scripts/")
}

// commonFiles returns what goes with the program on every system, by name.
func (b *builder) commonFiles() ([]file, error) {
	var files []file
	for name, path := range map[string]string{
		"README.md":                 "README.md",
		"examples/crontab":          "internal/packaging/crontab",
		"examples/logrotate":        "internal/packaging/logrotate",
		"systemd/bouncelog.service": "internal/packaging/bouncelog.service",
		"systemd/bouncelog.timer":   "internal/packaging/bouncelog.timer",
		"systemd/default":           "internal/packaging/default",
		"systemd/sysconfig":         "internal/packaging/sysconfig",
		"scripts/postinstall.sh":    "internal/packaging/postinstall.sh",
		"scripts/preremove.sh":      "internal/packaging/preremove.sh",
		"scripts/postremove.sh":     "internal/packaging/postremove.sh",
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, 0o644, data})
	}
	scripts, err := completions()
	if err != nil {
		return nil, err
	}
	pages, err := b.manual()
	if err != nil {
		return nil, err
	}
	files = slices.Concat(files, scripts, pages)
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return files, nil
}

// completions returns the scripts of all shells.
func completions() ([]file, error) {
	root := cli.Command()
	var bash, zsh, fish, power bytes.Buffer
	err := errors.Join(root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh), root.GenFishCompletion(&fish, true), root.GenPowerShellCompletionWithDesc(&power))
	return []file{
		{"completions/bouncelog.bash", 0o644, bash.Bytes()},
		{"completions/_bouncelog", 0o644, zsh.Bytes()},
		{"completions/bouncelog.fish", 0o644, fish.Bytes()},
		{"completions/bouncelog.ps1", 0o644, power.Bytes()},
	}, err
}

// manual returns the manual pages, compressed as man reads them.
func (b *builder) manual() ([]file, error) {
	dir, err := os.MkdirTemp("", "bouncelog-man-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := b.command("", nil, "go", "run", "./internal/tools/man", "-o", dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		page, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		packed, err := compress(page)
		if err != nil {
			return nil, err
		}
		files = append(files, file{"man/" + e.Name() + ".gz", 0o644, packed})
	}
	return files, nil
}

// write writes a file, in a folder that need not be there yet.
func write(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // the umask took its part
}

// checksums writes those of all files in dir.
func checksums(dir string) error {
	var sums strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, sumsName), []byte(sums.String()), 0o644)
}

// compress returns data in gzip, without a name and a time.
func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(data)
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}
