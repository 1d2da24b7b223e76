package asr

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/bits"
	"time"

	"tingji/capture"
)

// Pauses say where utterances begin and end. The zero value stands for the
// defaults. They are whole hundredths of a second. End is what a channel begins with
// ([Endpointer.SetEnd] changes it); changing the others changes utterances from there on.
type Pauses struct {
	Before time.Duration // kept before the first speech; 300 ms
	After  time.Duration // kept after the last speech; 250 ms; less than End
	End    time.Duration // of silence that end an utterance; 500 ms
	// Detector is what an epoch begins with; it holds to its end.
	Detector Detector
}

const (
	// longUtterance is where an utterance is cut at the next lull; maxUtterance
	// is its bound, where it is cut at its quietest point since.
	longUtterance = 20 * 100 // frames
	maxUtterance  = 28 * 100
	lull          = 20 // frames
	// silenceMark is how much silence is reported at once.
	silenceMark = 10 * 100 // frames

	// Speech begins with onsetActive loud frames of onsetWindow: a click of
	// 30 ms spans four at most, the shortest word more. It goes on while there
	// are holdActive of holdWindow.
	onsetActive, onsetWindow = 5, 10
	holdActive, holdWindow   = 3, 5
	// Or it begins with faintActive faint frames of faintWindow, when faintVoiced are
	// voiced; and goes on with them while any of faintWindow is.
	faintActive, faintVoiced, faintWindow = 9, 2, 32
)

// MaxUtterance bounds the length of an utterance.
const MaxUtterance = maxUtterance * frameSamples * time.Second / capture.Rate

// Endpointer finds the utterances in the audio of one epoch of a channel.
//
// It works in steps. A step begins at a place in the audio with a small state,
// ends with an utterance or a stretch of silence, and what it found depends on
// nothing but that state and the samples from that place on. The next step
// begins where it ended: so whoever starts anew from any step's end, with the
// same audio, finds the same.
//
// It holds no more samples than the open utterance, or half a second. It is not safe for
// use by several goroutines.
type Endpointer struct {
	before, after, end int // frames
	keep, nextEnd      int // after as it is wanted; end of the steps after this one

	begin capture.SampleIndex // of the step: everything before is decided
	// base is where buffer begins; atBase is the detector's memory there. In
	// silence base follows behind, in speech it is the utterance's start.
	base   capture.SampleIndex
	atBase vad
	buffer []int16 // samples from base on

	heard capture.SampleIndex // all frames before it went into room
	room  vad
	name  Detector
	detector
	loud, faint, voice uint32 // which of the last 32 frames were, newest in bit 0; of this step

	open     bool
	voiced   int                 // active frames of the utterance
	last     capture.SampleIndex // end of the last active frame of the utterance
	quietest quietPoint
}

// quietPoint is the best place so far to cut a long utterance.
type quietPoint struct {
	at    capture.SampleIndex
	level level
}

// Step is what an endpointer found. The audio from Begin to First is silence;
// from First on it is the utterance, until End, where the next step begins.
type Step struct {
	Speech  bool                // false: First is End, there is silence only
	Begin   capture.SampleIndex // End of the step before
	First   capture.SampleIndex // of the utterance
	End     capture.SampleIndex // exclusive
	Samples []int16             // of the utterance; the receiver owns them
	Spoken  capture.SampleIndex // end of what was above the noise; from there on it is the silence that is kept
	Voiced  time.Duration       // how much of it was above the noise
	State   json.RawMessage     // at End
}

// endpointerState is the JSON form of a state. The end silence and the detector are of
// the step that begins there, whatever is configured: who goes on from a state finds the same.
type endpointerState struct {
	V   int `json:"v"`
	End int `json:"end,omitempty"` // frames, where they are not standardEnd
	// Detector is empty for Levels, as it was before there were others.
	Detector Detector `json:"det,omitempty"`
	vad
}

// standardEnd is the usual silence that ends an utterance, in frames.
const standardEnd = 50

// NewEndpointer begins at a sample with the state of the step that ended there;
// nil where nothing has been heard yet. It fails for a state that it did not
// write.
func NewEndpointer(p Pauses, begin capture.SampleIndex, state json.RawMessage) (*Endpointer, error) {
	frames := func(d, standard time.Duration) int {
		if d <= 0 {
			d = standard
		}
		return max(1, int(d/(10*time.Millisecond)))
	}
	e := &Endpointer{
		before: frames(p.Before, 300*time.Millisecond),
		end:    frames(p.End, 500*time.Millisecond),
		name:   cmp.Or(p.Detector, Voices),
		begin:  begin, base: begin, heard: begin,
	}
	s := endpointerState{vad: newVAD()}
	if len(state) > 0 {
		if err := json.Unmarshal(state, &s); err != nil {
			return nil, fmt.Errorf("read endpointer state: %w", err)
		}
		if s.V != 1 {
			return nil, fmt.Errorf("read endpointer state: version %d", s.V)
		}
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("read endpointer state: %w", err)
		}
		if s.End < 0 || s.End > longUtterance/2 {
			return nil, fmt.Errorf("read endpointer state: %d frames of silence", s.End)
		}
		e.end = standardEnd
		if s.End > 0 {
			e.end = s.End
		}
		e.name = cmp.Or(s.Detector, Levels)
	}
	if e.detector = detectors[e.name]; e.detector == nil {
		return nil, fmt.Errorf("no detector is called %q", e.name)
	}
	e.keep, e.nextEnd = frames(p.After, 250*time.Millisecond), e.end
	e.setEnd(e.end)
	e.atBase, e.room = s.vad, s.vad
	return e, nil
}

// SetEnd changes the silence that ends an utterance, from the next step on: how a step
// goes is settled where it begins. Zero stands for the default.
func (e *Endpointer) SetEnd(d time.Duration) {
	if d <= 0 {
		d = standardEnd * 10 * time.Millisecond
	}
	e.nextEnd = min(max(1, int(d/(10*time.Millisecond))), longUtterance/2)
}

func (e *Endpointer) setEnd(frames int) {
	e.end, e.after = frames, min(e.keep, max(frames-1, 0))
}

// Begin is where the present step began: all audio before is decided.
func (e *Endpointer) Begin() capture.SampleIndex { return e.begin }

// Before is how much of an utterance lies before its first speech, at most.
func (e *Endpointer) Before() time.Duration {
	return time.Duration(e.before) * 10 * time.Millisecond
}

// Next is the sample that has to come next.
func (e *Endpointer) Next() capture.SampleIndex {
	return e.base + capture.SampleIndex(len(e.buffer))
}

// Open is the utterance that is being spoken: where it begins and its samples
// so far. They never change, but have to be read only.
func (e *Endpointer) Open() (first capture.SampleIndex, samples []int16, ok bool) {
	return e.base, e.buffer, e.open
}

// Pausing are the samples of the utterance that is being spoken as it will be if
// nothing more is said; ok once all of them are known, before it is known that
// they are all.
func (e *Endpointer) Pausing() (samples []int16, ok bool) {
	end := e.last + capture.SampleIndex(e.after*frameSamples)
	// Beyond, a shorter silence cuts it, elsewhere.
	longest := e.base + capture.SampleIndex((longUtterance-e.end)*frameSamples)
	if !e.open || end > e.heard || e.heard >= longest {
		return nil, false
	}
	return e.buffer[:end-e.base], true
}

// Write takes the samples that follow and returns the steps that they end:
// utterances, and silence by 10 s. It always leaves something undecided for
// Flush when samples is not empty.
func (e *Endpointer) Write(samples []int16) []Step {
	e.buffer = append(e.buffer, samples...)
	return e.run(false)
}

// Flush ends the present step: no sample follows, or none for a long time.
// It returns the steps that were left; their last one ends at Next.
func (e *Endpointer) Flush() []Step {
	steps := e.run(true)
	if e.begin == e.Next() {
		return steps
	}
	if !e.open {
		e.advance(e.Next())
	}
	return append(steps, e.finish(e.Next()))
}

// run takes in all whole frames, and at the end the rest as well.
func (e *Endpointer) run(all bool) (steps []Step) {
	for {
		n := frameSamples - int(e.heard%frameSamples) // less after a flush in mid-frame
		from := int(e.heard - e.base)
		if left := len(e.buffer) - from; left < n {
			if !all || left == 0 {
				return steps
			}
			n = left
		}
		frame := e.buffer[from : from+n]
		e.heard += capture.SampleIndex(n)
		if end, ok := e.decide(e.room.frame(frame)); ok {
			steps = append(steps, e.finish(end))
		}
	}
}

// decide says whether the step has ended with the frame that was just heard,
// and where.
func (e *Endpointer) decide(l level) (end capture.SampleIndex, ok bool) {
	recent := e.buffer[:e.heard-e.base]
	heard := e.sounds(&e.room, l, recent[max(len(recent)-recentSamples, 0):], e.heard, e.open)
	e.loud, e.faint, e.voice = shift(e.loud, heard.loud), shift(e.faint, heard.faint), shift(e.voice, heard.voiced)
	if !e.open {
		began := 0 // frames ago
		if n := count(e.loud, onsetWindow); n >= onsetActive {
			began, e.voiced = oldest(e.loud, onsetWindow), n
		}
		if n := count(e.faint, faintWindow); began == 0 && n >= faintActive && count(e.voice, faintWindow) >= faintVoiced {
			began, e.voiced = faintWindow, n // fainter yet before
		}
		if began == 0 {
			e.advance(e.back(e.heard, e.before+faintWindow))
			if e.base-e.begin < silenceMark*frameSamples {
				return 0, false
			}
			return e.base, true
		}
		e.advance(e.back(e.heard, e.before+began))
		e.open, e.last = true, e.heard
		e.quietest = quietPoint{level: 2 * fullScale}
		return 0, false
	}

	speech := e.loud
	if e.voice != 0 {
		speech |= e.faint
	}
	e.voiced += int(speech & 1)
	if speech&1 == 1 && count(speech, holdWindow) >= holdActive {
		e.last = e.heard
	}
	silence := int((e.heard - e.last) / frameSamples)
	spoken := int((e.heard - e.base) / frameSamples)
	switch {
	case silence >= e.end:
		return min(e.last+capture.SampleIndex(e.after*frameSamples), e.heard), true
	case spoken < longUtterance:
		return 0, false
	case silence >= lull:
		return e.heard - lull/2*frameSamples, true
	}
	if spoken >= maxUtterance {
		return e.quietest.at, true
	}
	if e.room.Smooth < e.quietest.level {
		e.quietest = quietPoint{e.heard, e.room.Smooth}
	}
	return 0, false
}

// back is n frames before a sample, on a frame's edge, within the step.
func (e *Endpointer) back(from capture.SampleIndex, n int) capture.SampleIndex {
	at := from - capture.SampleIndex(n*frameSamples)
	if r := at % frameSamples; r > 0 {
		at += frameSamples - r
	}
	return max(at, e.base)
}

// advance forgets the samples before a place.
func (e *Endpointer) advance(to capture.SampleIndex) {
	n := int(to - e.base)
	e.atBase.frames(e.buffer[:n], e.base)
	e.buffer = e.buffer[n:] // the next append copies what is left to a smaller place
	e.base = to
}

// finish ends the step at a place and begins the next one there, with all that
// has been heard since.
func (e *Endpointer) finish(end capture.SampleIndex) Step {
	step := Step{Speech: e.open, Begin: e.begin, First: end, End: end}
	if e.open {
		n := int(end - e.base)
		step.First, step.Samples = e.base, e.buffer[:n:n]
		step.Spoken = min(e.last, end)
		step.Voiced = time.Duration(e.voiced) * 10 * time.Millisecond
		e.atBase.frames(step.Samples, e.base)
		e.buffer, e.base = append([]int16(nil), e.buffer[n:]...), end
	} else {
		e.advance(end)
	}
	e.setEnd(e.nextEnd)
	written := endpointerState{V: 1, vad: e.atBase}
	if e.end != standardEnd {
		written.End = e.end
	}
	if e.name != Levels {
		written.Detector = e.name
	}
	state, err := json.Marshal(written)
	if err != nil {
		panic(err) // whole numbers only
	}
	step.State = state
	e.begin, e.heard, e.room = end, end, e.atBase
	e.loud, e.faint, e.voice, e.open = 0, 0, 0, false
	return step
}

// frames takes in samples that begin at first, cut as the endpointer cuts them.
func (v *vad) frames(samples []int16, first capture.SampleIndex) {
	for len(samples) > 0 {
		n := min(frameSamples-int(first%frameSamples), len(samples))
		v.frame(samples[:n])
		samples, first = samples[n:], first+capture.SampleIndex(n)
	}
}

func shift(frames uint32, newest bool) uint32 {
	frames <<= 1
	if newest {
		frames |= 1
	}
	return frames
}

// count is how many of the newest n frames are set.
func count(frames uint32, n int) int { return bits.OnesCount32(frames & (1<<n - 1)) }

// oldest is how many frames ago the first of the newest n that are set began.
func oldest(frames uint32, n int) int { return bits.Len32(frames & (1<<n - 1)) }
