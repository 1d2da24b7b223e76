package transcript

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"

	"tingji/capture"
)

// Alike is where a text stands in a hearing, and where stands one that sounds
// like it: what an engine mishears once, it mishears again.
type Alike struct {
	// Sound says how near the right text sounds to the wrong one; empty where
	// there is none to compare, or the two are not of the same length.
	Sound  Sounding  `json:"sound"`
	Places []AlikeAt `json:"places"` // in the order of the hearing
}

// Sounding is how near two texts are in sound.
type Sounding string

const (
	SameSound    Sounding = "same"    // the same syllables, whatever their tones
	SimilarSound Sounding = "similar" // as many speakers do not tell apart: zh and z, l and n, in and ing
	OtherSound   Sounding = "different"
)

// AlikeAt is one place, in characters of the line's present text, To exclusive.
type AlikeAt struct {
	Line     string `json:"line"`
	Revision int    `json:"revision"`
	Role     string `json:"role"`
	StartMS  int64  `json:"start_ms"`
	Text     string `json:"text"` // of the line
	From     int    `json:"from"`
	To       int    `json:"to"`
	Heard    string `json:"heard"` // what stands there
	Exact    bool   `json:"exact"` // it is the text itself
}

// Alike finds wrong in the lines of a hearing, and what sounds like it. What
// reads right already is no place, nor a name or term of the hearing itself
// that only sounds so. A text with figures or marks is found in the written form
// of a line too, as its reader sees it. right may be empty. *FieldError, ErrNotFound.
func (d *Docket) Alike(ctx context.Context, hearing, wrong, right string) (Alike, error) {
	wrong, err := requiredText("wrong", "要找的文字", "the text to look for", wrong, maxName)
	if err != nil {
		return Alike{}, err
	}
	if right, err = cleanText("right", right, maxName); err != nil {
		return Alike{}, err
	}
	h, err := d.hearing(ctx, hearing)
	if err != nil {
		return Alike{}, err
	}
	lines, _, err := d.store.Lines(ctx, hearing, 0)
	if err != nil {
		return Alike{}, fmt.Errorf("read lines of %s: %w", hearing, err)
	}
	ear := ear{}
	found := Alike{Sound: ear.compare(wrong, right), Places: []AlikeAt{}}
	known := [][]rune{[]rune(right)}
	for _, name := range vocabulary(&h) {
		if name != wrong {
			known = append(known, []rune(name))
		}
	}
	needle := []rune(wrong)
	shown := slices.ContainsFunc(needle, func(r rune) bool { return isFigure(r) || isMark(r) })
	form := WrittenForm{}.For(&h)
	for _, l := range lines {
		text := []rune(l.Text)
		for i := 0; i+len(needle) <= len(text); {
			if !ear.alike(text[i:i+len(needle)], needle) || belongs(text, i, i+len(needle), known) {
				i++
				continue
			}
			heard := string(text[i : i+len(needle)])
			found.Places = append(found.Places, alikeAt(l, i, i+len(needle), heard, heard == wrong))
			i += len(needle)
		}
		if !shown {
			continue
		}
		for _, place := range form.Line(l).find(needle) {
			p := alikeAt(l, place[0], place[1], string(text[place[0]:place[1]]), true)
			if !slices.Contains(found.Places, p) {
				found.Places = append(found.Places, p)
			}
		}
	}
	return found, nil
}

func alikeAt(l Line, from, to int, heard string, exact bool) AlikeAt {
	return AlikeAt{
		Line: l.ID, Revision: l.Revision, Role: l.Role, StartMS: l.StartMS, Text: l.Text,
		From: from, To: to, Heard: heard, Exact: exact,
	}
}

// find says where in the spoken text stands what reads so in the written one; a
// place that ends inside of a number is none.
func (w Written) find(needle []rune) (places [][2]int) {
	text := []rune(w.Text)
	for i := 0; i+len(needle) <= len(text); i++ {
		if !slices.Equal(text[i:i+len(needle)], needle) {
			continue
		}
		from, whole := w.spokenAt(i)
		to, ends := w.spokenAt(i + len(needle))
		if whole && ends && from < to {
			places = append(places, [2]int{from, to})
			i += len(needle) - 1
		}
	}
	return places
}

// spokenAt is the place in the spoken text of one in the written text; false
// inside of what stands for something else.
func (w Written) spokenAt(at int) (int, bool) {
	moved := 0
	for _, s := range w.Spans {
		if at <= s.From {
			break
		}
		if at < s.To {
			return 0, false
		}
		moved = s.SpokenTo - s.To
	}
	return at + moved, true
}

// belongs says whether text[from:to] lies within one of the known words.
func belongs(text []rune, from, to int, known [][]rune) bool {
	for _, word := range known {
		if len(word) < to-from {
			continue
		}
		for i := max(0, to-len(word)); i <= from && i+len(word) <= len(text); i++ {
			if slices.Equal(text[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// vocabulary are the names and terms of a hearing.
func vocabulary(h *capture.Hearing) []string {
	words := slices.Clone(h.Hotwords)
	for _, p := range h.Participants {
		words = append(words, p.Name)
	}
	for _, s := range h.Seats {
		if s.Speaker != "" {
			words = append(words, s.Speaker)
		}
	}
	return words
}

// ear knows how characters sound; it remembers those it was asked for. It is
// for one goroutine.
type ear map[rune][]spoken

// spoken is one way to say a character, without its tone.
type spoken struct{ exact, broad string }

func (e ear) of(r rune) []spoken {
	if s, ok := e[r]; ok {
		return s
	}
	var s []spoken
	for word := range strings.SplitSeq(pinyin.PinyinDict[int(r)], ",") {
		if word = toneless(word); word != "" {
			s = append(s, spoken{word, broad(word)})
		}
	}
	e[r] = s
	return s
}

// alike says whether two texts of the same length can sound alike: character by
// character the same, or Chinese with a reading in common as a listener who
// tells no broad sounds apart would hear it.
func (e ear) alike(a, b []rune) bool {
	for i, r := range a {
		if r != b[i] && !e.common(r, b[i], func(s spoken) string { return s.broad }) {
			return false
		}
	}
	return true
}

func (e ear) common(a, b rune, sound func(spoken) string) bool {
	for _, x := range e.of(a) {
		for _, y := range e.of(b) {
			if sound(x) == sound(y) {
				return true
			}
		}
	}
	return false
}

func (e ear) compare(wrong, right string) Sounding {
	a, b := []rune(wrong), []rune(right)
	if len(a) != len(b) {
		return ""
	}
	near := SameSound
	for i := range a {
		switch {
		case a[i] == b[i], e.common(a[i], b[i], func(s spoken) string { return s.exact }):
		case e.common(a[i], b[i], func(s spoken) string { return s.broad }):
			near = SimilarSound
		default:
			return OtherSound
		}
	}
	return near
}

// toneless writes a syllable of the dictionary without its tone: lǜ is lv.
func toneless(s string) string {
	s = strings.ReplaceAll(norm.NFD.String(s), "u\u0308", "v")
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}

// broad makes one of what many speakers do not tell apart, and engines neither:
// flat and curled tongue, n and l, f and h, and the two nasal endings.
func broad(s string) string {
	for _, pair := range [][2]string{{"zh", "z"}, {"ch", "c"}, {"sh", "s"}, {"n", "l"}, {"r", "l"}, {"hu", "f"}} {
		if rest, ok := strings.CutPrefix(s, pair[0]); ok && rest != "" {
			s = pair[1] + rest
			break
		}
	}
	for _, vowel := range []string{"a", "e", "i"} {
		if strings.HasSuffix(s, vowel+"ng") {
			s = strings.TrimSuffix(s, "g")
		}
	}
	return s
}
