package classify

import "strings"

// date returns the length of the date, time of day or both that s begins with, 0 for none: RFC 3339, RFC 5322 3.3, syslog,
// and 22/Nov/2026:10:08:00.
func date(s string) int {
	n := day(s)
	if n == 0 {
		return clock(s)
	}
	rest := n
	if rest+1 < len(s) && s[rest] == 'T' && class[s[rest+1]] == digit { // RFC 3339, and what servers take for it
		for n++; n < len(s) && (class[s[n]] == digit || s[n] == ':' || s[n] == '.' && n+1 < len(s) && class[s[n+1]] == digit); n++ {
		}
		if n < len(s) && s[n] == 'Z' {
			return n + 1
		}
		return n + zone(s[n:])
	}
	if rest < len(s) && strings.IndexByte(" :_", s[rest]) >= 0 {
		rest++
	}
	if c := clock(s[rest:]); c > 0 && rest > n {
		n = rest + c
		if n+4 < len(s) && s[n] == ' ' && count(s[n+1:]) == 4 && isYear(s[n+1:]) { // Mon Nov 22 10:08:00 2026
			n += 5
		}
	}
	return n
}

// day returns the length of the date that s begins with, without a time.
func day(s string) int {
	n := 0
	if len(s) > 4 && isOneOf(s, weekdays) && (s[3] == ',' || s[3] == ' ') {
		n = 4
		if s[n] == ' ' {
			n++
		}
	}
	d := count(s[n:])
	if d > 0 { // 2026-11-22, 22 Nov 2026
		p := n + d
		if p+1 >= len(s) {
			return 0
		}
		sep := s[p]
		if d == 4 && (sep == '-' || sep == '/') && isYear(s[n:]) {
			if m := count(s[p+1:]); m == 2 && p+3 < len(s) && s[p+3] == sep {
				if e := p + 6; count(s[p+4:]) == 2 && (e == len(s) || class[s[e]]&(digit|joiner) == 0) {
					return e
				}
			}
			return 0
		}
		if d > 2 || sep != ' ' && sep != '-' && sep != '/' || !isOneOf(s[p+1:], months) {
			return 0
		}
		p += 4
		if p+5 <= len(s) && s[p] == sep && count(s[p+1:]) == 4 {
			p += 5
		}
		return p
	}
	if n >= len(s) || !isOneOf(s[n:], months) { // Nov 22
		return 0
	}
	p := n + 3
	for p < len(s) && p < n+5 && s[p] == ' ' {
		p++
	}
	d = count(s[min(p, len(s)):])
	if p == n+3 || d == 0 || d > 2 {
		return 0
	}
	p += d
	if p < len(s) && class[s[p]]&(letter|wide|joiner|dot) != 0 {
		return 0
	}
	return p
}

// clock returns the length of the time of day that s begins with: 10:08, 10:08:00.123, with a zone.
func clock(s string) int {
	if len(s) < 4 || count(s) > 2 {
		return 0
	}
	n := count(s)
	if n == 0 || n >= len(s) || s[n] != ':' || count(s[n+1:]) != 2 {
		return 0
	}
	n += 3
	if n+2 < len(s) && s[n] == ':' && count(s[n+1:]) == 2 {
		n += 3
		if n+1 < len(s) && (s[n] == '.' || s[n] == ',') {
			if f := count(s[n+1:]); f > 0 {
				n += 1 + f
			}
		}
	}
	if n < len(s) && s[n] == 'Z' {
		n++
	} else if z := zone(s[n:]); z > 0 {
		n += z
	}
	if !ends(s[n:]) {
		return 0
	}
	return n
}

// zone returns the length of the numeric zone that s begins with, a blank before it and a name in parentheses behind it
// counted in: +01:00, ` -0800 (PST)`.
func zone(s string) int {
	n := 0
	if s != "" && s[0] == ' ' {
		n++
	}
	if n >= len(s) || s[n] != '+' && s[n] != '-' {
		return 0
	}
	n++
	switch d := count(s[n:]); {
	case d == 4:
		n += 4
	case d == 2 && n+2 < len(s) && s[n+2] == ':' && count(s[n+3:]) == 2:
		n += 5
	default:
		return 0
	}
	if strings.HasPrefix(s[n:], " (") {
		p := n + 2
		for p < len(s) && p < n+7 && 'A' <= s[p] && s[p] <= 'Z' {
			p++
		}
		if p > n+2 && p < len(s) && s[p] == ')' {
			n = p + 1
		}
	}
	return n
}

const (
	weekdays = "MonTueWedThuFriSatSun"
	months   = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// isOneOf reports whether s begins with one of the names of three letters, and no longer word.
func isOneOf(s, names string) bool {
	if len(s) < 3 || len(s) > 3 && class[s[3]] == letter {
		return false
	}
	i := strings.Index(names, s[:3])
	return i >= 0 && i%3 == 0
}

// isYear reports whether s begins with a year that a mail log can speak of.
func isYear(s string) bool { return strings.HasPrefix(s, "19") || strings.HasPrefix(s, "20") }

// count returns how many digits s begins with.
func count(s string) int {
	n := 0
	for n < len(s) && class[s[n]] == digit {
		n++
	}
	return n
}
