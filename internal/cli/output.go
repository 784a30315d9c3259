package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"bouncelog/internal/source"

	"github.com/spf13/cobra"
)

// outputFlags are the flags of every command that writes what it found.
type outputFlags struct {
	format string
	out    []string
	color  string
}

// add adds the flags for these formats, of which the first is the default.
func (f *outputFlags) add(cmd *cobra.Command, formats []string) {
	s := cmd.Flags()
	s.StringVarP(&f.format, "format", "f", formats[0], "output format: "+strings.Join(formats, ", "))
	s.StringArrayVar(&f.out, "out", nil, "write a file too, as `FORMAT=FILE`; may be given several times")
	s.StringVar(&f.color, "color", "auto", "colours of what has any: auto, always, never")
	complete(cmd, "format", formats)
	complete(cmd, "color", []string{"auto", "always", "never"})
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is not there: a mistake in this package
	}
}

// An output is one place that a command writes to.
type output struct {
	format string
	path   string // empty: stdout
}

// name is what messages call it.
func (out output) name() string { return cmp.Or(out.path, "stdout") }

// outputs returns the files, and stdout last: it may block, or have nobody at its other end; and whether stdout shall have
// colours. check tells whether a format is known.
func (f *outputFlags) outputs(o IO, check func(format string) error) (all []output, color bool, err error) {
	if err := check(f.format); err != nil {
		return nil, false, usagef("--format: %w", err)
	}
	for _, s := range f.out {
		format, path, ok := strings.Cut(s, "=")
		if !ok || path == "" {
			return nil, false, usagef("--out %q: give FORMAT=FILE", s)
		}
		if err := check(format); err != nil {
			return nil, false, usagef("--out %q: %w", s, err)
		}
		all = append(all, output{format, path})
	}
	color, err = f.colors(o)
	return append(all, output{format: f.format}), color, err
}

// spare refuses to write over what is to be read.
func spare(inputs []*source.Input, outputs []output) error {
	for _, out := range outputs {
		to, err := os.Stat(out.path)
		if out.path == "" || err != nil || !to.Mode().IsRegular() {
			continue
		}
		for _, in := range inputs {
			if from, err := os.Stat(in.Path); err == nil && os.SameFile(from, to) {
				return usagef("--out %s: it is one of the inputs; give another file", out.path)
			}
		}
	}
	return nil
}

// colors reports whether stdout shall have colours.
func (f *outputFlags) colors(o IO) (bool, error) {
	switch f.color {
	case "auto":
		return o.OutTTY && o.Env("NO_COLOR") == "" && o.Env("TERM") != "dumb", nil
	case "always":
		return true, nil
	case "never":
		return false, nil
	}
	return false, usagef("--color %q: give auto, always or never", f.color)
}

// stdout is standard output. That its reader goes away (`bouncelog attempts | head`) is no error: the rest is dropped.
type stdout struct {
	w      io.Writer
	closed bool
	err    error // the first one: cobra's help does not ask
}

func (s *stdout) Write(p []byte) (int, error) {
	if s.closed {
		return len(p), nil
	}
	n, err := s.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		s.closed = true
		return len(p), nil
	}
	err = writeError("stdout", err)
	s.err = cmp.Or(s.err, err)
	return n, err
}

// unread reports whether the reader of stdout went away.
func (o IO) unread() bool {
	s, ok := o.Out.(*stdout)
	return ok && s.closed
}

// sync returns once what was written to stdout is on the disk, where it is a file.
func (o IO) sync() error {
	s, ok := o.Out.(*stdout)
	if !ok {
		return nil
	}
	f, ok := s.w.(*os.File)
	if !ok {
		return nil
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return writeError("stdout", err)
	}
	return writeError("stdout", f.Sync())
}

// isStdout reports whether a file is the one that stdout goes to.
func (o IO) isStdout(fi fs.FileInfo) bool {
	if s, ok := o.Out.(*stdout); ok {
		if f, ok := s.w.(*os.File); ok {
			out, err := f.Stat()
			return err == nil && os.SameFile(out, fi)
		}
	}
	return false
}

// writeError says which output an error is of, and what to do. It is nil where err is.
func writeError(name string, err error) error {
	if err == nil {
		return nil
	}
	// Temporary names tell nobody anything.
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	advice := "check the disk, or write elsewhere"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "make room, or write elsewhere"
	case errors.Is(err, syscall.EPIPE):
		advice = "its reader went away before the end"
	case errors.Is(err, syscall.EISDIR):
		advice = "name a file in it"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EROFS):
		advice = "check that the folder is there and writable"
	}
	return &exitError{exitUsage, fmt.Errorf("write %s: %w; %s", name, err, advice)}
}

// An outFile is a file that --out names. A regular file is replaced in one step, by commit: whoever reads it sees the old
// one or the new one, never a part. Symbolic links to it and its mode stay as they are. Anything else, a device or a named
// pipe, is written as it stands.
type outFile struct {
	path string // as given
	f    *os.File
	dest string // what commit puts f in the place of; empty: f is the thing itself
}

func openOut(path string, o IO) (*outFile, error) {
	mode := fs.FileMode(0o666) // less the umask
	fi, err := os.Stat(path)
	switch {
	case err == nil && !fi.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, writeError(path, err)
		}
		return &outFile{path: path, f: f}, nil
	case err == nil && o.isStdout(fi):
		return nil, usagef("write %s: stdout goes there already; name another file", path)
	case err == nil:
		mode = fi.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, writeError(path, err)
	}
	dest, err := resolve(path)
	if err != nil {
		return nil, writeError(path, err)
	}
	// Cleaning a path could lead elsewhere: `link/../x` need not be beside link.
	dir, name := filepath.Split(dest)
	f, err := os.OpenFile(dir+"."+name+"."+rand.Text()[:10], os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, writeError(path, err)
	}
	out := &outFile{path: path, f: f, dest: dest}
	if fi != nil {
		if err := f.Chmod(mode); err != nil { // the umask took its part
			out.discard()
			return nil, writeError(path, err)
		}
	}
	return out, nil
}

// resolve follows symbolic links to the file that they lead to, which need not be there yet.
func resolve(path string) (string, error) {
	for {
		dest, err := filepath.EvalSymlinks(path)
		if err == nil {
			return dest, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err // a circle of links too
		}
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // the file is not there, or its folder, as will be seen
		}
		if !filepath.IsAbs(link) {
			dir, _ := filepath.Split(path)
			link = dir + link
		}
		path = link
	}
}

// Write writes to the file; its errors name it.
func (out *outFile) Write(p []byte) (int, error) {
	n, err := out.f.Write(p)
	return n, writeError(out.path, err)
}

// commit ends the writing and puts the file in its place.
func (out *outFile) commit() error {
	if out.dest == "" {
		return writeError(out.path, out.f.Close())
	}
	err := out.f.Sync()
	if e := out.f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(out.f.Name(), out.dest)
	}
	if err != nil {
		os.Remove(out.f.Name())
	} else {
		syncFolder(filepath.Dir(out.dest))
	}
	return writeError(out.path, err)
}

// syncFolder has the names of files in a folder on the disk, where the system can do that: a power cut is not to take back what a
// state says was written.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync() // Windows and some file systems cannot
		d.Close()
	}
}

// discard ends the writing and leaves all as it was, but for what a device or a pipe took.
func (out *outFile) discard() {
	out.f.Close()
	if out.dest != "" {
		os.Remove(out.f.Name())
	}
}
