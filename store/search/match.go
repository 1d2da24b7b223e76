package search

import (
	"cmp"
	"slices"
	"strings"
)

// Class is how well a line matches; smaller is better.
type Class uint8

const (
	Exact    Class = 1 + iota // as it stands
	AsNumber                  // the same number, written otherwise
	BySound                   // it sounds the same
)

// Span is a place in a text that matched, in runes.
type Span struct {
	Start, End int
	Class      Class
}

// Hit is a line that matches.
type Hit struct {
	Line  int // in the hearing
	Class Class
	With  []int // the nearest lines of the query's further groups, each of one
}

// Matcher decides what a query matches. It is the truth that the index is held
// to; safe for use by several goroutines.
type Matcher struct {
	query  Query
	sounds *sounds
	groups []group
}

type group struct {
	terms   []term
	filters filters
}

type term struct {
	not    bool
	exact  []rune    // nil: only a sound is meant
	number []element // nil: the term has no number
	sound  [][]sound // any of these
	hears  [][]*planeSet
	ways   []Sketch // a line that matches holds one of them
}

// element is a rune of a term, or a number.
type element struct {
	r     rune
	value string
}

// NewMatcher prepares a query. Words of three characters and more match by
// sound as well; widened, so do shorter ones.
func NewMatcher(q Query, widened bool) *Matcher {
	m := &Matcher{query: q, sounds: soundTable()}
	for _, g := range q.Groups {
		c := group{filters: sortFilters(g.Filters)}
		for _, t := range g.Terms {
			c.terms = append(c.terms, m.compile(t, widened))
		}
		m.groups = append(m.groups, c)
	}
	return m
}

// CanWiden reports whether a widened search may find more.
func CanWiden(q Query) bool {
	return slices.ContainsFunc(q.Groups, func(g Group) bool {
		return slices.ContainsFunc(g.Terms, func(t Term) bool {
			return t.Mode == Plain && !t.Not && len(soundsOf(t.Text, true)) > len(soundsOf(t.Text, false))
		})
	})
}

// Classes are those at which the query can match, the best first.
func (m *Matcher) Classes() []Class {
	exact, number, sound := true, false, false
	for _, g := range m.groups {
		for _, t := range g.terms {
			if !t.not {
				exact = exact && t.exact != nil
				number = number || t.number != nil
				sound = sound || t.sound != nil
			}
		}
	}
	var list []Class
	if exact {
		list = append(list, Exact)
	}
	if number {
		list = append(list, AsNumber)
	}
	if sound {
		list = append(list, BySound)
	}
	return list
}

func (m *Matcher) compile(t Term, widened bool) term {
	c := term{not: t.Not, exact: fold(t.Text)}
	if t.Mode == Plain {
		if list := elements(c.exact); slices.ContainsFunc(list, func(e element) bool { return e.value != "" }) {
			c.number = list
		}
	}
	switch {
	case t.Mode == Sound:
		c.sound = soundsOf(t.Text, true)
		if !slices.ContainsFunc(c.exact, isHan) {
			c.exact = nil // letters that stand for sounds
		}
	case t.Mode == Plain && !t.Not: // what is excluded is excluded for what it says
		c.sound = soundsOf(t.Text, widened)
	}
	known := map[sound]*planeSet{}
	for _, pattern := range c.sound {
		sets := make([]*planeSet, len(pattern))
		for i, s := range pattern {
			if known[s] == nil {
				known[s] = m.sounds.hears(s)
			}
			sets[i] = known[s]
		}
		c.hears = append(c.hears, sets)
	}
	c.ways = m.ways(&c)
	return c
}

func canSound(text string) bool { return len(soundsOf(text, true)) > 0 }

// marked are the letters of pinyin with the mark of a tone.
const marked = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ"

// soundsOf are the ways in which a term can sound; of letters, pinyin and
// initials. Not eager, short terms have none: too much sounds like them.
func soundsOf(text string, eager bool) [][]sound {
	t := soundTable()
	runes := fold(strings.TrimSpace(text))
	han, latin := 0, true
	for _, r := range runes {
		switch {
		case isHan(r) && len(t.of(r)) > 0:
			han++
			latin = false
		case 'a' <= r && r <= 'z', r == '\'', r == '’', r == 'ü', r == ' ', '1' <= r && r <= '5', strings.ContainsRune(marked, r):
		default:
			latin = false
		}
	}
	least := 3
	if eager {
		least = 1
	}
	if han > 0 {
		if han < least {
			return nil
		}
		list := make([]sound, len(runes))
		for i, r := range runes {
			list[i] = sound{r: r}
		}
		return [][]sound{list}
	}
	if !latin {
		return nil
	}
	if list := t.spellings(string(runes)); len(list) > 0 {
		if !eager {
			list = slices.DeleteFunc(list, func(s []sound) bool { return len(s) < 2 })
		}
		if len(list) == 0 {
			return nil
		}
		return list
	}
	if list := t.initials(string(runes)); len(list) >= max(least, 2) {
		return [][]sound{list}
	}
	return nil
}

// elements parts a folded text into its numbers and the runes between them.
func elements(text []rune) []element {
	var list []element
	at := 0
	for _, n := range numbers(text) {
		for _, r := range text[at:n.start] {
			list = append(list, element{r: r})
		}
		list = append(list, element{value: n.value})
		at = n.end
	}
	for _, r := range text[at:] {
		list = append(list, element{r: r})
	}
	return list
}

// text is a folded text with what is found in it on demand.
type text struct {
	runes    []rune
	scanned  bool
	elements []element
	starts   []int  // of the elements, and the end
	sketch   Sketch // by Prepare
}

func (x *text) scan() {
	if x.scanned {
		return
	}
	x.scanned = true
	x.elements, x.starts = x.elements[:0], x.starts[:0]
	at := 0
	for _, n := range append(numbers(x.runes), number{start: len(x.runes), end: len(x.runes)}) {
		for ; at < n.start; at++ {
			x.elements, x.starts = append(x.elements, element{r: x.runes[at]}), append(x.starts, at)
		}
		if n.end > n.start {
			x.elements, x.starts = append(x.elements, element{value: n.value}), append(x.starts, n.start)
			at = n.end
		}
	}
	x.starts = append(x.starts, len(x.runes))
}

// class is the best class at which the term is in the text; 0: it is not.
func (t *term) class(s *sounds, x *text) Class {
	switch {
	case indexRunes(x.runes, t.exact, 0) >= 0:
		return Exact
	case t.number != nil && t.eachNumber(x, nil):
		return AsNumber
	case t.sound != nil && t.eachSound(s, x.runes, nil):
		return BySound
	}
	return 0
}

// spans are all places of the term in the text; a better class goes first.
func (t *term) spans(s *sounds, x *text, list []Span) []Span {
	add := func(start, end int, c Class) {
		if !slices.ContainsFunc(list, func(o Span) bool { return start < o.End && o.Start < end }) {
			list = append(list, Span{start, end, c})
		}
	}
	for i := indexRunes(x.runes, t.exact, 0); i >= 0; i = indexRunes(x.runes, t.exact, i+len(t.exact)) {
		add(i, i+len(t.exact), Exact)
	}
	if t.number != nil {
		t.eachNumber(x, func(start, end int) { add(start, end, AsNumber) })
	}
	if t.sound != nil {
		t.eachSound(s, x.runes, func(start, end int) { add(start, end, BySound) })
	}
	return list
}

func indexRunes(text, part []rune, from int) int {
	if len(part) == 0 {
		return -1
	}
	for i := from; i+len(part) <= len(text); i++ {
		if text[i] == part[0] && slices.Equal(text[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// eachNumber calls found for each place; nil: it only reports whether there is
// one.
func (t *term) eachNumber(x *text, found func(start, end int)) bool {
	x.scan()
	any := false
	for i := 0; i+len(t.number) <= len(x.elements); i++ {
		if slices.Equal(x.elements[i:i+len(t.number)], t.number) {
			if any = true; found == nil {
				return true
			}
			found(x.starts[i], x.starts[i+len(t.number)])
		}
	}
	return any
}

func (t *term) eachSound(s *sounds, text []rune, found func(start, end int)) bool {
	any := false
	for p, pattern := range t.sound {
		sets := t.hears[p]
		for i := 0; i+len(pattern) <= len(text); i++ {
			ok := true
			for j := range pattern {
				r := text[i+j]
				if ok = sets[j].has(r) || r >= 1<<16 && s.heard(pattern[j], r); !ok {
					break
				}
			}
			if ok {
				if any = true; found == nil {
					return true
				}
				found(i, i+len(pattern))
			}
		}
	}
	return any
}

// text is the text of a line that the query looks in.
func (m *Matcher) text(l *Line) *text {
	switch {
	case m.query.Heard:
		return &text{runes: fold(l.Heard)}
	case l.ready != nil:
		return l.ready
	}
	return &text{runes: fold(l.Text)}
}

// Simple reports whether each line is decided by itself.
func (m *Matcher) Simple() bool { return len(m.groups) < 2 }

// Spans are the places in a line that matches of the query's first group, or,
// for a Hit's With[i], of group i+1.
func (m *Matcher) Spans(group int, l *Line) []Span {
	spans := []Span{}
	if group >= len(m.groups) {
		return spans
	}
	x := m.text(l)
	for i := range m.groups[group].terms {
		if t := &m.groups[group].terms[i]; !t.not {
			spans = t.spans(m.sounds, x, spans)
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	return spans
}

// class decides a line with the text x for one group; 0: it does not match.
func (m *Matcher) class(group int, l *Line, x *text) Class {
	if len(m.groups) == 0 {
		return Exact
	}
	g := &m.groups[group]
	if !g.filters.line(l) {
		return 0
	}
	worst := Exact
	for i := range g.terms {
		t := &g.terms[i]
		c := t.class(m.sounds, x)
		if (c == 0) != t.not {
			return 0
		}
		worst = max(worst, c)
	}
	return worst
}

// Lines decides all lines of a hearing. Hits are in the order of the lines.
// sketches are what Prepare made of the lines; nil: they were not prepared.
func (m *Matcher) Lines(lines []Line, sketches []Sketch) []Hit {
	j := Judge{m: m}
	for i := range lines {
		if l := &lines[i]; sketches == nil || m.maybe(&sketches[i]) {
			j.add(i, l, m.text(l))
		}
	}
	return j.Hits()
}

// Near leaves those lines in sets, one for each group, that can stand in a hit
// by their places alone: first and end bound a hearing.
func (m *Matcher) Near(sets []*Set, first, end int) {
	for g := len(sets) - 2; g >= 0; g-- {
		d := m.query.Near[g].Lines
		if d == 0 {
			continue
		}
		for n := sets[g].Next(first, end); n < end; n = sets[g].Next(n+1, end) {
			to := min(end, n+d+1)
			if sets[g+1].Next(max(first, n-d), to) == to {
				sets[g].remove(n)
			}
		}
	}
}
