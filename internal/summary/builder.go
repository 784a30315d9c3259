package summary

import (
	"math"
	"path"
	"strings"

	"bouncelog/internal/classify"
	"bouncelog/parsers"

	"github.com/cespare/xxhash/v2"
)

// A Fringe is what one block could not settle alone. It is reused: see [Builder.Begin].
type Fringe struct {
	index    index
	entries  []entry
	items    []item    // the prefixes of all entries
	failures []failure // of items
	hosts    []hostClock
	pool     pool    // of the entries' messages
	spill    *Counts // of the builder, when they had become large
}

// hostClock is the newest stamp of a host in a block.
type hostClock struct {
	key  uint64
	last parsers.Stamp
}

type entry struct {
	msg         message // after the cut; before it, what the block alone knows
	first, tail int32   // of its prefix in items, from 1; zero: none
	at          parsers.Stamp
	cut         bool // at that time
	open        bool
}

// NewFringe returns an empty Fringe.
func NewFringe() *Fringe { return new(Fringe) }

// clear empties f.
func (f *Fringe) clear() {
	f.index.clear()
	f.pool.clear()
	f.entries, f.items, f.failures, f.hosts = f.entries[:0], f.items[:0], f.failures[:0], f.hosts[:0]
}

// entry returns the entry of a queue id, made where it is missing.
func (f *Fringe) entry(key, host uint64) *entry {
	s := f.index.search(key)
	for {
		i, ok := f.index.next(&s)
		if !ok {
			break
		}
		if e := &f.entries[i]; e.msg.key == key {
			return e
		}
	}
	f.index.put(key, uint32(len(f.entries)))
	f.entries = append(f.entries, entry{msg: message{key: key, host: host}})
	return &f.entries[len(f.entries)-1]
}

// push appends an item to an entry's prefix.
func (f *Fringe) push(e *entry, it *item) {
	f.items = append(f.items, *it)
	n := int32(len(f.items))
	if it.failure != nil {
		f.failures = append(f.failures, *it.failure)
		f.items[n-1].failure = &f.failures[len(f.failures)-1]
	}
	if e.tail == 0 {
		e.first = n
	} else {
		f.items[e.tail-1].next = n
	}
	e.tail = n
}

// A chain is the items of a prefix in order, of an entry's or a lead's.
//
// Note: an iter.Seq would be the same with an allocation for every queue id.
type chain struct {
	linked []item
	at     int32 // the next of linked, from 1
	items  []item
}

// next returns the next item, nil at the end.
func (c *chain) next() (it *item) {
	switch {
	case c.at != 0:
		it = &c.linked[c.at-1]
		c.at = it.next
	case len(c.items) > 0:
		it, c.items = &c.items[0], c.items[1:]
	}
	return it
}

// A Builder counts the lines of blocks, in any order of blocks, and leaves what a block could not settle in its Fringe.
// It belongs to one goroutine.
type Builder struct {
	Counts *Counts

	y     tallier
	f     *Fringe
	input uint32
	block uint32
	host  string // of lines that name none

	failure   failure  // of the item at hand
	facets    []facets // of items to come
	causes    *causes  // nil: nobody asks for them
	scratch   []byte   // for templates
	templates [4096]templateMemo
	domains   domainMemo // of recipients
	senders   domainMemo

	curHost, curInstance   string // memo of the last line's
	hostHash, instanceHash uint64
	hostLines              int64
	hostFirst, hostLast    parsers.Stamp
}

type templateMemo struct{ text, template uint64 }

// NewBuilder returns a Builder.
func NewBuilder(o *Options) *Builder {
	c := o.newCounts()
	return &Builder{Counts: c, y: tallier{o, c, nil}, causes: newCauses(o.Classifier)}
}

// Begin starts a block. f is emptied and filled; it must not be changed until the block's End, nor begun again before it
// was absorbed. host stands for the host of lines that name none.
func (b *Builder) Begin(f *Fringe, input, block uint32, host string) {
	f.clear()
	b.y.pool = &f.pool
	b.f, b.input, b.block, b.host = f, input, block, host
}

// End finishes a block. Counts that have become large go with its fringe: one large table is kept, not one for each
// builder.
func (b *Builder) End() {
	b.flushHost()
	if b.Counts.large() {
		b.f.spill = b.Counts
		b.Counts = b.y.newCounts()
		b.y.counts = b.Counts
		b.templates, b.domains, b.senders = [len(b.templates)]templateMemo{}, domainMemo{}, domainMemo{}
	}
	b.f = nil
}

// Bucket counts a line that tells no event.
func (b *Builder) Bucket(k Bucket) { b.Counts.Ledger[k]++ }

// Foreign counts a line of another program.
func (b *Builder) Foreign(line *parsers.Line) {
	b.Counts.Ledger[Ignored]++
	key := hash(line.Tag)
	b.Counts.programs.name(key, line.Tag, restKey, "").val++
}

// Line counts a line that a format knows, the n-th of its block, and what it tells.
func (b *Builder) Line(line *parsers.Line, n uint32, events []parsers.Event) Bucket {
	b.onHost(line)
	for i := range events {
		b.add(&events[i], line, n)
	}
	return b.Tell(line, events)
}

// Tell counts a line that a format knows in the ledger alone.
func (b *Builder) Tell(line *parsers.Line, events []parsers.Event) Bucket {
	k := Ignored
	for i := range events {
		switch events[i].Kind {
		case parsers.Attempted, parsers.Expired:
			k = Delivery
		case parsers.Part:
			if events[i].Attempt.Status != 0 {
				k = Delivery
			}
			k = min(k, Context)
		default:
			k = min(k, Context) // the buckets are in this order
		}
	}
	b.Counts.Ledger[k]++
	if k == Delivery {
		b.Counts.Repeats += int64(line.Repeat)
	}
	return k
}

// Into has the builder add to c, and to new counts where that is nil. It belongs between blocks.
func (b *Builder) Into(c *Counts) {
	if c == nil {
		c = b.y.newCounts()
	}
	b.Counts, b.y.counts = c, c
}

// Tally returns the counts that the builder adds to.
func (b *Builder) Tally() *Counts { return b.Counts }

func (b *Builder) onHost(line *parsers.Line) {
	host := line.Host
	if host == "" {
		host = b.host
	}
	if b.hostHash == 0 || host != b.curHost {
		b.flushHost()
		b.curHost = strings.Clone(host)
		b.hostHash = hash(host)
	}
	b.hostLines++
	if line.Time != 0 {
		b.hostFirst, b.hostLast = minStamp(b.hostFirst, line.Time), max(b.hostLast, line.Time)
	}
}

func (b *Builder) flushHost() {
	if b.hostLines == 0 {
		return
	}
	b.Counts.hosts.name(b.hostHash, b.curHost, restKey, "").val.add(&hostRow{b.hostLines, b.hostFirst, b.hostLast})
	b.f.hosts = append(b.f.hosts, hostClock{b.hostHash, b.hostLast})
	b.hostLines, b.hostFirst, b.hostLast = 0, 0, 0
}

// add counts an event.
func (b *Builder) add(ev *parsers.Event, line *parsers.Line, n uint32) {
	it := item{n: uint16(min(line.Count(), math.MaxUint16)), time: ev.Time}
	host := b.hostHash
	if it.time == 0 {
		it.time = line.Time
	} else {
		b.hostFirst, b.hostLast = minStamp(b.hostFirst, it.time), max(b.hostLast, it.time)
	}
	if ev.Host != "" {
		host = hash(ev.Host)
	}
	if ev.Sender != "" {
		b.sender(ev.Sender, &it)
	}
	switch ev.Kind {
	case parsers.Accepted:
		it.op = opAccepted
	case parsers.Named:
		it.op = opNamed
	case parsers.Headed:
		it.op = opHeader
	case parsers.Queued:
		it.op = opQueued
		it.queue = fileOf(queueFile(ev))
	case parsers.Removed:
		it.op = opRemoved
		if ev.Moved {
			it.marks |= moved
		}
	case parsers.Attempted:
		it.op = opAttempt
		b.attempt(&ev.Attempt, &it, n)
	case parsers.Expired:
		it.op = opExpired
		it.status, it.kind = parsers.StatusExpired, parsers.Final
		if ev.Attempt.Recipient == "" {
			it.marks |= allRecipients
		} else {
			b.recipient(&ev.Attempt, &it)
		}
	case parsers.Tried:
		if b.y.within(it.time) && b.y.Domain == "" && b.y.Sender == "" && b.y.Job == "" && b.y.Campaign == "" { // it is of no recipient
			b.Counts.Connects += int64(it.n)
		}
		return
	case parsers.Rejected:
		if b.y.within(it.time) && b.y.selects(ev) {
			b.Counts.Inbound += int64(it.n)
		}
		return
	default:
		return
	}
	if b.Counts.breakdowns != nil {
		b.facet(ev, line, &it)
	}
	if ev.QueueID == "" {
		b.alone(host, &it)
		return
	}
	if b.instanceHash == 0 || ev.Instance != b.curInstance {
		b.curInstance = strings.Clone(ev.Instance)
		b.instanceHash = hash(ev.Instance)
	}
	b.put(b.f.entry(mix(mix(host, b.instanceHash), hash(ev.QueueID)), host), &it)
}

// queueFile identifies the queue file that a Queued event tells of.
func queueFile(ev *parsers.Event) uint64 { return mix(hash(ev.Sender), uint64(ev.Size)) }

// put gives an item to its queue id's message where the context is known, and leaves it for the left neighbour where not.
func (b *Builder) put(e *entry, it *item) {
	if !e.cut {
		// What the block knows holds whatever came before it, so where that tells another message's beginning, the
		// context is known from here on.
		if !e.msg.begins(it, b.y.lifetime()) {
			b.postpone(e, it)
			return
		}
		e.cut, e.at = true, it.time
		b.y.reset(&e.msg)
	}
	e.open = b.y.step(&e.msg, e.open, it)
}

// postpone leaves an item to the left neighbour. What an attempt does to its recipient depends on earlier ones; its count
// does not, once the sender is known.
func (b *Builder) postpone(e *entry, it *item) {
	if e.msg.last == 0 && it.time != 0 {
		// Before this event the left neighbour's message may have been silent for too long, and its sender forgotten.
		b.y.reset(&e.msg)
	}
	e.msg.note(it)
	b.y.learn(&e.msg, it)
	if it.is(senderSaid) {
		e.msg.sent(it)
	}
	if it.op == opAttempt && e.msg.is(senderKnown) && !b.Counts.breakdowns.ofName() {
		b.y.countAttempt(&e.msg, it)
		it.reply = it.why()
		it.marks |= counted
		if f := it.facets(); f != nil {
			b.failure = failure{facets: f}
		} else {
			it.failure = nil
		}
	}
	b.f.push(e, it)
	if it.op == opRemoved {
		e.cut, e.at = true, it.time
		b.y.reset(&e.msg)
	}
}

// alone counts an attempt of no queue id: there is nothing to join it with.
func (b *Builder) alone(host uint64, it *item) {
	if it.op != opAttempt && it.op != opExpired {
		return
	}
	m := message{host: host}
	b.y.step(&m, false, it)
	b.y.resign(&m)
	b.y.reset(&m)
}

// sender fills in what an item says of the envelope sender.
func (b *Builder) sender(address string, it *item) {
	it.marks |= senderSaid
	if address == parsers.NullSender {
		it.marks |= nullSender
	} else if raw := parsers.Domain(address); raw != "" {
		it.sender = b.senderDomain(raw)
	}
	if b.y.Sender == "" || matches(b.y.Sender, address) {
		it.marks |= senderSelected
	}
}

// recipient fills in whom an item is about.
func (b *Builder) recipient(a *parsers.Attempt, it *item) {
	raw := classify.RecipientDomain(a)
	if !b.y.selectsJob(a.Job) || b.y.Domain != "" && !matches(b.y.Domain, classify.Domain(raw)) {
		// It makes no row: those that were asked for are not to fold for the sake of those that were not.
		it.domain = hash(classify.Domain(raw))
		it.marks |= unselected
	} else {
		it.domain, it.domainUp = b.domain(raw)
	}
	it.rcpt = recipientID(recipientHash(a, it.domain))
}

// A domainMemo remembers what a domain is counted under that the log writes in another way.
type domainMemo [256]struct{ raw, key uint64 }

// NoDomain is the row of recipients without a domain: local users of old logs.
const NoDomain = "(no domain)"

// domain returns the keys of a recipient domain and of what it folds into.
func (b *Builder) domain(raw string) (key, up uint64) {
	// Most logs write a domain as it is counted, so its row is there under its hash.
	key = hash(raw)
	if r := b.Counts.domains.find(key); r != nil {
		return key, r.parent
	}
	memo := &b.domains[key%uint64(len(b.domains))]
	if memo.raw == key {
		if r := b.Counts.domains.find(memo.key); r != nil {
			return memo.key, r.parent
		}
	}
	name := classify.Domain(raw)
	if name == "" {
		name = NoDomain
	}
	memo.raw, memo.key = key, hash(name)
	parent := classify.RegistrableDomain(name)
	if parent == name {
		parent = ""
	}
	if parent != "" {
		up = hash(parent)
	}
	r := b.Counts.domains.name(memo.key, name, up, parent)
	return memo.key, r.parent
}

// senderDomain returns the key of a sender's domain.
func (b *Builder) senderDomain(raw string) uint64 {
	key := hash(raw)
	if b.Counts.senders.find(key) != nil {
		return key
	}
	memo := &b.senders[key%uint64(len(b.senders))]
	if memo.raw == key && b.Counts.senders.find(memo.key) != nil {
		return memo.key
	}
	name := classify.Domain(raw)
	memo.raw, memo.key = key, hash(name)
	b.Counts.senders.name(memo.key, name, restKey, "")
	return memo.key
}

// recipientHash identifies the recipient of an attempt within its message; domain is the key of its domain. The local part
// may be case-sensitive, the domain is not (RFC 5321 2.4).
func recipientHash(a *parsers.Attempt, domain uint64) uint64 {
	recipient, original := a.Recipient, ""
	if a.OriginalRecipient != "" {
		recipient, original = identity(a)
	}
	key := mix(hash(recipient[:len(recipient)-len(parsers.Domain(recipient))]), domain)
	if original != "" {
		key = mix(key, hash(original))
	}
	return key
}

// attempt fills in what is counted of an attempt.
func (b *Builder) attempt(a *parsers.Attempt, it *item, n uint32) {
	b.recipient(a, it)
	v := classify.ClassOf(a)
	it.status, it.kind, it.origin = a.Status, a.Kind, a.Origin
	if a.Status == parsers.StatusSent {
		it.queue = delayOf(a.Delay).file()
	}
	if a.NotAttempted {
		it.marks |= notAttempted
	}
	if v.Conflict {
		it.marks |= conflict
	}
	if v.Overridden {
		it.marks |= overridden
	}
	switch {
	case a.Ordinal == 1:
		it.marks |= firstTry
	case a.Ordinal > 1:
		it.marks |= laterTry
	}
	k := ReplyKey{Class: v.Class}
	if a.Origin != parsers.OriginLocal {
		k.Code, k.Enhanced = a.Reply.Code, a.Reply.Enhanced
	}
	it.reply = k.pack()
	if a.NotAttempted || it.is(unselected) {
		return
	}
	cause, causeUp := b.cause(a, it)
	if a.Status == parsers.StatusSent {
		return
	}
	b.failure = failure{template: b.template(a, it.reply), cause: cause, causeUp: causeUp,
		text: clip(a.Diagnostic, maxExample), pos: Pos{b.input, b.block, n}}
	it.failure = &b.failure
}

// template returns the key of the template of an attempt's diagnostic. Masking a text costs thirty times its hash, and many
// come again word by word, but for the recipient: that is masked, whatever its local part, where it stands in angle brackets
// and has nothing in it that could end them.
func (b *Builder) template(a *parsers.Attempt, reply uint64) uint64 {
	text := a.Diagnostic
	h := textKey(text, a.Recipient)
	memo := &b.templates[h%uint64(len(b.templates))]
	if memo.text == h {
		if key := mix(memo.template, reply); b.Counts.templates.find(key) != nil {
			return key
		}
	}
	b.scratch = classify.AppendTemplate(b.scratch[:0], text)
	memo.text, memo.template = h, xxhash.Sum64(b.scratch)
	key := mix(memo.template, reply)
	if b.Counts.templates.find(key) == nil {
		b.Counts.templates.name(key, string(b.scratch), templateUp(reply), "")
	}
	return key
}

// textKey returns a key of a text that texts of one template have in common, if they differ by their recipient alone.
func textKey(text, recipient string) uint64 {
	before, after, ok := strings.Cut(text, recipient)
	if !ok || !strings.HasSuffix(before, " <") || !strings.HasPrefix(after, ">") || !isPlain(recipient) {
		return hash(text)
	}
	return mix(mix(hash(before), hash(after)), hash(parsers.Domain(recipient)))
}

// isPlain reports whether an address is of letters, digits, dots, hyphens and underscores around its one @.
func isPlain(address string) bool {
	at := -1
	for i := range len(address) {
		switch c := address[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		case c == '@' && at < 0:
			at = i
		default:
			return false
		}
	}
	return at > 0 && at < len(address)-1
}

// maxExample is how many bytes of a diagnostic are kept as an example. Postfix itself writes at most 2000 a line.
const maxExample = 1024

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// ValidGlob reports whether a pattern of [Options] is one.
func ValidGlob(glob string) bool {
	_, err := path.Match(glob, "")
	return err == nil
}

// matches reports whether a name matches a glob, in which * stands for anything.
func matches(glob, name string) bool {
	ok, _ := path.Match(strings.ReplaceAll(glob, "/", "\x00"), strings.ReplaceAll(strings.ToLower(name), "/", "\x00"))
	return ok
}
