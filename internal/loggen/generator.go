package loggen

import (
	"io"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
)

// Lengths of time in microseconds.
const (
	ms  = int64(1e3)
	sec = int64(1e6)
)

type generator struct {
	o   Options
	rng *rand.Rand

	hosts   []host
	domains []domain // of recipients, then ours, then those of senders
	texts   *table
	remarks *remarks

	agenda       agenda
	lifetime     int64
	interval     float64 // mean, between new messages
	now          int64
	cutStart     int64 // lines before are not written
	perOpen      int64 // see yetToWrite
	messages     int64 // begun
	openMessages int64
	spare        []*message
	silent       []*message // deferred, and their end is lost

	writer
	t       Truth
	tallies []Tally              // by domain
	replies [][bounced + 1]int64 // attempts by table.keys and verdict
}

func newGenerator(w io.Writer, o Options) *generator {
	g := &generator{
		o:        o,
		rng:      rand.New(rand.NewPCG(o.Seed, 0x6c6f6767656e)), // "loggen"
		texts:    newTable(),
		remarks:  newRemarks(),
		lifetime: o.Lifetime.Microseconds(),
		interval: 1e6 / o.Rate,
		now:      o.Start.UnixMicro(),
		perOpen:  o.yetToWrite(),
	}
	g.cutStart = g.now + o.CutStart.Microseconds()
	g.writer = newWriter(w, o)
	g.replies = make([][bounced + 1]int64, len(g.texts.keys))
	g.hosts = newHosts(o.Hosts)
	g.domains = newDomains(o.Domains)
	g.tallies = make([]Tally, len(g.domains))
	return g
}

func (g *generator) run() {
	g.agenda.push(g.now, stepNext, nil, 0)
	for g.err == nil {
		e, ok := g.agenda.pop()
		if !ok {
			break
		}
		g.now = e.at
		g.take(e)
		g.flushFull()
		if g.o.Cut && (g.bytes >= g.o.Size || g.messages >= g.o.Messages) {
			break
		}
	}
	g.flush()
}

// full tells whether enough mail has come for the log to reach its size when the queue is drained.
func (g *generator) full() bool {
	return g.messages >= g.o.Messages || !g.o.Cut && g.bytes+g.openMessages*g.perOpen >= g.o.Size
}

// yetToWrite estimates the bytes that an open message will yet write. Most open ones are deferred; the sizes of a run and of
// an end were fitted to a few logs.
func (o *Options) yetToWrite() int64 {
	const run, end = 450, 350
	if o.Mix.Defer == 0 {
		return end
	}
	toExpiry := math.Log2(float64(o.MaxBackoff)/float64(o.MinBackoff)) + float64(o.Lifetime)/float64(o.MaxBackoff)
	retries := min(toExpiry, 1/max(1-o.Mix.DeferAgain, 1e-3))
	return end + int64(run*((1-o.Mix.Stuck)*retries+o.Mix.Stuck*toExpiry))
}

// take takes one step.
func (g *generator) take(e event) {
	m := e.m
	switch e.step {
	case stepNext:
		if g.full() {
			return
		}
		g.next(e.at)
		g.agenda.push(e.at+1+int64(g.rng.ExpFloat64()*g.interval), stepNext, nil, 0)
	case stepArrive:
		g.arrive(m, e.at)
	case stepClean:
		g.named(m)
	case stepDisconnect:
		g.disconnected(m)
	case stepActive:
		g.activate(m, e.at)
	case stepReinject:
		g.reinject(m, e.at)
	case stepDeliver:
		g.deliver(m, int(e.first), e.at)
	case stepSettle:
		g.settleRun(m, e.at)
	case stepNotice:
		g.noticed(m)
		m.failed = 0
		g.endRun(m, e.at)
	case stepDelete:
		g.deleted(m)
		g.settleDeferred(m, lostOutcome)
		g.close(m)
	case stepForce:
		g.forced(m)
		m.force = true
		g.agenda.push(e.at+g.between(100*ms, 2*sec), stepActive, m, 0)
	case stepRemove:
		if g.chance(g.o.Mix.LostRemoved) {
			g.abandon(m, nil)
			return
		}
		g.removed(m)
		g.close(m)
	}
}

func (g *generator) chance(p float64) bool { return p > 0 && g.rng.Float64() < p }

func (g *generator) between(lo, hi int64) int64 { return lo + g.rng.Int64N(hi-lo) }

// any picks one of a list, the first ones more often.
func (g *generator) any(list []*reply) *reply {
	u := g.rng.Float64()
	return list[int(u*u*float64(len(list)))]
}

// pickDomain picks a recipient's domain. Each power of two of their ranks is as likely as another, so the k-th is about k
// times rarer than the first.
//
// Note: in integers, since math.Exp has not the same last bit on every processor.
func (g *generator) pickDomain() int32 {
	n := uint32(g.o.Domains)
	for {
		low := uint32(1) << g.rng.IntN(bits.Len32(n))
		if rank := low + g.rng.Uint32N(low); rank <= n {
			return int32(rank - 1)
		}
	}
}

// next makes a new message, and the noise that goes with it.
func (g *generator) next(at int64) {
	mix := &g.o.Mix
	h := &g.hosts[0]
	if len(g.hosts) > 1 {
		h = &g.hosts[g.rng.IntN(len(g.hosts))]
	}
	g.noise(h)
	if g.chance(mix.Probe) {
		m := g.newMessage(h, verification)
		m.size = 240
		m.rcpts = append(m.rcpts, recipient{user: g.rng.Uint32N(maxUser), domain: g.pickDomain()})
		g.schedule(m, at)
	}
	g.messages++
	m := g.newMessage(h, ordinary)
	m.sender, m.verp = int32(g.rng.IntN(len(senderDomains))), g.rng.Uint32N(1e7)
	m.size = int32(600 + g.rng.ExpFloat64()*9000)
	m.pickup, m.filter = g.chance(mix.Pickup), g.chance(mix.Filter)
	m.silent = g.chance(mix.LostStart)
	n := 1
	if g.chance(mix.MultiRecipient) {
		for n = 2; n < maxRecipients && g.rng.Uint32N(4) != 0; n++ {
		}
	}
	user := g.rng.Uint32N(maxUser - maxRecipients)
	for i := range n {
		g.addRecipient(m, user+uint32(i))
	}
	g.schedule(m, at)
}

// addRecipient adds a recipient, keeping those of one domain together: they share a delivery.
func (g *generator) addRecipient(m *message, user uint32) {
	mix := &g.o.Mix
	r := recipient{user: user, stuck: g.chance(mix.Stuck)}
	if g.chance(mix.Local) {
		r.domain = int32(g.o.Domains + g.rng.IntN(len(ownAgents)))
		r.forward = r.domain == int32(g.o.Domains) && g.chance(mix.Forward) // local(8) alone forwards
	} else {
		r.domain = g.pickDomain()
		if g.chance(mix.HostileRecipient) {
			r.hostile = uint8(1 + g.rng.IntN(len(hostileUsers)))
		}
	}
	i := len(m.rcpts)
	m.rcpts = append(m.rcpts, r)
	for ; i > 0 && m.rcpts[i-1].domain > r.domain; i-- {
		m.rcpts[i] = m.rcpts[i-1]
	}
	m.rcpts[i] = r
}

// schedule lets m arrive at the given time, or a little later where it takes an id that another had.
func (g *generator) schedule(m *message, at int64) {
	m.left = len(m.rcpts)
	m.token = g.rng.Uint64()
	m.client = g.rng.Uint32()
	if !g.o.LongIDs {
		var v vacancy
		if n := len(m.host.vacancies); n > 0 {
			v = m.host.vacancies[n-1]
			m.host.vacancies = m.host.vacancies[:n-1]
		} else if len(g.hosts) > 1 && g.chance(g.o.Mix.Clash) {
			if o := &g.hosts[g.rng.IntN(len(g.hosts))]; o != m.host {
				v, o.latest = o.latest, vacancy{}
				m.alien = v.inode != 0
			}
		}
		if v.inode != 0 {
			m.inode, m.micros, m.prior = v.inode, v.micros, v.prior
			m.preset, m.silent = true, false // a silent one could not be told from the id's last message
			at += (v.micros - at%sec + sec) % sec
		}
	}
	g.agenda.push(at, stepArrive, m, 0)
}

// arrive takes m into the queue. All that refers to its smtpd is over before the first delivery can end.
func (g *generator) arrive(m *message, at int64) {
	g.open(m, at)
	switch {
	case m.kind == verification:
	case m.pickup:
		g.pickedUp(m)
	default:
		m.smtpd = m.host.smtpd.get()
		g.connected(m)
		g.agenda.push(at+g.between(20*ms, 40*ms), stepDisconnect, m, 0)
	}
	g.agenda.push(at+g.between(1*ms, 4*ms), stepClean, m, 0)
	g.agenda.push(at+g.between(5*ms, 30*ms), stepActive, m, 0)
}

// activate starts a run: qmgr hands the recipients that are left to delivery agents, those of a destination to one.
func (g *generator) activate(m *message, at int64) {
	g.activated(m)
	m.active = at
	m.runs++
	if m.filter {
		g.toFilter(m, at)
		return
	}
	m.running = 0
	for i := 0; i < len(m.rcpts); {
		first := i
		for i < len(m.rcpts) && m.rcpts[i].domain == m.rcpts[first].domain {
			i++
		}
		if g.plan(m, m.rcpts[first:i]) {
			r := &m.rcpts[first]
			r.pid = m.host.agents.get()
			r.began = at + g.between(1*ms, 30*ms)
			took := g.between(50*ms, 1500*ms)
			for j := range m.rcpts[first:i] {
				took = max(took, m.rcpts[first+j].reply.seconds*sec+5*ms)
			}
			m.running++
			g.agenda.push(r.began+took, stepDeliver, m, first)
		}
	}
}

// plan draws the verdicts on the recipients of one destination. It tells whether any is left.
func (g *generator) plan(m *message, rcpts []recipient) bool {
	mix, t := &g.o.Mix, g.texts
	d := &g.domains[rcpts[0].domain]
	var shared *recipient // whose verdict holds for all
	any := false
	suspend := m.kind == ordinary && !d.ownAgent && g.chance(mix.Suspend)
	why := t.session[0]
	if suspend {
		why = g.any(t.session)
	}
	for i := range rcpts {
		r := &rcpts[i]
		if r.done {
			continue
		}
		first := !any
		any = true
		wasSoft := r.soft
		r.soft = false
		if shared != nil {
			r.verdict, r.reply, r.soft = shared.verdict, shared.reply, shared.soft
			continue
		}
		soft, hard := mix.Defer, mix.Bounce
		if m.runs > 1 {
			soft = mix.DeferAgain
		}
		if m.kind == notification {
			soft, hard = soft/2, hard/2
		}
		if m.kind == verification {
			hard, soft = soft+hard, 0
		}
		u := g.rng.Float64()
		switch {
		case m.runs == 1 && m.kind == ordinary && g.blocks(d):
			r.verdict, r.reply = bounced, t.blocked
		case suspend:
			r.verdict, r.reply = suspended, why
			continue
		case m.runs > 1 && r.stuck:
			r.verdict = deferred
			if r.reply.stage == accepted || wasSoft { // was held back by the filter, or by soft_bounce
				r.reply = g.failure(d, false, first)
			}
		case u < soft:
			r.verdict, r.reply = deferred, g.failure(d, false, first)
		case u < soft+hard:
			r.verdict, r.reply = bounced, g.failure(d, true, first)
			if m.kind == ordinary && g.chance(mix.SoftBounce) {
				r.verdict, r.soft = deferred, true
			}
		case m.kind == verification:
			r.verdict, r.reply = sent, t.probeOK[0]
		case d.ownAgent:
			r.verdict, r.reply = sent, t.homeOK[d.ok]
			if r.forward {
				r.reply = t.forwarded[0]
			}
		default:
			r.verdict, r.reply = sent, t.ok[d.ok]
		}
		if first && r.verdict != sent && r.reply.stage != rcptTo && r.reply.stage != atHome {
			shared = r
		}
	}
	return any
}

// blocks draws whether a domain's servers refuse us.
func (g *generator) blocks(d *domain) bool {
	return d.name == g.o.Blocker && g.chance(g.o.Mix.Block)
}

// failure draws the reply to a failed attempt. Only the first recipient of a session can find that the session fails.
func (g *generator) failure(d *domain, hard, first bool) *reply {
	mix, t := &g.o.Mix, g.texts
	pick := func(s, h []*reply) *reply {
		if hard {
			return g.any(h)
		}
		return g.any(s)
	}
	switch {
	case d.ownAgent:
		return pick(t.homeSoft, t.homeHard)
	case !first:
		return pick(t.softRcpt, t.hardRcpt)
	case g.chance(mix.NoSession):
		return pick(t.softNone, t.hardNone)
	case g.chance(mix.MultiLine):
		return pick(t.softMulti, t.hardMulti)
	case g.chance(mix.Odd):
		return pick(t.softOdd, t.hardOdd)
	case g.chance(mix.HostileText):
		return pick(t.softHostile, t.hardHostile)
	case g.rng.Uint32N(2) == 0: // what this domain says most
		if hard {
			return t.hard[int(d.habit)%len(t.hard)]
		}
		return t.soft[int(d.habit)%len(t.soft)]
	}
	return pick(t.soft, t.hard)
}

// deliver writes the records of the recipients of one destination.
func (g *generator) deliver(m *message, first int, at int64) {
	agent := m.rcpts[first].pid
	began := m.rcpts[first].began
	if m.filter {
		for i := range m.rcpts {
			g.delivered(m, &m.rcpts[i], internal, agent, began)
		}
	} else {
		d := m.rcpts[first].domain
		tried := false
		for i := first; i < len(m.rcpts) && m.rcpts[i].domain == d; i++ {
			r := &m.rcpts[i]
			if r.done {
				continue
			}
			if !tried {
				tried = true
				g.preamble(m, r, agent)
			}
			g.deliverOne(m, r, agent, began, at)
		}
	}
	m.host.agents.put(agent)
	if m.running--; m.running == 0 {
		g.agenda.push(at+g.between(1*ms, 3*ms), stepSettle, m, 0)
	}
}

func (g *generator) deliverOne(m *message, r *recipient, agent uint32, began, at int64) {
	ch := remote
	switch {
	case m.kind == verification:
		ch = probe
	case g.domains[r.domain].ownAgent:
		ch = local
		if r.forward && r.verdict == sent {
			ch = internal
			g.expand(m, r, at)
		}
	}
	g.delivered(m, r, ch, agent, began)
}

// expand sends a child message to where the recipient's mail is forwarded.
func (g *generator) expand(m *message, r *recipient, at int64) {
	c := g.newMessage(m.host, ordinary)
	c.child = true
	c.sender, c.verp, c.size, c.token = m.sender, m.verp, m.size+200, m.token
	c.rcpts = append(c.rcpts, recipient{user: (r.user + 1) % maxUser, domain: g.pickDomain(), original: r.user, expanded: true})
	c.rcpts[0].stuck = g.chance(g.o.Mix.Stuck)
	c.left = 1
	g.open(c, at)
	g.named(c)
	m.heirID, m.heirLen = c.id, c.idLen
	g.agenda.push(at+g.between(1*ms, 5*ms), stepActive, c, 0)
}

// toFilter hands m to the content filter.
func (g *generator) toFilter(m *message, at int64) {
	mix, t := &g.o.Mix, g.texts
	m.running = 1
	m.rcpts[0].pid = m.host.agents.get()
	m.rcpts[0].began = at + g.between(1*ms, 5*ms)
	v, rp := sent, t.filterOK[0]
	switch {
	case m.runs == 1 && g.chance(mix.FilterDefer):
		v, rp = deferred, t.filterSoft[0]
	case g.chance(mix.FilterBounce):
		v, rp = bounced, t.filterHard[0]
	}
	for i := range m.rcpts {
		m.rcpts[i].verdict, m.rcpts[i].reply = v, rp
	}
	done := at + g.between(50*ms, 400*ms)
	if v == sent {
		g.agenda.push(done-g.between(5*ms, 20*ms), stepReinject, m, 0)
	}
	g.agenda.push(done, stepDeliver, m, 0)
}

// reinject makes the message that the content filter gives back.
func (g *generator) reinject(m *message, at int64) {
	c := g.newMessage(m.host, ordinary)
	c.child = true
	c.sender, c.verp, c.size, c.token, c.client = m.sender, m.verp, m.size+400, m.token, m.client
	c.rcpts = append(c.rcpts, m.rcpts...)
	for i := range c.rcpts {
		c.rcpts[i].seen = 0
	}
	c.left = len(c.rcpts)
	g.open(c, at)
	g.reinjected(m, c)
	m.heirID, m.heirLen = c.id, c.idLen
	g.agenda.push(at+g.between(1*ms, 2*ms), stepClean, c, 0)
	g.agenda.push(at+g.between(30*ms, 60*ms), stepActive, c, 0)
}

// settleRun is qmgr's end of a run: what is too old expires, and failures are reported to the sender.
func (g *generator) settleRun(m *message, at int64) {
	for i := range m.rcpts {
		r := &m.rcpts[i]
		if r.done || r.verdict != sent && r.verdict != bounced {
			continue
		}
		r.done = true
		m.left--
		if r.verdict == bounced {
			m.failed++
		}
	}
	if m.left > 0 && (m.force || at-m.arrived >= g.lifetime) {
		g.expired(m)
		g.settleDeferred(m, expiredOutcome)
		for i := range m.rcpts {
			m.rcpts[i].done = true
		}
		m.failed += m.left
		m.left = 0
	}
	if m.failed == 0 || m.kind != ordinary {
		g.endRun(m, at)
		return
	}
	c := g.newMessage(m.host, notification)
	c.size = 2100 + min(m.size, 50000)
	c.rcpts = append(c.rcpts, recipient{user: m.verp, domain: int32(len(g.domains)-len(senderDomains)) + m.sender})
	c.left = 1
	g.open(c, at)
	g.named(c)
	m.heirID, m.heirLen = c.id, c.idLen
	g.agenda.push(at+1*ms, stepActive, c, 0)
	g.agenda.push(at+2*ms, stepNotice, m, 0)
}

// endRun removes m, or lets it wait for its next run.
func (g *generator) endRun(m *message, at int64) {
	mix := &g.o.Mix
	if m.left == 0 {
		g.agenda.push(at+g.between(1*ms, 2*ms), stepRemove, m, 0)
		return
	}
	if g.chance(mix.LostTail) {
		m.heard = at
		g.abandon(m, m)
		return
	}
	wait := min(max(at-m.arrived, g.o.MinBackoff.Microseconds()), g.o.MaxBackoff.Microseconds())
	wait += g.rng.Int64N(5 * sec)
	switch {
	case g.chance(mix.Delete):
		g.agenda.push(at+g.rng.Int64N(wait), stepDelete, m, 0)
	case g.chance(mix.ForceExpire):
		g.agenda.push(at+g.rng.Int64N(wait), stepForce, m, 0)
	default:
		g.agenda.push(at+wait, stepActive, m, 0)
	}
}

// newHosts makes the reporting MTAs. Each has its own range of inodes, so that only Mix.Clash makes ids meet.
func newHosts(names []string) []host {
	hosts := make([]host, len(names))
	for i, name := range names {
		label, _, full := strings.Cut(name, ".")
		fqdn := name
		if !full {
			fqdn += ".example.com"
		}
		base := uint32(700 + 13*i)
		hosts[i] = host{
			name: name, label: label, fqdn: fqdn,
			address: string(appendIP(nil, 198<<24|51<<16|100<<8|uint32(10+i))),
			inodes:  pool{next: 0x40000 + uint32(i)<<24},
			smtpd:   pool{next: base + 1000}, agents: pool{next: base + 20000},
			qmgr: base, pickup: base + 1, bounce: base + 2, super: base + 3, cleanup: base + 4,
		}
	}
	return hosts
}
