package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/internal/state"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

// redactFlags are the flags of commands that can write pseudonyms in place of addresses.
type redactFlags struct {
	level   string
	keyFile string
}

// add adds the flags; unless says what is done where the first is not given.
func (f *redactFlags) add(cmd *cobra.Command, unless string) {
	var levels []string
	for _, l := range report.Redactions() {
		levels = append(levels, string(l))
	}
	s := cmd.Flags()
	s.StringVar(&f.level, "redact", "", "write pseudonyms for `what`, in all outputs: "+strings.Join(levels, ", ")+" (default: "+unless+")")
	s.StringVar(&f.keyFile, "redact-key", "", "`file` with the secret that makes pseudonyms the same in every run (default: that of --state, else random)")
	complete(cmd, "redact", levels)
}

// check tells wrong values before anything is read.
func (f *redactFlags) check() error {
	if f.level != "" && !slices.Contains(report.Redactions(), report.Redaction(f.level)) {
		return usagef("--redact %q: give none, recipient or all", f.level)
	}
	if f.keyFile == "" {
		return nil
	}
	_, err := f.key()
	return err
}

// of returns what to redact in an output that is redacted by default, or not.
func (f *redactFlags) of(byDefault bool) report.Redaction {
	switch {
	case f.level != "":
		return report.Redaction(f.level)
	case byDefault:
		return report.RedactRecipient
	}
	return report.RedactNone
}

// maxKeyFile is more than any key needs. The file may be a device.
const maxKeyFile = 64 << 10

// key reads the key, without the end of its line.
func (f *redactFlags) key() ([]byte, error) {
	const advice = "make one with: head -c 32 /dev/urandom | base64 > FILE"
	file, err := os.Open(f.keyFile)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
		return nil, usagef("--redact-key %s: %w; %s", f.keyFile, err, advice)
	}
	defer file.Close()
	key, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && state.IsKey(key) {
		if key, err = state.ParseKey(key); err != nil {
			return nil, usagef("--redact-key %s: %w; bring it back from a copy", f.keyFile, err)
		}
	}
	key = bytes.TrimRight(key, "\r\n")
	switch {
	case err != nil:
		return nil, usagef("--redact-key %s: %w", f.keyFile, err)
	case len(key) > maxKeyFile:
		return nil, usagef("--redact-key %s: longer than %d bytes, which is no key; %s", f.keyFile, maxKeyFile, advice)
	case len(key) < report.MinRedactionKey:
		return nil, usagef("--redact-key %s: %d bytes are too few, give at least %d; %s", f.keyFile, len(key), report.MinRedactionKey, advice)
	}
	return key, nil
}

// redactor returns what redacts, at a level other than none. A key of this run alone is told to the user.
func (f *redactFlags) redactor(s *session, level report.Redaction, c *classify.Classifier) (*report.Redactor, error) {
	var key []byte
	var err error
	switch {
	case f.keyFile != "":
		key, err = f.key()
	case s.key != nil:
		key, err = s.key()
	default:
		key = []byte(rand.Text() + rand.Text())
		s.note("pseudonyms are of this run alone; --redact-key FILE makes them the same in every run")
	}
	if err != nil {
		return nil, err
	}
	x, err := report.NewRedactor(level, key, c)
	if err != nil {
		return nil, fmt.Errorf("redact: %w", err)
	}
	return x, nil
}
