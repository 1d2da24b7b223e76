package capture

import "time"

// clock places the samples of a live source on the wall clock. It counts
// samples, and lets the count follow the system's clock as slowly as a sound
// card drifts from it. Durations are monotonic: a wall clock that is set while
// a hearing runs does not move the hearing. It is for use by one goroutine.
type clock struct {
	opened time.Time     // of sample 0, with a monotonic reading
	offset time.Duration // of the samples against the count, as it is believed
	least  time.Duration // the smallest offset seen in this window
	count  SampleIndex   // where the window began
	some   bool          // least is of this window
}

const (
	// clockWindow is how long the smallest delay of arrival is looked for:
	// buffers arrive late, never early, and a stall of the machine is made up
	// for within it.
	clockWindow = SampleIndex(2 * Rate)
	// clockJump is more than a sound card can drift in a window: samples were
	// lost, or invented.
	clockJump = 250 * time.Millisecond
)

// newClock begins with a block of n samples whose last one arrived then.
func newClock(arrived time.Time, n int) *clock {
	return &clock{opened: arrived.Add(-SampleIndex(n).Duration())}
}

// at is the wall clock at a sample.
func (c *clock) at(i SampleIndex) time.Time { return c.opened.Add(i.Duration() + c.offset) }

// heard notes when the samples before next had arrived. It reports false when
// the count cannot be right any more: then the epoch is to be ended.
func (c *clock) heard(next SampleIndex, arrived time.Time) bool {
	late := arrived.Sub(c.opened) - next.Duration()
	if !c.some || late < c.least {
		c.least, c.some = late, true
	}
	if next-c.count < clockWindow {
		return true
	}
	moved := c.least - c.offset
	c.count, c.some = next, false
	if moved > clockJump || moved < -clockJump {
		return false
	}
	c.offset += moved / 8 // what is left of chance in one window goes under in several
	return true
}
