package summary

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/wire"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

var builtin = sync.OnceValue(func() *classify.Classifier {
	rules, providers, err := classify.Builtin()
	if err != nil {
		panic(err)
	}
	c, err := classify.NewClassifier(rules, append(providers, classify.Provider{Name: "example", Title: "Example", MX: []string{"example.org"}}))
	if err != nil {
		panic(err)
	}
	return c
})

// encodeOptions are Options of all kinds.
func encodeOptions() []*Options {
	return []*Options{
		{},
		{Lifetime: time.Hour, Classifier: builtin()},
		{Sender: "a@*"},
		{Domain: "example.*", By: []By{{ByDomain}}},
		{Classifier: builtin(), By: []By{{ByHour, ByCategory}, {BySender, ByCode}, {ByDay}}},
		{Since: parsers.StampOf(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)), Until: parsers.StampOf(time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC))},
		{Campaign: "a@*", CampaignFrom: CampaignSender, By: []By{{ByCampaign, ByDay}}},
		{CampaignFrom: CampaignHeader, CampaignName: "x-campaign", By: []By{{ByCampaign}}},
	}
}

// showAll is show with all else that there is in Counts, and the places of evidence.
func showAll(c *Counts) string {
	var b strings.Builder
	b.WriteString(show(c))
	for _, n := range c.scalars() {
		fmt.Fprint(&b, *n, " ")
	}
	fmt.Fprintf(&b, "\nprograms %+v\nproviders %+v\n", c.Programs(), byName(c.Providers()))
	for _, t := range c.Templates() {
		fmt.Fprintf(&b, "template at %+v\n", t.Example.Pos)
	}
	for _, x := range c.Causes() {
		fmt.Fprintf(&b, "cause %+v\n", x)
	}
	for _, x := range c.DeliveryTimes() {
		fmt.Fprintf(&b, "delivered at %q %d given up %d pending %d\n", x.Provider, x.Delivered, x.GivenUp, x.Pending)
		x.Times.Buckets(func(from, to, n int64) { fmt.Fprintf(&b, "  %d to %d ms: %d\n", from, to, n) })
	}
	for _, x := range c.Breakdowns() {
		fmt.Fprintf(&b, "by %v: %+v\n", x.By, x.Rows)
	}
	return b.String()
}

// testFile has the only input of the tests, testLine the line of a place: blocks are of a thousand lines.
const testFile = "mail.log"

func testPlace(p Pos) (string, int64) {
	if p.Block < 1<<20 { // not decoded: lines of blocks are counted from 1
		return testFile, int64(p.Block)*1000 + int64(p.Line)
	}
	return testFile, p.DecodedLine() & (1<<40 - 1)
}

func decoded(t testing.TB, data []byte, o *Options) *Summary {
	t.Helper()
	s, err := Decode(data, o, func(file string) uint32 {
		if file != testFile {
			t.Errorf("asked for the number of %q", file)
		}
		return 0
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Pieces that were written and read again, and joined in whatever order, end as those that never left memory.
func TestEncodeAtCuts(t *testing.T) {
	for seed := range uint64(210) {
		r := rand.New(rand.NewPCG(seed, 5))
		log := madeUp(r, 20+r.IntN(300))
		o := encodeOptions()[seed%uint64(len(encodeOptions()))]
		var cuts []int
		for i := 0; i < len(log); i += 1 + r.IntN(40) {
			cuts = append(cuts, i)
		}
		cuts = append(cuts, len(log))
		blocks := make([]int, len(cuts))
		for i := range blocks {
			blocks[i] = 1 + r.IntN(30)
		}
		pieces := func(keep bool) (list []*Summary) {
			for i := range len(cuts) - 1 {
				s := piece(o, log[cuts[i]:cuts[i+1]], cuts[i], blocks[i], i == 0)
				if !keep {
					s = decoded(t, encode(t, s, o), o)
				}
				list = append(list, s)
			}
			return list
		}
		join := func(list []*Summary, again bool) *Summary {
			for len(list) > 1 {
				i := r.IntN(len(list) - 1)
				list[i].Append(list[i+1])
				if again && r.IntN(4) == 0 {
					list[i] = decoded(t, encode(t, list[i], o), o)
				}
				list = append(list[:i+1], list[i+2:]...)
			}
			return list[0]
		}
		want, got := join(pieces(true), false), join(pieces(false), true)
		if a, b := encode(t, want, o), encode(t, got, o); !bytes.Equal(a, b) {
			t.Errorf("seed %d: %d bytes of what stayed in memory, %d of what was written", seed, len(a), len(b))
		}
		a, b := noPlaces(want.Final()), noPlaces(got.Final())
		if a != b {
			t.Fatalf("seed %d (-kept +written):\n%s", seed, cmp.Diff(strings.Split(a, "\n"), strings.Split(b, "\n")))
		}
	}
}

// noPlaces is showAll without the blocks of places, which are not what is written.
func noPlaces(c *Counts) string {
	for i := range c.templates.rows {
		e := &c.templates.rows[i].val.example
		_, line := testPlace(e.Pos)
		e.Pos = Pos{Line: uint32(line)}
	}
	for i := range c.causes.rows {
		e := &c.causes.rows[i].val.example
		_, line := testPlace(e.Pos)
		e.Pos = Pos{Line: uint32(line)}
	}
	return showAll(c)
}

// encode checks that a Summary is the same after a round trip, to the byte.
func encode(t testing.TB, s *Summary, o *Options) []byte {
	t.Helper()
	prefix := []byte("before")
	data := s.Encode(bytes.Clone(prefix), testPlace)
	if !bytes.HasPrefix(data, prefix) {
		t.Fatal("Encode does not append")
	}
	data = data[len(prefix):]
	if again := decoded(t, data, o).Encode(nil, testPlace); !bytes.Equal(data, again) {
		t.Fatalf("%d bytes; read and written again, %d others", len(data), len(again))
	}
	return data
}

// However the tables were filled and merged, equal counts are equal bytes.
func TestEncodeIsCanonical(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 6))
		log := madeUp(r, 300)
		o := encodeOptions()[seed%uint64(len(encodeOptions()))]
		whole := encode(t, piece(o, log, 0, len(log), true), o)
		cut := 1 + r.IntN(len(log)-1)
		left, right := piece(o, log[:cut], 0, 1000, true), piece(o, log[cut:], 0, 1000, false)
		for i := range right.Counts.templates.rows {
			right.Counts.templates.rows[i].val.example.Pos.Line += uint32(cut) // as if it were the same block
		}
		for i := range right.Counts.causes.rows {
			right.Counts.causes.rows[i].val.example.Pos.Line += uint32(cut)
		}
		for key, l := range right.leads {
			for i := range l.prefix {
				if f := l.prefix[i].failure; f != nil {
					f.pos.Line += uint32(cut)
				}
			}
			right.leads[key] = l
		}
		for _, x := range right.pool.all {
			for i := range x.held {
				if f := x.held[i].failure; f != nil && x.held[i].op == opAttempt {
					f.pos.Line += uint32(cut)
				}
			}
		}
		left.Append(right)
		if joined := encode(t, left, o); !bytes.Equal(whole, joined) {
			t.Errorf("seed %d: %d bytes of the whole, %d of two pieces", seed, len(whole), len(joined))
		}
	}
}

// Large tables fold before they are written, and what is written is the same after more was added.
func TestEncodeFolds(t *testing.T) {
	o := &Options{}
	s := New(o, true)
	for i := range maxPrograms + 300 {
		name := fmt.Sprint("program", i)
		s.Counts.programs.name(hash(name), name, restKey, "").val += sum(i)
	}
	if got := decoded(t, encode(t, s, o), o).Counts; !reflect.DeepEqual(got.Programs(), s.Counts.Programs()) {
		t.Error("programs differ")
	}
}

func TestSettings(t *testing.T) {
	for _, o := range encodeOptions() {
		data := New(o, false).Encode(nil, nil)
		h, err := ReadHeader(data)
		if err != nil || h.Rooted {
			t.Fatal(h, err)
		}
		var back Options
		for _, s := range h.Settings {
			if err := back.Set(s); err != nil {
				t.Fatal(err)
			}
		}
		back.Classifier = o.Classifier
		if d := cmp.Diff(o.Settings(), back.Settings()); d != "" {
			t.Errorf("settings (-want +read):\n%s", d)
		}
		if _, err := Decode(data, &back, nil); err != nil {
			t.Error(err)
		}
	}
	made := &Options{Domain: "example.*", By: []By{{ByDay}}}
	data := New(made, true).Encode(nil, nil)
	for want, o := range map[string]*Options{
		`counted with --by "day", not with no --by`:                          {Domain: "example.*"},
		`counted with --domain "example.*", not with no --domain`:            {By: []By{{ByDay}}},
		`counted with --domain "example.*", not with --domain "a"`:           {By: []By{{ByDay}}, Domain: "a"},
		`counted with no --sender, not with --sender "a"`:                    {By: []By{{ByDay}}, Domain: "example.*", Sender: "a"},
		`counted with no causes, not with causes`:                            {By: []By{{ByDay}}, Domain: "example.*", Classifier: builtin()},
		`counted with no --since, not with --since "2026-03-01T00:00:00.5Z"`: {By: []By{{ByDay}}, Domain: "example.*", Since: parsers.StampOf(time.Date(2026, 3, 1, 0, 0, 0, 5e8, time.UTC))},
		`counted with no --lifetime, not with --lifetime "1h0m0s"`:           {By: []By{{ByDay}}, Domain: "example.*", Lifetime: time.Hour},
		`counted with no --by, not with --by "hour"`:                         {By: []By{{ByDay}, {ByHour}}, Domain: "example.*"},
	} {
		_, err := Decode(data, o, nil)
		var differs *SettingError
		if !errors.As(err, &differs) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, s := range []Setting{{"since", "yesterday"}, {"by", "colour"}, {"lifetime", "long"}, {"campaign-from", "name"}, {"moon", "full"}} {
		if err := new(Options).Set(s); err == nil || !strings.Contains(err.Error(), s.Name) {
			t.Errorf("Set(%v): %v", s, err)
		}
	}
}

func TestDecodeOfOtherVersions(t *testing.T) {
	data := New(&Options{}, true).Encode(nil, nil)
	newer := append([]byte{encodingVersion + 1}, data[1:]...)
	var version *VersionError
	if _, err := Decode(newer, &Options{}, nil); !errors.As(err, &version) || version.Have != encodingVersion+1 {
		t.Error(err)
	}
	if _, err := ReadHeader(newer); !errors.As(err, &version) {
		t.Error(err)
	}
}

// sample returns what all parts of the encoding are in.
func sample(t testing.TB, rooted bool) (data []byte, o *Options) {
	o = encodeOptions()[4]
	log := madeUp(rand.New(rand.NewPCG(1, 8)), 120)
	return encode(t, piece(o, log, 0, 10, rooted), o), o
}

// Damaged data is an error or other counts, never a panic; what is cut off is an error.
func TestDecodeOfDamage(t *testing.T) {
	for _, rooted := range []bool{true, false} {
		data, o := sample(t, rooted)
		for n := range data {
			if _, err := Decode(data[:n], o, func(string) uint32 { return 0 }); err == nil {
				t.Fatalf("cut after %d of %d bytes: no error", n, len(data))
			}
		}
		r := rand.New(rand.NewPCG(2, 8))
		for range 500 {
			bad := bytes.Clone(data)
			for range 1 + r.IntN(3) {
				bad[r.IntN(len(bad))] ^= byte(1 << r.IntN(8))
			}
			use(bad, o)
		}
	}
}

// use does with data whatever is done with a Summary.
func use(data []byte, o *Options) bool {
	s, err := Decode(data, o, func(string) uint32 { return 0 })
	if err != nil {
		return false
	}
	again, err := Decode(s.Encode(nil, testPlace), o, func(string) uint32 { return 0 })
	if err != nil {
		panic(err)
	}
	root := again
	if !s.rooted {
		root = New(o, true)
		root.Append(again)
	}
	if o.Classifier != nil {
		log := madeUp(rand.New(rand.NewPCG(3, 8)), 50)
		root.Append(piece(o, log, 0, 10, false))
	}
	showAll(root.Final())
	return true
}

func FuzzDecode(f *testing.F) {
	o := &Options{By: []By{{ByHour, ByCode}, {BySender}}} // without a classifier, for speed
	o.causes = true
	for _, rooted := range []bool{true, false} {
		data, _ := sample(f, rooted)
		s := decoded(f, data, encodeOptions()[4])
		s.opt = o
		s.Counts.breakdowns = newBreakdowns(o)
		f.Add(s.Encode(nil, testPlace))
	}
	f.Fuzz(func(_ *testing.T, data []byte) { use(data, o) })
}

// A field that is added to what is written has to be written.
func TestEncodeKnowsAllFields(t *testing.T) {
	for _, x := range []struct {
		of     any
		fields int
	}{
		{Counts{}, 35}, {Summary{}, 9}, {Options{}, 13}, {message{}, 8}, {recipient{}, 3}, {extra{}, 3}, {item{}, 17}, {failure{}, 7},
		{facets{}, 3}, {trace{}, 7}, {pool{}, 4}, {lead{}, 4}, {pair{}, 3}, {template{}, 4}, {hostRow{}, 3}, {hourRow{}, 3},
		{causeRow{}, 2}, {cell{}, 2}, {breakdowns{}, 5}, {deliveries{}, 2}, {DeliveryTime{}, 5}, {Evidence{}, 3}, {Pos{}, 3},
	} {
		if typ := reflect.TypeOf(x.of); typ.NumField() != x.fields {
			t.Errorf("%v has %d fields: make sure that Encode and Decode know them all, then write that number here", typ, typ.NumField())
		}
	}
}

func TestEncodeTime(t *testing.T) {
	for _, base := range []parsers.Stamp{0, 1_700_000_000_000_000} {
		for _, s := range []parsers.Stamp{0, 1, -1, 1_000_000, -1_000_000, 1_700_000_000_123_456, 1_699_999_999_000_000, math.MaxInt64, math.MinInt64} {
			e := encoder{base: int64(base) / micro}
			e.time(s)
			d := decoder{r: wire.NewReader(e.b), base: e.base}
			if got := d.time(); got != s || d.r.End() != nil {
				t.Errorf("%d became %d, %v", s, got, d.r.Err())
			}
		}
	}
}

// What a state keeps of a million open messages of one deferred recipient.
func BenchmarkOpen(b *testing.B) {
	s, o := million(b)
	data := s.EncodeOpen(nil, testPlace)
	b.Run("do=encode", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			s.EncodeOpen(nil, testPlace)
		}
	})
	b.Run("do=decode", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			decoded(b, data, o)
		}
	})
}

// million returns a Summary of a million messages that are deferred, at thirty thousand domains.
func million(b testing.TB) (*Summary, *Options) {
	o := &Options{Classifier: builtin()}
	s := New(o, true)
	build, f := NewBuilder(o), NewFringe()
	at := parsers.StampOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := parsers.Line{Host: "mx1", Tag: "postfix/smtp"}
	for i := range 1_000_000 {
		if i%1000 == 0 {
			build.Begin(f, 0, uint32(i/1000), "h")
		}
		at = at.Add(400 * time.Millisecond)
		line.Time = at
		id := fmt.Sprintf("%08X", i*7919)
		domain := fmt.Sprintf("d%d.example.org", i*31%30_000)
		q := parsers.Event{Kind: parsers.Named, Instance: "postfix", QueueID: id}
		from := parsers.Event{Kind: parsers.Queued, Instance: "postfix", QueueID: id, Sender: "news@example.com", Size: int64(i)}
		a := parsers.Event{Kind: parsers.Attempted, Instance: "postfix", QueueID: id}
		a.Attempt = parsers.Attempt{Recipient: fmt.Sprint("u", i, "@", domain), Status: parsers.StatusDeferred, Origin: parsers.OriginRemote,
			RelayHost: "mx." + domain, Diagnostic: "host mx." + domain + " said: 450 4.2.1 try again later (in reply to RCPT TO command)"}
		a.Attempt.Reply, _ = parsers.ParseReply("450 4.2.1 try again later")
		for j, ev := range []parsers.Event{q, from, a} {
			build.Line(&line, uint32(3*(i%1000)+j+1), []parsers.Event{ev})
		}
		if i%1000 == 999 {
			build.End()
			s.Absorb(f)
		}
	}
	s.Counts.Add(build.Counts)
	if n := s.open.len(); n != 1_000_000 {
		b.Fatalf("%d messages are open", n)
	}
	return s, o
}
