package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// vocabulary is words.txt.
type vocabulary struct {
	words    []string // sorted, each once
	sections map[string][]string
	known    map[string]bool // words, and each character of them
	longest  int             // in characters
}

func readWords(name string) (*vocabulary, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v := &vocabulary{sections: map[string][]string{}, known: map[string]bool{}}
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			for _, w := range strings.Fields(line) {
				v.sections[section] = append(v.sections[section], w)
				v.add(w)
			}
		}
	}
	v.words = slices.Sorted(func(yield func(string) bool) {
		for w := range v.known {
			if !yield(w) {
				return
			}
		}
	})
	return v, lines.Err()
}

// add takes a word and, as a way out for what is not in the list, each of its
// characters.
func (v *vocabulary) add(word string) {
	v.known[word] = true
	v.longest = max(v.longest, utf8.RuneCountInString(word))
	for _, c := range word {
		v.known[string(c)] = true
	}
}

// cut divides text into the fewest words; of equal ways, the one whose later
// words are longer.
func (v *vocabulary) cut(text string) ([]string, error) {
	chars := []rune(text)
	const never = 1 << 30
	fewest, last := make([]int, len(chars)+1), make([]int, len(chars)+1)
	for end := 1; end <= len(chars); end++ {
		fewest[end] = never
		for n := min(v.longest, end); n > 0; n-- {
			if c := fewest[end-n] + 1; c < fewest[end] && v.known[string(chars[end-n:end])] {
				fewest[end], last[end] = c, n
			}
		}
	}
	if fewest[len(chars)] >= never {
		return nil, fmt.Errorf("cut %s: a character is in no word", text)
	}
	var words []string
	for end := len(chars); end > 0; end -= last[end] {
		words = append(words, string(chars[end-last[end]:end]))
	}
	slices.Reverse(words)
	return words, nil
}
