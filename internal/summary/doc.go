// Package summary counts what events tell, and joins those of one message.
//
// A [Summary] describes one contiguous piece of log. It is a monoid: [Summary.Append] joins the piece that follows, and it
// does not matter how the log was cut into pieces or in which order neighbours were joined. Several cores, rotated files,
// saved states and snapshots of hosts are all this one operation, which is why the report is the same byte for byte however
// the input is read.
//
// A Summary has two parts. Counts are integers in tables; adding them up is commutative. The fringe is what the piece
// could not settle alone, by (host, instance, queue id): a message whose sender stands in an earlier piece, recipients
// still deferred at its end. For each queue id that is
//
//	prefix ─ events whose meaning depends on what came before the piece, in order
//	cut    ─ from here on the context is known: the piece saw a message begin, end, or fall silent for too long
//	open   ─ the state of the message that is under way at the end of the piece
//
// A message that begins and ends inside a piece is counted there, and leaves only the fact that its id was taken over.
//
// Keys, recipients and domains are known by 64-bit hashes (XXH64) of their names. With a million messages open, the chance
// that any new id meets a foreign one is 5e-14; ids are chosen by our own MTA, not by a stranger.
package summary
