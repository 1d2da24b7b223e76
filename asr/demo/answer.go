package demo

import (
	"strings"

	"tingji/asr/demo/transcription"
)

// answer is what was heard, as it is told.
func (s *Server) answer(words []heard, rate int) *transcription.Answer {
	a := &transcription.Answer{Engine: Engine, Model: Model, Nested: s.opts.NestedWords, NoTimes: s.opts.NoWords}
	seconds := func(n int) float64 { return float64(n) / float64(rate) }
	for _, sentence := range sentences(words) {
		var told []transcription.Word
		for _, w := range sentence {
			told = append(told, transcription.Word{Text: w.text, Punct: w.punct, Start: seconds(w.start), End: seconds(w.end), Confidence: w.confidence})
		}
		a.Segments = append(a.Segments, told)
	}
	return a
}

// sentences splits after the marks that end one.
func sentences(words []heard) [][]heard {
	var out [][]heard
	from := 0
	for i, w := range words {
		if i == len(words)-1 || strings.ContainsAny(w.punct, "。？！…—") {
			out = append(out, words[from:i+1])
			from = i + 1
		}
	}
	return out
}
