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
	passed int           // windows
	track  []clockPoint  // where the windows of the last minutes ended, for the drift
}

// clockPoint is an offset that was seen, and where.
type clockPoint struct {
	at     SampleIndex
	offset time.Duration
}

const (
	// clockWindow is how long the smallest delay of arrival is looked for:
	// buffers arrive late, never early, and a stall of the machine is made up
	// for within it.
	clockWindow = SampleIndex(2 * Rate)
	// clockJump is more than a sound card can drift in a window: samples were
	// lost, or invented.
	clockJump = 250 * time.Millisecond
	// clockTrack is how many windows the drift is estimated from, 10 minutes,
	// and clockLeast how many at least.
	clockTrack = 300
	clockLeast = 30
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
	if c.passed == 0 {
		// The first block was late too. By the time that a chunk is full, one of a
		// dozen was hardly late.
		c.offset = min(c.offset, late)
	}
	if next-c.count < clockWindow {
		return true
	}
	moved := c.least - c.offset
	c.count, c.some = next, false
	if moved > clockJump || moved < -clockJump {
		return false
	}
	// What is left of chance in one window goes under in several. The first
	// block may have been late by more: the first windows count for more.
	c.passed++
	c.offset += moved / time.Duration(min(c.passed, 8))
	if len(c.track) == clockTrack {
		c.track = c.track[:copy(c.track, c.track[1:])]
	}
	c.track = append(c.track, clockPoint{next, c.least})
	return true
}

// drift is how much slower the sound card runs than the system's clock, in
// millionths, by least squares over the last minutes; ok is false in the first.
func (c *clock) drift() (ppm float64, ok bool) {
	if len(c.track) < clockLeast {
		return 0, false
	}
	var x, y, xx, xy float64
	n := float64(len(c.track))
	for _, p := range c.track {
		t, o := (p.at - c.track[0].at).Duration().Seconds(), (p.offset - c.track[0].offset).Seconds()
		x, y, xx, xy = x+t, y+o, xx+t*t, xy+t*o
	}
	return (n*xy - x*y) / (n*xx - x*x) * 1e6, true
}
