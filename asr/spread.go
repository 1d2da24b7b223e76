package asr

import (
	"time"
	"unicode"
	"unicode/utf8"
)

// Spread divides text into words and spreads them over a stretch of time by
// their length in characters, for engines that say what but not when. A Han
// character is a word; letters and digits that touch form one; marks cling to
// the word before them, opening ones to the word after, and take no time. It is
// an estimate: say so.
func Spread(text string, start, end time.Duration) []TimedWord {
	var words []TimedWord
	var length []int // characters that take time, for each word
	total := 0
	opening := "" // marks that wait for their word
	grows := false
	for _, r := range text {
		spoken := unicode.IsLetter(r) || unicode.IsNumber(r)
		switch {
		case unicode.IsSpace(r):
			grows = false
		case !spoken && (len(words) == 0 || opening != "" || unicode.In(r, unicode.Ps, unicode.Pi)):
			opening += string(r)
			grows = false
		case !spoken:
			words[len(words)-1].Text += string(r)
			grows = grows && (unicode.IsMark(r) || r == '\'' || r == '-' || r == '.')
		default:
			han := unicode.Is(unicode.Han, r)
			if han || !grows {
				words, length = append(words, TimedWord{}), append(length, 0)
			}
			words[len(words)-1].Text += opening + string(r)
			length[len(words)-1]++
			total++
			opening, grows = "", !han
		}
	}
	if opening != "" { // marks at the end, or nothing else
		if len(words) == 0 {
			return []TimedWord{{Text: opening, Start: start, End: end}}
		}
		words[len(words)-1].Text += opening
	}
	place(words, length, total, start, end)
	return words
}

// TimeWords divides text as Spread does and gives each word its time from stamps,
// pairs of milliseconds since the clip began, as FunASR's engines have them: one
// for each Han character or other word, marks have none. nil where they do not
// fit: another number of them, or out of order.
func TimeWords(text string, stamps [][2]float64, clip time.Duration) []TimedWord {
	words := Spread(text, 0, clip)
	if len(stamps) == 0 || len(words) != len(stamps) {
		return nil
	}
	var before time.Duration
	for i, s := range stamps {
		if !(s[0] >= 0 && s[1] >= s[0] && s[1] < 1e8) {
			return nil
		}
		start, end := time.Duration(s[0])*time.Millisecond, time.Duration(s[1])*time.Millisecond
		if start > clip+time.Second || end < before {
			return nil
		}
		words[i].Start = min(max(start, before), clip)
		words[i].End = min(max(end, words[i].Start), clip)
		before = words[i].End
	}
	return words
}

// SpreadWords is Spread for words that are known: it sets only their times.
func SpreadWords(words []TimedWord, start, end time.Duration) {
	length, total := make([]int, len(words)), 0
	for i, w := range words {
		length[i] = utf8.RuneCountInString(w.Text)
		total += length[i]
	}
	place(words, length, total, start, end)
}

func place(words []TimedWord, length []int, total int, start, end time.Duration) {
	at := func(n int) time.Duration {
		return start + (end-start)*time.Duration(n)/time.Duration(max(total, 1))
	}
	done := 0
	for i := range words {
		words[i].Start = at(done)
		done += length[i]
		words[i].End = at(done)
	}
}
