package transcript

import (
	_ "embed"
	"strings"
	"sync"
)

// words.txt lists what is said in every court, by section. It was written for
// this project, and is the lexicon of the demonstration recogniser too.
//
//go:embed words.txt
var wordsFile string

// lexicon are the words of words.txt by their length in characters, read when
// they are first asked for.
var lexicon = sync.OnceValue(func() map[int][][]rune {
	words := map[int][][]rune{}
	seen := map[string]bool{}
	for line := range strings.Lines(wordsFile) {
		if line = strings.TrimSpace(line); line == "" || strings.ContainsAny(line[:1], "#[") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if !seen[word] {
				seen[word] = true
				letters := []rune(word)
				words[len(letters)] = append(words[len(letters)], letters)
			}
		}
	}
	return words
})
