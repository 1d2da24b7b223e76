package transcript

import (
	"strings"
	"unicode/utf8"
)

// DoubtfulWords are the places in a line's text, in characters, of the words
// that the engine was less sure of than [LeastConfidence]; none once a person
// has revised or confirmed the line. Words side by side are one place.
func (l *Line) DoubtfulWords() [][2]int {
	if !l.unseen() || l.Origin != Speech {
		return nil
	}
	var places [][2]int
	at, runes := 0, 0 // how far the text has been read: bytes, characters
	for _, w := range l.Words {
		text := strings.TrimSpace(w.Text)
		i := strings.Index(l.Text[at:], text)
		if i < 0 || text == "" {
			continue // the text was punctuated or written otherwise
		}
		from := runes + utf8.RuneCountInString(l.Text[at:at+i])
		to := from + utf8.RuneCountInString(text)
		at, runes = at+i+len(text), to
		if w.Confidence <= 0 || w.Confidence >= LeastConfidence {
			continue // 0: the engine does not say
		}
		if n := len(places); n > 0 && places[n-1][1] == from {
			places[n-1][1] = to
			continue
		}
		places = append(places, [2]int{from, to})
	}
	return places
}
