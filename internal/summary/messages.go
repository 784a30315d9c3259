package summary

import "iter"

// A messages is the messages under way, by number and by key. It grows by pages: a million of them are not copied to make
// room for one more.
type messages struct {
	index index
	pages [][]message
	n     uint32   // numbers in use or free
	free  []uint32 // to be used again
}

const pageBits = 10

func (l *messages) len() int { return l.index.len() }

func (l *messages) at(i uint32) *message { return &l.pages[i>>pageBits][i&(1<<pageBits-1)] }

// get returns the number of the message with this key.
func (l *messages) get(key uint64) (i uint32, ok bool) {
	s := l.index.search(key)
	for {
		i, ok = l.index.next(&s)
		if !ok || l.at(i).key == key {
			return i, ok
		}
	}
}

// add adds a message whose key is not there, and returns its number.
func (l *messages) add(m *message) uint32 {
	i := l.n
	if n := len(l.free); n > 0 {
		i, l.free = l.free[n-1], l.free[:n-1]
		*l.at(i) = *m
	} else {
		l.push(m)
	}
	l.index.put(m.key, i)
	return i
}

// push adds a message that is not in the index yet: see reindex.
func (l *messages) push(m *message) {
	if l.n>>pageBits == uint32(len(l.pages)) {
		l.pages = append(l.pages, make([]message, 1<<pageBits))
	}
	l.n++
	*l.at(l.n - 1) = *m
}

// reindex makes the index of messages that were all pushed.
func (l *messages) reindex() { l.index.fill(int(l.n), func(i uint32) uint64 { return l.at(i).key }) }

// del takes a message out.
func (l *messages) del(i uint32) {
	m := l.at(i)
	l.index.del(m.key, i)
	*m = message{}
	l.free = append(l.free, i)
}

// all yields every message with its number. The one at hand may be taken out.
func (l *messages) all() iter.Seq2[uint32, *message] {
	return func(yield func(uint32, *message) bool) {
		for i := range l.n {
			if m := l.at(i); m.key != 0 && !yield(i, m) {
				return
			}
		}
	}
}
