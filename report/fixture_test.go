package report

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func at(clock string) parsers.Stamp {
	d, err := time.ParseDuration(clock)
	if err != nil {
		panic(err)
	}
	return parsers.StampOf(day.Add(d))
}

// locate names the places of the fixtures: block 1 of input 1 begins with line 1000.
func locate(p summary.Pos) (string, int64) {
	return [...]string{"mail.log.1", "mail.log"}[p.Input], int64(p.Block)*1000 + int64(p.Line)
}

func tally(sent, deferred, bounced, first, later, gone, expired, pending int64) summary.Tally {
	t := summary.Tally{Attempts: summary.Attempts{Sent: sent, Deferred: deferred, Bounced: bounced}}
	t.Outcomes[summary.DeliveredFirst], t.Outcomes[summary.DeliveredLater] = first, later
	t.Outcomes[summary.Bounced], t.Outcomes[summary.Expired], t.Outcomes[summary.Pending] = gone, expired, pending
	return t
}

func reply(code parsers.ReplyCode, enhanced string, class parsers.Class, n int64) summary.ReplyCount {
	e, _ := parsers.ParseEnhanced(enhanced)
	return summary.ReplyCount{ReplyKey: summary.ReplyKey{Code: code, Enhanced: e, Class: class}, N: n}
}

// fullReport is an ordinary day.
func fullReport(t testing.TB, o Options) *Report {
	t.Helper()
	c := summary.NewCounts()
	c.Ledger = summary.Ledger{1_315_220, 2_400_113, 88_412, 37, 4, 1}
	c.Skipped, c.Dropped, c.Repeats, c.Gaps = 512, 3, 19, 2
	c.First, c.Last = at("12s"), at("47h59m58s")
	c.Total = tally(1_204_511, 74_102, 31_872, 1_190_400, 9_870, 31_650, 1_204, 2_211)
	c.Total.Outcomes[summary.DeliveredUnknown], c.Total.Outcomes[summary.Lost] = 4_241, 3
	c.ByClass = [4]int64{14, 1_204_511, 74_090, 31_870}
	c.ByOrigin = [5]int64{0, 1_281_400, 29_085, 0, 0}
	c.Overridden, c.Conflicts = 12, 7
	c.Notifications = tally(1_100, 40, 60, 1_090, 10, 60, 0, 5)
	c.Internal = summary.Attempts{Sent: 1_236_000}
	c.Probes = summary.Attempts{Sent: 8, Bounced: 2}
	c.Suspended, c.Connects, c.Inbound = 5_120, 830, 44_190

	replies := []summary.ReplyCount{
		reply(250, "2.0.0", parsers.Success, 1_150_002),
		reply(250, "", parsers.Success, 54_509),
		reply(451, "4.7.1", parsers.Transient, 40_233),
		reply(550, "5.1.1", parsers.Permanent, 22_871),
		reply(0, "", parsers.Transient, 21_077),
		reply(421, "4.7.28", parsers.Transient, 12_780),
		reply(550, "5.7.1", parsers.Permanent, 6_100),
		reply(554, "", parsers.Permanent, 1_900),
		reply(0, "", parsers.Permanent, 999),
		reply(571, "", parsers.Permanent, 9),
		reply(0, "", parsers.ClassUnknown, 5),
	}
	tb := tables{
		domains: slices.Values([]summary.NamedTally{
			{Name: "", Tally: tally(90, 5, 5, 90, 0, 5, 0, 0)},
			{Name: "bücher.example", Tally: tally(10, 0, 0, 10, 0, 0, 0, 0)},
			{Name: "example.com", Tally: tally(702_311, 40_233, 12_004, 700_100, 2_211, 12_004, 900, 1_100)},
			{Name: "example.net", Tally: tally(402_000, 33_862, 19_200, 395_000, 7_000, 19_000, 304, 1_111)},
			{Name: "mail.a-very-long-subdomain-of-some-sending-company.example.org", Tally: tally(1, 0, 663, 1, 0, 641, 0, 0)},
			{Name: "other", Tally: tally(100_000, 0, 0, 100_000, 0, 0, 0, 0)},
			{Name: "pending.example", Tally: tally(0, 2, 0, 0, 0, 0, 0, 2)},
		}),
		senders: slices.Values([]summary.NamedTally{
			{Name: "news.example.org", Tally: tally(1_200_000, 74_000, 31_000, 1_190_000, 10_000, 31_000, 1_200, 2_200)},
			{Name: "shop.example.org", Tally: tally(4_511, 102, 872, 4_400, 111, 650, 4, 11)},
		}),
		replies: replies,
		topReplies: given(map[string]summary.ReplyCount{
			"example.com": reply(451, "4.7.1", parsers.Transient, 40_233),
			"example.net": reply(550, "5.1.1", parsers.Permanent, 19_000),
			"mail.a-very-long-subdomain-of-some-sending-company.example.org": reply(554, "", parsers.Permanent, 640),
			"pending.example": reply(0, "", parsers.Transient, 2),
		}),
		templates: []summary.Template{
			{
				Text:  "host <host> said: 451 4.7.1 <address>: Recipient address rejected: Greylisted, see <url> (in reply to RCPT TO command)",
				Reply: reply(451, "4.7.1", parsers.Transient, 0).ReplyKey, N: 40_233, Last: at("47h30m"),
				Example: summary.Evidence{
					Time: at("10h8m0.25s"), Pos: summary.Pos{Input: 0, Block: 3, Line: 17},
					Text: "host mx1.example.com[192.0.2.25] said: 451 4.7.1 <ann@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example.com/help/example.com.html (in reply to RCPT TO command)",
				},
			},
			{
				Text:  "host <host> said: 550 5.1.1 <address>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)",
				Reply: reply(550, "5.1.1", parsers.Permanent, 0).ReplyKey, N: 22_871, Last: at("47h31m"),
				Example: summary.Evidence{
					Time: at("12s"), Pos: summary.Pos{Input: 0, Line: 9},
					Text: "host mx.example.net[192.0.2.26] said: 550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)",
				},
			},
			{
				Text:  "connect to <host>:25: Connection timed out",
				Reply: reply(0, "", parsers.Transient, 0).ReplyKey, N: 21_077, Last: at("46h"),
				Example: summary.Evidence{
					Time: at("30h"), Pos: summary.Pos{Input: 1, Block: 1, Line: 1},
					Text: "connect to mx.pending.example[203.0.113.9]:25: Connection timed out",
				},
			},
			{N: 31, Last: at("40h")},
		},
		hours: []summary.Hour{
			{Start: 0, Attempts: summary.Attempts{Sent: 1}, ByClass: [4]int64{0, 1}, Outcomes: summary.Outcomes{summary.DeliveredUnknown: 1}},
			{Start: at("0s"), Attempts: summary.Attempts{Sent: 604_510, Deferred: 74_000, Bounced: 30_000}, ByClass: [4]int64{14, 604_510, 73_988, 29_998},
				Outcomes: summary.Outcomes{595_000, 5_270, 4_240, 29_800, 2, 0, 1}},
			{Start: at("47h"), Attempts: summary.Attempts{Sent: 600_000, Deferred: 102, Bounced: 1_872}, ByClass: [4]int64{0, 600_000, 102, 1_872},
				Outcomes: summary.Outcomes{595_400, 4_600, 0, 1_850, 1_202, 0, 2}},
		},
		hosts: []summary.Host{
			{Name: "mx1", Lines: 2_403_787, First: at("0s"), Last: at("47h59m59s")},
			{Name: "mx2", Lines: 1_400_000, First: at("1h"), Last: at("47h")},
		},
		programs: []summary.Program{{Name: "dovecot", Lines: 61_012}, {Name: "sshd", Lines: 120}},
		causes: []summary.CauseCount{
			{Category: "greylisted", Rule: "some-rule", Provider: "example.com", Deferred: 40_233, Outcomes: summary.Outcomes{summary.DeliveredLater: 2_211, summary.Expired: 900, summary.Pending: 1_100}, Example: summary.Evidence{
				Time: at("10h8m0.25s"), Pos: summary.Pos{Input: 0, Block: 3, Line: 17},
				Text: "host mx1.example.com[192.0.2.25] said: 451 4.7.1 <ann@example.com>: Recipient address rejected: Greylisted (in reply to RCPT TO command)"}},
			{Category: "bad_mailbox", Provider: "example.com", Bounced: 4_900, Outcomes: summary.Outcomes{summary.Bounced: 4_880}, Example: summary.Evidence{
				Time: at("12s"), Pos: summary.Pos{Input: 0, Line: 9}, Text: "550 5.1.1 <bob+news@example.net>: user unknown"}},
			{Category: "bad_mailbox", Provider: "google", Bounced: 17_971, Outcomes: summary.Outcomes{summary.Bounced: 17_771}, Example: summary.Evidence{
				Time: at("13s"), Pos: summary.Pos{Input: 0, Line: 11}, Text: "550 5.1.1 <eve@example.org>: no such user"}},
			{Category: "rate_limited", Provider: "google", Deferred: 12_780, Outcomes: summary.Outcomes{summary.DeliveredLater: 7_659, summary.Expired: 4}, Example: summary.Evidence{
				Time: at("14s"), Pos: summary.Pos{Input: 1, Line: 2}, Text: "421 4.7.28 Our system has detected an unusual rate of mail"}},
			{Category: "connection", Deferred: 21_089, Bounced: 1_008, Outcomes: summary.Outcomes{summary.Bounced: 1_006, summary.Expired: 300, summary.Pending: 1_111, summary.Lost: 3}, Example: summary.Evidence{
				Time: at("30h"), Pos: summary.Pos{Input: 1, Block: 1, Line: 1}, Text: "connect to mx.pending.example[203.0.113.9]:25: Connection timed out"}},
			{Bounced: 7_993, Outcomes: summary.Outcomes{summary.Bounced: 7_993}},
		},
		providers: slices.Values([]summary.NamedTally{
			{Name: "google", Tally: tally(400_000, 12_780, 17_971, 392_341, 7_659, 17_771, 4, 0)},
			{Name: "example.com", Tally: tally(702_311, 40_233, 4_900, 700_100, 2_211, 4_880, 900, 1_100)},
			{Name: "", Tally: tally(102_200, 21_089, 9_001, 97_959, 0, 8_999, 300, 1_111)},
		}),
	}
	tb.deliveries = []summary.DeliveryTime{
		{Times: lengths(map[int64]int64{450: 700_000, 2_000: 400_000, 930_000: 95_000, 86_400_000: 9_511}),
			Delivered: []int64{1_190_400, 9_000, 800, 70}, GivenUp: []int64{31_650, 0, 0, 0, 1_207}, Pending: []int64{1_111, 1_000, 100}},
		{Provider: "google", Times: lengths(map[int64]int64{300: 392_341, 600_000: 7_659}), Delivered: []int64{392_341, 7_659}, GivenUp: []int64{17_771, 4}},
		{Provider: "microsoft", Pending: []int64{0, 3}},
	}
	tb.breakdowns = []summary.Breakdown{
		{By: []string{"day"}, Rows: []summary.BreakdownRow{
			{Key: []string{"2026-11-20"}, Tally: tally(604_510, 74_000, 30_000, 595_000, 5_270, 29_800, 2, 0)},
			{Key: []string{"2026-11-21"}, Tally: tally(600_000, 102, 1_872, 595_400, 4_600, 1_850, 1_202, 2_211)},
		}},
		{By: []string{"campaign", "provider"}, Rows: []summary.BreakdownRow{
			{Key: []string{"", ""}, Tally: tally(4_511, 102, 872, 4_400, 111, 650, 4, 11)},
			{Key: []string{"autumn-news", ""}, Tally: tally(100_000, 1_000, 1_000, 99_000, 1_000, 900, 0, 100)},
			{Key: []string{"autumn-news", "google"}, Tally: tally(1_100_000, 73_000, 30_000, 1_091_000, 9_000, 30_000, 1_200, 2_100)},
			{Key: []string{"", ""}, Folded: true, Tally: tally(90, 5, 5, 90, 0, 5, 0, 0)},
		}},
	}
	o.Classifier = builtin(t)
	o.Tool = Tool{"bouncelog", "1.2.3"}
	o.Locate = locate
	o.Since, o.Until = day, day.AddDate(0, 0, 2)
	o.Inputs = []Input{
		{Name: "mail.log.1", Formats: []string{"postfix"}, Compression: "gzip", Bytes: 91_220_101, Lines: 2_800_000,
			First: "2026-11-19T23:58:01Z", Last: "2026-11-21T06:25:01Z", Hosts: []string{"mx1", "mx2"}, Note: "truncated gzip member"},
		{Name: "mail.log", Formats: []string{"postfix"}, Bytes: 201_440_902, Lines: 1_003_787,
			First: "2026-11-21T06:25:02Z", Last: "2026-11-22T00:00:07Z", Hosts: []string{"mx1"}},
	}
	o.Samples = []Sample{
		{Bucket: "unrecognised", Text: "-- MARK --", File: "mail.log", Line: 77},
		{Bucket: "malformed", Reason: "column 41: no closing bracket", Text: "4B1C2D3E4F5: to=<bob@example.net", File: "mail.log.1", Line: 2_799_999},
		{Bucket: "overlong", Text: strings.Repeat("x", 300), File: "mail.log", Line: 8},
	}
	return mustBuild(t, c, tb, o)
}

// builtin has the titles of providers.
func builtin(t testing.TB) *classify.Classifier {
	t.Helper()
	c, err := classify.Default()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustBuild(t testing.TB, c *summary.Counts, tb tables, o Options) *Report {
	t.Helper()
	for _, rows := range []*iter.Seq[summary.NamedTally]{&tb.domains, &tb.senders, &tb.providers} {
		if *rows == nil {
			*rows = slices.Values([]summary.NamedTally(nil))
		}
	}
	if tb.topReplies == nil {
		tb.topReplies = given(nil)
	}
	r, err := build(c, tb, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func emptyReport(t testing.TB) *Report {
	t.Helper()
	r, err := Build(summary.NewCounts(), Options{Tool: Tool{"bouncelog", "1.2.3"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hostileTexts are what a stranger may get into a log.
var hostileTexts = []string{
	`<script>alert("1")</script>`,
	"\x1b[31mred\x1b]0;title\x07\x1b[2J",
	"=cmd|' /C calc'!A0",
	"a | b `code` **bold** [link](http://example.com)",
	"\u202egpj.exe\u2066\u200e\u061c",
	"c1 \u009b31m del \x7f nul \x00 tab \t cr \r lf \n sep \u2028",
	"bad \xff\xfe utf-8 \xc3",
	"zalgo" + strings.Repeat("\u0301", 500),
	"日本語のメールボックスが見つかりません",
	"+cmd @user #1 &amp; \\| ``` ~~x~~ <!-- ${x} {{.}} ]]> %0a::error::x www.example.com ann@example.com",
	strings.Repeat("0123456789", 1000),
}

// hostileReport has strangers' texts wherever a log or a file name gets one, in so many rows of each list, 0 for all.
func hostileReport(t testing.TB, top int) *Report {
	t.Helper()
	c := summary.NewCounts()
	n := int64(len(hostileTexts))
	c.Total = tally(0, n, n, 0, 0, n, 0, 0)
	c.ByClass, c.ByOrigin = [4]int64{0, 0, n, n}, [5]int64{0, 2 * n}
	c.Ledger[summary.Delivery], c.Ledger[summary.Malformed] = 2*n, n
	c.First, c.Last = at("0s"), at("1h")
	c.Selection = summary.Selection{Domain: hostileTexts[0], Sender: hostileTexts[1], Job: hostileTexts[2], Campaign: hostileTexts[n-2], CampaignFrom: "verp"}
	tops := make(map[string]summary.ReplyCount)
	tb := tables{
		topReplies: given(tops),
		replies:    []summary.ReplyCount{reply(999, "5.999.999", parsers.Permanent, n)},
	}
	o := Options{Top: top, Tool: Tool{"bouncelog", "1.2.3"}, Locate: func(p summary.Pos) (string, int64) { return hostileTexts[p.Line], 7 }}
	var rows []summary.NamedTally
	var cells []summary.BreakdownRow
	traits := []classify.Category{classify.BadMailbox, classify.Unknown, classify.Blocklisted}
	for i, s := range hostileTexts {
		key := reply(550, "5.1.1", parsers.Permanent, 1)
		rows = append(rows, summary.NamedTally{Name: s, Tally: tally(0, 1, 1, 0, 0, 1, 0, 0)})
		tops[s] = key
		tb.templates = append(tb.templates, summary.Template{
			Text: s, Reply: key.ReplyKey, N: 2, Last: at("1h"),
			Example: summary.Evidence{Time: at("1h"), Text: s, Pos: summary.Pos{Line: uint32(i)}},
		})
		tb.hosts = append(tb.hosts, summary.Host{Name: s, Lines: 3, First: at("0s"), Last: at("1h")})
		tb.programs = append(tb.programs, summary.Program{Name: s, Lines: 1})
		cells = append(cells, summary.BreakdownRow{Key: []string{s, hostileTexts[len(hostileTexts)-1-i]}, Tally: tally(0, 1, 1, 0, 0, 1, 0, 0)})
		tb.causes = append(tb.causes, summary.CauseCount{Category: traits[i%len(traits)].String(), Sub: s, Rule: s, Provider: s, Deferred: 1, Bounced: 1,
			Example: summary.Evidence{Time: at("1h"), Text: s, Pos: summary.Pos{Line: uint32(i)}}})
		o.Samples = append(o.Samples, Sample{Bucket: "malformed", Reason: s, Text: s, File: s, Line: 1})
		o.Inputs = append(o.Inputs, Input{Name: s, Formats: []string{"postfix"}, Note: s, Hosts: []string{s}})
	}
	tb.domains, tb.senders, tb.providers = slices.Values(rows), slices.Values(rows), slices.Values(rows)
	tb.breakdowns = []summary.Breakdown{{By: []string{"sender", "relay"}, Rows: cells}}
	return mustBuild(t, c, tb, o)
}

// given returns the top replies of a fixture, whatever rows they are asked for.
func given(m map[string]summary.ReplyCount) func([]summary.NamedTally) map[string]summary.ReplyCount {
	return func([]summary.NamedTally) map[string]summary.ReplyCount { return m }
}

func lengths(times map[int64]int64) (h summary.Histogram) {
	for ms, n := range times {
		for range n {
			h.Add(ms)
		}
	}
	return h
}
