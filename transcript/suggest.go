package transcript

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Doubted is a word that an engine was unsure of, with what stands around it.
type Doubted struct {
	Before string `json:"before"`
	Heard  string `json:"heard"`
	After  string `json:"after"`
}

const (
	maxDoubted  = 12 // characters of a word
	suggestions = 5
	around      = 4  // characters before and after it that can be of one word with it
	kept        = 24 // readings of a text's beginning that are followed further
)

// What speaks for a reading, in points. They were chosen by hand, and tried on
// errors of two engines (suggest_test.go).
const (
	perCharacter = 2.0 // of a word, from its second on
	ofHearing    = 1.5 // a name or term of the hearing
	saidHere     = 0.5 // two characters that stand side by side elsewhere in the hearing
	saidWhole    = 1.0 // the whole, elsewhere in the hearing
	noWord       = -1.5
	sameSyllable = 0.0
	broadSound   = -0.6 // many speakers and engines do not tell it apart
	halfSound    = -1.8 // the same beginning, or the same end
	fromAfar     = -2.8 // no more than one of a word
	rareReading  = -1.2 // for each of two characters that sounds so in its second reading only
	farBehind    = 4.0  // of the likeliest
	asHeard      = 0.3  // the character itself, beside one that was wrong
	alone        = -0.2 // a word of one character in the place of another
)

// Suggest names what a doubted word may have been, the likeliest first: texts
// of its length that sound like it and are, with what stands around it, made of
// names and terms of the hearing, of what is said elsewhere in it without doubt,
// and of words of every court. *FieldError, ErrNotFound.
func (d *Docket) Suggest(ctx context.Context, hearing string, w Doubted) ([]string, error) {
	heard, err := requiredText("heard", "存疑的字词", "the doubted word", w.Heard, maxDoubted)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		text *string
	}{{"before", &w.Before}, {"after", &w.After}} {
		if *f.text, err = cleanText(f.name, *f.text, maxLineRunes); err != nil {
			return nil, err
		}
	}
	h, err := d.hearing(ctx, hearing)
	if err != nil {
		return nil, err
	}
	lines, _, err := d.store.Lines(ctx, hearing, 0)
	if err != nil {
		return nil, fmt.Errorf("read lines of %s: %w", hearing, err)
	}
	before, after := []rune(w.Before), []rune(w.After)
	before, after = before[max(0, len(before)-around):], after[:min(around, len(after))]
	g := guesses{ear: ear{}, said: map[[2]rune]bool{}, whole: map[string]bool{}, names: map[string]bool{},
		text: slices.Concat(before, []rune(heard), after), from: len(before), to: len(before) + len([]rune(heard))}
	for _, name := range vocabulary(&h) {
		g.names[name] = true
	}
	for _, l := range lines {
		g.listen([]rune(l.Text), l.DoubtfulWords())
	}
	for name := range g.names {
		g.listen([]rune(name), nil)
	}
	return g.best(), nil
}

// guesses looks for readings of a text of which a part is in doubt.
type guesses struct {
	ear      ear
	text     []rune // with what stands around the doubted part
	from, to int    // of the doubted part
	names    map[string]bool
	said     map[[2]rune]bool // side by side in the hearing, without doubt
	whole    map[string]bool  // sounds like the doubted part, and stands in the hearing
}

// reading is a beginning of the text, as words.
type reading struct {
	letters string // of the doubted part, so far
	last    rune
	points  float64
}

// listen takes what is said elsewhere, but for the places in doubt themselves.
func (g *guesses) listen(text []rune, doubted [][2]int) {
	sure := func(from, to int) bool {
		return !slices.ContainsFunc(doubted, func(d [2]int) bool { return d[0] < to && from < d[1] })
	}
	heard := g.text[g.from:g.to]
	for i := range text {
		if i+2 <= len(text) && spelt(text[i:i+2]) && sure(i, i+2) {
			g.said[[2]rune{text[i], text[i+1]}] = true
		}
		if to := i + len(heard); len(heard) > 1 && to <= len(text) && spelt(text[i:to]) && sure(i, to) && g.ear.alike(text[i:to], heard) {
			g.whole[string(text[i:to])] = true
		}
	}
}

// best reads the text word by word, from each place on with every word that
// sounds like what stands there, and follows the likeliest readings.
func (g *guesses) best() []string {
	at := make([]map[string]reading, len(g.text)+1) // by the doubted part, and the last character
	at[0] = map[string]reading{"": {}}
	add := func(to int, r reading) {
		if at[to] == nil {
			at[to] = map[string]reading{}
		}
		key := r.letters + string(r.last)
		if old, ok := at[to][key]; !ok || r.points > old.points {
			at[to][key] = r
		}
	}
	for i := range g.text {
		likeliest := slices.SortedFunc(maps.Values(at[i]), func(a, b reading) int {
			return cmp.Or(cmp.Compare(b.points, a.points), strings.Compare(a.letters, b.letters))
		})
		if len(likeliest) > kept {
			likeliest = likeliest[:kept]
		}
		for word, points := range g.words(i) {
			for _, r := range likeliest {
				add(i+len(word), g.join(r, i, word, points))
			}
		}
		for whole := range g.whole {
			if i == g.from {
				word := []rune(whole)
				for _, r := range likeliest {
					add(g.to, g.join(r, i, word, saidWhole))
				}
			}
		}
	}
	points := map[string]float64{}
	for _, r := range at[len(g.text)] {
		if p, ok := points[r.letters]; !ok || r.points > p {
			points[r.letters] = r.points
		}
	}
	delete(points, string(g.text[g.from:g.to]))
	list := slices.SortedFunc(maps.Keys(points), func(a, b string) int {
		return cmp.Or(cmp.Compare(points[b], points[a]), strings.Compare(a, b))
	})
	list = list[:min(suggestions, len(list))]
	// A list of what is far less likely than its first is only read for nothing.
	for i, word := range list {
		if points[word] < points[list[0]]-farBehind {
			return list[:i]
		}
	}
	return list
}

// join continues a reading with a word at a place.
func (g *guesses) join(r reading, at int, word []rune, points float64) reading {
	r.points += points
	for i, letter := range word {
		if p := at + i; p >= g.from && p < g.to {
			r.letters += string(letter)
		}
		if r.last != 0 && g.said[[2]rune{r.last, letter}] {
			r.points += saidHere
		}
		r.last = letter
	}
	return r
}

// words are those that can stand at a place of the text, with their points.
func (g *guesses) words(at int) func(yield func([]rune, float64) bool) {
	return func(yield func([]rune, float64) bool) {
		here := g.text[at]
		unknown := noWord
		if at >= g.from && at < g.to {
			unknown += asHeard
		}
		if !yield([]rune{here}, unknown) {
			return
		}
		try := func(word []rune, worth float64) bool {
			sound, ok := g.sound(at, word)
			return !ok || yield(word, sound+worth)
		}
		for n, words := range lexicon() {
			if at+n > len(g.text) {
				continue
			}
			for i, word := range words {
				worth := perCharacter * float64(n-1)
				if n == 1 && word[0] != here {
					worth = alone - float64(i)/float64(len(words)) // the list begins with the commonest
				}
				if !try(word, worth) {
					return
				}
			}
		}
		for name := range g.names {
			word := []rune(name)
			if !try(word, perCharacter*float64(len(word)-1)+ofHearing) {
				return
			}
		}
	}
}

// sound says how near a word sounds to what stands at a place; what is not in
// doubt is as it stands. A word of one character has to sound the same.
func (g *guesses) sound(at int, word []rune) (points float64, ok bool) {
	if at+len(word) > len(g.text) {
		return 0, false
	}
	others, same := 0, 0
	for i, letter := range word {
		there := g.text[at+i]
		switch doubted := at+i >= g.from && at+i < g.to; {
		case letter == there:
			same++
		case !doubted:
			return 0, false
		default:
			near := g.ear.near(letter, there)
			if near <= halfSound {
				others++
			}
			points += near
		}
	}
	if others > 1 || others == len(word) || others > 0 && same == 0 {
		return 0, false
	}
	return points, true
}

// spelt says whether a text is of characters alone: marks are no words.
func spelt(text []rune) bool {
	return !slices.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// near says how near two characters sound, in points. Of readings, the first
// two count: the dictionary has many that nobody uses.
func (e ear) near(a, b rune) float64 {
	best := fromAfar
	for i, x := range e.of(a)[:min(2, len(e.of(a)))] {
		for j, y := range e.of(b)[:min(2, len(e.of(b)))] {
			points := fromAfar
			switch {
			case x.exact == y.exact:
				points = sameSyllable
			case x.broad == y.broad:
				points = broadSound
			case initial(x.broad) == initial(y.broad) || final(x.broad) == final(y.broad):
				points = halfSound
			}
			best = max(best, points+rareReading*float64(i+j))
		}
	}
	return best
}

// initial is what a syllable begins with, before its vowel.
func initial(syllable string) string {
	return syllable[:max(0, strings.IndexAny(syllable, "aeiouv"))]
}

// final is the rest of it, as it sounds: you is spelt iu behind another sound.
func final(syllable string) string {
	if rest, ok := strings.CutPrefix(syllable, "y"); ok {
		switch {
		case strings.HasPrefix(rest, "i"):
			return rest
		case strings.HasPrefix(rest, "u"):
			return "v" + rest[1:]
		case rest == "ou":
			return "iu"
		}
		return "i" + rest
	}
	if rest, ok := strings.CutPrefix(syllable, "w"); ok {
		switch rest {
		case "u":
			return rest
		case "ei", "en":
			return "u" + rest[1:]
		}
		return "u" + rest
	}
	return syllable[len(initial(syllable)):]
}
