package asr

import (
	"strings"
	"unicode/utf8"

	"tingji/capture"
)

// maxPrompt bounds a prompt in characters: whisper reads 224 tokens, of which a
// Chinese character takes one or two.
const maxPrompt = 200

// Vocabulary is what engines are told of a case, as far as there is room: names,
// which no model can know, then what the clerk entered, then the cause. Where not all
// that the clerk entered has room, the newest has: it was entered because it was misheard.
func Vocabulary(h capture.Hearing) []string {
	var words []string
	add := func(list ...string) {
		for _, w := range list {
			words = append(words, strings.Join(strings.Fields(w), " "))
		}
	}
	for _, p := range h.Participants {
		add(p.Name)
	}
	names := len(words)
	add(h.Hotwords...)
	entered := len(words)
	add(h.Cause)

	keep := make([]bool, len(words))
	seen := map[string]bool{"": true}
	left := maxPrompt + 1
	take := func(i int) {
		if n := utf8.RuneCountInString(words[i]) + 1; !seen[words[i]] && n <= left {
			keep[i], seen[words[i]], left = true, true, left-n
		}
	}
	for i := range names {
		take(i)
	}
	for i := entered - 1; i >= names; i-- {
		take(i)
	}
	for i := entered; i < len(words); i++ {
		take(i)
	}
	kept := words[:0]
	for i, w := range words {
		if keep[i] {
			kept = append(kept, w)
		}
	}
	return kept
}

func prompt(h capture.Hearing) string { return strings.Join(Vocabulary(h), "，") }
