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

// A mark is a hash in the sketch of an input.
type mark struct {
	hash  uint64
	input int
}

// overlaps names the inputs of a host that hold the same delivery lines: each with the next one that has a line of it.
func (s *scanner) overlaps() []string {
	if s.Dedupe {
		return nil
	}
	var marks []mark
	for i, in := range s.inputs {
		for _, h := range in.marks.hashes {
			marks = append(marks, mark{h, i})
		}
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.input, b.input)) })
	var out []string
	told := make(map[[2]int]bool)
	for i := 1; i < len(marks); i++ {
		a, b := marks[i-1], marks[i]
		pair := [2]int{a.input, b.input}
		if a.hash != b.hash || told[pair] {
			continue
		}
		told[pair] = true
		ra, rb := &s.res.Inputs[a.input], &s.res.Inputs[b.input]
		if ra.First <= rb.Last && rb.First <= ra.Last {
			out = append(out, fmt.Sprintf("%s and %s hold the same delivery lines, which were counted twice; leave one out, or use --dedupe",
				s.inputs[a.input].Name, s.inputs[b.input].Name))
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

// MaxSamples is how many samples of each bucket a result has.
const MaxSamples = 3

func (s *samples) note(b summary.Bucket, pos summary.Pos, raw, reason string) {
	l := s.by[b]
	if len(l) == MaxSamples && comparePos(pos, l[MaxSamples-1].pos) > 0 {
		return
	}
	raw = strings.Clone(raw[:min(len(raw), maxSampleText)])
	s.insert(Sample{Bucket: b, Text: raw, Reason: reason, pos: pos})
}

const maxSampleText = 500

func (s *samples) insert(x Sample) {
	l := append(s.by[x.Bucket], x)
	slices.SortFunc(l, func(a, b Sample) int { return comparePos(a.pos, b.pos) })
	s.by[x.Bucket] = l[:min(len(l), MaxSamples)]
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
