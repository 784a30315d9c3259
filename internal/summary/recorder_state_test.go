package summary

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is missing of testdata")

// showRecord writes all that a record says.
func showRecord(r *Record) string {
	c := *r
	c.Cause = nil
	text := fmt.Sprintf("%+v", c)
	if r.Cause != nil {
		why := *r.Cause
		why.Rule = nil
		text += fmt.Sprintf(" cause %+v", why)
		if r.Cause.Rule != nil {
			text += " rule " + r.Cause.Rule.ID
		}
	}
	return strings.Replace(text, " wait:true", " wait:false", 1) // which is all the same once it is written
}

// recorderLog is madeUp with header fields, servers that were tried, and a time on the first line of each host: see Settle.
func recorderLog(r *rand.Rand, n int) []occurrence {
	log := madeUp(r, n)
	begun := make(map[string]bool)
	last := log[0].line.Time
	for i := range log {
		ev, line := &log[i].ev, &log[i].line
		if line.Time == 0 && !begun[line.Host] {
			line.Time = max(last, log[0].line.Time, 1e15)
		}
		begun[line.Host] = true
		last = max(last, line.Time)
		a := &ev.Attempt
		switch {
		case ev.Kind == parsers.Tried:
			*a = parsers.Attempt{RelayHost: "mx.example.org", RelayIP: "192.0.2.1", RelayPort: 25, Origin: parsers.OriginLocal, Command: parsers.CONNECT, Diagnostic: "timeout"}
		case ev.Kind == parsers.Attempted && r.IntN(4) == 0:
			*a = parsers.Attempt{Recipient: a.Recipient, Status: a.Status, Origin: parsers.OriginLocal, Diagnostic: "timeout"}
		case ev.Kind == parsers.Attempted && r.IntN(4) == 0:
			a.OriginalRecipient, a.Controller, a.Job, a.SourceIP, a.MTAStatus = "list@example.com", "ann@example.com", "job", "2001:db8::1", "SOFTBOUNCE"
			a.Delay, a.XDelay, a.DSN, a.Truncated = parsers.Milliseconds(int64(r.IntN(9999))), parsers.Milliseconds(0), parsers.EnhancedCode{4, 2, 1}, true
			ev.MessageID, ev.Process, ev.Campaign = "<m@example.com>", "smtp", "spring"
		case ev.Kind == parsers.Attempted && r.IntN(20) == 0:
			ev.Sender = "late@example.com"
		case r.IntN(20) == 0:
			*ev = parsers.Event{Kind: parsers.Headed, QueueID: ev.QueueID, Instance: ev.Instance, Campaign: "autumn"}
		case ev.Kind == parsers.Attempted && r.IntN(10) == 0:
			a.Recipient = fmt.Sprintf("u%d@example.net", r.IntN(200)) // long lists of recipients
		}
	}
	return log
}

// feed has a Recorder take lines from a place of a log on.
func feed(t testing.TB, rec *Recorder, log []occurrence, at int) {
	t.Helper()
	for i := range log {
		if err := rec.Add(&log[i].ev, &log[i].line, &Source{Format: "postfix", Host: "folder", File: testFile, Line: int64(at + i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
}

// Runs, each of which knows of those before it what a state has, write the records of one run over all lines, in their order.
func TestRecorderInRuns(t *testing.T) {
	held := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 11))
		log := recorderLog(r, 20+r.IntN(300))
		o := *encodeOptions()[seed%uint64(len(encodeOptions()))]
		o.By = nil
		inbound := seed%2 == 0
		var want, got []string
		one := NewRecorder(&o, func(r *Record) error { want = append(want, showRecord(r)); return nil })
		one.Inbound = inbound
		feed(t, one, log, 0)
		if err := one.Close(); err != nil {
			t.Fatal(err)
		}
		emit := func(r *Record) error { got = append(got, showRecord(r)); return nil }
		rec := NewRecorder(&o, emit)
		rec.Inbound = inbound
		now := parsers.Stamp(0)
		for at := 0; at < len(log); {
			n := min(1+r.IntN(80), len(log)-at)
			for _, x := range log[at : at+n] {
				now = max(now, x.line.Time)
			}
			if seed%3 > 0 {
				o.Now = now
			}
			feed(t, rec, log[at:at+n], at)
			at += n
			if err := rec.Settle(); err != nil {
				t.Fatal(err)
			}
			data := rec.EncodeOpen([]byte("before"))
			if !bytes.HasPrefix(data, []byte("before")) {
				t.Fatal("EncodeOpen does not append")
			}
			data = data[len("before"):]
			h, err := ReadRecorderHeader(data)
			if err != nil || h.Messages != len(rec.msgs) || h.Held != len(rec.waiting)-rec.head {
				t.Fatalf("seed %d: %+v, %v", seed, h, err)
			}
			held += h.Held
			if rec, err = DecodeRecorder(data, &o, inbound, emit); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if again := rec.EncodeOpen(nil); !bytes.Equal(data, again) {
				t.Fatalf("seed %d: %d bytes; read and written again, %d others", seed, len(data), len(again))
			}
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d (-at once +in runs):\n%s", seed, d)
		}
	}
	if held < 1000 {
		t.Errorf("only %d records were held between runs: this tests nothing", held)
	}
}

// A record waits for its sender from run to run, and what comes behind it for its turn, until its host's log or the clock has
// gone on for too long.
func TestSettleRecords(t *testing.T) {
	for name, test := range map[string]struct {
		now  time.Duration // after the first line
		more []occurrence  // the next run's
		want [2]string     // of each run
	}{
		"the sender comes":         {time.Minute, []occurrence{queued(50, "A", "a@example.com")}, [2]string{"", "A from a@example.com\nB from b@example.com\n"}},
		"it comes too late":        {time.Minute, []occurrence{from("h2", queued(70, "B", "b@example.com")), queued(61, "A", "a@example.com")}, [2]string{"", "A from \nB from b@example.com\n"}},
		"nothing comes":            {time.Minute, nil, [2]string{"", ""}},
		"nothing came for minutes": {7 * time.Minute, nil, [2]string{"A from \nB from b@example.com\n", ""}},
		"the message ends":         {time.Minute, []occurrence{at(20, parsers.Removed, "A", nil)}, [2]string{"", "A from \nB from b@example.com\n"}},
	} {
		var got [2]string
		run := 0
		emit := func(r *Record) error { got[run] += fmt.Sprintf("%s from %s\n", r.QueueID, r.Sender); return nil }
		o := &Options{}
		first := []occurrence{attempt(0, "A", "x@example.org", parsers.StatusDeferred), from("h2", queued(1, "B", "b@example.com")),
			from("h2", attempt(2, "B", "y@example.org", parsers.StatusDeferred))}
		o.Now = first[0].line.Time.Add(test.now)
		rec := NewRecorder(o, emit)
		feed(t, rec, first, 0)
		if err := rec.Settle(); err != nil {
			t.Fatal(err)
		}
		run = 1
		rec, err := DecodeRecorder(rec.EncodeOpen(nil), o, false, emit)
		if err != nil {
			t.Fatal(err)
		}
		feed(t, rec, test.more, len(first))
		if err := rec.Settle(); err != nil {
			t.Fatal(err)
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// A host that nobody hears of for long is forgotten with its messages, and nothing that waits is lost.
func TestForgetHosts(t *testing.T) {
	o := &Options{Now: parsers.StampOf(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))}
	var got []string
	rec := NewRecorder(o, func(r *Record) error { got = append(got, r.QueueID); return nil })
	feed(t, rec, []occurrence{attempt(0, "A", "x@example.org", parsers.StatusDeferred)}, 0)
	for days, want := range map[int]int{399: 2, 401: 1} {
		later := *o
		later.Now = o.Now.Add(time.Duration(days) * 24 * time.Hour)
		got = nil
		next, err := DecodeRecorder(rec.EncodeOpen(nil), &later, false, rec.emit)
		if err != nil {
			t.Fatal(err)
		}
		feed(t, next, []occurrence{from("h2", attempt(1, "B", "y@example.org", parsers.StatusDeferred))}, 1)
		if err := next.Settle(); err != nil {
			t.Fatal(err)
		}
		if h, err := ReadRecorderHeader(next.EncodeOpen(nil)); err != nil || h.Messages != want || len(next.clocks) != want || len(got) != 2 {
			t.Errorf("after %d days: %+v, %d hosts, records of %q: %v", days, h, len(next.clocks), got, err)
		}
	}
}

func TestRecordSettings(t *testing.T) {
	made := &Options{Domain: "example.*", Job: "x"}
	data := NewRecorder(made, nil).EncodeOpen(nil)
	for want, test := range map[string]struct {
		opt     Options
		inbound bool
	}{
		`counted with no --inbound, not with --inbound "true"`:    {*made, true},
		`counted with --domain "example.*", not with no --domain`: {Options{Job: "x"}, false},
		`counted with no causes, not with causes`:                 {Options{Domain: "example.*", Job: "x", Classifier: builtin()}, false},
	} {
		_, err := DecodeRecorder(data, &test.opt, test.inbound, nil)
		var differs *SettingError
		if !errors.As(err, &differs) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	all := NewRecorder(made, nil)
	all.Inbound = true
	if _, err := DecodeRecorder(all.EncodeOpen(nil), made, true, nil); err != nil {
		t.Error(err)
	}
	var version *VersionError
	if _, err := DecodeRecorder(append([]byte{recorderVersion + 1}, data[1:]...), made, false, nil); !errors.As(err, &version) || version.Have != recorderVersion+1 {
		t.Error(err)
	}
}

// recorderSample returns a Recorder in which there is some of everything, and its Options.
func recorderSample(t testing.TB) (*Recorder, *Options) {
	o := &Options{Classifier: builtin(), CampaignFrom: CampaignHeader, CampaignName: "x-campaign"}
	for seed := uint64(0); ; seed++ {
		rec := NewRecorder(o, func(*Record) error { return nil })
		feed(t, rec, recorderLog(rand.New(rand.NewPCG(seed, 12)), 150), 0)
		causes, long, ended := 0, 0, 0
		for _, w := range rec.waiting[rec.head:] {
			if w.Cause != nil {
				causes++
			}
			if w.wait && w.msg.clock == nil {
				ended++
			}
		}
		for _, m := range rec.msgs {
			if m.more != nil {
				long++
			}
		}
		if causes > 2 && long > 2 && ended > 0 {
			return rec, o
		}
	}
}

// useRecorder does with data whatever is done with a Recorder.
func useRecorder(t testing.TB, data []byte, o *Options) bool {
	emit := func(r *Record) error { _, err := json.Marshal(showRecord(r)); return err }
	rec, err := DecodeRecorder(data, o, false, emit)
	if err != nil {
		return false
	}
	out := rec.EncodeOpen(nil)
	if again, err := DecodeRecorder(out, o, false, emit); err != nil {
		t.Fatal(err)
	} else if b := again.EncodeOpen(nil); !bytes.Equal(b, out) {
		t.Fatalf("%d bytes, then %d others", len(out), len(b))
	}
	feed(t, rec, recorderLog(rand.New(rand.NewPCG(1, 12)), 60), 0)
	if err := rec.Settle(); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	return true
}

// Damaged data is an error or other records, never a panic; what is cut off is an error.
func TestDecodeRecorderOfDamage(t *testing.T) {
	rec, o := recorderSample(t)
	data := rec.EncodeOpen(nil)
	for n := range data {
		if _, err := DecodeRecorder(data[:n], o, false, nil); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(data), err)
		}
	}
	r := rand.New(rand.NewPCG(2, 12))
	used := 0
	for range 500 {
		bad := bytes.Clone(data)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] ^= byte(1 << r.IntN(8))
		}
		if useRecorder(t, bad, o) {
			used++
		}
	}
	if used == 0 {
		t.Error("all damage was found, which nothing looks for: this tests nothing")
	}
}

func FuzzDecodeRecorder(f *testing.F) {
	rec, _ := recorderSample(f)
	o := &Options{}
	o.causes = true // without a classifier, for speed
	rec.opt = o
	f.Add(rec.EncodeOpen(nil))
	f.Add(NewRecorder(o, nil).EncodeOpen(nil))
	f.Fuzz(func(t *testing.T, data []byte) { useRecorder(t, data, o) })
}

// What version 1 was when it was first written is read for good, and means the same.
func TestRecorderVersions(t *testing.T) {
	for v := 1; v <= recorderVersion; v++ {
		name := fmt.Sprintf("testdata/recorder%d", v)
		rec, o := recorderSample(t)
		if _, err := os.Stat(name + ".bin"); *update && v == recorderVersion && err != nil { // what was written once is kept
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(name+".bin", rec.EncodeOpen(nil), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if rec, err = DecodeRecorder(data, o, false, func(r *Record) error { fmt.Fprintln(&got, showRecord(r)); return nil }); err != nil {
			t.Fatal(err)
		}
		if again := rec.EncodeOpen(nil); v == recorderVersion && !bytes.Equal(data, again) {
			t.Errorf("version %d is written in another way than before: make it version %d, and go on reading this one", v, v+1)
		}
		later := at(600, parsers.Expired, "", nil)
		for i := range 6 { // all messages expire
			later.ev.QueueID, later.line.Host = fmt.Sprint("Q", i), fmt.Sprint("h", i%2)
			later.line.Time = 0
			feed(t, rec, []occurrence{later}, 1000)
			later.line.Host = fmt.Sprint("h", (i+1)%2)
			feed(t, rec, []occurrence{later}, 1000)
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name+".golden", []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) || len(want) < 1000 {
			t.Errorf("version %d (-then +now):\n%s", v, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")))
		}
	}
}

// A field that is added to what is carried over has to be written.
func TestEncodeOpenKnowsAllFields(t *testing.T) {
	for _, x := range []struct {
		of     any
		fields int
	}{
		{Recorder{}, 13}, {held{}, 4}, {clock{}, 6}, {track{}, 9}, {epoch{}, 5}, {server{}, 4}, {traced{}, 4}, {addressee{}, 4}, {tracedList{}, 2},
		{Record{}, 18}, {parsers.Attempt{}, 23}, {parsers.Reply{}, 3}, {classify.Cause{}, 9},
	} {
		if typ := reflect.TypeOf(x.of); typ.NumField() != x.fields {
			t.Errorf("%v has %d fields: make sure that EncodeOpen and DecodeRecorder know them all, then write that number here", typ, typ.NumField())
		}
	}
}
