package loggen

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests need zones that the machine may not have
)

func generate(t testing.TB, o Options) (string, Truth) {
	t.Helper()
	var b bytes.Buffer
	truth, err := Write(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), truth
}

// only returns a mix with the usual failures and what set adds.
func only(set func(*Mix)) Mix {
	m := Mix{Defer: 0.3, DeferAgain: 0.5, Bounce: 0.1, Stuck: 0.1}
	set(&m)
	return m
}

var cases = []struct {
	name string
	o    Options
}{
	{"plain", Options{Messages: 500}},
	{"failures", Options{Messages: 2000, Mix: only(func(*Mix) {})}},
	{"typical", Options{Messages: 3000, Mix: Typical()}},
	{"everything", Options{Messages: 1500, Mix: Everything()}},
	{"everything, long ids", Options{Messages: 1500, LongIDs: true, TLS: true, Mix: Everything()}},
	{"everything, three hosts", Options{Messages: 1500, Hosts: []string{"mx1", "mx2.example.net", "mx3"}, Mix: Everything()}},
	{"everything, cut", Options{Size: 512 << 10, Cut: true, Mix: Everything()}},
	{"everything, cut at both ends", Options{Size: 512 << 10, Cut: true, CutStart: 3 * time.Second, Mix: Everything()}},
	{"everything, start missing", Options{Messages: 2000, Rate: 2, CutStart: 8 * time.Minute, Mix: Everything()}},
	{"a slow week", Options{Messages: 1500, Rate: 0.005, Mix: Everything()}},
	{"one domain", Options{Messages: 500, Domains: 1, Mix: Everything()}},
	{"short life", Options{Messages: 2000, Lifetime: time.Millisecond, Mix: Everything()}},
	{"many recipients", Options{Messages: 1000, Domains: 3, Mix: only(func(m *Mix) { m.MultiRecipient = 1 })}},
	{"blocked", Options{Messages: 2000, Blocker: "example.net", Mix: only(func(m *Mix) { m.Block, m.MultiRecipient = 0.4, 0.3 })}},
	{"reuse", Options{Messages: 1500, Hosts: []string{"a", "b"}, Mix: only(func(m *Mix) {
		m.Reuse, m.LostRemoved, m.ReuseLost, m.LostTail, m.Clash = 0.9, 0.3, 0.9, 0.3, 0.3
	})}},
}

func TestTruth(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(2) {
				o := c.o
				o.Seed, o.Header = seed, ISO
				log, truth := generate(t, o)
				mustEqual(t, truth, readNaively(log, time.RFC3339Nano, 6*24*time.Hour))
			}
		})
	}
}

// The truth is the same whatever the header, but for bytes and other programs' lines.
func TestHeaders(t *testing.T) {
	o := Options{Messages: 2000, Hosts: []string{"mx1.example.com"}, Mix: Everything()}
	o.Mix.Foreign = 0
	_, want := generate(t, o)
	for _, h := range []struct{ header, start string }{
		{RFC3164, "Jan  6 00:00:00 mx1.example.com postfix/"},
		{Maillog, "Jan 06 00:00:00 mx1 postfix/"},
		{ISO, "2026-01-06T00:00:00.00"},
		{RFC5424, "<22>1 2026-01-06T00:00:00.00"},
	} {
		o.Header = h.header
		log, got := generate(t, o)
		if !strings.HasPrefix(log, h.start) {
			t.Errorf("%s begins with %.80q", h.header, log)
		}
		if got.Total != want.Total || got.Lines != want.Lines || got.Notifications != want.Notifications {
			t.Errorf("%s: %+v, want %+v", h.header, got, want)
		}
	}
	o.Header, o.Mix.Foreign = Maillog, 1
	if _, truth := generate(t, o); truth.Lines.Foreign != 0 {
		t.Errorf("Postfix's own file has %d lines of other programs", truth.Lines.Foreign)
	}
}

// Every header is well-formed, and lines come in the order of time.
func TestHeaderTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, time.October, 25, 2, 59, 50, 0, time.FixedZone("", 2*3600)) // ten seconds before the clocks go back
	for _, o := range []Options{
		{},
		{Start: time.Date(2025, time.December, 31, 23, 59, 50, 0, time.UTC)},
		{Start: start, Location: berlin},
	} {
		o.Messages, o.Mix, o.Hosts = 1000, Everything(), []string{"mx1", "mx2"}
		o.Mix.Unknown = 0
		o.Header = ISO
		log, truth := generate(t, o)
		previous := time.Time{}
		for line := range strings.Lines(log) {
			stamp, rest, _ := strings.Cut(line, " ")
			at, err := time.Parse(time.RFC3339Nano, stamp)
			if err != nil {
				t.Fatal(err)
			}
			if at.Before(previous) {
				t.Fatalf("time goes back at %q", line)
			}
			if previous = at; !strings.HasPrefix(rest, "mx1 ") && !strings.HasPrefix(rest, "mx2 ") {
				t.Fatalf("no host in %q", line)
			}
		}
		if !previous.Equal(truth.Last) {
			t.Errorf("the last line is of %v, the truth says %v", previous, truth.Last)
		}
		o.Header = RFC3164
		short, _ := generate(t, o)
		for line := range strings.Lines(short) {
			if _, err := time.Parse(time.Stamp, line[:len(time.Stamp)]); err != nil {
				t.Fatal(err)
			}
		}
	}
	log, _ := generate(t, Options{Messages: 2000, Start: start, Location: berlin, Header: ISO})
	if !strings.Contains(log, "\n2026-10-25T02:59:59.") || !strings.Contains(log, "\n2026-10-25T02:00:00.") ||
		!strings.HasPrefix(log, "2026-10-25T02:59:50.000000+02:00 ") || !strings.Contains(log, "+01:00 ") {
		t.Error("the hour that the clocks repeat is not in the log")
	}
	log, _ = generate(t, Options{Messages: 2000, Start: time.Date(2025, time.December, 31, 23, 59, 50, 0, time.UTC)})
	if !strings.Contains(log, "\nDec 31 23:59:59 ") || !strings.Contains(log, "\nJan  1 00:00:00 ") {
		t.Error("the year does not wrap")
	}
}

// All that a mix can name happens in Everything, and nothing of it in the zero mix.
func TestMix(t *testing.T) {
	_, all := generate(t, Options{Messages: 4000, Hosts: []string{"a", "b"}, Header: ISO, Rate: 0.01, Mix: Everything()})
	for i, n := range all.Lines.all() {
		if *n == 0 {
			t.Errorf("no line of kind %d", i)
		}
	}
	o, n := all.Total.Outcomes, all.Notifications
	for what, count := range map[string]int64{
		"delivered at first": o.DeliveredFirst, "later": o.DeliveredLater, "start unknown": o.DeliveredUnknown,
		"bounced": o.Bounced, "expired": o.Expired, "lost": o.Lost, "pending": o.Pending,
		"after suspension": all.AfterSuspension, "overridden": all.Overridden,
		"conflicts": all.Conflicts, "suspended": all.Suspended, "repeats": all.Repeats, "children": all.Children,
		"internal": all.Internal.Bounced, "probes": all.Probes.Bounced, "notifications": n.Attempts.Deferred,
	} {
		if count == 0 {
			t.Errorf("%s: none", what)
		}
	}
	_, none := generate(t, Options{Messages: 1000})
	if want := (Outcomes{DeliveredFirst: 1000}); none.Total.Outcomes != want {
		t.Errorf("the zero mix: %+v", none.Total.Outcomes)
	}
}

// The parts of a truth sum up.
func TestSums(t *testing.T) {
	for _, c := range cases {
		log, tr := generate(t, c.o)
		all := tr.Total.Attempts.Total()
		var replies, attempts, outcomes int64
		for _, r := range tr.Replies {
			replies += r.Attempts
		}
		for _, d := range tr.Domains {
			attempts += d.Attempts.Total()
			outcomes += d.Outcomes.Total()
		}
		ledger := tr.Lines.Ledger()
		for what, pair := range map[string][2]int64{
			"classes":  {tr.Classes.Success + tr.Classes.Transient + tr.Classes.Permanent, all},
			"kinds":    {tr.Kinds.Local + tr.Kinds.Remote, all},
			"origins":  {tr.Origins.Local + tr.Origins.Remote, all},
			"replies":  {replies, all},
			"domains":  {attempts, all},
			"outcomes": {outcomes, tr.Total.Outcomes.Total()},
			"ledger":   {ledger.Delivery + ledger.Context + ledger.Ignored + ledger.Malformed + ledger.Open, tr.Lines.Total()},
			"lines":    {int64(strings.Count(log, "\n")), tr.Lines.Total()},
			"bytes":    {int64(len(log)), tr.Bytes},
			"records": {all + tr.Notifications.Attempts.Total() + tr.Internal.Total() + tr.Probes.Total() + tr.Suspended,
				tr.Lines.Records + tr.Repeats - folded(log)},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s: %d, want %d", c.name, what, pair[0], pair[1])
			}
		}
	}
}

// folded counts lines that stand for others: they are lines but no records of their own.
func folded(log string) int64 { return int64(strings.Count(log, ": message repeated ")) }

// An agenda gives events back in order of time, then of planning.
func TestAgenda(t *testing.T) {
	var a agenda
	rng := rand.New(rand.NewPCG(1, 2))
	planned, now := 0, int64(0)
	plan := func() {
		a.push(now+rng.Int64N(20)*sec, stepActive, nil, planned)
		planned++
	}
	for range 500 {
		plan()
	}
	previous := event{}
	for taken := 0; ; taken++ {
		e, ok := a.pop()
		if !ok {
			if taken != planned {
				t.Errorf("%d events of %d", taken, planned)
			}
			return
		}
		if !previous.before(&e) {
			t.Fatalf("%v after %v", e, previous)
		}
		if previous, now = e, e.at; planned < 5000 {
			plan()
		}
	}
}

func TestDeterminism(t *testing.T) {
	o := Options{Seed: 7, Messages: 2000, Hosts: []string{"a", "b"}, Mix: Everything()}
	a, first := generate(t, o)
	b, second := generate(t, o)
	if a != b {
		t.Error("the same options give different logs")
	}
	if first.Total != second.Total {
		t.Error("the same options give different truths")
	}
	o.Seed = 8
	if c, _ := generate(t, o); a == c {
		t.Error("another seed gives the same log")
	}
}

// Logs of a megabyte and more come near the size; of smaller ones, a few messages that take long make much.
func TestSize(t *testing.T) {
	for _, size := range []int64{1 << 20, 8 << 20} {
		for _, mix := range []Mix{{}, Typical(), Everything()} {
			for _, cut := range []bool{false, true} {
				tr, err := Write(io.Discard, Options{Size: size, Cut: cut, Mix: mix})
				if err != nil {
					t.Fatal(err)
				}
				off := float64(tr.Bytes)/float64(size) - 1
				t.Logf("%d bytes: %+.1f %%", size, 100*off)
				if math.Abs(off) > 0.15 {
					t.Errorf("%d bytes where %d were asked for", tr.Bytes, size)
				}
			}
		}
	}
}

func TestBadOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"neither a size":      {},
		"unknown header form": {Size: 1, Header: "xml"},
		"rate":                {Size: 1, Rate: -1},
		"backoff":             {Size: 1, MinBackoff: time.Hour, MaxBackoff: time.Minute},
		"counts as lost":      {Size: 1, MaxBackoff: 200 * time.Hour},
		"domains":             {Size: 1, Domains: 1 << 30},
		"start":               {Size: 1, Start: time.Unix(1, 0)},
		"negative duration":   {Size: 1, CutStart: -1},
	} {
		if _, err := Write(io.Discard, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

func TestWriteError(t *testing.T) {
	r, w := io.Pipe()
	full := errors.New("disk full")
	r.CloseWithError(full)
	if _, err := Write(w, Options{Size: 1 << 20}); !errors.Is(err, full) {
		t.Errorf("the writer's error is lost: %v", err)
	}
}

func TestAppendDelay(t *testing.T) {
	for us, want := range map[int64]string{
		0: "0", 4_000: "0", 20_000: "0.02", 300_000: "0.3", 170_000: "0.17", 1_440_000: "1.4", 2_000_000: "2",
		9_960_000: "10", 11_600_000: "12", 999_000: "1", 71_766_000_000: "71766",
	} {
		if got := string(appendDelay(nil, us)); got != want {
			t.Errorf("%d µs: %s, want %s", us, got, want)
		}
	}
}

// A long id holds the time of arrival (global/mail_queue.h).
func TestLongID(t *testing.T) {
	g := newGenerator(io.Discard, Options{LongIDs: true, Hosts: []string{"mx1"}, Domains: 1, Rate: 1, Location: time.UTC})
	m := g.newMessage(&g.hosts[0], ordinary)
	g.open(m, time.Date(2015, time.July, 5, 12, 52, 11, 53285000, time.UTC).UnixMicro())
	if id := string(m.queueID()); !strings.HasPrefix(id, "3mPVKl0Mhjz") {
		t.Errorf("id %s", id)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name string
		mix  Mix
	}{{"typical", Typical()}, {"everything", Everything()}} {
		b.Run("mix="+c.name, func(b *testing.B) {
			const size = 16 << 20
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Write(io.Discard, Options{Size: size, Mix: c.mix}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Mix.Block adds refusals at the blocker, as often as it says, and the rest of the log is as likely as before.
func TestBlock(t *testing.T) {
	o := Options{Messages: 8000, Domains: 3, Mix: Typical()}
	_, before := generate(t, o)
	o.Mix.Block = 0.1
	_, after := generate(t, o)
	find := func(truth Truth) Outcomes {
		for _, d := range truth.Domains {
			if d.Name == "example.com" {
				return d.Outcomes
			}
		}
		t.Fatal("no mail to example.com")
		return Outcomes{}
	}
	a, b := find(before), find(after)
	more := float64(b.Bounced)/float64(b.Total()) - float64(a.Bounced)/float64(a.Total())
	if want := 0.1 * (1 - float64(a.Bounced)/float64(a.Total())); math.Abs(more-want) > 0.02 {
		t.Errorf("%v more of the outcomes bounced, want %v", more, want)
	}
	if rest := (after.Total.Outcomes.Bounced - b.Bounced) - (before.Total.Outcomes.Bounced - a.Bounced); max(rest, -rest) > 100 {
		t.Errorf("%d more bounced at other domains", rest)
	}
}
