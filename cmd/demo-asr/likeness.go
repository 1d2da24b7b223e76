package main

import "unicode/utf8"

const (
	// leastLikeness is that of a clip which is still answered, chosen between the
	// development speech and people's.
	leastLikeness = -4.4
	// A pause that fits worse than this is none: somebody speaks and no word was
	// found.
	worstPause = -1.5
	// What is taken off for a clip that holds nothing but such pauses, and for each
	// frame of a syllable beyond longSyllable.
	pausePenalty    = 4
	syllablePenalty = 0.05
	longSyllable    = 30
)

// likeness says how much a voice sounds like those that the model knows; 0 is
// the most.
//
// The filler that the words compete with is the model's best state for each
// frame, in whatever order: another's speech, forced into words of the lexicon,
// loses against it by far more than what was said in such words. And where the
// words do not go at all, it ends up in pauses, and in syllables drawn out.
func likeness(spans []span) float64 {
	var fit float64
	var inWords, inPauses, syllables int
	for _, s := range spans {
		n := s.end - s.first
		switch {
		case s.word != "":
			inWords += n
			syllables += utf8.RuneCountInString(s.word)
		case s.acoustic < worstPause:
			inPauses += n
		default:
			continue
		}
		fit += s.acoustic * float64(n)
	}
	if inWords+inPauses == 0 {
		return 0
	}
	all := float64(inWords + inPauses)
	like := fit/all - pausePenalty*float64(inPauses)/all
	if syllables > 0 {
		like -= syllablePenalty * max(0, float64(inWords)/float64(syllables)-longSyllable)
	}
	return like
}
