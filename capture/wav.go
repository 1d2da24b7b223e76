package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrNotWAV says that a file does not begin like a WAV file.
var ErrNotWAV = errors.New("not a WAV file")

// WAVHeader is where the samples of a WAV file are and how they are written.
type WAVHeader struct {
	Rate       int // 1,000 to 384,000 Hz
	Channels   int // 1 to 64
	Bytes      int // of one sample of one channel: 1, 2, 3 or 4; 4 or 8 of a float
	Float      bool
	DataOffset int64 // of the first sample in the file
	Frames     int64 // samples of each channel; what the file holds, not what it says
	Missing    int64 // samples of each channel that it says besides: it was cut short
}

// The tags of the format chunk.
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xfffe
)

// noWAVSize is the least data size that stands for none: arecord, sox and ffmpeg
// write one of 2 GiB and more where they cannot know, and never come back to it.
const noWAVSize = 0x7fff0000

// maxWAVChunks bounds the walk over a file's chunks; recorders write a handful.
const maxWAVChunks = 1000

// ReadWAVHeader reads the head of a WAV or RF64 file of size bytes. No size
// that the file claims is believed: allocation and reading are bounded, data
// ends with the file at the latest, and a data size that leads nowhere (0,
// -1, the placeholder of a recorder that crashed) means the rest of the file.
// A copy that was cut off looks otherwise: see Missing.
// [ErrNotWAV] is returned for another kind of file.
func ReadWAVHeader(r io.ReaderAt, size int64) (WAVHeader, error) {
	var riff [12]byte
	if n, err := r.ReadAt(riff[:], 0); n < len(riff) {
		if err != nil && !errors.Is(err, io.EOF) {
			return WAVHeader{}, fmt.Errorf("read WAV: %w", err)
		}
		return WAVHeader{}, ErrNotWAV
	}
	if id := string(riff[:4]); id != "RIFF" && id != "RF64" || string(riff[8:]) != "WAVE" {
		return WAVHeader{}, ErrNotWAV
	}
	var h WAVHeader
	format := false
	at := int64(len(riff))
	for range maxWAVChunks {
		id, n, ok := wavChunk(r, at, size)
		if !ok {
			break
		}
		at += 8
		switch id {
		case "fmt ":
			b := make([]byte, min(n, 40, size-at))
			if _, err := r.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
				return WAVHeader{}, fmt.Errorf("read WAV: %w", err)
			}
			if err := h.parseFormat(b); err != nil {
				return WAVHeader{}, err
			}
			format = true
		case "data":
			if !format {
				return WAVHeader{}, errors.New("WAV file with data before its format")
			}
			h.DataOffset = at
			frame := int64(h.Bytes * h.Channels)
			h.Frames = wavDataBytes(r, at, n, size) / frame
			if n < noWAVSize {
				h.Missing = max(0, n/frame-h.Frames)
			}
			return h, nil
		}
		at += n + n&1
	}
	if !format {
		return WAVHeader{}, errors.New("WAV file without a format")
	}
	return WAVHeader{}, errors.New("WAV file without data")
}

// wavChunk reads the head of the chunk at an offset.
func wavChunk(r io.ReaderAt, at, size int64) (id string, n int64, ok bool) {
	var b [8]byte
	if at < 0 || at+8 > size {
		return "", 0, false
	}
	if n, _ := r.ReadAt(b[:], at); n < len(b) {
		return "", 0, false
	}
	return string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:])), true
}

// wavDataBytes is how many bytes of samples there are from at on, where the
// file claims n.
func wavDataBytes(r io.ReaderAt, at, n, size int64) int64 {
	rest := size - at
	if n <= 0 || n >= rest {
		return rest
	}
	// The claim is believed only if chunks follow that end with the file.
	next := at + n + n&1
	for range maxWAVChunks {
		if next >= size {
			return n
		}
		id, m, ok := wavChunk(r, next, size)
		if !ok || bytes.ContainsFunc([]byte(id), func(c rune) bool { return c < ' ' || c > '~' }) {
			return rest
		}
		next += 8 + m + m&1
		if next > size+1 {
			return rest
		}
	}
	return rest
}

func (h *WAVHeader) parseFormat(b []byte) error {
	if len(b) < 16 {
		return fmt.Errorf("WAV file with a format of %d bytes", len(b))
	}
	tag := binary.LittleEndian.Uint16(b)
	h.Channels = int(binary.LittleEndian.Uint16(b[2:]))
	rate := binary.LittleEndian.Uint32(b[4:])
	align := int(binary.LittleEndian.Uint16(b[12:]))
	bits := int(binary.LittleEndian.Uint16(b[14:]))
	if tag == wavExtensible && len(b) >= 26 {
		tag = binary.LittleEndian.Uint16(b[24:]) // the first bytes of the sub-format
	}
	if h.Channels < 1 || h.Channels > 64 {
		return fmt.Errorf("WAV file of %d channels", h.Channels)
	}
	if rate < 1000 || rate > 384000 {
		return fmt.Errorf("WAV file of %d Hz", rate)
	}
	h.Rate = int(rate)
	// A sample can stand in a wider container, at its upper end.
	h.Bytes = (bits + 7) / 8
	if align%h.Channels == 0 && align/h.Channels > h.Bytes {
		h.Bytes = align / h.Channels
	}
	h.Float = tag == wavFloat
	switch {
	case tag == wavPCM && h.Bytes >= 1 && h.Bytes <= 4:
	case tag == wavFloat && (h.Bytes == 4 || h.Bytes == 8):
	default:
		return fmt.Errorf("WAV file with coding %d of %d bits", tag, bits)
	}
	return nil
}

// Decode reads one channel (from 0) of the whole frames in b into to, which has
// room for them, and returns their number. Full scale is ±32768, whatever the
// file's own is: 16-bit samples keep their values exactly.
func (h WAVHeader) Decode(to []float64, b []byte, channel int) int {
	frame := h.Bytes * h.Channels
	n := min(len(b)/frame, len(to))
	for i := range n {
		s := b[i*frame+channel*h.Bytes:]
		var v float64
		switch {
		case h.Float && h.Bytes == 4:
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(s))) * 32768
		case h.Float:
			v = math.Float64frombits(binary.LittleEndian.Uint64(s)) * 32768
		case h.Bytes == 1: // unsigned
			v = (float64(s[0]) - 128) * 256
		case h.Bytes == 2:
			v = float64(int16(binary.LittleEndian.Uint16(s)))
		case h.Bytes == 3:
			v = float64(int32(s[0])<<8|int32(s[1])<<16|int32(s[2])<<24) / 65536
		default:
			v = float64(int32(binary.LittleEndian.Uint32(s))) / 65536
		}
		if math.IsNaN(v) {
			v = 0
		}
		to[i] = v
	}
	return n
}

// RoundSample is the 16-bit sample nearest to v, clipped at full scale.
func RoundSample(v float64) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, math.RoundToEven(v))))
}
