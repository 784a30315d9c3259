package summary

import (
	"errors"
	"fmt"
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
