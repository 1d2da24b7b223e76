package capture

import (
	"cmp"
	"sync"
	"time"
)

// ear notices what is wrong with a microphone, by its samples alone. It is safe
// for use by several goroutines.
type ear struct {
	mu      sync.Mutex
	rate    int   // of what it hears, in Hz
	zeros   int   // in a row, up to now
	second  int   // samples of the second under way
	loud    int   // of them, at full scale
	clipped uint8 // which of the last seconds were clipped, newest in bit 0

	window [printSamples]int16 // the last samples, a ring
	at     int
	hash   uint32            // of the last samples, decides where prints are taken
	prints map[uint64]uint64 // fingerprint to the number of the second it was heard in
	now    uint64            // number of the second under way
}

const (
	// fullScale and clippedPart: a second with so much of it at the rails is
	// distorted; a single loud knock has less.
	fullScale   = 32700
	clippedPart = 200
	clippedOf   = 5 // seconds, of which
	clippedMost = 3 // are enough for an alarm

	// A fingerprint is taken where the sound itself says so, of so many samples:
	// two seats that hear the same have the same ones, however far apart they
	// run. Two microphones have none in common, as their noise differs.
	printSamples = 32
	printEvery   = 256 // samples at [Rate], on average
	printSeconds = 4   // how long they are remembered
	printSame    = 40  // in common: about a second of the same sound
)

// hear takes what comes next, at a rate in Hz.
func (e *ear) hear(samples []int16, rate int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rate = rate
	every := uint32(printEvery * max(rate, Rate) / Rate)
	for _, s := range samples {
		if s == 0 {
			e.zeros++
		} else {
			e.zeros = 0
		}
		if s >= fullScale || s <= -fullScale {
			e.loud++
		}
		e.window[e.at%printSamples] = s
		e.at++
		// Older samples leave the hash by its upper end.
		e.hash = e.hash<<4 + uint32(uint16(s))*2654435761>>8
		if e.hash>>16%every == 0 {
			e.print()
		}
		if e.second++; e.second >= rate {
			e.tick()
		}
	}
}

// print remembers the last samples, unless they are too even to tell anything.
func (e *ear) print() {
	h, changes := uint64(14695981039346656037), 0
	before := e.window[e.at%printSamples]
	for i := range printSamples {
		s := e.window[(e.at+i)%printSamples]
		if s != before {
			changes++
		}
		before = s
		h = (h ^ uint64(uint16(s))) * 1099511628211
	}
	if changes < printSamples/2 {
		return
	}
	if e.prints == nil {
		e.prints = map[uint64]uint64{}
	}
	e.prints[h] = e.now
}

func (e *ear) tick() {
	e.clipped <<= 1
	if e.loud >= e.second/clippedPart {
		e.clipped |= 1
	}
	e.second, e.loud, e.now = 0, 0, e.now+1
	for h, at := range e.prints {
		if e.now-at > printSeconds {
			delete(e.prints, h)
		}
	}
}

// state says for how long the ear hears nothing but zeros, and whether what it
// hears is distorted.
func (e *ear) state() (quiet time.Duration, clipped bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for i := range clippedOf {
		n += int(e.clipped >> i & 1)
	}
	return lengthOf(e.zeros, max(e.rate, 1)), n >= clippedMost
}

// hears is the rate of what it heard last, in Hz; before that, the pipeline's.
func (e *ear) hears() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmp.Or(e.rate, Rate)
}

// heard puts the fingerprints of the last seconds behind to.
func (e *ear) heard(to []uint64) []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	for h := range e.prints {
		to = append(to, h)
	}
	return to
}

// same says whether the ear has heard in the last seconds, to the bit, what another
// one has, by the prints of that.
func (e *ear) same(prints []uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, h := range prints {
		if _, ok := e.prints[h]; ok {
			n++
		}
	}
	return n >= printSame
}
