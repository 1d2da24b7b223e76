package asr

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tingji/capture"
)

// TestFairness: what one courtroom catches up with, after hours without a network,
// does not delay what is said in another; and two that catch up share the engine.
func TestFairness(t *testing.T) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		shifted := func(chunks []capture.Chunk, hearing string, began time.Time) []capture.Chunk {
			zero := chunks[0].CapturedAt
			for i := range chunks {
				chunks[i].Hearing, chunks[i].CapturedAt = hearing, began.Add(chunks[i].CapturedAt.Sub(zero))
			}
			return chunks
		}
		short := func(seed uint64, n int) *sound {
			s := newSound(seed, -62).quiet(1000)
			for range n {
				s.add(2000, -22).quiet(1000)
			}
			return s
		}
		for _, flood := range []string{"flood", "other"} {
			for i := range 4 {
				l.send(shifted(chunksOf("", fmt.Sprint("seat", i), 1, 1, short(uint64(i), 12).samples, capture.EndClose),
					flood, time.Now().Add(-3*time.Hour))...)
			}
		}
		_, stop := start(t, l, scripted{answer: func(ctx context.Context, _ Clip) (Hypothesis, error) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return Hypothesis{}, ctx.Err()
		}}, func(c *Config) { c.Parallel = 2 })
		time.Sleep(time.Second)
		began := time.Now()
		at := map[string]time.Duration{}
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for len(at) < 8 && time.Since(began) < time.Minute {
				for _, s := range l.steps("live/a") {
					if _, ok := at[s.Utterance]; !ok && s.Stage == Final {
						at[s.Utterance] = time.Since(began) - (s.Last + 1).Duration()
					}
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		go func() {
			time.Sleep(15 * time.Second)
			a, b := 0, 0
			for i := range 4 {
				a, b = a+len(l.steps(fmt.Sprint("flood/seat", i))), b+len(l.steps(fmt.Sprint("other/seat", i)))
			}
			if a < 4 || b < 4 || a-b > 6 || b-a > 6 {
				t.Errorf("of two that catch up one has %d, the other %d", a, b)
			}
		}()
		live(t, l, shifted(chunksOf("", "a", 1, 1, short(9, 8).samples, capture.EndClose), "live", time.Now()))
		<-stopped
		for u, late := range at {
			// 250 ms until the end is known, as much for the chunk, a call that is
			// under way, and its own.
			if late > 2600*time.Millisecond {
				t.Errorf("%s came %v late", u, late)
			}
		}
		if len(at) != 8 {
			t.Errorf("%d utterances", len(at))
		}
		waitFor(t, "end", 5*time.Minute, func() bool { return l.done(9) })
		stop()
	})
}
