package search

import (
	"encoding/binary"
	"errors"
	"fmt"
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
	// fullWeight is how much longer a page with that much takes than a usual one.
	fullWeight = 4
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

// pages are those that may hold a key of the range: from, and before to.
func (b *Block) pages(e *Expr) (from, to int) {
	from, begins := slices.BinarySearch(b.fences, e.first)
	if !begins && from > 0 {
		from--
	}
	return from, sort.Search(len(b.fences), func(i int) bool { return b.fences[i] > e.last })
}

// weight is what it takes to read a range of keys, in pages of usual size. Of a
// list that stands in several, all but the last are full.
func (b *Block) weight(e *Expr) int {
	from, to := b.pages(e)
	weight := to - from
	for p := from; p+1 < to; p++ {
		if b.fences[p] == b.fences[p+1] {
			weight += fullWeight - 1
		}
	}
	return weight
}

// collect adds the lines of a range of keys to set, of those in within; nil: of
// all.
func (b *Block) collect(e *Expr, rows map[int][]byte, within, set *Set) error {
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
			if err := b.addList(list, within, set); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Block) addList(list []byte, within, set *Set) error {
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
		if n := int(line - 1); within == nil || within.Has(n) {
			set.add(n)
		}
	}
	return nil
}
