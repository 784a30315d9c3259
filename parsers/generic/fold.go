package generic

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// fold tells the lines that belong to the one before: those that are indented and have no stamp of their own, and the rest
// of a reply. Behind a syslog header, where other programs' lines stand between, a blank too many says nothing, and only
// a reply that goes on is worth looking for the rest of it.
func fold(line *parsers.Line) parsers.Fold {
	s := line.Text
	bare := line.Tag == "" && line.Host == ""
	body := strings.TrimLeft(s, " \t")
	indent := len(s) - len(body)
	switch {
	case body == "":
		return parsers.Fold{}
	case indent > 1 || indent == 1 && (bare || s[0] == '\t'):
		if !beginsWithStamp(body) {
			return parsers.Fold{Piece: parsers.Middle, Text: body, Break: true}
		}
	case beginsWithCode(s) && strings.IndexByte(s, '@') < 0:
		return parsers.Fold{Piece: parsers.Middle, Text: s, Break: true}
	}
	if bare || goesOn(s) {
		return parsers.Fold{Piece: parsers.First, Text: s, Break: true}
	}
	return parsers.Fold{}
}

func beginsWithStamp(s string) bool {
	if _, _, ok := fields.Stamp(s, nil); ok {
		return true
	}
	_, ok := readDate(s, nil)
	return ok
}

// beginsWithCode reports whether s begins with a reply code and words behind it: `550-no`, `550 5.1.1 no`, but no
// `550-0100`.
func beginsWithCode(s string) bool {
	if len(s) < len("550 x") || codeOf(s) == 0 || s[3] != ' ' && s[3] != '-' {
		return false
	}
	if _, ok := parsers.ParseEnhanced(enhancedWord(s[4:])); ok {
		return true
	}
	return !isDigit(s[4])
}

// goesOn reports whether s has the first line of a reply of several.
func goesOn(s string) bool {
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], '-')
		if n < 0 {
			return false
		}
		if i += n; i > 3 && !isWord(s[i-4]) && beginsWithCode(s[i-3:]) {
			return true
		}
	}
}
