package search

import (
	"encoding/binary"
	"fmt"
)

// A Merger makes one block of several, in a stream: it holds a page of each and
// where their lines go, never their postings. It is for one goroutine.
//
// Lines keep their order, source by source. The hearings that are left out
// leave no trace.
type Merger struct {
	sources []Source
	lines   [][]int32 // of each source: the new number of each line, -1 where it is left out
	dir     directory
	whole   bool // long lists stay in one page, as blocks of formerForm have them
}

// Source is a block to merge.
type Source struct {
	Contents *Contents
	// Without: hearings that are left out. Nil: none.
	Without func(id string) bool
	// Row reads a row of the block. Rows are asked for in ascending order; a row
	// may be forgotten when the next one is asked for.
	Row func(n int) ([]byte, error)
}

// NewMerger says what the block will hold. Together the sources must not have
// more than MaxLines lines left.
func NewMerger(sources []Source) (*Merger, error) {
	m := &Merger{sources: sources}
	for _, s := range sources {
		to := make([]int32, s.Contents.dir.Lines)
		for _, e := range s.Contents.dir.Hearings {
			left := s.Without != nil && s.Without(e.ID)
			for i := range e.Count {
				to[e.First+i] = -1
				if !left {
					to[e.First+i] = int32(m.dir.Lines + i)
				}
			}
			if left {
				continue
			}
			m.dir.Hearings = append(m.dir.Hearings, e)
			m.dir.Lines += e.Count
			if m.dir.Lines > MaxLines {
				return nil, fmt.Errorf("merge %d blocks: they have more than %d lines", len(sources), MaxLines)
			}
		}
		m.lines = append(m.lines, to)
	}
	return m, nil
}

// AsWritten makes rows in the form in which the rows of c were written.
func (m *Merger) AsWritten(c *Contents) { m.whole = c.form == formerForm }

// Lines is how many lines the block will have.
func (m *Merger) Lines() int { return m.dir.Lines }

// Hearings are those that the block will have.
func (m *Merger) Hearings() []Hearing {
	list := make([]Hearing, len(m.dir.Hearings))
	for i := range list {
		list[i] = m.dir.Hearings[i].Hearing
	}
	return list
}

// Rows calls put with all rows of the block: pages, pieces, and then the two
// that describe them. Rows are the receiver's. It calls pause now and then.
func (m *Merger) Rows(put func(row int, data []byte) error, pause func()) error {
	row := rowPages
	next := func(data []byte) error {
		err := put(row, data)
		row++
		pause()
		return err
	}
	w := pageWriter{put: next, whole: m.whole, fences: []byte{}}
	if err := m.pages(&w); err != nil {
		return err
	}
	m.dir.Pieces = row
	for _, s := range m.sources {
		for _, e := range s.Contents.dir.Hearings {
			if s.Without != nil && s.Without(e.ID) {
				continue
			}
			for i := range e.pieces() {
				piece, err := s.Row(s.Contents.dir.Pieces + e.Piece + i)
				if err == nil {
					err = next(piece)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	if err := put(RowFences, w.fences); err != nil {
		return err
	}
	return put(RowDirectory, m.dir.encode())
}

func (m *Merger) pages(w *pageWriter) error {
	cursors := make([]cursor, len(m.sources))
	for i, s := range m.sources {
		cursors[i] = cursor{source: s, row: rowPages}
		if err := cursors[i].next(); err != nil {
			return err
		}
	}
	for {
		least, any := key(0), false
		for i := range cursors {
			if c := &cursors[i]; !c.ended && (!any || c.key < least) {
				least, any = c.key, true
			}
		}
		if !any {
			return w.end()
		}
		w.begin(least)
		for i := range cursors {
			for c := &cursors[i]; !c.ended && c.key == least; {
				if err := c.lines(m.lines[i], w); err != nil {
					return err
				}
				if err := c.next(); err != nil {
					return err
				}
			}
		}
		if err := w.finish(); err != nil {
			return err
		}
	}
}

// cursor reads the keys of a block in their order.
type cursor struct {
	source Source
	row    int // the next one
	page   []byte
	key    key
	list   []byte
	ended  bool
}

func (c *cursor) next() (err error) {
	before := c.key
	if len(c.page) == 0 {
		if c.row >= c.source.Contents.dir.Pieces {
			c.ended = true
			return nil
		}
		if c.page, err = c.source.Row(c.row); err != nil {
			return err
		}
		c.row++
		c.key = 0
	}
	d, n := binary.Uvarint(c.page)
	if n <= 0 {
		return ErrBlock
	}
	size, k := binary.Uvarint(c.page[n:])
	if k <= 0 || size > uint64(len(c.page)-n-k) {
		return ErrBlock
	}
	if c.key += d; c.key < before {
		return ErrBlock
	}
	c.list, c.page = c.page[n+k:n+k+int(size)], c.page[n+k+int(size):]
	return nil
}

// lines writes the lines of the present key by their new numbers.
func (c *cursor) lines(to []int32, w *pageWriter) error {
	line := uint64(0)
	for i := 0; i < len(c.list); {
		d := uint64(c.list[i])
		if d < 0x80 {
			i++
		} else {
			var n int
			if d, n = binary.Uvarint(c.list[i:]); n <= 0 {
				return ErrBlock
			}
			i += n
		}
		line += d
		if d == 0 || line > uint64(len(to)) {
			return ErrBlock
		}
		if n := to[line-1]; n >= 0 {
			if err := w.line(int(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pageWriter writes keys, which come ascending, into pages.
type pageWriter struct {
	put       func(page []byte) error // the page is the receiver's
	whole     bool                    // lists are not split
	fences    []byte
	page      []byte
	lastFence key
	last      key // of the page
	key       key // that is written
	list      []byte
	next      uint64 // the least number of a line that may follow
}

// begin opens the list of a key.
func (w *pageWriter) begin(k key) { w.key, w.list, w.next = k, w.list[:0], 0 }

// line adds a line, which is not before the one added last; that one itself is
// passed over.
func (w *pageWriter) line(n int) error {
	line := uint64(n) + 1
	if line < w.next {
		return nil
	}
	if len(w.list) >= longList && !w.whole {
		if err := w.finish(); err != nil {
			return err
		}
		w.list, w.next = w.list[:0], 0
	}
	if w.next == 0 {
		w.list = binary.AppendUvarint(w.list, line)
	} else {
		w.list = binary.AppendUvarint(w.list, line-w.next+1)
	}
	w.next = line + 1
	return nil
}

// finish closes the list.
func (w *pageWriter) finish() error {
	if len(w.list) == 0 {
		return nil
	}
	if len(w.page)+len(w.list) > pageSize {
		if err := w.end(); err != nil {
			return err
		}
	}
	if len(w.page) == 0 {
		w.fences = binary.AppendUvarint(w.fences, w.key-w.lastFence)
		w.lastFence = w.key
	}
	w.page = binary.AppendUvarint(w.page, w.key-w.last)
	w.last = w.key
	w.page = binary.AppendUvarint(w.page, uint64(len(w.list)))
	w.page = append(w.page, w.list...)
	return nil
}

// end writes the page.
func (w *pageWriter) end() error {
	if len(w.page) == 0 {
		return nil
	}
	page := append([]byte(nil), w.page...)
	w.page, w.last = w.page[:0], 0
	return w.put(page)
}
