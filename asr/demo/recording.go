package demo

import (
	"cmp"
	"hash/fnv"
	"log/slog"
	"slices"
)

// Recording is sound with everything that is said in it. PCM is read while
// [New] runs and not kept.
type Recording struct {
	Name  string
	Rate  int // Hz; clips of another rate are never from this recording
	PCM   []int16
	Words []Word
	Bleed []Bleed
}

// Word is a word of a recording's reference.
type Word struct {
	Text       string
	Punct      string  // what follows it in the sentence, such as 。
	Start, End int     // sample index; End exclusive
	Confidence float64 // 0 to 1; 0: the engine makes up something above 0.9
}

// Bleed says that a recording also holds the words of another one, quietly.
// It matters only with [Options.HearBleed].
type Bleed struct {
	From  string // the other recording's Name
	Delay int    // samples by which its sound comes later here
}

// source is what is kept of a recording.
type source struct {
	name  string
	rate  int
	words []placed // by mid
}

// placed is a word with the fingerprints of the sound on both sides of its
// midpoint, by which a clip shows that it really holds the word.
type placed struct {
	Word
	mid           int
	before, after uint64 // hash of [mid-window, mid) and [mid, mid+window); 0 where that passes the recording's ends
}

// place prepares a recording. others are all recordings, for what bleeds in.
func place(r Recording, others []Recording, opts Options, log *slog.Logger) source {
	words := slices.Clone(r.Words)
	if opts.HearBleed {
		words = append(words, bled(r, others)...)
	}
	s := source{name: r.Name, rate: r.Rate, words: make([]placed, 0, len(words))}
	for _, w := range words {
		if w.Start < 0 || w.End <= w.Start || w.End > len(r.PCM) {
			log.Warn("word outside its recording left out", "recording", r.Name, "start", w.Start, "end", w.End)
			continue
		}
		place := hashPlace(r.Name, w.Start)
		if w.Confidence == 0 {
			w.Confidence = 0.9 + 0.09*unit(place, 1)
		}
		w.Confidence = max(0.01, min(1, w.Confidence)) // has a logarithm
		if unit(place, 2) < opts.WordErrorRate {
			w.Text = misheard(w.Text, place)
			w.Confidence = 0.3 + 0.25*unit(place, 3)
		}
		p := placed{Word: w, mid: (w.Start + w.End) / 2}
		if p.mid >= window {
			p.before = hash(r.PCM[p.mid-window : p.mid])
		}
		if p.mid+window <= len(r.PCM) {
			p.after = hash(r.PCM[p.mid : p.mid+window])
		}
		s.words = append(s.words, p)
	}
	slices.SortStableFunc(s.words, func(a, b placed) int { return cmp.Compare(a.mid, b.mid) })
	return s
}

// bled are the words that r hears of others where its own seat is silent.
func bled(r Recording, others []Recording) []Word {
	var out []Word
	for _, b := range r.Bleed {
		i := slices.IndexFunc(others, func(o Recording) bool { return o.Name == b.From })
		if i < 0 {
			continue
		}
		for _, w := range others[i].Words {
			w.Start += b.Delay
			w.End = min(w.End+b.Delay, len(r.PCM))
			w.Confidence = 0.5 + 0.2*unit(hashPlace(r.Name, w.Start), 4)
			own := func(o Word) bool { return o.Start < w.End && w.Start < o.End }
			if w.Start < w.End && !slices.ContainsFunc(r.Words, own) {
				out = append(out, w)
			}
		}
	}
	return out
}

// hashPlace identifies a word by where it is said: what is drawn from it is
// the same in every run.
func hashPlace(name string, start int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	h.Write([]byte{byte(start), byte(start >> 8), byte(start >> 16), byte(start >> 24)})
	return h.Sum64()
}

// unit draws the n-th number in [0, 1) that belongs to a place.
func unit(place uint64, n int) float64 {
	x := place + uint64(n)*0x9e3779b97f4a7c15 // SplitMix64
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}
