package state_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bouncelog/internal/state"
	"bouncelog/internal/state/statetest"
)

// open opens the state of a folder, and returns what its generation and its part say.
func open(t *testing.T, m *statetest.Memory) (s *state.Store, cursor, part string) {
	t.Helper()
	s, err := state.Open("/s", m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Part("open")
	if err != nil {
		t.Fatal(err)
	}
	return s, s.State().Cursor, string(b)
}

func commit(s *state.Store, n int) error {
	st := s.State()
	st.Cursor = fmt.Sprint(n)
	return s.Commit(st, map[string][]byte{"open": []byte(strings.Repeat(fmt.Sprint(n), 1000)), fmt.Sprint("day", n): []byte("x")})
}

// Whatever step of a commit fails, and however: the state is the one before or the one after, with its parts, and the next
// run goes on from there.
func TestCommitFails(t *testing.T) {
	want := func(n int) string { return strings.Repeat(fmt.Sprint(n), 1000) }
	for name, fault := range map[string]error{"killed": statetest.ErrKilled, "disk full": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			for _, power := range []bool{false, true} {
				for step, done := 1, false; !done; step++ {
					for seed := range uint64(5) {
						m := statetest.New()
						s, _, _ := open(t, m)
						for n := range 2 {
							if err := commit(s, n+1); err != nil {
								t.Fatal(err)
							}
						}
						m.FailAt(step, fault)
						err := commit(s, 3)
						done = m.Steps() < step
						if power {
							m = m.PowerCut(rand.New(rand.NewPCG(seed, uint64(step))))
						} else {
							m = m.Revive()
						}
						s, cursor, part := open(t, m)
						if cursor != "2" && cursor != "3" || part != want(len(cursor)+int(cursor[0]-'1')) {
							t.Fatalf("step %d, power cut %v: state %q with part %.5q", step, power, cursor, part)
						}
						if err == nil && cursor != "3" {
							t.Fatalf("step %d, power cut %v: what was committed is lost", step, power)
						}
						if err != nil && cursor != "2" && fault != statetest.ErrKilled && !power && step < m.Steps() {
							t.Fatalf("step %d: the commit failed with %v, the state is %s", step, err, cursor)
						}
						if err := commit(s, 4); err != nil {
							t.Fatal(err)
						}
						if _, cursor, part := open(t, m); cursor != "4" || part != want(4) {
							t.Fatalf("step %d: after it, state %q with part %.5q", step, cursor, part)
						}
						if prev, err := state.OpenPrevious("/s", m); err != nil || prev.State().Cursor != cursor {
							t.Fatalf("step %d: the one before is %q, %v; want %s", step, prev.State().Cursor, err, cursor)
						}
					}
				}
			}
		})
	}
}

// What neither the state nor the one before it needs does not stay.
func TestCommitCleans(t *testing.T) {
	m := statetest.New()
	s, _, _ := open(t, m)
	for n := range 5 {
		st := s.State()
		if err := s.Commit(st, map[string][]byte{"open": fmt.Append(nil, n)}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := m.Names()
	if got := fmt.Sprint(names); err != nil || got != "[open.4.part open.5.part state state.old]" {
		t.Errorf("%s, %v", got, err)
	}
	if err := s.Commit(s.State(), map[string][]byte{"open": nil}); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Part("open"); b != nil || err != nil {
		t.Errorf("a part that was taken out: %q, %v", b, err)
	}
	prev, err := state.OpenPrevious("/s", m)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := prev.Part("open"); string(b) != "4" || err != nil {
		t.Errorf("the part before: %q, %v", b, err)
	}
	if err := prev.Commit(prev.State(), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, part := open(t, m); part != "4" {
		t.Errorf("went back to %q", part)
	}
	if err := state.Reset("/s", m); err != nil {
		t.Fatal(err)
	}
	if names, _ := m.Names(); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
	if s, _, _ := open(t, m); !s.New() {
		t.Error("there is a state after the reset")
	}
}

func TestDamaged(t *testing.T) {
	m := statetest.New()
	s, _, _ := open(t, m)
	for n := range 2 {
		if err := commit(s, n+1); err != nil {
			t.Fatal(err)
		}
	}
	good, err := m.ReadFile("state")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		text string
		want string
	}{
		{"empty", "", "damaged"},
		{"cut", string(good[:len(good)-1]), "checksum"},
		{"one bit", strings.Replace(string(good), `"2"`, `"3"`, 1), "checksum"},
		{"newer", strings.Replace(string(good), "state 2", "state 3", 1), "a newer bouncelog wrote it"},
		{"older", strings.Replace(string(good), "state 2", "state 1", 1), "an older bouncelog wrote it"},
		{"another file", "root:x:0:0", "damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m.Put("state", []byte(tt.text))
			_, err := state.Open("/s", m)
			var e *state.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "read state /s: ") {
				t.Errorf("error %v", err)
			}
		})
	}
	m.Put("state", good)
	m.Put("open.2.part", []byte("something else"))
	if s, err = state.Open("/s", m); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Part("open"); err == nil || !strings.Contains(err.Error(), "open.2.part") {
		t.Errorf("a damaged part: %v", err)
	}
}

// The folder of the machine does what the double does.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	s, err := state.Open(dir, state.Folder(dir))
	if err != nil || !s.New() {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := commit(s, n+1); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = state.Open(dir, state.Folder(dir)); err != nil || s.State().Cursor != "3" {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if fi, err := e.Info(); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), fi.Mode())
		}
	}
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v", fi.Mode())
	}
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	if err := commit(s, 4); err == nil || !strings.Contains(err.Error(), "writable by the user who runs bouncelog") {
		t.Errorf("a folder that is read-only: %v", err)
	}
	if s, err = state.Open(dir, state.Folder(dir)); err != nil || s.State().Cursor != "3" {
		t.Errorf("the state was touched: %v", err)
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	unlock, err := state.Lock(t.Context(), dir, "report, process 17", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = state.Lock(t.Context(), dir, "another", 10*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "another run is using it: report, process 17; ") {
		t.Errorf("error %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := state.Lock(cancelled, dir, "another", time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	time.AfterFunc(100*time.Millisecond, unlock)
	unlock, err = state.Lock(t.Context(), dir, "another", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// Whatever is in the file, it is a state or an error that says so.
func FuzzOpen(f *testing.F) {
	m := statetest.New()
	s, err := state.Open("/s", m)
	if err != nil {
		f.Fatal(err)
	}
	st := s.State()
	st.Logs = []state.Log{{Marks: []state.Mark{{At: 10, Sum: 7}}, Read: 10, Lines: 1, Name: "mail.log", Done: []state.Packed{{Size: 5, Time: 6}}}}
	if err := s.Commit(st, map[string][]byte{"open": []byte("x")}); err != nil {
		f.Fatal(err)
	}
	good, err := m.ReadFile("state")
	if err != nil {
		f.Fatal(err)
	}
	_, body, _ := strings.Cut(string(good), "\n")
	_, body, _ = strings.Cut(body, "\n")
	f.Add(body, true)
	f.Add(string(good), false)
	f.Fuzz(func(t *testing.T, text string, sum bool) {
		if sum {
			text = fmt.Sprintf("bouncelog state %d\n%x\n%s", state.Version, sha256.Sum256([]byte(text)), text)
		}
		m := statetest.New()
		m.Put("state", []byte(text))
		s, err := state.Open("/s", m)
		var e *state.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T: %v", err, err)
		}
		if err != nil {
			return
		}
		for _, p := range s.State().Parts {
			if _, err := s.Part(p.Name); err != nil && !errors.As(err, &e) {
				t.Errorf("part: %T: %v", err, err)
			}
		}
		if _, errs := state.NewPlan(s.State().Logs, nil, time.Unix(0, 0)); len(errs) > 0 {
			t.Error(errs)
		}
		if err := s.Commit(s.State(), nil); err != nil && !errors.As(err, &e) {
			t.Error(err)
		}
	})
}
