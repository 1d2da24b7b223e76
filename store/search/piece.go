package search

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// appendPiece writes lines of a hearing: uvarint number of lines, then the
// channels, roles, speakers and phases that occur, once each, then for each
// line the uvarint length of what is said of it, then that. Names are a uvarint
// length and UTF-8; texts, which are mostly Chinese, a uvarint length in units
// and UTF-16, the low byte first. An id that begins with the line's channel, as
// those of utterances do, is written without it.
func appendPiece(to []byte, lines []Line) []byte {
	to = binary.AppendUvarint(to, uint64(len(lines)))
	places := map[string]uint64{}
	var names []string
	for i := range lines {
		for _, s := range lines[i].names() {
			if _, ok := places[*s]; !ok {
				places[*s] = uint64(len(names))
				names = append(names, *s)
			}
		}
	}
	to = binary.AppendUvarint(to, uint64(len(names)))
	for _, s := range names {
		to = appendString(to, s)
	}
	var said []byte
	for i := range lines {
		l := &lines[i]
		at := len(said)
		for _, s := range l.names() {
			said = binary.AppendUvarint(said, places[*s])
		}
		if id, ok := strings.CutPrefix(l.ID, l.Channel+"-"); ok {
			said = appendString(append(said, 1), id)
		} else {
			said = appendString(append(said, 0), l.ID)
		}
		said = binary.AppendVarint(said, l.StartMS)
		said = binary.AppendVarint(said, l.EndMS-l.StartMS)
		said = appendText(said, l.Text)
		if l.Heard == l.Text {
			said = append(said, 0)
		} else {
			said = appendText(append(said, 1), l.Heard)
		}
		to = binary.AppendUvarint(to, uint64(len(said)-at))
	}
	return append(to, said...)
}

func (l *Line) names() [4]*string { return [4]*string{&l.Channel, &l.Role, &l.Speaker, &l.Phase} }

func appendString(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func appendText(to []byte, s string) []byte {
	units := utf16.Encode([]rune(s))
	to = binary.AppendUvarint(to, uint64(len(units)))
	for _, u := range units {
		to = binary.LittleEndian.AppendUint16(to, u)
	}
	return to
}

// Piece reads the lines of a piece one by one. It is for one goroutine.
type Piece struct {
	names []string
	said  string
	ends  []int // of the lines in said
}

// ReadPiece reads a row with lines.
func ReadPiece(row []byte) (*Piece, error) {
	r := pieceReader{text: string(row)}
	count := r.count()
	p := &Piece{names: make([]string, r.count()), ends: make([]int, count)}
	for i := range p.names {
		p.names[i] = r.string()
	}
	end := uint64(0)
	for i := range p.ends {
		n := r.number()
		if end += n; n > uint64(len(r.text)) || end > uint64(len(r.text)) {
			return nil, ErrBlock
		}
		p.ends[i] = int(end)
	}
	if p.said = r.text; r.bad || end != uint64(len(r.text)) {
		return nil, ErrBlock
	}
	return p, nil
}

// Len is the number of lines.
func (p *Piece) Len() int { return len(p.ends) }

// Line is the i-th line.
func (p *Piece) Line(i int) (Line, error) {
	start := 0
	if i > 0 {
		start = p.ends[i-1]
	}
	var l Line
	r := pieceReader{text: p.said[start:p.ends[i]]}
	for _, s := range l.names() {
		n := r.number()
		if n >= uint64(len(p.names)) {
			return l, ErrBlock
		}
		*s = p.names[n]
	}
	switch r.number() {
	case 0:
		l.ID = r.string()
	case 1:
		l.ID = l.Channel + "-" + r.string()
	default:
		r.bad = true
	}
	l.StartMS = r.difference()
	l.EndMS = l.StartMS + r.difference()
	l.Text = r.utf16()
	l.Heard = l.Text
	switch r.number() {
	case 0:
	case 1:
		l.Heard = r.utf16()
	default:
		r.bad = true
	}
	if r.bad || r.text != "" {
		return l, ErrBlock
	}
	return l, nil
}

// pieceReader cuts values off text; the names are parts of it.
type pieceReader struct {
	text string
	bad  bool
}

func (r *pieceReader) utf16() string {
	n := r.number()
	if n > uint64(len(r.text)/2) {
		r.bad, r.text = true, ""
		return ""
	}
	buf := make([]byte, 0, 3*n)
	for i := 0; i < int(n); i++ {
		c := rune(r.text[2*i]) | rune(r.text[2*i+1])<<8
		if utf16.IsSurrogate(c) && i+1 < int(n) {
			i++
			c = utf16.DecodeRune(c, rune(r.text[2*i])|rune(r.text[2*i+1])<<8)
		}
		buf = utf8.AppendRune(buf, c)
	}
	r.text = r.text[2*n:]
	return string(buf)
}

func (r *pieceReader) number() uint64 {
	var n uint64
	for i := 0; i < len(r.text) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(r.text[i]&0x7f) << (7 * i)
		if r.text[i] < 0x80 {
			r.text = r.text[i+1:]
			return n
		}
	}
	r.bad, r.text = true, ""
	return 0
}

func (r *pieceReader) difference() int64 {
	n := r.number()
	return int64(n>>1) ^ -int64(n&1)
}

// count is a number of things that take a byte each at least.
func (r *pieceReader) count() int {
	n := r.number()
	if n > uint64(len(r.text)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *pieceReader) string() string {
	n := r.number()
	if n > uint64(len(r.text)) {
		r.bad, r.text = true, ""
		return ""
	}
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}
