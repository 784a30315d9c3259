package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"bouncelog/internal/source"
)

// A journal is what journalctl printed of the entries after a cursor.
//
// Note: it lies in a file, and is not read as it comes: so history can cut it at midnight, and the cursor is that of the last
// entry that was read whatever journald writes meanwhile.
type journal struct {
	file   *os.File
	input  *source.Input // nil: there are no new entries
	cursor string        // behind the last entry; empty: there are none
	said   string        // by journalctl, of itself
}

// maxSaid is how much of what journalctl says on stderr is kept.
const maxSaid = 4 << 10

// journalFields are those that lines are made of; the cursor and the time are always there.
const journalFields = "MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME,_SOURCE_REALTIME_TIMESTAMP"

// openJournal has journalctl print what came after a cursor into a file that nobody else can read, in a folder of ours. matches
// are FIELD=VALUE as journalctl takes them; none: the facility mail.
func openJournal(ctx context.Context, cursor, folder string, matches []string, ours string) (j *journal, err error) {
	args := []string{"--no-pager", "--output=json", "--all", "--output-fields=" + journalFields}
	if folder != "" {
		args = append(args, "--directory="+folder)
	}
	if cursor != "" {
		args = append(args, "--after-cursor="+cursor)
	}
	if len(matches) == 0 {
		matches = []string{"SYSLOG_FACILITY=2"} // mail, RFC 5424 6.2.1
	}
	const temporary = "journal.*.new"
	left, _ := filepath.Glob(filepath.Join(ours, temporary))
	for _, name := range left { // by runs that were killed
		os.Remove(name)
	}
	j = new(journal)
	if j.file, err = os.CreateTemp(ours, temporary); err != nil {
		return nil, writeError(ours, err)
	}
	opened := j
	defer func() {
		if err != nil {
			opened.close()
			err = &exitError{exitInput, fmt.Errorf("read the journal: %w", err)}
		}
	}()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "journalctl", append(args, matches...)...)
	cmd.Stdout, cmd.Stderr = j.file, &limited{w: &said, left: maxSaid}
	err = cmd.Run()
	j.said = strings.TrimSpace(said.String())
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w; --journal takes journalctl of systemd", err)
	case err != nil:
		return nil, fmt.Errorf("journalctl: %w: %s", err, j.said)
	}
	fi, err := j.file.Stat()
	if err != nil {
		return nil, err
	}
	if j.cursor, err = lastCursor(j.file, fi.Size()); j.cursor == "" || err != nil {
		return j, err
	}
	again := repeated(j.file, fi.Size(), cursor)
	if again == fi.Size() {
		j.cursor = ""
		return j, nil
	}
	inputs, _, errs := source.Expand([]string{j.file.Name()}, nil)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	b, err := inputs[0].Beginning()
	if err != nil {
		return nil, err
	}
	j.input = inputs[0].Part(b.Span(again))
	j.input.Name, j.input.Named = "journal", false
	return j, nil
}

// close removes the file.
func (j *journal) close() {
	j.file.Close()
	os.Remove(j.file.Name())
}

// limited writes no more than so many bytes, and drops the rest.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.w.Write(p[:min(len(p), l.left)])
	l.left -= n
	if err != nil {
		return n, err
	}
	return len(p), nil
}

// maxEntry is how long the last entry may be: no MTA writes one of a mebibyte.
const maxEntry = 4 << 20

// repeated returns the length of the first entry in a file of a size where that is the one with the cursor after which was asked
// for: journalctl prints it again where journal files contradict each other's clocks.
func repeated(f io.ReaderAt, size int64, cursor string) int64 {
	if cursor == "" {
		return 0
	}
	b := make([]byte, min(size, maxEntry))
	n, _ := f.ReadAt(b, 0)
	end := bytes.IndexByte(b[:n], '\n') + 1
	var entry journalEntry
	if json.Unmarshal(b[:end], &entry) != nil || entry.Cursor != cursor {
		return 0
	}
	return int64(end)
}

// A journalEntry is what is looked at of an entry in journalctl's JSON.
type journalEntry struct {
	Cursor string `json:"__CURSOR"`
}

// lastCursor returns the cursor of the last entry in a file of a size, empty where there is none.
func lastCursor(f io.ReaderAt, size int64) (string, error) {
	from := max(0, size-maxEntry)
	b := make([]byte, size-from)
	if _, err := f.ReadAt(b, from); err != nil && err != io.EOF {
		return "", err
	}
	text, ended := bytes.CutSuffix(b, []byte("\n"))
	text = text[bytes.LastIndexByte(text, '\n')+1:]
	switch {
	case size == 0 || ended && !bytes.HasPrefix(text, []byte("{")) && from == 0: // `-- No entries --`
		return "", nil
	case !ended:
		return "", errors.New("its last entry is not whole; run it again")
	}
	var entry journalEntry
	if err := json.Unmarshal(text, &entry); err != nil || entry.Cursor == "" {
		return "", errors.New("its last entry has no cursor, or is longer than 4 MiB; update systemd")
	}
	return entry.Cursor, nil
}
