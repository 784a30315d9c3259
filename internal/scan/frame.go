package scan

import (
	"fmt"
	"strings"

	"bouncelog/internal/source"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
)

// maxRecord is how long a record of several lines may be. One that is longer, or has no end, is not what its beginning
// says: its first line is malformed, and the next line begins a record.
const maxRecord = 1 << 20

// A cutter finds the first record of a text that begins where one may: text[start:end], a line end behind it included.
// What is before start separates records. False: there is not all of it; with atEnd, there is always something.
type cutter func(text string, atEnd bool) (start, end int, ok bool)

// cutterOf returns the cutter of a framing, nil for Lines.
func cutterOf(f parsers.Framing) cutter {
	switch f {
	case parsers.CSV:
		return cutRow
	case parsers.JSON:
		return cutObject
	}
	return nil
}

// cutRow finds a CSV record: it ends at the line end that an even number of quotes is before (RFC 4180 2).
func cutRow(text string, atEnd bool) (start, end int, ok bool) {
	quotes, first := 0, 0
	for end <= maxRecord {
		n := strings.IndexByte(text[end:], '\n') + 1
		if n == 0 {
			if !atEnd && len(text) <= maxRecord {
				return 0, 0, false
			}
			if (quotes+strings.Count(text[end:], `"`))%2 == 0 && len(text) <= maxRecord {
				return 0, len(text), true
			}
			break
		}
		quotes += strings.Count(text[end:end+n], `"`)
		end += n
		if quotes%2 == 0 {
			return 0, end, true
		}
		if first == 0 {
			first = end
		}
	}
	if first == 0 && !atEnd {
		return 0, 0, false // one long line
	}
	if first == 0 {
		first = len(text)
	}
	return 0, first, true
}

// cutObject finds a JSON object, whether objects stand one a line, one after another, or in an array (RFC 8259). Text
// that is no object is a record as far as its line goes.
func cutObject(text string, atEnd bool) (start, end int, ok bool) {
	for start < len(text) && isSeparator(text[start]) {
		start++
	}
	if start == len(text) {
		return start, start, atEnd && start > 0
	}
	if text[start] == '{' {
		n, broken := objectLength(text[start:min(len(text), start+maxRecord)])
		if n > 0 {
			// What separates it from the next one belongs to its line.
			for end = start + n; end < len(text) && isSeparator(text[end]); end++ {
				if text[end] == '\n' {
					return start, end + 1, true
				}
			}
			if end == len(text) && !atEnd {
				return 0, 0, false
			}
			return start, end, true
		}
		if !broken && !atEnd && len(text)-start < maxRecord {
			return 0, 0, false
		}
	}
	if line := strings.IndexByte(text[start:], '\n') + 1; line > 0 {
		return start, start + line, true
	}
	return start, len(text), atEnd
}

// cutEntry finds an entry of the journal's export format: fields, each of which may have line ends in it, up to a blank line.
// Text that is no field is a record as far as its line goes.
func cutEntry(text string, atEnd bool) (start, end int, ok bool) {
	for start < len(text) && text[start] == '\n' {
		start++
	}
	if start == len(text) {
		return start, start, atEnd && start > 0
	}
	for end = start; end-start <= maxRecord; {
		switch {
		case end == len(text) && atEnd:
			return start, end, true
		case end == len(text):
			return 0, 0, false
		}
		if text[end] == '\n' {
			return start, end + 1, true
		}
		_, _, n := syslog.CutField(text[end:], atEnd)
		if n == 0 && !atEnd && len(text)-start <= maxRecord {
			return 0, 0, false
		}
		if n <= 0 && end > start {
			return start, end, true // it breaks off
		}
		if n <= 0 {
			break
		}
		end += n
	}
	if line := strings.IndexByte(text[start:], '\n') + 1; line > 0 {
		return start, start + line, true
	}
	return start, len(text), atEnd
}

// cutFrame finds a message of a syslog connection whose octets were counted: `LENGTH <PRI>MESSAGE` (RFC 6587 3.4.1), a line end
// behind it included. Text that is none, or that another message or a line end does not follow, is a record as far as its line
// goes.
func cutFrame(text string, atEnd bool) (start, end int, ok bool) {
	for start < len(text) && text[start] == '\n' {
		start++
	}
	if start == len(text) {
		return start, start, atEnd && start > 0
	}
	n, more := syslog.FrameLength(text[start:])
	end = start + n
	switch whole := n > 0 && end < len(text); {
	case whole && text[end] == '\n':
		return start, end + 1, true
	case whole && text[end]-'0' < 10, n > 0 && end == len(text) && atEnd:
		return start, end, true
	case !whole && !atEnd && (n > 0 || more):
		return 0, 0, false
	}
	if line := strings.IndexByte(text[start:], '\n') + 1; line > 0 {
		return start, start + line, true
	}
	return start, len(text), atEnd
}

// objectLine returns the length of the first line of text, which ends at eol, its end included, where it looks like an object
// that has it for itself; zero where it does not. Whoever reads it finds out: nearly always it is so, and to look for the
// end of an object costs a third of what it takes to read it.
func objectLine(text string, eol int) int {
	if text[0] != '{' || eol < 2 || eol == len(text) || text[eol-1] != '}' && (text[eol-1] != '\r' || text[eol-2] != '}') {
		return 0
	}
	return eol + 1
}

func isSeparator(c byte) bool {
	return c == '\n' || c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '[' || c == ']'
}

// objectLength returns the length of the object that s begins with; zero where it has none, and then whether it is broken,
// so that more text would give it none either: in a log that was cut, an object may end within a string or a list.
func objectLength(s string) (n int, broken bool) {
	const maxDepth = 64
	var arrays uint64 // of the brackets open, the innermost in bit 0: is it a square one
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				switch s[i] {
				case '\\':
					i++
				case '\n':
					return 0, true
				}
			}
		case '{', '[':
			if depth == maxDepth || depth > 0 && !valueMayBegin(s[:i], arrays&1 != 0) {
				return 0, true
			}
			depth++
			arrays <<= 1
			if s[i] == '[' {
				arrays |= 1
			}
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, false
			}
			arrays >>= 1
		}
	}
	return 0, false
}

// valueMayBegin reports whether an object or array may follow before, within an array or an object.
func valueMayBegin(before string, array bool) bool {
	before = strings.TrimRight(before, " \t\r\n")
	switch before[len(before)-1] {
	case ':':
		return !array
	case ',', '[':
		return array
	}
	return false
}

// A framer cuts an input of records that are not lines. The records under each header have a parser of their own.
type framer struct {
	cut     cutter
	objects bool   // records are JSON
	size    int    // of a block, about
	single  bool   // one record is a block
	inside  bool   // the last block ended within a line
	header  string // how headers begin; empty: there are none that tell themselves
	columns bool   // the first record is one
	open    func(head string) (parsers.Parser, error)
	begun   bool
	now     *section
}

// A section is what the records under one header have in common.
type section struct {
	header string         // the record that names the columns; empty: none has
	parser parsers.Parser // nil: the input's own
	err    error          // why the header cannot be used
}

// A blockMark is what a block of records begins with.
type blockMark struct {
	section *section
	inside  bool // it begins on the line that a record before it ends on
}

// isHeader reports whether a record, which is neither empty nor the header at hand, names columns.
func (f *framer) isHeader(record string) bool {
	return f.header != "" && strings.HasPrefix(record, f.header) || f.columns && !f.begun
}

// Cut implements source.Framer.
func (f *framer) Cut(text string, atEnd bool) (n int, _ any) {
	n, now := f.records(text, atEnd)
	m := blockMark{now, f.inside}
	switch {
	case n > 0:
		f.inside = text[n-1] != '\n'
	case len(text) > maxRecord:
		f.inside = false // the line is given up
	}
	return n, m
}

// records returns how many bytes of text are whole records of one block, and what they stand under.
func (f *framer) records(text string, atEnd bool) (n int, _ *section) {
	headed := f.header != "" || f.columns
	if f.objects && !headed && !f.single {
		// A line end follows a brace and stands before one only between objects: within one or in an array there
		// would be a comma.
		if i := strings.LastIndex(text, "}\n{"); i >= len(text)/2 {
			return i + 2, f.now
		}
	}
	for n < len(text) && n < f.size {
		start, end, ok := f.cut(text[n:], atEnd)
		if !ok {
			break
		}
		if headed {
			if record := trimRecord(text[n+start : n+end]); record != "" {
				if record != f.now.header && f.isHeader(record) {
					if n > 0 {
						break // with it, another block begins
					}
					f.now = f.section(record)
				}
				f.begun = true
			}
		}
		if n += end; f.single {
			break
		}
	}
	return n, f.now
}

// Whole implements [source.Framer].
func (f *framer) Whole(text string) int {
	if f.objects {
		return wholeObjects(text)
	}
	return strings.LastIndexByte(text, '\n') + 1
}

// wholeObjects returns where the last of the objects ends that text begins with.
func wholeObjects(text string) (n int) {
	for i := 0; ; n = i {
		for i < len(text) && isSeparator(text[i]) {
			i++
		}
		if i == len(text) || text[i] != '{' {
			return n
		}
		k, _ := objectLength(text[i:min(len(text), i+maxRecord)])
		if k == 0 {
			return n
		}
		i += k
	}
}

// section opens a parser for the records under a header.
func (f *framer) section(header string) *section {
	s := &section{header: strings.Clone(header)}
	if s.parser, s.err = f.open(s.header); s.err != nil {
		s.err = &parsers.SyntaxError{Column: 1, Msg: fmt.Sprintf("the names of its columns cannot be used: %v", s.err)}
	}
	return s
}

var _ source.Framer = (*framer)(nil)

// trim takes what separates records off one.
func (f *framer) trim(s string) string {
	if !f.objects {
		return trimRecord(s)
	}
	for s != "" && isSeparator(s[0]) {
		s = s[1:]
	}
	return trimObject(s)
}

// trimObject takes what separates objects off one.
func trimObject(s string) string {
	s = strings.TrimPrefix(s, "\ufeff")
	if s == "" || s[0] != '{' {
		return trimRecord(s)
	}
	for s[len(s)-1] != '}' && isSeparator(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// trimRecord takes the line end, and at the start of a file the byte order mark, off a record.
func trimRecord(s string) string {
	s = strings.TrimPrefix(s, "\ufeff")
	s = strings.TrimSuffix(s, "\n")
	return strings.TrimSuffix(s, "\r")
}
