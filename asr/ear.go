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

// bander makes a band of consecutive samples. The zero value begins anywhere.
type bander struct {
	tail [6]int32 // the samples before
	last int32    // of the band, before its high end was raised
}

// add appends the band of samples that begin at first.
//
// Arithmetic on what its caller owns: the race detector would look at every sample,
// ten times as slowly.
//
//go:norace
func (b *bander) add(band []int16, first capture.SampleIndex, samples []int16) []int16 {
	t := b.tail
	for i, s := range samples {
		t[0], t[1], t[2], t[3], t[4] = t[1], t[2], t[3], t[4], t[5]
		if (first+capture.SampleIndex(i))%bandStep == bandStep-1 {
			// Two averages over four samples, one after the other: zeros where
			// the band would fold.
			x := (t[0] + 2*t[1] + 3*t[2] + 4*t[3] + 3*t[4] + 2*t[5] + int32(s)) / 16
			band = append(band, int16(min(max(x-b.last+b.last/16, -1<<15), 1<<15-1)))
			b.last = x
		}
		t[5] = int32(s)
	}
	b.tail = t
	return band
}

// ear remembers the last that a seat's microphone heard, decided or not, so
// that other seats can be compared with it. It follows the reader of the log:
// what is read again is heard again. It belongs to its partition's goroutine.
type ear struct {
	heard []earful // in order of time
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
	after     bander // at its end
	joins     bool   // it follows the one before to the sample
	over      bool   // it ended its epoch
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
	case where == 0 && again:
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
	if where > 0 && len(e.heard) > 0 {
		if before := &e.heard[where-1]; before.epoch == c.Epoch && before.next == c.First {
			h.joins, band = true, before.after
		}
	}
	h.band = band.add(make([]int16, 0, len(c.Samples)/bandStep+1), c.First, c.Samples)
	h.after = band
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
