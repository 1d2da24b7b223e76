package asr

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tingji/capture"
)

// foreseeing has a worker hear a sound at the pace it was made, with an engine
// that takes so long; the questions by their length in samples, and by whether they
// were for good.
func foreseeing(t *testing.T, s *sound, took time.Duration, answer func(clip Clip) error) (steps []Segment, asked []int, at map[string]time.Duration) {
	bubble(t, func(t *testing.T, l *fakeLog) {
		var mu sync.Mutex
		_, stop := start(t, l, scripted{answer: func(ctx context.Context, clip Clip) (Hypothesis, error) {
			if clip.Final {
				mu.Lock()
				asked = append(asked, len(clip.Samples))
				mu.Unlock()
			}
			select {
			case <-time.After(took):
			case <-ctx.Done():
				return Hypothesis{}, ctx.Err()
			}
			if answer != nil {
				return Hypothesis{}, answer(clip)
			}
			return Hypothesis{}, nil
		}})
		at = map[string]time.Duration{}
		began := time.Now()
		go func() {
			for !l.done(1) {
				for _, s := range l.steps("h/a") {
					if _, ok := at[s.Utterance]; !ok && s.Stage == Final {
						at[s.Utterance] = time.Since(began)
					}
				}
				time.Sleep(time.Millisecond)
			}
		}()
		live(t, l, chunksOf("h", "a", 1, 1, s.samples, capture.EndClose))
		waitFor(t, "end", time.Minute, func() bool { return l.done(1) })
		time.Sleep(time.Second)
		stop()
		steps = slices.DeleteFunc(l.steps("h/a"), func(s Segment) bool { return s.Stage != Final })
	})
	return steps, asked, at
}

// TestForeseen: an utterance is decoded while its end is still waited for, once; an
// engine of 200 ms costs nothing. Where speech goes on it is decoded again; nothing
// else changes.
func TestForeseen(t *testing.T) {
	voice := func() *sound { return newSound(1, -62).quiet(1000).add(3000, -22).quiet(3000) }
	steps, asked, at := foreseeing(t, voice(), 200*time.Millisecond, nil)
	if len(steps) != 1 || len(asked) != 1 || asked[0] != int(steps[0].Last-steps[0].First+1) {
		t.Fatalf("%d finals, asked for %v", len(steps), asked)
	}
	known := (steps[0].Last + 1).Duration() + 250*time.Millisecond // the end silence, less what is kept of it
	known = (known + chunkTime - time.Millisecond).Truncate(chunkTime)
	if late := at[steps[0].Utterance] - known; late < 0 || late > 20*time.Millisecond {
		t.Errorf("published %v after its end was known", late)
	}

	// What is slower is waited for, not asked again.
	slow, asked, _ := foreseeing(t, voice(), 2*time.Second, nil)
	if len(slow) != 1 || slow[0].Text != steps[0].Text || len(asked) > 2 {
		t.Errorf("%+v, asked for %v", slow, asked)
	}

	// A pause within an utterance.
	s := newSound(1, -62).quiet(1000).add(1900, -22).quiet(400).add(2000, -22).quiet(3000)
	whole, asked, _ := foreseeing(t, s, 50*time.Millisecond, nil)
	if len(whole) != 1 || len(asked) != 2 || asked[0] >= asked[1] || asked[1] != int(whole[0].Last-whole[0].First+1) {
		t.Errorf("%d finals, asked for %v", len(whole), asked)
	}

	// A question that fails is asked again.
	failed := 0
	again, asked, _ := foreseeing(t, voice(), 100*time.Millisecond, func(clip Clip) error {
		if failed++; clip.Final && failed < 6 {
			return errors.New("breaks off")
		}
		return nil
	})
	if len(again) != 1 || again[0].Text != steps[0].Text || len(asked) < 2 {
		t.Errorf("%+v, asked for %v", again, asked)
	}
}
