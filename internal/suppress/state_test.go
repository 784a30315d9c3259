package suppress

import (
	"bytes"
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
	"bouncelog/internal/summary"
	"bouncelog/parsers"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is missing of testdata")

// random returns Options of all kinds.
func random(rng *rand.Rand) Options {
	o := Options{MinHits: 1 + rng.IntN(2), RepeatHits: 1 + rng.IntN(3), Repeat: time.Duration(rng.IntN(4)) * day, Domains: rng.IntN(4) == 0}
	if rng.IntN(3) == 0 {
		o.Categories = []classify.Category{classify.MailboxFull, classify.BadDomain}
	}
	if rng.IntN(3) == 0 {
		o.Select.Domain = "x.*"
	}
	return o
}

// decoded returns what is read of what f knows, which has to be the same bytes when it is written again.
func decoded(t testing.TB, f *Finder, now parsers.Stamp) *Finder {
	t.Helper()
	data := f.Encode([]byte("before"), now)
	if !bytes.HasPrefix(data, []byte("before")) {
		t.Fatal("Encode does not append")
	}
	data = data[len("before"):]
	next, err := Decode(data, f.opt)
	if err != nil {
		t.Fatal(err)
	}
	next.maxFailed, next.maxMessages = f.maxFailed, f.maxMessages
	if again := next.Encode(nil, now); !bytes.Equal(data, again) {
		t.Fatalf("%d bytes; read and written again, %d others", len(data), len(again))
	}
	return next
}

// In however many runs records come, the last list is that of one run over all of them, and each that of all before.
func TestInRuns(t *testing.T) {
	listed := 0
	for round := range 2000 {
		rng := rand.New(rand.NewPCG(uint64(round), 2))
		all, o := stream(rng), random(rng)
		one, runs := New(o), New(o)
		now := epoch
		for i, r := range all {
			one.Add(r)
			runs.Add(r)
			now = max(now, r.Time)
			if rng.IntN(4) == 0 || i == len(all)-1 {
				runs = decoded(t, runs, now)
				if d := gocmp.Diff(one.Rows(), runs.Rows()); d != "" {
					t.Fatalf("round %d, after %d records (-one run +several):\n%s", round, i+1, d)
				}
			}
		}
		listed += len(one.Rows())
	}
	if listed < 500 {
		t.Errorf("only %d rows in all: this tests nothing", listed)
	}
}

// A success in a later run keeps an address, one in an earlier run does not where the failure came after it; a failure twice,
// as a run before its time sees it, counts once.
func TestLaterRun(t *testing.T) {
	o := defaults()
	f := New(o)
	f.Add(failure())
	f.Add(success(to("bob@example.org"), at(-time.Hour)))
	f = decoded(t, f, epoch)
	f.Add(failure())
	f.Add(failure(to("bob@example.org")))
	if got := f.Rows(); len(got) != 2 || got[0].Hits != 1 || got[1].Hits != 1 {
		t.Errorf("listed %+v", got)
	}
	f = decoded(t, f, epoch)
	f.Add(success(to("ANN@example.org"), at(time.Hour)))
	if got := f.Rows(); len(got) != 1 || got[0].Address != "bob@example.org" {
		t.Errorf("listed %+v", got)
	}
}

// Evidence that a success made void is forgotten in the end, other evidence never.
func TestVoid(t *testing.T) {
	f := New(defaults())
	f.Add(failure())
	f.Add(success(at(time.Hour)))
	f.Add(failure(to("bob@example.org")))
	for days, want := range map[int]int{0: 2, 29: 2, 31: 1, 3000: 1} {
		next := decoded(t, f, epoch.Add(time.Duration(days)*day))
		if len(next.failed) != want || len(next.Rows()) != 1 {
			t.Errorf("after %d days there are %d candidates and %d rows", days, len(next.failed), len(next.Rows()))
		}
	}
	f.Add(failure(message(2), at(2*time.Hour)))
	if next := decoded(t, f, epoch.Add(3000*day)); len(next.Rows()) != 2 {
		t.Errorf("%d rows, want 2", len(next.Rows()))
	}
}

// Evidence that a domain's success made void counts again once there is later evidence of something else.
func TestVoidByDomain(t *testing.T) {
	all := records{
		failure(full, message(1)), failure(full, message(2), at(day)),
		failure(nxdomain, message(3), at(2*day)), success(to("bob@example.org"), at(3*day)),
	}
	f := New(defaults())
	for _, r := range all {
		f.Add(r)
	}
	f = decoded(t, f, epoch.Add(45*day))
	last := failure(full, message(4), at(50*day))
	f.Add(last)
	want := list(defaults(), append(all, last)...)
	if got := f.Rows(); len(want) != 1 || len(got) != 1 || fmt.Sprintf("%s %s %s %d", got[0].Address, got[0].Category, got[0].Suppress, got[0].Hits) != want[0] {
		t.Errorf("%+v, want %v", got, want)
	}
}

// Successes come in the order of their hashes: a table that grows with them would put each behind all before it.
func TestDecodeMany(t *testing.T) {
	f := New(defaults())
	rng := rand.New(rand.NewPCG(1, 5))
	for range 100_000 {
		f.alive.put(max(1, rng.Uint64()), 7)
	}
	next := decoded(t, f, epoch)
	if n := f.alive.n; next.alive.n != n || len(next.alive.slots) != n+n/4 {
		t.Errorf("%d successes in %d slots, want %d in %d", next.alive.n, len(next.alive.slots), n, n+n/4)
	}
}

// By which rules evidence was judged is kept of all runs.
func TestRulesInRuns(t *testing.T) {
	o := defaults()
	o.Rules = []string{"b"}
	data := New(o).Encode(nil, epoch)
	for _, run := range []struct{ rules, want string }{{"b", "[b]"}, {"a", "[a b]"}, {"c", "[a b c]"}, {"b", "[a b c]"}} {
		o.Rules = []string{run.rules}
		f, err := Decode(data, o)
		if err != nil {
			t.Fatal(err)
		}
		data = f.Encode(nil, epoch)
		if h, err := ReadHeader(data); err != nil || fmt.Sprint(h.Rules) != run.want {
			t.Errorf("after a run with rules %s: %v, %v, want %s", run.rules, h.Rules, err, run.want)
		}
	}
}

// What there was no room for is told in later runs, too.
func TestMissedInRuns(t *testing.T) {
	f := New(defaults())
	f.maxFailed = 1
	f.Add(failure())
	f.Add(failure(to("bob@example.org")))
	if f = decoded(t, f, epoch); f.Missed() != 1 {
		t.Errorf("%d missed, want 1", f.Missed())
	}
	if h, err := ReadHeader(f.Encode(nil, epoch)); err != nil || h.Failed != 1 || h.Alive != 1 || h.Missed != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestSettings(t *testing.T) {
	made := defaults()
	made.Domains, made.Categories = true, []classify.Category{classify.BadDomain, classify.BadDomain}
	made.Select.Sender = "news@*"
	data := New(made).Encode(nil, epoch)
	same := made
	same.MinHits, same.RepeatHits, same.Repeat = 5, 6, 7*day
	if _, err := Decode(data, same); err != nil {
		t.Error(err)
	}
	for want, edit := range map[string]func(*Options){
		`counted with --domains "true", not with no --domains`:                               func(o *Options) { o.Domains = false },
		`counted with --category "bad_domain", not with no --category`:                       func(o *Options) { o.Categories = nil },
		`counted with --category "bad_domain", not with --category "bad_domain,bad_mailbox"`: func(o *Options) { o.Categories = append(o.Categories[:1:1], classify.BadMailbox) },
		`counted with --sender "news@*", not with no --sender`:                               func(o *Options) { o.Select.Sender = "" },
	} {
		o := made
		edit(&o)
		_, err := Decode(data, o)
		var differs *summary.SettingError
		if !errors.As(err, &differs) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	var version *summary.VersionError
	if _, err := Decode(append([]byte{stateVersion + 1}, data[1:]...), made); !errors.As(err, &version) || version.Have != stateVersion+1 {
		t.Error(err)
	}
}

// sample returns a Finder in which there is some of everything.
func sample() *Finder {
	o := defaults()
	o.Rules = []string{"0123456789abcdef"}
	f := New(o)
	f.secret = secret{1, 2, 3}
	for seed := range uint64(24) {
		for _, r := range stream(rand.New(rand.NewPCG(seed, 3))) {
			if seed%2 == 0 {
				r.Recipient = strings.Replace(r.Recipient, "@", fmt.Sprint("+", seed, "@"), 1)
			}
			f.Add(r)
		}
	}
	f.missed = 3
	return f
}

// use does with data whatever is done with a Finder.
func use(t testing.TB, data []byte) bool {
	f, err := Decode(data, defaults())
	if err != nil {
		return false
	}
	decoded(t, f, 0)
	decoded(t, f, epoch.Add(365*day))
	for _, r := range stream(rand.New(rand.NewPCG(1, 3))) {
		f.Add(r)
	}
	f.Rows()
	return true
}

// Damaged data is an error or another list, never a panic; what is cut off is an error.
func TestDecodeOfDamage(t *testing.T) {
	data := sample().Encode(nil, epoch)
	for n := range data {
		if _, err := Decode(data[:n], defaults()); !errors.Is(err, summary.ErrCorrupt) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(data), err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 4))
	used := 0
	for range 1000 {
		bad := bytes.Clone(data)
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
		}
		if use(t, bad) {
			used++
		}
	}
	if used == 0 {
		t.Error("all damage was found, which nothing looks for: this tests nothing")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode(nil, epoch))
	f.Add(New(defaults()).Encode(nil, epoch))
	f.Fuzz(func(t *testing.T, data []byte) { use(t, data) })
}

// What a version was when it was first written is read for good, and means the same.
func TestOldVersions(t *testing.T) {
	for v := 1; v <= stateVersion; v++ {
		name := fmt.Sprintf("testdata/finder%d", v)
		if _, err := os.Stat(name + ".bin"); *update && v == stateVersion && err != nil { // what was written once is kept
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(name+".bin", sample().Encode(nil, epoch), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		f, err := Decode(data, defaults())
		if err != nil {
			t.Fatal(err)
		}
		if again := f.Encode(nil, epoch); v == stateVersion && !bytes.Equal(data, again) {
			t.Errorf("version %d is written in another way than before: make it version %d, and go on reading this one", v, v+1)
		}
		f.Add(success(to("a@x.test"), at(60*day))) // its hash is still the one
		var got strings.Builder
		for _, r := range f.Rows() {
			fmt.Fprintf(&got, "%+v\n", r)
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
		if got.String() != string(want) || strings.Count(string(want), "\n") < 5 {
			t.Errorf("version %d (-then +now):\n%s", v, gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")))
		}
	}
}

// A field that is added to what is carried over has to be written.
func TestEncodeKnowsAllFields(t *testing.T) {
	for _, x := range []struct {
		of     any
		fields int
	}{{Finder{}, 9}, {Options{}, 7}, {candidate{}, 4}, {hit{}, 3}, {Row{}, 15}, {slot{}, 2}, {seen{}, 3}} {
		if typ := reflect.TypeOf(x.of); typ.NumField() != x.fields {
			t.Errorf("%v has %d fields: make sure that Encode and Decode know them all, then write that number here", typ, typ.NumField())
		}
	}
}
