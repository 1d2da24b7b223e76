package asr

import (
	"math/bits"

	"tingji/capture"
)

// A Detector is how an endpointer tells speech from a room's noise. A channel keeps
// the one that it began with to its epoch's end, as it is part of its state.
type Detector string

// The detectors. The zero value stands for Voices.
const (
	// Levels takes for speech what is louder than the room by 9 dB, within an
	// utterance by 6.
	Levels Detector = "levels"
	// Voices does so too; and takes for speech what is louder by 2.5 dB for longer and
	// in part repeats itself as a voice does: so speech is found in noise as loud as it.
	Voices Detector = "voices"
)

// detector is what a Detector stands for. It has no memory, as an endpointer's state has
// to be all that there is to know: what it says follows from its arguments.
type detector interface {
	// sounds says what the newest frame, of level l, sounds like. room has heard it;
	// recent are the samples up to its end, recentSamples of them or as many as the step
	// has had, the last of them before end. Within an utterance less is enough.
	sounds(room *vad, l level, recent []int16, end capture.SampleIndex, within bool) evidence
}

// evidence of speech in a frame.
type evidence struct {
	loud   bool // speech by itself
	faint  bool // above the room's noise; speech where there are voiced frames around
	voiced bool // and repeats itself at a voice's pitch
}

// detectors by name. Names are in stored states: none may go.
var detectors = map[Detector]detector{Levels: byLevel{}, Voices: byVoice{}}

type byLevel struct{}

func (byLevel) sounds(room *vad, l level, _ []int16, _ capture.SampleIndex, within bool) evidence {
	margin := onsetMargin
	if within {
		margin = holdMargin
	}
	return evidence{loud: l >= room.threshold(margin)}
}

const (
	// faintMargin is how far above the floor faint speech is, and its smoothed level. Steady
	// noise stays below 1.5 dB, smoothed, as the floor is its least.
	faintMargin = 2*decibel + decibel/2
	// voiceWindow samples of a band are held to those before, at each lag of a voice's
	// pitch, 60 to 400 Hz.
	voiceWindow             = 5 * bandFrame
	shortestLag, longestLag = bandRate / 400, bandRate / 60
	// recentSamples is what a detector is shown.
	recentSamples = (voiceWindow + longestLag) * bandStep
	// periodic is the square, in 1/256, of the correlation of a voice with itself one wave
	// before: 0.35. That of noise stays below 0.3.
	periodic = 31
)

type byVoice struct{}

func (byVoice) sounds(room *vad, l level, recent []int16, end capture.SampleIndex, within bool) evidence {
	e := byLevel{}.sounds(room, l, recent, end, within)
	e.faint = min(l+decibel, room.Smooth) >= max(room.floor()+faintMargin, gate)
	if e.faint {
		band := make([]int16, 0, recentSamples/bandStep+1)
		e.voiced = voiced(new(bander).add(band, end-capture.SampleIndex(len(recent)), recent))
	}
	return e
}

// voiced reports whether the end of a band repeats itself at a voice's pitch.
//
// Arithmetic on what its caller owns: the race detector would look at every sample,
// ten times as slowly.
//
//go:norace
func voiced(band []int16) bool {
	if len(band) < voiceWindow+shortestLag {
		return false
	}
	at := len(band) - voiceWindow
	now := band[at:]
	own := uint64(energy(now))
	before := uint64(0) // energy of the window that is compared
	for lag := shortestLag; lag <= min(longestLag, at); lag++ {
		window := band[at-lag : at-lag+voiceWindow]
		if lag == shortestLag {
			before = uint64(energy(window))
		} else {
			in, out := int64(window[0]), int64(band[at-lag+voiceWindow])
			before += uint64(in*in) - uint64(out*out)
		}
		var sum int64
		for i, x := range now {
			sum += int64(int32(x) * int32(window[i]))
		}
		if sum <= 0 {
			continue
		}
		// sum² / (own · before) ≥ periodic / 256, in 128 bits: sums are below 2^38.
		hi, lo := bits.Mul64(uint64(sum)>>4, uint64(sum)>>4)
		otherHi, otherLo := bits.Mul64(own>>4, before>>4)
		hi, lo = hi<<8|lo>>56, lo<<8
		wantHi, wantLo := bits.Mul64(otherLo, periodic)
		wantHi += otherHi * periodic
		if hi > wantHi || hi == wantHi && lo >= wantLo {
			return true
		}
	}
	return false
}
