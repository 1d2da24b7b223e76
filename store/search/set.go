package search

import "math/bits"

// Set is a set of lines of a block. What it takes to look through it, or to
// make it empty, depends on its members more than on the size of the block.
type Set struct {
	words []uint64
	some  []uint64 // a bit for each word that may have members
}

func (s *Set) add(n int) {
	w := n >> 6
	s.words[w] |= 1 << (n & 63)
	s.some[w>>6] |= 1 << (w & 63)
}

// addRange adds the lines from first on, before end.
func (s *Set) addRange(first, end int) {
	for n := first; n < end; n++ {
		s.add(n)
	}
}

func (s *Set) remove(n int) { s.words[n>>6] &^= 1 << (n & 63) }

// Has reports whether line n is a member.
func (s *Set) Has(n int) bool { return s.words[n>>6]&(1<<(n&63)) != 0 }

// each calls f for the words that may have members.
func (s *Set) each(f func(w int)) {
	for i, some := range s.some {
		for ; some != 0; some &= some - 1 {
			f(i<<6 + bits.TrailingZeros64(some))
		}
	}
}

// Count is the number of members.
func (s *Set) Count() (n int) {
	s.each(func(w int) { n += bits.OnesCount64(s.words[w]) })
	return n
}

// Next is the first member from n on, before end; end where there is none.
func (s *Set) Next(n, end int) int {
	if n >= end {
		return end
	}
	w := n >> 6
	if word := s.words[w] >> (n & 63); word != 0 {
		return min(end, n+bits.TrailingZeros64(word))
	}
	for w++; w<<6 < end; w++ {
		some := s.some[w>>6] >> (w & 63)
		if some == 0 {
			w |= 63
			continue
		}
		w += bits.TrailingZeros64(some)
		if word := s.words[w]; word != 0 {
			return min(end, w<<6+bits.TrailingZeros64(word))
		}
	}
	return end
}

func (s *Set) unite(o *Set) {
	o.each(func(w int) {
		s.words[w] |= o.words[w]
		s.some[w>>6] |= 1 << (w & 63)
	})
}

func (s *Set) intersect(o *Set) {
	s.each(func(w int) {
		if s.words[w] &= o.words[w]; s.words[w] == 0 {
			s.some[w>>6] &^= 1 << (w & 63)
		}
	})
}

func (s *Set) subtract(o *Set) {
	o.each(func(w int) { s.words[w] &^= o.words[w] })
}

// Sets are sets that may be used again. For one goroutine.
type Sets struct{ free []*Set }

// put takes back a set that nobody looks at any more; nil: none.
func (p *Sets) put(s *Set) {
	if s == nil {
		return
	}
	s.each(func(w int) { s.words[w] = 0 })
	clear(s.some)
	p.free = append(p.free, s)
}

// get is an empty set for lines of a block.
func (p *Sets) get(lines int) *Set {
	words := lines>>6 + 1
	some := words>>6 + 1
	for n := len(p.free) - 1; n >= 0; n-- {
		s := p.free[n]
		p.free = p.free[:n]
		if cap(s.words) >= words {
			s.words, s.some = s.words[:words], s.some[:some]
			return s
		}
	}
	const most = MaxLines>>6 + 1
	return &Set{make([]uint64, words, max(words, most)), make([]uint64, some, max(some, most>>6+1))}
}
