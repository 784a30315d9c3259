package suppress

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"

	gocmp "github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

var epoch = parsers.StampOf(time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC))

func defaults() Options { return Options{MinHits: 1, RepeatHits: 3, Repeat: 3 * day} }

// An edit changes a record.
type edit func(*summary.Record)

// failure returns a record of a message that ann@example.org's server refused for good, of which all is sure.
func failure(edits ...edit) *summary.Record {
	r := &summary.Record{Time: epoch, Host: "mx1", QueueID: "Q1", MessageID: "<m1>", Sender: "news@example.com", File: "mail.log", Line: 7,
		Provider: "example.org"}
	r.Recipient = "ann@example.org"
	r.Status, r.Origin = parsers.StatusBounced, parsers.OriginRemote
	r.Reply, _ = parsers.ParseReply("550 5.1.1 nobody here")
	r.Diagnostic = r.Reply.Text
	cause := classify.Cause{Category: classify.BadMailbox, Fault: "address", Suppress: "yes", Confidence: "high",
		Rule: &classify.Rule{ID: "some-rule", TierName: "strong"}}
	r.Cause = &cause
	for _, e := range edits {
		e(r)
	}
	r.Domain = classify.Domain(cmp.Or(parsers.Domain(r.Recipient), r.RecipientDomain))
	r.Verdict = classify.ClassOf(&r.Attempt)
	return r
}

func success(edits ...edit) *summary.Record {
	return failure(append([]edit{func(r *summary.Record) {
		r.Status, r.Cause, r.Diagnostic = parsers.StatusSent, nil, "250 2.0.0 Ok"
		r.Reply, _ = parsers.ParseReply(r.Diagnostic)
	}}, edits...)...)
}

func at(d time.Duration) edit         { return func(r *summary.Record) { r.Time = epoch.Add(d) } }
func to(address string) edit          { return func(r *summary.Record) { r.Recipient = address } }
func kind(k parsers.AttemptKind) edit { return func(r *summary.Record) { r.Kind = k } }
func origin(o parsers.Origin) edit    { return func(r *summary.Record) { r.Origin = o } }
func status(s parsers.Status) edit    { return func(r *summary.Record) { r.Status = s } }
func cause(do func(*classify.Cause)) edit {
	return func(r *summary.Record) { do(r.Cause) }
}

func reply(text string) edit {
	return func(r *summary.Record) {
		r.Reply, _ = parsers.ParseReply(text)
		r.Diagnostic = text
	}
}

// message gives a record the ids of the n-th message.
func message(n int) edit {
	return func(r *summary.Record) { r.QueueID, r.MessageID = fmt.Sprint("Q", n), fmt.Sprintf("<m%d>", n) }
}

func category(c classify.Category) edit {
	return cause(func(k *classify.Cause) {
		t := c.Trait()
		k.Category, k.Fault, k.Suppress = c, t.Fault, t.Suppress
	})
}

// full is a full mailbox.
func full(r *summary.Record) {
	category(classify.MailboxFull)(r)
	status(parsers.StatusDeferred)(r)
	reply("452 4.2.2 full")(r)
}

// nxdomain is a domain that DNS does not know.
func nxdomain(r *summary.Record) {
	category(classify.BadDomain)(r)
	r.Origin, r.Reply, r.DSN, r.Diagnostic = parsers.OriginLocal, parsers.Reply{}, parsers.EnhancedCode{5, 4, 4}, "Host not found"
}

// list returns the addresses that records make for, with what it took, and how many messages.
func list(o Options, records ...*summary.Record) (got []string) {
	f := New(o)
	for _, r := range records {
		f.Add(r)
	}
	for _, r := range f.Rows() {
		got = append(got, fmt.Sprintf("%s %s %s %d", r.Address, r.Category, r.Suppress, r.Hits))
	}
	return got
}

type records = []*summary.Record

const annIsGone = "ann@example.org bad_mailbox yes 1"

func TestDecision(t *testing.T) {
	for _, test := range []struct {
		name    string
		records records
		want    []string
	}{
		{"nothing", nil, nil},
		{"gone", records{failure()}, []string{annIsGone}},
		{"gone twice in one message", records{failure(), failure(at(time.Hour))}, []string{annIsGone}},
		{"gone for two messages", records{failure(), failure(message(2), at(time.Hour))}, []string{"ann@example.org bad_mailbox yes 2"}},
		{"by address", records{failure(to("b@x.test")), failure(to("a@x.test")), failure(to("B@x.test"))},
			[]string{"B@x.test bad_mailbox yes 1", "a@x.test bad_mailbox yes 1", "b@x.test bad_mailbox yes 1"}},
		{"case of the domain", records{failure(to("ann@EXAMPLE.org."), at(time.Hour)), failure(message(2))}, []string{"ann@EXAMPLE.org. bad_mailbox yes 2"}},

		// What comes after keeps the address, what came before does not.
		{"success before", records{success(at(-time.Hour)), failure()}, []string{annIsGone}},
		{"success later", records{failure(), success(at(time.Hour))}, nil},
		{"success later, read before", records{success(at(time.Hour)), failure()}, nil},
		{"success at the same time", records{failure(), success()}, nil},
		{"success in the same second", records{failure(at(900 * time.Millisecond)), success()}, nil},
		{"success in another case", records{failure(), success(to("\"ANN\"@Example.ORG"), at(time.Hour))}, nil},
		{"success without a time", records{success(func(r *summary.Record) { r.Time = 0 }), failure()}, nil},
		{"failure without a time", records{failure(func(r *summary.Record) { r.Time = 0 })}, []string{annIsGone}},
		{"failure without a time, and a success", records{success(at(-day)), failure(func(r *summary.Record) { r.Time = 0 })}, nil},
		{"success of another sender", records{failure(), success(at(time.Hour), func(r *summary.Record) { r.Sender = "x@y.test" })}, nil},
		{"success under the name before rewriting", records{failure(), success(at(time.Hour), to("z@other.test"), func(r *summary.Record) { r.OriginalRecipient = "ann@example.org" })}, nil},
		{"success of a local part alone", records{failure(), success(at(time.Hour), func(r *summary.Record) { r.Recipient, r.RecipientDomain = "ann", "example.org" })}, nil},
		{"success of another address", records{failure(), success(to("bob@example.org"), at(time.Hour))}, []string{annIsGone}},
		{"local success", records{failure(), success(kind(parsers.Local), at(time.Hour))}, []string{annIsGone}},
		{"success of a smarthost", records{failure(), success(kind(parsers.Smarthost), at(time.Hour))}, []string{annIsGone}},
		{"success of a probe", records{failure(), success(kind(parsers.Probe), at(time.Hour))}, []string{annIsGone}},
		{"gone again", records{failure(), success(at(time.Hour)), failure(message(2), at(2*time.Hour))}, []string{annIsGone}},

		// Failures that are not the address's do nothing, before or after.
		{"blocklisted later", records{failure(), failure(message(2), at(time.Hour), category(classify.Blocklisted))}, []string{annIsGone}},
		{"blocklisted alone", records{failure(category(classify.Blocklisted))}, nil},
		{"no cause", records{failure(func(r *summary.Record) { r.Cause = nil })}, nil},
		{"a rule that would suppress for policy", records{failure(cause(func(c *classify.Cause) { c.Category = classify.Policy }))}, nil},
		{"somebody else's fault", records{failure(cause(func(c *classify.Cause) { c.Fault = "local" }))}, nil},
		{"a rule that would not", records{failure(cause(func(c *classify.Cause) { c.Suppress = "no" }))}, nil},

		// What is not sure.
		{"medium confidence", records{failure(cause(func(c *classify.Cause) { c.Confidence = "medium" }))}, nil},
		{"low confidence", records{failure(cause(func(c *classify.Cause) { c.Confidence = "low" }))}, nil},
		{"guessed", records{failure(func(r *summary.Record) { r.Guessed = true })}, nil},
		{"implied", records{failure(origin(parsers.OriginImplied))}, nil},
		{"not attempted", records{failure(func(r *summary.Record) { r.NotAttempted = true })}, nil},
		{"inbound", records{failure(status(parsers.StatusRejected), func(r *summary.Record) { r.Inbound = true })}, nil},
		{"suppressed by the provider", records{failure(kind(parsers.Suppressed), status(parsers.StatusRejected))}, nil},
		{"rejected", records{failure(status(parsers.StatusRejected))}, nil},
		{"async", records{failure(kind(parsers.Async))}, nil},
		{"probe", records{failure(kind(parsers.Probe))}, nil},
		{"internal", records{failure(kind(parsers.Internal))}, nil},
		{"local mailbox", records{failure(kind(parsers.Local), origin(parsers.OriginLocal))}, nil},
		{"smarthost", records{failure(kind(parsers.Smarthost))}, nil},
		{"final", records{failure(kind(parsers.Final), status(parsers.StatusExpired))}, nil},
		{"truncated", records{failure(func(r *summary.Record) { r.Truncated = true })}, nil},
		{"the provider's word", records{failure(origin(parsers.OriginProvider))}, nil},
		{"no origin", records{failure(origin(parsers.OriginUnknown))}, []string{annIsGone}},
		{"no address", records{failure(to(""))}, nil},
		{"no domain", records{failure(to("ann"))}, nil},
		{"no local part", records{failure(to("@example.org"))}, nil},
		{"deferred", records{failure(status(parsers.StatusDeferred))}, nil},

		// Codes that contradict the words.
		{"temporary enhanced code", records{failure(reply("550 4.2.1 locked, try again"))}, nil},
		{"temporary enhanced code that the reader dropped", records{failure(reply("550 4.2.1 locked"), func(r *summary.Record) { r.Reply.Enhanced = parsers.EnhancedCode{} })}, nil},
		{"temporary reply code", records{failure(reply("450 5.1.1 nobody"))}, nil},
		{"policy code", records{failure(reply("550 5.7.1 user unknown"))}, nil},
		{"policy code of a provider that is known for it", records{failure(reply("550 5.7.1 no such user"), func(r *summary.Record) { r.Cause.Rule.TierName = "provider" })}, []string{annIsGone}},
		{"routing code of a provider", records{failure(reply("550 5.4.1 access denied"), func(r *summary.Record) { r.Cause.Rule.TierName = "provider" })}, nil},
		{"no enhanced code", records{failure(reply("550 nobody here"))}, []string{annIsGone}},
		{"undefined enhanced code", records{failure(reply("550 5.0.0 nobody here"))}, []string{annIsGone}},
		{"no reply code", records{failure(reply("who?"))}, nil},

		// What has to come again.
		{"full once", records{failure(full)}, nil},
		{"full thrice over three days", records{failure(full), failure(full, message(2), at(day)), failure(full, message(3), at(3*day))},
			[]string{"ann@example.org mailbox_full after_repeat 3"}},
		{"full thrice in an hour", records{failure(full), failure(full, message(2), at(time.Minute)), failure(full, message(3), at(time.Hour))}, nil},
		{"full thrice over less than three days", records{failure(full), failure(full, message(2), at(day)), failure(full, message(3), at(3*day-time.Second))}, nil},
		{"full for one message, tried for days", records{failure(full), failure(full, at(day)), failure(full, at(2*day)), failure(full, at(4*day))}, nil},
		{"full for three messages, tried at the same times", records{failure(full), failure(full, at(4*day)), failure(full, message(2)), failure(full, message(2), at(4*day)),
			failure(full, message(3)), failure(full, message(3), at(4*day))}, nil},
		{"full, with a success in between", records{failure(full), success(at(time.Hour)), failure(full, message(2), at(day)), failure(full, message(3), at(3*day)), failure(full, message(4), at(3*day))}, nil},
		{"full without ids", records{failure(full, func(r *summary.Record) { r.QueueID, r.MessageID = "", "" }), failure(full, at(2*day), func(r *summary.Record) { r.QueueID, r.MessageID = "", "" }),
			failure(full, at(4*day), func(r *summary.Record) { r.QueueID, r.MessageID = "", "" })}, nil},
		{"gone without ids", records{failure(func(r *summary.Record) { r.QueueID, r.MessageID = "", "" }), failure(at(2*day), func(r *summary.Record) { r.QueueID, r.MessageID = "", "" })},
			[]string{"ann@example.org bad_mailbox yes 2"}},
		{"temporarily unknown thrice", records{failure(status(parsers.StatusDeferred), reply("450 4.1.1 nobody")), failure(status(parsers.StatusDeferred), reply("450 4.1.1 nobody"), message(2), at(day)),
			failure(reply("450 4.1.1 nobody"), message(3), at(5*day))}, []string{"ann@example.org bad_mailbox after_repeat 3"}},
		{"full, then gone", records{failure(full), failure(message(2), at(time.Hour))}, []string{"ann@example.org bad_mailbox yes 2"}},
		{"gone, then full", records{failure(), failure(full, message(2), at(time.Hour))}, nil},
		{"gone and full in one second", records{failure(), failure(full, message(2))}, nil},
		{"full and gone in one second", records{failure(full, message(2)), failure()}, nil},

		// Domains.
		{"no such domain", records{failure(nxdomain)}, []string{"ann@example.org bad_domain yes 1"}},
		{"an MX that leads nowhere", records{failure(nxdomain, cause(func(c *classify.Cause) { c.Sub = "mx" }))}, nil},
		{"another address of the domain was delivered to later", records{failure(nxdomain), success(to("bob@example.org"), at(time.Hour))}, nil},
		{"and the day before", records{failure(nxdomain), success(to("bob@example.org"), at(-day))}, nil},
		{"and a week before", records{failure(nxdomain), success(to("bob@example.org"), at(-7*day))}, []string{"ann@example.org bad_domain yes 1"}},
		{"its server refused somebody else", records{failure(nxdomain), failure(to("bob@example.org"), at(time.Hour))}, []string{"bob@example.org bad_mailbox yes 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range test.records { // edits after these were made
				r.Verdict = classify.ClassOf(&r.Attempt)
			}
			if diff := gocmp.Diff(test.want, list(defaults(), test.records...)); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	three := records{failure(), failure(to("bob@other.test"), message(2), nxdomain), failure(full, to("carl@example.org"), message(3), at(time.Hour)),
		failure(to("dora@other.test"), message(4), at(time.Hour), nxdomain), success(to("eve@example.org"))}
	for _, test := range []struct {
		name string
		set  func(*Options)
		want []string
	}{
		{"none", func(*Options) {}, []string{annIsGone, "bob@other.test bad_domain yes 1", "dora@other.test bad_domain yes 1"}},
		{"domains", func(o *Options) { o.Domains = true }, []string{"other.test bad_domain yes 2"}},
		{"hits", func(o *Options) { o.MinHits = 2 }, nil},
		{"hits of a domain", func(o *Options) { o.MinHits, o.Domains = 2, true }, []string{"other.test bad_domain yes 2"}},
		{"category", func(o *Options) { o.Categories = []classify.Category{classify.BadMailbox} }, []string{annIsGone}},
		{"repeat", func(o *Options) { o.RepeatHits, o.Repeat = 1, 0 }, []string{annIsGone, "bob@other.test bad_domain yes 1", "carl@example.org mailbox_full after_repeat 1", "dora@other.test bad_domain yes 1"}},
		{"domain", func(o *Options) { o.Select.Domain = "ex*" }, []string{annIsGone}},
		{"sender", func(o *Options) { o.Select.Sender = "bill@*" }, nil},
		{"since", func(o *Options) { o.Select.Since = epoch.Add(time.Minute) }, []string{"dora@other.test bad_domain yes 1"}},
		{"until", func(o *Options) { o.Select.Until = epoch }, nil},
	} {
		o := defaults()
		test.set(&o)
		if diff := gocmp.Diff(test.want, list(o, three...)); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", test.name, diff)
		}
	}
}

// A success counts whatever was selected.
func TestSelectionSparesSuccesses(t *testing.T) {
	o := defaults()
	o.Select = summary.Options{Sender: "news@*", Until: epoch.Add(time.Hour)}
	if got := list(o, failure(), success(at(2*time.Hour), func(r *summary.Record) { r.Sender = "billing@example.com" })); got != nil {
		t.Errorf("suppressed %q, which was delivered to", got)
	}
}

func TestEvidence(t *testing.T) {
	f := New(defaults())
	f.Add(failure(func(r *summary.Record) { r.File, r.Line = "old.log", 1 }))
	f.Add(failure(message(2), at(time.Hour), reply("551 5.1.6 moved "+strings.Repeat("é", 400)), category(classify.InactiveMailbox), cause(func(c *classify.Cause) { c.Sub = "moved" })))
	f.Add(failure(message(3), at(time.Minute), reply("550 nobody")))
	want := []Row{{Address: "ann@example.org", Category: classify.InactiveMailbox, Sub: "moved", Suppress: "yes", ReplyCode: 551,
		EnhancedCode: parsers.EnhancedCode{5, 1, 6}, Diagnostic: "551 5.1.6 moved " + strings.Repeat("é", 248) + "…", Rule: "some-rule", Confidence: "high", Hits: 3,
		First: epoch, Last: epoch.Add(time.Hour), Provider: "example.org", File: "mail.log", Line: 7}}
	if diff := gocmp.Diff(want, f.Rows()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestBounds(t *testing.T) {
	f := New(defaults())
	f.maxFailed = 2
	for _, name := range []string{"a", "b", "c", "a", "c"} {
		f.Add(failure(to(name+"@x.test"), at(time.Hour)))
	}
	if n := len(f.Rows()); n != 2 || f.Missed() != 2 {
		t.Errorf("%d rows and %d missed, want 2 and 2", n, f.Missed())
	}
	f = New(defaults())
	f.maxMessages = 2
	for i := range 4 {
		f.Add(failure(message(i)))
	}
	if rows := f.Rows(); rows[0].Hits != 2 || f.Missed() != 2 {
		t.Errorf("%d hits and %d missed, want 2 and 2", rows[0].Hits, f.Missed())
	}
	f = New(defaults())
	for _, i := range rand.Perm(MaxHits + 50) {
		f.Add(failure(message(i), at(time.Duration(i)*time.Minute)))
	}
	if r := f.Rows()[0]; r.Hits != MaxHits || r.First != epoch.Add(50*time.Minute) || r.Last != epoch.Add((MaxHits+49)*time.Minute) || f.Missed() != 0 {
		t.Errorf("%d hits from %v to %v", r.Hits, r.First, r.Last)
	}
}

// A collision keeps an address that should go, never the other way.
func TestCollision(t *testing.T) {
	f := New(defaults())
	f.alive.hash = func([]byte) uint64 { return 1 }
	f.Add(failure())
	f.Add(success(to("bob@x.test"), at(time.Hour)))
	f.Add(success(to("carl@x.test"), at(-time.Hour)))
	if rows := f.Rows(); len(rows) != 0 {
		t.Errorf("suppressed %v", rows)
	}
}

func TestSeen(t *testing.T) {
	secret := newSecret()
	s := newSeen(secret.hash)
	want := make(map[string]int64)
	for range 50_000 {
		name, at := fmt.Sprint(rand.IntN(20_000)), rand.Int64N(1000)
		s.note([]byte(name), at)
		want[name] = max(want[name], at)
	}
	for i := range 25_000 {
		name := fmt.Sprint(i)
		w, ok := want[name]
		if !ok {
			w = never
		}
		if got := s.last([]byte(name)); got != w {
			t.Fatalf("%s was last seen at %d, want %d", name, got, w)
		}
	}
	if s.n != len(want) || len(s.slots) > 2*len(want) {
		t.Errorf("%d in %d slots, want %d", s.n, len(s.slots), len(want))
	}
}

// A naive reading of the same rules over random streams, of which it keeps all.
func TestAgainstOracle(t *testing.T) {
	listed := 0
	for round := range 3000 {
		rng := rand.New(rand.NewPCG(uint64(round), 1))
		all := stream(rng)
		o := Options{MinHits: 1 + rng.IntN(2), RepeatHits: 1 + rng.IntN(3), Repeat: time.Duration(rng.IntN(4)) * day, Domains: rng.IntN(4) == 0}
		got, want := list(o, all...), naive(o, all)
		if diff := gocmp.Diff(want, got); diff != "" {
			for _, r := range all {
				t.Log(time.Duration(r.Time-epoch)*time.Microsecond, r.Recipient, r.Status, r.Kind, r.QueueID, r.Cause)
			}
			t.Fatalf("round %d, %+v: want (-), got (+):\n%s", round, o, diff)
		}
		listed += len(want)
	}
	if listed < 1000 {
		t.Errorf("only %d rows in all: this tests nothing", listed)
	}
}

// stream returns records of a few addresses, of all that proves anything against them or for them.
func stream(rng *rand.Rand) records {
	var all records
	for n := range 1 + rng.IntN(25) {
		when := at(time.Duration(rng.IntN(40)) * 3 * time.Hour)
		who := to([]string{"a@x.test", "A@X.test", "b@x.test", "c@Y.test", "d@y.test"}[rng.IntN(5)])
		m := message(rng.IntN(8))
		number := func(r *summary.Record) { r.Line = int64(n) }
		switch rng.IntN(9) {
		case 0, 1:
			all = append(all, success(when, who, m, number))
		case 2, 3:
			all = append(all, failure(when, who, m, number))
		case 4, 5:
			all = append(all, failure(full, when, who, m, number))
		case 6:
			all = append(all, failure(nxdomain, when, who, m, number))
		case 7:
			all = append(all, failure(when, who, m, number, category(classify.Reputation)))
		case 8:
			all = append(all, failure(when, who, m, number, kind([]parsers.AttemptKind{parsers.Async, parsers.Probe, parsers.Local}[rng.IntN(3)])))
		}
	}
	return all
}

func naive(o Options, all records) (got []string) {
	name := func(r *summary.Record) string {
		if o.Domains {
			return r.Domain
		}
		return local(r.Recipient) + "@" + r.Domain
	}
	counts := func(r *summary.Record) bool {
		return r.Kind == parsers.Remote && r.Cause != nil && slices.Contains(Categories(), r.Cause.Category) && (!o.Domains || r.Cause.Category == classify.BadDomain)
	}
	isSure := func(r *summary.Record) bool { return r.Cause.Category != classify.MailboxFull }
	names := make(map[string]bool)
	for _, r := range all {
		if counts(r) {
			names[name(r)] = true
		}
	}
	for n := range names {
		var evidence records
		for _, r := range all {
			if counts(r) && name(r) == n {
				evidence = append(evidence, r)
			}
		}
		slices.SortStableFunc(evidence, func(a, b *summary.Record) int {
			sure := func(r *summary.Record) int {
				if isSure(r) {
					return 0
				}
				return 1
			}
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(sure(a), sure(b)))
		})
		latest := evidence[len(evidence)-1]
		var last parsers.Stamp
		dead := true
		for _, r := range all {
			if r.Kind != parsers.Remote {
				continue
			}
			if r.Status == parsers.StatusSent && !o.Domains && strings.EqualFold(r.Recipient, n) {
				last = max(last, r.Time)
			}
			answered := r.Status == parsers.StatusSent || r.Origin == parsers.OriginRemote
			if latest.Cause.Category == classify.BadDomain && answered && r.Domain == latest.Domain {
				last = max(last, r.Time)
				dead = dead && r.Time < latest.Time.Add(-o.Repeat)
			}
		}
		hits := make(map[string]parsers.Stamp)
		for _, r := range evidence {
			if r.Time > last {
				hits[r.QueueID] = max(hits[r.QueueID], r.Time)
			}
		}
		if latest.Time <= last || !dead || len(hits) < o.MinHits {
			continue
		}
		took := "yes"
		if !isSure(latest) {
			took = "after_repeat"
			var times []parsers.Stamp
			for _, h := range hits {
				times = append(times, h)
			}
			if len(hits) < o.RepeatHits || slices.Max(times).Sub(slices.Min(times)) < o.Repeat {
				continue
			}
		}
		address := latest.Recipient
		if o.Domains {
			address = latest.Domain
		}
		got = append(got, fmt.Sprintf("%s %s %s %d", address, latest.Cause.Category, took, len(hits)))
	}
	slices.Sort(got)
	return got
}
