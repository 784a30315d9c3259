package state

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// An FS is what a [Store] does to its folder. Names have no folder in them. Its errors are of io/fs.
type FS interface {
	// Prepare makes the folder where it is missing.
	Prepare() error

	// ReadFile returns what is in a file.
	ReadFile(name string) ([]byte, error)

	// Create makes an empty file, which only its owner may read, in the place of one that is there.
	Create(name string) (File, error)

	// Rename gives a file another name, in one step, in the place of the file that had it.
	Rename(from, to string) error

	// Remove removes a file.
	Remove(name string) error

	// Names returns the names of the files, in any order.
	Names() ([]string, error)

	// Sync returns once all changes of names are on the disk.
	Sync() error
}

// A File is one that is written. Its Sync returns once all that was written is on the disk.
//
// Note: an alias, so that a file system can be one without importing this package.
type File = interface {
	io.WriteCloser
	Sync() error
}

// Folder returns the FS of a folder of the machine. It need not be there yet.
func Folder(path string) FS { return folder(path) }

type folder string

func (f folder) Prepare() error { return os.MkdirAll(string(f), 0o700) }

func (f folder) ReadFile(name string) ([]byte, error) { return os.ReadFile(f.path(name)) }

func (f folder) Create(name string) (File, error) {
	// Not in place of what may be a link to elsewhere.
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(f.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (f folder) Rename(from, to string) error { return os.Rename(f.path(from), f.path(to)) }

func (f folder) Remove(name string) error { return os.Remove(f.path(name)) }

func (f folder) Names() ([]string, error) {
	entries, err := os.ReadDir(string(f))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (f folder) Sync() error {
	d, err := os.Open(string(f))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }
