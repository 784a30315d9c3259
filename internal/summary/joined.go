package summary

import "bouncelog/parsers"

// Aside counts a line as [Builder.Line] does, but not what it tells: that is for a [parsers.Joiner] first.
func (b *Builder) Aside(line *parsers.Line, events []parsers.Event) Bucket {
	b.onHost(line)
	for i := range events {
		if t := events[i].Time; t != 0 {
			b.hostFirst, b.hostLast = minStamp(b.hostFirst, t), max(b.hostLast, t)
		}
	}
	return b.Tell(line, events)
}

// Joined counts what a [parsers.Joiner] made of a line, the n-th of its block, that Aside counted.
func (b *Builder) Joined(line *parsers.Line, n uint32, events []parsers.Event) {
	b.onHost(line)
	for i := range events {
		b.add(&events[i], line, n)
	}
	b.hostLines, b.hostFirst, b.hostLast = 0, 0, 0 // they were counted
}
