package search

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Builder makes a block. It is for one goroutine.
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
	lineBits = 19 // of a posting; a block that is one hearing may be larger than others
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
	w := pageWriter{rows: make([][]byte, rowPages), fences: []byte{}}
	var list []byte
	for begins, n := range b.bucketOf {
		if n == 0 {
			continue
		}
		postings := b.buckets[n-1]
		b.buckets[n-1] = nil
		slices.Sort(postings)
		for i := 0; i < len(postings); {
			rest, last := postings[i]>>lineBits, uint64(0)
			list = list[:0]
			for ; i < len(postings) && postings[i]>>lineBits == rest; i++ {
				if line := postings[i]&(1<<lineBits-1) + 1; line != last { // a line may hold a key twice
					list = binary.AppendUvarint(list, line-last)
					last = line
				}
			}
			w.add(key(begins)<<bucketAt|rest, list)
		}
		pause()
	}
	w.end()
	b.dir.Pieces = len(w.rows)
	w.rows[RowFences], w.rows[RowDirectory] = w.fences, b.dir.encode()
	return append(w.rows, b.pieces...), nil
}

// pageWriter writes keys, which come ascending, into pages.
type pageWriter struct {
	rows      [][]byte
	fences    []byte
	page      []byte
	lastFence key
	last      key // of the page
}

func (w *pageWriter) add(k key, list []byte) {
	if len(w.page)+len(list) > pageSize {
		w.end()
	}
	if len(w.page) == 0 {
		w.fences = binary.AppendUvarint(w.fences, k-w.lastFence)
		w.lastFence = k
	}
	w.page = binary.AppendUvarint(w.page, k-w.last)
	w.last = k
	w.page = binary.AppendUvarint(w.page, uint64(len(list)))
	w.page = append(w.page, list...)
}

func (w *pageWriter) end() {
	if len(w.page) > 0 {
		w.rows = append(w.rows, slices.Clone(w.page))
		w.page, w.last = w.page[:0], 0
	}
}
