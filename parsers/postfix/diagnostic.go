package postfix

import (
	"math"
	"strings"

	"bouncelog/parsers"
)

// A template is one of the texts in which smtp and lmtp tell of a server, `host[address]`. What of the text the server wrote
// itself is behind the words in answer.
type template struct {
	prefix string // the text begins so
	server string // the words before the server's name; empty: it comes right after prefix
	bare   bool   // the server may stand without its address
	answer string // the words between the server's name and its answer
	stage  string // the words between the server's name and the step at which the dialogue broke

	command parsers.Command
	try     bool // the text also stands behind a queue id alone, for a server that did not decide the attempt
}

// templates are the texts, the commonest first; of two that begin alike, the longer.
var templates = [...]template{
	{prefix: "host ", answer: " said: ", try: true},                                                  // smtp/smtp_proto.c, smtp_loop
	{prefix: "host ", answer: " refused to talk to me: ", try: true},                                 // smtp/smtp_proto.c, smtp_helo
	{prefix: "connect to "},                                                                          // smtp/smtp_connect.c
	{prefix: "lost connection with ", stage: " while ", try: true},                                   // smtp/smtp_trouble.c, smtp_stream_except
	{prefix: "conversation with ", stage: " timed out while ", try: true},                            // the same
	{prefix: "local data error while talking to ", try: true},                                        // the same
	{prefix: "message size ", server: " of server "},                                                 // smtp/smtp_proto.c, smtp_xfer
	{prefix: "TLS is required, but was not offered by host ", try: true},                             // smtp/smtp_proto.c, smtp_helo
	{prefix: "SMTPUTF8 is required, but was not offered by host ", try: true},                        // the same, before 3.8
	{prefix: "message requires SMTPUTF8, but no ", server: " last attempted server was ", try: true}, // smtp/smtp_proto.c

	{prefix: "TLS is required, but host ", answer: " refused to start TLS: ", command: parsers.STARTTLS, try: true},
	{prefix: "Sender requested REQUIRETLS, but host ", answer: " refused to start TLS: ", command: parsers.STARTTLS, try: true},
	{prefix: "Sender requested REQUIRETLS, but TLS service was not offered by host ", try: true},
	{prefix: "Sender requested REQUIRETLS, but no ", server: " last attempted server was ", try: true},
	{prefix: "Sender requested REQUIRETLS, but my ", server: " last attempted server was ", bare: true}, // smtp/smtp_connect.c
	{prefix: "REQUIRETLS policy configuration error. The ", server: "last attempted server was ", bare: true},

	// smtp/smtp_sasl_glue.c. Until 2.3 without the server's address.
	{prefix: "SASL authentication failed; server ", bare: true, answer: " said: ", command: parsers.AUTH, try: true},
	{prefix: "SASL [CACHED] authentication failed; server ", bare: true, answer: " said: ", command: parsers.AUTH, try: true},
	{prefix: "SASL authentication failed; cannot authenticate to server ", command: parsers.AUTH, try: true},
	{prefix: "SASL authentication failed; authentication protocol loop with server ", command: parsers.AUTH, try: true},
	{prefix: "SASL authentication failed; non-empty initial ", server: " challenge from server ", command: parsers.AUTH, try: true},
	{prefix: "SASL authentication failed: server ", command: parsers.AUTH, try: true},
}

// A remark is a text of smtp and lmtp that names no server.
type remark struct {
	prefix  string
	command parsers.Command
	try     bool // as in a template
}

// remarks are these texts. What is neither among them nor among templates is not smtp's.
var remarks = [...]remark{
	{prefix: "SASL ", command: parsers.AUTH, try: true}, // smtp/smtp_sasl_glue.c
	// smtp/smtp_proto.c, smtp_start_tls and smtp_tls_policy.c.
	{prefix: "TLS is required, but ", try: true},
	{prefix: "Cannot start TLS: ", try: true},
	{prefix: "Server certificate ", try: true},
	{prefix: "unexpected server message", try: true},
	{prefix: "client TLS ", try: true},

	// smtp/smtp_addr.c, smtp/smtp_connect.c, dns/dns_lookup.c, smtp/smtp_tls_policy.c: there was no server to talk to.
	{prefix: "Host or domain name not found. "},
	{prefix: "Name service error for "},
	{prefix: "Name server loop for "},
	{prefix: "Error looking up "},
	{prefix: "Domain "},
	{prefix: "mail for "},
	{prefix: "unable to find primary relay for "},
	{prefix: "unable to look up host "},
	{prefix: "all network protocols are disabled"},
	{prefix: "server unavailable or unable to receive mail"},
	{prefix: "network address conversion failed"},
	{prefix: "server configuration error"},
	{prefix: "Server configuration error"},
	{prefix: "Temporary lookup error"},
	{prefix: "TLSA lookup error for "},
	{prefix: "non DNSSEC destination"},
	{prefix: "no TLSA records found"},
	{prefix: "Sender requested REQUIRETLS, but "},
	// smtp/smtp_proto.c: the message could not be sent.
	{prefix: "unreadable mail queue entry"},
	{prefix: "MIME nesting exceeds safety limit"},
	{prefix: "message header length exceeds safety limit"},
	{prefix: "improper use of 8-bit data in message "},
	{prefix: "invalid message/* or multipart/* encoding domain"},
}

// A dialogue is what a text tells of the talk with a server.
type dialogue struct {
	host, addr string
	port       uint16

	answered bool
	answer   string
	command  parsers.Command
	known    bool // the text is one of templates or remarks
	try      bool
}

// readDialogue reads a text of smtp or lmtp.
func readDialogue(s string, truncated bool) (d dialogue) {
	// A 2xx where 3xx should be (smtp/smtp_trouble.c).
	text, protocolError := strings.CutPrefix(s, "Protocol error: ")
	for i := range templates {
		t := &templates[i]
		if !strings.HasPrefix(text, t.prefix) {
			continue
		}
		if t.read(&d, text[len(t.prefix):], truncated) {
			d.known, d.try = true, t.try
			return d
		}
	}
	for i := range remarks {
		if r := &remarks[i]; strings.HasPrefix(text, r.prefix) {
			return dialogue{command: r.command, known: true, try: r.try}
		}
	}
	d.known, d.try = protocolError, protocolError
	return d
}

// read reads what follows the template's prefix. It returns false where the text is another template's.
func (t *template) read(d *dialogue, s string, truncated bool) bool {
	if t.server != "" {
		if _, after, ok := strings.Cut(s, t.server); ok {
			s = after
		}
	}
	host, addr, rest := cutServer(s)
	if addr == "" && !t.bare {
		return false
	}
	answer, answered := strings.CutPrefix(rest, t.answer)
	if t.answer != "" && !answered {
		return false
	}
	*d = dialogue{host: host, addr: addr, command: t.command}
	switch {
	case t.stage != "":
		if stage, ok := strings.CutPrefix(rest, t.stage); ok {
			d.command = stageCommand(stage)
		}
	case t.answer != "":
		d.answered, d.answer = true, answer
		if t.command == parsers.NoCommand && !truncated {
			d.cutCommand()
		}
	default:
		d.port = port(rest)
	}
	return true
}

// cutCommand cuts ` (in reply to RCPT TO command)` from the end of the answer. A server that itself asked another quotes
// the same words, so the last ones count; where the log cut the text, they are not ours.
func (d *dialogue) cutCommand() {
	s, ok := strings.CutSuffix(d.answer, " command)")
	if !ok {
		return
	}
	i := strings.LastIndexByte(s, '(') // no command has one
	if i <= 0 || s[i-1] != ' ' {
		return
	}
	if name, ok := strings.CutPrefix(s[i:], "(in reply to "); ok {
		d.command, d.answer = parsers.ParseCommand(name), s[:i-1]
	}
}

// stages are the steps of a dialogue (Postfix: smtp/smtp_proto.c, `xfer_states` and smtp_stream_except). The rest belong
// to no command that can fail a recipient: the greeting, XFORWARD, RSET, QUIT.
var stages = [...]struct {
	prefix  string
	command parsers.Command
}{
	{"sending RCPT TO", parsers.RCPTTO},
	{"sending MAIL FROM", parsers.MAILFROM},
	{"sending end of data", parsers.EndOfDATA},
	{"sending message body", parsers.EndOfDATA},
	{"sending DATA command", parsers.DATA},
	{"performing the EHLO handshake", parsers.EHLO},
	{"performing the HELO handshake", parsers.HELO},
	{"performing the LHLO handshake", parsers.LHLO},
	{"receiving the STARTTLS response", parsers.STARTTLS},
}

func stageCommand(s string) parsers.Command {
	for _, st := range stages {
		if strings.HasPrefix(s, st.prefix) {
			return st.command
		}
	}
	return parsers.NoCommand
}

// interpret fills in what relay= and the diagnostic tell of the server and its answer. It returns the path of the server
// where that is a socket of this host.
//
// Three digits are a reply code only where one of the templates says that a server wrote them: elsewhere they are a port,
// a size, an exit status, or an administrator's fancy.
func interpret(a *parsers.Attempt, program, relay string) (socket string) {
	a.Origin = parsers.OriginLocal
	text, suspended := strings.CutPrefix(a.Diagnostic, "delivery temporarily suspended: ")
	a.NotAttempted = suspended
	switch program {
	case "error", "discard", "qmgr", "nqmgr", "oqmgr", "cleanup":
		a.NotAttempted = true
		if !suspended {
			return "" // the text is the administrator's, or the resolver's
		}
	}
	host, addr, rest := cutServer(relay)
	if addr == "" && isService(relay) {
		return "" // the text is a command's, or a mailbox's
	}
	if addr != "" {
		socket = setServer(a, host, addr, port(rest))
		if a.Status == parsers.StatusSent {
			setReply(a, afterVia(text))
			return socket
		}
	}
	d := readDialogue(text, a.Truncated)
	if program == "" && addr == "" && !d.known {
		a.NotAttempted = true // not smtp's words, so another agent's
	}
	if addr == "" && d.host != "" {
		socket = setServer(a, d.host, d.addr, d.port)
	}
	if a.Command = d.command; d.answered {
		setReply(a, d.answer)
		if d.command >= parsers.MAILFROM {
			followDSN(a)
		}
	}
	return socket
}

// followDSN corrects the reply of several lines with different codes. Postfix goes by the last line and joins all of them
// with blanks, so where that begins is not always to be seen; but dsn= is of its class, and is its enhanced code where it
// has one (Postfix: smtp/smtp_chat.c, global/dsn_util.c). That holds for an answer to a command: greetings, STARTTLS and
// AUTH are softened, soft_bounce softens all, and 4.3.5 and 5.5.0 are Postfix's own.
func followDSN(a *parsers.Attempt) {
	r, class := &a.Reply, a.DSN.Class()
	if len(r.Text) < 4 || r.Text[3] != '-' || a.MTAStatus != "" || class != parsers.Transient && class != parsers.Permanent {
		return
	}
	switch a.DSN {
	case parsers.EnhancedCode{4, 3, 5}, parsers.EnhancedCode{5, 5, 0}:
		return
	case r.Enhanced, parsers.EnhancedCode{4}, parsers.EnhancedCode{5}:
		if class == r.Code.Class() {
			return
		}
	}
	if last, ok := parsers.FindReply(r.Text, class); ok && (class != r.Code.Class() || last.Code != r.Code && last.Enhanced == a.DSN) {
		r.Code, r.Enhanced = last.Code, last.Enhanced
	}
}

// afterVia takes off `delivery via mx.example.net[192.0.2.25]:25: `, which stands before the answer to some probes.
func afterVia(s string) string {
	rest, ok := strings.CutPrefix(s, "delivery via ")
	if !ok {
		return s
	}
	_, addr, rest := cutServer(rest)
	if _, rest, ok = strings.Cut(rest, ": "); !ok || addr == "" {
		return s
	}
	return rest
}

// setReply sets what the server said.
func setReply(a *parsers.Attempt, answer string) {
	if answer == "" {
		return
	}
	a.Origin = parsers.OriginRemote
	r, ok := parsers.ParseReply(answer)
	if !ok {
		r.Code = oddCode(answer)
	}
	if !ok && r.Code == 0 {
		// A line that is no reply came before the reply, and Postfix went by the latter.
		class := parsers.Transient
		switch {
		case a.Status == parsers.StatusSent:
			class = parsers.Success
		case a.Status == parsers.StatusBounced, a.MTAStatus == "SOFTBOUNCE":
			class = parsers.Permanent
		}
		r, _ = parsers.FindReply(answer, class)
	}
	r.Text = answer
	a.Reply = r
}

// oddCode returns the reply code that s begins with where that is none of RFC 5321's: Postfix bounces on `199 hold on` and
// `650 no`, and a server did say so.
func oddCode(s string) parsers.ReplyCode {
	if len(s) < 3 || !isDigit(s[0]) || !isDigit(s[1]) || !isDigit(s[2]) || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
		return 0
	}
	return parsers.ReplyCode(s[0]-'0')*100 + parsers.ReplyCode(s[1]-'0')*10 + parsers.ReplyCode(s[2]-'0')
}

// setServer sets the server. It returns addr where that is the path of a socket.
func setServer(a *parsers.Attempt, host, addr string, port uint16) (socket string) {
	a.RelayHost, a.RelayPort = host, port
	if isIP(addr) {
		a.RelayIP = addr
	} else if strings.IndexByte(addr, '/') >= 0 {
		return addr
	}
	return ""
}

// cutServer cuts a server's name and address from the front of s: `mx.example.net[192.0.2.25]`, `[2001:db8::9]`,
// `mx1.example.com[private/lmtp]` (Postfix: smtp/smtp_session.c). A name alone ends at a blank.
func cutServer(s string) (host, addr, rest string) {
	i := strings.IndexByte(s, '[')
	name := s
	if i >= 0 {
		name = s[:i]
	}
	if blank := strings.IndexByte(name, ' '); blank >= 0 {
		return s[:blank], "", s[blank:]
	}
	if i < 0 {
		return s, "", ""
	}
	// An address may stand for the name, too, with brackets of its own: the last brackets count.
	for {
		n := strings.IndexByte(s[i:], ']')
		if n < 0 {
			return "", "", s
		}
		host, addr, rest = s[:i], s[i+1:i+n], s[i+n+1:]
		if rest == "" || rest[0] != '[' {
			return host, addr, rest
		}
		i += n + 1
	}
}

// port returns the port of `:25`, of `:25: Connection refused` and, before 2.6, of `: Connection refused (port 25)`; zero
// where s has none.
func port(s string) uint16 {
	s, ok := strings.CutPrefix(s, ":")
	if !ok {
		return 0
	}
	if strings.HasPrefix(s, " ") {
		if s, ok = strings.CutSuffix(s, ")"); !ok {
			return 0
		}
		i := strings.LastIndex(s, " (port ")
		if i < 0 {
			return 0
		}
		s = s[i+len(" (port "):]
	}
	n := 0
	for i := 0; i < len(s) && isDigit(s[i]); i++ {
		if n = n*10 + int(s[i]-'0'); n > math.MaxUint16 {
			return 0
		}
	}
	return uint16(n)
}

// isIP reports whether s is made like an address of IPv4 or IPv6.
func isIP(s string) bool {
	parts := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c), 'a' <= c|0x20 && c|0x20 <= 'f':
		case c == '.', c == ':':
			parts++
		default:
			return false
		}
	}
	return parts > 1
}

// appendTry reads the line about one of several servers that did not decide the attempt: one record for the recipient, with
// another server's answer, follows (Postfix: smtp/smtp_trouble.c). `connect to H[IP]:25: …` has no queue id in front.
//
// Of the lines that smtp writes behind a queue id only those that tell of a failure count; the others are notes, such as
// `enabling PIX workarounds`.
func appendTry(dst []parsers.Event, line *parsers.Line, program, id, text string) []parsers.Event {
	d := readDialogue(text, false)
	if id == "" || line.Tag == "" {
		// No queue id, or no program, to vouch for the line: then it has to name a server.
		if d.addr == "" {
			return dst
		}
	}
	if id != "" && !d.try {
		return dst
	}
	dst = appendEvent(dst, line, program, parsers.Tried, id)
	a := &last(dst).Attempt
	a.Kind, a.Origin, a.Command, a.Diagnostic = parsers.Connect, parsers.OriginLocal, d.command, text
	setServer(a, d.host, d.addr, d.port)
	if d.answered {
		setReply(a, d.answer)
	}
	return dst
}
