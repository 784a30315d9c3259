package postfix

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// cutQueueID cuts a queue id and the `: ` behind it from the front of s. Without an id there it returns s as it is.
//
// What passes is what Postfix lets pass (Postfix: global/mail_queue.c, mail_queue_id_ok), so that ids to which an
// anonymiser added letters do too; less the words that stand in the same place: `warning`, `NOQUEUE`, `TLSRPT`.
func cutQueueID(s string) (id, rest string) {
	i := idLen(s)
	if i == 0 || i+2 > len(s) || s[i] != ':' || s[i+1] != ' ' {
		return "", s
	}
	return s[:i], s[i+2:]
}

// isQueueID reports whether all of s is a queue id.
func isQueueID(s string) bool { return s != "" && idLen(s) == len(s) }

// idLen returns the length of the queue id that s begins with, 0 where it begins with none.
//
// A short id is upper-case hexadecimal, a long one begins with a digit until 2090 (its seconds are in base 52), so
// what has no digit and is not hexadecimal is a word.
func idLen(s string) int {
	i, seen := 0, idClass(0)
	for ; i < len(s); i++ {
		c := idClasses[s[i]]
		if c == 0 {
			break
		}
		seen |= c
	}
	if i < 5 || seen&idDigit == 0 && seen&idOther != 0 {
		return 0
	}
	return i
}

// An idClass is a set of kinds of byte in a queue id.
type idClass uint8

const (
	idDigit idClass = 1 << iota
	idHex           // A to F
	idOther
)

var idClasses = func() (t [256]idClass) {
	for c := range t {
		switch {
		case '0' <= c && c <= '9':
			t[c] = idDigit
		case 'A' <= c && c <= 'F':
			t[c] = idHex
		case 'G' <= c && c <= 'Z', 'a' <= c && c <= 'z', c == '_':
			t[c] = idOther
		}
	}
	return t
}()

// alphabet52 are the digits of a long queue id: no vowels, so no words (Postfix: global/mail_queue.h).
const alphabet52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"

// digits52 is the value of each digit of alphabet52, and -1.
var digits52 = func() (t [256]int8) {
	for i := range t {
		t[i] = int8(strings.IndexByte(alphabet52, byte(i)))
	}
	return t
}()

// isLongID reports whether the queue id tells when its message arrived (enable_long_queue_ids): six digits of seconds since
// the epoch, four of microseconds, a z, and the inode in base 51, which has no z.
func isLongID(id string) bool {
	if len(id) < 12 || id[10] != 'z' || strings.IndexByte(id[11:], 'z') >= 0 {
		return false
	}
	bad := int8(0)
	for i := range 10 {
		bad |= digits52[id[i]]
	}
	return bad >= 0
}

// arrival returns the second that the first six bytes of id, which is a long one, stand for.
func arrival(id string) parsers.Stamp {
	seconds := int64(0)
	for i := range 6 {
		seconds = seconds*52 + int64(digits52[id[i]])
	}
	return parsers.Stamp(seconds * 1e6)
}

// provenTime returns t in the year that the queue id proves, and zero where it proves none or the year that t has. Where
// there is nothing to be proven the id is not looked at further.
func (p *parser) provenTime(t parsers.Stamp, id string) parsers.Stamp {
	if len(id) < 12 || id[10] != 'z' {
		return 0
	}
	proven := fields.InProvenYear(t, arrival(id), p.location)
	if proven == 0 || !isLongID(id) {
		return 0
	}
	return proven
}
