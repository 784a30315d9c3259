package parsers

// A ReplyCode is the three digits of an SMTP reply (RFC 5321 4.2). Zero: none logged.
type ReplyCode uint16

// An EnhancedCode is class.subject.detail (RFC 3463 2; registry RFC 5248). The zero value: none logged.
type EnhancedCode [3]uint16

// A Reply is what a server answered.
type Reply struct {
	Code     ReplyCode    // of the last line, where lines differ
	Enhanced EnhancedCode // as in the reply, whether or not it agrees with Code
	Text     string       // the whole reply as logged, codes and continuation lines in it
}
