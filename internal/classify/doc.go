// Package classify turns what was said and what was done into what bouncelog thinks of an attempt.
//
// It has the cause of a failed attempt by rules, which are data ([Session.Explain], [Rule]), the class of an attempt by its
// codes ([ClassOf]), the registries of reply codes and enhanced status codes (RFC 5321 4.2, RFC 3463, RFC 5248), the domain
// an address counts under ([Domain], [RegistrableDomain]) and the template a diagnostic counts under ([AppendTemplate]).
//
// Everything here is a pure function of its arguments; the tables are never written to.
package classify
