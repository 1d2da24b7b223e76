package search

import (
	"fmt"
	"slices"
)

// Builder makes a block of MaxBuilt lines at most, or of one hearing. It is for
// one goroutine.
//
// Postings are collected by the beginning of their keys, as numbers that sort
// by the rest of the key and then by line: eight bytes each, and nothing in
// them for the collector to follow.
type Builder struct {
	sounds   *sounds
	buckets  [][]uint64
	bucketOf []uint16 // by the beginning of a key: its bucket, +1
	runes    []rune
	dir      directory
	pieces   [][]byte
}

const (
	lineBits = 19 // of a posting; a block that is one hearing may have more than MaxBuilt
	bucketAt = 64 - lineBits
)

func NewBuilder() *Builder {
	return &Builder{sounds: soundTable(), bucketOf: make([]uint16, 1<<lineBits)}
}

// Lines is the number of lines so far.
func (b *Builder) Lines() int { return b.dir.Lines }

// Add takes in a hearing with all its lines, in order.
func (b *Builder) Add(h Hearing, lines []Line) {
	b.dir.Hearings = append(b.dir.Hearings, entry{Hearing: h, First: b.dir.Lines, Count: len(lines), Piece: len(b.pieces)})
	for chunk := range slices.Chunk(lines, PieceLines) {
		b.pieces = append(b.pieces, appendPiece(nil, chunk))
	}
	for i := range lines {
		line := uint64(b.dir.Lines)
		b.dir.Lines++
		b.runes = keysOf(b.sounds, &lines[i], b.runes, func(k key) {
			n := b.bucketOf[k>>bucketAt]
			if n == 0 {
				b.buckets = append(b.buckets, nil)
				n = uint16(len(b.buckets))
				b.bucketOf[k>>bucketAt] = n
			}
			list := &b.buckets[n-1]
			*list = append(*list, k<<lineBits|line)
		})
	}
}

// Rows ends the block. It calls pause now and then.
func (b *Builder) Rows(pause func()) ([][]byte, error) {
	if b.dir.Lines > 1<<lineBits {
		return nil, fmt.Errorf("describe a block: a hearing has %d lines, more than %d", b.dir.Lines, 1<<lineBits)
	}
	rows := make([][]byte, rowPages)
	w := pageWriter{fences: []byte{}, put: func(page []byte) error {
		rows = append(rows, page)
		return nil
	}}
	for begins, n := range b.bucketOf {
		if n == 0 {
			continue
		}
		postings := b.buckets[n-1]
		b.buckets[n-1] = nil
		slices.Sort(postings)
		for i := 0; i < len(postings); {
			rest := postings[i] >> lineBits
			w.begin(key(begins)<<bucketAt | rest)
			for ; i < len(postings) && postings[i]>>lineBits == rest; i++ {
				w.line(int(postings[i] & (1<<lineBits - 1))) // put does not fail
			}
			w.finish()
		}
		pause()
	}
	w.end()
	b.dir.Pieces = len(rows)
	rows[RowFences], rows[RowDirectory] = w.fences, b.dir.encode()
	return append(rows, b.pieces...), nil
}
