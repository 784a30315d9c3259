package suppress

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// A secret keys the hashes of one list, in however many runs it is made: so nobody can choose addresses that have the same.
type secret [16]byte

func newSecret() (s secret) {
	rand.Read(s[:]) // never fails
	return s
}

// hash returns the hash of a name, never zero.
//
// Note: package maphash is faster, but its keys end with the process.
func (s *secret) hash(name []byte) uint64 {
	var buf [256]byte
	sum := sha256.Sum256(append(append(buf[:0], s[:]...), name...))
	return max(1, binary.LittleEndian.Uint64(sum[:]))
}

// seen remembers when something was last seen alive, in 16 bytes each: a hash of 64 bits, and the time. Two with the same
// hash count as one, with the later time, which can only keep an address.
//
// Note: a Go map takes more than twice as much. The slot is the hash scaled down to the number of slots, so a table need
// not be a power of two, and grows by a half.
type seen struct {
	slots []slot
	n     int
	hash  func([]byte) uint64 // never zero
}

type slot struct {
	key  uint64 // zero: empty
	time int64  // Unix seconds
}

const minSlots = 1 << 10

func newSeen(hash func([]byte) uint64) *seen { return &seen{slots: make([]slot, minSlots), hash: hash} }

// find returns the slot of a key, or the empty one where it would be.
func (s *seen) find(key uint64) *slot {
	i, _ := bits.Mul64(key, uint64(len(s.slots)))
	for s.slots[i].key != 0 && s.slots[i].key != key {
		if i++; i == uint64(len(s.slots)) {
			i = 0
		}
	}
	return &s.slots[i]
}

// note notes that name was alive at a time.
func (s *seen) note(name []byte, time int64) { s.put(s.hash(name), time) }

// put is note for the hash of a name.
func (s *seen) put(key uint64, time int64) {
	p := s.find(key)
	if p.key == key {
		p.time = max(p.time, time)
		return
	}
	*p = slot{key, time}
	if s.n++; s.n > len(s.slots)/8*7 {
		old := s.slots
		s.slots = make([]slot, len(old)+len(old)/2)
		for _, o := range old {
			if o.key != 0 {
				*s.find(o.key) = o
			}
		}
	}
}

// grow makes room for n keys in an empty table. Keys that come in order would each be put behind all before it in one that grows.
func (s *seen) grow(n int) { s.slots = make([]slot, max(minSlots, n+n/4)) }

// last returns when name was last alive, never where it was not.
func (s *seen) last(name []byte) int64 {
	if p := s.find(s.hash(name)); p.key != 0 {
		return p.time
	}
	return never
}
