package main

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tingji/cmd/demo-asr/lexicon"
)

// Words of a prompt that are expected; longer ones are sentences that some
// clients send as context.
const shortestHot, longestHot = 2, 12

// dots stand between the parts of a name such as 买买提·吐尔逊; nobody says them.
const dots = "·•・"

// hotwords are the words of a prompt, in its order, each once. Where they are
// more than the language model has room for, those that the lexicon knows give
// way: they can be said as it is.
func hotwords(prompt string, known map[string]bool) []string {
	var strange, all []string
	for _, w := range strings.FieldsFunc(prompt, func(r rune) bool { return !unicode.Is(unicode.Han, r) && !strings.ContainsRune(dots, r) }) {
		w = strings.Trim(w, dots)
		n := utf8.RuneCountInString(w)
		if n < shortestHot || n > longestHot || slices.Contains(all, w) {
			continue
		}
		all = append(all, w)
		if !known[w] {
			strange = append(strange, w)
		}
	}
	if len(all) > lexicon.HotSlots {
		all = strange
	}
	return all[:min(len(all), lexicon.HotSlots)]
}

// lexiconWords are the words of a dictionary file.
func lexiconWords(dict []byte) map[string]bool {
	known := map[string]bool{}
	for line := range bytes.Lines(dict) {
		word, _, _ := bytes.Cut(line, []byte(" "))
		known[string(word)] = true
	}
	return known
}

// dictionary is the model's lexicon with a slot for each hotword that can be
// read. byWord says what a slot stands for.
func dictionary(base []byte, words []string, reader *lexicon.Reader) (dict []byte, byWord map[string]string) {
	b := slices.Clone(base)
	byWord = map[string]string{}
	for i, w := range words {
		readings, err := reader.Every(strings.Map(func(r rune) rune {
			if strings.ContainsRune(dots, r) {
				return -1
			}
			return r
		}, w))
		if err != nil {
			continue // a character that no dictionary reads cannot be expected
		}
		slot := lexicon.HotSlot(i)
		entry := slot
		for n, r := range readings {
			phones, err := lexicon.Pronounce(r)
			if err != nil {
				continue
			}
			if n > 0 {
				entry = slot + "(" + string(rune('1'+n)) + ")"
			}
			b = append(b, entry+" "+phones+"\n"...)
		}
		byWord[slot] = w
	}
	return b, byWord
}
