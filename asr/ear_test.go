package asr

import (
	"testing"
	"time"

	"tingji/capture"
)

// TestEarAfterClockSetBack: a PC's clock is set back during a break. What its seats hear
// from then on can be compared all the same.
func TestEarAfterClockSetBack(t *testing.T) {
	at := time.Date(2026, 5, 6, 1, 0, 0, 0, time.UTC)
	chunk := func(epoch uint64, i int, at time.Time) capture.Chunk {
		c := capture.Chunk{Hearing: "h1", Channel: "judge", Epoch: epoch, First: capture.SampleIndex(i) * 1600, Samples: make([]int16, 1600),
			CapturedAt: at.Add(time.Duration(i) * 100 * time.Millisecond)}
		for k := range c.Samples {
			c.Samples[k] = int16(k%40*100 - 2000)
		}
		return c
	}
	var e ear
	for i := range 20 {
		e.take(chunk(1, i, at), int64(i))
	}
	back := at.Add(-time.Hour)
	for i := range 20 {
		e.take(chunk(2, i, back), int64(20+i))
	}
	if energy(e.listen(back.Add(time.Second), bandRate/2)) == 0 {
		t.Error("what was heard after the break is not known")
	}
	if want := back.Add(2 * time.Second); !e.newest().Equal(want) {
		t.Errorf("heard to %v, want %v", e.newest(), want)
	}
	// Old sound that is sent again still changes nothing.
	e.take(chunk(1, 0, back.Add(-time.Minute)), 40)
	if len(e.heard) != 20 || e.heard[0].epoch != 2 {
		t.Errorf("%d chunks, the first of epoch %d", len(e.heard), e.heard[0].epoch)
	}
}
