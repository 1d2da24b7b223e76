package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// A spool record, little-endian (docs/FORMATS.md):
//
//	0  4  "TJR\x01", where a reader finds its feet again after damage
//	4  4  length of the body
//	8  4  CRC-32C of bytes 4–8, 12–20 and the body
//	12 2  how many records of the same batch follow
//	14 2  0: the body ends with samples; 1: with their number, the archive has them
//	16 4  bytes from the first record of the batch to this one
//	20    body
//
// A batch becomes durable as a whole: what was cut short by a crash is cut off
// from its first record on.
const (
	recordHead    = 20
	maxRecordBody = 2*(1+64) + 4*8 + 1 + 2*MaxChunkSamples
	kindArchived  = 1
)

func recordMark() []byte { return []byte("TJR\x01") }

// errNoRecord says that no whole record stands at a place.
var errNoRecord = errors.New("no record")

// appendRecord appends a chunk that is within its bounds. b holds the batch's
// records so far and nothing else.
func appendRecord(b []byte, c *Chunk, following int) []byte {
	start := len(b)
	b = append(b, recordMark()...)
	b = append(b, make([]byte, recordHead-4)...)
	b = append(append(b, byte(len(c.Hearing))), c.Hearing...)
	b = append(append(b, byte(len(c.Channel))), c.Channel...)
	b = binary.LittleEndian.AppendUint64(b, c.Epoch)
	b = binary.LittleEndian.AppendUint64(b, c.Seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.First))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.CapturedAt.UnixMicro()))
	b = append(b, c.End.code())
	if c.archived > 0 {
		b[start+14] = kindArchived
		b = binary.LittleEndian.AppendUint32(b, uint32(c.archived))
	} else {
		b = appendPCM(b, c.Samples)
	}
	r := b[start:]
	binary.LittleEndian.PutUint32(r[4:], uint32(len(r)-recordHead))
	binary.LittleEndian.PutUint16(r[12:], uint16(following))
	binary.LittleEndian.PutUint32(r[16:], uint32(start))
	binary.LittleEndian.PutUint32(r[8:], recordChecksum(r))
	return b
}

func recordChecksum(r []byte) uint32 {
	t := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(r[4:8], t), t, r[12:])
}

// record is a place in a segment that holds a whole record. Its bytes belong to
// the buffer it was found in.
type record struct {
	bytes     []byte
	following int   // records of its batch behind it
	batch     int64 // bytes of its batch before it
}

// readRecord looks for a record at the beginning of b and checks it.
func readRecord(b []byte) (record, error) {
	if len(b) < recordHead || !bytes.HasPrefix(b, recordMark()) {
		return record{}, errNoRecord
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > maxRecordBody || int64(len(b)) < recordHead+n || b[14] > kindArchived || b[15] != 0 {
		return record{}, errNoRecord
	}
	r := b[:recordHead+n]
	if recordChecksum(r) != binary.LittleEndian.Uint32(r[8:]) {
		return record{}, errNoRecord
	}
	return record{
		bytes:     r,
		following: int(binary.LittleEndian.Uint16(r[12:])),
		batch:     int64(binary.LittleEndian.Uint32(r[16:])),
	}, nil
}

// head reads all of a chunk but its samples. It allocates nothing but names that
// are not known.
func (r record) head(known *names) (Chunk, []byte, error) {
	b := r.bytes[recordHead:]
	name := func() (string, bool) {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return "", false
		}
		s := known.name(b[1 : 1+int(b[0])])
		b = b[1+len(s):]
		return s, true
	}
	var c Chunk
	hearing, ok1 := name()
	channel, ok2 := name()
	if !ok1 || !ok2 || len(b) < 4*8+1 || len(b)%2 != 1 {
		return c, nil, fmt.Errorf("spool record of %d bytes: its fields do not fit", len(r.bytes))
	}
	end, err := endOf(b[32])
	if err != nil {
		return c, nil, err
	}
	c = Chunk{
		Hearing: hearing, Channel: channel, End: end,
		Epoch:      binary.LittleEndian.Uint64(b),
		Seq:        binary.LittleEndian.Uint64(b[8:]),
		First:      SampleIndex(binary.LittleEndian.Uint64(b[16:])),
		CapturedAt: time.UnixMicro(int64(binary.LittleEndian.Uint64(b[24:]))).UTC(),
	}
	b = b[33:]
	if r.bytes[14] != kindArchived {
		return c, b, nil
	}
	if len(b) == 4 {
		c.archived = int(binary.LittleEndian.Uint32(b))
	}
	if c.archived < 1 || c.archived > MaxChunkSamples {
		return c, nil, fmt.Errorf("spool record of %d bytes: it says of no sound where it is", len(r.bytes))
	}
	return c, nil, nil
}

// sound reads the samples of a chunk whose head was read into to, if there is room,
// and holds the whole to its bounds. It shares no memory with the record.
func (c Chunk) sound(pcm []byte, to []int16) (Chunk, error) {
	var err error
	if c.Samples, err = parsePCM(to, pcm); err != nil {
		return c, fmt.Errorf("spool record: %w", err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("spool record: %w", err)
	}
	return c, nil
}

func ends() []End { return []End{NotEnd, EndPause, EndClose, EndFile} }

func (e End) code() byte {
	for i, known := range ends() {
		if e == known {
			return byte(i)
		}
	}
	return 0
}

func endOf(code byte) (End, error) {
	if int(code) >= len(ends()) {
		return "", fmt.Errorf("spool record: end %d is not known", code)
	}
	return ends()[code], nil
}
