package search

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// A block is the index of some hearings: rows of bytes, numbered from 0, that
// are written once and never change.
//
//	row 0            the first key of each page, ascending: uvarint differences
//	row 1            the hearings and where their lines are (contents.go)
//	pages            keys, ascending, each with the lines that hold it
//	pieces           the lines themselves, some of one hearing in each row
//
// Lines have numbers within the block. A page is, for each key: uvarint
// difference to the key before (of the first: the key), uvarint length of its
// list, and the list: uvarint differences of ascending line numbers, the first
// one plus one. A key with a long list stands in several pages, each with a part
// of the list, and begins the first of them. A piece is described at appendPiece.

const (
	// MaxLines bounds the lines of a block: what is rare has to be looked for in
	// each block, and reading one takes a bit of memory for each line.
	MaxLines = 1 << 21
	// MaxBuilt bounds those of a block that is made at once, with all its
	// postings in memory; larger ones are merged of these.
	MaxBuilt = 1 << 18
)

const (
	rowPages = 2 // the first

	// Two pages fit into a page of SQLite, four into one of PostgreSQL, which
	// would move larger rows out of their table.
	pageSize = 1900
	// Longer lists are split, so that no row is larger by far: what is written at
	// once stays small, and what is read stays in memory.
	longList = 16 << 10
	// PieceLines is how many lines of a hearing stand in a piece: what is read to
	// check one line.
	PieceLines = 48
)

// Rows that a Block and its Contents are read from.
const (
	RowFences    = 0
	RowDirectory = 1
)

// ErrBlock says that the bytes of a block make no sense.
var ErrBlock = errors.New("search index is damaged")

// Block knows where the keys of a block are. It is safe for use by several
// goroutines.
type Block struct {
	fences []key
	lines  int
}

// ReadBlock reads the row that says where keys are, of a block with so many
// lines.
func ReadBlock(fences []byte, lines int) (*Block, error) {
	if lines < 0 || lines > MaxLines {
		return nil, ErrBlock
	}
	b := &Block{lines: lines, fences: make([]key, 0, len(fences)/5)}
	for at := key(0); len(fences) > 0; {
		d, n := binary.Uvarint(fences)
		if n <= 0 {
			return nil, ErrBlock
		}
		at += d
		b.fences, fences = append(b.fences, at), fences[n:]
	}
	return b, nil
}

// Lines is the number of lines in the block.
func (b *Block) Lines() int { return b.lines }

// PageRows are the rows that Select needs.
func (b *Block) PageRows(exprs ...*Expr) []int {
	var rows []int
	var walk func(e *Expr)
	walk = func(e *Expr) {
		if e == nil {
			return
		}
		for _, p := range e.parts {
			walk(p)
		}
		for _, p := range e.except {
			walk(p)
		}
		if e.parts == nil {
			from, to := b.pages(e)
			for p := from; p < to; p++ {
				rows = append(rows, rowPages+p)
			}
		}
	}
	for _, e := range exprs {
		walk(e)
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

// Narrow is an Expr that selects what e does and more, with less to read: of
// parts that must all hold only the one that takes the least.
func (b *Block) Narrow(e *Expr) *Expr {
	if e == nil || e.parts == nil {
		return e
	}
	if e.any {
		parts := make([]*Expr, len(e.parts))
		for i, p := range e.parts {
			parts[i] = b.Narrow(p)
		}
		return &Expr{any: true, parts: parts}
	}
	best, least, common := (*Expr)(nil), 0, 0
	for _, p := range e.parts {
		p = b.Narrow(p)
		if n := b.count(p); best == nil || n < least || n == least && p.common < common {
			best, least, common = p, n, p.common
		}
	}
	return best
}

// count is the number of pages that Select reads for e, some of them twice.
func (b *Block) count(e *Expr) int {
	if e.parts == nil {
		from, to := b.pages(e)
		return to - from
	}
	n := 0
	for _, p := range e.parts {
		n += b.count(p)
	}
	return n
}

// pages are those that may hold a key of the range: from, and before to.
func (b *Block) pages(e *Expr) (from, to int) {
	from, begins := slices.BinarySearch(b.fences, e.first)
	if !begins && from > 0 {
		from--
	}
	return from, sort.Search(len(b.fences), func(i int) bool { return b.fences[i] > e.last })
}

// Set is a set of lines of a block.
type Set []uint64

// Count is the number of members.
func (s Set) Count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s Set) Has(n int) bool { return s[n>>6]&(1<<(n&63)) != 0 }

// Next is the first member from n on, before end; end where there is none.
func (s Set) Next(n, end int) int {
	for n < end {
		if w := s[n>>6] >> (n & 63); w != 0 {
			return min(end, n+bits.TrailingZeros64(w))
		}
		n = (n | 63) + 1
	}
	return end
}

// Sets are sets that may be used again. For one goroutine.
type Sets struct{ free []Set }

// Return gives sets back that Select made and nobody looks at any more.
func (p *Sets) Return(sets ...Set) { p.free = append(p.free, sets...) }

func (b *Block) newSet(p *Sets) Set {
	size := b.lines>>6 + 1
	for n := len(p.free) - 1; n >= 0; n-- {
		s := p.free[n]
		p.free = p.free[:n]
		if cap(s) >= size {
			s = s[:size]
			clear(s)
			return s
		}
	}
	return make(Set, size, max(size, MaxLines>>6+1))
}

// Select returns the lines that e selects. rows are those PageRows named.
func (b *Block) Select(e *Expr, rows map[int][]byte, sets *Sets) (Set, error) {
	set := b.newSet(sets)
	switch {
	case e == nil:
		for i := range set {
			set[i] = ^uint64(0)
		}
		set[len(set)-1] = 1<<(b.lines&63) - 1
		return set, nil
	case e.parts == nil:
		return set, b.collect(e, rows, set)
	case e.any:
		for _, p := range e.parts {
			if p.parts == nil { // without a set of its own
				if err := b.collect(p, rows, set); err != nil {
					return nil, err
				}
				continue
			}
			s, err := b.Select(p, rows, sets)
			if err != nil {
				return nil, err
			}
			for i := range set {
				set[i] |= s[i]
			}
			sets.Return(s)
		}
		return set, nil
	}
	scratch := b.newSet(sets)
	defer func() { sets.Return(scratch) }()
	for n, p := range e.parts {
		var s Set
		var err error
		if p.parts == nil {
			s = scratch
			clear(s)
			err = b.collect(p, rows, s)
		} else {
			sets.Return(scratch)
			scratch = nil
			s, err = b.Select(p, rows, sets)
		}
		if err != nil {
			return nil, err
		}
		var left uint64
		for i := range set {
			if n > 0 {
				s[i] &= set[i]
			}
			left |= s[i]
		}
		if scratch = set; left == 0 {
			return s, nil
		}
		set = s
	}
	for _, p := range e.except {
		s, err := b.Select(p, rows, sets)
		if err != nil {
			return nil, err
		}
		for i := range set {
			set[i] &^= s[i]
		}
		sets.Return(s)
	}
	return set, nil
}

// collect adds the lines of a range of keys to set.
func (b *Block) collect(e *Expr, rows map[int][]byte, set Set) error {
	from, to := b.pages(e)
	for p := from; p < to; p++ {
		page, ok := rows[rowPages+p]
		if !ok {
			return fmt.Errorf("%w: page %d is missing", ErrBlock, p)
		}
		for at := key(0); len(page) > 0; {
			d, n := binary.Uvarint(page)
			if n <= 0 {
				return ErrBlock
			}
			at += d
			size, m := binary.Uvarint(page[n:])
			if m <= 0 || size > uint64(len(page)-n-m) {
				return ErrBlock
			}
			list := page[n+m : n+m+int(size)]
			page = page[n+m+int(size):]
			if at > e.last {
				return nil
			}
			if at < e.first || e.keep != nil && !e.keep(at>>runeBits&noRune, at&noRune) {
				continue
			}
			if err := b.addList(list, set); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Block) addList(list []byte, set Set) error {
	line := uint64(0)
	for i := 0; i < len(list); {
		d := uint64(list[i])
		switch {
		case d < 0x80:
			i++
		case i+1 < len(list) && list[i+1] < 0x80: // nearly all others
			d = d&0x7f | uint64(list[i+1])<<7
			i += 2
		default:
			var n int
			if d, n = binary.Uvarint(list[i:]); n <= 0 {
				return ErrBlock
			}
			i += n
		}
		line += d
		if d == 0 || line > uint64(b.lines) {
			return ErrBlock
		}
		set[(line-1)>>6] |= 1 << ((line - 1) & 63)
	}
	return nil
}
