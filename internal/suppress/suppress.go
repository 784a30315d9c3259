package suppress

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bouncelog/internal/classify"
	"bouncelog/internal/summary"
	"bouncelog/parsers"
)

// Options say what it takes to be listed.
type Options struct {
	Select     summary.Options     // which failures count: window, domain, sender, job. A success counts whatever it says
	Categories []classify.Category // none: all of [Categories]
	Domains    bool                // list dead domains instead of addresses
	Rules      []string            // fingerprints of the classifiers that judged the evidence, in order; of them, nothing is asked

	MinHits    int           // messages that failed, of every row
	RepeatHits int           // of those that it takes more than one for
	Repeat     time.Duration // from the first of them to the last
}

// A Row is an address to stop mailing, or a domain, with its latest evidence.
type Row struct {
	Address      string // as the log has it; or a domain
	Category     classify.Category
	Sub          string
	Suppress     string // yes, or after_repeat where it took several
	ReplyCode    parsers.ReplyCode
	EnhancedCode parsers.EnhancedCode // as the reply has it
	Diagnostic   string
	Rule         string
	Confidence   string
	Hits         int           // messages that failed since the last success; not counted beyond MaxHits
	First, Last  parsers.Stamp // failures of these
	Provider     string
	File         string
	Line         int64
}

// MaxHits is how many messages that failed are told apart for one address: the latest ones.
const MaxHits = 256

// MaxFailed and MaxMessages bound what is remembered of failures: so many addresses, each with its evidence of some 600
// bytes, and so many messages in all, with 32 bytes each.
const (
	MaxFailed   = 1 << 20
	MaxMessages = 1 << 23
)

// maxDiagnostic is how much of a reply is kept as evidence, in bytes.
const maxDiagnostic = 512

const (
	never  = math.MinInt64
	always = math.MaxInt64 // the time of a success of which the log does not say when it was
)

// A Finder takes attempt records and finds the addresses to suppress. Of those that failed it remembers the evidence, of
// those that were delivered to 16 bytes each.
type Finder struct {
	opt    Options
	failed map[string]*candidate
	alive  *seen // addresses, and domains as `@domain`
	buf    []byte
	secret secret

	messages               int
	maxFailed, maxMessages int
	missed                 int64
}

// A candidate is an address that failed in a way that counts.
type candidate struct {
	grade grade // of the latest evidence
	at    int64 // its time
	row   Row
	hits  []hit
}

// A hit is a message that failed.
type hit struct {
	id          ids
	first, last parsers.Stamp // failures
}

// ids are what a message is told by: its queue id and its Message-ID, as hashes; zero: not known.
type ids [2]uint64

// New returns a Finder.
func New(o Options) *Finder {
	f := &Finder{opt: o, failed: make(map[string]*candidate), secret: newSecret(), maxFailed: MaxFailed, maxMessages: MaxMessages}
	f.alive = newSeen(f.secret.hash)
	return f
}

// Missed returns how many failures there was no room for. The addresses that were found are right all the same.
func (f *Finder) Missed() int64 { return f.missed }

// Add takes the next record. It keeps nothing of it.
func (f *Finder) Add(r *summary.Record) {
	if r.Kind == parsers.Remote && !r.Inbound {
		f.noteAlive(r)
	}
	g := gradeOf(r)
	if g == none || !f.opt.Select.Wants(r) || len(f.opt.Categories) > 0 && !slices.Contains(f.opt.Categories, r.Cause.Category) {
		return
	}
	name := r.Recipient
	domain := classify.Domain(parsers.Domain(name))
	switch {
	case f.opt.Domains:
		if r.Cause.Category != classify.BadDomain || r.Domain == "" {
			return
		}
		name = r.Domain
		f.buf = append(f.buf[:0], r.Domain...)
	case domain == "" || local(name) == "":
		return // no address that anybody could mail
	default:
		f.buf = append(append(append(f.buf[:0], local(name)...), '@'), domain...)
	}
	c := f.failed[string(f.buf)]
	if c == nil {
		if len(f.failed) == f.maxFailed {
			f.missed++
			return
		}
		c = &candidate{at: never}
		f.failed[string(f.buf)] = c
	}
	f.hit(c, r)
	// Of two in the same second, the one that is less sure counts; then the later line.
	if at := second(r.Time); at > c.at || at == c.at && g <= c.grade {
		c.grade, c.at, c.row = g, at, rowOf(r, name, g)
	}
}

// noteAlive notes what an attempt proves for an address and for its domain: a delivery, for a domain every answer of its
// server that does not say that there is no such domain.
func (f *Finder) noteAlive(r *summary.Record) {
	at := second(r.Time)
	if r.Time == 0 {
		at = always
	}
	sent := r.Status == parsers.StatusSent
	if r.Domain != "" && (sent || r.Origin == parsers.OriginRemote && r.Cause != nil && r.Cause.Category != classify.BadDomain) {
		f.buf = append(append(f.buf[:0], '@'), r.Domain...)
		f.alive.note(f.buf, at)
	}
	if !sent {
		return
	}
	for _, address := range [...]string{r.Recipient, r.OriginalRecipient} {
		if address == "" {
			continue
		}
		f.buf = appendFolded(f.buf[:0], address)
		if parsers.Domain(address) == "" {
			f.buf = append(append(f.buf, '@'), r.Domain...)
		}
		f.alive.note(f.buf, at)
	}
}

// hit counts the message of a record.
func (f *Finder) hit(c *candidate, r *summary.Record) {
	id := f.idsOf(r)
	for i := range c.hits {
		h := &c.hits[i]
		if h.id[0] != 0 && h.id[0] == id[0] || h.id[1] != 0 && h.id[1] == id[1] || h.id == id {
			h.first, h.last = min(h.first, r.Time), max(h.last, r.Time)
			return
		}
	}
	h := hit{id, r.Time, r.Time}
	if len(c.hits) == MaxHits {
		oldest := 0
		for i := range c.hits {
			if c.hits[i].last < c.hits[oldest].last {
				oldest = i
			}
		}
		if c.hits[oldest].last < h.last {
			c.hits[oldest] = h
		}
		return
	}
	if f.messages == f.maxMessages {
		f.missed++
		return
	}
	f.messages++
	c.hits = append(c.hits, h)
}

// idsOf returns what the message of a record is told by. Where the log has neither id, each failure for good is a message
// of its own, told by its time, and all that are to be tried again are one.
func (f *Finder) idsOf(r *summary.Record) (id ids) {
	if r.QueueID != "" {
		id[0] = f.hash(r.Host, r.Instance, r.QueueID)
	}
	if r.MessageID != "" {
		id[1] = f.hash(r.MessageID)
	}
	if id == (ids{}) && r.Status == parsers.StatusBounced && r.Time != 0 {
		id[0] = f.hash(r.Time.String())
	}
	return id
}

func (f *Finder) hash(parts ...string) uint64 {
	f.buf = f.buf[:0]
	for _, s := range parts {
		f.buf = append(append(f.buf, s...), 0)
	}
	return f.secret.hash(f.buf)
}

// Rows returns what is to be suppressed, by address.
func (f *Finder) Rows() []Row {
	rows := make([]Row, 0, len(f.failed))
	for key, c := range f.failed {
		if r, ok := f.settle(key, c); ok {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Address, b.Address) })
	return rows
}

// settle decides on a candidate, once all of the log is known.
//
// The latest evidence decides. Who was unknown, and whose mailbox is full now, is known again.
func (f *Finder) settle(key string, c *candidate) (Row, bool) {
	last, domain := f.lastAlive(key, c)
	// DNS errs for an hour, and a domain that answered a day ago is not gone.
	if domain >= c.at-int64(f.opt.Repeat/time.Second) {
		return Row{}, false
	}
	last = max(last, domain)
	r := c.row
	var newest, oldest parsers.Stamp
	for _, h := range c.hits {
		if second(h.last) <= last {
			continue
		}
		if second(h.first) <= last {
			h.first = h.last
		}
		if r.Hits == 0 {
			r.First, oldest = h.first, h.last
		}
		r.Hits++
		r.First, oldest, newest = min(r.First, h.first), min(oldest, h.last), max(newest, h.last)
	}
	r.Last = newest
	if c.at <= last || r.Hits < max(1, f.opt.MinHits) {
		return r, false
	}
	return r, c.grade == sure || r.Hits >= f.opt.RepeatHits && newest.Sub(oldest) >= f.opt.Repeat
}

// lastAlive returns when a candidate was last delivered to, and when its domain was last alive where that is evidence against
// what it is listed for; never where they were not.
func (f *Finder) lastAlive(key string, c *candidate) (address, domain int64) {
	address, domain = never, never
	if !f.opt.Domains {
		f.buf = appendFolded(f.buf[:0], key)
		address = f.alive.last(f.buf)
	}
	if c.row.Category == classify.BadDomain {
		f.buf = append(append(f.buf[:0], '@'), key[strings.LastIndexByte(key, '@')+1:]...)
		domain = f.alive.last(f.buf)
	}
	return address, domain
}

// rowOf returns the evidence of a record, which does not point into it.
func rowOf(r *summary.Record, name string, g grade) Row {
	row := Row{Address: strings.Clone(name), Category: r.Cause.Category, Sub: r.Cause.Sub, Suppress: "yes", ReplyCode: r.Reply.Code,
		EnhancedCode: r.Reply.Enhanced, Confidence: r.Cause.Confidence, Provider: strings.Clone(r.Provider), File: r.File, Line: r.Line}
	if g == repeat {
		row.Suppress = "after_repeat"
	}
	if r.Cause.Rule != nil {
		row.Rule = r.Cause.Rule.ID
	}
	text := r.Diagnostic
	if len(text) > maxDiagnostic {
		n := maxDiagnostic
		for n > maxDiagnostic-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n] + "…"
	}
	row.Diagnostic = strings.Clone(text)
	return row
}

// second returns a time in Unix seconds. Logs of other hosts and formats have no more, so what happened within one second
// has no order.
func second(t parsers.Stamp) int64 { return int64(t) / 1e6 }

// local returns the local part of an address.
func local(address string) string {
	return address[:max(0, len(address)-len(parsers.Domain(address))-1)]
}

// appendFolded appends what addresses are compared by where a success keeps one: without regard to case and quotes.
func appendFolded(dst []byte, address string) []byte {
	domain := parsers.Domain(address)
	for i := range len(address) - len(domain) {
		switch c := address[i]; {
		case c == '"' || c == '\\':
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, classify.Domain(domain)...)
}
