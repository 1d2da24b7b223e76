//go:build unix

package searchbench

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used of all cores. On a machine that does
// other things too, it says more of a query than the clock does.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
