package capture

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
	"unicode/utf8"
)

// Message is a chunk as it stands in audio.v1.
type Message struct {
	Key     []byte // hearing/channel
	Value   []byte // the samples, in the codec that the headers name
	Headers []Header
}

// Header is one header of a message, text in UTF-8.
type Header struct {
	Key   string
	Value []byte
}

// The names of the headers of audio.v1. All but the last two are in every message.
const (
	headerVersion    = "v"
	headerHearing    = "hearing"
	headerChannel    = "channel"
	headerEpoch      = "epoch"
	headerSeq        = "seq"
	headerFirst      = "first_sample"
	headerRate       = "rate"
	headerCodec      = "codec"
	headerCapturedAt = "captured_at"
	headerChecksum   = "crc32c"
	headerEnd        = "end"
	headerLost       = "lost"

	headerCount = 12
)

// messageVersion is the version that this package writes, and the only one that
// it reads. A change that a reader of version 1 would misread is a new topic.
const messageVersion = "1"

// capturedAtLayout is RFC 3339 in UTC with microseconds, always of one length.
const capturedAtLayout = "2006-01-02T15:04:05.000000Z"

// maxNumber bounds epoch, seq and sample index: what JSON readers and signed
// 64-bit database columns hold exactly. At 16 kHz it lasts 17,000 years.
const maxNumber = 1<<53 - 1

// Reason says why a message is no chunk. The words are those of dead.v1 and
// keep their meaning.
type Reason string

const (
	UnknownVersion Reason = "unknown-version"
	MissingHeader  Reason = "missing-header"
	BadHeader      Reason = "bad-header" // out of its bounds, malformed, or given twice
	BadKey         Reason = "bad-key"    // not hearing/channel
	UnknownRate    Reason = "unknown-rate"
	UnknownCodec   Reason = "unknown-codec"
	BadChecksum    Reason = "bad-checksum"
	BadAudio       Reason = "bad-audio" // the value is not what the codec says, is empty or too long
)

// ChunkError says that a message cannot be read as a chunk, or that a chunk
// cannot be written as a message.
type ChunkError struct {
	Reason Reason
	Key    string // of the message, shortened; what it claims to be
	Header string // the header at fault, if it is one
	Detail string // one line
}

func (e *ChunkError) Error() string {
	at := string(e.Reason)
	if e.Header != "" {
		at += " " + e.Header
	}
	return fmt.Sprintf("chunk %q: %s: %s", e.Key, at, e.Detail)
}

// Message writes the chunk in a codec. The message shares no memory with the
// chunk. Samples of a chunk out of its bounds give a *ChunkError.
func (c *Chunk) Message(codec Codec) (Message, error) {
	return c.message(codec, make([]byte, 0, c.messageBytes()), make([]Header, 0, headerCount))
}

// messageBytes is enough for the key, all header values and PCM behind them.
func (c *Chunk) messageBytes() int {
	return 2*(len(c.Hearing)+len(c.Channel)) + 180 + 2*len(c.Samples)
}

// message is Message in given memory, which is empty and has room.
func (c *Chunk) message(codec Codec, b []byte, headers []Header) (Message, error) {
	refuse := func(err *ChunkError) (Message, error) {
		err.Key = shorten(Key(c.Hearing, c.Channel))
		return Message{}, err
	}
	if err := c.check(); err != nil {
		return refuse(err)
	}
	if len(c.Samples) == 0 {
		codec = PCM // nothing is nothing in any codec
	}
	m := Message{Headers: headers}

	b = append(append(append(b, c.Hearing...), '/'), c.Channel...)
	m.Key = b[0:len(b):len(b)]
	hearing, channel := m.Key[:len(c.Hearing)], m.Key[len(c.Hearing)+1:]

	var from int
	value := func(b []byte) []byte { return b[from:len(b):len(b)] }
	from, b = len(b), append(b, messageVersion...)
	m.Headers = append(m.Headers, Header{headerVersion, value(b)}, Header{headerHearing, hearing}, Header{headerChannel, channel})
	from, b = len(b), strconv.AppendUint(b, c.Epoch, 10)
	m.Headers = append(m.Headers, Header{headerEpoch, value(b)})
	from, b = len(b), strconv.AppendUint(b, c.Seq, 10)
	m.Headers = append(m.Headers, Header{headerSeq, value(b)})
	from, b = len(b), strconv.AppendInt(b, int64(c.First), 10)
	m.Headers = append(m.Headers, Header{headerFirst, value(b)})
	from, b = len(b), strconv.AppendInt(b, Rate, 10)
	m.Headers = append(m.Headers, Header{headerRate, value(b)})
	from, b = len(b), append(b, codec...)
	m.Headers = append(m.Headers, Header{headerCodec, value(b)})
	from, b = len(b), c.CapturedAt.UTC().AppendFormat(b, capturedAtLayout)
	m.Headers = append(m.Headers, Header{headerCapturedAt, value(b)})
	from, b = len(b), append(b, "00000000"...) // until the value is known
	sum := value(b)
	m.Headers = append(m.Headers, Header{headerChecksum, sum})
	if c.End != NotEnd {
		from, b = len(b), append(b, c.End...)
		m.Headers = append(m.Headers, Header{headerEnd, value(b)})
	}
	if c.Lost != 0 {
		from, b = len(b), strconv.AppendUint(b, c.Lost, 10)
		m.Headers = append(m.Headers, Header{headerLost, value(b)})
	}

	switch codec {
	case PCM:
		from, b = len(b), appendPCM(b, c.Samples)
		m.Value = value(b)
	case FLAC:
		v, err := encodeFLAC(c.Samples)
		if err != nil {
			return refuse(&ChunkError{Reason: BadAudio, Detail: err.Error()})
		}
		m.Value = v
	default:
		return refuse(&ChunkError{Reason: UnknownCodec, Header: headerCodec, Detail: fmt.Sprintf("%q", codec)})
	}
	putHex8(sum, checksum(m.Value))
	return m, nil
}

// check holds the chunk to the bounds that its fields promise.
func (c *Chunk) check() *ChunkError {
	bad := func(header, format string, args ...any) *ChunkError {
		return &ChunkError{Reason: BadHeader, Header: header, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case CheckName(c.Hearing) != nil:
		return bad(headerHearing, "%v", CheckName(c.Hearing))
	case CheckName(c.Channel) != nil:
		return bad(headerChannel, "%v", CheckName(c.Channel))
	case c.Epoch < 1 || c.Epoch > maxNumber:
		return bad(headerEpoch, "%d is not in 1…2^53-1", c.Epoch)
	case c.Seq < 1 || c.Seq > maxNumber:
		return bad(headerSeq, "%d is not in 1…2^53-1", c.Seq)
	case c.First < 0 || c.First > maxNumber-MaxChunkSamples:
		return bad(headerFirst, "%d is not a sample index", c.First)
	case c.CapturedAt.UTC().Year() < 1 || c.CapturedAt.UTC().Year() > 9999:
		return bad(headerCapturedAt, "year %d", c.CapturedAt.UTC().Year())
	case !c.End.known():
		return bad(headerEnd, "%q is not pause, close or eof", shorten(string(c.End)))
	case c.Lost > c.Seq:
		return bad(headerLost, "%d is above the chunk's own number", c.Lost)
	case c.Next() == c.First && c.End == NotEnd && c.Lost == 0 || c.Next()-c.First > MaxChunkSamples:
		return &ChunkError{Reason: BadAudio, Detail: fmt.Sprintf("%d samples: 1 to %d can be in a chunk", c.Next()-c.First, MaxChunkSamples)}
	}
	return nil
}

func (e End) known() bool {
	return e == NotEnd || e == EndPause || e == EndClose || e == EndFile
}

// ParseChunk reads a message of audio.v1. Headers it does not know are ignored;
// every other deviation gives a *ChunkError. The chunk shares no memory with
// the message.
func ParseChunk(m Message) (Chunk, error) {
	c, err := parseChunk(m)
	if err != nil {
		err.Key = shorten(string(m.Key))
		return Chunk{}, err
	}
	return c, nil
}

func parseChunk(m Message) (Chunk, *ChunkError) {
	var c Chunk
	h, err := readHeaders(m.Headers)
	if err != nil {
		return c, err
	}
	c.Hearing, c.Channel, c.End = string(h.hearing), string(h.channel), End(h.end)
	numbers := []struct {
		header string
		text   []byte
		to     *uint64
	}{{headerEpoch, h.epoch, &c.Epoch}, {headerSeq, h.seq, &c.Seq}, {headerFirst, h.first, (*uint64)(nil)}}
	for _, n := range numbers {
		v, err := parseNumber(n.header, n.text)
		if err != nil {
			return c, err
		}
		if n.to != nil {
			*n.to = v
		} else {
			c.First = SampleIndex(v)
		}
	}
	if h.lost != nil {
		if c.Lost, err = parseNumber(headerLost, h.lost); err != nil {
			return c, err
		}
		if c.Lost == 0 {
			return c, &ChunkError{Reason: BadHeader, Header: headerLost, Detail: "numbers begin at 1"}
		}
	}
	if string(h.rate) != "16000" {
		return c, &ChunkError{Reason: UnknownRate, Header: headerRate, Detail: fmt.Sprintf("%q, not %d", shorten(string(h.rate)), Rate)}
	}
	at, terr := time.Parse(time.RFC3339Nano, string(h.capturedAt))
	if terr != nil {
		return c, &ChunkError{Reason: BadHeader, Header: headerCapturedAt, Detail: fmt.Sprintf("%q is not RFC 3339", shorten(string(h.capturedAt)))}
	}
	c.CapturedAt = at.UTC().Truncate(time.Microsecond)
	if string(m.Key) != Key(c.Hearing, c.Channel) {
		return c, &ChunkError{Reason: BadKey, Detail: fmt.Sprintf("the headers say %q", shorten(Key(c.Hearing, c.Channel)))}
	}
	var sum [8]byte
	putHex8(sum[:], checksum(m.Value))
	if string(h.checksum) != string(sum[:]) {
		return c, &ChunkError{Reason: BadChecksum, Header: headerChecksum, Detail: fmt.Sprintf("%q, but the value has %s", shorten(string(h.checksum)), sum[:])}
	}
	var aerr error
	switch Codec(h.codec) {
	case PCM:
		c.Samples, aerr = parsePCM(nil, m.Value)
	case FLAC:
		c.Samples, aerr = decodeFLAC(m.Value)
	default:
		return c, &ChunkError{Reason: UnknownCodec, Header: headerCodec, Detail: fmt.Sprintf("%q", shorten(string(h.codec)))}
	}
	if aerr != nil {
		return c, &ChunkError{Reason: BadAudio, Detail: aerr.Error()}
	}
	if err := c.check(); err != nil {
		return c, err
	}
	return c, nil
}

// headers are the values of a message's headers, nil where there is none.
type headers struct {
	version, hearing, channel, epoch, seq, first, rate, codec, capturedAt, checksum, end, lost []byte
}

func readHeaders(list []Header) (headers, *ChunkError) {
	var h headers
	fields := [...]struct {
		key string
		to  *[]byte
	}{
		{headerVersion, &h.version}, {headerHearing, &h.hearing}, {headerChannel, &h.channel}, {headerEpoch, &h.epoch},
		{headerSeq, &h.seq}, {headerFirst, &h.first}, {headerRate, &h.rate}, {headerCodec, &h.codec},
		{headerCapturedAt, &h.capturedAt}, {headerChecksum, &h.checksum}, {headerEnd, &h.end}, {headerLost, &h.lost},
	}
	for _, given := range list {
		for _, f := range fields {
			if f.key != given.Key {
				continue
			}
			if *f.to != nil {
				return h, &ChunkError{Reason: BadHeader, Header: f.key, Detail: "given twice"}
			}
			*f.to = given.Value
			if *f.to == nil {
				*f.to = []byte{}
			}
			break
		}
	}
	// The version comes first: nothing can be said of the rest without it.
	if h.version != nil && string(h.version) != messageVersion {
		return h, &ChunkError{Reason: UnknownVersion, Header: headerVersion, Detail: fmt.Sprintf("%q, not %s", shorten(string(h.version)), messageVersion)}
	}
	for _, f := range fields {
		if *f.to == nil && f.key != headerEnd && f.key != headerLost {
			return h, &ChunkError{Reason: MissingHeader, Header: f.key, Detail: "it is required"}
		}
	}
	return h, nil
}

// parseNumber reads decimal digits in their shortest form.
func parseNumber(header string, text []byte) (uint64, *ChunkError) {
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || v > maxNumber || len(text) > 1 && text[0] == '0' {
		return 0, &ChunkError{Reason: BadHeader, Header: header, Detail: fmt.Sprintf("%q is not a number up to 2^53-1", shorten(string(text)))}
	}
	return v, nil
}

// appendPCM appends samples as 16-bit little-endian bytes.
func appendPCM(b []byte, samples []int16) []byte {
	for _, s := range samples {
		b = append(b, byte(s), byte(uint16(s)>>8))
	}
	return b
}

// parsePCM reads samples into to, if there is room.
func parsePCM(to []int16, b []byte) ([]int16, error) {
	if len(b)%2 != 0 || len(b) > 2*MaxChunkSamples {
		return nil, fmt.Errorf("%d bytes of 16-bit samples", len(b))
	}
	if to == nil || cap(to) < len(b)/2 {
		to = make([]int16, len(b)/2)
	}
	to = to[:len(b)/2]
	for i := range to {
		to[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return to, nil
}

// checksum is CRC-32C (Castagnoli); the table is made once by the library.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func putHex8(to []byte, v uint32) {
	const digits = "0123456789abcdef"
	for i := range 8 {
		to[i] = digits[v>>(28-4*i)&15]
	}
}

// shorten keeps what a stranger sent fit for one line of a log.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
