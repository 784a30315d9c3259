// Package suppress decides which addresses to stop mailing, from the stream of attempt records: those of whom the server of
// their own domain, or DNS, said that nobody is there. It stands after package summary, which joins what the log says of a
// message, and package classify, which says whose fault a failure was.
//
// All doubt is in favour of the address. A list that misses a dead one costs a bounce; one that names a live one costs its
// owner the mail.
package suppress
