package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bouncelog/internal/summary"
)

// A sketch is the smallest hashes of an input's delivery lines. Two inputs that share lines share the smallest of them
// too, so a few hundred tell whether they do.
type sketch struct {
	hashes []uint64 // not yet trimmed: up to twice sketchSize, in any order
	bound  uint64   // larger ones cannot be among the smallest; zero: not known yet
}

const sketchSize = 1024

func (k *sketch) note(h uint64) {
	if k.bound != 0 && h >= k.bound {
		return
	}
	k.hashes = append(k.hashes, h)
	if len(k.hashes) >= 2*sketchSize {
		k.trim()
	}
}

// trim sorts the hashes and keeps the smallest, each once.
func (k *sketch) trim() {
	slices.Sort(k.hashes)
	k.hashes = slices.Compact(k.hashes)
	if len(k.hashes) >= sketchSize {
		k.hashes = k.hashes[:sketchSize]
		k.bound = k.hashes[sketchSize-1]
	}
}

func (k *sketch) add(o *sketch) {
	k.hashes = append(k.hashes, o.hashes...)
	k.trim()
}

// shared returns how many of the smallest hashes of either stand in both. Both are trimmed.
func (k *sketch) shared(o *sketch) int {
	n, i, j := 0, 0, 0
	for i < len(k.hashes) && j < len(o.hashes) {
		switch c := cmp.Compare(k.hashes[i], o.hashes[j]); {
		case c < 0:
			i++
		case c > 0:
			j++
		default:
			n, i, j = n+1, i+1, j+1
		}
	}
	return n
}

// overlaps names the inputs of a host that hold the same delivery lines.
func (s *scanner) overlaps() []string {
	if s.Dedupe {
		return nil
	}
	var out []string
	for i, a := range s.inputs {
		for _, b := range s.inputs[i+1:] {
			ra, rb := &s.res.Inputs[a.ord], &s.res.Inputs[b.ord]
			if ra.First > rb.Last || rb.First > ra.Last || a.marks.shared(&b.marks) == 0 {
				continue
			}
			out = append(out, fmt.Sprintf("%s and %s hold the same delivery lines, which were counted twice; leave one out, or use --dedupe", a.Name, b.Name))
		}
	}
	return out
}

// repeats knows the lines of earlier inputs (--dedupe). A line that stands in several inputs counts as often as in the
// one that has it most often.
type repeats struct {
	lines map[uint64]repeat
	full  bool // lines that came after maxRepeats others were not compared
}

// maxRepeats bounds the lines to be known: a gigabyte of memory.
const maxRepeats = 1 << 25

type repeat struct {
	input      uint32 // the one that is being read
	here, kept uint32 // lines of it so far; lines kept of all
}

func newRepeats() *repeats { return &repeats{lines: make(map[uint64]repeat)} }

// again reports whether a line of an input repeats one of an earlier input.
func (r *repeats) again(input uint32, h uint64) bool {
	e, ok := r.lines[h]
	if !ok && len(r.lines) >= maxRepeats {
		r.full = true
		return false
	}
	if e.input != input {
		e.input, e.here = input, 0
	}
	e.here++
	again := e.here <= e.kept
	if !again {
		e.kept++
	}
	r.lines[h] = e
	return again
}

// samples are the first lines of each bucket that could not be used.
type samples struct {
	by [summary.NumBuckets][]Sample
}

const maxSamples = 3

func (s *samples) note(b summary.Bucket, pos summary.Pos, raw, reason string) {
	l := s.by[b]
	if len(l) == maxSamples && comparePos(pos, l[maxSamples-1].pos) > 0 {
		return
	}
	raw = strings.Clone(raw[:min(len(raw), maxSampleText)])
	s.insert(Sample{Bucket: b, Text: raw, Reason: reason, pos: pos})
}

const maxSampleText = 500

func (s *samples) insert(x Sample) {
	l := append(s.by[x.Bucket], x)
	slices.SortFunc(l, func(a, b Sample) int { return comparePos(a.pos, b.pos) })
	s.by[x.Bucket] = l[:min(len(l), maxSamples)]
}

func comparePos(a, b summary.Pos) int {
	return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Block, b.Block), cmp.Compare(a.Line, b.Line))
}

func (s *samples) add(o *samples) {
	for _, l := range o.by {
		for _, x := range l {
			s.insert(x)
		}
	}
}

// resolve returns the samples with their places.
func (s *samples) resolve(r *Result) []Sample {
	var out []Sample
	for _, l := range s.by {
		for _, x := range l {
			x.File, x.Line = r.Locate(x.pos)
			out = append(out, x)
		}
	}
	return out
}
