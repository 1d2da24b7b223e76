package asr

import (
	"context"
	"time"
	"unicode/utf8"

	"tingji/capture"
)

const (
	// firstPartial is how much speech is decoded first; less has hardly a word.
	firstPartial = 600 * time.Millisecond
	// partialStep is the least new speech that is worth decoding again.
	partialStep = 700 * time.Millisecond
)

// partialState is how far the utterance that is being spoken has been shown.
type partialState struct {
	first  capture.SampleIndex
	asked  int           // samples that the last decode had; 0 before the first
	took   time.Duration // the last decode
	text   string        // of the last decode
	busy   bool
	cancel context.CancelFunc // of the decode under way
}

// stop ends the utterance's partials.
func (s *partialState) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	*s = partialState{}
}

// due reports whether the utterance has grown enough to be decoded again: the
// slower the engine, the rarer.
func (s *partialState) due(samples int, before time.Duration) bool {
	want := capture.SamplesIn(before + firstPartial)
	if s.asked > 0 {
		want = capture.SampleIndex(s.asked) + capture.SamplesIn(max(partialStep, 2*s.took))
	}
	return !s.busy && capture.SampleIndex(samples) >= want
}

// stable is how many leading characters two texts share.
func stable(before, now string) int {
	n := 0
	for _, r := range now {
		other, size := utf8.DecodeRuneInString(before)
		if size == 0 || other != r {
			return n
		}
		before = before[size:]
		n++
	}
	return n
}
