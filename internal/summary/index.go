package summary

// An index finds positions by key: open addressing with linear probing. Keys are hashes, so they need no hashing again.
//
// Note: a Go map of the same costs three times as much, and the lookups of a line were a fifth of all time.
type index struct {
	slots []slot // a power of two of them, at most half in use
	n     int
}

type slot struct {
	key uint64
	pos uint32 // from 1; zero: empty
}

func (x *index) len() int { return x.n }

// get returns the position of a key.
func (x *index) get(key uint64) (pos uint32, ok bool) {
	if x.n == 0 {
		return 0, false
	}
	mask := uint64(len(x.slots) - 1)
	for i := key & mask; ; i = (i + 1) & mask {
		switch s := &x.slots[i]; {
		case s.pos == 0:
			return 0, false
		case s.key == key:
			return s.pos - 1, true
		}
	}
}

// put adds a key that is not there.
func (x *index) put(key uint64, pos uint32) {
	if 2*(x.n+1) > len(x.slots) {
		old := x.slots
		x.slots = make([]slot, max(64, 2*len(old)))
		for _, s := range old {
			if s.pos != 0 {
				x.place(s)
			}
		}
	}
	x.n++
	x.place(slot{key, pos + 1})
}

func (x *index) place(s slot) {
	mask := uint64(len(x.slots) - 1)
	i := s.key & mask
	for x.slots[i].pos != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// del takes a key out that is there. The slots behind it move up where they may, so that no search ends too early.
func (x *index) del(key uint64) {
	mask := uint64(len(x.slots) - 1)
	i := key & mask
	for x.slots[i].key != key || x.slots[i].pos == 0 {
		i = (i + 1) & mask
	}
	x.n--
	for j := i; ; {
		j = (j + 1) & mask
		s := x.slots[j]
		if s.pos == 0 {
			break
		}
		if (j-s.key)&mask >= (j-i)&mask { // its own place is not behind the gap
			x.slots[i] = s
			i = j
		}
	}
	x.slots[i] = slot{}
}

func (x *index) clear() {
	clear(x.slots)
	x.n = 0
}

// keys returns every key, in no order.
func (x *index) keys() []uint64 {
	out := make([]uint64, 0, x.n)
	for _, s := range x.slots {
		if s.pos != 0 {
			out = append(out, s.key)
		}
	}
	return out
}
