// Package statetest has a file system that fails when it is told to, for tests of what keeps a state.
package statetest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
)

// ErrKilled is the error of everything that is done after the process is dead.
var ErrKilled = errors.New("killed")

// A Memory is a folder in memory. It knows what would be left after a power cut: the contents of files up to their last
// Sync, and the names that they had at the folder's.
type Memory struct {
	mu      sync.Mutex
	names   map[string]*node
	durable map[string]*node
	renames []func(map[string]*node) // since the folder was synced, in order

	steps int // done so far
	stop  int // the step that fails, from 1; zero: none
	err   error
	dead  bool // all after it fails, too
}

type node struct{ text, synced []byte }

// New returns an empty folder.
func New() *Memory { return &Memory{names: map[string]*node{}, durable: map[string]*node{}} }

// FailAt lets the n-th step from now, from 1, fail with an error; with ErrKilled, all steps after it too. A write that
// fails has written a part.
func (m *Memory) FailAt(n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps, m.stop, m.err, m.dead = 0, n, err, false
}

// Steps returns how many steps were done since FailAt.
func (m *Memory) Steps() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.steps
}

// step counts a step and says whether it fails.
func (m *Memory) step() error {
	m.steps++
	if m.dead {
		return ErrKilled
	}
	if m.steps == m.stop {
		m.dead = m.err == ErrKilled
		return m.err
	}
	return nil
}

// PowerCut returns what is on the disk after a power cut: of what was not synced, as much as r says. The folder's changes
// come back in order; of a file's text, any beginning.
func (m *Memory) PowerCut(r *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := maps.Clone(m.durable)
	for _, do := range m.renames[:r.IntN(len(m.renames)+1)] {
		do(names)
	}
	after := New()
	for _, name := range slices.Sorted(maps.Keys(names)) { // in order, for r to say the same each time
		n := names[name]
		text := slices.Clone(n.synced)
		if len(n.text) > len(n.synced) {
			text = slices.Clone(n.text[:len(n.synced)+r.IntN(len(n.text)-len(n.synced)+1)])
		}
		after.names[name] = &node{text, text}
	}
	after.durable = maps.Clone(after.names)
	return after
}

// Revive returns what a new process finds after the old one was killed: all that was written.
func (m *Memory) Revive() *Memory {
	m.FailAt(0, nil)
	return m
}

// Put puts a file there, as nobody but a test would.
func (m *Memory) Put(name string, text []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names[name] = &node{text, text}
	m.durable[name] = m.names[name]
}

// Prepare implements state.FS.
func (m *Memory) Prepare() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.step()
}

// ReadFile implements state.FS. It is no step: it changes nothing.
func (m *Memory) ReadFile(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, ErrKilled
	}
	n := m.names[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(n.text), nil
}

func (m *Memory) change(do func(map[string]*node)) {
	do(m.names)
	m.renames = append(m.renames, do)
}

// Create implements state.FS.
func (m *Memory) Create(name string) (interface {
	io.WriteCloser
	Sync() error
}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return nil, err
	}
	n := new(node)
	m.change(func(names map[string]*node) { names[name] = n })
	return &file{m, n}, nil
}

// Rename implements state.FS.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	if m.names[from] == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	m.change(func(names map[string]*node) {
		names[to] = names[from]
		delete(names, from)
	})
	return nil
}

// Remove implements state.FS.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	if m.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.change(func(names map[string]*node) { delete(names, name) })
	return nil
}

// Names implements state.FS.
func (m *Memory) Names() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, ErrKilled
	}
	return slices.Sorted(maps.Keys(m.names)), nil
}

// Sync implements state.FS.
func (m *Memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	m.durable, m.renames = maps.Clone(m.names), nil
	return nil
}

type file struct {
	m *Memory
	n *node
}

func (f *file) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.step(); err != nil {
		if !errors.Is(err, ErrKilled) || len(p) > 0 {
			f.n.text = append(f.n.text, p[:len(p)/2]...)
		}
		return len(p) / 2, err
	}
	f.n.text = append(f.n.text, p...)
	return len(p), nil
}

func (f *file) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.step(); err != nil {
		return err
	}
	f.n.synced = slices.Clone(f.n.text)
	return nil
}

func (f *file) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.m.step()
}
