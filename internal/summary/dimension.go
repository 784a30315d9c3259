package summary

import (
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/parsers"
)

// A Dimension is something that attempts and outcomes are counted by.
type Dimension uint8

// The dimensions.
const (
	ByDomain       Dimension = iota + 1 // of the recipient
	ByProvider                          // whoever runs its servers
	ByRelay                             // the server talked to
	BySender                            // the envelope sender
	BySenderDomain                      // its domain
	ByCampaign                          // the mailing, as Options.Campaign tells them apart
	BySourceIP                          // our end of the connection
	ByHost                              // whose log it is
	ByInstance                          // which of several MTAs of a host
	ByTransport                         // the MTA's program that delivers
	ByCategory                          // of the cause of failure; empty where nothing failed
	ByCode                              // the reply code and the enhanced code
	ByHour                              // UTC
	ByDay                               // UTC
	numDimensions
)

var dimensionNames = [numDimensions]string{"", "domain", "provider", "relay", "sender", "sender-domain", "campaign", "source-ip", "host",
	"instance", "transport", "category", "code", "hour", "day"}

// String returns the name of d as --by takes it.
func (d Dimension) String() string { return dimensionNames[d] }

// Dimensions returns every dimension.
func Dimensions() (all []Dimension) {
	for d := ByDomain; d < numDimensions; d++ {
		all = append(all, d)
	}
	return all
}

// By is the one or two dimensions of a breakdown; the second zero where it has one.
type By [2]Dimension

func (b By) names() []string {
	if b[1] == 0 {
		return []string{b[0].String()}
	}
	return []string{b[0].String(), b[1].String()}
}

// MaxBreakdowns is how many breakdowns one scan may have.
const MaxBreakdowns = 4

// ParseBy reads what --by takes: the name of a dimension, or two with a comma between them.
func ParseBy(s string) (By, error) {
	names := strings.Split(s, ",")
	var by By
	if len(names) > len(by) {
		return by, fmt.Errorf("%d dimensions: one, or two with a comma between them, is what there is room for", len(names))
	}
	for i, name := range names {
		d := slices.Index(dimensionNames[:], name)
		if d <= 0 {
			return by, fmt.Errorf("unknown dimension %q: want one of %s", name, strings.Join(dimensionNames[1:], ", "))
		}
		if by[i] = Dimension(d); i > 0 && by[0] == by[1] {
			return by, fmt.Errorf("%s twice: give two that differ", name)
		}
	}
	return by, nil
}

// A CampaignSource is what tells one mailing from another.
type CampaignSource uint8

// The sources of campaigns.
const (
	CampaignVERP      CampaignSource = iota // the envelope sender without what is of one recipient, message or signature
	CampaignSender                          // the envelope sender as it is
	CampaignMessageID                       // the domain of the Message-ID
	CampaignJob                             // what the log calls a job, campaign or mailing
	CampaignHeader                          // a header field that the log quotes, the parsers' [parsers.Options.CampaignHeader]
	numCampaignSources
)

var campaignSourceNames = [numCampaignSources]string{"verp", "sender", "message-id", "job", "header"}

// String returns the name of c as --campaign-from takes it.
func (c CampaignSource) String() string { return campaignSourceNames[c] }

// CampaignSources returns every source, the default first.
func CampaignSources() (all []CampaignSource) {
	for c := range numCampaignSources {
		all = append(all, c)
	}
	return all
}

// byName reports whether campaigns are told by what is said once of a message, apart from its sender.
func (c CampaignSource) byName() bool { return c == CampaignMessageID || c == CampaignHeader }

// names reports whether an event says what tells campaigns apart by name.
func (c CampaignSource) names(ev *parsers.Event) bool {
	return c == CampaignMessageID && ev.MessageID != "" || c == CampaignHeader && ev.Campaign != ""
}

// campaign returns the mailing that a message or an attempt is of, by what is known of it; empty: that does not tell.
func (o *Options) campaign(sender, messageID, job, header string) string {
	switch o.CampaignFrom {
	case CampaignVERP:
		return VERPBase(sender)
	case CampaignSender:
		return senderName(sender)
	case CampaignMessageID:
		return strings.ToLower(strings.TrimRight(parsers.Domain(messageID), "> "))
	case CampaignHeader:
		return header
	default:
		return job
	}
}

// senderName is how a sender is counted: its domain in one way, its local part as it is.
func senderName(address string) string {
	domain := parsers.Domain(address)
	if canonical := classify.Domain(domain); canonical != domain {
		return address[:len(address)-len(domain)] + canonical
	}
	return address
}

// VERPBase returns the envelope sender of a mailing, of which one message has address: without the recipient that a variable
// envelope return path has in it (`news-ann=example.org@lists.example.com`, `news+17@…`), without a signature (BATV
// `prvs=…=`, SRS) and without numbers of messages. Empty for no address and for the null sender.
func VERPBase(address string) string {
	domain := parsers.Domain(address)
	if domain == "" {
		return ""
	}
	local := strings.ToLower(address[:len(address)-len(domain)-1])
	for _, tag := range [...]string{"prvs=", "btv1==", "msprvs1="} { // BATV: a tag, an equals sign or two, the local part
		if rest, ok := strings.CutPrefix(local, tag); ok {
			if i := strings.IndexByte(rest, '='); i >= 0 {
				local = strings.TrimLeft(rest[i:], "=")
			}
		}
	}
	if len(local) > 4 && (local[:4] == "srs0" || local[:4] == "srs1") && strings.IndexByte("=+-", local[4]) >= 0 {
		local = local[:4]
	}
	if i := strings.IndexByte(local, '+'); i > 0 {
		local = local[:i]
	} else if i := strings.IndexByte(local, '='); i > 0 { // the recipient's @
		if j := strings.LastIndexByte(local[:i], '-'); j > 0 {
			local = local[:j]
		}
	}
	if i := strings.IndexAny(local, "-_."); i > 0 {
		base := local[:i]
		for rest := local[i:]; rest != ""; {
			next := strings.IndexAny(rest[1:], "-_.") + 1
			if next == 0 {
				next = len(rest)
			}
			if !serial(rest[1:next]) {
				base += rest[:next]
			}
			rest = rest[next:]
		}
		local = base
	}
	return local + "@" + classify.Domain(domain)
}

// serial reports whether a part of a name is a number, or as good as one: hexadecimal digits, or so long that nobody reads it.
func serial(s string) bool {
	digits, hex := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f':
			hex++
		}
	}
	return digits > 0 && (digits == len(s) || digits+hex == len(s) && len(s) >= 6 || len(s) >= 16)
}
