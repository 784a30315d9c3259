// Package parsers is the contract between a log format and the rest of bouncelog, and the words both sides use.
//
// The way through the house is
//
//	source → syslog → parser → correlate → classify → tally → report → writer
//
// A [Parser] is the third step: a pure function from one line to the events it tells of. It keeps nothing between lines,
// so goroutines share it and lines may come in any order. What happened to a message over several lines is found out
// later, by joining events with the same host, instance and queue id; a parser that needs to remember a line is doing
// somebody else's work.
//
// Three things are kept apart everywhere, because mixing them is where other tools go wrong:
//
//   - said: what the remote server answered ([Reply]), or that nobody answered ([OriginLocal]);
//   - done: what our MTA made of it ([Status]);
//   - thought: what bouncelog makes of both (package classify).
//
// Zero means "the log did not say", in every field of every type here, unless the field's comment says otherwise.
package parsers
