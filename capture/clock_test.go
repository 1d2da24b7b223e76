package capture

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestClockFollowsDrift simulates three hours of a sound card that runs too
// fast or too slow, whose buffers arrive late by chance and sometimes by much.
func TestClockFollowsDrift(t *testing.T) {
	for _, ppm := range []float64{-100, -20, 0, 20, 100} {
		r := rand.New(rand.NewPCG(1, uint64(ppm+200)))
		began := time.Now()
		// heard is when the card has taken sample i, by the system's clock.
		heard := func(i SampleIndex) time.Time {
			return began.Add(time.Duration(float64(i) * float64(time.Second) / Rate * (1 + ppm*1e-6)))
		}
		const block = Rate / blocksPerSecond
		var c *clock
		var worst, early time.Duration
		last, stalled := began, SampleIndex(0)
		for i := SampleIndex(0); i < 3*3600*Rate; i += block {
			if r.IntN(50*60*5) == 0 {
				stalled = i + SamplesIn(time.Duration(r.IntN(1500))*time.Millisecond) // the machine stands still
			}
			arrived := heard(max(i+block, stalled)).Add(time.Duration(r.ExpFloat64() * float64(4*time.Millisecond)))
			if arrived.Before(last) {
				arrived = last
			}
			last = arrived
			if c == nil {
				c = newClock(arrived, block)
			}
			if !c.heard(i+block, arrived) {
				t.Fatalf("%v ppm: at %v a jump is seen where there is none", ppm, i.Duration())
			}
			off := c.at(i + block).Sub(heard(i + block)).Abs()
			switch {
			case i < ChunkSamples: // nothing is dated before a chunk is full
			case i < 2*clockWindow:
				early = max(early, off)
			default:
				worst = max(worst, off)
			}
		}
		got, ok := c.drift()
		t.Logf("%v ppm: off by %v at most, %v in the first seconds; drift estimated %.2f ppm", ppm, worst, early, got)
		if max(worst, early) > 5*time.Millisecond {
			t.Errorf("%v ppm: placed wrong by %v", ppm, max(worst, early))
		}
		if !ok || math.Abs(got-ppm) > 2 {
			t.Errorf("%v ppm: estimated as %.2f", ppm, got)
		}
	}
}
