package search

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
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
	units := uint64(0)
	for _, r := range s {
		if units++; r > 0xffff {
			units++
		}
	}
	to = binary.AppendUvarint(to, units)
	for _, r := range s {
		if r > 0xffff {
			high, low := utf16.EncodeRune(r)
			to = binary.LittleEndian.AppendUint16(to, uint16(high))
			r = low
		}
		to = binary.LittleEndian.AppendUint16(to, uint16(r))
	}
	return to
}

// Piece reads the lines of a piece one by one. It may be used by several
// goroutines.
type Piece struct {
	names []string
	said  string
	ends  []uint32 // of the lines in said
}

// ReadPiece reads a row with lines. Nobody may change the row afterwards: all
// texts are parts of it.
func ReadPiece(row []byte) (*Piece, error) {
	if len(row) == 0 {
		return nil, ErrBlock
	}
	r := pieceReader{text: unsafe.String(&row[0], len(row))}
	count := r.count()
	p := &Piece{names: make([]string, r.count()), ends: make([]uint32, count)}
	for i := range p.names {
		p.names[i] = r.string()
	}
	end := uint64(0)
	for i := range p.ends {
		n := r.number()
		if end += n; n > uint64(len(r.text)) || end > uint64(len(r.text)) {
			return nil, ErrBlock
		}
		p.ends[i] = uint32(end)
	}
	if p.said = r.text; r.bad || end != uint64(len(r.text)) {
		return nil, ErrBlock
	}
	return p, nil
}

// Len is the number of lines.
func (p *Piece) Len() int { return len(p.ends) }

// head reads what is said of the i-th line up to its text.
func (p *Piece) head(i int, l *Line) (pieceReader, error) {
	if i < 0 || i >= len(p.ends) {
		return pieceReader{}, ErrBlock
	}
	start := uint32(0)
	if i > 0 {
		start = p.ends[i-1]
	}
	r := pieceReader{text: p.said[start:p.ends[i]]}
	for _, s := range l.names() {
		n := r.number()
		if n >= uint64(len(p.names)) {
			return r, ErrBlock
		}
		*s = p.names[n]
	}
	switch r.number() {
	case 0:
		l.ID = r.string()
	case 1: // Line puts the channel before it
		l.ID = r.string()
		r.cut = true
	default:
		r.bad = true
	}
	l.StartMS = r.difference()
	l.EndMS = l.StartMS + r.difference()
	return r, nil
}

// Line is the i-th line.
func (p *Piece) Line(i int) (Line, error) {
	var l Line
	r, err := p.head(i, &l)
	if err != nil {
		return l, err
	}
	if r.cut {
		l.ID = l.Channel + "-" + l.ID
	}
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

// fold reads the text of the i-th line, or what was heard, folded, into runes,
// and all else but its id into l. Nothing is allocated.
func (p *Piece) fold(i int, heard bool, l *Line, runes []rune) ([]rune, error) {
	r, err := p.head(i, l)
	if err != nil {
		return runes, err
	}
	text := r.units()
	if heard {
		switch r.number() {
		case 0:
		case 1:
			text = r.units()
		default:
			r.bad = true
		}
	}
	if r.bad {
		return runes, ErrBlock
	}
	eachRune(text, func(c rune) { runes = append(runes, foldRune(c)) })
	return runes, nil
}

// pieceReader cuts values off text; the names are parts of it.
type pieceReader struct {
	text string
	bad  bool
	cut  bool // the id lacks its channel
}

// units cuts a text off, as it is written.
func (r *pieceReader) units() string {
	n := r.number()
	if n > uint64(len(r.text)/2) {
		r.bad, r.text = true, ""
		return ""
	}
	units := r.text[:2*n]
	r.text = r.text[2*n:]
	return units
}

func (r *pieceReader) utf16() string {
	units := r.units()
	buf := make([]byte, 0, len(units)/2*3)
	eachRune(units, func(c rune) { buf = utf8.AppendRune(buf, c) })
	return string(buf)
}

// eachRune calls f for each rune of a text in UTF-16, the low byte first.
func eachRune(units string, f func(rune)) {
	for i := 0; i+1 < len(units); i += 2 {
		c := rune(units[i]) | rune(units[i+1])<<8
		if utf16.IsSurrogate(c) && i+3 < len(units) {
			i += 2
			c = utf16.DecodeRune(c, rune(units[i])|rune(units[i+1])<<8)
		}
		f(c)
	}
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
