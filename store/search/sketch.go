package search

import "slices"

// Sketch tells most lines that cannot match from those that may, without
// looking at their texts: bits for the characters of a line, for how each can
// be read, and for its numbers. What must be in a line has all its bits there.
type Sketch struct {
	runes, sounds [2]uint64
	numbers       uint64
}

func (s *Sketch) has(o *Sketch) bool {
	return o.runes[0]&^s.runes[0]|o.runes[1]&^s.runes[1]|o.sounds[0]&^s.sounds[0]|o.sounds[1]&^s.sounds[1]|o.numbers&^s.numbers == 0
}

// spread is a number of seven bits; neighbours get different ones.
func spread(n uint64) (word int, bit uint64) {
	n = n * 0x9e3779b97f4a7c15 >> 57
	return int(n >> 6), 1 << (n & 63)
}

func (s *Sketch) addRune(r rune) {
	word, bit := spread(uint64(r))
	s.runes[word] |= bit
}

func (s *Sketch) addSound(is syllable) {
	word, bit := spread(uint64(is))
	s.sounds[word] |= bit
}

func (s *Sketch) addNumber(value string) { s.numbers |= 1 << (hashKey(0, value) & 63) }

// sketchOf is the sketch of a line's text.
func sketchOf(t *sounds, x *text) Sketch {
	var s Sketch
	for _, r := range x.runes {
		s.addRune(r)
		for _, is := range t.of(r) {
			s.addSound(is.syllable)
		}
	}
	for _, e := range x.elements {
		if e.value != "" {
			s.addNumber(e.value)
		}
	}
	return s
}

// ways are what a line holds where a term is in it: one of them.
func (m *Matcher) ways(t *term) []Sketch {
	var list []Sketch
	if len(t.exact) > 0 {
		var s Sketch
		for _, r := range t.exact {
			s.addRune(r)
		}
		list = append(list, s)
	}
	if t.number != nil {
		var s Sketch
		for _, e := range t.number {
			if e.value != "" {
				s.addNumber(e.value)
			} else {
				s.addRune(e.r)
			}
		}
		list = append(list, s)
	}
	for _, pattern := range t.sound {
		var s Sketch
		for _, one := range pattern {
			switch {
			case one.initial != 0: // of every second character
			case one.r == 0:
				s.addSound(one.syllable)
			default:
				list := m.sounds.of(one.r)
				switch {
				case len(list) == 0: // sounds like nothing but itself
					s.addRune(one.r)
				case !slices.ContainsFunc(list, func(is reading) bool { return is.syllable != list[0].syllable }):
					s.addSound(list[0].syllable)
				} // else in one of several ways: none of them is sure
			}
		}
		list = append(list, s)
	}
	return list
}

// Prepare makes lines that are searched again and again faster to decide, at
// the cost of 250 bytes or so each. Text must not change afterwards.
func Prepare(lines []Line) []Sketch {
	list := make([]Sketch, len(lines))
	for i := range lines {
		if lines[i].ready == nil {
			x := &text{runes: fold(lines[i].Text)}
			x.scan()
			x.sketch = sketchOf(soundTable(), x)
			lines[i].ready = x
		}
		list[i] = lines[i].ready.sketch
	}
	return list
}

// maybe reports whether a line can match any group of the query.
func (m *Matcher) maybe(s *Sketch) bool {
	if m.query.Heard || len(m.groups) == 0 {
		return true
	}
	for g := range m.groups {
		if m.groups[g].maybe(s) {
			return true
		}
	}
	return false
}

func (g *group) maybe(s *Sketch) bool {
	for i := range g.terms {
		t := &g.terms[i]
		if t.not {
			continue
		}
		any := false
		for w := range t.ways {
			any = any || s.has(&t.ways[w])
		}
		if !any {
			return false
		}
	}
	return true
}
