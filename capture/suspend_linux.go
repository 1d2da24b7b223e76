package capture

import (
	"time"

	"golang.org/x/sys/unix"
)

// asleep is for how long the machine has been suspended since it started: the
// monotonic clock of a [time.Time] stands still then, and sound cards with it.
func asleep() time.Duration {
	var with, without unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &with) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &without) != nil {
		return 0
	}
	return time.Duration(with.Nano() - without.Nano())
}
