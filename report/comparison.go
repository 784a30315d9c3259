package report

// ComparisonName and ComparisonVersion say what a comparison in JSON is, as SchemaName and SchemaVersion do for a report.
const (
	ComparisonName    = "bouncelog.comparison"
	ComparisonVersion = "1.0"
)

// A Comparison is what changed between two reports beyond chance. Package internal/compare makes it, and says how.
//
// It is about outcomes: a delivery that was tried thirty times counts once. What repeats itself with every attempt, a
// transient reply, is compared by the category of the outcomes that it led to.
type Comparison struct {
	Schema        string `json:"schema"`
	SchemaVersion string `json:"schema_version"`
	Tool          Tool   `json:"tool"`

	Old  Side           `json:"old"`
	New  Side           `json:"new"`
	Test ComparisonTest `json:"test"`

	Regressions  int `json:"regressions"` // among Changes, but for those that others explain
	Improvements int `json:"improvements"`

	Changes   []Change         `json:"changes"`   // those with the most deliveries to it first
	Templates []TemplateChange `json:"templates"` // diagnostics that only one of the reports has
	Notes     []string         `json:"notes"`     // what could not be compared, and why
}

// A Side is one of the two reports, as far as it matters here.
type Side struct {
	Name       string   `json:"name,omitempty"` // as it was asked for: of a file or folder
	First      string   `json:"first,omitempty"`
	Last       string   `json:"last,omitempty"`
	Settled    int64    `json:"settled"` // outcomes: delivered, bounced or expired
	Failed     int64    `json:"failed"`  // of them: bounced or expired
	Pending    int64    `json:"pending"`
	BounceRate *float64 `json:"bounce_rate,omitempty"` // failed ÷ settled
}

// A ComparisonTest is what a difference had to pass to be told.
type ComparisonTest struct {
	Alpha       float64 `json:"alpha"`        // the risk, for the whole comparison, to tell a difference that is chance
	MinOutcomes int64   `json:"min_outcomes"` // there had to be so many on both sides
	MinChange   float64 `json:"min_change"`   // of a rate, as a fraction of one
	MinRatio    float64 `json:"min_ratio"`    // of the larger rate to the smaller one
	Tested      int     `json:"tested"`       // how many differences were looked at, for which the risk was corrected
	Correlation float64 `json:"correlation"`  // of the outcomes of an hour: how far they are not independent
}

// The verdicts of a Change.
const (
	Regression  = "regression"  // more fails
	Improvement = "improvement" // less does
)

// The metrics of a Change.
const (
	MetricFailed  = "failed"  // bounced or expired, of the settled outcomes
	MetricPending = "pending" // still deferred at the end of the log, of those and the settled ones
	MetricDelayed = "delayed" // delivered after a failed attempt, of those delivered
)

// The scopes of a Change.
const (
	ScopeTotal            = "total"
	ScopeProvider         = "provider"
	ScopeCategory         = "category"
	ScopeProviderCategory = "provider_category"
	ScopeReply            = "reply"
	ScopeDomain           = "domain"
)

// A Change is a rate that is not what it was. Which of the fields Provider to Domain are set follows from Scope.
type Change struct {
	Metric string `json:"metric"`
	Scope  string `json:"scope"`

	Provider     string `json:"provider,omitempty"`
	Category     string `json:"category,omitempty"`
	ReplyCode    int    `json:"reply_code,omitempty"`
	EnhancedCode string `json:"enhanced_code,omitempty"`
	Domain       string `json:"domain,omitempty"`

	Old        Part    `json:"old"`
	New        Part    `json:"new"`
	Difference float64 `json:"difference"` // new rate - old rate
	Excess     int64   `json:"excess"`     // outcomes by which New.Count differs from what it were at the old rate
	P          float64 `json:"p"`          // the probability of as much by chance, corrected, with two digits; 1e-12 stands for less too
	Verdict    string  `json:"verdict"`

	// Explained: changes of a category at a provider, that are in the list too, make up for most of this one.
	Explained bool `json:"explained"`

	Example *Example `json:"example,omitempty"` // one of New.Count, or of Old.Count for an improvement
}

// A Part is some of a number of outcomes.
type Part struct {
	Count int64    `json:"count"`
	Of    int64    `json:"of"`
	Rate  *float64 `json:"rate,omitempty"`
}

// NewPart returns count of a number of outcomes, with its rate.
func NewPart(count, of int64) Part { return Part{count, of, rate(count, of)} }

// A TemplateChange is a diagnostic that only one of the reports has, and that often enough not to be there by chance.
type TemplateChange struct {
	Change       string   `json:"change"` // new or vanished
	Text         string   `json:"text"`
	Count        int64    `json:"count"` // failed attempts that had it
	Class        string   `json:"class"`
	ReplyCode    int      `json:"reply_code,omitempty"`
	EnhancedCode string   `json:"enhanced_code,omitempty"`
	P            float64  `json:"p"` // as in Change
	Example      *Example `json:"example,omitempty"`
}

// What may have become of a template.
const (
	TemplateNew      = "new"
	TemplateVanished = "vanished"
)
