package classify

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"bouncelog/parsers"
)

// small makes a classifier of rules and providers given in TOML.
func small(t testing.TB, rules, list string) *Session {
	t.Helper()
	r, err := ParseRules("test.toml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	p, err := parseProviders("providers.toml", []byte(list))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClassifier(r, p)
	if err != nil {
		t.Fatal(err)
	}
	return c.NewSession()
}

func ruleID(c Cause) string {
	if c.Rule == nil {
		return "-"
	}
	return c.Rule.ID
}

const ruleEnd = "\nsource = \"test\"\nhit = [\"550 x\"]\n"

func TestExplain(t *testing.T) {
	s := small(t, `
[[rule]]
id = "local"
tier = "local"
category = "local_error"
any = ["quota"]`+ruleEnd+`
[[rule]]
id = "provider"
tier = "provider"
for = ["acme"]
category = "reputation"
any = ["quota"]`+ruleEnd+`
[[rule]]
id = "late"
tier = "strong"
category = "policy"
any = ["policy"]`+ruleEnd+`
[[rule]]
id = "early"
tier = "strong"
category = "mailbox_full"
any = ["quota"]
not = ["sending"]`+ruleEnd+`
[[rule]]
id = "ordered"
tier = "strong"
order = -1
category = "tls"
seq = [["quota", "tls,"]]`+ruleEnd+`
[[rule]]
id = "all"
tier = "strong"
category = "virus_attachment"
all = ["virus", "mail"]
re = "v[a-z]+s"
phase = ["eom", "unknown"]`+ruleEnd+`
[[rule]]
id = "each"
tier = "strong"
category = "inactive_mailbox"
each = [["mailbox", "account"], ["closed", "has left"]]
not = ["sender"]`+ruleEnd+`
[[rule]]
id = "code"
tier = "enhanced"
category = "bad_mailbox"
enhanced = ["*.1.1"]`+ruleEnd+`
[[rule]]
id = "weak"
tier = "weak"
category = "spam_content"
any = ["spam"]
code = ["5xx"]`+ruleEnd+`
[[rule]]
id = "class"
tier = "class"
category = "unknown"
code = ["4xx"]`+ruleEnd,
		`
[[provider]]
name = "acme"
title = "Acme"
mx = [".acme.example"]
text = ["see acme"]
domains = ["acme.example"]

[[provider]]
name = "mega"
title = "Mega"
mx = [".mega.acme.example"]`)

	f := func(a parsers.Attempt, want string) {
		t.Helper()
		a.Diagnostic = cmp.Or(a.Diagnostic, a.Reply.Text)
		if a.Status == 0 {
			a.Status = parsers.StatusBounced
		}
		got := s.Explain(&a)
		if id := ruleID(got) + " " + got.Provider; strings.TrimSpace(id) != want {
			t.Errorf("%q: got %s, want %s", a.Diagnostic, id, want)
		}
		all := s.Candidates(&a)
		if len(all) == 0 != (got.Rule == nil) || len(all) > 0 && all[0] != got.Rule {
			t.Errorf("%q: candidates %v, but decided by %s", a.Diagnostic, all, ruleID(got))
		}
	}
	remote := func(text string) parsers.Attempt {
		a := parsers.Attempt{Origin: parsers.OriginRemote}
		a.Reply, _ = parsers.ParseReply(text)
		a.Reply.Text = text
		return a
	}
	f(remote("550 quota, by policy"), "early")
	f(remote("550 sending quota, by policy"), "late")
	f(remote("550 quota, tls, policy"), "ordered")
	f(remote("550 tls, quota"), "early")
	f(remote("550 the mailbox was closed"), "each")
	f(remote("550 closed is this account"), "each")
	f(remote("550 MAILBOX_HAS_LEFT"), "each")
	f(remote("550 the mailbox"), "-")
	f(remote("550 it was closed"), "-")
	f(remote("550 the sender's mailbox was closed"), "-")
	f(remote("550 5.1.1 policy"), "late")
	f(remote("550 5.1.1 spam"), "code")
	f(remote("550 spam"), "weak")
	f(remote("450 spam"), "class")
	f(remote("spam"), "weak") // no code: the class is that of the status
	f(remote("550 x"), "-")
	f(remote("550 virus mail"), "all")
	f(remote("550 virus"), "-")
	a := remote("550 virus mail")
	a.Command = parsers.RCPTTO
	f(a, "-")
	a.Command = parsers.EndOfDATA
	f(a, "all")
	f(remote("550 virus mail (in reply to RCPT TO command)"), "-")

	// Where a provider is known by.
	a = remote("550 quota")
	a.RelayHost = "mx1.acme.example."
	f(a, "provider acme")
	a.RelayHost = "mx1.MEGA.acme.example"
	f(a, "early mega") // the longest suffix counts
	a.RelayHost, a.Recipient = "mx.example.net", "u@Acme.example"
	f(a, "provider acme")
	f(remote("550 quota, see acme"), "provider acme")

	// Who said it.
	a = remote("quota")
	a.Origin = parsers.OriginLocal
	f(a, "local")
	a.Origin = parsers.OriginUnknown
	f(a, "early")
	f(parsers.Attempt{Origin: parsers.OriginLocal, Diagnostic: "x", DSN: parsers.EnhancedCode{5, 1, 1}}, "-") // codes are the servers'
	f(parsers.Attempt{Origin: parsers.OriginLocal, Diagnostic: "delivery suspended: host mx said: 550 5.1.1 x"}, "code")
	f(parsers.Attempt{Origin: parsers.OriginLocal, Status: parsers.StatusRejected, Diagnostic: "550 quota", Reply: parsers.Reply{Code: 550, Text: "550 quota"}}, "early")

	// A reply in a reply.
	f(remote("550 5.0.0 error 550-'5.1.1 x'"), "code")
	f(remote("550 5.7.1 error 550-'5.1.1 x'"), "-")
	f(remote("550 gate 5.1.1 x"), "code")
	// Names and addresses tell nothing, and part no words.
	f(remote("550 <policy@example.com> x"), "-")
	a = remote("550 policy@example.com x")
	a.Recipient = "Policy@example.com"
	f(a, "-")

	if got := s.Explain(&parsers.Attempt{Status: parsers.StatusSent, Diagnostic: "quota"}); got != (Cause{}) {
		t.Errorf("sent: got %+v, want none", got)
	}
}

// What is made of the words between which an address or a name stands.
func TestExplainNameless(t *testing.T) {
	s := mustClassifier(t).NewSession()
	for _, text := range []string{"550 User <a@example.com> unknown", "550 Mailbox ( a@example.com ) not found", `550 user "bob" unknown`, "550 Account a@example.com does not exist"} {
		a := attemptOf(text, "", "", "RCPT", "", "")
		if got := s.Explain(&a); got.Category != BadMailbox {
			t.Errorf("%q: got %v by %s, want bad_mailbox", text, got.Category, ruleID(got))
		}
	}
}

// Phrases in words that no rule has as they stand: what they mean, not how they are put, tells the cause.
func TestExplainPhrases(t *testing.T) {
	s := mustClassifier(t).NewSession()
	for _, x := range []struct{ phase, text, want string }{
		{"RCPT", "550 We could not find a mailbox for bob at this domain's server", "bad_mailbox"},
		{"", "550 the person bob has nobody's mailbox here, nothing was found: no such", "bad_mailbox"},
		{"", "554 Rcpt <a@example.com> does not exist", "bad_mailbox"},
		{"", "550 BAD_RECIPIENT - see http://www.example.org/", "bad_mailbox"},
		{"", "does not have an e-mail account by that name", "bad_mailbox"},
		{"RCPT", "550 Der Empfänger ist uns leider nicht bekannt", "bad_mailbox"},
		{"RCPT", "550 Такой адрес у нас не существует", "bad_mailbox"},
		{"RCPT", "550 该用户不存在", "bad_mailbox"},
		{"RCPT", "550 The employee has left the company", "inactive_mailbox"},
		{"RCPT", "550 This user's email has been turned off", "inactive_mailbox"},
		{"RCPT", "550 this account has lapsed due to non-payment", "inactive_mailbox"},
		{"RCPT", "550 Esta cuenta se encuentra suspendida", "inactive_mailbox"},
		{"RCPT", "554 Mailbox for bob has come to its maximum size", "mailbox_full"},
		{"RCPT", "552 Das Postfach des Empfängers hat die maximale Größe erreicht", "mailbox_full"},
		{"RCPT", "452 メールボックスの容量を超えています", "mailbox_full"},
		{"end of DATA", "554 your message is bigger than we take", "too_large"},
		{"RCPT", "550 The recipient has chosen not to get mail from you", "recipient_refused"},
		{"RCPT", "550 5.7.1 The list staff is closed to outside senders", "recipient_refused"},
		{"CONNECT", "550 5.7.1 hostname and IP do not match", "sender_identity"},
		{"CONNECT", "421-failure in DNS look-up.", "sender_identity"},
		{"MAIL", "517-Domain does not exist: example.net", "sender_identity"},
		{"CONNECT", "521 <192.0.2.1> is blocked", "blocklisted"},
		{"CONNECT", "550 Blocked by bl.example.org", "blocklisted"},
		{"MAIL", "550 the mail server at 192.0.2.7 is blocked", "blocklisted"},
		{"RCPT", "553 relay check did not pass", "relay_denied"},
		{"MAIL", "530 5.7.0 You have to switch to TLS before", "tls"},
		{"end of DATA", "550 the signature on the message did not verify (DKIM)", "auth_failed"},
		{"end of DATA", "554 5.7.1 Message carries malicious code", "virus_attachment"},
		{"RCPT", "450 4.7.1 You have sent more messages than permitted in the last hour", "rate_limited"},
		{"RCPT", "550 Temporarily rejected", "remote_error"},
		{"", "450 temporary problem with the spam filter", "remote_error"},
	} {
		a := attemptOf(x.text, "", "", x.phase, "", "")
		got := s.Explain(&a)
		if got.Category.String() != x.want {
			t.Errorf("%s %q: got %v by %s, want %s", x.phase, x.text, got.Category, ruleID(got), x.want)
		}
		if got.Confidence == "low" && got.Suppress != "no" {
			t.Errorf("%q: an address is given up for what %s thinks likely", x.text, ruleID(got))
		}
	}
}

// An expiry is a category of its own only where nothing better is known.
func TestExplainExpired(t *testing.T) {
	s := mustClassifier(t).NewSession()
	f := func(text string, origin parsers.Origin, want Category) {
		t.Helper()
		a := attemptOf(text, "", "", "", "", "")
		a.Status, a.Origin = parsers.StatusExpired, origin
		if got := s.Explain(&a); got.Category != want {
			t.Errorf("%q: got %v by %s, want %v", text, got.Category, ruleID(got), want)
		}
	}
	f("", parsers.OriginLocal, Expired)
	f("", parsers.OriginRemote, Expired)
	f("expired, returned to sender", parsers.OriginLocal, Expired)
	f("retry timeout exceeded", parsers.OriginLocal, Expired)
	f("550 4.4.7 message expired", parsers.OriginRemote, Expired)
	f("599 qwertz", parsers.OriginRemote, Expired)
	f("452 4.2.2 mailbox full", parsers.OriginRemote, MailboxFull)
	f("connect to mx.example.com[192.0.2.1]:25: Connection timed out", parsers.OriginRemote, Connection)
}

// Which of several things that a reply says is the cause, and where codes lie.
func TestExplainOrder(t *testing.T) {
	s := mustClassifier(t).NewSession()
	f := func(relay, phase, text, want string) {
		t.Helper()
		a := attemptOf(text, "", "", phase, relay, "")
		if got := s.Explain(&a); !strings.HasPrefix(got.Category.String()+" "+got.Sub, want) {
			t.Errorf("%q: got %v %s by %s, want %s", text, got.Category, got.Sub, ruleID(got), want)
		}
	}
	// Words before codes.
	f("", "RCPT", "452 4.1.1 <a@example.com> user over quota", "mailbox_full")
	f("", "RCPT", "552 5.1.1 <a@example.com> Recipient overquota", "mailbox_full")
	f("", "RCPT", "550 5.2.1 <a@example.com>... Addressee unknown, relay=[192.0.2.1]", "bad_mailbox")
	f("", "RCPT", "552 Too many recipients", "rate_limited rcpts")
	f("example.mail.protection.outlook.com", "RCPT", "550 5.4.1 Recipient address rejected: Access denied. [AM1EUR01FT001.eop-EUR01.prod.protection.outlook.com]", "bad_mailbox")
	f("", "", "550 5.2.1 The user is receiving mail too quickly; we protect our users from spam", "rate_limited recipient")
	// The tail of what begins like all others.
	f("", "RCPT", "450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted", "greylisted")
	f("", "RCPT", "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in local recipient table", "bad_mailbox")
	f("", "RCPT", "552 5.2.2 <a@example.com>: Recipient address rejected: Mailbox quota exceeded", "mailbox_full")
	f("", "RCPT", "550 5.7.23 <a@example.com>: Recipient address rejected: Message rejected due to: SPF fail", "auth_failed spf")
	f("", "RCPT", "554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.spamhaus.org", "blocklisted dnsbl:spamhaus")
	f("", "RCPT", "450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.9]", "sender_identity ptr")
	f("", "RCPT", "450 4.7.1 <pc.invalid>: Helo command rejected: Host not found", "sender_identity helo")
	f("", "RCPT", "450 4.1.8 <a@example.net>: Sender address rejected: Domain not found", "sender_identity mailfrom")
	f("", "RCPT", "550 5.1.2 <a@example.invalid>: Host not found", "bad_domain")
	// Whose list it is.
	f("", "RCPT", "550 Blacklisted by recipient", "recipient_refused")
	f("", "RCPT", "550 Your address is blacklisted here", "blocklisted")
	f("", "", "554 5.7.1 rejected: Error: open resolver; https://check.spamhaus.org/returnc/pub/192.0.2.53/", "remote_error dnsbl_misuse")
	f("", "", "554 5.7.1 blocked using zen.spamhaus.org; 127.255.255.254", "remote_error dnsbl_misuse")
	f("", "end of DATA", "554 5.7.1 Blacklisted URL in message, see lookup.uribl.com", "spam_content url")
	f("", "MAIL", "554 5.7.1 Service unavailable; Helo domain listed in Spamhaus", "blocklisted domain")
	// 5xx that are none, and 4xx that are.
	f("", "RCPT", "550 5.7.1 Greylisted, try later", "greylisted")
	f("", "RCPT", "554 5.2.2 Mailbox full", "mailbox_full")
	f("", "RCPT", "450 User unknown in virtual alias table", "bad_mailbox")
	f("", "RCPT", "450 mailbox disabled", "inactive_mailbox")
	f("", "CONNECT", "554 No SMTP service here", "")
	f("", "CONNECT", "554 mx.example.com", "blocklisted banner")
	// Codes without words.
	f("", "RCPT", "550 x", "bad_mailbox")
	f("", "end of DATA", "550 x", "policy")
	f("", "MAIL", "553 x", "sender_identity")
	f("", "RCPT", "552 x", "mailbox_full")
	f("", "end of DATA", "552 x", "too_large")
	f("", "", "421 x", "remote_error")
	f("", "", "550 x", "unknown")
	f("", "RCPT", "585 x", "unknown")
	// Codes of two classes.
	f("", "", "550 4.4.7 x", "expired")
	f("", "", "554 4.4.7 Delivery expired <421 4.4.2 Connection dropped>", "connection")
	f("", "", "421 5.7.26 x", "auth_failed")
	f("", "", "452 5.2.2 x", "mailbox_full")
	// A reply in a reply.
	f("", "", "5.1.0 - Unknown address error 550-'5.2.2 <a@example.com>... x' (delivery attempts: 0)", "mailbox_full")
	f("", "", "5.1.0 - Unknown address error 550-'5.7.1 Sorry, x' (delivery attempts: 0)", "policy")
}

// No address is called dead for what is said of the sender, of the message, of our server or of the receiver's own troubles.
func TestExplainLive(t *testing.T) {
	s := mustClassifier(t).NewSession()
	for _, x := range []struct{ phase, text string }{
		{"", "450 Requested mail action not taken: mailbox unavailable"},
		{"MAIL", "550 Requested action not taken: mailbox unavailable"},
		{"end of DATA", "550 Requested action not taken: mailbox unavailable"},
		{"", "550 5.7.1 Requested action not taken: mailbox unavailable"},
		{"", "550 <a@example.com>: Recipient address rejected: Access denied"},
		{"RCPT", "554 5.7.1 <a@example.com>: Recipient address rejected: Access denied"},
		{"RCPT", "554 5.7.1 <a@example.com>: Recipient address rejected: Please see our help page"},
		{"", "550 Access denied"},
		{"", "550 Administrative prohibition"},
		{"", "550 Sender address rejected: User unknown in local recipient table"},
		{"MAIL", "550 5.1.1 User unknown"},
		{"MAIL", "550 5.1.0 Address rejected"},
		{"", "550-Verification failed for <a@example.net> 550-Called: 192.0.2.1 550-Response: 550 5.1.1 User unknown 550 Sender verify failed"},
		{"", "550 Unknown sender, no such user"},
		{"", "550 5.1.8 Sender domain does not exist"},
		{"", "450 4.1.8 <a@example.net>: Sender address rejected: Domain not found"},
		{"RCPT", "450 4.7.1 <pc.invalid>: Helo command rejected: Host not found"},
		{"", "450 4.7.25 Client host rejected: cannot find your hostname"},
		{"", "550 5.7.1 The sender's account is disabled"},
		{"", "550 Your account has been suspended"},
		{"", "535 5.7.8 Invalid user name or password, user unknown"},
		{"", "550 5.7.1 Message rejected, the file type is disabled here"},
		{"", "550 Command VRFY disabled"},
		{"", "421 4.7.0 Too many unknown users, closing connection"},
		{"", "554 Too many invalid recipients from your address"},
		{"", "451 4.4.3 Recipient address rejected: user lookup failed"},
		{"", "450 4.1.1 <a@example.com>: Recipient address rejected: unverified address: Address verification in progress"},
		{"", "451 Domain not found, try again later"},
		{"", "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again"},
		{"", "550 5.7.26 The domain of From has no valid SPF record, unknown user or not"},
		{"", "554 5.7.1 Unknown address in From: header"},
		{"", "550 From header: user does not exist"},
		{"", "554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using bl.example.net; user unknown"},
		{"", "552 5.2.2 Mailbox full, user inactive"},
		{"", "450 <dead-user-unknown@example.com>: try again later"},
		{"", "550 <no.such.user@example.com>: relay access denied"},
		{"", "550 5.7.1 The IP address is not a valid address for mail"},
		{"", "553 Invalid header: no such address list"},
		{"", "421 4.2.1 Account connection limit reached"},
		{"", "550 5.7.1 No such host in your SPF record"},
		{"", "550 Domain is on a block list, host unknown"},
		{"", "451 Temporary lookup failure, host unknown"},
		{"", "450 closing connection due to inactivity"},
		{"", "550 The certificate has expired, account closed"},
		{"end of DATA", "550 5.7.1 rejected"},
		{"", "550 Unsubscribed users are not delivered to"},
		{"", "554 delivery error"},
		{"", "550 Rejected by policy: address list"},
		// Of the sender, the message and the time, in words that are used of recipients.
		{"", "550 5.1.8 The sender's domain does not exist"},
		{"", "553 Your envelope domain does not exist"},
		{"", "554 5.7.1 The domain of your mail address could not be found in DNS"},
		{"RCPT", "550 the sender's mailbox is disabled, please ask your administrator"},
		{"", "550 5.7.1 your mailbox has been disabled for outbound mail"},
		{"end of DATA", "550 Message refused: it contains links to a suspended domain"},
		{"end of DATA", "550 5.7.1 there is a URL in it whose domain does not exist"},
		{"end of DATA", "550 invalid address in header To"},
		{"", "550 attachment of unknown user type not allowed: file.exe"},
		{"RCPT", "550 recipient could not be verified because the backend is down"},
		{"RCPT", "550 unable to look up the user: directory error"},
		{"RCPT", "550 5.1.1 mailbox temporarily not available, try again later"},
		{"", "550 Requested action not taken: mailbox unavailable. Try again later"},
		{"RCPT", "550 Account is being moved, please retry in some minutes"},
		{"RCPT", "451 4.3.0 account temporarily locked for maintenance, mailbox is being moved"},
		{"RCPT", "550 mailbox is restricted to internal senders"},
		{"RCPT", "550 the mailbox of this user is protected, please complete the challenge"},
		{"RCPT", "550 mailbox takes mail from approved senders, from nobody else"},
		{"", "550 This address does not receive mail from your domain"},
		{"", "550 5.1.1 the address was suppressed because it bounced before"},
		{"end of DATA", "550 5.1.1 mail refused"},
		{"CONNECT", "554 5.7.1 unknown host 192.0.2.1 refused by list"},
		{"CONNECT", "550 unknown host: your IP has no name"},
		{"CONNECT", "521 <192.0.2.1> is blocked"},
		{"RCPT", "550 Too many unknown recipients from your host"},
		{"RCPT", "553 relay check did not pass"},
		{"RCPT", "501 RCPT TO should not be empty"},
		{"RCPT", "450 you are whitelisted by this recipient, please try again later"},
		{"", "550 TLS 1.0 is no longer supported, please upgrade"},
		{"", "554 5.7.5 your certificate is no longer valid"},
		{"", "535 5.7.8 user disabled"},
		{"", "535 5.7.0 Authentication failed: account locked"},
		{"", "421 4.7.0 your IP has been temporarily suspended"},
		{"", "450 4.7.1 delivery from your server is temporarily suspended"},
		{"", "554 5.7.1 mail from expired domain rejected"},
		{"", "550 5.7.1 IP 192.0.2.1 not in our database of known senders"},
		{"", "550 recipient not in allowlist for your domain"},
		{"", "550 5.7.1 recipient not in your contact list"},
		{"", "550 no account for your IP, contact sales"},
		{"", "550 your company is not a customer of this relay"},
		{"", "554 5.6.0 message-id not unique"},
		{"", "501 5.5.4 invalid address in MAIL FROM"},
		{"MAIL", "501 5.1.7 bad address syntax"},
		{"", "550 reply address does not exist"},
		{"", "550 Your e-mail address does not exist"},
		{"", "550 5.7.0 address verification of your sender failed: user unknown"},
		{"", "554 5.7.1 message resembles mail sent to unknown users"},
		{"", "550 5.7.1 blocked: the advertised site no longer exists"},
		{"", "550 5.7.1 policy: closed account notices are not taken"},
		{"", "421 4.7.0 high number of invalid users from your IP"},
		{"", "450 you send to too many disabled accounts"},
		{"", "450 mailbox locked by another process"},
		{"", "450 4.2.0 mailbox closed for backup"},
		{"", "421 mailbox server no longer available, restarting"},
		{"", "554 5.3.0 alias loop: user unknown to the server that it goes to"},
		{"", "550 this recipient no longer accepts newsletters"},
	} {
		a := attemptOf(x.text, "", "", x.phase, "", "")
		if got := s.Explain(&a); slices.Contains(suppressing, got.Category.String()) {
			t.Errorf("%q: got %v by %s", x.text, got.Category, ruleID(got))
		}
	}
}

// Codes that contradict each other (RFC 5321 4.2: the first digit of the reply code controls), and what is made of addresses.
func TestExplainSuppress(t *testing.T) {
	s := mustClassifier(t).NewSession()
	f := func(text string, status parsers.Status, want, suppress string) {
		t.Helper()
		a := attemptOf(text, "", "", "RCPT", "", "")
		a.Status = status
		if got := s.Explain(&a); got.Category.String() != want || got.Suppress != suppress {
			t.Errorf("%q %v: got %v %s by %s, want %s %s", text, status, got.Category, got.Suppress, ruleID(got), want, suppress)
		}
	}
	f("550 5.1.1 User unknown", parsers.StatusBounced, "bad_mailbox", "yes")
	f("550 4.1.1 User unknown", parsers.StatusBounced, "bad_mailbox", "yes")
	f("450 5.1.1 User unknown", parsers.StatusDeferred, "bad_mailbox", "after_repeat")
	f("550 5.1.1 User unknown", parsers.StatusDeferred, "bad_mailbox", "after_repeat") // soft_bounce
	f("421 host said: 550 5.1.1 User unknown", parsers.StatusDeferred, "bad_mailbox", "after_repeat")
	f("550 5.1.1 x", parsers.StatusBounced, "bad_mailbox", "after_repeat")
	f("550 x", parsers.StatusBounced, "bad_mailbox", "no")
	f("550 mailbox unavailable", parsers.StatusBounced, "bad_mailbox", "no")
	f("552 4.2.2 x", parsers.StatusBounced, "mailbox_full", "after_repeat")
	f("452 5.2.2 x", parsers.StatusDeferred, "mailbox_full", "after_repeat")
	f("450 mailbox disabled", parsers.StatusDeferred, "inactive_mailbox", "after_repeat")
	f("550 Access denied", parsers.StatusBounced, "recipient_refused", "no")
	f("554 5.7.1 <a@example.com>: Recipient address rejected: Access denied", parsers.StatusBounced, "recipient_refused", "no")
}

// benchText is a reply of 160 bytes, of which many begin like a text of a rule.
const benchText = "550-5.7.1 <user@example.com>: Recipient address rejected: this mail server could not take the message right now, the sender is asked to look at the status pages"

func BenchmarkExplain(b *testing.B) {
	c := mustClassifier(b)
	for _, x := range []struct{ name, text string }{
		{"text=common", "550 5.1.1 <user@example.com>: Recipient address rejected: User unknown in virtual mailbox table"},
		{"text=160", benchText},
		{"text=none", "599 " + strings.Repeat("qwertz ", 22)},
	} {
		b.Run(x.name, func(b *testing.B) {
			s := c.NewSession()
			a := attemptOf(x.text, "", "", "RCPT", "mx1.example.com", "example.com")
			b.SetBytes(int64(len(x.text)))
			b.ReportAllocs()
			for b.Loop() {
				s.Explain(&a)
			}
		})
	}
}

func BenchmarkNewClassifier(b *testing.B) {
	for b.Loop() {
		mustClassifier(b)
	}
}

// No reply stops the classifier, a Session keeps nothing of the replies before, and all that hold begin with the one that
// decides.
func FuzzExplain(f *testing.F) {
	for _, text := range []string{benchText, "", "550", "550-a\n550 b", "5.1.0 - Unknown address error 550-'x'", "host a said: 421", "\xff<@>", "<a@b> 'c' \"d\""} {
		f.Add(text, "a@example.com", "mx.google.com", uint16(550), uint8(parsers.RCPTTO), uint8(parsers.StatusBounced), uint8(parsers.OriginRemote))
	}
	c := mustClassifier(f)
	used := c.NewSession()
	f.Fuzz(func(t *testing.T, text, recipient, relay string, code uint16, command, status, origin uint8) {
		a := parsers.Attempt{
			Recipient: recipient, RelayHost: relay, Diagnostic: text, Command: parsers.Command(command) % (parsers.EndOfDATA + 1),
			Status: parsers.Status(status) % (parsers.StatusRejected + 1), Origin: parsers.Origin(origin) % (parsers.OriginProvider + 1),
		}
		a.Reply, _ = parsers.ParseReply(text)
		if a.Reply.Code == 0 {
			a.Reply = parsers.Reply{Code: parsers.ReplyCode(code), Text: text}
		}
		got := used.Explain(&a)
		if again := c.NewSession().Explain(&a); again != got {
			t.Errorf("got %+v, and %+v with a new session", got, again)
		}
		if a.Status == parsers.StatusSent {
			return
		}
		if all := used.Candidates(&a); len(all) > 0 && got.Rule != nil && all[0] != got.Rule {
			t.Errorf("decided by %s, but the first candidate is %s", ruleID(got), all[0].ID)
		}
		if got.Category == NoCategory || !slices.Contains([]string{"yes", "after_repeat", "no"}, got.Suppress) {
			t.Errorf("incomplete: %+v", got)
		}
	})
}

// What an address is made of says nothing of the failure, wherever in the text it stands.
func TestAddressesSayNothing(t *testing.T) {
	s := mustClassifier(t).NewSession()
	for _, address := range []string{"bob@mailbox-full.example.com", "spamhaus.org@example.net", "over.quota@blocked-using.spamhaus.org"} {
		for _, text := range []string{
			"550 5.1.1 <" + address + ">: Recipient address rejected: User unknown in virtual mailbox table",
			"550 5.1.1 " + address + ": Recipient address rejected: User unknown in virtual mailbox table",
		} {
			a := parsers.Attempt{Status: parsers.StatusBounced, Origin: parsers.OriginRemote, Recipient: address, Command: parsers.RCPTTO, Diagnostic: text}
			a.Reply, _ = parsers.ParseReply(text)
			if c := s.Explain(&a); c.Category != BadMailbox || c.Confidence != "high" {
				t.Errorf("%s: got %v, confidence %s, by %s; want bad_mailbox, high", text, c.Category, c.Confidence, c.Rule.ID)
			}
		}
	}
}
