// Package report is what bouncelog found out, as plain data, and the writers that print it.
//
// It is the last step of the way: [Build] turns counts into a [Report], where every number and every rate is computed
// once; a [Format] writes a Report to an io.Writer and computes nothing. Delivery attempts, one a line, have writers of
// their own: [NewRecordWriter].
//
// The JSON form of a Report is a public format. [Schema] describes it; within a major version, it only grows. Its words
// are those of RFC 3463 (enhanced codes, class), RFC 3464 (attempt, recipient, diagnostic) and RFC 5321 (reply code).
package report

import "strings"

// SchemaName and SchemaVersion say what a report in JSON is. The version is `major.minor`: a minor one adds keys, a
// major one changes them.
const (
	SchemaName    = "bouncelog.report"
	SchemaVersion = "1.2"
)

// A Report is what was found out about one set of logs. Lists are never nil, so that JSON has `[]` and no null; rates are
// fractions of one, rounded to six digits, and nil where there is nothing to divide by. Times are RFC 3339, UTC, and
// empty where the log did not say.
//
// Lists that Options.Top or Options.MinAttempts may shorten have a `_total` beside them: the rows there were.
type Report struct {
	Schema        string `json:"schema"`
	SchemaVersion string `json:"schema_version"`
	Tool          Tool   `json:"tool"`

	Redaction Redaction `json:"redaction,omitempty"` // what was replaced by pseudonyms; empty: nothing

	Inputs    []Input    `json:"inputs"`
	Window    Window     `json:"window"`
	Selection *Selection `json:"selection,omitempty"` // nil: all mail
	Coverage  Coverage   `json:"coverage"`
	Totals    Totals     `json:"totals"`

	Outcomes AllOutcomes `json:"outcomes"`
	Classes  []Class     `json:"classes"`

	Replies      []Reply `json:"replies"`
	RepliesTotal int     `json:"replies_total"`

	Categories     []Category `json:"categories"`
	Providers      []Provider `json:"providers"`
	ProvidersTotal int        `json:"providers_total"`

	Domains      []Domain `json:"domains"`
	DomainsTotal int      `json:"domains_total"`
	Senders      []Sender `json:"senders"`
	SendersTotal int      `json:"senders_total"`

	DeliveryTimes []DeliveryTime `json:"delivery_times"`

	Timeline []Hour `json:"timeline"`

	Breakdowns []Breakdown `json:"breakdowns"`

	Templates      []Template `json:"templates"`
	TemplatesTotal int        `json:"templates_total"`

	Hints []Hint `json:"hints"`

	// Comparison is what changed since a baseline; nil where none was given.
	Comparison *Comparison `json:"comparison,omitempty"`
}

// A Tool is the program that made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// An Input is one file, or standard input, that was read.
type Input struct {
	Name        string   `json:"name"`
	Formats     []string `json:"formats"`
	Compression string   `json:"compression,omitempty"`
	Bytes       int64    `json:"bytes"` // as stored: compressed where it is
	Lines       int64    `json:"lines"`
	First       string   `json:"first,omitempty"`
	Last        string   `json:"last,omitempty"`
	Hosts       []string `json:"hosts"`
	Note        string   `json:"note,omitempty"` // what went wrong with it: `truncated gzip member`
}

// A Window is the span of time that was asked for, and the one that was found.
type Window struct {
	Since string `json:"since,omitempty"` // asked for
	Until string `json:"until,omitempty"`
	First string `json:"first,omitempty"` // of what was counted
	Last  string `json:"last,omitempty"`
}

// A Selection is what alone was counted, as patterns. Empty: all.
type Selection struct {
	Domain       string `json:"domain,omitempty"` // of recipients
	Sender       string `json:"sender,omitempty"`
	Job          string `json:"job,omitempty"`
	Campaign     string `json:"campaign,omitempty"`
	CampaignFrom string `json:"campaign_from,omitempty"` // what tells campaigns apart: verp, sender, message-id, job, header:NAME
}

// String is a selection in words, empty for nil: `recipients at *.org`.
func (s *Selection) String() string {
	if s == nil {
		return ""
	}
	var words []string
	for _, x := range []struct{ what, pattern string }{
		{"recipients at ", s.Domain}, {"senders like ", s.Sender}, {"jobs like ", s.Job}, {"campaigns by " + s.CampaignFrom + " like ", s.Campaign},
	} {
		if x.pattern != "" {
			words = append(words, x.what+x.pattern)
		}
	}
	return strings.Join(words, ", ")
}

// Coverage is the ledger: where every input line went. The six buckets sum to Lines.
type Coverage struct {
	Lines        int64 `json:"lines"`
	Delivery     int64 `json:"delivery"`     // tell of a delivery attempt or its end
	Context      int64 `json:"context"`      // known, and of use to the correlation
	Ignored      int64 `json:"ignored"`      // known, and not about delivery; or another program's
	Unrecognised int64 `json:"unrecognised"` // no format knows them
	Malformed    int64 `json:"malformed"`    // should parse and do not
	Overlong     int64 `json:"overlong"`     // longer than the limit

	Recognised *float64 `json:"recognised,omitempty"` // (delivery + context + ignored) ÷ lines

	Skipped int64 `json:"skipped"` // lines after the window, in no bucket: they were not read
	Dropped int64 `json:"dropped"` // lines left out as repeats of others, in no bucket
	Repeats int64 `json:"repeats"` // delivery records that `message repeated N times` stands for
	Gaps    int64 `json:"gaps"`    // lines that say that lines were lost: totals are lower bounds

	ForeignPrograms []Program `json:"foreign_programs"` // whose lines are among Ignored
	Hosts           []Host    `json:"hosts"`
	Samples         []Sample  `json:"samples"`
}

// NotUnderstood returns how many lines are unrecognised, malformed or overlong.
func (c *Coverage) NotUnderstood() int64 { return c.Unrecognised + c.Malformed + c.Overlong }

// Foreign returns how many lines are of other programs.
func (c *Coverage) Foreign() (n int64) {
	for i := range c.ForeignPrograms {
		n += c.ForeignPrograms[i].Lines
	}
	return n
}

// A Program is another program whose lines stand in the log. Folded marks the row of all there was no room for.
type Program struct {
	Name   string `json:"name"`
	Folded bool   `json:"folded,omitempty"`
	Lines  int64  `json:"lines"`
}

// A Host is a host whose log this is, as the log names it.
type Host struct {
	Name   string `json:"name"`
	Folded bool   `json:"folded,omitempty"`
	Lines  int64  `json:"lines"`
	First  string `json:"first,omitempty"`
	Last   string `json:"last,omitempty"`
}

// A Sample is a line that was not understood.
type Sample struct {
	Bucket string `json:"bucket"` // unrecognised, malformed or overlong
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text"`
	File   string `json:"file,omitempty"`
	Line   int64  `json:"line,omitempty"`
}

// Attempts counts delivery attempts by what our MTA made of them. Attempts is their sum.
type Attempts struct {
	Attempts int64 `json:"attempts"`
	Sent     int64 `json:"sent"`
	Deferred int64 `json:"deferred"`
	Bounced  int64 `json:"bounced"`
}

// Outcomes counts pairs of message and recipient by how delivery ended.
type Outcomes struct {
	Delivered int64 `json:"delivered"`
	Bounced   int64 `json:"bounced"`
	Expired   int64 `json:"expired"` // given up because the queue lifetime ran out
	Pending   int64 `json:"pending"` // still deferred at the end of the log
	Lost      int64 `json:"lost"`    // left the queue while deferred, or silent for too long
}

// Settled returns how many are settled for good, the divisor of the bounce rate: delivered, bounced and expired.
func (o *Outcomes) Settled() int64 { return o.Delivered + o.Bounced + o.Expired }

// AllOutcomes is Outcomes with the delivered ones told apart; these three sum to Delivered.
type AllOutcomes struct {
	DeliveredFirst   int64 `json:"delivered_first"`   // at the first try
	DeliveredLater   int64 `json:"delivered_later"`   // after a deferral
	DeliveredUnknown int64 `json:"delivered_unknown"` // the log does not hold the beginning
	Outcomes
}

// Rates are the two rates that everything uses.
type Rates struct {
	BounceRate   *float64 `json:"bounce_rate,omitempty"`   // (bounced + expired) ÷ (delivered + bounced + expired), of outcomes
	DeferralRate *float64 `json:"deferral_rate,omitempty"` // deferred ÷ attempts
}

// Totals counts the attempts of ordinary mail (that were made, to a remote server, a smarthost or a local mailbox), and
// apart from them whatever else there was.
type Totals struct {
	Attempts
	Rates
	Origins    []Origin `json:"origins"`    // the same attempts
	Overridden int64    `json:"overridden"` // attempts whose status contradicts the reply
	Conflicts  int64    `json:"conflicts"`  // attempts whose reply code and enhanced code contradict each other

	Notifications Notifications `json:"notifications"` // mail from the null sender
	Internal      Attempts      `json:"internal"`      // hops inside the house
	Probes        Attempts      `json:"probes"`        // address verifications
	Suspended     int64         `json:"suspended"`     // deferrals without an attempt
	Discarded     int64         `json:"discarded"`     // `sent` by an MTA that threw the message away
	Unattempted   int64         `json:"unattempted"`   // bounces without an attempt
	Suppressed    int64         `json:"suppressed"`    // kept back by a suppression list or policy
	Async         int64         `json:"async"`         // bounce messages that came after `sent`
	Connects      int64         `json:"connects"`      // servers tried that did not decide an attempt
	Inbound       int64         `json:"inbound"`       // refusals at our own door
}

// Notifications are bounces and delay warnings that were sent.
type Notifications struct {
	Attempts
	Outcomes Outcomes `json:"outcomes"`
}

// An Origin counts attempts by who made the result up: remote, local, implied, provider or unknown.
type Origin struct {
	Origin string   `json:"origin"`
	Count  int64    `json:"count"`
	Share  *float64 `json:"share,omitempty"` // of all attempts
}

// A Class counts attempts by the permanence of their result: success, transient, permanent or unknown.
type Class struct {
	Class string   `json:"class"`
	Count int64    `json:"count"`
	Share *float64 `json:"share,omitempty"` // of all attempts
}

// A Reply counts attempts by what was answered. Without a code and an enhanced code, nobody answered.
type Reply struct {
	ReplyCode       int      `json:"reply_code,omitempty"`
	EnhancedCode    string   `json:"enhanced_code,omitempty"`
	Class           string   `json:"class"`
	Count           int64    `json:"count"`
	Share           *float64 `json:"share,omitempty"`            // of all attempts; of a domain's in its top reply
	Meaning         string   `json:"meaning,omitempty"`          // of the reply code
	EnhancedMeaning string   `json:"enhanced_meaning,omitempty"` // of the enhanced code
	Standing        string   `json:"standing,omitempty"`         // of the reply code, in the registry
}

// A Tally is what is counted for a domain or a sender.
type Tally struct {
	Attempts
	Outcomes Outcomes `json:"outcomes"`
	Rates
}

// A Domain is one recipient domain. Folded marks the row of all there was no room for, whose name is `other`.
type Domain struct {
	Domain string `json:"domain"`
	Folded bool   `json:"folded,omitempty"`
	Tally
	TopReply *Reply `json:"top_reply,omitempty"` // which most of its failed attempts got
}

// A Sender is one sender domain. Folded as in Domain.
type Sender struct {
	SenderDomain string `json:"sender_domain"`
	Folded       bool   `json:"folded,omitempty"`
	Tally
}

// An Hour counts the attempts of one hour, UTC, and the outcomes that were settled in it. Start is empty for those that the
// log gave no time.
type Hour struct {
	Start    string  `json:"start,omitempty"`
	Sent     int64   `json:"sent"`
	Deferred int64   `json:"deferred"`
	Bounced  int64   `json:"bounced"`
	Classes  Classes `json:"classes"` // of the same attempts
	Outcomes Settled `json:"outcomes"`
	Rates
}

// Classes counts attempts by class.
type Classes struct {
	Success   int64 `json:"success"`
	Transient int64 `json:"transient"`
	Permanent int64 `json:"permanent"`
	Unknown   int64 `json:"unknown"`
}

// Settled is Outcomes without those that are open.
type Settled struct {
	Delivered int64 `json:"delivered"`
	Bounced   int64 `json:"bounced"`
	Expired   int64 `json:"expired"`
	Lost      int64 `json:"lost"`
}

// A Template is a diagnostic of failed attempts with its ids, addresses and numbers masked. Folded as in Domain.
type Template struct {
	Text         string   `json:"text"`
	Folded       bool     `json:"folded,omitempty"`
	Count        int64    `json:"count"`
	Class        string   `json:"class"`
	ReplyCode    int      `json:"reply_code,omitempty"`
	EnhancedCode string   `json:"enhanced_code,omitempty"`
	Example      *Example `json:"example,omitempty"`
	Last         string   `json:"last,omitempty"`
}

// An Example is the line that stands for a template: the earliest.
type Example struct {
	Text string `json:"text"`
	File string `json:"file,omitempty"`
	Line int64  `json:"line,omitempty"`
	Time string `json:"time,omitempty"`
}
