package state_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"bouncelog/internal/state"
	"bouncelog/internal/state/statetest"
)

// The key is made once, and stays what it is: after a power cut, a commit, and a way back.
func TestKey(t *testing.T) {
	m := statetest.New()
	s, _, _ := open(t, m)
	key, err := s.Key()
	if err != nil || len(key) < 32 {
		t.Fatalf("key of %d bytes, %v", len(key), err)
	}
	m = m.PowerCut(rand.New(rand.NewPCG(1, 1)))
	for n := range 2 {
		s, _, _ = open(t, m)
		if !s.New() && n == 0 {
			t.Error("a key is no state")
		}
		if err := commit(s, n+1); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Key(); err != nil || !bytes.Equal(key, again) {
			t.Errorf("the key has become another, %v", err)
		}
	}
	if s, err = state.OpenPrevious("/s", m); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(s.State(), nil); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Key(); err != nil || !bytes.Equal(key, again) {
		t.Errorf("the key has become another on the way back, %v", err)
	}
	if err := state.Reset("/s", m); err != nil {
		t.Fatal(err)
	}
	if names, _ := m.Names(); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
	s, _, _ = open(t, m)
	if again, err := s.Key(); err != nil || bytes.Equal(key, again) {
		t.Errorf("the key is that of before the reset, %v", err)
	}
}

// Wherever a run stops that makes the key, the next one makes another, or has the same.
func TestKeyInterrupted(t *testing.T) {
	for n := 1; ; n++ {
		m := statetest.New()
		s, _, _ := open(t, m)
		m.FailAt(n, syscall.ENOSPC)
		_, err := s.Key()
		if err == nil {
			if n == 1 {
				t.Error("nothing was done that could fail")
			}
			return
		}
		var e *state.Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "write state /s: ") && !strings.HasPrefix(err.Error(), "read state /s: ") {
			t.Errorf("step %d: %v", n, err)
		}
		m = m.PowerCut(rand.New(rand.NewPCG(1, uint64(n))))
		s, _, _ = open(t, m)
		first, err := s.Key()
		if err != nil {
			t.Fatalf("after step %d: %v", n, err)
		}
		if again, err := s.Key(); err != nil || !bytes.Equal(first, again) {
			t.Errorf("after step %d: another key, %v", n, err)
		}
	}
}

func TestKeyDamaged(t *testing.T) {
	m := statetest.New()
	s, _, _ := open(t, m)
	if _, err := s.Key(); err != nil {
		t.Fatal(err)
	}
	good, err := m.ReadFile(state.KeyName)
	if err != nil || !state.IsKey(good) {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":   "",
		"cut":     string(good[:len(good)-1]),
		"shorter": string(good[:len(good)-5]) + "\n",
		"longer":  string(good) + "x\n",
		"another": "secret secret secret secret secret\n",
		"one bit": string(good[:len(good)-2]) + string(good[len(good)-2]^1) + "\n",
	} {
		m.Put(state.KeyName, []byte(text))
		key, err := s.Key()
		var e *state.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), state.KeyName+" is damaged; bring it back") {
			t.Errorf("%s: key %q, %v", name, key, err)
		}
	}
}

// Nobody but its owner reads the key.
func TestKeyIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such rights")
	}
	dir := filepath.Join(t.TempDir(), "state")
	files := state.Folder(dir)
	if err := files.Prepare(); err != nil {
		t.Fatal(err)
	}
	s, err := state.Open(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Key(); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(dir, state.KeyName))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}

func FuzzParseKey(f *testing.F) {
	m := statetest.New()
	s, err := state.Open("/s", m)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := s.Key(); err != nil {
		f.Fatal(err)
	}
	good, err := m.ReadFile(state.KeyName)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("bouncelog redaction key 1\n\n\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if key, err := state.ParseKey(file); err == nil && !bytes.Contains(file, key) {
			t.Errorf("%q is not in %q", key, file)
		}
	})
}
