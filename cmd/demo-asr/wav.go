package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// rate is of all sound here, in Hz.
const rate = 16000

// parseWAV reads 16-bit mono PCM at 16 kHz. Each size is held against what is
// there; nothing is allocated but the samples.
func parseWAV(b []byte) ([]int16, error) {
	le := binary.LittleEndian
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errors.New("not a WAV file")
	}
	known := false
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), uint64(le.Uint32(b[4:]))
		b = b[8:]
		if size > uint64(len(b)) {
			return nil, fmt.Errorf("WAV chunk %q says %d bytes, %d are there", id, size, len(b))
		}
		chunk := b[:size]
		b = b[min(size+size%2, uint64(len(b))):]
		switch id {
		case "fmt ":
			if len(chunk) < 16 {
				return nil, fmt.Errorf("WAV format of %d bytes", len(chunk))
			}
			format, channels, hz, bits := le.Uint16(chunk), le.Uint16(chunk[2:]), le.Uint32(chunk[4:]), le.Uint16(chunk[14:])
			if format != 1 || channels != 1 || hz != rate || bits != 16 {
				return nil, fmt.Errorf("WAV format %d, %d channels, %d Hz, %d bits: this engine takes PCM, mono, %d Hz, 16 bits", format, channels, hz, bits, rate)
			}
			known = true
		case "data":
			if !known {
				return nil, errors.New("WAV data before its format")
			}
			pcm := make([]int16, len(chunk)/2)
			for i := range pcm {
				pcm[i] = int16(le.Uint16(chunk[2*i:]))
			}
			return pcm, nil
		}
	}
	return nil, errors.New("WAV file without data")
}
