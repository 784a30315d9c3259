// Package all lists the formats that bouncelog reads.
package all

import (
	"bouncelog/parsers"
	"bouncelog/parsers/courier"
	"bouncelog/parsers/custom"
	"bouncelog/parsers/dma"
	"bouncelog/parsers/exchangesmtpsend"
	"bouncelog/parsers/exchangetracking"
	"bouncelog/parsers/exim"
	"bouncelog/parsers/generic"
	"bouncelog/parsers/haraka"
	"bouncelog/parsers/hmailserver"
	"bouncelog/parsers/kerio"
	"bouncelog/parsers/kumomta"
	"bouncelog/parsers/maddy"
	"bouncelog/parsers/mailenable"
	"bouncelog/parsers/momentum"
	"bouncelog/parsers/msmtp"
	"bouncelog/parsers/opensmtpd"
	"bouncelog/parsers/postfix"
	"bouncelog/parsers/powermta"
	"bouncelog/parsers/qmail"
	"bouncelog/parsers/sendmail"
	"bouncelog/parsers/ses"
	"bouncelog/parsers/stalwart"
	"bouncelog/parsers/zonemta"
)

// Formats returns every built-in format, in the order in which they are listed and, where two are as sure of an input,
// preferred.
func Formats() []parsers.Format {
	return append([]parsers.Format{
		postfix.Format(),
		exim.Format(),
		sendmail.Format(),
		opensmtpd.Format(),
		kumomta.Format(),
		qmail.Format(),
		momentum.Format(),
		dma.Format(),
		courier.Format(),
		powermta.Format(),
		ses.Format(),
		exchangetracking.Format(),
		exchangesmtpsend.Format(),
		hmailserver.Format(),
		mailenable.Format(),
		kerio.Format(),
		msmtp.Format(),
		stalwart.Format(),
		haraka.Format(),
		maddy.Format(),
		zonemta.Format(),
		generic.Format(),
	}, custom.Formats()...)
}
