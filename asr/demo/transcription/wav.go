package transcription

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ParseWAV reads mono 16-bit PCM. Every size is held against what is there;
// nothing is allocated but the samples.
func ParseWAV(b []byte) (pcm []int16, rate int, err error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, 0, errors.New("not a WAV file")
	}
	b = b[12:]
	for len(b) >= 8 {
		id := string(b[:4])
		size := int64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		if size > int64(len(b)) {
			return nil, 0, fmt.Errorf("chunk %q says %d bytes, %d are there", id, size, len(b))
		}
		body := b[:size]
		b = b[min(size+size%2, int64(len(b))):]
		switch id {
		case "fmt ":
			if len(body) < 16 {
				return nil, 0, fmt.Errorf("format chunk of %d bytes", len(body))
			}
			format, channels, depth := binary.LittleEndian.Uint16(body), binary.LittleEndian.Uint16(body[2:]), binary.LittleEndian.Uint16(body[14:])
			if format != 1 || channels != 1 || depth != 16 {
				return nil, 0, fmt.Errorf("format %d, %d channels, %d bits: this engine takes mono PCM of 16 bits", format, channels, depth)
			}
			if rate = int(binary.LittleEndian.Uint32(body[4:])); rate < 1 || rate > 384000 {
				return nil, 0, fmt.Errorf("sample rate of %d Hz", rate)
			}
		case "data":
			if rate == 0 {
				return nil, 0, errors.New("data before format")
			}
			if len(body)%2 != 0 {
				return nil, 0, fmt.Errorf("data of %d bytes: half a sample", len(body))
			}
			pcm = make([]int16, len(body)/2)
			for i := range pcm {
				pcm[i] = int16(binary.LittleEndian.Uint16(body[2*i:]))
			}
			return pcm, rate, nil
		}
	}
	return nil, 0, errors.New("no data chunk")
}
