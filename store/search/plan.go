package search

import (
	"slices"
	"strings"
)

// A key of the index is a kind and what is indexed. Keys of characters begin
// with how they sound: initials first, then finals, then the characters
// themselves. So one look-up by sound, or by initials, reads neighbours, and
// needs no index of its own.
//
//	kind 4 bits | initial 5 | initial 5 | final 6 | final 6 | rune 18 | rune 18
type key = uint64

const (
	kindRune   key = 1 << 60 // one character; the second of each pair is 0
	kindPair   key = 2 << 60 // two neighbours
	kindNumber key = 3 << 60 // hash of a number's value
	kindRole   key = 4 << 60 // hash of a role
	kindHeard  key = 8 << 60 // set beside the kind: in the recognised text, where it is another
)

const (
	runeBits = 18
	noRune   = 1<<runeBits - 1 // stands for all runes that do not fit
)

func pack(r rune) key {
	if r < 0 || r >= noRune {
		return noRune
	}
	return key(r)
}

func runeKey(s syllable, r rune) key {
	return kindRune | s.initial()<<53 | s.final()<<42 | pack(r)<<runeBits
}

func pairKey(s1, s2 syllable, r1, r2 rune) key {
	return kindPair | s1.initial()<<53 | s2.initial()<<48 | s1.final()<<42 | s2.final()<<36 | pack(r1)<<runeBits | pack(r2)
}

// hashKey is the FNV-1a hash of s, without its last eight bits, below a kind.
func hashKey(kind key, s string) key {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return kind | h>>8
}

// keysOf calls add with all keys of a line, some of them more than once. It
// uses runes and returns them.
func keysOf(s *sounds, l *Line, runes []rune, add func(key)) []rune {
	runes = textKeys(s, l.Text, runes, 0, add)
	if l.Heard != l.Text {
		runes = textKeys(s, l.Heard, runes, kindHeard, add)
	}
	if l.Role != "" {
		add(hashKey(kindRole, l.Role))
	}
	return runes
}

func textKeys(s *sounds, text string, runes []rune, heard key, add func(key)) []rune {
	runes = appendFolded(runes[:0], text)
	for _, n := range numbers(runes) {
		add(heard | hashKey(kindNumber, n.value))
	}
	var before []syllable
	for i, r := range runes {
		if !wordRune(r) {
			before = nil
			continue
		}
		now := s.filing(r)
		add(heard | runeKey(now[0], r))
		for _, is := range now {
			for _, was := range before {
				add(heard | pairKey(was, is, runes[i-1], r))
			}
		}
		before = now
	}
	return runes
}

// Expr selects lines by the keys they hold. Either it is a range of keys, or it
// has parts of which all or any must hold. An Expr that is nil selects all.
type Expr struct {
	first, last key
	keep        func(r1, r2 key) bool // which keys of the range count; nil: all
	common      int                   // how many frequent characters are looked for: what has fewer selects less

	any    bool // any of the parts, not all
	parts  []*Expr
	except []*Expr // of what parts select, without these
}

func all(parts ...*Expr) *Expr { return join(false, parts) }

func anyOf(parts ...*Expr) *Expr { return join(true, parts) }

func join(any bool, parts []*Expr) *Expr {
	if any && slices.Contains(parts, nil) {
		return nil
	}
	parts = slices.DeleteFunc(parts, func(e *Expr) bool { return e == nil })
	if len(parts) == 0 {
		return nil
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &Expr{any: any, parts: parts}
}

// Plan selects a superset of the lines that can match at class or better, for
// each group of the query; nil: any line can. There is always one.
func (m *Matcher) Plan(class Class) []*Expr {
	if len(m.groups) == 0 {
		return []*Expr{nil}
	}
	certain := m.Certain(class)
	plans := make([]*Expr, len(m.groups))
	for i, g := range m.groups {
		var parts, roles, except []*Expr
		for _, t := range g.terms {
			if !t.not {
				parts = append(parts, m.planTerm(&t, class))
			} else if certain {
				except = append(except, m.planRunes(t.exact))
			}
		}
		for _, f := range g.filters[ByRole] {
			k := hashKey(kindRole, f.Value)
			if role := (&Expr{first: k, last: k}); !f.Not {
				roles = append(roles, role)
			} else if certain {
				except = append(except, role)
			}
		}
		plans[i] = all(append(parts, anyOf(roles...))...)
		if len(except) > 0 {
			plans[i] = &Expr{parts: []*Expr{plans[i]}, except: except}
		}
	}
	return plans
}

// Certain reports whether the plan for a class selects exactly the lines that
// match, all of them of class Exact: one or two characters are, by whatever
// role.
func (m *Matcher) Certain(class Class) bool {
	if class != Exact || len(m.groups) != 1 || m.query.Heard {
		return false
	}
	g := &m.groups[0]
	for key := range g.filters {
		if key != ByRole {
			return false
		}
	}
	some := false
	for _, t := range g.terms {
		if len(t.exact) == 0 || len(t.exact) > 2 || t.not && (t.number != nil || t.sound != nil) ||
			slices.ContainsFunc(t.exact, func(r rune) bool { return !wordRune(r) || pack(r) == noRune }) {
			return false
		}
		some = some || !t.not
	}
	return some
}

func (m *Matcher) planTerm(t *term, class Class) *Expr {
	var ways []*Expr
	// What stands there as it is sounds so, too.
	if t.exact != nil && (class < BySound || t.sound == nil || t.sound[0][0].r == 0) {
		ways = append(ways, m.planRunes(t.exact))
	}
	if class >= AsNumber && t.number != nil {
		var parts []*Expr
		var between []rune
		values := 0
		for _, e := range t.number {
			if e.value != "" {
				values++
			}
		}
		for _, e := range append(t.number, element{value: "end"}) {
			if e.value == "" {
				between = append(between, e.r)
				continue
			}
			if values < 2 || len(between) > 1 { // of a date, 年 and 月 alone tell nothing more, and are long
				parts = append(parts, m.planRunes(between))
			}
			between = nil
			parts = append(parts, m.leaf(hashKey(kindNumber, e.value), 0, nil))
		}
		ways = append(ways, all(parts[:len(parts)-1]...)) // without the end
	}
	if class >= BySound {
		for i, s := range t.sound {
			ways = append(ways, m.planSound(s, t.hears[i]))
		}
	}
	return anyOf(ways...)
}

// leaf is a range of size+1 keys; where the query looks in recognised text, in
// both kinds: that of a line nobody revised is filed with the text.
func (m *Matcher) leaf(first, size key, keep func(r1, r2 key) bool) *Expr {
	e := &Expr{first: first, last: first + size, keep: keep}
	if !m.query.Heard {
		return e
	}
	return anyOf(e, &Expr{first: kindHeard | first, last: kindHeard | first + size, keep: keep})
}

// planRunes selects the lines with all the pairs of a folded text.
func (m *Matcher) planRunes(text []rune) *Expr {
	var parts []*Expr
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && wordRune(text[end]) {
			end++
		}
		switch n := end - start; {
		case n == 1:
			parts = append(parts, m.leaf(runeKey(m.file(text[start]), text[start]), 0, nil))
		case n > 1:
			for i := start; i+1 < end; i++ {
				parts = append(parts, m.planPair(text[i], text[i+1]))
			}
		}
		start = end + 1
	}
	// A number that stands whole in the phrase stands whole in the text: of a
	// date, the pairs of digits alone would select many others.
	for _, n := range numbers(text) {
		if n.start > 0 && n.end < len(text) && besideNumber(text[n.start-1]) && besideNumber(text[n.end]) {
			parts = append(parts, m.leaf(hashKey(kindNumber, n.value), 0, nil))
		}
	}
	return all(parts...)
}

// besideNumber reports whether r can be no part of a number.
func besideNumber(r rune) bool {
	return isHan(r) && digit(r) < 0 && unit(r) == 0 && r != '点' && r != '之' && r != '分'
}

func (m *Matcher) planPair(r1, r2 rune) *Expr {
	e := m.leaf(pairKey(m.file(r1), m.file(r2), r1, r2), 0, nil)
	for _, r := range []rune{r1, r2} {
		if strings.ContainsRune(frequent, r) {
			e.common++
		}
	}
	return e
}

// file is the syllable under which a character is looked up exactly.
func (m *Matcher) file(r rune) syllable {
	return m.sounds.filing(r)[0]
}

// planSound selects the lines in which each two neighbours sound like those of
// the pattern.
func (m *Matcher) planSound(pattern []sound, hears []*planeSet) *Expr {
	if len(pattern) == 1 {
		return m.planSoundAt(pattern, hears)
	}
	var parts []*Expr
	for i := 0; i+1 < len(pattern); i++ {
		parts = append(parts, m.planSoundAt(pattern[i:i+2], hears[i:i+2]))
	}
	return all(parts...)
}

// planSoundAt selects lines with a character, or two neighbours, that sound so.
// It is nil, and selects all, where a sound is a mark that is not indexed.
func (m *Matcher) planSoundAt(pattern []sound, hears []*planeSet) *Expr {
	single := len(pattern) == 1
	for _, s := range pattern {
		if s.r != 0 && !wordRune(s.r) {
			return nil
		}
	}
	var ways []*Expr
	keepOne := func(i int, r key) bool {
		return r >= 1<<16 && (r == noRune || m.sounds.heard(pattern[i], rune(r))) || hears[i].has(rune(r))
	}
	for _, fa := range m.filedAs(pattern[0], single) {
		if single {
			size := key(1)<<42 - 1
			if fa.anyFinal {
				size = 1<<48 - 1
			}
			ways = append(ways, m.leaf(kindRune|fa.initial()<<53|fa.final()<<42, size,
				func(r, _ key) bool { return keepOne(0, r) }))
			continue
		}
		for _, fb := range m.filedAs(pattern[1], false) {
			size := key(1)<<36 - 1
			final := fb.final()
			switch {
			case fa.anyFinal:
				size, final = 1<<48-1, 0
			case fb.anyFinal:
				size = 1<<42 - 1
			}
			first := kindPair | fa.initial()<<53 | fb.initial()<<48 | fa.final()<<42 | final<<36
			ways = append(ways, m.leaf(first, size,
				func(r1, r2 key) bool { return keepOne(0, r1) && keepOne(1, r2) }))
		}
	}
	return anyOf(ways...)
}

// filed is a place in the order of sounds: a syllable, or all of an initial.
type filed struct {
	syllable
	anyFinal bool
}

// filedAs are the places where the index files what sounds like s, in pairs or
// by itself.
func (m *Matcher) filedAs(s sound, single bool) []filed {
	var list []filed
	places := m.sounds.filed
	if single {
		places = m.sounds.single
	}
	add := func(f filed) {
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	switch {
	case s.initial != 0:
		own := syllable(s.initial) << finalBits
		add(filed{own, true})
		for spoken, as := range places {
			if spoken.initial() != own.initial() {
				continue
			}
			for _, other := range as {
				if other.initial() != own.initial() {
					add(filed{other, false})
				}
			}
		}
	case s.r != 0:
		readings := m.sounds.of(s.r)
		if len(readings) == 0 {
			add(filed{})
		}
		for _, is := range readings {
			for _, as := range places[is.syllable] {
				add(filed{as, false})
			}
		}
	default:
		for _, as := range places[s.syllable] {
			add(filed{as, false})
		}
	}
	return list
}
