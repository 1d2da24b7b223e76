package main

import (
	"strings"

	"tingji/asr/demo/transcription"
)

// segmentPause splits an answer into segments, in seconds.
const segmentPause = 0.5

// answer is what was heard, as it is told.
func answer(words []word) *transcription.Answer {
	a := &transcription.Answer{Engine: engineName, Model: modelName}
	for i, w := range words {
		if i == 0 || w.start-words[i-1].end >= segmentPause {
			a.Segments = append(a.Segments, nil)
		}
		last := &a.Segments[len(a.Segments)-1]
		*last = append(*last, transcription.Word{Text: w.text, Start: w.start, End: w.end, Confidence: w.probability})
	}
	return a
}

func join(words []word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
	}
	return b.String()
}
