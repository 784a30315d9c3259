package classify

import "slices"

// A Category is the cause of a failed attempt, in terms of who can do something about it.
type Category uint8

// The categories. NoCategory is the zero value: nothing failed.
const (
	NoCategory Category = iota
	BadMailbox
	BadDomain
	InactiveMailbox
	MailboxFull
	RecipientRefused
	AuthFailed
	SenderIdentity
	Blocklisted
	Reputation
	Policy
	RelayDenied
	SpamContent
	VirusAttachment
	TooLarge
	Noncompliant
	RateLimited
	Greylisted
	DNSFailure
	Connection
	TLS
	RemoteError
	LocalError
	Expired
	Unknown

	NumCategories = iota
)

// A Trait is what holds of a category as a rule. A rule of package classify may say it better for its replies.
type Trait struct {
	Name    string // as reports and rules write it
	Meaning string

	Nature   string // our judgement: transient, permanent or conditional
	Fault    string // whose it is: address domain recipient_choice sender reputation content volume network receiver local none unknown
	Suppress string // whether the address is to be mailed no more: yes, after_repeat or no
	Retry    string // no normal slow after_fix hours

	Hint string // what a postmaster would say; {domain}, {ip} and {n} stand for what the report knows
}

var traits = [NumCategories]Trait{
	BadMailbox: {"bad_mailbox", "the mailbox does not exist, or the address is no address", "permanent", "address", "yes", "no",
		"Remove or correct the address and do not try again: every further attempt counts against your IP. Many of these at one domain at once may be an old list, or a directory outage there: look before you delete them all."},
	BadDomain: {"bad_domain", "the domain has nowhere to deliver mail to", "permanent", "domain", "yes", "no",
		"Look {domain} up from two resolvers and check its spelling (gmial.com, .con). A null MX is a deliberate never. Then stop mailing the whole domain."},
	InactiveMailbox: {"inactive_mailbox", "the mailbox was there and is closed, frozen or moved", "permanent", "address", "yes", "no",
		"Stop mailing the address: closed accounts become spam traps. If there are many, drop subscribers sooner who no longer open your mail at {domain}."},
	MailboxFull: {"mailbox_full", "the recipient's quota is reached", "transient", "address", "after_repeat", "slow",
		"Keep the address and pause it for a few days. Three full bounces within a month mostly mean that nobody reads it any more. There is nothing to change at your end."},
	RecipientRefused: {"recipient_refused", "this recipient, or the owner of this group, does not want the mail", "permanent", "recipient_choice", "no", "no",
		"Stop writing from this sender to this recipient, or have them allow you. Do not try from another address."},
	AuthFailed: {"auth_failed", "SPF, DKIM, DMARC or ARC failed or is missing", "permanent", "sender", "no", "after_fix",
		"Send one message to a mailbox of your own and read its Authentication-Results. List {ip} in SPF, sign with DKIM under the domain of From, and align one of the two for DMARC. Try again once the change is visible in DNS."},
	SenderIdentity: {"sender_identity", "who we say we are does not check out: PTR, HELO or MAIL FROM", "permanent", "sender", "no", "after_fix",
		"Give {ip} a PTR record whose name leads back to it, use that name in HELO, and let the domain of the envelope sender have an MX or address record. Wait for the DNS to expire, then try again."},
	Blocklisted: {"blocklisted", "our IP, network or domain is on a block list", "conditional", "reputation", "no", "hours",
		"Look {ip} up at the list that the reply names. Find and stop the cause first (a hacked account, a dirty list), then ask for removal. Send what is urgent over another clean IP, and delete no address."},
	Reputation: {"reputation", "score, complaints or volume are judged bad; no list is named", "conditional", "reputation", "no", "slow",
		"Send less to {domain}, to those who open your mail, spread over hours. Watch the complaint rate in the provider's postmaster tools, and grow again slowly."},
	Policy: {"policy", "refused for policy reasons that are not told", "permanent", "sender", "no", "no",
		"The receiver does not say more. Compare a message that was taken with one that was not (links, headers, authentication, IP), then ask with the full reply and its reference."},
	RelayDenied: {"relay_denied", "the server does not take us for a client of its own", "permanent", "local", "no", "after_fix",
		"Either the host is no longer an MX of {domain}: look at transport maps and cached MX records. Or your smarthost wants a login: check credentials, port 587 and TLS."},
	SpamContent: {"spam_content", "the message, or a link in it, is judged spam", "permanent", "content", "no", "no",
		"Look up the links and tracking domains of the message at the URI block lists, and take out what is listed. Where one mailing is hit it is the content; where all mail is, read it as reputation."},
	VirusAttachment: {"virus_attachment", "malware, or a forbidden kind of attachment", "permanent", "content", "no", "no",
		"Scan the machine and the account that sent it first. Then put a link in place of the file: macros, scripts, and archives that hold them are refused nearly everywhere."},
	TooLarge: {"too_large", "a limit on size is exceeded", "permanent", "content", "no", "after_fix",
		"Get below the limit in the reply (base64 adds a third), or send a link. Where a header is too long, cut References, To or added X- fields."},
	Noncompliant: {"noncompliant", "the message or the dialogue breaks a standard", "permanent", "content", "no", "after_fix",
		"Mend what writes the mail: one From, Subject, Date and Message-ID each, encoded words for what is not ASCII, CRLF at line ends, lines below 998 bytes. For 500 to 504 record the dialogue: proxies mangle commands."},
	RateLimited: {"rate_limited", "too many connections, messages or recipients at a time", "transient", "volume", "no", "slow",
		"Open fewer connections to {provider}, send fewer messages on each, keep to the pause it asks for, and keep the queue. Where one recipient alone is named, that mailbox is flooded, not you."},
	Greylisted: {"greylisted", "a first contact is put off on purpose", "transient", "none", "no", "normal",
		"There is nothing to mend: keep trying from the same IP with the same envelope. If it never clears, your pool changes IPs between tries."},
	DNSFailure: {"dns_failure", "DNS gave no answer, ours or theirs", "transient", "network", "no", "normal",
		"Ask with dig from the sending host. If other domains fail too it is your resolver, otherwise their name servers. Leave the mail in the queue."},
	Connection: {"connection", "no dialogue came about, or it broke", "transient", "network", "no", "normal",
		"Check port 25 and the route from the host (nc -vz MX 25). If {domain} alone fails, it is down or drops {ip} in silence. Unreachable over IPv6 with no IPv6 uplink: prefer IPv4."},
	TLS: {"tls", "STARTTLS, a certificate, DANE or MTA-STS", "conditional", "receiver", "no", "after_fix",
		"Offer STARTTLS with TLS 1.2 or later and a whole chain. Where DANE or MTA-STS fails on the way out, the receiver's certificate or policy is wrong: tell its postmaster, and do not go on in the clear."},
	RemoteError: {"remote_error", "the receiving system is at fault or overloaded", "transient", "receiver", "no", "normal",
		"It is theirs to mend: leave the mail in the queue. After more than a day, reach the postmaster by another way. For a loop, see whether the address forwards back to you."},
	LocalError: {"local_error", "our own MTA or host failed", "conditional", "local", "no", "after_fix",
		"Mend it here: read the MTA's own lines about the queue id (exit status, permissions, disk, transport map). No other server had a part in it."},
	Expired: {"expired", "the queue lifetime ran out, and no cause is known", "permanent", "unknown", "after_repeat", "no",
		"Look at the last deferral under the same queue id: these logs do not hold it. Keep logs for longer, or give older files too."},
	Unknown: {"unknown", "no rule knows the reply", "conditional", "unknown", "no", "normal",
		"The text is shown as it came. A rule for it makes the report better: bouncelog rules --help."},
}

// Trait returns what holds of c as a rule.
func (c Category) Trait() *Trait { return &traits[c] }

// String returns the name, empty for NoCategory.
func (c Category) String() string { return traits[c].Name }

// ParseCategory returns the category of a name.
func ParseCategory(name string) (Category, bool) {
	i := slices.IndexFunc(traits[:], func(t Trait) bool { return t.Name == name })
	return Category(max(i, 0)), i > 0
}
