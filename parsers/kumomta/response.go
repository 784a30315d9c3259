package kumomta

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// internal begins the content of a response that KumoMTA made up.
const internal = "KumoMTA internal: "

// The keys of a response.
const (
	code = iota
	enhanced
	content
	command
	numResponseKeys
)

var responseKeys = [numResponseKeys]string{"code", "enhanced_code", "content", "command"}

// readResponse reads what the peer answered (KumoMTA: crates/rfc5321/src/client_types.rs, Response). Its content is one
// line, with the reply code, and the enhanced code where KumoMTA could read it, taken off every line it came in.
func readResponse(a *parsers.Attempt, response fields.Value, local bool) {
	var v [numResponseKeys]fields.Value
	fields.Object(response.Raw, responseKeys[:], v[:])
	a.Diagnostic = v[content].Text()
	a.Origin = parsers.OriginRemote
	if local || strings.HasPrefix(a.Diagnostic, internal) {
		a.Origin = parsers.OriginLocal
	}
	if n, ok := v[code].Int(); ok && 200 <= n && n <= 599 {
		a.Reply = parsers.Reply{Code: parsers.ReplyCode(n), Enhanced: readEnhanced(v[enhanced]), Text: a.Diagnostic}
		if a.Reply.Enhanced.IsZero() && a.Origin == parsers.OriginRemote {
			a.Reply.Enhanced = enhancedIn(v[code].Raw, a.Diagnostic)
		}
	} else if a.Origin == parsers.OriginRemote {
		a.Origin = parsers.OriginUnknown
	}
	// Commands are logged with their line end.
	a.Command = parsers.ParseCommand(strings.TrimSuffix(v[command].Quoted(), `\r\n`))
}

var enhancedKeys = [3]string{"class", "subject", "detail"}

// readEnhanced reads `{"class":5,"subject":1,"detail":1}`.
func readEnhanced(object fields.Value) (e parsers.EnhancedCode) {
	if !object.IsObject() {
		return e
	}
	var v [3]fields.Value
	fields.Object(object.Raw, enhancedKeys[:], v[:])
	for i := range v {
		n, ok := v[i].Int()
		if !ok || n < 0 || n > 999 {
			return parsers.EnhancedCode{}
		}
		e[i] = uint16(n)
	}
	if e.Class() == parsers.ClassUnknown {
		return parsers.EnhancedCode{}
	}
	return e
}

// enhancedIn finds an enhanced code that KumoMTA left in the text: it knows those that a blank follows, not `5.7.1:` or
// `(#5.7.1)`, and not one with nothing behind it.
func enhancedIn(code, text string) parsers.EnhancedCode {
	if text == "" || strings.IndexByte("245([#", text[0]) < 0 && strings.IndexByte(text, '#') < 0 {
		return parsers.EnhancedCode{}
	}
	r, _ := parsers.ParseReply(code + " " + text)
	return r.Enhanced
}

var peerKeys = [2]string{"name", "addr"}

// readPeer reads which server was talked to: `{"name":"mx.example.com.","addr":"192.0.2.10"}`, the address being the path
// of a socket where it is one of this host. So it tells what was attempted, unless the record's type has.
func (p *parser) readPeer(a *parsers.Attempt, peer fields.Value, protocol string) {
	var socket string
	if peer.IsObject() {
		var v [2]fields.Value
		fields.Object(peer.Raw, peerKeys[:], v[:])
		addr := v[1].Text()
		a.RelayHost = strings.TrimSuffix(v[0].Text(), ".")
		a.RelayIP, a.RelayPort = fields.Address(addr)
		if strings.HasPrefix(addr, "/") {
			socket = addr
		}
	}
	if a.Kind != parsers.Remote || a.NotAttempted || a.Status == parsers.StatusRejected {
		return
	}
	switch {
	case protocol == "Maildir":
		a.Kind, a.Origin, a.Reply = parsers.Local, parsers.OriginLocal, parsers.Reply{}
	case strings.Contains(socket, "lmtp"): // Dovecot's and Cyrus's sockets: the mailbox
		a.Kind = parsers.Local
	case socket != "", protocol == "Xfer", fields.Inside(&p.options, a.RelayHost, a.RelayIP):
		a.Kind = parsers.Internal
	}
}

// readSource reads our end of the connection, `{"address":"203.0.113.1:53210"}`.
func readSource(a *parsers.Attempt, source fields.Value) {
	if source.IsObject() {
		a.SourceIP, _ = fields.Address(source.Get("address").Text())
	}
}
