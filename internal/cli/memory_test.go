package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// The limit follows what lives: at a fixed one, a large queue would have the collector run all the time.
func TestPaceGCRaisesItsLimit(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(math.MaxInt64)
	stop := paceGC()
	defer stop()
	if got := debug.SetMemoryLimit(-1); got < memoryFloor {
		t.Fatalf("the limit is %d at first, want at least %d", got, memoryFloor)
	}
	queue := make([]byte, 128<<20)
	runtime.GC()
	for range 1000 { // of 10 ms; the first few will do
		if debug.SetMemoryLimit(-1) > int64(len(queue))*5/4 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := debug.SetMemoryLimit(-1); got <= int64(len(queue))*5/4 {
		t.Errorf("the limit is %d with %d bytes alive", got, len(queue))
	}
	runtime.KeepAlive(queue)
}
