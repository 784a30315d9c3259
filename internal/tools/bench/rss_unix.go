//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakRSS returns the most memory that a process that ended had resident, in bytes.
func peakRSS(s *os.ProcessState) int64 {
	use, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return use.Maxrss // getrusage(2) counts bytes there, and KiB elsewhere
	}
	return use.Maxrss << 10
}
