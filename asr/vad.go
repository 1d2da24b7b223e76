package asr

import (
	"fmt"
	"math/bits"
)

// frameSamples is the length of a frame, 10 ms: the grain of all decisions
// about speech, and the reason why utterances begin and end on whole
// milliseconds.
const frameSamples = 160

// A level is the logarithm of a frame's power in 1/256 bit: 85 are one decibel,
// fullScale is that of a square wave at full scale. All arithmetic on levels is
// in whole numbers, so that every machine hears the same speech.
type level int32

const (
	fullScale level = 38 * 256
	decibel   level = 85
)

const (
	// onsetMargin and holdMargin are how far above the floor a frame counts as
	// active, before and within an utterance.
	onsetMargin = 9 * decibel
	holdMargin  = 6 * decibel
	// gate is the level that no speech into a microphone stays below, however
	// quiet the room; within an utterance it is lower by the difference of the margins.
	gate = fullScale - 57*decibel
	// assumedFloor is that of a room not yet heard: low, as the first frame may
	// be in mid-speech.
	assumedFloor = fullScale - 66*decibel
	// blank is digital silence: a muted seat or a gap in a conference, which
	// says nothing about the room.
	blank = fullScale - 85*decibel
)

// The floor is the least smoothed level of the last floorBlocks blocks, 5 s: long enough
// for the closures between syllables to show it during speech, short enough
// to get used to a fan.
const (
	floorBlocks = 8
	blockFrames = 64
)

// vad measures frames and follows the room's floor. Its fields are all its memory. It
// is a plain value: a copy is a snapshot.
type vad struct {
	Input    int32              `json:"in"`  // the last sample
	Filtered int32              `json:"hp"`  // of the high-pass, in 1/256
	Smooth   level              `json:"lvl"` // of the last frames
	Least    level              `json:"min"` // of the present block
	Frames   int                `json:"n"`   // in the present block
	Blocks   [floorBlocks]level `json:"blk"` // least of the blocks before, newest first
}

func newVAD() vad {
	v := vad{Smooth: assumedFloor, Least: assumedFloor}
	for i := range v.Blocks {
		v.Blocks[i] = assumedFloor
	}
	return v
}

// frame takes in the next frame, 1 to frameSamples samples, and returns its level.
func (v *vad) frame(samples []int16) level {
	var power uint64
	x, y := v.Input, v.Filtered
	for _, s := range samples {
		// First-order high-pass at 160 Hz: hum and rumble are not speech.
		y += (int32(s)-x)<<8 - y>>4
		x = int32(s)
		power += uint64(int64(y>>4) * int64(y>>4))
	}
	v.Input, v.Filtered = x, y
	l := logarithm(power / uint64(len(samples)))
	if l < blank {
		return l
	}
	v.Smooth += (l - v.Smooth) / 4
	v.Least = min(v.Least, v.Smooth)
	if v.Frames++; v.Frames == blockFrames {
		copy(v.Blocks[1:], v.Blocks[:])
		v.Blocks[0] = v.Least
		v.Least, v.Frames = v.Smooth, 0
	}
	return l
}

// floor is the room's noise.
func (v *vad) floor() level {
	floor := v.Least
	for _, b := range v.Blocks {
		floor = min(floor, b)
	}
	return floor
}

// threshold is the level at which a frame is active.
func (v *vad) threshold(margin level) level {
	return max(v.floor()+margin, gate-onsetMargin+margin)
}

// check refuses a memory that no audio can have left.
func (v *vad) check() error {
	levels := append([]level{v.Smooth, v.Least}, v.Blocks[:]...)
	for _, l := range levels {
		if l < 0 || l > fullScale+6*decibel {
			return fmt.Errorf("level %d is out of range", l)
		}
	}
	if v.Frames < 0 || v.Frames >= blockFrames || v.Input < -1<<15 || v.Input >= 1<<15 || v.Filtered < -1<<25 || v.Filtered > 1<<25 {
		return fmt.Errorf("frame %d, sample %d, filter %d are out of range", v.Frames, v.Input, v.Filtered)
	}
	return nil
}

// logarithm of a power in 1/256 of a sample squared; straight lines between
// the powers of two.
func logarithm(power uint64) level {
	if power == 0 {
		return 0
	}
	n := bits.Len64(power) - 1
	return level(n<<8) + level(power<<(63-n)<<1>>56)
}
