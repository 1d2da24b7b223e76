package asr

import (
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
	shown  int           // samples of the last one published
	busy   bool
	ticket *ticket // of the decode under way

	// whole: the last decode had all samples that the utterance will have if
	// nothing more is said. Then it is the final's, too; early is its answer.
	whole  bool
	prompt string // that it was given
	early  *answer
}

// stop ends the utterance's partials.
func (s *partialState) stop() {
	if s.ticket != nil {
		s.ticket.cancel()
	}
	*s = partialState{}
}

// foreseen reports whether the last decode is that of an utterance of so many samples.
func (s *partialState) foreseen(first capture.SampleIndex, samples int) bool {
	return s.whole && s.first == first && s.asked == samples
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
