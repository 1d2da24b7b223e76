package search

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"unsafe"

	"tingji/capture"
)

// Contents are the hearings of a block and where their lines are. They are
// safe for use by several goroutines.
type Contents struct {
	dir      directory
	form     byte
	hearings []int // of dir.Hearings, the newest first
	ranks    []int // of dir.Hearings: their places in hearings
}

// directory is row 1 of a block.
type directory struct {
	Lines    int     `json:"lines"`
	Pieces   int     `json:"pieces"` // row of the first
	Hearings []entry `json:"hearings"`
}

type entry struct {
	Hearing
	First int `json:"first"` // line
	Count int `json:"count"`
	Piece int `json:"piece"` // the first, from 0
}

func (e *entry) pieces() int { return (e.Count + PieceLines - 1) / PieceLines }

// contentsForm begins the row. Of formerForm are blocks in which a key never stands
// in several pages. Rows of earlier versions are JSON, and begin with a brace.
const (
	contentsForm = 3
	formerForm   = 2
)

// encode writes the row: the form, uvarint lines, row of the first piece and
// number of hearings; the texts that hearings have in common, once each; then
// for each hearing its id and case number, varint difference of its time to
// that of the one before, places of type, cause, courtroom and status among
// the texts, 1 for public and 2 for demo, number of people with the places of
// role and name of each, and number of lines. Texts are a uvarint length and
// UTF-8. Lines and pieces of a hearing follow those of the one before.
func (d *directory) encode() []byte {
	to := binary.AppendUvarint([]byte{contentsForm}, uint64(d.Lines))
	to = binary.AppendUvarint(to, uint64(d.Pieces))
	to = binary.AppendUvarint(to, uint64(len(d.Hearings)))
	places := map[string]uint64{}
	var names []string
	var said []byte
	put := func(s string) {
		place, ok := places[s]
		if !ok {
			place = uint64(len(names))
			places[s], names = place, append(names, s)
		}
		said = binary.AppendUvarint(said, place)
	}
	at := int64(0)
	for i := range d.Hearings {
		h := &d.Hearings[i]
		said = appendString(appendString(said, h.ID), h.CaseNo)
		said = binary.AppendVarint(said, h.AtMS-at)
		at = h.AtMS
		for _, s := range []string{h.Type, h.Cause, h.Courtroom, string(h.Status)} {
			put(s)
		}
		flags := byte(0)
		if h.Public {
			flags |= 1
		}
		if h.Demo {
			flags |= 2
		}
		said = binary.AppendUvarint(append(said, flags), uint64(len(h.People)))
		for _, p := range h.People {
			put(p.Role)
			put(p.Name)
		}
		said = binary.AppendUvarint(said, uint64(h.Count))
	}
	to = binary.AppendUvarint(to, uint64(len(names)))
	for _, s := range names {
		to = appendString(to, s)
	}
	return append(to, said...)
}

// ReadContents reads the row that describes what is in a block. Nobody may
// change the row afterwards: texts are parts of it.
func ReadContents(row []byte) (*Contents, error) {
	c := &Contents{}
	switch {
	case len(row) > 0 && row[0] == '{':
		if err := json.Unmarshal(row, &c.dir); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBlock, err)
		}
	case len(row) == 0 || row[0] != contentsForm && row[0] != formerForm || !c.dir.decode(row[1:]):
		return nil, ErrBlock
	default:
		c.form = row[0]
	}
	if c.dir.Pieces < rowPages {
		return nil, ErrBlock
	}
	next := 0
	for i := range c.dir.Hearings {
		e := &c.dir.Hearings[i]
		if e.First != next || e.Count < 0 {
			return nil, ErrBlock
		}
		next += e.Count
		c.hearings = append(c.hearings, i)
	}
	if next != c.dir.Lines || next > MaxLines {
		return nil, ErrBlock
	}
	slices.SortFunc(c.hearings, func(i, j int) int {
		return c.dir.Hearings[i].Place().Compare(c.dir.Hearings[j].Place())
	})
	c.ranks = make([]int, len(c.hearings))
	for i, added := range c.hearings {
		c.ranks[added] = i
	}
	return c, nil
}

func (d *directory) decode(row []byte) bool {
	r := pieceReader{text: unsafe.String(unsafe.SliceData(row), len(row))}
	lines, pieces := r.number(), r.number()
	d.Hearings = make([]entry, r.count())
	names := make([]string, r.count())
	for i := range names {
		names[i] = r.string()
	}
	if r.bad || lines > MaxLines || pieces > 1<<32 {
		return false
	}
	d.Lines, d.Pieces = int(lines), int(pieces)
	name := func() string {
		n := r.number()
		if n >= uint64(len(names)) {
			r.bad = true
			return ""
		}
		return names[n]
	}
	at, first, piece := int64(0), 0, 0
	var people []capture.Participant // of all, in one piece of memory
	for i := range d.Hearings {
		e := &d.Hearings[i]
		e.ID, e.CaseNo = r.string(), r.string()
		at += r.difference()
		e.AtMS = at
		e.Type, e.Cause, e.Courtroom, e.Status = name(), name(), name(), capture.Status(name())
		flags := r.number()
		e.Public, e.Demo = flags&1 > 0, flags&2 > 0
		count := r.count()
		if cap(people)-len(people) < count {
			people = make([]capture.Participant, 0, max(count, min(len(d.Hearings)-i, 64)*count))
		}
		from := len(people)
		for range count {
			people = append(people, capture.Participant{Role: name(), Name: name()})
		}
		if count > 0 {
			e.People = people[from:len(people):len(people)]
		}
		e.First, e.Piece = first, piece
		if n := r.number(); n <= MaxLines {
			e.Count = int(n)
		} else {
			r.bad = true
		}
		first += e.Count
		piece += e.pieces()
		if r.bad {
			return false
		}
	}
	return r.text == ""
}

// Of reports whether the contents are those of the block.
func (c *Contents) Of(b *Block) bool {
	return c.dir.Lines == b.lines && c.dir.Pieces == rowPages+len(b.fences)
}

// Same reports whether a row says the same as these contents, in whatever form.
func (c *Contents) Same(row []byte) bool {
	o, err := ReadContents(row)
	return err == nil && slices.Equal(c.dir.encode(), o.dir.encode())
}

// Hearings is the number of hearings in the block.
func (c *Contents) Hearings() int { return len(c.hearings) }

// Hearing is the i-th hearing, the newest first, with its first line in the
// block and how many it has.
func (c *Contents) Hearing(i int) (h *Hearing, first, count int) {
	e := &c.dir.Hearings[c.hearings[i]]
	return &e.Hearing, e.First, e.Count
}

// At is the hearing, as Hearing counts them, with a line of the block.
func (c *Contents) At(line int) int {
	after := sort.Search(len(c.dir.Hearings), func(i int) bool { return c.dir.Hearings[i].First > line })
	return c.ranks[after-1]
}

// Stored are the hearings, as Hearing counts them, in the order in which they
// were added. Nobody may change them.
func (c *Contents) Stored() []int { return c.ranks }

// PieceRow is the row with line n of the i-th hearing, and the first line in
// that row.
func (c *Contents) PieceRow(i, n int) (row, first int) {
	e := &c.dir.Hearings[c.hearings[i]]
	return c.dir.Pieces + e.Piece + n/PieceLines, n - n%PieceLines
}
