package cli

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryFloor is what the program takes before the collector runs for want of memory; with its code it is 48 MiB.
const memoryFloor = 37 << 20

// paceGC makes the garbage collector fit for what we do, until stop is called.
//
// Every byte read becomes garbage, and next to nothing lives long: at a live heap of some MiB, Go would collect after every
// few blocks, which takes a fifth of the time. So it waits until memory is at a floor. Where a large queue lives longer than
// that, the limit rises with what lives, or the collector would run all the time.
func paceGC() (stop func()) {
	debug.SetGCPercent(400)
	limit := int64(memoryFloor)
	debug.SetMemoryLimit(limit)
	done := make(chan struct{})
	go func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
			metrics.Read(live)
			want := int64(live[0].Value.Uint64()) * 5 / 4
			if want += 9 << 20; want > limit {
				limit = want
				debug.SetMemoryLimit(limit)
			}
		}
	}()
	return func() { close(done) }
}
