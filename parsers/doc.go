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
//
// # Adding a format
//
// First ask whether it needs a program: a log whose every delivery stands in one record can be described in a TOML file
// (package parsers/custom; `bouncelog formats learn FILE` writes the beginning of one). A format that needs more is a
// folder parsers/NAME with a function Format, and one line in package parsers/all. Nothing else is opened; a whole one, in
// one file, is in parsers/all/testdata/acme.
//
//  1. Get real logs, and if you can, the source that writes them: what is written in which order, what is escaped, what is
//     cut, which parts a stranger chooses. [Format.Evidence] says honestly what the knowledge rests on.
//  2. Say how the log is told from others. [Format.Tags] are its syslog programs: lines of mixed files find their format
//     by them. Files without syslog headers are told by [Format.Sniff], strictly: it looks for the grammar, never for one
//     word. [Sample.Ratio] does most of it.
//  3. Say how records are cut. One a line needs nothing. [Format.Framing] is for CSV with line ends in quotes and for JSON
//     in all its arrangements; [Format.Header] and [Format.Columns] for rows under headers; [Format.Fold] for pieces of a
//     record between which other lines stand.
//  4. Write the [Parser]. Cut from left to right; never search a line for a key that a recipient or a server could write.
//     Replies go through [ParseReply], codes through [ParseEnhanced], commands through [ParseCommand], senders through
//     [Sender]. A line of the format about something else gives nothing, a stranger's gives [ErrForeign], a broken one
//     what [Line.Malformed] returns.
//  5. Choose the events. What a line says of one recipient is [Attempted], with [Event.Sender] where the line has it. What
//     other lines say of the message, [Accepted], [Named], [Queued], [Removed] and so on, is joined to it by
//     [Event.QueueID], later and by others. Only where that cannot say it, as in the transcript of a dialogue, the parser
//     gives [Part] events, and [Format.Join] a [Joiner] that sees them in order.
//  6. Test it: a table of lines, a whole log against a golden file, a fuzz target, a benchmark (package
//     parsers/parsertest has what these have in common). Then read the ledger of a report on a log that the parser was not
//     written against: what is unrecognised or malformed there is what is missing.
package parsers
