package syslog

import (
	"strings"

	"bouncelog/parsers"
)

const (
	bom = "\uFEFF"
	esc = '\x1b'
)

// wrapped cuts a line that something other than syslog brought: the journal, docker, Kubernetes or a terminal tool. What
// is in the wrapping may have a header of its own, and that one tells more.
func (r *Reader) wrapped(l *parsers.Line, s string) bool {
	switch c := s[:min(1, len(s))]; {
	case c == "":
		return false
	case c == "{":
		return r.json(l, s)
	case c == "_":
		return r.export(l, s)
	case c == "-":
		for _, note := range journalNotes {
			if strings.HasPrefix(s, note) {
				return true
			}
		}
		return false
	}
	if n, _ := FrameLength(s); n > 0 {
		return r.header(l, s[strings.IndexByte(s, '<'):], outer{}, carriedHeader)
	}
	return r.containerd(l, s) || r.compose(l, s) || r.stern(l, s)
}

// maxFrame is how long a message is at most whose octets were counted.
const maxFrame = 1 << 20

// FrameLength returns the length of the message that s begins with, its count included, where a syslog connection's octets
// were counted: `LENGTH <PRI>MESSAGE` (RFC 6587 3.4.1). It may be longer than s. It is 0 where there is none; more says that
// s is too short to tell.
func FrameLength(s string) (n int, more bool) {
	i := 0
	for i < len(s) && i < len("1048576") && digit(s[i]) {
		n = n*10 + int(s[i]-'0')
		i++
	}
	switch {
	case i == len(s):
		return 0, true
	case i == 0 || s[0] == '0' || n > maxFrame || s[i] != ' ':
		return 0, false
	}
	head := i + 1
	switch s = s[head:]; {
	case s == "":
		return 0, true
	case s[0] != '<':
		return 0, false
	case priorityLength(s) > 0 && n > priorityLength(s):
		return head + n, false
	}
	return 0, len(s) < len("<191>") && priorityLength(s+">") > 0 || s == "<"
}

// payload cuts the line that a wrapper carried. It has the wrapper's time if no header tells another.
func (r *Reader) payload(l *parsers.Line, s string, out outer) {
	if !r.header(l, s, out, carriedHeader) {
		l.Time, l.Text = out.at, s
		bareTag(l)
	}
}

// bareTag takes off a tag that begins the text without a stamp and a host before it, as a mail system writes that has its
// container's output for a log: `postfix/smtp[22]: `. A program's name alone could be anybody's words.
func bareTag(l *parsers.Line) {
	var t tag
	if text := t.read(l.Text); t.slash && t.pid != "" && t.end == tagColonBlank {
		l.Tag, l.PID, l.Text = t.name, t.pid, text
	}
}

// runtimeTag reports whether a tag is that of a container runtime, whose messages are other programs' lines: docker's
// syslog driver writes `docker[32360]` or, by --log-opt tag, `docker/NAME[32360]`, and by default the container's id.
func runtimeTag(name string) bool {
	if strings.HasPrefix(name, "postfix/") { // the commonest, without a look at the rest
		return false
	}
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name = name[:i]
	}
	switch name {
	case "docker", "dockerd", "podman", "conmon", "containerd":
		return true
	}
	if len(name) != 12 && len(name) != 64 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !digit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// containerd cuts `2026-11-20T10:08:00.5Z stdout F LINE` (Kubernetes: CRI log format), and the stamp that
// `docker logs -t` and `kubectl logs --timestamps` put before a line if a header follows.
func (r *Reader) containerd(l *parsers.Line, s string) bool {
	m := &r.stamps[ownHeader]
	s, ok := m.read(s)
	if !ok || m.stamp.form != formISO || !m.stamp.zoned || !strings.HasPrefix(s, " ") {
		return false
	}
	at, _ := r.settle(m, outer{})
	out := outer{at, true}
	s = s[1:]
	if !strings.HasPrefix(s, "stdout ") && !strings.HasPrefix(s, "stderr ") {
		return r.header(l, s, out, innerHeader)
	}
	p, ok := cutStream(s)
	if ok {
		r.payload(l, p.Text, out)
	}
	return ok
}

// A Part is a line as a container runtime wrote it to its log, or one of several that the line was cut into.
type Part struct {
	Stream int    // that it was written to: 0 for stdout, 1 for stderr
	More   bool   // the next of the stream goes on with it
	Text   string // what the program wrote, the end of the line
}

// Streams is how many streams a container has.
const Streams = 2

// CutPart cuts what a container runtime put before a line (Kubernetes: CRI log format). It looks no closer at the stamp than it
// takes to tell that there is one.
func CutPart(raw string) (p Part, ok bool) {
	const shortest = len("2026-11-20T10:08:00Z")
	if len(raw) < shortest || raw[4] != '-' || raw[7] != '-' || raw[10] != 'T' || raw[13] != ':' {
		return p, false
	}
	n := strings.IndexByte(raw[:min(len(raw), 2*shortest)], ' ')
	if n < shortest {
		return p, false
	}
	return cutStream(raw[n+1:])
}

// cutStream cuts `stdout F LINE`. The first of the tags, which colons separate, says whether the line is full or partial.
func cutStream(s string) (p Part, ok bool) {
	s, ok = strings.CutPrefix(s, "std")
	switch {
	case !ok:
		return p, false
	case strings.HasPrefix(s, "err "):
		p.Stream = 1
	case !strings.HasPrefix(s, "out "):
		return p, false
	}
	tags, text, _ := strings.Cut(s[len("out "):], " ")
	kind, _, _ := strings.Cut(tags, ":")
	p.More, p.Text = kind == "P", text
	return p, p.More || kind == "F"
}

// compose cuts the `service-1  | ` of `docker compose logs`. Without a header behind it, a second bar makes it a table
// of somebody else's.
func (r *Reader) compose(l *parsers.Line, s string) bool {
	bar := strings.IndexByte(s[:min(len(s), 128)], '|')
	if bar < 2 || s[bar-1] != ' ' {
		return false
	}
	if !containerName(strings.TrimRight(s[:bar], " ")) {
		return false
	}
	line, ok := strings.CutPrefix(skipColour(s[bar+1:]), " ")
	if line = skipColour(line); !ok && line != "" {
		return false
	}
	if r.header(l, line, outer{}, carriedHeader) || r.containerd(l, line) {
		return true
	}
	l.Text = line
	return !strings.Contains(line, " |")
}

// stern cuts `pod container LINE` of stern(1), if LINE has a complete header.
func (r *Reader) stern(l *parsers.Line, s string) bool {
	for range 2 {
		end := strings.IndexByte(s[:min(len(s), 256)], ' ')
		if end < 0 {
			return false
		}
		name, colour, _ := strings.Cut(s[:end], "\x1b")
		if !containerName(name) || colour != "" && skipColour(s[len(name):end]) != "" {
			return false
		}
		s = skipColour(s[end+1:])
	}
	return r.header(l, s, outer{}, innerHeader) || r.containerd(l, s)
}

// containerName reports whether s may be the name of a container or a pod (RFC 1123 2.1; docker allows the underscore
// and capitals).
func containerName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != ""
}

// skipColour skips the colour codes at the start of s (ECMA-48 8.3.117).
func skipColour(s string) string {
	for strings.HasPrefix(s, "\x1b[") {
		i := 2
		for i < len(s) && (digit(s[i]) || s[i] == ';') {
			i++
		}
		if i == len(s) || s[i] != 'm' {
			break
		}
		s = s[i+1:]
	}
	return s
}
