// Package state keeps, from one run to the next, what was read of which logs, and what of it is still open.
//
// A state is a folder. Its file `state` says how far every log was read and names the other files, the parts, with their
// checksums; a part is written under a name that was never used, so that the rename of `state` changes everything in one
// step. `state.old` is the one before. Nothing is ever changed in place: a process that is killed, a full disk or a power cut
// leaves the state before or the state after.
package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/klauspost/compress/s2"
)

// Version is that of the format of a state. Another one is not read: version 1 knew logs of JSON by their lines, and would have
// them read, and counted, once more.
const Version = 2

const (
	current  = "state"
	previous = "state.old"
	partName = ".part" // ends the names of parts

	magic = "bouncelog state "
)

// An Error says what is wrong with a state, and what to do. It is one of the input: exit status 3.
type Error struct {
	Folder string
	What   string // was being done
	Err    error
	Advice string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s state %s: %v", e.What, e.Folder, e.Err)
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// A State is what is known between two runs. The zero value is that of a folder before its first run.
type State struct {
	Generation int64  // grows with every commit
	Command    string // that it is of: what one reads, another cannot read again
	Time       int64  // of the commit, in Unix seconds
	Logs       []Log  // that were read, in the order in which they came
	Zone       string // of the days of history; empty: there is no history
	Cursor     string // of the journal, up to which it was read; empty: it was not
	Parts      []Part // by name
}

// A Part is a file of the state.
type Part struct {
	Name string // within the state: what it holds
	File string // in the folder
	Size int64  // bytes, compressed (S2)
	Sum  string // SHA-256 of these, in hex
}

// A Store is the state in one folder.
type Store struct {
	fs     FS
	folder string // for messages
	raw    []byte // of the file `state`; nil: there is none
	state  State
}

// Open reads the state in a folder, which need not be there. Its errors are [*Error].
func Open(folder string, fs FS) (*Store, error) {
	s := &Store{fs: fs, folder: folder}
	var err error
	s.raw, s.state, err = s.read(current)
	return s, err
}

// OpenPrevious reads the state before the one in the folder: to commit it again goes back to it.
func OpenPrevious(folder string, fs FS) (*Store, error) {
	s := &Store{fs: fs, folder: folder}
	var err error
	if s.raw, s.state, err = s.read(previous); err == nil && s.raw == nil {
		err = &Error{folder, "read", errors.New("there is no state before it"), ""}
	}
	return s, err
}

// Settle sees to it that the state which was read is on the disk: a run that was killed may have left it there by name alone,
// and what is decided by it now would not hold after a power cut.
func (s *Store) Settle() error {
	if s.raw == nil {
		return nil
	}
	if err := s.fs.Sync(); err != nil {
		return s.fault("read", err)
	}
	return nil
}

// State returns the state. What it points to is not to be changed.
func (s *Store) State() State { return s.state }

// New reports whether no run was completed yet.
func (s *Store) New() bool { return s.raw == nil }

// read reads a file that says what the state is. That there is none is no error.
func (s *Store) read(name string) ([]byte, State, error) {
	var st State
	raw, err := s.fs.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, st, nil
	}
	if err != nil {
		return nil, st, s.fault("read", err)
	}
	version, rest, _ := bytes.Cut(raw, []byte("\n"))
	sum, body, _ := bytes.Cut(rest, []byte("\n"))
	n := 0
	if _, err := fmt.Sscanf(string(version), magic+"%d", &n); err != nil || !strings.HasPrefix(string(version), magic) {
		return nil, st, s.damaged("its first line is not that of a state")
	}
	switch {
	case n > Version:
		return nil, st, &Error{s.folder, "read", fmt.Errorf("its format is %d, this bouncelog knows %d", n, Version), "a newer bouncelog wrote it: use that one"}
	case n < Version:
		return nil, st, &Error{s.folder, "read", fmt.Errorf("its format is %d, this bouncelog knows %d", n, Version),
			"an older bouncelog wrote it: use that one, or begin anew with: bouncelog state reset --state " + s.folder}
	case string(sum) != sumOf(body):
		return nil, st, s.damaged("its checksum is wrong")
	}
	if err := json.Unmarshal(body, &st); err != nil {
		return nil, st, s.damaged(err.Error())
	}
	return raw, st, nil
}

func (s *Store) damaged(why string) error {
	return &Error{s.folder, "read", errors.New("it is damaged: " + why), "go back to the one before, or begin anew: bouncelog state reset --state " + s.folder + " [--to-previous]"}
}

// fault says what to do about an error of the file system.
func (s *Store) fault(what string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	advice := "check the disk"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "make room and run it again: the state is as it was"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = "it has to be writable by the user who runs bouncelog, and by nobody else"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		advice = "check the path"
	}
	return &Error{s.folder, what, err, advice}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Part returns what is in a part; nil where the state has none of that name.
func (s *Store) Part(name string) ([]byte, error) {
	i := slices.IndexFunc(s.state.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return nil, nil
	}
	p := s.state.Parts[i]
	b, err := s.fs.ReadFile(p.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, s.damaged("its file " + p.File + " is missing")
	case err != nil:
		return nil, s.fault("read", err)
	case int64(len(b)) != p.Size || sumOf(b) != p.Sum:
		return nil, s.damaged("the checksum of its file " + p.File + " is wrong")
	}
	if b, err = s2.Decode(nil, b); err != nil {
		return nil, s.damaged("its file " + p.File + " cannot be decompressed: " + err.Error())
	}
	return b, nil
}

// pack compresses a part. Half of what is kept of open messages are hashes, which nothing makes smaller: zstd takes three times
// as long, and leaves 30 bytes of a message where S2 leaves 34.
func pack(b []byte) ([]byte, error) {
	if s2.MaxEncodedLen(len(b)) < 0 {
		return nil, fmt.Errorf("%d bytes in one piece are more than it can hold", len(b))
	}
	return s2.Encode(nil, b), nil
}

// Commit puts another state in the place of the one that was read, with the contents of new parts, by name; empty ones are
// taken out, and parts that are not named stay. With an error, the state is as it was.
func (s *Store) Commit(next State, parts map[string][]byte) error {
	if err := s.fs.Prepare(); err != nil {
		return s.fault("make", err)
	}
	generation, err := s.unused()
	if err != nil {
		return s.fault("read", err)
	}
	next.Generation = generation
	next.Parts = slices.DeleteFunc(slices.Clone(s.state.Parts), func(p Part) bool { _, ok := parts[p.Name]; return ok })
	for name, b := range parts {
		if len(b) == 0 {
			continue
		}
		b, err := pack(b)
		if err != nil {
			return &Error{s.folder, "write", err, ""}
		}
		p := Part{name, fmt.Sprintf("%s.%d%s", name, next.Generation, partName), int64(len(b)), sumOf(b)}
		if err := s.write(p.File, b); err != nil {
			return s.fault("write", err)
		}
		next.Parts = append(next.Parts, p)
	}
	slices.SortFunc(next.Parts, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	body, err := json.Marshal(&next)
	if err != nil {
		return &Error{s.folder, "write", err, ""}
	}
	raw := fmt.Appendf(nil, "%s%d\n%s\n", magic, Version, sumOf(body))
	raw = append(raw, body...)
	if s.raw != nil {
		if err := s.replace(previous, s.raw); err != nil {
			return s.fault("write", err)
		}
	}
	// What it names is on the disk before it is.
	if err := s.fs.Sync(); err != nil {
		return s.fault("write", err)
	}
	if err := s.replace(current, raw); err != nil {
		return s.fault("write", err)
	}
	if err := s.fs.Sync(); err != nil {
		return s.fault("write", err)
	}
	keep := append(slices.Clone(next.Parts), s.state.Parts...)
	s.raw, s.state = raw, next
	s.clean(keep)
	return nil
}

// unused returns a generation of which no part is there, not even of a run that was killed.
func (s *Store) unused() (int64, error) {
	last := s.state.Generation
	names, err := s.fs.Names()
	for _, name := range names {
		if stem, ok := strings.CutSuffix(name, partName); ok {
			n, err := strconv.ParseInt(stem[strings.LastIndexByte(stem, '.')+1:], 10, 64)
			if err == nil {
				last = max(last, n)
			}
		}
	}
	return last + 1, err
}

// replace writes a file in one step.
func (s *Store) replace(name string, b []byte) error {
	temporary := name + ".new"
	if err := s.write(temporary, b); err != nil {
		return err
	}
	return s.fs.Rename(temporary, name)
}

// write writes a file that nobody looks for yet.
func (s *Store) write(name string, b []byte) error {
	f, err := s.fs.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = s.fs.Remove(name) // to make room; if it stays, the next commit takes it out
	}
	return err
}

// clean removes the parts that neither the state nor the one before it names. What cannot be removed is so the next time.
func (s *Store) clean(keep []Part) {
	names, err := s.fs.Names()
	if err != nil {
		return
	}
	for _, name := range names {
		if strings.HasSuffix(name, partName) && !slices.ContainsFunc(keep, func(p Part) bool { return p.File == name }) {
			_ = s.fs.Remove(name)
		}
	}
}

// Reset removes all that a state has put into its folder, the state itself first.
func Reset(folder string, files FS) error {
	s := &Store{fs: files, folder: folder}
	names, err := files.Names()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.fault("read", err)
	}
	for _, name := range append([]string{current, previous, current + ".new", previous + ".new"}, names...) {
		if name != current && name != previous && name != KeyName && !strings.HasSuffix(name, partName) && !strings.HasSuffix(name, ".new") {
			continue
		}
		if err := files.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s.fault("remove", err)
		}
	}
	if err := files.Sync(); err != nil {
		return s.fault("remove", err)
	}
	return nil
}
