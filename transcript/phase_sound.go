package transcript

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"
)

// formula is a pattern over the sounds of a sentence.
type formula struct {
	opens   Phase
	kind    formulaKind
	key     string  // what pattern has in every case: where it is not heard, pattern need not be tried
	pattern string  // a regular expression; each Han character stands for its syllable
	during  []Phase // it counts only in these; nil: always

	keySound string // key and pattern over sounds
	sound    *regexp.Regexp
}

// sounds are the syllables that formulas know.
type sounds struct {
	of   map[string]rune // by syllable
	mu   sync.Mutex      // for hear
	seen map[rune]rune   // by character, as far as one was looked up
}

func (s *sounds) rune(r rune) rune {
	sound, ok := s.seen[r]
	if !ok {
		sound = r
		if name := syllable(r); name != "" {
			if sound = s.of[name]; sound == 0 {
				sound = otherSound
			}
		}
		s.seen[r] = sound
	}
	return sound
}

// The runes that stand for sounds. All take soundBytes in UTF-8, so that a byte
// offset tells the rune.
const (
	firstSound = '\uE000' // of the syllables that formulas know
	otherSound = '\uF8FF' // any other syllable
	markSound  = '，'      // every mark
	soundBytes = 3
)

// compileFormulas gives every syllable of the formulas a rune, and compiles the
// patterns over these.
func compileFormulas(list []formula) ([]formula, *sounds) {
	known := &sounds{of: map[string]rune{}, seen: map[rune]rune{}}
	for _, f := range list {
		for _, r := range f.pattern {
			if name := syllable(r); name != "" && known.of[name] == 0 {
				known.of[name] = firstSound + rune(len(known.of))
			}
		}
	}
	for i, f := range list {
		list[i].keySound = strings.Map(known.rune, f.key)
		list[i].sound = regexp.MustCompile(strings.Map(known.rune, f.pattern))
	}
	return list, known
}

// heard is a text as sounds.
type heard struct {
	text   []rune
	sounds string
	places []int // in text, of each sound
}

// hear leaves out spaces, and makes one mark of several. Safe for several
// goroutines.
func (s *sounds) hear(text string) heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := heard{text: []rune(text)}
	var b strings.Builder
	last := rune(0)
	for i, r := range h.text {
		sound := s.rune(r)
		switch {
		case sound != r:
		case unicode.IsSpace(r):
			continue
		case isMark(r):
			if last == markSound {
				continue
			}
			sound = markSound
		default:
			sound = otherSound
		}
		b.WriteRune(sound)
		h.places = append(h.places, i)
		last = sound
	}
	h.sounds = b.String()
	return h
}

// original is the text of the sounds from..to.
func (h heard) original(from, to int) string {
	if from >= to {
		return ""
	}
	return string(h.text[h.places[from]:h.end(to)])
}

func (h heard) end(to int) int {
	if to == 0 {
		return 0
	}
	return h.places[to-1] + 1
}

// find gives the last place, in sounds, where a text says the formula and means it.
func (f *formula) find(h heard) (from, to int, ok bool) {
	if !strings.Contains(h.sounds, f.keySound) {
		return 0, 0, false
	}
	for _, m := range f.sound.FindAllStringIndex(h.sounds, -1) {
		a, b := m[0]/soundBytes, m[1]/soundBytes
		if a == b || refused(string(h.text[:h.places[a]]), h.original(a, b), string(h.text[h.end(b):]), f.opens != PhaseOpening) {
			continue
		}
		from, to, ok = a, b, true
	}
	return from, to, ok
}

// syllable is how a character sounds, without its tone and without what
// accents and recognisers mix up: zh and z, ch and c, sh and s, n and l at the
// beginning, n and ng at the end. Of several readings the dictionary's first
// counts. Empty for what is no Chinese character.
func syllable(r rune) string {
	if r < 0x2e80 || r == markSound {
		return ""
	}
	reading, _, _ := strings.Cut(pinyin.PinyinDict[int(r)], ",")
	var b strings.Builder
	for _, c := range norm.NFD.String(reading) {
		if c < unicode.MaxASCII {
			b.WriteRune(c)
		}
	}
	s := b.String()
	if len(s) > 2 && s[1] == 'h' {
		s = s[:1] + s[2:]
	}
	if strings.HasPrefix(s, "l") {
		s = "n" + s[1:]
	}
	return strings.TrimSuffix(s, "g")
}
