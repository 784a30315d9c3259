package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Expand finds the inputs that the arguments name:
//
//   - a file, a pipe or a device: itself;
//   - a folder: all files in it and in the folders below, by name. Hidden ones are left alone, and folders behind a
//     symbolic link are not entered;
//   - a glob (path/filepath.Match) that the shell did not expand: what it matches, folders as above; hidden files only if
//     the pattern begins with a dot. A path that exists is never a glob;
//   - `-`, or no argument at all: stdin.
//
// What was found and is certainly no log, or empty, is skipped, and so is a file that was given before, under whatever
// name. Errors are one for each argument that cannot be used, and one for each named file that is certainly no log
// ([*ForeignError]) or cannot be read; the inputs are good all the same. They are in the order of the arguments.
func Expand(args []string, stdin io.Reader) (inputs []*Input, skipped []Skipped, errs []error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	x := expansion{stdin: stdin}
	for _, arg := range args {
		x.arg = arg
		if err := x.expand(); err != nil {
			x.errs = append(x.errs, err)
		}
	}
	return x.inputs, x.skipped, x.errs
}

// expansion is an Expand under way.
type expansion struct {
	stdin   io.Reader
	arg     string // at which it is
	inputs  []*Input
	skipped []Skipped
	errs    []error
}

// expand adds what the argument names.
func (x *expansion) expand() error {
	if x.arg == "-" {
		in := &Input{Name: "stdin", Path: "-", Arg: "-", Size: -1, Named: true, stdin: x.stdin}
		if f, ok := x.stdin.(*os.File); ok {
			if fi, err := f.Stat(); err == nil {
				in.info = fi
			}
		}
		x.add(in)
		return nil
	}
	fi, err := os.Stat(x.arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(x.arg, "*?["):
		return x.glob()
	case err != nil:
		return readError(x.arg, err)
	case fi.IsDir():
		return x.folder(x.arg)
	}
	return x.file(x.arg, fi, true)
}

// glob adds what the pattern matches.
func (x *expansion) glob() error {
	paths, err := filepath.Glob(x.arg)
	if err != nil {
		return fmt.Errorf("match %q: %w; check the brackets", x.arg, err)
	}
	matched := false
	for _, path := range paths {
		if hidden(filepath.Base(path)) && !hidden(filepath.Base(x.arg)) {
			continue
		}
		matched = true
		x.found(path)
	}
	if !matched {
		return fmt.Errorf("match %q: %w; check the folder and the pattern", x.arg, fs.ErrNotExist)
	}
	return nil
}

// folder adds the files of a named folder. One without a log is an error; empty logs are logs.
func (x *expansion) folder(path string) error {
	inputs, skipped := len(x.inputs), len(x.skipped)
	if err := x.walk(path); err != nil {
		return readError(path, err)
	}
	if len(x.inputs) > inputs {
		return nil
	}
	for _, s := range x.skipped[skipped:] {
		if s.Reason == empty || strings.HasPrefix(s.Reason, again) {
			return nil
		}
	}
	return fmt.Errorf("read folder %s: no log in it (skipped: %d); name the logs or their folder", path, len(x.skipped)-skipped)
}

// walk adds the files of a folder and of those below.
func (x *expansion) walk(path string) error {
	entries, err := os.ReadDir(path) // sorted by name
	for _, e := range entries {
		if !hidden(e.Name()) {
			x.found(filepath.Join(path, e.Name()))
		}
	}
	return err
}

// found adds a file or folder that was found.
func (x *expansion) found(path string) {
	fi, err := os.Stat(path)
	if err != nil {
		x.skip(path, readError(path, err))
		return
	}
	if !fi.IsDir() {
		if strings.HasSuffix(path, expectations) {
			x.skipped = append(x.skipped, Skipped{Name: path, Reason: "what is expected of a log, for bouncelog check"})
			return
		}
		x.file(path, fi, false)
		return
	}
	if l, err := os.Lstat(path); err == nil && l.Mode()&fs.ModeSymlink != 0 {
		x.skipped = append(x.skipped, Skipped{Name: path, Reason: "a symbolic link to a folder"})
		return
	}
	if err := x.walk(path); err != nil {
		x.skip(path, readError(path, err))
	}
}

// expectations is how the names of files end that say what the attempts of a log shall be. They look like a log in JSON.
const expectations = ".expect.ndjson"

// skip notes that something found could not be read, or is no log.
func (x *expansion) skip(path string, err error) {
	var fe *ForeignError
	if errors.As(err, &fe) {
		x.skipped = append(x.skipped, Skipped{Name: path, Reason: fe.What})
		return
	}
	reason := strings.TrimPrefix(err.Error(), "read "+path+": ")
	x.skipped = append(x.skipped, Skipped{Name: path, Reason: reason, Err: err})
}

const (
	empty = "empty"
	again = "the same file as "
)

// file adds a file, after a look at its first bytes. The error is of a named one; what was found is skipped.
func (x *expansion) file(path string, fi fs.FileInfo, named bool) error {
	in := &Input{Name: path, Path: path, Arg: x.arg, Size: -1, Named: named, info: fi}
	if !fi.Mode().IsRegular() { // to look would take from a pipe what is in it
		if named {
			x.add(in)
		} else {
			x.skipped = append(x.skipped, Skipped{Name: path, Reason: "no regular file"})
		}
		return nil
	}
	r, err := in.open(Options{})
	if r != nil {
		defer r.Close()
	}
	if err == nil {
		err = foreign(path, r.head)
	}
	switch {
	case err != nil && named:
		return err
	case err != nil:
		x.skip(path, err)
		return nil
	case len(r.head) == 0 && !named:
		x.skipped = append(x.skipped, Skipped{Name: path, Reason: empty})
		return nil
	case !named && isBinary(r.head):
		x.skipped = append(x.skipped, Skipped{Name: path, Reason: "binary data"})
		return nil
	}
	in.Size, in.Time, in.Compression = r.Size, r.Time, r.Compression
	x.add(in)
	return nil
}

// add adds an input, unless it is the same as one before, by whatever path.
func (x *expansion) add(in *Input) {
	for _, old := range x.inputs {
		if old.Path == in.Path || old.info != nil && in.info != nil && os.SameFile(old.info, in.info) {
			if in.Named && !old.Named {
				old.Named, old.Arg = true, in.Arg
			}
			x.skipped = append(x.skipped, Skipped{Name: in.Name, Reason: again + old.Name + ", which is read once"})
			return
		}
	}
	x.inputs = append(x.inputs, in)
}

// hidden reports whether a name begins with a dot.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".")
}
