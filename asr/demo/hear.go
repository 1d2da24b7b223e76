package demo

import (
	"cmp"
	"slices"
	"sort"
)

// heard is a word of an answer. Start and end are samples of the clip.
type heard struct {
	text, punct string
	start, end  int
	confidence  float64
}

// hear gives the words in a clip, and whether any of it is known.
func (s *Server) hear(clip []int16, rate int) ([]heard, bool) {
	var out []heard
	known := false
	for _, a := range s.index.match(clip) {
		src := &s.sources[a.source]
		if src.rate != rate {
			continue
		}
		known = true
		first := sort.Search(len(src.words), func(i int) bool { return src.words[i].mid >= a.offset })
		for _, w := range src.words[first:] {
			if w.mid >= a.offset+len(clip) {
				break
			}
			h := heard{w.Text, w.Punct, max(0, w.Start-a.offset), min(len(clip), w.End-a.offset), w.Confidence}
			// A worse alignment fills in only where the better ones heard nothing.
			taken := func(o heard) bool { return o.start < h.end && h.start < o.end }
			if w.soundsIn(clip, w.mid-a.offset) && !slices.ContainsFunc(out, taken) {
				out = append(out, h)
			}
		}
	}
	slices.SortFunc(out, func(a, b heard) int { return cmp.Compare(a.start, b.start) })
	return out, known
}

// soundsIn reports whether the clip holds the word's own sound about its
// midpoint, as far as the clip reaches.
func (w *placed) soundsIn(clip []int16, mid int) bool {
	if mid >= window && w.before != 0 && hash(clip[mid-window:mid]) != w.before {
		return false
	}
	if mid+window <= len(clip) && w.after != 0 && hash(clip[mid:mid+window]) != w.after {
		return false
	}
	return true
}
