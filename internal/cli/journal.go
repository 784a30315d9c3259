package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"bouncelog/internal/source"
)

// A journal is journalctl as it prints what came after a cursor.
type journal struct {
	input  *source.Input
	cancel context.CancelFunc
	done   chan error // what became of it
	tail   *tail
	said   bytes.Buffer // on stderr
}

// maxSaid is how much of what journalctl says on stderr is kept.
const maxSaid = 4 << 10

// journalFields are those that lines are made of; the cursor and the time are always there.
const journalFields = "MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_PID,_HOSTNAME,_SOURCE_REALTIME_TIMESTAMP"

// openJournal starts journalctl. matches are FIELD=VALUE as it takes them; none: the facility mail.
func openJournal(ctx context.Context, cursor, folder string, matches []string) (*journal, error) {
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
	ctx, cancel := context.WithCancel(ctx)
	j := &journal{cancel: cancel, done: make(chan error, 1)}
	cmd := exec.CommandContext(ctx, "journalctl", append(args, matches...)...)
	cmd.Stderr = &limited{w: &j.said, left: maxSaid}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, &exitError{exitInput, fmt.Errorf("read the journal: %w; --journal takes journalctl of systemd", err)}
	}
	// All of its output is read before Wait closes the pipe.
	j.tail = &tail{r: out, atEnd: func() error {
		err := cmd.Wait()
		j.done <- err
		return err
	}}
	inputs, _, _ := source.Expand(nil, j.tail)
	j.input = inputs[0]
	j.input.Name, j.input.Named = "journal", false
	return j, nil
}

// end returns the cursor behind the last entry that was read, empty where there was none.
func (j *journal) end() (cursor string, err error) {
	defer j.cancel()
	select {
	case err = <-j.done:
	default:
		return "", errors.New("read the journal: not to its end; run it again")
	}
	if err != nil {
		return "", fmt.Errorf("read the journal: journalctl: %w: %s", err, strings.TrimSpace(j.said.String()))
	}
	return j.tail.cursor()
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

// A tail passes entries of the journal on and keeps the last whole one.
type tail struct {
	r     io.Reader
	atEnd func() error
	last  []byte // of those that are entries
	begun []byte // the line at hand
	long  bool   // of which no more is kept
	lost  bool   // last is not whole, either
	ended error
}

// maxEntry is how long the line of an entry may be: journald itself takes 768 MiB, and no MTA writes one of a mebibyte.
const maxEntry = 4 << 20

func (t *tail) Read(p []byte) (int, error) {
	if t.ended != nil {
		return 0, t.ended
	}
	n, err := t.r.Read(p)
	t.note(p[:n])
	if err == io.EOF {
		if e := t.atEnd(); e != nil {
			err = fmt.Errorf("journalctl: %w", e)
		}
	}
	t.ended = err
	return n, err
}

func (t *tail) note(p []byte) {
	i := bytes.LastIndexByte(p, '\n')
	if i < 0 {
		t.keep(p)
		return
	}
	from := bytes.LastIndexByte(p[:i], '\n') + 1
	line, long := p[from:i], false
	if from == 0 {
		line, long = append(t.begun, line...), t.long
	}
	if len(line) > 0 && line[0] == '{' { // else journalctl says something of itself
		t.last, t.lost = append(t.last[:0], line...), long
	}
	t.begun, t.long = t.begun[:0], false
	t.keep(p[i+1:])
}

// keep keeps the beginning of a line.
func (t *tail) keep(p []byte) {
	n := min(len(p), maxEntry-len(t.begun))
	t.begun, t.long = append(t.begun, p[:n]...), t.long || n < len(p)
}

// cursor returns that of the last entry.
func (t *tail) cursor() (string, error) {
	if t.lost || len(t.begun) > 0 {
		return "", errors.New("read the journal: its last entry is not whole; run it again")
	}
	if len(t.last) == 0 {
		return "", nil
	}
	var entry struct {
		Cursor string `json:"__CURSOR"`
	}
	if err := json.Unmarshal(t.last, &entry); err != nil || entry.Cursor == "" {
		return "", errors.New("read the journal: its last entry has no cursor; update systemd")
	}
	return entry.Cursor, nil
}
