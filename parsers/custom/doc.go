// Package custom reads log formats that the user describes, in TOML (toml.io): logs of programs that write what their
// operators tell them to, and of all those that bouncelog does not know. The formats of some sending services are such
// descriptions too; they come with the program, in the folder formats, and are good examples.
//
// A definition is data. It runs nothing, its patterns are literals or RE2, and what it costs is bounded: 64 rules, 64
// values of a record, 4 KiB for a pattern, 256 KiB for a file.
//
// # A first definition
//
// For lines such as
//
//	Nov 22 10:00:04 mx1 acmed[77]: smtp-result id=4B1C to=<a@example.com> mx=mx.example.com[192.0.2.1] soft (451 4.7.1 Later)
//
// this is enough:
//
//	name = "acme"                  # as --input-format takes it: small letters, digits, hyphens
//	must = ["smtp-result "]        # a text that all lines of interest have
//
//	[[rule]]
//	dissect = 'smtp-result id=%{queue_id} to=<%{recipient}> mx=%{relay_host}[%{relay_ip}] %{res} (%{diagnostic...})'
//
//	[map]
//	status = { from = "res", table = { ok = "sent", soft = "deferred", hard = "bounced", ttl = "expired" } }
//
//	[[sample]]
//	line = 'Nov 22 10:00:04 mx1 acmed[77]: smtp-result id=4B1C to=<a@example.com> mx=mx.example.com[192.0.2.1] soft (451 4.7.1 Later)'
//	expect = { recipient = "a@example.com", status = "deferred", reply_code = 451, enhanced_code = "4.7.1" }
//
// `bouncelog formats learn FILE` proposes one, `bouncelog formats check FILE` runs its samples, `bouncelog formats` tells
// where definitions are looked for. A pattern alone does for a try: --log-format 'dissect to=<%{recipient}> %{diagnostic}'.
//
// # What becomes of a line
//
// A line is tried only if it holds one of the texts in must. Then the rules are tried, in the order of the file: the first
// that fits makes the record. A rule fits a line that holds its text (when), that its pattern matches, a dissection from the
// first byte to the last, and whose values are as it wants them. One whose record would say neither a recipient nor anything
// of a message does not fit either. Where no rule fits, the line is not of this format.
//
// A record with a recipient is a delivery attempt. One without, that has a queue_id and a sender or message_id, tells these
// of the message: attempts with the same queue_id get them. A rule that maps no recipient at all, but a status, makes
// attempts of unknown recipients.
//
// # Fields
//
// They are those of the attempt record (bouncelog attempts). Plain text: host, process, instance, queue_id, message_id,
// sender, recipient, original_recipient, relay_host, relay_ip, mta_status, diagnostic, job, source_ip. Addresses lose their
// angle brackets; a sender that is said to be empty is the null reverse-path.
//
//	time                    see below; without it, the time of the line's syslog header
//	status                  sent, deferred, bounced, expired, rejected (never attempted); by-code: as the codes tell
//	kind                    remote (it is, where nothing is said), local, internal, smarthost, connect, final, suppressed, async, probe
//	attempted               true or false; false by itself where status is rejected, or kind final or suppressed
//	origin                  who says so: remote, local, implied, provider; remote by itself where there is a reply code
//	reply_code              200 to 599; any other number is nobody's SMTP and not said
//	enhanced_code, dsn      5.1.1; of the reply, and of the MTA itself. Without a reply code the former counts as the latter
//	command                 RCPT TO, DATA, end of DATA, …
//	delay, xdelay           lengths of time, see below
//	attempt, retries        which attempt it is, or how many were before it
//	relay_port              a number
//
// What the diagnostic says need not be mapped: a reply that it begins with, behind `smtp;` or not, gives reply_code and
// enhanced_code, `(in reply to RCPT TO command)` at its end gives command, and where no status is mapped or the table does
// not know the word, the codes give it. So the least that a rule needs is recipient and diagnostic. A record that has no
// status by any of that is malformed, and shown by --verbose.
//
// enhanced, attempt_kind and code_origin are other names of enhanced_code, kind and origin. session_id, domain, vmta, pool, category,
// provider_code, direction, count, and what begins with extra., may be mapped and are not kept.
//
// # Keys at the top
//
//	name      = "acme"
//	short     = "Acme's delivery log"    # for bouncelog formats
//	framing   = "line"                   # line, csv, w3c, json: how records are cut
//	must      = ["smtp-result "]         # texts of which a line has at least one; none: every line is tried
//	prefix    = "auto"                   # what stands before the text that the rules are for
//	timezone  = "Europe/Berlin"          # of times without a zone; else that of --tz
//	tags      = ["acmed"]                # syslog programs whose lines are this format's, whatever is in them
//
// With prefix = "auto", headers of syslog, journald, docker and Kubernetes are taken off. "none" leaves the line as it is. A
// pattern such as '%{time:rfc3339} %{host} ' says what the line begins with; its values are each rule's too, and its last
// slot, if no text follows it, ends at a blank.
//
// # Rules
//
//	[[rule]]
//	when    = "event=final"     # a text that the line has, or a list of which it has one
//	when    = { event = ["bounce", "drop*"], type = "*" }   # or values, and what each must be; * stands for any text
//	dissect = '…'               # lines only; or
//	regex   = '…'               # lines only; or
//	parse   = "logfmt"          # lines only
//	ignore  = true              # known, and about something else
//	const   = { kind = "smarthost" }
//	map     = { … }             # as [map], for this rule; it counts before that
//
// Where there is but one rule, its keys may stand at the top.
//
// dissect is a pattern of literal text and slots. A slot takes what stands before the text that follows it, up to where that
// comes first; the last one takes the rest.
//
//	%{queue_id}            the value called queue_id: it goes to the field of that name, or where [map] says
//	%{time:epoch_ms}       with a way to read it, as in [map]
//	%{status|map:res}      the value called res; [map] tells how it becomes the status
//	%{_} %{} %{?note}      not kept
//	%{host->}              the text behind it may come several times: columns that blanks pad
//	%{diagnostic...}       takes as much as it can: what follows is looked for from the end of the line
//
// A slot that is the time may have in it what ends it: %{time} takes `2026-11-22 10:00:00`, and %{time:strptime:…} as much as its
// layout does.
//
// Use the last one for the reply, before anything: whatever a remote server puts into its text, the fields behind it are
// read from the end.
//
// regex is an RE2 expression (github.com/google/re2/wiki/Syntax); its named groups, (?P<recipient>…), are the values. It costs
// ten to thirty times as much as a dissection, so it is run only on lines that hold the text of when or, without that, the
// longest literal text in it that every match has.
//
// parse = "logfmt" makes a value of each key=value, key="value" and key='value'.
//
// # Map
//
//	[map]
//	recipient  = "to"                                                # a field, and the value that it comes from
//	diagnostic = ["raw_reason", "reason"]                            # the first of several that is not empty
//	time       = { from = "ts", as = "epoch_ms" }
//	status     = { from = "res", table = { ok = "sent" }, default = "by-code" }
//
// With a table, what is done to the value, in this order: blanks around it go; strip_prefix = "smtp;" (a text or several)
// takes off the first of them that it begins with, in any case; first_token = true keeps what stands before the first blank;
// strip = "<>" takes these characters off both ends; split = "," makes of a recipient several. Then table has what each value
// stands for, where * in the key stands for any text and \* for a star; keys without a star count first. What is in no row
// stands for itself, and what is no word of the field for nothing. default is for values in no row, and where there is none.
// Without from, the value has the field's own name. * and \* are the same in when.
//
// as tells how a time is written: rfc3339 (also with a blank for the T and without zone), epoch, epoch_float, epoch_ms, tai64n,
// or strptime: and a format of strptime(3), with %f for a fraction: "strptime:%d/%b/%Y:%H:%M:%S %z". It has to have a year;
// stamps of syslog, which have none, are read by prefix = "auto". Without as, a time is ISO or a number, of seconds up to
// eleven digits and of milliseconds beyond. Of a length of time: seconds, ms, HH:MM:SS (also 2+03:04:05), 1d2h (also 1m2.5s, as
// Go writes them: go), or duration, which is any of them, a plain number being seconds; so it is without as.
//
// [const] is as in a rule, for all that no rule and no map says otherwise.
//
// # JSON
//
// Objects may stand one a line, one after another, or in an array. Values are named by their paths.
//
//	framing = "json"
//	[json]
//	root    = "msys.message_event"           # paths begin here; with $. in front they begin at the top
//	unwrap  = ["event-data", "items"]        # keys under which the record may be wrapped: an object, an array of them, a string
//	explode = "bounce.recipients"            # an array: each element makes a record, and paths into it mean that element
//	[map]
//	recipient = "bounce.recipients.address"
//	time      = { from = "$.timestamp", as = "rfc3339" }
//
// A dot that is part of a key has a backslash before it. null is no value. Of an array the first element counts; of a recipient
// each. Where records are wrapped in strings, leave the quotes out of must: there, they have backslashes.
//
// # CSV and W3C
//
//	framing = "csv"
//	[csv]
//	delimiter = ";"              # one character; a comma if not given
//	header    = true             # the first record names the columns; so it is without columns
//	columns   = ["time", "rcpt"] # their names; with header = true, those that the header begins with
//	comment   = "#"              # rows that begin so are skipped
//	quote     = "\""             # "" where quotes are text
//
// Values are named by their columns. Columns named here go to the fields of their names, as slots do; those of a header do
// only by [map]. An empty cell says nothing. With framing = "w3c" the columns are those of the latest #Fields: line, a hyphen
// says nothing, and the delimiter is that of the header: a comma, a tab or a blank.
//
// # Join
//
// What several lines tell of one delivery, other than by queue_id as above, is put together by a key:
//
//	[join]
//	key         = "session"                  # a field or a value
//	remember    = ["recipient", "relay_host"]
//	on          = "diagnostic"               # the field or value that makes the record complete
//	forget_when = "closed"                   # a text at which the key is forgotten
//
// A record with the key that says something to be remembered changes what is known of it. One that is complete takes from that
// what it lacks. Some 65,000 keys are kept, the latest.
//
// # Detection and samples
//
//	[detect]
//	contains  = ["smtp-result "]   # texts of which a line has one
//	columns   = ["rcpt"]           # of CSV and W3C
//	min_ratio = 0.5                # the share of the lines that must be of the format
//
// Without it a file is taken for this format as far as its rules fit the first lines.
//
//	[[sample]]
//	line   = '…'
//	expect = { recipient = "a@example.com", status = "bounced", reply_code = "" }
//
// A sample is a line with all that stands before it, a record, or where a join or a header needs it several lines. expect has
// fields and what they are, "" for what is not said; a list has one table for each record, and an empty one says that the line
// is known and tells of no attempt. A definition without a sample works, but check does not take it for good.
//
// # How it works
//
// document.go reads TOML, define.go compiles it; parser.go reads lines, by rule.go, dissect.go and json.go, and mapping.go makes
// fields of what they find; join.go remembers, check.go runs samples, learn.go and shape.go propose.
package custom
