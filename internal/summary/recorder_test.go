package summary

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

// play runs events through a Recorder and returns what it writes, a record a line.
func play(t *testing.T, o *Options, log []occurrence) (out []string) {
	t.Helper()
	r := NewRecorder(o, func(rec *Record) error {
		out = append(out, fmt.Sprintf("%s %s %s %s %s try=%d from=%s", rec.Time.Time().Format("15:04:05"), rec.QueueID, rec.Recipient,
			rec.Status, rec.Kind, rec.Ordinal, rec.Sender))
		return nil
	})
	r.Inbound = true
	for i := range log {
		if err := r.Add(&log[i].ev, &log[i].line, &Source{File: "mail.log", Line: int64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// at returns an occurrence some seconds into the log.
func at(second int, kind parsers.Kind, id string, fill func(*parsers.Event)) occurrence {
	ev := parsers.Event{Kind: kind, QueueID: id, Instance: "postfix"}
	if fill != nil {
		fill(&ev)
	}
	start := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	return occurrence{ev, parsers.Line{Host: "h", Time: parsers.StampOf(start.Add(time.Duration(second) * time.Second))}}
}

func queued(second int, id, sender string) occurrence {
	return at(second, parsers.Queued, id, func(ev *parsers.Event) { ev.Sender, ev.Size = sender, 1 })
}

func attempt(second int, id, recipient string, s parsers.Status) occurrence {
	return at(second, parsers.Attempted, id, func(ev *parsers.Event) { ev.Attempt.Recipient, ev.Attempt.Status = recipient, s })
}

func expired(second int, id, recipient string) occurrence {
	return at(second, parsers.Expired, id, func(ev *parsers.Event) { ev.Attempt.Recipient = recipient })
}

func repeated(n int, x occurrence) occurrence {
	x.line.Repeat = n
	return x
}

func timeless(x occurrence) occurrence {
	x.line.Time = 0
	return x
}

// from moves an occurrence to another host.
func from(host string, x occurrence) occurrence {
	x.line.Host = host
	return x
}

const year = 365 * 24 * 60 * 60

func TestRecorder(t *testing.T) {
	for _, tt := range []struct {
		name string
		opt  Options
		log  []occurrence
		want []string
	}{
		{
			name: "sender from an earlier line, ordinals where the beginning is known",
			log: []occurrence{
				at(0, parsers.Accepted, "A", nil), queued(0, "A", "s@example.com"),
				attempt(1, "A", "x@example.org", parsers.StatusDeferred), attempt(9, "A", "x@EXAMPLE.org", parsers.StatusSent),
				queued(10, "B", "<>"), attempt(11, "B", "y@example.org", parsers.StatusSent),
			},
			want: []string{
				"10:00:01 A x@example.org deferred remote try=1 from=s@example.com",
				"10:00:09 A x@EXAMPLE.org sent remote try=2 from=s@example.com",
				"10:00:11 B y@example.org sent remote try=0 from=<>",
			},
		},
		{
			name: "a record waits for its sender, and those behind it for their turn",
			log: []occurrence{
				attempt(0, "A", "x@example.org", parsers.StatusDeferred),
				queued(1, "B", "b@example.com"), attempt(2, "B", "y@example.org", parsers.StatusSent),
				queued(3, "A", "a@example.com"),
			},
			want: []string{
				"10:00:00 A x@example.org deferred remote try=0 from=a@example.com",
				"10:00:02 B y@example.org sent remote try=0 from=b@example.com",
			},
		},
		{
			name: "but not for longer than a minute of the log",
			log: []occurrence{
				attempt(0, "A", "x@example.org", parsers.StatusDeferred),
				attempt(61, "C", "z@example.org", parsers.StatusDeferred),
				queued(62, "A", "a@example.com"), queued(63, "C", "c@example.com"),
			},
			want: []string{
				"10:00:00 A x@example.org deferred remote try=0 from=",
				"10:01:01 C z@example.org deferred remote try=0 from=c@example.com",
			},
		},
		{
			name: "an id that is free belongs to another message next",
			log: []occurrence{
				queued(0, "A", "a@example.com"), attempt(1, "A", "x@example.org", parsers.StatusSent), at(2, parsers.Removed, "A", nil),
				attempt(3, "A", "y@example.org", parsers.StatusSent),
			},
			want: []string{
				"10:00:01 A x@example.org sent remote try=0 from=a@example.com",
				"10:00:03 A y@example.org sent remote try=0 from=",
			},
		},
		{
			name: "expiry: one record for each recipient still deferred",
			log: []occurrence{
				queued(0, "A", "a@example.com"),
				attempt(1, "A", "x@example.org", parsers.StatusDeferred), attempt(1, "A", "y@example.org", parsers.StatusSent),
				attempt(1, "A", "z@example.org", parsers.StatusDeferred), attempt(1, "A", "w@example.org", parsers.StatusBounced),
				at(5, parsers.Expired, "A", nil), at(6, parsers.Expired, "A", nil), at(7, parsers.Expired, "B", nil),
			},
			want: []string{
				"10:00:01 A x@example.org deferred remote try=0 from=a@example.com",
				"10:00:01 A y@example.org sent remote try=0 from=a@example.com",
				"10:00:01 A z@example.org deferred remote try=0 from=a@example.com",
				"10:00:01 A w@example.org bounced remote try=0 from=a@example.com",
				"10:00:05 A x@example.org expired final try=0 from=a@example.com",
				"10:00:05 A z@example.org expired final try=0 from=a@example.com",
			},
		},
		{
			name: "expiry of one recipient: nothing where it is settled already",
			log: []occurrence{
				queued(0, "A", "a@example.com"),
				attempt(1, "A", "x@example.org", parsers.StatusSent), expired(2, "A", "x@example.org"),
				attempt(3, "A", "y@example.org", parsers.StatusDeferred), expired(4, "A", "y@example.org"), expired(5, "A", "y@example.org"),
				expired(6, "A", "z@example.org"), at(7, parsers.Expired, "A", nil),
			},
			want: []string{
				"10:00:01 A x@example.org sent remote try=0 from=a@example.com",
				"10:00:03 A y@example.org deferred remote try=0 from=a@example.com",
				"10:00:04 A y@example.org expired final try=0 from=a@example.com",
				"10:00:06 A z@example.org expired final try=0 from=a@example.com",
			},
		},
		{
			name: "a line that stands for three is three attempts",
			log: []occurrence{
				at(0, parsers.Accepted, "A", nil),
				repeated(3, attempt(1, "A", "x@example.org", parsers.StatusDeferred)), attempt(2, "A", "x@example.org", parsers.StatusDeferred),
				queued(3, "A", "a@example.com"), repeated(2, attempt(4, "A", "x@example.org", parsers.StatusSent)),
				queued(5, "B", "b@example.com"), repeated(2, attempt(6, "B", "y@example.org", parsers.StatusSent)),
			},
			want: []string{
				"10:00:01 A x@example.org deferred remote try=1 from=a@example.com",
				"10:00:01 A x@example.org deferred remote try=2 from=a@example.com",
				"10:00:01 A x@example.org deferred remote try=3 from=a@example.com",
				"10:00:02 A x@example.org deferred remote try=4 from=a@example.com",
				"10:00:04 A x@example.org sent remote try=5 from=a@example.com",
				"10:00:04 A x@example.org sent remote try=6 from=a@example.com",
				"10:00:06 B y@example.org sent remote try=0 from=b@example.com",
				"10:00:06 B y@example.org sent remote try=0 from=b@example.com",
			},
		},
		{
			name: "a host that is read after another has its own time",
			log: []occurrence{
				from("mx1", attempt(7200, "A", "x@example.org", parsers.StatusSent)), from("mx1", queued(7201, "A", "a@example.com")),
				from("mx2", attempt(0, "A", "y@example.org", parsers.StatusSent)), from("mx2", queued(1, "A", "b@example.com")),
			},
			want: []string{
				"12:00:00 A x@example.org sent remote try=0 from=a@example.com",
				"10:00:00 A y@example.org sent remote try=0 from=b@example.com",
			},
		},
		{
			name: "so have hosts whose lines are mixed and whose clocks differ",
			log: []occurrence{
				from("mx1", attempt(7200, "A", "x@example.org", parsers.StatusSent)), from("mx2", attempt(0, "A", "y@example.org", parsers.StatusSent)),
				from("mx1", queued(7201, "A", "a@example.com")), from("mx2", queued(1, "A", "b@example.com")),
				from("mx1", attempt(7202, "B", "x@example.org", parsers.StatusSent)), from("mx2", attempt(2, "B", "y@example.org", parsers.StatusSent)),
				from("mx1", attempt(7263, "C", "z@example.org", parsers.StatusSent)),
				from("mx1", queued(7264, "B", "late@example.com")), from("mx2", queued(3, "B", "c@example.com")),
			},
			want: []string{
				"12:00:00 A x@example.org sent remote try=0 from=a@example.com",
				"10:00:00 A y@example.org sent remote try=0 from=b@example.com",
				"12:00:02 B x@example.org sent remote try=0 from=",
				"10:00:02 B y@example.org sent remote try=0 from=c@example.com",
				"12:01:03 C z@example.org sent remote try=0 from=",
			},
		},
		{
			name: "a line from the future does not age what follows, nor hold it up",
			log: []occurrence{
				queued(0, "A", "a@example.com"), attempt(year, "A", "x@example.org", parsers.StatusSent),
				attempt(1, "B", "y@example.org", parsers.StatusSent), queued(2, "B", "b@example.com"),
				attempt(year, "C", "z@example.org", parsers.StatusSent),
				attempt(3, "D", "w@example.org", parsers.StatusSent), queued(4, "C", "late@example.com"), queued(5, "D", "d@example.com"),
			},
			want: []string{
				"10:00:00 A x@example.org sent remote try=0 from=",
				"10:00:01 B y@example.org sent remote try=0 from=b@example.com",
				"10:00:00 C z@example.org sent remote try=0 from=",
				"10:00:03 D w@example.org sent remote try=0 from=d@example.com",
			},
		},
		{
			name: "a record without a time waits by the clock of its host",
			log: []occurrence{
				queued(0, "A", "a@example.com"), timeless(attempt(0, "B", "x@example.org", parsers.StatusSent)), queued(60, "B", "b@example.com"),
				timeless(attempt(0, "C", "x@example.org", parsers.StatusSent)), queued(121, "C", "late@example.com"),
			},
			want: []string{
				"00:00:00 B x@example.org sent remote try=0 from=b@example.com",
				"00:00:00 C x@example.org sent remote try=0 from=",
			},
		},
		{
			name: "a sender asked for, unknown ones left out",
			opt:  Options{Sender: "a@*"},
			log: []occurrence{
				queued(0, "A", "A@example.com"), attempt(1, "A", "x@example.org", parsers.StatusSent),
				queued(0, "B", "b@example.com"), attempt(1, "B", "x@example.org", parsers.StatusSent),
				attempt(1, "C", "x@example.org", parsers.StatusSent),
			},
			want: []string{"10:00:01 A x@example.org sent remote try=0 from=A@example.com"},
		},
		{
			name: "refusals at our own door, which have no queue id",
			log: []occurrence{
				at(0, parsers.Rejected, "", func(ev *parsers.Event) {
					ev.Sender, ev.Attempt.Recipient, ev.Attempt.Status = "s@example.com", "x@example.org", parsers.StatusRejected
				}),
			},
			want: []string{"10:00:00  x@example.org rejected remote try=0 from=s@example.com"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, play(t, &tt.opt, tt.log)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// However many records wait, no more than the bound do.
func TestRecorderIsBounded(t *testing.T) {
	written := 0
	r := NewRecorder(&Options{}, func(*Record) error { written++; return nil })
	for i := range 3 * maxWaiting {
		x := attempt(0, fmt.Sprint("Q", i), "x@example.org", parsers.StatusDeferred)
		if err := r.Add(&x.ev, &x.line, &Source{}); err != nil {
			t.Fatal(err)
		}
		if waiting := i + 1 - written; waiting > maxWaiting {
			t.Fatalf("%d records wait", waiting)
		}
	}
	if err := r.Close(); err != nil || written != 3*maxWaiting {
		t.Fatalf("%d records written, %v", written, err)
	}
}

// A record whose host says no more holds up the other hosts' for so many records and no longer, whatever their times.
func TestRecorderGoesOnWithoutASilentHost(t *testing.T) {
	var lines []int64
	r := NewRecorder(&Options{}, func(rec *Record) error { lines = append(lines, rec.Line); return nil })
	add := func(n int, x occurrence) {
		if err := r.Add(&x.ev, &x.line, &Source{Line: int64(n)}); err != nil {
			t.Fatal(err)
		}
	}
	add(0, from("mx1", attempt(0, "A", "x@example.org", parsers.StatusSent)))
	add(0, from("mx2", queued(0, "B", "b@example.com")))
	for i := range maxWaiting {
		if len(lines) > 0 {
			t.Fatalf("%d records written with %d behind the first", len(lines), i)
		}
		add(i+1, from("mx2", attempt(i, "B", "y@example.org", parsers.StatusDeferred)))
	}
	if len(lines) != maxWaiting+1 || !slices.IsSorted(lines) {
		t.Errorf("%d records written with %d behind the first, in order: %v", len(lines), maxWaiting, slices.IsSorted(lines))
	}
}

// A record goes as soon as its message has ended: no sender will come.
func TestRecorderDoesNotWaitForTheEnded(t *testing.T) {
	for _, end := range []parsers.Kind{parsers.Removed, parsers.Accepted} {
		written := 0
		r := NewRecorder(&Options{}, func(*Record) error { written++; return nil })
		for _, x := range []occurrence{attempt(0, "A", "x@example.org", parsers.StatusSent), at(0, end, "A", nil)} {
			if err := r.Add(&x.ev, &x.line, &Source{}); err != nil {
				t.Fatal(err)
			}
		}
		if written != 1 {
			t.Errorf("event %v: %d records written, want 1", end, written)
		}
	}
}

// Whatever follows whatever, records leave in the order of their lines, each with a sender that its message had, and
// nothing is left behind.
func TestRecorderKeepsTheOrder(t *testing.T) {
	for seed := range uint64(100) {
		log := madeUp(rand.New(rand.NewPCG(seed, 5)), 300)
		attempts, written, last := 0, 0, int64(0)
		r := NewRecorder(&Options{}, func(rec *Record) error {
			if rec.Line < last {
				t.Fatalf("seed %d: line %d after line %d", seed, rec.Line, last)
			}
			last = rec.Line
			if rec.Status != parsers.StatusExpired {
				written++
			}
			return nil
		})
		for i := range log {
			if log[i].ev.Kind == parsers.Attempted {
				attempts += log[i].line.Count()
			}
			if err := r.Add(&log[i].ev, &log[i].line, &Source{Line: int64(i + 1)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil || written != attempts || len(r.waiting) != 0 {
			t.Fatalf("seed %d: %d records of %d attempts, %d wait, %v", seed, written, attempts, len(r.waiting), err)
		}
	}
}

// A message with more recipients than are searched one by one finds each again.
func TestRecorderOfManyRecipients(t *testing.T) {
	const n = 10 * longList
	log := []occurrence{at(0, parsers.Accepted, "A", nil), queued(0, "A", "a@example.com")}
	var want []string
	for try := range 3 {
		for i := range n {
			s := parsers.StatusDeferred
			if i%2 == 1 && try == 1 {
				s = parsers.StatusSent
			}
			to := fmt.Sprintf("u%d@example.org", i)
			log = append(log, attempt(try, "A", to, s))
			want = append(want, fmt.Sprintf("10:00:0%d A %s %s remote try=%d from=a@example.com", try, to, s, try+1))
		}
	}
	log = append(log, at(5, parsers.Expired, "A", nil))
	for i := 0; i < n; i += 2 {
		want = append(want, fmt.Sprintf("10:00:05 A u%d@example.org expired final try=0 from=a@example.com", i))
	}
	if d := cmp.Diff(want, play(t, &Options{}, log)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A recipient's texts are kept as long as an expiry may ask for them, and a sender once for all messages.
func TestRecorderIsSmall(t *testing.T) {
	var m track
	for _, tt := range []struct {
		status parsers.Status
		keeps  bool
	}{{parsers.StatusDeferred, true}, {parsers.StatusDeferred, true}, {parsers.StatusSent, false}, {parsers.StatusDeferred, false}} {
		x := attempt(0, "A", "x@example.org", tt.status)
		m.trace(&Record{Attempt: x.ev.Attempt}, 1)
		if (m.first.names != nil) != tt.keeps {
			t.Errorf("%v after %d attempts: the names are %v", tt.status, m.first.tries, m.first.names)
		}
	}

	var memo senderMemo
	block := []byte("campaign@example.com campaign@example.com")
	one, two := string(block[:20]), string(block[21:])
	if got := memo.keep(one); got != one {
		t.Errorf("keep: %q", got)
	}
	if n := testing.AllocsPerRun(10, func() { memo.keep(two) }); n != 0 {
		t.Errorf("a sender that came before costs %v allocations", n)
	}
	for i := range 3 * len(memo) {
		if s := fmt.Sprintf("s%d@example.com", i); memo.keep(s) != s {
			t.Fatalf("keep(%q) is another", s)
		}
	}
}

// Messages are forgotten by the clock of their own host, which a few wrong stamps do not move.
func TestRecorderSweeps(t *testing.T) {
	const day = 24 * 60 * 60
	r := NewRecorder(&Options{}, func(*Record) error { return nil })
	add := func(x occurrence) {
		if err := r.Add(&x.ev, &x.line, &Source{}); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(want int) {
		t.Helper()
		r.sweepAt = 0
		r.sweep()
		if len(r.msgs) != want {
			t.Errorf("%d messages are open, want %d", len(r.msgs), want)
		}
		if r.sweepAt != minTracks {
			t.Errorf("the next sweep is at %d messages, want %d", r.sweepAt, minTracks)
		}
	}
	run := func(host string, second int) {
		for range 2 * clockRun {
			add(from(host, attempt(second, "", "x@example.org", parsers.StatusSent)))
		}
	}
	add(from("mx1", queued(0, "A", "a@example.com")))
	add(from("mx1", queued(year, "F", "f@example.com")))
	add(from("mx2", queued(0, "A", "a@example.com")))
	run("mx1", 11*day)
	for range clockRun / 2 {
		add(from("mx1", attempt(year, "", "x@example.org", parsers.StatusSent)))
	}
	sweep(3)
	run("mx2", 13*day)
	sweep(2) // without mx2's
	run("mx1", 13*day)
	sweep(1) // F
}

// Beyond so many hosts, they have one clock together.
func TestRecorderOfManyHosts(t *testing.T) {
	r := NewRecorder(&Options{}, func(*Record) error { return nil })
	for i := range maxClocks + 100 {
		x := from(fmt.Sprint("h", i), attempt(0, "", "x@example.org", parsers.StatusSent))
		if err := r.Add(&x.ev, &x.line, &Source{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.clocks) != maxClocks {
		t.Errorf("%d clocks, want %d", len(r.clocks), maxClocks)
	}
}

// The first error of the writer ends all.
func TestRecorderStops(t *testing.T) {
	full := errors.New("disk full")
	n := 0
	r := NewRecorder(&Options{}, func(*Record) error { n++; return full })
	for range 3 {
		x := attempt(0, "", "x@example.org", parsers.StatusSent)
		if err := r.Add(&x.ev, &x.line, &Source{}); !errors.Is(err, full) {
			t.Fatalf("Add: %v, want %v", err, full)
		}
	}
	if n != 1 {
		t.Errorf("the writer was called %d times after its error", n-1)
	}
}

// Where a server could not be reached, its name is on a line of its own, and the recipients' lines have the reason alone.
func TestRecorderOfUnreachableServers(t *testing.T) {
	tried := func(second int, id, host, reason string) occurrence {
		return at(second, parsers.Tried, id, func(ev *parsers.Event) {
			ev.Attempt = parsers.Attempt{RelayHost: host, RelayIP: "192.0.2.1", RelayPort: 25, Kind: parsers.Connect, Origin: parsers.OriginLocal,
				Command: parsers.CONNECT, Diagnostic: reason}
		})
	}
	refused := func(second int, id, relay, reason string) occurrence {
		x := attempt(second, id, "x@example.org", parsers.StatusDeferred)
		x.ev.Attempt.Origin, x.ev.Attempt.RelayHost, x.ev.Attempt.Diagnostic = parsers.OriginLocal, relay, reason
		return x
	}
	log := []occurrence{
		queued(0, "A", "a@example.com"), queued(0, "B", "b@example.com"),
		tried(1, "A", "mx1", "Connection refused"), tried(1, "A", "mx2", "Connection timed out"),
		refused(2, "B", "", "Connection timed out"), // another message
		refused(2, "A", "", "Connection timed out"), refused(2, "A", "", "Connection timed out"),
		refused(3, "A", "", "Connection refused"), // not what the last one said
		refused(4, "A", "mx3", "Connection timed out"),
		tried(5, "C", "mx4", "Connection refused"), from("g", refused(6, "C", "", "Connection refused")), refused(6, "C", "", "Connection refused"),
		tried(7, "A", "mx5", strings.Repeat("x", maxReason+1)), refused(8, "A", "", strings.Repeat("x", maxReason+1)),
		at(9, parsers.Removed, "A", nil), refused(10, "A", "", "Connection timed out"),
	}
	want := []string{"B ", "A mx2:25", "A mx2:25", "A ", "A mx3", "C ", "C mx4:25", "A ", "A "}
	var got []string
	r := NewRecorder(&Options{}, func(rec *Record) error {
		relay := rec.RelayHost
		if rec.RelayPort != 0 {
			relay += fmt.Sprintf(":%d", rec.RelayPort)
		}
		got = append(got, rec.QueueID+" "+relay)
		return nil
	})
	for i := range log {
		if err := r.Add(&log[i].ev, &log[i].line, &Source{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A first attempt may stand before the line that its message was accepted by.
func TestRecorderOfEarlyAttempts(t *testing.T) {
	early := func(second int, id, to string) occurrence {
		x := attempt(second, id, to, parsers.StatusSent)
		x.ev.Attempt.Ordinal = 1
		return x
	}
	accepted := func(second int, id, sender string) occurrence {
		return at(second, parsers.Accepted, id, func(ev *parsers.Event) { ev.Sender = sender })
	}
	got := play(t, &Options{}, []occurrence{
		early(0, "A", "x@example.org"), early(0, "A", "y@example.org"), accepted(1, "A", "a@example.com"),
		accepted(2, "A", "b@example.com"), early(3, "A", "z@example.org"), accepted(4, "A", "c@example.com"), // none of these is early
		attempt(5, "B", "x@example.org", parsers.StatusSent), accepted(6, "B", "b@example.com"),
	})
	want := []string{
		"10:00:00 A x@example.org sent remote try=1 from=a@example.com",
		"10:00:00 A y@example.org sent remote try=1 from=a@example.com",
		"10:00:03 A z@example.org sent remote try=1 from=b@example.com",
		"10:00:05 B x@example.org sent remote try=0 from=",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
