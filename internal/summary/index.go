package summary

// An index finds positions by key: open addressing with linear probing.
//
// A slot has half of its key only, so that eight of them fill a cache line: to wait for memory is most of what a look-up
// costs. Whoever asks must compare the key at the position found, and go on searching where that is another.
//
// Note: a Go map of the same costs three times as much, and the lookups of a line were a fifth of all time.
type index struct {
	slots []slot // a power of two of them, at most two thirds in use
	n     int
}

type slot struct {
	tag uint32
	pos uint32 // from 1; zero: empty
}

// tagOf spreads keys that are no hashes, too: hours, packed replies.
func tagOf(key uint64) uint32 { return uint32(key * tagFactor >> 32) }

const tagFactor = 0x9E3779B97F4A7C15

func (x *index) len() int { return x.n }

// A search is where a key may be found.
type search struct{ tag, at uint32 }

// search begins to look a key up.
func (x *index) search(key uint64) search { return search{tagOf(key), tagOf(key)} }

// next returns the next position that may be the key's.
func (x *index) next(s *search) (pos uint32, ok bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	mask := uint32(len(x.slots) - 1)
	for {
		at := &x.slots[s.at&mask]
		if at.pos == 0 {
			return 0, false
		}
		s.at++
		if at.tag == s.tag {
			return at.pos - 1, true
		}
	}
}

// put adds a key that is not there.
func (x *index) put(key uint64, pos uint32) {
	if 3*(x.n+1) > 2*len(x.slots) {
		x.resize(max(64, 2*len(x.slots)))
	}
	x.n++
	x.place(slot{tagOf(key), pos + 1})
}

// grow makes room for n keys in an empty index.
func (x *index) grow(n int) {
	size := 64
	for 2*size < 3*(n+1) {
		size *= 2
	}
	if size > len(x.slots) {
		x.resize(size)
	}
}

// fill puts n keys into an empty index, each of its own position.
//
// Note: slots that are written as the keys come are each waited for. So the keys are sorted by the page of slots that they
// belong to first, which takes a quarter of the time with a million of them.
func (x *index) fill(n int, key func(pos uint32) uint64) {
	x.grow(n)
	x.n = n
	mask := uint32(len(x.slots) - 1)
	ends := make([]uint32, len(x.slots)>>slotPage+1)
	for i := range uint32(n) {
		ends[tagOf(key(i))&mask>>slotPage]++
	}
	at := uint32(0)
	for i, n := range ends {
		ends[i] = at
		at += n
	}
	sorted := make([]slot, n)
	for i := range uint32(n) {
		tag := tagOf(key(i))
		end := &ends[tag&mask>>slotPage]
		sorted[*end] = slot{tag, i + 1}
		*end++
	}
	for _, s := range sorted {
		x.place(s)
	}
}

const slotPage = 12 // bits: what the cache nearest to the processor holds

func (x *index) resize(size int) {
	old := x.slots
	x.slots = make([]slot, size)
	for _, s := range old {
		if s.pos != 0 {
			x.place(s)
		}
	}
}

func (x *index) place(s slot) {
	mask := uint32(len(x.slots) - 1)
	i := s.tag & mask
	for x.slots[i].pos != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// del takes a key out that is there, at pos. The slots behind it move up where they may, so that no search ends too early.
func (x *index) del(key uint64, pos uint32) {
	mask := uint32(len(x.slots) - 1)
	i := tagOf(key) & mask
	for x.slots[i].pos != pos+1 {
		i = (i + 1) & mask
	}
	x.n--
	for j := i; ; {
		j = (j + 1) & mask
		s := x.slots[j]
		if s.pos == 0 {
			break
		}
		if (j-s.tag)&mask >= (j-i)&mask { // its own place is not behind the gap
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
