package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// compressionOf names the compression that the first bytes of an input announce; empty: none that we read.
func compressionOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")): // RFC 1952 2.3.1; 8 is deflate, the only method there is
		return Gzip
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")): // RFC 8878 3.1.1
		return Zstd
	case len(head) >= 4 && binary.LittleEndian.Uint32(head)&^0xf == 0x184d2a50: // RFC 8878 3.1.2: skippable frame
		return Zstd
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")): // xz-file-format 1.2.1 2.1.1.1
		return XZ
	case len(head) >= 10 && bytes.HasPrefix(head, []byte("BZh")) && '1' <= head[3] && head[3] <= '9':
		// bzip2 has no specification: `BZh`, the level, then the magic of a block or of the end (decimal digits of π
		// and its root). A line of text may well begin with the first half.
		if m := string(head[4:10]); m == "\x31\x41\x59\x26\x53\x59" || m == "\x17\x72\x45\x38\x50\x90" {
			return Bzip2
		}
	}
	return ""
}

// isUTF16 reports whether text begins with the byte order mark of UTF-16 (RFC 2781 3.2): so Exchange, hMailServer and
// PowerShell write.
func isUTF16(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
}

// gzipTime returns the time in a gzip header (RFC 1952 2.3.1 MTIME), zero where it has none.
func gzipTime(head []byte) time.Time {
	if len(head) < 8 {
		return time.Time{}
	}
	sec := binary.LittleEndian.Uint32(head[4:])
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(int64(sec), 0)
}

// A ForeignError says that an input is certainly no log.
type ForeignError struct {
	Name   string // of the input
	What   string // `a PNG image`
	Advice string // what to do; empty where there is nothing but to leave it out
}

func (e *ForeignError) Error() string {
	advice := e.Advice
	if advice == "" {
		advice = "leave it out"
	}
	return fmt.Sprintf("read %s: %s, not a log; %s", e.Name, e.What, advice)
}

// signatures are the files that lie about near logs, by their first bytes.
var signatures = []struct {
	offset int
	magic  string
	what   string
	advice string
	ref    string
}{
	{0, "\x89PNG\r\n\x1a\n", "a PNG image", "", "ISO/IEC 15948 5.2"},
	{0, "\xff\xd8\xff", "a JPEG image", "", "ITU-T T.81 B.1.1.3"},
	{0, "GIF8", "a GIF image", "", "GIF89a 17"},
	{0, "%PDF-", "a PDF document", "", "ISO 32000-1 7.5.2"},
	{0, "\x7fELF", "an ELF program", "", "ELF gABI 4.1"},
	{0, "PK\x03\x04", "a zip archive", "unpack it and name the logs in it", "APPNOTE 4.3.7"},
	{0, "PK\x05\x06", "an empty zip archive", "", "APPNOTE 4.3.16"},
	{257, "ustar", "a tar archive", "unpack it and name the logs in it", "POSIX pax, ustar interchange format"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and name the logs in it", "7zFormat.txt, signature header"},
	{0, "Rar!\x1a\x07", "a RAR archive", "unpack it and name the logs in it", "RAR 5.0 technote 5"},
	{0, "\x04\x22\x4d\x18", "an lz4 file", "decompress it first: lz4 -dc FILE | bouncelog report -", "lz4_Frame_format 1.6"},
	{0, "LZIP", "an lzip file", "decompress it first: lzip -dc FILE | bouncelog report -", "lzip manual 6"},
	{0, "\x89LZO\x00\r\n\x1a\n", "an lzop file", "decompress it first: lzop -dc FILE | bouncelog report -", "lzop: src/lzop.c"},
	{0, "\x1f\x9d", "a compress (.Z) file", "decompress it first: zcat FILE | bouncelog report -", "compress(1)"},
	{0, "SQLite format 3\x00", "an SQLite database", "", "sqlite.org/fileformat 1.3.1"},
	{12, "\x61\x15\x06\x00", "a Berkeley DB table", "", "Berkeley DB: dbinc/db_page.h, hash"},
	{12, "\x62\x31\x05\x00", "a Berkeley DB table", "", "Berkeley DB: dbinc/db_page.h, btree"},
	{0, "LPKSHHRH", "a systemd journal file", "have it printed: journalctl -o json --file FILE | bouncelog report -", "systemd: JOURNAL_FILE_FORMAT"},
	{0, "ElfFile\x00", "a Windows event log", "", "MS-EVEN6, evtx file header"},
	{0, "\x93BLSNAP\n", "a bouncelog snapshot", "it has counts and no lines: give it to report, check, compare or merge, or name the logs it was made of", "internal/snapshot"},
	{0, "\xd4\xc3\xb2\xa1", "a packet capture", "", "draft-ietf-opsawg-pcap 4"},
}

// foreign returns the error that says what an input is, where its first bytes prove that it is no log. They are looked at
// after decompression: a logo.png.gz is a PNG image.
func foreign(name string, head []byte) error {
	for _, s := range signatures {
		if len(head) > s.offset && bytes.HasPrefix(head[s.offset:], []byte(s.magic)) {
			return &ForeignError{name, s.what, strings.ReplaceAll(s.advice, "FILE", name)}
		}
	}
	if c := compressionOf(head); c != "" {
		return &ForeignError{name, c + " data compressed a second time", "decompress it once"}
	}
	if what := message(head); what != "" {
		return &ForeignError{name, what, "name the log of the mail server"}
	}
	if what := ours(head); what != "" {
		return &ForeignError{name, what + " that bouncelog wrote", "name the logs that it was made of"}
	}
	return nil
}

// ours says what of bouncelog's own begins with head; empty: nothing. Attempt records would be read by their shape, and
// count again what is in the log beside them.
func ours(head []byte) string {
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, "{ \t\r\n"), []byte("\n"))
	has := func(key string) bool { return bytes.Contains(first, []byte(key)) }
	switch {
	case !bytes.HasPrefix(head, []byte("{")):
	case has(`"schema": "bouncelog.`) || has(`"schema":"bouncelog.`):
		return "a report"
	case has(`"format":"`) && has(`"attempted":`) && has(`"kind":"`) && has(`"rule":"`) && has(`"line":`):
		return "a list of attempts"
	}
	return ""
}

// message says what kind of mail message (RFC 5322) begins with head; empty: it is none. Two fields that messages have tell
// a header from other text with colons in it; in a line of a syslog, a blank comes first.
func message(head []byte) string {
	known, report := 0, false
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if known > 0 && (line[0] == ' ' || line[0] == '\t') { // folded, RFC 5322 2.2.3
			report = report || isReport(line)
			continue
		}
		if bytes.HasPrefix(line, []byte("From ")) && known == 0 { // the separator of an mbox, RFC 4155
			known++
			continue
		}
		name, body, ok := bytes.Cut(line, []byte(":"))
		if !ok || bytes.ContainsAny(name, " \t") {
			break
		}
		switch strings.ToLower(string(name)) {
		case "return-path", "received", "delivered-to", "from", "to", "subject", "date", "message-id", "mime-version", "reply-to",
			"x-original-to", "dkim-signature", "authentication-results":
			known++
		case "content-type":
			known++
			report = report || isReport(body)
		}
	}
	switch {
	case known < 2:
		return ""
	case report:
		return "a bounce message (RFC 3464)"
	}
	return "a mail message (RFC 5322)"
}

// isReport reports whether s names the content type of a delivery status notification (RFC 3464 2, RFC 6522 3).
func isReport(s []byte) bool {
	s = bytes.ToLower(s)
	return bytes.Contains(s, []byte("multipart/report")) || bytes.Contains(s, []byte("delivery-status"))
}

// isBinary reports whether head does not look like text at all: one byte in twenty is a control character (one in ten is in
// random data) and no line is plain ASCII. Binaries without a signature, wtmp for one, look so. It is a guess, good enough to
// leave a file in a folder alone. NULs at the start say nothing: a log truncated under its writer begins with them.
func isBinary(head []byte) bool {
	head = bytes.TrimLeft(head, "\x00")
	controls, plain := 0, 0
	for _, c := range head {
		switch {
		case c == '\n' && plain >= 16:
			return false
		case c == '\n':
			plain = 0
		case c == '\t' || c == '\r' || ' ' <= c && c < 0x7f:
			plain++
		default:
			plain = -len(head) // not before the next line
			if c < ' ' && c != '\x1b' && c != '\b' && c != '\f' && c != '\v' {
				controls++
			}
		}
	}
	return plain < 16 && controls*20 > len(head)
}
