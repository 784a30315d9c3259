package summary

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

// An occurrence is one event of a made-up log.
type occurrence struct {
	ev   parsers.Event
	line parsers.Line
}

// madeUp returns events of a few queue ids in no sensible order: everything that can follow anything does.
func madeUp(r *rand.Rand, n int) []occurrence {
	senders := []string{"", parsers.NullSender, "a@example.com", "b@example.net"}
	recipients := []string{"x@example.org", "y@example.org", "x@EXAMPLE.org", "z@sub.example.co.uk", "w"}
	kinds := []parsers.Kind{parsers.Accepted, parsers.Named, parsers.Queued, parsers.Attempted, parsers.Attempted, parsers.Attempted,
		parsers.Expired, parsers.Removed, parsers.Tried, parsers.Rejected}
	statuses := []parsers.Status{parsers.StatusSent, parsers.StatusDeferred, parsers.StatusDeferred, parsers.StatusBounced}
	t := parsers.StampOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	var out []occurrence
	for range n {
		t = t.Add(time.Duration(r.IntN(60)-5) * time.Second)
		if r.IntN(100) == 0 {
			t = t.Add(7 * 24 * time.Hour)
		}
		ev := parsers.Event{Kind: kinds[r.IntN(len(kinds))], Instance: "postfix", QueueID: fmt.Sprint("Q", r.IntN(6))}
		switch ev.Kind {
		case parsers.Queued:
			ev.Sender, ev.Size = senders[1+r.IntN(3)], int64(r.IntN(2))
		case parsers.Accepted:
			ev.Sender = senders[r.IntN(4)]
		case parsers.Removed:
			ev.Moved = r.IntN(4) == 0
		case parsers.Attempted:
			a := &ev.Attempt
			a.Recipient, a.Status = recipients[r.IntN(len(recipients))], statuses[r.IntN(len(statuses))]
			a.Origin = parsers.OriginRemote
			a.Reply, _ = parsers.ParseReply([]string{"250 ok", "450 4.2.1 later", "550 5.1.1 no"}[r.IntN(3)])
			a.Diagnostic = fmt.Sprintf("host mx.example.org said: %s %d", a.Reply.Text, r.IntN(100))
			a.NotAttempted = r.IntN(8) == 0
			if r.IntN(8) == 0 {
				a.Kind = parsers.Internal
			}
			if r.IntN(20) == 0 {
				ev.QueueID = ""
			}
		case parsers.Expired:
			if r.IntN(2) == 0 {
				ev.Attempt.Recipient = recipients[r.IntN(len(recipients))]
			}
			ev.Sender = senders[r.IntN(4)]
		}
		line := parsers.Line{Time: t, Host: fmt.Sprint("h", r.IntN(2)), Tag: "postfix/smtp"}
		if r.IntN(30) == 0 {
			line.Time = 0
		}
		if r.IntN(30) == 0 {
			line.Repeat = 3
		}
		out = append(out, occurrence{ev, line})
	}
	return out
}

// piece returns the Summary of a run of events, built as blocks of the given length.
func piece(o *Options, log []occurrence, at, block int, rooted bool) *Summary {
	s := New(o, rooted)
	b := NewBuilder(o)
	f := NewFringe()
	for i := 0; i < len(log); i += block {
		b.Begin(f, 0, uint32((at+i)/block), "h")
		for j := i; j < min(i+block, len(log)); j++ {
			b.Line(&log[j].line, uint32(j-i+1), []parsers.Event{log[j].ev})
		}
		b.End()
		s.Absorb(f)
	}
	s.Counts.Add(b.Counts)
	return s
}

func byName(rows iter.Seq[NamedTally]) []NamedTally {
	return slices.SortedFunc(rows, func(a, b NamedTally) int { return strings.Compare(a.Name, b.Name) })
}

// show writes a Summary's end as text. Evidence is without its place.
func show(c *Counts) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %+v\n%+v\n%v %v\n", c.Ledger, c.Total, c.Notifications, c.ByClass, c.ByOrigin)
	fmt.Fprintln(&b, c.Internal, c.Suspended, c.Discarded, c.Unattempted, c.Connects, c.Inbound, c.First, c.Last, c.Repeats)
	fmt.Fprintf(&b, "%+v\n%+v\n%+v\n%+v\n%+v\n", byName(c.Domains()), byName(c.Senders()), c.Replies(), c.Hours(), c.Hosts())
	for _, t := range c.Templates() {
		t.Example.Pos = Pos{}
		fmt.Fprintf(&b, "%+v\n", t)
	}
	fmt.Fprintf(&b, "%+v\n", c.TopReplies(byName(c.Domains())))
	return strings.ReplaceAll(b.String(), "} {", "}\n{")
}

// However a log is cut, and in whatever order neighbours are joined, the end is the same.
func TestAppendIsAssociative(t *testing.T) {
	options := []*Options{
		{},
		{Lifetime: time.Hour},
		{Sender: "a@*"},
		{Domain: "example.*"},
		{Since: parsers.StampOf(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)), Until: parsers.StampOf(time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC))},
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		log := madeUp(r, 20+r.IntN(300))
		o := options[seed%uint64(len(options))]
		want := show(piece(o, log, 0, len(log), true).Final())

		cuts := []int{0}
		for i := 1; i < len(log); i++ {
			if r.IntN(20) == 0 {
				cuts = append(cuts, i)
			}
		}
		cuts = append(cuts, len(log))
		var pieces []*Summary
		for i := range len(cuts) - 1 {
			pieces = append(pieces, piece(o, log[cuts[i]:cuts[i+1]], cuts[i], 1+r.IntN(30), i == 0))
		}
		for len(pieces) > 1 {
			i := r.IntN(len(pieces) - 1)
			pieces[i].Append(pieces[i+1])
			pieces = append(pieces[:i+1], pieces[i+2:]...)
		}
		if got := show(pieces[0].Final()); got != want {
			t.Fatalf("seed %d, %d pieces (-whole +joined):\n%s", seed, len(cuts)-1, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
}

// A table beyond its limit folds the same rows in whatever order they came and however they were joined.
func TestTableFolds(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		whole := newTable[sum](20)
		parts := []table[sum, *sum]{newTable[sum](20), newTable[sum](20), newTable[sum](20)}
		add := func(tb *table[sum, *sum], name, parent string, n sum) {
			up := uint64(restKey)
			if parent != "" {
				up = hash(parent)
			}
			tb.name(hash(name), name, up, parent).val += n
		}
		total := sum(0)
		for range 500 {
			p := r.IntN(30)
			name, parent := fmt.Sprintf("n%d.p%d", r.IntN(100), p), fmt.Sprint("p", p)
			if r.IntN(4) == 0 {
				name, parent = parent, ""
			}
			n := sum(1 + r.IntN(5))
			total += n
			add(&whole, name, parent, n)
			add(&parts[r.IntN(3)], name, parent, n)
		}
		r.Shuffle(3, func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		for i := range parts {
			if r.IntN(2) == 0 {
				parts[i].fold() // as a piece that is written does
			}
		}
		parts[1].add(&parts[2])
		parts[0].add(&parts[1])
		rows := func(tb *table[sum, *sum]) map[string]sum {
			tb.fold()
			if len(tb.rows) > 21 {
				t.Fatalf("%d rows, limit 20 and the rest", len(tb.rows))
			}
			out := make(map[string]sum)
			for i, x := range tb.rows {
				out[tb.nameOf(i)] += x.val
			}
			return out
		}
		a, b := rows(&whole), rows(&parts[0])
		if d := cmp.Diff(a, b); d != "" {
			t.Fatalf("seed %d:\n%s", seed, d)
		}
		got := sum(0)
		for _, n := range a {
			got += n
		}
		if got != total {
			t.Fatalf("seed %d: the rows sum up to %d, want %d", seed, got, total)
		}
	}
}

// What is looked up by the million is a cache line each.
func TestSizes(t *testing.T) {
	for _, v := range []any{message{}, row[tally]{}} {
		if n := reflect.TypeOf(v).Size(); n != 64 {
			t.Errorf("%T: %d bytes, want 64", v, n)
		}
	}
}

func TestArenaKeepsStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	var a arena
	var want []string
	var spans []span
	for i := range 5000 {
		n := r.IntN(40)
		if i%100 == 0 {
			n = r.IntN(3 * arenaChunk)
		}
		s := strings.Repeat(string(rune('a'+i%26)), n)
		want, spans = append(want, s), append(spans, a.add(s))
	}
	for i, p := range spans {
		if got := a.get(p); got != want[i] {
			t.Fatalf("string %d: %q, want %q", i, got, want[i])
		}
	}
}

// Two pieces of a handful of events of one queue id: small enough to read when it fails.
func TestAppendOfTwo(t *testing.T) {
	for n := 2; n < 8; n++ {
		for seed := range uint64(200) {
			log := madeUp(rand.New(rand.NewPCG(seed, 4)), n)
			for i := range log {
				log[i].ev.QueueID, log[i].line.Host = "Q", "h"
			}
			o := &Options{}
			want := show(piece(o, log, 0, n, true).Final())
			for cut := 1; cut < n; cut++ {
				s := piece(o, log[:cut], 0, n, true)
				s.Append(piece(o, log[cut:], 0, n, false))
				if got := show(s.Final()); got != want {
					for i := range log {
						ev, a := &log[i].ev, &log[i].ev.Attempt
						t.Log(i, ev.Kind, log[i].line.Time, ev.Sender, ev.Size, a.Recipient, a.Status, a.Kind, ev.Moved)
					}
					t.Fatalf("cut at %d (-whole +joined):\n%s", cut, cmp.Diff(want, got))
				}
			}
		}
	}
}

// Texts that textKey takes for one have one template.
func TestTextKey(t *testing.T) {
	pieces := []string{" ", " <", "<", ">", ">: ", "\"", "user: \"", "https://example.com/?q=", "550", "550-", "550 5.1.1 ", "said: ", "\\n",
		"example.com", "mx1.example.com[192.0.2.1]", "a@example.com", ":", "'", "word ", "/", "=", "A1B2C3D4E5F6"}
	recipients := []string{"a@example.com", "john.smith-1_2@example.com", "12345@example.com", "DEADBEEF0123@example.com", "x+y@example.com",
		"\"a b\"@example.com", "a@b@example.com", "@example.com", "a"}
	r := rand.New(rand.NewPCG(1, 2))
	half := func() string {
		var s strings.Builder
		for range r.IntN(6) {
			s.WriteString(pieces[r.IntN(len(pieces))])
		}
		return s.String()
	}
	same := 0
	for range 200_000 {
		before, after := half()+" <", ">"+half()
		one, other := recipients[r.IntN(len(recipients))], recipients[r.IntN(len(recipients))]
		a, b := before+one+after, before+other+after
		if a == b || textKey(a, one) != textKey(b, other) {
			continue
		}
		same++
		if x, y := string(classify.AppendTemplate(nil, a)), string(classify.AppendTemplate(nil, b)); x != y {
			t.Fatalf("one key, two templates:\n%q\n%q\nof\n%q\n%q", x, y, a, b)
		}
	}
	if same < 10_000 {
		t.Errorf("only %d pairs had one key", same)
	}
}
