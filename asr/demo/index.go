package demo

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
)

const (
	// window samples are hashed together: long enough that no two stretches of
	// a real microphone's sound are equal.
	window = 256
	// stride lies between two indexed windows of a recording. A clip of
	// window+stride samples (66 ms) holds a whole one.
	stride = 800

	base = 0x9e3779b97f4a7c15 // of the polynomial hash; odd, so that no power of it is 0
)

// index finds recordings by their sound. It holds hashes, no samples: 18 to 20
// bytes for 50 ms, 22 MB for 1000 minutes. It does not change once it is built.
type index struct {
	entries []entry  // by hash
	filter  []uint64 // bitset of hashes; a clear bit spares the search
	shift   int      // from a mixed hash to its bit in filter
}

// entry is an indexed window.
type entry struct {
	hash   uint64
	source uint32
	at     uint32 // first sample of the window; reaches 74 hours at 16 kHz
}

func newIndex(recordings []Recording) *index {
	var x index
	for n, r := range recordings {
		for at := 0; at+window <= len(r.PCM); at += stride {
			if w := r.PCM[at : at+window]; !constant(w) {
				x.entries = append(x.entries, entry{hash(w), uint32(n), uint32(at)})
			}
		}
	}
	slices.SortFunc(x.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.source, b.source), cmp.Compare(a.at, b.at))
	})
	// Sound that occurs twice, in a recording that loops, is found where it
	// occurs first.
	x.entries = slices.Clip(slices.CompactFunc(x.entries, func(a, b entry) bool { return a.hash == b.hash }))

	size := max(6, bits.Len(uint(len(x.entries)*16))) // 16 to 32 bits an entry
	x.filter = make([]uint64, 1<<(size-6))
	x.shift = 64 - size
	for _, e := range x.entries {
		bit := e.hash * base >> x.shift
		x.filter[bit>>6] |= 1 << (bit & 63)
	}
	return &x
}

// alignment says that a clip's sample i is a source's sample offset+i. Offset
// is negative where the clip begins with something else.
type alignment struct {
	source, offset int
}

// match finds where a clip comes from, the place with most windows in common
// first. A clip that was pieced together has several.
func (x *index) match(clip []int16) []alignment {
	if len(clip) < window {
		return nil
	}
	drop := uint64(1) // base^window, which the sample that leaves the window has
	for range window {
		drop *= base
	}
	votes := make(map[alignment]int)
	h := hash(clip[:window])
	for at := 0; ; at++ {
		if bit := h * base >> x.shift; x.filter[bit>>6]&(1<<(bit&63)) != 0 {
			i := sort.Search(len(x.entries), func(i int) bool { return x.entries[i].hash >= h })
			if i < len(x.entries) && x.entries[i].hash == h {
				votes[alignment{int(x.entries[i].source), int(x.entries[i].at) - at}]++
			}
		}
		if at+window == len(clip) {
			break
		}
		h = h*base + sample(clip[at+window]) - sample(clip[at])*drop
	}
	found := make([]alignment, 0, len(votes))
	for a := range votes {
		found = append(found, a)
	}
	slices.SortFunc(found, func(a, b alignment) int {
		return cmp.Or(cmp.Compare(votes[b], votes[a]), cmp.Compare(a.source, b.source), cmp.Compare(a.offset, b.offset))
	})
	return found
}

// hash is the polynomial Σ x[i]·base^(n-1-i) modulo 2^64, which rolls.
func hash(x []int16) uint64 {
	var h uint64
	for _, v := range x {
		h = h*base + sample(v)
	}
	return h
}

// sample shifts the range above 0, so that silence has a hash too.
func sample(v int16) uint64 { return uint64(int(v) + 1<<15 + 1) }

func constant(x []int16) bool {
	for _, v := range x[1:] {
		if v != x[0] {
			return false
		}
	}
	return true
}
