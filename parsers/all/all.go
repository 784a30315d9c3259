// Package all lists the formats that bouncelog reads.
package all

import (
	"bouncelog/parsers"
	"bouncelog/parsers/kumomta"
	"bouncelog/parsers/opensmtpd"
	"bouncelog/parsers/postfix"
	"bouncelog/parsers/sendmail"
)

// Formats returns every built-in format, in the order in which they are listed and, where two are as sure of an input,
// preferred.
func Formats() []parsers.Format {
	return []parsers.Format{
		postfix.Format(),
		sendmail.Format(),
		opensmtpd.Format(),
		kumomta.Format(),
	}
}
