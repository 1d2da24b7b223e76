package main

import (
	"testing"

	"tingji/asr"
	"tingji/capture"
)

// What is brought back of a channel at a time holds the longest utterance and the
// wait for the other seats: a worker that got less of it would decide nothing, and
// the rest would never come.
func TestRefillHoldsTheLongestUtterance(t *testing.T) {
	ahead := capture.SampleIndex(refillAhead * capture.ChunkSamples).Duration()
	if least := asr.MaxUtterance * 3 / 2; ahead < least {
		t.Errorf("%v are brought back at a time, want at least %v", ahead, least)
	}
}
