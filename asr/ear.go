package asr

import (
	"slices"
	"time"

	"tingji/capture"
)

// A band is a seat's sound as seats are compared by it: bandRate samples a
// second of what lies below 2 kHz, with the high end raised, where voices
// differ. All whole numbers, so that every machine decides alike.
const (
	bandStep  = 4 // samples of audio to one of a band
	bandRate  = capture.Rate / bandStep
	bandFrame = bandRate / 100 // samples of a band in 10 ms
)

// earSpan is how much an ear remembers: the longest utterance, what it takes to
// notice its end, and the difference between seats in the log.
const earSpan = 45 * capture.Rate

// bandFilter lets through what is below 1.5 kHz, and 50 dB less of what is above 2.1: what
// folds back does not move as the sound does, and would make one voice two. It is
// the first half of an even window, in parts of 1<<14 of the whole.
var bandFilter = [...]int32{-15, -23, -28, -22, 0, 42, 93, 131, 123, 43, -108, -296, -446, -465, -270, 177, 843, 1624, 2361, 2889, 3078}

const bandTail = 2*len(bandFilter) - 2 // samples before the one at which the filter ends

// bander makes a band of consecutive samples. The zero value begins anywhere.
type bander struct {
	tail [bandTail]int16 // the samples before
	last int32           // of the band, before its high end was raised
}

// add appends the band of samples that begin at first.
//
// Arithmetic on what its caller owns: the race detector would look at every sample,
// ten times as slowly.
//
//go:norace
func (b *bander) add(band []int16, first capture.SampleIndex, samples []int16) []int16 {
	all := make([]int16, bandTail+len(samples))
	copy(all, b.tail[:])
	copy(all[bandTail:], samples)
	for i := int(bandStep - 1 - first%bandStep); i < len(samples); i += bandStep {
		t := all[i : i+bandTail+1]
		x := bandFilter[bandTail/2] * int32(t[bandTail/2])
		for k, c := range bandFilter[:bandTail/2] {
			x += c * (int32(t[k]) + int32(t[bandTail-k]))
		}
		x >>= 14
		band = append(band, int16(min(max(x-b.last+b.last/16, -1<<15), 1<<15-1)))
		b.last = x
	}
	copy(b.tail[:], all[len(samples):])
	return band
}

// ear remembers the last that a seat's microphone heard, decided or not, so
// that other seats can be compared with it. It follows the reader of the log:
// what is read again is heard again. It belongs to its partition's goroutine.
type ear struct {
	heard []earful // in order of time
	last  bander   // at the end of the newest
	read  int64    // the offset of the last chunk
}

// earful is a chunk in an ear.
type earful struct {
	epoch     uint64
	first     capture.SampleIndex
	next      capture.SampleIndex
	at, until time.Time // wall clock at first and at next
	offset    int64
	band      []int16
	joins     bool // it follows the one before to the sample
	over      bool // it ended its epoch
}

// take hears a chunk, once. Chunks come in the log's order: from an earlier place
// when it is read again, and with older sound, which is here already or too
// late, when a courtroom sends again what was not confirmed.
func (e *ear) take(c capture.Chunk, offset int64) {
	again := offset < e.read
	e.read = offset
	where := len(e.heard) // where it belongs
	for where > 0 && e.heard[where-1].at.After(c.CapturedAt) {
		where--
	}
	if where > 0 {
		before := &e.heard[where-1]
		if before.epoch == c.Epoch && c.First < before.next {
			return // it is here
		}
	}
	switch {
	case where == len(e.heard):
	case where == 0 && (again || c.Epoch > e.heard[len(e.heard)-1].epoch): // a new epoch is not late: the clock was set back
		e.heard = e.heard[:0]
	case where == 0:
		return
	}
	h := earful{
		epoch: c.Epoch, first: c.First, next: c.Next(),
		at: c.CapturedAt, until: c.CapturedAt.Add(capture.SampleIndex(len(c.Samples)).Duration()),
		offset: offset, over: c.End != capture.NotEnd,
	}
	var band bander
	newest := where == len(e.heard)
	if where > 0 && len(e.heard) > 0 {
		before := &e.heard[where-1]
		if h.joins = before.epoch == c.Epoch && before.next == c.First; h.joins && newest {
			band = e.last // what comes late begins anew: its first 3 ms are not as they were
		}
	}
	h.band = band.add(make([]int16, 0, len(c.Samples)/bandStep+1), c.First, c.Samples)
	if newest {
		e.last = band
	}
	e.heard = slices.Insert(e.heard, min(where, len(e.heard)), h)
	kept := 0
	for i := len(e.heard) - 1; i > 0; i-- {
		if kept += int(e.heard[i].next - e.heard[i].first); kept > earSpan {
			e.heard = slices.Delete(e.heard, 0, i)
			break
		}
	}
}

// over reports whether the last chunk ended its epoch: nothing may follow.
func (e *ear) over() bool { return len(e.heard) > 0 && e.heard[len(e.heard)-1].over }

// newest is how far on the wall clock the seat was heard; zero: never.
func (e *ear) newest() time.Time {
	if len(e.heard) == 0 {
		return time.Time{}
	}
	return e.heard[len(e.heard)-1].until
}

// listen is what the seat heard from a time on: n samples of the band, zero
// where nothing is known.
func (e *ear) listen(from time.Time, n int) []int16 {
	band := make([]int16, n)
	until := from.Add(time.Duration(n) * time.Second / bandRate)
	at := 0 // where the next chunk goes, if it follows
	for i := range e.heard {
		h := &e.heard[i]
		if h.until.Before(from) || !h.at.Before(until) {
			at = 0
			continue
		}
		// Chunks of an epoch join to the sample, whatever the clock says.
		if i == 0 || at == 0 || !h.joins {
			at = int(h.at.Sub(from) * bandRate / time.Second)
		}
		for j, s := range h.band {
			if k := at + j; k >= 0 && k < n {
				band[k] = s
			}
		}
		at += len(h.band)
	}
	return band
}

// offset is that of the first chunk that reaches beyond a time, if one is
// remembered.
func (e *ear) offset(at time.Time) (int64, bool) {
	for i := range e.heard {
		if e.heard[i].until.After(at) {
			return e.heard[i].offset, true
		}
	}
	return 0, false
}
