package classify

import (
	"cmp"
	"net/netip"
	"strings"

	"bouncelog/parsers"
)

// AttemptOf makes an attempt of a diagnostic, as a bounce message or the log of any MTA has it, and of what else is known of
// it: fields of known that are not zero are kept. What the diagnostic tells besides is added: the reply with its codes, the
// server, the command that was answered, and what our MTA did, by the class of the codes. Origin stays unknown where the
// text settles nothing; [Session.SettleOrigin] asks the rules then.
//
// The text is never cut, only taken out of what a mail system put around it: Diagnostic has all of it.
func AttemptOf(diagnostic string, known parsers.Attempt) parsers.Attempt {
	a := known
	text := strings.TrimSpace(diagnostic)
	kind := ""
	if kind, text = cutType(text); kind != "" && kind != "smtp" && kind != "lmtp" && strings.HasPrefix(text, "smtp;") {
		kind, text = cutType(text)
	}
	text = unquote(decodeQmail(text))
	a.Diagnostic = text
	given := a.Reply
	a.Reply = parsers.Reply{}

	d := unwrap(text)
	switch {
	case d.remote:
		a.Origin = cmp.Or(a.Origin, parsers.OriginRemote)
	case d.local, kind == "x-postfix", kind == "x-unix", kind == "unix", kind == "local", kind == "x-local", kind == "dns":
		a.Origin = cmp.Or(a.Origin, parsers.OriginLocal)
	case kind == "smtp", kind == "lmtp", given.Code != 0:
		a.Origin = cmp.Or(a.Origin, parsers.OriginRemote)
	}
	a.NotAttempted = a.NotAttempted || d.suspended
	if a.DSN.IsZero() {
		a.DSN = loggedDSN(text)
	}
	a.Command = cmp.Or(a.Command, d.command)
	if a.RelayHost == "" && a.RelayIP == "" {
		a.RelayHost, a.RelayIP = d.host, d.ip
	}
	if a.Origin != parsers.OriginLocal {
		a.Reply = d.reply
		if a.Reply.Text == "" {
			a.Reply.Text = text
		}
		takeCodes(&a.Reply, given, d.guessed)
		if a.Reply.Enhanced.IsZero() && a.Reply.Code == 0 {
			a.Reply.Enhanced = leadingEnhanced(a.Reply.Text)
		}
	} else {
		a.Reply.Code, a.Reply.Enhanced = given.Code, given.Enhanced // sendmail quotes itself in the shape of a reply
		if a.DSN.IsZero() && given.Code == 0 {
			a.DSN = cmp.Or(given.Enhanced, d.reply.Enhanced, leadingEnhanced(text), taggedEnhanced(text))
		}
	}
	if a.Status == 0 {
		a.Status = statusOf(&a)
	}
	return a
}

// takeCodes fills in the codes that are known and that the reply does not begin with. Where the lines of a reply bear
// different codes, a log joins them with blanks, and only its writer knew which one counts; and a reply that was merely found
// somewhere in a text gives way, too.
func takeCodes(r *parsers.Reply, given parsers.Reply, guessed bool) {
	if given.Enhanced[2] >= 900 { // 5.0.910: made up by a program that sorts bounces
		given.Enhanced = parsers.EnhancedCode{}
	}
	lines := len(r.Text) > 3 && r.Text[3] == '-' && strings.Contains(r.Text, given.Code.String())
	switch {
	case r.Code == 0:
		r.Code = given.Code
	case given.Code != 0 && given.Code != r.Code && (lines || guessed):
		r.Code, r.Enhanced = given.Code, given.Enhanced
	}
	if r.Enhanced.IsZero() {
		r.Enhanced = given.Enhanced
	}
}

// statusOf says what an MTA makes of a reply where the log does not say. Without a code nothing is known.
func statusOf(a *parsers.Attempt) parsers.Status {
	switch cmp.Or(a.Reply.Code.Class(), a.Reply.Enhanced.Class(), a.DSN.Class()) {
	case parsers.Success:
		return parsers.StatusSent
	case parsers.Transient:
		return parsers.StatusDeferred
	case parsers.Permanent:
		return parsers.StatusBounced
	}
	return 0
}

// SettleOrigin says whose words a diagnostic without a reply code is, where [AttemptOf] does not know: our MTA's where a
// rule about MTAs' own diagnoses decides and no word that servers use does, a server's otherwise.
func (s *Session) SettleOrigin(a *parsers.Attempt) {
	if a.Origin != parsers.OriginUnknown {
		return
	}
	if c := s.Explain(a); a.Reply.Code == 0 && a.Diagnostic != "" && (c.Rule == nil || c.Rule.tier > TierStrong) {
		local := *a
		local.Origin, local.DSN, local.Reply = parsers.OriginLocal, cmp.Or(a.DSN, a.Reply.Enhanced, taggedEnhanced(a.Diagnostic)), parsers.Reply{}
		if c := s.Explain(&local); c.Rule != nil && c.Rule.tier == TierLocal {
			*a = local
			return
		}
	}
	a.Origin = parsers.OriginRemote
}

// cutType cuts the type from the front of a Diagnostic-Code field (RFC 3464 2.3.6): `smtp; 550 …`. Types are atoms of a
// registry, or begin with X-; any other word before a semicolon is the server's.
func cutType(s string) (kind, rest string) {
	word, rest, ok := strings.Cut(s, ";")
	if !ok || len(word) > len("x-outbound-mail-relay")+8 || strings.ContainsAny(word, " \t\r\n<:") {
		return "", s
	}
	switch kind = lowerASCII(word); {
	case kind == "smtp", kind == "lmtp", kind == "esmtp", kind == "unix", kind == "dns", kind == "local", kind == "http", kind == "rfc822", strings.HasPrefix(kind, "x-"), strings.HasPrefix(kind, "x_"):
		return kind, strings.TrimSpace(rest)
	}
	return "", s
}

// unquote takes off quotes and brackets around the whole of a text.
func unquote(s string) string {
	for len(s) > 2 {
		i := strings.IndexByte(`"'([`, s[0])
		if i < 0 || s[len(s)-1] != `"')]`[i] || strings.IndexByte(s[1:len(s)-1], s[0]) >= 0 || strings.IndexByte(s[1:len(s)-1], `"')]`[i]) >= 0 {
			break
		}
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// decodeQmail makes words of qmail-send's log again, which has an underscore for every blank and a slash for a line end
// (notqmail: qmail-send.c).
func decodeQmail(s string) string {
	answered := strings.Contains(s, "Remote_host_said:")
	if !answered && (strings.IndexByte(s, ' ') >= 0 || !strings.Contains(s, "_") || !strings.HasSuffix(s, "/")) {
		return s
	}
	for _, at := range []string{"Remote_host_said:", "Giving_up_on_", "I'm_not_going_to_try_again"} {
		s = strings.Replace(s, "/"+at, "\n"+at, 1)
	}
	return strings.TrimSpace(strings.ReplaceAll(strings.TrimSuffix(s, "/"), "_", " "))
}

// A told is what a diagnostic tells.
type told struct {
	reply         parsers.Reply
	remote, local bool // whose words it is, where it is sure
	guessed       bool // the reply stands where none need be
	suspended     bool // the MTA waits because of what it was told before
	command       parsers.Command
	host, ip      string
}

// A wrapper is how a mail system writes that a server answered.
type wrapper struct {
	text    string // in lower case
	server  bool   // the server's name may stand right before it
	command string // what the name of the command ends with, which comes right after the text; empty: there is none
	step    parsers.Command
}

// wrappers are in the order in which they are looked for: what wraps another comes first.
var wrappers = []wrapper{
	// Exim: src/transports/smtp.c, check_response. Before 4.76 it said mailer. The server stands before it in bounce
	// messages, and after it in logs.
	{text: "smtp error from remote mail server after ", server: true, command: ":"},
	{text: "smtp error from remote mailer after ", server: true, command: ":"},
	{text: "lmtp error after ", server: true, command: ":"},
	// Postfix: smtp/smtp_proto.c, smtp/smtp_sasl_glue.c.
	{text: " refused to talk to me: ", server: true, step: parsers.CONNECT},
	{text: " refused to start tls: ", server: true, step: parsers.STARTTLS},
	{text: " said: ", server: true},
	// Momentum, and mailers like it.
	{text: " did not like our ", server: true, command: ":"},
	// notqmail: qmail-remote.c.
	{text: "remote host said: "},
	// sendmail and its likes quote the dialogue.
	{text: "<<< "},
	// Exchange, Google, SES and others, in bounce messages.
	{text: "it responded as follows: "},
	{text: "remote server returned: "},
	{text: "remote server returned "},
	{text: "the response from the remote server was: "},
	{text: "the error that the other server returned was: "},
	{text: "the response was: "},
	{text: "server response: "},
	{text: "smtp response: "},
	{text: "smtp reply: "},
	{text: "smtp error: "},
	{text: "reply="},
	{text: "stat=deferred: "},
	{text: "stat="},
	{text: "deferred: "},
	{text: "error_code :"},
	{text: "error message below: "},
}

// phrases are words of other MTAs that tell the command, in lower case.
var phrases = []struct {
	text    string
	command parsers.Command
}{
	{" does not like recipient", parsers.RCPTTO}, // these: notqmail: qmail-remote.c
	{" but greeting failed", parsers.CONNECT},
	{" but my name was rejected", parsers.HELO},
	{" but sender was rejected", parsers.MAILFROM},
	{" failed on data command", parsers.DATA},
	{" failed after i sent the message", parsers.EndOfDATA},
	{"(error following rcpt command)", parsers.RCPTTO}, // Netscape Messaging Server
	{"(error following mail command)", parsers.MAILFROM},
	{"(error following data command)", parsers.EndOfDATA},
	{"while performing the ehlo handshake", parsers.EHLO}, // these: Postfix: smtp/smtp_trouble.c
	{"while performing the helo handshake", parsers.HELO},
	{"while performing the lhlo handshake", parsers.LHLO},
	{"while receiving the starttls response", parsers.STARTTLS},
	{"while sending mail from", parsers.MAILFROM},
	{"while sending rcpt to", parsers.RCPTTO},
	{"while sending data command", parsers.DATA},
	{"while sending message body", parsers.EndOfDATA},
	{"while sending end of data", parsers.EndOfDATA},
	{"[rcpt_to]", parsers.RCPTTO}, // mail.ru's and others' qmail
	{"[mail_from]", parsers.MAILFROM},
	{"[data]", parsers.EndOfDATA},
}

// ownWords begin what an MTA says where no server answered: they are sure, whatever stands in the rest. What is less sure is
// the rules' to tell.
var ownWords = []string{
	// Postfix: smtp/smtp_connect.c, smtp/smtp_trouble.c, dns/dns_lookup.c, smtp/smtp_addr.c, local/unknown.c, global/pipe_command.c.
	"connect to ", "lost connection with ", "conversation with ", "host or domain name not found. name service error",
	"name service error for name=", "unable to look up host ", "unknown user: \"", "command died with s", "command time limit exceeded",
	// Exim: src/route.c, src/deliver.c, src/retry.c.
	"unrouteable address", "unroutable address", "retry timeout exceeded", "all relevant mx records point to non-existent hosts",
	"lowest numbered mx record points to local host", "host lookup did not complete",
	// notqmail: qmail-remote.c, qmail-local.c.
	"sorry, i couldn't find any host", "sorry, i wasn't able to establish an smtp connection", "sorry, no mailbox here by that name",
	"sorry. although i'm listed as a best-preference mx",
}

// unwrap finds the reply in a diagnostic.
func unwrap(text string) (d told) {
	text = d.cutReplyTo(text)
	low := lowerASCII(text)
	rest := low
	if i := strings.Index(rest, ">: "); i > 0 && rest[0] == '<' && strings.IndexByte(rest[:i], ' ') < 0 {
		rest = rest[i+3:] // a bounce message names the recipient first
	}
	rest, d.suspended = strings.CutPrefix(rest, "delivery temporarily suspended: ")
	from := len(low) - len(rest)
	for _, own := range ownWords {
		if strings.HasPrefix(rest, own) || strings.HasPrefix(rest, "mail for ") && strings.Contains(rest, " loops back to myself") {
			d.local = true
			d.findStep(low)
			d.setServer(serverAfter(text[from+len(own):]))
			return d
		}
	}
	if r, ok := findReplyAt(text, 0); ok {
		d.reply, d.remote = r, true
		d.findStep(low)
		return d
	}
	found := false
	for i := range wrappers {
		w := &wrappers[i]
		at := strings.Index(low, w.text)
		if at < 0 {
			continue
		}
		end := at + len(w.text)
		one := d
		if w.command != "" {
			stop := commandEnd(text, end)
			if stop < 0 {
				continue
			}
			one.command = cmp.Or(one.command, commandOf(text[end:stop]))
			end = stop + 1
		}
		one.command = cmp.Or(one.command, w.step)
		if w.text == "<<< " {
			one.command = cmp.Or(one.command, commandBefore(text[:at]))
		}
		answer := strings.TrimLeft(text[end:], " \t\r\n")
		if w.server {
			one.setServer(serverBefore(text[:at]))
		}
		if server, after, ok := hostBefore(answer); ok {
			one.setServer(serverBefore(server))
			answer = after
		}
		answer = unquote(answer)
		r, ok := findReplyAt(answer, 0)
		if !ok && strings.HasPrefix(w.text, "stat=") {
			continue // sendmail's own words
		}
		if !ok && !w.server && w.text != "remote host said: " {
			continue
		}
		if !ok {
			r = parsers.Reply{Text: answer}
		}
		one.reply, one.remote = cutEnd(r), true
		d, found = one, true
		break
	}
	d.findStep(low)
	if !found {
		if r, ok := quotedReply(text); ok {
			d.reply, d.remote, d.guessed = r, true, true
			d.reply.Text = text
		}
	}
	return d
}

// cutReplyTo cuts Postfix's ` (in reply to RCPT TO command)` from the end of a text.
func (d *told) cutReplyTo(text string) string {
	const open = "(in reply to "
	i := strings.LastIndex(text, open)
	if i < 0 {
		return text
	}
	name, rest, ok := strings.Cut(text[i+len(open):], ")")
	if !ok {
		name, rest = text[i+len(open):], ""
	}
	command := parsers.ParseCommand(name)
	if command == parsers.NoCommand || strings.HasPrefix(rest, " said") { // that one quotes another server's words
		return text
	}
	d.command = command
	if strings.Trim(rest, " .)\r\n") != "" {
		return text // it stands within other words
	}
	return strings.TrimRight(text[:i], " ")
}

func (d *told) findStep(low string) {
	if d.command != parsers.NoCommand {
		return
	}
	for _, p := range phrases {
		if strings.Contains(low, p.text) {
			d.command = p.command
			return
		}
	}
}

// findReplyAt reads the reply that a text begins with, also where a colon follows its code: `550: …`.
func findReplyAt(text string, at int) (parsers.Reply, bool) {
	s := text[at:]
	if r, ok := parsers.ParseReply(s); ok {
		if again, ok := parsers.ParseStrictReply(s[min(4, len(s)):]); ok && again.Code == r.Code && r.Enhanced.IsZero() {
			r.Enhanced = again.Enhanced // `550 550 5.1.1 …`: whoever passed it on put the code in front
		}
		return r, true
	}
	if strings.HasPrefix(s, ": ") {
		return findReplyAt(s, 2)
	}
	if len(s) > 4 && beginsCode(s) && (s[3] == ':' || s[3] == ',' || s[3] == ';' || s[3] == '\t') {
		r, ok := parsers.ParseReply(s[:3] + " " + strings.TrimLeft(s[4:], " "))
		r.Text = s
		return r, ok
	}
	return parsers.Reply{}, false
}

// cutEnd cuts what qmail writes after the reply, which is a line of its own.
func cutEnd(r parsers.Reply) parsers.Reply {
	if i := strings.LastIndex(r.Text, "Giving up on "); i > 0 && len(r.Text)-i < 60 {
		r.Text = strings.TrimSpace(r.Text[:i])
	}
	return r
}

// quotedReply finds the first reply in a text that no wrapper tells: three digits where a reply can begin, after a colon, a
// semicolon, a bracket, a quote or at the begin of a line, that an enhanced code of the same class follows; or right after
// a colon or in quotes.
func quotedReply(text string) (parsers.Reply, bool) {
	for i := 1; i+4 < len(text); i++ {
		if c := text[i]; c != '4' && c != '5' || !beginsCode(text[i:]) {
			continue
		}
		before := strings.TrimRight(text[:i], " \t")
		if before == "" {
			continue
		}
		r, ok := findReplyAt(text, i)
		if inner := strings.TrimLeft(text[i+4:], "'\"<(["); !ok || len(inner) < len(text)-i-4 { // `550-'5.1.1 …'`
			r, ok = parsers.ParseReply(text[i:i+3] + " " + inner)
			ok = ok && (text[i+3] == ' ' || text[i+3] == '-')
		}
		if !ok {
			continue
		}
		same := !r.Enhanced.IsZero() && r.Enhanced.Class() == r.Code.Class()
		if same && strings.HasSuffix(before, " error") { // IronPort
			return r, true
		}
		switch before[len(before)-1] {
		case ':', '"', '\'', '[', '#', '\n':
			return r, true
		case ';', '(', '<', '>', ',', '.':
			if same {
				return r, true
			}
		}
	}
	return parsers.Reply{}, false
}

// commandEnd returns where the colon stands that ends the name of a command and its arguments, -1 where there is none:
// `RCPT TO:<a@example.com>: host`, `end of data: `.
func commandEnd(text string, from int) int {
	for i := from; i < len(text) && i < from+600; i++ {
		switch text[i] {
		case '<':
			if end := strings.IndexByte(text[i:], '>'); end > 0 {
				i += end
			}
		case ':':
			if next := strings.TrimLeft(text[i+1:], " "); next != "" && next[0] == '<' && hasCommandName(text[from:i]) {
				continue
			}
			return i
		}
	}
	return -1
}

func hasCommandName(s string) bool {
	s = lowerASCII(s)
	return strings.HasSuffix(s, "rcpt to") || strings.HasSuffix(s, "mail from")
}

// commandOf reads the name of a command.
func commandOf(s string) parsers.Command {
	c, _ := ParseStep(strings.TrimSpace(s))
	return c
}

// ParseStep reads a step of the SMTP dialogue as people, logs and rules write it: `RCPT TO`, `rcpt`, `CONN`, `eom`.
func ParseStep(s string) (parsers.Command, bool) {
	if c := parsers.ParseCommand(s); c != parsers.NoCommand {
		return c, true
	}
	low := lowerASCII(s)
	if commands := phaseNames[low]; len(commands) > 0 {
		return commands[0], true
	}
	switch low {
	case "conn", "banner", "greeting":
		return parsers.CONNECT, true
	case "body", "data-end", "enddata", "end-of-data", "end_of_data", "content", "dot":
		return parsers.EndOfDATA, true
	case "rcpt_to", "rcptto":
		return parsers.RCPTTO, true
	case "mail_from", "mailfrom":
		return parsers.MAILFROM, true
	}
	for _, name := range []string{"rcpt to", "mail from", "end of data", "ehlo", "helo", "lhlo", "data"} {
		if strings.HasPrefix(low, name) {
			return parsers.ParseCommand(name), true
		}
	}
	return parsers.NoCommand, false
}

// commandBefore returns the command of the last line of a dialogue, `>>> RCPT TO:<a@example.com>`.
func commandBefore(text string) parsers.Command {
	i := strings.LastIndex(text, ">>> ")
	if i < 0 {
		return parsers.NoCommand
	}
	return commandOf(strings.TrimSpace(text[i+4:]))
}

func (d *told) setServer(host, ip string) {
	if d.host == "" && d.ip == "" {
		d.host, d.ip = host, ip
	}
}

// serverBefore reads the server's name at the end of a text: `host mx.example.com[192.0.2.1]`, `mx.example.com [192.0.2.1]`.
func serverBefore(text string) (host, ip string) {
	text = strings.TrimRight(text, " \t\r\n:")
	if strings.HasSuffix(text, "]") {
		if i := strings.LastIndexByte(text, '['); i >= 0 {
			if addr, ok := address(text[i+1 : len(text)-1]); ok {
				return hostName(lastWord(text[:i])), addr
			}
		}
	}
	word := lastWord(text)
	if addr, ok := address(word); ok {
		return "", addr
	}
	return hostName(word), ""
}

// serverAfter reads the server's name at the begin of a text.
func serverAfter(text string) (host, ip string) {
	name, rest, ok := strings.Cut(text, "[")
	if !ok || strings.ContainsAny(name, " \t") {
		return "", ""
	}
	addr, _, ok := strings.Cut(rest, "]")
	if addr, isIP := address(addr); ok && isIP {
		return hostName(name), addr
	}
	return "", ""
}

// hostBefore cuts Exim's `host mx.example.com [192.0.2.1]: ` from the front of an answer.
func hostBefore(s string) (server, rest string, ok bool) {
	name, found := strings.CutPrefix(s, "host ")
	if !found {
		return "", s, false
	}
	i := strings.Index(name, "]: ")
	if i < 0 || i > 320 {
		return "", s, false
	}
	return name[:i+1], name[i+3:], true
}

func lastWord(s string) string {
	s = strings.TrimRight(s, " \t\r\n")
	return s[strings.LastIndexAny(s, " \t\r\n:;(")+1:]
}

func address(s string) (string, bool) {
	s = strings.TrimPrefix(s, "IPv6:")
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.String(), true
	}
	return "", false
}

// hostName returns s where it can be the name of a server.
func hostName(s string) string {
	s = strings.Trim(s, "<>()[]\"',.")
	if strings.IndexByte(s, '.') < 0 || strings.ContainsAny(s, "@/\\ ") || isIP(s) {
		return ""
	}
	return s
}

// loggedDSN returns the value of dsn=, as Postfix and sendmail log it beside what was said.
func loggedDSN(text string) parsers.EnhancedCode {
	i := strings.Index(text, "dsn=")
	if i < 0 || i > 0 && text[i-1] != ' ' {
		return parsers.EnhancedCode{}
	}
	value, _, _ := strings.Cut(text[i+len("dsn="):], ",")
	e, _ := parsers.ParseEnhanced(value)
	return e
}

// leadingEnhanced returns the enhanced code that a text without a reply code begins with: `5.1.0 - Unknown address error`.
func leadingEnhanced(text string) parsers.EnhancedCode {
	text = strings.TrimLeft(text, "#(")
	word := text[:len(text)-len(strings.TrimLeft(text, "0123456789."))]
	e, _ := parsers.ParseEnhanced(strings.TrimRight(word, "."))
	return e
}

// taggedEnhanced returns the last of qmail's `(#5.1.1)` in a text.
func taggedEnhanced(text string) parsers.EnhancedCode {
	i := strings.LastIndex(text, "(#")
	if i < 0 {
		return parsers.EnhancedCode{}
	}
	code, _, _ := strings.Cut(text[i+2:], ")")
	e, _ := parsers.ParseEnhanced(code)
	return e
}
