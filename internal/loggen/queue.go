package loggen

// A step is what happens to a message at one moment.
type step uint8

const (
	stepNext       step = iota // no message: the next one comes
	stepArrive                 // smtpd or pickup takes it
	stepClean                  // cleanup names it
	stepDisconnect             // the client hangs up
	stepActive                 // qmgr starts a run
	stepReinject               // the content filter gives it back, under another queue id
	stepDeliver                // a delivery agent is done with the recipients of one destination
	stepSettle                 // all agents are
	stepNotice                 // bounce tells the sender
	stepDelete                 // postsuper -d
	stepForce                  // postsuper -e
	stepRemove                 // the queue file goes
)

// An event is a step of a message at a time. Equal times come in the order of planning.
type event struct {
	at    int64 // microseconds since the epoch
	seq   uint64
	m     *message
	step  step
	first int32 // stepDeliver: the first of its recipients
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// An agenda gives events back in order.
//
// Note: a second heap for the retries minutes away was tried; it gained nothing.
type agenda struct {
	heap heap
	seq  uint64
}

func (a *agenda) push(at int64, s step, m *message, first int) {
	a.seq++
	a.heap.push(event{at, a.seq, m, s, int32(first)})
}

// pop returns the first event, and whether there was one.
func (a *agenda) pop() (event, bool) {
	if len(a.heap) == 0 {
		return event{}, false
	}
	return a.heap.pop(), true
}

// heap has four children a node: half as deep as a binary one.
//
// Note: container/heap calls through an interface and boxes every event.
type heap []event

func (h *heap) push(e event) {
	*h = append(*h, e)
	s := *h
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = e
}

// pop takes the first event. There must be one.
func (h *heap) pop() event {
	s := *h
	n := len(s) - 1
	first, last := s[0], s[n]
	s[n] = event{} // its message may be collected
	s = s[:n]
	*h = s
	if n == 0 {
		return first
	}
	i := 0
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, n); c++ {
			if s[c].before(&s[least]) {
				least = c
			}
		}
		if !s[least].before(&last) {
			break
		}
		s[i] = s[least]
		i = least
	}
	s[i] = last
	return first
}

// A pool hands out numbers, those given back first: inodes and process ids are used again soon.
type pool struct {
	free []uint32
	next uint32
}

func (p *pool) get() uint32 {
	if n := len(p.free); n > 0 {
		v := p.free[n-1]
		p.free = p.free[:n-1]
		return v
	}
	p.next++
	return p.next - 1
}

func (p *pool) put(v uint32) { p.free = append(p.free, v) }
