package state

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
)

// KeyName is the file of a state's folder that has the secret by which its pseudonyms are made: two lines that say what it is
// and its checksum, and the secret. It belongs to no generation, so that it stays the same whatever becomes of a run, and
// when a state goes back to the one before.
const KeyName = "redact.key"

const keyMagic = "bouncelog redaction key 1\n"

// IsKey reports whether a file that begins with head is a [KeyName].
func IsKey(head []byte) bool { return bytes.HasPrefix(head, []byte(keyMagic)) }

// ParseKey returns the secret in a [KeyName].
func ParseKey(file []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(file, []byte(keyMagic))
	sum, secret, _ := bytes.Cut(rest, []byte("\n"))
	secret, whole := bytes.CutSuffix(secret, []byte("\n"))
	if !ok || !whole || string(sum) != sumOf(secret) {
		return nil, errors.New("its file " + KeyName + " is damaged")
	}
	return secret, nil
}

// Key returns the secret by which pseudonyms are made. It is made where there is none yet, and on the disk before it is used.
// The caller has the state's lock.
func (s *Store) Key() ([]byte, error) {
	file, err := s.fs.ReadFile(KeyName)
	switch {
	case err == nil:
		secret, err := ParseKey(file)
		if err != nil {
			return nil, &Error{s.folder, "read", err, "bring it back from a copy, or remove it: pseudonyms are others from then on"}
		}
		return secret, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, s.fault("read", err)
	}
	secret := []byte(rand.Text() + rand.Text())
	if err := s.replace(KeyName, fmt.Appendf(nil, "%s%s\n%s\n", keyMagic, sumOf(secret), secret)); err != nil {
		return nil, s.fault("write", err)
	}
	if err := s.fs.Sync(); err != nil {
		return nil, s.fault("write", err)
	}
	return secret, nil
}
