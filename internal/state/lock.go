package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const lockName = "lock"

// Lock keeps other runs away from a state until unlock is called. Where another one has the lock, it waits for so long, and
// then returns an [*Error] that says who it is. me is what others are told, on one line.
//
// The lock is the operating system's (flock): that of a process that was killed is gone with it.
func Lock(ctx context.Context, path, me string, wait time.Duration) (unlock func(), err error) {
	s := &Store{fs: Folder(path), folder: path}
	if err := s.fs.Prepare(); err != nil {
		return nil, s.fault("make", err)
	}
	name := filepath.Join(path, lockName)
	l := flock.New(name, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	ok, err := l.TryLock()
	if err == nil && !ok {
		ok, err = l.TryLockContext(limited, 50*time.Millisecond)
	}
	switch {
	case ctx.Err() != nil:
		l.Close()
		return nil, ctx.Err()
	case ok:
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, s.fault("lock", err)
	default:
		return nil, &Error{path, "lock", errors.New(holder(name)), "wait for its end, or give it time with --state-wait"}
	}
	// Not being able to say who we are is no reason not to run.
	_ = os.WriteFile(name, []byte(strings.ReplaceAll(me, "\n", " ")+"\n"), 0o600)
	return func() { l.Close() }, nil
}

// holder says who has a lock.
func holder(name string) string {
	const unknown = "another run is using it"
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unknown
	}
	who, _, _ := strings.Cut(string(b), "\n")
	if who == "" {
		return unknown
	}
	return fmt.Sprintf("another run is using it: %.200s", who)
}
