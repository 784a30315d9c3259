package suppress

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// The encoding of what a Finder knows, version stateVersion. It is the same bytes for the same Finder: candidates are in order
// of their names, successes of their hashes.
//
//	version  settings  rules  number of candidates, of successes  failures that there was no room for
//	secret   that keys the hashes
//	failed   candidates: name, latest evidence, and messages that failed
//	alive    successes: hash, less the one before, and time
//
// Values are written as package wire does; times are Unix seconds, those of messages microseconds.
const stateVersion = 1

// keepVoid is how long evidence is kept that a later success has made void: the same message may fail again.
const keepVoid = 30 * 24 * time.Hour

// The settings that a selection of records has not.
const (
	setCategory = "category"
	setDomains  = "domains"
)

// Settings returns what decides which evidence is kept, by name. How much of it a row takes is decided anew for each list.
func (o *Options) Settings() []summary.Setting {
	list := o.Select.Settings()
	if len(o.Categories) > 0 {
		var names []string
		for _, c := range o.Categories {
			names = append(names, c.String())
		}
		slices.Sort(names)
		list = append(list, summary.Setting{Name: setCategory, Value: strings.Join(slices.Compact(names), ",")})
	}
	if o.Domains {
		list = append(list, summary.Setting{Name: setDomains, Value: "true"})
	}
	slices.SortStableFunc(list, func(a, b summary.Setting) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// A Header is what the encoding of a Finder begins with.
type Header struct {
	Settings []summary.Setting // as [Options.Settings] returns them
	Rules    []string          // that the evidence was judged by, as [Options] has it
	Failed   int               // addresses, or domains, of which there is evidence
	Alive    int               // addresses and domains that were delivered to
	Missed   int64             // failures that there was no room for
}

// ReadHeader reads the beginning of what [Finder.Encode] wrote.
func ReadHeader(data []byte) (*Header, error) {
	r := wire.NewReader(data)
	h := readHeader(&r)
	return h, r.Err()
}

func readHeader(r *wire.Reader) *Header {
	summary.ReadVersion(r, stateVersion)
	h := &Header{Settings: summary.ReadSettings(r), Rules: r.Strings()}
	failed, alive, missed := r.Uint(), r.Uint(), r.Uint()
	r.Must(failed <= min(MaxFailed, uint64(r.Len())) && alive <= uint64(r.Len()) && missed <= 1<<62)
	if r.Err() == nil {
		h.Failed, h.Alive, h.Missed = int(failed), int(alive), int64(missed)
	}
	return h
}

// Encode appends what f knows to dst in the form that [Decode] reads, but for evidence that was void for long at now.
func (f *Finder) Encode(dst []byte, now parsers.Stamp) []byte {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(f.failed)), func(name string) bool { return f.void(name, now) })
	a := wire.Appender(dst)
	a.Uint(stateVersion)
	summary.AppendSettings(&a, f.opt.Settings())
	a.Strings(f.opt.Rules)
	a.Uint(uint64(len(names)))
	a.Uint(uint64(f.alive.n))
	a.Uint(uint64(f.missed))
	a = append(a, f.secret[:]...)
	for _, name := range names {
		a.String(name)
		f.failed[name].encode(&a)
	}
	all := make([]slot, 0, f.alive.n)
	for _, s := range f.alive.slots {
		if s.key != 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b slot) int { return cmp.Compare(a.key, b.key) }) // nearly so already
	before := uint64(0)
	for _, s := range all {
		a.Uint(s.key - before)
		a.Int(s.time)
		before = s.key
	}
	return a
}

// void reports whether all evidence against a candidate is older than a success, and than keepVoid.
func (f *Finder) void(name string, now parsers.Stamp) bool {
	c := f.failed[name]
	last, domain := f.lastAlive(name, c)
	if f.opt.Domains { // of an address, its domain's success makes bad_domain void alone, and later evidence may be of something else
		last = max(last, domain)
	}
	return now != 0 && c.at <= last && c.at < second(now.Add(-keepVoid)) &&
		!slices.ContainsFunc(c.hits, func(h hit) bool { return second(h.last) > last })
}

func (c *candidate) encode(a *wire.Appender) {
	a.Byte(byte(c.grade))
	a.Int(c.at)
	r := &c.row
	a.String(r.Category.String())
	for _, s := range r.texts() {
		a.String(*s)
	}
	for _, n := range r.numbers() {
		a.Uint(uint64(*n))
	}
	a.Int(r.Line)
	a.Uint(uint64(len(c.hits)))
	for _, h := range c.hits {
		a.Key(h.id[0])
		a.Key(h.id[1])
		a.Int(int64(h.first))
		a.Int(int64(h.last))
	}
}

// texts returns the texts of a row in the order of the encoding. Its hits and their times are those of the messages.
func (r *Row) texts() []*string {
	return []*string{&r.Address, &r.Sub, &r.Suppress, &r.Diagnostic, &r.Rule, &r.Confidence, &r.Provider, &r.File}
}

func (r *Row) numbers() []*uint16 {
	e := &r.EnhancedCode
	return []*uint16{(*uint16)(&r.ReplyCode), &e[0], &e[1], &e[2]}
}

// Decode returns the Finder that [Finder.Encode] wrote, which goes on as that would have done. What decides in o which evidence
// is kept has to be as it was made with: a [*summary.SettingError] names the first that differs. What a newer program wrote is
// a [*summary.VersionError], and anything else that is wrong [summary.ErrCorrupt].
func Decode(data []byte, o Options) (*Finder, error) {
	r := wire.NewReader(data)
	h := readHeader(&r)
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := summary.CompareSettings(h.Settings, o.Settings()); err != nil {
		return nil, err
	}
	o.Rules = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Rules, h.Rules))))
	f := New(o)
	f.missed = h.Missed
	copy(f.secret[:], r.Take(uint64(len(f.secret))))
	same := make(map[string]string) // texts that many rows have
	before := ""
	for i := range h.Failed {
		name := r.String()
		r.Must(i == 0 || name > before)
		c := decodeCandidate(&r, same)
		f.messages += len(c.hits)
		r.Must(f.messages <= MaxMessages)
		if r.Err() != nil {
			return nil, r.Err()
		}
		f.failed[name] = c
		before = name
	}
	r.Must(h.Alive <= r.Len()/2) // the least that one takes
	if r.Err() == nil {
		f.alive.grow(h.Alive)
	}
	key := uint64(0)
	for range h.Alive {
		delta := r.Uint()
		r.Must(delta != 0 && key+delta > key)
		key += delta
		at := r.Int()
		if r.Err() != nil {
			return nil, r.Err()
		}
		f.alive.put(key, at)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return f, nil
}

func decodeCandidate(r *wire.Reader, same map[string]string) *candidate {
	c := &candidate{grade: grade(r.Byte()), at: r.Int()}
	r.Must(c.grade == repeat || c.grade == sure)
	category, ok := classify.ParseCategory(r.String())
	r.Must(ok)
	c.row.Category = category
	for _, s := range c.row.texts() {
		text := r.String()
		if s != &c.row.Address && s != &c.row.Diagnostic {
			if _, ok := same[text]; !ok {
				same[text] = text
			}
			text = same[text]
		}
		*s = text
	}
	for _, n := range c.row.numbers() {
		v := r.Uint()
		r.Must(v <= 1<<16-1)
		*n = uint16(v)
	}
	c.row.Line = r.Int()
	n := r.Length(18)
	r.Must(n <= MaxHits)
	for range n {
		if r.Err() == nil {
			c.hits = append(c.hits, hit{ids{r.Key(), r.Key()}, parsers.Stamp(r.Int()), parsers.Stamp(r.Int())})
		}
	}
	return c
}
