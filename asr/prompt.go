package asr

import (
	"strings"
	"unicode/utf8"

	"tingji/capture"
)

// maxPrompt bounds a prompt in characters: whisper reads 224 tokens, of which a
// Chinese character takes one or two.
const maxPrompt = 200

// prompt is the vocabulary of a case for the engine, most useful first: names,
// which no model can know, then what the clerk entered, then the cause.
func prompt(h capture.Hearing) string {
	var words []string
	for _, p := range h.Participants {
		words = append(words, p.Name)
	}
	words = append(words, h.Hotwords...)
	words = append(words, h.Cause)

	var b strings.Builder
	seen := map[string]bool{"": true}
	left := maxPrompt
	for _, w := range words {
		w = strings.Join(strings.Fields(w), " ")
		n := utf8.RuneCountInString(w)
		if b.Len() > 0 {
			n++
		}
		if seen[w] || n > left {
			continue
		}
		seen[w] = true
		if b.Len() > 0 {
			b.WriteString("，")
		}
		b.WriteString(w)
		left -= n
	}
	return b.String()
}
