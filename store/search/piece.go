package search

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// appendPiece writes lines of a hearing: uvarint number of lines, then the
// channels, roles, speakers and phases that occur, once each, then the lines.
// Names are a uvarint length and UTF-8; texts, which are mostly Chinese, a uvarint
// length in units and UTF-16, the low byte first. An id that begins with the
// line's channel, as those of utterances do, is written without it. start is a
// varint difference to the line before, end one to the start.
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
	start := int64(0)
	for i := range lines {
		l := &lines[i]
		for _, s := range l.names() {
			to = binary.AppendUvarint(to, places[*s])
		}
		if id, ok := strings.CutPrefix(l.ID, l.Channel+"-"); ok {
			to = appendString(append(to, 1), id)
		} else {
			to = appendString(append(to, 0), l.ID)
		}
		to = binary.AppendVarint(to, l.StartMS-start)
		to = binary.AppendVarint(to, l.EndMS-l.StartMS)
		start = l.StartMS
		to = appendText(to, l.Text)
		if l.Heard == l.Text {
			to = append(to, 0)
		} else {
			to = appendText(append(to, 1), l.Heard)
		}
	}
	return to
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

// ReadPiece reads the lines of a piece.
func ReadPiece(row []byte) ([]Line, error) {
	r := pieceReader{text: string(row)}
	count := r.count()
	names := make([]string, r.count())
	for i := range names {
		names[i] = r.string()
	}
	lines := make([]Line, count)
	start := int64(0)
	for i := range lines {
		l := &lines[i]
		for _, s := range l.names() {
			n := r.number()
			if n >= uint64(len(names)) {
				return nil, ErrBlock
			}
			*s = names[n]
		}
		switch r.number() {
		case 0:
			l.ID = r.string()
		case 1:
			l.ID = l.Channel + "-" + r.string()
		default:
			r.bad = true
		}
		start += r.difference()
		l.StartMS = start
		l.EndMS = start + r.difference()
		l.Text = r.utf16()
		l.Heard = l.Text
		switch r.number() {
		case 0:
		case 1:
			l.Heard = r.utf16()
		default:
			r.bad = true
		}
		if r.bad {
			break
		}
	}
	if r.bad || r.text != "" {
		return nil, ErrBlock
	}
	return lines, nil
}

// pieceReader cuts values off text; the names are parts of it.
type pieceReader struct {
	text string
	bad  bool
	buf  []byte
}

func (r *pieceReader) utf16() string {
	n := r.number()
	if n > uint64(len(r.text)/2) {
		r.bad, r.text = true, ""
		return ""
	}
	r.buf = r.buf[:0]
	for i := 0; i < int(n); i++ {
		c := rune(r.text[2*i]) | rune(r.text[2*i+1])<<8
		if utf16.IsSurrogate(c) && i+1 < int(n) {
			i++
			c = utf16.DecodeRune(c, rune(r.text[2*i])|rune(r.text[2*i+1])<<8)
		}
		r.buf = utf8.AppendRune(r.buf, c)
	}
	r.text = r.text[2*n:]
	return string(r.buf)
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
