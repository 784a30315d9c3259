package report

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// newsletterReport is three days after a mailing of half a million, as a page shows them best: every section has something
// in it, and all sums agree.
func newsletterReport(t testing.TB, domains int) *Report {
	t.Helper()
	type cause struct {
		category, rule    string
		deferred, bounced int64
		code              parsers.ReplyCode
		enhanced          string
		text              string
	}
	unknown := func(n int64) cause {
		return cause{"bad_mailbox", "", 0, n, 550, "5.1.1", "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown in virtual mailbox table"}
	}
	full := func(n int64) cause {
		return cause{"mailbox_full", "", 3 * n, n, 452, "4.2.2", "452 4.2.2 <bob@example.net>: mailbox is over quota"}
	}
	timeout := func(n int64) cause {
		return cause{"connection", "", n, 0, 0, "", "connect to mx2.example.org[192.0.2.14]:25: Connection timed out"}
	}
	world := []struct {
		provider string
		sent     int64
		causes   []cause
	}{
		{"google", 214_310, []cause{
			{"rate_limited", "google-rate-ip", 18_420, 0, 421, "4.7.28", "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address [198.51.100.10]"},
			unknown(2_204), full(310), {"auth_failed", "google-auth-dmarc", 0, 96, 550, "5.7.26", "550 5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC policy."},
		}},
		{"outlook", 118_003, []cause{
			{"blocklisted", "", 240, 7_811, 550, "5.7.606", "550 5.7.606 Access denied, banned sending IP [198.51.100.11]"},
			unknown(1_770), {"rate_limited", "", 3_020, 0, 451, "4.7.652", "451 4.7.652 The mail server [198.51.100.10] has exceeded the maximum number of connections."},
		}},
		{"yahoo", 61_220, []cause{
			{"reputation", "", 9_310, 0, 421, "4.7.0", "421 4.7.0 [TSS04] Messages from 198.51.100.10 temporarily deferred due to user complaints"},
			unknown(903), {"inactive_mailbox", "", 0, 411, 554, "", "554 delivery error: This mailbox is disabled"},
		}},
		{"icloud", 24_870, []cause{unknown(214), full(122), {"spam_content", "", 0, 388, 550, "5.7.1", "550 5.7.1 Message rejected as spam"}}},
		{"gmx", 18_112, []cause{unknown(180), {"greylisted", "", 2_113, 0, 451, "4.7.1", "451 4.7.1 Greylisting in action, please come back in 5 minutes"}, timeout(77)}},
		{"t-online", 9_804, []cause{{"sender_identity", "", 612, 204, 554, "", "554 IP=198.51.100.11 - Dialup/transient IP not allowed"}, unknown(88)}},
		{"mailru", 7_410, []cause{unknown(310), full(41), {"policy", "", 0, 66, 550, "5.7.1", "550 5.7.1 Refused for policy reasons"}}},
		{"example.com", 5_020, []cause{unknown(412), timeout(1_204), {"tls", "", 88, 0, 454, "4.7.0", "454 4.7.0 TLS not available due to local problem"}}},
		{"example.net", 2_144, []cause{{"dns_failure", "", 940, 12, 0, "", "Host or domain name not found. Name service error for name=example.net type=MX: Host not found, try again"}, full(60)}},
		{"example.org", 1_208, []cause{{"bad_domain", "", 0, 140, 556, "5.1.10", "556 5.1.10 Domain example.org does not accept mail (nullMX)"}, {"too_large", "", 0, 31, 552, "5.3.4", "552 5.3.4 Message size exceeds fixed limit"}}},
	}

	c := summary.NewCounts()
	var tb tables
	var rows, providers []summary.NamedTally
	minute := 0
	evidence := func(s string) summary.Evidence {
		minute += 7
		return summary.Evidence{Time: parsers.StampOf(day.Add(6*time.Hour + time.Duration(minute)*time.Minute)), Text: s, Pos: summary.Pos{Input: uint32(minute % 2), Line: uint32(100 + 97*minute)}}
	}
	var failed, retried int64
	for _, w := range world {
		row := summary.NamedTally{Name: w.provider}
		row.Attempts.Sent = w.sent
		for _, x := range w.causes {
			row.Attempts.Deferred += x.deferred
			row.Attempts.Bounced += x.bounced
			tb.causes = append(tb.causes, summary.CauseCount{Category: x.category, Rule: x.rule, Provider: w.provider, Deferred: x.deferred, Bounced: x.bounced, Example: evidence(x.text)})
			class := parsers.Transient
			if x.bounced > x.deferred {
				class = parsers.Permanent
			}
			key := reply(x.code, x.enhanced, class, x.deferred+x.bounced)
			i := slices.IndexFunc(tb.replies, func(r summary.ReplyCount) bool { return r.ReplyKey == key.ReplyKey })
			if i < 0 {
				tb.replies = append(tb.replies, key)
			} else {
				tb.replies[i].N += key.N
			}
			tb.templates = append(tb.templates, summary.Template{Text: "host <host> said: " + x.text, Reply: key.ReplyKey, N: key.N, Last: at("71h"), Example: evidence(x.text)})
		}
		deferred := row.Attempts.Deferred / 3
		row.Outcomes[summary.DeliveredLater], row.Outcomes[summary.DeliveredFirst] = deferred, w.sent-deferred
		row.Outcomes[summary.Bounced], row.Outcomes[summary.Expired], row.Outcomes[summary.Pending] = row.Attempts.Bounced, deferred/40, deferred/25
		addTally(&c.Total, &row.Tally)
		failed += row.Attempts.Deferred + row.Attempts.Bounced
		retried += deferred
		providers = append(providers, row)
		tb.deliveries = append(tb.deliveries, summary.DeliveryTime{Provider: w.provider,
			Times:     lengths(map[int64]int64{400 + w.sent%900: w.sent * 6 / 10, 1_900 + w.sent%4_000: w.sent - w.sent*6/10 - deferred, 600_000 + 40*deferred: deferred}),
			Delivered: []int64{w.sent - deferred, deferred - deferred/3, deferred / 3}, GivenUp: []int64{row.Attempts.Bounced, 0, deferred / 40}, Pending: []int64{0, 0, deferred / 25}})
	}
	slices.SortFunc(tb.replies, func(a, b summary.ReplyCount) int { return cmp.Compare(b.N, a.N) })
	slices.SortFunc(tb.templates, func(a, b summary.Template) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Text, b.Text)) })
	tb.deliveries = append([]summary.DeliveryTime{{
		Times:     lengths(map[int64]int64{450: 300_000, 2_100: c.Total.Attempts.Sent - 300_000 - retried, 700_000: retried - 900, 9_000_000: 900}),
		Delivered: []int64{c.Total.Attempts.Sent - retried, retried / 2, retried / 4, retried / 8, retried - retried/2 - retried/4 - retried/8},
		GivenUp:   []int64{c.Total.Attempts.Bounced, 0, 0, 0, c.Total.Outcomes[summary.Expired]}, Pending: []int64{0, 0, c.Total.Outcomes[summary.Pending] / 2, 0, c.Total.Outcomes[summary.Pending] - c.Total.Outcomes[summary.Pending]/2},
	}}, tb.deliveries...)

	// Most goes out in the first hours of each day. The last hour takes what is left.
	left := c.Total
	share := func(h int) int64 { return int64(4 + 60/(1+h%24) + 120/(1+h)) }
	var shares int64
	for h := range 72 {
		shares += share(h)
	}
	for h := range 72 {
		var x summary.Hour
		x.Start = parsers.StampOf(day.Add(time.Duration(h) * time.Hour))
		take := func(all, left *int64) int64 {
			n := min(*all*share(h)/shares, *left)
			if h == 71 {
				n = *left
			}
			*left -= n
			return n
		}
		x.Sent = take(&c.Total.Attempts.Sent, &left.Attempts.Sent)
		x.Deferred = take(&c.Total.Attempts.Deferred, &left.Attempts.Deferred)
		x.Bounced = take(&c.Total.Attempts.Bounced, &left.Attempts.Bounced)
		x.ByClass = [4]int64{0, x.Sent, x.Deferred, x.Bounced}
		for o := range left.Outcomes {
			if o != int(summary.Pending) {
				x.Outcomes[o] = take(&c.Total.Outcomes[o], &left.Outcomes[o])
			}
		}
		tb.hours = append(tb.hours, x)
	}

	tops := make(map[string]summary.ReplyCount)
	for i := range domains {
		of := &world[i%len(world)]
		name := fmt.Sprintf("customer-%04d.example.%s", i, []string{"com", "net", "org"}[i%3])
		if i < len(world) {
			name = []string{"example.com", "mail.example.net", "example.org", "post.example.com", "example.net", "mx.example.org", "list.example.com", "shop.example.net", "news.example.org", "old.example.com"}[i]
		}
		n := int64(1 + 4_000/(i+1))
		x := of.causes[i%len(of.causes)]
		rows = append(rows, summary.NamedTally{Name: name, Tally: tally(20*n, x.deferred*n/9_000, x.bounced*n/3_000, 19*n, n, x.bounced*n/3_000, 0, x.deferred*n/90_000)})
		class := parsers.Transient
		if x.code >= 500 {
			class = parsers.Permanent
		}
		tops[name] = reply(x.code, x.enhanced, class, 1+n/2)
	}
	tb.topReplies = given(tops)
	tb.domains, tb.providers = slices.Values(rows), slices.Values(providers)
	tb.senders = slices.Values([]summary.NamedTally{{Name: "news.example.org", Tally: c.Total}})
	tb.breakdowns = []summary.Breakdown{{By: []string{"source-ip"}, Rows: []summary.BreakdownRow{
		{Key: []string{"198.51.100.10"}, Tally: tally(402_101, 33_000, 2_100, 390_000, 12_101, 2_100, 300, 410)},
		{Key: []string{"198.51.100.11"}, Tally: tally(60_000, 5_620, 13_030, 59_000, 1_000, 13_030, 0, 80)},
	}}}
	tb.hosts = []summary.Host{{Name: "mx1", Lines: 1_204_310, First: at("6h"), Last: at("71h")}, {Name: "mx2", Lines: 804_101, First: at("6h"), Last: at("71h")}}
	tb.programs = []summary.Program{{Name: "dovecot", Lines: 61_012}, {Name: "sshd", Lines: 1_204}}
	c.First, c.Last = at("6h0m2s"), at("71h58m41s")
	c.ByClass = [4]int64{0, c.Total.Attempts.Sent, c.Total.Attempts.Deferred, c.Total.Attempts.Bounced}
	c.ByOrigin = [5]int64{0, c.Total.Attempts.Total() - 2_321, 2_321}
	c.Ledger = summary.Ledger{520_011, 1_424_117, 64_210, 61, 9, 3}
	c.Notifications, c.Connects, c.Suspended = tally(1_820, 41, 12, 1_810, 10, 12, 0, 4), 2_910, 6_004
	r := mustBuild(t, c, tb, Options{
		Tool: Tool{"bouncelog", "1.2.3"}, Classifier: builtin(t), Locate: locate,
		Inputs: []Input{
			{Name: "/var/log/mail.log.1", Formats: []string{"postfix"}, Compression: "gzip", Bytes: 48_210_771, Lines: 1_204_310, First: "2026-11-20T06:00:01Z", Last: "2026-11-21T23:59:59Z", Hosts: []string{"mx1", "mx2"}},
			{Name: "/var/log/mail.log", Formats: []string{"postfix"}, Bytes: 160_002_114, Lines: 804_101, First: "2026-11-22T00:00:00Z", Last: "2026-11-22T23:58:41Z", Hosts: []string{"mx1", "mx2"}},
		},
		Samples: []Sample{{Bucket: "malformed", Reason: "column 41: no closing bracket", Text: "4B1C2D3E4F5: to=<bob@example.net", File: "/var/log/mail.log", Line: 80_412}},
	})
	for i := range r.Categories {
		if _, ok := classify.ParseCategory(r.Categories[i].Category); !ok {
			t.Fatalf("no category %q", r.Categories[i].Category)
		}
	}
	return r
}
