package lexicon

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mozillazg/go-pinyin"
)

// maxReadings bounds how many ways of saying one word are tried.
const maxReadings = 8

// Reader knows how words are read. Safe for several goroutines.
type Reader struct {
	words   map[string][]string // → syllables with tones
	longest int                 // of the words, in characters
}

// NewReader takes readings that a dictionary of single characters gets wrong,
// a line each: the word, then its syllables with tones, 5 the neutral one.
func NewReader(readings io.Reader) (*Reader, error) {
	r := &Reader{words: map[string][]string{}}
	lines := bufio.NewScanner(readings)
	for n := 1; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f)-1 != utf8.RuneCountInString(f[0]) {
			return nil, fmt.Errorf("readings line %d: %s has %d syllables", n, f[0], len(f)-1)
		}
		r.words[f[0]] = f[1:]
		r.longest = max(r.longest, len(f)-1)
	}
	return r, lines.Err()
}

// Read gives the syllables of a word with their tones, as in hai2. Of the
// readings it was given, the longest inside the word count first.
func (r *Reader) Read(word string) ([]string, error) {
	chars := []rune(word)
	var out []string
	for i := 0; i < len(chars); {
		n := min(r.longest, len(chars)-i)
		for ; n > 0; n-- {
			if s, ok := r.words[string(chars[i:i+n])]; ok {
				out = append(out, s...)
				i += n
				break
			}
		}
		if n > 0 {
			continue
		}
		s, err := common(chars[i])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", word, err)
		}
		out = append(out, s)
		i++
	}
	return out, nil
}

// Every gives each way in which a word may be said, the likeliest first: a
// name's characters may have any of their readings.
func (r *Reader) Every(word string) ([][]string, error) {
	first, err := r.Read(word)
	if err != nil {
		return nil, err
	}
	all := [][]string{first}
	args := pinyin.NewArgs()
	args.Heteronym, args.Style = true, pinyin.Tone3
	for i, c := range []rune(word) {
		for _, s := range pinyin.SinglePinyin(c, args) {
			if len(all) == maxReadings {
				return all, nil
			}
			for _, base := range slices.Clone(all) {
				other := slices.Clone(base)
				other[i] = toned(s)
				known := func(have []string) bool { return slices.EqualFunc(have, other, sameSound) }
				if _, err := Split(s); err == nil && !slices.ContainsFunc(all, known) && len(all) < maxReadings {
					all = append(all, other)
				}
			}
		}
	}
	return all, nil
}

func sameSound(a, b string) bool {
	return strings.TrimRight(a, "12345") == strings.TrimRight(b, "12345")
}

func common(c rune) (string, error) {
	args := pinyin.NewArgs()
	args.Style = pinyin.Tone3
	s := pinyin.SinglePinyin(c, args)
	if len(s) == 0 {
		return "", fmt.Errorf("no reading for %c", c)
	}
	return toned(s[0]), nil
}

// toned gives a syllable of the neutral tone its number.
func toned(s string) string {
	if c := s[len(s)-1]; c < '1' || c > '5' {
		return s + "5"
	}
	return s
}

// Pronounce joins the phones of syllables.
func Pronounce(syllables []string) (string, error) {
	var phones []string
	for _, s := range syllables {
		p, err := Split(s)
		if err != nil {
			return "", err
		}
		phones = append(phones, p...)
	}
	return strings.Join(phones, " "), nil
}
