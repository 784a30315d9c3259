package report

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writePrometheus writes r in the text exposition format 0.0.4, fit for the textfile collector of node_exporter.
//
// All are gauges, as they are of the window of one report, and the next one may have less. Labels are of a bounded number of
// values only: class, category, provider, status, outcome and origin. Providers are those of the table of providers; who has
// a name of his own there, a domain, is in the totals alone. What the log did not say is left out.
func writePrometheus(w io.Writer, r *Report, _ WriteOptions) error {
	p := exposition{sink: newSink(w)}
	t, o, c := &r.Totals, &r.Outcomes, &r.Coverage

	p.family("attempts", "Delivery attempts of ordinary mail, by what our MTA made of them.")
	p.attempts(&t.Attempts)
	p.family("class_attempts", "Delivery attempts, by the permanence of their result.")
	for i := range r.Classes {
		p.count(r.Classes[i].Count, "class", r.Classes[i].Class)
	}
	p.family("origin_attempts", "Delivery attempts, by who made the result up.")
	for i := range t.Origins {
		p.count(t.Origins[i].Count, "origin", t.Origins[i].Origin)
	}
	p.family("outcomes", "Pairs of message and recipient, by how delivery ended.")
	p.count(o.DeliveredFirst, "outcome", "delivered_first")
	p.count(o.DeliveredLater, "outcome", "delivered_later")
	p.count(o.DeliveredUnknown, "outcome", "delivered_unknown")
	p.failures(&o.Outcomes)
	p.single("bounce_ratio", "Bounced and expired outcomes, of those delivered, bounced or expired.", t.BounceRate)
	p.single("deferral_ratio", "Deferred attempts, of all.", t.DeferralRate)
	p.family("overridden_attempts", "Delivery attempts whose status contradicts the reply.")
	p.count(t.Overridden)
	p.family("conflicting_attempts", "Delivery attempts whose reply code and enhanced code contradict each other.")
	p.count(t.Conflicts)

	p.family("category_attempts", "Failed delivery attempts, by cause.")
	for i := range r.Categories {
		x := &r.Categories[i]
		p.count(x.Deferred, "category", x.Category, "status", "deferred")
		p.count(x.Bounced, "category", x.Category, "status", "bounced")
	}
	p.family("category_outcomes", "Pairs of message and recipient that were not delivered, by the cause of the last failed attempt.")
	for i := range r.Categories {
		p.failures(&r.Categories[i].Outcomes, "category", r.Categories[i].Category)
	}
	p.providers(r)

	p.family("notification_attempts", "Delivery attempts of mail from the null sender: bounces and delay warnings.")
	p.attempts(&t.Notifications.Attempts)
	p.family("notification_outcomes", "Pairs of notification and recipient, by how delivery ended.")
	p.count(t.Notifications.Outcomes.Delivered, "outcome", "delivered")
	p.failures(&t.Notifications.Outcomes)
	p.family("internal_attempts", "Hops inside the house, such as content filters.")
	p.attempts(&t.Internal)
	p.family("probe_attempts", "Address verifications.")
	p.attempts(&t.Probes)
	for _, x := range []struct {
		name, help string
		n          int64
	}{
		{"suspended", "Deferrals without an attempt.", t.Suspended},
		{"discarded", "Messages that the MTA threw away and logged as sent, by recipient.", t.Discarded},
		{"unattempted_bounces", "Bounces without an attempt.", t.Unattempted},
		{"suppressed", "Recipients kept back by a suppression list or policy.", t.Suppressed},
		{"async_bounces", "Bounce messages that came after the delivery.", t.Async},
		{"connects", "Servers tried that did not decide an attempt.", t.Connects},
		{"inbound_refusals", "Refusals at our own door.", t.Inbound},

		{"lines", "Lines of the logs that were read.", c.Lines},
		{"lines_delivery", "Lines that tell of a delivery attempt or its end.", c.Delivery},
		{"lines_context", "Lines known, and used to join the others.", c.Context},
		{"lines_ignored", "Lines known and not about delivery, or another program's.", c.Ignored},
		{"lines_unrecognised", "Lines that no format knows.", c.Unrecognised},
		{"lines_malformed", "Lines that should parse and do not.", c.Malformed},
		{"lines_overlong", "Lines longer than the limit.", c.Overlong},
		{"lines_skipped", "Lines after the window, which were not read.", c.Skipped},
		{"lines_dropped", "Lines left out as repeats of others.", c.Dropped},
		{"lines_repeated", "Delivery records that stand in the log as repeated only.", c.Repeats},
		{"gaps", "Lines that say that lines were lost: all numbers are lower bounds.", c.Gaps},

		{"reply_kinds", "Different reply codes, enhanced codes and classes.", int64(r.RepliesTotal)},
		{"providers", "Providers that were tried.", int64(r.ProvidersTotal)},
		{"domains", "Recipient domains that were tried.", int64(r.DomainsTotal)},
		{"sender_domains", "Sender domains.", int64(r.SendersTotal)},
		{"templates", "Different diagnostics of failed attempts.", int64(r.TemplatesTotal)},
	} {
		p.family(x.name, x.help)
		p.count(x.n)
	}
	p.single("lines_recognised_ratio", "Lines of the buckets delivery, context and ignored, of all.", c.Recognised)
	p.instant("window_first_timestamp_seconds", "Time of the first line that was counted.", r.Window.First)
	p.instant("window_last_timestamp_seconds", "Time of the last line that was counted.", r.Window.Last)
	return p.Flush()
}

// providers writes what is told apart by provider: of those in the table of providers.
func (p *exposition) providers(r *Report) {
	var known []*Provider
	for i := range r.Providers {
		if v := &r.Providers[i]; v.Title != "" && !v.Folded {
			known = append(known, v)
		}
	}
	p.family("provider_attempts", "Delivery attempts at the servers of a known provider, by status.")
	for _, v := range known {
		p.count(v.Sent, "provider", v.Provider, "status", "sent")
		p.count(v.Deferred, "provider", v.Provider, "status", "deferred")
		p.count(v.Bounced, "provider", v.Provider, "status", "bounced")
	}
	p.family("provider_outcomes", "Pairs of message and recipient at a known provider, by how delivery ended.")
	for _, v := range known {
		p.count(v.Outcomes.Delivered, "provider", v.Provider, "outcome", "delivered")
		p.failures(&v.Outcomes, "provider", v.Provider)
	}
	p.family("provider_category_attempts", "Failed delivery attempts at the servers of a known provider, by cause.")
	for _, v := range known {
		for _, c := range v.Categories {
			p.count(c.Attempts, "provider", v.Provider, "category", c.Category)
		}
	}
	p.family("provider_bounce_ratio", "Bounced and expired outcomes, of those delivered, bounced or expired at a known provider.")
	for _, v := range known {
		p.ratio(v.BounceRate, "provider", v.Provider)
	}
	p.family("provider_deferral_ratio", "Deferred attempts, of all at the servers of a known provider.")
	for _, v := range known {
		p.ratio(v.DeferralRate, "provider", v.Provider)
	}

	times := []struct {
		name, help string
		of         func(*DeliveryTime) *float64
	}{
		{"p50", "Half of the recipients were delivered to in this time, deferrals included.", func(d *DeliveryTime) *float64 { return d.P50 }},
		{"p90", "90 % of the recipients were delivered to in this time, deferrals included.", func(d *DeliveryTime) *float64 { return d.P90 }},
		{"p99", "99 % of the recipients were delivered to in this time, deferrals included.", func(d *DeliveryTime) *float64 { return d.P99 }},
	}
	for _, q := range times {
		p.family("delivery_time_"+q.name+"_seconds", q.help)
		for i := range r.DeliveryTimes {
			if d := &r.DeliveryTimes[i]; d.Provider == "" {
				p.ratio(q.of(d))
			}
		}
		p.family("provider_delivery_time_"+q.name+"_seconds", q.help+" By known provider.")
		for i := range r.DeliveryTimes {
			if d := &r.DeliveryTimes[i]; d.Title != "" {
				p.ratio(q.of(d), "provider", d.Provider)
			}
		}
	}
}

// labelEscapes are those of a label's value.
var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// An exposition writes families of metrics. A family without a sample is left out.
type exposition struct {
	sink
	name, help string // of the family that is open
	begun      bool   // it has a sample
}

// family begins a family of gauges. All names have the same prefix.
func (p *exposition) family(name, help string) {
	p.name, p.help, p.begun = "bouncelog_"+name, help, false
}

func (p *exposition) attempts(a *Attempts) {
	p.count(a.Sent, "status", "sent")
	p.count(a.Deferred, "status", "deferred")
	p.count(a.Bounced, "status", "bounced")
}

func (p *exposition) failures(o *Outcomes, labels ...string) {
	labels = append(slices.Clip(labels), "outcome", "")
	for _, x := range []struct {
		outcome string
		n       int64
	}{{"bounced", o.Bounced}, {"expired", o.Expired}, {"pending", o.Pending}, {"lost", o.Lost}} {
		labels[len(labels)-1] = x.outcome
		p.count(x.n, labels...)
	}
}

// count writes a sample, whose labels are pairs of a name and a value.
func (p *exposition) count(n int64, labels ...string) {
	p.sample(strconv.FormatInt(n, 10), labels)
}

// single writes a family of one sample.
func (p *exposition) single(name, help string, v *float64) {
	p.family(name, help)
	p.ratio(v)
}

// ratio writes a sample where there is a value.
func (p *exposition) ratio(v *float64, labels ...string) {
	if v != nil {
		p.sample(strconv.FormatFloat(*v, 'f', -1, 64), labels)
	}
}

// instant writes a family of one sample, a time as seconds since 1970.
func (p *exposition) instant(name, help, at string) {
	p.family(name, help)
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		p.sample(strings.TrimSuffix(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64), ".000"), nil)
	}
}

func (p *exposition) sample(value string, labels []string) {
	if !p.begun {
		p.begun = true
		p.buf = append(p.buf, "# HELP "+p.name+" "+p.help+"\n# TYPE "+p.name+" gauge\n"...)
	}
	p.buf = append(p.buf, p.name...)
	open := byte('{')
	for i := 0; i < len(labels); i += 2 {
		p.buf = append(append(p.buf, open), labels[i]...)
		p.buf = append(p.buf, `="`+labelEscapes.Replace(Visible(labels[i+1]))+`"`...)
		open = ','
	}
	if len(labels) > 0 {
		p.buf = append(p.buf, '}')
	}
	p.buf = append(p.buf, " "+value+"\n"...)
}
