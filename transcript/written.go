package transcript

import (
	"slices"
	"strings"

	"tingji/capture"
)

// Written is a text as a record writes it, with the way back to what was said:
// 二十万元 becomes 20万元, and Spans knows where, so that one key shows the
// spoken form. The stored text is never touched.
type Written struct {
	Text  string `json:"text"`
	Spans []Span `json:"spans"` // where Text differs from the spoken text, in order
}

// Span is one difference. Positions are runes, To exclusive; where nothing was
// said, as at a comma that stands for a pause, Spoken is empty.
type Span struct {
	From       int    `json:"from"` // in the written text
	To         int    `json:"to"`
	SpokenFrom int    `json:"spoken_from"` // in the spoken text
	SpokenTo   int    `json:"spoken_to"`
	Spoken     string `json:"spoken"`
}

// Spoken is the text that w was made of.
func (w Written) Spoken() string {
	var b strings.Builder
	text, at := []rune(w.Text), 0
	for _, s := range w.Spans {
		b.WriteString(string(text[at:s.From]))
		b.WriteString(s.Spoken)
		at = s.To
	}
	b.WriteString(string(text[at:]))
	return b.String()
}

// Amounts says how sums of money in yuan are written.
type Amounts string

const (
	AmountsShort Amounts = ""     // 20万元, as near to what was said as figures are
	AmountsFull  Amounts = "full" // 200000元
	AmountsBoth  Amounts = "both" // 200000元（贰拾万元整）
)

// WrittenForm says how a text is written.
type WrittenForm struct {
	Amounts Amounts
	Keep    []string // names and terms that stay as they are: 张十二
}

// For is f with the names and terms of a hearing kept.
func (f WrittenForm) For(h *capture.Hearing) WrittenForm {
	f.Keep = slices.Concat(f.Keep, h.Hotwords)
	for _, p := range h.Participants {
		f.Keep = append(f.Keep, p.Name)
	}
	for _, s := range h.Seats {
		f.Keep = append(f.Keep, s.Speaker)
	}
	return f
}

// Write gives the written form of a spoken text, in the conventions of court
// documents (法〔2016〕221号) and of GB/T 15835: figures for dates, times, sums,
// measures, rates, numbers of cases and telephones. What may be a word stays
// as it was said: 一起, 万一, 三番五次, 二审, 第三人, 两三天, 三分之二. So do articles
// of law: the statutes themselves number them in characters (第六百七十五条).
//
// Writing what is written already changes nothing.
func (f WrittenForm) Write(spoken string) Written {
	return apply(spoken, f.numbers([]rune(spoken)))
}

// change puts text in the place of the runes from..to.
type change struct {
	from, to int
	text     string
}

// apply makes changes, which are in order and do not overlap.
func apply(spoken string, changes []change) Written {
	w := Written{Text: spoken, Spans: []Span{}}
	if len(changes) == 0 {
		return w
	}
	text, at := []rune(spoken), 0
	out := make([]rune, 0, len(text))
	for _, c := range changes {
		out = append(out, text[at:c.from]...)
		s := Span{From: len(out), SpokenFrom: c.from, SpokenTo: c.to, Spoken: string(text[c.from:c.to])}
		out = append(out, []rune(c.text)...)
		s.To = len(out)
		w.Spans = append(w.Spans, s)
		at = c.to
	}
	w.Text = string(append(out, text[at:]...))
	return w
}

// numbers are the changes that turn spoken numbers into figures.
func (f WrittenForm) numbers(text []rune) []change {
	if !slices.ContainsFunc(text, func(r rune) bool { return isNumeral(r) || isFigure(r) }) {
		return nil
	}
	n := &numberWriter{text: text, amounts: f.Amounts}
	for _, word := range f.Keep {
		if strings.ContainsFunc(word, isNumeral) {
			n.keep = append(n.keep, word)
		}
	}
	return n.write()
}

// numberWriter walks through one text.
type numberWriter struct {
	text    []rune
	keep    []string
	amounts Amounts
	changes []change
}

// rule reads something at a place: end is at where it does not find it. What
// it finds and leaves as it is, it replaces by itself.
type rule func(at int) (end int, written string)

func (n *numberWriter) write() []change {
	rules := []rule{n.quoted, n.fixed, n.caseNo, n.documentNo, n.fraction, n.clock, n.money, n.digits, n.measure}
	for at := 0; at < len(n.text); {
		at = n.step(rules, at)
	}
	return n.changes
}

// step applies the first rule that fits at a place and returns the next place.
func (n *numberWriter) step(rules []rule, at int) int {
	for _, r := range rules {
		if end, written := r(at); end > at {
			n.put(at, end, written)
			return end
		}
	}
	if isNumeral(n.text[at]) { // a number that no rule writes stays whole
		return max(at+1, n.run(at))
	}
	return at + 1
}

// put notes a change without the runes that both forms begin or end with.
func (n *numberWriter) put(from, to int, written string) {
	text := []rune(written)
	for from < to && len(text) > 0 && n.text[from] == text[0] {
		from, text = from+1, text[1:]
	}
	for from < to && len(text) > 0 && n.text[to-1] == text[len(text)-1] {
		to, text = to-1, text[:len(text)-1]
	}
	if from < to || len(text) > 0 {
		n.changes = append(n.changes, change{from, to, string(text)})
	}
}

// at reports which of the words stands at a place, as its length in runes; 0
// for none. The first that fits counts.
func (n *numberWriter) at(i int, words ...string) int {
	for _, w := range words {
		if length := prefixLen(n.text[min(i, len(n.text)):], w); length > 0 {
			return length
		}
	}
	return 0
}

func prefixLen(text []rune, word string) int {
	length := 0
	for _, r := range word {
		if length == len(text) || text[length] != r {
			return 0
		}
		length++
	}
	return length
}

// after reports whether one of the words ends right before a place.
func (n *numberWriter) after(i int, words ...string) bool {
	for _, w := range words {
		word := []rune(w)
		if i >= len(word) && slices.Equal(n.text[i-len(word):i], word) {
			return true
		}
	}
	return false
}

// in reports whether a rune at a place is one of set; a place outside is none.
func (n *numberWriter) in(i int, set string) bool {
	return i >= 0 && i < len(n.text) && strings.ContainsRune(set, n.text[i])
}

// run is the end of the numerals that begin at a place.
func (n *numberWriter) run(at int) int {
	for at < len(n.text) && isNumeral(n.text[at]) {
		at++
	}
	return at
}

// figure reports whether a figure stands at a place: numerals beside figures
// were written by somebody who meant them so.
func (n *numberWriter) figure(i int) bool {
	return i >= 0 && i < len(n.text) && isFigure(n.text[i])
}
